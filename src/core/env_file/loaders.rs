//! Which other loaders read a line differently from Node, and how; measured, never guessed.

use std::collections::BTreeMap;
use std::fmt;

use super::{Assignment, EnvFile, Quote, Separator};

/// A loader of env files other than Node `dotenv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loader {
    /// Docker Compose's `env_file:` (compose-go).
    Compose,
    /// The docker CLI's `--env-file`.
    Docker,
    /// The Rust crate `dotenvy`.
    Dotenvy,
    /// Node's own `--env-file` and `util.parseEnv`.
    NodeParseEnv,
    /// `python-dotenv`.
    PythonDotenv,
    /// `. FILE` in a POSIX shell.
    Shell,
    /// systemd's `EnvironmentFile=`.
    Systemd,
}

/// What a loader does differently. Displayed as the end of a sentence that begins with a loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Difference {
    /// An inline comment is part of the value.
    KeepsComment,
    /// A `#` without a blank before it is part of the value.
    KeepsHash,
    /// Quotes are part of the value.
    KeepsQuotes,
    /// Blanks around the value are part of it.
    KeepsBlanks,
    /// The carriage return of a CRLF is part of the value.
    KeepsCarriageReturn,
    /// Backslashes mean something else.
    ReadsBackslashesDifferently,
    /// `$NAME`, `${NAME}` or `~` are replaced.
    Expands,
    /// The part of the value behind a character with a meaning is run as a command.
    RunsCommand,
    /// Quotes begin or end elsewhere.
    ReadsQuotesDifferently,
    /// A value over several lines ends with the first.
    KeepsFirstLineOnly,
    /// The lines that follow become part of the value.
    SwallowsFollowingLines,
    /// The variable is not set at all.
    DropsVariable,
    /// The whole file is refused.
    RefusesFile,
    /// The first of several definitions counts.
    FirstWins,
}

/// One loader and what it does differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Disagreement {
    /// Who.
    pub loader: Loader,
    /// What.
    pub difference: Difference,
}

impl fmt::Display for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compose => "docker compose",
            Self::Docker => "docker --env-file",
            Self::Dotenvy => "dotenvy",
            Self::NodeParseEnv => "node --env-file",
            Self::PythonDotenv => "python-dotenv",
            Self::Shell => "a shell",
            Self::Systemd => "systemd",
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeepsComment => "keeps the comment as part of the value",
            Self::KeepsHash => "keeps the # and what follows as part of the value",
            Self::KeepsQuotes => "keeps the quotes as part of the value",
            Self::KeepsBlanks => "keeps blanks as part of the value",
            Self::KeepsCarriageReturn => "keeps a carriage return at the end of the value",
            Self::ReadsBackslashesDifferently => "reads the backslashes differently",
            Self::Expands => "expands a reference in the value",
            Self::RunsCommand => "runs a part of the line as a command",
            Self::ReadsQuotesDifferently => "reads the quotes differently",
            Self::KeepsFirstLineOnly => "keeps the first line of the value only",
            Self::SwallowsFollowingLines => "takes the lines that follow for a part of the value",
            Self::DropsVariable => "does not set the variable",
            Self::RefusesFile => "refuses the whole file",
            Self::FirstWins => "keeps the first of several values",
        })
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.loader, self.difference)
    }
}

impl EnvFile {
    /// Who reads this assignment differently from Node, and how; sorted, each once.
    pub fn disagreements(&self, assignment: &Assignment) -> Vec<Disagreement> {
        let definitions = self.definitions(&assignment.name).count();
        let last_is_empty = self
            .get(&assignment.name)
            .is_some_and(|last| last.value.is_empty());
        disagreements(&traits(
            self.bytes(),
            assignment,
            definitions,
            last_is_empty,
        ))
    }

