//! The configuration file: defaults for flags, waivers with reason and date, the operators' tailnet.

mod file;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::small_file;
use crate::world::World;
use file::File;

/// The project's file, looked for in the current folder.
pub const PROJECT_FILE: &str = "openclaw-sec.toml";
/// The longest a waiver may last, in days.
pub const LONGEST_WAIVER_DAYS: i64 = 180;
/// A configuration larger than this many bytes is refused.
const LARGEST_FILE: u64 = 1 << 20;

/// What can be wrong with a configuration file. Positions only: a line may hold a secret.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file was named and cannot be read.
    #[error("cannot read configuration {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not TOML.
    #[error("{path}:{line}:{column}: not valid TOML{hint}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: usize,
        /// 1-based column, in characters.
        column: usize,
        /// What kind of mistake, without quoting the line.
        hint: &'static str,
    },
    /// A key nobody reads.
    #[error("{path}:{line}: unknown key `{key}`{}", suggestion(.nearest))]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: usize,
        /// The key with its table.
        key: String,
        /// The nearest valid key.
        nearest: Option<String>,
    },
    /// A key with a value of the wrong form.
    #[error("{path}:{line}: {message}")]
    Value {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: usize,
        /// What is wrong and what to write instead.
        message: String,
    },
}

fn suggestion(nearest: &Option<String>) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None => String::new(),
    }
}

/// Flags that are about one call and so have no place in a configuration: another key is not meant.
pub const NEVER_CONFIGURED: [&str; 5] = ["config", "help", "version", "list", "explain"];

/// The flags that a configuration may set, by table: `""` holds the global ones.
pub type KnownFlags = BTreeMap<String, Vec<String>>;

/// A finding that somebody accepted for a while.
#[derive(Debug, Clone)]
pub struct Waiver {
    /// The check's id.
    pub id: String,
    /// A target's name, env path, URL, path glob or fingerprint; without one, every finding.
    pub target: Option<String>,
    /// Why it is accepted.
    pub reason: String,
    /// Who accepted it.
    pub owner: Option<String>,
    /// The last day on which it holds.
    pub expires: Date,
}

/// One flag's values from a file.
#[derive(Debug, Clone)]
pub struct Default {
    /// The table: a command's name, or empty for a global flag.
    pub table: String,
    /// The long flag without its dashes.
    pub flag: String,
    /// The values; several for a flag that may be repeated.
    pub values: Vec<String>,
    /// The file it comes from.
    pub source: PathBuf,
    /// Its line there, from 1.
    pub line: usize,
}

/// One value of `[detectors]`: a number, a switch or a list, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectorValue {
    /// The detector, or empty for what concerns all.
    pub detector: String,
    /// The key.
    pub key: String,
    /// Its values; one, unless the key takes a list.
    pub values: Vec<String>,
}

/// What the configuration files say, merged.
#[derive(Debug, Clone, std::default::Default)]
pub struct Settings {
    /// Defaults for flags; of two for one flag the project's stands.
    pub defaults: Vec<Default>,
    /// The accepted findings.
    pub waivers: Vec<Waiver>,
    /// The operators' own tailnet, which no bot may share.
    pub operator_tailnet: Option<String>,
    /// What is tuned of detectors; of two values for one key the project's stands.
    pub detectors: Vec<DetectorValue>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

impl Settings {
    /// Reads the project's file (or `config` in its place) and, below it, the user's.
    ///
    /// # Errors
    /// When a file that exists cannot be read, or says something that no flag or table knows.
    pub fn load(
        config: Option<&Path>,
        world: &World,
        known: impl FnOnce() -> KnownFlags,
        is_check_id: fn(&str) -> bool,
    ) -> Result<Self, SettingsError> {
        let mut texts = Vec::new();
        let project = config.unwrap_or(Path::new(PROJECT_FILE));
        texts.extend(read(project, config.is_some())?);
        if let Some(path) = user_file(world) {
            texts.extend(read(&path, false)?);
        }
        let mut settings = Self::default();
        if texts.is_empty() {
            return Ok(settings);
        }
        let known = known();
        let today = world
            .now()
            .to_zoned_datetime(jiff::tz::TimeZone::UTC)
            .date();
        for (path, text) in texts {
            let file = File {
                path: &path,
                text: &text,
                known: &known,
                is_check_id,
                today,
            };
            file.add_to(&mut settings)?;
            settings.files.push(path);
        }
        Ok(settings)
    }
}

fn user_file(world: &World) -> Option<PathBuf> {
    let base = match world.variable("XDG_CONFIG_HOME") {
        Some(base) => PathBuf::from(base),
        None => world.home()?.join(".config"),
    };
    Some(base.join("openclaw-sec/config.toml"))
}

fn read(path: &Path, must_exist: bool) -> Result<Option<(PathBuf, String)>, SettingsError> {
    use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    match small_file::read_text(path, LARGEST_FILE) {
        Ok(text) => Ok(Some((path.to_path_buf(), text))),
        Err(error) if !must_exist && matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
        // Another user's home, as after `sudo -u`: whether there is a file cannot even be seen.
        Err(error)
            if !must_exist
                && error.kind() == PermissionDenied
                && path.symlink_metadata().is_err() =>
        {
            Ok(None)
        }
        Err(source) => Err(SettingsError::Unreadable {
            path: path.to_path_buf(),
            source,
        }),
    }
}

/// 1-based line and column (in characters) of a byte offset.
pub fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// Hours of the day, `08-18`: from the first hour up to, and without, the last.
pub fn hours(text: &str) -> Option<(u8, u8)> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first < 24 && last <= 24 && first != last).then_some((first, last))
}

/// The candidate that is most like `word`, if any is near enough to be meant.
pub fn nearest<'k>(word: &str, candidates: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    most_alike(word, candidates)
        .filter(|(likeness, _)| *likeness > 0.7)
        .map(|(_, candidate)| candidate)
}

/// The candidate that is most like `word`, with its likeness, which is at most 1.
fn most_alike<'k>(
    word: &str,
    candidates: impl IntoIterator<Item = &'k str>,
) -> Option<(f64, &'k str)> {
    candidates
        .into_iter()
        .filter(|candidate| !candidate.is_empty())
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))
}
