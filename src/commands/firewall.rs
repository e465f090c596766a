//! `firewall`: rules for a loader, a comparison with the live ones, or a verdict about one packet.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::anyhow;
use openclaw_sec::env_file::EnvFile;
use openclaw_sec::firewall::{
    Comparison, PLAIN_WARNING, Packet, PacketRequest, Policy, Request, SCHEMA, Status, explain,
    find_format, off_script, refusal, render, rules, verify, warnings,
};
use openclaw_sec::foreign_text::{harmless, harmless_json};
use openclaw_sec::world::World;
use serde_json::json;

use super::arguments::{Problem, global_flags, words_to_judge};
use super::{Context, Failure, exit};
use crate::cli::{FirewallAction, FirewallArgs, FirewallExplainArgs, FirewallOptions};
use crate::terminal::Terminal;

/// The format where none is named.
const DEFAULT_FORMAT: &str = "sh";
/// How long an env file that is a pipe is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

pub fn run(arguments: &FirewallArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    let options = &arguments.options;
    match &arguments.action {
        None => {
            let format = options.format.as_deref().unwrap_or(DEFAULT_FORMAT);
            or_refusal(format, print_rules(options, format, context), context)
        }
        Some(FirewallAction::Off(_)) => {
            context.terminal.data(off_script().as_bytes())?;
            Ok(exit::DONE)
        }
        Some(FirewallAction::Explain(packet)) => print_verdict(options, packet, context),
        Some(FirewallAction::Verify(_)) => print_comparison(options, context),
    }
}

/// Words that do not parse: whatever reads our stdout must refuse, too.
pub fn refuse_words(words: &[OsString], problem: &Problem, world: &World) {
    let reason = match problem {
        Problem::Usage(error) if !error.use_stderr() => return,
        Problem::Usage(error) => first_line(&error.render().to_string()),
        Problem::Settings(error) => error.to_string(),
        Problem::QuietAndVerbose => "--quiet and --verbose exclude each other".to_owned(),
    };
    if let Some(format) = format_of_words(words) {
        let terminal = Terminal::new(&global_flags(words), world, words_to_judge(words, world));
        if !terminal.shows_data_to_a_person() {
            // A refusal that cannot be written changes nothing either.
            let _ = terminal.data(refusal(&format, &terminal.clean(&reason)).as_bytes());
        }
    }
}

