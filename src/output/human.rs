//! The report for reading in a terminal: the checklist first, then each finding with its remedy.

use std::collections::HashMap;

use openclaw_sec::fleet::Findings;
use openclaw_sec::foreign_text::harmless;
use openclaw_sec::report::{CheckResult, ItemStatus, Report, Severity, Status};

use super::{Page, Tone};

/// So many places of one finding are shown; the JSON report has them all.
const MOST_PLACES: usize = 10;

pub fn render(findings: &Findings, page: &Page<'_>) -> String {
    let reports = findings
        .deployments()
        .map(|deployment| one(deployment.report, page));
    reports.collect::<Vec<_>>().join("\n")
}

fn one(report: &Report, page: &Page<'_>) -> String {
    let mut text = Text {
        lines: Vec::new(),
        page,
    };
    text.heading(report);
    text.checklist(report);
    for severity in Severity::WORST_FIRST {
        text.findings(report, severity);
    }
    text.unknowns(report);
    text.waived(report);
    text.closing(report);
    text.lines.push(String::new());
    text.lines.join("\n")
}

/// The lines of the report, as they come.
struct Text<'p> {
    lines: Vec<String>,
    page: &'p Page<'p>,
}

impl Text<'_> {
    fn heading(&mut self, report: &Report) {
        let target = &report.target;
        let mut parts = vec!["openclaw-sec check".to_owned()];
        parts.extend(target.name.clone());
        parts.extend(target.env.clone());
        parts.extend(target.url.clone());
        parts.push(format!("profile {}", target.profile));
        parts.extend(
            target
                .dialect
                .as_ref()
                .map(|dialect| format!("{dialect} dialect")),
        );
        let heading = parts
            .iter()
            .map(|part| harmless(part))
            .collect::<Vec<_>>()
            .join(" · ");
        self.lines.push(self.tint(Tone::Strong, &heading));
    }

    fn checklist(&mut self, report: &Report) {
        for item in &report.checklist {
            let (symbol, tone) = match item.status {
                ItemStatus::Pass => ("✓", Tone::Good),
                ItemStatus::Fail => ("✗", Tone::Bad),
                ItemStatus::Unknown => ("?", Tone::Warning),
                ItemStatus::Skipped => ("–", Tone::Muted),
            };
            let counts = counts(
                report
                    .results
                    .iter()
                    .filter(|result| result.item == item.item),
            );
            let line = format!("{symbol} {:<11} {:<40} {counts}", item.item, item.title);
            self.lines
                .push(format!("  {}", self.tint(tone, line.trim_end())));
        }
        if report.target.url.is_none() {
            let live = report
                .results
                .iter()
                .filter(|result| result.kind.word() == "live")
                .count();
            if live > 0 {
                let line =
                    format!("– {live} checks need an endpoint: add --url https://your-bot.example");
                self.lines
                    .push(format!("  {}", self.tint(Tone::Muted, &line)));
            }
        }
        self.lines.push(String::new());
    }

    /// Findings that say the same about several places stand together.
    fn findings(&mut self, report: &Report, severity: Severity) {
        let failed =
            |result: &&CheckResult| result.status == Status::Fail && result.severity == severity;
        let mut groups: Vec<Vec<&CheckResult>> = Vec::new();
        let mut known: HashMap<[&str; 3], usize> = HashMap::new();
        for result in report.results.iter().filter(failed) {
            let words = [&*result.id, &*result.message, &*result.remediation];
            let at = *known.entry(words).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[at].push(result);
        }
        for group in groups {
            let label = self.tint(
                severity_tone(severity),
                &format!("{:<9}", severity.word().to_uppercase()),
            );
            let result = group[0];
            self.title(&label, result);
            for other in group.iter().skip(1).take(MOST_PLACES - 1) {
                let line = format!("{}{}", " ".repeat(10), place(other));
                self.lines.push(line);
            }
            if group.len() > MOST_PLACES {
                let more = group.len() - MOST_PLACES;
                let line = format!("{}and {more} more places", " ".repeat(10));
                self.lines.push(line);
            }
            self.paragraph("  ", "", &result.message);
            self.paragraph("  why  ", "       ", &result.reason);
            self.paragraph("  fix  ", "       ", &result.remediation);
            self.lines.push(String::new());
        }
    }

    /// Results that share a reason stand together.
    fn unknowns(&mut self, report: &Report) {
        let mut unknowns: Vec<&CheckResult> = with_status(report, Status::Unknown).collect();
        if unknowns.is_empty() {
            return;
        }
        while let Some(first) = unknowns.first() {
            let reason = first.reason.clone();
            let (alike, others) = unknowns.into_iter().partition(|r| r.reason == reason);
            unknowns = others;
            self.unknown(&alike, &reason);
        }
        self.lines.push(String::new());
    }

    fn unknown(&mut self, alike: &[&CheckResult], reason: &str) {
        let label = self.tint(Tone::Warning, &format!("{:<9}", "UNKNOWN"));
        if let [result] = alike {
            self.title(&label, result);
        } else {
            let ids: Vec<&str> = alike.iter().map(|result| result.id.as_str()).collect();
            let indent = " ".repeat(10);
            let options = textwrap::Options::new(self.page.width)
                .initial_indent(&indent)
                .subsequent_indent(&indent);
            let wrapped = textwrap::fill(&ids.join(", "), options);
            let ids = self.tint(Tone::Strong, wrapped.trim_start());
            self.lines.push(format!("{label} {ids}"));
        }
        self.paragraph("  ", "", reason);
    }

    fn waived(&mut self, report: &Report) {
        for result in with_status(report, Status::Waived) {
            let label = self.tint(Tone::Muted, &format!("{:<9}", "WAIVED"));
            self.title(&label, result);
            self.paragraph("  ", "", &result.message);
            self.paragraph("  ", "", &acceptance(result));
            self.lines.push(String::new());
        }
    }

    fn title(&mut self, label: &str, result: &CheckResult) {
        let mut line = format!("{label} {}", self.tint(Tone::Strong, &result.id));
        if result.location.is_some() {
            line.push_str(&format!("  {}", place(result)));
        }
        self.lines.push(line);
    }

    fn closing(&mut self, report: &Report) {
        let summary = &report.summary;
        let failed = match summary.worst {
            Some(_) => format!("{} failed ({})", summary.fail, severities(report)),
            None => "nothing failed".to_owned(),
        };
        let mut parts = vec![failed];
        for (count, word) in [
            (summary.unknown, "unknown"),
            (summary.waived, "waived"),
            (summary.pass, "passed"),
            (summary.skipped, "skipped"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {word}"));
            }
        }
        let tone = match (summary.fail, summary.unknown) {
            (0, 0) => Tone::Good,
            (0, _) => Tone::Warning,
            _ => Tone::Bad,
        };
        let line = format!("{}        exit {}", parts.join(" · "), self.page.exit_code);
        self.lines.push(self.tint(tone, &line));
    }

    /// Foreign text, wrapped at the page's width.
    fn paragraph(&mut self, first: &str, rest: &str, text: &str) {
        let rest = if rest.is_empty() { first } else { rest };
        let options = textwrap::Options::new(self.page.width)
            .initial_indent(first)
            .subsequent_indent(rest)
            .break_words(false);
        let safe = harmless(text);
        self.lines.extend(
            textwrap::wrap(&safe, options)
                .into_iter()
                .map(|line| line.into_owned()),
        );
    }

    fn tint(&self, tone: Tone, text: &str) -> String {
        (self.page.tint)(tone, text)
    }
}

