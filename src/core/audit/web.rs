//! Lines of web servers and proxies: access logs in their common forms, and the error logs of nginx
//! and Apache.

use std::net::IpAddr;

use super::address::address;
use super::event::Level;
use super::fields::{Fields, Slot};
use super::syslog;
use super::times::TimeContext;

/// What stands before the client in nginx's error log.
const CLIENT: &str = ", client: ";
const USER: &str = "user \"";

/// Reads a line of any of them.
pub fn read<'l>(line: &'l str, context: &TimeContext, fields: &mut Fields<'l>) -> bool {
    access_log(line, context, fields)
        || nginx_error(line, context, fields)
        || apache_error(line, context, fields)
        || proxy_manager(line, context, fields)
        || haproxy(line, context, fields)
        || load_balancer(line, context, fields)
        || bare_access(line, fields)
}

/// `ADDR - USER [TIME] "REQUEST" STATUS SIZE "REFERER" "AGENT"` (Apache's and nginx's combined
/// and common formats, with or without a host or a logger's words in front).
pub fn access_log<'l>(line: &'l str, context: &TimeContext, fields: &mut Fields<'l>) -> bool {
    // Servers escape quotes in what a client sends, so that no user name holds this mark.
    let Some(mark) = line.find("] \"") else {
        return false;
    };
    let Some(open) = line[..mark].rfind(" [") else {
        return false;
    };
    let stamp = &line[open + 2..mark];
    if context.value(stamp).is_none() {
        return false;
    }
    let Some((request, rest)) = quoted(&line[mark + 3..]) else {
        return false;
    };
    let mut rest = rest.trim_start();
    let status_end = rest.find(' ').unwrap_or(rest.len());
    let status = &rest[..status_end];
    if status.len() != 3 || !status.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    rest = &rest[status_end..];
    let mut quotes = Vec::new();
    while let Some(start) = rest.find('"') {
        let Some((text, after)) = quoted(&rest[start + 1..]) else {
            break;
        };
        quotes.push(text);
        rest = after;
    }
    let Some((client, user)) = client_and_user(&line[..open], line, context) else {
        return false;
    };
    fields.set(Slot::Address, client);
    fields.set(Slot::User, user);
    fields.set(Slot::Time, stamp);
    fields.set(Slot::Status, status);
    fields.set(Slot::Message, request);
    if let Some(agent) = quotes.get(1) {
        fields.set(Slot::UserAgent, *agent);
    }
    // nginx's own format ends in X-Forwarded-For, to which the last proxy added an address.
    if let Some(forwarded) = quotes.get(2)
        && forwarded.rsplit(',').next().and_then(address).is_some()
    {
        fields.set(Slot::Forwarded, *forwarded);
    }
    fields.is_structured = true;
    true
}

/// `CLIENT IDENT USER`, with or without what a server or a logger puts in front; `None` where nothing of
/// it is an address or a name, and for what is a wrapper around such a line.
fn client_and_user<'l>(
    before: &'l str,
    line: &str,
    context: &TimeContext,
) -> Option<(&'l str, &'l str)> {
    let word = |number: usize| before.split(' ').nth(number).unwrap_or_default();
    // Names of users may hold blanks.
    let user = |number: usize| {
        before
            .splitn(number + 1, ' ')
            .nth(number)
            .unwrap_or_default()
    };
    if address(word(0)).is_some() {
        return Some((word(0), user(2)));
    }
    let is_wrapped =
        syslog::cri(line, context).is_some() || syslog::rfc3164(line, context).is_some();
    if is_wrapped {
        return None;
    }
    // The server's name stands in front.
    if address(word(1)).is_some() {
        return Some((word(1), user(3)));
    }
    // The client has a name, and what stands behind it is the client's choice.
    let has_name = |client: &str, next: &str| {
        let is_time = client
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"-:.,/+TZ".contains(&byte));
        !is_time
            && behind_colons(client).is_none()
            && Level::from_word(client).is_none()
            && Level::from_word(next).is_none()
    };
    match (word(1), word(2)) {
        ("-", next) if has_name(word(0), next) => return Some((word(0), user(2))),
        (client, "-") if has_name(client, word(3)) && has_name(word(0), "") => {
            return Some((client, user(3)));
        }
        _ => {}
    }
    if let Some(found) = behind_logger(before) {
        return Some(found);
    }
    match (word(1), word(2)) {
        ("-", _) => Some((word(0), user(2))),
        (_, "-") => Some((word(1), user(3))),
        _ => None,
    }
}

