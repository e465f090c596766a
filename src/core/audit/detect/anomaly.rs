//! `usage-anomaly`: a user does far more than they ever did.

use std::collections::VecDeque;
use std::ops::Range;

use super::few::Ring;
use super::parameters::{Id, detector, number};
use super::table::{Table, Worth};
use super::wording::{Piece, sentence};
use super::{Firing, MOST_EVIDENCE, Seen, Tuning, User};
use crate::order;
use crate::report::Severity;

/// Buckets of the past that are remembered.
const MOST_BUCKETS: usize = 60;
/// So many buckets back, a line is late rather than of another time.
const LATE: i64 = 2;

/// The detector.
pub const ID: Id = detector("usage-anomaly");

/// How much each user does, in buckets of time.
#[derive(Debug, Default)]
pub struct Usage {
    users: Table<Buckets>,
    bucket: Bucket,
}

/// The bucket of the last event: most of the next are in it, too.
#[derive(Debug, Default)]
struct Bucket {
    number: i64,
    /// Where it begins and ends, in milliseconds.
    span: Range<i64>,
}

#[derive(Debug, Default)]
struct Buckets {
    current: i64,
    count: u32,
    total: u32,
    /// Most users have none.
    history: Option<Box<History>>,
}

/// What a user did before.
#[derive(Debug, Default)]
struct History {
    user: Box<str>,
    past: VecDeque<u32>,
    /// What the current bucket must exceed, once it is worked out.
    limit: Option<f64>,
    /// Where the last events of the current bucket stand.
    offsets: Ring<u64>,
}

impl Worth for Buckets {
    fn worth(&self) -> (u64, i64) {
        (u64::from(self.total), self.current)
    }
}

impl Usage {
    /// Holds the bounds of everything that is remembered.
    #[cfg(test)]
    pub fn assert_bounded(&self) {
        assert!(self.users.iter().count() <= super::table::MOST_SUBJECTS);
        let histories = self.users.iter();
        for history in histories.filter_map(|buckets| buckets.history.as_deref()) {
            assert!(history.user.len() <= super::LONGEST_USER);
            assert!(history.past.len() <= MOST_BUCKETS);
            assert!(history.offsets.len() <= MOST_EVIDENCE);
        }
    }

    /// Buckets of the past, by user.
    pub fn learned(&self) -> impl Iterator<Item = (&str, Vec<u32>)> {
        self.users.iter().filter_map(|buckets| {
            let history = buckets.history.as_deref()?;
            Some((&*history.user, history.past.iter().copied().collect()))
        })
    }

    /// Puts what was learned before in the place of less.
    pub fn recall(&mut self, user: &str, key: u64, past: &[u32]) {
        let buckets = self.users.entry(key);
        let known = buckets
            .history
            .as_deref()
            .map_or(0, |known| known.past.len());
        if known >= past.len() {
            return;
        }
        let mut history = History::of(user);
        let skipped = past.len().saturating_sub(MOST_BUCKETS);
        history.past = past[skipped..].iter().copied().collect();
        buckets.total = buckets
            .total
            .max(past.iter().fold(0, |sum, count| sum.saturating_add(*count)));
        buckets.history = Some(Box::new(history));
    }

    /// A 300 s bucket with at least 30 events, above 3 × median and above median + 6 × 1.4826 × MAD
    /// (at least 1) of the last 60 buckets in which the user was active, at least 12 of them. Where
    /// `is_told` of it, no more is said.
    pub fn observe(
        &mut self,
        seen: &Seen<'_>,
        user: User<'_>,
        tuning: &Tuning,
        is_told: impl FnOnce() -> bool,
    ) -> Option<Firing> {
        if seen.now == 0 {
            return None;
        }
        if !self.bucket.span.contains(&seen.now) {
            self.bucket = Bucket::of(seen.now, tuning)?;
        }
        let bucket = self.bucket.number;
        let record = self.users.entry(user.key);
        record.total = record.total.saturating_add(1);
        // A line that comes late counts where it comes; a clock that jumped back begins anew.
        if bucket > record.current || bucket < record.current - LATE {
            record.next(bucket, user.name);
        }
        record.note(seen.offset);
        if u64::from(record.count) < tuning.get(const { number("usage-anomaly", "count") })
            || !tuning.is_on(ID)
        {
            return None;
        }
        Self::judge(record, user, tuning, is_told)
    }

