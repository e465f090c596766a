//! What TLS is spoken where none could be agreed upon.

use super::evidence::Silence;
use super::hello::{HelloAnswer, Version, is_weak};
use super::main_port::Hellos;

/// What is spoken where a hello was taken up: the strongest of it decides what it is called.
pub(super) fn other_tls(hellos: &Hellos) -> Option<Silence> {
    const SHORT_PRIME: usize = 2048;
    let chosen = hellos.iter().filter_map(|(_, answer)| match answer {
        Ok(HelloAnswer::Chosen {
            version,
            cipher,
            prime_bits,
        }) => {
            let is_strong = *version >= Version::TLS12
                && !is_weak(cipher)
                && prime_bits.is_some_and(|bits| bits >= SHORT_PRIME);
            Some((is_strong, format!("{version} with {cipher}")))
        }
        _ => None,
    });
    let chosen: Vec<(bool, String)> = chosen.collect();
    let strong = chosen.iter().find(|(is_strong, _)| *is_strong);
    match (strong, chosen.first()) {
        (Some((_, spoken)), _) => Some(Silence::OnlyOtherTls(spoken.clone())),
        (None, Some((_, spoken))) => Some(Silence::OnlyWeakTls(spoken.clone())),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::hello::Purpose;

    #[test]
    fn only_what_is_weak_is_called_weak() {
        let chosen = |version, cipher: &str, prime_bits| {
            let answer = HelloAnswer::Chosen {
                version,
                cipher: cipher.to_owned(),
                prime_bits,
            };
            (Purpose::Prime, Ok(answer))
        };
        let dhe = |bits| {
            let cipher = "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256";
            chosen(Version::TLS12, cipher, Some(bits))
        };
        let old = || chosen(Version::TLS10, "TLS_RSA_WITH_AES_128_CBC_SHA", None);
        let refused = || (Purpose::Prime, Ok(HelloAnswer::Refused("alert 40".into())));
        for (hellos, expected) in [
            (vec![refused()], ""),
            (vec![refused(), dhe(2048)], "not weak"),
            (vec![old(), dhe(4096)], "not weak"),
            (vec![dhe(1024)], "only weak TLS"),
            (vec![old(), refused()], "only weak TLS"),
        ] {
            let found = other_tls(&hellos).map(|silence| silence.to_string());
            let found = found.unwrap_or_default();
            assert!(
                found.contains(expected) && found.is_empty() == expected.is_empty(),
                "{found}"
            );
        }
    }
}
