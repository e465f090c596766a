//! Reading to the end: ranges, formats, filters, siblings, bad input.

use std::fs;

use serde_json::Value;

use crate::support::{append, numbered, run, stderr, stdout};

#[test]
fn raw_output_of_a_whole_file_equals_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes =
        b"\xef\xbb\xbf{\"msg\":\"bom\"}\r\n\0\0nul\n\xff\xfe not utf-8\n\n  \x1b[31mred\x1b[0m\n"
            .to_vec();
    bytes.extend(vec![b'x'; 10 << 20]);
    bytes.extend(b"\nlast without newline");
    fs::write(folder.path().join("a.log"), &bytes).unwrap();
    let output = run(
        folder.path(),
        &["a.log", "--all", "--no-follow", "--format", "raw"],
    );
    assert!(output.stdout == bytes);
    let output = run(
        folder.path(),
        &["a.log", "--all", "--no-follow", "--format", "json"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(lines[2]["raw_base64"], "//4gbm90IHV0Zi04");
    assert_eq!(lines[5]["raw"].as_str().unwrap().len(), 10 << 20);
    assert!(!text.contains('\u{1b}'));
    let human = run(folder.path(), &["a.log", "--all", "--no-follow"]);
    let human = stdout(&human);
    assert!(!human.contains('\u{1b}') && human.contains("\\x1b[31mred"));
}

#[test]
fn the_last_events_that_pass_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.log");
    append(&log, &numbered(0..5000));
    let output = run(folder.path(), &["a.log", "--format", "raw"]);
    assert_eq!(stdout(&output), numbered(4990..5000));
    let output = run(
        folder.path(),
        &[
            "a.log",
            "-n",
            "2",
            "--grep",
            "line 1.?\"",
            "--format",
            "raw",
        ],
    );
    assert_eq!(stdout(&output), numbered(18..20));
    let output = run(folder.path(), &["a.log", "-n", "0", "--format", "raw"]);
    assert_eq!(stdout(&output), "");
}

#[test]
fn siblings_are_read_when_since_reaches_into_them() {
    let folder = tempfile::tempdir().unwrap();
    let line = |hour: u32, text: &str| {
        format!("{{\"time\":\"2026-11-20T{hour:02}:00:00Z\",\"msg\":\"{text}\"}}\n")
    };
    fs::write(folder.path().join("audit.log"), line(9, "new")).unwrap();
    fs::write(folder.path().join("audit.log.1"), line(8, "middle")).unwrap();
    fs::write(folder.path().join("audit.log.2"), line(7, "old")).unwrap();
    fs::write(folder.path().join("audit.log.seal"), "no log\n").unwrap();
    for tool in ["gzip", "xz", "zstd"] {
        let file = folder.path().join("audit.log.2");
        let made = std::process::Command::new(tool)
            .arg("-q")
            .arg("-f")
            .arg(&file)
            .status();
        if !made.is_ok_and(|status| status.success()) {
            continue;
        }
        if tool == "zstd" {
            fs::remove_file(&file).unwrap();
        }
        let output = run(
            folder.path(),
            &[
                "audit.log",
                "--since",
                "2026-11-20 07:00",
                "--until",
                "2026-11-20T09:00:00Z",
                "--format",
                "raw",
            ],
        );
        assert_eq!(
            stdout(&output),
            line(7, "old") + &line(8, "middle"),
            "{tool}"
        );
        for ending in ["gz", "xz", "zst"] {
            let _ = fs::remove_file(folder.path().join(format!("audit.log.2.{ending}")));
        }
        fs::write(&file, line(7, "old")).unwrap();
    }
    fs::remove_file(folder.path().join("audit.log.2")).unwrap();
    fs::write(
        folder.path().join("audit.log.2.gz"),
        b"\x1f\x8b\x08\0damaged",
    )
    .unwrap();
    let output = run(
        folder.path(),
        &["audit.log", "--since", "2026-11-20", "--format", "raw"],
    );
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("audit.log.2.gz"));
    assert_eq!(stdout(&output), line(8, "middle") + &line(9, "new"));
}

#[test]
fn a_line_too_long_for_one_piece_is_one_of_the_last_events_of_a_compressed_file() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(18 << 20);
    let lines = [
        "one\n".to_owned(),
        format!("{long}\n"),
        "three\n".to_owned(),
    ];
    fs::write(folder.path().join("old.log"), lines.concat()).unwrap();
    let gzip = std::process::Command::new("gzip")
        .arg(folder.path().join("old.log"))
        .status();
    assert!(gzip.unwrap().success());
    for count in 1..=3 {
        let number = count.to_string();
        let output = run(
            folder.path(),
            &["old.log.gz", "--format", "raw", "-n", &number],
        );
        let is_right = stdout(&output) == lines[3 - count..].concat();
        assert!(is_right, "the last {count}");
    }
}