    /// Whether the current bucket of a user has too much in it.
    fn judge(
        record: &mut Buckets,
        user: User<'_>,
        tuning: &Tuning,
        is_told: impl FnOnce() -> bool,
    ) -> Option<Firing> {
        let history = record.history.as_deref_mut()?;
        if (history.past.len() as u64)
            < tuning
                .get(const { number("usage-anomaly", "history") })
                .max(1)
        {
            return None;
        }
        let factor = tuning.get(const { number("usage-anomaly", "factor") }) as f64;
        let deviations = tuning.get(const { number("usage-anomaly", "deviations") }) as f64;
        let past = &history.past;
        let limit = *history
            .limit
            .get_or_insert_with(|| limit(past, factor, deviations));
        if f64::from(record.count) <= limit || is_told() {
            return None;
        }
        let window_s = window_s(tuning);
        let usual = format!("{limit:.0}");
        Some(Firing {
            detector: ID,
            severity: Severity::Medium,
            subject: user.name.to_owned(),
            count: u64::from(record.count),
            window_s,
            message: sentence(&[
                Piece::Number(u64::from(record.count)),
                Piece::Text(" events in "),
                Piece::Span(window_s),
                Piece::Text(", usually up to "),
                Piece::Text(&usual),
            ]),
            evidence: history.offsets.parts().concat(),
            first: None,
            others: Vec::new(),
        })
    }
}

fn window_s(tuning: &Tuning) -> u64 {
    tuning
        .get(const { number("usage-anomaly", "window_s") })
        .max(1)
}

impl Bucket {
    #[cold]
    fn of(now: i64, tuning: &Tuning) -> Option<Self> {
        let window_s = i64::try_from(window_s(tuning)).ok()?;
        let number = now.div_euclid(1000).div_euclid(window_s);
        let end = |number: i64| number.saturating_mul(window_s).saturating_mul(1000);
        Some(Self {
            number,
            span: end(number)..end(number + 1),
        })
    }
}

impl History {
    fn of(user: &str) -> Self {
        Self {
            user: user.into(),
            ..Self::default()
        }
    }
}

impl Buckets {
    #[inline]
    fn note(&mut self, offset: u64) {
        self.count = self.count.saturating_add(1);
        let Some(history) = &mut self.history else {
            return;
        };
        history.offsets.push(offset, MOST_EVIDENCE);
    }

    fn next(&mut self, bucket: i64, user: &str) {
        if self.count > 0 {
            let history = self
                .history
                .get_or_insert_with(|| Box::new(History::of(user)));
            if history.past.len() >= MOST_BUCKETS {
                history.past.pop_front();
            }
            history.past.push_back(self.count);
            history.limit = None;
            history.offsets.clear();
        }
        self.current = bucket;
        self.count = 0;
    }
}

fn limit(past: &VecDeque<u32>, factor: f64, deviations: f64) -> f64 {
    let mut values: Vec<f64> = past.iter().copied().map(f64::from).collect();
    let middle = median(&mut values);
    let mut distances: Vec<f64> = past
        .iter()
        .map(|value| (f64::from(*value) - middle).abs())
        .collect();
    let spread = (1.4826 * median(&mut distances)).max(1.0);
    (factor * middle).max(middle + deviations * spread)
}

fn median(values: &mut [f64]) -> f64 {
    order::sort_by(values, f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        (values[middle - 1] + values[middle]) / 2.0
    }
}
