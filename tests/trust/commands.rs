//! The one table of every command and every format: words that work on a fixture, and how they end
//! when nothing goes wrong. Each matrix runs it under faults of its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_openclaw-sec");
/// Far more than any run needs on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The key of the web chat in `.env`, which gives an endpoint its right key.
pub const WEB_KEY: &str = "q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ6RoXi1WvBtM=";
/// The provider's key in `.env`.
pub const OLD_KEY: &str = "sk-ant-api03-WKbsDE5kGZoDiPCFdcERFmdD5nHQrroDnobDQCm7JUcKkHnVm5uMGonrNZGmwEnDqPhukd2WfofZVR3Mv2RFnVjh9XxeUAA";
/// The provider's key in `new.key`.
pub const NEW_KEY: &str = "sk-ant-api03-pEHicLzXKhcCtEzmn395WXvYpho4fE6FTgvtEDxvVsnu5eUwa9tYBfYLqHhDP2UJyRbb8hFLebmT9J5d8mTwcYu9aQKFMAA";
/// The variable that holds the provider's key.
pub const KEY_NAME: &str = "ANTHROPIC_API_KEY";

/// What stdout is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdout {
    /// Nothing is written there.
    Unused,
    /// Somebody reads it: a reader who has seen enough is no error.
    Reading,
    /// A cut output is dangerous: keys, and what a loader or a shell takes in.
    Dangerous,
}

/// How a run comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// By itself.
    Alone,
    /// By SIGINT, once something stands on stdout; it follows a log.
    Interrupted,
}

/// Which other programs a run finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Programs {
    /// Those of this machine.
    Usual,
    /// None.
    None,
    /// An `nft` and nothing else, which knows no rules.
    EmptyFirewall,
}

/// One command line.
#[derive(Debug, Clone)]
pub struct Case {
    /// The words behind the program's name, as a shell parts them; `{alive}` is a provider that takes
    /// every key, `{gone}` one that knows the old key no more. Both serve a page at `/`, too.
    pub words: String,
    /// What is read on stdin.
    pub stdin: &'static str,
    /// Command lines that must have run before; how they end is their own business.
    pub before: &'static [&'static str],
    /// The exit code where nothing goes wrong.
    pub code: i32,
    /// What stdout is for.
    pub stdout: Stdout,
    /// Files of the working folder that the run makes or changes.
    pub writes: &'static [&'static str],
    /// Whether something is written into the state folder without which the run cannot do its job.
    pub needs_state: bool,
    pub ends: Ends,
    pub programs: Programs,
}

impl Case {
    pub fn new(words: impl Into<String>, code: i32, stdout: Stdout) -> Self {
        Self {
            words: words.into(),
            stdin: "",
            before: &[],
            code,
            stdout,
            writes: &[],
            needs_state: false,
            ends: Ends::Alone,
            programs: Programs::Usual,
        }
    }

    fn before(mut self, lines: &'static [&'static str]) -> Self {
        self.before = lines;
        self
    }

    fn writing(mut self, files: &'static [&'static str]) -> Self {
        self.writes = files;
        self
    }

    fn with_state(mut self) -> Self {
        self.needs_state = true;
        self
    }
}

/// The words for `check --format`.
pub const REPORT_FORMATS: [&str; 10] = [
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
/// The words for `firewall --format`.
pub const RULE_FORMATS: [&str; 6] = ["sh", "iptables", "ip6tables", "nft", "json", "plain"];
/// The words for `firewall --profile`.
pub const PROFILES: [&str; 5] = [
    "vps",
    "cloudflare-tunnel",
    "cloudflare-origin",
    "tailscale",
    "telegram",
];
/// The words for `audit-tail --format`.
pub const EVENT_FORMATS: [&str; 4] = ["human", "json", "ocsf", "raw"];
/// The commands, with what stands below them.
pub const COMMANDS: [&str; 17] = [
    "",
    "keygen",
    "check",
    "rotate",
    "rotate status",
    "rotate resume",
    "rotate abort",
    "rotate due",
    "rotate providers",
    "rotate schedule",
    "firewall",
    "firewall verify",
    "firewall explain",
    "firewall off",
    "audit-tail",
    "audit-tail seal",
    "audit-tail verify",
];

/// A rotation that waits for a person to revoke the old key.
const WAITING: &[&str] = &[
    "rotate --name ANTHROPIC_API_KEY --new-key-file new.key --restart true --provider-url {alive} --no-input",
];
const SEALED: &[&str] = &["audit-tail seal audit.log"];
const REPORTED: &[&str] =
    &["check --only declared --env clean.env --format json --output reports/a.json"];

/// Every command and every format.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for command in COMMANDS {
        let words = |flag: &str| format!("{command} {flag}").trim().to_owned();
        cases.push(Case::new(words("--help"), 0, Stdout::Reading));
        cases.push(Case::new(words("--version"), 0, Stdout::Reading));
    }
    cases.push(Case::new("-h", 0, Stdout::Reading));
    cases.extend(keygen());
    cases.extend(check());
    cases.extend(rotate());
    cases.extend(firewall());
    cases.extend(audit_tail());
    cases
}

