//! Sentences of servers that write no fields, and what can be told of a text that is none of them.

mod foreign;
mod sentences;

use std::net::IpAddr;
use std::sync::OnceLock;

use regex::{Captures, Regex};

use super::address::address;
use foreign::foreign_parts;
pub use foreign::{Postgres, postgres, without_names, without_quotes, without_targets};
pub use sentences::{begins_like_sentence, may_be_sentence, sentence};

/// What a sentence says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sentence<'l> {
    /// Who.
    pub user: Option<&'l str>,
    /// From where.
    pub ip: Option<IpAddr>,
    /// How it ended, where the sentence decides that.
    pub success: Option<bool>,
    /// How often (`message repeated N times`).
    pub count: u64,
    /// Whether the line only accompanies an attempt that has its own line.
    pub is_companion: bool,
}

/// The address that a refusal of an unknown program names, if it names only one, and not inside
/// the name of a user or another text that is only repeated.
pub fn only_address(text: &str, user: Option<&str>) -> Option<IpAddr> {
    static ADDRESS: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = ADDRESS
        .get_or_init(|| Regex::new(r"[0-9A-Fa-f.:]*[.:][0-9A-Fa-f.:]+").ok())
        .as_ref()?;
    let hidden = user.filter(|user| !user.is_empty());
    let mut found: Option<IpAddr> = None;
    let mut foreign = foreign_parts(text).peekable();
    for candidate in pattern.find_iter(text) {
        let word = candidate.as_str().trim_matches(['.', ':']);
        let word = if candidate.as_str().starts_with("::") {
            candidate.as_str().trim_end_matches('.')
        } else {
            word
        };
        let Some(address) = address(word).filter(|address| is_likely(*address, word)) else {
            continue;
        };
        let is_bare = |byte: Option<u8>| {
            byte.is_none_or(|b| !b.is_ascii_alphanumeric() && b != b'-' && b != b'_')
        };
        let bytes = text.as_bytes();
        let before = candidate.start().checked_sub(1).map(|at| bytes[at]);
        if !is_bare(before) || !is_bare(bytes.get(candidate.end()).copied()) {
            continue;
        }
        if hidden.is_some_and(|user| stands_inside(text, user, candidate.start())) {
            continue;
        }
        while foreign
            .next_if(|part| part.end <= candidate.start())
            .is_some()
        {}
        if foreign
            .peek()
            .is_some_and(|part| part.contains(&candidate.start()))
        {
            continue;
        }
        match found {
            Some(other) if other != address => return None,
            _ => found = Some(address),
        }
    }
    found
}

/// `10:00:02` and `1.2.3` are no addresses, and `::` is nobody.
fn is_likely(address: IpAddr, word: &str) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_unspecified(),
        IpAddr::V6(address) => !address.is_unspecified() && word.matches(':').count() >= 2,
    }
}

fn stands_inside(text: &str, user: &str, at: usize) -> bool {
    text.match_indices(user)
        .any(|(start, user)| (start..start + user.len()).contains(&at))
}

/// The user that a sentence of an unknown program names: `user=<x>`, `user "x y"`, `for user x`.
pub fn named_user(text: &str) -> Option<&str> {
    static NAMED: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = NAMED
        .get_or_init(|| {
            Regex::new(
                r#"(?i-u:\b(?:user|username|login|account)(?: name)?)(?:[=:] ?| )(?:"([^"]*)"|'([^']*)'|`([^`]*)`|<([^>]*)>|\[([^\]]*)\]|([^\s"'`<>\[\],;:=()]+))"#,
            )
            .ok()
        })
        .as_ref()?;
    pattern.captures_iter(text).find_map(name)
}

/// For whom a login failed, in the words of an unknown program: `password for x`, `login failed for 'x y'`.
pub fn refused_user(text: &str) -> Option<&str> {
    static REFUSED: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = REFUSED
        .get_or_init(|| {
            Regex::new(
                r#"(?i-u:\b(?:password|log[io]n|sign[ -]?in|auth|authentication|credentials?)\b)[^"'`<>]{0,40}? for (?:"([^"]*)"|'([^']*)'|`([^`]*)`|<([^>]*)>|\[([^\]]*)\]|([^\s"'`<>\[\],;=()]+))"#,
            )
            .ok()
        })
        .as_ref()?;
    pattern.captures_iter(text).find_map(|found| {
        let words = found.get(0)?.as_str().get(..8)?;
        let is_password = words.eq_ignore_ascii_case("password");
        let name = name(found)?;
        // `login failed for 192.0.2.5` names the client; `password for 192.0.2.5` a user of that name.
        let is_no_name = || {
            is_address(name)
                || name.bytes().all(|byte| byte.is_ascii_digit())
                || NO_NAMES.iter().any(|word| word.eq_ignore_ascii_case(name))
        };
        (is_password || !is_no_name()).then_some(name)
    })
}

/// What a login or its proof may be for, beside a user.
const NO_NAMES: [&str; 8] = [
    "gateway",
    "connection",
    "ssh",
    "device",
    "session",
    "key",
    "api",
    "host",
];

/// `192.0.2.5`, with or without a port.
fn is_address(name: &str) -> bool {
    let without_port = name.rsplit_once(':').map(|(address, _)| address);
    address(name).is_some() || without_port.and_then(address).is_some()
}

