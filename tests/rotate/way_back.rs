//! Nothing is lost on the way back: not the old key, not its copy, not somebody else's.

use std::fs;

use crate::support::*;

const ROLLING_BACK: &str = r#"{"event":"rolling-back","reason":"aborted","gateways":[]}"#;
const PUT_BACK: &str = r#"{"event":"put-back"}"#;

fn env() -> String {
    format!("A=1\n{NAME}={OLD}\n")
}

/// A rotation that waits for step 4.
fn waiting(url: &str) -> Bench {
    let bench = Bench::new(url, &env());
    bench.with_new(&["--restart", "true"]).expect(3, "waiting");
    bench
}

#[test]
fn what_lies_where_the_backup_goes_is_found_at_the_start_and_stays() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    for dry_run in [&[][..], &["--dry-run"]] {
        let bench = Bench::new(&mock.url, &env());
        fs::write(bench.backup(), "precious").unwrap();
        let done = bench.with_new(&[&["--restart", "true"], dry_run].concat());
        assert_eq!(done.code, 2, "{done:?}");
        assert!(done.stderr.contains("exists already"), "{done:?}");
        assert_eq!(fs::read_to_string(bench.backup()).unwrap(), "precious");
        assert_eq!(bench.text(), env());
    }
    assert!(mock.seen.lock().unwrap().is_empty());
    let bench = Bench::new(&mock.url, &env());
    std::os::unix::fs::symlink("nowhere", bench.backup()).unwrap();
    assert_eq!(bench.with_new(&["--restart", "true"]).code, 2);
    assert!(bench.backup().is_symlink());
}

#[test]
fn a_refused_rotation_leaves_the_backup_of_another_state_folder() {
    const THIRD: &str = "sk-ant-api03-third00000000000000000000000000000000003AA";
    let keys = alive(&[OLD, NEW, THIRD]);
    let mock = anthropic_mock(&keys);
    let bench = waiting(&mock.url);
    fs::write(bench.path("new"), THIRD).unwrap();
    let mut command = bench.command(&["--name", NAME, "--new-key-file", "new"]);
    command.env("OPENCLAW_SEC_STATE_DIR", bench.path("other"));
    let done = Done::of(command.output().unwrap(), &bench);
    assert_eq!(done.code, 2, "{done:?}");
    assert_eq!(fs::read_to_string(bench.backup()).unwrap(), OLD);
    bench.rotate(&["abort"]).expect(0, "rolled-back");
    assert_eq!(bench.text(), env());
}

#[test]
fn a_backup_that_appears_meanwhile_stays_too() {
    for others in ["precious", OLD] {
        let keys = alive(&[OLD, NEW]);
        let bench = Bench::new("", &env());
        let backup = bench.backup();
        let mock = Mock::start(move |seen| {
            fs::write(&backup, others).unwrap();
            anthropic(&keys, seen)
        });
        let bench = Bench {
            url: mock.url.clone(),
            ..bench
        };
        let done = bench.with_new(&["--restart", "true"]);
        assert_eq!(done.code, 2, "{done:?}");
        assert_eq!(fs::read_to_string(bench.backup()).unwrap(), others);
        assert_eq!(bench.text(), env());
        let after = bench.rotate(&["resume"]);
        assert_eq!(after.code, 0, "no journal is left: {after:?}");
    }
}

#[test]
fn a_key_that_died_during_the_way_back_does_not_replace_a_live_one() {
    for events in [&[ROLLING_BACK][..], &[ROLLING_BACK, PUT_BACK]] {
        let keys = alive(&[OLD, NEW]);
        let mock = anthropic_mock(&keys);
        let bench = waiting(&mock.url);
        events.iter().for_each(|event| bench.note(event));
        kill(&keys, OLD);
        let refused = bench.rotate(&["abort"]);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains("dead"), "{refused:?}");
        assert!(bench.text().contains(NEW));
        bench.rotate(&["resume"]).expect(0, "done");
        assert!(bench.text().contains(NEW));
        assert_eq!(bench.beside(), [".env"]);
    }
}

#[test]
fn a_dead_key_that_is_back_already_is_called_dead() {
    for action in ["abort", "resume"] {
        let keys = alive(&[OLD, NEW]);
        let mock = anthropic_mock(&keys);
        let bench = waiting(&mock.url);
        bench.note(ROLLING_BACK);
        fs::write(bench.env(), env()).unwrap();
        bench.note(PUT_BACK);
        kill(&keys, OLD);
        let done = bench.rotate(&[action]);
        done.expect(1, "failed");
        assert!(done.json["message"].as_str().unwrap().contains("dead"));
        // Nothing is in the way of a rotation to a key that works.
        bench.with_new(&["--restart", "true"]).expect(0, "done");
    }
}

#[test]
fn a_way_back_that_was_cut_off_goes_on_while_the_key_lives() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    for action in ["abort", "resume"] {
        let bench = waiting(&mock.url);
        bench.note(ROLLING_BACK);
        let status = bench.rotate(&["status"]);
        assert!(status.json["next"].as_str().unwrap().contains("abort"));
        let code = i32::from(action == "resume");
        bench.rotate(&[action]).expect(code, "rolled-back");
        assert_eq!(bench.text(), env());
    }
}