/// The same behind a time, a level and the name of a logger. The first address that can be the client
/// counts: what stands behind it is the client's own choice.
fn behind_logger(before: &str) -> Option<(&str, &str)> {
    let mut rest = before;
    while let Some((word, after)) = rest.split_once(' ') {
        if let Some(ident) = after.strip_prefix('-')
            && (ident.is_empty() || ident.starts_with(' '))
            && let Some(client) = behind_colons(word)
        {
            return Some((client, ident.trim_start()));
        }
        rest = after;
    }
    let mut last = before.rsplitn(4, ' ');
    let (user, _, client) = (last.next()?, last.next()?, last.next()?);
    Some((behind_colons(client)?, user))
}

/// `ADDR`, or `LEVEL:LOGGER:ADDR` as Python writes it.
fn behind_colons(word: &str) -> Option<&str> {
    if address(word).is_some() {
        return Some(word);
    }
    let mut parts = word.splitn(3, ':');
    parts.next().and_then(Level::from_word)?;
    parts.nth(1).filter(|client| address(client).is_some())
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some((&text[..at], &text[at + 1..])),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// `2026/11/20 10:00:02 [error] 12#12: *3 TEXT, client: ADDR, server: …, request: "…"`.
pub fn nginx_error<'l>(line: &'l str, context: &TimeContext, fields: &mut Fields<'l>) -> bool {
    let Some((_, used)) = context.leading(line) else {
        return false;
    };
    let Some((level, rest)) = line[used..]
        .strip_prefix(" [")
        .and_then(|rest| rest.split_once("] "))
    else {
        return false;
    };
    let Some((process, rest)) = rest.split_once(": ") else {
        return false;
    };
    let is_process = process.split_once('#').is_some_and(|(process, thread)| {
        [process, thread]
            .iter()
            .all(|text| text.bytes().all(|b| b.is_ascii_digit()))
    });
    if !is_process {
        return false;
    }
    let text = match rest.strip_prefix('*').and_then(|rest| rest.split_once(' ')) {
        Some((_, text)) => text,
        None => rest,
    };
    fields.set(Slot::Time, &line[..used]);
    fields.set(Slot::Level, level);
    // What follows the client holds the client's own words.
    let client = own_client(text);
    let said = match client {
        Some(_) => text.split(CLIENT).next().unwrap_or(text),
        None => text,
    };
    fields.set(Slot::Message, said);
    fields.is_structured = true;
    if let Some(client) = client {
        fields.set(Slot::Address, client.to_string());
    }
    if let Some(name) = name_end(text).and_then(|end| text.get(USER.len()..end)) {
        fields.set(Slot::User, name);
        fields.set(Slot::Outcome, "failure");
        fields.set(Slot::Action, "basic authentication");
    }
    true
}

/// `[TIME] [MODULE:LEVEL] [pid N] [client ADDR:PORT] TEXT`; before 2.4 without process and port.
fn apache_error<'l>(line: &'l str, context: &TimeContext, fields: &mut Fields<'l>) -> bool {
    let Some((stamp, mut rest)) = bracketed(line) else {
        return false;
    };
    let mut client = None;
    let mut level = None;
    let mut has_process = false;
    while let Some((inside, after)) = bracketed(rest) {
        if let Some(found) = inside.strip_prefix("client ") {
            client = Some(found);
            rest = after;
            break;
        }
        match inside.strip_prefix("pid ") {
            Some(_) => has_process = true,
            None => level = level.or(Some(inside)),
        }
        rest = after;
    }
    let (Some(client), Some(level)) = (client, level) else {
        return false;
    };
    if context.value(stamp).is_none() && context.leading(stamp).is_none() {
        return false;
    }
    // An IPv6 address stands without brackets before its port.
    let client = match client.rsplit_once(':') {
        Some((address, port)) if has_process && port.bytes().all(|b| b.is_ascii_digit()) => address,
        _ => client,
    };
    fields.set(Slot::Time, stamp);
    fields.set(Slot::Level, level.rsplit(':').next().unwrap_or(level));
    fields.set(Slot::Address, client);
    fields.set(Slot::Message, rest);
    fields.is_structured = true;
    true
}

