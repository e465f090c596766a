//! Finds keys by the name beside them: an assignment in any common language or format.

mod gateway;
mod names;
mod places;
mod providers;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::OnceLock;

use super::made_up::{is_made_up, shannon_bits};
use super::named_rules::{
    COMMAND, NAMED_RULES, NOISE, NamedRule, OURS, PLAIN_ENDINGS, PUBLIC_WORDS, SECRET_WORDS,
};
use super::references::{
    describes, is_behind_a_name, is_camel_case, is_expression, is_reference, is_setting,
};
use crate::key_shapes::{self, KEY_SHAPES, KeyShape};
use crate::order;
use crate::placeholder::placeholder;
use crate::strength;
use gateway::gateway_objects;
use names::{is_name_itself, names_before};
use places::places;
use providers::Providers;

/// A line is looked at so many bytes to each side of a name.
const REACH: usize = 2 << 10;
/// Bits per character of what was drawn by a generator, at least.
const BITS_PER_CHARACTER: f64 = 3.0;
/// A password that a person chose is one from this many bits on.
const PASSWORD_BITS: f64 = 36.0;
/// The shortest and the longest value of a rule without a shape, in bytes.
const SHORTEST_PASSWORD: usize = 8;
const LONGEST_PASSWORD: usize = 512;
/// `--password=\"`.
const LONGEST_OPTION: usize = 13;

/// Where a key stands, and which it is.
type Found = (Range<usize>, &'static KeyShape);

/// Every key that its name gives away, in the order of the text. The work grows with the text alone,
/// however many names stand on a line: no place is looked at twice, and what is dear is asked last.
pub(super) fn find_all(text: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    for place in places(text) {
        found.extend(gateway_objects(text, &place));
        let keys = keys_in(&text[place.clone()]).into_iter();
        found.extend(
            keys.map(|(range, shape)| (place.start + range.start..place.start + range.end, shape)),
        );
    }
    order::sort_by_key(&mut found, |(range, _)| range.start);
    found.dedup_by(|later, earlier| later.0.start < earlier.0.end);
    found
}

/// The keys in one place.
fn keys_in(line: &[u8]) -> Vec<Found> {
    let providers = Providers::on(line);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(value) = next_value(line, at) {
        at = value.end.max(at + 1);
        let is_short = value.len() < SHORTEST_PASSWORD;
        // What other signs part is rather a reference or an expression: `ssm:/prod`, `a?b:c`.
        let is_parted = matches!(line.get(value.end), Some(b':' | b'?'));
        let may_begin =
            || !is_parted && (is_quoted(line, &value) || is_behind_a_name(line, &value));
        if is_short && !may_begin() || is_name_itself(line, &value) {
            continue;
        }
        let password = whole_value(line, value.clone());
        let is_password = may_be_password(&line[password.clone()], is_quoted(line, &password));
        // `7hG#…`: a password may have its first sign early, but code has many.
        if is_short && !(is_password && (is_quoted(line, &value) || is_setting(line, &password))) {
            continue;
        }
        let hit = first_fitting(
            line,
            value.clone(),
            is_password.then_some(password),
            &providers,
        );
        // What a generator draws may begin with a dash, as an option does.
        let hit = hit.or_else(|| {
            let dashes = dashes_before(line, value.start);
            (dashes > 0)
                .then(|| first_fitting(line, value.start - dashes..value.end, None, &providers))
                .flatten()
        });
        if let Some((range, shape)) = hit {
            at = range.end.max(at);
            found.push((range, shape));
        }
    }
    found
}

/// The rules with their shapes.
fn rules() -> &'static [(&'static NamedRule, &'static KeyShape)] {
    static RULES: OnceLock<Vec<(&'static NamedRule, &'static KeyShape)>> = OnceLock::new();
    RULES.get_or_init(|| {
        let with_shape = |rule: &'static NamedRule| {
            let shape = KEY_SHAPES.iter().find(|shape| shape.id == rule.shape)?;
            Some((rule, shape))
        };
        NAMED_RULES.iter().filter_map(with_shape).collect()
    })
}

/// What the first rule that the names speak of makes of a value, or of the password that begins
/// with it.
fn first_fitting(
    line: &[u8],
    value: Range<usize>,
    password: Option<Range<usize>>,
    providers: &Providers<'_>,
) -> Option<Found> {
    let text = &line[value.clone()];
    // Most words have no rule's shape, and nobody asks for their names.
    let password_of = |rule: &NamedRule| password.clone().filter(|_| rule.is_free());
    let mut fitting = rules()
        .iter()
        .filter(|(rule, shape)| password_of(rule).is_some() || shape.matches(text))
        .peekable();
    fitting.peek()?;
    #[cfg(test)]
    tests::count_work(value.len());
    let names = names_before(line, value.start);
    let names = Names::of(&names)?;
    fitting
        .filter(|(rule, _)| is_named(rule, &names, &value, providers))
        .find_map(|(rule, shape)| match password_of(rule) {
            Some(password) => {
                let is_quoted = is_quoted(line, &password);
                let text = &line[password.clone()];
                let is_code = || !is_quoted && is_expression(line, &password);
                let says_its_name = || rule.variables.iter().any(|name| describes(text, name));
                (is_password(text, is_quoted) && !is_code() && !says_its_name())
                    .then_some((password, *shape))
            }
            None => is_drawn(text).then_some((value.clone(), *shape)),
        })
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

/// What the names beside a value say.
struct Names<'n> {
    /// The nearest that says something.
    nearest: &'n str,
    is_secret: bool,
    /// What holds the nearest one is about digests and the like: `HASHES = {"mistral": …}`.
    is_in_plain: bool,
}

