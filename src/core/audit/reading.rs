//! From chunks of bytes to what is shown: secrets replaced, lines recognised, filtered, counted.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;

use memchr::memchr_iter;

use super::assemble::{Chunk, Part};
use super::backward::Counted;
use super::detect::{Alert, Detectors};
use super::event::Event;
use super::filter::{Carry, Filter, Prefilter};
use super::recognise::{Draft, Recogniser, Wanted};
use super::secrets::EnvSecrets;
use super::statistics::Statistics;

/// How much of a line that is too long is shown, in bytes.
const BEGINNING: usize = 64 << 10;

/// Where an event was read.
#[derive(Debug)]
pub struct SourceLine<'l> {
    /// The file, as it is shown; `-` for stdin.
    pub file: &'l str,
    /// Its number in the file, where lines were counted.
    pub number: Option<u64>,
    /// The offset of its first byte.
    pub offset: u64,
    /// The bytes with their line end; secrets are replaced.
    pub bytes: &'l [u8],
    /// The text without the line end.
    pub text: &'l str,
    /// Whether the bytes are the text.
    pub is_text: bool,
    /// Whether this is only the beginning of a line.
    pub is_truncated: bool,
}

/// Where a line stands.
#[derive(Default)]
struct Place<'f> {
    file: &'f str,
    offset: u64,
    number: Option<u64>,
    is_truncated: bool,
}

/// A line as it stands and as it is read.
#[derive(Default)]
struct Line<'c> {
    /// Without its line end.
    text: &'c str,
    /// With it.
    bytes: &'c [u8],
    /// Whether the bytes are the text.
    is_text: bool,
}

impl<'c> Line<'c> {
    /// A line with its line end that is text.
    #[inline]
    fn of(line: &'c str) -> Self {
        let text = line.strip_suffix('\n').unwrap_or(line);
        Self {
            text: text.strip_suffix('\r').unwrap_or(text),
            bytes: line.as_bytes(),
            is_text: true,
        }
    }
}

/// A line that was read and that nobody has looked at yet.
#[derive(Default)]
struct Waiting<'c> {
    event: Event<'c>,
    line: Line<'c>,
    place: Place<'c>,
}

/// Lines that are read before detectors look at the first of them: one kind of work after the other, so
/// that its code stays in the cache.
const AT_ONCE: usize = 64;

/// What becomes of the results.
pub trait Show {
    /// One event that passed the filters.
    ///
    /// # Errors
    /// When it cannot be written.
    fn event(&mut self, event: &Event<'_>, line: &SourceLine<'_>) -> io::Result<()>;

    /// More bytes of a line that is too long for an event.
    ///
    /// # Errors
    /// When they cannot be written.
    fn more(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// A detector fired.
    ///
    /// # Errors
    /// When it cannot be written.
    fn alert(&mut self, alert: &Alert) -> io::Result<()>;
}

/// Everything that one run does with lines.
pub struct Reading {
    recogniser: Recogniser,
    filter: Filter,
    prefilter: Rc<Prefilter>,
    secrets: EnvSecrets,
    wanted: Wanted,
    /// The log at hand, and where it stands.
    log: Box<str>,
    carry: Carry,
    /// Whether files before this one had a time, and a line without any before it.
    had: (bool, bool),
    /// Where the other logs stand.
    carries: HashMap<Box<str>, Carry>,
    shows_events: bool,
    /// Detectors, where they were asked for.
    pub detectors: Option<Detectors>,
    /// Counts, where they were asked for.
    pub statistics: Option<Statistics>,
    long_line: LongLine,
}

#[derive(Default)]
struct LongLine {
    is_shown: bool,
    held: Vec<u8>,
}

/// What a run needs of each event.
#[derive(Debug, Clone, Copy)]
pub struct Needs {
    /// Events are printed with all they say.
    pub fields: bool,
    /// Events are printed at all.
    pub events: bool,
}

impl Reading {
    /// A reading with these parts.
    pub fn new(
        recogniser: Recogniser,
        filter: Filter,
        secrets: EnvSecrets,
        detectors: Option<Detectors>,
        statistics: Option<Statistics>,
        needs: Needs,
    ) -> Self {
        let wanted = if needs.fields {
            Wanted::ALL
        } else {
            let counts = statistics.is_some() || detectors.is_some();
            Wanted {
                time: counts || filter.needs_time(),
                who: counts || filter.needs_who(),
                meaning: counts || filter.needs_meaning(),
                texts: false,
            }
        };
        let prefilter = if detectors.is_some() {
            Prefilter::default()
        } else {
            filter.prefilter()
        };
        Self {
            wanted,
            prefilter: Rc::new(prefilter),
            recogniser,
            filter,
            secrets,
            log: Box::default(),
            carry: Carry::default(),
            had: (false, false),
            carries: HashMap::new(),
            shows_events: needs.events,
            detectors,
            statistics,
            long_line: LongLine::default(),
        }
    }

