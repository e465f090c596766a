//! What gets in, for every profile, family and back end, with the chains of others around ours.

use openclaw_sec::firewall::Request;
use serde_json::{Value, json};

use crate::lab::{BackEnd, HOST4, HOST6, Lab, profile};
use crate::needs_a_lab;

/// A source nobody lists, one of Cloudflare's and one of Telegram's, for each family.
const STRANGER: [&str; 2] = ["192.0.2.77", "2001:db8:77::77"];
const CLOUDFLARE: [&str; 2] = ["104.16.1.1", "2606:4700::1"];
const TELEGRAM: &str = "149.154.161.5";

fn packet(from: &str, iface: &str, kind: &str, port: u16) -> Value {
    let to = if from.contains(':') { HOST6 } else { HOST4 };
    json!({ "from": from, "to": to, "iface": iface, "kind": kind, "port": port })
}

fn icmp(from: &str, kind: u8, hops: u8) -> Value {
    let to = if from.contains(':') { HOST6 } else { HOST4 };
    json!({ "from": from, "to": to, "iface": "eth0", "kind": "icmp", "type": kind, "hops": hops })
}

/// Packets and whether they must get in.
fn expectations(id: &str) -> Vec<(Value, bool)> {
    let mut cases = Vec::new();
    for (index, stranger) in STRANGER.iter().enumerate() {
        let public = |kind, port| packet(stranger, "eth0", kind, port);
        cases.extend([
            (public("tcp", 22), true),
            (public("tcp", 443), id == "vps"),
            (
                packet(CLOUDFLARE[index], "eth0", "tcp", 443),
                matches!(id, "vps" | "cloudflare-origin"),
            ),
            (public("udp", 41641), id == "tailscale"),
            (
                packet(stranger, "tailscale0", "tcp", 443),
                matches!(id, "vps" | "tailscale"),
            ),
            (packet(stranger, "tailscale0", "tcp", 22), true),
            (packet(stranger, "tailscale0", "tcp", 18789), false),
            (packet(stranger, "br-0123456789ab", "tcp", 18789), true),
            (packet(stranger, "br-0123456789ab", "udp", 53), true),
            (icmp(stranger, if index == 0 { 8 } else { 128 }, 64), true),
        ]);
        for (kind, port) in [
            ("udp", 443),
            ("tcp", 80),
            ("tcp", 3000),
            ("tcp", 18789),
            ("udp", 53),
            ("udp", 5353),
            ("tcp", 2222),
            ("udp", 22),
            ("132", 0),
            ("47", 0),
        ] {
            cases.push((public(kind, port), false));
        }
        // Nobody gets in because of the port it comes from.
        for (kind, origin) in [
            ("tcp", 22),
            ("tcp", 443),
            ("udp", 53),
            ("udp", 123),
            ("udp", 67),
            ("udp", 547),
        ] {
            let mut forged = public(kind, 8080);
            forged["source_port"] = json!(origin);
            cases.push((forged, false));
        }
        // Not the first packet of a connection, and no socket owns it.
        let mut stray = public("tcp", 8080);
        stray["flags"] = json!(0x10);
        cases.push((stray, false));
    }
    cases.push((
        packet(TELEGRAM, "eth0", "tcp", 443),
        matches!(id, "vps" | "telegram"),
    ));
    cases.push((packet("104.28.0.1", "eth0", "tcp", 443), id == "vps"));
    for kind in [133, 134, 135, 136, 141, 142, 148, 149] {
        cases.push((icmp("fe80::99", kind, 255), true));
        cases.push((icmp(STRANGER[1], kind, 64), false));
    }
    for kind in [130, 131, 132, 143, 151, 152, 153] {
        cases.push((icmp("fe80::99", kind, 1), true));
        cases.push((icmp(STRANGER[1], kind, 1), false));
    }
    let mut offer = packet("192.0.2.67", "eth0", "udp", 68);
    offer["source_port"] = json!(67);
    cases.push((offer, true));
    for (from, passes) in [("fe80::547", true), (STRANGER[1], false)] {
        let mut answer = packet(from, "eth0", "udp", 546);
        answer["source_port"] = json!(547);
        cases.push((answer, passes));
    }
    cases
}

