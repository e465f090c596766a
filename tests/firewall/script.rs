//! The script: in every shell, cut anywhere, run twice, run at once, refused, failed, stored.

use openclaw_sec::firewall::{Request, off_script};

use crate::lab::{BackEnd, Lab, eventually, profile, run, script, text};
use crate::matrix::FOREIGN;
use crate::needs_a_lab;

#[test]
fn every_shell_loads_what_the_format_nft_loads() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::Nft);
    let request = profile("cloudflare-origin");
    assert!(
        lab.run(&["nft", "-f", "-"], &text(&request, "nft"))
            .status
            .success()
    );
    let expected = lab.everything();
    assert!(
        lab.run(&["nft", "-j", "-f", "-"], &text(&request, "json"))
            .status
            .success()
    );
    assert_eq!(lab.everything(), expected);
    let script = script(&request);
    for shell in [
        "dash",
        "busybox ash",
        "bash",
        "bash --posix",
        "dash -eu",
        "env -i dash",
        "env -i bash -eu",
    ] {
        lab.must("nft flush ruleset");
        let output = lab.run(&shell.split(' ').collect::<Vec<_>>(), &script);
        assert!(
            output.status.success(),
            "{shell}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.stdout.is_empty(), "{shell}");
        assert_eq!(lab.everything(), expected, "{shell}");
    }
}

#[test]
fn shellcheck_has_nothing_to_say() {
    if !run("sh", &["-c", "command -v shellcheck"], "")
        .status
        .success()
    {
        eprintln!("not run: the command shellcheck is missing");
        return;
    }
    let list = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        list.path(),
        (0..200)
            .map(|i| format!("192.0.2.{i}\n2001:db8:{i:x}::/64\n"))
            .collect::<String>(),
    )
    .unwrap();
    let full = Request {
        block_list: Some(list.path().to_str().unwrap().to_owned()),
        persist: true,
        rollback: Some("30".into()),
        hook: Some("input".into()),
        ..profile("cloudflare-origin")
    };
    let engine = off_script();
    let engine = engine
        .split("OPENCLAW_SEC_ENGINE'\n")
        .nth(1)
        .unwrap()
        .split("OPENCLAW_SEC_ENGINE")
        .next()
        .unwrap();
    for text in [
        script(&profile("vps")),
        script(&full),
        off_script(),
        engine.to_owned(),
    ] {
        let output = run("shellcheck", &["-s", "sh", "-S", "warning", "-"], &text);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
}

#[test]
fn a_script_cut_anywhere_changes_nothing_and_leaves_nothing() {
    needs_a_lab!();
    let lab = Lab::new();
    let before = lab.everything();
    let script = script(&profile("vps"));
    let first_brace = script.find("\n{\n").unwrap() + 2;
    let last = script.len() - 1;
    let mut cuts: Vec<usize> = (0..script.len()).step_by(397).collect();
    cuts.extend(last - 60..last);
    for (index, cut) in cuts.into_iter().enumerate() {
        if !script.is_char_boundary(cut) {
            continue;
        }
        let shell: &[&str] = match index % 3 {
            0 => &["dash"],
            1 => &["busybox", "ash"],
            _ => &["bash"],
        };
        let output = lab.run(shell, &script[..cut]);
        assert!(
            cut < first_brace || !output.status.success(),
            "cut at {cut} in {shell:?} looks like a success"
        );
        assert!(output.stdout.is_empty());
    }
    assert_eq!(lab.everything(), before);
    let space = lab.must("readlink /proc/self/ns/net");
    let space: String = space.chars().filter(char::is_ascii_digit).collect();
    assert!(
        !std::path::Path::new("/run/openclaw-sec")
            .join(space)
            .exists()
    );
}

#[test]
fn a_second_run_changes_nothing_and_runs_at_once_lay_one_jump() {
    needs_a_lab!();
    for back_end in BackEnd::ALL {
        let lab = Lab::with(back_end);
        lab.must_apply(&profile("telegram"));
        let once = lab.everything();
        lab.must_apply(&profile("telegram"));
        assert_eq!(lab.everything(), once, "{back_end:?}");
        let lab = Lab::with(back_end);
        let script = script(&profile("telegram"));
        std::thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| assert!(lab.run(&["sh"], &script).status.success()));
            }
        });
        assert_eq!(lab.everything(), once, "{back_end:?}");
    }
}

