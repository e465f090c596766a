//! How many guesses a secret withstands: structure is found first, and only what has none is measured by its length.

mod dictionary;
mod letters;
mod pieces;
mod structure;
mod texts;
mod words;

#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use libm::log2;
pub use structure::StructureKind;

use crate::key_shapes::openclaw_checksum;
use structure::{Description, Segment};

/// A key with fewer bits is weak: 16 random bytes are the least that `keygen` makes.
pub const MINIMUM_BITS: f64 = 128.0;

/// A key with fewer characters is weak: 16 bytes take 22 characters in base64.
pub const MINIMUM_CHARACTERS: usize = 22;

/// Alphabets people and programs draw from, by size.
const ALPHABET_SIZES: [f64; 8] = [10.0, 16.0, 26.0, 32.0, 36.0, 62.0, 64.0, 94.0];
/// At most this many characters are searched for structure; what follows is assumed to go on like that.
const WINDOW: usize = 128;
/// At most this many bytes are looked at; nobody types more.
const MOST_BYTES: usize = 64 * 1024;
/// At most this many readings lie within one another: text in base64 in base64.
const DEEPEST: usize = 2;
/// A letter that is not ASCII belongs to a word of some language; random keys never have one.
const FOREIGN_LETTER_BITS: f64 = 4.0;

/// What a value withstands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// The binary logarithm of the guesses that somebody needs who knows how people choose.
    pub bits: f64,
    /// What covers most of the value, if structure covers more than a quarter of it and is no chance.
    pub structure: Option<StructureKind>,
    /// The length in characters, in bytes if the value is no UTF-8.
    pub length_chars: usize,
}

/// Whether a key is weak: fewer than [`MINIMUM_CHARACTERS`] or fewer than [`MINIMUM_BITS`].
///
/// A random UUID is weak by this rule, because six of its bits are fixed. Private keys (PEM) and provider keys are
/// not this function's matter.
pub fn is_weak(value: &[u8]) -> bool {
    let strength = estimate(value);
    strength.length_chars < MINIMUM_CHARACTERS || strength.bits < MINIMUM_BITS
}

/// Estimates the guesses a value withstands.
///
/// Words, known texts, walks over the keyboard, runs, repetition, dates and readable text in base64 or hex are
/// structure. If it covers more than a quarter of the value and is more than random keys show by chance, its guesses
/// are the estimate; otherwise the length times the bits of the smallest usual alphabet, padding not counted.
pub fn estimate(value: &[u8]) -> Strength {
    let length_chars = std::str::from_utf8(value).map_or(value.len(), |text| text.chars().count());
    if let Some(bits) = bits_of_checked_token(value) {
        return Strength {
            bits,
            structure: None,
            length_chars,
        };
    }
    let head = &value[..value.len().min(MOST_BYTES)];
    let text: Vec<char> = String::from_utf8_lossy(head).chars().collect();
    let (bits, structure) = judge(&text, length_chars, 0);
    Strength {
        bits,
        structure,
        length_chars,
    }
}

/// The bits of `prefix_` + body + checksum as `keygen --prefix` makes them.
///
/// Whoever has the right checksum at the end was made by a program, so the body's alphabet is known: 62.
fn bits_of_checked_token(value: &[u8]) -> Option<f64> {
    let cut = value.len().checked_sub(6)?;
    let underscore = memchr::memchr(b'_', value).filter(|at| *at > 0 && at + 1 < cut)?;
    let (prefix, body) = (&value[..underscore], &value[underscore + 1..cut]);
    let is_token = prefix[0].is_ascii_alphabetic()
        && [prefix, body].iter().all(|part| part.iter().all(u8::is_ascii_alphanumeric))
        // A short body may have the right checksum by design of a joker; `aaaa…` has it too.
        && body.iter().collect::<std::collections::HashSet<_>>().len() >= 8
        && openclaw_checksum(body) == value[cut..];
    is_token.then(|| body.len() as f64 * log2(62.0))
}

fn judge(text: &[char], whole_length: usize, depth: usize) -> (f64, Option<StructureKind>) {
    let (body, is_padded) = without_padding(text);
    let whole_length = whole_length.max(text.len()) - (text.len() - body.len());
    if body.is_empty() {
        return (0.0, None);
    }
    if let Some(period) = period(body) {
        let (block, _) = judge(&body[..period], period, depth);
        let bits = block + log2((whole_length / period) as f64);
        return (bits, Some(StructureKind::Repetition));
    }
    if let Some(single) = without_stutter(body) {
        const STUTTER_BITS: f64 = 2.0;
        let (bits, _) = judge(&single, whole_length * single.len() / body.len(), depth);
        return (bits + STUTTER_BITS, Some(StructureKind::Repetition));
    }
    let window = &body[..body.len().min(WINDOW)];
    let (bits, kind) = cheapest_reading(window, is_padded, depth);
    (bits * whole_length as f64 / window.len() as f64, kind)
}

