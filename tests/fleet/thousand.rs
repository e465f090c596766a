//! A thousand endpoints: all of them are in the report, and neither memory nor connections run away.

use std::fmt::Write as _;

use crate::servers::{Manner, Servers};
use crate::support::Place;

/// How many are listed.
const TARGETS: usize = 1000;
/// How many are asked at a time.
const JOBS: usize = 50;
/// What a run may open for one endpoint.
const CONNECTIONS_EACH: usize = 40;
/// More memory than this is not used, in KiB.
const MOST_MEMORY: u64 = 400 << 10;

#[test]
fn a_thousand_endpoints_are_asked_within_bounds() {
    let place = Place::new();
    // The servers' process has room for as many files as the system gives by default.
    let servers = Servers::start(100, Manner::Answers);
    let mut list = String::new();
    for number in 0..TARGETS {
        let url = servers.url(number % servers.ports.len());
        writeln!(list, "[[target]]\nname = 'bot-{number}'\nurl = '{url}'").unwrap();
    }
    place.write("fleet.toml", list);
    let measured = "import os, sys\n\
        pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)\n\
        _, status, usage = os.wait4(pid, 0)\n\
        print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)";
    let jobs = JOBS.to_string();
    let mut command = place.command("python3");
    command.args(["-c", measured, crate::support::PROGRAM, "check"]);
    command.args(["--targets", "fleet.toml", "--only", "live", "--jobs", &jobs]);
    command.args(["--format", "json", "--output", "report.json"]);
    command.timeout(std::time::Duration::from_secs(300));
    let output = command.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let (code, memory) = printed.trim().split_once(' ').unwrap();
    assert_eq!(code, "1", "{}", String::from_utf8_lossy(&output.stderr));
    let memory: u64 = memory.parse().unwrap();
    assert!(memory < MOST_MEMORY, "{memory} KiB");
    let most = servers.most();
    assert!(most <= JOBS * CONNECTIONS_EACH, "{most} connections");
    assert_eq!(servers.called(), servers.ports.len());
    let report: serde_json::Value = serde_json::from_slice(&place.read("report.json")).unwrap();
    let targets = report["targets"].as_array().unwrap();
    assert_eq!(targets.len(), TARGETS);
    for (number, target) in targets.iter().enumerate() {
        assert_eq!(target["name"], format!("bot-{number}"));
        assert_eq!(target["status"], "fail", "{target}");
    }
}
