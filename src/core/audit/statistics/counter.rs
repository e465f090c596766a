//! Counts keys that strangers choose: exactly while there are few, later the frequent ones.

use std::borrow::Borrow;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::IpAddr;

use hashbrown::HashTable;

use crate::hashing::Seeded;
use crate::order;

/// Keys that are counted exactly.
const MOST_EXACT: usize = 65_536;

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
    /// Where the entry of each key stands.
    places: HashTable<u32>,
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
            places: HashTable::new(),
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
        let entries = &self.entries;
        let is_here = |place: &u32| {
            let entry = &entries[*place as usize];
            entry.hash == hash && entry.key.borrow() == key
        };
        let Some(place) = self.places.find(hash, is_here) else {
            return self.add(hash, K::from(key.to_owned()), failed);
        };
        let tally = &mut self.entries[*place as usize].tally;
        tally.count += 1;
        tally.failures += u64::from(failed);
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
        let place = if self.entries.len() < MOST_EXACT {
            self.entries.push(entry);
            self.entries.len() - 1
        } else {
            let place = self.rarest();
            entry.tally.count += self.floor;
            let forgotten = std::mem::replace(&mut self.entries[place], entry);
            let is_forgotten = |known: &u32| *known as usize == place;
            if let Ok(known) = self.places.find_entry(forgotten.hash, is_forgotten) {
                known.remove();
            }
            place
        };
        let entries = &self.entries;
        let place = u32::try_from(place).expect("it is below MOST_EXACT");
        self.places
            .insert_unique(hash, place, |place| entries[*place as usize].hash);
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
        assert_eq!(counter.places.len(), MOST_EXACT);
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
