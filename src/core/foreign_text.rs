//! Makes foreign text (log lines, server headers, file names) harmless before a terminal sees it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Makes one line of foreign text safe to show: control characters, bidi marks and zero-width
/// characters become visible escapes (Unicode Technical Report 36, "Bidirectional Text Spoofing").
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            harmful if is_harmful(harmful) => {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(harmful));
            }
            good => safe.push(good),
        }
    }
    Cow::Owned(safe)
}

/// The same for JSON, where such characters stand inside strings only: they become `\uXXXX`.
pub fn harmless_json(json: &str) -> Cow<'_, str> {
    let is_harmful = |c: char| c != '\n' && is_harmful(c);
    if !json.chars().any(is_harmful) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 8);
    for character in json.chars() {
        if is_harmful(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// Whether a character can change what a reader sees without being seen itself.
#[inline]
pub fn is_harmful(character: char) -> bool {
    // Nearly all are of these.
    if (' '..='~').contains(&character) {
        return false;
    }
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_loses_its_power_and_stays_readable() {
        let cases = [
            ("plain – ünïcode ✓", "plain – ünïcode ✓"),
            ("\x1b[31mred", "\\u{1b}[31mred"),
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
            ("user\u{202e}gpj.exe", "user\\u{202e}gpj.exe"),
            ("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}"),
            ("\u{9b}31m", "\\u{9b}31m"),
        ];
        for (text, expected) in cases {
            assert_eq!(harmless(text), expected);
        }
    }

    #[test]
    fn json_keeps_its_meaning_when_it_is_made_harmless() {
        let text = "a\u{202e}b\u{7f}\u{e0001}";
        let json = serde_json::to_string(text).unwrap();
        let safe = harmless_json(&json);
        assert!(!safe.chars().any(is_harmful));
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
    }
}
