//! The format `nft`: one table that replaces itself in one transaction.

use std::fmt::Write as _;

use super::NFT_TABLE;
use crate::firewall::error::FirewallError;
use crate::firewall::policy::{Hook, Policy};
use crate::firewall::rules::{Action, Family, LOG_PREFIX, Limit, Match, Rule, Ruleset, State};

/// Which elements stand in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Elements {
    /// Those of every set.
    Inline,
    /// None of the block list; the script puts its own list in place of a remark.
    WithoutBlockList,
}

pub(super) fn render(policy: &Policy, ruleset: &Ruleset) -> Result<String, FirewallError> {
    let mut text = format!(
        "# openclaw-sec firewall, profile {}: load with `nft -f -`\n",
        policy.profile.id
    );
    text.push_str(&table(ruleset, Elements::Inline));
    Ok(text)
}

/// The table, made, deleted and made again, so that loading it replaces it whatever was there.
/// (`destroy table` is newer than nftables 1.0.6.)
pub(super) fn table(ruleset: &Ruleset, elements: Elements) -> String {
    let mut text = format!(
        "table inet {NFT_TABLE}\ndelete table inet {NFT_TABLE}\ntable inet {NFT_TABLE} {{\n"
    );
    for set in &ruleset.sets {
        let kind = address_type(set.family);
        let _ = writeln!(
            text,
            "\tset {} {{\n\t\ttype {kind}\n\t\tflags interval",
            set.name
        );
        if elements == Elements::Inline || !set.name.starts_with("block_") {
            text.push_str("\t\telements = {\n");
            for network in &set.networks {
                let _ = writeln!(text, "\t\t\t{network},");
            }
            text.push_str("\t\t}\n");
        } else {
            let _ = writeln!(text, "\t\t# elements: {}", set.name);
        }
        text.push_str("\t}\n");
    }
    for (name, family) in counted_sources(ruleset) {
        let kind = address_type(family);
        let _ = writeln!(
            text,
            "\tset {name} {{\n\t\ttype {kind}\n\t\tsize 65535\n\t\tflags dynamic,timeout\n\t\ttimeout 2m\n\t}}"
        );
    }
    let _ = writeln!(
        text,
        "\tchain guard {{\n\t\ttype filter hook {} priority {}; policy accept;",
        hook_name(ruleset.hook),
        priority(ruleset.hook)
    );
    for rule in &ruleset.rules {
        let _ = writeln!(text, "\t\t{}", rule_text(rule));
    }
    text.push_str("\t}\n}\n");
    text
}

/// The sets that packets fill: name and family, for every limit per source.
pub(super) fn counted_sources(ruleset: &Ruleset) -> Vec<(String, Family)> {
    let mut sets: Vec<(String, Family)> = Vec::new();
    for rule in &ruleset.rules {
        for condition in &rule.matches {
            if let (Match::Above(limit), Some(family)) = (condition, rule.family)
                && limit.per_source
            {
                let set = (counter_set(limit, family), family);
                if !sets.contains(&set) {
                    sets.push(set);
                }
            }
        }
    }
    sets
}

pub(super) fn counter_set(limit: &Limit, family: Family) -> String {
    format!("{}_sources_{}", limit.name, family.suffix())
}

/// After connection tracking (-200) and before destination NAT (-100); at input before filter (0).
pub(super) fn priority(hook: Hook) -> i32 {
    match hook {
        Hook::Prerouting => -110,
        Hook::Input => -10,
    }
}

pub(super) fn hook_name(hook: Hook) -> &'static str {
    match hook {
        Hook::Prerouting => "prerouting",
        Hook::Input => "input",
    }
}

pub(super) fn state_name(state: State) -> &'static str {
    match state {
        State::New => "new",
        State::Established => "established",
        State::Related => "related",
        State::Invalid => "invalid",
        State::Untracked => "untracked",
    }
}

pub(super) fn address_type(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4_addr",
        Family::V6 => "ipv6_addr",
    }
}

fn rule_text(rule: &Rule) -> String {
    let mut words: Vec<String> = Ruleset::unnamed_family(rule)
        .map(|family| format!("meta nfproto {}", family.name()))
        .into_iter()
        .collect();
    words.extend(
        rule.matches
            .iter()
            .map(|condition| match_text(condition, rule.family)),
    );
    words.push(match rule.action {
        Action::Pass => "accept".to_owned(),
        Action::Drop => "drop".to_owned(),
        Action::Log => format!("log prefix \"{LOG_PREFIX}\""),
    });
    format!("{} comment \"{}\"", words.join(" "), rule.name)
}

fn match_text(condition: &Match, family: Option<Family>) -> String {
    let address = if family == Some(Family::V6) {
        "ip6"
    } else {
        "ip"
    };
    match condition {
        Match::Interface(pattern) => format!("iifname \"{pattern}\""),
        Match::Port(protocol, port) => format!("{} dport {port}", protocol.name()),
        Match::UdpPorts(from, to) => format!("udp sport {from} udp dport {to}"),
        Match::TcpNotSyn => "tcp flags & (fin | syn | rst | ack) != syn".to_owned(),
        Match::LocalSocket => "socket wildcard 0".to_owned(),
        Match::IcmpTypes(types) => {
            let kind = if address == "ip6" { "icmpv6" } else { "icmp" };
            let types: Vec<String> = types.iter().map(ToString::to_string).collect();
            match types.as_slice() {
                [one] => format!("{kind} type {one}"),
                _ => format!("{kind} type {{ {} }}", types.join(", ")),
            }
        }
        Match::OnLink => "ip6 hoplimit 255".to_owned(),
        Match::Source(network) => format!("{address} saddr {network}"),
        Match::SourceSet(name) => format!("{address} saddr @{name}"),
        Match::States(states) => {
            let states: Vec<&str> = states.iter().copied().map(state_name).collect();
            format!("ct state {}", states.join(","))
        }
        Match::OriginalDirection => "ct direction original".to_owned(),
        Match::Above(limit) => above_text(limit, family),
        Match::Within(limit) => {
            format!(
                "limit rate {}/{} burst {} packets",
                limit.rate, limit.unit, limit.burst
            )
        }
    }
}

/// Full counters let packets through: who fills them must not lock everybody else out.
fn above_text(limit: &Limit, family: Option<Family>) -> String {
    let rate = format!(
        "limit rate over {}/{} burst {} packets",
        limit.rate, limit.unit, limit.burst
    );
    match (limit.per_source, family) {
        (true, Some(Family::V4)) => {
            format!(
                "update @{} {{ ip saddr {rate} }}",
                counter_set(limit, Family::V4)
            )
        }
        (true, Some(Family::V6)) => format!(
            "update @{} {{ ip6 saddr & ffff:ffff:ffff:ffff:: {rate} }}",
            counter_set(limit, Family::V6)
        ),
        _ => rate,
    }
}
