//! Takes secrets out of text: loaded values, keys of known shape, and the user part of a URL.

use std::borrow::Cow;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::key_shapes;
use crate::secret::Secret;

/// What stands where a secret stood.
const REMOVED: &str = "[redacted]";
/// A shorter value would be found everywhere; it is too weak to be worth hiding, too.
const SHORTEST_VALUE: usize = 8;

/// Removes what it knows from every text it is shown.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    values: Option<AhoCorasick>,
}

impl Redactor {
    /// A redactor that knows `values` besides the shapes of common keys. Each value is also found
    /// percent-encoded and with JSON's escapes.
    pub fn knowing<'s>(values: impl IntoIterator<Item = &'s Secret>) -> Self {
        let mut needles: Vec<Vec<u8>> = Vec::new();
        for value in values.into_iter().map(Secret::expose) {
            if value.len() >= SHORTEST_VALUE {
                needles.push(value.to_vec());
                needles.push(percent_encoded(value));
                needles.push(json_escaped(value));
            }
        }
        needles.sort();
        needles.dedup();
        let values = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&needles)
            .ok()
            .filter(|_| !needles.is_empty());
        Self { values }
    }

    /// The text without secrets.
    pub fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut spans: Vec<Range<usize>> = Vec::new();
        if let Some(values) = &self.values {
            spans.extend(values.find_iter(text).map(|found| found.range()));
        }
        spans.extend(
            key_shapes::find_all(text.as_bytes())
                .into_iter()
                .map(|(span, _)| span),
        );
        spans.extend(user_parts(text));
        if spans.is_empty() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(without(text, spans))
    }

    /// The same, in place.
    pub fn clean_in_place(&self, text: &mut String) {
        if let Cow::Owned(cleaned) = self.clean(text) {
            *text = cleaned;
        }
    }
}

fn without(text: &str, mut spans: Vec<Range<usize>>) -> String {
    spans.sort_by_key(|span| span.start);
    let mut cleaned = String::with_capacity(text.len());
    let mut end = 0;
    for span in spans {
        if span.start >= end {
            cleaned.push_str(text.get(end..span.start).unwrap_or_default());
            cleaned.push_str(REMOVED);
        }
        end = end.max(span.end);
    }
    // A key of known shape is ASCII and a loaded value is found at its own borders, but a value
    // that is no UTF-8 may end inside a character: then the rest of that character goes, too.
    while !text.is_char_boundary(end) {
        end += 1;
    }
    cleaned.push_str(&text[end..]);
    cleaned
}

/// `user:password` of `scheme://user:password@host`.
fn user_parts(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    for (at, mark) in text.match_indices("://") {
        let start = at + mark.len();
        let rest = &text[start..];
        let end = rest
            .find(|c: char| {
                c.is_whitespace() || matches!(c, '/' | '?' | '#' | '\'' | '"' | '`' | '<' | '>')
            })
            .unwrap_or(rest.len());
        if let Some(user_end) = rest[..end].rfind('@').filter(|user_end| *user_end > 0) {
            spans.push(start..start + user_end);
        }
    }
    spans
}

/// RFC 3986 §2.1, upper-case digits.
pub fn percent_encoded(value: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(value.len());
    for byte in value {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            encoded.push(*byte);
        } else {
            encoded.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    encoded
}

/// The value as it stands between the quotes of a JSON string.
pub fn json_escaped(value: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(value).map(serde_json::to_string) {
        Ok(Ok(quoted)) => quoted.as_bytes()[1..quoted.len() - 1].to_vec(),
        _ => value.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loaded_values_disappear_in_every_spelling() {
        let redactor = Redactor::knowing([&Secret::new("p\"ss/word=1"), &Secret::new("short")]);
        let cases = [
            ("nothing here, short stays", "nothing here, short stays"),
            ("x=p\"ss/word=1;", "x=[redacted];"),
            ("{\"x\":\"p\\\"ss/word=1\"}", "{\"x\":\"[redacted]\"}"),
            ("?x=p%22ss%2Fword%3D1&y", "?x=[redacted]&y"),
        ];
        for (text, expected) in cases {
            assert_eq!(redactor.clean(text), expected);
        }
    }

    #[test]
    fn the_user_part_of_a_url_disappears_and_an_address_stays() {
        let redactor = Redactor::default();
        let cases = [
            ("https://bot.example/a@b", "https://bot.example/a@b"),
            (
                "see 'https://me:pw@bot.example/x'",
                "see 'https://[redacted]@bot.example/x'",
            ),
            ("mail mia@bot.example", "mail mia@bot.example"),
            (
                "https://tok@h and http://u@i",
                "https://[redacted]@h and http://[redacted]@i",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(redactor.clean(text), expected);
        }
    }

    #[test]
    fn a_value_that_ends_inside_a_character_breaks_nothing() {
        let redactor = Redactor::knowing([&Secret::new(*b"abcdefgh\xc3")]);
        assert_eq!(redactor.clean("abcdefghé!"), "[redacted]!");
    }
}
