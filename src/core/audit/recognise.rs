//! From a line of any common format to an event, decided line by line.

mod inside;
mod lead;
mod said;
mod stated;

use std::borrow::Cow;
use std::net::IpAddr;

use super::address::{TrustedProxies, address};
use super::answers::Answers;
use super::colours::{as_written, without_colours};
use super::event::{Connection, Event, Kind, Level, Outcome};
use super::fields::{Fields, Slot, Slots, Value};
use super::json;
use super::key_order::KeyOrder;
use super::pairs::{self, Known};
use super::syslog::{self, Wrapped};
use super::times::{TimeContext, Universal};
use super::words::{Said, Words};
use super::{openclaw, text, web};
use lead::{behind_letter, leading_level, level_behind_names, time_behind_word};
use stated::{http_status, kind, level, level_word, number, outcome_of_status, stated_outcome};

/// Wrappers inside wrappers that are taken off.
const MOST_WRAPPERS: usize = 4;

/// What a caller needs of an event. What is not needed may be missing; what is there is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The time.
    pub time: bool,
    /// User and address.
    pub who: bool,
    /// Kind and outcome, which cost reading the words.
    pub meaning: bool,
    /// All the rest, except the level, which is always there.
    pub texts: bool,
}

impl Wanted {
    /// Nothing but the level.
    pub const LEVEL: Self = Self {
        time: false,
        who: false,
        meaning: false,
        texts: false,
    };
    /// When it was.
    pub const TIME: Self = Self {
        time: true,
        ..Self::LEVEL
    };
    /// Everything.
    pub const ALL: Self = Self {
        time: true,
        who: true,
        meaning: true,
        texts: true,
    };

    /// Whether more than time and level is needed.
    fn is_more(self) -> bool {
        self.who || self.meaning || self.texts
    }

    /// What must be read of a line for this.
    fn slots(self) -> Slots {
        // What may hold another line is looked at whatever is wanted: the level stands there.
        const ALWAYS: Slots = Slots::of(&[
            Slot::Level,
            Slot::Meta,
            Slot::Wrapped,
            Slot::Stream,
            Slot::Message,
            Slot::Program,
        ]);
        const TIME: Slots = Slots::of(&[Slot::Time]);
        const WHO: Slots = Slots::of(&[Slot::User, Slot::Key, Slot::Address, Slot::Forwarded]);
        const OPENCLAW: Slots = Slots::of(&[
            Slot::Subsystem,
            Slot::One,
            Slot::Two,
            Slot::Cause,
            Slot::AuthReason,
            Slot::RemoteAddr,
            Slot::ClientForwarded,
            Slot::ClientAgent,
            Slot::Dropped,
        ]);
        const WORDS: Slots = Slots::of(&[Slot::Action, Slot::Verb, Slot::Reason]);
        const MEANING: Slots =
            Slots::of(&[Slot::Outcome, Slot::Succeeded, Slot::StatusId, Slot::Status]);
        const TEXTS: Slots = Slots::of(&[Slot::RequestId, Slot::UserAgent]);
        [
            (true, ALWAYS),
            (self.time, TIME),
            (self.who, WHO),
            (self.is_more(), OPENCLAW.and(WORDS)),
            // What a sentence means depends on whether fields say who it was.
            (self.meaning || self.texts, MEANING.and(WHO)),
            (self.texts, TEXTS),
        ]
        .into_iter()
        .filter(|(is_wanted, _)| *is_wanted)
        .fold(Slots::default(), |slots, (_, more)| slots.and(more))
    }
}

/// Reads lines. It remembers the shape of the last one and the words it saw, nothing else.
#[derive(Debug)]
pub struct Recogniser {
    context: TimeContext,
    universal: Universal,
    proxies: TrustedProxies,
    words: Words,
    levels: Answers<Option<Level>>,
    outcomes: Answers<Option<Outcome>>,
    order: KeyOrder,
    /// What was asked for last, and what that takes.
    asked: (Wanted, Slots),
    /// What is read of the line at hand.
    slots: Slots,
}

/// How a line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Json,
    Pairs,
    Cef,
    Web,
    Text,
}

/// A line on its way to an event; it serves for the next line, too.
#[derive(Debug)]
pub struct Draft<'l> {
    fields: Fields<'l>,
    shape: Shape,
    time: Option<jiff::Timestamp>,
    level: Option<Level>,
    host: Option<Cow<'l, str>>,
    program: Option<Cow<'l, str>>,
    process: Option<Cow<'l, str>>,
    is_wrapped: bool,
    is_indented: bool,
    /// Whether the message may be a sentence that names user and address itself.
    is_sentence: bool,
    /// How often it was written, by `message repeated N times`.
    repeats: u64,
    /// What is shown as the message, where that says less than was written.
    shown: Option<Cow<'l, str>>,
}

