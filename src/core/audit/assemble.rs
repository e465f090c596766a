//! From bytes as they are read to whole lines, without a copy and with bounded memory.

use std::io::{self, Read};

use memchr::{memchr, memrchr};

/// How much is read at once, in bytes: little enough to stay in the cache until it is looked at.
const PIECE: usize = 1 << 18;
/// A longer line is given out in pieces.
pub const LONGEST_LINE: usize = 16 << 20;
/// What a follower keeps for each file that it waits for, in bytes: it may hold dozens open.
const KEPT: usize = 16 << 10;
/// At least this many NUL bytes at the start of a line are a hole, which a logger without `O_APPEND` leaves
/// behind after a truncation.
const HOLE: usize = 32;

/// What part of a line, or of several, a chunk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Whole lines.
    Lines,
    /// The beginning of a line longer than [`LONGEST_LINE`].
    Beginning,
    /// More of it.
    Middle,
    /// Its end, with its newline if it has one.
    End,
}

/// Bytes that were read, where they stand, and what they are.
#[derive(Debug)]
pub struct Chunk<'b> {
    /// The bytes.
    pub bytes: &'b [u8],
    /// Their offset in the file.
    pub offset: u64,
    /// The number of the first line in them, where lines were counted.
    pub line: Option<u64>,
    /// What they are.
    pub part: Part,
}

/// Puts lines together.
#[derive(Debug)]
pub struct Assembler {
    buffer: Vec<u8>,
    filled: usize,
    /// Where the buffer begins in the file.
    offset: u64,
    line: Option<u64>,
    in_long_line: bool,
    in_hole: bool,
    skips_holes: bool,
    skipped: u64,
    given: usize,
}

impl Assembler {
    /// Begins at `offset`, which must be the start of a line; `line` is its number, if known.
    pub fn new(offset: u64, line: Option<u64>, skips_holes: bool) -> Self {
        Self {
            buffer: Vec::new(),
            filled: 0,
            offset,
            line,
            in_long_line: false,
            in_hole: false,
            skips_holes,
            skipped: 0,
            given: 0,
        }
    }

    /// NUL bytes passed over since the last call.
    pub fn take_skipped(&mut self) -> u64 {
        std::mem::take(&mut self.skipped)
    }

    /// Whether the last bytes read were a hole, whose rest may be jumped over.
    pub fn is_in_hole(&self) -> bool {
        self.in_hole && self.filled == 0
    }

    /// Goes on at a later offset: the bytes up to it are known to be a hole.
    pub fn jump(&mut self, offset: u64) {
        if self.filled == 0 && offset > self.offset {
            self.skipped += offset - self.offset;
            self.offset = offset;
        }
    }

