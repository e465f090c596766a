//! What the keys of every provider look like: one table that the scanner, the redactor, `rotate` and the checks share.

mod check;
mod find;
mod names;
mod pattern;
mod pem;
mod providers;
mod table;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::OnceLock;

pub use check::openclaw_checksum;
pub use names::is_secret_name;
pub use providers::{PROVIDERS, Provider};
pub use table::KEY_SHAPES;

use check::Check;
use pattern::{Anchor, Class, Part};

/// One kind of key: how it is recognised and where it is taken back.
///
/// The rows follow the rules of the providers' own pages and of the peers named in the scanner's design.
pub struct KeyShape {
    /// The rule's name, for example `anthropic-api-key`. Two rows may share one name when they differ in certainty.
    pub id: &'static str,
    /// The provider's name in [`PROVIDERS`], for example `anthropic`.
    pub provider: &'static str,
    /// The literal beginnings; empty where a key has none.
    pub prefixes: &'static [&'static str],
    /// How bad it is when a stranger holds such a key.
    pub severity: SeverityHint,
    /// The page where such a key is taken back, without `https://`; `None` where nobody has looked it up.
    pub revoke_at: Option<&'static str>,
    /// Whether the shape says nothing without the provider's variable or name beside it.
    pub named_only: bool,
    anchor: Anchor,
    alternatives: &'static [&'static [Part]],
    check: Check,
    left: Option<Class>,
    right: Option<Class>,
}

/// How bad a leaked key of some shape is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeverityHint {
    /// Probably no live key, worth a look.
    Low,
    /// Limited use: it expires soon, or is half of a pair.
    Medium,
    /// Spends money or reads data.
    High,
    /// Makes other keys, or hands over the whole account or machine.
    Critical,
}

/// What a provider variable's value says about itself; see [`judge_provider_value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShapeVerdict {
    /// The value has a shape of this provider, or may have one: nothing to say against it.
    Fits,
    /// The value clearly belongs to another provider.
    OtherProvider(&'static KeyShape),
    /// The provider's keys all have a known shape and this value has none of them.
    NoKnownShape {
        /// What such a key looks like, in words.
        expected: &'static str,
    },
    /// The value holds characters that no key has.
    Unclean(Uncleanness),
    /// The variable belongs to no provider that is known.
    NotAProviderVariable,
}

/// Characters that no key has, wherever they stand in the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncleanness {
    /// Straight or typographic quotation marks, or backticks.
    Quotes,
    /// Blanks, also the unbreakable ones.
    Blanks,
    /// Zero-width and direction marks, and the byte-order mark.
    ZeroWidth,
    /// Control characters, line breaks among them.
    Control,
    /// Bytes that are no UTF-8.
    NotUtf8,
}

impl KeyShape {
    /// Whether the whole of `value` is such a key; checksums and decoding decide.
    pub fn matches(&self, value: &[u8]) -> bool {
        self.may_begin(value)
            && self.alternatives.iter().any(|parts| {
                pattern::match_length(parts, value) == Some(value.len())
                    && self.check.accepts(value, value.len())
            })
    }

    /// A quick no for most values.
    fn may_begin(&self, value: &[u8]) -> bool {
        let mut prefixes = self.prefixes.iter();
        self.prefixes.is_empty() || prefixes.any(|prefix| value.starts_with(prefix.as_bytes()))
    }

    /// The same where only the first byte is known.
    fn may_begin_with(&self, first: u8) -> bool {
        let mut prefixes = self.prefixes.iter();
        self.prefixes.is_empty() || prefixes.any(|prefix| prefix.as_bytes().first() == Some(&first))
    }

    /// Whether `value` is typed like such a key while its checksum or decoding refutes it.
    pub fn refutes(&self, value: &[u8]) -> bool {
        self.check.is_decisive()
            && !self.matches(value)
            && self
                .alternatives
                .iter()
                .any(|parts| pattern::match_length(parts, value) == Some(value.len()))
    }
}

impl std::fmt::Debug for KeyShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyShape({})", self.id)
    }
}

impl PartialEq for KeyShape {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.severity == other.severity
    }
}

impl Eq for KeyShape {}

/// The shape that the whole of `value` has, `None` if it has none.
///
/// Checksums decide; shapes that need a name beside them ([`KeyShape::named_only`]) do not count.
pub fn recognise(value: &[u8]) -> Option<&'static KeyShape> {
    let candidates = unnamed_that_begin_with(*value.first()?);
    candidates
        .iter()
        .find(|shape| shape.matches(value))
        .copied()
}

/// The shapes that need no name beside them and may begin with this byte, in the order of the table.
fn unnamed_that_begin_with(first: u8) -> &'static [&'static KeyShape] {
    static BY_FIRST: OnceLock<Vec<Vec<&KeyShape>>> = OnceLock::new();
    let by_first = BY_FIRST.get_or_init(|| {
        let unnamed = || KEY_SHAPES.iter().filter(|shape| !shape.named_only);
        let begins = |byte| unnamed().filter(move |shape| shape.may_begin_with(byte));
        (0..=u8::MAX).map(|byte| begins(byte).collect()).collect()
    });
    &by_first[usize::from(first)]
}

/// Whether `value` is typed like a known key while its checksum or decoding says that it is none.
///
/// No other rule may pick such a value up again: a literal whose checksum fails is not a key.
pub fn refuted(value: &[u8]) -> bool {
    recognise(value).is_none() && KEY_SHAPES.iter().any(|shape| shape.refutes(value))
}

/// Every key in `text`, in the order of the text and without overlaps.
///
/// One vectorised search for the literals decides where the shapes are tried, so text without a key costs little.
pub fn find_all(text: &[u8]) -> Vec<(Range<usize>, &'static KeyShape)> {
    find::find_all(text)
}

/// The provider of keys that are made on this machine.
pub const OWN_KEYS: &str = "openclaw";

/// The provider to which a variable of this name belongs, for example `anthropic` for `ANTHROPIC_API_KEY`.
///
/// Names are compared in any case; a suffix such as `_2`, `_OLD` or `_PROD` is not part of a known name.
pub fn provider_of_variable(name: &str) -> Option<&'static str> {
    providers::by_variable(name).map(|provider| provider.id)
}

/// All shapes of a provider, the named-only ones included.
pub fn shapes_of(provider: &str) -> impl Iterator<Item = &'static KeyShape> {
    KEY_SHAPES
        .iter()
        .filter(move |shape| shape.provider == provider)
}

/// Judges the value of a provider's variable for `secrets.malformed-key`.
///
/// Formats change: a value that begins as the provider's keys do and is long enough fits, and a provider whose
/// keys have no fixed shape never gives [`ShapeVerdict::NoKnownShape`]. References (`op://…`) and ciphertext
/// (`encrypted:…`) fit, because the key is not in them. Placeholders are the caller's matter.
pub fn judge_provider_value(variable: &str, value: &[u8]) -> ShapeVerdict {
    providers::judge(variable, value)
}
