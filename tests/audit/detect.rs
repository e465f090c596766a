//! Every detector fires as its row of the table says, once for an incident, and on nothing benign.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Following, append, program, run, stderr, stdout};

/// 2026-11-20T10:00:00Z.
const START: i64 = 1_795_168_800;

/// One line: seconds after [`START`], and the fields.
fn line(second: i64, fields: &str) -> String {
    format!("{{\"ts\":{},{fields}}}\n", START + second)
}

fn refused(second: i64, user: &str, ip: &str) -> String {
    line(
        second,
        &format!("\"event\":\"login failed\",\"user\":\"{user}\",\"ip\":\"{ip}\""),
    )
}

fn accepted(second: i64, user: &str, ip: &str) -> String {
    line(
        second,
        &format!("\"event\":\"login succeeded\",\"user\":\"{user}\",\"ip\":\"{ip}\""),
    )
}

fn plain(second: i64) -> String {
    line(second, "\"msg\":\"tick\"")
}

fn failed(second: i64) -> String {
    line(second, "\"level\":\"error\",\"msg\":\"it broke\"")
}

/// The documents that a run over `log` prints.
fn read(folder: &Path, log: &str, arguments: &[&str]) -> Vec<Value> {
    fs::write(folder.join("a.log"), log).unwrap();
    let mut all = vec!["a.log", "--all", "--no-follow", "--detect", "--utc"];
    all.extend(["--format", "json"]);
    all.extend(arguments);
    let output = run(folder, &all);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn is_alert(document: &Value) -> bool {
    document["schema"] == "openclaw-sec/alert/1"
}

/// Severity, detector, subject, count, window; and that each alert follows its trigger.
fn alerts(folder: &Path, log: &str, arguments: &[&str]) -> Vec<String> {
    let documents = read(folder, log, arguments);
    let mut found = Vec::new();
    let mut trigger = Value::Null;
    for document in documents {
        if !is_alert(&document) {
            trigger = document["source"]["offset"].clone();
            continue;
        }
        let evidence = document["evidence"].as_array().unwrap();
        assert!(evidence.len() <= 32);
        assert_eq!(
            evidence.last(),
            Some(&trigger),
            "the trigger stands last: {document}"
        );
        assert!(
            evidence
                .windows(2)
                .all(|pair| pair[0].as_u64() < pair[1].as_u64())
        );
        found.push(format!(
            "{} {} {} {} {}",
            document["severity"].as_str().unwrap(),
            document["detector"].as_str().unwrap(),
            document["subject"].as_str().unwrap(),
            document["count"],
            document["window_s"]
        ));
    }
    found
}

fn check(log: &str, expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(alerts(folder.path(), log, &[]), expected, "{log}");
}

fn repeated(times: i64, every: i64, one: impl Fn(i64) -> String) -> String {
    (0..times).map(|n| one(n * every)).collect()
}

#[test]
fn brute_force_counts_one_address_in_its_windows() {
    let one = |second| refused(second, "mia", "192.0.2.1");
    check(&repeated(4, 10, one), &[]);
    check(
        &repeated(30, 10, one),
        &[
            "medium brute-force 192.0.2.1 5 600",
            "high brute-force 192.0.2.1 20 600",
        ],
    );
    // The first is 600 s old when the fifth comes: it counts no more.
    check(&repeated(5, 150, one), &[]);
    check(
        &repeated(5, 149, one),
        &["medium brute-force 192.0.2.1 5 600"],
    );
    // Slow and patient.
    check(
        &repeated(20, 4000, one),
        &["medium brute-force 192.0.2.1 20 86400"],
    );
    // Quiet for half an hour, then a new incident.
    let twice = repeated(5, 1, one) + &repeated(5, 1, |second| one(second + 1810));
    check(&twice, &["medium brute-force 192.0.2.1 5 600"; 2]);
    let again = repeated(5, 1, one) + &repeated(5, 1, |second| one(second + 1790));
    check(&again, &["medium brute-force 192.0.2.1 5 600"]);
}

#[test]
fn one_address_with_many_users_and_one_user_with_many_addresses() {
    let users = repeated(5, 290, |second| {
        refused(second, &format!("u{second}"), "192.0.2.1")
    });
    check(&users, &["high password-spray 192.0.2.1 5 1200"]);
    let addresses = repeated(5, 800, |second| {
        refused(second, "mia", &format!("192.0.2.{}", 1 + second / 800))
    });
    check(&addresses, &["high credential-stuffing mia 5 3600"]);
    let too_slow = repeated(5, 900, |second| {
        refused(second, "mia", &format!("192.0.2.{}", 1 + second / 900))
    });
    check(&too_slow, &[]);
}

#[test]
fn a_success_after_failures_of_the_address_or_of_the_user() {
    let log = repeated(5, 200, |second| refused(second, "mia", "192.0.2.1"))
        + &accepted(900, "mia", "198.51.100.1");
    check(&log, &["critical success-after-failures mia 5 1800"]);
    let log = repeated(5, 200, |second| {
        refused(second, &format!("u{}", second % 400), "192.0.2.1")
    }) + &accepted(1000, "root", "192.0.2.1");
    check(&log, &["critical success-after-failures root 5 1800"]);
    let nobody = repeated(5, 200, |second| {
        line(second, "\"event\":\"login failed\",\"ip\":\"192.0.2.1\"")
    }) + &line(1000, "\"event\":\"login succeeded\",\"ip\":\"192.0.2.1\"");
    check(
        &nobody,
        &["critical success-after-failures 192.0.2.1 5 1800"],
    );
    let long_ago = repeated(5, 200, |second| refused(second, "mia", "192.0.2.1"))
        + &accepted(1800, "mia", "192.0.2.1");
    check(&long_ago, &[]);
}

#[test]
fn storms_of_the_limiter_name_the_client_or_the_user() {
    let limited = |who: &'static str| {
        move |second: i64| line(second, &format!("\"event\":\"rate_limit.exceeded\",{who}"))
    };
    check(
        &repeated(25, 3, limited("\"ip\":\"192.0.2.1\"")),
        &["medium rate-limit-storm 192.0.2.1 20 60"],
    );
    check(
        &repeated(25, 2, limited("\"user\":\"mia\"")),
        &["medium rate-limit-storm mia 20 60"],
    );
    check(&repeated(40, 4, limited("\"ip\":\"192.0.2.1\"")), &[]);
}

