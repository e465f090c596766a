//! The certificate, judged question by question, so that one fault gives one finding.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, RootCertStore};

use super::evidence::short;
use super::x509::{HostName, Key, X509};

/// What a certificate says and whether it can be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The names and addresses of its subjectAltName, at most 20.
    pub names: Vec<String>,
    /// Who signed it, as the certificate says.
    pub issuer: String,
    /// First moment of validity.
    pub not_before: Timestamp,
    /// Last moment of validity.
    pub not_after: Timestamp,
    /// Who vouches for it.
    pub trust: Trust,
    /// How many roots there were beside `--ca-file`.
    pub system_roots: usize,
    /// An intermediate that is out of its dates although the certificate itself is not.
    pub expired_intermediate: Option<String>,
    /// Whether it names the host that was asked; an error says why that is not known.
    pub names_host: Result<bool, String>,
    /// What is too weak about it or its intermediates, in words.
    pub weaknesses: Vec<String>,
    /// The public key, for example `RSA 2048`.
    pub key: String,
    /// How many certificates the server sent.
    pub sent: usize,
}

/// Who vouches for a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// A root of the operating system.
    System,
    /// A certificate of `--ca-file`.
    CaFile,
    /// Nobody, with the reason.
    Nobody(Distrust),
    /// It could not be verified, with the reason.
    Undetermined(String),
}

/// Why nobody vouches for a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distrust {
    /// It signed itself.
    SelfSigned,
    /// The server sends one certificate and its issuer is no known root: most often the
    /// intermediate is missing.
    IssuerNotSent,
    /// The chain ends at an unknown root.
    UnknownRoot,
    /// The server could not prove that it holds the key.
    KeyNotProven,
    /// Another reason, in the verifier's words.
    Other(String),
}

/// The certificates that are believed.
#[derive(Debug)]
pub(super) struct TrustStore {
    system: Arc<Anchors>,
    ca_file: Anchors,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
struct Anchors {
    roots: RootCertStore,
    certificates: Vec<CertificateDer<'static>>,
}

impl Anchors {
    fn new(certificates: Vec<CertificateDer<'static>>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        Self {
            roots,
            certificates,
        }
    }
}

