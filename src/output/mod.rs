//! A report becomes text, one file per format; nothing here decides anything.

pub mod events;
mod human;
mod json;
mod markdown;

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
}

/// One way to print a report.
pub struct Format {
    /// The word for `--format`.
    pub name: &'static str,
    /// Makes the text; a pure function of what was found.
    pub render: fn(&Findings, &Page<'_>) -> String,
}

/// Every format of `check`.
pub const FORMATS: &[Format] = &[
    Format {
        name: "human",
        render: human::render,
    },
    Format {
        name: "json",
        render: json::render,
    },
    Format {
        name: "markdown",
        render: markdown::render,
    },
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
