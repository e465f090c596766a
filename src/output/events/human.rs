//! One event, one aligned line, complete without colour; alerts stand out.

use std::borrow::Cow;
use std::io::Write as _;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use openclaw_sec::audit::answers::Answers;
use openclaw_sec::audit::detect::Alert;
use openclaw_sec::audit::event::{Event, Kind, Level, Outcome};
use openclaw_sec::audit::reading::SourceLine;
use openclaw_sec::foreign_text::is_harmful;
use openclaw_sec::report::Severity;

use super::super::Tone;
use super::block::{Block, Piece, Row, SHORT, is_printable_ascii};
use super::digits::{is_within_minute, push_ipv4, two_digits};

/// Columns of the line that names a day.
const DAY_LINE: usize = 70;

/// Gives a text without keys, or nothing where there are none.
pub type Hide = Box<dyn Fn(&str) -> Option<String>>;

/// What stands before and behind a text to colour it.
pub struct Paints {
    pairs: Vec<(Tone, String, String)>,
}

impl Paints {
    /// Asks `tint` once for every tone.
    pub fn new(tint: impl Fn(Tone, &str) -> String) -> Self {
        let tones = [
            Tone::Good,
            Tone::Bad,
            Tone::Warning,
            Tone::Muted,
            Tone::Strong,
        ];
        let pairs = tones
            .into_iter()
            .map(|tone| {
                let tinted = tint(tone, "|");
                let (before, after) = tinted.split_once('|').unwrap_or(("", ""));
                (tone, before.to_owned(), after.to_owned())
            })
            .collect();
        Self { pairs }
    }

    /// What stands before and behind a text.
    fn around(&self, tone: Tone) -> (&str, &str) {
        let pair = self.pairs.iter().find(|(known, _, _)| *known == tone);
        pair.map_or(("", ""), |(_, before, after)| (before, after))
    }
}

/// A shorter text never holds a key, in bytes: nobody asks [`Hide`] about it.
pub const SHORTEST_KEY: usize = 16;
const _: () = assert!(SHORTEST_KEY <= SHORT, "what is shorter is written at once");

/// What becomes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    /// It is written as it is.
    Plain,
    /// It may have power over a terminal.
    Odd,
    /// It holds a key.
    Secret,
}

/// Makes lines for people; it remembers the day and the minute it wrote last.
pub struct HumanLines {
    zone: TimeZone,
    paints: Paints,
    /// Badge and kind in their columns, by [`badge`] and kind.
    beginnings: Vec<[Piece<48>; Kind::ALL.len()]>,
    names_files: bool,
    day: Option<jiff::civil::Date>,
    /// The first second of the minute that was written last.
    minute: i64,
    /// The time of day at that second.
    clock: [u8; 8],
    hide: Hide,
    natures: Answers<Nature>,
}

impl HumanLines {
    /// Lines with times in `zone`. `hide` gives a text without keys, or nothing where there are none.
    pub fn new(zone: TimeZone, paints: Paints, names_files: bool, hide: Hide) -> Self {
        Self {
            beginnings: BADGES.map(|badge| beginnings(&paints, badge)).into(),
            zone,
            paints,
            names_files,
            day: None,
            // No time is within a minute of it.
            minute: i64::MIN,
            clock: [b' '; 8],
            hide,
            natures: Answers::default(),
        }
    }

    /// Writes one event.
    pub fn event(&mut self, block: &mut Block, event: &Event<'_>, line: &SourceLine<'_>) {
        let second = event.time.map(|time| {
            let second = time.as_second();
            if !is_within_minute(second, self.minute) {
                self.begin_minute(block, time);
            }
            // Zones of whole minutes share their seconds with UTC.
            two_digits(second.wrapping_sub(self.minute).unsigned_abs())
        });
        let mut row = Row::new(block);
        let clock: &mut [u8; 8] = row.next();
        match second {
            Some([tens, units]) => {
                *clock = self.clock;
                (clock[6], clock[7]) = (tens, units);
            }
            None => *clock = [b' '; 8],
        }
        row.end = clock.len();
        row.piece(&self.beginnings[badge(event)][event.kind() as usize]);
        let start = row.end;
        match event.ip {
            Some(IpAddr::V4(address)) => push_ipv4(&mut row, address),
            Some(address) => row.piece(&Piece::<48>::new(address.to_string().as_bytes())),
            None => row.constant(b"-"),
        }
        row.pad(row.end - start, 18);
        let end = row.end;
        block.advance(end);
        let width = self.text(block, event.user.as_deref().unwrap_or("-"));
        block.pad(width, 10);
        if self.names_files {
            self.text(block, short_name(line.file));
            block.push_constant(b"  ");
        }
        self.tail(block, event, line);
        block.push_constant(b"\n");
    }

