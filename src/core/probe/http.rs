//! Questions over HTTP: bounded in size, number and time, following nothing.
//!
//! This speaks through hyper itself: a server that floods interim (1xx) answers keeps reqwest busy
//! far beyond any deadline, because nothing can be put between it and its connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT_ENCODING, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::coding;
use super::connect::{Budget, connect, silence_of_io};
use super::endpoint::path_on;
use super::evidence::{Asked, Exchange, Silence, short};
use super::stream::{Allowance, BoundedStream};
use super::tls::{shake_hands, silence_of_tls};
use super::websocket::{self, Upgrade, WebSocketAnswer};

/// At most so much of a body is read.
const MAX_BODY: usize = 64 * 1024;
/// A longer header block is no usable answer.
const MAX_HEADER_BLOCK: usize = 64 * 1024;
/// More header lines are no usable answer.
const MAX_HEADERS: usize = 1000;
/// A longer header value is cut.
const MAX_HEADER_VALUE: usize = 4096;
/// Questions under way at once on one host and port, and so its connections.
const LANES: usize = 10;

/// One question.
#[derive(Debug, Clone)]
pub(super) struct Question {
    method: Method,
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<&'static str>,
}

impl Question {
    /// A GET of a path.
    pub(super) fn get(path: &str) -> Self {
        Self {
            method: Method::GET,
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// A POST of `{}`, the only body ever sent.
    pub(super) fn post_empty_object(path: &str) -> Self {
        let json = HeaderValue::from_static("application/json");
        Self {
            method: Method::POST,
            body: Some("{}"),
            headers: vec![(hyper::header::CONTENT_TYPE, json)],
            ..Self::get(path)
        }
    }

    /// Adds a header field.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Method and path, for the evidence.
    pub(super) fn line(&self) -> String {
        short(&format!("{} {}", self.method, self.path))
    }
}

/// Where an [`Asker`] sends its questions.
pub(super) struct Place {
    /// Scheme, host and port that are meant; only the path of a question is added.
    pub(super) url: Url,
    /// The address that is dialled.
    pub(super) peer: SocketAddr,
    /// The `Host` header.
    pub(super) authority: String,
    /// The name in the handshake and its configuration, for https.
    pub(super) tls: Option<(ServerName<'static>, Arc<ClientConfig>)>,
}

/// When a run has to be over, and how long one question may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// The end of the run.
    pub(super) until: Instant,
    /// The longest time for one step.
    pub(super) step: Duration,
}

impl Patience {
    /// The end of a step that begins now.
    pub(super) fn next_step(&self) -> Instant {
        self.until.min(Instant::now() + self.step)
    }
}

/// Any connection that HTTP can be spoken over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An open connection between two questions.
struct Lane {
    sender: SendRequest<Full<Bytes>>,
    allowance: Allowance,
    peer: SocketAddr,
}

/// Asks one host at one address.
pub(super) struct Asker {
    place: Place,
    budget: Arc<Budget>,
    patience: Patience,
    lanes: Semaphore,
    idle: Mutex<Vec<Lane>>,
}

impl Asker {
    /// Prepares questions; nothing is sent yet.
    pub(super) fn new(place: Place, budget: &Arc<Budget>, patience: Patience) -> Self {
        Self::with_lanes(place, budget, patience, LANES)
    }

    /// The same with so many questions under way at once.
    pub(super) fn with_lanes(
        place: Place,
        budget: &Arc<Budget>,
        patience: Patience,
        lanes: usize,
    ) -> Self {
        Self {
            place,
            budget: budget.clone(),
            patience,
            lanes: Semaphore::new(lanes),
            idle: Mutex::default(),
        }
    }

    /// The address that is asked.
    pub(super) fn peer(&self) -> SocketAddr {
        self.place.peer
    }

    /// What the first request of the run to this peer was answered.
    pub(super) fn first_status(&self) -> Option<u16> {
        self.budget.first_status(self.place.peer)
    }

    /// How many requests of the run came here within this time.
    pub(super) fn sent_within(&self, time: Duration) -> usize {
        self.budget.sent_within(self.place.peer, time)
    }

    /// The name in the handshake and its configuration, for https.
    pub(super) fn tls(&self) -> Option<&(ServerName<'static>, Arc<ClientConfig>)> {
        self.place.tls.as_ref()
    }

    /// Takes over a connection that is already open (and has shaken hands).
    pub(super) async fn adopt(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        allowance: Allowance,
    ) {
        if let Ok(lane) = open_lane(Box::new(stream), allowance, self.place.peer).await {
            self.put_back(lane);
        }
    }

    /// Puts one question. An answer whose header arrived is kept even if its body did not end.
    pub(super) async fn ask(&self, question: &Question) -> Asked<Exchange> {
        let lane = timeout_at(self.patience.until, self.lanes.acquire()).await;
        let _lane = lane.map_err(|_| Silence::TimedOut)?;
        let until = self.patience.next_step();
        let outcome = timeout_at(until, self.ask_over_some_lane(question, until)).await;
        outcome.map_err(|_| Silence::TimedOut)?
    }

    /// Opens so many connections before they are needed; what fails is asked for again later.
    pub(super) async fn warm(&self, count: usize) {
        let until = self.patience.next_step();
        let lanes = (0..count).map(|_| async {
            if let Ok(Ok(lane)) = timeout_at(until, self.connect(until)).await {
                self.put_back(lane);
            }
        });
        futures_util::future::join_all(lanes).await;
    }

    /// Puts one question and never again, because each time counts: a refused key is remembered.
    pub(super) async fn ask_once(&self, question: &Question) -> Asked<Exchange> {
        let until = self.patience.next_step();
        let outcome = timeout_at(until, async {
            let lane = match self.take_idle() {
                Some(lane) => lane,
                None => self.connect(until).await?,
            };
            self.ask_over(lane, question, until).await
        });
        outcome.await.map_err(|_| Silence::TimedOut)?
    }

    /// A connection that was kept may have been closed meanwhile: then the question is put once
    /// more over a fresh one.
    async fn ask_over_some_lane(&self, question: &Question, until: Instant) -> Asked<Exchange> {
        let kept = self.take_idle();
        let reused = kept.is_some();
        let lane = match kept {
            Some(lane) => lane,
            None => self.connect(until).await?,
        };
        match self.ask_over(lane, question, until).await {
            Err(Silence::HungUp) if reused => {
                let lane = self.connect(until).await?;
                self.ask_over(lane, question, until).await
            }
            outcome => outcome,
        }
    }

    async fn ask_over(
        &self,
        mut lane: Lane,
        question: &Question,
        until: Instant,
    ) -> Asked<Exchange> {
        let place = self.budget.take_request(lane.peer)?;
        lane.allowance.renew();
        let request = self.request(question)?;
        let response = lane.sender.send_request(request).await;
        let response = response.map_err(|error| silence_of_hyper(&error))?;
        self.budget.was_answered(place, response.status().as_u16());
        let exchange = read(question, response, lane.peer, until).await?;
        if exchange.complete && lane.sender.ready().await.is_ok() {
            self.put_back(lane);
        }
        Ok(exchange)
    }

    fn request(&self, question: &Question) -> Asked<Request<Full<Bytes>>> {
        let url = path_on(&self.place.url, &question.path)
            .ok_or_else(|| Silence::NotAsked("the path leads to another place".to_owned()))?;
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let mut request = Request::builder()
            .method(question.method.clone())
            .uri(target)
            .header(HOST, &self.place.authority)
            .header(ACCEPT_ENCODING, "identity")
            .header(
                USER_AGENT,
                concat!("openclaw-sec/", env!("CARGO_PKG_VERSION")),
            );
        for (name, value) in &question.headers {
            request = request.header(name, value);
        }
        let body = Full::new(Bytes::from_static(
            question.body.unwrap_or_default().as_bytes(),
        ));
        request
            .body(body)
            .map_err(|_| Silence::NotAsked("the question is no valid request".to_owned()))
    }

    /// Asks for a WebSocket over a connection of its own, with the origin given.
    pub(super) async fn ask_websocket(
        &self,
        path: &str,
        origin: &str,
        nonce: [u8; 12],
    ) -> Asked<WebSocketAnswer> {
        let until = self.patience.next_step();
        let (stream, _) = self.open(until).await?;
        self.budget.take_request(self.place.peer)?;
        let upgrade = Upgrade {
            path,
            authority: &self.place.authority,
            origin,
            nonce,
        };
        websocket::ask(stream, &upgrade, until).await
    }

    async fn connect(&self, until: Instant) -> Asked<Lane> {
        let (stream, allowance) = self.open(until).await?;
        open_lane(stream, allowance, self.place.peer).await
    }

    /// A fresh connection, with its handshake done.
    async fn open(&self, until: Instant) -> Asked<(Box<dyn Stream>, Allowance)> {
        let stream = BoundedStream::new(connect(self.place.peer, &self.budget, until).await?);
        let allowance = stream.allowance();
        let stream: Box<dyn Stream> = match &self.place.tls {
            Some((host, config)) => Box::new(shake_hands(stream, host, config, until).await?),
            None => Box::new(stream),
        };
        Ok((stream, allowance))
    }

    fn take_idle(&self) -> Option<Lane> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(lane) = idle.pop() {
            if lane.sender.is_ready() {
                return Some(lane);
            }
        }
        None
    }

    fn put_back(&self, lane: Lane) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(lane);
    }
}

