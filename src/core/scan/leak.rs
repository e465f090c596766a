//! One place where a secret stands, without the secret.

use jiff::civil::Date;

use crate::report::Severity;

/// A secret in a file, in a file's name or in the history. Holds nothing of the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// The rule that found it: `env-value`, a key shape's id, or a rule file's.
    pub rule: String,
    /// How bad it is when a stranger holds the value.
    pub severity: Severity,
    /// Where such a key is taken back, without `https://`.
    pub revoke_at: Option<&'static str>,
    /// The variable of the env file that holds this value.
    pub variable: Option<String>,
    /// The file, relative to the searched folder, made harmless; none for the text of a commit.
    pub path: Option<String>,
    /// 1-based line; none where the name or the whole file is meant.
    pub line: Option<u64>,
    /// 1-based column of the value's first character, in characters.
    pub column: Option<u64>,
    /// Which secret it is: a digest of a value that nobody can guess, else a name.
    pub identity: String,
    /// What a comment on the same line says about it.
    pub allowance: Allowance,
    /// What the history tells; none for the tree.
    pub past: Option<Past>,
}

impl Leak {
    /// What the finding's fingerprint is made of: neither lines nor anything that can be guessed.
    pub fn subject(&self) -> String {
        let path = self.path.as_deref().unwrap_or_default();
        format!("{}\0{path}\0{}", self.rule, self.identity)
    }
}

/// What `openclaw-sec:allow RULE until DATE because …` on the line of a finding does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowance {
    /// There is none.
    None,
    /// It accepts the finding for a while.
    Until(Date, String),
    /// It does nothing: why.
    Useless(String),
}

/// When a secret came into the history, and how much of it is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Past {
    /// The first commit that holds it, in full.
    pub commit: Option<String>,
    /// When that was written, RFC 3339.
    pub author_date: Option<String>,
    /// What carries it, where that is a name and no text: `a file` or `a branch or tag`.
    pub name_of: Option<&'static str>,
    /// How many versions of the file hold it.
    pub versions: usize,
    /// Whether the newest commit still does.
    pub in_head: bool,
    /// Of an env file: the names of its secrets.
    pub variables: Vec<String>,
    /// Of an env file: those whose value is still the current one.
    pub current: Vec<String>,
}
