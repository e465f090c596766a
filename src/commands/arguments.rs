//! From the words on the command line, the variables and the configuration to parsed arguments.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};
use openclaw_sec::audit::detect::DETECTORS;
use openclaw_sec::settings::{KnownFlags, Settings, SettingsError};
use openclaw_sec::world::World;
use openclaw_sec::{check, strength};

use super::exit;
use crate::cli::{Cli, ColorChoice, Global};
use crate::terminal::Terminal;

/// Every flag can also be set by a variable that begins so.
const VARIABLE_PREFIX: &str = "OPENCLAW_SEC_";
/// Flags that are about one call and so have no place in a configuration.
const NEVER_CONFIGURED: [&str; 5] = ["config", "help", "version", "list", "explain"];
/// A word with this many bits or more in an argument is taken for a secret and not repeated.
const BITS_OF_A_SECRET: f64 = 64.0;

/// Why the arguments are not usable.
pub enum Problem {
    /// Wrong words, or help was asked for.
    Usage(clap::Error),
    /// A wrong configuration.
    Settings(SettingsError),
}

/// Reads configuration and variables, lays them below the flags, and parses.
pub fn parse(words: &[OsString], world: &World) -> Result<(Settings, ArgMatches), Problem> {
    let mut command = Cli::command();
    let config = config_flag(words).or_else(|| {
        let variable = format!("{VARIABLE_PREFIX}CONFIG");
        world.variable(&variable).map(PathBuf::from)
    });
    let settings = Settings::load(config.as_deref(), world, known_flags, check::is_id);
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => return Err(help_or(command, words, error)),
    };
    if !settings.defaults.is_empty() || variables(world).next().is_some() {
        command.build();
    }
    for default in &settings.defaults {
        command = with_default(
            command,
            &default.table,
            &default.flag,
            values(&default.values),
        );
    }
    for (flag, value) in variables(world) {
        for table in tables_of(&command, &flag) {
            command = with_default(command, &table, &flag, vec![value.to_os_string()]);
        }
    }
    let matches = command
        .try_get_matches_from_mut(words)
        .map_err(Problem::Usage)?;
    // Taking the definitions apart would cost more than the whole rest of a short command.
    std::mem::forget(command);
    Ok((settings, matches))
}

/// Help must come even where the configuration is broken.
fn help_or(mut command: clap::Command, words: &[OsString], error: SettingsError) -> Problem {
    match command.try_get_matches_from_mut(words) {
        Err(help) if !help.use_stderr() => Problem::Usage(help),
        _ => Problem::Settings(error),
    }
}

/// The flags that are set by a variable.
fn variables(world: &World) -> impl Iterator<Item = (String, &OsStr)> {
    world
        .variables_with_prefix(VARIABLE_PREFIX)
        .map(|(name, value)| {
            (
                name[VARIABLE_PREFIX.len()..]
                    .to_lowercase()
                    .replace('_', "-"),
                value,
            )
        })
}

fn values(texts: &[String]) -> Vec<OsString> {
    texts.iter().map(OsString::from).collect()
}

fn config_flag(words: &[OsString]) -> Option<PathBuf> {
    let mut words = words.iter().skip(1).take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        if word == "--config" {
            return words.next().map(PathBuf::from);
        }
        if let Some(path) = word
            .to_str()
            .and_then(|word| word.strip_prefix("--config="))
        {
            return Some(PathBuf::from(path));
        }
    }
    None
}

fn known_flags() -> KnownFlags {
    let mut command = Cli::command();
    command.build();
    let mut known = KnownFlags::new();
    known.insert(String::new(), long_flags(&command));
    let global = known[""].clone();
    for command in command.get_subcommands() {
        let own = long_flags(command)
            .into_iter()
            .filter(|flag| !global.contains(flag));
        known.insert(command.get_name().to_owned(), own.collect());
    }
    let mut ids = vec!["ignore".to_owned()];
    for detector in DETECTORS {
        let mut keys = vec!["enabled".to_owned()];
        keys.extend(
            detector
                .parameters
                .iter()
                .map(|parameter| parameter.name.to_owned()),
        );
        if detector.id == "off-hours" {
            keys.push("hours".to_owned());
        }
        ids.push(detector.id.to_owned());
        known.insert(format!("detectors.{}", detector.id), keys);
    }
    known.insert("detectors".to_owned(), ids);
    known
}

