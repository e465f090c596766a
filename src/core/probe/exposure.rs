//! Files that no endpoint may serve, and the content that proves one.
//!
//! A status proves nothing: a gateway answers 200 with its page to every path.

use percent_encoding::utf8_percent_encode;

use super::evidence::{Exchange, ExposedKind};
use crate::key_shapes::is_secret_name;
use crate::redact::RESERVED;
use crate::variables::{is_of_the_page, is_of_the_past, is_of_upstream};

/// At most this many bytes of a file are looked at.
const LOOKED_AT: usize = 8 * 1024;
/// At most this many names are told.
const MAX_NAMES: usize = 10;

/// A path to ask and one of the same shape that cannot exist.
pub(super) struct ExposedFile {
    pub(super) path: String,
    pub(super) canary: String,
    pub(super) kind: ExposedKind,
}

/// Path and canary; `*` stands for the word that cannot exist.
const FILES: &[(&str, &str, ExposedKind)] = &[
    ("/.env", "/.*", ExposedKind::EnvFile),
    ("/.env.bak", "/.*.bak", ExposedKind::EnvFile),
    ("/.env.backup", "/.*.backup", ExposedKind::EnvFile),
    ("/.env.old", "/.*.old", ExposedKind::EnvFile),
    ("/.env.save", "/.*.save", ExposedKind::EnvFile),
    ("/.env~", "/.*~", ExposedKind::EnvFile),
    ("/.git/config", "/.*/config", ExposedKind::GitConfig),
    ("/audit.log", "/*.log", ExposedKind::AuditLog),
];

/// The files to ask for; `audit_log` is the base name of the configured audit log.
pub(super) fn exposed_files(audit_log: Option<&str>, word: &str) -> Vec<ExposedFile> {
    let mut files: Vec<_> = FILES
        .iter()
        .map(|(path, canary, kind)| ExposedFile {
            path: (*path).to_owned(),
            canary: canary.replace('*', word),
            kind: *kind,
        })
        .collect();
    let usual = |name: &&str| *name != "audit.log" && !name.is_empty() && !name.contains('/');
    if let Some(name) = audit_log.filter(usual) {
        let ending = name.rfind('.').map_or("", |dot| &name[dot..]);
        let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        files.push(ExposedFile {
            path: format!("/{}", encoded(name)),
            canary: format!("/{word}{}", encoded(ending)),
            kind: ExposedKind::AuditLog,
        });
    }
    files
}

/// What the content proves to be a file of this kind, if it does: the names of its variables for
/// an env file, nothing more for the others. `is_log_event` knows structured lines of logs.
pub(super) fn signature(
    kind: ExposedKind,
    exchange: &Exchange,
    is_log_event: fn(&str) -> bool,
) -> Option<Vec<String>> {
    if !exchange.is_success() {
        return None;
    }
    let cut = exchange.body.len() > LOOKED_AT || !exchange.complete;
    let body = &exchange.body[..exchange.body.len().min(LOOKED_AT)];
    let text = String::from_utf8_lossy(body);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    // The last line of a cut text may be half a line.
    let text = match text.rfind('\n') {
        Some(end) if cut => &text[..end],
        None if cut => return None,
        _ => text,
    };
    match kind {
        ExposedKind::EnvFile => env_file(text),
        ExposedKind::GitConfig => git_config(text).then(Vec::new),
        ExposedKind::AuditLog => audit_log(text, is_log_event).then(Vec::new),
    }
}

/// Every line is an assignment, and one name at least is a known or a secret's.
fn env_file(text: &str) -> Option<Vec<String>> {
    let mut telling = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line
            .strip_prefix("export ")
            .unwrap_or(line)
            .split_once('=')?;
        let name = name.trim();
        if !is_variable_name(name) {
            return None;
        }
        skip_open_quote(value.trim_start(), &mut lines);
        if is_telling(name) && telling.len() < MAX_NAMES {
            telling.push(name.to_owned());
        }
    }
    (!telling.is_empty()).then_some(telling)
}

/// A quoted value may go on over several lines.
fn skip_open_quote(value: &str, lines: &mut std::str::Lines<'_>) {
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return;
    };
    if value[1..].contains(quote) {
        return;
    }
    let rest = lines.clone();
    if rest.clone().any(|line| line.contains(quote)) {
        let _ = lines.find(|line| line.contains(quote));
    }
}

fn is_variable_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.len() <= 100
}

/// A variable of OpenClaw, of today or of the past, or a secret by its name.
fn is_telling(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    is_of_the_page(&name) || is_of_upstream(&name) || is_of_the_past(&name) || is_secret_name(&name)
}

fn git_config(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    let header = |line: &str| line.eq_ignore_ascii_case("[core]");
    let version = |line: &str| {
        let name = line.split('=').next().unwrap_or_default().trim();
        line.contains('=') && name.eq_ignore_ascii_case("repositoryformatversion")
    };
    let first = lines.find(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    if !first.is_some_and(|line| line.starts_with('[')) {
        return false;
    }
    let mut in_core = first.is_some_and(header);
    for line in lines {
        if line.starts_with('[') {
            in_core = header(line);
        } else if in_core && version(line) {
            return true;
        }
    }
    false
}

/// The first lines are each an event with a time.
fn audit_log(text: &str, is_log_event: fn(&str) -> bool) -> bool {
    const FIRST: usize = 5;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut lines = lines.take(FIRST).peekable();
    lines.peek().is_some() && lines.all(|line| is_event(line) || is_log_event(line))
}

fn is_event(line: &str) -> bool {
    const TIMES: &[&str] = &[
        "time",
        "timestamp",
        "ts",
        "@timestamp",
        "date",
        "datetime",
        "at",
    ];
    if line.starts_with('{') {
        let json: Option<serde_json::Value> = serde_json::from_str(line).ok();
        return json.is_some_and(|json| TIMES.iter().any(|name| json.get(name).is_some()));
    }
    let unframed = match line.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((priority, rest)) if priority.parse::<u16>().is_ok() => {
            rest.strip_prefix("1 ").unwrap_or(rest)
        }
        _ => line,
    };
    let unquoted = unframed.trim_start_matches('[');
    starts_with_date(unquoted)
        || starts_with_syslog_date(unframed)
        || TIMES.iter().any(|name| {
            let value = unframed
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('='));
            value.is_some_and(|value| {
                value
                    .trim_start_matches('"')
                    .starts_with(|c: char| c.is_ascii_digit())
            })
        })
}

