//! SIGINT and SIGTERM end the program at once, except while a file is being replaced.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::{Failure, exit};

/// Signals that are held back until [`Held::release`].
pub struct Held {
    state: &'static State,
}

/// What the handlers look at.
struct State {
    came: Arc<AtomicBool>,
    may_exit: Arc<AtomicBool>,
}

static STATE: OnceLock<State> = OnceLock::new();

/// From now on a signal ends the program with the exit code that is documented for it.
///
/// # Errors
/// When the system takes no handler.
pub fn watch() -> io::Result<()> {
    state().map(|_| ())
}

/// Holds the signals back, so that what follows is done wholly or not at all.
///
/// # Errors
/// When the system takes no handler.
pub fn hold() -> io::Result<Held> {
    let state = state()?;
    state.may_exit.store(false, Ordering::SeqCst);
    Ok(Held { state })
}

fn state() -> io::Result<&'static State> {
    if let Some(state) = STATE.get() {
        return Ok(state);
    }
    let state = State {
        came: Arc::new(AtomicBool::new(false)),
        may_exit: Arc::new(AtomicBool::new(true)),
    };
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(
            signal,
            i32::from(exit::INTERRUPTED),
            Arc::clone(&state.may_exit),
        )?;
        flag::register(signal, Arc::clone(&state.came))?;
    }
    Ok(STATE.get_or_init(|| state))
}

impl Held {
    /// Lets signals through again.
    ///
    /// # Errors
    /// When one came meanwhile.
    pub fn release(self) -> Result<(), Failure> {
        self.state.may_exit.store(true, Ordering::SeqCst);
        if self.state.came.load(Ordering::SeqCst) {
            return Err(Failure::interrupted());
        }
        Ok(())
    }
}

/// Signals that are noticed and not obeyed at once.
pub struct Noticed {
    state: &'static State,
}

/// From now on a signal is only noticed.
///
/// # Errors
/// When the system takes no handler.
pub fn notice() -> io::Result<Noticed> {
    let state = state()?;
    state.may_exit.store(false, Ordering::SeqCst);
    Ok(Noticed { state })
}

impl Noticed {
    /// Whether one came.
    pub fn came(&self) -> bool {
        self.state.came.load(Ordering::SeqCst)
    }

    /// Whether one came; from then on the next one ends the program where it stands.
    pub fn asks_to_end(&self) -> bool {
        let came = self.came();
        if came {
            self.state.may_exit.store(true, Ordering::SeqCst);
        }
        came
    }
}
