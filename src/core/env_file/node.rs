//! Reads assignments exactly as Node `dotenv` 17 does, in bytes and in linear time.
//!
//! The reference is one regular expression in `dotenv/lib/main.js` (`LINE`), run over the text after
//! `\r\n` and `\r` became `\n`. What looks odd here is what that expression does: white space may
//! hold line breaks, `name:` takes its value even from the next line, and a quote counts only when
//! nothing but a comment follows it.

use memchr::{memchr, memchr2, memchr3, memrchr};

use super::{Assignment, Quote, Separator, Span};
use crate::secret::Secret;

/// All assignments in the order of the file.
pub(super) fn assignments(bytes: &[u8]) -> Vec<Assignment> {
    let mut found = Vec::new();
    let mut position = Position::new(bytes);
    let mut line_start = 0;
    while line_start < bytes.len() {
        let name_start = skip_white_space(bytes, line_start);
        let go_on_from = match assignment_at(bytes, line_start, name_start) {
            Some((mut assignment, end)) => {
                (assignment.line, assignment.column) = position.of(assignment.name_span.start);
                found.push(assignment);
                end
            }
            None => name_start,
        };
        line_start = next_line(bytes, go_on_from);
    }
    found
}

/// The number of bytes of the white space character at `at`, 0 if there is none: JavaScript's `\s`.
pub(super) fn white_space_at(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..).unwrap_or_default() {
        [0x09..=0x0D | b' ', ..] => 1,
        [0xC2, 0xA0, ..] => 2,
        [0xE1, 0x9A, 0x80, ..]
        | [0xE2, 0x80, 0x80..=0x8A | 0xA8 | 0xA9 | 0xAF, ..]
        | [0xE2, 0x81, 0x9F, ..]
        | [0xE3, 0x80, 0x80, ..]
        | [0xEF, 0xBB, 0xBF, ..] => 3,
        _ => 0,
    }
}

/// The span without the white space at both of its ends: JavaScript's `trim`.
pub(super) fn trim(bytes: &[u8], span: Span) -> Span {
    let within = &bytes[..span.end];
    let start = skip_white_space(within, span.start);
    let mut end = span.end;
    while end > start {
        let length = (1..=3.min(end - start))
            .find(|&length| white_space_at(&within[..end], end - length) == length);
        match length {
            Some(length) => end -= length,
            None => break,
        }
    }
    start..end
}

/// Whether a line break as Node sees it (`$` of a multi-line expression) stands at `at`.
fn is_line_break(bytes: &[u8], at: usize) -> bool {
    matches!(
        bytes.get(at..).unwrap_or_default(),
        [b'\n' | b'\r', ..] | [0xE2, 0x80, 0xA8 | 0xA9, ..]
    )
}

fn skip_white_space(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match white_space_at(bytes, at) {
            0 => return at,
            length => at += length,
        }
    }
}

/// The end of the line that `from` lies on, before its line break.
fn line_end(bytes: &[u8], mut from: usize) -> usize {
    while let Some(found) = bytes
        .get(from..)
        .and_then(|rest| memchr3(b'\n', b'\r', 0xE2, rest))
    {
        from += found;
        if is_line_break(bytes, from) {
            return from;
        }
        from += 1;
    }
    bytes.len()
}

/// The start of the line after the one that `from` lies on.
fn next_line(bytes: &[u8], from: usize) -> usize {
    let end = line_end(bytes, from);
    end + line_break_length(bytes, end).max(1)
}

/// The bytes of the line break at `at`; a CRLF is one.
fn line_break_length(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..).unwrap_or_default() {
        [b'\r', b'\n', ..] => 2,
        _ => white_space_at(bytes, at),
    }
}

/// The assignment whose line starts at `line_start`, and where its match ends.
fn assignment_at(bytes: &[u8], line_start: usize, start: usize) -> Option<(Assignment, usize)> {
    let (name_span, has_export) = name_at(bytes, start)?;
    let (separator, value_start) = separator_at(bytes, name_span.end)?;
    let value = value_at(bytes, value_start);
    let after_break =
        line_start >= 3 && matches!(bytes[line_start - 3..line_start], [0xE2, 0x80, _]);
    let assignment = Assignment {
        name: String::from_utf8_lossy(&bytes[name_span.clone()]).into_owned(),
        value: Secret::new(decode(&bytes[value.span.clone()], value.quote)),
        line: 0,
        column: 0,
        quote: value.quote,
        is_closed: value.is_closed,
        has_export,
        separator,
        follows_unicode_break: after_break,
        name_span,
        separator_end: value_start,
        value_span: value.span,
        comment_span: value.comment,
    };
    Some((assignment, value.match_end))
}

fn name_at(bytes: &[u8], start: usize) -> Option<(Span, bool)> {
    const EXPORT: &[u8] = b"export";
    let after_export = start + EXPORT.len();
    if bytes[start..].starts_with(EXPORT) && white_space_at(bytes, after_export) > 0 {
        let exported = name_span(bytes, skip_white_space(bytes, after_export));
        if !exported.is_empty() {
            return Some((exported, true));
        }
    }
    let name = name_span(bytes, start);
    (!name.is_empty()).then_some((name, false))
}

fn name_span(bytes: &[u8], start: usize) -> Span {
    let length = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte))
        .count();
    start..start + length
}

fn separator_at(bytes: &[u8], name_end: usize) -> Option<(Separator, usize)> {
    let equals = skip_white_space(bytes, name_end);
    if bytes.get(equals) == Some(&b'=') {
        return Some((Separator::Equals, equals + 1));
    }
    let blank = line_break_length(bytes, name_end + 1);
    (bytes.get(name_end) == Some(&b':') && blank > 0)
        .then_some((Separator::Colon, name_end + 1 + blank))
}

