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
    Count,
    Subsystem,
    One,
    Two,
    Meta,
    Connection,
    Cause,
    AuthReason,
    RemoteAddr,
    ClientForwarded,
    ClientAgent,
    Wrapped,
    Stream,
    Process,
}

/// How many slots there are.
pub(super) const SLOTS: usize = Slot::Process as usize + 1;

/// Names of each slot, the first that has a value wins; dotted names match nested objects and
/// literal keys.
const ALIASES: &[(Slot, &str)] = &[
    (
        Slot::Time,
        "timestamp @timestamp time ts date datetime eventTime event_time created_at t.$date _meta.date asctime t rt syslogtime __REALTIME_TIMESTAMP",
    ),
    (
        Slot::Level,
        "level levelName levelname severity lvl log.level _meta.logLevelName s severityText PRIORITY",
    ),
    (
        Slot::Action,
        "event event.action event_type eventType type action eventName",
    ),
    (
        Slot::User,
        "user user.name userId user_id username user.username actor actor.id actor.email actor.user.name principal attr.principalName sub userIdentity.userName suser duser target_user data.username identifier",
    ),
    (
        Slot::Address,
        "ip ipAddress ip_address clientIp client_ip ClientHost request.client_ip request.remote_ip remoteAddress remoteAddr remote_ip remote_addr sourceIPAddress source.ip src_endpoint.ip src addr.remote req.remoteAddress meta.remote_ip visitor_ip attr.remote rhost",
    ),
    (
        Slot::Forwarded,
        "forwardedFor xff x-forwarded-for X-Forwarded-For x_forwarded_for req.headers.x-forwarded-for headers.x-forwarded-for request.headers.X-Forwarded-For request.headers.x-forwarded-for req.headers.X-Forwarded-For",
    ),
    (Slot::Outcome, "outcome event.outcome result"),
    (Slot::Succeeded, "success"),
    (Slot::StatusId, "status_id"),
    (
        Slot::Status,
        "status statusCode status_code res.statusCode response.status response.statusCode http.response.status_code http.status_code httpStatus DownstreamStatus code",
    ),
    (
        Slot::UserAgent,
        "user_agent userAgent user_agent.original ua http_user_agent req.headers.user-agent headers.user-agent request.headers.User-Agent requestClientApplication",
    ),
    (
        Slot::RequestId,
        "requestId request_id reqId req_id req.id correlation_id correlationId traceId trace_id conn",
    ),
    (
        Slot::Message,
        "message msg MESSAGE short_message text event.message body attr.message",
    ),
    (
        Slot::Reason,
        "reason error error.message err.message err.msg cause failure_reason failureReason attr.error errorMessage errorCode err",
    ),
    (Slot::Dropped, "dropped"),
    (Slot::Count, "repeat_count"),
    (Slot::Subsystem, "0"),
    (Slot::One, "1"),
    (Slot::Two, "2"),
    (Slot::Meta, "_meta"),
    (Slot::Connection, "conn"),
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
    (Slot::Process, "_SYSTEMD_UNIT SYSLOG_IDENTIFIER"),
];

/// What a path of keys means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Role {
    /// The slot, and its rank there; most keys have one, some two.
    pub places: [Option<(Slot, u8)>; 2],
    /// Whether an object under this key is looked into.
    pub is_container: bool,
}

impl Role {
    /// What the key of this path means.
    pub fn of(path: &str) -> Self {
        roles().get(path).copied().unwrap_or_default()
    }

    /// Whether nobody cares.
    pub fn is_idle(&self) -> bool {
        self.places[0].is_none() && !self.is_container
    }
}

