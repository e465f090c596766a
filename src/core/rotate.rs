//! Replaces a provider's key in four steps, each proven before the next, and taken up again after a crash.

mod admin;
mod ask;
mod backup;
mod client;
mod due;
mod health;
mod journal;
mod ledger;
mod machine;
mod new_key;
mod outcome;
mod places;
mod plan;
mod providers;
mod restart;
mod resume;
mod schedule;
mod start;
mod verdict;

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub use admin::AdminError;
pub use due::{Age, Due, Survey, survey};
pub use journal::{Event, unfinished};
pub use ledger::{Entry, Ledger};
pub use new_key::{one_line, read as read_key};
pub use outcome::{Outcome, SCHEMA, Status, Step};
pub use plan::{Health, KeySource, Plan, Restart, RevokeMode};
pub use providers::{Class, Create, PROVIDERS, Provider, Revoke, by_variable, find};
pub use resume::{Resumption, abort, nothing, resume, status};
pub use schedule::{Units, units};
pub use start::{NewKey, Request, Target, locate, sets, start};
pub use verdict::Verdict;

use crate::atomic_file::AtomicFileError;
use crate::env_file::{EditError, EnvFileError, SaveError};
use crate::secret::Secret;
use crate::state::{StateDir, StateError};

/// Notes a key that was made on this machine and now stands in an env file.
///
/// # Errors
/// When the ledger, or the salt of its fingerprints, can be neither read nor written.
pub fn record_made(
    env: &Path,
    name: &str,
    key: &Secret,
    state: &StateDir,
    now: Timestamp,
) -> Result<(), RotateError> {
    let fingerprint = state.fingerprints()?.of(key.expose());
    Ledger::update(state, |ledger| ledger.made(env, name, fingerprint, now))
}

/// Who watches a rotation, and answers where only a person can.
pub trait Person {
    /// What happens now, in one of the four steps.
    fn tell(&self, step: Step, text: &str);
    /// Something that may surprise.
    fn warn(&self, text: &str);
    /// Asks for the new key without showing it.
    ///
    /// # Errors
    /// When there is none, or the terminal goes away.
    fn new_key(&self, provider: &Provider, name: &str) -> Result<Secret, RotateError>;
    /// Whether questions make sense.
    fn may_ask(&self) -> bool;
    /// Asks to agree; `--yes` agrees.
    ///
    /// # Errors
    /// When the terminal goes away.
    fn confirm(&self, question: &str) -> io::Result<bool>;
    /// Whether [`Person::confirm`] gets an answer.
    fn may_confirm(&self) -> bool;
    /// Waits until something was done by hand, which `--yes` cannot promise. False to leave it.
    ///
    /// # Errors
    /// When the terminal goes away.
    fn wait_until_done(&self, request: &str) -> io::Result<bool>;
    /// Whether somebody pressed Ctrl-C.
    fn wants_to_stop(&self) -> bool;
}

