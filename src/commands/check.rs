//! `check`: gathers evidence, has it judged, and delivers the report.

mod catalogue;
mod gather;
mod mend;
mod merge;
mod reports;
mod targets;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::ArgMatches;
use clap::parser::ValueSource;
use openclaw_sec::check::{
    self, Baseline, Evidence, ITEMS, Selection, WaiverNews, apply_baseline, apply_waivers, inspect,
};
use openclaw_sec::fleet::Findings;
use openclaw_sec::profiles;
use openclaw_sec::redact::Redactor;
use openclaw_sec::report::{Report, Severity, Status, Target};
use openclaw_sec::scan::RuleSet;
use openclaw_sec::secret::Secret;

use self::gather::Site;
use self::mend::Mended;
use super::{Context, Failure, exit, interrupt};
use crate::cli::{CheckArgs, FailOn};

pub fn run(
    arguments: &CheckArgs,
    matches: &ArgMatches,
    context: &mut Context<'_>,
) -> Result<u8, Failure> {
    if arguments.list {
        // A selection of the configuration is no reason to show less.
        let given = |flag: &str, words: &[String]| match is_given(matches, flag) {
            true => words.to_vec(),
            false => Vec::new(),
        };
        let only = given("only", &arguments.only);
        let selection = Selection::new(only, given("skip", &arguments.skip));
        let list = catalogue::list(&selection.map_err(Failure::usage)?);
        return Ok(context.terminal.reading_matter(list.as_bytes(), 0));
    }
    if let Some(id) = &arguments.explain {
        let text = catalogue::explain(id).map_err(Failure::usage)?;
        return Ok(context.terminal.reading_matter(text.as_bytes(), 0));
    }
    if arguments.merge.is_empty()
        && let Some(flag) = ["expect", "max_age"]
            .into_iter()
            .find(|flag| is_given(matches, flag))
    {
        return Err(Failure::usage(anyhow!(
            "--{} goes with --merge PATH, which joins reports",
            flag.replace('_', "-")
        )));
    }
    let started = Instant::now();
    interrupt::watch().map_err(Failure::output)?;
    let outputs = reports::plan(arguments, matches, context.settings)?;
    let mut mended = Mended::default();
    let mut findings = if !arguments.merge.is_empty() {
        merge::join(arguments, &outputs, context)?
    } else if let Some(list) = &arguments.targets {
        targets::ask(list, arguments, &outputs, context)?
    } else {
        Findings::One(one(arguments, matches, &outputs, &mut mended, context)?)
    };
    findings.took(milliseconds(started));
    let code = match findings.exit_code(threshold(arguments.fail_on)) {
        // What was agreed to and could not be done is no good end.
        exit::DONE if mended.has_failed => exit::OUTPUT,
        code => code,
    };
    reports::deliver(&findings, &outputs, code, context)
}

