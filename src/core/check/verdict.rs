//! What a check says about the evidence it was shown.

use std::borrow::Cow;

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
    /// Why it is accepted for a while, and until which date.
    pub accepted: Option<(String, jiff::civil::Date)>,
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
            accepted: None,
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

/// A file name as one word of a POSIX shell: remedies are copied into one.
pub fn shell_word(name: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./+:@%,=".contains(&byte);
    if !name.is_empty() && !name.starts_with('-') && name.bytes().all(is_plain) {
        return Cow::Borrowed(name);
    }
    let quoted = format!("'{}'", name.replace('\'', "'\\''"));
    match name.starts_with('-') && name != "-" {
        // Programs take a name that begins with a dash for an option, quoted or not.
        true => Cow::Owned(format!("'./{}", &quoted[1..])),
        false if name == "-" => Cow::Borrowed(name),
        false => Cow::Owned(quoted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_carries_what_it_was_given() {
        let finding = Finding::new("subject", "message")
            .at(Location::file("a.env"))
            .with("variable", "A")
            .rated(Severity::Low)
            .mended_by("remedy");
        let expected = Finding {
            message: "message".into(),
            subject: "subject".into(),
            severity: Some(Severity::Low),
            location: Some(Location::file("a.env")),
            evidence: Map::from_iter([("variable".to_owned(), "A".into())]),
            remediation: Some("remedy".into()),
            accepted: None,
        };
        assert_eq!(finding, expected);
        assert_eq!(Verdict::from(finding.clone()), Verdict::Fail(finding));
    }

    #[test]
    fn each_answer_is_a_verdict_of_its_kind() {
        let finding = Finding::new("subject", "message");
        let failed = [Verdict::Fail(finding.clone())];
        assert_eq!(fail(finding.clone()), failed);
        assert_eq!(findings_or_pass(vec![finding], "fine"), failed);
        assert_eq!(findings_or_pass(Vec::new(), "fine"), pass("fine"));
        assert!(matches!(pass("a").as_slice(), [Verdict::Pass { message, .. }] if message == "a"));
        assert_eq!(unknown("a"), [Verdict::Unknown("a".into())]);
        assert_eq!(skipped("a"), [Verdict::Skipped("a".into())]);
    }

    #[test]
    fn a_name_in_a_remedy_is_one_word_and_runs_nothing() {
        let cases = [
            ("prod.env", "prod.env"),
            ("-", "-"),
            ("a b", "'a b'"),
            ("x;rm -rf ~", "'x;rm -rf ~'"),
            ("$(id)'`", "'$(id)'\\''`'"),
            ("-rf", "'./-rf'"),
            ("", "''"),
        ];
        for (name, expected) in cases {
            assert_eq!(shell_word(name), expected);
        }
    }
}
