//! Running gateways: who runs them, since when, and with which environment.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::names_in;
use crate::check::evidence::{Declared, Evidence};
use crate::check::verdict::{Finding, Verdict, pass, skipped, unknown};
use crate::gateway_process;
use crate::order;
use crate::secret::Secret;
use crate::small_file;
use crate::world::World;

/// Unit files larger than this, in bytes, are none.
const LARGEST_UNIT: u64 = 1 << 20;

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    /// Its process id.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
    /// When it started, in seconds since 1970.
    pub started: Option<u64>,
    /// The environment it was started with; none where it may not be read.
    pub environment: Option<BTreeMap<Vec<u8>, Secret>>,
}

/// The running gateways of this machine.
#[derive(Debug, Default)]
pub struct Processes {
    /// All of them, by process id.
    pub gateways: Vec<Gateway>,
}

impl Processes {
    /// The users that run a gateway.
    pub fn users(&self) -> Vec<u32> {
        self.gateways.iter().map(|gateway| gateway.uid).collect()
    }
}

pub fn gather(world: &World) -> Processes {
    let proc = world.host("proc");
    let boot = boot_time(&proc);
    let gateways = process_ids(&proc)
        .filter_map(|pid| gateway(&proc.join(pid.to_string()), pid, boot))
        .collect();
    Processes { gateways }
}

/// The ids of all processes.
pub fn process_ids(proc: &Path) -> impl Iterator<Item = u32> + use<> {
    names_in(proc)
        .into_iter()
        .filter_map(|name| name.to_str()?.parse().ok())
}

fn gateway(folder: &Path, pid: u32, boot: Option<u64>) -> Option<Gateway> {
    if !gateway_process::is_gateway(folder) {
        return None;
    }
    let uid = folder.metadata().ok()?.uid();
    let environment = std::fs::read(folder.join("environ"))
        .ok()
        .map(|bytes| environment(&bytes));
    let started = boot.and_then(|boot| {
        let ticks = gateway_process::start_tick(folder)?;
        Some(boot + ticks / rustix::param::clock_ticks_per_second())
    });
    Some(Gateway {
        pid,
        uid,
        started,
        environment,
    })
}

fn environment(bytes: &[u8]) -> BTreeMap<Vec<u8>, Secret> {
    bytes
        .split(|byte| *byte == 0)
        .filter_map(|entry| {
            let equals = memchr::memchr(b'=', entry)?;
            Some((entry[..equals].to_vec(), Secret::new(&entry[equals + 1..])))
        })
        .collect()
}

/// `btime` of `/proc/stat`, in seconds since 1970 (proc(5)).
fn boot_time(proc: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(proc.join("stat")).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

/// The users that OpenClaw's systemd units name.
pub fn service_users(world: &World) -> Vec<u32> {
    let mut users = Vec::new();
    for folder in [
        "etc/systemd/system",
        "usr/lib/systemd/system",
        "lib/systemd/system",
    ] {
        let folder = world.host(folder);
        for name in names_in(&folder) {
            let name = name.to_string_lossy().into_owned();
            let is_ours = name.contains("openclaw-sec");
            if is_ours || !name.contains("openclaw") || !name.ends_with(".service") {
                continue;
            }
            let user = user_of(&folder, &name);
            users.extend(user.and_then(|user| uid_of(&user, world)));
        }
    }
    order::sort(&mut users);
    users.dedup();
    users
}

/// What a drop-in says outranks the unit.
fn user_of(folder: &Path, unit: &str) -> Option<String> {
    let drop_ins = folder.join(format!("{unit}.d"));
    let names = names_in(&drop_ins).into_iter().rev();
    names
        .filter(|name| name.to_string_lossy().ends_with(".conf"))
        .map(|name| drop_ins.join(name))
        .chain([folder.join(unit)])
        .find_map(|file| user_in(&file))
}

/// The last `User=` of a unit's file counts.
fn user_in(file: &Path) -> Option<String> {
    let text = small_file::read_text(file, LARGEST_UNIT).ok()?;
    let settings = text.lines().filter_map(|line| line.split_once('='));
    let users = settings.filter(|(name, _)| name.trim() == "User");
    let user = users.map(|(_, user)| user.trim()).next_back()?;
    Some(user.to_owned())
}

fn uid_of(user: &str, world: &World) -> Option<u32> {
    if let Ok(uid) = user.parse() {
        return Some(uid);
    }
    let passwd = small_file::read_text(&world.host("etc/passwd"), 16 << 20).ok()?;
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(user)).then(|| fields.nth(1)?.parse().ok())?
    })
}

