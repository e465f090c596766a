//! Bad keys, bad answers and bad files: nothing is changed, and no key goes where it should not.

use std::os::unix::fs::symlink;
use std::sync::Arc;

use serde_json::json;

use crate::support::*;

fn env() -> String {
    format!("A=1\n{NAME}={OLD}\nB=2\n")
}

#[track_caller]
fn nothing_changed(bench: &Bench, before: &str) {
    assert_eq!(bench.text(), before);
    assert_eq!(bench.beside(), [".env"]);
    bench.rotate(&["status"]).expect(0, "done");
}

#[test]
fn a_refused_key_ends_with_1_and_an_undecided_one_with_3() {
    type Case = (i32, &'static str, fn() -> Reply);
    let cases: [Case; 6] = [
        (1, "failed", || {
            Reply::Json(
                401,
                json!({"type": "error", "error": {"type": "authentication_error"}}),
            )
        }),
        (3, "waiting", || {
            Reply::Json(500, json!({"error": {"type": "api_error"}}))
        }),
        (3, "waiting", || Reply::Text(200, "<html>login</html>")),
        (3, "waiting", || Reply::Text(401, "<html>portal</html>")),
        (3, "waiting", || Reply::Reset),
        (3, "waiting", || {
            Reply::Json(529, json!({"error": {"type": "overloaded_error"}}))
        }),
    ];
    for (code, status, reply) in cases {
        let mock = Mock::start(move |_| reply());
        let bench = Bench::new(&mock.url, &env());
        bench
            .with_new(&["--restart", "touch restarted"])
            .expect(code, status)
            .at("generate");
        nothing_changed(&bench, &env());
        assert!(!bench.path("restarted").exists());
    }
}

#[test]
fn a_redirect_takes_no_key_elsewhere() {
    let other = Mock::start(|_| Reply::Json(200, json!({"data": []})));
    let elsewhere = other.url.clone();
    let mock = Mock::start(move |_| Reply::Redirect(format!("{elsewhere}/v1/models")));
    let bench = Bench::new(&mock.url, &env());
    bench.with_new(&["--restart", "true"]).expect(3, "waiting");
    assert_eq!(other.seen.lock().unwrap().len(), 0);
    nothing_changed(&bench, &env());
}

#[test]
fn a_provider_that_hangs_decides_nothing() {
    let mock = Mock::start(|_| Reply::Hang);
    let bench = Bench::new(&mock.url, &env());
    let started = std::time::Instant::now();
    bench.with_new(&["--restart", "true"]).expect(3, "waiting");
    assert!(started.elapsed().as_secs() < 120);
    assert!(mock.seen.lock().unwrap().len() <= 2);
    nothing_changed(&bench, &env());
}

#[test]
fn a_pasted_mistake_is_refused_before_any_request() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let openai = format!("sk-proj-{}T3BlbkFJ{}", "a1".repeat(37), "b2".repeat(37));
    for bad in [
        OLD,
        "",
        "\n",
        &format!("{NEW}\n{NEW}\n"),
        &format!("'{NEW}'"),
        &format!("\"{NEW}\"\n"),
        &format!("{NEW}\u{200b}"),
        &format!(" {NEW}"),
        "sk-ant-admin01-abcdefghijklmnop",
        &openai,
    ] {
        let bench = Bench::new(&mock.url, &env());
        std::fs::write(bench.path("new"), bad).unwrap();
        let done = bench.with_new(&["--restart", "true"]);
        assert!(matches!(done.code, 1 | 2), "{bad:?}: {done:?}");
        nothing_changed(&bench, &env());
    }
    assert_eq!(mock.seen.lock().unwrap().len(), 0);
}

