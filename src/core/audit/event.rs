//! What is known about one line of a log.

use std::borrow::Cow;
use std::net::IpAddr;

use jiff::Timestamp;

/// What an event is about, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Somebody proves, or fails to prove, who they are.
    Auth,
    /// A limiter said no.
    RateLimit,
    /// Something was asked for and given or refused.
    Access,
    /// Something broke.
    Error,
    /// Everything else.
    Other,
}

impl Kind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Auth,
        Self::RateLimit,
        Self::Access,
        Self::Error,
        Self::Other,
    ];

    /// The word in JSON and for `--kind`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::RateLimit => "rate-limit",
            Self::Access => "access",
            Self::Error => "error",
            Self::Other => "other",
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// As asked for.
    Success,
    /// Refused or broken.
    Failure,
}

impl Outcome {
    /// The word in JSON and for `--outcome`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// How loud a line is, from quiet to loud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Every step.
    Trace,
    /// For developers.
    Debug,
    /// News; syslog's notice too.
    Info,
    /// May become trouble.
    Warn,
    /// Something failed.
    Error,
    /// Nothing works; syslog's critical, alert and emergency too.
    Fatal,
}

impl Level {
    /// All of them, from quiet to loud.
    pub const ALL: [Self; 6] = [
        Self::Trace,
        Self::Debug,
        Self::Info,
        Self::Warn,
        Self::Error,
        Self::Fatal,
    ];

    /// The word in JSON and for `--level`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// A word or a letter of some logger.
    pub fn from_word(word: &str) -> Option<Self> {
        let mut lower = [0; 12];
        let lower = lower.get_mut(..word.len())?;
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        Some(match &*lower {
            b"t" | b"trc" | b"trace" | b"silly" | b"finest" | b"finer" | b"verbose" => Self::Trace,
            b"d" | b"dbg" | b"debug" | b"fine" => Self::Debug,
            b"i" | b"inf" | b"info" | b"information" | b"notice" | b"informational" | b"log" => {
                Self::Info
            }
            b"w" | b"wrn" | b"warn" | b"warning" => Self::Warn,
            b"e" | b"err" | b"error" | b"severe" => Self::Error,
            b"f" | b"ftl" | b"fatal" | b"crit" | b"critical" | b"c" | b"alert" | b"emerg"
            | b"emergency" | b"panic" => Self::Fatal,
            _ => return None,
        })
    }

    /// A number of pino and bunyan, 10 to 60, of Monolog, 100 to 600, or of syslog; winston's are words.
    pub fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            10..=19 => Self::Trace,
            20..=29 => Self::Debug,
            30..=39 => Self::Info,
            40..=49 => Self::Warn,
            50..=59 => Self::Error,
            60..=69 => Self::Fatal,
            100 => Self::Debug,
            200 | 250 => Self::Info,
            300 => Self::Warn,
            400 => Self::Error,
            500 | 550 | 600 => Self::Fatal,
            0..=7 => return Some(Self::from_syslog(number as u8)),
            _ => return None,
        })
    }

    /// A severity of RFC 5424 §6.2.1, 0 to 7.
    pub fn from_syslog(severity: u8) -> Self {
        match severity {
            0..=2 => Self::Fatal,
            3 => Self::Error,
            4 => Self::Warn,
            5 | 6 => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// One line, understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event<'l> {
    /// When it happened.
    pub time: Option<Timestamp>,
    /// What it is about.
    pub kind: Option<Kind>,
    /// The writer's own name for it.
    pub action: Option<Cow<'l, str>>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// How loud it is.
    pub level: Option<Level>,
    /// Who.
    pub user: Option<Cow<'l, str>>,
    /// What the key is called that was used, where no user is named.
    pub key: Option<Cow<'l, str>>,
    /// From where; never a trusted proxy where a client is named.
    pub ip: Option<IpAddr>,
    /// With what.
    pub user_agent: Option<Cow<'l, str>>,
    /// The request's or connection's own id.
    pub request_id: Option<Cow<'l, str>>,
    /// The text for people.
    pub message: Option<Cow<'l, str>>,
    /// Why it failed, and other telling fields.
    pub reason: Option<Cow<'l, str>>,
    /// Attempts this line stands for.
    pub count: u64,
    /// Lines the writer says it lost.
    pub dropped: u64,
    /// The connection whose lines are one attempt.
    pub connection: Option<Connection<'l>>,
    /// A frame of a stack or another line that belongs to the one before it.
    pub is_continuation: bool,
}

/// The connection an attempt came over, as the server numbers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection<'l> {
    /// The server's own id; never one that a client chooses.
    pub id: Cow<'l, str>,
    /// Whether this line only accompanies the attempt, rather than being one.
    pub is_companion: bool,
    /// Attempts beyond the one that the connection stands for.
    pub more: u64,
}

impl Event<'_> {
    /// The kind, `other` where nothing else is known.
    pub fn kind(&self) -> Kind {
        self.kind.unwrap_or(Kind::Other)
    }

    /// The same event, free of the line it was read from.
    pub fn into_owned(self) -> Event<'static> {
        let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Event {
            time: self.time,
            kind: self.kind,
            action: own(self.action),
            outcome: self.outcome,
            level: self.level,
            user: own(self.user),
            key: own(self.key),
            ip: self.ip,
            user_agent: own(self.user_agent),
            request_id: own(self.request_id),
            message: own(self.message),
            reason: own(self.reason),
            count: self.count,
            dropped: self.dropped,
            connection: self.connection.map(|connection| Connection {
                id: Cow::Owned(connection.id.into_owned()),
                is_companion: connection.is_companion,
                more: connection.more,
            }),
            is_continuation: self.is_continuation,
        }
    }
}
