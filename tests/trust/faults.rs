//! Every command under faults of the kernel, one call after the other: what went wrong is never a
//! pass, files are old or new, nothing is left, and a signal in between changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use regex::Regex;
use serde_json::Value;

use crate::commands::{
    AUDIT_LOG, Case, Ended, Ends, NEW_KEY, OLD_KEY, PATIENCE, Place, Programs, Stdout, WEB_KEY,
    in_parallel, run, start, words,
};
use crate::together::amount;

/// Calls, and the errors that the kernel gives for them. `close` tells nothing that matters, and
/// without memory nothing runs.
const FAULTS: &[(&str, &[&str])] = &[
    (
        "open",
        &["EINTR", "EIO", "EACCES", "EMFILE", "ENFILE", "EROFS"],
    ),
    (
        "openat",
        &["EINTR", "EIO", "EACCES", "EMFILE", "ENFILE", "ENOSPC"],
    ),
    ("read", &["EINTR", "EIO"]),
    ("pread64", &["EINTR", "EIO"]),
    ("write", &["EINTR", "EIO", "ENOSPC"]),
    ("fsync", &["EINTR", "EIO", "ENOSPC"]),
    ("fdatasync", &["EINTR", "EIO"]),
    ("ftruncate", &["EIO"]),
    ("rename", &["EIO", "ENOSPC", "EROFS", "EACCES"]),
    ("renameat", &["EIO", "ENOSPC", "EROFS"]),
    ("renameat2", &["EIO", "ENOSPC", "EROFS"]),
    ("unlink", &["EIO", "EACCES", "EROFS"]),
    ("unlinkat", &["EIO"]),
    ("mkdir", &["EIO", "ENOSPC", "EROFS", "EACCES"]),
    ("fchmod", &["EIO", "EPERM"]),
    ("chmod", &["EIO", "EPERM"]),
    ("fchown", &["EIO", "EPERM"]),
    ("flock", &["EINTR", "ENOLCK"]),
    ("flistxattr", &["EIO"]),
    ("fgetxattr", &["EIO"]),
    ("fsetxattr", &["EIO", "ENOSPC"]),
    ("statx", &["EIO", "EACCES"]),
    ("newfstatat", &["EIO", "EACCES"]),
    ("fstat", &["EIO"]),
    ("lstat", &["EIO"]),
    ("stat", &["EIO"]),
    ("readlink", &["EIO", "EACCES"]),
    ("getdents64", &["EIO"]),
    ("lseek", &["EIO"]),
    ("getcwd", &["ENOENT"]),
    ("getrandom", &["EINTR", "ENOSYS"]),
    ("poll", &["EINTR"]),
    ("ppoll", &["EINTR"]),
    ("epoll_wait", &["EINTR"]),
    ("epoll_create1", &["EMFILE"]),
    ("eventfd2", &["EMFILE"]),
    ("inotify_init1", &["EMFILE", "ENOSYS"]),
    ("inotify_add_watch", &["ENOSPC", "EACCES"]),
    ("socket", &["EMFILE", "EACCES"]),
    ("connect", &["ECONNREFUSED", "ENETUNREACH", "ETIMEDOUT"]),
    ("pipe2", &["EMFILE"]),
    ("wait4", &["EINTR"]),
    ("execve", &["EACCES", "ENOMEM"]),
    ("clone", &["EAGAIN"]),
    ("clone3", &["EAGAIN"]),
    ("memfd_create", &["EMFILE"]),
    ("dup", &["EMFILE"]),
    ("fcntl", &["EMFILE"]),
];

/// A case, and what is done to its fixture first.
struct Subject {
    case: Case,
    prepare: fn(&Place),
}

fn subject(words: &str) -> Subject {
    Subject {
        case: Case::new(words, 0, Stdout::Reading),
        prepare: |_| {},
    }
}

impl Subject {
    fn before(mut self, lines: &'static [&'static str]) -> Self {
        self.case.before = lines;
        self
    }

    fn prepared(mut self, prepare: fn(&Place)) -> Self {
        self.prepare = prepare;
        self
    }

    fn place(&self) -> Place {
        let place = Place::for_case(&self.case);
        (self.prepare)(&place);
        place
    }
}

const WAITING: &[&str] = &[
    "rotate --name ANTHROPIC_API_KEY --new-key-file new.key --restart true --provider-url {alive} --no-input",
];
const SEALED: &[&str] = &["audit-tail seal audit.log"];

