//! `keygen`: a key to stdout, into a new file, or into an env file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use clap::ArgMatches;
use clap::parser::ValueSource;
use openclaw_sec::atomic_file;
use openclaw_sec::env_file::{EnvFile, Lock, SaveError};
use openclaw_sec::keygen::{Form, KeygenError, MOST_KEYS, Recipe};
use openclaw_sec::placeholder::placeholder;
use openclaw_sec::rotate;
use openclaw_sec::secret::Secret;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use super::{Context, Failure, exit, interrupt};
use crate::cli::{Encoding, KeygenArgs};

/// How long another program that changes the env file is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Permission bits of a new key file.
const PRIVATE: u32 = 0o600;

pub fn run(
    arguments: &KeygenArgs,
    matches: &ArgMatches,
    context: &mut Context<'_>,
) -> Result<u8, Failure> {
    let recipe = Recipe::new(arguments.bytes, form(arguments)).map_err(failure)?;
    if !(1..=MOST_KEYS).contains(&arguments.count) {
        return Err(failure(KeygenError::Count(arguments.count)));
    }
    for (flag, path) in [("--env", &arguments.env), ("--output", &arguments.output)] {
        if path.as_deref().is_some_and(|path| path == Path::new("-")) {
            return Err(Failure::usage(anyhow!(
                "{flag} - is no file; leave it out to print the key, or write ./- for a file of that name"
            )));
        }
    }
    match (&arguments.env, &arguments.output) {
        (Some(_), Some(_)) => Err(Failure::usage(anyhow!(
            "--env and --output exclude each other"
        ))),
        (Some(env), None) => into_env_file(env, arguments, &recipe, context),
        (None, output) => {
            if is_given(matches, "replace") {
                return Err(Failure::usage(anyhow!("--replace goes with --env FILE")));
            }
            if is_given(matches, "name") {
                return Err(Failure::usage(anyhow!("--name goes with --env FILE")));
            }
            let keys = keys(arguments.count, &recipe)?;
            match output {
                Some(path) => into_new_file(path, &keys, context),
                None => to_stdout(&keys, context),
            }
        }
    }
}

/// On the command line; a setting may be for another day's `--env`.
fn is_given(matches: &ArgMatches, flag: &str) -> bool {
    let own = matches.subcommand_matches("keygen");
    let source = own.and_then(|own| own.value_source(flag));
    source == Some(ValueSource::CommandLine)
}

fn form(arguments: &KeygenArgs) -> Form {
    match (&arguments.prefix, arguments.encoding) {
        (Some(prefix), _) => Form::Prefixed(prefix.clone()),
        (None, Encoding::Base64) => Form::Base64,
        (None, Encoding::Base64url) => Form::Base64Url,
        (None, Encoding::Hex) => Form::Hex,
    }
}

fn failure(error: KeygenError) -> Failure {
    if error.is_usage() {
        Failure::usage(error)
    } else {
        Failure::output(error)
    }
}

/// One key a line.
fn keys(count: usize, recipe: &Recipe) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut lines = Zeroizing::new(Vec::new());
    for made in 0..count {
        let key = recipe.make(&mut SysRng).map_err(failure)?;
        if made == 0 {
            // Growing would leave copies of keys behind in freed memory.
            lines.reserve_exact(count * (key.len() + 1));
        }
        lines.extend_from_slice(key.expose());
        lines.push(b'\n');
    }
    Ok(lines)
}

fn to_stdout(keys: &[u8], context: &mut Context<'_>) -> Result<u8, Failure> {
    context.terminal.data(keys)?;
    if context.terminal.shows_data_to_a_person() {
        context.terminal.note(
            "This key is on your screen and in its scroll-back; `openclaw-sec keygen --env .env` writes it without showing it.",
        );
    }
    Ok(exit::DONE)
}

fn into_new_file(path: &Path, keys: &[u8], context: &mut Context<'_>) -> Result<u8, Failure> {
    let signals = interrupt::hold().map_err(Failure::output)?;
    let written = atomic_file::create_new(path, keys, PRIVATE);
    signals.release()?;
    match written {
        Ok(()) => {
            context
                .terminal
                .note(&format!("wrote {} (mode 0600)", path.display()));
            Ok(exit::DONE)
        }
        Err(error @ atomic_file::AtomicFileError::AlreadyExists(_)) => Err(Failure::usage(error)),
        Err(error) => Err(Failure::output(error)),
    }
}

