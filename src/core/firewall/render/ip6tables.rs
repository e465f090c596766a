//! The format `ip6tables`: the IPv6 half of `iptables`.

use super::iptables::render_family;
use crate::firewall::error::FirewallError;
use crate::firewall::policy::Policy;
use crate::firewall::rules::{Family, Ruleset};

pub(super) fn render(policy: &Policy, ruleset: &Ruleset) -> Result<String, FirewallError> {
    render_family(policy, ruleset, Family::V6)
}
