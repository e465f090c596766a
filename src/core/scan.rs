//! What a source tree and its git history say about keys, and whether git would publish the env file.

mod allow;
mod detector;
mod git;
mod history;
mod leak;
mod made_up;
mod named;
mod named_rules;
mod own_values;
mod references;
mod rules;
mod tree;
mod window;

use std::collections::HashSet;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::civil::Date;

use crate::env_file::is_backup_of;
use crate::order;
use crate::world::{Finished, World};
use detector::Detector;
use git::{Git, complaint};

pub use leak::{Allowance, Leak, Past};
pub use own_values::{OwnValue, add_to, worth_a_search};
pub use rules::{RuleError, RuleSet};

/// An answer, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// Found out.
    Known(T),
    /// Could not be found out.
    Unknown(String),
}

/// What git thinks of the env file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracking {
    /// No repository holds the folder.
    OutsideWorkTree,
    /// The next commit contains it.
    Tracked,
    /// It is left out.
    Ignored,
    /// The next `git add .` takes it in.
    NeitherTrackedNorIgnored,
}

/// What is asked about the source tree and its history.
#[derive(Debug)]
pub struct Request<'r> {
    /// The env file, if it lies on disk.
    pub env: Option<&'r Path>,
    /// Files that hold secrets by right and are not reported: the env files that were named.
    pub spared: Vec<&'r Path>,
    /// The folder that was named.
    pub code: Option<&'r Path>,
    /// Whether the history is searched.
    pub history: bool,
    /// Whether objects that nothing points to are searched with it.
    pub unreachable: bool,
    /// Whether the index is searched instead of the tree.
    pub staged: bool,
    /// The values to search for besides keys of known form.
    pub own_values: Vec<OwnValue>,
    /// The rules of rule files.
    pub rules: &'r RuleSet,
    /// The date in UTC: comments that allow a finding end some day.
    pub today: Date,
    /// Which of the searches anybody asks for.
    pub wanted: Wanted,
}

/// The searches that are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The tree or the index.
    pub tree: bool,
    /// Keys in the history.
    pub history: bool,
    /// Env files in the history.
    pub env_files: bool,
}

/// What a search found, or why there was none.
#[derive(Debug, Clone)]
pub enum Search {
    /// Nobody asked, or there is nothing to search: why.
    Skipped(String),
    /// It was searched, as far as it could be read.
    Done(Box<Searched>),
}

/// What a search found.
#[derive(Debug, Clone, Default)]
pub struct Searched {
    /// Every find.
    pub leaks: Vec<Leak>,
    /// What could not be read, and why: what is in it is unknown.
    pub unread: Vec<String>,
    /// Archives, which are not opened.
    pub archives: Vec<String>,
    /// Files or objects that were searched.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The folder that the paths lead from.
    pub folder: Option<PathBuf>,
}

impl Searched {
    fn unreadable(reason: String) -> Self {
        Self {
            unread: vec![reason],
            ..Self::default()
        }
    }

    fn add(&mut self, other: Self) {
        self.leaks.extend(other.leaks);
        self.unread.extend(other.unread);
        self.archives.extend(other.archives);
        self.objects += other.objects;
        self.bytes += other.bytes;
    }

    fn below(self, folder: &Path) -> Self {
        Self {
            folder: Some(folder.to_path_buf()),
            ..self
        }
    }
}

/// What was found out about the source tree.
#[derive(Debug, Clone)]
pub struct CodeEvidence {
    /// Whether git tracks or ignores the env file; of a link and its target, the worse.
    pub tracking: Answer<Tracking>,
    /// What a link leads to, where that is what git tracks.
    pub tracked_target: Option<PathBuf>,
    /// What of the two, and of the backups, git neither tracks nor ignores.
    pub unignored: Vec<PathBuf>,
    /// Backups of the env file that an unfinished rotation left beside it, and what git does with them.
    pub backups: Vec<(PathBuf, Answer<Tracking>)>,
    /// Keys in the tree, or in the index.
    pub tree: Search,
    /// Env files that the next commit brings, besides the one that was named.
    pub staged_env_files: Search,
    /// Keys in the history.
    pub history: Search,
    /// Env files in the history.
    pub env_files: Search,
}

