//! Everything the judges may look at: gathered before, changed by nobody.

use std::path::PathBuf;

use jiff::Timestamp;

use super::dialect::Dialect;
use super::host::HostEvidence;
use super::rotation::RotationEvidence;
use super::upstream::{Upstream, variable_of};
use crate::env_file::{Assignment, EnvFile};
use crate::firewall::posture::Posture;
use crate::placeholder::placeholder;
use crate::probe::LiveEvidence;
use crate::redact;
use crate::report::Location;
use crate::scan::CodeEvidence;
use crate::secret::Secret;
use crate::variables::{holds_no_secret, is_secret};

/// What was asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The profile's id.
    pub profile: String,
    /// Whether probes are allowed that a limiter may notice.
    pub is_active: bool,
    /// The operators' own tailnet.
    pub operator_tailnet: Option<String>,
    /// The time of the run.
    pub now: Timestamp,
}

/// An env file as it was given, and what it says.
#[derive(Debug)]
pub struct Declared {
    /// As given on the command line; `-` for stdin. Without an env file OpenClaw's configuration.
    pub shown_path: String,
    /// Where it lies, if it is a file.
    pub path: Option<PathBuf>,
    /// Its contents.
    pub file: EnvFile,
    /// Whether an env file was read; else OpenClaw's configuration stands for it.
    pub is_env_file: bool,
    /// The assignments that count: of each name the last.
    effective: Vec<usize>,
    /// All that hold a secret, those that do not count included.
    secret_assignments: Vec<usize>,
    /// Those of the effective ones that hold a secret, and no file name or number in its place.
    secrets: Vec<usize>,
    /// Those of them that are no placeholders.
    real_secrets: Vec<usize>,
}

/// The live half.
#[derive(Debug)]
pub enum Live {
    /// No `--url` was given.
    NotAsked,
    /// What the endpoint did.
    Seen(Box<LiveEvidence>),
}

/// All evidence of one run.
#[derive(Debug)]
pub struct Evidence {
    /// What was asked.
    pub question: Question,
    /// The env file; none where only code is searched.
    pub declared: Option<Declared>,
    /// Whose variables it holds.
    pub dialect: Dialect,
    /// Upstream's configuration, if named.
    pub upstream: Option<Upstream>,
    /// Env files of other environments.
    pub compared: Vec<Declared>,
    /// This machine.
    pub host: HostEvidence,
    /// This machine's firewall, or why it could not be read; none where nobody asked.
    pub posture: Option<Result<Posture, String>>,
    /// The endpoint.
    pub live: Live,
    /// The source tree.
    pub code: CodeEvidence,
    /// The keys' ages and rotations.
    pub rotation: RotationEvidence,
}

/// A secret that is set and no placeholder, in the env file or in OpenClaw's configuration.
#[derive(Debug, Clone)]
pub struct RealSecret<'e> {
    /// What it is called: the variable's name, or the place in the configuration.
    pub name: &'e str,
    /// The variable that it is, or stands for.
    pub variable: &'e str,
    /// Its value.
    pub value: &'e Secret,
    /// Where it stands.
    pub location: Location,
}

impl Evidence {
    /// The secrets of both, the env file's first.
    pub fn real_secrets(&self) -> impl Iterator<Item = RealSecret<'_>> {
        let from_env = self.declared.iter().flat_map(|declared| {
            declared.real_secrets().map(|secret| RealSecret {
                name: &secret.name,
                variable: &secret.name,
                value: &secret.value,
                location: declared.location(secret),
            })
        });
        from_env.chain(self.configured_secrets())
    }

    /// The secrets of OpenClaw's configuration.
    pub fn configured_secrets(&self) -> impl Iterator<Item = RealSecret<'_>> {
        self.upstream.iter().flat_map(|upstream| {
            let secrets = upstream.secrets();
            let real = secrets.filter(|(place, value)| {
                placeholder(value.expose()).is_none()
                    && !holds_no_secret(variable_of(place), value.expose())
            });
            real.map(|(place, value)| RealSecret {
                name: place,
                variable: variable_of(place),
                value,
                location: Location::file(&upstream.path),
            })
        })
    }
}

impl Declared {
    /// Sorts out which assignments count and which are secret.
    pub fn new(shown_path: String, path: Option<PathBuf>, file: EnvFile) -> Self {
        let assignments = file.assignments();
        let effective = (0..assignments.len()).filter(|place| file.counts(*place));
        let effective: Vec<usize> = effective.collect();
        let secret_assignments: Vec<usize> = (0..assignments.len())
            .filter(|index| {
                !assignments[*index].value.is_empty() && holds_secret(&assignments[*index])
            })
            .collect();
        let counts = |place: &usize| {
            let Assignment { name, value, .. } = &assignments[*place];
            file.counts(*place) && !holds_no_secret(name, value.expose())
        };
        let secrets: Vec<usize> = secret_assignments.iter().copied().filter(counts).collect();
        let real_secrets = secrets
            .iter()
            .copied()
            .filter(|index| placeholder(assignments[*index].value.expose()).is_none())
            .collect();
        Self {
            shown_path,
            path,
            effective,
            secret_assignments,
            secrets,
            real_secrets,
            file,
            is_env_file: true,
        }
    }

