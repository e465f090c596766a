//! Files that a report may not take the place of: what the run reads, and what the state folder keeps.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use openclaw_sec::atomic_file;
use openclaw_sec::env_file::EnvFile;
use openclaw_sec::scan;

use super::Output;
use crate::cli::CheckArgs;
use crate::commands::{Context, Failure};

/// A report must not take the place of a file that the run reads: `--output .env` is a slip.
pub fn refuse_inputs(
    outputs: &[Output],
    arguments: &CheckArgs,
    context: &Context<'_>,
) -> Result<(), Failure> {
    if let Some(baseline) = arguments.baseline.as_deref().and_then(identity)
        && let Some(path) = outputs
            .iter()
            .filter_map(Output::path)
            .find(|path| identity(path) == Some(baseline))
    {
        return Err(Failure::usage(anyhow!(
            "--output {}: this is the baseline of the same run, which would accept by itself what is new; write another file, look at it, and move it there",
            path.display()
        )));
    }
    let env = arguments.env.as_deref().unwrap_or(Path::new(".env"));
    let others = [&arguments.openclaw_config, &arguments.ca_file];
    let logs = audit_logs(outputs, std::iter::once(env));
    let inputs = std::iter::once(env)
        .chain(logs.iter().map(PathBuf::as_path))
        .chain(arguments.compare_env.iter().map(PathBuf::as_path))
        .chain(arguments.rules.iter().map(PathBuf::as_path))
        .chain(others.into_iter().flatten().map(PathBuf::as_path));
    refuse_files(outputs, inputs, context)
}

/// The device and number of a file.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = path.metadata().ok()?;
    metadata.is_file().then(|| (metadata.dev(), metadata.ino()))
}

/// The audit logs that env files name, where a report might take the place of one.
pub fn audit_logs<'e>(outputs: &[Output], envs: impl Iterator<Item = &'e Path>) -> Vec<PathBuf> {
    match outputs.iter().any(|output| output.path.is_some()) {
        true => envs.filter_map(audit_log_of).collect(),
        false => Vec::new(),
    }
}

/// The audit log that an env file names, which the run reads, too. What is no file is left alone:
/// a pipe can be read but once.
fn audit_log_of(env: &Path) -> Option<PathBuf> {
    identity(env)?;
    let file = EnvFile::read(env, PATIENCE).ok()?;
    let log = String::from_utf8(file.get("AUDIT_LOG_PATH")?.value.expose().to_vec()).ok()?;
    Some(scan::folder_of(env).join(log.trim()))
}

/// Whether a file is one that the state folder keeps: a report may lie beside them.
fn is_state(path: &Path, context: &Context<'_>) -> bool {
    const OWN: [&str; 6] = ["salt", "ledger.json", "rotations", "locks", "audit", "seal"];
    let state = context.state().ok();
    let folder = state.and_then(|state| state.path().canonicalize().ok());
    let (Some(folder), Ok(path)) = (folder, atomic_file::resolve(path)) else {
        return false;
    };
    let below = path.strip_prefix(&folder);
    below.is_ok_and(|below| OWN.iter().any(|name| below.starts_with(name)))
}

/// How long a file that somebody is changing is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same for other files that a run reads, its configuration and what the state folder keeps.
pub fn refuse_files<'i>(
    outputs: &[Output],
    inputs: impl Iterator<Item = &'i Path>,
    context: &Context<'_>,
) -> Result<(), Failure> {
    if outputs.iter().all(|output| output.path.is_none()) {
        return Ok(());
    }
    let settings = context.settings.files.iter();
    let settings = settings.filter_map(|path| identity(path));
    let read: Vec<_> = inputs.filter_map(identity).chain(settings).collect();
    for path in outputs.iter().filter_map(|output| output.path.as_deref()) {
        if is_state(path, context) {
            return Err(Failure::usage(anyhow!(
                "--output {}: this place belongs to the state of openclaw-sec; name another one",
                path.display()
            )));
        }
        if identity(path).is_some_and(|identity| read.contains(&identity)) {
            return Err(Failure::usage(anyhow!(
                "--output {}: this file is read by the same run and would be lost; name another one",
                path.display()
            )));
        }
    }
    Ok(())
}
