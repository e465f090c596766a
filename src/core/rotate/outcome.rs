//! How a rotation stands: what is printed, for people and for machines.

use schemars::JsonSchema;
use serde::Serialize;

/// The schema of the JSON document.
pub const SCHEMA: &str = "openclaw-sec/rotate/1";

/// The page's four steps, and the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// 1: make a new key.
    Generate,
    /// 2: put it into the env file.
    Update,
    /// 3: restart OpenClaw.
    Restart,
    /// 4: take the old key back.
    Revoke,
    /// Nothing is left to do.
    Done,
}

impl Step {
    /// Its number on the page; none for the end.
    pub fn number(self) -> Option<u8> {
        match self {
            Self::Generate => Some(1),
            Self::Update => Some(2),
            Self::Restart => Some(3),
            Self::Revoke => Some(4),
            Self::Done => None,
        }
    }
}

/// How it ended, for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The new key is in effect and the old one dead, or nothing was to be done.
    Done,
    /// A person, or an answer, is missing.
    Waiting,
    /// The old key is back.
    RolledBack,
    /// It did not work; the message says how things stand.
    Failed,
    /// `--dry-run`
    Planned,
}

/// The final state of a command.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Outcome {
    /// [`SCHEMA`]
    pub schema: &'static str,
    /// The variable; null where nothing is in progress.
    pub name: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// The step it stands at.
    pub step: Step,
    /// How it ended.
    pub status: Status,
    /// The old key.
    pub old_fingerprint: Option<String>,
    /// The new key.
    pub new_fingerprint: Option<String>,
    /// The command that goes on.
    pub next: Option<String>,
    /// One or two sentences.
    pub message: String,
    /// Places that still hold the old key, each as a file or a process; never its content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<String>,
}

impl Outcome {
    /// A document that is about no rotation.
    pub fn nothing(message: impl Into<String>) -> Self {
        Self {
            schema: SCHEMA,
            name: None,
            provider: None,
            step: Step::Done,
            status: Status::Done,
            old_fingerprint: None,
            new_fingerprint: None,
            next: None,
            message: message.into(),
            places: Vec::new(),
        }
    }

    /// The exit code of the contract.
    pub fn exit_code(&self) -> u8 {
        match self.status {
            Status::Done | Status::Planned => 0,
            Status::RolledBack | Status::Failed => 1,
            Status::Waiting => 3,
        }
    }
}
