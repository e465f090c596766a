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
        let request = Request {
            method: reqwest::Method::GET,
            path: &self.path,
            headers: &[],
            secrets: Vec::new(),
            body: None,
            timeout: longest.min(LONGEST_LOOK),
        };
        let reply = self.client.send(request, stop);
        reply.is_ok_and(|reply| (200..300).contains(&reply.status))
    }

    /// Waits for several green looks in a row.
    pub fn becomes_green(&self, timeout: Duration, stop: &dyn Fn() -> bool) -> bool {
        let started = Instant::now();
        let mut good = 0;
        while !stop() {
            let left = timeout.saturating_sub(started.elapsed());
            if left.is_zero() {
                return false;
            }
            good = if self.is_green(left, stop) {
                good + 1
            } else {
                0
            };
            if good >= IN_A_ROW {
                return true;
            }
            sleep(PAUSE.min(left), stop);
        }
        false
    }
}
