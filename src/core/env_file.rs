//! An env file without loss: every byte kept, read as Node `dotenv` 17 reads it, changed one value at a time.

mod node;
mod read;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use read::{EnvFileError, LARGEST_BYTES, Origin};

use crate::secret::Secret;

/// A range of byte offsets into the file.
pub type Span = Range<usize>;

/// The bytes of an env file and the assignments in them.
#[derive(Debug, Clone)]
pub struct EnvFile {
    bytes: Secret,
    assignments: Vec<Assignment>,
    origin: Option<Origin>,
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
        let bytes = Secret::new(bytes);
        let assignments = node::assignments(bytes.expose());
        Self {
            bytes,
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
        self.assignments
            .iter()
            .rev()
            .find(|assignment| assignment.name == name)
    }

    /// Where the file was read from, if it has a path.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }
}
