//! OCSF 1.6 Compliance Finding (class 2003), one object a line, for lakes and SIEMs.

use openclaw_sec::fleet::{Deployment, Findings};
use openclaw_sec::foreign_text::{harmless, harmless_json};
use openclaw_sec::report::{CheckResult, Severity, Status};
use serde_json::{Value, json};

use super::Page;
use super::services::millisecond;

pub fn render(findings: &Findings, page: &Page<'_>) -> String {
    let mut text = String::new();
    let began = millisecond(findings.started_at()).unwrap_or_default();
    for deployment in findings.deployments() {
        // Lines of one run have one time; a report that was merged keeps that of its own run.
        let time = millisecond(&deployment.report.started_at)
            .unwrap_or_default()
            .min(began);
        for result in &deployment.report.results {
            let line = finding(&deployment, result, time, page).to_string();
            text.push_str(&harmless_json(&line));
            text.push('\n');
        }
    }
    text
}

fn finding(deployment: &Deployment<'_>, result: &CheckResult, time: i64, page: &Page<'_>) -> Value {
    let report = deployment.report;
    let (compliance, status, status_word) = statuses(result.status);
    let severity = severity(result);
    let desc = harmless(result.next_step());
    let detail = match result.status {
        Status::Waived => result.acceptance(),
        _ => result.reason.clone(),
    };
    // In a fleet the deployment is the machine; otherwise it is the one this runs on.
    let host = deployment.name.unwrap_or(page.host_name);
    json!({
        "class_uid": 2003,
        "class_name": "Compliance Finding",
        "category_uid": 2,
        "category_name": "Findings",
        "activity_id": 1,
        "activity_name": "Create",
        "type_uid": 200_301,
        "type_name": "Compliance Finding: Create",
        "time": time,
        "severity_id": severity.0,
        "severity": severity.1,
        "status_id": status,
        "status": status_word,
        "status_code": result.status.word(),
        "status_detail": harmless(&detail),
        "message": harmless(&result.message),
        "metadata": {
            "version": "1.6.0",
            "product": {
                "name": report.tool.name,
                "vendor_name": "openclaw-sec",
                "version": report.tool.version,
            },
        },
        "finding_info": {
            "uid": result.fingerprint,
            "title": harmless(&result.title),
            "desc": harmless(&result.message),
            "types": [result.item],
        },
        "compliance": {
            "control": result.id,
            "status_id": compliance.0,
            "status": compliance.1,
            "standards": ["OpenClaw security checklist"],
            "requirements": result.references,
        },
        "remediation": {"desc": if desc.is_empty() { "-".into() } else { desc }},
        "resources": [{"name": deployment.label(), "type": "OpenClaw deployment"}],
        "device": device(host),
    })
}

/// A machine of which the name is known. Strict readers want the rest of it, too.
fn device(host: &str) -> Value {
    json!({
        "hostname": host,
        "name": host,
        "uid": host,
        "ip": "0.0.0.0",
        "region": "unknown",
        "type_id": 1,
        "type": "Server",
    })
}

/// `compliance.status_id` and its word, `status_id` and its word.
fn statuses(status: Status) -> ((u8, &'static str), u8, &'static str) {
    match status {
        Status::Fail => ((3, "Fail"), 1, "New"),
        Status::Unknown => ((0, "Unknown"), 1, "New"),
        Status::Waived => ((3, "Fail"), 3, "Suppressed"),
        Status::Skipped => ((99, "Other"), 99, "Other"),
        Status::Pass => ((1, "Pass"), 4, "Resolved"),
    }
}

fn severity(result: &CheckResult) -> (u8, &'static str) {
    match (result.status, result.severity) {
        (Status::Pass | Status::Skipped, _) => (1, "Informational"),
        (_, Severity::Low) => (2, "Low"),
        (_, Severity::Medium) => (3, "Medium"),
        (_, Severity::High) => (4, "High"),
        (_, Severity::Critical) => (5, "Critical"),
    }
}
