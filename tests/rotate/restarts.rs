//! Restart drivers, health, and the way back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::support::*;

fn env() -> String {
    format!("A=1\n{NAME}={OLD}\n")
}

fn stub(bench: &Bench, name: &str, script: &str) {
    fs::create_dir_all(bench.path("bin")).unwrap();
    let path = bench.path("bin").join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Why a request is refused, by a run and by a dry run, before anybody is asked anything.
#[track_caller]
fn refused(bench: &Bench, mock: &Mock, flags: &[&str], words: &str) {
    for dry_run in [&[][..], &["--dry-run"]] {
        let done = bench.with_new(&[flags, dry_run].concat());
        assert_eq!(done.code, 2, "{flags:?}: {done:?}");
        assert!(done.stderr.contains(words), "{flags:?}: {done:?}");
        assert_eq!(bench.text(), env(), "{flags:?}");
        assert_eq!(bench.beside(), [".env"], "{flags:?}");
    }
    assert!(mock.seen.lock().unwrap().is_empty(), "{flags:?}");
}

#[test]
fn a_restart_that_cannot_work_is_refused_before_anything_happens() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    stub(&bench, "systemctl", "echo not-found");
    stub(&bench, "docker", "true");
    let cases: [(&[&str], &str); 3] = [
        (&["--restart-unit", "bot"], "bot is not-found"),
        (
            &["--restart-compose", "bot", "--compose-file", "no.yml"],
            "no file no.yml",
        ),
        (&["--restart", "true && true"], "sh -c"),
    ];
    for (flags, words) in cases {
        refused(&bench, &mock, flags, words);
    }
}

#[test]
fn a_missing_command_is_found_before_a_person_rolls_a_key() {
    let mock = Mock::start(|_| Reply::Json(200, json!({"ok": true, "result": {"id": 1111}})));
    let old = "TELEGRAM_BOT_TOKEN=1111:AAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n";
    let bench = Bench::new(&mock.url, old);
    fs::write(
        bench.path("new"),
        "1111:BBbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    )
    .unwrap();
    let new = ["--provider", "telegram", "--new-key-file", "new"];
    let done = bench.rotate(&[&new[..], &["--restart", "no-such-program-here"]].concat());
    assert_eq!(done.code, 2, "{done:?}");
    let words = "no-such-program-here in PATH";
    assert!(done.stderr.contains(words), "{done:?}");
    assert_eq!(bench.text(), old);
    assert!(mock.seen.lock().unwrap().is_empty());
}

#[test]
fn a_restart_that_vanished_is_not_what_comes_next() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    stub(&bench, "restart-bot", "rm -- \"$0\"; exit 1");
    let done = bench.with_new(&["--restart", "restart-bot"]);
    done.expect(1, "failed");
    let next = done.json["next"].as_str().unwrap();
    assert!(next.contains(" abort --no-restart "), "{next}");
    assert!(done.json["message"].as_str().unwrap().contains("--restart"));
    bench
        .rotate(&["abort", "--no-restart"])
        .expect(0, "rolled-back");
    assert_eq!(bench.text(), env());
    assert_eq!(bench.beside(), [".env"]);
}

#[test]
fn a_new_time_to_wait_holds_for_the_endpoint_in_the_journal() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    let ill = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_ill = std::sync::Arc::clone(&ill);
    let health = Mock::start(move |_| match is_ill.load(Ordering::SeqCst) {
        true => Reply::Json(503, json!({})),
        false => Reply::Json(200, json!({})),
    });
    let wait = ["--health", &health.url, "--health-timeout", "20"];
    bench
        .with_new(&[&["--restart", "true"][..], &wait].concat())
        .expect(3, "waiting");
    bench.note(r#"{"event":"restarted"}"#);
    ill.store(true, Ordering::SeqCst);
    let before = health.count("GET");
    bench
        .rotate(&["resume", "--health-timeout", "0.5"])
        .expect(1, "failed");
    let looks = health.count("GET") - before;
    assert!(looks < 10, "{looks} looks");
}

