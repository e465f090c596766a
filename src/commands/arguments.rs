//! From the words on the command line, the variables and the configuration to parsed arguments.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};
use openclaw_sec::audit::detect::DETECTORS;
use openclaw_sec::check;
use openclaw_sec::order;
use openclaw_sec::settings::{KnownFlags, NEVER_CONFIGURED, Settings, SettingsError};
use openclaw_sec::world::World;

use super::exit;
use crate::cli::{Cli, ColorChoice, Global};
use crate::terminal::Terminal;

/// Every flag can also be set by a variable that begins so.
const VARIABLE_PREFIX: &str = "OPENCLAW_SEC_";

/// Why the arguments are not usable.
pub enum Problem {
    /// Wrong words, or help was asked for.
    Usage(clap::Error),
    /// A wrong configuration.
    Settings(SettingsError),
    /// One stands before the command's name, the other behind it.
    QuietAndVerbose,
}

/// `help COMMAND`, as other programs have it, is `COMMAND --help`.
pub fn help_as_a_flag(mut words: Vec<OsString>) -> Vec<OsString> {
    if words.get(1).is_some_and(|word| word == "help") {
        words.remove(1);
        words.push("--help".into());
    }
    words
}

/// Reads configuration and variables, lays them below the flags, and parses.
pub fn parse(words: &[OsString], world: &World) -> Result<(Settings, ArgMatches), Problem> {
    let mut command = Cli::command();
    let settings = match configuration(words, world) {
        Ok(settings) => settings,
        Err(error) => return Err(help_or(command, words, error)),
    };
    let defaults = defaults(&settings, world);
    if !defaults.is_empty() {
        command.build();
        command = with_defaults(command, &defaults, words);
    }
    let matches = command
        .try_get_matches_from_mut(words)
        .map_err(Problem::Usage)?;
    // Taking the definitions apart would cost more than the whole rest of a short command.
    std::mem::forget(command);
    Ok((settings, matches))
}

fn configuration(words: &[OsString], world: &World) -> Result<Settings, SettingsError> {
    let config = config_flag(words).or_else(|| {
        let variable = format!("{VARIABLE_PREFIX}CONFIG");
        world.variable(&variable).map(PathBuf::from)
    });
    Settings::load(config.as_deref(), world, known_flags, check::is_id)
}

/// Help must come even where the configuration is broken.
fn help_or(mut command: clap::Command, words: &[OsString], error: SettingsError) -> Problem {
    match command.try_get_matches_from_mut(words) {
        Err(help) if !help.use_stderr() => Problem::Usage(help),
        _ => Problem::Settings(error),
    }
}

/// A value that a flag has when the command line does not give it.
struct Default {
    /// The command it is for, empty for every one that knows the flag.
    table: String,
    flag: String,
    values: Vec<OsString>,
    is_variable: bool,
}