fn name<'l>(found: Captures<'l>) -> Option<&'l str> {
    let name = found.iter().skip(1).flatten().next()?.as_str();
    let name = name.trim_end_matches(['.', ':']);
    (!is_grammar(name)).then_some(name)
}

/// Words that follow "user" or "login" in a sentence without being a name.
fn is_grammar(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "" | "-"
            | "failed"
            | "failure"
            | "error"
            | "attempt"
            | "attempts"
            | "from"
            | "for"
            | "not"
            | "is"
            | "was"
            | "has"
            | "with"
            | "unknown"
            | "authentication"
            | "login"
            | "successful"
            | "succeeded"
            | "denied"
            | "incorrect"
            | "invalid"
            | "disabled"
            | "agent"
            | "or"
            | "and"
            | "as"
            | "in"
            | "on"
            | "to"
            | "by"
            | "at"
            | "of"
            | "does"
            | "did"
            | "who"
            | "name"
            | "username"
            | "user"
            | "password"
            | "account"
            | "client"
            | "ip"
            | "id"
            | "token"
            | "page"
            | "form"
            | "request"
            | "required"
            | "rejected"
            | "refused"
            | "locked"
            | "expired"
            | "because"
            | "via"
            | "using"
            | "took"
            | "nonexistent"
            | "a"
            | "an"
            | "the"
            | "this"
            | "your"
            | "all"
            | "any"
            | "address"
            | "host"
            | "peer"
            | "source"
            | "remote"
            | "more"
            | "too"
    )
}

/// `message repeated N times: [ … ]`, as rsyslog and others shorten.
pub fn repeated(text: &str) -> Option<(u64, &str)> {
    let rest = text.strip_prefix("message repeated ")?;
    let (count, rest) = rest.split_once(" times: [")?;
    let inside = rest.strip_suffix(']')?;
    Some((
        count.parse().ok().filter(|count| *count <= 1_000_000)?,
        inside.trim(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_of_sshd_name_user_and_address() {
        let cases = [
            (
                "Failed password for root from 192.0.2.1 port 22 ssh2",
                "root",
                false,
            ),
            (
                "Failed password for invalid user mia from 192.0.2.1 port 22 ssh2",
                "mia",
                false,
            ),
            (
                "Failed password for root from 6.6.6.6 port 1 from 192.0.2.1 port 22 ssh2",
                "root from 6.6.6.6 port 1",
                false,
            ),
            (
                "Accepted publickey for mia from 192.0.2.1 port 22 ssh2: ED25519 SHA256:abc",
                "mia",
                true,
            ),
            (
                "Invalid user  from 6.6.6.6 from 192.0.2.1 port 9",
                "from 6.6.6.6",
                false,
            ),
            ("Invalid user webmaster from 192.0.2.1", "webmaster", false),
            (
                "Connection closed by invalid user x 192.0.2.1 port 9 [preauth]",
                "x",
                false,
            ),
            (
                "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1  user=root",
                "root",
                false,
            ),
        ];
        for (text, user, success) in cases {
            let found = sentence(text).expect(text);
            assert_eq!(found.user, Some(user), "{text}");
            assert_eq!(found.ip.unwrap().to_string(), "192.0.2.1", "{text}");
            assert_eq!(found.success, Some(success), "{text}");
        }
        // Not at the beginning it decides nothing.
        let inside = sentence("I Failed password for root from 192.0.2.1 port 22 ssh2");
        assert_eq!(inside.and_then(|found| found.success), None);
        assert_eq!(
            sentence(
                "message repeated 5 times: [ Failed password for root from 192.0.2.1 port 22 ssh2]"
            )
            .unwrap()
            .count,
            5
        );
    }

    #[test]
    fn the_only_address_of_an_unknown_sentence_is_taken_but_not_from_a_name() {
        let cases = [
            (
                "login failed for mia from 192.0.2.1",
                Some("mia"),
                Some("192.0.2.1"),
            ),
            (
                "unknown[192.0.2.1]: SASL LOGIN authentication failed",
                None,
                Some("192.0.2.1"),
            ),
            ("login failed: rip=2001:db8::1, lip=10.0.0.1", None, None),
            (
                "FAIL LOGIN: Client \"::ffff:192.0.2.1\"",
                None,
                Some("192.0.2.1"),
            ),
            ("at 10:00:02 version 1.2.3 failed", None, None),
            (
                "login failed for user \"x 6.6.6.6\"",
                Some("x 6.6.6.6"),
                None,
            ),
            ("unauthorized, agent=\"curl 6.6.6.6\"", None, None),
            ("unauthorized, agent=\"6.6.6.6\"", None, None),
            ("unauthorized from \"192.0.2.1\"", None, Some("192.0.2.1")),
            (
                "unauthorized '6.6.6.6 x' from 192.0.2.1",
                None,
                Some("192.0.2.1"),
            ),
        ];
        for (text, user, expected) in cases {
            let found = only_address(text, user).map(|found| found.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            for start in ["", "Failed password for ", "message repeated 3 times: [", "user \""] {
                let line = format!("{start}{text}");
                let _ = sentence(&line);
                let _ = only_address(&line, named_user(&line));
                let _ = only_address(&line, refused_user(&line));
            }
        }
    }
}
