//! Which keys have come of age: from the ledger, and from the file's last change where it knows less.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::RotateError;
use super::ledger::{FILE_CHANGED, FIRST_SEEN, Ledger, earliest};
use super::providers;
use crate::atomic_file;
use crate::env_file::{EnvFile, EnvFileError};
use crate::key_shapes::{self, OWN_KEYS};
use crate::placeholder::placeholder;
use crate::state::{Fingerprints, StateDir};
use crate::variables::{holds_no_secret, is_secret};

const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

/// Whether a key should be rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// Not yet.
    Fresh,
    /// Within the days of the warning.
    Soon,
    /// Older than allowed.
    Overdue,
}

/// How old a key is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Age {
    /// The variable.
    pub name: String,
    /// The provider, where one is known.
    pub provider: Option<String>,
    /// The key.
    pub fingerprint: String,
    /// Whole days since `since`.
    pub age_days: i64,
    /// Days until it comes of age, or ends by itself; negative when that is past.
    pub days_left: i64,
    /// The date that the age counts from, RFC 3339.
    pub since: String,
    /// Where that date comes from.
    pub source: &'static str,
    /// Whether a rotation or an earlier run has recorded this key.
    pub is_recorded: bool,
    /// The verdict.
    pub due: Due,
}

impl Age {
    /// How the key is replaced, in words, where `env` is its file.
    pub fn replacement(&self, env: &str) -> String {
        let name = &self.name;
        let provider = self.provider.as_deref().unwrap_or_default();
        if providers::by_variable(name).is_some() {
            format!("run `openclaw-sec rotate --env {env} --name {name}`")
        } else if providers::find(provider).is_some() {
            format!("run `openclaw-sec rotate --env {env} --name {name} --provider {provider}`")
        } else if provider == OWN_KEYS {
            format!(
                "run `openclaw-sec keygen --env {env} --name {name} --replace` and restart OpenClaw"
            )
        } else {
            format!(
                "have a new value made where {name} comes from, put it into {env}, restart OpenClaw and revoke the old one"
            )
        }
    }
}

/// The keys of one env file.
#[derive(Debug)]
pub struct Survey {
    /// Every secret that is set and is no placeholder.
    pub keys: Vec<Age>,
}

/// Judges the age of every secret of `file`, which lies at `env`: what is one by name or form, what
/// the ledger knows, and the variable that is `named`. Nothing is written; without fingerprints no key
/// is known to the ledger.
///
/// # Errors
/// When the ledger cannot be read, or the file not be looked at: a key without a known age would
/// pass for a young one.
pub fn survey(
    file: &EnvFile,
    env: &Path,
    named: Option<&str>,
    state: &StateDir,
    fingerprints: Option<&Fingerprints>,
    now: Timestamp,
    (max_age_days, warn_days): (i64, i64),
) -> Result<Survey, RotateError> {
    let ledger = Ledger::load(state)?;
    let target = atomic_file::resolve(env).map_err(unseen(env))?;
    let metadata = target.metadata().map_err(unseen(env))?;
    let changed = Timestamp::from_second(metadata.mtime()).ok();
    let mut keys: Vec<Age> = Vec::new();
    for (place, assignment) in file.assignments().iter().enumerate() {
        let name = assignment.name.as_str();
        let value = &assignment.value;
        let is_known = named == Some(name) || ledger.find(&target, name).is_some();
        let may_be = || is_known || may_be_rotated(name, value.expose());
        if value.is_empty() || !file.counts(place) || !may_be() {
            continue;
        }
        // Whoever names a variable says that it holds a key.
        let is_none = || named != Some(name) && holds_no_secret(name, value.expose());
        if placeholder(value.expose()).is_some() || is_none() {
            continue;
        }
        let fingerprint = fingerprints.map(|salted| salted.of(value.expose()));
        let fingerprint = fingerprint.unwrap_or_default();
        let known = ledger
            .find(&target, name)
            .filter(|entry| entry.fingerprint == fingerprint);
        let (since, source) = match known {
            Some(entry) if entry.is_dated() => entry.since(),
            Some(entry) => earliest(entry.since(), changed),
            None => earliest((now, FIRST_SEEN), changed),
        };
        let age_days = days(now, since);
        let ends = known
            .and_then(|entry| entry.expires_at)
            .map(|end| days(end, now));
        let days_left = ends.map_or(max_age_days - age_days, |end| {
            end.min(max_age_days - age_days)
        });
        keys.push(Age {
            name: name.to_owned(),
            provider: providers::by_variable(name)
                .map(|provider| provider.id)
                .or_else(|| key_shapes::provider_of_variable(name))
                .map(str::to_owned)
                .or_else(|| known?.provider.clone()),
            fingerprint,
            age_days,
            days_left,
            since: since.to_string(),
            source,
            is_recorded: known.is_some(),
            due: match days_left {
                left if left < 0 => Due::Overdue,
                left if left <= warn_days => Due::Soon,
                _ => Due::Fresh,
            },
        });
    }
    Ok(Survey { keys })
}

impl Survey {
    /// Notes in the ledger which keys were seen and since when, so that their clock runs: a later
    /// change of the file is none of the key.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn record(&self, env: &Path, state: &StateDir, now: Timestamp) -> Result<(), RotateError> {
        let target = atomic_file::resolve(env).map_err(unseen(env))?;
        Ledger::update(state, |ledger| {
            for key in &self.keys {
                let changed = (key.source == FILE_CHANGED).then(|| key.since.parse().ok());
                ledger.seen(
                    &target,
                    &key.name,
                    key.provider.as_deref(),
                    &key.fingerprint,
                    now,
                    changed.flatten(),
                );
            }
        })
    }
}

fn unseen(env: &Path) -> impl Fn(std::io::Error) -> RotateError {
    move |source| {
        RotateError::Read(EnvFileError::Io {
            path: env.to_owned(),
            source,
        })
    }
}

fn days(later: Timestamp, earlier: Timestamp) -> i64 {
    (later.as_second() - earlier.as_second()).div_euclid(SECONDS_OF_A_DAY)
}

fn may_be_rotated(name: &str, value: &[u8]) -> bool {
    is_secret(name, value) || providers::by_variable(name).is_some()
}

#[cfg(test)]
mod tests;
