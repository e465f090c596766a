//! Finds keys by the name beside them: an assignment in any common language or format.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::packed::{self, Searcher};

use super::made_up::{is_made_up, shannon_bits};
use super::named_rules::{
    FRAGMENTS, NAMED_RULES, NOISE, NamedRule, PLAIN_ENDINGS, PUBLIC_WORDS, SECRET_WORDS,
};
use super::references::is_reference;
use crate::key_shapes::{self, KEY_SHAPES, KeyShape};
use crate::order;
use crate::placeholder::placeholder;
use crate::strength;

/// A line is looked at so many bytes to each side of a name.
const REACH: usize = 2 << 10;
/// At most this many names to the left of a value may belong to it.
const MOST_NAMES: usize = 5;
/// Bits per character of what was drawn by a generator, at least.
const BITS_PER_CHARACTER: f64 = 3.0;
/// A password that a person chose is one from this many bits on.
const PASSWORD_BITS: f64 = 36.0;
/// The shortest value of a rule without a shape, in bytes.
const SHORTEST_PASSWORD: usize = 8;
const NEEDLES_PER_SEARCHER: usize = 64;

/// Every key that its name gives away, in the order of the text.
pub(super) fn find_all(text: &[u8]) -> Vec<(Range<usize>, &'static KeyShape)> {
    let mut found = Vec::new();
    for place in places(text) {
        found.extend(keys_in(text, place.clone()));
        found.extend(gateway_object(text, place));
    }
    order::sort_by_key(&mut found, |(range, _)| range.start);
    found.dedup_by(|later, earlier| later.0.start < earlier.0.end);
    found
}

/// The lines that hold a name, joined where they overlap.
fn places(text: &[u8]) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    let mut hits: Vec<usize> = Vec::new();
    for searcher in searchers() {
        hits.extend(searcher.find_iter(text).map(|hit| hit.start()));
    }
    order::sort(&mut hits);
    for at in hits {
        if places.last().is_some_and(|last| at + 32 < last.end) {
            continue;
        }
        let place = surroundings(text, at);
        match places.last_mut() {
            Some(last) if place.start < last.end && last.end - last.start < 2 * REACH => {
                last.end = last.end.max(place.end);
            }
            _ => places.push(place),
        }
    }
    places
}

fn searchers() -> &'static [Searcher] {
    static SEARCHERS: OnceLock<Vec<Searcher>> = OnceLock::new();
    SEARCHERS.get_or_init(|| {
        let group = |group: &[&str]| {
            packed::Config::new()
                .builder()
                .extend(group.iter().map(|fragment| fragment.as_bytes()))
                .build()
        };
        let fragments: Vec<&str> = FRAGMENTS.split_whitespace().collect();
        fragments
            .chunks(NEEDLES_PER_SEARCHER)
            .filter_map(group)
            .collect()
    })
}

/// The line around `at`, with the next one where that goes on with the value.
fn surroundings(text: &[u8], at: usize) -> Range<usize> {
    let least = at.saturating_sub(REACH);
    let most = (at + REACH).min(text.len());
    let start = memchr::memrchr(b'\n', &text[least..at]).map_or(least, |found| least + found + 1);
    let mut end = line_end(text, at, most);
    for _ in 0..3 {
        let next = end + 1;
        if next >= most || !goes_on(&text[start..end], &text[next..most]) {
            break;
        }
        end = line_end(text, next, most);
    }
    start..end
}

fn line_end(text: &[u8], from: usize, most: usize) -> usize {
    memchr::memchr(b'\n', &text[from..most]).map_or(most, |found| from + found)
}