#[test]
fn the_last_events_since_a_moment_are_taken_from_siblings_where_the_log_holds_too_few() {
    let folder = tempfile::tempdir().unwrap();
    let line = |hour: u32, minute: u32| {
        format!("{{\"time\":\"2026-11-20T{hour:02}:{minute:02}:00Z\",\"user\":\"u{minute}\"}}\n")
    };
    let hour = |hour| -> Vec<String> { (0..10).map(|minute| line(hour, minute)).collect() };
    let write = |name: &str, lines: &[String]| {
        fs::write(folder.path().join(name), lines.concat()).unwrap();
    };
    write("audit.log", &hour(9)[..2]);
    write("audit.log.1", &hour(8));
    write("audit.log.2", &hour(7));
    let gzip = std::process::Command::new("gzip")
        .arg(folder.path().join("audit.log.2"))
        .status();
    assert!(gzip.unwrap().success());
    fs::write(folder.path().join("audit.log.3.gz"), "\x1f not opened").unwrap();
    let [new, middle, old] = [hour(9), hour(8), hour(7)];
    let cases: [(&[&str], Vec<String>); 7] = [
        (&["-n", "1"], new[1..2].to_vec()),
        (&["-n", "5"], [&middle[7..], &new[..2]].concat()),
        (&["-n", "15"], [&old[7..], &middle[..], &new[..2]].concat()),
        (
            &["-n", "3", "--user", "u9"],
            [&old[9..], &middle[9..]].concat(),
        ),
        (
            &["-n", "3", "--until", "2026-11-20T08:05"],
            middle[2..5].to_vec(),
        ),
        (
            &["-n", "50", "--since", "2026-11-20T08:08"],
            [&middle[8..], &new[..2]].concat(),
        ),
        (&["-n", "0"], Vec::new()),
    ];
    for (arguments, expected) in cases {
        let mut all = vec!["audit.log", "--format", "raw"];
        if !arguments.contains(&"--since") {
            all.extend(["--since", "2026-11-20"]);
        }
        all.extend(arguments);
        let output = run(folder.path(), &all);
        assert_eq!(stdout(&output), expected.concat(), "{arguments:?}");
    }
    // A sibling that is named, too, is read once.
    let named = [
        "audit.log",
        "audit.log.1",
        "--since",
        "2026-11-20",
        "--format",
        "raw",
    ];
    let expected = [&old[..], &new[..2], &middle].concat().concat();
    assert_eq!(stdout(&run(folder.path(), &named)), expected);
}

#[test]
fn the_last_lines_of_a_stack_are_the_last_events_with_the_line_that_they_belong_to() {
    use std::io::Write as _;
    use std::process::Stdio;
    let folder = tempfile::tempdir().unwrap();
    let error = "2026-11-20T08:00:01Z ERROR bad\n";
    let frames: String = (0..4000)
        .map(|frame| format!("    at frame {frame} {}\n", "x".repeat(200)))
        .collect();
    let last_two: String = frames.split_inclusive('\n').skip(3998).collect();
    let info = "2026-11-20T08:00:02Z INFO fine\n";
    let cases: [(&[&str], String, &str); 7] = [
        (
            &["-n", "2", "--level", "error"],
            format!("{error}{frames}"),
            &last_two,
        ),
        (
            &["-n", "2", "--level", "error"],
            format!("{error}{frames}{info}{frames}"),
            &last_two,
        ),
        (
            &["-n", "2", "--since", "2026-11-20T08:00:01Z"],
            format!("{error}{frames}"),
            &last_two,
        ),
        (
            &["-n", "2", "--until", "2026-11-20T08:00:02Z"],
            format!("{error}{frames}{info}{frames}"),
            &last_two,
        ),
        (
            &[
                "-n",
                "1",
                "--until",
                "2026-11-20T08:00:02Z",
                "--grep",
                "ERROR",
            ],
            format!("{error}{frames}{info}{frames}"),
            error,
        ),
        (
            &["-n", "4001", "--level", "error"],
            format!("{info}{frames}{error}{frames}"),
            &format!("{error}{frames}"),
        ),
        (
            &["-n", "1", "--level", "error"],
            format!("{info}{frames}"),
            "",
        ),
    ];
    for (arguments, text, expected) in cases {
        fs::write(folder.path().join("a.log"), &text).unwrap();
        let output = run(
            folder.path(),
            &[&["a.log", "--format", "raw"], arguments].concat(),
        );
        assert!(stdout(&output) == expected, "{arguments:?}");
        let mut child = crate::support::program(folder.path())
            .args(["-", "--format", "raw"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(stdout(&output) == expected, "{arguments:?} of a stream");
        let following = crate::support::Following::start(
            folder.path(),
            &[&["a.log", "--follow", "--format", "raw"], arguments].concat(),
        );
        let out = following.wait_for(|out| out.len() >= expected.len());
        assert!(out == expected, "{arguments:?} followed");
    }
}

#[test]
fn a_stack_belongs_to_the_line_before_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("a.log"),
        "2026-11-20T08:00:00Z ERROR old\n    at old (x.js:1)\n2026-11-20T09:00:00Z ERROR new\n    at new (x.js:1)\n",
    )
    .unwrap();
    let output = run(
        folder.path(),
        &[
            "a.log",
            "--since",
            "2026-11-20T09:00:00Z",
            "--format",
            "raw",
        ],
    );
    assert_eq!(
        stdout(&output),
        "2026-11-20T09:00:00Z ERROR new\n    at new (x.js:1)\n"
    );
}

