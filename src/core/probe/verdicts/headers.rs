//! The response headers that protect a browser: HSTS, nosniff, frames and referrer.

use url::Host;

use super::{LiveVerdict, facts, facts_with, front, needs_https, not_the_application};
use crate::order;
use crate::probe::evidence::{Exchange, LiveEvidence};

/// 180 days.
const ENOUGH_SECONDS: u64 = 15_552_000;

/// `https.hsts`: no Strict-Transport-Security, or one under 180 days (RFC 6797).
pub fn hsts(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    if let Some(verdict) = needs_https(evidence) {
        return vec![verdict];
    }
    if !matches!(evidence.url.host(), Some(Host::Domain(_))) {
        let reason = "browsers ignore HSTS for an address (RFC 6797, 8.1.1)";
        return vec![LiveVerdict::skipped(reason)];
    }
    vec![front(evidence).map_or_else(|verdict| verdict, judge_hsts)]
}

/// `https.security-headers`: one verdict per missing header, or one pass.
pub fn security_headers(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    let exchange = match front(evidence) {
        Ok(exchange) => exchange,
        Err(verdict) => return vec![verdict],
    };
    if let Some(reason) = not_the_application(exchange) {
        return vec![LiveVerdict::unknown(reason)];
    }
    if exchange.is_redirect() {
        let reason = format!(
            "--url answers with a redirect ({}), not with a page: name the page's own address",
            exchange.status
        );
        return vec![LiveVerdict::unknown(reason)];
    }
    let missing = missing_headers(exchange);
    if missing.is_empty() {
        return vec![LiveVerdict::pass(
            headers_elsewhere(evidence),
            facts(exchange),
        )];
    }
    let fail = |(header, why): (&'static str, &str)| {
        let message = match exchange.header(&header.to_ascii_lowercase()) {
            None => format!("{header} is missing: {why}"),
            Some(_) => format!("{header} is there, but {why}"),
        };
        let facts = facts_with(exchange, &header.to_ascii_lowercase());
        LiveVerdict::fail(header, message, facts)
    };
    missing.into_iter().map(fail).collect()
}

/// nginx drops inherited `add_header` lines in a location with its own, so answers to protected
/// paths can differ; that is worth a word and no failure.
fn headers_elsewhere(evidence: &LiveEvidence) -> String {
    let protected = evidence.protected.iter();
    let lacking = protected
        .filter_map(|asked| asked.answer.as_ref().ok().map(|answer| (asked, answer)))
        .find(|(_, answer)| answer.status == 401 && !missing_headers(answer).is_empty());
    match lacking {
        Some((asked, answer)) => {
            let names: Vec<_> = missing_headers(answer)
                .iter()
                .map(|found| found.0)
                .collect();
            format!(
                "the page carries the protecting headers; the 401 of {} lacks {}",
                asked.path,
                names.join(", ")
            )
        }
        None => "the answer carries the protecting headers".to_owned(),
    }
}

fn missing_headers(exchange: &Exchange) -> Vec<(&'static str, &'static str)> {
    let mut missing = Vec::new();
    if !is_nosniff(exchange) {
        let why = match exchange.header("x-content-type-options") {
            None => "browsers guess content types and may run what is no script",
            Some(_) => "its first value is not nosniff, so browsers guess content types",
        };
        missing.push(("X-Content-Type-Options", why));
    }
    if exchange.is_html() && !is_frame_protected(exchange) {
        missing.push(("X-Frame-Options", unprotected(exchange)));
    }
    let referrer = exchange.header_all("referrer-policy");
    if !referrer.into_iter().any(|value| !value.trim().is_empty()) {
        let why = match exchange.header("referrer-policy") {
            None => "full addresses may be told to other sites",
            Some(_) => "it is empty: full addresses may be told to other sites",
        };
        missing.push(("Referrer-Policy", why));
    }
    missing
}

/// The first value counts, as in the Fetch standard's "determine nosniff".
fn is_nosniff(exchange: &Exchange) -> bool {
    exchange
        .header("x-content-type-options")
        .and_then(|value| value.split(',').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("nosniff"))
}

