//! Events, alerts and counts of a log become text: for people, as JSON, as OCSF.

mod digits;
mod human;
mod machine;
mod tables;

pub use human::{HumanLines, Paints};
pub use machine::{alert_json, event_json, event_ocsf};
pub use tables::statistics_tables;
