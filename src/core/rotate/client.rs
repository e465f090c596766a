//! The HTTP client that carries keys: no redirects, no proxy, no address in an error.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rustls::RootCertStore;
use serde_json::Value;
use url::{Host, Url};

use super::RotateError;
use crate::secret::Secret;

/// The longest time to reach a server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time for a whole request.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause between two looks at whether a person wants to stop.
const PAUSE: Duration = Duration::from_millis(50);
/// Answers about keys are small; more is not read. A page of keys may take some space.
const LARGEST_BODY: usize = 4 << 20;

/// Why there is no answer. It holds no address and no part of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// The time was up.
    TimedOut,
    /// Connection refused, reset, TLS trouble, a broken answer.
    Failed,
    /// A person wants to stop.
    Interrupted,
}

/// What a server said.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body, cut at [`LARGEST_BODY`].
    pub body: Vec<u8>,
    headers: HeaderMap,
}

impl Reply {
    /// A header field.
    pub fn header(&self, name: &str) -> Option<String> {
        Some(self.headers.get(name)?.to_str().ok()?.to_owned())
    }

    /// An answer for tests of verdicts.
    #[cfg(test)]
    pub(super) fn made_of(status: u16, body: &str) -> Self {
        Self {
            status,
            body: body.as_bytes().to_vec(),
            headers: HeaderMap::new(),
        }
    }

    /// The same with a header field.
    #[cfg(test)]
    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        let value = HeaderValue::from_static(value);
        self.headers.insert(name, value);
        self
    }

    /// The body of a successful answer as JSON.
    pub fn json(&self) -> Option<Value> {
        let is_success = (200..300).contains(&self.status);
        is_success.then(|| serde_json::from_slice(&self.body).ok())?
    }
}

/// One request.
#[derive(Debug)]
pub struct Request<'a> {
    /// GET, POST or DELETE.
    pub method: reqwest::Method,
    /// Path and query. It may hold a key, so it is never shown.
    pub path: &'a str,
    /// Header fields that hold no secret.
    pub headers: &'a [(&'static str, &'static str)],
    /// Header fields that do.
    pub secrets: Vec<(HeaderName, HeaderValue)>,
    /// A JSON body.
    pub body: Option<Vec<u8>>,
    /// The longest time for the whole of it.
    pub timeout: Duration,
}

/// Whom a client may talk to.
#[derive(Debug, Clone)]
pub struct ApiBase(Url);

impl ApiBase {
    /// The provider's own host, or the one of `--provider-url`, which replaces scheme, host and port.
    ///
    /// # Errors
    /// [`RotateError::ProviderUrl`] unless it is https, or http to this machine.
    pub fn new(own: &str, replacement: Option<&str>) -> Result<Self, RotateError> {
        let url = Url::parse(replacement.unwrap_or(own)).map_err(|_| RotateError::ProviderUrl)?;
        let has_user = !url.username().is_empty() || url.password().is_some();
        let is_allowed = match url.scheme() {
            "https" => url.host().is_some(),
            "http" => is_loopback(&url),
            _ => false,
        };
        if has_user || !is_allowed || url.query().is_some() || url.fragment().is_some() {
            return Err(RotateError::ProviderUrl);
        }
        Ok(Self(url))
    }

    /// An endpoint that no key is sent to: any http or https address.
    ///
    /// # Errors
    /// [`RotateError::HealthUrl`] for anything else, and where a user name stands in it.
    pub fn without_keys(url: &str) -> Result<(Self, String), RotateError> {
        let url = Url::parse(url).map_err(|_| RotateError::HealthUrl)?;
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(RotateError::HealthUrl);
        }
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Ok((Self(url), path))
    }

    /// Scheme, host and port with another path and query.
    fn at(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        url.set_path(path);
        url.set_query(query);
        url
    }
}

/// Whether a URL leads to this machine, whatever a resolver says.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Sends requests to one provider.
pub struct Client {
    base: ApiBase,
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
}

impl Client {
    /// A client for one provider.
    ///
    /// # Errors
    /// [`RotateError::Client`] when the system refuses what it needs.
    pub fn new(base: ApiBase) -> Result<Self, RotateError> {
        let is_https = base.0.scheme() == "https";
        let is_localhost = matches!(base.0.host(), Some(Host::Domain("localhost")));
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(is_https)?)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("openclaw-sec/", env!("CARGO_PKG_VERSION")))
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT);
        if is_localhost {
            // No resolver may send this name elsewhere.
            builder = builder.resolve_to_addrs(
                "localhost",
                &[
                    std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
                    std::net::SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 0)),
                ],
            );
        }
        let http = builder
            .build()
            .map_err(|error| RotateError::Client(error.without_url().to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| RotateError::Client(error.to_string()))?;
        Ok(Self {
            base,
            runtime,
            http,
        })
    }

    /// Sends one request and waits for the whole answer, or until `stop` says so.
    ///
    /// # Errors
    /// [`Silence`] when there is none.
    pub fn send(&self, request: Request<'_>, stop: &dyn Fn() -> bool) -> Result<Reply, Silence> {
        let url = self.base.at(request.path);
        let timeout = request.timeout;
        let mut headers = HeaderMap::new();
        for (name, value) in request.headers {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        for (name, mut value) in request.secrets {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let mut builder = self.http.request(request.method, url).headers(headers);
        if let Some(body) = request.body {
            builder = builder
                .header("content-type", "application/json")
                .body(body);
        }
        let exchange = async {
            let whole = tokio::time::timeout(timeout, receive(builder));
            tokio::pin!(whole);
            loop {
                match tokio::time::timeout(PAUSE, &mut whole).await {
                    Ok(Ok(received)) => return received,
                    Ok(Err(_)) => return Err(Silence::TimedOut),
                    Err(_) if stop() => return Err(Silence::Interrupted),
                    Err(_) => {}
                }
            }
        };
        // The runtime gives up with a panic when the system refuses it something.
        let run = std::panic::AssertUnwindSafe(|| self.runtime.block_on(exchange));
        std::panic::catch_unwind(run).unwrap_or(Err(Silence::Failed))
    }
}

/// A header value that is a key.
///
/// # Errors
/// [`Silence::Failed`] when the key holds bytes that no header may.
pub fn secret_header(before: &str, key: &Secret) -> Result<HeaderValue, Silence> {
    let mut text = zeroize::Zeroizing::new(before.as_bytes().to_vec());
    text.extend_from_slice(key.expose());
    HeaderValue::from_bytes(&text).map_err(|_| Silence::Failed)
}

async fn receive(builder: reqwest::RequestBuilder) -> Result<Reply, Silence> {
    let mut response = builder.send().await.map_err(|error| silence(&error))?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| silence(&error))? {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(Silence::Failed);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply {
        status,
        body,
        headers,
    })
}

fn silence(error: &reqwest::Error) -> Silence {
    if error.is_timeout() {
        Silence::TimedOut
    } else {
        Silence::Failed
    }
}

/// The system's roots; none of them is read where no certificate will be looked at.
fn tls(is_needed: bool) -> Result<rustls::ClientConfig, RotateError> {
    let mut roots = RootCertStore::empty();
    if is_needed {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| RotateError::Client(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
