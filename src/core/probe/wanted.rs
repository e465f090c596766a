//! Which questions a run needs: none is put whose answer nothing rests on.

use super::burst;
use super::endpoint::Endpoint;

/// The checks of a run, as far as questions depend on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    ids: Vec<&'static str>,
}

const KEY: &str = "auth.right-key-rejected";
const MADE_UP_KEY: &str = "auth.wrong-key-accepted";
const ANONYMOUS: &str = "auth.anonymous-access";
const WEBSOCKET: &str = "auth.websocket-origin";
const ORIGIN: &str = "auth.origin-bypass";
const CORS: &str = "network.cors-reflected";
const PUBLIC: &str = "network.private-chat-public";
const EXPOSED: &str = "secrets.exposed-over-http";
const HEADERS: &str = "https.security-headers";
const BURST: [&str; 3] = [
    "rate-limit.not-enforced",
    "rate-limit.spoofable",
    "rate-limit.no-retry-after",
];
const OTHERS: [&str; 9] = [
    KEY,
    MADE_UP_KEY,
    ANONYMOUS,
    WEBSOCKET,
    ORIGIN,
    CORS,
    PUBLIC,
    EXPOSED,
    HEADERS,
];

impl Wanted {
    /// Those of these checks that are asked. What every run asks (TLS, the front page, port 80)
    /// depends on none.
    pub fn of(mut is_asked: impl FnMut(&str) -> bool) -> Self {
        let all = OTHERS.into_iter().chain(BURST);
        Self {
            ids: all.filter(|id| is_asked(id)).collect(),
        }
    }

    /// All checks.
    pub fn everything() -> Self {
        Self::of(|_| true)
    }

    fn holds(&self, id: &str) -> bool {
        self.ids.contains(&id)
    }
}

impl Endpoint {
    /// The counted burst, where there is something to count.
    pub(super) fn wants_burst(&self) -> bool {
        let is_asked = BURST.iter().any(|id| self.wanted.holds(id));
        let can_be_counted = |limit| burst::planned(limit).is_ok();
        self.active && is_asked && self.limit.clone().is_ok_and(can_be_counted)
    }

    /// The configured key; the burst takes it along where it was let in.
    pub(super) fn wants_key(&self) -> bool {
        self.wanted.holds(KEY) || self.wants_burst()
    }

    /// A key that nobody gave out.
    pub(super) fn wants_made_up_key(&self) -> bool {
        self.active && self.wanted.holds(MADE_UP_KEY)
    }

    /// Protected resources without a key: what keys are tried on hangs on their answers, and
    /// headers are compared with theirs.
    pub(super) fn wants_protected(&self) -> bool {
        self.wanted.holds(HEADERS) || self.wants_resources()
    }

    fn wants_resources(&self) -> bool {
        self.wanted.holds(ANONYMOUS) || self.wants_key() || self.wants_made_up_key()
    }

    /// The WebSocket; where no path is named it may be the only mark of a gateway.
    pub(super) fn wants_websocket(&self) -> bool {
        let may_tell = self.auth_paths.is_empty() && (self.wants_resources() || self.wants_cors());
        self.wanted.holds(WEBSOCKET) || may_tell
    }

    /// Foreign and declared origins.
    pub(super) fn wants_cors(&self) -> bool {
        self.wanted.holds(CORS)
    }

    /// Files that no endpoint may serve.
    pub(super) fn wants_exposed(&self) -> bool {
        self.wanted.holds(EXPOSED)
    }

    /// The origin behind Cloudflare.
    pub(super) fn wants_origin(&self) -> bool {
        self.wanted.holds(ORIGIN)
    }

    /// The public addresses of a private chat.
    pub(super) fn wants_public_addresses(&self) -> bool {
        self.wanted.holds(PUBLIC)
    }
}
