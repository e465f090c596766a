//! SARIF 2.1.0 for code scanning: one run, also for a whole fleet, because GitHub refuses several of
//! one category.

use std::collections::HashMap;

use openclaw_sec::fleet::{Deployment, Findings};
use openclaw_sec::foreign_text::{harmless, harmless_json};
use openclaw_sec::report::{CheckResult, Severity, Status};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::Page;
use super::services::{DistinctTexts, millisecond, shown_place};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// What the checklist is taken from.
const CHECKLIST: &str = "https://docs.openclawvps.com/configuration/security";
/// More results in a run are refused by GitHub.
const MOST_RESULTS: usize = 25_000;
/// More tags of a rule are refused by GitHub.
const MOST_TAGS: usize = 20;
/// What is left out first when there are too many results; failures never are.
const LEFT_OUT_FIRST: [&[Status]; 3] = [
    &[Status::Pass, Status::Skipped],
    &[Status::Waived],
    &[Status::Unknown],
];

pub fn render(findings: &Findings, page: &Page<'_>) -> String {
    let mut all = Vec::new();
    for deployment in findings.deployments() {
        all.extend(
            deployment
                .report
                .results
                .iter()
                .map(|result| (deployment, result)),
        );
    }
    let left_out = leave_out(&mut all);
    let mut rules = Rules::default();
    let mut fingerprints = DistinctTexts::default();
    let results: Vec<Value> = all
        .iter()
        .map(|(deployment, result)| {
            let fingerprint = fingerprints.of(deployment, result);
            let rule = rules.index(result);
            result_object(deployment, result, rule, &fingerprint, page)
        })
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": driver(rules)},
            "invocations": [invocation(findings, page, left_out)],
            "originalUriBaseIds": {
                "%SRCROOT%": {"description": {"text": "The working folder of the run."}},
            },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let json = serde_json::to_string_pretty(&log).expect("texts and numbers only");
    format!("{}\n", harmless_json(&json))
}