    /// No env file: what is declared stands in OpenClaw's configuration alone.
    pub fn without_env(config: String) -> Self {
        Self {
            is_env_file: false,
            ..Self::new(config, None, EnvFile::parse(Vec::new()))
        }
    }

    /// The same with other contents.
    pub fn with_file(self, file: EnvFile) -> Self {
        Self {
            is_env_file: self.is_env_file,
            ..Self::new(self.shown_path, self.path, file)
        }
    }

    fn at<'d>(&'d self, indexes: &'d [usize]) -> impl Iterator<Item = &'d Assignment> {
        indexes.iter().map(|index| &self.file.assignments()[*index])
    }

    /// The value that counts: the last assignment's, unless it is empty.
    pub fn value(&self, name: &str) -> Option<&Assignment> {
        self.file
            .get(name)
            .filter(|assignment| !assignment.value.is_empty())
    }

    /// The value as text; bytes that are no UTF-8 become replacement characters.
    pub fn text(&self, name: &str) -> Option<String> {
        let assignment = self.value(name)?;
        Some(
            String::from_utf8_lossy(assignment.value.expose())
                .trim()
                .to_owned(),
        )
    }

    /// What a switch is set to.
    pub fn switch(&self, name: &str) -> Switch {
        let is_exact = |assignment: &Assignment| {
            let value = assignment.value.expose();
            value.eq_ignore_ascii_case(b"true")
        };
        match self.text(name) {
            None => Switch::Unset,
            _ if self.value(name).is_some_and(is_exact) => Switch::On,
            Some(text) => {
                // Blanks inside quotes are part of the value.
                let is_misspelled = ["true", "1", "yes", "on", "y", "enabled"]
                    .iter()
                    .any(|word| text.eq_ignore_ascii_case(word));
                if is_misspelled {
                    Switch::MeantOn
                } else {
                    Switch::Off
                }
            }
        }
    }

    /// Where an assignment stands.
    pub fn location(&self, assignment: &Assignment) -> Location {
        Location::at(&self.shown_path, assignment.line, assignment.column)
    }

    /// Where a variable stands; the whole file when it is not set.
    pub fn place(&self, name: &str) -> Location {
        match self.file.get(name) {
            Some(assignment) => self.location(assignment),
            None => Location::file(&self.shown_path),
        }
    }

    /// The variables that are set, each once, with the assignment that counts.
    pub fn effective(&self) -> impl Iterator<Item = &Assignment> {
        self.at(&self.effective)
    }

    /// The secrets that are set: by their variable's name or by the shape of the value.
    pub fn secrets(&self) -> impl Iterator<Item = &Assignment> {
        self.at(&self.secrets)
    }

    /// The secrets that are no placeholders.
    pub fn real_secrets(&self) -> impl Iterator<Item = &Assignment> {
        self.at(&self.real_secrets)
    }

    /// The values that no output may show.
    pub fn values_to_hide(&self) -> impl Iterator<Item = &Secret> {
        self.at(&self.secret_assignments)
            .map(|assignment| &assignment.value)
    }

    /// The names that no output may show: a key on a line of its own ends in `=` at times, and is
    /// read as a variable of that name.
    pub fn names_to_hide(&self) -> Vec<Secret> {
        let names = self.file.assignments().iter().map(|one| one.name.as_str());
        let keys = redact::likely_secrets(names).into_iter();
        keys.map(|name| Secret::new(name.as_bytes())).collect()
    }
}

/// The state of a switch: only `true` is documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// `true`, in any case.
    On,
    /// Something like `1` or `yes`, which the page does not document.
    MeantOn,
    /// Anything else.
    Off,
    /// Not set, or empty.
    Unset,
}

impl Switch {
    /// What to say about a switch that should be on.
    pub fn complaint(self, name: &str) -> String {
        match self {
            Self::On => format!("{name} is true"),
            Self::MeantOn => {
                format!("{name} is set to a word that is not documented: only `true` is")
            }
            Self::Off => format!("{name} is not true"),
            Self::Unset => format!("{name} is not set"),
        }
    }
}

fn holds_secret(assignment: &Assignment) -> bool {
    is_secret(&assignment.name, assignment.value.expose())
}
