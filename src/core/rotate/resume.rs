//! Takes up, or takes back, what a crash or a wait left unfinished; harmless twice.

use std::path::Path;

use super::ask::Api;
use super::journal::{Event, Journal, Turn, unfinished};
use super::machine::{Holds, Keys, Machine};
use super::outcome::{Outcome, Status, Step};
use super::plan::{Health, KeySource, Plan, Restart, RevokeMode};
use super::providers::Revoke;
use super::start::{self, NewKey, Request, locate};
use super::{Person, RotateError, backup, new_key};
use crate::atomic_file;
use crate::env_file::{EnvFile, EnvFileError};
use crate::secret::Secret;
use crate::state::StateDir;
use crate::world::World;

/// What is said anew when a rotation goes on; everything else stands in the journal.
#[derive(Debug, Default)]
pub struct Resumption {
    /// The new key, where it has to be asked for again.
    pub new_key: Option<(Secret, KeySource)>,
    /// Another variable with the admin key.
    pub admin_key_env: Option<String>,
    /// Another restart.
    pub restart: Option<Restart>,
    /// Another health endpoint.
    pub health: Option<Health>,
    /// Another time to wait for it, or for the one that stands in the journal.
    pub health_timeout_s: Option<f64>,
    /// Another way to revoke.
    pub revoke: Option<RevokeMode>,
    /// A person says that an old key is revoked about which nobody can be asked.
    pub takes_word: bool,
    /// OpenClaw was restarted by hand.
    pub was_restarted: bool,
}

const NOTHING: &str = "nothing is in progress";

/// That no rotation of `env` is unfinished, and of which files there is one.
///
/// # Errors
/// When the journals cannot be read.
pub fn nothing(env: &Path, name: Option<&str>, state: &StateDir) -> Result<Outcome, RotateError> {
    // The name is not repeated: a key may have been pasted in its place.
    let of = name.map_or("", |_| "that variable of ");
    let mut message = format!("{NOTHING} for {of}{}", env.display());
    if !env.exists() {
        message.push_str(", which does not exist");
    }
    let others: Vec<String> = unfinished(state, None)?
        .iter()
        .map(|(plan, _)| format!("{} of {}", plan.name, plan.env.display()))
        .collect();
    if !others.is_empty() {
        message.push_str(&format!("; unfinished: {}", others.join(", ")));
    }
    Ok(Outcome::nothing(message))
}

/// How the unfinished rotations of a file stand, the oldest first.
///
/// # Errors
/// When the journals cannot be read.
pub fn status(
    env: &Path,
    name: Option<&str>,
    state: &StateDir,
) -> Result<Vec<Outcome>, RotateError> {
    let target = resolve(env)?;
    let found = unfinished(state, Some(&target))?.into_iter();
    let meant = found.filter(|(plan, _)| name.is_none_or(|name| name == plan.name));
    Ok(meant
        .map(|(plan, events)| standing(&plan, &events))
        .collect())
}

fn standing(plan: &Plan, events: &[Event]) -> Outcome {
    let (step, message) = match events.last() {
        None | Some(Event::Creating | Event::Created { .. }) => {
            (Step::Generate, "a new key was being made")
        }
        Some(Event::Staging | Event::Staged) => {
            (Step::Update, "the env file was about to be changed")
        }
        Some(Event::Switched { .. }) => (
            Step::Restart,
            "the env file is changed; OpenClaw is not restarted yet",
        ),
        Some(Event::Restarting { .. }) => (
            Step::Restart,
            "the new key is in the file; a restart of OpenClaw began and is not known to have worked",
        ),
        Some(Event::Restarted | Event::RestartClaimed) => (
            Step::Restart,
            "the new key is in the file and OpenClaw was restarted; it is not known to be healthy",
        ),
        Some(Event::Healthy | Event::Clear | Event::Revoking) => (
            Step::Revoke,
            "the new key is in the file; the old one is not proven dead",
        ),
        Some(Event::OldDead) => (Step::Revoke, "the old key is dead; only tidying up is left"),
        Some(Event::RollingBack { .. } | Event::PutBack) => {
            (Step::Restart, "the old key was being put back")
        }
    };
    let is_rolling_back = matches!(
        events.last(),
        Some(Event::RollingBack { .. } | Event::PutBack)
    );
    let created = events.iter().rev().find_map(|event| match event {
        Event::Created { new_fingerprint } => Some(new_fingerprint.clone()),
        _ => None,
    });
    Outcome {
        schema: super::SCHEMA,
        name: Some(plan.name.clone()),
        provider: Some(plan.provider.clone()),
        step,
        status: Status::Waiting,
        old_fingerprint: plan.old_fingerprint.clone(),
        new_fingerprint: created.or_else(|| plan.new_fingerprint.clone()),
        next: Some(plan.command(if is_rolling_back { "abort" } else { "resume" })),
        message: message.to_owned(),
    }
}

