//! Structure in a value: runs, walks over the keyboard, repetition, dates, and the cheapest way to describe it all.

use std::sync::LazyLock;

use super::pieces::{Texts, heads};
use super::{texts, words};

/// What makes a value easier to guess than its length says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StructureKind {
    /// Words of a dictionary, also disguised ones (`p4ssw0rd`), or what reads like words.
    Words,
    /// A text that everybody knows: lorem ipsum, digits of π.
    KnownText,
    /// Rows and walks on a keyboard.
    Keyboard,
    /// `abcdef`, `13579`, `a1b2c3`.
    Run,
    /// The same again.
    Repetition,
    /// Years and dates.
    Date,
    /// A UUID, of which at most 122 bits are random.
    Uuid,
    /// Base64 or hex of readable text.
    EncodedText,
}

/// A piece of a value that has structure, in characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub start: usize,
    pub end: usize,
    pub kind: StructureKind,
    /// What it costs to write the piece down so that it can be told from any other: decides whether it is chance.
    pub code_bits: f64,
    /// What it costs somebody to guess the piece who expects such structure.
    pub guess_bits: f64,
}

impl Segment {
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }
}

/// The cheapest description of a value.
pub(super) struct Description {
    /// The bits of the description itself.
    pub code_bits: f64,
    /// The pieces with structure, in order and without overlaps.
    pub segments: Vec<Segment>,
}

/// To say that structure begins here, and of which kind.
const SEGMENT_OVERHEAD_BITS: f64 = 6.0;

/// Describes `text`, whose characters cost `literal_bits` each where nothing better is known.
pub(super) fn describe(text: &[char], literal_bits: f64) -> Description {
    let mut candidates = words::find(text, literal_bits);
    candidates.extend(texts::find(text));
    candidates.extend(runs(text, literal_bits));
    candidates.extend(interleaved_runs(text, literal_bits));
    candidates.extend(keyboard_walks(text));
    candidates.extend(repetitions(text));
    candidates.extend(dates(text));
    candidates.extend(uuids(text));
    cheapest(text.len(), literal_bits, &candidates)
}

fn cheapest(length: usize, literal_bits: f64, candidates: &[Segment]) -> Description {
    let mut by_end: Vec<Vec<&Segment>> = vec![Vec::new(); length + 1];
    for segment in candidates {
        by_end[segment.end].push(segment);
    }
    let mut best: Vec<(f64, Option<&Segment>)> = vec![(0.0, None)];
    for end in 1..=length {
        let mut choice = (best[end - 1].0 + literal_bits, None);
        for segment in &by_end[end] {
            let cost = best[segment.start].0 + segment.code_bits;
            if cost < choice.0 {
                choice = (cost, Some(*segment));
            }
        }
        best.push(choice);
    }
    let mut segments = Vec::new();
    let mut at = length;
    while at > 0 {
        match best[at].1 {
            Some(segment) => {
                segments.push(*segment);
                at = segment.start;
            }
            None => at -= 1,
        }
    }
    segments.reverse();
    Description {
        code_bits: best[length].0,
        segments,
    }
}

/// Characters at equal distances: `aaaa`, `abcd`, `9876`, `2468`.
fn runs(text: &[char], literal_bits: f64) -> Vec<Segment> {
    let mut found = Vec::new();
    for step in [0, 1, -1, 2, -2] {
        let mut start = 0;
        while start < text.len() {
            let mut end = start + 1;
            while end < text.len() && follows(text[end - 1], text[end], step) {
                end += 1;
            }
            if end - start >= 3 {
                let bits = literal_bits.min(5.2) + log2(end - start);
                found.push(segment(start, end, StructureKind::Run, bits + 2.3));
            }
            start = end;
        }
    }
    found
}

fn follows(before: char, after: char, step: i32) -> bool {
    let same_kind = step == 0
        || before.is_ascii_digit() && after.is_ascii_digit()
        || before.is_ascii_lowercase() && after.is_ascii_lowercase()
        || before.is_ascii_uppercase() && after.is_ascii_uppercase();
    let wraps = matches!(
        (step, before, after),
        (1, '9', '0')
            | (-1, '0', '9')
            | (1, 'z', 'a')
            | (1, 'Z', 'A')
            | (1, '9', 'a')
            | (1, '9', 'A')
    );
    wraps || same_kind && after as i32 - before as i32 == step
}

