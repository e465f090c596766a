//! Does a protected resource answer somebody without a key?

use serde_json::{Map, Value};
use url::Url;

use super::edge::challenge;
use super::{LiveVerdict, facts};
use crate::order;
use crate::probe::evidence::{Asked, Exchange, LiveEvidence, ProtectedAnswer};
use crate::probe::gateway::{
    is_attribution_error, is_control_ui_config, is_invalid_request, is_list_of_models,
};

/// `auth.anonymous-access`: a protected resource answers without credentials
/// (OWASP API Security 2023, API2).
///
/// One verdict per open path and per path that could not be judged; else one pass.
pub fn anonymous_access(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    if let (Err(silence), true) = (&evidence.front, evidence.protected.is_empty()) {
        return vec![LiveVerdict::unknown(silence)];
    }
    if evidence.protected.is_empty() {
        let reason = "the endpoint shows no mark of an OpenClaw gateway: name a protected \
                      resource with --auth-path";
        return vec![LiveVerdict::unknown(reason)];
    }
    let judged: Vec<_> = evidence
        .protected
        .iter()
        .map(|asked| (asked, judge(asked, &evidence.url)))
        .collect();
    let guarded = judged
        .iter()
        .any(|(_, access)| matches!(access, Access::Guarded(_)));
    let mut verdicts: Vec<_> = judged
        .iter()
        .filter_map(|(asked, access)| access.verdict(asked, guarded, evidence))
        .collect();
    order::sort_by_key(&mut verdicts, |verdict| !verdict.is_fail());
    if verdicts.is_empty() {
        verdicts.push(all_guarded(evidence, &judged));
    }
    verdicts
}

/// What to do where the gateway does not trust the proxy.
pub(super) const ATTRIBUTION: &str = "the gateway refuses the proxy in front of it \
    (proxy_attribution_required) and judged no key: set gateway.trustedProxies";

/// What one protected resource said to somebody without a key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Access {
    /// It let the stranger in, and how that shows.
    Open(&'static str),
    /// It asked for a key.
    Guarded(u16),
    /// It is not there; the Control UI of a gateway can be switched off.
    Absent(u16),
    /// It says nothing about the key.
    Unclear(String),
}

impl Access {
    fn verdict(
        &self,
        asked: &ProtectedAnswer,
        something_guarded: bool,
        evidence: &LiveEvidence,
    ) -> Option<LiveVerdict> {
        let path = &asked.path;
        match self {
            Self::Open(how) => Some(LiveVerdict::fail(
                path.clone(),
                format!("{path} answers without a key: {how}"),
                gateway_facts(evidence, asked.answer.as_ref().ok()),
            )),
            Self::Guarded(_) => None,
            _ if asked.may_be_off => None,
            Self::Absent(_) if asked.of_gateway && something_guarded => None,
            Self::Absent(status) => Some(LiveVerdict::unknown(format!(
                "{path} answers {status}, which says nothing about keys"
            ))),
            Self::Unclear(reason) => Some(LiveVerdict::unknown(format!("{path}: {reason}"))),
        }
    }
}

fn judge(asked: &ProtectedAnswer, endpoint: &Url) -> Access {
    let exchange = match &asked.answer {
        Ok(exchange) => exchange,
        Err(silence) => return Access::Unclear(silence.to_string()),
    };
    if let Some(reason) = challenge(exchange) {
        return Access::Unclear(reason);
    }
    if is_attribution_error(exchange) {
        return Access::Unclear(ATTRIBUTION.to_owned());
    }
    if asked.of_gateway && is_invalid_request(exchange) {
        return Access::Open("the gateway took the empty request up and only found it invalid");
    }
    if asked.may_be_off && exchange.is_success() && !is_list_of_models(exchange) {
        return Access::Unclear("it lists no models".to_owned());
    }
    if asked.of_gateway && is_control_ui_config(exchange) {
        return Access::Open("the gateway tells its configuration");
    }
    match exchange.status {
        200..300 => judge_success(exchange, &asked.canary),
        _ if asks_for_a_key(exchange, endpoint) => Access::Guarded(exchange.status),
        404 | 405 => Access::Absent(exchange.status),
        429 => Access::Unclear("answers 429: a limiter or a lock-out speaks".to_owned()),
        status => Access::Unclear(format!("answers {status}, which says nothing about keys")),
    }
}

