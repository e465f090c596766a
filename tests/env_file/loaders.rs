//! Real loaders of env files, run as their users run them; each is `None` where it is not installed.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a loader made of one file: names and values, or `None` when it refused the file.
pub type Reading = Option<BTreeMap<String, Vec<u8>>>;

/// Node `dotenv` 17, the reference.
pub fn node_dotenv(files: &[Vec<u8>]) -> Option<Vec<Reading>> {
    static MODULES: OnceLock<Option<PathBuf>> = OnceLock::new();
    let modules = MODULES.get_or_init(install_dotenv).as_ref()?;
    let script = "const {parse} = require(process.argv[1] + '/dotenv'); const read = parse;";
    run_node(script, modules, files)
}

/// Node's own `util.parseEnv`.
pub fn node_parse_env(files: &[Vec<u8>]) -> Option<Vec<Reading>> {
    let script = "const {parseEnv} = require('util'); const read = text => parseEnv(text);";
    run_node(script, Path::new(""), files)
}

/// PyPI `python-dotenv`, with its expansion.
pub fn python_dotenv(files: &[Vec<u8>]) -> Option<Vec<Reading>> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let python = PYTHON.get_or_init(install_python_dotenv).as_ref()?;
    let script = r"
import base64, io, json, logging, sys, dotenv
logging.disable(logging.CRITICAL)
for line in sys.stdin:
    try:
        text = base64.b64decode(line).decode('utf-8')
    except UnicodeDecodeError:
        print('null')
        continue
    values = dotenv.dotenv_values(stream=io.StringIO(text, newline=''))
    print(json.dumps({k: base64.b64encode(v.encode()).decode() for k, v in values.items() if v is not None}))
";
    let output = feed(Command::new(python).args(["-c", script]), files)?;
    Some(output.lines().map(decode).collect())
}

/// `set -a; . FILE` in bash.
pub fn bash(files: &[Vec<u8>]) -> Option<Vec<Reading>> {
    let folder = tempfile::tempdir().ok()?;
    let path = folder.path().join("file.env");
    let read = |bytes: &Vec<u8>| {
        std::fs::write(&path, bytes).ok()?;
        let script = "set -a; . \"$1\" 2>/dev/null; exec /usr/bin/env -0";
        let output = Command::new("/bin/bash")
            .args(["--norc", "-c", script, "bash"])
            .arg(&path)
            .env_clear()
            .env("PATH", "/nonexistent")
            .stderr(Stdio::null())
            .output()
            .ok()?;
        Some(Some(variables(output.stdout.split(|byte| *byte == 0))))
    };
    files.iter().map(read).collect()
}

/// systemd's `EnvironmentFile=`, through the environment.d generator, which shares its parser.
pub fn systemd(files: &[Vec<u8>]) -> Option<Vec<Reading>> {
    const GENERATOR: &str =
        "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";
    let home = tempfile::tempdir().ok()?;
    let folder = home.path().join(".config/environment.d");
    std::fs::create_dir_all(&folder).ok()?;
    let read = |bytes: &Vec<u8>| {
        std::fs::write(folder.join("file.conf"), bytes).ok()?;
        let output = Command::new(GENERATOR)
            .env_clear()
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path().join(".config"))
            .stderr(Stdio::null())
            .output()
            .ok()?;
        Some(Some(shell_words(&output.stdout)))
    };
    files.iter().map(read).collect()
}

/// The crate `dotenvy`; its loader keeps the first of two.
pub fn dotenvy(files: &[Vec<u8>]) -> Option<Vec<Reading>> {
    let read = |bytes: &Vec<u8>| {
        let mut found = BTreeMap::new();
        for entry in dotenvy::from_read_iter(bytes.as_slice()) {
            let Ok((name, value)) = entry else {
                return None;
            };
            found.entry(name).or_insert(value.into_bytes());
        }
        Some(found)
    };
    Some(files.iter().map(read).collect())
}

/// The docker CLI's `--env-file`, in front of a daemon that only listens.
pub fn docker(files: &[Vec<u8>]) -> Option<Vec<Reading>> {
    let folder = tempfile::tempdir().ok()?;
    let script = folder.path().join("daemon.py");
    std::fs::write(&script, FAKE_DAEMON).ok()?;
    let output = feed(
        Command::new("python3").arg(&script).arg(folder.path()),
        files,
    )?;
    let readings: Vec<_> = output.lines().map(decode).collect();
    (readings.len() == files.len()).then_some(readings)
}

