//! The twelve detectors: event time drives them, memory is bounded, one incident is one alert.

mod anomaly;
mod attempts;
mod baseline;
mod catalogue;
mod clock;
mod connections;
mod few;
mod habits;
mod incidents;
mod logins;
mod logs;
mod parameters;
mod records;
mod shelves;
mod spikes;
mod subjects;
mod table;
mod wording;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::hash::BuildHasher as _;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use baseline::{Baseline, BaselineError};
pub use catalogue::{DETECTORS, Detector};
pub use parameters::{DetectorSettings, Parameter, Tuning};

use super::address::{Subject, TrustedProxies};
use super::event::{Event, Kind, Outcome};
use crate::hashing::Seeded;
use crate::order;
use crate::report::Severity;
use connections::Connections;
use incidents::{Alerts, Teller, Told};
use logins::{Directory, Suspect};
use logs::Logs;
use parameters::{Id, detector};
use subjects::{Account, Client, Remembered};
use table::{Table, Worth as _};
use wording::{Name, Piece};

/// Offsets that an alert names at most.
pub const MOST_EVIDENCE: usize = 32;
/// Memory for addresses and users, in bytes.
const MOST_BYTES: usize = 25 << 20;
/// What they may take beside their records in any case, in bytes.
const LEAST_HEAP_BYTES: usize = 4 << 20;
/// When so many bytes came to them, somebody looks whether they are too many.
const OFTEN: usize = 2 << 20;
/// What is remembered of a user's name, in bytes.
const LONGEST_USER: usize = 128;

/// What a detector says.
#[derive(Debug, PartialEq)]
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

/// A user by name, of which long ones are cut since names are an attacker's.
#[derive(Clone, Copy)]
struct User<'e> {
    name: &'e str,
    /// The hash of the name.
    key: u64,
    /// Where the user's account stands.
    place: usize,
}

/// All detectors with their memory.
pub struct Detectors {
    /// Tables know subjects by their hash.
    hasher: Seeded,
    tuning: Tuning,
    proxies: TrustedProxies,
    zone: TimeZone,
    connections: Connections,
    remembered: Remembered,
    clients: Table<Client>,
    accounts: Table<Account>,
    bucket: anomaly::Bucket,
    hours: habits::Clock,
    logs: Logs,
    /// The time of the event at hand.
    now: i64,
    alerts: Alerts,
    /// The memory that subjects took since it was looked at last, in bytes.
    grown: usize,
    /// What earlier runs learned, until something newer comes.
    before: Option<Baseline>,
    /// The latest time of all logs.
    latest: i64,
}

impl Detectors {
    /// Detectors without any memory yet.
    pub fn new(tuning: Tuning, proxies: TrustedProxies, zone: TimeZone) -> Self {
        Self {
            hasher: Seeded::default(),
            connections: Connections::default(),
            remembered: Remembered::of(&tuning),
            clients: Table::default(),
            accounts: Table::default(),
            bucket: anomaly::Bucket::default(),
            hours: habits::Clock::default(),
            logs: Logs::default(),
            now: 0,
            alerts: Alerts::default(),
            grown: 0,
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
        let mut accounts: Vec<&Account> = self.accounts.iter().collect();
        accounts.retain(|account| account.has_learned());
        order::sort_by_key(&mut accounts, |account| {
            (Reverse(account.successes()), &account.name)
        });
        accounts.truncate(baseline::MOST_USERS);
        let users = accounts.iter().map(|account| account.learned());
        Some(Baseline::new(self.latest, users.collect()))
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
            let place = self.user(&learned.user).place;
            let account = self.accounts.at(place);
            account.usage.recall(&learned.usage, &self.tuning);
            account.usage.was_seen(learned.successes);
            if learned.successes > 0 {
                account.habit.get_or_insert_default().recall(&learned);
            }
            self.grown += account.heap_bytes();
        }
    }