/// The value with every character once, if each stands there the same number of times: `aabbcc`.
fn without_stutter(text: &[char]) -> Option<Vec<char>> {
    let times = text
        .iter()
        .take_while(|character| **character == text[0])
        .count();
    let is_stutter = times >= 2
        && text.len() >= 4 * times
        && text.len().is_multiple_of(times)
        && text
            .chunks(times)
            .all(|chunk| chunk.iter().all(|character| *character == chunk[0]));
    is_stutter.then(|| text.iter().step_by(times).copied().collect())
}

/// The value as it stands, without its separators, and decoded: whoever guesses takes the easiest.
fn cheapest_reading(text: &[char], is_padded: bool, depth: usize) -> (f64, Option<StructureKind>) {
    let alphabet_bits = alphabet_bits(text, is_padded);
    let is_known_base64 = is_padded || is_unpadded_16_bytes(text);
    let mut best = (plain_bits(text, alphabet_bits, is_known_base64), None);
    let description = structure::describe(text, alphabet_bits);
    if is_structured(&description, text.len(), alphabet_bits) {
        let bits = guess_bits(&description, text, best.0 / text.len() as f64);
        if bits < best.0 {
            best = (bits, main_kind(&description.segments));
        }
    }
    if best.1.is_none()
        && depth < DEEPEST
        && let Some(joined) = without_separators(text)
    {
        const SEPARATOR_BITS: f64 = 8.0;
        let (bits, kind) = judge(&joined, joined.len(), depth + 1);
        if kind.is_some() && bits + SEPARATOR_BITS < best.0 {
            best = (bits + SEPARATOR_BITS, kind);
        }
    }
    match encoded_text_bits(text, alphabet_bits, depth) {
        Some(bits) if bits < best.0 => (bits, Some(StructureKind::EncodedText)),
        _ => best,
    }
}

/// The value without its separators, if it has three and more of one kind and no other signs.
fn without_separators(text: &[char]) -> Option<Vec<char>> {
    let mut signs = text.iter().filter(|character| !character.is_alphanumeric());
    let first = signs.next()?;
    let others = signs.try_fold(0, |count, sign| (sign == first).then_some(count + 1))?;
    let is_separated = others >= 2 && (others + 1) * 3 <= text.len();
    is_separated.then(|| {
        text.iter()
            .filter(|character| *character != first)
            .copied()
            .collect()
    })
}

/// Base64's padding carries nothing; it proves that the alphabet is that of base64.
fn without_padding(text: &[char]) -> (&[char], bool) {
    let body = text.len()
        - text
            .iter()
            .rev()
            .take(2)
            .take_while(|character| **character == '=')
            .count();
    let is_base64 = text[..body]
        .iter()
        .all(|character| is_base64_sign(*character));
    let is_padded = body < text.len() && text.len().is_multiple_of(4) && is_base64;
    if is_padded {
        (&text[..body], true)
    } else {
        (text, false)
    }
}

fn is_base64_sign(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '-' | '_')
}

/// The length of the block that the whole text repeats at least twice, if there is one (Knuth, Morris, Pratt).
fn period(text: &[char]) -> Option<usize> {
    let mut borders = vec![0; text.len()];
    for index in 1..text.len() {
        let mut border: usize = borders[index - 1];
        while border > 0 && text[index] != text[border] {
            border = borders[border - 1];
        }
        borders[index] = if text[index] == text[border] {
            border + 1
        } else {
            0
        };
    }
    let period = text.len() - borders.last()?;
    (period * 2 <= text.len()).then_some(period)
}

/// The bits of one character if the value were drawn from the smallest usual alphabet that holds it.
fn alphabet_bits(text: &[char], is_padded: bool) -> f64 {
    if is_padded || is_unpadded_16_bytes(text) {
        return 6.0;
    }
    log2(smallest_alphabet(text.iter().copied()))
}

/// 22 characters whose last one ends in four zero bits are 16 bytes in base64.
///
/// One key in 160,000 of these happens to lack capitals (or small letters) and would pass for a weaker alphabet's.
fn is_unpadded_16_bytes(text: &[char]) -> bool {
    text.len() == 22
        && text.iter().all(|character| is_base64_sign(*character))
        && text.iter().any(char::is_ascii_digit)
        && text.iter().any(char::is_ascii_alphabetic)
        && matches!(text[21], 'A' | 'Q' | 'g' | 'w')
}

fn smallest_alphabet(text: impl Iterator<Item = char>) -> f64 {
    let (mut digit, mut small, mut capital, mut beyond_hex, mut beyond_base32, mut sign, mut other) =
        (false, false, false, false, false, false, false);
    for character in text {
        match character {
            '0'..='9' => digit = true,
            'a'..='z' => small = true,
            'A'..='Z' => capital = true,
            '-' | '_' | '+' | '/' => sign = true,
            _ => other = true,
        }
        beyond_hex |= !character.is_ascii_hexdigit();
        beyond_base32 |= matches!(character, '0' | '1' | '8' | '9');
    }
    let letters = small || capital;
    let index = match () {
        () if other => 7,
        () if sign => 6,
        () if !letters => 0,
        () if !(beyond_hex || small && capital) => 1,
        () if small && capital => 5,
        () if !digit => 2,
        () if !beyond_base32 => 3,
        () => 4,
    };
    ALPHABET_SIZES[index]
}