/// Whether the value of this line's name stands on the next one.
fn goes_on(line: &[u8], next: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let next = next.trim_ascii_start();
    let next = next.strip_prefix(b"- ").unwrap_or(next);
    let next = match next.first() {
        Some(b'"' | b'\'') => &next[1..],
        _ => next,
    };
    let begins = |word: &[u8]| {
        next.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    line.ends_with(b"\\")
        || line.ends_with(b"=")
        || line.ends_with(b"(")
        || line.ends_with(b":")
        || begins(b"value")
        || begins(b"<string>")
        || begins(b"<value>")
        || begins(b"default")
}

/// The keys in one place.
fn keys_in(text: &[u8], place: Range<usize>) -> Vec<(Range<usize>, &'static KeyShape)> {
    let mut found = Vec::new();
    let line = &text[place.clone()];
    let mut at = 0;
    while at < line.len() {
        let Some(value) = next_value(line, at) else {
            break;
        };
        at = value.end.max(at + 1);
        if value.len() < SHORTEST_PASSWORD {
            continue;
        }
        let hit = first_fitting(line, value.clone(), fitting);
        // What a generator draws may begin with a dash, as an option does.
        let hit = hit.or_else(|| {
            let dashes = dashes_before(line, value.start);
            (dashes > 0)
                .then(|| first_fitting(line, value.start - dashes..value.end, shaped))
                .flatten()
        });
        if let Some((range, shape)) = hit {
            at = range.end.max(at);
            found.push((place.start + range.start..place.start + range.end, shape));
        }
    }
    found
}

type Found = (Range<usize>, &'static KeyShape);

/// What the first rule that the names speak of makes of a value.
fn first_fitting(
    line: &[u8],
    value: Range<usize>,
    fits: fn(&NamedRule, &[u8], Range<usize>) -> Option<Found>,
) -> Option<Found> {
    let names = names_before(line, value.start);
    if names.is_empty() {
        return None;
    }
    NAMED_RULES
        .iter()
        .filter(|rule| is_named(rule, &names, line))
        .find_map(|rule| fits(rule, line, value.clone()))
}

/// The next run of characters of a value.
fn next_value(line: &[u8], from: usize) -> Option<Range<usize>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-+/.~".contains(byte);
    let start = from + line[from..].iter().position(is_part)?;
    let length = line[start..]
        .iter()
        .take_while(|byte| is_part(byte))
        .count();
    let mut range = start..start + length;
    while range.len() > 1 && b".-".contains(&line[range.start]) {
        range.start += 1;
    }
    // The letter of an escape sequence is not part of what follows it.
    if range.start > 0 && line[range.start - 1] == b'\\' && b"nrt".contains(&line[range.start]) {
        range.start += 1;
    }
    while range.len() > 1 && line[range.end - 1] == b'.' {
        range.end -= 1;
    }
    Some(range)
}

fn dashes_before(line: &[u8], at: usize) -> usize {
    let before = line[..at].iter().rev();
    before.take_while(|byte| **byte == b'-').count()
}

/// The names to the left of a value, the nearest first, as capitals with underscores; empty where
/// no separator stands between.
fn names_before(line: &[u8], value: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut end = value;
    // The fallback of a shell's `${NAME:-value}`.
    if line[..end].ends_with(b":-") {
        end -= 1;
    }
    while names.len() < MOST_NAMES {
        let glue = line[..end]
            .iter()
            .rev()
            .take(40)
            .take_while(|byte| is_glue(**byte))
            .count();
        if glue == 0 {
            break;
        }
        end -= glue;
        let length = line[..end]
            .iter()
            .rev()
            .take(80)
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte))
            .count();
        if length == 0 {
            break;
        }
        let mut start = end - length;
        let next = start;
        if start > 0 && line[start - 1] == b'\\' && b"nrt".contains(&line[start]) {
            start += 1;
        }
        names.push(screaming(&line[start..end]));
        end = next;
    }
    names
}

fn is_glue(byte: u8) -> bool {
    b" \t\r\n\"'`\\=:>,?<([{|/;&*#@%!]})$".contains(&byte)
}

/// `apiKey`, `api-key` and `api.key` as `API_KEY`.
pub(super) fn screaming(name: &[u8]) -> String {
    let mut screaming = String::with_capacity(name.len() + 4);
    for (at, byte) in name.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| name[before]);
        let begins_a_word = byte.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_uppercase()
                        && name.get(at + 1).is_some_and(u8::is_ascii_lowercase)
            });
        if begins_a_word {
            screaming.push('_');
        }
        match byte {
            b'-' | b'.' => screaming.push('_'),
            other => screaming.push(other.to_ascii_uppercase() as char),
        }
    }
    screaming.trim_matches('_').to_owned()
}