/// Takes results away, from the end, until GitHub takes the rest; says how many.
fn leave_out(all: &mut Vec<(Deployment<'_>, &CheckResult)>) -> usize {
    let before = all.len();
    for statuses in LEFT_OUT_FIRST {
        let may_go = |result: &CheckResult| statuses.contains(&result.status);
        let too_many = all.len().saturating_sub(MOST_RESULTS);
        let mut stay = all.iter().filter(|(_, result)| may_go(result)).count();
        stay = stay.saturating_sub(too_many);
        all.retain(|(_, result)| {
            let stays = !may_go(result) || stay > 0;
            stay -= usize::from(stays && may_go(result));
            stays
        });
    }
    before - all.len()
}

fn driver(rules: Rules<'_>) -> Value {
    json!({
        "name": "openclaw-sec",
        "version": env!("CARGO_PKG_VERSION"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "informationUri": CHECKLIST,
        "rules": rules.objects(),
    })
}

fn invocation(findings: &Findings, page: &Page<'_>, left_out: usize) -> Value {
    let mut invocation = json!({"executionSuccessful": true, "exitCode": page.exit_code});
    if millisecond(findings.started_at()).is_some() {
        invocation["startTimeUtc"] = findings.started_at().into();
    }
    if left_out > 0 {
        let text = format!(
            "{left_out} results were left out because GitHub takes {MOST_RESULTS} in a run: \
             first those that passed or were skipped, never a failure. The JSON report has all."
        );
        invocation["toolExecutionNotifications"] =
            json!([{"level": "warning", "message": {"text": text}}]);
    }
    invocation
}

/// Every check that has a result, in the order of the first one.
#[derive(Default)]
struct Rules<'r> {
    rules: Vec<(&'r CheckResult, Severity)>,
    known: HashMap<&'r str, usize>,
}

impl<'r> Rules<'r> {
    fn index(&mut self, result: &'r CheckResult) -> usize {
        let at = *self.known.entry(&result.id).or_insert_with(|| {
            self.rules.push((result, result.severity));
            self.rules.len() - 1
        });
        let worst = &mut self.rules[at].1;
        *worst = result.severity.max(*worst);
        at
    }

    fn objects(&self) -> Vec<Value> {
        let rules = self.rules.iter();
        rules
            .map(|(result, severity)| rule(result, *severity))
            .collect()
    }
}

fn rule(result: &CheckResult, severity: Severity) -> Value {
    let title = sentence(&result.title);
    json!({
        "id": result.id,
        "name": pascal_case(&result.id),
        "shortDescription": {"text": title},
        "fullDescription": {"text": title},
        "help": {"text": format!(
            "{title}\n\nIf it fails: {}\n\n`openclaw-sec check --explain {}` says why it matters.",
            sentence(&result.remediation),
            harmless(&result.id)
        )},
        "helpUri": help_uri(result),
        "defaultConfiguration": {"level": level(severity)},
        "properties": {
            "tags": tags(result),
            "precision": "high",
            "security-severity": security_severity(severity),
        },
    })
}

/// The documentation of a check, from its references.
fn help_uri(result: &CheckResult) -> String {
    let mut references = result.references.iter();
    let is_plain = |uri: &&String| {
        let in_uri = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
        uri.starts_with("https://") && uri.len() > 8 && uri.chars().all(in_uri)
    };
    let uri = references.find(is_plain);
    uri.map_or(CHECKLIST.to_owned(), Clone::clone)
}

/// `security` first, then what it belongs to and the weaknesses it names.
fn tags(result: &CheckResult) -> Vec<String> {
    let mut tags = vec!["security".to_owned()];
    for tag in [&*result.item, result.kind.word()] {
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    for reference in &result.references {
        let number = reference.strip_prefix("CWE-");
        let number = number.filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        tags.extend(number.map(|number| format!("external/cwe/cwe-{number:0>3}")));
    }
    tags.truncate(MOST_TAGS);
    tags
}

fn result_object(
    deployment: &Deployment<'_>,
    result: &CheckResult,
    rule: usize,
    fingerprint: &str,
    page: &Page<'_>,
) -> Value {
    let (kind, level) = match result.status {
        Status::Fail | Status::Waived => ("fail", level(result.severity)),
        Status::Unknown => ("open", "none"),
        Status::Skipped => ("notApplicable", "none"),
        Status::Pass => ("pass", "none"),
    };
    let mut object = json!({
        "ruleId": result.id,
        "ruleIndex": rule,
        "kind": kind,
        "level": level,
        "message": {"text": message(deployment, result)},
        "locations": [location(deployment, result, page)],
        // GitHub looks at the first one only.
        "partialFingerprints": {
            "primaryLocationLineHash": fingerprint,
            "openclawSec/v1": fingerprint,
        },
        "properties": {
            "target": deployment.label(),
            "status": result.status.word(),
            "severity": result.severity.word(),
        },
    });
    if kind == "fail" {
        object["suppressions"] = match result.status {
            Status::Waived => json!([{
                "kind": "external",
                "status": "accepted",
                "justification": harmless(&result.acceptance()),
            }]),
            _ => json!([]),
        };
    }
    object
}

fn message(deployment: &Deployment<'_>, result: &CheckResult) -> String {
    let target = deployment
        .name
        .map_or(String::new(), |name| format!("{name}: "));
    let mut text = sentence(&format!("{target}{}", result.what()));
    if matches!(
        result.status,
        Status::Fail | Status::Unknown | Status::Waived
    ) {
        text.push_str(&format!(" Fix: {}", sentence(result.next_step())));
    }
    // `[text](1)` would become a link (SARIF 2.1.0 §3.11.6).
    if text.contains("](") {
        text = text
            .replace('\\', "\\\\")
            .replace('[', "\\[")
            .replace(']', "\\]");
    }
    text
}

fn location(deployment: &Deployment<'_>, result: &CheckResult, page: &Page<'_>) -> Value {
    let known = result.location.as_ref();
    let path = shown_place(page.folder, deployment, result);
    // GitHub wants a line.
    let line = known.and_then(|location| location.line).unwrap_or(1).max(1);
    let mut region = json!({"startLine": line});
    if let Some(column) = known.and_then(|location| location.column) {
        region["startColumn"] = column.max(1).into();
    }
    let artifact = if path.starts_with('/') {
        json!({"uri": format!("file://{}", encoded(&path))})
    } else {
        json!({"uri": encoded(&path), "uriBaseId": "%SRCROOT%"})
    };
    json!({"physicalLocation": {"artifactLocation": artifact, "region": region}})
}

/// Every byte but RFC 3986's unreserved characters and `/`.
const OUTSIDE_PATHS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

fn encoded(path: &str) -> String {
    utf8_percent_encode(path, OUTSIDE_PATHS).to_string()
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// GitHub's bands: critical from 9.0, high from 7.0, medium from 4.0, low above 0.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

/// Foreign text on one line, with a full stop.
fn sentence(text: &str) -> String {
    let text = harmless(text.trim());
    if text.is_empty() {
        return "Nothing is said.".to_owned();
    }
    let stop = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{text}{stop}")
}

/// `secrets.env-file-mode` → `SecretsEnvFileMode`.
fn pascal_case(id: &str) -> String {
    let words = id.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter_map(|word| {
            let mut letters = word.chars();
            let first = letters.next()?.to_ascii_uppercase();
            Some(format!("{first}{}", letters.as_str()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris_and_ids_become_names() {
        for (path, uri) in [
            ("a b/ü%.env", "a%20b/%C3%BC%25.env"),
            ("c:d?#.env", "c%3Ad%3F%23.env"),
            ("\u{202e}\n", "%E2%80%AE%0A"),
        ] {
            assert_eq!(encoded(path), uri);
        }
        assert_eq!(pascal_case("secrets.env-file-mode"), "SecretsEnvFileMode");
    }
}
