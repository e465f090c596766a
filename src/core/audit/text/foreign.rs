//! What others say in a line: quoted texts, paths, statements of clients. The writer only repeats them.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr3, memmem};

use crate::audit::address::address;

/// The signs that quotes stand between.
const SIGNS: [u8; 3] = [b'"', b'\'', b'`'];

/// What stands between quotes, quote after quote. Where a sign comes alone, nobody knows which ones belong
/// together, and none of its kind counts: else a name could hide what follows it.
struct Quotes<'l> {
    text: &'l str,
    at: usize,
    /// Which of the signs count.
    counts: [bool; SIGNS.len()],
}

impl<'l> Quotes<'l> {
    fn of(text: &'l str) -> Self {
        Self {
            text,
            at: 0,
            counts: if memchr3(b'"', b'\'', b'`', text.as_bytes()).is_some() {
                SIGNS.map(|sign| are_pairs(text.as_bytes(), sign))
            } else {
                // Most texts quote nothing.
                [false; SIGNS.len()]
            },
        }
    }
}

impl Iterator for Quotes<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        if self.counts == [false; SIGNS.len()] {
            return None;
        }
        loop {
            let (open, kind) = (self.at..bytes.len()).find_map(|at| {
                let kind = SIGNS.iter().position(|sign| *sign == bytes[at])?;
                (self.counts[kind] && place(bytes, at).opens).then_some((at, kind))
            })?;
            self.at = open + 1;
            let mut at = open + 1;
            let close = loop {
                match bytes.get(at) {
                    None => break None,
                    Some(b'\\') => at += 2,
                    Some(byte) if *byte == SIGNS[kind] && place(bytes, at).closes => {
                        break Some(at);
                    }
                    Some(_) => at += 1,
                }
            };
            match close {
                Some(close) => {
                    self.at = close + 1;
                    return Some(open + 1..close);
                }
                None => self.counts[kind] = false,
            }
        }
    }
}

/// What a sign can do by what stands around it.
#[derive(Debug, Clone, Copy)]
struct Place {
    opens: bool,
    closes: bool,
    /// An apostrophe between letters.
    is_apostrophe: bool,
}

fn place(bytes: &[u8], at: usize) -> Place {
    let is_blank = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
    let is_letter =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80);
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    let after = bytes.get(at + 1);
    if bytes[at] != b'\'' {
        // The others stand as they come.
        return Place {
            opens: true,
            closes: true,
            is_apostrophe: false,
        };
    }
    Place {
        opens: !is_letter(before) && !is_blank(after),
        closes: !is_letter(after) && !is_blank(before),
        is_apostrophe: is_letter(before) && is_letter(after),
    }
}

/// Whether each sign of a kind that opens has one that closes.
fn are_pairs(bytes: &[u8], sign: u8) -> bool {
    let (mut opening, mut closing, mut all) = (0_usize, 0_usize, 0_usize);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'\\' {
            at += 1;
        } else if *byte == sign {
            let place = place(bytes, at);
            if !place.is_apostrophe {
                if !place.opens && !place.closes {
                    return false;
                }
                opening += usize::from(!place.closes);
                closing += usize::from(!place.opens);
                all += 1;
            }
        }
        at += 1;
    }
    all.is_multiple_of(2) && 2 * opening <= all && 2 * closing <= all
}

/// The quotes that repeat what somebody else said.
fn foreign_quotes(text: &str) -> impl Iterator<Item = Range<usize>> {
    Quotes::of(text)
        .filter(move |inside| !is_message(text, inside) && !is_own(&text[..inside.start - 1]))
}

/// Whether a quote is all that the writer says, but for a file's name before it and pairs behind it:
/// `auth.go:73] "Authentication failed" user="mia"`.
fn is_message(text: &str, inside: &Range<usize>) -> bool {
    let before = text[..inside.start - 1].trim();
    let after = text[inside.end + 1..].trim();
    let is_place = before.is_empty() || (before.ends_with(']') && !before.contains([' ', '"']));
    let first = after.split(' ').next().unwrap_or_default();
    let key = first.split_once('=').map_or("", |(key, _)| key);
    let is_key = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    is_place && (after.is_empty() || (!key.is_empty() && key.bytes().all(is_key)))
}

