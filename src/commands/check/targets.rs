//! `check --targets`: asks every deployment of a list, so many at a time, and loses none.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use openclaw_sec::check::{Upstream, WaiverNews};
use openclaw_sec::fleet::targets::{self, ListedTarget};
use openclaw_sec::fleet::{Findings, Fleet, FleetTarget};
use openclaw_sec::order;
use openclaw_sec::redact::Redactor;
use openclaw_sec::report::{Report, Target};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::gather::{self, Site};
use super::reports::{self, Output};
use super::{Plan, Subject, items, milliseconds, redactor, report};
use crate::cli::CheckArgs;
use crate::commands::{Context, Failure};
use crate::terminal::Terminal;

/// How often the line about the progress is renewed.
const BETWEEN_LINES: Duration = Duration::from_millis(200);
/// A deployment that takes longer than this is called slow.
const SLOW: Duration = Duration::from_secs(2);
/// At most this many slow ones are named.
const MOST_NAMED: usize = 3;

/// Descriptors that one deployment may hold at a time: its connections, and files that are searched.
const DESCRIPTORS_EACH: u64 = 48;
/// Descriptors for everything else.
const DESCRIPTORS_BESIDE: u64 = 64;

/// Asks all of them.
///
/// # Errors
/// When the list or a flag is wrong: nobody is asked then. What goes wrong with one deployment is
/// unknown in its report.
pub fn ask(
    list: &Path,
    arguments: &CheckArgs,
    outputs: &[Output],
    context: &Context<'_>,
) -> Result<Findings, Failure> {
    let started_at = context.world.now();
    let plan = Plan::new(arguments)?;
    let listed = targets::read(list).map_err(Failure::usage)?;
    try_what_all_share(arguments, &plan, &listed)?;
    reports::refuse_inputs(outputs, arguments, context)?;
    let envs = || listed.iter().filter_map(|target| target.env.as_deref());
    let logs = reports::audit_logs(outputs, envs());
    let logs = logs.iter().map(PathBuf::as_path);
    reports::refuse_files(outputs, envs().chain([list]).chain(logs), context)?;
    for note in plan.rules.notes() {
        context.terminal.note(note);
    }
    warn_of_urls(list, arguments, &plan, &listed, context.terminal);
    let run = Run {
        arguments,
        plan: &plan,
        site: &Site::new(context),
        items: &items(),
    };
    let answers = run.ask_all(&listed, context.terminal);
    tell_waivers(&answers, context);
    let targets = answers.into_iter().map(|answer| answer.target).collect();
    Ok(Findings::Fleet(Fleet::new(started_at, targets)))
}

/// What is wrong for every deployment is wrong before the first is asked.
fn try_what_all_share(
    arguments: &CheckArgs,
    plan: &Plan,
    listed: &[ListedTarget],
) -> Result<(), Failure> {
    if let Some(path) = &arguments.openclaw_config {
        Upstream::read(path).map_err(Failure::usage)?;
    }
    if listed.iter().any(|target| target.url.is_some()) {
        gather::try_flags(arguments, plan)?;
    }
    Ok(())
}

/// A URL that cannot be asked is its own target's unknown; where it stands is said at once.
fn warn_of_urls(
    list: &Path,
    arguments: &CheckArgs,
    plan: &Plan,
    listed: &[ListedTarget],
    terminal: &Terminal,
) {
    for target in listed {
        if let (Some(url), Some(line)) = (&target.url, target.url_line)
            && let Err(error) = gather::try_url(url, arguments, plan)
        {
            terminal.warn(&format!("{}:{line}: {error}", list.display()));
        }
    }
}

/// What all deployments are asked with.
struct Run<'r> {
    arguments: &'r CheckArgs,
    plan: &'r Plan,
    site: &'r Site<'r>,
    items: &'r [(&'r str, &'r str)],
}

/// What became of one deployment.
struct Answer {
    target: FleetTarget,
    /// What is to be said about the waivers; none where nothing was judged.
    news: Option<Vec<(usize, WaiverNews)>>,
}

/// Why nothing is known of a deployment, and what its report may not show.
struct Lost {
    reason: String,
    redactor: Redactor,
}

/// A worker's word.
enum Word {
    Begun(usize),
    Done(usize, Box<Answer>),
}

