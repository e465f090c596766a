//! `clock-backwards` and `log-gap`: what a log's times say about the log.

use super::parameters::number;
use super::{Firing, Seen, Tuning, span};
use crate::report::Severity;

/// Gaps are counted in steps of about 9 percent, up to a year.
const STEPS: usize = 320;

/// The times of one log.
#[derive(Debug)]
pub struct Clock {
    highest: Option<i64>,
    /// How many gaps each step holds, and its longest.
    gaps: Box<[(u32, u64); STEPS]>,
    count: u64,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            highest: None,
            gaps: Box::new([(0, 0); STEPS]),
            count: 0,
        }
    }
}

impl Clock {
    /// Looks at the time of an event.
    pub fn observe(
        &mut self,
        seen: &Seen<'_>,
        log: &str,
        tuning: &Tuning,
        firings: &mut Vec<Firing>,
    ) {
        if seen.event.dropped > 0 && tuning.is_on("log-gap") {
            let dropped = seen.event.dropped;
            firings.push(firing(
                "log-gap",
                log,
                dropped,
                0,
                format!("the writer lost {dropped} lines"),
                seen,
            ));
        }
        if seen.event.time.is_none() {
            return;
        }
        let Some(highest) = self.highest else {
            self.highest = Some(seen.now);
            return;
        };
        let behind_ms = u64::try_from(highest - seen.now).unwrap_or(0);
        let behind = behind_ms / 1000;
        if behind_ms > 1000 * tuning.get(const { number("clock-backwards", "window_s") }) {
            self.highest = Some(seen.now);
            if tuning.is_on("clock-backwards") {
                let message = format!("the time jumps back by {}", span(behind));
                firings.push(firing("clock-backwards", log, 1, behind, message, seen));
            }
            return;
        }
        if seen.now > highest {
            self.gap(
                seen,
                u64::try_from(seen.now - highest).unwrap_or(0),
                log,
                tuning,
                firings,
            );
            self.highest = Some(seen.now);
        } else {
            self.note(0);
        }
    }

    fn gap(
        &mut self,
        seen: &Seen<'_>,
        gap_ms: u64,
        log: &str,
        tuning: &Tuning,
        firings: &mut Vec<Firing>,
    ) {
        let silence = gap_ms / 1000;
        let is_long = gap_ms > 1000 * tuning.get(const { number("log-gap", "window_s") })
            && self.count >= tuning.get(const { number("log-gap", "count") })
            && gap_ms as f64
                > tuning.get(const { number("log-gap", "factor") }) as f64
                    * self.percentile_99_ms();
        if is_long && tuning.is_on("log-gap") {
            firings.push(firing(
                "log-gap",
                log,
                1,
                silence,
                format!("silent for {}", span(silence)),
                seen,
            ));
        }
        self.note(gap_ms);
    }

    fn note(&mut self, gap_ms: u64) {
        let (count, longest) = &mut self.gaps[step(gap_ms)];
        *count = count.saturating_add(1);
        *longest = gap_ms.max(*longest);
        self.count += 1;
    }

    fn percentile_99_ms(&self) -> f64 {
        let rank = self.count - self.count / 100;
        let mut below = 0;
        for (count, longest) in self.gaps.iter() {
            below += u64::from(*count);
            if below >= rank {
                return *longest as f64;
            }
        }
        0.0
    }
}

/// The step of a gap: eight times its binary logarithm, rounded down. Every event asks, so that
/// it is told by comparing.
fn step(gap_ms: u64) -> usize {
    /// 2^(1/8) to 2^(7/8), times 2^63, rounded up.
    const EIGHTHS: [u64; 7] = [
        0x8b95_c1e3_ea8b_d6e7,
        0x9837_f051_8db8_a970,
        0xa5fe_d6a9_b151_38eb,
        0xb504_f333_f9de_6485,
        0xc567_2a11_5506_dade,
        0xd744_fcca_d69d_6af5,
        0xeac0_c6e7_dd24_392f,
    ];
    if gap_ms < 1 {
        return 0;
    }
    let zeros = gap_ms.leading_zeros();
    let mantissa = gap_ms << zeros;
    let eighths = EIGHTHS.iter().filter(|limit| mantissa >= **limit).count();
    // At most 64 doublings of 8 steps; the last step holds the rest.
    ((63 - zeros) as usize * 8 + eighths).min(STEPS - 1)
}

fn firing(
    detector: &'static str,
    log: &str,
    count: u64,
    window_s: u64,
    message: String,
    seen: &Seen<'_>,
) -> Firing {
    Firing {
        detector,
        severity: Severity::Medium,
        subject: log.to_owned(),
        count,
        window_s,
        message,
        evidence: vec![seen.offset],
        first: None,
        others: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_an_eighth_of_a_doubling() {
        let gaps = (1..5000).chain((0..200).map(|number| (1u64 << (number % 60)) | (number * 977)));
        for gap_ms in gaps {
            let expected = (libm::log2(gap_ms as f64) * 8.0) as usize;
            assert_eq!(step(gap_ms), expected.min(STEPS - 1), "{gap_ms}");
        }
    }
}
