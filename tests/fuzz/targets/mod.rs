//! One function per parser, each of which takes any bytes and holds what must be true of them.
//!
//! The fuzzers in `fuzz/` and the tests beside this folder call the same functions.

pub mod audit_filter;
pub mod audit_line;
pub mod audit_values;
pub mod certificate;
pub mod env_file;
pub mod env_secrets;
pub mod firewall_listing;
pub mod firewall_model;
pub mod foreign_text;
pub mod git_answers;
pub mod http_answer;
pub mod journal;
pub mod ledger;
pub mod networks;
pub mod openclaw_json;
pub mod reports;
pub mod rule_file;
pub mod scan_file;
pub mod seal;
pub mod settings;
mod support;
pub mod targets_file;
pub mod tls_hello;
pub mod websocket;

/// A parser and what holds for it.
pub type Target = (&'static str, fn(&[u8]));

/// Every target by the name of its fuzzer and its corpus.
pub const ALL: &[Target] = &[
    ("audit_filter", audit_filter::run),
    ("audit_line", audit_line::run),
    ("audit_values", audit_values::run),
    ("certificate", certificate::run),
    ("env_file", env_file::run),
    ("env_secrets", env_secrets::run),
    ("firewall_listing", firewall_listing::run),
    ("firewall_model", firewall_model::run),
    ("foreign_text", foreign_text::run),
    ("git_answers", git_answers::run),
    ("http_answer", http_answer::run),
    ("journal", journal::run),
    ("ledger", ledger::run),
    ("networks", networks::run),
    ("openclaw_json", openclaw_json::run),
    ("reports", reports::run),
    ("rule_file", rule_file::run),
    ("scan_file", scan_file::run),
    ("seal", seal::run),
    ("settings", settings::run),
    ("targets_file", targets_file::run),
    ("tls_hello", tls_hello::run),
    ("websocket", websocket::run),
];
