//! GitLab's code quality: an array of what is wrong, each with a fingerprint of its own.

use std::collections::HashSet;

use openclaw_sec::fleet::Findings;
use openclaw_sec::report::{Severity, Status};
use serde_json::{Value, json};

use crate::corpus::{all, report, result};
use crate::{counts, render};

/// What GitLab documents of the format; there is no official schema.
fn schema() -> Value {
    json!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "properties": {
                "description": {"type": "string", "pattern": "^[^\\n\\r]+$"},
                "check_name": {"type": "string", "minLength": 1},
                "fingerprint": {"type": "string", "minLength": 1},
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                "location": {
                    "type": "object",
                    "required": ["path", "lines"],
                    "properties": {
                        "path": {"type": "string", "minLength": 1, "not": {"pattern": "^\\./"}},
                        "lines": {
                            "type": "object",
                            "required": ["begin"],
                            "properties": {"begin": {"type": "integer", "minimum": 1}},
                        },
                    },
                },
            },
        },
    })
}

fn issues(findings: &Findings) -> Vec<Value> {
    serde_json::from_str(&render("gitlab", findings)).unwrap()
}

/// The rules of the format; `findings` may be anything.
pub fn hold(findings: &Findings) {
    let issues = issues(findings);
    let [_, fail, unknown, ..] = counts(findings);
    assert_eq!(issues.len() as u64, fail + unknown);
    let infos = issues.iter().filter(|issue| issue["severity"] == "info");
    assert_eq!(infos.count() as u64, unknown);
    let distinct: HashSet<&str> = issues
        .iter()
        .map(|i| i["fingerprint"].as_str().unwrap())
        .collect();
    assert_eq!(distinct.len(), issues.len());
    let document = Value::Array(issues);
    if let Err(error) = jsonschema::validate(&schema(), &document) {
        panic!("{error}");
    }
}

#[test]
fn every_report_holds_the_rules() {
    for (_, findings) in all() {
        hold(findings);
    }
}

#[test]
fn nothing_found_is_an_empty_array() {
    let results = [Status::Pass, Status::Waived, Status::Skipped];
    let results = results.map(|status| result("auth", 0, status, Severity::High));
    assert_eq!(
        render("gitlab", &Findings::One(report(results.into()))).trim(),
        "[]"
    );
}

#[test]
fn severities_have_gitlabs_names_and_a_moved_line_changes_no_fingerprint() {
    let cases = [
        (Status::Fail, Severity::Critical, "blocker"),
        (Status::Fail, Severity::High, "critical"),
        (Status::Fail, Severity::Medium, "major"),
        (Status::Fail, Severity::Low, "minor"),
        (Status::Unknown, Severity::Critical, "info"),
    ];
    for (status, severity, expected) in cases {
        let one = result("auth", 7, status, severity);
        let mut moved = one.clone();
        moved.location.as_mut().unwrap().line = Some(99);
        let [before, after] = [one, moved].map(|one| issues(&Findings::One(report(vec![one]))));
        assert_eq!(before[0]["severity"], expected);
        assert_eq!(before[0]["fingerprint"], after[0]["fingerprint"]);
        assert_eq!(after[0]["location"]["lines"]["begin"], 99);
    }
}
