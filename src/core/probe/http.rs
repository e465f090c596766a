//! Questions over HTTP: bounded in size, number and time, following nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{Either, Ready, ready};
use reqwest::header::{HOST, HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Client, Method, redirect, retry};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;
use url::{Host, Url};

use super::connect::{Budget, silence_of_io};
use super::endpoint::path_on;
use super::evidence::{Asked, Exchange, Silence, short};
use super::tls::silence_of_tls;

/// At most so much of a body is read.
const MAX_BODY: usize = 64 * 1024;
/// A longer header block is no usable answer.
const MAX_HEADER_BLOCK: usize = 64 * 1024;
/// A longer header value is cut.
const MAX_HEADER_VALUE: usize = 4096;
/// Questions under way at once on one host and port.
const LANES: usize = 6;

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
            headers: vec![(reqwest::header::CONTENT_TYPE, json)],
            ..Self::get(path)
        }
    }

    /// Adds a header field.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Method and path, for the evidence.
    fn line(&self) -> String {
        short(&format!("{} {}", self.method, self.path))
    }
}

/// Where an [`Asker`] sends its questions.
pub(super) struct Place<'a> {
    /// Scheme, host and port of the URL that is meant.
    pub(super) url: &'a Url,
    /// The address that is dialled.
    pub(super) peer: SocketAddr,
    /// The `Host` header.
    pub(super) authority: &'a str,
}

/// Asks one host at one address.
pub(super) struct Asker {
    client: Client,
    base: Url,
    authority: HeaderValue,
    budget: Arc<Budget>,
    lanes: Semaphore,
    until: Instant,
    patience: Duration,
}

impl Asker {
    /// Prepares a client; nothing is sent yet. `patience` bounds each question, `until` all.
    pub(super) fn new(
        place: &Place<'_>,
        tls: Option<rustls::ClientConfig>,
        budget: &Arc<Budget>,
        until: Instant,
        patience: Duration,
    ) -> Asked<Self> {
        let unusable = |_| Silence::NotAsked("the http client could not be set up".to_owned());
        let mut base = place.url.clone();
        base.set_path("/");
        base.set_query(None);
        base.set_fragment(None);
        // The port to dial goes into the URL, the port that is meant into the Host header. An
        // address is dialled as it is; a name stays, because SNI is taken from it.
        let _ = base.set_port(Some(place.peer.port()));
        if !matches!(place.url.host(), Some(Host::Domain(_))) {
            let _ = base.set_ip_host(place.peer.ip());
        }
        let mut builder = Client::builder()
            .http1_only()
            .no_proxy()
            .referer(false)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .pool_max_idle_per_host(LANES)
            .connect_timeout(patience)
            .resolve_to_addrs(base.host_str().unwrap_or_default(), &[place.peer])
            .connector_layer(CountConnections(budget.clone()));
        if let Some(tls) = tls {
            builder = builder.tls_backend_preconfigured(tls);
        } else {
            builder = builder.tls_backend_preconfigured(no_tls()?);
        }
        Ok(Self {
            client: builder.build().map_err(unusable)?,
            base,
            authority: HeaderValue::from_str(place.authority).map_err(|_| {
                Silence::NotAsked("the host does not fit into a Host header".to_owned())
            })?,
            budget: budget.clone(),
            lanes: Semaphore::new(LANES),
            until,
            patience,
        })
    }

    /// Puts one question. An answer whose header arrived is kept even if its body did not end.
    pub(super) async fn ask(&self, question: &Question) -> Asked<Exchange> {
        let lane = tokio::time::timeout_at(self.until, self.lanes.acquire()).await;
        let _lane = lane
            .map_err(|_| Silence::TimedOut)?
            .map_err(|_| Silence::TimedOut)?;
        self.budget.take_request()?;
        let until = self.until.min(Instant::now() + self.patience);
        let request = self.request(question)?;
        let response = tokio::time::timeout_at(until, request.send())
            .await
            .map_err(|_| Silence::TimedOut)?
            .map_err(|error| silence_of_request(&error.without_url()))?;
        let exchange = read(question, response, until).await;
        // The connection returns to the pool in a task of its own: let it, before the next
        // question takes this lane and finds no connection to reuse.
        for _ in 0..2 {
            tokio::task::yield_now().await;
        }
        exchange
    }

