//! Which events are shown: values of one flag are alternatives, different flags must all hold.

use aho_corasick::packed::Searcher;
use ipnet::IpNet;
use jiff::Timestamp;
use memchr::memmem::{self, Finder};
use memchr::{Memchr, memchr, memchr_iter, memchr2, memrchr};
use regex::bytes::Regex;

use super::colours::ESCAPE;
use super::event::{Event, Kind, Level, Outcome};
use super::reading::without_line_end;

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

    /// Whether user or address are needed.
    pub fn needs_who(&self) -> bool {
        !self.users.is_empty() || !self.networks.is_empty()
    }

    /// Whether this event passes or not, whatever came before it.
    pub fn decides(&self, event: &Event<'_>) -> bool {
        if self.needs_time() {
            event.time.is_some()
        } else {
            !(event.is_continuation && self.needs_fields())
        }
    }

    fn needs_fields(&self) -> bool {
        self.needs_meaning() || self.needs_who() || self.level.is_some()
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
        // Lines without a time go with the one before them, so that every time counts.
        if self.needs_time() {
            return Prefilter::default();
        }
        if let [network] = self.networks.as_slice()
            && network.prefix_len() == 32
            && network.addr().is_ipv4()
        {
            let address = network.addr().to_string();
            // An IPv4 address may also be written inside an IPv6 one, in hex and in any case.
            let mapped = (0..16u8).map(|upper| {
                let letter = |bit: u8| if upper & (1 << bit) == 0 { 'f' } else { 'F' };
                format!("{}:", (0..4).map(letter).collect::<String>())
            });
            return Prefilter::new(std::iter::once(address).chain(mapped));
        }
        if let [user] = self.users.as_slice()
            && !user.is_empty()
            && user.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'@')
            })
        {
            return Prefilter::new(std::iter::once(user.clone()));
        }
        Prefilter::default()
    }
}

/// Literals of which a line must hold one, unless it holds escapes or belongs to the line before.
#[derive(Debug, Clone, Default)]
pub struct Prefilter {
    marks: Vec<Mark>,
}

/// What makes a line worth a look.
#[derive(Debug, Clone)]
enum Mark {
    Literal(Finder<'static>),
    Literals(Searcher),
    /// Values with escapes may hold anything, and so may those with colours between their letters.
    Escape,
    /// A line that begins with a blank, or with the first byte of a mark of byte order.
    Start(u8),
}

impl Prefilter {
    fn new(literals: impl Iterator<Item = String>) -> Self {
        let literals: Vec<String> = literals.collect();
        let packed = Searcher::new(&literals).filter(|_| literals.len() > 1);
        let mut marks = match packed {
            Some(searcher) => vec![Mark::Literals(searcher)],
            None => literals
                .iter()
                .map(|literal| Mark::Literal(Finder::new(literal).into_owned()))
                .collect(),
        };
        // The journal writes texts with control characters as lists of bytes.
        let lists = ["\"MESSAGE\":[", "\"MESSAGE\": ["];
        marks.extend(lists.map(|list| Mark::Literal(Finder::new(list).into_owned())));
        marks.push(Mark::Escape);
        marks.extend([b' ', b'\t', 0xef].map(Mark::Start));
        Self { marks }
    }

    /// Whether it takes every line.
    pub fn is_open(&self) -> bool {
        self.marks.is_empty()
    }

    /// The same for the lines of one block.
    pub fn over<'p>(&'p self, bytes: &'p [u8]) -> Candidates<'p> {
        Candidates {
            marks: &self.marks,
            bytes,
            ends: memchr_iter(b'\n', bytes),
            at: 0,
            next: vec![0; self.marks.len()],
        }
    }
}

/// The lines of a block that may pass.
pub struct Candidates<'p> {
    marks: &'p [Mark],
    bytes: &'p [u8],
    /// The line ends from `at` on, where every line is taken.
    ends: Memchr<'p>,
    at: usize,
    /// Where each mark stands next, at `at` or later; valid where it is not before `at`.
    next: Vec<usize>,
}

/// A line that may pass.
#[derive(Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where its bytes stand in the block, with the line end.
    pub line: std::ops::Range<usize>,
    /// Where the lines begin that were passed over before it.
    pub passed_over: usize,
}

impl Iterator for Candidates<'_> {
    type Item = Candidate;

    fn next(&mut self) -> Option<Candidate> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let passed_over = self.at;
        if self.marks.is_empty() {
            self.at = self.ends.next().map_or(self.bytes.len(), |end| end + 1);
            return Some(Candidate {
                line: passed_over..self.at,
                passed_over,
            });
        }
        let mark = self.next_mark();
        if mark >= self.bytes.len() {
            self.at = mark;
            return None;
        }
        let start =
            memrchr(b'\n', &self.bytes[self.at..mark]).map_or(self.at, |end| self.at + end + 1);
        let end = memchr(b'\n', &self.bytes[start..])
            .map_or(self.bytes.len(), |newline| start + newline + 1);
        self.at = end;
        Some(Candidate {
            line: start..end,
            passed_over,
        })
    }
}

impl Candidates<'_> {
    /// A place in the next line that may pass, or the end.
    fn next_mark(&mut self) -> usize {
        let mut nearest = self.bytes.len();
        for (mark, next) in self.marks.iter().zip(&mut self.next) {
            if *next < self.at || self.at == 0 {
                *next = mark.find(self.bytes, self.at).unwrap_or(self.bytes.len());
            }
            nearest = nearest.min(*next);
        }
        nearest
    }
}

impl Mark {
    /// Where it stands next; `from` is the start of a line.
    fn find(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let rest = &bytes[from..];
        let found = match self {
            Self::Literal(finder) => finder.find(rest)?,
            Self::Literals(searcher) => searcher.find(rest)?.start(),
            Self::Escape => memchr2(b'\\', ESCAPE, rest)?,
            Self::Start(byte) if rest.first() == Some(byte) => 0,
            Self::Start(byte) => memmem::find(rest, &[b'\n', *byte])? + 1,
        };
        Some(from + found)
    }
}

/// Whether a line is kept that belongs to the one before it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Carry {
    in_span: Option<bool>,
    was_kept: bool,
    /// Whether a line came before any time, so that nothing says whether it is new enough.
    has_timeless: bool,
}

impl Carry {
    /// Whether the last time lay outside the filter's range.
    pub fn is_outside(&self) -> bool {
        self.in_span == Some(false)
    }

    /// Whether a time was met.
    pub fn has_time(&self) -> bool {
        self.in_span.is_some()
    }

    /// Whether a line was dropped because there was no time before it.
    pub fn has_timeless(&self) -> bool {
        self.has_timeless
    }

    /// Lines that hold none of the filter's fields came in between.
    pub fn pass_over(&mut self) {
        self.was_kept = false;
    }

    /// Decides about one event and its line, with or without a line end; lines without a time go with
    /// the line before them.
    pub fn keeps(&mut self, filter: &Filter, event: &Event<'_>, line: &[u8]) -> bool {
        if filter.needs_time() {
            match event.time {
                Some(time) => self.in_span = Some(filter.spans(time)),
                // Before any time nothing says that a line is older than `since`.
                None if self.in_span.is_none() && filter.since.is_some() => {
                    self.has_timeless |= !without_line_end(line).trim_ascii().is_empty();
                    self.was_kept = false;
                    return false;
                }
                None => {}
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
                .is_none_or(|pattern| pattern.is_match(without_line_end(line)))
    }
}
