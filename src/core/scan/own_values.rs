//! The env file's own values, searched for wherever they stand and in every form they take.

mod wrapped;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;

use aho_corasick::AhoCorasick;
use aho_corasick::packed::{self, Searcher};
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;

use crate::env_file::Assignment;
use crate::key_shapes;
use crate::order;
use crate::placeholder::{is_no_secret, placeholder};
use crate::redact::{json_escaped, percent_encoded};
use crate::secret::Secret;
use crate::strength;

/// Signs that an encoder leaves alone besides those of RFC 3986: none, Python's `quote`,
/// JavaScript's `encodeURIComponent` and `encodeURI`.
const KEPT_BY_ENCODERS: [&str; 4] = ["", "/", "!'()*", "!'()*;/?:@&=+$,#"];
/// How encoders of JSON write what they may leave alone, as `\u00e4`: these signs, whether all beyond
/// ASCII, and whether with capital digits. Python and PHP; Java; Go and Ruby; .NET.
const CODED_BY_JSON: [(&str, bool, bool); 4] = [
    ("", true, false),
    ("", true, true),
    ("<>&", false, false),
    ("\"&'+<>`", true, true),
];
/// A shorter value would be found everywhere.
const SHORTEST_VALUE: usize = 8;
/// Teddy, the packed searcher, takes at most this many needles.
const NEEDLES_PER_SEARCHER: usize = 64;
/// With more searchers than this, one automaton is faster.
const MOST_SEARCHERS: usize = 8;
/// A value without a telling name is a secret from so many bits and characters on.
const SECRET_BITS: f64 = 96.0;
const SECRET_CHARACTERS: usize = 20;

/// A value to search for, and its variable.
#[derive(Debug, Clone)]
pub struct OwnValue {
    /// The variable's name.
    pub name: String,
    /// Its value.
    pub value: Secret,
}

/// The values worth a search: secret by name or by randomness, no placeholders, 8 bytes or more.
pub fn worth_a_search<'a>(assignments: impl IntoIterator<Item = &'a Assignment>) -> Vec<OwnValue> {
    let mut values: Vec<OwnValue> = Vec::new();
    // By hash, so that no second copy of a secret lies about.
    let hasher = RandomState::new();
    let mut places: HashMap<u64, usize> = HashMap::new();
    for assignment in assignments {
        for value in secret_parts(assignment) {
            let place = places
                .entry(hasher.hash_one(&value))
                .or_insert(values.len());
            let is_known = values
                .get(*place)
                .is_some_and(|known| known.value.expose() == value);
            if value.len() >= SHORTEST_VALUE && !is_known {
                values.push(OwnValue {
                    name: assignment.name.clone(),
                    value: Secret::new(value),
                });
            }
        }
    }
    values
}

/// Adds a secret that stands in no env file, if it is long enough and not there yet.
pub fn add_to(values: &mut Vec<OwnValue>, name: &str, value: &Secret) {
    let is_known = values.iter().any(|known| known.value == *value);
    if value.len() >= SHORTEST_VALUE && !is_known {
        values.push(OwnValue {
            name: name.to_owned(),
            value: value.clone(),
        });
    }
}

/// The whole value, of a URL its password too; nothing where it is no secret.
pub(super) fn secret_parts(assignment: &Assignment) -> Vec<Vec<u8>> {
    let value = assignment.value.expose();
    if is_reference(value) || is_no_secret(value) {
        return Vec::new();
    }
    let password = url_password(value);
    let is_secret = key_shapes::is_secret_name(&assignment.name)
        || password.is_some()
        || key_shapes::recognise(value).is_some()
        || is_random(&assignment.name, value);
    // The dearest question comes last: most values of a large file are no secret at all.
    if !is_secret || placeholder(value).is_some() {
        return Vec::new();
    }
    let mut parts = vec![value.to_vec()];
    if let Some(password) = password.filter(|password| placeholder(password).is_none()) {
        parts.push(password);
    }
    parts
}

fn is_reference(value: &[u8]) -> bool {
    const REFERENCES: [&[u8]; 6] = [b"op://", b"vault:", b"encrypted:", b"ENC[", b"${", b"$("];
    REFERENCES.iter().any(|start| value.starts_with(start))
}

