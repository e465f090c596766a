//! Who reads the audit log: a process that has it open, or a service whose configuration names it.

mod fail2ban;
mod units;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;

use crate::check::host::processes::{Processes, process_ids};
use crate::check::host::{Machine, names_in};
use crate::check::verdict::shell_word;
use crate::small_file;
use crate::variables::DEFAULT_AUDIT_LOG;
use crate::world::World;

/// Configuration files larger than this, in bytes, are not looked into.
const LARGEST_FILE: u64 = 4 << 20;

/// Services that follow logs, and where they are told which. A folder stands for its files.
const SERVICES: [(&str, &[&str]); 7] = [
    (
        "CrowdSec",
        &["etc/crowdsec/acquis.yaml", "etc/crowdsec/acquis.d"],
    ),
    ("rsyslog", &["etc/rsyslog.conf", "etc/rsyslog.d"]),
    (
        "Filebeat",
        &["etc/filebeat/filebeat.yml", "etc/filebeat/inputs.d"],
    ),
    ("Vector", &["etc/vector"]),
    ("Fluent Bit", &["etc/fluent-bit"]),
    ("Promtail", &["etc/promtail"]),
    ("Alloy", &["etc/alloy"]),
];

use fail2ban::Named;
pub use units::{Units, services};

/// What reads a log.
#[derive(Debug, Default)]
pub struct Readers {
    /// Their names.
    pub found: Vec<String>,
    /// What names the log and is not enabled, and the command that enables it.
    pub asleep: Vec<String>,
    /// How many processes may not be looked into.
    pub hidden: usize,
}

/// `env` is the env file that names the log.
pub fn of(log: &Path, env: Option<&Path>, machine: &Machine, world: &World) -> Readers {
    let mut readers = Readers::default();
    let shown = log.to_string_lossy().into_owned();
    match fail2ban::names(&shown, world) {
        Named::Enabled => readers.found.push("fail2ban".to_owned()),
        Named::Asleep(jail) => readers.asleep.push(format!(
            "fail2ban's jail {jail} names the audit log and is not enabled: run `printf '[%s]\\nenabled = true\\n' \
             {} | sudo tee -a /etc/fail2ban/jail.d/openclaw.local` and `sudo fail2ban-client reload`",
            shell_word(&jail)
        )),
        Named::Nowhere => {}
    }
    for (service, places) in SERVICES {
        let mut files = places.iter().flat_map(|place| files_at(world.host(place)));
        if files.any(|file| names_log(&file, &shown)) {
            readers.found.push(service.to_owned());
        }
    }
    // A unit that starts OpenClaw names the log, too: what counts is a follower.
    let Units { started, asleep } = machine.units(world);
    let follows = |text: &str| runs_follower(text, &shown, env);
    if started.iter().any(|text| follows(text)) {
        readers.found.push("a systemd unit".to_owned());
    }
    let asleep = asleep.iter().find(|(_, text)| follows(text));
    readers.asleep.extend(asleep.map(|(unit, _)| {
        format!(
            "{unit} would read the audit log and is not enabled: run `sudo systemctl enable --now {}`",
            shell_word(unit)
        )
    }));
    if readers.found.is_empty() {
        open_files(log, &machine.processes, world, &mut readers);
    }
    readers
}

fn files_at(place: PathBuf) -> Vec<PathBuf> {
    if place.is_dir() {
        return names_in(&place)
            .into_iter()
            .map(|name| place.join(name))
            .collect();
    }
    vec![place]
}

/// Whether a line that is no comment names the log, or a pattern that covers it.
fn names_log(file: &Path, log: &str) -> bool {
    let Ok(text) = small_file::read_text(file, LARGEST_FILE) else {
        return false;
    };
    settings(&text)
        .flat_map(words)
        .any(|word| word == log || covers(word, log))
}

/// The lines that are no comments.
fn settings(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.starts_with(['#', ';']))
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| {
        c.is_whitespace() || matches!(c, '=' | '"' | '\'' | ',' | '[' | ']' | '(' | ')')
    })
}

/// Whether a unit's text runs `audit-tail` for this log.
fn runs_follower(text: &str, log: &str, env: Option<&Path>) -> bool {
    // systemd(5): a backslash at its end carries a line on.
    let settings: Vec<&str> = settings(text).collect();
    let joined = settings.join("\n").replace("\\\n", " ");
    let commands = joined
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| name.starts_with("Exec"));
    let mut following: Vec<&str> = Vec::new();
    for (name, command) in commands {
        if command.trim().is_empty() {
            // What stood there before does not count any more.
            following.retain(|other| *other != name);
        } else if follows(command, log, env) {
            following.push(name);
        }
    }
    !following.is_empty()
}

