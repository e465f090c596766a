//! The env file on disk, the copies beside it, and the folders above it.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::list;
use crate::check::evidence::{Declared, Evidence};
use crate::check::verdict::{Finding, Verdict, fail, pass, shell_word, skipped, unknown};
use crate::env_file::{EnvFile, is_backup_of};
use crate::report::Location;
use crate::scan::{Answer, folder_of};
use crate::small_file;

/// Endings of copies that editors, people and programs leave behind.
const COPY_ENDINGS: [&str; 12] = [
    "bak", "backup", "old", "orig", "save", "swp", "swo", "tmp", "copy", "prev", "rpmsave",
    "dpkg-old",
];
/// Endings of files that are meant to be published, and so hold no secret.
const TEMPLATE_ENDINGS: [&str; 4] = ["example", "sample", "template", "dist"];
/// A template larger than this, in bytes, is not looked into.
const LARGEST_TEMPLATE: u64 = 1 << 20;

/// One file and who may do what with it.
#[derive(Debug, Clone)]
pub struct FileFacts {
    /// The path as a person would write it.
    pub shown: String,
    /// Where it lies, links followed.
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// The env file, its copies, and everything that decides who owns it.
#[derive(Debug)]
pub struct EnvFiles {
    /// The env file itself.
    pub file: Answer<FileFacts>,
    /// Copies beside it.
    pub copies: Vec<FileFacts>,
    /// What could not be found out about copies.
    pub unknown_copies: Vec<String>,
    /// Folders above it that let others replace it, and why.
    pub open_folders: Vec<(PathBuf, &'static str)>,
    /// Who runs this program.
    pub caller: u32,
    /// Users named by OpenClaw's units.
    pub service_users: Vec<u32>,
}

pub fn gather(path: &Path, declared: &Declared, service_users: Vec<u32>) -> EnvFiles {
    let caller = rustix::process::geteuid().as_raw();
    let file = match facts(path, declared.shown_path.clone()) {
        Ok(facts) => Answer::Known(facts),
        Err(error) => Answer::Unknown(format!("the env file cannot be looked at: {error}")),
    };
    let mut trusted = service_users.clone();
    trusted.extend([0, caller]);
    if let Answer::Known(facts) = &file {
        trusted.push(facts.uid);
    }
    let (mut copies, mut unknown_copies) = copies_of(path, &declared.shown_path);
    if let Some(target) = target_elsewhere(path) {
        let (more, more_unknown) = copies_of(&target, &target.to_string_lossy());
        copies.extend(more);
        unknown_copies.extend(more_unknown);
        // In one folder both names may mean the same copy.
        let mut seen = HashSet::new();
        copies.retain(|copy| seen.insert(copy.path.clone()));
    }
    EnvFiles {
        copies,
        unknown_copies,
        open_folders: open_folders(path, &trusted),
        file,
        caller,
        service_users,
    }
}

/// The file that a link means, where copies of that may lie beside it.
fn target_elsewhere(path: &Path) -> Option<PathBuf> {
    let is_link = path
        .symlink_metadata()
        .is_ok_and(|found| found.is_symlink());
    is_link.then(|| path.canonicalize().ok()).flatten()
}

fn facts(path: &Path, shown: String) -> std::io::Result<FileFacts> {
    let path = path.canonicalize()?;
    let metadata = path.metadata()?;
    Ok(FileFacts {
        shown,
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        path,
    })
}

fn copies_of(path: &Path, shown: &str) -> (Vec<FileFacts>, Vec<String>) {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return (Vec::new(), Vec::new());
    };
    let folder = folder_of(path);
    let shown_folder = Path::new(shown).parent().unwrap_or(Path::new(""));
    let names = match list(&folder) {
        Ok(names) => names,
        Err(error) => {
            let reason = format!(
                "whether copies of the env file lie beside it: its folder cannot be listed: {error}; run this as its owner or root"
            );
            return (Vec::new(), vec![reason]);
        }
    };
    let mut unknown = Vec::new();
    let copies = names
        .iter()
        .filter_map(|candidate| candidate.to_str())
        .filter(|candidate| {
            is_copy(candidate, name) || is_telling_template(candidate, name, &folder)
        })
        .filter_map(|candidate| {
            let shown = shown_folder.join(candidate).to_string_lossy().into_owned();
            let path = folder.join(candidate);
            let metadata = path.symlink_metadata();
            let found = metadata.and_then(|metadata| {
                let is_file = metadata.is_file();
                is_file.then(|| facts(&path, shown.clone())).transpose()
            });
            match found {
                Ok(found) => found,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => {
                    unknown.push(format!("{shown} cannot be looked at: {error}"));
                    None
                }
            }
        })
        .collect();
    (copies, unknown)
}

/// Whether `candidate` is a copy of the file `name`: `.env~`, `.env.bak`, `.env.2026-01-31`, `..env.swp`.
fn is_copy(candidate: &str, name: &str) -> bool {
    if is_backup_of(candidate.as_ref(), name.as_ref()) {
        return true;
    }
    if let Some(swap) = candidate
        .strip_prefix('.')
        .and_then(|rest| rest.strip_prefix(name))
    {
        return swap.starts_with(".sw");
    }
    let Some(rest) = candidate.strip_prefix(name) else {
        return false;
    };
    if rest == "~" {
        return true;
    }
    let Some(ending) = rest.strip_prefix(['.', '-', '_']) else {
        return false;
    };
    let is_date_or_number = ending.bytes().any(|b| b.is_ascii_digit())
        && ending
            .bytes()
            .all(|b| b.is_ascii_digit() || b"-_:.TZ~".contains(&b));
    let first = ending
        .split(['.', '-', '_', '~'])
        .next()
        .unwrap_or_default()
        .to_lowercase();
    let last = ending
        .rsplit(['.', '-', '_'])
        .next()
        .unwrap_or_default()
        .to_lowercase();
    let is_named =
        |word: &str| COPY_ENDINGS.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit()));
    is_date_or_number || is_named(&first) || is_named(&last) || ending.starts_with("openclaw-sec")
}

