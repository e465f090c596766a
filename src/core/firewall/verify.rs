//! Do the live rules still do what the options would render?

mod ours;
mod theirs;

pub(super) use theirs::ANYBODY;

use serde::Serialize;

use super::SCHEMA;
use super::error::FirewallError;
use super::live::{self, LiveRules};
use super::policy::Policy;
use crate::world::World;

/// What a comparison found.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// `openclaw-sec/firewall/1`.
    pub schema: &'static str,
    /// `same`, `drift` or `unknown`.
    pub status: Status,
    /// Every difference; empty when the same.
    pub differences: Vec<Difference>,
}

/// The outcome of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The live rules do what the options say.
    Same,
    /// They do not.
    Drift,
    /// They could not be read.
    Unknown,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `missing`, `unexpected`, `changed`, `order`, `leftover`, `bypassed`, `blocked` or `unreadable`.
    pub kind: &'static str,
    /// `ipv4`, `ipv6` or `both`.
    pub family: &'static str,
    /// Back end, table and chain or set.
    pub r#where: String,
    /// What the options say, if anything.
    pub expected: Option<String>,
    /// What is there, if anything.
    pub found: Option<String>,
    /// One sentence for a person.
    pub message: String,
}

/// Compares the live rules with a policy. Needs root.
///
/// # Errors
/// Where the live rules cannot be read.
pub fn verify(policy: &Policy, world: &World) -> Result<Comparison, FirewallError> {
    compare(policy, &live::read(world)?, world)
}

/// Compares live rules that were read before with a policy.
///
/// # Errors
/// Where the intended rules cannot be loaded in a throw-away namespace.
pub fn compare(
    policy: &Policy,
    live: &LiveRules,
    world: &World,
) -> Result<Comparison, FirewallError> {
    let mut differences = ours::differences(policy, live, world)?;
    differences.extend(theirs::differences(policy, live));
    let status = if differences.is_empty() {
        Status::Same
    } else {
        Status::Drift
    };
    Ok(Comparison {
        schema: SCHEMA,
        status,
        differences,
    })
}

impl Comparison {
    /// The comparison that could not be made, with the reason.
    pub fn unreadable(reason: &str) -> Self {
        Self {
            schema: SCHEMA,
            status: Status::Unknown,
            differences: vec![Difference {
                kind: "unreadable",
                family: "both",
                r#where: "this host".to_owned(),
                expected: None,
                found: None,
                message: reason.to_owned(),
            }],
        }
    }
}

/// Whether any rule of ours is in force.
pub fn is_ours_live(live: &LiveRules) -> bool {
    ours::is_live(live)
}
