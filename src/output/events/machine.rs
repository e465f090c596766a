//! `openclaw-sec/event/1`, `openclaw-sec/alert/1` and OCSF 1.6, one object a line.

use std::io::{self, Write};

use base64::Engine as _;
use jiff::Timestamp;
use openclaw_sec::audit::detect::{Alert, MOST_EVIDENCE};
use openclaw_sec::audit::event::{Event, Kind, Outcome};
use openclaw_sec::audit::reading::{SourceLine, without_line_end};
use openclaw_sec::foreign_text::is_harmful;

use super::digits::{bytes_like, odd_bytes, put_number, write_address, write_number, write_time};

/// Writes one event of `openclaw-sec/event/1`.
pub fn event_json(out: &mut Vec<u8>, event: &Event<'_>, line: &SourceLine<'_>) -> io::Result<()> {
    out.write_all(b"{\"schema\":\"openclaw-sec/event/1\",\"time\":")?;
    time(out, event.time)?;
    out.write_all(b",\"kind\":\"")?;
    out.write_all(event.kind().word().as_bytes())?;
    out.write_all(b"\"")?;
    member(out, "action", event.action.as_deref())?;
    member(out, "outcome", event.outcome.map(Outcome::word))?;
    member(out, "level", event.level.map(|level| level.word()))?;
    member(out, "user", event.user.as_deref())?;
    match event.ip {
        Some(ip) => {
            out.write_all(b",\"ip\":\"")?;
            write_address(out, ip)?;
            out.write_all(b"\"")?;
        }
        None => out.write_all(b",\"ip\":null")?,
    }
    member(out, "user_agent", event.user_agent.as_deref())?;
    member(out, "request_id", event.request_id.as_deref())?;
    member(out, "message", event.message.as_deref())?;
    if event.count > 1 {
        write!(out, ",\"count\":{}", event.count)?;
    }
    out.write_all(b",\"source\":{\"file\":")?;
    string(out, line.file)?;
    match line.number {
        Some(number) => {
            out.write_all(b",\"line\":")?;
            write_number(out, number)?;
        }
        None => out.write_all(b",\"line\":null")?,
    }
    out.write_all(b",\"offset\":")?;
    write_number(out, line.offset)?;
    out.write_all(b"},\"raw\":")?;
    string(out, line.text)?;
    if !line.is_text {
        let bytes = without_line_end(line.bytes);
        let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
        write!(out, ",\"raw_base64\":\"{encoded}\"")?;
    }
    if line.is_truncated {
        out.write_all(b",\"raw_truncated\":true")?;
    }
    out.write_all(b"}\n")
}

/// Writes one alert of `openclaw-sec/alert/1`.
pub fn alert_json(out: &mut Vec<u8>, alert: &Alert) -> io::Result<()> {
    out.write_all(b"{\"schema\":\"openclaw-sec/alert/1\",\"time\":")?;
    time(out, alert.time)?;
    member(out, "detector", Some(alert.detector))?;
    member(out, "severity", Some(alert.severity.word()))?;
    member(out, "subject", Some(&alert.subject))?;
    out.write_all(b",\"count\":")?;
    write_number(out, alert.count)?;
    out.write_all(b",\"window_s\":")?;
    write_number(out, alert.window_s)?;
    member(out, "message", Some(&alert.message))?;
    out.write_all(b",\"evidence\":[")?;
    numbers(out, &alert.evidence);
    out.write_all(b"]}\n")
}

/// Numbers with commas between them, written together.
fn numbers(out: &mut Vec<u8>, numbers: &[u64]) {
    const MOST: usize = MOST_EVIDENCE;
    let mut block = [0; 21 * MOST];
    for (round, some) in numbers.chunks(MOST).enumerate() {
        let mut end = 0;
        for number in some {
            block[end] = b',';
            if let Some(place) = block[end + 1..].first_chunk_mut() {
                end += 1 + put_number(place, *number);
            }
        }
        out.extend_from_slice(&block[usize::from(round == 0)..end]);
    }
}

/// Writes one event as OCSF 1.6: Authentication (3002), API Activity (6003) or Base Event (0).
pub fn event_ocsf(out: &mut Vec<u8>, event: &Event<'_>, line: &SourceLine<'_>) -> io::Result<()> {
    let (class, category, activity) = match event.kind() {
        Kind::Auth => (3002, 3, 1),
        Kind::Access | Kind::RateLimit => (6003, 6, 0),
        Kind::Error | Kind::Other => (0, 0, 0),
    };
    let status = match event.outcome {
        Some(Outcome::Success) => 1,
        Some(Outcome::Failure) => 2,
        None => 0,
    };
    write!(
        out,
        "{{\"class_uid\":{class},\"category_uid\":{category},\"activity_id\":{activity},\"type_uid\":{},\"severity_id\":{},\"status_id\":{status}",
        class * 100 + activity,
        severity(event),
    )?;
    // OCSF wants a time; without one 0 says that nothing is known.
    write!(
        out,
        ",\"time\":{}",
        event.time.map_or(0, |time| time.as_millisecond())
    )?;
    out.write_all(b",\"metadata\":{\"version\":\"1.6.0\",\"product\":{\"name\":\"openclaw-sec\",\"vendor_name\":\"openclaw-sec\",\"version\":")?;
    string(out, env!("CARGO_PKG_VERSION"))?;
    out.write_all(b"},\"log_name\":")?;
    string(out, line.file)?;
    out.write_all(b"}")?;
    if let Some(ip) = event.ip {
        write!(out, ",\"src_endpoint\":{{\"ip\":\"{ip}\"}}")?;
    }
    if let Some(user) = event.user.as_deref() {
        out.write_all(b",\"user\":{\"name\":")?;
        string(out, user)?;
        out.write_all(b"}")?;
    }
    if let Some(agent) = event.user_agent.as_deref() {
        out.write_all(b",\"http_request\":{\"user_agent\":")?;
        string(out, agent)?;
        out.write_all(b"}")?;
    }
    if event.count > 1 {
        write!(out, ",\"count\":{}", event.count)?;
    }
    if let Some(message) = event.message.as_deref().or(event.action.as_deref()) {
        out.write_all(b",\"message\":")?;
        string(out, message)?;
    }
    if let Some(reason) = event.reason.as_deref() {
        out.write_all(b",\"status_detail\":")?;
        string(out, reason)?;
    }
    out.write_all(b",\"raw_data\":")?;
    string(out, line.text)?;
    out.write_all(b"}\n")
}

