//! Refused attempts by subject, and the detectors that look at them: brute force, spraying,
//! stuffing, success after failures, storms of limits.

use super::few::{Few, Ring};
use super::parameters::{Id, Number, detector, number};
use super::records::Keyed;
use super::table::{Table, Worth};
use super::wording::{Name, Piece, Shown, sentence};
use super::{Firing, MOST_EVIDENCE, Seen, Tuning};
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
pub const SUCCESS: Id = detector("success-after-failures");
/// The detector of many failures.
pub const BRUTE_FORCE: Id = detector("brute-force");
/// The detector of many users.
pub const SPRAY: Id = detector("password-spray");
/// The detector of many addresses.
pub const STUFFING: Id = detector("credential-stuffing");
/// The detector of many refusals of the limiter.
pub const STORM: Id = detector("rate-limit-storm");

/// Attempts by subject; the other side of an attempt is an `O`.
#[derive(Debug)]
pub struct Ledger<O> {
    table: Table<Record<O>>,
    longest: usize,
    most_others: usize,
}

/// What is remembered of one subject. What a glance needs stands in the first 64 bytes, which are one
/// line of the cache.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Record<O> {
    key: u64,
    /// The highest time of an attempt.
    latest: i64,
    total: u64,
    /// One that came late or counts more than once is odd.
    attempts: Ring<Attempt>,
    others: Others<O>,
}

#[derive(Debug, Clone, Copy)]
struct Attempt {
    time: i64,
    offset: u64,
    count: u32,
}

/// The other sides of a subject's attempts.
#[derive(Debug)]
struct Others<O> {
    /// Some bits of the hash of each of the first, so that most need no look.
    marks: [u8; LEAST_OTHERS],
    list: Few<Other<O>>,
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
pub struct UserName(Box<str>);

impl<O> Keyed for Record<O> {
    fn of(key: u64) -> Self {
        Self {
            key,
            latest: i64::MIN,
            total: 0,
            attempts: Ring::default(),
            others: Others {
                marks: [0; LEAST_OTHERS],
                list: Few::None,
            },
        }
    }

