//! One incident, one alert: who was told of stays silent until it was quiet for long enough.

use jiff::Timestamp;

use super::Alert;
use super::few::Few;
use super::parameters::{Id, detector};
use crate::report::Severity;

/// The shortest silence that ends an incident, in seconds.
const SHORTEST_QUIET_S: u32 = 1800;

/// An alert on its way through the incidents.
#[derive(Debug)]
pub struct Firing {
    pub detector: Id,
    pub severity: Severity,
    pub subject: String,
    pub count: u64,
    pub window_s: u64,
    pub message: String,
    pub evidence: Vec<u64>,
    pub first: Option<i64>,
    pub others: String,
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
}

impl Incident {
    /// Whether it goes on; a clock that jumped far back begins anew.
    #[inline(always)]
    fn goes_on(&self, now: i64) -> bool {
        let quiet = 1000 * i64::from(self.quiet_s);
        (-quiet..=quiet).contains(&(now - self.last))
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
        let mut is_over = false;
        for incident in self.0.as_mut_slice() {
            for at in 0..N {
                if detectors[at] == incident.detector {
                    if incident.goes_on(now) {
                        told[at] = Some(incident.severity);
                        incident.last = incident.last.max(now);
                    } else {
                        is_over = true;
                    }
                }
            }
        }
        if is_over {
            self.end(&detectors, now);
        }
        told
    }

    /// Forgets those incidents that do not go on.
    #[cold]
    fn end(&mut self, detectors: &[Id], now: i64) {
        let is_other = |known: &Incident| !detectors.contains(&known.detector);
        self.0.retain(|known| is_other(known) || known.goes_on(now));
    }

    /// Whether a firing would say nothing new: then the incident goes on, and nothing needs to be
    /// worked out.
    pub fn goes_on(&mut self, detector: Id, severity: Severity, now: i64) -> bool {
        let mut known = self.0.as_mut_slice().iter_mut();
        match known.find(|known| known.detector == detector) {
            Some(incident) if incident.goes_on(now) && severity <= incident.severity => {
                incident.last = now;
                true
            }
            _ => false,
        }
    }

    /// Adds the alert of a firing, if there is one, unless it belongs to an incident that was told of
    /// and is no worse.
    #[inline]
    pub fn tell(&mut self, firing: Option<Box<Firing>>, now: i64, alerts: &mut Vec<Alert>) {
        if let Some(firing) = firing {
            alerts.extend(self.alert(*firing, now));
        }
    }

    #[inline(never)]
    fn alert(&mut self, firing: Firing, now: i64) -> Option<Alert> {
        // The window of a gap is the gap itself.
        let window_s = if firing.detector == const { detector("log-gap") } {
            0
        } else {
            u32::try_from(firing.window_s).unwrap_or(u32::MAX)
        };
        let incident = Incident {
            last: now,
            quiet_s: SHORTEST_QUIET_S.max(window_s),
            detector: firing.detector,
            severity: firing.severity,
        };
        if !self.note(incident) {
            return None;
        }
        let time = |time: i64| Timestamp::from_millisecond(time).ok();
        Some(Alert {
            time: (now != 0).then(|| time(now)).flatten(),
            detector: firing.detector.name(),
            severity: firing.severity,
            subject: firing.subject,
            count: firing.count,
            window_s: firing.window_s,
            message: firing.message,
            evidence: firing.evidence,
            first: firing.first.and_then(time),
            others: firing.others,
        })
    }

    /// Writes an incident down; false where it goes on and is no worse.
    fn note(&mut self, fresh: Incident) -> bool {
        let mut known = self.0.as_mut_slice().iter_mut();
        match known.find(|known| known.detector == fresh.detector) {
            Some(known) => {
                let goes_on = known.goes_on(fresh.last);
                known.last = fresh.last;
                if goes_on && fresh.severity <= known.severity {
                    return false;
                }
                known.severity = fresh.severity;
                known.quiet_s = fresh.quiet_s;
            }
            None => self.0.push(fresh),
        }
        true
    }
}