impl Run<'_> {
    /// In the order of the list, whoever answers first.
    fn ask_all(&self, listed: &[ListedTarget], terminal: &Terminal) -> Vec<Answer> {
        let next = AtomicUsize::new(0);
        let workers = workers(self.arguments.jobs, listed.len(), terminal);
        let (sender, receiver) = mpsc::channel();
        let mut answers: Vec<Option<Answer>> = listed.iter().map(|_| None).collect();
        std::thread::scope(|scope| {
            for _ in 0..workers {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || self.work(listed, next, &sender));
            }
            drop(sender);
            let mut watch = Watch::new(listed);
            loop {
                match receiver.recv_timeout(BETWEEN_LINES) {
                    Ok(Word::Begun(index)) => watch.begins(index),
                    Ok(Word::Done(index, answer)) => {
                        watch.ends(index);
                        answers[index] = Some(*answer);
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                watch.show(terminal);
            }
            terminal.end_progress();
        });
        let lost = |target: &ListedTarget| self.lost(target, self.site.world.now(), &Lost::by_us());
        let answers = answers.into_iter().zip(listed);
        answers
            .map(|(answer, target)| answer.unwrap_or_else(|| lost(target)))
            .collect()
    }

    fn work(&self, listed: &[ListedTarget], next: &AtomicUsize, sender: &Sender<Word>) {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(target) = listed.get(index) else {
                return;
            };
            // The other end listens until the last worker is gone.
            let _ = sender.send(Word::Begun(index));
            let _ = sender.send(Word::Done(index, Box::new(self.answer(target))));
        }
    }

    fn answer(&self, target: &ListedTarget) -> Answer {
        let started = Instant::now();
        let started_at = self.site.world.now();
        // Our own mistake about one deployment must not cost the others their report.
        let found = catch_unwind(AssertUnwindSafe(|| self.find(target, started_at)));
        match found.unwrap_or_else(|_| Err(Lost::by_us())) {
            Ok((mut report, news)) => {
                report.duration_ms = milliseconds(started);
                Answer {
                    target: FleetTarget::reported(target.name.clone(), report),
                    news: Some(news),
                }
            }
            Err(lost) => self.lost(target, started_at, &lost),
        }
    }

    fn find(
        &self,
        target: &ListedTarget,
        started_at: Timestamp,
    ) -> Result<(Report, Vec<(usize, WaiverNews)>), Lost> {
        let subject = Subject {
            name: Some(target.name.clone()),
            env: target.env.clone(),
            url: target.url.clone(),
            profile: self.profile(target),
            is_listed: true,
        };
        let (arguments, plan, site) = (self.arguments, self.plan, self.site);
        let mut evidence = gather::files(arguments, plan, &subject, site)
            .map_err(|failure| Lost::by(&failure, Redactor::default()))?;
        let redactor = redactor(&evidence);
        gather::look(arguments, plan, &subject, &mut evidence, site, &|_, _| {})
            .map_err(|failure| Lost::by(&failure, redactor.clone()))?;
        Ok(report(
            plan, &subject, &evidence, started_at, site, &redactor,
        ))
    }

    fn profile(&self, target: &ListedTarget) -> String {
        let profile = target.profile.as_ref();
        profile.unwrap_or(&self.arguments.profile).clone()
    }

    fn lost(&self, target: &ListedTarget, started_at: Timestamp, lost: &Lost) -> Answer {
        let clean = |text: &str| lost.redactor.clean(text).into_owned();
        // A URL that cannot be asked may hold a key.
        let is_harmless = |url: &&String| gather::try_url(url, self.arguments, self.plan).is_ok();
        let asked = Target {
            env: target.env.as_ref().map(|env| clean(&env.to_string_lossy())),
            url: target
                .url
                .as_ref()
                .filter(is_harmless)
                .map(|url| clean(url)),
            profile: self.profile(target),
            name: None,
            dialect: None,
        };
        let (name, reason) = (target.name.clone(), clean(&lost.reason));
        let when = started_at.to_string();
        Answer {
            target: FleetTarget::silent(name, asked, reason, &when, self.items),
            news: None,
        }
    }
}

