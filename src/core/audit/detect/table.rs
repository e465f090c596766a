//! A table that forgets: the rarest subjects first, then those unseen for longest.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Subjects a table holds at most.
pub const MOST_SUBJECTS: usize = 65_536;

/// What is remembered of a subject says how much it is worth remembering.
pub trait Worth {
    /// How often it was seen, and when last.
    fn worth(&self) -> (u64, i64);
}

/// At most [`MOST_SUBJECTS`] records. The hasher is seeded, since keys are an attacker's.
#[derive(Debug)]
pub struct Table<K, V> {
    records: HashMap<K, V>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            records: HashMap::new(),
        }
    }
}

impl<K: Hash + Eq + Clone, V: Worth + Default> Table<K, V> {
    /// The record of a key, if there is one.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.records.get(key)
    }

    /// The record of a key, new if need be.
    pub fn entry(&mut self, key: &K) -> &mut V {
        if !self.records.contains_key(key) && self.records.len() >= MOST_SUBJECTS {
            self.forget();
        }
        self.records.entry(key.clone()).or_default()
    }

    /// Forgets an eighth at once, so that forgetting costs nothing per event.
    fn forget(&mut self) {
        let mut worths: Vec<(u64, i64)> = self.records.values().map(Worth::worth).collect();
        let (_, limit, _) = worths.select_nth_unstable(MOST_SUBJECTS / 8);
        let limit = *limit;
        let mut left = MOST_SUBJECTS / 8;
        self.records.retain(|_, record| {
            let goes = record.worth() < limit || (record.worth() == limit && left > 0);
            if goes {
                left = left.saturating_sub(1);
            }
            !goes
        });
    }
}