impl Recogniser {
    /// A reader for times without zone or year in `context`, and addresses behind `proxies`.
    pub fn new(context: TimeContext, proxies: TrustedProxies) -> Self {
        Self {
            context,
            universal: Universal::default(),
            proxies,
            words: Words::default(),
            levels: Answers::default(),
            outcomes: Answers::default(),
            order: KeyOrder::default(),
            asked: (Wanted::ALL, Wanted::ALL.slots()),
            slots: Slots::ALL,
        }
    }

    /// The present, for stamps without a year.
    pub fn set_now(&mut self, now: jiff::Timestamp) {
        self.context.now = now;
    }

    /// Reads one line, without its line end.
    pub fn read<'l>(&mut self, line: &'l str, wanted: Wanted) -> Event<'l> {
        let mut event = Event::default();
        self.read_into(&mut Draft::default(), line, wanted, &mut event);
        event
    }

    /// The same into an event that says nothing yet, with a draft that served for a line before.
    pub fn read_into<'l>(
        &mut self,
        draft: &mut Draft<'l>,
        line: &'l str,
        wanted: Wanted,
        event: &mut Event<'l>,
    ) {
        let line = match line.as_bytes() {
            // JSON writes colours as escapes.
            [b'{', ..] => return self.read_plain(draft, line, wanted, event),
            _ => line.strip_prefix('\u{feff}').unwrap_or(line),
        };
        let Some(plain) = without_colours(line) else {
            return self.read_plain(draft, line, wanted, event);
        };
        let mut inside = Event::default();
        self.read_plain(&mut Draft::default(), &plain, wanted, &mut inside);
        *event = inside.into_owned();
        let message = event.message.as_deref();
        if let Some(written) = message.and_then(|message| as_written(line, message)) {
            event.message = Some(Cow::Borrowed(written));
        }
    }

    /// Reads a line without colours.
    fn read_plain<'l>(
        &mut self,
        draft: &mut Draft<'l>,
        line: &'l str,
        wanted: Wanted,
        event: &mut Event<'l>,
    ) {
        draft.begin(line);
        self.slots = if draft.is_indented {
            // It may belong to the line before, which its time decides.
            Slots::ALL
        } else {
            if self.asked.0 != wanted {
                self.asked = (wanted, wanted.slots());
            }
            self.asked.1
        };
        self.take_apart(line, draft, MOST_WRAPPERS);
        draft.set_colours_aside();
        draft.is_sentence = is_likely_sentence(&draft.fields);
        self.event(draft, wanted, event);
        if draft.shown.is_some() {
            event.message = draft.shown.take();
        }
    }

    fn take_apart<'l>(&mut self, line: &'l str, draft: &mut Draft<'l>, wrappers: usize) {
        let trimmed = match line.as_bytes() {
            [b'{', ..] => line,
            _ => line.trim_start_matches([' ', '\t']),
        };
        if draft.is_of_sshd() {
            return self.sentences(trimmed, draft, wrappers);
        }
        match trimmed.as_bytes().first() {
            Some(b'{') if self.json(trimmed, draft, wrappers) => return,
            Some(b'<') => {
                if let Some(wrapped) = syslog::rfc5424(trimmed, &self.context, &mut draft.fields) {
                    return self.unwrap(wrapped, draft, wrappers);
                }
            }
            Some(b'C') if pairs::cef(trimmed, &mut draft.fields) => {
                draft.shape = Shape::Cef;
                return;
            }
            None => return,
            _ => {}
        }
        if wrappers > 0
            && let Some(inside) = syslog::compose(trimmed)
        {
            return self.take_apart(inside, draft, wrappers - 1);
        }
        if web::read(trimmed, &self.context, &mut draft.fields) {
            draft.shape = Shape::Web;
            return;
        }
        if wrappers > 0 {
            let wrapped = syslog::cri(trimmed, &self.context)
                .or_else(|| syslog::rfc3164(trimmed, &self.context));
            if let Some(wrapped) = wrapped {
                return self.unwrap(wrapped, draft, wrappers - 1);
            }
        }
        self.sentences(trimmed, draft, wrappers);
    }

    fn sentences<'l>(&mut self, trimmed: &'l str, draft: &mut Draft<'l>, wrappers: usize) {
        match text::repeated(trimmed) {
            Some((times, inside)) if wrappers > 0 => {
                draft.repeats = times;
                self.take_apart(inside, draft, wrappers - 1);
                if draft.shape == Shape::Text {
                    draft.fields.set(Slot::Message, trimmed);
                }
            }
            _ => self.text(trimmed, draft),
        }
    }

    fn unwrap<'l>(&mut self, wrapped: Wrapped<'l>, draft: &mut Draft<'l>, wrappers: usize) {
        draft.time = draft.time.or(wrapped.time);
        draft.level = draft.level.or(wrapped.level);
        draft.host = draft.host.take().or(wrapped.host.map(Cow::Borrowed));
        draft.program = draft.program.take().or(wrapped.program.map(Cow::Borrowed));
        draft.process = draft.process.take().or(wrapped.process.map(Cow::Borrowed));
        draft.is_wrapped = true;
        self.take_apart(wrapped.message, draft, wrappers.saturating_sub(1));
        if draft.shape == Shape::Text || draft.shown.is_some() {
            draft.shown = wrapped.sentence.map(Cow::Borrowed).or(draft.shown.take());
        }
    }

    fn json<'l>(&mut self, line: &'l str, draft: &mut Draft<'l>, wrappers: usize) -> bool {
        // The fields are large: they are filled in place, and kept aside only where a wrapper had some.
        let outer = draft.is_wrapped.then(|| draft.fields.clone());
        if json::read(line, &mut self.order, self.slots, &mut draft.fields).is_err() {
            draft.fields = outer.unwrap_or_default();
            return false;
        }
        if draft.fields.may_be_doubled {
            draft.fields = outer.unwrap_or_default();
            // It was an object a moment ago.
            let _ = json::read_doubled(line, self.slots, &mut draft.fields);
        }
        draft.shape = Shape::Json;
        draft.is_wrapped = true;
        draft.fields.is_structured = true;
        if wrappers > 0 {
            self.inside(line, draft, wrappers - 1);
        }
        true
    }

    fn text<'l>(&mut self, line: &'l str, draft: &mut Draft<'l>) {
        let mut rest = line;
        if draft.time.is_none() {
            let start = line.trim_start_matches(['[', '(']);
            if let Some((time, used)) = self.context.leading(start) {
                draft.time = Some(time);
                rest = start[used..].trim_start_matches([']', ')', ':', ' ', ',', '\t', '|', '-']);
            }
        }
        if let Some((level, after)) = leading_level(rest) {
            draft.level = draft.level.or(Some(level));
            rest = after;
            if draft.time.is_none()
                && let Some((time, used)) = self.context.leading(rest)
            {
                draft.time = Some(time);
                rest = rest[used..].trim_start();
            }
        }
        if draft.time.is_none() {
            if let Some((time, level, after)) = behind_letter(rest, &self.context) {
                draft.time = Some(time);
                draft.level = draft.level.or(Some(level));
                rest = leading_level(after).map_or(after, |(_, after)| after);
            } else if let Some((time, level)) =
                time_behind_word(rest.trim_start_matches(['[', '(']), &self.context)
            {
                draft.time = Some(time);
                draft.level = draft.level.or(level);
            }
        }
        if draft.level.is_none() && draft.time.is_some() {
            draft.level = level_behind_names(rest);
        }
        if draft.is_of_sshd() {
            draft.fields.fill(Slot::Message, rest);
            return;
        }
        let found_time = draft.time.is_some() && !draft.is_wrapped;
        if rest.starts_with('{') && found_time && self.json(rest, draft, 1) {
            return;
        }
        if rest.ends_with('}') && self.object_behind(rest, draft) {
            return;
        }
        // A server's sentence may end in pairs; a line that begins with one is logfmt.
        let may_be_pairs = pairs::begins_with_pair(rest)
            || text::sentence(rest).is_none_or(|sentence| sentence.success.is_none());
        if may_be_pairs && let Some(known) = pairs::logfmt(rest, &mut draft.fields) {
            draft.shape = Shape::Pairs;
            draft.shown = (known == Known::Part).then(|| Cow::Borrowed(rest.trim()));
            return;
        }
        if web::request(rest, &mut draft.fields) {
            draft.shape = Shape::Web;
            return;
        }
        draft.shape = Shape::Text;
        draft.fields.fill(Slot::Message, rest);
    }

    /// Reads the object that zap's console puts behind a message and a tab.
    fn object_behind<'l>(&mut self, text: &'l str, draft: &mut Draft<'l>) -> bool {
        /// A message may hold such signs, too.
        const MOST: usize = 4;
        for (at, _) in text.match_indices("\t{").take(MOST) {
            if self.json(&text[at + 1..], draft, 0) {
                draft.fields.set(Slot::Message, text[..at].trim());
                return true;
            }
        }
        false
    }

    fn event<'l>(&mut self, draft: &Draft<'l>, wanted: Wanted, event: &mut Event<'l>) {
        let fields = &draft.fields;
        let may_continue = draft.is_indented && draft.shape == Shape::Text;
        let level = match fields.borrowed(Slot::Level) {
            Some(word) => level_word(word, &mut self.levels),
            None => fields
                .get(Slot::Level)
                .and_then(|value| level(value, &mut self.levels)),
        };
        event.count = draft.repeats;
        event.level = level.or(draft.level);
        if wanted.time || may_continue {
            let time = match fields.borrowed(Slot::Time) {
                Some(text) => {
                    let time = self.universal.read(text.as_bytes());
                    time.or_else(|| self.context.value(text))
                }
                None => fields.get(Slot::Time).and_then(|value| self.time(&value)),
            };
            event.time = time.or(draft.time);
        }
        event.is_continuation = may_continue && event.time.is_none();
        if !wanted.is_more() || openclaw::apply(fields, &self.proxies, event) {
            return;
        }
        if wanted.who {
            event.user = fields.text(Slot::User);
            if event.user.is_none() {
                event.key = fields.text(Slot::Key);
            }
            event.ip = self.client(fields);
        }
        if wanted.texts {
            event.request_id = fields.text(Slot::RequestId);
            event.user_agent = fields.text(Slot::UserAgent);
        }
        if wanted.texts || wanted.who || wanted.meaning {
            // tslog counts the lines that it lost; others count anything under that name.
            if fields.has(Slot::Dropped)
                && fields.has(Slot::Meta)
                && let Some(dropped) = fields.get(Slot::Dropped).and_then(number)
            {
                event.dropped = u64::try_from(dropped).unwrap_or(0);
            }
            event.message = fields.text(Slot::Message);
            event.action = fields.text(Slot::Action);
            event.reason = fields.text(Slot::Reason);
            // Where fields say who it was, the words are read for their meaning only.
            if wanted.meaning || wanted.texts || !fields.is_structured || draft.is_sentence {
                self.judge(draft, event, wanted);
            }
        }
    }

    fn time(&self, value: &Value<'_>) -> Option<jiff::Timestamp> {
        match value {
            Value::Text(text) => self.context.value(text),
            Value::Number(digits) => self.context.value(digits),
            _ => None,
        }
    }

    fn client(&self, fields: &Fields<'_>) -> Option<IpAddr> {
        let peer = fields.text(Slot::Address).and_then(|text| address(&text));
        match fields.text(Slot::Forwarded) {
            Some(forwarded) => self.proxies.client(peer, Some(&forwarded)),
            None => peer,
        }
    }

    fn judge<'l>(&mut self, draft: &Draft<'l>, event: &mut Event<'l>, wanted: Wanted) {
        let fields = &draft.fields;
        if !wanted.who && (!fields.is_structured || draft.is_sentence) {
            event.user = fields.text(Slot::User);
            event.ip = self.client(fields);
        }
        let status = fields.get(Slot::Status).and_then(http_status);
        let sentence = self.sentence(draft, event);
        // A request line holds the client's own words, and so does what sshd says in other sentences than
        // those of logins: its banner, why it disconnects.
        let is_quoted = draft.is_of_sshd() && sentence.is_none();
        let is_request = is_quoted || draft.shape == Shape::Web && status.is_some();
        let said = if is_request {
            Said::default()
        } else {
            self.said(draft, event, status)
        };
        let kind = kind(status, said, sentence.is_some(), event.level);
        event.kind = Some(kind);
        event.outcome = match kind {
            Kind::RateLimit | Kind::Error => Some(Outcome::Failure),
            _ => stated_outcome(fields, &mut self.outcomes)
                .or(status.map(outcome_of_status))
                .or(sentence)
                .or(said.outcome()),
        };
        let is_refusal = event.outcome == Some(Outcome::Failure)
            && matches!(kind, Kind::Auth | Kind::Access | Kind::RateLimit);
        if is_refusal && !fields.is_structured && !is_quoted {
            self.last_resort(event);
        }
    }

    /// Applies a sentence of sshd or PAM; its outcome, if it was one.
    fn sentence<'l>(&self, draft: &Draft<'l>, event: &mut Event<'l>) -> Option<Outcome> {
        if event.user.is_some() && event.ip.is_some() {
            return None;
        }
        if !draft.is_sentence {
            return None;
        }
        let message = event.message.take()?;
        let found = text::sentence(&message).map(|found| {
            let own = |text: &str| Cow::Owned(text.to_owned());
            (
                found.user.map(own),
                found.ip,
                found.success,
                found.count,
                found.is_companion,
            )
        });
        event.message = Some(message);
        let (user, ip, success, count, is_companion) = found?;
        // An address inside the name of a user is part of the name.
        let ip = ip.filter(|ip| {
            let ip = ip.to_string();
            !event.user.as_deref().is_some_and(|user| user.contains(&ip))
        });
        event.user = event.user.take().or(user);
        event.ip = event.ip.or(ip);
        event.count = count.max(draft.repeats);
        // sshd has a process for each connection; others serve many with one.
        let program = draft.program.as_deref().filter(|program| is_sshd(program));
        if let (Some(program), Some(process)) = (program, &draft.process) {
            event.connection = Some(Connection {
                // Logs of many machines meet in one file.
                id: Cow::Owned(format!(
                    "{} {program}[{process}]",
                    draft.host.as_deref().unwrap_or_default()
                )),
                is_companion,
                more: event.count.saturating_sub(1),
            });
        }
        success.map(|success| {
            if success {
                Outcome::Success
            } else {
                Outcome::Failure
            }
        })
    }

    fn last_resort(&self, event: &mut Event<'_>) {
        let Some(message) = &event.message else {
            return;
        };
        // A sentence of sshd that somebody quotes says nothing of its own.
        if message.contains(" ssh2") {
            return;
        }
        let named = match &event.user {
            Some(user) => Some(&**user),
            None if event.kind == Some(Kind::Auth) => {
                text::named_user(message).or_else(|| text::refused_user(message))
            }
            None => text::named_user(message),
        };
        if event.ip.is_none() {
            event.ip = text::only_address(message, named);
        }
        if event.user.is_none() {
            event.user = named.map(|named| Cow::Owned(named.to_owned()));
        }
    }
}

