//! Tells values that only stand where a secret should be from secrets.

use crate::key_shapes::KEY_SHAPES;

/// What gives a placeholder away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceholderKind {
    /// Words that say what to put there: `your-secret-key-here`, `change-me-now`, `TODO`, `null`.
    Words,
    /// Something in brackets that was to be filled in: `<key>`, `[your key]`, `{{ key }}`.
    Brackets,
    /// A variable or a command that nobody expanded: `${KEY}`, `${{ vars.KEY }}`, `$KEY`, `%KEY%`,
    /// `$(openssl rand -hex 32)`.
    Unexpanded,
    /// Dots, stars or `x` that stand for the rest: `sk-ant-...`, `xxxx-xxxx`.
    Elided,
}

/// Words that make a value a placeholder.
const TELLING_WORDS: &[&str] = &[
    "your",
    "yours",
    "change",
    "changeme",
    "changeit",
    "changethis",
    "replace",
    "replaced",
    "replaceme",
    "insert",
    "paste",
    "put",
    "enter",
    "fill",
    "filled",
    "example",
    "examples",
    "dummy",
    "sample",
    "todo",
    "fixme",
    "tbd",
    "secret",
    "secrets",
    "password",
    "passwd",
    "passphrase",
    "none",
    "null",
    "nil",
    "undefined",
    "placeholder",
    "fake",
    "redacted",
    "masked",
    "hidden",
    "removed",
    "unset",
    "missing",
    "mysecret",
    "notset",
    "foobar",
    "xxx",
    "provide",
    "add",
    "set",
    "goes",
];

/// Words that go with the telling ones and prove nothing alone.
const FILLER_WORDS: &[&str] = &[
    "a",
    "an",
    "the",
    "to",
    "of",
    "in",
    "it",
    "is",
    "on",
    "at",
    "by",
    "or",
    "and",
    "for",
    "me",
    "my",
    "our",
    "own",
    "this",
    "that",
    "here",
    "there",
    "now",
    "soon",
    "later",
    "please",
    "with",
    "from",
    "into",
    "not",
    "do",
    "be",
    "must",
    "should",
    "will",
    "before",
    "after",
    "use",
    "using",
    "used",
    "real",
    "actual",
    "new",
    "old",
    "some",
    "something",
    "any",
    "one",
    "key",
    "keys",
    "api",
    "token",
    "tokens",
    "pass",
    "pwd",
    "word",
    "value",
    "values",
    "string",
    "text",
    "id",
    "uuid",
    "hex",
    "base",
    "base64",
    "openssl",
    "rand",
    "random",
    "randomly",
    "long",
    "very",
    "super",
    "strong",
    "secure",
    "safe",
    "generated",
    "generate",
    "unique",
    "private",
    "public",
    "web",
    "bot",
    "app",
    "client",
    "server",
    "gateway",
    "admin",
    "user",
    "username",
    "name",
    "host",
    "domain",
    "com",
    "url",
    "email",
    "auth",
    "oauth",
    "access",
    "refresh",
    "session",
    "jwt",
    "signing",
    "encryption",
    "webhook",
    "service",
    "project",
    "account",
    "workspace",
    "team",
    "org",
    "company",
    "prod",
    "production",
    "dev",
    "development",
    "staging",
    "test",
    "testing",
    "local",
    "demo",
    "default",
    "only",
    "valid",
    "invalid",
    "blank",
    "empty",
    "env",
    "variable",
    "config",
    "file",
    "openclaw",
    "openai",
    "anthropic",
    "claude",
    "openrouter",
    "google",
    "gemini",
    "groq",
    "xai",
    "mistral",
    "deepseek",
    "together",
    "perplexity",
    "cohere",
    "huggingface",
    "telegram",
    "discord",
    "slack",
    "github",
    "gitlab",
    "cloudflare",
    "elevenlabs",
    "tailscale",
    "stripe",
    "aws",
    "brave",
    "tavily",
    "database",
    "db",
    "redis",
    "postgres",
    "mysql",
    "smtp",
    "sk",
    "pk",
    "hf",
    "ghp",
    "characters",
    "chars",
    "bytes",
    "min",
    "at",
    "least",
    "commit",
    "production",
    "deploy",
    "first",
];

/// A command without arguments and with fewer letters comes about by chance.
const SHORTEST_COMMAND: usize = 4;
/// How Amazon's documentation ends its samples.
const SAMPLE_ENDINGS: [&str; 2] = ["EXAMPLE", "EXAMPLEKEY"];

