//! The report as GitHub-flavoured markdown, for pull requests and job summaries.

use openclaw_sec::fleet::{Deployment, Findings, Fleet};
use openclaw_sec::foreign_text::harmless;
use openclaw_sec::report::{CheckResult, ItemStatus, Report, Status, Summary};

use super::Page;

pub fn render(findings: &Findings, page: &Page<'_>) -> String {
    let mut text = format!("# openclaw-sec check: {}\n\n", verdict(page.exit_code));
    match findings {
        Findings::One(report) => {
            text.push_str(&format!("Looked at {}\n\n", subject(report)));
            text.push_str(&checklist(report));
            text.push_str(&details(report, "##"));
        }
        Findings::Fleet(fleet) => many(&mut text, findings, fleet),
    }
    text.push_str(&numbers(findings.summary()));
    text
}

fn verdict(exit_code: u8) -> &'static str {
    match exit_code {
        0 => "nothing wrong",
        3 => "incomplete",
        _ => "something is wrong",
    }
}

/// One row for each deployment, then what is to be said about each.
fn many(text: &mut String, findings: &Findings, fleet: &Fleet) {
    let deployments: Vec<Deployment<'_>> = findings.deployments().collect();
    let most = deployments.iter().max_by_key(|d| d.report.checklist.len());
    let items = most.map_or(&[][..], |deployment| &deployment.report.checklist);
    let heads = items
        .iter()
        .map(|item| format!(" {} |", escaped(&item.item)));
    text.push_str(&format!(
        "| Deployment | Status |{}\n",
        heads.collect::<String>()
    ));
    text.push_str(&format!("| --- | --- |{}\n", " --- |".repeat(items.len())));
    for (target, deployment) in fleet.targets.iter().zip(&deployments) {
        let symbols = items.iter().map(|item| {
            let mut own = deployment.report.checklist.iter();
            let own = own.find(|own| own.item == item.item);
            format!(" {} |", own.map_or("", |own| symbol(own.status)))
        });
        text.push_str(&format!(
            "| {} | {} {} |{}\n",
            escaped(deployment.label()),
            symbol(target.status),
            target.status.word(),
            symbols.collect::<String>()
        ));
    }
    text.push('\n');
    for deployment in &deployments {
        let details = details(deployment.report, "###");
        if !details.is_empty() {
            text.push_str(&format!(
                "## Deployment {}\n\nLooked at {}\n\n{details}{}\n",
                escaped(deployment.label()),
                subject(deployment.report),
                numbers(&deployment.report.summary)
            ));
        }
    }
    text.push_str(&format!("{} deployments: ", deployments.len()));
}

/// What failed, what is unknown and what is accepted. `level` stands before the headings.
fn details(report: &Report, level: &str) -> String {
    let mut text = findings(report, level);
    for (status, title) in [
        (Status::Unknown, "Not determined"),
        (Status::Waived, "Accepted for a while"),
    ] {
        text.push_str(&table(report, status, &format!("{level} {title}")));
    }
    text
}

fn numbers(summary: &Summary) -> String {
    format!(
        "{} failed · {} unknown · {} waived · {} passed · {} skipped\n",
        summary.fail, summary.unknown, summary.waived, summary.pass, summary.skipped
    )
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
        text.push_str(&format!(
            "| {} | {} | {} |\n",
            symbol(item.status),
            escaped(&item.title),
            item.status.word()
        ));
    }
    text.push('\n');
    text
}

fn symbol(status: ItemStatus) -> &'static str {
    match status {
        ItemStatus::Pass => "✅",
        ItemStatus::Fail => "❌",
        ItemStatus::Unknown => "❔",
        ItemStatus::Skipped => "➖",
    }
}

fn findings(report: &Report, level: &str) -> String {
    if report.summary.fail == 0 {
        return String::new();
    }
    let mut text = format!(
        "{level} Findings\n\n| Severity | Check | Where | What | Fix |\n| --- | --- | --- | --- | --- |\n",
    );
    for result in report.failures() {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            result.severity,
            escaped(&result.id),
            place(result),
            escaped(&result.message),
            escaped(&result.remediation)
        ));
    }
    text.push('\n');
    text
}

fn table(report: &Report, status: Status, heading: &str) -> String {
    let mut rows = String::new();
    for result in report.with_status(status) {
        let why = match status {
            Status::Waived => format!("{} (accepted {})", result.message, result.acceptance()),
            _ => result.reason.clone(),
        };
        rows.push_str(&format!(
            "| {} | {} | {} |\n",
            escaped(&result.id),
            place(result),
            escaped(&why)
        ));
    }
    if rows.is_empty() {
        return rows;
    }
    format!("{heading}\n\n| Check | Where | Reason |\n| --- | --- | --- |\n{rows}\n")
}

fn place(result: &CheckResult) -> String {
    result
        .place()
        .map_or(String::new(), |place| escaped(&place))
}

/// Foreign text that stays text: no cell ends, no tag, no code, no link, no emphasis.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in harmless(text).chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '#' | '!' | '@' | '$' => {
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
