//! Texts with their escapes read, and where everything stood before: those of JSON and of C, and `%XX`.

use std::ops::Range;

/// Escapes of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// `\n`, `\"`, `\/`, `\u0026`, and `\x26` as nginx writes it.
    Backslash,
    /// `%26`.
    Percent,
}

/// A part of a text whose escapes of one kind are read.
pub struct Decoded {
    /// The text of the part.
    pub text: Vec<u8>,
    /// Where the part begins in the original.
    start: usize,
    /// The escapes, in order.
    units: Vec<Unit>,
}

/// What one escape stands for, and where it stood.
struct Unit {
    text: Range<usize>,
    original: Range<usize>,
}

/// What an escape stands for: at most one character in UTF-8.
struct Meaning {
    bytes: [u8; 4],
    count: usize,
    /// The bytes of the escape.
    length: usize,
}

impl Escapes {
    fn mark(self) -> u8 {
        match self {
            Self::Backslash => b'\\',
            Self::Percent => b'%',
        }
    }

    /// What the escape that begins the text stands for; none where it begins with none.
    fn meaning(self, text: &[u8]) -> Option<Meaning> {
        match (self, text) {
            (Self::Percent, [b'%', ..]) | (Self::Backslash, [b'\\', b'x', ..]) => {
                let digits = if self == Self::Percent { 1 } else { 2 };
                let byte = u8::try_from(hex(text.get(digits..digits + 2)?)?).ok()?;
                Some(Meaning::byte(byte, digits + 2))
            }
            (Self::Backslash, [b'\\', b'u', ..]) => character(text),
            (Self::Backslash, [b'\\', letter, ..]) => {
                let byte = match letter {
                    b'"' | b'\'' | b'/' | b'\\' => *letter,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'f' => 12,
                    _ => return None,
                };
                Some(Meaning::byte(byte, 2))
            }
            _ => None,
        }
    }
}

impl Meaning {
    fn byte(byte: u8, length: usize) -> Self {
        Self {
            bytes: [byte, 0, 0, 0],
            count: 1,
            length,
        }
    }
}

/// The character of `\u0026`, or of two such halves.
fn character(text: &[u8]) -> Option<Meaning> {
    let unit = |at: usize| hex(text.get(at..)?.strip_prefix(b"\\u")?.get(..4)?);
    let first = unit(0)?;
    let (code, length) = match (first, unit(6)) {
        (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) => {
            (0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12)
        }
        _ => (first, 6),
    };
    let mut bytes = [0; 4];
    let count = char::from_u32(code)?.encode_utf8(&mut bytes).len();
    Some(Meaning {
        bytes,
        count,
        length,
    })
}

fn hex(digits: &[u8]) -> Option<u32> {
    let value = |digit: &u8| char::from(*digit).to_digit(16);
    digits
        .iter()
        .try_fold(0, |sum, digit| Some(sum * 16 + value(digit)?))
}

impl Decoded {
    /// The whole text; nothing where it holds no escape of this kind.
    pub fn whole(bytes: &[u8], escapes: Escapes) -> Option<Self> {
        Self::of(bytes, escapes, usize::MAX)
    }

    /// The part of `bytes` that holds all escapes of this kind, and `margin` bytes around it; nothing
    /// where there are none.
    pub fn of(bytes: &[u8], escapes: Escapes, margin: usize) -> Option<Self> {
        let mark = escapes.mark();
        let mut marks = memchr::memchr_iter(mark, bytes);
        let first = marks.find(|at| escapes.meaning(&bytes[*at..]).is_some())?;
        let last = memchr::memrchr(mark, bytes).unwrap_or(first);
        let end = last.saturating_add(margin).min(bytes.len());
        let start = first.saturating_sub(margin);
        let mut decoded = Self {
            text: Vec::with_capacity(end - start),
            start,
            units: Vec::new(),
        };
        let (mut at, mut plain) = (first, start);
        while let Some(found) = memchr::memchr(mark, &bytes[at..end]) {
            at += found;
            let Some(meaning) = escapes.meaning(&bytes[at..]) else {
                at += 1;
                continue;
            };
            decoded.text.extend_from_slice(&bytes[plain..at]);
            let text_start = decoded.text.len();
            let meant = &meaning.bytes[..meaning.count];
            decoded.text.extend_from_slice(meant);
            decoded.units.push(Unit {
                text: text_start..decoded.text.len(),
                original: at..at + meaning.length,
            });
            at = (at + meaning.length).min(bytes.len());
            plain = at;
            if at >= end {
                break;
            }
        }
        decoded
            .text
            .extend_from_slice(&bytes[plain..end.max(plain)]);
        Some(decoded)
    }

    /// Where in the original stands what stands here in the text; an escape belongs to it as a whole.
    pub fn in_original(&self, range: &Range<usize>) -> Range<usize> {
        self.start_of(range.start)..self.end_of(range.end)
    }

    /// Where the byte at this place begins in the original.
    fn start_of(&self, at: usize) -> usize {
        let up_to = self.units.partition_point(|unit| unit.text.start <= at);
        match self.units[..up_to].last() {
            Some(unit) if at < unit.text.end => unit.original.start,
            Some(unit) => unit.original.end + at - unit.text.end,
            None => self.start + at,
        }
    }

    /// Where what ends before this place ends in the original.
    fn end_of(&self, at: usize) -> usize {
        let before = self.units.partition_point(|unit| unit.text.start < at);
        match self.units[..before].last() {
            Some(unit) => unit.original.end + at.saturating_sub(unit.text.end),
            None => self.start + at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_found_again_where_it_stood() {
        for (escapes, written, plain) in [
            (Escapes::Percent, "a%2Fb%2fc", "a/b/c"),
            (Escapes::Percent, "%%41%4", "%A%4"),
            (
                Escapes::Backslash,
                r"C:\x \u0026\u00fc\n\/\x41\\",
                "C:\\x &ü\n/A\\",
            ),
            (Escapes::Backslash, r"\ud83d\ude00\ud83d", "😀\\ud83d"),
        ] {
            let decoded = Decoded::whole(written.as_bytes(), escapes).unwrap();
            assert_eq!(String::from_utf8_lossy(&decoded.text), plain);
            let whole = decoded.in_original(&(0..plain.len()));
            assert_eq!(whole, 0..written.len(), "{written}");
        }
        let decoded = Decoded::whole(b"ab%2Fcd", Escapes::Percent).unwrap();
        for (here, there) in [(1..2, 1..2), (2..3, 2..5), (1..4, 1..6), (3..5, 5..7)] {
            assert_eq!(decoded.in_original(&here), there);
        }
        for text in ["", "%", "%4", "%G1", "plain"] {
            assert!(Decoded::whole(text.as_bytes(), Escapes::Percent).is_none());
        }
        for text in ["", "\\", "\\y", "\\u12", "\\ud83d"] {
            assert!(Decoded::whole(text.as_bytes(), Escapes::Backslash).is_none());
        }
    }
}
