//! Which other loaders read a line differently from Node, and how; measured, never guessed.

mod rules;
mod traits;

use std::collections::BTreeMap;
use std::fmt;

use super::{Assignment, EnvFile};
use crate::order;
use rules::RULES;
use traits::{Trait, traits};

/// A loader of env files other than Node `dotenv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loader {
    /// Docker Compose's `env_file:` (compose-go).
    Compose,
    /// The docker CLI's `--env-file`.
    Docker,
    /// The Rust crate `dotenvy`.
    Dotenvy,
    /// Node's own `--env-file` and `util.parseEnv`.
    NodeParseEnv,
    /// `python-dotenv`.
    PythonDotenv,
    /// `. FILE` in a POSIX shell.
    Shell,
    /// systemd's `EnvironmentFile=`.
    Systemd,
}

/// What a loader does differently. Displayed as the end of a sentence that begins with a loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Difference {
    /// An inline comment is part of the value.
    KeepsComment,
    /// A `#` without a blank before it is part of the value.
    KeepsHash,
    /// Quotes are part of the value.
    KeepsQuotes,
    /// Blanks around the value are part of it.
    KeepsBlanks,
    /// The carriage return of a CRLF is part of the value.
    KeepsCarriageReturn,
    /// Backslashes mean something else.
    ReadsBackslashesDifferently,
    /// `$NAME`, `${NAME}` or `~` are replaced.
    Expands,
    /// The part of the value behind a character with a meaning is run as a command.
    RunsCommand,
    /// Quotes begin or end elsewhere.
    ReadsQuotesDifferently,
    /// A value over several lines ends with the first.
    KeepsFirstLineOnly,
    /// The lines that follow become part of the value.
    SwallowsFollowingLines,
    /// The variable is not set at all.
    DropsVariable,
    /// The whole file is refused.
    RefusesFile,
    /// The first of several definitions counts.
    FirstWins,
}

/// One loader and what it does differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Disagreement {
    /// Who.
    pub loader: Loader,
    /// What.
    pub difference: Difference,
}

impl fmt::Display for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compose => "docker compose",
            Self::Docker => "docker --env-file",
            Self::Dotenvy => "dotenvy",
            Self::NodeParseEnv => "node --env-file",
            Self::PythonDotenv => "python-dotenv",
            Self::Shell => "a shell",
            Self::Systemd => "systemd",
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeepsComment => "keeps the comment as part of the value",
            Self::KeepsHash => "keeps the # and what follows as part of the value",
            Self::KeepsQuotes => "keeps the quotes as part of the value",
            Self::KeepsBlanks => "keeps blanks as part of the value",
            Self::KeepsCarriageReturn => "keeps a carriage return at the end of the value",
            Self::ReadsBackslashesDifferently => "reads the backslashes differently",
            Self::Expands => "expands a reference in the value",
            Self::RunsCommand => "runs a part of the line as a command",
            Self::ReadsQuotesDifferently => "reads the quotes differently",
            Self::KeepsFirstLineOnly => "keeps the first line of the value only",
            Self::SwallowsFollowingLines => "takes the lines that follow for a part of the value",
            Self::DropsVariable => "does not set the variable",
            Self::RefusesFile => "refuses the whole file",
            Self::FirstWins => "keeps the first of several values",
        })
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.loader, self.difference)
    }
}

impl EnvFile {
    /// Who reads this assignment differently from Node, and how; sorted, each once.
    pub fn disagreements(&self, assignment: &Assignment) -> Vec<Disagreement> {
        let definitions = self.definitions(&assignment.name).count();
        let last_is_empty = self
            .get(&assignment.name)
            .is_some_and(|last| last.value.is_empty());
        disagreements(&traits(
            self.bytes(),
            assignment,
            definitions,
            last_is_empty,
        ))
    }

    /// Every disagreement about the file, with the first line (from 1) that it concerns. A loader
    /// that refuses the file or swallows lines for one assignment loses others as well.
    pub fn all_disagreements(&self) -> BTreeMap<Disagreement, usize> {
        let mut definitions: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
        for assignment in self.assignments() {
            let known = definitions.entry(&assignment.name).or_default();
            *known = (known.0 + 1, assignment.value.is_empty());
        }
        let mut found = BTreeMap::new();
        for assignment in self.assignments() {
            let (count, last_is_empty) = definitions[assignment.name.as_str()];
            for disagreement in
                disagreements(&traits(self.bytes(), assignment, count, last_is_empty))
            {
                found.entry(disagreement).or_insert(assignment.line);
            }
        }
        if let Err(error) = std::str::from_utf8(self.bytes()) {
            let line = self.bytes()[..error.valid_up_to()]
                .split(|byte| *byte == b'\n')
                .count();
            for disagreement in disagreements(&[Trait::InvalidText]) {
                found.entry(disagreement).or_insert(line);
            }
        }
        found
    }
}

fn disagreements(traits: &[Trait]) -> Vec<Disagreement> {
    let mut found: Vec<_> = RULES
        .iter()
        .filter(|(cause, _)| traits.contains(cause))
        .flat_map(|(_, effects)| *effects)
        .map(|&(loader, difference)| Disagreement { loader, difference })
        .collect();
    order::sort(&mut found);
    found.dedup();
    found
}
