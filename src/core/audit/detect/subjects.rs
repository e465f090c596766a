//! What is remembered of one subject, a client's address or a user: all of it together, so that an
//! event needs to find each but once.

use std::net::Ipv4Addr;

use super::anomaly::Buckets;
use super::attempts::{Attempts, Bounds};
use super::baseline::UserBaseline;
use super::habits::Habit;
use super::incidents::Told;
use super::parameters::{Tuning, number};
use super::records::Keyed;
use super::table::Worth;
use crate::audit::address::Subject;

/// A client by its address, or by its IPv6 /64. What a glance needs stands in the first 64 bytes, which
/// are one line of the cache.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Client {
    key: u64,
    /// The alerts about it.
    pub told: Told,
    /// Refusals of the limiter; most clients have none.
    pub limits: Option<Box<Attempts>>,
    /// Logins that were refused, and the users they were for.
    pub failures: Attempts,
    /// The address.
    pub subject: Subject,
}

/// A user. What every event asks stands in the first 64 bytes.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Account {
    key: u64,
    /// How much the user does.
    pub usage: Buckets,
    /// Where and when the user logs in, once that succeeded.
    pub habit: Option<Box<Habit>>,
    /// Logins that were refused, and the addresses they came from.
    pub failures: Option<Box<Attempts>>,
    /// The name.
    pub name: Box<str>,
    /// The alerts about the user.
    pub told: Told,
    /// Refusals of the limiter that name the user alone.
    pub limits: Option<Box<Attempts>>,
}

impl Client {
    /// Nothing is known yet of the client with this key.
    pub fn new(key: u64, subject: Subject) -> Self {
        Self {
            key,
            told: Told::default(),
            limits: None,
            failures: Attempts::default(),
            subject,
        }
    }
}

impl Account {
    /// Nothing is known yet of the user with this key.
    pub fn new(key: u64, name: &str) -> Self {
        Self {
            key,
            usage: Buckets::default(),
            habit: None,
            failures: None,
            name: name.into(),
            told: Told::default(),
            limits: None,
        }
    }

    /// Logins that succeeded.
    pub fn successes(&self) -> u64 {
        self.habit.as_deref().map_or(0, Habit::successes)
    }

    /// Whether there is anything the next run should know.
    pub fn has_learned(&self) -> bool {
        self.habit.is_some() || self.usage.has_past()
    }

    /// What the next run should know.
    pub fn learned(&self) -> UserBaseline {
        let mut learned = UserBaseline {
            user: self.name.to_string(),
            usage: self.usage.past(),
            ..UserBaseline::default()
        };
        if let Some(habit) = &self.habit {
            habit.teach(&mut learned);
        }
        learned
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new(0, Subject::of(Ipv4Addr::UNSPECIFIED.into()))
    }
}

impl Default for Account {
    fn default() -> Self {
        Self::new(0, "")
    }
}

impl Keyed for Client {
    #[inline]
    fn key(&self) -> u64 {
        self.key
    }
}

impl Keyed for Account {
    #[inline]
    fn key(&self) -> u64 {
        self.key
    }
}

impl Worth for Client {
    fn worth(&self) -> (u64, i64) {
        let limits = self.limits.as_deref();
        let (limits, last) = limits.map_or((0, 0), |limits| (limits.total(), limits.last_time()));
        let failures = &self.failures;
        (failures.total() + limits, failures.last_time().max(last))
    }

    fn heap_bytes(&self) -> usize {
        self.failures.heap_bytes() + boxed_bytes(self.limits.as_deref())
    }
}

impl Worth for Account {
    fn worth(&self) -> (u64, i64) {
        let attempts = [&self.failures, &self.limits];
        let attempts = attempts.map(|some| some.as_deref().map_or(0, Attempts::total));
        let (events, last) = self.usage.worth();
        // Who was refused a few times is worth more than who came a few times.
        (events + 8 * attempts.iter().sum::<u64>(), last)
    }

    fn heap_bytes(&self) -> usize {
        let attempts = [&self.failures, &self.limits];
        self.name.len()
            + self.usage.heap_bytes()
            + self.habit.as_deref().map_or(0, habit_bytes)
            + attempts
                .map(|some| boxed_bytes(some.as_deref()))
                .iter()
                .sum::<usize>()
    }
}

fn habit_bytes(habit: &Habit) -> usize {
    size_of::<Habit>() + habit.heap_bytes()
}

fn boxed_bytes(attempts: Option<&Attempts>) -> usize {
    attempts.map_or(0, |attempts| size_of::<Attempts>() + attempts.heap_bytes())
}

/// How much is remembered, so that whatever is configured can be told.
pub struct Remembered {
    /// Of an address whose logins were refused.
    pub client: Bounds,
    /// Of a user whose logins were refused.
    pub account: Bounds,
    /// Of who runs into the limiter.
    pub limits: Bounds,
}

impl Remembered {
    /// What these numbers need.
    pub fn of(tuning: &Tuning) -> Self {
        let failures = const {
            [
                number("brute-force", "count"),
                number("brute-force", "high_count"),
                number("brute-force", "slow_count"),
                number("success-after-failures", "count"),
                number("password-spray", "count"),
                number("credential-stuffing", "count"),
            ]
        };
        let get = |number| tuning.get(number);
        let failures = failures.map(get).into_iter().max().unwrap_or(0);
        let users = get(const { number("password-spray", "count") });
        let users_s = get(const { number("password-spray", "window_s") });
        let addresses = get(const { number("credential-stuffing", "count") });
        let addresses_s = get(const { number("credential-stuffing", "window_s") });
        let limits = get(const { number("rate-limit-storm", "count") });
        Self {
            client: Bounds::of(failures, users, users_s),
            account: Bounds::of(failures, addresses, addresses_s),
            limits: Bounds::of(limits, 0, 0),
        }
    }
}
