//! Tests: options and the policy they make.

use super::*;

fn allowed(text: &str) -> Result<Policy, FirewallError> {
    Policy::from_request(&Request {
        allow: vec![text.to_owned()],
        ..Request::default()
    })
}

#[test]
fn without_options_it_is_the_policy_of_the_default_profile() {
    let policy = Policy::from_request(&Request::default()).unwrap();
    assert_eq!(policy, Policy::for_profile(&profiles::PROFILES[0]));
}

#[test]
fn the_command_that_renders_a_policy_repeats_its_options() {
    let command = |request: Request| Policy::from_request(&request).unwrap().command;
    assert_eq!(command(Request::default()), "openclaw-sec firewall");
    let request = Request {
        profile: Some("tailscale".into()),
        ssh_ports: vec!["2222".into()],
        allow: vec!["tcp/80,iface=wg0".into(), "udp/53".into()],
        persist: true,
        hook: Some("input".into()),
        ..Request::default()
    };
    assert_eq!(
        command(request),
        "openclaw-sec firewall --profile tailscale --ssh-port 2222 --allow 'tcp/80,iface=wg0' --allow udp/53 --hook input --persist"
    );
    let default = profiles::PROFILES[0].id.to_owned();
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("a list");
    std::fs::write(&list, "203.0.113.0/24\n").unwrap();
    let list = list.to_str().unwrap().to_owned();
    let request = Request {
        profile: Some(default),
        block_list: Some(list.clone()),
        ..Request::default()
    };
    let expected = format!("openclaw-sec firewall --block-list '{list}'");
    assert_eq!(command(request), expected);
}

#[test]
fn an_allow_with_a_mistake_is_refused_with_flag_and_value() {
    for text in [
        "",
        "tcp",
        "tcp/",
        "tcp/0",
        "tcp/80; rm -rf /",
        "tcp/80\n",
        "TCP/80",
        "sctp/80",
        "tcp/80,",
        "tcp/80,from=",
        "tcp/80,from=0.0.0.0/0,from=::/0",
        "tcp/80,iface=",
        "tcp/80,to=1.2.3.4",
        "tcp/80,from=1.2.3.4/24",
        "tcp/80,iface=a b",
        "tcp/80,iface=sixteen_letters_",
        "tcp/80-90",
    ] {
        let error = allowed(text).unwrap_err().to_string();
        assert!(error.starts_with("--allow: "), "{error}");
        assert!(!error.contains('\n'), "{error:?}");
    }
}

#[test]
fn doubles_count_once() {
    let request = Request {
        ssh_ports: vec!["22".into(), "22".into()],
        allow: vec!["tcp/80".into(), "tcp/80".into()],
        trust_interfaces: vec!["wg0".into(), "wg0".into()],
        ..Request::default()
    };
    let policy = Policy::from_request(&request).unwrap();
    assert_eq!(policy.ssh.unwrap().ports, [22]);
    assert_eq!(policy.openings.len(), 2);
    assert_eq!(policy.trusted.len(), 1);
}

#[test]
fn closing_and_narrowing_ssh_at_once_is_refused() {
    let request = Request {
        no_ssh: true,
        ssh_ports: vec!["22".into()],
        ..Request::default()
    };
    assert!(Policy::from_request(&request).is_err());
}

#[test]
fn an_unknown_profile_names_the_nearest_and_the_known_ones() {
    let request = Request {
        profile: Some("tailscal".into()),
        ..Request::default()
    };
    let error = Policy::from_request(&request).unwrap_err().to_string();
    assert!(error.contains("(did you mean tailscale?)"), "{error}");
    for profile in profiles::PROFILES {
        assert!(error.contains(profile.id), "{error}");
    }
}

#[test]
fn a_rollback_is_a_number_of_seconds() {
    for (text, expected) in [
        ("0", Rollback::Never),
        ("60", Rollback::Seconds(60)),
        ("86400", Rollback::Seconds(86400)),
    ] {
        let request = Request {
            rollback: Some(text.into()),
            ..Request::default()
        };
        assert_eq!(Policy::from_request(&request).unwrap().rollback, expected);
    }
    for text in ["", "-1", "+0", "+5", "1.5", "60s", "86401", "99999999999"] {
        let request = Request {
            rollback: Some(text.into()),
            ..Request::default()
        };
        assert!(Policy::from_request(&request).is_err(), "{text}");
    }
}

/// The openings that one `--allow` adds, as rules are named after them.
fn opened(text: &str) -> String {
    let policy = allowed(text).unwrap();
    policy.openings.last().unwrap().to_string()
}

#[test]
fn an_allow_opens_what_it_says() {
    for (text, expected) in [
        ("tcp/8443", "allow tcp/8443"),
        ("udp/8443", "allow udp/8443"),
        ("tcp/80,from=192.0.2.0/24", "allow tcp/80 from 192.0.2.0/24"),
        ("tcp/80,iface=wg0", "allow tcp/80 on wg0"),
        (
            "tcp/80,iface=wg0,from=2001:db8::/32",
            "allow tcp/80 from 2001:db8::/32 on wg0",
        ),
    ] {
        assert_eq!(opened(text), expected, "{text}");
    }
}

