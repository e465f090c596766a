//! What was seen on the endpoint, as plain data that the verdicts are drawn from.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use url::Url;

use super::certificate::Certificate;
use super::endpoint::{DeclaredLimit, Profile};
use super::gateway::Gateway;
use super::hello::{HelloAnswer, Purpose};
use super::websocket::WebSocketAnswer;

/// An answer, or why there is none.
pub type Asked<T> = Result<T, Silence>;

/// Why a question got no answer that can be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// The name has no address; the text is the resolver's.
    NotResolved(String),
    /// The port is closed.
    Refused,
    /// The connection was not accepted in time.
    Dropped,
    /// The network says no, in the operating system's words.
    Unreachable(String),
    /// The time ran out before the answer was there.
    TimedOut,
    /// What answered does not speak TLS.
    NotTls,
    /// The TLS handshake failed, with the reason.
    TlsFailed(String),
    /// The server broke the TLS handshake off with this alert, with the same in words.
    TlsAlert(u8, String),
    /// Only weak TLS is spoken, and which: nothing can be fetched over it.
    OnlyWeakTls(String),
    /// Only TLS is spoken that cannot be spoken here, though nothing is weak about it, and which.
    OnlyOtherTls(String),
    /// The connection ended before an answer.
    HungUp,
    /// What answered is not HTTP or breaks its limits.
    NotHttp(String),
    /// The limit on connections or requests was reached.
    BudgetSpent,
    /// The question was not put, with the reason.
    NotAsked(String),
}

impl Silence {
    /// What to look at where the whole endpoint is silent for this reason.
    pub fn next_step(&self) -> Option<&'static str> {
        match self {
            Self::NotResolved(_) => {
                Some("see that the name in --url is right and that DNS knows it")
            }
            Self::Refused => Some("see that the service runs and listens on that port"),
            Self::Dropped | Self::Unreachable(_) => {
                Some("see that the address is right and that no firewall keeps this machine out")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotResolved(why) => write!(f, "the name does not resolve ({why})"),
            Self::Refused => f.write_str("the connection was refused"),
            Self::Dropped => f.write_str("the connection was not accepted in time"),
            Self::Unreachable(why) => write!(f, "the address is not reachable ({why})"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::NotTls => f.write_str("what answers does not speak TLS"),
            Self::TlsFailed(why) | Self::TlsAlert(_, why) => {
                write!(f, "the TLS handshake failed ({why})")
            }
            Self::OnlyWeakTls(what) => write!(
                f,
                "only weak TLS is spoken ({what}), so nothing can be fetched over it"
            ),
            Self::OnlyOtherTls(what) => write!(
                f,
                "TLS is spoken that is not weak but cannot be spoken here ({what}), so nothing can be \
                 fetched over it"
            ),
            Self::HungUp => f.write_str("the connection ended before an answer"),
            Self::NotHttp(why) => write!(f, "the answer is not usable HTTP ({why})"),
            Self::BudgetSpent => f.write_str("the limit on connections and requests was reached"),
            Self::NotAsked(why) => f.write_str(why),
        }
    }
}

/// Everything the endpoint said in one run.
#[derive(Debug, Clone)]
pub struct LiveEvidence {
    /// The URL that was asked.
    pub url: Url,
    /// The deployment's profile.
    pub profile: Profile,
    /// Whether wrong keys and bursts were allowed.
    pub active: bool,
    /// The addresses of the name, in the resolver's order.
    pub addresses: Asked<Vec<IpAddr>>,
    /// The address that was asked.
    pub peer: Asked<SocketAddr>,
    /// Whether `--ca-file` was given.
    pub has_ca_file: bool,
    /// The variables that took the place of the operating system's roots.
    pub root_variables: Vec<&'static str>,
    /// The moment of the run, for the certificate's dates.
    pub now: jiff::Timestamp,
    /// The modern TLS connection.
    pub tls: Asked<TlsEvidence>,
    /// The certificate; it is often seen even where the handshake fails later.
    pub certificate: Asked<Certificate>,
    /// What the raw hellos were answered.
    pub hellos: Vec<(Purpose, Asked<HelloAnswer>)>,
    /// The answer to `--url` itself.
    pub front: Asked<Exchange>,
    /// `GET /health`.
    pub health: Asked<Exchange>,
    /// What a WebSocket upgrade with a foreign origin was answered.
    pub websocket: Asked<WebSocketAnswer>,
    /// That origin.
    pub websocket_origin: String,
    /// The marks of an OpenClaw gateway, if there are any.
    pub gateway: Option<Gateway>,
    /// Port 80 of the same host; for an http URL the endpoint itself.
    pub plain: Asked<Exchange>,
    /// The origin behind Cloudflare, asked directly; nothing where its address is not named.
    pub origin: Option<OriginAnswer>,
    /// The public addresses of the name; asked in the tailscale profile only.
    pub public_addresses: Vec<PublicAnswer>,
    /// Protected resources, asked without a key.
    pub protected: Vec<ProtectedAnswer>,
    /// What foreign origins were answered.
    pub cors: Vec<CorsAnswer>,
    /// Entries of `CORS_ORIGINS`, and whether the front page allows them.
    pub declared_origins: Vec<(String, Asked<bool>)>,
    /// Files that no endpoint may serve.
    pub exposed: Vec<ExposedAnswer>,
    /// The configured key; a [`Silence::NotAsked`] where it must not or need not be sent.
    pub key: Asked<KeyAnswer>,
    /// The variable whose key was meant and how it is presented, or why no key is sent.
    pub key_source: Result<(String, String), String>,
    /// A made-up key; asked under `--active` only.
    pub made_up_key: Asked<KeyAnswer>,
    /// What the env file promises about the number of requests, or why nothing is promised.
    pub limit: Result<DeclaredLimit, String>,
    /// A counted burst; asked under `--active` only.
    pub burst: Asked<Burst>,
    /// How many connections were opened, those of the burst included.
    pub connections: usize,
    /// How many requests were sent, those of the burst excluded.
    pub requests: usize,
    /// How many requests the burst sent, those with forged addresses included.
    pub burst_requests: usize,
}

impl LiveEvidence {
    /// Whether the run stood on the machine of the endpoint: a gateway treats such a client
    /// differently than one from the internet.
    pub fn from_loopback(&self) -> bool {
        self.peer.as_ref().is_ok_and(|peer| peer.ip().is_loopback())
    }
}

/// The modern TLS connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsEvidence {
    /// `TLSv1_3` or `TLSv1_2`.
    pub version: String,
    /// The negotiated suite.
    pub cipher: String,
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Method and path, never a credential.
    pub request: String,
    /// The status code.
    pub status: u16,
    /// The header fields in order, names in lower case, values cut at 4 KiB.
    pub headers: Vec<(String, String)>,
    /// At most 64 KiB of the body, its content codings taken off.
    pub body: Vec<u8>,
    /// Why the body could not be read as what it is, where a content coding hides it.
    pub unreadable: Option<String>,
    /// Whether the body ended before the limits did.
    pub complete: bool,
    /// The address that answered.
    pub peer: Option<SocketAddr>,
}

