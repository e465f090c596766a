//! What is remembered of each log: its clock, its errors, and the alerts about it.

use super::Seen;
use super::clock::{self, Clock};
use super::incidents::{Alerts, Teller, Told};
use super::parameters::Tuning;
use super::spikes::Errors;

/// Logs that are told apart at most.
const MOST_LOGS: usize = 1024;

/// Logs by name.
#[derive(Debug)]
pub struct Logs {
    list: Vec<Log>,
    /// The place of the log at hand.
    current: usize,
}

/// One log.
#[derive(Debug, Default)]
pub struct Log {
    name: String,
    /// The time of its last event that had one, in milliseconds: lines without a time belong to it.
    pub now: i64,
    clock: Clock,
    errors: Errors,
    /// The alerts about it.
    pub told: Told,
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            list: vec![Log::of("-")],
            current: 0,
        }
    }
}

impl Logs {
    /// From now on the log of this name is at hand.
    pub fn begin(&mut self, name: &str) {
        self.current = self.place(name);
    }

    /// The log at hand.
    #[inline]
    pub fn current(&mut self) -> &mut Log {
        &mut self.list[self.current]
    }

    /// The log of this name, new if need be.
    pub fn named(&mut self, name: &str) -> &mut Log {
        let place = self.place(name);
        &mut self.list[place]
    }

    fn place(&mut self, name: &str) -> usize {
        if let Some(known) = self.list.iter().position(|log| log.name == name) {
            return known;
        }
        if self.list.len() >= MOST_LOGS {
            // The first but the one at hand.
            let first = usize::from(self.current == 0);
            self.list.remove(first);
            self.current = self.current.saturating_sub(1);
        }
        self.list.push(Log::of(name));
        self.list.len() - 1
    }

    /// Holds the bounds of everything that is remembered.
    #[cfg(test)]
    pub fn assert_bounded(&self) {
        assert!(self.list.len() <= MOST_LOGS);
        for log in &self.list {
            log.errors.assert_bounded();
            log.told.assert_bounded();
        }
    }
}

impl Log {
    fn of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Looks at what an event says of the log itself.
    #[inline(always)]
    pub fn watch(&mut self, seen: &Seen<'_>, tuning: &Tuning, alerts: &mut Alerts) {
        let log = &self.name;
        let mut teller = Teller {
            now: seen.now,
            told: &mut self.told,
            alerts,
        };
        if seen.event.dropped > 0 {
            clock::lost(seen, log, tuning, teller.again());
        }
        self.clock.observe(seen, log, tuning, teller.again());
        self.errors.observe(seen, log, tuning, teller);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_at_hand_stays_however_many_others_come() {
        let mut logs = Logs::default();
        for number in 0..3 * MOST_LOGS {
            logs.named(&number.to_string());
            assert_eq!(logs.current().name, "-");
        }
        logs.begin("x");
        for number in 0..3 * MOST_LOGS {
            logs.named(&number.to_string());
            assert_eq!(logs.current().name, "x");
        }
        logs.assert_bounded();
    }
}
