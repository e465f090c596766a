//! What `docs/trust.md` claims of the whole program: every command against faults of its outputs and
//! of the kernel, secrets that must never come out, many runs at once, and the page itself.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start programs"
)]

mod canary;
mod commands;
mod faults;
mod long_run;
mod output_failure;
mod page;
mod together;
