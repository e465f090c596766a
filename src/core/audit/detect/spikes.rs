//! `error-spike`: far more errors than in the hour before.

use std::collections::VecDeque;
use std::ops::Range;

use super::incidents::Teller;
use super::parameters::{Id, detector, number};
use super::wording::{Piece, push_sentence};
use super::{MOST_EVIDENCE, Seen, Tuning};
use crate::audit::event::Kind;
use crate::report::Severity;

/// The detector.
pub const ID: Id = detector("error-spike");
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
    /// While it is not 0, one that came late stands among them: it is the number of errors that must
    /// come before it is gone.
    late: usize,
    /// Errors by spans of [`SUM`].
    sums: VecDeque<Sum>,
    /// While it is not 0, a sum that came late stands among the others: it is the number of sums that
    /// must come before it is gone.
    disorder: usize,
}

#[derive(Debug, Clone, Copy)]
struct Sum {
    span: i64,
    count: u32,
    /// All errors noted before it.
    before: u64,
}

impl Sum {
    fn through(self) -> u64 {
        self.before + u64::from(self.count)
    }
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
    #[inline(always)]
    pub fn observe(&mut self, seen: &Seen<'_>, log: &str, tuning: &Tuning, teller: Teller<'_>) {
        if seen.now == 0 {
            return;
        }
        let started = *self.started.get_or_insert(seen.now);
        if seen.event.kind() == Kind::Error {
            self.error(seen, started, log, tuning, teller);
        }
    }

    #[inline(never)]
    fn error(
        &mut self,
        seen: &Seen<'_>,
        started: i64,
        log: &str,
        tuning: &Tuning,
        teller: Teller<'_>,
    ) {
        self.note(seen);
        let window_s = tuning
            .get(const { number("error-spike", "window_s") })
            .max(1);
        let window = 1000 * i64::try_from(window_s).unwrap_or(i64::MAX / 2000);
        let warmup = 1000
            * i64::try_from(tuning.get(const { number("error-spike", "warmup_s") })).unwrap_or(0);
        if seen.now - started < warmup || !tuning.is_on(ID) {
            return;
        }
        let count = self.within(seen.now, window);
        if count < tuning.get(const { number("error-spike", "count") }) {
            return;
        }
        let usual = self.mean_before(seen.now, window).max(1.0);
        if count as f64 <= tuning.get(const { number("error-spike", "factor") }) as f64 * usual {
            return;
        }
        let Some(alert) = teller.begin(ID, Severity::Medium, window_s) else {
            return;
        };
        let is_inside = |time: i64| (-AHEAD..window).contains(&(seen.now - time));
        let inside = self
            .recent
            .iter()
            .rev()
            .filter(|(time, _)| is_inside(*time));
        let last = inside.take(MOST_EVIDENCE).map(|(_, offset)| *offset);
        alert.evidence.extend(last);
        alert.evidence.dedup();
        alert.evidence.reverse();
        alert.count = count;
        alert.subject.push_str(log);
        let message = [
            Piece::Number(count),
            Piece::Text(" errors in "),
            Piece::Span(window_s),
            Piece::Text(", usually "),
            Piece::Text(&format!("{usual:.0}")),
        ];
        push_sentence(&mut alert.message, &message);
    }

    fn note(&mut self, seen: &Seen<'_>) {
        self.late = match self.recent.back() {
            Some((last, _)) if *last > seen.now => MOST_ERRORS,
            _ => self.late.saturating_sub(1),
        };
        // A line may stand for several.
        let times = seen.event.count.max(1);
        for _ in 0..times.min(MOST_ERRORS as u64) {
            if self.recent.len() >= MOST_ERRORS {
                self.recent.pop_front();
            }
            self.recent.push_back((seen.now, seen.offset));
        }
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        self.add(seen.now.div_euclid(SUM), times);
    }

