//! What the next commit would bring.

use std::path::Path;

use super::{History, ObjectId};
use crate::scan::detector::Detector;
use crate::scan::git::{Git, complaint};
use crate::scan::{Monitor, Searched};
use crate::world::World;

/// The keys and the env files that the next commit brings.
pub(in crate::scan) struct Staged {
    pub(in crate::scan) keys: Searched,
    pub(in crate::scan) env_files: Searched,
}

impl Staged {
    fn unreadable(reason: &str) -> Self {
        let unreadable = || Searched::unreadable(format!("the index cannot be read: {reason}"));
        Self {
            keys: unreadable(),
            env_files: unreadable(),
        }
    }
}

/// The index against the newest commit: what a commit now would bring.
pub(in crate::scan) fn staged(
    root: &Path,
    env: Option<&Path>,
    detector: &Detector<'_>,
    monitor: &Monitor<'_>,
    world: &World,
) -> Staged {
    let git = Git::at(root, world).with_the_hooks_index();
    let has_head = git
        .run(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
        .map(|finished| finished.code);
    let words: &[&str] = match has_head {
        Ok(Some(0)) => &[
            "diff-index",
            "--cached",
            "-r",
            "-z",
            "--raw",
            "--no-abbrev",
            "--no-renames",
            "--no-ext-diff",
            "--ignore-submodules=none",
            "--diff-filter=ACMRTU",
            "HEAD",
            "--",
        ],
        Ok(Some(1)) => &["ls-files", "--stage", "-z", "--full-name"],
        other => {
            let reason = match other {
                Err(error) => complaint(Err(error)),
                Ok(_) => complaint(git.run(&["rev-parse", "--git-dir"])),
            };
            return Staged::unreadable(&reason);
        }
    };
    let listing = match git.answer(words) {
        Ok(listing) => listing,
        Err(reason) => return Staged::unreadable(&reason),
    };
    let prefix = git
        .answer(&["rev-parse", "--show-prefix"])
        .unwrap_or_default();
    let prefix = prefix.trim_ascii_end().to_vec();
    let told = env.and_then(|env| name_in_index(&git, env));
    let entries = staged_entries(&listing, matches!(has_head, Ok(Some(0))));
    let entries: Vec<(ObjectId, Vec<u8>)> = entries
        .into_iter()
        .filter(|(_, path)| path.starts_with(&prefix))
        .collect();
    let below = |entries: &[(ObjectId, Vec<u8>)], is_wanted: &dyn Fn(&Vec<u8>) -> bool| {
        let wanted = entries.iter().filter(|(_, path)| is_wanted(path));
        let wanted = wanted.map(|(id, path)| (id.clone(), path[prefix.len()..].to_vec()));
        wanted.collect::<Vec<_>>()
    };
    // A secret of the env file is in the commit like any other; the file itself is told elsewhere.
    let all = below(&entries, &|_| true);
    let others = below(&entries, &|path| told.as_ref() != Some(path));
    let history = History::about_files(&git, detector, monitor);
    Staged {
        keys: history.files(&all),
        env_files: history.staged_env_files(&others),
    }
}

/// The blobs of `diff-index --raw -z`, or of `ls-files --stage -z`.
pub(super) fn staged_entries(listing: &[u8], is_diff: bool) -> Vec<(ObjectId, Vec<u8>)> {
    let mut entries = Vec::new();
    let mut add = |mode: Option<&str>, id: Option<&str>, path: &[u8]| {
        let id = id.unwrap_or_default();
        if mode != Some("160000") && id.bytes().any(|byte| byte != b'0') {
            entries.push((id.to_owned(), path.to_vec()));
        }
    };
    let mut words = listing.split(|byte| *byte == 0);
    while let Some(word) = words.next().filter(|word| !word.is_empty()) {
        if is_diff {
            let head = String::from_utf8_lossy(word).into_owned();
            let parts: Vec<&str> = head.split(' ').collect();
            add(
                parts.get(1).copied(),
                parts.get(3).copied(),
                words.next().unwrap_or_default(),
            );
        } else if let Some(tab) = memchr::memchr(b'\t', word) {
            let head = String::from_utf8_lossy(&word[..tab]).into_owned();
            let parts: Vec<&str> = head.split(' ').collect();
            add(
                parts.first().copied(),
                parts.get(1).copied(),
                &word[tab + 1..],
            );
        }
    }
    entries
}

/// The env file as the index names it.
fn name_in_index(git: &Git<'_>, env: &Path) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt as _;
    let top = super::top(git)?.canonicalize().ok()?;
    let folder = crate::scan::folder_of(env).canonicalize().ok()?;
    let name = folder.join(env.file_name()?);
    Some(name.strip_prefix(top).ok()?.as_os_str().as_bytes().to_vec())
}
