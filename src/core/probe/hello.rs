//! A TLS ClientHello by hand, and the first words of the answer.
//!
//! A TLS library cannot ask for what it refuses to speak: rustls has no TLS 1.1 and no CBC suite,
//! so "not offered" would only mean "could not ask". Bytes can ask for anything.

mod read;
mod suites;
mod write;

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::connect::silence_of_io;
use super::evidence::{Asked, Silence};
use super::stream::TooMuch;
use read::understand;
use suites::{is_aead, registry};

pub(super) use suites::{is_broken, is_weak};
pub(super) use write::client_hello;

/// An answer to a hello may be this long and no longer.
const MAX_ANSWER: usize = 64 * 1024;
/// Some servers choke on more suites than this in one hello.
const MAX_SUITES: usize = 120;

/// A protocol version as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u16);

impl Version {
    /// SSL 3.0.
    pub const SSL3: Self = Self(0x0300);
    /// TLS 1.0.
    pub const TLS10: Self = Self(0x0301);
    /// TLS 1.1.
    pub const TLS11: Self = Self(0x0302);
    /// TLS 1.2.
    pub const TLS12: Self = Self(0x0303);
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0x0300 => f.write_str("SSL 3.0"),
            0x0301 => f.write_str("TLS 1.0"),
            0x0302 => f.write_str("TLS 1.1"),
            0x0303 => f.write_str("TLS 1.2"),
            other => write!(f, "version {other:#06x}"),
        }
    }
}

/// What a hello asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A version that has had its day.
    OldVersion(Version),
    /// Suites without encryption or authentication, or with broken ciphers.
    BrokenSuites,
    /// Suites without forward secrecy or without authenticated encryption.
    WeakSuites,
    /// Diffie-Hellman over a prime, to see how long it is.
    Prime,
}

/// What a server said to a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelloAnswer {
    /// It took it up.
    Chosen {
        /// The version it wants to speak.
        version: Version,
        /// The name of the suite it chose.
        cipher: String,
        /// The length of its Diffie-Hellman prime in bits, where it sent one.
        prime_bits: Option<usize>,
    },
    /// It refused, and how.
    Refused(String),
}

/// The hellos of a run: purpose, version and suites.
pub(super) fn hellos() -> Vec<(Purpose, Version, Vec<u16>)> {
    let all = |class: fn(&str) -> bool| -> Vec<u16> {
        registry()
            .filter(|(_, name)| class(name))
            .map(|(id, _)| id)
            .collect()
    };
    let mut hellos: Vec<_> = [Version::SSL3, Version::TLS10, Version::TLS11]
        .into_iter()
        .map(|version| {
            (
                Purpose::OldVersion(version),
                version,
                all(|name| !is_aead(name)),
            )
        })
        .collect();
    hellos.push((Purpose::BrokenSuites, Version::TLS12, all(is_broken)));
    let weak = all(|name| is_weak(name) && !is_broken(name));
    let parts = weak.chunks(MAX_SUITES);
    hellos.extend(parts.map(|part| (Purpose::WeakSuites, Version::TLS12, part.to_vec())));
    let over_a_prime = all(|name| name.starts_with("TLS_DHE_") && !is_broken(name));
    hellos.push((Purpose::Prime, Version::TLS12, over_a_prime));
    hellos
}

/// Hellos of TLS 1.2 with every suite, those with forward secrecy first: somebody who speaks TLS 1.2
/// or less takes one of them up.
pub(super) fn hellos_of_any_suite() -> Vec<Vec<u16>> {
    let of = |class: bool| registry().filter(move |(_, name)| name.contains("DHE_") == class);
    let all: Vec<u16> = of(true).chain(of(false)).map(|(id, _)| id).collect();
    all.chunks(MAX_SUITES).map(<[u16]>::to_vec).collect()
}