/// The format that was asked for, if the words ask for rules at all.
fn format_of_words(words: &[OsString]) -> Option<String> {
    let words: Vec<String> = words
        .iter()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let is_report = words
        .iter()
        .any(|word| word == "verify" || word == "explain");
    if is_report || !words.iter().any(|word| word == "firewall") {
        return None;
    }
    let named =
        words
            .iter()
            .enumerate()
            .find_map(|(index, word)| match word.strip_prefix("--format=") {
                Some(format) => Some(format.to_owned()),
                None if word == "--format" => words.get(index + 1).cloned(),
                None => None,
            });
    Some(named.unwrap_or_else(|| DEFAULT_FORMAT.to_owned()))
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

fn or_refusal(
    format: &str,
    result: Result<u8, Failure>,
    context: &Context<'_>,
) -> Result<u8, Failure> {
    if let Err(failure) = &result
        && failure.code == exit::USAGE
        && !context.terminal.shows_data_to_a_person()
    {
        let reason = context.terminal.clean(&failure.error.to_string());
        context.terminal.data(refusal(format, &reason).as_bytes())?;
    }
    result
}

fn print_rules(
    options: &FirewallOptions,
    format: &str,
    context: &Context<'_>,
) -> Result<u8, Failure> {
    let format = find_format(format).ok_or_else(|| unknown_format(format))?;
    let policy = policy(options)?;
    let text = render(&policy, format).map_err(Failure::usage)?;
    for warning in warnings(&policy, env_file(options)?.as_ref()) {
        context.terminal.warn(&warning);
    }
    if format.id == "plain" {
        context.terminal.warn(PLAIN_WARNING);
    }
    context.terminal.data(text.as_bytes())?;
    if format.id == DEFAULT_FORMAT && context.terminal.shows_data_to_a_person() {
        context
            .terminal
            .note("Nothing was changed: pipe this into sh, as root.");
    }
    Ok(exit::DONE)
}

fn unknown_format(format: &str) -> Failure {
    let known: Vec<&str> = openclaw_sec::firewall::FORMATS
        .iter()
        .map(|format| format.id)
        .collect();
    Failure::usage(anyhow!(
        "--format: {format:?} is no format of firewall; choose one of {}",
        known.join(", ")
    ))
}

fn policy(options: &FirewallOptions) -> Result<Policy, Failure> {
    Policy::from_request(&request(options)).map_err(Failure::usage)
}

fn request(options: &FirewallOptions) -> Request {
    Request {
        profile: Some(options.profile.clone()),
        ssh_ports: options.ssh_port.clone(),
        ssh_from: options.ssh_from.clone(),
        no_ssh: options.no_ssh,
        allow: options.allow.clone(),
        private_ports: options.private_port.clone(),
        trust_interfaces: options.trust_interface.clone(),
        block_list: options.block_list.clone(),
        cloudflare_ips: options.cloudflare_ips.clone(),
        rollback: options.rollback.clone(),
        persist: options.persist,
        hook: options.hook.clone(),
    }
}

fn env_file(options: &FirewallOptions) -> Result<Option<EnvFile>, Failure> {
    match &options.env {
        None => Ok(None),
        Some(path) => EnvFile::read(path, PATIENCE)
            .map(Some)
            .map_err(|error| Failure::usage(anyhow!("--env: {error}"))),
    }
}

/// `human` or `json`.
fn wants_json(options: &FirewallOptions) -> Result<bool, Failure> {
    match options.format.as_deref() {
        None | Some("human") => Ok(false),
        Some("json") => Ok(true),
        Some(other) => Err(Failure::usage(anyhow!(
            "--format: {other:?} is no format of a report; choose human or json"
        ))),
    }
}

fn print_verdict(
    options: &FirewallOptions,
    packet: &FirewallExplainArgs,
    context: &Context<'_>,
) -> Result<u8, Failure> {
    let is_json = wants_json(options)?;
    let policy = policy(options)?;
    let request = PacketRequest {
        protocol: packet.proto.clone(),
        port: packet.port.clone(),
        from: packet.from.clone(),
        interface: packet.iface.clone(),
    };
    let packet = Packet::from_request(&request).map_err(Failure::usage)?;
    let ruling = explain(&rules(&policy), &packet);
    let verdict = if ruling.accept { "accept" } else { "drop" };
    let text = if is_json {
        let document = json!({ "schema": SCHEMA, "verdict": verdict, "rule": ruling.rule });
        format!("{document}\n")
    } else {
        format!("{verdict}: decided by the rule \"{}\"\n", ruling.rule)
    };
    Ok(context.terminal.reading_matter(text.as_bytes(), exit::DONE))
}

fn print_comparison(options: &FirewallOptions, context: &Context<'_>) -> Result<u8, Failure> {
    let is_json = wants_json(options)?;
    let policy = policy(options)?;
    let comparison = verify(&policy, context.world)
        .unwrap_or_else(|error| Comparison::unreadable(&error.to_string()));
    let code = match comparison.status {
        Status::Same => exit::DONE,
        Status::Drift => exit::FOUND,
        Status::Unknown => exit::INCOMPLETE,
    };
    let text = if is_json {
        let document = serde_json::to_string_pretty(&comparison).map_err(Failure::output)?;
        format!("{}\n", harmless_json(&document))
    } else {
        comparison_for_people(&comparison, policy.profile.id)
    };
    Ok(context.terminal.reading_matter(text.as_bytes(), code))
}

fn comparison_for_people(comparison: &Comparison, profile: &str) -> String {
    let mut text = match comparison.status {
        Status::Same => format!("The live rules are those of profile {profile}.\n"),
        Status::Drift => format!("The live rules differ from those of profile {profile}:\n"),
        Status::Unknown => "The live rules could not be compared:\n".to_owned(),
    };
    for difference in &comparison.differences {
        let line = format!(
            "{} [{}, {}]",
            difference.message, difference.family, difference.r#where
        );
        text.push_str(&format!("  {}: {}\n", difference.kind, harmless(&line)));
    }
    text
}
