//! The state machine: looks at the journal's last event, does what comes next, and writes it down.

mod ending;
mod file;

use std::time::Duration;

use file::PATIENCE;

use super::admin::AdminError;
use super::ask::Api;
use super::health::Endpoint;
use super::journal::{Event, Journal, ProcessId};
use super::outcome::{Outcome, SCHEMA, Status, Step};
use super::places::{self, Places, Search};
use super::plan::{KeySource, Plan, Restart, RevokeMode};
use super::restart::Driver;
use super::verdict::Verdict;
use super::{Person, RotateError, backup, new_key};
use crate::atomic_file;
use crate::env_file::EnvFile;
use crate::key_shapes;
use crate::redact::Redactor;
use crate::secret::Secret;
use crate::state::{Fingerprints, StateDir};
use crate::world::World;

/// The keys at hand. The journal holds none of them.
#[derive(Debug)]
pub(super) struct Keys {
    pub old: Option<Secret>,
    pub new: Option<Secret>,
    pub admin: Option<Secret>,
}

/// One rotation at work.
pub(super) struct Machine<'a> {
    pub plan: Plan,
    pub keys: Keys,
    pub api: Api<'a>,
    pub journal: Option<Journal>,
    pub fingerprints: Fingerprints,
    /// Whether a person says that an old key is revoked about which nobody can be asked.
    pub takes_word: bool,
    /// Whether somebody else's file lies where the backup goes.
    pub is_backup_foreign: bool,
    pub state: &'a StateDir,
    pub world: &'a World,
    pub person: &'a dyn Person,
}

/// What the provider says about a new key.
pub(super) enum Proof {
    /// It works; whose it is, where that is known.
    Given(Option<String>),
    /// It does not, or nobody knows.
    Missing(Box<Outcome>),
}

/// What the variable holds in the file now.
pub(super) enum Holds {
    Old,
    New,
    Other,
    /// Nothing: the variable was taken out or emptied.
    Nothing,
}