#[test]
fn foreign_rules_stay_and_off_takes_away_ours_alone() {
    needs_a_lab!();
    for back_end in [BackEnd::IptablesNft, BackEnd::IptablesLegacy] {
        let lab = Lab::with(back_end);
        lab.must(FOREIGN);
        lab.must("iptables -t mangle -A PREROUTING -p tcp --dport 7 -j MARK --set-mark 7; ip6tables -t mangle -A FORWARD -j ACCEPT");
        let before = lab.rules();
        lab.must_apply(&profile("cloudflare-origin"));
        let with_ours = lab.rules();
        let foreign: String = with_ours
            .lines()
            .filter(|line| !line.contains("OPENCLAW"))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(foreign, before, "{back_end:?}");
        assert_eq!(
            with_ours.matches("-A PREROUTING -j OPENCLAW-SEC").count(),
            2
        );
        let off = lab.run(&["sh"], &off_script());
        assert!(off.status.success());
        assert_eq!(lab.rules(), before, "{back_end:?}");
        assert!(
            lab.run(&["sh"], &off_script()).status.success(),
            "off twice is harmless"
        );
        assert_eq!(lab.rules(), before);
    }
    let lab = Lab::with(BackEnd::Nft);
    lab.must("nft add table inet foreign; nft 'add chain inet foreign input { type filter hook input priority 0; policy drop; }'; nft add rule inet foreign input accept");
    let before = lab.everything();
    lab.must_apply(&profile("vps"));
    assert!(lab.run(&["sh"], &off_script()).status.success());
    assert_eq!(lab.everything(), before);
}

#[test]
fn the_jump_comes_first_again_and_a_change_of_hook_or_back_end_leaves_no_rest() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::IptablesNft);
    lab.must_apply(&profile("vps"));
    lab.must("iptables -t mangle -I PREROUTING 1 -j ACCEPT; iptables -t mangle -A PREROUTING -j OPENCLAW-SEC");
    lab.must_apply(&profile("vps"));
    let chain = lab.must("iptables -t mangle -S PREROUTING");
    assert_eq!(
        chain,
        "-P PREROUTING ACCEPT\n-A PREROUTING -j OPENCLAW-SEC\n-A PREROUTING -j ACCEPT\n"
    );
    lab.must_apply(&Request {
        hook: Some("input".into()),
        ..profile("vps")
    });
    assert!(
        !lab.must("iptables-save -t mangle; ip6tables-save -t mangle")
            .contains("OPENCLAW")
    );
    assert!(
        lab.must("iptables -S INPUT")
            .contains("-A INPUT -j OPENCLAW-SEC")
    );
    // The same host gets nftables.
    let output = run(
        "ip",
        &["netns", "exec", &lab.host, "sh"],
        &script(&profile("vps")),
    );
    assert!(output.status.success());
    let rules = lab.rules();
    assert!(
        rules.contains("table inet openclaw_sec") && !rules.contains("OPENCLAW"),
        "{rules}"
    );
    // A PATH without nft cannot take those away, and lays no others beside them.
    for script in [script(&profile("vps")), off_script()] {
        let output = lab.run(&["sh"], &script);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("nothing was changed") && said.contains("PATH"),
            "{said}"
        );
        assert_eq!(lab.rules(), rules);
    }
}

#[test]
fn off_in_the_path_of_plain_su_says_that_it_cannot_take_rules_away() {
    needs_a_lab!();
    let plain_su = ["env", "PATH=/usr/local/bin:/usr/bin:/bin", "sh"];
    for back_end in BackEnd::ALL {
        let lab = Lab::with(back_end);
        for profiles in [None, Some("vps")] {
            if let Some(id) = profiles {
                lab.must_apply(&profile(id));
            }
            let before = lab.everything();
            let output = lab.run(&plain_su, &off_script());
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{back_end:?}: {said}");
            assert!(
                said.contains("refused, nothing was changed")
                    && said.contains("/usr/sbin")
                    && said.contains("PATH"),
                "{back_end:?}: {said}"
            );
            assert_eq!(lab.everything(), before, "{back_end:?}");
        }
        assert!(lab.run(&["sh"], &off_script()).status.success());
        assert_eq!(lab.rules(), "", "{back_end:?}");
    }
}

