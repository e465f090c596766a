//! SIGINT and SIGTERM end the program at once, except while a file is being replaced.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::{Failure, exit};

/// Signals that are held back until [`Held::release`].
pub struct Held {
    came: Arc<AtomicBool>,
    may_exit: Arc<AtomicBool>,
}

/// Holds the signals back, so that what follows is done wholly or not at all.
pub fn hold() -> io::Result<Held> {
    let held = Held {
        came: Arc::new(AtomicBool::new(false)),
        may_exit: Arc::new(AtomicBool::new(false)),
    };
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(
            signal,
            i32::from(exit::INTERRUPTED),
            Arc::clone(&held.may_exit),
        )?;
        flag::register(signal, Arc::clone(&held.came))?;
    }
    Ok(held)
}

impl Held {
    /// Lets signals through again.
    ///
    /// # Errors
    /// When one came meanwhile.
    pub fn release(self) -> Result<(), Failure> {
        self.may_exit.store(true, Ordering::SeqCst);
        if self.came.load(Ordering::SeqCst) {
            return Err(Failure::interrupted());
        }
        Ok(())
    }
}

/// Signals that are noticed and not obeyed at once.
pub struct Watch {
    came: Arc<AtomicBool>,
    may_exit: Arc<AtomicBool>,
}

/// From now on a signal is only noted, unless [`Watch::may_end_at_once`] lets it end the program.
pub fn watch() -> io::Result<Watch> {
    let watch = Watch {
        came: Arc::new(AtomicBool::new(false)),
        may_exit: Arc::new(AtomicBool::new(false)),
    };
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(
            signal,
            i32::from(exit::INTERRUPTED),
            Arc::clone(&watch.may_exit),
        )?;
        flag::register(signal, Arc::clone(&watch.came))?;
    }
    Ok(watch)
}

impl Watch {
    /// Whether one came.
    pub fn came(&self) -> bool {
        self.came.load(Ordering::SeqCst)
    }

    /// Whether the next one ends the program where it stands.
    pub fn may_end_at_once(&self, may: bool) {
        self.may_exit.store(may, Ordering::SeqCst);
    }
}
