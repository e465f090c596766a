//! `new-address` and `off-hours`: where and when a user usually logs in.

use ipnet::IpNet;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::baseline::UserBaseline;
use super::table::{Table, Worth};
use super::{Firing, Seen, Tuning};
use crate::audit::address::neighbourhood;
use crate::report::Severity;

/// Networks remembered of one user.
const MOST_NETWORKS: usize = 64;
const DAY_MS: i64 = 86_400_000;

/// The habits of users.
#[derive(Debug, Default)]
pub struct Habits {
    users: Table<Box<str>, Habit>,
}

#[derive(Debug, Default)]
struct Habit {
    networks: Vec<IpNet>,
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
        for (user, habit) in self.users.iter() {
            assert!(user.len() <= super::LONGEST_USER);
            assert!(habit.networks.len() <= MOST_NETWORKS);
        }
    }

    /// What was learned, by user.
    pub fn learned(&self) -> impl Iterator<Item = UserBaseline> {
        self.users.iter().map(|(user, habit)| UserBaseline {
            user: user.to_string(),
            networks: habit.networks.clone(),
            hours: habit.hours,
            successes: habit.successes,
            first: habit.first,
            last: habit.last,
            usage: Vec::new(),
        })
    }

    /// Puts what was learned before in the place of less.
    pub fn recall(&mut self, learned: &UserBaseline) {
        if learned.successes == 0 {
            return;
        }
        let habit = self.users.entry(&Box::from(learned.user.as_str()));
        if habit.successes < learned.successes {
            let skipped = learned.networks.len().saturating_sub(MOST_NETWORKS);
            *habit = Habit {
                networks: learned.networks[skipped..].to_vec(),
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
        zone: &TimeZone,
        tuning: &Tuning,
        firings: &mut Vec<Firing>,
    ) {
        let Some(user) = seen.user() else {
            return;
        };
        let habit = self.users.entry(&Box::from(user));
        let first = *habit.first.get_or_insert(seen.now);
        let known_days = u64::try_from((seen.now - first) / DAY_MS).unwrap_or(0);
        if let Some(ip) = seen.ip {
            let network = neighbourhood(ip);
            let is_known_user = habit.successes >= tuning.get("new-address", "count")
                || known_days >= tuning.get("new-address", "days");
            if let Some(at) = habit.networks.iter().position(|known| *known == network) {
                // What was used last is forgotten last.
                habit.networks[at..].rotate_left(1);
            } else {
                if is_known_user && !habit.networks.is_empty() && tuning.is_on("new-address") {
                    firings.push(Firing {
                        detector: "new-address",
                        severity: Severity::Medium,
                        subject: user.to_owned(),
                        count: 1,
                        window_s: 0,
                        message: format!("first login from {network}"),
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
        if seen.event.time.is_some() {
            habit.hour(seen, user, known_days, zone, tuning, firings);
        }
        habit.successes += 1;
        habit.last = seen.now;
    }
}

impl Habit {
    fn hour(
        &mut self,
        seen: &Seen<'_>,
        user: &str,
        known_days: u64,
        zone: &TimeZone,
        tuning: &Tuning,
        firings: &mut Vec<Firing>,
    ) {
        let Ok(time) = Timestamp::from_millisecond(seen.now) else {
            return;
        };
        let hour = u32::from(time.to_zoned_datetime(zone.clone()).hour().unsigned_abs());
        let around = [hour, (hour + 1) % 24, (hour + 23) % 24]
            .iter()
            .fold(0, |bits, hour| bits | 1 << hour);
        let is_unusual = self.hours & around == 0
            && self.successes >= tuning.get("off-hours", "count")
            && known_days >= tuning.get("off-hours", "days");
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
                subject: user.to_owned(),
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
