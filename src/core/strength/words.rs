//! Words in a value: pieces of letters are cut out here and looked up, forwards and backwards.

use super::dictionary;
use super::letters;
use super::structure::{Segment, StructureKind};
use libm::log2;

/// Words of this trade that no general dictionary ranks high enough.
const TRADE_WORDS: &[&str] = &[
    "openclaw",
    "clawdbot",
    "moltbot",
    "claw",
    "gateway",
    "webhook",
    "telegram",
    "discord",
    "slack",
    "github",
    "openai",
    "anthropic",
    "claude",
    "tailscale",
    "cloudflare",
    "token",
    "secret",
    "password",
    "admin",
    "production",
    "staging",
    "server",
    "docker",
    "kubernetes",
    "localhost",
    "http",
    "https",
    "webapi",
    "apikey",
];

/// Shorter words occur by chance and say nothing.
const SHORTEST_WORD: usize = 4;
/// Every part of a piece is looked up: the work grows with the square of the length.
const LONGEST_PIECE: usize = 32;
/// The longest word that is looked up.
const LONGEST_WORD: usize = 24;
/// What writing a word backwards adds.
const BACKWARDS_BITS: f64 = 1.0;
/// At most this many pieces of a text are looked up; what follows is judged by its letters.
const MOST_PIECES: usize = 40;
/// Which dictionary, how rare the word, how it is written: what a word costs beyond its rank, so that random letters
/// do not seem to hold words.
const WORD_OVERHEAD_BITS: f64 = 9.0;
/// A word is one of some large dictionary, whether ours has it or not.
const ANY_WORD_BITS: f64 = 15.0;
/// Letters without a border in them, so many that read like words, are words: each letter then adds little
/// (a word of a diceware list has 12.9 bits and seven letters).
const GLUED_WORDS_LETTERS: usize = 12;
const GLUED_WORDS_BITS_PER_LETTER: f64 = 2.1;
const GLUED_WORDS_MOST_BITS_PER_LETTER: f64 = 5.0;
/// Letters that cost more each do not read like a word.
const WORDLIKE_BITS_PER_LETTER: f64 = 5.6;
const PRONOUNCEABLE_OVERHEAD_BITS: f64 = 7.0;

/// Letters of one case, or a capital and small ones; with `l33t` also digits and signs that stand for letters.
struct Piece {
    start: usize,
    letters: Vec<u8>,
    substitutions: usize,
    case_bits: f64,
    has_borders: bool,
}

pub(super) fn find(text: &[char], literal_bits: f64) -> Vec<Segment> {
    let plain = pieces(text, None);
    let mut segments: Vec<Segment> = plain
        .iter()
        .flat_map(|piece| pronounceable(piece, literal_bits))
        .collect();
    let mut asked: Vec<Piece> = plain
        .into_iter()
        .filter(|piece| piece.letters.len() >= SHORTEST_WORD)
        .collect();
    for one in [b'i', b'l'] {
        let disguised = pieces(text, Some(one));
        for piece in disguised
            .into_iter()
            .filter(|piece| piece.substitutions > 0)
        {
            let readings = pronounceable(&piece, literal_bits);
            // Only what reads like a word is looked up, else every random key would be.
            if readings
                .iter()
                .any(|reading| reading.code_bits < literal_bits * reading.len() as f64 + 6.0)
            {
                segments.extend(readings);
                asked.push(piece);
            }
        }
    }
    let covered: usize = asked.iter().map(|piece| piece.letters.len()).sum();
    // A value with hardly any letters in a row cannot be made of words: the dictionaries stay unopened.
    if covered * 4 > text.len() {
        segments.extend(asked.iter().take(MOST_PIECES).flat_map(dictionary_words));
    }
    segments
}

fn dictionary_words(piece: &Piece) -> Vec<Segment> {
    let letters = &piece.letters;
    let mut words = Vec::new();
    for from in 0..letters.len() {
        let longest = LONGEST_WORD.min(letters.len() - from);
        for length in SHORTEST_WORD..=longest {
            let Some(rank_bits) = rank_bits(&letters[from..from + length]) else {
                continue;
            };
            words.push(Segment {
                start: piece.start + from,
                end: piece.start + from + length,
                kind: StructureKind::Words,
                code_bits: rank_bits + piece.written_bits() + WORD_OVERHEAD_BITS,
                guess_bits: rank_bits.min(ANY_WORD_BITS) + piece.written_bits(),
            });
        }
    }
    words
}

fn rank_bits(letters: &[u8]) -> Option<f64> {
    let trade = || {
        TRADE_WORDS
            .iter()
            .position(|word| word.as_bytes() == letters)
    };
    if let Some(rank) = trade() {
        return Some(log2((rank + 1) as f64));
    }
    let backwards: Vec<u8> = letters.iter().rev().copied().collect();
    let reversed = dictionary::rank_bits(&backwards).map(|bits| bits + BACKWARDS_BITS);
    dictionary::rank_bits(letters)
        .into_iter()
        .chain(reversed)
        .reduce(f64::min)
}

