//! The rules that are in force on this host, ours and others', in one shape for every back end.

mod iptables;
mod listing;
mod nft;
mod read;
mod walk;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use ipnet::IpNet;

pub(super) use iptables::set_members;
#[cfg(test)]
pub(super) use iptables::tables as saved_tables;
pub use read::{LiveRules, Saved, read};
pub(super) use read::{live as live_error, objects};
pub use walk::{Asked, Fate, chain_drops, fate};

use super::policy::Protocol;
use super::rules::{Family, State};

/// Which program laid a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BackEnd {
    /// nftables itself.
    Nftables,
    /// iptables that writes nf_tables.
    IptablesNft,
    /// Legacy iptables.
    IptablesLegacy,
}

impl BackEnd {
    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nftables => "nftables",
            Self::IptablesNft => "iptables-nft",
            Self::IptablesLegacy => "iptables-legacy",
        }
    }
}

/// One table: its chains, and where packets enter them.
#[derive(Debug, Clone)]
pub struct LiveTable {
    /// Who laid it.
    pub back_end: BackEnd,
    /// The families whose packets it sees.
    pub families: Vec<Family>,
    /// Its name.
    pub name: String,
    /// Its chains by name.
    pub chains: BTreeMap<String, LiveChain>,
}

/// One chain.
#[derive(Debug, Clone, Default)]
pub struct LiveChain {
    /// Where packets enter it; `None` for a chain that others jump to.
    pub hook: Option<ChainHook>,
    /// Its rules in order.
    pub rules: Vec<LiveRule>,
}

/// Where and when packets enter a base chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainHook {
    /// `prerouting`, `input`, `forward` …
    pub name: String,
    /// Lower comes first.
    pub priority: i64,
    /// Whether a packet that no rule decides about is dropped.
    pub drops: bool,
    /// The interfaces whose packets enter it; `None` for those of all.
    pub devices: Option<Vec<String>>,
}

/// One rule.
#[derive(Debug, Clone)]
pub struct LiveRule {
    /// All of them must hold.
    pub conditions: Vec<Condition>,
    /// What happens then.
    pub target: Target,
    /// The rule as its program prints it.
    pub text: String,
}

/// What a rule does with a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Ends this chain's hook in favour of the packet.
    Accept,
    /// Drops or rejects.
    Drop,
    /// Goes on behind the jump that led here.
    Return,
    /// Goes through another chain and comes back.
    Jump(String),
    /// Goes through another chain and does not come back.
    Goto(String),
    /// Counts, marks, logs: the next rule decides.
    Nothing,
    /// Sends the packet to another address.
    DestinationNat(String),
}

/// A condition as far as we understand it.
#[derive(Debug, Clone)]
pub enum Condition {
    /// The interface it came in on; `+` or `*` at the end stands for any rest.
    Interface(Vec<String>, bool),
    /// The transport protocol, by number.
    Protocol(Vec<u8>, bool),
    /// The port it goes to.
    DestinationPort(Vec<RangeInclusive<u16>>, bool),
    /// The port its client dialled, whatever destination NAT made of it.
    DialledPort(Vec<RangeInclusive<u16>>, bool),
    /// The port it comes from.
    SourcePort(Vec<RangeInclusive<u16>>, bool),
    /// The address it comes from.
    Source(Vec<IpNet>, bool),
    /// The address it goes to.
    Destination(Vec<IpNet>, bool),
    /// What connection tracking says.
    States(Vec<State>, bool),
    /// The family.
    Family(Family),
    /// Holds for every packet that is asked about.
    Always,
    /// Holds for none of them.
    Never,
    /// We do not know.
    Unknown,
}

/// A fresh packet to this host.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The port it goes to.
    pub port: u16,
    /// The port its client dialled; behind destination NAT another one.
    pub dialled: u16,
    /// Where it comes from.
    pub source: IpAddr,
    /// The interface it comes in on.
    pub interface: String,
}

impl Visitor {
    /// Its family.
    pub fn family(&self) -> Family {
        if self.source.is_ipv4() {
            Family::V4
        } else {
            Family::V6
        }
    }
}
