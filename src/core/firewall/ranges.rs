//! The networks that providers publish, embedded with the date they were taken.

use ipnet::IpNet;

use super::lists;

/// The day the Cloudflare networks were compared with <https://www.cloudflare.com/ips>.
pub const CLOUDFLARE_DATE: &str = "2026-11-25";

/// The day the Telegram networks were compared with <https://core.telegram.org/bots/webhooks>.
pub const TELEGRAM_DATE: &str = "2026-11-25";

/// <https://www.cloudflare.com/ips-v4> and <https://www.cloudflare.com/ips-v6>: 15 and 7 networks.
/// Since 2021 it is 104.16.0.0/13 and 104.24.0.0/14, no longer 104.16.0.0/12.
const CLOUDFLARE: &str = "\
173.245.48.0/20
103.21.244.0/22
103.22.200.0/22
103.31.4.0/22
141.101.64.0/18
108.162.192.0/18
190.93.240.0/20
188.114.96.0/20
197.234.240.0/22
198.41.128.0/17
162.158.0.0/15
104.16.0.0/13
104.24.0.0/14
172.64.0.0/13
131.0.72.0/22
2400:cb00::/32
2606:4700::/32
2803:f800::/32
2405:b500::/32
2405:8100::/32
2a06:98c0::/29
2c0f:f248::/32
";

/// <https://core.telegram.org/bots/webhooks>, "Telegram sends webhooks from"; IPv4 only.
const TELEGRAM: &str = "149.154.160.0/20\n91.108.4.0/22\n";

/// Cloudflare's networks of [`CLOUDFLARE_DATE`].
pub fn cloudflare_networks() -> Vec<IpNet> {
    embedded(CLOUDFLARE)
}

/// Telegram's webhook senders of [`TELEGRAM_DATE`].
pub fn telegram_networks() -> Vec<IpNet> {
    embedded(TELEGRAM)
}

fn embedded(text: &str) -> Vec<IpNet> {
    lists::cloudflare_list("embedded list", text.as_bytes())
        .expect("the embedded lists are read by a test of this file")
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
