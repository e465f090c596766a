//! The audit log on disk: its mode and age, who rotates it, who reads it, and what stands in it.

mod contents;
mod readers;
mod rotation;

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::Machine;
use crate::check::evidence::{Declared, Evidence, Switch};
use crate::check::verdict::{
    Finding, Verdict, fail, findings_or_pass, pass, shell_word, skipped, unknown,
};
use crate::report::Location;
use crate::scan::{Answer, folder_of};
use crate::world::World;

pub use contents::SecretInLog;
pub use readers::{Readers, Units, services};

/// A log without a line for this long is stale.
const STALE_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// What was seen of the audit log.
#[derive(Debug)]
pub struct AuditEvidence {
    /// The path, as it is set.
    pub shown: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Whether the audit log is switched on.
    pub is_on: bool,
    /// The file itself.
    pub file: LogFile,
    /// Which logrotate file covers it.
    pub rotation: Answer<Option<String>>,
    /// What reads it.
    pub readers: Readers,
    /// Secrets of the env file that stand in it or its rotated siblings.
    pub secrets: Answer<Vec<SecretInLog>>,
}

/// The log file.
#[derive(Debug)]
pub enum LogFile {
    /// There is none.
    Missing,
    /// It cannot be looked at, and why.
    Unreadable(String),
    /// It is a folder, in which nobody can write lines.
    Folder,
    /// It is a device or a pipe.
    NoFile,
    /// It is there.
    Found {
        /// Permission bits.
        mode: u32,
        /// The newer of the file's last change and its last line's time.
        written: Option<Timestamp>,
    },
}

pub fn gather(declared: &Declared, machine: &Machine, world: &World) -> Option<AuditEvidence> {
    let shown = declared.text("AUDIT_LOG_PATH")?;
    let is_on = declared.switch("ENABLE_AUDIT_LOG") == Switch::On;
    let path = resolve(&shown, declared);
    let file = look_at(&path, world.now());
    let is_found = matches!(file, LogFile::Found { .. });
    Some(AuditEvidence {
        is_on,
        rotation: rotation::covering(&path, world),
        readers: readers::of(&path, declared.path.as_deref(), machine, world),
        secrets: if is_on && is_found {
            contents::secrets_in(&path, declared)
        } else {
            Answer::Known(Vec::new())
        },
        file,
        shown,
        path,
    })
}

/// A relative path counts from the env file's folder, where OpenClaw is started.
fn resolve(shown: &str, declared: &Declared) -> PathBuf {
    let folder = declared.path.as_deref().map(folder_of).unwrap_or_default();
    folder.join(shown)
}

fn look_at(path: &Path, now: Timestamp) -> LogFile {
    match path.metadata() {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            LogFile::Missing
        }
        Err(error) => LogFile::Unreadable(format!(
            "{error}: run this with sudo, or as the log's owner"
        )),
        Ok(metadata) if metadata.is_dir() => LogFile::Folder,
        Ok(metadata) if !metadata.is_file() => LogFile::NoFile,
        Ok(metadata) => {
            let changed = Timestamp::from_second(metadata.mtime()).ok();
            let last_line = contents::last_time(path, now);
            LogFile::Found {
                mode: metadata.mode() & 0o7777,
                written: changed.max(last_line),
            }
        }
    }
}

/// The audit log's evidence, when there is something to judge.
fn audit(evidence: &Evidence) -> Result<&AuditEvidence, Vec<Verdict>> {
    match &evidence.host.audit {
        None => Err(skipped("AUDIT_LOG_PATH is not set")),
        Some(audit) if !audit.is_on => Err(skipped("the audit log is off: see logs.audit-off")),
        Some(audit) => Ok(audit),
    }
}

/// The same, when the file is there.
fn audit_file(
    evidence: &Evidence,
) -> Result<(&AuditEvidence, u32, Option<Timestamp>), Vec<Verdict>> {
    let audit = audit(evidence)?;
    match &audit.file {
        LogFile::Found { mode, written } => Ok((audit, *mode, *written)),
        LogFile::Unreadable(reason) => Err(unknown(reason.clone())),
        LogFile::Missing | LogFile::Folder => Err(skipped(
            "the audit log does not exist: see logs.audit-file-missing",
        )),
        LogFile::NoFile => Err(skipped("the audit log is no regular file")),
    }
}

pub fn audit_file_missing(evidence: &Evidence) -> Vec<Verdict> {
    let audit = match audit(evidence) {
        Ok(audit) => audit,
        Err(verdict) => return verdict,
    };
    match &audit.file {
        LogFile::Found { .. } => pass("the audit log exists"),
        LogFile::NoFile => pass("the audit log is a device or a pipe: it is not looked into"),
        LogFile::Unreadable(reason) => unknown(reason.clone()),
        LogFile::Missing | LogFile::Folder => {
            let what = match audit.file {
                LogFile::Folder => "is a folder, and no file",
                _ => "does not exist",
            };
            let message = format!("the audit log {} {what}", audit.shown);
            fail(Finding::new(&audit.shown, message).with("path", audit.shown.as_str()))
        }
    }
}

