//! Tests: exit codes, summaries and the words of a report.

use super::*;

fn result(status: Status, severity: Severity) -> CheckResult {
    CheckResult {
        id: "auth.web-api-key-weak".into(),
        item: "auth".into(),
        kind: Kind::Declared,
        title: String::new(),
        severity,
        status,
        message: String::new(),
        reason: String::new(),
        evidence: Map::new(),
        location: None,
        remediation: String::new(),
        references: Vec::new(),
        fixable: false,
        fingerprint: String::new(),
    }
}

fn report(results: Vec<CheckResult>) -> Report {
    let target = Target {
        env: None,
        url: None,
        profile: "vps".into(),
        name: None,
        dialect: None,
    };
    Report::new(
        jiff::Timestamp::UNIX_EPOCH,
        target,
        &[("auth", "")],
        results,
        &Redactor::default(),
    )
}

#[test]
fn the_exit_code_counts_failures_first_then_unknowns() {
    use Severity::{High, Low, Medium};
    use Status::{Fail, Pass, Skipped, Unknown, Waived};
    type Case = (&'static [(Status, Severity)], Option<Severity>, u8);
    let cases: [Case; 8] = [
        (&[(Pass, High), (Skipped, High)], Some(Medium), 0),
        (&[(Fail, High), (Unknown, High)], Some(Medium), 1),
        (&[(Fail, Low)], Some(Medium), 0),
        (&[(Fail, Medium)], Some(Medium), 1),
        (&[(Fail, Low), (Unknown, Low)], Some(Medium), 3),
        (&[(Fail, High)], None, 0),
        (&[(Fail, High), (Unknown, Low)], None, 3),
        (&[(Waived, High)], Some(Low), 0),
    ];
    for (results, threshold, expected) in cases {
        let results = results.iter().map(|(st, se)| result(*st, *se)).collect();
        assert_eq!(report(results).exit_code(threshold), expected);
    }
}

#[test]
fn an_item_is_as_good_as_its_worst_result() {
    use Status::{Fail, Pass, Skipped, Unknown, Waived};
    let cases: [(&[Status], ItemStatus); 6] = [
        (&[], ItemStatus::Skipped),
        (&[Skipped, Pass], ItemStatus::Pass),
        (&[Pass, Unknown, Pass], ItemStatus::Unknown),
        (&[Unknown, Fail], ItemStatus::Fail),
        (&[Waived, Skipped], ItemStatus::Pass),
        (&[Skipped, Unknown], ItemStatus::Unknown),
    ];
    for (statuses, expected) in cases {
        let results = statuses
            .iter()
            .map(|s| result(*s, Severity::High))
            .collect();
        assert_eq!(
            report(results).checklist[0].status,
            expected,
            "{statuses:?}"
        );
    }
}

#[test]
fn the_failures_come_worst_first_and_in_their_order() {
    use Severity::{Critical, Low};
    let mut results = vec![
        result(Status::Fail, Low),
        result(Status::Pass, Critical),
        result(Status::Fail, Critical),
        result(Status::Fail, Low),
    ];
    for (number, result) in results.iter_mut().enumerate() {
        result.id = number.to_string();
    }
    let report = report(results);
    let ids: Vec<&str> = report.failures().iter().map(|r| r.id.as_str()).collect();
    assert_eq!(ids, ["2", "0", "3"]);
}

#[test]
fn a_summary_counts_each_status_and_the_worst_failure() {
    use Severity::{Critical, Low, Medium};
    use Status::{Fail, Pass, Skipped, Unknown, Waived};
    let statuses = [
        (Pass, Critical),
        (Fail, Low),
        (Fail, Medium),
        (Unknown, Critical),
        (Skipped, Critical),
        (Waived, Critical),
    ];
    let results = statuses.map(|(st, se)| result(st, se)).to_vec();
    let expected = Summary {
        pass: 1,
        fail: 2,
        unknown: 1,
        skipped: 1,
        waived: 1,
        worst: Some(Medium),
    };
    assert_eq!(report(results).summary, expected);
    assert_eq!(Summary::of(&[]).worst, None);
}

#[test]
fn words_are_those_of_the_formats() {
    for severity in Severity::WORST_FIRST {
        let word = severity.to_string();
        assert_eq!(word.parse(), Ok(severity));
        assert_eq!(serde_json::to_value(severity).unwrap(), word.as_str());
    }
    assert_eq!("grave".parse::<Severity>(), Err(()));
    for kind in [Kind::Declared, Kind::Live, Kind::Host, Kind::Code] {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
    }
    use Status::{Fail, Pass, Skipped, Unknown, Waived};
    for status in [Pass, Fail, Unknown, Skipped, Waived] {
        assert_eq!(serde_json::to_value(status).unwrap(), status.word());
    }
    for status in [
        ItemStatus::Pass,
        ItemStatus::Fail,
        ItemStatus::Unknown,
        ItemStatus::Skipped,
    ] {
        assert_eq!(serde_json::to_value(status).unwrap(), status.word());
    }
}

#[test]
fn a_result_says_where_what_and_until_when() {
    let mut result = result(Status::Unknown, Severity::Low);
    assert_eq!(result.place(), None);
    result.location = Some(Location::file("a.env"));
    assert_eq!(result.place().as_deref(), Some("a.env"));
    result.location = Some(Location::at("a.env", 7, 1));
    assert_eq!(result.place().as_deref(), Some("a.env:7"));

    result.message = "not readable".into();
    result.reason = "run with sudo".into();
    assert_eq!(result.what(), "not readable: run with sudo");
    result.remediation = "make it smaller".into();
    assert_eq!(
        result.next_step(),
        "remove the reason and run the check again"
    );
    result.message = "not readable: run with sudo".into();
    assert_eq!(result.what(), "not readable: run with sudo");
    result.status = Status::Fail;
    result.message = "wrong".into();
    assert_eq!(result.what(), "wrong");
    assert_eq!(result.next_step(), "make it smaller");

    assert_eq!(result.acceptance(), "run with sudo");
    let accepted = [("waived_until", "2026-12-31"), ("waived_by", "mia")];
    for (name, value) in accepted {
        result.evidence.insert(name.into(), value.into());
    }
    assert_eq!(result.acceptance(), "until 2026-12-31: run with sudo (mia)");
    assert_eq!(result.waived_until(), Some("2026-12-31"));
}

#[test]
fn no_text_of_a_report_holds_a_secret() {
    let secret = "q8Zt0vXrLm2Kp9Wc4Yb7";
    let text = || format!("see {secret}");
    let mut dirty = result(Status::Fail, Severity::Low);
    for place in [
        &mut dirty.message,
        &mut dirty.reason,
        &mut dirty.remediation,
    ] {
        *place = text();
    }
    dirty.location = Some(Location::file(&text()));
    let nested = serde_json::json!({"list": [text(), 1], "text": text()});
    dirty.evidence.insert("seen".into(), nested);
    let target = Target {
        env: Some(text()),
        url: Some(text()),
        profile: "vps".into(),
        name: Some(text()),
        dialect: None,
    };
    let secrets = [crate::secret::Secret::new(secret)];
    let report = Report::new(
        jiff::Timestamp::UNIX_EPOCH,
        target,
        &[("auth", "")],
        vec![dirty],
        &Redactor::knowing(secrets.iter()),
    );
    let shown = serde_json::to_string(&report).unwrap();
    assert!(shown.contains("see "), "{shown}");
    assert!(!shown.contains(secret), "{shown}");
}
