//! What stands in the audit log: the time of its last line, and secrets that should not be there.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::audit::address::TrustedProxies;
use crate::audit::recognise::{Recogniser, Wanted};
use crate::audit::secrets::{Searcher, spellings};
use crate::audit::siblings::{plain_reader, siblings};
use crate::audit::times::TimeContext;
use crate::check::evidence::Declared;
use crate::order;
use crate::scan::Answer;

/// How much of the end is read to find the last line, in bytes.
const TAIL: u64 = 64 << 10;
/// How much of a log is searched at once, in bytes.
const PIECE: u64 = 256 << 10;
/// Shorter values are found everywhere by chance.
const SHORTEST_VALUE: usize = 8;

/// A secret that stands in a log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretInLog {
    /// The variable whose value it is.
    pub variable: String,
    /// The file it stands in.
    pub file: String,
}

/// The time of the last line that carries one, in any format that `audit-tail` reads.
pub fn last_time(path: &Path, now: Timestamp) -> Option<Timestamp> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    last_time_in(&String::from_utf8_lossy(&bytes), now)
}

fn last_time_in(text: &str, now: Timestamp) -> Option<Timestamp> {
    let context = TimeContext {
        zone: TimeZone::try_system().unwrap_or(TimeZone::UTC),
        now,
    };
    let mut recogniser = Recogniser::new(context, TrustedProxies::default());
    text.lines()
        .rev()
        .find_map(|line| recogniser.read(line, Wanted::TIME).time)
}

/// Searches the log and its rotated siblings, compressed or not, for the env file's secrets in every
/// spelling that `audit-tail` replaces. Memory does not grow with the files.
pub fn secrets_in(path: &Path, declared: &Declared) -> Answer<Vec<SecretInLog>> {
    let mut needles = Vec::new();
    let mut variables = Vec::new();
    for secret in declared
        .real_secrets()
        .filter(|secret| secret.value.len() >= SHORTEST_VALUE)
    {
        for needle in spellings(secret.value.expose()) {
            needles.push(needle);
            variables.push(secret.name.as_str());
        }
    }
    if needles.is_empty() {
        return Answer::Known(Vec::new());
    }
    let Some(searcher) = Searcher::new(&needles) else {
        return Answer::Unknown("the secrets are too many to search for at once".to_owned());
    };
    let mut found = Vec::new();
    let mut trouble = None;
    let siblings = match siblings(path) {
        Ok(siblings) => siblings,
        Err(error) => {
            return Answer::Unknown(format!("the folder of the log cannot be listed: {error}"));
        }
    };
    for file in std::iter::once(path.to_path_buf()).chain(siblings) {
        let shown = file.to_string_lossy().into_owned();
        let mut patterns = Vec::new();
        if let Err(error) = add_patterns_in(&file, &searcher, &mut patterns) {
            trouble.get_or_insert(format!("{shown} cannot be searched to its end: {error}"));
        }
        found.extend(patterns.into_iter().map(|pattern| SecretInLog {
            variable: variables[pattern].to_owned(),
            file: shown.clone(),
        }));
    }
    match trouble {
        // What was found stands there, whatever else may.
        Some(trouble) if found.is_empty() => Answer::Unknown(trouble),
        _ => {
            order::sort(&mut found);
            found.dedup();
            Answer::Known(found)
        }
    }
}

/// Adds the needles that stand in a file, each once, as far as it can be read.
fn add_patterns_in(path: &Path, searcher: &Searcher, found: &mut Vec<usize>) -> io::Result<()> {
    let (mut reader, _) = plain_reader(File::open(path)?)?;
    let mut bytes = Vec::new();
    loop {
        // What begins in one piece may end in the next.
        let kept = bytes.len().min(searcher.longest());
        bytes.drain(..bytes.len() - kept);
        let outcome = reader.by_ref().take(PIECE).read_to_end(&mut bytes);
        for hit in searcher.find(&bytes) {
            if !found.contains(&hit.spelling) {
                found.push(hit.spelling);
            }
        }
        if outcome? == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_in_json_and_in_plain_lines() {
        let expected: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let lines = [
            r#"{"time":"2026-11-24T10:00:00Z","msg":"x"}"#,
            r#"{"level":30,"time":1795514400000,"msg":"x"}"#,
            "2026-11-24T10:00:00Z login failed",
            "[2026-11-24T10:00:00.000Z] login failed",
            "level=info ts=2026-11-24T11:00:00+01:00 msg=x",
        ];
        for line in lines {
            assert_eq!(last_time_in(line, expected), Some(expected), "{line}");
        }
        assert_eq!(last_time_in("nothing here", expected), None);
        let stack = "2026-11-24T10:00:00Z ERROR it broke\n    at main (x.js:1)\n";
        assert_eq!(last_time_in(stack, expected), Some(expected));
    }
}