impl Exchange {
    /// The first header field of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter();
        fields
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// All header fields of this name (lower case).
    pub fn header_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let matching = move |(field, _): &&(String, String)| field == name;
        self.headers
            .iter()
            .filter(matching)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Why a success says nothing by its body, if so.
    pub fn hidden(&self) -> Option<String> {
        let why = self.unreadable.as_ref().filter(|_| self.is_success())?;
        Some(format!("the body of the answer could not be read: {why}"))
    }

    /// Whether the status is one of the redirects.
    pub fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
    }

    /// Whether the body is a page for a browser.
    pub fn is_html(&self) -> bool {
        let kind = self
            .header("content-type")
            .unwrap_or_default()
            .to_ascii_lowercase();
        kind.starts_with("text/html") || kind.starts_with("application/xhtml+xml")
    }

    /// The body as text, whatever its bytes.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON, if it is that.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A protected resource asked without a key, and a name beside it that cannot exist.
#[derive(Debug, Clone)]
pub struct ProtectedAnswer {
    /// The path as named by `--auth-path` or the gateway's table.
    pub path: String,
    /// Whether the path comes from the gateway's table instead of `--auth-path`.
    pub of_gateway: bool,
    /// Whether most gateways have it switched off.
    pub may_be_off: bool,
    /// The answer.
    pub answer: Asked<Exchange>,
    /// The answer to a random path of the same shape.
    pub canary: Asked<Exchange>,
}

/// What the origin behind Cloudflare said to a stranger.
#[derive(Debug, Clone)]
pub enum OriginAnswer {
    /// It answered the request.
    Answered(Exchange),
    /// It answered nothing, and why.
    Silent(Silence),
    /// It broke the handshake off after it had asked for a certificate of the client.
    WantsCertificate(Silence),
    /// It refused every hello, and how it refused the first.
    RefusesHellos(Silence),
    /// The handshake failed, because what TLS it speaks cannot be spoken here; but it took a hello up.
    TookHello {
        /// The version and the suite it chose.
        spoken: String,
        /// Whether it asks for a certificate of the client.
        wants_certificate: bool,
        /// The address that answered.
        peer: SocketAddr,
    },
}

/// What a public address of a private chat answered.
#[derive(Debug, Clone)]
pub struct PublicAnswer {
    /// The address.
    pub address: IpAddr,
    /// On the port of `--url`.
    pub answer: Asked<Exchange>,
    /// On port 80, where `--url` is https.
    pub plain: Option<Asked<Exchange>>,
}

