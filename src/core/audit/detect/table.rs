//! A table that forgets: the rarest subjects first, then those unseen for longest.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::audit::hashing::AsItIs;

/// Subjects a table holds at most.
pub const MOST_SUBJECTS: usize = 65_536;

/// Subjects that are forgotten together.
const AT_ONCE: usize = MOST_SUBJECTS / 32;

/// What is remembered of a subject says how much it is worth remembering.
pub trait Worth {
    /// How often it was seen, and when last.
    fn worth(&self) -> (u64, i64);
}

/// Records by the hash of their subject.
type Places = HashMap<u64, u32, BuildHasherDefault<AsItIs>>;

/// At most [`MOST_SUBJECTS`] records. A subject is known by its hash, which is seeded, since names
/// are an attacker's. Records lie apart from the hash table, which keeps many slots empty.
#[derive(Debug)]
pub struct Table<V> {
    places: Places,
    records: Vec<V>,
    free: Vec<u32>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self {
            places: Places::default(),
            records: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<V: Worth + Default> Table<V> {
    /// The record of a subject, if there is one.
    #[inline]
    pub fn get(&self, key: u64) -> Option<&V> {
        self.records.get(*self.places.get(&key)? as usize)
    }

    /// The record of a subject, new if need be.
    #[inline]
    pub fn entry(&mut self, key: u64) -> &mut V {
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => {
                let place = self.free_place();
                self.places.insert(key, place);
                place
            }
        };
        &mut self.records[place as usize]
    }

    /// Every record.
    pub fn iter(&self) -> impl Iterator<Item = &V> {
        self.places
            .values()
            .filter_map(|place| self.records.get(*place as usize))
    }

    fn free_place(&mut self) -> u32 {
        if self.places.len() >= MOST_SUBJECTS {
            self.forget();
        }
        if let Some(place) = self.free.pop() {
            return place;
        }
        if self.records.len() == self.records.capacity() {
            // Doubling would waste what the bound saves.
            self.records.reserve_exact(self.records.len() / 4 + 16);
        }
        self.records.push(V::default());
        u32::try_from(self.records.len() - 1).expect("the bound is far below 2^32")
    }

    /// Forgets some at once, so that forgetting costs little per event.
    fn forget(&mut self) {
        let mut worths: Vec<(u64, i64)> = self.records.iter().map(Worth::worth).collect();
        let (_, limit, _) = worths.select_nth_unstable(AT_ONCE);
        let limit = *limit;
        let mut left = AT_ONCE;
        let (records, free) = (&mut self.records, &mut self.free);
        self.places.retain(|_, place| {
            let record = &mut records[*place as usize];
            let worth = record.worth();
            let goes = worth < limit || (worth == limit && left > 0);
            if goes {
                left = left.saturating_sub(1);
                *record = V::default();
                free.push(*place);
            }
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher as _;

    use super::*;
    use crate::audit::hashing::Seeded;

    #[derive(Debug, Default, Clone, PartialEq)]
    struct Seen(u64, i64);

    impl Worth for Seen {
        fn worth(&self) -> (u64, i64) {
            (self.0, self.1)
        }
    }

    #[test]
    fn the_rarest_go_first_then_the_oldest_and_nobody_inherits() {
        let seeded = Seeded::default();
        let key = |number: u32| seeded.hash_one(number);
        let mut table: Table<Seen> = Table::default();
        for number in 0..200_000u32 {
            let record = table.entry(key(number));
            assert_eq!(*record, Seen::default(), "{number}");
            *record = Seen(1, i64::from(number));
            if number % 1000 == 0 {
                *table.entry(key(7_000_000)) = Seen(2 + u64::from(number / 1000), 0);
            }
        }
        assert_eq!(table.get(key(7_000_000)), Some(&Seen(201, 0)));
        assert_eq!(table.get(key(199_999)), Some(&Seen(1, 199_999)));
        assert_eq!(table.get(key(140_000)).map(|seen| seen.0), Some(1));
        assert_eq!(table.get(key(100)), None);
        assert!(table.records.len() <= MOST_SUBJECTS);
    }
}
