//! GitLab's code quality report: what a merge request shows beside the changed lines.

use openclaw_sec::fleet::{Deployment, Findings};
use openclaw_sec::foreign_text::{harmless, harmless_json};
use openclaw_sec::report::{CheckResult, Severity, Status};
use serde_json::{Value, json};

use super::Page;
use super::services::{DistinctTexts, shown_place};

pub fn render(findings: &Findings, page: &Page<'_>) -> String {
    let mut fingerprints = DistinctTexts::default();
    let mut issues = Vec::new();
    for deployment in findings.deployments() {
        let unknown = deployment.report.with_status(Status::Unknown);
        for result in deployment.report.failures().into_iter().chain(unknown) {
            let fingerprint = fingerprints.of(&deployment, result);
            issues.push(issue(&deployment, result, &fingerprint, page));
        }
    }
    let json = serde_json::to_string_pretty(&issues).expect("texts and numbers only");
    format!("{}\n", harmless_json(&json))
}

fn issue(
    deployment: &Deployment<'_>,
    result: &CheckResult,
    fingerprint: &str,
    page: &Page<'_>,
) -> Value {
    let target = deployment
        .name
        .map_or(String::new(), |name| format!("{name}: "));
    let description = format!("{target}{}. Fix: {}", result.what(), result.next_step());
    let location = result.location.as_ref();
    json!({
        "description": harmless(&description),
        "check_name": result.id,
        "fingerprint": fingerprint,
        "severity": severity(result),
        "location": {
            // GitLab wants one.
            "path": shown_place(page.folder, deployment, result),
            "lines": {"begin": location.and_then(|location| location.line).unwrap_or(1).max(1)},
        },
    })
}

fn severity(result: &CheckResult) -> &'static str {
    match (result.status, result.severity) {
        (Status::Unknown, _) => "info",
        (_, Severity::Critical) => "blocker",
        (_, Severity::High) => "critical",
        (_, Severity::Medium) => "major",
        (_, Severity::Low) => "minor",
    }
}