/// One of every command, and of every way to look at something.
fn subjects() -> Vec<Subject> {
    let mut subjects = vec![
        subject("keygen"),
        subject("keygen --prefix claw --count 3"),
        subject("keygen --output new-file.key"),
        subject("keygen --env .env --replace"),
        subject("keygen --env fresh.env --name A_KEY"),
        subject(
            "check --only declared --compare-env other.env --openclaw-config openclaw.json --format json",
        ),
        subject("check --env repo/.env --history --format json --skip firewall")
            .prepared(repository),
        subject("check --env repo/.env --staged --only secrets.in-code --format json")
            .prepared(repository),
        subject("check --env loose.env --only secrets --format json").prepared(|place| {
            place.write("work/loose.env.bak", "WEB_API_KEY=changeme\n");
            place.set_mode("work/loose.env.bak", 0o644);
        }),
        subject("check --env audit.env --only logs --format json").prepared(loud_log),
        subject("check --env clean.env --only declared --format json --output report"),
        subject("check --only code --code tree --rules rules.toml --format json"),
        subject("check --only live --url {alive} --format json"),
        subject("check --only declared --targets fleet.toml --format json"),
        subject("check --merge reports --expect names.txt --format json").before(&[
            "check --only declared --env clean.env --format json --output reports/a.json",
        ]),
        subject("check --only declared --format json --baseline reports/b.json")
            .before(&["check --only declared --format json --output reports/b.json"]),
        subject("check --only secrets.env-file-mode --env loose.env --fix --yes --format json"),
        subject(
            "rotate --name ANTHROPIC_API_KEY --new-key-file new.key --restart true --provider-url {gone} --no-input --format json",
        ),
        subject(
            "rotate --name ANTHROPIC_API_KEY --new-key-file new.key --restart ./restart.sh --provider-url {alive} --no-input --format json",
        ).prepared(|place| {
            place.write("work/restart.sh", "#!/bin/sh\ngrep -q api03-oLd .env\n");
            place.set_mode("work/restart.sh", 0o755);
        }),
        subject(
            "rotate --name ANTHROPIC_API_KEY --new-key-file new.key --provider-url {alive} --no-input --dry-run --format json",
        ),
        subject("rotate status --format json").before(WAITING),
        subject("rotate resume --no-input --format json").before(WAITING),
        subject("rotate abort --no-input --format json").before(WAITING),
        subject("rotate due --format json"),
        subject("firewall"),
        subject(
            "firewall --env .env --block-list block.txt --cloudflare-ips ranges.txt --profile cloudflare-origin",
        ),
        subject("firewall explain --proto tcp --port 22 --from 203.0.113.9 --format json"),
        subject("firewall off"),
        subject("audit-tail audit.log --env .env --all --no-follow --format json"),
        subject("audit-tail audit.log --since 2020-01-01 --no-follow --format json")
            .prepared(rotated),
        subject("audit-tail audit.log -n 3 --no-follow --format raw"),
        subject("audit-tail audit.log --stats --format json"),
        subject("audit-tail audit.log --no-follow --fail-on-alert --format json"),
        subject("audit-tail audit.log --no-follow --alerts-only --alert-exec true --format json"),
        subject("audit-tail seal audit.log"),
        subject("audit-tail seal audit.log")
            .before(SEALED)
            .prepared(|place| {
                let path = place.path("work/audit.log");
                fs::write(&path, format!("{AUDIT_LOG}one more line\n")).unwrap();
            }),
        subject("audit-tail verify audit.log --format json").before(SEALED),
        subject("audit-tail verify audit.log --format json")
            .before(SEALED)
            .prepared(|place| {
                let path = place.path("work/audit.log");
                fs::write(&path, AUDIT_LOG.replace("ada", "eva")).unwrap();
            }),
    ];
    for format in ["json", "human"] {
        let mut verify = subject(&format!("firewall verify --format {format}"));
        verify.case.programs = Programs::EmptyFirewall;
        subjects.push(verify);
    }
    let mut follow = subject("audit-tail audit.log --follow --all --format json");
    follow.case.ends = Ends::Interrupted;
    subjects.push(follow);
    let mut stdin = subject("audit-tail - --format json");
    stdin.case.stdin = AUDIT_LOG;
    subjects.push(stdin);
    subjects
}

