//! What the kernel holds of random options, listed and read back, is what was asked for.

use openclaw_sec::firewall::live::{self, Asked, Fate, LiveRules, Saved, Visitor, fate};
use openclaw_sec::firewall::{Family, Packet, Payload, Policy, Protocol, Request, explain, rules};

use crate::explain::{Random, options};
use crate::lab::{BackEnd, Lab};
use crate::needs_a_lab;

#[test]
fn rules_that_were_loaded_are_read_back_as_the_policy() {
    needs_a_lab!();
    for (back_end, seed) in BackEnd::ALL.into_iter().zip(0x5eed_0011..) {
        let lab = Lab::with(back_end);
        let mut random = Random(seed);
        let list = lab.folder.path().join("list");
        for round in 0..5 {
            let entries = if round % 2 == 0 { 3 } else { 60 };
            let text: String = (0..entries)
                .map(|i| format!("192.0.2.{}\n2001:db8:77:{:x}::/64\n", i * 4, i * 1021 + 1))
                .collect();
            std::fs::write(&list, text).unwrap();
            let request = options(&mut random, list.to_str().unwrap());
            lab.must_apply(&request);
            let told = format!("seed {seed:#x}, {back_end:?}, {request:?}");
            agrees(&lab, back_end, &request, &mut random, &told);
            is_same(&lab, &request, &told);
        }
    }
}

/// A walk through the listings ends as `explain` says.
fn agrees(lab: &Lab, back_end: BackEnd, request: &Request, random: &mut Random, told: &str) {
    let live = listed(lab, back_end);
    let ruleset = rules(&Policy::from_request(request).unwrap());
    for _ in 0..200 {
        let visitor = visitor(random);
        let packet = Packet {
            source: visitor.source,
            payload: Payload::Port(visitor.protocol, visitor.port),
            interface: Some(visitor.interface.clone()),
            source_port: 40_000,
            hop_limit: 64,
        };
        let ruling = explain(&ruleset, &packet);
        let fate = fate(&live.tables, &visitor, Asked::Everybody);
        let is_agreed = match &fate {
            Fate::Accepted => ruling.accept,
            Fate::Dropped(..) => !ruling.accept,
            Fate::Unclear(_) => false,
        };
        assert!(is_agreed, "{told}: {visitor:?}: {ruling:?}, {fate:?}");
    }
}

fn listed(lab: &Lab, back_end: BackEnd) -> LiveRules {
    let kind = match back_end {
        BackEnd::Nft => {
            let text = lab.must("nft -j list ruleset");
            return LiveRules::of(Some(&text), Vec::new(), String::new()).unwrap();
        }
        BackEnd::IptablesNft => live::BackEnd::IptablesNft,
        BackEnd::IptablesLegacy => live::BackEnd::IptablesLegacy,
    };
    let saved = Family::ALL.map(|family| {
        let program = match family {
            Family::V4 => "iptables",
            Family::V6 => "ip6tables",
        };
        Saved {
            back_end: kind,
            family,
            program: program.to_owned(),
            text: lab.must(&format!("{program}-save")),
        }
    });
    LiveRules::of(None, saved.to_vec(), lab.must("ipset save")).unwrap()
}

fn visitor(random: &mut Random) -> Visitor {
    let low = random.below(250) + 1;
    let source = match random.below(7) {
        0 | 1 => format!("192.0.2.{low}"),
        2 => format!("203.0.113.{}", low % 9),
        3 => format!("104.{}.{low}.9", 16 + random.below(14)),
        4 => format!("149.154.{}.{low}", 158 + random.below(20)),
        5 => format!("2001:db8:77:{:x}::9", random.below(60) * 1021 + 1),
        _ => format!("2606:4700::{low:x}"),
    };
    let ports = [22, 53, 80, 443, 2022, 2222, 3000, 8443, 18789, 41641, 51820];
    let port = ports[random.below(ports.len())];
    Visitor {
        protocol: [Protocol::Tcp, Protocol::Udp][random.below(2)],
        port,
        dialled: port,
        source: source.parse().unwrap(),
        interface: random
            .pick(&["eth0", "tailscale0", "wg0", "br-0123456789ab", "lo"])
            .to_owned(),
    }
}

/// `verify` finds no difference.
fn is_same(lab: &Lab, request: &Request, told: &str) {
    let arguments = arguments(request);
    let mut command = vec![env!("CARGO_BIN_EXE_openclaw-sec"), "firewall", "verify"];
    command.extend(arguments.iter().map(String::as_str));
    let output = lab.run(&command, "");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{told}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The options as flags.
fn arguments(request: &Request) -> Vec<String> {
    let single = [
        ("--profile", &request.profile),
        ("--block-list", &request.block_list),
        ("--hook", &request.hook),
    ];
    let many = [
        ("--ssh-port", &request.ssh_ports),
        ("--ssh-from", &request.ssh_from),
        ("--allow", &request.allow),
        ("--private-port", &request.private_ports),
        ("--trust-interface", &request.trust_interfaces),
    ];
    let single = single
        .into_iter()
        .filter_map(|(flag, value)| Some((flag, value.as_ref()?)));
    let many = many
        .into_iter()
        .flat_map(|(flag, values)| values.iter().map(move |value| (flag, value)));
    let mut arguments: Vec<String> = single
        .chain(many)
        .flat_map(|(flag, value)| [flag.to_owned(), value.clone()])
        .collect();
    arguments.extend(request.no_ssh.then(|| "--no-ssh".to_owned()));
    arguments
}