impl<'n> Names<'n> {
    /// Nothing where no name says that a secret follows.
    fn of(names: &'n [String]) -> Option<Self> {
        let mut names = names.iter().filter(|name| !holds(NOISE, name));
        let nearest = names.next()?;
        if speaks_about(nearest) {
            return None;
        }
        let mut words = nearest.split('_');
        let is_secret = words.any(|word| holds(SECRET_WORDS, word)) || nearest.ends_with("APIKEY");
        Some(Self {
            nearest,
            is_secret,
            is_in_plain: names.next().is_some_and(|outer| speaks_about(outer)),
        })
    }
}

/// Whether the names beside a value, or the provider's name on the line, speak of this rule.
fn is_named(
    rule: &NamedRule,
    names: &Names<'_>,
    value: &Range<usize>,
    providers: &Providers<'_>,
) -> bool {
    if is_variable(rule, names.nearest) {
        return true;
    }
    if rule.is_free() {
        return is_our_header_or_option(rule, names.nearest, value, providers);
    }
    // `mistral("…")`, `MistralClient("…")`.
    let nearest = names
        .nearest
        .strip_suffix("_CLIENT")
        .unwrap_or(names.nearest);
    let is_provider = |provider: &&str| {
        let provider = provider.replace('.', "_");
        nearest.eq_ignore_ascii_case(&provider)
    };
    let is_meant = || !names.is_in_plain && rule.provider.iter().any(is_provider);
    (names.is_secret || is_meant())
        && rule
            .provider
            .iter()
            .any(|provider| providers.is_near(provider, value))
}

/// `x-api-key: …` and `openclaw gateway --token …`.
fn is_our_header_or_option(
    rule: &NamedRule,
    name: &str,
    value: &Range<usize>,
    providers: &Providers<'_>,
) -> bool {
    let line = providers.line();
    let is_option = || {
        let before = &line[value.start.saturating_sub(LONGEST_OPTION)..value.start];
        memchr::memmem::find(before, b"--").is_some()
    };
    let is_meant = match (rule.shape, name) {
        ("openclaw-web-api-key", "X_API_KEY") => is_of_256_bits(&line[value.clone()]),
        ("openclaw-gateway-token", "TOKEN") | ("openclaw-gateway-password", "PASSWORD") => {
            return is_option() && providers.is_near(COMMAND, value);
        }
        _ => return false,
    };
    is_meant || providers.is_near(OURS, value)
}

/// The length of 32 random bytes in hex or base64.
fn is_of_256_bits(text: &[u8]) -> bool {
    let is_hex = || text.iter().all(u8::is_ascii_hexdigit);
    text.len() == 43 || text.len() == 64 && is_hex()
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

/// Up to the closing quote, else to the next blank or closing bracket, and not much further than a
/// password is long.
fn whole_value(line: &[u8], value: Range<usize>) -> Range<usize> {
    let before = value.start.checked_sub(1).map(|at| line[at]);
    let quote = before.filter(|byte| b"\"'`".contains(byte));
    let is_end = |byte: &u8| match quote {
        Some(quote) => *byte == quote || *byte == b'\\' || *byte == b'\n',
        None => byte.is_ascii_whitespace() || b"\"'`,;)]}<&".contains(byte),
    };
    let most = (value.start + LONGEST_PASSWORD + 1).min(line.len());
    let length = line[value.start..most].iter().position(is_end);
    value.start..length.map_or(most, |length| value.start + length)
}

fn is_quoted(line: &[u8], value: &Range<usize>) -> bool {
    value.start > 0 && b"\"'`".contains(&line[value.start - 1])
}

/// Whether a generator may have drawn it.
fn is_drawn(text: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| text.iter().any(is);
    !key_shapes::refuted(text)
        && shannon_bits(text) >= BITS_PER_CHARACTER
        && (has(u8::is_ascii_digit) || has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase))
        && !is_made_up(text)
        && !is_camel_case(text)
        && placeholder(text).is_none()
}

/// Whether a value is a key of known form, or one that a rule without a form would take.
pub(super) fn is_hard_to_guess(value: &[u8]) -> bool {
    key_shapes::recognise(value).is_some() || is_password(value, true)
}

/// What tells at once that a text is no password: most words.
fn may_be_password(text: &[u8], is_quoted: bool) -> bool {
    let is_expression = |byte: &u8| b"(${<[ ".contains(byte);
    let has = |is: fn(&u8) -> bool| text.iter().any(is);
    // Letters and signs without a quote are rather an expression.
    let is_plain = || is_quoted || text.iter().all(u8::is_ascii_alphabetic);
    (SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&text.len())
        && (has(u8::is_ascii_digit)
            || has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && is_plain())
        && !text.iter().any(is_expression)
}

/// Whether a person or a generator may have made it, and it is no reference or expression.
fn is_password(text: &[u8], is_quoted: bool) -> bool {
    may_be_password(text, is_quoted)
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
