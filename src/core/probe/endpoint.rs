//! The endpoint a person names with `--url`: checked before a single byte is sent.

use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::{Host, Url};

use crate::secret::Secret;

/// Everything the command line and the env file say about one endpoint, still unchecked.
#[derive(Debug, Clone)]
pub struct EndpointInput {
    /// `--url`.
    pub url: String,
    /// `--connect-to HOST:PORT`.
    pub connect_to: Option<String>,
    /// The bytes of the PEM file that `--ca-file` names; reading the file is the caller's part.
    pub ca_file: Option<Vec<u8>>,
    /// `--timeout`: how long the live half may take as a whole.
    pub timeout: Duration,
    /// `--auth-path`, in the order given.
    pub auth_paths: Vec<String>,
    /// `--auth-scheme`: `bearer`, `x-api-key` or `header=NAME`.
    pub auth_scheme: String,
    /// The configured key and the variable it stands in.
    pub key: Option<ConfiguredKey>,
    /// `--profile`.
    pub profile: Profile,
    /// The entries of `CORS_ORIGINS`.
    pub cors_origins: Vec<String>,
    /// The base name of `AUDIT_LOG_PATH`, where it is set.
    pub audit_log_name: Option<String>,
    /// `--active`.
    pub active: bool,
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
    pub(super) timeout: Duration,
    pub(super) auth_paths: Vec<String>,
    pub(super) auth_scheme: AuthScheme,
    pub(super) key: Option<ConfiguredKey>,
    pub(super) profile: Profile,
    pub(super) cors_origins: Vec<String>,
    pub(super) audit_log_name: Option<String>,
    pub(super) active: bool,
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
        for (index, path) in input.auth_paths.iter().enumerate() {
            if path_on(&url, path).is_none() {
                return Err(EndpointError::AuthPath(index + 1));
            }
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
            timeout: input.timeout,
            auth_paths: input.auth_paths,
            auth_scheme: parse_auth_scheme(&input.auth_scheme)?,
            key: input.key,
            profile: input.profile,
            cors_origins: input.cors_origins,
            audit_log_name: input.audit_log_name,
            active: input.active,
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

fn parse_url(text: &str) -> Result<Url, EndpointError> {
    let url = Url::parse(text.trim()).map_err(|error| match error {
        url::ParseError::EmptyHost => EndpointError::NoHost,
        error => EndpointError::NotAUrl(error),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(EndpointError::OtherScheme);
    }
    // The URL standard repairs `https:bot.example`; what a person wrote has to be whole.
    if !text.trim()[url.scheme().len()..].starts_with("://") {
        return Err(EndpointError::NoHost);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EndpointError::UserInfo);
    }
    if carries_key(&url) {
        return Err(EndpointError::KeyInUrl);
    }
    Ok(url)
}

/// Parameter names that carry a key wherever they stand.
const KEY_PARAMETERS: &[&str] = &[
    "key",
    "token",
    "secret",
    "password",
    "passwd",
    "auth",
    "signature",
];

/// How keys of known providers, and our own, begin.
const KEY_BEGINNINGS: &[&str] = &[
    "sk-",
    "sk_",
    "claw_",
    "ghp_",
    "github_pat_",
    "tskey-",
    "xoxb-",
    "xoxp-",
    "AIza",
    "AKIA",
];

fn carries_key(url: &Url) -> bool {
    let looks_like_key = |text: &str| KEY_BEGINNINGS.iter().any(|begin| text.starts_with(begin));
    let pairs = |text: &str| {
        url::form_urlencoded::parse(text.as_bytes()).any(|(name, value)| {
            let name = name.to_ascii_lowercase();
            looks_like_key(&value)
                || KEY_PARAMETERS.iter().any(|word| name.contains(word)) && !value.is_empty()
        })
    };
    url.query().is_some_and(pairs)
        || url
            .fragment()
            .is_some_and(|text| pairs(text) || looks_like_key(text))
        || url
            .path_segments()
            .is_some_and(|mut segments| segments.any(looks_like_key))
}

fn parse_connect_to(text: &str) -> Result<(String, u16), EndpointError> {
    let (host, port) = text.rsplit_once(':').ok_or(EndpointError::ConnectTo)?;
    let port: u16 = port.parse().map_err(|_| EndpointError::ConnectTo)?;
    if port == 0 || host.is_empty() {
        return Err(EndpointError::ConnectTo);
    }
    let host = Host::parse(host).map_err(|_| EndpointError::ConnectTo)?;
    Ok((dialled_host(&host), port))
}

/// A host the way the resolver wants it: an IPv6 address without its brackets.
fn dialled_host(host: &Host) -> String {
    match host {
        Host::Ipv6(address) => address.to_string(),
        other => other.to_string(),
    }
}

fn parse_ca_file(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, EndpointError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| EndpointError::BrokenCertificate)?;
    if certificates.is_empty() {
        return Err(EndpointError::NoCertificate);
    }
    let readable = |der: &CertificateDer<'_>| x509_parser::parse_x509_certificate(der).is_ok();
    if !certificates.iter().all(readable) {
        return Err(EndpointError::BrokenCertificate);
    }
    Ok(certificates)
}

fn parse_auth_scheme(text: &str) -> Result<AuthScheme, EndpointError> {
    match text {
        "bearer" => Ok(AuthScheme::Bearer),
        "x-api-key" => Ok(AuthScheme::Header("X-API-Key".to_owned())),
        other => {
            let name = other
                .strip_prefix("header=")
                .ok_or(EndpointError::AuthScheme)?;
            let valid = hyper::header::HeaderName::from_bytes(name.as_bytes()).is_ok();
            let own = ["host", "content-length", "transfer-encoding", "connection"];
            if !valid || own.contains(&name.to_ascii_lowercase().as_str()) {
                return Err(EndpointError::AuthScheme);
            }
            Ok(AuthScheme::Header(name.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(url: &str) -> EndpointInput {
        EndpointInput {
            url: url.to_owned(),
            connect_to: None,
            ca_file: None,
            timeout: Duration::from_secs(10),
            auth_paths: Vec::new(),
            auth_scheme: "bearer".to_owned(),
            key: None,
            profile: Profile::Vps,
            cors_origins: Vec::new(),
            audit_log_name: None,
            active: false,
            now: Timestamp::UNIX_EPOCH,
            nonce: [7; 12],
        }
    }

    #[test]
    fn bad_urls_are_errors_that_do_not_repeat_them() {
        use EndpointError::*;
        for (url, expected) in [
            (
                "bot.example",
                NotAUrl(url::ParseError::RelativeUrlWithoutBase),
            ),
            ("ftp://bot.example", OtherScheme),
            ("https://", NoHost),
            ("https:bot.example", NoHost),
            ("https://made-up-user@bot.example", UserInfo),
            ("https://u:made-up-pass@bot.example", UserInfo),
            ("https://bot.example/?token=made-up-1", KeyInUrl),
            ("https://bot.example/?api_key=made-up-1", KeyInUrl),
            ("https://bot.example/#token=made-up-1", KeyInUrl),
            ("https://bot.example/sk-made-up-1/x", KeyInUrl),
        ] {
            let error = Endpoint::parse(input(url)).map(|_| ()).expect_err(url);
            assert_eq!(error, expected, "{url}");
            assert!(!error.to_string().contains("made-up"), "{error}");
        }
    }

    #[test]
    fn good_urls_are_taken_with_their_ports() {
        for (url, authority, dial) in [
            ("https://bot.example", "bot.example", ("bot.example", 443)),
            (
                "http://Bot.example/x?y=1",
                "bot.example",
                ("bot.example", 80),
            ),
            (
                "https://bot.example:8443/",
                "bot.example:8443",
                ("bot.example", 8443),
            ),
            ("https://[::1]:8443/", "[::1]:8443", ("::1", 8443)),
        ] {
            let endpoint = Endpoint::parse(input(url)).expect(url);
            assert_eq!(endpoint.authority(), authority);
            assert_eq!(endpoint.dial(), (dial.0.to_owned(), dial.1));
        }
    }

    #[test]
    fn connect_to_needs_host_and_port() {
        for (text, expected) in [
            ("127.0.0.1:8443", Some(("127.0.0.1", 8443))),
            ("[::1]:443", Some(("::1", 443))),
            ("origin.example:1", Some(("origin.example", 1))),
            ("127.0.0.1", None),
            ("::1", None),
            (":443", None),
            ("a:0", None),
            ("a:70000", None),
        ] {
            let parsed = parse_connect_to(text).ok();
            let expected = expected.map(|(host, port)| (host.to_owned(), port));
            assert_eq!(parsed, expected, "{text}");
        }
    }

    #[test]
    fn a_ca_file_without_a_certificate_is_an_error() {
        for (pem, expected) in [
            ("", EndpointError::NoCertificate),
            ("hello\n", EndpointError::NoCertificate),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                EndpointError::BrokenCertificate,
            ),
        ] {
            assert_eq!(parse_ca_file(pem.as_bytes()), Err(expected), "{pem}");
        }
    }

    #[test]
    fn an_auth_path_that_leads_elsewhere_or_carries_a_key_is_an_error() {
        for path in [
            "api",
            "//evil.example/",
            "/\\evil",
            "/x?token=made-up",
            "/x#y",
        ] {
            let mut bad = input("https://bot.example");
            bad.auth_paths = vec!["/api".to_owned(), path.to_owned()];
            let error = Endpoint::parse(bad).map(|_| ());
            assert_eq!(error, Err(EndpointError::AuthPath(2)), "{path}");
        }
    }

    #[test]
    fn auth_schemes_are_the_three_documented_ones() {
        for (text, expected) in [
            ("bearer", Some(AuthScheme::Bearer)),
            ("x-api-key", Some(AuthScheme::Header("X-API-Key".into()))),
            ("header=X-Own", Some(AuthScheme::Header("X-Own".into()))),
            ("header=", None),
            ("header=a b", None),
            ("header=Host", None),
            ("basic", None),
        ] {
            assert_eq!(parse_auth_scheme(text).ok(), expected, "{text}");
        }
    }
}