#[test]
fn a_key_in_the_place_of_a_user_is_hidden_from_people() {
    let folder = tempfile::tempdir().unwrap();
    let key = format!("sk-or-v1-{}", "0123456789abcdef".repeat(4));
    let line = format!("{{\"event\":\"login failed\",\"user\":\"{key}\",\"ip\":\"192.0.2.1\"}}\n");
    fs::write(folder.path().join("a.log"), line.repeat(6)).unwrap();
    for how in [
        &["--all"][..],
        &["--all", "--detect"],
        &["--stats"],
        &["--stats", "--detect"],
    ] {
        let arguments = [&["a.log", "--no-follow"][..], how].concat();
        let output = run(folder.path(), &arguments);
        let said = stdout(&output) + &stderr(&output);
        assert!(said.contains("192.0.2.1"), "{said}");
        assert!(!said.contains("sk-or-v1-0123"), "{how:?} {said}");
    }
}

#[test]
fn a_last_line_without_an_end_does_not_run_into_the_next_file() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("a.log", "one\ntwo"),
        ("b.log", "three\n"),
        ("c.log", "four"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    for more in [&[][..], &["--grep", "."]] {
        let files = [
            "a.log",
            "b.log",
            "c.log",
            "--all",
            "--no-follow",
            "--format",
            "raw",
        ];
        let output = run(folder.path(), &[&files[..], more].concat());
        assert_eq!(stdout(&output), "one\ntwo\nthree\nfour");
    }
}

#[test]
fn hours_are_those_of_the_zone_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let line = "{\"time\":\"2026-11-20T23:10:00Z\",\"event\":\"login\"}\n";
    fs::write(folder.path().join("a.log"), line).unwrap();
    let table = |zone: &str| {
        stdout(&run(
            folder.path(),
            &["a.log", "--stats", "--timezone", zone],
        ))
    };
    assert!(table("UTC").contains("2026-11-20T23:00:00Z"));
    let berlin = table("Europe/Berlin");
    assert!(berlin.contains("2026-11-21T00:00:00+01:00"), "{berlin}");
}

#[test]
fn bearer_tokens_are_hidden_from_people() {
    let folder = tempfile::tempdir().unwrap();
    let line = |scheme: &str| {
        format!("{{\"event\":\"login\",\"msg\":\"sent {scheme} made-up-token-7, twice\"}}\n")
    };
    let log = ["Bearer", "bearer", "BEARER"].map(line).concat();
    fs::write(folder.path().join("a.log"), log).unwrap();
    let shown = stdout(&run(folder.path(), &["a.log", "--all", "--no-follow"]));
    assert_eq!(shown.matches(", twice").count(), 3, "{shown}");
    assert_eq!(shown.matches("sha256:").count(), 3, "{shown}");
    assert!(!shown.contains("made-up"), "{shown}");
}

