//! Takes secrets out of text: loaded values, keys of known shape, and the user part of a URL.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::escapes::{Decoded, Escapes};
use crate::key_shapes;
use crate::order;
use crate::secret::Secret;
use crate::strength;

/// What stands where a secret stood.
pub const REMOVED: &str = "[redacted]";
/// A shorter value would be found everywhere; it is too weak to be worth hiding, too.
const SHORTEST_VALUE: usize = 8;
/// What is shorter, in bytes, tells nothing of the value of which it is a part.
const SHORTEST_PART: usize = 6;
/// What is shorter, in bytes, may be a word that stands in other text by chance.
const SHORTEST_SURE: usize = 12;

/// Removes what it knows from every text it is shown.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    values: Arc<Values>,
}

impl Redactor {
    /// A redactor that knows `values` besides the shapes of common keys. Each value is also found
    /// percent-encoded and with JSON's escapes.
    pub fn knowing<'s>(values: impl IntoIterator<Item = &'s Secret>) -> Self {
        let mut known = Values::default();
        for value in values.into_iter().map(Secret::expose) {
            if value.len() >= SHORTEST_VALUE {
                known.add(value);
                let encoded = percent_encoded(value);
                if encoded != value {
                    let escaped = json_escaped(value);
                    if escaped != value {
                        known.add(&escaped);
                    }
                    known.add(&encoded);
                }
            }
        }
        Self {
            values: Arc::new(known),
        }
    }

    /// The text without secrets.
    pub fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut spans = self.secrets_in(text.as_bytes());
        if let Some(decoded) = Decoded::whole(text.as_bytes(), Escapes::Percent) {
            let found = self.secrets_in(&decoded.text).into_iter();
            spans.extend(found.map(|span| decoded.in_original(&span)));
        }
        spans.extend(user_parts(text));
        if spans.is_empty() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(without(text, spans))
    }

    fn secrets_in(&self, text: &[u8]) -> Vec<Range<usize>> {
        let of_known_shape = key_shapes::find_all(text).into_iter();
        let mut spans = self.values.find_all(text);
        spans.extend(of_known_shape.map(|(span, _)| span));
        spans
    }

    /// The same without parts of loaded values, for text of those who read them: a program may print the
    /// beginning of a key, or a file that is cut into short lines.
    pub fn clean_of_parts(&self, text: &str) -> String {
        let cleaned = self.clean(text);
        let values = self.values.by_start.values().flatten();
        let parts: HashSet<&[u8]> = values
            .flat_map(|value| value.expose().windows(SHORTEST_PART))
            .collect();
        let spans: Vec<Range<usize>> = cleaned
            .as_bytes()
            .windows(SHORTEST_PART)
            .enumerate()
            .filter(|(_, part)| parts.contains(part))
            .map(|(at, _)| at..at + SHORTEST_PART)
            .collect();
        without(&cleaned, joined(spans))
    }

    /// The same, in place.
    pub fn clean_in_place(&self, text: &mut String) {
        if let Cow::Owned(cleaned) = self.clean(text) {
            *text = cleaned;
        }
    }

    /// Whether text holds a secret beyond doubt: a password that is an everyday word may stand in a
    /// command by chance.
    pub fn is_sure_of(&self, text: &str) -> bool {
        let cleaned = self.clean(text);
        let hidden = (text.len() + REMOVED.len()).saturating_sub(cleaned.len());
        cleaned != text && hidden >= SHORTEST_SURE
    }
}

/// Loaded values by their first bytes: built in one pass, however many there are.
#[derive(Debug, Default)]
struct Values {
    by_start: HashMap<[u8; SHORTEST_VALUE], Vec<Secret>>,
}

impl Values {
    fn add(&mut self, value: &[u8]) {
        let Some(start) = value.first_chunk() else {
            return;
        };
        let sharing = self.by_start.entry(*start).or_default();
        if sharing.last().is_none_or(|last| last.expose() != value) {
            sharing.push(Secret::new(value));
        }
    }

    /// Every place of every value, the longest where several begin.
    fn find_all(&self, text: &[u8]) -> Vec<Range<usize>> {
        if self.by_start.is_empty() {
            return Vec::new();
        }
        let windows = text.windows(SHORTEST_VALUE).enumerate();
        windows
            .filter_map(|(at, window)| {
                let sharing = self.by_start.get(window.first_chunk::<SHORTEST_VALUE>()?)?;
                let here = sharing.iter().map(Secret::expose);
                let longest = here
                    .filter(|value| text[at..].starts_with(value))
                    .map(<[u8]>::len)
                    .max()?;
                Some(at..at + longest)
            })
            .collect()
    }
}

