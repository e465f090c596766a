//! Finds where the last lines of a file begin, reading from its end.

use std::io;
use std::os::unix::fs::FileExt;

use memchr::memchr;

/// How much is read at once, in bytes.
const PIECE: u64 = 256 << 10;
/// A line longer than this is cut for counting.
const LONGEST: u64 = 16 << 20;

/// The offset at which the last `wanted` lines begin that `each` reports, or `floor` where there are
/// fewer behind it: it is shown blocks of whole lines from the end to `floor`, the start of a line,
/// and calls back with the offset of each line that counts, inside the block.
///
/// # Errors
/// When the file cannot be read.
pub fn start_of_last(
    file: &impl FileExt,
    length: u64,
    floor: u64,
    wanted: usize,
    mut each: impl FnMut(&[u8], &mut dyn FnMut(usize)),
) -> io::Result<u64> {
    if wanted == 0 {
        return Ok(length);
    }
    let mut missing = wanted;
    let mut end = length;
    let mut piece = PIECE;
    while end > floor {
        let start = end.saturating_sub(piece).max(floor);
        let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(usize::MAX)];
        let read = read_fully(file, &mut bytes, start)?;
        bytes.truncate(read);
        // The first line of the block may have begun before it.
        let first = if start == floor {
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
        let mut starts = Vec::new();
        each(&bytes[first..], &mut |at| starts.push(at + first));
        if starts.len() >= missing {
            return Ok(start + starts[starts.len() - missing] as u64);
        }
        missing -= starts.len();
        end = start + first as u64;
        piece = (piece * 2).min(4 << 20);
        if first == 0 && start == floor {
            break;
        }
    }
    Ok(floor)
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

    fn lines(bytes: &[u8], each: &mut dyn FnMut(usize)) {
        let mut at = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            each(at);
            at += line.len();
        }
    }

    #[test]
    fn the_last_lines_are_found_wherever_pieces_are_cut() {
        let mut file = tempfile::tempfile().unwrap();
        let mut starts = Vec::new();
        let mut length = 0u64;
        for number in 0..20_000 {
            starts.push(length);
            let line = format!("{number} {}\n", "x".repeat(number % 97));
            file.write_all(line.as_bytes()).unwrap();
            length += line.len() as u64;
        }
        for wanted in [1, 2, 10, 5000, 19_999, 20_000] {
            let start = start_of_last(&file, length, 0, wanted, lines).unwrap();
            assert_eq!(start, starts[20_000 - wanted], "{wanted}");
        }
        for floor in [starts[0], starts[7], starts[15_000]] {
            let start = start_of_last(&file, length, floor, 30_000, lines).unwrap();
            assert_eq!(start, floor);
            let start = start_of_last(&file, length, floor, 5000, lines).unwrap();
            assert_eq!(start, starts[15_000]);
        }
        assert_eq!(start_of_last(&file, length, 0, 30_000, lines).unwrap(), 0);
        assert_eq!(start_of_last(&file, length, 0, 0, lines).unwrap(), length);
    }
}
