//! Events, alerts and counts of a log become text: for people, as JSON, as OCSF.

mod block;
mod digits;
mod human;
mod machine;
mod tables;
#[cfg(test)]
mod tests;

pub use block::Block;
pub use human::{HumanLines, Paints, SHORTEST_KEY};
pub use machine::{JsonLines, event_ocsf};
pub use tables::statistics_tables;
