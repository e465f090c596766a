//! Counts keys that strangers choose: exactly while there are few, later the frequent ones.

use std::borrow::Borrow;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::IpAddr;
use std::num::NonZeroU32;

use super::super::hashing::Seeded;
use crate::order;

/// Keys that are counted exactly.
const MOST_EXACT: usize = 65_536;
/// Places of a table that is not empty.
const FEWEST_PLACES: usize = 64;

/// A key of a [`Counter`].
pub trait Key: Eq {
    /// Its hash, by a secret that nobody who chooses keys knows.
    fn hash(&self, secret: &Seeded) -> u64;
}

impl Key for IpAddr {
    #[inline]
    fn hash(&self, secret: &Seeded) -> u64 {
        let mut hasher = secret.build_hasher();
        match self {
            Self::V4(address) => hasher.write_u32(address.to_bits()),
            Self::V6(address) => hasher.write(&address.octets()),
        }
        hasher.finish()
    }
}

impl Key for str {
    #[inline]
    fn hash(&self, secret: &Seeded) -> u64 {
        let mut hasher = secret.build_hasher();
        hasher.write(self.as_bytes());
        hasher.finish()
    }
}

/// Counts keys: exactly while there are few, then as Space-Saving does (Metwally, Agrawal,
/// El Abbadi 2005), which keeps what is frequent and forgets what is rare.
#[derive(Debug)]
pub struct Counter<K> {
    entries: Vec<Entry<K>>,
    /// Where entries stand: each at the place that its hash names, or at the next that was free.
    /// A power of two places, at most half of them taken.
    places: Vec<Option<NonZeroU32>>,
    secret: Seeded,
    floor: u64,
    /// Entries that may go, the next one last.
    at_floor: Vec<usize>,
}

#[derive(Debug)]
struct Entry<K> {
    hash: u64,
    tally: Tally,
    key: K,
}

impl<K> Default for Counter<K> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            places: Vec::new(),
            secret: Seeded::default(),
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

impl<K: ToString> Counter<K> {
    /// Counts a key once.
    #[inline]
    pub fn count<Q>(&mut self, key: &Q, failed: bool)
    where
        Q: Key + ToOwned + ?Sized,
        K: Borrow<Q> + From<Q::Owned>,
    {
        let hash = key.hash(&self.secret);
        // The remainder is below the number of places, which fits.
        let mut place = hash as usize;
        while let Some(Some(number)) = self.places.get(place & self.places.len().wrapping_sub(1)) {
            let entry = &mut self.entries[number.get() as usize - 1];
            if entry.hash == hash && entry.key.borrow() == key {
                entry.tally.count += 1;
                entry.tally.failures += u64::from(failed);
                return;
            }
            place = place.wrapping_add(1);
        }
        self.add(hash, K::from(key.to_owned()), failed);
    }

    #[cold]
    fn add(&mut self, hash: u64, key: K, failed: bool) {
        let mut entry = Entry {
            hash,
            tally: Tally {
                count: 1,
                failures: u64::from(failed),
            },
            key,
        };
        if self.entries.len() < MOST_EXACT {
            self.entries.push(entry);
            if self.entries.len() * 2 > self.places.len() {
                self.more_places();
            } else {
                self.put(self.entries.len() - 1);
            }
            return;
        }
        let position = self.rarest();
        self.take_out(position);
        entry.tally.count += self.floor;
        self.entries[position] = entry;
        self.put(position);
    }

    fn more_places(&mut self) {
        let count = (self.places.len() * 2).max(FEWEST_PLACES);
        self.places = vec![None; count];
        for position in 0..self.entries.len() {
            self.put(position);
        }
    }

    /// Gives an entry the next free place.
    fn put(&mut self, position: usize) {
        let mask = self.places.len() - 1;
        let mut place = self.entries[position].hash as usize & mask;
        while self.places[place].is_some() {
            place = (place + 1) & mask;
        }
        self.places[place] = number(position);
    }

