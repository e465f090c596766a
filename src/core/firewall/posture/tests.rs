//! Tests: hosts in a few lines of iptables-save, and what is said about them.

use std::collections::HashMap;

use super::*;
use crate::firewall::SCHEMA;
use crate::firewall::live::{BackEnd, LiveRules, saved_tables};
use crate::firewall::policy::Request;
use crate::firewall::verify::{Comparison, Difference};

/// Everything is dropped but ssh and https, as profile `vps` wants it.
const SHUT: &str = "*filter
:INPUT DROP [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT
";
const OPEN: &str = "*filter\n:INPUT ACCEPT [0:0]\n";
const UNCLEAR: &str = "*filter
:INPUT DROP [0:0]
-A INPUT -m geoip --source-country DE -j ACCEPT
";

/// A host with a global IPv6 address and these rules: `iptables-save` and `ip6tables-save`.
fn host(v4: &str, v6: &str) -> Posture {
    let mut live = LiveRules {
        public_interface: Some("eth0".into()),
        ..LiveRules::default()
    };
    for (family, text) in [(Family::V4, v4), (Family::V6, v6)] {
        live.tables.extend(saved_tables(
            text,
            BackEnd::IptablesNft,
            family,
            &HashMap::new(),
        ));
    }
    Posture {
        policy: policy("vps", &[]),
        live,
        listeners: Vec::new(),
        has_global_ipv6: true,
        keeper: None,
        comparison: None,
        connected: Vec::new(),
    }
}

fn policy(profile: &str, allow: &[&str]) -> Policy {
    Policy::from_request(&Request {
        profile: Some(profile.into()),
        allow: allow.iter().map(ToString::to_string).collect(),
        ..Request::default()
    })
    .unwrap()
}

fn of_profile(profile: &str, posture: Posture) -> Posture {
    Posture {
        policy: policy(profile, &[]),
        ..posture
    }
}

/// `SHUT` with one more rule of INPUT.
fn shut_but(rule: &str) -> String {
    format!("{SHUT}-A INPUT {rule}\n")
}

/// A host on which `PROTOCOL ADDRESS PORT` listens.
fn listening(on: &[(Protocol, &str, u16)], posture: Posture) -> Posture {
    let listeners = on
        .iter()
        .map(|(protocol, address, port)| Listener {
            protocol: *protocol,
            address: address.parse().unwrap(),
            port: *port,
            process: Some("bot".into()),
        })
        .collect();
    Posture {
        listeners,
        ..posture
    }
}

/// The judgements as words: `pass`, `fail SUBJECT`, `unknown`, `skipped`.
fn said(judge: fn(&Posture) -> Vec<Judgement>, posture: &Posture) -> String {
    let words: Vec<String> = judge(posture)
        .iter()
        .map(|judgement| match judgement {
            Judgement::Pass { .. } => "pass".to_owned(),
            Judgement::Fail { subject, .. } => format!("fail {subject}"),
            Judgement::Unknown { .. } => "unknown".to_owned(),
            Judgement::Skipped { .. } => "skipped".to_owned(),
        })
        .collect();
    words.join(", ")
}

#[test]
fn a_host_that_drops_nothing_inbound_has_no_firewall() {
    let cases = [
        ("no table", "", "fail host"),
        ("an empty one", OPEN, "fail host"),
        ("a policy", "*filter\n:INPUT DROP [0:0]\n", "pass"),
        (
            "a rule",
            "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 192.0.2.1/32 -j REJECT\n",
            "pass",
        ),
        (
            "before NAT",
            "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i eth0 -j DROP\n",
            "pass",
        ),
        (
            "forwarded packets alone",
            "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n",
            "fail host",
        ),
        (
            "in a chain behind a chain",
            "*filter\n:INPUT ACCEPT [0:0]\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -g b\n-A b -j DROP\n",
            "pass",
        ),
        (
            "in a chain that nothing enters",
            "*filter\n:INPUT ACCEPT [0:0]\n:a - [0:0]\n-A a -j DROP\n",
            "fail host",
        ),
        (
            "a jump to a chain that drops nothing, and to itself",
            "*filter\n:INPUT ACCEPT [0:0]\n:a - [0:0]\n-A INPUT -j a\n-A a -j RETURN\n-A a -j a\n",
            "fail host",
        ),
    ];
    for (situation, rules, expected) in cases {
        assert_eq!(said(absent, &host(rules, "")), expected, "{situation}");
        assert_eq!(said(absent, &host("", rules)), expected, "{situation} (6)");
    }
}

#[test]
fn a_port_that_nobody_named_must_not_get_in() {
    let most_get_in = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 177.0.0.0/8 -j DROP\n";
    let one_gets_in = shut_but("-s 45.83.29.0/24 -j ACCEPT");
    let (one_port, udp) = (
        shut_but("-p tcp -m tcp --dport 6767 -j ACCEPT"),
        shut_but("-p udp -j ACCEPT"),
    );
    let cases = [
        ("open", OPEN, "fail ipv4"),
        ("shut", SHUT, "pass"),
        ("open but for a banned country", most_get_in, "fail ipv4"),
        ("open for one network", &one_gets_in, "pass"),
        ("one of the ports", &one_port, "fail ipv4"),
        ("all of UDP", &udp, "fail ipv4"),
        ("a rule that is not understood", UNCLEAR, "unknown"),
    ];
    for (situation, rules, expected) in cases {
        assert_eq!(
            said(default_accept, &host(rules, SHUT)),
            expected,
            "{situation}"
        );
    }
}

#[test]
fn a_port_that_the_options_open_is_not_one_that_nobody_named() {
    let posture = host(&shut_but("-p tcp -m tcp --dport 47123 -j ACCEPT"), SHUT);
    assert_eq!(said(default_accept, &posture), "fail ipv4");
    let allowed = Posture {
        policy: policy("vps", &["tcp/47123"]),
        ..posture
    };
    assert_eq!(said(default_accept, &allowed), "pass");
}

#[test]
fn ipv6_is_shut_where_ipv4_is() {
    let cases = [
        ("both shut", SHUT, SHUT, "pass"),
        ("IPv6 open", SHUT, OPEN, "fail ipv6"),
        ("no rule for IPv6", SHUT, "", "fail ipv6"),
        ("both open", OPEN, OPEN, "skipped"),
        ("IPv4 alone open", OPEN, SHUT, "skipped"),
        ("not understood", SHUT, UNCLEAR, "unknown"),
    ];
    for (situation, v4, v6, expected) in cases {
        assert_eq!(said(ipv6_open, &host(v4, v6)), expected, "{situation}");
    }
    let without_address = Posture {
        has_global_ipv6: false,
        ..host(SHUT, OPEN)
    };
    assert_eq!(said(ipv6_open, &without_address), "skipped");
}

#[test]
fn a_port_that_the_profile_does_not_open_stays_shut() {
    let eight = shut_but("-p tcp -m tcp --dport 8080 -j ACCEPT");
    let one_source = shut_but("-s 192.0.2.0/24 -p tcp -m tcp --dport 8080 -j ACCEPT");
    let udp = shut_but("-p udp -m udp --dport 53 -j ACCEPT");
    let cases = [
        ("the profile's own", "vps", SHUT, SHUT, "pass"),
        ("one more", "vps", &eight, SHUT, "fail tcp/8080"),
        ("one more over IPv6", "vps", SHUT, &eight, "fail tcp/8080"),
        ("the same in both", "vps", &eight, &eight, "fail tcp/8080"),
        ("UDP", "vps", &udp, SHUT, "fail udp/53"),
        ("for one network", "vps", &one_source, SHUT, "pass"),
        ("everything is open", "vps", OPEN, SHUT, "pass"),
        (
            "https of a tunnel",
            "cloudflare-tunnel",
            SHUT,
            "",
            "fail tcp/443",
        ),
        // The profile opens it for Cloudflare, and on the tailnet.
        (
            "https of an origin",
            "cloudflare-origin",
            SHUT,
            "",
            "fail tcp/443",
        ),
        ("https of a tailnet", "tailscale", SHUT, "", "fail tcp/443"),
    ];
    for (situation, profile, v4, v6, expected) in cases {
        let posture = of_profile(profile, host(v4, v6));
        assert_eq!(said(extra_port_open, &posture), expected, "{situation}");
    }
}

#[test]
fn a_range_is_named_by_its_ends_and_not_by_what_others_say_about_its_middle() {
    let rules = format!(
        "*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 8400 -j DNAT --to-destination 172.17.0.2:80
{SHUT}-A INPUT -s 192.0.2.1/32 -p tcp -m tcp --dport 8500 -j DROP
-A INPUT -p tcp -m tcp --dport 8600 -j LOG
-A INPUT -p tcp -m tcp --dport 8000:9000 -j ACCEPT
"
    );
    assert_eq!(
        said(extra_port_open, &host(&rules, "")),
        "fail tcp/8000, fail tcp/9000"
    );
}

#[test]
fn a_port_that_is_left_out_between_drops_is_found() {
    let drops = |rest: &str| {
        format!(
            "*filter
:INPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 1:21 -j DROP
-A INPUT -p tcp -m tcp --dport 23:442 -j DROP
{rest}-A INPUT -p udp -m udp --dport 1:65535 -j DROP
"
        )
    };
    let hole = drops(
        "-A INPUT -p tcp -m tcp --dport 444:3305 -j DROP\n-A INPUT -p tcp -m tcp --dport 3307:65535 -j DROP\n",
    );
    assert_eq!(said(extra_port_open, &host(&hole, "")), "fail tcp/3306");
    let none = drops("-A INPUT -p tcp -m tcp --dport 444:65535 -j DROP\n");
    assert_eq!(said(extra_port_open, &host(&none, "")), "pass");
    let but = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p udp -j DROP\n-A INPUT -p tcp -m multiport ! --dports 22,443,3306 -j DROP\n";
    assert_eq!(said(extra_port_open, &host(but, "")), "fail tcp/3306");
}

#[test]
fn a_port_to_come_from_opens_every_port() {
    let rules = shut_but("-p tcp -m tcp --sport 53 -j ACCEPT");
    assert_eq!(said(default_accept, &host(&rules, SHUT)), "fail ipv4");
}

#[test]
fn a_published_container_port_needs_a_guard() {
    const WEB: &str =
        "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80";
    const HTTPS: &str =
        "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 443 -j DNAT --to-destination 172.17.0.2:443";
    const DNS: &str =
        "-A DOCKER ! -i docker0 -p udp -m udp --dport 53 -j DNAT --to-destination 172.17.0.2:53";
    const LOCAL: &str = "-A DOCKER -d 127.0.0.1/32 ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80";
    const GUARD: &str = "*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 443 -j RETURN
-A PREROUTING -i eth0 -j DROP
";
    const HALF_A_GUARD: &str = "*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 443 -j DROP
";
    let user = |rule: &str| format!("*filter\n:DOCKER-USER - [0:0]\n-A DOCKER-USER {rule}\n");
    let inside = user("-i eth0 -p tcp -m tcp --dport 80 -j DROP");
    let outside = user("-i eth0 -p tcp -m tcp --dport 8080 -j DROP");
    let dialled = user("-i eth0 -p tcp -m conntrack --ctorigdstport 8080 -j DROP");
    let not_dialled = user("-i eth0 -p tcp -m conntrack --ctorigdstport 80 -j DROP");
    let another = user("-i eth0 -p tcp -m tcp --dport 81 -j DROP");
    let cases = [
        ("none is published", "", SHUT, "skipped"),
        ("on loopback alone", LOCAL, SHUT, "skipped"),
        ("INPUT guards nothing", WEB, SHUT, "fail tcp/8080"),
        ("UDP", DNS, SHUT, "fail udp/53"),
        ("before NAT", WEB, GUARD, "pass"),
        ("by the port inside", WEB, &inside, "pass"),
        (
            "by the port outside, which is gone there",
            WEB,
            &outside,
            "fail tcp/8080",
        ),
        ("by the port that was dialled", WEB, &dialled, "pass"),
        (
            "by the port inside as if it were dialled",
            WEB,
            &not_dialled,
            "fail tcp/8080",
        ),
        ("of another port", WEB, &another, "fail tcp/8080"),
        ("wanted, the rest guarded", HTTPS, GUARD, "pass"),
        ("wanted, nothing guarded", HTTPS, "", "fail tcp/443"),
        ("wanted and shut all the same", HTTPS, HALF_A_GUARD, "pass"),
    ];
    for (situation, nat, others, expected) in cases {
        let rules = format!("*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n{nat}\n{others}");
        assert_eq!(
            said(docker_bypass, &host(&rules, "")),
            expected,
            "{situation}"
        );
    }
}

#[test]
fn rules_must_come_back_after_a_reboot() {
    let kept = |keeper: Option<&str>, rules| Posture {
        keeper: keeper.map(ToOwned::to_owned),
        ..host(rules, "")
    };
    assert_eq!(said(not_persistent, &kept(None, OPEN)), "skipped");
    assert_eq!(said(not_persistent, &kept(None, SHUT)), "fail host");
    let unit = Some("nftables.service");
    assert_eq!(said(not_persistent, &kept(unit, SHUT)), "pass");
}

#[test]
fn a_unit_counts_that_brings_back_the_rules_in_force() {
    let kept = |unit: &str, path: &str, text: &str, is_ours_live: bool| {
        let root = tempfile::tempdir().unwrap();
        let wants = root
            .path()
            .join("etc/systemd/system/multi-user.target.wants");
        let file = root.path().join(path);
        std::fs::create_dir_all(&wants).unwrap();
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
        std::os::unix::fs::symlink("../nothing", wants.join(unit)).unwrap();
        gather::keeper(|path| root.path().join(path), is_ours_live).is_some()
    };
    let ufw = ("ufw.service", "etc/ufw/ufw.conf");
    assert!(!kept(ufw.0, ufw.1, "# ENABLED=yes\nENABLED=no\n", false));
    assert!(kept(ufw.0, ufw.1, "ENABLED=yes\n", false));
    assert!(!kept(ufw.0, ufw.1, "ENABLED=yes\n", true));
    let nft = ("nftables.service", "etc/nftables.conf");
    assert!(kept(nft.0, nft.1, "flush ruleset\n", false));
    assert!(!kept(nft.0, nft.1, "flush ruleset\n", true));
    assert!(kept(nft.0, nft.1, "table inet openclaw_sec {\n", true));
    assert!(kept("openclaw-sec-firewall.service", "x", "", true));
}

#[test]
fn a_socket_that_anyone_can_reach_is_one_that_the_profile_names() {
    use Protocol::{Tcp, Udp};
    let eight = shut_but("-p tcp -m tcp --dport 8080 -j ACCEPT");
    type Case<'c> = (
        &'c str,
        &'c str,
        &'c [(Protocol, &'c str, u16)],
        &'c str,
        &'c str,
        &'c str,
    );
    let cases: &[Case<'_>] = &[
        ("nothing listens", "vps", &[], OPEN, OPEN, "pass"),
        (
            "ssh and https",
            "vps",
            &[(Tcp, "::", 22), (Tcp, "::", 443)],
            OPEN,
            OPEN,
            "pass",
        ),
        (
            "https of an origin",
            "cloudflare-origin",
            &[(Tcp, "::", 443)],
            OPEN,
            OPEN,
            "pass",
        ),
        (
            "https of a tailnet",
            "tailscale",
            &[(Tcp, "::", 443)],
            OPEN,
            OPEN,
            "fail tcp/443",
        ),
        (
            "another one",
            "vps",
            &[(Tcp, "0.0.0.0", 8080)],
            OPEN,
            SHUT,
            "fail tcp/8080",
        ),
        (
            "ssh's number over UDP",
            "vps",
            &[(Udp, "::", 22)],
            OPEN,
            OPEN,
            "fail udp/22",
        ),
        (
            "behind rules",
            "vps",
            &[(Tcp, "::", 8080)],
            SHUT,
            SHUT,
            "pass",
        ),
        (
            "through a rule",
            "vps",
            &[(Tcp, "::", 8080)],
            &eight,
            SHUT,
            "fail tcp/8080",
        ),
        (
            "over IPv6 alone",
            "vps",
            &[(Tcp, "::", 8080)],
            SHUT,
            OPEN,
            "fail tcp/8080",
        ),
        (
            "of one family",
            "vps",
            &[(Tcp, "0.0.0.0", 8080)],
            SHUT,
            OPEN,
            "pass",
        ),
        (
            "on loopback",
            "vps",
            &[(Tcp, "127.0.0.1", 8080)],
            OPEN,
            OPEN,
            "pass",
        ),
        (
            "two sockets of one port",
            "vps",
            &[(Tcp, "0.0.0.0", 8080), (Tcp, "::", 8080)],
            OPEN,
            OPEN,
            "fail tcp/8080",
        ),
        (
            "not understood",
            "vps",
            &[(Tcp, "::", 8080)],
            UNCLEAR,
            UNCLEAR,
            "unknown",
        ),
    ];
    for (situation, profile, listeners, v4, v6, expected) in cases {
        let posture = of_profile(profile, listening(listeners, host(v4, v6)));
        assert_eq!(said(public_listener, &posture), *expected, "{situation}");
    }
}

