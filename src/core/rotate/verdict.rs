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
mod tests {
    use super::*;
    use crate::rotate::providers;

    /// (provider, status, body, verdict), as the providers' own pages document them.
    const ANSWERS: &[(&str, u16, &str, Verdict)] = {
        use Verdict::*;
        &[
            ("anthropic", 200, r#"{"data":[],"has_more":false}"#, Live),
            (
                "anthropic",
                401,
                r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
                Dead,
            ),
            (
                "anthropic",
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#,
                LiveNoFunds,
            ),
            (
                "anthropic",
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. usage limit"}}"#,
                LiveNoFunds,
            ),
            (
                "anthropic",
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"bad"}}"#,
                Unknown,
            ),
            (
                "anthropic",
                403,
                r#"{"type":"error","error":{"type":"permission_error","message":"Your API key does not have permission"}}"#,
                LiveScoped,
            ),
            (
                "anthropic",
                403,
                r#"{"error":{"type":"forbidden","message":"Request not allowed"}}"#,
                Blocked,
            ),
            (
                "anthropic",
                429,
                r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}"#,
                LiveThrottled,
            ),
            (
                "anthropic",
                529,
                r#"{"type":"error","error":{"type":"overloaded_error"}}"#,
                Unknown,
            ),
            ("anthropic", 401, "<html>portal</html>", Unknown),
            (
                "anthropic",
                401,
                r#"{"message":"log in to the Wi-Fi"}"#,
                Unknown,
            ),
            ("anthropic", 200, "<html>portal</html>", Unknown),
            ("anthropic", 200, r#"{"ok":true}"#, Unknown),
            ("anthropic", 302, r#"{"data":[]}"#, Unknown),
            ("anthropic", 403, "<html>blocked</html>", Unknown),
            (
                "openai",
                401,
                r#"{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}"#,
                Dead,
            ),
            (
                "openai",
                403,
                r#"{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: api.model.read"}}"#,
                LiveScoped,
            ),
            (
                "openai",
                401,
                r#"{"error":{"message":"Your IP is not allowed","code":"ip_not_authorized"}}"#,
                Blocked,
            ),
            (
                "openai",
                403,
                r#"{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported"}}"#,
                Blocked,
            ),
            (
                "openai",
                429,
                r#"{"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}}"#,
                LiveNoFunds,
            ),
            ("openai", 503, r#"{"error":{"message":"down"}}"#, Unknown),
            (
                "openrouter",
                200,
                r#"{"data":{"label":"x","is_management_key":false}}"#,
                Live,
            ),
            (
                "openrouter",
                200,
                r#"{"data":{"label":"x","is_management_key":true}}"#,
                NotRuntime,
            ),
            (
                "openrouter",
                401,
                r#"{"error":{"message":"User not found.","code":401}}"#,
                Dead,
            ),
            (
                "openrouter",
                402,
                r#"{"error":{"message":"Insufficient credits","code":402}}"#,
                LiveNoFunds,
            ),
            ("gemini", 200, r#"{"models":[]}"#, Live),
            (
                "gemini",
                400,
                r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
                Dead,
            ),
            (
                "gemini",
                400,
                r#"{"error":{"code":400,"message":"bad page size","status":"INVALID_ARGUMENT"}}"#,
                Unknown,
            ),
            (
                "gemini",
                400,
                r#"{"error":{"code":400,"message":"billing","status":"FAILED_PRECONDITION"}}"#,
                LiveNoFunds,
            ),
            (
                "gemini",
                403,
                r#"{"error":{"code":403,"message":"Your API key was reported as leaked.","status":"PERMISSION_DENIED"}}"#,
                Blocked,
            ),
            (
                "gemini",
                403,
                r#"{"error":{"code":403,"message":"Requests are blocked.","details":[{"reason":"API_KEY_SERVICE_BLOCKED"}]}}"#,
                Blocked,
            ),
            (
                "gemini",
                401,
                r#"{"error":{"code":401,"message":"no","status":"UNAUTHENTICATED"}}"#,
                Unknown,
            ),
            (
                "groq",
                401,
                r#"{"error":{"message":"Invalid API Key","code":"invalid_api_key"}}"#,
                Dead,
            ),
            (
                "xai",
                200,
                r#"{"redacted_api_key":"xai-...b14o","api_key_blocked":false,"api_key_disabled":false,"team_blocked":false}"#,
                Live,
            ),
            (
                "xai",
                200,
                r#"{"redacted_api_key":"xai-...b14o","api_key_blocked":false,"api_key_disabled":true}"#,
                Dead,
            ),
            (
                "xai",
                400,
                r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***"}"#,
                Dead,
            ),
            (
                "xai",
                400,
                r#"{"code":"Client specified an invalid argument","error":"bad page"}"#,
                Unknown,
            ),
            (
                "mistral",
                401,
                r#"{"message":"Unauthorized","request_id":"x"}"#,
                Dead,
            ),
            (
                "deepseek",
                200,
                r#"{"is_available":false,"balance_infos":[]}"#,
                LiveNoFunds,
            ),
            (
                "deepseek",
                200,
                r#"{"is_available":true,"balance_infos":[]}"#,
                Live,
            ),
            ("together", 200, "[]", Live),
            ("cohere", 200, r#"{"valid":true}"#, Live),
            ("cohere", 200, r#"{"valid":false}"#, Dead),
            (
                "huggingface",
                401,
                r#"{"error":"Invalid credentials in Authorization header"}"#,
                Dead,
            ),
            (
                "telegram",
                200,
                r#"{"ok":true,"result":{"id":1,"is_bot":true}}"#,
                Live,
            ),
            (
                "telegram",
                401,
                r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#,
                Dead,
            ),
            (
                "telegram",
                404,
                r#"{"ok":false,"error_code":404,"description":"Not Found"}"#,
                Dead,
            ),
            ("telegram", 404, "<html>nginx</html>", Unknown),
            (
                "discord",
                401,
                r#"{"message":"401: Unauthorized","code":0}"#,
                Dead,
            ),
            ("slack", 200, r#"{"ok":true,"team_id":"T1"}"#, Live),
            (
                "slack",
                200,
                r#"{"ok":false,"error":"token_revoked"}"#,
                Dead,
            ),
            ("slack", 200, r#"{"ok":false,"error":"invalid_auth"}"#, Dead),
            (
                "slack",
                200,
                r#"{"ok":false,"error":"missing_scope"}"#,
                LiveScoped,
            ),
            (
                "slack",
                200,
                r#"{"ok":false,"error":"internal_error"}"#,
                Unknown,
            ),
            ("github", 401, r#"{"message":"Bad credentials"}"#, Dead),
            (
                "github",
                403,
                r#"{"message":"API rate limit exceeded"}"#,
                LiveThrottled,
            ),
            (
                "github",
                403,
                r#"{"message":"Resource not accessible by personal access token"}"#,
                LiveScoped,
            ),
            ("github", 404, r#"{"message":"Not Found"}"#, Unknown),
            (
                "cloudflare",
                200,
                r#"{"success":true,"result":{"id":"x","status":"active"}}"#,
                Live,
            ),
            (
                "cloudflare",
                200,
                r#"{"success":true,"result":{"id":"x","status":"disabled"}}"#,
                Dead,
            ),
            (
                "cloudflare",
                401,
                r#"{"success":false,"errors":[{"code":1000,"message":"Invalid API Token"}]}"#,
                Dead,
            ),
            (
                "elevenlabs",
                401,
                r#"{"detail":{"status":"invalid_api_key","message":"no"}}"#,
                Dead,
            ),
            (
                "elevenlabs",
                401,
                r#"{"detail":{"status":"missing_permissions","message":"user_read"}}"#,
                LiveScoped,
            ),
        ]
    };

    #[test]
    fn documented_answers_mean_what_the_providers_say() {
        for (id, status, body, expected) in ANSWERS {
            let provider = providers::find(id).unwrap();
            let reply = Ok(Reply::made_of(*status, body));
            let answer = judge(provider, provider.probe.as_ref().unwrap(), &reply);
            assert_eq!(answer.verdict, *expected, "{id} {status} {body}");
        }
    }

    #[test]
    fn silence_decides_nothing_for_any_provider() {
        for provider in providers::PROVIDERS {
            let Some(probe) = &provider.probe else {
                continue;
            };
            for silence in [Silence::TimedOut, Silence::Failed, Silence::Interrupted] {
                let answer = judge(provider, probe, &Err(silence));
                assert_eq!(answer.verdict, Verdict::Unknown);
            }
            for status in [
                200, 204, 301, 400, 401, 403, 404, 407, 418, 429, 500, 502, 503,
            ] {
                for body in ["", "null", "true", "<html></html>", "{", "\"text\""] {
                    let reply = Ok(Reply::made_of(status, body));
                    let answer = judge(provider, probe, &reply);
                    assert_eq!(
                        answer.verdict,
                        Verdict::Unknown,
                        "{} {status} {body}",
                        provider.id
                    );
                }
            }
        }
    }

    #[test]
    fn dates_of_providers_are_read() {
        for text in ["2026-12-31T23:59:59Z", "2026-12-31 23:59:59 UTC"] {
            assert_eq!(moment(text), "2026-12-31T23:59:59Z".parse().ok(), "{text}");
        }
        assert_eq!(moment("never"), None);
    }
}
