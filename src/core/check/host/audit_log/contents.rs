//! What stands in the audit log: the time of its last line, and secrets that should not be there.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use jiff::Timestamp;
use serde_json::Value;

use crate::check::evidence::Declared;
use crate::check::host::names_in;
use crate::order;
use crate::redact::{json_escaped, percent_encoded};
use crate::scan::{Answer, folder_of};

/// How much of the end is read to find the last line, in bytes.
const TAIL: u64 = 64 << 10;
/// Shorter values are found everywhere by chance.
const SHORTEST_VALUE: usize = 8;
/// Names under which loggers write a line's time.
const TIME_FIELDS: [&str; 5] = ["time", "timestamp", "ts", "@timestamp", "date"];

/// A secret that stands in a log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretInLog {
    /// The variable whose value it is.
    pub variable: String,
    /// The file it stands in.
    pub file: String,
}

/// The time of the last line, where it carries one.
pub fn last_time(path: &Path) -> Option<Timestamp> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
    time_of(line)
}

fn time_of(line: &str) -> Option<Timestamp> {
    if let Ok(Value::Object(fields)) = serde_json::from_str(line) {
        return TIME_FIELDS
            .iter()
            .find_map(|name| match fields.get(*name)? {
                Value::String(text) => text.parse().ok(),
                // Loggers of the Node world count milliseconds.
                Value::Number(number) => Timestamp::from_millisecond(number.as_i64()?).ok(),
                _ => None,
            });
    }
    line.split([' ', '\t', '=', '[', ']'])
        .find_map(|word| word.trim_matches('"').parse().ok())
}

/// Searches the log and its rotated siblings for the env file's secrets, as they are,
/// percent-encoded and with JSON's escapes. Memory does not grow with the files.
pub fn secrets_in(path: &Path, declared: &Declared) -> Answer<Vec<SecretInLog>> {
    let mut needles = Vec::new();
    let mut variables = Vec::new();
    for secret in declared
        .real_secrets()
        .filter(|secret| secret.value.len() >= SHORTEST_VALUE)
    {
        let value = secret.value.expose();
        for needle in [value.to_vec(), percent_encoded(value), json_escaped(value)] {
            needles.push(needle);
            variables.push(secret.name.as_str());
        }
    }
    if needles.is_empty() {
        return Answer::Known(Vec::new());
    }
    let Ok(searcher) = AhoCorasick::new(&needles) else {
        return Answer::Unknown("the secrets are too many to search for at once".to_owned());
    };
    let mut found = Vec::new();
    for file in with_siblings(path) {
        let shown = file.to_string_lossy().into_owned();
        match patterns_in(&file, &searcher) {
            Ok(patterns) => found.extend(patterns.into_iter().map(|pattern| SecretInLog {
                variable: variables[pattern].to_owned(),
                file: shown.clone(),
            })),
            Err(error) => return Answer::Unknown(format!("{shown} cannot be searched: {error}")),
        }
    }
    order::sort(&mut found);
    found.dedup();
    Answer::Known(found)
}

/// The log, and the files beside it that rotation made of it.
fn with_siblings(path: &Path) -> Vec<PathBuf> {
    let folder = folder_of(path);
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let siblings = names_in(&folder).into_iter().filter_map(|candidate| {
        let text = candidate.to_str()?;
        let rest = text.strip_prefix(&name)?;
        let is_rotated = rest.starts_with(['.', '-']) && !rest.ends_with(".seal");
        let path = folder.join(&candidate);
        let is_file = path
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_file());
        (is_rotated && is_file).then_some(path)
    });
    std::iter::once(path.to_path_buf())
        .chain(siblings)
        .collect()
}

fn patterns_in(path: &Path, searcher: &AhoCorasick) -> io::Result<Vec<usize>> {
    let file = File::open(path)?;
    let is_compressed = path.extension().is_some_and(|extension| extension == "gz");
    let reader: Box<dyn Read> = if is_compressed {
        Box::new(flate2::read::MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut found = Vec::new();
    for hit in searcher.stream_find_iter(reader) {
        let pattern = hit?.pattern().as_usize();
        if !found.contains(&pattern) {
            found.push(pattern);
        }
    }
    Ok(found)
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
            assert_eq!(time_of(line), Some(expected), "{line}");
        }
        assert_eq!(time_of("nothing here"), None);
    }
}
