//! Addresses as logs write them, and which of several is the client's.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// The address in a field: without port, brackets, zone and `::ffff:`. What is no address is none.
pub fn address(text: &str) -> Option<IpAddr> {
    // Most addresses stand there without decoration.
    if let Some(address) = ipv4(text) {
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

/// Four numbers up to 255 without leading zeros, as the standard library reads them.
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut address = 0;
    let mut octet: Option<u32> = None;
    let mut dots = 0;
    for byte in text.bytes() {
        match (byte, octet) {
            (b'0'..=b'9', None) => octet = Some(u32::from(byte - b'0')),
            (b'0'..=b'9', Some(number @ 1..=25)) => {
                octet = Some(number * 10 + u32::from(byte - b'0'))
            }
            (b'.', Some(number @ 0..=255)) => {
                address = address << 8 | number;
                octet = None;
                dots += 1;
            }
            _ => return None,
        }
    }
    let last = octet.filter(|last| *last <= 255 && dots == 3)?;
    Some(Ipv4Addr::from_bits(address << 8 | last))
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

/// Whom an address stands for: itself, or an IPv6 /64, which one subscriber has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject {
    /// The address, or the first half of it.
    prefix: u64,
    is_ipv4: bool,
}

impl Subject {
    /// The subject of an address.
    #[inline]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self {
                prefix: u64::from(u32::from(address)),
                is_ipv4: true,
            },
            IpAddr::V6(address) => Self {
                // The upper half.
                prefix: (u128::from(address) >> 64) as u64,
                is_ipv4: false,
            },
        }
    }

    /// The address, or the first of the /64.
    pub fn address(self) -> IpAddr {
        if self.is_ipv4 {
            // It was made of 32 bits.
            Ipv4Addr::from(self.prefix as u32).into()
        } else {
            Ipv6Addr::from(u128::from(self.prefix) << 64).into()
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address();
        if self.is_ipv4 {
            write!(f, "{address}")
        } else {
            write!(f, "{address}/64")
        }
    }
}

/// Where a user comes from: an IPv4 /24 or an IPv6 /48.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbourhood(u64);

impl Neighbourhood {
    /// Tells the networks of one family from those of the other; both leave its bit free.
    const IPV4: u64 = 1 << 63;

    /// The network of an address.
    #[inline]
    pub fn of(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(address) => u64::from(u32::from(address) >> 8) | Self::IPV4,
            // The 48 upper bits.
            IpAddr::V6(address) => (u128::from(address) >> 80) as u64,
        })
    }

    /// The same as a network.
    pub fn network(self) -> IpNet {
        let (address, length) = if self.0 & Self::IPV4 == 0 {
            (Ipv6Addr::from(u128::from(self.0) << 80).into(), 48)
        } else {
            // Without the mark 24 bits are left.
            (Ipv4Addr::from((self.0 as u32) << 8).into(), 24)
        };
        IpNet::new(address, length).expect("24 fits an IPv4 address, and 48 an IPv6 address")
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
    #[inline]
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

    proptest::proptest! {
        #[test]
        fn ipv4_addresses_are_those_of_the_standard_library(
            octets in proptest::collection::vec("0?[0-9]{1,3}|25[0-9]|[a :]?", 3..6),
            address: Ipv4Addr,
        ) {
            for text in [octets.join("."), address.to_string()] {
                proptest::prop_assert_eq!(ipv4(&text), text.parse().ok(), "{}", text);
            }
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
    fn an_ipv6_subject_is_its_64_and_its_neighbourhood_the_48() {
        let cases = [
            ("2001:db8:1:2:3::4", "2001:db8:1:2::/64", "2001:db8:1::/48"),
            (
                "ffff:ffff:ffff:ffff::1",
                "ffff:ffff:ffff:ffff::/64",
                "ffff:ffff:ffff::/48",
            ),
            ("::1", "::/64", "::/48"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.0/24"),
            ("255.255.255.255", "255.255.255.255", "255.255.255.0/24"),
            ("0.0.0.0", "0.0.0.0", "0.0.0.0/24"),
        ];
        for (text, subject, network) in cases {
            let address = text.parse().unwrap();
            assert_eq!(Subject::of(address).to_string(), subject);
            let neighbourhood = Neighbourhood::of(address);
            assert_eq!(neighbourhood.network().to_string(), network);
            assert_eq!(
                Neighbourhood::of(neighbourhood.network().addr()),
                neighbourhood
            );
        }
    }
}