#[test]
fn an_error_spike_needs_a_warm_log_and_a_calm_hour() {
    let burst = |from: i64| repeated(30, 5, move |second| failed(from + second));
    check(&(plain(0) + &burst(1600)), &[]);
    check(
        &(plain(0) + &burst(1900)),
        &["medium error-spike a.log 20 300"],
    );
    // A line without a time is no beginning of the log.
    check(&(format!("a banner\n{}", plain(0)) + &burst(1600)), &[]);
    // Six errors in five minutes are usual here: more than four times as many are needed.
    let usual = plain(0) + &repeated(80, 50, failed);
    check(
        &(usual.clone() + &burst(4050)),
        &["medium error-spike a.log 25 300"],
    );
    check(
        &(usual + &repeated(20, 12, |second| failed(4050 + second))),
        &[],
    );
}

#[test]
fn usage_is_compared_with_the_users_own_past() {
    let used = |second: i64| line(second, "\"user\":\"mia\",\"msg\":\"chat\"");
    let bucket = |number: i64, events: i64| -> String {
        (0..events).map(|n| used(number * 300 + n)).collect()
    };
    let past = |buckets: i64| -> String { (0..buckets).map(|n| bucket(n, 5)).collect() };
    check(
        &(past(12) + &bucket(12, 40)),
        &["medium usage-anomaly mia 30 300"],
    );
    check(&(past(11) + &bucket(12, 40)), &[]);
    check(&(past(12) + &bucket(12, 29)), &[]);
    // Where no user is named, a key counts by what it is called; the key itself is nobody's name.
    let of_key = |name: &str| (past(12) + &bucket(12, 40)).replace("\"user\":\"mia\"", name);
    let told = &["medium usage-anomaly k7 30 300"];
    check(&of_key("\"apiKeyId\":\"k7\""), told);
    check(&of_key("\"apiKey\":\"k7\""), &[]);
    // 20 in each: 61 are more than three times the median.
    let busy: String = (0..12).map(|n| bucket(n, 20)).collect();
    check(&(busy.clone() + &bucket(12, 60)), &[]);
    check(
        &(busy + &bucket(12, 61)),
        &["medium usage-anomaly mia 61 300"],
    );
    // Evidence is the bucket's last 32 events.
    let folder = tempfile::tempdir().unwrap();
    let busy: String = (0..12).map(|n| bucket(n, 20)).collect();
    let documents = read(folder.path(), &(busy + &bucket(12, 61)), &["--alerts-only"]);
    assert_eq!(documents[0]["evidence"].as_array().unwrap().len(), 32);
}

