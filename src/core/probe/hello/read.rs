//! The first words of a server, however they are cut into records and segments.

use rustls::CipherSuite;
use rustls::pki_types::CertificateDer;

use super::{Greeting, HelloAnswer, Version};
use crate::probe::evidence::{Asked, Silence};

/// Reads what has arrived so far; nothing where more is needed.
pub(super) fn understand(received: &[u8]) -> Asked<Option<Greeting>> {
    let mut messages = Vec::new();
    let mut rest = received;
    while let [kind, major, _, high, low, after @ ..] = rest {
        // GnuTLS puts DTLS's version on the alert that says "no common version".
        if !matches!((kind, major), (21 | 22, 3) | (21, 0xfe)) {
            return broken_off(&messages);
        }
        let size = usize::from(u16::from_be_bytes([*high, *low]));
        if size > (1 << 14) + 2048 {
            return broken_off(&messages);
        }
        let Some((content, next)) = after.split_at_checked(size) else {
            break;
        };
        if *kind == 22 {
            messages.extend_from_slice(content);
        } else if let [level, description] = content {
            if *level != 1 && messages.is_empty() {
                return refusal(*description).map(|answer| Some(Greeting::of(answer)));
            }
            if *level != 1 {
                break;
            }
        }
        rest = next;
    }
    if rest.first().is_some_and(|kind| !matches!(kind, 21 | 22)) {
        return broken_off(&messages);
    }
    Ok(chosen(&messages))
}

/// Something else than TLS follows: a choice that was made before stays made, however both arrived.
fn broken_off(messages: &[u8]) -> Asked<Option<Greeting>> {
    let greeting = chosen(messages).map(|greeting| Greeting {
        is_whole: true,
        is_done: true,
        ..greeting
    });
    greeting.map(Some).ok_or(Silence::NotTls)
}

/// handshake_failure, protocol_version, insufficient_security, internal_error (OpenSSL's security
/// level) and inappropriate_fallback are refusals; other alerts may mean our hello, not its wish.
fn refusal(description: u8) -> Asked<HelloAnswer> {
    match description {
        40 | 70 | 71 | 80 | 86 => Ok(HelloAnswer::Refused(format!("alert {description}"))),
        other => Err(Silence::TlsFailed(format!("alert {other}"))),
    }
}

/// The server's choice with the certificates it shows, and for a suite over a prime its length.
fn chosen(messages: &[u8]) -> Option<Greeting> {
    let (kind, hello, rest) = message(messages)?;
    if kind != 2 {
        return None;
    }
    let version = Version(u16::from_be_bytes([*hello.first()?, *hello.get(1)?]));
    let session = usize::from(*hello.get(34)?);
    let suite = [*hello.get(35 + session)?, *hello.get(36 + session)?];
    let suite = CipherSuite::from(u16::from_be_bytes(suite));
    let cipher = suite
        .as_str()
        .map_or_else(|| format!("{suite:?}"), str::to_owned);
    let flight = Flight::read(rest, cipher.starts_with("TLS_DHE_"));
    Some(Greeting {
        answer: HelloAnswer::Chosen {
            version,
            cipher,
            prime_bits: flight.prime_bits,
        },
        chain: flight.chain,
        wants_certificate: flight.wants_certificate,
        is_whole: flight.is_whole,
        is_done: flight.is_done,
    })
}

/// What follows a ServerHello in clear, up to TLS 1.2.
#[derive(Default)]
struct Flight {
    chain: Vec<CertificateDer<'static>>,
    prime_bits: Option<usize>,
    wants_certificate: bool,
    is_whole: bool,
    is_done: bool,
}

impl Flight {
    fn read(mut rest: &[u8], over_a_prime: bool) -> Self {
        let mut flight = Self::default();
        while let Some((kind, content, next)) = message(rest) {
            match kind {
                CERTIFICATE => flight.chain = certificates(content),
                SERVER_KEY_EXCHANGE if over_a_prime => flight.prime_bits = prime_length(content),
                CERTIFICATE_REQUEST => flight.wants_certificate = true,
                SERVER_HELLO_DONE => flight.is_done = true,
                _ => {}
            }
            // Suites without authentication show no certificate.
            flight.is_whole |= match kind {
                CERTIFICATE => !over_a_prime,
                SERVER_KEY_EXCHANGE | SERVER_HELLO_DONE => true,
                _ => false,
            };
            rest = next;
        }
        flight
    }
}

const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const CERTIFICATE_REQUEST: u8 = 13;
const SERVER_HELLO_DONE: u8 = 14;

/// The list of a Certificate message (RFC 5246, 7.4.2), as far as it is well formed.
fn certificates(content: &[u8]) -> Vec<CertificateDer<'static>> {
    const MOST: usize = 11;
    let mut all = Vec::new();
    let mut rest = sized24(content).map_or(&[][..], |(list, _)| list);
    while let Some((certificate, next)) = sized24(rest).filter(|_| all.len() < MOST) {
        all.push(CertificateDer::from(certificate.to_vec()));
        rest = next;
    }
    all
}

/// Bytes behind their length in three bytes, and what follows.
fn sized24(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [a, b, c, rest @ ..] = bytes else {
        return None;
    };
    let size = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()?;
    rest.split_at_checked(size)
}

/// Type, content and what follows of the first whole handshake message.
fn message(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let (content, next) = sized24(rest)?;
    Some((*kind, content, next))
}