/// A number with fewer digits is a count and no secret.
const SHORTEST_NUMBER: usize = 8;

/// Whether `value` is a placeholder, and by what sign; `None` for real secrets and for the empty value.
///
/// A random key that happens to contain such a word is a key: words count only between borders (a separator, a
/// change of case, an end) and when they are most of the value.
pub fn placeholder(value: &[u8]) -> Option<PlaceholderKind> {
    let text = std::str::from_utf8(value).ok()?;
    let text = text
        .trim()
        .trim_matches(['"', '\'', '`', '“', '”', '‘', '’'])
        .trim();
    if text.is_empty() || text.len() > 512 {
        return None;
    }
    if is_file_name(text) {
        None
    } else if is_unexpanded(text) {
        Some(PlaceholderKind::Unexpanded)
    } else if is_bracketed(text) {
        Some(PlaceholderKind::Brackets)
    } else if is_elided(text) {
        Some(PlaceholderKind::Elided)
    } else if is_made_of_words(text) || is_sample(text) {
        Some(PlaceholderKind::Words)
    } else {
        None
    }
}

/// Whether a value is the name of the file that holds the secret.
pub fn is_path(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|text| is_file_name(text.trim()))
}

/// Whether a value is none that anybody would keep secret by choice: the name of the file that holds
/// the secret, a short number (`MAX_TOKEN=4096`), or a word for yes or no.
pub fn is_no_secret(value: &[u8]) -> bool {
    const SWITCHES: [&str; 6] = ["true", "false", "yes", "no", "on", "off"];
    let Ok(text) = std::str::from_utf8(value) else {
        return false;
    };
    let text = text.trim();
    let is_short_number =
        text.len() < SHORTEST_NUMBER && text.bytes().all(|byte| byte.is_ascii_digit());
    is_short_number
        || SWITCHES.iter().any(|word| text.eq_ignore_ascii_case(word))
        || is_file_name(text)
}

/// `/run/secrets/key`, `./key.pem`, `~/.ssh/id_ed25519`, `file:certs/key.pem`. Base64 may begin with a
/// slash, so that a path from the root has two at least, and all of them are made of words.
fn is_file_name(text: &str) -> bool {
    let named = text.strip_prefix("file:");
    let path = named.unwrap_or(text);
    let rest = if let Some(rest) = path.strip_prefix("//").filter(|_| named.is_some()) {
        rest
    } else if let Some(rest) = ["./", "../", "~/"]
        .iter()
        .find_map(|start| path.strip_prefix(start))
    {
        rest
    } else if let Some(rest) = path.strip_prefix('/')
        && (named.is_some() || rest.contains('/'))
    {
        rest
    } else if named.is_some() {
        path
    } else {
        return false;
    };
    let is_mark = |character: char| ".-_@+, ".contains(character);
    let mut words = rest
        .split('/')
        .flat_map(|part| part.split(is_mark))
        .filter(|word| !word.is_empty())
        .peekable();
    words.peek().is_some()
        && words.all(is_word_of_a_path)
        && !rest
            .split('/')
            .all(|part| matches!(part, "" | "path" | "to"))
        && !rest.starts_with("path/to/")
}

/// `private`, `Users`, `SSL`, `AuthKey`, `ed25519`, `2026`.
fn is_word_of_a_path(word: &str) -> bool {
    const LONGEST: usize = 24;
    /// Shorter pieces between capitals come about by chance.
    const SHORTEST_PIECE: usize = 3;
    let letters = word.trim_end_matches(|character: char| character.is_ascii_digit());
    let is_upper = letters.bytes().all(|byte| byte.is_ascii_uppercase());
    let mut pieces = Vec::new();
    for letter in letters.bytes() {
        match pieces.last_mut() {
            Some(length) if letter.is_ascii_lowercase() => *length += 1,
            _ => pieces.push(1),
        }
    }
    let is_long_enough = |length: &usize| *length >= SHORTEST_PIECE;
    word.len() <= LONGEST
        && word.len() - letters.len() <= SHORTEST_NUMBER
        && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
        && (is_upper || pieces.len() < 2 || pieces.iter().all(is_long_enough))
}