fn keygen() -> Vec<Case> {
    let printing = [
        "keygen",
        "keygen --encoding base64url",
        "keygen --encoding hex",
        "keygen --prefix claw",
        "keygen --bytes 4096 --count 100",
    ];
    let mut cases: Vec<Case> = printing
        .into_iter()
        .map(|words| Case::new(words, 0, Stdout::Dangerous))
        .collect();
    cases.extend([
        Case::new("keygen --output new-file.key", 0, Stdout::Unused).writing(&["new-file.key"]),
        Case::new("keygen --env .env --replace", 0, Stdout::Unused).writing(&[".env"]),
        Case::new("keygen --env fresh.env --name A_KEY", 0, Stdout::Unused).writing(&["fresh.env"]),
    ]);
    cases
}

fn check() -> Vec<Case> {
    let mut cases = Vec::new();
    for format in REPORT_FORMATS {
        cases.push(Case::new(
            format!("check --only declared --format {format}"),
            1,
            Stdout::Reading,
        ));
    }
    let to_file = |words: &str| Case::new(words, 0, Stdout::Unused).writing(&["report"]);
    cases.extend([
        Case::new("check", 1, Stdout::Reading),
        Case::new("check --env clean.env --only declared", 0, Stdout::Reading),
        Case {
            stdin: "WEB_API_KEY=changeme\n",
            ..Case::new("check --env - --only declared", 1, Stdout::Reading)
        },
        Case::new("check --list", 0, Stdout::Reading),
        Case::new("check --explain logs.level", 0, Stdout::Reading),
        to_file("check --env clean.env --only declared --output report"),
        to_file("check --env clean.env --only declared --format html --output report"),
        to_file("check --env clean.env --only declared --format prometheus --output report"),
        Case::new(
            "check --only declared --format json --output report --format human",
            1,
            Stdout::Reading,
        )
        .writing(&["report"]),
        Case::new(
            "check --only declared --compare-env other.env --openclaw-config openclaw.json",
            1,
            Stdout::Reading,
        ),
        Case::new(
            "check --only code --code tree --rules rules.toml",
            1,
            Stdout::Reading,
        ),
        Case::new("check --only live --url {alive}", 1, Stdout::Reading),
        Case::new(
            "check --only live --active --timeout 5 --url {alive} --auth-path /api",
            1,
            Stdout::Reading,
        ),
        Case::new(
            "check --only declared --targets fleet.toml",
            1,
            Stdout::Reading,
        ),
        Case::new(
            "check --only declared --targets fleet.toml --format json",
            1,
            Stdout::Reading,
        ),
        Case::new(
            "check --merge reports --expect names.txt",
            3,
            Stdout::Reading,
        )
        .before(REPORTED),
        Case::new(
            "check --merge reports --format html --output report",
            0,
            Stdout::Unused,
        )
        .before(REPORTED)
        .writing(&["report"]),
        Case::new(
            "check --only declared --baseline reports/b.json",
            0,
            Stdout::Reading,
        )
        .before(&["check --only declared --format json --output reports/b.json"]),
        Case::new(
            "check --only declared --only secrets.env-file-mode --env loose.env --fix --yes",
            1,
            Stdout::Reading,
        )
        .writing(&["loose.env"]),
    ]);
    cases
}

