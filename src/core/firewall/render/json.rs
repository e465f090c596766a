//! The format `json`: the nft table as libnftables JSON, with our schema beside it.

use serde_json::{Value, json};

use super::NFT_TABLE;
use super::nft::{address_type, counted_sources, counter_set, hook_name, priority, state_name};
use crate::firewall::SCHEMA;
use crate::firewall::error::FirewallError;
use crate::firewall::policy::{Policy, Protocol};
use crate::firewall::rules::{Action, Family, LOG_PREFIX, Limit, Match, Rule, Ruleset};

pub(super) fn render(_: &Policy, ruleset: &Ruleset) -> Result<String, FirewallError> {
    let table = json!({ "table": { "family": "inet", "name": NFT_TABLE } });
    let mut commands = vec![
        json!({ "add": table }),
        json!({ "delete": table }),
        json!({ "add": table }),
    ];
    for set in &ruleset.sets {
        let elements: Vec<Value> = set
            .networks
            .iter()
            .map(|network| json!({ "prefix": { "addr": network.addr().to_string(), "len": network.prefix_len() } }))
            .collect();
        commands.push(json!({ "add": { "set": {
            "family": "inet", "table": NFT_TABLE, "name": set.name, "type": address_type(set.family),
            "flags": ["interval"], "elem": elements,
        } } }));
    }
    for (name, family) in counted_sources(ruleset) {
        commands.push(json!({ "add": { "set": {
            "family": "inet", "table": NFT_TABLE, "name": name, "type": address_type(family),
            "size": 65535, "flags": ["timeout"], "timeout": 120,
        } } }));
    }
    commands.push(json!({ "add": { "chain": {
        "family": "inet", "table": NFT_TABLE, "name": "guard", "type": "filter",
        "hook": hook_name(ruleset.hook), "prio": priority(ruleset.hook), "policy": "accept",
    } } }));
    commands.extend(ruleset.rules.iter().map(|rule| json!({ "add": { "rule": {
        "family": "inet", "table": NFT_TABLE, "chain": "guard", "comment": rule.name, "expr": expressions(rule),
    } } })));
    let document = json!({ "schema": SCHEMA, "nftables": commands });
    Ok(format!("{document:#}\n"))
}

fn expressions(rule: &Rule) -> Vec<Value> {
    let mut expressions: Vec<Value> = Ruleset::unnamed_family(rule)
        .map(|family| {
            equal(
                json!({ "meta": { "key": "nfproto" } }),
                json!(family.name()),
            )
        })
        .into_iter()
        .collect();
    expressions.extend(
        rule.matches
            .iter()
            .flat_map(|condition| condition_values(condition, rule.family)),
    );
    expressions.push(match rule.action {
        Action::Pass => json!({ "accept": null }),
        Action::Drop => json!({ "drop": null }),
        Action::Log => json!({ "log": { "prefix": LOG_PREFIX } }),
    });
    expressions
}

fn condition_values(condition: &Match, family: Option<Family>) -> Vec<Value> {
    let one = match condition {
        Match::Interface(pattern) => equal(json!({ "meta": { "key": "iifname" } }), json!(pattern)),
        Match::Port(protocol, port) => equal(payload(protocol.name(), "dport"), json!(port)),
        Match::UdpPorts(from, to) => {
            let udp = Protocol::Udp.name();
            return vec![
                equal(payload(udp, "sport"), json!(from)),
                equal(payload(udp, "dport"), json!(to)),
            ];
        }
        Match::TcpNotSyn => compare(
            "!=",
            json!({ "&": [payload("tcp", "flags"), { "|": [{ "|": [{ "|": ["fin", "syn"] }, "rst"] }, "ack"] }] }),
            json!("syn"),
        ),
        Match::LocalSocket => equal(json!({ "socket": { "key": "wildcard" } }), json!(0)),
        Match::IcmpTypes(types) => {
            let protocol = if family == Some(Family::V6) {
                "icmpv6"
            } else {
                "icmp"
            };
            let right = match types.as_slice() {
                [one] => json!(one),
                _ => json!({ "set": types }),
            };
            equal(payload(protocol, "type"), right)
        }
        Match::OnLink => equal(payload("ip6", "hoplimit"), json!(255)),
        Match::Source(network) => equal(
            source(family),
            json!({ "prefix": { "addr": network.addr().to_string(), "len": network.prefix_len() } }),
        ),
        Match::SourceSet(name) => equal(source(family), json!(format!("@{name}"))),
        Match::States(states) => {
            let names: Vec<&str> = states.iter().copied().map(state_name).collect();
            compare("in", json!({ "ct": { "key": "state" } }), json!(names))
        }
        Match::OriginalDirection => {
            equal(json!({ "ct": { "key": "direction" } }), json!("original"))
        }
        Match::Above(limit) => above(limit, family),
        Match::Within(limit) => limit_value(limit, false),
    };
    vec![one]
}

fn above(limit: &Limit, family: Option<Family>) -> Value {
    let Some(family) = family.filter(|_| limit.per_source) else {
        return limit_value(limit, true);
    };
    let source = match family {
        Family::V4 => source(Some(family)),
        Family::V6 => json!({ "&": [source(Some(family)), "ffff:ffff:ffff:ffff::"] }),
    };
    json!({ "set": {
        "op": "update", "elem": source, "set": format!("@{}", counter_set(limit, family)),
        "stmt": [limit_value(limit, true)],
    } })
}

fn limit_value(limit: &Limit, above: bool) -> Value {
    json!({ "limit": { "rate": limit.rate, "per": limit.unit, "burst": limit.burst, "inv": above } })
}

fn source(family: Option<Family>) -> Value {
    payload(
        if family == Some(Family::V6) {
            "ip6"
        } else {
            "ip"
        },
        "saddr",
    )
}

fn payload(protocol: &str, field: &str) -> Value {
    json!({ "payload": { "protocol": protocol, "field": field } })
}

fn equal(left: Value, right: Value) -> Value {
    compare("==", left, right)
}

fn compare(operator: &str, left: Value, right: Value) -> Value {
    json!({ "match": { "op": operator, "left": left, "right": right } })
}
