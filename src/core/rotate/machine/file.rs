//! What the rotation does to the env file: a copy of the old value beside it, one edit, one way back.

use std::time::Duration;

use super::Machine;
use crate::atomic_file::AtomicFileError;
use crate::env_file::{Assignment, EditError, EnvFile, Loader, Lock, SaveError};
use crate::rotate::plan::Restart;
use crate::rotate::{RotateError, backup};

/// How long another program that changes the env file is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How often an edit is merged anew when the file keeps changing.
const MOST_MERGES: usize = 5;

impl Machine<'_> {
    pub(super) fn write_backup(&self) -> Result<(), RotateError> {
        let file = EnvFile::read(&self.plan.env, PATIENCE)?;
        let found = file.get(&self.plan.name);
        let found =
            found.ok_or_else(|| self.edit_error(EditError::Missing(self.plan.name.clone())))?;
        if let Some(first) = file.definitions(&self.plan.name).next()
            && first.line != found.line
        {
            self.person.warn(&format!(
                "{} is set twice; the last one counts and is changed, line {} stays as it is",
                self.plan.name, first.line
            ));
        }
        self.warn_about_loader(&file, found);
        backup::write(&self.plan.target, &self.plan.name, &file.written(found))
    }

    /// The program that reads the file may not see the variable at all.
    pub(super) fn warn_about_loader(&self, file: &EnvFile, found: &Assignment) {
        let loader = match self.plan.restart {
            Restart::Unit { .. } => Loader::Systemd,
            Restart::Compose { .. } => Loader::Compose,
            Restart::None | Restart::Command(_) => return,
        };
        for one in file.disagreements(found) {
            if one.loader == loader {
                self.person
                    .warn(&format!("about {}: {one}", self.plan.name));
            }
        }
    }

    pub(super) fn write_new(&self) -> Result<(), RotateError> {
        let new = self.keys.new.as_ref().ok_or(RotateError::NoNewKey)?;
        self.edit(|file| {
            let now = file.get(&self.plan.name).map(|one| &one.value);
            let is_as_planned = match (now, &self.keys.old) {
                (Some(now), Some(old)) => now == old,
                (Some(now), None) => now.is_empty(),
                (None, _) => false,
            };
            if !is_as_planned {
                return Err(AtomicFileError::ChangedMeanwhile(self.plan.target.clone()).into());
            }
            file.set(&self.plan.name, new)
                .map_err(|error| self.edit_error(error))
        })
    }

    /// Reads, edits and saves under the lock; merges anew when somebody else was faster.
    pub(super) fn edit(
        &self,
        change: impl Fn(&EnvFile) -> Result<EnvFile, RotateError>,
    ) -> Result<(), RotateError> {
        let locks = self.state.folder("locks")?;
        let lock = Lock::acquire(&self.plan.env, &locks, PATIENCE)?;
        let mut merges = 0;
        loop {
            let file = EnvFile::read(&self.plan.env, PATIENCE)?;
            match change(&file)?.save(&lock) {
                Err(SaveError::File(AtomicFileError::ChangedMeanwhile(_)))
                    if merges < MOST_MERGES =>
                {
                    merges += 1;
                }
                saved => return saved.map(|_| ()).map_err(RotateError::from),
            }
        }
    }

    pub(super) fn edit_error(&self, source: EditError) -> RotateError {
        RotateError::Edit {
            path: self.plan.env.clone(),
            source,
        }
    }

    /// Commented copies of the old key feed nobody, but somebody may want to know.
    pub(super) fn warn_about_comments(&self) {
        let Some(old) = self.keys.old.as_ref().filter(|old| old.len() >= 8) else {
            return;
        };
        let Ok(file) = EnvFile::read(&self.plan.env, PATIENCE) else {
            return;
        };
        let mut rest = zeroize::Zeroizing::new(file.bytes().to_vec());
        for one in file.assignments() {
            rest[one.value_span.clone()].fill(b' ');
        }
        if memchr::memmem::find(&rest, old.expose()).is_some() {
            self.person.warn(&format!(
                "{}: a comment holds the old key still",
                self.plan.env.display()
            ));
        }
    }
}