#[test]
fn the_script_refuses_before_it_changes_anything() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::IptablesNft);
    let script = script(&profile("vps"));
    let before = lab.everything();
    let refused = |command: &[&str], reason: &str| {
        let output = lab.run(command, &script);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{command:?}: {said}");
        assert!(
            said.contains("refused, nothing was changed") && said.contains(reason),
            "{said}"
        );
        assert!(output.stdout.is_empty());
        assert_eq!(lab.everything(), before);
    };
    refused(
        &["setpriv", "--reuid=65534", "--clear-groups", "sh"],
        "root",
    );
    let bin = lab.folder.path().join("bin");
    let hidden = lab.folder.path().join("hidden");
    std::fs::rename(bin.join("ip6tables-restore"), &hidden).unwrap();
    refused(&["sh"], "ip6tables");
    std::fs::rename(
        bin.join("iptables-restore"),
        lab.folder.path().join("hidden4"),
    )
    .unwrap();
    refused(&["sh"], "neither nft nor iptables");
    std::fs::rename(
        lab.folder.path().join("hidden4"),
        bin.join("iptables-restore"),
    )
    .unwrap();
    std::fs::rename(&hidden, bin.join("ip6tables-restore")).unwrap();
    lab.must("ip route del default; ip link add br-fedcba987654 type veth peer name far; ip link set br-fedcba987654 up; ip route add default dev br-fedcba987654");
    refused(&["sh"], "br-fedcba987654");
    lab.must("ip route del default; ip -6 route add default dev br-fedcba987654 metric 1");
    refused(&["sh"], "br-fedcba987654");
}

#[test]
fn without_ipv6_the_host_needs_no_ip6tables() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::IptablesLegacy);
    lab.must("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
    for tool in ["ip6tables", "ip6tables-restore", "ip6tables-save"] {
        std::fs::remove_file(lab.folder.path().join("bin").join(tool)).unwrap();
    }
    lab.must_apply(&profile("vps"));
    assert!(lab.must("iptables-save -t mangle").contains("--dport 443"));
}

#[test]
fn when_the_second_half_fails_the_first_comes_back() {
    needs_a_lab!();
    for back_end in [BackEnd::IptablesNft, BackEnd::IptablesLegacy] {
        for earlier in [None, Some("telegram")] {
            let lab = Lab::with(back_end);
            if let Some(earlier) = earlier {
                lab.must_apply(&profile(earlier));
            }
            let before = lab.rules();
            let tool = lab.folder.path().join("bin/ip6tables-restore");
            let real = std::fs::read_link(&tool).unwrap();
            std::fs::remove_file(&tool).unwrap();
            // Takes the test, fails at the first writing, works when the former rules come back.
            let fake = format!(
                "#!/bin/bash\nif [[ \" $* \" != *\" --test \"* && ! -e {0}/failed ]]; then\n  text=$(cat)\n  if [[ $text == *'--dport 443'* || $text == *'PREROUTING 1'* ]]; then touch {0}/failed; echo broken >&2; exit 1; fi\n  exec -a ip6tables-restore {1} \"$@\" <<<\"$text\"\nfi\nexec -a ip6tables-restore {1} \"$@\"\n",
                lab.folder.path().display(),
                real.display()
            );
            std::fs::write(&tool, fake).unwrap();
            std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755))
                .unwrap();
            let output = lab.apply(&profile("vps"));
            assert_eq!(
                output.status.code(),
                Some(1),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            assert_eq!(lab.rules(), before, "{back_end:?} after {earlier:?}");
        }
    }
}

#[test]
fn a_long_block_list_becomes_a_set_that_undoes_and_goes_with_the_rest() {
    needs_a_lab!();
    for back_end in BackEnd::ALL {
        let lab = Lab::with(back_end);
        let list = lab.folder.path().join("list");
        let entries: String = (0..2000)
            .map(|i| {
                format!(
                    "{}.{}.4.0/24\n2001:db8:{:x}::/64\n",
                    20 + i / 200,
                    i % 200,
                    i * 2
                )
            })
            .collect();
        std::fs::write(&list, entries).unwrap();
        let request = Request {
            block_list: Some(list.to_str().unwrap().into()),
            ..profile("vps")
        };
        lab.must_apply(&request);
        let once = lab.everything();
        lab.must_apply(&request);
        assert!(
            lab.everything() == once,
            "{back_end:?}: the second run changed something"
        );
        lab.must_apply(&profile("vps"));
        assert!(!lab.everything().contains("block"), "{back_end:?}");
        lab.must_apply(&Request {
            rollback: Some("1".into()),
            ..request.clone()
        });
        eventually(&format!("{back_end:?}: taking it back"), || {
            !lab.everything().contains("block")
        });
        lab.must_apply(&request);
        assert!(lab.everything() == once, "{back_end:?}");
        assert!(lab.run(&["sh"], &off_script()).status.success());
        assert_eq!(lab.rules(), "", "{back_end:?}");
    }
}

