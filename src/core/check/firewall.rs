//! "Firewall rules in place": from the live rules and the listening sockets.

use super::Check;
use super::evidence::Evidence;
use super::verdict::{Finding, Verdict, pass, skipped, unknown};
use crate::firewall::posture::{self, Judgement, Posture};
use crate::report::{Kind, Severity};

const PAGE: &str = "https://docs.openclawvps.com/configuration/security";

pub const CHECKS: &[Check] = &[
    Check::new("firewall.absent", Kind::Host, Severity::High, absent)
        .asks(
            "inbound packets are filtered",
            "every service on this host is open to the internet",
        )
        .mended_by("run `openclaw-sec firewall{profile} | sh`")
        .see(&[PAGE]),
    Check::new(
        "firewall.default-accept",
        Kind::Host,
        Severity::High,
        default_accept,
    )
    .asks(
        "what no rule allows is dropped",
        "a service that is started tomorrow is open at once",
    )
    .mended_by("run `openclaw-sec firewall{profile} | sh`")
    .see(&[PAGE]),
    Check::new("firewall.ipv6-open", Kind::Host, Severity::High, ipv6_open)
        .asks(
            "IPv6 is filtered like IPv4",
            "iptables alone leaves the whole machine open over IPv6",
        )
        .mended_by("run `openclaw-sec firewall{profile} | sh`, which filters both families")
        .see(&[PAGE]),
    Check::new(
        "firewall.extra-port-open",
        Kind::Host,
        Severity::Medium,
        extra_port_open,
    )
    .asks(
        "only the profile's ports are open",
        "each open port is one more way in",
    )
    .mended_by("close the port, or allow it on purpose with --allow")
    .see(&[PAGE]),
    Check::new(
        "firewall.docker-bypass",
        Kind::Host,
        Severity::High,
        docker_bypass,
    )
    .asks(
        "published container ports are filtered too",
        "Docker opens published ports past the host's INPUT rules",
    )
    .mended_by("run `openclaw-sec firewall{profile} | sh`, or publish the port on 127.0.0.1 only")
    .see(&["https://docs.docker.com/engine/network/packet-filtering-firewalls/"]),
    Check::new(
        "firewall.not-persistent",
        Kind::Host,
        Severity::Medium,
        not_persistent,
    )
    .asks(
        "the rules survive a reboot",
        "after the next reboot the machine is open",
    )
    .mended_by("run `openclaw-sec firewall{profile} --persist | sh`")
    .see(&[PAGE]),
    Check::new(
        "firewall.public-listener",
        Kind::Host,
        Severity::High,
        public_listener,
    )
    .asks(
        "only the profile's services can be reached from outside",
        "a service that nobody meant to publish is one more way in, and the gateway itself speaks plain http",
    )
    .mended_by("bind the service to loopback (the proxy forwards to the gateway), or run `openclaw-sec firewall{profile} | sh`")
    .see(&[PAGE]),
    Check::new("firewall.drift", Kind::Host, Severity::Medium, drift)
        .asks(
            "the live rules are the profile's",
            "somebody or something changed the rules since",
        )
        .mended_by("run `openclaw-sec firewall verify{profile}` to see what differs")
        .see(&[PAGE]),
];

macro_rules! judged_by_posture {
    ($($name:ident),+ $(,)?) => {$(
        fn $name(evidence: &Evidence) -> Vec<Verdict> {
            ask(evidence, posture::$name)
        }
    )+};
}

judged_by_posture!(
    absent,
    default_accept,
    ipv6_open,
    extra_port_open,
    docker_bypass,
    not_persistent,
    public_listener,
    drift,
);

/// The web chat of a tailnet bot, as this host lets it out.
pub fn private_chat_public(evidence: &Evidence) -> Vec<Verdict> {
    ask(evidence, posture::private_chat_public)
}

fn ask(evidence: &Evidence, judge: fn(&Posture) -> Vec<Judgement>) -> Vec<Verdict> {
    match &evidence.posture {
        None => skipped("this host's firewall was not looked at"),
        Some(Err(reason)) => unknown(reason.clone()),
        Some(Ok(posture)) => judge(posture).into_iter().map(translated).collect(),
    }
}

fn translated(judgement: Judgement) -> Verdict {
    match judgement {
        Judgement::Pass { message } => pass(message).remove(0),
        Judgement::Unknown { reason } => Verdict::Unknown(reason),
        Judgement::Skipped { reason } => Verdict::Skipped(reason),
        Judgement::Fail {
            subject,
            message,
            evidence,
        } => evidence
            .into_iter()
            .fold(Finding::new(subject, message), |finding, (name, value)| {
                finding.with(name, value)
            })
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::fixtures::{evidence, said, words};
    use super::*;

    #[test]
    fn rules_that_nobody_read_are_unknown_and_not_asked_is_skipped() {
        for check in CHECKS {
            let mut evidence = evidence("");
            assert_eq!(said(check.id, &evidence), "skipped", "{}", check.id);
            evidence.posture = Some(Err("run with sudo".into()));
            assert_eq!(said(check.id, &evidence), "unknown", "{}", check.id);
        }
    }

    #[test]
    fn a_judgement_keeps_its_kind_and_its_words() {
        let fail = Judgement::Fail {
            subject: "tcp/8080".into(),
            message: "open".into(),
            evidence: BTreeMap::from([("port", "tcp/8080".to_owned())]),
        };
        let (text, reason) = ("seen".to_owned(), "why".to_owned());
        let judgements = [
            (Judgement::Pass { message: text }, "pass"),
            (fail.clone(), "fail tcp/8080"),
            (
                Judgement::Unknown {
                    reason: reason.clone(),
                },
                "unknown",
            ),
            (Judgement::Skipped { reason }, "skipped"),
        ];
        for (judgement, expected) in judgements {
            assert_eq!(words(&[translated(judgement)]), expected);
        }
        let Verdict::Fail(finding) = translated(fail) else {
            panic!()
        };
        assert_eq!(finding.message, "open");
        assert_eq!(finding.evidence["port"], "tcp/8080");
    }
}
