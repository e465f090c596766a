//! The change is taken back unless a person confirms it, whatever happens to the terminal.

use std::process::Output;

use openclaw_sec::firewall::{Request, off_script};

use crate::lab::{BackEnd, Lab, eventually, profile, script};
use crate::needs_a_lab;

fn with_rollback(id: &str, seconds: &str) -> Request {
    Request {
        rollback: Some(seconds.into()),
        ..profile(id)
    }
}

/// Pipes a script into `sh` on a terminal and plays the steps.
fn on_a_terminal(lab: &Lab, script: &str, steps: &str, shell: &str) -> Output {
    let file = lab.folder.path().join("script.sh");
    std::fs::write(&file, script).unwrap();
    let player = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/firewall/terminal.py");
    let piped = format!("cat {} | {shell}", file.display());
    lab.run(&["python3", player, steps, "sh", "-c", &piped], "")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// No process of ours is left in the namespace of the lab, and no folder of a change.
fn nothing_waits(lab: &Lab) -> bool {
    let processes =
        lab.must("for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null; echo; done");
    let space: String = lab
        .must("readlink /proc/self/ns/net")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    !processes.contains(&format!("/run/openclaw-sec/{space}"))
        && std::fs::read_dir(format!("/run/openclaw-sec/{space}"))
            .map_or(true, |dir| dir.count() <= 1)
}

#[test]
fn yes_keeps_the_rules_and_leaves_no_process() {
    needs_a_lab!();
    for shell in ["dash", "busybox ash", "bash"] {
        let lab = Lab::with(BackEnd::Nft);
        let output = on_a_terminal(
            &lab,
            &script(&profile("vps")),
            r#"[["expect", "60 seconds"], ["expect", "yes"], ["send", "yes\n"]]"#,
            shell,
        );
        assert_eq!(output.status.code(), Some(0), "{shell}: {}", said(&output));
        assert!(lab.rules().contains("openclaw_sec"), "{shell}");
        eventually(&format!("{shell}: an end of every process"), || {
            nothing_waits(&lab)
        });
    }
}

#[test]
fn anything_but_yes_takes_the_change_back_at_once() {
    needs_a_lab!();
    for (index, answer) in [
        r#"["send", "no\n"]"#,
        r#"["send", "\n"]"#,
        r#"["send", "\u0004"]"#,
        r#"["send", "yes please\n"]"#,
    ]
    .iter()
    .enumerate()
    {
        let lab = Lab::with(BackEnd::ALL[index % 3]);
        lab.must_apply(&profile("telegram"));
        let before = lab.rules();
        let steps = format!(r#"[["expect", "type yes"], {answer}]"#);
        let output = on_a_terminal(
            &lab,
            &script(&profile("vps")),
            &steps,
            ["dash", "bash"][index % 2],
        );
        assert_eq!(output.status.code(), Some(1), "{answer}: {}", said(&output));
        assert_eq!(lab.rules(), before, "{answer}");
        eventually(&format!("{answer}: an end of every process"), || {
            nothing_waits(&lab)
        });
    }
}

#[test]
fn silence_takes_the_change_back_in_time() {
    needs_a_lab!();
    for (back_end, shell) in [
        (BackEnd::Nft, "dash"),
        (BackEnd::IptablesNft, "bash"),
        (BackEnd::IptablesLegacy, "busybox ash"),
    ] {
        let lab = Lab::with(back_end);
        let output = on_a_terminal(
            &lab,
            &script(&with_rollback("vps", "2")),
            r#"[["expect", "type yes"]]"#,
            shell,
        );
        assert_eq!(output.status.code(), Some(1), "{shell}: {}", said(&output));
        assert!(
            said(&output).contains("not confirmed in time"),
            "{}",
            said(&output)
        );
        assert_eq!(lab.rules(), "", "{back_end:?}");
        eventually(&format!("{back_end:?}: an end of every process"), || {
            nothing_waits(&lab)
        });
    }
}

#[test]
fn a_terminal_that_goes_away_takes_the_change_back() {
    needs_a_lab!();
    for steps in [
        r#"[["expect", "type yes"], ["hang-up"]]"#,
        r#"[["expect", "type yes"], ["send", "\u0003"]]"#,
        r#"[["expect", "type yes"], ["kill-session"]]"#,
    ] {
        for earlier in [None, Some("cloudflare-tunnel")] {
            let lab = Lab::with(BackEnd::IptablesNft);
            if let Some(earlier) = earlier {
                lab.must_apply(&profile(earlier));
            }
            let before = lab.rules();
            let output = on_a_terminal(&lab, &script(&with_rollback("vps", "3")), steps, "dash");
            assert_ne!(output.status.code(), Some(0), "{steps}");
            // What others add meanwhile stays.
            lab.must("iptables -A INPUT -s 192.0.2.1 -j DROP");
            let expected = |lab: &Lab| {
                lab.rules()
                    .replace("-A INPUT -s 192.0.2.1/32 -j DROP\n", "")
                    == before
            };
            eventually(&format!("{steps} after {earlier:?}"), || expected(&lab));
            assert!(lab.rules().contains("192.0.2.1"));
            eventually("an end of every process", || nothing_waits(&lab));
        }
    }
}

#[test]
fn without_a_terminal_a_number_arms_the_rollback_and_a_command_confirms() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::Nft);
    let output = lab.run(&["setsid", "sh"], &script(&with_rollback("vps", "2")));
    // That the rules stood for two seconds is known from the exit code alone.
    assert!(output.status.success());
    eventually("the rollback", || lab.rules().is_empty());
    eventually("an end of every process", || nothing_waits(&lab));

    let output = lab.run(&["setsid", "sh"], &script(&with_rollback("vps", "600")));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let confirm = said.lines().last().unwrap();
    lab.must(confirm);
    eventually("an end of every process", || nothing_waits(&lab));
    assert!(lab.rules().contains("openclaw_sec"), "confirmed rules stay");
    assert!(
        !lab.on_host(confirm).status.success(),
        "there is nothing to confirm any more"
    );
}