/// Whether an answer asks a stranger for a key, or sends them to a login.
pub(in crate::probe) fn asks_for_a_key(exchange: &Exchange, endpoint: &Url) -> bool {
    let asks = matches!(exchange.status, 401 | 403)
        || exchange.is_redirect() && leads_to_login(exchange, endpoint);
    asks && challenge(exchange).is_none()
}

/// A success counts only if a path that cannot exist does not get the same.
fn judge_success(exchange: &Exchange, canary: &Asked<Exchange>) -> Access {
    match canary {
        Err(silence) => Access::Unclear(format!(
            "answers {}, but a path that cannot exist could not be compared: {silence}",
            exchange.status
        )),
        Ok(canary) if canary.is_success() && (canary.hidden().or(exchange.hidden())).is_some() => {
            let why = canary.hidden().or(exchange.hidden()).unwrap_or_default();
            Access::Unclear(format!(
                "a path that cannot exist gets a page, too, and they could not be compared: {why}"
            ))
        }
        Ok(canary) if canary.is_success() && is_same_page(exchange, canary) => Access::Unclear(
            "the same page comes for a path that cannot exist, so this is no resource".to_owned(),
        ),
        Ok(_) => Access::Open("the answer is a success"),
    }
}

/// Whether two answers are the same page but for the path, a nonce or a time in it.
fn is_same_page(one: &Exchange, other: &Exchange) -> bool {
    let kind = |exchange: &Exchange| exchange.header("content-type").map(str::to_owned);
    if kind(one) != kind(other) {
        return false;
    }
    let normal = |exchange: &Exchange| {
        let path = exchange
            .request
            .rsplit(' ')
            .next()
            .unwrap_or_default()
            .to_owned();
        exchange.text().replace(&path, "")
    };
    let (first, second) = (normal(one), normal(other));
    if first == second {
        return true;
    }
    let close = first.len().abs_diff(second.len()) * 20 <= first.len().max(second.len());
    one.is_html() && close && title(&first).is_some() && title(&first) == title(&second)
}

fn title(page: &str) -> Option<&str> {
    let after = page.split_once("<title>")?.1;
    Some(after.split_once("</title>")?.0.trim())
}

/// Words that a login page's address holds as a whole part of its path, host or parameters.
const LOGIN_WORDS: &[&str] = &[
    "login",
    "signin",
    "sign-in",
    "sign_in",
    "log-in",
    "auth",
    "oauth",
    "oauth2",
    "oidc",
    "sso",
    "saml",
    "saml2",
    "authorize",
    "accounts",
    "cloudflareaccess",
];

fn leads_to_login(exchange: &Exchange, endpoint: &Url) -> bool {
    let Some(location) = exchange.header("location") else {
        return false;
    };
    let Ok(target) = endpoint.join(location) else {
        return false;
    };
    let host_parts = target.host_str().unwrap_or_default().split('.');
    // The endpoint's own host may be called login.example without any login in front.
    let elsewhere = target.host_str() != endpoint.host_str();
    let path_parts = target.path().split(['/', '.']);
    host_parts
        .filter(|_| elsewhere)
        .chain(path_parts)
        .any(|part| LOGIN_WORDS.contains(&part.to_ascii_lowercase().as_str()))
}

fn all_guarded(evidence: &LiveEvidence, judged: &[(&ProtectedAnswer, Access)]) -> LiveVerdict {
    let mut facts = gateway_facts(evidence, None);
    let mut answers = Map::new();
    for (asked, access) in judged {
        if let Access::Guarded(status) | Access::Absent(status) = access {
            answers.insert(asked.path.clone(), (*status).into());
        }
    }
    facts.insert("answers".into(), Value::Object(answers));
    let place = if evidence.from_loopback() {
        " (asked from the same machine)"
    } else {
        ""
    };
    LiveVerdict::pass(format!("protected resources ask for a key{place}"), facts)
}

