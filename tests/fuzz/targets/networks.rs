//! Networks, ports and interfaces are read or refused; a list says the same when it is written again.

use std::net::IpAddr;

use ipnet::IpNet;
use openclaw_sec::audit::address;
use openclaw_sec::firewall::{
    block_list, cloudflare_list, parse_interface, parse_network, parse_port,
};

/// A list of networks.
pub fn run(data: &[u8]) {
    for read in [block_list, cloudflare_list] {
        let Ok(networks) = read("list", data) else {
            continue;
        };
        let text: String = networks.iter().map(|one| format!("{one}\n")).collect();
        let again = read("list", text.as_bytes());
        assert_eq!(
            again.map_err(|error| error.to_string()),
            Ok(networks),
            "{text}"
        );
    }
    if let (Ok(blocked), Ok(text)) = (block_list("list", data), std::str::from_utf8(data)) {
        let lines = text.trim_start_matches('\u{feff}').lines();
        for line in lines {
            let entry = line.split(['#', ';']).next().unwrap_or_default().trim();
            let network = parse_network(entry).ok();
            let is_in = |network: &IpNet| blocked.iter().any(|one| one.contains(network));
            assert!(network.as_ref().is_none_or(is_in), "{entry} is lost");
        }
    }
    for word in String::from_utf8_lossy(data).split_ascii_whitespace() {
        if let Ok(network) = parse_network(word) {
            assert_eq!(parse_network(&network.to_string()), Ok(network));
        }
        if let Ok(port) = parse_port(word) {
            assert_eq!(port.to_string(), word);
        }
        if let Ok(name) = parse_interface(word) {
            assert_eq!(name, word);
        }
        if let Some(ip) = address::address(word) {
            assert_eq!(address::address(&ip.to_string()), Some(ip), "{word}");
            let subject = address::Subject::of(ip).to_string();
            let subject = address::parse_network(&subject).expect("a subject is a network");
            let around = address::Neighbourhood::of(ip).network();
            assert!(subject.contains(&ip) && around.contains(&subject));
            if let IpAddr::V4(ip) = ip {
                let (digits, length) = address::ipv4_digits(ip);
                assert_eq!(&digits[..length], ip.to_string().as_bytes());
            }
        }
        if let Some(network) = address::parse_network(word) {
            assert_eq!(address::parse_network(&network.to_string()), Some(network));
        }
    }
}
