//! Keys: is the configured one taken, and a made-up one refused?

use serde_json::{Map, Value};

use super::LiveVerdict;
use super::auth::ATTRIBUTION;
use crate::probe::evidence::{KeyAnswer, LiveEvidence, Refuser};

/// `auth.right-key-rejected`: the configured key is refused, so the key in the file is not the
/// live one.
pub fn right_key_rejected(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    let (variable, scheme) = match &evidence.key_source {
        Ok(source) => source,
        Err(reason) => return vec![LiveVerdict::skipped(reason)],
    };
    let answer = match &evidence.key {
        Ok(answer) => answer,
        Err(silence) => return vec![LiveVerdict::unknown(silence)],
    };
    let mut facts = facts(answer);
    facts.insert("variable".into(), variable.clone().into());
    facts.insert("scheme".into(), scheme.clone().into());
    let how = format!("{variable} as {scheme}");
    vec![match answer.status {
        _ if answer.attribution => LiveVerdict::unknown(ATTRIBUTION),
        _ if edge(answer).is_some() => LiveVerdict::unknown(edge(answer).unwrap_or_default()),
        _ if answer.let_in && answer.open_anyway => LiveVerdict::pass(
            format!("{how} is not refused, but nobody is: see auth.anonymous-access"),
            facts,
        ),
        _ if answer.let_in => LiveVerdict::pass(format!("{how} is accepted"), facts),
        status if answer.refuser == Some(Refuser::Access) => LiveVerdict::unknown(format!(
            "Cloudflare Access answers with {status} before the endpoint sees the key: it wants a \
             login or a service token of its own"
        )),
        401 | 403 => LiveVerdict::fail(
            variable.clone(),
            format!(
                "{how} is refused with {}: the key in the file is not the live one{}",
                answer.status,
                other_login(answer)
            ),
            facts,
        ),
        status => LiveVerdict::unknown(format!(
            "{how} is answered with {status}, which says nothing about the key"
        )),
    }]
}

/// `auth.wrong-key-accepted`: a made-up key gets what no key did not get.
pub fn wrong_key_accepted(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    let answer = match &evidence.made_up_key {
        Ok(answer) => answer,
        Err(silence) => return vec![LiveVerdict::unknown(silence)],
    };
    let facts = facts(answer);
    vec![match answer.status {
        _ if answer.attribution => LiveVerdict::unknown(ATTRIBUTION),
        _ if edge(answer).is_some() => LiveVerdict::unknown(edge(answer).unwrap_or_default()),
        _ if answer.let_in && answer.open_anyway => LiveVerdict::unknown(OPEN_ANYWAY),
        status if answer.let_in => LiveVerdict::fail(
            answer.request.clone(),
            format!("a made-up key is let in ({status}): any key opens this"),
            facts,
        ),
        status @ (401 | 403) => {
            LiveVerdict::pass(format!("a made-up key is refused with {status}"), facts)
        }
        status if answer.to_login => LiveVerdict::pass(
            format!("a made-up key is sent to a login ({status})"),
            facts,
        ),
        status => LiveVerdict::unknown(format!(
            "a made-up key is answered with {status}, which says nothing about keys"
        )),
    }]
}

fn edge(answer: &KeyAnswer) -> Option<&str> {
    match &answer.refuser {
        Some(Refuser::Edge(reason)) => Some(reason),
        _ => None,
    }
}

fn other_login(answer: &KeyAnswer) -> String {
    match answer.refuser {
        Some(Refuser::ProxyLogin(scheme)) => format!(
            ", or a login of the proxy in front refused it, for the answer asks for {scheme} alone"
        ),
        _ => String::new(),
    }
}

const OPEN_ANYWAY: &str = "everything is open without a key already, so a made-up one says nothing: see auth.anonymous-access";

