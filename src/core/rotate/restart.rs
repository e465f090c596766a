//! Restarts OpenClaw: a systemd unit, a compose service made anew, or a command of the user's own.

use std::ffi::OsStr;
use std::path::Path;

use super::RotateError;
use super::plan::Restart;
use crate::foreign_text::harmless;
use crate::redact::Redactor;
use crate::secret::Secret;
use crate::world::{Finished, Invocation, World};

/// How much of what a failed command printed is repeated.
const SHOWN: usize = 300;

/// Restarts programs without showing them a secret.
pub struct Driver<'a> {
    /// The outside world.
    pub world: &'a World,
    /// Where commands run.
    pub folder: &'a Path,
    /// Variables that children never see, by name.
    pub hidden_names: Vec<String>,
    /// Values that children never see under any name.
    pub hidden_values: Vec<Secret>,
    /// Whether somebody wants to stop.
    pub stop: &'a dyn Fn() -> bool,
    /// What children may know, because they read the env file, and nobody else.
    pub redactor: Redactor,
}

/// Checks a restart before anything is changed.
///
/// # Errors
/// When the command cannot be split into words, or a name looks like an option.
pub fn inspect(restart: &Restart) -> Result<(), RotateError> {
    let named = |name: &str| !name.is_empty() && !name.starts_with('-');
    match restart {
        Restart::None => Ok(()),
        Restart::Command(command) => match shlex::split(command) {
            Some(words) if !words.is_empty() => Ok(()),
            _ => Err(RotateError::RestartCommand),
        },
        Restart::Unit { unit: name, .. } | Restart::Compose { service: name, .. } => {
            if named(name) {
                Ok(())
            } else {
                Err(RotateError::RestartName)
            }
        }
    }
}

impl Driver<'_> {
    /// Restarts, and waits until the command is done. True if there was something to do.
    ///
    /// # Errors
    /// In words, why it failed.
    pub fn restart(&self, restart: &Restart) -> Result<bool, String> {
        match restart {
            Restart::None => return Ok(false),
            Restart::Command(command) => {
                let words = shlex::split(command).unwrap_or_default();
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                self.run(&words)?;
            }
            Restart::Unit { unit, user } => {
                self.run(&systemctl(*user, &["restart", unit]))?;
                if self.show(unit, *user, "ActiveState").as_deref() == Some("failed") {
                    return Err(format!("systemd says that {unit} failed"));
                }
            }
            Restart::Compose { service, file } => {
                let file = file.as_deref().map(Path::to_string_lossy);
                let mut words = vec!["docker", "compose"];
                if let Some(file) = &file {
                    words.extend(["-f", file]);
                }
                words.extend(["up", "-d", "--force-recreate", "--no-deps", service]);
                self.run(&words)?;
            }
        }
        Ok(true)
    }

    /// The main process of the unit, if a unit is restarted and runs.
    pub fn main_process(&self, restart: &Restart) -> Option<u32> {
        let Restart::Unit { unit, user } = restart else {
            return None;
        };
        let pid = self.show(unit, *user, "MainPID")?.parse().ok()?;
        (pid != 0).then_some(pid)
    }

    fn show(&self, unit: &str, user: bool, property: &str) -> Option<String> {
        let property = format!("--property={property}");
        let words = systemctl(user, &["show", &property, "--value", unit]);
        let finished = self.invoke(&words, false).ok()?;
        let text = String::from_utf8_lossy(&finished.stdout).trim().to_owned();
        // Some answer with `Name=value` all the same.
        let text = text.rsplit('=').next().unwrap_or_default().to_owned();
        (finished.code == Some(0) && !text.is_empty()).then_some(text)
    }

    fn run(&self, words: &[&str]) -> Result<(), String> {
        let program = words.first().copied().unwrap_or_default();
        let finished = self
            .invoke(words, true)
            .map_err(|error| format!("{program} cannot be started: {error}"))?;
        match finished.code {
            Some(0) => Ok(()),
            code => {
                // A child may have read the env file and repeat what it found there.
                let said = String::from_utf8_lossy(&finished.stderr);
                let said = self.redactor.clean_of_parts(&said);
                let said: String = said.trim().chars().take(SHOWN).collect();
                let how = code.map_or_else(
                    || "was ended by a signal".to_owned(),
                    |code| format!("ended with {code}"),
                );
                let colon = if said.is_empty() { "" } else { ": " };
                Err(format!("{program} {how}{colon}{}", harmless(&said)))
            }
        }
    }

    fn invoke(&self, words: &[&str], leaves_running: bool) -> std::io::Result<Finished> {
        let (program, arguments) = words.split_first().ok_or(std::io::ErrorKind::NotFound)?;
        let mut invocation = Invocation::new(program, arguments);
        invocation.folder = self.folder.is_dir().then_some(self.folder);
        let is_hidden = |name: &OsStr, value: &OsStr| {
            self.hidden_names
                .iter()
                .any(|hidden| name == hidden.as_str())
                || self.hidden_values.iter().any(|secret| {
                    !secret.is_empty()
                        && memchr::memmem::find(value.as_encoded_bytes(), secret.expose()).is_some()
                })
        };
        if leaves_running {
            self.world
                .run_and_leave_hiding(&invocation, &is_hidden, self.stop)
        } else {
            self.world.run_hiding(&invocation, &is_hidden)
        }
    }
}

fn systemctl<'w>(user: bool, words: &[&'w str]) -> Vec<&'w str> {
    let mut all = vec!["systemctl"];
    if user {
        all.push("--user");
    }
    all.extend(words);
    all
}
