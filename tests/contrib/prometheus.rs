//! The alerts: promtool runs their tests, tests that break when an alert goes, and the series that
//! the program prints.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Ended, PROGRAM, hardened_env, installed, read, root, run};

const RULES: &str = "contrib/prometheus/openclaw-security.rules.yml";
const TESTS: &str = "contrib/prometheus/openclaw-security.test.yml";

fn promtool() -> Option<PathBuf> {
    installed("promtool", "prometheus")
}

fn test(promtool: &Path, tests: &Path) -> Ended {
    run(Command::new(promtool).args(["test", "rules"]).arg(tests))
}

#[test]
fn promtool_takes_the_rules_and_their_tests_pass() {
    let Some(promtool) = promtool() else { return };
    let words = ["check", "rules", "--lint=all", "--lint-fatal"];
    run(Command::new(&promtool).args(words).arg(root().join(RULES))).succeeded();
    test(&promtool, &root().join(TESTS)).succeeded();
}

/// The rules in pieces: what comes before the first alert, and one piece per alert.
fn pieces(rules: &str) -> (&str, Vec<&str>) {
    let starts: Vec<usize> = rules
        .match_indices("      - alert: ")
        .map(|(at, _)| at)
        .collect();
    let ends = starts.iter().skip(1).copied().chain([rules.len()]);
    let alerts = starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| &rules[start..end]);
    (&rules[..starts[0]], alerts.collect())
}

#[test]
fn every_alert_says_how_severe_it_is_and_its_test_breaks_without_it() {
    let Some(promtool) = promtool() else { return };
    let rules = read(RULES);
    let (head, alerts) = pieces(&rules);
    assert!(alerts.len() >= 5);
    for (left_out, alert) in alerts.iter().enumerate() {
        assert!(
            alert.contains("severity: ") && alert.contains("summary: "),
            "{alert}"
        );
        let folder = tempfile::tempdir().unwrap();
        let others = alerts.iter().enumerate().filter(|(at, _)| *at != left_out);
        let rest: String = others.map(|(_, alert)| *alert).collect();
        std::fs::write(
            folder.path().join("openclaw-security.rules.yml"),
            format!("{head}{rest}"),
        )
        .unwrap();
        let tests = folder.path().join("openclaw-security.test.yml");
        std::fs::copy(root().join(TESTS), &tests).unwrap();
        assert_ne!(test(&promtool, &tests).code, 0, "nothing tests\n{alert}");
    }
}

/// One series of a report: its name with the labels, and its value.
type Series = (String, f64);

/// What the program prints about an env file, as if the run had been at the time 0, at which promtool
/// begins.
fn printed(env: &str, settings: &str) -> Vec<Series> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("prod.env"), env).unwrap();
    std::fs::write(folder.path().join("settings.toml"), settings).unwrap();
    let ended = run(Command::new(PROGRAM)
        .args(
            "check --config settings.toml --env prod.env --only declared --format prometheus"
                .split(' '),
        )
        .current_dir(folder.path())
        .env_clear()
        .env("HOME", folder.path()));
    let samples: Vec<Series> = ended
        .stdout
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect();
    let last_run = "openclaw_security_check_last_run_timestamp_seconds";
    let start = samples
        .iter()
        .find(|(name, _)| name.starts_with(last_run))
        .unwrap()
        .1;
    let shifted =
        samples
            .into_iter()
            .map(|(name, value)| match name.contains("_timestamp_seconds") {
                true => (name, value - start),
                false => (name, value),
            });
    shifted.collect()
}

/// The lines of a fleet: each deployment is scraped from its own machine for some hours.
fn inputs(fleet: &[(&str, &[Series], u32)]) -> Vec<Value> {
    let lines = fleet.iter().flat_map(|(machine, series, hours)| {
        series.iter().map(move |(name, value)| {
            let name = name.replacen('{', &format!("{{instance=\"{machine}\","), 1);
            json!({"series": name, "values": format!("{value}x{hours}")})
        })
    });
    lines.collect()
}