/// A kind of foreign origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForeignOrigin {
    /// Any other site.
    Random,
    /// `null`, what a sandboxed frame sends.
    Null,
    /// A host that begins with the endpoint's.
    Prefix,
    /// A host that ends with the endpoint's.
    Suffix,
    /// The same host over plain http.
    HttpTwin,
    /// The same host with a letter in place of a dot.
    LetterForDot,
}

impl ForeignOrigin {
    /// Whether letting it in is a fault, and not only worth a word.
    pub fn fails(self) -> bool {
        !matches!(self, Self::HttpTwin | Self::LetterForDot)
    }
}

/// What one foreign origin was answered on one path.
#[derive(Debug, Clone)]
pub struct CorsAnswer {
    /// The path asked.
    pub path: String,
    /// The kind of origin.
    pub kind: ForeignOrigin,
    /// The origin sent.
    pub origin: String,
    /// The answer.
    pub answer: Asked<Exchange>,
}

/// A kind of file that no endpoint may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExposedKind {
    /// An env file or a copy of one.
    EnvFile,
    /// The configuration of a git repository.
    GitConfig,
    /// The audit log.
    AuditLog,
}

/// What a path answered that no endpoint may serve. The body is gone.
#[derive(Debug, Clone)]
pub struct ExposedAnswer {
    /// The path.
    pub path: String,
    /// What would be there.
    pub kind: ExposedKind,
    /// The answer, without its body.
    pub answer: Asked<Exchange>,
    /// How many bytes of the body were read.
    pub length: usize,
    /// What the content proves to be, with names of variables where it has such.
    pub found: Option<Vec<String>>,
    /// Whether a path of the same shape that cannot exist proves the same.
    pub canary: Option<Asked<bool>>,
}

/// What a key was answered. No text of the server is kept: it could be the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyAnswer {
    /// Method and path.
    pub request: String,
    /// The status code.
    pub status: u16,
    /// Whether the answer is one for those who were let in.
    pub let_in: bool,
    /// Whether it leads to a login.
    pub to_login: bool,
    /// Whether no protected resource asked for a key without one.
    pub open_anyway: bool,
    /// Whether the gateway refused the proxy and judged no key.
    pub attribution: bool,
    /// Who may have refused it in the application's place.
    pub refuser: Option<Refuser>,
    /// The address that answered.
    pub peer: Option<SocketAddr>,
}

/// Somebody who stands in front of an application and may refuse a key in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refuser {
    /// An edge that challenges whoever asks, in words.
    Edge(String),
    /// Cloudflare Access.
    Access,
    /// Somebody who asks for a login of this scheme.
    ProxyLogin(&'static str),
}

/// A counted burst and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Burst {
    /// Method and path.
    pub request: String,
    /// Whether the configured key went along.
    pub with_key: bool,
    /// How many requests were meant.
    pub planned: usize,
    /// How many answers carried which status.
    pub statuses: BTreeMap<u16, usize>,
    /// How many answers were no refusal of a limiter.
    pub let_through: usize,
    /// How many of them did what was asked for, instead of asking for a key or finding nothing.
    pub served: usize,
    /// How many requests of the run came before it, within the declared window.
    pub earlier: usize,
    /// Whether the very first request of the run for this path was answered with 429 already.
    pub was_limited: bool,
    /// The first refusal.
    pub refusal: Option<Refusal>,
    /// The status with which the configured key was refused, where that ended the burst.
    pub key_refused: Option<u16>,
    /// Why a question got no answer, where that ended the burst.
    pub silence: Option<Silence>,
    /// How long it took.
    pub took: Duration,
    /// The rounds with forged addresses after the refusal.
    pub forged: Vec<ForgedRound>,
    /// The address that answered.
    pub peer: Option<SocketAddr>,
}

impl Burst {
    /// Whether nothing more may be sent.
    pub(super) fn is_over(&self) -> bool {
        self.refusal.is_some() || self.key_refused.is_some() || self.silence.is_some()
    }
}

/// A limiter's refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 429, 503, or 403 after the same question was served.
    pub status: u16,
    /// Whether a gateway says that it locked this address out for wrong keys.
    pub is_lock_out: bool,
    /// Its `Retry-After`.
    pub retry_after: RetryAfter,
}

/// A `Retry-After` field (RFC 9110, 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// There is none.
    Missing,
    /// Neither seconds nor an HTTP date.
    Unreadable,
    /// Seconds.
    Seconds(u64),
    /// An HTTP date.
    Date,
}

/// Plain requests and ones with a new `X-Forwarded-For` each, in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ForgedRound {
    /// Plain requests that were let through.
    pub plain_accepted: usize,
    /// Plain requests that were refused.
    pub plain_refused: usize,
    /// Forged ones that were let through.
    pub forged_accepted: usize,
    /// Forged ones that were refused.
    pub forged_refused: usize,
    /// Questions of both kinds without an answer, or with one of another kind than the burst's.
    pub unclear: usize,
}

/// Cuts foreign text to a length that fits a report.
pub(super) fn short(text: &str) -> String {
    const LIMIT: usize = 200;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