impl Default for CodeEvidence {
    /// Nothing was looked at.
    fn default() -> Self {
        let nobody = || Search::Skipped("nobody asked".to_owned());
        Self {
            tracking: Answer::Known(Tracking::OutsideWorkTree),
            tracked_target: None,
            unignored: Vec::new(),
            backups: Vec::new(),
            tree: nobody(),
            staged_env_files: nobody(),
            history: nobody(),
            env_files: nobody(),
        }
    }
}

/// Told how far a long search is: objects and bytes so far.
pub struct Monitor<'m> {
    objects: AtomicU64,
    bytes: AtomicU64,
    tell: &'m (dyn Fn(u64, u64) + Sync),
}

/// How many bytes, or objects, lie between two words about the progress.
const BYTES_BETWEEN_WORDS: u64 = 8 << 20;
const OBJECTS_BETWEEN_WORDS: u64 = 1000;

impl<'m> Monitor<'m> {
    /// Calls `tell` with the objects and the bytes so far, every few megabytes.
    pub fn new(tell: &'m (dyn Fn(u64, u64) + Sync)) -> Self {
        Self {
            objects: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            tell,
        }
    }

    fn add(&self, objects: u64, bytes: u64) {
        let objects_before = self.objects.fetch_add(objects, Ordering::Relaxed);
        let bytes_before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let (all_objects, all_bytes) = (objects_before + objects, bytes_before + bytes);
        if bytes_before / BYTES_BETWEEN_WORDS != all_bytes / BYTES_BETWEEN_WORDS
            || objects_before / OBJECTS_BETWEEN_WORDS != all_objects / OBJECTS_BETWEEN_WORDS
        {
            (self.tell)(all_objects, all_bytes);
        }
    }
}

/// Looks at the tree around the env file, or the one that was named, and at its history.
pub fn gather(request: Request<'_>, monitor: &Monitor<'_>, world: &World) -> CodeEvidence {
    let places = request.env.map(places_in_git).unwrap_or_default();
    let env_tree = places.first().map(|env| work_tree_of(&folder_of(env)));
    let (env_tree, trouble) = match env_tree {
        Some(Err(error)) => (None, Some(tree_trouble(&error))),
        found => (found.and_then(Result::ok).flatten(), None),
    };
    let judge = |place: PathBuf| {
        let tracking = tracking(&place, world);
        (place, tracking)
    };
    let backups = places.iter().flat_map(|place| backups_of(place));
    let backups: Vec<_> = backups.map(judge).collect();
    let mut judged: Vec<_> = places.into_iter().map(judge).collect();
    if let Some(env) = request.env {
        forget_harmless_link(&mut judged, env, world);
    }
    let root = request.code.map(Path::to_path_buf).or(env_tree);
    // What git holds is searched whole, wherever in the work tree somebody stands.
    let in_git = || {
        root.clone()
            .unwrap_or_else(|| top_of(Path::new("."), world))
    };
    let detector = Detector::new(request.own_values.clone(), request.rules, request.today);
    let nobody = || Search::Skipped("nobody asked".to_owned());
    let done = |searched| Search::Done(Box::new(searched));
    let staged = request.staged.then(|| {
        let root = in_git();
        let staged = history::staged(&root, request.env, &detector, monitor, world);
        (staged.keys.below(&root), staged.env_files.below(&root))
    });
    let (staged_keys, staged_env_files) = match staged {
        Some((keys, env_files)) => (Some(keys), done(env_files)),
        None => (None, nobody()),
    };
    let tree = match (&root, staged_keys) {
        _ if !request.wanted.tree => nobody(),
        (_, Some(keys)) => done(keys),
        (None, None) if trouble.is_some() => {
            done(Searched::unreadable(trouble.unwrap_or_default()))
        }
        (None, None) => Search::Skipped(
            "no source tree: the env file lies in no git work tree, and --code names none"
                .to_owned(),
        ),
        (Some(root), None) => {
            let spared = spared(&request);
            let searched = tree::search(root, &spared, &detector, monitor, world);
            done(searched.below(root))
        }
    };
    let not_asked = || Search::Skipped("the history was not asked for: use --history".to_owned());
    let (history, env_files) = match request.history {
        true => {
            let root = in_git();
            let own_values = &request.own_values;
            let extent = history::Extent {
                wanted: request.wanted,
                unreachable: request.unreachable,
            };
            let found = history::search(&root, extent, own_values, &detector, monitor, world);
            let top = top_of(&root, world);
            (
                done(found.keys.below(&top)),
                done(found.env_files.below(&top)),
            )
        }
        false => (not_asked(), not_asked()),
    };
    let is = |judged: &(PathBuf, Answer<Tracking>), wanted| judged.1 == Answer::Known(wanted);
    let tracked = judged.iter().filter(|place| is(place, Tracking::Tracked));
    let tracked_target = tracked
        .map(|(place, _)| place.clone())
        .find(|place| Some(place.as_path()) != request.env);
    let unignored = judged.iter().chain(&backups);
    let unignored = unignored.filter(|place| is(place, Tracking::NeitherTrackedNorIgnored));
    let unignored = unignored.map(|(place, _)| place.clone()).collect();
    CodeEvidence {
        tracking: worst(judged.iter().map(|(_, tracking)| tracking)),
        tracked_target,
        unignored,
        backups,
        tree,
        staged_env_files,
        history,
        env_files,
    }
}