/// Spans in order, those that meet as one.
fn joined(spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start <= last.end => last.end = span.end,
            _ => joined.push(span),
        }
    }
    joined
}

fn without(text: &str, mut spans: Vec<Range<usize>>) -> String {
    order::sort_by_key(&mut spans, |span| span.start);
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

/// The parts of `words` that look like keys which were pasted where something else belongs.
///
/// A path that exists so far, plain words in small letters and URLs are none; the user part of a
/// URL is what [`Redactor::clean`] takes out.
pub fn likely_secrets<'w>(words: impl IntoIterator<Item = &'w str>) -> Vec<String> {
    let mut found: Vec<String> = words
        .into_iter()
        .map(|word| word.trim_start_matches('-'))
        // `tcp/8443,from=203.0.113.0/24` is several words.
        .flat_map(|word| word.split(|c| c == ',' && is_like_a_rule(word)))
        .flat_map(|word| {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            [word, name, value]
        })
        .filter(|part| looks_like_a_key(part))
        .map(str::to_owned)
        .collect();
    // The longest first: what is left of a key must not hide the whole.
    order::sort_by_key(&mut found, |part| std::cmp::Reverse(part.len()));
    found.dedup();
    found
}

fn looks_like_a_key(word: &str) -> bool {
    /// A shorter word is a name or a number.
    const SHORTEST: usize = 16;
    /// A word with this many bits or more is no name that a person chose.
    const BITS: f64 = 64.0;
    let is_plain = word
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || b"-._/:, ".contains(&byte));
    // `from=203.0.113.0/24`
    let value = word.split_once('=').map_or(word, |(_, value)| value);
    let is_path = || {
        let path = std::path::Path::new(word);
        let folder = path
            .parent()
            .filter(|folder| *folder != std::path::Path::new(""));
        let mut above = folder.into_iter().flat_map(std::path::Path::ancestors);
        path.symlink_metadata().is_ok()
            || above.any(|folder| {
                folder.parent().is_some_and(|up| up.parent().is_some()) && folder.exists()
            })
            || folder.is_some_and(std::path::Path::exists)
    };
    word.len() >= SHORTEST
        && !is_plain
        && !is_like_an_address(value)
        && !is_name_of_a_variable(word)
        && !word.contains("://")
        && strength::estimate(word.as_bytes()).bits >= BITS
        && !is_path()
}

/// `tcp/8443,…`
fn is_like_a_rule(word: &str) -> bool {
    let rule = word
        .split_once(',')
        .and_then(|(first, _)| first.split_once('/'));
    rule.is_some_and(|(protocol, port)| {
        (2..=8).contains(&protocol.len())
            && protocol.bytes().all(|byte| byte.is_ascii_lowercase())
            && (1..=11).contains(&port.len())
            && port
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-')
    })
}

/// An IPv4 or IPv6 address or network, also one with a wrong number in it.
fn is_like_an_address(word: &str) -> bool {
    let (address, length) = word.split_once('/').unwrap_or((word, ""));
    let are = |mut groups: std::str::Split<'_, char>, longest: usize, is: fn(&u8) -> bool| {
        groups.all(|group| group.len() <= longest && group.bytes().all(|byte| is(&byte)))
    };
    let count = |mark: char| address.split(mark).count();
    let is_ipv4 = count('.') == 4 && are(address.split('.'), 3, u8::is_ascii_digit);
    let is_ipv6 =
        (3..=9).contains(&count(':')) && are(address.split(':'), 4, u8::is_ascii_hexdigit);
    length.len() <= 15
        && length
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        && (is_ipv4 || is_ipv6)
}

/// `OPENROUTER_API_KEY`: words of capital letters, perhaps with a number behind. No key looks so.
fn is_name_of_a_variable(word: &str) -> bool {
    word.contains('_')
        && word.split('_').all(|part| {
            let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
            part.len() - letters.len() <= 2
                && (2..=16).contains(&letters.len())
                && letters.bytes().all(|byte| byte.is_ascii_uppercase())
        })
}

