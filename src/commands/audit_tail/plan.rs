//! What the arguments of `audit-tail` ask for, checked before anything is read.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use jiff::tz::TimeZone;
use openclaw_sec::audit::address::{TrustedProxies, parse_network};
use openclaw_sec::audit::detect::{DETECTORS, DetectorSettings, Tuning};
use openclaw_sec::audit::event::{Kind, Level, Outcome};
use openclaw_sec::audit::filter::Filter;
use openclaw_sec::audit::pattern;
use openclaw_sec::audit::secrets::{EnvSecrets, secrets_of};
use openclaw_sec::audit::siblings::Compression;
use openclaw_sec::audit::times::{TimeContext, asked};
use openclaw_sec::env_file::EnvFile;
use openclaw_sec::redact::Redactor;
use openclaw_sec::settings::{hours, nearest};
use openclaw_sec::variables::DEFAULT_AUDIT_LOG;

use super::super::{Context, Failure};
use crate::cli::AuditTailArgs;

/// How long a pipe behind `--env` may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Events shown when nothing else sets the range.
const DEFAULT_LINES: usize = 10;

/// How events are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Human,
    Json,
    Ocsf,
    Raw,
}

/// Every format and its word.
const FORMATS: [(&str, Format); 4] = [
    ("human", Format::Human),
    ("json", Format::Json),
    ("ocsf", Format::Ocsf),
    ("raw", Format::Raw),
];

/// What part of a log is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// The last events that pass.
    Last(usize),
    /// The whole current file.
    All,
    /// Rotated files, too.
    WithSiblings,
}

/// One log.
#[derive(Debug, Clone)]
pub struct Log {
    /// Where it is; nothing for stdin.
    pub path: Option<PathBuf>,
    /// How it is called.
    pub shown: String,
}

/// Everything that was asked for.
pub struct Plan {
    pub logs: Vec<Log>,
    pub filter: Filter,
    pub format: Format,
    pub times: TimeContext,
    pub range: Range,
    pub follows: bool,
    /// Only so many events of stdin, at its end; else every one as it comes.
    pub last_of_stdin: Option<usize>,
    pub counts: bool,
    pub top: usize,
    pub detects: bool,
    pub alerts_only: bool,
    pub fails_on_alert: bool,
    pub alert_exec: Option<Vec<String>>,
    pub tuning: Tuning,
    pub proxies: TrustedProxies,
    pub secrets: EnvSecrets,
}

impl Plan {
    pub fn new(arguments: &AuditTailArgs, context: &mut Context<'_>) -> Result<Self, Failure> {
        // First, so that no error below quotes a secret.
        let env = arguments.env.as_deref().map(read_env).transpose()?;
        let secrets = secrets(env.as_ref(), context)?;
        let times = times(arguments, context)?;
        let filter = filter(arguments, &times)?;
        let format = one_of("--format", &arguments.format, &FORMATS)?;
        let alert_exec = arguments
            .alert_exec
            .as_deref()
            .map(command_words)
            .transpose()?;
        if arguments.top == 0 {
            return Err(Failure::usage(anyhow!("--top takes a number above 0")));
        }
        let detects = arguments.detect
            || arguments.alerts_only
            || arguments.fail_on_alert
            || alert_exec.is_some();
        let is_screen = context.terminal.shows_data_to_a_person();
        let mut logs = logs(arguments, env.as_ref(), context);
        // A stream is read as it comes; it has no name to follow. Nothing is added to what is compressed.
        let has_end = |path: &Path| is_stream(path) || is_compressed(path);
        let has_stream = logs
            .iter()
            .any(|log| log.path.as_deref().is_none_or(has_end));
        logs.dedup_by(|a, b| a.shown == b.shown);
        let follows = !has_stream
            && (arguments.follow || (is_screen && !arguments.no_follow && !arguments.stats));
        Ok(Self {
            range: range(arguments, detects, &filter),
            proxies: env
                .as_ref()
                .and_then(|env| Some(TrustedProxies::parse(&text_of(env, "TRUSTED_PROXY_IPS")?)))
                .unwrap_or_default(),
            tuning: Tuning::new(&detector_settings(context)?),
            logs,
            filter,
            format,
            times,
            follows,
            last_of_stdin: arguments.lines.filter(|_| !arguments.follow),
            counts: arguments.stats,
            top: arguments.top,
            detects,
            alerts_only: arguments.alerts_only,
            fails_on_alert: arguments.fail_on_alert,
            alert_exec,
            secrets,
        })
    }

    /// The logs, where all of them are files: a stream has no identity.
    pub fn named_logs(&self) -> Option<Vec<PathBuf>> {
        self.logs.iter().map(|log| log.path.clone()).collect()
    }

    /// Whether event lines are printed.
    pub fn shows_events(&self) -> bool {
        !self.counts && !self.alerts_only
    }
}

