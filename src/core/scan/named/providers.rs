//! The names of providers around a value.

use std::cell::OnceCell;
use std::ops::Range;

use super::REACH;
use crate::scan::named_rules::{COMMAND, NAMED_RULES, OURS};

/// Where one place names providers; it is read when the first value asks, once for all of them.
pub(super) struct Providers<'t> {
    line: &'t [u8],
    found: OnceCell<Vec<(&'static str, Vec<usize>)>>,
}

impl<'t> Providers<'t> {
    pub(super) fn on(line: &'t [u8]) -> Self {
        Self {
            line,
            found: OnceCell::new(),
        }
    }

    pub(super) fn line(&self) -> &'t [u8] {
        self.line
    }

    /// Whether the provider's name stands on the line within reach.
    pub(super) fn is_near(&self, provider: &str, value: &Range<usize>) -> bool {
        let all = self.found.get_or_init(|| all_on(self.line));
        let places = all.iter().find(|(name, _)| *name == provider);
        places.is_some_and(|(_, places)| {
            let first = places.partition_point(|at| at + REACH < value.start);
            places
                .get(first)
                .is_some_and(|at| at + provider.len() <= value.end + REACH)
        })
    }
}

fn all_on(line: &[u8]) -> Vec<(&'static str, Vec<usize>)> {
    #[cfg(test)]
    super::tests::count_work(line.len());
    let lower = line.to_ascii_lowercase();
    let providers = NAMED_RULES.iter().flat_map(|rule| rule.provider);
    providers
        .chain(&[OURS, COMMAND])
        .map(|provider| {
            let places = memchr::memmem::find_iter(&lower, provider.as_bytes());
            let places =
                places.filter(|at| *provider == COMMAND || is_word(line, *at, provider.len()));
            (*provider, places.collect())
        })
        .collect()
}

/// Whether no letter stands right before the word, and behind a short one no small letter.
fn is_word(line: &[u8], at: usize, length: usize) -> bool {
    let follows_a_letter = at > 0
        && line[at - 1].is_ascii_alphabetic()
        && !(line[at].is_ascii_uppercase() && line[at - 1].is_ascii_lowercase());
    let precedes_a_letter =
        length <= 4 && line.get(at + length).is_some_and(u8::is_ascii_lowercase);
    !follows_a_letter && !precedes_a_letter
}
