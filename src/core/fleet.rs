//! The reports of many deployments as one value, in which a deployment that is silent never vanishes.

pub mod merge;
pub mod targets;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Map;
use serde_json::value::RawValue;

use crate::foreign_text::harmless_json;
use crate::report::{
    CheckResult, ChecklistItem, ItemStatus, Kind, Report, Severity, Status, Summary, Target, Tool,
};

/// The `schema` field of a fleet's report.
pub const SCHEMA: &str = "openclaw-sec/fleet/1";
/// The id of the one result that stands for a deployment without a report.
pub const NO_REPORT: &str = "network.no-report";
/// The id of the result that stands for what a report keeps back or contradicts.
pub const UNSOUND_REPORT: &str = "network.unsound-report";

/// The results of a whole fleet counted by status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FleetSummary {
    /// Deployments, the silent ones among them.
    pub targets: u64,
    /// The sum of the reports' summaries.
    #[serde(flatten)]
    pub results: Summary,
}

/// One deployment of a fleet.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct FleetTarget {
    /// Its name, unique in the fleet.
    pub name: String,
    /// The worst status of its results: `pass`, `fail` or `unknown`.
    pub status: ItemStatus,
    /// Why nothing is known of it.
    pub reason: Option<String>,
    /// What was found out; one `unknown` result where nothing was.
    pub report: Option<Report>,
    /// The report as somebody else wrote it, where that is not what we would write.
    #[serde(skip)]
    #[schemars(skip)]
    original: Option<Box<RawValue>>,
}

impl Serialize for FleetTarget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Body<'t> {
            Original(&'t RawValue),
            Ours(&'t Option<Report>),
        }
        #[derive(Serialize)]
        struct Written<'t> {
            name: &'t str,
            status: ItemStatus,
            reason: &'t Option<String>,
            report: Body<'t>,
        }
        let written = Written {
            name: &self.name,
            status: self.status,
            reason: &self.reason,
            report: match &self.original {
                Some(original) => Body::Original(original),
                None => Body::Ours(&self.report),
            },
        };
        written.serialize(serializer)
    }
}

/// Everything that is known of many deployments.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Fleet {
    /// Always `openclaw-sec/fleet/1`.
    pub schema: String,
    /// Who wrote it.
    pub tool: Tool,
    /// When the run began, RFC 3339 in UTC.
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The results of all targets counted.
    pub summary: FleetSummary,
    /// One entry for each deployment.
    pub targets: Vec<FleetTarget>,
}

impl FleetTarget {
    /// A deployment and its report. Where its summary says something else than its results, or it
    /// holds none, the worse of both counts, and one more result, which is unknown, says so in every
    /// format.
    pub fn reported(name: String, mut report: Report) -> Self {
        let counted = Summary::of(&report.results);
        let agrees = counted == report.summary;
        let reason = if !agrees {
            Some("its summary does not agree with its results")
        } else if report.results.is_empty() {
            Some("its report holds no results")
        } else {
            None
        };
        let has = |count: fn(&Summary) -> u64| count(&counted) > 0 || count(&report.summary) > 0;
        let status = if has(|summary| summary.fail) {
            ItemStatus::Fail
        } else if reason.is_some() || has(|summary| summary.unknown) {
            ItemStatus::Unknown
        } else {
            ItemStatus::Pass
        };
        // A fleet's document that is merged again holds it already.
        let is_said = report.results.iter().any(|one| one.id == UNSOUND_REPORT);
        if let Some(reason) = reason.filter(|_| !is_said) {
            add_unknown(&mut report, reason);
        }
        Self {
            name,
            status,
            reason: reason.map(str::to_owned),
            report: Some(report),
            original: None,
        }
    }

    /// Whether nobody reported: the one result is ours.
    pub fn is_silent(&self) -> bool {
        let results = self.report.as_ref().map(|report| &report.results[..]);
        results.is_none_or(|results| matches!(results, [only] if only.id == NO_REPORT))
    }

    /// Keeps the text the report was read from, so that what we do not know of it is passed on.
    ///
    /// # Errors
    /// When it is no JSON.
    fn passed_on(mut self, text: &str) -> serde_json::Result<Self> {
        let ours = serde_json::to_string_pretty(&self.report)?;
        if harmless_json(&ours) != text.trim() {
            // Outside of strings these are blanks, and inside they do not stand as they are.
            let text = text.replace(['\r', '\t'], " ");
            self.original = Some(serde_json::from_str(&text)?);
        }
        Ok(self)
    }