/// A repository with a key in its history and one in its index.
fn repository(place: &Place) {
    let folder = place.path("work/repo");
    fs::create_dir(&folder).unwrap();
    let git = |words: &str| {
        let mut git = Command::new("git");
        place.surround(&mut git, &Case::new("", 0, Stdout::Unused));
        git.args(["-c", "user.name=a", "-c", "user.email=a@b.example"]);
        let output = git
            .args(words.split(' '))
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{words}: {output:?}");
    };
    git("init -q");
    let env = fs::read_to_string(place.path("work/.env")).unwrap();
    place.write("work/repo/.env", &env);
    git("add .");
    git("commit -qm one");
    git("rm -q --cached .env");
    place.write("work/repo/.gitignore", ".env\n");
    git("add .");
    git("commit -qm two");
    place.write("work/repo/a.js", &format!("k = \"{OLD_KEY}\"\n"));
    git("add .");
}

/// An audit log that everybody may read and that holds a key.
fn loud_log(place: &Place) {
    let log = place.path("work/loud.log");
    place.write(
        "work/loud.log",
        &format!("{AUDIT_LOG}{{\"message\":\"{WEB_KEY}\"}}\n"),
    );
    place.set_mode("work/loud.log", 0o644);
    place.write(
        "work/audit.env",
        &format!(
            "WEB_API_KEY={WEB_KEY}\nENABLE_AUDIT_LOG=true\nAUDIT_LOG_PATH={}\n",
            log.display()
        ),
    );
}

