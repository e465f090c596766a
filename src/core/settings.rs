//! The configuration file: defaults for flags, waivers with reason and date, the operators' tailnet.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use toml::de::{DeTable, DeValue};

use crate::foreign_text::is_harmful;
use crate::small_file;
use crate::world::World;

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

/// One file on its way into the settings.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
    known: &'a KnownFlags,
    is_check_id: fn(&str) -> bool,
    today: Date,
}

impl File<'_> {
    fn add_to(&self, settings: &mut Settings) -> Result<(), SettingsError> {
        let table = DeTable::parse(self.text).map_err(|error| self.syntax(error.span()))?;
        for (key, value) in table.get_ref() {
            let at = key.span().start;
            let name = key.get_ref().as_ref();
            match (name, value.get_ref()) {
                ("waiver", DeValue::Array(entries)) => {
                    for entry in entries {
                        let at = entry.span().start;
                        let DeValue::Table(entry) = entry.get_ref() else {
                            return Err(self.value(at, "a waiver is a table: write [[waiver]]"));
                        };
                        settings.waivers.push(self.waiver(at, entry)?);
                    }
                }
                ("waiver", _) => return Err(self.value(at, "write [[waiver]], with two brackets")),
                ("network", DeValue::Table(table)) => self.network(table, settings)?,
                ("detectors", DeValue::Table(table)) => self.detectors(table, settings)?,
                (command, DeValue::Table(table))
                    if self.known.contains_key(command) && !command.contains('.') =>
                {
                    for (flag, value) in table {
                        self.flag(command, flag, value, settings)?;
                    }
                }
                (command, DeValue::Table(_)) => {
                    let tables = self
                        .known
                        .keys()
                        .map(String::as_str)
                        .filter(|table| !table.contains('.'))
                        .chain(["network", "waiver"]);
                    return Err(self.unknown(at, command, command, tables));
                }
                // An array of tables can only be meant for this.
                (name, DeValue::Array(entries)) if is_list_of_tables(entries) => {
                    return Err(self.unknown(at, name, name, ["waiver"]));
                }
                _ => self.flag("", key, value, settings)?,
            }
        }
        Ok(())
    }

    fn flag(
        &self,
        table: &str,
        key: &toml::Spanned<std::borrow::Cow<'_, str>>,
        value: &toml::Spanned<DeValue<'_>>,
        settings: &mut Settings,
    ) -> Result<(), SettingsError> {
        let flag = key.get_ref().as_ref();
        let known = self.known.get(table).map(Vec::as_slice).unwrap_or_default();
        if !known.iter().any(|known| known == flag) {
            let shown = if table.is_empty() {
                flag.to_owned()
            } else {
                format!("{table}.{flag}")
            };
            let elsewhere = self.elsewhere(flag, table);
            let names = known.iter().map(String::as_str);
            let names = names.filter(|_| elsewhere.is_none());
            let names = names.chain(elsewhere.as_deref());
            let at = key.span().start;
            return Err(self.unknown(at, &shown, elsewhere.as_deref().unwrap_or(flag), names));
        }
        let at = value.span().start;
        let values = match value.get_ref() {
            DeValue::Array(entries) => entries
                .iter()
                .map(|entry| self.scalar(at, flag, entry.get_ref()))
                .collect::<Result<_, _>>()?,
            single => vec![self.scalar(at, flag, single)?],
        };
        let is_set = settings
            .defaults
            .iter()
            .any(|d| d.table == table && d.flag == flag);
        if !is_set {
            settings.defaults.push(Default {
                table: table.to_owned(),
                flag: flag.to_owned(),
                values,
                source: self.path.to_path_buf(),
            });
        }
        Ok(())
    }

    fn scalar(&self, at: usize, flag: &str, value: &DeValue<'_>) -> Result<String, SettingsError> {
        match value {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) => Ok(number.as_str().to_owned()),
            DeValue::Float(number) => Ok(number.as_str().to_owned()),
            DeValue::Boolean(flag) => Ok(flag.to_string()),
            _ => {
                let message =
                    format!("`{flag}` takes a text, a number, true or false, or a list of these");
                Err(self.value(at, &message))
            }
        }
    }

    /// `[detectors] ignore = [CIDR]` and `[detectors.<id>]` with its numbers.
    fn detectors(&self, table: &DeTable<'_>, settings: &mut Settings) -> Result<(), SettingsError> {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let shown = format!("detectors.{name}");
            match value.get_ref() {
                DeValue::Table(numbers) if self.known.contains_key(&shown) => {
                    for (key, value) in numbers {
                        self.detector_value(name, key, value, settings)?;
                    }
                }
                DeValue::Array(_) if name == "ignore" => {
                    self.detector_value("", key, value, settings)?;
                }
                _ if name == "ignore" || self.known.contains_key(&shown) => {
                    let message = "write `ignore = [\"192.0.2.0/24\"]`, or a table such as [detectors.brute-force]";
                    return Err(self.value(value.span().start, message));
                }
                _ => {
                    let known = self
                        .known
                        .get("detectors")
                        .map(Vec::as_slice)
                        .unwrap_or_default();
                    let names = known.iter().map(String::as_str);
                    return Err(self.unknown(key.span().start, &shown, name, names));
                }
            }
        }
        Ok(())
    }

    fn detector_value(
        &self,
        detector: &str,
        key: &toml::Spanned<std::borrow::Cow<'_, str>>,
        value: &toml::Spanned<DeValue<'_>>,
        settings: &mut Settings,
    ) -> Result<(), SettingsError> {
        let name = key.get_ref().as_ref();
        let table = format!("detectors.{detector}");
        let known = self
            .known
            .get(&table)
            .map(Vec::as_slice)
            .unwrap_or_default();
        if !detector.is_empty() && !known.iter().any(|known| known == name) {
            let names = known.iter().map(String::as_str);
            return Err(self.unknown(key.span().start, &format!("{table}.{name}"), name, names));
        }
        let at = value.span().start;
        let values: Vec<String> = match value.get_ref() {
            DeValue::Array(entries) => entries
                .iter()
                .map(|entry| self.scalar(at, name, entry.get_ref()))
                .collect::<Result<_, _>>()?,
            single => vec![self.scalar(at, name, single)?],
        };
        let is_right = match name {
            "enabled" => matches!(value.get_ref(), DeValue::Boolean(_)),
            "ignore" => values.iter().all(|text| {
                text.parse::<ipnet::IpNet>().is_ok() || text.parse::<std::net::IpAddr>().is_ok()
            }),
            "hours" => values.len() == 1 && hours(&values[0]).is_some(),
            _ => {
                matches!(value.get_ref(), DeValue::Integer(number) if number.as_str().parse::<u32>().is_ok_and(|n| n > 0))
            }
        };
        if !is_right {
            let form = match name {
                "enabled" => "true or false",
                "ignore" => "addresses and networks such as \"192.0.2.0/24\"",
                "hours" => "the usual hours such as \"08-18\"",
                _ => "a whole number above 0",
            };
            return Err(self.value(at, &format!("`{name}` takes {form}")));
        }
        let is_set = settings
            .detectors
            .iter()
            .any(|d| d.detector == detector && d.key == name);
        if !is_set {
            settings.detectors.push(DetectorValue {
                detector: detector.to_owned(),
                key: name.to_owned(),
                values,
            });
        }
        Ok(())
    }

    fn network(&self, table: &DeTable<'_>, settings: &mut Settings) -> Result<(), SettingsError> {
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("operator-tailnet", DeValue::String(name)) if !name.trim().is_empty() => {
                    settings
                        .operator_tailnet
                        .get_or_insert(name.trim().to_owned());
                }
                ("operator-tailnet", _) => {
                    let message =
                        "`operator-tailnet` takes the tailnet's name, such as \"example.ts.net\"";
                    return Err(self.value(value.span().start, message));
                }
                (other, _) => {
                    let shown = format!("network.{other}");
                    return Err(self.unknown(
                        key.span().start,
                        &shown,
                        other,
                        ["operator-tailnet"],
                    ));
                }
            }
        }
        Ok(())
    }

    fn waiver(&self, at: usize, table: &DeTable<'_>) -> Result<Waiver, SettingsError> {
        const KEYS: [&str; 5] = ["id", "target", "reason", "owner", "expires"];
        let mut texts = BTreeMap::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if !KEYS.contains(&name) {
                return Err(self.unknown(key.span().start, &format!("waiver.{name}"), name, KEYS));
            }
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Datetime(date) => date.to_string(),
                _ => {
                    return Err(self.value(
                        value.span().start,
                        &format!("a waiver's `{name}` takes a text"),
                    ));
                }
            };
            texts.insert(name, (value.span().start, text.trim().to_owned()));
        }
        let is_seen = |character: char| !character.is_whitespace() && !is_harmful(character);
        let mut take = |name| {
            let found = texts.remove(name);
            found.filter(|(_, text)| text.chars().any(is_seen))
        };
        let missing = |name: &str| {
            self.value(
                at,
                &format!("a waiver needs `{name}`, and it may not be blank"),
            )
        };
        let (id_at, id) = take("id").ok_or_else(|| missing("id"))?;
        if !(self.is_check_id)(&id) {
            let message = "a waiver's `id` names no check; `openclaw-sec check --list` shows them";
            return Err(self.value(id_at, message));
        }
        let (_, reason) = take("reason").ok_or_else(|| missing("reason"))?;
        let (expires_at, expires) = take("expires").ok_or_else(|| missing("expires"))?;
        let expires = self.expiry(expires_at, &expires)?;
        let target = take("target").map(|(_, text)| text);
        let owner = take("owner").map(|(_, text)| text);
        Ok(Waiver {
            id,
            target,
            reason,
            owner,
            expires,
        })
    }

    fn expiry(&self, at: usize, text: &str) -> Result<Date, SettingsError> {
        let date: Date = text
            .parse()
            .map_err(|_| self.value(at, "a waiver's `expires` is a date such as 2026-12-31"))?;
        let days = self
            .today
            .until(date)
            .map_or(i64::MAX, |span| i64::from(span.get_days()));
        if days > LONGEST_WAIVER_DAYS {
            let message = format!(
                "a waiver may last {LONGEST_WAIVER_DAYS} days at most: bring `expires` nearer"
            );
            return Err(self.value(at, &message));
        }
        Ok(date)
    }

    fn syntax(&self, span: Option<std::ops::Range<usize>>) -> SettingsError {
        let at = span.map_or(0, |span| span.start);
        let (line, column) = self.position(at);
        SettingsError::Syntax {
            path: self.path.to_path_buf(),
            line,
            column,
            hint: "; check quotes, brackets and keys that stand twice",
        }
    }

    fn value(&self, at: usize, message: &str) -> SettingsError {
        SettingsError::Value {
            path: self.path.to_path_buf(),
            line: self.position(at).0,
            message: message.to_owned(),
        }
    }

    /// A flag in the spelling of flags and in the table where it belongs; the one at hand comes first.
    fn elsewhere(&self, flag: &str, table: &str) -> Option<String> {
        let flag = flag.replace('_', "-").to_lowercase();
        let tables = self.known.keys().filter(|table| !table.contains('.'));
        let tables = std::iter::once(table).chain(tables.map(String::as_str));
        let mut tables = tables.filter(|table| {
            let flags = self.known.get(*table);
            flags.is_some_and(|flags| flags.contains(&flag))
        });
        match tables.next()? {
            "" => Some(flag),
            found if found == table => Some(flag),
            found => Some(format!("{found}.{flag}")),
        }
    }

    fn unknown<'k>(
        &self,
        at: usize,
        shown: &str,
        key: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> SettingsError {
        SettingsError::UnknownKey {
            path: self.path.to_path_buf(),
            line: self.position(at).0,
            key: shown.to_owned(),
            nearest: most_alike(key, known)
                .filter(|_| !NEVER_CONFIGURED.contains(&key))
                .map(|(_, nearest)| nearest.to_owned()),
        }
    }

    fn position(&self, at: usize) -> (usize, usize) {
        position(self.text, at)
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

fn is_list_of_tables(entries: &toml::de::DeArray<'_>) -> bool {
    let mut tables = entries.iter().map(|entry| entry.get_ref());
    !entries.is_empty() && tables.all(|entry| matches!(entry, DeValue::Table(_)))
}
