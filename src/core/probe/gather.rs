//! The plan of a run: what is asked when, all of it within one deadline.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hyper::header::{HeaderValue, ORIGIN};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::time::Instant;
use url::{Host, Url};

use super::certificate::{Certificate, TrustStore, judge};
use super::connect::{Budget, race, resolve};
use super::endpoint::Endpoint;
use super::evidence::{
    Asked, CorsAnswer, Exchange, ForeignOrigin, LiveEvidence, ProtectedAnswer, Silence, TlsEvidence,
};
use super::gateway::{Gateway, protected_resources, recognise};
use super::http::{Asker, Patience, Place, Question};
use super::stream::BoundedStream;
use super::tls::{Recorder, agreement, algorithms, recording, shake_hands};

/// A dropped port 80 costs this much and no more; it survives one lost SYN.
const PLAIN_CONNECT: Duration = Duration::from_millis(1200);
/// More protected paths than these are not asked for their CORS answers.
const MAX_CORS_PATHS: usize = 4;
/// More protected paths than these are not asked at all.
const MAX_PROTECTED: usize = 8;

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
    front: Asked<Exchange>,
    health: Asked<Exchange>,
    gateway: Option<Gateway>,
    protected: Vec<ProtectedAnswer>,
    cors: Vec<CorsAnswer>,
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
            Err(silence) => return nothing_seen(self.endpoint, &silence),
        };
        let (main, twin) = tokio::join!(
            self.main_port(&addresses, port),
            self.plain_twin(&addresses)
        );
        let (connections, requests) = self.budget.used();
        LiveEvidence {
            plain: twin.unwrap_or_else(|| main.front.clone()),
            addresses: Ok(addresses),
            peer: main.peer,
            tls: main.tls,
            certificate: main.certificate,
            front: main.front,
            health: main.health,
            gateway: main.gateway,
            protected: main.protected,
            cors: main.cors,
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
        let main = if self.endpoint.is_https() {
            self.https_port(stream, peer).await
        } else {
            self.http_port(stream, peer).await
        };
        MainPort {
            peer: Ok(peer),
            ..main
        }
    }

    async fn http_port(&self, stream: BoundedStream, peer: SocketAddr) -> MainPort {
        let asker = self.asker(peer, None);
        let allowance = stream.allowance();
        asker.adopt(stream, allowance).await;
        let silence = Silence::NotAsked("--url is http, so no TLS was asked for".to_owned());
        MainPort {
            tls: Err(silence.clone()),
            certificate: Err(silence),
            ..self.ask_http(&asker).await
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
        let certificate = self.judge_certificate(&recorder, &host, &tls, trust_store);
        let stream = match stream {
            Ok(stream) => stream,
            Err(silence) => {
                return MainPort {
                    certificate: certificate.await,
                    ..MainPort::silent(&silence)
                };
            }
        };
        let asker = self.asker(peer, Some((host.clone(), config)));
        asker.adopt(stream, allowance).await;
        let (certificate, main) = tokio::join!(certificate, self.ask_http(&asker));
        MainPort {
            tls,
            certificate,
            ..main
        }
    }

    async fn judge_certificate(
        &self,
        recorder: &Recorder,
        host: &ServerName<'_>,
        tls: &Asked<TlsEvidence>,
        trust_store: LoadingTrustStore,
    ) -> Asked<Certificate> {
        let Some(presented) = recorder.seen() else {
            return Err(tls.as_ref().err().cloned().unwrap_or(Silence::TimedOut));
        };
        let no_store = |_| Silence::NotAsked("the system's roots could not be read".to_owned());
        let store = tokio::time::timeout_at(self.patience.until, trust_store)
            .await
            .map_err(|_| Silence::TimedOut)?
            .map_err(no_store)?;
        judge(&presented, host, self.endpoint.now, &store).map_err(Silence::TlsFailed)
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
        let page = Question::get(&path_and_query(&self.endpoint.url));
        let health = Question::get("/health");
        let (front, health) = tokio::join!(asker.ask(&page), asker.ask(&health));
        let gateway = recognise(&front, &health);
        let questions = self.protected_questions(gateway.as_ref());
        let (protected, cors) = tokio::join!(
            self.ask_protected(asker, &questions),
            self.ask_cors(asker, &questions)
        );
        MainPort {
            front,
            health,
            gateway,
            protected,
            cors,
            ..MainPort::silent(&Silence::TimedOut)
        }
    }

    /// The protected resources: those of `--auth-path`, else those of a recognised gateway.
    fn protected_questions(&self, gateway: Option<&Gateway>) -> Vec<Protected> {
        let named = self.endpoint.auth_paths.iter().map(|path| Protected {
            path: path.clone(),
            post: false,
            of_gateway: false,
        });
        let mut questions: Vec<_> = named.take(MAX_PROTECTED).collect();
        if let Some(gateway) = gateway.filter(|_| questions.is_empty()) {
            questions.extend(protected_resources(gateway).map(|resource| Protected {
                path: resource.path,
                post: resource.post,
                of_gateway: true,
            }));
        }
        questions
    }

    async fn ask_protected(&self, asker: &Asker, questions: &[Protected]) -> Vec<ProtectedAnswer> {
        join_all(questions.iter().map(|protected| async move {
            let canary = protected.at(&canary_of(&protected.path, &self.endpoint.canary()));
            let question = protected.at(&protected.path);
            let (answer, canary) = tokio::join!(asker.ask(&question), asker.ask(&canary));
            ProtectedAnswer {
                path: protected.path.clone(),
                of_gateway: protected.of_gateway,
                answer,
                canary,
            }
        }))
        .await
    }

    async fn ask_cors(&self, asker: &Asker, questions: &[Protected]) -> Vec<CorsAnswer> {
        let mut paths = vec![path_and_query(&self.endpoint.url)];
        for protected in questions.iter().take(MAX_CORS_PATHS) {
            if !paths.contains(&protected.path) {
                paths.push(protected.path.clone());
            }
        }
        let origins = foreign_origins(&self.endpoint.host, &self.endpoint.canary());
        let all = paths.iter().flat_map(|path| {
            origins
                .iter()
                .map(move |(kind, origin)| (path, *kind, origin))
        });
        join_all(all.map(|(path, kind, origin)| async move {
            let answer = match HeaderValue::from_str(origin) {
                Ok(value) => asker.ask(&Question::get(path).with(ORIGIN, value)).await,
                Err(_) => Err(Silence::NotAsked(
                    "the origin is no header value".to_owned(),
                )),
            };
            CorsAnswer {
                path: path.clone(),
                kind,
                origin: origin.clone(),
                answer,
            }
        }))
        .await
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

/// A protected resource and how it is asked.
struct Protected {
    path: String,
    post: bool,
    of_gateway: bool,
}

impl Protected {
    fn at(&self, path: &str) -> Question {
        if self.post {
            Question::post_empty_object(path)
        } else {
            Question::get(path)
        }
    }
}

impl MainPort {
    fn silent(silence: &Silence) -> Self {
        Self {
            peer: Err(silence.clone()),
            tls: Err(silence.clone()),
            certificate: Err(silence.clone()),
            front: Err(silence.clone()),
            health: Err(silence.clone()),
            gateway: None,
            protected: Vec::new(),
            cors: Vec::new(),
        }
    }
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
        front: Err(silence.clone()),
        health: Err(silence.clone()),
        gateway: None,
        plain: Err(silence.clone()),
        protected: Vec::new(),
        cors: Vec::new(),
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

fn path_and_query(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// A path of the same shape that cannot exist: same folder, same ending.
fn canary_of(path: &str, word: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (stem, slash) = match path.strip_suffix('/') {
        Some(stem) => (stem, "/"),
        None => (path, ""),
    };
    let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    let ending = name.rfind('.').map_or("", |dot| &name[dot..]);
    format!("{folder}/{word}{ending}{slash}")
}

fn foreign_origins(host: &Host, word: &str) -> Vec<(ForeignOrigin, String)> {
    let mut origins = vec![
        (ForeignOrigin::Random, format!("https://{word}.example")),
        (ForeignOrigin::Null, "null".to_owned()),
    ];
    if let Host::Domain(name) = host {
        origins.push((
            ForeignOrigin::Prefix,
            format!("https://{name}.{word}.example"),
        ));
        origins.push((ForeignOrigin::Suffix, format!("https://x{name}")));
    }
    origins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_has_the_shape_of_its_path() {
        for (path, expected) in [
            ("/", "/w/"),
            ("/api", "/w"),
            ("/api/", "/w/"),
            ("/v1/models", "/v1/w"),
            ("/a/config.json?x=1", "/a/w.json"),
            ("/.env", "/w.env"),
        ] {
            assert_eq!(canary_of(path, "w"), expected, "{path}");
        }
    }

    #[test]
    fn an_address_has_no_foreign_neighbours() {
        let host = Host::Ipv4(std::net::Ipv4Addr::LOCALHOST);
        assert_eq!(foreign_origins(&host, "w").len(), 2);
        let host = Host::Domain("bot.example".to_owned());
        let origins = foreign_origins(&host, "w");
        assert_eq!(origins[2].1, "https://bot.example.w.example");
        assert_eq!(origins[3].1, "https://xbot.example");
    }
}
