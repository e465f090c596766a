//! Refused attempts by subject, and the detectors that look at them: brute force, spraying,
//! stuffing, success after failures, storms of limits.

use std::fmt::Display;

use super::few::Few;
use super::parameters::{Number, number};
use super::table::{Table, Worth};
use super::{Firing, MOST_EVIDENCE, Seen, Tuning, span};
use crate::audit::address::Subject;
use crate::order;
use crate::report::Severity;

/// A record holds no more attempts than this, whatever is configured.
const MOST_ATTEMPTS: u64 = 1024;
/// Distinct counterparts that are told apart at least: more are of no use once there was an alert, and
/// lists that are this short keep a million subjects small.
const LEAST_OTHERS: usize = 16;
/// Longer names are cut.
const LONGEST_NAME: usize = 64;
/// A time this far ahead, in milliseconds, is of another clock.
const AHEAD: i64 = 60_000;

/// The detector of a success that follows failures.
pub const SUCCESS: &str = "success-after-failures";

/// Attempts by subject; the other side of an attempt is an `O`.
#[derive(Debug)]
pub struct Ledger<O> {
    table: Table<Record<O>>,
    longest: usize,
    most_others: usize,
}

/// What is remembered of one subject.
#[derive(Debug)]
pub struct Record<O> {
    attempts: Few<Attempt>,
    others: Few<Other<O>>,
    total: u64,
    /// The highest time of an attempt.
    latest: i64,
}

#[derive(Debug, Clone, Copy)]
struct Attempt {
    time: i64,
    offset: u64,
    count: u32,
}

/// The other side of an attempt.
#[derive(Debug)]
struct Other<O> {
    side: O,
    time: i64,
    offset: u64,
}

/// The name of a user, the other side of an address's attempts.
#[derive(Debug)]
pub struct UserName {
    /// Some bits of its hash: most names are told apart without a look at them.
    mark: u32,
    name: Box<str>,
}

impl<O> Default for Record<O> {
    fn default() -> Self {
        Self {
            attempts: Few::None,
            others: Few::None,
            total: 0,
            latest: i64::MIN,
        }
    }
}

impl<O> Worth for Record<O> {
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

impl<O> Ledger<O> {
    /// A ledger whose records hold `longest` attempts, or 32 if that is more, and tell `others` other
    /// sides apart, or 16 if that is more.
    pub fn new(longest: u64, others: u64) -> Self {
        Self {
            table: Table::default(),
            most_others: usize::try_from(others.min(MOST_ATTEMPTS))
                .unwrap_or(LEAST_OTHERS)
                .max(LEAST_OTHERS),
            longest: usize::try_from(longest.min(MOST_ATTEMPTS))
                .unwrap_or(MOST_EVIDENCE)
                .max(MOST_EVIDENCE),
        }
    }

    /// Writes an attempt down.
    pub fn note(&mut self, key: u64, seen: &Seen<'_>) -> &mut Record<O> {
        let longest = self.longest;
        let record = self.table.entry(key);
        // A line that only accompanies an attempt may still name the other side.
        if seen.attempts == 0 {
            return record;
        }
        record.total += seen.attempts;
        record.latest = record.latest.max(seen.now);
        let attempt = Attempt {
            time: seen.now,
            offset: seen.offset,
            count: u32::try_from(seen.attempts).unwrap_or(u32::MAX),
        };
        record.attempts.push_bounded(attempt, longest);
        record
    }

    /// Distinct other sides that a record tells apart.
    pub fn most_others(&self) -> usize {
        self.most_others
    }

    /// Holds the bounds of everything that is remembered; `length` is that of an other side.
    #[cfg(test)]
    pub fn assert_bounded(&self, length: impl Fn(&O) -> usize) {
        assert!(self.table.iter().count() <= super::table::MOST_SUBJECTS);
        for record in self.table.iter() {
            assert!(record.attempts.as_slice().len() <= self.longest);
            assert!(record.others.as_slice().len() <= self.most_others);
            let mut others = record.others.as_slice().iter();
            assert!(others.all(|other| length(&other.side) <= LONGEST_NAME));
        }
    }

