//! The core of `openclaw-sec`: it prints nothing and asks nobody.

#![forbid(unsafe_code)]

/// `firewall`: options → policy → rules → text; live rules → differences; packet → verdict.
pub mod firewall;
/// The five deployments we know, in one table.
pub mod profiles;
pub mod secret;
