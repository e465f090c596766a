//! `audit-tail` as a person or a service runs it: the real binary, real files, real logrotate.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start programs"
)]

mod follow;
mod read;
mod seal;
mod support;
