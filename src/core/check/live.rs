//! The live half: what the probe room saw, as verdicts of the checklist.

use serde_json::{Map, Value};
use url::Url;

use super::dialect::Dialect;
use super::evidence::{Declared, Evidence, Live, Switch};
use super::verdict::{Finding, Verdict, skipped};
use crate::placeholder::placeholder;
use crate::probe::LiveEvidence;
use crate::probe::verdicts::{self, LiveVerdict, Severity as Worse};
use crate::report::Severity;
use crate::variables::{Holds, VARIABLES, WEB_KEYS, is_of_the_page};

const NO_URL: &str = "no endpoint was named: add --url https://your-bot.example";
const NOT_ACTIVE: &str = "a limiter or a lock-out may notice this question: add --active";

/// What is judged, and the variables that promise something about it.
fn ask(
    evidence: &Evidence,
    variables: &[&str],
    judge: impl Fn(&LiveEvidence) -> Vec<LiveVerdict>,
) -> Vec<Verdict> {
    let Live::Seen(seen) = &evidence.live else {
        return skipped(NO_URL);
    };
    let promised = promised(evidence, variables);
    let mut verdicts: Vec<_> = judge(seen).into_iter().map(translated).collect();
    for verdict in &mut verdicts {
        if let (
            Some(promised),
            Verdict::Pass { evidence, .. } | Verdict::Fail(Finding { evidence, .. }),
        ) = (&promised, &mut *verdict)
        {
            evidence.insert("declared".to_owned(), promised.clone());
        }
        if let Some(word) = made_up_word(seen) {
            without_word(verdict, word);
        }
        add_next_step(verdict, seen);
    }
    verdicts
}

/// Where nobody answers at all, every reason says what to do about it.
fn add_next_step(verdict: &mut Verdict, seen: &LiveEvidence) {
    if let Verdict::Unknown(reason) = verdict
        && let Err(silence) = &seen.peer
        && let Some(step) = silence.next_step()
        && *reason == silence.to_string()
    {
        reason.push_str(&format!(": {step}"));
    }
}

/// The random word of the run, which would make two reports of one deployment differ.
fn made_up_word(seen: &LiveEvidence) -> Option<&str> {
    let word = seen.websocket_origin.strip_prefix("https://")?;
    word.strip_suffix(".example").filter(|word| word.len() > 8)
}

fn without_word(verdict: &mut Verdict, word: &str) {
    let (text, evidence) = match verdict {
        Verdict::Pass { message, evidence } => (message, Some(evidence)),
        Verdict::Fail(finding) => (&mut finding.message, Some(&mut finding.evidence)),
        Verdict::Unknown(reason) | Verdict::Skipped(reason) => (reason, None),
    };
    replace(text, word);
    for value in evidence.into_iter().flat_map(Map::values_mut) {
        replace_in(value, word);
    }
}

fn replace_in(value: &mut Value, word: &str) {
    match value {
        Value::String(text) => replace(text, word),
        Value::Array(values) => values.iter_mut().for_each(|v| replace_in(v, word)),
        Value::Object(map) => map.values_mut().for_each(|v| replace_in(v, word)),
        _ => {}
    }
}

fn replace(text: &mut String, word: &str) {
    if text.contains(word) {
        *text = text.replace(word, "made-up-word");
    }
}

/// The same where a limiter or a lock-out may notice the question.
fn ask_when_active(
    evidence: &Evidence,
    variables: &[&str],
    judge: impl Fn(&LiveEvidence) -> Vec<LiveVerdict>,
) -> Vec<Verdict> {
    match &evidence.live {
        Live::Seen(_) if !evidence.question.is_active => skipped(NOT_ACTIVE),
        _ => ask(evidence, variables, judge),
    }
}

