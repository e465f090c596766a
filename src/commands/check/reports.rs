//! Which report goes where, and the texts of `--list` and `--explain`.

mod job_summary;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use clap::ArgMatches;
use clap::parser::ValueSource;
use openclaw_sec::atomic_file::{self, AtomicFileError};
use openclaw_sec::check::{self, ITEMS, Selection};
use openclaw_sec::env_file::EnvFile;
use openclaw_sec::fleet::Findings;
use openclaw_sec::order;
use openclaw_sec::scan;
use openclaw_sec::settings::{Settings, nearest};
use openclaw_sec::small_file;
use openclaw_sec::world::World;

use crate::cli::CheckArgs;
use crate::commands::{Context, Failure, exit, interrupt};
use crate::output::{self, Format, Page};

/// The format of a run that names none.
const DEFAULT_FORMAT: &str = "human";

/// A report in one format, on its way to one place.
pub struct Output {
    format: &'static Format,
    /// A file; none for stdout.
    path: Option<PathBuf>,
}

impl Output {
    /// The file it is written to; none for stdout.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

/// Pairs each `--output` with the `--format` right before it, or with the only one. Those of a
/// configuration belong together by their place in its lists.
pub fn plan(
    arguments: &CheckArgs,
    matches: &ArgMatches,
    settings: &Settings,
) -> Result<Vec<Output>, Failure> {
    let matches = matches.subcommand().map_or(matches, |(_, matches)| matches);
    let is_configured = |flag| matches.value_source(flag) == Some(ValueSource::DefaultValue);
    if is_configured("format") && is_configured("output") {
        let outputs = configured(arguments, settings)?;
        refuse_collisions(&outputs)?;
        return Ok(outputs);
    }
    let mut outputs = Vec::new();
    let formats = indexes(matches, "format").zip(&arguments.format);
    let mut words: Vec<(usize, Word<'_>)> =
        formats.map(|(at, name)| (at, Word::Format(name))).collect();
    let paths = indexes(matches, "output").zip(&arguments.output);
    words.extend(paths.map(|(at, path)| (at, Word::Output(path))));
    order::sort_by_key(&mut words, |(at, _)| *at);
    // One of each belong together, whichever comes first.
    if let [(_, Word::Output(_)), (_, Word::Format(_))] = words[..] {
        words.reverse();
    }
    let mut may_take_output = false;
    for (_, word) in words {
        match word {
            Word::Format(name) => {
                outputs.push(Output {
                    format: format(name)?,
                    path: None,
                });
                may_take_output = true;
            }
            Word::Output(path) => {
                if outputs.is_empty() {
                    outputs.push(Output {
                        format: format(DEFAULT_FORMAT)?,
                        path: None,
                    });
                    may_take_output = true;
                }
                let Some(last) = outputs.last_mut().filter(|_| may_take_output) else {
                    return Err(Failure::usage(anyhow!(
                        "--output {}: no --format stands before it",
                        path.display()
                    )));
                };
                last.path = (path != Path::new("-")).then(|| path.clone());
                may_take_output = false;
            }
        }
    }
    if outputs.is_empty() {
        outputs.push(Output {
            format: format(DEFAULT_FORMAT)?,
            path: None,
        });
    }
    refuse_collisions(&outputs)?;
    Ok(outputs)
}

/// The first format goes to the first output, and so on; a format that is left goes to stdout.
fn configured(arguments: &CheckArgs, settings: &Settings) -> Result<Vec<Output>, Failure> {
    let (formats, paths) = (&arguments.format, &arguments.output);
    if let Some(path) = paths.get(formats.len()) {
        let mut defaults = settings.defaults.iter();
        let source = defaults.find(|default| default.flag == "output");
        let source = source.map_or("the variables".to_owned(), |default| {
            default.source.display().to_string()
        });
        return Err(Failure::usage(anyhow!(
            "{source}: `output` names {}, and `format` no format for it: the two lists are paired by place",
            path.display()
        )));
    }
    let paths = paths.iter().map(Some).chain(std::iter::repeat(None));
    let pairs = formats.iter().zip(paths);
    let outputs = pairs.map(|(name, path)| {
        Ok(Output {
            format: format(name)?,
            path: path.filter(|path| *path != Path::new("-")).cloned(),
        })
    });
    outputs.collect()
}

enum Word<'a> {
    Format(&'a str),
    Output(&'a PathBuf),
}

fn indexes<'m>(matches: &'m ArgMatches, id: &str) -> Box<dyn Iterator<Item = usize> + 'm> {
    match matches.indices_of(id) {
        Some(indexes) => Box::new(indexes),
        None => Box::new(std::iter::empty()),
    }
}

fn format(name: &str) -> Result<&'static Format, Failure> {
    output::format(name).ok_or_else(|| {
        Failure::usage(anyhow!(
            "--format {name}: no such format; there are {}",
            output::format_names()
        ))
    })
}

