//! Syslog lines (RFC 5424 and RFC 3164) and what else wraps a line of a log: CRI, Docker Compose.

use std::borrow::Cow;

use jiff::Timestamp;

use super::event::Level;
use super::fields::{Fields, Slot};
use super::times::TimeContext;

/// A wrapper taken off.
#[derive(Debug, PartialEq)]
pub struct Wrapped<'l> {
    /// When the wrapper says it was.
    pub time: Option<Timestamp>,
    /// How loud the wrapper says it is.
    pub level: Option<Level>,
    /// The machine.
    pub host: Option<&'l str>,
    /// The program.
    pub program: Option<&'l str>,
    /// The process, for lines of one connection.
    pub process: Option<&'l str>,
    /// What was wrapped.
    pub message: &'l str,
    /// All behind the time, where it may be a sentence that only begins like a host and a program.
    pub sentence: Option<&'l str>,
}

/// RFC 5424: `<34>1 TIME HOST APP PROCID MSGID [sd] message`; structured data gives fields.
pub fn rfc5424<'l>(
    line: &'l str,
    context: &TimeContext,
    fields: &mut Fields<'l>,
) -> Option<Wrapped<'l>> {
    let (priority, rest) = priority(line)?;
    let rest = rest.strip_prefix("1 ")?;
    let mut parts = rest.splitn(6, ' ');
    let (time, host, program, process, id) = (
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
    );
    let rest = parts.next()?;
    let time = if time == "-" {
        None
    } else {
        Some(context.value(time)?)
    };
    let rest = match rest.strip_prefix('-') {
        Some(rest) => rest,
        None => structured_data(rest, fields)?,
    };
    fields.fill(Slot::Action, id);
    let message = rest.strip_prefix(' ').unwrap_or(rest);
    Some(Wrapped {
        time,
        level: Some(Level::from_syslog(priority & 7)),
        host: Some(host).filter(|host| *host != "-"),
        program: Some(program).filter(|program| *program != "-"),
        process: Some(process).filter(|process| *process != "-"),
        message: message.strip_prefix('\u{feff}').unwrap_or(message),
        sentence: None,
    })
}

/// RFC 3164: `<34>Oct 11 22:14:15 host tag[pid]: message`, also without the priority and with an
/// ISO time as rsyslog writes it.
pub fn rfc3164<'l>(line: &'l str, context: &TimeContext) -> Option<Wrapped<'l>> {
    let (level, rest) = match priority(line) {
        Some((priority, rest)) => (Some(Level::from_syslog(priority & 7)), rest),
        None => (None, line),
    };
    let (time, used) = context.leading(rest)?;
    let (stamp, after_time) = rest.split_at(used);
    let after_time = after_time.strip_prefix(' ')?;
    let host_end = after_time.find(' ')?;
    let host = &after_time[..host_end];
    // Loggers write a level or a process where syslog has the host.
    if host.starts_with('[') || Level::from_word(host.trim_end_matches(':')).is_some() {
        return None;
    }
    let rest = after_time[host_end..].trim_start();
    // CEF's own mark stands where the tag would, behind the host if there is one.
    let cef = [rest, after_time]
        .into_iter()
        .find(|text| text.starts_with("CEF:"));
    if let Some(message) = cef {
        return Some(Wrapped {
            time: Some(time),
            level,
            host: None,
            program: None,
            process: None,
            message,
            sentence: None,
        });
    }
    // A host ends no sentence; without one the tag comes first.
    let behind_host = tag(rest);
    let host = behind_host.is_some().then_some(host);
    let (program, process, message) = behind_host.or_else(|| tag(after_time))?;
    let is_loud = program.bytes().all(|byte| byte.is_ascii_uppercase());
    if is_loud && program.len() > 2 && Level::from_word(program).is_some() {
        return None;
    }
    // Syslog's own stamp begins with a month's name, or has a `T` before the hours.
    let is_stamp = stamp.starts_with(|c: char| c.is_ascii_alphabetic()) || stamp.contains('T');
    let is_sure = level.is_some() || process.is_some() || (is_stamp && host.is_some());
    Some(Wrapped {
        time: Some(time),
        level,
        host,
        program: Some(program),
        process,
        message,
        sentence: (!is_sure).then(|| after_time.trim_start()),
    })
}

/// CRI, as Kubernetes keeps container logs: `TIME stderr F line`.
pub fn cri<'l>(line: &'l str, context: &TimeContext) -> Option<Wrapped<'l>> {
    let mut parts = line.splitn(4, ' ');
    let time = context.value(parts.next()?)?;
    let stream = parts.next()?;
    let tag = parts.next()?;
    let message = parts.next()?;
    let is_cri = matches!(stream, "stdout" | "stderr") && matches!(tag, "F" | "P");
    is_cri.then_some(Wrapped {
        time: Some(time),
        level: None,
        host: None,
        program: None,
        process: None,
        message,
        sentence: None,
    })
}