#[test]
fn habits_are_learned_before_anybody_is_warned() {
    const DAY: i64 = 86_400;
    let home = |second| accepted(second, "mia", "192.0.2.1");
    let known = repeated(20, 3600, home);
    let elsewhere = |second| accepted(second, "mia", "198.51.100.1");
    check(
        &(known.clone() + &elsewhere(20 * 3600)),
        &["medium new-address mia 1 0"],
    );
    check(&(repeated(19, 3600, home) + &elsewhere(19 * 3600)), &[]);
    check(
        &(known.clone() + &accepted(20 * 3600, "mia", "192.0.2.99")),
        &[],
    );
    check(
        &(home(0) + &elsewhere(7 * DAY)),
        &["medium new-address mia 1 0"],
    );
    let office = |buckets: i64| -> String {
        (0..buckets)
            .map(|n| home(n / 3 * DAY + n % 3 * 3600))
            .collect()
    };
    // Ten, eleven and twelve o'clock are usual; nine and thirteen are their neighbours.
    check(&(office(45) + &home(15 * DAY + 3 * 3600)), &[]);
    check(
        &(office(45) + &home(15 * DAY + 8 * 3600)),
        &["low off-hours mia 1 3600"],
    );
    check(&(office(27) + &home(15 * DAY + 8 * 3600)), &[]);
    check(&(office(36) + &home(12 * DAY + 8 * 3600)), &[]);
}

#[test]
fn what_was_learned_of_users_outlives_the_run_and_damage() {
    use std::os::unix::fs::PermissionsExt as _;
    const DAY: i64 = 86_400;
    let folder = tempfile::tempdir().unwrap();
    let office: String = (0..45)
        .map(|n| accepted(n / 3 * DAY + n % 3 * 3600, "mia", "192.0.2.1"))
        .collect();
    let night = accepted(15 * DAY + 8 * 3600, "mia", "198.51.100.1");
    let strange = ["medium new-address mia 1 0", "low off-hours mia 1 3600"];
    assert_eq!(alerts(folder.path(), &office, &[]), [""; 0]);
    // The log was rotated: the night stands alone in the new file.
    assert_eq!(alerts(folder.path(), &night, &[]), strange);
    // What was seen is judged as it was then, however often it is read.
    let whole = office + &night;
    assert_eq!(alerts(folder.path(), &whole, &[]), strange);
    assert_eq!(alerts(folder.path(), &whole, &[]), strange);
    let kept: Vec<_> = fs::read_dir(folder.path().join("state/audit"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let mode = fs::metadata(&kept[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for damage in [
        "",
        "{\"version\":1",
        "{\"version\":9,\"through\":0,\"users\":[]}",
        "\0\0",
    ] {
        fs::write(&kept[0], damage).unwrap();
        fs::write(folder.path().join("a.log"), &night).unwrap();
        let output = run(folder.path(), &["a.log", "--detect", "--alerts-only"]);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(stdout(&output), "");
        assert!(
            stderr(&output).contains("baseline-"),
            "{damage}: {}",
            stderr(&output)
        );
    }
    assert_eq!(alerts(folder.path(), &whole, &[]), strange);
}

#[test]
fn configured_hours_need_no_history() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("openclaw-sec.toml"),
        "[detectors.off-hours]\nhours = \"08-18\"\n",
    )
    .unwrap();
    let log = accepted(0, "mia", "192.0.2.1") + &accepted(9 * 3600, "mia", "192.0.2.1");
    assert_eq!(
        alerts(folder.path(), &log, &[]),
        ["low off-hours mia 1 3600"]
    );
}

#[test]
fn a_log_that_falls_silent_loses_lines_or_goes_back_is_seen() {
    let steady = repeated(201, 10, plain);
    check(
        &(steady.clone() + &plain(2000 + 1801)),
        &["medium log-gap a.log 1 1801"],
    );
    check(&(steady.clone() + &plain(2000 + 1800)), &[]);
    check(&(repeated(200, 10, plain) + &plain(1990 + 1801)), &[]);
    // Ten times the longest usual gap.
    let slow = repeated(201, 300, plain);
    check(&(slow.clone() + &plain(60_000 + 3000)), &[]);
    check(
        &(slow + &plain(60_000 + 3001)),
        &["medium log-gap a.log 1 3001"],
    );
    check(
        &line(0, "\"msg\":\"overload\",\"dropped\":9,\"_meta\":{}"),
        &["medium log-gap a.log 9 0"],
    );
    // Others count what they drop, too.
    check(&line(0, "\"msg\":\"queue\",\"dropped\":9"), &[]);
    check(&(plain(100) + &plain(40)), &[]);
    check(
        &(plain(100) + &plain(39) + &plain(40) + &plain(41)),
        &["medium clock-backwards a.log 1 61"],
    );
}

#[test]
fn a_trusted_proxy_is_no_subject_and_loopback_is_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join(".env"),
        "TRUSTED_PROXY_IPS=10.0.0.1,2001:db8:99::/48\n",
    )
    .unwrap();
    let from = |ip: &'static str| repeated(6, 1, move |second| refused(second, "mia", ip));
    let limits = repeated(30, 1, |second| {
        line(second, "\"event\":\"rate limited\",\"ip\":\"10.0.0.1\"")
    });
    let log = from("10.0.0.1") + &from("2001:db8:99::7") + &limits;
    assert_eq!(alerts(folder.path(), &log, &["--env", ".env"]), [""; 0]);
    let forwarded: String = (0..6)
        .map(|second| {
            line(
                second,
                "\"event\":\"login failed\",\"remoteAddr\":\"10.0.0.1\",\"x-forwarded-for\":\"6.6.6.6, 192.0.2.7\"",
            )
        })
        .collect();
    assert_eq!(
        alerts(folder.path(), &forwarded, &["--env", ".env"]),
        ["medium brute-force 192.0.2.7 5 600"]
    );
    check(&from("127.0.0.1"), &["medium brute-force 127.0.0.1 5 600"]);
}