#[test]
fn secrets_of_the_env_file_become_fingerprints_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "q7Gd/x2Lw9+ZtB4mVrKpQe8s";
    fs::write(
        folder.path().join(".env"),
        format!("WEB_API_KEY={secret}\n"),
    )
    .unwrap();
    fs::write(
        folder.path().join("a.log"),
        format!("{{\"msg\":\"key {secret}\",\"user\":\"mia\"}}\n{{\"msg\":\"{}\"}}\nGET /?k=q7Gd%2Fx2Lw9%2BZtB4mVrKpQe8s\n", secret.replace('/', "\\/")),
    )
    .unwrap();
    for format in ["raw", "json", "ocsf", "human"] {
        let output = run(
            folder.path(),
            &["a.log", "--all", "--env", ".env", "--format", format],
        );
        let text = stdout(&output) + &stderr(&output);
        assert!(!text.contains("x2Lw9"), "{format}: {text}");
        assert!(text.matches("sha256:").count() >= 3, "{format}: {text}");
    }
}

#[test]
fn filters_see_what_the_journal_writes_as_a_list_of_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let text = b"Failed password for root from 192.0.2.1 port 22 ssh2 \x1b";
    let line = format!("{{\"SYSLOG_IDENTIFIER\":\"sshd\",\"_PID\":\"7\",\"MESSAGE\":{text:?}}}\n");
    append(&folder.path().join("a.log"), &line.replace(", ", ","));
    for filter in [&["--ip", "192.0.2.1"][..], &["--user", "root"]] {
        let output = run(
            folder.path(),
            &[&["a.log", "--all", "--format", "raw"], filter].concat(),
        );
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).lines().count(),
            1,
            "{filter:?}"
        );
    }
}

