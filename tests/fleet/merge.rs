//! Reports that were written elsewhere.

use serde_json::{Value, json};

use crate::Fleet;
use crate::support::{FORMATS, HARDENED, PAGE, Place, is_root};

/// A place with `pass.json` and `fail.json` in `reports`.
fn reports() -> Place {
    let place = Place::with_env(HARDENED);
    place.write("page.env", PAGE);
    std::fs::create_dir(place.path("reports")).unwrap();
    for (line, code) in [
        ("--output reports/pass.json", 0),
        ("--env page.env --output reports/fail.json", 1),
    ] {
        let ended = place.line(&format!("check --only declared --format json {line}"));
        assert_eq!(ended.code, code, "{}", ended.both());
    }
    place
}

fn report(place: &Place, name: &str) -> Value {
    serde_json::from_slice(&place.read(name)).unwrap()
}

/// `reports/pass.json`, changed.
fn changed(place: &Place, change: impl FnOnce(&mut Value)) -> String {
    let mut report = report(place, "reports/pass.json");
    change(&mut report);
    report.to_string()
}

#[test]
fn reports_are_passed_on_as_they_are_and_added_up() {
    let place = reports();
    let later = changed(&place, |report| {
        report["target"]["name"] = json!("later");
        report["surprise"] = json!({"deep": [1, null]});
        report["results"][0]["owner"] = json!("of a later version");
    });
    // A number that no number type of ours holds.
    let later = later.replacen(
        "\"duration_ms\"",
        "\"exact\":123456789012345678901234567890,\"duration_ms\"",
        1,
    );
    place.write("reports/later.json", &later);
    // As other programs lay it out.
    let laid_out = changed(&place, |report| {
        report["target"]["name"] = json!("\u{202e}laid out")
    });
    let laid_out = laid_out.replace(",\"", ",\r\n\t\"");
    place.write("reports/laid-out.json", &laid_out);
    let fleet = Fleet::of(&place, "--merge reports");
    assert_eq!(fleet.names(), ["fail", "\u{202e}laid out", "later", "pass"]);
    let laid_out: Value = serde_json::from_str(&laid_out).unwrap();
    assert_eq!(fleet.target("\u{202e}laid out")["report"], laid_out);
    for name in ["fail", "pass"] {
        let report = report(&place, &format!("reports/{name}.json"));
        assert_eq!(fleet.target(name)["report"], report);
        assert_eq!(fleet.status(name), name);
    }
    assert!(fleet.text.contains(later.trim()), "{}", fleet.text);
    for count in ["pass", "fail", "unknown", "skipped", "waived"] {
        let counts = fleet.targets().iter();
        let sum: u64 = counts
            .map(|target| target["report"]["summary"][count].as_u64().unwrap())
            .sum();
        assert_eq!(fleet.document["summary"][count], sum, "{count}");
    }
    assert_eq!(fleet.document["summary"]["targets"], 4);
    assert_eq!(fleet.document["summary"]["worst"], "critical");
    assert_eq!(fleet.code, 1);
}

