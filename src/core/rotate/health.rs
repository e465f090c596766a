//! Waits until OpenClaw's health endpoint is green and stays so.

use std::time::{Duration, Instant};

use super::RotateError;
use super::ask::sleep;
use super::client::{ApiBase, Client, Request};

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(250);
/// This many good answers in a row are no accident of an endpoint that flaps.
const IN_A_ROW: usize = 3;
/// One look takes no longer.
const LONGEST_LOOK: Duration = Duration::from_secs(5);

/// A health endpoint.
pub struct Endpoint {
    client: Client,
    path: String,
}

impl Endpoint {
    /// Prepares to ask it.
    ///
    /// # Errors
    /// [`RotateError::HealthUrl`] unless it is http or https without a user name.
    pub fn new(url: &str) -> Result<Self, RotateError> {
        let (base, path) = ApiBase::without_keys(url)?;
        Ok(Self {
            client: Client::new(base)?,
            path,
        })
    }

    /// One look: 2xx is green, everything else is not yet.
    pub fn is_green(&self, longest: Duration, stop: &dyn Fn() -> bool) -> bool {
        self.look(longest, stop).is_some_and(is_good)
    }

    /// The status of its answer, if there is one.
    fn look(&self, longest: Duration, stop: &dyn Fn() -> bool) -> Option<u16> {
        let request = Request {
            method: reqwest::Method::GET,
            path: &self.path,
            headers: &[],
            secrets: Vec::new(),
            body: None,
            timeout: longest.min(LONGEST_LOOK),
        };
        Some(self.client.send(request, stop).ok()?.status)
    }

    /// Waits for several green looks in a row.
    ///
    /// # Errors
    /// The last answer that was not green, in words.
    pub fn becomes_green(&self, timeout: Duration, stop: &dyn Fn() -> bool) -> Result<(), String> {
        let started = Instant::now();
        let mut good = 0;
        let mut bad = None;
        while !stop() {
            let left = timeout.saturating_sub(started.elapsed());
            if left.is_zero() {
                break;
            }
            let seen = self.look(left, stop);
            if seen.is_some_and(is_good) {
                good += 1;
            } else {
                good = 0;
                bad = seen.or(bad);
            }
            if good >= IN_A_ROW {
                return Ok(());
            }
            sleep(PAUSE.min(left), stop);
        }
        Err(match bad {
            None if good > 0 => "the time was too short to see it stay green".to_owned(),
            bad => words(bad),
        })
    }
}

fn is_good(status: u16) -> bool {
    (200..300).contains(&status)
}

fn words(bad: Option<u16>) -> String {
    match bad {
        None => "it did not answer".to_owned(),
        Some(status @ 300..400) => format!(
            "it answered HTTP {status}, a redirect: --health wants an address that answers 2xx itself"
        ),
        Some(status) => format!("it answered HTTP {status}"),
    }
}
