//! `openclaw-sec/event/1`, `openclaw-sec/alert/1` and OCSF 1.6, one object a line.

use std::io::{self, Write};
use std::net::IpAddr;

use base64::Engine as _;
use openclaw_sec::audit::detect::Alert;
use openclaw_sec::audit::event::{Event, Kind, Level, Outcome};
use openclaw_sec::audit::reading::{SourceLine, without_line_end};
use openclaw_sec::foreign_text::is_harmful;
use openclaw_sec::report::Severity;
use wide::u8x16;

use super::block::{Block, Piece, Row, SHORT};
use super::digits::{UtcTimes, push_ipv4, push_number};

/// Makes objects of `openclaw-sec/event/1`; it remembers the minute and the file it wrote last.
#[derive(Default)]
pub struct JsonLines {
    times: UtcTimes,
    file: String,
    /// That file's members before the number of the line.
    source: Vec<u8>,
}

impl JsonLines {
    /// Writes one event.
    pub fn event(&mut self, block: &mut Block, event: &Event<'_>, line: &SourceLine<'_>) {
        match event.time {
            Some(time) => {
                block.push_constant(b"{\"schema\":\"openclaw-sec/event/1\",\"time\":\"");
                self.times.write(block, time);
                block.push_constant(b"\"");
            }
            None => block.push_constant(b"{\"schema\":\"openclaw-sec/event/1\",\"time\":null"),
        }
        block.push_piece(&KINDS[event.kind() as usize]);
        text_or_null(block, event.action.as_deref());
        let mut row = Row::new(block);
        row.piece(match event.outcome {
            Some(outcome) => &OUTCOMES[outcome as usize],
            None => &NO_OUTCOME,
        });
        row.piece(match event.level {
            Some(level) => &LEVELS[level as usize],
            None => &NO_LEVEL,
        });
        let end = row.end;
        block.advance(end);
        text_or_null(block, event.user.as_deref());
        let mut row = Row::new(block);
        match event.ip {
            Some(address) => {
                row.constant(b",\"ip\":\"");
                match address {
                    IpAddr::V4(address) => push_ipv4(&mut row, address),
                    IpAddr::V6(_) => row.piece(&Piece::<48>::new(address.to_string().as_bytes())),
                }
                row.constant(b"\",\"user_agent\":");
            }
            None => row.constant(b",\"ip\":null,\"user_agent\":"),
        }
        let end = row.end;
        block.advance(end);
        text_or_null(block, event.user_agent.as_deref());
        block.push_constant(b",\"request_id\":");
        text_or_null(block, event.request_id.as_deref());
        block.push_constant(b",\"message\":");
        text_or_null(block, event.message.as_deref());
        if event.count > 1 {
            // Writing to a block cannot fail, here and below.
            let _ = write!(block, ",\"count\":{}", event.count);
        }
        self.place(block, line);
        text(block, line.text);
        if !line.is_text {
            let bytes = without_line_end(line.bytes);
            let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
            let _ = write!(block, ",\"raw_base64\":\"{encoded}\"");
        }
        if line.is_truncated {
            block.push(b",\"raw_truncated\":true");
        }
        block.push_constant(b"}\n");
    }

    /// Writes one alert of `openclaw-sec/alert/1`.
    pub fn alert(&mut self, block: &mut Block, alert: &Alert) {
        match alert.time {
            Some(time) => {
                block.push_constant(b"{\"schema\":\"openclaw-sec/alert/1\",\"time\":\"");
                self.times.write(block, time);
                block.push_constant(b"\",\"detector\":\"");
            }
            None => block.push_constant(
                b"{\"schema\":\"openclaw-sec/alert/1\",\"time\":null,\"detector\":\"",
            ),
        }
        block.push(alert.detector.as_bytes());
        block.push_piece(&SEVERITIES[alert.severity as usize]);
        text(block, &alert.subject);
        let mut row = Row::new(block);
        row.constant(b",\"count\":");
        push_number(&mut row, alert.count);
        row.constant(b",\"window_s\":");
        push_number(&mut row, alert.window_s);
        row.constant(b",\"message\":");
        let end = row.end;
        block.advance(end);
        text(block, &alert.message);
        block.push_constant(b",\"evidence\":[");
        numbers(block, &alert.evidence);
        block.push_constant(b"]}\n");
    }

    #[inline]
    fn place(&mut self, block: &mut Block, line: &SourceLine<'_>) {
        if self.source.is_empty() || self.file != line.file {
            self.begin_file(line.file);
        }
        block.push(&self.source);
        let mut row = Row::new(block);
        match line.number {
            Some(number) => push_number(&mut row, number),
            None => row.constant(b"null"),
        }
        row.constant(b",\"offset\":");
        push_number(&mut row, line.offset);
        row.constant(b"},\"raw\":");
        let end = row.end;
        block.advance(end);
    }

