//! `rotate`: reads the keys, lets the core do the four steps, and prints how it stands.

mod person;
mod tables;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use openclaw_sec::env_file::{EnvFile, backup_path};
use openclaw_sec::foreign_text::harmless_json;
use openclaw_sec::redact::Redactor;
use openclaw_sec::rotate::{
    self, Create, Health, KeySource, NewKey, Outcome, Request, Restart, Resumption, RevokeMode,
    RotateError, Status, Step, Target,
};
use openclaw_sec::scan::{Answer, Tracking, tracking};
use openclaw_sec::secret::Secret;
use serde::Serialize;

use super::{Context, Failure, exit, interrupt};
use crate::cli::{RevokeChoice, RotateAction, RotateArgs, RotateFormat};
use crate::output::Tone;
use person::AtTerminal;

/// How long OpenClaw may take to become healthy, in seconds.
const HEALTH_TIMEOUT_S: f64 = 120.0;
/// How long the writer of a pipe is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn run(arguments: &RotateArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    hide_secrets(arguments, context);
    refuse_secrets(arguments, context)?;
    let done = match &arguments.action {
        None => rotate_now(arguments, context),
        Some(RotateAction::Status(_)) => tables::status(arguments, context),
        Some(RotateAction::Resume(_)) => take_up(arguments, context, rotate::resume),
        Some(RotateAction::Abort(_)) => take_up(arguments, context, rotate::abort),
        Some(RotateAction::Due(due)) => tables::due(arguments, due, context),
        Some(RotateAction::Providers(_)) => tables::providers(arguments, context),
        Some(RotateAction::Schedule(schedule)) => {
            tables::schedule(arguments, schedule.every, context)
        }
    };
    done.inspect_err(|failure| {
        if arguments.format == RotateFormat::Json && failure.code != exit::INTERRUPTED {
            let standing = standing(arguments, context);
            // The words may hold a key that was pasted where a name belongs.
            let clean = |word: &Option<String>| Some(context.terminal.clean(word.as_deref()?));
            let outcome = Outcome {
                status: Status::Failed,
                message: context.terminal.clean(&failure.error.to_string()),
                ..standing.unwrap_or_else(|| Outcome {
                    name: clean(&arguments.name),
                    provider: clean(&arguments.provider),
                    step: Step::Generate,
                    ..Outcome::nothing("")
                })
            };
            print_json(&outcome, 0, context);
        }
    })
}

/// How the one rotation stands that these arguments can mean.
fn standing(arguments: &RotateArgs, context: &mut Context<'_>) -> Option<Outcome> {
    let state = context.state().ok()?;
    let env = folder().ok()?.join(&arguments.env);
    let found = rotate::status(&env, arguments.name.as_deref(), &state).ok()?;
    let [one]: [Outcome; 1] = found.try_into().ok()?;
    Some(one)
}

/// The code of a new key that was tried and found wrong.
const NOT_USABLE: u8 = 1;

/// No output shows a value of the env file or a key that was handed in.
fn hide_secrets(arguments: &RotateArgs, context: &mut Context<'_>) {
    let file = EnvFile::read(&arguments.env, Duration::from_millis(500)).ok();
    let values = file.iter().flat_map(EnvFile::assignments);
    let values = values.filter(|one| openclaw_sec::key_shapes::is_secret_name(&one.name));
    let handed = [&arguments.new_key_env, &arguments.admin_key_env];
    let handed: Vec<Secret> = handed
        .into_iter()
        .flatten()
        .filter_map(|name| context.world.variable(name))
        .map(|value| Secret::new(value.as_encoded_bytes()))
        .collect();
    let redactor = Redactor::knowing(values.map(|one| &one.value).chain(&handed));
    context.terminal.set_redactor(redactor);
}

