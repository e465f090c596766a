//! The report as one HTML file without script and without a request, for reading, mailing, printing.

mod picture;
mod verdict;

use std::collections::HashMap;

use openclaw_sec::fleet::{Deployment, Findings, Fleet};
use openclaw_sec::report::{CheckResult, ItemStatus, Report, Status};

use super::Page;
use super::markup::escaped;
use verdict::{count, in_words, numbers, verdict_of_fleet, verdict_of_one};

const STYLE: &str = include_str!("html/style.css");
/// At most this many places of one finding are shown.
const MOST_PLACES: usize = 20;
/// At most this many rows of a table are shown.
const MOST_ROWS: usize = 400;
/// At most this many bytes of findings are shown: of the only deployment, and of each in a fleet.
const MOST_FINDINGS: [usize; 2] = [300_000, 30_000];
/// At most this many characters of one text are shown.
const LONGEST_TEXT: usize = 2_000;

pub fn render(findings: &Findings, page: &Page<'_>) -> String {
    let (verdict, tone) = match findings {
        Findings::One(report) => verdict_of_one(report),
        Findings::Fleet(fleet) => verdict_of_fleet(fleet),
    };
    let subject = match findings {
        Findings::One(report) => subject(report),
        Findings::Fleet(fleet) => count(fleet.targets.len() as u64, "deployment"),
    };
    let body = match findings {
        Findings::One(report) => one(report),
        Findings::Fleet(fleet) => many(findings, fleet),
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{verdict} · openclaw-sec check</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header class=\"verdict {tone}\">\n<p class=\"brand\">openclaw-sec check</p>\n<h1>{verdict}</h1>\n\
         <p class=\"subject\">{subject}</p>\n<p class=\"lead\">{}</p>\n{}</header>\n<main>\n{body}</main>\n{}\
         </body>\n</html>\n",
        in_words(
            findings.summary(),
            findings.deployments().map(|deployment| deployment.report)
        ),
        numbers(findings.summary()),
        footer(findings, page),
    )
}

fn subject(report: &Report) -> String {
    let target = &report.target;
    let mut parts: Vec<String> = [&target.name, &target.env, &target.url]
        .into_iter()
        .flatten()
        .map(|part| format!("<strong>{}</strong>", shown(part)))
        .collect();
    parts.push(format!("profile {}", shown(&target.profile)));
    parts.extend(
        target
            .dialect
            .as_ref()
            .map(|dialect| format!("{} dialect", shown(dialect))),
    );
    parts.join(" · ")
}

fn one(report: &Report) -> String {
    let mut text = format!(
        "<section>\n<h2>The checklist</h2>\n{}",
        picture::tiles(report)
    );
    text.push_str(&checklist(report));
    text.push_str("</section>\n");
    let name = report.target.env.as_deref().unwrap_or("this deployment");
    text.push_str(&details(report, name, 2, MOST_FINDINGS[0]));
    text
}

fn many(findings: &Findings, fleet: &Fleet) -> String {
    let mut text = format!(
        "<section>\n<h2>The checklist</h2>\n{}</section>\n",
        picture::rows(findings)
    );
    for (target, deployment) in fleet.targets.iter().zip(findings.deployments()) {
        let summary = &deployment.report.summary;
        if [summary.fail, summary.unknown, summary.waived] == [0; 3] {
            continue;
        }
        let label = deployment.label();
        text.push_str(&format!(
            "<section class=\"deployment {}\">\n<h2>{}</h2>\n<p class=\"subject\">{}</p>\n<p class=\"lead\">{}</p>\n",
            target.status.word(),
            shown(label),
            subject_in_fleet(&deployment),
            in_words(summary, std::iter::once(deployment.report))
        ));
        text.push_str(&details(deployment.report, label, 3, MOST_FINDINGS[1]));
        text.push_str("</section>\n");
    }
    text
}

fn subject_in_fleet(deployment: &Deployment<'_>) -> String {
    let started = &deployment.report.started_at;
    format!(
        "{} · checked {}",
        subject(deployment.report),
        moment(started)
    )
}

