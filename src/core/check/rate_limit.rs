//! "Rate limiting configured": are the limits on, are they numbers, and do they limit?

use std::time::Duration;

use super::Check;
use super::dialect::Dialect;
use super::evidence::{Declared, Evidence, Switch};
use super::live;
use super::verdict::{Finding, Verdict, fail, findings_or_pass, pass, skipped, unknown};
use crate::probe::DeclaredLimit;
use crate::report::{Kind, Severity};

const PAGE: &str = "https://docs.openclawvps.com/configuration/security";
const API4: &str = "OWASP API Security 2023 API4";

const NUMBERS: [&str; 4] = [
    "RATE_LIMIT_REQUESTS",
    "RATE_LIMIT_WINDOW",
    "RATE_LIMIT_PER_USER",
    "RATE_LIMIT_PER_IP",
];
/// The largest whole number that JavaScript holds exactly.
const LARGEST_NUMBER: u128 = 1 << 53;
/// More requests a minute than this protect nothing.
const MOST_REQUESTS_PER_MINUTE: u128 = 1000;
/// A shorter window, in milliseconds, was meant in seconds.
const SHORTEST_WINDOW_MS: u128 = 1000;

pub const CHECKS: &[Check] = &[
    Check::new("rate-limit.disabled", Kind::Declared, Severity::High, disabled)
        .asks("rate limits are on", "one client can try keys, or spend your provider budget, as fast as it likes")
        .mended_by("set RATE_LIMIT_ENABLED=true in {env} and restart OpenClaw")
        .see(&[PAGE, API4])
        .fixable(),
    Check::new("rate-limit.invalid", Kind::Declared, Severity::Medium, invalid)
        .asks("the limits are plain numbers", "a limit that does not parse is no limit, and loaders disagree about trailing comments")
        .mended_by("write digits only and put the comment on a line of its own, for example RATE_LIMIT_WINDOW=60000")
        .see(&[PAGE, "https://docs.docker.com/reference/cli/docker/container/run/#env"]),
    Check::new("rate-limit.lenient", Kind::Declared, Severity::Medium, lenient)
        .asks("the limits limit", "more than 1000 requests a minute, or a window of less than a second, stops nobody")
        .mended_by("allow 1000 requests a minute at most; RATE_LIMIT_WINDOW is in milliseconds (60000 is one minute)")
        .see(&[PAGE, API4]),
    Check::new("rate-limit.per-client-missing", Kind::Declared, Severity::Medium, per_client_missing)
        .asks("each user and each address has a limit", "one client can use up everybody's share")
        .mended_by("set RATE_LIMIT_PER_USER and RATE_LIMIT_PER_IP in {env} and restart OpenClaw")
        .see(&[PAGE, API4])
        .fixable(),
    Check::new("rate-limit.inconsistent", Kind::Declared, Severity::Low, inconsistent)
        .asks("the limits fit each other", "a limit per user above the limit per address can never be reached")
        .mended_by("set RATE_LIMIT_PER_USER to RATE_LIMIT_PER_IP or less")
        .see(&[PAGE]),
    Check::new("rate-limit.not-enforced", Kind::Live, Severity::High, live::limit_not_enforced)
        .asks("the declared limit is enforced", "the gateway has no request limit of its own: a declared one is only a wish")
        .mended_by("limit requests in the reverse proxy (nginx `limit_req`, haproxy stick table) and answer 429")
        .see(&[API4, "RFC 6585 §4"])
        .active(),
    Check::new("rate-limit.spoofable", Kind::Live, Severity::High, live::limit_spoofable)
        .asks("a forged X-Forwarded-For does not reset the limit", "everybody can pretend to be a new client with each request")
        .mended_by("key the limit on the peer's address, and trust X-Forwarded-For from your own proxies only")
        .see(&[API4])
        .active(),
    Check::new("rate-limit.no-retry-after", Kind::Live, Severity::Low, live::limit_without_retry_after)
        .asks("a refusal says when to come back", "well-behaved clients retry at once and make it worse")
        .mended_by("send a Retry-After header with every 429")
        .see(&["RFC 6585 §4", "RFC 9110 §10.2.3"])
        .active(),
];

