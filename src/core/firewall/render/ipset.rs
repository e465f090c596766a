//! Long lists for iptables: `ipset restore` text.

use std::fmt::Write as _;

use super::{IPSET_PREFIX, LONGEST_LINEAR_LIST};
use crate::firewall::rules::{Family, Ruleset, Set};

/// The sets that iptables needs, as `ipset save` prints them.
pub fn ipset_restore(ruleset: &Ruleset) -> String {
    let mut text = String::new();
    for set in long_sets(ruleset) {
        text.push_str(&create_line(set));
        for network in &set.networks {
            let _ = writeln!(text, "add {} {network}", ipset_name(&set.name));
        }
    }
    text
}

/// The sets with more entries than rules may walk.
pub(super) fn long_sets(ruleset: &Ruleset) -> impl Iterator<Item = &Set> {
    ruleset
        .sets
        .iter()
        .filter(|set| set.networks.len() > LONGEST_LINEAR_LIST)
}

/// The line that makes the set.
pub(super) fn create_line(set: &Set) -> String {
    let family = match set.family {
        Family::V4 => "inet",
        Family::V6 => "inet6",
    };
    let capacity = set.networks.len().next_power_of_two().max(65_536);
    format!(
        "create {} hash:net family {family} hashsize 16384 maxelem {capacity}\n",
        ipset_name(&set.name)
    )
}

/// `block_v4` → `openclaw-sec-block-v4`; ipset takes 31 characters.
pub(crate) fn ipset_name(set: &str) -> String {
    format!("{IPSET_PREFIX}{}", set.replace('_', "-"))
}