/// Every file below `root` that holds one of these values, in any form. Only `tests/fuzz` calls it: the
/// search of [`gather`] without git and its other questions.
pub fn hunt(root: &Path, values: Vec<OwnValue>, today: Date, world: &World) -> Searched {
    let rules = RuleSet::default();
    let detector = Detector::new(values, &rules, today);
    let monitor = Monitor::new(&|_, _| {});
    let mut searched = tree::search(root, &HashSet::new(), &detector, &monitor, world);
    searched.leaks.retain(|leak| leak.variable.is_some());
    searched
}

fn spared(request: &Request<'_>) -> HashSet<tree::FileId> {
    let files = request.spared.iter().filter(|path| {
        // What a link leads to may be a file that git publishes.
        let place = is_link(path).then(|| path.canonicalize().ok()).flatten();
        place.is_none_or(|place| matches!(work_tree_of(&folder_of(&place)), Ok(None)))
    });
    let files = files.filter_map(|path| path.metadata().ok());
    files
        .map(|metadata| (metadata.dev(), metadata.ino()))
        .collect()
}

/// The folder that holds a file, the current one for a bare name.
pub fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Where git would find a file: under its name and, of a link, where its content lies. What surely
/// lies in no work tree is left out.
fn places_in_git(file: &Path) -> Vec<PathBuf> {
    let mut places = vec![file.to_path_buf()];
    if is_link(file) {
        places.extend(file.canonicalize());
    }
    places.retain(|place| !matches!(work_tree_of(&folder_of(place)), Ok(None)));
    places
}

/// Of a link git publishes where it leads to, and no key: what is there decides. What git tracks may
/// still be the file that the link took the place of.
fn forget_harmless_link(judged: &mut Vec<(PathBuf, Answer<Tracking>)>, env: &Path, world: &World) {
    let target = is_link(env).then(|| env.canonicalize().ok()).flatten();
    let Some(target) = target else {
        return;
    };
    let of_target = judged.iter().find(|(place, _)| *place == target);
    let of_target = of_target.map(|(_, tracking)| tracking);
    if matches!(of_target, None | Some(Answer::Known(Tracking::Ignored))) {
        judged.retain(|(place, tracking)| {
            let is_tracked = matches!(tracking, Answer::Known(Tracking::Tracked));
            place != env || is_tracked && !is_link_in_git(env, world)
        });
    }
}