const FAKE_DAEMON: &str = r#"
import base64, json, os, socket, subprocess, sys, threading
folder = sys.argv[1]
address = folder + '/docker.sock'
listener = socket.socket(socket.AF_UNIX); listener.bind(address); listener.listen(8)
seen = []
def answer(connection):
    stream = connection.makefile('rwb')
    while True:
        request = stream.readline().decode()
        if not request: return
        length = 0
        while (header := stream.readline().strip()):
            name, _, value = header.decode().partition(':')
            if name.lower() == 'content-length': length = int(value)
        body = stream.read(length)
        if '/containers/create' in request: seen.append(json.loads(body))
        text = b'OK' if '_ping' in request else b'{"Id":"1","Warnings":[]}'
        status = b'200 OK' if '_ping' in request else b'201 Created'
        stream.write(b'HTTP/1.1 ' + status + b'\r\nApi-Version: 1.43\r\nContent-Type: application/json\r\nContent-Length: ' + str(len(text)).encode() + b'\r\n\r\n' + text)
        stream.flush()
def serve():
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()
threading.Thread(target=serve, daemon=True).start()
for line in sys.stdin:
    path = folder + '/file.env'
    open(path, 'wb').write(base64.b64decode(line))
    seen.clear()
    subprocess.run(['docker', '-H', 'unix://' + address, 'create', '--env-file', path, 'image'],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={'PATH': os.environ['PATH'], 'HOME': folder})
    if not seen: print('null'); continue
    pairs = (entry.partition('=') for entry in seen[0]['Env'] or [])
    print(json.dumps({k: base64.b64encode(v.encode('utf-8', 'surrogatepass')).decode() for k, _, v in pairs}))
"#;

fn install_dotenv() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("npm");
    if !folder.join("node_modules/dotenv").exists() {
        std::fs::create_dir_all(&folder).ok()?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--prefix"])
            .arg(&folder)
            .arg("dotenv@17.4.2");
        succeeds(&mut npm)?;
    }
    Some(folder.join("node_modules"))
}

fn install_python_dotenv() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
    let python = folder.join("bin/python3");
    if !folder.join("installed").exists() {
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        succeeds(Command::new(&python).args(["-m", "pip", "install", "-q", "python-dotenv"]))?;
        std::fs::write(folder.join("installed"), "").ok()?;
    }
    Some(python)
}

fn succeeds(command: &mut Command) -> Option<()> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then_some(())
}

fn run_node(read: &str, modules: &Path, files: &[Vec<u8>]) -> Option<Vec<Reading>> {
    let script = format!(
        "{read} for (const line of require('fs').readFileSync(0, 'utf8').split('\\n').filter(Boolean)) {{
            const values = read(Buffer.from(line, 'base64').toString());
            console.log(JSON.stringify(Object.fromEntries(Object.entries(values)
                .map(([k, v]) => [k, Buffer.from(v).toString('base64')]))));
        }}"
    );
    let output = feed(
        Command::new("node").arg("-e").arg(script).arg(modules),
        files,
    )?;
    Some(output.lines().map(decode).collect())
}

/// Hands each file over as a line of base64 and returns what was printed.
fn feed(command: &mut Command, files: &[Vec<u8>]) -> Option<String> {
    let mut input: String =
        files.iter().map(|file| if file.is_empty() { "Cg==".to_owned() } else { STANDARD.encode(file) } + "\n").collect();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(input.as_bytes());
        input.clear();
    });
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `{"NAME": "base64 of the value"}` or `null`.
fn decode(line: &str) -> Reading {
    let values: Option<BTreeMap<String, String>> =
        serde_json::from_str(line).expect("our own JSON");
    let decoded = |text: String| STANDARD.decode(text).expect("our own base64");
    Some(
        values?
            .into_iter()
            .map(|(name, value)| (name, decoded(value)))
            .collect(),
    )
}

fn variables<'a>(entries: impl Iterator<Item = &'a [u8]>) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in entries {
        if let Some(at) = entry.iter().position(|byte| *byte == b'=') {
            let name = String::from_utf8_lossy(&entry[..at]).into_owned();
            if ![
                "PATH",
                "PWD",
                "SHLVL",
                "_",
                "OLDPWD",
                "QT_ACCESSIBILITY",
                "HOME",
                "XDG_CONFIG_HOME",
            ]
            .contains(&name.as_str())
            {
                found.insert(name, entry[at + 1..].to_vec());
            }
        }
    }
    found
}

/// The generator prints `NAME=value`, quoted for a shell where needed; bash takes it apart.
fn shell_words(printed: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut script = b"set -a\n".to_vec();
    script.extend_from_slice(printed);
    script.extend_from_slice(b"\nexec /usr/bin/env -0\n");
    let output = Command::new("/bin/bash")
        .args(["--norc", "-c"])
        .arg(std::ffi::OsString::from(
            String::from_utf8_lossy(&script).into_owned(),
        ))
        .env_clear()
        .stderr(Stdio::null())
        .output()
        .expect("bash is installed where systemd is");
    variables(output.stdout.split(|byte| *byte == 0))
}