/// Finishes the unfinished rotation.
///
/// # Errors
/// As [`start::start`].
pub fn resume(
    env: &Path,
    name: Option<&str>,
    how: Resumption,
    state: &StateDir,
    world: &World,
    person: &dyn Person,
) -> Result<Outcome, RotateError> {
    let Some((turn, plan, journal)) = take_up(env, name, state)? else {
        return nothing(env, name, state);
    };
    let stop = || person.wants_to_stop();
    let mut machine = machine(plan, journal, &how, state, world, person, &stop)?;
    let holds = machine.holds()?;
    let was_switched = was_switched(&machine);
    let is_rolling_back = is_rolling_back(&machine);
    match (&holds, machine.last().clone()) {
        (_, Event::OldDead) => machine.run(),
        // A key that died meanwhile is no way back: the new one stays, and is restarted with.
        (Holds::New, _) if is_rolling_back && machine.old_is_dead() => {
            machine.note_switch()?;
            if how.was_restarted {
                machine.note_restart()?;
            }
            machine.run()
        }
        _ if is_rolling_back => {
            machine.needs_admin_to_delete(&how)?;
            if matches!(holds, Holds::Old) && machine.old_is_dead() {
                return machine.end_with_dead_key();
            }
            machine.run()
        }
        (Holds::New, last) => {
            if !was_switched {
                machine.note_switch()?;
            }
            if how.was_restarted && (!was_switched || matches!(last, Event::Switched { .. })) {
                machine.note_restart()?;
            }
            machine.needs_admin()?;
            machine.run()
        }
        (_, _) if !was_switched => {
            machine.needs_admin_to_delete(&how)?;
            let plan = machine.plan.clone();
            let undone = machine.undo(
                Step::Generate,
                Status::Done,
                format!("{NOTHING} any more: the interrupted rotation had changed nothing; start it again"),
            )?;
            if undone.status != Status::Done {
                return Ok(undone);
            }
            drop(machine);
            drop(turn);
            start_again(plan, how, state, world, person, undone)
        }
        (Holds::Old, _) => Ok(machine.outcome(
            Step::Update,
            Status::Waiting,
            "somebody put the old value back into the file; take the rotation back and start again",
            Some("abort"),
        )),
        (Holds::Nothing, _) => Ok(machine.outcome(
            Step::Update,
            Status::Waiting,
            "somebody took the variable out of the file; put the line with the new key back and resume, or take the rotation back",
            Some("abort"),
        )),
        (Holds::Other, _) => Ok(machine.outcome(
            Step::Update,
            Status::Waiting,
            "somebody put a third value into the file, which is kept; take the rotation back and start again",
            Some("abort"),
        )),
    }
}

/// Nothing was changed yet: begins anew where the new key can be had again.
fn start_again(
    plan: Plan,
    how: Resumption,
    state: &StateDir,
    world: &World,
    person: &dyn Person,
    otherwise: Outcome,
) -> Result<Outcome, RotateError> {
    let new_key = match (how.new_key, &plan.new_key) {
        (Some((key, source)), _) => NewKey::Given(key, source),
        (None, KeySource::Created) => NewKey::Create,
        (None, source) => match new_key::read(source, world) {
            Ok(Some(key)) => NewKey::Given(key, source.clone()),
            _ => {
                return Ok(Outcome {
                    step: Step::Done,
                    ..otherwise
                });
            }
        },
    };
    let admin_name = how.admin_key_env.or(plan.admin_key_env.clone());
    let admin = match admin_name {
        Some(name) => read_admin(&name, world)?.map(|key| (name, key)),
        None => None,
    };
    let target = locate(
        &plan.env,
        &plan.folder,
        Some(&plan.name),
        Some(&plan.provider),
    )?;
    let request = Request {
        target,
        new_key,
        restart: how.restart.unwrap_or(plan.restart),
        health: how.health.or(plan.health).map(|health| Health {
            timeout_s: how.health_timeout_s.unwrap_or(health.timeout_s),
            ..health
        }),
        revoke: how.revoke.unwrap_or(plan.revoke),
        admin,
        provider_url: plan.provider_url,
        is_dry_run: false,
        state_dir: plan.state_dir,
        folder: plan.folder,
    };
    start::start(request, state, world, person)
}

