//! Changes one value and keeps every other byte, or refuses with the reason.

use memchr::memrchr;
use zeroize::Zeroizing;

use super::{Assignment, EnvFile, Quote, Separator, Span};
use crate::secret::Secret;

/// Why a value is not changed. Nothing has been written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// A new variable needs a name that every loader accepts.
    #[error("{0:?} is no name of a variable: use letters, digits and _, and begin with no digit")]
    InvalidName(String),
    /// Loaders disagree on what the line says.
    #[error(
        "line {line}: {reason}; loaders read this differently, so correct the line by hand first"
    )]
    Ambiguous {
        /// The line, from 1, that they disagree on; not always the variable's own.
        line: usize,
        /// What they disagree on.
        reason: Ambiguity,
    },
    /// No quotes make every loader read this value.
    #[error(
        "the new value has {what}, which {loader} would misread however it is quoted; use another value"
    )]
    Unquotable {
        /// The troublesome part, described and not quoted.
        what: &'static str,
        /// A loader that would misread it.
        loader: &'static str,
    },
    /// The new text would change what another line means.
    #[error(
        "changing {0} would change another variable too; correct the lines around it by hand first"
    )]
    SideEffect(String),
    /// [`EnvFile::put_back`] found no such variable.
    #[error("{0} is not set any more; add it by hand")]
    Missing(String),
}

/// What loaders disagree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguity {
    /// `K="abc`
    #[error("a quote is opened and not closed")]
    UnclosedQuote,
    /// `K='it\'s'`, `K="abc\"`
    #[error("a backslash stands before a quote")]
    EscapedQuote,
    /// `K=abc\` at the end of a line.
    #[error("the line ends in a backslash")]
    Continued,
    /// `K: v`
    #[error("a colon stands where = is usual")]
    Colon,
    /// `K=abc#def`
    #[error("a # follows the value without a blank")]
    HashWithoutBlank,
    /// Name, `=` and value are not on one line.
    #[error("name and value stand on different lines")]
    SeveralLines,
    /// `K=abc; export B=1`, `` K=`cat x` ``
    #[error("more than a value stands behind the =, as a shell reads it")]
    Commands,
    /// White space other than blanks and tabs around name or value.
    #[error("an invisible character other than a blank stands beside name or value")]
    InvisibleCharacter,
}

impl EnvFile {
    /// A copy in which `name` has `value` and every other byte is as before: into the quotes that
    /// stand there, raw, or in quotes where the value needs them. With several definitions the
    /// last is changed; a missing one is appended as a line of its own.
    ///
    /// # Errors
    /// [`EditError`] where loaders would not agree on the result, or another variable would change.
    pub fn set(&self, name: &str, value: &Secret) -> Result<Self, EditError> {
        let edited = match self.get(name) {
            Some(found) if found.value == *value => return Ok(self.clone()),
            Some(found) => {
                self.refuse_ambiguous(found)?;
                let outer = found.written_span();
                let text = written(value.expose(), found.quote)?;
                self.with(insertion(self.bytes(), found, outer), &text)
            }
            None => self.appended(name, value.expose())?,
        };
        self.verified(edited, name, Some(value))
    }

    /// A copy in which `name` is written as it once was ([`EnvFile::written`]): the way back from
    /// [`EnvFile::set`], whatever the old value looked like.
    ///
    /// # Errors
    /// [`EditError`] if the variable is gone, its line is ambiguous by now, or another would change.
    pub fn put_back(&self, name: &str, written: &Secret) -> Result<Self, EditError> {
        let found = self
            .get(name)
            .ok_or_else(|| EditError::Missing(name.to_owned()))?;
        let edited = self.with(found.written_span(), written.expose());
        self.verified(edited, name, None)
    }

    fn with(&self, span: Span, text: &[u8]) -> Self {
        let old = self.bytes();
        let mut new = Zeroizing::new(Vec::with_capacity(old.len() + text.len()));
        new.extend_from_slice(&old[..span.start]);
        new.extend_from_slice(text);
        new.extend_from_slice(&old[span.end..]);
        let mut edited = Self::parse(std::mem::take(&mut *new));
        edited.origin.clone_from(&self.origin);
        edited.on_disk = std::sync::Arc::clone(&self.on_disk);
        edited
    }

    fn appended(&self, name: &str, value: &[u8]) -> Result<Self, EditError> {
        if !is_portable_name(name) {
            return Err(EditError::InvalidName(name.to_owned()));
        }
        self.refuse_open_quote(None)?;
        let bytes = self.bytes();
        if last_line(bytes).ends_with(b"\\") {
            let line = bytes.iter().filter(|byte| **byte == b'\n').count().max(1);
            return Err(EditError::Ambiguous {
                line,
                reason: Ambiguity::Continued,
            });
        }
        let line_end = line_ending(bytes);
        let is_on_new_line = bytes.is_empty() || bytes.ends_with(b"\n") || bytes.ends_with(b"\r");
        let text = written(value, None)?;
        let (before, after) = if is_on_new_line {
            (&b""[..], line_end)
        } else {
            (line_end, &b""[..])
        };
        let line = Zeroizing::new([before, name.as_bytes(), b"=", &text, after].concat());
        Ok(self.with(bytes.len()..bytes.len(), &line))
    }

