//! JUnit XML: one suite for each checklist item, one test case for each result.

use std::collections::HashMap;

use openclaw_sec::fleet::{Deployment, Findings};
use openclaw_sec::report::{CheckResult, ChecklistItem, Report, Status};

use super::Page;
use super::markup::escaped;
use super::services::{DistinctTexts, millisecond};

pub fn render(findings: &Findings, _: &Page<'_>) -> String {
    let mut suites = String::new();
    let mut all = Counts::default();
    for deployment in findings.deployments() {
        for item in items(deployment.report) {
            let suite = Suite::new(&deployment, item);
            all.add(&suite.counts);
            suites.push_str(&suite.text(&deployment));
        }
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"openclaw-sec check\" {}>\n{suites}</testsuites>\n",
        all.attributes()
    )
}

/// An item's id, and its title.
type Item<'r> = (&'r str, &'r str);

/// The items of the checklist that have results, and then those that only the results name.
fn items(report: &Report) -> Vec<Item<'_>> {
    let has_results = |item: &&ChecklistItem| report.results.iter().any(|r| r.item == item.item);
    let listed = report.checklist.iter().filter(has_results);
    let mut items: Vec<Item<'_>> = listed.map(|item| (&*item.item, &*item.title)).collect();
    for result in &report.results {
        if !items.iter().any(|(item, _)| *item == result.item) {
            items.push((&result.item, &result.item));
        }
    }
    items
}

#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    fn count(&mut self, status: Status) {
        self.tests += 1;
        match status {
            Status::Fail => self.failures += 1,
            Status::Unknown => self.errors += 1,
            Status::Waived | Status::Skipped => self.skipped += 1,
            Status::Pass => {}
        }
    }

    fn add(&mut self, other: &Self) {
        self.tests += other.tests;
        self.failures += other.failures;
        self.errors += other.errors;
        self.skipped += other.skipped;
    }

    fn attributes(&self) -> String {
        format!(
            "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"0\"",
            self.tests, self.failures, self.errors, self.skipped
        )
    }
}

struct Suite<'r> {
    /// The name, with the deployment's before it in a fleet.
    name: String,
    title: &'r str,
    counts: Counts,
    cases: String,
}

impl<'r> Suite<'r> {
    fn new(deployment: &Deployment<'r>, (item, title): Item<'r>) -> Self {
        let name = match deployment.name {
            Some(target) => format!("{target}: {item}"),
            None => item.to_owned(),
        };
        let class = match deployment.name {
            Some(target) => format!("{target}.{item}"),
            None => format!("openclaw-sec.{item}"),
        };
        let results = deployment.report.results.iter();
        let results: Vec<&CheckResult> = results.filter(|result| result.item == item).collect();
        let mut ids: HashMap<&str, usize> = HashMap::new();
        for result in &results {
            *ids.entry(&result.id).or_default() += 1;
        }
        let mut suite = Self {
            name,
            title,
            counts: Counts::default(),
            cases: String::new(),
        };
        let mut names = DistinctTexts::default();
        for result in results {
            // Readers fold cases of one name, so a check with several findings names the places.
            let name = match result.place() {
                Some(place) if ids[&*result.id] > 1 => format!("{} {place}", result.id),
                _ => result.id.clone(),
            };
            suite.counts.count(result.status);
            suite
                .cases
                .push_str(&case(&class, &names.distinct(name), result));
        }
        suite
    }

    fn text(&self, deployment: &Deployment<'_>) -> String {
        let started = millisecond(&deployment.report.started_at)
            .and_then(|time| jiff::Timestamp::from_millisecond(time).ok())
            .map(|time| format!(" timestamp=\"{}\"", time.strftime("%Y-%m-%dT%H:%M:%S")));
        let properties: String = [
            ("title", self.title),
            ("target", deployment.label()),
            ("profile", &deployment.report.target.profile),
        ]
        .map(|(name, value)| {
            format!(
                "      <property name=\"{name}\" value=\"{}\"/>\n",
                escaped(value)
            )
        })
        .concat();
        format!(
            "  <testsuite name=\"{}\" {}{}>\n    <properties>\n{properties}    </properties>\n{}  </testsuite>\n",
            escaped(&self.name),
            self.counts.attributes(),
            started.unwrap_or_default(),
            self.cases
        )
    }
}

fn case(class: &str, name: &str, result: &CheckResult) -> String {
    let mut head = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"0\"",
        escaped(class),
        escaped(name)
    );
    if let Some(location) = &result.location {
        head.push_str(&format!(" file=\"{}\"", escaped(&location.path)));
    }
    let inside = match result.status {
        Status::Pass => return format!("{head}/>\n"),
        Status::Fail => problem("failure", &result.message, result.severity.word(), result),
        Status::Unknown => problem("error", &result.what(), "unknown", result),
        Status::Waived => skipped(&format!("waived {}", result.acceptance())),
        Status::Skipped => skipped(&result.reason),
    };
    format!("{head}>\n{inside}    </testcase>\n")
}

fn problem(element: &str, message: &str, kind: &str, result: &CheckResult) -> String {
    let place = result.place();
    let lines: String = [
        ("where", place.as_deref().unwrap_or_default()),
        ("what", &result.message),
        ("why", &result.reason),
        ("fix", result.next_step()),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .map(|(word, text)| format!("{word}: {}\n", escaped(text)))
    .collect();
    format!(
        "      <{element} message=\"{}\" type=\"{kind}\">{lines}</{element}>\n",
        escaped(message)
    )
}

fn skipped(reason: &str) -> String {
    format!("      <skipped message=\"{}\"/>\n", escaped(reason))
}
