//! The quick way and the slow way give the same events, whatever a line looks like.
//!
//! The slow way is a reader that never saw a line before, and for JSON a tree made by `serde_json`.
//! The quick way is a reader that remembers keys and words of all lines before, and that is asked
//! for less than everything.

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value as Tree;

use super::tests::LINES;
use super::*;
use crate::audit::fields::Role;

/// Lines beyond those of the table, chosen for what a quick way may stumble over.
const ODD: &[&str] = &[
    r#"{"timestamp":"2026-11-17T09:41:37.123Z","level":"info","event":"auth.success","user":"mia","ip":"192.0.2.14","outcome":"success","status":200,"request_id":"00ff","path":"/v1","duration_ms":12,"message":"user logged in","user_agent":"curl/8","host":"a"}"#,
    r#"{"timestamp": "2026-11-17 09:41:37", "event": "login", "user": {"name": "mia", "id": 7}, "ip": null, "err": {"message": "x", "more": [1, {"user": "no"}]}}"#,
    r#"{"time":1795168802000,"req":{"remoteAddress":"::ffff:192.0.2.1","headers":{"x-forwarded-for":"192.0.2.7, 127.0.0.1","user-agent":"ua"}},"res":{"statusCode":429},"msg":"m"}"#,
    r#"{"t":{"$date":"2026-11-20T10:00:02.123+01:00"},"s":"W","attr":{"remote":"192.0.2.1:22","error":"Failed password for root from 192.0.2.9 port 22 ssh2"}}"#,
    r#"{"user":"a","user":"b","ip":"192.0.2.1","ip":"-","level":30,"level":"error"}"#,
    r#"{"message":"Failed password for root from 192.0.2.9 port 22 ssh2","pid":1}"#,
    r#"{"message":"Invalid user x from 192.0.2.9 port 9","user":"mia","ip":"192.0.2.1"}"#,
    r#"{"0":"gateway/ws","1":{"cause":"unauthorized","remoteAddr":"127.0.0.1","forwardedFor":"192.0.2.7"},"2":"closed before connect conn=c1 remote=127.0.0.1","_meta":{"logLevelName":"WARN","date":"2026-11-20T10:00:02Z"},"time":"2026-11-20T10:00:02Z"}"#,
    r#"{"us\u0065r":"esc\"aped\\","msg":"tab\tnew\nline \ud83d\ude00 \ud800","i\u0070":"192\u002e0.2.1"}"#,
    r#" {  "a" : 1.5e300 , "b":-0,"c":true ,"user" : "x" } "#,
    "{\"msg\":\"nul \0 byte\",\"user\":\"\u{202e}x\",\"ip\":\"fe80::1%eth0\"}",
    "\u{feff}{\"msg\":\"bom\",\"level\":\"ERROR\"}",
    "    at frame (file.js:1:2)",
    "\t{\"msg\":\"indented\",\"status\":\"403\"}",
    "2026-11-20T10:00:02Z host sshd[1]: message repeated 3 times: [ Failed password for a from 192.0.2.1 port 2 ssh2]",
    "   2026-11-20 10:00:02 indented, with a time",
    "Nov 20 10:00:02 bot app: authentication failed for user=<mia> rip=192.0.2.1",
    r#"{"log":"plain text login failed\n","stream":"stdout","time":"2026-11-20T10:00:02.5Z"}"#,
    r#"{"a":{"b":{"c":{"d":{"e":{"user":"deep"}}}}},"actor":{"user":{"name":"n"}},"user_agent":{"original":"o"}}"#,
    r#"{"error":{"message":"access denied","code":403},"code":403,"success":false}"#,
    r#"{"user":"a","req":{"remoteAddress":"192.0.2.1","headers":{"user-agent":"u"},"headers":0},"user":{"name":"b"},"req":null,"remoteAddr":"192.0.2.2"}"#,
];

fn reader() -> Recogniser {
    Recogniser::new(TimeContext::of_tests(), TrustedProxies::parse("127.0.0.1"))
}

/// A reader that has seen everything that was tried in this thread so far.
fn with_memory<T>(act: impl FnOnce(&mut Recogniser) -> T) -> T {
    thread_local!(static READER: RefCell<Recogniser> = RefCell::new(reader()));
    READER.with_borrow_mut(act)
}

/// Every combination of what can be asked for.
fn all_wishes() -> impl Iterator<Item = Wanted> {
    (0..16).map(|bits| Wanted {
        time: bits & 1 != 0,
        who: bits & 2 != 0,
        meaning: bits & 4 != 0,
        texts: bits & 8 != 0,
    })
}