    /// Lets a copy out only if `name` changed and nothing else did.
    fn verified(
        &self,
        edited: Self,
        name: &str,
        value: Option<&Secret>,
    ) -> Result<Self, EditError> {
        let place = self.index.last(&self.assignments, name);
        let place = place.unwrap_or(self.assignments.len());
        let is_right = |(index, new): (usize, &Assignment)| match self.assignments.get(index) {
            _ if index == place => {
                new.name == name && value.is_none_or(|value| new.value == *value)
            }
            Some(old) => old.name == new.name && old.value == new.value,
            None => false,
        };
        let count = self.assignments.len().max(place + 1);
        let is_verified = edited.assignments.len() == count
            && edited.assignments.iter().enumerate().all(is_right);
        is_verified
            .then_some(edited)
            .ok_or_else(|| EditError::SideEffect(name.to_owned()))
    }

    fn refuse_ambiguous(&self, found: &Assignment) -> Result<(), EditError> {
        self.refuse_open_quote(Some(found))?;
        match ambiguity(self.bytes(), found) {
            Some(reason) => Err(EditError::Ambiguous {
                line: found.line,
                reason,
            }),
            None => Ok(()),
        }
    }

    /// Behind a quote that some loader still waits to be closed, no line is sure to be a line.
    fn refuse_open_quote(&self, until: Option<&Assignment>) -> Result<(), EditError> {
        let end = until.map_or(usize::MAX, |until| until.name_span.start);
        let mut before = self
            .assignments
            .iter()
            .take_while(|one| one.name_span.start < end);
        match before.find(|one| !one.is_closed) {
            Some(open) => Err(EditError::Ambiguous {
                line: open.line,
                reason: Ambiguity::UnclosedQuote,
            }),
            None => Ok(()),
        }
    }
}

/// What loaders may disagree on in this line, if it were edited.
fn ambiguity(bytes: &[u8], found: &Assignment) -> Option<Ambiguity> {
    let written = found.written_span();
    let value = &bytes[found.value_span.clone()];
    let is_quoted = found.quote.is_some();
    let line_start = memrchr(b'\n', &bytes[..found.name_span.start]).map_or(0, |at| at + 1);
    let indent = &bytes[line_start..found.name_span.start];
    let indent = indent
        .strip_prefix(b"\xEF\xBB\xBF")
        .filter(|_| line_start == 0)
        .unwrap_or(indent);
    let before = &bytes[found.name_span.end..written.start];
    let rest = &bytes[written.end..];
    let after = match &found.comment_span {
        Some(comment) => &bytes[written.end..comment.start],
        None => &rest[..memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())],
    };
    let is_invisible = |byte: &u8| !byte.is_ascii_graphic() && !b" \t".contains(byte);
    let touches_comment = found
        .comment_span
        .as_ref()
        .is_some_and(|comment| comment.start == written.end);
    let escaped_quote = match found.quote {
        Some(Quote::Double) => value.ends_with(b"\\"),
        Some(quote) => {
            value.ends_with(b"\\") || value.windows(2).any(|two| two == [b'\\', quote.byte()])
        }
        None => false,
    };
    [
        (!found.is_closed, Ambiguity::UnclosedQuote),
        (escaped_quote, Ambiguity::EscapedQuote),
        (!is_quoted && value.ends_with(b"\\"), Ambiguity::Continued),
        (found.separator == Separator::Colon, Ambiguity::Colon),
        (!is_quoted && touches_comment, Ambiguity::HashWithoutBlank),
        (holds_commands(value, found.quote), Ambiguity::Commands),
        (
            before.iter().any(|byte| b"\r\n".contains(byte)),
            Ambiguity::SeveralLines,
        ),
        (found.follows_unicode_break, Ambiguity::InvisibleCharacter),
        (
            [indent, before, after].concat().iter().any(is_invisible),
            Ambiguity::InvisibleCharacter,
        ),
    ]
    .into_iter()
    .find_map(|(applies, reason)| applies.then_some(reason))
}

