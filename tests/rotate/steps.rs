//! The four steps, their order, and what stays behind.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::json;

use crate::support::*;

fn env() -> String {
    format!("# mine\r\nexport OTHER=\"a b\"\n {NAME} = '{OLD}' # note \nLAST=x")
}

#[test]
fn a_person_revokes_and_the_printed_command_finishes() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    let done = bench.with_new(&["--restart", "sh -c 'echo x >>restarts'"]);
    done.expect(3, "waiting").at("revoke");
    assert!(
        done.json["message"]
            .as_str()
            .unwrap()
            .contains("platform.claude.com")
    );
    assert_eq!(bench.text(), env().replace(OLD, NEW));
    assert_eq!(bench.beside().len(), 2, "{:?}", bench.beside());
    let backup = bench
        .path("env")
        .join(format!(".env.{NAME}.openclaw-sec.backup"));
    let mode = backup.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o600);
    assert_eq!(
        std::fs::read_to_string(&backup).unwrap(),
        format!("'{OLD}'")
    );

    let status = bench.rotate(&["status"]);
    status.expect(0, "waiting").at("revoke");
    assert_eq!(status.json["new_fingerprint"], done.json["new_fingerprint"]);

    // Again, while the old key lives.
    bench.rotate(&["resume"]).expect(3, "waiting");
    kill(&keys, OLD);
    let next = done.json["next"].as_str().unwrap();
    let mut command = Command::new("sh");
    bench.surround(&mut command);
    let output = command
        .args(["-c", &format!("{next} --format json")])
        .output()
        .unwrap();
    let finished = Done::of(output, &bench);
    finished.expect(0, "done").at("done");
    assert_eq!(bench.beside(), [".env"]);
    assert_eq!(
        std::fs::read_to_string(bench.path("restarts")).unwrap(),
        "x\n"
    );

    // Twice is harmless.
    for action in ["resume", "abort", "status"] {
        let nothing = bench.rotate(&[action]);
        nothing.expect(0, "done");
        assert_eq!(nothing.json["next"], json!(null));
    }
    assert_eq!(bench.text(), env().replace(OLD, NEW));
}

#[test]
fn a_rotation_in_progress_refuses_a_new_one_and_abort_brings_the_old_key_back() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    bench
        .with_new(&["--restart", "sh -c 'echo x >>restarts'"])
        .expect(3, "waiting");
    let second = bench.with_new(&["--restart", "true"]);
    assert_eq!(second.code, 2, "{second:?}");
    assert!(second.stderr.contains("resume") && second.stderr.contains("abort"));
    // Somebody edits the file meanwhile.
    std::fs::write(bench.env(), bench.text() + "\nMORE=1\n").unwrap();
    let aborted = bench.rotate(&["abort"]);
    aborted.expect(0, "rolled-back");
    assert_eq!(bench.text(), env() + "\nMORE=1\n");
    assert_eq!(bench.beside(), [".env"]);
    assert_eq!(
        std::fs::read_to_string(bench.path("restarts")).unwrap(),
        "x\nx\n"
    );
}

#[test]
fn an_old_key_that_waits_where_git_would_publish_it_is_told_of() {
    let cases = [
        ("true", None),
        (
            "git init -q env; echo .env >env/.gitignore",
            Some("git does not ignore"),
        ),
        ("git init -q env; echo '.env*' >env/.gitignore", None),
    ];
    for (script, expected) in cases {
        let keys = alive(&[OLD, NEW]);
        let mock = anthropic_mock(&keys);
        let bench = Bench::new(&mock.url, &format!("{NAME}={OLD}\n"));
        let mut shell = std::process::Command::new("sh");
        bench.surround(&mut shell);
        assert!(shell.args(["-c", script]).status().unwrap().success());
        let waiting = bench.with_new(&["--restart", "true"]);
        waiting.expect(3, "waiting");
        let said = &waiting.stderr;
        assert_eq!(
            said.contains("openclaw-sec.backup"),
            expected.is_some(),
            "{script}: {said}"
        );
        assert!(expected.is_none_or(|words| said.contains(words)), "{said}");
        bench.rotate(&["abort"]).expect(0, "rolled-back");
    }
}

#[test]
fn a_key_of_one_s_own_is_left_to_keygen() {
    for name in ["WEB_API_KEY", "OPENCLAW_GATEWAY_TOKEN"] {
        let bench = Bench::new("http://127.0.0.1:1", &format!("{name}={OLD}\n"));
        let refused = bench.rotate(&["--name", name]);
        refused.expect(2, "failed");
        let next = format!("openclaw-sec keygen --env env/.env --name {name} --replace");
        assert!(refused.stderr.contains(&next), "{refused:?}");
    }
}

#[test]
fn abort_refuses_when_the_old_key_is_dead() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    bench.with_new(&["--restart", "true"]).expect(3, "waiting");
    kill(&keys, OLD);
    let aborted = bench.rotate(&["abort"]);
    aborted.expect(2, "failed").at("revoke");
    let next = aborted.json["next"].as_str().unwrap();
    assert!(next.contains("rotate resume"), "{aborted:?}");
    assert_ne!(aborted.json["old_fingerprint"], json!(null));
    assert!(aborted.stderr.contains("resume"), "{aborted:?}");
    assert!(bench.text().contains(NEW));
    bench.rotate(&["resume"]).expect(0, "done");
}

/// What may happen to a backup while a rotation waits.
fn spoilt() -> [Option<String>; 3] {
    [None, Some(OLD[..20].to_owned()), Some("another".to_owned())]
}

