//! What a check run found, as one value that every format renders and the exit code is read from.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::order;
use crate::redact::Redactor;

/// The `schema` field of a check report.
pub const SCHEMA: &str = "openclaw-sec/check/1";

/// How bad a finding is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Weakens a defence.
    Medium,
    /// One more mistake away from a break-in.
    High,
    /// Lets strangers in, or shows them a secret.
    Critical,
}

impl Severity {
    /// From worst to mildest.
    pub const WORST_FIRST: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// The word used in every format.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Severity {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::WORST_FIRST
            .into_iter()
            .find(|s| s.word() == word)
            .ok_or(())
    }
}

/// How a check looks for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Reads the env file and OpenClaw's configuration.
    Declared,
    /// Asks the endpoint.
    Live,
    /// Looks at this machine.
    Host,
    /// Reads a source tree and its history.
    Code,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Declared, Self::Live, Self::Host, Self::Code];

    /// The word used in every format.
    pub fn word(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Live => "live",
            Self::Host => "host",
            Self::Code => "code",
        }
    }
}

/// The state of one result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Looked at, and right.
    Pass,
    /// Looked at, and wrong.
    Fail,
    /// Asked, and could not be found out.
    Unknown,
    /// Not asked, or not applicable.
    Skipped,
    /// Wrong, and accepted for a while by a waiver or a baseline.
    Waived,
}

impl Status {
    /// The word used in every format.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
            Self::Waived => "waived",
        }
    }
}

/// The program that wrote a document.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Always `openclaw-sec`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Tool {
    /// This program.
    pub fn this() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// What was looked at.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// The env file as it was given.
    pub env: Option<String>,
    /// The live endpoint.
    pub url: Option<String>,
    /// The profile the deployment was compared with.
    pub profile: String,
    /// The deployment's name in a list of targets.
    pub name: Option<String>,
    /// Whose variables the env file holds: `page`, `upstream` or `both`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
}

/// Results counted by status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Results that passed.
    pub pass: u64,
    /// Results that failed.
    pub fail: u64,
    /// Results that could not be determined.
    pub unknown: u64,
    /// Results that were not asked for or do not apply.
    pub skipped: u64,
    /// Failures that are accepted for a while.
    pub waived: u64,
    /// The worst severity among the failures.
    pub worst: Option<Severity>,
}

impl Summary {
    /// Counts `results`.
    pub fn of(results: &[CheckResult]) -> Self {
        let count = |status| results.iter().filter(|r| r.status == status).count() as u64;
        Self {
            pass: count(Status::Pass),
            fail: count(Status::Fail),
            unknown: count(Status::Unknown),
            skipped: count(Status::Skipped),
            waived: count(Status::Waived),
            worst: results
                .iter()
                .filter(|r| r.status == Status::Fail)
                .map(|r| r.severity)
                .max(),
        }
    }
}

/// One line of the checklist.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ChecklistItem {
    /// The item's id, the first part of its checks' ids.
    pub item: String,
    /// The page's words for it.
    pub title: String,
    /// The worst status of its results; a waived failure counts as passed.
    pub status: ItemStatus,
}

/// The state of a checklist item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ItemStatus {
    /// Everything asked is right.
    Pass,
    /// Something is wrong.
    Fail,
    /// Something could not be found out.
    Unknown,
    /// Nothing was asked.
    Skipped,
}

impl ItemStatus {
    /// The word used in every format.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
        }
    }

    fn of<'r>(results: impl Iterator<Item = &'r CheckResult>) -> Self {
        let mut worst = Self::Skipped;
        for result in results {
            let status = match result.status {
                Status::Fail => return Self::Fail,
                Status::Unknown => Self::Unknown,
                Status::Pass | Status::Waived => Self::Pass,
                Status::Skipped => Self::Skipped,
            };
            if status == Self::Unknown || worst == Self::Skipped {
                worst = status;
            }
        }
        worst
    }
}

/// Where a finding stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// The file, as it was given.
    pub path: String,
    /// 1-based line, counted in the raw file.
    #[schemars(range(min = 1))]
    pub line: Option<u64>,
    /// 1-based column, in characters.
    #[schemars(range(min = 1))]
    pub column: Option<u64>,
    /// The folder that the path leads from, where it is not the working one. No document has it.
    #[serde(skip)]
    pub folder: Option<String>,
}

impl Location {
    /// A place in a file.
    pub fn at(path: &str, line: usize, column: usize) -> Self {
        Self {
            path: path.to_owned(),
            line: Some(line as u64),
            column: Some(column as u64),
            folder: None,
        }
    }

    /// A whole file.
    pub fn file(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            line: None,
            column: None,
            folder: None,
        }
    }
}

/// One thing that was checked and what came out.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// The check's permanent id.
    pub id: String,
    /// The checklist item it belongs to.
    pub item: String,
    /// How it looked.
    pub kind: Kind,
    /// What it asks, in a few words.
    pub title: String,
    /// How bad it is when it fails.
    pub severity: Severity,
    /// What came out.
    pub status: Status,
    /// One sentence: what was seen.
    pub message: String,
    /// Why it was not determined, not asked, or accepted; else why it matters.
    pub reason: String,
    /// What the verdict rests on; never a secret.
    pub evidence: Map<String, Value>,
    /// Where it stands.
    pub location: Option<Location>,
    /// What to do, complete in itself.
    pub remediation: String,
    /// Standards and documentation.
    pub references: Vec<String>,
    /// Whether `--fix` can mend it.
    pub fixable: bool,
    /// Identifies the finding: equal on every machine, without line number and without secret.
    pub fingerprint: String,
}