fn rotate() -> Vec<Case> {
    let mut cases = Vec::new();
    for format in ["human", "json"] {
        let line = |words: &str, code| {
            let words = format!("rotate {words} --format {format}");
            Case::new(words, code, Stdout::Reading)
        };
        let run = |provider: &str, more: &str| {
            format!(
                "--name {KEY_NAME} --new-key-file new.key --restart true --provider-url {provider} --no-input{more}"
            )
        };
        cases.extend([
            line(&run("{gone}", ""), 0).writing(&[".env"]).with_state(),
            line(&run("{alive}", ""), 3).writing(&[".env"]).with_state(),
            line(&run("{alive}", " --dry-run"), 0),
            line("status", 0),
            line("status", 0).before(WAITING),
            line("resume --provider-url {gone} --no-input", 0),
            line("resume --no-input", 3).before(WAITING),
            line("abort --no-input", 0)
                .before(WAITING)
                .writing(&[".env"]),
            line("due", 0).with_state(),
            line("providers", 0),
            line("schedule --every 30", 0),
        ]);
    }
    // The new value and the restart have failed: the old key comes back.
    cases.push(
        Case::new(
            format!("rotate --name {KEY_NAME} --new-key-file new.key --restart false --provider-url {{alive}} --no-input"),
            1,
            Stdout::Reading,
        )
        .with_state(),
    );
    cases
}

fn firewall() -> Vec<Case> {
    let mut cases = Vec::new();
    for format in RULE_FORMATS {
        cases.push(Case::new(
            format!("firewall --format {format}"),
            0,
            Stdout::Dangerous,
        ));
    }
    for profile in PROFILES {
        cases.push(Case::new(
            format!("firewall --profile {profile} --rollback 30 --persist"),
            0,
            Stdout::Dangerous,
        ));
    }
    cases.push(Case::new(
        "firewall --env .env --allow tcp/8443,from=203.0.113.0/24 --block-list block.txt --cloudflare-ips ranges.txt",
        0,
        Stdout::Dangerous,
    ));
    cases.push(Case::new("firewall off", 0, Stdout::Dangerous));
    for format in ["human", "json"] {
        let explain =
            format!("firewall explain --proto tcp --port 22 --from 203.0.113.9 --format {format}");
        cases.push(Case::new(explain, 0, Stdout::Reading));
        for (programs, code) in [(Programs::EmptyFirewall, 1), (Programs::None, 3)] {
            cases.push(Case {
                programs,
                ..Case::new(
                    format!("firewall verify --format {format}"),
                    code,
                    Stdout::Reading,
                )
            });
        }
    }
    cases
}

fn audit_tail() -> Vec<Case> {
    let mut cases = Vec::new();
    let line = |words: String| Case::new(words, 0, Stdout::Reading);
    for format in EVENT_FORMATS {
        cases.extend([
            line(format!(
                "audit-tail audit.log --no-follow --format {format}"
            )),
            line(format!(
                "audit-tail audit.log --env .env --all --no-follow --format {format}"
            )),
            line(format!(
                "audit-tail audit.log --since 2020-01-01 --no-follow --format {format}"
            )),
            line(format!("audit-tail audit.log --stats --format {format}")),
            Case {
                ends: Ends::Interrupted,
                ..Case::new(
                    format!("audit-tail audit.log --follow --format {format}"),
                    130,
                    Stdout::Reading,
                )
            },
            Case::new(
                format!("audit-tail audit.log --no-follow --fail-on-alert --format {format}"),
                1,
                Stdout::Reading,
            ),
            Case {
                stdin: AUDIT_LOG,
                ..line(format!("audit-tail - --format {format}"))
            },
        ]);
    }
    for format in ["human", "json"] {
        let verify = format!("audit-tail verify audit.log --format {format}");
        cases.push(Case::new(verify, 0, Stdout::Reading).before(SEALED));
    }
    cases.extend([
        Case::new(
            "audit-tail audit.log --no-follow --alerts-only",
            0,
            Stdout::Reading,
        ),
        Case::new(
            "audit-tail audit.log --no-follow --alerts-only --alert-exec true",
            0,
            Stdout::Reading,
        ),
        Case::new("audit-tail seal audit.log", 0, Stdout::Reading)
            .writing(&["audit.log.seal"])
            .with_state(),
        Case::new("audit-tail seal audit.log", 0, Stdout::Reading).before(SEALED),
        Case::new("audit-tail verify audit.log", 3, Stdout::Unused),
    ]);
    cases
}

