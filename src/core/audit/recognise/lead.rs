//! What loggers put in front of a text: a time, a level, names.

use jiff::Timestamp;

use super::super::event::Level;
use super::super::times::TimeContext;

/// `ERROR`, `[error]`, `error:` at the beginning of a text.
pub fn leading_level(text: &str) -> Option<(Level, &str)> {
    let start = text.trim_start_matches(['[', '<', '(', ' ']);
    let end = start
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(start.len());
    let word = &start[..end];
    let level = Level::from_word(word)?;
    let after = &start[end..];
    let is_marked = word.len() > 2
        && (start.len() < text.len()
            || after.starts_with(':')
            || word.bytes().all(|b| b.is_ascii_uppercase()));
    // "Error" may begin a sentence; "ERROR" and "error:" are a level.
    is_marked.then(|| {
        (
            level,
            after.trim_start_matches([']', '>', ')', ':', ' ', '\t', '|', '-']),
        )
    })
}

/// The level behind what loggers put between it and the time: a zone, a process or a thread, the name of
/// the logger. `UTC [99] ERROR: …`, `app - ERROR - …`, `8 [ERROR] [MY-010119] …`, `[main] ERROR …`
pub fn level_behind_names(text: &str) -> Option<Level> {
    /// At most this many words stand there.
    const MOST: usize = 4;
    let mut has_name = false;
    for word in text
        .split([' ', '\t'])
        .filter(|word| !word.is_empty())
        .take(MOST)
    {
        let inside = word.trim_matches(['[', ']', '(', ')', '<', '>', ':', '|']);
        let is_loud = inside.len() > 2 && inside.bytes().all(|byte| byte.is_ascii_uppercase());
        if is_loud && let Some(level) = Level::from_word(inside) {
            return Some(level);
        }
        let is_marked = !word.starts_with(|c: char| c.is_ascii_alphabetic()) || word.contains('@');
        let is_name = inside
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-@/#:".contains(&byte));
        if !is_name || (has_name && !is_marked) {
            return None;
        }
        has_name |= !is_marked;
    }
    None
}

/// What a logger says with a letter in front, and what follows it: `W, [TIME #12]  WARN -- : …` (Ruby) and
/// `W1117 10:00:02.123 12 a.go:3] …` (klog).
pub fn behind_letter<'l>(
    text: &'l str,
    context: &TimeContext,
) -> Option<(Timestamp, Level, &'l str)> {
    let (time, rest) = match text.as_bytes() {
        [b'A'..=b'Z', b',', b' ', b'[', ..] => {
            let (inside, rest) = text[4..].split_once(']')?;
            (context.leading(inside)?.0, rest)
        }
        [b'D' | b'E' | b'F' | b'I' | b'W', b'0'..=b'1', ..] => {
            let (time, used) = context.month_and_day(&text[1..])?;
            let rest = &text[1 + used..];
            (time, rest.split_once("] ").map_or(rest, |(_, rest)| rest))
        }
        _ => return None,
    };
    // Ruby's A is "any".
    let level = Level::from_word(&text[..1]).unwrap_or(Level::Info);
    Some((time, level, rest.trim_start()))
}

/// The time behind a short first word or in brackets there, and the level that such a word may be:
/// `https 2026-11-20T10:00:02Z …`, `W 2026-11-20 10:00:02 …`.
pub fn time_behind_word(text: &str, context: &TimeContext) -> Option<(Timestamp, Option<Level>)> {
    const LONGEST: usize = 16;
    let end = text
        .bytes()
        .take(LONGEST + 1)
        .position(|byte| matches!(byte, b' ' | b'\t'))?;
    let rest = text[end + 1..].trim_start_matches(['[', '(', ' ']);
    if !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (time, _) = context.leading(rest)?;
    let word = &text[..end];
    let level =
        Level::from_word(word).filter(|_| word.bytes().all(|byte| byte.is_ascii_uppercase()));
    Some((time, level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_in_front_is_the_level_and_the_time_stands_behind_it() {
        let cases = [
            (
                "W, [2026-11-17T09:00:00.123456 #12]  WARN -- : no",
                Some(("2026-11-17T09:00:00.123456Z", Level::Warn, "WARN -- : no")),
            ),
            (
                "I1117 09:00:00.123456      12 file.go:12] no",
                Some(("2026-11-17T09:00:00.123456Z", Level::Info, "no")),
            ),
            (
                "E1231 09:00:00.000000 12 file.go:12] no",
                Some(("2025-12-31T09:00:00Z", Level::Error, "no")),
            ),
            ("I1317 09:00:00.123456 12 file.go:12] no", None),
            ("I1117", None),
            ("W, [no time]", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(time, level, rest)| (time.parse().unwrap(), level, rest));
            assert_eq!(
                behind_letter(text, &TimeContext::of_tests()),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_time_may_stand_behind_a_short_word() {
        let expected = "2026-11-17T09:00:00Z".parse().unwrap();
        let cases = [
            ("https 2026-11-17T09:00:00Z app/x", Some((expected, None))),
            ("app[12]: [2026-11-17 09:00:00] x", Some((expected, None))),
            (
                "W 2026-11-17 09:00:00 x] y",
                Some((expected, Some(Level::Warn))),
            ),
            ("a word that is long 2026-11-17 09:00:00", None),
            ("x y", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(
                time_behind_word(text, &TimeContext::of_tests()),
                expected,
                "{text}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}", likely in "[WI0-9é, \\[\\]:.]{0,40}") {
            for text in [text, likely] {
                for start in ["", "W, [", "I1117 09:00:00"] {
                    let line = format!("{start}{text}");
                    let _ = behind_letter(&line, &TimeContext::of_tests());
                    let _ = time_behind_word(&line, &TimeContext::of_tests());
                }
            }
        }
    }
}
