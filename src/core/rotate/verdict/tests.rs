//! Tests: answers of providers, as their own pages document them, and what they mean.

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

#[test]
fn whose_key_it_is_and_until_when_is_said_of_a_live_key_alone() {
    let asked = |id: &str, reply: Reply| {
        let provider = providers::find(id).unwrap();
        judge(provider, provider.probe.as_ref().unwrap(), &Ok(reply))
    };
    let organization = "anthropic-organization-id";
    let live = asked(
        "anthropic",
        Reply::made_of(200, r#"{"data":[]}"#).with(organization, "org-1"),
    );
    assert_eq!(live.principal.as_deref(), Some("org-1"));
    assert_eq!((live.expires_at, live.hung), (None, false));
    let dead =
        r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#;
    let dead = asked(
        "anthropic",
        Reply::made_of(401, dead).with(organization, "org-1"),
    );
    assert_eq!((dead.verdict, dead.principal), (Verdict::Dead, None));
    let ends =
        r#"{"data":{"label":"x","is_management_key":false,"expires_at":"2026-12-31T23:59:59Z"}}"#;
    let ends = asked("openrouter", Reply::made_of(200, ends));
    assert_eq!(ends.expires_at, "2026-12-31T23:59:59Z".parse().ok());
    let bot = r#"{"ok":true,"result":{"id":17,"is_bot":true}}"#;
    let bot = asked("telegram", Reply::made_of(200, bot));
    assert_eq!(bot.principal.as_deref(), Some("17"));
}

#[test]
fn only_silence_until_the_time_was_up_hangs() {
    let provider = providers::find("anthropic").unwrap();
    let probe = provider.probe.as_ref().unwrap();
    for (silence, hung) in [
        (Silence::TimedOut, true),
        (Silence::Failed, false),
        (Silence::Interrupted, false),
    ] {
        assert_eq!(judge(provider, probe, &Err(silence)).hung, hung);
    }
}

#[test]
fn a_key_is_live_where_the_provider_takes_it() {
    use Verdict::*;
    for (verdict, is_live, word) in [
        (Live, true, "accepts it"),
        (LiveScoped, true, "restricted"),
        (LiveNoFunds, true, "credit"),
        (LiveThrottled, true, "limits"),
        (NotRuntime, false, "management"),
        (Dead, false, "refuses"),
        (Blocked, false, "blocks"),
        (Unknown, false, "no answer"),
    ] {
        assert_eq!(verdict.is_live(), is_live, "{verdict:?}");
        assert!(verdict.words().contains(word), "{verdict:?}");
    }
}

/// What an answer means where a provider has no rule of its own for it.
#[test]
fn a_status_without_a_rule_is_read_by_its_words() {
    let provider = providers::find("anthropic").unwrap();
    let base = provider.probe.as_ref().unwrap();
    let plain = Probe {
        rules: &[],
        shape: &["/data"],
        error_shape: &["/error"],
        refused: &[401],
        ..*base
    };
    use Verdict::*;
    for (status, text, expected) in [
        (401, "no", Dead),
        (401, "your ip address is not in the list", Blocked),
        (402, "pay", LiveNoFunds),
        (403, "not available in your REGION", Blocked),
        (403, "missing scope", LiveScoped),
        (403, "no", Unknown),
        (404, "missing scope", Unknown),
        (429, "slow down", LiveThrottled),
        (429, "quota exceeded", LiveNoFunds),
        (400, "no", Unknown),
        (499, "no", Unknown),
        (500, "missing scope", Unknown),
        (302, "no", Unknown),
    ] {
        let body = format!(r#"{{"error":{{"list":[{{"text":"{text}"}}]}}}}"#);
        let reply = Ok(Reply::made_of(status, &body));
        let answer = judge(provider, &plain, &reply);
        assert_eq!(answer.verdict, expected, "{status} {text}");
    }
    for (status, body, expected) in [
        (200, r#"{"data":1}"#, Live),
        (299, r#"{"data":[]}"#, Live),
        (200, r#"{"data":null}"#, Unknown),
        (200, r#"{"other":1}"#, Unknown),
        (401, r#"{"message":"no"}"#, Unknown),
        (300, r#"{"data":1}"#, Unknown),
    ] {
        let reply = Ok(Reply::made_of(status, body));
        let answer = judge(provider, &plain, &reply);
        assert_eq!(answer.verdict, expected, "{status} {body}");
    }
    let list = Probe {
        shape: &[""],
        ..plain
    };
    for (body, expected) in [("[]", Live), ("{}", Unknown)] {
        let reply = Ok(Reply::made_of(200, body));
        assert_eq!(judge(provider, &list, &reply).verdict, expected, "{body}");
    }
}