    fn add(&mut self, span: i64, times: u32) {
        let before = match self.sums.back_mut() {
            Some(last) if last.span == span => {
                last.count = last.count.saturating_add(times);
                return;
            }
            Some(last) => {
                self.disorder = if last.span > span {
                    MOST_SUMS
                } else {
                    self.disorder.saturating_sub(1)
                };
                last.through()
            }
            None => 0,
        };
        if self.sums.len() >= MOST_SUMS {
            self.sums.pop_front();
        }
        self.sums.push_back(Sum {
            span,
            count: times,
            before,
        });
    }

    /// Errors in the window that ends at `now`.
    fn within(&self, now: i64, window: i64) -> u64 {
        let counted = if self.late == 0 {
            // The last of them is the one at hand.
            let before = |(time, _): &(i64, u64)| now - time >= window;
            self.recent.len() - self.recent.partition_point(before)
        } else {
            let is_inside = |time: i64| (-AHEAD..window).contains(&(now - time));
            let counted = self.recent.iter().filter(|(time, _)| is_inside(*time));
            counted.count()
        };
        if counted < MOST_ERRORS {
            return counted as u64;
        }
        let (first, last) = (now - window, now + AHEAD);
        self.sum(first.div_euclid(SUM) + 1..last.div_euclid(SUM) + 1)
    }

    /// Errors in these spans.
    fn sum(&self, spans: Range<i64>) -> u64 {
        if self.disorder > 0 {
            let inside = self.sums.iter().filter(|sum| spans.contains(&sum.span));
            return inside.map(|sum| u64::from(sum.count)).sum();
        }
        let before = |span: i64| {
            let next = self.sums.partition_point(|sum| sum.span < span);
            match self.sums.get(next) {
                Some(next) => next.before,
                None => self.sums.back().map_or(0, |last| last.through()),
            }
        };
        before(spans.end).saturating_sub(before(spans.start))
    }

    /// Errors per window in the hour before the window.
    fn mean_before(&self, now: i64, window: i64) -> f64 {
        let end = (now - window).div_euclid(SUM);
        let sum = self.sum(end - HOUR / SUM..end);
        sum as f64 * window as f64 / HOUR as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::event::Event;

    proptest::proptest! {
        #[test]
        fn sums_are_right_also_where_spans_come_late(
            steps in proptest::collection::vec((0i64..4, 0..40), 0..60),
            start in -3i64..80,
            length in 0i64..80,
        ) {
            let mut errors = Errors::default();
            let mut all = Vec::new();
            let mut span = 0;
            for (step, back) in steps {
                span += step;
                let at = if back == 0 { span - 3 } else { span };
                errors.add(at, 1);
                all.push(at);
            }
            let spans = start..start + length;
            let expected = all.iter().filter(|at| spans.contains(at)).count() as u64;
            proptest::prop_assert_eq!(errors.sum(spans), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn errors_in_the_window_are_counted_also_where_lines_come_late(
            steps in proptest::collection::vec((0i64..4000, 0..30), 1..600),
            window in 1i64..100_000,
        ) {
            let mut errors = Errors::default();
            let mut last: VecDeque<i64> = VecDeque::new();
            let mut clock = 0;
            for (step, back) in steps {
                clock += step;
                let now = if back == 0 { clock - 70_000 } else { clock };
                let event = Event::default();
                errors.note(&Seen {
                    now,
                    offset: 0,
                    event: &event,
                    ip: None,
                    user: None,
                    attempts: 1,
                });
                last.push_back(now);
                if last.len() > MOST_ERRORS {
                    last.pop_front();
                }
                let is_inside = |time: &&i64| (-AHEAD..window).contains(&(now - **time));
                let expected = last.iter().filter(is_inside).count();
                if expected < MOST_ERRORS {
                    proptest::prop_assert_eq!(errors.within(now, window), expected as u64);
                }
            }
        }
    }

    #[test]
    fn disorder_ends_when_what_came_late_is_forgotten() {
        let mut errors = Errors::default();
        errors.add(5, 1);
        errors.add(3, 1);
        for span in 6..6 + MOST_SUMS as i64 {
            assert_ne!(errors.disorder, 0, "{span}");
            errors.add(span, 1);
        }
        assert_eq!(errors.disorder, 0);
        assert_eq!(errors.sum(0..i64::MAX), MOST_SUMS as u64);
    }
}
