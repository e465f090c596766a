//! The twelve detectors: event time drives them, memory is bounded, one incident is one alert.

mod anomaly;
mod baseline;
mod catalogue;
mod clock;
mod connections;
mod few;
mod habits;
mod incidents;
mod ledger;
mod parameters;
mod records;
mod spikes;
mod table;
mod wording;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use baseline::{Baseline, BaselineError, UserBaseline};
pub use catalogue::{DETECTORS, Detector};
pub use parameters::{DetectorSettings, Parameter, Tuning};

use super::address::{Subject, TrustedProxies};
use super::event::{Event, Kind, Outcome};
use super::hashing::Seeded;
use crate::report::Severity;
use connections::Connections;
use incidents::{Firing, Incidents};
use ledger::{Ledger, UserName};
use parameters::{Id, detector, number};
use wording::Name;

/// Offsets that an alert names at most.
pub const MOST_EVIDENCE: usize = 32;
/// Logs that are told apart at most.
const MOST_LOGS: usize = 1024;
/// What is looked at of a user's name, in bytes.
const LONGEST_USER: usize = 128;

/// What a detector says.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// The event's time that completed it.
    pub time: Option<Timestamp>,
    /// The detector's id.
    pub detector: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Who or what it is about.
    pub subject: String,
    /// What stands in the window.
    pub count: u64,
    /// The window, or the silence, in seconds.
    pub window_s: u64,
    /// One sentence.
    pub message: String,
    /// Offsets of the events it rests on, the trigger last.
    pub evidence: Vec<u64>,
    /// When the first of them was.
    pub first: Option<Timestamp>,
    /// Some of the users, or addresses, concerned, separated by commas; empty where there are none.
    pub others: String,
}

/// An event as detectors see it.
struct Seen<'e> {
    /// Milliseconds since 1970.
    now: i64,
    offset: u64,
    event: &'e Event<'e>,
    /// The client, unless it is a trusted proxy or ignored.
    ip: Option<IpAddr>,
    user: Option<User<'e>>,
    /// Attempts it stands for, after those of the same connection were taken off.
    attempts: u64,
}

/// A user by name, of which long ones are cut since names are an attacker's, and by the hash under which tables know it.
#[derive(Clone, Copy)]
struct User<'e> {
    name: &'e str,
    key: u64,
}

/// All detectors with their memory.
pub struct Detectors {
    /// Tables know subjects by their hash.
    hasher: Seeded,
    tuning: Tuning,
    proxies: TrustedProxies,
    zone: TimeZone,
    connections: Connections,
    by_address: Ledger<UserName>,
    by_user: Ledger<Subject>,
    limited: Ledger<Subject>,
    usage: anomaly::Usage,
    habits: habits::Habits,
    logs: Vec<(String, LogState)>,
    current: usize,
    now: i64,
    incidents: Incidents,
    alerts: Vec<Alert>,
    /// What earlier runs learned, until something newer comes.
    before: Option<Baseline>,
    /// The latest time of all logs.
    latest: i64,
}

/// What is remembered of one log.
#[derive(Debug, Default)]
struct LogState {
    /// The time of its last event that had one, in milliseconds: lines without a time belong to it.
    now: i64,
    clock: clock::Clock,
    errors: spikes::Errors,
}

impl Detectors {
    /// Detectors without any memory yet.
    pub fn new(tuning: Tuning, proxies: TrustedProxies, zone: TimeZone) -> Self {
        let longest = const {
            [
                number("brute-force", "count"),
                number("brute-force", "high_count"),
                number("brute-force", "slow_count"),
                number("success-after-failures", "count"),
                number("password-spray", "count"),
                number("credential-stuffing", "count"),
            ]
        };
        let longest = longest.map(|number| tuning.get(number));
        let longest = longest.into_iter().max().unwrap_or(0);
        let users = tuning.get(const { number("password-spray", "count") });
        let addresses = tuning.get(const { number("credential-stuffing", "count") });
        Self {
            hasher: Seeded::default(),
            by_address: Ledger::new(longest, users),
            by_user: Ledger::new(longest, addresses),
            limited: Ledger::new(tuning.get(const { number("rate-limit-storm", "count") }), 0),
            usage: anomaly::Usage::default(),
            habits: habits::Habits::default(),
            connections: Connections::default(),
            logs: vec![("-".to_owned(), LogState::default())],
            current: 0,
            now: 0,
            incidents: Incidents::default(),
            alerts: Vec::new(),
            before: None,
            latest: 0,
            tuning,
            proxies,
            zone,
        }
    }

