//! Tests: rules in a few lines, and what they do with a packet.

use super::*;
use crate::firewall::live::{BackEnd, LiveRules, Saved};

fn live_of(text: &str) -> LiveRules {
    let saved = Saved {
        back_end: BackEnd::IptablesNft,
        family: Family::V4,
        program: "iptables".to_owned(),
        text: text.to_owned(),
    };
    LiveRules::of(None, vec![saved], String::new()).unwrap()
}

/// Somebody who connects to port 22.
fn visitor() -> Visitor {
    Visitor {
        protocol: Protocol::Tcp,
        port: 22,
        dialled: 22,
        source: "192.0.2.1".parse().unwrap(),
        interface: "eth0".to_owned(),
    }
}

/// The fate of a connection to port 22 under a filter table.
fn fate_under(rules: &str) -> Fate {
    let live = live_of(&format!("*filter\n:INPUT ACCEPT [0:0]\n{rules}COMMIT\n"));
    fate(&live.tables, &visitor(), Asked::Everybody)
}

#[test]
fn chains_that_jump_often_are_walked_once() {
    let ladder: String = (0..16)
        .flat_map(|step| std::iter::repeat_n(format!("-A c{step} -j c{}\n", step + 1), 8))
        .collect();
    let rules = format!("-A INPUT -j c0\n{ladder}");
    assert_eq!(fate_under(&rules), Fate::Accepted);
    let last = "-A c16 -p tcp -j DROP";
    let dropped = Fate::Dropped("iptables-nft filter INPUT".to_owned(), last.to_owned());
    assert_eq!(fate_under(&format!("{rules}{last}\n")), dropped);
    // No walk through a loop, which the kernel would not take, is without an end.
    assert_eq!(
        fate_under("-A INPUT -j a\n-A a -j a\n-A a -j a\n-A a -g INPUT\n"),
        Fate::Accepted
    );
}

/// The fate of a connection to port 22 under an nftables chain of inbound packets, with these
/// expressions as its only rule; `policy` is the chain's.
fn fate_under_nft(policy: &str, rule: &str) -> Fate {
    let listing = format!(
        r#"{{"nftables": [{{"table": {{"family": "inet", "name": "f"}}}},
        {{"chain": {{"family": "inet", "table": "f", "name": "i", "type": "filter", "hook": "input", "prio": 0, "policy": "{policy}"}}}},
        {{"rule": {{"family": "inet", "table": "f", "chain": "i", "handle": 4, "expr": [{rule}]}}}}]}}"#
    );
    let live = LiveRules::of(Some(&listing), Vec::new(), String::new()).unwrap();
    fate(&live.tables, &visitor(), Asked::Everybody)
}

#[test]
fn whoever_wants_in_chooses_the_port_to_come_from() {
    let dropped = |rules: &str| matches!(fate_under(rules), Fate::Dropped(..));
    let last = "-A INPUT -j DROP\n";
    for rule in [
        "-p tcp -m tcp --sport 53 -j ACCEPT",
        "-p tcp -m multiport --sports 53,80 -j ACCEPT",
        "-p tcp -m tcp ! --sport 25 -j ACCEPT",
        "-p tcp -m tcp --sport 1024:65535 -j ACCEPT",
        "-p tcp -m tcp --sport 53 -j in",
    ] {
        let rules = format!("-A in -j ACCEPT\n-A INPUT {rule}\n{last}");
        assert_eq!(fate_under(&rules), Fate::Accepted, "{rule}");
    }
    for rule in [
        "-p tcp -m tcp --sport 1:1023 -j DROP",
        "-p tcp -m tcp --sport 1024:65535 -j DROP",
        "-p tcp -m tcp ! --sport 53 -j DROP",
        "-p tcp -m tcp --sport 53 -j out",
    ] {
        let rules = format!("-A out -j DROP\n-A INPUT {rule}\n");
        assert_eq!(fate_under(&rules), Fate::Accepted, "{rule}");
    }
    assert!(dropped("-A INPUT -p tcp -m tcp --sport 1:65535 -j DROP\n"));
    // Only of another protocol.
    assert!(dropped(&format!(
        "-A INPUT -p udp -m udp --sport 53 -j ACCEPT\n{last}"
    )));
}

#[test]
fn a_socket_that_is_bound_to_every_address_may_be_anybodys() {
    let socket = |flags: &str| {
        fate_under(&format!(
            "-A INPUT -p tcp -m socket {flags}-j ACCEPT\n-A INPUT -j DROP\n"
        ))
    };
    assert!(matches!(socket(""), Fate::Dropped(..)));
    assert!(matches!(socket("--nowildcard "), Fate::Unclear(_)));
    let wildcard = |value: u8| {
        let rule = format!(
            r#"{{"match": {{"op": "==", "left": {{"socket": {{"key": "wildcard"}}}}, "right": {value}}}}}, {{"accept": null}}"#
        );
        fate_under_nft("drop", &rule)
    };
    assert!(matches!(wildcard(0), Fate::Dropped(..)));
    assert!(matches!(wildcard(1), Fate::Unclear(_)));
}

#[test]
fn answers_of_a_dhcp_server_are_no_way_in() {
    let saved = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -m udp --sport 67 --dport 68 -j ACCEPT\nCOMMIT\n";
    let live = live_of(saved);
    let visitor = Visitor {
        protocol: Protocol::Udp,
        port: 68,
        dialled: 68,
        ..visitor()
    };
    let fate = fate(&live.tables, &visitor, Asked::Everybody);
    assert!(matches!(fate, Fate::Dropped(..)), "{fate:?}");
}

