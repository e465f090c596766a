//! Lines inside a field of another line: `log` of Docker, `message` of a shipper, `MESSAGE` of the journal.

use std::borrow::Cow;

use super::super::address::address;
use super::super::colours::{as_written, without_colours};
use super::super::fields::{Fields, Slot, Slots, Value};
use super::super::{json, pairs};
use super::said::names_something;
use super::{Draft, Recogniser};

impl Recogniser {
    /// Takes an object's inner line apart, if it has one.
    pub(super) fn inside<'l>(&mut self, line: &'l str, draft: &mut Draft<'l>, wrappers: usize) {
        if draft.fields.has(Slot::Stream)
            && matches!(draft.fields.get(Slot::Wrapped), Some(Value::Text(_)))
            && let Some(inner) = draft.fields.text(Slot::Wrapped)
        {
            // `{"log":"…\n","stream":"stderr","time":"…"}`: the line inside is what was written.
            self.adopt(&inner, draft, wrappers);
            return;
        }
        if !may_be_shipped(&draft.fields) {
            return;
        }
        // Whether somebody shipped it is seen by fields that nobody may have asked for.
        let mut outer = Fields::default();
        if json::read_doubled(line, Slots::ALL, &mut outer).is_err() || !is_shipped(&outer, line) {
            return;
        }
        if let Some(inner) = outer.text(Slot::Message) {
            draft.fields = outer;
            self.adopt(&inner, draft, wrappers);
        }
    }

    /// Takes the line inside apart, which the record's writer wrote.
    fn adopt(&mut self, inner: &str, draft: &mut Draft<'_>, wrappers: usize) {
        let inner = inner.trim_end_matches(['\n', '\r']);
        let plain = without_colours(inner);
        let mut inside = Draft {
            host: own(draft.fields.text(Slot::Host)),
            program: own(draft.fields.text(Slot::Program)),
            process: own(draft.fields.text(Slot::Process)),
            ..Draft::default()
        };
        self.take_apart(plain.as_deref().unwrap_or(inner), &mut inside, wrappers);
        if plain.is_some() {
            let message = inside.shown.take().or(inside.fields.text(Slot::Message));
            inside.shown = message.map(|message| {
                let written = as_written(inner, &message).map(str::to_owned);
                written.map_or(message, Cow::Owned)
            });
        }
        draft.adopt(inside);
    }
}

impl Draft<'_> {
    /// Takes over what the line inside says; of the record around it the time and the level count, where
    /// the line has none.
    fn adopt(&mut self, inside: Draft<'_>) {
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

fn own(text: Option<Cow<'_, str>>) -> Option<Cow<'static, str>> {
    text.map(|text| Cow::Owned(text.into_owned()))
}

/// Whether a text begins as a line does: with an object, a bracket, a priority, a time, an address, a pair.
fn begins_like_line(text: &str) -> bool {
    match text.as_bytes() {
        [b'{' | b'[' | b'0'..=b'9', ..] | [b'<', b'0'..=b'9', ..] => true,
        [b'A'..=b'S', _, _, b' ', b' ' | b'0'..=b'3', ..] => {
            "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec "
                .contains(text.get(..4).unwrap_or("?"))
        }
        _ => {
            let word = text.split(' ').next().unwrap_or_default();
            address(word).is_some() || pairs::begins_with_pair(word)
        }
    }
}

/// What a record says of its own of who, from where, what and how it ended.
const OWN: Slots = Slots::of(&[
    Slot::User,
    Slot::Address,
    Slot::Forwarded,
    Slot::Meta,
    Slot::Status,
    Slot::Outcome,
    Slot::Succeeded,
    Slot::Reason,
    Slot::RequestId,
]);

/// Whether no field that was read tells already that nobody shipped the record.
fn may_be_shipped(fields: &Fields<'_>) -> bool {
    let is_silent = !fields.has_any(OWN) && (!fields.has(Slot::Level) || is_of_journal(fields));
    is_silent
        && match fields.get(Slot::Message) {
            Some(Value::Text(text)) => is_of_journal(fields) || begins_like_line(&text),
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
    let action = outer.text(Slot::Action);
    may_be_shipped(outer)
        && !action.is_some_and(|action| names_something(&action))
        && (is_of_journal(outer) || MARKS.iter().any(|mark| line.contains(mark)))
}

/// Whether the journal wrote a record: it names the writer, and calls the text `MESSAGE`.
fn is_of_journal(fields: &Fields<'_>) -> bool {
    fields.has(Slot::Program) && fields.is_under(Slot::Message, "MESSAGE")
}