fn is_unexpanded(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || character == '_')
    };
    let is_number =
        |name: &str| !name.is_empty() && name.chars().all(|character| character.is_ascii_digit());
    let holds_braces = text.match_indices("${").any(|(at, _)| {
        text[at + 2..].find('}').is_some_and(|length| {
            let inner = &text[at + 2..at + 2 + length];
            // Workflows double the braces and leave blanks within.
            let inner = inner.trim_start_matches('{').trim();
            let name = inner.split([':', '-', '?', '+', '.']).next();
            name.is_some_and(|name| is_name(name) || is_number(name))
        })
    });
    let is_screaming = |name: &str| {
        is_name(name) && !name.contains(|character: char| character.is_ascii_lowercase())
    };
    holds_braces
        || holds_command(text)
        || text.strip_prefix('$').is_some_and(is_screaming)
        || text
            .strip_prefix('%')
            .and_then(|rest| rest.strip_suffix('%'))
            .is_some_and(is_screaming)
}

/// `$(openssl rand -hex 32)`, `$(uuidgen)`, `$(< /run/secrets/key)`.
fn holds_command(text: &str) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_lowercase() || b"/._-<".contains(byte);
    text.match_indices("$(").any(|(at, _)| {
        let inner = &text.as_bytes()[at + 2..];
        let length = inner.iter().take_while(|byte| is_part(byte)).count();
        match inner.get(length) {
            Some(b' ') => length > 0 && inner.contains(&b')'),
            Some(b')') => length >= SHORTEST_COMMAND,
            _ => false,
        }
    })
}

/// No generator draws so many capitals in a row that are a word.
fn is_sample(text: &str) -> bool {
    SAMPLE_ENDINGS.iter().any(|ending| text.ends_with(ending))
}

/// Brackets around the whole, with something like words inside.
fn is_bracketed(text: &str) -> bool {
    const BRACKETS: &[(&str, &str)] = &[
        ("<", ">"),
        ("{{", "}}"),
        ("[", "]"),
        ("{", "}"),
        ("__", "__"),
        ("@@", "@@"),
    ];
    let rest = without_known_prefix(text);
    BRACKETS.iter().any(|(open, close)| {
        [text, rest].iter().any(|candidate| {
            candidate
                .strip_prefix(open)
                .and_then(|inner| inner.strip_suffix(close))
                .is_some_and(|inner| match *open {
                    "<" | "{{" => {
                        inner.chars().any(char::is_alphanumeric)
                            || inner.contains('.')
                            || inner.contains('…')
                    }
                    _ => is_made_of_words(inner),
                })
        })
    })
}

/// Dots, stars or `x` instead of the rest of the value.
fn is_elided(text: &str) -> bool {
    let rest = without_known_prefix(text);
    if rest.is_empty() {
        return false;
    }
    // Dots and stars are in no key's alphabet: they may leave the beginning or the end of the key standing.
    let dotted = ["...", "***", "…", "•••", "···"].iter().any(|run| {
        rest.find(run).is_some_and(|at| {
            let mark = run.chars().next().unwrap_or('.');
            let tail = rest[at..].trim_start_matches(mark);
            let others = at + tail.len();
            tail.is_empty() && (at == 0 || at <= 16) || others <= 12
        })
    });
    let letters: Vec<char> = rest
        .chars()
        .filter(|character| character.is_alphanumeric())
        .collect();
    let crosses = letters
        .iter()
        .filter(|letter| matches!(letter, 'x' | 'X'))
        .count();
    dotted
        || has_run_of_crosses(rest) && crosses * 4 >= letters.len() * 3
        || ends_in_crosses_after_words(rest)
}

fn has_run_of_crosses(text: &str) -> bool {
    text.contains("xxx") || text.contains("XXX")
}

fn ends_in_crosses_after_words(text: &str) -> bool {
    let start = text.trim_end_matches(['x', 'X']);
    text.len() - start.len() >= 3
        && start.ends_with(['-', '_', ' '])
        && words_of(start).iter().all(|word| is_known(word))
}

/// The value without the literal beginning of a provider's keys, the longest that fits.
fn without_known_prefix(text: &str) -> &str {
    const SHORT_FORMS: &[&str] = &[
        "sk-ant-", "sk-", "sk_test_", "pk_test_", "pk_live_", "tskey-", "xox", "gh", "Bearer ",
    ];
    KEY_SHAPES
        .iter()
        .flat_map(|shape| shape.prefixes.iter())
        .chain(SHORT_FORMS)
        .filter_map(|prefix| text.strip_prefix(prefix))
        .min_by_key(|rest| rest.len())
        .unwrap_or(text)
}

