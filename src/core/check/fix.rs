//! What `--fix` may do: modes, ownership, `.gitignore`, missing variables. Never a secret, never an existing line.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::dialect::Dialect;
use super::evidence::{Declared, Evidence};
use super::host::LogFile;
use super::{ITEMS, Selection, checks, find, inspect};
use crate::atomic_file::{self, AtomicFileError, Expected};
use crate::env_file::{EditError, EnvFile, EnvFileError, Lock, SaveError};
use crate::report::{Kind, Status};
use crate::scan::{Answer, folder_of};
use crate::secret::Secret;
use crate::small_file;
use crate::variables::VARIABLES;

/// How long another program that changes the env file is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// A `.gitignore` larger than this, in bytes, is not touched.
const LARGEST_GITIGNORE: u64 = 16 << 20;

/// One thing that can be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Takes permission bits away.
    Mode {
        /// The file.
        path: PathBuf,
        /// Its mode now.
        from: u32,
        /// Its mode then.
        to: u32,
    },
    /// Gives the env file to the user that runs OpenClaw.
    Owner {
        /// The file.
        path: PathBuf,
        /// The user id.
        uid: u32,
    },
    /// Adds a line to `.gitignore`.
    GitIgnore {
        /// The `.gitignore`.
        path: PathBuf,
        /// The line.
        line: String,
    },
    /// Adds variables that are missing from the env file.
    Variables {
        /// The env file.
        path: PathBuf,
        /// Name and value of each.
        missing: Vec<(&'static str, &'static str)>,
    },
}

