//! The checks of this machine: modes, owners, copies, running gateways, the audit log, and `--fix`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::support::{Ended, FORMATS, HARDENED, Place, is_root, mode};

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// With processes and mounts of its own, so that nothing else on the machine is seen or touched.
fn alone(place: &Place, script: &str) -> Option<Ended> {
    let mut command = place.command("unshare");
    command.args([
        "--fork",
        "--pid",
        "--mount",
        "--mount-proc",
        "bash",
        "-c",
        script,
    ]);
    let ended = Ended::of(&command.output().ok()?);
    (is_root() && !ended.stderr.contains("unshare:")).then_some(ended)
}

/// Waits until the job in the background has become the gateway.
const IT_RUNS: &str = "for i in $(seq 600); do tr '\\0' ' ' </proc/$!/cmdline | grep -q '^[./]*openclaw-gateway' && break; sleep 0.1; done;";

/// Waits until the job in the background has opened the audit log.
const IT_READS: &str =
    "for i in $(seq 600); do ls -l /proc/$!/fd | grep -q audit.log && break; sleep 0.1; done";

fn status(ended: &Ended, id: &str) -> Vec<String> {
    let report: serde_json::Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("no JSON: {}", ended.both()));
    let results = report["results"].as_array().unwrap().iter();
    results
        .filter(|result| result["id"] == id)
        .map(|result| result["status"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn any_right_of_others_on_the_env_file_fails() {
    let place = Place::with_env(HARDENED);
    for (bits, expected) in [
        (0o600, "pass"),
        (0o400, "pass"),
        (0o700, "pass"),
        (0o640, "fail"),
        (0o620, "fail"),
        (0o604, "fail"),
        (0o601, "fail"),
        (0o666, "fail"),
    ] {
        set_mode(&place.path(".env"), bits);
        let (report, code) = place.report("--only secrets.env-file-mode");
        let result = report.one("secrets.env-file-mode");
        assert_eq!(result["status"], expected, "{bits:o}");
        assert_eq!(code, i32::from(expected == "fail"), "{bits:o}");
        if expected == "fail" {
            assert_eq!(result["severity"], "high");
            assert_eq!(result["location"]["path"], ".env");
            assert!(
                result["remediation"]
                    .as_str()
                    .unwrap()
                    .contains("chmod 600 .env")
            );
        }
    }
    // The link's target counts, and a pipe has no mode.
    set_mode(&place.path(".env"), 0o644);
    std::os::unix::fs::symlink(".env", place.path("link.env")).unwrap();
    assert_eq!(
        place
            .report("--env link.env --only secrets.env-file-mode")
            .0
            .failed()
            .len(),
        1
    );
    let ended = place.shell("$B check --env - --only secrets.env-file-mode --format json < .env");
    assert_eq!(status(&ended, "secrets.env-file-mode"), ["skipped"]);
}

#[test]
fn copies_count_and_templates_only_with_a_secret() {
    let cases = [
        (".env~", HARDENED, true),
        (".env.bak", HARDENED, true),
        (".env.old", HARDENED, true),
        (".env.orig", HARDENED, true),
        (".env.save", HARDENED, true),
        (".env.swp", HARDENED, true),
        ("..env.swp", HARDENED, true),
        (".env.2026-01-31", HARDENED, true),
        (".env.20260131-101112", HARDENED, true),
        (".env.openclaw-sec.bak", HARDENED, true),
        (".env.example", "WEB_API_KEY=your-secret-key-here\n", false),
        (".env.example", HARDENED, true),
        (".env.sample", "WEB_API_KEY=\n", false),
        (".envrc", HARDENED, false),
        (".env.production", HARDENED, false),
        ("other.txt", HARDENED, false),
    ];
    for (name, text, is_found) in cases {
        let place = Place::with_env(HARDENED);
        let copy = place.write(name, text);
        set_mode(&copy, 0o644);
        let (report, _) = place.report("--only secrets.env-file-mode");
        let failed = report.failed();
        assert_eq!(failed.len(), usize::from(is_found), "{name}");
        if is_found {
            let result = report.one("secrets.env-file-mode");
            assert!(
                result["message"].as_str().unwrap().starts_with(name),
                "{result}"
            );
        }
    }
}

#[test]
fn the_owner_is_who_runs_openclaw_or_root_and_no_folder_lets_others_in() {
    let place = Place::with_env(HARDENED);
    let id = "secrets.env-file-owner";
    let (report, _) = place.report(&format!("--only {id}"));
    assert_eq!(report.one(id)["status"], "pass", "{:#}", report.one(id));
    set_mode(&place.path(""), 0o777);
    let (report, code) = place.report(&format!("--only {id}"));
    assert_eq!((report.one(id)["status"].as_str(), code), (Some("fail"), 1));
    set_mode(&place.path(""), 0o1777);
    assert_eq!(
        place.report(&format!("--only {id}")).0.one(id)["status"],
        "pass"
    );
    set_mode(&place.path(""), 0o755);
    // Who can replace a link can replace what it leads to.
    std::fs::create_dir(place.path("links")).unwrap();
    std::os::unix::fs::symlink("../.env", place.path("links/env")).unwrap();
    std::os::unix::fs::symlink("..", place.path("links/up")).unwrap();
    for (mode, expected) in [(0o755, "pass"), (0o777, "fail")] {
        set_mode(&place.path("links"), mode);
        for env in ["links/env", "links/up/.env"] {
            let (report, _) = place.report(&format!("--env {env} --only {id}"));
            assert_eq!(report.one(id)["status"], expected, "{env} {mode:o}");
        }
    }
    let script = "chown 4242 .env; $B check --only secrets.env-file-owner --format json";
    let Some(ended) = alone(&place, script) else {
        return;
    };
    assert_eq!(
        status(&ended, id),
        ["unknown"],
        "root cannot know who runs OpenClaw"
    );
    assert_eq!(ended.code, 3);
    let run_as = |user: u32| {
        format!(
            "cp $(command -v sleep) openclaw-gateway; setpriv --reuid {user} ./openclaw-gateway 300 & {IT_RUNS} $B check --only {id} --format json"
        )
    };
    let ended = alone(&place, &run_as(4242)).unwrap();
    assert_eq!(status(&ended, id), ["pass"]);
    let ended = alone(&place, &run_as(4243)).unwrap();
    assert_eq!(status(&ended, id), ["fail"]);
}

#[test]
fn the_running_gateway_is_compared_with_the_file() {
    let place = Place::with_env("WEB_API_KEY=q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ\n");
    let id = "secrets.stale-in-process";
    let check = format!("$B check --only {id} --format json");
    let Some(ended) = alone(&place, &check) else {
        return;
    };
    assert_eq!(status(&ended, id), ["skipped"], "nothing runs");
    let cases = [
        ("WEB_API_KEY=q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ", "", "pass"),
        ("WEB_API_KEY=hunter2hunter2", "", "fail"),
        ("OTHER=1", "", "pass"),
        ("OTHER=1", "sleep 1.1; touch .env;", "unknown"),
    ];
    for (variable, afterwards, expected) in cases {
        let script = format!(
            "touch -d '1 hour ago' .env; (exec env -i {variable} bash -c 'exec -a openclaw-gateway sleep 300') & {IT_RUNS} {afterwards} true; {check}"
        );
        let ended = alone(&place, &script).unwrap();
        assert_eq!(
            status(&ended, id),
            [expected],
            "{variable}: {}",
            ended.both()
        );
        assert!(!ended.both().contains("hunter2"));
    }
}

/// A file whose audit log lies in the test's own folder.
fn with_log(log: &str) -> String {
    HARDENED.replace("/var/log/openclaw/audit.log", log)
}

#[test]
fn the_audit_log_is_there_private_fresh_and_free_of_secrets() {
    let key = "q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ6RoXi1WvBtM=";
    let place = Place::with_env(with_log("audit.log"));
    let (report, _) = place.report("--only host");
    assert!(report.failed().contains(&"logs.audit-file-missing"));
    for id in [
        "logs.audit-file-mode",
        "logs.audit-stale",
        "logs.secret-in-log",
    ] {
        assert_eq!(report.one(id)["status"], "skipped", "{id}");
    }
    let log = place.write("audit.log", "login ok\n");
    let statuses = |place: &Place| {
        let (report, _) = place.report("--only host");
        [
            "logs.audit-file-missing",
            "logs.audit-file-mode",
            "logs.audit-stale",
            "logs.secret-in-log",
        ]
        .map(|id| report.of(id)[0]["status"].as_str().unwrap().to_owned())
    };
    assert_eq!(statuses(&place), ["pass", "pass", "pass", "pass"]);
    for (bits, expected) in [
        (0o640, "pass"),
        (0o644, "fail"),
        (0o660, "fail"),
        (0o606, "fail"),
    ] {
        set_mode(&log, bits);
        assert_eq!(statuses(&place)[1], expected, "{bits:o}");
    }
    set_mode(&log, 0o600);
    place.shell("touch -d '25 hours ago' audit.log");
    assert_eq!(statuses(&place)[2], "fail");
    place.shell("touch -d '23 hours ago' audit.log");
    assert_eq!(statuses(&place)[2], "pass");
    let percent = key.replace('=', "%3D");
    for text in [
        format!("x {key} y\n"),
        format!("GET /?k={percent}\n"),
        format!("GET /?k=%{:02x}{}\n", key.as_bytes()[0], &key[1..]),
        // Across the border of two pieces.
        format!("{}{percent}\n", "x".repeat((256 << 10) - 5)),
        format!("{{\"k\":\"{key}\"}}\n"),
    ] {
        place.write("audit.log", text);
        let (report, _) = place.report("--only logs.secret-in-log");
        let result = report.one("logs.secret-in-log");
        assert_eq!(
            (result["status"].as_str(), result["severity"].as_str()),
            (Some("fail"), Some("high"))
        );
        assert_eq!(result["evidence"]["variable"], "WEB_API_KEY");
        assert!(!result.to_string().contains(key));
    }
    place.write("audit.log", "clean\n");
    place.write("audit.log.1", format!("old {key}\n"));
    assert_eq!(statuses(&place)[3], "fail");
    place.shell("rm audit.log.1; printf 'x %s y' q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ6RoXi1WvBtM= | gzip > audit.log.2.gz");
    assert_eq!(statuses(&place)[3], "fail");
    // What a file is, its first bytes tell: this one is plain and was searched, the next is damaged.
    place.shell("printf 'no gzip' > audit.log.2.gz");
    assert_eq!(statuses(&place)[3], "pass");
    place.shell(r"printf '\037\213\010garbage' > audit.log.2.gz");
    assert_eq!(statuses(&place)[3], "unknown");
    // What stands before the damage was found all the same.
    place.shell(
        "(printf 'x %s y\\n' q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ6RoXi1WvBtM=; seq 100000) | gzip > whole.gz; \
         head -c -1000 whole.gz > audit.log.2.gz",
    );
    assert_eq!(statuses(&place)[3], "fail");
    place.write(
        ".env",
        with_log("audit.log").replace("ENABLE_AUDIT_LOG=true", "ENABLE_AUDIT_LOG=false"),
    );
    assert_eq!(
        statuses(&place),
        ["skipped", "skipped", "skipped", "skipped"]
    );
    place.shell("rm audit.log; mkdir audit.log");
    assert_eq!(statuses(&place)[1], "skipped");
    place.write(".env", with_log("audit.log"));
    assert_eq!(statuses(&place)[..2], ["fail", "skipped"]);
}

#[test]
fn rotation_and_readers_are_found_where_they_are_configured() {
    let place = Place::new();
    let log = place.write("logs/audit.log", "x\n");
    place.write(".env", with_log(log.to_str().unwrap()));
    let prepare = "mkdir -p etc; cp -a /etc/passwd etc/ 2>/dev/null; mount --bind etc /etc; mkdir -p /etc/logrotate.d /etc/fail2ban/jail.d /etc/rsyslog.d";
    let run = |script: &str| {
        alone(
            &place,
            &format!("{prepare}; {script}; $B check --only host --format json"),
        )
    };
    let Some(ended) = run("true") else {
        return;
    };
    assert_eq!(
        status(&ended, "logs.no-rotation"),
        ["fail"],
        "{}",
        ended.stderr
    );
    assert_eq!(status(&ended, "logs.not-monitored"), ["fail"]);
    let folder = log.parent().unwrap().to_str().unwrap();
    let cases = [
        (
            format!("echo '{folder}/*.log {{' > /etc/logrotate.d/openclaw"),
            "pass",
            "fail",
        ),
        (
            format!("echo '# {folder}/*.log {{' > /etc/logrotate.d/openclaw"),
            "fail",
            "fail",
        ),
        (
            format!(
                "rm /etc/logrotate.d/*; printf '[bot]\nenabled = true\nlogpath = {folder}/audit.log\n' > /etc/fail2ban/jail.d/openclaw.conf"
            ),
            "fail",
            "pass",
        ),
        (
            r"printf '[bot]\nenabled = false\n' > /etc/fail2ban/jail.d/openclaw.local".to_owned(),
            "fail",
            "unknown",
        ),
        (
            format!("tail -f {folder}/audit.log >/dev/null & {IT_READS}"),
            "fail",
            "pass",
        ),
        (
            format!(
                "rm /etc/fail2ban/jail.d/*; (exec 3>>{folder}/audit.log; exec sleep 300) & {IT_READS}"
            ),
            "fail",
            "fail",
        ),
        (
            format!(
                "(exec 3<>{folder}/audit.log; exec -a openclaw-gateway sleep 300) & {IT_RUNS} {IT_READS}"
            ),
            "fail",
            "fail",
        ),
    ];
    for (script, rotation, readers) in cases {
        let ended = run(&script).unwrap();
        assert_eq!(status(&ended, "logs.no-rotation"), [rotation], "{script}");
        assert_eq!(status(&ended, "logs.not-monitored"), [readers], "{script}");
    }
}

#[test]
fn nothing_is_changed_by_looking() {
    let place = Place::with_env(with_log("audit.log"));
    place.write("audit.log", "x\n");
    let listing = || {
        place
            .shell("find .. -printf '%p %m %T@ %C@ %s\\n' | sort")
            .stdout
    };
    let before = listing();
    for format in FORMATS {
        place.line(&format!("check --format {format}"));
    }
    assert_eq!(listing(), before);
}

#[test]
fn fix_says_why_nothing_can_be_added() {
    let place = Place::with_env("PORT=1\nNOTE=\"never closed\n");
    let ended = place.line("check --only declared --fix --yes");
    for words in [
        "no variable is added: line 2: a quote is opened",
        "nothing to mend",
    ] {
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[test]
fn fix_takes_rights_away_and_asks_before_anything_else() {
    let place = Place::with_env("WEB_API_KEY=hunter2hunter2hunter2\nFORCE_HTTPS=false\nLOG_LEVEL=");
    let copy = place.write(".env.bak", "A=1\n");
    set_mode(&place.path(".env"), 0o664);
    set_mode(&copy, 0o644);
    place.shell("git init -q .");
    let before = place.read(".env");
    let ended = place.line("check --fix");
    assert_eq!(
        (mode(&place.path(".env")), mode(&copy)),
        (0o600, 0o600),
        "{}",
        ended.stderr
    );
    assert_eq!(
        place.read(".env"),
        before,
        "without a terminal only the modes change"
    );
    assert!(!place.path(".gitignore").exists());
    assert!(
        ended.stderr.contains("mode 0664 becomes 0600"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("needs --yes"), "{}", ended.stderr);
    let ended = place.line("check --fix --yes");
    let text = String::from_utf8(place.read(".env")).unwrap();
    assert!(
        text.as_bytes().starts_with(&before),
        "no existing line changes: {text}"
    );
    assert!(
        text.contains("\nRATE_LIMIT_ENABLED=true\n") && !text.contains("FORCE_HTTPS=true"),
        "{text}"
    );
    assert_eq!(text.matches("LOG_LEVEL").count(), 1, "{text}");
    assert_eq!(text.matches("WEB_API_KEY").count(), 1);
    assert_eq!(place.read(".gitignore"), b"/.env\n");
    assert!(!ended.both().contains("hunter2"), "{}", ended.both());
    assert_eq!(mode(&place.path(".env")), 0o600);
    let again = place.line("check --fix --yes");
    assert_eq!(String::from_utf8(place.read(".env")).unwrap(), text);
    assert!(again.stderr.contains("nothing to mend"), "{}", again.stderr);
    let (report, _) =
        place.report("--only code --only secrets.env-file-mode --skip secrets.in-code");
    assert_eq!(report.failed(), [""; 0]);
}

#[test]
fn fix_leaves_upstream_files_and_secrets_alone() {
    let upstream = "OPENCLAW_GATEWAY_TOKEN=change-me-now\n";
    let place = Place::with_env(upstream);
    place.line("check --fix --yes");
    assert_eq!(place.read(".env"), upstream.as_bytes());
    place.write("openclaw.json", "{}");
    place.write("b.env", "FORCE_HTTPS=true\n");
    place.line("check --fix --yes --env b.env --openclaw-config openclaw.json");
    assert_eq!(
        place.read("b.env"),
        b"FORCE_HTTPS=true\n",
        "nothing reads the page's variables there"
    );
    let placeholder = "WEB_API_KEY=your-secret-key-here\n";
    place.write("c.env", placeholder);
    place.line("check --fix --yes --env c.env");
    assert!(place.read("c.env").starts_with(placeholder.as_bytes()));
}

#[test]
fn fix_mends_only_what_was_asked_about_and_is_not_waived() {
    let key = "WEB_API_KEY=q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ\n";
    for (arguments, mode, is_longer) in [
        ("--only secrets.env-file-mode", 0o600, false),
        ("--skip declared", 0o600, false),
        ("--only rate-limit", 0o644, true),
        ("--only firewall", 0o644, false),
        ("--only secrets.env-file-owner", 0o644, false),
        ("", 0o600, true),
    ] {
        let place = Place::with_env(key);
        set_mode(&place.path(".env"), 0o644);
        place.line(&format!("check --fix --yes {arguments}"));
        assert_eq!(
            crate::support::mode(&place.path(".env")),
            mode,
            "{arguments}"
        );
        let text = String::from_utf8(place.read(".env")).unwrap();
        assert_eq!(text != key, is_longer, "{arguments}: {text}");
        let has_logs = text.contains("LOG_LEVEL");
        assert_eq!(has_logs, arguments.is_empty(), "{arguments}: {text}");
    }
    let place = Place::with_env(key);
    set_mode(&place.path(".env"), 0o640);
    place.shell(
        "printf '[[waiver]]\\nid = \"secrets.env-file-mode\"\\nreason = \"the group backs it up\"\\nexpires = %s\\n' \
         $(date -d +30days +%F) > openclaw-sec.toml",
    );
    for arguments in ["--only secrets.env-file-mode", "--only logs", ""] {
        place.line(&format!("check --fix --yes {arguments}"));
        let mode = crate::support::mode(&place.path(".env"));
        assert_eq!(mode, 0o640, "{arguments}");
    }
}

#[test]
fn fix_adds_nothing_that_does_not_fit_what_stands_there() {
    for line in ["RATE_LIMIT_PER_IP=10\n", "RATE_LIMIT_WINDOW=1000\n"] {
        let place = Place::with_env(line);
        place.line("check --fix --yes");
        let text = String::from_utf8(place.read(".env")).unwrap();
        assert!(text.contains("FORCE_HTTPS=true"), "{text}");
        assert_eq!(text.matches("RATE_LIMIT").count(), 1, "{text}");
    }
}

#[test]
fn fix_counts_what_is_left_only() {
    let place = Place::with_env(HARDENED);
    set_mode(&place.path(".env"), 0o644);
    let (report, code) = place.report("--fix --only secrets.env-file-mode");
    assert_eq!(
        (report.one("secrets.env-file-mode")["status"].as_str(), code),
        (Some("pass"), 0)
    );
}

#[test]
fn an_old_key_is_told_with_the_command_that_replaces_it() {
    let place = Place::with_env(
        "WEB_API_KEY=q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ\nGROQ_API_KEY=gsk_abc\nOTHER_TOKEN=q8Zk2mVw9xLr4TbN8cPd\n",
    );
    place.shell("touch -d '100 days ago' .env");
    let (report, _) = place.report("--only rotation.overdue");
    let mended: Vec<(&str, &str)> = report
        .results()
        .iter()
        .filter(|result| result["status"] == "fail")
        .map(|result| {
            let text = |name: &str| result[name].as_str().unwrap_or_default();
            (
                result["evidence"]["variable"].as_str().unwrap(),
                text("remediation"),
            )
        })
        .collect();
    let fix = |name: &str| mended.iter().find(|(one, _)| *one == name).unwrap().1;
    assert!(
        fix("WEB_API_KEY").contains("openclaw-sec keygen --env .env --name WEB_API_KEY --replace")
    );
    assert!(fix("GROQ_API_KEY").contains("openclaw-sec rotate --env .env --name GROQ_API_KEY"));
    assert!(!fix("OTHER_TOKEN").contains("openclaw-sec rotate"));
}