/// `[TIME] - 401 401 - GET https HOST "PATH" [Client ADDR] …`, as Nginx Proxy Manager writes it.
fn proxy_manager<'l>(line: &'l str, context: &TimeContext, fields: &mut Fields<'l>) -> bool {
    let Some((stamp, rest)) = bracketed(line) else {
        return false;
    };
    let Some((before, after)) = rest.rsplit_once(" [Client ") else {
        return false;
    };
    let mut words = before.split(' ').skip(1);
    // The upstream's answer, then ours.
    let (Some(_), Some(status)) = (words.next(), words.next()) else {
        return false;
    };
    let Some(client) = after
        .split(']')
        .next()
        .filter(|text| address(text).is_some())
    else {
        return false;
    };
    if status.len() != 3 || context.value(stamp).is_none() {
        return false;
    }
    fields.set(Slot::Time, stamp);
    fields.set(Slot::Status, status);
    fields.set(Slot::Address, client);
    fields.set(Slot::Message, before);
    fields.is_structured = true;
    true
}

/// `ADDR:PORT [TIME] FRONTEND BACKEND/SERVER TIMERS STATUS BYTES … "REQUEST"` (HAProxy's HTTP log),
/// after a syslog header or bare.
fn haproxy<'l>(line: &'l str, context: &TimeContext, fields: &mut Fields<'l>) -> bool {
    let Some(open) = line.find(" [") else {
        return false;
    };
    let Some((stamp, rest)) = bracketed(&line[open + 1..]) else {
        return false;
    };
    let Some((client, port)) = line[..open]
        .rsplit(' ')
        .next()
        .and_then(|client| client.rsplit_once(':'))
    else {
        return false;
    };
    let mut words = rest.splitn(5, ' ').skip(2);
    let (Some(timers), Some(status)) = (words.next(), words.next()) else {
        return false;
    };
    let is_timers = timers.matches('/').count() == 4
        && timers
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'/' | b'-' | b'+'));
    let is_status = status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit());
    let is_port = port.bytes().all(|b| b.is_ascii_digit());
    if !is_timers || !is_status || !is_port || address(client).is_none() {
        return false;
    }
    if context.value(stamp).is_none() {
        return false;
    }
    fields.set(Slot::Time, stamp);
    fields.set(Slot::Status, status);
    fields.set(Slot::Address, client);
    if let Some((_, request)) = rest.split_once(" \"") {
        fields.set(Slot::Message, request.trim_end_matches('"'));
    }
    fields.is_structured = true;
    true
}

/// `TYPE TIME LB CLIENT:PORT TARGET:PORT T T T STATUS STATUS BYTES BYTES "REQUEST" "AGENT" …`, as AWS's
/// load balancers for applications write it.
fn load_balancer<'l>(line: &'l str, context: &TimeContext, fields: &mut Fields<'l>) -> bool {
    const TYPES: [&str; 6] = ["http", "https", "h2", "grpcs", "ws", "wss"];
    let Some((name, rest)) = line.split_once(' ') else {
        return false;
    };
    if !TYPES.contains(&name) {
        return false;
    }
    let mut words = rest.splitn(12, ' ');
    // An IPv6 address stands without brackets before its port.
    let (Some(stamp), Some((client, _))) = (
        words.next(),
        words.nth(1).and_then(|client| client.rsplit_once(':')),
    ) else {
        return false;
    };
    let (Some(status), Some(rest)) = (words.nth(4), words.nth(3)) else {
        return false;
    };
    let is_status = status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit());
    if !is_status || address(client).is_none() || context.value(stamp).is_none() {
        return false;
    }
    let Some((request, rest)) = rest.strip_prefix('"').and_then(quoted) else {
        return false;
    };
    fields.set(Slot::Time, stamp);
    fields.set(Slot::Address, client);
    fields.set(Slot::Status, status);
    fields.set(Slot::Message, request);
    if let Some((agent, _)) = rest.strip_prefix(" \"").and_then(quoted) {
        fields.set(Slot::UserAgent, agent);
    }
    fields.is_structured = true;
    true
}