fn is_made_of_words(text: &str) -> bool {
    // Most values hold no telling word at all, and the chains are not worth trying.
    let lower = text.to_lowercase();
    if !TELLING_WORDS.iter().any(|word| lower.contains(word)) {
        return false;
    }
    [text, without_known_prefix(text)].iter().any(|candidate| {
        let words = words_of(candidate);
        let total: usize = words.iter().map(|word| word.len()).sum();
        let known = words
            .iter()
            .filter(|word| is_known(word))
            .map(|word| word.len())
            .sum::<usize>();
        words.iter().any(|word| is_telling(word)) && known * 2 > total
    })
}

/// The pieces between borders, in lower case; digits are pieces of their own.
fn words_of(text: &str) -> Vec<String> {
    #[derive(PartialEq, Clone, Copy)]
    enum Kind {
        Lower,
        Upper,
        Digit,
        Border,
    }
    let mut words: Vec<String> = Vec::new();
    let mut last = Kind::Border;
    for character in text.chars() {
        let kind = match character {
            _ if character.is_ascii_digit() => Kind::Digit,
            _ if character.is_uppercase() => Kind::Upper,
            _ if character.is_alphabetic() => Kind::Lower,
            _ => Kind::Border,
        };
        let is_new = kind != last && !(last == Kind::Upper && kind == Kind::Lower);
        let follows_capitals = last == Kind::Upper && kind == Kind::Lower;
        if kind != Kind::Border {
            if is_new || words.is_empty() {
                words.push(String::new());
            } else if follows_capitals {
                split_last_capital(&mut words);
            }
            if let Some(word) = words.last_mut() {
                word.extend(character.to_lowercase());
            }
        }
        last = kind;
    }
    words
}

/// `APIKey` is `api` and `key`: the last capital belongs to the word that follows.
fn split_last_capital(words: &mut Vec<String>) {
    if let Some(word) = words.last_mut()
        && word.chars().count() > 1
        && let Some(capital) = word.pop()
    {
        words.push(capital.to_string());
    }
}

fn is_known(word: &str) -> bool {
    segments(word, 0).is_some()
}

fn is_telling(word: &str) -> bool {
    segments(word, 0).is_some_and(|telling| telling)
}

