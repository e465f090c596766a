//! Reports of the program itself, and made-up ones that hold every status and hostile texts.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use openclaw_sec::check::ITEMS;
use openclaw_sec::fleet::{Findings, Fleet, FleetTarget};
use openclaw_sec::redact::Redactor;
use openclaw_sec::report::{CheckResult, Kind, Location, Report, Severity, Status, Target};
use serde_json::{Map, json};

/// When every made-up run began.
pub const STARTED: &str = "2026-11-25T16:49:20.356Z";

/// Texts that mean something to one reader or another.
pub const HOSTILE: [&str; 24] = [
    "]]>",
    "\n::error file=a::x",
    "\r\n",
    "|",
    "<script>alert(1)</script>",
    "\" onload=\"x",
    "'",
    "&amp;",
    "\x1b[31m",
    "\u{202e}",
    "\u{200b}",
    "%0A%",
    "a,b:c",
    "`",
    "[x](https://evil.example)",
    "\\",
    "{0}",
    "\0",
    "\u{ffff}",
    "@team #1 $x$",
    "--><!--",
    "ünïcode ✓",
    "../../etc/passwd",
    "",
];

/// A name and what was found.
pub type Sample = (&'static str, Findings);

/// Everything that the validators see.
pub fn all() -> &'static [Sample] {
    static ALL: OnceLock<Vec<Sample>> = OnceLock::new();
    ALL.get_or_init(|| {
        let page = of_the_program(&["--env", "examples/page.env"]);
        let hardened = of_the_program(&["--env", "examples/hardened.env", "--only", "declared"]);
        let everything = everything();
        let fleet = fleet_of(vec![
            ("eu-1", Some(page.clone())),
            ("eu-2 <b>|`\n::error::x", Some(everything.clone())),
            ("us-1", Some(hardened.clone())),
            ("us-2", None),
        ]);
        vec![
            ("page", Findings::One(page)),
            ("hardened", Findings::One(hardened)),
            ("code", Findings::One(of_code())),
            ("nothing", Findings::One(report(Vec::new()))),
            ("everything", Findings::One(everything)),
            ("fleet", Findings::Fleet(fleet)),
            (
                "silent",
                Findings::Fleet(fleet_of(vec![("a", None), ("b", None)])),
            ),
        ]
    })
}

/// One of them.
pub fn sample(name: &str) -> &'static Findings {
    let found = all().iter().find(|(known, _)| *known == name);
    &found.unwrap().1
}

/// The JSON report of a real run with these words, in the root of the repository.
fn of_the_program(words: &[&str]) -> Report {
    report_of(Path::new(env!("CARGO_MANIFEST_DIR")), words)
}

fn report_of(folder: &Path, words: &[&str]) -> Report {
    let state = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_openclaw-sec"))
        .args(["check", "--format", "json"])
        .args(words)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .env("HOME", state.path())
        .env("STATE_DIRECTORY", state.path())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Keys in a source tree, with a file name that needs care.
fn of_code() -> Report {
    let folder = tempfile::tempdir().unwrap();
    let key = format!("claw{}", "_");
    let made = Command::new(env!("CARGO_BIN_EXE_openclaw-sec"))
        .args(["keygen", "--prefix", "claw", "--count", "3"])
        .output()
        .unwrap();
    let keys = String::from_utf8(made.stdout).unwrap();
    assert!(keys.starts_with(&key));
    std::fs::create_dir(folder.path().join("src dir")).unwrap();
    let code: String = keys
        .lines()
        .map(|key| format!("\nkey = \"{key}\"\n"))
        .collect();
    std::fs::write(folder.path().join("src dir/ü%#.py"), code).unwrap();
    report_of(folder.path(), &["--code", ".", "--only", "secrets.in-code"])
}

/// A report of these results.
pub fn report(results: Vec<CheckResult>) -> Report {
    let target = Target {
        env: Some("bots/prod.env".into()),
        url: Some("https://bot.example".into()),
        profile: "vps".into(),
        name: None,
        dialect: Some("page".into()),
    };
    let items: Vec<(&str, &str)> = ITEMS.iter().map(|item| (item.id, item.title)).collect();
    let started = STARTED.parse().unwrap();
    Report::new(started, target, &items, results, &Redactor::default())
}

/// One result, with texts that are not empty.
pub fn result(item: &str, number: usize, status: Status, severity: Severity) -> CheckResult {
    let mut evidence = Map::new();
    if status == Status::Waived {
        evidence.insert("waived_until".into(), json!("2026-12-31"));
        evidence.insert("waived_by".into(), json!("mia"));
    }
    CheckResult {
        id: format!("{item}.made-up-{}", status.word()),
        item: item.to_owned(),
        kind: Kind::Declared,
        title: "the made-up rule holds".into(),
        severity,
        status,
        message: format!("finding number {number}"),
        reason: "a reason".into(),
        evidence,
        location: Some(Location::at("bots/prod.env", number + 1, 1)),
        remediation: "run `openclaw-sec check --fix`".into(),
        references: vec!["CWE-732".into(), "https://docs.openclaw.ai".into()],
        fixable: false,
        fingerprint: format!("{item}-{number}"),
    }
}

/// Every status in every severity, plain and hostile, with and without a place.
fn everything() -> Report {
    let statuses = [
        Status::Fail,
        Status::Unknown,
        Status::Waived,
        Status::Skipped,
        Status::Pass,
    ];
    let mut results = Vec::new();
    for (number, hostile) in HOSTILE.iter().enumerate() {
        let item = ITEMS[number % ITEMS.len()].id;
        let severity = Severity::WORST_FIRST[number % 4];
        for status in statuses {
            let mut one = result(item, number, status, severity);
            one.message = format!("a {hostile} b");
            one.reason = format!("{hostile} is why");
            one.remediation = format!("do {hostile}");
            one.location = match number % 3 {
                0 => None,
                1 => Some(Location::file(&format!("./dir/{hostile}.env"))),
                _ => Some(Location::at(&format!("/work/project/{hostile}"), number, 2)),
            };
            results.push(one);
        }
    }
    report(results)
}

/// A fleet of these; those without a report are silent.
pub fn fleet_of(targets: Vec<(&str, Option<Report>)>) -> Fleet {
    let items: Vec<(&str, &str)> = ITEMS.iter().map(|item| (item.id, item.title)).collect();
    let targets = targets
        .into_iter()
        .map(|(name, report)| match report {
            Some(report) => FleetTarget::reported(name.into(), report),
            None => {
                let target = super::corpus::report(Vec::new()).target;
                let reason = "no report came".to_owned();
                FleetTarget::silent(name.into(), target, reason, STARTED, &items)
            }
        })
        .collect();
    Fleet::new(STARTED.parse().unwrap(), targets)
}

/// Writes the corpus in every format, to be looked at.
#[test]
#[ignore = "for people: writes every report into the folder that OPENCLAW_SEC_LOOK names"]
fn write_everything() {
    let folder = std::env::var("OPENCLAW_SEC_LOOK").expect("OPENCLAW_SEC_LOOK names a folder");
    for (name, findings) in all() {
        for format in super::output::FORMATS {
            let path = Path::new(&folder).join(format!("{name}.{}", format.name));
            std::fs::write(path, super::render(format.name, findings)).unwrap();
        }
    }
}
