//! A provider on loopback that replays documented answers, and a bench to rotate on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

pub const OLD: &str = "sk-ant-api03-old0000000000000000000000000000000000001AA";
pub const NEW: &str = "sk-ant-api03-new0000000000000000000000000000000000002AA";
pub const NAME: &str = "ANTHROPIC_API_KEY";

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Seen {
    /// The key it came with, in whichever header.
    pub fn key(&self) -> String {
        let bare = |name: &str| self.headers.get(name).cloned();
        bare("x-api-key")
            .or_else(|| bare("x-goog-api-key"))
            .or_else(|| bare("authorization").map(|text| text.replace("Bearer ", "")))
            .unwrap_or_default()
    }
}

/// What the mock does with a request.
#[derive(Clone)]
pub enum Reply {
    Json(u16, Value),
    Text(u16, &'static str),
    Redirect(String),
    Hang,
    Reset,
}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

/// A server on loopback.
pub struct Mock {
    pub url: String,
    pub seen: Arc<Mutex<Vec<Seen>>>,
}

impl Mock {
    pub fn start(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let handler: Arc<Handler> = Arc::new(handler);
        let all = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (handler, all) = (Arc::clone(&handler), Arc::clone(&all));
                std::thread::spawn(move || serve(stream, &*handler, &all));
            }
        });
        Self { url, seen }
    }

    pub fn count(&self, method: &str) -> usize {
        let seen = self.seen.lock().expect("unpoisoned");
        seen.iter().filter(|one| one.method == method).count()
    }
}