/// An enforced `frame-ancestors` decides alone where there is one; browsers then ignore
/// X-Frame-Options (HTML standard, "the X-Frame-Options header").
fn is_frame_protected(exchange: &Exchange) -> bool {
    let mut lists = frame_ancestors(exchange).peekable();
    if lists.peek().is_some() {
        return lists.any(|sources| !sources.iter().any(|source| is_anybody(source)));
    }
    let mut options: Vec<String> = exchange
        .header_all("x-frame-options")
        .flat_map(|value| value.split(','))
        .map(|value| value.trim().to_ascii_lowercase())
        .collect();
    order::sort(&mut options);
    options.dedup();
    // Contradicting values are taken as a refusal.
    options.len() == 1 && matches!(options[0].as_str(), "deny" | "sameorigin")
        || options.len() > 1
            && options
                .iter()
                .any(|value| matches!(value.as_str(), "deny" | "sameorigin" | "allowall"))
}

/// Why any site may put the page into a frame and steal clicks.
fn unprotected(exchange: &Exchange) -> &'static str {
    if exchange.header("x-frame-options").is_none() {
        return "any site may put the page into a frame and steal clicks";
    }
    if frame_ancestors(exchange).next().is_some() {
        return "frame-ancestors of Content-Security-Policy decides alone where there is one, and it \
                lets everybody put the page into a frame";
    }
    "browsers ignore values other than DENY and SAMEORIGIN: any site may put the page into a frame"
}

fn frame_ancestors(exchange: &Exchange) -> impl Iterator<Item = Vec<&str>> {
    exchange
        .header_all("content-security-policy")
        .flat_map(|value| value.split(','))
        .filter_map(|policy| {
            policy.split(';').find_map(|directive| {
                let mut words = directive.split_ascii_whitespace();
                let name = words.next()?;
                name.eq_ignore_ascii_case("frame-ancestors")
                    .then(|| words.collect())
            })
        })
}

fn is_anybody(source: &str) -> bool {
    let source = source.to_ascii_lowercase();
    let without_scheme = ["http://", "https://"]
        .iter()
        .find_map(|scheme| source.strip_prefix(scheme));
    let host = without_scheme.unwrap_or(&source);
    // `*:443` and `*:*` are any host, too.
    let port = host
        .strip_prefix('*')
        .map(|rest| rest.strip_prefix(':').unwrap_or(rest));
    let is_port = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'*')
    };
    matches!(source.as_str(), "http:" | "https:") || port.is_some_and(is_port)
}

fn judge_hsts(exchange: &Exchange) -> LiveVerdict {
    if let Some(reason) = not_the_application(exchange) {
        return LiveVerdict::unknown(reason);
    }
    const NAME: &str = "strict-transport-security";
    let facts = facts_with(exchange, NAME);
    let Some(value) = exchange.header(NAME) else {
        let message = "no Strict-Transport-Security: the first visit of each browser may be http";
        return LiveVerdict::fail("missing", message, facts);
    };
    match max_age(value) {
        None => LiveVerdict::fail(
            "not valid",
            "the Strict-Transport-Security header does not parse, so browsers ignore it",
            facts,
        ),
        Some(seconds) if seconds < ENOUGH_SECONDS => LiveVerdict::fail(
            "too short",
            format!("Strict-Transport-Security lasts {seconds} s, under 180 days"),
            facts,
        ),
        Some(seconds) => LiveVerdict::pass(
            format!("Strict-Transport-Security lasts {} days", seconds / 86_400),
            facts,
        ),
    }
}

/// The `max-age` of a Strict-Transport-Security value in seconds; nothing where the value is not
/// valid (RFC 6797, 6.1: names in any case, quoted values, each directive once).
fn max_age(value: &str) -> Option<u64> {
    let mut seen = Vec::new();
    let mut seconds = None;
    for directive in split_directives(value)? {
        let directive = directive.trim_matches([' ', '\t']);
        if directive.is_empty() {
            continue;
        }
        let (name, value) = match directive.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start())?)),
            None => (directive, None),
        };
        let name = name.to_ascii_lowercase();
        if !is_token(&name) || seen.contains(&name) {
            return None;
        }
        if name == "max-age" {
            seconds = Some(delta_seconds(&value?)?);
        }
        seen.push(name);
    }
    seconds
}