#[test]
fn an_ipv6_subscriber_is_one_subject() {
    let log = repeated(5, 1, |second| {
        refused(second, "mia", &format!("2001:db8:1:2::{second:x}"))
    });
    check(&log, &["medium brute-force 2001:db8:1:2::/64 5 600"]);
    let mapped = repeated(5, 1, |second| refused(second, "mia", "::ffff:192.0.2.1"));
    check(&mapped, &["medium brute-force 192.0.2.1 5 600"]);
}

#[test]
fn the_configuration_tunes_switches_off_and_ignores() {
    let folder = tempfile::tempdir().unwrap();
    let configured = |text: &str| {
        fs::write(folder.path().join("openclaw-sec.toml"), text).unwrap();
    };
    let log = repeated(9, 1, |second| refused(second, "mia", "192.0.2.1"));
    configured("[detectors.brute-force]\ncount = 3\nwindow_s = 60\n");
    assert_eq!(
        alerts(folder.path(), &log, &[]),
        ["medium brute-force 192.0.2.1 3 60"]
    );
    configured("[detectors.brute-force]\nenabled = false\n");
    assert_eq!(alerts(folder.path(), &log, &[]), [""; 0]);
    configured("[detectors]\nignore = [\"192.0.2.0/24\", \"2001:db8::/32\"]\n");
    let many = log.clone()
        + &accepted(20, "mia", "192.0.2.1")
        + &repeated(9, 1, |second| refused(30 + second, "mia", "198.51.100.1"));
    assert_eq!(
        alerts(folder.path(), &many, &[]),
        ["medium brute-force 198.51.100.1 5 600"]
    );
    for (text, expected) in [
        ("[detectors.brute-force]\ncuont = 3\n", "count"),
        ("[detectors.brute-forse]\ncount = 3\n", "brute-force"),
        ("[detectors]\nignored = [\"192.0.2.0/24\"]\n", "ignore"),
        ("[detectors]\nignore = [\"192.0.2\"]\n", "192.0.2.0/24"),
        ("[detectors.brute-force]\ncount = 0\n", "above 0"),
        ("[detectors.off-hours]\nhours = \"late\"\n", "08-18"),
    ] {
        configured(text);
        let output = run(folder.path(), &["a.log", "--detect"]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(
            stderr(&output).contains(expected),
            "{text}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn filters_hide_events_from_people_and_not_from_detectors() {
    let folder = tempfile::tempdir().unwrap();
    let log = repeated(6, 1, |second| refused(second, "mia", "192.0.2.1"));
    fs::write(folder.path().join("a.log"), log).unwrap();
    let base = ["a.log", "--detect", "--format", "json"];
    for more in [
        &["--kind", "error"][..],
        &["--user", "nobody"],
        &["-n", "0"],
    ] {
        let output = run(folder.path(), &[&base[..], more].concat());
        let text = stdout(&output);
        assert_eq!(text.lines().count(), 1, "{more:?}: {text}");
        assert!(text.contains("brute-force"), "{more:?}: {text}");
    }
}

/// One log with something of everything, in the order of time.
fn eventful() -> String {
    let mut log = repeated(250, 10, plain);
    log += &repeated(22, 5, |second| refused(2500 + second, "mia", "192.0.2.1"));
    log += &accepted(2650, "mia", "192.0.2.1");
    log += &repeated(6, 5, |second| {
        refused(2700 + second, &format!("u{second}"), "198.51.100.1")
    });
    log += &repeated(25, 2, |second| {
        line(
            2800 + second,
            "\"event\":\"rate_limit.exceeded\",\"ip\":\"203.0.113.9\"",
        )
    });
    log += &repeated(25, 2, |second| failed(2900 + second));
    log += &plain(6000);
    log += &plain(5000);
    log
}

#[test]
fn names_that_look_like_a_key_between_them_hide_no_alert_on_stderr() {
    let folder = tempfile::tempdir().unwrap();
    let begin = r"-----BEGIN PRIVATE KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAA\n";
    let mut log = repeated(5, 1, |second| refused(second, begin, "203.0.113.1"));
    log += &repeated(25, 1, |second| refused(10 + second, "root", "203.0.113.2"));
    log += &accepted(40, "root", "203.0.113.2");
    log += &repeated(5, 1, |second| {
        refused(50 + second, "-----END x-----", "203.0.113.3")
    });
    fs::write(folder.path().join("a.log"), log).unwrap();
    let arguments = [
        "a.log",
        "--all",
        "--no-follow",
        "--detect",
        "--format",
        "raw",
    ];
    let output = run(folder.path(), &arguments);
    let said = stderr(&output);
    assert!(
        said.contains("HIGH brute-force 203.0.113.2: 20 failures"),
        "{said}"
    );
    assert!(
        said.contains("CRITICAL success-after-failures root"),
        "{said}"
    );
    assert!(said.contains("203.0.113.3"), "{said}");
}

#[test]
fn what_is_found_afterwards_is_what_was_found_live() {
    let folder = tempfile::tempdir().unwrap();
    let log = eventful();
    let found = read(folder.path(), &log, &["--alerts-only"]);
    assert!(found.len() >= 8, "{found:#?}");
    let live = tempfile::tempdir().unwrap();
    let path = live.path().join("a.log");
    append(&path, "");
    let following = Following::start(
        live.path(),
        &[
            "a.log",
            "--follow",
            "--detect",
            "--alerts-only",
            "--utc",
            "--format",
            "json",
        ],
    );
    for piece in log.as_bytes().chunks(997) {
        append(&path, std::str::from_utf8(piece).unwrap());
    }
    let out = following.wait_for(|out| out.lines().count() >= found.len());
    let seen: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(seen, found, "{}", following.err());
}

/// Weeks of an office: people come in the morning, mistype now and then, work from home on some
/// days; a cron job reports; errors trickle.
fn benign() -> String {
    let mut log = String::new();
    let mut state = 42u64;
    let mut random = move |below: u64| {
        // Numerical Recipes' generator: any fixed sequence will do.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    let mut lines: Vec<(i64, String)> = Vec::new();
    let office = START - 10 * 3600;
    for day in 0..28i64 {
        for minute in 0..288 {
            lines.push((day * 86_400 + minute * 300, plain(0)));
        }
        for (number, user) in ["mia", "tom", "ada", "bob"].iter().enumerate() {
            let from = if random(4) == 0 || day == 1 {
                format!("198.51.100.{}", 10 + number)
            } else {
                format!("192.0.2.{}", 10 + number)
            };
            let start = day * 86_400 + 7 * 3600 + random(7200) as i64;
            for typo in 0..random(3) as i64 {
                lines.push((start + typo * 20, refused(0, user, &from)));
            }
            lines.push((start + 90, accepted(0, user, &from)));
            for request in 0..40 + random(40) as i64 {
                lines.push((
                    start + 200 + request * 400 + random(200) as i64,
                    line(
                        0,
                        &format!("\"user\":\"{user}\",\"msg\":\"chat\",\"status\":200"),
                    ),
                ));
            }
        }
        for _ in 0..random(12) {
            lines.push((day * 86_400 + random(86_400) as i64, failed(0)));
        }
        for _ in 0..random(3) {
            let limited = "\"event\":\"rate_limit.exceeded\",\"user\":\"tom\",\"ip\":\"192.0.2.7\"";
            lines.push((
                day * 86_400 + 9 * 3600 + random(20_000) as i64,
                line(0, limited),
            ));
        }
    }
    lines.sort_by_key(|(second, _)| *second);
    let stamp = format!("{START}");
    for (second, line) in lines {
        let now = (office + second).to_string();
        let _ = write!(log, "{}", line.replacen(&stamp, &now, 1));
    }
    log
}

#[test]
fn weeks_of_an_office_raise_no_alert() {
    let folder = tempfile::tempdir().unwrap();
    let log = benign();
    assert!(log.lines().count() > 15_000);
    assert_eq!(
        read(folder.path(), &log, &["--alerts-only"]),
        [Value::Null; 0]
    );
    // The same, rotated in the middle.
    let half = log[..log.len() / 2].rfind('\n').unwrap() + 1;
    fs::write(folder.path().join("a.log.1"), &log[..half]).unwrap();
    fs::write(folder.path().join("a.log"), &log[half..]).unwrap();
    let arguments = ["a.log", "--since", "2026-01-01", "--alerts-only", "--utc"];
    let output = run(folder.path(), &arguments);
    assert_eq!(stdout(&output), "", "{}", stderr(&output));
}

#[test]
fn alerts_of_another_time_are_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let failure = |hour: usize, second: usize, address: usize| {
        format!(
            "{{\"time\":\"2026-11-20T{hour:02}:00:{second:02}Z\",\"event\":\"login failed\",\"user\":\"mia\",\"ip\":\"192.0.2.{address}\"}}\n"
        )
    };
    let log: String = (10..13)
        .flat_map(|hour| (0..5).map(move |second| (hour, second)))
        .map(|(hour, second)| failure(hour, second, hour))
        .collect();
    fs::write(folder.path().join("a.log"), &log).unwrap();
    let told = |since: &str, until: &str| {
        let output = run(
            folder.path(),
            &[
                "a.log",
                "--alerts-only",
                "--fail-on-alert",
                "--no-follow",
                "--utc",
                "--since",
                since,
                "--until",
                until,
            ],
        );
        (output.status.code(), stdout(&output))
    };
    let (code, alerts) = told("2026-11-20 11:00:04", "2026-11-20 12:00:00");
    assert_eq!((code, alerts.lines().count()), (Some(1), 1), "{alerts}");
    assert!(alerts.contains("192.0.2.11"), "{alerts}");
    // An attack that began before and goes on is told of where the range begins.
    let slow: String = (0..40)
        .map(|minute| failure(14, 0, 9).replace(":00:00Z", &format!(":{minute:02}:00Z")))
        .collect();
    fs::write(folder.path().join("a.log"), slow).unwrap();
    let (code, alerts) = told("2026-11-20 14:30:00", "2026-11-20 15:00:00");
    assert_eq!((code, alerts.lines().count()), (Some(1), 1), "{alerts}");
    fs::write(folder.path().join("a.log"), &log).unwrap();
    // What came before counts, where the attempt that completes it is in the range.
    assert_eq!(
        told("2026-11-20 11:00:05", "2026-11-20 12:00:04"),
        (Some(0), String::new())
    );
}

#[test]
fn content_that_vanished_is_told_from_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let log: String = repeated(20, 1, plain);
    fs::write(at("a.log"), &log).unwrap();
    assert_eq!(
        run(folder.path(), &["seal", "a.log"]).status.code(),
        Some(0)
    );
    let found = || {
        let output = run(
            folder.path(),
            &["a.log", "--detect", "--alerts-only", "--format", "json"],
        );
        stdout(&output)
    };
    assert_eq!(found(), "");
    // Renamed and begun anew; copied and truncated; compressed.
    fs::rename(at("a.log"), at("a.log.1")).unwrap();
    fs::write(at("a.log"), plain(30)).unwrap();
    assert_eq!(found(), "");
    // Nobody kept it.
    fs::remove_file(at("a.log.1")).unwrap();
    let alert: Value = serde_json::from_str(&found()).unwrap();
    assert_eq!(
        (&alert["detector"], &alert["severity"], &alert["subject"]),
        (&"log-truncated".into(), &"high".into(), &"a.log".into())
    );
    // Another file of the same size does not hold it.
    fs::write(at("a.log.1"), log.replace("tick", "tock")).unwrap();
    assert!(found().contains("log-truncated"));
}

#[test]
fn a_log_that_is_emptied_while_it_is_followed_is_told_from_copytruncate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    append(&path, &repeated(5, 1, plain));
    let following = Following::start(
        folder.path(),
        &["a.log", "--follow", "--detect", "--format", "json"],
    );
    following.wait_for(|out| out.lines().count() == 5);
    fs::copy(&path, folder.path().join("a.log.1")).unwrap();
    fs::write(&path, "").unwrap();
    append(&path, &plain(20));
    let out = following.wait_for(|out| out.lines().count() == 6);
    assert!(!out.contains("log-truncated"), "{out}");
    fs::write(&path, "").unwrap();
    let out = following.wait_for(|out| out.contains("log-truncated"));
    let alert = out
        .lines()
        .find(|line| line.contains("log-truncated"))
        .unwrap();
    assert!(
        alert.contains("\"severity\":\"high\",\"subject\":\"a.log\""),
        "{out}"
    );
}

/// Three times as many addresses as a table holds; the full million is measured by benches/audit.
#[test]
fn an_attacker_among_very_many_addresses_is_found_in_bounded_memory() {
    const LIMIT_KB: u64 = 64 << 10;
    let folder = tempfile::tempdir().unwrap();
    let mut child = program(folder.path())
        .args(["-", "--alerts-only", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = std::io::BufWriter::new(child.stdin.take().unwrap());
    let output = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || std::io::read_to_string(output).unwrap());
    for n in 0..200_000u32 {
        let [_, a, b, c] = n.to_be_bytes();
        let second = i64::from(n / 1000);
        let one = refused(second, &format!("user{n}"), &format!("11.{a}.{b}.{c}"));
        input.write_all(one.as_bytes()).unwrap();
        if n % 10_000 == 0 {
            let attack = refused(second, "root", "192.0.2.1");
            input.write_all(attack.as_bytes()).unwrap();
        }
    }
    input.flush().unwrap();
    // What the pipe still holds is read before the peak is asked for.
    let status = format!("/proc/{}/status", child.id());
    let started = Instant::now();
    while !is_waiting(&status) {
        assert!(started.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    let peak = fs::read_to_string(&status)
        .unwrap()
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
    let found = reader.join().unwrap();
    assert!(
        found.contains("\"brute-force\",\"severity\":\"medium\",\"subject\":\"192.0.2.1\""),
        "{found}"
    );
    assert_eq!(found.lines().count(), 2, "{found}");
    assert!(peak < LIMIT_KB, "{peak} kB at most were in use");
}

/// Whether the process sleeps, as it does when there is nothing left to read.
fn is_waiting(status: &str) -> bool {
    let text = fs::read_to_string(status).unwrap();
    text.lines().any(|line| line.starts_with("State:\tS"))
}

#[test]
fn one_connection_that_is_limited_again_and_again_is_a_storm() {
    let folder = tempfile::tempdir().unwrap();
    let log: String = (10..34)
        .map(|second| {
            format!(
                "{{\"0\":\"gateway\",\"1\":\"control-plane write rate-limited method=config.apply actor=m device=d ip=192.0.2.3 conn=c1\",\"_meta\":{{\"logLevelName\":\"WARN\"}},\"time\":\"2026-11-20T10:00:{second}Z\"}}\n"
            )
        })
        .collect();
    let alerts = read(folder.path(), &log, &["--alerts-only"]);
    let told: Vec<_> = alerts.iter().map(|alert| &alert["detector"]).collect();
    assert_eq!(told, ["rate-limit-storm"]);
}

#[test]
fn processes_of_one_number_on_several_machines_are_several() {
    let folder = tempfile::tempdir().unwrap();
    let log: String = (0..5)
        .map(|number| {
            format!("Nov 20 10:00:0{number} h{number} sshd[7]: Invalid user a from 192.0.2.3 port 500{number}\n")
        })
        .collect();
    let alerts = read(folder.path(), &log, &["--alerts-only"]);
    let told: Vec<_> = alerts.iter().map(|alert| &alert["detector"]).collect();
    assert_eq!(told, ["brute-force"]);
}

#[test]
fn a_line_that_was_written_often_is_as_many_errors() {
    let folder = tempfile::tempdir().unwrap();
    let log = "Nov 20 09:00:00 h app[5]: begins\n\
        Nov 20 10:00:00 h app[5]: ERROR: boom\n\
        Nov 20 10:00:01 h app[5]: message repeated 25 times: [ ERROR: boom]\n";
    let alerts = read(folder.path(), log, &["--alerts-only"]);
    let spikes: Vec<_> = alerts
        .iter()
        .filter(|alert| alert["detector"] == "error-spike")
        .map(|alert| (&alert["count"], alert["evidence"].as_array().map(Vec::len)))
        .collect();
    assert_eq!(spikes, [(&26.into(), Some(2))]);
}

#[test]
fn an_attack_in_several_logs_is_found_whichever_is_named_first() {
    let folder = tempfile::tempdir().unwrap();
    let failures: String = (0..6)
        .map(|minute| refused(60 * minute, "bob", "203.0.113.5"))
        .collect();
    fs::write(folder.path().join("failures.log"), failures).unwrap();
    let success = accepted(500, "bob", "203.0.113.5") + &plain(5400);
    fs::write(folder.path().join("success.log"), success).unwrap();
    for logs in [
        ["failures.log", "success.log"],
        ["success.log", "failures.log"],
    ] {
        let mut all = logs.to_vec();
        all.extend(["--all", "--no-follow", "--alerts-only", "--format", "json"]);
        let text = stdout(&run(folder.path(), &all));
        assert!(text.contains("success-after-failures"), "{logs:?}: {text}");
    }
}

#[test]
fn a_number_that_nobody_could_reach_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let log = plain(0);
    fs::write(folder.path().join("a.log"), log).unwrap();
    let configured = |count: u32| {
        let text = format!("[detectors.rate-limit-storm]\ncount = {count}\n");
        fs::write(folder.path().join("openclaw-sec.toml"), text).unwrap();
        run(folder.path(), &["a.log", "--detect", "--no-follow"])
    };
    assert_eq!(configured(1024).status.code(), Some(0));
    let refused = configured(1025);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("up to 1024"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn a_higher_count_is_never_louder() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[detectors.brute-force]\ncount = 50\nslow_count = 500\n";
    fs::write(folder.path().join("openclaw-sec.toml"), text).unwrap();
    let failures: String = (0..25)
        .map(|number| refused(10 * number, "bob", "203.0.113.5"))
        .collect();
    let documents = read(folder.path(), &failures, &["--alerts-only"]);
    assert_eq!(documents, Vec::<Value>::new());
}

#[test]
fn a_count_that_may_be_higher_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let failures: String = (0..80)
        .map(|number| refused(number, "bob", "203.0.113.5"))
        .collect();
    let log = failures + &accepted(90, "bob", "203.0.113.5");
    let documents = read(folder.path(), &log, &["--alerts-only"]);
    let message = |id: &str| {
        let alert = documents.iter().find(|one| one["detector"] == id);
        alert.map(|alert| alert["message"].as_str().unwrap_or_default().to_owned())
    };
    let success = message("success-after-failures").unwrap_or_default();
    assert!(
        success.starts_with("success after 32 or more failures in"),
        "{success}"
    );
    let force = message("brute-force").unwrap_or_default();
    assert!(force.starts_with("5 failures in"), "{force}");
}