/// The bits of a value without structure.
///
/// Separators in a value of one case (`abcd-efgh`) do not make its letters' alphabet larger.
fn plain_bits(text: &[char], alphabet_bits: f64, is_known_base64: bool) -> f64 {
    let alnum = log2(smallest_alphabet(
        text.iter().copied().filter(char::is_ascii_alphanumeric),
    ));
    let letter_bits = if !is_known_base64 && alnum <= log2(36.0) {
        alnum.min(alphabet_bits)
    } else {
        alphabet_bits
    };
    text.iter()
        .map(|character| match character {
            _ if character.is_ascii_alphanumeric() => letter_bits,
            _ if character.is_ascii() => alphabet_bits,
            _ => FOREIGN_LETTER_BITS,
        })
        .sum()
}

/// Whether the description is shorter than chance can make it, and covers more than a quarter.
fn is_structured(description: &Description, length: usize, alphabet_bits: f64) -> bool {
    let covered: usize = description.segments.iter().map(Segment::len).sum();
    let saved = length as f64 * alphabet_bits - description.code_bits;
    covered * 4 > length && saved >= chance_bits(alphabet_bits)
}

/// How many bits random values may seem to save: one in 2^bits does at most, since the description is a code.
///
/// Hex and base64 are what keys are made of, and there no key may ever be called weak.
fn chance_bits(alphabet_bits: f64) -> f64 {
    match alphabet_bits {
        bits if bits > 6.3 => 16.0,
        bits if bits > 5.9 => 24.0,
        bits if bits > 4.1 => 8.0,
        bits if bits > 3.9 => 24.0,
        _ => 12.0,
    }
}

fn guess_bits(description: &Description, text: &[char], literal_bits: f64) -> f64 {
    let mut structured = vec![false; text.len()];
    for segment in &description.segments {
        structured[segment.start..segment.end].fill(true);
    }
    let mut seen_signs = std::collections::HashSet::new();
    let literals: f64 = (0..text.len())
        .filter(|place| !structured[*place])
        .map(|place| match text[place] {
            letter if letter.is_alphanumeric() && !letter.is_ascii() => FOREIGN_LETTER_BITS,
            letter if letter.is_alphanumeric() => literal_bits,
            // The first sign is one of a dozen usual ones, the same once more is hardly a choice.
            sign if seen_signs.insert(sign) => 4.0,
            _ => 1.0,
        })
        .sum();
    let segments: f64 = description
        .segments
        .iter()
        .map(|segment| segment.guess_bits)
        .sum();
    literals + segments
}

fn main_kind(segments: &[Segment]) -> Option<StructureKind> {
    let covered = |kind: StructureKind| -> usize {
        segments
            .iter()
            .filter(|segment| segment.kind == kind)
            .map(Segment::len)
            .sum()
    };
    segments
        .iter()
        .map(|segment| segment.kind)
        .max_by_key(|kind| covered(*kind))
}

/// The bits of the readable text that the value is base64 or hex of.
fn encoded_text_bits(text: &[char], alphabet_bits: f64, depth: usize) -> Option<f64> {
    if depth >= DEEPEST || text.len() < 16 {
        return None;
    }
    let inner = decoded_text(text)?;
    let (inner_bits, _) = judge(&inner, inner.len(), depth + 1);
    // Random bytes are sometimes printable: what the decoding saves must be more than chance.
    let inner_alphabet = self::alphabet_bits(&inner, false);
    let code_bits = structure::describe(&inner, inner_alphabet).code_bits;
    let saved = text.len() as f64 * alphabet_bits - code_bits - 4.0;
    (saved >= chance_bits(alphabet_bits)).then_some(inner_bits)
}

fn decoded_text(text: &[char]) -> Option<Vec<char>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let ascii: Option<Vec<u8>> = text
        .iter()
        .map(|character| u8::try_from(*character).ok())
        .collect();
    let ascii = ascii?;
    let whole = &ascii[..ascii.len() / 4 * 4];
    let candidates = [
        hex_bytes(&ascii),
        GeneralPurpose::new(&STANDARD, LENIENT).decode(&ascii).ok(),
        GeneralPurpose::new(&URL_SAFE, LENIENT).decode(&ascii).ok(),
        GeneralPurpose::new(&STANDARD, LENIENT)
            .decode(whole)
            .ok()
            .filter(|_| text.len() == WINDOW),
    ];
    candidates.into_iter().flatten().find_map(|bytes| {
        let inner = std::str::from_utf8(&bytes).ok()?.trim_end();
        let is_readable = inner
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'));
        (is_readable && !inner.is_empty()).then(|| inner.chars().collect())
    })
}

fn hex_bytes(ascii: &[u8]) -> Option<Vec<u8>> {
    ascii.len().is_multiple_of(2).then_some(())?;
    ascii
        .chunks(2)
        .map(|pair| {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()
        })
        .collect()
}
