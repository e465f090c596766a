//! Metrics: the sums are the report's, no series stands twice; promtool agrees.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use openclaw_sec::fleet::Findings;
use openclaw_sec::report::{Severity, Status};

use crate::corpus::{all, fleet_of, report, result, sample};
use crate::validators::has;
use crate::{counts, render};

const PREFIX: &str = "openclaw_security_";

/// Name with labels, and value.
fn series(text: &str) -> Vec<(&str, f64)> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            // A third word would be a time, which node_exporter refuses.
            assert!(name.ends_with('}') && name.starts_with(PREFIX), "{line}");
            (name, value.parse().unwrap())
        })
        .collect()
}

/// The rules of the format; `findings` may be anything.
pub fn hold(findings: &Findings) {
    let text = render("prometheus", findings);
    let series = series(&text);
    let names: HashSet<&str> = series.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), series.len(), "a series stands twice");
    let mut sums: HashMap<&str, f64> = HashMap::new();
    for (name, value) in &series {
        if name.starts_with(&format!("{PREFIX}check_results{{")) {
            let (_, rest) = name.split_once("status=\"").unwrap();
            *sums.entry(rest.split_once('"').unwrap().0).or_default() += value;
        }
    }
    for (status, count) in ["pass", "fail", "unknown", "skipped", "waived"]
        .iter()
        .zip(counts(findings))
    {
        let sum = sums.get(status).copied().unwrap_or_default();
        assert_eq!(sum, count as f64, "{status}");
    }
}

#[test]
fn every_report_holds_the_rules() {
    for (_, findings) in all() {
        hold(findings);
    }
}

#[test]
fn times_and_waivers_have_series_of_their_own() {
    let mut waived = result("logs", 0, Status::Waived, Severity::Low);
    let mut earlier = waived.clone();
    earlier
        .evidence
        .insert("waived_until".into(), "2026-12-01".into());
    let mut baseline = result("auth", 0, Status::Waived, Severity::Low);
    baseline.evidence.clear();
    waived.fingerprint = "another".into();
    let mut report = report(vec![waived, earlier, baseline]);
    report.duration_ms = 1234;
    let text = render("prometheus", &Findings::One(report));
    let known: HashMap<&str, f64> = series(&text).into_iter().collect();
    let value = |name: &str| known[format!("{PREFIX}{name}").as_str()];
    assert_eq!(
        value("check_last_run_timestamp_seconds{target=\"bots/prod.env\"}"),
        1_795_625_360.356
    );
    assert_eq!(
        value("check_duration_seconds{target=\"bots/prod.env\"}"),
        1.234
    );
    // 2026-12-01T00:00:00Z, the first of two; a baseline has no end.
    let expiry =
        "waiver_expiry_timestamp_seconds{id=\"logs.made-up-waived\",target=\"bots/prod.env\"}";
    assert_eq!(value(expiry), 1_796_083_200.0);
    assert_eq!(text.matches("waiver_expiry_timestamp_seconds{").count(), 1);
}

#[test]
fn a_silent_target_has_an_unknown_result_and_no_last_run() {
    let text = render("prometheus", sample("silent"));
    assert!(
        text.contains("status=\"unknown\",target=\"a\"} 1\n"),
        "{text}"
    );
    assert!(!text.contains("last_run"));
}

#[test]
fn targets_of_one_name_share_their_series() {
    let one = || report(vec![result("auth", 0, Status::Fail, Severity::Low)]);
    hold(&Findings::Fleet(fleet_of(vec![
        ("a", Some(one())),
        ("a", Some(one())),
    ])));
}

#[test]
fn promtool_agrees() {
    if !has("promtool") {
        return;
    }
    for (name, findings) in all() {
        let mut promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let text = render("prometheus", findings);
        promtool
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        let output = promtool.wait_with_output().unwrap();
        let words = [output.stdout, output.stderr].concat();
        let words = String::from_utf8_lossy(&words);
        assert!(
            output.status.success() && words.is_empty(),
            "{name}: {words}"
        );
    }
}
