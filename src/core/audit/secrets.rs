//! Secrets of the env file in a log become their fingerprints, wherever they stand.

use std::borrow::Cow;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::env_file::EnvFile;
use crate::key_shapes::{is_secret_name, recognise};
use crate::order;
use crate::placeholder::placeholder;
use crate::redact::json_escaped;
use crate::secret::Secret;
use crate::state::Fingerprints;

/// A shorter value stands everywhere by chance.
const SHORTEST: usize = 8;

/// Finds the secrets of an env file and knows what stands in their place.
#[derive(Debug, Clone, Default)]
pub struct EnvSecrets {
    searcher: Option<AhoCorasick>,
    shown: Vec<String>,
    longest: usize,
}

impl EnvSecrets {
    /// The secrets of `file` (see [`secrets_of`]). Each is found as it is, percent-encoded, and with
    /// JSON's escapes.
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
        let longest = needles
            .iter()
            .map(|(needle, _)| needle.len())
            .max()
            .unwrap_or(0);
        let searcher = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(needles.iter().map(|(needle, _)| needle))
            .ok()
            .filter(|_| !needles.is_empty());
        Self {
            searcher,
            shown: needles.into_iter().map(|(_, shown)| shown).collect(),
            longest,
        }
    }

    /// Whether there is anything to look for.
    pub fn is_empty(&self) -> bool {
        self.searcher.is_none()
    }

    /// The longest spelling, in bytes: what two pieces of a line must share.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Where secrets stand in `bytes`, in order.
    pub fn find(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        match &self.searcher {
            Some(searcher) => searcher
                .find_iter(bytes)
                .map(|found| found.range())
                .collect(),
            None => Vec::new(),
        }
    }

    /// The bytes with fingerprints in the place of secrets.
    pub fn replace<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let Some(searcher) = &self.searcher else {
            return Cow::Borrowed(bytes);
        };
        let mut cleaned = Vec::new();
        let mut end = 0;
        for found in searcher.find_iter(bytes) {
            cleaned.extend_from_slice(&bytes[end..found.start()]);
            cleaned.extend_from_slice(self.shown[found.pattern().as_usize()].as_bytes());
            end = found.end();
        }
        if end == 0 {
            return Cow::Borrowed(bytes);
        }
        cleaned.extend_from_slice(&bytes[end..]);
        Cow::Owned(cleaned)
    }
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

/// How a value may be written in a log, each spelling once.
pub fn spellings(value: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![value.to_vec(), replaced(value, b'/', b"\\/")];
    for kept in NOT_PERCENT_ENCODED {
        let percent = percent_encoded_but(value, kept);
        all.push(lower_hex(&percent));
        all.push(percent);
    }
    let form = percent_encoded_but(value, NOT_FORM_ENCODED);
    all.push(replaced(&lower_hex(&form), b' ', b"+"));
    all.push(replaced(&form, b' ', b"+"));
    let json = json_escaped(value);
    // A line of JSON inside a line of JSON, as container engines write it.
    all.push(json_escaped(&json));
    for is_ascii in [false, true] {
        for more in ESCAPED_IN_JSON {
            let json = more_escaped(&json, more, is_ascii);
            all.push(replaced(&json, b'/', b"\\/"));
            all.push(json);
        }
    }
    // .NET, which escapes even quotes so, with capital digits.
    let doubled = replaced(value, b'\\', b"\\\\");
    all.push(upper_hex(&more_escaped(&doubled, b"\"&'<>+`", true)));
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

/// What RFC 3986, JavaScript's `encodeURIComponent` and its `encodeURI` leave as it is, beside
/// letters and digits.
const NOT_PERCENT_ENCODED: [&[u8]; 3] = [b"-._~", b"-._~!*'()", b"-._~!*'();/?:@&=+$,#"];
/// The same for forms, whose blanks become plus signs.
const NOT_FORM_ENCODED: &[u8] = b"-._* ";
/// What writers of JSON escape beyond what they must: none, Go's for HTML, Gson.
const ESCAPED_IN_JSON: [&[u8]; 3] = [b"", b"<>&", b"<>&='"];

fn percent_encoded_but(value: &[u8], kept: &[u8]) -> Vec<u8> {
    let encode = |byte: &u8| match byte {
        byte if byte.is_ascii_alphanumeric() || kept.contains(byte) => vec![*byte],
        byte => format!("%{byte:02X}").into_bytes(),
    };
    value.iter().flat_map(encode).collect()
}

/// JSON in which these characters, and those beyond ASCII if so, are escapes (Python, PHP).
fn more_escaped(json: &[u8], more: &[u8], is_ascii: bool) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(json) else {
        return json.to_vec();
    };
    let mut escaped = String::new();
    for character in text.chars() {
        let is_named = u8::try_from(character).is_ok_and(|byte| more.contains(&byte));
        if is_named || (is_ascii && !character.is_ascii()) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(character);
        }
    }
    escaped.into_bytes()
}