/// What is run and asked in step 3 is kept in the journal, and seen by everybody in the list of
/// processes.
fn refuse_secrets(arguments: &RotateArgs, context: &Context<'_>) -> Result<(), Failure> {
    let kept = [
        ("--restart", &arguments.restart),
        ("--restart-unit", &arguments.restart_unit),
        ("--restart-compose", &arguments.restart_compose),
        ("--health", &arguments.health),
    ];
    for (flag, text) in kept {
        if text
            .as_deref()
            .is_some_and(|text| context.terminal.is_secret_in(text))
        {
            return Err(Failure::usage(anyhow!(
                "{flag} holds a key or a password, and would be kept in the journal: let the command read it from a file or a variable"
            )));
        }
    }
    Ok(())
}

fn rotate_now(arguments: &RotateArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    if arguments.restarted {
        return Err(Failure::usage(anyhow!(
            "--restarted goes with `rotate resume`"
        )));
    }
    let folder = folder()?;
    let target = rotate::locate(
        &arguments.env,
        &folder,
        arguments.name.as_deref(),
        arguments.provider.as_deref(),
    )
    .map_err(failure)?;
    let admin = admin(arguments, context)?;
    let watch = interrupt::notice().map_err(Failure::output)?;
    let new_key = new_key(arguments, &target, admin.is_some(), context)?;
    let request = Request {
        restart: restart(arguments)?.unwrap_or(Restart::None),
        health: health(arguments)?,
        revoke: revoke(arguments).unwrap_or(RevokeMode::Manual),
        provider_url: arguments.provider_url.clone(),
        is_dry_run: arguments.dry_run,
        state_dir: context.global.state_dir.clone(),
        target,
        new_key,
        admin,
        folder,
    };
    let state = context.state()?;
    let person = AtTerminal::new(context.terminal, &watch, arguments.yes);
    let outcome = rotate::start(request, &state, context.world, &person).map_err(failure)?;
    Ok(deliver(&outcome, &watch, arguments, context))
}

type TakeUp = fn(
    &std::path::Path,
    Option<&str>,
    Resumption,
    &openclaw_sec::state::StateDir,
    &openclaw_sec::world::World,
    &dyn rotate::Person,
) -> Result<Outcome, RotateError>;

fn take_up(
    arguments: &RotateArgs,
    context: &mut Context<'_>,
    action: TakeUp,
) -> Result<u8, Failure> {
    let new_key = match source(arguments)? {
        Some(source) => Some((read_key(&source, context)?, source)),
        None => None,
    };
    let how = Resumption {
        new_key,
        admin_key_env: arguments.admin_key_env.clone(),
        restart: restart(arguments)?,
        health: health(arguments)?,
        health_timeout_s: arguments.health_timeout,
        revoke: revoke(arguments),
        takes_word: arguments.yes,
        was_restarted: arguments.restarted,
    };
    let state = context.state()?;
    let watch = interrupt::notice().map_err(Failure::output)?;
    let person = AtTerminal::new(context.terminal, &watch, arguments.yes);
    let (env, name) = (&arguments.env, arguments.name.as_deref());
    let outcome = action(env, name, how, &state, context.world, &person).map_err(failure)?;
    let outcome = of_typed_words(outcome, context);
    Ok(deliver(&outcome, &watch, arguments, context))
}

fn folder() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| Failure::usage(anyhow!("the current folder: {error}")))
}

fn failure(error: RotateError) -> Failure {
    match error {
        RotateError::Interrupted => Failure::interrupted(),
        error @ RotateError::OtherAccount => Failure {
            code: NOT_USABLE,
            error: error.into(),
        },
        error if error.is_usage() => Failure::usage(error),
        error => Failure::output(error),
    }
}

