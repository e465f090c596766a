//! OpenClaw's own log: the few messages that mean something, matched from their beginning on.

use std::borrow::Cow;

use super::address::{TrustedProxies, address};
use super::event::{Connection, Event, Kind, Level, Outcome};
use super::fields::{Fields, Slot, Value};

/// Reads a line of OpenClaw's gateway (tslog: keys `"0"`, `"1"`, `"2"` and `_meta`). Whatever is
/// not listed here is `other`, also where it mentions authentication.
pub fn apply<'l>(fields: &Fields<'l>, proxies: &TrustedProxies, event: &mut Event<'l>) -> bool {
    let is_openclaw = fields.has(Slot::Meta)
        && [Slot::Subsystem, Slot::One, Slot::Two, Slot::Message]
            .iter()
            .any(|slot| fields.has(*slot));
    if !is_openclaw {
        return false;
    }
    let text = [Slot::Message, Slot::Two, Slot::One, Slot::Subsystem]
        .iter()
        .find_map(|slot| fields.text(*slot))
        .unwrap_or_default();
    let (text, suppressed) = without_suppressed(text);
    event.kind = Some(Kind::Other);
    event.outcome = None;
    if let Some(Value::Number(dropped)) = fields.get(Slot::Dropped) {
        event.dropped = dropped.parse().unwrap_or(0);
    }
    let message = without_subsystem(&text);
    match meaning(message) {
        Some(meaning) => {
            // What a client calls itself is no field of ours.
            event.user = None;
            event.ip = None;
            event.request_id = None;
            meaning.tell(message, fields, proxies, event);
            if let Some(connection) = &mut event.connection {
                connection.more = suppressed;
            }
            event.count += suppressed;
        }
        None if event.level >= Some(Level::Error) => {
            event.kind = Some(Kind::Error);
            event.outcome = Some(Outcome::Failure);
        }
        None => {}
    }
    event.message = Some(Cow::Owned(text.into_owned()));
    true
}

/// Some writers put `{"subsystem":…}` or `[ws]` before the text.
fn without_subsystem(text: &str) -> &str {
    let text = text.trim_start();
    match text
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "))
    {
        Some((name, rest)) if name.len() < 40 && !name.contains(' ') => rest,
        _ => text,
    }
}

