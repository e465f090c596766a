//! What a provider's answer says about a key: judged by its body, never by its status alone.

use jiff::Timestamp;
use serde_json::Value;

use super::client::{Reply, Silence};
use super::providers::{Place, Probe, Provider, When};

/// What is known about a key after one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It works.
    Live,
    /// It works, with fewer rights than the question needed.
    LiveScoped,
    /// It works, and the account has no money or has reached a limit of its own.
    LiveNoFunds,
    /// It works, and asks too often.
    LiveThrottled,
    /// It works, and is a key that administers: nothing for a bot.
    NotRuntime,
    /// The provider refuses it.
    Dead,
    /// This address or region is refused, or Google blocked it: nothing is said about the key.
    Blocked,
    /// Nothing can be concluded.
    Unknown,
}

impl Verdict {
    /// Whether the key is accepted.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            Self::Live | Self::LiveScoped | Self::LiveNoFunds | Self::LiveThrottled
        )
    }

    /// The verdict as the end of "the provider …".
    pub fn words(self) -> &'static str {
        match self {
            Self::Live => "accepts it",
            Self::LiveScoped => "accepts it, with restricted rights",
            Self::LiveNoFunds => "accepts it, and the account is out of credit or at a limit",
            Self::LiveThrottled => "accepts it, and limits its requests at the moment",
            Self::NotRuntime => "says it is a management key",
            Self::Dead => "refuses it",
            Self::Blocked => "blocks it, or this machine's address or region",
            Self::Unknown => "gives no answer that decides",
        }
    }
}

/// What one question brought to light.
#[derive(Debug, Clone)]
pub struct Answer {
    /// About the key.
    pub verdict: Verdict,
    /// Whose key it is, where the answer says so.
    pub principal: Option<String>,
    /// When the key ends, where the answer says so.
    pub expires_at: Option<Timestamp>,
    /// Whether nothing came at all before the time was up.
    pub hung: bool,
}

/// Judges an answer. Every doubt ends in [`Verdict::Unknown`].
pub fn judge(provider: &Provider, probe: &Probe, reply: &Result<Reply, Silence>) -> Answer {
    let reply = match reply {
        Ok(reply) => reply,
        Err(silence) => {
            return Answer {
                verdict: Verdict::Unknown,
                principal: None,
                expires_at: None,
                hung: *silence == Silence::TimedOut,
            };
        }
    };
    let body: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let body = body.filter(|body| body.is_object() || body.is_array());
    let verdict = body
        .as_ref()
        .map_or(Verdict::Unknown, |body| verdict(probe, reply.status, body));
    let found = |place: Option<Place>| match place? {
        _ if !verdict.is_live() => None,
        Place::Header(name) => reply.header(name),
        Place::Body(pointer) => text_at(body.as_ref()?, pointer),
    };
    Answer {
        verdict,
        principal: found(provider.principal),
        expires_at: found(provider.expires).and_then(|text| moment(&text)),
        hung: false,
    }
}

fn verdict(probe: &Probe, status: u16, body: &Value) -> Verdict {
    let is_success = (200..300).contains(&status);
    if !is_success && !(400..500).contains(&status) {
        return Verdict::Unknown;
    }
    let has_shape = |pointers: &[&str]| {
        pointers.iter().any(|pointer| match body.pointer(pointer) {
            Some(found) if pointer.is_empty() => found.is_array(),
            Some(found) => !found.is_null(),
            None => false,
        })
    };
    if !is_success && !has_shape(probe.error_shape) {
        return Verdict::Unknown;
    }
    let says = text_of(body);
    let rule = probe.rules.iter().find(|rule| {
        rule.status.contains(&status)
            && match rule.when {
                When::Is(pointer, texts) => {
                    text_at(body, pointer).is_some_and(|text| texts.contains(&text.as_str()))
                }
                When::Flag(pointers, flag) => pointers
                    .iter()
                    .any(|pointer| body.pointer(pointer).and_then(Value::as_bool) == Some(flag)),
                When::Says(needles) => holds_any(&says, needles),
            }
    });
    if let Some(rule) = rule {
        return rule.means;
    }
    match status {
        200..300 if has_shape(probe.shape) => Verdict::Live,
        200..300 => Verdict::Unknown,
        401 if holds_any(&says, ADDRESS_WORDS) => Verdict::Blocked,
        403 if holds_any(&says, REGION_WORDS) => Verdict::Blocked,
        _ if probe.refused.contains(&status) => Verdict::Dead,
        402 => Verdict::LiveNoFunds,
        429 if holds_any(&says, &["quota", "credit", "billing"]) => Verdict::LiveNoFunds,
        429 => Verdict::LiveThrottled,
        403 if holds_any(&says, PERMISSION_WORDS) => Verdict::LiveScoped,
        _ => Verdict::Unknown,
    }
}

/// A list of addresses that the key may be used from.
const ADDRESS_WORDS: &[&str] = &["ip address", "ip allow", "allowlist", "whitelist", "ip_"];
/// The place on earth, or the way there.
const REGION_WORDS: &[&str] = &[
    "region",
    "country",
    "territory",
    "location",
    "ip address",
    "ip allow",
];
/// What the key may do.
const PERMISSION_WORDS: &[&str] = &[
    "permission",
    "scope",
    "not accessible",
    "forbidden",
    "not allowed",
    "access",
];

fn holds_any(text: &str, needles: &[&str]) -> bool {
    needles.iter().any(|needle| text.contains(needle))
}

/// RFC 3339, or GitHub's `2026-12-31 23:59:59 UTC`.
fn moment(text: &str) -> Option<Timestamp> {
    let github = || {
        let moment = text.strip_suffix(" UTC")?.replacen(' ', "T", 1);
        format!("{moment}Z").parse().ok()
    };
    text.parse().ok().or_else(github)
}

/// A text or a number, as text.
pub fn text_at(body: &Value, pointer: &str) -> Option<String> {
    match body.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// All texts of a body in small letters.
fn text_of(body: &Value) -> String {
    fn collect(value: &Value, into: &mut String) {
        match value {
            Value::String(text) => {
                into.push_str(&text.to_lowercase());
                into.push('\n');
            }
            Value::Array(entries) => entries.iter().for_each(|entry| collect(entry, into)),
            Value::Object(fields) => fields.values().for_each(|field| collect(field, into)),
            _ => {}
        }
    }
    let mut text = String::new();
    collect(body, &mut text);
    text
}

#[cfg(test)]
mod tests;
