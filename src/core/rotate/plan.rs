//! What one rotation is going to do: fixed before anything is changed, and kept in the journal.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RotateError;
use super::providers::{self, Provider};

/// How OpenClaw is restarted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// By somebody else.
    None,
    /// A command of the user's own, split like a shell would and run without one.
    Command(String),
    /// A systemd unit.
    Unit {
        /// Its name.
        unit: String,
        /// Whether it belongs to the user's own manager.
        user: bool,
    },
    /// A docker compose service, made anew: `restart` would keep the old environment.
    Compose {
        /// Its name.
        service: String,
        /// `--compose-file`
        file: Option<PathBuf>,
    },
}

/// Who takes the old key back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevokeMode {
    /// The provider's API.
    Auto,
    /// A person, in the console.
    Manual,
}

/// Where the new key comes from: a name, never the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeySource {
    /// A file that can be read again.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// Standard input or a person: gone once it was read.
    Once,
    /// The provider's API.
    Created,
}

/// The endpoint that says whether OpenClaw is well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// http or https.
    pub url: String,
    /// How long it is waited for.
    pub timeout_s: f64,
}

/// One rotation, without its keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// Chosen at random; names the key made by API.
    pub id: String,
    /// When it began.
    pub started_at: Timestamp,
    /// The variable.
    pub name: String,
    /// The provider's id.
    pub provider: String,
    /// The env file as it was named, made absolute.
    pub env: PathBuf,
    /// The file behind all links.
    pub target: PathBuf,
    /// The folder the command was called in.
    pub folder: PathBuf,
    /// `--state-dir`, if it was given.
    pub state_dir: Option<PathBuf>,
    /// `--provider-url`
    pub provider_url: Option<String>,
    /// Where the new key comes from.
    pub new_key: KeySource,
    /// How OpenClaw is restarted.
    pub restart: Restart,
    /// How its health is known.
    pub health: Option<Health>,
    /// Who takes the old key back.
    pub revoke: RevokeMode,
    /// The name of the variable with the admin key.
    pub admin_key_env: Option<String>,
    /// The old key; none where the variable was empty or held a placeholder.
    pub old_fingerprint: Option<String>,
    /// The new key; none until it was made.
    pub new_fingerprint: Option<String>,
    /// Whether the old key was dead already when it began: then there is no way back.
    pub old_was_dead: bool,
    /// When the provider says the new key ends.
    pub expires_at: Option<Timestamp>,
}

impl Plan {
    /// The provider's row.
    ///
    /// # Errors
    /// When a journal names a provider that this version does not know.
    pub fn provider(&self) -> Result<&'static Provider, RotateError> {
        providers::find(&self.provider)
            .ok_or_else(|| RotateError::UnknownProvider(self.provider.clone()))
    }

    /// A command about this rotation, as it can be typed.
    pub fn command(&self, action: &str) -> String {
        let quoted = |path: &std::path::Path| {
            let text = path.to_string_lossy().into_owned();
            shlex::try_quote(&text).map_or_else(|_| text.clone(), |quoted| quoted.into_owned())
        };
        let mut command = format!(
            "openclaw-sec rotate {action} --env {} --name {}",
            quoted(&self.env),
            self.name
        );
        if let Some(folder) = &self.state_dir {
            command.push_str(&format!(" --state-dir {}", quoted(folder)));
        }
        command
    }

    /// What the provider's API calls the key it makes for this rotation.
    pub fn created_name(&self) -> String {
        format!("openclaw-sec-{}", self.id)
    }
}
