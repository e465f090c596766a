//! Reports that were written elsewhere become one; what is missing, broken or old is unknown.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{FleetTarget, SCHEMA};
use crate::key_shapes;
use crate::order;
use crate::profiles::DEFAULT_PROFILE;
use crate::report::{self, Report, Target};
use crate::small_file;

/// A report larger than this, in bytes, is not read.
pub const LARGEST_REPORT: u64 = 64 << 20;
/// A list of names larger than this, in bytes, is none.
const LARGEST_LIST: u64 = 16 << 20;
/// Readers of JSON choke on deeper brackets; serde_json does at 128.
const DEEPEST: usize = 100;
/// How far the clock of another machine may be ahead of ours.
const CLOCKS_DIFFER_BY: SignedDuration = SignedDuration::from_hours(1);

/// Why nothing can be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A path that was named does not exist.
    #[error("--merge {path}: there is no such file or folder")]
    NoSuchPath {
        /// The path.
        path: PathBuf,
    },
    /// A folder that was named cannot be listed.
    #[error("--merge {path}: the folder cannot be listed: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A report of one deployment would be replaced by that of the fleet.
    #[error(
        "--output {path}: this is a report in a folder that is merged, and would be lost; name another file"
    )]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// A line of the list of names is none. It is not quoted: it may stand in an env file.
    #[error(
        "--expect {path}:{line}: no name stands there; name a text file with one name per line"
    )]
    NoName {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// The list of names cannot be read.
    #[error("--expect {path}: {source}; name a text file with one name per line")]
    Names {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What is asked of the reports.
#[derive(Debug)]
pub struct Question<'q> {
    /// The names that must be there.
    pub expected: Vec<String>,
    /// How old a report may be, and how the person wrote it.
    pub max_age: Option<(SignedDuration, String)>,
    /// The time of the run.
    pub now: Timestamp,
    /// The checklist's ids and titles.
    pub items: &'q [(&'q str, &'q str)],
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Merged {
    /// The deployments: in the order of the files, then those that sent nothing.
    pub targets: Vec<FleetTarget>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// The files to read: each path, or the `*.json` of a folder by name. None comes twice. What stands
/// in a folder where this run writes, in `ours`, is an earlier fleet's report and not read.
///
/// # Errors
/// When a path does not exist, a folder cannot be listed, or one of `ours` is a deployment's report.
pub fn report_files(paths: &[PathBuf], ours: &[&Path]) -> Result<Vec<PathBuf>, MergeError> {
    let identity = |path: &Path| path.metadata().ok().map(|m| (m.dev(), m.ino()));
    let ours: HashSet<_> = ours.iter().filter_map(|path| identity(path)).collect();
    let mut seen = HashSet::new();
    let mut files = Vec::new();
    for path in paths {
        let candidates = match path.metadata() {
            Ok(metadata) if metadata.is_dir() => {
                let is_ours = |file: &PathBuf| identity(file).is_some_and(|id| ours.contains(&id));
                let (written, found) = json_files(path)?.into_iter().partition(is_ours);
                let written: Vec<PathBuf> = written;
                if let Some(path) = written.into_iter().find(|file| is_one_deployment(file)) {
                    return Err(MergeError::Replaced { path });
                }
                found
            }
            Err(_) if path.symlink_metadata().is_err() => {
                return Err(MergeError::NoSuchPath { path: path.clone() });
            }
            // A file that may not be looked at is a report that cannot be read.
            _ => vec![path.clone()],
        };
        let is_new = |file: &PathBuf| identity(file).is_none_or(|id| seen.insert(id));
        files.extend(candidates.into_iter().filter(is_new));
    }
    Ok(files)
}

/// Names that begin with a dot belong to programs that are still writing.
fn json_files(folder: &Path) -> Result<Vec<PathBuf>, MergeError> {
    let failed = |source| MergeError::Folder {
        path: folder.to_path_buf(),
        source,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if !is_hidden && Path::new(&name).extension().is_some_and(|e| e == "json") {
            files.push(folder.join(name));
        }
    }
    order::sort(&mut files);
    Ok(files)
}

fn is_one_deployment(file: &Path) -> bool {
    let text = small_file::read_text(file, LARGEST_REPORT).unwrap_or_default();
    serde_json::from_str(&text).is_ok_and(|head: Head| head.schema == report::SCHEMA)
}

/// The names of a list: one per line, without blank lines and lines that begin with `#`.
///
/// # Errors
/// When the file cannot be read, or holds something else: an env file, TOML or JSON.
pub fn expected_names(path: &Path) -> Result<Vec<String>, MergeError> {
    let text = small_file::read_text(path, LARGEST_LIST).map_err(|source| MergeError::Names {
        path: path.to_path_buf(),
        source,
    })?;
    let lines = text.lines().map(str::trim).zip(1..);
    let names = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    names
        .map(|(name, line)| {
            let is_line = name.contains(['=', '"', '\'', '{', '}']);
            if is_line || !key_shapes::find_all(name.as_bytes()).is_empty() {
                let path = path.to_path_buf();
                return Err(MergeError::NoName { path, line });
            }
            Ok(name.to_owned())
        })
        .collect()
}

/// Reads the files and joins what they say.
pub fn merge(files: &[PathBuf], question: &Question<'_>) -> Merged {
    let mut found: Vec<Found> = files
        .iter()
        .flat_map(|file| Reader { file, question }.read())
        .collect();
    let warnings = make_unique(&mut found);
    let mut targets: Vec<FleetTarget> = found.into_iter().map(|found| found.target).collect();
    let mut names: HashSet<String> = targets.iter().map(|t| t.name.clone()).collect();
    let now = question.now.to_string();
    for name in &question.expected {
        if names.insert(name.clone()) {
            let reason = "it was expected, and no report of it was found".to_owned();
            let (target, items) = (nobody(), question.items);
            targets.push(FleetTarget::silent(
                name.clone(),
                target,
                reason,
                &now,
                items,
            ));
        }
    }
    Merged { targets, warnings }
}

fn nobody() -> Target {
    Target {
        env: None,
        url: None,
        profile: DEFAULT_PROFILE.to_owned(),
        name: None,
        dialect: None,
    }
}

/// One deployment, and where its report stood.
struct Found {
    target: FleetTarget,
    file: PathBuf,
    /// Whether the report names its deployment itself.
    is_named: bool,
    started_at: Option<Timestamp>,
}

/// One file on its way into the fleet.
struct Reader<'r> {
    file: &'r Path,
    question: &'r Question<'r>,
}

/// As much of any document of ours as tells what it is.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema: serde_json::Value,
    #[serde(default)]
    target: serde_json::Value,
}

/// A fleet's document; the reports in it are read one by one.
#[derive(Deserialize)]
struct FleetText<'t> {
    #[serde(borrow)]
    targets: Vec<TargetText<'t>>,
}

