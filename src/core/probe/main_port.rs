//! The main port of the endpoint: TLS, pages and the configured key.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::join_all;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};

use url::Host;

use super::certificate::{Certificate, Presented, TrustStore, judge};
use super::connect::{connect, race};
use super::endpoint::Endpoint;
use super::evidence::{
    Asked, CorsAnswer, Exchange, ExposedAnswer, KeyAnswer, ProtectedAnswer, Silence, TlsEvidence,
};
use super::gateway::{Gateway, recognise};
use super::gather::{Run, not_wanted, server_name};
use super::hello::{HelloAnswer, Purpose, Version, client_hello, greet, hellos};
use super::http::{Asker, Place, Question};
use super::keys::Keys;
use super::questions::{Questions, foreign_origin, path_and_query};
use super::spoken::other_tls;
use super::stream::BoundedStream;
use super::tls::{Recorder, Rule, agreement, algorithms, recording, shake_hands, verified};
use super::websocket::WebSocketAnswer;

/// What the main port said.
pub(super) struct MainPort {
    pub(super) peer: Asked<SocketAddr>,
    pub(super) tls: Asked<TlsEvidence>,
    pub(super) certificate: Asked<Certificate>,
    pub(super) hellos: Hellos,
    pub(super) front: Asked<Exchange>,
    pub(super) health: Asked<Exchange>,
    pub(super) websocket: Asked<WebSocketAnswer>,
    pub(super) gateway: Option<Gateway>,
    pub(super) protected: Vec<ProtectedAnswer>,
    pub(super) cors: Vec<CorsAnswer>,
    pub(super) declared_origins: Vec<(String, Asked<bool>)>,
    pub(super) exposed: Vec<ExposedAnswer>,
    pub(super) key: Asked<KeyAnswer>,
    /// How later questions reach it; nothing where nobody answered.
    pub(super) door: Option<Door>,
}

/// How many connections are opened beside the first; the others when they are needed.
const WARM: usize = 4;

pub(super) type Hellos = Vec<(Purpose, Asked<HelloAnswer>)>;
type Chain = Vec<CertificateDer<'static>>;

/// A name for the handshake and its configuration; nothing for plain http.
pub(super) type Tls = Option<(ServerName<'static>, Arc<ClientConfig>)>;

/// How questions reach the endpoint.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) peer: SocketAddr,
    /// For what anybody may see.
    pub(super) open: Tls,
    /// For the configured key: each handshake fails unless the certificate is good, whatever an
    /// earlier connection showed. Else why the key must not be sent.
    pub(super) for_key: Asked<Tls>,
}

