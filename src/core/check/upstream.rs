//! Upstream OpenClaw's configuration file, `openclaw.json`, as far as the checks look into it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::secret::Secret;
use crate::settings::position;
use crate::small_file;
use crate::variables::{WEB_KEYS, is_of_the_page, is_secret};

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
    /// What `env.vars` sets, with the name of each place.
    pub variables: Vec<(String, Credential)>,
    /// `channels.telegram.webhookUrl`.
    pub telegram_webhook: Option<String>,
}

/// Where variables are set for OpenClaw.
const VARIABLES: &str = "env.vars.";
/// The credentials of the gateway, and the variables that do the same.
const TOKEN: (&str, &str) = ("gateway.auth.token", "OPENCLAW_GATEWAY_TOKEN");
const PASSWORD: (&str, &str) = ("gateway.auth.password", "OPENCLAW_GATEWAY_PASSWORD");

/// The variable that a place of the configuration sets, or stands for.
pub fn variable_of(place: &str) -> &str {
    let same = [TOKEN, PASSWORD].into_iter().find(|(at, _)| *at == place);
    match same {
        Some((_, variable)) => variable,
        None => place.strip_prefix(VARIABLES).unwrap_or(place),
    }
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
    pub(super) fn parse(text: &str) -> Result<Self, (usize, usize)> {
        if let Some(at) = too_deep(text) {
            return Err(position(text, at));
        }
        let value: Value = json5::from_str(text).map_err(|error| {
            error
                .position()
                .map_or((1, 1), |at| (at.line + 1, at.column + 1))
        })?;
        Ok(Self {
            path: String::new(),
            token: credential(value.pointer("/gateway/auth/token")),
            password: credential(value.pointer("/gateway/auth/password")),
            variables: variables(value.pointer("/env/vars")),
            telegram_webhook: value
                .pointer("/channels/telegram/webhookUrl")
                .and_then(Value::as_str)
                .map(str::to_owned),
        })
    }

    /// The gateway's credentials that are set, with the name of their place. What it does not read
    /// is none.
    pub fn credentials(&self) -> impl Iterator<Item = (&str, &Credential)> {
        let is_web_key = |(place, _): &(&str, &Credential)| {
            let variable = variable_of(place);
            WEB_KEYS.contains(&variable) && !is_of_the_page(variable)
        };
        self.all().filter(is_web_key)
    }

    /// The places of credentials that are set and stand elsewhere.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        self.credentials()
            .filter(|(_, credential)| **credential == Credential::Reference)
            .map(|(place, _)| place)
    }

    /// The credentials that stand in the file themselves.
    pub fn literals(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.credentials().filter_map(literal)
    }

    /// All secrets that stand in the file themselves.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.all()
            .filter_map(literal)
            .filter(|(place, value)| is_secret(variable_of(place), value.expose()))
    }

    fn all(&self) -> impl Iterator<Item = (&str, &Credential)> {
        let gateway = [(TOKEN.0, &self.token), (PASSWORD.0, &self.password)];
        let gateway = gateway
            .into_iter()
            .filter_map(|(place, credential)| Some((place, credential.as_ref()?)));
        let variables = self.variables.iter();
        gateway.chain(variables.map(|(place, credential)| (place.as_str(), credential)))
    }
}

fn literal<'u>((place, credential): (&'u str, &'u Credential)) -> Option<(&'u str, &'u Secret)> {
    match credential {
        Credential::Literal(secret) => Some((place, secret)),
        Credential::Reference => None,
    }
}

fn variables(value: Option<&Value>) -> Vec<(String, Credential)> {
    let variables = value.and_then(Value::as_object).into_iter().flatten();
    variables
        .filter_map(|(name, value)| Some((format!("{VARIABLES}{name}"), credential(Some(value))?)))
        .collect()
}

/// Where the text nests deeper than any configuration does, and than a recursive parser survives.
fn too_deep(text: &str) -> Option<usize> {
    const DEEPEST: usize = 128;
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0usize);
    while let Some(byte) = bytes.get(at) {
        at += match (*byte, bytes.get(at + 1)) {
            (quote @ (b'"' | b'\''), _) => quoted_length(&bytes[at..], quote),
            (b'/', Some(b'/')) => line_length(&bytes[at..]),
            (b'/', Some(b'*')) => comment_length(&bytes[at..]),
            (b'[' | b'{', _) if depth == DEEPEST => return Some(at),
            (b'[' | b'{', _) => {
                depth += 1;
                1
            }
            (b']' | b'}', _) => {
                depth = depth.saturating_sub(1);
                1
            }
            _ => 1,
        };
    }
    None
}

fn quoted_length(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match *byte {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// In JSON5 a line ends at a carriage return, U+2028 and U+2029, too.
fn line_length(bytes: &[u8]) -> usize {
    let ends = [&b"\n"[..], b"\r", b"\xe2\x80\xa8", b"\xe2\x80\xa9"];
    (1..bytes.len())
        .find(|at| ends.iter().any(|end| bytes[*at..].starts_with(end)))
        .unwrap_or(bytes.len())
}

fn comment_length(bytes: &[u8]) -> usize {
    memchr::memmem::find(&bytes[2..], b"*/").map_or(bytes.len(), |at| at + 4)
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
    fn variables_are_set_there_too_and_the_web_keys_among_them_are_credentials() {
        let text = "{env:{vars:{OPENCLAW_GATEWAY_TOKEN:'abc',OPENCLAW_GATEWAY_PASSWORD:'${X}',WEB_API_KEY:'${Y}',GROQ_API_KEY:'def',MODE:'x',A_KEY:''}}}";
        let upstream = Upstream::parse(text).unwrap();
        let places = |found: Vec<(&str, &Secret)>| -> Vec<String> {
            found.iter().map(|(place, _)| (*place).to_owned()).collect()
        };
        assert_eq!(
            places(upstream.literals().collect()),
            ["env.vars.OPENCLAW_GATEWAY_TOKEN"]
        );
        assert_eq!(
            places(upstream.secrets().collect()),
            ["env.vars.OPENCLAW_GATEWAY_TOKEN", "env.vars.GROQ_API_KEY"]
        );
        assert_eq!(
            upstream.references().collect::<Vec<_>>(),
            ["env.vars.OPENCLAW_GATEWAY_PASSWORD"]
        );
    }

    #[test]
    fn nesting_that_would_exhaust_the_stack_is_an_error_and_brackets_in_texts_are_none() {
        let deep = |levels: usize| format!("{{a:\n{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(Upstream::parse(&deep(100)).is_ok());
        assert_eq!(Upstream::parse(&deep(500_000)).unwrap_err(), (2, 128));
        for end in ["\n", "\r", "\u{2028}", "\u{2029}"] {
            let hidden = format!("// one line{end}{}", "[".repeat(500_000));
            assert!(Upstream::parse(&hidden).is_err(), "{end:?}");
        }
        assert!(Upstream::parse(&format!("/*/{}*/ {{}}", "[".repeat(300))).is_ok());
        let hidden = format!("/**/{}", "[".repeat(500_000));
        assert!(Upstream::parse(&hidden).is_err());
        let quoted = format!(
            "{{a: '{}\\'[', /* {} */ // {}\n}}",
            "[".repeat(300),
            "{".repeat(300),
            "[".repeat(300)
        );
        assert!(Upstream::parse(&quoted).is_ok());
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
