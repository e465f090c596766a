//! The certificate: dates, name, trust and strength, each on its own.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{LiveVerdict, needs_https};
use crate::probe::certificate::{Certificate, Distrust, Trust};
use crate::probe::evidence::LiveEvidence;

/// `https.certificate-expired`: the moment lies outside the dates, at either end.
pub fn certificate_expired(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    judged(evidence, |certificate| {
        let facts = facts(certificate);
        if evidence.now > certificate.not_after {
            let message = format!("the certificate expired at {}", certificate.not_after);
            return LiveVerdict::fail("expired", message, facts);
        }
        if evidence.now < certificate.not_before {
            let message = format!(
                "the certificate is valid from {} on, which is still to come",
                certificate.not_before
            );
            return LiveVerdict::fail("not yet valid", message, facts);
        }
        if let Some(subject) = &certificate.expired_intermediate {
            let message = format!("the intermediate certificate {subject} is outside its dates");
            return LiveVerdict::fail("intermediate outside its dates", message, facts);
        }
        LiveVerdict::pass(
            format!("the certificate is valid until {}", certificate.not_after),
            facts,
        )
    })
}

/// `https.certificate-expiring`: less than 14 days or a third of the lifetime is left, whichever
/// is shorter.
pub fn certificate_expiring(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    judged(evidence, |certificate| {
        if !(certificate.not_before..=certificate.not_after).contains(&evidence.now) {
            return LiveVerdict::skipped("outside its dates: see https.certificate-expired");
        }
        let left = certificate.not_after.duration_since(evidence.now);
        let limit = renewal_limit(certificate.not_before, certificate.not_after);
        let facts = facts(certificate);
        let words = format!("{} are left", in_words(left));
        if left < limit {
            let message = format!(
                "the certificate expires soon: {words}, it should have been renewed {} before its end",
                in_words(limit)
            );
            return LiveVerdict::fail("expiring", message, facts);
        }
        LiveVerdict::pass(
            format!("the certificate is not about to expire: {words}"),
            facts,
        )
    })
}

/// `https.certificate-host`: the subjectAltName does not name the host (RFC 9525; the common name
/// does not count).
pub fn certificate_host(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    judged(evidence, |certificate| {
        let host = evidence.url.host_str().unwrap_or_default();
        let facts = facts(certificate);
        match &certificate.names_host {
            Ok(true) => LiveVerdict::pass(format!("the certificate names {host}"), facts),
            Ok(false) if certificate.names.is_empty() => LiveVerdict::fail(
                "no name",
                "the certificate has no subjectAltName, so it names no host at all",
                facts,
            ),
            Ok(false) => LiveVerdict::fail(
                "another name",
                format!("the certificate does not name {host}"),
                facts,
            ),
            Err(reason) => LiveVerdict::unknown(reason),
        }
    })
}

/// `https.certificate-untrusted`: neither the system's roots nor `--ca-file` vouch for it.
pub fn certificate_untrusted(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    judged(evidence, |certificate| {
        let mut facts = facts(certificate);
        facts.insert("certificates_sent".into(), certificate.sent.into());
        let (subject, message) = match &certificate.trust {
            Trust::System => {
                let message = format!("a root of {} vouches for it", roots_of(evidence));
                facts.insert("trusted_by".into(), roots_of(evidence).into());
                return LiveVerdict::pass(message, facts);
            }
            Trust::CaFile => {
                facts.insert("trusted_by".into(), "--ca-file".into());
                return LiveVerdict::pass("--ca-file vouches for it", facts);
            }
            Trust::Undetermined(reason) => {
                let roots = other_roots(evidence, certificate);
                return LiveVerdict::unknown(format!(
                    "the chain cannot be verified: {reason}{roots}"
                ));
            }
            Trust::Nobody(distrust) => distrust_in_words(distrust),
        };
        let hint = if evidence.has_ca_file {
            ""
        } else {
            "; name your own authority with --ca-file"
        };
        let roots = other_roots(evidence, certificate);
        LiveVerdict::fail(subject, format!("{message}{roots}{hint}"), facts)
    })
}