fn check(lab: &Lab, name: &str, cases: &[(Value, bool)]) {
    let packets: Vec<Value> = cases.iter().map(|(packet, _)| packet.clone()).collect();
    let delivered = lab.deliver(&packets);
    for ((packet, expected), place) in cases.iter().zip(&delivered) {
        assert_eq!(
            place == "host",
            *expected,
            "{name}: {packet} went to {place}"
        );
    }
}

/// The chains that Docker, Tailscale and fail2ban lay, as their sources write them.
pub const FOREIGN: &str = "
for t in iptables ip6tables; do
$t -N ts-input; $t -A ts-input -i tailscale0 -j ACCEPT; $t -I INPUT 1 -j ts-input
$t -N f2b-sshd; $t -A f2b-sshd -j RETURN; $t -I INPUT -p tcp -m multiport --dports 22 -j f2b-sshd
$t -t nat -N DOCKER; $t -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
$t -N DOCKER; $t -N DOCKER-USER; $t -A FORWARD -j DOCKER-USER; $t -A FORWARD -o docker0 -j DOCKER
$t -A DOCKER-USER -j RETURN
done
iptables -I f2b-sshd 1 -s 192.0.2.66 -j REJECT --reject-with icmp-port-unreachable
ip6tables -I f2b-sshd 1 -s 2001:db8:66::/64 -j REJECT
iptables -t nat -A DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
iptables -t nat -A DOCKER ! -i docker0 -p tcp --dport 443 -s 192.0.2.80 -j DNAT --to-destination 172.17.0.2:443
ip6tables -t nat -A DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination '[fd00:17::2]:80'
";

#[test]
fn every_profile_lets_in_what_it_names_on_nftables() {
    matrix(BackEnd::Nft);
}

#[test]
fn every_profile_lets_in_what_it_names_on_iptables_with_nf_tables() {
    matrix(BackEnd::IptablesNft);
}

#[test]
fn every_profile_lets_in_what_it_names_on_legacy_iptables() {
    matrix(BackEnd::IptablesLegacy);
}

fn matrix(back_end: BackEnd) {
    needs_a_lab!();
    let lab = Lab::with(back_end);
    if back_end != BackEnd::Nft {
        lab.must(FOREIGN);
    }
    for profile_row in openclaw_sec::profiles::PROFILES {
        lab.must_apply(&profile(profile_row.id));
        let name = format!("{} on {back_end:?}", profile_row.id);
        check(&lab, &name, &expectations(profile_row.id));
        let mut others = Vec::new();
        if back_end != BackEnd::Nft {
            others.extend([
                (packet("192.0.2.66", "eth0", "tcp", 22), false),
                (packet("2001:db8:66::9", "eth0", "tcp", 22), false),
            ]);
        }
        check(&lab, &name, &others);
    }
}

#[test]
fn a_published_container_port_is_guarded_by_the_port_the_client_dialled() {
    needs_a_lab!();
    for back_end in [BackEnd::IptablesNft, BackEnd::IptablesLegacy] {
        let lab = Lab::with(back_end);
        lab.must(FOREIGN);
        let dialled = |from: &str, port| packet(from, "eth0", "tcp", port);
        let before = lab.deliver(&[dialled(STRANGER[0], 8080), dialled(STRANGER[1], 8080)]);
        assert_eq!(
            before,
            ["container", "container"],
            "the lab publishes the port"
        );
        lab.must_apply(&profile("vps"));
        let with_guard = [
            dialled(STRANGER[0], 8080),
            dialled(STRANGER[1], 8080),
            dialled("192.0.2.80", 443),
        ];
        assert_eq!(
            lab.deliver(&with_guard),
            ["none", "none", "container"],
            "{back_end:?}"
        );
        lab.must_apply(&Request {
            allow: vec!["tcp/8080".into()],
            ..profile("vps")
        });
        assert_eq!(
            lab.deliver(&with_guard),
            ["container", "container", "container"],
            "{back_end:?}"
        );
    }
}