    /// Where a filter's events may be counted without showing them.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The present moved on.
    pub fn set_now(&mut self, now: jiff::Timestamp) {
        self.recogniser.set_now(now);
    }

    /// Another file begins, a part of `log`: its first lines do not belong to the last line of the
    /// one before.
    pub fn begin_file(&mut self, log: &str) {
        self.begin_file_again(log);
        self.note_times(self.carry);
        self.carry = Carry::default();
    }

    /// Keeps in mind what a file had of times.
    fn note_times(&mut self, carry: Carry) {
        self.had.0 |= carry.has_time();
        self.had.1 |= carry.has_timeless();
    }

    /// Whether lines were dropped because `--since` asks for times and none of all lines had one.
    pub fn lacks_times(&mut self) -> bool {
        self.note_times(self.carry);
        let others: Vec<Carry> = self.carries.values().copied().collect();
        others.into_iter().for_each(|carry| self.note_times(carry));
        self.had == (false, true)
    }

    /// The next lines belong to `log`, which goes on where it stopped.
    pub fn begin_file_again(&mut self, log: &str) {
        if *self.log != *log {
            let next = self.carries.remove(log).unwrap_or_default();
            let before = std::mem::replace(&mut self.log, log.into());
            let left = std::mem::replace(&mut self.carry, next);
            self.carries.insert(before, left);
        }
        if let Some(detectors) = &mut self.detectors {
            detectors.begin_log(log);
        }
    }

    /// Whether every byte goes through as it is, so that nobody needs to look at lines.
    pub fn is_transparent(&self) -> bool {
        self.shows_events
            && self.filter.is_open()
            && self.secrets.is_empty()
            && self.detectors.is_none()
            && self.statistics.is_none()
            && self.wanted == Wanted::LEVEL
    }

    /// The bytes with their secrets replaced.
    pub fn cleaned<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        self.secrets.replace(bytes)
    }