impl TrustStore {
    /// The operating system's roots plus those of `--ca-file`.
    pub(super) fn load(
        ca_file: &[CertificateDer<'static>],
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self {
            system: system_anchors(),
            ca_file: Anchors::new(ca_file.to_vec()),
            algorithms,
        }
    }
}

/// The operating system's roots, read once: many endpoints may be asked in one run.
fn system_anchors() -> Arc<Anchors> {
    static ANCHORS: OnceLock<Arc<Anchors>> = OnceLock::new();
    let load = || Arc::new(Anchors::new(rustls_native_certs::load_native_certs().certs));
    Arc::clone(ANCHORS.get_or_init(load))
}

/// What a server presented in its handshake.
#[derive(Debug, Clone)]
pub(super) struct Presented {
    /// The chain, leaf first.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// Whether it proved to hold the key, as far as the handshake went.
    pub(super) key_proven: Option<bool>,
}

/// Judges a presented certificate at a moment, for a host.
///
/// # Errors
/// The reason, where the certificate does not parse at all.
pub(super) fn judge(
    presented: &Presented,
    host: &ServerName<'_>,
    now: Timestamp,
    store: &TrustStore,
) -> Result<Certificate, String> {
    let leaf = presented.chain.first().ok_or("the server sent none")?;
    let parsed = parse(leaf).ok_or("it does not parse as X.509")?;
    let weaknesses = weaknesses(&presented.chain);
    let (trust, expired_intermediate) = judge_trust(presented, &parsed, now, store, &weaknesses);
    Ok(Certificate {
        names: names(&parsed),
        issuer: short(&parsed.issuer.to_string()),
        not_before: parsed.not_before,
        not_after: parsed.not_after,
        trust,
        system_roots: store.system.roots.len(),
        expired_intermediate,
        names_host: judge_name(leaf, host),
        weaknesses,
        key: key_of(&parsed),
        sent: presented.chain.len(),
    })
}

fn judge_trust(
    presented: &Presented,
    leaf: &X509<'_>,
    now: Timestamp,
    store: &TrustStore,
    weaknesses: &[String],
) -> (Trust, Option<String>) {
    let der = &presented.chain[0];
    // A self-signed certificate that somebody put on the list is believed as it is, although it
    // is mostly one of an authority (`openssl req -x509`), which the verifier refuses.
    let listed = if store.ca_file.certificates.contains(der) {
        Some(Trust::CaFile)
    } else if store.system.certificates.contains(der) {
        Some(Trust::System)
    } else {
        None
    };
    let (trust, intermediate) = match listed {
        Some(trust) => (trust, None),
        None => verify_chain(&presented.chain, leaf, now, store),
    };
    // A key too short for the verifier is reported as weak, not as a stolen certificate.
    let vouched = matches!(trust, Trust::System | Trust::CaFile);
    if vouched && presented.key_proven == Some(false) && weaknesses.is_empty() {
        return (Trust::Nobody(Distrust::KeyNotProven), intermediate);
    }
    (trust, intermediate)
}

fn verify_chain(
    chain: &[CertificateDer<'static>],
    leaf: &X509<'_>,
    now: Timestamp,
    store: &TrustStore,
) -> (Trust, Option<String>) {
    let parsed = match ParsedCertificate::try_from(&chain[0]) {
        Ok(parsed) => parsed,
        Err(error) if leaf.issuer == leaf.subject => {
            let _ = error;
            return (Trust::Nobody(Distrust::SelfSigned), None);
        }
        Err(error) => return (Trust::Undetermined(short(&error.to_string())), None),
    };
    let verify = |anchors: &Anchors, at: Timestamp| {
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            u64::try_from(at.as_second()).unwrap_or(0),
        ));
        let algorithms = store.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &anchors.roots,
            &chain[1..],
            at,
            algorithms,
        )
    };
    // Trust is asked at a moment inside the validity, so that an expired certificate is expired
    // and not untrusted as well; first within the leaf's dates, then within everybody's.
    let within_leaf = clamp(now, Some(dates(leaf)));
    let within_all = clamp(now, common_dates(chain).or(Some(dates(leaf))));
    let mut worst = None;
    for at in [within_leaf, within_all] {
        for (anchors, trust) in [
            (&*store.system, Trust::System),
            (&store.ca_file, Trust::CaFile),
        ] {
            match verify(anchors, at) {
                Ok(()) if at == within_leaf => return (trust, None),
                Ok(()) => return (trust, out_of_date_intermediate(chain, within_leaf)),
                Err(error) => worst = Some(more_telling(worst, error)),
            }
        }
    }
    let distrust = worst.map_or(
        Trust::Undetermined("there is no root to verify with".to_owned()),
        |error| distrust(&error, chain.len(), leaf),
    );
    (distrust, None)
}

/// Two stores give two errors; "unknown issuer" is what the wrong store says, so the other one
/// tells more.
fn more_telling(first: Option<rustls::Error>, second: rustls::Error) -> rustls::Error {
    let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
    match first {
        Some(first) if first != unknown => first,
        _ => second,
    }
}

fn distrust(error: &rustls::Error, sent: usize, leaf: &X509<'_>) -> Trust {
    let self_issued = leaf.issuer == leaf.subject;
    let rustls::Error::InvalidCertificate(reason) = error else {
        return Trust::Undetermined(short(&error.to_string()));
    };
    match reason {
        _ if self_issued => Trust::Nobody(Distrust::SelfSigned),
        CertificateError::UnknownIssuer if sent == 1 => Trust::Nobody(Distrust::IssuerNotSent),
        CertificateError::UnknownIssuer => Trust::Nobody(Distrust::UnknownRoot),
        reason => in_words(reason),
    }
}

