//! What a source tree and its git history say about keys; so far, whether git would publish the env file.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::world::{Finished, Invocation, World};

/// Settings that keep git from running anything the repository's own configuration names, and
/// from writing into the repository.
const CONFIGURATION: [&str; 7] = [
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.untrackedCache=false",
    "--no-pager",
];
const VARIABLES: [(&str, &str); 4] = [
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
];

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

/// What was found out about the source tree.
#[derive(Debug, Clone)]
pub struct CodeEvidence {
    /// Whether git tracks or ignores the env file.
    pub tracking: Answer<Tracking>,
    /// The tree that belongs to the env file, or the one that was named.
    pub tree: Option<PathBuf>,
    /// Whether `--history` was given.
    pub history_was_asked: bool,
}

impl Default for CodeEvidence {
    /// Nothing was looked at.
    fn default() -> Self {
        Self {
            tracking: Answer::Known(Tracking::OutsideWorkTree),
            tree: None,
            history_was_asked: false,
        }
    }
}

/// Looks at the tree around the env file.
pub fn gather(
    env: Option<&Path>,
    code: Option<&Path>,
    history_was_asked: bool,
    world: &World,
) -> CodeEvidence {
    let work_tree = env.and_then(|env| work_tree_of(&folder_of(env)));
    let tracking = match (env, &work_tree) {
        (Some(env), Some(_)) => tracking(env, world),
        _ => Answer::Known(Tracking::OutsideWorkTree),
    };
    CodeEvidence {
        tracking,
        tree: code.map(Path::to_path_buf).or(work_tree),
        history_was_asked,
    }
}

/// The folder that holds a file, the current one for a bare name.
pub fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// The nearest folder, from `folder` upwards, that has a `.git`. Looked for without git, so that a
/// repository which git refuses is still seen.
pub fn work_tree_of(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    folder
        .ancestors()
        .find(|ancestor| ancestor.join(".git").symlink_metadata().is_ok())
        .map(Path::to_path_buf)
}

fn tracking(env: &Path, world: &World) -> Answer<Tracking> {
    let Some(name) = env.file_name() else {
        return Answer::Unknown("the env file has no name".to_owned());
    };
    let folder = folder_of(env);
    let is_tracked = ["--literal-pathspecs", "ls-files", "--error-unmatch", "--"];
    match git(&folder, &is_tracked, name, world) {
        Ok(Finished { code: Some(0), .. }) => return Answer::Known(Tracking::Tracked),
        Ok(Finished { code: Some(1), .. }) => {}
        other => return Answer::Unknown(complaint(other)),
    }
    match git(&folder, &["check-ignore", "--quiet", "--"], name, world) {
        Ok(Finished { code: Some(0), .. }) => Answer::Known(Tracking::Ignored),
        Ok(Finished { code: Some(1), .. }) => Answer::Known(Tracking::NeitherTrackedNorIgnored),
        other => Answer::Unknown(complaint(other)),
    }
}

fn git(folder: &Path, words: &[&str], name: &OsStr, world: &World) -> std::io::Result<Finished> {
    let mut invocation = Invocation::new("git", &CONFIGURATION);
    invocation.arguments.extend(words.iter().map(OsStr::new));
    // A leading `./` keeps git from taking a name for one of its pathspec words.
    let path = Path::new(".").join(name);
    invocation.arguments.push(path.as_os_str());
    invocation
        .variables
        .extend(VARIABLES.map(|(name, value)| (name, OsStr::new(value))));
    invocation.folder = Some(folder);
    world.run(&invocation)
}

fn complaint(result: std::io::Result<Finished>) -> String {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            "git is not installed: install it, or use --skip secrets.env-file-tracked".to_owned()
        }
        Err(error) => format!("git could not be run: {error}"),
        Ok(finished) => {
            let text = String::from_utf8_lossy(&finished.stderr);
            let line = text.lines().next().unwrap_or("no reason given");
            let line: String = line.chars().take(200).collect();
            format!("git refused to answer: {line}")
        }
    }
}
