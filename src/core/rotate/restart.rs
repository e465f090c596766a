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
/// When the command cannot be split into words or asks for a shell, or a name looks like an option.
pub fn inspect(restart: &Restart) -> Result<(), RotateError> {
    let named = |name: &str| !name.is_empty() && !name.starts_with('-');
    match restart {
        Restart::None => Ok(()),
        Restart::Command(command) => match shlex::split(command) {
            Some(words) if !words.is_empty() => match operator(command) {
                Some(operator) => Err(RotateError::RestartOperator(operator)),
                None => Ok(()),
            },
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

/// The first word that only a shell would understand: without one it is an argument, and what stands
/// behind it never runs. Quoted it is text.
fn operator(command: &str) -> Option<String> {
    const ALONE: [&str; 6] = ["&&", "||", ";", "|", "&", "|&"];
    let is_operator = |word: &str| {
        let redirects = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '&');
        ALONE.contains(&word) || word.ends_with(';') || redirects.starts_with(['<', '>'])
    };
    let mut quote = None;
    let mut word = String::new();
    let mut characters = command.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, '\\') | (Some('"'), '\\') => {
                characters.next();
                word.push('_');
            }
            (None, '\'' | '"') => {
                quote = Some(character);
                word.push('_');
            }
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, _) if character.is_ascii_whitespace() => {
                if is_operator(&word) {
                    return Some(word);
                }
                word.clear();
            }
            (None, _) => word.push(character),
        }
    }
    Some(word).filter(|word| is_operator(word))
}

impl Driver<'_> {
    /// Whether what a restart needs is there, found out without a change.
    ///
    /// # Errors
    /// In words, what is missing.
    pub fn look(&self, restart: &Restart) -> Result<(), String> {
        match restart {
            Restart::None => Ok(()),
            Restart::Command(command) => {
                let words = shlex::split(command).unwrap_or_default();
                let program = words.first().map_or("", String::as_str);
                self.find(program)
                    .map_err(|missing| format!("--restart: {missing}"))
            }
            Restart::Unit { unit, user } => {
                self.find("systemctl")
                    .map_err(|missing| format!("--restart-unit: {missing}"))?;
                match self.show(unit, *user, "LoadState").as_deref() {
                    Some(state @ ("not-found" | "masked" | "bad-setting" | "error")) => Err(
                        format!("--restart-unit: systemd says that {unit} is {state}"),
                    ),
                    _ => Ok(()),
                }
            }
            Restart::Compose { file, .. } => {
                self.find("docker")
                    .map_err(|missing| format!("--restart-compose: {missing}"))?;
                match file {
                    Some(file) if !self.folder.join(file).is_file() => Err(format!(
                        "--compose-file: there is no file {}",
                        file.display()
                    )),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Whether a program can be started: named by its path, or found in PATH.
    fn find(&self, program: &str) -> Result<(), String> {
        use rustix::fs::Access;
        let runs =
            |path: &Path| path.is_file() && rustix::fs::access(path, Access::EXEC_OK).is_ok();
        if program.contains('/') {
            let is_there = runs(&self.folder.join(program));
            return is_there
                .then_some(())
                .ok_or_else(|| format!("{program} is no program that can be started"));
        }
        let path = self
            .world
            .variable("PATH")
            .unwrap_or(OsStr::new("/bin:/usr/bin"));
        let is_there =
            std::env::split_paths(path).any(|folder| runs(&self.folder.join(folder).join(program)));
        is_there
            .then_some(())
            .ok_or_else(|| format!("there is no program {program} in PATH"))
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn inspected(command: &str) -> Result<(), RotateError> {
        inspect(&Restart::Command(command.to_owned()))
    }

    #[test]
    fn what_only_a_shell_understands_is_refused() {
        for command in [
            "echo restarting && systemctl restart bot",
            "a || b",
            "a ; b",
            "a; b",
            "a | b",
            "a > log",
            "a >log",
            "a 2>&1",
            "a &>log",
            "a < in",
            "a &",
            "'a b' \"c\" && d",
        ] {
            let refused = inspected(command);
            assert!(
                matches!(refused, Err(RotateError::RestartOperator(_))),
                "{command}: {refused:?}"
            );
        }
    }

    #[test]
    fn quoted_operators_and_those_within_words_are_text() {
        for command in [
            "sh -c 'a && b; c > d'",
            "sh -c \"a | b\"",
            "sh -c 'a;' ",
            "a ';' \"&\" \\; \\&",
            "curl http://127.0.0.1/restart?a=1&b=2",
            "a --label=x>y a|b",
            "sh -c \"echo \\\"; x\"",
        ] {
            assert!(inspected(command).is_ok(), "{command}");
        }
    }
}
