//! Nothing is lost on the way back: not the old key, not its copy, not somebody else's.

use std::fs;

use crate::support::*;

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
