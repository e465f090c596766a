//! Several reports from one run: who gets what, what cannot be, and what happens when one fails.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::output::FORMATS;

/// A folder with an env file that has faults.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let env = folder.path().join(".env");
        std::fs::write(&env, "WEB_API_KEY=your-secret-key-here\nLOG_LEVEL=silent\n").unwrap();
        std::fs::set_permissions(env, std::fs::Permissions::from_mode(0o600)).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// `check` on the env file alone, with the words of a line.
    fn check(&self, line: &str, variables: &[(&str, &str)]) -> Output {
        self.command(line, variables).output().unwrap()
    }

    fn command(&self, line: &str, variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                &format!("umask 077; exec \"$0\" check --only declared {line}"),
            ])
            .arg(env!("CARGO_BIN_EXE_openclaw-sec"))
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .env("STATE_DIRECTORY", self.path("state"))
            .envs(variables.iter().copied())
            .stdin(Stdio::null());
        command
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "state")
            .collect();
        names.sort();
        names
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn every_format_ends_with_the_same_code_and_all_of_them_come_from_one_run() {
    let place = Place::new();
    let mut line = String::new();
    for format in FORMATS {
        let output = place.check(&format!("--format {}", format.name), &[]);
        assert_eq!(output.status.code(), Some(1), "{}", format.name);
        assert!(!output.stdout.is_empty(), "{}", format.name);
        line.push_str(&format!(" --format {0} --output r.{0}", format.name));
    }
    let output = place.check(&line, &[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    for format in FORMATS {
        assert!(
            !place.read(&format!("r.{}", format.name)).is_empty(),
            "{}",
            format.name
        );
        let mode = place
            .path(&format!("r.{}", format.name))
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        let expected = if format.name == "prometheus" {
            0o644
        } else {
            0o600
        };
        assert_eq!(mode & 0o777, expected, "{}", format.name);
    }
    let output = place.check("--format sarif --output r.sarif --format json", &[]);
    assert!(stdout(&output).starts_with("{\n  \"schema\": \"openclaw-sec/check/1\""));
}

#[test]
fn two_runs_print_the_same_bytes_times_apart() {
    let place = Place::new();
    let masked = |format: &str| {
        let text = stdout(&place.check(&format!("--format {format}"), &[]));
        // Digits beside digits, colons and dots are times and durations here.
        let time = regex::Regex::new(r#"[0-9]{4}-[0-9]{2}-[0-9]{2}[0-9T:.Z]*|[0-9]+ ms|"(time|duration_ms)": ?[0-9]+|[0-9]+ \w+ [0-9]{4}, [0-9:]{5}"#).unwrap();
        let text = time.replace_all(&text, "TIME").into_owned();
        let is_time = |line: &&str| !line.contains("_seconds{");
        text.lines()
            .filter(is_time)
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    for format in FORMATS {
        assert_eq!(masked(format.name), masked(format.name), "{}", format.name);
    }
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let place = Place::new();
    std::os::unix::fs::symlink("r.json", place.path("link")).unwrap();
    let before = place.names();
    for line in [
        "--format json --format human",
        "--format json --output - --format human",
        "--format json --format human --output /dev/stdout",
        "--format json --output r.json --format human --output r.json",
        "--format json --output r.json --format human --output ./r.json",
        "--format json --output r.json --format human --output link",
        "--format json --output r.json --output other.json",
        "--format json --output .env",
        "--format jsn --output r.json",
    ] {
        let output = place.check(line, &[]);
        assert_eq!(output.status.code(), Some(2), "{line}: {}", stderr(&output));
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{line}"
        );
        assert_eq!(place.names(), before, "{line}");
    }
}

#[test]
fn one_report_that_cannot_be_written_keeps_back_no_other() {
    let place = Place::new();
    let output = place.check(
        "--format json --output missing/r.json --format junit --output r.xml --format markdown --output /dev/full --format human",
        &[],
    );
    assert_eq!(output.status.code(), Some(4));
    let words = stderr(&output);
    assert!(
        words.contains("missing/r.json") && words.contains("/dev/full"),
        "{words}"
    );
    assert!(place.read("r.xml").starts_with("<?xml"));
    assert!(stdout(&output).starts_with("openclaw-sec check"));
    let full = std::fs::metadata("/dev/full").unwrap();
    assert!(full.file_type().is_char_device());
}

#[test]
fn a_pipe_gets_its_report_and_stays_a_pipe() {
    let place = Place::new();
    let pipe = place.path("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let mut reader = Command::new("cat")
        .arg(&pipe)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Until the reader has opened it, writing is refused.
    let started = std::time::Instant::now();
    loop {
        let output = place.check("--format gitlab --output pipe", &[]);
        if output.status.code() == Some(1) {
            break;
        }
        assert!(
            stderr(&output).contains("nothing reads"),
            "{}",
            stderr(&output)
        );
        assert!(started.elapsed().as_secs() < 60);
    }
    let mut text = String::new();
    std::io::Read::read_to_string(reader.stdout.as_mut().unwrap(), &mut text).unwrap();
    reader.wait().unwrap();
    assert!(text.starts_with("[\n"), "{text}");
    assert!(pipe.metadata().unwrap().file_type().is_fifo());
}

#[test]
fn metrics_are_readable_for_all_and_no_half_file_ends_in_prom() {
    let place = Place::new();
    std::fs::write(place.path("m.prom"), "old\n").unwrap();
    std::fs::set_permissions(place.path("m.prom"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let trace = place.path("trace");
    let traced = Command::new("strace")
        .args(["-f", "-e", "trace=?open,openat", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_openclaw-sec"))
        .args([
            "check",
            "--only",
            "declared",
            "--format",
            "prometheus",
            "--output",
            "m.prom",
        ])
        .current_dir(place.folder.path())
        .output();
    match traced {
        Ok(output) if output.status.code() == Some(1) => {
            let trace = place.read("trace");
            let written = trace
                .lines()
                .filter(|line| line.contains("O_CREAT") && line.contains("m.prom"));
            let names: Vec<&str> = written
                .map(|line| line.split('"').nth(1).unwrap())
                .collect();
            assert!(
                !names.is_empty() && names.iter().all(|name| !name.ends_with(".prom")),
                "{names:?}"
            );
        }
        _ => {
            crate::validators::skipped("strace does not trace here");
            place.check("--format prometheus --output m.prom", &[]);
        }
    }
    let mode = place
        .path("m.prom")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o644);
    assert!(
        place
            .read("m.prom")
            .starts_with("# HELP openclaw_security_check_results ")
    );
}

#[test]
fn a_merged_fleet_comes_in_every_format_with_one_code() {
    let place = Place::new();
    std::fs::create_dir(place.path("hosts")).unwrap();
    place.check("--format json --output hosts/a.json", &[]);
    std::fs::write(place.path("names"), "a\nb\n").unwrap();
    for format in FORMATS {
        let output = Command::new(env!("CARGO_BIN_EXE_openclaw-sec"))
            .args([
                "check",
                "--merge",
                "hosts",
                "--expect",
                "names",
                "--format",
                format.name,
            ])
            .current_dir(place.folder.path())
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(1),
            "{}: {}",
            format.name,
            stderr(&output)
        );
        assert!(!output.stdout.is_empty(), "{}", format.name);
    }
}

#[test]
fn the_job_summary_grows_by_the_markdown_report() {
    let place = Place::new();
    std::fs::write(place.path("summary"), "# earlier\n").unwrap();
    let path = place.path("summary");
    let variables = [("GITHUB_STEP_SUMMARY", path.to_str().unwrap())];
    let output = place.check("--format github", &variables);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).starts_with("::error "));
    assert!(
        place
            .read("summary")
            .starts_with("# earlier\n# openclaw-sec check: something is wrong\n")
    );
    // Another format is no reason to write there.
    let before = place.read("summary");
    place.check("--format json", &variables);
    assert_eq!(place.read("summary"), before);
    place.check("--format github", &[("GITHUB_STEP_SUMMARY", "")]);
    for unwritable in ["/dev/full", "/nonexistent/summary"] {
        let output = place.check("--format github", &[("GITHUB_STEP_SUMMARY", unwritable)]);
        assert_eq!(output.status.code(), Some(4), "{unwritable}");
        assert!(stderr(&output).contains(unwritable));
        assert!(stdout(&output).starts_with("::error "));
    }
}
