//! `new-address` and `off-hours`: where and when a user usually logs in.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::baseline::UserBaseline;
use super::parameters::number;
use super::table::{Table, Worth};
use super::{Firing, Seen, Tuning, User};
use crate::audit::address::Neighbourhood;
use crate::report::Severity;

/// Networks remembered of one user.
const MOST_NETWORKS: usize = 64;
const DAY_MS: i64 = 86_400_000;

/// The habits of users.
#[derive(Debug, Default)]
pub struct Habits {
    users: Table<Habit>,
    /// The minute of the last login, since 1970, and the hour of the day it was in.
    minute: Option<(i64, u32)>,
}

#[derive(Debug, Default)]
struct Habit {
    user: Box<str>,
    /// The last used last.
    networks: Vec<Neighbourhood>,
    /// One bit for each hour of the day.
    hours: u32,
    successes: u64,
    first: Option<i64>,
    last: i64,
}

impl Worth for Habit {
    fn worth(&self) -> (u64, i64) {
        (self.successes, self.last)
    }
}

impl Habits {
    /// Holds the bounds of everything that is remembered.
    #[cfg(test)]
    pub fn assert_bounded(&self) {
        assert!(self.users.iter().count() <= super::table::MOST_SUBJECTS);
        for habit in self.users.iter() {
            assert!(habit.user.len() <= super::LONGEST_USER);
            assert!(habit.networks.len() <= MOST_NETWORKS);
        }
    }

    /// What was learned, by user.
    pub fn learned(&self) -> impl Iterator<Item = UserBaseline> {
        self.users.iter().map(|habit| UserBaseline {
            user: habit.user.to_string(),
            networks: habit.networks.iter().map(|known| known.network()).collect(),
            hours: habit.hours,
            successes: habit.successes,
            first: habit.first,
            last: habit.last,
            usage: Vec::new(),
        })
    }

    /// Puts what was learned before in the place of less.
    pub fn recall(&mut self, learned: &UserBaseline, key: u64) {
        if learned.successes == 0 {
            return;
        }
        let habit = self.users.entry(key);
        if habit.successes < learned.successes {
            let skipped = learned.networks.len().saturating_sub(MOST_NETWORKS);
            *habit = Habit {
                user: learned.user.as_str().into(),
                networks: learned.networks[skipped..]
                    .iter()
                    .map(|network| Neighbourhood::of(network.addr()))
                    .collect(),
                hours: learned.hours,
                successes: learned.successes,
                first: learned.first,
                last: learned.last,
            };
        }
    }

    /// Looks at a login that succeeded.
    pub fn observe(
        &mut self,
        seen: &Seen<'_>,
        user: User<'_>,
        zone: &TimeZone,
        tuning: &Tuning,
        firings: &mut Vec<Firing>,
    ) {
        let hour = if seen.event.time.is_some() {
            self.hour(seen.now, zone)
        } else {
            None
        };
        let habit = self.users.entry(user.key);
        if habit.successes == 0 {
            habit.user = user.name.into();
        }
        let first = *habit.first.get_or_insert(seen.now);
        let known_days = u64::try_from((seen.now - first) / DAY_MS).unwrap_or(0);
        if let Some(ip) = seen.ip {
            let network = Neighbourhood::of(ip);
            let is_known_user = habit.successes
                >= tuning.get(const { number("new-address", "count") })
                || known_days >= tuning.get(const { number("new-address", "days") });
            if let Some(at) = habit.networks.iter().rposition(|known| *known == network) {
                // What was used last is forgotten last.
                habit.networks[at..].rotate_left(1);
            } else {
                if is_known_user && !habit.networks.is_empty() && tuning.is_on("new-address") {
                    firings.push(Firing {
                        detector: "new-address",
                        severity: Severity::Medium,
                        subject: user.name.to_owned(),
                        count: 1,
                        window_s: 0,
                        message: format!("first login from {}", network.network()),
                        evidence: vec![seen.offset],
                        first: None,
                        others: vec![ip.to_string()],
                    });
                }
                if habit.networks.len() >= MOST_NETWORKS {
                    habit.networks.remove(0);
                }
                habit.networks.push(network);
            }
        }
        if let Some(hour) = hour {
            habit.hour(seen, user, known_days, hour, tuning, firings);
        }
        habit.successes += 1;
        habit.last = seen.now;
    }

    /// The hour of the day of a time in milliseconds; zones change at full minutes.
    fn hour(&mut self, now: i64, zone: &TimeZone) -> Option<u32> {
        let minute = now.div_euclid(60_000);
        if let Some((known, hour)) = self.minute
            && known == minute
        {
            return Some(hour);
        }
        let time = Timestamp::from_millisecond(now).ok()?;
        let hour = u32::from(zone.to_datetime(time).hour().unsigned_abs());
        self.minute = Some((minute, hour));
        Some(hour)
    }
}

impl Habit {
    fn hour(
        &mut self,
        seen: &Seen<'_>,
        user: User<'_>,
        known_days: u64,
        hour: u32,
        tuning: &Tuning,
        firings: &mut Vec<Firing>,
    ) {
        let around = [hour, (hour + 1) % 24, (hour + 23) % 24]
            .iter()
            .fold(0, |bits, hour| bits | 1 << hour);
        let is_unusual = self.hours & around == 0
            && self.successes >= tuning.get(const { number("off-hours", "count") })
            && known_days >= tuning.get(const { number("off-hours", "days") });
        let is_outside = tuning.hours.is_some_and(|(first, last)| {
            let (first, last) = (u32::from(first), u32::from(last));
            if first <= last {
                hour < first || hour >= last
            } else {
                hour < first && hour >= last
            }
        });
        self.hours |= 1 << hour;
        if (is_unusual || is_outside) && tuning.is_on("off-hours") {
            firings.push(Firing {
                detector: "off-hours",
                severity: Severity::Low,
                subject: user.name.to_owned(),
                count: 1,
                window_s: 3600,
                message: format!("login in the hour of {hour:02}:00"),
                evidence: vec![seen.offset],
                first: None,
                others: Vec::new(),
            });
        }
    }
}
