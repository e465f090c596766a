//! What happens to one packet, worked out from the model alone.

use std::net::IpAddr;

use ipnet::IpNet;

use super::error::FirewallError;
use super::input::{parse_address, parse_interface, parse_port};
use super::policy::Protocol;
use super::rules::{Action, Family, Match, NEIGHBOUR_DISCOVERY, Rule, Ruleset, State};

/// The packet of `explain` as the user wrote it, unchecked.
#[derive(Debug, Clone, Default)]
pub struct PacketRequest {
    /// `--proto`: `tcp`, `udp`, `icmp`, `icmpv6` or a protocol number.
    pub protocol: String,
    /// `--port`; for ICMP the type. TCP and UDP need one; without one ICMP means a ping.
    pub port: Option<String>,
    /// `--from`, an address.
    pub from: String,
    /// `--iface`; the public interface where there is none.
    pub interface: Option<String>,
}

/// A fresh packet to the host itself: the first of its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Where it comes from.
    pub source: IpAddr,
    /// What it carries.
    pub payload: Payload,
    /// The interface it comes in on; `None` is a public one that no option names.
    pub interface: Option<String>,
    /// The UDP or TCP port it comes from; an ephemeral one where nobody says.
    pub source_port: u16,
    /// The IPv6 hop limit it arrives with.
    pub hop_limit: u8,
}

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// TCP (a SYN) or UDP to a port.
    Port(Protocol, u16),
    /// An ICMP or ICMPv6 message of a type, by the family of the source.
    Icmp(u8),
    /// Another protocol, by its IANA number.
    Other(u8),
}

/// What happens to a packet and which rule decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// Whether our rules let it pass.
    pub accept: bool,
    /// The name of the deciding rule.
    pub rule: String,
}

impl Packet {
    /// Checks what the user wrote.
    ///
    /// # Errors
    /// The first value that is not right, with its flag.
    pub fn from_request(request: &PacketRequest) -> Result<Self, FirewallError> {
        let from = request.from.as_str();
        let source =
            parse_address(from).map_err(|problem| FirewallError::value("--from", from, problem))?;
        let payload = payload(request, source)?;
        let interface = match request.interface.as_deref() {
            None => None,
            Some(name) => Some(
                parse_interface(name)
                    .map_err(|problem| FirewallError::value("--iface", name, problem))?,
            ),
        };
        Ok(Self {
            source,
            payload,
            interface,
            source_port: 49_152,
            hop_limit: hop_limit(source, payload),
        })
    }

    fn family(&self) -> Family {
        if self.source.is_ipv4() {
            Family::V4
        } else {
            Family::V6
        }
    }

    /// What connection tracking says about it (Linux, nf_conntrack_proto_icmp and _icmpv6): only
    /// queries begin a connection, discovery is not tracked, the rest is invalid.
    fn state(&self) -> State {
        match (self.payload, self.family()) {
            (Payload::Icmp(8 | 13 | 15 | 17), Family::V4) => State::New,
            (Payload::Icmp(128 | 139), Family::V6) => State::New,
            (Payload::Icmp(130..=136 | 143), Family::V6) => State::Untracked,
            (Payload::Icmp(_), _) => State::Invalid,
            (Payload::Port(..) | Payload::Other(_), _) => State::New,
        }
    }
}

/// What such a packet arrives with: a host throws away neighbour discovery that was routed, so every
/// real one has 255 (RFC 4861, 6.1 and 7.1); others may have come some way.
fn hop_limit(source: IpAddr, payload: Payload) -> u8 {
    match payload {
        Payload::Icmp(kind) if source.is_ipv6() && NEIGHBOUR_DISCOVERY.contains(&kind) => 255,
        _ => 64,
    }
}

