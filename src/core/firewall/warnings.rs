//! What a person should know about a policy before using it; none of it changes a rule.

use std::net::IpAddr;

use ipnet::IpNet;

use super::policy::Policy;
use super::ranges;
use crate::env_file::EnvFile;
use crate::profiles::ProfileSource;

/// Ports on which OpenClaw itself listens; they belong behind a proxy.
const GATEWAY_PORTS: [u16; 2] = [3000, 18789];

/// Variables that hold the port of OpenClaw itself.
const PORT_VARIABLES: [&str; 2] = ["PORT", "OPENCLAW_GATEWAY_PORT"];

/// One sentence for each thing a person should know. Of the env file only names are repeated.
pub fn warnings(policy: &Policy, env: Option<&EnvFile>) -> Vec<String> {
    let mut warnings = Vec::new();
    let behind_cloudflare = is_behind_cloudflare(policy);
    if behind_cloudflare {
        warnings.push(
            "every Cloudflare customer shares these networks; authenticated origin pulls or a Tunnel \
             (--profile cloudflare-tunnel) keep the others out"
                .to_owned(),
        );
    }
    warnings.extend(opened_gateway_ports(policy, env));
    warnings.extend(env.and_then(|env| proxies_that_do_not_fit(env, behind_cloudflare)));
    warnings
}

fn is_behind_cloudflare(policy: &Policy) -> bool {
    policy
        .profile
        .openings
        .iter()
        .any(|opening| opening.source == ProfileSource::Cloudflare)
}

fn opened_gateway_ports(policy: &Policy, env: Option<&EnvFile>) -> Vec<String> {
    let declared: Vec<u16> = env
        .into_iter()
        .flat_map(|env| {
            PORT_VARIABLES
                .iter()
                .filter_map(|name| text(env, name)?.parse().ok())
        })
        .collect();
    policy
        .openings
        .iter()
        .filter(|opening| opening.name == "allow")
        .filter(|opening| GATEWAY_PORTS.contains(&opening.port) || declared.contains(&opening.port))
        .map(|opening| {
            format!(
                "--allow {}/{} opens a port of OpenClaw itself, which speaks plain http; let a proxy on 443 forward to it",
                opening.protocol.name(),
                opening.port
            )
        })
        .collect()
}

fn proxies_that_do_not_fit(env: &EnvFile, behind_cloudflare: bool) -> Option<String> {
    let is_on =
        text(env, "TRUSTED_PROXIES").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if !is_on {
        return behind_cloudflare.then(|| {
            "TRUSTED_PROXIES is not true, so every client looks like Cloudflare to the rate limits".to_owned()
        });
    }
    let listed = text(env, "TRUSTED_PROXY_IPS").unwrap_or_default();
    let fits = |network: &IpNet| {
        is_private(network.addr())
            || behind_cloudflare
                && ranges::cloudflare_networks()
                    .iter()
                    .any(|known| known.contains(network))
    };
    let all_fit = listed
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .filter_map(|entry| {
            entry
                .parse::<IpNet>()
                .ok()
                .or_else(|| entry.parse::<IpAddr>().ok().map(IpNet::from))
        })
        .all(|network| fits(&network));
    (!all_fit).then(|| {
        "TRUSTED_PROXY_IPS lists public networks that do not fit this profile; whoever sends from there can forge the client's address".to_owned()
    })
}

/// Loopback, private and shared space.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_private()
                || v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.segments()[0] & 0xfe00 == 0xfc00,
    }
}

fn text(env: &EnvFile, name: &str) -> Option<String> {
    let value = env.get(name)?.value.expose();
    std::str::from_utf8(value)
        .ok()
        .map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firewall::Request;

    fn of(profile: &str, allow: &[&str], env: &str) -> Vec<String> {
        let request = Request {
            profile: Some(profile.to_owned()),
            allow: allow.iter().map(|text| (*text).to_owned()).collect(),
            ..Request::default()
        };
        let policy = Policy::from_request(&request).unwrap();
        warnings(&policy, Some(&EnvFile::parse(env.as_bytes())))
    }

    #[test]
    fn a_plain_policy_needs_no_warning() {
        assert!(
            of(
                "vps",
                &["tcp/8443"],
                "PORT=3000\nTRUSTED_PROXIES=true\nTRUSTED_PROXY_IPS=127.0.0.1\n"
            )
            .is_empty()
        );
    }

    #[test]
    fn gateway_ports_and_foreign_proxies_are_named_without_a_value() {
        let warnings = of(
            "vps",
            &["tcp/18789", "tcp/7777"],
            "PORT=7777\nTRUSTED_PROXIES=true\nTRUSTED_PROXY_IPS=8.8.8.0/24\n",
        );
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert!(!warnings.join(" ").contains("8.8.8"));
    }

    #[test]
    fn cloudflare_shares_its_networks_and_wants_trusted_proxies() {
        assert_eq!(of("cloudflare-origin", &[], "").len(), 2);
        let fits = "TRUSTED_PROXIES=true\nTRUSTED_PROXY_IPS=104.16.0.0/13, 172.64.0.0/13\n";
        assert_eq!(of("cloudflare-origin", &[], fits).len(), 1);
    }
}
