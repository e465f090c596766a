//! A folder with a repository, and what `check` says about it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder that goes away with the test.
pub struct Repository {
    folder: TempDir,
}

/// What a run ended with.
pub struct Checked {
    pub code: i32,
    pub report: Value,
    pub stdout: String,
    pub stderr: String,
}

impl Repository {
    /// A plain folder.
    pub fn plain() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A git repository without a commit.
    pub fn new() -> Self {
        let repository = Self::plain();
        repository.git(["init", "-q", "-b", "main"]);
        repository
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    pub fn write(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) -> &Self {
        let path = self.file(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub fn git<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> String {
        let output = git(self.path(), words);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Commits everything and returns the commit's id.
    pub fn commit(&self, message: &str) -> String {
        self.git(["add", "-A", "-f"]);
        self.git(["commit", "-q", "--allow-empty", "-m", message]);
        self.git(["rev-parse", "HEAD"])
    }

    /// Runs `check --only code --code FOLDER` with more words.
    pub fn check(&self, words: &[&str]) -> Checked {
        self.check_with(words, &[])
    }

    /// The same with variables.
    pub fn check_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Checked {
        let root = self.path().to_str().unwrap();
        let mut all = vec!["--code", root];
        all.extend(words);
        run(self.path(), &all, variables)
    }
}

/// Git with nobody's configuration and a fixed author.
pub fn git<S: AsRef<OsStr>>(folder: &Path, words: impl IntoIterator<Item = S>) -> Output {
    Command::new("git")
        .args([
            "-c",
            "protocol.file.allow=always",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(words)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_AUTHOR_NAME", "Mia")
        .env("GIT_AUTHOR_EMAIL", "mia@bot.example")
        .env("GIT_AUTHOR_DATE", "2026-03-04T05:06:07Z")
        .env("GIT_COMMITTER_NAME", "Mia")
        .env("GIT_COMMITTER_EMAIL", "mia@bot.example")
        .output()
        .unwrap()
}

/// Runs `check` in a folder and reads its JSON.
pub fn run(folder: &Path, words: &[&str], variables: &[(&str, &str)]) -> Checked {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_openclaw-sec"))
        .args(["check", "--only", "code", "--format", "json"])
        .args(words)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home.path())
        .env("XDG_STATE_HOME", home.path())
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    Checked {
        code: output.status.code().unwrap(),
        report: serde_json::from_str(&stdout).unwrap_or_default(),
        stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Checked {
    /// All entries of one id.
    pub fn results(&self, id: &str) -> Vec<&Value> {
        let all = self.report["results"].as_array();
        let all = all.unwrap_or_else(|| panic!("no report: {}{}", self.stdout, self.stderr));
        all.iter().filter(|result| result["id"] == id).collect()
    }

    /// The failed entries of one id.
    pub fn failed(&self, id: &str) -> Vec<&Value> {
        let mut results = self.results(id);
        results.retain(|result| result["status"] == "fail");
        results
    }

    /// `status` of each entry of one id.
    pub fn statuses(&self, id: &str) -> Vec<&str> {
        let results = self.results(id);
        results
            .iter()
            .map(|result| result["status"].as_str().unwrap())
            .collect()
    }

    /// `path:line:column rule` of each failed entry.
    pub fn places(&self, id: &str) -> Vec<String> {
        let place = |result: &&Value| {
            let location = &result["location"];
            let path = location["path"].as_str().unwrap_or("-");
            let number = |name: &str| {
                location[name]
                    .as_u64()
                    .map_or(String::new(), |n| format!(":{n}"))
            };
            let rule = result["evidence"]["rule"].as_str().unwrap_or("-");
            format!("{path}{}{} {rule}", number("line"), number("column"))
        };
        let mut places: Vec<String> = self.failed(id).iter().map(place).collect();
        places.sort();
        places
    }

    /// Nothing of a secret may be shown anywhere.
    pub fn hides(&self, secret: &str) -> &Self {
        assert!(!self.stdout.contains(secret) && !self.stderr.contains(secret));
        self
    }
}