/// Says what the rules do with a fresh packet; rate limits are not counted.
pub fn explain(ruleset: &Ruleset, packet: &Packet) -> Ruling {
    let deciding = ruleset
        .of_family(packet.family())
        .filter(|rule| rule.action != Action::Log)
        .find(|rule| applies(ruleset, rule, packet));
    match deciding {
        Some(rule) => Ruling {
            accept: rule.action == Action::Pass,
            rule: rule.name.clone(),
        },
        // Every ruleset ends with a rule without conditions.
        None => Ruling {
            accept: false,
            rule: "default".to_owned(),
        },
    }
}

/// Whether an interface has this name; a `*` at the end of the pattern stands for any rest.
pub(super) fn interface_fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}

fn payload(request: &PacketRequest, source: IpAddr) -> Result<Payload, FirewallError> {
    let port = || {
        let text = request.port.as_deref().ok_or_else(|| {
            FirewallError::value("--port", "", "is missing; tcp and udp need one")
        })?;
        parse_port(text).map_err(|problem| FirewallError::value("--port", text, problem))
    };
    let icmp_type = |ping: u8| match request.port.as_deref() {
        None => Ok(ping),
        Some(text) => text
            .parse::<u8>()
            .map_err(|_| FirewallError::value("--port", text, "is no ICMP type from 0 to 255")),
    };
    let name = request.protocol.to_ascii_lowercase();
    match (name.as_str(), source.is_ipv4()) {
        ("tcp" | "6", _) => Ok(Payload::Port(Protocol::Tcp, port()?)),
        ("udp" | "17", _) => Ok(Payload::Port(Protocol::Udp, port()?)),
        ("icmp" | "1", true) => Ok(Payload::Icmp(icmp_type(8)?)),
        ("icmpv6" | "icmp6" | "ipv6-icmp" | "58", false) | ("icmp", false) => {
            Ok(Payload::Icmp(icmp_type(128)?))
        }
        ("icmpv6" | "icmp6" | "ipv6-icmp", true) => Err(FirewallError::value(
            "--proto",
            &request.protocol,
            "needs an IPv6 address after --from",
        )),
        _ => other_protocol(&name).map(Payload::Other).ok_or_else(|| {
            FirewallError::value(
                "--proto",
                &request.protocol,
                "is no protocol; write tcp, udp, icmp, icmpv6 or its number",
            )
        }),
    }
}

fn other_protocol(name: &str) -> Option<u8> {
    const NAMES: [(&str, u8); 6] = [
        ("igmp", 2),
        ("gre", 47),
        ("esp", 50),
        ("ah", 51),
        ("sctp", 132),
        ("udplite", 136),
    ];
    NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, number)| *number)
        .or_else(|| name.parse().ok())
}

fn applies(ruleset: &Ruleset, rule: &Rule, packet: &Packet) -> bool {
    rule.matches
        .iter()
        .all(|condition| holds(ruleset, condition, packet))
}

fn holds(ruleset: &Ruleset, condition: &Match, packet: &Packet) -> bool {
    let contains = |network: &IpNet| network.contains(&packet.source);
    match condition {
        Match::Interface(pattern) => packet
            .interface
            .as_deref()
            .is_some_and(|name| interface_fits(pattern, name)),
        Match::Port(protocol, port) => packet.payload == Payload::Port(*protocol, *port),
        Match::UdpPorts(from, to) => {
            packet.payload == Payload::Port(Protocol::Udp, *to) && packet.source_port == *from
        }
        Match::IcmpTypes(types) => {
            matches!(packet.payload, Payload::Icmp(kind) if types.contains(&kind))
        }
        Match::OnLink => packet.hop_limit == 255,
        Match::Source(network) => contains(network),
        Match::SourceSet(name) => ruleset.networks(name).iter().any(contains),
        Match::States(states) => states.contains(&packet.state()),
        // A fresh packet travels in the original direction, unless it belongs to no connection.
        Match::OriginalDirection => packet.state() == State::New,
        // A fresh TCP packet is a SYN, and a single packet exceeds no rate.
        Match::TcpNotSyn | Match::LocalSocket | Match::Above(_) => false,
        Match::Within(_) => true,
    }
}

#[cfg(test)]
mod tests;