#[test]
fn the_kind_of_an_address_is_judged_by_whose_address_it_is() {
    let fib = |flags: &str, op: &str, kind: &str, verdict: &str| {
        format!(
            r#"{{"match": {{"op": "{op}", "left": {{"fib": {{"result": "type", "flags": {flags}}}}}, "right": {kind}}}}}, {{"{verdict}": null}}"#
        )
    };
    let (from, to) = (r#"["saddr"]"#, r#"["daddr", "iif"]"#);
    let accepted = [
        ("accept", fib(from, "==", r#""local""#, "drop")),
        ("drop", fib(from, "==", r#""unicast""#, "accept")),
        ("drop", fib(from, "!=", r#""local""#, "accept")),
        ("drop", fib(to, "==", r#""local""#, "accept")),
        ("accept", fib(to, "!=", r#""local""#, "drop")),
        (
            "accept",
            fib(to, "==", r#"{"set": ["broadcast", "multicast"]}"#, "drop"),
        ),
        ("drop", fib(r#""daddr""#, "==", r#""local""#, "accept")),
    ];
    for (policy, rule) in accepted {
        assert_eq!(fate_under_nft(policy, &rule), Fate::Accepted, "{rule}");
    }
    for (policy, rule) in [
        ("accept", fib(from, "==", r#""unicast""#, "drop")),
        ("accept", fib(from, "!=", r#""local""#, "drop")),
        ("accept", fib(to, "==", r#""local""#, "drop")),
    ] {
        let fate = fate_under_nft(policy, &rule);
        assert!(matches!(fate, Fate::Dropped(..)), "{rule}: {fate:?}");
    }
    let unicast = "-A INPUT -m addrtype --dst-type UNICAST -j DROP\n";
    assert_eq!(fate_under(unicast), Fate::Accepted);
    let blackhole = fib(from, "==", r#""blackhole""#, "accept");
    let fate = fate_under_nft("drop", &blackhole);
    assert!(matches!(fate, Fate::Unclear(_)), "{fate:?}");
}

#[test]
fn a_chain_of_a_device_decides_before_all_others_and_for_its_own_packets() {
    let listing = r#"{"nftables": [{"table": {"family": "netdev", "name": "f"}},
        {"chain": {"family": "netdev", "table": "f", "name": "i", "type": "filter", "hook": "ingress", "prio": 0, "policy": "accept"}},
        {"rule": {"family": "netdev", "table": "f", "chain": "i", "handle": 2, "expr": [
            {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}, {"drop": null}]}}]}"#;
    let under = |device: &str| {
        let mut live = LiveRules::of(Some(listing), Vec::new(), String::new()).unwrap();
        live.heed(&format!(
            "table netdev f {{\n\tchain i {{\n\t\ttype filter hook ingress {device} priority filter; policy accept;\n\t\ttcp dport 22 drop\n\t}}\n}}\n"
        ));
        [Asked::Everybody, Asked::Others, Asked::BeforeNat]
            .map(|asked| fate(&live.tables, &visitor(), asked))
    };
    for device in [r#"device "eth0""#, r#"devices = { "lo", "eth0" }"#] {
        for fate in under(device) {
            assert!(matches!(fate, Fate::Dropped(..)), "{device}: {fate:?}");
        }
    }
    for fate in under(r#"device "wg0""#) {
        assert_eq!(fate, Fate::Accepted);
    }
}

#[test]
fn a_dormant_table_decides_nothing() {
    let listing = r#"{"nftables": [{"table": {"family": "inet", "name": "f", "flags": "f"}},
        {"chain": {"family": "inet", "table": "f", "name": "i", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}}]}"#;
    for (flags, is_in_force) in [
        ("\tflags dormant\n", false),
        ("\tflags owner\n", true),
        ("", true),
    ] {
        let mut live = LiveRules::of(Some(listing), Vec::new(), String::new()).unwrap();
        live.heed(&format!("table inet f {{\n{flags}\tchain i {{\n\t}}\n}}\n"));
        let fate = fate(&live.tables, &visitor(), Asked::Everybody);
        assert_eq!(fate != Fate::Accepted, is_in_force, "{flags}: {fate:?}");
        assert_eq!(live.dormant.is_empty(), is_in_force);
    }
    let mut live = live_of("*filter\n:INPUT DROP [0:0]\nCOMMIT\n");
    live.heed("table ip filter {\n\tflags dormant\n\n\tchain INPUT {\n\t}\n}\n");
    assert_eq!(
        fate(&live.tables, &visitor(), Asked::Everybody),
        Fate::Accepted
    );
}

#[test]
fn a_chain_behind_a_doubtful_jump_is_asked_again_behind_a_certain_one() {
    let rules = "-A INPUT -m strange -j a\n-A INPUT -j a\n-A a -p tcp -j DROP\n";
    assert!(matches!(fate_under(rules), Fate::Dropped(..)));
    let rules = "-A INPUT -m strange -j a\n-A INPUT -j DROP\n-A a -p tcp -j ACCEPT\n";
    assert!(matches!(fate_under(rules), Fate::Unclear(_)));
}
