//! Who reads the audit log: a process that has it open, or a service whose configuration names it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use globset::GlobBuilder;

use crate::check::host::names_in;
use crate::check::host::processes::{Processes, process_ids};
use crate::small_file;
use crate::world::World;

/// Configuration files larger than this, in bytes, are not looked into.
const LARGEST_FILE: u64 = 4 << 20;

/// Services that follow logs, and where they are told which. A folder stands for its files.
const SERVICES: [(&str, &[&str]); 9] = [
    (
        "fail2ban",
        &[
            "etc/fail2ban/jail.conf",
            "etc/fail2ban/jail.local",
            "etc/fail2ban/jail.d",
        ],
    ),
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
    ("a systemd unit", &["etc/systemd/system"]),
];

/// What reads a log.
#[derive(Debug, Default)]
pub struct Readers {
    /// Their names.
    pub found: Vec<String>,
    /// How many processes may not be looked into.
    pub hidden: usize,
}

pub fn of(log: &Path, processes: &Processes, world: &World) -> Readers {
    let mut readers = Readers::default();
    let shown = log.to_string_lossy().into_owned();
    for (service, places) in SERVICES {
        let files = places.iter().flat_map(|place| files_at(world.host(place)));
        if files
            .into_iter()
            .any(|file| names_log(&file, &shown, service))
        {
            readers.found.push(service.to_owned());
        }
    }
    if readers.found.is_empty() {
        open_files(log, processes, world, &mut readers);
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

/// Whether a line that is no comment names the log, or a pattern that covers it. A systemd unit
/// counts only when it runs a follower: a unit that starts OpenClaw names the log, too.
fn names_log(file: &Path, log: &str, service: &str) -> bool {
    let Ok(text) = small_file::read_text(file, LARGEST_FILE) else {
        return false;
    };
    if service == "a systemd unit" && !text.contains("audit-tail") {
        return false;
    }
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with(['#', ';']))
        .flat_map(|line| {
            line.split(|c: char| {
                c.is_whitespace() || matches!(c, '=' | '"' | '\'' | ',' | '[' | ']' | '(' | ')')
            })
        })
        .any(|word| word == log || covers(word, log))
        || (service == "a systemd unit" && text.contains("openclaw-sec audit-tail"))
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
