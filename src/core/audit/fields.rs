//! Which key of which logger means what: one table, and the values found for a line.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

/// What a key can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Slot {
    Time,
    Level,
    Action,
    User,
    Address,
    Forwarded,
    Outcome,
    Succeeded,
    StatusId,
    Status,
    UserAgent,
    RequestId,
    Message,
    Reason,
    Dropped,
    Subsystem,
    One,
    Two,
    Meta,
    Cause,
    AuthReason,
    RemoteAddr,
    ClientForwarded,
    ClientAgent,
    Wrapped,
    Stream,
    Host,
    Program,
    Process,
    Key,
    Verb,
}

/// How many slots there are.
pub(super) const SLOTS: usize = Slot::Verb as usize + 1;

/// Names of each slot, the first that has a value wins; dotted names match nested objects and
/// literal keys.
const ALIASES: &[(Slot, &str)] = &[
    (
        Slot::Time,
        "timestamp @timestamp time ts date datetime eventTime event_time created_at t.$date _meta.date asctime t rt syslogtime __REALTIME_TIMESTAMP TimeCreated requestReceivedTimestamp EdgeStartTimestamp @t Timestamp start_time",
    ),
    (
        Slot::Level,
        "level levelName levelname severity lvl log.level _meta.logLevelName s severityText PRIORITY level_name error_severity @l Level",
    ),
    (
        Slot::Action,
        "event event.action event_action event_type eventType type action eventName",
    ),
    (
        Slot::User,
        "user user.name userId user_id username user.username actor actor.id actor.email actor.user.name principal attr.principalName sub userIdentity.userName suser duser target_user data.username identifier TargetUserName attr.user meta.user email user_email fields.user fields.username fields.user_id context.user context.username context.user_id context.email Properties.UserName Properties.User Properties.UserId UserName protoPayload.authenticationInfo.principalEmail",
    ),
    (
        Slot::Address,
        "ip ipAddress ip_address clientIp client_ip ClientHost request.client_ip request.remote_ip remoteAddress remoteAddr remote_ip remote_addr sourceIPAddress source.ip src_endpoint.ip src addr.remote req.remoteAddress meta.remote_ip visitor_ip attr.remote rhost srcip request.remote_address IpAddress remotehost client.ip client.address SourceIp peer_ip ClientIP downstream_remote_address fields.ip fields.client_ip fields.remote_addr fields.remote_ip context.ip context.client_ip extra.ip Properties.ClientIp Properties.IpAddress Properties.RemoteIpAddress httpRequest.remoteIp protoPayload.requestMetadata.callerIp remote_host sourceIPs ClientIp RemoteIpAddress SRC",
    ),
    (
        Slot::Forwarded,
        "forwardedFor xff x-forwarded-for X-Forwarded-For x_forwarded_for req.headers.x-forwarded-for headers.x-forwarded-for request.headers.X-Forwarded-For request.headers.x-forwarded-for req.headers.X-Forwarded-For req.headers.xff req.headers.forwardedFor req.headers.x_forwarded_for",
    ),
    (Slot::Outcome, "outcome event.outcome result"),
    (Slot::Succeeded, "success allowed"),
    (Slot::StatusId, "status_id"),
    (
        Slot::Status,
        "status statusCode status_code res.statusCode response.status response.statusCode http.response.status_code http.status_code httpStatus DownstreamStatus code responseStatus.code api.statusCode response_code EdgeResponseStatus httpRequest.status fields.status Properties.StatusCode StatusCode",
    ),
    (
        Slot::UserAgent,
        "user_agent userAgent user_agent.original ua http_user_agent req.headers.user-agent headers.user-agent request.headers.User-Agent requestClientApplication ClientRequestUserAgent httpRequest.userAgent Properties.UserAgent",
    ),
    (
        Slot::RequestId,
        "requestId request_id reqId req_id req.id correlation_id correlationId traceId trace_id conn RayID auditID x_request_id",
    ),
    (
        Slot::Message,
        "message msg MESSAGE short_message text event.message body attr.message Message fields.message @m RenderedMessage MessageTemplate @mt textPayload jsonPayload.message",
    ),
    (
        Slot::Reason,
        "reason error error.message err.message err.msg cause failure_reason failureReason attr.error errorMessage errorCode err fields.error context.error context.reason",
    ),
    (Slot::Dropped, "dropped"),
    (Slot::Subsystem, "0"),
    (Slot::One, "1"),
    (Slot::Two, "2"),
    (Slot::Meta, "_meta"),
    (Slot::Cause, "1.cause 2.cause 0.cause"),
    (Slot::AuthReason, "1.authReason 2.authReason 0.authReason"),
    (Slot::RemoteAddr, "1.remoteAddr 2.remoteAddr 0.remoteAddr"),
    (
        Slot::ClientForwarded,
        "1.forwardedFor 2.forwardedFor 0.forwardedFor",
    ),
    (Slot::ClientAgent, "1.userAgent 2.userAgent 0.userAgent"),
    (Slot::Wrapped, "log"),
    (Slot::Stream, "stream"),
    // What the journal knows of the writer.
    (Slot::Host, "_HOSTNAME"),
    (Slot::Program, "SYSLOG_IDENTIFIER _COMM _SYSTEMD_UNIT"),
    (Slot::Process, "_PID SYSLOG_PID"),
    // What a key is called, never the key itself.
    (
        Slot::Key,
        "key_id keyId api_key_id apiKeyId key_name keyName api_key_name apiKeyName key_fingerprint keyFingerprint",
    ),
    // What is done, where `event` only says that something was.
    (Slot::Verb, "action"),
];