/// Where the roots came from that are there without `--ca-file`.
fn roots_of(evidence: &LiveEvidence) -> String {
    match evidence.root_variables[..] {
        [] => "the operating system".to_owned(),
        ref variables => variables.join(" and "),
    }
}

/// What a person should know who believes that the operating system was asked.
fn other_roots(evidence: &LiveEvidence, certificate: &Certificate) -> String {
    if evidence.root_variables.is_empty() {
        return match certificate.system_roots {
            0 => "; the operating system has no roots (Debian: ca-certificates)".to_owned(),
            _ => String::new(),
        };
    }
    let verb = match certificate.system_roots {
        0 => "gives no root, and takes",
        _ => "takes",
    };
    format!(
        "; {} {verb} the place of the operating system's",
        roots_of(evidence)
    )
}

/// `https.certificate-weak`: RSA under 2048 bits, EC under 224, MD5 or SHA-1 in a signature.
pub fn certificate_weak(evidence: &LiveEvidence) -> Vec<LiveVerdict> {
    judged(evidence, |certificate| {
        let mut facts = facts(certificate);
        facts.insert("key".into(), certificate.key.clone().into());
        if certificate.weaknesses.is_empty() {
            return LiveVerdict::pass(
                format!("key and signature are strong ({})", certificate.key),
                facts,
            );
        }
        let what = certificate.weaknesses.join(", ");
        LiveVerdict::fail(what.clone(), what, facts)
    })
}

/// How long before its end a certificate should have been renewed.
fn renewal_limit(not_before: Timestamp, not_after: Timestamp) -> SignedDuration {
    let third = not_after.duration_since(not_before) / 3;
    third.min(SignedDuration::from_hours(14 * 24))
}

fn judged(
    evidence: &LiveEvidence,
    judge: impl FnOnce(&Certificate) -> LiveVerdict,
) -> Vec<LiveVerdict> {
    vec![match (needs_https(evidence), &evidence.certificate) {
        (Some(verdict), _) => verdict,
        (None, Err(silence)) => LiveVerdict::unknown(silence),
        (None, Ok(certificate)) => judge(certificate),
    }]
}

fn facts(certificate: &Certificate) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("names".into(), certificate.names.clone().into());
    facts.insert("issuer".into(), certificate.issuer.clone().into());
    facts.insert(
        "not_before".into(),
        certificate.not_before.to_string().into(),
    );
    facts.insert("not_after".into(), certificate.not_after.to_string().into());
    facts
}

fn distrust_in_words(distrust: &Distrust) -> (&'static str, String) {
    match distrust {
        Distrust::SelfSigned => (
            "self-signed",
            "the certificate signed itself and nobody vouches for it".to_owned(),
        ),
        Distrust::IssuerNotSent => (
            "issuer not sent",
            "the server sends one certificate without its intermediate, and its issuer is no known \
             root: configure the full chain"
                .to_owned(),
        ),
        Distrust::UnknownRoot => (
            "unknown root",
            "the chain ends at a root that is not known".to_owned(),
        ),
        Distrust::KeyNotProven => (
            "key not proven",
            "the server could not prove that it holds the certificate's key".to_owned(),
        ),
        Distrust::Other(reason) => ("not valid", format!("the chain is not valid: {reason}")),
    }
}