#[derive(Deserialize)]
struct TargetText<'t> {
    name: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(borrow)]
    report: Option<&'t RawValue>,
}

impl Reader<'_> {
    fn read(&self) -> Vec<Found> {
        let text = match small_file::read_text(self.file, LARGEST_REPORT) {
            Ok(text) => text,
            Err(error) => {
                let reason = format!("its report {} cannot be read: {error}", self.shown());
                return vec![self.unknown(None, reason, None)];
            }
        };
        self.understand(&text)
    }

    fn understand(&self, text: &str) -> Vec<Found> {
        let head: Head = match serde_json::from_str(text) {
            Ok(head) => head,
            Err(error) => return vec![self.unknown(None, self.not_json(&error), None)],
        };
        let name = head.target.get("name").and_then(|name| name.as_str());
        let name = name.filter(|name| !name.trim().is_empty());
        match head.schema.as_str() {
            Some(report::SCHEMA) => vec![self.one(name, None, text)],
            Some(SCHEMA) => self.many(text),
            other => {
                let is = match other {
                    Some(schema) => format!("has the schema {schema}"),
                    None => "names no schema".to_owned(),
                };
                let reason = format!(
                    "its report {} {is}: this version reads {} and {SCHEMA}",
                    self.shown(),
                    report::SCHEMA
                );
                vec![self.unknown(name, reason, None)]
            }
        }
    }

    fn many(&self, text: &str) -> Vec<Found> {
        let fleet: FleetText<'_> = match serde_json::from_str(text) {
            Ok(fleet) => fleet,
            Err(error) => return vec![self.unknown(None, self.not_ours(&error), None)],
        };
        let targets = fleet.targets.into_iter();
        targets
            .map(|target| match target.report {
                Some(report) => self.one(Some(&target.name), target.reason, report.get()),
                None => {
                    let reason = target
                        .reason
                        .unwrap_or_else(|| format!("{} holds no report of it", self.shown()));
                    self.unknown(Some(&target.name), reason, None)
                }
            })
            .collect()
    }

    /// `reason` is why another fleet's document says that nothing is known.
    fn one(&self, name: Option<&str>, reason: Option<String>, text: &str) -> Found {
        if depth(text) > DEEPEST {
            let reason = format!("its report {} is nested too deeply", self.shown());
            return self.unknown(name, reason, None);
        }
        let report: Report = match serde_json::from_str(text) {
            Ok(mut report) => {
                let Report { results, .. } = &mut report;
                results.shrink_to_fit();
                report
            }
            Err(error) => return self.unknown(name, self.not_ours(&error), None),
        };
        if report.schema != report::SCHEMA {
            let reason = format!("its report has the schema {}", report.schema);
            return self.unknown(name, reason, None);
        }
        let Ok(started_at) = report.started_at.parse::<Timestamp>() else {
            let reason = format!("its report {} does not say when it was made", self.shown());
            return self.unknown(name, reason, None);
        };
        if let Some(why) = self.out_of_time(started_at) {
            return self.unknown(name, why, Some((report, started_at)));
        }
        let target = FleetTarget::reported(self.name(name), report);
        // What we add to a report, and count, has to stand in it.
        let target = match &target.reason {
            Some(_) => Ok(target),
            None => target.passed_on(text),
        };
        match target {
            Ok(mut target) => {
                target.reason = reason.or(target.reason);
                Found {
                    target,
                    file: self.file.to_path_buf(),
                    is_named: name.is_some(),
                    started_at: Some(started_at),
                }
            }
            Err(error) => self.unknown(name, self.not_ours(&error), None),
        }
    }

    fn out_of_time(&self, started_at: Timestamp) -> Option<String> {
        let (max_age, written) = self.question.max_age.as_ref()?;
        let age = self.question.now.duration_since(started_at);
        if age > *max_age {
            let age = match age.as_hours() {
                0 => format!("{} minutes", age.as_mins()),
                hours => format!("{hours} hours"),
            };
            return Some(format!(
                "its report {} is {age} old, more than {written}: look whether it still runs",
                self.shown()
            ));
        }
        (age < -CLOCKS_DIFFER_BY).then(|| {
            format!(
                "its report {} was made in the future: look at that machine's clock",
                self.shown()
            )
        })
    }

    fn unknown(
        &self,
        name: Option<&str>,
        reason: String,
        old: Option<(Report, Timestamp)>,
    ) -> Found {
        let (target, started_at) = match old {
            Some((report, started_at)) => (report.target, Some(started_at)),
            None => (nobody(), None),
        };
        let when = started_at.unwrap_or(self.question.now).to_string();
        let items = self.question.items;
        Found {
            target: FleetTarget::silent(self.name(name), target, reason, &when, items),
            file: self.file.to_path_buf(),
            is_named: name.is_some(),
            started_at,
        }
    }

    /// The name it gives itself, else the file's stem.
    fn name(&self, name: Option<&str>) -> String {
        match name {
            Some(name) => name.to_owned(),
            None => {
                let stem = self.file.file_stem().unwrap_or(self.file.as_os_str());
                stem.to_string_lossy().into_owned()
            }
        }
    }

    fn shown(&self) -> std::path::Display<'_> {
        self.file.display()
    }

    /// Positions only: what stands there is foreign.
    fn not_json(&self, error: &serde_json::Error) -> String {
        if error.is_eof() {
            format!(
                "its report {} is cut off in line {}",
                self.shown(),
                error.line()
            )
        } else if error.is_data() {
            self.not_ours(error)
        } else {
            format!(
                "its report {} is no JSON (line {}, column {})",
                self.shown(),
                error.line(),
                error.column()
            )
        }
    }

    fn not_ours(&self, error: &serde_json::Error) -> String {
        format!(
            "its report {} is none that this version understands (line {}, column {})",
            self.shown(),
            error.line(),
            error.column()
        )
    }
}

