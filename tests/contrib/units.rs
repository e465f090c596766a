//! The systemd units: systemd itself verifies, rates, starts and runs them.

use std::process::Command;

use crate::support::{files, hardened_env, installed, read, root, run};
use crate::throwaway::Machine;

/// Where a package puts units.
const UNITS: &str = "/usr/lib/systemd/system";

/// A copy of this system with the program and the units.
fn machine() -> Machine {
    let units = files("contrib/systemd", "").into_iter();
    units.fold(Machine::with_program(), |machine, unit| {
        let place = format!("{UNITS}/{}", unit.file_name().unwrap().to_str().unwrap());
        machine.copy(&unit, &place, 0o644)
    })
}

#[test]
fn every_service_is_rated_at_3_0_or_safer() {
    if installed("systemd-analyze", "systemd").is_none() {
        return;
    }
    for service in files("contrib/systemd", ".service") {
        let ended = run(Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--threshold=30", "--no-pager"])
            .arg(&service));
        assert_eq!(ended.code, 0, "{}", ended.both());
    }
}

#[test]
fn systemd_has_no_word_to_say_about_the_units() {
    if installed("systemd-analyze", "systemd").is_none() {
        return;
    }
    let staged = tempfile::tempdir().unwrap();
    let units = staged.path().join(UNITS.trim_start_matches('/'));
    std::fs::create_dir_all(units.parent().unwrap()).unwrap();
    // The targets that ours are tied to.
    let copied = run(Command::new("cp").arg("-a").arg(UNITS).arg(&units));
    copied.succeeded();
    let programs = staged.path().join("usr/bin");
    std::fs::create_dir_all(&programs).unwrap();
    for program in ["openclaw-sec", "../../bin/sh"] {
        let path = programs.join(program);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy("/bin/true", path).unwrap();
    }
    let names = files("contrib/systemd", "").into_iter().map(|unit| {
        let name = unit.file_name().unwrap().to_owned();
        std::fs::copy(&unit, units.join(&name)).unwrap();
        name
    });
    let names: Vec<_> = names.collect();
    let verify = || {
        run(Command::new("systemd-analyze")
            .args(["verify", "--man=no", "--root"])
            .arg(staged.path())
            .args(&names))
    };
    let ended = verify();
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (0, ""),
        "{}",
        ended.stdout
    );
    // The exit code alone would say nothing about a key that does not exist.
    let timer = units.join("openclaw-sec-check.timer");
    std::fs::write(
        &timer,
        format!(
            "{}\nPersistant=yes\n",
            read("contrib/systemd/openclaw-sec-check.timer")
        ),
    )
    .unwrap();
    assert!(verify().stderr.contains("Persistant"));
}

/// Each service names the absolute path of the program and a limit, and each timer belongs to one.
#[test]
fn timers_have_services_and_services_end() {
    for timer in files("contrib/systemd", ".timer") {
        assert!(
            timer.with_extension("service").is_file(),
            "{}",
            timer.display()
        );
        let text = std::fs::read_to_string(&timer).unwrap();
        for setting in ["OnCalendar=daily", "Persistent=yes", "RandomizedDelaySec="] {
            assert!(text.contains(setting), "{}: {setting}", timer.display());
        }
    }
    for service in files("contrib/systemd", ".service") {
        let text = std::fs::read_to_string(&service).unwrap();
        assert!(
            text.contains("\nExecStart=/usr/bin/openclaw-sec "),
            "{}",
            service.display()
        );
        let is_oneshot = text.contains("Type=oneshot");
        assert_eq!(
            is_oneshot,
            text.contains("TimeoutStartSec="),
            "{}",
            service.display()
        );
    }
}

/// Everything a first user does, on a machine of its own with systemd as its first process.
const ON_A_MACHINE: &str = r#"
set -u
until_it_holds() {
    tries=0
    until eval "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || { echo "never: $1"; exit 1; }
        sleep 0.1
    done
}
ip link set lo up
# Foreign to root but for CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE.
chown -R 12345:12345 /etc/openclaw /var/log/openclaw
chmod 700 /etc/openclaw /var/log/openclaw
(. /etc/openclaw/openclaw.env; export WEB_API_KEY; exec setpriv --reuid 12345 --clear-groups \
    bash -c 'exec -a openclaw-gateway sleep 1000') &
