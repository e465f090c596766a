//! `error-spike`: far more errors than in the hour before.

use std::collections::VecDeque;

use super::{Firing, MOST_EVIDENCE, Seen, Tuning, span};
use crate::audit::event::Kind;
use crate::report::Severity;

/// The span of a sum, in milliseconds.
const SUM: i64 = 5000;
/// The hour before the window, in milliseconds.
const HOUR: i64 = 3_600_000;
/// Sums that are remembered, whatever window is configured: two hours and a half.
const MOST_SUMS: usize = 1800;
/// A time this far ahead, in milliseconds, is of another clock.
const AHEAD: i64 = 60_000;

/// The errors of one log.
#[derive(Debug, Default)]
pub struct Errors {
    started: Option<i64>,
    /// When the last ones were, and where: exact, as long as the window holds no more of them.
    recent: VecDeque<(i64, u64)>,
    /// Errors by spans of [`SUM`].
    sums: VecDeque<(i64, u32)>,
}

/// Errors remembered one by one.
const MOST_ERRORS: usize = 256;

impl Errors {
    /// Holds the bounds of everything that is remembered.
    #[cfg(test)]
    pub fn assert_bounded(&self) {
        assert!(self.recent.len() <= MOST_ERRORS && self.sums.len() <= MOST_SUMS);
    }

    /// 20 errors in 300 s, and over 4 times the mean of the hour before (taken as at least 1);
    /// silent for the first 30 minutes of a log.
    pub fn observe(
        &mut self,
        seen: &Seen<'_>,
        log: &str,
        tuning: &Tuning,
        firings: &mut Vec<Firing>,
    ) {
        const ID: &str = "error-spike";
        if seen.now == 0 {
            return;
        }
        let started = *self.started.get_or_insert(seen.now);
        if seen.event.kind() != Kind::Error {
            return;
        }
        self.note(seen);
        let window_s = tuning.get(ID, "window_s").max(1);
        let window = 1000 * i64::try_from(window_s).unwrap_or(i64::MAX / 2000);
        let warmup = 1000 * i64::try_from(tuning.get(ID, "warmup_s")).unwrap_or(0);
        if seen.now - started < warmup || !tuning.is_on(ID) {
            return;
        }
        let count = self.within(seen.now, window);
        if count < tuning.get(ID, "count") {
            return;
        }
        let usual = self.mean_before(seen.now, window).max(1.0);
        if count as f64 <= tuning.get(ID, "factor") as f64 * usual {
            return;
        }
        let is_inside = |time: i64| (-AHEAD..window).contains(&(seen.now - time));
        let mut evidence: Vec<u64> = self
            .recent
            .iter()
            .rev()
            .filter(|(time, _)| is_inside(*time))
            .take(MOST_EVIDENCE)
            .map(|(_, offset)| *offset)
            .collect();
        evidence.reverse();
        firings.push(Firing {
            detector: ID,
            severity: Severity::Medium,
            subject: log.to_owned(),
            count,
            window_s,
            message: format!("{count} errors in {}, usually {usual:.0}", span(window_s)),
            first: None,
            evidence,
            others: Vec::new(),
        });
    }

    fn note(&mut self, seen: &Seen<'_>) {
        if self.recent.len() >= MOST_ERRORS {
            self.recent.pop_front();
        }
        self.recent.push_back((seen.now, seen.offset));
        let sum = seen.now.div_euclid(SUM);
        match self.sums.back_mut() {
            Some((last, count)) if *last == sum => *count = count.saturating_add(1),
            _ => {
                if self.sums.len() >= MOST_SUMS {
                    self.sums.pop_front();
                }
                self.sums.push_back((sum, 1));
            }
        }
    }

    /// Errors in the window that ends at `now`.
    fn within(&self, now: i64, window: i64) -> u64 {
        let is_inside = |time: i64| (-AHEAD..window).contains(&(now - time));
        let counted = self.recent.iter().filter(|(time, _)| is_inside(*time));
        let counted = counted.count();
        if counted < MOST_ERRORS {
            return counted as u64;
        }
        let inside = self.sums.iter().filter(|(sum, _)| is_inside(sum * SUM));
        inside.map(|(_, count)| u64::from(*count)).sum()
    }

    /// Errors per window in the hour before the window.
    fn mean_before(&self, now: i64, window: i64) -> f64 {
        let end = (now - window).div_euclid(SUM);
        let before = self
            .sums
            .iter()
            .filter(|(sum, _)| (end - HOUR / SUM..end).contains(sum));
        let sum: u64 = before.map(|(_, count)| u64::from(*count)).sum();
        sum as f64 * window as f64 / HOUR as f64
    }
}
