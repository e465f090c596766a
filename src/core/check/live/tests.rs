//! Tests: when the endpoint is judged, and what of the env file stands beside the verdict.

use serde_json::json;

use super::super::fixtures::{evidence, said, sentences, words};
use super::*;
use crate::probe::verdicts::fixtures;
use crate::report::Kind;

/// Evidence of an endpoint beside an env file.
fn seen(env: &str, change: impl FnOnce(&mut LiveEvidence)) -> Evidence {
    let mut live = fixtures::evidence();
    change(&mut live);
    let mut evidence = evidence(env);
    evidence.live = Live::Seen(Box::new(live));
    evidence
}

fn passing(message: &str, evidence: Value) -> Vec<LiveVerdict> {
    let Value::Object(evidence) = evidence else {
        panic!()
    };
    vec![LiveVerdict::Pass {
        message: message.into(),
        evidence,
    }]
}

/// What stands beside a verdict about these variables.
fn beside(evidence: &Evidence, variables: &[&str]) -> Option<Value> {
    let verdicts = ask(evidence, variables, |_| passing("fine", json!({})));
    let [Verdict::Pass { evidence, .. }] = verdicts.as_slice() else {
        panic!("{verdicts:?}")
    };
    evidence.get("declared").cloned()
}

#[test]
fn an_endpoint_is_judged_where_one_was_asked_and_noticed_questions_under_active_alone() {
    let live = || super::super::checks().filter(|check| check.kind == Kind::Live);
    for check in live() {
        assert_eq!(sentences(check.id, &evidence("")), NO_URL, "{}", check.id);
        let mut evidence = seen("", |_| {});
        let is_refused = sentences(check.id, &evidence) == NOT_ACTIVE;
        assert_eq!(is_refused, check.is_active, "{}", check.id);
        evidence.question.is_active = true;
        assert_ne!(sentences(check.id, &evidence), NOT_ACTIVE, "{}", check.id);
        assert_ne!(said(check.id, &evidence), "", "{}", check.id);
    }
}

#[test]
fn a_verdict_keeps_its_kind_its_words_and_its_severity() {
    let failed = |severity| LiveVerdict::Fail {
        message: "open".into(),
        evidence: Map::new(),
        subject: "port 80".into(),
        severity,
    };
    let reason = || "why".to_owned();
    let pass = passing("fine", json!({})).remove(0);
    for (verdict, expected) in [
        (pass, "pass"),
        (failed(None), "fail port 80"),
        (LiveVerdict::Unknown { reason: reason() }, "unknown"),
        (LiveVerdict::Skipped { reason: reason() }, "skipped"),
    ] {
        assert_eq!(words(&[translated(verdict)]), expected);
    }
    for (severity, expected) in [
        (None, None),
        (Some(Worse::High), Some(Severity::High)),
        (Some(Worse::Critical), Some(Severity::Critical)),
    ] {
        let Verdict::Fail(finding) = translated(failed(severity)) else {
            panic!()
        };
        assert_eq!(
            (finding.severity, finding.message.as_str()),
            (expected, "open")
        );
    }
}

#[test]
fn where_nobody_answers_the_reason_says_what_to_look_at() {
    use crate::probe::Silence;
    for (silence, step) in [
        (Silence::Refused, "listens"),
        (Silence::Dropped, "firewall"),
        (Silence::Unreachable("no route".into()), "firewall"),
        (Silence::NotResolved("no such name".into()), "DNS"),
    ] {
        let evidence = seen("", |live| {
            live.peer = Err(silence.clone());
            live.plain = Err(Silence::Refused);
            live.front = Err(silence.clone());
        });
        for id in ["https.redirect", "https.plaintext", "https.hsts"] {
            assert_eq!(said(id, &evidence), "unknown", "{id} {silence}");
            let reason = sentences(id, &evidence);
            assert!(reason.starts_with(&silence.to_string()), "{reason}");
            assert!(reason.contains(step), "{reason}");
        }
    }
    // An endpoint that answers has faults of its own.
    let evidence = seen("", |live| live.front = Err(Silence::Refused));
    let reason = sentences("https.hsts", &evidence);
    assert_eq!(reason, Silence::Refused.to_string());
}

