//! Whose variables an env file holds: the page's, upstream's, or both.

use crate::variables::{is_of_the_page, is_of_upstream};

/// The world an env file lives in. Stock OpenClaw reads none of the page's variables, so failing
/// them there would be a false alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The page's (hosted OpenClaw); also a file without any sign.
    Page,
    /// Upstream OpenClaw's alone.
    Upstream,
    /// The page's variables beside signs of upstream.
    Both,
}

impl Dialect {
    /// Decides from the names that are set and from whether upstream's configuration was named.
    pub fn of<'n>(names: impl Iterator<Item = &'n str> + Clone, has_configuration: bool) -> Self {
        let has_page = names.clone().any(is_of_the_page);
        let has_upstream = has_configuration || names.clone().any(is_of_upstream);
        match (has_page, has_upstream) {
            (_, false) => Self::Page,
            (false, true) => Self::Upstream,
            (true, true) => Self::Both,
        }
    }

    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Upstream => "upstream",
            Self::Both => "both",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialect_follows_the_names() {
        let cases: [(&[&str], bool, Dialect); 7] = [
            (&[], false, Dialect::Page),
            (&["ANTHROPIC_API_KEY"], false, Dialect::Page),
            (&["FORCE_HTTPS"], false, Dialect::Page),
            (&["OPENCLAW_GATEWAY_TOKEN"], false, Dialect::Upstream),
            (&["OPENCLAW_SEC_FORMAT"], false, Dialect::Page),
            (&["ANTHROPIC_API_KEY"], true, Dialect::Upstream),
            (
                &["WEB_API_KEY", "OPENCLAW_GATEWAY_TOKEN"],
                false,
                Dialect::Both,
            ),
        ];
        for (names, has_configuration, expected) in cases {
            assert_eq!(
                Dialect::of(names.iter().copied(), has_configuration),
                expected,
                "{names:?}"
            );
        }
    }
}
