//! Finds where the last lines of a file begin, reading from its end.

use std::io;
use std::os::unix::fs::FileExt;

use memchr::memchr;

/// How much is read at once, in bytes.
const PIECE: u64 = 256 << 10;
/// A line longer than this is cut for counting.
const LONGEST: u64 = 16 << 20;

/// Where the last lines of a file begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Last {
    /// The offset of the first of them; the start of the file where there are fewer.
    pub start: u64,
    /// The line at or before it that decides whether it counts.
    pub context: u64,
    /// How many there are; no more than were wanted.
    pub found: usize,
}

/// A line that counts: where it begins in its block, and the line at or before it that decides so.
pub type Counted = (usize, usize);

/// The last `wanted` lines that `each` reports. It is shown blocks of whole lines from the end to
/// the start, with the word whether the block is the file's first, and returns where the lines begin
/// of which it can say whether they count: those before belong to a line of the block before.
///
/// # Errors
/// When the file cannot be read.
pub fn last_lines(
    file: &impl FileExt,
    length: u64,
    wanted: usize,
    mut each: impl FnMut(&[u8], bool, &mut dyn FnMut(Counted)) -> usize,
) -> io::Result<Last> {
    let mut last = Last {
        start: if wanted == 0 { length } else { 0 },
        context: if wanted == 0 { length } else { 0 },
        found: 0,
    };
    let mut end = length;
    let mut piece = PIECE;
    while end > 0 && last.found < wanted {
        let start = end.saturating_sub(piece);
        let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(usize::MAX)];
        let read = read_fully(file, &mut bytes, start)?;
        bytes.truncate(read);
        // The first line of the block may have begun before it.
        let first = if start == 0 {
            0
        } else {
            match memchr(b'\n', &bytes) {
                Some(newline) if newline + 1 < bytes.len() => newline + 1,
                _ if piece < LONGEST => {
                    piece *= 4;
                    continue;
                }
                _ => 0,
            }
        };
        let is_first = start == 0 || piece >= LONGEST;
        let mut counted = Vec::new();
        let known = each(&bytes[first..], is_first, &mut |it| counted.push(it)) + first;
        if known >= bytes.len() && !is_first {
            piece *= 4;
            continue;
        }
        let missing = wanted - last.found;
        if let Some((at, context)) = counted.len().checked_sub(missing).map(|it| counted[it]) {
            last.start = start + (at + first) as u64;
            last.context = start + (context + first) as u64;
        }
        last.found += counted.len().min(missing);
        if start == 0 {
            break;
        }
        end = start + known as u64;
        piece = (piece * 2).min(4 << 20);
    }
    Ok(last)
}

/// Reads until `bytes` is full or the file ends; returns how much was read.
///
/// # Errors
/// What `read` says.
pub fn read_fully(file: &impl FileExt, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn lines(bytes: &[u8], _: bool, each: &mut dyn FnMut(Counted)) -> usize {
        let mut at = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            each((at, at));
            at += line.len();
        }
        0
    }

    fn file_of(lines: impl Iterator<Item = String>) -> (std::fs::File, Vec<u64>, u64) {
        let mut file = tempfile::tempfile().unwrap();
        let (mut starts, mut length) = (Vec::new(), 0);
        for line in lines {
            starts.push(length);
            file.write_all(line.as_bytes()).unwrap();
            length += line.len() as u64;
        }
        (file, starts, length)
    }

    #[test]
    fn the_last_lines_are_found_wherever_pieces_are_cut() {
        let line = |number: usize| format!("{number} {}\n", "x".repeat(number % 97));
        let (file, starts, length) = file_of((0..20_000).map(line));
        for wanted in [1, 2, 10, 5000, 19_999, 20_000, 30_000] {
            let last = last_lines(&file, length, wanted, lines).unwrap();
            let start = starts[20_000usize.saturating_sub(wanted)];
            assert_eq!((last.start, last.found), (start, wanted.min(20_000)));
        }
        let last = last_lines(&file, length, 0, lines).unwrap();
        assert_eq!((last.start, last.found), (length, 0));
    }

    #[test]
    fn lines_count_with_the_line_that_they_belong_to_however_far_it_is() {
        // Each owner is followed by more lines of its own than a piece holds.
        let line = |number: usize| match number % 4000 {
            0 => format!(
                "{}\n",
                if number.is_multiple_of(8000) {
                    "yes"
                } else {
                    "no"
                }
            ),
            _ => format!("  {number} {}\n", "x".repeat(200)),
        };
        let (file, starts, length) = file_of((0..20_000).map(line));
        let each = |bytes: &[u8], is_first: bool, each: &mut dyn FnMut(Counted)| {
            let (mut at, mut owner, mut counts) = (0, is_first.then_some(0), false);
            let mut known = None;
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                if !line.starts_with(b" ") {
                    (owner, counts) = (Some(at), line.starts_with(b"yes"));
                }
                if let Some(owner) = owner {
                    known = known.or(Some(at));
                    if counts {
                        each((at, owner));
                    }
                }
                at += line.len();
            }
            known.unwrap_or(bytes.len())
        };
        for (wanted, start, owner) in [
            (1, 19_999, 16_000),
            (3_999, 16_001, 16_000),
            (4_000, 16_000, 16_000),
            (4_001, 11_999, 8_000),
            (9_000, 3_000, 0),
            (12_000, 0, 0),
        ] {
            let last = last_lines(&file, length, wanted, each).unwrap();
            let expected = Last {
                start: starts[start],
                context: starts[owner],
                found: wanted,
            };
            assert_eq!(last, expected, "{wanted}");
        }
    }
}
