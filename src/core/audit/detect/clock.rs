//! `clock-backwards` and `log-gap`: what a log's times say about the log.

use super::parameters::{Id, detector, number};
use super::wording::{Piece, sentence};
use super::{Firing, Seen, Tuning};
use crate::report::Severity;

const GAP: Id = detector("log-gap");
const BACKWARDS: Id = detector("clock-backwards");
/// Gaps are counted in steps of about 9 percent, up to a year.
const STEPS: usize = 320;

/// Gaps that are counted together.
const FRESH: usize = 32;

/// The times of one log.
#[derive(Debug)]
pub struct Clock {
    highest: Option<i64>,
    /// How many gaps each step holds, and its longest.
    gaps: Box<[(u32, u64); STEPS]>,
    /// The last gaps, before they are counted: together, since their steps lie far apart in memory.
    fresh: [u64; FRESH],
    count: u64,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            highest: None,
            gaps: Box::new([(0, 0); STEPS]),
            fresh: [0; FRESH],
            count: 0,
        }
    }
}

impl Clock {
    /// Looks at the time of an event.
    #[inline(always)]
    pub fn observe(&mut self, seen: &Seen<'_>, log: &str, tuning: &Tuning) -> Option<Box<Firing>> {
        seen.event.time?;
        let Some(highest) = self.highest else {
            self.highest = Some(seen.now);
            return None;
        };
        if let Ok(gap_ms @ 1..) = u64::try_from(seen.now - highest) {
            self.highest = Some(seen.now);
            let is_long = gap_ms > window_ms(tuning.get(const { number("log-gap", "window_s") }));
            let firing = is_long.then(|| self.gap(seen, gap_ms, log, tuning));
            self.note(gap_ms);
            return firing.flatten();
        }
        let behind_ms = (highest - seen.now).unsigned_abs();
        if behind_ms > window_ms(tuning.get(const { number("clock-backwards", "window_s") })) {
            self.highest = Some(seen.now);
            return backwards(seen, behind_ms, log, tuning);
        }
        self.note(0);
        None
    }

    /// A gap that is longer than the window.
    #[cold]
    fn gap(&self, seen: &Seen<'_>, gap_ms: u64, log: &str, tuning: &Tuning) -> Option<Box<Firing>> {
        let is_long = self.count >= tuning.get(const { number("log-gap", "count") })
            && gap_ms as f64
                > tuning.get(const { number("log-gap", "factor") }) as f64
                    * self.percentile_99_ms();
        if !is_long || !tuning.is_on(GAP) {
            return None;
        }
        let silence = gap_ms / 1000;
        let message = [Piece::Text("silent for "), Piece::Span(silence)];
        Some(firing(GAP, log, 1, silence, &message, seen))
    }

    #[inline]
    fn note(&mut self, gap_ms: u64) {
        // The remainder is below 32.
        let place = (self.count % FRESH as u64) as usize;
        self.fresh[place] = gap_ms;
        self.count += 1;
        if place + 1 == FRESH {
            count(&mut self.gaps, &self.fresh);
        }
    }

    fn percentile_99_ms(&self) -> f64 {
        let mut gaps = self.gaps.clone();
        // The remainder is below 32.
        let number = (self.count % FRESH as u64) as usize;
        count(&mut gaps, &self.fresh[..number]);
        let rank = self.count - self.count / 100;
        let mut below = 0;
        for (count, longest) in gaps.iter() {
            below += u64::from(*count);
            if below >= rank {
                return *longest as f64;
            }
        }
        0.0
    }
}

#[inline(never)]
fn count(gaps: &mut [(u32, u64); STEPS], fresh: &[u64]) {
    for gap_ms in fresh {
        let (count, longest) = &mut gaps[step(*gap_ms)];
        *count = count.saturating_add(1);
        *longest = (*longest).max(*gap_ms);
    }
}

