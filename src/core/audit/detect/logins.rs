//! Refused attempts: brute force, spraying, stuffing, success after failures, storms of limits.

use super::attempts::{Attempts, Other, keep_last};
use super::incidents::{Teller, time};
use super::parameters::{Id, Number, detector, number};
use super::subjects::{Account, Client};
use super::table::Table;
use super::wording::{Name, Piece, push_sentence};
use super::{Alert, MOST_EVIDENCE, Seen, Tuning};
use crate::report::Severity;

/// How many other sides an alert names.
const MOST_NAMED: usize = 3;

/// The detector of many failures.
pub const BRUTE_FORCE: Id = detector("brute-force");
/// The detector of many users.
pub const SPRAY: Id = detector("password-spray");
/// The detector of many addresses.
pub const STUFFING: Id = detector("credential-stuffing");
/// The detector of a success that follows failures.
pub const SUCCESS: Id = detector("success-after-failures");
/// The detector of many refusals of the limiter.
pub const STORM: Id = detector("rate-limit-storm");

/// A subject whose attempts are looked at.
pub struct Suspect<'s> {
    /// How alerts call it.
    pub name: Name<'s>,
    /// The event at hand.
    pub seen: &'s Seen<'s>,
    /// The numbers.
    pub tuning: &'s Tuning,
    /// Where the other sides are remembered.
    pub others: Option<&'s dyn Directory>,
}

/// Who is remembered.
pub trait Directory {
    /// How alerts call the one with this key.
    fn name_of(&self, key: u64) -> Option<Name<'_>>;
}

impl Directory for Table<Account> {
    fn name_of(&self, key: u64) -> Option<Name<'_>> {
        Some(Name::User(&self.get(key)?.name))
    }
}

impl Directory for Table<Client> {
    fn name_of(&self, key: u64) -> Option<Name<'_>> {
        Some(Name::Address(self.get(key)?.subject))
    }
}

