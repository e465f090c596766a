//! What `nft -j list ruleset` prints becomes tables.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use ipnet::IpNet;
use serde_json::Value;

use super::{BackEnd, ChainHook, Condition, LiveChain, LiveRule, LiveTable, Target};
use crate::firewall::rules::{Family, State};

/// Reads the objects of `nft -j list ruleset`. Tables that iptables laid are left out: `is_foreign`
/// names them by family and name.
pub(super) fn tables(objects: &[Value], is_foreign: impl Fn(&str, &str) -> bool) -> Vec<LiveTable> {
    let mut tables: Tables = Tables::default();
    let mut sets: HashMap<(String, String), Value> = HashMap::new();
    for object in objects {
        for kind in ["set", "map"] {
            if let Some(set) = object.get(kind) {
                sets.insert(
                    (key(set, "table"), key(set, "name")),
                    set.get("elem").cloned().unwrap_or_default(),
                );
            }
        }
    }
    for object in objects {
        if let Some(table) = object.get("table") {
            let (family, name) = (text(table, "family"), text(table, "name"));
            let families = families(family);
            if !families.is_empty() && !is_foreign(family, name) {
                tables.families.push(family.to_owned());
                tables.all.push(LiveTable {
                    back_end: BackEnd::Nftables,
                    families,
                    name: key(table, "name"),
                    chains: Default::default(),
                });
            }
        } else if let Some(chain) = object.get("chain") {
            if let Some(table) = tables.find(chain) {
                table.chains.insert(
                    key(chain, "name"),
                    LiveChain {
                        hook: hook(chain),
                        rules: Vec::new(),
                    },
                );
            }
        } else if let Some(rule) = object.get("rule")
            && let Some(table) = tables.find(rule)
        {
            let parsed = rules(rule, &sets);
            table
                .chains
                .entry(key(rule, "chain"))
                .or_default()
                .rules
                .extend(parsed);
        }
    }
    tables.all
}

/// Tables beside the families they were listed with.
#[derive(Default)]
struct Tables {
    all: Vec<LiveTable>,
    families: Vec<String>,
}

