//! Where the process begins: C's `main` in place of the one that Rust makes, for two reasons.
//!
//! Rust's own start opens `/dev/null` for reading and writing in place of a closed stdout, so a key
//! that is printed there is lost without an error, and afterwards nobody can tell it from the
//! `/dev/null` that Python and Node open in the same way on purpose. It also reads `/proc/self/maps`
//! to find the stack's end, which is a seventh of what `keygen` costs.
//!
//! The attribute below is the one place in this package that the lint for unsafe code is lifted
//! for: it promises that no other symbol is called `main`, which the linker checks.

use std::ffi::{c_char, c_int};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::fs::{Mode, OFlags};
use rustix::process::Signal;

use crate::terminal;

/// Called by the C library once it is ready.
#[expect(unsafe_code, reason = "the C library looks for a symbol of this name")]
#[unsafe(no_mangle)]
pub extern "C" fn main(_count: c_int, _words: *const *const c_char) -> c_int {
    reserve_standard_streams();
    // A write to a pipe without a reader, or beyond the longest file that is allowed (`ulimit -f`,
    // systemd's LimitFSIZE=), shall be an error and not the end of the process: an unfinished file
    // would stay. A handler, unlike an ignored signal, is not inherited by the programs we start.
    for signal in [Signal::PIPE, Signal::XFSZ] {
        let _ = signal_hook::flag::register(signal.as_raw(), Arc::new(AtomicBool::new(false)));
    }
    c_int::from(crate::run())
}

/// Keeps the numbers 0 to 2 from being given to a file that is opened later, and remembers whether
/// stdout was closed.
fn reserve_standard_streams() {
    let streams = [
        rustix::stdio::stdin(),
        rustix::stdio::stdout(),
        rustix::stdio::stderr(),
    ];
    for (number, stream) in streams.into_iter().enumerate() {
        if rustix::io::fcntl_getfd(stream).is_ok() {
            continue;
        }
        if number == 1 {
            terminal::stdout_was_closed();
        }
        // The lowest free number is this one: those below it are taken.
        if let Ok(file) = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty()) {
            std::mem::forget(file);
        }
    }
}