/// What a chain breaks, or why that cannot be found out.
fn in_words(reason: &CertificateError) -> Trust {
    let broken = |words: &str| Trust::Nobody(Distrust::Other(words.to_owned()));
    match reason {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => broken(
            "an intermediate certificate is outside its dates, whenever its own is within them",
        ),
        CertificateError::Revoked => broken("a certificate is revoked"),
        CertificateError::BadSignature => broken("a signature does not fit its certificate"),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            broken("a certificate is not made for servers")
        }
        CertificateError::UnhandledCriticalExtension => Trust::Undetermined(
            "a certificate has a critical extension that is not understood here".to_owned(),
        ),
        CertificateError::BadEncoding => {
            Trust::Undetermined("a certificate cannot be read by the verifier".to_owned())
        }
        CertificateError::Other(error) => by_name(&error.to_string()),
        // Several errors say this, one deprecated: the words of an algorithm are in all of them.
        reason => match format!("{reason:?}") {
            name if name.starts_with("UnsupportedSignature") => unsupported(),
            name => by_name(&name),
        },
    }
}

fn unsupported() -> Trust {
    Trust::Undetermined(
        "a signature has an algorithm that is not verified here (SHA-1, for example)".to_owned(),
    )
}

/// Errors of the verifier that its interface gives no type for.
fn by_name(name: &str) -> Trust {
    const BROKEN: &[(&str, &str)] = &[
        (
            "NameConstraintViolation",
            "an authority vouches for a name that it may not vouch for (name constraints)",
        ),
        (
            "PathLenConstraintViolated",
            "there are more intermediate certificates than an authority allows",
        ),
        (
            "EndEntityUsedAsCa",
            "a certificate that is no authority's signed another",
        ),
        (
            "CaUsedAsEndEntity",
            "the certificate is an authority's and not a server's",
        ),
    ];
    let known = BROKEN.iter().find(|(error, _)| name.contains(error));
    match known {
        Some((_, words)) => Trust::Nobody(Distrust::Other((*words).to_owned())),
        None if name.contains("UnsupportedSignature") => unsupported(),
        None => Trust::Undetermined(format!(
            "the verifier refuses it for a reason that has no words here: {}",
            short(name)
        )),
    }
}

fn judge_name(leaf: &CertificateDer<'_>, host: &ServerName<'_>) -> Result<bool, String> {
    // A version 1 certificate has no subjectAltName, so it names nobody.
    let Ok(parsed) = ParsedCertificate::try_from(leaf) else {
        let version = parse(leaf).map(|certificate| certificate.version);
        return match version {
            Some(0) => Ok(false),
            _ => Err("the certificate cannot be read by the verifier".to_owned()),
        };
    };
    match verify_server_name(&parsed, host) {
        Ok(()) => Ok(true),
        Err(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => Ok(false),
        Err(error) => Err(short(&error.to_string())),
    }
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Option<X509<'a>> {
    X509::read(der)
}

fn dates(certificate: &X509<'_>) -> (Timestamp, Timestamp) {
    (certificate.not_before, certificate.not_after)
}

/// The dates within which every certificate of the chain is valid.
fn common_dates(chain: &[CertificateDer<'_>]) -> Option<(Timestamp, Timestamp)> {
    let all: Vec<_> = chain
        .iter()
        .filter_map(parse)
        .map(|one| dates(&one))
        .collect();
    let from = all.iter().map(|(from, _)| *from).max()?;
    let to = all.iter().map(|(_, to)| *to).min()?;
    (from <= to).then_some((from, to))
}

fn clamp(now: Timestamp, dates: Option<(Timestamp, Timestamp)>) -> Timestamp {
    match dates {
        Some((from, to)) if from <= to => now.clamp(from, to),
        _ => now,
    }
}

fn out_of_date_intermediate(chain: &[CertificateDer<'_>], at: Timestamp) -> Option<String> {
    chain.iter().skip(1).find_map(|der| {
        let certificate = parse(der)?;
        let (from, to) = dates(&certificate);
        (at < from || at > to).then(|| short(&certificate.subject.to_string()))
    })
}

fn names(certificate: &X509<'_>) -> Vec<String> {
    const MOST: usize = 20;
    let name = |name: &HostName<'_>| match name {
        HostName::Dns(name) => Some(short(name)),
        HostName::Address(bytes) => address(bytes),
    };
    let all = certificate.hosts.iter();
    all.filter_map(name).take(MOST).collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::IpAddr::from(four).to_string());
    }
    let sixteen = <[u8; 16]>::try_from(bytes).ok()?;
    Some(std::net::IpAddr::from(sixteen).to_string())
}

