//! A table that forgets: the rarest subjects first, then those unseen for longest.

use super::records::{Keyed, Records};

/// Subjects a table holds at most.
pub const MOST_SUBJECTS: usize = 65_536;

/// Subjects that are forgotten together.
const AT_ONCE: usize = MOST_SUBJECTS / 32;

/// What is remembered of a subject says how much it is worth remembering.
pub trait Worth {
    /// How often it was seen, and when last.
    fn worth(&self) -> (u64, i64);
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
    /// The record of a subject, if there is one.
    #[inline]
    pub fn get(&self, key: u64) -> Option<&V> {
        self.records.get(key)
    }

    /// The record of a subject, new if need be.
    #[inline]
    pub fn entry(&mut self, key: u64) -> &mut V {
        match self.records.place(key) {
            Some(place) => self.records.at(place),
            None => self.add(key),
        }
    }

    /// Every record.
    pub fn iter(&self) -> impl Iterator<Item = &V> {
        self.records.iter()
    }

    #[cold]
    fn add(&mut self, key: u64) -> &mut V {
        if self.records.len() >= MOST_SUBJECTS {
            self.forget();
        }
        self.records.add(key)
    }

    /// Forgets some at once, so that forgetting costs little per event.
    fn forget(&mut self) {
        let mut worths: Vec<(u64, i64)> = self.records.iter().map(Worth::worth).collect();
        let (_, limit, _) = worths.select_nth_unstable(AT_ONCE);
        let limit = *limit;
        let mut left = AT_ONCE;
        self.records.retain(|record| {
            let worth = record.worth();
            let goes = worth < limit || (worth == limit && left > 0);
            if goes {
                left = left.saturating_sub(1);
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
    struct Seen(u64, i64, u64);

    impl Keyed for Seen {
        fn of(key: u64) -> Self {
            Self(0, 0, key)
        }

        fn key(&self) -> u64 {
            self.2
        }
    }

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
            assert_eq!((record.0, record.1), (0, 0), "{number}");
            (record.0, record.1) = (1, i64::from(number));
            if number % 1000 == 0 {
                table.entry(key(7_000_000)).0 = 2 + u64::from(number / 1000);
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
    fn forgetting_some_of_many_alike_leaves_no_slots_side_by_side() {
        let seeded = Seeded::default();
        let mut table: Table<Seen> = Table::default();
        for number in 0..10 * MOST_SUBJECTS {
            table.entry(seeded.hash_one(number)).0 = 1;
        }
        // Half of the slots are taken, so that most searches are short.
        let longest = table.records.longest_search();
        assert!(longest < 200, "{longest}");
    }
}
