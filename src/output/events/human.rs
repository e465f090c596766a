//! One event, one aligned line, complete without colour; alerts stand out.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use openclaw_sec::audit::detect::Alert;
use openclaw_sec::audit::event::{Event, Kind, Level, Outcome};
use openclaw_sec::audit::memory::Memory;
use openclaw_sec::audit::reading::SourceLine;
use openclaw_sec::foreign_text::is_harmful;
use openclaw_sec::report::Severity;

use super::super::Tone;
use super::digits::{is_printable_ascii, two_digits, write_address};

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

    fn write(&self, out: &mut impl Write, tone: Tone, text: &str) -> io::Result<()> {
        let pair = self.pairs.iter().find(|(known, _, _)| *known == tone);
        match pair {
            Some((_, before, after)) => {
                out.write_all(before.as_bytes())?;
                out.write_all(text.as_bytes())?;
                out.write_all(after.as_bytes())
            }
            None => out.write_all(text.as_bytes()),
        }
    }
}

/// Makes lines for people; it remembers the day and the minute it wrote last.
pub struct HumanLines {
    zone: TimeZone,
    paints: Paints,
    names_files: bool,
    day: Option<jiff::civil::Date>,
    minute: Option<(i64, String)>,
    hide: Hide,
    /// Whether a text is free of keys.
    is_clean: Memory<bool>,
}

impl HumanLines {
    /// Lines with times in `zone`. `hide` gives a text without keys, or nothing where there are none.
    pub fn new(zone: TimeZone, paints: Paints, names_files: bool, hide: Hide) -> Self {
        Self {
            zone,
            paints,
            names_files,
            day: None,
            minute: None,
            hide,
            is_clean: Memory::default(),
        }
    }

    /// Writes one event.
    pub fn event(
        &mut self,
        out: &mut impl Write,
        event: &Event<'_>,
        line: &SourceLine<'_>,
    ) -> io::Result<()> {
        self.time(out, event.time)?;
        let (badge, tone) = badge(event);
        out.write_all(b"  ")?;
        self.paints.write(out, tone, badge)?;
        pad(out, badge.len(), 6)?;
        let kind = event.kind().word();
        out.write_all(kind.as_bytes())?;
        pad(out, kind.len(), 12)?;
        let width = match event.ip {
            Some(ip) => write_address(out, ip)?,
            None => {
                out.write_all(b"-")?;
                1
            }
        };
        pad(out, width, 18)?;
        let user = event.user.as_deref().unwrap_or("-");
        let width = self.text(out, user)?;
        pad(out, width, 10)?;
        if self.names_files {
            self.text(out, short_name(line.file))?;
            out.write_all(b"  ")?;
        }
        self.tail(out, event, line)?;
        out.write_all(b"\n")
    }

    fn tail(
        &mut self,
        out: &mut impl Write,
        event: &Event<'_>,
        line: &SourceLine<'_>,
    ) -> io::Result<()> {
        let mut is_first = true;
        let mut last = "";
        let parts = [
            event.action.as_deref(),
            event.message.as_deref(),
            event.reason.as_deref(),
        ];
        for part in parts.into_iter().flatten().filter(|part| !part.is_empty()) {
            if part == last {
                continue;
            }
            last = part;
            if !is_first {
                out.write_all(b"  ")?;
            }
            is_first = false;
            self.text(out, part)?;
        }
        if is_first {
            self.text(out, line.text)?;
        }
        if event.count > 1 {
            write!(out, "  ×{}", event.count)?;
        }
        if line.is_truncated {
            out.write_all(" …".as_bytes())?;
        }
        Ok(())
    }

    /// Writes one alert.
    pub fn alert(&self, out: &mut impl Write, alert: &Alert) -> io::Result<()> {
        let tone = if alert.severity >= Severity::High {
            Tone::Bad
        } else {
            Tone::Warning
        };
        self.paints.write(out, tone, &self.alert_text(alert))?;
        out.write_all(b"\n")
    }

    /// An alert in one line.
    pub fn alert_text(&self, alert: &Alert) -> String {
        let mut text = Vec::with_capacity(192);
        // Writing to a vector cannot fail.
        let _ = self.write_alert(&mut text, alert);
        String::from_utf8(text).unwrap_or_default()
    }