/// How many alerts fire for this fleet, by name, after so many hours.
fn fires(promtool: &Path, fleet: &[(&str, &[Series], u32)], hour: u32, expected: &[(&str, usize)]) {
    let samples: Vec<Value> = expected
        .iter()
        .map(|(alert, count)| json!({"labels": format!("{{alertname=\"{alert}\"}}"), "value": count}))
        .collect();
    let document = json!({
        "rule_files": [root().join(RULES)],
        "evaluation_interval": "1h",
        "tests": [{
            "interval": "1h",
            "input_series": inputs(fleet),
            "promql_expr_test": [{
                "expr": "count by (alertname) (ALERTS{alertstate=\"firing\"})",
                "eval_time": format!("{hour}h"),
                "exp_samples": samples,
            }],
        }],
    });
    let folder = tempfile::tempdir().unwrap();
    let tests = folder.path().join("printed.json");
    std::fs::write(&tests, document.to_string()).unwrap();
    test(promtool, &tests).succeeded();
}

#[test]
fn the_alerts_fire_for_the_series_that_the_program_prints() {
    let Some(promtool) = promtool() else { return };
    let fires = |fleet: &[(&str, &[Series], u32)], hour, expected: &[_]| {
        fires(&promtool, fleet, hour, expected)
    };
    let good = printed(&hardened_env(), "");
    let faults =
        hardened_env().replace("FORCE_HTTPS=true", "FORCE_HTTPS=false") + "LOG_LEVEL=trace\n";
    let bad = printed(&faults, "");
    let open = hardened_env().replace("RATE_LIMIT_WINDOW=", "#");
    let open = printed(&open, "");
    let long = waiver(60);
    let short = waiver(10);

    fires(&[("a", &good, 30), ("b", &good, 30)], 30, &[]);
    // Https off, the log level, and a variable that is set twice.
    fires(
        &[("a", &good, 30), ("b", &bad, 30)],
        1,
        &[("OpenClawSecurityFinding", 3)],
    );
    fires(&[("a", &good, 30), ("b", &bad, 5)], 6, &[]);
    fires(&[("a", &open, 30)], 23, &[]);
    fires(&[("a", &open, 30)], 25, &[("OpenClawSecurityUnknown", 1)]);
    fires(
        &[("a", &good, 50), ("b", &good, 5)],
        50,
        &[("OpenClawSecurityNoRun", 2)],
    );
    fires(&[("a", &good, 2)], 5, &[("OpenClawSecurityNoHost", 1)]);
    fires(
        &[("a", &printed(&faults, &long), 5)],
        5,
        &[("OpenClawSecurityFinding", 2)],
    );
    fires(
        &[("a", &printed(&faults, &short), 5)],
        5,
        &[
            ("OpenClawSecurityFinding", 2),
            ("OpenClawSecurityWaiverEnds", 1),
        ],
    );
}

/// A waiver that ends in so many days.
fn waiver(days: u32) -> String {
    let day = run(Command::new("date").args(["-u", "+%F", "-d", &format!("{days} days")]));
    let day = day.succeeded().stdout;
    format!("[[waiver]]\nid = \"https.force-https-off\"\nreason = \"a test\"\nexpires = {day}")
}

/// The tests in the repository are of the form that the program prints.
#[test]
fn the_series_of_the_committed_tests_are_the_programs() {
    let faults = hardened_env().replace("FORCE_HTTPS=true", "FORCE_HTTPS=false");
    let printed = printed(&faults, &waiver(60));
    let shape = |series: &str| -> (String, Vec<String>) {
        let (name, labels) = series.split_once('{').unwrap();
        let labels = labels.trim_end_matches('}').split("\",");
        let names = labels.map(|label| label.trim().split('=').next().unwrap().to_owned());
        (
            name.to_owned(),
            names.filter(|name| name != "instance").collect(),
        )
    };
    let real: Vec<_> = printed.iter().map(|(series, _)| shape(series)).collect();
    for line in read(TESTS).lines() {
        let Some((_, series)) = line.split_once("series: ") else {
            continue;
        };
        assert!(
            real.contains(&shape(series)),
            "the program prints nothing like {series}"
        );
    }
}
