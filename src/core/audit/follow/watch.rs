//! Wakes a follower when something happens in the folders of its files; polling is the backstop.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use super::super::siblings::folder;

/// The kernel's watches on folders.
pub struct Watch {
    descriptor: Option<OwnedFd>,
    folders: BTreeMap<PathBuf, i32>,
    /// Why there is only polling, once it is known.
    pub trouble: Option<String>,
}

impl Watch {
    /// Asks the kernel for an instance; without one there is only polling.
    pub fn new() -> Self {
        match inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK) {
            Ok(descriptor) => Self {
                descriptor: Some(descriptor),
                folders: BTreeMap::new(),
                trouble: None,
            },
            Err(errno) => Self {
                descriptor: None,
                folders: BTreeMap::new(),
                trouble: Some(errno.to_string()),
            },
        }
    }

    /// Watches the folders of `paths` and of what they link to, and no others. Cheap enough to be
    /// called at every look: a folder that was made again is watched again.
    pub fn arm<'p>(&mut self, paths: impl Iterator<Item = &'p Path>) {
        let Some(descriptor) = &self.descriptor else {
            return;
        };
        let mut wanted = BTreeMap::new();
        for path in paths {
            let mut names = vec![folder(path)];
            if let Ok(target) = path.canonicalize() {
                names.push(folder(&target));
            }
            for name in names {
                let flags = WatchFlags::MODIFY
                    | WatchFlags::CREATE
                    | WatchFlags::MOVED_TO
                    | WatchFlags::MOVED_FROM
                    | WatchFlags::DELETE
                    | WatchFlags::DELETE_SELF
                    | WatchFlags::ATTRIB;
                match inotify::add_watch(descriptor, &name, flags) {
                    Ok(watch) => {
                        wanted.insert(name, watch);
                    }
                    Err(
                        rustix::io::Errno::NOENT
                        | rustix::io::Errno::NOTDIR
                        | rustix::io::Errno::ACCESS,
                    ) => {}
                    Err(errno) => {
                        self.trouble.get_or_insert(errno.to_string());
                    }
                }
            }
        }
        for watch in self.folders.values() {
            if !wanted.values().any(|wanted| wanted == watch) {
                // The kernel may have removed it with its folder.
                let _ = inotify::remove_watch(descriptor, *watch);
            }
        }
        self.folders = wanted;
    }

    /// What to wait on, if there is anything.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.descriptor.as_ref().map(AsFd::as_fd)
    }

    /// Takes all events off the queue: that something happened is all we want to know.
    pub fn clear(&mut self) {
        let Some(descriptor) = &self.descriptor else {
            return;
        };
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let mut reader = inotify::Reader::new(descriptor, &mut buffer);
        while reader.next().is_ok() {}
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}
