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
    /// What it can be at most: nobody remembers more.
    pub most: u64,
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
    /// In the order of the table.
    numbers: [u64; NUMBERS],
    /// One bit for each detector that is switched off.
    off: u32,
    ignore: Vec<IpNet>,
    /// See [`DetectorSettings::hours`].
    pub hours: Option<(u8, u8)>,
}

/// Where a number stands among all. Every event asks for several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number(usize);

/// A detector by its row. Every event asks for several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id(u8);

impl Id {
    /// As it stands in alerts and in the configuration.
    pub fn name(self) -> &'static str {
        DETECTORS[usize::from(self.0)].id
    }
}

/// All numbers of all detectors.
const NUMBERS: usize = {
    let mut count = 0;
    let mut detector = 0;
    while detector < DETECTORS.len() {
        count += DETECTORS[detector].parameters.len();
        detector += 1;
    }
    count
};

/// The detector of this name; a name that is not in the table does not compile.
pub const fn detector(id: &str) -> Id {
    let mut row = 0;
    while row < DETECTORS.len() {
        if is_same(DETECTORS[row].id, id) {
            // There are twelve.
            return Id(row as u8);
        }
        row += 1;
    }
    panic!("there is no detector of this name")
}

/// The number of this name; a name that is not in the table does not compile.
pub const fn number(id: &str, name: &str) -> Number {
    let mut place = 0;
    let mut detector = 0;
    while detector < DETECTORS.len() {
        let parameters = DETECTORS[detector].parameters;
        let mut parameter = 0;
        while parameter < parameters.len() {
            if is_same(DETECTORS[detector].id, id) && is_same(parameters[parameter].name, name) {
                return Number(place);
            }
            place += 1;
            parameter += 1;
        }
        detector += 1;
    }
    panic!("no detector has a number of this name")
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

impl Default for Tuning {
    fn default() -> Self {
        Self::new(&DetectorSettings::default())
    }
}

impl Tuning {
    /// The defaults, with what the configuration says laid over them.
    pub fn new(settings: &DetectorSettings) -> Self {
        let mut numbers = [0; NUMBERS];
        let mut places = numbers.iter_mut();
        let mut off = 0;
        for (row, detector) in DETECTORS.iter().enumerate() {
            for (parameter, place) in detector.parameters.iter().zip(&mut places) {
                let set = settings
                    .numbers
                    .iter()
                    .find(|(id, name, _)| id == detector.id && name == parameter.name);
                *place = set.map_or(parameter.default, |(_, _, value)| *value);
            }
            let enabled = settings.enabled.iter().find(|(id, _)| id == detector.id);
            if enabled.is_some_and(|(_, enabled)| !enabled) {
                off |= 1 << row;
            }
        }
        Self {
            numbers,
            off,
            ignore: settings.ignore.clone(),
            hours: settings.hours,
        }
    }

    /// One of the numbers.
    #[inline]
    pub fn get(&self, number: Number) -> u64 {
        self.numbers[number.0]
    }

    /// Whether a detector is on.
    #[inline]
    pub fn is_on(&self, id: Id) -> bool {
        self.off >> id.0 & 1 == 0
    }

    /// Whether nobody wants to hear of this address.
    #[inline]
    pub fn ignores(&self, ip: IpAddr) -> bool {
        self.ignore.iter().any(|network| network.contains(&ip))
    }
}