/// Whether a quote behind this text is a value in which the writer itself says what happened.
fn is_own(before: &str) -> bool {
    const WORDS: [&str; 10] = [
        "msg", "message", "event", "result", "outcome", "detail", "error", "err", "reason", "cause",
    ];
    /// Nobody but the writer has those.
    const TROUBLE: usize = 6;
    let before = before.trim_end_matches(' ');
    let Some(key) = before.strip_suffix(['=', ':']) else {
        return false;
    };
    let is_sure = before.ends_with('=') || key.ends_with(['"', '\'']);
    let key = last_word(key.trim_end_matches(['"', '\'']));
    let words = if is_sure {
        &WORDS[..]
    } else {
        &WORDS[TROUBLE..]
    };
    words.iter().any(|word| word.eq_ignore_ascii_case(key))
}

fn last_word(text: &str) -> &str {
    text.rsplit(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default()
}

/// The parts of a text in which no address is the writer's word: quotes that are more than an address, or
/// that stand behind a word that names no place.
pub fn foreign_parts(text: &str) -> impl Iterator<Item = Range<usize>> {
    const PLACES: [&str; 14] = [
        "client", "ip", "rip", "address", "addr", "host", "rhost", "remote", "from", "peer",
        "source", "src", "by", "at",
    ];
    foreign_quotes(text).filter(|inside| {
        if address(&text[inside.clone()]).is_none() {
            return true;
        }
        let before = &text[..inside.start - 1];
        let word = last_word(before.trim_end_matches([' ', '=', ':', '"', '\'', '(', '[']));
        !PLACES.iter().any(|place| place.eq_ignore_ascii_case(word))
    })
}

/// A text without what is quoted in it.
pub fn without_quotes(text: &str) -> Cow<'_, str> {
    without(text, foreign_quotes(text))
}

/// A server's sentence without quotes, paths and what the system says of an error: the server tells of
/// files, and their names say nothing.
pub fn without_names(text: &str) -> Cow<'_, str> {
    let plain = without(text, foreign_quotes(text));
    if !plain.contains(['/', '(']) {
        return plain;
    }
    let mut rest = String::with_capacity(plain.len());
    let mut is_in_error = false;
    for word in plain.split_inclusive(' ') {
        // `(13: Permission denied)`
        is_in_error |= word.strip_prefix('(').is_some_and(|inside| {
            let number = inside.trim_end().strip_suffix(':');
            number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        });
        let is_path = word.starts_with('/') && word.trim_end().len() > 1;
        if !is_in_error && !is_path {
            rest.push_str(word);
        }
        is_in_error &= !word.trim_end_matches([' ', ',', ':']).ends_with(')');
    }
    Cow::Owned(rest)
}

/// A text without what a client asked for, if it names that: the word behind a method, and a path at the
/// beginning.
pub fn without_targets(text: &str) -> Option<String> {
    const METHODS: [&str; 9] = [
        "GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "QUERY",
    ];
    memchr(b'/', text.as_bytes())?;
    let is_path = |word: &str| word.starts_with('/') || word.contains("://");
    let mut rest = String::new();
    let mut is_awaited = true;
    for word in text.split_inclusive([' ', '\t']) {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '/');
        let is_target = match bare.split_once(':') {
            Some((method, path)) if METHODS.contains(&method) => is_path(path),
            _ => is_awaited && is_path(bare),
        };
        if !is_target {
            rest.push_str(word);
        }
        // Blanks may be many, and signs may stand between.
        if !bare.is_empty() {
            is_awaited = METHODS.contains(&bare);
        }
    }
    (rest.len() < text.len()).then_some(rest)
}

fn without(text: &str, parts: impl Iterator<Item = Range<usize>>) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut at = 0;
    for part in parts {
        kept.push_str(&text[at..part.start]);
        at = part.end;
    }
    if at == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(&text[at..]);
    Cow::Owned(kept)
}

/// What a line of PostgreSQL's is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Postgres {
    /// The server's own words, in which names are quoted.
    Own,
    /// A client's statement, or what belongs to another line.
    Statement,
}