/// Takes the unfinished rotation back.
///
/// # Errors
/// [`RotateError::TooLateToAbort`] once the old key is dead, [`RotateError::OldKeyLost`] when it is
/// nowhere any more.
pub fn abort(
    env: &Path,
    name: Option<&str>,
    how: Resumption,
    state: &StateDir,
    world: &World,
    person: &dyn Person,
) -> Result<Outcome, RotateError> {
    let Some((_turn, plan, journal)) = take_up(env, name, state)? else {
        return nothing(env, name, state);
    };
    let stop = || person.wants_to_stop();
    let mut machine = machine(plan, journal, &how, state, world, person, &stop)?;
    let holds = machine.holds()?;
    let is_too_late =
        *machine.last() == Event::OldDead || (matches!(holds, Holds::New) && machine.old_is_dead());
    if is_too_late {
        return Err(RotateError::TooLateToAbort(machine.plan.command("resume")));
    }
    machine.needs_admin_to_delete(&how)?;
    if !was_switched(&machine) && !is_rolling_back(&machine) && !matches!(holds, Holds::New) {
        return machine.undo(
            Step::Update,
            Status::RolledBack,
            "taken back: nothing had been changed yet".to_owned(),
        );
    }
    match holds {
        Holds::Old if machine.old_is_dead() => machine.end_with_dead_key(),
        _ if is_rolling_back(&machine) => machine.finish_rollback(),
        Holds::New if machine.has_lost_old() => Err(machine.lost_old()),
        _ => machine.take_back(),
    }
}

impl Machine<'_> {
    /// The rename is there and its record is not.
    fn note_switch(&mut self) -> Result<(), RotateError> {
        let gateways = super::places::running(self.world);
        self.add(Event::Switched { gateways })
    }

    fn note_restart(&mut self) -> Result<(), RotateError> {
        self.add(Event::RestartClaimed)
    }

    fn take_back(&mut self) -> Result<Outcome, RotateError> {
        let gateways = super::places::running(self.world);
        self.add(Event::RollingBack {
            reason: "aborted".to_owned(),
            gateways,
        })?;
        self.finish_rollback()
    }

    /// Without its admin key an automatic revocation would fail at the very end.
    fn needs_admin(&self) -> Result<(), RotateError> {
        let provider = self.plan.provider()?;
        let is_needed = self.plan.revoke == RevokeMode::Auto
            && provider.revoke != Revoke::Console
            && provider.revoke.needs_admin_key();
        if is_needed && self.keys.admin.is_none() {
            let name = self.plan.admin_key_env.as_deref().unwrap_or("(none)");
            return Err(RotateError::Revoke(format!(
                "--revoke auto: the variable {name} with the admin key is not set; set it, or name another with --admin-key-env"
            )));
        }
        Ok(())
    }

    /// Without its admin key the key that was made would stay alive at the provider. Whoever revokes
    /// by hand may delete it by hand.
    fn needs_admin_to_delete(&self, how: &Resumption) -> Result<(), RotateError> {
        let is_by_hand = how.revoke == Some(RevokeMode::Manual);
        if is_by_hand || self.keys.admin.is_some() || !self.may_have_created() {
            return Ok(());
        }
        let name = self.plan.admin_key_env.as_deref().unwrap_or("(none)");
        Err(RotateError::Revoke(format!(
            "the variable {name} with the admin key is not set, and the new key {} would stay alive at the provider; set it, name another with --admin-key-env, or delete that key in the console and add --revoke manual",
            self.plan.created_name()
        )))
    }
}

fn is_rolling_back(machine: &Machine<'_>) -> bool {
    matches!(machine.last(), Event::RollingBack { .. } | Event::PutBack)
}

fn was_switched(machine: &Machine<'_>) -> bool {
    machine
        .events()
        .iter()
        .any(|event| matches!(event, Event::Switched { .. }))
}

