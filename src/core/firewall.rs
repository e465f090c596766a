//! The firewall room: options become a policy, a policy becomes rules, rules become text; live
//! rules are compared with them, and a packet is judged by them.

mod error;
mod explain;
mod input;
mod lists;
pub mod live;
mod policy;
pub mod posture;
mod ranges;
pub mod render;
mod rules;
mod verify;
mod warnings;

pub use error::FirewallError;
pub use explain::{Packet, PacketRequest, Payload, Ruling, explain};
pub use input::{parse_interface, parse_network, parse_port};
pub use lists::{block_list, cloudflare_list};
pub use policy::{Hook, Opening, Policy, Protocol, Request, Rollback, Ssh};
pub use ranges::{CLOUDFLARE_DATE, cloudflare_networks, telegram_networks};
pub use render::{FORMATS, Format, PLAIN_WARNING, find_format, off_script, refusal, render};
pub use rules::{Action, Family, Limit, Match, Rule, Ruleset, Set, State, rules};
pub use verify::{Comparison, Difference, Status, compare, is_ours_live, verify};
pub use warnings::warnings;

/// The schema of the JSON documents of `firewall`.
pub const SCHEMA: &str = "openclaw-sec/firewall/1";
