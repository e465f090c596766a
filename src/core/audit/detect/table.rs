//! A table that forgets: the rarest subjects first, then those unseen for longest.

use super::records::{Keyed, Records};
use crate::order;

/// Subjects a table holds at most.
pub const MOST_SUBJECTS: usize = 65_536;

/// Subjects that are forgotten together.
const AT_ONCE: usize = MOST_SUBJECTS / 32;

/// What is remembered of a subject says how much it is worth remembering.
pub trait Worth {
    /// How often it was seen, and when last.
    fn worth(&self) -> (u64, i64);

    /// The memory it takes beside itself, in bytes.
    fn heap_bytes(&self) -> usize;
}

/// At most [`MOST_SUBJECTS`] records. A subject is known by its hash, which is seeded, since names
/// are an attacker's.
#[derive(Debug)]
pub struct Table<V> {
    records: Records<V>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self {
            records: Records::default(),
        }
    }
}

impl<V: Worth + Keyed> Table<V> {
    /// Where the record of a subject stands, if there is one; until the next is added.
    #[inline]
    pub fn place(&self, key: u64) -> Option<usize> {
        self.records.place(key)
    }

    /// The same, new if need be.
    #[inline(always)]
    pub fn place_or_add(&mut self, key: u64, new: impl FnOnce(u64) -> V) -> usize {
        match self.place(key) {
            Some(place) => place,
            None => self.add(new(key)),
        }
    }

    /// The record of a subject, if there is one.
    #[inline]
    pub fn get(&self, key: u64) -> Option<&V> {
        self.records.get(key)
    }

    /// The record that stands there.
    pub fn peek(&self, place: usize) -> &V {
        self.records.peek(place)
    }

    /// The same, to be changed in place.
    #[inline]
    pub fn at(&mut self, place: usize) -> &mut V {
        self.records.at(place)
    }

    /// Every record.
    pub fn iter(&self) -> impl Iterator<Item = &V> {
        self.records.iter()
    }

    /// Adds the record of a subject that has none yet; returns where it stands.
    #[cold]
    #[inline(never)]
    fn add(&mut self, record: V) -> usize {
        if self.records.len() >= MOST_SUBJECTS {
            self.forget();
        }
        self.records.add(record)
    }

    /// The memory of all records by themselves, forgotten ones too, in bytes.
    pub fn own_bytes(&self) -> usize {
        self.records.places() * size_of::<V>()
    }

    /// The memory that records take beside themselves, in bytes.
    pub fn heap_bytes(&self) -> usize {
        self.records.iter().map(Worth::heap_bytes).sum()
    }

    /// Forgets some at once, so that forgetting costs little per event.
    fn forget(&mut self) {
        let mut worths: Vec<(u64, i64)> = self.records.iter().map(Worth::worth).collect();
        let (_, limit, _) = worths.select_nth_unstable(AT_ONCE - 1);
        self.forget_up_to(*limit, AT_ONCE, |_| true);
    }

    /// Forgets so many, or so few, that the others take an eighth less than `most` bytes beside
    /// themselves, where all together take more than that.
    pub fn shrink_heap_to(&mut self, most: usize) {
        let mut left = self.heap_bytes();
        if left <= most {
            return;
        }
        // Who takes nothing beside a place that stays anyway need not go.
        let all = self.records.iter().filter(|record| record.heap_bytes() > 0);
        let mut all: Vec<_> = all
            .map(|record| (record.worth(), record.heap_bytes()))
            .collect();
        order::sort_by_key(&mut all, |(worth, _)| *worth);
        for (number, (worth, bytes)) in all.iter().enumerate() {
            left = left.saturating_sub(*bytes);
            if left <= most - most / 8 {
                return self.forget_up_to(*worth, number + 1, |record| record.heap_bytes() > 0);
            }
        }
    }

    /// Forgets the first `count` of those that may go, in the order of their worth; the last of them is
    /// worth `limit`.
    fn forget_up_to(&mut self, limit: (u64, i64), count: usize, may_go: impl Fn(&V) -> bool) {
        let some = self.records.iter().filter(|record| may_go(record));
        let lower = some.filter(|record| record.worth() < limit).count();
        let mut alike = count.saturating_sub(lower);
        self.records.retain(|record| {
            let worth = record.worth();
            let is_alike = worth == limit && alike > 0 && may_go(record);
            alike -= usize::from(is_alike);
            !is_alike && (worth >= limit || !may_go(record))
        });
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher as _;

    use super::*;
    use crate::hashing::Seeded;

    #[derive(Debug, Default, Clone, PartialEq)]
    struct Seen(u64, i64, u64);

    impl Keyed for Seen {
        fn key(&self) -> u64 {
            self.2
        }
    }

    impl Worth for Seen {
        fn worth(&self) -> (u64, i64) {
            (self.0, self.1)
        }

        fn heap_bytes(&self) -> usize {
            1000
        }
    }

    fn entry(table: &mut Table<Seen>, key: u64) -> &mut Seen {
        let place = table.place_or_add(key, |key| Seen(0, 0, key));
        table.at(place)
    }

    #[test]
    fn the_rarest_go_first_then_the_oldest_and_nobody_inherits() {
        let seeded = Seeded::default();
        let key = |number: u32| seeded.hash_one(number);
        let mut table: Table<Seen> = Table::default();
        for number in 0..200_000u32 {
            let record = entry(&mut table, key(number));
            assert_eq!((record.0, record.1), (0, 0), "{number}");
            (record.0, record.1) = (1, i64::from(number));
            if number % 1000 == 0 {
                entry(&mut table, key(7_000_000)).0 = 2 + u64::from(number / 1000);
            }
        }
        assert_eq!(
            table.get(key(7_000_000)),
            Some(&Seen(201, 0, key(7_000_000)))
        );
        assert_eq!(
            table.get(key(199_999)),
            Some(&Seen(1, 199_999, key(199_999)))
        );
        assert_eq!(table.get(key(140_000)).map(|seen| seen.0), Some(1));
        assert_eq!(table.get(key(100)), None);
        assert!(table.records.len() <= MOST_SUBJECTS);
    }

    #[test]
    fn what_takes_too_much_memory_goes_in_the_same_order() {
        let mut table: Table<Seen> = Table::default();
        for number in 0..100u64 {
            // The lowest bits choose the slot.
            *entry(&mut table, number << 8) = Seen(number % 10, number as i64, number << 8);
        }
        table.shrink_heap_to(100_000);
        assert_eq!(table.iter().count(), 100);
        table.shrink_heap_to(99_999);
        let left: Vec<u64> = table.iter().map(|seen| seen.0).collect();
        assert_eq!(left.len(), 87);
        assert!(!left.contains(&0));
        assert_eq!(left.iter().filter(|count| **count == 1).count(), 7);
        assert_eq!(table.get(21 << 8), None);
        assert_eq!(table.get(31 << 8).map(|seen| seen.1), Some(31));
    }

    #[test]
    fn of_those_worth_the_same_no_more_go_than_must() {
        let mut table: Table<Seen> = Table::default();
        for number in 0..100u64 {
            let worth = match number {
                0..70 => 5,
                70..90 => 1,
                _ => 9,
            };
            *entry(&mut table, number << 8) = Seen(worth, 1, number << 8);
        }
        table.shrink_heap_to(70_000);
        assert_eq!(table.iter().count(), 61);
        assert_eq!(table.iter().filter(|seen| seen.0 == 9).count(), 10);
    }
}