    fn write_alert(&self, text: &mut Vec<u8>, alert: &Alert) -> io::Result<()> {
        text.extend_from_slice("▲ ".as_bytes());
        text.extend(
            alert
                .severity
                .word()
                .bytes()
                .map(|byte| byte.to_ascii_uppercase()),
        );
        text.extend_from_slice(b" ");
        text.extend_from_slice(alert.detector.as_bytes());
        text.extend_from_slice(b" ");
        write_harmless(text, &alert.subject)?;
        text.extend_from_slice(b": ");
        write_harmless(text, &alert.message)?;
        let mut mark = b" (";
        if let Some(first) = alert.first {
            let first = self.zone.to_datetime(first).time();
            text.extend_from_slice(b" (first ");
            for (number, behind) in [(first.hour(), b":"), (first.minute(), b":")] {
                text.extend_from_slice(&two_digits(u64::from(number.unsigned_abs())));
                text.extend_from_slice(behind);
            }
            text.extend_from_slice(&two_digits(u64::from(first.second().unsigned_abs())));
            mark = b", ";
        }
        if !alert.others.is_empty() {
            let what: &[u8] = match alert.detector {
                "credential-stuffing" | "new-address" => b"from ",
                "success-after-failures" => b"with ",
                _ => b"users ",
            };
            text.extend_from_slice(mark);
            text.extend_from_slice(what);
            write_harmless(text, &alert.others)?;
        }
        if alert.first.is_some() || !alert.others.is_empty() {
            text.extend_from_slice(b")");
        }
        Ok(())
    }

    fn time(&mut self, out: &mut impl Write, time: Option<Timestamp>) -> io::Result<()> {
        let Some(time) = time else {
            return out.write_all(b"        ");
        };
        let second = time.as_second();
        let minute = second.div_euclid(60);
        if self
            .minute
            .as_ref()
            .is_none_or(|(known, _)| *known != minute)
        {
            let local = time.to_zoned_datetime(self.zone.clone());
            if self.day != Some(local.date()) {
                self.day = Some(local.date());
                self.day_line(out, &local)?;
            }
            self.minute = Some((minute, local.strftime("%H:%M:").to_string()));
        }
        if let Some((_, start)) = &self.minute {
            out.write_all(start.as_bytes())?;
        }
        // Zones of whole minutes share their seconds with UTC.
        out.write_all(&two_digits(second.rem_euclid(60).unsigned_abs()))
    }

    fn day_line(&self, out: &mut impl Write, local: &jiff::ZonedDateTime) -> io::Result<()> {
        let zone = match self.zone.iana_name() {
            Some(name) => name.strip_prefix("Etc/").unwrap_or(name).to_owned(),
            None => local.strftime("%Z").to_string(),
        };
        let text = format!("── {} ({zone}) ", local.strftime("%A %Y-%m-%d"));
        let rest = DAY_LINE.saturating_sub(text.chars().count());
        self.paints
            .write(out, Tone::Muted, &format!("{text}{}", "─".repeat(rest)))?;
        out.write_all(b"\n")
    }

    /// Writes foreign text without its power and without keys, and returns its columns.
    fn text(&mut self, out: &mut impl Write, text: &str) -> io::Result<usize> {
        let is_clean = |text: &str| (self.hide)(text).is_none();
        if self.is_clean.recall(text, is_clean) {
            return write_harmless(out, text);
        }
        let hidden = (self.hide)(text);
        write_harmless(out, hidden.as_deref().unwrap_or(text))
    }
}

fn badge(event: &Event<'_>) -> (&'static str, Tone) {
    match (event.kind(), event.outcome) {
        (Kind::RateLimit, _) => ("LIMIT", Tone::Warning),
        (Kind::Error, _) => ("ERROR", Tone::Bad),
        (_, Some(Outcome::Failure)) => ("FAIL", Tone::Bad),
        (_, Some(Outcome::Success)) => ("OK", Tone::Good),
        (_, None) if event.level == Some(Level::Warn) => ("WARN", Tone::Warning),
        (_, None) => ("-", Tone::Muted),
    }
}

fn short_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

fn pad(out: &mut impl Write, used: usize, width: usize) -> io::Result<()> {
    const BLANKS: &[u8] = b"                        ";
    // A field that is too long still ends before the next one begins.
    let count = width.saturating_sub(used).clamp(1, BLANKS.len());
    out.write_all(&BLANKS[..count])
}

/// Foreign text with escapes such as `\x1b` and `\u{202e}`.
pub fn harmless(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    // Writing to a vector cannot fail.
    let _ = write_harmless(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}

fn write_harmless(out: &mut impl Write, text: &str) -> io::Result<usize> {
    let bytes = text.as_bytes();
    if is_printable_ascii(bytes) {
        out.write_all(bytes)?;
        return Ok(bytes.len());
    }
    let mut columns = 0;
    for character in text.chars() {
        let mut buffer = [0; 4];
        match character {
            '\n' => out.write_all(b"\\n")?,
            '\r' => out.write_all(b"\\r")?,
            '\t' => out.write_all(b"\\t")?,
            control if u32::from(control) < 0x80 && control.is_control() => {
                write!(out, "\\x{:02x}", u32::from(control))?;
            }
            harmful if is_harmful(harmful) => write!(out, "\\u{{{:x}}}", u32::from(harmful))?,
            good => out.write_all(good.encode_utf8(&mut buffer).as_bytes())?,
        }
        columns += 1;
    }
    Ok(columns)
}