/// One row for each item, for those who do not see the picture.
fn checklist(report: &Report) -> String {
    let mut rows = String::new();
    for item in &report.checklist {
        let of_item = |status| {
            let results = report.with_status(status);
            results.filter(|result| result.item == item.item).count()
        };
        let numbers = [
            Status::Fail,
            Status::Unknown,
            Status::Waived,
            Status::Pass,
            Status::Skipped,
        ]
        .map(|status| format!("<td class=\"number\">{}</td>", of_item(status)))
        .concat();
        rows.push_str(&format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td>{numbers}</tr>\n",
            shown(&item.title),
            status_word(item.status)
        ));
    }
    let head = [
        "Item", "Status", "failed", "unknown", "waived", "passed", "skipped",
    ];
    table("The checklist in numbers", &head, &rows)
}

fn status_word(status: ItemStatus) -> String {
    let (word, symbol) = (status.word(), picture::symbol(status));
    format!("<span class=\"word {word}\">{symbol} {word}</span>")
}

/// Findings, unknowns and what is accepted. `level` is the level of their headings.
fn details(report: &Report, name: &str, level: usize, most: usize) -> String {
    let mut text = findings(report, level, most);
    let unknown = unknown_rows(report);
    if !unknown.is_empty() {
        let table = table(
            &format!("Not determined: {name}"),
            &["Check", "Reason", "What helps"],
            &unknown,
        );
        text.push_str(&section(level, "Not determined", &table));
    }
    let waived = waived_rows(report);
    if !waived.is_empty() {
        let head = ["Check", "Where", "What", "Accepted"];
        let table = table(&format!("Accepted for a while: {name}"), &head, &waived);
        text.push_str(&section(level, "Accepted for a while", &table));
    }
    text
}

fn section(level: usize, title: &str, inside: &str) -> String {
    format!("<section>\n<h{level}>{title}</h{level}>\n{inside}</section>\n")
}

fn findings(report: &Report, level: usize, most: usize) -> String {
    if report.summary.fail == 0 {
        return String::new();
    }
    let groups = groups(report);
    let mut text = String::new();
    let mut left_out = 0;
    for group in &groups {
        if text.len() < most {
            text.push_str(&finding(group, level + 1));
        } else {
            left_out += group.len();
        }
    }
    if left_out > 0 {
        text.push_str(&format!(
            "<p>And {left_out} more: the JSON report has them all.</p>\n"
        ));
    }
    section(level, "What failed", &text)
}

/// Failures that say the same about several places, the worst first.
fn groups(report: &Report) -> Vec<Vec<&CheckResult>> {
    let mut groups: Vec<Vec<&CheckResult>> = Vec::new();
    let mut known: HashMap<[&str; 3], usize> = HashMap::new();
    for result in report.failures() {
        let words = [&*result.id, &*result.message, &*result.remediation];
        let at = *known.entry(words).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[at].push(result);
    }
    groups
}

fn finding(group: &[&CheckResult], level: usize) -> String {
    let result = group[0];
    let severity = result.severity.word();
    let mut places: Vec<String> = group
        .iter()
        .filter_map(|result| result.place())
        .take(MOST_PLACES)
        .map(|place| format!("<code>{}</code>", shown(&place)))
        .collect();
    if group.len() > MOST_PLACES {
        places.push(format!("and {} more places", group.len() - MOST_PLACES));
    }
    let mut rows = String::new();
    for (word, inside) in [
        ("Where", places.join(", ")),
        ("Why", with_code(&result.reason)),
        ("Fix", with_code(&result.remediation)),
        ("See", references(result)),
    ] {
        if !inside.is_empty() {
            rows.push_str(&format!("<div><dt>{word}</dt><dd>{inside}</dd></div>\n"));
        }
    }
    format!(
        "<article class=\"finding {severity}\">\n<h{level}><span class=\"severity {severity}\">{severity}</span> {}</h{level}>\n\
         <p class=\"check\">{}</p>\n<dl>\n{rows}</dl>\n</article>\n",
        with_code(&result.message),
        shown(&result.id)
    )
}

fn references(result: &CheckResult) -> String {
    let is_plain = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
    let reference = |text: &String| {
        let shown = shown(text);
        if text.starts_with("https://") && text.len() < 300 && text.chars().all(is_plain) {
            format!("<a href=\"{shown}\" rel=\"noreferrer\">{shown}</a>")
        } else {
            shown
        }
    };
    let all: Vec<String> = result.references.iter().map(reference).collect();
    all.join(" · ")
}

