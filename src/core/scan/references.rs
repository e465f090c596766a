//! Values that lead to a secret and are none: names and paths of words, versions.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Letters a word, at least: what a generator draws changes its case more often.
const LETTERS_PER_WORD: usize = 3;
/// Of so many letters one is a vowel, at least.
const LETTERS_PER_VOWEL: usize = 4;
/// A number in a name has so many digits at most: `sha256`.
const MOST_DIGITS: usize = 3;
/// From this many words on, with a number among them, it is no password that a person chose.
const LEAST_WORDS: usize = 3;
/// A key in base64 has at least this many bytes.
const LEAST_KEY_BYTES: usize = 16;
/// Words behind a version.
const STAGES: &str = "alpha beta rc dev pre post snapshot final canary nightly next build";

/// Whether it is a name, a path or a version.
pub(super) fn is_reference(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else {
        return false;
    };
    is_name(text) || is_variable_of_windows(text) || is_version(text) || is_path(text)
}

/// Whether an unquoted value is an expression of a program: `b.Qx7.token2;`, `a ?? b`, the last
/// argument of a call.
pub(super) fn is_expression(line: &[u8], value: &Range<usize>) -> bool {
    if is_line_of_settings(line, value) {
        return false;
    }
    let text = &line[value.clone()];
    let before = line[..value.start].trim_ascii_end().last();
    let after = line[value.end..].trim_ascii_start().first();
    let is_identifier = |part: &[u8]| {
        part.first().is_some_and(|first| !first.is_ascii_digit())
            && part
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_$".contains(byte))
    };
    let parts: Vec<&[u8]> = text.split(|byte| *byte == b'.').collect();
    let is_chain = parts.iter().all(|part| is_identifier(part));
    let is_in_code = after.is_some_and(|byte| b",;)]}?|".contains(byte));
    // Minified programs have short names, and a line of them may end anywhere.
    let is_path = is_chain && parts.len() > 1 && (is_in_code || parts[0].len() <= 2);
    let is_argument = is_chain && matches!((before, after), (Some(b',' | b'('), Some(b')')));
    let has_operator = [b"??".as_slice(), b"||"]
        .iter()
        .any(|sign| memchr::memmem::find(text, sign).is_some());
    is_path || is_argument || has_operator
}

/// Whether the line is `NAME=VALUE` and nothing else, as files of settings and shells have it.
fn is_line_of_settings(line: &[u8], value: &Range<usize>) -> bool {
    let Some(name) = line[..value.start].strip_suffix(b"=") else {
        return false;
    };
    let name = name.trim_ascii_start();
    let name = [b"export ".as_slice(), b"ENV ", b"set ", b"-e "]
        .iter()
        .find_map(|word| name.strip_prefix(*word))
        .unwrap_or(name);
    !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        && line[value.end..].trim_ascii().is_empty()
}

/// Whether a name stands right before an unquoted value: `NAME=`, `name: `.
pub(super) fn is_behind_a_name(line: &[u8], value: &Range<usize>) -> bool {
    let before = &line[..value.start];
    let name = match before.strip_suffix(b"=") {
        Some(name) => name,
        None => before.trim_ascii_end().strip_suffix(b":").unwrap_or(b""),
    };
    name.last()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Whether a line has nothing but a name and an unquoted value that is no comparison, as files of
/// settings have it.
pub(super) fn is_setting(line: &[u8], value: &Range<usize>) -> bool {
    const OPERATORS: [&[u8]; 6] = [b"==", b"!=", b"=>", b"->", b"&&", b"++"];
    let is_pair = || {
        let name = line[..value.start].trim_ascii().strip_suffix(b":");
        let name = name.map(|name| name.strip_prefix(b"- ").unwrap_or(name));
        name.is_some_and(|name| {
            name.iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte))
        }) && line[value.end..].trim_ascii().is_empty()
    };
    let text = &line[value.clone()];
    let has = |operator: &[u8]| memchr::memmem::find(text, operator).is_some();
    (is_line_of_settings(line, value) || is_pair()) && !OPERATORS.into_iter().any(has)
}

/// Whether camel case has words that no generator draws, with or without a number at its end.
pub(super) fn is_camel_case(text: &[u8]) -> bool {
    let words = std::str::from_utf8(text)
        .ok()
        .and_then(|text| words_of(text, &['.', '_', '-']));
    words.is_some_and(|words| words.len() >= LEAST_WORDS && are_words(&words))
}