/// Whether the names beside a value, or the provider's name on the line, speak of this rule.
fn is_named(rule: &NamedRule, names: &[String], line: &[u8]) -> bool {
    let mut names = names.iter().filter(|name| !holds(NOISE, name)).peekable();
    let Some(nearest) = names.peek() else {
        return false;
    };
    if speaks_about(nearest) {
        return false;
    }
    if is_variable(rule, nearest) {
        return true;
    }
    let mut words = nearest.split('_');
    let is_secret = words.any(|word| holds(SECRET_WORDS, word)) || nearest.ends_with("APIKEY");
    let is_provider = rule
        .provider
        .iter()
        .any(|provider| nearest.to_ascii_lowercase() == provider.replace('.', "_"));
    (is_secret || is_provider)
        && !rule.provider.is_empty()
        && rule
            .provider
            .iter()
            .any(|provider| has_word(line, provider))
}

fn holds(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|listed| listed == word)
}

fn speaks_about(name: &str) -> bool {
    PLAIN_ENDINGS.split_whitespace().any(|ending| {
        name.strip_suffix(ending)
            .is_some_and(|start| start.is_empty() || start.ends_with('_'))
    }) || PUBLIC_WORDS
        .split_whitespace()
        .any(|word| name.contains(word))
}

fn is_variable(rule: &NamedRule, name: &str) -> bool {
    rule.variables.iter().any(|variable| {
        name.match_indices(variable).any(|(at, _)| {
            let before = at == 0 || name[..at].ends_with('_');
            let after = &name[at + variable.len()..];
            before && (after.is_empty() || after.starts_with('_'))
        })
    })
}

/// Whether the line holds the word in any case, with no letter right before it.
fn has_word(line: &[u8], word: &str) -> bool {
    let word = word.as_bytes();
    line.windows(word.len()).enumerate().any(|(at, window)| {
        let follows_a_letter = at > 0
            && line[at - 1].is_ascii_alphabetic()
            && !(line[at].is_ascii_uppercase() && line[at - 1].is_ascii_lowercase());
        let precedes_a_letter = word.len() <= 4
            && line
                .get(at + word.len())
                .is_some_and(u8::is_ascii_lowercase);
        window.eq_ignore_ascii_case(word) && !follows_a_letter && !precedes_a_letter
    })
}

fn fitting(rule: &NamedRule, line: &[u8], value: Range<usize>) -> Option<Found> {
    shaped(rule, line, value.clone()).or_else(|| free(rule, line, value))
}

/// A key of the rule's own shape.
fn shaped(rule: &NamedRule, line: &[u8], value: Range<usize>) -> Option<Found> {
    let shape = shape_of(rule)?;
    let text = &line[value.clone()];
    let is_key = shape.matches(text) && !key_shapes::refuted(text) && is_drawn(text);
    is_key.then_some((value, shape))
}

/// A key of a rule without a shape.
fn free(rule: &NamedRule, line: &[u8], value: Range<usize>) -> Option<Found> {
    if !rule.shape.starts_with("openclaw-") {
        return None;
    }
    let shape = shape_of(rule)?;
    let value = whole_value(line, value);
    let is_quoted = value.start > 0 && b"\"'`".contains(&line[value.start - 1]);
    is_password(&line[value.clone()], is_quoted).then_some((value, shape))
}

fn shape_of(rule: &NamedRule) -> Option<&'static KeyShape> {
    KEY_SHAPES.iter().find(|shape| shape.id == rule.shape)
}

/// Up to the closing quote, else to the next blank or closing bracket.
fn whole_value(line: &[u8], value: Range<usize>) -> Range<usize> {
    let before = value.start.checked_sub(1).map(|at| line[at]);
    let quote = before.filter(|byte| b"\"'`".contains(byte));
    let is_end = |byte: &u8| match quote {
        Some(quote) => *byte == quote || *byte == b'\\' || *byte == b'\n',
        None => byte.is_ascii_whitespace() || b"\"'`,;)]}<&".contains(byte),
    };
    let length = line[value.start..].iter().position(is_end);
    value.start..length.map_or(line.len(), |length| value.start + length)
}

