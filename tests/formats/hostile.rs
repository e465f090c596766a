//! Whatever a report says, no text leaves its place in any format.

use openclaw_sec::fleet::Findings;
use openclaw_sec::report::{CheckResult, Location, Severity, Status};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::corpus::{HOSTILE, fleet_of, report, result};
use crate::{github, gitlab, html, junit, markdown, ocsf, output, prometheus, render, sarif};

/// Pieces that mean something to a reader, and any characters between them.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(&HOSTILE[..]).prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[a-z ]{1,8}",
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn one() -> impl Strategy<Value = CheckResult> {
    let statuses = [
        Status::Pass,
        Status::Fail,
        Status::Unknown,
        Status::Skipped,
        Status::Waived,
    ];
    let place = prop_oneof![
        Just(None),
        text().prop_map(|path| Some(Location::file(&path))),
        (text(), 1..9_usize).prop_map(|(path, line)| Some(Location::at(&path, line, 1))),
    ];
    let words = proptest::array::uniform5(text());
    let kind = (0..5_usize, 0..4_usize, 0..8_usize);
    (kind, place, words).prop_map(move |((status, severity, item), location, words)| {
        let item = openclaw_sec::check::ITEMS[item].id;
        let mut one = result(item, 0, statuses[status], Severity::WORST_FIRST[severity]);
        let [message, reason, remediation, fingerprint, reference] = words;
        one.location = location;
        // Those that our checks never leave empty.
        one.message = format!("m{message}");
        one.reason = reason;
        one.remediation = remediation;
        one.fingerprint = format!("f{fingerprint}");
        one.references = vec![format!("https://{reference}"), reference];
        one
    })
}

fn hold(findings: &Findings) {
    sarif::hold(findings);
    junit::hold(findings);
    github::hold(findings);
    gitlab::hold(findings);
    markdown::hold(findings);
    html::hold(findings);
    prometheus::hold(findings);
    ocsf::hold(findings);
    for format in output::FORMATS {
        let text = render(format.name, findings);
        let is_harmful = |c: char| c != '\n' && openclaw_sec::foreign_text::is_harmful(c);
        assert!(!text.contains(is_harmful), "{}: {text:?}", format.name);
        let starts = |line: &str| line.starts_with("::");
        assert!(
            format.name == "github" || !text.lines().any(starts),
            "{}: {text}",
            format.name
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_text_stays_in_its_place(results in vec(one(), 0..6), name in text(), env in text()) {
        let mut report = report(results);
        report.target.env = Some(format!("e{env}"));
        report.target.name = Some(format!("n{name}"));
        report.target.profile = env;
        hold(&Findings::One(report.clone()));
        let fleet = fleet_of(vec![("plain", Some(report)), (&format!("n{name}"), None)]);
        hold(&Findings::Fleet(fleet));
    }
}
