//! A report becomes text, one file per format; nothing here decides anything.

pub mod events;
mod github;
mod gitlab;
mod html;
mod human;
mod json;
mod junit;
mod markdown;
mod markup;
mod ocsf;
mod prometheus;
mod sarif;
mod services;

use std::path::Path;

use openclaw_sec::fleet::Findings;

/// What a piece of text is, for those who see colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Bad,
    Warning,
    Muted,
    Strong,
}

/// What a renderer knows about the place its text goes to.
pub struct Page<'a> {
    /// Columns.
    pub width: usize,
    /// Colours a text, or does not.
    pub tint: &'a dyn Fn(Tone, &str) -> String,
    /// The exit code the run will end with.
    pub exit_code: u8,
    /// The working folder: services look for files from there.
    pub folder: &'a Path,
    /// What this machine calls itself.
    pub host_name: &'a str,
}

/// One way to print a report.
pub struct Format {
    /// The word for `--format`.
    pub name: &'static str,
    /// Makes the text; a pure function of what was found.
    pub render: fn(&Findings, &Page<'_>) -> String,
    /// The permission bits of its files whatever the umask, where another user has to read them.
    pub file_mode: Option<u32>,
}

impl Format {
    const fn new(name: &'static str, render: fn(&Findings, &Page<'_>) -> String) -> Self {
        Self {
            name,
            render,
            file_mode: None,
        }
    }

    const fn for_everyone(mut self) -> Self {
        self.file_mode = Some(0o644);
        self
    }
}

/// Every format of `check`.
pub const FORMATS: &[Format] = &[
    Format::new("human", human::render),
    Format::new("json", json::render),
    Format::new("sarif", sarif::render),
    Format::new("junit", junit::render),
    Format::new("github", github::render),
    Format::new("gitlab", gitlab::render),
    Format::new("markdown", markdown::render),
    Format::new("html", html::render),
    // node_exporter reads the file and is another user.
    Format::new("prometheus", prometheus::render).for_everyone(),
    Format::new("ocsf", ocsf::render),
];

/// The format of this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// All names, for an error or a help text.
pub fn format_names() -> String {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    names.join(", ")
}

/// The report for the summary of a job.
pub use markdown::render as markdown;

/// The file that a finding without a place is shown at, where no env file was read either.
const DEFAULT_ENV: &str = ".env";
