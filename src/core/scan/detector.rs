//! Everything that can be found in a text: own values, typed keys, named keys, and a rule file's.

use std::ops::Range;

use jiff::civil::Date;

use super::allow;
use super::leak::{Allowance, Leak};
use super::made_up::{digest, is_made_up_key};
use super::named;
use super::own_values::{OwnValue, OwnValues};
use super::rules::{RuleMatch, RuleSet};
use crate::foreign_text::harmless;
use crate::key_shapes::{self, KeyShape, SeverityHint};
use crate::order;
use crate::placeholder::placeholder;
use crate::redact::REMOVED;
use crate::report::Severity;
use crate::strength;

/// A value with fewer bits can be guessed, so no digest of it may leave the program.
const BITS_OF_A_DIGEST: f64 = 80.0;
/// How far a line is looked at for a comment that allows the finding, in bytes to each side.
const REACH_OF_A_COMMENT: usize = 4 << 10;
/// Longer paths than this are no names that a person gave.
const LONGEST_PATH: usize = 64 << 10;

/// At most this many files' names are searched in one piece.
const NAMES_AT_ONCE: usize = 4096;

/// What to look for.
pub(super) struct Detector<'r> {
    own: OwnValues,
    rules: &'r RuleSet,
    today: Date,
}

/// One find in a text.
pub(super) struct Hit {
    /// The value's bytes.
    pub(super) range: Range<usize>,
    what: What,
}

enum What {
    Own(usize),
    Shape(&'static KeyShape),
    Rule(RuleMatch),
}

/// Where a text comes from.
#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    /// The path relative to the searched folder; none where it is not known yet.
    pub(super) path: Option<&'s [u8]>,
    /// Whether the text holds bytes that no text has: then names say nothing.
    pub(super) is_binary: bool,
}

impl<'r> Detector<'r> {
    pub(super) fn new(own: Vec<OwnValue>, rules: &'r RuleSet, today: Date) -> Self {
        Self {
            own: OwnValues::new(own),
            rules,
            today,
        }
    }