fn refuse_collisions(outputs: &[Output]) -> Result<(), Failure> {
    for (index, output) in outputs.iter().enumerate() {
        let place = output.place();
        if outputs[..index].iter().any(|other| other.place() == place) {
            let place = match &place {
                Some(path) => format!("the file {}", path.display()),
                None => "stdout".to_owned(),
            };
            return Err(Failure::usage(anyhow!(
                "two reports for {place}: give each --format an --output of its own"
            )));
        }
    }
    Ok(())
}

/// Names of stdout. Links lead from them to whatever it is today.
const STDOUT: &[&str] = &["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

impl Output {
    /// The file without links and detours, so that two names of one file are seen as one; none for
    /// stdout.
    fn place(&self) -> Option<PathBuf> {
        let path = self.path.as_deref()?;
        if STDOUT.iter().any(|name| path == Path::new(name)) {
            return None;
        }
        Some(atomic_file::resolve(path).unwrap_or_else(|_| path.to_owned()))
    }
}

/// A report must not take the place of a file that the run reads: `--output .env` is a slip.
pub fn refuse_inputs(
    outputs: &[Output],
    arguments: &CheckArgs,
    context: &Context<'_>,
) -> Result<(), Failure> {
    if let Some(baseline) = arguments.baseline.as_deref().and_then(identity)
        && let Some(path) = outputs
            .iter()
            .filter_map(Output::path)
            .find(|path| identity(path) == Some(baseline))
    {
        return Err(Failure::usage(anyhow!(
            "--output {}: this is the baseline of the same run, which would accept by itself what is new; write another file, look at it, and move it there",
            path.display()
        )));
    }
    let env = arguments.env.as_deref().unwrap_or(Path::new(".env"));
    let others = [&arguments.openclaw_config, &arguments.ca_file];
    let logs = audit_logs(outputs, std::iter::once(env));
    let inputs = std::iter::once(env)
        .chain(logs.iter().map(PathBuf::as_path))
        .chain(arguments.compare_env.iter().map(PathBuf::as_path))
        .chain(arguments.rules.iter().map(PathBuf::as_path))
        .chain(others.into_iter().flatten().map(PathBuf::as_path));
    refuse_files(outputs, inputs, context)
}

/// The device and number of a file.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = path.metadata().ok()?;
    metadata.is_file().then(|| (metadata.dev(), metadata.ino()))
}

/// The audit logs that env files name, where a report might take the place of one.
pub fn audit_logs<'e>(outputs: &[Output], envs: impl Iterator<Item = &'e Path>) -> Vec<PathBuf> {
    match outputs.iter().any(|output| output.path.is_some()) {
        true => envs.filter_map(audit_log_of).collect(),
        false => Vec::new(),
    }
}

/// The audit log that an env file names, which the run reads, too. What is no file is left alone:
/// a pipe can be read but once.
fn audit_log_of(env: &Path) -> Option<PathBuf> {
    identity(env)?;
    let file = EnvFile::read(env, PATIENCE).ok()?;
    let log = String::from_utf8(file.get("AUDIT_LOG_PATH")?.value.expose().to_vec()).ok()?;
    Some(scan::folder_of(env).join(log.trim()))
}

/// Whether a file is one that the state folder keeps: a report may lie beside them.
fn is_state(path: &Path, context: &Context<'_>) -> bool {
    const OWN: [&str; 6] = ["salt", "ledger.json", "rotations", "locks", "audit", "seal"];
    let state = context.state().ok();
    let folder = state.and_then(|state| state.path().canonicalize().ok());
    let (Some(folder), Ok(path)) = (folder, atomic_file::resolve(path)) else {
        return false;
    };
    let below = path.strip_prefix(&folder);
    below.is_ok_and(|below| OWN.iter().any(|name| below.starts_with(name)))
}