fn severity(event: &Event<'_>) -> u8 {
    use openclaw_sec::audit::event::Level;
    match (event.level, event.outcome) {
        (Some(Level::Fatal), _) => 6,
        (Some(Level::Error), _) => 4,
        (_, Some(Outcome::Failure)) | (Some(Level::Warn), _) => 3,
        _ => 1,
    }
}

fn member(out: &mut Vec<u8>, name: &str, text: Option<&str>) -> io::Result<()> {
    out.write_all(b",\"")?;
    out.write_all(name.as_bytes())?;
    out.write_all(b"\":")?;
    match text {
        Some(text) => string(out, text),
        None => out.write_all(b"null"),
    }
}

fn time(out: &mut Vec<u8>, time: Option<Timestamp>) -> io::Result<()> {
    let Some(time) = time else {
        return out.write_all(b"null");
    };
    out.write_all(b"\"")?;
    write_time(out, time)?;
    out.write_all(b"\"")
}

/// A JSON string in which no control, bidi or zero-width character stands for itself.
fn string(out: &mut Vec<u8>, text: &str) -> io::Result<()> {
    let bytes = text.as_bytes();
    // Where there is room for one more step, nobody needs to look for it.
    let mut block = [0; BLOCK + STEP];
    block[0] = b'"';
    let (mut at, mut end) = (0, 1);
    while at < bytes.len() {
        if end >= BLOCK {
            out.extend_from_slice(&block[..end]);
            end = 0;
        }
        // Eight bytes at once, up to the first that does not stand for itself.
        if let (Some(word), Some(place)) = (
            bytes[at..].first_chunk::<8>(),
            block[end..].first_chunk_mut(),
        ) {
            *place = *word;
            let number = u64::from_le_bytes(*word);
            let marks = odd_bytes(number) | bytes_like(number, b'"') | bytes_like(number, b'\\');
            let plain = (marks.trailing_zeros() / 8) as usize;
            at += plain;
            end += plain;
            if marks == 0 {
                continue;
            }
        }
        match bytes[at] {
            mark @ (b'"' | b'\\') => {
                block[end] = b'\\';
                block[end + 1] = mark;
                end += 2;
                at += 1;
            }
            plain @ b' '..=b'~' => {
                block[end] = plain;
                end += 1;
                at += 1;
            }
            _ => {
                out.extend_from_slice(&block[..end]);
                end = 0;
                at += odd_character(out, &text[at..])?;
            }
        }
    }
    block[end] = b'"';
    out.extend_from_slice(&block[..=end]);
    Ok(())
}

/// How much of a text is put together before it is written, in bytes.
const BLOCK: usize = 240;
/// What one step adds at most: eight plain bytes and a mark with its backslash.
const STEP: usize = 16;

fn odd_character(out: &mut Vec<u8>, text: &str) -> io::Result<usize> {
    let Some(odd) = text.chars().next() else {
        return Ok(0);
    };
    let length = odd.len_utf8();
    if is_harmful(odd) {
        escape(out, odd)?;
    } else {
        out.extend_from_slice(&text.as_bytes()[..length]);
    }
    Ok(length)
}

fn escape(out: &mut Vec<u8>, character: char) -> io::Result<()> {
    match character {
        '\n' => out.write_all(b"\\n"),
        '\r' => out.write_all(b"\\r"),
        '\t' => out.write_all(b"\\t"),
        other => {
            let mut units = [0; 2];
            for unit in other.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}")?;
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_text_is_read_back_as_it_was(text in "([ -~]{0,12}|[\"\\\\\\x00-\\x1f\\x7f]|\\PC{0,3}|[\u{80}-\u{9f}\u{200b}\u{202e}\u{feff}]){0,12}") {
            let mut out = Vec::new();
            string(&mut out, &text).unwrap();
            let out = String::from_utf8(out).unwrap();
            proptest::prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
            proptest::prop_assert!(!out.chars().any(is_harmful), "{}", out);
        }
    }

    #[test]
    fn any_number_of_numbers_is_written_with_commas() {
        for count in [0, 1, 2, 32, 33, 100] {
            let all: Vec<u64> = (0..count).map(|number| u64::MAX >> (number % 64)).collect();
            let mut out = Vec::new();
            numbers(&mut out, &all);
            let expected: Vec<String> = all.iter().map(u64::to_string).collect();
            assert_eq!(String::from_utf8(out).unwrap(), expected.join(","));
        }
    }

    #[test]
    fn strings_are_json_and_harmless() {
        for text in [
            "plain",
            "q\"b\\n\nr\r",
            "\u{1b}[31m\u{0}\u{9b}",
            "a\u{202e}b\u{200b}",
            "ünï✓😀",
            "\u{e0001}",
        ] {
            let mut out = Vec::new();
            string(&mut out, text).unwrap();
            let out = String::from_utf8(out).unwrap();
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
            assert!(!out.chars().any(is_harmful), "{out}");
        }
    }
}
