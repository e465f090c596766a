//! What stands on stdout when rendering failed: a text that its consumer refuses, with the reason.

use serde_json::json;

use super::find_format;
use crate::firewall::SCHEMA;
use crate::foreign_text::is_harmful;

/// The refusal for the consumer of a format; an unknown format is taken for `sh`.
pub fn refusal(format: &str, reason: &str) -> String {
    let refuse = find_format(format).map_or(as_script as fn(&str) -> String, |known| known.refuse);
    refuse(&shell_harmless(reason))
}

/// A script that says why and ends with 2. The reason is data between single quotes.
pub(super) fn as_script(reason: &str) -> String {
    let quoted = reason.replace('\'', "'\\''");
    format!(
        "#!/bin/sh\n{{\nprintf '%s\\n' 'openclaw-sec: no firewall rules were made: {quoted}' >&2\nexit 2\n}}\n"
    )
}

/// A syntax error for nft and iptables-restore, which take nothing at all for success.
pub(super) fn as_rules(reason: &str) -> String {
    format!(
        "# openclaw-sec: no firewall rules were made: {reason}\nopenclaw-sec-refuses-to-render\n"
    )
}

/// A JSON document that `nft -j -f -` refuses; for text that is not JSON it would exit with 0.
pub(super) fn as_json(reason: &str) -> String {
    let document = json!({ "schema": SCHEMA, "error": reason });
    format!("{document}\n")
}

/// One line of printable text. Unlike `foreign_text::harmless` it also takes away what a shell could act
/// on, and writes no backslash.
fn shell_harmless(reason: &str) -> String {
    reason
        .chars()
        .map(|c| match c {
            '`' | '$' | '"' | '\\' => ' ',
            '\n' | '\r' | '\t' => ' ',
            c if is_harmful(c) => '?',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_reason_stays_one_quoted_line() {
        let text = refusal("sh", "x'; reboot\n$(reboot) `reboot` \u{1b}[2J \u{3164}\\");
        let shown: Vec<&str> = text.lines().collect();
        assert_eq!(shown.len(), 5, "{text}");
        assert!(!text.contains('$') && !text.contains('`') && !text.contains('\u{1b}'));
        assert!(!text.contains('\u{3164}') && text.contains("?[2J ? "));
        assert!(text.contains("x'\\''; reboot"));
    }

    #[test]
    fn every_format_has_a_refusal_of_its_kind() {
        assert!(refusal("nft", "why").ends_with("openclaw-sec-refuses-to-render\n"));
        assert!(refusal("json", "why").starts_with('{'));
        assert!(refusal("no such format", "why").starts_with("#!/bin/sh\n"));
    }
}