#[test]
fn stored_rules_come_back_alone_and_off_forgets_them() {
    needs_a_lab!();
    for back_end in BackEnd::ALL {
        let lab = Lab::with(back_end);
        let list = lab.folder.path().join("list");
        std::fs::write(
            &list,
            (0..100)
                .map(|i| format!("203.0.{i}.0/25\n"))
                .collect::<String>(),
        )
        .unwrap();
        let request = Request {
            persist: true,
            block_list: Some(list.to_str().unwrap().into()),
            ..profile("tailscale")
        };
        let folder = lab.folder.path().display();
        std::fs::write(lab.folder.path().join("on.sh"), script(&request)).unwrap();
        std::fs::write(lab.folder.path().join("off.sh"), off_script()).unwrap();
        let flush = match back_end {
            BackEnd::Nft => "nft flush ruleset",
            _ => {
                "iptables -t mangle -F; iptables -t mangle -X; ip6tables -t mangle -F; ip6tables -t mangle -X; ipset destroy"
            }
        };
        let list_all = match back_end {
            BackEnd::Nft => "nft list ruleset",
            _ => {
                "iptables-save -t mangle; ip6tables-save -t mangle; ipset -s save | sed 's/ initval [^ ]*//'"
            }
        };
        // The host's own /etc is not touched: the folder of units is another one here.
        let story = format!(
            "set -ex; mount -t tmpfs none /etc/systemd; mkdir -p /etc/openclaw-sec; mount -t tmpfs none /etc/openclaw-sec\n\
             sh {folder}/on.sh; show() {{ {{ {list_all}; }} | grep -v '^[#:]'; }}; show >{folder}/first\n\
             unit=/etc/systemd/system/openclaw-sec-firewall.service; grep -q '^Before=network-pre.target' $unit\n\
             grep -q '^After=.*nftables.service' $unit; grep -q '^\\[Install\\]' $unit; test -e /etc/systemd/system/sysinit.target.wants/openclaw-sec-firewall.service\n\
             start=$(sed -n 's/^ExecStart=//p' $unit)\n\
             {flush}; env -i PATH=$PATH XTABLES_LOCKFILE=$XTABLES_LOCKFILE $start; show >{folder}/second; env -i PATH=$PATH XTABLES_LOCKFILE=$XTABLES_LOCKFILE $start; show >{folder}/third\n\
             cmp {folder}/first {folder}/second; cmp {folder}/second {folder}/third\n\
             sh {folder}/off.sh; ! show | grep -qi openclaw; ! test -e $unit; test -z \"$(ls -A /etc/openclaw-sec)\""
        );
        let output = lab.run(&["unshare", "-m", "sh", "-c", &story], "");
        assert!(
            output.status.success(),
            "{back_end:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn a_run_that_stores_nothing_says_which_rules_a_reboot_brings() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::Nft);
    let folder = lab.folder.path().display();
    for (name, persist) in [("stores", true), ("passes", false)] {
        let request = Request {
            persist,
            ..profile("vps")
        };
        std::fs::write(lab.folder.path().join(name), script(&request)).unwrap();
    }
    let story = format!(
        "set -e; mount -t tmpfs none /etc/systemd; mkdir -p /etc/openclaw-sec; mount -t tmpfs none /etc/openclaw-sec\n\
         sh {folder}/passes 2>{folder}/first; sh {folder}/stores 2>{folder}/second; sh {folder}/passes 2>{folder}/third"
    );
    let output = lab.run(&["unshare", "-m", "sh", "-c", &story], "");
    assert!(output.status.success(), "{output:?}");
    let said = ["first", "second", "third"].map(|name| {
        let text = std::fs::read_to_string(lab.folder.path().join(name)).unwrap();
        (text.contains("they end with"), text.contains("come back"))
    });
    assert_eq!(said, [(true, false), (false, false), (false, true)]);
}
