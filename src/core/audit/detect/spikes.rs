//! `error-spike`: far more errors than in the hour before.

use std::collections::VecDeque;

use super::{Firing, MOST_EVIDENCE, Seen, Tuning, span};
use crate::audit::event::Kind;
use crate::report::Severity;

/// Errors remembered one by one.
const MOST_ERRORS: usize = 1024;
/// Minutes of the past that are remembered as sums: an hour, and the longest window.
const MINUTES: usize = 130;

/// The errors of one log.
#[derive(Debug, Default)]
pub struct Errors {
    started: Option<i64>,
    recent: VecDeque<(i64, u64)>,
    minutes: VecDeque<(i64, u32)>,
}

impl Errors {
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
        let started = *self.started.get_or_insert(seen.now);
        if seen.event.kind() != Kind::Error {
            return;
        }
        self.note(seen);
        let window_s = tuning.get(ID, "window_s").max(1);
        let window = 1000 * i64::try_from(window_s).unwrap_or(i64::MAX / 2000);
        let within = |time: i64| (-60_000..window).contains(&(seen.now - time));
        let offsets: Vec<u64> = if (self.recent.len() as u64) < tuning.get(ID, "count") {
            return;
        } else {
            self.recent
                .iter()
                .filter(|(time, _)| within(*time))
                .map(|(_, offset)| *offset)
                .collect()
        };
        let count = offsets.len() as u64;
        let warmup = 1000 * i64::try_from(tuning.get(ID, "warmup_s")).unwrap_or(0);
        if count < tuning.get(ID, "count") || seen.now - started < warmup || !tuning.is_on(ID) {
            return;
        }
        let usual = self.mean_before(seen.now, window).max(1.0);
        if count as f64 <= tuning.get(ID, "factor") as f64 * usual {
            return;
        }
        firings.push(Firing {
            detector: ID,
            severity: Severity::Medium,
            subject: log.to_owned(),
            count,
            window_s,
            message: format!("{count} errors in {}, usually {usual:.0}", span(window_s)),
            first: None,
            evidence: offsets[offsets.len().saturating_sub(MOST_EVIDENCE)..].to_vec(),
            others: Vec::new(),
        });
    }

    fn note(&mut self, seen: &Seen<'_>) {
        if self.recent.len() >= MOST_ERRORS {
            self.recent.pop_front();
        }
        self.recent.push_back((seen.now, seen.offset));
        let minute = seen.now.div_euclid(60_000);
        match self.minutes.back_mut() {
            Some((last, count)) if *last == minute => *count += 1,
            _ => {
                if self.minutes.len() >= MINUTES {
                    self.minutes.pop_front();
                }
                self.minutes.push_back((minute, 1));
            }
        }
    }

    /// Errors per window in the hour before the window.
    fn mean_before(&self, now: i64, window: i64) -> f64 {
        let end = (now - window).div_euclid(60_000);
        let sum: u64 = self
            .minutes
            .iter()
            .filter(|(minute, _)| (end - 60..end).contains(minute))
            .map(|(_, count)| u64::from(*count))
            .sum();
        sum as f64 * window as f64 / 3_600_000.0
    }
}
