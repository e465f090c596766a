//! Rules become text: one file per format, one table of formats.

mod ip6tables;
mod ipset;
mod iptables;
mod json;
mod nft;
mod plain;
mod refuse;
mod sh;

pub(super) use ipset::ipset_name;
pub use ipset::ipset_restore;
pub use iptables::iptables_text;
pub(super) use iptables::place;
pub use plain::WARNING as PLAIN_WARNING;
pub use refuse::refusal;
pub use sh::off_script;

use super::error::FirewallError;
use super::policy::Policy;
use super::rules::{Ruleset, rules};

/// The one nftables table that is ours.
pub const NFT_TABLE: &str = "openclaw_sec";

/// The one iptables chain that is ours.
pub const IPTABLES_CHAIN: &str = "OPENCLAW-SEC";

/// How every ipset of ours begins.
pub const IPSET_PREFIX: &str = "openclaw-sec-";

/// Lists longer than this are never walked rule by rule.
pub(super) const LONGEST_LINEAR_LIST: usize = 50;

/// One output format.
#[derive(Clone, Copy)]
pub struct Format {
    /// What the user writes after `--format`.
    pub id: &'static str,
    /// What consumes it.
    pub description: &'static str,
    render: fn(&Policy, &Ruleset) -> Result<String, FirewallError>,
    refuse: fn(&str) -> String,
}

/// Every format, the default first.
pub const FORMATS: &[Format] = &[
    Format {
        id: "sh",
        description: "a POSIX script for `| sh`, applied whole or not at all",
        render: sh::render,
        refuse: refuse::as_script,
    },
    Format {
        id: "iptables",
        description: "IPv4 rules for `iptables-restore --noflush`",
        render: iptables::render,
        refuse: refuse::as_rules,
    },
    Format {
        id: "ip6tables",
        description: "IPv6 rules for `ip6tables-restore --noflush`",
        render: ip6tables::render,
        refuse: refuse::as_rules,
    },
    Format {
        id: "nft",
        description: "a table for `nft -f -`",
        render: nft::render,
        refuse: refuse::as_rules,
    },
    Format {
        id: "json",
        description: "the same table for `nft -j -f -`",
        render: json::render,
        refuse: refuse::as_json,
    },
    Format {
        id: "plain",
        description: "the three literal iptables lines, for reading",
        render: plain::render,
        refuse: refuse::as_script,
    },
];

/// The format with this id, if there is one.
pub fn find_format(id: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.id == id)
}

/// Renders the policy; the same policy gives the same bytes.
///
/// # Errors
/// Where the format cannot hold the policy.
pub fn render(policy: &Policy, format: &Format) -> Result<String, FirewallError> {
    (format.render)(policy, &rules(policy))
}

/// The nftables table of a ruleset with every element in it.
pub(super) fn nft_table(ruleset: &Ruleset) -> String {
    nft::table(ruleset, nft::Elements::Inline)
}
