//! The JSON documents of `audit-tail`, as their schemas describe them.

use schemars::JsonSchema;
use serde::Serialize;

/// The schema of one event.
pub const EVENT_SCHEMA: &str = "openclaw-sec/event/1";
/// The schema of one alert.
pub const ALERT_SCHEMA: &str = "openclaw-sec/alert/1";
/// The schema of the counts.
pub const STATISTICS_SCHEMA: &str = "openclaw-sec/stats/1";
/// The schema of a verdict on a sealed log.
pub const SEAL_SCHEMA: &str = "openclaw-sec/seal/1";

/// One event. It is written by hand, since a gigabyte of log is millions of them.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EventDocument {
    /// Always `openclaw-sec/event/1`.
    pub schema: &'static str,
    /// When it happened, RFC 3339 UTC.
    pub time: Option<String>,
    /// `auth`, `rate-limit`, `access`, `error` or `other`.
    pub kind: String,
    /// The writer's own name for it.
    pub action: Option<String>,
    /// `success` or `failure`.
    pub outcome: Option<String>,
    /// `trace` to `fatal`.
    pub level: Option<String>,
    /// Who.
    pub user: Option<String>,
    /// From where; IPv6 as RFC 5952 writes it.
    pub ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// The request's or connection's own id.
    pub request_id: Option<String>,
    /// The text for people.
    pub message: Option<String>,
    /// Attempts the line stands for, where it is more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Where it was read.
    pub source: SourceDocument,
    /// The line without its line end.
    pub raw: String,
    /// Its exact bytes, where they are no UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_base64: Option<String>,
    /// Whether `raw` is only the beginning of a line that is too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_truncated: Option<bool>,
}

/// Where an event was read.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SourceDocument {
    /// The file; `-` for stdin.
    pub file: String,
    /// The line's number from 1, where lines were counted.
    pub line: Option<u64>,
    /// The offset of its first byte.
    pub offset: u64,
}

/// One alert.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AlertDocument {
    /// Always `openclaw-sec/alert/1`.
    pub schema: &'static str,
    /// The time of the event that completed it, RFC 3339 UTC.
    pub time: Option<String>,
    /// The detector's id.
    pub detector: String,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: String,
    /// Who or what it is about.
    pub subject: String,
    /// What stands in the window.
    pub count: u64,
    /// The window, or the silence, in seconds.
    pub window_s: u64,
    /// One sentence.
    pub message: String,
    /// Offsets of the last events it rests on, the trigger last.
    pub evidence: Vec<u64>,
}

/// The verdict on a sealed log.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SealDocument {
    /// Always `openclaw-sec/seal/1`.
    pub schema: &'static str,
    /// `intact`, `altered`, `removed`, `inserted`, `truncated`, `missing` or `forged`.
    pub status: &'static str,
    /// The file it is about.
    pub file: String,
    /// The first line concerned, from 1.
    pub line: Option<u64>,
    /// Its byte offset in the file as it is now.
    pub offset: Option<u64>,
    /// The checkpoint that covers it.
    pub checkpoint: Option<u64>,
    /// When the checkpoint before was made, RFC 3339 UTC.
    pub after: Option<String>,
    /// When the covering checkpoint was made, RFC 3339 UTC.
    pub before: Option<String>,
    /// Lines of all present parts that are sealed.
    pub sealed_lines: u64,
    /// Complete lines that are not sealed yet.
    pub unsealed_lines: u64,
    /// One sentence.
    pub message: String,
}