fn restart(arguments: &RotateArgs) -> Result<Option<Restart>, Failure> {
    let given = [
        arguments.restart.is_some(),
        arguments.restart_unit.is_some(),
        arguments.restart_compose.is_some(),
        arguments.no_restart,
    ];
    if given.iter().filter(|given| **given).count() > 1 {
        return Err(Failure::usage(anyhow!(
            "--restart, --restart-unit, --restart-compose and --no-restart exclude each other"
        )));
    }
    if arguments.user && arguments.restart_unit.is_none() {
        return Err(Failure::usage(anyhow!(
            "--user goes with --restart-unit UNIT"
        )));
    }
    if arguments.compose_file.is_some() && arguments.restart_compose.is_none() {
        return Err(Failure::usage(anyhow!(
            "--compose-file goes with --restart-compose SERVICE"
        )));
    }
    Ok(if let Some(command) = &arguments.restart {
        Some(Restart::Command(command.clone()))
    } else if let Some(unit) = &arguments.restart_unit {
        Some(Restart::Unit {
            unit: unit.clone(),
            user: arguments.user,
        })
    } else if let Some(service) = &arguments.restart_compose {
        Some(Restart::Compose {
            service: service.clone(),
            file: arguments.compose_file.clone(),
        })
    } else {
        arguments.no_restart.then_some(Restart::None)
    })
}

fn health(arguments: &RotateArgs) -> Result<Option<Health>, Failure> {
    let timeout_s = arguments.health_timeout.unwrap_or(HEALTH_TIMEOUT_S);
    if !(timeout_s > 0.0 && timeout_s <= 24.0 * 3600.0) {
        return Err(Failure::usage(anyhow!(
            "--health-timeout takes seconds, more than 0 and at most a day"
        )));
    }
    Ok(arguments.health.as_ref().map(|url| Health {
        url: url.clone(),
        timeout_s,
    }))
}

fn revoke(arguments: &RotateArgs) -> Option<RevokeMode> {
    arguments.revoke.map(|choice| match choice {
        RevokeChoice::Auto => RevokeMode::Auto,
        RevokeChoice::Manual => RevokeMode::Manual,
    })
}

fn admin(
    arguments: &RotateArgs,
    context: &Context<'_>,
) -> Result<Option<(String, Secret)>, Failure> {
    let Some(name) = &arguments.admin_key_env else {
        return Ok(None);
    };
    let source = KeySource::Variable(name.clone());
    match rotate::read_key(&source, context.world) {
        Ok(Some(key)) => Ok(Some((name.clone(), key))),
        Ok(None) | Err(_) => Err(Failure::usage(anyhow!(
            "--admin-key-env {name}: this variable holds no key"
        ))),
    }
}

/// Where the new key is said to be; at most one place.
fn source(arguments: &RotateArgs) -> Result<Option<KeySource>, Failure> {
    match (&arguments.new_key_file, &arguments.new_key_env) {
        (Some(_), Some(_)) => Err(Failure::usage(anyhow!(
            "--new-key-file and --new-key-env exclude each other"
        ))),
        (Some(path), None) if path.as_os_str() == "-" => Ok(Some(KeySource::Once)),
        (Some(path), None) => Ok(Some(KeySource::File(folder()?.join(path)))),
        (None, Some(name)) => Ok(Some(KeySource::Variable(name.clone()))),
        (None, None) => Ok(None),
    }
}

fn read_key(source: &KeySource, context: &Context<'_>) -> Result<Secret, Failure> {
    if *source == KeySource::Once {
        let stdin = rustix::stdio::stdin();
        let file = EnvFile::read_descriptor(stdin, std::path::Path::new("stdin"), PATIENCE)
            .map_err(Failure::usage)?;
        return rotate::one_line(file.bytes()).map_err(failure);
    }
    let flag = match source {
        KeySource::Variable(_) => "--new-key-env",
        _ => "--new-key-file",
    };
    match rotate::read_key(source, context.world) {
        Ok(Some(key)) => Ok(key),
        Ok(None) => Err(failure(RotateError::NoNewKey)),
        Err(reason) => Err(Failure::usage(anyhow!("{flag}: {reason}"))),
    }
}

/// Given, made by the provider, or asked for: in this order.
fn new_key(
    arguments: &RotateArgs,
    target: &Target,
    has_admin_key: bool,
    context: &Context<'_>,
) -> Result<NewKey, Failure> {
    if let Some(source) = source(arguments)? {
        let key = read_key(&source, context)?;
        return Ok(NewKey::Given(key, source));
    }
    if has_admin_key && target.provider.create != Create::Console {
        return Ok(NewKey::Create);
    }
    if !context.terminal.may_ask() {
        return Err(failure(RotateError::NoNewKey));
    }
    Ok(NewKey::Ask)
}

