//! What `check` says about hosts with our rules, with those of others, and with none.

use openclaw_sec::firewall::Policy;
use openclaw_sec::firewall::posture::{Judgement, POSTURE_CHECKS, gather};
use openclaw_sec::world::World;

use crate::lab::{BackEnd, Lab, eventually, profile, run};
use crate::matrix::FOREIGN;
use crate::needs_a_lab;

/// Not a test: prints the judgements of the namespace it is started in.
#[test]
#[ignore = "the other tests start it inside a namespace"]
fn posture_of_this_namespace() {
    let Some(id) = World::real()
        .variable("FIREWALL_TEST_PROFILE")
        .map(|id| id.to_string_lossy().into_owned())
    else {
        return;
    };
    let policy = Policy::from_request(&profile(&id)).unwrap();
    let posture = gather(policy, &World::real()).unwrap();
    for (id, judge) in POSTURE_CHECKS {
        for judgement in judge(&posture) {
            let word = match &judgement {
                Judgement::Pass { .. } => "pass".to_owned(),
                Judgement::Fail { subject, .. } => format!("fail {subject}"),
                Judgement::Unknown { reason } => format!("unknown {reason}"),
                Judgement::Skipped { reason } => format!("skipped {reason}"),
            };
            println!("JUDGED {id} {word}");
        }
    }
}

fn judged(lab: &Lab, profile: &str) -> Vec<String> {
    let own = std::env::current_exe().unwrap();
    let output = lab.run(
        &[
            "env",
            &format!("FIREWALL_TEST_PROFILE={profile}"),
            own.to_str().unwrap(),
            "--ignored",
            "--exact",
            "--nocapture",
            "posture::posture_of_this_namespace",
        ],
        "",
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.lines()
        .filter_map(|line| {
            line.split_once("JUDGED ")
                .map(|(_, judged)| judged.to_owned())
        })
        .collect()
}

fn failed(lab: &Lab, profile: &str) -> Vec<String> {
    judged(lab, profile)
        .iter()
        .filter_map(|line| {
            line.split_once(" fail ")
                .map(|(id, subject)| format!("{id} {subject}"))
        })
        .filter(|line| !line.starts_with("firewall.not-persistent"))
        .collect()
}

#[test]
fn a_bare_host_fails_and_ours_passes() {
    needs_a_lab!();
    for back_end in BackEnd::ALL {
        let lab = Lab::with(back_end);
        assert_eq!(
            failed(&lab, "vps"),
            ["firewall.absent host", "firewall.default-accept ipv4"],
            "{back_end:?}"
        );
        for row in openclaw_sec::profiles::PROFILES {
            lab.must_apply(&profile(row.id));
            assert_eq!(failed(&lab, row.id), [""; 0], "{back_end:?} {}", row.id);
            assert!(
                judged(&lab, row.id).contains(&"firewall.drift pass".to_owned()),
                "{back_end:?} {}",
                row.id
            );
        }
        assert!(
            !failed(&lab, "tailscale").is_empty(),
            "the rules of another profile"
        );
    }
}

#[test]
fn listeners_count_where_anybody_reaches_them() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::Nft);
    let listen = "import socket, time\nfor host, port in (('0.0.0.0', 5432), ('127.0.0.1', 6379), ('100.64.0.1', 9090), ('172.17.0.1', 9091), ('0.0.0.0', 443)):\n    s = socket.create_server((host, port)); globals()[f's{port}'] = s\nsix = socket.create_server(('::', 18789), family=socket.AF_INET6)\nopen(__file__ + '.ready', 'w').close()\ntime.sleep(300)";
    let folder = lab.folder.path().display();
    std::fs::write(lab.folder.path().join("listen.py"), listen).unwrap();
    lab.must(&format!(
        "setsid python3 {folder}/listen.py >/dev/null 2>&1 & echo $! >{folder}/pid"
    ));
    eventually("listening", || {
        lab.folder.path().join("listen.py.ready").exists()
    });
    let found = failed(&lab, "vps");
    assert!(
        found.contains(&"firewall.public-listener tcp/5432".to_owned()),
        "{found:?}"
    );
    assert!(
        found.contains(&"firewall.public-listener tcp/18789".to_owned()),
        "{found:?}"
    );
    assert_eq!(
        found
            .iter()
            .filter(|line| line.contains("listener"))
            .count(),
        2,
        "{found:?}"
    );
    assert!(
        failed(&lab, "tailscale").contains(&"network.private-chat-public tcp/18789".to_owned())
    );
    lab.must_apply(&profile("tailscale"));
    assert_eq!(failed(&lab, "tailscale"), [""; 0]);
    lab.must(&format!("kill $(cat {folder}/pid)"));
}