    /// 1 for a failure at or above `threshold` (`None`: never), else 3 where something is not
    /// known, else 0.
    pub fn exit_code(&self, threshold: Option<Severity>) -> u8 {
        let counts = |worst: Option<Severity>| worst.zip(threshold).is_some_and(|(w, t)| w >= t);
        let report = self.report.as_ref();
        let code = report.map_or(3, |report| report.exit_code(threshold));
        if code == 1 || report.is_some_and(|report| counts(report.summary.worst)) {
            1
        } else if code == 3 || self.status == ItemStatus::Unknown || self.reason.is_some() {
            3
        } else {
            0
        }
    }

    /// A deployment of which nothing is known. `items` are the checklist's ids and titles; `target`
    /// is what should have been looked at.
    pub fn silent(
        name: String,
        mut target: Target,
        reason: String,
        started_at: &str,
        items: &[(&str, &str)],
    ) -> Self {
        target.name = Some(name.clone());
        let result = unknown(
            NO_REPORT,
            "the deployment reports",
            "nothing is known of this deployment",
            &reason,
            "look why it does not answer or report, then run the check again",
        );
        let checklist = items
            .iter()
            .map(|(item, title)| ChecklistItem {
                item: (*item).to_owned(),
                title: (*title).to_owned(),
                status: ItemStatus::Unknown,
            })
            .collect();
        let results = vec![result];
        let report = Report {
            schema: crate::report::SCHEMA.to_owned(),
            tool: Tool::this(),
            started_at: started_at.to_owned(),
            duration_ms: 0,
            target,
            summary: Summary::of(&results),
            checklist,
            results,
        };
        Self {
            name,
            status: ItemStatus::Unknown,
            reason: Some(reason),
            report: Some(report),
            original: None,
        }
    }
}

/// A result of ours about a report as a whole.
fn unknown(id: &str, title: &str, message: &str, reason: &str, remediation: &str) -> CheckResult {
    CheckResult {
        id: id.to_owned(),
        item: ITEM.to_owned(),
        kind: Kind::Live,
        title: title.to_owned(),
        severity: Severity::High,
        status: Status::Unknown,
        message: message.to_owned(),
        reason: reason.to_owned(),
        evidence: Map::new(),
        location: None,
        remediation: remediation.to_owned(),
        references: Vec::new(),
        fixable: false,
        fingerprint: id.to_owned(),
    }
}

/// The item of the checklist that our own results belong to.
const ITEM: &str = "network";

/// Says in the report itself that it cannot be believed.
fn add_unknown(report: &mut Report, reason: &str) {
    report.results.push(unknown(
        UNSOUND_REPORT,
        "the report can be believed",
        "not all is known of this deployment",
        reason,
        "run the check there again, and send the report as it was written",
    ));
    report.summary.unknown = report.summary.unknown.saturating_add(1);
    let mut items = report.checklist.iter_mut();
    if let Some(item) = items.find(|item| item.item == ITEM)
        && item.status != ItemStatus::Fail
    {
        item.status = ItemStatus::Unknown;
    }
}

impl Fleet {
    /// Adds up the targets, which stay in this order.
    pub fn new(started_at: jiff::Timestamp, targets: Vec<FleetTarget>) -> Self {
        let mut results = Summary::default();
        for report in targets.iter().filter_map(|target| target.report.as_ref()) {
            let summary = &report.summary;
            // Numbers that others wrote may be as large as they like.
            for (sum, count) in [
                (&mut results.pass, summary.pass),
                (&mut results.fail, summary.fail),
                (&mut results.unknown, summary.unknown),
                (&mut results.skipped, summary.skipped),
                (&mut results.waived, summary.waived),
            ] {
                *sum = sum.saturating_add(count);
            }
            results.worst = results.worst.max(summary.worst);
        }
        Self {
            schema: SCHEMA.to_owned(),
            tool: Tool::this(),
            started_at: started_at.to_string(),
            duration_ms: 0,
            summary: FleetSummary {
                targets: targets.len() as u64,
                results,
            },
            targets,
        }
    }
}

/// What a run of `check` delivers: the one value behind every format and the exit code.
#[derive(Debug, Clone)]
pub enum Findings {
    /// One deployment.
    One(Report),
    /// Many of them.
    Fleet(Fleet),
}

/// One deployment as a renderer sees it.
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'f> {
    /// Its name in the fleet; none where there is no fleet.
    pub name: Option<&'f str>,
    /// What was found out.
    pub report: &'f Report,
}

impl<'f> Deployment<'f> {
    /// What the deployment is called: its name, else its env file, else its endpoint, else `-`.
    pub fn label(&self) -> &'f str {
        let target = &self.report.target;
        self.name
            .or(target.name.as_deref())
            .or(target.env.as_deref())
            .or(target.url.as_deref())
            .unwrap_or("-")
    }
}