    /// What is remembered of a subject.
    pub fn get(&self, key: u64) -> Option<&Record<O>> {
        self.table.get(key)
    }
}

impl Record<UserName> {
    /// Writes down which user an address tried, one of `most`; `key` is the hash of the name.
    pub fn note_user(&mut self, name: &str, key: u64, most: usize, seen: &Seen<'_>) {
        let name = shortened(name, LONGEST_NAME);
        // The lower half.
        let mark = key as u32;
        let is_it = |other: &UserName| other.mark == mark && *other.name == *name;
        let make = || UserName {
            mark,
            name: name.into(),
        };
        self.note_other(is_it, make, most, seen);
    }
}

impl Record<Subject> {
    /// Writes down from which address a user was tried, one of `most`.
    pub fn note_address(&mut self, address: Subject, most: usize, seen: &Seen<'_>) {
        self.note_other(|other| *other == address, || address, most, seen);
    }
}

impl<O> Record<O> {
    fn note_other(
        &mut self,
        is_it: impl Fn(&O) -> bool,
        make: impl FnOnce() -> O,
        most: usize,
        seen: &Seen<'_>,
    ) {
        let others = self.others.as_mut_slice();
        if let Some(known) = others.iter_mut().find(|other| is_it(&other.side)) {
            known.time = seen.now;
            known.offset = seen.offset;
            return;
        }
        let fresh = Other {
            side: make(),
            time: seen.now,
            offset: seen.offset,
        };
        if others.len() < most {
            self.others.push(fresh);
        } else if let Some(oldest) = others.iter_mut().min_by_key(|other| other.time) {
            *oldest = fresh;
        }
    }
}

impl<O> Record<O> {
    /// How many attempts stand in the window that ends at `now`; nobody wants to know whether they
    /// are more than `enough`.
    fn count_within(&self, now: i64, window_s: u64, enough: u64) -> u64 {
        let window = 1000 * i64::try_from(window_s).unwrap_or(i64::MAX / 2000);
        let mut count = 0;
        // Most subjects were quiet for long: then their attempts need no look.
        if now.saturating_sub(self.latest) >= window {
            return count;
        }
        for attempt in self.attempts.as_slice().iter().rev() {
            let age = now - attempt.time;
            if age < window && age >= -AHEAD {
                count += u64::from(attempt.count);
                if count >= enough {
                    break;
                }
            }
        }
        count
    }

