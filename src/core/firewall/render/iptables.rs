//! The format `iptables`, and what both address families of it share.

use std::fmt::Write as _;

use ipnet::IpNet;

use super::ipset::ipset_name;
use super::{IPTABLES_CHAIN, LONGEST_LINEAR_LIST};
use crate::firewall::error::FirewallError;
use crate::firewall::policy::{Hook, Policy};
use crate::firewall::rules::{Action, Family, LOG_PREFIX, Limit, Match, Rule, Ruleset, State};

pub(super) fn render(policy: &Policy, ruleset: &Ruleset) -> Result<String, FirewallError> {
    render_family(policy, ruleset, Family::V4)
}

/// The document for `…-restore --noflush`, one family.
pub(super) fn render_family(
    policy: &Policy,
    ruleset: &Ruleset,
    family: Family,
) -> Result<String, FirewallError> {
    let format = match family {
        Family::V4 => "iptables",
        Family::V6 => "ip6tables",
    };
    let long = ruleset
        .sets
        .iter()
        .find(|set| set.family == family && set.networks.len() > LONGEST_LINEAR_LIST);
    if let Some(set) = long {
        return Err(FirewallError::Format {
            format,
            problem: format!(
                "cannot hold a list of {} networks, rules would be walked one by one; use --format sh or nft",
                set.networks.len()
            ),
        });
    }
    Ok(format!(
        "# openclaw-sec firewall, profile {}: load once with `{format}-restore --noflush`\n{}",
        policy.profile.id,
        iptables_text(ruleset, family)
    ))
}

/// The rules of one family in the words of `iptables-save`, long lists as ipsets.
pub fn iptables_text(ruleset: &Ruleset, family: Family) -> String {
    let (table, base) = place(ruleset.hook);
    let mut text = format!("*{table}\n:{IPTABLES_CHAIN} - [0:0]\n");
    for rule in ruleset.of_family(family) {
        for line in rule_lines(ruleset, rule, family) {
            let _ = writeln!(text, "-A {IPTABLES_CHAIN}{line}");
        }
    }
    let _ = writeln!(text, "-I {base} 1 -j {IPTABLES_CHAIN}\nCOMMIT");
    text
}

/// Table and base chain of a hook.
pub(crate) fn place(hook: Hook) -> (&'static str, &'static str) {
    match hook {
        Hook::Prerouting => ("mangle", "PREROUTING"),
        Hook::Input => ("filter", "INPUT"),
    }
}

/// A rule is one line, or one per network and ICMP type where iptables takes a single one.
fn rule_lines(ruleset: &Ruleset, rule: &Rule, family: Family) -> Vec<String> {
    let mut lines = vec![String::new()];
    for condition in &rule.matches {
        let alternatives = match_texts(ruleset, condition, family);
        lines = lines
            .iter()
            .flat_map(|line| {
                alternatives
                    .iter()
                    .map(move |alternative| format!("{line} {alternative}"))
            })
            .collect();
    }
    let action = match rule.action {
        Action::Pass => "-j RETURN".to_owned(),
        Action::Drop => "-j DROP".to_owned(),
        Action::Log => format!("-j LOG --log-prefix \"{LOG_PREFIX}\""),
    };
    lines
        .iter()
        .map(|line| format!("{line} {action}"))
        .collect()
}

fn match_texts(ruleset: &Ruleset, condition: &Match, family: Family) -> Vec<String> {
    let one = match condition {
        Match::SourceSet(name) => return source_texts(ruleset, name),
        Match::IcmpTypes(types) => {
            return types.iter().map(|kind| icmp_text(*kind, family)).collect();
        }
        Match::Interface(pattern) => match pattern.strip_suffix('*') {
            Some(start) => format!("-i {start}+"),
            None => format!("-i {pattern}"),
        },
        Match::Port(protocol, port) => format!("-p {} --dport {port}", protocol.name()),
        Match::UdpPorts(from, to) => format!("-p udp --sport {from} --dport {to}"),
        Match::TcpNotSyn => "-p tcp ! --syn".to_owned(),
        Match::LocalSocket => "-m socket".to_owned(),
        Match::OnLink => "-m hl --hl-eq 255".to_owned(),
        Match::Source(network) => format!("-s {network}"),
        Match::States(states) => {
            let states: Vec<&str> = states.iter().copied().map(state_name).collect();
            format!("-m conntrack --ctstate {}", states.join(","))
        }
        Match::OriginalDirection => "-m conntrack --ctdir ORIGINAL".to_owned(),
        Match::Above(limit) => above_text(limit, family),
        Match::Within(limit) => {
            format!(
                "-m limit --limit {}/{} --limit-burst {}",
                limit.rate, limit.unit, limit.burst
            )
        }
    };
    vec![one]
}

fn source_texts(ruleset: &Ruleset, name: &str) -> Vec<String> {
    let networks: &[IpNet] = ruleset.networks(name);
    if networks.len() > LONGEST_LINEAR_LIST {
        return vec![format!("-m set --match-set {} src", ipset_name(name))];
    }
    networks
        .iter()
        .map(|network| format!("-s {network}"))
        .collect()
}

fn icmp_text(kind: u8, family: Family) -> String {
    match family {
        Family::V4 => format!("-p icmp --icmp-type {kind}"),
        Family::V6 => format!("-p ipv6-icmp --icmpv6-type {kind}"),
    }
}

fn above_text(limit: &Limit, family: Family) -> String {
    let counted = match (limit.per_source, family) {
        (false, _) => "",
        (true, Family::V4) => {
            " --hashlimit-mode srcip --hashlimit-srcmask 32 --hashlimit-htable-max 65535"
        }
        (true, Family::V6) => {
            " --hashlimit-mode srcip --hashlimit-srcmask 64 --hashlimit-htable-max 65535"
        }
    };
    format!(
        "-m hashlimit --hashlimit-above {}/{} --hashlimit-burst {}{counted} --hashlimit-name openclaw-{}",
        limit.rate, limit.unit, limit.burst, limit.name
    )
}

fn state_name(state: State) -> &'static str {
    match state {
        State::New => "NEW",
        State::Established => "ESTABLISHED",
        State::Related => "RELATED",
        State::Invalid => "INVALID",
        State::Untracked => "UNTRACKED",
    }
}