/// A log in three files, the oldest compressed.
fn rotated(place: &Place) {
    let lines: Vec<&str> = AUDIT_LOG.split_inclusive('\n').collect();
    place.write("work/audit.log", &lines[4..].concat());
    place.write("work/audit.log.1", &lines[2..4].concat());
    let packed = fs::File::create(place.path("work/audit.log.2.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::default());
    packed.write_all(lines[..2].concat().as_bytes()).unwrap();
    packed.finish().unwrap();
}

/// How a run without a fault ends, and how often it calls what.
struct Normal {
    ended: Ended,
    files: BTreeMap<String, String>,
    statuses: Statuses,
    /// Calls that the loader makes before us, and all of the busiest thread.
    calls: BTreeMap<String, (usize, usize)>,
}

type Statuses = BTreeMap<String, BTreeSet<String>>;

/// Runs the case below strace; the programs that it starts are let go.
fn traced(place: &Place, case: &Case, expressions: &[String]) -> Option<(Ended, String)> {
    let log = place.path("tmp/trace");
    let mut command = Command::new("strace");
    place.surround(&mut command, case);
    command.args(["-f", "-b", "execve", "-qq", "-o"]).arg(&log);
    for expression in expressions {
        match expression.strip_prefix("path=") {
            Some(path) => command.args(["-P", path]),
            None => command.args(["-e", expression]),
        };
    }
    command.arg(crate::commands::PROGRAM).args(words(case));
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Found by our own path, for the case may have none.
    let strace = std::env::split_paths(&path).map(|folder| folder.join("strace"));
    let strace = strace.into_iter().find(|path| path.is_file())?;
    let mut with_path = Command::new(strace);
    with_path.args(command.get_args()).env_clear();
    place.surround(&mut with_path, case);
    with_path.stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = finish(&mut with_path, case);
    let trace = fs::read(&log)
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .ok()?;
    let _ = fs::remove_file(log);
    Some((ended, trace))
}

/// Runs to the end; what hangs is killed and has no code. A follower's reader goes away after the
/// last line.
fn finish(command: &mut Command, case: &Case) -> Ended {
    let mut child = start(command, case);
    let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let saying = std::thread::spawn(move || read_all(stderr));
    let lines = match case.ends {
        Ends::Interrupted => AUDIT_LOG.lines().count(),
        Ends::Alone => usize::MAX,
    };
    let printing = std::thread::spawn(move || {
        let mut text = Vec::new();
        let mut stdout = BufReader::new(stdout);
        for _ in 0..lines {
            if stdout.read_until(b'\n', &mut text).unwrap_or(0) == 0 {
                break;
            }
        }
        text
    });
    let until = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if Instant::now() > until {
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let Some(status) = status else {
        return Ended {
            code: None,
            stdout: String::new(),
            stderr: "it hangs".to_owned(),
        };
    };
    Ended::from(Output {
        status,
        stdout: printing.join().unwrap(),
        stderr: saying.join().unwrap(),
    })
}

fn read_all(mut stream: impl std::io::Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

/// Text without what differs between two runs: places, times, keys and fingerprints. Lines have no
/// order: of files written in one instant nobody knows which is older.
fn alike(text: &str, place: &Place) -> String {
    static WORDS: std::sync::OnceLock<Regex> = std::sync::OnceLock::new();
    let words = WORDS.get_or_init(|| {
        Regex::new(concat!(
            r#""(started_at|duration_ms|time|pid|started|age_days|hash)": ?"?[^,"\n]*"?|"#,
            r"20\d\d-\d\d-\d\dT[\d:.]+Z|sha256:[0-9a-f]{12}|claw_\w+|[A-Za-z0-9+/]{43}=|[0-9a-f]{16,}|[0-9]+ s\b",
        ))
        .unwrap()
    });
    let text = text.replace(&place.path("").to_string_lossy().into_owned(), "PLACE/");
    let text = words.replace_all(&text, "…").into_owned();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn statuses(stdout: &str) -> Statuses {
    let mut statuses = Statuses::new();
    let report: Value = serde_json::from_str(stdout).unwrap_or_default();
    for result in report["results"].as_array().into_iter().flatten() {
        let text = |key: &str| result[key].as_str().unwrap_or_default().to_owned();
        statuses
            .entry(text("id"))
            .or_default()
            .insert(text("status"));
    }
    statuses
}

/// The working folder's own files, without what git keeps.
fn files(place: &Place) -> BTreeMap<String, String> {
    let files = place.files().into_iter();
    let files = files.map(|(name, bytes)| {
        (
            name.to_string_lossy().into_owned(),
            String::from_utf8_lossy(&bytes).into_owned(),
        )
    });
    files
        .filter(|(name, _)| name.starts_with("work/") && !name.contains("/.git/"))
        .collect()
}

fn normal(subject: &Subject) -> Option<Normal> {
    let place = subject.place();
    let (ended, trace) = traced(&place, &subject.case, &[])?;
    Some(Normal {
        files: files(&place)
            .into_iter()
            .map(|(name, text)| (name, alike(&text, &place)))
            .collect(),
        statuses: statuses(&ended.stdout),
        ended: Ended {
            stdout: alike(&ended.stdout, &place),
            ..ended
        },
        calls: calls(&trace),
    })
}

fn calls(trace: &str) -> BTreeMap<String, (usize, usize)> {
    let mut counts = BTreeMap::<(&str, &str), usize>::new();
    let mut loader = BTreeMap::<String, usize>::new();
    let mut has_begun = false;
    for line in trace.lines() {
        let Some((pid, rest)) = line.trim_start().split_once(' ') else {
            continue;
        };
        let Some((call, _)) = rest.trim_start().split_once('(') else {
            continue;
        };
        *counts.entry((pid, call)).or_default() += 1;
        // The first thing that we do ourselves.
        has_begun |= rest.contains("F_GETFD");
        if !has_begun {
            *loader.entry(call.to_owned()).or_default() += 1;
        }
    }
    let mut calls = BTreeMap::<String, (usize, usize)>::new();
    for ((_, call), count) in counts {
        let first = loader.get(call).copied().unwrap_or(0);
        let entry = calls.entry(call.to_owned()).or_insert((first, 0));
        entry.1 = entry.1.max(count);
    }
    calls
}

/// One fault: the call with this number, counted by each thread, ends so.
struct Fault<'s> {
    subject: &'s Subject,
    normal: &'s Normal,
    call: &'static str,
    error: &'static str,
    number: usize,
}

impl Fault<'_> {
    fn name(&self) -> String {
        let words = &self.subject.case.words;
        format!(
            "{words}: {} {} number {}",
            self.error, self.call, self.number
        )
    }

    /// Nothing where the call does not come up.
    fn check(&self, hits: &AtomicUsize) -> Result<(), String> {
        let place = self.subject.place();
        let before = files(&place);
        let expressions = [
            format!("trace={}", self.call),
            format!(
                "inject={}:error={}:when={}",
                self.call, self.error, self.number
            ),
        ];
        let Some((ended, trace)) = traced(&place, &self.subject.case, &expressions) else {
            return Ok(());
        };
        let mut injected = trace.lines().filter(|line| line.contains("INJECTED"));
        // The runtime's own wake-up is never refused by the kernel.
        if trace.lines().any(is_refused_wake_up) {
            return Ok(());
        }
        let Some(hit) = injected.next() else {
            return Ok(());
        };
        hits.fetch_add(1, Ordering::Relaxed);
        let fault = |what: String| {
            Err(format!(
                "{} ({}): {what}\n  {}",
                self.name(),
                hit.trim(),
                ended.stderr.trim()
            ))
        };
        if let Some(what) = self.ends_badly(&ended) {
            return fault(what);
        }
        if let Some(what) = self.says_wrong(&ended, &place, hit) {
            return fault(what);
        }
        if let Some(what) = self.leaves_wrong(&before, &place) {
            return fault(what);
        }
        Ok(())
    }

    fn ends_badly(&self, ended: &Ended) -> Option<String> {
        let Some(code) = ended.code else {
            return Some("killed, or it hangs".to_owned());
        };
        if !(0..=4).contains(&code) && code != 130 {
            return Some(format!("code {code}"));
        }
        // Without a new thread or a pipe's content the standard library gives up.
        let may_give_up = matches!((self.call, self.error), ("clone3", _) | ("read", "EIO"));
        let gives_up = ended.stderr.contains("internal error");
        (gives_up && !(may_give_up && code == 4)).then(|| "it panics".to_owned())
    }

    fn says_wrong(&self, ended: &Ended, place: &Place, hit: &str) -> Option<String> {
        let stdout = alike(&ended.stdout, place);
        let normal = &self.normal.ended;
        let found = statuses(&ended.stdout);
        let is_same = ended.code == normal.code
            && match found.is_empty() {
                true => stdout == normal.stdout,
                // Processes come and go while a report is made.
                false => found == self.normal.statuses,
            };
        // The C library does not list a folder again, and a child's last words are its own.
        let is_taken_on = !hit.contains("O_DIRECTORY") && !hit.contains("\\0");
        if self.error == "EINTR" && is_taken_on && !is_same {
            let what = difference(&normal.stdout, &stdout);
            return Some(format!(
                "a signal changes {:?} to {:?}: {what}",
                normal.code, ended.code
            ));
        }
        if ended.code == Some(0) && !is_same {
            let what = difference(&normal.stdout, &stdout);
            return Some(format!("green, and not what it was: {what}"));
        }
        for (id, found) in found {
            let known = self.normal.statuses.get(&id);
            let is_fix = self.subject.case.words.contains("--fix");
            let is_new = |status: &&String| {
                *status != "unknown"
                    && !(is_fix && *status == "fail")
                    && known.is_none_or(|known| !known.contains(*status))
            };
            if let Some(status) = found.iter().find(is_new) {
                return Some(format!("{id} was {known:?} and is {status}"));
            }
        }
        None
    }

    fn leaves_wrong(&self, before: &BTreeMap<String, String>, place: &Place) -> Option<String> {
        let words = &self.subject.case.words;
        let is_removal = self.call.starts_with("unlink");
        // Seals grow, and what a crash cut off is overwritten by the next.
        let may_grow = |name: &str| name.ends_with(".seal");
        // A rotation that stands still keeps its backup until it is taken up again.
        let may_stay = |name: &str| words.starts_with("rotate") && name.ends_with(".backup");
        for (name, text) in files(place) {
            let old = before.get(&name).map(|text| alike(text, place));
            let new = self.normal.files.get(&name).cloned();
            let text = alike(&text, place);
            let env = before
                .get("work/.env")
                .map(|env| env.replace(OLD_KEY, NEW_KEY));
            let is_rotated =
                name == "work/.env" && env.map(|env| alike(&env, place)) == Some(text.clone());
            let is_known = Some(&text) == old.as_ref() || Some(&text) == new.as_ref() || is_rotated;
            let was_to_go = is_removal && name.contains(".tmp");
            if !(is_known || may_grow(&name) || may_stay(&name) || was_to_go) {
                return Some(format!("{name} is neither old nor new: {text}"));
            }
            let is_private =
                name.ends_with(".key") || name.ends_with(".env") && !name.contains("loose");
            let mode = fs::metadata(place.path(&name))
                .unwrap()
                .permissions()
                .mode();
            if is_private && mode & 0o077 != 0 {
                return Some(format!("{name} has mode {mode:o}"));
            }
        }
        let gone = before.keys().find(|name| !place.path(name).exists());
        if let Some(name) = gone.filter(|name| self.normal.files.contains_key(*name)) {
            return Some(format!("{name} is gone"));
        }
        if words.starts_with("rotate") && !is_removal {
            return after_rotation(place);
        }
        None
    }
}

fn is_refused_wake_up(line: &str) -> bool {
    line.contains("INJECTED") && line.contains(r#""\1\0\0\0\0\0\0\0""#)
}

/// The first line that is in one text only.
fn difference(one: &str, other: &str) -> String {
    let (ones, others): (BTreeSet<&str>, BTreeSet<&str>) =
        (one.lines().collect(), other.lines().collect());
    let line = ones.symmetric_difference(&others).next();
    line.map_or("the same lines", |line| line.trim()).to_owned()
}

/// What stood still is taken back, and then nothing is left of it.
fn after_rotation(place: &Place) -> Option<String> {
    let case = Case::new("rotate abort --no-input", 0, Stdout::Reading);
    let ended = run(place, &case);
    if !matches!(ended.code, Some(0..=2)) {
        return Some(format!(
            "abort ends with {:?}: {}",
            ended.code,
            ended.both()
        ));
    }
    let env = fs::read_to_string(place.path("work/.env")).unwrap();
    let is_whole = env.contains(OLD_KEY) != env.contains(NEW_KEY);
    let left = place
        .files()
        .into_keys()
        .map(|name| name.to_string_lossy().into_owned());
    let left: Vec<String> = left
        .filter(|name| name.contains(".tmp") || (ended.code == Some(0) && name.ends_with("backup")))
        .collect();
    (!is_whole || !left.is_empty()).then(|| format!("after abort: {left:?}: {env}"))
}

/// The points of all subjects: each call, each error and numbers spread over all that come up.
fn points<'s>(all: &'s [(&'s Subject, Normal)], numbers: usize) -> Vec<Fault<'s>> {
    let mut points = Vec::new();
    for (subject, normal) in all {
        for (call, errors) in FAULTS {
            let Some((loader, last)) = normal.calls.get(*call).copied() else {
                continue;
            };
            let stride = ((last - loader.min(last)) / numbers).max(1);
            for number in (loader + 1..=last).step_by(stride) {
                points.extend(errors.iter().map(|error| Fault {
                    subject,
                    normal,
                    call,
                    error,
                    number,
                }));
            }
        }
    }
    points
}

#[test]
fn no_fault_of_the_kernel_turns_a_command_green_or_leaves_half_a_file() {
    let subjects = subjects();
    let only = std::env::var("OPENCLAW_SEC_FAULTS_ONLY").unwrap_or_default();
    let subjects: Vec<&Subject> = subjects
        .iter()
        .filter(|it| it.case.words.contains(&only))
        .collect();
    let all = std::sync::Mutex::new(Vec::new());
    let can_trace = AtomicBool::new(true);
    in_parallel(&subjects, |subject| {
        match normal(subject) {
            Some(normal) => all.lock().unwrap().push((*subject, normal)),
            None => can_trace.store(false, Ordering::Relaxed),
        }
        Ok(())
    });
    if !can_trace.into_inner() {
        println!("skipped: strace is not installed or may not trace");
        return;
    }
    let mut all = all.into_inner().unwrap();
    all.sort_by(|one, other| one.0.case.words.cmp(&other.0.case.words));
    let points = points(&all, amount(2, 12));
    // An odd step visits every call and every error, and another one each for every command.
    let step = (points.len() / amount(450, usize::MAX)).max(1) | 1;
    let chosen: Vec<&Fault<'_>> = points.iter().step_by(step).collect();
    let hits = AtomicUsize::new(0);
    in_parallel(&chosen, |fault| fault.check(&hits));
    let hits = hits.into_inner();
    println!(
        "{hits} faults at {} of {} points",
        chosen.len(),
        points.len()
    );
    assert!(hits > 0);
}

/// One file that answers every look with an error: the words, what is done first, the calls, the
/// file, and what must come of it.
type Deaf = (&'static str, fn(&Place), &'static str, &'static str, i32);

/// Each of these was once a pass, or done.
const DEAF: &[Deaf] = &[
    // Whether there is an env file.
    ("check --only declared", |_| {}, "statx", ".env", 2),
    // The work tree around it, and a copy beside it.
    (
        "check --env repo/.env --only secrets.in-code",
        repository,
        "statx",
        "repo/.git",
        3,
    ),
    (
        "check --env quiet.env --only secrets.env-file-mode",
        quiet_copy,
        "statx",
        "quiet.env.bak",
        3,
    ),
    // What the kernel says of sockets.
    (
        "check --only firewall.public-listener",
        |_| {},
        "openat",
        "/proc/net/tcp",
        3,
    ),
    (
        "check --only firewall.ipv6-open",
        |_| {},
        "openat",
        "/proc/net/if_inet6",
        3,
    ),
    // Rotated files: their folder, their kind, their content.
    (
        "audit-tail audit.log --since 2020-01-01 --no-follow",
        rotated,
        "openat",
        ".",
        3,
    ),
    (
        "audit-tail audit.log --since 2020-01-01 --no-follow",
        rotated,
        "statx",
        "audit.log.1",
        3,
    ),
    (
        "audit-tail audit.log --since 2020-01-01 --no-follow",
        rotated,
        "pread64",
        "audit.log.2.gz",
        3,
    ),
    // The old value does not come back.
    (
        "rotate abort --no-input",
        waiting,
        "renameat,rename,renameat2",
        ".env",
        1,
    ),
    (
        "rotate abort --no-input --restart false",
        waiting,
        "fchmod",
        "nothing",
        1,
    ),
    // A key of unknown age is not a young one.
    ("rotate due --max-age 90", an_old_file, "statx", ".env", 2),
    // The head of the seal that a thief would take away.
    ("audit-tail verify audit.log", sealed, "openat", "HEAD", 3),
];

fn quiet_copy(place: &Place) {
    place.write("work/quiet.env", "WEB_API_KEY=changeme\n");
    place.write("work/quiet.env.bak", "WEB_API_KEY=changeme\n");
    place.set_mode("work/quiet.env.bak", 0o644);
}

fn waiting(place: &Place) {
    let ended = run(place, &Case::new(WAITING[0], 3, Stdout::Reading));
    assert_eq!(ended.code, Some(3), "{}", ended.both());
}

fn an_old_file(place: &Place) {
    let year = Duration::from_secs(365 * 24 * 3600);
    let file = fs::File::options()
        .write(true)
        .open(place.path("work/.env"))
        .unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    file.set_modified(modified - year).unwrap();
}

fn sealed(place: &Place) {
    let ended = run(place, &Case::new(SEALED[0], 0, Stdout::Reading));
    assert_eq!(ended.code, Some(0), "{}", ended.both());
}

#[test]
fn what_cannot_be_looked_at_is_never_a_pass() {
    in_parallel(DEAF, |(words, prepare, calls, file, code)| {
        let place = Place::new();
        prepare(&place);
        let mut case = Case::new(*words, *code, Stdout::Reading);
        if words.contains("firewall") {
            case.programs = Programs::EmptyFirewall;
        }
        let path = match *file {
            // As the program names it.
            "." => (*file).into(),
            // Its name is a hash.
            "HEAD" => fs::read_dir(place.path("state/seal/heads"))
                .unwrap()
                .flatten()
                .next()
                .unwrap()
                .path(),
            file => place.path("work").join(file),
        };
        let path = path.to_string_lossy().into_owned();
        let expressions = [
            format!("trace={calls}"),
            format!("inject={calls}:error=EIO"),
            format!("path={path}"),
        ];
        let Some((ended, _)) = traced(&place, &case, &expressions) else {
            println!("skipped: strace is not installed or may not trace");
            return Ok(());
        };
        let is_right = ended.code == Some(*code);
        let what = format!("{words} without {file}: {:?}: {}", ended.code, ended.both());
        is_right.then_some(()).ok_or(what)
    });
}

/// The bytes of a call's buffer as `strace -xx` prints them.
fn printed_bytes(line: &str) -> Vec<u8> {
    let text = line.split('"').nth(1).unwrap_or_default();
    let digits: String = text.split("\\x").collect();
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).unwrap())
        .collect()
}

#[test]
fn a_key_is_what_the_generator_gave_or_there_is_none() {
    let place = Place::new();
    let case = Case::new("keygen", 0, Stdout::Dangerous);
    let mut command = Command::new("strace");
    place.surround(&mut command, &case);
    let log = place.path("tmp/trace");
    let output = command
        .args(["-xx", "-s", "64", "-e", "trace=getrandom", "-o"])
        .arg(&log)
        .arg(crate::commands::PROGRAM)
        .arg("keygen")
        .output();
    let (Ok(output), Ok(trace)) = (output, fs::read_to_string(&log)) else {
        println!("skipped: strace is not installed or may not trace");
        return;
    };
    let key = String::from_utf8(output.stdout).unwrap();
    let key = base64::engine::general_purpose::STANDARD
        .decode(key.trim())
        .unwrap();
    let given = trace.lines().find(|line| line.ends_with("= 32")).unwrap();
    assert_eq!(key, printed_bytes(given));
    let number = trace.lines().position(|line| line == given).unwrap() + 1;
    for words in [
        "keygen",
        "keygen --prefix claw",
        "keygen --output new-file.key",
        "keygen --env fresh.env",
        "keygen --env .env --replace",
    ] {
        for error in ["EIO", "EAGAIN", "EPERM"] {
            let place = Place::new();
            let before = files(&place);
            let case = Case::new(words, 4, Stdout::Dangerous);
            let inject = format!("inject=getrandom:error={error}:when={number}+");
            let (ended, trace) =
                traced(&place, &case, &["trace=getrandom".to_owned(), inject]).unwrap();
            assert!(trace.contains("INJECTED"), "{words}");
            assert_eq!(
                (ended.code, ended.stdout.as_str()),
                (Some(4), ""),
                "{words} {error}"
            );
            assert_eq!(files(&place), before, "{words} {error}");
        }
    }
}

/// A file system of a few pages, so that writes are cut short before they fail.
#[test]
fn a_full_file_system_or_a_limit_on_files_leaves_the_old_file_and_ends_with_4() {
    let fill = "mount -t tmpfs -o size=32k none full || exit 99; cp clean.env full/.env; cp audit.log full/; cp big.log full/ 2>/dev/null; cat /dev/zero >full/filler 2>/dev/null; cp full/.env saved; \"$@\"; code=$?; cmp saved full/.env || exit 98; ls -A full >listed; exit $code";
    let limit = "mkdir -p full; cp clean.env full/.env; cp audit.log full/; cp full/.env saved; ulimit -f 0; \"$@\"; code=$?; cmp -s saved full/.env || exit 98; ls -A full; exit $code";
    for (script, words) in [
        (fill, "keygen --env full/.env --replace --bytes 4096"),
        (
            fill,
            "keygen --output full/new.key --bytes 4096 --count 100",
        ),
        (
            fill,
            "check --env full/.env --only declared --format json --output full/report",
        ),
        (fill, "audit-tail seal full/audit.log"),
        (limit, "keygen --env full/.env --replace"),
        (limit, "keygen --output full/new.key"),
        (
            limit,
            "check --env full/.env --only declared --format json --output full/report",
        ),
        (limit, "audit-tail seal full/audit.log"),
    ] {
        let place = Place::new();
        fs::create_dir(place.path("work/full")).unwrap();
        let case = Case::new(words, 4, Stdout::Unused);
        let mut command = Command::new("unshare");
        place.surround(&mut command, &case);
        let output = command
            .args(["-m", "sh", "-c", script, "sh", crate::commands::PROGRAM])
            .args(words.split(' '))
            .stdin(Stdio::null())
            .output();
        let Ok(output) = output else {
            println!("skipped: no unshare here");
            return;
        };
        if output.status.code() == Some(99)
            || String::from_utf8_lossy(&output.stderr).contains("unshare:")
        {
            println!("skipped: no mount namespace here");
            return;
        }
        assert_eq!(output.status.code(), Some(4), "{words}: {output:?}");
        let listed = fs::read_to_string(place.path("work/listed"))
            .unwrap_or_else(|_| String::from_utf8_lossy(&output.stdout).into_owned());
        assert!(
            !listed.contains(".tmp") && !listed.contains("new.key"),
            "{words}: {listed}"
        );
    }
}

/// A pipe gives what it has: whatever the pieces are, the answer is the same.
#[test]
fn input_that_comes_byte_by_byte_is_read_as_a_whole() {
    for (words, input) in [
        (
            "check --env - --only declared --format json",
            "A=1\nWEB_API_KEY=changeme\n",
        ),
        ("audit-tail - --format json", AUDIT_LOG),
        ("audit-tail - --stats --format json", AUDIT_LOG),
    ] {
        let place = Place::new();
        let mut case = Case::new(words, 0, Stdout::Reading);
        let text: &'static str = input;
        case.stdin = text;
        let at_once = run(&place, &case);
        let mut command = place.program(&case);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        for byte in input.as_bytes() {
            stdin.write_all(&[*byte]).unwrap();
        }
        drop(stdin);
        let slowly = Ended::from(child.wait_with_output().unwrap());
        assert_eq!(slowly.code, at_once.code, "{words}");
        assert_eq!(
            alike(&slowly.stdout, &place),
            alike(&at_once.stdout, &place),
            "{words}"
        );
        assert!(Path::new(crate::commands::PROGRAM).exists());
    }
}
