//! `verify` names every drift of ours, and of others only what blocks what we let in.

use std::process::Output;

use openclaw_sec::firewall::Request;
use serde_json::Value;

use crate::lab::{BackEnd, Lab, profile};
use crate::matrix::FOREIGN;
use crate::needs_a_lab;

fn verify(lab: &Lab, options: &[&str]) -> (i32, Value) {
    let program = env!("CARGO_BIN_EXE_openclaw-sec");
    let mut command = vec![program, "firewall", "verify", "--format", "json"];
    command.extend(options);
    let output: Output = lab.run(&command, "");
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), document)
}

fn is_same(lab: &Lab, options: &[&str], why: &str) {
    let (code, document) = verify(lab, options);
    assert_eq!(code, 0, "{why}: {document:#}");
    assert_eq!(document["status"], "same");
    assert_eq!(document["schema"], "openclaw-sec/firewall/1");
    assert_eq!(document["differences"], serde_json::json!([]));
}

fn drifts(lab: &Lab, options: &[&str], kind: &str, why: &str) {
    let (code, document) = verify(lab, options);
    assert_eq!(code, 1, "{why}: {document:#}");
    assert_eq!(document["status"], "drift");
    let kinds: Vec<&str> = document["differences"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|d| d["kind"].as_str())
        .collect();
    assert!(kinds.contains(&kind), "{why}: {document:#}");
}

#[test]
fn what_was_just_applied_is_the_same_also_after_traffic() {
    needs_a_lab!();
    for back_end in BackEnd::ALL {
        let lab = Lab::with(back_end);
        let options = ["--profile", "tailscale", "--ssh-port", "2222"];
        drifts(&lab, &options, "missing", "a host without rules");
        let (_, document) = verify(&lab, &options);
        let message = document["differences"][0]["message"].as_str().unwrap();
        let command = format!("`openclaw-sec firewall {} | sh`", options.join(" "));
        assert!(message.contains(&command), "{message}");
        let list = lab.folder.path().join("list");
        std::fs::write(
            &list,
            (0..90)
                .map(|i| format!("203.0.{i}.0/25\n2001:db8:{i:x}::/64\n"))
                .collect::<String>(),
        )
        .unwrap();
        let list = list.to_str().unwrap();
        for row in openclaw_sec::profiles::PROFILES {
            lab.must_apply(&Request {
                block_list: Some(list.into()),
                allow: vec!["tcp/80,from=192.0.2.0/24".into()],
                ..profile(row.id)
            });
            let packets: Vec<Value> = (0..30)
                .map(|i| serde_json::json!({ "from": format!("192.0.2.{i}"), "to": crate::lab::HOST4, "iface": "eth0", "kind": "tcp", "port": 22 }))
                .collect();
            lab.deliver(&packets);
            is_same(
                &lab,
                &[
                    "--profile",
                    row.id,
                    "--block-list",
                    list,
                    "--allow",
                    "tcp/80,from=192.0.2.0/24",
                ],
                row.id,
            );
        }
        drifts(&lab, &["--profile", "vps"], "missing", "another profile");
        lab.must_apply(&Request {
            hook: Some("input".into()),
            ..profile("vps")
        });
        is_same(&lab, &["--hook", "input"], "the other hook");
        let (code, _) = verify(&lab, &[]);
        assert_eq!(code, 1, "the wrong hook");
    }
}

#[test]
fn rules_that_a_flag_puts_out_of_force_are_not_the_same() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::Nft);
    lab.must_apply(&profile("vps"));
    lab.must("nft 'add table inet openclaw_sec { flags dormant; }'");
    drifts(&lab, &[], "changed", "our table is dormant");
    lab.must_apply(&profile("vps"));
    is_same(&lab, &[], "our table was laid again");
    lab.must("nft 'add table inet f { flags dormant; }'; nft 'add chain inet f i { type filter hook input priority 0; policy drop; }'");
    is_same(&lab, &[], "a dormant table of others drops nothing");
}