#[test]
fn an_abort_whose_restart_fails_is_no_success() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &format!("{NAME}={OLD}\n"));
    bench.with_new(&["--restart", "true"]).expect(3, "waiting");
    bench
        .rotate(&["abort", "--restart", "false"])
        .expect(1, "failed");
    bench
        .rotate(&["abort", "--restart", "true"])
        .expect(0, "rolled-back");
    assert_eq!(bench.text(), format!("{NAME}={OLD}\n"));
}

#[test]
fn a_failed_restart_brings_the_old_key_back() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    for restart in ["false", "no-such-program-here", "./no-program"] {
        let bench = Bench::new(&mock.url, &env());
        fs::write(bench.path("no-program"), "").unwrap();
        bench
            .with_new(&["--restart", restart, "--dry-run"])
            .expect(0, "planned");
        let done = bench.with_new(&["--restart", restart]);
        // The restart with the old key fails as well.
        done.expect(1, "failed");
        let is_missed = done.stderr.contains("warning: --restart: ");
        assert_eq!(is_missed, restart != "false", "{done:?}");
        assert_eq!(bench.text(), env());
        assert_eq!(bench.beside().len(), 2);
        bench
            .rotate(&["abort", "--restart", "true"])
            .expect(0, "rolled-back");
        assert_eq!(bench.beside(), [".env"]);
    }
    let bench = Bench::new(&mock.url, &env());
    let restart = format!(
        "sh -c 'echo x >>n; cat env/.env >&2; ! grep -q {} env/.env'",
        &NEW[13..17]
    );
    bench
        .with_new(&["--restart", &restart])
        .expect(1, "rolled-back");
    assert_eq!(bench.text(), env());
    assert_eq!(bench.beside(), [".env"]);
    assert_eq!(lines(&bench.path("n")).len(), 2);
}

#[test]
fn health_that_does_not_come_or_flaps_brings_the_old_key_back() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    for (flaps, reply, said) in [
        (false, Reply::Json(503, json!({})), "it answered HTTP 503"),
        (true, Reply::Json(503, json!({})), "it answered HTTP 503"),
        (
            false,
            Reply::Redirect("/login".to_owned()),
            "it answered HTTP 302, a redirect",
        ),
        (false, Reply::Reset, "it did not answer"),
    ] {
        let bench = Bench::new(&mock.url, &env());
        let path = bench.env();
        let count = AtomicUsize::new(0);
        let health = Mock::start(move |_| {
            let is_new = fs::read_to_string(&path).unwrap().contains(NEW);
            let is_odd = count.fetch_add(1, Ordering::SeqCst) % 2 == 1;
            match is_new && (!flaps || is_odd) {
                true => reply.clone(),
                false => Reply::Json(200, json!({})),
            }
        });
        let url = format!("{}/readyz", health.url);
        let done = bench.with_new(&[
            "--restart",
            "true",
            "--health",
            &url,
            "--health-timeout",
            "2",
        ]);
        done.expect(1, "rolled-back");
        let message = done.json["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
        assert_eq!(bench.text(), env());
        assert_eq!(bench.beside(), [".env"]);
    }
}

