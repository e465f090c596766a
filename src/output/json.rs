//! The report as a JSON document, `openclaw-sec/check/1`.

use openclaw_sec::foreign_text::harmless_json;
use openclaw_sec::report::Report;

use super::Page;

pub fn render(report: &Report, _: &Page<'_>) -> String {
    let json = serde_json::to_string_pretty(report)
        .expect("a report holds texts, numbers and maps with text keys only");
    format!("{}\n", harmless_json(&json))
}
