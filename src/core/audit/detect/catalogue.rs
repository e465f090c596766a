//! The table of detectors: names, subjects and numbers.

use super::Parameter;
use super::attempts::MOST_ATTEMPTS;

/// One detector: what it is called, what it watches, and what can be tuned.
pub struct Detector {
    /// Its name in alerts and in the configuration.
    pub id: &'static str,
    /// What its alerts are about.
    pub subject: &'static str,
    /// When it fires, for people.
    pub about: &'static str,
    /// Its numbers and their defaults.
    pub parameters: &'static [Parameter],
}

impl Detector {
    /// Its number of this name.
    pub fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.parameters
            .iter()
            .find(|parameter| parameter.name == name)
    }
}

const fn number(name: &'static str, default: u64) -> Parameter {
    Parameter {
        name,
        default,
        most: u32::MAX as u64,
    }
}

/// A number of attempts, which are remembered one by one.
const fn attempts(name: &'static str, default: u64) -> Parameter {
    Parameter {
        name,
        default,
        most: MOST_ATTEMPTS,
    }
}

/// Every detector.
pub const DETECTORS: &[Detector] = &[
    Detector {
        id: "brute-force",
        subject: "address",
        about: "many refused logins from one address",
        parameters: &[
            attempts("count", 5),
            number("window_s", 600),
            attempts("high_count", 20),
            attempts("slow_count", 20),
            number("slow_window_s", 86_400),
        ],
    },
    Detector {
        id: "password-spray",
        subject: "address",
        about: "one address is refused as many users",
        parameters: &[attempts("count", 5), number("window_s", 1200)],
    },
    Detector {
        id: "credential-stuffing",
        subject: "user",
        about: "one user is refused from many addresses",
        parameters: &[attempts("count", 5), number("window_s", 3600)],
    },
    Detector {
        id: "success-after-failures",
        subject: "user, else address",
        about: "a login succeeds after many were refused",
        parameters: &[attempts("count", 5), number("window_s", 1800)],
    },
    Detector {
        id: "rate-limit-storm",
        subject: "address, else user",
        about: "one client runs into the limiter again and again",
        parameters: &[attempts("count", 20), number("window_s", 60)],
    },
    Detector {
        id: "error-spike",
        subject: "file",
        about: "far more errors than in the hour before",
        parameters: &[
            number("count", 20),
            number("window_s", 300),
            number("factor", 4),
            number("warmup_s", 1800),
        ],
    },
    Detector {
        id: "usage-anomaly",
        subject: "user",
        about: "a user does far more than they ever did",
        parameters: &[
            number("count", 30),
            number("window_s", 300),
            number("factor", 3),
            number("deviations", 6),
            number("history", 12),
        ],
    },
    Detector {
        id: "new-address",
        subject: "user",
        about: "a user's first login from an unseen network",
        parameters: &[number("count", 20), number("days", 7)],
    },
    Detector {
        id: "off-hours",
        subject: "user",
        about: "a login at an hour at which this user never comes",
        parameters: &[number("count", 30), number("days", 14)],
    },
    Detector {
        id: "log-gap",
        subject: "file",
        about: "the log fell silent, or its writer lost lines",
        parameters: &[
            number("count", 200),
            number("window_s", 1800),
            number("factor", 10),
        ],
    },
    Detector {
        id: "clock-backwards",
        subject: "file",
        about: "times in the log jump back",
        parameters: &[number("window_s", 60)],
    },
    Detector {
        id: "log-truncated",
        subject: "file",
        about: "content of the log vanished",
        parameters: &[],
    },
];