#[test]
fn what_a_device_drops_is_blocked() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::Nft);
    lab.must_apply(&profile("vps"));
    for family in ["netdev", "inet"] {
        for (device, is_ours) in [("lo", true), ("eth0", false)] {
            lab.must(&format!(
                "nft add table {family} d; nft 'add chain {family} d i {{ type filter hook ingress device {device} priority 0; }}'; nft add rule {family} d i tcp dport 443 drop"
            ));
            match is_ours {
                true => is_same(&lab, &[], "another device"),
                false => drifts(&lab, &[], "blocked", family),
            }
            lab.must(&format!("nft delete table {family} d"));
        }
    }
}

#[test]
fn a_change_of_ours_is_named() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::Nft);
    let again = || lab.must_apply(&profile("cloudflare-origin"));
    let options = ["--profile", "cloudflare-origin"];
    for (change, kind) in [
        (
            "nft insert rule inet openclaw_sec guard tcp dport 8080 accept",
            "unexpected",
        ),
        (
            "nft delete element inet openclaw_sec web_v4 '{ 104.16.0.0/13 }'",
            "missing",
        ),
        (
            "nft add element inet openclaw_sec web_v4 '{ 8.8.8.0/24 }'",
            "unexpected",
        ),
        ("nft delete table inet openclaw_sec", "missing"),
        (
            "nft delete rule inet openclaw_sec guard handle $(nft -a list table inet openclaw_sec | sed -n 's/.*comment \"invalid\" # handle //p')",
            "missing",
        ),
        ("iptables-legacy -t mangle -N OPENCLAW-SEC", ""),
    ] {
        again();
        is_same(&lab, &options, "before");
        if kind.is_empty() {
            continue;
        }
        lab.must(change);
        drifts(&lab, &options, kind, change);
    }
    for back_end in [BackEnd::IptablesNft, BackEnd::IptablesLegacy] {
        let lab = Lab::with(back_end);
        for (change, kind) in [
            (
                "iptables -t mangle -I OPENCLAW-SEC -p tcp --dport 8080 -j RETURN",
                "unexpected",
            ),
            ("ip6tables -t mangle -D OPENCLAW-SEC -j DROP", "missing"),
            (
                "iptables -t mangle -D PREROUTING -j OPENCLAW-SEC",
                "missing",
            ),
            (
                "iptables -t mangle -I PREROUTING 1 -s 192.0.2.9 -j ACCEPT",
                "bypassed",
            ),
            ("ip6tables -t mangle -F; ip6tables -t mangle -X", "missing"),
        ] {
            lab.must_apply(&profile("vps"));
            is_same(&lab, &[], "before");
            lab.must(change);
            drifts(&lab, &[], kind, change);
            lab.must("iptables -t mangle -D PREROUTING -s 192.0.2.9 -j ACCEPT || :");
        }
    }
    let lab = Lab::with(BackEnd::IptablesNft);
    let list = lab.folder.path().join("list");
    std::fs::write(
        &list,
        (0..90)
            .map(|i| format!("203.0.{i}.0/25\n"))
            .collect::<String>(),
    )
    .unwrap();
    lab.must_apply(&Request {
        block_list: Some(list.to_str().unwrap().into()),
        ..profile("vps")
    });
    lab.must("ipset del openclaw-sec-block-v4 203.0.7.0/25");
    drifts(
        &lab,
        &["--block-list", list.to_str().unwrap()],
        "missing",
        "a member of an ipset",
    );
}

