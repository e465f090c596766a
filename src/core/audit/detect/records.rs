//! Records by the hash of their subject: every event asks several of these, so that finding one is a
//! look at four bytes and at the record.

use super::shelves::Shelves;

/// Slots at first; a power of two, as all later numbers of them.
const FEWEST_SLOTS: usize = 16;

/// A record that knows the key it is under; where it is large, what is asked most stands beside the key.
pub trait Keyed: Default {
    /// The key.
    fn key(&self) -> u64;
}

/// Records, each under a key. Keys are hashes already, and seeded, since subjects are an attacker's.
#[derive(Debug)]
pub struct Records<V> {
    /// At most half of them are taken, each by [`slot`]; the first that is free behind a key's own
    /// place ends the search. They are as small as can be, so that they stay in the cache.
    slots: Box<[u32]>,
    records: Shelves<V>,
    /// Places of records without a slot.
    free: Vec<u32>,
    /// The place behind the one that was forgotten last.
    turn: usize,
}

/// A free slot.
const FREE: u32 = 0;
/// The bits of a slot for the place of its record; the others are those of the key.
const PLACE_BITS: u32 = 17;

/// The uppermost bits of the key, and one more than the place of its record.
fn slot(key: u64, place: usize) -> u32 {
    let place = u32::try_from(place + 1).expect("bounds are below 2^17");
    upper_half(key) >> PLACE_BITS << PLACE_BITS | place
}

/// The place in a slot that is taken.
fn place_in(slot: u32) -> usize {
    (slot & ((1 << PLACE_BITS) - 1)) as usize - 1
}

fn upper_half(key: u64) -> u32 {
    (key >> 32) as u32
}

impl<V> Default for Records<V> {
    fn default() -> Self {
        Self {
            slots: Box::new([FREE; FEWEST_SLOTS]),
            records: Shelves::default(),
            free: Vec::new(),
            turn: 0,
        }
    }
}

impl<V: Keyed> Records<V> {
    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.records.len() - self.free.len()
    }

    /// How many there are room for without asking for more.
    pub fn places(&self) -> usize {
        self.records.len()
    }

    /// The slot of a key, taken or free.
    #[inline]
    fn find(&self, key: u64) -> (usize, u32) {
        let last = self.slots.len() - 1;
        // What is cut off is no part of a place.
        let mut at = key as usize & last;
        loop {
            let slot = self.slots[at];
            if slot == FREE {
                return (at, slot);
            }
            if (slot ^ upper_half(key)) >> PLACE_BITS == 0
                && self.records[place_in(slot)].key() == key
            {
                return (at, slot);
            }
            at = (at + 1) & last;
        }
    }

    /// Where the record under a key stands, if there is one; until the next is added or removed.
    #[inline]
    pub fn place(&self, key: u64) -> Option<usize> {
        match self.find(key) {
            (_, FREE) => None,
            (_, slot) => Some(place_in(slot)),
        }
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
        if self.slots.len() < 2 * (self.len() + 1) {
            self.rebuild(2 * self.slots.len());
        }
        let place = match self.free.pop() {
            Some(place) => {
                let place = place as usize;
                self.records[place] = record;
                place
            }
            None => {
                self.records.push(record);
                self.records.len() - 1
            }
        };
        let (at, _) = self.find(key);
        self.slots[at] = slot(key, place);
        place
    }

    /// Every record, as they lie in memory: one after the other they come much faster than by slots.
    pub fn iter(&self) -> impl Iterator<Item = &V> {
        let taken = self.records.iter().zip(self.taken());
        taken.filter_map(|(record, is_taken)| is_taken.then_some(record))
    }

    /// Which places have a slot.
    fn taken(&self) -> Vec<bool> {
        let mut taken = vec![true; self.records.len()];
        for place in &self.free {
            taken[*place as usize] = false;
        }
        taken
    }

    /// Forgets all but those to keep, who are asked in turn: to begin at the same slot each time, and
    /// to let go of those that come first, would leave all the others side by side, so that a search
    /// finds no free slot among them.
    pub fn retain(&mut self, mut keeps: impl FnMut(&V) -> bool) {
        let mut is_taken = self.taken();
        let first = self.turn;
        for place in (first..self.records.len()).chain(0..first) {
            if is_taken[place] && !keeps(&self.records[place]) {
                is_taken[place] = false;
                self.release(place);
                self.turn = place + 1;
            }
        }
        self.slots.fill(FREE);
        for (place, record) in self.records.iter().enumerate() {
            if is_taken[place] {
                put(&mut self.slots, slot(record.key(), place), record.key());
            }
        }
    }

    /// How many slots the longest search for a record looks at.
    #[cfg(test)]
    pub fn longest_search(&self) -> usize {
        let last = self.slots.len() - 1;
        let steps = self.iter().map(|record| {
            let (at, _) = self.find(record.key());
            at.wrapping_sub(record.key() as usize) & last
        });
        steps.max().map_or(0, |steps| steps + 1)
    }

    fn release(&mut self, place: usize) {
        self.records[place] = V::default();
        self.free
            .push(u32::try_from(place).expect("bounds are below 2^17"));
    }

    fn rebuild(&mut self, count: usize) {
        let old = std::mem::replace(&mut self.slots, vec![FREE; count].into_boxed_slice());
        for slot in old.into_iter().filter(|slot| *slot != FREE) {
            put(&mut self.slots, slot, self.records[place_in(slot)].key());
        }
    }
}

/// Puts a slot at the first free place for its key.
fn put(slots: &mut [u32], slot: u32, key: u64) {
    let last = slots.len() - 1;
    let mut at = key as usize & last;
    while slots[at] != FREE {
        at = (at + 1) & last;
    }
    slots[at] = slot;
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
                prop_assert!(records.slots.len() >= 2 * records.len());
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
