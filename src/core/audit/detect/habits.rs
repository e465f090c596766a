//! `new-address` and `off-hours`: where and when a user usually logs in.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::baseline::UserBaseline;
use super::incidents::Teller;
use super::parameters::{Id, detector, number};
use super::wording::{Piece, push_address};
use super::{Alert, Seen, Tuning};
use crate::audit::address::Neighbourhood;
use crate::report::Severity;

const NEW_ADDRESS: Id = detector("new-address");
const OFF_HOURS: Id = detector("off-hours");
/// Networks remembered of one user.
const MOST_NETWORKS: usize = 64;
const DAY_MS: i64 = 86_400_000;

/// The hour of the day of the last login: most of the next are in it, too.
#[derive(Debug, Default)]
pub struct Clock {
    /// When the minute of that login began, and the hour.
    minute: Option<(i64, u32)>,
}

/// In milliseconds.
const MINUTE: i64 = 60_000;

/// The habits of a user.
#[derive(Debug, Default)]
pub struct Habit {
    /// The last used last.
    networks: Vec<Neighbourhood>,
    /// One bit for each hour of the day.
    hours: u32,
    successes: u64,
    first: Option<i64>,
    last: i64,
}

impl Clock {
    /// The hour of the day of a time in milliseconds; zones change at full minutes.
    pub fn hour(&mut self, now: i64, zone: &TimeZone) -> Option<u32> {
        if let Some((start, hour)) = self.minute
            && (start..start + MINUTE).contains(&now)
        {
            return Some(hour);
        }
        let time = Timestamp::from_millisecond(now).ok()?;
        let hour = u32::from(zone.to_datetime(time).hour().unsigned_abs());
        self.minute = Some((now.div_euclid(MINUTE) * MINUTE, hour));
        Some(hour)
    }
}

impl Habit {
    /// Holds the bounds of everything that is remembered.
    #[cfg(test)]
    pub fn assert_bounded(&self) {
        assert!(self.networks.len() <= MOST_NETWORKS);
    }

