//! `openclaw-sec`: proves that a self-hosted OpenClaw is as safe as its configuration says.

#![cfg_attr(not(test), no_main)]
#![cfg_attr(
    test,
    expect(dead_code, reason = "the test harness brings a start of its own")
)]

mod cli;
mod commands;
mod output;
#[cfg(not(test))]
mod start;
mod terminal;

use std::panic::catch_unwind;

use openclaw_sec::world::World;

/// Runs the program for the words on its command line and returns the exit code.
fn run() -> u8 {
    keep_memory_private();
    // What a panic says may quote the text it stumbled over; only its place is told.
    std::panic::set_hook(Box::new(|panic| terminal::report_panic(panic.location())));
    let code = catch_unwind(|| commands::run(std::env::args_os().collect(), &World::real()));
    code.unwrap_or(commands::exit::OUTPUT)
}

/// No core dump and no debugger of another process may see the secrets we load. Where the system
/// refuses, the run goes on: nothing a user could do would change it.
fn keep_memory_private() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit};
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = rustix::process::setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    );
}
