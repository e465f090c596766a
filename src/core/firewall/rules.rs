//! The one ordered list of rules that is rendered, compared and explained.

use std::net::Ipv6Addr;

use ipnet::{IpNet, Ipv6Net};

use super::policy::{Hook, Policy, Protocol};

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both families, IPv4 first.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// The family of a network.
    pub fn of(network: &IpNet) -> Self {
        if network.addr().is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }

    /// `v4` or `v6`, the ending of set names.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::V4 => "v4",
            Self::V6 => "v6",
        }
    }

    /// `ipv4` or `ipv6`, as reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        }
    }
}

/// What connection tracking says about a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The first packet of a connection.
    New,
    /// Belongs to a connection that has seen packets in both directions.
    Established,
    /// Belongs to a connection that another one announced.
    Related,
    /// Belongs to no connection and cannot begin one.
    Invalid,
    /// Connection tracking leaves it alone.
    Untracked,
}

/// One condition of a rule; a rule applies where all of its conditions hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// The packet came in on this interface; a `*` at the end stands for any rest.
    Interface(String),
    /// TCP or UDP to this port.
    Port(Protocol, u16),
    /// UDP from the first port to the second (DHCP only).
    UdpPorts(u16, u16),
    /// TCP whose first packet this is not: SYN is not the only flag of the four.
    TcpNotSyn,
    /// A socket of this host that is bound to an address owns the packet's connection.
    LocalSocket,
    /// ICMP or ICMPv6, by family, of one of these types.
    IcmpTypes(Vec<u8>),
    /// The IPv6 hop limit is 255: the packet was not routed.
    OnLink,
    /// The source lies in this network.
    Source(IpNet),
    /// The source lies in the named set of the ruleset.
    SourceSet(String),
    /// Connection tracking says one of these.
    States(Vec<State>),
    /// The packet travels in the direction of the connection's first packet.
    OriginalDirection,
    /// More packets than this have come in. Never true for a single packet.
    Above(Limit),
    /// No more packets than this have come in.
    Within(Limit),
}

/// How many packets of a kind are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The name of its counter.
    pub name: &'static str,
    /// Packets per `unit`.
    pub rate: u32,
    /// `second` or `minute`.
    pub unit: &'static str,
    /// Packets at once.
    pub burst: u32,
    /// Whether each source is counted on its own: an IPv4 address, an IPv6 /64.
    pub per_source: bool,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Not dropped by us; rules of others still judge the packet.
    Pass,
    /// Dropped.
    Drop,
    /// Written to the kernel log; the next rules judge the packet.
    Log,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Unique within the ruleset.
    pub name: String,
    /// The family it counts for; both where there is none.
    pub family: Option<Family>,
    /// Its conditions.
    pub matches: Vec<Match>,
    /// What it does.
    pub action: Action,
}

/// A named set of networks of one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// Unique within the ruleset; ends in `_v4` or `_v6`.
    pub name: String,
    /// The family.
    pub family: Family,
    /// Merged and sorted networks.
    pub networks: Vec<IpNet>,
}

/// Ordered rules and the sets they name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruleset {
    /// Where the rules stand.
    pub hook: Hook,
    /// The rules; the last one drops everything.
    pub rules: Vec<Rule>,
    /// The sets.
    pub sets: Vec<Set>,
}

/// The interfaces of container bridges; containers must reach the net and the host's gateway.
pub const CONTAINER_BRIDGES: [&str; 6] = ["docker0", "br-*", "podman*", "cni*", "virbr*", "lxdbr*"];

/// ICMPv6 types that only a neighbour sends (RFC 4890, 4.4.1).
pub const NEIGHBOUR_DISCOVERY: [u8; 8] = [133, 134, 135, 136, 141, 142, 148, 149];

/// Pings beyond this are dropped, answered flows included.
pub const PING_LIMIT: Limit = Limit {
    name: "ping",
    rate: 10,
    unit: "second",
    burst: 20,
    per_source: false,
};

/// New ssh connections of one source beyond this are dropped.
pub const SSH_LIMIT: Limit = Limit {
    name: "ssh",
    rate: 20,
    unit: "minute",
    burst: 20,
    per_source: true,
};

/// Log lines beyond this are not written.
pub const LOG_LIMIT: Limit = Limit {
    name: "log",
    rate: 3,
    unit: "minute",
    burst: 10,
    per_source: false,
};

/// The beginning of every line in the kernel log; netfilter takes 29 characters.
pub const LOG_PREFIX: &str = "openclaw-sec drop: ";

impl Ruleset {
    /// The rules of one family, in order.
    pub fn of_family(&self, family: Family) -> impl Iterator<Item = &Rule> {
        self.rules
            .iter()
            .filter(move |rule| rule.family.is_none_or(|own| own == family))
    }