#[test]
fn a_key_of_another_account_is_refused() {
    let mock = Mock::start(|seen| {
        let id = if seen.path.contains("1111:") {
            1111
        } else {
            2222
        };
        Reply::Json(
            200,
            json!({"ok": true, "result": {"id": id, "is_bot": true}}),
        )
    });
    let old = "TELEGRAM_BOT_TOKEN=1111:AAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n";
    let bench = Bench::new(&mock.url, old);
    std::fs::write(
        bench.path("new"),
        "2222:BBbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    )
    .unwrap();
    let done = bench.rotate(&[
        "--provider",
        "telegram",
        "--new-key-file",
        "new",
        "--restart",
        "true",
    ]);
    done.expect(1, "failed");
    nothing_changed(&bench, old);
}

#[test]
fn usage_errors_name_what_is_missing() {
    let bench = Bench::new("http://127.0.0.1:1", &env());
    let cases: [(&[&str], &str); 8] = [
        (&["--name", NAME], "--new-key-file"),
        (
            &["--name", "ANTHROPIC_API_KEI", "--new-key-file", "new"],
            NAME,
        ),
        (
            &["--provider", "openai", "--new-key-file", "new"],
            "OPENAI_API_KEY",
        ),
        (&["--provider", "nobody", "--new-key-file", "new"], "nobody"),
        (
            &["--name", NAME, "--new-key-file", "new", "--revoke", "auto"],
            "--admin-key-env",
        ),
        (
            &["--name", NAME, "--new-key-file", "missing"],
            "no such file",
        ),
        (
            &[
                "--name",
                NAME,
                "--new-key-file",
                "new",
                "--admin-key-env",
                "NONE",
            ],
            "NONE",
        ),
        (
            &[
                "--name",
                NAME,
                "--new-key-file",
                "new",
                "--restart",
                "true",
                "--no-restart",
            ],
            "cannot be used with",
        ),
    ];
    for (arguments, named) in cases {
        let done = bench.rotate(arguments);
        assert_eq!(done.code, 2, "{arguments:?}: {done:?}");
        assert!(done.stderr.contains(named), "{arguments:?}: {done:?}");
    }
    for url in [
        "http://example.org",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "http://127.0.0.1@example.org",
        "ftp://127.0.0.1",
        "http://user:pass@127.0.0.1",
    ] {
        let bench = Bench::new(url, &env());
        let done = bench.with_new(&["--restart", "true"]);
        assert_eq!(done.code, 2, "{url}: {done:?}");
    }
}

#[test]
fn a_flag_wins_over_settings_that_exclude_it() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    std::fs::write(
        bench.path("openclaw-sec.toml"),
        "[rotate]\nrestart-unit = \"no-such\"\nuser = true\nnew-key-env = \"NO_SUCH\"\n",
    )
    .unwrap();
    for flags in [&["--restart", "true"][..], &["--no-restart"]] {
        let done = bench.with_new(&[flags, &["--dry-run"]].concat());
        done.expect(0, "planned");
    }
    std::fs::remove_file(bench.path("openclaw-sec.toml")).unwrap();
    for (value, flags) in [
        ("1", &["--restart", "true"][..]),
        ("0", &["--restart", "true"]),
    ] {
        let mut command = bench.command(
            &[
                &["--name", NAME, "--new-key-file", "new", "--dry-run"],
                flags,
            ]
            .concat(),
        );
        command.env("OPENCLAW_SEC_NO_RESTART", value);
        Done::of(command.output().unwrap(), &bench).expect(0, "planned");
    }
}

#[test]
fn files_that_cannot_be_replaced_are_refused() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    std::fs::hard_link(bench.env(), bench.path("twin")).unwrap();
    let done = bench.with_new(&["--restart", "true"]);
    assert_eq!(done.code, 2, "{done:?}");
    nothing_changed(&bench, &env());

    let bench = Bench::new(&mock.url, &env());
    std::fs::remove_file(bench.env()).unwrap();
    std::fs::create_dir(bench.env()).unwrap();
    assert_eq!(bench.with_new(&["--restart", "true"]).code, 2);

    let bench = Bench::new(&mock.url, &env());
    std::fs::remove_file(bench.env()).unwrap();
    symlink(".env", bench.env()).unwrap();
    assert_eq!(bench.with_new(&["--restart", "true"]).code, 2);

    // A link to the file is followed and stays.
    let bench = Bench::new(&mock.url, &env());
    std::fs::rename(bench.env(), bench.path("real.env")).unwrap();
    symlink("../real.env", bench.env()).unwrap();
    bench.with_new(&["--restart", "true"]).expect(3, "waiting");
    assert!(bench.env().symlink_metadata().unwrap().is_symlink());
    assert_eq!(bench.text(), env().replace(OLD, NEW));
}

#[test]
fn two_rotations_at_once_end_with_one_refused() {
    let keys = alive(&[OLD, NEW]);
    let shared = Arc::clone(&keys);
    // The provider answers the first one only after the second one has ended.
    let hold = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let held = Arc::clone(&hold);
    let mock = Mock::start(move |seen| {
        eventually("the end of the second one", || {
            !held.load(std::sync::atomic::Ordering::SeqCst)
        });
        anthropic(&shared, seen)
    });
    let bench = Bench::new(&mock.url, &env());
    let arguments = ["--name", NAME, "--new-key-file", "new", "--restart", "true"];
    let mut command = bench.command(&arguments);
    let pipe = || std::process::Stdio::piped();
    let first = command.stdout(pipe()).stderr(pipe()).spawn().unwrap();
    eventually("a request", || !mock.seen.lock().unwrap().is_empty());
    let second = Done::of(bench.command(&arguments).output().unwrap(), &bench);
    hold.store(false, std::sync::atomic::Ordering::SeqCst);
    let first = Done::of(first.wait_with_output().unwrap(), &bench);
    assert_eq!((first.code, second.code), (3, 2));
}

