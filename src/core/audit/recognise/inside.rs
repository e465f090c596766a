//! Lines inside a field of another line: `log` of Docker, `message` of a shipper, `MESSAGE` of the journal.

use std::borrow::Cow;

use super::super::fields::{Fields, Slot, Slots, Value};
use super::super::json;
use super::said::names_something;
use super::{Draft, Recogniser, Shape};

impl Recogniser {
    /// Takes an object's inner line apart, if it has one.
    pub(super) fn inside<'l>(&mut self, line: &'l str, draft: &mut Draft<'l>, wrappers: usize) {
        if draft.fields.has(Slot::Stream)
            && matches!(draft.fields.get(Slot::Wrapped), Some(Value::Text(_)))
            && let Some(inner) = draft.fields.text(Slot::Wrapped)
        {
            // `{"log":"…\n","stream":"stderr","time":"…"}`: the line inside is what was written.
            let inside = self.apart(&inner, wrappers);
            draft.adopt(inside);
            return;
        }
        let may_be_line = match draft.fields.borrowed(Slot::Message) {
            Some(text) => begins_like_line(text),
            None => {
                matches!(draft.fields.get(Slot::Message), Some(Value::Text(text)) if begins_like_line(&text))
            }
        };
        if !may_be_line {
            return;
        }
        // Whether somebody shipped it is seen by fields that nobody may have asked for.
        let mut outer = Fields::default();
        if json::read_doubled(line, Slots::ALL, &mut outer).is_err() || !is_shipped(&outer, line) {
            return;
        }
        let Some(inner) = outer.text(Slot::Message) else {
            return;
        };
        let inside = self.apart(&inner, wrappers);
        if inside.shape == Shape::Json || inside.is_wrapped {
            draft.fields = outer;
            draft.adopt(inside);
        }
    }

    fn apart<'i>(&mut self, inner: &'i str, wrappers: usize) -> Draft<'i> {
        let mut inside = Draft::default();
        self.take_apart(inner.trim_end_matches(['\n', '\r']), &mut inside, wrappers);
        inside
    }
}

impl Draft<'_> {
    /// Takes over what the line inside says; of the record around it the time and the level count, where
    /// the line has none.
    fn adopt(&mut self, inside: Draft<'_>) {
        let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        self.shape = inside.shape;
        self.repeats = inside.repeats;
        self.time = inside.time.or(self.time);
        self.level = inside.level.or(self.level);
        self.shown = own(inside.shown);
        self.host = own(inside.host);
        self.program = own(inside.program);
        self.process = own(inside.process);
        let outer = std::mem::replace(&mut self.fields, inside.fields.into_owned());
        if let Some(time) = outer.text(Slot::Time) {
            self.fields.fill(Slot::Time, time.into_owned());
        }
        if self.level.is_none()
            && let Some(level) = outer.text(Slot::Level)
        {
            self.fields.fill(Slot::Level, level.into_owned());
        }
    }
}

/// Whether a text begins as an object does, or as a line of syslog: with a priority, a month, a date.
fn begins_like_line(text: &str) -> bool {
    match text.as_bytes() {
        [b'{', ..] | [b'<', b'0'..=b'9', ..] => true,
        [b'A'..=b'S', _, _, b' ', b' ' | b'0'..=b'3', ..] => {
            "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec "
                .contains(text.get(..4).unwrap_or("?"))
        }
        [b'2', b'0', b'0'..=b'9', b'0'..=b'9', b'-', ..] => true,
        _ => false,
    }
}

/// Whether a record is the journal's or a shipper's, and says nothing of its own of who, from where, what
/// and how it ended: programs log texts of others as their message, which may look like any line.
fn is_shipped(outer: &Fields<'_>, line: &str) -> bool {
    // Inside of a text these names would stand with backslashes.
    const MARKS: [&str; 11] = [
        "\"type\":\"syslog\"",
        "\"@timestamp\":",
        "\"agent\":",
        "\"log.file\":",
        "\"log\":",
        "\"input\":",
        "\"kubernetes\":",
        "\"container\":",
        "\"container_name\":",
        "\"logstream\":",
        "\"@version\":",
    ];
    const OWN: [Slot; 10] = [
        Slot::User,
        Slot::Address,
        Slot::Forwarded,
        Slot::Meta,
        Slot::Status,
        Slot::Outcome,
        Slot::Succeeded,
        Slot::Reason,
        Slot::RequestId,
        Slot::Level,
    ];
    if outer.is_under(Slot::Message, "MESSAGE") {
        return true;
    }
    let action = outer.text(Slot::Action);
    !OWN.iter().any(|slot| outer.has(*slot))
        && !action.is_some_and(|action| names_something(&action))
        && MARKS.iter().any(|mark| line.contains(mark))
}
