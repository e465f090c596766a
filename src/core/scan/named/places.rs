//! Where in a text the names stand: stretches of lines that do not overlap.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::packed::{self, Searcher};

use super::REACH;
use crate::order;
use crate::scan::named_rules::{COMMAND, FRAGMENTS};

const NEEDLES_PER_SEARCHER: usize = 64;
/// So many lines of a value may follow the line of its name.
const MOST_LINES: usize = 3;
/// A name has so many bytes behind its fragment, and its value begins behind them.
const REST_OF_A_NAME: usize = 32;

/// Lines around names.
struct Place {
    range: Range<usize>,
    /// Whether its last line goes on behind it.
    is_cut: bool,
}

/// The lines that hold a name, joined where they overlap; of long lines what is near a name.
pub(super) fn places(text: &[u8]) -> Vec<Range<usize>> {
    let mut hits: Vec<usize> = Vec::new();
    for searcher in searchers() {
        hits.extend(searcher.find_iter(text).map(|hit| hit.start()));
    }
    order::sort(&mut hits);
    let mut places: Vec<Place> = Vec::new();
    for at in hits {
        match places.last_mut() {
            Some(last) if !last.is_cut && at + REST_OF_A_NAME < last.range.end => {}
            Some(last) if at < last.range.end => last.reach_on(text, at),
            _ => {
                let place = Place::around(text, at);
                match places.last_mut() {
                    Some(last) if place.range.start < last.range.end => {
                        last.range.end = place.range.end;
                        last.is_cut = place.is_cut;
                    }
                    _ => places.push(place),
                }
            }
        }
    }
    places.into_iter().map(|place| place.range).collect()
}

impl Place {
    /// The line around `at`, with the next ones where those go on with the value.
    fn around(text: &[u8], at: usize) -> Self {
        let least = at.saturating_sub(REACH);
        let start =
            memchr::memrchr(b'\n', &text[least..at]).map_or(least, |found| least + found + 1);
        let mut place = Self {
            range: start..at,
            is_cut: true,
        };
        place.reach_on(text, at);
        place
    }

    /// Grows to what belongs to a name at `at`, which stands in it.
    fn reach_on(&mut self, text: &[u8], at: usize) {
        let most = (at + REACH).min(text.len());
        let known = match self.is_cut {
            true => self.range.end,
            false => at,
        };
        if most <= known {
            return;
        }
        let mut end = line_end(text, known, most);
        for _ in 0..MOST_LINES {
            let next = end + 1;
            if next >= most || !goes_on(&text[self.range.start..end], &text[next..most]) {
                break;
            }
            end = line_end(text, next, most);
        }
        if end >= self.range.end {
            self.range.end = end;
            self.is_cut = text.get(end).is_some_and(|byte| *byte != b'\n');
        }
    }
}

fn searchers() -> &'static [Searcher] {
    static SEARCHERS: OnceLock<Vec<Searcher>> = OnceLock::new();
    SEARCHERS.get_or_init(|| {
        let group = |group: &[&str]| {
            packed::Config::new()
                .builder()
                .extend(group.iter().map(|fragment| fragment.as_bytes()))
                .build()
        };
        let fragments = FRAGMENTS.split_whitespace().chain([COMMAND]);
        let fragments: Vec<&str> = fragments.collect();
        fragments
            .chunks(NEEDLES_PER_SEARCHER)
            .filter_map(group)
            .collect()
    })
}

fn line_end(text: &[u8], from: usize, most: usize) -> usize {
    memchr::memchr(b'\n', &text[from..most]).map_or(most, |found| from + found)
}

/// Whether the value of this line's name stands on the next one.
fn goes_on(line: &[u8], next: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let next = next.trim_ascii_start();
    let next = next.strip_prefix(b"- ").unwrap_or(next);
    let next = match next.first() {
        Some(b'"' | b'\'') => &next[1..],
        _ => next,
    };
    let begins = |word: &[u8]| {
        next.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    line.ends_with(b"\\")
        || line.ends_with(b"=")
        || line.ends_with(b"(")
        || line.ends_with(b":")
        || line.ends_with(b"{")
        || line.ends_with(b"[")
        || begins(b"value")
        || begins(b"<string>")
        || begins(b"<value>")
        || begins(b"default")
        || begins(b"authorization")
        || begins(b"x-api-key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_never_overlap_and_hold_what_is_near_a_name() {
        let name = "MISTRAL_API_KEY";
        for text in [
            format!("{name} ").repeat(2000),
            format!("{name}{}", "x".repeat(700)).repeat(40),
            format!("{}\n", format!("{name} ").repeat(300)).repeat(5),
            format!("{name}:\n value:\n value:\n").repeat(200),
            "nothing here\n".repeat(900),
        ] {
            let places = places(text.as_bytes());
            let ends = places.windows(2).all(|two| two[0].end <= two[1].start);
            assert!(ends, "{places:?}");
            let names = memchr::memmem::find_iter(text.as_bytes(), name);
            for at in names {
                let line = text[at..].find('\n').unwrap_or(text.len() - at);
                let near = at..at + line.min(REACH);
                let is_in = |place: &Range<usize>| place.start <= at && near.end <= place.end;
                assert!(places.iter().any(is_in), "{near:?} of {places:?}");
            }
        }
    }
}
