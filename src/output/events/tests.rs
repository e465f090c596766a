//! Whole lines beside those that a plain writer makes, for events of every make.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use openclaw_sec::audit::detect::Alert;
use openclaw_sec::audit::documents::{ALERT_SCHEMA, EVENT_SCHEMA};
use openclaw_sec::audit::event::{Event, Kind, Level, Outcome};
use openclaw_sec::audit::reading::{SourceLine, without_line_end};
use openclaw_sec::foreign_text::is_harmful;
use openclaw_sec::report::Severity;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::human::in_columns;
use super::{Block, HumanLines, JsonLines, Paints};

/// Texts of a log: short and long, with marks, with power, with a key.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z.]{0,20}",
        "[ -~]{0,80}",
        "([ -~]{0,9}|[\"\\\\]{1,9}|[\\x00-\\x1f\\x7f]|\\PC{0,3}|[\u{80}-\u{9f}\u{200b}\u{202e}\u{feff}]){0,9}",
        "[a-z]{0,9} KEY[0-9]{3} [a-zü]{0,20}",
    ]
}

fn event() -> impl Strategy<Value = Event<'static>> {
    let own = |text: Option<String>| text.map(Into::into);
    let texts = [(); 6].map(|()| of(text()));
    let time = of((
        1_794_650_000i64..1_794_800_000,
        select(vec![0, 5, 120, 999]),
    ));
    let known = (
        time,
        of(select(&Kind::ALL[..])),
        of(select(vec![Outcome::Success, Outcome::Failure])),
        of(select(&Level::ALL[..])),
        of(any::<IpAddr>()),
        1..4u64,
    );
    (known, texts).prop_map(move |(known, texts)| {
        let (time, kind, outcome, level, ip, count) = known;
        let [action, user, user_agent, request_id, message, reason] = texts.map(own);
        Event {
            time: time.map(|(second, millis)| Timestamp::new(second, millis * 1_000_000).unwrap()),
            kind,
            action,
            outcome,
            level,
            user,
            ip,
            user_agent,
            request_id,
            message,
            reason,
            count,
            ..Event::default()
        }
    })
}

fn line(text: &str, number: Option<u64>, offset: u64) -> SourceLine<'_> {
    SourceLine {
        file: "/var/log/\"odd\"/audit.log",
        number,
        offset,
        bytes: text.as_bytes(),
        text,
        is_text: !offset.is_multiple_of(7),
        is_truncated: offset.is_multiple_of(5),
    }
}

fn plain_json(event: &Event<'_>, line: &SourceLine<'_>) -> Value {
    let mut object = json!({
        "schema": EVENT_SCHEMA,
        "time": event.time.map(|time| time.to_string()),
        "kind": event.kind().word(),
        "action": event.action,
        "outcome": event.outcome.map(Outcome::word),
        "level": event.level.map(Level::word),
        "user": event.user,
        "ip": event.ip,
        "user_agent": event.user_agent,
        "request_id": event.request_id,
        "message": event.message,
    });
    if event.count > 1 {
        object["count"] = event.count.into();
    }
    object["source"] = json!({"file": line.file, "line": line.number, "offset": line.offset});
    object["raw"] = line.text.into();
    if !line.is_text {
        use base64::Engine as _;
        let encoded =
            base64::engine::general_purpose::STANDARD.encode(without_line_end(line.bytes));
        object["raw_base64"] = encoded.into();
    }
    if line.is_truncated {
        object["raw_truncated"] = true.into();
    }
    object
}