#[test]
fn the_only_copy_of_the_old_key_stays_while_the_file_has_no_place_for_it() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    for text in [
        "A=1\n".to_owned(),
        format!("A=1\n#{NAME}={NEW}\n"),
        format!("A=1\n{NAME}=\n"),
    ] {
        let bench = waiting(&mock.url);
        fs::write(bench.env(), &text).unwrap();
        bench.rotate(&["resume"]).expect(3, "waiting");
        for _ in 0..2 {
            let done = bench.rotate(&["abort"]);
            done.expect(1, "failed");
            let message = done.json["message"].as_str().unwrap();
            let backup = bench.backup().canonicalize().unwrap();
            assert!(message.contains(backup.to_str().unwrap()), "{message}");
            assert_eq!(fs::read_to_string(bench.backup()).unwrap(), OLD);
            assert_eq!(bench.text(), text);
        }
        fs::write(bench.env(), env()).unwrap();
        bench.rotate(&["abort"]).expect(0, "rolled-back");
        assert_eq!(bench.beside(), [".env"]);

        // Whoever removes the copy gives the key up.
        let bench = waiting(&mock.url);
        fs::write(bench.env(), &text).unwrap();
        fs::remove_file(bench.backup()).unwrap();
        bench.rotate(&["abort"]).expect(0, "rolled-back");
        assert_eq!(bench.text(), text);
    }
}

#[test]
fn the_only_copy_stays_where_the_variable_vanished_before_the_switch() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    for action in ["abort", "resume"] {
        let bench = waiting(&mock.url);
        let folder = bench.path("state/rotations");
        let names = names(&folder);
        let journal = names
            .iter()
            .find(|name| name.ends_with(".journal"))
            .unwrap();
        let text = fs::read_to_string(folder.join(journal)).unwrap();
        let lines: Vec<&str> = text.lines().take(3).collect();
        assert!(lines[2].contains("\"staged\""), "{lines:?}");
        fs::write(folder.join(journal), lines.join("\n") + "\n").unwrap();
        fs::write(bench.env(), "A=1\n").unwrap();
        bench.rotate(&[action]).expect(1, "failed");
        assert_eq!(fs::read_to_string(bench.backup()).unwrap(), OLD);
    }
}

#[test]
fn a_ledger_that_is_damaged_is_found_before_anything_is_changed() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env());
    fs::create_dir(bench.path("state")).unwrap();
    fs::write(bench.path("state/ledger.json"), "{damaged").unwrap();
    let done = bench.with_new(&["--restart", "true"]);
    assert_eq!(done.code, 4, "{done:?}");
    assert!(done.stderr.contains("move it away"), "{done:?}");
    assert_eq!(bench.text(), env());
    assert!(mock.seen.lock().unwrap().is_empty());
}

#[test]
fn a_journal_that_is_damaged_leads_to_the_backup() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    for damage in ["{\"event\":", "\0\0\0\n"] {
        let bench = waiting(&mock.url);
        bench.note(damage);
        for action in ["status", "resume", "abort"] {
            let done = bench.rotate(&[action]);
            assert_eq!(done.code, 4, "{done:?}");
            assert!(done.stderr.contains(".openclaw-sec.backup"), "{done:?}");
            assert!(bench.text().contains(NEW));
        }
    }
}

#[test]
fn where_nothing_is_in_progress_the_file_and_the_others_are_named() {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = waiting(&mock.url);
    for action in ["status", "resume", "abort"] {
        let mut command = bench.program();
        command.args(["rotate", action, "--format", "json", "--env", "home/.env"]);
        let done = Done::of(command.output().unwrap(), &bench);
        let message = done.expect(0, "done").json["message"].as_str().unwrap();
        for part in ["home/.env", "does not exist", NAME, "env/.env"] {
            assert!(message.contains(part), "{message}");
        }
    }
}

#[test]
fn a_name_of_its_own_comes_of_age_like_any_other() {
    let keys = alive(&[NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &format!("PORT=8080\nBOT={OLD}\n"));
    let names = |arguments: &[&str]| -> Vec<String> {
        let ages = bench.rotate(arguments).json["keys"].clone();
        let ages = ages.as_array().unwrap().clone();
        ages.iter()
            .map(|age| format!("{}/{}", age["name"], age["provider"]))
            .collect()
    };
    fs::write(bench.path("new"), "plain-new-key-0001").unwrap();
    keys.lock().unwrap().insert("plain-new-key-0001".to_owned());
    let arguments = [
        "--name",
        "BOT",
        "--provider",
        "anthropic",
        "--new-key-file",
        "new",
    ];
    bench
        .rotate(&[&arguments[..], &["--restart", "true"]].concat())
        .expect(0, "done");
    assert_eq!(names(&["due"]), ["\"BOT\"/\"anthropic\""]);
    assert_eq!(names(&["due", "--name", "PORT"]), ["\"PORT\"/null"]);
    let unknown = bench.rotate(&["due", "--name", "BOTT"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.stderr.contains("did you mean BOT?"), "{unknown:?}");
}