/// `path:line`, as far as it is known.
fn place(result: &CheckResult) -> String {
    let Some(location) = &result.location else {
        return "no place in a file".to_owned();
    };
    let line = location
        .line
        .map_or(String::new(), |line| format!(":{line}"));
    format!("{}{line}", harmless(&location.path))
}

fn with_status(report: &Report, status: Status) -> impl Iterator<Item = &CheckResult> {
    report
        .results
        .iter()
        .filter(move |result| result.status == status)
}

fn severity_tone(severity: Severity) -> Tone {
    match severity {
        Severity::Critical | Severity::High => Tone::Bad,
        Severity::Medium => Tone::Warning,
        Severity::Low => Tone::Plain,
    }
}

/// `2 failed, 1 unknown`, without what there is none of.
fn counts<'r>(results: impl Iterator<Item = &'r CheckResult>) -> String {
    let mut counts = [(Status::Fail, 0), (Status::Unknown, 0), (Status::Waived, 0)];
    for result in results {
        for (status, count) in &mut counts {
            *count += usize::from(result.status == *status);
        }
    }
    let words = ["failed", "unknown", "waived"];
    let parts: Vec<String> = counts
        .iter()
        .zip(words)
        .filter(|((_, count), _)| *count > 0)
        .map(|((_, count), word)| format!("{count} {word}"))
        .collect();
    parts.join(", ")
}

/// `1 critical, 2 high`.
fn severities(report: &Report) -> String {
    let parts: Vec<String> = Severity::WORST_FIRST
        .into_iter()
        .filter_map(|severity| {
            let failed = |r: &&CheckResult| r.status == Status::Fail && r.severity == severity;
            let count = report.results.iter().filter(failed).count();
            (count > 0).then(|| format!("{count} {severity}"))
        })
        .collect();
    parts.join(", ")
}

/// Who accepted it, until when and why.
fn acceptance(result: &CheckResult) -> String {
    let note = |name: &str| result.evidence.get(name).and_then(|value| value.as_str());
    let mut text = String::new();
    if let Some(date) = note("waived_until") {
        text.push_str(&format!("until {date}: "));
    }
    text.push_str(&result.reason);
    if let Some(owner) = note("waived_by") {
        text.push_str(&format!(" ({owner})"));
    }
    text
}