#[test]
fn a_file_that_somebody_changes_meanwhile_keeps_the_change() {
    let keys = alive(&[OLD, NEW]);
    let mock = Arc::clone(&keys);
    let bench = Bench::new("", &env());
    let path = bench.env();
    let mock = Mock::start(move |seen| {
        let text = std::fs::read_to_string(&path).unwrap();
        if !text.contains("LATER") {
            std::fs::write(&path, format!("{text}LATER=1\n")).unwrap();
        }
        anthropic(&mock, seen)
    });
    let bench = Bench {
        url: mock.url.clone(),
        ..bench
    };
    bench.with_new(&["--restart", "true"]).expect(3, "waiting");
    assert_eq!(bench.text(), env().replace(OLD, NEW) + "LATER=1\n");
}

#[test]
fn an_old_value_of_another_provider_is_never_sent_to_this_one() {
    let keys = alive(&[NEW]);
    let mock = anthropic_mock(&keys);
    let foreign = format!("sk-or-v1-{}", "0a1b2c3d".repeat(8));
    let bench = Bench::new(&mock.url, &format!("{NAME}={foreign}\n"));
    let done = bench.with_new(&["--restart", "true"]);
    done.expect(3, "waiting").at("revoke");
    let message = done.json["message"].as_str().unwrap();
    assert!(
        message.contains("revoke it where it comes from"),
        "{message}"
    );
    bench.rotate(&["resume"]).expect(3, "waiting");
    assert_eq!(bench.beside().len(), 2, "the backup stays");
    bench.rotate(&["resume", "--yes"]).expect(0, "done");
    let seen = mock.seen.lock().unwrap();
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.key() == NEW));
    assert_eq!(bench.beside(), [".env"]);
}

#[test]
fn an_old_value_that_is_no_key_at_all_is_asked_about_nowhere() {
    let keys = alive(&[NEW]);
    let mock = anthropic_mock(&keys);
    for old in ["<paste key>", "'your key here'", "changeme"] {
        let bench = Bench::new(&mock.url, &format!("{NAME}={old}\n"));
        bench.with_new(&["--restart", "true"]).expect(0, "done");
        assert!(bench.text().contains(NEW), "{old}");
    }
    let seen = mock.seen.lock().unwrap();
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.key() == NEW));
}

#[test]
fn an_old_value_that_leads_to_a_key_or_holds_one_is_not_called_dead() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    for old in [
        "$BASE",
        "\"${BASE}\"",
        &format!("${{BASE:-{OLD}}}"),
        &format!("\"{OLD} rotated-2025\""),
        &format!("\"Bearer {OLD}\""),
        &format!("{OLD},other"),
        "pässwort-alt-123456",
    ] {
        let bench = Bench::new(&mock.url, &format!("{NAME}={old}\n"));
        let done = bench.with_new(&["--restart", "true"]);
        done.expect(3, "waiting").at("revoke");
        assert!(done.json["message"].to_string().contains("--yes"), "{old}");
        bench.rotate(&["resume"]).expect(3, "waiting");
        bench.rotate(&["resume", "--yes"]).expect(0, "done");
    }
    let seen = mock.seen.lock().unwrap();
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.key() == NEW));
}

#[test]
fn blanks_around_the_old_key_are_no_part_of_it() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let text = format!("{NAME}=\" {OLD} \"\n");
    let bench = Bench::new(&mock.url, &text);
    bench.with_new(&["--restart", "true"]).expect(3, "waiting");
    let was_asked = mock
        .seen
        .lock()
        .unwrap()
        .iter()
        .any(|seen| seen.key() == OLD);
    assert!(was_asked);
    kill(&keys, OLD);
    bench.rotate(&["resume"]).expect(0, "done");
}

#[test]
fn a_line_with_more_than_a_value_is_refused_before_anything_happens() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    for line in [
        format!("export {NAME}={OLD}; export B=2"),
        format!("{NAME}={OLD} B=1"),
        format!("{NAME}={OLD};"),
        format!("{NAME}=`echo {OLD}`"),
    ] {
        let text = format!("A=1\n{line}\n");
        let bench = Bench::new(&mock.url, &text);
        let refused = bench.with_new(&["--restart", "touch restarted"]);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains("line 2"), "{refused:?}");
        nothing_changed(&bench, &text);
    }
    let seen = mock.seen.lock().unwrap();
    assert!(
        seen.iter().all(|seen| seen.key() == NEW),
        "the text is no key"
    );
}
