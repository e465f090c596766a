//! The small language in which the table describes keys: literals and runs of byte classes.

/// A set of ASCII bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Digit,
    HexLower,
    Hex,
    Letter,
    /// `A-Z2-7`
    Base32,
    /// `a-z0-9`
    LowerAlnum,
    /// `A-Z0-9`
    UpperAlnum,
    Alnum,
    /// Letters, digits, `_` and `-`: also base64url.
    Word,
    /// Letters, digits, `+` and `/`.
    Base64,
    /// Letters, digits, `_`, `-`, `+` and `/`.
    AnyBase64,
    /// Letters, digits and `+`: the left neighbours of something inside base64.
    Base64Left,
    /// What stands behind the `?` of a Tailscale key.
    Query,
}

impl Class {
    pub(super) fn holds(self, byte: u8) -> bool {
        match self {
            Self::Digit => byte.is_ascii_digit(),
            Self::HexLower => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Letter => byte.is_ascii_alphabetic(),
            Self::Base32 => matches!(byte, b'A'..=b'Z' | b'2'..=b'7'),
            Self::LowerAlnum => matches!(byte, b'0'..=b'9' | b'a'..=b'z'),
            Self::UpperAlnum => matches!(byte, b'0'..=b'9' | b'A'..=b'Z'),
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'),
            Self::AnyBase64 => {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/')
            }
            Self::Base64Left => byte.is_ascii_alphanumeric() || byte == b'+',
            Self::Query => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'=' | b'&'),
        }
    }
}

/// One step of a shape.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// These bytes.
    Text(&'static str),
    /// One of these, the first that fits.
    OneOf(&'static [&'static str]),
    /// As many bytes of the class as there are, at least and at most so many.
    Run(Class, usize, usize),
    /// This text or nothing.
    Maybe(&'static str),
    /// A PEM block, on many lines or on one.
    Pem,
}

/// Where in a key its literal stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    /// The key begins with one of its prefixes.
    Prefix,
    /// The key begins so many bytes before this literal; each distance is tried in turn.
    Inside(&'static str, &'static [usize]),
    /// Three parts with dots, the middle one six characters long.
    Dots,
    /// It is not searched for: it needs a name beside it.
    Never,
}

/// How many bytes at the beginning of `text` fit the parts; runs take all they can and give nothing back.
pub(super) fn match_length(parts: &[Part], text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for part in parts {
        let rest = &text[at..];
        at += match part {
            Part::Text(literal) => rest
                .starts_with(literal.as_bytes())
                .then_some(literal.len())?,
            Part::OneOf(literals) => literals
                .iter()
                .find(|literal| rest.starts_with(literal.as_bytes()))?
                .len(),
            Part::Maybe(literal) if rest.starts_with(literal.as_bytes()) => literal.len(),
            Part::Maybe(_) => 0,
            Part::Run(class, least, most) => {
                let length = rest
                    .iter()
                    .take(*most)
                    .take_while(|byte| class.holds(**byte))
                    .count();
                (length >= *least).then_some(length)?
            }
            Part::Pem => super::pem::pem_length(rest)?,
        };
    }
    Some(at)
}