/// What the env file says, to stand beside what was seen: never a secret's value.
fn promised(evidence: &Evidence, variables: &[&str]) -> Option<Value> {
    let declared = evidence.declared.as_ref()?;
    let of_dialect = |name: &&&str| evidence.dialect != Dialect::Upstream || !is_of_the_page(name);
    let all: Map<String, Value> = variables
        .iter()
        .filter(of_dialect)
        .map(|name| ((*name).to_owned(), shown(declared, name)))
        .collect();
    (!all.is_empty()).then_some(Value::Object(all))
}

fn shown(declared: &Declared, name: &str) -> Value {
    let Some(text) = declared.text(name) else {
        return Value::Null;
    };
    let variable = VARIABLES.iter().find(|variable| variable.name == name);
    match variable.map(|variable| variable.holds) {
        Some(Holds::Switch) => (declared.switch(name) == Switch::On).into(),
        Some(Holds::Number) => text.parse::<u64>().map_or("no number".into(), Value::from),
        Some(Holds::Text) if name == "CORS_ORIGINS" => text.split(',').filter_map(origin).collect(),
        _ if placeholder(text.as_bytes()).is_some() => "a placeholder".into(),
        _ => "set".into(),
    }
}

/// An entry of `CORS_ORIGINS` as browsers write it; what is no origin is not repeated.
fn origin(entry: &str) -> Option<String> {
    match entry.trim() {
        entry @ ("*" | "null") => Some(entry.to_owned()),
        entry => Some(Url::parse(entry).ok()?.origin().ascii_serialization()),
    }
}

fn translated(verdict: LiveVerdict) -> Verdict {
    match verdict {
        LiveVerdict::Pass { message, evidence } => Verdict::Pass { message, evidence },
        LiveVerdict::Unknown { reason } => Verdict::Unknown(reason),
        LiveVerdict::Skipped { reason } => Verdict::Skipped(reason),
        LiveVerdict::Fail {
            message,
            evidence,
            subject,
            severity,
        } => {
            let mut finding = Finding::new(subject, message);
            finding.evidence = evidence;
            finding.severity = severity.map(|worse| match worse {
                Worse::Critical => Severity::Critical,
                Worse::High => Severity::High,
            });
            finding.into()
        }
    }
}

macro_rules! judges {
    ($ask:ident: $($name:ident beside $variables:expr),+ $(,)?) => {$(
        pub fn $name(evidence: &Evidence) -> Vec<Verdict> {
            $ask(evidence, $variables, verdicts::$name)
        }
    )+};
}

const HTTPS: &[&str] = &["FORCE_HTTPS"];
const LIMIT: &[&str] = &[
    "RATE_LIMIT_ENABLED",
    "RATE_LIMIT_REQUESTS",
    "RATE_LIMIT_WINDOW",
    "RATE_LIMIT_PER_USER",
    "RATE_LIMIT_PER_IP",
];
const PROXIES: &[&str] = &["TRUSTED_PROXIES", "RATE_LIMIT_PER_IP"];

judges!(
    ask:
    plaintext beside HTTPS,
    redirect beside HTTPS,
    hsts beside HTTPS,
    certificate_expired beside &[],
    certificate_expiring beside &[],
    certificate_host beside &[],
    certificate_untrusted beside &[],
    certificate_weak beside &[],
    security_headers beside &[],
    legacy_protocol beside &[],
    weak_cipher beside &[],
    anonymous_access beside &WEB_KEYS,
    right_key_rejected beside &WEB_KEYS,
    websocket_origin beside &["CORS_ORIGINS"],
    cloudflare_access_missing beside &[],
    origin_bypass beside &[],
    cors_reflected beside &["CORS_ORIGINS"],
    exposed_over_http beside &["AUDIT_LOG_PATH"],
    private_chat_public beside &[],
);

judges!(
    ask_when_active:
    wrong_key_accepted beside &WEB_KEYS,
    limit_not_enforced beside LIMIT,
    limit_spoofable beside PROXIES,
    limit_without_retry_after beside &[],
);

#[cfg(test)]
mod tests;