    /// Alerts of other times are not told. What comes before them is learned from, and an attack that goes
    /// on is told of as soon as the range begins.
    pub fn tell_within(&mut self, since: Option<Timestamp>, until: Option<Timestamp>) {
        let moment = |time: Option<Timestamp>| time.map(Timestamp::as_millisecond);
        let since = moment(since).unwrap_or(i64::MIN);
        self.alerts
            .ask_about(since..moment(until).unwrap_or(i64::MAX));
    }

    /// From now on events are those of this log.
    pub fn begin_log(&mut self, log: &str) {
        self.logs.begin(log);
    }

    /// Looks at one event and returns what it completes; until the next, which forgets it.
    pub fn observe(&mut self, event: &Event<'_>, offset: u64) -> &[Alert] {
        self.alerts.clear();
        self.watch(event, offset);
        self.alerts.as_slice()
    }

    fn watch(&mut self, event: &Event<'_>, offset: u64) {
        let log = self.logs.current();
        if let Some(time) = event.time {
            log.now = time.as_millisecond();
        }
        self.now = log.now;
        self.latest = self.latest.max(self.now);
        if self.before.is_some() {
            self.recall();
        }
        if self.grown > OFTEN {
            self.shrink();
        }
        let is_ignored = event.ip.is_some_and(|ip| self.tuning.ignores(ip));
        let seen = self.seen(event, offset, is_ignored);
        let log = self.logs.current();
        log.watch(&seen, &self.tuning, &mut self.alerts);
        // Nobody wants to hear of what comes from there.
        if is_ignored {
            return;
        }
        match (event.kind(), event.outcome) {
            (Kind::Auth, Some(Outcome::Failure)) => self.watch_failure(&seen),
            (Kind::Auth, Some(Outcome::Success)) => self.watch_success(&seen),
            (Kind::RateLimit, _) => self.watch_limit(&seen),
            _ => {}
        }
        self.watch_usage(&seen);
    }

    /// Forgets subjects where they take too much memory.
    #[cold]
    fn shrink(&mut self) {
        let own = self.clients.own_bytes() + self.accounts.own_bytes();
        let most = MOST_BYTES.saturating_sub(own).max(LEAST_HEAP_BYTES);
        // Each may take what the other leaves, and half of it in any case.
        let left = most.saturating_sub(self.accounts.heap_bytes());
        self.clients.shrink_heap_to(left.max(most / 2));
        let left = most.saturating_sub(self.clients.heap_bytes());
        self.accounts.shrink_heap_to(left.max(most / 2));
        self.grown = 0;
    }

    /// Content of a log vanished. The alerts are there until the next event, which forgets them.
    pub fn truncated(&mut self, log: &str, lost_from: u64, why: &str) -> &[Alert] {
        const ID: Id = detector("log-truncated");
        self.alerts.clear();
        if self.tuning.is_on(ID) {
            let teller = Teller {
                now: self.now,
                told: &mut self.logs.named(log).told,
                alerts: &mut self.alerts,
            };
            if let Some(alert) = teller.begin(ID, Severity::High, 0) {
                alert.say(log, &[Piece::Text(why)], lost_from);
            }
        }
        self.alerts.as_slice()
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
        let user = event.user.as_deref().filter(|_| !is_ignored);
        Seen {
            now: self.now,
            offset,
            event,
            ip,
            user: user.map(|name| self.user(name)),
            attempts,
        }
    }