/// Days, or hours under two days.
fn in_words(duration: SignedDuration) -> String {
    match duration.as_hours() {
        hours if hours < 48 => format!("{hours} hours"),
        hours => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{certificate, evidence};
    use super::*;
    use crate::probe::evidence::Silence;

    type Judge = fn(&LiveEvidence) -> Vec<LiveVerdict>;
    const ALL: [Judge; 5] = [
        certificate_expired,
        certificate_expiring,
        certificate_host,
        certificate_untrusted,
        certificate_weak,
    ];

    fn letters(evidence: &LiveEvidence) -> String {
        ALL.iter()
            .map(|judge| match judge(evidence).as_slice() {
                [LiveVerdict::Pass { .. }] => 'p',
                [LiveVerdict::Fail { .. }] => 'f',
                [LiveVerdict::Unknown { .. }] => 'u',
                [LiveVerdict::Skipped { .. }] => 's',
                _ => '?',
            })
            .collect()
    }

    #[test]
    fn one_fault_gives_one_id() {
        type Change = fn(&mut Certificate);
        let cases: [(&str, Change); 9] = [
            ("ppppp", |_| {}),
            ("fsppp", |c| {
                c.not_after = "2026-05-31T23:59:59Z".parse().unwrap()
            }),
            ("fsppp", |c| {
                c.not_before = "2026-06-01T00:00:01Z".parse().unwrap()
            }),
            ("fpppp", |c| c.expired_intermediate = Some("CN=old".into())),
            ("pfppp", |c| {
                c.not_after = "2026-06-10T00:00:00Z".parse().unwrap()
            }),
            ("ppfpp", |c| c.names_host = Ok(false)),
            ("ppupp", |c| c.names_host = Err("odd".into())),
            ("pppfp", |c| c.trust = Trust::Nobody(Distrust::SelfSigned)),
            ("ppppf", |c| c.weaknesses = vec!["RSA 1024".into()]),
        ];
        for (expected, change) in cases {
            let mut evidence = evidence();
            let mut certificate = certificate();
            change(&mut certificate);
            evidence.certificate = Ok(certificate);
            assert_eq!(letters(&evidence), expected);
        }
    }

    #[test]
    fn the_variable_that_gives_the_roots_is_named() {
        let file = || vec!["SSL_CERT_FILE"];
        let unknown_root = || Trust::Nobody(Distrust::UnknownRoot);
        let undetermined = || Trust::Undetermined("there is no root to verify with".into());
        for (variables, roots, trust, expected) in [
            (
                vec![],
                140,
                Trust::System,
                "a root of the operating system vouches",
            ),
            (file(), 1, Trust::System, "a root of SSL_CERT_FILE vouches"),
            (
                vec!["SSL_CERT_FILE", "SSL_CERT_DIR"],
                9,
                Trust::System,
                "SSL_CERT_FILE and SSL_CERT_DIR",
            ),
            (file(), 1, unknown_root(), "SSL_CERT_FILE takes the place"),
            (file(), 0, unknown_root(), "SSL_CERT_FILE gives no root"),
            (file(), 0, undetermined(), "SSL_CERT_FILE gives no root"),
            (
                vec![],
                0,
                undetermined(),
                "the operating system has no roots",
            ),
        ] {
            let mut evidence = evidence();
            evidence.root_variables = variables;
            let mut certificate = certificate();
            (certificate.trust, certificate.system_roots) = (trust, roots);
            evidence.certificate = Ok(certificate);
            let said = format!("{:?}", certificate_untrusted(&evidence));
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn a_certificate_that_was_not_seen_is_unknown() {
        let mut evidence = evidence();
        evidence.certificate = Err(Silence::TlsFailed("no common version".into()));
        assert_eq!(letters(&evidence), "uuuuu");
    }

    #[test]
    fn a_third_of_a_short_life_is_enough() {
        // (lifetime in hours, hours left, fails)
        for (life, left, fails) in [
            (6 * 24, 49, false),
            (6 * 24, 48, false),
            (6 * 24, 47, true),
            (90 * 24, 14 * 24, false),
            (90 * 24, 14 * 24 - 1, true),
            (398 * 24, 20 * 24, false),
        ] {
            let mut evidence = evidence();
            let mut certificate = certificate();
            certificate.not_after = evidence.now + SignedDuration::from_hours(left);
            certificate.not_before = certificate.not_after - SignedDuration::from_hours(life);
            evidence.certificate = Ok(certificate);
            let verdict = &certificate_expiring(&evidence)[0];
            assert_eq!(verdict.is_fail(), fails, "{life} {left} {verdict:?}");
        }
    }
}
