//! Wakes a follower when something happens to its files and folders; polling is the backstop.

use std::collections::BTreeSet;
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;

use super::super::siblings::folder;

/// File systems on which other machines write, of whom the kernel does not tell: NFS, SMB, CIFS,
/// 9P, Ceph, AFS, and FUSE, which may be any of them (`linux/magic.h`).
const SHARED: [u64; 7] = [
    0x6969,
    0xfe53_4d42,
    0xff53_4d42,
    0x0102_1997,
    0x00c3_6400,
    0x5346_414f,
    0x6573_5546,
];

/// The kernel's watches on files and folders.
pub struct Watch {
    descriptor: Option<OwnedFd>,
    watches: BTreeSet<i32>,
    /// Whether files cannot be watched by their descriptors, so that folders tell of writes.
    folders_tell_of_writes: bool,
    /// Why there is only polling, once it is known.
    pub trouble: Option<String>,
}

impl Watch {
    /// Asks the kernel for an instance; without one there is only polling.
    pub fn new() -> Self {
        let asked = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK);
        let trouble = asked.as_ref().err().map(ToString::to_string);
        Self {
            descriptor: asked.ok(),
            watches: BTreeSet::new(),
            folders_tell_of_writes: false,
            trouble,
        }
    }

    /// Watches the folders of `paths` and of what they link to, and `files`, and nothing else.
    /// Cheap enough to be called at every look: a folder that was made again is watched again.
    pub fn arm<'p>(
        &mut self,
        paths: impl Iterator<Item = &'p Path>,
        files: impl Iterator<Item = &'p File>,
    ) {
        let mut wanted = BTreeSet::new();
        for file in files {
            // By its descriptor, since its name may lead elsewhere by now.
            let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
            match self.add(&path, WatchFlags::MODIFY) {
                Some(watch) => {
                    wanted.insert(watch);
                }
                None => self.folders_tell_of_writes = true,
            }
        }
        let mut names = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ATTRIB;
        if self.folders_tell_of_writes {
            names |= WatchFlags::MODIFY;
        }
        for path in paths {
            let target = path.canonicalize().ok();
            let folders = [Some(folder(path)), target.as_deref().map(folder)];
            for name in folders.into_iter().flatten() {
                let Some(watch) = self.add(&name, names) else {
                    continue;
                };
                if wanted.insert(watch) && !self.watches.contains(&watch) {
                    self.note_shared(&name);
                }
            }
        }
        if let Some(descriptor) = &self.descriptor {
            for watch in self.watches.difference(&wanted) {
                // The kernel may have removed it with its folder.
                let _ = inotify::remove_watch(descriptor, *watch);
            }
        }
        self.watches = wanted;
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

    fn add(&mut self, path: &Path, flags: WatchFlags) -> Option<i32> {
        match inotify::add_watch(self.descriptor.as_ref()?, path, flags) {
            Ok(watch) => Some(watch),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => None,
            Err(errno) => {
                self.trouble.get_or_insert(errno.to_string());
                None
            }
        }
    }

    fn note_shared(&mut self, folder: &Path) {
        if rustix::fs::statfs(folder).is_ok_and(|it| SHARED.contains(&(it.f_type as u64))) {
            self.trouble
                .get_or_insert_with(|| "other machines may write there".to_owned());
        }
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}
