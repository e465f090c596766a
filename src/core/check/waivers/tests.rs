//! Tests: which findings a waiver or a baseline accepts, and what is said about it.

use serde_json::{Map, json};

use super::*;
use crate::report::{Kind, Location, Severity};

const ID: &str = "logs.level";

fn result(id: &str, status: Status) -> CheckResult {
    CheckResult {
        id: id.into(),
        item: "logs".into(),
        kind: Kind::Declared,
        title: String::new(),
        severity: Severity::Medium,
        status,
        message: String::new(),
        reason: "why it matters".into(),
        evidence: Map::new(),
        location: Some(Location::at("deploy/prod.env", 9, 1)),
        remediation: String::new(),
        references: Vec::new(),
        fixable: false,
        fingerprint: "sha256:0123456789ab".into(),
    }
}

fn waiver(target: Option<&str>, expires: &str) -> Waiver {
    Waiver {
        id: ID.into(),
        target: target.map(ToOwned::to_owned),
        reason: "tracing an outage".into(),
        owner: Some("mia".into()),
        expires: expires.parse().unwrap(),
    }
}

fn target() -> Target {
    Target {
        env: Some("prod.env".into()),
        url: Some("https://bot.example/".into()),
        profile: "vps".into(),
        name: Some("berlin".into()),
        dialect: None,
    }
}

/// Applies one waiver to one result on the first of June.
fn applied(result: &mut CheckResult, waiver: Waiver) -> Vec<WaiverNews> {
    let results = std::slice::from_mut(result);
    let today = "2026-06-01".parse().unwrap();
    apply_waivers(results, &[waiver], &target(), today, |_| true)
}

#[test]
fn a_waiver_holds_until_the_end_of_its_last_day_and_is_warned_about_14_days_before() {
    use WaiverNews::{EndsSoon, Expired};
    type News = fn(String, Date) -> WaiverNews;
    let cases: [(&str, Status, Option<News>); 6] = [
        ("2026-05-31", Status::Fail, Some(Expired)),
        ("2026-06-01", Status::Waived, Some(EndsSoon)),
        ("2026-06-15", Status::Waived, Some(EndsSoon)),
        ("2026-06-16", Status::Waived, None),
        ("2026-07-01", Status::Waived, None),
        ("2027-06-01", Status::Waived, None),
    ];
    for (date, status, news) in cases {
        let mut result = result(ID, Status::Fail);
        let said = applied(&mut result, waiver(None, date));
        assert_eq!(result.status, status, "{date}");
        let expected = news.map(|news| news(ID.into(), date.parse().unwrap()));
        assert_eq!(said, Vec::from_iter(expected), "{date}");
        let (name, reason) = match status {
            Status::Waived => ("waived_until", "tracing an outage"),
            _ => ("expired_waiver", "why it matters"),
        };
        assert_eq!(result.evidence.get(name), Some(&json!(date)), "{date}");
        assert_eq!(result.reason, reason, "{date}");
    }
}

#[test]
fn a_waiver_tells_who_accepted() {
    let mut result = result(ID, Status::Fail);
    applied(&mut result, waiver(None, "2027-01-01"));
    assert_eq!(
        result.acceptance(),
        "until 2027-01-01: tracing an outage (mia)"
    );
}

#[test]
fn a_waiver_is_for_one_check_and_for_what_its_target_names() {
    for (id, target, is_waived) in [
        (ID, None, true),
        ("logs.audit-off", None, false),
        ("logs.audit-off", Some("berlin"), false),
        (ID, Some("berlin"), true),
        (ID, Some("prod.env"), true),
        (ID, Some("https://bot.example/"), true),
        (ID, Some("sha256:0123456789ab"), true),
        (ID, Some("deploy/prod.env"), true),
        (ID, Some("deploy/*.env"), true),
        (ID, Some("./deploy/prod.env"), true),
        (ID, Some("deploy"), true),
        (ID, Some("./deploy/"), true),
        (ID, Some("deploy/prod"), false),
        (ID, Some("dep"), false),
        (ID, Some("/"), false),
        (ID, Some("paris"), false),
        (ID, Some("deploy/*.toml"), false),
        (ID, Some("vps"), false),
        (ID, Some("["), false),
    ] {
        let mut result = result(id, Status::Fail);
        applied(&mut result, waiver(target, "2027-01-01"));
        let is_now = result.status == Status::Waived;
        assert_eq!(is_now, is_waived, "{id} {target:?}");
    }
    // A file whose name is no glob, and a finding that stands nowhere.
    let mut odd = result(ID, Status::Fail);
    odd.location = Some(Location::file("[a.env"));
    applied(&mut odd, waiver(Some("[a.env"), "2027-01-01"));
    assert_eq!(odd.status, Status::Waived);
    let mut nowhere = result(ID, Status::Fail);
    nowhere.location = None;
    applied(&mut nowhere, waiver(Some("*"), "2027-01-01"));
    assert_eq!(nowhere.status, Status::Fail);
}

