//! What our rules let in must not be dropped by the rules of others.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Difference;
use crate::firewall::live::{Asked, Fate, LiveRules, Visitor, fate};
use crate::firewall::policy::{Policy, Protocol};
use crate::firewall::rules::Family;

/// Public addresses that nobody has a rule about, a few for each family: a ban of one of them alone
/// is no finding.
pub(in crate::firewall) const ANYBODY: [&str; 6] = [
    "45.83.29.171",
    "91.207.14.33",
    "177.54.150.9",
    "2a0d:3344:77::9",
    "2604:a880:cad::21",
    "2403:6200:88::5",
];

pub(super) fn differences(policy: &Policy, live: &LiveRules) -> Vec<Difference> {
    let public = live
        .public_interface
        .clone()
        .unwrap_or_else(|| "eth0".to_owned());
    let mut found = Vec::new();
    let ssh = policy.ssh.iter().flat_map(|ssh| {
        let from = (!ssh.from.is_empty()).then_some(ssh.from.as_slice());
        ssh.ports
            .iter()
            .map(move |port| (Protocol::Tcp, *port, from, None))
    });
    let others = policy.openings.iter().map(|opening| {
        (
            opening.protocol,
            opening.port,
            opening.from.as_deref(),
            opening.interface.as_deref(),
        )
    });
    for (protocol, port, from, interface) in ssh.chain(others) {
        for family in Family::ALL {
            let visitors = sources(from, family).into_iter().map(|source| Visitor {
                protocol,
                port,
                dialled: port,
                source,
                interface: interface.unwrap_or(&public).to_owned(),
            });
            let fates: Vec<Fate> = visitors
                .map(|visitor| fate(&live.tables, &visitor, Asked::Others))
                .collect();
            if let Some(difference) = blocked(protocol, port, family, &fates)
                && !found.contains(&difference)
            {
                found.push(difference);
            }
        }
    }
    found
}

/// Blocked is what is dropped for each of the sources.
fn blocked(protocol: Protocol, port: u16, family: Family, fates: &[Fate]) -> Option<Difference> {
    if fates.is_empty() || !fates.iter().all(|fate| matches!(fate, Fate::Dropped(..))) {
        return None;
    }
    let Some(Fate::Dropped(place, rule)) = fates.first() else {
        return None;
    };
    let name = format!("{}/{port}", protocol.name());
    Some(Difference {
        kind: "blocked",
        family: family.name(),
        r#where: place.clone(),
        expected: Some(format!("{name} gets in")),
        found: Some(rule.clone()),
        message: format!(
            "our rules let {name} in over {}, and {place} drops it",
            family.name()
        ),
    })
}

fn sources(from: Option<&[IpNet]>, family: Family) -> Vec<IpAddr> {
    match from {
        None => ANYBODY
            .iter()
            .filter_map(|text| text.parse().ok())
            .filter(|address: &IpAddr| address.is_ipv4() == (family == Family::V4))
            .collect(),
        Some(networks) => networks
            .iter()
            .filter(|network| Family::of(network) == family)
            .take(3)
            .filter_map(|network| network.hosts().nth(2).or_else(|| network.hosts().next()))
            .collect(),
    }
}