    /// Reads once; 0 means the end for now.
    ///
    /// # Errors
    /// What the reader says.
    pub fn read(&mut self, reader: &mut dyn Read) -> io::Result<usize> {
        self.discard_given();
        if self.buffer.len() < self.filled + PIECE {
            // Exactly, since doubling a long line's buffer would double its memory.
            self.buffer
                .reserve_exact(self.filled + PIECE - self.buffer.len());
            self.buffer.resize(self.filled + PIECE, 0);
        }
        let space = &mut self.buffer[self.filled..self.filled + PIECE];
        let count = loop {
            match reader.read(space) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.filled += count;
        self.skip_hole();
        Ok(count)
    }

    /// Takes bytes that somebody else has read.
    pub fn put(&mut self, bytes: &[u8]) {
        self.discard_given();
        self.buffer.truncate(self.filled);
        self.buffer.extend_from_slice(bytes);
        self.filled = self.buffer.len();
        self.skip_hole();
    }

    /// Gives back the memory that nothing needs until there is more to read.
    pub fn release(&mut self) {
        self.discard_given();
        if self.buffer.capacity() > KEPT {
            self.buffer.truncate(self.filled);
            self.buffer.shrink_to(KEPT);
        }
    }

    fn skip_hole(&mut self) {
        if !self.skips_holes || self.in_long_line {
            return;
        }
        let zeros = self.buffer[..self.filled]
            .iter()
            .take_while(|byte| **byte == 0)
            .count();
        if zeros >= HOLE || (self.in_hole && zeros > 0) {
            self.buffer.copy_within(zeros..self.filled, 0);
            self.filled -= zeros;
            self.offset += zeros as u64;
            self.skipped += zeros as u64;
            self.in_hole = true;
        }
        if self.filled > 0 {
            self.in_hole = false;
        }
    }

    /// The whole lines that were read since, or a piece of one that is too long.
    pub fn chunk(&mut self) -> Option<Chunk<'_>> {
        self.discard_given();
        self.skip_hole();
        let bytes = &self.buffer[..self.filled];
        let (end, part) = if self.in_long_line {
            match memchr(b'\n', bytes) {
                Some(newline) => (newline + 1, Part::End),
                None => (bytes.len(), Part::Middle),
            }
        } else {
            match memrchr(b'\n', bytes) {
                Some(_) if begins_with_long_line(bytes) => (LONGEST_LINE, Part::Beginning),
                Some(newline) => {
                    let lines = &bytes[..newline + 1];
                    let hole = if self.skips_holes { hole(lines) } else { None };
                    (hole.unwrap_or(lines.len()), Part::Lines)
                }
                None if bytes.len() > LONGEST_LINE => (bytes.len(), Part::Beginning),
                None => return None,
            }
        };
        if end == 0 {
            return None;
        }
        Some(self.give(end, part))
    }

    /// What is left at the end of the input: a line without its newline.
    pub fn rest(&mut self) -> Option<Chunk<'_>> {
        self.discard_given();
        if self.filled == 0 {
            return None;
        }
        let part = if self.in_long_line {
            Part::End
        } else {
            Part::Lines
        };
        Some(self.give(self.filled, part))
    }

    fn give(&mut self, end: usize, part: Part) -> Chunk<'_> {
        self.given = end;
        self.in_long_line = matches!(part, Part::Beginning | Part::Middle);
        let line = self.line;
        if let Some(line) = &mut self.line {
            let newlines = memchr::memchr_iter(b'\n', &self.buffer[..end]).count();
            *line += newlines as u64;
        }
        Chunk {
            bytes: &self.buffer[..end],
            offset: self.offset,
            line,
            part,
        }
    }

    fn discard_given(&mut self) {
        if self.given == 0 {
            return;
        }
        self.buffer.copy_within(self.given..self.filled, 0);
        self.filled -= self.given;
        self.offset += self.given as u64;
        self.given = 0;
        if self.buffer.len() > 4 * PIECE && self.filled < PIECE {
            // One very long line must not cost memory for ever.
            self.buffer.truncate(2 * PIECE);
            self.buffer.shrink_to_fit();
        }
    }
}

/// Whether the first line, without its end, is too long.
fn begins_with_long_line(bytes: &[u8]) -> bool {
    let beginning = bytes.get(..=LONGEST_LINE);
    beginning.is_some_and(|beginning| memchr(b'\n', beginning).is_none())
}

