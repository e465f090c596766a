//! One incident, one alert: who was told of stays silent until it was quiet for long enough.

use std::ops::Range;

use jiff::Timestamp;

use super::Alert;
use super::few::Few;
use super::parameters::{self, Id};
use crate::report::Severity;

/// The shortest silence that ends an incident, in seconds.
const SHORTEST_QUIET_S: u32 = 1800;

/// What is said of one event. The texts keep their room for those of the next.
#[derive(Debug, Default)]
pub struct Alerts {
    list: Vec<Alert>,
    count: usize,
    /// The times that were asked about, in milliseconds; `None` for all.
    asked: Option<Range<i64>>,
}

impl Alerts {
    /// All of them, in order.
    #[inline]
    pub fn as_slice(&self) -> &[Alert] {
        &self.list[..self.count]
    }

    /// From now on nothing is said of other times.
    pub fn ask_about(&mut self, times: Range<i64>) {
        self.asked = Some(times);
    }

    /// Whether this time was asked about; lines without one were.
    pub fn is_asked(&self, now: i64) -> bool {
        let times = self.asked.as_ref();
        now == 0 || times.is_none_or(|times| times.contains(&now))
    }

    /// Forgets them.
    #[inline]
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// One more: its detector, its severity, its window in seconds and its time in milliseconds are set,
    /// and a count of 1; the rest is empty.
    pub fn add(&mut self, detector: Id, severity: Severity, window_s: u64, now: i64) -> &mut Alert {
        if self.count == self.list.len() {
            self.list.push(Alert {
                time: None,
                detector: "",
                severity,
                subject: String::new(),
                count: 1,
                window_s,
                message: String::new(),
                evidence: Vec::new(),
                first: None,
                others: String::new(),
            });
        }
        let alert = &mut self.list[self.count];
        self.count += 1;
        let mut texts = [&mut alert.subject, &mut alert.message, &mut alert.others];
        texts.iter_mut().for_each(|text| text.clear());
        alert.evidence.clear();
        alert.time = time(now);
        alert.first = None;
        (alert.detector, alert.severity) = (detector.name(), severity);
        (alert.count, alert.window_s) = (1, window_s);
        alert
    }
}

/// Tells of one subject.
pub struct Teller<'t> {
    /// The time of the event at hand, in milliseconds.
    pub now: i64,
    /// What was told before.
    pub told: &'t mut Told,
    /// Where it is told.
    pub alerts: &'t mut Alerts,
}

impl<'t> Teller<'t> {
    /// The same, for one alert of several.
    #[inline]
    pub fn again(&mut self) -> Teller<'_> {
        Teller {
            now: self.now,
            told: self.told,
            alerts: self.alerts,
        }
    }

    /// Begins an alert, unless it belongs to an incident that was told of and is no worse. What else it
    /// says is added to it. What is not told, because nobody asked about its time, is news later on.
    #[inline(never)]
    pub fn begin(self, detector: Id, severity: Severity, window_s: u64) -> Option<&'t mut Alert> {
        let is_news = self.alerts.is_asked(self.now)
            && self.told.is_news(detector, severity, window_s, self.now);
        is_news.then(|| self.alerts.add(detector, severity, window_s, self.now))
    }
}

/// What was told of one subject. Times are in milliseconds.
#[derive(Debug, Default)]
pub struct Told(Few<Incident>);

#[derive(Debug, Clone, Copy)]
struct Incident {
    last: i64,
    /// The silence that ends it.
    quiet_s: u32,
    detector: Id,
    severity: Severity,
    /// Whether it was found to be over: a clock that jumps does not bring it back.
    is_over: bool,
}

impl Incident {
    /// Whether it goes on; a clock that jumped far back begins anew.
    #[inline(always)]
    fn goes_on(&self, now: i64) -> bool {
        let quiet = 1000 * i64::from(self.quiet_s);
        !self.is_over && (-quiet + 1..quiet).contains(&(now - self.last))
    }

    /// Whether so little time has passed since.
    fn was_within(&self, now: i64, quiet_s: u32) -> bool {
        (0..1000 * i64::from(quiet_s)).contains(&(now - self.last))
    }
}

impl Told {
    /// Holds the bounds of everything that is remembered.
    #[cfg(test)]
    pub fn assert_bounded(&self) {
        assert!(self.0.as_slice().len() <= super::DETECTORS.len());
    }

    /// The severities that were told of, while the incidents go on; and they do go on.
    #[inline(always)]
    pub fn touch<const N: usize>(&mut self, detectors: [Id; N], now: i64) -> [Option<Severity>; N] {
        let mut told = [None; N];
        for incident in self.0.as_mut_slice() {
            for at in 0..N {
                if detectors[at] == incident.detector {
                    if incident.goes_on(now) {
                        told[at] = Some(incident.severity);
                        incident.last = incident.last.max(now);
                    } else {
                        incident.is_over = true;
                    }
                }
            }
        }
        told
    }

    /// Writes an incident down; false where it goes on and is no worse.
    pub fn is_news(&mut self, detector: Id, severity: Severity, window_s: u64, now: i64) -> bool {
        // The window of a gap is the gap itself, that of a jump the jump.
        const OWN: [Id; 2] = [
            parameters::detector("log-gap"),
            parameters::detector("clock-backwards"),
        ];
        let quiet_s = if OWN.contains(&detector) {
            SHORTEST_QUIET_S
        } else {
            u32::try_from(window_s).map_or(u32::MAX, |window_s| window_s.max(SHORTEST_QUIET_S))
        };
        let fresh = Incident {
            last: now,
            quiet_s,
            detector,
            severity,
            is_over: false,
        };
        let mut known = self.0.as_mut_slice().iter_mut();
        match known.find(|known| known.detector == detector) {
            Some(known) => {
                let goes_on = known.goes_on(now);
                // A slower rule counts what was told already: it has something to say once the subject was
                // quiet for its own window.
                let is_same = goes_on || known.was_within(now, quiet_s);
                if goes_on {
                    known.last = now;
                }
                if is_same && severity <= known.severity {
                    return false;
                }
                *known = fresh;
            }
            None => self.0.push(fresh),
        }
        true
    }
}

/// Milliseconds since 1970 as a time; 0 stands for lines without one.
pub fn time(now: i64) -> Option<Timestamp> {
    let known = (now != 0).then_some(now)?;
    Timestamp::from_millisecond(known).ok()
}
