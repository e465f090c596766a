//! What a person writes wrong ends with 2, and whatever reads our stdout refuses it.

use std::process::{Output, Stdio};

use serde_json::Value;

use crate::lab::{command, run};

fn firewall(arguments: &[&str]) -> Output {
    let mut all = vec!["firewall"];
    all.extend(arguments);
    run(env!("CARGO_BIN_EXE_openclaw-sec"), &all, "")
}

const WRONG: &[&[&str]] = &[
    &["--allow", "tcp/80; rm -rf /"],
    &["--allow", "tcp/80\nreboot"],
    &["--allow", "tcp/0"],
    &["--allow", "tcp/80,from=192.0.2.1/24"],
    &["--allow", "tcp/80,iface=$(reboot)"],
    &["--allow", "tcp/80,color=red"],
    &["--allow", "`reboot`"],
    &["--allow", "'; reboot; '"],
    &["--trust-interface", "eth0\nreboot"],
    &["--trust-interface", "sixteen_letters_"],
    &["--ssh-from", "::ffff:192.0.2.1"],
    &["--ssh-from", "192.0.2.0/255.255.255.0"],
    &["--ssh-from", "192.0.2.1/24"],
    &["--ssh-port", "0"],
    &["--ssh-port", "65536"],
    &["--private-port", "+80"],
    &["--no-ssh", "--ssh-port", "22"],
    &["--profile", "vpn"],
    &["--hook", "forward"],
    &["--rollback", "soon"],
    &["--block-list", "/no/such/file"],
    &["--cloudflare-ips", "/dev/null"],
    &["--env", "/no/such/file"],
    &["--no-such-flag"],
    &["--allow"],
];

/// Runs a shell that would show what a refusal does: every command it knows only writes its name.
fn shell(script: &[u8]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let watched = format!(
        "rm() {{ echo ran-rm; }}; reboot() {{ echo ran-reboot; }}\n{}",
        String::from_utf8_lossy(script)
    );
    std::fs::write(folder.path().join("script"), watched).unwrap();
    run(
        "dash",
        &[folder.path().join("script").to_str().unwrap()],
        "",
    )
}

#[test]
fn wrong_options_end_with_2_and_print_a_script_that_refuses() {
    for wrong in WRONG {
        let output = firewall(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(wrong[0]), "{wrong:?}: {said}");
        assert!(output.stdout.starts_with(b"#!/bin/sh\n"), "{wrong:?}");
        let refused = shell(&output.stdout);
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}");
        assert!(refused.stdout.is_empty(), "{wrong:?}");
        assert!(
            String::from_utf8_lossy(&refused.stderr).contains("no firewall rules were made"),
            "{wrong:?}"
        );
    }
}

#[test]
fn every_loader_refuses_a_failed_rendering() {
    crate::needs_a_lab!();
    for (format, loader) in [
        ("nft", vec!["nft", "-f", "-"]),
        ("json", vec!["nft", "-j", "-f", "-"]),
        ("iptables", vec!["iptables-restore", "--noflush"]),
        ("ip6tables", vec!["ip6tables-restore", "--noflush"]),
    ] {
        for wrong in [&["--profile", "vpn"][..], &["--no-such-flag"]] {
            let output = firewall(&[&["--format", format], wrong].concat());
            assert_eq!(output.status.code(), Some(2));
            let text = String::from_utf8(output.stdout).unwrap();
            let loaded = run("unshare", &[&["-n"], &loader[..]].concat(), &text);
            assert!(!loaded.status.success(), "{format} {wrong:?}: {text}");
        }
    }
}

#[test]
fn an_error_in_a_list_names_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.txt");
    std::fs::write(&path, "192.0.2.0/24\n0.0.0.0/0\n").unwrap();
    for flag in ["--block-list", "--cloudflare-ips"] {
        let output = firewall(&[flag, path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("list.txt:2:"));
    }
}

#[test]
fn the_same_options_give_the_same_bytes_whatever_the_surroundings() {
    let program = env!("CARGO_BIN_EXE_openclaw-sec");
    let plain = firewall(&["--profile", "tailscale"]).stdout;
    let mut other = command(program);
    other
        .args(["firewall", "--profile", "tailscale", "--color", "always"])
        .env("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22")
        .env("LC_ALL", "tr_TR.UTF-8")
        .env("TZ", "Asia/Tokyo")
        .env("CLICOLOR_FORCE", "1");
    assert_eq!(other.output().unwrap().stdout, plain);
    let text = String::from_utf8(firewall(&[]).stdout).unwrap();
    for words in ["#!/bin/sh\n", "--dport 22", "--dport 443", "-j DROP"] {
        assert!(text.contains(words), "{words}");
    }
}

#[test]
fn plain_prints_three_lines_and_warns() {
    let output = firewall(&["--format", "plain"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 3);
    assert!(String::from_utf8_lossy(&output.stderr).contains("warning"));
}

#[test]
fn a_reader_that_is_gone_and_a_full_disk_end_with_4() {
    let program = env!("CARGO_BIN_EXE_openclaw-sec");
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = command(program)
        .arg("firewall")
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(output.code(), Some(4));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command(program)
        .arg("firewall")
        .stdout(writer)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(output.code(), Some(4));
}

#[test]
fn explain_answers_in_json_with_the_deciding_rule() {
    for (arguments, verdict, rule) in [
        (
            &["--proto", "tcp", "--port", "443", "--from", "192.0.2.1"][..],
            "accept",
            "web tcp/443",
        ),
        (
            &["--proto", "tcp", "--port", "3000", "--from", "2001:db8::1"],
            "drop",
            "default",
        ),
        (
            &[
                "--proto",
                "tcp",
                "--port",
                "3000",
                "--from",
                "192.0.2.1",
                "--iface",
                "docker0",
            ],
            "accept",
            "container-bridge docker0",
        ),
        (
            &[
                "--profile",
                "tailscale",
                "--proto",
                "tcp",
                "--port",
                "443",
                "--from",
                "100.64.0.9",
                "--iface",
                "tailscale0",
            ],
            "accept",
            "web tcp/443 on tailscale0",
        ),
        (
            &["--proto", "icmp", "--from", "192.0.2.1"],
            "accept",
            "icmp-v4",
        ),
        (
            &["--proto", "icmpv6", "--port", "135", "--from", "fe80::1"],
            "accept",
            "neighbour-discovery",
        ),
        (
            &["--proto", "icmpv6", "--port", "134", "--from", "fe80::1"],
            "accept",
            "neighbour-discovery",
        ),
        (
            &["--proto", "icmpv6", "--port", "137", "--from", "fe80::1"],
            "drop",
            "invalid",
        ),
        (
            &["--proto", "icmp", "--port", "13", "--from", "192.0.2.1"],
            "drop",
            "default",
        ),
    ] {
        let output = firewall(&[&["explain", "--format", "json"], arguments].concat());
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["schema"], "openclaw-sec/firewall/1");
        assert_eq!(
            (&document["verdict"], &document["rule"]),
            (&verdict.into(), &rule.into())
        );
    }
    for wrong in [
        &["--proto", "tcp", "--from", "192.0.2.1"][..],
        &["--proto", "tcp", "--port", "22", "--from", "::ffff:1.2.3.4"],
        &["--proto", "carp?", "--port", "1", "--from", "192.0.2.1"],
        &["--proto", "tcp", "--port", "22", "--from", "192.0.2.0/24"],
    ] {
        let output = firewall(&[&["explain"], wrong].concat());
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(output.stdout.is_empty());
    }
}
