//! Resources that ask for a key: those of `--auth-path`, else those of a recognised gateway.

use super::endpoint::Endpoint;
use super::evidence::{Asked, Exchange, ProtectedAnswer, Silence};
use super::gateway::{Gateway, protected_resources};
use super::http::Question;
use super::verdicts::asks_for_a_key;

/// A protected resource and how it is asked.
#[derive(Debug, Clone)]
pub(super) struct Protected {
    pub(super) path: String,
    post: bool,
    pub(super) of_gateway: bool,
    pub(super) may_be_off: bool,
}

/// All that are known.
pub(super) fn resources(endpoint: &Endpoint, gateway: Option<&Gateway>) -> Vec<Protected> {
    if !endpoint.auth_paths.is_empty() {
        let named = endpoint.auth_paths.iter().map(|path| Protected {
            path: path.clone(),
            post: false,
            of_gateway: false,
            may_be_off: false,
        });
        return named.collect();
    }
    let of_gateway = gateway.map(protected_resources).into_iter().flatten();
    of_gateway
        .map(|resource| Protected {
            path: resource.path,
            post: resource.post,
            of_gateway: true,
            may_be_off: resource.may_be_off,
        })
        .collect()
}

/// The one that keys are tried on: the first that asked for a key, else the first.
pub(super) fn best(
    resources: &[Protected],
    anonymous: &[ProtectedAnswer],
    endpoint: &Endpoint,
) -> Asked<Protected> {
    resources
        .iter()
        .find(|resource| resource.is_guarded(anonymous, endpoint))
        .or(resources.first())
        .cloned()
        .ok_or_else(|| Silence::NotAsked(NO_RESOURCE.to_owned()))
}

/// Why nothing is asked where no protected resource is known.
const NO_RESOURCE: &str =
    "the endpoint shows no mark of an OpenClaw gateway: name a protected resource with --auth-path";

impl Protected {
    /// The question for this resource, or for another path in the same way.
    pub(super) fn at(&self, path: &str) -> Question {
        if self.post {
            Question::post_empty_object(path)
        } else {
            Question::get(path)
        }
    }

    /// Whether it asked somebody without a key for one, or sent them to a login.
    pub(super) fn is_guarded(&self, anonymous: &[ProtectedAnswer], endpoint: &Endpoint) -> bool {
        let same = |asked: &&ProtectedAnswer| asked.path == self.path;
        let answer = anonymous.iter().find(same).map(|asked| &asked.answer);
        matches!(answer, Some(Ok(exchange)) if asks_for_a_key(exchange, endpoint.url()))
    }

    /// What it said, beside what a path said that cannot exist.
    pub(super) fn answered(
        &self,
        answer: Asked<Exchange>,
        canary: Asked<Exchange>,
    ) -> ProtectedAnswer {
        ProtectedAnswer {
            path: self.path.clone(),
            of_gateway: self.of_gateway,
            may_be_off: self.may_be_off,
            answer,
            canary,
        }
    }
}