fn is_random(name: &str, value: &[u8]) -> bool {
    let upper = name.to_ascii_uppercase();
    let speaks_about = [
        "_SHA256",
        "_HASH",
        "_DIGEST",
        "_FINGERPRINT",
        "_ID",
        "_FILE",
        "_PATH",
        "_IMAGE",
        "_DSN",
        "_URL",
        "_COMMIT",
        "_REVISION",
        "_VERSION",
    ];
    let is_key_like = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-.~".contains(byte);
    value.len() >= SECRET_CHARACTERS
        && !speaks_about.iter().any(|ending| upper.ends_with(ending))
        && !["PUBLIC", "PUBLISHABLE", "RECIPIENT"]
            .iter()
            .any(|word| upper.contains(word))
        && value.iter().all(is_key_like)
        && !value.starts_with(b"/")
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic)
        && strength::estimate(value).bits >= SECRET_BITS
}

/// The password of `scheme://user:password@host`, decoded.
fn url_password(value: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value).ok()?;
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let (user, _) = authority.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    (!password.is_empty()).then(|| percent_decode_str(password).collect())
}

/// Finds own values.
pub(super) struct OwnValues {
    values: Vec<OwnValue>,
    needles: Vec<Needle>,
    search: Search,
}

struct Needle {
    bytes: Secret,
    value: usize,
}

enum Search {
    Nothing,
    /// Groups of needles, each with the index of its first one.
    Packed(Vec<(usize, Searcher)>),
    Automaton(Box<AhoCorasick>),
}

impl OwnValues {
    pub(super) fn new(values: Vec<OwnValue>) -> Self {
        let mut needles: Vec<Needle> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for (index, own) in values.iter().enumerate() {
            for form in forms(own.value.expose()) {
                if seen.insert(form.clone()) {
                    needles.push(Needle {
                        bytes: Secret::new(form),
                        value: index,
                    });
                }
            }
        }
        let search = search(&needles);
        Self {
            values,
            needles,
            search,
        }
    }

    pub(super) fn value(&self, index: usize) -> &OwnValue {
        &self.values[index]
    }

    fn each_hit(&self, text: &[u8], hit: &mut dyn FnMut(Range<usize>, usize)) {
        let mut add = |needle: &Needle, start: usize| {
            hit(start..start + needle.bytes.len(), needle.value);
        };
        match &self.search {
            Search::Nothing => {}
            Search::Packed(groups) => {
                for (first, searcher) in groups {
                    for hit in searcher.find_iter(text) {
                        add(&self.needles[first + hit.pattern().as_usize()], hit.start());
                    }
                }
            }
            Search::Automaton(automaton) => {
                for hit in automaton.find_iter(text) {
                    add(&self.needles[hit.pattern().as_usize()], hit.start());
                }
            }
        }
    }

    /// Every place of every value, the longest where several begin, in the order of the text.
    pub(super) fn find_all(&self, text: &[u8]) -> Vec<(Range<usize>, usize)> {
        let mut found: Vec<(Range<usize>, usize)> = Vec::new();
        if matches!(self.search, Search::Nothing) {
            return found;
        }
        self.each_hit(text, &mut |range, value| found.push((range, value)));
        for block in wrapped::blocks(text) {
            self.each_hit(block.text(), &mut |range, value| {
                found.push((block.place(range), value));
            });
        }
        order::sort_by_key(&mut found, |(range, _)| {
            (range.start, std::cmp::Reverse(range.end))
        });
        let mut end = 0;
        found.retain(|(range, _)| {
            let is_free = range.start >= end;
            if is_free {
                end = range.end;
            }
            is_free
        });
        found
    }
}

fn search(needles: &[Needle]) -> Search {
    if needles.is_empty() {
        return Search::Nothing;
    }
    let longest_first = aho_corasick::MatchKind::LeftmostLongest;
    if needles.len() <= NEEDLES_PER_SEARCHER * MOST_SEARCHERS {
        let groups: Option<Vec<(usize, Searcher)>> = needles
            .chunks(NEEDLES_PER_SEARCHER)
            .enumerate()
            .map(|(index, group)| {
                let searcher = packed::Config::new()
                    .match_kind(packed::MatchKind::LeftmostLongest)
                    .builder()
                    .extend(group.iter().map(|needle| needle.bytes.expose()))
                    .build()?;
                Some((index * NEEDLES_PER_SEARCHER, searcher))
            })
            .collect();
        if let Some(groups) = groups {
            return Search::Packed(groups);
        }
    }
    let automaton = AhoCorasick::builder()
        .match_kind(longest_first)
        .build(needles.iter().map(|needle| needle.bytes.expose()));
    automaton.map_or(Search::Nothing, |automaton| {
        Search::Automaton(Box::new(automaton))
    })
}

/// The forms in which a value stands in files.
fn forms(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![value.to_vec()];
    forms.extend(json_forms(value));
    for percent in percent_forms(value) {
        forms.push(lower_case_codes(&percent));
        forms.push(percent);
    }
    for skipped in 0..3 {
        forms.push(aligned(&STANDARD_NO_PAD, value, skipped));
        forms.push(aligned(&URL_SAFE_NO_PAD, value, skipped));
    }
    if let Ok(text) = std::str::from_utf8(value) {
        forms.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    }
    forms.retain(|form| form.len() >= SHORTEST_VALUE);
    forms
}

