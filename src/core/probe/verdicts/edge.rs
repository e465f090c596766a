//! Who answered: the application, or what stands in front of it?

use crate::probe::evidence::{Exchange, Refuser};

/// Headers with which an edge says that it answered itself, to see whether a person is there.
const CHALLENGES: &[(&str, &[&str], &str)] = &[
    ("cf-mitigated", &["challenge"], "Cloudflare"),
    ("x-amzn-waf-action", &["challenge", "captcha"], "AWS WAF"),
    ("x-vercel-mitigated", &["challenge"], "Vercel"),
];

/// Why an answer is not the application's, if an edge challenges whoever asks.
pub(in crate::probe) fn challenge(exchange: &Exchange) -> Option<String> {
    challenge_in(|name| exchange.header(name))
}

/// The same for a header that is read in another way.
pub(in crate::probe) fn challenge_in<'h>(
    header: impl Fn(&str) -> Option<&'h str>,
) -> Option<String> {
    let (_, _, who) = CHALLENGES.iter().find(|(name, values, _)| {
        let value = header(name).map(|value| value.trim().to_ascii_lowercase());
        value.is_some_and(|value| values.contains(&value.as_str()))
    })?;
    Some(format!(
        "{who} challenges the request, so the endpoint did not answer it"
    ))
}

/// Whether Cloudflare Access asks for a login or refuses, by marks of its own.
pub(super) fn is_by_access(exchange: &Exchange) -> bool {
    let is_named = |value: &str| value.to_ascii_lowercase().contains("cloudflare-access");
    let asks = exchange.header_all("www-authenticate").any(is_named);
    asks || exchange.status == 403 && exchange.header("cf-access-aud").is_some()
}

/// Who may have refused a key instead of the application.
pub(in crate::probe) fn refuser(exchange: &Exchange) -> Option<Refuser> {
    if let Some(reason) = challenge(exchange) {
        return Some(Refuser::Edge(reason));
    }
    if is_by_access(exchange) {
        return Some(Refuser::Access);
    }
    proxy_login(exchange).map(Refuser::ProxyLogin)
}

/// The scheme that is asked for, where it is none that takes such keys.
fn proxy_login(exchange: &Exchange) -> Option<&'static str> {
    const OTHERS: &[&str] = &["Basic", "Digest", "Negotiate"];
    let scheme_of = |value: &str| {
        let word = value.split_ascii_whitespace().next()?;
        let mut others = OTHERS.iter().copied();
        others.find(|other| word.trim_end_matches(',').eq_ignore_ascii_case(other))
    };
    // One field can hold several challenges; a parameter has an equals sign, the rest of a quoted
    // one its quote.
    let holds_another = |value: &str| {
        value.split(',').any(|part| {
            let first = part.split_ascii_whitespace().next().unwrap_or_default();
            !first.is_empty() && !first.contains(['=', '"']) && scheme_of(first).is_none()
        })
    };
    let asked: Vec<&str> = exchange.header_all("www-authenticate").collect();
    let scheme = asked.first().and_then(|value| scheme_of(value))?;
    (exchange.status == 401 && !asked.into_iter().any(holds_another)).then_some(scheme)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::exchange;
    use super::*;

    #[test]
    fn a_refuser_is_known_by_its_marks() {
        let edge = |who: &str| {
            Some(Refuser::Edge(format!(
                "{who} challenges the request, so the endpoint did not answer it"
            )))
        };
        let login = |scheme| Some(Refuser::ProxyLogin(scheme));
        let asks = |value| ("www-authenticate", value);
        for (status, headers, expected) in [
            (403, vec![("cf-mitigated", "challenge")], edge("Cloudflare")),
            (
                202,
                vec![("x-amzn-waf-action", "challenge")],
                edge("AWS WAF"),
            ),
            (403, vec![("cf-access-aud", "abc")], Some(Refuser::Access)),
            (401, vec![("cf-access-aud", "abc")], None),
            (
                401,
                vec![asks("Cloudflare-Access realm=x")],
                Some(Refuser::Access),
            ),
            (401, vec![asks("Basic realm=\"a, b\"")], login("Basic")),
            (
                401,
                vec![asks("Digest realm=x, qop=auth, nonce=y")],
                login("Digest"),
            ),
            (
                401,
                vec![asks("Negotiate"), asks("Basic realm=x")],
                login("Negotiate"),
            ),
            (401, vec![asks("Basic realm=x"), asks("Bearer")], None),
            (401, vec![asks("Basic realm=x, Bearer realm=y")], None),
            (401, vec![asks("Bearer realm=x")], None),
            (403, vec![asks("Basic realm=x")], None),
            (401, Vec::new(), None),
        ] {
            let found = refuser(&exchange(status, &headers, ""));
            assert_eq!(found, expected, "{status} {headers:?}");
        }
    }
}
