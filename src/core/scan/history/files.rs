//! Files that git holds and no work tree does: of the index, of a bare repository, of a sparse checkout.

use std::collections::HashSet;
use std::path::Path;

use super::lfs::Lfs;
use super::staged::staged_entries;
use super::{History, ObjectId};
use crate::order;
use crate::scan::detector::Detector;
use crate::scan::git::{Git, complaint};
use crate::scan::window::Reader;
use crate::scan::{Monitor, Searched};
use crate::world::World;

/// Whether the folder is a repository without a work tree.
pub(in crate::scan) fn is_bare(folder: &Path) -> bool {
    let is_there = |name: &str| folder.join(name).symlink_metadata().is_ok();
    ["HEAD", "objects", "refs"].into_iter().all(is_there) && !is_there(".git")
}

/// The files of the newest commit of a bare repository.
pub(in crate::scan) fn of_bare(
    folder: &Path,
    detector: &Detector<'_>,
    monitor: &Monitor<'_>,
    world: &World,
) -> Searched {
    let git = Git::at(folder, world);
    match git.run(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]) {
        Ok(finished) if finished.code == Some(0) => {}
        // There is no commit yet.
        Ok(finished) if finished.code == Some(1) => return Searched::default(),
        other => return Searched::unreadable(complaint(other)),
    }
    match git.answer(&["ls-tree", "-r", "-z", "--full-tree", "HEAD"]) {
        Ok(tree) => History::about_files(&git, detector, monitor).files(&tree_entries(&tree)),
        Err(reason) => Searched::unreadable(reason),
    }
}

/// Files of the index, relative to `folder`, that a sparse checkout leaves out; reported below `below`.
pub(in crate::scan) fn left_out(
    folder: &Path,
    below: &Path,
    names: &HashSet<Vec<u8>>,
    detector: &Detector<'_>,
    monitor: &Monitor<'_>,
    world: &World,
) -> Searched {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let git = Git::at(folder, world);
    let listing = match git.answer(&["ls-files", "--stage", "-z"]) {
        Ok(listing) => listing,
        Err(reason) => return Searched::unreadable(reason),
    };
    let entries: Vec<(ObjectId, Vec<u8>)> = staged_entries(&listing, false)
        .into_iter()
        .filter(|(_, name)| names.contains(name))
        .map(|(id, name)| {
            let path = below.join(std::ffi::OsStr::from_bytes(&name));
            (id, path.into_os_string().into_vec())
        })
        .collect();
    History::about_files(&git, detector, monitor).files(&entries)
}

/// The blobs of `ls-tree -r -z`, without submodules.
fn tree_entries(tree: &[u8]) -> Vec<(ObjectId, Vec<u8>)> {
    let entries = tree.split(|byte| *byte == 0).filter_map(|entry| {
        let tab = memchr::memchr(b'\t', entry)?;
        let head = String::from_utf8_lossy(&entry[..tab]).into_owned();
        let mut parts = head.split(' ').skip(1);
        let (kind, id) = (parts.next()?, parts.next()?);
        (kind == "blob").then(|| (id.to_owned(), entry[tab + 1..].to_vec()))
    });
    entries.collect()
}

impl<'h, 'r> History<'h, 'r> {
    /// Asks for objects by their names only.
    pub(super) fn about_files(
        git: &'h Git<'h>,
        detector: &'h Detector<'r>,
        monitor: &'h Monitor<'h>,
    ) -> Self {
        Self {
            git,
            tips: Vec::new(),
            unreachable: false,
            detector,
            monitor,
        }
    }

    /// Searches files by what git holds of them.
    pub(super) fn files(&self, entries: &[(ObjectId, Vec<u8>)]) -> Searched {
        let mut searched = Searched::default();
        let ids: Vec<ObjectId> = entries.iter().map(|(id, _)| id.clone()).collect();
        let mut reader = Reader::new(self.detector);
        let mut lfs = Lfs::of(self.git);
        let mut paths = entries
            .iter()
            .map(|(id, path)| (id.as_str(), path))
            .peekable();
        let outcome = self.each_of(&ids, &mut |object| {
            // Objects that could not be read have no answer.
            while paths.peek().is_some_and(|(id, _)| *id != object.id) {
                paths.next();
            }
            let Some((_, path)) = paths.next() else {
                return Ok(());
            };
            let (shown, in_name) = self.detector.path(path);
            let from = searched.leaks.len();
            let leaks = &mut searched.leaks;
            lfs.search(object, &mut reader, Some((path, &shown)), leaks)?;
            order::sort_by_key(&mut leaks[from..], |leak| (leak.line, leak.column));
            leaks.extend(in_name);
            leaks.extend(self.detector.path_rules(path, &shown));
            searched.objects += 1;
            searched.bytes += object.size;
            self.monitor.add(1, object.size);
            Ok(())
        });
        searched.unread.extend(outcome);
        searched.unread.extend(lfs.complaint());
        searched
    }
}
