//! Begins a rotation: everything that can be checked is checked before anything is changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::ask::Api;
use super::health;
use super::journal::{Event, Journal, Turn};
use super::ledger::Ledger;
use super::machine::{Keys, Machine, Proof};
use super::new_key;
use super::outcome::{Outcome, Status, Step};
use super::plan::{Health, KeySource, Plan, Restart, RevokeMode};
use super::providers::{self, Class, Create, Provider, Revoke};
use super::restart;
use super::verdict::Verdict;
use super::{Person, RotateError, backup};
use crate::atomic_file::{self, AtomicFileError};
use crate::env_file::EnvFile;
use crate::hex;
use crate::key_shapes::{self, OWN_KEYS};
use crate::secret::Secret;
use crate::settings::nearest;
use crate::state::StateDir;
use crate::world::{World, fill_random};

/// How long a pipe in place of an env file is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The new key, or that the provider shall make one.
#[derive(Debug)]
pub enum NewKey {
    /// One that a person made.
    Given(Secret, KeySource),
    /// The provider's API makes it.
    Create,
    /// The person is asked, once everything else is known to be right: with some providers a new
    /// key kills the old one at once.
    Ask,
}

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    /// The file and the variable.
    pub target: Target,
    /// The new key.
    pub new_key: NewKey,
    /// How OpenClaw is restarted.
    pub restart: Restart,
    /// How its health is known.
    pub health: Option<Health>,
    /// Who takes the old key back.
    pub revoke: RevokeMode,
    /// The variable with the admin key, and the key.
    pub admin: Option<(String, Secret)>,
    /// `--provider-url`
    pub provider_url: Option<String>,
    /// Check only.
    pub is_dry_run: bool,
    /// `--state-dir`, if it was given.
    pub state_dir: Option<PathBuf>,
    /// The folder of the call.
    pub folder: PathBuf,
}

/// A variable of an env file and its provider.
#[derive(Debug)]
pub struct Target {
    /// The file as it was named, absolute.
    pub env: PathBuf,
    /// Its content.
    pub file: EnvFile,
    /// The variable.
    pub name: String,
    /// The provider.
    pub provider: &'static Provider,
}

/// Finds variable and provider from what was named of them.
///
/// # Errors
/// When the file cannot be read or written back, or it is not clear what is meant.
pub fn locate(
    env: &Path,
    folder: &Path,
    name: Option<&str>,
    provider: Option<&str>,
) -> Result<Target, RotateError> {
    let file = EnvFile::read(env, PATIENCE)?;
    if file.origin().is_some_and(|origin| !origin.is_regular) {
        return Err(crate::env_file::SaveError::NotWritable(env.to_owned()).into());
    }
    let named = provider
        .map(|id| providers::find(id).ok_or_else(|| RotateError::UnknownProvider(id.to_owned())))
        .transpose()?;
    let (name, provider) = match (name, named) {
        (Some(name), named) => {
            sets(name, env, &file)?;
            let provider = named
                .or_else(|| providers::by_variable(name))
                .ok_or_else(|| no_provider(name, env))?;
            (name.to_owned(), provider)
        }
        (None, Some(provider)) => (only_variable(&file, env, &[provider])?, provider),
        (None, None) => {
            let all: Vec<&'static Provider> = providers::PROVIDERS.iter().collect();
            let name = only_variable(&file, env, &all)?;
            let provider = providers::by_variable(&name)
                .ok_or_else(|| RotateError::NoProvider(name.clone()))?;
            (name, provider)
        }
    };
    Ok(Target {
        env: folder.join(env),
        file,
        name,
        provider,
    })
}

fn no_provider(name: &str, env: &Path) -> RotateError {
    match key_shapes::provider_of_variable(name) {
        Some(OWN_KEYS) => RotateError::OwnKey {
            name: name.to_owned(),
            env: env.to_owned(),
        },
        _ => RotateError::NoProvider(name.to_owned()),
    }
}

/// Whether the file sets a variable.
///
/// # Errors
/// [`RotateError::NotSet`] with the nearest name.
pub fn sets(name: &str, env: &Path, file: &EnvFile) -> Result<(), RotateError> {
    match file.get(name) {
        Some(_) => Ok(()),
        None => Err(not_set(name, env, file)),
    }
}

fn not_set(name: &str, path: &Path, file: &EnvFile) -> RotateError {
    let names = file.assignments().iter().map(|one| one.name.as_str());
    RotateError::NotSet {
        name: name.to_owned(),
        path: path.to_owned(),
        hint: nearest(name, names)
            .map(|nearest| format!(" (did you mean {nearest}?)"))
            .unwrap_or_default(),
    }
}

