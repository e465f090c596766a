//! One incident, one alert: who was told of stays silent until it was quiet for long enough.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use jiff::Timestamp;

use super::{Alert, table};
use crate::audit::hashing::AsItIs;
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

/// What was told of, by the hash of the subject. Times are in milliseconds.
#[derive(Debug, Default)]
pub struct Incidents {
    told: HashMap<u64, Vec<Incident>, BuildHasherDefault<AsItIs>>,
}

#[derive(Debug, Clone)]
struct Incident {
    detector: &'static str,
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
    /// The severity that was told of, while the incident goes on.
    pub fn told(&self, detector: &'static str, key: u64, now: i64) -> Option<Severity> {
        let incidents = self.told.get(&key)?;
        let incident = incidents.iter().find(|known| known.detector == detector)?;
        incident.goes_on(now).then_some(incident.severity)
    }

    /// Holds the bounds of everything that is remembered.
    #[cfg(test)]
    pub fn assert_bounded(&self) {
        assert!(self.told.len() <= table::MOST_SUBJECTS);
        for incidents in self.told.values() {
            assert!(incidents.len() <= super::DETECTORS.len());
        }
    }

    /// The severities that were told of, while the incidents go on; and they do go on.
    pub fn touch<const N: usize>(
        &mut self,
        detectors: [&'static str; N],
        key: u64,
        now: i64,
    ) -> [Option<Severity>; N] {
        let mut told = [None; N];
        let Some(incidents) = self.told.get_mut(&key) else {
            return told;
        };
        incidents.retain_mut(|incident| {
            let Some(at) = detectors.iter().position(|id| *id == incident.detector) else {
                return true;
            };
            let goes_on = incident.goes_on(now);
            if goes_on {
                told[at] = Some(incident.severity);
                incident.last = incident.last.max(now);
            }
            goes_on
        });
        if incidents.is_empty() {
            self.told.remove(&key);
        }
        told
    }

    /// Whether a firing would say nothing new: then the incident goes on, and nothing needs to be
    /// worked out.
    pub fn goes_on(
        &mut self,
        detector: &'static str,
        key: u64,
        severity: Severity,
        now: i64,
    ) -> bool {
        let known = self.told.get_mut(&key).and_then(|incidents| {
            incidents
                .iter_mut()
                .find(|incident| incident.detector == detector)
        });
        match known {
            Some(incident) if incident.goes_on(now) && severity <= incident.severity => {
                incident.last = now;
                true
            }
            _ => false,
        }
    }

    /// The alert of a firing, unless it belongs to an incident that was told of and is no worse.
    pub fn alert(&mut self, key: u64, firing: Firing, now: i64) -> Option<Alert> {
        // The window of a gap is the gap itself.
        let window_s = if firing.detector == "log-gap" {
            0
        } else {
            i64::try_from(firing.window_s).unwrap_or(i64::MAX / 2000)
        };
        let quiet = 1000 * SHORTEST_QUIET.max(window_s);
        if self.told.len() >= table::MOST_SUBJECTS && !self.told.contains_key(&key) {
            self.forget_oldest();
        }
        let incidents = self.told.entry(key).or_default();
        let known = incidents
            .iter_mut()
            .find(|incident| incident.detector == firing.detector);
        match known {
            Some(incident) => {
                let goes_on = incident.goes_on(now);
                incident.last = now;
                if goes_on && firing.severity <= incident.severity {
                    return None;
                }
                incident.severity = firing.severity;
                incident.quiet = quiet;
            }
            None => incidents.push(Incident {
                detector: firing.detector,
                last: now,
                quiet,
                severity: firing.severity,
            }),
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
        let latest = |incidents: &Vec<Incident>| incidents.iter().map(|known| known.last).max();
        let mut times: Vec<Option<i64>> = self.told.values().map(latest).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        self.told.retain(|_, incidents| latest(incidents) > median);
    }
}
