//! Files that were read and closed, and those that were there before: they are no news.

use std::collections::VecDeque;

use super::footprint::{Footprint, Identity};

/// Files that are remembered, 2 KiB each; what was not seen for longest is forgotten first.
const MOST: usize = 1024;

/// One file that was read.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// Which file it was.
    pub identity: Identity,
    /// What was read of it.
    pub footprint: Footprint,
    /// Whether nobody was seen reading it to its end: it may have grown since.
    pub may_have_grown: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Memory {
    entries: VecDeque<Remembered>,
}

impl Memory {
    /// Keeps a file in mind.
    pub fn remember(&mut self, file: Remembered) {
        if file.footprint.head().is_empty() {
            return;
        }
        if self.entries.len() >= MOST {
            self.entries.pop_front();
        }
        self.entries.push_back(file);
    }

    /// Whether content that begins with `head` was read: the file itself, or compressed, or a copy
    /// of its beginning. `head` is not empty.
    pub fn knows(&mut self, identity: Identity, head: &[u8]) -> bool {
        let found = self.entries.iter().position(|entry| {
            let known = entry.footprint.head();
            if entry.identity == identity || entry.may_have_grown {
                entry.footprint.agrees_with(head)
            } else {
                known.starts_with(head)
            }
        });
        if let Some(entry) = found.and_then(|at| self.entries.remove(at)) {
            self.entries.push_back(entry);
            return true;
        }
        false
    }

    /// What was read of this file, latest first.
    pub fn readings_of(&self, identity: Identity) -> impl Iterator<Item = &Footprint> {
        self.entries
            .iter()
            .rev()
            .filter(move |entry| entry.identity == identity)
            .map(|entry| &entry.footprint)
    }
}