    #[cold]
    fn begin_file(&mut self, file: &str) {
        file.clone_into(&mut self.file);
        let mut block = Block::default();
        block.push(b",\"source\":{\"file\":");
        text(&mut block, file);
        block.push(b",\"line\":");
        self.source = block.written().to_vec();
    }
}

/// What follows the time, by kind.
const KINDS: [Piece<40>; Kind::ALL.len()] = {
    const fn kind(rest: &str) -> Piece<40> {
        Piece::new(rest.as_bytes())
    }
    [
        kind(",\"kind\":\"auth\",\"action\":"),
        kind(",\"kind\":\"rate-limit\",\"action\":"),
        kind(",\"kind\":\"access\",\"action\":"),
        kind(",\"kind\":\"error\",\"action\":"),
        kind(",\"kind\":\"other\",\"action\":"),
    ]
};
/// What follows the action, by outcome.
const OUTCOMES: [Piece<24>; 2] = [
    Piece::new(b",\"outcome\":\"success\""),
    Piece::new(b",\"outcome\":\"failure\""),
];
const NO_OUTCOME: Piece<24> = Piece::new(b",\"outcome\":null");
/// What follows the outcome, by level.
const LEVELS: [Piece<24>; Level::ALL.len()] = [
    Piece::new(b",\"level\":\"trace\",\"user\":"),
    Piece::new(b",\"level\":\"debug\",\"user\":"),
    Piece::new(b",\"level\":\"info\",\"user\":"),
    Piece::new(b",\"level\":\"warn\",\"user\":"),
    Piece::new(b",\"level\":\"error\",\"user\":"),
    Piece::new(b",\"level\":\"fatal\",\"user\":"),
];
const NO_LEVEL: Piece<24> = Piece::new(b",\"level\":null,\"user\":");

/// What follows the detector, by severity.
const SEVERITIES: [Piece<40>; Severity::WORST_FIRST.len()] = [
    Piece::new(b"\",\"severity\":\"low\",\"subject\":"),
    Piece::new(b"\",\"severity\":\"medium\",\"subject\":"),
    Piece::new(b"\",\"severity\":\"high\",\"subject\":"),
    Piece::new(b"\",\"severity\":\"critical\",\"subject\":"),
];

/// Numbers with commas between them.
fn numbers(block: &mut Block, numbers: &[u64]) {
    let mut is_first = true;
    // Four with their commas are 84 bytes at most.
    for four in numbers.chunks(4) {
        let mut row = Row::new(block);
        for number in four {
            if !std::mem::take(&mut is_first) {
                row.constant(b",");
            }
            push_number(&mut row, *number);
        }
        let end = row.end;
        block.advance(end);
    }
}

/// Writes one event as OCSF 1.6: Authentication (3002), API Activity (6003) or Base Event (0).
pub fn event_ocsf(out: &mut Block, event: &Event<'_>, line: &SourceLine<'_>) -> io::Result<()> {
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
    match (event.level, event.outcome) {
        (Some(Level::Fatal), _) => 6,
        (Some(Level::Error), _) => 4,
        (_, Some(Outcome::Failure)) | (Some(Level::Warn), _) => 3,
        _ => 1,
    }
}

fn string(out: &mut Block, string: &str) -> io::Result<()> {
    text(out, string);
    Ok(())
}

#[inline]
fn text_or_null(block: &mut Block, string: Option<&str>) {
    match string {
        Some(string) => text(block, string),
        None => block.push_constant(b"null"),
    }
}

/// How much of a text is looked at at once, in bytes.
const STEP: usize = 16;

/// A JSON string in which no control, bidi or zero-width character stands for itself.
fn text(block: &mut Block, text: &str) {
    let bytes = text.as_bytes();
    if bytes.len() <= SHORT && block.push_quoted_if_plain(bytes) {
        return;
    }
    block.push_constant(b"\"");
    let mut at = 0;
    loop {
        at += escape_steps(block, &bytes[at..]);
        let rest = &bytes[at..];
        if rest.is_empty() || (rest.len() < 2 * STEP && escape_rest(block, rest)) {
            break;
        }
        at += odd_text(block, &text[at..], 2 * STEP);
    }
    block.push_constant(b"\"");
}

/// Writes steps with backslashes before their marks, up to the first that needs another look or has
/// not another behind it, and returns how many bytes they were.
#[inline(never)]
fn escape_steps(block: &mut Block, bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(bytes) = bytes[at..].first_chunk() {
        let step = Step::of(bytes);
        if !step.is_printable {
            break;
        }
        let end = step.put(block.room(), 0);
        block.advance(end);
        at += STEP;
    }
    at
}

