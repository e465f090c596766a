//! The report as GitHub-flavoured markdown, for pull requests and job summaries.

use openclaw_sec::fleet::Findings;
use openclaw_sec::foreign_text::harmless;
use openclaw_sec::report::{CheckResult, Report, Severity, Status};

use super::Page;

pub fn render(findings: &Findings, page: &Page<'_>) -> String {
    let reports = findings
        .deployments()
        .map(|deployment| one(deployment.report, page));
    reports.collect::<Vec<_>>().join("\n")
}

fn one(report: &Report, page: &Page<'_>) -> String {
    let mut text = String::new();
    text.push_str(&format!(
        "# openclaw-sec check: {}\n\n",
        verdict(page.exit_code)
    ));
    text.push_str(&format!("{}\n\n", subject(report)));
    text.push_str(&checklist(report));
    text.push_str(&findings(report));
    text.push_str(&table(report, Status::Unknown, "Not determined", "Reason"));
    text.push_str(&table(
        report,
        Status::Waived,
        "Accepted for a while",
        "Reason",
    ));
    let summary = &report.summary;
    text.push_str(&format!(
        "{} failed · {} unknown · {} waived · {} passed · {} skipped\n",
        summary.fail, summary.unknown, summary.waived, summary.pass, summary.skipped
    ));
    text
}

fn verdict(exit_code: u8) -> &'static str {
    match exit_code {
        0 => "nothing wrong",
        3 => "incomplete",
        _ => "something is wrong",
    }
}

fn subject(report: &Report) -> String {
    let target = &report.target;
    let mut parts: Vec<String> = [&target.name, &target.env, &target.url]
        .into_iter()
        .flatten()
        .map(|part| escaped(part))
        .collect();
    parts.push(format!("profile {}", escaped(&target.profile)));
    parts.extend(
        target
            .dialect
            .as_ref()
            .map(|dialect| format!("{dialect} dialect")),
    );
    parts.push(escaped(&report.started_at));
    parts.join(" · ")
}

fn checklist(report: &Report) -> String {
    let mut text = String::from("| | Checklist item | Status |\n| --- | --- | --- |\n");
    for item in &report.checklist {
        let symbol = match item.status.word() {
            "pass" => "✅",
            "fail" => "❌",
            "unknown" => "❔",
            _ => "➖",
        };
        text.push_str(&format!(
            "| {symbol} | {} | {} |\n",
            escaped(&item.title),
            item.status.word()
        ));
    }
    text.push('\n');
    text
}

fn findings(report: &Report) -> String {
    if report.summary.fail == 0 {
        return String::new();
    }
    let mut text = String::from(
        "## Findings\n\n| Severity | Check | Where | What | Fix |\n| --- | --- | --- | --- | --- |\n",
    );
    for severity in Severity::WORST_FIRST {
        let failed = |r: &&CheckResult| r.status == Status::Fail && r.severity == severity;
        for result in report.results.iter().filter(failed) {
            text.push_str(&format!(
                "| {severity} | {} | {} | {} | {} |\n",
                escaped(&result.id),
                place(result),
                escaped(&result.message),
                escaped(&result.remediation)
            ));
        }
    }
    text.push('\n');
    text
}

fn table(report: &Report, status: Status, title: &str, column: &str) -> String {
    let mut rows = String::new();
    for result in report
        .results
        .iter()
        .filter(|result| result.status == status)
    {
        let until = result
            .evidence
            .get("waived_until")
            .and_then(|date| date.as_str());
        let until = until
            .map(|date| format!(" (until {date})"))
            .unwrap_or_default();
        rows.push_str(&format!(
            "| {} | {} | {}{} |\n",
            escaped(&result.id),
            place(result),
            escaped(&result.reason),
            escaped(&until)
        ));
    }
    if rows.is_empty() {
        return rows;
    }
    format!("## {title}\n\n| Check | Where | {column} |\n| --- | --- | --- |\n{rows}\n")
}

fn place(result: &CheckResult) -> String {
    let Some(location) = &result.location else {
        return String::new();
    };
    let line = location
        .line
        .map(|line| format!(":{line}"))
        .unwrap_or_default();
    format!("{}{line}", escaped(&location.path))
}

/// Foreign text that stays text: no cell ends, no tag, no code, no link, no emphasis.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in harmless(text).chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '#' | '!' | '@' => {
                safe.push('\\');
                safe.push(character);
            }
            plain => safe.push(plain),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_leave_its_cell() {
        assert_eq!(
            escaped("a|b\n<img> `x` [y](z) @team"),
            "a\\|b\\\\n&lt;img&gt; \\`x\\` \\[y\\](z) \\@team"
        );
    }
}
