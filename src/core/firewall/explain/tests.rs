//! Tests: packets and the rules that decide about them, as tables.

use super::*;
use crate::firewall::policy::{Policy, Request};
use crate::firewall::rules::rules;

/// A policy in which every kind of rule stands.
fn ruleset() -> Ruleset {
    let mut policy = Policy::from_request(&Request {
        profile: Some("tailscale".into()),
        allow: vec![
            "udp/5000,from=192.0.2.0/24".into(),
            "tcp/8443,iface=wg0".into(),
        ],
        private_ports: vec!["8080".into()],
        trust_interfaces: vec!["lan0".into()],
        ..Request::default()
    })
    .unwrap();
    policy.blocked = ["198.51.100.0/24", "203.0.113.7/32", "2001:db8:bad::/48"]
        .map(|network| network.parse().unwrap())
        .to_vec();
    rules(&policy)
}

/// `PROTOCOL[/PORT] ADDRESS [INTERFACE]` as a request.
fn request(text: &str) -> PacketRequest {
    let mut words = text.split(' ');
    let payload = words.next().unwrap();
    let (protocol, port) = match payload.split_once('/') {
        Some((protocol, port)) => (protocol, Some(port.to_owned())),
        None => (payload, None),
    };
    PacketRequest {
        protocol: protocol.to_owned(),
        port,
        from: words.next().unwrap().to_owned(),
        interface: words.next().map(ToOwned::to_owned),
    }
}

fn packet(text: &str) -> Packet {
    Packet::from_request(&request(text)).unwrap()
}

fn said(packet: &Packet) -> String {
    let ruling = explain(&ruleset(), packet);
    let word = if ruling.accept { "accept" } else { "drop" };
    format!("{word} {}", ruling.rule)
}

#[test]
fn each_packet_is_decided_by_the_rule_that_names_it() {
    let cases = [
        ("tcp/22 192.0.2.1", "accept ssh tcp/22"),
        ("tcp/22 2001:db8::1", "accept ssh tcp/22"),
        ("udp/22 192.0.2.1", "drop default"),
        ("tcp/23 192.0.2.1", "drop default"),
        (
            "udp/41641 192.0.2.1",
            "accept tailscale-transport udp/41641",
        ),
        ("tcp/443 192.0.2.1", "drop default"),
        ("tcp/443 192.0.2.1 eth0", "drop default"),
        (
            "tcp/443 192.0.2.1 tailscale0",
            "accept web tcp/443 on tailscale0",
        ),
        (
            "tcp/8080 192.0.2.1 tailscale0",
            "accept private tcp/8080 on tailscale0",
        ),
        ("tcp/8080 192.0.2.1", "drop default"),
        (
            "udp/5000 192.0.2.1",
            "accept allow udp/5000 from 192.0.2.0/24 v4",
        ),
        ("udp/5000 192.0.3.1", "drop default"),
        ("tcp/8443 192.0.2.1 wg0", "accept allow tcp/8443 on wg0"),
        ("tcp/8443 192.0.2.1 wg01", "drop default"),
        ("tcp/9 192.0.2.1 lo", "accept loopback"),
        ("tcp/9 192.0.2.1 lo1", "drop default"),
        (
            "tcp/9 192.0.2.1 br-0a1b2c3d4e5f",
            "accept container-bridge br-*",
        ),
        ("tcp/9 192.0.2.1 xbr-0", "drop default"),
        ("tcp/9 192.0.2.1 lan0", "accept trusted-interface lan0"),
        ("tcp/22 198.51.100.1", "drop block-list-v4"),
        ("tcp/22 203.0.113.7", "drop block-list-v4"),
        ("tcp/22 203.0.113.8", "accept ssh tcp/22"),
        ("tcp/22 2001:db8:bad::1", "drop block-list-v6"),
        ("tcp/22 198.51.100.1 lo", "accept loopback"),
        ("47 192.0.2.1", "drop default"),
        ("47 198.51.100.1", "drop block-list-v4"),
    ];
    for (situation, expected) in cases {
        assert_eq!(said(&packet(situation)), expected, "{situation}");
    }
}

#[test]
fn an_icmp_message_passes_where_the_family_needs_it() {
    let cases = [
        ("icmp 192.0.2.1", "accept icmp-v4"),
        ("icmp 2001:db8::1", "accept icmp-v6"),
        ("icmp/8 198.51.100.1", "drop block-list-v4"),
        ("icmp/13 192.0.2.1", "drop default"),
        ("icmp/15 192.0.2.1", "drop default"),
        ("icmp/17 192.0.2.1", "drop default"),
        ("icmp/3 192.0.2.1", "drop invalid"),
        ("icmp/0 192.0.2.1", "drop invalid"),
        // What begins no connection is not dropped as one that the listed address opened.
        ("icmp/3 198.51.100.1", "drop invalid"),
        ("icmpv6/128 2001:db8::1", "accept icmp-v6"),
        ("icmpv6/139 2001:db8::1", "drop default"),
        ("icmpv6/8 2001:db8::1", "drop invalid"),
        ("icmp/128 192.0.2.1", "drop invalid"),
        ("icmpv6/1 2001:db8::1", "drop invalid"),
        ("icmpv6/143 fe80::1", "accept multicast-listener"),
        ("icmpv6/143 ::", "accept multicast-listener-unspecified"),
        ("icmpv6/143 2001:db8::1", "drop default"),
        ("icmpv6/151 fe80::1", "accept multicast-listener"),
        ("icmpv6/151 2001:db8::1", "drop invalid"),
        ("icmpv6/135 fe80::1 tun0", "drop default"),
    ];
    for (situation, expected) in cases {
        let mut packet = packet(situation);
        // Routed once, so that no neighbour sent it.
        packet.hop_limit = 254;
        assert_eq!(said(&packet), expected, "{situation}");
    }
}

