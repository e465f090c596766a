//! What the live rules do with a packet, judged only by rules whose every condition is understood.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use ipnet::IpNet;

use super::{ChainHook, Condition, LiveChain, LiveRule, LiveTable, Target, Visitor};
use crate::firewall::policy::Protocol;
use crate::firewall::render::{IPTABLES_CHAIN, NFT_TABLE};
use crate::firewall::rules::{Family, State};
use crate::order;

/// What becomes of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It gets to the host.
    Accepted,
    /// A rule or a policy drops or rejects it: where, and the rule's text.
    Dropped(String, String),
    /// A rule that we do not understand may decide.
    Unclear(String),
}

/// Chains deeper than this are not followed; the kernel allows 16.
const DEEPEST: usize = 20;

/// Whose rules are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Everybody's.
    Everybody,
    /// Those of others; ours are left out.
    Others,
    /// Everybody's, as far as they see a packet before its destination is translated.
    BeforeNat,
}

/// The priority at which destinations are translated.
const NAT_PRIORITY: i64 = -100;

/// The fate of a packet to the host itself.
pub fn fate(tables: &[LiveTable], visitor: &Visitor, asked: Asked) -> Fate {
    let others_only = asked == Asked::Others;
    let mut chains: Vec<(&LiveTable, &str, &LiveChain)> = tables
        .iter()
        .filter(|table| table.families.contains(&visitor.family()) && table.name != "nat")
        .filter(|table| !(others_only && table.name == NFT_TABLE))
        .flat_map(|table| {
            table
                .chains
                .iter()
                .map(move |(name, chain)| (table, name.as_str(), chain))
        })
        .filter(|(_, _, chain)| {
            let sees = |hook| sees(hook, asked, &visitor.interface);
            chain.hook.as_ref().is_some_and(sees)
        })
        .collect();
    order::sort_by_key(&mut chains, |(_, _, chain)| {
        chain
            .hook
            .as_ref()
            .map(|hook| (place_of(&hook.name), hook.priority))
    });
    let mut unclear = None;
    for (table, name, chain) in chains {
        let mut walk = Walk {
            table,
            visitor,
            others_only,
            unclear: None,
            seen: HashSet::new(),
            known: HashMap::new(),
        };
        let decision = walk.chain(chain, 0);
        let place = format!("{} {} {name}", table.back_end.name(), table.name);
        let dropped = match decision {
            Decision::Drop(text) => Some(text),
            Decision::Fall if chain.hook.as_ref().is_some_and(|hook| hook.drops) => {
                Some("policy drop".to_owned())
            }
            Decision::Accept | Decision::Fall | Decision::Return => None,
        };
        match (dropped, walk.unclear) {
            // Something that we do not understand stands before the drop and may accept.
            (
                Some(_),
                Some(Doubt {
                    accepts: true,
                    text,
                }),
            ) => unclear = Some(format!("{place}: {text}")),
            (Some(text), _) => return Fate::Dropped(place, text),
            (
                None,
                Some(Doubt {
                    accepts: false,
                    text,
                }),
            ) => unclear = Some(format!("{place}: {text}")),
            (None, _) => {}
        }
    }
    unclear.map_or(Fate::Accepted, Fate::Unclear)
}

/// Whether a chain of this name would drop the packet, wherever it is jumped to from.
pub fn chain_drops(tables: &[LiveTable], name: &str, visitor: &Visitor) -> bool {
    tables
        .iter()
        .filter(|table| table.families.contains(&visitor.family()))
        .any(|table| {
            table.chains.get(name).is_some_and(|chain| {
                let mut walk = Walk {
                    table,
                    visitor,
                    others_only: false,
                    unclear: None,
                    seen: HashSet::new(),
                    known: HashMap::new(),
                };
                matches!(walk.chain(chain, 0), Decision::Drop(_))
            })
        })
}

