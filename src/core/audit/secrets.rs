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
    searcher: Option<Searcher>,
    shown: Vec<String>,
}

/// Finds spellings in a text, whichever of their characters are percent-encoded.
#[derive(Debug, Clone)]
pub struct Searcher {
    automaton: AhoCorasick,
    longest: usize,
}

/// Where a spelling stands, and which one it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The bytes of the text, as they stand there.
    pub range: Range<usize>,
    /// The place of the spelling among those that were given.
    pub spelling: usize,
}

impl Searcher {
    /// For these spellings; nothing where there are none, or too many.
    pub fn new(spellings: &[Vec<u8>]) -> Option<Self> {
        if spellings.is_empty() {
            return None;
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(spellings)
            .ok()?;
        let longest = spellings.iter().map(Vec::len).max().unwrap_or(0);
        Some(Self { automaton, longest })
    }

    /// How long a spelling can be in a text, in bytes: with each of its own written as `%XX`.
    pub fn longest(&self) -> usize {
        3 * self.longest
    }

    /// Where spellings stand in `bytes`, in order; what overlaps is one.
    pub fn find(&self, bytes: &[u8]) -> Vec<Found> {
        let hits = self.automaton.find_iter(bytes).map(|hit| Found {
            range: hit.range(),
            spelling: hit.pattern().as_usize(),
        });
        let mut found: Vec<Found> = hits.collect();
        if let Some(decoded) = Decoded::of(bytes, self.longest()) {
            let hits = self.automaton.find_iter(&decoded.text).map(|hit| Found {
                range: decoded.starts[hit.start()]..decoded.starts[hit.end()],
                spelling: hit.pattern().as_usize(),
            });
            found.extend(hits);
            order::sort_by_key(&mut found, |one| one.range.start);
            found.dedup_by(|later, earlier| {
                let overlaps = later.range.start < earlier.range.end;
                if overlaps {
                    earlier.range.end = earlier.range.end.max(later.range.end);
                }
                overlaps
            });
        }
        found
    }
}

/// A part of a text with its `%XX` decoded.
struct Decoded {
    text: Vec<u8>,
    /// Where each byte begins in the original, and where the last one ends.
    starts: Vec<usize>,
}

impl Decoded {
    /// The part that holds all `%XX`, and `margin` bytes around it; nothing where there are none.
    fn of(bytes: &[u8], margin: usize) -> Option<Self> {
        let first = memchr::memchr_iter(b'%', bytes).find(|at| escaped(bytes, *at).is_some())?;
        let last = memchr::memrchr(b'%', bytes).unwrap_or(first);
        let end = last.saturating_add(margin).min(bytes.len());
        let mut at = first.saturating_sub(margin);
        let mut decoded = Self {
            text: Vec::with_capacity(end - at),
            starts: Vec::with_capacity(end - at + 1),
        };
        while at < end {
            decoded.starts.push(at);
            let escaped = escaped(bytes, at);
            decoded.text.push(escaped.unwrap_or(bytes[at]));
            at += if escaped.is_some() { 3 } else { 1 };
        }
        decoded.starts.push(at);
        Some(decoded)
    }
}

/// The byte that `%XX` at this place stands for.
fn escaped(bytes: &[u8], at: usize) -> Option<u8> {
    let [b'%', high, low] = bytes.get(at..at + 3)? else {
        return None;
    };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
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
        let found = searcher.flat_map(|searcher| searcher.find(bytes));
        found.map(|found| found.range).collect()
    }

    /// The bytes with fingerprints in the place of secrets.
    pub fn replace<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let Some(searcher) = &self.searcher else {
            return Cow::Borrowed(bytes);
        };
        let mut cleaned = Vec::new();
        let mut end = 0;
        for found in searcher.find(bytes) {
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

/// How a value may be written in a log, each spelling once; what is percent-encoded of it, the
/// [`Searcher`] reads.
pub fn spellings(value: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![
        value.to_vec(),
        replaced(value, b'/', b"\\/"),
        // Forms, whose blanks become plus signs.
        replaced(value, b' ', b"+"),
    ];
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

/// What writers of JSON escape beyond what they must: none, Go's for HTML, Gson.
const ESCAPED_IN_JSON: [&[u8]; 3] = [b"", b"<>&", b"<>&='"];

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
    fn every_usual_writer_of_json_is_known() {
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
        ] {
            let all = of(value);
            assert!(all.contains(&written.as_bytes().to_vec()), "{written}");
        }
        assert_eq!(of("q7Gdx2Lw9ZtB4mVrKpQe8s").len(), 1);
    }

    #[test]
    fn any_of_a_value_s_characters_may_be_percent_encoded_in_either_case() {
        for (value, written) in [
            // encodeURIComponent, encodeURI and URLSearchParams.
            ("a/b!(c)'*~", "a%2Fb!(c)'*~"),
            ("a/b ü#", "a/b%20%C3%BC#"),
            ("a/b c!~*", "a%2Fb+c%21%7E*"),
            ("a/b c!~*", "a%2fb+c%21%7e*"),
            // Python's quote, and one digit of each case.
            ("x7/Jm2Qp+T0vLw9sZc4=", "x7/Jm2Qp%2BT0vLw9sZc4%3D"),
            ("x7/Jm2Qp+T0vLw9sZc4=", "%787/Jm2Qp%2bT0vLw9sZc4%3d"),
            ("a/b+c=d", r"a\/b%2Bc%3dd"),
            ("100%25+b", "100%25+b"),
            ("100%25+b", "100%2525+b"),
        ] {
            let searcher = Searcher::new(&spellings(value.as_bytes())).unwrap();
            for (before, after) in [("", ""), ("k=", "&x=1"), ("%41 ", "%4"), ("% ", "%zz%41")] {
                let text = format!("{before}{written}{after}");
                let found: Vec<_> = searcher.find(text.as_bytes());
                let expected = before.len()..before.len() + written.len();
                assert_eq!(found.len(), 1, "{text}");
                assert_eq!(found[0].range, expected, "{text}");
            }
            assert!(written.len() <= searcher.longest());
        }
        let searcher = Searcher::new(&spellings(b"a/b+c=d")).unwrap();
        for text in ["a%2Gb+c=d", "a%2", "%", "a%2Fb%2Bc%3", "%%%%%%"] {
            assert_eq!(searcher.find(text.as_bytes()), [], "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn an_encoded_value_is_found_wherever_it_stands(
            value in "[ -~ü]{8,30}",
            which in proptest::collection::vec(0..3u8, 64),
            before in "[a-z%0-9]{0,9}",
        ) {
            let encode = |(byte, how): (u8, &u8)| match how {
                0 => vec![byte],
                1 => format!("%{byte:02x}").into_bytes(),
                _ => format!("%{byte:02X}").into_bytes(),
            };
            let written: Vec<u8> = value.bytes().zip(which.iter().cycle()).flat_map(encode).collect();
            let text = [before.as_bytes(), b" ", &written, b" "].concat();
            let searcher = Searcher::new(&spellings(value.as_bytes())).unwrap();
            let holds_it = searcher.find(&text).into_iter().any(|found| {
                found.range.start <= before.len() + 1 && found.range.end >= text.len() - 1
            });
            // A value that itself holds what looks encoded may be read in another way.
            proptest::prop_assert!(holds_it || value.contains('%'));
        }
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
