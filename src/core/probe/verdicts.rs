//! One pure function per live check: evidence in, verdicts out, nothing asked.
//!
//! What could not be seen is [`LiveVerdict::Unknown`], never a pass.

mod auth;
mod certificate;
mod cors;
mod edge;
mod exposed;
mod headers;
mod keys;
mod limit;
mod network;
mod plain;
mod protocol;
mod websocket;

pub use auth::anonymous_access;
pub(super) use auth::asks_for_a_key;
pub use certificate::{
    certificate_expired, certificate_expiring, certificate_host, certificate_untrusted,
    certificate_weak,
};
pub use cors::cors_reflected;
pub(super) use edge::{challenge_in, refuser};
pub use exposed::exposed_over_http;
pub use headers::{hsts, security_headers};
pub use keys::{right_key_rejected, wrong_key_accepted};
pub use limit::{limit_not_enforced, limit_spoofable, limit_without_retry_after};
pub(super) use network::is_public;
pub use network::{cloudflare_access_missing, origin_bypass, private_chat_public};
pub use plain::{plaintext, redirect};
pub use protocol::{legacy_protocol, weak_cipher};
pub use websocket::websocket_origin;

use serde_json::{Map, Value};

use super::evidence::{Exchange, LiveEvidence, Silence, short};

/// What one live check found.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveVerdict {
    /// Asked and found in order.
    Pass {
        /// What was seen, in one sentence.
        message: String,
        /// The facts behind it.
        evidence: Map<String, Value>,
    },
    /// Asked and found wrong.
    Fail {
        /// What is wrong, in one sentence.
        message: String,
        /// The facts behind it.
        evidence: Map<String, Value>,
        /// What is wrong in stable words, for the fingerprint.
        subject: String,
        /// A severity other than the check's own.
        severity: Option<Severity>,
    },
    /// Asked, and could not be found out.
    Unknown {
        /// Why.
        reason: String,
    },
    /// Not asked, or not applicable.
    Skipped {
        /// Why.
        reason: String,
    },
}

/// A severity that differs from the check's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Worse than the check's own high or medium.
    Critical,
    /// Worse than the check's own medium.
    High,
}

impl LiveVerdict {
    fn pass(message: impl Into<String>, evidence: Map<String, Value>) -> Self {
        Self::Pass {
            message: message.into(),
            evidence,
        }
    }

    fn fail(
        subject: impl Into<String>,
        message: impl Into<String>,
        evidence: Map<String, Value>,
    ) -> Self {
        Self::Fail {
            message: message.into(),
            evidence,
            subject: subject.into(),
            severity: None,
        }
    }

    fn unknown(reason: impl ToString) -> Self {
        Self::Unknown {
            reason: reason.to_string(),
        }
    }

    fn skipped(reason: impl ToString) -> Self {
        Self::Skipped {
            reason: reason.to_string(),
        }
    }

    /// Whether this is a pass.
    pub fn is_pass(&self) -> bool {
        matches!(self, Self::Pass { .. })
    }

    /// Whether this is a failure.
    pub fn is_fail(&self) -> bool {
        matches!(self, Self::Fail { .. })
    }
}

/// The request, the status and the address behind a verdict.
fn facts(exchange: &Exchange) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("request".into(), exchange.request.clone().into());
    facts.insert("status".into(), exchange.status.into());
    if let Some(peer) = exchange.peer {
        facts.insert("peer".into(), peer.to_string().into());
    }
    facts
}

/// [`facts`] and the header field that decided.
fn facts_with(exchange: &Exchange, name: &str) -> Map<String, Value> {
    let mut facts = facts(exchange);
    let value = exchange.header(name).map(short);
    facts.insert(name.to_owned(), value.map_or(Value::Null, Value::from));
    facts
}

/// Why an answer says nothing about the application, if so: an edge, a limiter or a broken backend spoke.
fn not_the_application(exchange: &Exchange) -> Option<String> {
    if let Some(reason) = edge::challenge(exchange) {
        return Some(reason);
    }
    match exchange.status {
        429 => Some("the endpoint answers 429: a limiter or a lock-out speaks".to_owned()),
        500.. => Some(format!(
            "the endpoint answers {}: what stands behind it is down",
            exchange.status
        )),
        _ => None,
    }
}

/// The endpoint's own answer, or the reason why it cannot be judged.
fn front(evidence: &LiveEvidence) -> Result<&Exchange, LiveVerdict> {
    evidence.front.as_ref().map_err(LiveVerdict::unknown)
}

/// The verdict where no TLS was spoken because `--url` is plain http.
fn needs_https(evidence: &LiveEvidence) -> Option<LiveVerdict> {
    (evidence.url.scheme() != "https").then(|| {
        LiveVerdict::unknown("--url is http: ask again with the https:// address of the endpoint")
    })
}

/// The verdict on a port that does not answer: closed is an answer, silence is none.
fn is_closed(silence: &Silence) -> bool {
    *silence == Silence::Refused
}

#[cfg(test)]
pub(crate) mod fixtures;
