//! The format `sh`: one script that looks, refuses or applies everything, and can take it back.

use std::fmt::Write as _;

use super::ipset::{create_line, ipset_name, long_sets};
use super::iptables::{iptables_text, place};
use super::nft::{self, Elements};
use crate::firewall::error::FirewallError;
use crate::firewall::policy::{Policy, Protocol, Rollback};
use crate::firewall::rules::{Action, CONTAINER_BRIDGES, Family, Match, Rule, Ruleset};

const SCRIPT: &str = include_str!("script.sh");
const OFF: &str = include_str!("off.sh");
const ENGINE: &str = include_str!("engine.sh");

pub(super) fn render(policy: &Policy, ruleset: &Ruleset) -> Result<String, FirewallError> {
    let rollback = match policy.rollback {
        Rollback::Automatic => "automatic".to_owned(),
        Rollback::Never => "0".to_owned(),
        Rollback::Seconds(seconds) => seconds.to_string(),
    };
    let needs_ipset = long_sets(ruleset).next().is_some();
    Ok(fill(
        SCRIPT,
        &[
            ("PROFILE", policy.profile.id),
            ("NFT", &nft::table(ruleset, Elements::WithoutBlockList)),
            ("IPTABLES_V4", &iptables_text(ruleset, Family::V4)),
            ("IPTABLES_V6", &iptables_text(ruleset, Family::V6)),
            ("TCP_POLICY", &tcp_policy(policy, ruleset)),
            ("LISTS", &lists(ruleset)),
            ("ENGINE", ENGINE),
            (
                "NFT_LISTS",
                &calls(ruleset, |set| {
                    is_blocked(set).then(|| format!("cat >\"$work/{set}\""))
                }),
            ),
            ("IPSET_SETS", &ipset_calls(ruleset)),
            (
                "BLOCKED",
                &calls(ruleset, |set| is_blocked(set).then(|| "cat".to_owned())),
            ),
            ("NEEDS_IPSET", if needs_ipset { "yes" } else { "no" }),
            ("ROLLBACK", &rollback),
            ("PERSIST", if policy.persist { "yes" } else { "no" }),
            ("TABLE", place(ruleset.hook).0),
            ("BRIDGES", &CONTAINER_BRIDGES.join(" | ")),
        ],
    ))
}

/// The script that takes away everything that is ours.
pub fn off_script() -> String {
    fill(OFF, &[("ENGINE", ENGINE)])
}

/// Puts the values in place of `@NAME@`; what a value holds is not searched again.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let size = template.len() + values.iter().map(|(_, value)| value.len()).sum::<usize>();
    let mut text = String::with_capacity(size);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('@') {
        text.push_str(before);
        let found = after.split_once('@').and_then(|(name, behind)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((value, behind))
        });
        match found {
            Some((value, behind)) => {
                text.push_str(value);
                rest = behind;
            }
            None => {
                text.push('@');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

/// `trust INTERFACE` and `pass PORT INTERFACE NETWORK`, `-` for any: what the lock-out guard reads.
fn tcp_policy(policy: &Policy, ruleset: &Ruleset) -> String {
    let mut text = String::new();
    for port in policy.ssh.iter().flat_map(|ssh| &ssh.ports) {
        let _ = writeln!(text, "ssh {port}");
    }
    for rule in ruleset
        .rules
        .iter()
        .filter(|rule| rule.action == Action::Pass)
    {
        if let [Match::Interface(interface)] = rule.matches.as_slice() {
            let _ = writeln!(text, "trust {interface}");
        } else if let Some(port) = tcp_port(rule) {
            for source in sources(ruleset, rule) {
                let _ = writeln!(text, "pass {port} {} {source}", interface(rule));
            }
        }
    }
    text
}

fn tcp_port(rule: &Rule) -> Option<u16> {
    rule.matches.iter().find_map(|condition| match condition {
        Match::Port(Protocol::Tcp, port) => Some(*port),
        _ => None,
    })
}

fn interface(rule: &Rule) -> &str {
    rule.matches
        .iter()
        .find_map(|condition| match condition {
            Match::Interface(name) => Some(name.as_str()),
            _ => None,
        })
        .unwrap_or("-")
}

fn sources(ruleset: &Ruleset, rule: &Rule) -> Vec<String> {
    rule.matches
        .iter()
        .find_map(|condition| match condition {
            Match::Source(network) => Some(vec![network.to_string()]),
            Match::SourceSet(name) => Some(
                ruleset
                    .networks(name)
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            ),
            _ => None,
        })
        .unwrap_or_else(|| {
            vec![match rule.family {
                None => "-".to_owned(),
                Some(Family::V4) => "0.0.0.0/0".to_owned(),
                Some(Family::V6) => "::/0".to_owned(),
            }]
        })
}

/// The lists that stand in the script once and serve both back ends.
fn lists(ruleset: &Ruleset) -> String {
    let mut text = String::new();
    for set in ruleset
        .sets
        .iter()
        .filter(|set| is_listed(ruleset, &set.name))
    {
        let _ = write!(
            text,
            "\nlist_{}() {{\n\tcat <<'OPENCLAW_SEC_DATA'\n",
            set.name
        );
        for network in &set.networks {
            let _ = writeln!(text, "{network}");
        }
        text.push_str("OPENCLAW_SEC_DATA\n}\n");
    }
    text
}

fn is_listed(ruleset: &Ruleset, set: &str) -> bool {
    is_blocked(set) || long_sets(ruleset).any(|long| long.name == set)
}

fn is_blocked(set: &str) -> bool {
    set.starts_with("block_")
}

/// One line per set that the filter wants: its list piped into a command.
fn calls(ruleset: &Ruleset, command: impl Fn(&str) -> Option<String>) -> String {
    ruleset
        .sets
        .iter()
        .filter_map(|set| {
            command(&set.name).map(|command| format!("\tlist_{} | {command}\n", set.name))
        })
        .collect()
}

fn ipset_calls(ruleset: &Ruleset) -> String {
    long_sets(ruleset)
        .map(|set| {
            debug_assert!(
                create_line(set).starts_with(&format!("create {}", ipset_name(&set.name)))
            );
            format!("\tlist_{} | as_set {}", set.name, create_line(set))
        })
        .collect()
}