/// Where a hole begins behind a line.
fn hole(lines: &[u8]) -> Option<usize> {
    memchr::memchr_iter(0, lines).find(|at| {
        let is_behind_line = lines[..*at].last() == Some(&b'\n');
        let zeros = lines.get(*at..*at + HOLE);
        is_behind_line && zeros.is_some_and(|zeros| zeros.iter().all(|byte| *byte == 0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Seen = (u64, Option<u64>, Part);

    fn all(mut input: &[u8], skips_holes: bool) -> (Vec<u8>, Vec<Seen>) {
        let mut assembler = Assembler::new(0, Some(1), skips_holes);
        let mut bytes = Vec::new();
        let mut chunks = Vec::new();
        loop {
            let count = assembler.read(&mut input).unwrap();
            while let Some(chunk) = assembler.chunk() {
                bytes.extend_from_slice(chunk.bytes);
                chunks.push((chunk.offset, chunk.line, chunk.part));
            }
            if count == 0 {
                break;
            }
        }
        if let Some(chunk) = assembler.rest() {
            bytes.extend_from_slice(chunk.bytes);
            chunks.push((chunk.offset, chunk.line, chunk.part));
        }
        (bytes, chunks)
    }

    #[test]
    fn a_file_that_is_waited_for_keeps_little_memory_and_its_half_line() {
        let mut assembler = Assembler::new(0, Some(1), true);
        assembler.put(&b"whole\n".repeat(100_000));
        while assembler.chunk().is_some() {}
        assembler.put(b"ha");
        assert_eq!(assembler.chunk().map(|chunk| chunk.offset), None);
        assembler.release();
        assert!(assembler.buffer.capacity() <= KEPT);
        assembler.put(b"lf\n");
        let chunk = assembler.chunk().unwrap();
        assert_eq!((chunk.bytes, chunk.line), (&b"half\n"[..], Some(100_001)));
    }

    #[test]
    fn lines_come_whole_and_a_half_line_comes_last() {
        let (bytes, chunks) = all(b"one\ntwo\nhalf", false);
        assert_eq!(bytes, b"one\ntwo\nhalf");
        assert_eq!(
            chunks,
            [(0, Some(1), Part::Lines), (8, Some(3), Part::Lines)]
        );
    }

    #[test]
    fn a_line_that_is_too_long_comes_in_pieces() {
        let mut input = vec![b'x'; LONGEST_LINE + 3 * PIECE];
        input.extend_from_slice(b"\nnext\n");
        let (bytes, chunks) = all(&input, false);
        assert_eq!(bytes, input);
        assert_eq!(chunks[0].2, Part::Beginning);
        assert_eq!(
            chunks.iter().filter(|chunk| chunk.2 == Part::End).count(),
            1
        );
        assert_eq!(
            chunks.last().unwrap(),
            &(input.len() as u64 - 5, Some(2), Part::Lines)
        );
    }

    #[test]
    fn a_line_is_too_long_from_the_first_byte_more() {
        for (length, expected) in [
            (LONGEST_LINE, vec![Part::Lines]),
            (
                LONGEST_LINE + 1,
                vec![Part::Beginning, Part::End, Part::Lines],
            ),
        ] {
            let mut input = vec![b'x'; length];
            input.extend_from_slice(b"\nnext\n");
            let (bytes, chunks) = all(&input, false);
            assert_eq!(bytes, input);
            let parts: Vec<Part> = chunks.iter().map(|chunk| chunk.2).collect();
            assert_eq!(parts, expected, "{length}");
        }
    }

    #[test]
    fn a_hole_is_passed_over_and_single_nul_bytes_are_kept() {
        let mut input = vec![0; 3 * PIECE + 5];
        input.extend_from_slice(b"a\0b\n");
        let (bytes, chunks) = all(&input, true);
        assert_eq!(bytes, b"a\0b\n");
        assert_eq!(chunks[0].0, 3 * PIECE as u64 + 5);
        assert_eq!(all(&input, false).0, input);
    }

    #[test]
    fn a_hole_between_lines_is_passed_over_too() {
        let hole = vec![0; 500];
        let input = [b"one\n", &hole[..], b"two\n", &hole, b"three"].concat();
        let (bytes, chunks) = all(&input, true);
        assert_eq!(bytes, b"one\ntwo\nthree");
        assert_eq!(
            chunks,
            [
                (0, Some(1), Part::Lines),
                (504, Some(2), Part::Lines),
                (1008, Some(3), Part::Lines)
            ]
        );
    }

    proptest::proptest! {
        #[test]
        fn no_byte_is_lost(input in proptest::collection::vec(proptest::sample::select(vec![b'a', b'\n', 0]), 0..200)) {
            proptest::prop_assert_eq!(all(&input, false).0, input);
        }
    }
}
