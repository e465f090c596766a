//! Every document that is printed is what its schema says, and none holds a secret.

use std::fs;

use serde_json::{Value, json};

use crate::support::{append, numbered, run, stderr, stdout};

/// The committed schema of this name.
fn validator(name: &str) -> jsonschema::Validator {
    let path = format!("{}/schemas/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

fn is_valid(validator: &jsonschema::Validator, document: &Value) {
    let complaints: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?} in {document}");
}

/// Lines of every product, and what no logger should write.
fn everything() -> Vec<u8> {
    let samples = include_str!("samples/products.psv");
    let mut log: Vec<u8> = samples
        .lines()
        .flat_map(|line| format!("{}\n", line.splitn(6, '|').last().unwrap()).into_bytes())
        .collect();
    log.extend(
        b"\xff\xfe not utf-8\n\n{\"user\":\"\\ud800\",\"ip\":7,\"level\":null}\n\x1b[31mred\n",
    );
    log.extend(
        br#"{"event":"login failed","user":"mia","ip":"192.0.2.1","time":"2026-11-20T10:00:00Z"}"#,
    );
    log.push(b'\n');
    for second in 0..30 {
        let line = format!(
            "{{\"event\":\"login failed\",\"user\":\"u{second}\",\"ip\":\"192.0.2.99\",\"ts\":{}}}\n",
            1_795_168_900 + second
        );
        log.extend(line.into_bytes());
    }
    log.extend(vec![b'y'; 17 << 20]);
    log.extend(b"\nlast without newline");
    log
}

#[test]
fn events_alerts_and_counts_are_what_their_schemas_say() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.log"), everything()).unwrap();
    let (event, alert) = (validator("event"), validator("alert"));
    let arguments = ["a.log", "--all", "--detect", "--format", "json"];
    let output = run(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut alerts = 0;
    let mut last = Value::Null;
    for line in stdout(&output).lines() {
        let document: Value = serde_json::from_str(line).unwrap();
        if document["schema"] == "openclaw-sec/alert/1" {
            alerts += 1;
            is_valid(&alert, &document);
        } else {
            is_valid(&event, &document);
            last = document;
        }
    }
    assert!(alerts > 3, "{alerts}");
    assert_eq!(last["raw"], "last without newline");
    let output = run(folder.path(), &["a.log", "--stats", "--format", "json"]);
    let counts: Value = serde_json::from_slice(&output.stdout).unwrap();
    is_valid(&validator("stats"), &counts);
    // A schema that takes anything proves nothing.
    for (name, value) in [
        ("kind", json!("login")),
        ("time", json!("yesterday")),
        ("surprise", json!(1)),
        ("source", json!({})),
    ] {
        let mut changed = last.clone();
        changed[name] = value;
        assert!(!event.is_valid(&changed), "{name} goes through");
    }
}

#[test]
fn verdicts_are_what_their_schema_says() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    append(&log, &numbered(0..5));
    assert_eq!(
        run(folder.path(), &["seal", "audit.log"]).status.code(),
        Some(0)
    );
    let validator = validator("seal");
    for (content, status) in [
        (numbered(0..6), "intact"),
        (numbered(0..4), "truncated"),
        (numbered(1..5), "removed"),
    ] {
        fs::write(&log, content).unwrap();
        let output = run(folder.path(), &["verify", "audit.log", "--format", "json"]);
        let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
        is_valid(&validator, &verdict);
        assert_eq!(verdict["status"], status);
    }
}

