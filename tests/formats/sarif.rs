//! SARIF: kinds, levels, places, rules and limits; Microsoft's multitool and the schema agree.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use openclaw_sec::fleet::Findings;
use openclaw_sec::report::{Severity, Status};
use serde_json::Value;

use crate::corpus::{all, report, result, sample};
use crate::validators::{files, node_file, skipped};
use crate::{counts, render};

fn sarif(findings: &Findings) -> Value {
    serde_json::from_str(&render("sarif", findings)).unwrap()
}

fn results(document: &Value) -> &Vec<Value> {
    document["runs"][0]["results"].as_array().unwrap()
}

/// The rules of the format; `findings` may be anything.
pub fn hold(findings: &Findings) {
    let document = sarif(findings);
    assert_eq!(document["runs"].as_array().unwrap().len(), 1);
    let rules = document["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    let mut statuses = [0; 5];
    let mut fingerprints = HashSet::new();
    for result in results(&document) {
        let (kind, level) = (&result["kind"], &result["level"]);
        assert_eq!(kind == "fail", level != "none", "{result}");
        let is_waived = !result["suppressions"][0].is_null();
        let at = match (kind.as_str().unwrap(), is_waived) {
            ("pass", false) => 0,
            ("fail", false) => 1,
            ("open", false) => 2,
            ("notApplicable", false) => 3,
            ("fail", true) => 4,
            other => panic!("{other:?}"),
        };
        statuses[at] += 1;
        for fingerprint in result["partialFingerprints"].as_object().unwrap().values() {
            let fingerprint = fingerprint.as_str().unwrap();
            assert!(!fingerprint.is_empty());
        }
        assert!(
            fingerprints.insert(result["partialFingerprints"].to_string()),
            "{result}"
        );
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        hold_place(&result["locations"][0]["physicalLocation"]);
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        assert!(!result["properties"]["target"].as_str().unwrap().is_empty());
    }
    assert_eq!(statuses, counts(findings));
    for rule in rules {
        let tags = rule["properties"]["tags"].as_array().unwrap();
        assert!(tags.len() <= 20 && tags[0] == "security", "{rule}");
        assert_eq!(
            tags.iter()
                .map(Value::to_string)
                .collect::<HashSet<_>>()
                .len(),
            tags.len()
        );
        assert!(!rule["help"]["text"].as_str().unwrap().is_empty());
        assert!(rule["helpUri"].as_str().unwrap().starts_with("https://"));
        let severity: f32 = rule["properties"]["security-severity"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(severity > 0.0 && severity <= 10.0);
    }
}

fn hold_place(place: &Value) {
    let uri = place["artifactLocation"]["uri"].as_str().unwrap();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/%:".contains(c);
    assert!(!uri.is_empty() && uri.chars().all(allowed), "{uri}");
    let base = &place["artifactLocation"]["uriBaseId"];
    if uri.starts_with("file:///") {
        assert!(base.is_null(), "{place}");
    } else {
        assert!(
            base == "%SRCROOT%" && !uri.starts_with('/') && !uri.contains(':'),
            "{place}"
        );
        assert!(
            !uri.starts_with("./") && !uri.split('/').any(|part| part == ".."),
            "{uri}"
        );
    }
    assert!(place["region"]["startLine"].as_u64().unwrap() > 0);
}

#[test]
fn every_report_holds_the_rules() {
    for (_, findings) in all() {
        hold(findings);
    }
}

#[test]
fn severities_become_levels_and_numbers_of_their_bands() {
    let cases = [
        (Severity::Critical, "error", 9.0..=10.0),
        (Severity::High, "error", 7.0..=8.9),
        (Severity::Medium, "warning", 4.0..=6.9),
        (Severity::Low, "note", 0.1..=3.9),
    ];
    for (severity, level, band) in cases {
        let document = sarif(&Findings::One(report(vec![result(
            "auth",
            0,
            Status::Fail,
            severity,
        )])));
        let rule = &document["runs"][0]["tool"]["driver"]["rules"][0];
        let number = &rule["properties"]["security-severity"];
        assert_eq!(results(&document)[0]["level"], level);
        assert!(
            band.contains(&number.as_str().unwrap().parse().unwrap()),
            "{severity}"
        );
    }
}

#[test]
fn a_waiver_is_a_suppression_with_its_reason_and_end() {
    let waived = result("logs", 0, Status::Waived, Severity::Medium);
    let document = sarif(&Findings::One(report(vec![waived])));
    let suppression = &results(&document)[0]["suppressions"][0];
    assert_eq!(suppression["kind"], "external");
    assert_eq!(suppression["status"], "accepted");
    let words = suppression["justification"].as_str().unwrap();
    assert!(
        words.contains("a reason") && words.contains("2026-12-31"),
        "{words}"
    );
}

#[test]
fn a_fleet_is_one_run_that_names_each_target() {
    let document = sarif(sample("fleet"));
    let targets: HashSet<&str> = results(&document)
        .iter()
        .map(|result| result["properties"]["target"].as_str().unwrap())
        .collect();
    assert_eq!(targets.len(), 4);
}

#[test]
fn too_many_results_lose_what_passed_and_never_a_failure() {
    let mut many: Vec<_> = (0..26_000)
        .map(|number| result("logs", number, Status::Pass, Severity::Low))
        .collect();
    many.extend((0..24_000).map(|n| result("auth", n, Status::Fail, Severity::High)));
    many.extend((0..500).map(|n| result("https", n, Status::Unknown, Severity::High)));
    let document = sarif(&Findings::One(report(many)));
    let of = |kind: &str| {
        results(&document)
            .iter()
            .filter(|r| r["kind"] == kind)
            .count()
    };
    assert_eq!((of("fail"), of("open"), of("pass")), (24_000, 500, 500));
    let notification = &document["runs"][0]["invocations"][0]["toolExecutionNotifications"][0];
    let text = notification["message"]["text"].as_str().unwrap();
    assert!(text.starts_with("25500 results were left out"), "{text}");
    let failures = (0..25_010).map(|n| result("auth", n, Status::Fail, Severity::High));
    let document = sarif(&Findings::One(report(failures.collect())));
    assert_eq!(results(&document).len(), 25_010);
}

#[test]
fn the_schema_and_the_multitool_agree() {
    let folder = "@microsoft/sarif-multitool-linux";
    let Some(schema) = node_file(&format!("{folder}/sarif-2.1.0.json")) else {
        return;
    };
    let schema: Value = serde_json::from_slice(&std::fs::read(schema).unwrap()).unwrap();
    // The multitool alone takes a level that does not exist for nothing at all.
    let schema = jsonschema::validator_for(&schema).unwrap();
    for (name, findings) in all() {
        let document = sarif(findings);
        let errors: Vec<String> = schema
            .iter_errors(&document)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
    let place = tempfile::tempdir().unwrap();
    for file in files("sarif", place.path()) {
        let Some(words) = multitool(&file) else {
            return;
        };
        assert!(words.is_empty(), "{}: {words}", file.display());
    }
    let mut broken = sarif(sample("page"));
    broken["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] =
        "a b".into();
    let file = place.path().join("broken.sarif");
    std::fs::write(&file, broken.to_string()).unwrap();
    assert!(
        multitool(&file).unwrap().contains("SARIF1002"),
        "it is not asleep"
    );
}

/// The errors and warnings in its log: its exit code says nothing.
fn multitool(file: &std::path::Path) -> Option<String> {
    let program = node_file("@microsoft/sarif-multitool-linux/Sarif.Multitool")?;
    let mut mode = program.metadata().unwrap().permissions();
    mode.set_mode(mode.mode() | 0o100);
    if std::fs::set_permissions(&program, mode).is_err() {
        skipped("the multitool cannot be made executable");
        return None;
    }
    let log = file.with_extension("log");
    let output = Command::new(program)
        .arg("validate")
        .arg(file)
        .args(["--rule-kind", "Sarif;Ghas", "--output"])
        .arg(&log)
        .env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let log: Value = serde_json::from_slice(&std::fs::read(log).expect(&said)).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let words = results
        .iter()
        .map(|result| format!("{} {}\n", result["ruleId"], result["message"]));
    Some(words.collect())
}
