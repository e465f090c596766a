//! `audit-tail`: follows the log, explains it, finds attacks in it, seals it.

mod alert_exec;
mod batch;
mod follow;
mod input;
mod plan;
mod rotated;
mod seal;
mod show;
mod stdin;

use std::path::PathBuf;

use anyhow::anyhow;
use openclaw_sec::audit::detect::{Baseline, Detectors};
use openclaw_sec::audit::reading::{Needs, Reading};
use openclaw_sec::audit::recognise::Recogniser;
use openclaw_sec::audit::statistics::Statistics;

use super::{Context, Failure, exit};
use crate::cli::{AuditTailAction, AuditTailArgs};
use crate::output::events::statistics_tables;
use plan::{Format, Plan};
use show::Shower;

pub fn run(arguments: &AuditTailArgs, context: &mut Context<'_>) -> Result<u8, Failure> {
    match &arguments.action {
        Some(AuditTailAction::Seal(seal)) => return seal::seal(seal, context),
        Some(AuditTailAction::Verify(verify)) => return seal::verify(verify, context),
        None => {}
    }
    let plan = Plan::new(arguments, context)?;
    let mut run = Run::new(plan, context)?;
    let ended = run.go(context);
    run.finish(ended, context)
}

/// Why reading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Everything was read.
    AtTheEnd,
    /// SIGINT or SIGTERM came.
    BySignal,
    /// Nobody reads what we write.
    ReaderGone,
}

/// One run: the plan, and what it works with.
struct Run {
    plan: Plan,
    reading: Reading,
    shower: Shower,
    is_incomplete: bool,
    /// Whether an alert for stderr did not get there.
    has_lost_alerts: bool,
}

impl Run {
    fn new(plan: Plan, context: &mut Context<'_>) -> Result<Self, Failure> {
        let recogniser = Recogniser::new(plan.times.clone(), plan.proxies.clone());
        let mut detectors = plan.detects.then(|| {
            Detectors::new(
                plan.tuning.clone(),
                plan.proxies.clone(),
                plan.times.zone.clone(),
            )
        });
        if let Some(detectors) = &mut detectors {
            detectors.tell_within(plan.filter.since, plan.filter.until);
        }
        if let (Some(detectors), Some(logs)) = (&mut detectors, plan.named_logs()) {
            remember(detectors, &logs, context);
        }
        let needs = Needs {
            fields: plan.shows_events() && plan.format != Format::Raw,
            events: plan.shows_events(),
        };
        let reading = Reading::new(
            recogniser,
            plan.filter.clone(),
            plan.secrets.clone(),
            detectors,
            plan.counts.then(Statistics::default),
            needs,
        );
        let shower = Shower::new(&plan, context)?;
        Ok(Self {
            plan,
            reading,
            shower,
            is_incomplete: false,
            has_lost_alerts: false,
        })
    }

    fn go(&mut self, context: &mut Context<'_>) -> Result<Ended, Failure> {
        let ended = if self.plan.follows {
            follow::follow(self, context)
        } else {
            batch::read_all(self, context)
        };
        match ended {
            Err(Stop::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                Ok(Ended::ReaderGone)
            }
            Err(Stop::Output(error)) => {
                Err(Failure::output(anyhow!("cannot write to stdout: {error}")))
            }
            Err(Stop::Failed(failure)) => Err(failure),
            Ok(ended) => Ok(ended),
        }
    }

    fn finish(
        mut self,
        ended: Result<Ended, Failure>,
        context: &mut Context<'_>,
    ) -> Result<u8, Failure> {
        let ended = ended?;
        if ended == Ended::ReaderGone {
            self.shower.end_commands(false);
            return Ok(exit::DONE);
        }
        let printed = self.print_statistics(context);
        let flushed = printed.and_then(|()| self.shower.flush());
        let was_followed = self.plan.follows;
        if ended == Ended::BySignal {
            self.shower.end_commands(false);
        } else {
            self.shower.end_commands(true);
        }
        if ended == Ended::BySignal || was_followed {
            let counted = self.reading.statistics.as_ref();
            let counted = counted.map(|statistics| statistics.events());
            context.terminal.note(&self.shower.summary(counted));
        }
        if let Some(trouble) = self.shower.last_trouble() {
            context.terminal.error(&trouble);
        }
        if self.reading.lacks_times() {
            context.terminal.warn(
                "--since: no line has a time that is understood, so that none could be chosen by it",
            );
            self.is_incomplete = true;
        }
        self.keep_baseline(context);
        // The process ends: to take apart all that detectors remember would only cost time.
        std::mem::forget(self.reading.detectors.take());
        for remark in self.shower.remarks() {
            context.terminal.error(&remark);
        }
        match flushed {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(exit::DONE),
            Err(error) => return Err(Failure::output(anyhow!("cannot write to stdout: {error}"))),
            Ok(()) => {}
        }
        if self.has_lost_alerts {
            return Err(Failure::output(anyhow!(
                "an alert could not be written to stderr"
            )));
        }
        if ended == Ended::BySignal {
            return Ok(exit::INTERRUPTED);
        }
        if self.plan.fails_on_alert && self.shower.alerts() > 0 {
            return Ok(exit::FOUND);
        }
        Ok(if self.is_incomplete {
            exit::INCOMPLETE
        } else {
            exit::DONE
        })
    }

    /// Where state cannot be kept, the next run begins without history: no reason to fail.
    fn keep_baseline(&self, context: &Context<'_>) {
        let learned = self.reading.detectors.as_ref().and_then(Detectors::learned);
        if let (Some(learned), Some(logs), Ok(state)) =
            (learned, self.plan.named_logs(), context.state())
            && let Err(error) = learned.save(&logs, &state)
        {
            context
                .terminal
                .warn(&format!("what was learned of users is not kept: {error}"));
        }
    }

    fn print_statistics(&mut self, context: &mut Context<'_>) -> std::io::Result<()> {
        let Some(statistics) = &self.reading.statistics else {
            return Ok(());
        };
        let mut document = statistics.document(self.plan.top);
        let text = match self.plan.format {
            Format::Human => {
                for row in &mut document.users {
                    row.user = self.shower.without_keys(&row.user);
                }
                statistics_tables(&document, &self.plan.times.zone, context.terminal.width())
            }
            _ => match serde_json::to_string(&document) {
                Ok(json) => format!("{}\n", openclaw_sec::foreign_text::harmless_json(&json)),
                Err(error) => return Err(std::io::Error::other(error)),
            },
        };
        self.shower.write(text.as_bytes())
    }
}

/// Tells detectors what earlier runs learned.
fn remember(detectors: &mut Detectors, logs: &[PathBuf], context: &Context<'_>) {
    let Ok(state) = context.state() else {
        return;
    };
    match Baseline::load(logs, &state) {
        Ok(Some(baseline)) => detectors.remember(baseline),
        Ok(None) => {}
        Err(error) => context.terminal.warn(&format!(
            "what earlier runs learned of users is passed over: {error}"
        )),
    }
}

/// Why a run stops early.
enum Stop {
    /// stdout refuses.
    Output(std::io::Error),
    /// Anything else.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}