/// The one variable of these providers that the file sets.
fn only_variable(
    file: &EnvFile,
    env: &Path,
    providers: &[&'static Provider],
) -> Result<String, RotateError> {
    let found: Vec<&str> = providers
        .iter()
        .flat_map(|provider| provider.variables)
        .copied()
        .filter(|name| file.get(name).is_some())
        .collect();
    match found[..] {
        [name] => Ok(name.to_owned()),
        [] => {
            let known: Vec<&str> = providers
                .iter()
                .flat_map(|p| p.variables)
                .copied()
                .collect();
            if let [name, ..] = known[..]
                && providers.len() == 1
            {
                return Err(not_set(name, env, file));
            }
            Err(RotateError::WhichVariable(format!(
                "{} sets no variable of a known provider",
                env.display()
            )))
        }
        _ => Err(RotateError::WhichVariable(format!(
            "{} sets several keys ({})",
            env.display(),
            found.join(", ")
        ))),
    }
}

/// Runs a rotation as far as it goes.
///
/// # Errors
/// When nothing was changed, or the machine fails; everything else is an [`Outcome`].
pub fn start(
    request: Request,
    state: &StateDir,
    world: &World,
    person: &dyn Person,
) -> Result<Outcome, RotateError> {
    let target = atomic_file::resolve(&request.target.env).map_err(|source| {
        RotateError::Read(crate::env_file::EnvFileError::Io {
            path: request.target.env.clone(),
            source,
        })
    })?;
    let turn = Turn::take(state, &target, &request.target.name)?;
    if let Some((plan, _)) = Journal::load(&turn)? {
        return Err(RotateError::Unfinished {
            name: plan.name.clone(),
            resume: plan.command("resume"),
            abort: plan.command("abort"),
        });
    }
    inspect(&request)?;
    backup::is_free(&target, &request.target.name)?;
    // Its last step writes there; a ledger that cannot be read is no surprise for then.
    Ledger::load(state)?;
    let fingerprints = state.fingerprints()?;
    let stop = || person.wants_to_stop();
    let provider = request.target.provider;
    let api = Api::new(provider, request.provider_url.as_deref(), &stop)?;
    let old = request.target.file.get(&request.target.name);
    let old = old
        .map(|one| one.value.clone())
        .filter(|old| !old.is_empty());
    let plan = Plan {
        id: random_id()?,
        started_at: world.now(),
        name: request.target.name.clone(),
        provider: provider.id.to_owned(),
        env: request.target.env.clone(),
        target: target.clone(),
        folder: request.folder.clone(),
        state_dir: request
            .state_dir
            .as_ref()
            .map(|dir| request.folder.join(dir)),
        provider_url: request.provider_url.clone(),
        new_key: match &request.new_key {
            NewKey::Given(_, source) => source.clone(),
            NewKey::Create => KeySource::Created,
            NewKey::Ask => KeySource::Once,
        },
        restart: request.restart.clone(),
        health: request.health.clone(),
        revoke: request.revoke,
        admin_key_env: request.admin.as_ref().map(|(name, _)| name.clone()),
        old_fingerprint: old.as_ref().map(|old| fingerprints.of(old.expose())),
        new_fingerprint: None,
        old_was_dead: false,
        expires_at: None,
    };
    let keys = Keys {
        old,
        new: None,
        admin: request.admin.as_ref().map(|(_, admin)| admin.clone()),
    };
    let mut machine = Machine {
        plan,
        keys,
        api,
        journal: None,
        fingerprints,
        takes_word: false,
        is_backup_foreign: false,
        state,
        world,
        person,
    };
    machine.check_restart()?;
    machine.check_admin()?;
    machine.look_at_health();
    let mut principal = None;
    let given = match request.new_key {
        NewKey::Given(new, _) => Some(new),
        NewKey::Create => None,
        NewKey::Ask => {
            let new = person.new_key(provider, &machine.plan.name)?;
            inspect_key(&request.target, request.admin.as_ref(), &new)?;
            Some(new)
        }
    };
    if let Some(new) = given {
        machine.plan.new_fingerprint = Some(machine.fingerprints.of(new.expose()));
        match machine.prove_new(&new)? {
            Proof::Given(whose) => principal = whose,
            Proof::Missing(outcome) => return Ok(*outcome),
        }
        machine.keys.new = Some(new);
    }
    let old_principal = machine.ask_old();
    if let (Some(old), Some(new)) = (&old_principal, &principal)
        && old != new
    {
        return Ok(machine.outcome(
            Step::Generate,
            Status::Failed,
            "the new key belongs to another account than the old one; nothing was changed",
            None,
        ));
    }
    if request.is_dry_run {
        return Ok(machine.outcome(
            Step::Generate,
            Status::Planned,
            "everything that can be checked without a change was checked; nothing was changed",
            None,
        ));
    }
    tidy(&turn, &target, &machine.plan.name)?;
    if machine.keys.new.is_none() {
        machine.journal = Some(Journal::begin(&turn, &machine.plan, Event::Creating)?);
        if let Some(outcome) = machine.create()? {
            return Ok(outcome);
        }
    } else {
        machine.journal = Some(Journal::begin(&turn, &machine.plan, Event::Staging)?);
    }
    machine.run()
}

/// Removes what an earlier crash may have left. There is no journal, so no backup is needed.
pub(super) fn tidy(turn: &Turn, target: &Path, name: &str) -> Result<(), RotateError> {
    Journal::tidy(turn)?;
    atomic_file::remove_leftover(target)?;
    backup::tidy(target, name)
}

/// What can be wrong with a request, before anybody is asked anything.
fn inspect(request: &Request) -> Result<(), RotateError> {
    let provider = request.target.provider;
    restart::inspect(&request.restart)?;
    if let Some(url) = &request.provider_url {
        super::client::ApiBase::new(provider.api, Some(url))?;
    }
    if let Some(health) = &request.health {
        health::Endpoint::new(&health.url)?;
    }
    if request.revoke == RevokeMode::Auto {
        if provider.revoke == Revoke::Console {
            return Err(RotateError::Revoke(format!(
                "--revoke auto: {} has no API that revokes keys; use --revoke manual and https://{}",
                provider.id, provider.console
            )));
        }
        if provider.revoke.needs_admin_key() && request.admin.is_none() {
            return Err(RotateError::Revoke(format!(
                "--revoke auto: {} revokes keys with an admin key only; name its variable with --admin-key-env",
                provider.id
            )));
        }
    }
    match &request.new_key {
        NewKey::Create if provider.create == Create::Console || request.admin.is_none() => {
            return Err(RotateError::NoNewKey);
        }
        NewKey::Create | NewKey::Ask => try_edit(&request.target, &Secret::new("trial"))?,
        NewKey::Given(new, _) => inspect_key(&request.target, request.admin.as_ref(), new)?,
    }
    inspect_file(&request.target)?;
    no_secrets_in_arguments(request)
}

/// What can be wrong with a key, before it is sent anywhere.
fn inspect_key(
    target: &Target,
    admin: Option<&(String, Secret)>,
    new: &Secret,
) -> Result<(), RotateError> {
    let old = target.file.get(&target.name).map(|one| &one.value);
    if old == Some(new) {
        return Err(RotateError::SameKey);
    }
    if admin.is_some_and(|(_, admin)| admin == new) {
        return Err(RotateError::NewKey(
            "is the admin key, which must not stand where a bot reads it",
        ));
    }
    new_key::inspect(target.provider, new)?;
    if let (Some(end), Some(old)) = (target.provider.id_ends_at, old)
        && let (Some(old), Some(new)) = (account(old, end), account(new, end))
        && old != new
    {
        return Err(RotateError::OtherAccount);
    }
    try_edit(target, new)
}

/// The account's id at the beginning of a key, if it looks like one.
fn account(key: &Secret, end: u8) -> Option<&[u8]> {
    let at = memchr::memchr(end, key.expose())?;
    (at > 0).then(|| &key.expose()[..at])
}

/// Tried now, so that a value no loader can read is refused before a key is made or sent.
fn try_edit(target: &Target, value: &Secret) -> Result<(), RotateError> {
    target
        .file
        .set(&target.name, value)
        .map(|_| ())
        .map_err(|source| RotateError::Edit {
            path: target.env.clone(),
            source,
        })
}

/// A file that cannot be replaced is refused before anything happens.
fn inspect_file(target: &Target) -> Result<(), RotateError> {
    let Some(origin) = target.file.origin() else {
        return Ok(());
    };
    if origin.hard_links > 1 {
        return Err(AtomicFileError::HardLinked {
            path: origin.path.clone(),
            links: origin.hard_links,
        }
        .into());
    }
    if is_mount_point(&origin.target) {
        return Err(AtomicFileError::MountedAlone(origin.target.clone()).into());
    }
    let folder = origin.target.parent().unwrap_or(Path::new("/"));
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).map_err(|errno| {
        AtomicFileError::Io {
            path: origin.target.clone(),
            action: "create a file beside it",
            source: errno.into(),
        }
        .into()
    })
}

