//! The registered cipher suites, and what some of them lack.

use rustls::CipherSuite;

/// Whether a suite lacks encryption or authentication, or rests on a broken cipher.
pub(in crate::probe) fn is_broken(name: &str) -> bool {
    ["_NULL", "_anon_", "EXPORT", "RC4", "RC2", "_DES_", "DES40"]
        .iter()
        .any(|word| name.contains(word))
}

/// Whether a suite lacks forward secrecy or authenticated encryption.
pub(in crate::probe) fn is_weak(name: &str) -> bool {
    is_broken(name) || !name.contains("DHE_") || !is_aead(name)
}

/// The registered suites that a web server could choose, TLS 1.3's aside.
pub(super) fn registry() -> impl Iterator<Item = (u16, &'static str)> {
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

pub(super) fn is_aead(name: &str) -> bool {
    ["_GCM", "_CCM", "CHACHA20"]
        .iter()
        .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
