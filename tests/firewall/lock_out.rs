//! The ssh session that the script comes from is never shut out.

use std::process::Output;

use openclaw_sec::firewall::Request;

use crate::lab::{BackEnd, HOST4, HOST6, Lab, profile, script};
use crate::needs_a_lab;

fn apply_from(lab: &Lab, request: &Request, session: &str) -> Output {
    lab.run(
        &["env", &format!("SSH_CONNECTION={session}"), "sh"],
        &script(request),
    )
}

#[test]
fn a_session_that_could_not_come_back_is_refused_with_the_option_that_helps() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::Nft);
    let list = lab.folder.path().join("list");
    std::fs::write(&list, "192.0.2.0/26\n2001:db8:66::/47\n").unwrap();
    let blocking = Request {
        block_list: Some(list.to_str().unwrap().into()),
        ..profile("vps")
    };
    let from = |networks: &[&str]| Request {
        ssh_from: networks.iter().map(|n| (*n).to_owned()).collect(),
        ..profile("vps")
    };
    let client = |address: &str, port: u16| {
        format!(
            "{address} 50000 {} {port}",
            if address.contains(':') { HOST6 } else { HOST4 }
        )
    };
    let on_tailnet = "100.64.0.2 50000 100.64.0.1 2222";
    let cases: Vec<(Request, String, Option<&str>)> = vec![
        (profile("vps"), client("192.0.2.7", 22), None),
        (profile("vps"), client("2001:db8:77::7", 22), None),
        (profile("vps"), client("::ffff:192.0.2.7", 22), None),
        (profile("vps"), client("192.0.2.7", 443), None),
        (
            profile("vps"),
            client("192.0.2.7", 2222),
            Some("--ssh-port 2222"),
        ),
        (
            profile("vps"),
            client("2001:db8:77::7", 2222),
            Some("--ssh-port 2222"),
        ),
        (
            Request {
                ssh_ports: vec!["2222".into()],
                ..profile("vps")
            },
            client("192.0.2.7", 2222),
            None,
        ),
        (
            Request {
                ssh_ports: vec!["2222".into()],
                ..profile("vps")
            },
            client("192.0.2.7", 22),
            Some("--ssh-port 22"),
        ),
        (
            Request {
                no_ssh: true,
                ..profile("vps")
            },
            client("192.0.2.7", 22),
            Some("--no-ssh"),
        ),
        (
            Request {
                no_ssh: true,
                allow: vec!["tcp/22".into()],
                ..profile("vps")
            },
            client("192.0.2.7", 22),
            None,
        ),
        (from(&["192.0.2.0/25"]), client("192.0.2.127", 22), None),
        (
            from(&["192.0.2.0/25"]),
            client("192.0.2.128", 22),
            Some("--ssh-from 192.0.2.128"),
        ),
        (
            from(&["192.0.2.0/25"]),
            client("2001:db8:77::7", 22),
            Some("--ssh-from 2001:db8:77::7"),
        ),
        (
            from(&["2001:db8:76::/47"]),
            client("2001:db8:77:ffff:ffff:ffff:ffff:ffff", 22),
            None,
        ),
        (
            from(&["2001:db8:76::/47"]),
            client("2001:db8:78::", 22),
            Some("--ssh-from"),
        ),
        (
            blocking.clone(),
            client("192.0.2.63", 22),
            Some("block list"),
        ),
        (blocking.clone(), client("192.0.2.64", 22), None),
        (
            Request {
                allow: vec!["tcp/2222,from=198.51.100.0/24".into()],
                ..from(&["192.0.2.7"])
            },
            client("192.0.2.7", 2222),
            Some("--ssh-port 2222"),
        ),
        (
            Request {
                no_ssh: true,
                ..profile("cloudflare-origin")
            },
            client("192.0.2.7", 443),
            Some("--ssh-port 443 (and leave out --no-ssh)"),
        ),
        (
            from(&["192.0.2.0/25"]),
            "fe80::9%eth0 50000 fe80::1%eth0 22".into(),
            Some("--ssh-from fe80::9\n"),
        ),
        (
            blocking.clone(),
            client("2001:db8:67::1", 22),
            Some("block list"),
        ),
        (blocking.clone(), client("2001:db8:68::1", 22), None),
        (
            Request {
                trust_interfaces: vec!["eth0".into()],
                ..blocking.clone()
            },
            client("192.0.2.63", 2222),
            None,
        ),
        (profile("vps"), on_tailnet.into(), Some("--ssh-port 2222")),
        (
            Request {
                private_ports: vec!["2222".into()],
                ..profile("vps")
            },
            on_tailnet.into(),
            None,
        ),
        (
            Request {
                private_ports: vec!["2222".into()],
                ..profile("vps")
            },
            client("192.0.2.7", 2222),
            Some("--ssh-port 2222"),
        ),
        (
            Request {
                allow: vec!["tcp/2222,from=192.0.2.0/24,iface=eth0".into()],
                ..profile("vps")
            },
            client("192.0.2.7", 2222),
            None,
        ),
        (
            Request {
                allow: vec!["tcp/2222,iface=wg0".into()],
                ..profile("vps")
            },
            client("192.0.2.7", 2222),
            Some("--ssh-port 2222"),
        ),
        (
            profile("vps"),
            "127.0.0.1 50000 127.0.0.1 2222".into(),
            None,
        ),
        (
            profile("vps"),
            "fe80::9%eth0 50000 fe80::1%eth0 22".into(),
            None,
        ),
        (
            profile("vps"),
            "$(touch /tmp/openclaw-sec-was-run) 1 2 3".into(),
            Some("cannot be read"),
        ),
        (
            profile("vps"),
            "'; touch /tmp/openclaw-sec-was-run; '".into(),
            Some("cannot be read"),
        ),
        (
            profile("vps"),
            "192.0.2.7 50000 198.51.100.1 22`id`".into(),
            Some("cannot be read"),
        ),
    ];
    for (request, session, refusal) in cases {
        lab.must("nft flush ruleset");
        let output = apply_from(&lab, &request, &session);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match refusal {
            None => assert!(output.status.success(), "{session}, {request:?}: {said}"),
            Some(hint) => {
                assert_eq!(
                    output.status.code(),
                    Some(2),
                    "{session}, {request:?}: {said}"
                );
                assert!(said.contains(hint), "{session}: {said}");
                assert_eq!(lab.must("nft list ruleset"), "");
            }
        }
    }
    assert!(!std::path::Path::new("/tmp/openclaw-sec-was-run").exists());
}

