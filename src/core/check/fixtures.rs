//! Evidence to start the checks' tests from: an env file, and nothing else that was asked.

use std::io;
use std::path::Path;

use super::dialect::Dialect;
use super::evidence::{Declared, Evidence, Live, Question};
use super::host::HostEvidence;
use super::rotation::RotationEvidence;
use super::upstream::Upstream;
use super::verdict::Verdict;
use crate::env_file::EnvFile;
use crate::scan::CodeEvidence;
use crate::world::{Finished, Invocation, Runner, World};

/// A world without programs and variables whose root is this folder.
pub(super) fn world_below(root: &Path) -> World {
    struct NoPrograms;
    impl Runner for NoPrograms {
        fn run(
            &self,
            _: &Invocation<'_>,
            _: &[(std::ffi::OsString, std::ffi::OsString)],
        ) -> io::Result<Finished> {
            Err(io::ErrorKind::NotFound.into())
        }
    }
    World::made_of(jiff::Timestamp::UNIX_EPOCH, [], root, Box::new(NoPrograms))
}

pub(super) fn evidence(env: &str) -> Evidence {
    let declared = Declared::new("prod.env".into(), None, EnvFile::parse(env));
    let names: Vec<&str> = declared.effective().map(|a| a.name.as_str()).collect();
    Evidence {
        dialect: Dialect::of(names.into_iter(), false),
        question: Question {
            profile: "vps".into(),
            is_active: false,
            operator_tailnet: None,
            now: "2026-06-01T00:00:00Z".parse().unwrap(),
        },
        declared: Some(declared),
        upstream: None,
        compared: Vec::new(),
        host: HostEvidence::default(),
        posture: None,
        live: Live::NotAsked,
        code: CodeEvidence::default(),
        rotation: RotationEvidence::default(),
    }
}

/// The same beside an `openclaw.json`.
pub(super) fn evidence_beside(env: &str, json: &str) -> Evidence {
    let mut evidence = evidence(env);
    let mut upstream = Upstream::parse(json).unwrap();
    upstream.path = "openclaw.json".into();
    let declared = evidence.declared.as_ref().unwrap();
    let names: Vec<&str> = declared.effective().map(|a| a.name.as_str()).collect();
    evidence.dialect = Dialect::of(names.into_iter(), true);
    evidence.upstream = Some(upstream);
    evidence
}

/// The verdicts as words: `pass`, `fail SUBJECT`, `unknown`, `skipped`.
pub(super) fn words(verdicts: &[Verdict]) -> String {
    let words: Vec<String> = verdicts
        .iter()
        .map(|verdict| match verdict {
            Verdict::Pass { .. } => "pass".to_owned(),
            Verdict::Fail(finding) => format!("fail {}", finding.subject),
            Verdict::Unknown(_) => "unknown".to_owned(),
            Verdict::Skipped(_) => "skipped".to_owned(),
        })
        .collect();
    words.join(", ")
}

/// What a check says about evidence, in words.
pub(super) fn said(id: &str, evidence: &Evidence) -> String {
    words(&(super::find(id).unwrap().judge)(evidence))
}

/// The sentences of the verdicts.
pub(super) fn sentences(id: &str, evidence: &Evidence) -> String {
    let sentences: Vec<String> = (super::find(id).unwrap().judge)(evidence)
        .into_iter()
        .map(|verdict| match verdict {
            Verdict::Pass { message, .. } => message,
            Verdict::Fail(finding) => finding.message,
            Verdict::Unknown(reason) | Verdict::Skipped(reason) => reason,
        })
        .collect();
    sentences.join("\n")
}
