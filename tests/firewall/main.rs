//! The firewall, proven with packets in network namespaces.

mod lab;
mod matrix;