    /// The memory it takes beside itself, in bytes.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        self.networks.capacity() * size_of::<Neighbourhood>()
    }

    /// Logins that succeeded.
    pub fn successes(&self) -> u64 {
        self.successes
    }

    /// Writes down what was learned.
    pub fn teach(&self, learned: &mut UserBaseline) {
        learned.networks = self.networks.iter().map(|known| known.network()).collect();
        learned.hours = self.hours;
        learned.successes = self.successes;
        learned.first = self.first;
        learned.last = self.last;
    }

    /// Puts what was learned before in the place of less.
    pub fn recall(&mut self, learned: &UserBaseline) {
        if self.successes < learned.successes {
            let skipped = learned.networks.len().saturating_sub(MOST_NETWORKS);
            *self = Self {
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

    /// Looks at a login that succeeded, in the hour of the day if it is known: for `new-address` and
    /// `off-hours`.
    #[inline]
    pub fn observe(
        &mut self,
        seen: &Seen<'_>,
        hour: Option<u32>,
        name: &str,
        tuning: &Tuning,
        mut teller: Teller<'_>,
    ) {
        let first = *self.first.get_or_insert(seen.now);
        let known_days = || u64::try_from((seen.now - first) / DAY_MS).unwrap_or(0);
        if let Some(ip) = seen.ip {
            let network = Neighbourhood::of(ip);
            let is_unseen = self.comes_from(network);
            if is_unseen
                && self.networks.len() > 1
                && (self.successes >= tuning.get(const { number("new-address", "count") })
                    || known_days() >= tuning.get(const { number("new-address", "days") }))
                && tuning.is_on(NEW_ADDRESS)
                && let Some(alert) = teller.again().begin(NEW_ADDRESS, Severity::Medium, 0)
            {
                first_login(alert, seen, name, ip, network);
            }
        }
        if let Some(hour) = hour
            && self.hour(known_days, hour, tuning)
            && let Some(alert) = teller.begin(OFF_HOURS, Severity::Low, 3600)
        {
            odd_hour(alert, seen, name, hour);
        }
        self.successes += 1;
        self.last = seen.now;
    }

    /// Remembers a network as the last; true where it was unknown.
    #[inline]
    fn comes_from(&mut self, network: Neighbourhood) -> bool {
        if self.networks.last() == Some(&network) {
            return false;
        }
        let known = place_of(&self.networks, network);
        match known {
            // What was used last is forgotten last.
            Some(at) => self.move_up(at, network),
            None if self.networks.len() >= MOST_NETWORKS => self.move_up(0, network),
            None => self.networks.push(network),
        }
        known.is_none()
    }

    /// Puts a network in the last place; what stands behind its old place moves up.
    #[inline]
    fn move_up(&mut self, from: usize, network: Neighbourhood) {
        self.networks.copy_within(from + 1.., from);
        if let Some(last) = self.networks.last_mut() {
            *last = network;
        }
    }

    /// Remembers an hour; true where nobody would expect the user then.
    #[inline]
    fn hour(&mut self, known_days: impl FnOnce() -> u64, hour: u32, tuning: &Tuning) -> bool {
        let is_usual = self.hours >> hour & 1 != 0;
        if is_usual && tuning.hours.is_none() {
            return false;
        }
        let around = [hour, (hour + 1) % 24, (hour + 23) % 24]
            .iter()
            .fold(0, |bits, hour| bits | 1 << hour);
        let is_unusual = self.hours & around == 0
            && self.successes >= tuning.get(const { number("off-hours", "count") })
            && known_days() >= tuning.get(const { number("off-hours", "days") });
        let is_outside = tuning.hours.is_some_and(|(first, last)| {
            let (first, last) = (u32::from(first), u32::from(last));
            if first <= last {
                hour < first || hour >= last
            } else {
                hour < first && hour >= last
            }
        });
        self.hours |= 1 << hour;
        (is_unusual || is_outside) && tuning.is_on(OFF_HOURS)
    }
}

/// Where a network stands; eight are looked at together.
fn place_of(networks: &[Neighbourhood], network: Neighbourhood) -> Option<usize> {
    let (rest, eights) = networks.as_rchunks::<8>();
    for (number, eight) in eights.iter().enumerate().rev() {
        let is_here = eight
            .iter()
            .fold(false, |is_here, known| is_here | (*known == network));
        if is_here {
            let inside = eight.iter().position(|known| *known == network)?;
            return Some(rest.len() + 8 * number + inside);
        }
    }
    rest.iter().position(|known| *known == network)
}

#[inline(never)]
fn first_login(alert: &mut Alert, seen: &Seen<'_>, name: &str, ip: IpAddr, network: Neighbourhood) {
    let network = network.network();
    let message = [
        Piece::Text("first login from "),
        Piece::Address(network.addr()),
        Piece::Text("/"),
        Piece::Number(u64::from(network.prefix_len())),
    ];
    alert.say(name, &message, seen.offset);
    push_address(&mut alert.others, ip);
}

#[cold]
fn odd_hour(alert: &mut Alert, seen: &Seen<'_>, name: &str, hour: u32) {
    let message = format!("login in the hour of {hour:02}:00");
    alert.say(name, &[Piece::Text(&message)], seen.offset);
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    proptest::proptest! {
        #[test]
        fn the_networks_used_last_are_known(
            networks in proptest::collection::vec(0u32..80, 0..300),
        ) {
            let mut habit = Habit::default();
            let mut model: VecDeque<Neighbourhood> = VecDeque::new();
            for number in networks {
                let network = Neighbourhood::of(std::net::Ipv4Addr::from(number << 8).into());
                let known = model.iter().position(|known| *known == network);
                proptest::prop_assert_eq!(habit.comes_from(network), known.is_none());
                if let Some(at) = known {
                    model.remove(at);
                } else if model.len() >= MOST_NETWORKS {
                    model.pop_front();
                }
                model.push_back(network);
                proptest::prop_assert_eq!(&habit.networks, &Vec::from(model.clone()));
            }
        }
    }
}
