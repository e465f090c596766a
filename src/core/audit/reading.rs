//! From chunks of bytes to what is shown: secrets replaced, lines recognised, filtered, counted.

use std::borrow::Cow;
use std::io;
use std::rc::Rc;

use memchr::memchr_iter;

use super::assemble::{Chunk, Part};
use super::detect::{Alert, Detectors};
use super::event::Event;
use super::filter::{Carry, Filter, Prefilter};
use super::recognise::{Recogniser, Wanted};
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
struct Place<'f> {
    file: &'f str,
    offset: u64,
    number: Option<u64>,
    is_truncated: bool,
}

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
    carry: Carry,
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
        let wanted = if detectors.is_some() || needs.fields {
            Wanted::ALL
        } else {
            let counts = statistics.is_some();
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
            carry: Carry::default(),
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
        self.carry = Carry::default();
        if let Some(detectors) = &mut self.detectors {
            detectors.begin_log(log);
        }
    }

    /// The next lines belong to `log`, which goes on where it stopped.
    pub fn begin_file_again(&mut self, log: &str) {
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
                self.long_line.is_shown = self.line(&cleaned, &place, shown_from, show)?;
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
                self.line(&self.secrets.replace(line), &place, shown_from, show)?;
            } else {
                self.line(line, &place, shown_from, show)?;
            }
            number = number.map(|number| number + 1);
        }
        if end < chunk.bytes.len() {
            self.carry.pass_over();
        }
        Ok(())
    }

    fn line(
        &mut self,
        bytes: &[u8],
        place: &Place<'_>,
        shown_from: u64,
        show: &mut dyn Show,
    ) -> io::Result<bool> {
        let content = without_line_end(bytes);
        let (text, is_text) = match std::str::from_utf8(content) {
            Ok(text) => (Cow::Borrowed(text), true),
            Err(_) => (String::from_utf8_lossy(content), false),
        };
        let event = self.recogniser.read(&text, self.wanted);
        let passes = self.carry.keeps(&self.filter, &event, content);
        let is_shown = passes && place.offset >= shown_from;
        if is_shown {
            if let Some(statistics) = &mut self.statistics {
                statistics.count(&event);
            }
            if self.shows_events {
                let source = SourceLine {
                    file: place.file,
                    number: place.number,
                    offset: place.offset,
                    bytes,
                    text: &text,
                    is_text,
                    is_truncated: place.is_truncated,
                };
                show.event(&event, &source)?;
            }
        }
        if let Some(detectors) = &mut self.detectors {
            for alert in detectors.observe(&event, place.offset) {
                show.alert(&alert)?;
            }
        }
        Ok(is_shown && self.shows_events)
    }

    /// Counts the events of whole lines that pass, without showing or remembering anything.
    pub fn count(&mut self, bytes: &[u8], mut each: impl FnMut(usize)) {
        let mut carry = Carry::default();
        let prefilter = if self.secrets.is_empty() {
            Rc::clone(&self.prefilter)
        } else {
            Rc::default()
        };
        for candidate in prefilter.over(bytes) {
            if candidate.passed_over < candidate.line.start {
                carry.pass_over();
            }
            let line = self.secrets.replace(&bytes[candidate.line.clone()]);
            let content = without_line_end(&line);
            let text = String::from_utf8_lossy(content);
            let event = self.recogniser.read(&text, self.wanted);
            if carry.keeps(&self.filter, &event, content) {
                each(candidate.line.start);
            }
        }
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
