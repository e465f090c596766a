//! What a limiter or a lock-out may notice, asked last and under `--active` only.

use std::net::SocketAddr;
use std::sync::Arc;

use super::burst;
use super::evidence::{Asked, Burst, KeyAnswer, Silence};
use super::gather::{Run, not_wanted};
use super::http::{Asker, Question};
use super::keys::{Keys, with_key};
use super::main_port::{MainPort, Tls};

impl Run<'_> {
    /// A made-up key.
    pub(super) async fn ask_with_made_up_key(&self, main: &MainPort) -> Asked<KeyAnswer> {
        if !self.endpoint.wants_made_up_key() {
            return Err(not_wanted());
        }
        let door = main.door.as_ref().ok_or_else(|| main.nobody())?;
        let keys = Keys::new(self.endpoint, main.gateway.as_ref(), &main.protected)?;
        let asker = self.asker(door.peer, door.open.clone());
        keys.try_made_up(&asker).await
    }

    /// The burst, and how many connections and requests it took.
    pub(super) async fn ask_in_a_burst(&self, main: &MainPort) -> (Asked<Burst>, (usize, usize)) {
        let (planned, plan, tls) = match self.plan_burst(main) {
            Ok(planned) => planned,
            Err(silence) => return (Err(silence), (0, 0)),
        };
        let budget = Arc::new(self.budget.of_burst(burst::most_requests(planned)));
        let peer = tls.0;
        let place = self.place(peer, tls.1);
        let asker = Asker::with_lanes(place, &budget, self.patience, burst::LANES);
        let outcome = burst::send(&asker, &plan, planned).await;
        (Ok(outcome), budget.used())
    }

    /// The right key goes along where it was let in, so that it counts as real traffic; a wrong
    /// one never does.
    fn plan_burst(&self, main: &MainPort) -> Asked<(usize, burst::Plan, (SocketAddr, Tls))> {
        let limit = self.endpoint.limit.clone().map_err(Silence::NotAsked)?;
        let planned = burst::planned(limit)?;
        if !self.endpoint.wants_burst() {
            return Err(not_wanted());
        }
        let door = main.door.as_ref().ok_or_else(|| main.nobody())?;
        let let_in = main.key.as_ref().is_ok_and(|answer| answer.let_in);
        let key = self.endpoint.key.as_ref().ok().filter(|_| let_in);
        let keys = Keys::new(self.endpoint, main.gateway.as_ref(), &main.protected);
        let (question, of_gateway) = match &self.endpoint.burst_path {
            Some(path) => (with_key(Question::get(path), self.endpoint, key)?, false),
            None => {
                let keys = keys?;
                (keys.question(key)?, keys.of_gateway())
            }
        };
        let tls = match key {
            Some(_) => door.for_key.clone()?,
            None => door.open.clone(),
        };
        let plan = burst::Plan {
            question,
            with_key: key.is_some(),
            of_gateway: of_gateway || main.gateway.is_some(),
            limit,
        };
        Ok((planned, plan, (door.peer, tls)))
    }
}