/// The parts of a piece that read like words of some European language.
fn pronounceable(piece: &Piece, literal_bits: f64) -> Vec<Segment> {
    // Only in values of one case that are no hex: keys are in other alphabets.
    let may_be_glued =
        (log2(26.0)..=log2(36.0)).contains(&literal_bits) && piece.substitutions == 0;
    let mut readings = Vec::new();
    let count = piece.letters.len().min(LONGEST_PIECE * 4);
    for from in 0..count.saturating_sub(SHORTEST_WORD - 2) {
        for (index, cost) in letters::prefix_costs(&piece.letters[from..count])
            .iter()
            .enumerate()
        {
            let length = index + 1;
            if length < SHORTEST_WORD - 1 || *cost > WORDLIKE_BITS_PER_LETTER * length as f64 {
                continue;
            }
            let letters = length as f64;
            let is_whole =
                piece.has_borders && length == piece.letters.len() && length >= SHORTEST_WORD;
            let is_glued = may_be_glued
                && length >= GLUED_WORDS_LETTERS
                && *cost <= GLUED_WORDS_MOST_BITS_PER_LETTER * letters;
            let (code_bits, guess_bits) = match () {
                () if is_glued => {
                    let bits = cost.min(GLUED_WORDS_BITS_PER_LETTER * letters);
                    (bits, bits)
                }
                () if is_whole && length < GLUED_WORDS_LETTERS => (*cost, cost.min(ANY_WORD_BITS)),
                () => (*cost, *cost),
            };
            readings.push(Segment {
                start: piece.start + from,
                end: piece.start + from + length,
                kind: StructureKind::Words,
                code_bits: code_bits + piece.written_bits() + PRONOUNCEABLE_OVERHEAD_BITS,
                guess_bits: guess_bits + piece.written_bits(),
            });
        }
    }
    readings
}

impl Piece {
    /// How it is written: capitals and substitutions.
    fn written_bits(&self) -> f64 {
        let substitutions = self.substitutions as f64;
        self.case_bits
            + if self.substitutions > 0 {
                1.0 + substitutions
            } else {
                0.0
            }
    }
}

/// Cuts the text; `one` is what the digit 1 stands for when digits and signs count as letters.
fn pieces(text: &[char], one: Option<u8>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let start = at;
        let mut piece = Piece {
            start,
            letters: Vec::new(),
            substitutions: 0,
            case_bits: 0.0,
            has_borders: false,
        };
        // `None` until the second letter has shown whether all are capitals.
        let mut capitals: Option<bool> = None;
        let mut seen = 0;
        while let Some(character) = text.get(at) {
            let disguised = one.and_then(|one| disguised_letter(*character, one));
            if character.is_ascii_alphabetic() {
                let is_capital = character.is_ascii_uppercase();
                match (seen, capitals) {
                    (0, _) => piece.case_bits = if is_capital { 0.5 } else { 0.0 },
                    (1, None) if is_capital && piece.case_bits == 0.0 => break,
                    (1, None) => capitals = Some(is_capital),
                    (_, Some(expected)) if expected != is_capital => break,
                    _ => {}
                }
                seen += 1;
                piece.letters.push(character.to_ascii_lowercase() as u8);
            } else if let Some(letter) = disguised.filter(|_| is_single_disguise(text, at)) {
                piece.substitutions += 1;
                piece.letters.push(letter);
            } else {
                break;
            }
            at += 1;
        }
        let is_border =
            |place: Option<&char>| place.is_none_or(|character| !character.is_ascii_alphanumeric());
        let before = start.checked_sub(1).and_then(|index| text.get(index));
        piece.has_borders = is_border(before)
            && (is_border(text.get(at)) || text[at].is_ascii_digit())
            || before.is_some_and(|character| character.is_ascii_lowercase())
                && piece.case_bits > 0.0;
        if piece.letters.len() >= SHORTEST_WORD - 1 && seen >= 2 {
            pieces.push(piece);
        }
        at = at.max(start + 1);
    }
    pieces
}

/// Long numbers are numbers: at most three digits in a row stand for letters.
fn is_single_disguise(text: &[char], at: usize) -> bool {
    let digits =
        |range: &mut dyn Iterator<Item = &char>| range.take_while(|c| c.is_ascii_digit()).count();
    !text[at].is_ascii_digit()
        || digits(&mut text[at..].iter()) + digits(&mut text[..at].iter().rev()) <= 3
}

fn disguised_letter(character: char, one: u8) -> Option<u8> {
    Some(match character {
        '4' | '@' => b'a',
        '8' => b'b',
        '(' => b'c',
        '3' => b'e',
        '6' | '9' => b'g',
        '1' | '!' | '|' => one,
        '0' => b'o',
        '$' | '5' => b's',
        '7' | '+' => b't',
        '2' => b'z',
        _ => return None,
    })
}