/// Whether the value only says what it is for: `e2e-gateway-token-for-tests` of `GATEWAY_TOKEN`.
pub(super) fn describes(text: &[u8], variable: &str) -> bool {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let joined = text.replace(['-', '_', '.', ' '], "");
    let name = variable.replace('_', "").to_ascii_lowercase();
    let digits = text.as_bytes().split(|byte| !byte.is_ascii_digit());
    joined.contains(&name)
        && text.contains(['-', '_', '.', ' '])
        && digits.map(<[u8]>::len).max().unwrap_or_default() <= MOST_DIGITS
        && text.split(['-', '_', '.', ' ']).all(|word| {
            word.len() <= MOST_DIGITS || word.bytes().all(|byte| byte.is_ascii_lowercase())
        })
}

/// `cfg.oauth2.gateway_token`, `OPENCLAW_GATEWAY_TOKEN_V2`, `gatewayPassword`.
fn is_name(text: &str) -> bool {
    let path = text.replace("?.", ".").replace("!.", ".");
    let path = path.replace("->", ".").replace("::", ".");
    let has_digit = path.bytes().any(|byte| byte.is_ascii_digit());
    // With a number, `correct-horse-7` is rather a passphrase.
    let separators: &[char] = match has_digit {
        true => &['.', '_'],
        false => &['.', '_', '-'],
    };
    // A number at the end of camel case is what people put behind a password.
    let is_camel = !path.contains(separators);
    let is_chosen = is_camel && path.ends_with(|last: char| last.is_ascii_digit());
    let least = if has_digit { LEAST_WORDS } else { 1 };
    let words = words_of(&path, separators);
    !is_chosen && words.is_some_and(|words| words.len() >= least && are_words(&words))
}

fn is_variable_of_windows(text: &str) -> bool {
    let name = text.strip_suffix('%').unwrap_or_default();
    let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    name.contains('_') && name.bytes().all(is_part)
}

/// `1.20.3-alpha1`.
fn is_version(text: &str) -> bool {
    let text = text.strip_prefix('v').unwrap_or(text);
    let is_number = |part: &str| part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_stage = |part: &str| {
        let word = part.trim_end_matches(|last: char| last.is_ascii_digit());
        let number = &part[word.len()..];
        STAGES.split_whitespace().any(|stage| stage == word) && is_number(number)
    };
    let mut parts = text.split(['.', '-', '+']).filter(|part| !part.is_empty());
    text.contains('.') && parts.all(|part| is_number(part) || is_stage(part))
}

/// `/run/secrets/key2`, `projects/1234/secrets/web-api-key/versions/3`; base64 has slashes, too.
fn is_path(text: &str) -> bool {
    if text.starts_with("./") || text.starts_with("../") {
        return true;
    }
    if text.starts_with('/') {
        return !is_key_in_base64(text);
    }
    let parts: Vec<&str> = text.split('/').collect();
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let words: Option<Vec<Vec<&str>>> = parts
        .iter()
        .filter(|part| !is_number(part))
        .map(|part| words_of(part, &['.', '_', '-']))
        .collect();
    let words = words.map(|words| words.concat());
    parts.len() >= LEAST_WORDS && words.is_some_and(|words| are_words(&words))
}

fn is_key_in_base64(text: &str) -> bool {
    let is_word =
        |part: &str| part.len() >= 3 && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let decoded = STANDARD.decode(text).unwrap_or_default();
    decoded.len() >= LEAST_KEY_BYTES && (text.ends_with('=') || !text.split('/').any(is_word))
}

/// The words of a name, where each part is made of words with a short number behind them.
fn words_of<'t>(text: &'t str, separators: &[char]) -> Option<Vec<&'t str>> {
    let mut words = Vec::new();
    let is_short_number =
        |part: &str| part.len() <= MOST_DIGITS && part.bytes().all(|byte| byte.is_ascii_digit());
    for part in text.split(separators).filter(|part| !is_short_number(part)) {
        let mut rest = part;
        while !rest.is_empty() {
            let (word, after) = first_word(rest)?;
            words.push(word);
            rest = after;
        }
    }
    Some(words)
}

/// `Base` and `UrlString` of `Base64UrlString`.
fn first_word(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let count =
        |from: usize, is: fn(&u8) -> bool| bytes[from..].iter().take_while(|b| is(b)).count();
    let capitals = count(0, u8::is_ascii_uppercase);
    let small = count(capitals, u8::is_ascii_lowercase);
    let length = match (capitals, small) {
        (0 | 1, _) | (_, 0) => capitals + small,
        // The last capital of `XMLHttp` begins the next word.
        _ => capitals - 1,
    };
    let digits = count(length, u8::is_ascii_digit);
    let end = length + digits;
    let begins_a_word = || {
        let is_small = bytes.get(end + 1).is_some_and(u8::is_ascii_lowercase);
        bytes[end].is_ascii_uppercase() && is_small
    };
    let is_whole = digits == 0 || end == bytes.len() || begins_a_word();
    (length > 0 && digits <= MOST_DIGITS && is_whole).then(|| (&text[..length], &text[end..]))
}