#[test]
fn a_key_that_is_named_twice_is_called_so() {
    for text in [
        "tcp/80,from=192.0.2.1,from=192.0.2.2",
        "tcp/80,iface=a,iface=b",
    ] {
        let error = allowed(text).unwrap_err().to_string();
        assert!(error.contains("names a key twice"), "{error}");
    }
}

#[test]
fn each_profile_opens_its_ports_to_its_sources() {
    for (profile, expected) in [
        ("vps", "web tcp/443"),
        ("cloudflare-origin", "web tcp/443 of 22"),
        ("cloudflare-tunnel", ""),
        (
            "tailscale",
            "tailscale-transport udp/41641, web tcp/443 on tailscale0",
        ),
        ("telegram", "web tcp/443 of 2"),
    ] {
        let policy = Policy::for_profile(profiles::find(profile).unwrap());
        let shown: Vec<String> = policy
            .openings
            .iter()
            .map(|opening| match &opening.from {
                // A network that a profile lists names no rule.
                Some(networks) => format!("{opening} of {}", networks.len()),
                None => opening.to_string(),
            })
            .collect();
        assert_eq!(shown.join(", "), expected, "{profile}");
        assert_eq!(policy.ssh.unwrap().ports, [22]);
    }
}

#[test]
fn a_private_port_opens_on_the_tailnet_alone() {
    let request = Request {
        private_ports: vec!["8080".into()],
        ..Request::default()
    };
    let policy = Policy::from_request(&request).unwrap();
    let opening = policy.openings.last().unwrap();
    assert_eq!(opening.to_string(), "private tcp/8080 on tailscale0");
    assert_eq!(opening.from, None);
}

#[test]
fn ssh_is_narrowed_moved_or_shut() {
    let asked = |ports: &[&str], from: &[&str], no_ssh| {
        let texts = |values: &[&str]| values.iter().map(ToString::to_string).collect();
        let request = Request {
            ssh_ports: texts(ports),
            ssh_from: texts(from),
            no_ssh,
            ..Request::default()
        };
        Policy::from_request(&request).map(|policy| policy.ssh)
    };
    let halves = ["192.0.2.0/25", "192.0.2.128/25"];
    let whole: Vec<IpNet> = vec!["192.0.2.0/24".parse().unwrap()];
    let ssh = |ports: &[u16], from: &[IpNet]| {
        Some(Ssh {
            ports: ports.to_vec(),
            from: from.to_vec(),
        })
    };
    assert_eq!(asked(&[], &[], false).unwrap(), ssh(&[22], &[]));
    assert_eq!(
        asked(&["2222", "22"], &[], false).unwrap(),
        ssh(&[2222, 22], &[])
    );
    assert_eq!(asked(&[], &halves, false).unwrap(), ssh(&[22], &whole));
    assert_eq!(asked(&[], &[], true).unwrap(), None);
    for (ports, from, named) in [
        (&["22"][..], &[][..], "--ssh-port"),
        (&[], &halves, "--ssh-from"),
        (&["22"], &halves, "--ssh-port"),
    ] {
        let error = asked(ports, from, true).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn the_hook_is_one_of_two() {
    for (hook, expected) in [
        (None, Some(Hook::Prerouting)),
        (Some("prerouting"), Some(Hook::Prerouting)),
        (Some("input"), Some(Hook::Input)),
        (Some("forward"), None),
    ] {
        let request = Request {
            hook: hook.map(ToOwned::to_owned),
            ..Request::default()
        };
        let found = Policy::from_request(&request)
            .ok()
            .map(|policy| policy.hook);
        assert_eq!(found, expected, "{hook:?}");
    }
}

#[test]
fn list_files_are_read_and_a_fault_in_one_names_flag_and_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path.to_string_lossy().into_owned())
    };
    let request = Request {
        profile: Some("cloudflare-origin".into()),
        cloudflare_ips: file("edge", "198.51.100.0/24\n"),
        block_list: file("bans", "192.0.2.0/25\n192.0.2.128/25\n"),
        ..Request::default()
    };
    let policy = Policy::from_request(&request).unwrap();
    let networks = |text: &str| vec![text.parse::<IpNet>().unwrap()];
    assert_eq!(policy.blocked, networks("192.0.2.0/24"));
    assert_eq!(policy.openings[0].from, Some(networks("198.51.100.0/24")));
    for path in [file("bad", "192.0.2.0/33\n"), Some("/nowhere/list".into())] {
        let request = Request {
            block_list: path.clone(),
            ..Request::default()
        };
        let error = Policy::from_request(&request).unwrap_err().to_string();
        let named = format!("--block-list: {}", path.unwrap());
        assert!(error.starts_with(&named), "{error}");
    }
}

#[test]
fn a_list_of_64_mib_is_read_and_a_byte_more_is_too_much() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    let file = File::create(&path).unwrap();
    for (length, is_read) in [(64 << 20, true), ((64 << 20) + 1, false)] {
        // A hole costs no disk.
        file.set_len(length).unwrap();
        let found = read(path.to_str().unwrap()).ok().map(|bytes| bytes.len());
        assert_eq!(found, is_read.then_some(length as usize));
    }
}