    /// The family that a rule must name itself, because none of its conditions does.
    pub fn unnamed_family(rule: &Rule) -> Option<Family> {
        let named = rule.matches.iter().any(|condition| {
            matches!(
                condition,
                Match::Source(_) | Match::SourceSet(_) | Match::OnLink
            )
        });
        rule.family.filter(|_| !named)
    }

    /// The networks of a set; empty where there is none of that name.
    pub fn networks(&self, name: &str) -> &[IpNet] {
        self.sets
            .iter()
            .find(|set| set.name == name)
            .map_or(&[], |set| &set.networks)
    }
}

/// Makes the ordered rules of a policy.
pub fn rules(policy: &Policy) -> Ruleset {
    let mut builder = Builder {
        rules: Vec::new(),
        sets: Vec::new(),
    };
    builder.interfaces(policy);
    builder.ping_limit();
    builder.block_list(policy);
    builder.known_connections();
    builder.neighbours();
    builder.rule(
        "invalid",
        None,
        vec![Match::States(vec![State::Invalid])],
        Action::Drop,
    );
    builder.messages();
    builder.dhcp();
    builder.ssh(policy);
    builder.openings(policy);
    builder.rule("log", None, vec![Match::Within(LOG_LIMIT)], Action::Log);
    builder.rule("default", None, Vec::new(), Action::Drop);
    Ruleset {
        hook: policy.hook,
        rules: builder.rules,
        sets: builder.sets,
    }
}

struct Builder {
    rules: Vec<Rule>,
    sets: Vec<Set>,
}

impl Builder {
    fn rule(
        &mut self,
        name: impl Into<String>,
        family: Option<Family>,
        matches: Vec<Match>,
        action: Action,
    ) {
        self.rules.push(Rule {
            name: name.into(),
            family,
            matches,
            action,
        });
    }

    /// Loopback, containers and what the user trusts stand before everything else: public block
    /// lists hold private space, and a flood from outside must not starve their pings.
    fn interfaces(&mut self, policy: &Policy) {
        let mut pass = |name: String, interface: &str| {
            self.rule(
                name,
                None,
                vec![Match::Interface(interface.to_owned())],
                Action::Pass,
            );
        };
        pass("loopback".to_owned(), "lo");
        for bridge in CONTAINER_BRIDGES {
            pass(format!("container-bridge {bridge}"), bridge);
        }
        for interface in &policy.trusted {
            pass(format!("trusted-interface {interface}"), interface);
        }
    }

    /// Before "established": after the first answer a ping flow is established.
    fn ping_limit(&mut self) {
        for (family, request) in [(Family::V4, 8), (Family::V6, 128)] {
            let matches = vec![Match::IcmpTypes(vec![request]), Match::Above(PING_LIMIT)];
            self.rule(
                format!("ping-limit-{}", family.suffix()),
                Some(family),
                matches,
                Action::Drop,
            );
        }
    }

    /// Only connections that the listed address opened: a ban cuts running sessions, and answers
    /// to what the host itself asked still come in.
    fn block_list(&mut self, policy: &Policy) {
        for family in Family::ALL {
            if let Some(source) = self.source("block", family, &policy.blocked, true) {
                let matches = vec![
                    source,
                    Match::States(vec![State::New, State::Established]),
                    Match::OriginalDirection,
                ];
                self.rule(
                    format!("block-list-{}", family.suffix()),
                    Some(family),
                    matches,
                    Action::Drop,
                );
            }
        }
    }

    fn known_connections(&mut self) {
        let known = vec![Match::States(vec![State::Established, State::Related])];
        self.rule("established", None, known, Action::Pass);
        // Where tracking begins with our rules, a running stream whose far side speaks next is new.
        let running = vec![
            Match::TcpNotSyn,
            Match::States(vec![State::New]),
            Match::LocalSocket,
        ];
        self.rule("local-socket", None, running, Action::Pass);
    }

    /// Neighbour discovery and multicast listener messages (RFC 4890, 4.4.1). They stand before
    /// "invalid" because connection tracking calls most of these types invalid.
    fn neighbours(&mut self) {
        let discovery = vec![
            Match::IcmpTypes(NEIGHBOUR_DISCOVERY.to_vec()),
            Match::OnLink,
        ];
        self.rule(
            "neighbour-discovery",
            Some(Family::V6),
            discovery,
            Action::Pass,
        );
        let listeners = vec![
            Match::IcmpTypes(vec![130, 131, 132, 143, 151, 152, 153]),
            Match::Source(link_local()),
        ];
        self.rule(
            "multicast-listener",
            Some(Family::V6),
            listeners,
            Action::Pass,
        );
        // A host without an address yet reports from :: (RFC 3810, 5.2.13).
        let unspecified = Ipv6Net::from(Ipv6Addr::UNSPECIFIED).into();
        let first_report = vec![Match::IcmpTypes(vec![143]), Match::Source(unspecified)];
        self.rule(
            "multicast-listener-unspecified",
            Some(Family::V6),
            first_report,
            Action::Pass,
        );
    }