/// Every byte but RFC 3986's unreserved characters.
pub const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// RFC 3986 §2.1, upper-case digits.
pub fn percent_encoded(value: &[u8]) -> Vec<u8> {
    percent_encode(value, RESERVED)
        .flat_map(str::bytes)
        .collect()
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
    fn a_short_value_in_other_text_is_no_sure_secret_and_a_key_is() {
        let values = ["restart1", "a long passphrase"].map(Secret::new);
        let redactor = Redactor::knowing(&values);
        for (text, expected) in [
            ("./restart1.sh", false),
            ("curl -d 'a long passphrase'", true),
            ("systemctl restart openclaw", false),
            ("https://u:a-password-of-mine@bot.example", true),
        ] {
            assert_eq!(redactor.is_sure_of(text), expected, "{text}");
        }
    }

    #[test]
    fn loaded_values_disappear_in_every_spelling() {
        let redactor = Redactor::knowing([&Secret::new("p\"ss/word=1"), &Secret::new("short")]);
        let cases = [
            ("nothing here, short stays", "nothing here, short stays"),
            ("x=p\"ss/word=1;", "x=[redacted];"),
            ("{\"x\":\"p\\\"ss/word=1\"}", "{\"x\":\"[redacted]\"}"),
            ("?x=p%22ss%2Fword%3D1&y", "?x=[redacted]&y"),
            ("?x=p%22ss%2fwor%64=1&y", "?x=[redacted]&y"),
            ("100%, 5%zz and %4", "100%, 5%zz and %4"),
        ];
        for (text, expected) in cases {
            assert_eq!(redactor.clean(text), expected);
        }
    }

    #[test]
    fn parts_of_loaded_values_disappear_too() {
        let redactor = Redactor::knowing([&Secret::new("q7Zk2mVw9xLr4TbN8cPdYfHs")]);
        for (text, expected) in [
            ("no such file", "no such file"),
            ("bad key q7Zk2mVw9x…", "bad key [redacted]…"),
            (
                "q7Zk2mVw9x\nLr4TbN8c\nPdYfHs",
                "[redacted]\n[redacted]\n[redacted]",
            ),
            ("key q7Zk2mVw9xLr4TbN8cPdYfHs!", "key [redacted]!"),
            ("q7Zk2", "q7Zk2"),
        ] {
            assert_eq!(redactor.clean_of_parts(text), expected);
        }
    }

    #[test]
    fn an_address_or_a_rule_of_the_firewall_is_no_likely_secret() {
        for word in [
            "tcp/8443,from=203.0.113.256",
            "tcp/80,form=203.0.113.0/24",
            "tcp/8443,iface=averyveryverylongname",
            "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1/64",
        ] {
            assert_eq!(likely_secrets([word]), [""; 0]);
        }
        for key in [
            "3fa9b2c4:d5e6f708:192a3b4c:5d6e7f80",
            "9a8b7c6d5e4f:3a2b1c0d9e8f:7a6b5c4d3e2f1a0b",
            "kX9mQ2vZ7a,Lr4TbN8cW2,PdYfHs3JgK",
        ] {
            assert_eq!(likely_secrets([key]), [key]);
        }
        let key = "tcp/8443,from=q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ";
        assert_eq!(
            likely_secrets([key]),
            [
                "from=q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ",
                "q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ"
            ]
        );
    }

    #[test]
    fn the_name_of_a_variable_is_no_likely_secret() {
        for (word, is_secret) in [
            ("OPENROUTER_API_KEY", false),
            ("ELEVENLABS_API_KEY", false),
            ("OPENCLAW_GATEWAY_TOKEN", false),
            ("AWS_BEARER_TOKEN_BEDROCK2", false),
            ("XQWJZKVPHBYMDFGTRLNC", true),
            ("QX7_ZK9_W3J_V5P_H1B_Y8M_D2F", true),
            ("q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ", true),
        ] {
            assert_eq!(!likely_secrets([word]).is_empty(), is_secret, "{word}");
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
    fn what_looks_like_a_key_among_words_is_found_and_names_are_not() {
        let key = "OpOTOMfAhdalu4oLM5+xd7S7mC4yV5HbszcXqfT+r+c=";
        for word in [
            key,
            &format!("--{key}"),
            &format!("--bytes={key}"),
            "ghx_Zq8xK2mV9tLw4RzB",
        ] {
            assert!(!likely_secrets([word]).is_empty(), "{word}");
        }
        let folder = tempfile::tempdir().unwrap();
        let missing = folder
            .path()
            .join("qJ8xK2mV9tLw4RzB/.env")
            .to_string_lossy()
            .into_owned();
        let names = [
            "secrets.shared-between-environment",
            "/etc/openclaw/production.env",
            "production-eu-central-1.env",
            "https://qJ8xK2mV9tLw4RzB.example/x",
            "--openclaw-config",
            missing.as_str(),
        ];
        assert_eq!(likely_secrets(names), [""; 0]);
    }

    #[test]
    fn a_value_that_ends_inside_a_character_breaks_nothing() {
        let redactor = Redactor::knowing([&Secret::new(*b"abcdefgh\xc3")]);
        assert_eq!(redactor.clean("abcdefghé!"), "[redacted]!");
    }
}
