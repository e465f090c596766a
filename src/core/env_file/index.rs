//! Which assignment of each name counts: large files are asked for a hundred names.

use std::hash::BuildHasher as _;

use hashbrown::HashTable;

use super::Assignment;
use crate::hashing::Seeded;

/// Where the last assignment of each name stands.
#[derive(Debug, Clone)]
pub(super) struct Index {
    hasher: Seeded,
    places: HashTable<usize>,
}

impl Index {
    /// Takes linear time, whatever names somebody chose.
    pub(super) fn of(assignments: &[Assignment]) -> Self {
        let hasher = Seeded::default();
        let hash = |name: &str| hasher.hash_one(name);
        let mut places: HashTable<usize> = HashTable::with_capacity(assignments.len());
        for (place, assignment) in assignments.iter().enumerate() {
            let is_same = |known: &usize| assignments[*known].name == assignment.name;
            let hash_of = |known: &usize| hash(&assignments[*known].name);
            *places
                .entry(hash(&assignment.name), is_same, hash_of)
                .or_insert(place)
                .get_mut() = place;
        }
        Self { hasher, places }
    }

    /// Where the last one of this name stands among them.
    pub(super) fn last(&self, assignments: &[Assignment], name: &str) -> Option<usize> {
        let is_it = |place: &usize| assignments[*place].name == name;
        self.places.find(self.hasher.hash_one(name), is_it).copied()
    }
}
