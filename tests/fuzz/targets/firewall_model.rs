//! What we render and read back decides about a packet as `explain` does, for any policy.

use openclaw_sec::firewall::live::{Asked, BackEnd, Fate, LiveRules, Saved, Visitor, fate};
use openclaw_sec::firewall::render::{ipset_restore, iptables_text};
use openclaw_sec::firewall::{
    Family, Packet, Payload, Policy, Protocol, Request, explain, find_format, off_script, render,
    rules,
};
use serde_json::{Value, json};

use super::support::{Choices, file};

/// Bytes that choose a policy and packets.
pub fn run(data: &[u8]) {
    let mut choices = Choices::of(data);
    let request = request(&mut choices);
    let Ok(policy) = Policy::from_request(&request) else {
        return;
    };
    for format in openclaw_sec::firewall::FORMATS {
        let text = render(&policy, format);
        assert_eq!(text.is_ok(), render(&policy, format).is_ok());
    }
    assert!(off_script().is_ascii());
    let ruleset = rules(&policy);
    let as_nft = as_nft(&policy);
    let as_iptables = as_iptables(&policy);
    for _ in 0..24 {
        let visitor = visitor(&mut choices);
        let packet = Packet {
            source: visitor.source,
            payload: Payload::Port(visitor.protocol, visitor.port),
            interface: Some(visitor.interface.clone()),
            source_port: 40_000,
            hop_limit: 64,
        };
        let ruling = explain(&ruleset, &packet);
        for (live, back_end) in [(&as_nft, "nft"), (&as_iptables, "iptables")] {
            let fate = fate(&live.tables, &visitor, Asked::Everybody);
            let is_agreed = match &fate {
                Fate::Accepted => ruling.accept,
                Fate::Dropped(..) => !ruling.accept,
                Fate::Unclear(_) => false,
            };
            assert!(
                is_agreed,
                "{back_end}: {request:?} {visitor:?}: {ruling:?}, {fate:?}"
            );
        }
    }
}

/// The table as nft would list it.
fn as_nft(policy: &Policy) -> LiveRules {
    let format = find_format("json").expect("there is JSON");
    let text = render(policy, format).expect("JSON holds every policy");
    let document: Value = serde_json::from_str(&text).expect("it is JSON");
    let commands = document["nftables"].as_array().cloned().unwrap_or_default();
    let objects: Vec<Value> = commands
        .into_iter()
        .filter_map(|command| command.get("add").cloned())
        .collect();
    let listing = json!({ "nftables": objects }).to_string();
    LiveRules::of(Some(&listing), Vec::new(), String::new()).expect("it is JSON")
}

/// The chains as iptables-save would list them, which knows no `-I`.
fn as_iptables(policy: &Policy) -> LiveRules {
    let ruleset = rules(policy);
    let saved = Family::ALL.map(|family| Saved {
        back_end: BackEnd::IptablesNft,
        family,
        program: "iptables".to_owned(),
        text: iptables_text(&ruleset, family)
            .replace("-I PREROUTING 1 ", "-A PREROUTING ")
            .replace("-I INPUT 1 ", "-A INPUT ")
            .replace("*mangle\n", "*mangle\n:PREROUTING ACCEPT [0:0]\n")
            .replace("*filter\n", "*filter\n:INPUT ACCEPT [0:0]\n"),
    });
    LiveRules::of(None, saved.to_vec(), ipset_restore(&ruleset)).expect("there is no JSON in it")
}

fn request(choices: &mut Choices<'_>) -> Request {
    let profiles = openclaw_sec::profiles::PROFILES;
    let owned = |text: &str| text.to_owned();
    let mut request = Request {
        profile: Some(owned(profiles[choices.below(profiles.len())].id)),
        no_ssh: choices.below(5) == 1,
        hook: (choices.below(3) == 1).then(|| owned("input")),
        ..Request::default()
    };
    let ports = ["22", "2222", "443", "8022"];
    for _ in 0..choices.below(3) {
        request.ssh_ports.push(owned(choices.pick(&ports)));
    }
    let sources = ["192.0.2.0/24", "2001:db8:77::/48", "203.0.113.7"];
    if choices.below(3) == 1 {
        request.ssh_from.push(owned(choices.pick(&sources)));
    }
    for _ in 0..choices.below(4) {
        let mut allow = format!(
            "{}/{}",
            choices.pick(&["tcp", "udp"]),
            choices.pick(&["53", "80", "443", "8443", "68", "3000"])
        );
        if choices.below(3) == 1 {
            allow.push_str(&format!(",from={}", choices.pick(&sources)));
        }
        if choices.below(3) == 1 {
            allow.push_str(&format!(",iface={}", choices.pick(&["eth0", "tailscale0"])));
        }
        request.allow.push(allow);
    }
    if choices.below(3) == 1 {
        request.private_ports.push(owned("18789"));
    }
    if choices.below(3) == 1 {
        request
            .trust_interfaces
            .push(owned(choices.pick(&["wg0", "eth1"])));
    }
    let mut list = String::new();
    for number in 0..choices.pick(&[0, 3, 60]) {
        let (four, six) = (choices.byte(), choices.byte());
        list.push_str(&format!(
            "192.0.2.{four}\n2001:db8:77:{six:x}{number:02x}::/64\n"
        ));
    }
    if !list.is_empty() {
        let path = file("block-list", list.as_bytes());
        request.block_list = Some(path.to_string_lossy().into_owned());
    }
    request
}

fn visitor(choices: &mut Choices<'_>) -> Visitor {
    let low = choices.byte();
    let source = match choices.below(8) {
        0 | 1 => format!("192.0.2.{low}"),
        2 => format!("203.0.113.{}", low % 16),
        3 => format!("104.{}.{low}.9", 16 + low % 14),
        4 => format!("149.154.{}.{low}", 158 + u16::from(low) % 20),
        5 => format!("2001:db8:77:{low:x}{:02x}::9", choices.byte() % 64),
        6 => format!("2606:4700::{low:x}"),
        _ => format!("fe80::{low:x}"),
    };
    let interfaces = [
        "eth0",
        "tailscale0",
        "wg0",
        "br-0123456789ab",
        "docker0",
        "lo",
        "eth1",
    ];
    let ports = [
        22, 53, 68, 80, 443, 546, 2222, 3000, 8022, 8443, 18789, 41641, 5,
    ];
    let port = choices.pick(&ports);
    Visitor {
        protocol: choices.pick(&[Protocol::Tcp, Protocol::Udp]),
        port,
        dialled: port,
        source: source.parse().expect("an address"),
        interface: choices.pick(&interfaces).to_owned(),
    }
}
