//! The twelve detectors: event time drives them, memory is bounded, one incident is one alert.

mod anomaly;
mod clock;
mod connections;
mod habits;
mod ledger;
mod parameters;
mod spikes;
mod table;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use parameters::{DetectorSettings, Parameter, Tuning};

use super::address::{TrustedProxies, shown, subject};
use super::event::{Event, Kind, Outcome};
use crate::report::Severity;
use connections::Connections;
use ledger::Ledger;

/// One detector: what it is called, what it watches, and what can be tuned.
pub struct Detector {
    /// Its name in alerts and in the configuration.
    pub id: &'static str,
    /// What its alerts are about.
    pub subject: &'static str,
    /// When it fires, for people.
    pub about: &'static str,
    /// Its numbers and their defaults.
    pub parameters: &'static [Parameter],
}

const fn number(name: &'static str, default: u64) -> Parameter {
    Parameter { name, default }
}

/// Every detector.
pub const DETECTORS: &[Detector] = &[
    Detector {
        id: "brute-force",
        subject: "address",
        about: "many refused logins from one address",
        parameters: &[
            number("count", 5),
            number("window_s", 600),
            number("high_count", 20),
            number("slow_count", 20),
            number("slow_window_s", 86_400),
        ],
    },
    Detector {
        id: "password-spray",
        subject: "address",
        about: "one address is refused as many users",
        parameters: &[number("count", 5), number("window_s", 1200)],
    },
    Detector {
        id: "credential-stuffing",
        subject: "user",
        about: "one user is refused from many addresses",
        parameters: &[number("count", 5), number("window_s", 3600)],
    },
    Detector {
        id: "success-after-failures",
        subject: "user, else address",
        about: "a login succeeds after many were refused",
        parameters: &[number("count", 5), number("window_s", 1800)],
    },
    Detector {
        id: "rate-limit-storm",
        subject: "address, else user",
        about: "one client runs into the limiter again and again",
        parameters: &[number("count", 20), number("window_s", 60)],
    },
    Detector {
        id: "error-spike",
        subject: "file",
        about: "far more errors than in the hour before",
        parameters: &[
            number("count", 20),
            number("window_s", 300),
            number("factor", 4),
            number("warmup_s", 1800),
        ],
    },
    Detector {
        id: "usage-anomaly",
        subject: "user",
        about: "a user does far more than they ever did",
        parameters: &[
            number("count", 30),
            number("window_s", 300),
            number("factor", 3),
            number("deviations", 6),
            number("history", 12),
        ],
    },
    Detector {
        id: "new-address",
        subject: "user",
        about: "a user's first login from an unseen network",
        parameters: &[number("count", 20), number("days", 7)],
    },
    Detector {
        id: "off-hours",
        subject: "user",
        about: "a login at an hour at which this user never comes",
        parameters: &[number("count", 30), number("days", 14)],
    },
    Detector {
        id: "log-gap",
        subject: "file",
        about: "the log fell silent, or its writer lost lines",
        parameters: &[
            number("count", 200),
            number("window_s", 1800),
            number("factor", 10),
        ],
    },
    Detector {
        id: "clock-backwards",
        subject: "file",
        about: "times in the log jump back",
        parameters: &[number("window_s", 60)],
    },
    Detector {
        id: "log-truncated",
        subject: "file",
        about: "content of the log vanished",
        parameters: &[],
    },
];

/// The shortest silence that ends an incident, in seconds.
const SHORTEST_QUIET: i64 = 1800;
/// Offsets that an alert names at most.
pub const MOST_EVIDENCE: usize = 32;
/// Logs that are told apart at most.
const MOST_LOGS: usize = 1024;

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