    /// Every find, in the order of the text. What is found twice is what the surer way says.
    pub(super) fn find(&self, text: &[u8], source: Source<'_>) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        for (range, value) in self.own.find_all(text) {
            hits.push(Hit {
                range,
                what: What::Own(value),
            });
        }
        let typed = key_shapes::find_all(text);
        let typed = typed.into_iter().filter(|(range, shape)| {
            let value = &text[range.clone()];
            shape.id == "private-key" || !is_made_up_key(value) && placeholder(value).is_none()
        });
        add(&mut hits, typed);
        if !source.is_binary {
            add(&mut hits, named::find_all(text).into_iter());
            for found in self.rules.find_all(text, source.path) {
                hits.push(Hit {
                    range: found.range.clone(),
                    what: What::Rule(found),
                });
            }
        }
        order::sort_by_key(&mut hits, |hit| hit.range.start);
        hits
    }

    /// What the report says about a hit; line and column are the caller's to fill in.
    pub(super) fn leak(&self, text: &[u8], hit: &Hit, path: Option<String>) -> Leak {
        let value = &text[hit.range.clone()];
        let (rule, severity, revoke_at, variable, name) = match &hit.what {
            What::Own(index) => {
                let name = &self.own.value(*index).name;
                let variable = Some(name.clone());
                let shape = key_shapes::recognise(value);
                let severity = shape.map_or(Severity::High, severity);
                let revoke_at = shape.and_then(|shape| shape.revoke_at);
                ("env-value", severity, revoke_at, variable, name.as_str())
            }
            What::Shape(shape) => (shape.id, severity(shape), shape.revoke_at, None, shape.id),
            What::Rule(found) => {
                let id = self.rules.id(found.rule);
                (id, Severity::High, None, None, id)
            }
        };
        let identity = match &hit.what {
            // An encoded form is the same secret as the plain one.
            What::Own(index) => identity(self.own.value(*index).value.expose(), name),
            What::Shape(_) | What::Rule(_) => identity(value, name),
        };
        Leak {
            rule: rule.to_owned(),
            severity,
            revoke_at,
            variable,
            path,
            line: None,
            column: None,
            identity,
            allowance: self.allowance(text, hit, rule),
            past: None,
        }
    }

    /// The finds in a file's own name, and the path as it may be shown.
    pub(super) fn path(&self, path: &[u8]) -> (String, Vec<Leak>) {
        let head = &path[..path.len().min(LONGEST_PATH)];
        let source = Source {
            path: None,
            is_binary: true,
        };
        let hits = self.find(head, source);
        let mut shown = Vec::with_capacity(path.len());
        let mut end = 0;
        for hit in hits.iter().filter(|hit| !hit.range.is_empty()) {
            if hit.range.start >= end {
                shown.extend_from_slice(&path[end..hit.range.start]);
                shown.extend_from_slice(REMOVED.as_bytes());
                end = hit.range.end;
            }
        }
        shown.extend_from_slice(&path[end..]);
        let shown = readable(&shown);
        let leaks = hits
            .iter()
            .map(|hit| self.leak(head, hit, Some(shown.clone())))
            .collect();
        (shown, leaks)
    }

    /// The finds in names, one a line.
    pub(super) fn names(&self, names: &[u8]) -> Vec<Leak> {
        let source = Source {
            path: None,
            is_binary: true,
        };
        let hits = self.find(names, source);
        hits.iter().map(|hit| self.leak(names, hit, None)).collect()
    }

    /// Whether no name holds a secret and no rule is about names: asked once for all of them.
    pub(super) fn names_are_clean(&self, files: &[std::path::PathBuf]) -> bool {
        use std::os::unix::ffi::OsStrExt as _;
        let source = Source {
            path: None,
            is_binary: true,
        };
        !self.rules.has_rules_about_paths()
            && files.chunks(NAMES_AT_ONCE).all(|files| {
                let names: Vec<&[u8]> = files
                    .iter()
                    .map(|file| file.as_os_str().as_bytes())
                    .collect();
                self.find(&names.join(&b'\n'), source).is_empty()
            })
    }

    /// Whether some rule is about a file's path alone.
    pub(super) fn has_rules_about_paths(&self) -> bool {
        self.rules.has_rules_about_paths()
    }

    /// The rule file's findings about a file as a whole, by its path alone.
    pub(super) fn path_rules(&self, path: &[u8], shown: &str) -> Vec<Leak> {
        self.rules
            .about_path(path)
            .map(|rule| Leak {
                rule: self.rules.id(rule).to_owned(),
                severity: Severity::High,
                revoke_at: None,
                variable: None,
                path: Some(shown.to_owned()),
                line: None,
                column: None,
                identity: self.rules.id(rule).to_owned(),
                allowance: Allowance::None,
                past: None,
            })
            .collect()
    }

    /// Whether a find of a rule file still counts now that its path is known.
    pub(super) fn accepts_path(&self, leak: &Leak, path: &[u8]) -> bool {
        self.rules.accepts_path(&leak.rule, path)
    }

    fn allowance(&self, text: &[u8], hit: &Hit, rule: &str) -> Allowance {
        let Range { start, end } = hit.range;
        let least = start.saturating_sub(REACH_OF_A_COMMENT);
        let most = (end + REACH_OF_A_COMMENT).min(text.len());
        let from = memchr::memrchr(b'\n', &text[least..start]).map_or(least, |at| least + at + 1);
        let to = memchr::memchr(b'\n', &text[end..most]).map_or(most, |at| end + at);
        allow::on_line(&text[from..to], rule, self.today)
    }
}

/// Adds keys that none of the surer hits covers; the hits lie in the order of the text and apart.
fn add(hits: &mut Vec<Hit>, found: impl Iterator<Item = (Range<usize>, &'static KeyShape)>) {
    let surer = hits.len();
    for (range, shape) in found {
        let later = hits[..surer].partition_point(|hit| hit.range.end <= range.start);
        let is_covered = hits[later..surer]
            .first()
            .is_some_and(|hit| hit.range.start < range.end);
        if !is_covered {
            hits.push(Hit {
                range,
                what: What::Shape(shape),
            });
        }
    }
    order::sort_by_key(hits, |hit| hit.range.start);
}

fn severity(shape: &KeyShape) -> Severity {
    match shape.severity {
        SeverityHint::Low => Severity::Low,
        SeverityHint::Medium => Severity::Medium,
        SeverityHint::High => Severity::High,
        SeverityHint::Critical => Severity::Critical,
    }
}

/// A digest of what nobody can guess; of a weaker value the name, or a report would let people
/// test guesses.
fn identity(value: &[u8], name: &str) -> String {
    let is_pem = value.starts_with(b"-----BEGIN ");
    if is_pem || strength::estimate(value).bits >= BITS_OF_A_DIGEST {
        digest(value)
    } else {
        name.to_owned()
    }
}

/// A path as text: bytes that are no UTF-8 and characters that fool a reader are escaped.
pub(super) fn readable(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        text.push_str(&harmless(chunk.valid()));
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}
