//! Asks git without letting the repository's own configuration run anything or change a byte.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::foreign_text::harmless;
use crate::world::{Feed, Finished, Invocation, Take, World};

/// Settings that keep git from running anything the repository's own configuration names, from
/// fetching, from writing into the repository, and from telling less than there is. Settings and no
/// options where an older git lacks the option.
const CONFIGURATION: [&str; 19] = [
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.untrackedCache=false",
    "-c",
    "log.showSignature=false",
    "-c",
    "log.diffMerges=separate",
    "-c",
    "log.follow=false",
    "-c",
    "diff.relative=false",
    "-c",
    // It is read before anything is told, and a pipe has no end.
    "diff.orderFile=/dev/null",
    "-c",
    "protocol.allow=never",
    "--no-pager",
];
/// A name below a device is no file: git passes it over without a word.
const NO_FILE: &str = "/dev/null/none";
const VARIABLES: [(&str, &str); 5] = [
    // `info/grafts` would hide commits.
    ("GIT_GRAFT_FILE", NO_FILE),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
];

/// Git in one folder.
pub(super) struct Git<'w> {
    world: &'w World,
    folder: PathBuf,
    /// A hook's temporary index.
    index: Option<OsString>,
}

impl<'w> Git<'w> {
    pub(super) fn at(folder: &Path, world: &'w World) -> Self {
        Self {
            world,
            folder: folder.to_path_buf(),
            index: None,
        }
    }

    /// The index that a commit in progress uses: a partial commit has one of its own.
    pub(super) fn with_the_hooks_index(mut self) -> Self {
        self.index = self
            .world
            .variable("GIT_INDEX_FILE")
            .and_then(|path| std::path::absolute(Path::new(path)).ok())
            .map(PathBuf::into_os_string);
        self
    }

    /// Where git is asked.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs to the end.
    pub(super) fn run(&self, words: &[&str]) -> io::Result<Finished> {
        self.world.run(&self.invocation(words))
    }

    /// The same about one name in the folder.
    pub(super) fn run_about(&self, words: &[&str], name: &OsStr) -> io::Result<Finished> {
        let mut invocation = self.invocation(words);
        // A leading `./` keeps git from taking a name for one of its pathspec words.
        let path = Path::new(".").join(name);
        invocation.arguments.push(path.as_os_str());
        self.world.run(&invocation)
    }

    /// What git prints, or why it refuses.
    pub(super) fn answer(&self, words: &[&str]) -> Result<Vec<u8>, String> {
        match self.run(words) {
            Ok(Finished {
                code: Some(0),
                stdout,
                ..
            }) => Ok(stdout),
            other => Err(complaint(other)),
        }
    }

    /// Runs with both ends open.
    pub(super) fn stream(
        &self,
        words: &[&str],
        feed: Feed<'_>,
        read: Take<'_>,
    ) -> io::Result<Finished> {
        self.world.stream(&self.invocation(words), feed, read)
    }

    fn invocation<'i>(&'i self, words: &'i [&'i str]) -> Invocation<'i> {
        let mut invocation = Invocation::new("git", &CONFIGURATION);
        invocation.arguments.extend(words.iter().map(OsStr::new));
        invocation
            .variables
            .extend(VARIABLES.map(|(name, value)| (name, OsStr::new(value))));
        if let Some(index) = &self.index {
            invocation.variables.push(("GIT_INDEX_FILE", index));
        }
        invocation.folder = Some(&self.folder);
        invocation
    }
}

/// Why git gave no answer, in its own words, made harmless.
pub(super) fn complaint(result: io::Result<Finished>) -> String {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            "git is not installed: install it, or skip these checks with --skip code".to_owned()
        }
        Err(error) => format!("git could not be run: {error}"),
        Ok(finished) => format!("git refused to answer: {}", first_line(&finished.stderr)),
    }
}

/// The first line of what git complained about.
pub(super) fn first_line(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().next().unwrap_or("no reason given");
    let line: String = line.chars().take(200).collect();
    harmless(&line).into_owned()
}