    /// Takes a chunk of `file`. Events that begin before `shown_from` are seen but not shown.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn take(
        &mut self,
        chunk: &Chunk<'_>,
        file: &str,
        shown_from: u64,
        show: &mut dyn Show,
    ) -> io::Result<()> {
        match chunk.part {
            Part::Lines => self.lines(chunk, file, shown_from, show),
            Part::Beginning => {
                let end = safe_cut(chunk.bytes, BEGINNING.min(chunk.bytes.len()), &self.secrets);
                let cleaned = self.secrets.replace(&chunk.bytes[..end]).into_owned();
                let place = Place {
                    file,
                    offset: chunk.offset,
                    number: chunk.line,
                    is_truncated: true,
                };
                self.long_line.is_shown =
                    self.line(&cleaned, &mut Draft::default(), &place, shown_from, show)?;
                self.long_line.held.clear();
                self.piece(&chunk.bytes[end..], false, show)
            }
            Part::Middle => self.piece(chunk.bytes, false, show),
            Part::End => self.piece(chunk.bytes, true, show),
        }
    }

    fn piece(&mut self, bytes: &[u8], is_last: bool, show: &mut dyn Show) -> io::Result<()> {
        if !self.long_line.is_shown {
            return Ok(());
        }
        let mut data = std::mem::take(&mut self.long_line.held);
        data.extend_from_slice(bytes);
        let end = if is_last {
            data.len()
        } else {
            let keep = self.secrets.longest();
            safe_cut(&data, data.len().saturating_sub(keep), &self.secrets)
        };
        show.more(&self.secrets.replace(&data[..end]))?;
        self.long_line.held = data.split_off(end);
        Ok(())
    }

    fn lines(
        &mut self,
        chunk: &Chunk<'_>,
        file: &str,
        shown_from: u64,
        show: &mut dyn Show,
    ) -> io::Result<()> {
        let has_secrets = !self.secrets.is_empty() && !self.secrets.find(chunk.bytes).is_empty();
        // What stands in the place of a secret may be what is looked for.
        let prefilter = if has_secrets {
            Rc::default()
        } else {
            Rc::clone(&self.prefilter)
        };
        // Where every line is looked at, one look at all tells whether they are text.
        let all = if has_secrets || !prefilter.is_open() {
            None
        } else {
            std::str::from_utf8(chunk.bytes).ok()
        };
        let mut draft = Draft::default();
        let mut waiting: Vec<Waiting<'_>> = Vec::new();
        let mut waiting_count = 0;
        let mut number = chunk.line;
        let mut end = 0;
        for candidate in prefilter.over(chunk.bytes) {
            if candidate.passed_over < candidate.line.start {
                let skipped = &chunk.bytes[candidate.passed_over..candidate.line.start];
                number = number.map(|number| number + memchr_iter(b'\n', skipped).count() as u64);
                self.carry.pass_over();
            }
            end = candidate.line.end;
            let line = &chunk.bytes[candidate.line.clone()];
            let place = Place {
                file,
                offset: chunk.offset + candidate.line.start as u64,
                number,
                is_truncated: false,
            };
            if has_secrets {
                let line = self.secrets.replace(line).into_owned();
                self.line(&line, &mut Draft::default(), &place, shown_from, show)?;
            } else if let Some(text) = all.and_then(|all| all.get(candidate.line)) {
                if self.detectors.is_none() {
                    self.text(text, &mut draft, &place, shown_from, show)?;
                } else {
                    if waiting_count == AT_ONCE {
                        self.judge_waiting(&mut waiting, shown_from, show)?;
                        waiting_count = 0;
                    }
                    if waiting.len() == waiting_count {
                        waiting.push(Waiting::default());
                    }
                    let next = &mut waiting[waiting_count];
                    waiting_count += 1;
                    next.line = Line::of(text);
                    next.place = place;
                    let text = next.line.text;
                    self.recogniser
                        .read_into(&mut draft, text, self.wanted, &mut next.event);
                }
            } else {
                self.line(line, &mut draft, &place, shown_from, show)?;
            }
            number = number.map(|number| number + 1);
        }
        self.judge_waiting(&mut waiting[..waiting_count], shown_from, show)?;
        if end < chunk.bytes.len() {
            self.carry.pass_over();
        }
        Ok(())
    }

    /// Lines that wait, because there are detectors.
    fn judge_waiting(
        &mut self,
        waiting: &mut [Waiting<'_>],
        shown_from: u64,
        show: &mut dyn Show,
    ) -> io::Result<()> {
        for waiting in waiting {
            let Waiting { event, line, place } = waiting;
            self.hide_secrets(event);
            self.judge(event, line, place, shown_from, show)?;
            self.watch(event, place, show)?;
            *event = Event::default();
        }
        Ok(())
    }

    fn line<'c>(
        &mut self,
        bytes: &'c [u8],
        draft: &mut Draft<'c>,
        place: &Place<'_>,
        shown_from: u64,
        show: &mut dyn Show,
    ) -> io::Result<bool> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(text, draft, place, shown_from, show),
            Err(_) => {
                let text = String::from_utf8_lossy(without_line_end(bytes));
                let mut event = self.recogniser.read(&text, self.wanted);
                self.hide_secrets(&mut event);
                let line = Line {
                    text: &text,
                    bytes,
                    is_text: false,
                };
                let is_shown = self.judge(&event, &line, place, shown_from, show)?;
                self.watch(&event, place, show)?;
                Ok(is_shown)
            }
        }
    }

    /// A line with its line end that is text.
    #[inline]
    fn text<'c>(
        &mut self,
        line: &'c str,
        draft: &mut Draft<'c>,
        place: &Place<'_>,
        shown_from: u64,
        show: &mut dyn Show,
    ) -> io::Result<bool> {
        let line = Line::of(line);
        let text = line.text;
        if self.detectors.is_none() && self.carry.is_outside() && self.is_outside(text, draft) {
            return Ok(false);
        }
        let mut event = Event::default();
        self.recogniser
            .read_into(draft, text, self.wanted, &mut event);
        self.hide_secrets(&mut event);
        let is_shown = self.judge(&event, &line, place, shown_from, show)?;
        self.watch(&event, place, show)?;
        Ok(is_shown)
    }

    /// Hides secrets in texts that do not stand in the line as they are: the journal may keep a message as
    /// a list of bytes, and a colour may stand inside of a name.
    fn hide_secrets(&self, event: &mut Event<'_>) {
        if self.secrets.is_empty() {
            return;
        }
        let texts = [
            &mut event.message,
            &mut event.user,
            &mut event.key,
            &mut event.action,
            &mut event.reason,
            &mut event.user_agent,
            &mut event.request_id,
        ];
        for text in texts.into_iter().flatten() {
            if let Cow::Owned(made) = text
                && let Cow::Owned(cleaned) = self.secrets.replace(made.as_bytes())
            {
                *made = String::from_utf8_lossy(&cleaned).into_owned();
            }
        }
    }

    /// Has detectors look at an event.
    fn watch(
        &mut self,
        event: &Event<'_>,
        place: &Place<'_>,
        show: &mut dyn Show,
    ) -> io::Result<()> {
        if let Some(detectors) = &mut self.detectors {
            for alert in detectors.observe(event, place.offset) {
                show.alert(alert)?;
            }
        }
        Ok(())
    }

    /// Shows an event that passes the filters.
    fn judge(
        &mut self,
        event: &Event<'_>,
        line: &Line<'_>,
        place: &Place<'_>,
        shown_from: u64,
        show: &mut dyn Show,
    ) -> io::Result<bool> {
        let is_shown =
            self.carry.keeps(&self.filter, event, line.bytes) && place.offset >= shown_from;
        if is_shown {
            if let Some(statistics) = &mut self.statistics {
                statistics.count(event);
            }
            if self.shows_events {
                let source = SourceLine {
                    file: place.file,
                    number: place.number,
                    offset: place.offset,
                    bytes: line.bytes,
                    text: line.text,
                    is_text: line.is_text,
                    is_truncated: place.is_truncated,
                };
                show.event(event, &source)?;
            }
        }
        Ok(is_shown && self.shows_events)
    }

    /// Whether a line behind one that was too old or too new is so, too: then nothing but its time
    /// needs to be read.
    fn is_outside<'c>(&mut self, text: &'c str, draft: &mut Draft<'c>) -> bool {
        let mut event = Event::default();
        self.recogniser
            .read_into(draft, text, Wanted::TIME, &mut event);
        event.time.is_some_and(|time| !self.filter.spans(time))
    }

    /// Takes lines that [`Reading::count`] chose: they are shown whatever the filters say of them
    /// alone, and detectors have seen them.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn take_chosen(
        &mut self,
        chunk: &Chunk<'_>,
        file: &str,
        show: &mut dyn Show,
    ) -> io::Result<()> {
        let filter = std::mem::take(&mut self.filter);
        let prefilter = std::mem::take(&mut self.prefilter);
        let detectors = self.detectors.take();
        self.carry = Carry::default();
        let taken = self.take(chunk, file, 0, show);
        (self.filter, self.prefilter, self.detectors) = (filter, prefilter, detectors);
        taken
    }

    /// Counts the events of whole lines that pass, without showing anything. Where `is_known` says
    /// that `carry` is what the line before left, every line counts; else those before the first one
    /// that decides for itself do not. Returns where that one begins.
    pub fn count(
        &mut self,
        bytes: &[u8],
        carry: &mut Carry,
        is_known: bool,
        mut each: impl FnMut(Counted),
    ) -> usize {
        let mut context = is_known.then_some(0);
        let mut known = context;
        let mut end = 0;
        let prefilter = if self.secrets.is_empty() {
            Rc::clone(&self.prefilter)
        } else {
            Rc::default()
        };
        for candidate in prefilter.over(bytes) {
            if candidate.passed_over < candidate.line.start {
                carry.pass_over();
                context = Some(candidate.passed_over);
            }
            end = candidate.line.end;
            let line = self.secrets.replace(&bytes[candidate.line.clone()]);
            let content = without_line_end(&line);
            let text = String::from_utf8_lossy(content);
            let event = self.recogniser.read(&text, self.wanted);
            if self.filter.decides(&event) {
                context = Some(candidate.line.start);
            }
            known = known.or(context);
            let keeps = carry.keeps(&self.filter, &event, &line);
            if let Some(context) = context.filter(|_| keeps) {
                each((candidate.line.start, context));
            }
        }
        if end < bytes.len() {
            carry.pass_over();
        }
        self.note_times(*carry);
        known.unwrap_or(end)
    }

    /// Takes note of lines that come right before the first one that is shown: it may belong to them.
    pub fn prime(&mut self, bytes: &[u8]) {
        let mut carry = Carry::default();
        self.count(bytes, &mut carry, true, |_| {});
        self.carry = carry;
    }
}

