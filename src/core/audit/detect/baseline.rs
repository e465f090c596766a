//! What was learned of users, kept between runs: without it, every run would know nobody.

use std::io;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::wording::{Piece, push_sentence};
use crate::atomic_file;
use crate::hex;
use crate::order;
use crate::small_file;
use crate::state::StateDir;

/// The form of the file.
const VERSION: u32 = 1;
/// Users that are kept: those who logged in most.
pub const MOST_USERS: usize = 4096;
/// A larger file, in bytes, is damaged.
const LARGEST: u64 = 16 << 20;

/// What detectors learned of the users of some logs. Times are in milliseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    version: u32,
    /// Everything up to here is in it.
    pub through: i64,
    /// The users.
    pub users: Vec<UserBaseline>,
}

/// What was learned of one user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UserBaseline {
    /// The name.
    pub user: String,
    /// Networks they came from, the last used last.
    #[serde(serialize_with = "as_texts")]
    pub networks: Vec<IpNet>,
    /// One bit for each hour of the day.
    pub hours: u32,
    /// Logins that succeeded.
    pub successes: u64,
    /// The first of them.
    pub first: Option<i64>,
    /// The last of them.
    pub last: i64,
    /// Events in the buckets of `usage-anomaly`, the oldest first.
    pub usage: Vec<u32>,
}

/// As `Display` gives them, but much faster: these are nearly all that is written.
fn as_texts<S: Serializer>(networks: &[IpNet], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = String::with_capacity(24 * networks.len() + 2);
    list.push('[');
    for (position, network) in networks.iter().enumerate() {
        if position > 0 {
            list.push(',');
        }
        // Nothing in a network needs an escape.
        let text = [
            Piece::Text("\""),
            Piece::Address(network.addr()),
            Piece::Text("/"),
            Piece::Number(u64::from(network.prefix_len())),
            Piece::Text("\""),
        ];
        push_sentence(&mut list, &text);
    }
    list.push(']');
    let list = RawValue::from_string(list).map_err(S::Error::custom)?;
    list.serialize(serializer)
}

/// Why a baseline could not be kept or read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", .path.display())]
pub struct BaselineError {
    path: PathBuf,
    reason: String,
}

impl Baseline {
    /// A baseline of these users, up to `through`.
    pub fn new(through: i64, users: Vec<UserBaseline>) -> Self {
        Self {
            version: VERSION,
            through,
            users,
        }
    }

    /// Reads the baseline of `logs`, if there is one.
    ///
    /// # Errors
    /// When it is there and cannot be read, or is damaged; it names the file.
    pub fn load(logs: &[PathBuf], state: &StateDir) -> Result<Option<Self>, BaselineError> {
        let path = place(logs, state);
        let text = match small_file::read_text(&path, LARGEST) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(problem(&path, &error)),
        };
        match serde_json::from_str::<Self>(&text) {
            Ok(baseline) if baseline.version == VERSION => Ok(Some(baseline)),
            Ok(_) => Err(problem(&path, &"it is of another version")),
            Err(error) => Err(problem(&path, &error)),
        }
    }

    /// Keeps it, 0600 and in one step.
    ///
    /// # Errors
    /// When the state folder refuses.
    pub fn save(&self, logs: &[PathBuf], state: &StateDir) -> Result<(), BaselineError> {
        let path = place(logs, state);
        state
            .create()
            .and_then(|()| state.folder("audit"))
            .map_err(|error| problem(&path, &error))?;
        let text = serde_json::to_string(self).map_err(|error| problem(&path, &error))?;
        atomic_file::write_output(&path, text.as_bytes(), Some(0o600))
            .map_err(|error| problem(&path, &error))
    }
}

/// One file for each set of logs that is read together.
fn place(logs: &[PathBuf], state: &StateDir) -> PathBuf {
    let mut whole: Vec<PathBuf> = logs
        .iter()
        .map(|log| std::path::absolute(log).unwrap_or_else(|_| log.clone()))
        .collect();
    order::sort(&mut whole);
    let mut hasher = Sha256::new();
    for log in whole {
        hasher.update(log.as_os_str().as_encoded_bytes());
        hasher.update([0]);
    }
    let name = hex::lower(&hasher.finalize()[..16]);
    state
        .path()
        .join("audit")
        .join(format!("baseline-{name}.json"))
}

fn problem(path: &Path, reason: &dyn std::fmt::Display) -> BaselineError {
    BaselineError {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}
