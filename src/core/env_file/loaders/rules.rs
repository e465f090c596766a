//! The table: what about a line divides the loaders, and what each of them makes of it.

use super::traits::Trait;
use super::{Difference, Loader};

/// Measured with util.parseEnv of Node 20 and 26, python-dotenv 1.2, dotenvy 0.15, bash 5.2,
/// systemd 252, docker CLI 28.2 and, as its sources say, compose-go.
pub(super) const RULES: &[(Trait, &[(Loader, Difference)])] = {
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