fn serve(mut stream: TcpStream, handler: &Handler, all: &Mutex<Vec<Seen>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|n| n.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let request = Seen {
        method,
        path,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    all.lock().expect("unpoisoned").push(request.clone());
    let (status, kind, body, extra) = match handler(&request) {
        Reply::Json(status, body) => (status, "application/json", body.to_string(), String::new()),
        Reply::Text(status, body) => (status, "text/html", body.to_owned(), String::new()),
        Reply::Redirect(to) => (
            302,
            "text/html",
            String::new(),
            format!("location: {to}\r\n"),
        ),
        Reply::Reset => return None,
        Reply::Hang => {
            std::thread::sleep(Duration::from_secs(300));
            return None;
        }
    };
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n{extra}connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()
}

/// Waits until something holds. The limit is far beyond what a loaded machine needs.
pub fn eventually(what: &str, claim: impl Fn() -> bool) {
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while !claim() {
        assert!(std::time::Instant::now() < until, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The keys that a provider accepts.
pub type Alive = Arc<Mutex<BTreeSet<String>>>;

pub fn alive(keys: &[&str]) -> Alive {
    Arc::new(Mutex::new(
        keys.iter().map(|key| (*key).to_owned()).collect(),
    ))
}

pub fn is_alive(alive: &Alive, key: &str) -> bool {
    alive.lock().expect("unpoisoned").contains(key)
}

pub fn kill(alive: &Alive, key: &str) {
    alive.lock().expect("unpoisoned").remove(key);
}

/// Anthropic's answer to GET /v1/models.
pub fn anthropic(alive: &Alive, seen: &Seen) -> Reply {
    if is_alive(alive, &seen.key()) {
        Reply::Json(
            200,
            json!({"data": [{"id": "claude", "type": "model"}], "has_more": false}),
        )
    } else {
        Reply::Json(
            401,
            json!({"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}),
        )
    }
}

pub fn anthropic_mock(alive: &Alive) -> Mock {
    let alive = Arc::clone(alive);
    Mock::start(move |seen| anthropic(&alive, seen))
}

/// The program under test; another build of it for runs that take long.
pub fn program() -> PathBuf {
    let other = std::env::var_os("ROTATE_PROGRAM").map(PathBuf::from);
    other.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_openclaw-sec")))
}

/// A folder with an env file, a new key, a state folder and a home.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub url: String,
}

impl Bench {
    pub fn new(url: &str, env: &str) -> Self {
        let bench = Self {
            folder: tempfile::tempdir().expect("a folder"),
            url: url.to_owned(),
        };
        for name in ["env", "home"] {
            fs::create_dir(bench.path(name)).expect("created");
        }
        fs::write(bench.env(), env).expect("written");
        fs::write(bench.path("new"), format!("{NEW}\n")).expect("written");
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn env(&self) -> PathBuf {
        self.path("env/.env")
    }

    pub fn text(&self) -> String {
        fs::read_to_string(self.env()).expect("the env file is there")
    }

    /// The program with its surroundings and no arguments.
    pub fn program(&self) -> Command {
        let mut command = Command::new(program());
        self.surround(&mut command);
        command
    }

    pub fn surround(&self, command: &mut Command) {
        let path = format!(
            "{}:{}:{}",
            self.path("bin").display(),
            program().parent().expect("a folder").display(),
            std::env::var("PATH").unwrap_or_default()
        );
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("OPENCLAW_SEC_STATE_DIR", self.path("state"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
    }

    /// `rotate ARGUMENTS` with the flags that every test needs.
    pub fn rotate(&self, arguments: &[&str]) -> Done {
        Done::of(self.command(arguments).output().expect("started"), self)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program();
        command
            .arg("rotate")
            .args(arguments)
            .args(["--no-input", "--format", "json", "--env", "env/.env"])
            .args(["--provider-url", &self.url]);
        command
    }

    /// A full rotation with a new key from a file.
    pub fn with_new(&self, arguments: &[&str]) -> Done {
        self.rotate(&[&["--name", NAME, "--new-key-file", "new"], arguments].concat())
    }

    /// Adds an event to the only journal, as a run that was killed left it.
    pub fn note(&self, event: &str) {
        let folder = self.path("state/rotations");
        let names = names(&folder);
        let journal = names.iter().find(|name| name.ends_with(".journal"));
        let path = folder.join(journal.expect("a journal"));
        let text = fs::read_to_string(&path).expect("read");
        fs::write(path, format!("{text}{event}\n")).expect("written");
    }

    /// Where the old value lies while a rotation waits.
    pub fn backup(&self) -> PathBuf {
        self.path(&format!("env/.env.{NAME}.openclaw-sec.backup"))
    }

    /// Everything in the folder of the env file.
    pub fn beside(&self) -> Vec<String> {
        names(&self.path("env"))
    }

    /// All bytes below the state folder.
    pub fn state_bytes(&self) -> String {
        fn collect(folder: &Path, into: &mut String) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    collect(&entry.path(), into);
                } else {
                    into.push_str(&String::from_utf8_lossy(
                        &fs::read(entry.path()).unwrap_or_default(),
                    ));
                }
            }
        }
        let mut text = String::new();
        collect(&self.path("state"), &mut text);
        text
    }
}

pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// How a run ended.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub json: Value,
    pub stderr: String,
}

impl Done {
    pub fn of(output: Output, bench: &Bench) -> Self {
        let stdout = String::from_utf8(output.stdout).expect("UTF-8");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        for text in [&stdout, &stderr, &bench.state_bytes()] {
            for key in [OLD, NEW] {
                assert!(!text.contains(key), "a key is shown: {text}");
                assert!(
                    !text.contains(&key[13..20]),
                    "a part of a key is shown: {text}"
                );
            }
        }
        let json = if stdout.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("no JSON: {stdout}"))
        };
        Self {
            code: output.status.code().unwrap_or(-1),
            json,
            stderr,
        }
    }

    #[track_caller]
    pub fn expect(&self, code: i32, status: &str) -> &Self {
        assert_eq!(
            (self.code, &self.json["status"]),
            (code, &json!(status)),
            "{self:#?}"
        );
        self
    }

    #[track_caller]
    pub fn at(&self, step: &str) -> &Self {
        assert_eq!(self.json["step"], json!(step), "{self:#?}");
        self
    }
}