#[test]
fn a_dead_key_is_never_put_back() {
    let keys = alive(&[NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    let done = bench.with_new(&["--restart", "false"]);
    done.expect(1, "failed");
    assert!(bench.text().contains(NEW));
    bench
        .rotate(&["resume", "--restart", "true"])
        .expect(0, "done");
}

#[test]
fn the_drivers_call_what_applies_a_changed_file() {
    let keys = alive(&[NEW]);
    let mock = anthropic_mock(&keys);
    let log = "echo \"$0 $*\" | sed 's,.*/,,' >>calls";
    let cases: [(&[&str], &str); 4] = [
        (&["--restart-unit", "bot"], "systemctl restart bot"),
        (
            &["--restart-unit", "bot", "--user"],
            "systemctl --user restart bot",
        ),
        (
            &["--restart-compose", "bot"],
            "docker compose up -d --force-recreate --no-deps bot",
        ),
        (
            &["--restart-compose", "bot", "--compose-file", "c.yml"],
            "docker compose -f c.yml up -d --force-recreate --no-deps bot",
        ),
    ];
    for (flags, expected) in cases {
        let bench = Bench::new(&mock.url, &env());
        stub(&bench, "systemctl", log);
        stub(&bench, "docker", log);
        fs::write(bench.path("c.yml"), "services: {}\n").unwrap();
        bench.with_new(flags).expect(0, "done");
        let calls = lines(&bench.path("calls"));
        let changes: Vec<_> = calls.iter().filter(|c| !c.contains(" show ")).collect();
        assert_eq!(changes, [expected]);
    }
}

#[test]
fn a_command_that_leaves_a_bot_running_is_not_waited_for() {
    let keys = alive(&[NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    bench
        .with_new(&["--restart", "sh -c 'sleep 300 & echo $! >bot'"])
        .expect(0, "done");
    let bot = std::fs::read_to_string(bench.path("bot")).unwrap();
    let bot = bot.trim();
    assert!(
        std::path::Path::new("/proc").join(bot).exists(),
        "the bot still runs"
    );
    Command::new("kill").arg(bot).status().unwrap();
}

#[test]
fn ctrl_c_ends_the_restart_and_says_how_to_go_on() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    stub(
        &bench,
        "restart-bot",
        "echo $$ >started; mv started pid; exec sleep 600",
    );
    let run = bench
        .command(&[
            "--name",
            NAME,
            "--new-key-file",
            "new",
            "--restart",
            "restart-bot",
        ])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    eventually("the restart", || bench.path("pid").exists());
    let interrupt = |pid: &str| Command::new("kill").args(["-INT", pid]).status().unwrap();
    interrupt(&run.id().to_string());
    let done = Done::of(run.wait_with_output().unwrap(), &bench);
    done.expect(130, "waiting").at("restart");
    assert!(
        done.json["next"]
            .as_str()
            .unwrap()
            .contains("rotate resume")
    );
    let child = fs::read_to_string(bench.path("pid")).unwrap();
    assert!(!Path::new("/proc").join(child.trim()).exists());
    assert!(bench.text().contains(NEW));
    bench
        .rotate(&["abort", "--restart", "true"])
        .expect(0, "rolled-back");
    assert_eq!(bench.text(), env());
}

#[test]
fn parts_of_keys_that_a_restart_prints_are_hidden() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    stub(
        &bench,
        "restart-bot",
        "echo refused >&2; cut -c1-60 env/.env >&2; fold -w 18 env/.env >&2; exit 3",
    );
    let done = bench.with_new(&["--restart", "restart-bot"]);
    done.expect(1, "failed");
    let said = format!("{done:?}");
    assert!(
        said.contains("refused") && said.contains("[redacted]"),
        "{said}"
    );
    for key in [OLD, NEW] {
        for part in key.as_bytes().windows(6) {
            let part = String::from_utf8_lossy(part);
            assert!(!said.contains(&*part), "{part}: {said}");
        }
    }
}

#[test]
fn without_a_restart_nobody_claims_one() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    bench.with_new(&["--no-restart"]).expect(3, "waiting");
    let aborted = bench.rotate(&["abort"]);
    aborted.expect(0, "rolled-back");
    assert!(!aborted.stderr.contains("restarting"), "{aborted:?}");
    let message = aborted.json["message"].as_str().unwrap();
    assert!(message.contains("restart OpenClaw"), "{message}");

    kill(&keys, OLD);
    let done = bench.with_new(&["--no-restart"]);
    let message = done.expect(0, "done").json["message"].as_str().unwrap();
    assert!(!message.contains("in effect"), "{message}");
    assert!(message.contains("restart it"), "{message}");
}