#[test]
fn rules_of_others_count_where_they_block_what_we_let_in() {
    needs_a_lab!();
    for back_end in [BackEnd::IptablesNft, BackEnd::IptablesLegacy] {
        for (change, blocks) in [
            ("iptables -P INPUT DROP", true),
            ("ip6tables -P INPUT DROP", true),
            (
                "iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; iptables -A INPUT -p tcp --dport 22 -j ACCEPT; iptables -A INPUT -j REJECT --reject-with icmp-host-prohibited",
                true,
            ),
            (
                "iptables -I INPUT -p tcp -m multiport --dports 80,443 -j DROP",
                true,
            ),
            (
                "iptables -t raw -A PREROUTING -i eth0 -p tcp --dport 443 -j DROP",
                true,
            ),
            (
                "iptables -P INPUT DROP; iptables -A INPUT -p tcp -m multiport --dports 22,443 -j ACCEPT",
                false,
            ),
            (
                "iptables -I INPUT -s 192.0.2.66 -j DROP; ip6tables -I INPUT -s 2001:db8::/32 -p tcp --dport 22 -j REJECT",
                false,
            ),
            (
                "iptables -I INPUT -p tcp --dport 22 -m hashlimit --hashlimit-above 5/min --hashlimit-name x --hashlimit-mode srcip -j DROP",
                false,
            ),
            (
                "iptables -I INPUT -p tcp --dport 22 -m recent --name s --rcheck --seconds 60 --hitcount 4 -j DROP; iptables -I INPUT -p tcp --dport 22 -m recent --name s --set",
                false,
            ),
            (
                "iptables -I INPUT -p tcp --dport 80 -j DROP; iptables -I INPUT -i docker0 -j DROP; iptables -I INPUT -p udp -j DROP",
                false,
            ),
            ("iptables -I INPUT -m u32 --u32 0=0 -j DROP || :", false),
            (FOREIGN, false),
        ] {
            let lab = Lab::with(back_end);
            lab.must_apply(&profile("vps"));
            lab.must(change);
            if blocks {
                drifts(&lab, &[], "blocked", change);
            } else {
                is_same(&lab, &[], change);
            }
        }
    }
    for (rules, blocks) in [
        (
            "type filter hook input priority 0; policy drop; tcp dport 22 accept",
            true,
        ),
        (
            "type filter hook input priority 0; policy drop; ct state vmap { established : accept, invalid : drop }; tcp dport { 22, 80, 443 } accept",
            false,
        ),
        (
            "type filter hook input priority 0; policy accept; tcp dport 443 reject",
            true,
        ),
        (
            "type filter hook input priority 0; policy accept; ip saddr 192.0.2.0/24 drop; tcp dport 22 ct state new limit rate over 5/minute drop",
            false,
        ),
        (
            "type filter hook input priority 0; policy drop; tcp dport vmap { 22 : accept, 400-500 : accept }",
            false,
        ),
        ("type filter hook forward priority 0; policy drop;", false),
    ] {
        let lab = Lab::with(BackEnd::Nft);
        lab.must_apply(&profile("vps"));
        let lines: Vec<&str> = rules.splitn(3, ';').collect();
        let mut text = format!(
            "add table inet other\nadd chain inet other c {{ {};{}; }}\n",
            lines[0], lines[1]
        );
        for rule in lines[2]
            .split("; ")
            .map(str::trim)
            .filter(|rule| !rule.is_empty())
        {
            text.push_str(&format!("add rule inet other c {rule}\n"));
        }
        assert!(
            lab.run(&["nft", "-f", "-"], &text).status.success(),
            "{text}"
        );
        if blocks {
            drifts(&lab, &[], "blocked", rules);
        } else {
            is_same(&lab, &[], rules);
        }
    }
}

#[test]
fn without_root_or_a_tool_it_is_unknown() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::IptablesNft);
    let program = env!("CARGO_BIN_EXE_openclaw-sec");
    let copy = lab.folder.path().join("openclaw-sec");
    std::fs::copy(program, &copy).unwrap();
    std::fs::set_permissions(
        lab.folder.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let output = lab.run(
        &[
            "setpriv",
            "--reuid=65534",
            "--clear-groups",
            "env",
            "HOME=/nonexistent",
            copy.to_str().unwrap(),
            "firewall",
            "verify",
            "--format",
            "json",
        ],
        "",
    );
    assert_eq!(
        output.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["status"], "unknown");
    for tool in ["iptables", "iptables-save", "ip6tables", "ip6tables-save"] {
        std::fs::remove_file(lab.folder.path().join("bin").join(tool)).unwrap();
    }
    assert_eq!(verify(&lab, &[]).0, 3);
}
