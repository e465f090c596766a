//! Metrics in Prometheus' text format, for the textfile collector of node_exporter.

use std::collections::{BTreeMap, HashMap};

use openclaw_sec::fleet::{Deployment, Findings, NO_REPORT};
use openclaw_sec::foreign_text::harmless;
use openclaw_sec::report::{CheckResult, Status};

use super::Page;
use super::services::millisecond;

/// promtool refuses `openclaw_sec_`: "sec" reads like an abbreviated unit.
const PREFIX: &str = "openclaw_security";

pub fn render(findings: &Findings, _: &Page<'_>) -> String {
    let deployments: Vec<Deployment<'_>> = findings.deployments().collect();
    let heard: Vec<&Deployment<'_>> = deployments.iter().filter(|d| !is_silent(d)).collect();
    let mut text = String::new();
    family(
        &mut text,
        "check_results",
        "Results of the last run by check and status.",
        results(&deployments),
    );
    let last_run = heard.iter().filter_map(|deployment| {
        let started = millisecond(&deployment.report.started_at)?;
        Some((target(deployment), seconds(started)))
    });
    family(
        &mut text,
        "check_last_run_timestamp_seconds",
        "When the last run began.",
        last_run.collect(),
    );
    let took = |d: &Deployment<'_>| i64::try_from(d.report.duration_ms).unwrap_or(i64::MAX);
    let duration = heard.iter().map(|d| (target(d), seconds(took(d))));
    family(
        &mut text,
        "check_duration_seconds",
        "How long the last run took.",
        duration.collect(),
    );
    family(
        &mut text,
        "waiver_expiry_timestamp_seconds",
        "The date, at 0:00 UTC, with which a waiver in force ends.",
        waivers(&deployments),
    );
    text
}

/// Nobody ran anything there: a time of a last run would be made up.
fn is_silent(deployment: &Deployment<'_>) -> bool {
    matches!(&*deployment.report.results, [only] if only.id == NO_REPORT)
}

/// Labels and value of each series.
type Series = Vec<(String, String)>;

fn family(text: &mut String, name: &str, help: &str, series: Series) {
    if series.is_empty() {
        return;
    }
    text.push_str(&format!("# HELP {PREFIX}_{name} {help}\n"));
    text.push_str(&format!("# TYPE {PREFIX}_{name} gauge\n"));
    let mut seen = std::collections::HashSet::new();
    for (labels, value) in series {
        // Two targets of one name would be one series twice, for which the whole file is refused.
        if seen.insert(labels.clone()) {
            text.push_str(&format!("{PREFIX}_{name}{{{labels}}} {value}\n"));
        }
    }
}

/// How many results there are of each kind, in the order of the report.
fn results(deployments: &[Deployment<'_>]) -> Series {
    let mut series: Vec<(String, u64)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for deployment in deployments {
        for result in &deployment.report.results {
            let labels = format!(
                "{},{},{},{},{}",
                label("id", &result.id),
                label("item", &result.item),
                label("severity", result.severity.word()),
                label("status", result.status.word()),
                target(deployment)
            );
            let at = *known.entry(labels.clone()).or_insert_with(|| {
                series.push((labels, 0));
                series.len() - 1
            });
            series[at].1 += 1;
        }
    }
    let counted = series.into_iter();
    counted
        .map(|(labels, count)| (labels, count.to_string()))
        .collect()
}

/// The first end of all waivers of one check in one deployment.
fn waivers(deployments: &[Deployment<'_>]) -> Series {
    let mut series = Vec::new();
    for deployment in deployments {
        let mut ends: BTreeMap<&str, i64> = BTreeMap::new();
        for result in deployment.report.with_status(Status::Waived) {
            if let Some(end) = end(result) {
                let first = ends.entry(&result.id).or_insert(end);
                *first = end.min(*first);
            }
        }
        series.extend(ends.into_iter().map(|(id, end)| {
            let labels = format!("{},{}", label("id", id), target(deployment));
            (labels, end.to_string())
        }));
    }
    series
}

/// When the waiver of a result ends, in seconds since 1970.
fn end(result: &CheckResult) -> Option<i64> {
    let date: jiff::civil::Date = result.waived_until()?.parse().ok()?;
    let midnight = date.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?;
    Some(midnight.timestamp().as_second())
}

fn target(deployment: &Deployment<'_>) -> String {
    label("target", deployment.label())
}

fn label(name: &str, value: &str) -> String {
    let value = harmless(value).replace('\\', "\\\\").replace('"', "\\\"");
    format!("{name}=\"{value}\"")
}

/// Milliseconds as seconds with three decimals.
fn seconds(milliseconds: i64) -> String {
    format!(
        "{}.{:03}",
        milliseconds / 1000,
        milliseconds.rem_euclid(1000)
    )
}
