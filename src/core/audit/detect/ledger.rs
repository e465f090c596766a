//! Refused attempts by subject, and the detectors that look at them: brute force, spraying,
//! stuffing, success after failures, storms of limits.

use std::borrow::Borrow;
use std::hash::Hash;

use super::few::Few;
use super::table::{Table, Worth};
use super::{Firing, MOST_EVIDENCE, Seen, Tuning, span};
use crate::order;
use crate::report::Severity;

/// A record holds no more attempts than this, whatever is configured.
const MOST_ATTEMPTS: u64 = 1024;
/// Distinct counterparts that are told apart.
const MOST_OTHERS: usize = 64;
/// Longer names are cut.
const LONGEST_NAME: usize = 64;
/// A time this far ahead, in milliseconds, is of another clock.
const AHEAD: i64 = 60_000;

/// Attempts by subject.
#[derive(Debug)]
pub struct Ledger<K> {
    table: Table<K, Record>,
    longest: usize,
}

/// What is remembered of one subject.
#[derive(Debug, Default)]
pub struct Record {
    attempts: Few<Attempt>,
    others: Few<Other>,
    total: u64,
}

#[derive(Debug, Clone, Copy)]
struct Attempt {
    time: i64,
    offset: u64,
    count: u32,
}

/// The other side of an attempt: a user of an address, an address of a user.
#[derive(Debug)]
struct Other {
    name: Box<str>,
    time: i64,
    offset: u64,
}

impl Worth for Record {
    fn worth(&self) -> (u64, i64) {
        (
            self.total,
            self.attempts
                .as_slice()
                .last()
                .map_or(0, |attempt| attempt.time),
        )
    }
}

impl<K: Hash + Eq + Clone> Ledger<K> {
    /// A ledger whose records hold `longest` attempts, or 32 if that is more.
    pub fn new(longest: u64) -> Self {
        Self {
            table: Table::default(),
            longest: usize::try_from(longest.min(MOST_ATTEMPTS))
                .unwrap_or(MOST_EVIDENCE)
                .max(MOST_EVIDENCE),
        }
    }

    /// Writes an attempt down.
    pub fn note(&mut self, key: &K, seen: &Seen<'_>, other: Option<String>) -> &Record {
        let longest = self.longest;
        let record = self.table.entry(key);
        if let Some(other) = other {
            record.note_other(&other, seen);
        }
        // A line that only accompanies an attempt may still name the other side.
        if seen.attempts == 0 {
            return record;
        }
        record.total += seen.attempts;
        let attempt = Attempt {
            time: seen.now,
            offset: seen.offset,
            count: u32::try_from(seen.attempts).unwrap_or(u32::MAX),
        };
        record.attempts.push_bounded(attempt, longest);
        record
    }

    /// Holds the bounds of everything that is remembered.
    #[cfg(test)]
    pub fn assert_bounded(&self, length: impl Fn(&K) -> usize) {
        assert!(self.table.iter().count() <= super::table::MOST_SUBJECTS);
        for (key, record) in self.table.iter() {
            assert!(length(key) <= super::LONGEST_USER);
            assert!(record.attempts.as_slice().len() <= self.longest);
            assert!(record.others.as_slice().len() <= MOST_OTHERS);
            let mut others = record.others.as_slice().iter();
            assert!(others.all(|other| other.name.len() <= LONGEST_NAME));
        }
    }

    /// What is remembered of a subject.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&Record>
    where
        K: Borrow<Q>,
    {
        self.table.get(key)
    }
}

impl Record {
    fn note_other(&mut self, name: &str, seen: &Seen<'_>) {
        let name = shortened(name, LONGEST_NAME);
        let fresh = Other {
            name: Box::from(name),
            time: seen.now,
            offset: seen.offset,
        };
        let others = self.others.as_mut_slice();
        if let Some(known) = others.iter_mut().find(|other| &*other.name == name) {
            *known = fresh;
        } else if others.len() < MOST_OTHERS {
            self.others.push(fresh);
        } else if let Some(oldest) = others.iter_mut().min_by_key(|other| other.time) {
            *oldest = fresh;
        }
    }

