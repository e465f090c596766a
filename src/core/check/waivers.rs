//! Findings that are accepted for a while: by a waiver with reason and date, or by a baseline.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use globset::Glob;
use jiff::civil::Date;
use serde::Deserialize;

use super::inspect::annotate;
use crate::report::{CheckResult, Kind, SCHEMA, Status, Target};
use crate::settings::Waiver;
use crate::small_file;

/// From this many days before its end, a waiver is warned about.
const WARN_DAYS: i32 = 14;
/// A baseline larger than this, in bytes, is refused.
const LARGEST_BASELINE: u64 = 256 << 20;

/// Something a person should know about a waiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaiverNews {
    /// It accepts nothing any more.
    Unused(String),
    /// What it is for was not looked at, or is another deployment.
    NotAsked(String),
    /// Its date is over: what it accepted fails again.
    Expired(String, Date),
    /// It ends soon.
    EndsSoon(String, Date),
}

impl std::fmt::Display for WaiverNews {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unused(id) => write!(f, "the waiver for {id} matches no finding: delete it"),
            Self::NotAsked(id) => {
                write!(f, "the waiver for {id} is for nothing that this run asked")
            }
            Self::Expired(id, date) => write!(
                f,
                "the waiver for {id} expired on {date}: it no longer waives"
            ),
            Self::EndsSoon(id, date) => write!(f, "the waiver for {id} ends on {date}"),
        }
    }
}

/// Turns waived failures into `waived` and tells what is odd about the waivers. `was_asked` says
/// whether a check ran at all: a waiver for one that did not is not unused.
pub fn apply_waivers(
    results: &mut [CheckResult],
    waivers: &[Waiver],
    target: &Target,
    today: Date,
    was_asked: impl Fn(&str) -> bool,
) -> Vec<WaiverNews> {
    let mut news = Vec::new();
    for waiver in waivers {
        let matching: Vec<&mut CheckResult> = results
            .iter_mut()
            .filter(|result| {
                matches!(result.status, Status::Fail | Status::Waived)
                    && is_for(waiver, result, target)
            })
            .collect();
        if matching.is_empty() {
            let id = waiver.id.clone();
            let is_unused = was_asked(&id) && !may_be_needed(waiver, results, target);
            news.push(match is_unused {
                true => WaiverNews::Unused(id),
                false => WaiverNews::NotAsked(id),
            });
            continue;
        }
        if waiver.expires < today {
            news.push(WaiverNews::Expired(waiver.id.clone(), waiver.expires));
            for result in matching {
                annotate(result, "expired_waiver", waiver.expires.to_string());
            }
            continue;
        }
        let days_left = today
            .until(waiver.expires)
            .map_or(0, |span| span.get_days());
        if days_left <= WARN_DAYS {
            news.push(WaiverNews::EndsSoon(waiver.id.clone(), waiver.expires));
        }
        for result in matching {
            waive(result, waiver);
        }
    }
    news
}

