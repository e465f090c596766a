//! What single fields state: level, status and outcome, and the kind that follows from them.

use crate::audit::answers::Answers;
use crate::audit::colours::without_colours;
use crate::audit::event::{Kind, Level, Outcome};
use crate::audit::fields::{Fields, Slot, Value};
use crate::audit::words::{Said, outcome_word};

/// What it is about, in the order in which evidence counts.
pub(super) fn kind(
    status: Option<u16>,
    said: Said,
    is_sentence: bool,
    level: Option<Level>,
) -> Kind {
    match status {
        Some(429) => Kind::RateLimit,
        _ if said.rate_limit => Kind::RateLimit,
        Some(401) => Kind::Auth,
        _ if said.auth || is_sentence => Kind::Auth,
        Some(403) => Kind::Access,
        _ if said.refused => Kind::Access,
        Some(500..) => Kind::Error,
        _ if level >= Some(Level::Error) => Kind::Error,
        Some(_) => Kind::Access,
        None => Kind::Other,
    }
}

pub(super) fn outcome_of_status(status: u16) -> Outcome {
    if status < 400 {
        Outcome::Success
    } else {
        Outcome::Failure
    }
}

pub(super) fn level(value: Value<'_>, levels: &mut Answers<Option<Level>>) -> Option<Level> {
    match value {
        Value::Text(word) => level_word(&word, levels),
        Value::Number(digits) => Level::from_number(digits.parse().ok()?),
        _ => None,
    }
}

pub(super) fn level_word(word: &str, levels: &mut Answers<Option<Level>>) -> Option<Level> {
    // What nearly all lines say.
    match word {
        "info" => return Some(Level::Info),
        "warn" => return Some(Level::Warn),
        "error" => return Some(Level::Error),
        "debug" => return Some(Level::Debug),
        _ => {}
    }
    levels.recall(word, |word| {
        let plain = without_colours(word);
        let word = plain.as_deref().unwrap_or(word).trim();
        Level::from_word(word)
            .or_else(|| Level::from_number(word.parse().ok()?))
            .or_else(|| {
                // slog counts from a level: `WARN+2`.
                let (word, steps) = word.split_once(['+', '-'])?;
                let is_steps = !steps.is_empty() && steps.bytes().all(|byte| byte.is_ascii_digit());
                is_steps.then(|| Level::from_word(word))?
            })
    })
}

pub(super) fn number(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Number(digits) => digits.parse().ok(),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

pub(super) fn http_status(value: Value<'_>) -> Option<u16> {
    let status = match &value {
        Value::Number(digits) => match digits.as_bytes() {
            [
                hundreds @ b'1'..=b'5',
                tens @ b'0'..=b'9',
                ones @ b'0'..=b'9',
            ] => {
                let digit = |byte: &u8| u16::from(byte - b'0');
                return Some(100 * digit(hundreds) + 10 * digit(tens) + digit(ones));
            }
            _ => digits.parse().ok()?,
        },
        _ => u16::try_from(number(value)?).ok()?,
    };
    (100..600).contains(&status).then_some(status)
}

/// What fields called outcome, result, success or status say.
pub(super) fn stated_outcome(
    fields: &Fields<'_>,
    outcomes: &mut Answers<Option<Outcome>>,
) -> Option<Outcome> {
    // What nearly all lines say.
    let outcome = match fields.borrowed(Slot::Outcome) {
        Some("success") => Some(Outcome::Success),
        Some("failure") => Some(Outcome::Failure),
        Some(word) => outcomes.recall(word, outcome_word),
        None => None,
    };
    if outcome.is_some() {
        return outcome;
    }
    let mut word = |slot| match fields.get(slot)? {
        Value::Text(text) => outcomes.recall(&text, outcome_word),
        Value::Bool(true) => Some(Outcome::Success),
        Value::Bool(false) => Some(Outcome::Failure),
        _ => None,
    };
    // What is allowed may be counted.
    let is_count = || fields.is_under(Slot::Succeeded, "allowed");
    let by_number = || match fields
        .get(Slot::Succeeded)
        .filter(|_| !is_count())
        .and_then(number)?
    {
        0 => Some(Outcome::Failure),
        1 => Some(Outcome::Success),
        _ => None,
    };
    let by_id = || match fields.get(Slot::StatusId).and_then(number)? {
        1 => Some(Outcome::Success),
        2 => Some(Outcome::Failure),
        _ => None,
    };
    word(Slot::Outcome)
        .or_else(|| word(Slot::Succeeded))
        .or_else(by_number)
        .or_else(by_id)
        .or_else(|| word(Slot::Status))
}
