//! What can be tuned, by `[detectors.<id>]` of the configuration.

use std::net::IpAddr;

use ipnet::IpNet;

use super::DETECTORS;

/// A number of a detector.
#[derive(Debug)]
pub struct Parameter {
    /// Its key in the configuration; `_s` means seconds.
    pub name: &'static str,
    /// Its value when nobody says otherwise.
    pub default: u64,
}

/// What the configuration says about detectors.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DetectorSettings {
    /// Numbers, by detector and key.
    pub numbers: Vec<(String, String, u64)>,
    /// Detectors switched on or off.
    pub enabled: Vec<(String, bool)>,
    /// Networks that no detector counts.
    pub ignore: Vec<IpNet>,
    /// Hours of the day at which logins are usual, first and last, for `off-hours`.
    pub hours: Option<(u8, u8)>,
}

/// All numbers, ready for use.
#[derive(Debug, Clone)]
pub struct Tuning {
    numbers: Vec<Vec<Number>>,
    off: Vec<&'static str>,
    ignore: Vec<IpNet>,
    /// See [`DetectorSettings::hours`].
    pub hours: Option<(u8, u8)>,
}

/// A detector, the name of a number, and the number.
type Number = (&'static str, &'static str, u64);

/// Every event asks for several numbers: they are found by the looks of their names, not by a hash
/// that withstands attackers.
const PLACES: usize = 64;

fn place(id: &str, name: &str) -> usize {
    let looks = |text: &str| {
        let bytes = text.as_bytes();
        let end = |byte: Option<&u8>| byte.map_or(0, |byte| usize::from(*byte));
        31 * bytes.len() + 3 * end(bytes.first()) + end(bytes.last())
    };
    (7 * looks(id) + looks(name)) % PLACES
}

impl Default for Tuning {
    fn default() -> Self {
        Self::new(&DetectorSettings::default())
    }
}

impl Tuning {
    /// The defaults, with what the configuration says laid over them.
    pub fn new(settings: &DetectorSettings) -> Self {
        let mut numbers = vec![Vec::new(); PLACES];
        let mut off = Vec::new();
        for detector in DETECTORS {
            for parameter in detector.parameters {
                let set = settings
                    .numbers
                    .iter()
                    .find(|(id, name, _)| id == detector.id && name == parameter.name);
                let value = set.map_or(parameter.default, |(_, _, value)| *value);
                numbers[place(detector.id, parameter.name)].push((
                    detector.id,
                    parameter.name,
                    value,
                ));
            }
            let enabled = settings.enabled.iter().find(|(id, _)| id == detector.id);
            if enabled.is_some_and(|(_, enabled)| !enabled) {
                off.push(detector.id);
            }
        }
        Self {
            numbers,
            off,
            ignore: settings.ignore.clone(),
            hours: settings.hours,
        }
    }

    /// A number; 0 where a detector has none of this name.
    pub fn get(&self, id: &str, name: &str) -> u64 {
        self.numbers[place(id, name)]
            .iter()
            .find(|number| number.1 == name && number.0 == id)
            .map_or(0, |number| number.2)
    }

    /// Whether a detector is on.
    pub fn is_on(&self, id: &str) -> bool {
        !self.off.contains(&id)
    }

    /// Whether nobody wants to hear of this address.
    pub fn ignores(&self, ip: IpAddr) -> bool {
        self.ignore.iter().any(|network| network.contains(&ip))
    }
}