/// Whether a waiver without a finding may be needed all the same: the check could not be answered, or
/// the waiver is for another deployment. Globs, fingerprints, and places in a source tree are not.
fn may_be_needed(waiver: &Waiver, results: &[CheckResult], target: &Target) -> bool {
    let mut own = results
        .iter()
        .filter(|result| result.id == waiver.id)
        .peekable();
    let is_open = |status| matches!(status, Status::Skipped | Status::Unknown);
    if own.peek().is_some() && own.all(|result| is_open(result.status)) {
        return true;
    }
    let Some(wanted) = &waiver.target else {
        return false;
    };
    let is_fingerprint = || {
        let digits = wanted.split('-').next().unwrap_or(wanted);
        digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let is_of_code = || super::find(&waiver.id).is_some_and(|check| check.kind == Kind::Code);
    !is_named(wanted, target)
        && !wanted.contains(['*', '?', '[', '{'])
        && !is_fingerprint()
        && !is_of_code()
}

/// Whether a word names the deployment.
fn is_named(word: &str, target: &Target) -> bool {
    let names = [&target.name, &target.env, &target.url];
    names.into_iter().flatten().any(|name| name == word)
}

fn waive(result: &mut CheckResult, waiver: &Waiver) {
    result.status = Status::Waived;
    result.reason = waiver.reason.clone();
    annotate(result, "waived_until", waiver.expires.to_string());
    if let Some(owner) = &waiver.owner {
        annotate(result, "waived_by", owner.as_str());
    }
}

fn is_for(waiver: &Waiver, result: &CheckResult, target: &Target) -> bool {
    if waiver.id != result.id {
        return false;
    }
    let Some(wanted) = &waiver.target else {
        return true;
    };
    let is_at = || {
        let Some(location) = &result.location else {
            return false;
        };
        let wanted = wanted.strip_prefix("./").unwrap_or(wanted);
        let folder = wanted.trim_end_matches('/');
        let in_folder = location.path.strip_prefix(folder);
        location.path == wanted
            || !folder.is_empty() && in_folder.is_some_and(|rest| rest.starts_with('/'))
            || Glob::new(wanted).is_ok_and(|glob| glob.compile_matcher().is_match(&location.path))
    };
    is_named(wanted, target) || *wanted == result.fingerprint || is_at()
}

/// What an earlier report already shows as failed.
#[derive(Debug)]
pub struct Baseline {
    since: String,
    failed: BTreeMap<String, String>,
}

/// Why a baseline is of no use.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It cannot be read.
    #[error("cannot read baseline {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no report of ours.
    #[error(
        "baseline {path} is no JSON report of `openclaw-sec check` about one deployment{}: make one with --format json --output FILE",
        in_line(.line)
    )]
    NoReport {
        /// The file.
        path: PathBuf,
        /// 1-based line; none where no line is to blame.
        line: Option<usize>,
    },
}

fn in_line(line: &Option<usize>) -> String {
    line.map_or(String::new(), |line| format!(" (line {line})"))
}

#[derive(Deserialize)]
struct Document {
    schema: String,
    started_at: String,
    results: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    status: Status,
    #[serde(default)]
    reason: String,
    fingerprint: String,
}

/// How the reason of a finding begins that a baseline knows.
const KNOWN: &str = "known since ";

impl Baseline {
    /// Reads a JSON report.
    ///
    /// # Errors
    /// When it cannot be read or is none.
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        let text = small_file::read_text(path, LARGEST_BASELINE).map_err(|source| {
            BaselineError::Unreadable {
                path: path.to_path_buf(),
                source,
            }
        })?;
        let no_report = |line| BaselineError::NoReport {
            path: path.to_path_buf(),
            line,
        };
        let document: Document =
            serde_json::from_str(&text).map_err(|error| no_report(Some(error.line())))?;
        if document.schema != SCHEMA {
            return Err(no_report(None));
        }
        let failed = document
            .results
            .into_iter()
            .filter(|entry| match entry.status {
                Status::Fail => true,
                // What a waiver excused was no failure that anybody got used to.
                Status::Waived => {
                    let since = entry.reason.strip_prefix(KNOWN);
                    since.is_some_and(|since| since.parse::<Date>().is_ok())
                }
                _ => false,
            })
            .map(|entry| (entry.fingerprint, entry.id))
            .collect();
        let since = document.started_at.chars().take(10).collect();
        Ok(Self { since, failed })
    }
}

/// Turns failures that the baseline knows into `waived`.
pub fn apply_baseline(results: &mut [CheckResult], baseline: &Baseline) {
    for result in results
        .iter_mut()
        .filter(|result| result.status == Status::Fail)
    {
        if baseline.failed.get(&result.fingerprint) == Some(&result.id) {
            result.status = Status::Waived;
            result.reason = format!("{KNOWN}{}", baseline.since);
        }
    }
}

#[cfg(test)]
mod tests;
