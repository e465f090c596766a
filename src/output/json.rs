//! What was found as a JSON document: `openclaw-sec/check/1`, or `openclaw-sec/fleet/1` for many.

use std::borrow::Cow;

use openclaw_sec::fleet::Findings;
use openclaw_sec::foreign_text::harmless_json;

use super::Page;

pub fn render(findings: &Findings, _: &Page<'_>) -> String {
    let json = match findings {
        Findings::One(report) => serde_json::to_string_pretty(report),
        Findings::Fleet(fleet) => serde_json::to_string_pretty(fleet),
    };
    let json = json.expect("a report holds texts, numbers and maps with text keys only");
    // A fleet's document may be large: it is copied only where it has to be changed.
    let mut json = match harmless_json(&json) {
        Cow::Borrowed(_) => json,
        Cow::Owned(safe) => safe,
    };
    json.push('\n');
    json
}
