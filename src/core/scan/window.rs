//! Reads a text of any length through a window, so that memory stays flat, and counts lines.

use std::io::{self, Read};

use super::detector::{Detector, Source};
use super::leak::Leak;

/// The window, in bytes.
pub(super) const WINDOW: usize = 512 << 10;
/// No key is longer: what begins in the last so many bytes of a window is left to the next one.
const LONGEST_KEY: usize = 40 << 10;
/// At most this many bytes before a key say what it is called.
const CONTEXT: usize = 4 << 10;
/// A NUL among this many first bytes makes a text binary.
const HEAD: usize = 8 << 10;

/// Searches texts one after another; keeps its memory between them.
pub(super) struct Reader<'d, 'r> {
    detector: &'d Detector<'r>,
    window: Window,
    scratch: Vec<u8>,
}

/// Room for [`WINDOW`] bytes, of which the first ones are filled.
#[derive(Default)]
struct Window {
    room: Vec<u8>,
    filled: usize,
}

impl Window {
    fn bytes(&self) -> &[u8] {
        &self.room[..self.filled]
    }

    /// Reads until it is full or the text ends; the room is never cleared, that would cost more
    /// than the reading. Returns the bytes read.
    fn read(&mut self, text: &mut dyn Read) -> io::Result<usize> {
        self.room.resize(WINDOW, 0);
        let before = self.filled;
        while self.filled < WINDOW {
            match text.read(&mut self.room[self.filled..]) {
                Ok(0) => break,
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.filled - before)
    }

    fn push(&mut self, text: &[u8]) {
        let end = self.filled + text.len();
        if self.room.len() < end {
            self.room.resize(end, 0);
        }
        self.room[self.filled..end].copy_from_slice(text);
        self.filled = end;
    }

    fn drop_front(&mut self, length: usize) {
        self.room.copy_within(length..self.filled, 0);
        self.filled -= length;
    }
}

/// How far a text has been searched.
#[derive(Default)]
struct Progress {
    /// Where the window begins in the text.
    offset: usize,
    /// Finds that begin earlier are known already.
    covered: usize,
    /// Line breaks before the window.
    lines: usize,
    /// Characters between the last line break and the window.
    columns: usize,
    is_binary: bool,
    encoding: Encoding,
    /// Bytes of a character that is not complete yet.
    rest: Vec<u8>,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Encoding {
    #[default]
    Bytes,
    Utf16Little,
    Utf16Big,
}

impl<'d, 'r> Reader<'d, 'r> {
    pub(super) fn new(detector: &'d Detector<'r>) -> Self {
        Self {
            detector,
            window: Window::default(),
            scratch: Vec::new(),
        }
    }

    /// Adds what stands in the text to `leaks` and returns how many bytes were read.
    ///
    /// # Errors
    /// What `text` reports; the finds so far stay.
    pub(super) fn search(
        &mut self,
        text: &mut dyn Read,
        path: Option<&[u8]>,
        shown: Option<&str>,
        leaks: &mut Vec<Leak>,
    ) -> io::Result<u64> {
        let mut progress = Progress::default();
        let mut total = 0;
        self.window.filled = 0;
        loop {
            let (read, is_end) = self.fill(text, &mut progress)?;
            total += read;
            let source = Source {
                path,
                is_binary: progress.is_binary,
            };
            let cut = match is_end {
                true => self.window.filled,
                false => self.window.filled - LONGEST_KEY,
            };
            self.report(source, shown, cut, &mut progress, leaks);
            if is_end {
                return Ok(total);
            }
            progress.drop_front(&mut self.window, cut - CONTEXT);
        }
    }

    /// Fills the window up; says whether the text ends in it.
    fn fill(&mut self, text: &mut dyn Read, progress: &mut Progress) -> io::Result<(u64, bool)> {
        let mut total = 0;
        loop {
            let wanted = WINDOW.saturating_sub(self.window.filled);
            if wanted == 0 {
                return Ok((total, false));
            }
            let is_first = progress.offset == 0 && total == 0 && self.window.filled == 0;
            let read = match progress.encoding {
                Encoding::Bytes => self.window.read(text)?,
                _ => {
                    self.scratch.clear();
                    self.scratch.append(&mut progress.rest);
                    let read = read_up_to(text, wanted / 2, &mut self.scratch)?;
                    decode(&self.scratch, progress, &mut self.window);
                    read
                }
            };
            total += read as u64;
            if is_first {
                self.begin(progress);
            }
            let was_asked = match progress.encoding {
                Encoding::Bytes => wanted,
                _ => wanted / 2,
            };
            if read == 0 || is_first && read < was_asked {
                return Ok((total, true));
            }
        }
    }