/// Whether a person rather than a generator made them.
fn are_words(words: &[&str]) -> bool {
    let is_vowel = |byte: &u8| b"aeiouy".contains(&byte.to_ascii_lowercase());
    let vowels = |word: &str| word.as_bytes().iter().filter(|byte| is_vowel(byte)).count();
    let letters: usize = words.iter().map(|word| word.len()).sum();
    let all_vowels: usize = words.iter().map(|word| vowels(word)).sum();
    let single = words.iter().filter(|word| word.len() == 1).count();
    !words.is_empty()
        && letters >= LETTERS_PER_WORD * words.len()
        && all_vowels * LETTERS_PER_VOWEL >= letters
        && single <= 1 + words.len() / 6
        && words.iter().all(|word| word.len() < 4 || vowels(word) > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    #[test]
    fn names_paths_and_versions_are_references() {
        for text in [
            "process.env.OPENCLAW_GATEWAY_TOKEN_V2",
            "import.meta.env.VITE_GATEWAY_TOKEN_V2",
            "process?.env?.GATEWAY_TOKEN_V2",
            "cfg.oauth2.gateway_token",
            "cfg->gateway->token_v2",
            "settings.v2.webApiKey",
            "Base64UrlString",
            "HexSha256Digest",
            "hex_sha256_digest",
            "gateway_auth_token_2",
            "gatewayPassword",
            "correct-horse-battery",
            "ENV_TOKEN_V2%",
            "1.20.3-alpha1",
            "v2026.11.1-rc.2",
            "projects/1234/secrets/web-api-key/versions/3",
            "/run/secrets/web_api_key2",
            "/run/secrets/gatewayTokenNumber2",
            "./secrets/key1",
        ] {
            let is_one = is_reference(text.as_bytes());
            assert!(is_one, "{text}");
        }
        for text in [
            "hunter2_blue",
            "HorseBattery7",
            "correct-horse-battery-staple-42",
            "MyPassword2024",
            "qZrTmXvLbNwKcYpDsHfJ",
            "7f3a9c1e5b2d8046af17c3e95d2b8a60",
            "/3q8ZrT2mXv9LbN4wKc7YpD3sHf6JgR5tVx1Bz8EuQ0=",
            "q8Z/T2mXv9Lb/4wKc7YpD3sHf6JgR5tVx1Bz8EuQ0Wd=",
        ] {
            let is_one = is_reference(text.as_bytes());
            assert!(!is_one, "{text}");
        }
    }

    #[test]
    fn an_unquoted_chain_in_code_is_an_expression() {
        for (line, expected) in [
            ("a.TOKEN=b.Qx7.token2", true),
            ("{value:n.t4A.gatewayToken}", true),
            ("key:eve.webApiKey1??t.d2", true),
            ("f(\"TOKEN\",defaultTokenForTests2)", true),
            ("TOKEN=hunter2.blue", false),
            ("TOKEN=q7.Zt8RmK2vLw", false),
            ("export TOKEN=ab.gymMh8WDhF4", false),
            ("TOKEN=hunter2blue", false),
            ("TOKEN=hunter2blue;", false),
            ("TOKEN=7unter.blue,", false),
        ] {
            let start = line.find(['=', ':', ',']).unwrap() + 1;
            let length = line[start..].find([',', ';', '}', ')']);
            let end = length.map_or(line.len(), |length| start + length);
            let is_one = is_expression(line.as_bytes(), &(start..end));
            assert_eq!(is_one, expected, "{line}");
        }
    }

    #[test]
    fn a_value_of_its_own_names_words_describes_itself() {
        assert!(describes(
            b"e2e-gateway-token-for-playwright",
            "GATEWAY_TOKEN"
        ));
        assert!(describes(b"test gateway_token 12", "GATEWAY_TOKEN"));
        assert!(!describes(b"gateway-token-2024", "GATEWAY_TOKEN"));
        assert!(!describes(b"gateway-token-q8zrt2mxv9", "GATEWAY_TOKEN"));
        assert!(!describes(b"e2e-for-playwright", "GATEWAY_TOKEN"));
    }

    #[test]
    fn what_a_generator_draws_is_hardly_ever_a_reference() {
        let mut rng = StdRng::seed_from_u64(5);
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/+";
        for (alphabet, most) in [(52, 90), (62, 5), (63, 5), (65, 5)] {
            let mut wrong = 0;
            for _ in 0..1000 {
                let draw = |_| letters[rng.random_range(0..alphabet)];
                let text: Vec<u8> = (0..24).map(draw).collect();
                wrong += usize::from(text[0] != b'/' && is_reference(&text));
                wrong += usize::from(is_camel_case(&text) && !is_reference(&text));
            }
            assert!(wrong <= most, "{wrong} of {alphabet} letters");
        }
    }
}