/// What stands behind `=`.
struct Value {
    quote: Option<Quote>,
    is_closed: bool,
    span: Span,
    comment: Option<Span>,
    match_end: usize,
}

fn value_at(bytes: &[u8], start: usize) -> Value {
    let first = skip_white_space(bytes, start);
    if let Some(quote) = bytes.get(first).copied().and_then(Quote::from_byte)
        && let Some((close, tail)) = closing_quote(bytes, first)
    {
        return Value {
            quote: Some(quote),
            is_closed: true,
            span: first + 1..close,
            comment: tail.comment,
            match_end: tail.end,
        };
    }
    let raw_end = raw_end(bytes, start);
    let span = match trim(bytes, start..raw_end) {
        empty if empty.is_empty() => start..start,
        span => span,
    };
    let quote = bytes[span.clone()]
        .first()
        .copied()
        .and_then(Quote::from_byte);
    let tail = tail_at(bytes, raw_end).unwrap_or(Tail {
        end: raw_end,
        comment: None,
    });
    Value {
        quote,
        is_closed: quote.is_none(),
        span: without_outer_quotes(bytes, span),
        comment: tail.comment,
        match_end: tail.end,
    }
}

/// `[^#\r\n]*`: an unquoted value ends at the first `#`, blank or not.
fn raw_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    start + memchr3(b'#', b'\n', b'\r', rest).unwrap_or(rest.len())
}

/// `"a" b "c"` is no quoted value, and still loses its first and last character.
fn without_outer_quotes(bytes: &[u8], span: Span) -> Span {
    let text = &bytes[span.clone()];
    let is_wrapped = text.len() > 1
        && text.first() == text.last()
        && text.first().copied().and_then(Quote::from_byte).is_some();
    if is_wrapped {
        span.start + 1..span.end - 1
    } else {
        span
    }
}

/// What follows a value: blanks, perhaps a comment, the end of a line.
struct Tail {
    end: usize,
    comment: Option<Span>,
}

/// The quote that closes the one at `open`: the first that no backslash precedes, else the last
/// that one does, provided that only a comment follows it.
fn closing_quote(bytes: &[u8], open: usize) -> Option<(usize, Tail)> {
    let quote = bytes[open];
    let mut escaped = Vec::new();
    let mut at = open + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr(quote, rest)) {
        at += found;
        if at > open + 1 && bytes[at - 1] == b'\\' {
            escaped.push(at);
            at += 1;
            continue;
        }
        if let Some(tail) = tail_at(bytes, at + 1) {
            return Some((at, tail));
        }
        break;
    }
    escaped
        .into_iter()
        .rev()
        .find_map(|close| Some((close, tail_at(bytes, close + 1)?)))
}

/// `\s*(?:#.*)?$`
fn tail_at(bytes: &[u8], from: usize) -> Option<Tail> {
    let at = skip_white_space(bytes, from);
    let last_break = || (from..at).rev().find(|&at| is_line_break(bytes, at));
    match bytes.get(at) {
        None => Some(Tail {
            end: at,
            comment: None,
        }),
        Some(b'#') => {
            let end = line_end(bytes, at);
            let is_on_this_line = last_break().is_none();
            Some(Tail {
                end,
                comment: is_on_this_line.then_some(at..end),
            })
        }
        Some(_) => Some(Tail {
            end: last_break()?,
            comment: None,
        }),
    }
}

/// The text that Node hands out: line breaks become `\n`, double quotes know `\n` and `\r`.
fn decode(raw: &[u8], quote: Option<Quote>) -> Vec<u8> {
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(found) = memchr2(b'\r', b'\\', rest) {
        text.extend_from_slice(&rest[..found]);
        let (byte, length) = match &rest[found..] {
            [b'\r', b'\n', ..] => (b'\n', 2),
            [b'\r', ..] => (b'\n', 1),
            [b'\\', b'n', ..] if quote == Some(Quote::Double) => (b'\n', 2),
            [b'\\', b'r', ..] if quote == Some(Quote::Double) => (b'\r', 2),
            _ => (b'\\', 1),
        };
        text.push(byte);
        rest = &rest[found + length..];
    }
    text.extend_from_slice(rest);
    text
}

/// Turns growing byte offsets into lines and columns as an editor counts them.
struct Position<'a> {
    bytes: &'a [u8],
    line_break: u8,
    line: usize,
    counted: usize,
}

impl<'a> Position<'a> {
    /// Lines end with LF; only a file without any LF is taken for one that ends them with CR.
    fn new(bytes: &'a [u8]) -> Self {
        let line_break = if memchr(b'\n', bytes).is_some() {
            b'\n'
        } else {
            b'\r'
        };
        Self {
            bytes,
            line_break,
            line: 1,
            counted: 0,
        }
    }

    /// Line and column (in characters) of an offset, both from 1.
    fn of(&mut self, offset: usize) -> (usize, usize) {
        self.line +=
            memchr::memchr_iter(self.line_break, &self.bytes[self.counted..offset]).count();
        self.counted = offset;
        let start = memrchr(self.line_break, &self.bytes[..offset]).map_or(0, |found| found + 1);
        let before = &self.bytes[start..offset];
        let before = before
            .strip_prefix(b"\xEF\xBB\xBF")
            .filter(|_| start == 0)
            .unwrap_or(before);
        (
            self.line,
            String::from_utf8_lossy(before).chars().count() + 1,
        )
    }
}