/// Whether a path names a descriptor or a device, such as `<(zcat old.gz)` gives it: no log comes in its
/// place, as one may in the place of a pipe with a name of its own.
fn is_stream(path: &Path) -> bool {
    let is_no_file = || {
        path.metadata()
            .is_ok_and(|found| !found.is_file() && !found.is_dir())
    };
    ["/dev", "/proc"].iter().any(|top| path.starts_with(top)) && is_no_file()
}

fn is_compressed(path: &Path) -> bool {
    let opened = path.is_file().then(|| File::open(path).ok()).flatten();
    let compression = opened.and_then(|file| Compression::of_file(&file).ok());
    compression.is_some_and(|compression| compression != Compression::None)
}

fn range(arguments: &AuditTailArgs, detects: bool, filter: &Filter) -> Range {
    match arguments.lines {
        Some(lines) => Range::Last(lines),
        None if filter.since.is_some() => Range::WithSiblings,
        None if arguments.all || filter.until.is_some() || arguments.stats || detects => Range::All,
        None => Range::Last(DEFAULT_LINES),
    }
}

fn times(arguments: &AuditTailArgs, context: &Context<'_>) -> Result<TimeContext, Failure> {
    let named = |name: &str| {
        TimeZone::get(name).map_err(|_| {
            Failure::usage(anyhow!(
                "--timezone {name}: no such zone; write one such as Europe/Berlin or UTC"
            ))
        })
    };
    let zone = match &arguments.timezone {
        _ if arguments.utc => TimeZone::UTC,
        Some(name) => named(name)?,
        None => match context.world.variable("TZ").and_then(|zone| zone.to_str()) {
            Some(zone) => TimeZone::get(zone.trim_start_matches(':'))
                .or_else(|_| TimeZone::posix(zone))
                .unwrap_or(TimeZone::UTC),
            None => TimeZone::try_system().unwrap_or(TimeZone::UTC),
        },
    };
    Ok(TimeContext {
        zone,
        now: context.world.now(),
    })
}

fn filter(arguments: &AuditTailArgs, times: &TimeContext) -> Result<Filter, Failure> {
    let moment = |flag: &str, text: &Option<String>| {
        let Some(text) = text else {
            return Ok(None);
        };
        asked(text, times).map(Some).ok_or_else(|| {
            Failure::usage(anyhow!(
                "{flag} {text}: no time; write one such as 2026-11-20T10:00:00Z, \"2026-11-20 10:00\", 2h, yesterday or @1794650000"
            ))
        })
    };
    let kinds = Kind::ALL.map(|kind| (kind.word(), kind));
    let outcomes = [Outcome::Success, Outcome::Failure].map(|outcome| (outcome.word(), outcome));
    let networks = arguments.ip.iter().map(|text| {
        parse_network(text).ok_or_else(|| {
            Failure::usage(anyhow!(
                "--ip {text}: no address or network; write one such as 192.0.2.7 or 2001:db8::/32"
            ))
        })
    });
    let level = arguments.level.as_deref().map(|text| {
        Level::from_word(text).filter(|_| text.len() > 1).ok_or_else(|| {
            Failure::usage(anyhow!("--level {text}: no such level; there are trace, debug, info, warn, error and fatal"))
        })
    });
    let pattern = arguments.grep.as_deref().map(|text| {
        pattern::of(text).map_err(|error| {
            Failure::usage(anyhow!(
                "--grep: no regular expression such as \"user=(mia|root)\": {error}"
            ))
        })
    });
    let since = moment("--since", &arguments.since)?;
    let until = moment("--until", &arguments.until)?;
    if let (Some(first), Some(last)) = (&arguments.since, &arguments.until)
        && since > until
    {
        return Err(Failure::usage(anyhow!(
            "--since {first} is later than --until {last}, so that nothing lies between them: swap the two"
        )));
    }
    Ok(Filter {
        since,
        until,
        kinds: all_of("--kind", &arguments.kind, &kinds)?,
        outcomes: all_of("--outcome", &arguments.outcome, &outcomes)?,
        users: arguments.user.clone(),
        networks: networks.collect::<Result<_, _>>()?,
        level: level.transpose()?,
        pattern: pattern.transpose()?,
    })
}

fn all_of<T: Copy>(flag: &str, words: &[String], known: &[(&str, T)]) -> Result<Vec<T>, Failure> {
    words
        .iter()
        .flat_map(|word| word.split(','))
        .map(|word| one_of(flag, word.trim(), known))
        .collect()
}

fn one_of<T: Copy>(flag: &str, word: &str, known: &[(&str, T)]) -> Result<T, Failure> {
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == word) {
        return Ok(*value);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let hint = match nearest(word, names.iter().copied()) {
        Some(nearest) => format!(" (did you mean {nearest}?)"),
        None => String::new(),
    };
    Err(Failure::usage(anyhow!(
        "{flag} {word}: no such word{hint}; there are {}",
        names.join(", ")
    )))
}

