//! One incident, one alert: who was told of stays silent until it was quiet for long enough.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{Alert, table};
use crate::report::Severity;

/// The shortest silence that ends an incident, in seconds.
const SHORTEST_QUIET: i64 = 1800;

/// An alert on its way through the incidents.
#[derive(Debug)]
pub struct Firing {
    pub detector: &'static str,
    pub severity: Severity,
    pub subject: String,
    pub count: u64,
    pub window_s: u64,
    pub message: String,
    pub evidence: Vec<u64>,
    pub first: Option<i64>,
    pub others: Vec<String>,
}

/// What was told of, by detector and subject. Times are in milliseconds.
#[derive(Debug, Default)]
pub struct Incidents {
    told: HashMap<(&'static str, String), Incident>,
}

#[derive(Debug, Clone)]
struct Incident {
    last: i64,
    quiet: i64,
    severity: Severity,
}

impl Incident {
    /// Whether it goes on; a clock that jumped far back begins anew.
    fn goes_on(&self, now: i64) -> bool {
        (-self.quiet..=self.quiet).contains(&(now - self.last))
    }
}

impl Incidents {
    /// Whether an incident goes on that cannot get worse: nobody needs to work it out again.
    pub fn is_told(
        &self,
        detector: &'static str,
        subject: &str,
        worst: Severity,
        now: i64,
    ) -> bool {
        if self.told.is_empty() {
            return false;
        }
        let incident = self.told.get(&(detector, subject.to_owned()));
        incident.is_some_and(|incident| incident.severity >= worst && incident.goes_on(now))
    }

    /// An incident goes on.
    pub fn touch(&mut self, detectors: &[&'static str], subject: &str, now: i64) {
        if self.told.is_empty() {
            return;
        }
        for detector in detectors {
            let key = (*detector, subject.to_owned());
            if let Some(incident) = self.told.get_mut(&key) {
                if incident.goes_on(now) {
                    incident.last = incident.last.max(now);
                } else {
                    self.told.remove(&key);
                }
            }
        }
    }

    /// The alert of a firing, unless it belongs to an incident that was told of and is no worse.
    pub fn alert(&mut self, firing: Firing, now: i64) -> Option<Alert> {
        let key = (firing.detector, firing.subject.clone());
        // The window of a gap is the gap itself.
        let window_s = if firing.detector == "log-gap" {
            0
        } else {
            i64::try_from(firing.window_s).unwrap_or(i64::MAX / 2000)
        };
        let quiet = 1000 * SHORTEST_QUIET.max(window_s);
        if let Some(incident) = self.told.get_mut(&key) {
            let goes_on = incident.goes_on(now);
            incident.last = now;
            if goes_on && firing.severity <= incident.severity {
                return None;
            }
            incident.severity = firing.severity;
            incident.quiet = quiet;
        } else {
            if self.told.len() >= table::MOST_SUBJECTS {
                self.forget_oldest();
            }
            let incident = Incident {
                last: now,
                quiet,
                severity: firing.severity,
            };
            self.told.insert(key, incident);
        }
        Some(Alert {
            time: (now != 0)
                .then(|| Timestamp::from_millisecond(now).ok())
                .flatten(),
            detector: firing.detector,
            severity: firing.severity,
            subject: firing.subject,
            count: firing.count,
            window_s: firing.window_s,
            message: firing.message,
            evidence: firing.evidence,
            first: firing
                .first
                .and_then(|first| Timestamp::from_millisecond(first).ok()),
            others: firing.others,
        })
    }

    fn forget_oldest(&mut self) {
        let mut times: Vec<i64> = self.told.values().map(|incident| incident.last).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        self.told.retain(|_, incident| incident.last > median);
    }
}
