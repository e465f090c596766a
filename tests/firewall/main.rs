//! The firewall, proven with packets in network namespaces.

mod explain;
mod input;
mod lab;
mod lock_out;
mod matrix;
mod posture;
mod rollback;
mod script;
mod traffic;
mod verify;