/// `"REQUEST HTTP/1.1" STATUS …` and whatever else, behind time and level (Envoy, Django, morgan): the
/// request's path says nothing. An address counts as the first word only.
pub fn request<'l>(text: &'l str, fields: &mut Fields<'l>) -> bool {
    let Some(version) = text.find(" HTTP/") else {
        return false;
    };
    let Some(open) = text[..version].rfind('"') else {
        return false;
    };
    let Some((request, rest)) = quoted(&text[open + 1..]) else {
        return false;
    };
    let status = rest.trim_start().split(' ').next().unwrap_or_default();
    let is_status = status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit());
    if !is_status || open + 1 + request.len() < version {
        return false;
    }
    // Behind a sign it is the value of something, and a client's.
    let is_value = open > 0 && !text[..open].ends_with(' ');
    let method = request.split(' ').next().unwrap_or_default();
    if is_value || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return false;
    }
    // A sentence in front is the writer's own, and may quote a name that a client chose.
    let before = || text[..open].split(' ').filter(|word| !word.is_empty());
    let is_bracketed = |word: &str| word.starts_with('[') && word.ends_with(']');
    if !before().all(|word| word == "-" || is_bracketed(word) || address(word).is_some()) {
        return false;
    }
    let first = before().next().unwrap_or_default();
    if address(first).is_some() {
        fields.set(Slot::Address, first);
    }
    fields.set(Slot::Status, status);
    fields.set(Slot::Message, request);
    fields.is_structured = true;
    true
}

/// `ADDR:PORT - "REQUEST" STATUS`, as uvicorn and its kin write it, after a level or a time.
fn bare_access<'l>(line: &'l str, fields: &mut Fields<'l>) -> bool {
    let Some((before, after)) = line.split_once(" - \"") else {
        return false;
    };
    let client = before.rsplit(' ').next().unwrap_or(before);
    if address(client).is_none() {
        return false;
    }
    let Some((request, rest)) = quoted(after) else {
        return false;
    };
    let status = rest.trim_start().split(' ').next().unwrap_or_default();
    if status.len() != 3 || !status.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    fields.set(Slot::Address, client);
    fields.set(Slot::Status, status);
    fields.set(Slot::Message, request);
    if let Some(open) = before.rfind('[')
        && let Some((stamp, _)) = bracketed(&before[open..])
    {
        fields.set(Slot::Time, stamp);
    }
    fields.is_structured = true;
    true
}

/// `[inside] after`.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let (inside, after) = text.strip_prefix('[')?.split_once(']')?;
    Some((inside, after.strip_prefix(' ').unwrap_or(after)))
}

/// Where the name ends of a user whom nginx refused: it holds no colon (RFC 7617, section 2), so that the
/// first end is the one.
fn name_end(text: &str) -> Option<usize> {
    const BEHIND: [&str; 2] = ["\": password mismatch", "\" was not found in \""];
    text.strip_prefix(USER)?;
    BEHIND.iter().filter_map(|words| text.find(words)).min()
}