impl Run<'_> {
    pub(super) async fn main_port(&self, addresses: &[IpAddr], port: u16) -> MainPort {
        let connect_until = self.patience.next_step();
        let (stream, peer) = match race(addresses, port, &self.budget, connect_until).await {
            Ok(winner) => winner,
            Err(silence) => return MainPort::silent(&silence),
        };
        let stream = BoundedStream::new(stream);
        if !self.endpoint.is_https() {
            return MainPort {
                peer: Ok(peer),
                ..self.http_port(stream, peer).await
            };
        }
        let (main, (hellos, shown)) =
            tokio::join!(self.https_port(stream, peer), self.ask_hellos(peer));
        let main = match (&main.tls, other_tls(&hellos)) {
            (Err(_), Some(silence)) => self.only_other_tls(main, &silence, shown).await,
            _ => main,
        };
        MainPort {
            peer: Ok(peer),
            hellos,
            ..main
        }
    }

    /// Up to TLS 1.2 the certificate is seen in clear; nothing else is.
    async fn only_other_tls(
        &self,
        main: MainPort,
        silence: &Silence,
        shown: Option<Chain>,
    ) -> MainPort {
        let certificate = match (main.certificate, shown) {
            (Err(_), Some(chain)) => self.judge_shown(chain).await,
            (certificate, _) => certificate,
        };
        MainPort {
            tls: main.tls,
            certificate,
            ..MainPort::silent(silence)
        }
    }

    /// Whether its holder has the key is not proven by a hello.
    async fn judge_shown(&self, chain: Chain) -> Asked<Certificate> {
        let host = server_name(&self.endpoint.host)?;
        let store = self.loaded(load_trust_store(self.endpoint)).await?;
        let presented = Presented {
            chain,
            key_proven: None,
        };
        judge(&presented, &host, self.endpoint.now, &store).map_err(Silence::TlsFailed)
    }

    /// All hellos at once, each over a connection of its own; and the certificates that one of
    /// them was shown in clear.
    async fn ask_hellos(&self, peer: SocketAddr) -> (Hellos, Option<Chain>) {
        let asked = hellos()
            .into_iter()
            .map(|(purpose, version, suites)| async move {
                let hello = self.hello(version, &suites);
                let until = self.patience.next_step();
                let greeting = match connect(peer, &self.budget, until).await {
                    Ok(stream) => greet(BoundedStream::new(stream), &hello, until).await,
                    Err(silence) => Err(silence),
                };
                (purpose, greeting)
            });
        let greetings = join_all(asked).await;
        let shown = greetings
            .iter()
            .filter_map(|(_, greeting)| greeting.as_ref().ok())
            .find(|greeting| !greeting.chain.is_empty())
            .map(|greeting| greeting.chain.clone());
        let answers = greetings
            .into_iter()
            .map(|(purpose, greeting)| (purpose, greeting.map(|greeting| greeting.answer)));
        (answers.collect(), shown)
    }

    /// A hello with the endpoint's name.
    pub(super) fn hello(&self, version: Version, suites: &[u16]) -> Vec<u8> {
        let server_name = match &self.endpoint.host {
            Host::Domain(name) => Some(name.as_str()),
            _ => None,
        };
        // The random is not secret: nothing is ever encrypted over these connections.
        let mut random = [0; 32];
        random[..12].copy_from_slice(&self.endpoint.nonce);
        client_hello(version, suites, server_name, random)
    }

    async fn http_port(&self, stream: BoundedStream, peer: SocketAddr) -> MainPort {
        let asker = self.asker(peer, None);
        let allowance = stream.allowance();
        asker.adopt(stream, allowance).await;
        let silence = Silence::NotAsked("--url is http, so no TLS was asked for".to_owned());
        let main = self.ask_http(&asker, self.ask_websocket(&asker)).await;
        let no_key = not_sent("--url is http");
        let door = Door {
            peer,
            open: None,
            for_key: Err(no_key.clone()),
        };
        MainPort {
            tls: Err(silence.clone()),
            certificate: Err(silence),
            key: Err(no_key),
            door: Some(door),
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
        let asker = self.asker(peer, Some((host.clone(), config)));
        let (answered, websocket) = tokio::sync::oneshot::channel();
        let websocket = async { websocket.await.unwrap_or(Err(Silence::TimedOut)) };
        // What will be needed in any case does not wait for the first handshake.
        let (main, (), ()) = tokio::join!(
            self.talk(&asker, stream, &recorder, websocket),
            asker.warm(WARM),
            async {
                // Nobody listens any more where the first handshake failed.
                let _ = answered.send(self.ask_websocket(&asker).await);
            }
        );
        main
    }

    /// The first handshake and all questions over https.
    async fn talk(
        &self,
        asker: &Asker,
        stream: BoundedStream,
        recorder: &Recorder,
        websocket: impl Future<Output = Asked<WebSocketAnswer>>,
    ) -> MainPort {
        let Some((host, config)) = asker.tls() else {
            return MainPort::silent(&Silence::NotTls);
        };
        let trust_store = load_trust_store(self.endpoint);
        let allowance = stream.allowance();
        let stream = shake_hands(stream, host, config, self.patience.next_step()).await;
        let tls = stream.as_ref().map(agreement).map_err(Clone::clone);
        let trust_store = self.loaded(trust_store);
        let certificate = async {
            let store = trust_store.await?;
            let certificate = self.judge_certificate(recorder, host, &tls, &store)?;
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
        asker.adopt(stream, allowance).await;
        let peer = asker.peer();
        let prepared = async {
            let certificate = certificate.await;
            let for_key = self.door_for_key(&certificate, host);
            let key_asker = for_key.clone().map(|tls| self.asker(peer, tls));
            if let (Ok(asker), Ok(_), true) =
                (&key_asker, &self.endpoint.key, self.endpoint.wants_key())
            {
                asker.warm(1).await;
            }
            (certificate, for_key, key_asker)
        };
        let ((certificate, for_key, key_asker), main) =
            tokio::join!(prepared, self.ask_http(asker, websocket));
        let key = match &key_asker {
            Ok(asker) => self.ask_with_key(asker, &main).await,
            Err(silence) => Err(silence.clone()),
        };
        MainPort {
            tls: tls.clone(),
            certificate: certificate.map(|(certificate, _)| certificate),
            key,
            door: Some(Door {
                peer,
                open: Some((host.clone(), config.clone())),
                for_key,
            }),
            ..main
        }
    }

    /// The configured key needs a certificate in order; its connections verify it again.
    fn door_for_key(
        &self,
        certificate: &Asked<(Certificate, Arc<TrustStore>)>,
        host: &ServerName<'static>,
    ) -> Asked<Tls> {
        let (certificate, store) = certificate.as_ref().map_err(Clone::clone)?;
        let rule = Rule {
            host: host.clone(),
            now: self.endpoint.now,
            store: store.clone(),
        };
        if !rule.is_met_by(certificate) {
            return Err(not_sent("the certificate is not in order"));
        }
        Ok(Some((host.clone(), verified(rule)?)))
    }

    /// The configured key, once. One key wakes no limiter, so this need not wait for other ports.
    async fn ask_with_key(&self, asker: &Asker, main: &MainPort) -> Asked<KeyAnswer> {
        if !self.endpoint.wants_key() {
            return Err(not_wanted());
        }
        let key = self.endpoint.key.as_ref().map_err(|why| not_sent(why))?;
        let keys = Keys::new(self.endpoint, main.gateway.as_ref(), &main.protected)?;
        keys.try_configured(asker, key).await
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

    pub(super) fn asker(&self, peer: SocketAddr, tls: Tls) -> Asker {
        Asker::new(self.place(peer, tls), &self.budget, self.patience)
    }

    pub(super) fn place(&self, peer: SocketAddr, tls: Tls) -> Place {
        Place {
            url: self.endpoint.url.clone(),
            peer,
            authority: self.endpoint.authority(),
            tls,
        }
    }

    async fn ask_websocket(&self, asker: &Asker) -> Asked<WebSocketAnswer> {
        if !self.endpoint.wants_websocket() {
            return Err(not_wanted());
        }
        let path = path_and_query(&self.endpoint.url);
        let nonce = self.endpoint.nonce;
        let foreign = foreign_origin(&self.endpoint.canary());
        let answer = asker.ask_websocket(&path, &foreign, nonce).await?;
        if answer != WebSocketAnswer::ClosedAtOnce {
            return Ok(answer);
        }
        // Somebody may hang up on everybody who shows no key.
        let own = self.endpoint.url.origin().ascii_serialization();
        let stays = match asker.ask_websocket(&path, &own, nonce).await {
            Ok(WebSocketAnswer::ClosedAtOnce) => {
                Err("it hangs up on its own origin, too".to_owned())
            }
            Ok(WebSocketAnswer::NotUpgraded { status, .. }) => {
                Err(format!("its own origin gets no upgrade but {status}"))
            }
            Ok(_) => Ok(()),
            Err(silence) => Err(format!("its own origin: {silence}")),
        };
        Ok(stays.map_or_else(WebSocketAnswer::ClosedForAll, |()| answer))
    }

    /// Pages first; what hangs on them next. Files hang on nothing.
    async fn ask_http(
        &self,
        asker: &Asker,
        websocket: impl Future<Output = Asked<WebSocketAnswer>>,
    ) -> MainPort {
        let path = path_and_query(&self.endpoint.url);
        let (page, health) = (Question::get(&path), Question::get("/health"));
        let pages = async { tokio::join!(asker.ask(&page), asker.ask(&health)) };
        let files = Questions::new(self.endpoint, asker, None);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let second_wave = async {
            let (front, health) = pages.await;
            let known = !self.endpoint.auth_paths.is_empty()
                || recognise(&front, &health, &Err(Silence::TimedOut)).is_some();
            // A service that keeps a foreign origin's connection is waited for no longer than
            // there is something to learn from it.
            let websocket = match known {
                true => Err(Silence::TimedOut),
                false => receiver.await.unwrap_or(Err(Silence::TimedOut)),
            };
            let gateway = recognise(&front, &health, &websocket);
            let questions = Questions::new(self.endpoint, asker, gateway.as_ref());
            let answers = tokio::join!(
                questions.ask_protected(),
                questions.ask_cors(),
                questions.ask_declared_origins()
            );
            (front, health, answers)
        };
        let websocket = async {
            let answer = websocket.await;
            // Nobody listens where the pages told enough.
            let _ = sender.send(answer.clone());
            answer
        };
        let ((front, health, (protected, cors, declared_origins)), websocket, exposed) =
            tokio::join!(second_wave, websocket, files.ask_exposed());
        MainPort {
            gateway: recognise(&front, &health, &websocket),
            front,
            health,
            websocket,
            protected,
            cors,
            declared_origins,
            exposed,
            ..MainPort::silent(&Silence::TimedOut)
        }
    }
}

impl MainPort {
    pub(super) fn silent(silence: &Silence) -> Self {
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
            door: None,
        }
    }

    /// Why nobody can be asked.
    pub(super) fn nobody(&self) -> Silence {
        self.front
            .as_ref()
            .err()
            .cloned()
            .unwrap_or(Silence::TimedOut)
    }
}

fn not_sent(why: &str) -> Silence {
    Silence::NotAsked(format!("{why}, so the key was not sent"))
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