fn assert_same(line: &str) {
    let slow = reader().read(line, Wanted::ALL).into_owned();
    with_memory(|reader| {
        // The first look fills the memory, the second one uses it.
        for _ in 0..2 {
            assert_eq!(reader.read(line, Wanted::ALL), slow, "{line:?}");
        }
        for wanted in all_wishes() {
            let some = reader.read(line, wanted);
            let told = format!("{wanted:?} of {line:?}");
            assert_eq!(some.level, slow.level, "{told}");
            assert_eq!(some.is_continuation, slow.is_continuation, "{told}");
            if wanted.time {
                assert_eq!(some.time, slow.time, "{told}");
            }
            if wanted.who {
                assert_eq!((&some.user, some.ip), (&slow.user, slow.ip), "{told}");
            }
            if wanted.meaning {
                assert_eq!(
                    (some.kind, some.outcome),
                    (slow.kind, slow.outcome),
                    "{told}"
                );
            }
            if wanted.texts {
                let texts = |event: &Event<'_>| {
                    let own = event.clone().into_owned();
                    (
                        (own.action, own.message, own.reason, own.request_id),
                        (own.user_agent, own.count, own.dropped, own.connection),
                    )
                };
                assert_eq!(texts(&some), texts(&slow), "{told}");
            }
        }
    });
    assert_as_a_tree(line);
}

/// What our walk finds in a JSON object is what stands in the tree that `serde_json` makes of it.
fn assert_as_a_tree(line: &str) {
    let Ok(Tree::Object(tree)) = serde_json::from_str::<Tree>(line) else {
        return;
    };
    let mut walked = Fields::default();
    assert_eq!(
        json::read(line, &mut KeyOrder::default(), Slots::ALL, &mut walked),
        Ok(()),
        "{line:?}"
    );
    if walked.may_be_doubled {
        walked.clear();
        let read = json::read_doubled(line, Slots::ALL, &mut walked);
        assert_eq!(read, Ok(()), "{line:?}");
    }
    let mut expected = Fields::default();
    note_members(&tree, "", 0, &mut expected);
    for slot in 0..super::super::fields::SLOTS {
        let (found, other) = (walked.at(slot), expected.at(slot));
        let is_same = match (&found, &other) {
            (Some((a, Value::Number(digits))), Some((b, Value::Text(number)))) => {
                a == b && digits.parse::<f64>().ok() == number.parse::<f64>().ok()
            }
            (found, other) => found == other,
        };
        assert!(is_same, "{found:?} is not {other:?} in {line:?}");
    }
}

fn note_members(
    tree: &serde_json::Map<String, Tree>,
    parent: &str,
    depth: usize,
    fields: &mut Fields<'static>,
) {
    for (key, value) in tree {
        let path = if depth == 0 {
            key.clone()
        } else {
            format!("{parent}.{key}")
        };
        let role = Role::of(&path);
        let value = match value {
            Tree::Object(inner) if role.is_container && depth < 3 => {
                fields.note(&role, Value::Nested);
                note_members(inner, &path, depth + 1, fields);
                continue;
            }
            Tree::Array(items) if role.slots.meet(Slots::LISTS) => listed(&role, items),
            Tree::Array(items) if role.may_be_bytes && !items.is_empty() => bytes_of_text(items),
            Tree::Object(_) | Tree::Array(_) => Value::Nested,
            Tree::String(text) => Value::Text(Cow::Owned(text.clone())),
            Tree::Number(number) => Value::Text(Cow::Owned(number.to_string())),
            Tree::Bool(flag) => Value::Bool(*flag),
            Tree::Null => Value::Null,
        };
        fields.note(&role, value);
    }
}

fn listed(role: &Role, items: &[Tree]) -> Value<'static> {
    let texts: Option<Vec<&str>> = items.iter().map(Tree::as_str).collect();
    match texts.as_deref() {
        None | Some([]) => Value::Nested,
        Some(all) if role.slots.meet(Slots::of(&[Slot::Forwarded])) => {
            Value::Text(Cow::Owned(all.join(",")))
        }
        Some([.., last]) => Value::Text(Cow::Owned((*last).to_owned())),
    }
}

fn bytes_of_text(items: &[Tree]) -> Value<'static> {
    let byte = |item: &Tree| item.as_u64().and_then(|number| u8::try_from(number).ok());
    let bytes: Option<Vec<u8>> = items.iter().map(byte).collect();
    bytes.map_or(Value::Nested, |bytes| {
        Value::Text(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()))
    })
}

fn lines() -> Vec<&'static str> {
    let table = LINES.iter().map(|(line, _)| *line);
    table.chain(ODD.iter().copied()).collect()
}