/// An alert on its way through the incidents.
#[derive(Debug)]
struct Firing {
    detector: &'static str,
    severity: Severity,
    subject: String,
    count: u64,
    window_s: u64,
    message: String,
    evidence: Vec<u64>,
    first: Option<i64>,
    others: Vec<String>,
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
    incidents: HashMap<(&'static str, String), Incident>,
    alerts: Vec<Alert>,
}

#[derive(Debug, Clone)]
struct Incident {
    last: i64,
    quiet: i64,
    severity: Severity,
}

/// What is remembered of one log.
#[derive(Debug, Default)]
struct LogState {
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
            incidents: HashMap::new(),
            alerts: Vec::new(),
            tuning,
            proxies,
            zone,
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
        if let Some(time) = event.time {
            self.now = time.as_millisecond();
        }
        let seen = self.seen(event, offset);
        self.watch_log(&seen);
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
            self.fire(Firing {
                detector: "log-truncated",
                severity: Severity::High,
                subject: log.to_owned(),
                count: 1,
                window_s: 0,
                message: why.to_owned(),
                evidence: vec![lost_from],
                first: None,
                others: Vec::new(),
            });
        }
        self.alerts.drain(..)
    }

    fn seen<'e>(&mut self, event: &'e Event<'e>, offset: u64) -> Seen<'e> {
        let ip = event
            .ip
            .filter(|ip| !self.proxies.contains(*ip) && !self.tuning.ignores(*ip));
        let is_known = ip.is_some() || event.ip.is_none();
        let attempts = match &event.connection {
            Some(connection) if event.outcome == Some(Outcome::Failure) && is_known => {
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
            attempts: if event.ip.is_some() && ip.is_none() && self.is_ignored(event.ip) {
                0
            } else {
                attempts
            },
        }
    }

    fn is_ignored(&self, ip: Option<IpAddr>) -> bool {
        ip.is_some_and(|ip| self.tuning.ignores(ip))
    }

    fn watch_log(&mut self, seen: &Seen<'_>) {
        let (log, state) = &mut self.logs[self.current];
        let mut firings = Vec::new();
        state.clock.observe(seen, log, &self.tuning, &mut firings);
        state.errors.observe(seen, log, &self.tuning, &mut firings);
        for firing in firings {
            self.fire(firing);
        }
    }

    fn watch_login(&mut self, seen: &Seen<'_>) {
        match seen.event.outcome {
            Some(Outcome::Failure) if seen.attempts > 0 => self.failure(seen),
            Some(Outcome::Success) => self.success(seen),
            _ => {}
        }
    }

    fn failure(&mut self, seen: &Seen<'_>) {
        let user = seen.event.user.as_deref();
        let mut firings = Vec::new();
        if let Some(address) = seen.address {
            let name = shown(&address);
            let told_of_force = self.is_told("brute-force", &name, Severity::High);
            let told_of_spray = self.is_told("password-spray", &name, Severity::High);
            let record = self
                .by_address
                .note(&address, seen, user.map(ToOwned::to_owned));
            if !told_of_force {
                ledger::brute_force(record, seen, &name, &self.tuning, &mut firings);
            }
            if !told_of_spray {
                ledger::password_spray(record, seen, &name, &self.tuning, &mut firings);
            }
            self.touch(&["brute-force", "password-spray"], &name);
        }
        if let Some(user) = user {
            let from = seen.address.map(|address| shown(&address));
            let is_told = self.is_told("credential-stuffing", user, Severity::High);
            let record = self.by_user.note(&Box::from(user), seen, from);
            if !is_told {
                ledger::credential_stuffing(record, seen, user, &self.tuning, &mut firings);
            }
            self.touch(&["credential-stuffing"], user);
        }
        for firing in firings {
            self.fire(firing);
        }
    }

    fn success(&mut self, seen: &Seen<'_>) {
        let mut firings = Vec::new();
        let user = seen.event.user.as_deref();
        let address = seen
            .address
            .map(|address| (self.by_address.get(&address), shown(&address)));
        let of_user = user.and_then(|user| self.by_user.get(user));
        ledger::success_after_failures(
            of_user,
            address.as_ref().and_then(|(record, _)| *record),
            user.or(address.as_ref().map(|(_, name)| name.as_str())),
            seen,
            &self.tuning,
            &mut firings,
        );
        self.habits
            .observe(seen, &self.zone, &self.tuning, &mut firings);
        for firing in firings {
            self.fire(firing);
        }
    }

    fn watch_limit(&mut self, seen: &Seen<'_>) {
        let subject = match seen.address {
            Some(address) => shown(&address),
            None if self.is_ignored(seen.event.ip) => return,
            None => match seen.event.user.as_deref() {
                Some(user) => user.to_owned(),
                None => return,
            },
        };
        let mut firings = Vec::new();
        let is_told = self.is_told("rate-limit-storm", &subject, Severity::Medium);
        let record = self.limited.note(&subject, seen, None);
        if !is_told {
            ledger::rate_limit_storm(record, seen, &subject, &self.tuning, &mut firings);
        }
        self.touch(&["rate-limit-storm"], &subject);
        for firing in firings {
            self.fire(firing);
        }
    }

    fn watch_usage(&mut self, seen: &Seen<'_>) {
        if let Some(firing) = self.usage.observe(seen, &self.tuning) {
            self.fire(firing);
        }
    }

    /// Whether an incident goes on that cannot get worse: nobody needs to work it out again.
    fn is_told(&self, detector: &'static str, subject: &str, worst: Severity) -> bool {
        if self.incidents.is_empty() {
            return false;
        }
        let incident = self.incidents.get(&(detector, subject.to_owned()));
        incident.is_some_and(|incident| {
            let quiet = self.now - incident.last;
            incident.severity >= worst && (0..=incident.quiet).contains(&quiet)
        })
    }

    /// An incident goes on.
    fn touch(&mut self, detectors: &[&'static str], subject: &str) {
        if self.incidents.is_empty() {
            return;
        }
        for detector in detectors {
            let key = (*detector, subject.to_owned());
            if let Some(incident) = self.incidents.get_mut(&key) {
                if self.now - incident.last <= incident.quiet {
                    incident.last = incident.last.max(self.now);
                } else {
                    self.incidents.remove(&key);
                }
            }
        }
    }

    /// One incident, one alert, unless it gets worse.
    fn fire(&mut self, firing: Firing) {
        let key = (firing.detector, firing.subject.clone());
        let quiet =
            1000 * SHORTEST_QUIET.max(i64::try_from(firing.window_s).unwrap_or(i64::MAX / 2000));
        let quiet = if firing.detector == "log-gap" {
            1000 * SHORTEST_QUIET
        } else {
            quiet
        };
        if let Some(incident) = self.incidents.get_mut(&key) {
            let goes_on = self.now - incident.last <= incident.quiet
                && self.now >= incident.last - incident.quiet;
            incident.last = self.now;
            let is_worse = firing.severity > incident.severity;
            if goes_on && !is_worse {
                return;
            }
            incident.severity = firing.severity;
            incident.quiet = quiet;
        } else {
            if self.incidents.len() >= table::MOST_SUBJECTS {
                self.forget_oldest_incidents();
            }
            let incident = Incident {
                last: self.now,
                quiet,
                severity: firing.severity,
            };
            self.incidents.insert(key, incident);
        }
        self.alerts.push(Alert {
            time: (self.now != 0)
                .then(|| Timestamp::from_millisecond(self.now).ok())
                .flatten(),
            detector: firing.detector,
            severity: firing.severity,
            subject: firing.subject,
            count: firing.count,
            window_s: firing.window_s,
            message: firing.message,
            evidence: firing.evidence,
            first: firing
                .first
                .and_then(|first| Timestamp::from_millisecond(first).ok()),
            others: firing.others,
        });
    }

    fn forget_oldest_incidents(&mut self) {
        let mut times: Vec<i64> = self
            .incidents
            .values()
            .map(|incident| incident.last)
            .collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        self.incidents.retain(|_, incident| incident.last > median);
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