    /// Errors, path MTU and pings (RFC 4890, 4.3.1).
    fn messages(&mut self) {
        for (family, types) in [
            (Family::V4, vec![3, 11, 12, 8]),
            (Family::V6, vec![1, 2, 3, 4, 128]),
        ] {
            let name = format!("icmp-{}", family.suffix());
            self.rule(
                name,
                Some(family),
                vec![Match::IcmpTypes(types)],
                Action::Pass,
            );
        }
    }

    fn dhcp(&mut self) {
        self.rule(
            "dhcp-v4",
            Some(Family::V4),
            vec![Match::UdpPorts(67, 68)],
            Action::Pass,
        );
        // The answer to a multicast is not "established".
        let answer = vec![Match::Source(link_local()), Match::UdpPorts(547, 546)];
        self.rule("dhcp-v6", Some(Family::V6), answer, Action::Pass);
    }

    /// Each source may open a number of connections; who fills the counters locks nobody out.
    fn ssh(&mut self, policy: &Policy) {
        let Some(ssh) = &policy.ssh else { return };
        for &port in &ssh.ports {
            let to_port = Match::Port(Protocol::Tcp, port);
            let sources: Vec<(Family, Option<Match>)> = Family::ALL
                .into_iter()
                .map(|family| (family, self.source("ssh_from", family, &ssh.from, false)))
                .filter(|(_, source)| ssh.from.is_empty() || source.is_some())
                .collect();
            for (family, source) in &sources {
                let mut matches = vec![to_port.clone()];
                matches.extend(source.clone());
                matches.extend([Match::States(vec![State::New]), Match::Above(SSH_LIMIT)]);
                let name = format!("ssh-limit tcp/{port} {}", family.suffix());
                self.rule(name, Some(*family), matches, Action::Drop);
            }
            if ssh.from.is_empty() {
                self.rule(format!("ssh tcp/{port}"), None, vec![to_port], Action::Pass);
                continue;
            }
            for (family, source) in sources {
                let mut matches = vec![to_port.clone()];
                matches.extend(source);
                let name = format!("ssh tcp/{port} {}", family.suffix());
                self.rule(name, Some(family), matches, Action::Pass);
            }
        }
    }

    fn openings(&mut self, policy: &Policy) {
        for opening in &policy.openings {
            let mut matches = vec![Match::Port(opening.protocol, opening.port)];
            matches.extend(opening.interface.clone().map(Match::Interface));
            let Some(from) = &opening.from else {
                self.rule(opening.to_string(), None, matches, Action::Pass);
                continue;
            };
            for family in Family::ALL {
                if let Some(source) = self.source(&opening.name, family, from, false) {
                    let mut matches = matches.clone();
                    matches.push(source);
                    let name = format!("{opening} {}", family.suffix());
                    self.rule(name, Some(family), matches, Action::Pass);
                }
            }
        }
    }

    /// The condition "comes from one of these", for the networks of one family.
    fn source(
        &mut self,
        name: &str,
        family: Family,
        networks: &[IpNet],
        always_set: bool,
    ) -> Option<Match> {
        let own: Vec<IpNet> = networks
            .iter()
            .filter(|n| Family::of(n) == family)
            .copied()
            .collect();
        match own.as_slice() {
            [] => None,
            [network] if !always_set => Some(Match::Source(*network)),
            _ => {
                let name = format!("{name}_{}", family.suffix());
                if !self.sets.iter().any(|set| set.name == name) {
                    self.sets.push(Set {
                        name: name.clone(),
                        family,
                        networks: own,
                    });
                }
                Some(Match::SourceSet(name))
            }
        }
    }
}

/// fe80::/10.
fn link_local() -> IpNet {
    Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10).into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::profiles::PROFILES;

    #[test]
    fn rule_names_are_unique_in_every_profile() {
        for profile in PROFILES {
            let ruleset = rules(&Policy::for_profile(profile));
            let names: HashSet<&str> = ruleset
                .rules
                .iter()
                .map(|rule| rule.name.as_str())
                .collect();
            assert_eq!(names.len(), ruleset.rules.len(), "{}", profile.id);
        }
    }

    #[test]
    fn the_last_rule_drops_everything() {
        for profile in PROFILES {
            let ruleset = rules(&Policy::for_profile(profile));
            let last = ruleset.rules.last().unwrap();
            assert!(last.matches.is_empty() && last.action == Action::Drop);
        }
    }

    #[test]
    fn ssh_from_ipv4_networks_alone_shuts_ssh_over_ipv6() {
        let mut policy = Policy::for_profile(&PROFILES[0]);
        policy.ssh.as_mut().unwrap().from = vec!["192.0.2.0/24".parse().unwrap()];
        let ruleset = rules(&policy);
        let opens = |family| {
            ruleset.of_family(family).any(|rule| {
                rule.action == Action::Pass
                    && rule.matches.contains(&Match::Port(Protocol::Tcp, 22))
            })
        };
        assert!(opens(Family::V4));
        assert!(!opens(Family::V6));
    }
}
