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
mod spikes;
mod table;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use baseline::{Baseline, BaselineError, UserBaseline};
pub use catalogue::{DETECTORS, Detector};
pub use parameters::{DetectorSettings, Parameter, Tuning};

use super::address::{TrustedProxies, shown, subject};
use super::event::{Event, Kind, Outcome};
use crate::report::Severity;
use connections::Connections;
use incidents::{Firing, Incidents};
use ledger::Ledger;

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
    /// Some of the users, or addresses, concerned.
    pub others: Vec<String>,
}

/// An event as detectors see it.
struct Seen<'e> {
    /// Milliseconds since 1970.
    now: i64,
    offset: u64,
    event: &'e Event<'e>,
    /// The client, unless it is a trusted proxy or ignored.
    address: Option<IpNet>,
    ip: Option<IpAddr>,
    /// Attempts it stands for, after those of the same connection were taken off.
    attempts: u64,
}

impl<'e> Seen<'e> {
    /// The user, by the beginning of the name where that is long: names are an attacker's.
    fn user(&self) -> Option<&'e str> {
        let user = self.event.user.as_deref()?;
        Some(ledger::shortened(user, LONGEST_USER))
    }
}

/// All detectors with their memory.
pub struct Detectors {
    tuning: Tuning,
    proxies: TrustedProxies,
    zone: TimeZone,
    connections: Connections,
    by_address: Ledger<IpNet>,
    by_user: Ledger<Box<str>>,
    limited: Ledger<String>,
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
        let longest = [
            "brute-force",
            "success-after-failures",
            "password-spray",
            "credential-stuffing",
        ]
        .iter()
        .map(|id| {
            tuning
                .get(id, "count")
                .max(tuning.get(id, "high_count"))
                .max(tuning.get(id, "slow_count"))
        })
        .max()
        .unwrap_or(0);
        Self {
            by_address: Ledger::new(longest),
            by_user: Ledger::new(longest),
            limited: Ledger::new(tuning.get("rate-limit-storm", "count")),
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

    fn recall(&mut self) {
        if self
            .before
            .as_ref()
            .is_none_or(|before| self.now <= before.through)
        {
            return;
        }
        for learned in self.before.take().unwrap_or_default().users {
            self.habits.recall(&learned);
            self.usage.recall(&learned.user, &learned.usage);
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
    pub fn observe(&mut self, event: &Event<'_>, offset: u64) -> std::vec::Drain<'_, Alert> {
        let (_, log) = &mut self.logs[self.current];
        if let Some(time) = event.time {
            log.now = time.as_millisecond();
        }
        self.now = log.now;
        self.latest = self.latest.max(self.now);
        self.recall();
        let seen = self.seen(event, offset);
        self.watch_log(&seen);
        // Nobody wants to hear of what comes from there.
        if event.ip.is_some_and(|ip| self.tuning.ignores(ip)) {
            return self.alerts.drain(..);
        }
        match event.kind() {
            Kind::Auth => self.watch_login(&seen),
            Kind::RateLimit => self.watch_limit(&seen),
            _ => {}
        }
        self.watch_usage(&seen);
        self.alerts.drain(..)
    }

    /// Content of a log vanished.
    pub fn truncated(
        &mut self,
        log: &str,
        lost_from: u64,
        why: &str,
    ) -> std::vec::Drain<'_, Alert> {
        if self.tuning.is_on("log-truncated") {
            self.fire_all(vec![Firing {
                detector: "log-truncated",
                severity: Severity::High,
                subject: log.to_owned(),
                count: 1,
                window_s: 0,
                message: why.to_owned(),
                evidence: vec![lost_from],
                first: None,
                others: Vec::new(),
            }]);
        }
        self.alerts.drain(..)
    }

    fn seen<'e>(&mut self, event: &'e Event<'e>, offset: u64) -> Seen<'e> {
        let ip = event
            .ip
            .filter(|ip| !self.proxies.contains(*ip) && !self.tuning.ignores(*ip));
        // A line that names nobody must not stand for the one of its connection that does.
        let names_somebody = ip.is_some() || (event.ip.is_none() && event.user.is_some());
        let attempts = match &event.connection {
            Some(connection) if event.outcome == Some(Outcome::Failure) && names_somebody => {
                self.connections.attempts(connection, event.count)
            }
            _ => event.count,
        };
        Seen {
            now: self.now,
            offset,
            event,
            address: ip.map(subject),
            ip,
            attempts,
        }
    }

    fn watch_log(&mut self, seen: &Seen<'_>) {
        let (log, state) = &mut self.logs[self.current];
        let mut firings = Vec::new();
        state.clock.observe(seen, log, &self.tuning, &mut firings);
        state.errors.observe(seen, log, &self.tuning, &mut firings);
        self.fire_all(firings);
    }

    fn watch_login(&mut self, seen: &Seen<'_>) {
        match seen.event.outcome {
            Some(Outcome::Failure) => self.failure(seen),
            Some(Outcome::Success) => self.success(seen),
            _ => {}
        }
    }

    fn failure(&mut self, seen: &Seen<'_>) {
        let user = seen.user();
        let mut firings = Vec::new();
        if let Some(address) = seen.address {
            let name = shown(&address);
            let told_of_force = self.incidents.told("brute-force", &name, self.now);
            let told_of_spray = self.is_told("password-spray", &name, Severity::High);
            let record = self
                .by_address
                .note(&address, seen, user.map(ToOwned::to_owned));
            if told_of_force < Some(Severity::High) && seen.attempts > 0 {
                let tuning = &self.tuning;
                ledger::brute_force(record, seen, &name, told_of_force, tuning, &mut firings);
            }
            if !told_of_spray {
                ledger::password_spray(record, seen, &name, &self.tuning, &mut firings);
            }
            self.incidents
                .touch(&["brute-force", "password-spray"], &name, self.now);
        }
        if let Some(user) = user {
            let from = seen.address.map(|address| shown(&address));
            let is_told = self.is_told("credential-stuffing", user, Severity::High);
            let record = self.by_user.note(&Box::from(user), seen, from);
            if !is_told {
                ledger::credential_stuffing(record, seen, user, &self.tuning, &mut firings);
            }
            self.incidents
                .touch(&["credential-stuffing"], user, self.now);
        }
        self.fire_all(firings);
    }

    fn success(&mut self, seen: &Seen<'_>) {
        let mut firings = Vec::new();
        let user = seen.user();
        let address = seen
            .address
            .map(|address| (self.by_address.get(&address), shown(&address)));
        let of_user = user.and_then(|user| self.by_user.get(user));
        let of_address = address.as_ref().and_then(|(record, _)| *record);
        if let Some(subject) = user.or(address.as_ref().map(|(_, name)| name.as_str())) {
            const ID: &str = "success-after-failures";
            let is_told = self.is_told(ID, subject, Severity::Critical);
            let tuning = &self.tuning;
            let is_one = ledger::success_after_failures(
                of_user,
                of_address,
                subject,
                is_told,
                seen,
                tuning,
                &mut firings,
            );
            if is_told && is_one {
                self.incidents.touch(&[ID], subject, self.now);
            }
        }
        self.habits
            .observe(seen, &self.zone, &self.tuning, &mut firings);
        self.fire_all(firings);
    }

    fn watch_limit(&mut self, seen: &Seen<'_>) {
        let subject = match seen.address {
            Some(address) => shown(&address),
            None => match seen.user() {
                Some(user) => user.to_owned(),
                None => return,
            },
        };
        let mut firings = Vec::new();
        if seen.attempts == 0 {
            return;
        }
        let is_told = self.is_told("rate-limit-storm", &subject, Severity::Medium);
        let record = self.limited.note(&subject, seen, None);
        if !is_told {
            ledger::rate_limit_storm(record, seen, &subject, &self.tuning, &mut firings);
        }
        self.incidents
            .touch(&["rate-limit-storm"], &subject, self.now);
        self.fire_all(firings);
    }

    fn watch_usage(&mut self, seen: &Seen<'_>) {
        let firing = self.usage.observe(seen, &self.tuning);
        self.fire_all(firing.into_iter().collect());
    }

    fn is_told(&self, detector: &'static str, subject: &str, worst: Severity) -> bool {
        self.incidents.told(detector, subject, self.now) >= Some(worst)
    }

    fn fire_all(&mut self, firings: Vec<Firing>) {
        for firing in firings {
            self.alerts.extend(self.incidents.alert(firing, self.now));
        }
    }
}

/// A span for people: `10 min`, `24 h`, `90 s`.
fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ if seconds.is_multiple_of(3600) || seconds > 36_000 => format!("{} h", seconds / 3600),
        _ => format!("{} min", seconds / 60),
    }
}
