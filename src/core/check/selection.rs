//! Which checks a run is about: `--only` and `--skip`, by id, item or kind.

use super::{Check, ITEMS, checks};
use crate::report::Kind;
use crate::settings::nearest;

/// A word that names no check.
#[derive(Debug, thiserror::Error)]
#[error("{flag} {word}: no check, item or kind is called so{}; `openclaw-sec check --list` shows them all", hint(.nearest))]
pub struct SelectionError {
    flag: &'static str,
    word: String,
    nearest: Option<String>,
}

fn hint(nearest: &Option<String>) -> String {
    match nearest {
        Some(nearest) => format!(" (did you mean {nearest}?)"),
        None => String::new(),
    }
}

/// The checks of a run.
#[derive(Debug, Clone)]
pub struct Selection {
    only: Vec<String>,
    skip: Vec<String>,
}

impl Selection {
    /// Takes the words of `--only` and `--skip`.
    ///
    /// # Errors
    /// When a word names nothing.
    pub fn new(only: Vec<String>, skip: Vec<String>) -> Result<Self, SelectionError> {
        for (flag, words) in [("--only", &only), ("--skip", &skip)] {
            if let Some(word) = words.iter().find(|word| !is_known(word)) {
                return Err(SelectionError {
                    flag,
                    word: word.clone(),
                    nearest: nearest(word, names()).map(str::to_owned),
                });
            }
        }
        Ok(Self { only, skip })
    }

    /// Whether no check at all is asked.
    pub fn is_empty(&self) -> bool {
        !checks().any(|check| self.holds(check))
    }

    /// Whether a check is asked.
    pub fn holds(&self, check: &Check) -> bool {
        kinds(check).any(|kind| self.holds_as(check, kind))
    }

    /// Whether a check is asked in this way.
    pub fn holds_as(&self, check: &Check, kind: Kind) -> bool {
        let named = |word: &String| word == check.id || word == check.item() || word == kind.word();
        kinds(check).any(|own| own == kind)
            && (self.only.is_empty() || self.only.iter().any(named))
            && !self.skip.iter().any(named)
    }

    /// Whether any check is asked in this way.
    pub fn holds_kind(&self, kind: Kind) -> bool {
        checks().any(|check| self.holds_as(check, kind))
    }
}

fn kinds(check: &Check) -> impl Iterator<Item = Kind> {
    std::iter::once(check.kind).chain(check.second_kind)
}

fn names() -> impl Iterator<Item = &'static str> {
    let ids = checks().map(|check| check.id);
    let items = ITEMS.iter().map(|item| item.id);
    ids.chain(items).chain(Kind::ALL.map(Kind::word))
}

fn is_known(word: &str) -> bool {
    names().any(|name| name == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(only: &[&str], skip: &[&str]) -> Vec<&'static str> {
        let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        let selection = Selection::new(owned(only), owned(skip)).unwrap();
        checks()
            .filter(|check| selection.holds(check))
            .map(|check| check.id)
            .collect()
    }

    #[test]
    fn ids_items_and_kinds_select() {
        assert_eq!(chosen(&["logs.level"], &[]), ["logs.level"]);
        assert!(
            chosen(&["auth"], &["live"])
                .iter()
                .all(|id| id.starts_with("auth.web-api-key"))
        );
        assert_eq!(chosen(&[], &[]).len(), checks().count());
    }

    #[test]
    fn a_check_of_two_kinds_is_chosen_by_either_and_asked_in_the_chosen_way() {
        let id = "network.private-chat-public";
        let selection = |only: &[&str], skip: &[&str]| {
            let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
            Selection::new(owned(only), owned(skip)).unwrap()
        };
        for kind in ["live", "host"] {
            assert!(chosen(&[kind], &[]).contains(&id), "{kind}");
            assert!(chosen(&["network"], &[kind]).contains(&id), "{kind}");
        }
        assert!(!chosen(&["network"], &["live", "host"]).contains(&id));
        assert!(!selection(&["host"], &[]).holds_kind(Kind::Live));
        assert!(!selection(&[id], &["host"]).holds_as(super::super::find(id).unwrap(), Kind::Host));
    }

    #[test]
    fn a_wrong_word_is_told_with_the_nearest_one() {
        let error = Selection::new(vec!["rate-limits".into()], Vec::new()).unwrap_err();
        assert!(
            error.to_string().contains("did you mean rate-limit?"),
            "{error}"
        );
    }
}