#[test]
fn drift_is_what_the_comparison_found() {
    let difference = Difference {
        kind: "missing",
        family: "ipv4",
        r#where: "nftables guard".into(),
        expected: None,
        found: None,
        message: "a rule is gone".into(),
    };
    let compared = |status, differences| {
        Some(Ok(Comparison {
            schema: SCHEMA,
            status,
            differences,
        }))
    };
    let cases = [
        (None, "skipped"),
        (Some(Err("no unshare".to_owned())), "unknown"),
        (compared(Status::Same, Vec::new()), "pass"),
        (
            compared(Status::Drift, vec![difference]),
            "fail missing ipv4 nftables guard",
        ),
    ];
    for (comparison, expected) in cases {
        let posture = Posture {
            comparison,
            ..host(SHUT, SHUT)
        };
        assert_eq!(said(drift, &posture), expected);
    }
}

#[test]
fn the_private_chat_is_reached_from_the_tailnet_alone() {
    use Protocol::{Tcp, Udp};
    let cases = [
        (
            "another profile",
            "vps",
            (Tcp, "::", 18789),
            OPEN,
            "skipped",
        ),
        (
            "open",
            "tailscale",
            (Tcp, "::", 18789),
            OPEN,
            "fail tcp/18789",
        ),
        (
            "the other port",
            "tailscale",
            (Tcp, "::", 3000),
            OPEN,
            "fail tcp/3000",
        ),
        (
            "another service",
            "tailscale",
            (Tcp, "::", 8080),
            OPEN,
            "pass",
        ),
        ("UDP", "tailscale", (Udp, "::", 3000), OPEN, "pass"),
        (
            "behind rules",
            "tailscale",
            (Tcp, "::", 18789),
            SHUT,
            "pass",
        ),
        (
            "on loopback",
            "tailscale",
            (Tcp, "127.0.0.1", 18789),
            OPEN,
            "pass",
        ),
        (
            "on the tailnet",
            "tailscale",
            (Tcp, "100.100.1.1", 18789),
            OPEN,
            "pass",
        ),
    ];
    for (situation, profile, listener, rules, expected) in cases {
        let posture = of_profile(profile, listening(&[listener], host(rules, rules)));
        assert_eq!(said(private_chat_public, &posture), expected, "{situation}");
    }
    let both = [(Tcp, "::", 3000), (Tcp, "::", 18789)];
    let posture = of_profile("tailscale", listening(&both, host(OPEN, OPEN)));
    assert_eq!(said(private_chat_public, &posture), "fail tcp/3000");
}