/// Whether a generator may have drawn it.
fn is_drawn(text: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| text.iter().any(is);
    shannon_bits(text) >= BITS_PER_CHARACTER
        && (has(u8::is_ascii_digit) || has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase))
        && !is_made_up(text)
        && placeholder(text).is_none()
}

/// Whether a person or a generator may have made it, and it is no reference or expression.
fn is_password(text: &[u8], is_quoted: bool) -> bool {
    let is_expression = |byte: &u8| b"(${<[ ".contains(byte);
    let has = |is: fn(&u8) -> bool| text.iter().any(is);
    // Letters and signs without a quote are rather an expression.
    let is_plain = is_quoted || text.iter().all(u8::is_ascii_alphabetic);
    let mixes = has(u8::is_ascii_digit)
        || is_plain && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    text.len() >= SHORTEST_PASSWORD
        && text.len() <= 512
        && mixes
        && !text.iter().any(is_expression)
        && !is_reference(text)
        && memchr::memmem::find(text, b"://").is_none_or(|at| at >= 8)
        && !text.starts_with(b"vault:")
        && !text.starts_with(b"encrypted:")
        && !is_made_up(text)
        && !key_shapes::refuted(text)
        && placeholder(text).is_none()
        && shannon_bits(text) >= BITS_PER_CHARACTER - 0.25
        && strength::estimate(text).bits >= PASSWORD_BITS
}

/// `gateway: { auth: { token: "…" } }` of upstream's configuration, on as many lines as it takes.
fn gateway_object(text: &[u8], place: Range<usize>) -> Vec<(Range<usize>, &'static KeyShape)> {
    let most = (place.start + 4 * REACH).min(text.len());
    let region = &text[place.start..most];
    let mut found = Vec::new();
    let Some(gateway) = opened(region, 0, b"gateway") else {
        return found;
    };
    let Some(auth) = opened(region, gateway, b"auth") else {
        return found;
    };
    let body = object_body(region, auth);
    for (field, id) in [
        (b"token".as_slice(), "openclaw-gateway-token"),
        (b"password", "openclaw-gateway-password"),
    ] {
        let value = field_value(region, body.clone(), field);
        let value = value.filter(|value| is_password(&region[value.clone()], true));
        let shape = KEY_SHAPES.iter().find(|shape| shape.id == id);
        if let (Some(value), Some(shape)) = (value, shape) {
            found.push((place.start + value.start..place.start + value.end, shape));
        }
    }
    found
}

/// Behind the brace that opens the object called `name`.
fn opened(region: &[u8], from: usize, name: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(&region[from..], name).find_map(|at| {
        let after = from + at + name.len();
        let glue = region[after..]
            .iter()
            .take_while(|byte| b" \t\r\n\"':\\".contains(byte))
            .count();
        let has_colon = region[after..after + glue].contains(&b':');
        (has_colon && region.get(after + glue) == Some(&b'{')).then_some(after + glue + 1)
    })
}

/// Up to the brace that closes what was opened before `start`.
fn object_body(region: &[u8], start: usize) -> Range<usize> {
    let mut depth = 1;
    for (at, byte) in region.iter().enumerate().skip(start) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return start..at;
        }
    }
    start..region.len()
}

fn field_value(region: &[u8], body: Range<usize>, field: &[u8]) -> Option<Range<usize>> {
    memchr::memmem::find_iter(&region[body.clone()], field).find_map(|at| {
        let after = body.start + at + field.len();
        let glue = region[after..body.end]
            .iter()
            .take_while(|byte| b" \t\r\n\"':\\".contains(byte))
            .count();
        if !region[after..after + glue].contains(&b':') {
            return None;
        }
        let start = after + glue;
        let length = region[start..body.end]
            .iter()
            .position(|byte| b"\"'\n\\".contains(byte))?;
        Some(start..start + length)
    })
}
