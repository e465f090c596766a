//! The firewall, proven with packets in network namespaces.

mod explain;
mod lab;
mod matrix;
mod script;