/// The client that nginx itself names. A path, a user name and a referer can hold `, client: `, too: where
/// none of them can stand in front of it the first counts; elsewhere nobody is blamed.
fn own_client(text: &str) -> Option<IpAddr> {
    /// What begins like this names nothing of the client's before it names the client.
    const OWN_WORDS: [&str; 8] = [
        "limiting requests",
        "limiting connections",
        "delaying request",
        "access forbidden by rule",
        "no user/password was provided",
        "client sent ",
        "client intended to send too large body",
        "SSL_do_handshake() failed",
    ];
    let mut clients = text.match_indices(CLIENT).map(|(at, _)| {
        let rest = &text[at + CLIENT.len()..];
        let client = address(&rest[..rest.find([',', ' ']).unwrap_or(rest.len())]);
        (at, client)
    });
    if let Some(end) = name_end(text) {
        return clients.find(|(at, _)| *at > end)?.1;
    }
    let (_, first) = clients.next()?;
    if OWN_WORDS.iter().any(|words| text.starts_with(words)) {
        return first;
    }
    let first = first?;
    clients
        .all(|(_, client)| client == Some(first))
        .then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_cannot_forge_an_access_log_line() {
        let line = r#"192.0.2.1 - mia [10/Oct/2000:13:55:36 -0700\x22 [20/Nov/2026:10:00:02 +0000] "GET /a\"b HTTP/1.1" 401 12 "-" "curl/8""#;
        let mut fields = Fields::default();
        assert!(access_log(line, &TimeContext::of_tests(), &mut fields));
        assert_eq!(fields.text(Slot::Address).unwrap(), "192.0.2.1");
        assert_eq!(
            fields.text(Slot::Time).unwrap(),
            "20/Nov/2026:10:00:02 +0000"
        );
        assert_eq!(fields.text(Slot::Status).unwrap(), "401");
        assert_eq!(fields.text(Slot::UserAgent).unwrap(), "curl/8");
    }

    #[test]
    fn nginx_names_its_client_whoever_else_is_named() {
        let line = "2026/11/20 10:00:02 [error] 12#12: *3 user \"mia\": password mismatch, client: 192.0.2.1, server: x, request: \"GET / HTTP/1.1\"";
        let mut fields = Fields::default();
        assert!(nginx_error(line, &TimeContext::of_tests(), &mut fields));
        assert_eq!(fields.text(Slot::Address).unwrap(), "192.0.2.1");
        assert_eq!(fields.text(Slot::User).unwrap(), "mia");
        let start = "2026/11/20 10:00:02 [error] 12#12: *3 ";
        let own = "client: 192.0.2.1, server: x";
        let other = ", client: 6.6.6.6, server: y";
        let cases = [
            (
                line.replace("mia", &format!("mia\"{other}")),
                Some("192.0.2.1"),
            ),
            (
                format!("{line}, referrer: \"http://x/{other}\""),
                Some("192.0.2.1"),
            ),
            (
                format!(
                    "{start}user \"mia\" was not found in \"/etc/x\", {own}, host: \"x{other}\""
                ),
                Some("192.0.2.1"),
            ),
            (
                format!(
                    "{start}limiting requests, excess: 0.5 by zone \"a\", {own}, request: \"GET /{other} HTTP/1.1\""
                ),
                Some("192.0.2.1"),
            ),
            (
                format!("{start}access forbidden by rule, {own}, referrer: \"{other}\""),
                Some("192.0.2.1"),
            ),
            (
                format!("{start}open() \"/a{other}\" failed (2: No such file or directory), {own}"),
                None,
            ),
        ];
        for (line, expected) in cases {
            let mut fields = Fields::default();
            assert!(
                nginx_error(&line, &TimeContext::of_tests(), &mut fields),
                "{line}"
            );
            assert_eq!(fields.text(Slot::Address).as_deref(), expected, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}", likely in "[0-9a-z \\[\\]\"\\\\:*#]{0,60}") {
            for text in [text, likely] {
                for start in ["", "1.2.3.4 - - [20/Nov/2026:10:00:02 +0000] \"", "2026/11/20 10:00:02 [error] 12#12: ", "[Fri Nov 20 10:00:02 2026] [error] [client ", "1.2.3.4:5 [20/Nov/2026:10:00:02.127] ", "ws 2026-11-17T09:00:00Z lb 1.2.3.4:5 - 0 0 0 401 - 0 0 \"", "\"GET /é HTTP/1.1"] {
                    let line = format!("{start}{text}");
                    access_log(&line, &TimeContext::of_tests(), &mut Fields::default());
                    read(&line, &TimeContext::of_tests(), &mut Fields::default());
                    request(&line, &mut Fields::default());
                }
            }
        }
    }
}
