//! The inspector: the table of checks, the evidence they look at, and the verdicts.

mod auth;
mod code;
mod dialect;
mod evidence;
mod firewall;
mod fix;
#[cfg(test)]
mod fixtures;
mod host;
mod https;
mod inspect;
mod live;
mod log_line;
mod logs;
mod network;
mod rate_limit;
mod rotation;
mod secrets;
mod selection;
#[cfg(test)]
mod tests;
mod upstream;
mod verdict;
mod waivers;

pub use dialect::Dialect;
pub use evidence::{Declared, Evidence, Live, Question};
pub use fix::{Change, Mending, obstacle as obstacle_to_fixes, plan as plan_fixes};
pub use host::{HostEvidence, Machine, gather as gather_host};
pub use inspect::{Inspection, Names, inspect};
pub use log_line::is_structured_event;
pub use rate_limit::declared_limit;
pub use rotation::{RotationEvidence, gather as gather_rotation};
pub use selection::{Selection, SelectionError};
pub use upstream::{Upstream, UpstreamError};
pub use verdict::{Finding, Verdict};
pub use waivers::{Baseline, BaselineError, WaiverNews, apply_baseline, apply_waivers};

use crate::report::{Kind, Severity};

/// One line of the page's checklist.
#[derive(Debug)]
pub struct Item {
    /// The first part of its checks' ids.
    pub id: &'static str,
    /// The page's words.
    pub title: &'static str,
    /// Its checks.
    pub checks: &'static [Check],
}

/// The checklist: the page's seven items and the network rules.
pub const ITEMS: &[Item] = &[
    Item {
        id: "secrets",
        title: "API keys stored securely",
        checks: secrets::CHECKS,
    },
    Item {
        id: "auth",
        title: "Authentication enabled for web UI",
        checks: auth::CHECKS,
    },
    Item {
        id: "https",
        title: "HTTPS enabled",
        checks: https::CHECKS,
    },
    Item {
        id: "rate-limit",
        title: "Rate limiting configured",
        checks: rate_limit::CHECKS,
    },
    Item {
        id: "logs",
        title: "Logs monitored",
        checks: logs::CHECKS,
    },
    Item {
        id: "rotation",
        title: "Regular key rotation scheduled",
        checks: rotation::CHECKS,
    },
    Item {
        id: "firewall",
        title: "Firewall rules in place (VPS)",
        checks: firewall::CHECKS,
    },
    Item {
        id: "network",
        title: "Hosted networking split, CORS, proxies",
        checks: network::CHECKS,
    },
];

/// One question of the checklist.
#[derive(Debug)]
pub struct Check {
    /// Permanent.
    pub id: &'static str,
    /// How it looks for the answer.
    pub kind: Kind,
    /// How it looks where no endpoint is named.
    pub second_kind: Option<Kind>,
    /// Whether it asks things that a limiter or a lock-out may notice.
    pub is_active: bool,
    /// How bad a failure is, where the finding itself does not know better.
    pub severity: Severity,
    /// What is asked, in a few words.
    pub title: &'static str,
    /// Why it matters, in one sentence.
    pub why: &'static str,
    /// What to do, complete in itself.
    pub remediation: &'static str,
    /// Standards and documentation.
    pub references: &'static [&'static str],
    /// Whether `--fix` can mend it.
    pub is_fixable: bool,
    /// Decides, from evidence alone.
    pub judge: fn(&Evidence) -> Vec<Verdict>,
}

impl Check {
    /// A check that decides with `judge`; its words are added by the methods below.
    const fn new(
        id: &'static str,
        kind: Kind,
        severity: Severity,
        judge: fn(&Evidence) -> Vec<Verdict>,
    ) -> Self {
        Self {
            id,
            kind,
            second_kind: None,
            is_active: false,
            severity,
            title: "",
            why: "",
            remediation: "",
            references: &[],
            is_fixable: false,
            judge,
        }
    }

    /// What is asked, and why it matters.
    const fn asks(mut self, title: &'static str, why: &'static str) -> Self {
        self.title = title;
        self.why = why;
        self
    }

    /// What to do about a failure. `{env}` stands for the env file that was given.
    const fn mended_by(mut self, remediation: &'static str) -> Self {
        self.remediation = remediation;
        self
    }

    /// Where the rule comes from.
    const fn see(mut self, references: &'static [&'static str]) -> Self {
        self.references = references;
        self
    }

    /// `--fix` can mend it.
    const fn fixable(mut self) -> Self {
        self.is_fixable = true;
        self
    }

    /// Only asked under `--active`.
    const fn active(mut self) -> Self {
        self.is_active = true;
        self
    }

    /// This machine shows the answer, too.
    const fn or_host(mut self) -> Self {
        self.second_kind = Some(Kind::Host);
        self
    }

    /// How it looks for the answer, in words: `live`, `live, host`, `live, active`.
    pub fn kinds(&self) -> String {
        let mut words = vec![self.kind.word()];
        words.extend(self.second_kind.map(Kind::word));
        words.extend(self.is_active.then_some("active"));
        words.join(", ")
    }

    /// The checklist item: the part of the id before the dot.
    pub fn item(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(item, _)| item)
    }
}

/// Every check, in the order of the checklist.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    ITEMS.iter().flat_map(|item| item.checks)
}

/// The check of this id.
pub fn find(id: &str) -> Option<&'static Check> {
    checks().find(|check| check.id == id)
}

/// Whether a check has this id.
pub fn is_id(id: &str) -> bool {
    find(id).is_some()
}
