//! What can be wrong with what the user asked of the firewall.

use std::io;

use thiserror::Error;

use crate::redact;

/// Every way in which options, files or the host stop the firewall room.
#[derive(Debug, Error)]
pub enum FirewallError {
    /// The value of a flag was not accepted.
    #[error("{flag}: {value:?} {problem}")]
    Value {
        /// The flag as the user writes it.
        flag: String,
        /// What the user wrote after it, shortened.
        value: String,
        /// What is wrong with it and what would be right.
        problem: String,
    },
    /// Two flags exclude each other.
    #[error("{flag} cannot be used together with {other}; leave one of them out")]
    Conflict {
        /// The one flag.
        flag: &'static str,
        /// The other flag.
        other: &'static str,
    },
    /// A line of a list file was not accepted.
    #[error("{path}:{line}: {value} {problem}")]
    Line {
        /// The file as the user named it.
        path: String,
        /// The line, counted from 1.
        line: usize,
        /// What stands there, if it may be shown.
        value: String,
        /// What is wrong with it and what would be right.
        problem: String,
    },
    /// A list file as a whole was not accepted.
    #[error("{path}: {problem}")]
    File {
        /// The file as the user named it.
        path: String,
        /// What is wrong with it and what would be right.
        problem: String,
    },
    /// The file that a flag names was not accepted.
    #[error("{flag}: {source}")]
    InFile {
        /// The flag as the user writes it.
        flag: &'static str,
        /// What is wrong with the file.
        source: Box<FirewallError>,
    },
    /// A file could not be read.
    #[error("{path}: cannot be read; check the path and its permissions")]
    Read {
        /// The file as the user named it.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The chosen format cannot express the policy.
    #[error("--format {format}: {problem}")]
    Format {
        /// The format.
        format: &'static str,
        /// What it cannot hold and which format can.
        problem: String,
    },
    /// The live rules could not be read.
    #[error("cannot read the live rules: {problem}")]
    Live {
        /// What failed and what would help.
        problem: String,
    },
}

impl FirewallError {
    /// An error about the value of a flag; a long value is shortened.
    pub(super) fn value(flag: &str, value: &str, problem: impl Into<String>) -> Self {
        Self::Value {
            flag: flag.to_owned(),
            value: shortened(&without_keys(value)),
            problem: problem.into(),
        }
    }
}

/// A value without what looks like a pasted key: shortened, nobody could recognise it any more.
fn without_keys(value: &str) -> String {
    let words = value.split(|c: char| c == ',' || c.is_whitespace());
    let keys = redact::likely_secrets(words);
    let mut value = value.to_owned();
    for key in keys {
        value = value.replace(&key, redact::REMOVED);
    }
    value
}

/// An entry of a list in quotes if it was meant for an address. Anything else may be a line of an
/// env file that was named by mistake, and is never quoted.
pub(super) fn shown_entry(entry: &str) -> String {
    let is_digit = |c: char| c.is_ascii_hexdigit() || ".:/".contains(c);
    if entry.contains(['.', ':']) && entry.chars().all(is_digit) {
        format!("{:?}", shortened(entry))
    } else {
        "what stands there".to_owned()
    }
}

/// At most 60 characters of a foreign text, so that an error stays one line.
fn shortened(text: &str) -> String {
    const LIMIT: usize = 60;
    if text.chars().count() <= LIMIT {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LIMIT).collect();
    short.push('…');
    short
}