#[test]
fn firewalls_of_others_are_judged_by_what_they_let_in() {
    needs_a_lab!();
    let accept = "iptables -P INPUT DROP; iptables -A INPUT -i lo -j ACCEPT; iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; iptables -A INPUT -p tcp --dport 22 -j ACCEPT";
    let both = format!("{accept}; {}", accept.replace("iptables", "ip6tables"));
    for back_end in [BackEnd::IptablesNft, BackEnd::IptablesLegacy] {
        let cases: Vec<(String, Vec<&str>)> = vec![
            (both.clone(), vec![]),
            (accept.to_owned(), vec!["firewall.ipv6-open ipv6"]),
            (
                format!("{both}; iptables -A INPUT -p tcp --dport 8080 -j ACCEPT"),
                vec!["firewall.extra-port-open tcp/8080"],
            ),
            (
                format!("{both}; iptables -A INPUT -s 192.0.2.9 -p tcp --dport 8080 -j ACCEPT"),
                vec![],
            ),
            (
                format!("{both}; iptables -A INPUT -i tailscale0 -j ACCEPT"),
                vec![],
            ),
            (
                "iptables -A INPUT -s 192.0.2.9 -j DROP".to_owned(),
                vec!["firewall.default-accept ipv4"],
            ),
        ];
        for (rules, expected) in cases {
            let lab = Lab::with(back_end);
            lab.must(&rules);
            assert_eq!(failed(&lab, "vps"), expected, "{back_end:?}: {rules}");
        }
        let lab = Lab::with(back_end);
        lab.must(&format!("{both}; {FOREIGN}"));
        let found = failed(&lab, "vps");
        assert!(
            found.contains(&"firewall.docker-bypass tcp/8080".to_owned()),
            "{found:?}"
        );
        lab.must(
            "iptables -I DOCKER-USER 1 -i eth0 -j DROP; ip6tables -I DOCKER-USER 1 -i eth0 -j DROP",
        );
        assert_eq!(
            failed(&lab, "vps"),
            [""; 0],
            "{back_end:?}: guarded in DOCKER-USER"
        );
        lab.must("iptables -D DOCKER-USER -i eth0 -j DROP");
        lab.must_apply(&profile("vps"));
        let found = failed(&lab, "vps");
        // The rules of others let only ssh in, so 443 stays shut.
        assert!(
            found
                .iter()
                .all(|line| line.starts_with("firewall.drift blocked")),
            "{back_end:?}: guarded by us: {found:?}"
        );
    }
    // firewalld's shape: verdict maps, jumps and a final reject.
    let lab = Lab::with(BackEnd::Nft);
    let firewalld = "table inet firewalld { chain filter_INPUT { type filter hook input priority 10; policy accept; ct state { established, related } accept; ct status dnat accept; iifname \"lo\" accept; ct state invalid drop; jump zones; reject with icmpx admin-prohibited; }\nchain zones { goto public; }\nchain public { jump allow; meta l4proto { icmp, ipv6-icmp } accept; }\nchain allow { tcp dport 22 accept; ip6 daddr fe80::/64 udp dport 546 accept; udp dport 5353 ip daddr 224.0.0.251 accept; }\n}";
    assert!(lab.run(&["nft", "-f", "-"], firewalld).status.success());
    assert_eq!(failed(&lab, "vps"), [""; 0]);
    assert!(run("true", &[], "").status.success());
}