/// Whether `candidate` is a template of `name` that holds a real secret.
fn is_telling_template(candidate: &str, name: &str, folder: &Path) -> bool {
    let is_template = candidate
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('.'))
        .is_some_and(|ending| TEMPLATE_ENDINGS.contains(&ending));
    is_template
        && small_file::read(&folder.join(candidate), LARGEST_TEMPLATE).is_ok_and(|bytes| {
            let declared = Declared::new(String::new(), None, EnvFile::parse(bytes));
            declared.real_secrets().next().is_some()
        })
}

/// Every folder that the path leads through, those of links included, each once: who can write there can
/// lead it elsewhere.
fn folders_on_the_way(path: &Path) -> Vec<PathBuf> {
    /// As many links as the kernel follows.
    const MOST_LINKS: usize = 40;
    let owned = |path: &Path| -> Vec<PathBuf> {
        let parts = path.components().rev();
        parts.map(|part| part.as_os_str().into()).collect()
    };
    let mut folders: Vec<PathBuf> = Vec::new();
    let mut at = PathBuf::from("/");
    // The next part comes last.
    let mut parts = owned(&std::path::absolute(path).unwrap_or_default());
    let mut links = 0;
    while let Some(part) = parts.pop() {
        if part == Path::new("..") {
            at.pop();
            continue;
        }
        if part == Path::new(".") {
            continue;
        }
        if part != Path::new("/") && !folders.contains(&at) {
            folders.push(at.clone());
        }
        match at.join(&part).read_link() {
            Ok(next) if links < MOST_LINKS => {
                links += 1;
                parts.extend(owned(&next));
            }
            // What begins with the root begins anew.
            _ => at.push(part),
        }
    }
    folders
}

/// Folders in which somebody else may replace the file, a link to it, or a folder on the way.
fn open_folders(path: &Path, trusted: &[u32]) -> Vec<(PathBuf, &'static str)> {
    const STICKY: u32 = 0o1000;
    let mut open = Vec::new();
    for folder in folders_on_the_way(path) {
        let Ok(metadata) = folder.metadata() else {
            continue;
        };
        let (mode, uid, gid) = (metadata.mode(), metadata.uid(), metadata.gid());
        // Debian gives every user a group of the same number with nobody else in it.
        let is_private_group = gid == 0 || gid == uid;
        let why = if !trusted.contains(&uid) {
            "belongs to another user"
        } else if mode & STICKY != 0 {
            continue;
        } else if mode & 0o002 != 0 {
            "is writable by everyone"
        } else if mode & 0o020 != 0 && !is_private_group {
            "is writable by its group"
        } else {
            continue;
        };
        open.push((folder, why));
    }
    open
}

const NO_FILE: &str = "the env file was not read from a file";

pub fn env_file_mode(evidence: &Evidence) -> Vec<Verdict> {
    let Some(files) = &evidence.host.env_files else {
        return skipped(NO_FILE);
    };
    let file = match &files.file {
        Answer::Known(file) => file,
        Answer::Unknown(reason) => return unknown(reason.clone()),
    };
    let findings = std::iter::once(file)
        .chain(&files.copies)
        .filter(|file| file.mode & 0o077 != 0)
        .map(|file| {
            let access = describe_access(file.mode);
            let message = format!("{} has mode {:04o}: {access}", file.shown, file.mode);
            Finding::new(&file.shown, message)
                .at(Location::file(&file.shown))
                .with("mode", format!("{:04o}", file.mode))
                .mended_by(format!(
                    "run `chmod 600 {}`, or `openclaw-sec check --env {{env}} --fix`",
                    shell_word(&file.shown)
                ))
        });
    let doubts = files.unknown_copies.iter().cloned();
    let verdicts: Vec<Verdict> = findings
        .map(Verdict::Fail)
        .chain(doubts.map(Verdict::Unknown))
        .collect();
    if !verdicts.is_empty() {
        return verdicts;
    }
    let message = match files.copies.len() {
        0 => "only its owner can read the env file".to_owned(),
        copies => format!("only their owners can read the env file and its {copies} copies"),
    };
    pass(message)
}

