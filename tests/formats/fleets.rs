//! A fleet for people, and what all formats have in common.

use crate::corpus::{all, sample};
use crate::output::FORMATS;
use crate::render;

#[test]
fn the_human_report_of_a_fleet_begins_with_all_targets_and_ends_with_the_sum() {
    let text = render("human", sample("fleet"));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "openclaw-sec check · 4 deployments");
    assert!(
        lines[1].starts_with("  ✗ eu-1 ") && lines[1].contains("failed: secrets"),
        "{text}"
    );
    assert!(lines[4].starts_with("  ? us-2 ") && lines[4].contains("unknown: "));
    assert!(text.contains("\nus-2 · ") && text.contains("no report came"));
    assert!(lines.last().unwrap().ends_with("exit 1"));
}

#[test]
fn every_target_is_named_in_every_format() {
    for format in FORMATS {
        let text = render(format.name, sample("silent"));
        for target in ["a", "b"] {
            let quoted = [
                format!("\"{target}\""),
                format!("{target}: "),
                format!(" {target} "),
                format!(">{target}<"),
                format!("={target}%3A"),
                format!("\"{target}."),
            ];
            assert!(
                quoted.iter().any(|words| text.contains(words)),
                "{} {target}: {text}",
                format.name
            );
        }
    }
}

#[test]
fn the_same_findings_are_the_same_bytes() {
    for (name, findings) in all() {
        for format in FORMATS {
            assert_eq!(
                render(format.name, findings),
                render(format.name, &findings.clone()),
                "{name} {}",
                format.name
            );
        }
    }
}
