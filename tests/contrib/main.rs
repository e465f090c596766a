//! What stands in `contrib/` is run by the program it is written for: systemd, logrotate, cron,
//! pre-commit, Prometheus, dpkg.

#![cfg(feature = "cli")]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, other programs are what is tested here, and what is skipped is said"
)]

#[path = "../readme/blocks.rs"]
#[expect(dead_code, reason = "sessions are for the README's own test")]
mod blocks;
mod support;
#[macro_use]
mod throwaway;

mod cron;
mod github;
mod gitlab;
mod hooks;
mod log_rotation;
mod package;
mod prometheus;
mod readme;
mod role;
mod units;
