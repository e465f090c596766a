//! "Regular key rotation scheduled": from rotate's ledger and journals, and the timers of this machine.

use std::path::Path;

use super::Check;
use super::evidence::{Declared, Evidence};
use super::host::Machine;
use super::verdict::{Finding, Verdict, findings_or_pass, pass, skipped, unknown};
use crate::report::{Kind, Location, Severity};
use crate::rotate::{self, Age, Due};
use crate::small_file;
use crate::state::StateDir;
use crate::world::World;

const PAGE: &str = "https://docs.openclawvps.com/configuration/security";
const CIS: &str = "CIS AWS Foundations Benchmark 2.12: 90 days";

/// The age at which a key must be replaced, in days (the CIS benchmark's).
const MAX_AGE_DAYS: i64 = 90;
/// The days before that in which a rotation should be planned.
const WARN_DAYS: i64 = 14;

/// What is known about the rotation of this file's keys.
#[derive(Debug, Default)]
pub struct RotationEvidence {
    /// The keys' ages; the reason where they are not known.
    pub ages: Option<Result<Vec<Age>, String>>,
    /// The variables whose rotation is not finished.
    pub unfinished: Vec<String>,
    /// What reminds of rotations.
    pub reminders: Vec<String>,
}

pub const CHECKS: &[Check] = &[
    Check::new(
        "rotation.never-recorded",
        Kind::Host,
        Severity::Low,
        never_recorded,
    )
    .asks(
        "the keys' ages are known",
        "nobody can tell how many people have seen a key of unknown age",
    )
    .mended_by(
        "run `openclaw-sec rotate due`, which starts the clock, or rotate the key with `openclaw-sec rotate`",
    )
    .see(&[PAGE]),
    Check::new("rotation.overdue", Kind::Host, Severity::Medium, overdue)
        .asks(
            "no key is older than 90 days",
            "the older a key, the more copies of it exist",
        )
        .mended_by("rotate the key with `openclaw-sec rotate`")
        .see(&[PAGE, CIS]),
    Check::new("rotation.due-soon", Kind::Host, Severity::Low, due_soon)
        .asks(
            "no key comes of age within 14 days",
            "a planned rotation is done better than a late one",
        )
        .mended_by("plan the rotation now: `openclaw-sec rotate`")
        .see(&[CIS]),
    Check::new(
        "rotation.unfinished",
        Kind::Host,
        Severity::High,
        unfinished,
    )
    .asks(
        "no rotation was left half-way",
        "two keys are valid, or the old one was revoked before the new one was live",
    )
    .mended_by("run `openclaw-sec rotate resume` or `openclaw-sec rotate abort`")
    .see(&[PAGE]),
    Check::new(
        "rotation.not-scheduled",
        Kind::Host,
        Severity::Low,
        not_scheduled,
    )
    .asks(
        "a timer reminds of rotations",
        "what nobody schedules does not happen",
    )
    .mended_by("install the timer that `openclaw-sec rotate schedule` prints")
    .see(&[PAGE]),
];

/// Looks at ledger and journals without writing anything.
pub fn gather(
    declared: Option<&Declared>,
    state: Option<&StateDir>,
    machine: &Machine,
    world: &World,
) -> RotationEvidence {
    let mut evidence = RotationEvidence {
        reminders: machine.reminders.clone(),
        ..RotationEvidence::default()
    };
    let Some((declared, path)) = declared.and_then(|one| Some((one, one.path.as_deref()?))) else {
        return evidence;
    };
    let Some(state) = state else {
        evidence.ages = Some(Err(
            "there is no place for state: name one with --state-dir".into(),
        ));
        return evidence;
    };
    // Looking must not write: without a salt there is no ledger that would need one.
    let looked = crate::atomic_file::resolve(path)
        .and_then(|target| Ok((target, state.path().join("salt").try_exists()?)));
    let (target, has_salt) = match looked {
        Ok(looked) => looked,
        Err(error) => {
            evidence.ages = Some(Err(format!("the rotations cannot be looked up: {error}")));
            return evidence;
        }
    };
    let fingerprints = has_salt.then(|| state.fingerprints());
    let ages = fingerprints
        .transpose()
        .map_err(|error| error.to_string())
        .and_then(|fingerprints| {
            let limits = (MAX_AGE_DAYS, WARN_DAYS);
            let salted = fingerprints.as_ref();
            let now = world.now();
            rotate::survey(&declared.file, path, None, state, salted, now, limits)
                .map_err(|error| error.to_string())
        });
    let unfinished = rotate::unfinished(state, Some(&target)).map_err(|error| error.to_string());
    match (ages, unfinished) {
        (Ok(survey), Ok(unfinished)) => {
            evidence.ages = Some(Ok(survey.keys));
            evidence.unfinished = unfinished.into_iter().map(|(plan, _)| plan.name).collect();
        }
        (Err(reason), _) | (_, Err(reason)) => evidence.ages = Some(Err(reason)),
    }
    evidence
}