/// ` suppressed=N` at the end: N more that were not written.
fn without_suppressed(text: Cow<'_, str>) -> (Cow<'_, str>, u64) {
    let Some((_, number)) = text.rsplit_once(" suppressed=") else {
        return (text, 0);
    };
    let number = number
        .trim_end()
        .parse()
        .ok()
        .filter(|number| *number <= 1_000_000);
    match number {
        Some(number) => (text, number),
        None => (text, 0),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Unauthorized,
    ClosedBeforeConnect,
    InvalidHandshake,
    UserConnected,
    WebchatConnected,
    WriteLimited,
    HookThrottled,
    Unattributable,
}

fn meaning(message: &str) -> Option<Meaning> {
    const BEGINNINGS: [(&str, Meaning); 8] = [
        ("unauthorized conn=", Meaning::Unauthorized),
        ("closed before connect conn=", Meaning::ClosedBeforeConnect),
        ("invalid handshake conn=", Meaning::InvalidHandshake),
        ("authenticated user connected conn=", Meaning::UserConnected),
        ("webchat connected conn=", Meaning::WebchatConnected),
        ("control-plane write rate-limited", Meaning::WriteLimited),
        ("hook auth throttled for ", Meaning::HookThrottled),
        (
            "observed unattributable proxy-shaped traffic from ",
            Meaning::Unattributable,
        ),
    ];
    BEGINNINGS
        .iter()
        .find(|(beginning, _)| message.starts_with(beginning))
        .map(|(_, meaning)| *meaning)
}

impl Meaning {
    fn tell<'l>(
        self,
        message: &str,
        fields: &Fields<'l>,
        proxies: &TrustedProxies,
        event: &mut Event<'l>,
    ) {
        let own = |text: &str| Some(Cow::Owned(text.to_owned()));
        let (kind, outcome) = match self {
            Self::Unauthorized => (Kind::Auth, Some(Outcome::Failure)),
            Self::ClosedBeforeConnect => closed(fields),
            Self::InvalidHandshake => (Kind::Access, Some(Outcome::Failure)),
            Self::UserConnected | Self::WebchatConnected => (Kind::Auth, Some(Outcome::Success)),
            Self::WriteLimited | Self::HookThrottled => (Kind::RateLimit, Some(Outcome::Failure)),
            Self::Unattributable => (Kind::Access, None),
        };
        event.kind = Some(kind);
        event.outcome = outcome;
        let connection = message
            .split_once(" conn=")
            .map(|(_, rest)| word(rest))
            .filter(|connection| !connection.is_empty());
        match self {
            Self::HookThrottled => event.ip = leading_address(message, "hook auth throttled for "),
            Self::Unattributable => {
                event.ip = leading_address(
                    message,
                    "observed unattributable proxy-shaped traffic from ",
                );
            }
            Self::WriteLimited => {
                event.user = message
                    .split_once(" actor=")
                    .and_then(|(_, rest)| own(word(rest)));
                // The actor is named by the client: the address is what stands last.
                event.ip = message
                    .rsplit_once(" ip=")
                    .and_then(|(_, rest)| address(word(rest)));
            }
            Self::UserConnected => {
                event.user = message
                    .split_once(" user=")
                    .and_then(|(_, rest)| own(word(rest)));
                event.ip = remote_after_connection(message);
            }
            _ => event.ip = remote_after_connection(message),
        }
        if self == Self::ClosedBeforeConnect {
            let peer = fields
                .text(Slot::RemoteAddr)
                .and_then(|peer| address(&peer))
                .or(event.ip);
            event.ip = proxies.client(peer, fields.text(Slot::ClientForwarded).as_deref());
            event.user_agent = fields.text(Slot::ClientAgent);
        }
        event.reason = fields
            .text(Slot::AuthReason)
            .or_else(|| fields.text(Slot::Cause))
            .or_else(|| trailing_reason(message).and_then(own));
        if is_rate_limited(event.reason.as_deref()) {
            event.kind = Some(Kind::RateLimit);
            event.outcome = Some(Outcome::Failure);
        }
        let Some(connection) = connection else {
            return;
        };
        event.request_id = own(connection);
        // One handshake has several lines; a connection that stands writes and is refused often.
        if self != Self::WriteLimited {
            event.connection = Some(Connection {
                id: Cow::Owned(connection.to_owned()),
                is_companion: true,
                more: 0,
            });
        }
    }
}

fn closed(fields: &Fields<'_>) -> (Kind, Option<Outcome>) {
    let cause = fields.text(Slot::Cause).unwrap_or_default();
    let is_auth = matches!(
        &*cause,
        "unauthorized" | "device-required" | "device-auth-invalid"
    );
    let kind = if is_rate_limited(Some(&cause)) {
        Kind::RateLimit
    } else if is_auth {
        Kind::Auth
    } else {
        Kind::Access
    };
    (kind, Some(Outcome::Failure))
}

fn is_rate_limited(reason: Option<&str>) -> bool {
    matches!(reason, Some("rate_limited" | "rate-limited"))
}

/// `remote=` counts only directly after `conn=` and `peer=`: what follows is the client's.
fn remote_after_connection(message: &str) -> Option<std::net::IpAddr> {
    let (_, rest) = message.split_once("conn=")?;
    let mut words = rest.split(' ').skip(1);
    let mut next = words.next()?;
    if next.starts_with("peer=") {
        next = words.next()?;
    }
    address(next.strip_prefix("remote=")?)
}

fn leading_address(message: &str, beginning: &str) -> Option<std::net::IpAddr> {
    let rest = message.strip_prefix(beginning)?;
    let end = rest.find([';', ' ', ',']).unwrap_or(rest.len());
    address(rest[..end].trim_end_matches(['.', ':']))
}

fn trailing_reason(message: &str) -> Option<&str> {
    let message = match message.rsplit_once(" suppressed=") {
        Some((before, number)) if number.bytes().all(|b| b.is_ascii_digit()) => before,
        _ => message,
    };
    let (_, reason) = message.rsplit_once(" reason=")?;
    (!reason.is_empty() && !reason.contains(' ')).then_some(reason)
}

fn word(text: &str) -> &str {
    text.split([' ', ';', ',']).next().unwrap_or_default()
}