/// A set of slots, one bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slots(u32);

impl Slots {
    /// Every slot.
    pub const ALL: Self = Self(u32::MAX);
    /// Those in which a list of texts says something.
    pub const LISTS: Self = Self::of(&[Slot::Address, Slot::Forwarded]);

    /// These slots.
    pub const fn of(slots: &[Slot]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < slots.len() {
            bits |= 1 << slots[at] as u32;
            at += 1;
        }
        Self(bits)
    }

    /// These and those.
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether both have one in common.
    pub const fn meet(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

/// What a path of keys means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Role {
    /// The slot, and its rank there; most keys have one, some two.
    pub places: [Option<(Slot, u8)>; 2],
    /// Whether an object under this key is looked into.
    pub is_container: bool,
    /// The container's own bit; zero for all other keys.
    pub container: u64,
    /// The slots of `places`.
    pub slots: Slots,
    /// Whether a list of numbers under this key is a text, byte by byte.
    pub may_be_bytes: bool,
}

/// The journal's name of a text, which it writes as a list of bytes where it holds more than text: colours
/// are enough.
const BYTES: &str = "MESSAGE";

impl Role {
    /// What the key of this path means.
    pub fn of(path: &str) -> Self {
        roles().get(path).copied().unwrap_or_default()
    }
}

fn roles() -> &'static HashMap<&'static str, Role> {
    static ROLES: OnceLock<HashMap<&'static str, Role>> = OnceLock::new();
    ROLES.get_or_init(|| {
        let mut roles: HashMap<&'static str, Role> = HashMap::new();
        let mut containers = 0;
        for (slot, names) in ALIASES {
            for (rank, name) in (0u8..).zip(names.split(' ')) {
                let role = roles.entry(name).or_default();
                let free = usize::from(role.places[0].is_some());
                role.places[free] = Some((*slot, rank));
                role.slots = role.slots.and(Slots::of(&[*slot]));
                role.may_be_bytes |= name == BYTES;
                for (dot, _) in name.match_indices('.') {
                    let container = roles.entry(&name[..dot]).or_default();
                    if !container.is_container {
                        container.is_container = true;
                        container.container = 1 << containers;
                        containers += 1;
                    }
                }
            }
        }
        roles
    })
}

/// A value as a logger wrote it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'l> {
    /// A text.
    Text(Cow<'l, str>),
    /// A number, in its digits.
    Number(&'l str),
    /// True or false.
    Bool(bool),
    /// An object or a list.
    Nested,
    /// Nothing.
    Null,
}

#[inline(always)]
fn meaningful(text: &str) -> bool {
    // Nearly all texts begin like this, and none of them is nothing.
    let first = text.as_bytes().first();
    first.is_some_and(|first| SAYS_SOMETHING[usize::from(*first)]) || is_more_than_nothing(text)
}

/// Which byte at the beginning tells that a text is more than nothing.
const SAYS_SOMETHING: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        table[byte as usize] = !matches!(byte, b'-' | b'n');
        byte += 1;
    }
    table
};

#[inline(never)]
fn is_more_than_nothing(text: &str) -> bool {
    let text = text.trim();
    !(text.bytes().all(|byte| byte == b'-') || text == "null")
}

/// Texts that are made before those that nothing points to any more are dropped: a line may give one
/// name a million times.
const MOST_MADE: usize = 4 * SLOTS;

/// The values of one line, by slot.
#[derive(Debug, Clone)]
pub struct Fields<'l> {
    found: [Place<'l>; SLOTS],
    /// The slots that hold something; what stands at the others' places is old.
    filled: u32,
    /// Texts that do not stand in the line as they are.
    made: Vec<String>,
    /// Whether the line had fields of its own, so that its text is not searched for an address.
    pub is_structured: bool,
    /// Whether a name came twice, or may have: what stood under the first one may still be here.
    pub may_be_doubled: bool,
}

