//! Reaching the endpoint: one name resolution, a race of its addresses, a budget of connections.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::evidence::{Asked, Silence, short};
use super::stream::TooMuch;

/// How many connections a run may open, ports 443 and 80 together.
const MAX_CONNECTIONS: usize = 40;
/// How many more a burst may open.
const MAX_BURST_CONNECTIONS: usize = 8;
/// How many requests a run may send without a burst.
const MAX_REQUESTS: usize = 60;
/// More addresses than these are not raced.
const MAX_ADDRESSES: usize = 6;
/// The head start of each address before the next.
const HEAD_START: Duration = Duration::from_millis(150);

/// What a run may still use of the endpoint's patience.
#[derive(Debug)]
pub(super) struct Budget {
    connections: Purse,
    requests: Purse,
    sent: Arc<Mutex<Vec<Sent>>>,
}

/// A request of the run.
#[derive(Debug)]
struct Sent {
    peer: SocketAddr,
    at: Instant,
    status: Option<u16>,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            connections: Purse::holding(MAX_CONNECTIONS),
            requests: Purse::holding(MAX_REQUESTS),
            sent: Arc::default(),
        }
    }
}

impl Budget {
    /// What a burst of so many requests may use, given what the run has used before it.
    pub(super) fn of_burst(&self, requests: usize) -> Self {
        let (connections, _) = self.used();
        Self {
            connections: Purse::holding(
                MAX_CONNECTIONS + MAX_BURST_CONNECTIONS - connections.min(MAX_CONNECTIONS),
            ),
            requests: Purse::holding(requests),
            sent: self.sent.clone(),
        }
    }

    /// Counts a connection, unless all are used up.
    pub(super) fn take_connection(&self) -> Asked<()> {
        self.connections.take()
    }

    /// Counts a request, unless all are used up, and gives its place among all of the run.
    pub(super) fn take_request(&self, peer: SocketAddr) -> Asked<usize> {
        self.requests.take()?;
        let mut sent = self.sent();
        sent.push(Sent {
            peer,
            at: Instant::now(),
            status: None,
        });
        Ok(sent.len() - 1)
    }

    /// Notes what a request was answered.
    pub(super) fn was_answered(&self, place: usize, status: u16) {
        if let Some(sent) = self.sent().get_mut(place) {
            sent.status = Some(status);
        }
    }

    /// What the first request of the run to this peer was answered.
    pub(super) fn first_status(&self, peer: SocketAddr) -> Option<u16> {
        let sent = self.sent();
        sent.iter().find(|one| one.peer == peer)?.status
    }

    /// How many requests went there within this time.
    pub(super) fn sent_within(&self, peer: SocketAddr, time: Duration) -> usize {
        let is_recent = |one: &&Sent| one.peer == peer && one.at.elapsed() <= time;
        self.sent().iter().filter(is_recent).count()
    }

    fn sent(&self) -> MutexGuard<'_, Vec<Sent>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connections opened and requests sent so far.
    pub(super) fn used(&self) -> (usize, usize) {
        (self.connections.used(), self.requests.used())
    }
}

/// How much of something there is, and how much is gone.
#[derive(Debug)]
struct Purse {
    used: AtomicUsize,
    limit: usize,
}

impl Purse {
    fn holding(limit: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            limit,
        }
    }

    fn take(&self) -> Asked<()> {
        let step = |used: usize| (used < self.limit).then_some(used + 1);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step)
            .map(|_| ())
            .map_err(|_| Silence::BudgetSpent)
    }

    fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// Resolves a name in a thread of its own: `getaddrinfo` knows no deadline, so it is left behind
/// when it takes too long.
pub(super) async fn resolve(host: &str, deadline: Instant) -> Asked<Vec<IpAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![address]);
    }
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let name = host.to_owned();
    std::thread::Builder::new()
        .name("resolve".to_owned())
        .spawn(move || {
            let found = (name.as_str(), 0)
                .to_socket_addrs()
                .map(|list| list.map(|address| address.ip()).collect::<Vec<_>>());
            // Nobody listens any more when the deadline has passed.
            let _ = sender.send(found);
        })
        .map_err(|error| Silence::NotResolved(error.to_string()))?;
    let found = tokio::time::timeout_at(deadline, receiver)
        .await
        .map_err(|_| Silence::NotResolved("no answer in time".to_owned()))?
        .map_err(|_| Silence::NotResolved("the resolver gave up".to_owned()))?
        .map_err(|error| Silence::NotResolved(short(&error.to_string())))?;
    let mut unique = Vec::new();
    for address in found {
        if !unique.contains(&address) {
            unique.push(address);
        }
    }
    if unique.is_empty() {
        return Err(Silence::NotResolved("it has no address".to_owned()));
    }
    Ok(unique)
}