/// Why something could not be mended.
#[derive(Debug, thiserror::Error)]
pub enum Mending {
    /// A mode or an owner could not be set, or a file not be read.
    #[error("{path}: {source}; run this as the file's owner or with sudo")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] AtomicFileError),
    /// The env file could not be read again.
    #[error(transparent)]
    Read(#[from] EnvFileError),
    /// Lines in another encoding would make the file unreadable for everybody.
    #[error("{0} is UTF-16, which OpenClaw does not read: save it as UTF-8 first")]
    Utf16(PathBuf),
    /// A variable could not be added.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The env file could not be saved.
    #[error(transparent)]
    Save(#[from] SaveError),
}

impl Change {
    /// Whether it may be done without asking: taking rights away from others breaks nothing.
    pub fn is_harmless(&self) -> bool {
        matches!(self, Self::Mode { .. })
    }

    /// Does it. `locks` is the folder for the env file's lock.
    ///
    /// # Errors
    /// [`Mending`]; then nothing was changed.
    pub fn apply(&self, locks: &Path) -> Result<(), Mending> {
        match self {
            Self::Mode { path, to, .. } => {
                let permissions = std::fs::Permissions::from_mode(*to);
                std::fs::set_permissions(path, permissions).map_err(|source| io(path, source))
            }
            Self::Owner { path, uid } => {
                std::os::unix::fs::chown(path, Some(*uid), None).map_err(|source| io(path, source))
            }
            Self::GitIgnore { path, line } => add_line(path, line),
            Self::Variables { path, missing } => add_variables(path, missing, locks),
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mode { path, from, to } => {
                write!(f, "{}: mode {from:04o} becomes {to:04o}", path.display())
            }
            Self::Owner { path, uid } => write!(f, "{}: owner becomes user {uid}", path.display()),
            Self::GitIgnore { path, line } => write!(f, "{}: add the line {line}", path.display()),
            Self::Variables { path, missing } => {
                let lines: Vec<String> = missing
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                write!(f, "{}: add {}", path.display(), lines.join(", "))
            }
        }
    }
}

fn io(path: &Path, source: std::io::Error) -> Mending {
    Mending::Io {
        path: path.to_path_buf(),
        source,
    }
}

fn add_line(path: &Path, line: &str) -> Result<(), Mending> {
    let old = match small_file::read(path, LARGEST_GITIGNORE) {
        Ok(old) => old,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(atomic_file::create_new(
                path,
                format!("{line}\n").as_bytes(),
                0o644,
            )?);
        }
        Err(source) => return Err(io(path, source)),
    };
    let mut new = old.clone();
    if !new.is_empty() && !new.ends_with(b"\n") {
        new.push(b'\n');
    }
    new.extend_from_slice(format!("{line}\n").as_bytes());
    Ok(atomic_file::replace(path, &new, Expected::Content(&old))?)
}

/// By its mark, or by the zero bytes that letters then have.
fn is_utf16(bytes: &[u8]) -> bool {
    let marks = [&b"\xff\xfe"[..], b"\xfe\xff"];
    marks.iter().any(|mark| bytes.starts_with(mark))
        || bytes.len() >= 4
            && (bytes[..4]
                .chunks(2)
                .all(|pair| (pair[0] == 0) != (pair[1] == 0)))
}

fn add_variables(path: &Path, missing: &[(&str, &str)], locks: &Path) -> Result<(), Mending> {
    let lock = Lock::acquire(path, locks, PATIENCE)?;
    let mut file = EnvFile::read(path, PATIENCE)?;
    if is_utf16(file.bytes()) {
        return Err(Mending::Utf16(path.to_path_buf()));
    }
    for (name, value) in missing {
        if file.get(name).is_none() {
            file = file.set(name, &Secret::new(*value))?;
        }
    }
    file.save(&lock)?;
    Ok(())
}

/// What can be mended of the checks that are selected, but not of those that are `waived` by id: their
/// state is wanted. The evidence is left as it was.
pub fn plan(evidence: &mut Evidence, selection: &Selection, waived: &[String]) -> Vec<Change> {
    let mut changes = Vec::new();
    let is_wanted = |id: &str| {
        let is_selected = find(id).is_some_and(|check| selection.holds(check));
        is_selected && !waived.iter().any(|waived| waived == id)
    };
    if let Some(files) = &evidence.host.env_files {
        if let Answer::Known(file) = &files.file {
            let known = [evidence.host.processes.users(), files.service_users.clone()].concat();
            let is_foreign = file.uid != 0 && !known.contains(&file.uid);
            if let Some(uid) = known.first().filter(|_| is_foreign && files.caller == 0)
                && is_wanted("secrets.env-file-owner")
            {
                changes.push(Change::Owner {
                    path: file.path.clone(),
                    uid: *uid,
                });
            }
            let mode = without_others(&file.path, file.mode, 0o077);
            changes.extend(mode.filter(|_| is_wanted("secrets.env-file-mode")));
        }
        let copies = files.copies.iter();
        let copies = copies.filter(|_| is_wanted("secrets.env-file-mode"));
        changes.extend(copies.filter_map(|copy| without_others(&copy.path, copy.mode, 0o077)));
    }
    if let Some(audit) = &evidence.host.audit
        && let LogFile::Found { mode, .. } = audit.file
        && audit.is_on
        && is_wanted("logs.audit-file-mode")
    {
        changes.extend(without_others(&audit.path, mode, 0o027));
    }
    if is_wanted("secrets.env-file-tracked") {
        let unignored = evidence.code.unignored.iter();
        changes.extend(unignored.filter_map(|path| git_ignore(path)));
    }
    changes.extend(variables(evidence, selection, waived));
    changes
}

fn without_others(path: &Path, from: u32, unwanted: u32) -> Option<Change> {
    let to = from & !unwanted;
    (to != from).then(|| Change::Mode {
        path: path.to_path_buf(),
        from,
        to,
    })
}

fn git_ignore(path: &Path) -> Option<Change> {
    let line = ignore_pattern(path.file_name()?.to_str()?)?;
    Some(Change::GitIgnore {
        path: folder_of(path).join(".gitignore"),
        line,
    })
}

/// The line of gitignore(5) that means exactly this name in this folder.
fn ignore_pattern(name: &str) -> Option<String> {
    if name.contains(['\n', '\r']) {
        return None;
    }
    let mut pattern = String::from("/");
    for character in name.chars() {
        if matches!(character, '\\' | '*' | '?' | '[' | ']' | '#' | '!' | ' ') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    Some(pattern)
}

/// The missing variables of every item that is asked about. Where they would not fit what stands there
/// already, so that another check failed, a person has to choose.
fn variables(evidence: &mut Evidence, selection: &Selection, waived: &[String]) -> Option<Change> {
    let path = of_the_page(evidence)?.path.clone()?;
    let declared_only = Selection::new(vec![Kind::Declared.word().to_owned()], Vec::new()).ok()?;
    let failing = |evidence: &Evidence| -> BTreeSet<String> {
        let results = inspect(evidence, &declared_only).into_iter();
        let failed = results
            .filter(|result| result.status == Status::Fail)
            .filter(|result| !waived.contains(&result.id));
        failed.map(|result| result.id.to_string()).collect()
    };
    let before = failing(evidence);
    let mut missing = Vec::new();
    for item in ITEMS {
        let file = evidence.declared.as_ref()?.file.clone();
        let own = missing_of(item.id, &file, selection, waived);
        let added = own.iter().try_fold(file.clone(), |file, (name, value)| {
            file.set(name, &Secret::new(*value))
        });
        let fits = added.is_ok_and(|added| {
            let declared = evidence.declared.take();
            evidence.declared = declared.map(|declared| declared.with_file(added));
            failing(evidence).is_subset(&before)
        });
        let declared = evidence.declared.take();
        evidence.declared = declared.map(|declared| declared.with_file(file));
        if fits {
            missing.extend(own);
        }
    }
    (!missing.is_empty()).then_some(Change::Variables { path, missing })
}

/// The env file, if it lies on disk: beside upstream's configuration nothing reads the page's variables.
fn of_the_page(evidence: &Evidence) -> Option<&Declared> {
    let is_read = evidence.dialect != Dialect::Upstream && evidence.upstream.is_none();
    let declared = evidence.declared.as_ref()?;
    (is_read && declared.path.is_some()).then_some(declared)
}

/// The missing variables of one item, with what they should be.
fn missing_of(
    item: &str,
    file: &EnvFile,
    selection: &Selection,
    waived: &[String],
) -> Vec<(&'static str, &'static str)> {
    let is_asked =
        checks().any(|check| check.item() == item && selection.holds_as(check, Kind::Declared));
    VARIABLES
        .iter()
        .filter(|variable| is_asked && item_of(variable.name) == item)
        .filter(|variable| !is_waived(variable.name, waived))
        .filter(|variable| file.get(variable.name).is_none())
        .filter_map(|variable| Some((variable.name, variable.hardened?)))
        .collect()
}

/// Why no missing variable can be added, if so: a line before it may not have ended.
pub fn obstacle(
    evidence: &Evidence,
    selection: &Selection,
    waived: &[String],
) -> Option<EditError> {
    let declared = of_the_page(evidence)?;
    let items = ITEMS.iter();
    let mut missing = items.flat_map(|item| missing_of(item.id, &declared.file, selection, waived));
    missing.find_map(|(name, value)| declared.file.set(name, &Secret::new(value)).err())
}

/// Whether somebody wants the variable to be missing.
fn is_waived(variable: &str, waived: &[String]) -> bool {
    let ids: &[&str] = match variable {
        "FORCE_HTTPS" => &["https.force-https-off"],
        "RATE_LIMIT_PER_USER" | "RATE_LIMIT_PER_IP" => {
            &["rate-limit.disabled", "rate-limit.per-client-missing"]
        }
        "LOG_SECURITY_EVENTS" => &["logs.security-events-off"],
        "LOG_LEVEL" => &["logs.level"],
        "ENABLE_AUDIT_LOG" => &["logs.audit-off"],
        "AUDIT_LOG_PATH" => &["logs.audit-off", "logs.audit-path-missing"],
        name if name.starts_with("RATE_LIMIT_") => &["rate-limit.disabled"],
        _ => &[],
    };
    ids.iter()
        .any(|id| waived.iter().any(|waived| waived == id))
}

/// The item of the checklist that a hardening variable is about.
fn item_of(variable: &str) -> &'static str {
    match variable {
        "FORCE_HTTPS" => "https",
        name if name.starts_with("RATE_LIMIT_") => "rate-limit",
        _ => "logs",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignore_pattern_means_one_name() {
        assert_eq!(ignore_pattern(".env").unwrap(), "/.env");
        assert_eq!(ignore_pattern("a*b[1] #").unwrap(), "/a\\*b\\[1\\]\\ \\#");
        assert_eq!(ignore_pattern("a\nb"), None);
    }

    #[test]
    fn nothing_is_added_to_another_encoding() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        let text: Vec<u8> = "A=1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [[b"\xff\xfe".to_vec(), text.clone()].concat(), text] {
            std::fs::write(&path, &bytes).unwrap();
            let missing = vec![("FORCE_HTTPS", "true")];
            let change = Change::Variables {
                path: path.clone(),
                missing,
            };
            let refused = change.apply(folder.path());
            assert!(matches!(refused, Err(Mending::Utf16(_))), "{refused:?}");
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn a_variable_that_a_waiver_wants_to_be_missing_is_not_added() {
        let add = |waived: &[&str]| {
            let mut evidence = crate::check::fixtures::evidence("");
            if let Some(declared) = &mut evidence.declared {
                declared.path = Some(".env".into());
            }
            let waived: Vec<String> = waived.iter().map(|id| (*id).to_owned()).collect();
            let everything = Selection::new(Vec::new(), Vec::new()).unwrap();
            let plan = plan(&mut evidence, &everything, &waived);
            let names = plan.into_iter().flat_map(|change| match change {
                Change::Variables { missing, .. } => missing,
                _ => Vec::new(),
            });
            names.map(|(name, _)| name).collect::<Vec<_>>()
        };
        let all = add(&[]);
        assert!(all.contains(&"FORCE_HTTPS") && all.contains(&"AUDIT_LOG_PATH"));
        assert!(!add(&["https.force-https-off"]).contains(&"FORCE_HTTPS"));
        let without = add(&["logs.audit-off", "rate-limit.disabled"]);
        let is_there = |part: &str| without.iter().any(|name| name.contains(part));
        assert!(!is_there("AUDIT") && !is_there("RATE_LIMIT") && is_there("LOG_LEVEL"));
        assert_eq!(add(&["rate-limit.per-client-missing"]).len(), all.len() - 2);
    }

    #[test]
    fn a_line_is_added_once_and_nothing_else_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".gitignore");
        add_line(&path, "/.env").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"/.env\n");
        std::fs::write(&path, b"target\xff").unwrap();
        add_line(&path, "/.env").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"target\xff\n/.env\n");
    }
}
