//! The search for values in a text, however it writes them.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use zeroize::Zeroizing;

use crate::escapes::{Decoded, Escapes};
use crate::order;

/// A line of JSON in a line of JSON in a record of the container engine or the journal.
const LEVELS: usize = 3;
/// An address in a parameter of an address.
const PERCENT_LEVELS: usize = 2;
/// Of each level's escapes a byte takes at most so many, in bytes: `\\\\u0026`.
const LONGEST_ESCAPE: usize = 9;
/// The beginning of a value that is cut off is told from chance by so many bytes.
const SHORTEST_BEGINNING: usize = 8;

/// Finds values in a text, whichever of their characters are escaped, by `%XX` or as JSON does it, also
/// where JSON stands in JSON.
#[derive(Debug, Clone)]
pub struct Searcher {
    automaton: AhoCorasick,
    spellings: Vec<Zeroizing<Vec<u8>>>,
    longest: usize,
}

/// Where a spelling stands, and which one it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The bytes of the text, as they stand there.
    pub range: Range<usize>,
    /// The place of the spelling among those that were given.
    pub spelling: usize,
}

impl Searcher {
    /// For these spellings; nothing where there are none, or too many.
    pub fn new(spellings: &[Vec<u8>]) -> Option<Self> {
        if spellings.is_empty() {
            return None;
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(spellings)
            .ok()?;
        Some(Self {
            automaton,
            longest: spellings.iter().map(Vec::len).max().unwrap_or(0),
            spellings: spellings.iter().cloned().map(Zeroizing::new).collect(),
        })
    }

    /// How long a spelling can be in a text, in bytes: with each of its own escaped on all levels.
    pub fn longest(&self) -> usize {
        LONGEST_ESCAPE * self.longest
    }

    /// Where spellings stand in `bytes`, in order; what overlaps is one.
    pub fn find(&self, bytes: &[u8]) -> Vec<Found> {
        self.search(bytes, &|text| {
            let hits = self.automaton.find_iter(text).map(|hit| Found {
                range: hit.range(),
                spelling: hit.pattern().as_usize(),
            });
            hits.collect()
        })
    }

    /// The beginning of a spelling, of eight bytes or more, with which `bytes` ends.
    pub fn find_cut_off(&self, bytes: &[u8]) -> Option<Found> {
        let tail = &bytes[bytes.len().saturating_sub(self.longest())..];
        let cut_off = |text: &[u8]| {
            let longest = |spelling: &[u8]| {
                (SHORTEST_BEGINNING..spelling.len())
                    .rev()
                    .find(|length| text.ends_with(&spelling[..*length]))
            };
            let spellings = self.spellings.iter().enumerate();
            let all = spellings.filter_map(|(place, spelling)| Some((longest(spelling)?, place)));
            let found = all.max().map(|(length, spelling)| Found {
                range: text.len() - length..text.len(),
                spelling,
            });
            found.into_iter().collect()
        };
        let mut found = self.search(tail, &cut_off).into_iter().next_back()?;
        let before = bytes.len() - tail.len();
        found.range = found.range.start + before..bytes.len();
        Some(found)
    }

    /// What `look` finds in `bytes` as they are and with their escapes read, in order.
    fn search(&self, bytes: &[u8], look: &dyn Fn(&[u8]) -> Vec<Found>) -> Vec<Found> {
        let mut found = look(bytes);
        let as_they_are = found.len();
        self.search_decoded(bytes, (LEVELS, PERCENT_LEVELS), look, &mut found);
        if found.len() > as_they_are {
            order::sort_by_key(&mut found, |one| one.range.start);
            found.dedup_by(|later, earlier| {
                let overlaps = later.range.start < earlier.range.end;
                if overlaps {
                    earlier.range.end = earlier.range.end.max(later.range.end);
                }
                overlaps
            });
        }
        found
    }

    /// Adds what is found where so many levels of either escapes are read. Percent signs are read last: an
    /// address in JSON, not JSON in an address.
    fn search_decoded(
        &self,
        bytes: &[u8],
        (levels, percent_levels): (usize, usize),
        look: &dyn Fn(&[u8]) -> Vec<Found>,
        found: &mut Vec<Found>,
    ) {
        for (escapes, left) in [
            (
                Escapes::Backslash,
                (levels.saturating_sub(1), percent_levels),
            ),
            (Escapes::Percent, (0, percent_levels.saturating_sub(1))),
        ] {
            let is_over = match escapes {
                Escapes::Backslash => levels == 0,
                Escapes::Percent => percent_levels == 0,
            };
            if is_over {
                continue;
            }
            if let Some(decoded) = Decoded::of(bytes, escapes, self.longest()) {
                let mut inside = look(&decoded.text);
                self.search_decoded(&decoded.text, left, look, &mut inside);
                found.extend(inside.into_iter().map(|found| Found {
                    range: decoded.in_original(&found.range),
                    ..found
                }));
            }
        }
    }
}