#[test]
fn what_the_file_says_stands_beside_the_verdict_and_no_secret_does() {
    for (env, name, expected) in [
        ("FORCE_HTTPS=true", "FORCE_HTTPS", json!(true)),
        ("FORCE_HTTPS=1", "FORCE_HTTPS", json!(false)),
        ("", "FORCE_HTTPS", json!(null)),
        ("RATE_LIMIT_REQUESTS=100", "RATE_LIMIT_REQUESTS", json!(100)),
        (
            "RATE_LIMIT_REQUESTS=x",
            "RATE_LIMIT_REQUESTS",
            json!("no number"),
        ),
        (
            "CORS_ORIGINS=https://A.example/x, *,null,hunter2",
            "CORS_ORIGINS",
            json!(["https://a.example", "*", "null"]),
        ),
        ("AUDIT_LOG_PATH=/var/log/x", "AUDIT_LOG_PATH", json!("set")),
        ("WEB_API_KEY=hunter2x9", "WEB_API_KEY", json!("set")),
        (
            "WEB_API_KEY=your-secret-key-here",
            "WEB_API_KEY",
            json!("a placeholder"),
        ),
    ] {
        let found = beside(&seen(env, |_| {}), &[name]);
        assert_eq!(found, Some(json!({name: expected})), "{env}");
    }
}

#[test]
fn variables_that_nobody_reads_promise_nothing() {
    let both = ["WEB_API_KEY", "OPENCLAW_GATEWAY_TOKEN"];
    let upstream = seen("OPENCLAW_GATEWAY_TOKEN=q8Zt0v", |_| {});
    let found = beside(&upstream, &both);
    assert_eq!(found, Some(json!({"OPENCLAW_GATEWAY_TOKEN": "set"})));
    assert_eq!(beside(&upstream, &["FORCE_HTTPS"]), None);
    assert_eq!(beside(&seen("", |_| {}), &[]), None);
    let mut without_file = seen("", |_| {});
    without_file.declared = None;
    assert_eq!(beside(&without_file, &both), None);
    // What was not judged needs nothing beside it.
    let reason = || "silent".to_owned();
    let unknown = |_: &LiveEvidence| vec![LiveVerdict::Unknown { reason: reason() }];
    let verdicts = ask(&seen("", |_| {}), &both, unknown);
    assert_eq!(verdicts, [Verdict::Unknown(reason())]);
}

#[test]
fn two_reports_of_one_deployment_do_not_differ_in_the_made_up_word() {
    for (origin, text, expected) in [
        ("https://qvxzjkwpt.example", "qvxzjkwpt", "made-up-word"),
        ("https://qvxzjkwp.example", "qvxzjkwp", "qvxzjkwp"),
        ("https://evil.example", "evil", "evil"),
        ("https://qvxzjkwpt.test", "qvxzjkwpt", "qvxzjkwpt"),
        ("http://qvxzjkwpt.example", "qvxzjkwpt", "qvxzjkwpt"),
    ] {
        let evidence = seen("", |live| live.websocket_origin = origin.into());
        let message = format!("{text} is let in");
        let shown = json!({"a": text, "b": [text, 1], "c": {"d": text}});
        let verdicts = ask(&evidence, &[], |_| passing(&message, shown.clone()));
        let [Verdict::Pass { message, evidence }] = verdicts.as_slice() else {
            panic!("{verdicts:?}")
        };
        assert_eq!(*message, format!("{expected} is let in"));
        let expected = json!({"a": expected, "b": [expected, 1], "c": {"d": expected}});
        assert_eq!(Value::Object(evidence.clone()), expected, "{origin}");
    }
    let evidence = seen("", |live| {
        live.websocket_origin = "https://qvxzjkwpt.example".into()
    });
    let text = || "qvxzjkwpt".to_owned();
    for verdict in [
        LiveVerdict::Unknown { reason: text() },
        LiveVerdict::Skipped { reason: text() },
        LiveVerdict::Fail {
            message: text(),
            evidence: Map::from_iter([("seen".to_owned(), text().into())]),
            subject: "port 80".into(),
            severity: None,
        },
    ] {
        let verdicts = ask(&evidence, &[], |_| vec![verdict.clone()]);
        assert!(!format!("{verdicts:?}").contains("qvxz"), "{verdicts:?}");
    }
}

#[test]
fn questions_hang_on_live_checks_that_there_are() {
    let _ = crate::probe::Wanted::of(|id| {
        let check = crate::check::find(id).unwrap_or_else(|| panic!("{id}"));
        assert_eq!(check.kind, Kind::Live, "{id}");
        true
    });
}
