//! Workflow commands: nothing but our own begins with `::`, and no more than GitHub keeps.

use openclaw_sec::fleet::Findings;
use openclaw_sec::report::{Severity, Status};

use crate::corpus::{all, report, result, sample};
use crate::{counts, render};

/// The rules of the format; `findings` may be anything.
pub fn hold(findings: &Findings) {
    let text = render("github", findings);
    let [_, fail, unknown, ..] = counts(findings);
    let lines: Vec<&str> = text.lines().collect();
    let mut shown = 0;
    for command in ["error", "warning", "notice"] {
        let begin = format!("::{command} ");
        let count = lines.iter().filter(|line| line.starts_with(&begin)).count();
        assert!(count <= 10, "{count} {command}");
        shown += count;
    }
    let others: Vec<&&str> = lines
        .iter()
        .filter(|line| !line.starts_with("::"))
        .collect();
    let left_out = (fail + unknown) as usize - shown;
    match left_out {
        0 => assert!(others.is_empty(), "{others:?}"),
        more => assert_eq!(others, [&&*format!("and {more} more in the job summary")]),
    }
    for line in lines.iter().filter(|line| line.starts_with("::")) {
        let (_, rest) = line.split_once(' ').unwrap();
        let (properties, _) = rest.split_once("::").unwrap();
        for property in properties.split(',') {
            let (name, value) = property.split_once('=').unwrap();
            assert!(["file", "line", "col", "title"].contains(&name), "{line}");
            assert!(!value.contains(':'), "{line}");
        }
    }
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
}

#[test]
fn every_report_holds_the_rules() {
    for (_, findings) in all() {
        hold(findings);
    }
}

#[test]
fn severities_become_commands_and_the_worst_comes_first() {
    let mut results = vec![
        result("auth", 0, Status::Fail, Severity::Low),
        result("auth", 1, Status::Unknown, Severity::Critical),
        result("auth", 2, Status::Fail, Severity::Medium),
        result("auth", 3, Status::Fail, Severity::High),
        result("auth", 4, Status::Fail, Severity::Critical),
    ];
    results.extend(
        [Status::Pass, Status::Waived, Status::Skipped]
            .map(|s| result("auth", 5, s, Severity::High)),
    );
    let text = render("github", &Findings::One(report(results)));
    let commands: Vec<&str> = text
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        commands,
        ["::error", "::error", "::warning", "::warning", "::notice"]
    );
    assert!(text.starts_with(
        "::error file=bots/prod.env,line=5,col=1,title=auth.made-up-fail::finding number 4%0Awhy: a reason%0Afix: "
    ));
}

#[test]
fn more_than_ten_of_a_kind_are_counted() {
    let many = (0..25).map(|number| result("auth", number, Status::Fail, Severity::High));
    let text = render("github", &Findings::One(report(many.collect())));
    assert!(text.ends_with("\nand 15 more in the job summary\n"));
    assert_eq!(text.lines().count(), 11);
}

#[test]
fn a_fleet_names_the_target_in_the_title() {
    let text = render("github", sample("silent"));
    assert!(text.contains("title=a%3A network.no-report::"), "{text}");
}