fn command_words(text: &str) -> Result<Vec<String>, Failure> {
    let words = shlex::split(text)
        .ok_or_else(|| Failure::usage(anyhow!("--alert-exec: a quote is not closed; write it as for a shell, such as \"notify --title 'an alert'\"")))?;
    if words.is_empty() {
        return Err(Failure::usage(anyhow!(
            "--alert-exec takes a command such as \"/usr/local/bin/notify\""
        )));
    }
    Ok(words)
}

fn read_env(path: &Path) -> Result<EnvFile, Failure> {
    if path == Path::new("-") {
        return EnvFile::read_descriptor(std::io::stdin(), path, PATIENCE).map_err(Failure::usage);
    }
    EnvFile::read(path, PATIENCE).map_err(Failure::usage)
}

fn secrets(env: Option<&EnvFile>, context: &mut Context<'_>) -> Result<EnvSecrets, Failure> {
    let Some(env) = env else {
        return Ok(EnvSecrets::default());
    };
    let values = secrets_of(env);
    context.terminal.set_redactor(Redactor::knowing(&values));
    let fingerprints = context.state()?.fingerprints().map_err(Failure::output)?;
    Ok(EnvSecrets::of(env, &fingerprints))
}

fn text_of(env: &EnvFile, name: &str) -> Option<String> {
    let value = env.get(name)?.value.expose();
    let text = String::from_utf8_lossy(value).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn logs(arguments: &AuditTailArgs, env: Option<&EnvFile>, context: &Context<'_>) -> Vec<Log> {
    if !arguments.files.is_empty() {
        return arguments.files.iter().map(|path| log(path)).collect();
    }
    let path = default_log(arguments, env, context);
    context
        .terminal
        .note(&format!("reading {}", path.display()));
    vec![log(&path)]
}

fn log(path: &Path) -> Log {
    let is_stdin = path == Path::new("-");
    Log {
        path: (!is_stdin).then(|| path.to_path_buf()),
        shown: path.to_string_lossy().into_owned(),
    }
}

/// The env file's log, else the page's default, else OpenClaw's own.
fn default_log(arguments: &AuditTailArgs, env: Option<&EnvFile>, context: &Context<'_>) -> PathBuf {
    if let Some(named) = env.and_then(|env| text_of(env, "AUDIT_LOG_PATH")) {
        let folder = arguments
            .env
            .as_deref()
            .and_then(Path::parent)
            .map(Path::to_path_buf)
            .unwrap_or_default();
        // A relative path counts from the env file's folder, where OpenClaw is started.
        return folder.join(named);
    }
    let usual = context
        .world
        .host(DEFAULT_AUDIT_LOG.trim_start_matches('/'));
    if usual.exists() {
        return usual;
    }
    let folder = context.world.host("tmp/openclaw");
    let today = context
        .world
        .now()
        .to_zoned_datetime(TimeZone::try_system().unwrap_or(TimeZone::UTC))
        .date();
    let own = folder.join(format!("openclaw-{today}.log"));
    if own.exists() {
        return own;
    }
    let newest = std::fs::read_dir(&folder).ok().and_then(|entries| {
        entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| {
                name.strip_prefix("openclaw-")
                    .and_then(|rest| rest.strip_suffix(".log"))
                    .is_some_and(|date| date.parse::<jiff::civil::Date>().is_ok())
            })
            .max()
    });
    match newest {
        Some(name) => folder.join(name),
        None => usual,
    }
}

fn detector_settings(context: &Context<'_>) -> Result<DetectorSettings, Failure> {
    let mut settings = DetectorSettings::default();
    for value in &context.settings.detectors {
        let first = value.values.first().map(String::as_str).unwrap_or_default();
        match value.key.as_str() {
            "ignore" => settings
                .ignore
                .extend(value.values.iter().filter_map(|text| parse_network(text))),
            "enabled" => settings
                .enabled
                .push((value.detector.clone(), first == "true")),
            "hours" => settings.hours = hours(first),
            _ => {
                let (detector, key) = (&value.detector, &value.key);
                let number = first.parse().ok();
                let known = DETECTORS.iter().find(|known| known.id == *detector);
                let parameter = known.and_then(|known| known.parameter(key));
                if let (Some(number), Some(parameter)) = (number, parameter) {
                    if number > parameter.most {
                        let most = parameter.most;
                        return Err(Failure::usage(anyhow!(
                            "[detectors.{detector}] {key} = {number}: no more than {most} are remembered, so that it would never be reached; choose a number up to {most}"
                        )));
                    }
                    let number = (detector.clone(), key.clone(), number);
                    settings.numbers.push(number);
                }
            }
        }
    }
    Ok(settings)
}
