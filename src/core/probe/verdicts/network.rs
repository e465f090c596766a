//! The way to the endpoint: Cloudflare Access in front, no way around it, no public private chat.

use std::net::IpAddr;

use serde_json::Map;
use url::{Host, Url};

use super::edge::{challenge, is_by_access};
use super::{LiveVerdict, facts, facts_with, front};
use crate::probe::endpoint::Profile;
use crate::probe::evidence::{Asked, Exchange, LiveEvidence, OriginAnswer, Silence};
use crate::probe::gateway::shows_mark;

/// `auth.cloudflare-access-missing`: the profile is `cloudflare-*` and no Access login stands in
/// front.
pub fn cloudflare_access_missing(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    if !evidence.profile.is_cloudflare() {
        return vec![LiveVerdict::skipped(
            "asked in the cloudflare profiles only",
        )];
    }
    vec![front(evidence).map_or_else(
        |verdict| verdict,
        |exchange| judge_access(exchange, &evidence.url),
    )]
}

/// `auth.origin-bypass`: the profile is `cloudflare-*` and the origin answers a direct connection.
pub fn origin_bypass(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    if !evidence.profile.is_cloudflare() {
        return vec![LiveVerdict::skipped(
            "asked in the cloudflare profiles only",
        )];
    }
    vec![match &evidence.origin {
        None => LiveVerdict::skipped("name the origin's address with --connect-to HOST:PORT"),
        Some(OriginAnswer::Answered(exchange)) => judge_origin(exchange),
        Some(OriginAnswer::Silent(silence)) => judge_silent_origin(silence),
        Some(OriginAnswer::RefusesHellos(silence)) => {
            closed(&format!("it refuses every hello ({silence})"))
        }
        Some(OriginAnswer::WantsCertificate(silence)) => closed(&format!(
            "it asks for a certificate of the client ({silence})"
        )),
        Some(OriginAnswer::TookHello {
            spoken,
            wants_certificate: true,
            ..
        }) => LiveVerdict::unknown(format!(
            "the origin speaks {spoken}, which cannot be spoken here, and asks for a certificate of \
             the client: whether it does without one was not seen"
        )),
        Some(OriginAnswer::TookHello { spoken, peer, .. }) => {
            let mut facts = Map::new();
            facts.insert("spoken".into(), spoken.clone().into());
            facts.insert("peer".into(), peer.to_string().into());
            let message = format!(
                "the origin takes up a direct connection ({spoken}): whoever knows its address goes \
                 around Cloudflare"
            );
            LiveVerdict::fail("origin answers", message, facts)
        }
    }]
}

/// `network.private-chat-public`: the profile is `tailscale` and the web chat answers on a public
/// address. One verdict per open address.
pub fn private_chat_public(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    if evidence.profile != Profile::Tailscale {
        return vec![LiveVerdict::skipped("asked in the tailscale profile only")];
    }
    if let Err(silence) = &evidence.addresses {
        return vec![LiveVerdict::unknown(silence)];
    }
    let mut verdicts = Vec::new();
    let mut open = None;
    for asked in &evidence.public_addresses {
        let address = asked.address;
        let on_port_80 = asked.plain.iter().map(|answer| (answer, ", on port 80"));
        for (answer, port) in std::iter::once((&asked.answer, "")).chain(on_port_80) {
            match answer {
                Ok(exchange) if !port.is_empty() && leads_to_https(exchange) => {}
                Ok(exchange)
                    if !port.is_empty()
                        && is_content(exchange)
                        && !is_the_chat(exchange, &evidence.front) =>
                {
                    open = Some(format!(
                        "something answers on port 80 of {address} with {}, and whether that is the \
                         chat was not seen",
                        exchange.status
                    ));
                }
                Ok(exchange) if is_content(exchange) => {
                    let message = format!("the chat answers on the public address {address}{port}");
                    let facts = facts(exchange);
                    verdicts.push(LiveVerdict::fail(address.to_string(), message, facts));
                    break;
                }
                Ok(exchange) if exchange.status >= 500 || exchange.status == 429 => {
                    open = Some(format!("{address} answers {}{port}", exchange.status));
                }
                Ok(_) | Err(Silence::Refused | Silence::Dropped) => {}
                Err(silence) => open = Some(format!("{address}{port}: {silence}")),
            }
        }
    }
    if let Some(reason) = open {
        verdicts.push(LiveVerdict::unknown(reason));
    }
    if verdicts.is_empty() {
        let message = match evidence.public_addresses.len() {
            0 => "the name has no public address".to_owned(),
            count => format!("{count} public addresses do not serve the chat"),
        };
        let mut facts = Map::new();
        let addresses = evidence.addresses.iter().flatten();
        let addresses: Vec<String> = addresses.map(ToString::to_string).collect();
        facts.insert("addresses".into(), addresses.into());
        verdicts.push(LiveVerdict::pass(message, facts));
    }
    verdicts
}

