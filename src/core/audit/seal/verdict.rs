//! What is said of a sealed log: which line differs first, between which checkpoints.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use super::content::{Change, Content, Difference, each_line, first_difference, resembled_part};
use super::record::{Record, Tag};
use super::{Parts, Seal, SealError, problem};

/// The verdict on a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// `intact`, `altered`, `removed`, `inserted`, `truncated`, `missing` or `forged`.
    pub status: &'static str,
    /// The file it is about.
    pub file: PathBuf,
    /// The first line concerned.
    pub line: Option<u64>,
    /// Its byte offset.
    pub offset: Option<u64>,
    /// The checkpoint that covers it.
    pub checkpoint: Option<u64>,
    /// The time of the checkpoint before, and of this one.
    pub between: (Option<String>, Option<String>),
    /// Lines of all present parts that are sealed.
    pub sealed_lines: u64,
    /// Complete lines that are not sealed yet.
    pub unsealed_lines: u64,
    /// One sentence.
    pub message: String,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_intact(&self) -> bool {
        self.status == "intact"
    }

    pub(super) fn broken(status: &'static str, file: &Path, message: String) -> Self {
        Self {
            status,
            file: file.to_path_buf(),
            line: None,
            offset: None,
            checkpoint: None,
            between: (None, None),
            sealed_lines: 0,
            unsealed_lines: 0,
            message,
        }
    }
}

/// Complete lines of a file that begin at this byte or behind it.
fn lines_behind(path: &Path, bytes: u64) -> Result<u64, SealError> {
    let mut lines = 0;
    let counted = each_line(path, |offset, _| {
        lines += u64::from(offset >= bytes);
        true
    });
    match counted {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(problem(path)(error)),
        _ => Ok(lines),
    }
}

impl Seal {
    /// A part is expired only if all older ones are gone too and a newer closed part is there.
    pub(super) fn first_missing(
        &self,
        lasts: &BTreeMap<u64, &Record>,
        found: &Parts,
    ) -> Option<u64> {
        let newest = lasts.keys().last().copied()?;
        // The newest is closed, too, once it was rotated.
        let oldest_closed = found
            .iter()
            .next()
            .filter(|(part, path)| **part < newest || **path != self.log)
            .map(|(part, _)| *part);
        lasts
            .keys()
            .copied()
            .filter(|part| !found.contains_key(part))
            .find(|part| oldest_closed.is_none_or(|oldest| *part > oldest))
    }

    /// What is to be said of the oldest part that was not found, if anything: that a file holds it
    /// changed, or that it is missing and has not expired.
    pub(super) fn first_unfound(
        &self,
        lasts: &BTreeMap<u64, &Record>,
        found: &Parts,
        contents: &[Content],
        damaged: &[(PathBuf, io::Error)],
    ) -> Result<Option<Verdict>, SealError> {
        let unfound: Vec<u64> = lasts
            .keys()
            .copied()
            .filter(|part| !found.contains_key(part))
            .collect();
        let Some(newest) = unfound.last() else {
            return Ok(None);
        };
        let changed = self.changed(&unfound, lasts, found, contents)?;
        let paths = changed
            .iter()
            .map(|(part, (path, _))| (*part, path.clone()));
        let present: Parts = found.clone().into_iter().chain(paths).collect();
        let missing = self.first_missing(lasts, &present);
        if let Some((part, (path, difference))) = changed.into_iter().next()
            && missing.is_none_or(|missing| part < missing)
        {
            return Ok(Some(self.difference(part, &path, difference)));
        }
        if let Some(part) = missing {
            return Ok(Some(
                self.explain(part, lasts, &present, contents, damaged)?,
            ));
        }
        Ok(damaged.first().map(|(path, error)| {
            let message =
                format!("is damaged ({error}), and part {newest} of the log is found nowhere else");
            Verdict::broken("altered", path, message)
        }))
    }

    /// The files that hold lines of parts that were not found, and how they differ.
    fn changed(
        &self,
        unfound: &[u64],
        lasts: &BTreeMap<u64, &Record>,
        found: &Parts,
        contents: &[Content],
    ) -> Result<BTreeMap<u64, (PathBuf, Option<Difference>)>, SealError> {
        // What was logged more than once, such as a frame of a stack, will be logged again.
        let mut times: HashMap<Tag, u64> = HashMap::new();
        for tag in self.blocks.iter().flat_map(|block| &block.record.tags) {
            *times.entry(*tag).or_default() += 1;
        }
        let only_once = |part: &u64| {
            let mut tags = self.tags_of(*part);
            tags.retain(|tag| times.get(tag) == Some(&1));
            (*part, tags)
        };
        let parts: Vec<_> = unfound.iter().map(only_once).collect();
        let newest: Vec<_> = parts
            .iter()
            .filter(|(part, _)| lasts.keys().last() == Some(part))
            .cloned()
            .collect();
        let mut changed = BTreeMap::new();
        for content in contents {
            let path = &content.path;
            if found.values().any(|known| known == path) {
                continue;
            }
            // The log itself goes on with lines of its own.
            let parts = if *path == self.log { &newest } else { &parts };
            let Some(part) = resembled_part(path, parts).map_err(problem(path))? else {
                continue;
            };
            let difference = first_difference(path, &self.tags_of(part)).map_err(problem(path))?;
            let agreed = |difference: &Option<Difference>| {
                difference.map_or(u64::MAX, |difference| difference.line)
            };
            let is_nearer = changed
                .get(&part)
                .is_none_or(|(_, known)| agreed(&difference) > agreed(known));
            if is_nearer {
                changed.insert(part, (path.clone(), difference));
            }
        }
        Ok(changed)
    }

