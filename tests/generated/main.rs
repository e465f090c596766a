//! Completions, man pages and schemas are what the code says; `BLESS=1` writes them anew.

#![cfg(feature = "cli")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test looks at BLESS and starts the judges itself"
)]
#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot read, it cannot test"
)]

#[expect(dead_code, reason = "only the definitions are wanted here")]
#[path = "../../src/cli.rs"]
mod cli;
mod completions;
mod man_pages;
mod schemas;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::CommandFactory as _;

/// File names and what belongs into the files.
type Files = BTreeMap<String, Vec<u8>>;

/// The command line with every command worked out: the program itself builds only the one that
/// runs, and a generator that gets the others unbuilt leaves out all their flags.
fn command() -> clap::Command {
    let mut command = cli::Cli::command();
    command.build();
    command
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Holds the committed `folder` against `expected`, or renews it.
fn compare(folder_name: &str, expected: &Files) {
    let folder = folder(folder_name);
    if std::env::var_os("BLESS").is_some() {
        renew(&folder, expected);
    }
    let committed = files_of(&folder);
    let mut stale: Vec<&String> = expected
        .iter()
        .filter(|(name, content)| committed.get(*name) != Some(content))
        .map(|(name, _)| name)
        .collect();
    stale.extend(
        committed
            .keys()
            .filter(|name| !expected.contains_key(*name)),
    );
    assert!(
        stale.is_empty(),
        "{folder_name}/ is not what the code says: {stale:?}; \
         renew it with BLESS=1 cargo test --test generated"
    );
}

fn renew(folder: &Path, expected: &Files) {
    std::fs::create_dir_all(folder).unwrap();
    for name in files_of(folder).keys() {
        if !expected.contains_key(name) {
            std::fs::remove_file(folder.join(name)).unwrap();
        }
    }
    for (name, content) in expected {
        std::fs::write(folder.join(name), content).unwrap();
    }
}

fn files_of(folder: &Path) -> Files {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Files::new();
    };
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, std::fs::read(entry.path()).unwrap())
    };
    entries.map(read).collect()
}

/// Lets `judge` look at a committed file. It must agree without a word; where it is not installed,
/// the test says so and goes on.
fn judged_by(judge: &[&str], file: &Path) {
    let output = Command::new(judge[0])
        .args(&judge[1..])
        .arg(file)
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else {
        // Past the capture of the test harness, which would keep it to itself.
        let _ = writeln!(std::io::stderr(), "skipped: {} is not installed", judge[0]);
        return;
    };
    let words = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success() && words.is_empty(),
        "{} about {}: {}",
        judge.join(" "),
        file.display(),
        String::from_utf8_lossy(&words)
    );
}
