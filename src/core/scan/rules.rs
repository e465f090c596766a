//! Rule files in the form of gitleaks: read, checked whole, and applied beside our own rules.

mod read;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::PathBuf;

use aho_corasick::AhoCorasick;
use regex::bytes::{Captures, Regex};

use super::made_up::shannon_bits;

/// Why rule files are of no use: every reason at once.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// The file is not there, or cannot be read.
    #[error("--rules {}: cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not TOML.
    #[error("--rules {}: line {line}: not valid TOML", .path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: usize,
    },
    /// Rules that cannot be followed.
    #[error("--rules {}: {}", .path.display(), .problems.join("; "))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The rule's id and the reason, for each.
        problems: Vec<String>,
    },
}

/// The rules of all files.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    /// All keywords of all rules, in any case.
    keywords: Option<AhoCorasick>,
    /// For each keyword the rules that wait for it.
    waiting: Vec<Vec<usize>>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Rule {
    id: String,
    regex: Option<Regex>,
    path: Option<Regex>,
    /// The group that holds the secret; the first that is not empty where none is named.
    group: Option<usize>,
    /// The least bits per character of the secret (Shannon).
    entropy: Option<f64>,
    has_keywords: bool,
    allowlists: Vec<Allowlist>,
}

/// What makes a find of its own file's rules no finding.
#[derive(Debug, Clone, Default)]
struct Allowlist {
    needs_all: bool,
    regexes: Vec<Regex>,
    target: Target,
    /// In small letters.
    stopwords: Vec<Vec<u8>>,
    paths: Vec<Regex>,
    /// Commits are named; nothing in a tree is in a commit.
    names_commits: bool,
    /// Only these rules; all where empty.
    rules: Vec<String>,
}

/// What an allowlist's patterns look at.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Target {
    #[default]
    Secret,
    Match,
    Line,
}

/// A find of one rule.
pub(super) struct RuleMatch {
    pub(super) range: Range<usize>,
    pub(super) rule: usize,
}

impl RuleSet {
    /// What a person should know about the files.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(super) fn id(&self, rule: usize) -> &str {
        &self.rules[rule].id
    }

    /// The finds in a text. Where the path is not known yet, it counts as fitting.
    pub(super) fn find_all(&self, text: &[u8], path: Option<&[u8]>) -> Vec<RuleMatch> {
        if self.rules.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        let is_awake = self.awake(text);
        for (number, rule) in self.rules.iter().enumerate() {
            let Some(regex) = rule.regex.as_ref().filter(|_| is_awake[number]) else {
                continue;
            };
            if !rule.fits_path(path) {
                continue;
            }
            for captures in regex.captures_iter(text) {
                if let Some(range) = rule.secret(&captures, text, path) {
                    found.push(RuleMatch {
                        range,
                        rule: number,
                    });
                }
            }
        }
        found
    }

    pub(super) fn has_rules_about_paths(&self) -> bool {
        self.rules.iter().any(|rule| rule.regex.is_none())
    }

    /// The rules that a file breaks by its path alone.
    pub(super) fn about_path(&self, path: &[u8]) -> impl Iterator<Item = usize> {
        let breaks = move |rule: &Rule| {
            rule.regex.is_none() && rule.fits_path(Some(path)) && !rule.allows_path(path)
        };
        let rules = self.rules.iter().enumerate();
        rules
            .filter(move |(_, rule)| breaks(rule))
            .map(|(number, _)| number)
    }

    /// Whether a find counts, now that its path is known.
    pub(super) fn accepts_path(&self, id: &str, path: &[u8]) -> bool {
        let mut rules = self.rules.iter().filter(|rule| rule.id == id).peekable();
        rules.peek().is_none()
            || rules.any(|rule| rule.fits_path(Some(path)) && !rule.allows_path(path))
    }

    /// For each rule whether one of its keywords stands in the text.
    fn awake(&self, text: &[u8]) -> Vec<bool> {
        let mut awake: Vec<bool> = self.rules.iter().map(|rule| !rule.has_keywords).collect();
        let keywords = self.keywords.iter();
        for hit in keywords.flat_map(|keywords| keywords.find_overlapping_iter(text)) {
            for rule in &self.waiting[hit.pattern().as_usize()] {
                awake[*rule] = true;
            }
        }
        awake
    }
}

impl Rule {
    fn fits_path(&self, path: Option<&[u8]>) -> bool {
        match (&self.path, path) {
            (Some(wanted), Some(path)) => wanted.is_match(path),
            _ => true,
        }
    }

    /// Where the secret of a match stands, unless something speaks against it.
    fn secret(
        &self,
        captures: &Captures<'_>,
        text: &[u8],
        path: Option<&[u8]>,
    ) -> Option<Range<usize>> {
        let whole = captures.get(0)?;
        let first = || {
            (1..captures.len())
                .filter_map(|group| captures.get(group))
                .find(|group| !group.is_empty())
        };
        let secret = match self.group {
            Some(group) => captures.get(group)?,
            None => first().unwrap_or(whole),
        };
        if secret.is_empty() {
            return None;
        }
        if self
            .entropy
            .is_some_and(|least| shannon_bits(secret.as_bytes()) < least)
        {
            return None;
        }
        let find = Find {
            secret: secret.as_bytes(),
            whole: whole.as_bytes(),
            line: line_around(text, whole.range()),
            path,
        };
        let is_allowed = self.allowlists.iter().any(|list| list.allows(&find));
        (!is_allowed).then(|| secret.range())
    }

    fn allows_path(&self, path: &[u8]) -> bool {
        let lists = self
            .allowlists
            .iter()
            .filter(|list| !list.needs_all || list.is_about_paths());
        lists
            .into_iter()
            .any(|list| list.paths.iter().any(|regex| regex.is_match(path)))
    }
}

struct Find<'f> {
    secret: &'f [u8],
    whole: &'f [u8],
    line: &'f [u8],
    path: Option<&'f [u8]>,
}

impl Allowlist {
    fn is_about_paths(&self) -> bool {
        self.regexes.is_empty() && self.stopwords.is_empty() && !self.names_commits
    }

    fn allows(&self, find: &Find<'_>) -> bool {
        let target = match self.target {
            Target::Secret => find.secret,
            Target::Match => find.whole,
            Target::Line => find.line,
        };
        let lower = find.secret.to_ascii_lowercase();
        let has_word = |word: &Vec<u8>| memchr::memmem::find(&lower, word).is_some();
        let signs = [
            (
                !self.regexes.is_empty(),
                self.regexes.iter().any(|regex| regex.is_match(target)),
            ),
            (
                !self.stopwords.is_empty(),
                self.stopwords.iter().any(has_word),
            ),
            (
                !self.paths.is_empty(),
                find.path
                    .is_some_and(|path| self.paths.iter().any(|regex| regex.is_match(path))),
            ),
            (self.names_commits, false),
        ];
        let mut asked = signs.iter().filter(|(is_asked, _)| *is_asked).peekable();
        match self.needs_all {
            true => asked.peek().is_some() && asked.all(|(_, holds)| *holds),
            false => asked.any(|(_, holds)| *holds),
        }
    }
}

fn line_around(text: &[u8], range: Range<usize>) -> &[u8] {
    let start = memchr::memrchr(b'\n', &text[..range.start]).map_or(0, |at| at + 1);
    let end = memchr::memchr(b'\n', &text[range.end..]).map_or(text.len(), |at| range.end + at);
    &text[start..end]
}
