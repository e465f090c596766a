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

/// Signals that end a long job in an orderly way.
pub struct Watch {
    came: Arc<AtomicBool>,
}

/// From now on a signal only leaves a mark; a second one ends the program at once.
pub fn watch() -> io::Result<Watch> {
    let came = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(
            signal,
            i32::from(exit::INTERRUPTED),
            Arc::clone(&came),
        )?;
        flag::register(signal, Arc::clone(&came))?;
    }
    Ok(Watch { came })
}

impl Watch {
    /// Whether one came.
    pub fn came(&self) -> bool {
        self.came.load(Ordering::SeqCst)
    }
}