    /// Frees the place of an entry; those behind it that stand there for want of a better move up.
    fn take_out(&mut self, position: usize) {
        let mask = self.places.len() - 1;
        let home = |entry: &Entry<K>| entry.hash as usize & mask;
        let mut free = home(&self.entries[position]);
        while self.places[free] != number(position) {
            free = (free + 1) & mask;
        }
        let mut place = free;
        loop {
            place = (place + 1) & mask;
            let Some(number) = self.places[place] else {
                break;
            };
            let home = home(&self.entries[number.get() as usize - 1]);
            let distance = |from: usize| place.wrapping_sub(from) & mask;
            if distance(home) >= distance(free) {
                self.places[free] = Some(number);
                free = place;
            }
        }
        self.places[free] = None;
    }

    /// The position of one of the rarest keys, whose count is the floor.
    fn rarest(&mut self) -> usize {
        loop {
            while let Some(position) = self.at_floor.pop() {
                if self.entries[position].tally.count == self.floor {
                    return position;
                }
            }
            let counts = || self.entries.iter().map(|entry| entry.tally.count);
            self.floor = counts().min().unwrap_or(0);
            let rare = counts().enumerate();
            let rare = rare.filter(|(_, count)| *count == self.floor);
            self.at_floor = rare.map(|(position, _)| position).rev().collect();
        }
    }

    /// How many keys there are; a lower bound where some were forgotten.
    pub fn distinct(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Whether nothing was forgotten.
    pub fn is_exact(&self) -> bool {
        self.floor == 0
    }

    /// The most frequent keys, ties by name.
    pub fn most_frequent(&self, top: usize) -> Vec<(String, Tally)> {
        let mut all: Vec<(&K, Tally)> = self
            .entries
            .iter()
            .map(|entry| (&entry.key, entry.tally))
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

fn number(position: usize) -> Option<NonZeroU32> {
    u32::try_from(position + 1).ok().and_then(NonZeroU32::new)
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
    fn every_key_is_counted_while_there_are_few() {
        let mut counter: Counter<Box<str>> = Counter::default();
        let mut addresses: Counter<IpAddr> = Counter::default();
        for number in 0..40_000_u32 {
            let key = number % 20_000;
            counter.count(format!("user{key}").as_str(), key % 2 == 0);
            let address = IpAddr::from(key.to_be_bytes());
            addresses.count(&address, false);
            addresses.count(&std::net::Ipv6Addr::from(u128::from(key)).into(), true);
        }
        let all = counter.most_frequent(100_000);
        assert_eq!((all.len(), counter.distinct()), (20_000, 20_000));
        for (name, tally) in all {
            let failures = if name.ends_with(['0', '2', '4', '6', '8']) {
                2
            } else {
                0
            };
            assert_eq!(tally, Tally { count: 2, failures });
        }
        let all = addresses.most_frequent(100_000);
        assert_eq!((all.len(), addresses.distinct()), (40_000, 40_000));
        assert!(all.iter().all(|(_, tally)| tally.count == 2));
    }

    #[test]
    fn a_table_is_in_order_after_any_number_of_replacements() {
        let mut counter: Counter<Box<str>> = Counter::default();
        for number in 0..3 * MOST_EXACT {
            counter.count(format!("rare{number}").as_str(), false);
        }
        assert_eq!(counter.entries.len(), MOST_EXACT);
        let taken = counter.places.iter().flatten().count();
        assert_eq!(taken, MOST_EXACT);
        let sum: u64 = counter.entries.iter().map(|entry| entry.tally.count).sum();
        assert_eq!(sum, 3 * MOST_EXACT as u64);
        // Each is found again.
        for position in 0..MOST_EXACT {
            let entry = &counter.entries[position];
            let (key, count) = (entry.key.clone(), entry.tally.count);
            counter.count(&*key, false);
            assert_eq!(counter.entries[position].tally.count, count + 1);
        }
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
