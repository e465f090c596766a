//! The plan of a run: what is asked when, all of it within one deadline.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::time::Instant;
use url::Host;

use super::connect::{Budget, resolve};
use super::endpoint::{AuthScheme, Endpoint};
use super::evidence::{Asked, LiveEvidence, Silence};
use super::http::Patience;
use super::questions::foreign_origin;

/// Asks the endpoint everything and returns within its timeout, whatever the server does.
///
/// What could not be seen stands in the evidence as a [`Silence`]; this function cannot fail.
pub fn gather(endpoint: &Endpoint) -> LiveEvidence {
    let deadline = std::time::Instant::now() + endpoint.timeout;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(Run::new(endpoint, deadline.into()).gather()),
        Err(error) => nothing_seen(endpoint, &Silence::NotAsked(error.to_string())),
    }
}

/// One run: whom it asks, and what it may still use.
pub(super) struct Run<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) budget: Arc<Budget>,
    pub(super) patience: Patience,
}

impl<'a> Run<'a> {
    fn new(endpoint: &'a Endpoint, until: Instant) -> Self {
        Self {
            endpoint,
            budget: Arc::default(),
            patience: Patience {
                until,
                // Half the time for one step: a server that swallows a question cannot hold back
                // the next.
                step: endpoint.timeout / 2,
            },
        }
    }

    async fn gather(self) -> LiveEvidence {
        let (host, port) = self.endpoint.dial();
        let addresses = match resolve(&host, self.patience.until).await {
            Ok(addresses) => addresses,
            Err(silence) => {
                return LiveEvidence {
                    origin: self.ask_origin().await,
                    ..nothing_seen(self.endpoint, &silence)
                };
            }
        };
        let (main, twin, origin, public_addresses) = tokio::join!(
            self.main_port(&addresses, port),
            self.plain_twin(&addresses),
            self.ask_origin(),
            self.ask_public_addresses(&addresses, port)
        );
        let plain = twin.unwrap_or_else(|| main.front.clone());
        // Last of all: a limiter they wake cannot blind the other questions.
        let made_up_key = self.ask_with_made_up_key(&main).await;
        let (burst, of_burst) = self.ask_in_a_burst(&main).await;
        let (connections, requests) = self.budget.used();
        LiveEvidence {
            plain,
            addresses: Ok(addresses),
            peer: main.peer,
            tls: main.tls,
            certificate: main.certificate,
            hellos: main.hellos,
            front: main.front,
            health: main.health,
            websocket: main.websocket,
            gateway: main.gateway,
            origin,
            public_addresses,
            protected: main.protected,
            cors: main.cors,
            declared_origins: main.declared_origins,
            exposed: main.exposed,
            key: main.key,
            made_up_key,
            burst,
            connections: connections + of_burst.0,
            requests,
            burst_requests: of_burst.1,
            ..nothing_seen(self.endpoint, &Silence::TimedOut)
        }
    }
}

/// Why a question is not put that no check of the run needs.
pub(super) fn not_wanted() -> Silence {
    Silence::NotAsked("no check of this run asks".to_owned())
}

/// The variable and the scheme, for the report.
fn key_source(endpoint: &Endpoint) -> Result<(String, String), String> {
    let scheme = match &endpoint.auth_scheme {
        AuthScheme::Bearer => "bearer".to_owned(),
        AuthScheme::Header(name) => name.clone(),
    };
    let key = endpoint.key.as_ref().map_err(Clone::clone)?;
    Ok((key.variable.clone(), scheme))
}

fn nothing_seen(endpoint: &Endpoint, silence: &Silence) -> LiveEvidence {
    LiveEvidence {
        url: endpoint.url.clone(),
        profile: endpoint.profile,
        active: endpoint.active,
        addresses: Err(silence.clone()),
        peer: Err(silence.clone()),
        has_ca_file: !endpoint.ca_certificates.is_empty(),
        root_variables: endpoint.root_variables.clone(),
        now: endpoint.now,
        tls: Err(silence.clone()),
        certificate: Err(silence.clone()),
        hellos: Vec::new(),
        front: Err(silence.clone()),
        health: Err(silence.clone()),
        websocket: Err(silence.clone()),
        websocket_origin: foreign_origin(&endpoint.canary()),
        gateway: None,
        plain: Err(silence.clone()),
        origin: None,
        public_addresses: Vec::new(),
        protected: Vec::new(),
        cors: Vec::new(),
        declared_origins: Vec::new(),
        exposed: Vec::new(),
        key: Err(silence.clone()),
        key_source: key_source(endpoint),
        made_up_key: Err(silence.clone()),
        limit: endpoint.limit.clone(),
        burst: Err(silence.clone()),
        connections: 0,
        requests: 0,
        burst_requests: 0,
    }
}

/// The name as a handshake carries it.
pub(super) fn server_name(host: &Host) -> Asked<ServerName<'static>> {
    match host {
        Host::Domain(name) => ServerName::try_from(name.clone())
            .map_err(|_| Silence::NotAsked("the host is no name that TLS can carry".to_owned())),
        Host::Ipv4(address) => Ok(ServerName::from(IpAddr::V4(*address))),
        Host::Ipv6(address) => Ok(ServerName::from(IpAddr::V6(*address))),
    }
}