    /// Looks at the first bytes: byte-order marks, binary or text.
    fn begin(&mut self, progress: &mut Progress) {
        let encoding = match self.window.bytes() {
            [0xff, 0xfe, ..] => Encoding::Utf16Little,
            [0xfe, 0xff, ..] => Encoding::Utf16Big,
            _ => Encoding::Bytes,
        };
        if encoding != Encoding::Bytes {
            progress.encoding = encoding;
            self.scratch.clear();
            self.scratch.extend_from_slice(&self.window.bytes()[2..]);
            self.window.filled = 0;
            decode(&self.scratch, progress, &mut self.window);
        } else if self.window.bytes().starts_with(&[0xef, 0xbb, 0xbf]) {
            self.window.drop_front(3);
        }
        let head = self.window.bytes();
        progress.is_binary = memchr::memchr(0, &head[..head.len().min(HEAD)]).is_some();
    }

    fn report(
        &self,
        source: Source<'_>,
        shown: Option<&str>,
        cut: usize,
        progress: &mut Progress,
        leaks: &mut Vec<Leak>,
    ) {
        let mut place = Place {
            at: 0,
            line: progress.lines,
            column: progress.columns,
        };
        let window = self.window.bytes();
        for hit in self.detector.find(window, source) {
            let start = progress.offset + hit.range.start;
            if hit.range.start >= cut || start < progress.covered {
                continue;
            }
            place.advance(window, hit.range.start);
            let mut leak = self.detector.leak(window, &hit, shown.map(str::to_owned));
            leak.line = Some(place.line as u64 + 1);
            leak.column = Some(place.column as u64 + 1);
            leaks.push(leak);
        }
        progress.covered = progress.offset + cut;
    }
}

/// Lines and columns up to a place in the window.
struct Place {
    at: usize,
    line: usize,
    column: usize,
}

impl Place {
    fn advance(&mut self, window: &[u8], to: usize) {
        let between = &window[self.at..to];
        self.line += memchr::memchr_iter(b'\n', between).count();
        self.column = match memchr::memrchr(b'\n', between) {
            Some(last) => characters(&between[last + 1..]),
            None => self.column + characters(between),
        };
        self.at = to;
    }
}

impl Progress {
    /// Takes the first `length` bytes out of the window.
    fn drop_front(&mut self, window: &mut Window, length: usize) {
        let mut place = Place {
            at: 0,
            line: self.lines,
            column: self.columns,
        };
        place.advance(window.bytes(), length);
        self.lines = place.line;
        self.columns = place.column;
        self.offset += length;
        window.drop_front(length);
    }
}

/// Characters of UTF-8 text: every byte that does not continue one.
fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

fn read_up_to(text: &mut dyn Read, wanted: usize, into: &mut Vec<u8>) -> io::Result<usize> {
    text.take(wanted as u64).read_to_end(into)
}

fn decode(bytes: &[u8], progress: &mut Progress, into: &mut Window) {
    let mut units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| match progress.encoding {
            Encoding::Utf16Big => u16::from_be_bytes([pair[0], pair[1]]),
            _ => u16::from_le_bytes([pair[0], pair[1]]),
        })
        .collect();
    let mut whole = units.len() * 2;
    // The first half of a pair waits for the second one.
    if units
        .last()
        .is_some_and(|unit| (0xd800..0xdc00).contains(unit))
    {
        units.pop();
        whole -= 2;
    }
    progress.rest = bytes[whole..].to_vec();
    let mut letter = [0; 4];
    for decoded in char::decode_utf16(units) {
        let decoded = decoded.unwrap_or(char::REPLACEMENT_CHARACTER);
        into.push(decoded.encode_utf8(&mut letter).as_bytes());
    }
}
