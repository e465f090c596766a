//! A TLS ClientHello by hand, and the first words of the answer.
//!
//! A TLS library cannot ask for what it refuses to speak: rustls has no TLS 1.1 and no CBC suite,
//! so "not offered" would only mean "could not ask". Bytes can ask for anything.

use rustls::CipherSuite;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::connect::silence_of_io;
use super::evidence::{Asked, Silence};
use super::stream::TooMuch;

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

/// Whether a suite lacks encryption or authentication, or rests on a broken cipher.
pub(super) fn is_broken(name: &str) -> bool {
    ["_NULL", "_anon_", "EXPORT", "RC4", "RC2", "_DES_", "DES40"]
        .iter()
        .any(|word| name.contains(word))
}

/// Whether a suite lacks forward secrecy or authenticated encryption.
pub(super) fn is_weak(name: &str) -> bool {
    is_broken(name) || !name.contains("DHE_") || !is_aead(name)
}

/// Says hello over a fresh connection and listens to the first words.
pub(super) async fn greet(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    hello: &[u8],
    until: Instant,
) -> Asked<HelloAnswer> {
    let conversation = async {
        let sent = stream.write_all(hello).await;
        sent.map_err(|error| silence_of_io(&error))?;
        let mut received = Vec::new();
        loop {
            if let Some(answer) = understand(&received)? {
                return Ok(answer);
            }
            if received.len() > MAX_ANSWER {
                return Err(Silence::TlsFailed(
                    "its handshake is longer than 64 KiB".to_owned(),
                ));
            }
            let mut buffer = [0; 4096];
            match stream.read(&mut buffer).await {
                Ok(0) => return ended(&received),
                Ok(count) => received.extend_from_slice(&buffer[..count]),
                Err(error) if error.get_ref().is_some_and(|inner| inner.is::<TooMuch>()) => {
                    return Err(Silence::TlsFailed(TooMuch.to_string()));
                }
                Err(_) => return ended(&received),
            }
        }
    };
    timeout_at(until, conversation)
        .await
        .map_err(|_| Silence::TimedOut)?
}

/// The bytes of a ClientHello in one record.
pub(super) fn client_hello(
    version: Version,
    suites: &[u16],
    server_name: Option<&str>,
    random: [u8; 32],
) -> Vec<u8> {
    let mut body = version.0.to_be_bytes().to_vec();
    body.extend(random);
    body.push(0);
    let mut ids: Vec<u8> = suites.iter().flat_map(|id| id.to_be_bytes()).collect();
    if version == Version::SSL3 {
        // SSL 3.0 has no extensions; this suite value says the same as renegotiation_info.
        ids.extend([0x00, 0xff]);
    }
    body.extend(sized16(&ids));
    body.extend([1, 0]);
    if version != Version::SSL3 {
        body.extend(sized16(&extensions(server_name)));
    }
    let mut message = vec![1];
    message.extend(&length(body.len())[1..]);
    message.extend(body);
    let record_version = version.min(Version::TLS10);
    let mut record = vec![22];
    record.extend(record_version.0.to_be_bytes());
    record.extend(sized16(&message));
    record
}

fn extensions(server_name: Option<&str>) -> Vec<u8> {
    let mut all = Vec::new();
    let mut add = |kind: u16, content: Vec<u8>| {
        all.extend(kind.to_be_bytes());
        all.extend(sized16(&content));
    };
    if let Some(name) = server_name {
        let entry = [&[0][..], &sized16(name.as_bytes())].concat();
        add(0, sized16(&entry));
    }
    // x25519, P-256, P-384, P-521, x448, P-224, P-192
    let groups: Vec<u8> = [29u16, 23, 24, 25, 30, 21, 19]
        .iter()
        .flat_map(|group| group.to_be_bytes())
        .collect();
    add(10, sized16(&groups));
    add(11, vec![1, 0]);
    // ECDSA, RSA-PSS, RSA and DSA with SHA-512 down to SHA-1
    let signatures: Vec<u8> = [
        0x0403u16, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601,
        0x0203, 0x0201, 0x0402, 0x0202,
    ]
    .iter()
    .flat_map(|scheme| scheme.to_be_bytes())
    .collect();
    add(13, sized16(&signatures));
    add(0xff01, vec![0]);
    all
}

