//! The list of deployments that one run asks: `[[target]]` tables with name, env, url and profile.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use url::Url;

use crate::profiles;
use crate::redact::Redactor;
use crate::settings::{nearest, position};
use crate::small_file;

/// A list larger than this, in bytes, is refused.
const LARGEST_FILE: u64 = 16 << 20;
/// The keys of a `[[target]]`.
const KEYS: [&str; 4] = ["name", "env", "url", "profile"];

/// What can be wrong with a list. Positions only: a line may hold a secret.
#[derive(Debug, thiserror::Error)]
pub enum TargetsError {
    /// It cannot be read.
    #[error("cannot read the list of targets {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not TOML.
    #[error(
        "{path}:{line}:{column}: not valid TOML; check quotes, brackets and keys that stand twice"
    )]
    Syntax {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: usize,
        /// 1-based column, in characters.
        column: usize,
    },
    /// A key nobody reads.
    #[error("{path}:{line}: unknown key `{key}`{hint}; a target has name, env, url and profile")]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: usize,
        /// The key.
        key: String,
        /// The nearest valid key.
        hint: String,
    },
    /// A value of the wrong form.
    #[error("{path}:{line}: {message}")]
    Value {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: usize,
        /// What is wrong and what to write instead.
        message: String,
    },
    /// It lists nobody.
    #[error("{path} lists no deployment: write a [[target]] with name, env and url for each")]
    Nobody {
        /// The file.
        path: PathBuf,
    },
}

/// One deployment of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTarget {
    /// Its name, unique in the list: the one that is given, else the env file, else the URL.
    pub name: String,
    /// Its env file, relative to the working directory.
    pub env: Option<PathBuf>,
    /// Its endpoint, as it was written.
    pub url: Option<String>,
    /// The line of the list in which that stands.
    pub url_line: Option<usize>,
    /// Its profile's id, one of [`profiles::PROFILES`].
    pub profile: Option<String>,
}

/// Reads a list.
///
/// # Errors
/// When it cannot be read, holds what no target has, lists nobody or two under one name.
pub fn read(path: &Path) -> Result<Vec<ListedTarget>, TargetsError> {
    let text =
        small_file::read_text(path, LARGEST_FILE).map_err(|source| TargetsError::Unreadable {
            path: path.to_path_buf(),
            source,
        })?;
    List { path, text: &text }.targets()
}

/// A list on its way to targets.
struct List<'l> {
    path: &'l Path,
    text: &'l str,
}

impl List<'_> {
    fn targets(&self) -> Result<Vec<ListedTarget>, TargetsError> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let (line, column) = position(self.text, error.span().map_or(0, |span| span.start));
            TargetsError::Syntax {
                path: self.path.to_path_buf(),
                line,
                column,
            }
        })?;
        let mut targets = Vec::new();
        for (key, value) in table.get_ref() {
            let at = key.span().start;
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("target", DeValue::Array(entries)) => {
                    for entry in entries {
                        let at = entry.span().start;
                        let DeValue::Table(entry) = entry.get_ref() else {
                            return Err(self.value(at, "a target is a table: write [[target]]"));
                        };
                        targets.push((at, self.target(at, entry)?));
                    }
                }
                ("target", _) => return Err(self.value(at, "write [[target]], with two brackets")),
                (other, _) => return Err(self.unknown(at, other, &["target"])),
            }
        }
        if targets.is_empty() {
            let path = self.path.to_path_buf();
            return Err(TargetsError::Nobody { path });
        }
        self.refuse_twins(&targets)?;
        Ok(targets.into_iter().map(|(_, target)| target).collect())
    }

    fn target(&self, at: usize, table: &DeTable<'_>) -> Result<ListedTarget, TargetsError> {
        let mut texts: HashMap<&str, (usize, String)> = HashMap::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if !KEYS.contains(&name) {
                return Err(self.unknown(key.span().start, name, &KEYS));
            }
            let at = value.span().start;
            match value.get_ref() {
                DeValue::String(text) if !text.trim().is_empty() => {
                    texts.insert(name, (at, text.trim().to_owned()));
                }
                _ => {
                    let message =
                        format!("a target's `{name}` takes a text, which may not be blank");
                    return Err(self.value(at, &message));
                }
            }
        }
        let mut take = |key| texts.remove(key);
        let (env, url) = (take("env"), take("url"));
        let url_line = url.as_ref().map(|(at, _)| position(self.text, *at).0);
        let url = url.map(|(_, url)| url);
        if let Some((at, _)) = env.as_ref().filter(|(_, env)| env == "-") {
            let message = "a target's `env` is a file: stdin is there once, for --env -";
            return Err(self.value(*at, message));
        }
        let env = env.map(|(_, env)| env);
        let profile = take("profile")
            .map(|(at, id)| self.profile(at, id))
            .transpose()?;
        let name = take("name").map(|(_, name)| name).or_else(|| env.clone());
        let Some(name) = name.or_else(|| url.as_deref().map(name_of_url)) else {
            return Err(self.value(at, "a target needs a `name`, an `env` or a `url`"));
        };
        Ok(ListedTarget {
            // A key that was pasted here must not stand in the report.
            name: Redactor::default().clean(&name).into_owned(),
            env: env.map(PathBuf::from),
            url,
            url_line,
            profile,
        })
    }

    fn profile(&self, at: usize, id: String) -> Result<String, TargetsError> {
        match profiles::named(&id) {
            Ok(_) => Ok(id),
            Err(unknown) => Err(self.value(at, &format!("profile {id}: {unknown}"))),
        }
    }

    fn refuse_twins(&self, targets: &[(usize, ListedTarget)]) -> Result<(), TargetsError> {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for (at, target) in targets {
            if let Some(before) = seen.insert(&target.name, *at) {
                let message = format!(
                    "the target in line {} is called {} as well: give each a `name` of its own",
                    position(self.text, before).0,
                    target.name
                );
                return Err(self.value(*at, &message));
            }
        }
        Ok(())
    }

    fn value(&self, at: usize, message: &str) -> TargetsError {
        TargetsError::Value {
            path: self.path.to_path_buf(),
            line: position(self.text, at).0,
            message: message.to_owned(),
        }
    }

    fn unknown(&self, at: usize, key: &str, known: &[&str]) -> TargetsError {
        let hint = match nearest(key, known.iter().copied()) {
            Some(nearest) => format!("; did you mean `{nearest}`?"),
            None => String::new(),
        };
        TargetsError::UnknownKey {
            path: self.path.to_path_buf(),
            line: position(self.text, at).0,
            key: key.to_owned(),
            hint,
        }
    }
}

