//! Secrets of the env file in a log become their fingerprints, wherever they stand.

mod search;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

pub use search::{Found, Searcher};

use crate::env_file::EnvFile;
use crate::key_shapes::{is_secret_name, recognise};
use crate::order;
use crate::placeholder::placeholder;
use crate::secret::Secret;
use crate::state::Fingerprints;

/// A shorter value stands everywhere by chance.
const SHORTEST: usize = 8;

/// Finds the secrets of an env file and knows what stands in their place.
#[derive(Debug, Clone, Default)]
pub struct EnvSecrets {
    searcher: Option<Searcher>,
    shown: Vec<String>,
}

impl EnvSecrets {
    /// The secrets of `file` (see [`secrets_of`]). Each is found as it is, percent-encoded, and with
    /// JSON's escapes, and by its beginning where the text ends within it.
    pub fn of(file: &EnvFile, fingerprints: &Fingerprints) -> Self {
        Self::knowing(secrets_of(file).iter(), fingerprints)
    }

    /// The given values.
    pub fn knowing<'s>(
        secrets: impl Iterator<Item = &'s Secret>,
        fingerprints: &Fingerprints,
    ) -> Self {
        let mut needles: Vec<(Vec<u8>, String)> = Vec::new();
        for secret in secrets {
            let value = secret.expose();
            let shown = fingerprints.of(value);
            for spelling in spellings(value) {
                needles.push((spelling, shown.clone()));
            }
        }
        order::sort(&mut needles);
        needles.dedup_by(|a, b| a.0 == b.0);
        let (needles, shown): (Vec<_>, Vec<_>) = needles.into_iter().unzip();
        Self {
            searcher: Searcher::new(&needles),
            shown,
        }
    }

    /// Whether there is anything to look for.
    pub fn is_empty(&self) -> bool {
        self.searcher.is_none()
    }

    /// The longest spelling, in bytes: what two pieces of a line must share.
    pub fn longest(&self) -> usize {
        self.searcher.as_ref().map_or(0, Searcher::longest)
    }

    /// Where secrets stand in `bytes`, in order.
    pub fn find(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let searcher = self.searcher.iter();
        let found = searcher.flat_map(|searcher| found_in(searcher, bytes));
        found.map(|found| found.range).collect()
    }

    /// The bytes with fingerprints in the place of secrets.
    pub fn replace<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let Some(searcher) = &self.searcher else {
            return Cow::Borrowed(bytes);
        };
        let mut cleaned = Vec::new();
        let mut end = 0;
        for found in found_in(searcher, bytes) {
            cleaned.extend_from_slice(&bytes[end..found.range.start]);
            cleaned.extend_from_slice(self.shown[found.spelling].as_bytes());
            end = found.range.end;
        }
        if end == 0 {
            return Cow::Borrowed(bytes);
        }
        cleaned.extend_from_slice(&bytes[end..]);
        Cow::Owned(cleaned)
    }
}

/// Secrets, and where the last line has no end yet, what its end has of one.
fn found_in(searcher: &Searcher, bytes: &[u8]) -> Vec<Found> {
    let mut found = searcher.find(bytes);
    if !bytes.ends_with(b"\n")
        && let Some(cut_off) = searcher.find_cut_off(bytes)
        && found
            .last()
            .is_none_or(|last| last.range.end <= cut_off.range.start)
    {
        found.push(cut_off);
    }
    found
}

/// The secrets of an env file: values of variables named like one, values shaped like a provider's
/// key, and the password of any URL; of eight bytes or more, however weak, that are no placeholder.
/// One with a digit (`secret123`) counts: it is more likely a weak password in use than a word that a
/// log may say by itself.
pub fn secrets_of(file: &EnvFile) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for assignment in file.assignments() {
        let value = assignment.value.expose();
        if names_a_secret(&assignment.name) || recognise(value).is_some() {
            secrets.push(assignment.value.clone());
        }
        if let Some(password) = url_password(value) {
            secrets.push(Secret::new(password));
        }
    }
    secrets.retain(|secret| {
        let value = secret.expose();
        let has_digit = value.iter().any(u8::is_ascii_digit);
        value.len() >= SHORTEST && (has_digit || placeholder(value).is_none())
    });
    secrets
}

/// Mailers and databases shorten the word, too.
fn names_a_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    is_secret_name(name) || ["_PASS", "_PWD"].iter().any(|end| upper.ends_with(end))
}

/// `PASSWORD` of `scheme://user:PASSWORD@host`.
fn url_password(value: &[u8]) -> Option<&[u8]> {
    let at = memchr::memmem::find(value, b"://")?;
    let rest = &value[at + 3..];
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
        .unwrap_or(rest.len());
    let user_end = rest[..end].iter().rposition(|byte| *byte == b'@')?;
    let colon = rest[..user_end].iter().position(|byte| *byte == b':')?;
    Some(&rest[colon + 1..user_end])
}

/// How a value may be written in a log, each spelling once; what is escaped of it, the [`Searcher`]
/// reads.
pub fn spellings(value: &[u8]) -> Vec<Vec<u8>> {
    let blank_as_plus = |byte: &u8| if *byte == b' ' { b'+' } else { *byte };
    let mut all = vec![
        value.to_vec(),
        // Forms, whose blanks become plus signs.
        value.iter().map(blank_as_plus).collect(),
    ];
    // A value of several lines is cut at its line ends by any logger of lines.
    all.extend(
        value
            .split(|byte| *byte == b'\n')
            .filter(|line| line.len() < value.len() && line.len() >= 2 * SHORTEST)
            .map(<[u8]>::to_vec),
    );
    order::sort(&mut all);
    all.dedup();
    all
}