/// The registered suites that a web server could choose, TLS 1.3's aside.
fn registry() -> impl Iterator<Item = (u16, &'static str)> {
    let known = |id: u16| CipherSuite::from(id).as_str().map(|name| (id, name));
    (0x0001..=0x00fe)
        .chain(0xc001..=0xcfff)
        .filter_map(known)
        .filter(|(_, name)| {
            !["PSK", "SRP", "KRB5", "SCSV"]
                .iter()
                .any(|word| name.contains(word))
        })
}

fn is_aead(name: &str) -> bool {
    ["_GCM", "_CCM", "CHACHA20"]
        .iter()
        .any(|word| name.contains(word))
}

/// A close or a reset after the hello is a refusal, unless something else than TLS spoke before.
fn ended(received: &[u8]) -> Asked<HelloAnswer> {
    if received.is_empty() {
        return Ok(HelloAnswer::Refused("it hangs up".to_owned()));
    }
    Err(Silence::HungUp)
}

/// Reads what has arrived so far; nothing where more is needed.
fn understand(received: &[u8]) -> Asked<Option<HelloAnswer>> {
    let mut messages = Vec::new();
    let mut rest = received;
    while let [kind, major, _, high, low, after @ ..] = rest {
        // GnuTLS puts DTLS's version on the alert that says "no common version".
        if !matches!((kind, major), (21 | 22, 3) | (21, 0xfe)) {
            return Err(Silence::NotTls);
        }
        let size = usize::from(u16::from_be_bytes([*high, *low]));
        if size > (1 << 14) + 2048 {
            return Err(Silence::NotTls);
        }
        let Some((content, next)) = after.split_at_checked(size) else {
            break;
        };
        if *kind == 22 {
            messages.extend_from_slice(content);
        } else if let [level, description] = content {
            if *level != 1 && messages.is_empty() {
                return refusal(*description).map(Some);
            }
            if *level != 1 {
                break;
            }
        }
        rest = next;
    }
    if rest.first().is_some_and(|kind| !matches!(kind, 21 | 22)) {
        return Err(Silence::NotTls);
    }
    Ok(chosen(&messages))
}

/// handshake_failure, protocol_version, insufficient_security, internal_error (OpenSSL's security
/// level) and inappropriate_fallback are refusals; other alerts may mean our hello, not its wish.
fn refusal(description: u8) -> Asked<HelloAnswer> {
    match description {
        40 | 70 | 71 | 80 | 86 => Ok(HelloAnswer::Refused(format!("alert {description}"))),
        other => Err(Silence::TlsFailed(format!("alert {other}"))),
    }
}

/// The server's choice, once its hello is whole and, for a suite over a prime, the prime too.
fn chosen(messages: &[u8]) -> Option<HelloAnswer> {
    let (kind, hello, mut rest) = message(messages)?;
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
    let mut prime_bits = None;
    if cipher.starts_with("TLS_DHE_") {
        loop {
            let (kind, content, next) = message(rest)?;
            if kind == 12 {
                prime_bits = prime_length(content);
            }
            if matches!(kind, 12 | 14) {
                break;
            }
            rest = next;
        }
    }
    Some(HelloAnswer::Chosen {
        version,
        cipher,
        prime_bits,
    })
}

/// Type, content and what follows of the first whole handshake message.
fn message(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [kind, a, b, c, rest @ ..] = bytes else {
        return None;
    };
    let size = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()?;
    let (content, next) = rest.split_at_checked(size)?;
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

fn length(size: usize) -> [u8; 4] {
    u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes()
}

/// The bytes behind their length in two bytes.
fn sized16(bytes: &[u8]) -> Vec<u8> {
    [&length(bytes.len())[2..], bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
    fn suites_are_sorted_by_what_they_lack() {
        for (name, weak, broken) in [
            ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", false, false),
            ("TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", false, false),
            ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", true, false),
            ("TLS_RSA_WITH_AES_128_GCM_SHA256", true, false),
            ("TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256", true, false),
            ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", true, false),
            ("TLS_RSA_WITH_NULL_SHA", true, true),
            ("TLS_DH_anon_WITH_AES_128_GCM_SHA256", true, true),
            ("TLS_ECDHE_RSA_WITH_RC4_128_SHA", true, true),
            ("TLS_RSA_EXPORT_WITH_RC4_40_MD5", true, true),
        ] {
            assert_eq!((is_weak(name), is_broken(name)), (weak, broken), "{name}");
        }
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
            assert_eq!(understand(&bytes), expected, "{bytes:?}");
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
