//! The README's sections about `contrib/`: a new user's way through them, step by step.

use std::process::Command;

use crate::blocks;
use crate::package::SOURCES;
use crate::support::{hardened_env, installed, read, root, run, stripped_program, tool};
use crate::throwaway::Machine;

/// The block of this language that has this in it.
pub fn block(language: &str, within: &str) -> String {
    let readme = read("README.md");
    let mut found = blocks::all(&readme)
        .filter(|block| block.language == language && block.text.contains(within));
    let block = found
        .next()
        .unwrap_or_else(|| panic!("no {language} block with {within}"));
    block.text.to_owned()
}

/// Every block that needs root, in the order of the page.
fn as_root() -> String {
    let readme = read("README.md");
    let blocks = blocks::all(&readme).filter(|block| block.language == "sh root");
    blocks.map(|block| block.text.to_owned()).collect()
}

/// The state of things after the README's commands.
const AFTERWARDS: &str = r#"
echo "-- afterwards"
# The firewall of the copy is nobody's concern.
printf '[check]\nskip = ["host"]\n' >>/etc/openclaw-sec/config.toml
systemctl is-active openclaw-sec-check.timer openclaw-sec-rotate-due.timer openclaw-sec-audit.service
systemctl start openclaw-sec-check.service openclaw-sec-rotate-due.service; echo "started $?"
grep -c '^openclaw_security_check_results{.*target="/etc/openclaw/openclaw.env"' \
    /var/lib/prometheus/node-exporter/openclaw-security.prom
logrotate --debug /etc/logrotate.d/openclaw 2>&1 | grep -c error
stat -c '%a %U' /etc/cron.d/openclaw-sec
"#;

#[test]
fn a_new_user_installs_and_schedules_by_the_readme() {
    needs_a_throwaway!();
    for (program, package) in [
        ("systemd-nspawn", "systemd-container"),
        ("logrotate", "logrotate"),
    ] {
        if installed(program, package).is_none() {
            return;
        }
    }
    let machine = SOURCES
        .iter()
        .fold(Machine::new(), |machine, name| {
            machine.checkout(name, "/checkout")
        })
        .copy(
            stripped_program(),
            "/checkout/target/release/openclaw-sec",
            0o755,
        )
        // Stands for the compiler, which has done its work.
        .put(
            "/usr/local/bin/cargo",
            "#!/bin/sh\n[ \"$*\" = 'build --release --locked' ]\n",
            0o755,
        )
        // man-db would read every page of the system.
        .put("/etc/dpkg/dpkg.cfg.d/no-triggers", "no-triggers\n", 0o644)
        .put("/var/log/openclaw/audit.log", "", 0o600)
        .put("/srv/bot/.env", hardened_env(), 0o600);
    let script = format!(
        "set -e\nexport DPKG_DEB_COMPRESSOR_LEVEL=0 DEBIAN_FRONTEND=noninteractive\n\
         mkdir -p /etc/cron.d /etc/logrotate.d\ncd /checkout\n{}\nset +e\n{AFTERWARDS}",
        as_root()
    );
    let Some(ended) = machine.boot(&script) else {
        return;
    };
    let (_, afterwards) = ended
        .stdout
        .split_once("-- afterwards\n")
        .unwrap_or_else(|| panic!("{}", ended.both()));
    let lines: Vec<&str> = afterwards.lines().collect();
    assert_eq!(
        lines[..4],
        ["active", "active", "active", "started 0"],
        "{}",
        ended.both()
    );
    assert!(lines[4].parse::<u32>().unwrap() > 50, "{}", ended.both());
    assert_eq!(lines[5..], ["0", "644 root"], "{}", ended.both());
}

#[test]
fn the_readmes_rule_file_is_taken_by_prometheus() {
    let Some(promtool) = installed("promtool", "prometheus") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("prometheus.yml");
    std::fs::write(&config, block("yaml", "rule_files:")).unwrap();
    let rules = "openclaw-security.rules.yml";
    std::fs::copy(
        root().join("contrib/prometheus").join(rules),
        folder.path().join(rules),
    )
    .unwrap();
    let ended = run(Command::new(promtool).args(["check", "config"]).arg(config)).succeeded();
    assert!(ended.stdout.contains("rules found"), "{}", ended.both());
}

#[test]
fn the_readmes_jobs_keep_to_the_schemas_and_name_what_there_is() {
    let Some(validator) = tool("check-jsonschema") else {
        return;
    };
    let github = block("yaml", "jobs:");
    let gitlab = block("yaml", "include:");
    for (schema, text) in [
        ("vendor.github-workflows", &github),
        ("vendor.gitlab-ci", &gitlab),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("job.yml");
        std::fs::write(&file, text).unwrap();
        run(Command::new(&validator)
            .args(["--builtin-schema", schema])
            .arg(file))
        .succeeded();
    }
    let version = env!("CARGO_PKG_VERSION");
    assert!(github.contains(&format!("/openclaw-sec/contrib/github@v{version}\n")));
    assert!(read("contrib/github/action.yml").contains("\n  env:\n"));
    assert!(gitlab.contains("local: openclaw-sec.gitlab-ci.yml\n"));
    assert!(
        root()
            .join("contrib/gitlab/openclaw-sec.gitlab-ci.yml")
            .is_file()
    );
}
