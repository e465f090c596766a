//! The WebSocket: does it look at the origin (RFC 6455, 10.2)?

use super::LiveVerdict;
use crate::probe::evidence::LiveEvidence;
use crate::probe::websocket::WebSocketAnswer;

/// `auth.websocket-origin`: the WebSocket accepts a foreign origin.
pub fn websocket_origin(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    let answer = match &evidence.websocket {
        Ok(answer) => answer,
        Err(silence) => return vec![LiveVerdict::unknown(silence)],
    };
    let mut facts = serde_json::Map::new();
    facts.insert("origin".into(), evidence.websocket_origin.clone().into());
    if let Ok(peer) = &evidence.peer {
        facts.insert("peer".into(), peer.to_string().into());
    }
    vec![match answer {
        WebSocketAnswer::GatewayRefusedOrigin => {
            LiveVerdict::pass("the gateway refuses a foreign origin", facts)
        }
        WebSocketAnswer::GatewayPastOrigin(question) => {
            facts.insert("answer".into(), question.clone().into());
            let message = "the gateway takes any origin: any web page can talk to it through a visitor's browser";
            LiveVerdict::fail("any origin", message, facts)
        }
        WebSocketAnswer::StillOpen => {
            let message = "the WebSocket takes a foreign origin and keeps it connected";
            LiveVerdict::fail("any origin", message, facts)
        }
        WebSocketAnswer::ClosedAtOnce => {
            LiveVerdict::pass("the WebSocket hangs up on a foreign origin", facts)
        }
        WebSocketAnswer::ClosedForAll(reason) => LiveVerdict::unknown(format!(
            "the WebSocket hangs up on a foreign origin, and {reason}: that says nothing about origins"
        )),
        WebSocketAnswer::GatewayUnclear(answer) => LiveVerdict::unknown(format!(
            "the gateway answers {answer}, which says nothing about the origin"
        )),
        WebSocketAnswer::NotUpgraded {
            attribution: true, ..
        } => LiveVerdict::unknown(
            "the gateway refuses the proxy in front of it (proxy_attribution_required): set gateway.trustedProxies",
        ),
        WebSocketAnswer::NotUpgraded {
            edge: Some(reason), ..
        } => LiveVerdict::unknown(reason),
        WebSocketAnswer::NotUpgraded {
            status: 401 | 403, ..
        } => LiveVerdict::pass("the upgrade is refused before it happens", facts),
        WebSocketAnswer::NotUpgraded {
            status: status @ (429 | 500..),
            ..
        } => LiveVerdict::unknown(format!("the upgrade is answered with {status}")),
        WebSocketAnswer::NotUpgraded { .. } if evidence.gateway.is_some() => LiveVerdict::unknown(
            "the gateway answers, but the upgrade does not reach it: the proxy in front may not pass it on",
        ),
        WebSocketAnswer::NotUpgraded { status, .. } => LiveVerdict::skipped(format!(
            "there is no WebSocket at this address (status {status})"
        )),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::evidence;
    use super::*;
    use crate::probe::evidence::Silence;

    #[test]
    fn answers_to_a_foreign_origin_and_their_verdicts() {
        use WebSocketAnswer::*;
        let status = |status| {
            Ok(NotUpgraded {
                status,
                attribution: false,
                edge: None,
            })
        };
        for (answer, expected) in [
            (Ok(GatewayRefusedOrigin), 'p'),
            (Ok(GatewayPastOrigin("NOT_PAIRED".into())), 'f'),
            (Ok(GatewayUnclear("PROTOCOL_MISMATCH".into())), 'u'),
            (Ok(StillOpen), 'f'),
            (Ok(ClosedAtOnce), 'p'),
            (Ok(ClosedForAll("it hangs up".into())), 'u'),
            (status(401), 'p'),
            (status(403), 'p'),
            (
                Ok(NotUpgraded {
                    status: 403,
                    attribution: true,
                    edge: None,
                }),
                'u',
            ),
            (
                Ok(NotUpgraded {
                    status: 403,
                    attribution: false,
                    edge: Some("Cloudflare challenges".into()),
                }),
                'u',
            ),
            (status(200), 's'),
            (status(404), 's'),
            (status(426), 's'),
            (status(429), 'u'),
            (status(502), 'u'),
            (Err(Silence::TimedOut), 'u'),
        ] {
            let mut evidence = evidence();
            evidence.websocket = answer.clone();
            let letter = match websocket_origin(&evidence).as_slice() {
                [LiveVerdict::Pass { .. }] => 'p',
                [LiveVerdict::Fail { .. }] => 'f',
                [LiveVerdict::Unknown { .. }] => 'u',
                _ => 's',
            };
            assert_eq!(letter, expected, "{answer:?}");
        }
    }
}