fn roles() -> &'static HashMap<&'static str, Role> {
    static ROLES: OnceLock<HashMap<&'static str, Role>> = OnceLock::new();
    ROLES.get_or_init(|| {
        let mut roles: HashMap<&'static str, Role> = HashMap::new();
        for (slot, names) in ALIASES {
            for (rank, name) in (0u8..).zip(names.split(' ')) {
                let role = roles.entry(name).or_default();
                let free = usize::from(role.places[0].is_some());
                role.places[free] = Some((*slot, rank));
                for (dot, _) in name.match_indices('.') {
                    roles.entry(&name[..dot]).or_default().is_container = true;
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

impl<'l> Value<'l> {
    /// The text or the digits, if it is one of both.
    pub fn text(&self) -> Option<Cow<'l, str>> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(digits) => Some(Cow::Borrowed(digits)),
            Self::Bool(_) | Self::Nested | Self::Null => None,
        }
    }

    fn says_something(&self) -> bool {
        match self {
            Self::Text(text) => meaningful(text),
            Self::Null => false,
            Self::Number(_) | Self::Bool(_) | Self::Nested => true,
        }
    }
}

fn meaningful(text: &str) -> bool {
    // Nearly all texts begin like this, and none of them is nothing.
    if text
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_graphic() && !matches!(first, b'-' | b'n'))
    {
        return true;
    }
    let text = text.trim();
    !(text.is_empty() || text == "-" || text == "null")
}

/// The values of one line, by slot.
#[derive(Debug, Clone)]
pub struct Fields<'l> {
    found: [Option<(u8, Value<'l>)>; SLOTS],
    /// Whether the line had fields of its own, so that its text is not searched for an address.
    pub is_structured: bool,
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self {
            found: [const { None }; SLOTS],
            is_structured: false,
        }
    }
}

impl<'l> Fields<'l> {
    /// Notes a value under a path of keys.
    pub fn note(&mut self, role: &Role, value: Value<'l>) {
        let [first, second] = role.places;
        match (first, second) {
            (Some(first), Some(second)) => {
                self.put(first, value.clone());
                self.put(second, value);
            }
            (Some(first), None) => self.put(first, value),
            (None, _) => {}
        }
    }

    /// Notes a text under a key, as logfmt and CEF do.
    pub fn note_text(&mut self, key: &str, text: Cow<'l, str>) {
        self.note(&Role::of(key), Value::Text(text));
    }

    fn put(&mut self, (slot, rank): (Slot, u8), value: Value<'l>) {
        let place = &mut self.found[slot as usize];
        // An object is a marker for some slots and no value for all others.
        if value == Value::Nested && slot != Slot::Meta {
            return;
        }
        match place {
            Some((best, _)) if *best < rank => {}
            // Of two equal keys the last one wins, as with JSON.parse.
            Some((best, _)) if *best == rank && !value.says_something() => *place = None,
            _ if value.says_something() => *place = Some((rank, value)),
            _ => {}
        }
    }

    /// Sets a slot, whatever stood there.
    pub fn set(&mut self, slot: Slot, text: impl Into<Cow<'l, str>>) {
        let text = text.into();
        if meaningful(&text) {
            self.found[slot as usize] = Some((0, Value::Text(text)));
        }
    }

    /// Sets a slot that is empty.
    pub fn fill(&mut self, slot: Slot, text: impl Into<Cow<'l, str>>) {
        if self.found[slot as usize].is_none() {
            self.set(slot, text);
        }
    }

    /// The value of a slot.
    pub fn get(&self, slot: Slot) -> Option<&Value<'l>> {
        self.found[slot as usize].as_ref().map(|(_, value)| value)
    }

    /// The text or digits of a slot.
    pub fn text(&self, slot: Slot) -> Option<Cow<'l, str>> {
        self.get(slot)?.text()
    }

    /// The rank of the name that a slot's value stood under.
    pub fn rank(&self, slot: Slot) -> Option<u8> {
        self.found[slot as usize].as_ref().map(|(rank, _)| *rank)
    }

    /// Rank and value at a slot's place.
    #[cfg(test)]
    pub fn at(&self, place: usize) -> Option<&(u8, Value<'l>)> {
        self.found[place].as_ref()
    }

    /// Takes over what is missing here.
    pub fn fill_from(&mut self, other: Self) {
        for (place, found) in self.found.iter_mut().zip(other.found) {
            if place.is_none() {
                *place = found;
            }
        }
    }

    /// Whether a slot has a value.
    pub fn has(&self, slot: Slot) -> bool {
        self.found[slot as usize].is_some()
    }

    /// The same values, free of the line.
    pub fn into_owned(self) -> Fields<'static> {
        Fields {
            found: self.found.map(|place| {
                place.map(|(rank, value)| {
                    let value = match value {
                        Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
                        Value::Number(digits) => Value::Text(Cow::Owned(digits.to_owned())),
                        Value::Bool(flag) => Value::Bool(flag),
                        Value::Nested => Value::Nested,
                        Value::Null => Value::Null,
                    };
                    (rank, value)
                })
            }),
            is_structured: self.is_structured,
        }
    }
}
