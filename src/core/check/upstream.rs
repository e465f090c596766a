//! Upstream OpenClaw's configuration file, `openclaw.json`, as far as the checks look into it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::secret::Secret;
use crate::small_file;

/// A larger configuration is refused, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// What can be wrong with the configuration. Nothing of it is ever quoted.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// It cannot be read.
    #[error("cannot read OpenClaw's configuration {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not JSON5.
    #[error("{path}:{line}:{column}: not valid JSON5; OpenClaw will not read it either")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: usize,
        /// 1-based column.
        column: usize,
    },
}

/// A credential as the configuration gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// The value itself.
    Literal(Secret),
    /// A SecretRef object or `${VARIABLE}`: set, but elsewhere.
    Reference,
}

/// What the configuration says about things the checks ask for.
#[derive(Debug, Clone, Default)]
pub struct Upstream {
    /// The file as it was given.
    pub path: String,
    /// `gateway.auth.token`.
    pub token: Option<Credential>,
    /// `gateway.auth.password`.
    pub password: Option<Credential>,
    /// `channels.telegram.webhookUrl`.
    pub telegram_webhook: Option<String>,
}

impl Upstream {
    /// Reads `openclaw.json`.
    ///
    /// # Errors
    /// When it cannot be read or is not JSON5.
    pub fn read(path: &Path) -> Result<Self, UpstreamError> {
        let text = small_file::read_text(path, LARGEST_FILE).map_err(|source| {
            UpstreamError::Unreadable {
                path: path.to_path_buf(),
                source,
            }
        })?;
        let mut upstream = Self::parse(&text).map_err(|(line, column)| UpstreamError::Syntax {
            path: path.to_path_buf(),
            line,
            column,
        })?;
        upstream.path = path.to_string_lossy().into_owned();
        Ok(upstream)
    }

    /// Parses the text of `openclaw.json`; an error is a 1-based line and column.
    fn parse(text: &str) -> Result<Self, (usize, usize)> {
        let value: Value = json5::from_str(text).map_err(|error| {
            error
                .position()
                .map_or((1, 1), |at| (at.line + 1, at.column + 1))
        })?;
        Ok(Self {
            path: String::new(),
            token: credential(value.pointer("/gateway/auth/token")),
            password: credential(value.pointer("/gateway/auth/password")),
            telegram_webhook: value
                .pointer("/channels/telegram/webhookUrl")
                .and_then(Value::as_str)
                .map(str::to_owned),
        })
    }

    /// The gateway's credentials that are set, with the name of their place.
    pub fn credentials(&self) -> impl Iterator<Item = (&'static str, &Credential)> {
        [
            ("gateway.auth.token", &self.token),
            ("gateway.auth.password", &self.password),
        ]
        .into_iter()
        .filter_map(|(place, credential)| Some((place, credential.as_ref()?)))
    }

    /// The credentials that stand in the file themselves.
    pub fn literals(&self) -> impl Iterator<Item = (&'static str, &Secret)> {
        self.credentials()
            .filter_map(|(place, credential)| match credential {
                Credential::Literal(secret) => Some((place, secret)),
                Credential::Reference => None,
            })
    }
}

fn credential(value: Option<&Value>) -> Option<Credential> {
    match value? {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) if text.starts_with("${") && text.ends_with('}') => {
            Some(Credential::Reference)
        }
        Value::String(text) => Some(Credential::Literal(Secret::new(text.as_bytes()))),
        Value::Object(_) => Some(Credential::Reference),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_bare_keys_and_single_quotes_are_read() {
        let text = "// mine\n{ gateway: { auth: { mode: 'token', token: 'abc', password: {source: 'env', id: 'P'}, }, },\n channels: {telegram: {webhookUrl: \"https://t.example\"}} }";
        let upstream = Upstream::parse(text).unwrap();
        assert_eq!(
            upstream.token,
            Some(Credential::Literal(Secret::new("abc")))
        );
        assert_eq!(upstream.password, Some(Credential::Reference));
        assert_eq!(
            upstream.telegram_webhook.as_deref(),
            Some("https://t.example")
        );
    }

    #[test]
    fn a_variable_counts_as_set_and_an_empty_text_does_not() {
        let upstream = Upstream::parse("{gateway:{auth:{token:'${TOKEN}',password:''}}}").unwrap();
        assert_eq!(upstream.token, Some(Credential::Reference));
        assert_eq!(upstream.password, None);
    }

    #[test]
    fn an_error_names_line_and_column_alone() {
        assert_eq!(
            Upstream::parse("{\n  gateway: {token: \"abc\" oops}\n}")
                .unwrap_err()
                .0,
            2
        );
    }
}
