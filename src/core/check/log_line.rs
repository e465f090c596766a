//! Whether a line that an endpoint serves is an event of a log.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::audit::address::TrustedProxies;
use crate::audit::recognise::{Recogniser, Wanted};
use crate::audit::times::TimeContext;

/// Whether `line` has the shape of a structured event and a time that `audit-tail` reads. Prose and
/// HTML have none, whatever they mention.
pub fn is_structured_event(line: &str) -> bool {
    let is_shaped =
        line.starts_with('{') || line.starts_with("CEF:") || is_pairs(line) || is_access(line);
    let context = TimeContext {
        zone: TimeZone::UTC,
        now: Timestamp::UNIX_EPOCH,
    };
    let read = |line| {
        Recogniser::new(context, TrustedProxies::default())
            .read(line, Wanted::TIME)
            .time
    };
    is_shaped && read(line).is_some()
}

/// `level=info …`: a name and its value come first.
fn is_pairs(line: &str) -> bool {
    let is_name = |character: char| character.is_ascii_alphanumeric() || "_.-@".contains(character);
    line.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(is_name))
}

/// `192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 5`.
fn is_access(line: &str) -> bool {
    let mut words = line.split(' ');
    let has_time = words.nth(3).is_some_and(|word| word.starts_with('['));
    has_time && line.contains("] \"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structured_lines_with_a_time_are_events_and_pages_are_none() {
        for (line, expected) in [
            ("level=info ts=2026-06-01T00:00:00Z msg=login", true),
            (
                "CEF:0|a|b|1|login|User login|5|rt=1780272000000 src=192.0.2.1",
                true,
            ),
            (
                "192.0.2.1 - mia [01/Jun/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl\"",
                true,
            ),
            (
                r#"{"0":"login","_meta":{"date":"2026-06-01T00:00:00.000Z","logLevelName":"INFO"}}"#,
                true,
            ),
            ("level=info msg=login", false),
            (r#"{"ok":true}"#, false),
            ("<p>level=info ts=2026-06-01T00:00:00Z", false),
            (
                "<meta name=\"date\" content=\"2026-06-01T00:00:00Z\">",
                false,
            ),
            (
                "the log was last written at time=2026-06-01T00:00:00Z",
                false,
            ),
            ("A user logged in on 2026-06-01 at 12:00:00", false),
            ("WEB_API_KEY=made-up", false),
            ("not found", false),
            ("", false),
        ] {
            assert_eq!(is_structured_event(line), expected, "{line}");
        }
    }
}