/// A folder of its own for a run: `work`, `home`, `state` and `tmp`.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// All fixtures, and nothing that a command made.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("trust").tempdir().unwrap();
        let place = Self { folder };
        for name in ["home", "state", "tmp", "work/reports", "work/tree", "bin"] {
            fs::create_dir_all(place.path(name)).unwrap();
        }
        for (name, text) in FIXTURES {
            place.write(&format!("work/{name}"), text);
        }
        place.write("work/.env", &env_file());
        place.write("work/new.key", &format!("{NEW_KEY}\n"));
        place.write("bin/nft", EMPTY_NFT);
        place.set_mode("bin/nft", 0o755);
        place.set_mode("work/loose.env", 0o644);
        place
    }

    /// A place in which `case` can run: what it needs before has happened.
    pub fn for_case(case: &Case) -> Self {
        Self::prepared(case, |_| {})
    }

    /// The same, after `prepare` has changed the fixtures.
    pub fn prepared(case: &Case, prepare: impl FnOnce(&Self)) -> Self {
        let place = Self::new();
        prepare(&place);
        for line in case.before {
            let output = place
                .program(&Case::new(*line, 0, Stdout::Unused))
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert!(output.status.code().is_some_and(|code| code != 2), "{line}");
        }
        place
    }

    /// A path below the place, such as `work/.env`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        self.set_mode(name, 0o600);
    }

    pub fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The program with the words of the case, in this place; its streams are the caller's.
    pub fn program(&self, case: &Case) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(words(case));
        self.surround(&mut command, case);
        command
    }

    /// The folder and the variables of the case for whatever is started: the program, or a shell or
    /// strace that starts it.
    pub fn surround(&self, command: &mut Command, case: &Case) {
        let path = match case.programs {
            Programs::Usual => OsString::from("/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"),
            Programs::None => self.path("nothing").into_os_string(),
            Programs::EmptyFirewall => self.path("bin").into_os_string(),
        };
        command
            .current_dir(self.path("work"))
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("STATE_DIRECTORY", self.path("state"))
            .env("TZ", "UTC")
            .env("GIT_CONFIG_NOSYSTEM", "1");
    }

    /// Every file below the place with its bytes, by its path from there.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                match entry.file_type().unwrap() {
                    kind if kind.is_dir() => folders.push(entry.path()),
                    kind => {
                        let bytes = kind.is_file().then(|| fs::read(entry.path()).unwrap());
                        let name = entry.path();
                        let name = name.strip_prefix(self.folder.path()).unwrap().to_owned();
                        files.insert(name, bytes.unwrap_or_default());
                    }
                }
            }
        }
        files
    }
}

/// The words of the case, with the addresses of the providers.
pub fn words(case: &Case) -> Vec<String> {
    let line = case
        .words
        .replace("{alive}", provider(true))
        .replace("{gone}", provider(false));
    shlex::split(&line).unwrap()
}

/// How a run ended; `None` where a signal killed it.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn both(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs a case with both streams collected.
pub fn run(place: &Place, case: &Case) -> Ended {
    let mut command = place.program(case);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    collect(&mut command, case)
}

/// Starts a command with the case's stdin.
pub fn start(command: &mut Command, case: &Case) -> Child {
    command.stdin(if case.stdin.is_empty() {
        Stdio::null()
    } else {
        Stdio::piped()
    });
    let mut child = command.spawn().unwrap();
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends early does not read it all.
        let _ = stdin.write_all(case.stdin.as_bytes());
    }
    child
}

/// Gives a command the case's stdin, reads what is piped, interrupts it where it follows, and waits
/// for its end; one that hangs is killed and the test fails.
pub fn collect(command: &mut Command, case: &Case) -> Ended {
    let mut child = start(command, case);
    let (has_spoken, spoke) = std::sync::mpsc::channel();
    let stdout = child.stdout.take().map(|pipe| read(pipe, Some(has_spoken)));
    let stderr = child.stderr.take().map(|pipe| read(pipe, None));
    if case.ends == Ends::Interrupted && spoke.recv_timeout(PATIENCE).is_ok() {
        interrupt(&child);
    }
    let code = wait(&mut child, &case.words);
    let text = |reader: Option<JoinHandle<Vec<u8>>>| {
        let bytes = reader.map(|reader| reader.join().unwrap());
        String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
    };
    Ended {
        code,
        stdout: text(stdout),
        stderr: text(stderr),
    }
}

