//! Plain http: does it serve anything, and does it lead to https for good?

use url::Url;

use super::edge::challenge;
use super::{LiveVerdict, facts, facts_with, is_closed, not_the_application};
use crate::probe::evidence::{Exchange, LiveEvidence, Silence};

/// `https.plaintext`: content is served over plain http (OWASP ASVS 12.2.1).
pub fn plaintext(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    vec![match &evidence.plain {
        Err(silence) if is_closed(silence) => closed(evidence),
        Err(silence) => LiveVerdict::unknown(format!("plain http: {silence}")),
        Ok(exchange) => judge_plaintext(exchange),
    }]
}

/// `https.redirect`: http leads to https on the same host with 301 or 308.
pub fn redirect(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    vec![match &evidence.plain {
        Err(silence) if is_closed(silence) => closed(evidence),
        Err(silence) => LiveVerdict::unknown(format!("plain http: {silence}")),
        Ok(exchange) => judge_redirect(exchange, &evidence.url),
    }]
}

/// A closed port serves nothing; where the endpoint itself does not answer it says nothing at all.
fn closed(evidence: &LiveEvidence) -> LiveVerdict {
    if let Err(silence) = &evidence.peer {
        return LiveVerdict::unknown(silence);
    }
    if evidence.url.scheme() == "http" {
        return LiveVerdict::unknown(Silence::Refused);
    }
    let mut facts = serde_json::Map::new();
    let addresses = evidence.addresses.iter().flatten();
    let refused: Vec<String> = addresses
        .map(|address| format!("{address} port 80"))
        .collect();
    facts.insert("refused".into(), refused.into());
    LiveVerdict::pass("port 80 is closed", facts)
}

fn judge_plaintext(exchange: &Exchange) -> LiveVerdict {
    if let Some(reason) = challenge(exchange) {
        return LiveVerdict::unknown(format!("plain http: {reason}"));
    }
    if is_refused(exchange) {
        return LiveVerdict::pass(refusal(exchange), facts(exchange));
    }
    if let Some(reason) = not_the_application(exchange) {
        return LiveVerdict::unknown(format!("plain http: {reason}"));
    }
    match exchange.status {
        200..300 => LiveVerdict::fail(
            "plain http",
            format!("plain http serves content (status {})", exchange.status),
            facts(exchange),
        ),
        300..400 => LiveVerdict::pass(
            "plain http serves no content, it redirects",
            facts_with(exchange, "location"),
        ),
        status => LiveVerdict::unknown(format!("plain http answers with status {status}")),
    }
}

fn judge_redirect(exchange: &Exchange, endpoint: &Url) -> LiveVerdict {
    if let Some(reason) = challenge(exchange) {
        return LiveVerdict::unknown(format!("plain http: {reason}"));
    }
    if is_refused(exchange) {
        return LiveVerdict::pass(refusal(exchange), facts(exchange));
    }
    if let Some(reason) = not_the_application(exchange) {
        return LiveVerdict::unknown(format!("plain http: {reason}"));
    }
    let evidence = facts_with(exchange, "location");
    let fail =
        |subject: &str, message: String| LiveVerdict::fail(subject, message, evidence.clone());
    match exchange.status {
        301 | 308 => {}
        300..400 => {
            let message = format!(
                "plain http redirects with {}, which is not for good: browsers ask http again",
                exchange.status
            );
            return fail("not permanent", message);
        }
        200..300 => {
            let message = "plain http answers with content instead of a redirect to https";
            return fail("no redirect", message.to_owned());
        }
        status => {
            return LiveVerdict::unknown(format!("plain http answers with status {status}"));
        }
    }
    let Some(target) = exchange.header("location").map(Url::parse) else {
        return fail(
            "no target",
            "plain http redirects without a target".to_owned(),
        );
    };
    match target {
        Err(_) => fail(
            "relative target",
            "plain http redirects to a relative address, so to http again".to_owned(),
        ),
        Ok(target) if target.scheme() != "https" => fail(
            "target is not https",
            "plain http does not redirect to https".to_owned(),
        ),
        Ok(target) if target.host() != endpoint.host() => fail(
            "another host",
            "plain http redirects to another host before https protects this one".to_owned(),
        ),
        Ok(_) => LiveVerdict::pass(
            format!("plain http redirects to https with {}", exchange.status),
            evidence,
        ),
    }
}