/// Puts one question, a GET of `/`, over an open connection.
pub(super) async fn ask_over(
    stream: Box<dyn Stream>,
    allowance: Allowance,
    peer: SocketAddr,
    until: Instant,
) -> Asked<Exchange> {
    let question = Question::get("/");
    let mut request = Request::new(Full::default());
    request
        .headers_mut()
        .insert(HOST, HeaderValue::from_static("recording.example"));
    let mut lane = open_lane(stream, allowance, peer).await?;
    let response = lane.sender.send_request(request).await;
    let response = response.map_err(|error| silence_of_hyper(&error))?;
    read(&question, response, peer, until).await
}

async fn open_lane(stream: Box<dyn Stream>, allowance: Allowance, peer: SocketAddr) -> Asked<Lane> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEADER_BLOCK)
        .max_headers(MAX_HEADERS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| silence_of_hyper(&error))?;
    // It ends with its last question, at the latest with the runtime.
    tokio::spawn(connection);
    sender
        .ready()
        .await
        .map_err(|error| silence_of_hyper(&error))?;
    Ok(Lane {
        sender,
        allowance,
        peer,
    })
}

async fn read(
    question: &Question,
    response: Response<Incoming>,
    peer: SocketAddr,
    until: Instant,
) -> Asked<Exchange> {
    let text = |value: &HeaderValue| {
        let bytes = value.as_bytes();
        String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_HEADER_VALUE)]).into_owned()
    };
    let headers = response.headers().iter();
    let mut exchange = Exchange {
        request: question.line(),
        status: response.status().as_u16(),
        headers: headers
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect(),
        body: Vec::new(),
        complete: false,
        unreadable: None,
        peer: Some(peer),
    };
    // A little before the step ends: what the header proved stays proven.
    let until = until - until.duration_since(Instant::now()) / 10;
    let mut body = response.into_body();
    loop {
        match timeout_at(until, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                let Ok(chunk) = frame.into_data() else {
                    continue;
                };
                let room = MAX_BODY - exchange.body.len();
                exchange
                    .body
                    .extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    break;
                }
            }
            Ok(None) => {
                exchange.complete = true;
                break;
            }
            Ok(Some(Err(_))) | Err(_) => break,
        }
    }
    coding::decode(&mut exchange, MAX_BODY);
    Ok(exchange)
}

/// What a failed request says about the endpoint.
fn silence_of_hyper(error: &hyper::Error) -> Silence {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(error) = current.downcast_ref::<std::io::Error>() {
            let inner = error.get_ref();
            if let Some(tls) = inner.and_then(|inner| inner.downcast_ref()) {
                return silence_of_tls(tls);
            }
            return silence_of_io(error);
        }
        cause = current.source();
    }
    if error.is_parse() {
        Silence::NotHttp(short(&error.to_string()))
    } else {
        Silence::HungUp
    }
}
