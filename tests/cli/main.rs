//! The program from the outside: what a user, a script and a careless typist see of it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its stage has failed"
)]

mod check_bad_input;
mod check_declared;
mod check_git;
mod check_host;
mod check_report;
mod keygen;
mod manners;
mod settings;
mod support;
