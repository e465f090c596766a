//! Old protocol versions and weak cipher suites, by what the server took up on the wire.

use serde_json::{Map, Value};

use super::{LiveVerdict, Severity, needs_https};
use crate::probe::evidence::{Asked, LiveEvidence, Silence};
use crate::probe::hello::{HelloAnswer, Purpose, Version, is_broken, is_weak};

/// `https.legacy-protocol`: TLS 1.1 or older is accepted (RFC 8996). One verdict per version.
pub fn legacy_protocol(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    if let Some(verdict) = nothing_spoken(evidence) {
        return vec![verdict];
    }
    let mut verdicts = Vec::new();
    let mut open = None;
    for (purpose, answer) in &evidence.hellos {
        let Purpose::OldVersion(asked) = purpose else {
            continue;
        };
        match answer {
            // A server that only speaks 1.0 answers a 1.1 hello with 1.0.
            Ok(HelloAnswer::Chosen {
                version, cipher, ..
            }) if version == asked => {
                let message = format!("{version} is accepted");
                let facts = facts(evidence, *version, cipher);
                verdicts.push(LiveVerdict::fail(version.to_string(), message, facts));
            }
            Ok(_) => {}
            Err(silence) => open = Some(format!("{asked}: {silence}")),
        }
    }
    if let Some(reason) = open {
        verdicts.push(LiveVerdict::unknown(reason));
    }
    if verdicts.is_empty() {
        verdicts.push(LiveVerdict::pass(
            "SSL 3.0, TLS 1.0 and TLS 1.1 are refused",
            agreed(evidence),
        ));
    }
    verdicts
}

/// `https.weak-cipher`: a suite without forward secrecy or authenticated encryption is accepted
/// (RFC 9325), or Diffie-Hellman over a prime under 2048 bits. One verdict per suite.
pub fn weak_cipher(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    if let Some(verdict) = nothing_spoken(evidence) {
        return vec![verdict];
    }
    let mut verdicts: Vec<LiveVerdict> = Vec::new();
    let mut seen = Vec::new();
    let mut open = None;
    for (purpose, answer) in &evidence.hellos {
        let (version, cipher, prime) = match answer {
            Ok(HelloAnswer::Chosen {
                version,
                cipher,
                prime_bits,
            }) => (*version, cipher, *prime_bits),
            Ok(HelloAnswer::Refused(_)) => continue,
            Err(silence) => {
                open = Some(format!("{}: {silence}", words(*purpose)));
                continue;
            }
        };
        if is_weak(cipher) && !seen.contains(cipher) {
            seen.push(cipher.clone());
            verdicts.push(LiveVerdict::Fail {
                message: format!("the weak cipher {cipher} is accepted"),
                evidence: facts(evidence, version, cipher),
                subject: cipher.clone(),
                severity: is_broken(cipher).then_some(Severity::High),
            });
        }
        if *purpose == Purpose::Prime {
            match prime {
                Some(bits) if bits < 2048 => {
                    let mut facts = facts(evidence, version, cipher);
                    facts.insert("prime_bits".into(), bits.into());
                    let message = format!("the Diffie-Hellman prime has {bits} bits, under 2048");
                    verdicts.push(LiveVerdict::fail("short prime", message, facts));
                }
                Some(_) => {}
                None if is_weak(cipher) => {}
                None => open = Some("the Diffie-Hellman prime was not seen".to_owned()),
            }
        }
    }
    if let Some(reason) = open {
        verdicts.push(LiveVerdict::unknown(reason));
    }
    if verdicts.is_empty() {
        let message = "only ciphers with forward secrecy and authenticated encryption are accepted";
        verdicts.push(LiveVerdict::pass(message, agreed(evidence)));
    }
    verdicts
}

/// "Everything is refused" is not "old is refused": somebody has to have spoken TLS.
fn nothing_spoken(evidence: &LiveEvidence) -> Option<LiveVerdict> {
    if let Some(verdict) = needs_https(evidence) {
        return Some(verdict);
    }
    let took_up = |answer: &Asked<HelloAnswer>| matches!(answer, Ok(HelloAnswer::Chosen { .. }));
    let old = evidence.hellos.iter().any(|(_, answer)| took_up(answer));
    match &evidence.tls {
        _ if evidence.hellos.is_empty() => Some(LiveVerdict::unknown(
            evidence.tls.as_ref().err().unwrap_or(&Silence::TimedOut),
        )),
        Err(silence) if !old => Some(LiveVerdict::unknown(format!(
            "no TLS connection came about at all: {silence}{}",
            limit_of_ours(silence)
        ))),
        _ => None,
    }
}

/// A refused handshake may be the fault of what cannot be offered here.
fn limit_of_ours(silence: &Silence) -> &'static str {
    match silence {
        Silence::TlsFailed(_) | Silence::TlsAlert(40 | 43 | 47 | 70 | 71, _) => {
            "; the certificate may have a key or a signature that cannot be verified here (P-521 or \
             RSA-PSS, for example), or the server may speak only suites that are not spoken here"
        }
        _ => "",
    }
}

