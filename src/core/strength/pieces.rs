//! Pieces of known texts in a value.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Texts of which pieces are looked for.
pub(super) struct Texts {
    pub all: &'static [&'static str],
    /// A shorter piece may well be chance; in bytes.
    pub least: usize,
    /// Every piece of that length, so that most places of a value are done with one look.
    pub heads: LazyLock<HashSet<&'static [u8]>>,
}

/// The longest piece of one text at one place of a value.
pub(super) struct Piece {
    /// The text.
    pub of: &'static str,
    pub start: usize,
    pub length: usize,
}

/// Every piece of so many bytes.
pub(super) fn heads(texts: &'static [&'static str], least: usize) -> HashSet<&'static [u8]> {
    let texts = texts.iter().map(|text| text.as_bytes());
    texts.flat_map(|text| text.windows(least)).collect()
}

impl Texts {
    /// For each text the pieces that follow each other in a value.
    pub(super) fn pieces(&self, value: &[u8]) -> Vec<Piece> {
        let windows = value.windows(self.least);
        let begins: Vec<bool> = windows.map(|head| self.heads.contains(head)).collect();
        let mut pieces = Vec::new();
        if !begins.contains(&true) {
            return pieces;
        }
        for of in self.all {
            let mut start = 0;
            while start < begins.len() {
                let length = match begins[start] {
                    true => self.longest(of.as_bytes(), &value[start..]),
                    false => 0,
                };
                if length > 0 {
                    pieces.push(Piece { of, start, length });
                }
                start += length.max(1);
            }
        }
        pieces
    }

    /// How much of the beginning of a value stands somewhere in a text; 0 for less than the least.
    fn longest(&self, text: &[u8], value: &[u8]) -> usize {
        let heads = text.windows(self.least).enumerate();
        let places = heads.filter(|(_, head)| value.starts_with(head));
        let same = |at: usize| {
            let pairs = text[at..].iter().zip(value);
            pairs.take_while(|(one, other)| one == other).count()
        };
        places.map(|(at, _)| same(at)).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: &[&str] = &["abcabcabd", "bcaba", "ab"];
    static TEXTS: Texts = Texts {
        all: ALL,
        least: 3,
        heads: LazyLock::new(|| heads(ALL, 3)),
    };

    proptest! {
        #[test]
        fn pieces_are_the_longest_that_a_plain_search_finds(value in "[abcd]{0,14}") {
            let mut expected = Vec::new();
            for text in ALL {
                let mut start = 0;
                while start < value.len() {
                    let lengths = (3..=value.len() - start).rev();
                    let mut pieces = lengths.map(|length| &value[start..start + length]);
                    let piece = pieces.find(|piece| text.contains(piece)).unwrap_or("");
                    if !piece.is_empty() {
                        expected.push((*text, start, piece.len()));
                    }
                    start += piece.len().max(1);
                }
            }
            let found = TEXTS.pieces(value.as_bytes());
            let found: Vec<_> = found.iter().map(|at| (at.of, at.start, at.length)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
