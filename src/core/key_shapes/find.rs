//! Finding keys in any text: one packed search for the literals, then the shape at each hit.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::packed::{self, Searcher};

use super::pattern::{self, Anchor, Class};
use super::{KEY_SHAPES, KeyShape};
use crate::order;

/// Teddy, the packed searcher, takes at most this many literals.
const LITERALS_PER_SEARCHER: usize = 64;

struct Prefilter {
    groups: Vec<Group>,
}

struct Group {
    /// `None` only if the packed searcher refuses, then the literals are searched one by one.
    searcher: Option<Searcher>,
    literals: Vec<&'static str>,
    /// For each literal the rows that have it.
    shapes: Vec<Vec<&'static KeyShape>>,
}

pub(super) fn find_all(text: &[u8]) -> Vec<(Range<usize>, &'static KeyShape)> {
    let mut found = Vec::new();
    for group in &prefilter().groups {
        group.for_each_hit(text, |literal, at| {
            for shape in &group.shapes[literal] {
                found.extend(key_at(shape, text, at).map(|range| (range, *shape)));
            }
        });
    }
    for shape in KEY_SHAPES
        .iter()
        .filter(|shape| matches!(shape.anchor, Anchor::Dots))
    {
        for dot in memchr::memchr_iter(b'.', text) {
            if text.get(dot + 7) == Some(&b'.') {
                found.extend(dotted_key(shape, text, dot).map(|range| (range, shape)));
            }
        }
    }
    without_overlaps(found)
}

impl Group {
    fn new(literals: Vec<&'static str>) -> Self {
        let searcher = packed::Config::new()
            .builder()
            .extend(literals.iter().map(|literal| literal.as_bytes()))
            .build();
        let shapes = literals
            .iter()
            .map(|literal| {
                KEY_SHAPES
                    .iter()
                    .filter(|shape| anchored_at(shape, literal))
                    .collect()
            })
            .collect();
        Self {
            searcher,
            literals,
            shapes,
        }
    }

    /// Calls back for every place of every literal, also where one literal begins another.
    fn for_each_hit(&self, text: &[u8], mut hit: impl FnMut(usize, usize)) {
        let mut at_place = |at: usize| {
            for (index, literal) in self.literals.iter().enumerate() {
                if text[at..].starts_with(literal.as_bytes()) {
                    hit(index, at);
                }
            }
        };
        match &self.searcher {
            // Hits of one pass do not overlap, so the search goes on one byte after each of them.
            Some(searcher) => {
                let mut from = 0;
                while let Some(found) = searcher.find_in(text, (from..text.len()).into()) {
                    at_place(found.start());
                    from = found.start() + 1;
                }
            }
            None => (0..text.len()).for_each(at_place),
        }
    }
}

fn anchored_at(shape: &KeyShape, literal: &str) -> bool {
    match shape.anchor {
        Anchor::Prefix => shape.prefixes.contains(&literal),
        Anchor::Inside(inner, _) => inner == literal,
        Anchor::Dots | Anchor::Never => false,
    }
}

fn prefilter() -> &'static Prefilter {
    static PREFILTER: OnceLock<Prefilter> = OnceLock::new();
    PREFILTER.get_or_init(|| {
        let mut literals: Vec<&'static str> = KEY_SHAPES
            .iter()
            .flat_map(|shape| match shape.anchor {
                Anchor::Prefix => shape.prefixes.to_vec(),
                Anchor::Inside(literal, _) => vec![literal],
                Anchor::Dots | Anchor::Never => Vec::new(),
            })
            .collect();
        // Short ones together: a group's speed depends on its shortest literal.
        order::sort_by_key(&mut literals, |literal| (literal.len(), *literal));
        literals.dedup();
        let groups = literals
            .chunks(LITERALS_PER_SEARCHER)
            .map(|chunk| Group::new(chunk.to_vec()))
            .collect();
        Prefilter { groups }
    })
}

/// The key of this shape whose literal stands at `at`.
fn key_at(shape: &KeyShape, text: &[u8], at: usize) -> Option<Range<usize>> {
    match shape.anchor {
        Anchor::Prefix => key_from(shape, text, at),
        Anchor::Inside(_, distances) => distances
            .iter()
            .filter_map(|distance| at.checked_sub(*distance))
            .find_map(|start| key_from(shape, text, start)),
        Anchor::Dots | Anchor::Never => None,
    }
}

fn key_from(shape: &KeyShape, text: &[u8], start: usize) -> Option<Range<usize>> {
    if shape
        .left
        .is_some_and(|class| !left_is_free(text, start, class))
    {
        return None;
    }
    shape.alternatives.iter().find_map(|parts| {
        let length = pattern::match_length(parts, &text[start..])?;
        let end = start + length;
        let cut = match (shape.right, text.get(end)) {
            (Some(class), Some(next)) => class.holds(*next),
            _ => false,
        };
        (!cut && shape.check.accepts(&text[start..], length)).then_some(start..end)
    })
}

fn dotted_key(shape: &KeyShape, text: &[u8], dot: usize) -> Option<Range<usize>> {
    let before = text[..dot]
        .iter()
        .rev()
        .take(40)
        .take_while(|byte| Class::Word.holds(**byte))
        .count();
    // Longest first: what stands before the key may be of its alphabet (an escaped newline's `n`).
    (23..=28.min(before))
        .rev()
        .find_map(|length| key_from(shape, text, dot - length))
}

/// Whether nothing of the key's own alphabet stands before it, escape sequences excepted.
///
/// `\b` would lose keys after a colour code's `m`, the `n` of an escaped newline or the `D` of `%3D`.
fn left_is_free(text: &[u8], start: usize, class: Class) -> bool {
    let before = &text[..start];
    let Some(&last) = before.last() else {
        return true;
    };
    if !class.holds(last) {
        return true;
    }
    let back = |distance: usize| before.len().checked_sub(distance).map(|at| before[at]);
    let escaped_letter = matches!(last, b'n' | b'r' | b't') && back(2) == Some(b'\\');
    let shell_fallback = last == b'-' && back(2) == Some(b':');
    let percent_code = last.is_ascii_hexdigit()
        && back(2).is_some_and(|byte| byte.is_ascii_hexdigit())
        && back(3) == Some(b'%');
    let unicode_escape = before.len() >= 6
        && before[before.len() - 6..].starts_with(b"\\u00")
        && before[before.len() - 2..].iter().all(u8::is_ascii_hexdigit);
    escaped_letter
        || shell_fallback
        || percent_code
        || unicode_escape
        || ends_with_colour_code(before)
}

fn ends_with_colour_code(before: &[u8]) -> bool {
    before.strip_suffix(b"m").is_some_and(|rest| {
        let digits = rest
            .iter()
            .rev()
            .take(20)
            .take_while(|byte| byte.is_ascii_digit() || **byte == b';')
            .count();
        rest[..rest.len() - digits].ends_with(b"[")
    })
}

/// The earliest, and of those the longest; the table's order breaks ties.
fn without_overlaps(
    mut found: Vec<(Range<usize>, &'static KeyShape)>,
) -> Vec<(Range<usize>, &'static KeyShape)> {
    let place = |shape: &KeyShape| KEY_SHAPES.iter().position(|row| row == shape);
    order::sort_by_key(&mut found, |(range, shape)| {
        (range.start, std::cmp::Reverse(range.end), place(shape))
    });
    let mut end = 0;
    found.retain(|(range, _)| {
        let free = range.start >= end;
        if free {
            end = range.end;
        }
        free
    });
    found
}