/// Splits at semicolons outside of quotes.
fn split_directives(value: &str) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (place, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => {
                parts.push(&value[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(&value[start..]);
    (!quoted).then_some(parts)
}

fn unquoted(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else {
        return is_token(value).then(|| value.to_owned());
    };
    let inner = inner.strip_suffix('"')?;
    Some(inner.replace('\\', ""))
}

fn is_token(text: &str) -> bool {
    let special = b"!#$%&'*+-.^_`|~";
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || special.contains(&byte))
}

/// Digits only; more than fit count as very long.
fn delta_seconds(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{evidence, exchange};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hsts_values_and_their_seconds() {
        for (value, expected) in [
            ("max-age=15552000", Some(15_552_000)),
            (
                "MAX-AGE=\"63072000\"; includeSubDomains; preload",
                Some(63_072_000),
            ),
            (" max-age = 31536000 ;", Some(31_536_000)),
            (";;includeSubDomains; max-age=1", Some(1)),
            ("max-age=99999999999999999999999", Some(u64::MAX)),
            ("x=\"a;b\"; max-age=5", Some(5)),
            ("max-age=0", Some(0)),
            ("max-age=1; max-age=2", None),
            ("max-age", None),
            ("max-age=", None),
            ("max-age=-1", None),
            ("max-age=1 day", None),
            ("max-age=\"5", None),
            ("includeSubDomains", None),
            ("", None),
        ] {
            assert_eq!(max_age(value), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_hsts_value_is_read_without_a_panic(value in ".{0,80}") {
            let _ = max_age(&value);
        }

        #[test]
        fn a_written_max_age_is_read_back(seconds: u64, quoted: bool) {
            let value = if quoted { format!("\"{seconds}\"") } else { seconds.to_string() };
            prop_assert_eq!(max_age(&format!("preload; Max-Age={value}")), Some(seconds));
        }
    }

    #[test]
    fn hsts_of_an_address_is_skipped_and_of_a_silent_endpoint_unknown() {
        let mut evidence = evidence();
        assert!(hsts(&evidence)[0].is_fail());
        evidence.front = Err(crate::probe::Silence::TimedOut);
        assert!(matches!(hsts(&evidence)[0], LiveVerdict::Unknown { .. }));
        evidence.url = url::Url::parse("https://203.0.113.5/").unwrap();
        assert!(matches!(hsts(&evidence)[0], LiveVerdict::Skipped { .. }));
    }

    #[test]
    fn only_the_first_hsts_header_counts() {
        let mut evidence = evidence();
        let name = "strict-transport-security";
        let headers = [(name, "max-age=1"), (name, "max-age=63072000")];
        evidence.front = Ok(exchange(200, &headers, ""));
        assert!(hsts(&evidence)[0].is_fail());
    }

    #[test]
    fn frame_protection_of_html() {
        let xfo = "x-frame-options";
        let csp = "content-security-policy";
        let report_only = "content-security-policy-report-only";
        let cases: &[(&[(&str, &str)], bool)] = &[
            (&[(xfo, "DENY")], true),
            (&[(xfo, "sameorigin")], true),
            (&[(xfo, "SAMEORIGIN, SAMEORIGIN")], true),
            (&[(xfo, "DENY"), (xfo, "SAMEORIGIN")], true),
            (&[(xfo, "ALLOW-FROM https://a.example")], false),
            (&[(xfo, "ALLOWALL")], false),
            (&[(csp, "default-src 'self'; frame-ancestors 'none'")], true),
            (&[(csp, "Frame-Ancestors 'self' https://a.example")], true),
            (&[(csp, "frame-ancestors")], true),
            (&[(csp, "frame-ancestors *")], false),
            (&[(csp, "frame-ancestors https:")], false),
            (&[(csp, "frame-ancestors *:*")], false),
            (&[(csp, "frame-ancestors *:443")], false),
            (&[(csp, "frame-ancestors https://*:*")], false),
            (&[(csp, "frame-ancestors *.example")], true),
            (&[(csp, "frame-ancestors https://*.example:443")], true),
            (&[(csp, "frame-ancestors *"), (xfo, "DENY")], false),
            (
                &[(csp, "frame-ancestors *"), (csp, "frame-ancestors 'self'")],
                true,
            ),
            (&[(csp, "default-src 'none'")], false),
            (&[(report_only, "frame-ancestors 'none'")], false),
            (&[], false),
        ];
        for (headers, expected) in cases {
            assert_eq!(
                is_frame_protected(&exchange(200, headers, "")),
                *expected,
                "{headers:?}"
            );
        }
    }

    #[test]
    fn a_header_that_is_there_and_does_not_protect_is_not_called_missing() {
        let html = ("content-type", "text/html");
        let csp = ("content-security-policy", "frame-ancestors *");
        for (headers, expected) in [
            (vec![html], "X-Frame-Options is missing: any site"),
            (
                vec![html, ("x-frame-options", "ALLOW-FROM https://a.example")],
                "is there, but browsers ignore",
            ),
            (
                vec![html, ("x-frame-options", "\"DENY\"")],
                "is there, but browsers ignore",
            ),
            (
                vec![html, ("x-frame-options", "DENY"), csp],
                "is there, but frame-ancestors",
            ),
            (vec![html, csp], "X-Frame-Options is missing: any site"),
            (
                vec![("x-content-type-options", "sniff")],
                "is there, but its first value",
            ),
            (vec![("referrer-policy", " ")], "is there, but it is empty"),
        ] {
            let mut evidence = evidence();
            evidence.front = Ok(exchange(200, &headers, ""));
            let verdicts = format!("{:?}", security_headers(&evidence));
            assert!(verdicts.contains(expected), "{expected}: {verdicts}");
        }
    }

    #[test]
    fn frames_are_asked_of_html_only_and_each_header_gives_its_own_verdict() {
        let html = ("content-type", "text/html; charset=utf-8");
        let json = ("content-type", "application/json");
        let sniff = ("x-content-type-options", "nosniff");
        let referrer = ("referrer-policy", "no-referrer");
        type Headers<'a> = &'a [(&'a str, &'a str)];
        let cases: &[(Headers<'_>, &[&str])] = &[
            (
                &[html],
                &[
                    "X-Content-Type-Options",
                    "X-Frame-Options",
                    "Referrer-Policy",
                ],
            ),
            (&[html, sniff, referrer], &["X-Frame-Options"]),
            (&[json, sniff, referrer], &[]),
            (
                &[json, ("x-content-type-options", "sniff"), referrer],
                &["X-Content-Type-Options"],
            ),
            (
                &[json, sniff, ("referrer-policy", " ")],
                &["Referrer-Policy"],
            ),
        ];
        for (headers, expected) in cases {
            let mut evidence = evidence();
            evidence.front = Ok(exchange(401, headers, ""));
            let verdicts = security_headers(&evidence);
            let subjects: Vec<_> = verdicts
                .iter()
                .filter_map(|verdict| match verdict {
                    LiveVerdict::Fail { subject, .. } => Some(subject.as_str()),
                    _ => None,
                })
                .collect();
            assert_eq!(&subjects, expected);
            assert_eq!(verdicts[0].is_pass(), expected.is_empty());
        }
    }

    #[test]
    fn headers_of_a_redirect_or_a_broken_backend_are_unknown() {
        for status in [302, 429, 502, 503] {
            let mut evidence = evidence();
            evidence.front = Ok(exchange(status, &[], ""));
            let verdicts = security_headers(&evidence);
            assert!(
                matches!(verdicts[..], [LiveVerdict::Unknown { .. }]),
                "{status}"
            );
        }
    }
}