    /// A user, with an account from now on.
    #[inline(always)]
    fn user<'n>(&mut self, name: &'n str) -> User<'n> {
        let key = self.hasher.of_bytes(name.as_bytes());
        let name = shortened(name, LONGEST_USER);
        let place = self.accounts.place_or_add(key, |key| {
            self.grown += size_of::<Account>() + name.len();
            Account::new(key, name)
        });
        User { name, key, place }
    }

    /// Whom an address stands for, and the hash of that.
    #[inline]
    fn client(&self, ip: IpAddr) -> (Subject, u64) {
        let address = Subject::of(ip);
        (address, self.hasher.hash_one(address))
    }

    /// Where a client is remembered, from now on.
    #[inline(always)]
    fn client_place(&mut self, (address, key): (Subject, u64)) -> usize {
        self.clients.place_or_add(key, |key| {
            self.grown += size_of::<Client>();
            Client::new(key, address)
        })
    }

    fn watch_failure(&mut self, seen: &Seen<'_>) {
        let client = seen.ip.map(|ip| self.client(ip));
        let place = client.map(|client| self.client_place(client));
        let (now, tuning, alerts) = (self.now, &self.tuning, &mut self.alerts);
        if let (Some((address, _)), Some(place)) = (client, place) {
            let Client { failures, told, .. } = self.clients.at(place);
            let [force, spray] = told.touch([logins::BRUTE_FORCE, logins::SPRAY], now);
            let is_told = spray >= Some(Severity::High);
            let user = seen.user.map(|user| user.key);
            failures.note(
                seen,
                user,
                &self.remembered.client,
                is_told,
                &mut self.grown,
            );
            let suspect = Suspect {
                name: Name::Address(address),
                seen,
                tuning,
                others: Some(&self.accounts),
            };
            let mut teller = Teller { now, told, alerts };
            if force < Some(Severity::High) && seen.attempts > 0 {
                suspect.brute_force(failures, force, teller.again());
            }
            if !is_told {
                suspect.password_spray(failures, teller);
            }
        }
        if let Some(user) = seen.user {
            let Account { failures, told, .. } = self.accounts.at(user.place);
            let failures = boxed(failures, &mut self.grown);
            let [known] = told.touch([logins::STUFFING], now);
            let is_told = known >= Some(Severity::High);
            let address = client.map(|(_, key)| key);
            failures.note(
                seen,
                address,
                &self.remembered.account,
                is_told,
                &mut self.grown,
            );
            if !is_told {
                let suspect = Suspect {
                    name: Name::User(user.name),
                    seen,
                    tuning,
                    others: Some(&self.clients),
                };
                suspect.credential_stuffing(failures, Teller { now, told, alerts });
            }
        }
    }

    fn watch_success(&mut self, seen: &Seen<'_>) {
        if self.tuning.is_on(logins::SUCCESS) {
            self.success_after_failures(seen);
        }
        if let Some(user) = seen.user {
            let hour = if seen.event.time.is_some() {
                self.hours.hour(seen.now, &self.zone)
            } else {
                None
            };
            let Account { habit, told, .. } = self.accounts.at(user.place);
            let habit = boxed(habit, &mut self.grown);
            let before = habit.heap_bytes();
            let teller = Teller {
                now: self.now,
                told,
                alerts: &mut self.alerts,
            };
            habit.observe(seen, hour, user.name, &self.tuning, teller);
            self.grown += habit.heap_bytes().saturating_sub(before);
        }
    }

    fn success_after_failures(&mut self, seen: &Seen<'_>) {
        let (now, tuning) = (self.now, &self.tuning);
        let goes_on = |told: &mut Told| {
            let [known] = told.touch([logins::SUCCESS], now);
            known >= Some(Severity::Critical)
        };
        let mut has_failed = false;
        if let Some(user) = seen.user {
            let Account { failures, told, .. } = self.accounts.at(user.place);
            has_failed = logins::has_failures_before(failures.as_deref(), seen, tuning);
            // While the incident goes on, the address would say nothing new.
            if has_failed && goes_on(told) {
                return;
            }
        }
        let client = seen.ip.map(|ip| self.client(ip));
        let place = client.and_then(|(_, key)| self.clients.place(key));
        if !has_failed {
            let failures = place.map(|place| &self.clients.at(place).failures);
            if !logins::has_failures_before(failures, seen, tuning) {
                return;
            }
        }
        let (subject, told) = match (seen.user, client, place) {
            (Some(user), ..) => {
                let Account { told, .. } = self.accounts.at(user.place);
                (Name::User(user.name), told)
            }
            (None, Some((address, _)), Some(place)) => {
                (Name::Address(address), &mut self.clients.at(place).told)
            }
            _ => return,
        };
        if !goes_on(told) {
            self.tell_of_success(seen, subject, place);
        }
    }

    #[inline(never)]
    fn tell_of_success(&mut self, seen: &Seen<'_>, subject: Name<'_>, client: Option<usize>) {
        let (now, tuning) = (self.now, &self.tuning);
        let told = match (seen.user, client) {
            (Some(user), _) => &mut self.accounts.at(user.place).told,
            (None, Some(place)) => &mut self.clients.at(place).told,
            (None, None) => return,
        };
        let window_s = logins::window_before_success(tuning);
        if !self.alerts.is_asked(now)
            || !told.is_news(logins::SUCCESS, Severity::Critical, window_s, now)
        {
            return;
        }
        let alert = (self.alerts).add(logins::SUCCESS, Severity::Critical, window_s, now);
        let account = seen.user.map(|user| self.accounts.peek(user.place));
        let of_user = account.and_then(|account| account.failures.as_deref());
        let of_address = client.map(|place| &self.clients.peek(place).failures);
        let by_user = logins::failures_before(of_user, seen, tuning);
        let by_address = logins::failures_before(of_address, seen, tuning);
        let is_user = by_user > by_address;
        let others: &dyn Directory = if is_user {
            &self.clients
        } else {
            &self.accounts
        };
        let suspect = Suspect {
            name: subject,
            seen,
            tuning,
            others: Some(others),
        };
        if let Some(failures) = if is_user { of_user } else { of_address } {
            suspect.success_after_failures(alert, failures);
        }
    }

    fn watch_limit(&mut self, seen: &Seen<'_>) {
        if seen.attempts == 0 {
            return;
        }
        let (subject, limits, told) = match (seen.ip, seen.user) {
            (Some(ip), _) => {
                let client = self.client(ip);
                let place = self.client_place(client);
                let Client { limits, told, .. } = self.clients.at(place);
                (Name::Address(client.0), limits, told)
            }
            (None, Some(user)) => {
                let Account { limits, told, .. } = self.accounts.at(user.place);
                (Name::User(user.name), limits, told)
            }
            (None, None) => return,
        };
        let limits = boxed(limits, &mut self.grown);
        limits.note(seen, None, &self.remembered.limits, true, &mut self.grown);
        let [known] = told.touch([logins::STORM], self.now);
        if known < Some(Severity::Medium) {
            let suspect = Suspect {
                name: subject,
                seen,
                tuning: &self.tuning,
                others: None,
            };
            let teller = Teller {
                now: self.now,
                told,
                alerts: &mut self.alerts,
            };
            suspect.rate_limit_storm(limits, teller);
        }
    }

    #[inline(always)]
    fn watch_usage(&mut self, seen: &Seen<'_>) {
        if seen.now == 0 {
            return;
        }
        let user = match (seen.user, &seen.event.key) {
            (Some(user), _) => user,
            (None, Some(key)) => self.user(key),
            (None, None) => return,
        };
        let (now, tuning) = (self.now, &self.tuning);
        self.bucket.move_to(now, tuning);
        let Account { usage, told, .. } = self.accounts.at(user.place);
        let grown = &mut self.grown;
        let alerts = &mut self.alerts;
        let teller = Teller { now, told, alerts };
        usage.observe(seen, &self.bucket, user.name, tuning, grown, teller);
    }
}

/// What stands in a box, new if need be; what that takes of memory is added to `grown`, in bytes.
#[inline]
fn boxed<'b, T: Default>(place: &'b mut Option<Box<T>>, grown: &mut usize) -> &'b mut T {
    place.get_or_insert_with(|| {
        *grown += size_of::<T>();
        Box::default()
    })
}

/// The beginning of a name, of at most so many bytes.
#[inline]
fn shortened(name: &str, most: usize) -> &str {
    if name.len() <= most {
        return name;
    }
    let mut end = most;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}