/// What variables and files set, the strongest first.
fn defaults(settings: &Settings, world: &World) -> Vec<Default> {
    let from_variables = world
        .variables_with_prefix(VARIABLE_PREFIX)
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| Default {
            table: String::new(),
            flag: name[VARIABLE_PREFIX.len()..]
                .to_lowercase()
                .replace('_', "-"),
            values: vec![value.to_os_string()],
            is_variable: true,
        })
        .filter(|default| !NEVER_CONFIGURED.contains(&default.flag.as_str()));
    let from_files = settings.defaults.iter().map(|default| Default {
        table: default.table.clone(),
        flag: default.flag.clone(),
        values: default.values.iter().map(OsString::from).collect(),
        is_variable: false,
    });
    from_variables.chain(from_files).collect()
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
    known.insert(String::new(), flags_of(&command));
    let global = known[""].clone();
    for command in command.get_subcommands() {
        let mut own = flags_of(command);
        own.extend(command.get_subcommands().flat_map(flags_of));
        own.retain(|flag| !global.contains(flag));
        order::sort(&mut own);
        own.dedup();
        known.insert(command.get_name().to_owned(), own);
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

fn flags_of(command: &clap::Command) -> Vec<String> {
    command
        .get_arguments()
        .filter_map(name_of)
        .filter(|flag| !NEVER_CONFIGURED.contains(&flag.as_str()))
        .collect()
}

/// What a flag is called in variables and files: its long name, or the short one where it has no other.
fn name_of(argument: &clap::Arg) -> Option<String> {
    let long = argument.get_long().map(str::to_owned);
    long.or_else(|| argument.get_short().map(String::from))
}

/// Lays the defaults below the flags of every command they are for.
///
/// A built command finds its arguments by their place, so they are changed where they stand.
fn with_defaults(
    command: clap::Command,
    defaults: &[Default],
    words: &[OsString],
) -> clap::Command {
    let name = command.get_name().to_owned();
    below(command, &name, &name, defaults, words)
}

/// The same for `command`, which is `top` or a subcommand of it.
fn below(
    command: clap::Command,
    root: &str,
    top: &str,
    defaults: &[Default],
    words: &[OsString],
) -> clap::Command {
    let is_root = command.get_name() == root;
    let effective = effective(&command, top, defaults, words);
    let command = command.mut_args(|argument| {
        match effective
            .iter()
            .find(|default| name_of(&argument).as_ref() == Some(&default.flag))
        {
            Some(default) => {
                let values: Vec<OsString> = default
                    .values
                    .iter()
                    .flat_map(|value| pieces(&argument, value, default.is_variable))
                    .map(|value| spelled(&argument, &value))
                    .collect();
                argument.default_values(values)
            }
            None => argument,
        }
    });
    command.mut_subcommands(|subcommand| {
        let name = subcommand.get_name().to_owned();
        let top = if is_root { name.as_str() } else { top };
        below(subcommand, root, top, defaults, words)
    })
}

/// The defaults that hold for this command: the strongest of each flag, and none that excludes a
/// flag of the command line or a stronger default.
fn effective<'d>(
    command: &clap::Command,
    top: &str,
    defaults: &'d [Default],
    words: &[OsString],
) -> Vec<&'d Default> {
    let argument = |flag: &str| {
        command
            .get_arguments()
            .find(|argument| name_of(argument).as_deref() == Some(flag))
    };
    let mut effective: Vec<&Default> = Vec::new();
    for default in defaults {
        let is_for_this = default.table.is_empty() || default.table == top;
        let Some(own) = argument(&default.flag).filter(|_| is_for_this) else {
            continue;
        };
        let is_overruled = effective.iter().any(|stronger| {
            let excludes = |other: &clap::Arg| {
                let is_off = stronger
                    .values
                    .iter()
                    .any(|value| spelled(other, value) == "false");
                !is_off && exclude(command, own, other)
            };
            stronger.flag == default.flag || argument(&stronger.flag).is_some_and(excludes)
        });
        let is_excluded = command
            .get_arguments()
            .any(|other| exclude(command, own, other) && is_given(other, words));
        if !is_overruled && !is_excluded {
            effective.push(default);
        }
    }
    effective
}

fn exclude(command: &clap::Command, one: &clap::Arg, other: &clap::Arg) -> bool {
    let has = |of: &clap::Arg, that: &clap::Arg| {
        let conflicts = command.get_arg_conflicts_with(of);
        conflicts.iter().any(|arg| arg.get_id() == that.get_id())
    };
    one.get_id() != other.get_id() && (has(one, other) || has(other, one))
}

/// Whether the flag stands on the command line.
fn is_given(argument: &clap::Arg, words: &[OsString]) -> bool {
    let mut words = words.iter().skip(1).take_while(|word| *word != "--");
    words.any(|word| {
        let word = word.to_string_lossy();
        match word.strip_prefix("--") {
            Some(long) => argument.get_long() == Some(long.split('=').next().unwrap_or(long)),
            None => {
                let short = |short| word.starts_with('-') && word.contains(short);
                argument.get_short().is_some_and(short)
            }
        }
    })
}

/// A variable holds one text: where a flag may be repeated, commas part the values. An `--allow`
/// holds commas itself, so blanks part those.
fn pieces(argument: &clap::Arg, value: &OsStr, is_variable: bool) -> Vec<OsString> {
    let is_list = matches!(argument.get_action(), clap::ArgAction::Append);
    let Some(text) = value.to_str().filter(|_| is_list && is_variable) else {
        return vec![value.to_os_string()];
    };
    let is_allow = argument.get_long() == Some("allow");
    text.split(|c: char| (c == ',' && !is_allow) || (c.is_whitespace() && is_allow))
        .map(str::trim)
        .filter(|piece| !piece.is_empty())
        .map(OsString::from)
        .collect()
}

