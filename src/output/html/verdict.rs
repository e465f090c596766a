//! What was found, in words and numbers.

use openclaw_sec::fleet::Fleet;
use openclaw_sec::report::{ItemStatus, Report, Severity, Status, Summary};

/// The sentence that a hurried reader takes away, and its colour.
pub fn verdict_of_one(report: &Report) -> (String, &'static str) {
    let summary = &report.summary;
    if let Some(worst) = summary.worst {
        let failures = report.with_status(Status::Fail);
        let of_them = failures.filter(|result| result.severity == worst).count() as u64;
        let findings = count(summary.fail, "finding");
        let text = if of_them == summary.fail {
            format!("{findings}, severity {worst}")
        } else {
            format!("{findings}, {of_them} of them {worst}")
        };
        (text, "fail")
    } else if summary.unknown > 0 {
        let unknown = count(summary.unknown, "check");
        let text = format!("Nothing failed, {unknown} could not be determined");
        (text, "unknown")
    } else if (summary.pass, summary.waived) == (0, 0) {
        ("Nothing was checked".to_owned(), "skipped")
    } else {
        let passed = count(summary.pass, "check");
        (format!("Nothing wrong: {passed} passed"), "pass")
    }
}

/// The same for many deployments.
pub fn verdict_of_fleet(fleet: &Fleet) -> (String, &'static str) {
    let with = |status| fleet.targets.iter().filter(|t| t.status == status).count();
    let all = count(fleet.targets.len() as u64, "deployment");
    match (with(ItemStatus::Fail), with(ItemStatus::Unknown)) {
        (0, 0) => (format!("Nothing wrong in {all}"), "pass"),
        (0, unknown) => {
            let text = format!("Nothing failed, {unknown} of {all} could not be determined");
            (text, "unknown")
        }
        (failed, 0) => (format!("Findings in {failed} of {all}"), "fail"),
        (failed, unknown) => {
            let text = format!("Findings in {failed} of {all}, {unknown} could not be determined");
            (text, "fail")
        }
    }
}

/// `1 check`, `2 checks`.
pub fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The counts as a sentence, without what there is none of; failures by severity.
pub fn in_words<'r>(summary: &Summary, reports: impl Iterator<Item = &'r Report>) -> String {
    let mut failed = format!("{} failed", summary.fail);
    let severities = severities(reports);
    if !severities.is_empty() {
        failed.push_str(&format!(" ({severities})"));
    }
    let mut parts = vec![failed];
    for (number, words) in [
        (summary.unknown, "could not be determined"),
        (summary.waived, "accepted for a while"),
        (summary.pass, "passed"),
        (summary.skipped, "skipped"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {words}"));
        }
    }
    // Numbers that others wrote may be as large as they like.
    let counts = [
        summary.pass,
        summary.fail,
        summary.unknown,
        summary.skipped,
        summary.waived,
    ];
    let all = counts.into_iter().fold(0, u64::saturating_add);
    let last = parts.pop().unwrap_or_default();
    if parts.is_empty() {
        format!("Of {}, {last}.", count(all, "result"))
    } else {
        format!(
            "Of {}, {} and {last}.",
            count(all, "result"),
            parts.join(", ")
        )
    }
}

/// `1 critical, 2 high`.
fn severities<'r>(reports: impl Iterator<Item = &'r Report>) -> String {
    let mut counts = Severity::WORST_FIRST.map(|severity| (severity, 0));
    for result in reports.flat_map(|report| report.with_status(Status::Fail)) {
        for (severity, count) in &mut counts {
            *count += usize::from(result.severity == *severity);
        }
    }
    let there = counts.iter().filter(|(_, count)| *count > 0);
    let parts: Vec<String> = there
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    parts.join(", ")
}

/// The counts, large.
pub fn numbers(summary: &Summary) -> String {
    let items: String = [
        ("fail", summary.fail, "failed"),
        ("unknown", summary.unknown, "unknown"),
        ("waived", summary.waived, "waived"),
        ("pass", summary.pass, "passed"),
        ("skipped", summary.skipped, "skipped"),
    ]
    .map(|(class, number, word)| {
        let class = if number == 0 { "none" } else { class };
        format!("<li class=\"{class}\"><b>{number}</b> {word}</li>\n")
    })
    .concat();
    format!("<ul class=\"numbers\">\n{items}</ul>\n")
}