#[test]
fn mistakes_are_named_with_an_accepted_form() {
    let folder = tempfile::tempdir().unwrap();
    append(&folder.path().join("a.log"), "x\n");
    for (arguments, expected) in [
        (&["a.log", "--since", "soon"][..], "2026-11-20T10:00:00Z"),
        (
            &["a.log", "--since", "1h", "--until", "2h"],
            "--since 1h is later than --until 2h",
        ),
        (&["a.log", "--ip", "nobody"], "192.0.2.7"),
        (&["a.log", "--kind", "auht"], "auth"),
        (&["a.log", "--level", "loud"], "warn"),
        (&["a.log", "--grep", "("], "regular expression"),
        (&["a.log", "--format", "xml"], "ocsf"),
        (&["a.log", "--timezone", "Mars"], "Europe/Berlin"),
        (&["missing.log"], "missing.log"),
        (&["."], "folder"),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            stderr(&output).contains(expected),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    let output = run(folder.path(), &["a.log", "missing.log"]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn alerts_set_the_exit_code_and_start_commands() {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = (0..6)
        .map(|n| format!("{{\"time\":\"2026-11-20T10:00:0{n}Z\",\"event\":\"login failed\",\"user\":\"mia\",\"ip\":\"192.0.2.1\"}}\n"))
        .collect();
    fs::write(folder.path().join("a.log"), lines).unwrap();
    let output = run(
        folder.path(),
        &[
            "a.log",
            "--alerts-only",
            "--fail-on-alert",
            "--format",
            "json",
            "--alert-exec",
            "tee alert.json ; $HOME *",
        ],
    );
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let alert: Value = serde_json::from_str(stdout(&output).lines().next().unwrap()).unwrap();
    assert_eq!(
        (alert["detector"].as_str(), alert["count"].as_u64()),
        (Some("brute-force"), Some(5))
    );
    let handed: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("alert.json")).unwrap())
            .unwrap();
    assert_eq!(handed, alert);
    assert!(folder.path().join("$HOME").exists() && folder.path().join(";").exists());
    let raw = run(folder.path(), &["a.log", "--detect", "--format", "raw"]);
    assert!(stderr(&raw).contains("brute-force") && !stdout(&raw).contains("brute-force"));
    fs::write(
        folder.path().join("openclaw-sec.toml"),
        "[detectors.brute-force]\ncount = 7\n",
    )
    .unwrap();
    let output = run(
        folder.path(),
        &["a.log", "--alerts-only", "--fail-on-alert"],
    );
    assert_eq!(output.status.code(), Some(0));
    fs::write(
        folder.path().join("openclaw-sec.toml"),
        "[detectors.brute-force]\ncuont = 7\n",
    )
    .unwrap();
    let output = run(folder.path(), &["a.log", "--alerts-only"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("did you mean `count`"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_log_without_times_cannot_be_asked_for_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.log");
    let asked = |more: &[&str]| {
        let output = run(folder.path(), &[&["a.log", "--since", "2h"], more].concat());
        (
            output.status.code(),
            stderr(&output).contains("no line has a time"),
        )
    };
    let uvicorn = "INFO:     192.0.2.1:55000 - \"POST /login HTTP/1.1\" 401 Unauthorized\n";
    fs::write(&log, uvicorn).unwrap();
    assert_eq!(asked(&[]), (Some(3), true));
    assert_eq!(asked(&["-n", "5"]), (Some(3), true));
    assert_eq!(asked(&["--stats"]), (Some(3), true));
    // An old time is one, and an empty log lacks none.
    fs::write(&log, format!("{uvicorn}2001-01-01T00:00:00Z old\n")).unwrap();
    assert_eq!(asked(&[]), (Some(0), false));
    assert_eq!(asked(&["-n", "5"]), (Some(0), false));
    fs::write(&log, "\n").unwrap();
    assert_eq!(asked(&[]), (Some(0), false));
}

#[test]
fn stdin_is_read_as_it_comes() {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::Stdio;
    let folder = tempfile::tempdir().unwrap();
    let mut child = crate::support::program(folder.path())
        .args(["-", "--format", "raw"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for number in 0..3 {
        writeln!(input, "line {number}").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, format!("line {number}\n"));
    }
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_last_events_of_a_stream_come_at_its_end() {
    use std::io::Write as _;
    use std::process::Stdio;
    let long = "x".repeat(40 << 20);
    let expectations: [(&[&str], &str, String); 6] = [
        (
            &["-n", "2"],
            "a 1\nb 2\na 3\nb 4\n",
            "a 3\nb 4\n".to_owned(),
        ),
        (
            &["-n", "2", "--grep", "a"],
            "a 1\nb 2\na 3\nb 4",
            "a 1\na 3\n".to_owned(),
        ),
        (&["-n", "9"], "a 1\nb 2", "a 1\nb 2".to_owned()),
        (&["-n", "0"], "a 1\nb 2\n", String::new()),
        (
            &["-n", "1", "--follow"],
            "a 1\nb 2\n",
            "a 1\nb 2\n".to_owned(),
        ),
        (&["-n", "1"], &format!("a\n{long}\n"), format!("{long}\n")),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (arguments, input, expected) in expectations {
        let mut child = crate::support::program(folder.path())
            .args(["-", "--format", "raw"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(output.stdout == expected.as_bytes(), "{arguments:?}");
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn rotated_files_are_read_where_the_log_itself_is_not_there_yet() {
    let folder = tempfile::tempdir().unwrap();
    append(
        &folder.path().join("audit.log.1"),
        "{\"time\":\"2026-11-20T10:00:00Z\",\"msg\":\"before the rotation\"}\n",
    );
    let all = ["audit.log", "--since", "2026-11-20", "--no-follow"];
    let output = run(folder.path(), &all);
    assert!(stdout(&output).contains("before the rotation"));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("audit.log"));
}

#[test]
fn a_compressed_log_has_an_end_and_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log.2");
    append(&log, &numbered(0..3));
    let gzip = std::process::Command::new("gzip").arg(&log).status();
    assert!(gzip.unwrap().success());
    let all = ["audit.log.2.gz", "--follow", "--all", "--format", "raw"];
    let output = run(folder.path(), &all);
    assert_eq!(stdout(&output), numbered(0..3));
}

#[test]
fn secrets_with_escapes_or_cut_off_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let env = "DB_PASSWORD=tr0ub4dor&3-horse\nWEB_API_KEY=Zx9kQ2mVb7/nR4s1LpWq8YdHf0aBcDeFgH\n";
    fs::write(folder.path().join(".env"), env).unwrap();
    let slog = r#"{"log":"{\"level\":\"WARN\",\"msg\":\"login failed, tried tr0ub4dor\\u00263-horse\"}\n","stream":"stdout","time":"2026-11-17T09:00:00Z"}"#;
    let php = r#"{"log":"{\"level\":\"WARN\",\"msg\":\"key Zx9kQ2mVb7\\/nR4s1LpWq8YdHf0aBcDeFgH\"}\n","stream":"stdout","time":"2026-11-17T09:00:01Z"}"#;
    let cut_off = "WARN key Zx9kQ2mVb7/nR4s1LpWq8YdHf";
    fs::write(
        folder.path().join("a.log"),
        format!("{slog}\n{php}\n{cut_off}"),
    )
    .unwrap();
    for format in ["human", "json", "ocsf", "raw"] {
        let all = [
            "a.log",
            "--env",
            ".env",
            "--all",
            "--no-follow",
            "--format",
            format,
        ];
        let text = stdout(&run(folder.path(), &all));
        for part in ["ub4dor", "3-horse", "Zx9kQ2", "nR4s1Lp"] {
            assert!(!text.contains(part), "{format}: {text}");
        }
        assert!(format != "raw" || text.lines().count() == 3, "{text}");
    }
}