fn long_flags(command: &clap::Command) -> Vec<String> {
    command
        .get_arguments()
        .filter_map(|argument| argument.get_long())
        .filter(|flag| !NEVER_CONFIGURED.contains(flag))
        .map(str::to_owned)
        .collect()
}

/// The tables (commands, or `""` for the global flags) that know `flag`.
fn tables_of(command: &clap::Command, flag: &str) -> Vec<String> {
    let knows = |command: &clap::Command| {
        let mut flags = command
            .get_arguments()
            .filter_map(|argument| argument.get_long());
        !NEVER_CONFIGURED.contains(&flag) && flags.any(|known| known == flag)
    };
    if knows(command) {
        return vec![String::new()];
    }
    let tables = command.get_subcommands().filter(|command| knows(command));
    tables
        .map(|command| command.get_name().to_owned())
        .collect()
}

fn with_default(
    command: clap::Command,
    table: &str,
    flag: &str,
    values: Vec<OsString>,
) -> clap::Command {
    let set = |command: clap::Command| {
        let id = command
            .get_arguments()
            .find(|argument| argument.get_long() == Some(flag))
            .map(|argument| argument.get_id().clone());
        match id {
            Some(id) => command.mut_arg(id, |argument| argument.default_values(values)),
            None => command,
        }
    };
    if table.is_empty() {
        set(command)
    } else {
        command.mut_subcommand(table, set)
    }
}

impl Problem {
    /// Tells the person and returns the exit code.
    pub fn show(self, words: &[OsString], world: &World) -> u8 {
        let global = global_flags(words);
        let terminal = Terminal::new(&global, world);
        match self {
            Self::Settings(error) => {
                terminal.error(&error.to_string());
                exit::USAGE
            }
            Self::Usage(help) if !help.use_stderr() => show_help(&help, &terminal, &global),
            Self::Usage(error) => {
                let mut text = error.render().to_string();
                for secret in likely_secrets(words) {
                    text = text.replace(&secret, "[redacted]");
                }
                terminal.usage(&text);
                exit::USAGE
            }
        }
    }
}

fn show_help(help: &clap::Error, terminal: &Terminal, global: &Global) -> u8 {
    let styled = help.render();
    let text = if terminal.colors_data() && global.color != ColorChoice::Never {
        styled.ansi().to_string()
    } else {
        styled.to_string()
    };
    debug_assert!(matches!(
        help.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ));
    terminal.reading_matter(text.as_bytes(), exit::DONE)
}

/// The global flags as far as they can be told from words that do not parse.
fn global_flags(words: &[OsString]) -> Global {
    let command = Cli::command().ignore_errors(true);
    let parsed = command.try_get_matches_from(words).ok();
    let cli = parsed.and_then(|matches| Global::from_arg_matches(&matches).ok());
    cli.unwrap_or(Global {
        color: ColorChoice::Auto,
        quiet: false,
        verbose: 0,
        config: None,
        state_dir: None,
        no_input: true,
    })
}

/// Words that look random: a key that was pasted where a flag or a file belongs.
fn likely_secrets(words: &[OsString]) -> Vec<String> {
    words
        .iter()
        .skip(1)
        .map(|word| word.to_string_lossy())
        .flat_map(|word| {
            let value = word.split_once('=').map(|(_, value)| value.to_owned());
            [Some(word.into_owned()), value]
        })
        .flatten()
        .filter(|word| word.len() >= 16 && !word.starts_with("--"))
        .filter(|word| strength::estimate(word.as_bytes()).bits >= BITS_OF_A_SECRET)
        .collect()
}