impl Default for Draft<'_> {
    fn default() -> Self {
        Self {
            fields: Fields::default(),
            shape: Shape::Text,
            time: None,
            level: None,
            host: None,
            program: None,
            process: None,
            is_wrapped: false,
            is_indented: false,
            is_sentence: false,
            repeats: 1,
            shown: None,
        }
    }
}

impl Draft<'_> {
    /// Forgets the line before.
    #[inline]
    fn begin(&mut self, line: &str) {
        self.fields.clear();
        self.shape = Shape::Text;
        self.time = None;
        self.level = None;
        if self.host.is_some() || self.program.is_some() || self.process.is_some() {
            self.host = None;
            self.program = None;
            self.process = None;
        }
        self.is_wrapped = false;
        self.is_indented = matches!(line.as_bytes(), [b' ' | b'\t', ..]);
        self.is_sentence = false;
        self.repeats = 1;
        self.shown = None;
    }

    /// Whether sshd wrote it, which writes sentences only and quotes in them whatever anybody sends.
    fn is_of_sshd(&self) -> bool {
        self.program.as_deref().is_some_and(is_sshd)
    }

    /// Has a message read without its colours, and shown with them.
    #[inline]
    fn set_colours_aside(&mut self) {
        // What stands in a line as it is has none.
        if self.fields.has(Slot::Message) && self.fields.borrowed(Slot::Message).is_none() {
            self.set_escaped_aside();
        }
    }

    #[inline(never)]
    fn set_escaped_aside(&mut self) {
        if let Some(Value::Text(message)) = self.fields.get(Slot::Message)
            && let Some(plain) = without_colours(&message)
        {
            let message = message.into_owned();
            self.fields.set(Slot::Message, plain);
            self.shown = self.shown.take().or(Some(Cow::Owned(message)));
        }
    }
}

/// Whether the message may be a sentence that names user and address itself.
fn is_likely_sentence(fields: &Fields<'_>) -> bool {
    if fields.is_structured
        && let Some(message) = fields.borrowed(Slot::Message)
    {
        return text::begins_like_sentence(message);
    }
    match fields.get(Slot::Message) {
        // Most structured lines say who it was in fields: one look at the beginning is enough.
        Some(Value::Text(message)) if fields.is_structured => text::begins_like_sentence(&message),
        Some(Value::Text(message)) => text::may_be_sentence(&message),
        _ => false,
    }
}

/// `sshd`, `sshd-session` and `sshd-auth` of OpenSSH 9.8 and later.
fn is_sshd(program: &str) -> bool {
    program == "sshd" || program.starts_with("sshd-")
}

#[cfg(test)]
mod same;
#[cfg(test)]
mod tests;
