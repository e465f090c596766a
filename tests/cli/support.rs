//! A folder of its own for every test, and the program with a cleared environment in it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use serde_json::Value;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_openclaw-sec");
/// Nothing here may take longer.
const LONGEST: Duration = Duration::from_secs(60);

/// A file that passes every declared check.
pub const HARDENED: &str = "\
# the web chat
WEB_API_KEY=q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ6RoXi1WvBtM=
RATE_LIMIT_ENABLED=true
RATE_LIMIT_REQUESTS=100
RATE_LIMIT_WINDOW=60000
RATE_LIMIT_PER_USER=50
RATE_LIMIT_PER_IP=200
FORCE_HTTPS=true
CORS_ORIGINS=https://bot.example,https://app.bot.example
TRUSTED_PROXIES=true
TRUSTED_PROXY_IPS=10.0.0.0/8,172.16.0.0/12
LOG_SECURITY_EVENTS=true
LOG_LEVEL=info
ENABLE_AUDIT_LOG=true
AUDIT_LOG_PATH=/var/log/openclaw/audit.log
";

/// The page's own example.
pub const PAGE: &str = "\
WEB_API_KEY=your-secret-key-here
RATE_LIMIT_ENABLED=true
RATE_LIMIT_REQUESTS=100
RATE_LIMIT_WINDOW=60000 # 1 minute
RATE_LIMIT_PER_USER=50
RATE_LIMIT_PER_IP=200
FORCE_HTTPS=true
CORS_ORIGINS=https://your-domain.com,https://app.your-domain.com
TRUSTED_PROXIES=true
TRUSTED_PROXY_IPS=10.0.0.0/8,172.16.0.0/12
LOG_SECURITY_EVENTS=true
LOG_LEVEL=info
ENABLE_AUDIT_LOG=true
AUDIT_LOG_PATH=/var/log/openclaw/audit.log
";

/// The words for `check --format`; tests/formats holds them against the program's table.
pub const FORMATS: [&str; 10] = [
    "human",
    "json",
    "sarif",
    "junit",
    "github",
    "gitlab",
    "markdown",
    "html",
    "prometheus",
    "ocsf",
];

/// A key in a usual form that stands nowhere in the program.
pub const KEY: &str = "Zr8xK2mV9tLw4RzBq1NcYp7HdGf3JsUeXoTi6WvAbQM=";

/// An empty folder, and the program in it.
pub struct Place {
    folder: tempfile::TempDir,
}

/// What a run left behind.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("oc").tempdir().unwrap();
        for name in ["home", "work", "state"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    /// With this `.env`, mode 0600.
    pub fn with_env(text: impl AsRef<[u8]>) -> Self {
        let place = Self::new();
        place.write(".env", text);
        place
    }

    /// A path in the working folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    /// A path in the folder around it: `home`, `state`.
    pub fn outer(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Any program, in this place.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::new(program);
        command
            .current_dir(self.path(""))
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", self.outer("home"))
            .env("XDG_CONFIG_HOME", self.outer("home/.config"))
            .env("XDG_STATE_HOME", self.outer("home/.state"))
            .env("STATE_DIRECTORY", self.outer("state"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("B", PROGRAM)
            .timeout(LONGEST);
        command
    }

    pub fn run<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> Ended {
        self.run_with(arguments, &[])
    }

    /// The words of a line, separated by blanks.
    pub fn line(&self, line: &str) -> Ended {
        self.run(line.split_whitespace())
    }

    pub fn run_with<S: AsRef<str>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        variables: &[(&str, &str)],
    ) -> Ended {
        let mut command = self.command(PROGRAM);
        for argument in arguments {
            command.arg(argument.as_ref());
        }
        command.envs(variables.iter().copied());
        Ended::of(&command.output().unwrap())
    }

    /// A line for the shell, in which `$B` is the program.
    pub fn shell(&self, script: &str) -> Ended {
        let mut command = self.command("bash");
        command.args(["-c", script]);
        Ended::of(&command.output().unwrap())
    }

    /// The JSON report of `check` with these words, and the exit code.
    pub fn report(&self, line: &str) -> (Report, i32) {
        self.report_of(&line.split_whitespace().collect::<Vec<_>>())
    }

    pub fn report_of(&self, arguments: &[&str]) -> (Report, i32) {
        let mut words = vec!["check", "--format", "json"];
        words.extend(arguments);
        let ended = self.run(words);
        let document = serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|_| panic!("no JSON: {}{}", ended.stdout, ended.stderr));
        hold_to_schema(&document);
        (Report { document }, ended.code)
    }

    /// Every file below the place, for finding what should not be there.
    pub fn all_files(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.folder.path().to_path_buf()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                match entry.file_type().unwrap() {
                    kind if kind.is_dir() => folders.push(entry.path()),
                    _ => files.push(entry.path()),
                }
            }
        }
        files
    }
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
}

/// A report as JSON.
pub struct Report {
    pub document: Value,
}

impl Report {
    pub fn results(&self) -> &[Value] {
        self.document["results"].as_array().unwrap()
    }

    /// The results of one check.
    pub fn of(&self, id: &str) -> Vec<&Value> {
        let results = self.results().iter();
        results.filter(|result| result["id"] == id).collect()
    }

    /// The only result of one check.
    pub fn one(&self, id: &str) -> &Value {
        let results = self.of(id);
        assert_eq!(results.len(), 1, "{id}: {results:#?}");
        results[0]
    }

    pub fn failed(&self) -> Vec<&str> {
        self.with_status("fail")
    }

    pub fn with_status(&self, status: &str) -> Vec<&str> {
        let results = self.results().iter();
        results
            .filter(|result| result["status"] == status)
            .map(|result| result["id"].as_str().unwrap())
            .collect()
    }
}

/// Every JSON document keeps to the published schema.
fn hold_to_schema(document: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/check.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        return;
    };
    let schema: Value = serde_json::from_str(&text).unwrap();
    if let Err(error) = jsonschema::validate(&schema, document) {
        panic!("the report breaks its schema: {error}");
    }
}

/// Whether the tests run as root, who may read everything.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}