#[test]
fn what_is_no_report_is_unknown_and_keeps_its_name() {
    let place = reports();
    let pass = String::from_utf8(place.read("reports/pass.json")).unwrap();
    let deep = format!(
        "\"surprise\": {}{},",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let cases: [(&str, String, &str); 12] = [
        (
            "cut",
            pass[..pass.len() / 2].to_owned(),
            "is cut off in line",
        ),
        ("empty", String::new(), "is cut off in line 1"),
        (
            "words",
            "these are words".to_owned(),
            "is no JSON (line 1, column 2)",
        ),
        ("list", "[]".to_owned(), "names no schema"),
        ("twice", format!("{pass}{pass}"), "is no JSON"),
        ("nobody", json!({"a": 1}).to_string(), "names no schema"),
        (
            "other",
            pass.replace("openclaw-sec/check/1", "openclaw-sec/check/9"),
            "has the schema openclaw-sec/check/9",
        ),
        (
            "word",
            pass.replacen("\"status\": \"pass\"", "\"status\": \"fine\"", 1),
            "none that this version understands",
        ),
        (
            "timeless",
            changed(&place, |report| report["started_at"] = json!("yesterday")),
            "does not say when it was made",
        ),
        (
            "hollow",
            changed(&place, |report| report["results"] = json!(null)),
            "none that",
        ),
        (
            "deep",
            pass.replacen('{', &format!("{{{deep}"), 1),
            "is nested too deeply",
        ),
        (
            "bare",
            "{\"schema\": \"openclaw-sec/check/1\"}".to_owned(),
            "none that this version understands",
        ),
    ];
    for (name, text, _) in &cases {
        place.write(&format!("reports/{name}.json"), text);
    }
    std::fs::create_dir(place.path("reports/folder.json")).unwrap();
    let large = std::fs::File::create(place.path("reports/large.json")).unwrap();
    large.set_len((64 << 20) + 1).unwrap();
    std::os::unix::fs::symlink("nowhere", place.path("reports/gone.json")).unwrap();
    let fleet = Fleet::of(&place, "--merge reports");
    let more = [
        ("folder", "is no regular file"),
        ("large", "is larger than 67108864 bytes"),
        ("gone", "cannot be read"),
    ];
    let expected = cases.iter().map(|(name, _, reason)| (*name, *reason));
    for (name, reason) in expected.chain(more) {
        assert_eq!(fleet.status(name), "unknown", "{name}");
        assert!(
            fleet.reason(name).contains(reason),
            "{name}: {}",
            fleet.reason(name)
        );
        assert_eq!(
            fleet.target(name)["report"]["summary"]["unknown"],
            1,
            "{name}"
        );
    }
    assert_eq!(fleet.targets().len(), cases.len() + more.len() + 2);
    assert_eq!(fleet.status("pass"), "pass");
}

#[test]
fn a_file_that_may_not_be_read_is_unknown() {
    if is_root() {
        // Root may read everything.
        return;
    }
    let place = reports();
    let path = place.path("reports/pass.json");
    let nobody = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    std::fs::set_permissions(path, nobody).unwrap();
    let fleet = Fleet::of(&place, "--merge reports");
    assert_eq!(fleet.status("pass"), "unknown");
}

#[test]
fn who_is_expected_and_silent_is_unknown() {
    let place = reports();
    place.write(
        "names",
        "\u{feff}# the fleet\npass\n\n  silent  \r\nsilent\n",
    );
    let fleet = Fleet::of(&place, "--merge reports/pass.json --expect names");
    assert_eq!(fleet.names(), ["pass", "silent"]);
    assert_eq!(fleet.status("silent"), "unknown");
    assert!(fleet.reason("silent").contains("expected"));
    assert_eq!(fleet.code, 3);
    // Who reports without being expected is there, too.
    let fleet = Fleet::of(&place, "--merge reports --expect names");
    assert_eq!(fleet.names(), ["fail", "pass", "silent"]);
    assert_eq!(fleet.code, 1);
    // Of an empty folder, every name is unknown.
    std::fs::create_dir(place.path("empty")).unwrap();
    let fleet = Fleet::of(&place, "--merge empty --expect names");
    assert_eq!(fleet.names(), ["pass", "silent"]);
    assert_eq!(fleet.code, 3);
}

#[test]
fn an_old_report_does_not_speak_for_today() {
    let place = reports();
    let now: jiff::Timestamp = report(&place, "reports/pass.json")["started_at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let cases = [
        ("a", -35, "36h", "pass"),
        ("b", -37, "36h", "unknown"),
        ("c", -37, "4d", "pass"),
        ("d", -97, "4d", "unknown"),
        ("e", -2, "90m", "unknown"),
        ("f", -1, "1h30m", "pass"),
        // A clock that is ahead would keep a report young for ever.
        ("g", 48, "36h", "unknown"),
    ];
    for (name, hours, max_age, status) in cases {
        let time = now + jiff::SignedDuration::from_hours(hours);
        let text = changed(&place, |report| {
            report["started_at"] = json!(time.to_string())
        });
        let file = place.write(&format!("{name}.json"), text);
        let line = format!("--merge {} --max-age {max_age}", file.display());
        let fleet = Fleet::of(&place, &line);
        assert_eq!(fleet.status(name), status, "{name}: {}", fleet.reason(name));
        assert_eq!(fleet.code, if status == "pass" { 0 } else { 3 }, "{name}");
        let fleet = Fleet::of(&place, &format!("--merge {}", file.display()));
        assert_eq!(fleet.status(name), "pass", "{name} without --max-age");
    }
}

#[test]
fn the_exit_code_is_that_of_a_single_run_in_every_format() {
    let place = reports();
    place.write("cut.json", "{");
    std::fs::create_dir(place.path("empty")).unwrap();
    let cases = [
        ("reports/pass.json", "", 0),
        ("reports/fail.json", "", 1),
        ("reports/fail.json", "--fail-on never", 0),
        ("cut.json", "", 3),
        ("cut.json", "--fail-on never", 3),
        ("cut.json reports/fail.json", "", 1),
        ("cut.json reports/fail.json", "--fail-on never", 3),
        ("empty", "", 3),
    ];
    for (paths, more, code) in cases {
        for format in FORMATS {
            let ended = place.line(&format!("check --merge {paths} {more} --format {format}"));
            assert_eq!(
                ended.code,
                code,
                "{paths} {more} {format}: {}",
                ended.both()
            );
        }
    }
}

#[test]
fn a_summary_that_disagrees_with_its_results_is_no_pass() {
    let place = reports();
    type Case = (&'static str, fn(&mut Value), &'static str, i32);
    let cases: [Case; 3] = [
        ("less", |r| r["results"] = json!([]), "unknown", 3),
        (
            "hidden",
            |r| r["results"][0]["status"] = json!("fail"),
            "fail",
            1,
        ),
        (
            "endless",
            |r| r["summary"]["pass"] = json!(u64::MAX),
            "unknown",
            3,
        ),
    ];
    for (name, change, status, code) in cases {
        let text = changed(&place, |report| {
            change(report);
            for result in report["results"].as_array_mut().unwrap() {
                result["severity"] = json!("high");
            }
        });
        place.write(&format!("{name}.json"), text);
        // Together with others, so that sums may overflow.
        let fleet = Fleet::of(&place, &format!("--merge {name}.json reports/pass.json"));
        assert_eq!(fleet.status(name), status, "{name}");
        assert!(fleet.reason(name).contains("summary"), "{name}");
        assert_eq!(fleet.code, code, "{name}");
        let document: Value = serde_json::from_str(&fleet.text).unwrap();
        for count in ["pass", "fail", "unknown", "skipped", "waived"] {
            let printed = document["targets"].as_array().unwrap().iter();
            let printed = printed.map(|one| one["report"]["summary"][count].as_u64().unwrap());
            let sum = printed.fold(0, u64::saturating_add);
            assert_eq!(document["summary"][count], sum, "{name} {count}");
        }
        let has_said_so = |text: &str| text.matches("unsound-report").count();
        let once = has_said_so(&fleet.text);
        assert_ne!(once, 0, "{name}: {}", fleet.text);
        place.write("again.json", &fleet.text);
        let again = Fleet::of(&place, "--merge again.json");
        assert_eq!(has_said_so(&again.text), once, "{name}");
        for format in FORMATS.into_iter().filter(|it| *it != "json") {
            let line = format!("check --merge {name}.json --format {format}");
            let text = place.line(&line).stdout;
            assert!(text.contains("unsound-report"), "{name} {format}: {text}");
            assert!(!text.contains("nothing wrong"), "{name} {format}: {text}");
        }
    }
}

#[test]
fn reports_under_one_name_all_stay_visible() {
    let place = reports();
    let named = |name: &str, time: &str| {
        changed(&place, |report| {
            report["target"]["name"] = json!(name);
            report["started_at"] = json!(time);
        })
    };
    place.write("x/one.json", named("bot", "2026-01-01T00:00:00Z"));
    place.write("x/two.json", named("bot", "2026-01-02T00:00:00Z"));
    place.write("a/report.json", place.read("reports/pass.json"));
    place.write("b/report.json", place.read("reports/fail.json"));
    let fleet = Fleet::of(&place, "--merge x a b");
    assert_eq!(
        fleet.names(),
        ["bot (x/one)", "bot", "a/report", "b/report"]
    );
    assert!(
        fleet.stderr.contains("several reports are called bot"),
        "{}",
        fleet.stderr
    );
    assert_eq!(fleet.code, 1);
    // The same file named twice is one report.
    let fleet = Fleet::of(&place, "--merge x --merge x/two.json x/../x");
    assert_eq!(fleet.names(), ["bot (x/one)", "bot"]);
}

#[test]
fn a_fleets_report_is_taken_apart() {
    let place = reports();
    place.write("names", "silent\n");
    let line = "check --merge reports --expect names --format json --output fleet.json";
    assert_eq!(place.line(line).code, 1);
    let fleet = Fleet::of(&place, "--merge fleet.json");
    assert_eq!(fleet.names(), ["fail", "pass", "silent"]);
    let before = report(&place, "fleet.json");
    assert_eq!(fleet.document["targets"], before["targets"]);
    let old = Fleet::of(&place, "--merge fleet.json --max-age 1000w");
    assert_eq!(old.code, 1);
    let mut bare = before;
    bare["targets"][1]["report"] = Value::Null;
    place.write("bare.json", bare.to_string());
    let fleet = Fleet::of(&place, "--merge bare.json");
    assert_eq!(fleet.status("pass"), "unknown");
    assert!(fleet.reason("pass").contains("holds no report of it"));
}

#[test]
fn what_this_run_writes_is_not_read_and_takes_no_reports_place() {
    let place = reports();
    let line = "check --merge reports --format json --output reports/fleet.json";
    for _ in 0..2 {
        assert_eq!(place.line(line).code, 1);
        let fleet = report(&place, "reports/fleet.json");
        assert_eq!(fleet["summary"]["targets"], 2);
    }
    let before = place.read("reports/pass.json");
    for paths in ["reports", "reports/pass.json"] {
        let ended = place.line(&format!("check --merge {paths} --output reports/pass.json"));
        assert_eq!(ended.code, 2, "{}", ended.both());
        assert_eq!(place.read("reports/pass.json"), before);
    }
}

#[test]
fn what_cannot_be_merged_is_a_usage_error() {
    let place = reports();
    let cases = [
        ("--merge", "a value is required"),
        ("--merge nowhere", "no such file or folder"),
        ("--merge reports nowhere.json", "no such file or folder"),
        ("--merge reports --expect nowhere", "--expect nowhere"),
        ("--merge reports --max-age 36", "such as 36h"),
        ("--merge reports --max-age 0h", "such as 36h"),
        ("--merge reports --max-age soon", "such as 36h"),
        ("--merge reports --env .env", "cannot be used with"),
        (
            "--merge reports --url https://bot.example",
            "cannot be used with",
        ),
        ("--merge reports --only auth", "cannot be used with"),
        ("--merge reports --fix", "cannot be used with"),
        (
            "--merge reports --targets fleet.toml",
            "cannot be used with",
        ),
        ("--max-age 36h", "--merge"),
        ("--expect names", "--merge"),
    ];
    for (line, expected) in cases {
        let ended = place.line(&format!("check {line} --format json"));
        assert_eq!(ended.code, 2, "{line}: {}", ended.both());
        assert!(ended.stderr.contains(expected), "{line}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{line}");
    }
}

#[test]
fn foreign_words_have_no_power_over_a_terminal() {
    let place = reports();
    let text = changed(&place, |report| {
        report["target"]["name"] = json!("\u{1b}[2Jbot\u{202e}\r\n::error::x");
        report["results"][0]["message"] = json!("\u{1b}]0;title\u{7}");
        report["results"][0]["status"] = json!("fail");
    });
    place.write("hostile.json", text);
    for format in ["human", "json", "markdown", "github"] {
        let ended = place.line(&format!("check --merge hostile.json --format {format}"));
        let both = ended.both();
        assert!(
            !both.contains(['\u{1b}', '\u{7}', '\u{202e}', '\r']),
            "{format}: {both:?}"
        );
        let is_command = |line: &str| line.starts_with("::error::x");
        assert!(!both.lines().any(is_command), "{format}: {both:?}");
    }
}

#[test]
fn settings_for_other_runs_do_not_stand_in_the_way() {
    let place = reports();
    place.write(
        "openclaw-sec.toml",
        "[check]\nenv = \"prod.env\"\nurl = \"https://bot.example\"\nprofile = \"tailscale\"\nskip = [\"host\"]\n",
    );
    let fleet = Fleet::of(&place, "--merge reports");
    assert_eq!(fleet.names(), ["fail", "pass"]);
}

#[test]
fn merging_opens_no_connection() {
    let place = reports();
    if place.line("--version").code != 0 || place.shell("strace -V").code != 0 {
        crate::servers::skipped("strace is not installed");
        return;
    }
    let ended = place.shell("strace -f -e trace=network -o calls $B check --merge reports -q");
    assert_eq!(ended.code, 1, "{}", ended.both());
    let calls = String::from_utf8(place.read("calls")).unwrap();
    assert!(!calls.contains("socket("), "{calls}");
}