/// SIGINT; the child may be gone already.
pub fn interrupt(child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
}

/// Reads a pipe to its end and tells when the first bytes are there.
fn read(
    mut pipe: impl std::io::Read + Send + 'static,
    told: Option<Sender<()>>,
) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        let mut block = [0; 1 << 16];
        while let Ok(count @ 1..) = pipe.read(&mut block) {
            all.extend_from_slice(&block[..count]);
            if let Some(told) = &told {
                // Only the first time is waited for.
                let _ = told.send(());
            }
        }
        all
    })
}

fn wait(child: &mut Child, what: &str) -> Option<i32> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() > until {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{what} does not end");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Calls `check` for every item, on two threads; failures are joined in one message.
pub fn in_parallel<T: Sync>(items: &[T], check: impl Fn(&T) -> Result<(), String> + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let faults = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(item) =
                    items.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    if let Err(fault) = check(item) {
                        faults.lock().unwrap().push(fault);
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// Runs wait for each other and for the disk now and then.
const THREADS: usize = 4;

/// A provider on loopback that answers Anthropic's question about a key; one for all tests.
pub fn provider(knows_the_old_key: bool) -> &'static str {
    static ALIVE: OnceLock<String> = OnceLock::new();
    static GONE: OnceLock<String> = OnceLock::new();
    let url = if knows_the_old_key { &ALIVE } else { &GONE };
    url.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || answer(stream, knows_the_old_key));
            }
        });
        url
    })
}

fn answer(mut stream: TcpStream, knows_the_old_key: bool) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let is_question = head.starts_with("GET /v1/models");
    let is_refused = head.contains(OLD_KEY) && !knows_the_old_key;
    let (status, kind, body) = match (is_question, is_refused) {
        (true, true) => ("401 Unauthorized", "application/json", REFUSED),
        (true, false) => ("200 OK", "application/json", ACCEPTED),
        (false, _) => ("200 OK", "text/html", "<title>a page</title>hello"),
    };
    let length = body.len();
    stream.write_all(
        format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
            .as_bytes(),
    )
}

const ACCEPTED: &str = r#"{"data":[{"id":"claude","type":"model"}],"has_more":false}"#;
const REFUSED: &str =
    r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#;

fn env_file() -> String {
    format!(
        "# the web chat\nWEB_API_KEY={WEB_KEY}\n{KEY_NAME}='{OLD_KEY}' # mine\nRATE_LIMIT_WINDOW=60000 # 1 minute\nCORS_ORIGINS=*\nLOG_LEVEL=silent\n"
    )
}

const CLEAN_ENV: &str = "\
WEB_API_KEY=Zr8xK2mV9tLw4RzBq1NcYp7HdGf3JsUeXoTi6WvAbQM=
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