#[test]
fn no_output_holds_a_secret_of_the_env_file() {
    let folder = tempfile::tempdir().unwrap();
    // A weak one, one with signs, and the password of a URL.
    fs::write(
        folder.path().join(".env"),
        "WEB_API_KEY=hunter2hunter2\nAPP_TOKEN='q7/Gd+x2 Lw9'\nDATABASE_URL=postgres://mia:Sup3rGeheim@db/app\nAPI_SECRET=changeme\n",
    )
    .unwrap();
    let log: String = (0..6)
        .map(|second| {
            format!(
                "{{\"ts\":{},\"event\":\"login failed\",\"user\":\"hunter2hunter2\",\"ip\":\"192.0.2.1\",\"msg\":\"q7\\/Gd+x2 Lw9 q7%2FGd%2Bx2%20Lw9 Sup3rGeheim changeme\"}}\n",
                1_795_168_900 + second
            )
        })
        .chain((0..6).map(|n| {
            format!("{{\"ts\":{},\"event\":\"login failed\",\"user\":\"hunter2hunter2\",\"ip\":\"192.0.2.{n}\"}}\n", 1_795_168_950 + n)
        }))
        .collect();
    fs::write(folder.path().join("a.log"), log).unwrap();
    let base = [
        "a.log",
        "--env",
        ".env",
        "--all",
        "--detect",
        "--alert-exec",
        "tee -a handed",
    ];
    for more in [
        &["--format", "raw"][..],
        &["--format", "json"],
        &["--format", "ocsf"],
        &["--format", "human"],
        &["--stats", "--format", "json"],
        &["--stats"],
        &["--alerts-only", "--format", "json", "-vv"],
    ] {
        let output = run(folder.path(), &[&base[..], more].concat());
        let text = stdout(&output) + &stderr(&output);
        for secret in ["hunter2", "q7/Gd", "q7\\/Gd", "q7%2FGd", "Lw9", "Geheim"] {
            assert!(!text.contains(secret), "{more:?}: {secret} in {text}");
        }
        assert!(text.contains("sha256:"), "{more:?}: {text}");
    }
    let handed = fs::read_to_string(folder.path().join("handed")).unwrap();
    assert!(handed.contains("credential-stuffing") && !handed.contains("hunter2"));
    let raw = run(
        folder.path(),
        &["a.log", "--env", ".env", "--all", "--format", "raw"],
    );
    assert!(
        stdout(&raw).contains("changeme"),
        "a placeholder is no secret"
    );
}

#[test]
fn a_command_gets_the_alert_on_stdin_and_nothing_of_the_log_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let log: String = (0..6)
        .map(|second| {
            format!(
                "{{\"ts\":{},\"event\":\"login failed\",\"user\":\"$(touch pwned)\",\"ip\":\"192.0.2.1\"}}\n",
                1_795_168_900 + second
            )
        })
        .collect();
    fs::write(folder.path().join("a.log"), log).unwrap();
    let command = "sh -c 'tr \"\\0\" \"\\n\" < /proc/$$/environ > seen; tr \"\\0\" \"\\n\" < /proc/$$/cmdline >> seen; cat > alert.json'";
    let output = crate::support::program(folder.path())
        .args(["a.log", "--alerts-only", "--alert-exec", command])
        .env("WEB_API_KEY", "q7Gdx2Lw9ZtB4mVrKpQe8s")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let alert: Value =
        serde_json::from_slice(&fs::read(folder.path().join("alert.json")).unwrap()).unwrap();
    is_valid(&validator("alert"), &alert);
    let seen = fs::read_to_string(folder.path().join("seen")).unwrap();
    for text in ["192.0.2.1", "brute-force", "touch pwned", "q7Gdx2"] {
        assert!(!seen.contains(text), "{text} in {seen}");
    }
    assert!(!folder.path().join("pwned").exists());
    // A command that is not there is an error, once.
    let missing = run(
        folder.path(),
        &[
            "a.log",
            "--alerts-only",
            "--alert-exec",
            "/nowhere/notify --now",
        ],
    );
    assert_eq!(missing.status.code(), Some(0));
    let text = stderr(&missing);
    assert_eq!(
        text.matches("/nowhere/notify cannot be started").count(),
        1,
        "{text}"
    );
    // How often one failed went wrong, so that it is said under -q, too.
    let failing = ["a.log", "--alerts-only", "-q", "--alert-exec", "false"];
    let failing = stderr(&run(folder.path(), &failing));
    assert!(
        failing.contains("1 command ended with an error"),
        "{failing}"
    );
    let unclosed = run(folder.path(), &["a.log", "--alert-exec", "notify 'now"]);
    assert_eq!(unclosed.status.code(), Some(2));
}