    #[inline]
    fn key(&self) -> u64 {
        self.key
    }
}

impl<O> Worth for Record<O> {
    fn worth(&self) -> (u64, i64) {
        let last = self.attempts.last_but(0);
        (self.total, last.map_or(0, |attempt| attempt.time))
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
    #[inline]
    pub fn note(&mut self, key: u64, seen: &Seen<'_>) -> &mut Record<O> {
        let longest = self.longest;
        let record = self.table.entry(key);
        // A line that only accompanies an attempt may still name the other side.
        if seen.attempts == 0 {
            return record;
        }
        record.total += seen.attempts;
        let is_odd = seen.now < record.latest || seen.attempts != 1;
        record.latest = record.latest.max(seen.now);
        let attempt = Attempt {
            time: seen.now,
            offset: seen.offset,
            count: u32::try_from(seen.attempts).unwrap_or(u32::MAX),
        };
        record.attempts.push(attempt, longest, is_odd);
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
            assert!(record.attempts.len() <= self.longest);
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
    #[inline]
    pub fn note_user(&mut self, name: &str, key: u64, most: usize, seen: &Seen<'_>) {
        let name = shortened(name, LONGEST_NAME);
        let is_it = |other: &UserName| *other.0 == *name;
        let make = || UserName(name.into());
        self.others.note(mark(key), is_it, make, most, seen);
    }
}

impl Record<Subject> {
    /// Writes down from which address a user was tried, one of `most`; `key` is the hash of the
    /// address.
    #[inline]
    pub fn note_address(&mut self, address: Subject, key: u64, most: usize, seen: &Seen<'_>) {
        let is_it = |other: &Subject| *other == address;
        self.others.note(mark(key), is_it, || address, most, seen);
    }
}

/// Bits of a hash.
fn mark(key: u64) -> u8 {
    (key >> 24) as u8
}

impl<O> Others<O> {
    fn as_slice(&self) -> &[Other<O>] {
        self.list.as_slice()
    }

    #[inline]
    fn note(
        &mut self,
        mark: u8,
        is_it: impl Fn(&O) -> bool,
        make: impl FnOnce() -> O,
        most: usize,
        seen: &Seen<'_>,
    ) {
        let list = self.list.as_mut_slice();
        if let Some(place) = place_of(&self.marks, list, mark, is_it) {
            let known = &mut list[place];
            known.time = seen.now;
            known.offset = seen.offset;
            return;
        }
        let fresh = Other {
            side: make(),
            time: seen.now,
            offset: seen.offset,
        };
        let place = if list.len() < most {
            self.list.push(fresh);
            self.list.as_slice().len() - 1
        } else {
            let Some(place) = oldest(list) else {
                return;
            };
            list[place] = fresh;
            place
        };
        if let Some(known) = self.marks.get_mut(place) {
            *known = mark;
        }
    }
}

/// Where the other side stands that is meant.
#[inline]
fn place_of<O>(
    marks: &[u8; LEAST_OTHERS],
    list: &[Other<O>],
    mark: u8,
    is_it: impl Fn(&O) -> bool,
) -> Option<usize> {
    const ONES: u128 = u128::from_ne_bytes([1; LEAST_OTHERS]);
    // Zero bytes get their highest bit; a byte above one may get it too, and is no more than looked at.
    let difference = u128::from_le_bytes(*marks) ^ (ONES * u128::from(mark));
    let mut alike = difference.wrapping_sub(ONES) & !difference & (ONES << 7);
    while alike != 0 {
        let place = (alike.trailing_zeros() / 8) as usize;
        if list.get(place).is_some_and(|other| is_it(&other.side)) {
            return Some(place);
        }
        alike &= alike - 1;
    }
    let rest = list.get(LEAST_OTHERS..)?;
    let place = rest.iter().position(|other| is_it(&other.side))?;
    Some(LEAST_OTHERS + place)
}

/// Where the first of the oldest stands.
#[inline]
fn oldest<O>(list: &[Other<O>]) -> Option<usize> {
    let mut oldest = (i64::MAX, 0);
    for (place, other) in list.iter().enumerate().rev() {
        if other.time <= oldest.0 {
            oldest = (other.time, place);
        }
    }
    (!list.is_empty()).then_some(oldest.1)
}

/// Milliseconds of a window.
fn window(window_s: u64) -> i64 {
    1000 * i64::try_from(window_s).unwrap_or(i64::MAX / 2000)
}

/// Whether a time stands in the window that ends at `now`, or little ahead.
#[inline(always)]
fn is_within(now: i64, time: i64, window: i64) -> bool {
    (-AHEAD..window).contains(&(now - time))
}

impl<O> Record<O> {
    /// Whether so many attempts stand in the window that ends at `now`.
    fn has_within(&self, now: i64, window_s: u64, needed: u64) -> bool {
        let window = window(window_s);
        // Most subjects have few, or were quiet for long: then their attempts need no look.
        if self.total < needed || now.saturating_sub(self.latest) >= window || needed == 0 {
            return needed == 0;
        }
        if self.attempts.has_odd() || self.latest - now > AHEAD {
            return self.count_within(now, window_s) >= needed;
        }
        // They stand in order, one is one, and none is of another clock.
        let place = usize::try_from(needed - 1).unwrap_or(usize::MAX - 1);
        let first = self.attempts.last_but(place);
        first.is_some_and(|first| now - first.time < window)
    }

    /// How many attempts stand in the window that ends at `now`.
    fn count_within(&self, now: i64, window_s: u64) -> u64 {
        let window = window(window_s);
        let mut count = 0;
        for part in self.attempts.parts() {
            for attempt in part {
                if is_within(now, attempt.time, window) {
                    count += u64::from(attempt.count);
                }
            }
        }
        count
    }

    /// Attempts in the window that ends at `now`: how many, when first, and where the last `most` of
    /// them are; one more fits.
    fn within(&self, now: i64, window_s: u64, most: usize) -> Within {
        let window = window(window_s);
        let mut within = Within {
            offsets: Vec::with_capacity(self.attempts.len() + 1),
            ..Within::default()
        };
        for part in self.attempts.parts() {
            for attempt in part {
                if is_within(now, attempt.time, window) {
                    within.count += u64::from(attempt.count);
                    within.first.get_or_insert(attempt.time);
                    within.offsets.push(attempt.offset);
                }
            }
        }
        keep_last(&mut within.offsets, most);
        within
    }

    fn recent_others(&self, now: i64, window_s: u64) -> impl Iterator<Item = &Other<O>> {
        let window = window(window_s);
        let others = self.others.as_slice().iter();
        others.filter(move |other| is_within(now, other.time, window))
    }

    fn others_within(&self, now: i64, window_s: u64) -> Vec<&Other<O>> {
        let mut others: Vec<&Other<O>> = self.recent_others(now, window_s).collect();
        order::sort_by_key(&mut others, |other| (other.time, other.offset));
        others
    }
}

impl<O: Shown> Record<O> {
    /// The three that came first, in their order.
    fn some_others(&self, now: i64, window_s: u64) -> String {
        let window = window(window_s);
        let mut first: [Option<&Other<O>>; SOME] = [None; SOME];
        for other in self.others.as_slice() {
            if is_within(now, other.time, window) {
                let is_later =
                    |known: &Option<&Other<O>>| known.is_none_or(|known| other.is_before(known));
                if let Some(place) = first.iter().position(is_later) {
                    for behind in (place + 1..SOME).rev() {
                        first[behind] = first[behind - 1];
                    }
                    first[place] = Some(other);
                }
            }
        }
        let known = first.iter().flatten();
        some(known.copied())
    }
}

/// How many other sides an alert names.
const SOME: usize = 3;

fn some<'o, O: Shown + 'o>(others: impl Iterator<Item = &'o Other<O>>) -> String {
    let mut text = String::with_capacity(48);
    for (position, other) in others.take(SOME).enumerate() {
        if position > 0 {
            text.push_str(", ");
        }
        other.side.push_to(&mut text);
    }
    text
}

impl<O> Other<O> {
    #[inline]
    fn is_before(&self, other: &Self) -> bool {
        (self.time, self.offset) < (other.time, other.offset)
    }
}

impl Shown for UserName {
    fn push_to(&self, text: &mut String) {
        text.push_str(&self.0);
    }
}

#[cfg(test)]
impl UserName {
    /// In bytes.
    pub fn length(&self) -> usize {
        self.0.len()
    }
}

#[derive(Debug, Default)]
struct Within {
    count: u64,
    offsets: Vec<u64>,
    first: Option<i64>,
}

/// The beginning of a name, of at most so many bytes.
#[inline]
pub fn shortened(name: &str, most: usize) -> &str {
    if name.len() <= most {
        return name;
    }
    let mut end = most;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

fn keep_last(offsets: &mut Vec<u64>, most: usize) {
    if offsets.len() > most {
        offsets.drain(..offsets.len() - most);
    }
}

/// 5 failures in 600 s, or 20 in a day; 20 in 600 s are worse. What is no worse than what was `told`
/// is not worked out.
pub fn brute_force(
    record: &Record<UserName>,
    seen: &Seen<'_>,
    subject: Name<'_>,
    told: Option<Severity>,
    tuning: &Tuning,
) -> Option<Box<Firing>> {
    let count = tuning.get(const { number("brute-force", "count") });
    let slow_count = tuning.get(const { number("brute-force", "slow_count") });
    if record.total < count.min(slow_count) || !tuning.is_on(BRUTE_FORCE) {
        return None;
    }
    let window_s = tuning.get(const { number("brute-force", "window_s") });
    let slow_window_s = tuning.get(const { number("brute-force", "slow_window_s") });
    let high_count = tuning.get(const { number("brute-force", "high_count") });
    let (window_s, severity) = if record.has_within(seen.now, window_s, high_count) {
        (window_s, Severity::High)
    } else if told.is_some() {
        return None;
    } else if record.has_within(seen.now, window_s, count) {
        (window_s, Severity::Medium)
    } else if record.has_within(seen.now, slow_window_s, slow_count) {
        (slow_window_s, Severity::Medium)
    } else {
        return None;
    };
    let within = record.within(seen.now, window_s, MOST_EVIDENCE);
    Some(Box::new(Firing {
        detector: BRUTE_FORCE,
        severity,
        subject: subject.text(),
        count: within.count,
        window_s,
        message: sentence(&[
            Piece::Number(within.count),
            Piece::Text(" failures in "),
            Piece::Span(window_s),
        ]),
        first: within.first,
        evidence: within.offsets,
        others: record.some_others(seen.now, window_s),
    }))
}

/// 5 distinct users fail in 1200 s from one address.
pub fn password_spray(
    record: &Record<UserName>,
    seen: &Seen<'_>,
    subject: Name<'_>,
    tuning: &Tuning,
) -> Option<Box<Firing>> {
    const RULE: Rule = Rule::of("password-spray", " users in ");
    distinct(&RULE, record, seen, subject, tuning)
}

/// 5 distinct addresses fail in 3600 s for one user.
pub fn credential_stuffing(
    record: &Record<Subject>,
    seen: &Seen<'_>,
    subject: Name<'_>,
    tuning: &Tuning,
) -> Option<Box<Firing>> {
    const RULE: Rule = Rule::of("credential-stuffing", " addresses in ");
    distinct(&RULE, record, seen, subject, tuning)
}

/// What tells `password-spray` from `credential-stuffing`.
struct Rule {
    id: Id,
    what: &'static str,
    count: Number,
    window_s: Number,
}

impl Rule {
    const fn of(id: &'static str, what: &'static str) -> Self {
        Self {
            id: detector(id),
            what,
            count: number(id, "count"),
            window_s: number(id, "window_s"),
        }
    }
}

#[inline]
fn distinct<O: Shown>(
    rule: &Rule,
    record: &Record<O>,
    seen: &Seen<'_>,
    subject: Name<'_>,
    tuning: &Tuning,
) -> Option<Box<Firing>> {
    let needed = usize::try_from(tuning.get(rule.count)).unwrap_or(usize::MAX);
    if record.others.as_slice().len() < needed || !tuning.is_on(rule.id) {
        return None;
    }
    let window_s = tuning.get(rule.window_s);
    let recent = record.recent_others(seen.now, window_s);
    if recent.take(needed).count() < needed {
        return None;
    }
    let others = record.others_within(seen.now, window_s);
    let mut evidence = others.iter().map(|other| other.offset).collect();
    keep_last(&mut evidence, MOST_EVIDENCE);
    Some(Box::new(Firing {
        detector: rule.id,
        severity: Severity::High,
        subject: subject.text(),
        count: others.len() as u64,
        window_s,
        message: sentence(&[
            Piece::Text("failures of "),
            Piece::Number(others.len() as u64),
            Piece::Text(rule.what),
            Piece::Span(window_s),
        ]),
        first: others.first().map(|other| other.time),
        evidence,
        others: some(others.iter().copied()),
    }))
}

/// Whether 5 or more failures stood before a success within 1800 s.
#[inline]
pub fn has_failures_before<O>(
    record: Option<&Record<O>>,
    seen: &Seen<'_>,
    tuning: &Tuning,
) -> bool {
    let window_s = tuning.get(const { number("success-after-failures", "window_s") });
    let needed = tuning.get(const { number("success-after-failures", "count") });
    record.is_some_and(|record| record.has_within(seen.now, window_s, needed))
}

/// How many failures stood before a success within 1800 s.
pub fn failures_before<O>(
    record: Option<&Record<O>>,
    seen: &Seen<'_>,
    tuning: &Tuning,
) -> Option<u64> {
    let window_s = tuning.get(const { number("success-after-failures", "window_s") });
    record.map(|record| record.count_within(seen.now, window_s))
}

/// A success after 5 failures of that address or that user in 1800 s.
pub fn success_after_failures<O: Shown>(
    record: &Record<O>,
    seen: &Seen<'_>,
    subject: Name<'_>,
    tuning: &Tuning,
) -> Box<Firing> {
    let window_s = tuning.get(const { number("success-after-failures", "window_s") });
    let mut within = record.within(seen.now, window_s, MOST_EVIDENCE - 1);
    within.offsets.push(seen.offset);
    Box::new(Firing {
        detector: SUCCESS,
        severity: Severity::Critical,
        subject: subject.text(),
        count: within.count,
        window_s,
        message: sentence(&[
            Piece::Text("success after "),
            Piece::Number(within.count),
            Piece::Text(" failures in "),
            Piece::Span(window_s),
        ]),
        first: within.first,
        evidence: within.offsets,
        others: record.some_others(seen.now, window_s),
    })
}

/// 20 refusals of the limiter in 60 s.
pub fn rate_limit_storm(
    record: &Record<Subject>,
    seen: &Seen<'_>,
    subject: Name<'_>,
    tuning: &Tuning,
) -> Option<Box<Firing>> {
    let window_s = tuning.get(const { number("rate-limit-storm", "window_s") });
    let needed = tuning.get(const { number("rate-limit-storm", "count") });
    if !record.has_within(seen.now, window_s, needed) || !tuning.is_on(STORM) {
        return None;
    }
    let within = record.within(seen.now, window_s, MOST_EVIDENCE);
    Some(Box::new(Firing {
        detector: STORM,
        severity: Severity::Medium,
        subject: subject.text(),
        count: within.count,
        window_s,
        message: sentence(&[
            Piece::Number(within.count),
            Piece::Text(" refusals of the limiter in "),
            Piece::Span(window_s),
        ]),
        first: within.first,
        evidence: within.offsets,
        others: String::new(),
    }))
}
