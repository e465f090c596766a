//! `key=value` lines: logfmt, and the extension of a CEF record.

use std::borrow::Cow;

use super::fields::{Fields, Role, Slot, Slots, Value};

/// This many pairs make a line logfmt.
const ENOUGH: usize = 3;

/// What is known of a line of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It has a message or names an event, or all its pairs mean something.
    Enough,
    /// Words stand between its pairs, or nobody knows some of them and no field tells what they are about.
    Part,
}

/// Reads logfmt: three or more pairs, or one that is a time or a level. Text before the first pair
/// becomes the message.
pub fn logfmt<'l>(text: &'l str, fields: &mut Fields<'l>) -> Option<Known> {
    const TELLING: Slots = Slots::of(&[Slot::Message, Slot::Action]);
    let mut found = Fields::default();
    let mut pairs = 0;
    let mut is_sure = false;
    let mut is_odd = false;
    let mut has_words_between = false;
    let mut first_pair = None;
    let mut end = 0;
    let mut all = Pairs { text, at: 0 };
    while let Some((at, key, value)) = all.next() {
        has_words_between |= pairs > 0 && has_words(&text[end..at]);
        end = all.at;
        first_pair.get_or_insert(at);
        pairs += 1;
        let role = Role::of(key);
        is_odd |= role == Role::default();
        let is_first = role
            .places
            .iter()
            .flatten()
            .all(|(slot, rank)| found.rank(*slot) != Some(*rank));
        is_sure |= role
            .places
            .iter()
            .flatten()
            .any(|(slot, _)| matches!(slot, Slot::Time | Slot::Level));
        if is_first {
            found.note(&role, Value::Text(value));
        }
    }
    if pairs < ENOUGH && !is_sure {
        return None;
    }
    let before = text[..first_pair.unwrap_or(0)].trim();
    has_words_between |= has_words(&text[end..]);
    let known = if has_words_between || is_odd && !found.has_any(TELLING) {
        Known::Part
    } else {
        Known::Enough
    };
    fields.fill_from(found);
    if !before.is_empty() {
        fields.fill(Slot::Message, before);
    }
    fields.is_structured = true;
    Some(known)
}

fn has_words(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

/// Whether the first thing in a text is a pair.
pub fn begins_with_pair(text: &str) -> bool {
    let key = text.bytes().take_while(|byte| is_key(*byte)).count();
    key > 0 && text.as_bytes().get(key) == Some(&b'=')
}

struct Pairs<'l> {
    text: &'l str,
    at: usize,
}

impl<'l> Iterator for Pairs<'l> {
    type Item = (usize, &'l str, Cow<'l, str>);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        loop {
            while bytes
                .get(self.at)
                .is_some_and(|b| matches!(b, b' ' | b'\t' | b',' | b';'))
            {
                self.at += 1;
            }
            let start = self.at;
            while bytes.get(self.at).is_some_and(|b| is_key(*b)) {
                self.at += 1;
            }
            if self.at > start && bytes.get(self.at) == Some(&b'=') {
                let key = &self.text[start..self.at];
                self.at += 1;
                return Some((start, key, self.value()));
            }
            // No pair here: on to the next blank, past what is quoted.
            match bytes.get(self.at) {
                None => return None,
                Some(b'"') => {
                    self.quoted();
                }
                Some(_) => {
                    while bytes
                        .get(self.at)
                        .is_some_and(|b| !matches!(b, b' ' | b'\t' | b'"'))
                    {
                        self.at += 1;
                    }
                }
            }
        }
    }
}

impl<'l> Pairs<'l> {
    /// auditd's `msg='op=login … res=failed'`: up to a quote at the end of a word.
    fn in_single_quotes(&mut self) -> Option<&'l str> {
        let rest = self.text[self.at..].strip_prefix('\'')?;
        let is_end = |at: usize| matches!(rest.as_bytes().get(at + 1), None | Some(b' ' | b'\t'));
        let mut quotes = rest.match_indices('\'').map(|(at, _)| at);
        let end = quotes.find(|at| is_end(*at))?;
        self.at += end + 2;
        Some(&rest[..end])
    }

    fn value(&mut self) -> Cow<'l, str> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) == Some(&b'"') {
            return self.quoted();
        }
        if let Some(inside) = self.in_single_quotes() {
            return Cow::Borrowed(inside);
        }
        let start = self.at;
        while bytes
            .get(self.at)
            .is_some_and(|b| !matches!(b, b' ' | b'\t'))
        {
            self.at += 1;
        }
        Cow::Borrowed(self.text[start..self.at].trim_end_matches([',', ';']))
    }

    fn quoted(&mut self) -> Cow<'l, str> {
        let start = self.at + 1;
        let mut at = start;
        let bytes = self.text.as_bytes();
        let mut has_escapes = false;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => break,
                b'\\' => {
                    has_escapes = true;
                    at += 2;
                }
                _ => at += 1,
            }
        }
        let mut end = at.min(bytes.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        self.at = (end + 1).min(bytes.len());
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        let inside = &self.text[start.min(end)..end];
        if has_escapes {
            Cow::Owned(super::json::unescaped(inside))
        } else {
            Cow::Borrowed(inside)
        }
    }
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'@' | b'/')
}

