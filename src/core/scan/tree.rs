//! Searches a folder: what git tracks and what it would take in, or every file where git has no say.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{Mode, OFlags};

use super::detector::{Detector, readable};
use super::git::Git;
use super::history;
use super::leak::Leak;
use super::window::Reader;
use super::{Monitor, Searched, work_tree_of};
use crate::order;
use crate::world::World;

/// At most this many files are searched at once.
const MOST_THREADS: usize = 4;
/// Fewer files are not worth another thread.
const FILES_PER_THREAD: usize = 64;
/// Folders of a plain tree that hold other people's code and grow without end.
const LEFT_OUT: [&str; 2] = [".git", "node_modules"];
/// Submodules in submodules, at most.
const DEEPEST: usize = 32;
/// At most this many bytes are read of what a file grows by while it is searched.
const MOST_GROWTH: u64 = 16 << 20;
/// Endings of archives, which are not opened.
const ARCHIVES: [&str; 14] = [
    "zip", "gz", "tgz", "bz2", "xz", "zst", "7z", "rar", "tar", "jar", "whl", "lz4", "br", "deb",
];

/// A file is told from others by device and inode.
pub(super) type FileId = (u64, u64);

/// The files to search, relative to the folder.
#[derive(Default)]
struct Listing {
    files: Vec<PathBuf>,
    unread: Vec<String>,
    /// By folder: the names of what a sparse checkout leaves out.
    left_out: Vec<(PathBuf, HashSet<Vec<u8>>)>,
}

/// Searches the files below `root`, but not those in `spared`.
pub(super) fn search(
    root: &Path,
    spared: &HashSet<FileId>,
    detector: &Detector<'_>,
    monitor: &Monitor<'_>,
    world: &World,
) -> Searched {
    if history::is_bare(root) {
        return history::of_bare(root, detector, monitor, world);
    }
    let mut searched = Searched::default();
    let mut folders = vec![PathBuf::new()];
    // Each round finds the submodules for the next one.
    for depth in 0..DEEPEST {
        let mut listing = Listing::default();
        for folder in folders.drain(..) {
            listing.of_folder(root, &folder, world, depth);
        }
        for (folder, names) in listing.left_out.drain(..) {
            let place = root.join(&folder);
            let found = history::left_out(&place, &folder, &names, detector, monitor, world);
            searched.add(found);
        }
        if listing.files.is_empty() && listing.unread.is_empty() {
            break;
        }
        searched.unread.append(&mut listing.unread);
        let mut leaks: Vec<(usize, Leak)> = Vec::new();
        for done in on_threads(root, spared, &listing.files, detector, monitor) {
            leaks.extend(done.leaks);
            searched.unread.extend(done.unread);
            searched.archives.extend(done.archives);
            searched.objects += done.files;
            searched.bytes += done.bytes;
            folders.extend(done.folders);
        }
        order::sort_by_key(&mut leaks, |(file, leak)| (*file, leak.line, leak.column));
        searched
            .leaks
            .extend(leaks.into_iter().map(|(_, leak)| leak));
    }
    order::sort(&mut searched.unread);
    order::sort(&mut searched.archives);
    searched
}

fn on_threads(
    root: &Path,
    spared: &HashSet<FileId>,
    files: &[PathBuf],
    detector: &Detector<'_>,
    monitor: &Monitor<'_>,
) -> Vec<Done> {
    let names_are_clean = detector.names_are_clean(files);
    let next = AtomicUsize::new(0);
    let outcome = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads
        .min(MOST_THREADS)
        .min(files.len().div_ceil(FILES_PER_THREAD).max(1));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut worker = Worker::new(root, spared, detector, names_are_clean);
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(at) else {
                        break;
                    };
                    monitor.add(1, worker.search(at, file));
                }
                if let Ok(mut outcome) = outcome.lock() {
                    outcome.push(worker.done);
                }
            });
        }
    });
    outcome.into_inner().unwrap_or_default()
}

impl Listing {
    /// Adds what is to be searched in `root/below`.
    fn of_folder(&mut self, root: &Path, below: &Path, world: &World, depth: usize) {
        let folder = root.join(below);
        let is_repository = match depth {
            // Where nobody can tell, git says why it cannot list the folder.
            0 => !matches!(work_tree_of(&folder), Ok(None)),
            _ => folder.join(".git").symlink_metadata().is_ok(),
        };
        if !is_repository {
            return self.of_plain_folder(root, below);
        }
        let words = [
            "ls-files",
            "-t",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ];
        match Git::at(&folder, world).answer(&words) {
            // Who names a folder that git ignores wants it searched.
            Ok(names) if names.is_empty() && depth == 0 && is_ignored(&folder, world) => {
                self.of_plain_folder(root, below);
            }
            Ok(names) => self.of_names(root, below, &names),
            Err(reason) => {
                let place = match below.as_os_str().is_empty() {
                    true => "the folder".to_owned(),
                    false => readable(below.as_os_str().as_bytes()),
                };
                self.unread.push(format!(
                    "{reason}; {place} was searched as a plain one, with what git would ignore"
                ));
                self.of_plain_folder(root, below);
            }
        }
    }

