//! "Firewall rules in place": from the live rules and the listening sockets.

use super::Check;
use super::evidence::Evidence;
use super::verdict::{Verdict, unknown};
use crate::report::{Kind, Severity};

const PAGE: &str = "https://docs.openclawvps.com/configuration/security";

pub const CHECKS: &[Check] = &[
    Check::new("firewall.absent", Kind::Host, Severity::High, not_built)
        .asks(
            "inbound packets are filtered",
            "every service on this host is open to the internet",
        )
        .mended_by("run `openclaw-sec firewall | sh`")
        .see(&[PAGE]),
    Check::new(
        "firewall.default-accept",
        Kind::Host,
        Severity::High,
        not_built,
    )
    .asks(
        "what no rule allows is dropped",
        "a service that is started tomorrow is open at once",
    )
    .mended_by("run `openclaw-sec firewall | sh`")
    .see(&[PAGE]),
    Check::new("firewall.ipv6-open", Kind::Host, Severity::High, not_built)
        .asks(
            "IPv6 is filtered like IPv4",
            "iptables alone leaves the whole machine open over IPv6",
        )
        .mended_by("run `openclaw-sec firewall | sh`, which filters both families")
        .see(&[PAGE]),
    Check::new(
        "firewall.extra-port-open",
        Kind::Host,
        Severity::Medium,
        not_built,
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
        not_built,
    )
    .asks(
        "published container ports are filtered too",
        "Docker opens published ports past the host's INPUT rules",
    )
    .mended_by("run `openclaw-sec firewall | sh`, or publish the port on 127.0.0.1 only")
    .see(&["https://docs.docker.com/engine/network/packet-filtering-firewalls/"]),
    Check::new(
        "firewall.not-persistent",
        Kind::Host,
        Severity::Medium,
        not_built,
    )
    .asks(
        "the rules survive a reboot",
        "after the next reboot the machine is open",
    )
    .mended_by("run `openclaw-sec firewall --persist | sh`")
    .see(&[PAGE]),
    Check::new(
        "firewall.public-listener",
        Kind::Host,
        Severity::High,
        not_built,
    )
    .asks(
        "OpenClaw's own port is not public",
        "the gateway speaks plain http and is meant to stand behind a proxy",
    )
    .mended_by("bind the gateway to loopback and let the proxy forward to it")
    .see(&[PAGE]),
    Check::new("firewall.drift", Kind::Host, Severity::Medium, not_built)
        .asks(
            "the live rules are the profile's",
            "somebody or something changed the rules since",
        )
        .mended_by("run `openclaw-sec firewall verify` to see what differs")
        .see(&[PAGE]),
];

fn not_built(_: &Evidence) -> Vec<Verdict> {
    unknown(
        "`firewall` reads the live rules, and it is not built yet; leave it out with --skip firewall",
    )
}
