//! Which report goes where.

mod inputs;
mod job_summary;

pub use inputs::{audit_logs, refuse_files, refuse_inputs};

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::ArgMatches;
use clap::parser::ValueSource;
use openclaw_sec::atomic_file::{self, AtomicFileError};
use openclaw_sec::fleet::Findings;
use openclaw_sec::order;
use openclaw_sec::settings::Settings;
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
