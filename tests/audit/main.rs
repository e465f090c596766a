//! `audit-tail` as a person or a service runs it: the real binary, real files, real logrotate.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::type_complexity,
    reason = "tests start programs and may fail loudly"
)]

mod detect;
mod documents;
mod follow;
mod products;
mod read;
mod seal;
mod support;