/// What could not be determined; checks that share reason and remedy stand together.
fn unknown_rows(report: &Report) -> String {
    let mut groups: Vec<(&str, Vec<&CheckResult>)> = Vec::new();
    for result in report.with_status(Status::Unknown) {
        match groups
            .iter_mut()
            .find(|(reason, _)| *reason == result.reason)
        {
            Some((_, group)) => group.push(result),
            None => groups.push((&result.reason, vec![result])),
        }
    }
    let row = |(reason, group): &(&str, Vec<&CheckResult>)| {
        let ids: Vec<String> = group.iter().map(|result| shown(&result.id)).collect();
        let help = with_code(group[0].next_step());
        format!(
            "<tr><td>{}</td><td>{}</td><td>{help}</td></tr>\n",
            ids.join("<br>"),
            shown(reason)
        )
    };
    limited(groups.iter().map(row), 3)
}

fn waived_rows(report: &Report) -> String {
    let row = |result: &CheckResult| {
        format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            shown(&result.id),
            result.place().map_or("–".to_owned(), |place| format!(
                "<code>{}</code>",
                shown(&place)
            )),
            with_code(&result.message),
            shown(&result.acceptance())
        )
    };
    limited(report.with_status(Status::Waived).map(row), 4)
}

/// The first rows, and how many more there are.
fn limited(rows: impl Iterator<Item = String>, columns: usize) -> String {
    let rows: Vec<String> = rows.collect();
    let mut text = rows[..rows.len().min(MOST_ROWS)].concat();
    if rows.len() > MOST_ROWS {
        let more = rows.len() - MOST_ROWS;
        text.push_str(&format!("<tr><td colspan=\"{columns}\">and {more} more: the JSON report has them all</td></tr>\n"));
    }
    text
}

/// A table in a box of its own that scrolls where the screen is narrow.
fn table(name: &str, head: &[&str], rows: &str) -> String {
    let head: String = head
        .iter()
        .map(|word| format!("<th scope=\"col\">{word}</th>"))
        .collect();
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{}\" tabindex=\"0\">\n<table>\n<thead><tr>{head}</tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n</div>\n",
        shown(name)
    )
}

fn footer(findings: &Findings, page: &Page<'_>) -> String {
    let (tool, duration) = match findings {
        Findings::One(report) => (&report.tool, report.duration_ms),
        Findings::Fleet(fleet) => (&fleet.tool, fleet.duration_ms),
    };
    format!(
        "<footer>\n<p>{} {} · {} · took {duration} ms · exit code {}</p>\n</footer>\n",
        shown(&tool.name),
        shown(&tool.version),
        moment(findings.started_at()),
        page.exit_code
    )
}

/// A time as people write it; as it stands where it is none.
fn moment(time: &str) -> String {
    match time.parse::<jiff::Timestamp>() {
        Ok(moment) => {
            let words = moment.strftime("%-d %B %Y, %H:%M UTC");
            format!(
                "<time datetime=\"{}\">{words}</time>",
                moment.strftime("%Y-%m-%dT%H:%M:%SZ")
            )
        }
        Err(_) => shown(time),
    }
}

/// Foreign text, cut where it is endless.
fn shown(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", escaped(&text[..end])),
        None => escaped(text),
    }
}

/// Foreign text in which what stands between backticks is code.
fn with_code(text: &str) -> String {
    let safe = shown(text);
    let parts: Vec<&str> = safe.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return safe;
    }
    let mut text = String::new();
    for (at, part) in parts.into_iter().enumerate() {
        match (at % 2, part) {
            (0, plain) => text.push_str(plain),
            (_, code) => text.push_str(&format!("<code>{code}</code>")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stands_between_backticks_and_a_lone_one_stays() {
        assert_eq!(
            with_code("run `a <b>` now"),
            "run <code>a &lt;b&gt;</code> now"
        );
        assert_eq!(with_code("a ` b"), "a ` b");
    }

    #[test]
    fn endless_text_is_cut_between_characters() {
        assert_eq!(
            shown(&"ü".repeat(LONGEST_TEXT + 1)).chars().count(),
            LONGEST_TEXT + 1
        );
    }
}