#[test]
fn without_a_terminal_nothing_waits_by_default_and_never_with_zero() {
    needs_a_lab!();
    for request in [profile("vps"), with_rollback("vps", "0")] {
        let lab = Lab::with(BackEnd::Nft);
        let output = lab.run(&["setsid", "sh"], &script(&request));
        assert!(output.status.success());
        assert!(lab.rules().contains("openclaw_sec"));
        assert!(nothing_waits(&lab));
    }
    let lab = Lab::with(BackEnd::Nft);
    let output = on_a_terminal(&lab, &script(&with_rollback("vps", "0")), "[]", "dash");
    assert_eq!(output.status.code(), Some(0));
    assert!(lab.rules().contains("openclaw_sec"));
}

#[test]
fn a_run_that_replaces_an_unconfirmed_one_goes_back_to_what_was_before_both() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::IptablesNft);
    lab.must_apply(&profile("telegram"));
    let before = lab.rules();
    assert!(
        lab.run(&["setsid", "sh"], &script(&with_rollback("vps", "30")))
            .status
            .success()
    );
    assert!(
        lab.run(&["setsid", "sh"], &script(&with_rollback("tailscale", "2")))
            .status
            .success()
    );
    eventually("the rollback", || lab.rules() == before);
    eventually("an end of every process", || nothing_waits(&lab));
    // A run without a rollback is the confirmation.
    assert!(
        lab.run(&["setsid", "sh"], &script(&with_rollback("vps", "600")))
            .status
            .success()
    );
    lab.must_apply(&with_rollback("tailscale", "0"));
    eventually("an end of every process", || nothing_waits(&lab));
    assert!(lab.rules().contains("41641"));
}

#[test]
fn an_unconfirmed_run_says_that_another_took_its_place() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::Nft);
    let others = [
        (script(&with_rollback("tailscale", "0")), "41641"),
        (script(&with_rollback("tailscale", "600")), "41641"),
        (off_script(), ""),
    ];
    for (other, left) in others {
        let file = lab.folder.path().join("other.sh");
        std::fs::write(&file, other).unwrap();
        let steps = serde_json::json!([
            ["expect", "type yes"],
            ["run", format!("sh {}", file.display())]
        ]);
        let first = script(&with_rollback("vps", "600"));
        let output = on_a_terminal(&lab, &first, &steps.to_string(), "dash");
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains("another run"), "{}", said(&output));
        assert!(
            !said(&output).contains("not confirmed"),
            "{}",
            said(&output)
        );
        let rules = lab.everything();
        assert!(rules.contains(left), "{rules}");
        assert!(
            !left.is_empty() || !rules.contains("openclaw_sec"),
            "{rules}"
        );
    }
    eventually("an end of every process", || nothing_waits(&lab));
}

#[test]
fn a_change_that_takes_longer_than_the_time_to_confirm_is_made_and_then_taken_back() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::Nft);
    let slow = lab.folder.path().join("bin/nft");
    let real = std::fs::read_link(&slow).unwrap();
    std::fs::remove_file(&slow).unwrap();
    let wrapper = format!(
        "#!/bin/sh\ncase $2 in */new/nft) sleep 3 ;; esac\nexec {} \"$@\"\n",
        real.display()
    );
    std::fs::write(&slow, wrapper).unwrap();
    std::fs::set_permissions(&slow, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let output = lab.run(&["setsid", "sh"], &script(&with_rollback("vps", "1")));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    eventually("the rollback", || lab.rules().is_empty());
    eventually("an end of every process", || nothing_waits(&lab));
}

#[test]
fn a_part_of_a_second_that_is_cut_off_makes_the_time_to_confirm_no_shorter() {
    needs_a_lab!();
    let lab = Lab::with(BackEnd::Nft);
    let folder = lab.folder.path();
    let engine = off_script();
    let engine = engine.split("OPENCLAW_SEC_ENGINE'\n").nth(1).unwrap();
    let engine = engine.split("OPENCLAW_SEC_ENGINE").next().unwrap();
    std::fs::write(folder.join("engine.sh"), engine).unwrap();
    std::fs::create_dir_all(folder.join("home/pending/old")).unwrap();
    // The clock stands still but for each sleep.
    let clock = folder.join("uptime");
    std::fs::write(&clock, "100.95 1.00\n").unwrap();
    let sleep = folder.join("bin/sleep");
    std::fs::remove_file(&sleep).unwrap();
    let ticks = format!(
        "#!/bin/sh\nnow=$(awk '{{ print $1 + 0.2, $2 }}' {0})\necho \"$now\" >{0}\n",
        clock.display()
    );
    std::fs::write(&sleep, ticks).unwrap();
    std::fs::set_permissions(&sleep, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let story = format!(
        "mount --bind {0}/uptime /proc/uptime && sh {0}/engine.sh wait {0}/home/pending 2",
        folder.display()
    );
    let output = lab.run(&["unshare", "-m", "sh", "-c", &story], "");
    assert!(output.status.success(), "{output:?}");
    assert!(!folder.join("home/pending").exists(), "it was taken back");
    let now = std::fs::read_to_string(&clock).unwrap();
    let now: f64 = now.split(' ').next().unwrap().parse().unwrap();
    assert!(now >= 102.95, "{now}");
}
