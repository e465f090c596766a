//! Counts by kind, outcome, address, user and hour, exact as long as memory allows.

mod counter;

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::documents::STATISTICS_SCHEMA;
use super::event::{Event, Kind, Outcome};
use counter::Counter;

/// Hours that are told apart: seven years.
const MOST_HOURS: usize = 65_536;
const HOUR_S: i64 = 3600;
/// Longer names are counted by their beginning.
const LONGEST_NAME: usize = 128;

/// Counts of everything that passed the filters.
#[derive(Debug, Default)]
pub struct Statistics {
    events: u64,
    span: Span,
    /// In the order of [`Kind::ALL`].
    kinds: [u64; Kind::ALL.len()],
    outcomes: [u64; 3],
    addresses: Counter<IpAddr>,
    users: Counter<Box<str>>,
    hours: Hours,
}

/// The time from the first to the last of some events.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span(Option<(Timestamp, Timestamp)>);

impl Span {
    /// An event more.
    #[inline]
    pub fn add(&mut self, time: Timestamp) {
        match &mut self.0 {
            Some((_, last)) if time >= *last => *last = time,
            Some((first, _)) => *first = time.min(*first),
            None => self.0 = Some((time, time)),
        }
    }

    /// The earliest and the latest time.
    pub fn ends(&self) -> Option<(Timestamp, Timestamp)> {
        self.0
    }
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
        self.kinds[event.kind() as usize] += 1;
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
            self.users.count(beginning(user), failed);
        }
        if let Some(time) = event.time {
            self.span.add(time);
            self.hours.count(time.as_second());
        }
    }

    /// How many events were counted.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The document, with the `top` most frequent of each table.
    pub fn document(&self, top: usize) -> StatisticsDocument {
        StatisticsDocument {
            schema: STATISTICS_SCHEMA,
            events: self.events,
            first: self.span.ends().map(|(first, _)| first.to_string()),
            last: self.span.ends().map(|(_, last)| last.to_string()),
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
                .all()
                .into_iter()
                .map(|(start, count)| HourCount {
                    hour: Timestamp::from_second(start)
                        .map(|time| time.to_string())
                        .unwrap_or_default(),
                    count,
                })
                .collect(),
            distinct_addresses: self.addresses.distinct(),
            distinct_users: self.users.distinct(),
            exact: self.addresses.is_exact() && self.users.is_exact(),
        }
    }
}

/// The part of a name that is counted.
#[inline]
fn beginning(name: &str) -> &str {
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let mut end = LONGEST_NAME;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// Events by hour. A log stays within one for long, so that its count is kept at hand.
#[derive(Debug)]
struct Hours {
    /// Every other hour by its first second.
    others: BTreeMap<i64, u64>,
    start: i64,
    count: u64,
}

impl Default for Hours {
    fn default() -> Self {
        Self {
            others: BTreeMap::new(),
            // No time is within an hour of it.
            start: i64::MIN,
            count: 0,
        }
    }
}

impl Hours {
    #[inline]
    fn count(&mut self, second: i64) {
        if second < self.start || second.wrapping_sub(self.start).unsigned_abs() >= HOUR_S as u64 {
            self.begin(second);
        }
        self.count += 1;
    }

    #[cold]
    fn begin(&mut self, second: i64) {
        Self::put(&mut self.others, self.start, self.count);
        self.start = second - second.rem_euclid(HOUR_S);
        self.count = 0;
    }

    fn put(others: &mut BTreeMap<i64, u64>, start: i64, count: u64) {
        if count > 0 {
            *others.entry(start).or_insert(0) += count;
        }
        if others.len() > MOST_HOURS {
            others.pop_first();
        }
    }

    /// First second and count of each, in order.
    fn all(&self) -> BTreeMap<i64, u64> {
        let mut all = self.others.clone();
        Self::put(&mut all, self.start, self.count);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn hours_and_span_are_those_of_all_times_in_any_order(
            seconds in proptest::collection::vec(-20_000i64..20_000, 0..40),
        ) {
            let mut statistics = Statistics::default();
            let mut expected: BTreeMap<i64, u64> = BTreeMap::new();
            for second in &seconds {
                let time = Timestamp::from_second(*second).ok();
                statistics.count(&Event { time, ..Event::default() });
                *expected.entry(second.div_euclid(HOUR_S) * HOUR_S).or_insert(0) += 1;
            }
            proptest::prop_assert_eq!(statistics.hours.all(), expected);
            let ends = statistics.span.ends();
            let ends = ends.map(|(first, last)| (first.as_second(), last.as_second()));
            let expected = seconds.iter().min().copied().zip(seconds.iter().max().copied());
            proptest::prop_assert_eq!(ends, expected);
        }
    }

    #[test]
    fn kinds_are_counted_in_their_order() {
        for (position, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, position);
        }
    }
}
