//! An env file without loss: every byte kept, read as Node `dotenv` 17 reads it, changed one value at a time.

mod backup;
mod edit;
mod index;
mod loaders;
mod node;
mod read;
mod save;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

pub use backup::{backed_up_variable, backup_path, is_backup_of};
pub use edit::{Ambiguity, EditError};
pub use loaders::{Difference, Disagreement, Loader};
pub use read::{EnvFileError, LARGEST_BYTES, Origin};
pub use save::{Lock, SaveError, Saved};

use crate::secret::Secret;
use index::Index;

/// A range of byte offsets into the file.
pub type Span = Range<usize>;

/// The bytes of an env file and the assignments in them.
#[derive(Debug, Clone)]
pub struct EnvFile {
    bytes: Arc<Secret>,
    assignments: Vec<Assignment>,
    index: Index,
    origin: Option<Origin>,
    /// What lay on the disk when it was read; an edited copy still knows it.
    on_disk: Arc<Secret>,
}

/// One assignment, as Node `dotenv` 17 reads it. A name that is set twice has two.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The variable; `A` and `a` are two.
    pub name: String,
    /// What Node hands to the program.
    pub value: Secret,
    /// The line of the name, from 1, counted in the raw file.
    pub line: usize,
    /// The column of the name, from 1, in characters.
    pub column: usize,
    /// The quote that the value begins with.
    pub quote: Option<Quote>,
    /// Whether the quote, if there is one, is closed with nothing but a comment behind it.
    pub is_closed: bool,
    /// Whether `export` stands before the name.
    pub has_export: bool,
    /// What stands between name and value.
    pub separator: Separator,
    /// Where the name stands.
    pub name_span: Span,
    /// Where the value stands, without its quotes.
    pub value_span: Span,
    /// Where the comment on the line of the value's end stands, `#` included.
    pub comment_span: Option<Span>,
    /// The end of the separator: blanks and quote of the value follow.
    separator_end: usize,
    /// The line begins at U+2028 or U+2029, which end a line for Node alone.
    follows_unicode_break: bool,
}

impl Assignment {
    /// Where the value stands, with the quotes that belong to it.
    pub fn written_span(&self) -> Span {
        let quotes = usize::from(self.is_closed && self.quote.is_some());
        self.value_span.start - quotes..self.value_span.end + quotes
    }
}

/// The quotes that Node knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// `'`
    Single,
    /// `"`: `\n` and `\r` inside become line breaks.
    Double,
    /// `` ` ``: a quote for Node alone.
    Backtick,
}

impl Quote {
    /// The character itself.
    pub fn byte(self) -> u8 {
        match self {
            Self::Single => b'\'',
            Self::Double => b'"',
            Self::Backtick => b'`',
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Single, Self::Double, Self::Backtick]
            .into_iter()
            .find(|quote| quote.byte() == byte)
    }
}

/// What stands between a name and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// `NAME=value`
    Equals,
    /// `NAME: value`, which few loaders understand.
    Colon,
}

impl EnvFile {
    /// Reads the bytes of an env file. Nothing can be wrong with them: what is no assignment is
    /// kept and passed over, whatever its encoding. Takes linear time.
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = Arc::new(Secret::new(bytes));
        let assignments = node::assignments(bytes.expose());
        Self {
            on_disk: Arc::clone(&bytes),
            bytes,
            index: Index::of(&assignments),
            assignments,
            origin: None,
        }
    }

    /// The whole file, byte for byte.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.expose()
    }

    /// All assignments in the order of the file.
    pub fn assignments(&self) -> &[Assignment] {
        &self.assignments
    }

    /// The assignment that counts: with several of one name, the last wins.
    pub fn get(&self, name: &str) -> Option<&Assignment> {
        Some(&self.assignments[self.index.last(&self.assignments, name)?])
    }

    /// Whether it is this assignment of [`EnvFile::assignments`] that counts among those of its name.
    pub fn counts(&self, place: usize) -> bool {
        let name = &self.assignments[place].name;
        self.index.last(&self.assignments, name) == Some(place)
    }

    /// All assignments of one name, in the order of the file; the last one counts.
    pub fn definitions<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Assignment> {
        self.assignments
            .iter()
            .filter(move |assignment| assignment.name == name)
    }

    /// The value as it is written, with its quotes and escapes: what [`EnvFile::put_back`] takes.
    pub fn written(&self, assignment: &Assignment) -> Secret {
        Secret::new(&self.bytes()[assignment.written_span()])
    }

    /// Where the file was read from, if it has a path.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }
}
