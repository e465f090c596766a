//! This machine: who can read the env file, what runs, and what becomes of the audit log.

mod audit_log;
mod env_files;
mod processes;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::evidence::Declared;
use super::rotation;
use crate::order;
use crate::world::World;

pub use audit_log::{
    AuditEvidence, LogFile, audit_file_missing, audit_file_mode, audit_stale, no_rotation,
    not_monitored, secret_in_log,
};
pub use env_files::{EnvFiles, env_file_mode, env_file_owner};
pub use processes::{Processes, stale_in_process};

/// What was seen on this machine.
#[derive(Debug, Default)]
pub struct HostEvidence {
    /// The env file and its copies; none where it was read from a pipe or not at all.
    pub env_files: Option<EnvFiles>,
    /// Running gateways.
    pub processes: Arc<Processes>,
    /// The audit log; none where no path is set.
    pub audit: Option<AuditEvidence>,
}

/// What of this machine is the same for every deployment that is looked at.
#[derive(Debug)]
pub struct Machine {
    processes: Arc<Processes>,
    /// The users that OpenClaw's units name.
    service_users: Vec<u32>,
    /// What reminds of rotations.
    pub(super) reminders: Vec<String>,
    /// The services that are started by themselves, once somebody asks for them.
    units: OnceLock<audit_log::Units>,
}

impl Machine {
    /// Looks at processes, units and timers.
    pub fn look(world: &World) -> Self {
        Self {
            processes: Arc::new(processes::gather(world)),
            service_users: processes::service_users(world),
            reminders: rotation::reminders(world),
            units: OnceLock::new(),
        }
    }

    fn units(&self, world: &World) -> &audit_log::Units {
        self.units.get_or_init(|| audit_log::services(world))
    }
}

/// Looks at this machine without changing anything.
pub fn gather(declared: Option<&Declared>, machine: &Machine, world: &World) -> HostEvidence {
    let processes = Arc::clone(&machine.processes);
    let Some(declared) = declared else {
        return HostEvidence {
            processes,
            ..HostEvidence::default()
        };
    };
    let env_files = declared
        .path
        .as_deref()
        .map(|path| env_files::gather(path, declared, machine.service_users.clone()));
    let audit = audit_log::gather(declared, machine, world);
    HostEvidence {
        env_files,
        processes,
        audit,
    }
}

/// The names in a folder, sorted; none where it cannot be read.
fn names_in(folder: &Path) -> Vec<std::ffi::OsString> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    order::sort(&mut names);
    names
}

/// All of them, or why not.
fn list(folder: &Path) -> std::io::Result<Vec<std::ffi::OsString>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.push(entry?.file_name());
    }
    order::sort(&mut names);
    Ok(names)
}
