//! A table that forgets: the rarest subjects first, then those unseen for longest.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Subjects a table holds at most.
pub const MOST_SUBJECTS: usize = 65_536;

/// Subjects that are forgotten together.
const AT_ONCE: usize = MOST_SUBJECTS / 32;

/// What is remembered of a subject says how much it is worth remembering.
pub trait Worth {
    /// How often it was seen, and when last.
    fn worth(&self) -> (u64, i64);
}

/// At most [`MOST_SUBJECTS`] records. The hasher is seeded, since keys are an attacker's. Records lie
/// apart from the hash table, which keeps many slots empty.
#[derive(Debug)]
pub struct Table<K, V> {
    places: HashMap<K, u32>,
    records: Vec<V>,
    free: Vec<u32>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            places: HashMap::new(),
            records: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<K: Hash + Eq + Clone, V: Worth + Default> Table<K, V> {
    /// The record of a key, if there is one.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.records.get(*self.places.get(key)? as usize)
    }

    /// The record of a key, new if need be.
    pub fn entry(&mut self, key: &K) -> &mut V {
        let place = match self.places.get(key) {
            Some(place) => *place,
            None => {
                let place = self.free_place();
                self.places.insert(key.clone(), place);
                place
            }
        };
        &mut self.records[place as usize]
    }

    /// Every key and its record.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.places
            .iter()
            .filter_map(|(key, place)| Some((key, self.records.get(*place as usize)?)))
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
    use super::*;

    #[derive(Debug, Default, Clone, PartialEq)]
    struct Seen(u64, i64);

    impl Worth for Seen {
        fn worth(&self) -> (u64, i64) {
            (self.0, self.1)
        }
    }

    #[test]
    fn the_rarest_go_first_then_the_oldest_and_nobody_inherits() {
        let mut table: Table<u32, Seen> = Table::default();
        for key in 0..200_000u32 {
            let record = table.entry(&key);
            assert_eq!(*record, Seen::default(), "{key}");
            *record = Seen(1, i64::from(key));
            if key % 1000 == 0 {
                *table.entry(&7_000_000) = Seen(2 + u64::from(key / 1000), 0);
            }
        }
        assert_eq!(table.get(&7_000_000), Some(&Seen(201, 0)));
        assert_eq!(table.get(&199_999), Some(&Seen(1, 199_999)));
        assert_eq!(table.get(&140_000).map(|seen| seen.0), Some(1));
        assert_eq!(table.get(&100), None);
        assert!(table.records.len() <= MOST_SUBJECTS);
    }
}
