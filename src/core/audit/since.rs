//! Finds where in a large file the lines since a moment begin, without reading it all.

use std::io;
use std::os::unix::fs::FileExt;

use jiff::{SignedDuration, Timestamp};
use memchr::memchr;

use super::backward::read_fully;

/// Smaller files, in bytes, are read whole: that takes no time, and is right whatever their times do.
const WORTHWHILE: u64 = 32 << 20;
/// Places all over the file at which times are looked at, before any of them is relied on.
const SAMPLES: u64 = 96;
/// How much is read at a place, in bytes.
const PIECE: usize = 16 << 10;
/// A range shorter than this, in bytes, is read rather than halved again.
const SHORT: u64 = 1 << 20;
/// Writers of one log may differ by so much, and a clock without a zone falls back by an hour.
const MARGIN: SignedDuration = SignedDuration::from_hours(2);

/// An offset, the start of a line, before which no line is as young as `since`. It is 0 where times
/// do not rise from sample to sample, or lines have none: then everything must be read.
///
/// # Errors
/// When the file cannot be read.
pub fn start_of(
    file: &impl FileExt,
    length: u64,
    since: Timestamp,
    mut time_of: impl FnMut(&[u8]) -> Option<Timestamp>,
) -> io::Result<u64> {
    if length < WORTHWHILE {
        return Ok(0);
    }
    let Ok(surely_before) = since.checked_sub(MARGIN) else {
        return Ok(0);
    };
    let mut look = |from| timed_line(file, from, &mut time_of);
    let last = length - PIECE as u64;
    let (mut low, mut high) = (0, None);
    let mut latest = Timestamp::MIN;
    for number in 0..=SAMPLES {
        let Some((start, time)) = look(last / SAMPLES * number)? else {
            return Ok(0);
        };
        if time < latest {
            return Ok(0);
        }
        latest = time;
        if time < surely_before {
            low = start;
        } else if high.is_none() {
            high = Some(start);
        }
    }
    let mut high = high.unwrap_or(low);
    while high.saturating_sub(low) > SHORT {
        let Some((start, time)) = look(low + (high - low) / 2)? else {
            break;
        };
        if start >= high {
            break;
        }
        if time < surely_before {
            low = start;
        } else {
            high = start;
        }
    }
    Ok(low)
}

/// The first line with a time that begins at or after an offset.
fn timed_line(
    file: &impl FileExt,
    from: u64,
    time_of: &mut impl FnMut(&[u8]) -> Option<Timestamp>,
) -> io::Result<Option<(u64, Timestamp)>> {
    let mut bytes = vec![0; PIECE];
    let read = read_fully(file, &mut bytes, from)?;
    bytes.truncate(read);
    // A line that began before is not whole, unless nothing is before it.
    let mut at = match (from, memchr(b'\n', &bytes)) {
        (0, _) => 0,
        (_, Some(newline)) => newline + 1,
        (_, None) => return Ok(None),
    };
    while let Some(length) = memchr(b'\n', &bytes[at..]) {
        if let Some(time) = time_of(&bytes[at..at + length]) {
            return Ok(Some((from + at as u64, time)));
        }
        at += length + 1;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::Write as _;

    use super::*;

    /// A file of lines of 128 bytes that begin with a second, and how much of it was read.
    struct Counted {
        file: std::fs::File,
        read: Cell<u64>,
    }

    impl FileExt for Counted {
        fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
            let count = self.file.read_at(bytes, offset)?;
            self.read.set(self.read.get() + count as u64);
            Ok(count)
        }

        fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    const LINE: u64 = 128;
    const LINES: u64 = 400_000;

    fn log(second_of: impl Fn(u64) -> Option<u64>) -> Counted {
        let mut file = tempfile::tempfile().unwrap();
        let mut text = String::new();
        for line in 0..LINES {
            let word = second_of(line).map_or("  at a frame".to_owned(), |it| it.to_string());
            text.push_str(&format!("{word:<127}\n"));
        }
        file.write_all(text.as_bytes()).unwrap();
        Counted {
            file,
            read: Cell::new(0),
        }
    }

    fn start_since(log: &Counted, second: u64) -> u64 {
        let since = Timestamp::from_second(second as i64).unwrap();
        start_of(log, LINES * LINE, since, |line| {
            let word = std::str::from_utf8(line).ok()?.trim();
            Timestamp::from_second(word.parse().ok()?).ok()
        })
        .unwrap()
    }

    #[test]
    fn little_of_a_large_log_is_read_and_nothing_young_is_passed_over() {
        let log = log(|line| (line % 7 != 3).then_some(1_000_000 + line));
        for line in [0, 1, 7_300, 50_000, 200_001, LINES - 1, LINES + 99_999] {
            log.read.set(0);
            let start = start_since(&log, 1_000_000 + line);
            assert_eq!(start % LINE, 0, "the start of a line");
            assert!(start <= line * LINE, "{line}: {start}");
            let missed = (line * LINE).min(LINES * LINE) - start;
            let margin = MARGIN.as_secs() as u64 * LINE;
            let near = LINES * LINE / SAMPLES + 2 * SHORT;
            assert!(missed <= margin + near, "{line}: {missed}");
            assert!(log.read.get() < 2 << 20, "{line}: {}", log.read.get());
        }
    }

    #[test]
    fn where_times_jump_or_miss_all_is_read() {
        let back = log(|line| Some(1_000_000 + line % (LINES / 2)));
        assert_eq!(start_since(&back, 1_000_000 + LINES / 3), 0);
        let late_end = log(|line| {
            Some(if line + 200 > LINES {
                5
            } else {
                1_000_000 + line
            })
        });
        assert_eq!(start_since(&late_end, 1_000_000 + LINES / 3), 0);
        let silent = log(|_| None);
        assert_eq!(start_since(&silent, 1_000_000), 0);
    }

    #[test]
    fn writers_that_differ_by_less_than_the_margin_lose_nothing() {
        let log = log(|line| Some(1_000_000 + line - (line % 3) * 100));
        let since = 1_000_000 + LINES / 2;
        let start = start_since(&log, since);
        // The first line of all that is young enough.
        assert!(start <= (LINES / 2) * LINE);
    }
}