    /// Goes on where an earlier run stopped. What that run has seen is judged as it was then, so that
    /// reading it again finds the same.
    pub fn remember(&mut self, baseline: Baseline) {
        self.before = Some(baseline);
    }

    /// What was learned, for the next run; nothing where an earlier run knows more.
    pub fn learned(&self) -> Option<Baseline> {
        if self.before.is_some() || self.latest == 0 {
            return None;
        }
        let mut users: BTreeMap<String, UserBaseline> = self
            .habits
            .learned()
            .map(|learned| (learned.user.clone(), learned))
            .collect();
        for (user, past) in self.usage.learned() {
            let entry = users.entry(user.to_owned()).or_default();
            user.clone_into(&mut entry.user);
            entry.usage = past;
        }
        Some(Baseline::new(self.latest, users.into_values().collect()))
    }

    #[cold]
    fn recall(&mut self) {
        if self
            .before
            .as_ref()
            .is_none_or(|before| self.now <= before.through)
        {
            return;
        }
        for learned in self.before.take().unwrap_or_default().users {
            let key = self.hasher.hash_one(&*learned.user);
            self.habits.recall(&learned, key);
            self.usage
                .recall(&learned.user, key, &learned.usage, &self.tuning);
        }
    }

    /// From now on events are those of this log.
    pub fn begin_log(&mut self, log: &str) {
        self.current = match self.logs.iter().position(|(name, _)| name == log) {
            Some(known) => known,
            None => {
                if self.logs.len() >= MOST_LOGS {
                    self.logs.remove(0);
                }
                self.logs.push((log.to_owned(), LogState::default()));
                self.logs.len() - 1
            }
        };
    }

    /// Looks at one event and returns what it completes.
    pub fn observe(&mut self, event: &Event<'_>, offset: u64) -> Vec<Alert> {
        self.watch(event, offset);
        self.take_alerts()
    }

    /// Looks at one event, and keeps what it completes until the alerts are taken; returns how many they
    /// are by now.
    pub fn watch(&mut self, event: &Event<'_>, offset: u64) -> usize {
        let (_, log) = &mut self.logs[self.current];
        if let Some(time) = event.time {
            log.now = time.as_millisecond();
        }
        self.now = log.now;
        self.latest = self.latest.max(self.now);
        if self.before.is_some() {
            self.recall();
        }
        let is_ignored = event.ip.is_some_and(|ip| self.tuning.ignores(ip));
        let seen = self.seen(event, offset, is_ignored);
        self.watch_log(&seen);
        // Nobody wants to hear of what comes from there.
        if is_ignored {
            return self.alerts.len();
        }
        match event.kind() {
            Kind::Auth => self.watch_login(&seen),
            Kind::RateLimit => self.watch_limit(&seen),
            _ => {}
        }
        self.watch_usage(&seen);
        self.alerts.len()
    }

    /// The alerts since they were taken last.
    pub fn take_alerts(&mut self) -> Vec<Alert> {
        std::mem::take(&mut self.alerts)
    }

    /// Content of a log vanished.
    pub fn truncated(&mut self, log: &str, lost_from: u64, why: &str) -> Vec<Alert> {
        const ID: Id = detector("log-truncated");
        if self.tuning.is_on(ID) {
            let key = self.hasher.hash_one(log);
            let firing = Box::new(Firing {
                detector: ID,
                severity: Severity::High,
                subject: log.to_owned(),
                count: 1,
                window_s: 0,
                message: why.to_owned(),
                evidence: vec![lost_from],
                first: None,
                others: String::new(),
            });
            self.fire(key, Some(firing));
        }
        self.take_alerts()
    }