    #[inline]
    fn tail(&mut self, block: &mut Block, event: &Event<'_>, line: &SourceLine<'_>) {
        let mut last = "";
        for part in [&event.action, &event.message, &event.reason] {
            let Some(part) = part.as_deref() else {
                continue;
            };
            if part.is_empty() || part == last {
                continue;
            }
            if !last.is_empty() {
                block.push_constant(b"  ");
            }
            last = part;
            self.text(block, part);
        }
        if last.is_empty() {
            self.text(block, line.text);
        }
        if event.count > 1 {
            // Writing to a block cannot fail.
            let _ = write!(block, "  ×{}", event.count);
        }
        if line.is_truncated {
            block.push(" …".as_bytes());
        }
    }

    /// Writes one alert.
    pub fn alert(&self, block: &mut Block, alert: &Alert) {
        let tone = if alert.severity >= Severity::High {
            Tone::Bad
        } else {
            Tone::Warning
        };
        let (before, after) = self.paints.around(tone);
        block.push(before.as_bytes());
        self.write_alert(block, alert);
        block.push(after.as_bytes());
        block.push_constant(b"\n");
    }

    /// The text without keys.
    pub fn without_keys<'t>(&self, text: &'t str) -> Cow<'t, str> {
        (self.hide)(text).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// An alert in one line.
    pub fn plain_alert(&self, out: &mut Block, alert: &Alert) {
        self.write_alert(out, alert);
        out.push(b"\n");
    }

    fn write_alert(&self, text: &mut Block, alert: &Alert) {
        text.push("▲ ".as_bytes());
        text.push(alert.severity.word().to_ascii_uppercase().as_bytes());
        text.push(b" ");
        text.push(alert.detector.as_bytes());
        text.push(b" ");
        write_in_columns(text, &self.without_keys(&alert.subject));
        text.push(b": ");
        write_in_columns(text, &alert.message);
        let mut mark = b" (";
        if let Some(first) = alert.first {
            let first = self.zone.to_datetime(first).time();
            text.push(b" (first ");
            for (number, behind) in [(first.hour(), b":"), (first.minute(), b":")] {
                text.push(&two_digits(u64::from(number.unsigned_abs())));
                text.push(behind);
            }
            text.push(&two_digits(u64::from(first.second().unsigned_abs())));
            mark = b", ";
        }
        if !alert.others.is_empty() {
            let what: &[u8] = match alert.detector {
                "credential-stuffing" | "new-address" => b"from ",
                "success-after-failures" => b"with ",
                _ => b"users ",
            };
            text.push(mark);
            text.push(what);
            write_in_columns(text, &self.without_keys(&alert.others));
        }
        if alert.first.is_some() || !alert.others.is_empty() {
            text.push(b")");
        }
    }

    #[cold]
    fn begin_minute(&mut self, block: &mut Block, time: Timestamp) {
        let local = time.to_zoned_datetime(self.zone.clone());
        if self.day != Some(local.date()) {
            self.day = Some(local.date());
            self.day_line(block, &local);
        }
        let number = |number: i8| two_digits(u64::from(number.unsigned_abs()));
        let ([a, b], [c, d]) = (number(local.hour()), number(local.minute()));
        self.clock = [a, b, b':', c, d, b':', b'0', b'0'];
        let second = time.as_second();
        self.minute = second - second.rem_euclid(60);
    }

    fn day_line(&self, block: &mut Block, local: &jiff::ZonedDateTime) {
        let zone = match self.zone.iana_name() {
            Some(name) => name.strip_prefix("Etc/").unwrap_or(name).to_owned(),
            None => local.strftime("%Z").to_string(),
        };
        let text = format!("── {} ({zone}) ", local.strftime("%A %Y-%m-%d"));
        let rest = DAY_LINE.saturating_sub(text.chars().count());
        let (before, after) = self.paints.around(Tone::Muted);
        // Writing to a block cannot fail.
        let _ = writeln!(block, "{before}{text}{:─<rest$}{after}", "");
    }

    /// Writes foreign text without its power and without keys, and returns its columns.
    #[inline(always)]
    fn text(&mut self, block: &mut Block, text: &str) -> usize {
        let bytes = text.as_bytes();
        if bytes.len() < SHORTEST_KEY && block.push_if_printable(bytes) {
            return bytes.len();
        }
        self.other_text(block, text)
    }

    #[inline(never)]
    fn other_text(&mut self, block: &mut Block, text: &str) -> usize {
        let bytes = text.as_bytes();
        if bytes.len() < SHORTEST_KEY {
            return write_in_columns(block, text);
        }
        let nature = |text: &str| {
            if (self.hide)(text).is_some() {
                Nature::Secret
            } else if is_printable_ascii(text.as_bytes()) {
                Nature::Plain
            } else {
                Nature::Odd
            }
        };
        match self.natures.recall(text, nature) {
            Nature::Plain => {
                block.push(bytes);
                bytes.len()
            }
            Nature::Odd => write_in_columns(block, text),
            Nature::Secret => {
                let hidden = (self.hide)(text);
                write_in_columns(block, hidden.as_deref().unwrap_or(text))
            }
        }
    }
}