/// Whether a flag of `check` stands on the command line; a setting may be for another day's run.
fn is_given(matches: &ArgMatches, flag: &str) -> bool {
    let own = matches.subcommand_matches("check").unwrap_or(matches);
    own.value_source(flag) == Some(ValueSource::CommandLine)
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Checks the one deployment that the flags name.
fn one(
    arguments: &CheckArgs,
    matches: &ArgMatches,
    outputs: &[reports::Output],
    mended: &mut Mended,
    context: &mut Context<'_>,
) -> Result<Report, Failure> {
    let started_at = context.world.now();
    let plan = Plan::new(arguments)?;
    reports::refuse_inputs(outputs, arguments, context)?;
    if arguments.url.is_none() {
        gather::try_flags(arguments, &plan)?;
        tell_idle_flags(matches, context);
    }
    let subject = Subject {
        name: None,
        env: arguments.env.clone(),
        url: arguments.url.clone(),
        profile: arguments.profile.clone(),
        is_listed: false,
    };
    let mut site = Site::new(context);
    let mut evidence = gathered(arguments, &plan, &subject, &site, context)?;
    if arguments.fix {
        let waived = waived(&subject, &evidence, started_at, &site)?;
        let selection = &plan.selection;
        *mended = mend::mend(&mut evidence, selection, &waived, arguments.yes, context)?;
        if mended.has_changed {
            site.forget();
            evidence = gathered(arguments, &plan, &subject, &site, context)?;
        }
    }
    let redactor = context.terminal.redactor();
    let (report, news) = report(&plan, &subject, &evidence, started_at, &site, redactor);
    for (_, news) in news {
        context.terminal.warn(&news.to_string());
    }
    Ok(report)
}

/// Flags about the endpoint, which do nothing where none is named.
const FLAGS_OF_ENDPOINTS: [&str; 7] = [
    "connect_to",
    "ca_file",
    "key_name",
    "auth_path",
    "auth_scheme",
    "burst_path",
    "active",
];

/// Whoever wrote such a flag by hand wanted something else. Settings may hold it for other runs.
fn tell_idle_flags(matches: &ArgMatches, context: &Context<'_>) {
    let matches = matches.subcommand().map_or(matches, |(_, matches)| matches);
    let is_written = |flag: &&str| matches.value_source(flag) == Some(ValueSource::CommandLine);
    let idle: Vec<String> = FLAGS_OF_ENDPOINTS
        .iter()
        .filter(|flag| is_written(flag))
        .map(|flag| format!("--{}", flag.replace('_', "-")))
        .collect();
    if !idle.is_empty() {
        context.terminal.note(&format!(
            "{} without --url: no endpoint is asked",
            idle.join(", ")
        ));
    }
}

/// The evidence, with what a person should know of how it came about.
fn gathered(
    arguments: &CheckArgs,
    plan: &Plan,
    subject: &Subject,
    site: &Site<'_>,
    context: &mut Context<'_>,
) -> Result<Evidence, Failure> {
    let mut evidence = gather::files(arguments, plan, subject, site)?;
    context.terminal.set_redactor(redactor(&evidence));
    gather::tell_disagreements(&evidence, context);
    for note in plan.rules.notes() {
        context.terminal.note(note);
    }
    let progress = context.terminal.progress();
    let tell = |objects, bytes| progress.tell(objects, bytes);
    let looked = gather::look(arguments, plan, subject, &mut evidence, site, &tell);
    drop(progress);
    looked?;
    gather::tell_archives(&evidence.code, context);
    Ok(evidence)
}

/// One deployment to look at.
struct Subject {
    /// Its name in a list.
    name: Option<String>,
    env: Option<PathBuf>,
    url: Option<String>,
    /// A profile's id.
    profile: String,
    /// Whether it stands in a list, where `.env` is nobody's default.
    is_listed: bool,
}

/// What the arguments ask for, checked before anything is looked at or written.
struct Plan {
    selection: Selection,
    baseline: Option<Baseline>,
    rules: RuleSet,
    timeout: Duration,
    ca_file: Option<Vec<u8>>,
}

impl Plan {
    fn new(arguments: &CheckArgs) -> Result<Self, Failure> {
        let id = &arguments.profile;
        profiles::named(id)
            .map_err(|unknown| Failure::usage(anyhow!("--profile {id}: {unknown}")))?;
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
        if selection.is_empty() {
            return Err(Failure::usage(anyhow!(
                "--only {} and --skip {}: together they choose no check",
                arguments.only.join(","),
                arguments.skip.join(",")
            )));
        }
        let baseline = arguments
            .baseline
            .as_deref()
            .map(Baseline::read)
            .transpose();
        let asks_endpoints = arguments.url.is_some() || arguments.targets.is_some();
        Ok(Self {
            selection,
            baseline: baseline.map_err(Failure::usage)?,
            rules: RuleSet::read(&arguments.rules).map_err(Failure::usage)?,
            timeout,
            ca_file: match asks_endpoints {
                true => gather::ca_file(arguments)?,
                false => None,
            },
        })
    }
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

/// Judges the evidence. With the report comes what a person should know about each waiver, by its
/// place in the configuration.
fn report(
    plan: &Plan,
    subject: &Subject,
    evidence: &Evidence,
    started_at: jiff::Timestamp,
    site: &Site<'_>,
    redactor: &Redactor,
) -> (Report, Vec<(usize, WaiverNews)>) {
    let target = target(subject, evidence);
    let mut results = inspect(evidence, &plan.selection);
    if let Some(baseline) = &plan.baseline {
        apply_baseline(&mut results, baseline);
    }
    let today = today(started_at);
    let was_asked = |id: &str| check::find(id).is_some_and(|check| plan.selection.holds(check));
    let waivers = site.settings.waivers.chunks(1).enumerate();
    let news = waivers.flat_map(|(place, waiver)| {
        let news = apply_waivers(&mut results, waiver, &target, today, was_asked);
        news.into_iter().map(move |news| (place, news))
    });
    let news = news.collect();
    let report = Report::new(started_at, target, &items(), results, redactor);
    (report, news)
}

/// The checks that waivers excuse, whether or not this run asks them.
fn waived(
    subject: &Subject,
    evidence: &Evidence,
    started_at: jiff::Timestamp,
    site: &Site<'_>,
) -> Result<Vec<String>, Failure> {
    let everything = Selection::new(Vec::new(), Vec::new()).map_err(Failure::usage)?;
    let mut results = inspect(evidence, &everything);
    let waivers = &site.settings.waivers;
    let target = target(subject, evidence);
    apply_waivers(&mut results, waivers, &target, today(started_at), |_| false);
    let waived = results
        .into_iter()
        .filter(|result| result.status == Status::Waived);
    Ok(waived.map(|result| result.id.to_string()).collect())
}

/// What the report is about.
fn target(subject: &Subject, evidence: &Evidence) -> Target {
    Target {
        env: evidence
            .declared
            .as_ref()
            .filter(|declared| declared.is_env_file)
            .map(|declared| declared.shown_path.clone()),
        url: subject.url.clone(),
        profile: subject.profile.clone(),
        name: subject.name.clone(),
        dialect: evidence
            .declared
            .as_ref()
            .map(|_| evidence.dialect.word().to_owned()),
    }
}

/// The day on which waivers are judged.
fn today(started_at: jiff::Timestamp) -> jiff::civil::Date {
    started_at.to_zoned_datetime(jiff::tz::TimeZone::UTC).date()
}

/// The checklist's ids and titles.
fn items() -> Vec<(&'static str, &'static str)> {
    ITEMS.iter().map(|item| (item.id, item.title)).collect()
}

/// What no output of this run may show.
fn redactor(evidence: &Evidence) -> Redactor {
    let declared = evidence.declared.iter().chain(&evidence.compared);
    let names: Vec<Secret> = declared
        .clone()
        .flat_map(|declared| declared.names_to_hide())
        .collect();
    let from_env = declared.flat_map(|declared| declared.values_to_hide());
    let from_env = from_env.chain(&names);
    let from_json = evidence
        .upstream
        .iter()
        .flat_map(|upstream| upstream.secrets());
    Redactor::knowing(from_env.chain(from_json.map(|(_, value)| value)))
}