/// Which hook a packet passes first.
fn place_of(hook: &str) -> usize {
    let order = ["ingress", "prerouting"];
    let found = order.iter().position(|name| *name == hook);
    found.unwrap_or(order.len())
}

fn sees(hook: &ChainHook, asked: Asked, interface: &str) -> bool {
    let is_for = |devices: &Vec<String>| devices.iter().any(|device| device == interface);
    if !hook.devices.as_ref().is_none_or(is_for) {
        return false;
    }
    match hook.name.as_str() {
        "ingress" => true,
        "prerouting" => asked != Asked::BeforeNat || hook.priority < NAT_PRIORITY,
        "input" => asked != Asked::BeforeNat,
        _ => false,
    }
}

struct Walk<'a> {
    table: &'a LiveTable,
    visitor: &'a Visitor,
    others_only: bool,
    unclear: Option<Doubt>,
    seen: HashSet<String>,
    /// What chains that were walked decided: the same again, and the walk stays as short as the
    /// rules are. One that is being walked decides nothing; the kernel takes no loops.
    known: HashMap<String, Decision>,
}

/// A rule that may or may not apply, and what it would do.
struct Doubt {
    accepts: bool,
    text: String,
}

#[derive(Clone)]
enum Decision {
    Accept,
    Drop(String),
    Return,
    /// The end of the chain was reached.
    Fall,
}

impl Walk<'_> {
    fn chain(&mut self, chain: &LiveChain, depth: usize) -> Decision {
        for rule in &chain.rules {
            match self.applies(rule, depth) {
                Some(false) => continue,
                Some(true) => {}
                None => {
                    self.doubt(rule, depth);
                    continue;
                }
            }
            match &rule.target {
                Target::Accept => return Decision::Accept,
                Target::Drop => return Decision::Drop(rule.text.clone()),
                Target::Return => return Decision::Return,
                Target::Nothing | Target::DestinationNat(_) => {}
                Target::Jump(name) => match self.enter(name, depth) {
                    Decision::Return | Decision::Fall => {}
                    decided => return decided,
                },
                Target::Goto(name) => match self.enter(name, depth) {
                    Decision::Return => return Decision::Fall,
                    decided => return decided,
                },
            }
        }
        Decision::Fall
    }

    fn enter(&mut self, name: &str, depth: usize) -> Decision {
        if self.others_only && name == IPTABLES_CHAIN || depth > DEEPEST {
            return Decision::Fall;
        }
        self.named(name, depth)
    }

    /// What a chain decides, worked out once.
    fn named(&mut self, name: &str, depth: usize) -> Decision {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let Some(chain) = self.table.chains.get(name) else {
            return Decision::Fall;
        };
        self.known.insert(name.to_owned(), Decision::Fall);
        let decision = self.chain(chain, depth + 1);
        self.known.insert(name.to_owned(), decision.clone());
        decision
    }

    /// Remembers the first doubt about each outcome; what a chain behind a doubtful jump may do counts.
    fn doubt(&mut self, rule: &LiveRule, depth: usize) {
        let accepts = match &rule.target {
            Target::Accept => true,
            Target::Drop => false,
            Target::Jump(name) | Target::Goto(name) => {
                if depth > DEEPEST
                    || !self.seen.insert(name.clone())
                    || self.others_only && name == IPTABLES_CHAIN
                {
                    return;
                }
                match self.named(name, depth) {
                    Decision::Accept => true,
                    Decision::Drop(_) => false,
                    Decision::Return | Decision::Fall => return,
                }
            }
            Target::Return | Target::Nothing | Target::DestinationNat(_) => return,
        };
        if self.unclear.is_none() || accepts {
            self.unclear = Some(Doubt {
                accepts,
                text: rule.text.clone(),
            });
        }
    }

    /// Whether a rule applies; `None` where a condition that is not understood decides.
    fn applies(&mut self, rule: &LiveRule, depth: usize) -> Option<bool> {
        let mut known = Some(true);
        for condition in &rule.conditions {
            let held = match condition {
                Condition::SourcePort(ranges, negated) if !self.others_only => {
                    self.chosen_port(rule, ranges, *negated, depth)
                }
                _ => holds(condition, self.visitor),
            };
            match held {
                Some(true) => {}
                Some(false) => return Some(false),
                None => known = None,
            }
        }
        known
    }

    /// Whoever wants in chooses the port to come from: one that a rule accepts, and none that it
    /// drops. `None` where the rule decides nothing by itself.
    fn chosen_port(
        &mut self,
        rule: &LiveRule,
        ranges: &[RangeInclusive<u16>],
        negated: bool,
        depth: usize,
    ) -> Option<bool> {
        // Answers of a DHCP server are let in everywhere, and are no way in.
        const DHCP: [u16; 4] = [67, 68, 546, 547];
        let is_dhcp = |port: &u16| DHCP.contains(port);
        if self.visitor.protocol == Protocol::Udp
            && is_dhcp(&self.visitor.port)
            && ranges
                .iter()
                .all(|range| is_dhcp(range.start()) && is_dhcp(range.end()))
        {
            return Some(negated);
        }
        let is_any = ranges
            .iter()
            .any(|range| *range.start() <= 1 && *range.end() == u16::MAX);
        if is_any {
            return Some(!negated);
        }
        match &rule.target {
            Target::Accept => Some(true),
            Target::Drop => Some(false),
            Target::Jump(name) | Target::Goto(name) => match self.enter(name, depth) {
                Decision::Accept => Some(true),
                Decision::Drop(_) => Some(false),
                Decision::Return | Decision::Fall => None,
            },
            Target::Return | Target::Nothing | Target::DestinationNat(_) => None,
        }
    }
}