/// Two runs, character by character: `a1b2c3d4`.
fn interleaved_runs(text: &[char], literal_bits: f64) -> Vec<Segment> {
    let mut found = Vec::new();
    for (first, second) in [(1, 1), (1, -1), (-1, 1), (-1, -1), (1, 0), (0, 1)] {
        let mut start = 0;
        while start + 6 <= text.len() {
            let mut end = start + 2;
            while end < text.len()
                && follows(
                    text[end - 2],
                    text[end],
                    if (end - start) % 2 == 0 {
                        first
                    } else {
                        second
                    },
                )
            {
                end += 1;
            }
            if end - start >= 6 {
                let bits = 2.0 * literal_bits.min(5.2) + log2(end - start);
                found.push(segment(start, end, StructureKind::Run, bits + 2.6));
                start = end - 1;
            }
            start += 1;
        }
    }
    found
}

const KEYBOARDS: &[[&str; 4]] = &[
    [
        "1234567890-=",
        "qwertyuiop[]\\",
        "asdfghjkl;'",
        "zxcvbnm,./",
    ],
    ["1234567890ß´", "qwertzuiopü+", "asdfghjklöä#", "yxcvbnm,.-"],
    ["1234567890)=", "azertyuiop^$", "qsdfghjklmù*", "wxcvbn,;:!"],
];
const SHIFTED_DIGITS: &str = ")!@#$%^&*(";

/// Neighbours on a keyboard, four and more; going on in one direction is cheap, a turn is not.
fn keyboard_walks(text: &[char]) -> Vec<Segment> {
    const STRAIGHT_BITS: f64 = 0.7;
    const TURN_BITS: f64 = 4.1;
    const FIRST_KEY_BITS: f64 = 5.6;
    let mut found = Vec::new();
    for rows in KEYBOARDS {
        let places: Vec<Option<((i32, i32), bool)>> = text
            .iter()
            .map(|character| key_place(rows, *character))
            .collect();
        let mut start = 0;
        while start < places.len() {
            let mut end = start + 1;
            let mut bits = FIRST_KEY_BITS;
            let mut direction = None;
            let mut last_toggle = false;
            while let (Some((from, was_shifted)), Some(Some((to, is_shifted)))) =
                (places[end - 1], places.get(end))
            {
                let step = (to.0 - from.0, to.1 - from.1);
                if step == (0, 0) || !is_neighbour(step) {
                    break;
                }
                bits += if direction == Some(step) {
                    STRAIGHT_BITS
                } else {
                    TURN_BITS
                };
                // Shift held down, or pressed for every second key, is one more habit.
                let toggle = was_shifted != *is_shifted;
                bits += if toggle == last_toggle { 0.2 } else { 3.0 };
                last_toggle = toggle;
                direction = Some(step);
                end += 1;
                if end - start >= 4 {
                    found.push(segment(
                        start,
                        end,
                        StructureKind::Keyboard,
                        bits + log2(end - start) + 1.6,
                    ));
                }
            }
            start = end.max(start + 1);
        }
    }
    found.extend(keyboard_columns(text));
    found
}

/// Columns written one after the other: `1qaz2wsx3edc`, also pieces of rows: `qweasdzxc`.
const COLUMNS: &[&str] = &[
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "zaq1xsw2cde3vfr4bgt5nhy6mju7",
    "qazwsxedcrfvtgbyhnujmikolp",
    "qweasdzxcrtyfghvbnuiojklm",
    "q1w2e3r4t5y6u7i8o9p0",
    "1q2w3e4r5t6y7u8i9o0p",
    "qawsedrftgyhujikolp",
    "asdfqwerzxcv1234",
    "qwer1234asdf5678zxcv",
    "147258369",
    "789456123",
    "741852963",
    "159753",
    "1qazxsw23edcvfr45tgbnhy67ujm",
];
/// A shorter piece of them may well be chance.
const SHORTEST_WALK: usize = 6;

static WALKS: Texts = Texts {
    all: COLUMNS,
    least: SHORTEST_WALK,
    heads: LazyLock::new(|| heads(COLUMNS, SHORTEST_WALK)),
};

fn keyboard_columns(text: &[char]) -> Vec<Segment> {
    let folded: Vec<u8> = text
        .iter()
        .map(|character| match SHIFTED_DIGITS.find(*character) {
            Some(digit) => b'0' + digit as u8,
            None if character.is_ascii() => character.to_ascii_lowercase() as u8,
            None => b'\0',
        })
        .collect();
    let walks = WALKS.pieces(&folded).into_iter();
    walks
        .map(|walk| {
            let end = walk.start + walk.length;
            let keys = text[walk.start..end].windows(2);
            let shifts = keys
                .filter(|pair| pair[0].is_ascii_uppercase() != pair[1].is_ascii_uppercase())
                .count();
            let bits = 13.0 + shifts as f64 * 2.0;
            segment(walk.start, end, StructureKind::Keyboard, bits)
        })
        .collect()
}