    /// Attempts in the window that ends at `now`: how many, where, and when first.
    fn within(&self, now: i64, window_s: u64) -> Within {
        let window = 1000 * i64::try_from(window_s).unwrap_or(i64::MAX / 2000);
        let mut within = Within {
            offsets: Vec::with_capacity(self.attempts.as_slice().len()),
            ..Within::default()
        };
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

    fn recent_others(&self, now: i64, window_s: u64) -> impl Iterator<Item = &Other<O>> {
        let window = 1000 * i64::try_from(window_s).unwrap_or(i64::MAX / 2000);
        let others = self.others.as_slice().iter();
        others.filter(move |other| (-AHEAD..window).contains(&(now - other.time)))
    }

    fn others_within(&self, now: i64, window_s: u64) -> Vec<&Other<O>> {
        let mut others: Vec<&Other<O>> = self.recent_others(now, window_s).collect();
        order::sort_by_key(&mut others, |other| (other.time, other.offset));
        others
    }
}

impl<O: Display> Record<O> {
    /// The three that came first, in their order.
    fn some_others(&self, now: i64, window_s: u64) -> Vec<String> {
        let mut first: Vec<&Other<O>> = Vec::with_capacity(SOME + 1);
        for other in self.recent_others(now, window_s) {
            let is_later =
                |known: &&Other<O>| (known.time, known.offset) > (other.time, other.offset);
            let place = first.iter().position(is_later).unwrap_or(first.len());
            if place < SOME {
                first.insert(place, other);
                first.truncate(SOME);
            }
        }
        some(&first)
    }
}

/// How many other sides an alert names.
const SOME: usize = 3;

fn some<O: Display>(others: &[&Other<O>]) -> Vec<String> {
    let some = others.iter().take(SOME);
    some.map(|other| other.side.to_string()).collect()
}

impl Display for UserName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
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
    record: &Record<UserName>,
    seen: &Seen<'_>,
    subject: &dyn Display,
    told: Option<Severity>,
    tuning: &Tuning,
    firings: &mut Vec<Firing>,
) {
    const ID: &str = "brute-force";
    if !tuning.is_on(ID)
        || record.total
            < tuning
                .get(const { number(ID, "count") })
                .min(tuning.get(const { number(ID, "slow_count") }))
    {
        return;
    }
    let window_s = tuning.get(const { number(ID, "window_s") });
    let slow_window_s = tuning.get(const { number(ID, "slow_window_s") });
    let high_count = tuning.get(const { number(ID, "high_count") });
    let slow_count = tuning.get(const { number(ID, "slow_count") });
    let count = tuning.get(const { number(ID, "count") });
    let quick = record.count_within(seen.now, window_s, high_count.max(count));
    let (window_s, severity) = if quick >= high_count {
        (window_s, Severity::High)
    } else if quick >= count {
        (window_s, Severity::Medium)
    } else if told.is_none()
        && record.count_within(seen.now, slow_window_s, slow_count) >= slow_count
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
        subject: subject.to_string(),
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
    record: &Record<UserName>,
    seen: &Seen<'_>,
    subject: &dyn Display,
    tuning: &Tuning,
    firings: &mut Vec<Firing>,
) {
    const RULE: Rule = Rule::of("password-spray", "users");
    distinct(&RULE, record, seen, subject, tuning, firings);
}

/// 5 distinct addresses fail in 3600 s for one user.
pub fn credential_stuffing(
    record: &Record<Subject>,
    seen: &Seen<'_>,
    subject: &dyn Display,
    tuning: &Tuning,
    firings: &mut Vec<Firing>,
) {
    const RULE: Rule = Rule::of("credential-stuffing", "addresses");
    distinct(&RULE, record, seen, subject, tuning, firings);
}

/// What tells `password-spray` from `credential-stuffing`.
struct Rule {
    id: &'static str,
    what: &'static str,
    count: Number,
    window_s: Number,
}

impl Rule {
    const fn of(id: &'static str, what: &'static str) -> Self {
        Self {
            id,
            what,
            count: number(id, "count"),
            window_s: number(id, "window_s"),
        }
    }
}

fn distinct<O: Display>(
    rule: &Rule,
    record: &Record<O>,
    seen: &Seen<'_>,
    subject: &dyn Display,
    tuning: &Tuning,
    firings: &mut Vec<Firing>,
) {
    let needed = usize::try_from(tuning.get(rule.count)).unwrap_or(usize::MAX);
    if !tuning.is_on(rule.id) || record.others.as_slice().len() < needed {
        return;
    }
    let window_s = tuning.get(rule.window_s);
    let recent = record.recent_others(seen.now, window_s);
    if recent.take(needed).count() < needed {
        return;
    }
    let others = record.others_within(seen.now, window_s);
    firings.push(Firing {
        detector: rule.id,
        severity: Severity::High,
        subject: subject.to_string(),
        count: others.len() as u64,
        window_s,
        message: format!(
            "failures of {} {} in {}",
            others.len(),
            rule.what,
            span(window_s)
        ),
        first: others.first().map(|other| other.time),
        evidence: evidence(others.iter().map(|other| other.offset).collect()),
        others: some(&others),
    });
}

/// How many failures stood before a success within 1800 s, if they are 5 or more; at least so many
/// where that was told.
pub fn failures_before<O>(
    record: Option<&Record<O>>,
    is_told: bool,
    seen: &Seen<'_>,
    tuning: &Tuning,
) -> Option<u64> {
    let window_s = tuning.get(const { number(SUCCESS, "window_s") });
    let needed = tuning.get(const { number(SUCCESS, "count") });
    let enough = if is_told { needed } else { u64::MAX };
    let count = record?.count_within(seen.now, window_s, enough);
    (count >= needed).then_some(count)
}

/// A success after 5 failures of that address or that user in 1800 s.
pub fn success_after_failures<O: Display>(
    record: &Record<O>,
    seen: &Seen<'_>,
    subject: &dyn Display,
    tuning: &Tuning,
) -> Firing {
    let window_s = tuning.get(const { number(SUCCESS, "window_s") });
    let within = record.within(seen.now, window_s);
    let mut offsets = evidence(within.offsets);
    if offsets.len() == MOST_EVIDENCE {
        offsets.remove(0);
    }
    offsets.push(seen.offset);
    Firing {
        detector: SUCCESS,
        severity: Severity::Critical,
        subject: subject.to_string(),
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
    }
}

/// 20 refusals of the limiter in 60 s.
pub fn rate_limit_storm(
    record: &Record<Subject>,
    seen: &Seen<'_>,
    subject: &dyn Display,
    tuning: &Tuning,
    firings: &mut Vec<Firing>,
) {
    const ID: &str = "rate-limit-storm";
    if !tuning.is_on(ID) {
        return;
    }
    let window_s = tuning.get(const { number(ID, "window_s") });
    let needed = tuning.get(const { number(ID, "count") });
    if record.count_within(seen.now, window_s, needed) < needed {
        return;
    }
    let within = record.within(seen.now, window_s);
    firings.push(Firing {
        detector: ID,
        severity: Severity::Medium,
        subject: subject.to_string(),
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