/// How long a file that somebody is changing is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same for other files that a run reads, its configuration and what the state folder keeps.
pub fn refuse_files<'i>(
    outputs: &[Output],
    inputs: impl Iterator<Item = &'i Path>,
    context: &Context<'_>,
) -> Result<(), Failure> {
    if outputs.iter().all(|output| output.path.is_none()) {
        return Ok(());
    }
    let settings = context.settings.files.iter();
    let settings = settings.filter_map(|path| identity(path));
    let read: Vec<_> = inputs.filter_map(identity).chain(settings).collect();
    for path in outputs.iter().filter_map(|output| output.path.as_deref()) {
        if is_state(path, context) {
            return Err(Failure::usage(anyhow!(
                "--output {}: this place belongs to the state of openclaw-sec; name another one",
                path.display()
            )));
        }
        if identity(path).is_some_and(|identity| read.contains(&identity)) {
            return Err(Failure::usage(anyhow!(
                "--output {}: this file is read by the same run and would be lost; name another one",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Writes every report; one that cannot be written does not keep back the others.
///
/// # Errors
/// When a signal came while a file was being written.
pub fn deliver(
    findings: &Findings,
    outputs: &[Output],
    code: u8,
    context: &Context<'_>,
) -> Result<u8, Failure> {
    let terminal = &*context.terminal;
    let folder = std::env::current_dir().unwrap_or_default();
    let host_name = host_name(context.world);
    let tint = |tone, text: &str| terminal.tint_data(tone, text);
    let plain = |_, text: &str| text.to_owned();
    let mut ended = code;
    for output in outputs {
        let page = Page {
            width: output
                .path
                .as_ref()
                .map_or_else(|| terminal.width(), |_| WIDTH_OF_FILES),
            tint: if output.path.is_none() { &tint } else { &plain },
            exit_code: code,
            folder: &folder,
            host_name: &host_name,
        };
        let text = (output.format.render)(findings, &page);
        match &output.path {
            None => {
                let code = terminal.reading_matter(text.as_bytes(), code);
                ended = if ended == exit::OUTPUT { ended } else { code };
            }
            Some(path) => {
                if let Err(error) = write(path, &text, output.format)? {
                    terminal.error(&format!(
                        "the {} report was not written: {error}",
                        output.format.name
                    ));
                    ended = exit::OUTPUT;
                }
            }
        }
        if output.format.name == "github"
            && let Some(summary) = context.world.variable(JOB_SUMMARY)
            && !summary.is_empty()
        {
            let text = output::markdown(
                findings,
                &Page {
                    tint: &plain,
                    ..page
                },
            );
            if let Err(error) = job_summary::append(Path::new(summary), &text) {
                terminal.error(&format!("the job summary was not written: {error}"));
                ended = exit::OUTPUT;
            }
        }
    }
    Ok(ended)
}

/// Columns of a report that no terminal shows.
const WIDTH_OF_FILES: usize = 100;
/// The variable in which GitHub names the file of a step's summary.
const JOB_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

fn write(path: &Path, text: &str, format: &Format) -> Result<Result<(), AtomicFileError>, Failure> {
    // A device or a pipe may wait for ever; only a file must be whole.
    let is_file = path.metadata().map_or(true, |metadata| metadata.is_file());
    let signals = is_file.then(interrupt::hold).transpose();
    let signals = signals.map_err(Failure::output)?;
    let written = atomic_file::write_output(path, text.as_bytes(), format.file_mode);
    signals.map_or(Ok(()), interrupt::Held::release)?;
    Ok(written)
}

/// What this machine calls itself.
fn host_name(world: &World) -> String {
    let name = small_file::read_text(&world.host(HOST_NAME), LONGEST_HOST_NAME);
    let name = name.map(|name| name.trim().to_owned()).unwrap_or_default();
    if name.is_empty() {
        "localhost".to_owned()
    } else {
        name
    }
}

/// Where the kernel says it.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";
/// In bytes; the kernel allows 64.
const LONGEST_HOST_NAME: u64 = 256;

/// The checks that are chosen, by item.
pub fn list(selection: &Selection) -> String {
    let width = check::checks()
        .map(|check| check.id.len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for item in ITEMS {
        let chosen = || item.checks.iter().filter(|check| selection.holds(check));
        if chosen().next().is_none() {
            continue;
        }
        text.push_str(&format!("{}: {}\n", item.id, item.title));
        for check in chosen() {
            let kind = check.kinds();
            text.push_str(&format!(
                "  {:<width$}  {:<8}  {:<12}  {}\n",
                check.id, check.severity, kind, check.title
            ));
        }
    }
    text
}

/// One check, as a page to read.
pub fn explain(id: &str) -> anyhow::Result<String> {
    let Some(check) = check::find(id) else {
        let hint = match nearest(id, check::checks().map(|check| check.id)) {
            Some(nearest) => format!(" (did you mean {nearest}?)"),
            None => String::new(),
        };
        return Err(anyhow!(
            "--explain {id}: no check is called so{hint}; `openclaw-sec check --list` shows them all"
        ));
    };
    let mut text = format!("{} ({}, {})\n\n", check.id, check.severity, check.kinds());
    text.push_str(&format!("  asks   {}\n", check.title));
    text.push_str(&format!("  why    {}\n", check.why));
    text.push_str(&format!(
        "  fix    {}\n",
        check.remediation.replace("{env}", ".env")
    ));
    for reference in check.references {
        text.push_str(&format!("  see    {reference}\n"));
    }
    if check.is_active {
        text.push_str("  note   asked only with --active: a limiter or a lock-out may notice\n");
    }
    if check.is_fixable {
        text.push_str("  note   `openclaw-sec check --fix` can mend it\n");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn the_command_line_names_the_formats_of_the_table() {
        let mut command = Cli::command();
        command.build();
        let check = command.find_subcommand("check").expect("there");
        let mut arguments = check.get_arguments();
        let format = arguments.find(|argument| argument.get_id() == "format");
        let values = format.expect("there").get_possible_values();
        let values: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
        let names: Vec<&str> = output::FORMATS.iter().map(|format| format.name).collect();
        assert_eq!(values, names);
    }
}
