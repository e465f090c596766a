//! Where events and alerts go: stdout in the chosen format, alerts beside raw lines to stderr.

use std::io::{self, Write as _};

use openclaw_sec::audit::detect::Alert;
use openclaw_sec::audit::event::Event;
use openclaw_sec::audit::reading::{Show, SourceLine};
use openclaw_sec::audit::statistics::Span;
use openclaw_sec::key_shapes;
use openclaw_sec::order;

use super::super::{Context, Failure};
use super::alert_exec::AlertExec;
use super::plan::{Format, Plan};
use crate::output::events::{Block, HumanLines, JsonLines, Paints, SHORTEST_KEY, event_ocsf};
use crate::terminal::DataStream;

/// Writes, and counts what was written.
pub struct Shower {
    out: DataStream,
    /// What goes there next.
    block: Block,
    human: HumanLines,
    json: JsonLines,
    format: Format,
    escapes_raw: bool,
    alerts_beside: bool,
    commands: Option<AlertExec>,
    events: u64,
    alerts: u64,
    span: Span,
    pending_alerts: Block,
    /// Whether the last raw line has no end.
    is_torn: bool,
}

impl Shower {
    pub fn new(plan: &Plan, context: &mut Context<'_>) -> Result<Self, Failure> {
        let terminal = &*context.terminal;
        let paints = Paints::new(|tone, text| terminal.tint_data(tone, text));
        let names_files = plan.logs.len() > 1;
        let fingerprints = context.fingerprints();
        let hide = Box::new(move |text: &str| {
            let spans = secret_spans(text);
            (!spans.is_empty()).then(|| {
                let mut hidden = String::with_capacity(text.len());
                let mut end = 0;
                for span in spans {
                    hidden.push_str(&text[end..span.start]);
                    match &fingerprints {
                        Some(fingerprints) => {
                            hidden.push_str(&fingerprints.of(&text.as_bytes()[span.clone()]))
                        }
                        None => hidden.push_str("[redacted]"),
                    }
                    end = span.end;
                }
                hidden.push_str(&text[end..]);
                hidden
            })
        });
        let alerts_on_screen = context.terminal.stream().map_err(Failure::from)?;
        Ok(Self {
            out: alerts_on_screen,
            block: Block::default(),
            human: HumanLines::new(plan.times.zone.clone(), paints, names_files, hide),
            json: JsonLines::default(),
            format: plan.format,
            escapes_raw: plan.format == Format::Raw && context.terminal.shows_data_to_a_person(),
            alerts_beside: plan.format == Format::Raw || plan.counts,
            commands: plan
                .alert_exec
                .as_ref()
                .map(|words| AlertExec::start(words.clone(), context.world)),
            events: 0,
            alerts: 0,
            span: Span::default(),
            pending_alerts: Block::default(),
            is_torn: false,
        })
    }

    /// A text as people see it in events: keys of a provider's shape are hidden.
    pub fn without_keys(&self, text: &str) -> String {
        self.human.without_keys(text).into_owned()
    }

    /// The next bytes are those of another file: a raw line of the one before that has no end must not
    /// run into them.
    pub fn begin_file(&mut self) {
        if std::mem::take(&mut self.is_torn) {
            self.block.push(b"\n");
        }
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.note_end(bytes);
        self.hand_on()?;
        self.out.write_all(bytes)
    }

    fn note_end(&mut self, bytes: &[u8]) {
        self.is_torn = bytes.last().map_or(self.is_torn, |last| *last != b'\n');
    }

    fn hand_on(&mut self) -> io::Result<()> {
        // Whether or not it can be written, it is not written again.
        let written = self.out.write_all(self.block.written());
        self.block.clear();
        written
    }

    fn hand_on_when_full(&mut self) -> io::Result<()> {
        if self.block.is_full() {
            return self.hand_on();
        }
        Ok(())
    }

    /// Counts lines that went through without being looked at.
    pub fn count_lines(&mut self, lines: u64) {
        self.events += lines;
    }

    /// Whether raw bytes may go through as they are.
    pub fn takes_raw_bytes(&self) -> bool {
        self.format == Format::Raw && !self.escapes_raw
    }

    /// Hands out everything written so far.
    pub fn flush(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.out.flush()
    }