impl Machine<'_> {
    /// Goes on until it is done, or nothing more can be done now.
    pub(super) fn run(&mut self) -> Result<Outcome, RotateError> {
        let mut places_are_clear = false;
        loop {
            if self.person.wants_to_stop() {
                return self.interrupted();
            }
            let next = match self.last().clone() {
                Event::Creating | Event::Created { .. } | Event::Staging => self.stage()?,
                Event::Staged => self.switch()?,
                Event::Switched { .. } => self.before_restart()?,
                Event::Restarting { .. } => self.restart()?,
                Event::Restarted | Event::RestartClaimed => self.await_health()?,
                Event::Healthy | Event::Clear | Event::Revoking if !places_are_clear => {
                    let next = self.check_places()?;
                    places_are_clear = next.is_none();
                    next
                }
                Event::Healthy => {
                    self.add(Event::Clear)?;
                    None
                }
                Event::Clear | Event::Revoking => self.revoke()?,
                Event::OldDead => Some(self.finish()?),
                Event::RollingBack { .. } | Event::PutBack => Some(self.finish_rollback()?),
            };
            if let Some(outcome) = next {
                return Ok(outcome);
            }
        }
    }

    /// Step 1: the provider accepts the new key, or nothing goes on.
    /// Notes when the key ends, too.
    pub(super) fn prove_new(&mut self, new: &Secret) -> Result<Proof, RotateError> {
        self.person
            .tell(Step::Generate, "asking the provider about the new key");
        let answer = self.api.prove_live(new);
        self.plan.expires_at = answer.expires_at;
        let words = answer.verdict.words();
        let missing = |status, message: String| {
            Proof::Missing(Box::new(self.outcome(
                Step::Generate,
                status,
                message,
                None,
            )))
        };
        Ok(match answer.verdict {
            _ if self.person.wants_to_stop() => missing(
                Status::RolledBack,
                "interrupted; nothing was changed".to_owned(),
            ),
            verdict if verdict.is_live() => {
                if verdict != Verdict::Live {
                    self.person
                        .warn(&format!("about the new key: the provider {words}"));
                }
                Proof::Given(answer.principal)
            }
            Verdict::Unknown if self.api.provider.probe.is_none() && !self.person.may_confirm() => {
                missing(
                    Status::Waiting,
                    format!(
                        "{} has no free way to try a key; nothing was changed: run this at a terminal, or use the new key unproven with --yes",
                        self.api.provider.id
                    ),
                )
            }
            Verdict::Unknown if self.api.provider.probe.is_none() => {
                let question = "this provider has no free way to try a key; use it unproven?";
                if self
                    .person
                    .confirm(question)
                    .map_err(RotateError::Terminal)?
                {
                    Proof::Given(None)
                } else {
                    missing(
                        Status::Waiting,
                        "the new key is not proven; nothing was changed".into(),
                    )
                }
            }
            Verdict::Unknown => missing(
                Status::Waiting,
                format!(
                    "about the new key the provider {words}; nothing was changed, try again later"
                ),
            ),
            _ => missing(
                Status::Failed,
                format!("the new key is not usable: the provider {words}; nothing was changed"),
            ),
        })
    }

    /// Step 1 by API. None when the key is there and proven.
    pub(super) fn create(&mut self) -> Result<Option<Outcome>, RotateError> {
        self.person
            .tell(Step::Generate, "asking the provider's API for a new key");
        let name = self.plan.created_name();
        let admin = self.keys.admin.clone().ok_or(RotateError::NoNewKey)?;
        let made = self.api.create(&admin, &name);
        let new = match made {
            Ok(new) => new,
            Err(error) => {
                let message = format!("no key was made: {error}; nothing was changed");
                let status = match error {
                    AdminError::Refused(_) => Status::Failed,
                    _ => Status::Waiting,
                };
                return self.undo(Step::Generate, status, message).map(Some);
            }
        };
        let fingerprint = self.fingerprints.of(new.expose());
        self.plan.new_fingerprint = Some(fingerprint.clone());
        self.add(Event::Created {
            new_fingerprint: fingerprint,
        })?;
        match self.prove_new(&new) {
            Ok(Proof::Given(_)) => {
                self.keys.new = Some(new);
                Ok(None)
            }
            Ok(Proof::Missing(outcome)) => self
                .undo(outcome.step, outcome.status, outcome.message)
                .map(Some),
            Err(error) => Err(error),
        }
    }

    /// Before step 2: the old value goes into its backup.
    fn stage(&mut self) -> Result<Option<Outcome>, RotateError> {
        let written = self.write_backup();
        self.is_backup_foreign = matches!(written, Err(RotateError::BackupExists(_)));
        let staged = written.and_then(|()| self.add(Event::Staged));
        self.or_undo(staged)?;
        Ok(None)
    }

    /// Step 2: one value of the env file, every other byte as before.
    fn switch(&mut self) -> Result<Option<Outcome>, RotateError> {
        self.person.tell(
            Step::Update,
            &format!(
                "writing {} into {}",
                self.plan.name,
                self.plan.env.display()
            ),
        );
        let gateways = places::running(self.world);
        let switched = self.write_new();
        self.or_undo(switched)?;
        self.warn_about_comments();
        self.add(Event::Switched { gateways })?;
        Ok(None)
    }

    /// What the variable holds now.
    pub(super) fn holds(&self) -> Result<Holds, RotateError> {
        let file = EnvFile::read(&self.plan.env, PATIENCE)?;
        let now = file.get(&self.plan.name).map(|one| &one.value);
        let fingerprint = now
            .filter(|now| !now.is_empty())
            .map(|now| self.fingerprints.of(now.expose()));
        Ok(match fingerprint {
            found if found.is_some() && found == self.plan.new_fingerprint => Holds::New,
            found if now.is_some() && found == self.plan.old_fingerprint => Holds::Old,
            None => Holds::Nothing,
            Some(_) => Holds::Other,
        })
    }

    /// An error before the file was changed takes everything back that led to it.
    fn or_undo<T>(&mut self, done: Result<T, RotateError>) -> Result<T, RotateError> {
        let error = match done {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if matches!(self.holds(), Ok(Holds::New)) {
            return Err(error);
        }
        // The first error is the one to tell; what cannot be undone is left to `resume`.
        let _ = self.undo(Step::Update, Status::Failed, String::new());
        Err(error)
    }

    /// Nothing was switched: removes the backup, the key made by API and the journal.
    pub(super) fn undo(
        &mut self,
        step: Step,
        status: Status,
        message: String,
    ) -> Result<Outcome, RotateError> {
        let mut message = message;
        let has_backup = self.has_own_backup()?;
        if has_backup && self.keys.old.is_some() && matches!(self.holds()?, Holds::Nothing) {
            return Ok(self.only_copy(step));
        }
        match self.delete_created() {
            Ok(()) => {}
            // A person said that this is done by hand.
            Err(AdminError::NoKey) => self.leave_created(&AdminError::NoKey),
            Err(error) => {
                let text = format!("the key {} may exist: {error}", self.plan.created_name());
                self.person.warn(&text);
                return Ok(self.outcome(step, Status::Waiting, text, Some("resume")));
            }
        }
        if has_backup {
            backup::discard(&self.plan.target, &self.plan.name)?;
        } else {
            backup::tidy(&self.plan.target, &self.plan.name)?;
        }
        atomic_file::remove_leftover(&self.plan.target)?;
        if let Some(journal) = self.journal.take() {
            journal.end()?;
        }
        if message.is_empty() {
            "nothing was changed".clone_into(&mut message);
        }
        Ok(self.outcome(step, status, message, None))
    }

    /// Whether the backup is one of this rotation: written down, or the old value that a crash kept
    /// from being written down. Anything else that lies there is another's and may be all it has.
    fn has_own_backup(&self) -> Result<bool, RotateError> {
        if self.is_backup_foreign {
            return Ok(false);
        }
        let is_staged = self.events().contains(&Event::Staged);
        Ok(is_staged || matches!(self.old_in_backup(), Ok(Some(_))))
    }

    /// Deletes the key that was made for this rotation, if one was asked for.
    fn delete_created(&self) -> Result<(), AdminError> {
        if !self.may_have_created() {
            return Ok(());
        }
        let admin = self.keys.admin.as_ref().ok_or(AdminError::NoKey)?;
        self.api
            .delete_named(admin, &self.plan.created_name())
            .map(|_| ())
    }

    /// Whether the provider may have made a key for this rotation.
    pub(super) fn may_have_created(&self) -> bool {
        self.plan.new_key == KeySource::Created && self.journal.is_some()
    }

    /// A key that was made stays alive at the provider until a person deletes it.
    fn leave_created(&self, error: &AdminError) {
        self.person.warn(&format!(
            "the new key {} was not deleted: {error}; delete it in the console",
            self.plan.created_name()
        ));
    }

    /// Step 3, by ourselves or by a person.
    fn before_restart(&mut self) -> Result<Option<Outcome>, RotateError> {
        if self.plan.restart != Restart::None {
            let gateways = places::running(self.world);
            self.add(Event::Restarting { gateways })?;
            return Ok(None);
        }
        if self.person.may_ask()
            && self
                .person
                .wait_until_done("restart OpenClaw now, then press Enter")
                .map_err(RotateError::Terminal)?
        {
            self.add(Event::RestartClaimed)?;
            return Ok(None);
        }
        let places = self.search();
        if !places.holding.is_empty() {
            return Ok(Some(self.held_back(&places)));
        }
        if places.is_seen_live {
            self.add(Event::RestartClaimed)?;
            return Ok(None);
        }
        if self.old_is_dead() {
            self.add(Event::OldDead)?;
            return Ok(None);
        }
        Ok(Some(self.outcome(
            Step::Restart,
            Status::Waiting,
            "the new key is in the file; restart OpenClaw, since nothing shows yet that it uses it (`rotate resume --restarted` takes your word)",
            Some("resume"),
        )))
    }

    fn restart(&mut self) -> Result<Option<Outcome>, RotateError> {
        self.person.tell(Step::Restart, "restarting OpenClaw");
        match self.restart_now() {
            Ok(()) => {
                self.add(Event::Restarted)?;
                Ok(None)
            }
            Err(reason) => self.roll_back(&reason).map(Some),
        }
    }

    fn restart_now(&self) -> Result<(), String> {
        self.driver().restart(&self.plan.restart).map(|_| ())
    }

    pub(super) fn driver(&self) -> Driver<'_> {
        let mut hidden_names: Vec<String> = self.plan.admin_key_env.iter().cloned().collect();
        if let KeySource::Variable(name) = &self.plan.new_key {
            hidden_names.push(name.clone());
        }
        let keys = [&self.keys.old, &self.keys.new, &self.keys.admin];
        let file = EnvFile::read(&self.plan.env, PATIENCE).ok();
        let values = file.iter().flat_map(EnvFile::assignments);
        let values = values.filter(|one| key_shapes::is_secret_name(&one.name));
        let values = values.map(|one| &one.value);
        Driver {
            world: self.world,
            folder: &self.plan.folder,
            hidden_names,
            stop: self.api.stop,
            hidden_values: keys.into_iter().flatten().cloned().collect(),
            redactor: Redactor::knowing(keys.into_iter().flatten().chain(values)),
        }
    }

    fn await_health(&mut self) -> Result<Option<Outcome>, RotateError> {
        let Err(last) = self.is_healthy()? else {
            self.add(Event::Healthy)?;
            return Ok(None);
        };
        if self.person.wants_to_stop() {
            return self.interrupted().map(Some);
        }
        self.roll_back(&format!(
            "the health endpoint did not become green in time ({last})"
        ))
        .map(Some)
    }

    /// Good too where no health endpoint was named: then the restart's result counts. Else the last
    /// answer.
    fn is_healthy(&self) -> Result<Result<(), String>, RotateError> {
        let Some(health) = &self.plan.health else {
            return Ok(Ok(()));
        };
        self.person
            .tell(Step::Restart, "waiting for the health endpoint");
        let timeout = Duration::try_from_secs_f64(health.timeout_s).unwrap_or_default();
        let stop = || self.person.wants_to_stop();
        Ok(Endpoint::new(&health.url)?.becomes_green(timeout, &stop))
    }

    /// Before step 4: does anything hold the old key still?
    fn check_places(&mut self) -> Result<Option<Outcome>, RotateError> {
        self.person.tell(
            Step::Revoke,
            "looking for places that still hold the old key",
        );
        let places = self.search();
        if places.holding.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.held_back(&places)))
    }

    fn search(&self) -> Places {
        let Some(new) = &self.keys.new else {
            return Places::default();
        };
        let unit = match &self.plan.restart {
            Restart::Unit { unit, .. } => Some(unit.as_str()),
            _ => None,
        };
        Search {
            world: self.world,
            name: &self.plan.name,
            target: &self.plan.target,
            old: self.old_key().as_ref(),
            new,
            main_process: self.driver().main_process(&self.plan.restart),
            unit,
            before: &self.gateways_before(),
        }
        .run()
    }

    /// The gateways that ran before the last restart, or before the switch.
    fn gateways_before(&self) -> Vec<ProcessId> {
        let found = self.events().iter().rev().find_map(|event| match event {
            Event::Switched { gateways } | Event::Restarting { gateways } => Some(gateways.clone()),
            _ => None,
        });
        found.unwrap_or_default()
    }

    fn held_back(&self, places: &Places) -> Outcome {
        self.outcome(
            Step::Revoke,
            Status::Waiting,
            format!(
                "the old key was not revoked, because these places still hold it: {}",
                places.holding.join("; ")
            ),
            Some("resume"),
        )
    }

    /// Step 4.
    fn revoke(&mut self) -> Result<Option<Outcome>, RotateError> {
        let Some(old) = self.old_key() else {
            return self.revoke_unseen();
        };
        let is_ours = new_key::can_be_judged(self.api.provider, &old);
        let mut verdict = if self.plan.old_was_dead {
            Verdict::Dead
        } else if is_ours {
            self.api.ask_twice(&old)
        } else {
            Verdict::Unknown
        };
        let mut reason = String::new();
        if verdict != Verdict::Dead && self.plan.revoke == RevokeMode::Auto && is_ours {
            self.person
                .tell(Step::Revoke, "revoking the old key by the provider's API");
            if *self.last() != Event::Revoking {
                self.add(Event::Revoking)?;
            }
            let new = self.keys.new.clone().ok_or(RotateError::NoNewKey)?;
            match self.api.revoke(&old, &new, self.keys.admin.as_ref()) {
                Ok(()) if self.api.provider.probe.is_none() => {
                    verdict = self.api.revoked_again(&old, &new);
                }
                Ok(()) => verdict = self.api.await_death(&old),
                Err(error @ AdminError::NoAnswer) => {
                    reason = format!("; {error}");
                    verdict = self.api.await_death(&old);
                }
                Err(error) => reason = format!("; {error}"),
            }
        }
        if !is_ours && self.takes_word {
            verdict = Verdict::Dead;
        }
        let console = self.api.provider.console;
        while verdict != Verdict::Dead && self.person.may_ask() && !self.person.wants_to_stop() {
            let request = if is_ours {
                format!(
                    "revoke the old key at https://{console} (the provider still {}), then press Enter",
                    verdict.words()
                )
            } else {
                "the old value is not simply a key of this provider: revoke it where it comes from, then press Enter".to_owned()
            };
            let is_done = self
                .person
                .wait_until_done(&request)
                .map_err(RotateError::Terminal)?;
            if !is_done {
                break;
            }
            // Where nobody can ask the provider, the person's word has to do.
            verdict = if is_ours && self.api.can_ask(&old) {
                self.person
                    .tell(Step::Revoke, "asking the provider about the old key again");
                self.api.await_death(&old)
            } else {
                Verdict::Dead
            };
        }
        if verdict == Verdict::Dead {
            self.add(Event::OldDead)?;
            return Ok(None);
        }
        if self.person.wants_to_stop() {
            return self.interrupted().map(Some);
        }
        let message = if is_ours {
            format!(
                "the new key is in effect; the old one is not proven dead (the provider {}){reason}: revoke it at https://{console}, then resume",
                verdict.words()
            )
        } else {
            format!(
                "the new key is in effect; the old value is not simply a key of {}, which was not asked about it: revoke it where it comes from, and what it refers to or holds, then say so with `rotate resume --yes`",
                self.plan.provider
            )
        };
        Ok(Some(self.outcome(
            Step::Revoke,
            Status::Waiting,
            message,
            Some("resume"),
        )))
    }

    /// Step 4 without the old key: there was none, or it is lost and only a person can tell.
    fn revoke_unseen(&mut self) -> Result<Option<Outcome>, RotateError> {
        let console = self.api.provider.console;
        let mut is_dead = !self.has_lost_old() || self.plan.old_was_dead || self.takes_word;
        if !is_dead && self.person.may_ask() {
            let request = format!(
                "the backup of the old key is missing or damaged: revoke that key at https://{console}, then press Enter"
            );
            is_dead = self
                .person
                .wait_until_done(&request)
                .map_err(RotateError::Terminal)?;
        }
        if self.person.wants_to_stop() {
            return self.interrupted().map(Some);
        }
        if is_dead {
            self.add(Event::OldDead)?;
            return Ok(None);
        }
        let backup = backup::path(&self.plan.target, &self.plan.name);
        Ok(Some(self.outcome(
            Step::Revoke,
            Status::Waiting,
            format!(
                "the new key is in the file; the old one is not proven dead: its backup {} is missing or damaged, so nobody was asked about it and no place was searched for it: revoke it at https://{console}, then say so with `rotate resume --yes`",
                backup.display()
            ),
            Some("resume"),
        )))
    }

    /// Whether there was an old key that cannot be had any more.
    pub(super) fn has_lost_old(&self) -> bool {
        self.plan.old_fingerprint.is_some() && self.keys.old.is_none()
    }

    pub(super) fn lost_old(&self) -> RotateError {
        RotateError::OldKeyLost {
            path: backup::path(&self.plan.target, &self.plan.name),
            resume: self.plan.command("resume"),
            abort: self.plan.command("abort"),
        }
    }

    pub(super) fn old_is_dead(&self) -> bool {
        self.plan.old_was_dead
            || self
                .old_key()
                .filter(|old| new_key::can_be_judged(self.api.provider, old))
                .is_some_and(|old| self.api.ask_twice(&old) == Verdict::Dead)
    }

    /// The old key as its provider knows it.
    pub(super) fn old_key(&self) -> Option<Secret> {
        let old = self.keys.old.as_ref().map(new_key::trimmed);
        old.filter(|old| !old.is_empty())
    }

    pub(super) fn events(&self) -> &[Event] {
        self.journal
            .as_ref()
            .map(Journal::events)
            .unwrap_or_default()
    }

    pub(super) fn last(&self) -> &Event {
        self.journal
            .as_ref()
            .map_or(&Event::Creating, Journal::last)
    }

    pub(super) fn add(&mut self, event: Event) -> Result<(), RotateError> {
        match &mut self.journal {
            Some(journal) => journal.add(event),
            None => Ok(()),
        }
    }

    pub(super) fn outcome(
        &self,
        step: Step,
        status: Status,
        message: impl Into<String>,
        next: Option<&str>,
    ) -> Outcome {
        Outcome {
            schema: SCHEMA,
            name: Some(self.plan.name.clone()),
            provider: Some(self.plan.provider.clone()),
            step,
            status,
            old_fingerprint: self.plan.old_fingerprint.clone(),
            new_fingerprint: self.plan.new_fingerprint.clone(),
            next: next.map(|action| self.plan.command(action)),
            message: message.into(),
        }
    }
}