/// Whoever refuses serves nothing, a limiter (429) included.
fn is_refused(exchange: &Exchange) -> bool {
    (400..500).contains(&exchange.status)
}

fn refusal(exchange: &Exchange) -> String {
    format!(
        "plain http is refused with status {} (what OWASP ASVS 4.1.2 prefers for an API)",
        exchange.status
    )
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{evidence, exchange};
    use super::*;

    /// `p` pass, `f` fail, `u` unknown.
    fn letter(verdicts: &[LiveVerdict]) -> char {
        match verdicts {
            [LiveVerdict::Pass { .. }] => 'p',
            [LiveVerdict::Fail { .. }] => 'f',
            [LiveVerdict::Unknown { .. }] => 'u',
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn answers_of_port_80_and_their_verdicts() {
        for (status, location, served, redirected) in [
            (301, Some("https://bot.example/"), 'p', 'p'),
            (308, Some("https://BOT.example/x"), 'p', 'p'),
            (301, Some("https://bot.example:8443/"), 'p', 'p'),
            (302, Some("https://bot.example/"), 'p', 'f'),
            (303, Some("https://bot.example/"), 'p', 'f'),
            (307, Some("https://bot.example/"), 'p', 'f'),
            (301, Some("https://www.bot.example/"), 'p', 'f'),
            (301, Some("https://bot.example.evil.example/"), 'p', 'f'),
            (301, Some("https://bot.example@evil.example/"), 'p', 'f'),
            (301, Some("http://bot.example/"), 'p', 'f'),
            (301, Some("/login"), 'p', 'f'),
            (301, None, 'p', 'f'),
            (200, None, 'f', 'f'),
            (204, None, 'f', 'f'),
            (403, None, 'p', 'p'),
            (404, None, 'p', 'p'),
            (429, None, 'p', 'p'),
            (502, None, 'u', 'u'),
        ] {
            let mut evidence = evidence();
            let headers: Vec<_> = location.map(|to| ("location", to)).into_iter().collect();
            evidence.plain = Ok(exchange(status, &headers, ""));
            assert_eq!(
                letter(&plaintext(&evidence)),
                served,
                "{status} {location:?}"
            );
            assert_eq!(
                letter(&redirect(&evidence)),
                redirected,
                "{status} {location:?}"
            );
        }
    }

    #[test]
    fn a_challenge_of_the_edge_refuses_nothing() {
        let mut evidence = evidence();
        evidence.plain = Ok(exchange(403, &[("cf-mitigated", "challenge")], ""));
        assert_eq!(letter(&plaintext(&evidence)), 'u');
        assert_eq!(letter(&redirect(&evidence)), 'u');
    }

    #[test]
    fn a_closed_port_passes_and_a_silent_one_is_unknown() {
        for (silence, expected) in [
            (Silence::Refused, 'p'),
            (Silence::Dropped, 'u'),
            (Silence::TimedOut, 'u'),
            (Silence::HungUp, 'u'),
            (Silence::NotHttp("noise".into()), 'u'),
        ] {
            let mut evidence = evidence();
            evidence.plain = Err(silence.clone());
            assert_eq!(letter(&plaintext(&evidence)), expected, "{silence}");
            assert_eq!(letter(&redirect(&evidence)), expected, "{silence}");
        }
    }

    #[test]
    fn a_closed_port_says_nothing_where_the_endpoint_does_not_answer() {
        for (url, peer) in [
            ("http://bot.example", evidence().peer),
            ("https://bot.example", Err(Silence::Refused)),
            ("https://bot.example", Err(Silence::Dropped)),
        ] {
            let mut evidence = evidence();
            evidence.url = Url::parse(url).unwrap();
            evidence.peer = peer;
            evidence.plain = Err(Silence::Refused);
            assert_eq!(letter(&plaintext(&evidence)), 'u', "{url}");
            assert_eq!(letter(&redirect(&evidence)), 'u', "{url}");
        }
    }
}
