//! The probe against real servers: nginx with every fault, and scripted servers that misbehave.

mod certificates;
mod hostile;
mod nginx;

use std::time::Duration;

use openclaw_sec::probe::verdicts::{self, LiveVerdict};
use openclaw_sec::probe::{Endpoint, EndpointInput, LiveEvidence, Profile};

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
    ("https.security-headers", verdicts::security_headers),
    ("auth.anonymous-access", verdicts::anonymous_access),
    ("network.cors-reflected", verdicts::cors_reflected),
];

/// The moment all certificates are judged at.
const NOW: &str = "2026-06-01T00:00:00Z";

fn input(url: &str) -> EndpointInput {
    EndpointInput {
        url: url.to_owned(),
        connect_to: None,
        ca_file: None,
        timeout: Duration::from_secs(10),
        auth_paths: Vec::new(),
        auth_scheme: "bearer".to_owned(),
        key: None,
        profile: Profile::Vps,
        cors_origins: Vec::new(),
        audit_log_name: None,
        active: false,
        now: NOW.parse().unwrap(),
        nonce: *b"made-up-word",
    }
}

fn gather(input: EndpointInput) -> LiveEvidence {
    openclaw_sec::probe::gather(&Endpoint::parse(input).unwrap())
}

/// Which ids do not pass, as `id` for a failure and `id?` for an unknown.
fn faults(evidence: &LiveEvidence) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, judge) in JUDGES {
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
    JUDGES
        .iter()
        .map(|(id, judge)| format!("{id}: {:?}\n", judge(evidence)))
        .collect()
}
