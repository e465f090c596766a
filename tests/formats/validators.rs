//! The programs that judge the reports, and what a test says where one is missing.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The interpreter that knows the packages of PyPI in `.ci/run`; none where there is none.
pub fn python() -> Option<PathBuf> {
    let folder = folder("OPENCLAW_SEC_PYTHON", "the Python packages of .ci/run")?;
    Some(folder.join("bin/python"))
}

/// A file of the npm packages in `.ci/run`.
pub fn node_file(path: &str) -> Option<PathBuf> {
    let folder = folder("OPENCLAW_SEC_NODE", "the npm packages of .ci/run")?;
    let file = folder.join("node_modules").join(path);
    if !file.exists() {
        skipped(&format!("{} is not there", file.display()));
        return None;
    }
    Some(file)
}

fn folder(variable: &str, what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).filter(|folder| !folder.is_empty());
    if folder.is_none() {
        skipped(&format!("{variable} names no folder with {what}"));
    }
    folder.map(PathBuf::from)
}

/// Whether a program is there; says so where it is not.
pub fn has(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .is_ok();
    if !found {
        skipped(&format!("{program} is not installed"));
    }
    found
}

/// Past the capture of the test harness, which would keep it to itself.
pub fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// Runs a Python script with these arguments; what it prints has to be nothing.
pub fn python_agrees<S: AsRef<OsStr>>(script: &str, arguments: impl IntoIterator<Item = S>) {
    let Some(python) = python() else { return };
    let output = Command::new(python)
        .args(["-I", "-c", script])
        .args(arguments)
        .output()
        .unwrap();
    let words = [output.stdout, output.stderr].concat();
    let words = String::from_utf8_lossy(&words);
    assert!(output.status.success() && words.is_empty(), "{words}");
}

/// The corpus in one format, each in a file of its own.
pub fn files(format: &str, folder: &Path) -> Vec<PathBuf> {
    let samples = crate::corpus::all().iter();
    samples
        .map(|(name, findings)| {
            let path = folder.join(format!("{name}.{format}"));
            std::fs::write(&path, crate::render(format, findings)).unwrap();
            path
        })
        .collect()
}
