//! The networks that Cloudflare publishes, embedded with the day they were taken.

use ipnet::IpNet;

/// The day the networks were compared with <https://www.cloudflare.com/ips>.
pub const DATE: &str = "2026-11-25";

/// <https://www.cloudflare.com/ips-v4> and <https://www.cloudflare.com/ips-v6>.
const PUBLISHED: [&str; 22] = [
    "173.245.48.0/20",
    "103.21.244.0/22",
    "103.22.200.0/22",
    "103.31.4.0/22",
    "141.101.64.0/18",
    "108.162.192.0/18",
    "190.93.240.0/20",
    "188.114.96.0/20",
    "197.234.240.0/22",
    "198.41.128.0/17",
    "162.158.0.0/15",
    "104.16.0.0/13",
    "104.24.0.0/14",
    "172.64.0.0/13",
    "131.0.72.0/22",
    "2400:cb00::/32",
    "2606:4700::/32",
    "2803:f800::/32",
    "2405:b500::/32",
    "2405:8100::/32",
    "2a06:98c0::/29",
    "2c0f:f248::/32",
];

/// The networks of [`DATE`].
pub fn networks() -> impl Iterator<Item = IpNet> {
    PUBLISHED.iter().map(|text| {
        text.parse()
            .expect("a test parses every network of the table")
    })
}

/// Whether `network` lies inside one that Cloudflare publishes.
pub fn is_published(network: &IpNet) -> bool {
    networks().any(|published| published.contains(network))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_parses_and_has_no_host_bits() {
        assert_eq!(
            networks()
                .filter(|network| network.trunc() == *network)
                .count(),
            PUBLISHED.len()
        );
    }
}
