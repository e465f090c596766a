//! `check`: gathers evidence, has it judged, and delivers the report.

mod gather;
mod mend;
mod merge;
mod reports;

use std::time::Duration;

use anyhow::anyhow;
use clap::ArgMatches;
use openclaw_sec::check::{
    self, Baseline, Evidence, ITEMS, Selection, apply_baseline, apply_waivers, inspect,
};
use openclaw_sec::fleet::Findings;
use openclaw_sec::profiles;
use openclaw_sec::redact::Redactor;
use openclaw_sec::report::{Report, Severity, Target};
use openclaw_sec::scan::RuleSet;
use openclaw_sec::settings::nearest;

use super::{Context, Failure, interrupt};
use crate::cli::{CheckArgs, FailOn};

pub fn run(
    arguments: &CheckArgs,
    matches: &ArgMatches,
    context: &mut Context<'_>,
) -> Result<u8, Failure> {
    if arguments.list {
        return Ok(context
            .terminal
            .reading_matter(reports::list().as_bytes(), 0));
    }
    if let Some(id) = &arguments.explain {
        let text = reports::explain(id).map_err(Failure::usage)?;
        return Ok(context.terminal.reading_matter(text.as_bytes(), 0));
    }
    let started = std::time::Instant::now();
    let started_at = context.world.now();
    interrupt::watch().map_err(Failure::output)?;
    if !arguments.merge.is_empty() {
        let outputs = reports::plan(arguments, matches)?;
        let mut findings = merge::join(arguments, &outputs, context)?;
        findings.took(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
        let code = findings.exit_code(threshold(arguments.fail_on));
        return reports::deliver(&findings, &outputs, code, context);
    }
    if arguments.targets.is_some() {
        return Err(Failure::usage(anyhow!("--targets is not there yet")));
    }
    let plan = Plan::new(arguments, matches)?;
    let mut evidence = gather::evidence(arguments, &plan, context)?;
    if arguments.fix && mend::mend(&evidence, arguments.yes, context)? {
        evidence = gather::evidence(arguments, &plan, context)?;
    }
    let report = report(arguments, &plan, &evidence, started_at, context);
    let mut findings = Findings::One(report);
    findings.took(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
    let code = findings.exit_code(threshold(arguments.fail_on));
    reports::deliver(&findings, &plan.outputs, code, context)
}

/// What the arguments ask for, checked before anything is looked at or written.
struct Plan {
    selection: Selection,
    outputs: Vec<reports::Output>,
    baseline: Option<Baseline>,
    rules: RuleSet,
    timeout: Duration,
}

impl Plan {
    fn new(arguments: &CheckArgs, matches: &ArgMatches) -> Result<Self, Failure> {
        if profiles::find(&arguments.profile).is_none() {
            return Err(unknown_profile(&arguments.profile));
        }
        let timeout = Duration::try_from_secs_f64(arguments.timeout)
            .ok()
            .filter(|timeout| !timeout.is_zero() && *timeout <= Duration::from_secs(3600))
            .ok_or_else(|| {
                Failure::usage(anyhow!(
                    "--timeout takes seconds, more than 0 and at most 3600"
                ))
            })?;
        if let Some(code) = &arguments.code
            && !code.is_dir()
        {
            return Err(Failure::usage(anyhow!(
                "--code {}: no such folder; name the source tree",
                code.display()
            )));
        }
        let selection = Selection::new(arguments.only.clone(), arguments.skip.clone())
            .map_err(Failure::usage)?;
        let outputs = reports::plan(arguments, matches)?;
        reports::refuse_inputs(&outputs, arguments)?;
        let baseline = arguments
            .baseline
            .as_deref()
            .map(Baseline::read)
            .transpose();
        Ok(Self {
            selection,
            outputs,
            baseline: baseline.map_err(Failure::usage)?,
            rules: RuleSet::read(&arguments.rules).map_err(Failure::usage)?,
            timeout,
        })
    }
}

fn unknown_profile(profile: &str) -> Failure {
    let ids: Vec<&str> = profiles::PROFILES
        .iter()
        .map(|profile| profile.id)
        .collect();
    let hint = match nearest(profile, ids.iter().copied()) {
        Some(nearest) => format!(" (did you mean {nearest}?)"),
        None => String::new(),
    };
    Failure::usage(anyhow!(
        "--profile {profile}: no such profile{hint}; there are {}",
        ids.join(", ")
    ))
}

fn threshold(fail_on: FailOn) -> Option<Severity> {
    match fail_on {
        FailOn::Low => Some(Severity::Low),
        FailOn::Medium => Some(Severity::Medium),
        FailOn::High => Some(Severity::High),
        FailOn::Critical => Some(Severity::Critical),
        FailOn::Never => None,
    }
}

fn report(
    arguments: &CheckArgs,
    plan: &Plan,
    evidence: &Evidence,
    started_at: jiff::Timestamp,
    context: &mut Context<'_>,
) -> Report {
    let target = Target {
        env: evidence
            .declared
            .as_ref()
            .map(|declared| declared.shown_path.clone()),
        url: arguments.url.clone(),
        profile: arguments.profile.clone(),
        name: None,
        dialect: evidence
            .declared
            .as_ref()
            .map(|_| evidence.dialect.word().to_owned()),
    };
    let mut results = inspect(evidence, &plan.selection);
    if let Some(baseline) = &plan.baseline {
        apply_baseline(&mut results, baseline);
    }
    let today = started_at.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let was_asked = |id: &str| check::find(id).is_some_and(|check| plan.selection.holds(check));
    let news = apply_waivers(
        &mut results,
        &context.settings.waivers,
        &target,
        today,
        was_asked,
    );
    for item in news {
        context.terminal.warn(&item.to_string());
    }
    let items: Vec<(&str, &str)> = ITEMS.iter().map(|item| (item.id, item.title)).collect();
    Report::new(
        started_at,
        target,
        &items,
        results,
        context.terminal.redactor(),
    )
}

/// What no output of this run may show.
fn redactor(evidence: &Evidence) -> Redactor {
    let declared = evidence.declared.iter().chain(&evidence.compared);
    let from_env = declared.flat_map(|declared| declared.values_to_hide());
    let from_json = evidence
        .upstream
        .iter()
        .flat_map(|upstream| upstream.literals());
    Redactor::knowing(from_env.chain(from_json.map(|(_, value)| value)))
}