fn describe_access(mode: u32) -> &'static str {
    match (mode & 0o070 != 0, mode & 0o007 != 0, mode & 0o022 != 0) {
        (_, true, true) => "others may read or change it",
        (_, true, false) => "everyone on this machine may read it",
        (_, false, true) => "its group may change it",
        _ => "its group may read it",
    }
}

pub fn env_file_owner(evidence: &Evidence) -> Vec<Verdict> {
    let Some(files) = &evidence.host.env_files else {
        return skipped(NO_FILE);
    };
    let file = match &files.file {
        Answer::Known(file) => file,
        Answer::Unknown(reason) => return unknown(reason.clone()),
    };
    let mut findings: Vec<Finding> = files
        .open_folders
        .iter()
        .map(|(folder, why)| {
            let folder = folder.to_string_lossy();
            let message = format!("the folder {folder} {why}, who can replace the env file");
            Finding::new(format!("folder {why}"), message).with("folder", folder.as_ref())
        })
        .collect();
    let running = evidence.host.processes.users();
    match judge_owner(file.uid, files, &running) {
        Owner::Right => {}
        Owner::Wrong => findings.push(
            Finding::new(
                "owner",
                format!(
                    "{} belongs to user {}, who neither runs OpenClaw nor is root",
                    file.shown, file.uid
                ),
            )
            .at(Location::file(&file.shown))
            .with("owner_uid", file.uid),
        ),
        Owner::Unclear if findings.is_empty() => {
            return unknown(format!(
                "the file belongs to user {}, and no running OpenClaw and no unit file tells which user runs it: start OpenClaw, or run this as that user",
                file.uid
            ));
        }
        Owner::Unclear => {}
    }
    if findings.is_empty() {
        return pass("the env file belongs to who runs OpenClaw, or to root");
    }
    findings.into_iter().flat_map(fail).collect()
}

enum Owner {
    Right,
    Wrong,
    Unclear,
}

fn judge_owner(uid: u32, files: &EnvFiles, running: &[u32]) -> Owner {
    if uid == 0 {
        return Owner::Right;
    }
    let expected = if running.is_empty() {
        files.service_users.as_slice()
    } else {
        running
    };
    match expected {
        [] if uid == files.caller => Owner::Right,
        [] if files.caller == 0 => Owner::Unclear,
        expected if expected.contains(&uid) => Owner::Right,
        _ => Owner::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_known_by_their_names() {
        for copy in [
            ".env~",
            ".env.bak",
            ".env.bak2",
            ".env.old",
            ".env-backup",
            ".env.2026-01-31",
            ".env.20260131T101112Z",
            ".env.1",
            "..env.swp",
            ".env.orig",
            ".env.save",
            ".env.production.bak",
        ] {
            assert!(is_copy(copy, ".env"), "{copy}");
        }
        for other in [
            ".env",
            ".env.production",
            ".env.example",
            ".envrc",
            "env",
            ".env.local",
            ".env.v2",
        ] {
            assert!(!is_copy(other, ".env"), "{other}");
        }
    }

    #[test]
    fn copies_beside_a_link_and_beside_its_target_are_found() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        std::fs::create_dir(at("real")).unwrap();
        for name in ["real/prod.env", "real/prod.env.bak", ".env.old"] {
            std::fs::write(at(name), "A_KEY=x").unwrap();
        }
        std::os::unix::fs::symlink("real/prod.env", at(".env")).unwrap();
        let declared = Declared::new(".env".into(), None, EnvFile::parse(""));
        let files = gather(&at(".env"), &declared, Vec::new());
        let shown: Vec<&str> = files
            .copies
            .iter()
            .map(|copy| copy.shown.as_str())
            .collect();
        let target = at("real/prod.env.bak").canonicalize().unwrap();
        assert_eq!(shown, [".env.old", target.to_str().unwrap()]);
    }

    #[test]
    fn the_owner_is_compared_with_who_runs_openclaw() {
        let files = |caller, service_users: &[u32]| EnvFiles {
            file: Answer::Unknown(String::new()),
            copies: Vec::new(),
            unknown_copies: Vec::new(),
            open_folders: Vec::new(),
            caller,
            service_users: service_users.to_vec(),
        };
        let right = |uid, files: &EnvFiles, running: &[u32]| {
            matches!(judge_owner(uid, files, running), Owner::Right)
        };
        let wrong = |uid, files: &EnvFiles, running: &[u32]| {
            matches!(judge_owner(uid, files, running), Owner::Wrong)
        };
        assert!(right(0, &files(1000, &[]), &[]));
        assert!(right(1000, &files(1000, &[]), &[]));
        assert!(wrong(1001, &files(1000, &[]), &[]));
        assert!(right(1001, &files(1000, &[]), &[1001]));
        assert!(wrong(1000, &files(1000, &[]), &[1001]));
        assert!(right(998, &files(0, &[998]), &[]));
        assert!(matches!(
            judge_owner(998, &files(0, &[]), &[]),
            Owner::Unclear
        ));
    }
}
