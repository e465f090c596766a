//! Finds out what about a line divides the loaders.

use crate::env_file::{Assignment, Quote, Separator};

/// What about a line divides the loaders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trait {
    /// `K=v # c`
    Comment,
    /// `K=a#b`
    HashInValue,
    /// `K=#a`
    HashAtStart,
    /// `export K=v`
    Export,
    /// `K =v`
    BlankBeforeEquals,
    /// `K= v`
    BlankAfterEquals,
    /// Blanks at the end of the line.
    TrailingBlank,
    /// In single or double quotes.
    Quoted,
    /// In backticks.
    BacktickQuoted,
    /// A quoted value with line breaks.
    SeveralLines,
    /// `K="a`
    Unclosed,
    /// `K="a" "b"`
    TextBehindQuote,
    /// `K=don't`
    QuoteInRaw,
    /// `K=a b`
    BlankInRaw,
    /// `K=a;b`
    OperatorInRaw,
    /// `K=~/a`
    HomeInRaw,
    /// `K=a\b`
    BackslashInRaw,
    /// `K="a\n"`
    EscapedLineBreak,
    /// `K="a\d"`
    UnknownEscape,
    /// `K="a\\b"`
    EscapedSpecial,
    /// `K="a\"b"`
    EscapedDouble,
    /// `K='a\'b'`
    EscapedSingle,
    /// `K='a\\b'`
    TwoBackslashesInSingle,
    /// A backtick in double quotes.
    BacktickInDouble,
    /// `${A}`, not in single quotes.
    BracedReference,
    /// `$A`, not in single quotes.
    BareReference,
    /// `K='${A}'`
    BracedReferenceInSingle,
    /// A raw value that ends in a backslash.
    Continued,
    /// The line before is a comment that ends in a backslash.
    AfterContinuedComment,
    /// The line before ends in a backslash.
    AfterContinuedValue,
    /// `K.a=v`
    DottedName,
    /// `K-a=v`
    DashedName,
    /// `1K=v`
    NumberedName,
    /// `K: v`
    Colon,
    /// The file begins with a byte-order mark, on this line.
    ByteOrderMark,
    /// The line ends in CRLF.
    CarriageReturn,
    /// The line ends in CR.
    LoneCarriageReturn,
    /// U+00A0 beside the value.
    NoBreakSpace,
    /// The file is not UTF-8.
    InvalidText,
    /// The value is not UTF-8.
    InvalidTextInValue,
    /// The name is set more than once.
    Duplicate,
    /// The name is set more than once, at last to nothing.
    DuplicateEmpty,
}

/// Everything that divides the loaders about this assignment, of `definitions` of its name.
pub(super) fn traits(
    bytes: &[u8],
    one: &Assignment,
    definitions: usize,
    last_is_empty: bool,
) -> Vec<Trait> {
    let conditions = [around(bytes, one), inside(bytes, one)].concat();
    let duplicates = [
        (definitions > 1, Trait::Duplicate),
        (definitions > 1 && last_is_empty, Trait::DuplicateEmpty),
    ];
    let all = conditions.into_iter().chain(duplicates);
    all.filter_map(|(applies, cause)| applies.then_some(cause))
        .collect()
}

/// What stands around the value: name, separator, comment, line ends, the line before.
fn around(bytes: &[u8], one: &Assignment) -> Vec<(bool, Trait)> {
    let written = one.written_span();
    let name = one.name.as_bytes();
    let equals = one.separator == Separator::Equals;
    let between = &bytes[one.separator_end..written.start];
    let after = &bytes[written.end..];
    let has_comment = one.comment_span.is_some();
    let touches = one
        .comment_span
        .as_ref()
        .is_some_and(|comment| comment.start == written.end);
    let is_raw = one.quote.is_none();
    let is_empty = written.is_empty();
    let blank = |text: &[u8]| text.first().is_some_and(|byte| b" \t".contains(byte));
    let line_end = memchr::memchr2(b'\n', b'\r', after).map_or(&[][..], |at| &after[at..]);
    let before = line_before(bytes, one.name_span.start);
    let is_commented = before.trim_ascii_start().starts_with(b"#");
    let no_break = b"\xC2\xA0";
    vec![
        (has_comment && !(is_raw && touches), Trait::Comment),
        (
            has_comment && is_raw && touches && !is_empty,
            Trait::HashInValue,
        ),
        (
            has_comment && is_raw && touches && is_empty,
            Trait::HashAtStart,
        ),
        (one.has_export, Trait::Export),
        (
            equals && blank(&bytes[one.name_span.end..]),
            Trait::BlankBeforeEquals,
        ),
        (
            equals && !is_empty && blank(between),
            Trait::BlankAfterEquals,
        ),
        (!has_comment && blank(after), Trait::TrailingBlank),
        (
            before.ends_with(b"\\") && is_commented,
            Trait::AfterContinuedComment,
        ),
        (
            before.ends_with(b"\\") && !is_commented,
            Trait::AfterContinuedValue,
        ),
        (name.contains(&b'.'), Trait::DottedName),
        (name.contains(&b'-'), Trait::DashedName),
        (
            name.first().is_some_and(u8::is_ascii_digit),
            Trait::NumberedName,
        ),
        (!equals, Trait::Colon),
        (has_byte_order_mark(bytes, one), Trait::ByteOrderMark),
        (line_end.starts_with(b"\r\n"), Trait::CarriageReturn),
        (
            line_end.starts_with(b"\r") && !line_end.starts_with(b"\r\n"),
            Trait::LoneCarriageReturn,
        ),
        (
            between.ends_with(no_break) || after.starts_with(no_break),
            Trait::NoBreakSpace,
        ),
    ]
}

