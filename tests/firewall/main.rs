//! The firewall, proven with packets in network namespaces.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by a panic"
)]

mod explain;
mod lab;
mod lock_out;
mod matrix;
mod posture;
mod rollback;
mod script;
mod traffic;
mod verify;