pub fn stale_in_process(evidence: &Evidence) -> Vec<Verdict> {
    let Some(declared) = &evidence.declared else {
        return skipped("no env file was read");
    };
    let gateways = &evidence.host.processes.gateways;
    if gateways.is_empty() {
        return skipped("no OpenClaw gateway runs on this machine");
    }
    if declared.secrets().next().is_none() {
        return skipped("the env file holds no secret");
    }
    let changed = declared.path.as_deref().and_then(changed_at);
    let mut verdicts: Vec<Verdict> = gateways
        .iter()
        .flat_map(|gateway| judge(gateway, declared, changed))
        .collect();
    if verdicts.is_empty() {
        verdicts = pass("the running gateway has no other values than the env file");
    }
    verdicts
}

/// When the file last changed, in seconds since 1970.
fn changed_at(path: &Path) -> Option<u64> {
    u64::try_from(path.metadata().ok()?.mtime()).ok()
}

fn judge(gateway: &Gateway, declared: &Declared, changed: Option<u64>) -> Vec<Verdict> {
    let pid = gateway.pid;
    let Some(environment) = &gateway.environment else {
        return unknown(format!(
            "the environment of process {pid} may not be read: run this with sudo, or as the gateway's user"
        ));
    };
    let mut stale = Vec::new();
    let mut absent = Vec::new();
    for secret in declared.secrets() {
        match environment.get(secret.name.as_bytes()) {
            Some(value) if *value == secret.value => {}
            Some(_) => stale.push(
                Finding::new(
                    &secret.name,
                    format!("the running gateway (process {pid}) holds another value of {} than the env file", secret.name),
                )
                .at(declared.location(secret))
                .with("variable", secret.name.as_str())
                .with("pid", pid)
                .into(),
            ),
            None => absent.push(secret.name.as_str()),
        }
    }
    let is_older =
        matches!((gateway.started, changed), (Some(started), Some(changed)) if started < changed);
    if stale.is_empty() && !absent.is_empty() && is_older {
        return unknown(format!(
            "process {pid} was started before the env file was last changed, and what it loaded itself cannot be seen from outside: restart OpenClaw"
        ));
    }
    stale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_of_a_unit_is_read_with_blanks_and_a_drop_in_outranks_it() {
        let place = tempfile::tempdir().unwrap();
        let unit = place.path().join("openclaw.service");
        for (text, expected) in [
            ("[Service]\nUser=openclaw\n", Some("openclaw")),
            ("[Service]\n  User = daemon \n", Some("daemon")),
            ("User=one\nUser=two\n", Some("two")),
            ("#User=openclaw\nUserName=x\n", None),
        ] {
            std::fs::write(&unit, text).unwrap();
            assert_eq!(user_in(&unit).as_deref(), expected, "{text}");
        }
        let folder = place.path();
        std::fs::write(&unit, "User=one\n").unwrap();
        assert_eq!(user_of(folder, "openclaw.service").as_deref(), Some("one"));
        std::fs::create_dir(folder.join("openclaw.service.d")).unwrap();
        for (name, text) in [
            ("10-user.conf", "[Service]\nUser = two\n"),
            ("20-other.conf", "[Service]\nNice=5\n"),
            ("30-user.bak", "[Service]\nUser=three\n"),
        ] {
            std::fs::write(folder.join("openclaw.service.d").join(name), text).unwrap();
        }
        assert_eq!(user_of(folder, "openclaw.service").as_deref(), Some("two"));
    }

    #[test]
    fn an_environment_is_split_at_its_zero_bytes() {
        let found = environment(b"A=1\0B=x=y\0broken\0C=\0");
        assert_eq!(found[&b"B"[..]], Secret::new("x=y"));
        assert_eq!(found.len(), 3);
    }
}
