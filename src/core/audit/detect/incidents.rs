//! One incident, one alert: who was told of stays silent until it was quiet for long enough.

use jiff::Timestamp;

use super::few::Few;
use super::parameters::{Id, detector};
use super::records::{Keyed, Records};
use super::{Alert, table};
use crate::report::Severity;

/// The shortest silence that ends an incident, in seconds.
const SHORTEST_QUIET: i64 = 1800;

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

/// What was told of, by the hash of the subject. Times are in milliseconds.
#[derive(Debug, Default)]
pub struct Incidents {
    told: Records<Told>,
}

/// What was told of one subject.
#[derive(Debug)]
struct Told {
    key: u64,
    incidents: Few<Incident>,
}

impl Keyed for Told {
    fn of(key: u64) -> Self {
        Self {
            key,
            incidents: Few::None,
        }
    }

    fn key(&self) -> u64 {
        self.key
    }
}

#[derive(Debug, Clone, Copy)]
struct Incident {
    last: i64,
    quiet: i64,
    detector: Id,
    severity: Severity,
}

impl Incident {
    /// Whether it goes on; a clock that jumped far back begins anew.
    #[inline(always)]
    fn goes_on(&self, now: i64) -> bool {
        (-self.quiet..=self.quiet).contains(&(now - self.last))
    }
}

impl Incidents {
    /// Holds the bounds of everything that is remembered.
    #[cfg(test)]
    pub fn assert_bounded(&self) {
        assert!(self.told.len() <= table::MOST_SUBJECTS);
        for told in self.told.iter() {
            assert!(told.incidents.as_slice().len() <= super::DETECTORS.len());
        }
    }

    /// The severities that were told of, while the incidents go on; and they do go on.
    #[inline(always)]
    pub fn touch<const N: usize>(
        &mut self,
        detectors: [Id; N],
        key: u64,
        now: i64,
    ) -> [Option<Severity>; N] {
        let mut told = [None; N];
        let Some(known) = self.told.get_mut(key) else {
            return told;
        };
        let mut is_over = false;
        for incident in known.incidents.as_mut_slice() {
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
            self.end(&detectors, key, now);
        }
        told
    }

    /// Forgets those incidents that do not go on.
    #[cold]
    fn end(&mut self, detectors: &[Id], key: u64, now: i64) {
        let Some(Told { incidents, .. }) = self.told.get_mut(key) else {
            return;
        };
        incidents.retain(|known| !detectors.contains(&known.detector) || known.goes_on(now));
        if incidents.as_slice().is_empty() {
            self.told.remove(key);
        }
    }

    /// Whether a firing would say nothing new: then the incident goes on, and nothing needs to be
    /// worked out.
    pub fn goes_on(&mut self, detector: Id, key: u64, severity: Severity, now: i64) -> bool {
        let known = self.told.get_mut(key).and_then(|told| {
            let mut incidents = told.incidents.as_mut_slice().iter_mut();
            incidents.find(|incident| incident.detector == detector)
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
        let window_s = if firing.detector == const { detector("log-gap") } {
            0
        } else {
            i64::try_from(firing.window_s).unwrap_or(i64::MAX / 2000)
        };
        let incident = Incident {
            last: now,
            quiet: 1000 * SHORTEST_QUIET.max(window_s),
            detector: firing.detector,
            severity: firing.severity,
        };
        if !self.note(key, incident) {
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
    fn note(&mut self, key: u64, fresh: Incident) -> bool {
        let Told { incidents, .. } = match self.told.place(key) {
            Some(place) => self.told.at(place),
            None => {
                if self.told.len() >= table::MOST_SUBJECTS {
                    self.forget_oldest();
                }
                self.told.add(key)
            }
        };
        let mut known = incidents.as_mut_slice().iter_mut();
        match known.find(|known| known.detector == fresh.detector) {
            Some(known) => {
                let goes_on = known.goes_on(fresh.last);
                known.last = fresh.last;
                if goes_on && fresh.severity <= known.severity {
                    return false;
                }
                known.severity = fresh.severity;
                known.quiet = fresh.quiet;
            }
            None => incidents.push(fresh),
        }
        true
    }

    fn forget_oldest(&mut self) {
        let latest = |told: &Told| {
            let times = told.incidents.as_slice().iter().map(|known| known.last);
            times.max()
        };
        let mut times: Vec<Option<i64>> = self.told.iter().map(latest).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        self.told.retain(|told| latest(told) > median);
    }
}