fn into_env_file(
    path: &Path,
    arguments: &KeygenArgs,
    recipe: &Recipe,
    context: &mut Context<'_>,
) -> Result<u8, Failure> {
    if arguments.count != 1 {
        return Err(Failure::usage(anyhow!(
            "--env takes one key: leave --count out"
        )));
    }
    let state = context.state()?;
    let locks = state.folder("locks").map_err(Failure::output)?;
    let signals = interrupt::hold().map_err(Failure::output)?;
    let changed = change(path, arguments, recipe, &locks);
    signals.release()?;
    let Changed {
        change,
        left,
        target,
        key,
    } = changed?;
    let name = &arguments.name;
    let now = context.world.now();
    if let Err(error) = rotate::record_made(&target, name, &key, &state, now) {
        context.terminal.warn(&format!(
            "since when {name} is in use was not recorded: {error}"
        ));
    }
    if let Some(line) = left {
        context.terminal.warn(&format!(
            "{name} is set twice in {}; the last one counts and was changed, line {line} stays as it is",
            path.display()
        ));
    }
    context.terminal.note(&match change {
        Change::Created => format!(
            "created {} (mode 0600) with {name}; restart OpenClaw to use it",
            path.display()
        ),
        Change::Added => format!(
            "added {name} to {}; restart OpenClaw to use it",
            path.display()
        ),
        Change::Replaced => format!(
            "replaced {name} in {}; restart OpenClaw to use it",
            path.display()
        ),
    });
    Ok(exit::DONE)
}

struct Changed {
    change: Change,
    /// The line of an earlier definition, which does not count.
    left: Option<usize>,
    /// The file behind all links.
    target: PathBuf,
    key: Secret,
}

enum Change {
    Created,
    Added,
    Replaced,
}

fn change(
    path: &Path,
    arguments: &KeygenArgs,
    recipe: &Recipe,
    locks: &Path,
) -> Result<Changed, Failure> {
    let lock = Lock::acquire(path, locks, PATIENCE).map_err(not_saved)?;
    let is_new = !lock.target().exists();
    let file = if is_new {
        EnvFile::parse(Vec::new())
    } else {
        EnvFile::read(path, PATIENCE).map_err(Failure::usage)?
    };
    let name = arguments.name.as_str();
    let change = match (is_new, file.get(name)) {
        (true, _) => Change::Created,
        (false, None) => Change::Added,
        (false, Some(assignment)) => {
            may_replace(&assignment.value, arguments, path)?;
            Change::Replaced
        }
    };
    let key = recipe.make(&mut SysRng).map_err(failure)?;
    let edited = file
        .set(name, &key)
        .map_err(|error| Failure::usage(anyhow!("{}: {error}", path.display())))?;
    edited.save(&lock).map_err(not_saved)?;
    let lines = || file.definitions(name).map(|one| one.line);
    let left = lines()
        .next()
        .filter(|first| lines().last() != Some(*first));
    Ok(Changed {
        change,
        left,
        target: lock.target().to_path_buf(),
        key,
    })
}

/// A placeholder is no key, and nobody loses anything when it goes.
fn may_replace(value: &Secret, arguments: &KeygenArgs, path: &Path) -> Result<(), Failure> {
    let is_worthless = value.is_empty() || placeholder(value.expose()).is_some();
    if is_worthless || arguments.replace {
        return Ok(());
    }
    Err(Failure::usage(anyhow!(
        "{} is already set in {}; --replace overwrites it (keep the old key until OpenClaw was restarted)",
        arguments.name,
        path.display()
    )))
}

fn not_saved(error: SaveError) -> Failure {
    use openclaw_sec::atomic_file::AtomicFileError as File;
    let is_refusal = match &error {
        SaveError::Locked(_)
        | SaveError::NotWritable(_)
        | SaveError::MovedMeanwhile(_)
        | SaveError::Unreachable { .. } => true,
        SaveError::File(
            File::HardLinked { .. }
            | File::MountedAlone(_)
            | File::ChangedMeanwhile(_)
            | File::NotRegular(_),
        ) => true,
        SaveError::File(_) | SaveError::Lock { .. } => false,
    };
    if is_refusal {
        Failure::usage(error)
    } else {
        Failure::output(error)
    }
}
