//! `explain` says what the kernel does, for random packets under random options.

use openclaw_sec::firewall::{Packet, Payload, Policy, Protocol, Request, explain, rules};
use serde_json::{Value, json};

use crate::lab::{BackEnd, HOST4, HOST6, Lab};
use crate::needs_a_lab;

/// A small generator whose seed is in the failure message.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    pub fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}

/// Options of any kind.
pub fn options(random: &mut Random, block_list: &str) -> Request {
    let mut request = Request {
        profile: Some(
            random
                .pick(&[
                    "vps",
                    "cloudflare-origin",
                    "cloudflare-tunnel",
                    "tailscale",
                    "telegram",
                ])
                .into(),
        ),
        ..Request::default()
    };
    if random.chance(3) {
        request.ssh_ports = vec![
            random.pick(&["22", "2222"]).into(),
            random.pick(&["2022", "443"]).into(),
        ];
    }
    if random.chance(3) {
        request.ssh_from = vec![
            random
                .pick(&["192.0.2.0/24", "2001:db8:77::/48", "203.0.113.7"])
                .into(),
        ];
    } else if random.chance(4) {
        request.ssh_ports.clear();
        request.no_ssh = true;
    }
    for _ in 0..random.below(4) {
        request.allow.push(
            random
                .pick(&[
                    "tcp/80",
                    "udp/53,from=192.0.2.0/25",
                    "tcp/8443,iface=tailscale0",
                    "udp/51820,from=2001:db8:77::/64,iface=eth0",
                    "tcp/22",
                    "udp/68",
                ])
                .into(),
        );
    }
    if random.chance(3) {
        request.private_ports.push("18789".into());
    }
    if random.chance(4) {
        request.trust_interfaces.push("wg0".into());
    }
    if random.chance(2) {
        request.block_list = Some(block_list.into());
    }
    if random.chance(4) {
        request.hook = Some("input".into());
    }
    request
}

fn packet(random: &mut Random, pings: &mut usize) -> (Packet, Value) {
    let iface = random.pick(&[
        "eth0",
        "eth0",
        "eth0",
        "tailscale0",
        "wg0",
        "br-0123456789ab",
    ]);
    let host = random.below(250) + 1;
    let low = random.below(0xfff0) + 1;
    let from = match random.below(9) {
        0 | 1 => format!("192.0.2.{host}"),
        2 => format!("203.0.113.{}", random.below(9) + 3),
        3 => format!("104.{}.{host}.9", 16 + random.below(14)),
        4 => format!("149.154.{}.{host}", 158 + random.below(20)),
        5 => format!("2001:db8:77:{low:x}::{host:x}"),
        6 => format!("2001:db8:77::{low:x}"),
        7 => format!("2606:4700::{low:x}"),
        _ => format!("fe80::{low:x}"),
    };
    let six = from.contains(':');
    let source_port = [67, 547, 53, 40_000 + random.below(9000)][random.below(4)] as u16;
    let hops = if random.chance(3) { 255 } else { 64 };
    let payload = match random.below(8) {
        0..=3 => {
            let ports = [
                22,
                80,
                443,
                2022,
                2222,
                3000,
                8443,
                18789,
                random.below(65_535) + 1,
            ];
            Payload::Port(Protocol::Tcp, ports[random.below(ports.len())] as u16)
        }
        4 | 5 => {
            let ports = [
                53,
                67,
                68,
                443,
                546,
                547,
                41641,
                51820,
                random.below(65_535) + 1,
            ];
            Payload::Port(Protocol::Udp, ports[random.below(ports.len())] as u16)
        }
        6 => {
            let kind = if six && random.chance(2) {
                128 + random.below(28)
            } else {
                random.below(20)
            } as u8;
            if kind == if six { 128 } else { 8 } {
                *pings += 1;
            }
            Payload::Icmp(if *pings > 6 { 200 } else { kind })
        }
        _ => Payload::Other([47, 50, 132][random.below(3)]),
    };
    let mut frame = json!({ "from": from, "to": if six { HOST6 } else { HOST4 }, "iface": iface, "hops": hops, "source_port": source_port });
    match payload {
        Payload::Port(protocol, port) => {
            frame["kind"] = json!(protocol.name());
            frame["port"] = json!(port);
        }
        Payload::Icmp(kind) => {
            frame["kind"] = json!("icmp");
            frame["type"] = json!(kind);
        }
        Payload::Other(number) => frame["kind"] = json!(number.to_string()),
    }
    let packet = Packet {
        source: from.parse().unwrap(),
        payload,
        interface: Some(iface.to_owned()),
        source_port,
        hop_limit: hops,
    };
    (packet, frame)
}

#[test]
fn random_packets_meet_the_explained_verdict_on_nftables() {
    agrees(BackEnd::Nft, 0x5eed_0001);
}

#[test]
fn random_packets_meet_the_explained_verdict_on_iptables_with_nf_tables() {
    agrees(BackEnd::IptablesNft, 0x5eed_0002);
}

#[test]
fn random_packets_meet_the_explained_verdict_on_legacy_iptables() {
    agrees(BackEnd::IptablesLegacy, 0x5eed_0003);
}

fn agrees(back_end: BackEnd, seed: u64) {
    needs_a_lab!();
    let lab = Lab::with(back_end);
    let mut random = Random(seed);
    let list: String = (0..60)
        .map(|i| format!("192.0.2.{}\n2001:db8:77:{:x}::/64\n", i * 4, i * 1021 + 1))
        .collect();
    let short = lab.folder.path().join("short");
    let long = lab.folder.path().join("long");
    std::fs::write(&short, "192.0.2.0/26\n10.0.0.0/8\n2001:db8:77::/49\n").unwrap();
    std::fs::write(&long, list).unwrap();
    for round in 0..8 {
        let file = if round % 2 == 0 { &short } else { &long };
        let request = options(&mut random, file.to_str().unwrap());
        lab.must_apply(&request);
        let ruleset = rules(&Policy::from_request(&request).unwrap());
        let mut pings = 0;
        let (packets, frames): (Vec<Packet>, Vec<Value>) =
            (0..400).map(|_| packet(&mut random, &mut pings)).unzip();
        let delivered = lab.deliver(&frames);
        for ((packet, frame), place) in packets.iter().zip(&frames).zip(&delivered) {
            let ruling = explain(&ruleset, packet);
            assert_eq!(
                place == "host",
                ruling.accept,
                "seed {seed:#x}, {back_end:?}, {request:?}: {frame} {}",
                ruling.rule
            );
        }
    }
}
