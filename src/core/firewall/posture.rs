//! How open this host is, whatever firewall it has: the judgements behind `check`'s `firewall.*` ids.

mod gather;
mod sockets;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

pub use gather::{Posture, gather};
pub use sockets::Listener;

use super::live::{
    Asked, Condition, Fate, LiveChain, LiveTable, Target, Visitor, chain_drops, fate,
};
use super::policy::{Policy, Protocol};
use super::rules::Family;
use super::verify::{ANYBODY, Status};
use crate::profiles::TAILSCALE_INTERFACE;

/// What one check found about the firewall of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// As it should be.
    Pass {
        /// What was seen.
        message: String,
    },
    /// Not as it should be.
    Fail {
        /// What it is about: `tcp/8080`, `ipv6`. Findings of one check differ in it.
        subject: String,
        /// One sentence for a person.
        message: String,
        /// Names and values that support it.
        evidence: BTreeMap<&'static str, String>,
    },
    /// It was asked and could not be told.
    Unknown {
        /// Why.
        reason: String,
    },
    /// It does not apply.
    Skipped {
        /// Why.
        reason: String,
    },
}

/// A port and its protocol.
type Port = (Protocol, u16);

/// Ports that nobody names: where one of them gets in, everything does.
const UNNAMED: [Port; 4] = [
    (Protocol::Tcp, 47_123),
    (Protocol::Tcp, 6_767),
    (Protocol::Udp, 47_123),
    (Protocol::Udp, 6_767),
];

/// Ports on which the web chat of OpenClaw listens.
const GATEWAY_PORTS: [u16; 2] = [3000, 18789];

