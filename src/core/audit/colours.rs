//! Colours in a text (ECMA-48's SGR, `ESC [ 31 m`): they say nothing, and what they stand between does.

use memchr::memchr;

/// The sign that a colour begins with.
pub const ESCAPE: u8 = 0x1b;

/// A text without its colours, if it has any.
#[inline]
pub fn without_colours(text: &str) -> Option<String> {
    let first = memchr(ESCAPE, text.as_bytes())?;
    without(text, first)
}

#[inline(never)]
fn without(text: &str, first: usize) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let (mut kept, mut next) = (0, Some(first));
    while let Some(at) = next {
        let length = colour(&text.as_bytes()[at..]);
        if length > 0 {
            plain.push_str(&text[kept..at]);
            kept = at + length;
        }
        let after = at + length.max(1);
        next = memchr(ESCAPE, &text.as_bytes()[after..]).map(|more| after + more);
    }
    plain.push_str(&text[kept..]);
    (kept > 0).then_some(plain)
}

/// How many bytes the colour takes with which a text begins; none for any other escape.
fn colour(text: &[u8]) -> usize {
    let [ESCAPE, b'[', rest @ ..] = text else {
        return 0;
    };
    let digits = rest
        .iter()
        .take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':'))
        .count();
    match rest.get(digits) {
        Some(b'm') => 2 + digits + 1,
        _ => 0,
    }
}

/// What was written where a text reads as `end` without its colours: what is shown hides nothing.
pub fn as_written<'l>(text: &'l str, end: &str) -> Option<&'l str> {
    let plain = without_colours(text)?;
    let mut before = plain.strip_suffix(end)?.len();
    let mut at = 0;
    while before > 0 {
        match colour(&text.as_bytes()[at..]) {
            0 => {
                before -= 1;
                at += 1;
            }
            length => at += length,
        }
    }
    text.get(at..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_passed_over_and_no_other_escape() {
        let cases = [
            ("plain", None),
            ("\x1b[31merror\x1b[39m: no", Some("error: no")),
            ("\x1b[mé\x1b[1;38;5;9mb\x1b[38:2::1:2:3m", Some("éb")),
            ("\x1b[2K\x1b]0;title\x07\x1b[31", None),
            ("\x1b\x1b[0m[31mx", Some("\x1b[31mx")),
            ("\x1b[31\x1b[0mm", Some("\x1b[31m")),
        ];
        for (text, expected) in cases {
            assert_eq!(without_colours(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn the_end_of_a_text_is_found_as_it_was_written() {
        let text = "\x1b[31merror\x1b[39m: \x1b[1mdb\x1b[0m down\x1b[0m";
        for (end, expected) in [
            ("error: db down", Some(text)),
            ("db down", Some("\x1b[1mdb\x1b[0m down\x1b[0m")),
            ("down", Some("down\x1b[0m")),
            ("db", None),
        ] {
            assert_eq!(as_written(text, end), expected, "{end}");
        }
        assert_eq!(as_written("plain", "plain"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\x1b\\[0-9;mé]{0,40}", end in "[0-9mé]{0,3}") {
            let _ = as_written(&text, &end);
            if let Some(plain) = without_colours(&text) {
                proptest::prop_assert!(plain.len() < text.len());
                proptest::prop_assert_eq!(as_written(&text, &plain), Some(&*text));
            }
        }
    }
}