/// Backups of an env file's old values, beside it. A folder that cannot be listed is told of by those
/// who look for copies.
fn backups_of(file: &Path) -> Vec<PathBuf> {
    let name = file.file_name().unwrap_or_default();
    let entries = std::fs::read_dir(folder_of(file)).into_iter().flatten();
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut backups: Vec<_> = names.filter(|found| is_backup_of(found, name)).collect();
    order::sort(&mut backups);
    backups
        .into_iter()
        .map(|found| file.with_file_name(found))
        .collect()
}

/// Whether git tracks a link of this name, and not a file.
fn is_link_in_git(file: &Path, world: &World) -> bool {
    const MODE_OF_A_LINK: &[u8] = b"120000 ";
    let git = Git::at(&folder_of(file), world);
    let staged = ["--literal-pathspecs", "ls-files", "--stage", "--"];
    let listed = file.file_name().map(|name| git.run_about(&staged, name));
    matches!(listed, Some(Ok(Finished { code: Some(0), stdout, .. })) if stdout.starts_with(MODE_OF_A_LINK))
}

fn is_link(file: &Path) -> bool {
    let metadata = file.symlink_metadata();
    metadata.is_ok_and(|metadata| metadata.is_symlink())
}

fn tree_trouble(error: &io::Error) -> String {
    format!("the env file's work tree: {error}")
}

/// Of several places of one file, the worst; what is not known may be as bad as anything but what is.
fn worst<'a>(judged: impl Iterator<Item = &'a Answer<Tracking>>) -> Answer<Tracking> {
    let rank = |answer: &Answer<Tracking>| match answer {
        Answer::Known(Tracking::Tracked) => 4,
        Answer::Known(Tracking::NeitherTrackedNorIgnored) => 3,
        Answer::Unknown(_) => 2,
        Answer::Known(Tracking::Ignored) => 1,
        Answer::Known(Tracking::OutsideWorkTree) => 0,
    };
    let worst = judged.max_by_key(|answer| rank(answer));
    worst.map_or(Answer::Known(Tracking::OutsideWorkTree), Answer::clone)
}

/// The nearest folder, from `folder` upwards, that has a `.git`. Looked for without git, so that a
/// repository which git refuses is still seen.
///
/// # Errors
/// When it cannot be told: what may not be looked at is not taken for absent.
pub fn work_tree_of(folder: &Path) -> io::Result<Option<PathBuf>> {
    let folder = folder.canonicalize()?;
    for ancestor in folder.ancestors() {
        match ancestor.join(".git").symlink_metadata() {
            Ok(_) => return Ok(Some(ancestor.to_path_buf())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The folder that the paths of an index and a history lead from.
fn top_of(folder: &Path, world: &World) -> PathBuf {
    let top = history::top(&Git::at(folder, world));
    top.unwrap_or_else(|| folder.to_path_buf())
}

/// Whether git tracks or ignores a file.
pub fn tracking(file: &Path, world: &World) -> Answer<Tracking> {
    let Some(name) = file.file_name() else {
        return Answer::Unknown("the env file has no name".to_owned());
    };
    match work_tree_of(&folder_of(file)) {
        Err(error) => return Answer::Unknown(tree_trouble(&error)),
        Ok(None) => return Answer::Known(Tracking::OutsideWorkTree),
        Ok(Some(_)) => {}
    }
    let git = Git::at(&folder_of(file), world);
    let is_tracked = ["--literal-pathspecs", "ls-files", "--error-unmatch", "--"];
    match git.run_about(&is_tracked, name) {
        Ok(Finished { code: Some(0), .. }) => return Answer::Known(Tracking::Tracked),
        Ok(Finished { code: Some(1), .. }) => {}
        other => return Answer::Unknown(complaint(other)),
    }
    match git.run_about(&["check-ignore", "--quiet", "--"], name) {
        Ok(Finished { code: Some(0), .. }) => Answer::Known(Tracking::Ignored),
        Ok(Finished { code: Some(1), .. }) => Answer::Known(Tracking::NeitherTrackedNorIgnored),
        other => Answer::Unknown(complaint(other)),
    }
}