/// What `docker compose logs` puts in front of each line of a container: `NAME  | line`.
pub fn compose(line: &str) -> Option<&str> {
    let end = line.bytes().position(|byte| byte == b' ')?;
    let rest = line[end..].trim_start_matches(' ').strip_prefix("| ")?;
    let name = &line[..end];
    let is_name = name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    // Loggers write a level in front of such a sign, too.
    (is_name && Level::from_word(name).is_none()).then_some(rest)
}

fn priority(line: &str) -> Option<(u8, &str)> {
    let (number, rest) = line.strip_prefix('<')?.split_once('>')?;
    if number.len() > 3 {
        return None;
    }
    let number: u16 = number.parse().ok()?;
    // 23 facilities of 8 severities.
    (number < 192).then_some((number as u8, rest))
}

fn tag(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let end = text.find([' ', ':', '['])?;
    let name = &text[..end];
    let is_name = !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'/' | b'-' | b'(' | b')')
        });
    if !is_name {
        return None;
    }
    let mut rest = &text[end..];
    let mut process = None;
    if let Some(inside) = rest.strip_prefix('[') {
        let (number, after) = inside.split_once(']')?;
        process = Some(number);
        rest = after;
    }
    let rest = rest.strip_prefix(':')?;
    Some((name, process, rest.strip_prefix(' ').unwrap_or(rest)))
}

/// Reads `[id name="value" …][…]` and returns what follows.
fn structured_data<'l>(text: &'l str, fields: &mut Fields<'l>) -> Option<&'l str> {
    let mut rest = text;
    while let Some(element) = rest.strip_prefix('[') {
        let id_end = element.find([' ', ']'])?;
        rest = &element[id_end..];
        loop {
            if let Some(after) = rest.strip_prefix(']') {
                rest = after;
                break;
            }
            let parameter = rest.trim_start_matches(' ');
            let equals = parameter.find("=\"")?;
            let (value, after) = parameter_value(&parameter[equals + 2..])?;
            fields.note_text(&parameter[..equals], value);
            rest = after;
        }
    }
    (rest.len() < text.len() && (rest.is_empty() || rest.starts_with(' '))).then_some(rest)
}

/// A value up to its unescaped quote; `\" \\ \]` are escapes (RFC 5424 §6.3.3).
fn parameter_value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut has_escapes = false;
    loop {
        match bytes.get(at)? {
            b'"' => break,
            b'\\' if matches!(bytes.get(at + 1), Some(b'"' | b'\\' | b']')) => {
                has_escapes = true;
                at += 2;
            }
            _ => at += 1,
        }
    }
    let inside = &text[..at];
    let value = if has_escapes {
        Cow::Owned(
            inside
                .replace("\\\"", "\"")
                .replace("\\]", "]")
                .replace("\\\\", "\\"),
        )
    } else {
        Cow::Borrowed(inside)
    };
    Some((value, &text[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structured_data_gives_fields() {
        let mut fields = Fields::default();
        let line = r#"<84>1 2026-11-20T10:00:02.003Z bot gw 42 AUTH_FAIL [x@1 ip="192.0.2.1" user="m\"ia\]"][y] login failed"#;
        let wrapped = rfc5424(line, &TimeContext::of_tests(), &mut fields).unwrap();
        assert_eq!(wrapped.message, "login failed");
        assert_eq!(wrapped.level, Some(Level::Warn));
        assert_eq!(wrapped.process, Some("42"));
        assert_eq!(fields.text(Slot::Action).unwrap(), "AUTH_FAIL");
        assert_eq!(fields.text(Slot::User).unwrap(), "m\"ia]");
        assert_eq!(fields.text(Slot::Address).unwrap(), "192.0.2.1");
    }

    #[test]
    fn old_syslog_is_read_with_and_without_priority() {
        let lines = [
            "<38>Nov 20 10:00:02 bot sshd[42]: hello there",
            "Nov 20 10:00:02 bot sshd[42]: hello there",
            "2026-11-20T10:00:02+00:00 bot sshd[42]: hello there",
            "Nov 20 10:00:02 sshd[42]: hello there",
        ];
        for line in lines {
            let wrapped = rfc3164(line, &TimeContext::of_tests()).expect(line);
            assert_eq!(
                (wrapped.program, wrapped.process, wrapped.message),
                (Some("sshd"), Some("42"), "hello there"),
                "{line}"
            );
            assert_eq!(wrapped.time, "2026-11-20T10:00:02Z".parse().ok(), "{line}");
        }
        assert_eq!(
            rfc3164(
                "2026-11-20 10:00:02 ERROR gateway: down",
                &TimeContext::of_tests()
            ),
            None
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            for start in ["", "<34>1 ", "<34>1 - - - - - ", "<34>1 - - - - - [", "<34>Nov 20 10:00:02 ", "2026-11-20T10:00:02Z "] {
                let line = format!("{start}{text}");
                let _ = rfc5424(&line, &TimeContext::of_tests(), &mut Fields::default());
                let _ = rfc3164(&line, &TimeContext::of_tests());
                let _ = cri(&line, &TimeContext::of_tests());
            }
        }
    }
}
