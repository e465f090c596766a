//! `clock-backwards` and `log-gap`: what a log's times say about the log.

use super::incidents::Teller;
use super::parameters::{Id, detector, number};
use super::wording::Piece;
use super::{Seen, Tuning};
use crate::report::Severity;

const GAP: Id = detector("log-gap");
const BACKWARDS: Id = detector("clock-backwards");
/// Long gaps are counted in eighths of a doubling.
const STEPS: usize = 64 * 8;

/// The times of one log.
#[derive(Debug, Default)]
pub struct Clock {
    highest: Option<i64>,
    /// Gaps so short that they make no silence usual: nearly all.
    short: u64,
    /// The others.
    long: Option<Box<Gaps>>,
}

/// How many gaps each step holds, and its longest in milliseconds.
#[derive(Debug)]
struct Gaps([(u64, u64); STEPS]);

impl Clock {
    /// Looks at the time of an event.
    #[inline(always)]
    pub fn observe(&mut self, seen: &Seen<'_>, log: &str, tuning: &Tuning, teller: Teller<'_>) {
        if seen.event.time.is_none() {
            return;
        }
        let Some(highest) = self.highest else {
            self.highest = Some(seen.now);
            return;
        };
        if let Ok(gap_ms @ 1..) = u64::try_from(seen.now - highest) {
            self.highest = Some(seen.now);
            if gap_ms > window_ms(tuning.get(const { number("log-gap", "window_s") })) {
                self.gap(seen, gap_ms, log, tuning, teller);
            }
            return self.note(gap_ms, tuning);
        }
        let behind_ms = (highest - seen.now).unsigned_abs();
        if behind_ms > window_ms(tuning.get(const { number("clock-backwards", "window_s") })) {
            self.highest = Some(seen.now);
            return backwards(seen, behind_ms, log, tuning, teller);
        }
        self.note(0, tuning);
    }

    /// A gap that is longer than the window.
    #[cold]
    fn gap(&self, seen: &Seen<'_>, gap_ms: u64, log: &str, tuning: &Tuning, teller: Teller<'_>) {
        let count = self.short + self.long.as_deref().map_or(0, Gaps::count);
        let is_long = count >= tuning.get(const { number("log-gap", "count") })
            && gap_ms as f64
                > tuning.get(const { number("log-gap", "factor") }) as f64
                    * self.percentile_99_ms(count);
        let silence = gap_ms / 1000;
        if is_long
            && tuning.is_on(GAP)
            && let Some(alert) = teller.begin(GAP, Severity::Medium, silence)
        {
            let message = [Piece::Text("silent for "), Piece::Span(silence)];
            alert.say(log, &message, seen.offset);
        }
    }

    #[inline]
    fn note(&mut self, gap_ms: u64, tuning: &Tuning) {
        let factor = tuning.get(const { number("log-gap", "factor") });
        let window = window_ms(tuning.get(const { number("log-gap", "window_s") }));
        // Times the factor, it is no longer than the window.
        if gap_ms.saturating_mul(factor) <= window {
            self.short += 1;
        } else {
            self.long.get_or_insert_default().note(gap_ms);
        }
    }

    /// The 99th percentile of `count` gaps; 0 where it is a short one.
    fn percentile_99_ms(&self, count: u64) -> f64 {
        let rank = count - count / 100;
        let longest = match &self.long {
            Some(long) if self.short < rank => long.longest_through(rank - self.short),
            _ => 0,
        };
        longest as f64
    }
}

impl Default for Gaps {
    fn default() -> Self {
        Self([(0, 0); STEPS])
    }
}

impl Gaps {
    #[cold]
    fn note(&mut self, gap_ms: u64) {
        let (count, longest) = &mut self.0[step(gap_ms)];
        *count += 1;
        *longest = (*longest).max(gap_ms);
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|(count, _)| count).sum()
    }

    /// The longest of the step in which this one stands, counted from the shortest.
    fn longest_through(&self, rank: u64) -> u64 {
        let mut below = 0;
        for (count, longest) in &self.0 {
            below += count;
            if below >= rank {
                return *longest;
            }
        }
        0
    }
}

/// The writer says that it lost lines.
#[cold]
pub fn lost(seen: &Seen<'_>, log: &str, tuning: &Tuning, teller: Teller<'_>) {
    if tuning.is_on(GAP)
        && let Some(alert) = teller.begin(GAP, Severity::Medium, 0)
    {
        alert.count = seen.event.dropped;
        let message = [
            Piece::Text("the writer lost "),
            Piece::Number(alert.count),
            Piece::Text(" lines"),
        ];
        alert.say(log, &message, seen.offset);
    }
}

#[cold]
fn backwards(seen: &Seen<'_>, behind_ms: u64, log: &str, tuning: &Tuning, teller: Teller<'_>) {
    let behind = behind_ms / 1000;
    if tuning.is_on(BACKWARDS)
        && let Some(alert) = teller.begin(BACKWARDS, Severity::Medium, behind)
    {
        let message = [Piece::Text("the time jumps back by "), Piece::Span(behind)];
        alert.say(log, &message, seen.offset);
    }
}

#[inline]
fn window_ms(window_s: u64) -> u64 {
    window_s.saturating_mul(1000)
}

/// The step of a gap: by its doublings, and by the three bits behind the first.
fn step(gap_ms: u64) -> usize {
    let gap_ms = gap_ms.max(1);
    let doublings = gap_ms.ilog2();
    let eighth = (gap_ms << gap_ms.leading_zeros() >> 60) & 7;
    doublings as usize * 8 + eighth as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_percentile_is_the_longest_gap_of_its_step(
            gaps in proptest::collection::vec(0u64..2_000_000, 1..300),
        ) {
            let tuning = Tuning::default();
            let mut clock = Clock::default();
            for gap in &gaps {
                clock.note(*gap, &tuning);
            }
            let mut sorted = gaps.clone();
            sorted.sort_unstable();
            let at = sorted[gaps.len() - gaps.len() / 100 - 1];
            let same_step = sorted.iter().filter(|gap| step(**gap) == step(at));
            let longest = same_step.max().copied().unwrap_or(0);
            // Ten times three minutes are half an hour.
            let expected = if at > 180_000 { longest } else { 0 };
            proptest::prop_assert_eq!(clock.percentile_99_ms(gaps.len() as u64), expected as f64);
        }
    }

    #[test]
    fn steps_follow_each_other_and_are_at_most_an_eighth_wide() {
        let gaps = (0..5000u64).chain((0..200).map(|number| (1 << (number % 63)) | number));
        for gap_ms in gaps {
            assert!(step(gap_ms) <= step(gap_ms + 1), "{gap_ms}");
            assert!(step(gap_ms) < step(gap_ms + gap_ms / 8 + 2), "{gap_ms}");
        }
        assert_eq!(step(u64::MAX), STEPS - 1);
    }
}