impl Findings {
    /// Every deployment, in the order of the run.
    pub fn deployments(&self) -> impl Iterator<Item = Deployment<'_>> {
        let one = match self {
            Self::One(report) => Some(Deployment { name: None, report }),
            Self::Fleet(_) => None,
        };
        let many = self.fleet().into_iter().flat_map(|fleet| &fleet.targets);
        one.into_iter().chain(many.filter_map(|target| {
            let name = Some(&*target.name);
            target
                .report
                .as_ref()
                .map(|report| Deployment { name, report })
        }))
    }

    /// The fleet, where it is one.
    pub fn fleet(&self) -> Option<&Fleet> {
        match self {
            Self::One(_) => None,
            Self::Fleet(fleet) => Some(fleet),
        }
    }

    /// When the run began, RFC 3339 in UTC.
    pub fn started_at(&self) -> &str {
        match self {
            Self::One(report) => &report.started_at,
            Self::Fleet(fleet) => &fleet.started_at,
        }
    }

    /// All results counted.
    pub fn summary(&self) -> &Summary {
        match self {
            Self::One(report) => &report.summary,
            Self::Fleet(fleet) => &fleet.summary.results,
        }
    }

    /// The exit code: 1 for a failure at or above `threshold` (`None`: never) anywhere, else 3 for
    /// anything unknown, else 0.
    pub fn exit_code(&self, threshold: Option<Severity>) -> u8 {
        match self {
            Self::One(report) => report.exit_code(threshold),
            Self::Fleet(fleet) => {
                let codes = || fleet.targets.iter().map(|t| t.exit_code(threshold));
                // Of a fleet without deployments, nothing is known.
                match codes().min() {
                    Some(_) if codes().any(|code| code == 1) => 1,
                    None => 3,
                    Some(_) if codes().any(|code| code == 3) => 3,
                    Some(_) => 0,
                }
            }
        }
    }

    /// Says how long the run took, in milliseconds.
    pub fn took(&mut self, duration_ms: u64) {
        match self {
            Self::One(report) => report.duration_ms = duration_ms,
            Self::Fleet(fleet) => fleet.duration_ms = duration_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEMS: &[(&str, &str)] = &[("auth", "Authentication enabled for web UI")];

    fn target() -> Target {
        Target {
            env: Some("bots/a.env".into()),
            url: None,
            profile: "vps".into(),
            name: None,
            dialect: None,
        }
    }

    #[test]
    fn a_silent_deployment_is_one_unknown_result_and_never_a_pass() {
        let silent = FleetTarget::silent("a".into(), target(), "no answer".into(), "then", ITEMS);
        let fleet = Fleet::new(jiff::Timestamp::UNIX_EPOCH, vec![silent]);
        assert_eq!(
            (fleet.summary.targets, fleet.summary.results.unknown),
            (1, 1)
        );
        let findings = Findings::Fleet(fleet);
        assert_eq!(findings.exit_code(Some(Severity::Medium)), 3);
        assert_eq!(findings.exit_code(None), 3);
        let labels: Vec<&str> = findings.deployments().map(|d| d.label()).collect();
        assert_eq!(labels, ["a"]);
    }

    #[test]
    fn a_report_without_failures_and_unknowns_is_a_pass_and_an_empty_one_is_none() {
        let mut report = FleetTarget::silent("a".into(), target(), "x".into(), "then", ITEMS)
            .report
            .expect("a silent target carries a report");
        for (status, expected, code) in [
            (Status::Skipped, ItemStatus::Pass, 0),
            (Status::Waived, ItemStatus::Pass, 0),
            (Status::Unknown, ItemStatus::Unknown, 3),
            (Status::Fail, ItemStatus::Fail, 1),
        ] {
            report.results[0].status = status;
            report.summary = Summary::of(&report.results);
            let target = FleetTarget::reported("a".into(), report.clone());
            assert_eq!(target.status, expected, "{status:?}");
            assert_eq!(target.exit_code(Some(Severity::Medium)), code, "{status:?}");
        }
        report.results.clear();
        for summary in [Summary::default(), report.summary.clone()] {
            report.summary = summary;
            let target = FleetTarget::reported("a".into(), report.clone());
            let results = target.report.as_ref().map(|report| &report.results[..]);
            assert!(
                matches!(results, Some([only]) if only.id == UNSOUND_REPORT && only.status == Status::Unknown)
            );
            assert!(target.reason.is_some() && target.exit_code(None) == 3);
        }
    }

    #[test]
    fn a_deployment_is_called_by_its_name_else_by_its_env_file() {
        let silent = FleetTarget::silent("a".into(), target(), "no answer".into(), "then", ITEMS);
        let mut report = silent.report.expect("a silent target carries a report");
        report.target.name = None;
        let findings = Findings::One(report);
        let labels: Vec<&str> = findings.deployments().map(|d| d.label()).collect();
        assert_eq!(labels, ["bots/a.env"]);
    }
}
