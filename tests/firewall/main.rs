//! The firewall, proven with packets in network namespaces.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test fails as the test does"
)]

mod explain;
mod input;
mod lab;
mod lock_out;
mod matrix;
mod posture;
mod rollback;
mod saved;
mod script;
mod traffic;
mod verify;