fn machine<'a>(
    mut plan: Plan,
    journal: Journal,
    how: &Resumption,
    state: &'a StateDir,
    world: &'a World,
    person: &'a dyn Person,
    stop: &'a dyn Fn() -> bool,
) -> Result<Machine<'a>, RotateError> {
    for event in journal.events() {
        if let Event::Created { new_fingerprint } = event {
            plan.new_fingerprint = Some(new_fingerprint.clone());
        }
    }
    if let Some(restart) = &how.restart {
        super::restart::inspect(restart)?;
        plan.restart = restart.clone();
    }
    if let Some(health) = &how.health {
        super::health::Endpoint::new(&health.url)?;
        plan.health = Some(health.clone());
    }
    if let (Some(timeout_s), Some(health)) = (how.health_timeout_s, &mut plan.health) {
        health.timeout_s = timeout_s;
    }
    plan.revoke = how.revoke.unwrap_or(plan.revoke);
    if let Some(name) = &how.admin_key_env {
        plan.admin_key_env = Some(name.clone());
    }
    let admin = match &plan.admin_key_env {
        Some(name) => read_admin(name, world)?,
        None => None,
    };
    let fingerprints = state.fingerprints()?;
    let file = EnvFile::read(&plan.env, std::time::Duration::from_secs(5))?;
    let now = file.get(&plan.name).map(|one| one.value.clone());
    let is = |key: &Secret, fingerprint: &Option<String>| {
        Some(fingerprints.of(key.expose())) == *fingerprint
    };
    // A backup that was cut or replaced is none; the file may hold the old key elsewhere.
    let old = backup::read(&plan.target, &plan.name)?
        .and_then(|written| backup::value(&written))
        .into_iter()
        .chain(file.assignments().iter().map(|one| one.value.clone()))
        .find(|old| is(old, &plan.old_fingerprint));
    let new = now.filter(|now| is(now, &plan.new_fingerprint));
    let api = Api::new(plan.provider()?, plan.provider_url.as_deref(), stop)?;
    let machine = Machine {
        plan,
        keys: Keys { old, new, admin },
        api,
        journal: Some(journal),
        fingerprints,
        takes_word: how.takes_word,
        is_backup_foreign: false,
        state,
        world,
        person,
    };
    if how.restart.is_some() {
        machine.check_restart()?;
    }
    Ok(machine)
}

/// The admin key; none where its variable is not set.
fn read_admin(name: &str, world: &World) -> Result<Option<Secret>, RotateError> {
    match world.variable(name) {
        Some(value) => new_key::one_line(value.as_encoded_bytes()).map(Some),
        None => Ok(None),
    }
}

type TakenUp = (Turn, Plan, Journal);

/// The one unfinished rotation that is meant. Strays of an earlier crash are removed either way.
fn take_up(
    env: &Path,
    name: Option<&str>,
    state: &StateDir,
) -> Result<Option<TakenUp>, RotateError> {
    let target = resolve(env)?;
    let found = unfinished(state, Some(&target))?;
    let meant: Vec<Plan> = found
        .into_iter()
        .map(|(plan, _)| plan)
        .filter(|plan| name.is_none_or(|name| name == plan.name))
        .collect();
    remove_strays(&target, state)?;
    match &meant[..] {
        [] => Ok(None),
        [plan] => {
            let turn = Turn::take(state, &target, &plan.name)?;
            let loaded = Journal::load(&turn)?;
            Ok(loaded.map(|(plan, journal)| (turn, plan, journal)))
        }
        several => {
            let names: Vec<&str> = several.iter().map(|plan| plan.name.as_str()).collect();
            Err(RotateError::Several(names.join(", ")))
        }
    }
}

/// What killed runs left beside the env file and in the state folder; writers at work keep theirs.
fn remove_strays(target: &Path, state: &StateDir) -> Result<(), RotateError> {
    atomic_file::remove_leftover(target)?;
    let prefix = backup::path(target, "");
    let prefix = prefix
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let prefix = prefix.trim_end_matches(".openclaw-sec.backup").to_owned();
    let folders = [
        (target.parent().map(Path::to_owned), prefix.as_str()),
        (Some(state.path().join("rotations")), ""),
        (Some(state.path().to_owned()), ""),
    ];
    for (folder, prefix) in folders {
        let Some(Ok(entries)) = folder.map(std::fs::read_dir) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(own) = name.strip_suffix(".openclaw-sec.tmp") else {
                continue;
            };
            let is_backup = own.starts_with(prefix) && own.ends_with(".openclaw-sec.backup");
            if !is_backup && !prefix.is_empty() {
                continue;
            }
            // A hidden name may stand for a plain one.
            for own in [own, own.trim_start_matches('.')] {
                atomic_file::remove_leftover(&entry.path().with_file_name(own))?;
            }
        }
    }
    Ok(())
}

fn resolve(env: &Path) -> Result<std::path::PathBuf, RotateError> {
    atomic_file::resolve(env).map_err(|source| {
        RotateError::Read(EnvFileError::Io {
            path: env.to_owned(),
            source,
        })
    })
}
