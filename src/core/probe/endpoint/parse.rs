//! The texts of the command line that name an endpoint, read strictly.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use url::{Host, Url};

use super::super::x509::X509;
use super::{AuthScheme, ConfiguredKey, EndpointError};
use crate::escapes::{Decoded, Escapes};
use crate::key_shapes;
use crate::redact;

pub(super) fn parse_url(text: &str) -> Result<Url, EndpointError> {
    let url = Url::parse(text.trim()).map_err(|error| match error {
        url::ParseError::EmptyHost => EndpointError::NoHost,
        error => EndpointError::NotAUrl(error),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(EndpointError::OtherScheme);
    }
    // The URL standard repairs `https:bot.example` and `https:///bot.example`; what a person wrote
    // has to be whole.
    let host = text.trim()[url.scheme().len()..].strip_prefix("://");
    if host.is_none_or(|host| host.starts_with(['/', '\\'])) {
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

pub(super) fn carries_key(url: &Url) -> bool {
    let looks_like_key = |text: &str| !key_shapes::find_all(text.as_bytes()).is_empty();
    let may_be_key =
        |text: &str| looks_like_key(text) || !redact::likely_secrets([text]).is_empty();
    let pairs = |text: &str| {
        url::form_urlencoded::parse(text.as_bytes()).any(|(name, value)| {
            let name = name.to_ascii_lowercase();
            may_be_key(&value)
                || KEY_PARAMETERS.iter().any(|word| name.contains(word)) && !value.is_empty()
        })
    };
    let in_segments = |path: &str| path.split('/').any(looks_like_key);
    url.query().is_some_and(pairs)
        || url.fragment().is_some_and(|text| {
            pairs(text) || spellings(text).any(|text| may_be_key(&String::from_utf8_lossy(&text)))
        })
        || spellings(url.path()).any(|path| in_segments(&String::from_utf8_lossy(&path)))
}

/// The text, and what it becomes as often as somebody on the way takes percent signs out of it.
fn spellings(text: &str) -> impl Iterator<Item = Vec<u8>> {
    std::iter::successors(Some(text.as_bytes().to_vec()), |text| {
        Decoded::whole(text, Escapes::Percent).map(|decoded| decoded.text)
    })
}

/// Whether the text holds the configured key itself, percent-encoded or not. One of a few letters
/// may stand anywhere.
pub(super) fn holds_key(url: &str, key: Option<&ConfiguredKey>) -> bool {
    const SHORTEST: usize = 8;
    key.map(|key| key.value.expose())
        .filter(|value| value.len() >= SHORTEST)
        .is_some_and(|value| {
            spellings(url).any(|text| memchr::memmem::find(&text, value).is_some())
        })
}

pub(super) fn parse_connect_to(text: &str) -> Result<(String, u16), EndpointError> {
    let (host, port) = text.rsplit_once(':').ok_or(EndpointError::ConnectTo)?;
    let port: u16 = port.parse().map_err(|_| EndpointError::ConnectTo)?;
    if port == 0 || host.is_empty() {
        return Err(EndpointError::ConnectTo);
    }
    let host = Host::parse(host).map_err(|_| EndpointError::ConnectTo)?;
    Ok((dialled_host(&host), port))
}

/// A host the way the resolver wants it: an IPv6 address without its brackets.
pub(super) fn dialled_host(host: &Host) -> String {
    match host {
        Host::Ipv6(address) => address.to_string(),
        other => other.to_string(),
    }
}

pub(super) fn parse_ca_file(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, EndpointError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| EndpointError::BrokenCertificate)?;
    if certificates.is_empty() {
        return Err(EndpointError::NoCertificate);
    }
    let readable = |der: &CertificateDer<'_>| X509::read(der).is_some();
    if !certificates.iter().all(readable) {
        return Err(EndpointError::BrokenCertificate);
    }
    Ok(certificates)
}

pub(super) fn parse_auth_scheme(text: &str) -> Result<AuthScheme, EndpointError> {
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
