//! Workflow commands of GitHub Actions, which become annotations of the changed files.

use std::fmt::Write as _;

use openclaw_sec::fleet::{Deployment, Findings};
use openclaw_sec::foreign_text::is_harmful;
use openclaw_sec::order;
use openclaw_sec::report::{CheckResult, Severity, Status};

use super::Page;
use super::services::{is_stdin, place_from};

/// GitHub keeps at most this many of each kind for one step, and drops the others without a word
/// (github.com/actions/toolkit/issues/734).
const MOST_OF_A_KIND: usize = 10;

/// The commands, the worst first.
const COMMANDS: [&str; 3] = ["error", "warning", "notice"];

pub fn render(findings: &Findings, page: &Page<'_>) -> String {
    let mut problems = problems(findings);
    // What failed comes before what is not known, and the order of the run decides the rest.
    order::sort_by_key(&mut problems, |(_, result)| {
        let is_unknown = result.status == Status::Unknown;
        (
            place_of(command(result)),
            is_unknown,
            std::cmp::Reverse(result.severity),
        )
    });
    let mut text = String::new();
    let mut counts = [0; COMMANDS.len()];
    let mut left_out = 0;
    for (deployment, result) in &problems {
        let count = &mut counts[place_of(command(result))];
        if *count < MOST_OF_A_KIND {
            *count += 1;
            text.push_str(&annotation(deployment, result, page));
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        text.push_str(&format!("and {left_out} more in the job summary\n"));
    }
    text
}

fn problems(findings: &Findings) -> Vec<(Deployment<'_>, &CheckResult)> {
    let mut problems = Vec::new();
    for deployment in findings.deployments() {
        let results = deployment.report.results.iter();
        let wanted = results.filter(|r| matches!(r.status, Status::Fail | Status::Unknown));
        problems.extend(wanted.map(|result| (deployment, result)));
    }
    problems
}

fn command(result: &CheckResult) -> &'static str {
    match (result.status, result.severity) {
        (Status::Unknown, _) | (_, Severity::Medium) => "warning",
        (_, Severity::Critical | Severity::High) => "error",
        (_, Severity::Low) => "notice",
    }
}

fn place_of(command: &str) -> usize {
    let place = COMMANDS.iter().position(|known| *known == command);
    place.unwrap_or_default()
}

fn annotation(deployment: &Deployment<'_>, result: &CheckResult, page: &Page<'_>) -> String {
    let mut properties = Vec::new();
    if let Some(location) = result.location.as_ref().filter(|place| !is_stdin(place)) {
        let path = place_from(page.folder, location);
        properties.push(format!("file={}", property(&path)));
        for (name, number) in [("line", location.line), ("col", location.column)] {
            properties.extend(number.map(|number| format!("{name}={number}")));
        }
    }
    let title = match deployment.name {
        Some(name) => format!("{name}: {}", result.id),
        None => result.id.clone(),
    };
    properties.push(format!("title={}", property(&title)));
    let mut lines = vec![data(&result.what())];
    if result.status == Status::Fail && !result.reason.is_empty() {
        lines.push(format!("why: {}", data(&result.reason)));
    }
    lines.push(format!("fix: {}", data(result.next_step())));
    format!(
        "::{} {}::{}\n",
        command(result),
        properties.join(","),
        lines.join("%0A")
    )
}

/// The text behind the second `::`.
fn data(text: &str) -> String {
    encoded(text, &['%', '\r', '\n'])
}

/// The value of a property.
fn property(text: &str) -> String {
    encoded(text, &['%', '\r', '\n', ':', ','])
}

/// Percent-encodes `special`; what else could deceive a reader becomes a visible escape.
fn encoded(text: &str, special: &[char]) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        let number = u32::from(character);
        // Writing to a string cannot fail.
        if special.contains(&character) {
            let _ = write!(safe, "%{number:02X}");
        } else if is_harmful(character) {
            let _ = write!(safe, "\\u{{{number:x}}}");
        } else {
            safe.push(character);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_begin_a_command() {
        assert_eq!(data("50%\r\n::error::x"), "50%25%0D%0A::error::x");
        assert_eq!(property("a,b:c\n%"), "a%2Cb%3Ac%0A%25");
        assert_eq!(data("\x1b[1m\u{202e}"), "\\u{1b}[1m\\u{202e}");
    }
}