/// As encoders of JSON write a value between quotes, with slashes as they are and escaped.
fn json_forms(value: &[u8]) -> Vec<Vec<u8>> {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let coded = CODED_BY_JSON
        .iter()
        .filter_map(|(signs, beyond_ascii, capital)| {
            let is_coded = |sign: char| signs.contains(sign) || *beyond_ascii && !sign.is_ascii();
            text.contains(is_coded)
                .then(|| with_codes(text, &is_coded, *capital))
        });
    let mut forms: Vec<Vec<u8>> = std::iter::once(json_escaped(value)).chain(coded).collect();
    for at in 0..forms.len() {
        forms.push(replaced(&forms[at], b"/", b"\\/"));
    }
    forms
}

/// With some characters as the codes of their UTF-16 units.
fn with_codes(text: &str, is_coded: &dyn Fn(char) -> bool, capital: bool) -> Vec<u8> {
    let mut form = Vec::new();
    for sign in text.chars() {
        if !is_coded(sign) {
            form.extend(json_escaped(sign.encode_utf8(&mut [0; 4]).as_bytes()));
            continue;
        }
        for unit in sign.encode_utf16(&mut [0; 2]) {
            let code = match capital {
                true => format!("\\u{unit:04X}"),
                false => format!("\\u{unit:04x}"),
            };
            form.extend(code.into_bytes());
        }
    }
    form
}

/// Encoders differ in the signs that they leave alone, and forms write a blank as `+`.
fn percent_forms(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for kept in KEPT_BY_ENCODERS {
        let form = with_kept(value, kept.as_bytes());
        forms.push(replaced(&form, b"%20", b"+"));
        forms.push(form);
    }
    // Browsers and Java encode the tilde, too.
    let of_forms = replaced(&with_kept(value, b"*"), b"%20", b"+");
    forms.push(replaced(&of_forms, b"~", b"%7E"));
    forms
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut end = 0;
    for at in memchr::memmem::find_iter(text, from) {
        result.extend_from_slice(&text[end..at]);
        result.extend_from_slice(to);
        end = at + from.len();
    }
    result.extend_from_slice(&text[end..]);
    result
}

/// As RFC 3986 has it, but with these signs as they are.
fn with_kept(value: &[u8], kept: &[u8]) -> Vec<u8> {
    let parts = value.iter().map(|byte| match kept.contains(byte) {
        true => vec![*byte],
        false => percent_encoded(&[*byte]),
    });
    parts.flatten().collect()
}

/// Percent codes with small letters; everything else stays.
fn lower_case_codes(encoded: &[u8]) -> Vec<u8> {
    let mut lower = encoded.to_vec();
    for at in 0..lower.len() {
        if lower[at] == b'%' {
            let end = (at + 3).min(lower.len());
            lower[at + 1..end].make_ascii_lowercase();
        }
    }
    lower
}

