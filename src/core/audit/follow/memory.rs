//! Files that were read and closed, and those that were there before: they are no news.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::SystemTime;

use super::footprint::{Footprint, Identity};
use crate::order;

/// Files that are remembered, 2 KiB each; what was not seen for longest is forgotten first.
const MOST: usize = 1024;

/// One file that was read.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// Which file it was.
    pub identity: Identity,
    /// What was read of it.
    pub footprint: Footprint,
    /// What is known of its end.
    pub end: End,
    /// When it was modified last as its cut was met, if it was this file.
    pub cut_before: Option<SystemTime>,
}

/// What is known of the end of a file that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was read to it.
    Read,
    /// It was no news when it was met, and may have grown since.
    MayHaveGrown,
    /// It was cut: a copy may hold more than was read.
    Cut,
}

/// What memory says of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It was read.
    Read,
    /// It begins as a file did that was cut, and may hold more of it.
    BeginsLikeCut,
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

    /// What is known of content that begins with `head`: the file itself, or compressed, or a copy
    /// of it. Of several that agree, the one that was read farthest decides. `head` is not empty.
    pub fn knows(&mut self, identity: Identity, head: &[u8]) -> Option<Known> {
        let agreeing = self.entries.iter().enumerate().filter(|(_, entry)| {
            if entry.identity == identity || entry.end != End::Read {
                entry.footprint.agrees_with(head)
            } else {
                entry.footprint.head().starts_with(head)
            }
        });
        let (at, end) = agreeing
            .map(|(at, entry)| (at, entry.end, entry.footprint.offset()))
            .max_by_key(|(_, end, offset)| (*offset, *end != End::Cut))
            .map(|(at, end, _)| (at, end))?;
        if let Some(entry) = self.entries.remove(at) {
            self.entries.push_back(entry);
        }
        Some(match end {
            End::Cut => Known::BeginsLikeCut,
            End::Read | End::MayHaveGrown => Known::Read,
        })
    }

    /// What was read of files that were cut and began like this, farthest first.
    pub fn cut_like(&self, head: &[u8]) -> Vec<Footprint> {
        let cut = self.entries.iter().filter(|entry| entry.end == End::Cut);
        let mut found: Vec<Footprint> = cut
            .map(|entry| &entry.footprint)
            .filter(|footprint| footprint.agrees_with(head))
            .cloned()
            .collect();
        order::sort_by_key(&mut found, |footprint| Reverse(footprint.offset()));
        found
    }

    /// What was read of this file, latest first.
    pub fn readings_of(&self, identity: Identity) -> impl Iterator<Item = &Remembered> {
        self.entries
            .iter()
            .rev()
            .filter(move |entry| entry.identity == identity)
    }
}
