//! The endpoint a person names with `--url`: checked before a single byte is sent.

use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use url::{Host, Url};

use super::wanted::Wanted;
use crate::secret::Secret;

mod parse;
#[cfg(test)]
mod tests;

use parse::{
    carries_key, dialled_host, holds_key, parse_auth_scheme, parse_ca_file, parse_connect_to,
    parse_url,
};

/// Everything the command line and the env file say about one endpoint, still unchecked.
#[derive(Debug, Clone)]
pub struct EndpointInput {
    /// `--url`.
    pub url: String,
    /// `--connect-to HOST:PORT`.
    pub connect_to: Option<String>,
    /// The bytes of the PEM file that `--ca-file` names; reading the file is the caller's part.
    pub ca_file: Option<Vec<u8>>,
    /// The variables that are set and take the place of the operating system's roots.
    pub root_variables: Vec<&'static str>,
    /// `--timeout`: how long the live half may take as a whole.
    pub timeout: Duration,
    /// `--auth-path`, in the order given.
    pub auth_paths: Vec<String>,
    /// `--auth-scheme`: `bearer`, `x-api-key` or `header=NAME`.
    pub auth_scheme: String,
    /// `--burst-path`.
    pub burst_path: Option<String>,
    /// The configured key and the variable it stands in, or why none is sent.
    pub key: Result<ConfiguredKey, String>,
    /// `--profile`.
    pub profile: Profile,
    /// The entries of `CORS_ORIGINS`.
    pub cors_origins: Vec<String>,
    /// What the env file promises about the number of requests, or why nothing is promised.
    pub limit: Result<DeclaredLimit, String>,
    /// The base name of `AUDIT_LOG_PATH`, where it is set.
    pub audit_log_name: Option<String>,
    /// Whether a line is an event in a structured format, with a time.
    pub is_log_event: fn(&str) -> bool,
    /// `--active`.
    pub active: bool,
    /// What the run is about.
    pub wanted: Wanted,
    /// The moment the certificate is judged at.
    pub now: Timestamp,
    /// Random bytes for names that cannot exist on the server.
    pub nonce: [u8; 12],
}

/// A key of the env file and the name of its variable.
#[derive(Debug, Clone)]
pub struct ConfiguredKey {
    /// The variable, for example `WEB_API_KEY`.
    pub variable: String,
    /// Its value.
    pub value: Secret,
}

/// What `RATE_LIMIT_REQUESTS` and `RATE_LIMIT_WINDOW` promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeclaredLimit {
    /// How many requests.
    pub requests: u64,
    /// Within which time.
    pub window: Duration,
}

/// The way a deployment reaches the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// A server of one's own with ports of its own.
    #[default]
    Vps,
    /// Behind a Cloudflare tunnel.
    CloudflareTunnel,
    /// Behind Cloudflare's proxy, with a reachable origin.
    CloudflareOrigin,
    /// In a tailnet.
    Tailscale,
    /// A Telegram bot.
    Telegram,
}

impl Profile {
    /// The profile of [`crate::profiles::PROFILES`] with this id.
    pub fn of(id: &str) -> Option<Self> {
        Some(match id {
            "vps" => Self::Vps,
            "cloudflare-tunnel" => Self::CloudflareTunnel,
            "cloudflare-origin" => Self::CloudflareOrigin,
            "tailscale" => Self::Tailscale,
            "telegram" => Self::Telegram,
            _ => return None,
        })
    }

    /// Whether Cloudflare stands in front, so that `--connect-to` names the origin.
    pub fn is_cloudflare(self) -> bool {
        matches!(self, Self::CloudflareTunnel | Self::CloudflareOrigin)
    }
}

/// How a key is presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthScheme {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// A header of its own, `X-API-Key` for example.
    Header(String),
}

/// A checked endpoint: what [`super::gather`] asks.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub(super) url: Url,
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) connect_to: Option<(String, u16)>,
    pub(super) ca_certificates: Vec<CertificateDer<'static>>,
    pub(super) root_variables: Vec<&'static str>,
    pub(super) timeout: Duration,
    pub(super) auth_paths: Vec<String>,
    pub(super) auth_scheme: AuthScheme,
    pub(super) burst_path: Option<String>,
    pub(super) key: Result<ConfiguredKey, String>,
    pub(super) profile: Profile,
    pub(super) cors_origins: Vec<String>,
    pub(super) limit: Result<DeclaredLimit, String>,
    pub(super) audit_log_name: Option<String>,
    pub(super) is_log_event: fn(&str) -> bool,
    pub(super) active: bool,
    pub(super) wanted: Wanted,
    pub(super) now: Timestamp,
    pub(super) nonce: [u8; 12],
}

