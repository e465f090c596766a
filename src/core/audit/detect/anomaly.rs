//! `usage-anomaly`: a user does far more than they ever did.

use std::collections::VecDeque;
use std::ops::Range;

use super::incidents::Teller;
use super::parameters::{Id, detector, number};
use super::wording::{Piece, push_sentence};
use super::{MOST_EVIDENCE, Seen, Tuning};
use crate::report::Severity;

/// Buckets of the past that are remembered.
const MOST_BUCKETS: usize = 60;
/// Up to this many buckets back, a line is late rather than of another time.
const LATE: i64 = 2;

/// The detector.
pub const ID: Id = detector("usage-anomaly");

/// The bucket of the last event: most of the next are in it, too.
#[derive(Debug, Default)]
pub struct Bucket {
    number: i64,
    /// Where it begins and ends, in milliseconds.
    span: Range<i64>,
}

/// How much a user does, in buckets of time.
#[derive(Debug, Default)]
pub struct Buckets {
    current: i64,
    count: u32,
    /// Up to this count the current bucket is nothing unusual, as far as was worked out.
    usual: u32,
    total: u32,
    /// How many of the current bucket were written to the offsets.
    noted: u32,
    /// Where the last events of the current bucket stand, each behind the one before it and the first
    /// behind the last; once the past is long enough.
    offsets: Option<Box<[u64; MOST_EVIDENCE]>>,
    /// Most users have none.
    history: Option<Box<History>>,
}

/// What a user did before.
#[derive(Debug, Default)]
struct History {
    past: VecDeque<u32>,
    /// The median of the past, once it is worked out.
    middle: Option<f64>,
    /// What the current bucket must exceed, once it is worked out.
    limit: Option<f64>,
}

impl Buckets {
    /// How often the user was seen, and in which bucket last.
    pub fn worth(&self) -> (u64, i64) {
        (u64::from(self.total), self.current)
    }

    /// The memory it takes beside itself, in bytes.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        let history = self.history.as_deref().map_or(0, |history| {
            size_of::<History>() + history.past.capacity() * size_of::<u32>()
        });
        let offsets = self.offsets.as_deref().map_or(0, size_of_val);
        history + offsets
    }

    /// Holds the bounds of everything that is remembered.
    #[cfg(test)]
    pub fn assert_bounded(&self) {
        let past = self.history.as_deref().map_or(0, |known| known.past.len());
        assert!(past <= MOST_BUCKETS);
    }

    /// Whether there are buckets of the past.
    pub fn has_past(&self) -> bool {
        self.history.is_some()
    }

    /// Buckets of the past.
    pub fn past(&self) -> Vec<u32> {
        let history = self.history.as_deref();
        history.map_or_else(Vec::new, |history| history.past.iter().copied().collect())
    }

    /// Puts what was learned before in the place of less.
    pub fn recall(&mut self, past: &[u32], tuning: &Tuning) {
        let known = self.history.as_deref().map_or(0, |known| known.past.len());
        if known >= past.len() {
            return;
        }
        let skipped = past.len().saturating_sub(MOST_BUCKETS);
        let history = History {
            past: past[skipped..].iter().copied().collect(),
            ..History::default()
        };
        self.total = self
            .total
            .max(past.iter().fold(0, |sum, count| sum.saturating_add(*count)));
        self.history = Some(Box::new(history));
        self.usual = 0;
        self.noted = 0;
        self.make_room(tuning);
    }

    /// The user was seen so often before.
    pub fn was_seen(&mut self, times: u64) {
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        self.total = self.total.max(times);
    }

    /// A 300 s bucket with at least 30 events, above 3 × median and above median + 6 × 1.4826 × MAD
    /// (at least 1) of the last 60 buckets in which the user was active, at least 12 of them.
    #[inline]
    pub fn observe(
        &mut self,
        seen: &Seen<'_>,
        bucket: &Bucket,
        name: &str,
        tuning: &Tuning,
        grown: &mut usize,
        teller: Teller<'_>,
    ) {
        self.total = self.total.saturating_add(1);
        // A line that comes late counts where it comes; a clock that jumped back begins anew.
        if bucket.number > self.current || bucket.number < self.current - LATE {
            let before = self.heap_bytes();
            self.next(bucket.number, tuning);
            *grown += self.heap_bytes().saturating_sub(before);
        }
        self.note(seen.offset);
        if self.count <= self.usual
            || u64::from(self.count) < tuning.get(const { number("usage-anomaly", "count") })
            || !tuning.is_on(ID)
        {
            return;
        }
        self.judge(name, tuning, teller);
    }

    /// Whether the current bucket of a user has too much in it.
    #[inline(never)]
    fn judge(&mut self, name: &str, tuning: &Tuning, teller: Teller<'_>) {
        let history = self.history.as_deref_mut();
        let Some(history) = history.filter(|history| history.is_long(tuning)) else {
            return;
        };
        let factor = tuning.get(const { number("usage-anomaly", "factor") }) as f64;
        let past = &history.past;
        let middle = *history.middle.get_or_insert_with(|| middle(past));
        let count = f64::from(self.count);
        if count <= factor * middle {
            // Rounded down.
            self.usual = (factor * middle) as u32;
            return;
        }
        let deviations = tuning.get(const { number("usage-anomaly", "deviations") }) as f64;
        let limit = *history
            .limit
            .get_or_insert_with(|| (factor * middle).max(middle + deviations * spread(past)));
        if count <= limit {
            self.usual = limit as u32;
            return;
        }
        let window_s = window_s(tuning);
        let Some(alert) = teller.begin(ID, Severity::Medium, window_s) else {
            return;
        };
        alert.count = u64::from(self.count);
        alert.subject.push_str(name);
        self.push_last_offsets(&mut alert.evidence);
        let message = [
            Piece::Number(alert.count),
            Piece::Text(" events in "),
            Piece::Span(window_s),
            Piece::Text(", usually up to "),
            Piece::Text(&format!("{limit:.0}")),
        ];
        push_sentence(&mut alert.message, &message);
    }
}