impl Tables {
    fn find(&mut self, object: &Value) -> Option<&mut LiveTable> {
        let (family, name) = (text(object, "family"), text(object, "table"));
        let mut tables = self.all.iter_mut().zip(&self.families);
        let found = tables.find(|(table, own)| table.name == name && *own == family);
        found.map(|(table, _)| table)
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn key(value: &Value, name: &str) -> String {
    text(value, name).to_owned()
}

fn families(family: &str) -> Vec<Family> {
    match family {
        "ip" => vec![Family::V4],
        "ip6" => vec![Family::V6],
        "inet" | "netdev" => Family::ALL.to_vec(),
        _ => Vec::new(),
    }
}

/// A base chain of type nat or route decides nothing about letting in.
fn hook(chain: &Value) -> Option<ChainHook> {
    let name = chain.get("hook")?.as_str()?;
    let is_filter = text(chain, "type") == "filter";
    Some(ChainHook {
        name: if is_filter {
            name.to_owned()
        } else {
            format!("{name} ({})", text(chain, "type"))
        },
        priority: chain
            .get("prio")
            .and_then(Value::as_i64)
            .unwrap_or_default(),
        drops: text(chain, "policy") == "drop",
        devices: chain.get("dev").and_then(texts),
    })
}

/// One rule, or several where a verdict map stands in it.
fn rules(rule: &Value, sets: &HashMap<(String, String), Value>) -> Vec<LiveRule> {
    let table = text(rule, "table");
    let lookup = |value: &Value| -> Value {
        match value.as_str().and_then(|name| name.strip_prefix('@')) {
            Some(name) => sets
                .get(&(table.to_owned(), name.to_owned()))
                .cloned()
                .unwrap_or_default(),
            None => value.clone(),
        }
    };
    let shown = text(rule, "comment");
    let handle = rule
        .get("handle")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let shown = if shown.is_empty() {
        format!("rule with handle {handle}")
    } else {
        format!("rule \"{shown}\"")
    };
    let mut conditions = Vec::new();
    let empty = Vec::new();
    let expressions = rule.get("expr").and_then(Value::as_array).unwrap_or(&empty);
    let mut found = Vec::new();
    for expression in expressions {
        let Some((kind, body)) = expression
            .as_object()
            .and_then(|object| object.iter().next())
        else {
            continue;
        };
        match kind.as_str() {
            "match" => {
                conditions.extend(body.get("left").and_then(implied_protocol));
                conditions.push(matched(body, &lookup));
            }
            "vmap" => {
                for (value, verdict) in entries(&lookup(body.get("data").unwrap_or(&Value::Null))) {
                    let test = condition(body.get("key").unwrap_or(&Value::Null), &value, false);
                    let mut conditions = conditions.clone();
                    conditions.extend(body.get("key").and_then(implied_protocol));
                    conditions.push(test);
                    found.push(LiveRule {
                        conditions,
                        target: target(&verdict),
                        text: shown.clone(),
                    });
                }
            }
            "limit" => {
                if body.get("inv").and_then(Value::as_bool) == Some(true) {
                    conditions.push(Condition::Never);
                }
            }
            // A meter or a set that counts: what it limits is above the limit or within it.
            "set" | "meter" => {
                let above = body.to_string().contains("\"inv\":true");
                conditions.push(if above {
                    Condition::Never
                } else {
                    Condition::Always
                });
            }
            "ct count" => {
                let above = body.get("inv").and_then(Value::as_bool) == Some(true);
                conditions.push(if above {
                    Condition::Never
                } else {
                    Condition::Always
                });
            }
            "counter" | "log" | "mangle" | "notrack" | "quota" | "flow" | "ct helper"
            | "ct timeout" => {}
            "accept" | "drop" | "reject" | "return" | "jump" | "goto" | "dnat" | "redirect"
            | "continue" => {
                found.push(LiveRule {
                    conditions: conditions.clone(),
                    target: target(expression),
                    text: shown.clone(),
                });
            }
            "snat" | "masquerade" => {}
            _ => conditions.push(Condition::Unknown),
        }
    }
    found
}

fn target(verdict: &Value) -> Target {
    let Some((kind, body)) = verdict.as_object().and_then(|object| object.iter().next()) else {
        return Target::Nothing;
    };
    match kind.as_str() {
        "accept" => Target::Accept,
        "drop" | "reject" => Target::Drop,
        "return" => Target::Return,
        "jump" => Target::Jump(key(body, "target")),
        "goto" => Target::Goto(key(body, "target")),
        "dnat" | "redirect" => {
            let port = body.get("port").and_then(Value::as_u64);
            let to = match (text(body, "addr"), port) {
                (addr, Some(port)) if addr.contains(':') => format!("[{addr}]:{port}"),
                (addr, Some(port)) if !addr.is_empty() => format!("{addr}:{port}"),
                (addr, _) => addr.to_owned(),
            };
            Target::DestinationNat(to)
        }
        _ => Target::Nothing,
    }
}

/// Keys and verdicts of a map.
fn entries(data: &Value) -> Vec<(Value, Value)> {
    let list = data.get("set").unwrap_or(data);
    list.as_array()
        .map(|pairs| {
            pairs
                .iter()
                .filter_map(|pair| Some((pair.get(0)?.clone(), pair.get(1)?.clone())))
                .collect()
        })
        .unwrap_or_default()
}

fn matched(body: &Value, lookup: &impl Fn(&Value) -> Value) -> Condition {
    let (Some(left), Some(right)) = (body.get("left"), body.get("right")) else {
        return Condition::Unknown;
    };
    match text(body, "op") {
        "==" | "in" => condition(left, &lookup(right), false),
        "!=" => condition(left, &lookup(right), true),
        _ => Condition::Unknown,
    }
}

fn condition(left: &Value, right: &Value, negated: bool) -> Condition {
    let (meta, payload) = (left.pointer("/meta/key"), left.get("payload"));
    let understood = match (meta.and_then(Value::as_str), payload) {
        (Some("iifname" | "iif"), _) => {
            texts(right).map(|names| Condition::Interface(names, negated))
        }
        (Some("l4proto"), _) => {
            protocols(right).map(|numbers| Condition::Protocol(numbers, negated))
        }
        (Some("nfproto"), _) => family(right, negated),
        (Some("protocol"), _) => family(right, negated),
        (Some("pkttype"), _) => {
            let host = texts(right)
                .is_some_and(|kinds| kinds.iter().any(|kind| kind == "host" || kind == "unicast"));
            Some(if host != negated {
                Condition::Always
            } else {
                Condition::Never
            })
        }
        (_, Some(payload)) => payload_condition(payload, right, negated),
        _ if left.pointer("/ct/key").and_then(Value::as_str) == Some("state") => {
            texts(right).map(|names| {
                Condition::States(
                    names.iter().filter_map(|name| state(name)).collect(),
                    negated,
                )
            })
        }
        _ if left.pointer("/ct/key").and_then(Value::as_str) == Some("direction") => {
            let original = right.as_str() == Some("original");
            Some(if original != negated {
                Condition::Always
            } else {
                Condition::Never
            })
        }
        _ if left.pointer("/ct/key").and_then(Value::as_str) == Some("status") => {
            // No address of a fresh packet to the host itself was translated.
            Some(if negated {
                Condition::Always
            } else {
                Condition::Never
            })
        }
        _ if left.pointer("/ct/key").and_then(Value::as_str) == Some("proto-dst")
            && left.pointer("/ct/dir").and_then(Value::as_str) == Some("original") =>
        {
            ports(right).map(|ranges| Condition::DialledPort(ranges, negated))
        }
        _ if left.pointer("/fib/result").and_then(Value::as_str) == Some("type") => {
            fib_type(left.pointer("/fib/flags"), right).map(|fits| {
                if fits != negated {
                    Condition::Always
                } else {
                    Condition::Never
                }
            })
        }
        // Of a socket that is bound to every address it depends on who listens.
        _ if left.pointer("/socket/key").and_then(Value::as_str) == Some("wildcard")
            && (right.as_u64() == Some(0)) == negated =>
        {
            None
        }
        _ if left.get("socket").is_some() => Some(Condition::Never),
        _ if left.pointer("/&/0/payload/field").and_then(Value::as_str) == Some("flags") => {
            // Flags of TCP: the packets that are asked about carry SYN alone.
            let syn = right.as_str() == Some("syn");
            Some(if syn != negated {
                Condition::Always
            } else {
                Condition::Never
            })
        }
        _ => None,
    };
    understood.unwrap_or(Condition::Unknown)
}

/// Whether the kind of an address fits: the packets that are asked about go to an address of this
/// host and come from one of somebody else.
fn fib_type(flags: Option<&Value>, right: &Value) -> Option<bool> {
    let (flags, kinds) = (texts(flags?)?, texts(right)?);
    let has = |list: &[String], word: &str| list.iter().any(|one| one == word);
    if has(&flags, "daddr") {
        return Some(has(&kinds, "local"));
    }
    match () {
        () if !has(&flags, "saddr") => None,
        () if has(&kinds, "unicast") => Some(true),
        () if kinds == ["local"] => Some(false),
        () => None,
    }
}

fn payload_condition(payload: &Value, right: &Value, negated: bool) -> Option<Condition> {
    match (text(payload, "protocol"), text(payload, "field")) {
        ("tcp" | "udp" | "th", field @ ("dport" | "sport")) => {
            let ranges = ports(right)?;
            Some(if field == "dport" {
                Condition::DestinationPort(ranges, negated)
            } else {
                Condition::SourcePort(ranges, negated)
            })
        }
        ("ip" | "ip6", "saddr") => networks(right).map(|list| Condition::Source(list, negated)),
        ("ip" | "ip6", "daddr") => {
            networks(right).map(|list| Condition::Destination(list, negated))
        }
        ("ip", "protocol") | ("ip6", "nexthdr") => {
            protocols(right).map(|numbers| Condition::Protocol(numbers, negated))
        }
        ("icmp" | "icmpv6", _) => Some(Condition::Never),
        _ => None,
    }
}

/// `tcp dport 22` says that it is TCP, and nft leaves that out of its JSON.
fn implied_protocol(left: &Value) -> Option<Condition> {
    let payload = left
        .get("payload")
        .or_else(|| left.pointer("/&/0/payload"))?;
    let number = match text(payload, "protocol") {
        "tcp" => 6,
        "udp" => 17,
        "sctp" => 132,
        _ => return None,
    };
    Some(Condition::Protocol(vec![number], false))
}

fn family(right: &Value, negated: bool) -> Option<Condition> {
    let family = match right.as_str()? {
        "ipv4" | "ip" => Family::V4,
        "ipv6" | "ip6" => Family::V6,
        _ => return None,
    };
    Some(Condition::Family(match (family, negated) {
        (family, false) => family,
        (Family::V4, true) => Family::V6,
        (Family::V6, true) => Family::V4,
    }))
}

/// The values of one value, a list or a set.
fn values(right: &Value) -> Vec<&Value> {
    let list = right.get("set").unwrap_or(right);
    match list.as_array() {
        Some(values) => values.iter().map(element).collect(),
        None if list.is_null() => Vec::new(),
        None => vec![element(list)],
    }
}

/// An element with a time-out or a counter stands inside an object.
fn element(value: &Value) -> &Value {
    value.pointer("/elem/val").unwrap_or(value)
}

fn texts(right: &Value) -> Option<Vec<String>> {
    values(right)
        .into_iter()
        .map(|value| value.as_str().map(ToOwned::to_owned))
        .collect()
}

fn protocols(right: &Value) -> Option<Vec<u8>> {
    values(right)
        .into_iter()
        .map(|value| match value.as_str() {
            Some("tcp") => Some(6),
            Some("udp") => Some(17),
            Some("icmp") => Some(1),
            Some("ipv6-icmp" | "icmpv6") => Some(58),
            Some(_) => Some(255),
            None => value.as_u64().and_then(|number| u8::try_from(number).ok()),
        })
        .collect()
}

fn ports(right: &Value) -> Option<Vec<RangeInclusive<u16>>> {
    values(right)
        .into_iter()
        .map(|value| match value.get("range") {
            Some(range) => Some(port(range.get(0)?)?..=port(range.get(1)?)?),
            None => port(value).map(|port| port..=port),
        })
        .collect()
}

/// A number, or one of the names nft prints without `-n`.
fn port(value: &Value) -> Option<u16> {
    match value.as_str() {
        Some("ssh") => Some(22),
        Some("http") => Some(80),
        Some("https") => Some(443),
        Some("domain") => Some(53),
        Some(_) => None,
        None => value.as_u64().and_then(|number| u16::try_from(number).ok()),
    }
}

fn networks(right: &Value) -> Option<Vec<IpNet>> {
    let mut networks = Vec::new();
    for value in values(right) {
        if let Some(prefix) = value.get("prefix") {
            let length = u8::try_from(prefix.get("len")?.as_u64()?).ok()?;
            networks.push(IpNet::new(text(prefix, "addr").parse().ok()?, length).ok()?);
        } else if let Some(range) = value.get("range") {
            let (from, to) = (range.get(0)?.as_str()?, range.get(1)?.as_str()?);
            let subnets = match (from.parse().ok()?, to.parse().ok()?) {
                (std::net::IpAddr::V4(a), std::net::IpAddr::V4(b)) => {
                    ipnet::IpSubnets::from(ipnet::Ipv4Subnets::new(a, b, 0))
                }
                (std::net::IpAddr::V6(a), std::net::IpAddr::V6(b)) => {
                    ipnet::IpSubnets::from(ipnet::Ipv6Subnets::new(a, b, 0))
                }
                _ => return None,
            };
            networks.extend(subnets);
        } else {
            let address: std::net::IpAddr = value.as_str()?.parse().ok()?;
            networks.push(IpNet::from(address));
        }
    }
    Some(networks)
}

fn state(name: &str) -> Option<State> {
    match name {
        "new" => Some(State::New),
        "established" => Some(State::Established),
        "related" => Some(State::Related),
        "invalid" => Some(State::Invalid),
        "untracked" => Some(State::Untracked),
        _ => None,
    }
}
