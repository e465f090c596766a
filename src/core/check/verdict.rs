//! What a check says about the evidence it was shown.

use serde_json::{Map, Value};

use crate::report::{Location, Severity};

/// One answer of a check; it may give several.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Looked at, and right.
    Pass {
        /// One sentence saying what was seen.
        message: String,
        /// What the verdict rests on.
        evidence: Map<String, Value>,
    },
    /// Looked at, and wrong.
    Fail(Finding),
    /// Could not be found out: the reason, and what would help.
    Unknown(String),
    /// Not asked, or does not apply: the reason.
    Skipped(String),
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// One sentence.
    pub message: String,
    /// What is wrong with what, in stable words: the finding's fingerprint is made of it, so it
    /// holds no line number, no path of this machine but the given ones, and no secret.
    pub subject: String,
    /// Another severity than the check's own.
    pub severity: Option<Severity>,
    /// Where it stands.
    pub location: Option<Location>,
    /// What the verdict rests on.
    pub evidence: Map<String, Value>,
    /// A better remediation than the check's own.
    pub remediation: Option<String>,
}

impl Finding {
    /// A finding about `subject`.
    pub fn new(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            subject: subject.into(),
            severity: None,
            location: None,
            evidence: Map::new(),
            remediation: None,
        }
    }

    /// Says where it stands.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    /// Adds a piece of evidence.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.evidence.insert(name.to_owned(), value.into());
        self
    }

    /// Gives it a severity of its own.
    #[must_use]
    pub fn rated(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// Gives it a remediation of its own.
    #[must_use]
    pub fn mended_by(mut self, remediation: impl Into<String>) -> Self {
        self.remediation = Some(remediation.into());
        self
    }
}

impl From<Finding> for Verdict {
    fn from(finding: Finding) -> Self {
        Self::Fail(finding)
    }
}

/// A single pass.
pub fn pass(message: impl Into<String>) -> Vec<Verdict> {
    vec![Verdict::Pass {
        message: message.into(),
        evidence: Map::new(),
    }]
}

/// A single failure.
pub fn fail(finding: Finding) -> Vec<Verdict> {
    vec![Verdict::Fail(finding)]
}

/// A single unknown.
pub fn unknown(reason: impl Into<String>) -> Vec<Verdict> {
    vec![Verdict::Unknown(reason.into())]
}

/// A single skip.
pub fn skipped(reason: impl Into<String>) -> Vec<Verdict> {
    vec![Verdict::Skipped(reason.into())]
}

/// The findings, or a pass when there are none.
pub fn findings_or_pass(findings: Vec<Finding>, message: &str) -> Vec<Verdict> {
    if findings.is_empty() {
        return pass(message);
    }
    findings.into_iter().map(Verdict::Fail).collect()
}