/// The URL without what may be secret in it.
fn name_of_url(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) => {
            // What has no host has no user either.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.set_query(None);
            url.set_fragment(None);
            url.as_str().trim_end_matches('/').to_owned()
        }
        Err(_) => "a target without name and with a broken url".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<Vec<ListedTarget>, String> {
        let path = Path::new("fleet.toml");
        List { path, text }
            .targets()
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_target_has_the_name_it_is_given_else_its_env_file_else_its_url() {
        let text = "[[target]]\nname = 'a'\nenv = 'x.env'\nurl = 'https://a.example'\nprofile = 'tailscale'\n\
            [[target]]\nenv = 'y.env'\n\
            [[target]]\nurl = 'https://mia:pw@b.example/?token=1'\n";
        let targets = list(text).expect("the list is right");
        let names: Vec<&str> = targets.iter().map(|target| &*target.name).collect();
        assert_eq!(names, ["a", "y.env", "https://b.example"]);
        assert_eq!(targets[0].profile.as_deref(), Some("tailscale"));
    }

    #[test]
    fn what_is_wrong_with_a_list_is_said_with_its_place() {
        let cases = [
            ("", "lists no deployment"),
            ("target = []", "lists no deployment"),
            (
                "[[target]]\nnmae = 'a'",
                ":2: unknown key `nmae`; did you mean `name`?",
            ),
            (
                "[[targets]]\nname = 'a'",
                ":1: unknown key `targets`; did you mean `target`?",
            ),
            ("[target]\nname = 'a'", "two brackets"),
            ("target = ['a']", "write [[target]]"),
            ("[[target]]\nname = 3", ":2: a target's `name` takes a text"),
            ("[[target]]\nname = ' '", "may not be blank"),
            ("[[target]]\nprofile = 'vps'", ":1: a target needs a `name`"),
            (
                "[[target]]\nname = 'a'\nprofile = 'tailscal'",
                ":3: profile tailscal: no such profile (did you mean tailscale?)",
            ),
            ("[[target]]\nenv = '-'", ":2: a target's `env` is a file"),
            (
                "[[target]]\nname = 'a'\n[[target]]\nname = 'a'",
                ":3: the target in line 1 is called a as well",
            ),
            ("[[target]\n", "not valid TOML"),
        ];
        for (text, expected) in cases {
            let error = list(text).expect_err(text);
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_list_is_too_strange_to_be_answered(text in "(\\[\\[target\\]\\]\n|(name|env|url|profile) = '?[\\PC]{0,8}'?\n|\\PC){0,8}") {
            if let Ok(targets) = list(&text) {
                proptest::prop_assert!(!targets.is_empty());
            }
        }
    }
}
