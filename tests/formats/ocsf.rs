//! OCSF: one Compliance Finding for each result; py-ocsf-models agrees.

use openclaw_sec::fleet::Findings;
use openclaw_sec::report::{Severity, Status};
use serde_json::Value;

use crate::corpus::{STARTED, all, report, result, sample};
use crate::validators::{files, python_agrees};
use crate::{counts, render};

fn lines(findings: &Findings) -> Vec<Value> {
    let text = render("ocsf", findings);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The rules of the format; `findings` may be anything.
pub fn hold(findings: &Findings) {
    let lines = lines(findings);
    let with = |compliance: u64, status: u64| {
        let of = |line: &&Value| {
            line["compliance"]["status_id"] == compliance && line["status_id"] == status
        };
        lines.iter().filter(of).count() as u64
    };
    let statuses = [with(1, 4), with(3, 1), with(0, 1), with(99, 99), with(3, 3)];
    assert_eq!(statuses, counts(findings));
    assert_eq!(lines.len() as u64, statuses.iter().sum::<u64>());
    for line in &lines {
        assert_eq!(
            (&line["class_uid"], &line["category_uid"]),
            (&2003.into(), &2.into())
        );
        assert_eq!(
            (&line["activity_id"], &line["type_uid"]),
            (&1.into(), &200_301.into())
        );
        for text in [
            "/metadata/version",
            "/metadata/product/version",
            "/metadata/product/vendor_name",
            "/finding_info/uid",
            "/finding_info/title",
            "/compliance/control",
            "/remediation/desc",
            "/resources/0/name",
            "/device/hostname",
        ] {
            let value = line
                .pointer(text)
                .and_then(Value::as_str)
                .unwrap_or_default();
            assert!(!value.is_empty(), "{text}: {line}");
        }
    }
}

#[test]
fn every_report_holds_the_rules() {
    for (_, findings) in all() {
        hold(findings);
    }
}

#[test]
fn the_time_is_the_runs_in_milliseconds_and_severities_count_up() {
    let results: Vec<_> = Severity::WORST_FIRST
        .iter()
        .map(|severity| result("auth", 0, Status::Fail, *severity))
        .chain([result("auth", 0, Status::Pass, Severity::Critical)])
        .collect();
    let lines = lines(&Findings::One(report(results)));
    let started: jiff::Timestamp = STARTED.parse().unwrap();
    assert!(
        lines
            .iter()
            .all(|line| line["time"] == started.as_millisecond())
    );
    let severities: Vec<u64> = lines
        .iter()
        .map(|line| line["severity_id"].as_u64().unwrap())
        .collect();
    assert_eq!(severities, [5, 4, 3, 2, 1]);
}

#[test]
fn a_fleet_names_the_target_as_resource_and_host() {
    for line in lines(sample("silent")) {
        assert_eq!(line["resources"][0]["name"], line["device"]["hostname"]);
        assert!(["a", "b"].contains(&line["device"]["hostname"].as_str().unwrap()));
    }
    let alone = &lines(sample("page"))[0];
    assert_eq!(alone["device"]["hostname"], "bot-1");
    assert_eq!(alone["resources"][0]["name"], "examples/page.env");
}

#[test]
fn the_models_agree() {
    let folder = tempfile::tempdir().unwrap();
    python_agrees(
        r"
import sys
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
for path in sys.argv[1:]:
    for line in open(path, encoding='utf-8'):
        ComplianceFinding.model_validate_json(line)
",
        files("ocsf", folder.path()),
    );
}