    fn request(&self, question: &Question) -> Asked<reqwest::RequestBuilder> {
        let url = path_on(&self.base, &question.path)
            .ok_or_else(|| Silence::NotAsked("the path leads to another place".to_owned()))?;
        let mut request = self
            .client
            .request(question.method.clone(), url)
            .header(HOST, self.authority.clone())
            .header(
                USER_AGENT,
                concat!("openclaw-sec/", env!("CARGO_PKG_VERSION")),
            );
        for (name, value) in &question.headers {
            request = request.header(name, value);
        }
        if let Some(body) = question.body {
            request = request.body(body);
        }
        Ok(request)
    }
}

async fn read(
    question: &Question,
    mut response: reqwest::Response,
    until: Instant,
) -> Asked<Exchange> {
    let block: usize = response
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if block > MAX_HEADER_BLOCK {
        return Err(Silence::NotHttp(
            "its header is longer than 64 KiB".to_owned(),
        ));
    }
    let text = |value: &HeaderValue| {
        let bytes = value.as_bytes();
        String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_HEADER_VALUE)]).into_owned()
    };
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect();
    let mut exchange = Exchange {
        request: question.line(),
        status: response.status().as_u16(),
        headers,
        body: Vec::new(),
        complete: false,
        peer: response.remote_addr(),
    };
    loop {
        match tokio::time::timeout_at(until, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let room = MAX_BODY - exchange.body.len();
                exchange
                    .body
                    .extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() >= room {
                    break;
                }
            }
            Ok(Ok(None)) => {
                exchange.complete = true;
                break;
            }
            // What the header proved stays proven.
            Ok(Err(_)) | Err(_) => break,
        }
    }
    Ok(exchange)
}

/// What a failed request says about the endpoint.
fn silence_of_request(error: &reqwest::Error) -> Silence {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut silence = None;
    while let Some(current) = cause {
        if let Some(spent) = current.downcast_ref::<Spent>() {
            return spent.0.clone();
        }
        if let Some(error) = current.downcast_ref::<rustls::Error>() {
            return silence_of_tls(error);
        }
        if let Some(error) = current.downcast_ref::<std::io::Error>() {
            // An io error often only wraps the one that matters.
            if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
                return silence_of_tls(tls);
            }
            silence = Some(silence_of_io(error));
        }
        cause = current.source();
    }
    match silence {
        Some(silence) => silence,
        None if error.is_timeout() => Silence::TimedOut,
        None => Silence::NotHttp(short(&innermost(error))),
    }
}

fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// A configuration for plain http, where no TLS connection is ever made.
fn no_tls() -> Asked<rustls::ClientConfig> {
    super::tls::recording(&super::tls::Recorder::new()).map_err(|error| silence_of_tls(&error))
}

/// Counts the connections that the client opens, and refuses those beyond the budget.
#[derive(Clone)]
struct CountConnections(Arc<Budget>);

/// See [`CountConnections`].
#[derive(Clone)]
struct Counted<S> {
    inner: S,
    budget: Arc<Budget>,
}

/// The budget's refusal, as an error that the client passes on.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Spent(Silence);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<S> Layer<S> for CountConnections {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted {
            inner,
            budget: self.0.clone(),
        }
    }
}

impl<S, R> Service<R> for Counted<S>
where
    S: Service<R, Error = BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Either<S::Future, Ready<Result<S::Response, BoxError>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        match self.budget.take_connection() {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(silence) => Either::Right(ready(Err(Box::new(Spent(silence)) as BoxError))),
        }
    }
}
