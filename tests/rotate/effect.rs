//! The old key is not revoked while something still uses it.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

use crate::support::*;

fn env() -> String {
    format!("A=1\n{NAME}={OLD}\n")
}

struct Gateway(Child);

impl Gateway {
    /// A process that calls itself OpenClaw's gateway.
    fn start(bench: &Bench, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new("sleep");
        command
            .arg0("openclaw-gateway")
            .arg("600")
            .env_clear()
            .envs(variables.iter().copied())
            .current_dir(bench.path("env"));
        let child = command.spawn().unwrap();
        let line = format!("/proc/{}/cmdline", child.id());
        eventually("the gateway", || {
            fs::read(&line).is_ok_and(|line| line.starts_with(b"openclaw-gateway"))
        });
        Self(child)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn keys_and_mock() -> (Alive, Mock) {
    let keys = alive(&[OLD, NEW]);
    let mock = anthropic_mock(&keys);
    (keys, mock)
}

#[test]
fn a_process_with_the_old_key_holds_step_4_back() {
    // Every rotation on this machine sees the process, so its key is that of no other test.
    let own = format!("sk-ant-api03-own{:040}AA", std::process::id());
    let keys = alive(&[&own, NEW]);
    let mock = anthropic_mock(&keys);
    let bench = Bench::new(&mock.url, &env().replace(OLD, &own));
    let gateway = Gateway::start(&bench, &[(NAME, &own)]);
    let done = bench.with_new(&["--restart", "true"]);
    done.expect(3, "waiting").at("revoke");
    assert!(
        done.json["message"]
            .as_str()
            .unwrap()
            .contains(&gateway.0.id().to_string())
    );
    kill(&keys, &own);
    bench.rotate(&["resume"]).expect(3, "waiting");
    drop(gateway);
    bench.rotate(&["resume"]).expect(0, "done");
}

#[test]
fn a_process_that_was_not_restarted_holds_step_4_back() {
    let (keys, mock) = keys_and_mock();
    kill(&keys, OLD);
    let bench = Bench::new(&mock.url, &env());
    let gateway = Gateway::start(&bench, &[("X", "1")]);
    let done = bench.with_new(&["--restart", "true"]);
    done.expect(3, "waiting");
    assert!(
        done.json["message"]
            .as_str()
            .unwrap()
            .contains("not restarted")
    );
    drop(gateway);
    let _gateway = Gateway::start(&bench, &[("X", "1")]);
    bench.rotate(&["resume"]).expect(0, "done");
}

#[test]
fn a_running_gateway_with_the_new_key_is_evidence_enough() {
    let (keys, mock) = keys_and_mock();
    let bench = Bench::new(&mock.url, &env());
    bench
        .with_new(&["--no-restart"])
        .expect(3, "waiting")
        .at("restart");
    let _gateway = Gateway::start(&bench, &[(NAME, NEW)]);
    bench.rotate(&["resume"]).expect(3, "waiting").at("revoke");
    kill(&keys, OLD);
    bench.rotate(&["resume"]).expect(0, "done");
}

#[test]
fn a_file_that_outranks_or_feeds_the_env_file_holds_step_4_back() {
    let (keys, mock) = keys_and_mock();
    kill(&keys, OLD);
    for place in [
        ".openclaw/.env",
        ".openclaw/gateway.systemd.env",
        ".config/openclaw/gateway.env",
        ".openclaw/openclaw.json",
        ".openclaw/agents/main/agent/auth.json",
        ".openclaw/state.sqlite",
        ".config/systemd/user/openclaw.service.d/key.conf",
    ] {
        let bench = Bench::new(&mock.url, &env());
        let path = bench.path("home").join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("something {OLD} else")).unwrap();
        let done = bench.with_new(&["--restart", "true"]);
        done.expect(3, "waiting").at("revoke");
        assert!(
            done.json["message"].as_str().unwrap().contains(place),
            "{done:?}"
        );
        fs::remove_file(&path).unwrap();
        bench.rotate(&["resume"]).expect(0, "done");
    }
}

#[test]
fn the_same_key_under_another_name_holds_step_4_back_and_a_comment_is_told() {
    let (keys, mock) = keys_and_mock();
    kill(&keys, OLD);
    let text = format!("# {NAME}={OLD}\nCLAUDE_KEY={OLD}\n{NAME}={OLD}\n");
    let bench = Bench::new(&mock.url, &text);
    let done = bench.with_new(&["--restart", "true"]);
    done.expect(3, "waiting");
    assert!(
        done.json["message"]
            .as_str()
            .unwrap()
            .contains("CLAUDE_KEY")
    );
    assert!(done.stderr.contains("comment"), "{done:?}");
    assert_eq!(
        bench.text(),
        format!("# {NAME}={OLD}\nCLAUDE_KEY={OLD}\n{NAME}={NEW}\n")
    );
}

#[test]
fn the_key_within_another_variable_holds_step_4_back() {
    let (keys, mock) = keys_and_mock();
    kill(&keys, OLD);
    for line in [
        format!("ANTHROPIC_API_KEYS={OLD},third"),
        format!("OTHER='{{\"key\":\"{OLD}\"}}'"),
        format!("OTHER=https://x:{OLD}@example.org/"),
    ] {
        let bench = Bench::new(&mock.url, &format!("{line}\n{NAME}={OLD}\n"));
        let done = bench.with_new(&["--restart", "true"]);
        done.expect(3, "waiting").at("revoke");
        let name = line.split('=').next().unwrap();
        let message = done.json["message"].to_string();
        assert!(message.contains(name), "{message}");
        std::fs::write(bench.env(), format!("{NAME}={NEW}\n")).unwrap();
        bench.rotate(&["resume"]).expect(0, "done");
    }
}

#[test]
fn an_environment_file_of_a_unit_holds_step_4_back_however_it_is_named() {
    let (keys, mock) = keys_and_mock();
    kill(&keys, OLD);
    for named in [
        "EnvironmentFile=HOME/other/x.env",
        "EnvironmentFile = HOME/other/x.env",
        "EnvironmentFile=-%h/other/x.env",
        "EnvironmentFile=-HOME/o*/*.env",
        "EnvironmentFile=%E/x.env",
        "EnvironmentFile=%S/x.env",
    ] {
        let bench = Bench::new(&mock.url, &env());
        let home = bench.path("home");
        let units = home.join(".config/systemd/user");
        let line = named.replace("HOME", &home.display().to_string());
        for folder in ["other", ".config", ".local/state"] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        fs::create_dir_all(&units).unwrap();
        fs::write(
            units.join("openclaw.service"),
            format!("[Service]\n{line}\n"),
        )
        .unwrap();
        let folder = match named {
            named if named.contains("%E") => ".config",
            named if named.contains("%S") => ".local/state",
            _ => "other",
        };
        fs::write(home.join(folder).join("x.env"), OLD).unwrap();
        let done = bench.with_new(&["--restart", "true"]);
        done.expect(3, "waiting").at("revoke");
        let message = done.json["message"].to_string();
        assert!(message.contains("x.env"), "{named}: {message}");
    }
}