/// A switch is also set by the words people write into variables.
fn spelled(argument: &clap::Arg, value: &OsStr) -> OsString {
    let is_switch = matches!(
        argument.get_action(),
        clap::ArgAction::SetTrue | clap::ArgAction::SetFalse
    );
    let word = match value.to_str().map(str::to_ascii_lowercase).as_deref() {
        Some("1" | "true" | "yes" | "on") if is_switch => "true",
        Some("0" | "false" | "no" | "off") if is_switch => "false",
        _ => return value.to_os_string(),
    };
    OsString::from(word)
}

impl Problem {
    /// Tells the person and returns the exit code.
    pub fn show(self, words: &[OsString], world: &World) -> u8 {
        let global = global_flags(words);
        let terminal = Terminal::new(&global, world, words_to_judge(words, world));
        match self {
            Self::Settings(error) => {
                terminal.error(&error.to_string());
                exit::USAGE
            }
            Self::QuietAndVerbose => {
                terminal.error("--quiet and --verbose exclude each other");
                exit::USAGE
            }
            Self::Usage(help) if !help.use_stderr() => show_help(&help, &terminal, &global),
            Self::Usage(error) => {
                let source = hidden_source(&error, words, world);
                let mut text = error.render().to_string();
                if source.is_some()
                    && let Some(value) = error.get(clap::error::ContextKind::InvalidValue)
                {
                    // A line of a file is never quoted, and a variable may hold a secret.
                    text = text.replacen(&format!(" '{value}'"), "", 1);
                }
                terminal.usage(&text);
                if error.kind() == ErrorKind::ArgumentConflict
                    && text.contains("--targets")
                    && (text.contains("--env") || text.contains("--url"))
                {
                    terminal.note(
                        "The deployments of --targets name their own env files and endpoints.",
                    );
                }
                if error.kind() == ErrorKind::UnknownArgument
                    && words.iter().any(|word| word == "check")
                    && error
                        .get(clap::error::ContextKind::InvalidArg)
                        .is_some_and(|word| !word.to_string().starts_with('-'))
                {
                    terminal
                        .note("An env file is named with --env FILE, an endpoint with --url URL.");
                }
                if let Some(source) = source {
                    terminal.note(&source);
                }
                exit::USAGE
            }
        }
    }
}

/// Where a wrong value comes from that does not stand on the command line.
fn hidden_source(error: &clap::Error, words: &[OsString], world: &World) -> Option<String> {
    if error.kind() == ErrorKind::MissingRequiredArgument {
        return None;
    }
    if error.kind() == ErrorKind::MissingRequiredArgument {
        return None;
    }
    let invalid = error.get(clap::error::ContextKind::InvalidArg)?.to_string();
    let flag = invalid.split([' ', '=']).next()?.strip_prefix("--")?;
    let is_given = words.iter().any(|word| {
        let word = word.to_string_lossy();
        let long = word.strip_prefix("--").unwrap_or_default();
        long.split('=').next() == Some(flag)
    });
    if is_given {
        return None;
    }
    let variable = format!("{VARIABLE_PREFIX}{}", flag.to_uppercase().replace('-', "_"));
    let source = match world.variable(&variable) {
        Some(_) => format!("the variable {variable}"),
        None => {
            let settings = configuration(words, world).ok()?;
            let is_asked = |table: &str| table.is_empty() || words.iter().any(|word| word == table);
            let mut defaults = settings.defaults.iter();
            let default = defaults.find(|one| one.flag == flag && is_asked(&one.table))?;
            format!("{}:{}", default.source.display(), default.line)
        }
    };
    Some(format!("The value of --{flag} comes from {source}."))
}

fn show_help(help: &clap::Error, terminal: &Terminal, global: &Global) -> u8 {
    let styled = help.render();
    let text = if terminal.colors_data() && global.color != Some(ColorChoice::Never) {
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
pub fn global_flags(words: &[OsString]) -> Global {
    let command = Cli::command().ignore_errors(true);
    let parsed = command.try_get_matches_from(words).ok();
    let cli = parsed.and_then(|matches| Cli::from_arg_matches(&matches).ok());
    cli.map(|mut cli| cli.global.join(cli.command.take_global()))
        .unwrap_or_default()
}

/// Words that may be a key which was pasted where a flag, a number or a file belongs.
pub fn words_to_judge(words: &[OsString], world: &World) -> Vec<String> {
    let from_variables = world
        .variables_with_prefix(VARIABLE_PREFIX)
        .filter(|(_, value)| !value.is_empty())
        .map(|(_, value)| value.to_string_lossy().into_owned());
    let from_words = words
        .iter()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned());
    from_words.chain(from_variables).collect()
}
