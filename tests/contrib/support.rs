//! Files of the repository, programs that may be missing, and what they said.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_openclaw-sec");

/// The folder of the virtual environment that `.ci/run` makes.
const TOOLS: &str = "OPENCLAW_SEC_TOOLS";

/// Root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
pub fn read(name: &str) -> String {
    let path = root().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The files of a folder of the repository whose names end so.
pub fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(ending))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{folder} has no file *{ending}");
    files
}

/// Where a program of a Debian package is; a test without it is skipped and says so.
pub fn installed(program: &str, package: &str) -> Option<PathBuf> {
    let found = search_path()
        .map(|folder| folder.join(program))
        .find(|path| path.is_file());
    if found.is_none() {
        eprintln!("skipped: {program} is not installed (Debian: {package})");
    }
    found
}

/// Where a program of the virtual environment is; a test without it is skipped and says so.
pub fn tool(program: &str) -> Option<PathBuf> {
    let found = std::env::var_os(TOOLS)
        .map(|folder| Path::new(&folder).join("bin").join(program))
        .filter(|path| path.is_file());
    if found.is_none() {
        eprintln!("skipped: {TOOLS} names no folder with {program} (see .ci/run)");
    }
    found
}

/// Administration tools live where an ordinary user's PATH does not look.
fn search_path() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = path.split(':').map(PathBuf::from).collect();
    folders
        .into_iter()
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
}

/// What a program left behind.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub fn both(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Ends the test unless the program ended with 0.
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.both());
        self
    }
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Ended {
    Ended::of(&command.stdin(Stdio::null()).output().unwrap())
}

/// Runs a program with these words to its end.
pub fn run_words<W: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    words: impl IntoIterator<Item = W>,
) -> Ended {
    run(Command::new(program).args(words))
}

/// A YAML file of the repository as JSON, read by the virtual environment's Python.
pub fn yaml(name: &str) -> Option<serde_json::Value> {
    let python = tool("python3")?;
    let script = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    let ended = run(Command::new(python)
        .args(["-c", script])
        .arg(root().join(name)));
    Some(serde_json::from_str(&ended.succeeded().stdout).unwrap())
}

/// Writes an executable file.
pub fn write_program(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The program without its debug information, which is most of its bytes, as it is released.
pub fn stripped_program() -> &'static Path {
    static STRIPPED: OnceLock<PathBuf> = OnceLock::new();
    STRIPPED.get_or_init(|| {
        let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openclaw-sec");
        let stripped = Command::new("strip")
            .arg("-o")
            .arg(&copy)
            .arg(PROGRAM)
            .status();
        match stripped {
            Ok(status) if status.success() => copy,
            _ => PathBuf::from(PROGRAM),
        }
    })
}

/// An env file that passes every declared check, with a key made here.
pub fn hardened_env() -> String {
    let key = run_words(PROGRAM, ["keygen"]).succeeded().stdout;
    let example = read("examples/hardened.env");
    let hardened: String = example
        .lines()
        .map(|line| match line.strip_prefix("WEB_API_KEY=") {
            Some(_) => format!("WEB_API_KEY={key}"),
            None => format!("{line}\n"),
        })
        .collect();
    assert!(hardened.contains(key.trim()));
    hardened
}
