//! Asks a provider about a key, and asks again where one answer is not enough.

use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};

use super::client::{ApiBase, Client, Reply, Request, Silence, secret_header};
use super::providers::{Auth, Method, Probe, Provider};
use super::verdict::{Answer, Verdict, judge};
use super::{RotateError, new_key};
use crate::secret::Secret;

/// How long a new key may need to be known everywhere.
const SPREAD: Duration = Duration::from_secs(5);
/// How long a revoked key may linger.
const LINGER: Duration = Duration::from_secs(10);
/// The pause between two answers that have to agree, because edges differ.
const BETWEEN: Duration = Duration::from_secs(1);
/// More requests than these are not left hanging.
const MOST_HANGS: usize = 2;

/// A provider that can be asked.
pub struct Api<'a> {
    /// Its row.
    pub provider: &'static Provider,
    pub(super) client: Client,
    pub(super) stop: &'a dyn Fn() -> bool,
}

impl<'a> Api<'a> {
    /// Prepares to ask `provider`, at `--provider-url` if given.
    ///
    /// # Errors
    /// When the address is not acceptable, or the client cannot be made.
    pub fn new(
        provider: &'static Provider,
        provider_url: Option<&str>,
        stop: &'a dyn Fn() -> bool,
    ) -> Result<Self, RotateError> {
        let client = Client::new(ApiBase::new(provider.api, provider_url)?)?;
        Ok(Self {
            provider,
            client,
            stop,
        })
    }

    /// Whether the provider can be asked about a key: with a question that costs nothing, about a key
    /// that is not another provider's, who alone may see it.
    pub fn can_ask(&self, key: &Secret) -> bool {
        self.provider.probe.is_some() && new_key::belongs(self.provider, key)
    }

    /// One question about a key; [`Verdict::Unknown`] where the provider cannot be asked.
    pub fn ask(&self, key: &Secret) -> Answer {
        match &self.provider.probe {
            Some(probe) if self.can_ask(key) => {
                judge(self.provider, probe, &self.probe(probe, key))
            }
            _ => Answer {
                verdict: Verdict::Unknown,
                principal: None,
                expires_at: None,
                hung: false,
            },
        }
    }

    /// Asks about a new key until it is accepted, for some seconds: fresh keys need a moment.
    pub fn prove_live(&self, key: &Secret) -> Answer {
        let started = Instant::now();
        let mut hangs = 0;
        let mut pause = Duration::from_millis(500);
        loop {
            let answer = self.ask(key);
            hangs += usize::from(answer.hung);
            let is_final = answer.verdict.is_live()
                || answer.verdict == Verdict::NotRuntime
                || !self.can_ask(key)
                || hangs >= MOST_HANGS
                || (hangs == 0 && started.elapsed() + pause > SPREAD)
                || (self.stop)();
            if is_final {
                return answer;
            }
            self.sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// Whether the key is dead now: two answers in a row, a second apart. Only [`Verdict::Dead`] is proof.
    pub fn ask_twice(&self, key: &Secret) -> Verdict {
        match self.ask(key).verdict {
            Verdict::Dead if !self.is_dead_again(key) => Verdict::Unknown,
            verdict => verdict,
        }
    }

    /// The second of two answers.
    pub(super) fn is_dead_again(&self, key: &Secret) -> bool {
        self.sleep(BETWEEN);
        self.ask(key).verdict == Verdict::Dead
    }

    /// Waits for a revoked key to die. The last verdict; only [`Verdict::Dead`] is proof.
    pub fn await_death(&self, key: &Secret) -> Verdict {
        let started = Instant::now();
        let mut was_dead = false;
        let mut hangs = 0;
        loop {
            let answer = self.ask(key);
            hangs += usize::from(answer.hung);
            let is_dead = answer.verdict == Verdict::Dead;
            let is_over = started.elapsed() >= LINGER && (was_dead || !is_dead);
            if (is_dead && was_dead)
                || is_over
                || hangs >= MOST_HANGS
                || !self.can_ask(key)
                || (self.stop)()
            {
                return match answer.verdict {
                    Verdict::Dead if !was_dead => Verdict::Unknown,
                    verdict => verdict,
                };
            }
            was_dead = is_dead;
            self.sleep(BETWEEN);
        }
    }

    /// Header fields that carry a key, as this provider wants them.
    pub(super) fn credentials(
        &self,
        key: &Secret,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Silence> {
        Ok(match self.provider.auth {
            Auth::Bearer => vec![(AUTHORIZATION, secret_header("Bearer ", key)?)],
            Auth::Bot => vec![(AUTHORIZATION, secret_header("Bot ", key)?)],
            Auth::Header(name) => {
                vec![(HeaderName::from_static(name), secret_header("", key)?)]
            }
            Auth::Path => Vec::new(),
        })
    }

    fn probe(&self, probe: &Probe, key: &Secret) -> Result<Reply, Silence> {
        let (method, body) = match probe.method {
            Method::Get => (reqwest::Method::GET, None),
            Method::Post => (reqwest::Method::POST, Some(b"{}".to_vec())),
        };
        let mut path = zeroize::Zeroizing::new(probe.path.to_owned());
        if self.provider.auth == Auth::Path {
            let text = std::str::from_utf8(key.expose()).map_err(|_| Silence::Failed)?;
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-:".contains(c);
            if !text.chars().all(is_plain) {
                return Err(Silence::Failed);
            }
            *path = path.replace("{key}", text);
        }
        self.client.send(
            Request {
                method,
                path: &path,
                headers: self.provider.headers,
                secrets: self.credentials(key)?,
                body,
                timeout: super::client::REQUEST_TIMEOUT,
            },
            self.stop,
        )
    }

    /// Sleeps, unless a person wants to stop.
    pub(super) fn sleep(&self, time: Duration) {
        sleep(time, self.stop);
    }
}

/// Sleeps, unless a person wants to stop.
pub fn sleep(time: Duration, stop: &dyn Fn() -> bool) {
    let until = Instant::now() + time;
    while !stop() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
}