/// How deeply brackets are nested in a JSON text.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    let (mut is_in_string, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_in_string => is_escaped = true,
            b'"' => is_in_string = !is_in_string,
            _ if is_in_string => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Gives every deployment a name of its own, so that none is lost. Reports without names whose
/// files are called alike are called by their paths. Of reports that give the same name, the
/// newest keeps it and the others add their file.
fn make_unique(found: &mut [Found]) -> Vec<String> {
    let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, found) in found.iter().enumerate() {
        let name = found.target.name.clone();
        by_name.entry(name).or_default().push(index);
    }
    by_name.retain(|_, indexes| indexes.len() > 1);
    let mut names = Names::of(found);
    let mut warnings = Vec::new();
    for (name, indexes) in by_name {
        let is_named = |index: &usize| found[*index].is_named;
        // The first of equally old ones keeps it.
        let newest = indexes.iter().copied().filter(|index| is_named(index));
        let newest = newest.rev().max_by_key(|index| found[*index].started_at);
        for index in indexes {
            if Some(index) == newest {
                continue;
            }
            let found = &mut found[index];
            let path = found.file.with_extension("").display().to_string();
            let wanted = match found.is_named {
                true => format!("{name} ({path})"),
                false => path,
            };
            let unique = names.free(&wanted);
            warnings.push(format!(
                "several reports are called {name}: the one in {} is shown as {unique}",
                found.file.display()
            ));
            rename(&mut found.target, unique);
        }
    }
    warnings
}

