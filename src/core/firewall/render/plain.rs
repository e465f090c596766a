//! The format `plain`: the literal lines of the security guide, for reading.

use crate::firewall::error::FirewallError;
use crate::firewall::policy::Policy;
use crate::firewall::rules::Ruleset;

/// The guide's lines as they stand there. Piped to a shell they cut loopback and return traffic,
/// leave IPv6 and published container ports open, and are gone after a reboot.
const LINES: &str = "\
iptables -A INPUT -p tcp --dport 22 -j ACCEPT
iptables -A INPUT -p tcp --dport 443 -j ACCEPT
iptables -A INPUT -j DROP
";

/// What a person must be told along with these lines.
pub const WARNING: &str = "these are the literal lines, for reading: run as they are they cut loopback and answers, \
leave IPv6 and container ports open and end with the next reboot; `openclaw-sec firewall | sh` does it safely";

pub(super) fn render(_: &Policy, _: &Ruleset) -> Result<String, FirewallError> {
    Ok(LINES.to_owned())
}
