//! The crontab: real cron runs its lines, and mails only what needs a person.

use crate::support::{hardened_env, installed, read};
use crate::throwaway::Machine;

/// The crontab with the days and hours taken out: cron runs each line once, when it starts.
fn at_once() -> String {
    let crontab = read("contrib/cron/openclaw-sec");
    let lines = crontab.lines().map(|line| {
        let mut fields = line.splitn(6, ' ');
        match fields.next().and_then(|minute| minute.parse::<u8>().ok()) {
            Some(_) => format!("@reboot {}\n", fields.nth(4).unwrap()),
            None => format!("{line}\n"),
        }
    });
    lines.collect()
}

/// Cron takes the program at `/usr/sbin/sendmail` for the mail system; this one keeps the mails.
const SENDMAIL: &str = "#!/bin/sh\ncat >/mail.$$.part\nmv /mail.$$.part /mail.$$\n";

/// Every job ends by leaving a file, so that its end can be waited for without a clock.
const CRON: &str = r#"
set -u
mkdir -p /run/crond /var/lib/prometheus/node-exporter /var/lib/openclaw-sec
rm -f /etc/cron.d/e2scrub_all /var/spool/cron/crontabs/*
cron -f &
daemon=$!
tries=0
until [ "$(cat /ended 2>/dev/null | wc -l)" -ge 2 ] && ! pgrep -P $daemon >/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || { echo 'cron did not run the jobs'; exit 1; }
    sleep 0.1
done
kill $daemon
ls -l /var/lib/prometheus/node-exporter/openclaw-security.prom /var/lib/openclaw-sec/check.ndjson >&2
cat /mail.* 2>/dev/null | grep -v '^[A-Z][A-Za-z-]*: ' | grep .
"#;

fn mails(env: &str, before: &str) -> String {
    let jobs: String = at_once()
        .lines()
        .map(|line| match line.starts_with("@reboot") {
            true => format!("{line}; echo >>/ended\n"),
            false => format!("{line}\n"),
        })
        .collect();
    let machine = Machine::with_program()
        .put("/etc/openclaw/openclaw.env", env, 0o600)
        .put(
            "/etc/openclaw-sec/config.toml",
            "[check]\nskip = [\"host\"]\n",
            0o644,
        )
        .put("/usr/sbin/sendmail", SENDMAIL, 0o755)
        .put("/etc/cron.d/openclaw-sec", jobs, 0o644);
    let ended = machine.run(&format!("{before}\n{CRON}"));
    assert!(
        ended.stderr.contains("openclaw-security.prom"),
        "{}",
        ended.both()
    );
    assert!(ended.stderr.contains("check.ndjson"), "{}", ended.both());
    ended.stdout
}

#[test]
fn cron_mails_nothing_when_nothing_is_wrong() {
    needs_a_throwaway!();
    if installed("cron", "cron").is_none() {
        return;
    }
    assert_eq!(mails(&hardened_env(), ""), "");
}

#[test]
fn cron_mails_findings_and_keys_that_are_due() {
    needs_a_throwaway!();
    if installed("cron", "cron").is_none() {
        return;
    }
    let env = hardened_env().replace("FORCE_HTTPS=true", "FORCE_HTTPS=false");
    let mails = mails(&env, "touch -d '200 days ago' /etc/openclaw/openclaw.env");
    assert!(mails.contains("https.force-https-off"), "{mails}");
    assert!(mails.contains("overdue WEB_API_KEY"), "{mails}");
}