fn window_s(tuning: &Tuning) -> u64 {
    tuning
        .get(const { number("usage-anomaly", "window_s") })
        .max(1)
}

impl Bucket {
    /// Moves on to the bucket of this time.
    #[inline]
    pub fn move_to(&mut self, now: i64, tuning: &Tuning) {
        if !self.span.contains(&now) {
            *self = Self::of(now, tuning);
        }
    }

    #[cold]
    fn of(now: i64, tuning: &Tuning) -> Self {
        let window_s = i64::try_from(window_s(tuning)).unwrap_or(i64::MAX);
        let number = now.div_euclid(1000).div_euclid(window_s);
        let end = |number: i64| number.saturating_mul(window_s).saturating_mul(1000);
        Self {
            number,
            span: end(number)..end(number + 1),
        }
    }
}

impl History {
    /// Whether it tells anything yet.
    fn is_long(&self, tuning: &Tuning) -> bool {
        let needed = tuning.get(const { number("usage-anomaly", "history") });
        self.past.len() as u64 >= needed.max(1)
    }
}

impl Buckets {
    #[inline]
    fn note(&mut self, offset: u64) {
        self.count = self.count.saturating_add(1);
        if let Some(offsets) = &mut self.offsets {
            offsets[self.noted as usize % MOST_EVIDENCE] = offset;
            self.noted = self.noted.wrapping_add(1);
        }
    }

    /// Adds the offsets that were written last, in order.
    fn push_last_offsets(&self, evidence: &mut Vec<u64>) {
        if let Some(offsets) = &self.offsets {
            let noted = self.noted as usize;
            let places = noted.saturating_sub(MOST_EVIDENCE)..noted;
            evidence.extend(places.map(|place| offsets[place % MOST_EVIDENCE]));
        }
    }

    fn next(&mut self, bucket: i64, tuning: &Tuning) {
        if self.count > 0 {
            let history = self.history.get_or_insert_default();
            if history.past.len() >= MOST_BUCKETS {
                history.past.pop_front();
            }
            history.past.push_back(self.count);
            history.middle = None;
            history.limit = None;
            self.usual = 0;
            self.noted = 0;
            self.make_room(tuning);
        }
        self.current = bucket;
        self.count = 0;
    }

    /// Offsets are of use once something may be said.
    fn make_room(&mut self, tuning: &Tuning) {
        let is_long = self
            .history
            .as_ref()
            .is_some_and(|past| past.is_long(tuning));
        if self.offsets.is_none() && is_long {
            self.offsets = Some(Box::new([0; MOST_EVIDENCE]));
        }
    }
}

/// The median.
fn middle(past: &VecDeque<u32>) -> f64 {
    twice_median(past.iter().map(|count| u64::from(*count))) as f64 / 2.0
}

/// 1.4826 × MAD, at least 1.
fn spread(past: &VecDeque<u32>) -> f64 {
    let counts = past.iter().map(|count| u64::from(*count));
    let twice_middle = twice_median(counts.clone());
    let twice = twice_median(counts.map(|count| twice_middle.abs_diff(2 * count)));
    (1.4826 * (twice as f64 / 4.0)).max(1.0)
}

/// The sum of both numbers in the middle, or twice the one.
fn twice_median(numbers: impl Iterator<Item = u64>) -> u64 {
    let mut values = [0; MOST_BUCKETS];
    let mut count = 0;
    for (place, number) in values.iter_mut().zip(numbers) {
        *place = number;
        count += 1;
    }
    let values = &mut values[..count];
    let Some(upper) = select(values, count / 2) else {
        return 0;
    };
    if count % 2 == 1 {
        return 2 * upper;
    }
    let lower = values[..count / 2].iter().max();
    upper + lower.copied().unwrap_or(upper)
}

/// The value that stands at `place` of the sorted list, with those before it in front (Hoare's
/// selection).
fn select(values: &mut [u64], place: usize) -> Option<u64> {
    let (mut start, mut end) = (0, values.len());
    while end - start > 1 {
        let pivot = values[start + (end - start) / 2];
        let (mut left, mut right) = (start, end - 1);
        loop {
            while values[left] < pivot {
                left += 1;
            }
            while values[right] > pivot {
                right -= 1;
            }
            if left >= right {
                break;
            }
            values.swap(left, right);
            left += 1;
            right -= 1;
        }
        // What is left of `left` is no larger than the pivot, and the rest no smaller.
        if place < left {
            end = left;
        } else {
            start = left;
        }
    }
    values.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Straight from the definition.
    fn median(values: &mut [f64]) -> f64 {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        if values.len() % 2 == 1 {
            values[middle]
        } else {
            (values[middle - 1] + values[middle]) / 2.0
        }
    }

    proptest::proptest! {
        #[test]
        fn the_middle_and_the_spread_are_those_of_the_definition(
            past in proptest::prop_oneof![
                proptest::collection::vec(0u32..5, 1..=MOST_BUCKETS),
                proptest::collection::vec(0u32.., 1..=MOST_BUCKETS),
            ],
        ) {
            let past = VecDeque::from(past);
            let mut values: Vec<f64> = past.iter().copied().map(f64::from).collect();
            let expected = median(&mut values);
            proptest::prop_assert_eq!(middle(&past), expected);
            let mut distances: Vec<f64> =
                values.iter().map(|value| (value - expected).abs()).collect();
            let expected = (1.4826 * median(&mut distances)).max(1.0);
            proptest::prop_assert_eq!(spread(&past), expected);
        }
    }
}
