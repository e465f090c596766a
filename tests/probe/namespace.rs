//! A namespace of the test's own, where ports 443 and 80 are free and addresses can be added.

use crate::servers::{command, is_missing};

/// Set for the copy of a test that runs inside.
const INSIDE: &str = "OPENCLAW_SEC_PROBE_NAMESPACE";

/// Whether this is that copy.
#[expect(
    clippy::disallowed_methods,
    reason = "a test may look at its environment"
)]
pub fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs an ignored test of this binary inside; the namespace ends with it.
#[expect(clippy::print_stderr, reason = "a skipped test says why")]
pub fn run_inside(test: &str) {
    if inside() {
        return;
    }
    if is_missing("unshare", "--version", "util-linux") || is_missing("ip", "-V", "iproute2") {
        return;
    }
    let namespace = command("unshare")
        .args(["--net", "--pid", "--fork", "true"])
        .status();
    if !namespace.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no network namespace can be made: run as root");
        return;
    }
    let status = command("unshare")
        // With the first process of its own numbering all others end, whatever they started.
        .args(["--net", "--pid", "--fork", "--kill-child", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(status.success(), "the run inside the namespace failed");
}

/// Brings the loopback device up and gives it an address that is none of loopback.
pub fn furnish(address: &str) {
    for arguments in [
        vec!["link", "set", "lo", "up"],
        vec!["addr", "add", address, "dev", "lo"],
    ] {
        assert!(command("ip").args(arguments).status().unwrap().success());
    }
}
