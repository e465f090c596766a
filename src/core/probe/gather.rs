//! The plan of a run: what is asked when, all of it within one deadline.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::time::Instant;
use url::Host;

use super::certificate::{Certificate, TrustStore, judge};
use super::connect::{Budget, connect, race, resolve};
use super::endpoint::{AuthScheme, Endpoint, Profile};
use super::evidence::{
    Asked, CorsAnswer, Exchange, ExposedAnswer, KeyAnswer, LiveEvidence, ProtectedAnswer, Silence,
    TlsEvidence,
};
use super::gateway::{Gateway, recognise};
use super::hello::{HelloAnswer, Purpose, client_hello, greet, hellos};
use super::http::{Asker, Patience, Place, Question};
use super::questions::{Questions, foreign_origin, path_and_query};
use super::stream::BoundedStream;
use super::tls::{Recorder, Rule, agreement, algorithms, recording, shake_hands, verified};
use super::verdicts::is_public;
use super::websocket::WebSocketAnswer;

/// A dropped port 80 costs this much and no more; it survives one lost SYN.
const PLAIN_CONNECT: Duration = Duration::from_millis(1200);

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

struct Run<'a> {
    endpoint: &'a Endpoint,
    budget: Arc<Budget>,
    patience: Patience,
}

/// What the main port said.
struct MainPort {
    peer: Asked<SocketAddr>,
    tls: Asked<TlsEvidence>,
    certificate: Asked<Certificate>,
    hellos: Vec<(Purpose, Asked<HelloAnswer>)>,
    front: Asked<Exchange>,
    health: Asked<Exchange>,
    websocket: Asked<WebSocketAnswer>,
    gateway: Option<Gateway>,
    protected: Vec<ProtectedAnswer>,
    cors: Vec<CorsAnswer>,
    declared_origins: Vec<(String, Asked<bool>)>,
    exposed: Vec<ExposedAnswer>,
    key: Asked<KeyAnswer>,
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
        let (connections, requests) = self.budget.used();
        LiveEvidence {
            plain: twin.unwrap_or_else(|| main.front.clone()),
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
            connections,
            requests,
            ..nothing_seen(self.endpoint, &Silence::TimedOut)
        }
    }

    async fn main_port(&self, addresses: &[IpAddr], port: u16) -> MainPort {
        let connect_until = self.patience.next_step();
        let (stream, peer) = match race(addresses, port, &self.budget, connect_until).await {
            Ok(winner) => winner,
            Err(silence) => return MainPort::silent(&silence),
        };
        let stream = BoundedStream::new(stream);
        let (main, hellos) = if self.endpoint.is_https() {
            tokio::join!(self.https_port(stream, peer), self.ask_hellos(peer))
        } else {
            (self.http_port(stream, peer).await, Vec::new())
        };
        MainPort {
            peer: Ok(peer),
            hellos,
            ..main
        }
    }

    /// All hellos at once, each over a connection of its own.
    async fn ask_hellos(&self, peer: SocketAddr) -> Vec<(Purpose, Asked<HelloAnswer>)> {
        let server_name = match &self.endpoint.host {
            Host::Domain(name) => Some(name.as_str()),
            _ => None,
        };
        join_all(
            hellos()
                .into_iter()
                .map(|(purpose, version, suites)| async move {
                    // The random is not secret: nothing is ever encrypted over these connections.
                    let mut random = [0; 32];
                    random[..12].copy_from_slice(&self.endpoint.nonce);
                    let hello = client_hello(version, &suites, server_name, random);
                    let until = self.patience.next_step();
                    let answer = match connect(peer, &self.budget, until).await {
                        Ok(stream) => greet(BoundedStream::new(stream), &hello, until).await,
                        Err(silence) => Err(silence),
                    };
                    (purpose, answer)
                }),
        )
        .await
    }

    async fn http_port(&self, stream: BoundedStream, peer: SocketAddr) -> MainPort {
        let asker = self.asker(peer, None);
        let allowance = stream.allowance();
        asker.adopt(stream, allowance).await;
        let silence = Silence::NotAsked("--url is http, so no TLS was asked for".to_owned());
        let main = self.ask_http(&asker).await;
        let key = if peer.ip().is_loopback() {
            self.ask_with_key(&asker, &main).await
        } else {
            Err(not_sent("--url is http"))
        };
        MainPort {
            tls: Err(silence.clone()),
            certificate: Err(silence),
            key,
            ..main
        }
    }

    async fn https_port(&self, stream: BoundedStream, peer: SocketAddr) -> MainPort {
        let recorder = Recorder::new();
        let prepared = server_name(&self.endpoint.host)
            .and_then(|host| recording(&recorder).map(|config| (host, config)));
        let (host, config) = match prepared {
            Ok(prepared) => prepared,
            Err(silence) => return MainPort::silent(&silence),
        };
        let trust_store = load_trust_store(self.endpoint);
        let allowance = stream.allowance();
        let stream = shake_hands(stream, &host, &config, self.patience.next_step()).await;
        let tls = stream.as_ref().map(agreement).map_err(Clone::clone);
        let trust_store = self.loaded(trust_store);
        let certificate = async {
            let store = trust_store.await?;
            let certificate = self.judge_certificate(&recorder, &host, &tls, &store)?;
            Ok((certificate, store))
        };
        let stream = match stream {
            Ok(stream) => stream,
            Err(silence) => {
                return MainPort {
                    certificate: certificate.await.map(|(certificate, _)| certificate),
                    ..MainPort::silent(&silence)
                };
            }
        };
        let asker = self.asker(peer, Some((host.clone(), config)));
        asker.adopt(stream, allowance).await;
        let (certificate, main) = tokio::join!(certificate, self.ask_http(&asker));
        // The key comes last: a limiter it wakes cannot blind the other questions.
        let key = self
            .ask_with_key_verified(&certificate, host.clone(), peer, &main)
            .await;
        MainPort {
            tls: tls.clone(),
            certificate: certificate.map(|(certificate, _)| certificate),
            key,
            ..main
        }
    }

    /// A connection of its own for the key: its handshake fails unless the certificate is good,
    /// whatever an earlier connection showed.
    async fn ask_with_key_verified(
        &self,
        certificate: &Asked<(Certificate, Arc<TrustStore>)>,
        host: ServerName<'static>,
        peer: SocketAddr,
        main: &MainPort,
    ) -> Asked<KeyAnswer> {
        let (_, store) = certificate.as_ref().map_err(Clone::clone)?;
        let rule = Rule {
            host: host.clone(),
            now: self.endpoint.now,
            store: store.clone(),
        };
        if !certificate
            .as_ref()
            .is_ok_and(|(certificate, _)| rule.is_met_by(certificate))
        {
            return Err(not_sent("the certificate is not in order"));
        }
        let asker = self.asker(peer, Some((host, verified(rule)?)));
        self.ask_with_key(&asker, main).await
    }

    async fn ask_with_key(&self, asker: &Asker, main: &MainPort) -> Asked<KeyAnswer> {
        let Some(key) = &self.endpoint.key else {
            return Err(not_sent("there is none"));
        };
        let questions = Questions::new(self.endpoint, asker, main.gateway.as_ref());
        questions.ask_with_key(key, &main.protected).await
    }

    async fn loaded(&self, trust_store: LoadingTrustStore) -> Asked<Arc<TrustStore>> {
        let no_store = |_| Silence::NotAsked("the system's roots could not be read".to_owned());
        tokio::time::timeout_at(self.patience.until, trust_store)
            .await
            .map_err(|_| Silence::TimedOut)?
            .map_err(no_store)
    }

    fn judge_certificate(
        &self,
        recorder: &Recorder,
        host: &ServerName<'_>,
        tls: &Asked<TlsEvidence>,
        store: &TrustStore,
    ) -> Asked<Certificate> {
        let Some(presented) = recorder.seen() else {
            return Err(tls.as_ref().err().cloned().unwrap_or(Silence::TimedOut));
        };
        judge(&presented, host, self.endpoint.now, store).map_err(Silence::TlsFailed)
    }

    fn asker(
        &self,
        peer: SocketAddr,
        tls: Option<(ServerName<'static>, Arc<ClientConfig>)>,
    ) -> Asker {
        let place = Place {
            url: self.endpoint.url.clone(),
            peer,
            authority: self.endpoint.authority(),
            tls,
        };
        Asker::new(place, &self.budget, self.patience)
    }

    async fn ask_http(&self, asker: &Asker) -> MainPort {
        let path = path_and_query(&self.endpoint.url);
        let origin = foreign_origin(&self.endpoint.canary());
        let (page, health) = (Question::get(&path), Question::get("/health"));
        let (front, health, websocket) = tokio::join!(
            asker.ask(&page),
            asker.ask(&health),
            asker.ask_websocket(&path, &origin, self.endpoint.nonce)
        );
        let gateway = recognise(&front, &health, &websocket);
        let questions = Questions::new(self.endpoint, asker, gateway.as_ref());
        let (protected, cors, declared_origins, exposed) = tokio::join!(
            questions.ask_protected(),
            questions.ask_cors(),
            questions.ask_declared_origins(),
            questions.ask_exposed()
        );
        MainPort {
            front,
            health,
            websocket,
            gateway,
            protected,
            cors,
            declared_origins,
            exposed,
            ..MainPort::silent(&Silence::TimedOut)
        }
    }

    /// The origin behind Cloudflare, with the endpoint's name and without a key. Its certificate
    /// need not be trusted.
    async fn ask_origin(&self) -> Option<Asked<Exchange>> {
        let named = self.endpoint.connect_to.as_ref();
        let (host, port) = named.filter(|_| self.endpoint.profile.is_cloudflare())?;
        let answer = async {
            let addresses = resolve(host, self.patience.until).await?;
            self.ask_front_at(&addresses, *port).await
        };
        Some(answer.await)
    }

    async fn ask_public_addresses(
        &self,
        addresses: &[IpAddr],
        port: u16,
    ) -> Vec<(IpAddr, Asked<Exchange>)> {
        if self.endpoint.profile != Profile::Tailscale {
            return Vec::new();
        }
        let public = addresses
            .iter()
            .copied()
            .filter(|address| is_public(*address));
        join_all(
            public
                .map(|address| async move { (address, self.ask_front_at(&[address], port).await) }),
        )
        .await
    }

    /// The front page at another address than the endpoint's own.
    async fn ask_front_at(&self, addresses: &[IpAddr], port: u16) -> Asked<Exchange> {
        let (stream, peer) = race(addresses, port, &self.budget, self.patience.next_step()).await?;
        let stream = BoundedStream::new(stream);
        let allowance = stream.allowance();
        let question = Question::get(&path_and_query(&self.endpoint.url));
        if !self.endpoint.is_https() {
            let asker = self.asker(peer, None);
            asker.adopt(stream, allowance).await;
            return asker.ask(&question).await;
        }
        let host = server_name(&self.endpoint.host)?;
        let config = recording(&Recorder::new())?;
        let stream = shake_hands(stream, &host, &config, self.patience.next_step()).await?;
        let asker = self.asker(peer, Some((host, config)));
        asker.adopt(stream, allowance).await;
        asker.ask(&question).await
    }

    /// Port 80 of the same host; nothing where `--url` is that port itself.
    async fn plain_twin(&self, addresses: &[IpAddr]) -> Option<Asked<Exchange>> {
        if !self.endpoint.is_https() {
            return None;
        }
        Some(self.ask_plain_twin(addresses).await)
    }

    async fn ask_plain_twin(&self, addresses: &[IpAddr]) -> Asked<Exchange> {
        let connect_until = self.patience.until.min(Instant::now() + PLAIN_CONNECT);
        let (stream, peer) = race(addresses, 80, &self.budget, connect_until).await?;
        let mut url = self.endpoint.url.clone();
        let _ = url.set_port(None);
        let _ = url.set_scheme("http");
        let question = Question::get(&path_and_query(&url));
        let place = Place {
            url,
            peer,
            authority: self.endpoint.host.to_string(),
            tls: None,
        };
        let asker = Asker::new(place, &self.budget, self.patience);
        let stream = BoundedStream::new(stream);
        let allowance = stream.allowance();
        asker.adopt(stream, allowance).await;
        asker.ask(&question).await
    }
}

