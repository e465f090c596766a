//! The queries of `contrib/queries`: the same bytes give the same rows on DuckDB, ClickHouse and Spark,
//! over what `check --format ocsf` and `audit-tail --format json` really print.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise, and starts the engines it asks"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// Names the virtual environment with the engines; `.ci/run` makes it.
const FOLDER: &str = "OPENCLAW_SEC_PYTHON";
const PROGRAM: &str = env!("CARGO_BIN_EXE_openclaw-sec");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The newest run of the fleet, in hours since the epoch.
const NEWEST: i64 = 498_500;

/// When a host reported, in hours before the newest run, and what failed.
const RUNS: [(&str, i64, &[&str]); 5] = [
    ("a", 24, &["rate-limit.disabled"]),
    ("a", 0, &["rate-limit.disabled", "secrets.placeholder"]),
    ("b", 0, &["rate-limit.disabled"]),
    ("c", 44, &["https.force-https-off"]),
    ("d", 0, &[]),
];

fn program(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .current_dir(folder)
        .env_remove("OPENCLAW_SEC_CONFIG")
        .output()
        .unwrap();
    let code = output.status.code().unwrap();
    assert!(code == 0 || code == 1 || code == 3, "{output:?}");
    output.stdout
}

fn time_of(hours: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(hours * 3600).unwrap()
}

/// The reports of every run, merged by the program, as OCSF; and the severity of each check.
fn checks(folder: &Path) -> Value {
    let env = format!("{ROOT}/examples/page.env");
    let report = program(
        folder,
        &[
            "check",
            "--env",
            &env,
            "--only",
            "declared",
            "--format",
            "json",
            "--no-input",
        ],
    );
    let report: Value = serde_json::from_slice(&report).unwrap();
    let mut severities = json!({});
    let mut lines = [Vec::new(), Vec::new()];
    for (run, (host, ago, failed)) in RUNS.iter().enumerate() {
        let mut report = report.clone();
        report["started_at"] = time_of(NEWEST - ago).to_string().into();
        report["target"]["name"] = (*host).into();
        for result in report["results"].as_array_mut().unwrap() {
            let id = result["id"].as_str().unwrap().to_owned();
            severities[&id] = result["severity"].clone();
            let status = match &*id {
                id if failed.contains(&id) => "fail",
                // Accepted for a while is no failure.
                "rate-limit.invalid" => "waived",
                _ => "pass",
            };
            result["status"] = status.into();
        }
        let name = format!("run{run}");
        fs::create_dir(folder.join(&name)).unwrap();
        fs::write(folder.join(&name).join("report.json"), report.to_string()).unwrap();
        let merge = ["check", "--merge", &name, "--format", "ocsf", "--no-input"];
        lines[run % 2].extend(program(folder, &merge));
    }
    // Two files, because a pattern is what people give; few, because Spark is slow with many.
    for (number, lines) in lines.iter().enumerate() {
        fs::write(folder.join(format!("checks-{number}.ndjson")), lines).unwrap();
    }
    severities
}

/// A log with an attack, as the program's events.
fn events(folder: &Path) {
    let mut log = String::new();
    let mut login = |second: i64, ok: bool, user: &str, ip: &str| {
        let time = jiff::Timestamp::from_second(NEWEST * 3600 + second).unwrap();
        let success = json!({
            "time": time.to_string(), "event": "auth.login", "success": ok, "user": user, "ip": ip,
        });
        log.push_str(&format!("{success}\n"));
    };
    for attempt in 0..6 {
        let user = if attempt % 2 == 0 { "ada" } else { "root" };
        login(attempt * 10, false, user, "192.0.2.1");
    }
    login(120, true, "ada", "192.0.2.1");
    for attempt in 0..4 {
        login(200 + attempt, false, "bob", "2001:db8::1");
    }
    login(300, true, "bob", "2001:db8::1");
    // Six refusals, but the login that works comes an hour later.
    for attempt in 0..6 {
        login(400 + attempt, false, "eve", "198.51.100.7");
    }
    login(4000, true, "eve", "198.51.100.7");
    login(4100, false, "", "");
    fs::write(folder.join("audit.log"), log).unwrap();
    let all = [
        "audit-tail",
        "audit.log",
        "--all",
        "--no-follow",
        "--format",
        "json",
    ];
    fs::write(folder.join("events.ndjson"), program(folder, &all)).unwrap();
}

fn expected(severities: &Value) -> Value {
    let severity = |id: &str| severities[id].as_str().unwrap();
    let host = |name: &str, failed: &[&str]| {
        let count = |word| failed.iter().filter(|id| severity(id) == word).count();
        let words = ["critical", "high", "medium", "low"];
        let [critical, high, medium, low] = words.map(count);
        (
            json!([name, critical, high, medium, low]),
            [critical, high, medium, low],
        )
    };
    let mut worst = [
        host("a", RUNS[1].2),
        host("b", RUNS[2].2),
        host("c", RUNS[3].2),
    ];
    worst.sort_by_key(|(_, counts)| std::cmp::Reverse(*counts));
    let row = |id: &str, hosts: u8| json!([id, severity(id), hosts]);
    json!({
        "failing-checks": [
            row("rate-limit.disabled", 2),
            row("https.force-https-off", 1),
            row("secrets.placeholder", 1),
        ],
        "worst-hosts": worst.map(|(row, _)| row),
        "silent-hosts": [["c", time_of(NEWEST - 44).as_millisecond()]],
        "new-failures": [["a", "secrets.placeholder"]],
        "failed-logins": [["192.0.2.1", 6, 2], ["198.51.100.7", 6, 1], ["2001:db8::1", 4, 1]],
        "success-after-failures": [["192.0.2.1", "ada", 6]],
    })
}

#[test]
fn three_engines_answer_the_same() {
    let python = std::env::var_os(FOLDER).map(|folder| Path::new(&folder).join("bin/python3"));
    let Some(python) = python.filter(|python| python.exists()) else {
        println!("skipped: {FOLDER} names no environment with the engines (see .ci/run)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let severities = checks(folder.path());
    events(folder.path());
    let expected = expected(&severities);
    for engine in ["duckdb", "clickhouse", "spark"] {
        if engine == "spark" && Command::new("java").arg("-version").output().is_err() {
            println!("skipped spark: no java here (Debian: default-jre-headless)");
            continue;
        }
        let output = Command::new(&python)
            .arg(format!("{ROOT}/tests/lake/engine.py"))
            .arg(engine)
            .args(["checks-*.ndjson", "events.ndjson"].map(|name| folder.path().join(name)))
            .current_dir(folder.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{engine}: {errors}");
        let text = String::from_utf8(output.stdout).unwrap();
        let rows: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(rows, expected, "{engine}");
    }
}
