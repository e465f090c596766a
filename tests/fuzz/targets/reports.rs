//! Reports of others become a fleet: nobody vanishes, nothing in it deceives a terminal, and the
//! fleet's own report is read as the same.

use openclaw_sec::check::Baseline;
use openclaw_sec::fleet::merge::{Question, merge};
use openclaw_sec::fleet::{Findings, Fleet};
use openclaw_sec::foreign_text::harmless_json;
use openclaw_sec::report::Severity;

use super::support::{assert_harmless, file, now};

/// What claims to be a JSON report.
pub fn run(data: &[u8]) {
    let path = file("report.json", data);
    let _ = Baseline::read(&path);
    let question = Question {
        expected: vec!["expected".to_owned()],
        max_age: None,
        now: now(),
        items: &[("secrets.placeholder", "A secret is a placeholder")],
    };
    let merged = merge(&[path], &question);
    let fleet = Fleet::new(now(), merged.targets);
    assert!(fleet.targets.iter().any(|target| target.name == "expected"));
    let findings = Findings::Fleet(fleet.clone());
    for threshold in [None, Some(Severity::Medium)] {
        assert!(
            [1, 3].contains(&findings.exit_code(threshold)),
            "one is unknown"
        );
    }
    let text = serde_json::to_string(&fleet).expect("a fleet is JSON");
    // Reports are passed on as they were written; the output makes them harmless.
    let text = harmless_json(&text);
    assert_harmless(&text, "a fleet");
    let again = merge(&[file("fleet.json", text.as_bytes())], &question);
    let again = Fleet::new(now(), again.targets);
    let shown = |fleet: &Fleet| {
        let names = fleet.targets.iter();
        let mut names: Vec<_> = names
            .map(|target| (target.name.clone(), target.is_silent()))
            .collect();
        names.sort();
        (names, serde_json::to_string(&fleet.summary).ok())
    };
    assert_eq!(shown(&fleet), shown(&again), "{text}");
}
