//! GitHub's summary of a job: the report is added to what stands there, within what GitHub shows.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use openclaw_sec::atomic_file::{self, AtomicFileError};

/// A summary of 1 MiB or more is dropped without a word (github.com/actions/runner/issues/4337).
const LARGEST: usize = (1 << 20) - 1;
/// The last line of a report that was cut.
const CUT: &str = "\n\nThe rest of this report was cut, because GitHub shows 1 MiB.\n";

/// Adds `report` to the file, as much of it as GitHub shows.
pub fn append(path: &Path, report: &str) -> Result<(), AtomicFileError> {
    let before = Before::of(path);
    let start = if before.ends_in_line { "\n" } else { "" };
    let room = LARGEST.saturating_sub(before.bytes + start.len());
    let text = shortened(report, room);
    if text.is_empty() && !report.is_empty() {
        return Err(AtomicFileError::Io {
            path: path.to_owned(),
            action: "add to the summary",
            source: io::Error::other(
                "it has reached 1 MiB already, and GitHub would show none of it",
            ),
        });
    }
    atomic_file::append(path, format!("{start}{text}").as_bytes())
}

/// What stands in the file.
#[derive(Default)]
struct Before {
    bytes: usize,
    /// Whether it ends within a line, which would swallow the report's heading.
    ends_in_line: bool,
}

impl Before {
    /// Nothing, where it cannot be read: writing tells what is wrong.
    fn of(path: &Path) -> Self {
        Self::read(path).unwrap_or_default()
    }

    fn read(path: &Path) -> io::Result<Self> {
        let metadata = path.metadata()?;
        if !metadata.is_file() || metadata.len() == 0 {
            return Ok(Self::default());
        }
        let mut file = std::fs::File::open(path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        Ok(Self {
            bytes: usize::try_from(metadata.len()).unwrap_or(usize::MAX),
            ends_in_line: last != *b"\n",
        })
    }
}

/// As many whole lines as fit into `room` bytes, and a word about the rest.
fn shortened(report: &str, room: usize) -> String {
    if report.len() <= room {
        return report.to_owned();
    }
    let Some(room) = room.checked_sub(CUT.len()) else {
        return String::new();
    };
    let end = (0..=room).rev().find(|at| report.is_char_boundary(*at));
    let whole = &report[..end.unwrap_or_default()];
    let end = whole.rfind('\n').unwrap_or_default();
    format!("{}{CUT}", &whole[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_cut_between_lines_and_says_so() {
        let report = "# ü\n".repeat(100);
        for room in [0, 10, CUT.len() + 3, 100, 200, 499] {
            let text = shortened(&report, room);
            assert!(text.len() <= room, "{room}");
            assert!(text.is_empty() || text.ends_with(CUT), "{room}");
        }
        assert_eq!(shortened(&report, report.len()), report);
    }

    #[test]
    fn what_stands_there_stays_and_the_whole_is_below_the_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("summary");
        append(&path, "# new\n").expect("created");
        std::fs::write(&path, "no end of line").expect("written");
        append(&path, "# report\n").expect("appended");
        let text = std::fs::read_to_string(&path).expect("read");
        assert_eq!(text, "no end of line\n# report\n");
        let row = "| a | b |\n";
        append(&path, &row.repeat(200_000)).expect("cut");
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.starts_with("no end of line\n# report\n| a | b |\n") && text.ends_with(CUT));
        assert!(
            (1 << 20) - 100 < text.len() && text.len() < 1 << 20,
            "{}",
            text.len()
        );
        assert!(append(&path, &row.repeat(10)).is_err(), "no room is left");
    }
}