#[test]
fn only_failures_are_waived_and_a_waiver_for_none_is_unused() {
    type News = fn(String) -> WaiverNews;
    let unused: News = WaiverNews::Unused;
    let not_asked: News = WaiverNews::NotAsked;
    for (status, target, news) in [
        (Status::Pass, None, unused),
        (Status::Pass, Some("berlin"), unused),
        (Status::Pass, Some("prod.env"), unused),
        (Status::Pass, Some("deploy/*.env"), unused),
        (
            Status::Pass,
            Some("0123456789abcdef0123456789abcdef"),
            unused,
        ),
        (
            Status::Pass,
            Some("0123456789abcdef0123456789abcdef-2"),
            unused,
        ),
        // Another deployment may need it.
        (Status::Pass, Some("paris"), not_asked),
        (Status::Fail, Some("staging.env"), not_asked),
        (Status::Unknown, None, not_asked),
        (Status::Skipped, Some("berlin"), not_asked),
    ] {
        let mut result = result(ID, status);
        let said = applied(&mut result, waiver(target, "2027-01-01"));
        assert_eq!(result.status, status);
        assert_eq!(said, [news(ID.into())], "{status:?} {target:?}");
    }
    // A check that was not asked says nothing about its waivers.
    let today = "2026-06-01".parse().unwrap();
    let waivers = [waiver(None, "2027-01-01")];
    let said = apply_waivers(&mut [], &waivers, &target(), today, |_| false);
    assert_eq!(said, [not_asked(ID.into())]);
    // Two waivers for one finding are both in use.
    let mut twice = [result(ID, Status::Fail)];
    let waivers = [waiver(None, "2027-01-01"), waiver(None, "2027-02-01")];
    let said = apply_waivers(&mut twice, &waivers, &target(), today, |_| true);
    assert_eq!((said, twice[0].status), (Vec::new(), Status::Waived));
}

#[test]
fn news_are_sentences() {
    let date: Date = "2026-06-01".parse().unwrap();
    for (news, expected) in [
        (
            WaiverNews::Unused(ID.into()),
            "the waiver for logs.level matches no finding: delete it",
        ),
        (
            WaiverNews::NotAsked(ID.into()),
            "the waiver for logs.level is for nothing that this run asked",
        ),
        (
            WaiverNews::Expired(ID.into(), date),
            "the waiver for logs.level expired on 2026-06-01: it no longer waives",
        ),
        (
            WaiverNews::EndsSoon(ID.into(), date),
            "the waiver for logs.level ends on 2026-06-01",
        ),
    ] {
        assert_eq!(news.to_string(), expected);
    }
}

/// A baseline read from a report in which one result had this status.
fn baseline(schema: &str, status: &str, reason: &str) -> Result<Baseline, BaselineError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("before.json");
    let report = json!({
        "schema": schema,
        "started_at": "2026-05-01T10:00:00Z",
        "results": [{"id": ID, "status": status, "reason": reason, "fingerprint": "sha256:0123456789ab"}],
    });
    std::fs::write(&path, report.to_string()).unwrap();
    Baseline::read(&path)
}

#[test]
fn a_baseline_accepts_what_failed_in_it_and_nothing_else() {
    for (before, now, is_waived) in [
        ("fail", result(ID, Status::Fail), true),
        ("waived", result(ID, Status::Fail), false),
        (
            "waived, known since 2026-04-01",
            result(ID, Status::Fail),
            true,
        ),
        ("pass", result(ID, Status::Fail), false),
        ("unknown", result(ID, Status::Fail), false),
        ("skipped", result(ID, Status::Fail), false),
        ("fail", result(ID, Status::Unknown), false),
        ("fail", result("logs.audit-off", Status::Fail), false),
        (
            "fail",
            CheckResult {
                fingerprint: "sha256:ba9876543210".into(),
                ..result(ID, Status::Fail)
            },
            false,
        ),
    ] {
        let mut results = [now];
        let (status, reason) = before.split_once(", ").unwrap_or((before, "by whom"));
        apply_baseline(&mut results, &baseline(SCHEMA, status, reason).unwrap());
        let [after] = results;
        assert_eq!(after.status == Status::Waived, is_waived, "{before}");
        if is_waived {
            assert_eq!(after.reason, "known since 2026-05-01");
        }
    }
}

#[test]
fn a_baseline_that_is_no_report_of_ours_is_refused() {
    let error = baseline("openclaw-sec/fleet/1", "fail", "").unwrap_err();
    assert!(matches!(error, BaselineError::NoReport { line: None, .. }));
    assert!(!error.to_string().contains("(line"), "{error}");
    let error = baseline(SCHEMA, "broken", "").unwrap_err();
    assert!(matches!(
        error,
        BaselineError::NoReport { line: Some(1), .. }
    ));
    assert!(error.to_string().contains("(line 1)"), "{error}");
    let error = Baseline::read(Path::new("/nowhere/before.json")).unwrap_err();
    assert!(matches!(error, BaselineError::Unreadable { .. }));
}