/// Why a rotation did not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The new key cannot be one.
    #[error("the new key {0}; nothing was changed")]
    NewKey(&'static str),
    /// The new key says itself that it is somebody else's.
    #[error("the new key belongs to another account than the old one; nothing was changed")]
    OtherAccount,
    /// The new key is the old one.
    #[error("the new key is the one that stands in the file already; make another one")]
    SameKey,
    /// The variable is not in the file.
    #[error("{name} is not set in {}{hint}; name the variable with --name", .path.display())]
    NotSet {
        /// The variable.
        name: String,
        /// The env file.
        path: PathBuf,
        /// Another one that may be meant.
        hint: String,
    },
    /// No provider is known for the variable.
    #[error(
        "no provider is known for {0}; name one with --provider (`openclaw-sec rotate providers` lists them)"
    )]
    NoProvider(String),
    /// The key is one that `keygen` makes.
    #[error(
        "{name} is no provider's key but one of your own: `openclaw-sec keygen --env {} --name {name} --replace` makes a new one; restart OpenClaw after it", .env.display()
    )]
    OwnKey {
        /// The variable.
        name: String,
        /// The env file.
        env: PathBuf,
    },
    /// No such provider.
    #[error("--provider {0}: no such provider; `openclaw-sec rotate providers` lists them")]
    UnknownProvider(String),
    /// Which variable is meant?
    #[error("{0}; name the variable with --name")]
    WhichVariable(String),
    /// `--provider-url`
    #[error(
        "--provider-url takes an https address, or http to this machine (127.0.0.1, ::1, localhost), without a user name or query"
    )]
    ProviderUrl,
    /// `--health`
    #[error("--health takes an http or https address without a user name")]
    HealthUrl,
    /// `--restart`
    #[error("--restart: the command is empty or has a quote that is not closed")]
    RestartCommand,
    /// `--restart` with what only a shell understands.
    #[error(
        "--restart: the command runs without a shell, which `{0}` needs; for one write --restart \"sh -c '…'\""
    )]
    RestartOperator(String),
    /// A restart that cannot work.
    #[error("{0}; nothing was changed")]
    RestartImpossible(String),
    /// `--restart-unit`, `--restart-compose`
    #[error("the name of a unit or service is not empty and does not begin with a dash")]
    RestartName,
    /// A secret in an argument.
    #[error("{0} holds a secret of the env file; the journal must not keep one, so leave it out")]
    SecretInArgument(&'static str),
    /// `--revoke auto`
    #[error("{0}")]
    Revoke(String),
    /// No new key and no way to make one.
    #[error("the new key is missing: give it with --new-key-file FILE (or -) or --new-key-env VAR")]
    NoNewKey,
    /// The admin key does not work.
    #[error("the admin key in {variable}: {source}; nothing was changed")]
    Admin {
        /// The variable it stands in.
        variable: String,
        /// Why not.
        source: AdminError,
    },
    /// Another process rotates this variable.
    #[error("{name} is being rotated by another openclaw-sec{holder}; wait for it")]
    Busy {
        /// The variable.
        name: String,
        /// The other process, in words; empty where it is not known.
        holder: String,
    },
    /// There is an unfinished rotation.
    #[error(
        "a rotation of {name} is not finished: run `{resume}` to finish it or `{abort}` to take it back"
    )]
    Unfinished {
        /// The variable.
        name: String,
        /// The command that finishes it.
        resume: String,
        /// The command that takes it back.
        abort: String,
    },
    /// `abort` after the old key died.
    #[error("the old key is dead, and a dead key in the file is an outage: run `{0}` instead")]
    TooLateToAbort(String),
    /// The old key was to come back and is nowhere any more.
    #[error(
        "{}: the backup is missing or does not hold the old key; put the old key into the file by hand and run `{abort}`, or keep the new one with `{resume}`", .path.display()
    )]
    OldKeyLost {
        /// The backup.
        path: PathBuf,
        /// The command that finishes the rotation.
        resume: String,
        /// The command that takes it back.
        abort: String,
    },
    /// Several rotations are unfinished.
    #[error("several rotations are unfinished ({0}); choose one with --name")]
    Several(String),
    /// The env file.
    #[error(transparent)]
    Read(#[from] EnvFileError),
    /// The value.
    #[error("{}: {source}", .path.display())]
    Edit {
        /// The env file.
        path: PathBuf,
        /// Why not.
        source: EditError,
    },
    /// Saving the env file.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// A file of ours.
    #[error(transparent)]
    File(#[from] AtomicFileError),
    /// The state folder.
    #[error(transparent)]
    State(#[from] StateError),
    /// The journal.
    #[error("{}: the journal: {source}{}", .path.display(), if_damaged(source, DAMAGED_JOURNAL))]
    Journal {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The ledger.
    #[error("{}: the ledger: {source}{}", .path.display(), if_damaged(source, DAMAGED_LEDGER))]
    Ledger {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The backup.
    #[error("{}: the backup: {source}", .path.display())]
    Backup {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Something lies where the backup goes.
    #[error(
        "{} exists already: it may be the only copy of the old key of another rotation, of another user or under another --state-dir; finish that one (`openclaw-sec rotate resume`) or take it back (`rotate abort`), or move the file away. Nothing was changed", .0.display()
    )]
    BackupExists(PathBuf),
    /// The variable whose old value was to come back is not there any more.
    #[error("{name} is not set in {} any more", .path.display())]
    Gone {
        /// The variable.
        name: String,
        /// The env file.
        path: PathBuf,
    },
    /// The HTTP client.
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
    /// The terminal.
    #[error("the terminal does not answer: {0}")]
    Terminal(io::Error),
    /// Randomness for the name of a rotation.
    #[error("the system's random generator does not answer: {0}")]
    NoRandomness(String),
    /// Somebody pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// What a person can do about a damaged file of ours.
const DAMAGED_JOURNAL: &str = "; it is damaged: where the env file holds the new key, the old one lies beside it, in the hidden file whose name ends in .openclaw-sec.backup; leave the key in the env file that shall count, then move the journal and that copy away";
const DAMAGED_LEDGER: &str =
    "; it is damaged: move it away, and the ages of the keys are counted anew";

/// The advice, unless the file could not be read at all.
fn if_damaged(source: &io::Error, advice: &'static str) -> &'static str {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match source.kind() {
        InvalidData | InvalidInput | UnexpectedEof => advice,
        _ => "",
    }
}

impl RotateError {
    /// Whether the request is to blame, and not the machine.
    pub fn is_usage(&self) -> bool {
        use AtomicFileError as File;
        let is_refusal = |error: &File| {
            matches!(
                error,
                File::HardLinked { .. }
                    | File::MountedAlone(_)
                    | File::ChangedMeanwhile(_)
                    | File::NotRegular(_)
                    | File::AlreadyExists(_)
            )
        };
        match self {
            Self::File(error) | Self::Save(SaveError::File(error)) => is_refusal(error),
            Self::Save(SaveError::Lock { .. })
            | Self::State(StateError::Io { .. } | StateError::DamagedSalt(_))
            | Self::Journal { .. }
            | Self::Ledger { .. }
            | Self::Backup { .. }
            | Self::Client(_)
            | Self::Terminal(_)
            | Self::NoRandomness(_) => false,
            _ => true,
        }
    }
}