/// The bits of the prime at the head of a ServerKeyExchange.
fn prime_length(content: &[u8]) -> Option<usize> {
    let [high, low, rest @ ..] = content else {
        return None;
    };
    let prime = rest.get(..usize::from(u16::from_be_bytes([*high, *low])))?;
    let first = prime.iter().position(|byte| *byte != 0)?;
    let unused = usize::try_from(prime[first].leading_zeros()).ok()?;
    Some((prime.len() - first) * 8 - unused)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::write::{length, sized16};
    use super::*;

    fn record(kind: u8, content: &[u8]) -> Vec<u8> {
        [&[kind, 3, 1][..], &sized16(content)].concat()
    }

    fn handshake(kind: u8, content: &[u8]) -> Vec<u8> {
        [&[kind][..], &length(content.len())[1..], content].concat()
    }

    fn server_hello(version: u16, suite: u16) -> Vec<u8> {
        let parts = [
            &version.to_be_bytes()[..],
            &[9; 32],
            &[0],
            &suite.to_be_bytes(),
            &[0],
        ];
        handshake(2, &parts.concat())
    }

    #[test]
    fn answers_are_understood_however_they_are_cut() {
        let prime = [&sized16(&[0, 0x40, 0, 0][..]), &sized16(&[2])[..]].concat();
        let long = [
            server_hello(0x0303, 0x009e),
            handshake(11, &[0; 300]),
            handshake(12, &prime),
        ];
        let chosen = |version, cipher: &str, prime_bits| {
            Ok(Some(HelloAnswer::Chosen {
                version: Version(version),
                cipher: cipher.to_owned(),
                prime_bits,
            }))
        };
        let cut: Vec<u8> = long
            .concat()
            .chunks(7)
            .flat_map(|part| record(22, part))
            .collect();
        let cases = [
            (
                record(22, &server_hello(0x0301, 0x002f)),
                chosen(0x0301, "TLS_RSA_WITH_AES_128_CBC_SHA", None),
            ),
            (
                cut,
                chosen(0x0303, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", Some(23)),
            ),
            (
                record(21, &[2, 40]),
                Ok(Some(HelloAnswer::Refused("alert 40".into()))),
            ),
            (record(21, &[1, 112]), Ok(None)),
            (
                record(21, &[2, 112]),
                Err(Silence::TlsFailed("alert 112".into())),
            ),
            (
                [record(21, &[1, 112]), record(21, &[2, 70])].concat(),
                Ok(Some(HelloAnswer::Refused("alert 70".into()))),
            ),
            (
                vec![21, 0xfe, 0xfd, 0, 2, 2, 70],
                Ok(Some(HelloAnswer::Refused("alert 70".into()))),
            ),
            (b"SSH-2.0-x".to_vec(), Err(Silence::NotTls)),
            (b"HTTP/1.1 400".to_vec(), Err(Silence::NotTls)),
            (vec![22, 0xfe, 0xfd, 0, 2, 1, 1], Err(Silence::NotTls)),
            (vec![22, 3, 3], Ok(None)),
            (Vec::new(), Ok(None)),
        ];
        for (bytes, expected) in cases {
            let found = understand(&bytes).map(|found| found.map(|greeting| greeting.answer));
            assert_eq!(found, expected, "{bytes:?}");
        }
    }

    #[test]
    fn certificates_are_read_in_clear_and_waited_for() {
        let der = [0x30, 1, 7];
        let entry = [&[0, 0, 3][..], &der].concat();
        let list = [&[0, 0, 12][..], &entry, &entry].concat();
        let hello = server_hello(0x0301, 0x002f);
        for (messages, certificates, is_whole) in [
            (vec![hello.clone()], 0, false),
            (vec![hello.clone(), handshake(11, &list)], 2, true),
            (vec![hello.clone(), handshake(11, &list[..8])], 0, true),
            (vec![hello.clone(), handshake(12, &[])], 0, true),
            (vec![hello, handshake(14, &[])], 0, true),
        ] {
            let greeting = understand(&record(22, &messages.concat()))
                .unwrap()
                .unwrap();
            assert_eq!(greeting.chain.len(), certificates);
            assert_eq!(greeting.is_whole, is_whole);
        }
    }

    #[test]
    fn a_request_for_a_certificate_is_seen_before_the_end() {
        let hello = server_hello(0x0303, 0xc02b);
        let [certificate, key, request, done] =
            [11, 12, 13, 14].map(|kind| handshake(kind, &[0; 3]));
        for (messages, wants_certificate, is_done) in [
            (vec![&hello, &certificate, &key], false, false),
            (vec![&hello, &certificate, &key, &done], false, true),
            (vec![&hello, &certificate, &key, &request], true, false),
            (
                vec![&hello, &certificate, &key, &request, &done],
                true,
                true,
            ),
        ] {
            let messages: Vec<u8> = messages.into_iter().flatten().copied().collect();
            let greeting = understand(&record(22, &messages)).unwrap().unwrap();
            assert_eq!(greeting.wants_certificate, wants_certificate);
            assert_eq!(greeting.is_done, is_done);
            assert!(greeting.is_whole);
        }
    }

    #[test]
    fn a_choice_stays_made_whatever_follows_it() {
        let hello = record(22, &server_hello(0x0301, 0x002f));
        for after in [
            &b"HTTP/1.1 400"[..],
            &[20, 3, 3, 0, 1, 1],
            &[22, 3, 3, 0xff, 0xff],
            b"S",
        ] {
            let greeting = understand(&[&hello, after].concat()).unwrap().unwrap();
            assert!(greeting.is_whole, "{after:?}");
            assert!(matches!(greeting.answer, HelloAnswer::Chosen { .. }));
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = understand(&bytes);
            let _ = understand(&record(22, &bytes));
            let _ = understand(&record(22, &[server_hello(0x0303, 0x009e), bytes].concat()));
        }
    }
}
