//! Files with networks: block lists, and the ranges a provider publishes.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde_json::Value;

use super::error::{FirewallError, shown_entry};
use super::input::parse_network;

/// Reads a block list: one network a line, nothing wider than /8 (IPv6 /16); doubles, nested and
/// adjacent networks are merged. `path` serves for messages only.
///
/// # Errors
/// Names file and line of what is no network or is too wide.
pub fn block_list(path: &str, bytes: &[u8]) -> Result<Vec<IpNet>, FirewallError> {
    let networks = lines(path, text(path, bytes)?, |network| {
        let widest = if network.addr().is_ipv4() { 8 } else { 16 };
        if network.prefix_len() < widest {
            return Err(format!(
                "is wider than /{widest}; a block list that wide locks people out"
            ));
        }
        Ok(())
    })?;
    Ok(IpNet::aggregate(&networks))
}

/// Reads the networks of Cloudflare: one a line, or the answer of its API (`result.ipv4_cidrs`,
/// `result.ipv6_cidrs`). `path` serves for messages only.
///
/// # Errors
/// Refuses what nobody but an attacker or an accident would put there: private, shared, loopback
/// or link-local space, wide prefixes, HTML, an API error, an empty list.
pub fn cloudflare_list(path: &str, bytes: &[u8]) -> Result<Vec<IpNet>, FirewallError> {
    let text = text(path, bytes)?;
    let networks = match text.trim_start().bytes().next() {
        Some(b'<') => {
            return Err(file(
                path,
                "holds HTML, not networks; fetch https://www.cloudflare.com/ips-v4 again",
            ));
        }
        Some(b'{') => api_answer(path, text)?,
        _ => lines(path, text, provider_network)?,
    };
    if networks.is_empty() {
        return Err(file(
            path,
            "holds no network; with it nobody could reach the origin",
        ));
    }
    Ok(IpNet::aggregate(&networks))
}

fn api_answer(path: &str, text: &str) -> Result<Vec<IpNet>, FirewallError> {
    let answer: Value = serde_json::from_str(text)
        .map_err(|error| file(path, format!("is no complete JSON: {error}")))?;
    if answer
        .get("success")
        .is_some_and(|success| success != &Value::Bool(true))
    {
        return Err(file(path, "is an error answer of the API; fetch it again"));
    }
    let result = answer
        .get("result")
        .filter(|result| result.is_object())
        .ok_or_else(|| file(path, "has no `result` with `ipv4_cidrs` and `ipv6_cidrs`"))?;
    let mut networks = Vec::new();
    for key in ["ipv4_cidrs", "ipv6_cidrs"] {
        let Some(list) = result.get(key) else {
            continue;
        };
        let entries = list
            .as_array()
            .ok_or_else(|| file(path, format!("`result.{key}` is no list")))?;
        for entry in entries {
            let network = entry
                .as_str()
                .ok_or_else(|| "is no text".to_owned())
                .and_then(parse_network)
                .and_then(|network| provider_network(&network).map(|()| network));
            networks.push(network.map_err(|problem| {
                file(
                    path,
                    format!(
                        "`result.{key}`: {} {problem}",
                        shown_entry(entry.as_str().unwrap_or_default())
                    ),
                )
            })?);
        }
    }
    Ok(networks)
}

/// Space that is nobody's on the public network (RFC 1918, 6598, 1122, 3927, 4193, 4291, 5771).
/// Documentation prefixes are not in it, so that a list can be tried out.
const NEVER_A_PROVIDER: [&str; 12] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "::/8",
    "fc00::/7",
    "fe80::/9",
    "ff00::/8",
];

fn provider_network(network: &IpNet) -> Result<(), String> {
    let widest = if network.addr().is_ipv4() { 12 } else { 24 };
    if network.prefix_len() < widest {
        return Err(format!("is wider than /{widest}; no provider's network is"));
    }
    for reserved in NEVER_A_PROVIDER {
        let reserved: IpNet = reserved
            .parse()
            .expect("the constant table is read by a test of this file");
        if reserved.contains(network) || network.contains(&reserved) {
            return Err("is private, shared, loopback, link-local or multicast space".to_owned());
        }
    }
    Ok(())
}

fn lines(
    path: &str,
    text: &str,
    accept: impl Fn(&IpNet) -> Result<(), String>,
) -> Result<Vec<IpNet>, FirewallError> {
    let mut networks = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let entry = line.split(['#', ';']).next().unwrap_or_default().trim();
        if entry.is_empty() {
            continue;
        }
        let network = fast_network(entry)
            .map_or_else(|| parse_network(entry), Ok)
            .and_then(|network| accept(&network).map(|()| network))
            .map_err(|problem| FirewallError::Line {
                path: path.to_owned(),
                line: index + 1,
                value: shown_entry(entry),
                problem,
            })?;
        networks.push(network);
    }
    Ok(networks)
}

/// The common case without building messages; anything unusual goes the careful way.
fn fast_network(entry: &str) -> Option<IpNet> {
    let network = entry
        .parse::<Ipv4Net>()
        .map(IpNet::V4)
        .or_else(|_| entry.parse::<Ipv6Net>().map(IpNet::V6))
        .ok()?;
    let canonical_length = entry
        .rsplit_once('/')
        .is_some_and(|(_, length)| length == network.prefix_len().to_string());
    let mapped = matches!(network, IpNet::V6(v6) if v6.addr().to_ipv4_mapped().is_some());
    (canonical_length && !mapped && network.addr() == network.network()).then_some(network)
}

