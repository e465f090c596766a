//! The networks that providers send from, and the days they were taken.

use ipnet::IpNet;

pub use crate::cloudflare::DATE as CLOUDFLARE_DATE;

/// <https://core.telegram.org/bots/webhooks>, "Telegram sends webhooks from"; IPv4 only. Telegram's
/// `resources/cidr.txt` lists its whole network and is too wide for this.
const TELEGRAM: [&str; 2] = ["91.108.4.0/22", "149.154.160.0/20"];

/// Cloudflare's networks of [`CLOUDFLARE_DATE`], sorted.
pub fn cloudflare_networks() -> Vec<IpNet> {
    IpNet::aggregate(&crate::cloudflare::networks().collect())
}

/// The networks Telegram sends webhooks from.
pub fn telegram_networks() -> Vec<IpNet> {
    TELEGRAM
        .iter()
        .map(|text| {
            text.parse()
                .expect("a test parses every network of the table")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cloudflare_has_fifteen_and_seven_networks_and_not_the_old_wide_one() {
        let networks = cloudflare_networks();
        assert_eq!(networks.iter().filter(|n| n.addr().is_ipv4()).count(), 15);
        assert_eq!(networks.iter().filter(|n| n.addr().is_ipv6()).count(), 7);
        let outside: std::net::IpAddr = "104.28.0.1".parse().unwrap();
        assert!(!networks.iter().any(|network| network.contains(&outside)));
    }

    #[test]
    fn telegram_has_two_networks() {
        assert_eq!(telegram_networks().len(), 2);
    }
}
