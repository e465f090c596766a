//! `rotate status`, `due`, `providers` and `schedule`: what is known, printed.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::anyhow;
use openclaw_sec::env_file::EnvFile;
use openclaw_sec::rotate::{self, Age, Class, Create, Due, PROVIDERS, Revoke, SCHEMA};
use serde::Serialize;
use serde_json::{Value, json};

use super::{failure, folder, print_json};
use crate::cli::{RotateArgs, RotateDueArgs, RotateFormat};
use crate::commands::{Context, Failure, exit};
use crate::output::Tone;

/// How long a pipe in place of an env file is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// A key has come of age.
const FOUND: u8 = 1;

pub fn status(arguments: &RotateArgs, context: &Context<'_>) -> Result<u8, Failure> {
    let state = context.state()?;
    let (env, name) = (&arguments.env, arguments.name.as_deref());
    let all = rotate::status(env, name, &state).map_err(failure)?;
    let first = match all.first() {
        Some(first) => first.clone(),
        None => {
            let nothing = rotate::nothing(env, name, &state).map_err(failure)?;
            super::of_typed_words(nothing, context)
        }
    };
    if arguments.format == RotateFormat::Json {
        let mut document = json!(first);
        if all.len() > 1 {
            document["rotations"] = json!(all);
        }
        return Ok(print_json(&document, exit::DONE, context));
    }
    let mut text = String::new();
    for outcome in if all.is_empty() { vec![first] } else { all } {
        text.push_str(&super::human(&outcome, context));
    }
    Ok(context.terminal.reading_matter(text.as_bytes(), exit::DONE))
}

#[derive(Serialize)]
struct Ages<'a> {
    schema: &'static str,
    max_age_days: u32,
    warn_days: u32,
    keys: &'a [Age],
}

pub fn due(
    arguments: &RotateArgs,
    ages: &RotateDueArgs,
    context: &Context<'_>,
) -> Result<u8, Failure> {
    let (max_age, warn) = (ages.max_age, ages.warn);
    let file = EnvFile::read(&arguments.env, PATIENCE).map_err(Failure::usage)?;
    if let Some(name) = &arguments.name {
        rotate::sets(name, &arguments.env, &file).map_err(failure)?;
    }
    let state = context.state()?;
    let fingerprints = state.fingerprints().map_err(Failure::output)?;
    let now = context.world.now();
    let limits = (i64::from(max_age), i64::from(warn));
    let survey = rotate::survey(
        &file,
        &arguments.env,
        arguments.name.as_deref(),
        &state,
        Some(&fingerprints),
        now,
        limits,
    )
    .map_err(failure)?;
    survey
        .record(&arguments.env, &state, now)
        .map_err(failure)?;
    let mut keys: Vec<Age> = survey.keys;
    if let Some(name) = &arguments.name {
        keys.retain(|key| key.name == *name);
    }
    let is_overdue = keys.iter().any(|key| key.due == Due::Overdue);
    let code = if is_overdue { FOUND } else { exit::DONE };
    for key in keys.iter().filter(|key| key.due == Due::Soon) {
        let days = key.days_left;
        context
            .terminal
            .warn(&format!("{} comes of age in {days} days", key.name));
    }
    let code = if arguments.format == RotateFormat::Json {
        let document = Ages {
            schema: SCHEMA,
            max_age_days: max_age,
            warn_days: warn,
            keys: &keys,
        };
        print_json(&document, code, context)
    } else {
        let text = ages_table(&keys, context);
        context.terminal.reading_matter(text.as_bytes(), code)
    };
    let env = arguments.env.display().to_string();
    for key in keys.iter().filter(|key| key.due == Due::Overdue) {
        let step = key.replacement(&env);
        context.terminal.note(&format!("{}: {step}", key.name));
    }
    Ok(code)
}

fn ages_table(keys: &[Age], context: &Context<'_>) -> String {
    let width = keys.iter().map(|key| key.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for key in keys {
        let (tone, word) = match key.due {
            Due::Fresh => (Tone::Good, "fresh  "),
            Due::Soon => (Tone::Warning, "soon   "),
            Due::Overdue => (Tone::Bad, "overdue"),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{} {:width$}  {} days ({})",
            context.terminal.tint_data(tone, word),
            context.terminal.harmless(&key.name),
            key.age_days,
            key.source
        );
    }
    if keys.is_empty() {
        text.push_str("no keys are set\n");
    }
    text
}

pub fn providers(arguments: &RotateArgs, context: &Context<'_>) -> Result<u8, Failure> {
    if arguments.format == RotateFormat::Json {
        let rows: Vec<Value> = PROVIDERS
            .iter()
            .map(|provider| {
                json!({
                    "id": provider.id,
                    "variables": provider.variables,
                    "console": format!("https://{}", provider.console),
                    "class": class(provider.class),
                    "create": create(provider.create),
                    "revoke": revoke(provider.revoke),
                })
            })
            .collect();
        let document = json!({ "schema": SCHEMA, "providers": rows });
        return Ok(print_json(&document, exit::DONE, context));
    }
    let mut text = String::new();
    for provider in PROVIDERS {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:12} {:8} create {:8} revoke {:10} https://{}\n{:12} {}",
            provider.id,
            class(provider.class),
            create(provider.create),
            revoke(provider.revoke),
            provider.console,
            "",
            provider.variables.join(", ")
        );
    }
    Ok(context.terminal.reading_matter(text.as_bytes(), exit::DONE))
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Overlap => "overlap",
        Class::Replace => "replace",
    }
}

fn create(create: Create) -> &'static str {
    match create {
        Create::Console => "console",
        Create::OpenRouter => "api",
    }
}

fn revoke(revoke: Revoke) -> &'static str {
    match revoke {
        Revoke::Console => "console",
        revoke if revoke.needs_admin_key() => "admin-api",
        _ => "api",
    }
}

pub fn schedule(arguments: &RotateArgs, every: u32, context: &Context<'_>) -> Result<u8, Failure> {
    let folder = folder()?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::output(anyhow!("the path of this program: {error}")))?;
    let state = context
        .global
        .state_dir
        .as_ref()
        .map(|state| folder.join(state));
    let env = folder.join(&arguments.env);
    let units = rotate::units(&program, &env, state.as_deref(), every);
    if arguments.format == RotateFormat::Json {
        let document = json!({
            "schema": SCHEMA,
            "units": [
                { "name": "openclaw-sec-rotate-due.service", "content": units.service },
                { "name": "openclaw-sec-rotate-due.timer", "content": units.timer },
            ],
            "cron": units.cron,
        });
        return Ok(print_json(&document, exit::DONE, context));
    }
    let text = format!(
        "# /etc/systemd/system/openclaw-sec-rotate-due.service\n{}\n\
         # /etc/systemd/system/openclaw-sec-rotate-due.timer\n{}\n\
         # then: systemctl daemon-reload && systemctl enable --now openclaw-sec-rotate-due.timer\n\
         # or, without systemd, one line for `crontab -e`:\n# {}\n",
        units.service, units.timer, units.cron
    );
    Ok(context.terminal.reading_matter(text.as_bytes(), exit::DONE))
}