/// Connects to the first address that answers; each has a short head start before the next.
///
/// The silence of a race that nobody won is [`Silence::Refused`] only if every address refused:
/// one that swallowed the packets may well be open to others.
pub(super) async fn race(
    addresses: &[IpAddr],
    port: u16,
    budget: &Budget,
    until: Instant,
) -> Asked<(TcpStream, SocketAddr)> {
    let mut attempts: FuturesUnordered<_> = addresses
        .iter()
        .take(MAX_ADDRESSES)
        .enumerate()
        .map(|(place, address)| {
            let delay = HEAD_START * u32::try_from(place).unwrap_or(0);
            let address = SocketAddr::new(*address, port);
            async move {
                tokio::time::sleep(delay).await;
                connect(address, budget, until)
                    .await
                    .map(|stream| (stream, address))
            }
        })
        .collect();
    let mut reason = None;
    while let Some(outcome) = attempts.next().await {
        match outcome {
            Ok(winner) => return Ok(winner),
            Err(silence) => reason = Some(worse(reason, silence)),
        }
    }
    Err(reason.unwrap_or(Silence::NotResolved("it has no address".to_owned())))
}

/// Connects to one address.
pub(super) async fn connect(
    address: SocketAddr,
    budget: &Budget,
    until: Instant,
) -> Asked<TcpStream> {
    budget.take_connection()?;
    let stream = tokio::time::timeout_at(until, TcpStream::connect(address))
        .await
        .map_err(|_| Silence::Dropped)?
        .map_err(|error| silence_of_io(&error))?;
    // Small questions should not wait for each other's acknowledgement.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// What an error of the operating system says about the endpoint.
pub(super) fn silence_of_io(error: &io::Error) -> Silence {
    use io::ErrorKind::*;
    if error.get_ref().is_some_and(|inner| inner.is::<TooMuch>()) {
        return Silence::NotHttp(TooMuch.to_string());
    }
    match error.kind() {
        ConnectionRefused => Silence::Refused,
        TimedOut => Silence::Dropped,
        ConnectionReset | ConnectionAborted | UnexpectedEof | BrokenPipe => Silence::HungUp,
        _ => Silence::Unreachable(short(&error.to_string())),
    }
}

/// Of two reasons the one that leaves more open.
fn worse(first: Option<Silence>, second: Silence) -> Silence {
    match first {
        Some(first) if first != Silence::Refused => first,
        _ => second,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_race_is_refused_only_if_every_address_refused() {
        for (first, second, expected) in [
            (Silence::Refused, Silence::Refused, Silence::Refused),
            (Silence::Refused, Silence::Dropped, Silence::Dropped),
            (Silence::Dropped, Silence::Refused, Silence::Dropped),
        ] {
            assert_eq!(worse(Some(first), second), expected);
        }
    }

    #[test]
    fn the_first_answer_to_each_path_is_known_in_the_burst_too() {
        let peer = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let budget = Budget::default();
        let first = budget.take_request(peer(443)).unwrap();
        let second = budget.take_request(peer(443)).unwrap();
        budget.was_answered(second, 429);
        let burst = budget.of_burst(3);
        assert_eq!(burst.first_status(peer(443)), None);
        budget.was_answered(first, 401);
        let third = burst.take_request(peer(443)).unwrap();
        burst.was_answered(third, 429);
        assert_eq!(burst.first_status(peer(443)), Some(401));
        assert_eq!(burst.first_status(peer(80)), None);
        assert_eq!(burst.sent_within(peer(443), Duration::MAX), 3);
        assert_eq!(burst.sent_within(peer(80), Duration::MAX), 0);
    }

    #[test]
    fn the_budget_ends_at_its_limit() {
        let budget = Budget::default();
        let granted = (0..100)
            .filter(|_| budget.take_connection().is_ok())
            .count();
        assert_eq!(granted, MAX_CONNECTIONS);
        assert_eq!(budget.used(), (MAX_CONNECTIONS, 0));
        let burst = budget.of_burst(3);
        let granted = (0..100).filter(|_| burst.take_connection().is_ok()).count();
        assert_eq!(granted, MAX_BURST_CONNECTIONS);
        let peer = SocketAddr::from(([127, 0, 0, 1], 443));
        let granted = (0..100)
            .filter(|_| burst.take_request(peer).is_ok())
            .count();
        assert_eq!(granted, 3);
    }
}
