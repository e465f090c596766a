//! Times, ages and hours of a log and of a command line are read, and are the same when written again.

use jiff::tz::TimeZone;
use openclaw_sec::audit::times::{TimeContext, age, asked};
use openclaw_sec::settings::{hours, nearest, position};

use super::support::now;

/// A text.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let utc = context(TimeZone::UTC);
    for context in [&utc, &context(TimeZone::fixed(jiff::tz::offset(-7)))] {
        if let Some(time) = context.value(&text) {
            assert_eq!(context.value(&time.to_string()), Some(time), "{text:?}");
        }
        if let Some((time, length)) = context.leading(&text) {
            assert!(text.is_char_boundary(length), "{text:?} at {length}");
            assert!(length > 0 && length <= text.len());
            assert_eq!(context.value(&time.to_string()), Some(time), "{text:?}");
        }
        // An age may reach back to years that nobody writes.
        if let Some(time) = asked(&text, context).filter(|time| time.as_second() > 0) {
            assert_eq!(asked(&time.to_string(), context), Some(time), "{text:?}");
        }
    }
    if let Some(age) = age(&text) {
        assert!(!age.is_negative(), "{text:?} is {age}");
    }
    if let Some((first, last)) = hours(&text) {
        assert!(first <= 24 && last <= 24, "{text:?}");
    }
    let _ = nearest(&text, ["count", "window_s"]);
    for at in 0..=data.len().min(40) {
        let (line, column) = position(&text, at);
        assert!(line >= 1 && column >= 1);
    }
}

fn context(zone: TimeZone) -> TimeContext {
    TimeContext { zone, now: now() }
}