/// `2026-06-01T…` or `2026-06-01 12:…`.
fn starts_with_date(text: &str) -> bool {
    let shape = text.bytes().take(13).map(|byte| match byte {
        b'0'..=b'9' => b'0',
        b'T' | b' ' => b' ',
        other => other,
    });
    shape.eq(*b"0000-00-00 00")
}

/// `Jun  1 12:00:00`.
fn starts_with_syslog_date(text: &str) -> bool {
    const MONTHS: &[&str] = &[
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.split_ascii_whitespace();
    let month = words.next().is_some_and(|word| MONTHS.contains(&word));
    let day = words
        .next()
        .is_some_and(|word| word.parse::<u8>().is_ok_and(|day| day <= 31));
    let time = words
        .next()
        .is_some_and(|word| word.len() >= 8 && word.as_bytes()[2] == b':');
    month && day && time
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn env_files_and_what_only_looks_like_one() {
        for (text, expected) in [
            ("WEB_API_KEY=made-up\n", Some(vec!["WEB_API_KEY"])),
            (
                "# note\n\nexport A_TOKEN='x'\nB=2\r\n",
                Some(vec!["A_TOKEN"]),
            ),
            ("\u{feff}FORCE_HTTPS=true\n", Some(vec!["FORCE_HTTPS"])),
            (
                "SSH_PRIVATE_KEY=\"-----BEGIN\nabc\n-----END\"\nB=1",
                Some(vec!["SSH_PRIVATE_KEY"]),
            ),
            ("A=1\nB=2\n", None),
            ("<html>WEB_API_KEY=made-up</html>", None),
            ("Put WEB_API_KEY=made-up into .env", None),
            ("WEB_API_KEY=made-up\n<p>", None),
            ("WEB_API_KEY", None),
            ("", None),
        ] {
            let expected = expected.map(|names| names.into_iter().map(str::to_owned).collect());
            assert_eq!(
                env_file(text.strip_prefix('\u{feff}').unwrap_or(text)),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn git_configurations_and_what_only_looks_like_one() {
        for (text, expected) in [
            ("[core]\n\trepositoryformatversion = 0\n", true),
            (
                "[user]\nname=x\n[core]\nbare=false\nRepositoryFormatVersion=1",
                true,
            ),
            ("[core]\nbare = false\n", false),
            ("[remote]\nrepositoryformatversion = 0\n", false),
            ("<pre>[core]\nrepositoryformatversion = 0</pre>", false),
            ("", false),
        ] {
            assert_eq!(git_config(text), expected, "{text}");
        }
    }

    #[test]
    fn audit_logs_and_what_only_looks_like_one() {
        for (text, expected) in [
            (
                "{\"time\":\"2026-06-01T00:00:00Z\",\"event\":\"login\"}\n",
                true,
            ),
            (
                "2026-06-01T00:00:00Z login ok\n2026-06-01 00:00:01 login ok",
                true,
            ),
            ("<34>1 2026-06-01T00:00:00Z host app - - -", true),
            ("Jun  1 12:00:00 host sshd[1]: x", true),
            ("time=2026-06-01T00:00:00Z level=info", true),
            ("{\"ok\":true}", false),
            ("2026-06-01T00:00:00Z x\n<html>", false),
            ("<!doctype html>", false),
            ("not found", false),
            ("", false),
        ] {
            assert_eq!(audit_log(text, |_| false), expected, "{text}");
        }
    }

    #[test]
    fn a_log_may_be_of_lines_that_another_reader_knows() {
        let knows = |line: &str| line.starts_with("CEF:");
        assert!(audit_log("CEF:0|a\n2026-06-01T00:00:00Z login ok", knows));
        assert!(!audit_log("CEF:0|a\n<html>", knows));
    }

    #[test]
    fn a_configured_log_name_is_asked_for_once_and_encoded() {
        let names = |name| {
            let files = exposed_files(name, "w");
            files[FILES.len()..]
                .iter()
                .map(|file| (file.path.clone(), file.canary.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(None), []);
        assert_eq!(names(Some("audit.log")), []);
        assert_eq!(
            names(Some("a b.txt")),
            [("/a%20b.txt".into(), "/w.txt".into())]
        );
    }

    proptest! {
        #[test]
        fn any_body_is_looked_at_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let text = String::from_utf8_lossy(&body);
            let _ = (env_file(&text), git_config(&text), audit_log(&text, |_| false));
        }

        #[test]
        fn a_written_env_file_is_recognised(names in proptest::collection::vec("[A-Z_][A-Z0-9_]{0,9}_KEY", 1..9)) {
            let text: String = names.iter().map(|name| format!("{name}=value\n")).collect();
            prop_assert_eq!(env_file(&text), Some(names));
        }
    }
}
