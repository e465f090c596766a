//! `check --merge`: joins reports that were written elsewhere; nothing is asked and nothing judged.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use jiff::SignedDuration;
use openclaw_sec::audit::times;
use openclaw_sec::fleet::merge::{Question, expected_names, merge, report_files};
use openclaw_sec::fleet::{Findings, Fleet};

use super::reports::{self, Output};
use crate::cli::CheckArgs;
use crate::commands::{Context, Failure};

/// Reads what `--merge` names and holds it against `--expect` and `--max-age`.
///
/// # Errors
/// When something that was named is not there.
pub fn join(
    arguments: &CheckArgs,
    outputs: &[Output],
    context: &Context<'_>,
) -> Result<Findings, Failure> {
    let now = context.world.now();
    let max_age = arguments.max_age.as_deref().map(age).transpose()?;
    let expected = arguments.expect.as_deref().map(expected_names).transpose();
    let expected = expected.map_err(Failure::usage)?.unwrap_or_default();
    let written: Vec<&Path> = outputs.iter().filter_map(Output::path).collect();
    let read = arguments.merge.iter().chain(&arguments.expect);
    reports::refuse_files(outputs, read.map(PathBuf::as_path), context)?;
    let files = report_files(&arguments.merge, &written).map_err(Failure::usage)?;
    let items = super::items();
    let question = Question {
        expected,
        max_age,
        now,
        items: &items,
    };
    let merged = merge(&files, &question);
    for warning in &merged.warnings {
        context.terminal.warn(warning);
    }
    if merged.targets.is_empty() {
        context
            .terminal
            .warn("no report was found: nothing is known");
    }
    Ok(Findings::Fleet(Fleet::new(now, merged.targets)))
}

/// How old a report may be, and how the person wrote it.
fn age(text: &str) -> Result<(SignedDuration, String), Failure> {
    times::age(text)
        .filter(|age| !age.is_zero())
        .map(|age| (age, text.to_owned()))
        .ok_or_else(|| {
            Failure::usage(anyhow!(
                "--max-age {text}: write an age with its unit, such as 36h, 4d or 90m"
            ))
        })
}