/// The line without its LF or CRLF.
pub fn without_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// A place near `end` where neither a secret nor a character is cut.
fn safe_cut(bytes: &[u8], end: usize, secrets: &EnvSecrets) -> usize {
    let mut end = end;
    while end > 0 && end < bytes.len() && (bytes[end] & 0xc0) == 0x80 {
        end -= 1;
    }
    if secrets.is_empty() {
        return end;
    }
    // A secret that begins before the cut ends at most its own length behind it.
    let from = end.saturating_sub(2 * secrets.longest());
    let to = (end + secrets.longest()).min(bytes.len());
    secrets
        .find(&bytes[from..to])
        .into_iter()
        .map(|found| found.start + from..found.end + from)
        .find(|found| found.contains(&end))
        .map_or(end, |found| found.end)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::audit::address::{TrustedProxies, parse_network};
    use crate::audit::event::{Kind, Outcome};
    use crate::audit::times::TimeContext;
    use crate::env_file::EnvFile;
    use crate::state::StateDir;
    use crate::world::World;

    /// Offsets and numbers of the lines that were shown.
    #[derive(Default, Debug, PartialEq)]
    struct Shown(Vec<(u64, Option<u64>, Vec<u8>)>);

    impl Show for Shown {
        fn event(&mut self, _: &Event<'_>, line: &SourceLine<'_>) -> io::Result<()> {
            self.0.push((line.offset, line.number, line.bytes.to_vec()));
            Ok(())
        }

        fn more(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }

        fn alert(&mut self, _: &Alert) -> io::Result<()> {
            Ok(())
        }
    }

    fn reading(filter: &Filter, needs_fields: bool) -> Reading {
        let context = TimeContext::of_tests();
        let needs = Needs {
            fields: needs_fields,
            events: true,
        };
        Reading::new(
            Recogniser::new(context, TrustedProxies::parse("127.0.0.1")),
            filter.clone(),
            EnvSecrets::default(),
            None,
            None,
            needs,
        )
    }

    /// What is shown of `text` when it is read in two blocks.
    fn shown(mut reading: Reading, text: &str, cut: usize) -> Shown {
        let cut = text[..cut].rfind('\n').map_or(0, |newline| newline + 1);
        let mut shown = Shown::default();
        let mut line = 1;
        for (at, part) in [(0, &text[..cut]), (cut, &text[cut..])] {
            let chunk = Chunk {
                bytes: part.as_bytes(),
                offset: at as u64,
                line: Some(line),
                part: Part::Lines,
            };
            reading.take(&chunk, "a", 0, &mut shown).unwrap();
            line += part.matches('\n').count() as u64;
        }
        shown
    }

    const LINES: &[&str] = &[
        r#"{"time":"2026-11-20T10:00:02Z","event":"login","outcome":"failure","user":"mia","ip":"192.0.2.1"}"#,
        r#"{"time":"2026-11-20T11:00:02Z","event":"login","outcome":"success","user":"root","ip":"192.0.2.9"}"#,
        r#"{"event":"error","level":"error","user":"mia","ip":"0:0:0:0:0:FfFf:c000:201"}"#,
        r#"{"event":"denied","user":"m\u0069a","ip":"192\u002e0.2.1"}"#,
        r#"{"event":"denied","user":"mia.x","ip":"[::ffff:192.0.2.1]:80"}"#,
        "Nov 20 10:00:02 bot sshd[3]: Failed password for mia from 192.0.2.1 port 22 ssh2",
        "    at frame (mia.js:1:2)",
        "\tat frame without anything",
        "\u{feff}  at a marked frame",
        "\u{feff}{\"user\":\"mia\"}",
        "plain text about 192.0.2.1 and mia",
        "plain text",
        "192.0.2.1 - mia [20/Nov/2026:10:00:02 +0000] \"GET /login HTTP/1.1\" 401 1 \"-\" \"x\"",
        "",
        "\r",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn nothing_is_passed_over_that_would_be_shown(
            lines in proptest::collection::vec(select(LINES), 0..12),
            ends_with_newline: bool,
            cut in any::<proptest::sample::Index>(),
            network in proptest::option::of(select(&["192.0.2.1", "192.0.2.0/24", "192.0.2.77"][..])),
            user in proptest::option::of(select(&["mia", "mia.x", "x"][..])),
            kind in proptest::option::of(select(&[Kind::Auth, Kind::Other][..])),
            outcome in proptest::option::of(select(&[Outcome::Failure, Outcome::Success][..])),
            since in proptest::option::of(select(&["2026-11-20T10:30:00Z", "2020-01-01T00:00:00Z"][..])),
            needs_fields: bool,
        ) {
            let mut text = lines.join("\n");
            if ends_with_newline {
                text.push('\n');
            }
            let mut cut = cut.index(text.len() + 1);
            while !text.is_char_boundary(cut) {
                cut -= 1;
            }
            let filter = Filter {
                networks: network.and_then(parse_network).into_iter().collect(),
                users: user.map(ToOwned::to_owned).into_iter().collect(),
                kinds: kind.into_iter().collect(),
                outcomes: outcome.into_iter().collect(),
                since: since.map(|since| since.parse().unwrap()),
                ..Filter::default()
            };
            let quick = shown(reading(&filter, needs_fields), &text, cut);
            let mut slow = reading(&filter, true);
            slow.prefilter = Rc::default();
            slow.wanted = Wanted::ALL;
            let slow = shown(slow, &text, 0);
            prop_assert_eq!(quick, slow);
        }
    }

    #[test]
    fn a_stack_belongs_to_the_last_line_of_its_own_log() {
        let filter = Filter {
            kinds: vec![Kind::Error],
            ..Filter::default()
        };
        let mut reading = reading(&filter, true);
        let mut shown = Shown::default();
        for (log, text) in [
            ("a", "{\"level\":\"error\",\"message\":\"broken\"}\n"),
            ("b", "{\"level\":\"info\",\"message\":\"fine\"}\n"),
            ("a", "    at the frame of a\n"),
            ("b", "    at the frame of b\n"),
        ] {
            reading.begin_file_again(log);
            let chunk = Chunk {
                bytes: text.as_bytes(),
                offset: 0,
                line: None,
                part: Part::Lines,
            };
            reading.take(&chunk, log, 0, &mut shown).unwrap();
        }
        let lines = shown.0.into_iter().map(|(_, _, line)| line);
        let lines: Vec<String> = lines
            .map(|line| String::from_utf8_lossy(&line).into_owned())
            .collect();
        assert_eq!(
            lines,
            [
                "{\"level\":\"error\",\"message\":\"broken\"}\n",
                "    at the frame of a\n"
            ]
        );
    }

    /// Where each alert was told, as the number of lines shown before it.
    #[derive(Default)]
    struct Told {
        lines: usize,
        alerts: Vec<usize>,
    }

    impl Show for Told {
        fn event(&mut self, _: &Event<'_>, _: &SourceLine<'_>) -> io::Result<()> {
            self.lines += 1;
            Ok(())
        }

        fn more(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }

        fn alert(&mut self, _: &Alert) -> io::Result<()> {
            self.alerts.push(self.lines);
            Ok(())
        }
    }

    #[test]
    fn an_alert_is_told_once_behind_its_line_in_blocks_that_are_text_or_not() {
        let line = |second: usize, user: &[u8]| {
            let start = format!(r#"{{"time":"2026-11-20T10:00:{second:02}Z","event":"login","#);
            let end = br#"","outcome":"failure","ip":"192.0.2.1"}"#;
            [start.as_bytes(), br#""user":""#, user, end, b"\n"].concat()
        };
        for users in [
            [&b"mia"[..], b"mia"],
            [b"m\xff", b"mia"],
            [b"mia", b"m\xff"],
        ] {
            let mut reading = reading(&Filter::default(), true);
            reading.detectors = Some(Detectors::new(
                Default::default(),
                TrustedProxies::parse(""),
                TimeZone::UTC,
            ));
            let mut told = Told::default();
            for (block, user) in users.into_iter().enumerate() {
                let lines: Vec<u8> = (0..5).flat_map(|n| line(5 * block + n, user)).collect();
                let chunk = Chunk {
                    bytes: &lines,
                    offset: 0,
                    line: None,
                    part: Part::Lines,
                };
                reading.take(&chunk, "a", 0, &mut told).unwrap();
            }
            assert_eq!(told.alerts, [5], "{users:?}");
        }
    }

    #[test]
    fn a_secret_that_the_journal_keeps_as_bytes_is_hidden_in_the_message() {
        /// What is shown of messages.
        #[derive(Default)]
        struct Messages(String);

        impl Show for Messages {
            fn event(&mut self, event: &Event<'_>, _: &SourceLine<'_>) -> io::Result<()> {
                self.0.push_str(event.message.as_deref().unwrap_or("-"));
                Ok(())
            }

            fn more(&mut self, _: &[u8]) -> io::Result<()> {
                Ok(())
            }

            fn alert(&mut self, _: &Alert) -> io::Result<()> {
                Ok(())
            }
        }

        let secret: String = (0..24).map(|at| char::from(b'a' + at * 7 % 26)).collect();
        let base = tempfile::tempdir().unwrap();
        let fingerprints = StateDir::locate(Some(base.path()), &World::real())
            .unwrap()
            .fingerprints()
            .unwrap();
        let file = EnvFile::parse(format!("API_KEY={secret}\n"));
        let message = format!("\x1b[31mkey\x1b[0m {secret} is refused");
        let line = serde_json::json!({
            "SYSLOG_IDENTIFIER": "bot",
            "PRIORITY": "4",
            "MESSAGE": message.as_bytes(),
        });
        let mut reading = reading(&Filter::default(), true);
        reading.secrets = EnvSecrets::of(&file, &fingerprints);
        let mut shown = Messages::default();
        let bytes = format!("{line}\n").into_bytes();
        let chunk = Chunk {
            bytes: &bytes,
            offset: 0,
            line: Some(1),
            part: Part::Lines,
        };
        reading.take(&chunk, "a.log", 0, &mut shown).unwrap();
        assert!(shown.0.contains("sha256:"), "{}", shown.0);
        assert!(!shown.0.contains(&secret));
    }
}
