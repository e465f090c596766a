//! The live half: what the probe room saw, as verdicts of the checklist.

use super::evidence::{Evidence, Live};
use super::verdict::{Finding, Verdict, skipped};
use crate::probe::LiveEvidence;
use crate::probe::verdicts::{self, LiveVerdict, Severity as Worse};
use crate::report::Severity;

const NO_URL: &str = "no endpoint was named: add --url https://your-bot.example";
const NOT_ACTIVE: &str = "a limiter or a lock-out may notice this question: add --active";

fn ask(evidence: &Evidence, judge: impl Fn(&LiveEvidence) -> Vec<LiveVerdict>) -> Vec<Verdict> {
    match &evidence.live {
        Live::NotAsked => skipped(NO_URL),
        Live::Seen(seen) => judge(seen).into_iter().map(translated).collect(),
    }
}

/// The same where a limiter or a lock-out may notice the question.
fn ask_when_active(
    evidence: &Evidence,
    judge: impl Fn(&LiveEvidence) -> Vec<LiveVerdict>,
) -> Vec<Verdict> {
    match &evidence.live {
        Live::Seen(_) if !evidence.question.is_active => skipped(NOT_ACTIVE),
        _ => ask(evidence, judge),
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
    ($ask:ident: $($name:ident),+ $(,)?) => {$(
        pub fn $name(evidence: &Evidence) -> Vec<Verdict> {
            $ask(evidence, verdicts::$name)
        }
    )+};
}

judges!(
    ask:
    plaintext,
    redirect,
    hsts,
    certificate_expired,
    certificate_expiring,
    certificate_host,
    certificate_untrusted,
    certificate_weak,
    security_headers,
    legacy_protocol,
    weak_cipher,
    anonymous_access,
    right_key_rejected,
    websocket_origin,
    cloudflare_access_missing,
    origin_bypass,
    cors_reflected,
    exposed_over_http,
    private_chat_public,
);

judges!(
    ask_when_active:
    wrong_key_accepted,
    limit_not_enforced,
    limit_spoofable,
    limit_without_retry_after,
);