fn is_content(exchange: &Exchange) -> bool {
    exchange.status < 400 || exchange.status == 401
}

/// On port 80 there may be another site: the chat shows a gateway's mark or the endpoint's own page.
fn is_the_chat(exchange: &Exchange, front: &Asked<Exchange>) -> bool {
    let is_same = |front: &Exchange| {
        (front.status, &front.body) == (exchange.status, &exchange.body)
            && front.header("location") == exchange.header("location")
    };
    let is_front = || !exchange.body.is_empty() && front.as_ref().is_ok_and(is_same);
    shows_mark(exchange) || is_front()
}

/// Whoever is sent on to https gets nothing of a chat.
fn leads_to_https(exchange: &Exchange) -> bool {
    let target = exchange.header("location").map(Url::parse);
    exchange.is_redirect() && matches!(target, Some(Ok(target)) if target.scheme() == "https")
}

/// Whether an address can be reached from the internet; the tailnet's ranges cannot.
pub(in crate::probe) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let shared = first == 100 && (64..128).contains(&second);
            !(v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_unspecified()
                || shared)
        }
        // Unique local addresses hold the tailnet's fd7a:115c:a1e0::/48.
        IpAddr::V6(v6) => {
            !(v6.is_loopback()
                || v6.is_unicast_link_local()
                || v6.is_unique_local()
                || v6.is_unspecified())
        }
    }
}

fn judge_access(exchange: &Exchange, endpoint: &Url) -> LiveVerdict {
    let target = exchange
        .header("location")
        .and_then(|location| endpoint.join(location).ok());
    let login = target.is_some_and(|url| match url.host() {
        Some(Host::Domain(name)) => name.ends_with(".cloudflareaccess.com"),
        _ => false,
    });
    if exchange.is_redirect() && login {
        let facts = facts_with(exchange, "location");
        return LiveVerdict::pass("the answer leads to a Cloudflare Access login", facts);
    }
    if is_by_access(exchange) {
        let facts = facts_with(exchange, "www-authenticate");
        let message = match exchange.status {
            403 => "a policy of Cloudflare Access refuses",
            _ => "Cloudflare Access asks for a login",
        };
        return LiveVerdict::pass(message, facts);
    }
    if let Some(reason) = challenge(exchange) {
        return LiveVerdict::unknown(reason);
    }
    if exchange.status >= 500 {
        return LiveVerdict::unknown(format!("the endpoint answers {}", exchange.status));
    }
    let message = format!(
        "no Cloudflare Access login stands in front: the answer is {}",
        exchange.status
    );
    LiveVerdict::fail("no access login", message, facts(exchange))
}

fn judge_origin(exchange: &Exchange) -> LiveVerdict {
    match exchange.status {
        400 | 403 | 421 => {
            let message = format!(
                "the origin refuses a direct request with {}",
                exchange.status
            );
            LiveVerdict::pass(message, facts(exchange))
        }
        500.. => LiveVerdict::unknown(format!("the origin answers {}", exchange.status)),
        status => {
            let message = format!(
                "the origin answers a direct connection with {status}: whoever knows its address \
                 goes around Cloudflare"
            );
            LiveVerdict::fail("origin answers", message, facts(exchange))
        }
    }
}