fn words(purpose: Purpose) -> String {
    match purpose {
        Purpose::OldVersion(version) => version.to_string(),
        Purpose::BrokenSuites => "broken ciphers".to_owned(),
        Purpose::WeakSuites => "weak ciphers".to_owned(),
        Purpose::Prime => "Diffie-Hellman".to_owned(),
    }
}

fn facts(evidence: &LiveEvidence, version: Version, cipher: &str) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("version".into(), version.to_string().into());
    facts.insert("cipher".into(), cipher.into());
    if let Ok(peer) = &evidence.peer {
        facts.insert("peer".into(), peer.to_string().into());
    }
    facts
}

fn agreed(evidence: &LiveEvidence) -> Map<String, Value> {
    let mut facts = Map::new();
    if let Ok(tls) = &evidence.tls {
        facts.insert("agreed_version".into(), tls.version.clone().into());
        facts.insert("agreed_cipher".into(), tls.cipher.clone().into());
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::evidence;
    use super::*;

    const CBC: &str = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA";
    const GOOD: &str = "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256";

    fn chosen(version: Version, cipher: &str, prime_bits: Option<usize>) -> Asked<HelloAnswer> {
        Ok(HelloAnswer::Chosen {
            version,
            cipher: cipher.into(),
            prime_bits,
        })
    }

    fn refused() -> Asked<HelloAnswer> {
        Ok(HelloAnswer::Refused("alert 70".into()))
    }

    fn letters(verdicts: &[LiveVerdict]) -> String {
        let letter = |verdict: &LiveVerdict| match verdict {
            LiveVerdict::Pass { .. } => 'p',
            LiveVerdict::Fail { .. } => 'f',
            LiveVerdict::Unknown { .. } => 'u',
            LiveVerdict::Skipped { .. } => 's',
        };
        verdicts.iter().map(letter).collect()
    }

    #[test]
    fn where_nothing_was_agreed_upon_the_limit_may_be_ours() {
        for (silence, expected) in [
            (Silence::TlsAlert(40, "HandshakeFailure".into()), true),
            (Silence::TlsAlert(112, "UnrecognisedName".into()), false),
            (Silence::TimedOut, false),
        ] {
            let mut evidence = evidence();
            evidence.tls = Err(silence);
            evidence.hellos = vec![(Purpose::WeakSuites, refused())];
            for verdicts in [legacy_protocol(&evidence), weak_cipher(&evidence)] {
                let [LiveVerdict::Unknown { reason }] = &verdicts[..] else {
                    panic!("{verdicts:?}");
                };
                assert_eq!(reason.contains("P-521"), expected, "{reason}");
            }
        }
    }

    #[test]
    fn answers_to_hellos_and_their_verdicts() {
        let old = Purpose::OldVersion(Version::TLS10);
        let older = Purpose::OldVersion(Version::TLS11);
        let no_tls = || Err(Silence::TlsFailed("alert 40".into()));
        let cases = [
            (
                true,
                vec![(old, refused()), (Purpose::WeakSuites, refused())],
                "p",
                "p",
            ),
            (
                true,
                vec![(old, chosen(Version::TLS10, CBC, None))],
                "f",
                "f",
            ),
            (
                true,
                vec![(older, chosen(Version::TLS10, CBC, None))],
                "p",
                "f",
            ),
            (true, vec![(old, Err(Silence::TimedOut))], "u", "u"),
            (
                true,
                vec![
                    (old, Err(Silence::TimedOut)),
                    (older, chosen(Version::TLS11, CBC, None)),
                ],
                "fu",
                "fu",
            ),
            (
                true,
                vec![
                    (Purpose::WeakSuites, chosen(Version::TLS12, CBC, None)),
                    (old, refused()),
                ],
                "p",
                "f",
            ),
            (
                true,
                vec![(Purpose::Prime, chosen(Version::TLS12, GOOD, Some(2048)))],
                "p",
                "p",
            ),
            (
                true,
                vec![(Purpose::Prime, chosen(Version::TLS12, GOOD, Some(1024)))],
                "p",
                "f",
            ),
            (
                true,
                vec![(Purpose::Prime, chosen(Version::TLS12, GOOD, None))],
                "p",
                "u",
            ),
            (
                false,
                vec![(old, refused()), (Purpose::WeakSuites, refused())],
                "u",
                "u",
            ),
            (
                false,
                vec![(old, chosen(Version::TLS10, CBC, None))],
                "f",
                "f",
            ),
            (false, vec![], "u", "u"),
        ];
        for (modern, hellos, legacy, weak) in cases {
            let mut evidence = evidence();
            if !modern {
                evidence.tls = no_tls();
            }
            evidence.hellos = hellos;
            assert_eq!(
                letters(&legacy_protocol(&evidence)),
                legacy,
                "{:?}",
                evidence.hellos
            );
            assert_eq!(
                letters(&weak_cipher(&evidence)),
                weak,
                "{:?}",
                evidence.hellos
            );
        }
    }
}