/// Timers and cron entries that name `rotate`.
pub fn reminders(world: &World) -> Vec<String> {
    let home = world.home();
    let mut folders: Vec<std::path::PathBuf> = [
        "etc/systemd/system/timers.target.wants",
        "etc/systemd/user/timers.target.wants",
        "etc/cron.d",
        "etc/cron.daily",
        "etc/cron.weekly",
        "etc/cron.monthly",
        "var/spool/cron",
        "var/spool/cron/crontabs",
    ]
    .iter()
    .map(|folder| world.host(folder))
    .collect();
    if let Some(home) = home {
        folders.push(home.join(".config/systemd/user/timers.target.wants"));
    }
    let mut found: Vec<String> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten())
        .map(|entry| entry.path())
        .filter(|path| reminds(path))
        .map(|path| path.display().to_string())
        .collect();
    let crontab = world.host("etc/crontab");
    if reminds(&crontab) {
        found.push(crontab.display().to_string());
    }
    found
}

fn reminds(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.ends_with(".timer") {
        return name.contains("openclaw-sec-rotate");
    }
    let text = small_file::read_text(path, 1 << 20).unwrap_or_default();
    text.lines()
        .any(|line| !line.trim_start().starts_with('#') && line.contains("openclaw-sec rotate"))
}

/// The ages, or why there is nothing to say.
fn ages(evidence: &Evidence) -> Result<(&Declared, &[Age]), Vec<Verdict>> {
    let Some(declared) = &evidence.declared else {
        return Err(skipped("no env file was read"));
    };
    match &evidence.rotation.ages {
        None => Err(skipped("the env file is no file of its own")),
        Some(Err(reason)) => Err(unknown(reason.clone())),
        Some(Ok(ages)) if ages.is_empty() => Err(skipped("the env file holds no secret")),
        Some(Ok(ages)) => Ok((declared, ages)),
    }
}

fn judge(
    evidence: &Evidence,
    is_meant: fn(&Age) -> bool,
    words: fn(&Age) -> String,
    good: &str,
) -> Vec<Verdict> {
    let (declared, ages) = match ages(evidence) {
        Ok(found) => found,
        Err(verdicts) => return verdicts,
    };
    let findings = ages.iter().filter(|age| is_meant(age)).map(|age| {
        Finding::new(&age.name, words(age))
            .at(declared.place(&age.name))
            .with("variable", age.name.as_str())
            .with("age_days", age.age_days)
            .with("source", age.source)
            .mended_by(mending(age))
    });
    findings_or_pass(findings.collect(), good)
}

/// How this key is replaced.
fn mending(age: &Age) -> String {
    let start = match age.is_recorded || age.due != Due::Fresh {
        true => "",
        false => "run `openclaw-sec rotate due --env {env}`, which starts the clock, or ",
    };
    format!("{start}{}", age.replacement("{env}"))
}

fn never_recorded(evidence: &Evidence) -> Vec<Verdict> {
    judge(
        evidence,
        |age| !age.is_recorded,
        |age| format!("since when {} is in use is not recorded", age.name),
        "the ledger knows every key",
    )
}

fn overdue(evidence: &Evidence) -> Vec<Verdict> {
    judge(
        evidence,
        |age| age.due == Due::Overdue,
        |age| format!("{} is {} days old ({})", age.name, age.age_days, age.source),
        "no key is known to be older than 90 days",
    )
}

fn due_soon(evidence: &Evidence) -> Vec<Verdict> {
    judge(
        evidence,
        |age| age.due == Due::Soon,
        |age| format!("{} comes of age in {} days", age.name, age.days_left),
        "no key comes of age within 14 days",
    )
}

fn unfinished(evidence: &Evidence) -> Vec<Verdict> {
    let Some(declared) = &evidence.declared else {
        return skipped("no env file was read");
    };
    match &evidence.rotation.ages {
        None => return skipped("the env file is no file of its own"),
        Some(Err(reason)) => return unknown(reason.clone()),
        Some(Ok(_)) => {}
    }
    let findings = evidence.rotation.unfinished.iter().map(|name| {
        Finding::new(name, format!("the rotation of {name} is not finished"))
            .at(Location::file(&declared.shown_path))
            .with("variable", name.as_str())
    });
    findings_or_pass(findings.collect(), "no rotation is unfinished")
}

fn not_scheduled(evidence: &Evidence) -> Vec<Verdict> {
    if let Err(verdicts) = ages(evidence) {
        return verdicts;
    }
    match evidence.rotation.reminders.first() {
        Some(path) => pass(format!("{path} reminds of rotations")),
        None => findings_or_pass(
            vec![Finding::new(
                "timer",
                "nothing on this machine reminds of rotations",
            )],
            "",
        ),
    }
}
