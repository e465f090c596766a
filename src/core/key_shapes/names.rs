//! Which variable names promise a secret.

use super::providers;

/// Endings of names that hold secrets.
const SECRET_ENDINGS: &[&str] = &[
    "KEY",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PRIVATE_KEY",
    "AUTHKEY",
];

/// Endings of names that speak about a secret and hold none.
const PLAIN_ENDINGS: &[&str] = &[
    "SHA256",
    "HASH",
    "DIGEST",
    "FINGERPRINT",
    "ID",
    "FILE",
    "PATH",
    "TTL",
    "LENGTH",
    "HEADER",
    "PATTERN",
    "URL",
];

/// Words that make a key a public one.
const PUBLIC_WORDS: &[&str] = &["PUBLIC", "PUBLISHABLE", "RECIPIENT"];

/// Whether a variable of this name holds a secret, in any case of its letters.
///
/// Names that end in `_KEY`, `_TOKEN`, `_SECRET`, `_PASSWORD`, `_PASSWD`, `_PRIVATE_KEY`, `_AUTHKEY`, these words
/// alone, and the providers' variables; not those that end in `_SHA256`, `_FILE`, `_ID` and the like or hold the
/// word `PUBLIC`, `PUBLISHABLE` or `RECIPIENT`.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let ends_in = |ending: &&str| {
        name.strip_suffix(*ending)
            .is_some_and(|start| start.is_empty() || start.ends_with('_'))
    };
    let is_public = name
        .split('_')
        .any(|word| PUBLIC_WORDS.iter().any(|public| word.starts_with(public)));
    !is_public
        && !PLAIN_ENDINGS.iter().any(&ends_in)
        && (SECRET_ENDINGS.iter().any(ends_in) || providers::by_variable(&name).is_some())
}