until_it_holds 'pgrep -f openclaw-gateway >/dev/null'
openclaw-sec firewall --rollback 0 | sh
# The clock of the key's age begins to run.
systemctl start openclaw-sec-rotate-due.service
systemctl enable --now openclaw-sec-check.timer openclaw-sec-rotate-due.timer openclaw-sec-audit.service
until_it_holds 'journalctl -u openclaw-sec-audit | grep -q "reading /var/log/openclaw/audit.log"'
for second in 0 1 2 3 4 5; do
    echo "{\"time\":\"2026-11-25T10:00:0${second}Z\",\"event\":\"auth.failure\",\"ip\":\"192.0.2.1\",\"user\":\"a\"}"
done >>/var/log/openclaw/audit.log
until_it_holds 'journalctl -u openclaw-sec-audit -p warning | grep -q "brute-force 192.0.2.1"'
systemctl is-active openclaw-sec-audit.service

echo "-- timers"
systemctl list-timers --all --no-legend | grep -o 'openclaw-sec-[a-z-]*\.timer' | sort

echo "-- hardened"
systemctl start openclaw-sec-check.service; echo "check $?"
systemctl start openclaw-sec-rotate-due.service; echo "rotate-due $?"
stat -c '%a %n' /var/lib/prometheus/node-exporter/* /var/lib/openclaw-sec /var/lib/openclaw-sec/check.ndjson
journalctl -o cat -u openclaw-sec-check

echo "-- log in /tmp"
mv /var/log/openclaw /tmp/openclaw
ln -s /tmp/openclaw /var/log/openclaw
systemctl start openclaw-sec-check.service
grep -o 'audit-file-missing.*status="[a-z]*"' /var/lib/prometheus/node-exporter/openclaw-security.prom

echo "-- with faults"
sed -i 's/^FORCE_HTTPS=.*/FORCE_HTTPS=false/' /etc/openclaw/openclaw.env
touch -d '200 days ago' /etc/openclaw/openclaw.env
systemctl start openclaw-sec-check.service; echo "check $?"
systemctl start openclaw-sec-rotate-due.service; echo "rotate-due $?"
systemctl --failed --no-legend --plain | cut -d ' ' -f 1
"#;

#[test]
fn on_a_machine_the_units_see_what_root_sees_and_alarm() {
    needs_a_throwaway!();
    if installed("systemd-nspawn", "systemd-container").is_none() {
        return;
    }
    let machine = machine()
        .put("/etc/openclaw/openclaw.env", hardened_env(), 0o600)
        .put("/var/log/openclaw/audit.log", "", 0o600)
        .copy(
            &root().join("contrib/logrotate/openclaw"),
            "/etc/logrotate.d/openclaw",
            0o644,
        )
        .put(
            "/etc/openclaw-sec/config.toml",
            // No package manager made the rules of this machine survive a restart.
            "[check]\nskip = [\"firewall.not-persistent\"]\n",
            0o644,
        );
    let Some(ended) = machine.boot(ON_A_MACHINE) else {
        return;
    };
    let ended = ended.succeeded();
    let said = &ended.stdout;
    let part = |name: &str| {
        let text = said
            .split(&format!("-- {name}\n"))
            .nth(1)
            .unwrap_or_else(|| panic!("{}", ended.both()));
        text.split("-- ").next().unwrap()
    };
    assert_eq!(
        part("timers"),
        "openclaw-sec-check.timer\nopenclaw-sec-rotate-due.timer\n"
    );
    let hardened = part("hardened");
    assert!(
        hardened.starts_with("check 0\nrotate-due 0\n644 "),
        "{said}"
    );
    assert!(
        hardened.contains("\n700 /var/lib/openclaw-sec\n600 "),
        "{said}"
    );
    assert!(!hardened.contains("unknown"), "{said}");
    assert!(part("log in /tmp").contains("status=\"pass\""), "{said}");
    let faults = part("with faults");
    assert!(faults.starts_with("check 1\nrotate-due 1\n"), "{said}");
    assert!(
        faults.ends_with("openclaw-sec-check.service\nopenclaw-sec-rotate-due.service\n"),
        "{said}"
    );
}