impl MainPort {
    fn silent(silence: &Silence) -> Self {
        Self {
            peer: Err(silence.clone()),
            tls: Err(silence.clone()),
            certificate: Err(silence.clone()),
            hellos: Vec::new(),
            front: Err(silence.clone()),
            health: Err(silence.clone()),
            websocket: Err(silence.clone()),
            gateway: None,
            protected: Vec::new(),
            cors: Vec::new(),
            declared_origins: Vec::new(),
            exposed: Vec::new(),
            key: Err(silence.clone()),
        }
    }
}

fn not_sent(why: &str) -> Silence {
    Silence::NotAsked(format!("{why}, so the key was not sent"))
}

/// The variable and the scheme, for the report.
fn key_source(endpoint: &Endpoint) -> Option<(String, String)> {
    let scheme = match &endpoint.auth_scheme {
        AuthScheme::Bearer => "bearer".to_owned(),
        AuthScheme::Header(name) => name.clone(),
    };
    let key = endpoint.key.as_ref()?;
    Some((key.variable.clone(), scheme))
}

type LoadingTrustStore = tokio::sync::oneshot::Receiver<Arc<TrustStore>>;

/// Reads the roots beside the handshake: 150 files take longer than a round trip.
fn load_trust_store(endpoint: &Endpoint) -> LoadingTrustStore {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let ca_certificates = endpoint.ca_certificates.clone();
    // Without a thread the receiver hears that the sender is gone.
    let _ = std::thread::Builder::new()
        .name("roots".to_owned())
        .spawn(move || sender.send(Arc::new(TrustStore::load(&ca_certificates, algorithms()))));
    receiver
}

fn nothing_seen(endpoint: &Endpoint, silence: &Silence) -> LiveEvidence {
    LiveEvidence {
        url: endpoint.url.clone(),
        profile: endpoint.profile,
        active: endpoint.active,
        addresses: Err(silence.clone()),
        peer: Err(silence.clone()),
        has_ca_file: !endpoint.ca_certificates.is_empty(),
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
        connections: 0,
        requests: 0,
    }
}

fn server_name(host: &Host) -> Asked<ServerName<'static>> {
    match host {
        Host::Domain(name) => ServerName::try_from(name.clone())
            .map_err(|_| Silence::NotAsked("the host is no name that TLS can carry".to_owned())),
        Host::Ipv4(address) => Ok(ServerName::from(IpAddr::V4(*address))),
        Host::Ipv6(address) => Ok(ServerName::from(IpAddr::V6(*address))),
    }
}
