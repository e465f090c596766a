//! `rotate` from outside: the real program, real files and processes, a mock provider on loopback.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start the program and its neighbours themselves"
)]
#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod admin;
mod crashes;
mod effect;
mod interactive;
mod loaders;
mod refusals;
mod restarts;
mod revoke;
mod steps;
mod support;
mod way_back;