/// Whether the word is a chain of known words (`changemenow`), and if so whether a telling one is among them.
fn segments(word: &str, depth: usize) -> Option<bool> {
    if word.is_empty() {
        return (depth > 0).then_some(false);
    }
    if depth > 6 {
        return None;
    }
    let mut best = None;
    for (list, tells) in [(TELLING_WORDS, true), (FILLER_WORDS, false)] {
        for known in list {
            // In a chain single letters would glue anything together.
            if known.len() < 2 && word.len() > 1 {
                continue;
            }
            if let Some(rest) = word.strip_prefix(known)
                && let Some(rest_tells) = segments(rest, depth + 1)
            {
                if tells || rest_tells {
                    return Some(true);
                }
                best = Some(false);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;
    use crate::key_shapes::openclaw_checksum;

    /// What documentation, templates and people write where a secret should be, one a line.
    const HUMAN: &str = include_str!("placeholder_samples.txt");

    #[test]
    fn what_people_write_instead_of_a_secret_is_a_placeholder() {
        let lines: Vec<&str> = HUMAN.lines().filter(|line| !line.is_empty()).collect();
        assert!(lines.len() >= 120, "{}", lines.len());
        let missed: Vec<_> = lines
            .iter()
            .filter(|line| placeholder(line.as_bytes()).is_none())
            .collect();
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn quotes_and_blanks_around_a_placeholder_change_nothing() {
        for quoted in [
            "\"your-secret-key-here\"",
            "'change-me-now'",
            " `todo` ",
            "“your key”",
        ] {
            assert_eq!(
                placeholder(quoted.as_bytes()),
                Some(PlaceholderKind::Words),
                "{quoted}"
            );
        }
    }

    #[test]
    fn what_nobody_expanded_is_a_placeholder() {
        for value in [
            "${KEY}",
            "${KEY:-x}",
            "${{ vars.X }}",
            "${{ env.TOKEN }}",
            "${{secrets.KEY}}",
            "${ FOO }",
            "${1}",
        ] {
            assert_eq!(
                placeholder(value.as_bytes()),
                Some(PlaceholderKind::Unexpanded),
                "{value}"
            );
        }
        for value in [
            "${}",
            "${ }",
            "q7${%8/}Zw2mVx9L",
            "q7$(ab)Zw2mVx9L",
            "q7$(abcd",
            "$()",
            "$( x",
            // Passwords that people chose, however weak.
            "SomethingSecure",
            "default",
            "random-access-mango-7",
            "q8ZrT2mXv9EXAMPLELb",
            "00000000",
        ] {
            assert_eq!(placeholder(value.as_bytes()), None, "{value}");
        }
    }

    #[test]
    fn a_random_key_is_never_a_placeholder() {
        let mut rng = StdRng::seed_from_u64(1);
        for round in 0..10_000 {
            let mut bytes = vec![0; 16 + round % 49];
            rng.fill(&mut bytes[..]);
            let body: String = (0..(bytes.len() * 8).div_ceil(5).min(90))
                .map(|_| {
                    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        [rng.random_range(0..62)] as char
                })
                .collect();
            let crc = String::from_utf8(openclaw_checksum(body.as_bytes()).to_vec()).unwrap();
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            for key in [
                STANDARD.encode(&bytes),
                format!("/{}", STANDARD.encode(&bytes)),
                URL_SAFE_NO_PAD.encode(&bytes),
                hex,
                format!("claw_{body}{crc}"),
                body,
            ] {
                assert_eq!(placeholder(key.as_bytes()), None, "{key}");
                assert!(!is_no_secret(key.as_bytes()), "{key}");
            }
        }
    }

    #[test]
    fn the_name_of_a_file_is_neither_a_secret_nor_a_placeholder() {
        for path in [
            "/etc/ssl/private/bot.example.key",
            "/run/secrets/ssl_key",
            "file:/run/secrets/ts_authkey",
            "file:///run/secrets/ts_authkey",
            "file:secrets/your.key",
            "./certs/example.pem",
            "../example/key.pem",
            "~/.ssh/id_ed25519",
            "/home/me/.ssh/id_ed25519",
            "/Users/Mia/Keys/AuthKey_2026.p8",
        ] {
            assert!(is_no_secret(path.as_bytes()), "{path}");
            assert_eq!(placeholder(path.as_bytes()), None, "{path}");
        }
        for text in ["/path/to/your/key", "/path/to/example.key"] {
            assert!(placeholder(text.as_bytes()).is_some(), "{text}");
        }
        for value in ["4096", "0", "true", "False", "off"] {
            assert!(is_no_secret(value.as_bytes()), "{value}");
        }
        for value in [
            "",
            "/",
            "file:",
            "hunter2",
            "12345678",
            "/hunter2",
            "/aB3/9xQz7LmW/kT2vR8",
            "correct/horse/battery",
        ] {
            assert_eq!(is_no_secret(value.as_bytes()), value.is_empty(), "{value}");
        }
    }

    #[test]
    fn a_key_that_holds_a_telling_word_is_a_key() {
        for key in [
            "fJ3k-TODO-9sLqPz71mXw0Qd2Rr",
            "kT7TODOw0-example-9Jq2mZx8LrVbYc5NnP4sDgH",
            "8f3a9c0dxxx71b2e4d5f60718293a4b",
            "secret9fJ3kQz71mXw0Qd2RrLp",
            "9f8e7d6c5b4a39281706f5e4d3c2b1xx",
            "Zq8hook4Vt-none-Pm2Ls9Xw1Kd7",
        ] {
            assert_eq!(placeholder(key.as_bytes()), None, "{key}");
        }
    }

    #[test]
    fn real_values_and_emptiness_are_no_placeholders() {
        for value in [
            "",
            "  ",
            "\"\"",
            "true",
            "60000",
            "info",
            "https://bot.acme.dev",
            "10.0.0.0/8",
            "correct-horse-battery-staple",
            "OpenClaw-Production-Web-Key-2026",
            "/var/log/openclaw/audit.log",
            "tr0ub4dor&3",
            "hunter2",
            "mango-lantern",
        ] {
            assert_eq!(placeholder(value.as_bytes()), None, "{value}");
        }
        assert_eq!(placeholder(b"\xff\xfe your key"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(value: Vec<u8>, text: String) {
            let _ = placeholder(&value);
            let _ = placeholder(text.as_bytes());
        }
    }
}
