//! Counts by kind, outcome, address, user and hour, exact as long as memory allows.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::documents::STATISTICS_SCHEMA;
use super::event::{Event, Kind, Outcome};
use super::hashing::Seeded;
use crate::order;

/// Keys that are counted exactly.
const MOST_EXACT: usize = 65_536;
/// Hours that are told apart: seven years.
const MOST_HOURS: usize = 65_536;
const HOUR_S: i64 = 3600;
/// Longer names are counted by their beginning.
const LONGEST_NAME: usize = 128;

/// Counts of everything that passed the filters.
#[derive(Debug, Default)]
pub struct Statistics {
    events: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    kinds: [u64; 5],
    outcomes: [u64; 3],
    addresses: Counter<IpAddr>,
    users: Counter<Box<str>>,
    hours: BTreeMap<i64, u64>,
}

/// The counts as a document, `openclaw-sec/stats/1`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StatisticsDocument {
    /// Always `openclaw-sec/stats/1`.
    pub schema: &'static str,
    /// How many events were counted.
    pub events: u64,
    /// The earliest time, RFC 3339.
    pub first: Option<String>,
    /// The latest time, RFC 3339.
    pub last: Option<String>,
    /// Events by kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Events by outcome.
    pub outcomes: Outcomes,
    /// The most frequent addresses.
    pub addresses: Vec<AddressCount>,
    /// The most frequent users.
    pub users: Vec<UserCount>,
    /// Events by hour, in order; the hour's beginning, RFC 3339.
    pub hours: Vec<HourCount>,
    /// How many addresses there were; a lower bound where `exact` is false.
    pub distinct_addresses: u64,
    /// How many users there were; a lower bound where `exact` is false.
    pub distinct_users: u64,
    /// Whether every number is exact.
    pub exact: bool,
}

/// Events by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Outcomes {
    /// Went as asked.
    pub success: u64,
    /// Refused or broken.
    pub failure: u64,
    /// Nothing says.
    pub unknown: u64,
}

/// One address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AddressCount {
    /// The address.
    pub address: String,
    /// Its events.
    pub count: u64,
    /// Those that failed.
    pub failures: u64,
}

/// One user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UserCount {
    /// The user.
    pub user: String,
    /// Their events.
    pub count: u64,
    /// Those that failed.
    pub failures: u64,
}

/// One hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HourCount {
    /// Its beginning.
    pub hour: String,
    /// Its events.
    pub count: u64,
}

impl Statistics {
    /// Counts one event.
    pub fn count(&mut self, event: &Event<'_>) {
        self.events += 1;
        let kind = Kind::ALL.iter().position(|kind| *kind == event.kind());
        self.kinds[kind.unwrap_or(4)] += 1;
        let failed = event.outcome == Some(Outcome::Failure);
        self.outcomes[match event.outcome {
            Some(Outcome::Success) => 0,
            Some(Outcome::Failure) => 1,
            None => 2,
        }] += 1;
        if let Some(ip) = event.ip {
            self.addresses.count(&ip, failed);
        }
        if let Some(user) = event.user.as_deref() {
            let mut end = user.len().min(LONGEST_NAME);
            while !user.is_char_boundary(end) {
                end -= 1;
            }
            self.users.count(&user[..end], failed);
        }
        if let Some(time) = event.time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
            *self
                .hours
                .entry(time.as_second().div_euclid(HOUR_S))
                .or_insert(0) += 1;
            if self.hours.len() > MOST_HOURS {
                self.hours.pop_first();
            }
        }
    }

    /// The document, with the `top` most frequent of each table.
    pub fn document(&self, top: usize) -> StatisticsDocument {
        StatisticsDocument {
            schema: STATISTICS_SCHEMA,
            events: self.events,
            first: self.first.map(|time| time.to_string()),
            last: self.last.map(|time| time.to_string()),
            kinds: Kind::ALL
                .iter()
                .zip(self.kinds)
                .map(|(kind, count)| (kind.word(), count))
                .collect(),
            outcomes: Outcomes {
                success: self.outcomes[0],
                failure: self.outcomes[1],
                unknown: self.outcomes[2],
            },
            addresses: self
                .addresses
                .most_frequent(top)
                .into_iter()
                .map(|(address, tally)| AddressCount {
                    address,
                    count: tally.count,
                    failures: tally.failures,
                })
                .collect(),
            users: self
                .users
                .most_frequent(top)
                .into_iter()
                .map(|(user, tally)| UserCount {
                    user,
                    count: tally.count,
                    failures: tally.failures,
                })
                .collect(),
            hours: self
                .hours
                .iter()
                .map(|(hour, count)| HourCount {
                    hour: Timestamp::from_second(hour * HOUR_S)
                        .map(|time| time.to_string())
                        .unwrap_or_default(),
                    count: *count,
                })
                .collect(),
            distinct_addresses: self.addresses.distinct,
            distinct_users: self.users.distinct,
            exact: self.addresses.is_exact() && self.users.is_exact(),
        }
    }
}