fn text<'a>(path: &str, bytes: &'a [u8]) -> Result<&'a str, FirewallError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|_| file(path, "is not UTF-8 text"))
}

fn file(path: &str, problem: impl Into<String>) -> FirewallError {
    FirewallError::File {
        path: path.to_owned(),
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(networks: &[IpNet]) -> Vec<String> {
        networks.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_block_list_is_merged_and_its_remarks_are_left_out() {
        let text = "\u{feff}# list\r\n192.0.2.0/25 ; half\r\n192.0.2.128/25\r\n\r\n192.0.2.7\r\n2001:db8::/33\r\n2001:db8:8000::/33\r\n";
        let networks = block_list("list", text.as_bytes()).unwrap();
        assert_eq!(shown(&networks), ["192.0.2.0/24", "2001:db8::/32"]);
    }

    #[test]
    fn a_block_list_error_names_file_and_line() {
        for (text, place) in [
            ("192.0.2.0/24\nexample.org\n", "bad.txt:2:"),
            ("0.0.0.0/0\n", "bad.txt:1:"),
            ("2000::/3", "bad.txt:1:"),
            ("192.0.2.1/24", "bad.txt:1:"),
            ("::ffff:192.0.2.0/120", "bad.txt:1:"),
            ("192.0.2.0/024", "bad.txt:1:"),
        ] {
            let error = block_list("bad.txt", text.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(place), "{error}");
        }
        assert!(block_list("bad", b"\xff\xfe1").is_err());
    }

    #[test]
    fn a_line_of_an_env_file_that_was_named_by_mistake_is_not_quoted() {
        for line in [
            "WEB_API_KEY=q7Zk2mVw9xLr4TbN",
            "q7Zk2mVw9xLr4TbN",
            "9f3a61c07be2d458",
        ] {
            let json = format!("{{\"success\":true,\"result\":{{\"ipv4_cidrs\":[\"{line}\"]}}}}");
            let errors = [
                block_list("list", line.as_bytes()),
                cloudflare_list("list", line.as_bytes()),
                cloudflare_list("list", json.as_bytes()),
            ];
            for error in errors.map(|read| read.unwrap_err().to_string()) {
                assert!(error.contains("what stands there"), "{error}");
            }
        }
        let error = block_list("list", b"192.0.2.0/33").unwrap_err().to_string();
        assert!(error.contains("\"192.0.2.0/33\""), "{error}");
    }

    #[test]
    fn an_empty_block_list_blocks_nobody() {
        assert!(block_list("list", b"# nothing\n").unwrap().is_empty());
    }

    #[test]
    fn cloudflare_lists_are_read_as_lines_and_as_the_api_prints_them() {
        let json = br#"{"result":{"ipv4_cidrs":["198.51.100.0/24"],"ipv6_cidrs":["2001:db8::/32"]},"success":true}"#;
        for bytes in [&b"198.51.100.0/24\n2001:db8::/32\n"[..], json] {
            let networks = cloudflare_list("ips", bytes).unwrap();
            assert_eq!(shown(&networks), ["198.51.100.0/24", "2001:db8::/32"]);
        }
    }

    #[test]
    fn cloudflare_lists_that_would_open_the_origin_are_refused() {
        for text in [
            "",
            "\n# x\n",
            "0.0.0.0/0",
            "::/0",
            "128.0.0.0/8",
            "10.1.0.0/16",
            "100.64.0.0/24",
            "127.0.0.1",
            "169.254.1.0/24",
            "192.168.1.0/24",
            "172.20.0.0/16",
            "fd00::/64",
            "fe80::/64",
            "::1",
            "224.0.0.0/24",
            "240.0.0.0/24",
            "2000::/16",
            "::ffff:1.2.3.4",
            "<html>",
            "<!doctype html>",
            "{\"success\":false,\"errors\":[]}",
            "{}",
            "{\"result\":null}",
            "{\"result\":{\"ipv4_cidrs\":[],\"ipv6_cidrs\":[]},\"success\":true}",
            "{\"result\":{\"ipv4_cidrs\":[\"10.0.0.0/16\"]},\"success\":true}",
            "{\"result\":{\"ipv4_cidrs\":[7]},\"success\":true}",
            "{\"result\":",
            "198.51.100.1/24",
        ] {
            assert!(cloudflare_list("ips", text.as_bytes()).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = block_list("x", &bytes);
            let _ = cloudflare_list("x", &bytes);
        }

        #[test]
        fn a_merged_list_holds_exactly_the_addresses_that_were_written(
            entries in proptest::collection::vec((any::<u32>(), 8u8..=32), 1..40), probe in any::<u32>(),
        ) {
            let networks: Vec<Ipv4Net> = entries.iter()
                .map(|(bits, length)| Ipv4Net::new((*bits).into(), *length).unwrap().trunc()).collect();
            let text: String = networks.iter().map(|n| format!("{n}\n")).collect();
            let merged = block_list("x", text.as_bytes()).unwrap();
            for address in std::iter::once(probe).chain(entries.iter().map(|e| e.0)) {
                let address = std::net::Ipv4Addr::from(address);
                prop_assert_eq!(
                    networks.iter().any(|n| n.contains(&address)),
                    merged.iter().any(|n| n.contains(&std::net::IpAddr::V4(address)))
                );
            }
        }
    }
}