fn gateway_facts(evidence: &LiveEvidence, exchange: Option<&Exchange>) -> Map<String, Value> {
    let mut all = exchange.map(facts).unwrap_or_default();
    if let Some(gateway) = &evidence.gateway {
        all.insert("gateway_mark".into(), gateway.mark.into());
        if let Some(build) = &gateway.build {
            all.insert("gateway_build".into(), build.clone().into());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{evidence, exchange};
    use super::*;
    use crate::probe::evidence::Silence;

    fn asked(
        of_gateway: bool,
        answer: Asked<Exchange>,
        canary: Asked<Exchange>,
    ) -> ProtectedAnswer {
        ProtectedAnswer {
            path: "/api".into(),
            of_gateway,
            may_be_off: false,
            answer,
            canary,
        }
    }

    fn letters(verdicts: &[LiveVerdict]) -> String {
        verdicts
            .iter()
            .map(|verdict| match verdict {
                LiveVerdict::Pass { .. } => 'p',
                LiveVerdict::Fail { .. } => 'f',
                LiveVerdict::Unknown { .. } => 'u',
                LiveVerdict::Skipped { .. } => 's',
            })
            .collect()
    }

    const HTML: (&str, &str) = ("content-type", "text/html");
    const INVALID: &str = r#"{"ok":false,"error":{"type":"invalid_request","message":"tool"}}"#;
    const ATTRIBUTION: &str = r#"{"error":{"type":"proxy_attribution_required"}}"#;

    #[test]
    fn answers_of_a_protected_path_and_their_verdicts() {
        let shell = "<title>Bot</title><div id=app></div>";
        let not_found = || Ok(exchange(404, &[], "no"));
        let cases: Vec<(bool, Asked<Exchange>, Asked<Exchange>, &str)> = vec![
            (false, Ok(exchange(200, &[], "data")), not_found(), "f"),
            (false, Ok(exchange(204, &[], "")), not_found(), "f"),
            (
                false,
                Ok(exchange(200, &[HTML], shell)),
                Ok(exchange(200, &[HTML], shell)),
                "u",
            ),
            (
                false,
                Ok(exchange(200, &[], "data")),
                Ok(exchange(200, &[HTML], shell)),
                "f",
            ),
            (
                false,
                Ok(exchange(200, &[], "data")),
                Err(Silence::TimedOut),
                "u",
            ),
            (false, Ok(exchange(401, &[], "")), not_found(), "p"),
            (false, Ok(exchange(403, &[], "")), not_found(), "p"),
            (
                false,
                Ok(exchange(403, &[("cf-mitigated", "challenge")], "")),
                not_found(),
                "u",
            ),
            (
                false,
                Ok(exchange(302, &[("location", "/login?next=/api")], "")),
                not_found(),
                "p",
            ),
            (
                false,
                Ok(exchange(
                    302,
                    &[("location", "https://t.cloudflareaccess.com/")],
                    "",
                )),
                not_found(),
                "p",
            ),
            (
                false,
                Ok(exchange(301, &[("location", "/api/")], "")),
                not_found(),
                "u",
            ),
            (
                false,
                Ok(exchange(302, &[("location", "/blogin/author")], "")),
                not_found(),
                "u",
            ),
            (false, Ok(exchange(404, &[], "")), not_found(), "u"),
            (false, Ok(exchange(405, &[], "")), not_found(), "u"),
            (false, Ok(exchange(429, &[], "")), not_found(), "u"),
            (false, Ok(exchange(500, &[], "")), not_found(), "u"),
            (false, Ok(exchange(400, &[], INVALID)), not_found(), "u"),
            (false, Err(Silence::HungUp), not_found(), "u"),
            (true, Ok(exchange(400, &[], INVALID)), not_found(), "f"),
            (
                true,
                Ok(exchange(400, &[], "<h1>400</h1>")),
                not_found(),
                "u",
            ),
            (
                true,
                Ok(exchange(200, &[], r#"{"serverVersion":"1"}"#)),
                Err(Silence::TimedOut),
                "f",
            ),
            (true, Ok(exchange(403, &[], ATTRIBUTION)), not_found(), "u"),
        ];
        for (of_gateway, answer, canary, expected) in cases {
            let mut evidence = evidence();
            evidence.protected = vec![asked(of_gateway, answer.clone(), canary)];
            assert_eq!(
                letters(&anonymous_access(&evidence)),
                expected,
                "{answer:?}"
            );
        }
    }

    #[test]
    fn pages_that_cannot_be_read_are_not_compared() {
        let hidden = |status| {
            let mut exchange = exchange(status, &[], "");
            exchange.unreadable = Some("it is encoded as br".into());
            Ok(exchange)
        };
        for (answer, canary, expected) in [
            (hidden(200), hidden(200), "u"),
            (hidden(200), Ok(exchange(200, &[HTML], "shell")), "u"),
            (Ok(exchange(200, &[], "data")), hidden(200), "u"),
            (hidden(200), Ok(exchange(404, &[], "")), "f"),
            (hidden(401), Ok(exchange(404, &[], "")), "p"),
        ] {
            let mut evidence = evidence();
            evidence.protected = vec![asked(false, answer, canary)];
            assert_eq!(letters(&anonymous_access(&evidence)), expected);
        }
    }

    #[test]
    fn a_gateway_without_its_control_ui_passes_by_its_tools() {
        let mut evidence = evidence();
        let absent = || Ok(exchange(404, &[], ""));
        evidence.protected = vec![
            asked(true, Ok(exchange(401, &[], "")), absent()),
            asked(true, absent(), absent()),
        ];
        assert_eq!(letters(&anonymous_access(&evidence)), "p");
        evidence.protected.remove(0);
        assert_eq!(letters(&anonymous_access(&evidence)), "u");
    }

    #[test]
    fn one_open_path_fails_beside_guarded_and_unclear_ones() {
        let mut evidence = evidence();
        let absent = || Ok(exchange(404, &[], ""));
        evidence.protected = vec![
            asked(false, Ok(exchange(401, &[], "")), absent()),
            asked(false, absent(), absent()),
            asked(false, Ok(exchange(200, &[], "data")), absent()),
        ];
        assert_eq!(letters(&anonymous_access(&evidence)), "fu");
    }

    #[test]
    fn an_endpoint_without_marks_and_paths_is_unknown() {
        assert_eq!(letters(&anonymous_access(&evidence())), "u");
    }

    #[test]
    fn an_endpoint_that_may_be_off_counts_only_where_it_answers() {
        let models = r#"{"object":"list","data":[{"id":"openclaw"}]}"#;
        let shell = "<title>OpenClaw Control</title>";
        let cases: Vec<(Asked<Exchange>, &str)> = vec![
            (Ok(exchange(200, &[], models)), "f"),
            (Ok(exchange(401, &[], "")), "p"),
            (Ok(exchange(404, &[], "")), "p"),
            (Ok(exchange(200, &[HTML], shell)), "p"),
            (Ok(exchange(200, &[], r#"{"ok":true}"#)), "p"),
            (Ok(exchange(502, &[], "")), "p"),
            (Err(Silence::TimedOut), "p"),
        ];
        for (answer, expected) in cases {
            let mut evidence = evidence();
            let guarded = asked(true, Ok(exchange(401, &[], "")), Err(Silence::TimedOut));
            let optional = ProtectedAnswer {
                path: "/v1/models".into(),
                may_be_off: true,
                ..asked(true, answer.clone(), Ok(exchange(404, &[], "no")))
            };
            evidence.protected = vec![guarded, optional];
            assert_eq!(
                letters(&anonymous_access(&evidence)),
                expected,
                "{answer:?}"
            );
        }
    }
}