/// What was found for a slot, and the rank of the name it stood under.
#[derive(Debug, Clone, Copy)]
struct Place<'l> {
    rank: u8,
    what: What<'l>,
}

#[derive(Debug, Clone, Copy)]
enum What<'l> {
    Text(&'l str),
    /// The text at this place among those that were made.
    Made(u32),
    Number(&'l str),
    Bool(bool),
    Nested,
}

impl Default for Fields<'_> {
    fn default() -> Self {
        const EMPTY: Place<'static> = Place {
            rank: 0,
            what: What::Nested,
        };
        Self {
            found: [EMPTY; SLOTS],
            filled: 0,
            made: Vec::new(),
            is_structured: false,
            may_be_doubled: false,
        }
    }
}

impl<'l> Fields<'l> {
    /// Forgets everything, so that the next line can be read.
    #[inline]
    pub fn clear(&mut self) {
        self.filled = 0;
        if !self.made.is_empty() {
            self.made.clear();
        }
        self.is_structured = false;
        self.may_be_doubled = false;
    }

    /// Notes a value under a path of keys.
    pub fn note(&mut self, role: &Role, value: Value<'l>) {
        let (what, says_something) = match value {
            Value::Text(Cow::Borrowed(text)) => return self.note_borrowed(role, text),
            Value::Text(Cow::Owned(text)) => {
                let says_something = meaningful(&text);
                (self.make(text), says_something)
            }
            Value::Number(digits) => return self.note_digits(role, digits),
            Value::Bool(flag) => (What::Bool(flag), true),
            Value::Null => (What::Nested, false),
            Value::Nested => {
                // An object is a marker for one slot and no value for all others.
                let is_there = |(slot, rank): &(Slot, u8)| self.rank(*slot) == Some(*rank);
                self.may_be_doubled |= role.places.iter().flatten().any(is_there);
                if role.slots.meet(Slots::of(&[Slot::Meta])) {
                    self.put(Slot::Meta, 0, What::Nested, true);
                }
                return;
            }
        };
        for (slot, rank) in role.places.iter().flatten() {
            self.put(*slot, *rank, what, says_something);
        }
    }

    /// Notes a number.
    #[inline]
    pub fn note_digits(&mut self, role: &Role, digits: &'l str) {
        let [first, second] = role.places;
        if let Some((slot, rank)) = first {
            self.put(slot, rank, What::Number(digits), true);
        }
        if let Some((slot, rank)) = second {
            self.put(slot, rank, What::Number(digits), true);
        }
    }

    /// Notes a text that stands in the line.
    #[inline]
    pub fn note_borrowed(&mut self, role: &Role, text: &'l str) {
        let says_something = meaningful(text);
        let [first, second] = role.places;
        if let Some((slot, rank)) = first {
            self.put(slot, rank, What::Text(text), says_something);
        }
        if let Some((slot, rank)) = second {
            self.put(slot, rank, What::Text(text), says_something);
        }
    }

    #[inline]
    fn put(&mut self, slot: Slot, rank: u8, what: What<'l>, says_something: bool) {
        let bit = 1 << slot as u32;
        let place = &mut self.found[slot as usize];
        if self.filled & bit != 0 {
            if place.rank < rank {
                return;
            }
            self.may_be_doubled |= place.rank == rank;
        }
        if says_something {
            *place = Place { rank, what };
            self.filled |= bit;
        } else if place.rank == rank {
            // Of two equal keys the last one wins, as with JSON.parse.
            self.filled &= !bit;
        }
    }

    /// Notes a text under a key, as logfmt and CEF do.
    pub fn note_text(&mut self, key: &str, text: Cow<'l, str>) {
        self.note(&Role::of(key), Value::Text(text));
    }