/// Alerts for whoever shows no certificate or comes by a wrong name: bad_certificate,
/// access_denied, unrecognized_name, certificate_required.
const TURNED_AWAY: &[u8] = &[42, 49, 112, 116];

fn closed(why: &str) -> LiveVerdict {
    let mut facts = Map::new();
    facts.insert("answer".into(), why.into());
    LiveVerdict::pass(format!("the origin is closed: {why}"), facts)
}

fn judge_silent_origin(silence: &Silence) -> LiveVerdict {
    match silence {
        Silence::Refused | Silence::Dropped | Silence::HungUp => closed(&silence.to_string()),
        Silence::TlsAlert(alert, _) if TURNED_AWAY.contains(alert) => closed(&silence.to_string()),
        Silence::TlsFailed(_) | Silence::TlsAlert(..) => LiveVerdict::unknown(format!(
            "the origin: {silence}; it may speak TLS that cannot be spoken here"
        )),
        silence => LiveVerdict::unknown(format!("the origin: {silence}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{evidence, exchange};
    use super::*;
    use crate::probe::evidence::PublicAnswer;

    fn letters(verdicts: &[LiveVerdict]) -> String {
        let letter = |verdict: &LiveVerdict| match verdict {
            LiveVerdict::Pass { .. } => 'p',
            LiveVerdict::Fail { .. } => 'f',
            LiveVerdict::Unknown { .. } => 'u',
            LiveVerdict::Skipped { .. } => 's',
        };
        verdicts.iter().map(letter).collect()
    }

    #[test]
    fn proofs_of_access_and_what_is_none() {
        let to = |target| ("location", target);
        for (status, header, expected) in [
            (
                302,
                Some(to("https://team.cloudflareaccess.com/cdn-cgi/access/login")),
                "p",
            ),
            (
                302,
                Some(to("https://cloudflareaccess.com.evil.example/")),
                "f",
            ),
            (302, Some(to("/login?next=team.cloudflareaccess.com")), "f"),
            (
                401,
                Some(("www-authenticate", "Cloudflare-Access realm=x")),
                "p",
            ),
            (401, Some(("www-authenticate", "Bearer")), "f"),
            (403, Some(("cf-access-aud", "abc")), "p"),
            (403, None, "f"),
            (403, Some(("cf-mitigated", "challenge")), "u"),
            (200, None, "f"),
            (429, None, "f"),
            (502, None, "u"),
        ] {
            let mut evidence = evidence();
            evidence.profile = Profile::CloudflareTunnel;
            let headers: Vec<_> = header.into_iter().collect();
            evidence.front = Ok(exchange(status, &headers, ""));
            let found = letters(&cloudflare_access_missing(&evidence));
            assert_eq!(found, expected, "{status} {header:?}");
        }
        assert_eq!(letters(&cloudflare_access_missing(&evidence())), "s");
    }

    #[test]
    fn answers_of_an_origin_and_their_verdicts() {
        let status = |status| Some(OriginAnswer::Answered(exchange(status, &[], "")));
        let silent = |silence| Some(OriginAnswer::Silent(silence));
        let alert = |number| silent(Silence::TlsAlert(number, "received".into()));
        let took_hello = |wants_certificate| {
            Some(OriginAnswer::TookHello {
                spoken: "TLS 1.2 with TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256".into(),
                wants_certificate,
                peer: "198.51.100.10:443".parse().unwrap(),
            })
        };
        for (origin, expected) in [
            (None, "s"),
            (status(200), "f"),
            (status(401), "f"),
            (status(302), "f"),
            (status(404), "f"),
            (status(429), "f"),
            (status(400), "p"),
            (status(403), "p"),
            (status(421), "p"),
            (status(502), "u"),
            (silent(Silence::Refused), "p"),
            (silent(Silence::Dropped), "p"),
            (silent(Silence::HungUp), "p"),
            (alert(42), "p"),
            (alert(49), "p"),
            (alert(112), "p"),
            (alert(116), "p"),
            (alert(40), "u"),
            (alert(70), "u"),
            (
                silent(Silence::TlsFailed("peer is incompatible".into())),
                "u",
            ),
            (
                Some(OriginAnswer::WantsCertificate(Silence::TlsAlert(
                    40,
                    "received".into(),
                ))),
                "p",
            ),
            (
                Some(OriginAnswer::RefusesHellos(Silence::TlsAlert(
                    40,
                    "received".into(),
                ))),
                "p",
            ),
            (took_hello(false), "f"),
            (took_hello(true), "u"),
            (silent(Silence::TimedOut), "u"),
            (silent(Silence::NotResolved("no".into())), "u"),
        ] {
            let mut evidence = evidence();
            evidence.profile = Profile::CloudflareOrigin;
            evidence.origin = origin.clone();
            assert_eq!(letters(&origin_bypass(&evidence)), expected, "{origin:?}");
        }
    }

    #[test]
    fn addresses_and_whether_they_are_public() {
        for (address, expected) in [
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.31.0.1", false),
            ("192.168.1.1", false),
            ("169.254.1.1", false),
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            ("100.128.0.1", true),
            ("198.51.100.10", true),
            ("8.8.8.8", true),
            ("::1", false),
            ("fe80::1", false),
            ("fd7a:115c:a1e0::1", false),
            ("fc00::1", false),
            ("::ffff:10.0.0.1", false),
            ("2001:db8::1", true),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn a_chat_on_a_public_address_fails_and_a_closed_one_passes() {
        for (answer, expected) in [
            (Ok(exchange(200, &[], "")), "f"),
            (Ok(exchange(401, &[], "")), "f"),
            (Ok(exchange(403, &[], "")), "p"),
            (Ok(exchange(503, &[], "")), "u"),
            (Err(Silence::Refused), "p"),
            (Err(Silence::Dropped), "p"),
            (Err(Silence::TimedOut), "u"),
        ] {
            let mut evidence = evidence();
            evidence.profile = Profile::Tailscale;
            evidence.public_addresses = vec![PublicAnswer {
                address: "198.51.100.10".parse().unwrap(),
                answer: answer.clone(),
                plain: None,
            }];
            assert_eq!(
                letters(&private_chat_public(&evidence)),
                expected,
                "{answer:?}"
            );
        }
    }

    #[test]
    fn a_chat_on_port_80_of_a_public_address_is_as_public() {
        const CHAT: &str = "<h1>Mia's chat</h1>";
        let to = |target: &'static str| Ok(exchange(301, &[("location", target)], ""));
        for (answer, plain, expected) in [
            (Err(Silence::Refused), Ok(exchange(200, &[], CHAT)), "f"),
            (
                Err(Silence::Refused),
                Ok(exchange(200, &[], "<openclaw-app>")),
                "f",
            ),
            (Err(Silence::Refused), Ok(exchange(200, &[], "hello")), "u"),
            (Err(Silence::Refused), Ok(exchange(200, &[], "")), "u"),
            (Err(Silence::Dropped), Ok(exchange(401, &[], CHAT)), "u"),
            (Err(Silence::Refused), to("/login"), "u"),
            (Err(Silence::Refused), to("http://bot.example/"), "u"),
            (Err(Silence::Refused), to("https://bot.example/"), "p"),
            (Err(Silence::Refused), Ok(exchange(404, &[], "")), "p"),
            (Err(Silence::Refused), Ok(exchange(502, &[], "")), "u"),
            (Err(Silence::Refused), Err(Silence::TimedOut), "u"),
            (Err(Silence::Refused), Err(Silence::Refused), "p"),
            (Ok(exchange(200, &[], "")), Ok(exchange(200, &[], "")), "f"),
        ] {
            let mut evidence = evidence();
            evidence.profile = Profile::Tailscale;
            evidence.front = Ok(exchange(200, &[], CHAT));
            evidence.public_addresses = vec![PublicAnswer {
                address: "198.51.100.10".parse().unwrap(),
                answer: answer.clone(),
                plain: Some(plain.clone()),
            }];
            let found = letters(&private_chat_public(&evidence));
            assert_eq!(found, expected, "{answer:?} {plain:?}");
        }
    }
}