#[test]
fn every_known_line_is_read_the_same_way() {
    for line in lines() {
        assert_same(line);
    }
}

#[test]
fn of_two_equal_names_the_last_one_counts_with_all_that_it_says() {
    // What stands in the line, and what JSON.parse would leave of it.
    let cases = [
        (
            r#"{"user":"a","user":{"name":"b"}}"#,
            r#"{"user":{"name":"b"}}"#,
        ),
        (r#"{"user":{"name":"b"},"user":"a"}"#, r#"{"user":"a"}"#),
        (
            r#"{"user":{"name":"b"},"userId":"c","user":null}"#,
            r#"{"userId":"c"}"#,
        ),
        (
            r#"{"request":{"client_ip":"192.0.2.1"},"ip":"192.0.2.2","ip":{},"request":"x"}"#,
            r#"{"request":"x"}"#,
        ),
        (
            r#"{"req":{"remoteAddress":"192.0.2.1"},"src":"192.0.2.3","req":{}}"#,
            r#"{"src":"192.0.2.3"}"#,
        ),
        (
            r#"{"time":"2026-11-20T10:00:02Z","ts":1795168802,"time":[]}"#,
            r#"{"ts":1795168802}"#,
        ),
        (
            r#"{"t":{"$date":"2026-11-20T10:00:02Z"},"t":"2026-11-21T10:00:02Z"}"#,
            r#"{"t":"2026-11-21T10:00:02Z"}"#,
        ),
        (
            r#"{"log":{"level":"error"},"s":"W","log":"x"}"#,
            r#"{"s":"W"}"#,
        ),
        (
            r#"{"level":30,"_meta":{"logLevelName":"ERROR"},"level":null}"#,
            r#"{"_meta":{"logLevelName":"ERROR"}}"#,
        ),
        (
            r#"{"event":{"outcome":"success"},"result":"failed","event":"login"}"#,
            r#"{"result":"failed","event":"login"}"#,
        ),
        (
            r#"{"res":{"statusCode":401},"code":200,"res":{"x":{"statusCode":401}}}"#,
            r#"{"code":200}"#,
        ),
    ];
    for (line, as_parsed) in cases {
        let expected = reader().read(as_parsed, Wanted::ALL).into_owned();
        assert_eq!(reader().read(line, Wanted::ALL), expected, "{line}");
        let wrapped = format!("<34>1 2026-11-20T10:00:02Z bot gw 3 - - {line}");
        let expected = format!("<34>1 2026-11-20T10:00:02Z bot gw 3 - - {as_parsed}");
        let expected = reader().read(&expected, Wanted::ALL).into_owned();
        assert_eq!(reader().read(&wrapped, Wanted::ALL), expected, "{line}");
        assert_same(line);
    }
}

#[test]
fn a_line_is_no_object_because_the_one_before_it_was() {
    let mut reader = reader();
    for line in [
        r#"{"aaaaaaaaaaaaaa":1,"user":"mia","more":"text and text"}"#,
        r#"{"aaaaaaaaaaaaaa":1{"user":"mia","more":"text and text"}"#,
        r#"{"aaaaaaaaaaaaaa":1 "user":"mia","more":"text and text"}"#,
        r#","user":"mia","more":"text and text","aaaaaaaaaaaaaa":1}"#,
        r#"{"aaaaaaaaaaaaaa":1,"user":"mia","user":"mia","more":1}}"#,
        r#"{"aaaaaaaaaaaaaa":"1,"user":"mia","more":"text and text"}"#,
    ] {
        let fresh = super::same::reader().read(line, Wanted::ALL).into_owned();
        assert_eq!(reader.read(line, Wanted::ALL), fresh, "{line}");
    }
}

/// One small change to a line.
#[derive(Debug, Clone)]
enum Change {
    Remove(Index),
    Insert(Index, &'static str),
    Replace(Index, &'static str),
    Double(Index, Index),
    Cut(Index),
    Escape(Index),
    Break(Index, u8),
}

const PIECES: &[&str] = &[
    "\"",
    "\\",
    "\\\"",
    "\\u0041",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "  ",
    "\t",
    "\r",
    "\0",
    "\u{feff}",
    "é",
    "😀",
    "-",
    "null",
    "true",
    "1e999",
    "-0.5",
    "{}",
    "[[]]",
    "\"user\":\"x\",",
    "\"user\":{\"name\":\"y\"},",
    ",\"ip\":\"192.0.2.77\"",
    "\"level\":50,",
    "\"status\":429,",
    "\"_meta\":{},",
    "\"time\":\"2026-11-21T00:00:00Z\",",
    "\"message\":\"Failed password for q from 192.0.2.3 port 1 ssh2\",",
    "login failed ",
    "{\"log\":\"",
    "<34>",
    "CEF:0|",
    "a=1 b=2 c=3 ",
];

fn change() -> impl Strategy<Value = Change> {
    let place = any::<Index>;
    prop_oneof![
        place().prop_map(Change::Remove),
        (place(), select(PIECES)).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (place(), select(PIECES)).prop_map(|(at, piece)| Change::Replace(at, piece)),
        (place(), place()).prop_map(|(from, to)| Change::Double(from, to)),
        place().prop_map(Change::Cut),
        place().prop_map(Change::Escape),
        (place(), 0x80u8..).prop_map(|(at, byte)| Change::Break(at, byte)),
    ]
}

fn changed(line: &str, changes: &[Change]) -> String {
    let mut bytes = line.as_bytes().to_vec();
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        match change {
            Change::Remove(at) => drop(bytes.remove(at.index(length))),
            Change::Insert(at, piece) => {
                let at = at.index(length);
                bytes.splice(at..at, piece.bytes());
            }
            Change::Replace(at, piece) => {
                let at = at.index(length);
                bytes.splice(at..=at, piece.bytes());
            }
            Change::Double(from, to) => {
                let (from, to) = (from.index(length), to.index(length));
                let piece = bytes[from.min(to)..=from.max(to)].to_vec();
                bytes.splice(to..to, piece);
            }
            Change::Cut(at) => bytes.truncate(at.index(length)),
            Change::Escape(at) => {
                let at = at.index(length);
                let escape = format!("\\u{:04x}", bytes[at]);
                bytes.splice(at..=at, escape.into_bytes());
            }
            Change::Break(at, byte) => bytes[at.index(length)] = *byte,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changed_lines_are_read_the_same_way(
        line in select(lines()),
        changes in proptest::collection::vec(change(), 0..5),
    ) {
        assert_same(&changed(line, &changes));
    }

    #[test]
    fn any_object_is_read_the_same_way(
        members in proptest::collection::vec((select(KEYS), select(VALUES)), 0..8),
        blank in select(&["", " "][..]),
    ) {
        let members: Vec<String> = members
            .iter()
            .map(|(key, value)| format!("{blank}\"{key}\"{blank}:{blank}{value}{blank}"))
            .collect();
        assert_same(&format!("{{{}}}", members.join(",")));
    }

    #[test]
    fn an_object_of_few_names_is_read_the_same_way(
        members in proptest::collection::vec((select(FEW_KEYS), select(VALUES)), 2..8),
    ) {
        let members: Vec<String> = members
            .iter()
            .map(|(key, value)| format!("\"{key}\":{value}"))
            .collect();
        assert_same(&format!("{{{}}}", members.join(",")));
    }
}

/// Names that say the same, so that what came twice and what comes next meet.
const FEW_KEYS: &[&str] = &[
    "user",
    "us\\u0065r",
    "user.name",
    "userId",
    "req",
    "headers",
    "error",
    "_meta",
];

const KEYS: &[&str] = &[
    "time",
    "timestamp",
    "level",
    "event",
    "user",
    "user.name",
    "actor",
    "ip",
    "remoteAddr",
    "xff",
    "req",
    "outcome",
    "success",
    "status",
    "message",
    "msg",
    "reason",
    "err",
    "conn",
    "dropped",
    "0",
    "1",
    "2",
    "_meta",
    "log",
    "stream",
    "something else that nobody knows and that is long",
];

const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "401",
    "30",
    "1795168802000",
    "-1.5e9",
    "\"\"",
    "\"-\"",
    "\"error\"",
    "\"mia\"",
    "\"192.0.2.1\"",
    "\"[2001:db8::1]:443\"",
    "\"login failed\"",
    "\"2026-11-20T10:00:02Z\"",
    "\"esc\\\"aped \\u0061\"",
    "[]",
    "[1,{\"user\":\"no\"}]",
    "[ \"192.0.2.1\" ,\"192.0.2.2\"]",
    "[\"192.0.2.1\",1]",
    "{}",
    "{\"name\":\"nested\",\"message\":\"deeper\"}",
    "{\"headers\":{\"x-forwarded-for\":\"192.0.2.9\"}}",
    "{\"headers\":{\"x-forwarded-for\":\"192.0.2.9\"},\"name\":\"b\",\"headers\":{},\"name\":null}",
    "{\"logLevelName\":\"WARN\",\"message\":\"m\",\"message\":{\"message\":\"n\"}}",
    "\"unauthorized conn=c1 remote=192.0.2.1\"",
    "\"Accepted password for root from 192.0.2.2 port 1 ssh2\"",
];