fn key_place(rows: &[&str; 4], character: char) -> Option<((i32, i32), bool)> {
    let shifted_digit = SHIFTED_DIGITS.find(character);
    let (base, is_shifted) = match shifted_digit {
        Some(digit) => (char::from(b'0' + digit as u8), true),
        None => (
            character.to_ascii_lowercase(),
            character.is_ascii_uppercase(),
        ),
    };
    rows.iter().enumerate().find_map(|(row, keys)| {
        let column = keys.chars().position(|key| key == base)?;
        Some(((row as i32, column as i32), is_shifted))
    })
}

fn is_neighbour((down, right): (i32, i32)) -> bool {
    match down {
        0 => right.abs() == 1,
        1 => right == 0 || right == -1,
        -1 => right == 0 || right == 1,
        _ => false,
    }
}

/// What stood there before, in any case of its letters, forwards or backwards.
fn repetitions(text: &[char]) -> Vec<Segment> {
    let folded: Vec<char> = text.iter().map(char::to_ascii_lowercase).collect();
    let mut found = Vec::new();
    for start in 1..text.len() {
        let longest = |same: &dyn Fn(usize, usize) -> bool,
                       from: &dyn Fn(usize, usize) -> Option<usize>| {
            (0..start)
                .map(|source| {
                    (0..text.len() - start)
                        .take_while(|index| {
                            from(source, *index).is_some_and(|place| same(place, start + index))
                        })
                        .count()
                })
                .max()
                .unwrap_or(0)
        };
        let forwards = |source: usize, index: usize| Some(source + index);
        let backwards = |source: usize, index: usize| source.checked_sub(index);
        let exactly = |one: usize, other: usize| text[one] == text[other];
        let loosely = |one: usize, other: usize| folded[one] == folded[other];
        for (length, extra) in [
            (longest(&exactly, &forwards), 0.0),
            (longest(&loosely, &forwards), 2.0),
            (longest(&loosely, &backwards), 3.0),
        ] {
            if length >= 3 {
                let bits = log2(start) + log2(length) + extra;
                found.push(segment(
                    start,
                    start + length,
                    StructureKind::Repetition,
                    bits,
                ));
            }
        }
    }
    found
}

/// Years from 1900 to 2059, and full dates with or without separators.
fn dates(text: &[char]) -> Vec<Segment> {
    let mut found = Vec::new();
    for start in 0..text.len() {
        let number = |from: usize, count: usize| -> Option<u32> {
            text.get(from..from + count)?
                .iter()
                .try_fold(0, |sum, digit| Some(sum * 10 + digit.to_digit(10)?))
        };
        let year = |from: usize| number(from, 4).is_some_and(|year| (1900..2060).contains(&year));
        let month = |from: usize| number(from, 2).is_some_and(|month| (1..=12).contains(&month));
        let day = |from: usize| number(from, 2).is_some_and(|day| (1..=31).contains(&day));
        let separator = |at: usize| {
            text.get(at)
                .is_some_and(|sign| matches!(sign, '-' | '.' | '/' | '_' | ' ' | ':'))
        };
        if year(start) {
            found.push(segment(start, start + 4, StructureKind::Date, 6.0));
        }
        let date_bits = 14.0;
        if year(start) && (month(start + 4) && day(start + 6) || day(start + 4) && month(start + 6))
            || year(start + 4) && (month(start) && day(start + 2) || day(start) && month(start + 2))
        {
            found.push(segment(start, start + 8, StructureKind::Date, date_bits));
        }
        if year(start)
            && separator(start + 4)
            && month(start + 5)
            && separator(start + 7)
            && day(start + 8)
            || year(start + 6)
                && separator(start + 2)
                && separator(start + 5)
                && (month(start) && day(start + 3) || day(start) && month(start + 3))
        {
            found.push(segment(
                start,
                start + 10,
                StructureKind::Date,
                date_bits + 2.0,
            ));
        }
    }
    found
}

/// RFC 9562: version 4 has 122 random bits, the others fewer.
fn uuids(text: &[char]) -> Vec<Segment> {
    const LENGTH: usize = 36;
    (0..(text.len() + 1).saturating_sub(LENGTH))
        .filter(|start| {
            text[*start..start + LENGTH]
                .iter()
                .enumerate()
                .all(|(index, character)| match index {
                    8 | 13 | 18 | 23 => *character == '-',
                    _ => character.is_ascii_hexdigit(),
                })
        })
        .map(|start| {
            let bits = if text[start + 14] == '4' { 122.0 } else { 74.0 };
            segment(start, start + LENGTH, StructureKind::Uuid, bits)
        })
        .collect()
}

fn segment(start: usize, end: usize, kind: StructureKind, guess_bits: f64) -> Segment {
    Segment {
        start,
        end,
        kind,
        code_bits: guess_bits + SEGMENT_OVERHEAD_BITS,
        guess_bits,
    }
}

fn log2(count: usize) -> f64 {
    libm::log2(count.max(1) as f64)
}