    /// Takes the answer of `ls-files -t -z`: a letter, a blank and the name.
    fn of_names(&mut self, root: &Path, below: &Path, names: &[u8]) {
        let mut seen = HashSet::new();
        let mut left_out = HashSet::new();
        for entry in names.split(|byte| *byte == 0) {
            let Some((letter, name)) = entry.split_at_checked(2) else {
                continue;
            };
            // A file in conflict has three entries.
            if !seen.insert(name) {
                continue;
            }
            let file = below.join(OsStr::from_bytes(name));
            let is_left_out = letter == b"S ";
            if is_left_out && root.join(&file).symlink_metadata().is_err() {
                left_out.insert(name.to_vec());
            } else {
                self.files.push(file);
            }
        }
        if !left_out.is_empty() {
            self.left_out.push((below.to_path_buf(), left_out));
        }
    }

    fn of_plain_folder(&mut self, root: &Path, below: &Path) {
        let mut folders = vec![below.to_path_buf()];
        while let Some(below) = folders.pop() {
            let entries = match std::fs::read_dir(root.join(&below)) {
                Ok(entries) => entries,
                Err(error) => {
                    self.unread.push(unread(&below, &error));
                    continue;
                }
            };
            for entry in entries {
                let Ok(entry) = entry else {
                    self.unread.push(readable(below.as_os_str().as_bytes()));
                    break;
                };
                let name = entry.file_name();
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                if kind.is_dir() && !LEFT_OUT.iter().any(|left_out| name == *left_out) {
                    folders.push(below.join(&name));
                } else if kind.is_file() {
                    self.files.push(below.join(&name));
                }
            }
        }
    }
}

fn is_ignored(folder: &Path, world: &World) -> bool {
    let finished = Git::at(folder, world).run(&["check-ignore", "--quiet", "--", "."]);
    finished.is_ok_and(|finished| finished.code == Some(0))
}

fn unread(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", readable(path.as_os_str().as_bytes()))
}

/// What one thread has found.
#[derive(Default)]
struct Done {
    leaks: Vec<(usize, Leak)>,
    unread: Vec<String>,
    archives: Vec<String>,
    /// Where a file was listed: a submodule, or a repository that nobody added.
    folders: Vec<PathBuf>,
    files: u64,
    bytes: u64,
}

struct Worker<'w, 'r> {
    root: &'w Path,
    spared: &'w HashSet<FileId>,
    detector: &'w Detector<'r>,
    reader: Reader<'w, 'r>,
    path: PathBuf,
    /// No file's name holds a secret, and no rule is about names.
    names_are_clean: bool,
    found: Vec<Leak>,
    done: Done,
}

impl<'w, 'r> Worker<'w, 'r> {
    fn new(
        root: &'w Path,
        spared: &'w HashSet<FileId>,
        detector: &'w Detector<'r>,
        names_are_clean: bool,
    ) -> Self {
        Self {
            names_are_clean,
            root,
            spared,
            detector,
            reader: Reader::new(detector),
            path: PathBuf::new(),
            found: Vec::new(),
            done: Done::default(),
        }
    }

    /// Searches one file and returns how many bytes it had.
    fn search(&mut self, number: usize, file: &Path) -> u64 {
        self.path.clear();
        self.path.push(self.root);
        self.path.push(file);
        let name = file.as_os_str().as_bytes();
        let bytes = match self.open(file) {
            Ok(Some(text)) => {
                // A log that grows as fast as it is read would never end.
                let length = text.metadata().map_or(0, |metadata| metadata.len());
                let mut text = text.take(length.saturating_add(MOST_GROWTH));
                let result = self
                    .reader
                    .search(&mut text, Some(name), None, &mut self.found);
                result.unwrap_or_else(|error| {
                    self.done.unread.push(unread(file, &error));
                    0
                })
            }
            Ok(None) => return 0,
            // It went away between listing and reading, or only the index knows it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return 0,
            Err(error) => {
                self.done.unread.push(unread(file, &error));
                0
            }
        };
        self.done.bytes += bytes;
        self.done.files += 1;
        let ending = file.extension().and_then(OsStr::to_str).unwrap_or_default();
        let is_archive = ARCHIVES
            .iter()
            .any(|archive| ending.eq_ignore_ascii_case(archive));
        if self.names_are_clean && self.found.is_empty() && !is_archive {
            return bytes;
        }
        let (shown, in_name) = self.detector.path(name);
        self.found.extend(in_name);
        self.found.extend(self.detector.path_rules(name, &shown));
        for mut leak in self.found.drain(..) {
            leak.path = Some(shown.clone());
            self.done.leaks.push((number, leak));
        }
        if is_archive {
            self.done.archives.push(shown);
        }
        bytes
    }

    /// Opens a regular file; nothing else is opened, and links are not followed.
    fn open(&mut self, file: &Path) -> io::Result<Option<File>> {
        let metadata = self.path.symlink_metadata()?;
        if metadata.is_dir() {
            self.done.folders.push(file.to_path_buf());
        }
        if !metadata.is_file() || self.spared.contains(&(metadata.dev(), metadata.ino())) {
            return Ok(None);
        }
        open_regular(&self.path)
    }
}

/// Opens a file for reading; nothing if it is something else, which may have taken its place.
pub(super) fn open_regular(path: &Path) -> io::Result<Option<File>> {
    let flags =
        OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::io::retry_on_intr(|| {
        rustix::fs::open(path, flags, Mode::empty())
    })?);
    Ok(file.metadata()?.is_file().then_some(file))
}