/// Counts keys: exactly while there are few, then as Space-Saving does (Metwally, Agrawal,
/// El Abbadi 2005), which keeps what is frequent and forgets what is rare.
#[derive(Debug)]
pub struct Counter<K> {
    tallies: HashMap<K, Tally, Seeded>,
    distinct: u64,
    floor: u64,
    at_floor: Vec<K>,
}

impl<K> Default for Counter<K> {
    fn default() -> Self {
        Self {
            tallies: HashMap::default(),
            distinct: 0,
            floor: 0,
            at_floor: Vec::new(),
        }
    }
}

/// What was counted of one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All.
    pub count: u64,
    /// Those that failed.
    pub failures: u64,
}

impl<K: Hash + Eq + Clone + ToString> Counter<K> {
    /// Counts a key once.
    pub fn count<Q>(&mut self, key: &Q, failed: bool)
    where
        Q: Hash + Eq + ToOwned + ?Sized,
        K: std::borrow::Borrow<Q> + From<Q::Owned>,
    {
        if let Some(tally) = self.tallies.get_mut(key) {
            tally.count += 1;
            tally.failures += u64::from(failed);
            return;
        }
        let inherited = if self.tallies.len() < MOST_EXACT {
            0
        } else {
            self.make_room()
        };
        self.distinct = self.distinct.max(self.tallies.len() as u64 + 1);
        let tally = Tally {
            count: inherited + 1,
            failures: u64::from(failed),
        };
        self.tallies.insert(K::from(key.to_owned()), tally);
    }

    /// Takes out one of the rarest keys and returns its count.
    fn make_room(&mut self) -> u64 {
        loop {
            while let Some(key) = self.at_floor.pop() {
                if self
                    .tallies
                    .get(&key)
                    .is_some_and(|tally| tally.count == self.floor)
                {
                    self.tallies.remove(&key);
                    return self.floor;
                }
            }
            self.floor = self
                .tallies
                .values()
                .map(|tally| tally.count)
                .min()
                .unwrap_or(0);
            let rare = self
                .tallies
                .iter()
                .filter(|(_, tally)| tally.count == self.floor);
            self.at_floor = rare.map(|(key, _)| key.clone()).collect();
            if self.at_floor.is_empty() {
                return 0;
            }
        }
    }

    /// Whether nothing was forgotten.
    pub fn is_exact(&self) -> bool {
        self.floor == 0
    }

    /// The most frequent keys, ties by name.
    pub fn most_frequent(&self, top: usize) -> Vec<(String, Tally)> {
        let mut all: Vec<(&K, Tally)> = self
            .tallies
            .iter()
            .map(|(key, tally)| (key, *tally))
            .collect();
        order::sort_by_key(&mut all, |(_, tally)| std::cmp::Reverse(tally.count));
        if let Some(last) = top.checked_sub(1).and_then(|last| all.get(last)) {
            let least = last.1.count;
            all.retain(|(_, tally)| tally.count >= least);
        }
        let mut named: Vec<(String, Tally)> = all
            .into_iter()
            .map(|(key, tally)| (key.to_string(), tally))
            .collect();
        order::sort_by(&mut named, |a, b| {
            b.1.count.cmp(&a.1.count).then_with(|| a.0.cmp(&b.0))
        });
        named.truncate(top);
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heavy_keys_survive_a_million_rare_ones() {
        let mut counter: Counter<Box<str>> = Counter::default();
        for number in 0..300_000 {
            counter.count(format!("rare{number}").as_str(), false);
            if number % 10 == 0 {
                counter.count("heavy", true);
            }
        }
        assert!(!counter.is_exact());
        let (name, tally) = counter.most_frequent(1).remove(0);
        assert_eq!(
            (name.as_str(), tally.count, tally.failures),
            ("heavy", 30_000, 30_000)
        );
    }

    #[test]
    fn ties_are_in_the_order_of_names() {
        let mut counter: Counter<Box<str>> = Counter::default();
        for name in ["b", "a", "c", "c"] {
            counter.count(name, false);
        }
        let names: Vec<String> = counter
            .most_frequent(3)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["c", "a", "b"]);
        assert!(counter.is_exact());
    }
}
