//! One modern TLS connection: its verifier records what the server shows and judges later.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificate::{Certificate, Presented, Trust, TrustStore, judge};
use super::connect::silence_of_io;
use super::evidence::{Asked, Silence, TlsEvidence, short};
use super::stream::{BoundedStream, TooMuch};

/// The signature algorithms that are verified.
pub(super) fn algorithms() -> WebPkiSupportedAlgorithms {
    ring::default_provider().signature_verification_algorithms
}

/// A client configuration that takes every certificate and records it. Nothing secret may be sent
/// over such a connection.
pub(super) fn recording(recorder: &Arc<Recorder>) -> Asked<Arc<ClientConfig>> {
    configuration(recorder.clone())
}

/// The same, which notes whether the server asks for a certificate of ours; there is none.
pub(super) fn recording_requests(requests: &Arc<Requests>) -> Asked<Arc<ClientConfig>> {
    let mut config = Arc::unwrap_or_clone(recording(&Recorder::new())?);
    config.client_auth_cert_resolver = requests.clone();
    Ok(Arc::new(config))
}

/// Whether a server asked for a certificate of the client.
#[derive(Debug, Default)]
pub(super) struct Requests(AtomicBool);

impl Requests {
    /// Whether it did so far.
    pub(super) fn seen(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for Requests {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// A client configuration that takes only a certificate that is trusted, current and made for
/// the host: the only one a key may be sent over.
pub(super) fn verified(rule: Rule) -> Asked<Arc<ClientConfig>> {
    configuration(Arc::new(Recorder::with_rule(Some(rule))))
}

/// What a certificate has to satisfy before a connection is used.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) host: ServerName<'static>,
    pub(super) now: Timestamp,
    pub(super) store: Arc<TrustStore>,
}

impl Rule {
    /// Whether a judged certificate is good enough to send a key to its holder.
    pub(super) fn is_met_by(&self, certificate: &Certificate) -> bool {
        matches!(certificate.trust, Trust::System | Trust::CaFile)
            && certificate.names_host == Ok(true)
            && certificate.expired_intermediate.is_none()
            && (certificate.not_before..=certificate.not_after).contains(&self.now)
    }

    fn allows(&self, presented: &Presented) -> bool {
        judge(presented, &self.host, self.now, &self.store)
            .is_ok_and(|certificate| self.is_met_by(&certificate))
    }
}

/// Shakes hands over an open connection.
pub(super) async fn shake_hands(
    stream: BoundedStream,
    host: &ServerName<'static>,
    config: &Arc<ClientConfig>,
    until: Instant,
) -> Asked<TlsStream<BoundedStream>> {
    let connector = TlsConnector::from(config.clone());
    tokio::time::timeout_at(until, connector.connect(host.clone(), stream))
        .await
        .map_err(|_| Silence::TimedOut)?
        .map_err(|error| tls_error_of(&error))
}

/// What was agreed upon.
pub(super) fn agreement(stream: &TlsStream<BoundedStream>) -> TlsEvidence {
    let (_, connection) = stream.get_ref();
    TlsEvidence {
        version: connection
            .protocol_version()
            .map(|version| format!("{version:?}"))
            .unwrap_or_default(),
        cipher: connection
            .negotiated_cipher_suite()
            .map(|suite| format!("{:?}", suite.suite()))
            .unwrap_or_default(),
    }
}

/// What an error of the TLS library says about the endpoint.
pub(super) fn silence_of_tls(error: &rustls::Error) -> Silence {
    match error {
        rustls::Error::InvalidMessage(_) => Silence::NotTls,
        rustls::Error::AlertReceived(alert) => {
            Silence::TlsAlert(u8::from(*alert), short(&error.to_string()))
        }
        error => Silence::TlsFailed(short(&error.to_string())),
    }
}

fn tls_error_of(error: &std::io::Error) -> Silence {
    let inner = error.get_ref();
    if let Some(limit) = inner.and_then(|inner| inner.downcast_ref::<TooMuch>()) {
        return Silence::TlsFailed(limit.to_string());
    }
    inner
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        .map_or_else(|| silence_of_io(error), silence_of_tls)
}

fn configuration(verifier: Arc<Recorder>) -> Asked<Arc<ClientConfig>> {
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| silence_of_tls(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    // A resumed session shows no certificate.
    config.resumption = rustls::client::Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A verifier that keeps what the first handshake presented.
#[derive(Debug)]
pub(super) struct Recorder {
    rule: Option<Rule>,
    seen: Mutex<Option<Presented>>,
}

impl Recorder {
    /// One that accepts everything.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self::with_rule(None))
    }

    fn with_rule(rule: Option<Rule>) -> Self {
        Self {
            rule,
            seen: Mutex::new(None),
        }
    }

    /// What was presented, if the handshake came that far.
    pub(super) fn seen(&self) -> Option<Presented> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Notes the outcome of the proof of possession; only a rule makes a failed one an error.
    fn note_proof(
        &self,
        outcome: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = seen.as_mut() {
            seen.key_proven.get_or_insert(outcome.is_ok());
        }
        match (&self.rule, outcome) {
            (Some(_), Err(error)) => Err(error),
            _ => Ok(HandshakeSignatureValid::assertion()),
        }
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let others = intermediates.iter().take(10);
        let chain = std::iter::once(end_entity).chain(others);
        let presented = Presented {
            chain: chain.map(|der| der.clone().into_owned()).collect(),
            key_proven: None,
        };
        let allowed = self
            .rule
            .as_ref()
            .is_none_or(|rule| rule.allows(&presented));
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(presented);
        if allowed {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let outcome = rustls::crypto::verify_tls12_signature(message, cert, dss, &algorithms());
        self.note_proof(outcome)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let outcome = rustls::crypto::verify_tls13_signature(message, cert, dss, &algorithms());
        self.note_proof(outcome)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}