/// Prints the final state and returns the exit code.
fn deliver(
    outcome: &Outcome,
    watch: &interrupt::Noticed,
    arguments: &RotateArgs,
    context: &Context<'_>,
) -> u8 {
    let is_taken_back = matches!(arguments.action, Some(RotateAction::Abort(_)))
        && outcome.status == Status::RolledBack;
    let code = match outcome.exit_code() {
        // That is what was asked for.
        _ if is_taken_back => exit::DONE,
        code if code != exit::DONE && watch.came() => exit::INTERRUPTED,
        code => code,
    };
    if let Some(warning) = outcome
        .name
        .as_deref()
        .and_then(|name| open_backup(name, arguments, context))
    {
        context.terminal.warn(&warning);
    }
    match arguments.format {
        RotateFormat::Json => print_json(outcome, code, context),
        RotateFormat::Human => {
            let text = human(outcome, context);
            context.terminal.reading_matter(text.as_bytes(), code)
        }
    }
}

/// That the old key, which waits beside the env file, would be published by git.
fn open_backup(name: &str, arguments: &RotateArgs, context: &Context<'_>) -> Option<String> {
    let backup = backup_path(&arguments.env.canonicalize().ok()?, name);
    backup.symlink_metadata().ok()?;
    let shown = backup.display();
    let (what, next) = match tracking(&backup, context.world) {
        Answer::Known(Tracking::NeitherTrackedNorIgnored) => ("git does not ignore", ""),
        Answer::Known(Tracking::Tracked) => ("git tracks", ", and run `git rm --cached` on it"),
        _ => return None,
    };
    Some(format!(
        "{what} {shown}, which keeps the old key until this rotation is finished: add `*.openclaw-sec.backup` to .gitignore{next}"
    ))
}

/// An outcome that is about no rotation tells of a file whose name was typed: a key may have been
/// pasted in its place.
fn of_typed_words(outcome: Outcome, context: &Context<'_>) -> Outcome {
    match outcome.name {
        Some(_) => outcome,
        None => Outcome {
            message: context.terminal.clean(&outcome.message),
            ..outcome
        },
    }
}

fn human(outcome: &Outcome, context: &Context<'_>) -> String {
    let terminal = &context.terminal;
    let (tone, word) = match outcome.status {
        Status::Done => (Tone::Good, "done"),
        Status::Planned => (Tone::Good, "planned"),
        Status::Waiting => (Tone::Warning, "waiting"),
        Status::RolledBack => (Tone::Warning, "rolled back"),
        Status::Failed => (Tone::Bad, "failed"),
    };
    let mut text = terminal.tint_data(tone, word);
    if let Some(name) = &outcome.name {
        text.push_str(&format!(" {name}"));
    }
    if let Some(number) = outcome.step.number() {
        text.push_str(&format!(" (step {number} of 4)"));
    }
    text.push_str(&format!(": {}\n", terminal.harmless(&outcome.message)));
    let fingerprints = [
        ("old", &outcome.old_fingerprint),
        ("new", &outcome.new_fingerprint),
    ];
    for (which, fingerprint) in fingerprints {
        if let Some(fingerprint) = fingerprint {
            text.push_str(&format!("  {which} key {fingerprint}\n"));
        }
    }
    if let Some(next) = &outcome.next {
        text.push_str(&format!("  next: {}\n", terminal.harmless(next)));
    }
    text
}

/// One document, harmless and without secrets.
fn print_json(document: &impl Serialize, code: u8, context: &Context<'_>) -> u8 {
    let json = serde_json::to_string_pretty(document)
        .expect("a document holds texts, numbers and maps with text keys only");
    let json = context.terminal.without_secrets(&json);
    let text = format!("{}\n", harmless_json(&json));
    context.terminal.reading_matter(text.as_bytes(), code)
}