/// A rotation that waits for step 4, with its backup replaced.
fn waits_with(bench: &Bench, backup: Option<&str>) {
    bench.with_new(&["--restart", "true"]).expect(3, "waiting");
    let name = format!("env/.env.{NAME}.openclaw-sec.backup");
    match backup {
        Some(text) => std::fs::write(bench.path(&name), text).unwrap(),
        None => std::fs::remove_file(bench.path(&name)).unwrap(),
    }
}

#[test]
fn an_old_key_that_is_lost_with_its_backup_is_never_called_dead() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    for backup in spoilt() {
        let bench = Bench::new(&mock.url, &env());
        waits_with(&bench, backup.as_deref());
        let after = env().replace(OLD, NEW);
        let waiting = bench.rotate(&["resume"]);
        waiting.expect(3, "waiting").at("revoke");
        let message = waiting.json["message"].as_str().unwrap();
        assert!(message.contains("missing or damaged"), "{message}");
        let refused = bench.rotate(&["abort"]);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains("backup"), "{refused:?}");
        assert_eq!(bench.text(), after);
        bench.rotate(&["resume"]).expect(3, "waiting");
        bench.rotate(&["resume", "--yes"]).expect(0, "done");
        assert_eq!((bench.text(), bench.beside()), (after, vec![".env".into()]));
    }
}

#[test]
fn an_old_key_that_the_file_still_holds_needs_no_backup() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    for backup in spoilt() {
        let twice = format!("{NAME}={OLD}\n{NAME}={OLD}\n");
        let bench = Bench::new(&mock.url, &twice);
        waits_with(&bench, backup.as_deref());
        let waiting = bench.rotate(&["resume"]);
        let message = waiting.expect(3, "waiting").json["message"].to_string();
        assert!(!message.contains("missing or damaged"), "{message}");
        bench.rotate(&["abort"]).expect(0, "rolled-back");
        assert_eq!((bench.text(), bench.beside()), (twice, vec![".env".into()]));
    }
}

#[test]
fn an_old_key_that_is_dead_already_makes_one_run_enough() {
    let keys = alive(&[NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    bench.with_new(&["--restart", "true"]).expect(0, "done");
    assert_eq!(bench.beside(), [".env"]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    bench
        .with_new(&["--dry-run", "--restart", "touch restarted"])
        .expect(0, "planned");
    assert_eq!(bench.text(), env());
    assert_eq!(bench.beside(), [".env"]);
    assert!(!bench.path("restarted").exists());
    bench.rotate(&["status"]).expect(0, "done");
}

#[test]
fn without_a_restart_step_4_waits_for_evidence() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    bench
        .with_new(&["--no-restart"])
        .expect(3, "waiting")
        .at("restart");
    bench
        .rotate(&["resume", "--restarted"])
        .expect(3, "waiting")
        .at("revoke");
    kill(&keys, OLD);
    bench.rotate(&["resume"]).expect(0, "done");
}

#[test]
fn the_new_key_comes_from_stdin_or_a_variable_too() {
    let keys = alive(&[NEW]);
    let mock = anthropic_mock(&keys);
    for from_stdin in [true, false] {
        let bench = Bench::new(&mock.url, &env());
        let output = if from_stdin {
            bench
                .command(&["--name", NAME, "--new-key-file", "-", "--restart", "true"])
                .stdin(std::fs::File::open(bench.path("new")).unwrap())
                .output()
        } else {
            let restart = "sh -c 'env >seen; tr \"\\0\" \"\\n\" </proc/self/cmdline >>seen'";
            bench
                .command(&[
                    "--name",
                    NAME,
                    "--new-key-env",
                    "FRESH",
                    "--restart",
                    restart,
                ])
                .env("FRESH", NEW)
                .env("LANG", NEW)
                .output()
        };
        Done::of(output.unwrap(), &bench).expect(0, "done");
        assert_eq!(bench.text(), env().replace(OLD, NEW));
        let seen = std::fs::read_to_string(bench.path("seen")).unwrap_or_default();
        assert!(!seen.contains(NEW), "a child saw the key");
    }
}

#[test]
fn ages_are_kept_in_the_ledger_and_judged() {
    let keys = alive(&[NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    bench.with_new(&["--restart", "true"]).expect(0, "done");
    let due = bench.rotate(&["due", "--max-age", "90"]);
    assert_eq!(due.code, 0, "{due:?}");
    assert_eq!(due.json["keys"][0]["source"], json!("rotated"));
    // An unknown key is as old as the file.
    let bench = Bench::new(&mock.url, &env());
    let file = std::fs::File::options()
        .write(true)
        .open(bench.env())
        .unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(100 * 86_400);
    file.set_modified(old).unwrap();
    let due = bench.rotate(&["due"]);
    assert_eq!(due.code, 1, "{due:?}");
    assert_eq!(due.json["keys"][0]["due"], json!("overdue"));
    let step = format!("--name {NAME}`");
    assert!(due.stderr.contains(&step), "{due:?}");
    let soon = bench.rotate(&["due", "--max-age", "105"]);
    assert_eq!(soon.code, 0, "{soon:?}");
    assert!(soon.stderr.contains(NAME), "{soon:?}");
}

#[test]
fn providers_and_schedule_are_documents() {
    let bench = Bench::new("http://127.0.0.1:1", &env());
    let providers = bench.rotate(&["providers"]);
    assert_eq!(providers.code, 0);
    assert_eq!(providers.json["providers"].as_array().unwrap().len(), 18);
    let schedule = bench.rotate(&["schedule", "--every", "30"]);
    assert!(schedule.json.to_string().contains("Persistent=true"));
    assert!(
        schedule.json["units"][0]["content"]
            .as_str()
            .unwrap()
            .contains("--max-age 30")
    );
}