#[test]
fn options_open_and_shut_what_they_name() {
    needs_a_lab!();
    for back_end in BackEnd::ALL {
        let lab = Lab::with(back_end);
        let cases: Vec<(Request, Vec<(Value, bool)>)> = vec![
            (
                Request {
                    ssh_ports: vec!["2222".into(), "2022".into()],
                    ..profile("vps")
                },
                vec![
                    (packet(STRANGER[0], "eth0", "tcp", 2222), true),
                    (packet(STRANGER[1], "eth0", "tcp", 2022), true),
                    (packet(STRANGER[0], "eth0", "tcp", 22), false),
                ],
            ),
            (
                Request {
                    ssh_from: vec!["192.0.2.0/24".into()],
                    ..profile("vps")
                },
                vec![
                    (packet(STRANGER[0], "eth0", "tcp", 22), true),
                    (packet("203.0.113.9", "eth0", "tcp", 22), false),
                    (packet(STRANGER[1], "eth0", "tcp", 22), false),
                ],
            ),
            (
                Request {
                    no_ssh: true,
                    ..profile("tailscale")
                },
                vec![
                    (packet(STRANGER[0], "eth0", "tcp", 22), false),
                    (packet(STRANGER[1], "tailscale0", "tcp", 22), false),
                ],
            ),
            (
                Request {
                    allow: vec![
                        "tcp/80,from=192.0.2.0/25".into(),
                        "udp/51820,iface=eth0".into(),
                        "tcp/9000,from=2001:db8:77::/48,iface=eth0".into(),
                    ],
                    private_ports: vec!["18789".into()],
                    trust_interfaces: vec!["wg0".into()],
                    ..profile("vps")
                },
                vec![
                    (packet("192.0.2.77", "eth0", "tcp", 80), true),
                    (packet("192.0.2.177", "eth0", "tcp", 80), false),
                    (packet(STRANGER[1], "eth0", "tcp", 80), false),
                    (packet(STRANGER[1], "eth0", "udp", 51820), true),
                    (packet(STRANGER[0], "tailscale0", "udp", 51820), false),
                    (packet(STRANGER[1], "eth0", "tcp", 9000), true),
                    (packet(STRANGER[1], "tailscale0", "tcp", 9000), false),
                    (packet(STRANGER[0], "eth0", "tcp", 9000), false),
                    (packet(STRANGER[0], "tailscale0", "tcp", 18789), true),
                    (packet(STRANGER[1], "tailscale0", "tcp", 18789), true),
                    (packet(STRANGER[0], "eth0", "tcp", 18789), false),
                    (packet(STRANGER[0], "wg0", "tcp", 18789), true),
                    (packet(STRANGER[1], "wg0", "udp", 1), true),
                ],
            ),
            (
                Request {
                    hook: Some("input".into()),
                    ..profile("vps")
                },
                vec![
                    (packet(STRANGER[0], "eth0", "tcp", 443), true),
                    (packet(STRANGER[1], "eth0", "tcp", 22), true),
                    (packet(STRANGER[1], "eth0", "tcp", 80), false),
                    (packet(STRANGER[0], "eth0", "udp", 53), false),
                ],
            ),
        ];
        for (request, packets) in cases {
            lab.must_apply(&request);
            check(&lab, &format!("{request:?} on {back_end:?}"), &packets);
        }
    }
}

#[test]
fn a_ping_flood_is_cut_and_a_hammering_ssh_source_is_stopped() {
    needs_a_lab!();
    for back_end in BackEnd::ALL {
        let lab = Lab::with(back_end);
        lab.must_apply(&profile("vps"));
        let passed = |packets: Vec<Value>| {
            lab.deliver(&packets)
                .iter()
                .filter(|place| *place == "host")
                .count()
        };
        for (index, echo) in [8, 128].into_iter().enumerate() {
            let flood = passed(vec![icmp(STRANGER[index], echo, 64); 300]);
            assert!(
                (15..80).contains(&flood),
                "{back_end:?}: {flood} of 300 pings"
            );
            let quick = passed(vec![packet(STRANGER[index], "eth0", "tcp", 22); 10]);
            assert_eq!(quick, 10, "{back_end:?}");
            let hammered = passed(vec![packet(STRANGER[index], "eth0", "tcp", 22); 60]);
            assert!(hammered < 30, "{back_end:?}: {hammered} of 60");
        }
        let others = vec![
            packet("192.0.2.78", "eth0", "tcp", 22),
            packet("2001:db8:78::1", "eth0", "tcp", 22),
        ];
        assert_eq!(passed(others), 2, "{back_end:?}: others are not affected");
        let same_network = vec![packet("2001:db8:77::78", "eth0", "tcp", 22); 20];
        assert!(
            passed(same_network) < 5,
            "{back_end:?}: one IPv6 source is a /64"
        );
    }
}