/// Escapes of JSON with capital digits.
fn upper_hex(json: &[u8]) -> Vec<u8> {
    let mut upper = json.to_vec();
    for at in 0..upper.len() {
        if upper[at..].starts_with(b"\\u") {
            let end = (at + 6).min(upper.len());
            upper[at + 2..end].make_ascii_uppercase();
        }
    }
    upper
}

fn lower_hex(percent: &[u8]) -> Vec<u8> {
    let mut lower = percent.to_vec();
    for at in 0..lower.len() {
        if lower[at] == b'%' {
            let end = (at + 3).min(lower.len());
            lower[at..end].make_ascii_lowercase();
        }
    }
    lower
}

fn replaced(value: &[u8], byte: u8, by: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(value.len());
    for found in value {
        if *found == byte {
            text.extend_from_slice(by);
        } else {
            text.push(*found);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::StateDir;
    use crate::world::World;

    #[test]
    fn every_spelling_of_a_secret_becomes_one_fingerprint_and_placeholders_stay() {
        let base = tempfile::tempdir().unwrap();
        let world = World::real();
        let fingerprints = StateDir::locate(Some(base.path()), &world)
            .unwrap()
            .fingerprints()
            .unwrap();
        let file =
            EnvFile::parse("WEB_API_KEY='q8/Zr+\"41xYwT'\nAPI_TOKEN=changeme\nPORT=18789123\n");
        let secrets = EnvSecrets::of(&file, &fingerprints);
        let shown = fingerprints.of(b"q8/Zr+\"41xYwT");
        for spelling in [
            "q8/Zr+\"41xYwT",
            "q8/Zr+\\\"41xYwT",
            "q8\\/Zr+\\\"41xYwT",
            "q8%2FZr%2B%2241xYwT",
            "q8%2fZr%2b%2241xYwT",
        ] {
            let line = format!("key={spelling}; changeme 18789123");
            let expected = format!("key={shown}; changeme 18789123");
            assert_eq!(
                secrets.replace(line.as_bytes()),
                expected.as_bytes(),
                "{spelling}"
            );
        }
    }

    #[test]
    fn every_usual_writer_of_json_and_of_urls_is_known() {
        let of = |value: &str| spellings(value.as_bytes());
        for (value, written) in [
            // Python and PHP, Go, Gson, a container engine.
            (r"Grün/weg", r"Gr\u00fcn/weg"),
            (r"Grün/weg", r"Gr\u00fcn\/weg"),
            ("key😀x", r"key\ud83d\ude00x"),
            ("a<b&c>d'=", r"a\u003cb\u0026c\u003ed'="),
            ("a<b&c>d'=", r"a\u003cb\u0026c\u003ed\u0027\u003d"),
            ("a\"b\\c", r#"a\\\"b\\\\c"#),
            ("a\"b+ü\\c", r"a\u0022b\u002B\u00FC\\c"),
            // encodeURIComponent, encodeURI and URLSearchParams.
            ("a/b!(c)'*~", "a%2Fb!(c)'*~"),
            ("a/b ü#", "a/b%20%C3%BC#"),
            ("a/b c!~*", "a%2Fb+c%21%7E*"),
            ("a/b c!~*", "a%2fb+c%21%7e*"),
        ] {
            let all = of(value);
            assert!(all.contains(&written.as_bytes().to_vec()), "{written}");
        }
        assert_eq!(of("q7Gdx2Lw9ZtB4mVrKpQe8s").len(), 1);
    }

    #[test]
    fn weak_values_and_passwords_of_urls_are_secrets_and_placeholders_are_none() {
        let file = EnvFile::parse(
            "WEB_API_KEY=hunter2hunter2\nAPP_TOKEN=aaaaaaaa\nDB_PASS=Blub4711\nSHORT_TOKEN=abc4567\n\
             DATABASE_URL=postgres://mia:Sup3rGeheim@db/app\nAPI_SECRET=changeme\nMODE=production\n\
             ROOT_PASSWORD=secret123\nSMTP_PASSWORD=your-password-here\n",
        );
        let found: Vec<String> = secrets_of(&file)
            .iter()
            .map(|secret| String::from_utf8_lossy(secret.expose()).into_owned())
            .collect();
        assert_eq!(
            found,
            [
                "hunter2hunter2",
                "aaaaaaaa",
                "Blub4711",
                "Sup3rGeheim",
                "secret123"
            ]
        );
    }
}