    /// Every disagreement about the file, with the first line (from 1) that it concerns. A loader
    /// that refuses the file or swallows lines for one assignment loses others as well.
    pub fn all_disagreements(&self) -> BTreeMap<Disagreement, usize> {
        let mut definitions: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
        for assignment in self.assignments() {
            let known = definitions.entry(&assignment.name).or_default();
            *known = (known.0 + 1, assignment.value.is_empty());
        }
        let mut found = BTreeMap::new();
        for assignment in self.assignments() {
            let (count, last_is_empty) = definitions[assignment.name.as_str()];
            for disagreement in
                disagreements(&traits(self.bytes(), assignment, count, last_is_empty))
            {
                found.entry(disagreement).or_insert(assignment.line);
            }
        }
        if let Err(error) = std::str::from_utf8(self.bytes()) {
            let line = self.bytes()[..error.valid_up_to()]
                .split(|byte| *byte == b'\n')
                .count();
            for disagreement in disagreements(&[Trait::InvalidText]) {
                found.entry(disagreement).or_insert(line);
            }
        }
        found
    }
}

/// What about a line divides the loaders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trait {
    Comment,
    HashInValue,
    HashAtStart,
    Export,
    BlankBeforeEquals,
    BlankAfterEquals,
    TrailingBlank,
    Quoted,
    BacktickQuoted,
    SeveralLines,
    Unclosed,
    TextBehindQuote,
    QuoteInRaw,
    BlankInRaw,
    OperatorInRaw,
    HomeInRaw,
    BackslashInRaw,
    EscapedLineBreak,
    UnknownEscape,
    EscapedSpecial,
    EscapedDouble,
    EscapedSingle,
    TwoBackslashesInSingle,
    BacktickInDouble,
    BracedReference,
    BareReference,
    BracedReferenceInSingle,
    Continued,
    AfterContinuedComment,
    AfterContinuedValue,
    DottedName,
    DashedName,
    NumberedName,
    Colon,
    ByteOrderMark,
    CarriageReturn,
    LoneCarriageReturn,
    NoBreakSpace,
    InvalidText,
    InvalidTextInValue,
    Duplicate,
    DuplicateEmpty,
}