/// Whether a file is mounted by itself, as containers do: field 5 of proc_pid_mountinfo(5).
fn is_mount_point(target: &Path) -> bool {
    let text = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let target = target.to_string_lossy().replace(' ', "\\040");
    text.lines()
        .any(|line| line.split(' ').nth(4) == Some(&target))
}

/// Secrets enter by file, stdin or variable; an argument would end up in the journal.
fn no_secrets_in_arguments(request: &Request) -> Result<(), RotateError> {
    let mut secrets: Vec<&Secret> = request
        .target
        .file
        .assignments()
        .iter()
        .filter(|one| key_shapes::is_secret_name(&one.name) || one.name == request.target.name)
        .map(|one| &one.value)
        .collect();
    if let NewKey::Given(new, _) = &request.new_key {
        secrets.push(new);
    }
    secrets.extend(request.admin.iter().map(|(_, admin)| admin));
    let restart = match &request.restart {
        Restart::Command(command) => command.as_str(),
        _ => "",
    };
    let health = request
        .health
        .as_ref()
        .map_or("", |health| health.url.as_str());
    let decoded = Url::parse(health)
        .map(|url| url.to_string())
        .unwrap_or_default();
    let holds = |text: &str| {
        secrets.iter().any(|secret| {
            secret.len() >= 8 && memchr::memmem::find(text.as_bytes(), secret.expose()).is_some()
        })
    };
    if holds(restart) {
        return Err(RotateError::SecretInArgument("--restart"));
    }
    if holds(health) || holds(&decoded) {
        return Err(RotateError::SecretInArgument("--health"));
    }
    Ok(())
}