fn facts(answer: &KeyAnswer) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("request".into(), answer.request.clone().into());
    facts.insert("status".into(), answer.status.into());
    if let Some(peer) = answer.peer {
        facts.insert("peer".into(), peer.to_string().into());
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::evidence;
    use super::*;
    use crate::probe::evidence::Silence;

    fn letter(verdicts: &[LiveVerdict]) -> char {
        match verdicts {
            [LiveVerdict::Pass { .. }] => 'p',
            [LiveVerdict::Fail { .. }] => 'f',
            [LiveVerdict::Unknown { .. }] => 'u',
            [LiveVerdict::Skipped { .. }] => 's',
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn answers_to_the_configured_key_and_their_verdicts() {
        let answer = |status, let_in, attribution| {
            Ok(KeyAnswer {
                request: "GET /api".into(),
                status,
                let_in,
                to_login: status == 302,
                open_anyway: false,
                attribution,
                refuser: None,
                peer: None,
            })
        };
        for (source, key, expected) in [
            (false, answer(200, true, false), 's'),
            (true, answer(200, true, false), 'p'),
            (true, answer(400, true, false), 'p'),
            (true, answer(400, false, false), 'u'),
            (true, answer(401, false, false), 'f'),
            (true, answer(403, false, false), 'f'),
            (true, answer(403, false, true), 'u'),
            (true, answer(302, false, false), 'u'),
            (true, answer(404, false, false), 'u'),
            (true, answer(429, false, false), 'u'),
            (true, answer(503, false, false), 'u'),
            (true, Err(Silence::NotAsked("not verified".into())), 'u'),
        ] {
            let mut evidence = evidence();
            evidence.key_source = match source {
                true => Ok(("WEB_API_KEY".into(), "bearer".into())),
                false => Err("there is none".into()),
            };
            evidence.key = key.clone();
            assert_eq!(letter(&right_key_rejected(&evidence)), expected, "{key:?}");
        }
    }

    #[test]
    fn answers_to_a_made_up_key_and_their_verdicts() {
        let answer = |status, let_in, open_anyway, attribution| {
            Ok(KeyAnswer {
                request: "GET /api".into(),
                status,
                let_in,
                to_login: status == 302,
                open_anyway,
                attribution,
                refuser: None,
                peer: None,
            })
        };
        for (answer, expected) in [
            (answer(200, true, false, false), 'f'),
            (answer(400, true, false, false), 'f'),
            (answer(200, true, true, false), 'u'),
            (answer(401, false, false, false), 'p'),
            (answer(403, false, false, false), 'p'),
            (answer(403, false, false, true), 'u'),
            (answer(302, false, false, false), 'p'),
            (answer(307, false, false, false), 'u'),
            (answer(404, false, false, false), 'u'),
            (answer(429, false, false, false), 'u'),
            (answer(500, false, false, false), 'u'),
            (Err(Silence::TimedOut), 'u'),
        ] {
            let mut evidence = evidence();
            evidence.made_up_key = answer.clone();
            assert_eq!(
                letter(&wrong_key_accepted(&evidence)),
                expected,
                "{answer:?}"
            );
        }
    }

    #[test]
    fn who_stands_in_front_may_have_refused_a_key() {
        let edge = || Some(Refuser::Edge("Cloudflare challenges".to_owned()));
        for (status, refuser, right, wrong, word) in [
            (403, edge(), 'u', 'u', "Cloudflare challenges"),
            (200, edge(), 'u', 'u', "Cloudflare challenges"),
            (403, Some(Refuser::Access), 'u', 'p', "Cloudflare Access"),
            (401, Some(Refuser::Access), 'u', 'p', "Cloudflare Access"),
            (
                401,
                Some(Refuser::ProxyLogin("Basic")),
                'f',
                'p',
                "asks for Basic alone",
            ),
            (401, None, 'f', 'p', "not the live one"),
        ] {
            let answer = KeyAnswer {
                request: "GET /api".into(),
                status,
                let_in: status == 200,
                to_login: false,
                open_anyway: false,
                attribution: false,
                refuser: refuser.clone(),
                peer: None,
            };
            let mut evidence = evidence();
            evidence.key_source = Ok(("WEB_API_KEY".into(), "bearer".into()));
            evidence.key = Ok(answer.clone());
            evidence.made_up_key = Ok(answer);
            let verdicts = right_key_rejected(&evidence);
            assert_eq!(letter(&verdicts), right, "{refuser:?}");
            assert!(format!("{verdicts:?}").contains(word), "{verdicts:?}");
            assert_eq!(letter(&wrong_key_accepted(&evidence)), wrong, "{refuser:?}");
        }
    }
}