impl Suspect<'_> {
    /// 5 failures in 600 s, or 20 in a day; 20 in 600 s are worse, unless fewer than the configured count.
    /// What is no worse than what is `known` is not worked out.
    #[inline]
    pub fn brute_force(&self, failures: &Attempts, known: Option<Severity>, teller: Teller<'_>) {
        let get = |number| self.tuning.get(number);
        let count = get(const { number("brute-force", "count") });
        let slow_count = get(const { number("brute-force", "slow_count") });
        if failures.total() < count.min(slow_count) || !self.tuning.is_on(BRUTE_FORCE) {
            return;
        }
        let window_s = get(const { number("brute-force", "window_s") });
        let slow_window_s = get(const { number("brute-force", "slow_window_s") });
        let high_count = get(const { number("brute-force", "high_count") });
        let has = |window_s, count| failures.has_within(self.seen.now, window_s, count);
        let is_medium = has(window_s, count);
        let (window_s, severity) = if is_medium && has(window_s, high_count) {
            (window_s, Severity::High)
        } else if known.is_some() {
            return;
        } else if is_medium {
            (window_s, Severity::Medium)
        } else if has(slow_window_s, slow_count) {
            (slow_window_s, Severity::Medium)
        } else {
            return;
        };
        if let Some(alert) = teller.begin(BRUTE_FORCE, severity, window_s) {
            self.many(alert, failures, ["", " failures in "]);
        }
    }

    /// 5 distinct users fail in 1200 s from one address.
    #[inline]
    pub fn password_spray(&self, failures: &Attempts, teller: Teller<'_>) {
        const RULE: Rule = Rule::of("password-spray", " users in ");
        self.distinct(&RULE, failures, teller);
    }

    /// 5 distinct addresses fail in 3600 s for one user.
    #[inline]
    pub fn credential_stuffing(&self, failures: &Attempts, teller: Teller<'_>) {
        const RULE: Rule = Rule::of("credential-stuffing", " addresses in ");
        self.distinct(&RULE, failures, teller);
    }

    /// What there is to say of a success after 5 failures of that address or that user in 1800 s.
    pub fn success_after_failures(&self, alert: &mut Alert, failures: &Attempts) {
        self.many(alert, failures, ["success after ", " failures in "]);
        alert.evidence.push(self.seen.offset);
        keep_last(&mut alert.evidence, MOST_EVIDENCE);
    }

    /// 20 refusals of the limiter in 60 s.
    #[inline]
    pub fn rate_limit_storm(&self, refusals: &Attempts, teller: Teller<'_>) {
        let window_s = self
            .tuning
            .get(const { number("rate-limit-storm", "window_s") });
        let needed = self
            .tuning
            .get(const { number("rate-limit-storm", "count") });
        if refusals.has_within(self.seen.now, window_s, needed)
            && self.tuning.is_on(STORM)
            && let Some(alert) = teller.begin(STORM, Severity::Medium, window_s)
        {
            self.many(alert, refusals, ["", " refusals of the limiter in "]);
        }
    }

    /// Says how many attempts stand in the window of an alert.
    #[cold]
    fn many(&self, alert: &mut Alert, attempts: &Attempts, [before, after]: [&'static str; 2]) {
        let (now, window_s) = (self.seen.now, alert.window_s);
        let within = attempts.within(now, window_s, MOST_EVIDENCE, &mut alert.evidence);
        alert.count = within.count;
        alert.first = within.first.and_then(time);
        let message = [
            Piece::Text(before),
            Piece::Number(within.count),
            Piece::Text(if within.is_least { " or more" } else { "" }),
            Piece::Text(after),
            Piece::Span(window_s),
        ];
        self.say(
            alert,
            &message,
            &attempts.last_others(now, window_s, MOST_NAMED),
        );
    }

    #[inline]
    fn distinct(&self, rule: &Rule, failures: &Attempts, teller: Teller<'_>) {
        let window_s = self.tuning.get(rule.window_s);
        let needed = self.tuning.get(rule.count);
        if failures.has_others_within(self.seen.now, window_s, needed)
            && self.tuning.is_on(rule.id)
            && let Some(alert) = teller.begin(rule.id, Severity::High, window_s)
        {
            self.many_others(alert, rule, failures);
        }
    }

    /// Says how many other sides stand in the window of an alert.
    #[cold]
    fn many_others(&self, alert: &mut Alert, rule: &Rule, failures: &Attempts) {
        let window_s = alert.window_s;
        let others = failures.last_others(self.seen.now, window_s, usize::MAX);
        alert
            .evidence
            .extend(others.iter().map(|other| other.offset));
        if alert.evidence.last() != Some(&self.seen.offset) {
            alert.evidence.push(self.seen.offset);
        }
        keep_last(&mut alert.evidence, MOST_EVIDENCE);
        alert.count = others.len() as u64;
        alert.first = others.first().and_then(|other| time(other.time));
        let message = [
            Piece::Text("failures of "),
            Piece::Number(alert.count),
            Piece::Text(rule.what),
            Piece::Span(window_s),
        ];
        self.say(alert, &message, &others);
    }

    fn say(&self, alert: &mut Alert, message: &[Piece<'_>], others: &[Other]) {
        self.name.push_to(&mut alert.subject);
        push_sentence(&mut alert.message, message);
        self.push_names(&mut alert.others, others);
    }

    /// Adds the names of the first three, separated by commas.
    fn push_names(&self, text: &mut String, others: &[Other]) {
        let name_of = |other: &Other| self.others?.name_of(other.key);
        let names = others.iter().filter_map(name_of);
        for (position, name) in names.take(MOST_NAMED).enumerate() {
            if position > 0 {
                text.push_str(", ");
            }
            name.push_to(text);
        }
    }
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

/// For how long failures make a success suspicious.
const WINDOW_BEFORE_SUCCESS: Number = number("success-after-failures", "window_s");

/// That window, in seconds.
pub fn window_before_success(tuning: &Tuning) -> u64 {
    tuning.get(WINDOW_BEFORE_SUCCESS)
}

/// Whether 5 or more failures stood before a success within 1800 s.
#[inline]
pub fn has_failures_before(failures: Option<&Attempts>, seen: &Seen<'_>, tuning: &Tuning) -> bool {
    let window_s = tuning.get(WINDOW_BEFORE_SUCCESS);
    let needed = tuning.get(const { number("success-after-failures", "count") });
    failures.is_some_and(|failures| failures.has_within(seen.now, window_s, needed))
}

/// How many failures stood before a success within 1800 s.
pub fn failures_before(
    failures: Option<&Attempts>,
    seen: &Seen<'_>,
    tuning: &Tuning,
) -> Option<u64> {
    let window_s = tuning.get(WINDOW_BEFORE_SUCCESS);
    failures.map(|failures| failures.count_within(seen.now, window_s))
}