fn random_id() -> Result<String, RotateError> {
    let mut bytes = [0; 8];
    fill_random(&mut bytes).map_err(|error| RotateError::NoRandomness(error.to_string()))?;
    Ok(hex::lower(&bytes))
}

impl Machine<'_> {
    /// The admin key has to work before anything depends on it.
    pub(super) fn check_admin(&self) -> Result<(), RotateError> {
        let Some(admin) = &self.keys.admin else {
            return Ok(());
        };
        let is_used =
            self.plan.revoke == RevokeMode::Auto || self.plan.new_key == KeySource::Created;
        if !is_used {
            return Ok(());
        }
        self.api
            .try_admin(admin)
            .map_err(|source| RotateError::Admin {
                variable: self.plan.admin_key_env.clone().unwrap_or_default(),
                source,
            })
    }

    /// A restart that cannot work is found before the old key can come to harm. A command that is not
    /// there is a failed restart like others, unless a person rolls the key: the old one is dead then.
    pub(super) fn check_restart(&self) -> Result<(), RotateError> {
        let is_command = matches!(self.plan.restart, Restart::Command(_));
        let way_back = self.plan.provider()?.class != Class::Replace;
        match self.driver().look(&self.plan.restart) {
            Err(missing) if is_command && way_back => {
                self.person.warn(&missing);
                Ok(())
            }
            looked => looked.map_err(RotateError::RestartImpossible),
        }
    }

    /// Whether what a restart needs is there.
    pub(super) fn look_at_restart(&self) -> Result<(), RotateError> {
        let looked = self.driver().look(&self.plan.restart);
        looked.map_err(RotateError::RestartImpossible)
    }

    /// A bot that is ill already is told about, so that nobody blames the new key.
    fn look_at_health(&self) {
        let Some(health) = &self.plan.health else {
            return;
        };
        let stop = || self.person.wants_to_stop();
        let is_green = health::Endpoint::new(&health.url)
            .is_ok_and(|endpoint| endpoint.is_green(Duration::from_secs(2), &stop));
        if !is_green {
            self.person
                .warn("the health endpoint is not green even before the key is changed");
        }
    }

    /// What is known about the old key before anything is changed; says whose it is.
    fn ask_old(&mut self) -> Option<String> {
        let old = self.old_key()?;
        if new_key::is_none(&old) {
            self.plan.old_was_dead = true;
            self.person
                .warn("the old value is no key at all, so nothing has to be revoked");
            return None;
        }
        if !new_key::can_be_judged(self.api.provider, &old) {
            self.person.warn(
                "the old value is not simply a key of this provider, so it is not asked about it",
            );
            return None;
        }
        let first = self.api.ask(&old);
        self.plan.old_was_dead = first.verdict == Verdict::Dead && self.api.is_dead_again(&old);
        first.principal
    }
}
