//! Networks, ports and interface names as a person writes them, checked before anything is rendered.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Reads an address or a network; a plain address is a network of one.
///
/// # Errors
/// Says what is wrong: host bits, a netmask, a zone, a name, an IPv4-mapped IPv6 address, a
/// leading zero.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    let (address_text, length_text) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address = parse_address(address_text)?;
    let widest = if address.is_ipv4() { 32 } else { 128 };
    let length = match length_text {
        None => widest,
        Some(digits) => parse_prefix_length(digits, widest)?,
    };
    let network =
        IpNet::new(address, length).map_err(|_| format!("has a prefix length above {widest}"))?;
    if network.addr() != network.network() {
        return Err(format!("has host bits set; write {}", network.trunc()));
    }
    Ok(network)
}

/// Reads one address.
///
/// # Errors
/// Says what is wrong with it.
pub fn parse_address(text: &str) -> Result<IpAddr, String> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(IpAddr::V4(address));
    }
    if text.contains('%') {
        return Err("has a zone; leave out the part from % on".to_owned());
    }
    match text.parse::<Ipv6Addr>() {
        Ok(address) if address.to_ipv4_mapped().is_some() => {
            Err("is an IPv4-mapped IPv6 address; write the IPv4 address".to_owned())
        }
        Ok(address) => Ok(IpAddr::V6(address)),
        Err(_) => {
            Err("is no IP address or network such as 203.0.113.0/24 or 2001:db8::/32".to_owned())
        }
    }
}

/// Reads a port from 1 to 65535, in plain digits.
///
/// # Errors
/// Says what a port looks like.
pub fn parse_port(text: &str) -> Result<u16, String> {
    let problem = || "is no port; write a number from 1 to 65535".to_owned();
    if !plain_digits(text) {
        return Err(problem());
    }
    match text.parse::<u16>() {
        Ok(0) | Err(_) => Err(problem()),
        Ok(port) => Ok(port),
    }
}

/// Checks an interface name: 1 to 15 of letters, digits, `.`, `_`, `-`, `@`, and neither `.` nor `..`.
///
/// # Errors
/// Says what an interface name looks like.
pub fn parse_interface(text: &str) -> Result<String, String> {
    let fits = (1..=15).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte))
        && text != "."
        && text != "..";
    if fits {
        Ok(text.to_owned())
    } else {
        Err("is no interface name; it has 1 to 15 letters, digits, or one of . _ - @".to_owned())
    }
}

fn parse_prefix_length(digits: &str, widest: u8) -> Result<u8, String> {
    if digits.contains('.') || digits.contains(':') {
        return Err("has a netmask; write the prefix length, for instance /24".to_owned());
    }
    match digits.parse::<u8>() {
        Ok(length) if plain_digits(digits) && length <= widest => Ok(length),
        _ => Err(format!(
            "has no prefix length from 0 to {widest} after the slash"
        )),
    }
}

/// ASCII digits without a sign, a blank or a leading zero.
fn plain_digits(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text.len() == 1 || !text.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn networks_people_write_are_read() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1/32"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:db8::1", "2001:db8::1/128"),
            ("2001:DB8::/32", "2001:db8::/32"),
        ] {
            assert_eq!(parse_network(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn networks_with_a_mistake_are_refused() {
        for text in [
            "",
            "/",
            "/24",
            "192.0.2.1/24",
            "192.0.2.0/255.255.255.0",
            "192.0.2.0/33",
            "192.0.2.0/",
            "192.0.2.0/024",
            "192.0.2.0/+24",
            "192.0.2.0/24/24",
            "192.0.02.1",
            "192.0.2",
            "0x7f.1",
            "example.org",
            "::ffff:192.0.2.1",
            "::ffff:0:0/96",
            "fe80::1%eth0",
            "2001:db8::1/32",
            "2001:db8::/129",
            " 192.0.2.1",
            "192.0.2.1\n",
            "١.1.1.1",
            "192.0.2.0/24; reboot",
        ] {
            assert!(parse_network(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn ports_are_one_to_65535_in_plain_digits() {
        assert_eq!(parse_port("1"), Ok(1));
        assert_eq!(parse_port("65535"), Ok(65535));
        for text in [
            "",
            "0",
            "65536",
            "-1",
            "+1",
            " 22",
            "22 ",
            "022",
            "2²",
            "٢٢",
            "22;reboot",
        ] {
            assert!(parse_port(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn interface_names_are_what_every_shell_and_loader_takes() {
        for text in ["eth0", "tailscale0", "br-0123456789ab", "eth0.100", "a@b"] {
            assert_eq!(parse_interface(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            ".",
            "..",
            "sixteen_letters_",
            "eth0\n",
            "eth 0",
            "a/b",
            "eth*",
            "eth+",
            "é",
            "$(id)",
            "a;b",
            "a\"b",
        ] {
            assert!(parse_interface(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_a_read_network_reads_again(text in "\\PC{0,40}") {
            if let Ok(network) = parse_network(&text) {
                prop_assert_eq!(parse_network(&network.to_string()), Ok(network));
            }
            let _ = parse_port(&text);
            let _ = parse_interface(&text);
        }
    }
}