    fn make(&mut self, text: String) -> What<'l> {
        if self.made.len() >= MOST_MADE {
            self.drop_unused();
        }
        // Below the bound, and those of a wrapper.
        let place = self.made.len() as u32;
        self.made.push(text);
        What::Made(place)
    }

    #[cold]
    fn drop_unused(&mut self) {
        let mut made = std::mem::take(&mut self.made);
        let mut moved = vec![None; made.len()];
        for (at, place) in self.found.iter_mut().enumerate() {
            if self.filled & (1 << at) != 0
                && let What::Made(old) = &mut place.what
            {
                let from = *old as usize;
                // Two slots may share one.
                *old = *moved[from].get_or_insert_with(|| {
                    self.made.push(std::mem::take(&mut made[from]));
                    // There are no more than slots.
                    self.made.len() as u32 - 1
                });
            }
        }
    }

    /// Sets a slot, whatever stood there.
    pub fn set(&mut self, slot: Slot, text: impl Into<Cow<'l, str>>) {
        let text = text.into();
        if !meaningful(&text) {
            return;
        }
        let what = match text {
            Cow::Borrowed(text) => What::Text(text),
            Cow::Owned(text) => self.make(text),
        };
        self.put(slot, 0, what, true);
    }

    /// Sets a slot that is empty.
    pub fn fill(&mut self, slot: Slot, text: impl Into<Cow<'l, str>>) {
        if !self.has(slot) {
            self.set(slot, text);
        }
    }

    /// The text of a slot, where it stands in the line as it is.
    #[inline]
    pub fn borrowed(&self, slot: Slot) -> Option<&'l str> {
        match self.found[slot as usize].what {
            What::Text(text) if self.has(slot) => Some(text),
            _ => None,
        }
    }

    /// The value of a slot; a text says something.
    pub fn get(&self, slot: Slot) -> Option<Value<'_>> {
        self.at(slot as usize).map(|(_, value)| value)
    }

    /// Rank and value at a slot's place.
    pub fn at(&self, place: usize) -> Option<(u8, Value<'_>)> {
        if self.filled & (1 << place) == 0 {
            return None;
        }
        let Place { rank, what } = self.found[place];
        let value = match what {
            What::Text(text) => Value::Text(Cow::Borrowed(text)),
            What::Made(made) => Value::Text(Cow::Borrowed(&self.made[made as usize])),
            What::Number(digits) => Value::Number(digits),
            What::Bool(flag) => Value::Bool(flag),
            What::Nested => Value::Nested,
        };
        Some((rank, value))
    }

    /// The text or digits of a slot.
    #[inline(always)]
    pub fn text(&self, slot: Slot) -> Option<Cow<'l, str>> {
        if !self.has(slot) {
            return None;
        }
        match self.found[slot as usize].what {
            What::Text(text) | What::Number(text) => Some(Cow::Borrowed(text)),
            What::Made(made) => Some(Cow::Owned(self.made(made))),
            What::Bool(_) | What::Nested => None,
        }
    }

    #[inline(never)]
    fn made(&self, made: u32) -> String {
        self.made[made as usize].clone()
    }

    /// The rank of the name that a slot's value stood under.
    pub fn rank(&self, slot: Slot) -> Option<u8> {
        self.has(slot).then(|| self.found[slot as usize].rank)
    }

    /// Whether a slot's value stood under this name.
    pub fn is_under(&self, slot: Slot, name: &str) -> bool {
        let rank = self.rank(slot);
        let role = Role::of(name);
        let mut places = role.places.iter().flatten();
        places.any(|(named, at)| *named == slot && rank == Some(*at))
    }

    /// Takes over what is missing here.
    pub fn fill_from(&mut self, mut other: Self) {
        let moved = self.made.len() as u32;
        self.made.append(&mut other.made);
        let taken = other.filled & !self.filled;
        self.filled |= taken;
        for (at, (place, found)) in self.found.iter_mut().zip(other.found).enumerate() {
            if taken & (1 << at) != 0 {
                *place = found;
                if let What::Made(made) = &mut place.what {
                    *made += moved;
                }
            }
        }
    }

    /// Whether a slot has a value.
    #[inline]
    pub fn has(&self, slot: Slot) -> bool {
        self.filled & (1 << slot as u32) != 0
    }

    /// Whether one of these slots has a value.
    #[inline]
    pub fn has_any(&self, slots: Slots) -> bool {
        self.filled & slots.0 != 0
    }

    /// The same values, free of the line.
    pub fn into_owned(self) -> Fields<'static> {
        let mut own = Fields {
            filled: self.filled,
            is_structured: self.is_structured,
            made: self.made,
            ..Fields::default()
        };
        for (at, (place, found)) in own.found.iter_mut().zip(self.found).enumerate() {
            if self.filled & (1 << at) == 0 {
                continue;
            }
            let what = match found.what {
                What::Text(text) | What::Number(text) => {
                    own.made.push(text.to_owned());
                    What::Made(own.made.len() as u32 - 1)
                }
                What::Made(made) => What::Made(made),
                What::Bool(flag) => What::Bool(flag),
                What::Nested => What::Nested,
            };
            *place = Place {
                rank: found.rank,
                what,
            };
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_a_million_times_takes_the_memory_of_one() {
        let mut fields = Fields::default();
        let own = |number: usize| Cow::Owned(format!("text {number}"));
        // It stands in two slots.
        fields.note_text("action", own(7));
        fields.note_text("user", own(0));
        for number in 0..1_000_000 {
            fields.note_text("ip", own(number));
            fields.note_text("username", own(number));
            assert!(fields.made.len() <= MOST_MADE);
        }
        for (slot, expected) in [
            (Slot::Action, "text 7"),
            (Slot::Verb, "text 7"),
            (Slot::User, "text 0"),
            (Slot::Address, "text 999999"),
        ] {
            assert_eq!(fields.text(slot).as_deref(), Some(expected));
        }
    }
}
