//! The ledger: since when each key is known, and from where, without any key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RotateError;
use super::plan::{KeySource, Plan};
use crate::atomic_file::{self, Expected};
use crate::env_file::Lock;
use crate::key_shapes;
use crate::small_file;
use crate::state::StateDir;

const FILE: &str = "ledger.json";
/// Sources of a date: the first run that saw the key, and the last change of its file.
pub const FIRST_SEEN: &str = "first seen";
pub const FILE_CHANGED: &str = "file changed";
/// A larger file is no ledger, in bytes.
const LARGEST: u64 = 16 << 20;
/// How long another run that writes is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// All keys that are known.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// One entry for each variable of each file.
    pub keys: Vec<Entry>,
}

/// What is known about the key in one variable of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The env file behind all links.
    pub env: PathBuf,
    /// The variable.
    pub name: String,
    /// The provider, where one is known.
    pub provider: Option<String>,
    /// The key.
    pub fingerprint: String,
    /// When it was made by API.
    pub created_at: Option<Timestamp>,
    /// When a rotation put it there.
    pub rotated_at: Option<Timestamp>,
    /// When the provider last accepted it.
    pub verified_at: Option<Timestamp>,
    /// When we first saw it.
    pub first_seen_at: Timestamp,
    /// When its file was last changed before that, the earliest that any run has seen.
    #[serde(default)]
    pub file_changed_at: Option<Timestamp>,
    /// When the provider says it ends.
    pub expires_at: Option<Timestamp>,
}

impl Entry {
    /// The earliest date that is known, and where it comes from.
    pub fn since(&self) -> (Timestamp, &'static str) {
        match (self.created_at, self.rotated_at) {
            (Some(created), _) => (created, "created by API"),
            (None, Some(rotated)) => (rotated, "rotated"),
            (None, None) => earliest((self.first_seen_at, FIRST_SEEN), self.file_changed_at),
        }
    }

    /// Whether somebody recorded when it came.
    pub fn is_dated(&self) -> bool {
        self.created_at.is_some() || self.rotated_at.is_some()
    }
}

/// What nobody recorded when it came is at least as old as the file's last change.
pub fn earliest(
    seen: (Timestamp, &'static str),
    changed: Option<Timestamp>,
) -> (Timestamp, &'static str) {
    match changed {
        Some(changed) if changed < seen.0 => (changed, FILE_CHANGED),
        _ => seen,
    }
}

impl Ledger {
    /// The ledger as it is; an empty one where there is none.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn load(state: &StateDir) -> Result<Self, RotateError> {
        Ok(read(&state.path().join(FILE))?.0)
    }

    /// Changes the ledger, one run at a time.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn update(state: &StateDir, change: impl FnOnce(&mut Self)) -> Result<(), RotateError> {
        state.create()?;
        let path = state.path().join(FILE);
        let _lock = Lock::acquire(&path, &state.folder("locks")?, PATIENCE)?;
        let (mut ledger, before) = read(&path)?;
        change(&mut ledger);
        let text = serde_json::to_string_pretty(&ledger).map_err(|error| RotateError::Ledger {
            path: path.clone(),
            source: error.into(),
        })?;
        match before {
            Some(before) if before == text.as_bytes() => {}
            Some(_) => atomic_file::replace(&path, text.as_bytes(), Expected::Anything)?,
            None => atomic_file::create_new(&path, text.as_bytes(), 0o600)?,
        }
        Ok(())
    }

    /// The entry of one variable.
    pub fn find(&self, env: &Path, name: &str) -> Option<&Entry> {
        self.keys
            .iter()
            .find(|entry| entry.env == env && entry.name == name)
    }

    /// A rotation is done.
    pub fn rotated(&mut self, plan: &Plan, now: Timestamp) {
        let is_created = plan.new_key == KeySource::Created;
        let Some(fingerprint) = plan.new_fingerprint.clone() else {
            return;
        };
        self.put(Entry {
            env: plan.target.clone(),
            name: plan.name.clone(),
            provider: Some(plan.provider.clone()),
            fingerprint,
            created_at: is_created.then_some(plan.started_at),
            rotated_at: Some(now),
            verified_at: Some(now),
            first_seen_at: plan.started_at,
            file_changed_at: None,
            expires_at: plan.expires_at,
        });
    }

    /// A key was made here and put into the file.
    pub fn made(&mut self, env: &Path, name: &str, fingerprint: String, now: Timestamp) {
        self.put(Entry {
            env: env.to_owned(),
            name: name.to_owned(),
            provider: key_shapes::provider_of_variable(name).map(str::to_owned),
            fingerprint,
            created_at: None,
            rotated_at: Some(now),
            verified_at: None,
            first_seen_at: now,
            file_changed_at: None,
            expires_at: None,
        });
    }

    /// A key was seen in a file that was changed then; one that is known keeps its dates, and of the
    /// changes the earlier one counts.
    pub fn seen(
        &mut self,
        env: &Path,
        name: &str,
        provider: Option<&str>,
        fingerprint: &str,
        now: Timestamp,
        changed: Option<Timestamp>,
    ) {
        let known = self
            .keys
            .iter_mut()
            .find(|entry| entry.env == env && entry.name == name)
            .filter(|entry| entry.fingerprint == fingerprint);
        match known {
            Some(entry) => {
                entry.file_changed_at = entry.file_changed_at.into_iter().chain(changed).min();
            }
            None => self.put(Entry {
                env: env.to_owned(),
                name: name.to_owned(),
                provider: provider.map(str::to_owned),
                fingerprint: fingerprint.to_owned(),
                created_at: None,
                rotated_at: None,
                verified_at: None,
                first_seen_at: now,
                file_changed_at: changed,
                expires_at: None,
            }),
        }
    }

    fn put(&mut self, entry: Entry) {
        self.keys
            .retain(|other| (&other.env, &other.name) != (&entry.env, &entry.name));
        self.keys.push(entry);
    }
}

fn read(path: &Path) -> Result<(Ledger, Option<Vec<u8>>), RotateError> {
    let problem = |source| RotateError::Ledger {
        path: path.to_owned(),
        source,
    };
    match small_file::read(path, LARGEST) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok((Ledger::default(), None)),
        Err(error) => Err(problem(error)),
        Ok(bytes) => {
            let ledger = serde_json::from_slice(&bytes).map_err(|error| problem(error.into()))?;
            Ok((ledger, Some(bytes)))
        }
    }
}