fn key_of(certificate: &X509<'_>) -> String {
    match &certificate.key {
        Key::Rsa(bits) => format!("RSA {bits}"),
        Key::Ec(bits) => format!("EC {bits}"),
        Key::Dsa => "DSA".to_owned(),
        Key::Other(algorithm) => short(algorithm),
    }
}

/// Signature algorithms with MD2, MD5 or SHA-1 (RFC 3279, RFC 9155).
const BROKEN_SIGNATURES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.2", "MD2"),
    ("1.2.840.113549.1.1.4", "MD5"),
    ("1.2.840.113549.1.1.5", "SHA-1"),
    ("1.2.840.10045.4.1", "SHA-1"),
    ("1.2.840.10040.4.3", "SHA-1"),
];

fn weaknesses(chain: &[CertificateDer<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    for (place, der) in chain.iter().enumerate().take(10) {
        let Some(certificate) = parse(der) else {
            continue;
        };
        let whose = if place == 0 {
            "the certificate"
        } else {
            "an intermediate"
        };
        let self_issued = certificate.issuer == certificate.subject;
        if self_issued && place > 0 {
            // A root that is sent along is believed or not; nobody relies on its signature.
            continue;
        }
        match certificate.key {
            Key::Rsa(bits) if bits < 2048 => {
                found.push(format!("{whose} has an RSA key of {bits} bits"));
            }
            Key::Ec(bits) if bits < 224 => {
                found.push(format!("{whose} has an EC key of {bits} bits"));
            }
            _ => {}
        }
        let oid = certificate.signature_algorithm;
        let broken = BROKEN_SIGNATURES.iter().find(|(id, _)| *id == oid);
        if let Some((_, digest)) = broken.filter(|_| !self_issued) {
            found.push(format!("{whose} is signed with {digest}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other(name: &'static str) -> CertificateError {
        #[derive(Debug)]
        struct Named(&'static str);
        impl std::fmt::Display for Named {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.0)
            }
        }
        impl std::error::Error for Named {}
        CertificateError::Other(rustls::OtherError(Arc::new(Named(name))))
    }

    #[test]
    fn what_breaks_a_chain_is_told_in_words_and_what_cannot_be_verified_is_open() {
        for (reason, is_broken, word) in [
            (CertificateError::Expired, true, "outside its dates"),
            (CertificateError::BadSignature, true, "does not fit"),
            (other("NameConstraintViolation"), true, "name constraints"),
            (
                other("PathLenConstraintViolated"),
                true,
                "more intermediate",
            ),
            (other("CaUsedAsEndEntity"), true, "an authority's"),
            (other("UnsupportedSignatureAlgorithm"), false, "algorithm"),
            (CertificateError::BadEncoding, false, "cannot be read"),
            (other("SomethingNew"), false, "no words here"),
        ] {
            match in_words(&reason) {
                Trust::Nobody(Distrust::Other(words)) if is_broken => {
                    assert!(words.contains(word), "{words}");
                }
                Trust::Undetermined(words) if !is_broken => {
                    assert!(words.contains(word), "{words}");
                }
                trust => panic!("{reason:?}: {trust:?}"),
            }
        }
    }
}
