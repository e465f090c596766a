//! The env file against real loaders, real file systems and real neighbours.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start the real loaders themselves"
)]
#![expect(clippy::print_stdout, reason = "a skipped test says why")]

mod crashes;
mod disagreements;
mod loaders;
mod reading;
mod saving;
mod sources;
mod writing;