/// The writer says that it lost lines.
#[cold]
pub fn lost(seen: &Seen<'_>, log: &str, tuning: &Tuning) -> Option<Box<Firing>> {
    if !tuning.is_on(GAP) {
        return None;
    }
    let dropped = seen.event.dropped;
    let message = [
        Piece::Text("the writer lost "),
        Piece::Number(dropped),
        Piece::Text(" lines"),
    ];
    Some(firing(GAP, log, dropped, 0, &message, seen))
}

#[cold]
fn backwards(seen: &Seen<'_>, behind_ms: u64, log: &str, tuning: &Tuning) -> Option<Box<Firing>> {
    if !tuning.is_on(BACKWARDS) {
        return None;
    }
    let behind = behind_ms / 1000;
    let message = [Piece::Text("the time jumps back by "), Piece::Span(behind)];
    Some(firing(BACKWARDS, log, 1, behind, &message, seen))
}

#[inline]
fn window_ms(window_s: u64) -> u64 {
    window_s.saturating_mul(1000)
}

/// The step of a gap: eight times its binary logarithm, rounded down. Every event asks, so that
/// it is told by a look at five bits and a comparison.
#[inline]
fn step(gap_ms: u64) -> usize {
    /// 2^(1/8) to 2^(8/8), times 2^63, rounded up; no number reaches the last.
    const LIMITS: [u64; 8] = [
        0x8b95_c1e3_ea8b_d6e7,
        0x9837_f051_8db8_a970,
        0xa5fe_d6a9_b151_38eb,
        0xb504_f333_f9de_6485,
        0xc567_2a11_5506_dade,
        0xd744_fcca_d69d_6af5,
        0xeac0_c6e7_dd24_392f,
        u64::MAX,
    ];
    /// By the five bits behind the first: how many limits are below. They are so far apart that one
    /// more at most is in reach.
    const BELOW: [u8; 32] = {
        let mut below = [0; 32];
        let mut bits = 0;
        while bits < 32 {
            let mut limit = 0;
            while LIMITS[limit] <= (32 + bits as u64) << 58 {
                limit += 1;
            }
            below[bits] = limit as u8;
            bits += 1;
        }
        below
    };
    if gap_ms < 1 {
        return 0;
    }
    let zeros = gap_ms.leading_zeros();
    let mantissa = gap_ms << zeros;
    let below = usize::from(BELOW[(mantissa >> 58) as usize & 31]);
    let eighths = below + usize::from(mantissa >= LIMITS[below & 7]);
    // At most 64 doublings of 8 steps; the last step holds the rest.
    ((63 - zeros) as usize * 8 + eighths).min(STEPS - 1)
}

fn firing(
    detector: Id,
    log: &str,
    count: u64,
    window_s: u64,
    message: &[Piece<'_>],
    seen: &Seen<'_>,
) -> Box<Firing> {
    Box::new(Firing {
        detector,
        severity: Severity::Medium,
        subject: log.to_owned(),
        count,
        window_s,
        message: sentence(message),
        evidence: vec![seen.offset],
        first: None,
        others: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_percentile_is_the_longest_gap_of_its_step(
            gaps in proptest::collection::vec(0u64..10_000, 1..300),
        ) {
            let mut clock = Clock::default();
            for gap in &gaps {
                clock.note(*gap);
            }
            let mut sorted = gaps.clone();
            sorted.sort_unstable();
            let at = sorted[gaps.len() - gaps.len() / 100 - 1];
            let same_step = sorted.iter().filter(|gap| step(**gap) == step(at));
            let expected = same_step.max().copied().unwrap_or(0);
            proptest::prop_assert_eq!(clock.percentile_99_ms(), expected as f64);
        }
    }

    #[test]
    fn a_step_is_an_eighth_of_a_doubling() {
        let gaps = (1..5000).chain((0..200).map(|number| (1u64 << (number % 60)) | (number * 977)));
        for gap_ms in gaps {
            let expected = (libm::log2(gap_ms as f64) * 8.0) as usize;
            assert_eq!(step(gap_ms), expected.min(STEPS - 1), "{gap_ms}");
        }
    }
}
