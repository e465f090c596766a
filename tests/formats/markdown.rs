//! Markdown: a heading first, tables whose cells hold, nothing of a report is markup.

use openclaw_sec::fleet::Findings;

use crate::corpus::{all, sample};
use crate::render;

/// The rules of the format; `findings` may be anything.
pub fn hold(findings: &Findings) {
    let text = render("markdown", findings);
    assert!(text.starts_with("# "));
    let mut columns = 0;
    for line in text.lines() {
        if !line.starts_with('|') {
            columns = 0;
            continue;
        }
        let cells = cells(line);
        assert!(columns == 0 || columns == cells, "{line}");
        columns = cells;
    }
    assert!(!text.contains(['<', '\x1b', '\u{202e}']));
    let headings = text.lines().filter(|line| line.starts_with("# "));
    assert_eq!(headings.count(), 1);
}

/// Bars that are no text.
fn cells(line: &str) -> usize {
    let mut is_escaped = false;
    let bars = line.chars().filter(|&c| {
        let counts = c == '|' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        counts
    });
    bars.count()
}

#[test]
fn every_report_holds_the_rules() {
    for (_, findings) in all() {
        hold(findings);
    }
}

#[test]
fn a_fleet_has_a_row_for_each_target_and_a_part_for_those_with_something_to_say() {
    let text = render("markdown", sample("fleet"));
    assert!(text.contains("\n| eu-1 | ❌ fail | ❌ |"), "{text}");
    assert!(text.contains("\n| us-2 | ❔ unknown | ❔ |"));
    assert!(text.contains("\n## Deployment eu-1\n") && text.contains("\n### Findings\n"));
    assert!(text.contains("no report came"));
}