#[test]
fn a_session_that_came_by_another_port_is_judged_by_the_one_it_dialled() {
    needs_a_lab!();
    let chain = "nft add table ip n; nft add chain ip n p '{ type nat hook prerouting priority -100; }'; nft add rule ip n p";
    let nat = "iptables -t nat -A PREROUTING -p tcp";
    let cases = [
        (
            BackEnd::Nft,
            format!("{chain} tcp dport 2222 redirect to :22"),
            true,
        ),
        (
            BackEnd::Nft,
            format!("{chain} tcp dport '{{ 2200, 2222 }}' dnat to {HOST4}:22"),
            true,
        ),
        (
            BackEnd::Nft,
            format!("{chain} tcp dport 2222 dnat to 172.17.0.2:22"),
            false,
        ),
        (
            BackEnd::Nft,
            format!("{chain} tcp dport 2222 redirect to :23"),
            false,
        ),
        (
            BackEnd::IptablesNft,
            format!("{nat} --dport 2222 -j REDIRECT --to-ports 22"),
            true,
        ),
        (
            BackEnd::IptablesNft,
            format!("{nat} -m multiport --dports 2200,2222 -j DNAT --to-destination {HOST4}:22"),
            true,
        ),
        (
            BackEnd::IptablesNft,
            format!("{nat} --dport 2222 -j DNAT --to-destination 172.17.0.2:22"),
            false,
        ),
        (
            BackEnd::IptablesLegacy,
            format!("{nat} --dport 2222 -j REDIRECT --to-ports 22"),
            true,
        ),
    ];
    let session = format!("192.0.2.7 50000 {HOST4} 22");
    for (back_end, rule, is_refused) in cases {
        let lab = Lab::with(back_end);
        lab.must(&rule);
        let output = apply_from(&lab, &profile("vps"), &session);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code();
        assert_eq!(code, Some(if is_refused { 2 } else { 0 }), "{rule}: {said}");
        assert_eq!(is_refused, said.contains("--ssh-port 22"), "{rule}: {said}");
        let both = Request {
            ssh_ports: ["22", "2200", "2222"].map(str::to_owned).into(),
            ..profile("vps")
        };
        let output = apply_from(&lab, &both, &session);
        assert!(output.status.success(), "{rule}: {output:?}");
        if is_refused {
            let after = Request {
                hook: Some("input".into()),
                ..profile("vps")
            };
            let output = apply_from(&lab, &after, &session);
            assert!(output.status.success(), "{rule}: {output:?}");
        }
    }
}

#[test]
fn a_session_that_sudo_hides_is_found_in_an_ancestor() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::Nft);
    let file = lab.folder.path().join("script.sh");
    std::fs::write(&file, script(&profile("vps"))).unwrap();
    let inner = format!("env -u SSH_CONNECTION sh {}; echo end \\$?", file.display());
    let outer =
        format!("env SSH_CONNECTION='192.0.2.7 50000 {HOST4} 2222' dash -c \"{inner}; :\"; :");
    let output = lab.run(&["sh", "-c", &outer], "");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("end 2"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(lab.must("nft list ruleset"), "");
}
