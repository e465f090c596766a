//! The variables of the page that hosted OpenClaw follows, and upstream's own: one table.

use crate::{key_shapes, placeholder};

/// What a variable of the page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// A secret.
    Secret,
    /// `true` switches it on; nothing else is documented.
    Switch,
    /// A positive number, in decimal digits.
    Number,
    /// Anything else.
    Text,
}

/// One variable of the page.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// What `check --fix` adds when it is missing; `None` where only a person can know.
    pub hardened: Option<&'static str>,
    /// What it is for.
    pub about: &'static str,
}

const fn variable(
    name: &'static str,
    holds: Holds,
    hardened: Option<&'static str>,
    about: &'static str,
) -> Variable {
    Variable {
        name,
        holds,
        hardened,
        about,
    }
}

/// The page's variables, in the page's order
/// (<https://docs.openclawvps.com/configuration/security>).
pub const VARIABLES: &[Variable] = &[
    variable(
        "WEB_API_KEY",
        Holds::Secret,
        None,
        "the key of the web chat",
    ),
    variable(
        "RATE_LIMIT_ENABLED",
        Holds::Switch,
        Some("true"),
        "limits requests",
    ),
    variable(
        "RATE_LIMIT_REQUESTS",
        Holds::Number,
        Some("100"),
        "requests in a window",
    ),
    variable(
        "RATE_LIMIT_WINDOW",
        Holds::Number,
        Some("60000"),
        "the window, in milliseconds",
    ),
    variable(
        "RATE_LIMIT_PER_USER",
        Holds::Number,
        Some("50"),
        "requests of one user in a window",
    ),
    variable(
        "RATE_LIMIT_PER_IP",
        Holds::Number,
        Some("200"),
        "requests of one address in a window",
    ),
    variable(
        "FORCE_HTTPS",
        Holds::Switch,
        Some("true"),
        "redirects http to https",
    ),
    variable(
        "CORS_ORIGINS",
        Holds::Text,
        None,
        "the web origins that may call the API",
    ),
    variable(
        "TRUSTED_PROXIES",
        Holds::Switch,
        None,
        "believes X-Forwarded-For of listed proxies",
    ),
    variable(
        "TRUSTED_PROXY_IPS",
        Holds::Text,
        None,
        "the proxies' networks",
    ),
    variable(
        "LOG_SECURITY_EVENTS",
        Holds::Switch,
        Some("true"),
        "logs logins, limits and errors",
    ),
    variable("LOG_LEVEL", Holds::Text, Some("info"), "how much is logged"),
    variable(
        "ENABLE_AUDIT_LOG",
        Holds::Switch,
        Some("true"),
        "writes the audit trail",
    ),
    variable(
        "AUDIT_LOG_PATH",
        Holds::Text,
        Some(DEFAULT_AUDIT_LOG),
        "where the audit trail goes",
    ),
];

/// Where the audit trail is looked for, unless something names another place.
pub const DEFAULT_AUDIT_LOG: &str = "/var/log/openclaw/audit.log";

/// The variables that hold the key of the web UI, the page's first, then upstream's.
pub const WEB_KEYS: [&str; 3] = [
    "WEB_API_KEY",
    "OPENCLAW_GATEWAY_TOKEN",
    "OPENCLAW_GATEWAY_PASSWORD",
];

/// Whether a variable holds a secret: by its name, or by the shape of its value.
pub fn is_secret(name: &str, value: &[u8]) -> bool {
    let is_of_the_page = VARIABLES
        .iter()
        .any(|variable| variable.name == name && variable.holds == Holds::Secret);
    is_of_the_page || key_shapes::is_secret_name(name) || key_shapes::recognise(value).is_some()
}

/// Whether a value is no secret, although its variable's name promises one: the name of a file. Where
/// nothing but the name's end (`KEY`, `TOKEN`) promises it, a short number or a word for yes or no is
/// none either; what is known to be a secret, a password included, is only a weak one then.
pub fn holds_no_secret(name: &str, value: &[u8]) -> bool {
    let upper = name.to_ascii_uppercase();
    let is_by_ending = || ["KEY", "TOKEN"].iter().any(|end| upper.ends_with(end));
    let is_known = || {
        is_of_the_page(name)
            || WEB_KEYS.contains(&name)
            || key_shapes::provider_of_variable(name).is_some()
    };
    placeholder::is_path(value) || is_by_ending() && !is_known() && placeholder::is_no_secret(value)
}

/// Whether the page documents this variable.
pub fn is_of_the_page(name: &str) -> bool {
    VARIABLES.iter().any(|variable| variable.name == name)
}

/// Whether upstream OpenClaw reads variables of this name. Our own settings begin alike.
pub fn is_of_upstream(name: &str) -> bool {
    name.starts_with("OPENCLAW_") && !name.starts_with("OPENCLAW_SEC_")
}

/// Whether this is a name from before OpenClaw was called so, which nothing reads any more.
pub fn is_of_the_past(name: &str) -> bool {
    name.starts_with("CLAWDBOT_") || name.starts_with("MOLTBOT_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_promises_by_its_end_alone_may_hold_a_number_or_a_switch() {
        for (name, value, expected) in [
            ("MAX_TOKEN", "4096", true),
            ("a_token", "true", true),
            ("SSH_KEY", "/run/secrets/ssh", true),
            ("A_KEY", "12345678", false),
            ("DB_PASSWORD", "1234567", false),
            ("DB_PASSWD", "yes", false),
            ("APP_SECRET", "0", false),
            ("DB_PASSWORD", "/run/secrets/db", true),
            ("OPENCLAW_GATEWAY_TOKEN", "1234567", false),
            ("OPENCLAW_GATEWAY_PASSWORD", "1234567", false),
            ("WEB_API_KEY", "1234567", false),
            ("OPENAI_API_KEY", "1234567", false),
            ("ANTHROPIC_API_KEY", "true", false),
            ("TELEGRAM_BOT_TOKEN", "123456", false),
            ("OPENAI_API_KEY", "file:/run/secrets/openai", true),
        ] {
            let found = holds_no_secret(name, value.as_bytes());
            assert_eq!(found, expected, "{name}={value}");
        }
    }
}