    /// How many attempts stand in the window that ends at `now`.
    fn count_within(&self, now: i64, window_s: u64) -> u64 {
        let window = 1000 * i64::try_from(window_s).unwrap_or(i64::MAX / 2000);
        let attempts = self.attempts.as_slice().iter();
        attempts
            .filter(|attempt| (-AHEAD..window).contains(&(now - attempt.time)))
            .map(|attempt| u64::from(attempt.count))
            .sum()
    }

    /// Attempts in the window that ends at `now`: how many, where, and when first.
    fn within(&self, now: i64, window_s: u64) -> Within {
        let window = 1000 * i64::try_from(window_s).unwrap_or(i64::MAX / 2000);
        let mut within = Within::default();
        for attempt in self.attempts.as_slice() {
            let age = now - attempt.time;
            if age < window && age >= -AHEAD {
                within.count += u64::from(attempt.count);
                within.offsets.push(attempt.offset);
                within.first.get_or_insert(attempt.time);
            }
        }
        within
    }

    fn recent_others(&self, now: i64, window_s: u64) -> impl Iterator<Item = &Other> {
        let window = 1000 * i64::try_from(window_s).unwrap_or(i64::MAX / 2000);
        let others = self.others.as_slice().iter();
        others.filter(move |other| (-AHEAD..window).contains(&(now - other.time)))
    }

    fn count_others_within(&self, now: i64, window_s: u64) -> usize {
        self.recent_others(now, window_s).count()
    }

    fn others_within(&self, now: i64, window_s: u64) -> Vec<&Other> {
        let mut others: Vec<&Other> = self.recent_others(now, window_s).collect();
        order::sort_by_key(&mut others, |other| (other.time, other.offset));
        others
    }

    fn some_others(&self, now: i64, window_s: u64) -> Vec<String> {
        self.others_within(now, window_s)
            .iter()
            .take(3)
            .map(|other| other.name.to_string())
            .collect()
    }
}

#[derive(Debug, Default)]
struct Within {
    count: u64,
    offsets: Vec<u64>,
    first: Option<i64>,
}