/// What a line is marked with.
const BADGES: [(&str, Tone); 6] = [
    ("LIMIT", Tone::Warning),
    ("ERROR", Tone::Bad),
    ("FAIL", Tone::Bad),
    ("OK", Tone::Good),
    ("WARN", Tone::Warning),
    ("-", Tone::Muted),
];

/// The place of an event's badge among them.
#[inline]
fn badge(event: &Event<'_>) -> usize {
    match (event.kind(), event.outcome) {
        (Kind::RateLimit, _) => 0,
        (Kind::Error, _) => 1,
        (_, Some(Outcome::Failure)) => 2,
        (_, Some(Outcome::Success)) => 3,
        (_, None) if event.level == Some(Level::Warn) => 4,
        (_, None) => 5,
    }
}

/// A badge with each kind behind it.
fn beginnings(paints: &Paints, badge: (&str, Tone)) -> [Piece<48>; Kind::ALL.len()] {
    let (badge, tone) = badge;
    Kind::ALL.map(|kind| {
        let (before, after) = paints.around(tone);
        let blanks = 6_usize.saturating_sub(badge.len()).max(1);
        let kind = kind.word();
        let text = format!("  {before}{badge}{after}{:blanks$}{kind:<12}", "");
        // The marks of a colour take 11 bytes at most.
        Piece::new(text.as_bytes())
    })
}

fn short_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// Foreign text for columns, with escapes such as `\x1b` and `\u{202e}`. Unlike
/// `foreign_text::harmless` it writes ASCII's control characters as short as logs do (`\x1b` for
/// `\u{1b}`).
pub fn in_columns(text: &str) -> String {
    let mut block = Block::default();
    write_in_columns(&mut block, text);
    String::from_utf8_lossy(block.written()).into_owned()
}

/// The same into a block; says how many characters of the text it was, an escape being one.
fn write_in_columns(block: &mut Block, text: &str) -> usize {
    let bytes = text.as_bytes();
    if is_printable_ascii(bytes) {
        block.push(bytes);
        return bytes.len();
    }
    let mut columns = 0;
    for character in text.chars() {
        match character {
            '\n' => block.push_constant(b"\\n"),
            '\r' => block.push_constant(b"\\r"),
            '\t' => block.push_constant(b"\\t"),
            // Writing to a block cannot fail.
            control if u32::from(control) < 0x80 && control.is_control() => {
                let _ = write!(block, "\\x{:02x}", u32::from(control));
            }
            harmful if is_harmful(harmful) => {
                let _ = write!(block, "\\u{{{:x}}}", u32::from(harmful));
            }
            good => {
                let length = good.encode_utf8(block.room::<4>()).len();
                block.advance(length);
            }
        }
        columns += 1;
    }
    columns
}