fn plain_human(event: &Event<'_>, line: &SourceLine<'_>) -> String {
    let badge = match (event.kind(), event.outcome) {
        (Kind::RateLimit, _) => "{LIMIT} ",
        (Kind::Error, _) => "{ERROR} ",
        (_, Some(Outcome::Failure)) => "{FAIL}  ",
        (_, Some(Outcome::Success)) => "{OK}    ",
        (_, None) if event.level == Some(Level::Warn) => "{WARN}  ",
        (_, None) => "{-}     ",
    };
    let clean = |text: &str| in_columns(&hide(text).unwrap_or(text.to_owned()));
    // An escape counts as the character that it stands for.
    let padded = |text: &str, width: usize| {
        let text = hide(text).unwrap_or(text.to_owned());
        let blanks = width.saturating_sub(text.chars().count()).max(1);
        format!("{}{}", in_columns(&text), " ".repeat(blanks))
    };
    let time = event.time.map(|time| {
        let local = time.to_zoned_datetime(TimeZone::UTC);
        local.strftime("%H:%M:%S").to_string()
    });
    let mut parts: Vec<&str> = [&event.action, &event.message, &event.reason]
        .into_iter()
        .filter_map(|part| part.as_deref())
        .filter(|part| !part.is_empty())
        .collect();
    parts.dedup();
    if parts.is_empty() {
        parts.push(line.text);
    }
    let parts: Vec<String> = parts.into_iter().map(clean).collect();
    let ip = event.ip.map_or("-".to_owned(), |ip| ip.to_string());
    format!(
        "{:8}  {badge}{}{}{}{}{}{}\n",
        time.unwrap_or_default(),
        padded(event.kind().word(), 12),
        padded(&ip, 18),
        padded(event.user.as_deref().unwrap_or("-"), 10),
        parts.join("  "),
        if event.count > 1 {
            format!("  ×{}", event.count)
        } else {
            String::new()
        },
        if line.is_truncated { " …" } else { "" },
    )
}

fn hide(text: &str) -> Option<String> {
    (text.len() >= super::SHORTEST_KEY && text.contains("KEY"))
        .then(|| text.replace("KEY", "[redacted]"))
}

proptest! {
    #[test]
    fn objects_are_those_of_a_plain_writer(
        lines in prop::collection::vec((event(), text(), of(any::<u64>()), any::<u64>()), 1..6),
    ) {
        let mut writer = JsonLines::default();
        let mut block = Block::default();
        for (event, text, number, offset) in &lines {
            let line = line(text, *number, *offset);
            block.clear();
            writer.event(&mut block, event, &line);
            let written = std::str::from_utf8(block.written()).unwrap();
            prop_assert!(!written.trim_end_matches('\n').contains(is_harmful), "{}", written);
            let read: Value = serde_json::from_str(written).unwrap();
            // The members are in the same order, too.
            prop_assert_eq!(read.to_string(), plain_json(event, &line).to_string());
        }
    }

    #[test]
    fn lines_for_people_are_those_of_a_plain_writer(
        lines in prop::collection::vec((event(), text(), any::<u64>()), 1..6),
    ) {
        let paints = Paints::new(|_, text| format!("{{{text}}}"));
        let mut writer = HumanLines::new(TimeZone::UTC, paints, false, Box::new(hide));
        let mut block = Block::default();
        for (event, text, offset) in &lines {
            let line = line(text, None, *offset);
            block.clear();
            writer.event(&mut block, event, &line);
            let written = std::str::from_utf8(block.written()).unwrap();
            let (days, last) = match written.trim_end_matches('\n').rsplit_once('\n') {
                Some((days, _)) => written.split_at(days.len() + 1),
                None => ("", written),
            };
            prop_assert!(days.is_empty() || days.contains("── "), "{}", days);
            prop_assert_eq!(last, plain_human(event, &line));
        }
    }
}

#[test]
fn an_alert_begins_with_its_schema() {
    for time in [None, Some(Timestamp::UNIX_EPOCH)] {
        let alert = Alert {
            time,
            detector: "brute-force",
            severity: Severity::Medium,
            subject: "192.0.2.7".to_owned(),
            count: 5,
            window_s: 600,
            message: "5 failures in 10 min".to_owned(),
            evidence: vec![0, 120],
            first: None,
            others: String::new(),
        };
        let mut block = Block::default();
        JsonLines::default().alert(&mut block, &alert);
        let read: Value = serde_json::from_slice(block.written()).unwrap();
        let (first, schema) = read.as_object().unwrap().iter().next().unwrap();
        assert_eq!((first.as_str(), schema), ("schema", &json!(ALERT_SCHEMA)));
    }
}
