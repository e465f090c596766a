//! The probe against real servers: nginx with every fault, and scripted servers that misbehave.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has to fail"
)]

mod answers;
mod certificates;
mod front;
mod gateway;
mod hostile;
mod limits;
mod manners;
mod namespace;
mod nginx;
mod old_tls;
mod servers;
mod websocket;

use std::time::Duration;

use openclaw_sec::probe::verdicts::{self, LiveVerdict};
use openclaw_sec::probe::{ConfiguredKey, Endpoint, EndpointInput, LiveEvidence, Profile, Wanted};
use openclaw_sec::secret::Secret;

/// A live check's pure half.
type Judge = fn(&LiveEvidence) -> Vec<LiveVerdict>;

/// The ids judged here.
const JUDGES: &[(&str, Judge)] = &[
    ("https.plaintext", verdicts::plaintext),
    ("https.redirect", verdicts::redirect),
    ("https.hsts", verdicts::hsts),
    ("https.certificate-expired", verdicts::certificate_expired),
    ("https.certificate-expiring", verdicts::certificate_expiring),
    ("https.certificate-host", verdicts::certificate_host),
    (
        "https.certificate-untrusted",
        verdicts::certificate_untrusted,
    ),
    ("https.certificate-weak", verdicts::certificate_weak),
    ("https.legacy-protocol", verdicts::legacy_protocol),
    ("https.weak-cipher", verdicts::weak_cipher),
    ("https.security-headers", verdicts::security_headers),
    ("auth.anonymous-access", verdicts::anonymous_access),
    ("auth.websocket-origin", verdicts::websocket_origin),
    ("auth.right-key-rejected", verdicts::right_key_rejected),
    (
        "auth.cloudflare-access-missing",
        verdicts::cloudflare_access_missing,
    ),
    ("auth.origin-bypass", verdicts::origin_bypass),
    ("network.private-chat-public", verdicts::private_chat_public),
    ("network.cors-reflected", verdicts::cors_reflected),
    ("secrets.exposed-over-http", verdicts::exposed_over_http),
];

/// The ids judged under `--active` only.
const ACTIVE_JUDGES: &[(&str, Judge)] = &[
    ("auth.wrong-key-accepted", verdicts::wrong_key_accepted),
    ("rate-limit.not-enforced", verdicts::limit_not_enforced),
    ("rate-limit.spoofable", verdicts::limit_spoofable),
    (
        "rate-limit.no-retry-after",
        verdicts::limit_without_retry_after,
    ),
];

/// A made-up key that the good servers take.
const KEY: &str = "made-up-key-of-the-test";

/// The moment all certificates are judged at.
const NOW: &str = "2026-06-01T00:00:00Z";

fn input(url: &str) -> EndpointInput {
    EndpointInput {
        url: url.to_owned(),
        connect_to: None,
        ca_file: None,
        root_variables: Vec::new(),
        timeout: Duration::from_secs(10),
        auth_paths: Vec::new(),
        auth_scheme: "bearer".to_owned(),
        burst_path: None,
        key: Ok(ConfiguredKey {
            variable: "WEB_API_KEY".to_owned(),
            value: Secret::new(KEY),
        }),
        profile: Profile::Vps,
        cors_origins: Vec::new(),
        limit: Err("nothing is promised".to_owned()),
        audit_log_name: None,
        is_log_event: |_| false,
        active: false,
        wanted: Wanted::everything(),
        now: NOW.parse().unwrap(),
        nonce: *b"made-up-word",
    }
}

fn gather(input: EndpointInput) -> LiveEvidence {
    openclaw_sec::probe::gather(&Endpoint::parse(input).unwrap())
}

fn judges(evidence: &LiveEvidence) -> impl Iterator<Item = &'static (&'static str, Judge)> {
    let active = ACTIVE_JUDGES.iter().filter(|_| evidence.active);
    JUDGES.iter().chain(active)
}

/// Which ids do not pass, as `id` for a failure and `id?` for an unknown.
fn faults(evidence: &LiveEvidence) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, judge) in judges(evidence) {
        for verdict in judge(evidence) {
            match verdict {
                LiveVerdict::Fail { .. } => faults.push((*id).to_owned()),
                LiveVerdict::Unknown { .. } => faults.push(format!("{id}?")),
                LiveVerdict::Pass { .. } | LiveVerdict::Skipped { .. } => {}
            }
        }
    }
    faults.dedup();
    faults
}

/// Every verdict in words, for a failing test.
fn in_words(evidence: &LiveEvidence) -> String {
    judges(evidence)
        .map(|(id, judge)| format!("{id}: {:?}\n", judge(evidence)))
        .collect()
}