/// What stands in the value.
fn inside(bytes: &[u8], one: &Assignment) -> Vec<(bool, Trait)> {
    let value = &bytes[one.value_span.clone()];
    let is_raw = one.quote.is_none();
    let is_closed = |quote| one.is_closed && one.quote == Some(quote);
    let (single, double) = (is_closed(Quote::Single), is_closed(Quote::Double));
    // Node takes the outer quotes off even where the first one is closed before the end.
    let starts_behind_quote = one.value_span.start > one.separator_end
        && one.quote.map(Quote::byte) == Some(bytes[one.value_span.start - 1]);
    let is_wrapped = !one.is_closed && starts_behind_quote;
    let has_any = |wanted: &[u8]| value.iter().any(|byte| wanted.contains(byte));
    let has = |part: &[u8]| memchr::memmem::find(value, part).is_some();
    let is_continued = is_raw && value.ends_with(b"\\") && !value.ends_with(b"\\\\");
    let escapes = |wanted: &[u8]| {
        value
            .windows(2)
            .any(|two| two[0] == b'\\' && wanted.contains(&two[1]))
    };
    let bare = value
        .windows(2)
        .any(|two| two[0] == b'$' && (two[1].is_ascii_alphabetic() || two[1] == b'_'));
    vec![
        (
            one.is_closed && !is_raw && one.quote != Some(Quote::Backtick),
            Trait::Quoted,
        ),
        (is_closed(Quote::Backtick), Trait::BacktickQuoted),
        (!is_raw && has_any(b"\r\n"), Trait::SeveralLines),
        (!one.is_closed && !is_wrapped, Trait::Unclosed),
        (is_wrapped, Trait::TextBehindQuote),
        (is_raw && has_any(b"'\""), Trait::QuoteInRaw),
        (is_raw && has_any(b" \t"), Trait::BlankInRaw),
        (is_raw && has_any(b";&|<>()`"), Trait::OperatorInRaw),
        (
            is_raw && (value.starts_with(b"~/") || value == b"~" || has(b":~/")),
            Trait::HomeInRaw,
        ),
        (
            is_raw && has_any(b"\\") && !is_continued,
            Trait::BackslashInRaw,
        ),
        (double && escapes(b"nr"), Trait::EscapedLineBreak),
        (double && escapes(b"\\\"$`"), Trait::EscapedSpecial),
        (double && escapes(b"\""), Trait::EscapedDouble),
        (
            double && has_any(b"\\") && !escapes(b"\\\"$`nr"),
            Trait::UnknownEscape,
        ),
        (single && has(b"\\'"), Trait::EscapedSingle),
        (single && has(b"\\\\"), Trait::TwoBackslashesInSingle),
        (double && has_any(b"`"), Trait::BacktickInDouble),
        (!single && has(b"${"), Trait::BracedReference),
        (!single && bare, Trait::BareReference),
        (single && has(b"${"), Trait::BracedReferenceInSingle),
        (is_continued, Trait::Continued),
        (
            std::str::from_utf8(value).is_err(),
            Trait::InvalidTextInValue,
        ),
    ]
}

fn has_byte_order_mark(bytes: &[u8], one: &Assignment) -> bool {
    bytes.starts_with(b"\xEF\xBB\xBF") && !bytes[..one.name_span.start].contains(&b'\n')
}

/// The line before the one that `at` lies on, without its line break.
fn line_before(bytes: &[u8], at: usize) -> &[u8] {
    let Some(end) = memchr::memrchr(b'\n', &bytes[..at]) else {
        return &[];
    };
    let text = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
    let start = memchr::memrchr(b'\n', text).map_or(0, |found| found + 1);
    &text[start..]
}