    #[inline(always)]
    fn seen<'e>(&mut self, event: &'e Event<'e>, offset: u64, is_ignored: bool) -> Seen<'e> {
        let is_nobody = |ip: IpAddr| is_ignored || self.proxies.contains(ip);
        let ip = event.ip.filter(|ip| !is_nobody(*ip));
        // A line that names nobody must not stand for the one of its connection that does.
        let names_somebody = ip.is_some() || (event.ip.is_none() && event.user.is_some());
        let attempts = match &event.connection {
            Some(connection) if event.outcome == Some(Outcome::Failure) && names_somebody => {
                self.connections.attempts(connection, event.count)
            }
            _ => event.count,
        };
        let user = event.user.as_deref().map(|name| {
            let name = ledger::shortened(name, LONGEST_USER);
            let key = self.hasher.hash_one(name);
            User { name, key }
        });
        Seen {
            now: self.now,
            offset,
            event,
            ip,
            user,
            attempts,
        }
    }

    #[inline(always)]
    fn watch_log(&mut self, seen: &Seen<'_>) {
        if seen.event.dropped > 0 {
            let (log, _) = &self.logs[self.current];
            let firing = clock::lost(seen, log, &self.tuning);
            self.fire_for_log(firing);
        }
        let (log, state) = &mut self.logs[self.current];
        let firing = state.clock.observe(seen, log, &self.tuning);
        if firing.is_some() {
            self.fire_for_log(firing);
        }
        let (log, state) = &mut self.logs[self.current];
        let (hasher, incidents, now) = (&self.hasher, &mut self.incidents, self.now);
        let spike = state.errors.observe(seen, log, &self.tuning, || {
            let key = hasher.hash_one(log.as_str());
            incidents.goes_on(spikes::ID, key, Severity::Medium, now)
        });
        if spike.is_some() {
            self.fire_for_log(spike);
        }
    }

    #[cold]
    fn fire_for_log(&mut self, firing: Option<Box<Firing>>) {
        let (log, _) = &self.logs[self.current];
        let key = self.hasher.hash_one(log.as_str());
        self.fire(key, firing);
    }

    #[inline(never)]
    fn watch_login(&mut self, seen: &Seen<'_>) {
        match seen.event.outcome {
            Some(Outcome::Failure) => self.failure(seen),
            Some(Outcome::Success) => self.success(seen),
            _ => {}
        }
    }

    fn failure(&mut self, seen: &Seen<'_>) {
        let address = seen.ip.map(|ip| {
            let address = Subject::of(ip);
            (address, self.hasher.hash_one(address))
        });
        if let Some((address, key)) = address {
            let most = self.by_address.most_others();
            let record = self.by_address.note(key, seen);
            if let Some(user) = seen.user {
                record.note_user(user.name, user.key, most, seen);
            }
            let ids = [ledger::BRUTE_FORCE, ledger::SPRAY];
            let [force, spray] = self.incidents.touch(ids, key, self.now);
            let (tuning, name) = (&self.tuning, Name::Address(address));
            let forced = if force < Some(Severity::High) && seen.attempts > 0 {
                ledger::brute_force(record, seen, name, force, tuning)
            } else {
                None
            };
            let sprayed = if spray < Some(Severity::High) {
                ledger::password_spray(record, seen, name, tuning)
            } else {
                None
            };
            self.fire(key, forced);
            self.fire(key, sprayed);
        }
        if let Some(user) = seen.user {
            let most = self.by_user.most_others();
            let record = self.by_user.note(user.key, seen);
            if let Some((address, key)) = address {
                record.note_address(address, key, most, seen);
            }
            let [told] = self.incidents.touch([ledger::STUFFING], user.key, self.now);
            if told < Some(Severity::High) {
                let (tuning, name) = (&self.tuning, Name::User(user.name));
                let stuffed = ledger::credential_stuffing(record, seen, name, tuning);
                self.fire(user.key, stuffed);
            }
        }
    }