/// The names that are taken, and the number to try next for each that was wanted again.
struct Names {
    taken: HashSet<String>,
    next: HashMap<String, u64>,
}

impl Names {
    fn of(found: &[Found]) -> Self {
        Self {
            taken: found.iter().map(|f| f.target.name.clone()).collect(),
            next: HashMap::new(),
        }
    }

    fn free(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while !self.taken.insert(name.clone()) {
            let number = self.next.entry(wanted.to_owned()).or_insert(1);
            *number += 1;
            name = format!("{wanted} #{number}");
        }
        name
    }
}

/// A report that somebody wrote stays as it is; ours names the deployment.
fn rename(target: &mut FleetTarget, name: String) {
    if target.is_silent()
        && let Some(report) = &mut target.report
    {
        report.target.name = Some(name.clone());
    }
    target.name = name;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ItemStatus, Tool};
    use proptest::prelude::*;

    const NOW: &str = "2026-11-25T12:00:00Z";

    fn question() -> Question<'static> {
        Question {
            expected: Vec::new(),
            max_age: None,
            now: NOW.parse().expect("it is a time"),
            items: &[("auth", "Authentication enabled for web UI")],
        }
    }

    fn text() -> String {
        let target = FleetTarget::silent("bot".into(), nobody(), "why".into(), NOW, &[]);
        let mut report = target.report.expect("a silent target has a report");
        report.tool = Tool::this();
        report.results[0].status = crate::report::Status::Pass;
        report.summary = crate::report::Summary::of(&report.results);
        serde_json::to_string_pretty(&report).expect("it is a report")
    }

    fn understood(text: &str) -> Vec<FleetTarget> {
        let (file, question) = (Path::new("reports/x.json"), &question());
        let found = Reader { file, question }.understand(text);
        found.into_iter().map(|found| found.target).collect()
    }

    #[test]
    fn a_list_of_names_that_is_another_file_is_refused_and_not_quoted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("names");
        let router_key = format!("sk-or-v1-{}", "9c41e7b35a8d20f6".repeat(4));
        for text in [
            "WEB_API_KEY=q7Zk2mVw9xLr",
            "{\"a\": 1}",
            "- 'q7Zk2mVw9xLr'",
            &router_key,
        ] {
            std::fs::write(&path, format!("# hosts\n\n{text}\n")).expect("written");
            let error = expected_names(&path).expect_err("refused").to_string();
            assert!(error.contains("names:3: no name stands there"), "{error}");
        }
        std::fs::write(&path, "# hosts\nweb-1\n eu west (2) \n").expect("written");
        let names = expected_names(&path).expect("read");
        assert_eq!(names, ["web-1", "eu west (2)"]);
    }

    #[test]
    fn a_whole_report_passes_and_a_cut_one_is_unknown_wherever_it_is_cut() {
        let text = text();
        assert_eq!(understood(&text)[0].status, ItemStatus::Pass);
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let targets = understood(&text[..end]);
            assert_eq!(targets.len(), 1, "cut at {end}");
            assert_eq!(targets[0].status, ItemStatus::Unknown, "cut at {end}");
        }
    }

    #[test]
    fn names_that_were_taken_get_a_number() {
        let mut names = Names {
            taken: HashSet::from(["a".to_owned(), "a #2".to_owned()]),
            next: HashMap::new(),
        };
        let free: Vec<String> = (0..3).map(|_| names.free("a")).collect();
        assert_eq!(free, ["a #3", "a #4", "a #5"]);
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_file_there_is_a_target_for_it(
            at in 0usize..2000,
            with in "[\\PC\\n\\t\\{\\}\\[\\]\",:0-9]{0,12}",
        ) {
            let mut text = text();
            let at = (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.insert_str(at, &with);
            let targets = understood(&text);
            prop_assert_eq!(targets.len(), 1);
            let written = serde_json::to_string(&targets[0]).expect("it can be written");
            let value: serde_json::Value = serde_json::from_str(&written).expect("it is JSON");
            if targets[0].status == ItemStatus::Pass {
                let before: serde_json::Value = serde_json::from_str(&text).expect("it was read");
                prop_assert_eq!(&value["report"], &before);
            }
        }
    }
}