/// Whether a command reads the log: it names it, or leaves it to the env file, or both to the
/// default.
fn follows(command: &str, log: &str, env: Option<&Path>) -> bool {
    const WITH_A_PATH: [&str; 4] = ["--env", "--config", "--state-dir", "--alert-exec"];
    let mut words = words(command).filter(|word| !word.is_empty());
    if !words.any(|word| word == "audit-tail") {
        return false;
    }
    let (mut named_env, mut names_another) = (None, false);
    while let Some(word) = words.next() {
        match word {
            "seal" | "verify" => return false,
            "--env" => named_env = words.next(),
            flag if WITH_A_PATH.contains(&flag) => _ = words.next(),
            word if word == log || covers(word, log) => return true,
            word => names_another |= word.starts_with('/'),
        }
    }
    !names_another
        && match named_env {
            Some(named) => env.is_some_and(|env| is_same_file(Path::new(named), env)),
            None => log == DEFAULT_AUDIT_LOG,
        }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

fn covers(word: &str, log: &str) -> bool {
    word.starts_with('/')
        && word.contains(['*', '?'])
        && GlobBuilder::new(word)
            .literal_separator(true)
            .build()
            .is_ok_and(|glob| glob.compile_matcher().is_match(log))
}

/// Looks for processes other than OpenClaw that have the file open for reading (proc(5)).
fn open_files(log: &Path, processes: &Processes, world: &World, readers: &mut Readers) {
    let Ok(metadata) = log.metadata() else {
        return;
    };
    let identity = (metadata.dev(), metadata.ino());
    let proc = world.host("proc");
    for pid in process_ids(&proc) {
        let is_gateway = processes.gateways.iter().any(|gateway| gateway.pid == pid);
        if is_gateway || pid == std::process::id() {
            continue;
        }
        let folder = proc.join(pid.to_string());
        let Ok(descriptors) = std::fs::read_dir(folder.join("fd")) else {
            readers.hidden += usize::from(folder.exists());
            continue;
        };
        let reads = descriptors.flatten().any(|descriptor| {
            let is_log = descriptor
                .path()
                .metadata()
                .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == identity);
            is_log && is_open_for_reading(&folder, &descriptor.file_name())
        });
        if reads {
            let name = std::fs::read_to_string(folder.join("comm")).unwrap_or_default();
            readers
                .found
                .push(format!("process {pid} ({})", name.trim()));
        }
    }
}

/// `flags` of `/proc/PID/fdinfo/N` is octal; its last two bits are 1 for writing alone.
fn is_open_for_reading(folder: &Path, descriptor: &std::ffi::OsStr) -> bool {
    const ACCESS_MODE: u32 = 0o3;
    const WRITE_ONLY: u32 = 0o1;
    let Ok(text) = std::fs::read_to_string(folder.join("fdinfo").join(descriptor)) else {
        return false;
    };
    text.lines()
        .find_map(|line| line.strip_prefix("flags:"))
        .and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok())
        .is_some_and(|flags| flags & ACCESS_MODE != WRITE_ONLY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_follows_the_log_that_its_command_names_or_its_env_file_does() {
        const LOG: &str = "/srv/bot/audit.log";
        const ENV: &str = "/etc/bot.env";
        for (text, expected) in [
            (
                "ExecStart=/usr/bin/openclaw-sec audit-tail /srv/bot/audit.log --follow",
                true,
            ),
            (
                "ExecStart=openclaw-sec audit-tail \\\n  --follow \\\n  '/srv/bot/audit.log'",
                true,
            ),
            ("ExecStart=openclaw-sec audit-tail /srv/bot/*.log", true),
            (
                "ExecStart=openclaw-sec audit-tail --env /etc/bot.env --follow",
                true,
            ),
            ("ExecStart=openclaw-sec audit-tail --env=/etc/bot.env", true),
            (
                "ExecStart=openclaw-sec audit-tail --env /etc/other.env",
                false,
            ),
            (
                "ExecStart=openclaw-sec audit-tail --env /etc/bot.env /var/log/other.log",
                false,
            ),
            (
                "ExecStart=openclaw-sec audit-tail /var/log/other.log",
                false,
            ),
            ("ExecStart=openclaw-sec audit-tail --follow", false),
            (
                "ExecStart=openclaw-sec audit-tail seal /srv/bot/audit.log",
                false,
            ),
            (
                "#ExecStart=openclaw-sec audit-tail /srv/bot/audit.log",
                false,
            ),
            (
                "Description=runs openclaw-sec audit-tail /srv/bot/audit.log",
                false,
            ),
            ("ExecStart=openclaw-gateway /srv/bot/audit.log", false),
            (
                "ExecStart=openclaw-sec audit-tail /srv/bot/audit.log\nExecStart=\nExecStart=true",
                false,
            ),
        ] {
            assert_eq!(
                runs_follower(text, LOG, Some(Path::new(ENV))),
                expected,
                "{text}"
            );
        }
        let plain = "ExecStart=openclaw-sec audit-tail --follow";
        assert!(runs_follower(plain, DEFAULT_AUDIT_LOG, None));
    }
}
