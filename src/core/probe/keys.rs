//! Questions that carry a key: the configured one, and under `--active` one that is made up.
//!
//! Ten wrong keys lock the right one out of a gateway for five minutes, so each key is tried once,
//! on one resource, with one scheme: at most two refusals in a run.

use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};

use super::endpoint::{AuthScheme, ConfiguredKey, Endpoint};
use super::evidence::{Asked, KeyAnswer, ProtectedAnswer, Silence};
use super::gateway::{Gateway, is_attribution_error, is_invalid_request};
use super::http::{Asker, Question};
use super::protected::{Protected, best, resources};
use super::verdicts::{asks_for_a_key, refuser};
use crate::secret::Secret;

/// The length of a made-up key where none is configured: that of a key of `keygen`.
const USUAL_LENGTH: usize = 44;
/// A shorter made-up key could be somebody's by chance.
const SHORTEST: usize = 16;

/// The resource that keys are tried on.
pub(super) struct Keys<'a> {
    endpoint: &'a Endpoint,
    resource: Protected,
    anything_guarded: bool,
    resource_guarded: bool,
}

impl<'a> Keys<'a> {
    /// Chooses the resource by what it answered somebody without a key.
    pub(super) fn new(
        endpoint: &'a Endpoint,
        gateway: Option<&Gateway>,
        anonymous: &[ProtectedAnswer],
    ) -> Asked<Self> {
        let resources = resources(endpoint, gateway);
        let resource = best(&resources, anonymous, endpoint)?;
        Ok(Self {
            endpoint,
            anything_guarded: resources
                .iter()
                .any(|one| one.is_guarded(anonymous, endpoint)),
            resource_guarded: resource.is_guarded(anonymous, endpoint),
            resource,
        })
    }

    /// The configured key. The asker's connections have to be verified, or to end on this machine.
    pub(super) async fn try_configured(
        &self,
        asker: &Asker,
        key: &ConfiguredKey,
    ) -> Asked<KeyAnswer> {
        self.try_key(asker, key).await
    }

    /// A key that nobody gave out. Anybody may see it.
    pub(super) async fn try_made_up(&self, asker: &Asker) -> Asked<KeyAnswer> {
        if !self.resource_guarded {
            let reason = "no protected resource asked for a key, so a made-up one says nothing: see auth.anonymous-access";
            return Err(Silence::NotAsked(reason.to_owned()));
        }
        let configured = self.endpoint.key.as_ref().ok();
        let length = configured.map_or(USUAL_LENGTH, |key| key.value.expose().len());
        let key = ConfiguredKey {
            variable: "a made-up key".to_owned(),
            value: Secret::new(made_up(self.endpoint.nonce, length.max(SHORTEST))),
        };
        self.try_key(asker, &key).await
    }

    /// The question for the resource with the configured key.
    pub(super) fn question(&self, key: Option<&ConfiguredKey>) -> Asked<Question> {
        with_key(self.resource.at(&self.resource.path), self.endpoint, key)
    }

    /// Whether the resource is one of a gateway's.
    pub(super) fn of_gateway(&self) -> bool {
        self.resource.of_gateway
    }

    async fn try_key(&self, asker: &Asker, key: &ConfiguredKey) -> Asked<KeyAnswer> {
        let exchange = asker.ask_once(&self.question(Some(key))?).await?;
        Ok(KeyAnswer {
            request: exchange.request.clone(),
            status: exchange.status,
            let_in: exchange.is_success()
                || self.resource.of_gateway && is_invalid_request(&exchange),
            to_login: exchange.is_redirect() && asks_for_a_key(&exchange, self.endpoint.url()),
            open_anyway: !self.anything_guarded,
            attribution: is_attribution_error(&exchange),
            refuser: refuser(&exchange),
            peer: exchange.peer,
        })
    }
}

/// Adds the key to a question, where there is one.
pub(super) fn with_key(
    question: Question,
    endpoint: &Endpoint,
    key: Option<&ConfiguredKey>,
) -> Asked<Question> {
    let Some(key) = key else {
        return Ok(question);
    };
    let (name, value) = key_header(key, &endpoint.auth_scheme)?;
    Ok(question.with(name, value))
}

fn key_header(key: &ConfiguredKey, scheme: &AuthScheme) -> Asked<(HeaderName, HeaderValue)> {
    let no_header =
        || Silence::NotAsked(format!("the value of {} fits into no header", key.variable));
    let (name, bytes) = match scheme {
        AuthScheme::Bearer => {
            let bytes = [b"Bearer ", key.value.expose()].concat();
            (AUTHORIZATION, zeroize::Zeroizing::new(bytes))
        }
        AuthScheme::Header(name) => (
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| no_header())?,
            zeroize::Zeroizing::new(key.value.expose().to_vec()),
        ),
    };
    let mut value = HeaderValue::from_bytes(&bytes).map_err(|_| no_header())?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// Letters and digits that follow from the run's random bytes.
fn made_up(nonce: [u8; 12], length: usize) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let blocks = (0u64..).map(|block| {
        Sha256::new()
            .chain_update(b"made-up key")
            .chain_update(nonce)
            .chain_update(block.to_be_bytes())
            .finalize()
    });
    blocks
        .flatten()
        .take(length)
        .map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_key_has_the_length_asked_for_and_follows_the_nonce() {
        for length in [16, 44, 100] {
            let key = made_up([1; 12], length);
            assert_eq!(key.len(), length);
            assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            assert_ne!(key, made_up([2; 12], length));
        }
    }
}