/// An answer, and what came with it in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Greeting {
    /// The answer.
    pub(super) answer: HelloAnswer,
    /// The certificates it shows, its own first.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// Whether it asks for a certificate of the client.
    pub(super) wants_certificate: bool,
    /// Whether nothing more is to come that would be looked at.
    is_whole: bool,
    /// Whether nothing more is to come at all before the client speaks.
    is_done: bool,
}

impl Greeting {
    /// An answer that ends the conversation.
    fn of(answer: HelloAnswer) -> Self {
        Self {
            answer,
            chain: Vec::new(),
            wants_certificate: false,
            is_whole: true,
            is_done: true,
        }
    }
}

/// Says hello over a fresh connection and listens to the first words. A choice that was made stays
/// made, even if the words after it never come.
pub(super) async fn greet(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    hello: &[u8],
    until: Instant,
) -> Asked<Greeting> {
    greet_up_to(stream, hello, until, |greeting| greeting.is_whole).await
}

/// The same, up to the end of what the server says before it waits for the client.
pub(super) async fn greet_to_the_end(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    hello: &[u8],
    until: Instant,
) -> Asked<Greeting> {
    greet_up_to(stream, hello, until, |greeting| greeting.is_done).await
}

async fn greet_up_to(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    hello: &[u8],
    until: Instant,
    is_enough: fn(&Greeting) -> bool,
) -> Asked<Greeting> {
    let mut received = Vec::new();
    let listening = listen(&mut stream, hello, &mut received, is_enough);
    let outcome = timeout_at(until, listening).await;
    match outcome.map_err(|_| Silence::TimedOut) {
        Ok(Ok(greeting)) => Ok(greeting),
        Ok(Err(silence)) | Err(silence) => match understand(&received) {
            Ok(Some(greeting)) => Ok(greeting),
            _ => Err(silence),
        },
    }
}

async fn listen(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    hello: &[u8],
    received: &mut Vec<u8>,
    is_enough: fn(&Greeting) -> bool,
) -> Asked<Greeting> {
    let sent = stream.write_all(hello).await;
    sent.map_err(|error| silence_of_io(&error))?;
    loop {
        if let Some(greeting) = understand(received)?.filter(is_enough) {
            return Ok(greeting);
        }
        if received.len() > MAX_ANSWER {
            return Err(Silence::TlsFailed(
                "its handshake is longer than 64 KiB".to_owned(),
            ));
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(0) => return ended(received),
            Ok(count) => received.extend_from_slice(&buffer[..count]),
            Err(error) if error.get_ref().is_some_and(|inner| inner.is::<TooMuch>()) => {
                return Err(Silence::TlsFailed(TooMuch.to_string()));
            }
            Err(_) => return ended(received),
        }
    }
}

/// A close or a reset after the hello is a refusal, unless something else than TLS spoke before.
fn ended(received: &[u8]) -> Asked<Greeting> {
    if received.is_empty() {
        return Ok(Greeting::of(HelloAnswer::Refused("it hangs up".to_owned())));
    }
    Err(Silence::HungUp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hellos_of_any_suite_are_few_and_hold_each_once() {
        let hellos = hellos_of_any_suite();
        assert!(hellos.len() <= 4, "{}", hellos.len());
        let all: std::collections::BTreeSet<_> = hellos.iter().flatten().collect();
        assert_eq!(all.len(), registry().count());
        assert_eq!(all.len(), hellos.iter().map(Vec::len).sum::<usize>());
        // ECDHE-ECDSA-AES128-SHA256 and ECDHE-ECDSA-AES128-GCM-SHA256
        assert!(hellos[0].contains(&0xc023) && hellos[0].contains(&0xc02b));
    }

    #[test]
    fn hellos_are_few_and_not_too_long() {
        let hellos = hellos();
        assert!(hellos.len() <= 8, "{}", hellos.len());
        for (purpose, version, suites) in hellos {
            assert!(!suites.is_empty(), "{purpose:?}");
            let bytes = client_hello(version, &suites, Some("bot.example"), [7; 32]);
            assert_eq!(
                usize::from(u16::from_be_bytes([bytes[3], bytes[4]])),
                bytes.len() - 5
            );
        }
    }
}