    fn success(&mut self, seen: &Seen<'_>) {
        if self.tuning.is_on(ledger::SUCCESS) {
            self.success_after_failures(seen);
        }
        if let Some(user) = seen.user {
            let incidents = &mut self.incidents;
            let (zone, tuning) = (&self.zone, &self.tuning);
            let (place, hour) = self.habits.observe(seen, user, zone, tuning, incidents);
            self.fire(user.key, place);
            self.fire(user.key, hour);
        }
    }

    fn success_after_failures(&mut self, seen: &Seen<'_>) {
        let of_user = seen.user.and_then(|user| self.by_user.get(user.key));
        let tuning = &self.tuning;
        let has_user_failed = ledger::has_failures_before(of_user, seen, tuning);
        // While the incident goes on, the address would say nothing new.
        if has_user_failed && let Some(user) = seen.user {
            let [told] = self.incidents.touch([ledger::SUCCESS], user.key, self.now);
            if told >= Some(Severity::Critical) {
                return;
            }
        }
        let address = seen.ip.map(|ip| {
            let address = Subject::of(ip);
            (address, self.hasher.hash_one(address))
        });
        let of_address = address.and_then(|(_, key)| self.by_address.get(key));
        if !has_user_failed && !ledger::has_failures_before(of_address, seen, tuning) {
            return;
        }
        let (subject, key) = match (seen.user, address) {
            (Some(user), _) => (Name::User(user.name), user.key),
            (None, Some((address, key))) => (Name::Address(address), key),
            (None, None) => return,
        };
        let [told] = self.incidents.touch([ledger::SUCCESS], key, self.now);
        if told >= Some(Severity::Critical) {
            return;
        }
        let by_user = ledger::failures_before(of_user, seen, tuning);
        let by_address = ledger::failures_before(of_address, seen, tuning);
        let firing = match (of_user, of_address) {
            (Some(record), _) if by_user > by_address => {
                ledger::success_after_failures(record, seen, subject, tuning)
            }
            (_, Some(record)) => ledger::success_after_failures(record, seen, subject, tuning),
            _ => return,
        };
        self.fire(key, Some(firing));
    }

    #[inline(never)]
    fn watch_limit(&mut self, seen: &Seen<'_>) {
        if seen.attempts == 0 {
            return;
        }
        let address = seen.ip.map(Subject::of);
        let (subject, key) = match (address, seen.user) {
            (Some(address), _) => (Name::Address(address), self.hasher.hash_one(address)),
            (None, Some(user)) => (Name::User(user.name), user.key),
            (None, None) => return,
        };
        let record = self.limited.note(key, seen);
        let [told] = self.incidents.touch([ledger::STORM], key, self.now);
        if told < Some(Severity::Medium) {
            let storm = ledger::rate_limit_storm(record, seen, subject, &self.tuning);
            self.fire(key, storm);
        }
    }

    #[inline(always)]
    fn watch_usage(&mut self, seen: &Seen<'_>) {
        let Some(user) = seen.user else {
            return;
        };
        let (incidents, now) = (&mut self.incidents, self.now);
        let firing = self.usage.observe(seen, user, &self.tuning, || {
            incidents.goes_on(anomaly::ID, user.key, Severity::Medium, now)
        });
        self.fire(user.key, firing);
    }

    #[inline]
    fn fire(&mut self, key: u64, firing: Option<Box<Firing>>) {
        if let Some(firing) = firing {
            self.tell(key, *firing);
        }
    }

    #[inline(never)]
    fn tell(&mut self, key: u64, firing: Firing) {
        if let Some(alert) = self.incidents.alert(key, firing, self.now) {
            self.alerts.push(alert);
        }
    }
}
