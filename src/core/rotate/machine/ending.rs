//! How a rotation ends: done, taken back, or interrupted.

use std::path::Path;

use super::{Holds, Machine};
use crate::atomic_file;
use crate::rotate::journal::Event;
use crate::rotate::ledger::Ledger;
use crate::rotate::outcome::{Outcome, Status, Step};
use crate::rotate::plan::Restart;
use crate::rotate::{RotateError, backup, places};
use crate::secret::Secret;

impl Machine<'_> {
    /// The old key is dead and the new one in effect: writes it down and tidies up.
    pub(super) fn finish(&mut self) -> Result<Outcome, RotateError> {
        let now = self.world.now();
        Ledger::update(self.state, |ledger| ledger.rotated(&self.plan, now))?;
        backup::discard(&self.plan.target, &self.plan.name)?;
        atomic_file::remove_leftover(&self.plan.target)?;
        let is_restarted = self
            .events()
            .iter()
            .any(|event| matches!(event, Event::Restarted | Event::RestartClaimed));
        if let Some(journal) = self.journal.take() {
            journal.end()?;
        }
        let (new, health) = match &self.plan.health {
            _ if !is_restarted => (
                "in the file",
                "nothing shows that OpenClaw uses it: restart it",
            ),
            Some(_) => ("in effect", "OpenClaw is healthy"),
            None => ("in effect", "OpenClaw's health was not checked"),
        };
        let old = if self.plan.old_fingerprint.is_some() {
            "the old one is dead"
        } else {
            "there was no old one"
        };
        Ok(self.outcome(
            Step::Done,
            Status::Done,
            format!("the new key is {new} and {old}; {health}"),
            None,
        ))
    }

    /// Step 3 failed: the old key comes back, unless it is dead.
    pub(in crate::rotate) fn roll_back(&mut self, reason: &str) -> Result<Outcome, RotateError> {
        if self.person.wants_to_stop() {
            return self.interrupted();
        }
        if self.old_is_dead() {
            return Ok(self.outcome(
                Step::Restart,
                Status::Failed,
                format!("{reason}; the old key is dead, so the new one stays in the file: repair OpenClaw, then resume"),
                Some("resume"),
            ));
        }
        if self.has_lost_old() {
            return Ok(self.outcome(
                Step::Restart,
                Status::Failed,
                format!("{reason}; the old key is lost with its backup, so the new one stays in the file: repair OpenClaw, then resume"),
                Some("resume"),
            ));
        }
        self.person
            .warn(&format!("{reason}; the old key comes back"));
        let gateways = places::running(self.world);
        self.add(Event::RollingBack {
            reason: reason.to_owned(),
            gateways,
        })?;
        self.finish_rollback()
    }

    /// The file holds the old key and its provider refuses it: nothing is left to put back, and a
    /// restart with it would take down what may still run with the new one.
    pub(in crate::rotate) fn end_with_dead_key(&mut self) -> Result<Outcome, RotateError> {
        self.tidy_up()?;
        Ok(self.outcome(
            Step::Update,
            Status::Failed,
            "the old key is back in the file, but its provider refuses it: it is dead, and OpenClaw was not restarted with it; rotate again with a key that works",
            None,
        ))
    }

    /// The rotation is taken back: no key that was made for it, no backup and no journal is left.
    fn tidy_up(&mut self) -> Result<(), RotateError> {
        if let Err(error) = self.delete_created() {
            self.leave_created(&error);
        }
        backup::discard(&self.plan.target, &self.plan.name)?;
        atomic_file::remove_leftover(&self.plan.target)?;
        match self.journal.take() {
            Some(journal) => journal.end(),
            None => Ok(()),
        }
    }

    /// The only copy of the old key lies in the backup, and the file has no place for it.
    pub(super) fn only_copy(&self, step: Step) -> Outcome {
        let gone = self.gone();
        let backup = backup::path(&self.plan.target, &self.plan.name);
        self.outcome(
            step,
            Status::Failed,
            format!("{gone}; {}", give_back(&backup)),
            Some("abort"),
        )
    }

    fn gone(&self) -> RotateError {
        RotateError::Gone {
            name: self.plan.name.clone(),
            path: self.plan.env.clone(),
        }
    }

    /// Puts the old value back, restarts, waits for health, tidies up.
    pub(in crate::rotate) fn finish_rollback(&mut self) -> Result<Outcome, RotateError> {
        let reason = self.reason();
        let kept = match self.put_back() {
            Ok(kept) => kept,
            Err(error) => {
                let backup = backup::path(&self.plan.target, &self.plan.name);
                let place = match &error {
                    RotateError::OldKeyLost { .. } => String::new(),
                    RotateError::Gone { .. } => format!("; {}", give_back(&backup)),
                    _ => format!("; it lies in {}", backup.display()),
                };
                return Ok(self.outcome(
                    Step::Update,
                    Status::Failed,
                    format!("{reason}; the old value cannot be put back: {error}{place}"),
                    Some("abort"),
                ));
            }
        };
        if *self.last() != Event::PutBack {
            self.add(Event::PutBack)?;
        }
        let restarts = self.plan.restart != Restart::None;
        if restarts {
            self.person
                .tell(Step::Restart, "restarting OpenClaw with the old key");
        }
        let trouble = match self.restart_now() {
            Err(trouble) => Some(trouble),
            Ok(()) => self
                .is_healthy()?
                .err()
                .map(|last| format!("the health endpoint does not become green ({last})")),
        };
        if self.person.wants_to_stop() {
            return self.interrupted();
        }
        if let Some(trouble) = trouble {
            let backup = backup::path(&self.plan.target, &self.plan.name);
            let way_on = if restarts {
                ": abort with another --restart, or restart it by hand and abort with --no-restart"
            } else {
                ""
            };
            // The same command again would never succeed.
            let next = match self.look_at_restart() {
                Ok(()) => "abort",
                Err(_) => "abort --no-restart",
            };
            return Ok(self.outcome(
                Step::Restart,
                Status::Failed,
                format!(
                    "{reason}; the old key is back in the file, but with it {trouble} as well{way_on}; a copy of the key lies in {}",
                    backup.display()
                ),
                Some(next),
            ));
        }
        self.tidy_up()?;
        let message = if kept {
            format!("{reason}; the value that somebody else put into the file was kept")
        } else if restarts {
            format!("{reason}; the old key is back and OpenClaw runs with it")
        } else {
            format!(
                "{reason}; the old key is back in the file: restart OpenClaw, which may run with the new one"
            )
        };
        Ok(self.outcome(Step::Restart, Status::RolledBack, message, None))
    }

    /// True when a third value was found, which is left alone.
    fn put_back(&self) -> Result<bool, RotateError> {
        match self.holds()? {
            Holds::Old => return Ok(false),
            Holds::Other => return Ok(true),
            Holds::Nothing if self.has_old_in_backup()? => return Err(self.gone()),
            Holds::Nothing => return Ok(true),
            Holds::New => {}
        }
        let written = self.backed_up()?;
        self.edit(|file| {
            let edited = match (&written, &self.keys.old) {
                (Some(written), _) => file.put_back(&self.plan.name, written),
                (None, Some(old)) => file.set(&self.plan.name, old),
                (None, None) => return Err(self.lost_old()),
            };
            edited.map_err(|error| self.edit_error(error))
        })?;
        Ok(false)
    }

    /// The old value as it was written; none where the backup does not hold it any more.
    fn backed_up(&self) -> Result<Option<Secret>, RotateError> {
        let empty = || self.plan.old_fingerprint.is_none().then(|| Secret::new(""));
        Ok(self.old_in_backup()?.or_else(empty))
    }

    /// Whether the backup holds an old key.
    pub(super) fn has_old_in_backup(&self) -> Result<bool, RotateError> {
        Ok(self.plan.old_fingerprint.is_some() && self.old_in_backup()?.is_some())
    }

    /// The same as it was written, where there was an empty value too.
    pub(super) fn old_in_backup(&self) -> Result<Option<Secret>, RotateError> {
        let written = backup::read(&self.plan.target, &self.plan.name)?;
        let is_old = |written: &Secret| {
            let value = backup::value(written).filter(|value| !value.is_empty());
            value.map(|value| self.fingerprints.of(value.expose())) == self.plan.old_fingerprint
        };
        Ok(written.filter(is_old))
    }

    fn reason(&self) -> String {
        let reason = self.events().iter().rev().find_map(|event| match event {
            Event::RollingBack { reason, .. } => Some(reason.clone()),
            _ => None,
        });
        reason.unwrap_or_default()
    }

    /// Ctrl-C: taken back where nothing was switched, else left to `resume`.
    pub(super) fn interrupted(&mut self) -> Result<Outcome, RotateError> {
        let is_switched = !matches!(
            self.last(),
            Event::Creating | Event::Created { .. } | Event::Staging | Event::Staged
        );
        if !is_switched && !matches!(self.holds(), Ok(Holds::New)) {
            return self.undo(
                Step::Update,
                Status::RolledBack,
                "interrupted; nothing was changed".to_owned(),
            );
        }
        let step = match self.last() {
            Event::Healthy | Event::Clear | Event::Revoking | Event::OldDead => Step::Revoke,
            _ => Step::Restart,
        };
        Ok(self.outcome(step, Status::Waiting, "interrupted", Some("resume")))
    }
}

/// What a person does who took the variable away.
fn give_back(backup: &Path) -> String {
    let backup = backup.display();
    format!(
        "the old key lies in {backup} only: put the line with it back into the file by hand, or remove that copy to give it up, then abort"
    )
}