/// A check: its id and how it is judged.
pub type PostureCheck = (&'static str, fn(&Posture) -> Vec<Judgement>);

/// Every check about the firewall of this host.
pub const POSTURE_CHECKS: &[PostureCheck] = &[
    ("firewall.absent", absent),
    ("firewall.default-accept", default_accept),
    ("firewall.ipv6-open", ipv6_open),
    ("firewall.extra-port-open", extra_port_open),
    ("firewall.docker-bypass", docker_bypass),
    ("firewall.not-persistent", not_persistent),
    ("firewall.public-listener", public_listener),
    ("firewall.drift", drift),
    ("network.private-chat-public", private_chat_public),
];

/// Nothing in either family drops or rejects anything inbound.
pub fn absent(posture: &Posture) -> Vec<Judgement> {
    if posture.live.tables.iter().any(drops_something) {
        pass("inbound packets are filtered")
    } else {
        fail(
            "host",
            "nothing on this host drops or rejects an inbound packet, in either family",
            [],
        )
    }
}

/// A port nobody named gets in over IPv4.
pub fn default_accept(posture: &Posture) -> Vec<Judgement> {
    match unnamed(posture, Family::V4) {
        Openness::Open(port) => {
            let evidence = [("port", shown(port)), ("family", "ipv4".to_owned())];
            fail(
                "ipv4",
                format!("{}, which nobody named, gets in over IPv4", shown(port)),
                evidence,
            )
        }
        Openness::Shut => pass("what nobody named is dropped over IPv4"),
        Openness::Unclear(rule) => unknown_rule(&rule),
    }
}

/// The same over IPv6, where IPv4 is shut and the host has a global IPv6 address.
pub fn ipv6_open(posture: &Posture) -> Vec<Judgement> {
    if !posture.has_global_ipv6 {
        return skipped("this host has no global IPv6 address");
    }
    if matches!(unnamed(posture, Family::V4), Openness::Open(_)) {
        return skipped("IPv4 is open as well: see firewall.default-accept");
    }
    match unnamed(posture, Family::V6) {
        Openness::Open(port) => {
            let evidence = [("port", shown(port)), ("family", "ipv6".to_owned())];
            fail(
                "ipv6",
                format!(
                    "{}, which is shut over IPv4, gets in over IPv6",
                    shown(port)
                ),
                evidence,
            )
        }
        Openness::Shut => pass("what nobody named is dropped over IPv6"),
        Openness::Unclear(rule) => unknown_rule(&rule),
    }
}

/// The rules let anyone in to a port that the profile does not open.
pub fn extra_port_open(posture: &Posture) -> Vec<Judgement> {
    let mut findings = Vec::new();
    for family in Family::ALL {
        if matches!(unnamed(posture, family), Openness::Open(_)) {
            continue;
        }
        for port in named_in_rules(&posture.live.tables, family) {
            if opens(&posture.policy, port)
                || openness(posture, port, family) != Openness::Open(port)
            {
                continue;
            }
            let subject = shown(port);
            let message = format!(
                "the rules let anyone in to {subject}, which the profile {} does not open",
                posture.policy.profile.id
            );
            let evidence = [
                ("port", subject.clone()),
                ("family", family.name().to_owned()),
            ];
            if !findings.iter().any(
                |found| matches!(found, Judgement::Fail { subject: own, .. } if *own == subject),
            ) {
                findings.extend(fail(&subject, message, evidence));
            }
        }
    }
    if findings.is_empty() {
        pass("the rules open no port that the profile does not name")
    } else {
        findings
    }
}

/// A container's port is published past the input rules, and nothing guards it.
pub fn docker_bypass(posture: &Posture) -> Vec<Judgement> {
    let published = published_ports(&posture.live.tables);
    if published.is_empty() {
        return skipped("no container port is published beyond loopback");
    }
    let mut findings = Vec::new();
    for (family, port, to) in &published {
        let guarded = |port: Port| {
            visitors(posture, port, *family).iter().all(|visitor| {
                matches!(
                    fate(&posture.live.tables, visitor, Asked::BeforeNat),
                    Fate::Dropped(..)
                ) || dropped_in_docker_user(&posture.live.tables, visitor, to)
            })
        };
        let is_wanted = opens(&posture.policy, *port) && guarded(UNNAMED[0]);
        if guarded(*port) || is_wanted {
            continue;
        }
        let subject = shown(*port);
        let message = format!(
            "{subject} is published from a container past the input rules, and nothing guards it"
        );
        findings.extend(fail(
            &subject,
            message,
            [
                ("container", to.clone()),
                ("family", family.name().to_owned()),
            ],
        ));
    }
    if findings.is_empty() {
        pass("published container ports are guarded")
    } else {
        findings
    }
}

/// The rules are gone after a reboot.
pub fn not_persistent(posture: &Posture) -> Vec<Judgement> {
    if !posture.live.tables.iter().any(drops_something) {
        return skipped("there are no rules to keep");
    }
    match &posture.keeper {
        Some(keeper) => pass(format!("{keeper} brings the rules back after a reboot")),
        None => fail("host", "nothing brings the rules back after a reboot", []),
    }
}

/// A socket listens that the profile does not name, and anyone can reach it.
pub fn public_listener(posture: &Posture) -> Vec<Judgement> {
    let mut findings: BTreeMap<Port, Judgement> = BTreeMap::new();
    let mut doubts = Vec::new();
    for listener in posture
        .listeners
        .iter()
        .filter(|listener| posture.faces_the_public(listener))
    {
        let port = (listener.protocol, listener.port);
        if names(&posture.policy, port) || findings.contains_key(&port) {
            continue;
        }
        for family in listener.families() {
            match openness(posture, port, family) {
                Openness::Open(_) => {
                    let process = listener
                        .process
                        .clone()
                        .unwrap_or_else(|| "an unknown process".to_owned());
                    let message = format!(
                        "{process} listens on {}, and anyone can reach it",
                        shown(port)
                    );
                    let evidence = BTreeMap::from([
                        ("process", process),
                        ("address", listener.address.to_string()),
                        ("family", family.name().to_owned()),
                    ]);
                    findings.entry(port).or_insert(Judgement::Fail {
                        subject: shown(port),
                        message,
                        evidence,
                    });
                }
                Openness::Shut => {}
                Openness::Unclear(rule) => doubts.extend(unknown_rule(&rule)),
            }
        }
    }
    let mut judgements: Vec<Judgement> = findings.into_values().collect();
    doubts.dedup();
    judgements.extend(doubts);
    if judgements.is_empty() {
        pass("every socket that anyone can reach is named by the profile")
    } else {
        judgements
    }
}

/// Our rules are there, and they are not the profile's.
pub fn drift(posture: &Posture) -> Vec<Judgement> {
    let Some(comparison) = &posture.comparison else {
        return skipped("none of our rules is in force");
    };
    match comparison {
        Err(reason) => vec![Judgement::Unknown {
            reason: reason.clone(),
        }],
        Ok(comparison) if comparison.status == Status::Same => {
            pass("the live rules are those of the profile")
        }
        Ok(comparison) => comparison
            .differences
            .iter()
            .flat_map(|difference| {
                let subject = format!(
                    "{} {} {}",
                    difference.kind, difference.family, difference.r#where
                );
                fail(
                    &subject,
                    difference.message.clone(),
                    [("where", difference.r#where.clone())],
                )
            })
            .collect(),
    }
}

/// The web chat of profile `tailscale` can be reached from outside the tailnet.
pub fn private_chat_public(posture: &Posture) -> Vec<Judgement> {
    if posture.policy.profile.id != "tailscale" {
        return skipped("the profile is not tailscale");
    }
    let gateways = posture.listeners.iter().filter(|listener| {
        listener.protocol == Protocol::Tcp
            && GATEWAY_PORTS.contains(&listener.port)
            && posture.faces_the_public(listener)
    });
    let mut findings = Vec::new();
    for listener in gateways {
        let port = (listener.protocol, listener.port);
        for family in listener.families() {
            if openness(posture, port, family) == Openness::Open(port) && findings.is_empty() {
                let message = format!(
                    "the web chat listens on {} beyond the tailnet, and a public packet gets there",
                    shown(port)
                );
                findings.extend(fail(
                    &shown(port),
                    message,
                    [("address", listener.address.to_string())],
                ));
            }
        }
    }
    if findings.is_empty() {
        pass("no public packet reaches the web chat")
    } else {
        findings
    }
}

/// What becomes of anybody's packet.
#[derive(Debug, PartialEq, Eq)]
enum Openness {
    Open(Port),
    Shut,
    Unclear(String),
}

fn unnamed(posture: &Posture, family: Family) -> Openness {
    let mut doubt = None;
    for port in UNNAMED
        .into_iter()
        .filter(|port| !opens(&posture.policy, *port))
    {
        match openness(posture, port, family) {
            Openness::Open(port) => return Openness::Open(port),
            Openness::Unclear(rule) => doubt = Some(rule),
            Openness::Shut => {}
        }
    }
    doubt.map_or(Openness::Shut, Openness::Unclear)
}

/// Open is what all of them but one get in to: a ban of one network shuts no port, and a rule for
/// one network opens none.
fn openness(posture: &Posture, port: Port, family: Family) -> Openness {
    let fates: Vec<Fate> = visitors(posture, port, family)
        .iter()
        .map(|visitor| fate(&posture.live.tables, visitor, Asked::Everybody))
        .collect();
    if let Some(Fate::Unclear(rule)) = fates.iter().find(|fate| matches!(fate, Fate::Unclear(_))) {
        return Openness::Unclear(rule.clone());
    }
    let refused = fates.iter().filter(|fate| **fate != Fate::Accepted).count();
    if refused < 2 {
        Openness::Open(port)
    } else {
        Openness::Shut
    }
}

fn visitors(posture: &Posture, (protocol, port): Port, family: Family) -> Vec<Visitor> {
    let interface = posture
        .live
        .public_interface
        .clone()
        .unwrap_or_else(|| "eth0".to_owned());
    ANYBODY
        .iter()
        .filter_map(|text| text.parse::<IpAddr>().ok())
        .filter(|address| address.is_ipv4() == (family == Family::V4))
        .map(|source| Visitor {
            protocol,
            port,
            dialled: port,
            source,
            interface: interface.clone(),
        })
        .collect()
}

/// Whether the profile names the port for somebody outside the tailnet.
fn names(policy: &Policy, (protocol, port): Port) -> bool {
    opens(policy, (protocol, port))
        || policy.openings.iter().any(|opening| {
            (opening.protocol, opening.port) == (protocol, port)
                && opening.interface.as_deref() != Some(TAILSCALE_INTERFACE)
        })
}

/// Whether the profile opens the port to anybody outside the tailnet.
fn opens(policy: &Policy, (protocol, port): Port) -> bool {
    let is_ssh = protocol == Protocol::Tcp
        && policy
            .ssh
            .as_ref()
            .is_some_and(|ssh| ssh.ports.contains(&port));
    is_ssh
        || policy.openings.iter().any(|opening| {
            (opening.protocol, opening.port) == (protocol, port)
                && opening.interface.as_deref() != Some(TAILSCALE_INTERFACE)
                && opening.from.is_none()
        })
}

/// Every port that a rule names, by the ends of its ranges; and beside ranges that are dropped the
/// next ports, which may have been left out. The middle of a range that is let in is its ends' matter.
fn named_in_rules(tables: &[LiveTable], family: Family) -> BTreeSet<Port> {
    let rules = tables
        .iter()
        .filter(|table| table.families.contains(&family) && table.name != "nat")
        .flat_map(|table| table.chains.values())
        .flat_map(|chain| &chain.rules);
    let (mut named, mut let_in, mut beside) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    for rule in rules.filter(|rule| rule.target != Target::Nothing) {
        for condition in &rule.conditions {
            let (Condition::DestinationPort(ranges, negated)
            | Condition::DialledPort(ranges, negated)) = condition
            else {
                continue;
            };
            for range in ranges {
                let ends = [*range.start(), *range.end()];
                match (&rule.target, negated) {
                    (Target::Drop, false) => {
                        beside.extend(ends[0].checked_sub(1));
                        beside.extend(ends[1].checked_add(1));
                    }
                    (Target::Drop, true) => named.extend(ends),
                    _ => {
                        named.extend(ends);
                        let_in.extend((!negated).then(|| range.clone()));
                    }
                }
            }
        }
    }
    beside.retain(|port| *port != 0 && !let_in.iter().any(|range| range.contains(port)));
    named.extend(beside);
    let ports = named.into_iter();
    ports
        .flat_map(|port| [(Protocol::Tcp, port), (Protocol::Udp, port)])
        .collect()
}

fn drops_something(table: &LiveTable) -> bool {
    let entries = table.chains.values().filter(|chain| {
        chain
            .hook
            .as_ref()
            .is_some_and(|hook| ["ingress", "prerouting", "input"].contains(&hook.name.as_str()))
    });
    let mut seen = BTreeSet::new();
    entries.into_iter().any(|chain| {
        chain.hook.as_ref().is_some_and(|hook| hook.drops) || has_drop(table, chain, &mut seen)
    })
}

fn has_drop<'t>(table: &'t LiveTable, chain: &'t LiveChain, seen: &mut BTreeSet<&'t str>) -> bool {
    chain.rules.iter().any(|rule| match &rule.target {
        Target::Drop => true,
        Target::Jump(name) | Target::Goto(name) => {
            seen.insert(name)
                && table
                    .chains
                    .get(name)
                    .is_some_and(|next| has_drop(table, next, seen))
        }
        _ => false,
    })
}

/// Family, dialled port and container address of every port that is published beyond loopback.
fn published_ports(tables: &[LiveTable]) -> BTreeSet<(Family, Port, String)> {
    let mut published = BTreeSet::new();
    for table in tables {
        for rule in table.chains.values().flat_map(|chain| &chain.rules) {
            let Target::DestinationNat(to) = &rule.target else {
                continue;
            };
            let mut protocol = Protocol::Tcp;
            let mut ports = Vec::new();
            let mut is_local = false;
            for condition in &rule.conditions {
                match condition {
                    Condition::Protocol(numbers, false) if numbers.contains(&17) => {
                        protocol = Protocol::Udp
                    }
                    Condition::DestinationPort(ranges, false) => {
                        ports.extend(ranges.iter().map(|range| *range.start()))
                    }
                    Condition::Destination(networks, false) => {
                        is_local |= networks.iter().all(|network| network.addr().is_loopback());
                    }
                    _ => {}
                }
            }
            if !is_local && !to.is_empty() {
                let families = table.families.iter();
                published.extend(families.flat_map(|family| {
                    ports
                        .iter()
                        .map(|port| (*family, (protocol, *port), to.clone()))
                }));
            }
        }
    }
    published
}

/// DOCKER-USER sees the container's port, unless a rule of it asks for the dialled one.
fn dropped_in_docker_user(tables: &[LiveTable], visitor: &Visitor, to: &str) -> bool {
    let inside = match to.parse::<IpAddr>() {
        Ok(_) => None,
        Err(_) => to.rsplit_once(':').and_then(|(_, port)| port.parse().ok()),
    };
    let within = Visitor {
        port: inside.unwrap_or(visitor.port),
        ..visitor.clone()
    };
    chain_drops(tables, "DOCKER-USER", &within)
}

fn shown((protocol, port): Port) -> String {
    format!("{}/{port}", protocol.name())
}

fn pass(message: impl Into<String>) -> Vec<Judgement> {
    vec![Judgement::Pass {
        message: message.into(),
    }]
}

fn fail<const N: usize>(
    subject: &str,
    message: impl Into<String>,
    evidence: [(&'static str, String); N],
) -> Vec<Judgement> {
    vec![Judgement::Fail {
        subject: subject.to_owned(),
        message: message.into(),
        evidence: BTreeMap::from(evidence),
    }]
}

fn skipped(reason: &str) -> Vec<Judgement> {
    vec![Judgement::Skipped {
        reason: reason.to_owned(),
    }]
}

fn unknown_rule(rule: &str) -> Vec<Judgement> {
    vec![Judgement::Unknown {
        reason: format!("a rule that we do not understand may decide: {rule}"),
    }]
}
