//! The report for reading in a terminal: the checklist first, then each finding with its remedy.

use std::collections::HashMap;

use openclaw_sec::fleet::{Findings, Fleet};
use openclaw_sec::foreign_text::harmless;
use openclaw_sec::report::{CheckResult, ItemStatus, Report, Severity, Status};

use super::{Page, Tone};

/// At most this many places of one finding are shown; the JSON report has them all.
const MOST_PLACES: usize = 10;

pub fn render(findings: &Findings, page: &Page<'_>) -> String {
    let mut text = Text {
        lines: Vec::new(),
        page,
    };
    match findings {
        Findings::One(report) => {
            text.heading("openclaw-sec check", report);
            text.checklist(report);
            text.details(report);
        }
        Findings::Fleet(fleet) => text.many(findings, fleet),
    }
    text.closing(findings);
    text.lines.push(String::new());
    text.lines.join("\n")
}

/// The lines of the report, as they come.
struct Text<'p> {
    lines: Vec<String>,
    page: &'p Page<'p>,
}

impl Text<'_> {
    /// One line for each deployment, then what is to be said about each.
    fn many(&mut self, findings: &Findings, fleet: &Fleet) {
        let heading = format!("openclaw-sec check · {} deployments", fleet.targets.len());
        self.lines.push(self.tint(Tone::Strong, &heading));
        let names = fleet.targets.iter().map(|target| harmless(&target.name));
        let width = names
            .map(|name| name.chars().count())
            .max()
            .unwrap_or_default();
        for (target, deployment) in fleet.targets.iter().zip(findings.deployments()) {
            let (symbol, tone) = sign(target.status);
            let name = harmless(&target.name);
            let mut items = self.items(deployment.report);
            if items.is_empty() {
                items = match &target.reason {
                    Some(reason) => harmless(reason).into_owned(),
                    None => "nothing wrong".to_owned(),
                };
            }
            let line = format!("{symbol} {name:<width$}  {items}");
            self.lines
                .push(format!("  {}", self.tint(tone, line.trim_end())));
        }
        self.lines.push(String::new());
        for deployment in findings.deployments() {
            let summary = &deployment.report.summary;
            if [summary.fail, summary.unknown, summary.waived] != [0; 3] {
                self.heading(deployment.label(), deployment.report);
                self.lines.push(String::new());
                self.details(deployment.report);
            }
        }
    }

    /// The items that are not right, in words; none where all are.
    fn items(&self, report: &Report) -> String {
        let with = |status| {
            let items = report.checklist.iter().filter(|item| item.status == status);
            let items: Vec<String> = items
                .map(|item| harmless(&item.item).into_owned())
                .collect();
            items.join(", ")
        };
        let mut parts = Vec::new();
        for (status, word) in [
            (ItemStatus::Fail, "failed"),
            (ItemStatus::Unknown, "unknown"),
        ] {
            let items = with(status);
            if !items.is_empty() {
                parts.push(format!("{word}: {items}"));
            }
        }
        parts.join(" · ")
    }

    /// `first` is what the heading begins with.
    fn heading(&mut self, first: &str, report: &Report) {
        let target = &report.target;
        let mut parts = vec![first.to_owned()];
        parts.extend(target.name.clone().filter(|name| name != first));
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
            let (symbol, tone) = sign(item.status);
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

    fn details(&mut self, report: &Report) {
        for severity in Severity::WORST_FIRST {
            self.findings(report, severity);
        }
        self.unknowns(report);
        self.waived(report);
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
        let mut unknowns: Vec<&CheckResult> = report.with_status(Status::Unknown).collect();
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
                .subsequent_indent(&indent)
                .word_splitter(textwrap::WordSplitter::NoHyphenation);
            let wrapped = textwrap::fill(&ids.join(", "), options);
            let ids = self.tint(Tone::Strong, wrapped.trim_start());
            self.lines.push(format!("{label} {ids}"));
        }
        self.paragraph("  ", "", reason);
    }

    fn waived(&mut self, report: &Report) {
        for result in report.with_status(Status::Waived) {
            let label = self.tint(Tone::Muted, &format!("{:<9}", "WAIVED"));
            self.title(&label, result);
            self.paragraph("  ", "", &result.message);
            self.paragraph("  ", "", &result.acceptance());
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

    fn closing(&mut self, findings: &Findings) {
        let summary = findings.summary();
        let failed = match summary.worst {
            Some(_) => format!("{} failed ({})", summary.fail, severities(findings)),
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

fn place(result: &CheckResult) -> String {
    match result.place() {
        Some(place) => harmless(&place).into_owned(),
        None => "no place in a file".to_owned(),
    }
}

/// The sign of a status, and its colour.
fn sign(status: ItemStatus) -> (&'static str, Tone) {
    match status {
        ItemStatus::Pass => ("✓", Tone::Good),
        ItemStatus::Fail => ("✗", Tone::Bad),
        ItemStatus::Unknown => ("?", Tone::Warning),
        ItemStatus::Skipped => ("–", Tone::Muted),
    }
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
fn severities(findings: &Findings) -> String {
    let parts: Vec<String> = Severity::WORST_FIRST
        .into_iter()
        .filter_map(|severity| {
            let failed = |r: &&CheckResult| r.severity == severity;
            let reports = findings.deployments().map(|deployment| deployment.report);
            let counts =
                reports.map(|report| report.with_status(Status::Fail).filter(failed).count());
            let count: usize = counts.sum();
            (count > 0).then(|| format!("{count} {severity}"))
        })
        .collect();
    parts.join(", ")
}