/// Whether this is a line of PostgreSQL's, behind its prefix: `LOG:  …`, with two blanks.
pub fn postgres(text: &str) -> Option<Postgres> {
    /// The prefix is the administrator's, and short.
    const LONGEST_PREFIX: usize = 200;
    const CLIENTS: [&str; 5] = ["statement: ", "duration: ", "execute ", "parse ", "bind "];
    let is_statement = |text: &str| CLIENTS.iter().any(|start| text.starts_with(start));
    let start = &text.as_bytes()[..text.len().min(LONGEST_PREFIX)];
    let at = memmem::find(start, b":  ")?;
    let (before, word) = text[..at].rsplit_once(' ').unwrap_or(("", &text[..at]));
    // A process, a user, an address, a zone: words of a sentence stand in no prefix.
    let is_prefix = before
        .split(' ')
        .all(|word| word.is_empty() || word.bytes().any(|byte| !byte.is_ascii_lowercase()));
    match word {
        _ if !is_prefix => None,
        "LOG" if is_statement(&text[at + 3..]) => Some(Postgres::Statement),
        "STATEMENT" | "DETAIL" | "HINT" | "QUERY" | "CONTEXT" | "LOCATION" => {
            Some(Postgres::Statement)
        }
        "LOG" | "ERROR" | "FATAL" | "PANIC" | "WARNING" | "NOTICE" | "INFO" => Some(Postgres::Own),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_no_word_of_the_writer() {
        let cases = [
            (r#"search q="login failed""#, r#"search q="""#),
            ("for 'a b' from x", "for '' from x"),
            (
                "it isn't mia's or the users' password",
                "it isn't mia's or the users' password",
            ),
            (r#"a "b\" c" d"#, r#"a "" d"#),
            (r#"5" and more"#, r#"5" and more"#),
            (
                r#"user " failed to log in, agent "x""#,
                r#"user " failed to log in, agent "x""#,
            ),
            ("user ' failed, 'x'", "user ' failed, 'x'"),
            ("user 'a failed, 'x'", "user 'a failed, 'x'"),
            ("'' and {'a': 'b c'}", "'' and {'': ''}"),
            (r#" "login failed" "#, r#" "login failed" "#),
            (r#"x msg="login failed""#, r#"x msg="login failed""#),
            (r#"x {"msg":"login failed"}"#, r#"x {"":"login failed"}"#),
            (r#"x error: "bad""#, r#"x error: "bad""#),
            (r#"posted message: "bad""#, r#"posted message: """#),
        ];
        for (text, expected) in cases {
            assert_eq!(without_quotes(text), expected, "{text}");
        }
    }

    #[test]
    fn names_of_files_and_errors_of_the_system_are_no_words_of_a_server() {
        let cases = [
            (
                r#"open() "/var/www/login/x.png" failed (2: No such file or directory)"#,
                r#"open() "" failed "#,
            ),
            (
                "openat() \"/x\" failed (13: Permission denied), and more",
                "openat() \"\" failed and more",
            ),
            (
                "buffered to a temporary file /var/login/0",
                "buffered to a temporary file ",
            ),
            ("access / forbidden", "access / forbidden"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_names(text), expected, "{text}");
        }
    }

    #[test]
    fn what_was_asked_for_is_no_word_of_the_writer() {
        let cases = [
            ("GET /login", Some("GET ")),
            ("[GET]  /login 200", Some("[GET]  200")),
            ("<-- POST https://x/login?a=b", Some("<-- POST ")),
            ("POST:/login ok", Some("ok")),
            ("POST /login: wrong password", Some("POST wrong password")),
            ("/login/failed 200", Some("200")),
            (
                "login failed on PUT /x for mia",
                Some("login failed on PUT for mia"),
            ),
            ("user GET failed /login", None),
            ("get /login", None),
            ("login and/or sign-in", None),
            ("GET login", None),
        ];
        for (text, expected) in cases {
            assert_eq!(without_targets(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn lines_of_postgresql_are_told_by_their_two_blanks() {
        let cases = [
            ("[12] LOG:  statement: SELECT 1", Some(Postgres::Statement)),
            (
                "[12] mia@db LOG:  duration: 3 ms",
                Some(Postgres::Statement),
            ),
            ("[12] STATEMENT:  SELECT 1", Some(Postgres::Statement)),
            ("[12] LOG:  connection received", Some(Postgres::Own)),
            ("10:00 ERROR:  relation \"x\"", Some(Postgres::Own)),
            ("LOG: x", None),
            ("what:  x", None),
            ("login failed for STATEMENT:  x", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(postgres(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}", likely in "[\"'`\\\\:=( a/é1.]{0,60}") {
            for text in [text, likely] {
                let _ = (without_quotes(&text), without_names(&text), postgres(&text));
                let _ = foreign_parts(&text).count();
            }
        }
    }
}