/// How many may be asked at the same time, by `--jobs` and the system's limit of open files.
fn workers(jobs: u16, targets: usize, terminal: &Terminal) -> usize {
    let wanted = usize::from(jobs).min(targets);
    let needed = |workers: u64| DESCRIPTORS_BESIDE + workers * DESCRIPTORS_EACH;
    let limit = getrlimit(Resource::Nofile);
    let maximum = limit.maximum.unwrap_or(u64::MAX);
    let current = limit.current.unwrap_or(u64::MAX);
    let raised = needed(wanted as u64).clamp(current, maximum.max(current));
    let change = Rlimit {
        current: Some(raised),
        maximum: limit.maximum,
    };
    let available = match raised > current && setrlimit(Resource::Nofile, change).is_ok() {
        true => raised,
        false => current,
    };
    let most = available.saturating_sub(DESCRIPTORS_BESIDE) / DESCRIPTORS_EACH;
    let workers = wanted.min(usize::try_from(most.max(1)).unwrap_or(usize::MAX));
    if workers < wanted {
        terminal.note(&format!(
            "{workers} deployments are asked at a time: more would need more open files than `ulimit -n` allows"
        ));
    }
    workers
}

impl Lost {
    fn by(failure: &Failure, redactor: Redactor) -> Self {
        Self {
            reason: failure.reason(),
            redactor,
        }
    }

    fn by_us() -> Self {
        Self {
            reason: "internal error: please report it with the message above".to_owned(),
            redactor: Redactor::default(),
        }
    }
}

/// Who is being asked, for a person who waits.
struct Watch<'w> {
    listed: &'w [ListedTarget],
    done: usize,
    waiting: BTreeMap<usize, Instant>,
    shown: Instant,
}

impl<'w> Watch<'w> {
    fn new(listed: &'w [ListedTarget]) -> Self {
        Self {
            listed,
            done: 0,
            waiting: BTreeMap::new(),
            shown: Instant::now(),
        }
    }

    fn begins(&mut self, index: usize) {
        self.waiting.insert(index, Instant::now());
    }

    fn ends(&mut self, index: usize) {
        self.waiting.remove(&index);
        self.done += 1;
    }

    fn show(&mut self, terminal: &Terminal) {
        if self.shown.elapsed() >= BETWEEN_LINES {
            self.shown = Instant::now();
            terminal.show_progress(&self.line());
        }
    }

    /// `12 of 40 deployments; slow: support (8 s), sales (3 s) and 2 more`
    fn line(&self) -> String {
        let mut line = format!("{} of {} deployments", self.done, self.listed.len());
        let mut slow: Vec<(Duration, usize)> = self
            .waiting
            .iter()
            .map(|(index, since)| (since.elapsed(), *index))
            .filter(|(waited, _)| *waited >= SLOW)
            .collect();
        order::sort_by(&mut slow, |one, other| other.cmp(one));
        let names = slow.iter().take(MOST_NAMED).map(|(waited, index)| {
            format!("{} ({} s)", self.listed[*index].name, waited.as_secs())
        });
        let names: Vec<String> = names.collect();
        if !names.is_empty() {
            line.push_str(&format!("; slow: {}", names.join(", ")));
        }
        if slow.len() > MOST_NAMED {
            line.push_str(&format!(" and {} more", slow.len() - MOST_NAMED));
        }
        line
    }
}

/// Says each thing once. A waiver is unused when no deployment needed it and all were judged.
fn tell_waivers(answers: &[Answer], context: &Context<'_>) {
    let judged: Vec<&Vec<(usize, WaiverNews)>> = answers
        .iter()
        .filter_map(|answer| answer.news.as_ref())
        .collect();
    for place in 0..context.settings.waivers.len() {
        let about = |news: &Vec<(usize, WaiverNews)>| {
            let mut news = news.iter().filter(|(of, _)| *of == place);
            news.next().map(|(_, news)| news.clone())
        };
        let all: Vec<Option<WaiverNews>> = judged.iter().map(|news| about(news)).collect();
        let is_unused = |news: &Option<WaiverNews>| matches!(news, Some(WaiverNews::Unused(_)));
        let is_idle = |news: &Option<WaiverNews>| {
            is_unused(news) || matches!(news, Some(WaiverNews::NotAsked(_)))
        };
        let told = match all.iter().find(|news| news.is_some() && !is_idle(news)) {
            Some(news) => news.as_ref(),
            None if all.len() == answers.len() && all.iter().all(is_idle) => all
                .iter()
                .find(|news| is_unused(news))
                .or(all.first())
                .and_then(Option::as_ref),
            None => None,
        };
        if let Some(news) = told {
            context.terminal.warn(&news.to_string());
        }
    }
}