/// Whether a shell would do more with the text behind the `=` than take it as a value: to replace it as
/// a whole would lose that, and what stands there is no key.
fn holds_commands(value: &[u8], quote: Option<Quote>) -> bool {
    match quote {
        Some(Quote::Backtick) => return value.iter().any(u8::is_ascii_whitespace),
        Some(_) => return false,
        None => {}
    }
    let begins_assignment = |text: &[u8]| {
        let text = text.trim_ascii_start();
        let name = text.iter().take_while(|byte| is_name_byte(byte)).count();
        text.starts_with(b"export ") || (name > 0 && text.get(name) == Some(&b'='))
    };
    let is_end = |(at, byte): (usize, &u8)| {
        let behind = &value[at + 1..];
        match byte {
            b' ' | b'\t' => begins_assignment(behind),
            b';' | b'&' | b'|' => {
                let is_open = |next: &u8| next.is_ascii_whitespace() || b";&|".contains(next);
                behind.first().is_none_or(is_open) || begins_assignment(behind)
            }
            b'$' => behind.starts_with(b"("),
            b'`' => true,
            _ => false,
        }
    };
    value.iter().enumerate().any(is_end)
}

fn is_name_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

/// Where the new text goes. An empty raw value lies somewhere in the blanks behind `=`; it is
/// filled so that blanks round `=` and before a comment stay what they are.
fn insertion(bytes: &[u8], found: &Assignment, written: Span) -> Span {
    if !written.is_empty() {
        return written;
    }
    let has_blank_before = bytes[found.name_span.end] != b'=';
    let blanks = bytes[found.separator_end..]
        .iter()
        .take_while(|byte| b" \t".contains(byte))
        .count();
    let keeps = usize::from(found.comment_span.is_some());
    let at = found.separator_end + usize::from(has_blank_before && blanks > keeps);
    at..at
}

/// The value in the first form that all loaders read alike: as it stands there, `'…'`, `"…"`.
fn written(value: &[u8], quote: Option<Quote>) -> Result<Zeroizing<Vec<u8>>, EditError> {
    let forms = [quote, Some(Quote::Single), Some(Quote::Double)];
    match forms
        .into_iter()
        .find(|form| hazard(value, *form).is_none())
    {
        Some(Some(quote)) => Ok(Zeroizing::new(
            [&[quote.byte()], value, &[quote.byte()]].concat(),
        )),
        Some(None) => Ok(Zeroizing::new(value.to_vec())),
        None => {
            let (what, loader) =
                hazard(value, Some(Quote::Single)).unwrap_or(("an unusual part", "some loader"));
            Err(EditError::Unquotable { what, loader })
        }
    }
}

/// What in the value is misread in this form, and by whom. Measured with eleven loaders.
fn hazard(value: &[u8], form: Option<Quote>) -> Option<(&'static str, &'static str)> {
    let is_plain = value
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_-+/=:.@,%~".contains(byte));
    // A shell puts the home folder for ~ at the beginning and behind a colon.
    let has_home = value.starts_with(b"~") || contains(value, b":~");
    if is_plain && (form.is_some() || !has_home) {
        return None;
    }
    let misread: &[(&[u8], &str, &str)] = match form {
        None | Some(Quote::Backtick) => return Some(("characters with a meaning", "a shell")),
        Some(Quote::Single) => &[
            (b"'", "a single quote", "a shell"),
            (b"\\\\", "two backslashes", "python-dotenv"),
            (b"${", "a reference in braces", "python-dotenv"),
        ],
        Some(Quote::Double) => &[
            (b"\"", "a double quote", "systemd"),
            (b"\\", "a backslash", "Node dotenv"),
            (b"$", "a dollar sign", "a shell"),
            (b"`", "a backtick", "a shell"),
        ],
    };
    if std::str::from_utf8(value).is_err() {
        return Some(("bytes that are no text", "Node dotenv"));
    }
    if value
        .iter()
        .any(|byte| byte.is_ascii_control() && !b"\n\t".contains(byte))
    {
        return Some(("a control character", "Node dotenv"));
    }
    if value.ends_with(b"\\") {
        return Some(("a backslash at its end", "python-dotenv"));
    }
    misread
        .iter()
        .find_map(|(part, what, loader)| contains(value, part).then_some((*what, *loader)))
}

fn contains(value: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(value, part).is_some()
}

/// A name that shells accept as well.
fn is_portable_name(name: &str) -> bool {
    name.bytes().all(|byte| is_name_byte(&byte))
        && name.starts_with(|first: char| !first.is_ascii_digit())
}

/// The last line that has an end or not, without it.
fn last_line(bytes: &[u8]) -> &[u8] {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let start = memchr::memrchr2(b'\n', b'\r', text).map_or(0, |at| at + 1);
    &text[start..]
}

/// How the file ends its last complete line; `\n` if it has none.
fn line_ending(bytes: &[u8]) -> &'static [u8] {
    match memrchr(b'\n', bytes) {
        Some(at) if bytes[..at].ends_with(b"\r") => b"\r\n",
        None if bytes.contains(&b'\r') => b"\r",
        _ => b"\n",
    }
}