/// Those base64 digits that depend on the value alone when `skipped` bytes stand before it in its
/// group of three.
fn aligned(engine: &impl base64::Engine, value: &[u8], skipped: usize) -> Vec<u8> {
    let mut padded = vec![0; skipped];
    padded.extend_from_slice(value);
    let encoded = engine.encode(&padded).into_bytes();
    let first = (skipped * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    encoded[first..last].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env_file::EnvFile;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;

    fn searcher(value: &[u8]) -> OwnValues {
        OwnValues::new(vec![OwnValue {
            name: "KEY".to_owned(),
            value: Secret::new(value),
        }])
    }

    proptest! {
        #[test]
        fn a_value_is_found_in_every_form(
            value in prop::collection::vec(any::<u8>(), 8..60),
            before in prop::collection::vec(any::<u8>(), 0..9),
            after in prop::collection::vec(any::<u8>(), 0..9),
        ) {
            let own = searcher(&value);
            let around = [before.as_slice(), &value, &after].concat();
            for text in [around.clone(), STANDARD.encode(&around).into_bytes(),
                         URL_SAFE.encode(&around).into_bytes(), percent_encoded(&around)] {
                prop_assert!(!own.find_all(&text).is_empty());
            }
        }

        #[test]
        fn a_text_is_found_with_escapes_and_in_utf_16(value in "[ -~é]{8,40}") {
            let own = searcher(value.as_bytes());
            let json = serde_json::to_string(&value).unwrap();
            let utf16: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
            for text in [json.clone().into_bytes(), json.replace('/', "\\/").into_bytes(), utf16] {
                prop_assert!(!own.find_all(&text).is_empty());
            }
        }
    }

    #[test]
    fn a_value_in_base64_of_many_lines_is_found_where_it_begins() {
        let value = b"q8ZrT2mXv9LbN4wKc7YpD3sHf6Jg";
        let own = searcher(value);
        for before in 0..140 {
            let file = [vec![b'#'; before], value.to_vec(), vec![b'='; 90]].concat();
            let encoded = STANDARD.encode(&file);
            for (width, line_end) in [(76, "\n"), (64, "\r\n"), (60, "\n    ")] {
                let lines: Vec<&str> = (0..encoded.len())
                    .step_by(width)
                    .map(|at| &encoded[at..(at + width).min(encoded.len())])
                    .collect();
                let text = format!("data: |\n    {}\n", lines.join(line_end));
                let found = own.find_all(text.as_bytes());
                assert_eq!(found.len(), 1, "{before} {width}");
                let first = (before * 8).div_ceil(6);
                let at = 12 + first + first / width * line_end.len();
                assert_eq!(found[0].0.start, at, "{before} {width}");
            }
        }
    }

    #[test]
    fn a_value_is_found_as_usual_encoders_write_json() {
        let own = searcher("pä/ss\"w0rd+<🦞>".as_bytes());
        for text in [
            r#"pä/ss\"w0rd+<🦞>"#,
            r#"p\u00e4/ss\"w0rd+<\ud83e\udd9e>"#,
            r#"p\u00e4\/ss\"w0rd+<\ud83e\udd9e>"#,
            r#"p\u00E4/ss\"w0rd+<\uD83E\uDD9E>"#,
            r#"pä/ss\"w0rd+\u003c🦞\u003e"#,
            r#"p\u00E4/ss\u0022w0rd\u002B\u003C\uD83E\uDD9E\u003E"#,
        ] {
            assert_eq!(own.find_all(text.as_bytes()).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_value_is_found_as_usual_encoders_write_it() {
        let own = searcher(b"pa/ss (w0rd)!*~'x");
        for text in [
            "pa/ss%20%28w0rd%29%21%2A~%27x",
            "pa%2fss%20(w0rd)!*~'x",
            "pa%2Fss%20(w0rd)!*~'x",
            "pa/ss%20(w0rd)!*~'x",
            "pa%2Fss+%28w0rd%29%21%2A~%27x",
            "pa%2fss+%28w0rd%29%21*%7e%27x",
        ] {
            assert_eq!(own.find_all(text.as_bytes()).len(), 1, "{text}");
        }
    }

    #[test]
    fn only_what_is_secret_by_name_or_by_randomness_is_searched() {
        let file = EnvFile::parse(
            "GATEWAY_PASSWORD=hunter2-blue\n\
             API_KEY=your-secret-key-here\n\
             SHORT_KEY=abc1234\n\
             PORT=18789\n\
             DATA_DIR=/var/lib/openclaw/data\n\
             ORIGINS=https://one.example,https://two.example\n\
             IMAGE=ghcr.io/openclaw/openclaw:2026.11.1\n\
             OP_TOKEN=op://vault/item/field\n\
             DATABASE_URL=postgres://bot:s3cr3t%2Fpass@db/x\n\
             SALT=q8ZrT2mXv9LbN4wKc7YpD3sHf6Jg\n\
             IMAGE_SHA256=0b1c8f2d9e3a4756f8e7d6c5b4a3928170615243f4e5d6c7b8a99887766554433\n",
        );
        let names: Vec<String> = worth_a_search(file.assignments())
            .into_iter()
            .map(|own| own.name)
            .collect();
        assert_eq!(
            names,
            ["GATEWAY_PASSWORD", "DATABASE_URL", "DATABASE_URL", "SALT"]
        );
    }

    #[test]
    fn a_value_that_stands_twice_is_searched_once() {
        let file = EnvFile::parse("A_KEY=q8ZrT2mXv9Lb\nB_KEY=abc\nC_KEY=abc\nD_KEY=q8ZrT2mXv9Lb\n");
        let values = worth_a_search(file.assignments());
        assert_eq!(values.len(), 1);
        assert_eq!(values[0].name, "A_KEY");
    }

    #[test]
    fn a_thousand_values_are_found_as_well_as_one() {
        let values = (0..1000).map(|number| OwnValue {
            name: format!("K{number}"),
            value: Secret::new(format!("value-{number:05}-of-many")),
        });
        let own = OwnValues::new(values.collect());
        let found = own.find_all(b"x value-00777-of-many y");
        assert_eq!(found, [(2..21, 777)]);
    }
}
