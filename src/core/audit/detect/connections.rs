//! Several lines about one refused connection are one attempt.

use std::collections::HashMap;
use std::hash::BuildHasher as _;

use crate::audit::event::Connection;
use crate::hashing::Seeded;

/// Connections remembered in each of two generations.
const MOST: usize = 32_768;

/// The connections of late, in two generations: when the younger is full, the older is forgotten.
#[derive(Debug, Default)]
pub struct Connections {
    hasher: Seeded,
    young: States,
    old: States,
}

/// What is known of each connection, by the hash of its id.
type States = HashMap<u64, State, Seeded>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A companion line was counted in place of the attempt that may still come.
    Advanced,
    /// The attempt itself was counted.
    Counted,
}

impl Connections {
    /// Holds the bounds of everything that is remembered.
    #[cfg(test)]
    pub fn assert_bounded(&self) {
        assert!(self.young.len() <= MOST && self.old.len() <= MOST);
    }

    /// How many attempts a line adds.
    pub fn attempts(&mut self, connection: &Connection<'_>, count: u64) -> u64 {
        let key = self.hasher.hash_one(&*connection.id);
        let state = self.young.get(&key).or_else(|| self.old.get(&key)).copied();
        let (next, adds) = match (connection.is_companion, state) {
            (true, None) => (State::Advanced, 1),
            (true, Some(state)) => (state, 0),
            (false, Some(State::Advanced)) => (State::Counted, count.saturating_sub(1)),
            (false, _) => (State::Counted, count),
        };
        if self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, next);
        // What the writer suppressed was never written anywhere else.
        let more = if connection.is_companion {
            connection.more
        } else {
            0
        };
        adds + more
    }
}