/// The beginning of a name, of at most so many bytes.
pub fn shortened(name: &str, most: usize) -> &str {
    let mut end = name.len().min(most);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// Keeps the last 32, the trigger last.
fn evidence(mut offsets: Vec<u64>) -> Vec<u64> {
    if offsets.len() > MOST_EVIDENCE {
        offsets.drain(..offsets.len() - MOST_EVIDENCE);
    }
    offsets
}

/// 5 failures in 600 s, or 20 in a day; 20 in 600 s are worse. What is no worse than what was `told`
/// is not worked out.
pub fn brute_force(
    record: &Record,
    seen: &Seen<'_>,
    subject: &str,
    told: Option<Severity>,
    tuning: &Tuning,
    firings: &mut Vec<Firing>,
) {
    const ID: &str = "brute-force";
    if !tuning.is_on(ID) || record.total < tuning.get(ID, "count").min(tuning.get(ID, "slow_count"))
    {
        return;
    }
    let window_s = tuning.get(ID, "window_s");
    let slow_window_s = tuning.get(ID, "slow_window_s");
    let quick = record.count_within(seen.now, window_s);
    let (window_s, severity) = if quick >= tuning.get(ID, "high_count") {
        (window_s, Severity::High)
    } else if quick >= tuning.get(ID, "count") {
        (window_s, Severity::Medium)
    } else if told.is_none()
        && record.count_within(seen.now, slow_window_s) >= tuning.get(ID, "slow_count")
    {
        (slow_window_s, Severity::Medium)
    } else {
        return;
    };
    if told >= Some(severity) {
        return;
    }
    let within = record.within(seen.now, window_s);
    firings.push(Firing {
        detector: ID,
        severity,
        subject: subject.to_owned(),
        count: within.count,
        window_s,
        message: format!("{} failures in {}", within.count, span(window_s)),
        first: within.first,
        evidence: evidence(within.offsets),
        others: record.some_others(seen.now, window_s),
    });
}

/// 5 distinct users fail in 1200 s from one address.
pub fn password_spray(
    record: &Record,
    seen: &Seen<'_>,
    subject: &str,
    tuning: &Tuning,
    firings: &mut Vec<Firing>,
) {
    distinct(
        "password-spray",
        "users",
        record,
        seen,
        subject,
        tuning,
        firings,
    );
}

/// 5 distinct addresses fail in 3600 s for one user.
pub fn credential_stuffing(
    record: &Record,
    seen: &Seen<'_>,
    subject: &str,
    tuning: &Tuning,
    firings: &mut Vec<Firing>,
) {
    distinct(
        "credential-stuffing",
        "addresses",
        record,
        seen,
        subject,
        tuning,
        firings,
    );
}

fn distinct(
    id: &'static str,
    what: &str,
    record: &Record,
    seen: &Seen<'_>,
    subject: &str,
    tuning: &Tuning,
    firings: &mut Vec<Firing>,
) {
    let needed = usize::try_from(tuning.get(id, "count")).unwrap_or(usize::MAX);
    if !tuning.is_on(id) || record.others.as_slice().len() < needed {
        return;
    }
    let window_s = tuning.get(id, "window_s");
    if record.count_others_within(seen.now, window_s) < needed {
        return;
    }
    let others = record.others_within(seen.now, window_s);
    firings.push(Firing {
        detector: id,
        severity: Severity::High,
        subject: subject.to_owned(),
        count: others.len() as u64,
        window_s,
        message: format!("failures of {} {what} in {}", others.len(), span(window_s)),
        first: others.first().map(|other| other.time),
        evidence: evidence(others.iter().map(|other| other.offset).collect()),
        others: others
            .iter()
            .take(3)
            .map(|other| other.name.to_string())
            .collect(),
    });
}

/// A success after 5 failures of that address or that user in 1800 s; whether it is one. Where that
/// was told, it is not worked out again.
pub fn success_after_failures(
    of_user: Option<&Record>,
    of_address: Option<&Record>,
    subject: &str,
    is_told: bool,
    seen: &Seen<'_>,
    tuning: &Tuning,
    firings: &mut Vec<Firing>,
) -> bool {
    const ID: &str = "success-after-failures";
    if !tuning.is_on(ID) {
        return false;
    }
    let window_s = tuning.get(ID, "window_s");
    let best = [of_user, of_address]
        .into_iter()
        .flatten()
        .map(|record| (record.count_within(seen.now, window_s), record))
        .max_by_key(|(count, _)| *count);
    let Some((_, record)) = best.filter(|(count, _)| *count >= tuning.get(ID, "count")) else {
        return false;
    };
    if is_told {
        return true;
    }
    let within = record.within(seen.now, window_s);
    let mut offsets = evidence(within.offsets);
    if offsets.len() == MOST_EVIDENCE {
        offsets.remove(0);
    }
    offsets.push(seen.offset);
    firings.push(Firing {
        detector: ID,
        severity: Severity::Critical,
        subject: subject.to_owned(),
        count: within.count,
        window_s,
        message: format!(
            "success after {} failures in {}",
            within.count,
            span(window_s)
        ),
        first: within.first,
        evidence: offsets,
        others: record.some_others(seen.now, window_s),
    });
    true
}

/// 20 refusals of the limiter in 60 s.
pub fn rate_limit_storm(
    record: &Record,
    seen: &Seen<'_>,
    subject: &str,
    tuning: &Tuning,
    firings: &mut Vec<Firing>,
) {
    const ID: &str = "rate-limit-storm";
    if !tuning.is_on(ID) {
        return;
    }
    let window_s = tuning.get(ID, "window_s");
    if record.count_within(seen.now, window_s) < tuning.get(ID, "count") {
        return;
    }
    let within = record.within(seen.now, window_s);
    firings.push(Firing {
        detector: ID,
        severity: Severity::Medium,
        subject: subject.to_owned(),
        count: within.count,
        window_s,
        message: format!(
            "{} refusals of the limiter in {}",
            within.count,
            span(window_s)
        ),
        first: within.first,
        evidence: evidence(within.offsets),
        others: Vec::new(),
    });
}
