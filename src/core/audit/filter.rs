//! Which events are shown: values of one flag are alternatives, different flags must all hold.

use ipnet::IpNet;
use jiff::Timestamp;
use memchr::memmem::Finder;
use regex::bytes::Regex;

use super::event::{Event, Kind, Level, Outcome};

/// What a person asked to see.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The first moment that is shown.
    pub since: Option<Timestamp>,
    /// The first moment that is not shown any more.
    pub until: Option<Timestamp>,
    /// Kinds.
    pub kinds: Vec<Kind>,
    /// Outcomes.
    pub outcomes: Vec<Outcome>,
    /// Users, exactly.
    pub users: Vec<String>,
    /// Networks the address lies in.
    pub networks: Vec<IpNet>,
    /// This level or worse.
    pub level: Option<Level>,
    /// Over the raw line.
    pub pattern: Option<Regex>,
}

impl Filter {
    /// Whether everything passes.
    pub fn is_open(&self) -> bool {
        !self.needs_time() && !self.needs_fields() && self.pattern.is_none()
    }

    /// Whether times are needed.
    pub fn needs_time(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// Whether kind or outcome are needed.
    pub fn needs_meaning(&self) -> bool {
        !self.kinds.is_empty() || !self.outcomes.is_empty()
    }

    fn needs_fields(&self) -> bool {
        self.needs_meaning()
            || !self.users.is_empty()
            || !self.networks.is_empty()
            || self.level.is_some()
    }

    /// Whether the event's own fields pass; time and pattern are asked for elsewhere.
    pub fn holds(&self, event: &Event<'_>) -> bool {
        (self.networks.is_empty()
            || event
                .ip
                .is_some_and(|ip| self.networks.iter().any(|network| network.contains(&ip))))
            && (self.users.is_empty()
                || event
                    .user
                    .as_deref()
                    .is_some_and(|user| self.users.iter().any(|wanted| wanted == user)))
            && (self.level.is_none() || event.level >= self.level)
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind()))
            && (self.outcomes.is_empty()
                || event
                    .outcome
                    .is_some_and(|outcome| self.outcomes.contains(&outcome)))
    }

    /// Whether a moment lies in the range.
    pub fn spans(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }

    /// A quick look that tells most lines which cannot pass.
    pub fn prefilter(&self) -> Prefilter {
        let literals = if let [network] = self.networks.as_slice()
            && network.prefix_len() == 32
            && network.addr().is_ipv4()
        {
            // An IPv4 address may also be written inside an IPv6 one, in hex.
            vec![
                network.addr().to_string(),
                "::ffff:".to_owned(),
                "::FFFF:".to_owned(),
            ]
        } else if let [user] = self.users.as_slice()
            && user.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'@')
            })
        {
            vec![user.clone()]
        } else {
            Vec::new()
        };
        Prefilter {
            finders: literals
                .iter()
                .map(|literal| Finder::new(literal).into_owned())
                .collect(),
        }
    }
}

/// Literals of which a line must hold one, unless it holds escapes.
#[derive(Debug, Clone, Default)]
pub struct Prefilter {
    finders: Vec<Finder<'static>>,
}

impl Prefilter {
    /// Whether the line may pass.
    pub fn may_pass(&self, line: &[u8]) -> bool {
        self.finders.is_empty()
            || self
                .finders
                .iter()
                .any(|finder| finder.find(line).is_some())
            || memchr::memchr(b'\\', line).is_some()
            || memchr::memchr(b'%', line).is_some()
    }
}

/// Whether a line is kept that belongs to the one before it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Carry {
    in_span: Option<bool>,
    was_kept: bool,
}

impl Carry {
    /// Decides about one event; lines without a time go with the line before them.
    pub fn keeps(&mut self, filter: &Filter, event: &Event<'_>, line: &[u8]) -> bool {
        if filter.needs_time() {
            match event.time {
                Some(time) => self.in_span = Some(filter.spans(time)),
                // Before any time nothing says that a line is older than `since`.
                None => {
                    self.in_span.get_or_insert(filter.since.is_none());
                }
            }
            if self.in_span == Some(false) {
                self.was_kept = false;
                return false;
            }
        }
        let holds = if event.is_continuation && filter.needs_fields() {
            self.was_kept
        } else {
            let holds = filter.holds(event);
            self.was_kept = holds;
            holds
        };
        holds
            && filter
                .pattern
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(line))
    }
}