/// Why an endpoint cannot be asked. No message repeats a part of the URL that could be secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EndpointError {
    /// The URL does not parse.
    #[error("the url is not one ({0}): write it as https://bot.example")]
    NotAUrl(url::ParseError),
    /// The URL names no host.
    #[error("the url has no host: write it as https://bot.example")]
    NoHost,
    /// Neither http nor https.
    #[error("the url has another scheme than http or https: write it as https://bot.example")]
    OtherScheme,
    /// `user:password@` in the URL.
    #[error(
        "the url carries a user name or password before the host: remove it, the key is read from the env file"
    )]
    UserInfo,
    /// A key in the path, query or fragment.
    #[error("the url seems to carry a key: remove it, the key is read from the env file")]
    KeyInUrl,
    /// `--connect-to` is not `HOST:PORT`.
    #[error("--connect-to needs HOST:PORT, for example 203.0.113.7:443 or [2001:db8::1]:443")]
    ConnectTo,
    /// `--ca-file` holds no certificate.
    #[error("--ca-file holds no certificate: it must be a PEM file with BEGIN CERTIFICATE")]
    NoCertificate,
    /// `--ca-file` is broken.
    #[error("--ca-file cannot be read as PEM: check it with `openssl x509 -in FILE -noout`")]
    BrokenCertificate,
    /// `--auth-scheme` is none of the known ones.
    #[error("--auth-scheme is none of bearer, x-api-key and header=NAME")]
    AuthScheme,
    /// `--auth-path` is not a path.
    #[error(
        "--auth-path number {0} is not a path on the endpoint: it begins with one / and carries no key"
    )]
    AuthPath(usize),
    /// `--burst-path` is not a path.
    #[error("--burst-path is not a path on the endpoint: it begins with one / and carries no key")]
    BurstPath,
    /// `--timeout 0`.
    #[error("--timeout must be longer than nothing")]
    Timeout,
}

impl Endpoint {
    /// Checks the input; nothing is sent and no name is resolved.
    ///
    /// # Errors
    /// [`EndpointError`] for what the contract calls bad input (exit code 2).
    pub fn parse(input: EndpointInput) -> Result<Self, EndpointError> {
        let url = parse_url(&input.url)?;
        let host = url.host().ok_or(EndpointError::NoHost)?.to_owned();
        let port = url
            .port_or_known_default()
            .ok_or(EndpointError::OtherScheme)?;
        if input.timeout.is_zero() {
            return Err(EndpointError::Timeout);
        }
        let key = input.key.as_ref().ok();
        let is_no_path = |path: &String| path_on(&url, path).is_none() || holds_key(path, key);
        if let Some(index) = input.auth_paths.iter().position(is_no_path) {
            return Err(EndpointError::AuthPath(index + 1));
        }
        if holds_key(&input.url, key) {
            return Err(EndpointError::KeyInUrl);
        }
        if input.burst_path.as_ref().is_some_and(is_no_path) {
            return Err(EndpointError::BurstPath);
        }
        Ok(Self {
            host,
            port,
            connect_to: input
                .connect_to
                .as_deref()
                .map(parse_connect_to)
                .transpose()?,
            ca_certificates: input
                .ca_file
                .as_deref()
                .map(parse_ca_file)
                .transpose()?
                .unwrap_or_default(),
            root_variables: input.root_variables,
            timeout: input.timeout,
            auth_paths: input.auth_paths,
            auth_scheme: parse_auth_scheme(&input.auth_scheme)?,
            burst_path: input.burst_path,
            key: input.key,
            profile: input.profile,
            cors_origins: input.cors_origins,
            limit: input.limit,
            audit_log_name: input.audit_log_name,
            is_log_event: input.is_log_event,
            active: input.active,
            wanted: input.wanted,
            now: input.now,
            nonce: input.nonce,
            url,
        })
    }

    /// The URL as it may be shown: checked to hold no user name and no key.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether `--url` begins with `https:`.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host as it stands in the `Host` header, with the port where it is not the usual one.
    pub(super) fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.to_string(),
        }
    }

    /// Where connections go for everything but the bypass test: the name (or address) and port.
    pub(super) fn dial(&self) -> (String, u16) {
        match &self.connect_to {
            Some((host, port)) if !self.profile.is_cloudflare() => (host.clone(), *port),
            _ => (dialled_host(&self.host), self.port),
        }
    }

    /// A word that cannot be the name of anything on the server.
    pub(super) fn canary(&self) -> String {
        let letters: String = self
            .nonce
            .iter()
            .map(|byte| char::from(b'a' + byte % 26))
            .collect();
        format!("q{letters}")
    }
}

/// Puts a path (with a query, if any) onto the endpoint, unless that would lead elsewhere.
pub(super) fn path_on(base: &Url, path: &str) -> Option<Url> {
    if !path.starts_with('/') || path.starts_with("//") || path.contains(['\\', '#']) {
        return None;
    }
    let joined = base.join(path).ok()?;
    (joined.origin() == base.origin() && !carries_key(&joined)).then_some(joined)
}