/// Writes less than two steps in the same way; false where they need another look and nothing was
/// written.
#[inline(never)]
fn escape_rest(block: &mut Block, rest: &[u8]) -> bool {
    let mut bytes = [b' '; 3 * STEP];
    bytes[..rest.len()].copy_from_slice(rest);
    let second = bytes[STEP..].first_chunk();
    let (Some(first), Some(second)) = (bytes.first_chunk(), second) else {
        return false;
    };
    let (first, second) = (Step::of(first), Step::of(second));
    if !first.is_printable || !second.is_printable {
        return false;
    }
    let room = block.room();
    let end = first.put(room, 0);
    let end = second.put(room, end);
    // Nothing was put before a blank behind the rest.
    block.advance(end + rest.len() - 2 * STEP);
    true
}

/// Sixteen bytes, and those behind them.
struct Step<'b> {
    bytes: &'b [u8; 2 * STEP],
    /// Bit n is set where byte n needs a backslash.
    marks: u32,
    is_printable: bool,
}

impl<'b> Step<'b> {
    #[inline(always)]
    fn of(bytes: &'b [u8; 2 * STEP]) -> Self {
        let step = u8x16::new(*bytes.first_chunk().expect("16 of 32"));
        let is = |byte: u8| step.simd_eq(u8x16::splat(byte));
        let printable = step.max(u8x16::splat(b' ')).min(u8x16::splat(b'~'));
        Self {
            bytes,
            marks: (is(b'"') | is(b'\\')).to_bitmask(),
            is_printable: step.simd_eq(printable).to_bitmask() == 0xffff,
        }
    }

    /// Puts the step at `end` of a room, with a backslash before each of its marks, and returns the
    /// new end. Two steps and their backslashes take 64 bytes.
    #[inline(always)]
    fn put(&self, room: &mut [u8; 96], end: usize) -> usize {
        let mut end = end;
        let whole: &[u8; STEP] = self.bytes.first_chunk().expect("16 of 32");
        *room[end & 63..].first_chunk_mut().expect("16 of 33") = *whole;
        let mut marks = self.marks;
        while marks != 0 {
            let from = marks.trailing_zeros() as usize & (STEP - 1);
            let place = (end + from) & 63;
            let rest: &[u8; STEP] = self.bytes[from..].first_chunk().expect("16 of 17");
            room[place] = b'\\';
            *room[place + 1..].first_chunk_mut().expect("16 of 32") = *rest;
            end += 1;
            marks &= marks - 1;
        }
        end + STEP
    }
}

/// The same, character by character, for as many bytes or a few more; returns how many they were.
#[cold]
fn odd_text(block: &mut Block, text: &str, length: usize) -> usize {
    let mut taken = 0;
    for character in text.chars() {
        if taken >= length {
            break;
        }
        taken += character.len_utf8();
        match character {
            '"' => block.push_constant(b"\\\""),
            '\\' => block.push_constant(b"\\\\"),
            '\n' => block.push_constant(b"\\n"),
            '\r' => block.push_constant(b"\\r"),
            '\t' => block.push_constant(b"\\t"),
            harmful if is_harmful(harmful) => {
                for unit in harmful.encode_utf16(&mut [0; 2]) {
                    // Writing to a block cannot fail.
                    let _ = write!(block, "\\u{unit:04x}");
                }
            }
            plain => {
                let width = plain.encode_utf8(block.room::<4>()).len();
                block.advance(width);
            }
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_text_is_read_back_as_it_was(text in "([ -~]{0,12}|[\"\\\\\\x00-\\x1f\\x7f]|\\PC{0,3}|[\u{80}-\u{9f}\u{200b}\u{202e}\u{feff}]){0,12}") {
            let mut out = Block::default();
            string(&mut out, &text).unwrap();
            let out = String::from_utf8(out.written().to_vec()).unwrap();
            proptest::prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
            proptest::prop_assert!(!out.chars().any(is_harmful), "{}", out);
        }
    }

    #[test]
    fn any_number_of_numbers_is_written_with_commas() {
        for count in [0, 1, 2, 32, 33, 100] {
            let all: Vec<u64> = (0..count).map(|number| u64::MAX >> (number % 64)).collect();
            let mut out = Block::default();
            numbers(&mut out, &all);
            let expected: Vec<String> = all.iter().map(u64::to_string).collect();
            assert_eq!(out.written(), expected.join(",").as_bytes());
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
            let mut out = Block::default();
            string(&mut out, text).unwrap();
            let out = String::from_utf8(out.written().to_vec()).unwrap();
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
            assert!(!out.chars().any(is_harmful), "{out}");
        }
    }
}