/// Measured with util.parseEnv of Node 20 and 26, python-dotenv 1.2, dotenvy 0.15, bash 5.2,
/// systemd 252, docker CLI 28.2 and, as its sources say, compose-go.
const RULES: &[(Trait, &[(Loader, Difference)])] = {
    use Difference::*;
    use Loader::*;
    &[
        (
            Trait::Comment,
            &[(Docker, KeepsComment), (Systemd, KeepsComment)],
        ),
        (
            Trait::HashInValue,
            &[
                (Compose, KeepsHash),
                (Docker, KeepsHash),
                (Dotenvy, KeepsHash),
                (PythonDotenv, KeepsHash),
                (Shell, KeepsHash),
                (Systemd, KeepsHash),
            ],
        ),
        (
            Trait::HashAtStart,
            &[
                (Docker, KeepsHash),
                (PythonDotenv, KeepsHash),
                (Shell, KeepsHash),
                (Systemd, KeepsHash),
            ],
        ),
        (
            Trait::Export,
            &[(Docker, RefusesFile), (Systemd, DropsVariable)],
        ),
        (
            Trait::BlankBeforeEquals,
            &[(Docker, RefusesFile), (Shell, RunsCommand)],
        ),
        (
            Trait::BlankAfterEquals,
            &[(Docker, KeepsBlanks), (Shell, RunsCommand)],
        ),
        (Trait::TrailingBlank, &[(Docker, KeepsBlanks)]),
        (Trait::Quoted, &[(Docker, KeepsQuotes)]),
        (
            Trait::BacktickQuoted,
            &[
                (Compose, KeepsQuotes),
                (Docker, KeepsQuotes),
                (Dotenvy, KeepsQuotes),
                (PythonDotenv, KeepsQuotes),
                (Shell, RunsCommand),
                (Systemd, KeepsQuotes),
            ],
        ),
        (Trait::SeveralLines, &[(Docker, KeepsFirstLineOnly)]),
        (
            Trait::Unclosed,
            &[
                (Compose, RefusesFile),
                (Dotenvy, RefusesFile),
                (PythonDotenv, DropsVariable),
                (Shell, SwallowsFollowingLines),
                (Systemd, SwallowsFollowingLines),
            ],
        ),
        (
            Trait::TextBehindQuote,
            &[
                (Compose, RefusesFile),
                (Docker, KeepsQuotes),
                (Dotenvy, RefusesFile),
                (NodeParseEnv, ReadsQuotesDifferently),
                (PythonDotenv, DropsVariable),
                (Shell, RunsCommand),
                (Systemd, ReadsQuotesDifferently),
            ],
        ),
        (
            Trait::QuoteInRaw,
            &[(Dotenvy, RefusesFile), (Shell, SwallowsFollowingLines)],
        ),
        (
            Trait::BlankInRaw,
            &[(Dotenvy, RefusesFile), (Shell, RunsCommand)],
        ),
        (Trait::OperatorInRaw, &[(Shell, RunsCommand)]),
        (Trait::HomeInRaw, &[(Shell, Expands)]),
        (
            Trait::BackslashInRaw,
            &[
                (Dotenvy, ReadsBackslashesDifferently),
                (Shell, ReadsBackslashesDifferently),
                (Systemd, ReadsBackslashesDifferently),
            ],
        ),
        (
            Trait::EscapedLineBreak,
            &[
                (Docker, ReadsBackslashesDifferently),
                (Shell, ReadsBackslashesDifferently),
                (Systemd, ReadsBackslashesDifferently),
            ],
        ),
        (
            Trait::UnknownEscape,
            &[
                (Compose, ReadsBackslashesDifferently),
                (Dotenvy, ReadsBackslashesDifferently),
                (PythonDotenv, ReadsBackslashesDifferently),
            ],
        ),
        (
            Trait::EscapedSpecial,
            &[
                (Compose, ReadsBackslashesDifferently),
                (Dotenvy, ReadsBackslashesDifferently),
                (PythonDotenv, ReadsBackslashesDifferently),
                (Shell, ReadsBackslashesDifferently),
                (Systemd, ReadsBackslashesDifferently),
            ],
        ),
        (
            Trait::EscapedDouble,
            &[(NodeParseEnv, ReadsQuotesDifferently)],
        ),
        (
            Trait::EscapedSingle,
            &[
                (Dotenvy, RefusesFile),
                (NodeParseEnv, ReadsQuotesDifferently),
                (PythonDotenv, ReadsBackslashesDifferently),
                (Shell, SwallowsFollowingLines),
                (Systemd, ReadsQuotesDifferently),
            ],
        ),
        (
            Trait::TwoBackslashesInSingle,
            &[(PythonDotenv, ReadsBackslashesDifferently)],
        ),
        (Trait::BacktickInDouble, &[(Shell, RunsCommand)]),
        (
            Trait::BracedReference,
            &[
                (Compose, Expands),
                (Dotenvy, Expands),
                (PythonDotenv, Expands),
                (Shell, Expands),
            ],
        ),
        (
            Trait::BareReference,
            &[(Compose, Expands), (Dotenvy, Expands), (Shell, Expands)],
        ),
        (Trait::BracedReferenceInSingle, &[(PythonDotenv, Expands)]),
        (
            Trait::Continued,
            &[
                (Dotenvy, ReadsBackslashesDifferently),
                (Shell, SwallowsFollowingLines),
                (Systemd, SwallowsFollowingLines),
            ],
        ),
        (Trait::AfterContinuedComment, &[(Systemd, DropsVariable)]),
        (
            Trait::AfterContinuedValue,
            &[(Shell, DropsVariable), (Systemd, DropsVariable)],
        ),
        (
            Trait::DottedName,
            &[(Shell, RunsCommand), (Systemd, DropsVariable)],
        ),
        (
            Trait::DashedName,
            &[
                (Dotenvy, RefusesFile),
                (Shell, RunsCommand),
                (Systemd, DropsVariable),
            ],
        ),
        (
            Trait::NumberedName,
            &[
                (Dotenvy, RefusesFile),
                (Shell, RunsCommand),
                (Systemd, DropsVariable),
            ],
        ),
        (
            Trait::Colon,
            &[
                (Docker, RefusesFile),
                (Dotenvy, RefusesFile),
                (NodeParseEnv, SwallowsFollowingLines),
                (PythonDotenv, DropsVariable),
                (Shell, RunsCommand),
                (Systemd, DropsVariable),
            ],
        ),
        (
            Trait::ByteOrderMark,
            &[
                (Dotenvy, RefusesFile),
                (NodeParseEnv, DropsVariable),
                (Shell, DropsVariable),
                (Systemd, DropsVariable),
            ],
        ),
        (Trait::CarriageReturn, &[(Shell, KeepsCarriageReturn)]),
        (
            Trait::LoneCarriageReturn,
            &[
                (Docker, SwallowsFollowingLines),
                (Dotenvy, SwallowsFollowingLines),
                (NodeParseEnv, SwallowsFollowingLines),
                (Shell, SwallowsFollowingLines),
            ],
        ),
        (
            Trait::NoBreakSpace,
            &[
                (Docker, KeepsBlanks),
                (NodeParseEnv, KeepsBlanks),
                (Shell, KeepsBlanks),
                (Systemd, KeepsBlanks),
            ],
        ),
        (
            Trait::InvalidText,
            &[
                (Docker, RefusesFile),
                (Dotenvy, RefusesFile),
                (PythonDotenv, RefusesFile),
            ],
        ),
        (Trait::InvalidTextInValue, &[(Systemd, RefusesFile)]),
        (Trait::Duplicate, &[(Dotenvy, FirstWins)]),
        (Trait::DuplicateEmpty, &[(Systemd, FirstWins)]),
    ]
};

