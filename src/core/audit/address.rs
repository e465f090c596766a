//! Addresses as logs write them, and which of several is the client's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// The address in a field: without port, brackets, zone and `::ffff:`. What is no address is none.
pub fn address(text: &str) -> Option<IpAddr> {
    // Most addresses stand there without decoration.
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(IpAddr::V4(address));
    }
    let text = text.trim().trim_matches(['"', '\'']);
    if text.len() > 80 {
        return None;
    }
    let text = text.strip_prefix("tcp://").unwrap_or(text);
    plain(text)
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| {
            let inside = text.strip_prefix('[')?;
            let (inside, after) = inside.split_once(']')?;
            (after.is_empty() || after.starts_with(':')).then(|| plain(inside))?
        })
        .map(|address| address.to_canonical())
}

fn plain(text: &str) -> Option<IpAddr> {
    let bytes = text.as_bytes();
    // Most fields are no address, and most addresses are short.
    if !bytes.iter().any(|byte| matches!(byte, b'.' | b':')) {
        return None;
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(IpAddr::V4(address));
    }
    let without_zone = text.split_once('%').map_or(text, |(address, _)| address);
    without_zone.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

/// The subject that an address stands for: itself, or an IPv6 /64, which one subscriber has.
pub fn subject(address: IpAddr) -> IpNet {
    let length = if address.is_ipv4() { 32 } else { 64 };
    network(address, length)
}

/// Where a user comes from: an IPv4 /24 or an IPv6 /48.
pub fn neighbourhood(address: IpAddr) -> IpNet {
    let length = if address.is_ipv4() { 24 } else { 48 };
    network(address, length)
}

fn network(address: IpAddr, length: u8) -> IpNet {
    IpNet::new(address, length)
        .expect("32 and 24 fit an IPv4 address, 64 and 48 an IPv6 address")
        .trunc()
}

/// How a subject is written: a single IPv4 address without its `/32`.
pub fn shown(subject: &IpNet) -> String {
    match subject.addr() {
        IpAddr::V4(address) if subject.prefix_len() == 32 => {
            let (text, length) = ipv4_digits(address);
            text[..length].iter().copied().map(char::from).collect()
        }
        address if subject.prefix_len() == subject.max_prefix_len() => address.to_string(),
        _ => subject.to_string(),
    }
}

/// An IPv4 address as digits and dots, and how many bytes that takes.
pub fn ipv4_digits(address: Ipv4Addr) -> ([u8; 15], usize) {
    let mut text = [0; 15];
    let mut length = 0;
    let mut push = |byte: u8| {
        text[length] = byte;
        length += 1;
    };
    for (position, octet) in address.octets().into_iter().enumerate() {
        if position > 0 {
            push(b'.');
        }
        if octet >= 100 {
            push(b'0' + octet / 100);
        }
        if octet >= 10 {
            push(b'0' + octet / 10 % 10);
        }
        push(b'0' + octet % 10);
    }
    (text, length)
}

/// An address or a network in CIDR notation; host bits are passed over.
pub fn parse_network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    if let Ok(network) = text.parse::<IpNet>() {
        return Some(network.trunc());
    }
    text.parse::<IpAddr>()
        .ok()
        .map(|address| IpNet::from(address.to_canonical()))
}

/// The proxies of the env file, whose word about the client counts.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
}

impl TrustedProxies {
    /// Reads `TRUSTED_PROXY_IPS`: addresses and networks, separated by commas or blanks.
    pub fn parse(list: &str) -> Self {
        let networks = list
            .split([',', ' ', ';'])
            .filter_map(parse_network)
            .collect();
        Self { networks }
    }

    /// Whether this is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }

    /// The client's address: the peer's, or where the peer is a trusted proxy the rightmost
    /// forwarded address that is none.
    pub fn client(&self, peer: Option<IpAddr>, forwarded: Option<&str>) -> Option<IpAddr> {
        let peer = peer?;
        if !self.contains(peer) {
            return Some(peer);
        }
        let client = forwarded.and_then(|list| {
            list.rsplit(',')
                .map_while(address)
                .find(|address| !self.contains(*address))
        });
        Some(client.unwrap_or(peer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_decoration() {
        let cases = [
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1:443", Some("192.0.2.1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("[::ffff:192.0.2.1]:80", Some("192.0.2.1")),
            ("2001:DB8:0:0::1", Some("2001:db8::1")),
            ("[2001:db8::1]:8080", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("localhost", None),
            ("300.1.1.1", None),
            ("1.2.3", None),
            ("", None),
            ("-", None),
            ("1.2.3.4 and more", None),
        ];
        for (text, expected) in cases {
            assert_eq!(
                address(text).map(|found| found.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_forwarded_address_counts_only_behind_a_trusted_proxy() {
        let proxies = TrustedProxies::parse("127.0.0.1, 10.0.0.0/8");
        let cases = [
            ("203.0.113.9", Some("198.51.100.1"), "203.0.113.9"),
            ("127.0.0.1", Some("198.51.100.1"), "198.51.100.1"),
            (
                "127.0.0.1",
                Some("6.6.6.6, 198.51.100.1, 10.1.1.1"),
                "198.51.100.1",
            ),
            ("127.0.0.1", Some("198.51.100.1, unknown"), "127.0.0.1"),
            ("127.0.0.1", None, "127.0.0.1"),
        ];
        for (peer, forwarded, expected) in cases {
            let client = proxies.client(address(peer), forwarded).unwrap();
            assert_eq!(client.to_string(), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn an_ipv6_subject_is_its_64() {
        let cases = [
            ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
            ("192.0.2.7", "192.0.2.7"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(&subject(text.parse().unwrap())), expected);
        }
    }
}
