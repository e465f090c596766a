//! Every format of `check`, held against its rules and judged by its field's own validators.

#![cfg(feature = "cli")]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed, and the validators are run here"
)]

mod corpus;
mod fleets;
mod github;
mod gitlab;
mod hostile;
mod html;
mod junit;
mod markdown;
mod ocsf;
#[expect(
    dead_code,
    unused_imports,
    reason = "only the reports' formats are wanted here"
)]
#[path = "../../src/output/mod.rs"]
mod output;
mod outputs;
mod prometheus;
mod sarif;
mod validators;

use std::path::Path;

use openclaw_sec::fleet::Findings;

/// The working folder that the reports are rendered for.
const FOLDER: &str = "/work/project";

/// `findings` in one format, as it goes into a file.
fn render(format: &str, findings: &Findings) -> String {
    let page = output::Page {
        width: 100,
        tint: &|_, text| text.to_owned(),
        exit_code: findings.exit_code(Some(openclaw_sec::report::Severity::Medium)),
        folder: Path::new(FOLDER),
        host_name: "bot-1",
    };
    (output::format(format).unwrap().render)(findings, &page)
}

/// How many results have each status: pass, fail, unknown, skipped, waived.
fn counts(findings: &Findings) -> [u64; 5] {
    let summary = findings.summary();
    [
        summary.pass,
        summary.fail,
        summary.unknown,
        summary.skipped,
        summary.waived,
    ]
}