fn disagreements(traits: &[Trait]) -> Vec<Disagreement> {
    let mut found: Vec<_> = RULES
        .iter()
        .filter(|(cause, _)| traits.contains(cause))
        .flat_map(|(_, effects)| *effects)
        .map(|&(loader, difference)| Disagreement { loader, difference })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn traits(bytes: &[u8], one: &Assignment, definitions: usize, last_is_empty: bool) -> Vec<Trait> {
    let conditions = [around(bytes, one), inside(bytes, one)].concat();
    let duplicates = [
        (definitions > 1, Trait::Duplicate),
        (definitions > 1 && last_is_empty, Trait::DuplicateEmpty),
    ];
    let all = conditions.into_iter().chain(duplicates);
    all.filter_map(|(applies, cause)| applies.then_some(cause))
        .collect()
}

/// What stands around the value: name, separator, comment, line ends, the line before.
fn around(bytes: &[u8], one: &Assignment) -> Vec<(bool, Trait)> {
    let written = one.written_span();
    let name = one.name.as_bytes();
    let equals = one.separator == Separator::Equals;
    let between = &bytes[one.separator_end..written.start];
    let after = &bytes[written.end..];
    let has_comment = one.comment_span.is_some();
    let touches = one
        .comment_span
        .as_ref()
        .is_some_and(|comment| comment.start == written.end);
    let is_raw = one.quote.is_none();
    let is_empty = written.is_empty();
    let blank = |text: &[u8]| text.first().is_some_and(|byte| b" \t".contains(byte));
    let line_end = memchr::memchr2(b'\n', b'\r', after).map_or(&[][..], |at| &after[at..]);
    let before = line_before(bytes, one.name_span.start);
    let is_commented = before.trim_ascii_start().starts_with(b"#");
    let no_break = b"\xC2\xA0";
    vec![
        (has_comment && !(is_raw && touches), Trait::Comment),
        (
            has_comment && is_raw && touches && !is_empty,
            Trait::HashInValue,
        ),
        (
            has_comment && is_raw && touches && is_empty,
            Trait::HashAtStart,
        ),
        (one.has_export, Trait::Export),
        (
            equals && blank(&bytes[one.name_span.end..]),
            Trait::BlankBeforeEquals,
        ),
        (
            equals && !is_empty && blank(between),
            Trait::BlankAfterEquals,
        ),
        (!has_comment && blank(after), Trait::TrailingBlank),
        (
            before.ends_with(b"\\") && is_commented,
            Trait::AfterContinuedComment,
        ),
        (
            before.ends_with(b"\\") && !is_commented,
            Trait::AfterContinuedValue,
        ),
        (name.contains(&b'.'), Trait::DottedName),
        (name.contains(&b'-'), Trait::DashedName),
        (
            name.first().is_some_and(u8::is_ascii_digit),
            Trait::NumberedName,
        ),
        (!equals, Trait::Colon),
        (has_byte_order_mark(bytes, one), Trait::ByteOrderMark),
        (line_end.starts_with(b"\r\n"), Trait::CarriageReturn),
        (
            line_end.starts_with(b"\r") && !line_end.starts_with(b"\r\n"),
            Trait::LoneCarriageReturn,
        ),
        (
            between.ends_with(no_break) || after.starts_with(no_break),
            Trait::NoBreakSpace,
        ),
    ]
}

/// What stands in the value.
fn inside(bytes: &[u8], one: &Assignment) -> Vec<(bool, Trait)> {
    let value = &bytes[one.value_span.clone()];
    let is_raw = one.quote.is_none();
    let is_closed = |quote| one.is_closed && one.quote == Some(quote);
    let (single, double) = (is_closed(Quote::Single), is_closed(Quote::Double));
    // Node takes the outer quotes off even where the first one is closed before the end.
    let starts_behind_quote = one.value_span.start > one.separator_end
        && one.quote.map(Quote::byte) == Some(bytes[one.value_span.start - 1]);
    let is_wrapped = !one.is_closed && starts_behind_quote;
    let has_any = |wanted: &[u8]| value.iter().any(|byte| wanted.contains(byte));
    let has = |part: &[u8]| memchr::memmem::find(value, part).is_some();
    let is_continued = is_raw && value.ends_with(b"\\") && !value.ends_with(b"\\\\");
    let escapes = |wanted: &[u8]| {
        value
            .windows(2)
            .any(|two| two[0] == b'\\' && wanted.contains(&two[1]))
    };
    let bare = value
        .windows(2)
        .any(|two| two[0] == b'$' && (two[1].is_ascii_alphabetic() || two[1] == b'_'));
    vec![
        (
            one.is_closed && !is_raw && one.quote != Some(Quote::Backtick),
            Trait::Quoted,
        ),
        (is_closed(Quote::Backtick), Trait::BacktickQuoted),
        (!is_raw && has_any(b"\r\n"), Trait::SeveralLines),
        (!one.is_closed && !is_wrapped, Trait::Unclosed),
        (is_wrapped, Trait::TextBehindQuote),
        (is_raw && has_any(b"'\""), Trait::QuoteInRaw),
        (is_raw && has_any(b" \t"), Trait::BlankInRaw),
        (is_raw && has_any(b";&|<>()`"), Trait::OperatorInRaw),
        (
            is_raw && (value.starts_with(b"~/") || value == b"~" || has(b":~/")),
            Trait::HomeInRaw,
        ),
        (
            is_raw && has_any(b"\\") && !is_continued,
            Trait::BackslashInRaw,
        ),
        (double && escapes(b"nr"), Trait::EscapedLineBreak),
        (double && escapes(b"\\\"$`"), Trait::EscapedSpecial),
        (double && escapes(b"\""), Trait::EscapedDouble),
        (
            double && has_any(b"\\") && !escapes(b"\\\"$`nr"),
            Trait::UnknownEscape,
        ),
        (single && has(b"\\'"), Trait::EscapedSingle),
        (single && has(b"\\\\"), Trait::TwoBackslashesInSingle),
        (double && has_any(b"`"), Trait::BacktickInDouble),
        (!single && has(b"${"), Trait::BracedReference),
        (!single && bare, Trait::BareReference),
        (single && has(b"${"), Trait::BracedReferenceInSingle),
        (is_continued, Trait::Continued),
        (
            std::str::from_utf8(value).is_err(),
            Trait::InvalidTextInValue,
        ),
    ]
}

fn has_byte_order_mark(bytes: &[u8], one: &Assignment) -> bool {
    bytes.starts_with(b"\xEF\xBB\xBF") && !bytes[..one.name_span.start].contains(&b'\n')
}

/// The line before the one that `at` lies on, without its line break.
fn line_before(bytes: &[u8], at: usize) -> &[u8] {
    let Some(end) = memchr::memrchr(b'\n', &bytes[..at]) else {
        return &[];
    };
    let text = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
    let start = memchr::memrchr(b'\n', text).map_or(0, |found| found + 1);
    &text[start..]
}