fn holds(condition: &Condition, visitor: &Visitor) -> Option<bool> {
    let (fits, negated) = match condition {
        Condition::Always => return Some(true),
        Condition::Never => return Some(false),
        Condition::Unknown => return None,
        Condition::Family(family) => return Some(*family == visitor.family()),
        Condition::Interface(names, negated) => (
            names
                .iter()
                .any(|name| interface_fits(name, &visitor.interface)),
            *negated,
        ),
        Condition::Protocol(numbers, negated) => {
            (numbers.contains(&number(visitor.protocol)), *negated)
        }
        Condition::DestinationPort(ranges, negated) => (
            ranges.iter().any(|range| range.contains(&visitor.port)),
            *negated,
        ),
        Condition::DialledPort(ranges, negated) => (
            ranges.iter().any(|range| range.contains(&visitor.dialled)),
            *negated,
        ),
        // A fresh packet comes from an ephemeral port: only a range of those may hold it.
        Condition::SourcePort(ranges, negated) => {
            if ranges
                .iter()
                .any(|range| *range.start() <= 1024 && *range.end() >= 60_000)
            {
                (true, *negated)
            } else if ranges.iter().all(|range| *range.end() < 1024) {
                (false, *negated)
            } else {
                return None;
            }
        }
        Condition::Source(networks, negated) => (contains(networks, visitor), *negated),
        // The address of this host is not known here; loopback and multicast it is not.
        Condition::Destination(networks, negated) => {
            if networks.iter().any(|network| network.prefix_len() == 0) {
                (true, *negated)
            } else if networks.iter().all(never_this_host) {
                (false, *negated)
            } else {
                return None;
            }
        }
        Condition::States(states, negated) => (states.contains(&State::New), *negated),
    };
    Some(fits != negated)
}

fn contains(networks: &[IpNet], visitor: &Visitor) -> bool {
    networks
        .iter()
        .any(|network| network.contains(&visitor.source))
}

fn never_this_host(network: &IpNet) -> bool {
    let address = network.addr();
    address.is_loopback()
        || address.is_multicast()
        || Family::of(network) == Family::V4 && address.to_string() == "255.255.255.255"
}

fn interface_fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix(['+', '*']) {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}

fn number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
    }
}

#[cfg(test)]
mod tests;