/// Everything one run found out about one deployment.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always `openclaw-sec/check/1`.
    pub schema: String,
    /// Who wrote it.
    pub tool: Tool,
    /// When the run began, RFC 3339 in UTC.
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What was looked at.
    pub target: Target,
    /// The results counted.
    pub summary: Summary,
    /// The page's checklist.
    pub checklist: Vec<ChecklistItem>,
    /// One entry or more for each check.
    pub results: Vec<CheckResult>,
}

impl Report {
    /// Builds the checklist and the summary from the results and cleans every text of secrets.
    pub fn new(
        started_at: jiff::Timestamp,
        mut target: Target,
        items: &[(&str, &str)],
        mut results: Vec<CheckResult>,
        redactor: &Redactor,
    ) -> Self {
        for result in &mut results {
            result.clean(redactor);
        }
        let texts = [&mut target.env, &mut target.url, &mut target.name];
        for text in texts.into_iter().flatten() {
            redactor.clean_in_place(text);
        }
        let checklist = items
            .iter()
            .map(|(item, title)| ChecklistItem {
                item: (*item).to_owned(),
                title: (*title).to_owned(),
                status: ItemStatus::of(results.iter().filter(|r| r.item == *item)),
            })
            .collect();
        Self {
            schema: SCHEMA.to_owned(),
            tool: Tool::this(),
            started_at: started_at.to_string(),
            duration_ms: 0,
            target,
            summary: Summary::of(&results),
            checklist,
            results,
        }
    }

    /// The results with this status, in their order.
    pub fn with_status(&self, status: Status) -> impl Iterator<Item = &CheckResult> {
        let results = self.results.iter();
        results.filter(move |result| result.status == status)
    }

    /// The failures, the worst first.
    pub fn failures(&self) -> Vec<&CheckResult> {
        let mut failures: Vec<&CheckResult> = self.with_status(Status::Fail).collect();
        order::sort_by_key(&mut failures, |result| std::cmp::Reverse(result.severity));
        failures
    }

    /// The exit code: 1 for a failure at or above `threshold` (`None`: never), else 3 for anything
    /// unknown, else 0.
    pub fn exit_code(&self, threshold: Option<Severity>) -> u8 {
        let failed = |r: &&CheckResult| r.status == Status::Fail;
        let counts = |r: &CheckResult| threshold.is_some_and(|t| r.severity >= t);
        if self.results.iter().filter(failed).any(counts) {
            1
        } else if self.summary.unknown > 0 {
            3
        } else {
            0
        }
    }
}

impl CheckResult {
    /// `path:line`, as far as it is known.
    pub fn place(&self) -> Option<String> {
        self.location.as_ref().map(|location| match location.line {
            Some(line) => format!("{}:{line}", location.path),
            None => location.path.clone(),
        })
    }

    /// What to do. Of what could not be determined the remedy is for another fault.
    pub fn next_step(&self) -> &str {
        match self.status {
            Status::Unknown => "remove the reason and run the check again",
            _ => &self.remediation,
        }
    }

    /// What was seen; of what could not be determined also why.
    pub fn what(&self) -> Cow<'_, str> {
        if self.status != Status::Unknown || self.message.contains(&self.reason) {
            Cow::Borrowed(&self.message)
        } else {
            Cow::Owned(format!("{}: {}", self.message, self.reason))
        }
    }

    /// The last day of a waiver, as `2026-12-31`; a baseline has none.
    pub fn waived_until(&self) -> Option<&str> {
        self.evidence.get("waived_until")?.as_str()
    }

    /// Until when, why and by whom it was accepted.
    pub fn acceptance(&self) -> String {
        let until = self.waived_until();
        let until = until.map_or(String::new(), |date| format!("until {date}: "));
        let owner = self.evidence.get("waived_by").and_then(Value::as_str);
        let owner = owner.map_or(String::new(), |owner| format!(" ({owner})"));
        format!("{until}{}{owner}", self.reason)
    }

    fn clean(&mut self, redactor: &Redactor) {
        for text in [&mut self.message, &mut self.reason, &mut self.remediation] {
            redactor.clean_in_place(text);
        }
        if let Some(location) = &mut self.location {
            redactor.clean_in_place(&mut location.path);
            if let Some(folder) = &mut location.folder {
                redactor.clean_in_place(folder);
            }
        }
        for value in self.evidence.values_mut() {
            clean_value(value, redactor);
        }
    }
}

fn clean_value(value: &mut Value, redactor: &Redactor) {
    match value {
        Value::String(text) => redactor.clean_in_place(text),
        Value::Array(values) => values.iter_mut().for_each(|v| clean_value(v, redactor)),
        Value::Object(map) => map.values_mut().for_each(|v| clean_value(v, redactor)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