/// What a variable that should hold a number holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Valid(u128),
    Invalid(&'static str),
    Unset,
}

fn number(declared: &Declared, name: &str) -> Number {
    let Some(assignment) = declared.file.get(name) else {
        return Number::Unset;
    };
    // Blanks inside quotes are part of the value.
    let value = assignment.value.expose();
    if value.trim_ascii().is_empty() {
        return Number::Invalid("is empty");
    }
    if !value.iter().all(u8::is_ascii_digit) {
        return Number::Invalid("is not a plain decimal number");
    }
    let text = String::from_utf8_lossy(value);
    match text.parse::<u128>() {
        Ok(0) => Number::Invalid("is zero"),
        Ok(number) if number <= LARGEST_NUMBER => Number::Valid(number),
        _ => Number::Invalid("is larger than 2^53, which JavaScript cannot hold"),
    }
}

/// What the env file promises about the number of requests.
///
/// # Errors
/// Why nothing is promised that could be counted.
pub fn declared_limit(evidence: &Evidence) -> Result<DeclaredLimit, String> {
    let Some(declared) = &evidence.declared else {
        return Err("no env file was read, so no limit is declared".to_owned());
    };
    if evidence.dialect == Dialect::Upstream {
        return Err(
            "stock OpenClaw does not read RATE_LIMIT_*, so no limit is declared".to_owned(),
        );
    }
    if declared.switch("RATE_LIMIT_ENABLED") != Switch::On {
        return Err("RATE_LIMIT_ENABLED is not true: see rate-limit.disabled".to_owned());
    }
    let valid = |name: &str| match number(declared, name) {
        Number::Valid(number) => u64::try_from(number).map_err(|_| format!("{name} is too large")),
        Number::Invalid(why) => Err(format!("{name} {why}: see rate-limit.invalid")),
        Number::Unset => Err(format!("{name} is not set, so no limit is declared")),
    };
    Ok(DeclaredLimit {
        requests: valid("RATE_LIMIT_REQUESTS")?,
        window: Duration::from_millis(valid("RATE_LIMIT_WINDOW")?),
    })
}

/// The env file, when the page's limits apply to it and are switched on.
fn with_limits_on(evidence: &Evidence) -> Result<&Declared, Vec<Verdict>> {
    let declared = page_variables(evidence, "RATE_LIMIT_*")?;
    match declared.switch("RATE_LIMIT_ENABLED") {
        Switch::On => Ok(declared),
        _ => Err(skipped("rate limits are off: see rate-limit.disabled")),
    }
}

/// The env file, when it is one that the page's variables apply to.
pub fn page_variables<'e>(
    evidence: &'e Evidence,
    variable: &str,
) -> Result<&'e Declared, Vec<Verdict>> {
    let Some(declared) = &evidence.declared else {
        return Err(skipped("no env file was read"));
    };
    if evidence.dialect == Dialect::Upstream {
        let reason =
            format!("stock OpenClaw does not read {variable}; only the live endpoint tells");
        return Err(skipped(reason));
    }
    Ok(declared)
}

/// Fails unless the switch is on.
pub fn switch_must_be_on(evidence: &Evidence, name: &str) -> Vec<Verdict> {
    let declared = match page_variables(evidence, name) {
        Ok(declared) => declared,
        Err(verdict) => return verdict,
    };
    match declared.switch(name) {
        Switch::On => pass(format!("{name} is true")),
        other => fail(
            Finding::new(name, other.complaint(name))
                .at(declared.place(name))
                .with("variable", name),
        ),
    }
}

fn disabled(evidence: &Evidence) -> Vec<Verdict> {
    switch_must_be_on(evidence, "RATE_LIMIT_ENABLED")
}

