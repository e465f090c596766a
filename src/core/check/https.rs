//! "HTTPS enabled": what is declared, and what the wire says.

use super::Check;
use super::evidence::Evidence;
use super::live;
use super::rate_limit::switch_must_be_on;
use super::verdict::Verdict;
use crate::report::{Kind, Severity};

const PAGE: &str = "https://docs.openclawvps.com/configuration/security";

pub const CHECKS: &[Check] = &[
    Check::new("https.force-https-off", Kind::Declared, Severity::High, force_https_off)
        .asks("http is redirected to https", "keys and conversations cross the network in clear")
        .mended_by("set FORCE_HTTPS=true in {env} and restart OpenClaw")
        .see(&[PAGE, "OWASP ASVS 5.0 12.2.1"])
        .fixable(),
    Check::new("https.plaintext", Kind::Live, Severity::High, live::plaintext)
        .asks("nothing is served over plain http", "keys and conversations cross the network in clear")
        .mended_by("answer port 80 with a permanent redirect to https, or close it")
        .see(&["OWASP ASVS 5.0 12.2.1", "OWASP ASVS 5.0 4.1.2"]),
    Check::new("https.redirect", Kind::Live, Severity::Medium, live::redirect)
        .asks("http redirects permanently to https on the same host", "browsers remember a permanent redirect and skip the clear-text step next time")
        .mended_by("answer with 301 or 308 and `Location: https://` plus the same host and path")
        .see(&["OWASP ASVS 5.0 4.1.2", "RFC 9110 §15.4.9"]),
    Check::new("https.hsts", Kind::Live, Severity::Medium, live::hsts)
        .asks("HSTS holds for at least 180 days", "without it an attacker on the way can keep a browser on http")
        .mended_by("send `Strict-Transport-Security: max-age=31536000; includeSubDomains`")
        .see(&["RFC 6797", "OWASP ASVS 5.0 3.4.1"]),
    Check::new("https.certificate-expired", Kind::Live, Severity::High, live::certificate_expired)
        .asks("the certificate is within its dates", "users learn to click through warnings, and API clients stop working")
        .mended_by("renew the certificate and reload the server; check the timer of your ACME client")
        .see(&["OWASP ASVS 5.0 12.2.2"]),
    Check::new("https.certificate-expiring", Kind::Live, Severity::Medium, live::certificate_expiring)
        .asks("the certificate is renewed in time", "a renewal that has not happened by now is probably broken")
        .mended_by("run your ACME client by hand, read its log, and reload the server")
        .see(&["OWASP ASVS 5.0 12.2.2"]),
    Check::new("https.certificate-host", Kind::Live, Severity::High, live::certificate_host)
        .asks("the certificate names the host", "clients cannot tell the server from an impostor")
        .mended_by("get a certificate whose subjectAltName holds the host name")
        .see(&["RFC 9525", "OWASP ASVS 5.0 12.2.2"]),
    Check::new("https.certificate-untrusted", Kind::Live, Severity::High, live::certificate_untrusted)
        .asks("the certificate is issued by a trusted authority", "clients cannot tell the server from an impostor")
        .mended_by("use a publicly trusted certificate, send the intermediate too, or name your own root with --ca-file")
        .see(&["RFC 5280 §6", "OWASP ASVS 5.0 12.2.2"]),
    Check::new("https.certificate-weak", Kind::Live, Severity::High, live::certificate_weak)
        .asks("the certificate's key and signature are strong", "a weak key or signature lets others make a certificate in your name")
        .mended_by("issue it again with ECDSA P-256 or RSA 2048 and a SHA-256 signature")
        .see(&["RFC 9325 §4.5", "CA/Browser Forum Baseline Requirements §6.1.5"]),
    Check::new("https.legacy-protocol", Kind::Live, Severity::High, live::legacy_protocol)
        .asks("TLS 1.1 and older are refused", "old versions have known attacks and are deprecated")
        .mended_by("allow TLSv1.2 and TLSv1.3 only (nginx: `ssl_protocols TLSv1.2 TLSv1.3;`)")
        .see(&["RFC 8996", "OWASP ASVS 5.0 12.1.1"]),
    Check::new("https.weak-cipher", Kind::Live, Severity::Medium, live::weak_cipher)
        .asks("every cipher has forward secrecy and authenticated encryption", "recorded traffic can be read later, or changed on the way")
        .mended_by("allow ECDHE with AES-GCM or ChaCha20-Poly1305 only")
        .see(&["RFC 9325 §4.2", "OWASP ASVS 5.0 12.1.2"]),
    Check::new("https.security-headers", Kind::Live, Severity::Medium, live::security_headers)
        .asks("the answers carry the browser's safety headers", "browsers guess content types, show the page in foreign frames, and tell other sites where the user came from")
        .mended_by("send `X-Content-Type-Options: nosniff`, `X-Frame-Options: DENY` and `Referrer-Policy: no-referrer`")
        .see(&["OWASP ASVS 5.0 3.4.4", "OWASP ASVS 5.0 3.4.5", "OWASP ASVS 5.0 3.4.6"]),
];

fn force_https_off(evidence: &Evidence) -> Vec<Verdict> {
    switch_must_be_on(evidence, "FORCE_HTTPS")
}
