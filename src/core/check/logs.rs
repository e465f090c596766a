//! "Logs monitored": is the trail written, kept private, rotated, and read by anybody?

use super::Check;
use super::evidence::{Evidence, Switch};
use super::host;
use super::rate_limit::{page_variables, switch_must_be_on};
use super::verdict::{Finding, Verdict, fail, pass, skipped};
use crate::report::{Kind, Severity};

const PAGE: &str = "https://docs.openclawvps.com/configuration/security";
const V16: &str = "OWASP ASVS 5.0 16.2";

pub const CHECKS: &[Check] = &[
    Check::new("logs.security-events-off", Kind::Declared, Severity::Medium, security_events_off)
        .asks("security events are logged", "a break-in that is not logged is never noticed")
        .mended_by("set LOG_SECURITY_EVENTS=true in {env} and restart OpenClaw")
        .see(&[PAGE, V16])
        .fixable(),
    Check::new("logs.level", Kind::Declared, Severity::Medium, level)
        .asks("the log level shows events and no internals", "error and above hide refused logins; trace and debug write requests and tokens to disk")
        .mended_by("set LOG_LEVEL=info in {env} and restart OpenClaw")
        .see(&[PAGE, V16])
        .fixable(),
    Check::new("logs.audit-off", Kind::Declared, Severity::Medium, audit_off)
        .asks("the audit trail is on", "without a trail nobody can tell afterwards what happened")
        .mended_by("set ENABLE_AUDIT_LOG=true and AUDIT_LOG_PATH in {env} and restart OpenClaw")
        .see(&[PAGE, V16])
        .fixable(),
    Check::new("logs.audit-path-missing", Kind::Declared, Severity::Medium, audit_path_missing)
        .asks("the audit trail has a place", "a trail without a place may be written nowhere")
        .mended_by("set AUDIT_LOG_PATH=/var/log/openclaw/audit.log in {env} and restart OpenClaw")
        .see(&[PAGE])
        .fixable(),
    Check::new("logs.audit-file-missing", Kind::Host, Severity::Medium, host::audit_file_missing)
        .asks("the audit log exists", "the trail is switched on and nothing is written: the folder may be missing or not writable")
        .mended_by("create the folder, give it to the user that runs OpenClaw, and restart OpenClaw")
        .see(&[V16]),
    Check::new("logs.audit-file-mode", Kind::Host, Severity::Medium, host::audit_file_mode)
        .asks("the audit log is private", "others can read who talks to the bot, or erase their traces")
        .mended_by("run `chmod 640` on the log; openclaw-sec check --fix does it")
        .see(&["OWASP ASVS 5.0 16.4.2", "CWE-732"])
        .fixable(),
    Check::new("logs.audit-stale", Kind::Host, Severity::Low, host::audit_stale)
        .asks("the audit log is being written", "a log that stands still may mean that OpenClaw writes elsewhere, or not at all")
        .mended_by("see whether OpenClaw runs and still has this file open; after a rotation it may write into the old one")
        .see(&[V16]),
    Check::new("logs.no-rotation", Kind::Host, Severity::Low, host::no_rotation)
        .asks("the audit log is rotated", "a log that only grows fills the disk and stops the bot")
        .mended_by("add a file to /etc/logrotate.d that names the log, for example with `weekly`, `rotate 12`, `compress`")
        .see(&["logrotate(8)"]),
    Check::new("logs.secret-in-log", Kind::Host, Severity::High, host::secret_in_log)
        .asks("no secret stands in the audit log", "logs are copied, shipped and read by many; a key in one is a key for all of them")
        .mended_by("rotate the key, stop logging it (LOG_LEVEL=info), and remove the line from the log and its copies")
        .see(&["OWASP ASVS 5.0 16.2.5", "CWE-532"]),
    Check::new("logs.not-monitored", Kind::Host, Severity::Medium, host::not_monitored)
        .asks("something reads the audit log", "an alarm that nobody hears is no alarm")
        .mended_by("let fail2ban, CrowdSec, a log shipper or a service of your own follow the log")
        .see(&[PAGE, "OWASP ASVS 5.0 16.4.3"]),
];

fn security_events_off(evidence: &Evidence) -> Vec<Verdict> {
    switch_must_be_on(evidence, "LOG_SECURITY_EVENTS")
}

fn audit_off(evidence: &Evidence) -> Vec<Verdict> {
    switch_must_be_on(evidence, "ENABLE_AUDIT_LOG")
}

fn level(evidence: &Evidence) -> Vec<Verdict> {
    const NAME: &str = "LOG_LEVEL";
    let declared = match page_variables(evidence, NAME) {
        Ok(declared) => declared,
        Err(verdict) => return verdict,
    };
    let Some(level) = declared.text(NAME).map(|level| level.to_lowercase()) else {
        return pass("LOG_LEVEL is not set: info is the default");
    };
    let finding = |what: &str, message: &str| {
        fail(
            Finding::new(what, message)
                .at(declared.place(NAME))
                .with("variable", NAME),
        )
    };
    match level.as_str() {
        "silent" | "off" | "none" | "error" | "fatal" | "critical" => finding(
            "hides",
            "LOG_LEVEL hides refused logins and other security events",
        ),
        "trace" | "debug" | "verbose" => finding(
            "leaks",
            "LOG_LEVEL writes internals, and with them secrets, into the log",
        ),
        "warn" | "warning" => pass("LOG_LEVEL is warn: successful logins are not logged"),
        "info" | "notice" => pass("LOG_LEVEL is info"),
        _ => finding(
            "unknown word",
            "LOG_LEVEL is no level that OpenClaw documents: use info",
        ),
    }
}

fn audit_path_missing(evidence: &Evidence) -> Vec<Verdict> {
    const NAME: &str = "AUDIT_LOG_PATH";
    let declared = match page_variables(evidence, NAME) {
        Ok(declared) => declared,
        Err(verdict) => return verdict,
    };
    if declared.switch("ENABLE_AUDIT_LOG") != Switch::On {
        return skipped("the audit log is off: see logs.audit-off");
    }
    if declared.value(NAME).is_some() {
        return pass("AUDIT_LOG_PATH is set");
    }
    fail(
        Finding::new(NAME, "AUDIT_LOG_PATH is not set")
            .at(declared.place(NAME))
            .with("variable", NAME),
    )
}
