//! This machine: who can read the env file, what runs, and what becomes of the audit log.

mod audit_log;
mod env_files;
mod processes;

use std::path::Path;

use super::evidence::Declared;
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
    pub processes: Processes,
    /// The audit log; none where no path is set.
    pub audit: Option<AuditEvidence>,
}

/// Looks at this machine without changing anything.
pub fn gather(declared: Option<&Declared>, world: &World) -> HostEvidence {
    let processes = processes::gather(world);
    let Some(declared) = declared else {
        return HostEvidence {
            processes,
            ..HostEvidence::default()
        };
    };
    let env_files = declared
        .path
        .as_deref()
        .map(|path| env_files::gather(path, declared, world));
    let audit = audit_log::gather(declared, &processes, world);
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
