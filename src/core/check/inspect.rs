//! Runs the judges over the evidence and turns their verdicts into results.

use std::collections::HashMap;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::evidence::{Evidence, Live};
use super::selection::Selection;
use super::verdict::{Finding, Verdict, shell_word};
use super::{Check, checks};
use crate::hex;
use crate::profiles::{self, PROFILES};
use crate::report::{CheckResult, Kind, Status};

/// The results of a run, before waivers.
pub type Inspection = Vec<CheckResult>;

/// Asks every selected check.
pub fn inspect(evidence: &Evidence, selection: &Selection) -> Inspection {
    let env = evidence
        .declared
        .as_ref()
        .filter(|declared| declared.is_env_file)
        .map_or(".env", |declared| declared.shown_path.as_str());
    let names = Names {
        env: &shell_word(env),
        profile: &evidence.question.profile,
    };
    let mut results: Vec<CheckResult> = Vec::new();
    for check in checks().filter(|check| selection.holds(check)) {
        let kind = kind(check, evidence, selection);
        for verdict in (check.judge)(evidence) {
            results.push(CheckResult {
                kind,
                ..result(check, verdict, &names)
            });
        }
    }
    number_repeats(&mut results);
    results
}

/// How the answer was found: this machine tells where no endpoint was asked.
fn kind(check: &Check, evidence: &Evidence, selection: &Selection) -> Kind {
    let host_tells = matches!(evidence.live, Live::NotAsked)
        && evidence.question.profile == "tailscale"
        && evidence.posture.is_some();
    match check.second_kind {
        Some(kind) if host_tells || !selection.holds_as(check, check.kind) => kind,
        _ => check.kind,
    }
}

/// What the commands of a remediation name.
pub struct Names<'n> {
    /// The env file, for a shell.
    pub env: &'n str,
    /// The profile.
    pub profile: &'n str,
}

impl Names<'_> {
    /// A remediation with what it names.
    pub fn put_into(&self, remediation: &str) -> String {
        let is_default = PROFILES[0].id == self.profile;
        let known = profiles::find(self.profile).filter(|_| !is_default);
        let profile = known.map_or_else(String::new, |known| format!(" --profile {}", known.id));
        remediation
            .replace("{profile}", &profile)
            .replace("{env}", self.env)
    }
}

fn result(check: &Check, verdict: Verdict, names: &Names<'_>) -> CheckResult {
    let mut result = CheckResult {
        id: check.id.to_owned(),
        item: check.item().to_owned(),
        kind: check.kind,
        title: check.title.to_owned(),
        severity: check.severity,
        status: Status::Pass,
        message: String::new(),
        reason: String::new(),
        evidence: Map::new(),
        location: None,
        remediation: names.put_into(check.remediation),
        references: check
            .references
            .iter()
            .map(|text| (*text).to_owned())
            .collect(),
        fixable: check.is_fixable,
        fingerprint: String::new(),
    };
    let subject = match verdict {
        Verdict::Pass { message, evidence } => {
            result.message = message;
            result.evidence = evidence;
            String::new()
        }
        Verdict::Unknown(reason) => {
            result.status = Status::Unknown;
            result.message = format!("not determined: {reason}");
            result.reason = reason;
            String::new()
        }
        Verdict::Skipped(reason) => {
            result.status = Status::Skipped;
            result.message = format!("not asked: {reason}");
            result.reason = reason;
            String::new()
        }
        Verdict::Fail(finding) => {
            result.reason = check.why.to_owned();
            fail(&mut result, finding, names)
        }
    };
    result.fingerprint = fingerprint(check.id, &subject);
    result
}

fn fail(result: &mut CheckResult, finding: Finding, names: &Names<'_>) -> String {
    result.status = Status::Fail;
    result.message = finding.message;
    result.evidence = finding.evidence;
    result.location = finding.location;
    if let Some(severity) = finding.severity {
        result.severity = severity;
    }
    if let Some(remediation) = finding.remediation {
        result.remediation = names.put_into(&remediation);
    }
    if let Some((reason, until)) = finding.accepted {
        result.status = Status::Waived;
        result.reason = reason;
        annotate(result, "waived_until", until.to_string());
    }
    finding.subject
}

/// 32 hex digits of SHA-256 over id and subject: equal on every machine, because a committed
/// waiver must hold in CI. Neither holds a secret or a line number.
fn fingerprint(id: &str, subject: &str) -> String {
    let digest = Sha256::new()
        .chain_update(id)
        .chain_update([0])
        .chain_update(subject)
        .finalize();
    hex::lower(&digest[..16])
}

/// Entries of one id must be told apart even where their subjects are equal.
fn number_repeats(results: &mut [CheckResult]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for result in results {
        let times = seen.entry(result.fingerprint.clone()).or_default();
        *times += 1;
        if *times > 1 {
            result.fingerprint.push_str(&format!("-{times}"));
        }
    }
}

/// Adds a note to a result's evidence.
pub fn annotate(result: &mut CheckResult, name: &str, value: impl Into<Value>) {
    result.evidence.insert(name.to_owned(), value.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remediation_names_the_env_file_and_the_profile() {
        let text = "run `x{profile} --env {env}`";
        for (profile, expected) in [
            ("vps", "run `x --env {profile}`"),
            ("", "run `x --env {profile}`"),
            ("no such", "run `x --env {profile}`"),
            ("tailscale", "run `x --profile tailscale --env {profile}`"),
        ] {
            // A file may be called anything.
            let names = Names {
                env: "{profile}",
                profile,
            };
            assert_eq!(names.put_into(text), expected);
        }
    }
}