/// Six failures and a success: an attack for the detectors.
pub const AUDIT_LOG: &str = "\
{\"time\":\"2026-11-20T10:00:00Z\",\"event\":\"auth.login\",\"success\":false,\"user\":\"root\",\"ip\":\"192.0.2.14\",\"message\":\"bad password\"}
{\"time\":\"2026-11-20T10:00:02Z\",\"event\":\"auth.login\",\"success\":false,\"user\":\"root\",\"ip\":\"192.0.2.14\",\"message\":\"bad password\"}
{\"time\":\"2026-11-20T10:00:04Z\",\"event\":\"auth.login\",\"success\":false,\"user\":\"ada\",\"ip\":\"192.0.2.14\",\"message\":\"bad password\"}
{\"time\":\"2026-11-20T10:00:06Z\",\"event\":\"auth.login\",\"success\":false,\"user\":\"ada\",\"ip\":\"192.0.2.14\",\"message\":\"bad password\"}
{\"time\":\"2026-11-20T10:00:08Z\",\"event\":\"auth.login\",\"success\":false,\"user\":\"ada\",\"ip\":\"192.0.2.14\",\"message\":\"bad password\"}
{\"time\":\"2026-11-20T10:00:09Z\",\"event\":\"auth.login\",\"success\":false,\"user\":\"ada\",\"ip\":\"192.0.2.14\",\"message\":\"bad password\"}
{\"time\":\"2026-11-20T10:00:12Z\",\"event\":\"auth.login\",\"success\":true,\"user\":\"ada\",\"ip\":\"192.0.2.14\",\"message\":\"welcome\"}
";

const FIXTURES: [(&str, &str); 11] = [
    ("clean.env", CLEAN_ENV),
    ("loose.env", "WEB_API_KEY=changeme\n"),
    (
        "other.env",
        "WEB_API_KEY=q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ6RoXi1WvBtM=\n",
    ),
    ("audit.log", AUDIT_LOG),
    ("openclaw.json", "{ gateway: { bind: 'loopback' } }\n"),
    (
        "rules.toml",
        "[[rules]]\nid = \"ours\"\ndescription = \"a key of ours\"\nregex = '''OURS-[A-Z0-9]{24}'''\n",
    ),
    (
        "tree/app.js",
        "const key = \"OURS-Q7ZK2MVW9XLR4TBN8CPDYFHS\";\n",
    ),
    (
        "fleet.toml",
        "[[target]]\nname = \"a\"\nenv = \"clean.env\"\n\n[[target]]\nname = \"b\"\nenv = \".env\"\nprofile = \"telegram\"\n",
    ),
    ("names.txt", "a\nb\n"),
    ("block.txt", "198.51.100.0/24\n"),
    ("ranges.txt", "173.245.48.0/20\n2400:cb00::/32\n"),
];

/// An `nft` that knows no rules.
const EMPTY_NFT: &str = "#!/bin/sh\necho '{\"nftables\":[{\"metainfo\":{\"version\":\"1.1.3\",\"json_schema_version\":1}}]}'\n";

#[test]
fn every_command_and_format_ends_as_the_table_says() {
    in_parallel(&cases(), |case| {
        let place = Place::for_case(case);
        let before = place.files();
        let ended = run(&place, case);
        if ended.code != Some(case.code) {
            return Err(format!(
                "{}: {:?} instead of {}: {}",
                case.words,
                ended.code,
                case.code,
                ended.both()
            ));
        }
        if (case.stdout == Stdout::Unused) != ended.stdout.is_empty() {
            return Err(format!("{}: stdout is {:?}", case.words, ended.stdout));
        }
        let after = place.files();
        for name in case.writes {
            let name = Path::new("work").join(name);
            if before.get(&name) == after.get(&name) {
                return Err(format!("{}: {} did not change", case.words, name.display()));
            }
        }
        Ok(())
    });
}

/// The help texts are made of the definitions: whatever is new there must come into the table.
#[test]
fn the_table_names_every_command_and_format_of_the_help() {
    let place = Place::new();
    let all: Vec<String> = cases().into_iter().map(|case| case.words).collect();
    let mut found = Vec::new();
    for command in COMMANDS {
        let help = run(
            &place,
            &Case::new(format!("{command} --help"), 0, Stdout::Reading),
        )
        .stdout;
        let commands = help.split("Commands:\n").nth(1).unwrap_or_default();
        let names = commands
            .lines()
            .take_while(|line| line.starts_with("  "))
            .filter(|line| line.as_bytes().get(2).is_some_and(|byte| *byte != b' '));
        found.extend(names.map(|line| {
            let name = line.split_whitespace().next().unwrap();
            format!("{command} {name}").trim().to_owned()
        }));
    }
    found.sort();
    let mut known: Vec<&str> = COMMANDS[1..].to_vec();
    known.sort_unstable();
    assert_eq!(found, known);
    for (command, formats) in [
        ("check", &REPORT_FORMATS[..]),
        ("firewall", &RULE_FORMATS),
        ("audit-tail", &EVENT_FORMATS),
    ] {
        let wrong = run(
            &place,
            &Case::new(format!("{command} --format nonsense"), 2, Stdout::Reading),
        );
        for format in formats {
            assert!(wrong.stderr.contains(format), "{command}: {}", wrong.stderr);
            let words = format!("--format {format}");
            let has = |line: &String| line.starts_with(command) && line.contains(&words);
            assert!(all.iter().any(has), "{command} {words}");
        }
    }
}