/// Reads a CEF record (ArcSight Common Event Format, version 25): seven header parts and an
/// extension whose values run to the next ` key=`.
pub fn cef<'l>(text: &'l str, fields: &mut Fields<'l>) -> bool {
    let Some(rest) = text.strip_prefix("CEF:") else {
        return false;
    };
    let mut parts = Vec::with_capacity(8);
    let mut start = 0;
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at < bytes.len() && parts.len() < 7 {
        match bytes[at] {
            b'\\' => at += 2,
            b'|' => {
                parts.push(&rest[start..at]);
                at += 1;
                start = at;
            }
            _ => at += 1,
        }
    }
    if parts.len() < 7 {
        return false;
    }
    extension(&rest[start..], fields);
    fields.set(Slot::Action, cef_unescaped(parts[4]));
    // The event's name says what happened, whatever its message adds.
    let name = cef_unescaped(parts[5]);
    let slot = if fields.has(Slot::Message) {
        Slot::Verb
    } else {
        Slot::Message
    };
    fields.fill(slot, name);
    if let Some(level) = cef_level(parts[6].trim()) {
        fields.fill(Slot::Level, level);
    }
    fields.is_structured = true;
    true
}

fn cef_level(severity: &str) -> Option<&'static str> {
    Some(match severity.to_ascii_lowercase().as_str() {
        "0" | "1" | "2" | "3" | "low" | "unknown" => "info",
        "4" | "5" | "6" | "medium" => "warn",
        "7" | "8" | "high" => "error",
        "9" | "10" | "very-high" => "fatal",
        _ => return None,
    })
}

fn extension<'l>(text: &'l str, fields: &mut Fields<'l>) {
    let bytes = text.as_bytes();
    let mut open: Option<(&str, usize)> = None;
    for (equals, _) in text.match_indices('=') {
        let escapes = bytes[..equals]
            .iter()
            .rev()
            .take_while(|b| **b == b'\\')
            .count();
        if escapes % 2 == 1 {
            continue;
        }
        let key_start = bytes[..equals]
            .iter()
            .rposition(|b| {
                !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'[' | b']'))
            })
            .map_or(0, |before| before + 1);
        let follows_blank = key_start == 0 || bytes[key_start - 1] == b' ';
        if key_start == equals || !follows_blank {
            continue;
        }
        if let Some((key, start)) = open {
            close(key, &text[start..key_start.max(start)], fields);
        }
        open = Some((&text[key_start..equals], equals + 1));
    }
    if let Some((key, start)) = open {
        close(key, &text[start..], fields);
    }
}

fn close<'l>(key: &'l str, value: &'l str, fields: &mut Fields<'l>) {
    let value = cef_unescaped(value.trim());
    match key {
        // The device's own verdict.
        "act" => fields.fill(Slot::Outcome, value),
        "in" | "out" | "cnt" => {}
        _ => fields.note_text(key, value),
    }
}

fn cef_unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => plain.push('\n'),
                Some('r') => plain.push('\r'),
                Some(other) => plain.push(other),
                None => plain.push('\\'),
            },
            other => plain.push(other),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_pairs_or_a_level_make_logfmt() {
        let cases = [
            (
                "level=info msg=\"user logged in\" user=mia x=1",
                Some(Known::Enough),
            ),
            ("level=warn event=login x=1", Some(Known::Enough)),
            ("level=warn text", Some(Known::Part)),
            ("level=warn msg=two words", Some(Known::Part)),
            (
                "login failed user=mia ip=192.0.2.1 status=401",
                Some(Known::Enough),
            ),
            (
                "login failed user=mia ip=192.0.2.1 port=22",
                Some(Known::Part),
            ),
            ("a=1 b=2 c=3", Some(Known::Part)),
            ("a=1 b=2", None),
            ("just words", None),
            ("", None),
        ];
        for (line, expected) in cases {
            assert_eq!(logfmt(line, &mut Fields::default()), expected, "{line}");
        }
    }

    #[test]
    fn quoted_values_keep_their_blanks_and_pairs_inside_them_are_text() {
        let mut fields = Fields::default();
        let line = r#"ts=2026-11-20T10:00:00Z user="mia \"x\" ip=6.6.6.6" ip=192.0.2.1 ip=6.6.6.6"#;
        assert!(logfmt(line, &mut fields).is_some());
        assert_eq!(fields.text(Slot::User).unwrap(), "mia \"x\" ip=6.6.6.6");
        assert_eq!(fields.text(Slot::Address).unwrap(), "192.0.2.1");
    }

    #[test]
    fn cef_escapes_are_undone_and_values_run_to_the_next_key() {
        let mut fields = Fields::default();
        let line = r"CEF:0|Open\|Claw|gw|1.0|auth:401|Login failed|8|src=192.0.2.9 suser=mi\=a b msg=wrong \\ key rt=1795168802000";
        assert!(cef(line, &mut fields));
        assert_eq!(fields.text(Slot::Action).unwrap(), "auth:401");
        assert_eq!(fields.text(Slot::Address).unwrap(), "192.0.2.9");
        assert_eq!(fields.text(Slot::User).unwrap(), "mi=a b");
        assert_eq!(fields.text(Slot::Message).unwrap(), "wrong \\ key");
        assert_eq!(fields.text(Slot::Time).unwrap(), "1795168802000");
        assert_eq!(fields.text(Slot::Level).unwrap(), "error");
        assert!(!cef("CEF:0|too|short", &mut Fields::default()));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}", likely in "[a-z=\" \\\\|,é]{0,60}") {
            for text in [text, likely] {
                logfmt(&text, &mut Fields::default());
                cef(&format!("CEF:0|a|b|c|d|e|1|{text}"), &mut Fields::default());
                cef(&format!("CEF:{text}"), &mut Fields::default());
            }
        }
    }
}
