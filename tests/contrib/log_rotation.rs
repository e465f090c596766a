//! The logrotate file: real logrotate takes it, and no line of a log is lost through it.

use crate::support::{installed, root};
use crate::throwaway::Machine;

const LOG: &str = "/var/log/openclaw/audit.log";

/// Four nights, with a writer that opens its log anew for each line.
const FOUR_NIGHTS: &str = r#"
set -eu
log=/var/log/openclaw/audit.log
chown -R 12345:12345 /var/log/openclaw
chmod 640 $log
logrotate --debug /etc/logrotate.d/openclaw 2>&1
for night in 1 2 3 4; do
    echo "line $night" >>$log
    logrotate --force --state /state /etc/logrotate.d/openclaw
    echo "late $night" >>$log.1
    stat -c '%a %u %g' $log
done
ls /var/log/openclaw
echo "--"
zcat -f /var/log/openclaw/audit.log* | sort
"#;

#[test]
fn logrotate_keeps_every_line_the_mode_and_the_owner() {
    needs_a_throwaway!();
    if installed("logrotate", "logrotate").is_none() {
        return;
    }
    let machine = Machine::new().put(LOG, "", 0o640).copy(
        &root().join("contrib/logrotate/openclaw"),
        "/etc/logrotate.d/openclaw",
        0o644,
    );
    let ended = machine.run(FOUR_NIGHTS).succeeded();
    assert_eq!(ended.stderr, "");
    let said = ended.stdout;
    assert!(!said.contains("error"), "{said}");
    assert_eq!(said.matches("640 12345 12345\n").count(), 4, "{said}");
    assert!(
        said.contains("audit.log\naudit.log.1\naudit.log.2.gz\n"),
        "{said}"
    );
    let lines = said.split("--\n").last().unwrap();
    assert_eq!(
        lines,
        "late 1\nlate 2\nlate 3\nlate 4\nline 1\nline 2\nline 3\nline 4\n"
    );
}