    /// A part that no file resembles: the first line that differs where a file begins as it does, or
    /// that it is missing.
    fn explain(
        &self,
        part: u64,
        lasts: &BTreeMap<u64, &Record>,
        present: &Parts,
        contents: &[Content],
        damaged: &[(PathBuf, io::Error)],
    ) -> Result<Verdict, SealError> {
        let tags = self.tags_of(part);
        let is_newest = lasts.keys().last() == Some(&part);
        let free: Vec<&Content> = contents
            .iter()
            .filter(|content| !present.values().any(|path| *path == content.path))
            .collect();
        let mut best = None;
        for content in free {
            let difference =
                first_difference(&content.path, &tags).map_err(problem(&content.path))?;
            let agreed = difference.map_or(u64::MAX, |difference| difference.line);
            let is_log = content.path == self.log && is_newest;
            let rank = (agreed > 1, agreed, is_log);
            if best.as_ref().is_none_or(|(known, _, _)| rank > *known) {
                best = Some((rank, content, difference));
            }
        }
        let Some((_, content, difference)) =
            best.filter(|((agrees, _, is_log), _, _)| *agrees || *is_log || is_newest)
        else {
            let lines = lasts[&part].lines;
            let mut message = format!("part {part} of the log is missing, {lines} sealed lines");
            if let Some((path, error)) = damaged.first() {
                let name = path.file_name().unwrap_or(path.as_os_str());
                let name = name.to_string_lossy();
                message.push_str(&format!(
                    "; {name}, which may hold them, is damaged ({error})"
                ));
            }
            return Ok(Verdict::broken("missing", &self.log, message));
        };
        Ok(self.difference(part, &content.path, difference))
    }

    fn difference(&self, part: u64, path: &Path, difference: Option<Difference>) -> Verdict {
        let Some(difference) = difference else {
            return Verdict::broken(
                "altered",
                path,
                "the content differs from what was sealed".to_owned(),
            );
        };
        let (status, what) = match difference.change {
            Change::Altered => ("altered", "was altered"),
            Change::Removed => ("removed", "was removed"),
            Change::Inserted => ("inserted", "was inserted"),
            Change::Truncated => ("truncated", "and what followed it was cut off"),
        };
        let covering = self
            .blocks
            .iter()
            .position(|block| block.record.part == part && block.record.lines >= difference.line);
        let time_of = |at: Option<usize>| {
            at.and_then(|at| self.blocks.get(at))
                .map(|block| block.record.time.clone())
        };
        let between = (
            time_of(covering.and_then(|at| at.checked_sub(1))),
            time_of(covering),
        );
        let since = match &between {
            (Some(after), Some(before)) => format!("; it was written between {after} and {before}"),
            (None, Some(before)) => format!("; it was written before {before}"),
            _ => String::new(),
        };
        Verdict {
            line: Some(difference.line),
            offset: Some(difference.offset),
            checkpoint: covering.map(|at| self.blocks[at].record.checkpoint),
            between,
            ..Verdict::broken(
                status,
                path,
                format!(
                    "line {} (byte {}) {what}{since}",
                    difference.line, difference.offset
                ),
            )
        }
    }

    fn tags_of(&self, part: u64) -> Vec<Tag> {
        self.blocks
            .iter()
            .filter(|block| block.record.part == part)
            .flat_map(|block| block.record.tags.iter().copied())
            .collect()
    }

    pub(super) fn intact(&self, parts: &Parts) -> Result<Verdict, SealError> {
        let lasts = self.last_of_parts();
        let sealed_lines = parts
            .keys()
            .filter_map(|part| lasts.get(part))
            .map(|record| record.lines)
            .sum();
        let mut unsealed_lines = 0;
        let sources = self.sources(Some(parts))?;
        for (part, source) in &sources {
            let sealed = lasts.get(part).map_or(0, |record| record.bytes);
            unsealed_lines += lines_behind(source, sealed)?;
        }
        // A writer that was late, or somebody else, wrote behind what was closed.
        let mut late_lines = 0;
        for (part, path) in parts {
            if sources.iter().all(|(_, source)| source != path) {
                late_lines += lines_behind(path, lasts[part].bytes)?;
            }
        }
        let late = match late_lines {
            0 => String::new(),
            1 => ", 1 of them behind the end of a rotated file that was sealed".to_owned(),
            late => format!(", {late} of them behind the end of a rotated file that was sealed"),
        };
        let unsealed_lines = unsealed_lines + late_lines;
        let expired = match lasts.len() - parts.len() {
            0 => String::new(),
            1 => ", 1 older part has expired".to_owned(),
            expired => format!(", {expired} older parts have expired"),
        };
        Ok(Verdict {
            sealed_lines,
            unsealed_lines,
            ..Verdict::broken(
                "intact",
                &self.log,
                format!(
                    "intact: {sealed_lines} lines are sealed in {} checkpoints, {unsealed_lines} are not yet sealed{late}{expired}",
                    self.blocks.len()
                ),
            )
        })
    }
}