fn invalid(evidence: &Evidence) -> Vec<Verdict> {
    let declared = match with_limits_on(evidence) {
        Ok(declared) => declared,
        Err(verdict) => return verdict,
    };
    let findings = NUMBERS
        .iter()
        .filter_map(|name| {
            let assignment = declared.file.get(name)?;
            let (what, message) = match number(declared, name) {
                Number::Invalid(why) => (why, format!("{name} {why}")),
                _ if assignment.comment_span.is_some() => (
                    "comment",
                    format!("{name} is followed by a comment, which docker --env-file and systemd keep as part of the value"),
                ),
                _ => return None,
            };
            Some(
                Finding::new(format!("{name} {what}"), message)
                    .at(declared.location(assignment))
                    .with("variable", *name),
            )
        })
        .collect();
    findings_or_pass(findings, "every limit that is set is a plain number")
}

fn lenient(evidence: &Evidence) -> Vec<Verdict> {
    let declared = match with_limits_on(evidence) {
        Ok(declared) => declared,
        Err(verdict) => return verdict,
    };
    let values =
        ["RATE_LIMIT_REQUESTS", "RATE_LIMIT_WINDOW"].map(|name| (name, number(declared, name)));
    if let Some((name, _)) = values
        .iter()
        .find(|(_, number)| matches!(number, Number::Invalid(_)))
    {
        return skipped(format!("{name} is no number: see rate-limit.invalid"));
    }
    if let [(_, _), (name, Number::Valid(window))] = values
        && window < SHORTEST_WINDOW_MS
    {
        let message =
            format!("{name} is {window} milliseconds, under one second: were seconds meant?");
        return fail(
            Finding::new("window", message)
                .at(declared.place(name))
                .with("window_ms", window as u64),
        );
    }
    let [(_, Number::Valid(requests)), (_, Number::Valid(window))] = values else {
        let unset: Vec<&str> = values
            .iter()
            .filter(|(_, n)| *n == Number::Unset)
            .map(|(name, _)| *name)
            .collect();
        let names = unset.join(" and ");
        return unknown(format!(
            "{names} is not set and the default is not documented; set it in the env file"
        ));
    };
    let per_minute = requests * 60_000 / window;
    if requests * 60_000 > MOST_REQUESTS_PER_MINUTE * window {
        let message = format!(
            "the limit allows {per_minute} requests a minute; more than {MOST_REQUESTS_PER_MINUTE} stop nobody"
        );
        return fail(
            Finding::new("requests", message)
                .at(declared.place("RATE_LIMIT_REQUESTS"))
                .with("requests_per_minute", per_minute as u64)
                .with("window_ms", window as u64),
        );
    }
    pass(format!("the limit allows {per_minute} requests a minute"))
}

fn per_client_missing(evidence: &Evidence) -> Vec<Verdict> {
    let declared = match with_limits_on(evidence) {
        Ok(declared) => declared,
        Err(verdict) => return verdict,
    };
    let missing: Vec<&str> = ["RATE_LIMIT_PER_USER", "RATE_LIMIT_PER_IP"]
        .into_iter()
        .filter(|name| number(declared, name) == Number::Unset)
        .collect();
    if missing.is_empty() {
        return pass("users and addresses have limits of their own");
    }
    let message = format!("{} is not set", missing.join(" and "));
    fail(
        Finding::new(missing.join(" "), message)
            .at(declared.place(missing[0]))
            .with("variables", missing),
    )
}

fn inconsistent(evidence: &Evidence) -> Vec<Verdict> {
    let declared = match with_limits_on(evidence) {
        Ok(declared) => declared,
        Err(verdict) => return verdict,
    };
    let limits = (
        number(declared, "RATE_LIMIT_PER_USER"),
        number(declared, "RATE_LIMIT_PER_IP"),
    );
    match limits {
        (Number::Valid(user), Number::Valid(address)) if user > address => fail(
            Finding::new(
                "per user above per address",
                "RATE_LIMIT_PER_USER is above RATE_LIMIT_PER_IP and can never be reached from one address",
            )
            .at(declared.place("RATE_LIMIT_PER_USER"))
            .with("per_user", user as u64)
            .with("per_ip", address as u64),
        ),
        (Number::Valid(_), Number::Valid(_)) => pass("the limit per user is within the limit per address"),
        _ => skipped("one of the two limits is unset or no number: see the other rate-limit checks"),
    }
}
