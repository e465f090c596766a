//! Records by the hash of their subject.

use hashbrown::HashTable;

use super::shelves::Shelves;

/// A record that knows the key it is under; where it is large, what is asked most stands beside the key.
pub trait Keyed: Default {
    /// The key.
    fn key(&self) -> u64;
}

/// Records, each under a key, which stay where they are while others come. Keys are hashes already, and
/// seeded, since subjects are an attacker's.
#[derive(Debug)]
pub struct Records<V> {
    places: HashTable<u32>,
    records: Shelves<V>,
    /// Places whose record was forgotten.
    free: Vec<u32>,
}

impl<V> Default for Records<V> {
    fn default() -> Self {
        Self {
            places: HashTable::new(),
            records: Shelves::default(),
            free: Vec::new(),
        }
    }
}

impl<V: Keyed> Records<V> {
    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// How many there are room for without asking for more.
    pub fn places(&self) -> usize {
        self.records.len()
    }

    /// Where the record under a key stands, if there is one; until it is forgotten.
    #[inline]
    pub fn place(&self, key: u64) -> Option<usize> {
        let is_here = |place: &u32| self.records[*place as usize].key() == key;
        self.places.find(key, is_here).map(|place| *place as usize)
    }

    /// The record that stands there.
    pub fn peek(&self, place: usize) -> &V {
        &self.records[place]
    }

    /// The same, to be changed in place.
    #[inline]
    pub fn at(&mut self, place: usize) -> &mut V {
        &mut self.records[place]
    }

    /// The record under a key, if there is one.
    #[inline]
    pub fn get(&self, key: u64) -> Option<&V> {
        Some(&self.records[self.place(key)?])
    }

    /// Adds a record under a key that has none yet; returns where it stands.
    pub fn add(&mut self, record: V) -> usize {
        let key = record.key();
        let place = match self.free.pop() {
            Some(place) => {
                self.records[place as usize] = record;
                place
            }
            None => {
                self.records.push(record);
                u32::try_from(self.records.len() - 1).expect("memory is bounded")
            }
        };
        let records = &self.records;
        let key_of = |place: &u32| records[*place as usize].key();
        self.places.insert_unique(key, place, key_of);
        place as usize
    }

    /// Every record, as they lie in memory: one after the other they come much faster than by hash.
    pub fn iter(&self) -> impl Iterator<Item = &V> {
        let records = self.records.iter().zip(self.taken());
        records.filter_map(|(record, is_taken)| is_taken.then_some(record))
    }

    /// Forgets all but those to keep, who are asked as they lie in memory.
    pub fn retain(&mut self, mut keeps: impl FnMut(&V) -> bool) {
        for (place, is_taken) in self.taken().into_iter().enumerate() {
            if is_taken && !keeps(&self.records[place]) {
                self.forget(place);
            }
        }
    }

    fn forget(&mut self, place: usize) {
        let record = std::mem::take(&mut self.records[place]);
        let is_here = |known: &u32| *known as usize == place;
        if let Ok(entry) = self.places.find_entry(record.key(), is_here) {
            let (place, _) = entry.remove();
            self.free.push(place);
        }
    }

    /// Which places hold a record that was not forgotten.
    fn taken(&self) -> Vec<bool> {
        let mut taken = vec![true; self.records.len()];
        for place in &self.free {
            taken[*place as usize] = false;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Value {
        key: u64,
        value: u32,
    }

    impl Keyed for Value {
        fn key(&self) -> u64 {
            self.key
        }
    }

    /// What is done under a key.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Set(u32),
        RetainAbove(u32),
    }

    fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
        // Keys that meet in their slots, in the halves of their hash or in both.
        let key = (0u64..6, 0u64..40).prop_map(|(upper, lower)| (upper << 48) | (lower * 8));
        let step = prop_oneof![
            6 => (0u32..100).prop_map(Step::Set),
            1 => (0u32..100).prop_map(Step::RetainAbove),
        ];
        proptest::collection::vec((key, step), 0..400)
    }

    proptest! {
        #[test]
        fn records_are_those_of_a_plain_map(steps in steps()) {
            let mut records: Records<Value> = Records::default();
            let mut model: HashMap<u64, u32> = HashMap::new();
            for (key, step) in steps {
                match step {
                    Step::Set(value) => {
                        match records.place(key) {
                            Some(place) => records.at(place).value = value,
                            None => {
                                records.add(Value { key, value });
                            }
                        }
                        model.insert(key, value);
                    }
                    Step::RetainAbove(limit) => {
                        records.retain(|record| record.value > limit);
                        model.retain(|_, value| *value > limit);
                    }
                }
                prop_assert_eq!(records.len(), model.len());
                prop_assert_eq!(records.get(key).map(|record| &record.value), model.get(&key));
            }
            for upper in 0..6 {
                for lower in 0..40 {
                    let key = (upper << 48) | (lower * 8);
                    prop_assert_eq!(records.get(key).map(|record| &record.value), model.get(&key));
                }
            }
            let mut all: Vec<u32> = records.iter().map(|record| record.value).collect();
            let mut expected: Vec<u32> = model.into_values().collect();
            all.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(all, expected);
        }
    }
}