#[test]
fn discovery_passes_from_a_neighbour_alone() {
    for (hop_limit, expected) in [
        (255, "accept neighbour-discovery"),
        (254, "drop default"),
        (64, "drop default"),
    ] {
        let mut packet = packet("icmpv6/135 2001:db8::1");
        packet.hop_limit = hop_limit;
        assert_eq!(said(&packet), expected, "{hop_limit}");
    }
}

#[test]
fn dhcp_passes_between_its_two_ports() {
    for (situation, source_port, expected) in [
        ("udp/68 192.0.2.1", 67, "accept dhcp-v4"),
        ("udp/68 192.0.2.1", 68, "drop default"),
        ("udp/67 192.0.2.1", 67, "drop default"),
        ("tcp/68 192.0.2.1", 67, "drop default"),
        ("udp/546 fe80::1", 547, "accept dhcp-v6"),
        ("udp/546 2001:db8::1", 547, "drop default"),
    ] {
        let mut packet = packet(situation);
        packet.source_port = source_port;
        assert_eq!(said(&packet), expected, "{situation} from {source_port}");
    }
}

#[test]
fn without_an_option_the_packet_is_a_fresh_one_from_afar() {
    let packet = packet("tcp/22 192.0.2.1");
    assert_eq!((packet.source_port, packet.hop_limit), (49_152, 64));
    assert_eq!(packet.interface, None);
}

#[test]
fn discovery_is_a_neighbours_and_everything_else_may_have_come_some_way() {
    for kind in NEIGHBOUR_DISCOVERY {
        let from_afar = packet(&format!("icmpv6/{kind} 2001:db8::1"));
        assert_eq!(said(&from_afar), "accept neighbour-discovery", "{kind}");
    }
    for situation in [
        "icmp/135 192.0.2.1",
        "icmpv6/128 2001:db8::1",
        "tcp/135 2001:db8::1",
    ] {
        assert_eq!(packet(situation).hop_limit, 64, "{situation}");
    }
}

#[test]
fn a_protocol_has_a_name_and_a_number() {
    let cases = [
        ("tcp/80 192.0.2.1", Payload::Port(Protocol::Tcp, 80)),
        ("TCP/80 192.0.2.1", Payload::Port(Protocol::Tcp, 80)),
        ("6/80 2001:db8::1", Payload::Port(Protocol::Tcp, 80)),
        ("udp/53 192.0.2.1", Payload::Port(Protocol::Udp, 53)),
        ("17/53 192.0.2.1", Payload::Port(Protocol::Udp, 53)),
        ("icmp 192.0.2.1", Payload::Icmp(8)),
        ("1/3 192.0.2.1", Payload::Icmp(3)),
        ("icmp 2001:db8::1", Payload::Icmp(128)),
        ("icmpv6 2001:db8::1", Payload::Icmp(128)),
        ("icmp6/1 2001:db8::1", Payload::Icmp(1)),
        ("ipv6-icmp/255 2001:db8::1", Payload::Icmp(255)),
        ("58 2001:db8::1", Payload::Icmp(128)),
        // A number may stand in the wrong family: it is a protocol like any other there.
        ("58 192.0.2.1", Payload::Other(58)),
        ("1 2001:db8::1", Payload::Other(1)),
        ("igmp 192.0.2.1", Payload::Other(2)),
        ("gre 192.0.2.1", Payload::Other(47)),
        ("esp 192.0.2.1", Payload::Other(50)),
        ("sctp 192.0.2.1", Payload::Other(132)),
        ("255 192.0.2.1", Payload::Other(255)),
    ];
    for (situation, expected) in cases {
        assert_eq!(packet(situation).payload, expected, "{situation}");
    }
}

#[test]
fn a_packet_with_a_mistake_is_refused_with_its_flag() {
    let cases = [
        ("tcp 192.0.2.1", "--port"),
        ("udp 192.0.2.1", "--port"),
        ("tcp/0 192.0.2.1", "--port"),
        ("tcp/65536 192.0.2.1", "--port"),
        ("icmp/256 192.0.2.1", "--port"),
        ("icmpv6 192.0.2.1", "--proto"),
        ("ipv6-icmp 192.0.2.1", "--proto"),
        ("256 192.0.2.1", "--proto"),
        ("quic 192.0.2.1", "--proto"),
        ("tcp/22 example.org", "--from"),
        ("tcp/22 192.0.2.1 a/b", "--iface"),
    ];
    for (situation, flag) in cases {
        let error = Packet::from_request(&request(situation)).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("{flag}: ")),
            "{situation}: {text}"
        );
    }
    let error = Packet::from_request(&request("icmpv6 192.0.2.1")).unwrap_err();
    assert!(
        error.to_string().contains("needs an IPv6 address"),
        "{error}"
    );
}

#[test]
fn a_star_at_the_end_of_an_interface_stands_for_any_rest() {
    for (pattern, name, expected) in [
        ("lo", "lo", true),
        ("lo", "lo0", false),
        ("br-*", "br-0", true),
        ("br-*", "br-", true),
        ("br-*", "docker0", false),
        ("*", "anything", true),
    ] {
        assert_eq!(interface_fits(pattern, name), expected, "{pattern} {name}");
    }
}