pub fn audit_file_mode(evidence: &Evidence) -> Vec<Verdict> {
    let (audit, mode, _) = match audit_file(evidence) {
        Ok(found) => found,
        Err(verdict) => return verdict,
    };
    let access = match (mode & 0o022 != 0, mode & 0o007 != 0) {
        (true, _) => "others may change it",
        (false, true) => "everyone on this machine may read it",
        (false, false) => return pass(format!("the audit log has mode {mode:04o}")),
    };
    fail(
        Finding::new(
            &audit.shown,
            format!("the audit log has mode {mode:04o}: {access}"),
        )
        .at(Location::file(&audit.shown))
        .with("mode", format!("{mode:04o}"))
        .mended_by(format!(
            "run `chmod 640 {}`, or `openclaw-sec check --env {{env}} --fix`",
            shell_word(&audit.shown)
        )),
    )
}

pub fn audit_stale(evidence: &Evidence) -> Vec<Verdict> {
    let (audit, _, written) = match audit_file(evidence) {
        Ok(found) => found,
        Err(verdict) => return verdict,
    };
    let Some(written) = written else {
        return unknown("the time of the last entry cannot be told");
    };
    let age = evidence.question.now.duration_since(written);
    if age <= STALE_AFTER {
        return pass("the audit log was written within the last 24 hours");
    }
    let message = format!(
        "the audit log has had no entry for {} hours",
        age.as_hours()
    );
    fail(
        Finding::new(&audit.shown, message)
            .at(Location::file(&audit.shown))
            .with("last_written", written.to_string()),
    )
}

pub fn no_rotation(evidence: &Evidence) -> Vec<Verdict> {
    let audit = match audit(evidence) {
        Ok(audit) => audit,
        Err(verdict) => return verdict,
    };
    match &audit.rotation {
        Answer::Known(Some(file)) => pass(format!("{file} rotates the audit log")),
        Answer::Unknown(reason) => unknown(reason.clone()),
        Answer::Known(None) => fail(
            Finding::new(
                &audit.shown,
                format!("no logrotate file covers {}", audit.shown),
            )
            .with("path", audit.shown.as_str()),
        ),
    }
}

pub fn secret_in_log(evidence: &Evidence) -> Vec<Verdict> {
    let (audit, _, _) = match audit_file(evidence) {
        Ok(found) => found,
        Err(verdict) => return verdict,
    };
    match &audit.secrets {
        Answer::Unknown(reason) => unknown(reason.clone()),
        Answer::Known(found) => {
            let findings = found
                .iter()
                .map(|secret| {
                    let message =
                        format!("the value of {} stands in {}", secret.variable, secret.file);
                    Finding::new(format!("{} {}", secret.variable, secret.file), message)
                        .at(Location::file(&secret.file))
                        .with("variable", secret.variable.as_str())
                        .with("file", secret.file.as_str())
                })
                .collect();
            findings_or_pass(
                findings,
                "no secret of the env file stands in the audit log",
            )
        }
    }
}

pub fn not_monitored(evidence: &Evidence) -> Vec<Verdict> {
    let audit = match audit(evidence) {
        Ok(audit) => audit,
        Err(verdict) => return verdict,
    };
    let readers = &audit.readers;
    if !readers.found.is_empty() {
        return pass(format!(
            "the audit log is read by {}",
            readers.found.join(", ")
        ));
    }
    // Whether a process reads a file, only who may look at the file can tell.
    if let LogFile::Unreadable(reason) = &audit.file {
        return unknown(reason.clone());
    }
    if let Some(asleep) = readers.asleep.first() {
        return unknown(asleep.clone());
    }
    if readers.hidden > 0 {
        return unknown(format!(
            "{} processes may not be looked into, and no configuration names the log: run this with sudo",
            readers.hidden
        ));
    }
    fail(
        Finding::new(&audit.shown, "no process reads the audit log, and no enabled jail of fail2ban, no enabled unit and no configuration of CrowdSec, rsyslog or a log shipper names it")
            .with("path", audit.shown.as_str()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixtures::{evidence, said};

    #[test]
    fn whether_a_log_is_read_that_may_not_be_looked_at_is_unknown() {
        let unreadable = || LogFile::Unreadable("run this with sudo".to_owned());
        for (file, found, asleep, expected) in [
            (LogFile::Missing, "", None, "fail /srv/audit.log"),
            (LogFile::Missing, "", Some("enable it"), "unknown"),
            (LogFile::Missing, "fail2ban", Some("enable it"), "pass"),
            (unreadable(), "", None, "unknown"),
            (unreadable(), "fail2ban", None, "pass"),
        ] {
            let mut evidence = evidence("");
            evidence.host.audit = Some(AuditEvidence {
                shown: "/srv/audit.log".to_owned(),
                path: "/srv/audit.log".into(),
                is_on: true,
                file,
                rotation: Answer::Known(None),
                readers: Readers {
                    found: found.split_whitespace().map(str::to_owned).collect(),
                    asleep: asleep.iter().map(|&one| one.to_owned()).collect(),
                    hidden: 0,
                },
                secrets: Answer::Known(Vec::new()),
            });
            assert_eq!(said("logs.not-monitored", &evidence), expected, "{found}");
        }
    }
}