    /// Alerts that belong on stderr since the last call, each a line.
    pub fn take_pending_alerts(&mut self) -> String {
        let alerts = self.pending_alerts.written();
        let alerts = match std::str::from_utf8(alerts) {
            Ok(alerts) => alerts.to_owned(),
            Err(_) => String::from_utf8_lossy(alerts).into_owned(),
        };
        self.pending_alerts.clear();
        alerts
    }

    pub fn alerts(&self) -> u64 {
        self.alerts
    }

    /// Waits for the commands of `--alert-exec`, or ends them.
    pub fn end_commands(&mut self, waits: bool) {
        if let Some(commands) = &mut self.commands {
            commands.end(waits);
        }
    }

    /// What a person should know of the commands at once.
    pub fn trouble(&self) -> Option<String> {
        self.commands.as_ref().and_then(AlertExec::trouble)
    }

    /// What was not said yet when everything ends.
    pub fn last_trouble(&self) -> Option<String> {
        self.commands.as_ref().and_then(AlertExec::cannot_start)
    }

    /// What a person should know about the commands in the end.
    pub fn remarks(&self) -> Vec<String> {
        self.commands
            .as_ref()
            .map(AlertExec::remarks)
            .unwrap_or_default()
    }

    /// What was seen, in a sentence: so many events `counted`, or those that were shown.
    pub fn summary(&self, counted: Option<u64>) -> String {
        let span = self
            .span
            .ends()
            .map_or_else(String::new, |(first, last)| format!(", {first} to {last}"));
        let alerts = if self.alerts == 1 {
            "1 alert".to_owned()
        } else {
            format!("{} alerts", self.alerts)
        };
        let (events, what) = match counted {
            Some(events) => (events, "counted"),
            None => (self.events, "shown"),
        };
        format!("{events} events {what}, {alerts}{span}")
    }
}

impl Show for Shower {
    fn event(&mut self, event: &Event<'_>, line: &SourceLine<'_>) -> io::Result<()> {
        self.events += 1;
        if let Some(time) = event.time {
            self.span.add(time);
        }
        match self.format {
            Format::Human => self.human.event(&mut self.block, event, line),
            Format::Json => self.json.event(&mut self.block, event, line),
            Format::Ocsf => event_ocsf(&mut self.block, event, line)?,
            Format::Raw if self.escapes_raw => {
                let text = openclaw_sec::foreign_text::harmless(line.text);
                self.block.push(text.as_bytes());
                self.block.push(b"\n");
            }
            Format::Raw => {
                self.block.push(line.bytes);
                self.note_end(line.bytes);
            }
        }
        self.hand_on_when_full()
    }

    fn more(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.format {
            Format::Raw if !self.escapes_raw => self.write(bytes),
            _ => Ok(()),
        }
    }

    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.alerts += 1;
        if let Some(commands) = &mut self.commands {
            let mut json = Block::default();
            self.json.alert(&mut json, alert);
            commands.run(json.written().to_vec());
        }
        if self.alerts_beside {
            self.human.plain_alert(&mut self.pending_alerts, alert);
            return Ok(());
        }
        match self.format {
            Format::Human => self.human.alert(&mut self.block, alert),
            _ => self.json.alert(&mut self.block, alert),
        }
        self.hand_on_when_full()
    }
}

/// Bearer tokens and keys of a provider's shape.
fn secret_spans(text: &str) -> Vec<std::ops::Range<usize>> {
    if text.len() < SHORTEST_KEY {
        return Vec::new();
    }
    let mut spans: Vec<std::ops::Range<usize>> = key_shapes::find_all(text.as_bytes())
        .into_iter()
        .map(|(span, _)| span)
        .collect();
    for at in memchr::memchr2_iter(b'B', b'b', text.as_bytes()) {
        // Schemes are told apart in any case (RFC 9110, section 11.1).
        let start = at + "bearer ".len();
        let is_mark = text
            .get(at..start)
            .is_some_and(|mark| mark.eq_ignore_ascii_case("bearer "));
        if is_mark {
            let end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | ')');
            let rest = &text[start..];
            let length = rest.find(end).unwrap_or(rest.len());
            if length >= 8 {
                spans.push(start..start + length);
            }
        }
    }
    order::sort_by_key(&mut spans, |span| span.start);
    let mut end = 0;
    spans.retain(|span| {
        let is_apart = span.start >= end
            && text.is_char_boundary(span.start)
            && text.is_char_boundary(span.end);
        if is_apart {
            end = span.end;
        }
        is_apart
    });
    spans
}
