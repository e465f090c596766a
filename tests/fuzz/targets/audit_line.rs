//! A line is the same event to a reader that knows much already, that is asked for little, and, where
//! it is JSON, that gets it as another writer of JSON writes it.

use std::cell::RefCell;

use jiff::tz::TimeZone;
use openclaw_sec::audit::address::TrustedProxies;
use openclaw_sec::audit::event::Event;
use openclaw_sec::audit::recognise::{Recogniser, Wanted};
use openclaw_sec::audit::times::TimeContext;
use serde_json::Value;

use super::support::now;

/// Lines.
pub fn run(data: &[u8]) {
    thread_local!(static KNOWING: RefCell<Recogniser> = RefCell::new(reader()));
    let text = String::from_utf8_lossy(data);
    for line in text.lines().take(8) {
        let fresh = reader().read(line, Wanted::ALL).into_owned();
        KNOWING.with_borrow_mut(|reader| {
            // The first look fills the memory, the second one uses it.
            for _ in 0..2 {
                assert_eq!(reader.read(line, Wanted::ALL), fresh, "{line:?}");
            }
            assert_parts(reader, line, &fresh);
        });
        assert_as_json(line, &fresh);
    }
}

pub fn reader() -> Recogniser {
    let context = TimeContext {
        zone: TimeZone::UTC,
        now: now(),
    };
    Recogniser::new(context, TrustedProxies::parse("127.0.0.1,10.0.0.0/8"))
}

fn assert_parts(reader: &mut Recogniser, line: &str, fresh: &Event<'_>) {
    for bits in 0..16 {
        let wanted = Wanted {
            time: bits & 1 != 0,
            who: bits & 2 != 0,
            meaning: bits & 4 != 0,
            texts: bits & 8 != 0,
        };
        let some = reader.read(line, wanted);
        assert_eq!(some.level, fresh.level, "{line:?}");
        if wanted.time {
            assert_eq!(some.time, fresh.time, "{line:?}");
        }
        if wanted.who {
            assert_eq!((&some.user, some.ip), (&fresh.user, fresh.ip), "{line:?}");
        }
        if wanted.meaning {
            let meaning = |event: &Event<'_>| (event.kind, event.outcome);
            assert_eq!(meaning(&some), meaning(fresh), "{line:?}");
        }
        if wanted.texts {
            assert_eq!(some.message, fresh.message, "{line:?}");
            assert_eq!(some.count, fresh.count, "{line:?}");
        }
    }
}

fn assert_as_json(line: &str, fresh: &Event<'_>) {
    let Ok(tree @ Value::Object(_)) = serde_json::from_str::<Value>(line) else {
        return;
    };
    // What a tree forgets, which key came twice and how a number was spelt, may matter.
    if has_number_or_twin(line, &tree) {
        return;
    }
    let rewritten = tree.to_string();
    let other = reader().read(&rewritten, Wanted::ALL).into_owned();
    assert_eq!(&other, fresh, "{line:?} is not {rewritten:?}");
}

fn has_number_or_twin(line: &str, tree: &Value) -> bool {
    fn members(tree: &Value) -> usize {
        match tree {
            Value::Object(map) => map.len() + map.values().map(members).sum::<usize>(),
            Value::Array(list) => list.iter().map(members).sum(),
            _ => 0,
        }
    }
    fn odd_number(tree: &Value) -> bool {
        match tree {
            Value::Object(map) => map.values().any(odd_number),
            Value::Array(list) => list.iter().any(odd_number),
            Value::Number(number) => !number.is_u64(),
            _ => false,
        }
    }
    let (mut colons, mut in_text, mut is_escaped) = (0, false, false);
    for byte in line.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_text = !in_text,
            b':' if !in_text => colons += 1,
            _ => {}
        }
    }
    members(tree) != colons || odd_number(tree)
}
