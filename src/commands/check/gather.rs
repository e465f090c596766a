//! Collects the evidence of a run: files first, then this host, the tree and the endpoint at once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::anyhow;
use openclaw_sec::check::{
    self, Declared, Dialect, Evidence, HostEvidence, Live, Machine, Question, RotationEvidence,
    Upstream, declared_limit, gather_host, gather_rotation,
};
use openclaw_sec::env_file::EnvFile;
use openclaw_sec::firewall;
use openclaw_sec::firewall::posture::{self, Posture};
use openclaw_sec::placeholder::placeholder;
use openclaw_sec::probe::{
    self, ConfiguredKey, Endpoint, EndpointError, EndpointInput, Profile, Wanted,
};
use openclaw_sec::profiles::PROFILES;
use openclaw_sec::report::Kind;
use openclaw_sec::scan;
use openclaw_sec::secret::Secret;
use openclaw_sec::settings::Settings;
use openclaw_sec::small_file;
use openclaw_sec::state::StateDir;
use openclaw_sec::variables::WEB_KEYS;
use openclaw_sec::world::{World, fill_random};
use std::thread::ScopedJoinHandle;

use super::{Plan, Subject};
use crate::cli::CheckArgs;
use crate::commands::{Context, Failure};

/// The env file that is read when none is named.
const DEFAULT_ENV: &str = ".env";
/// Larger env files, in bytes, are compared between loaders under `-v` only: it takes time.
const LARGEST_COMPARED: usize = 1 << 20;
/// What takes the place of the operating system's roots where it is set.
const ROOT_VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
/// A file of certificates larger than this, in bytes, is refused.
const LARGEST_CA_FILE: u64 = 16 << 20;

/// What all deployments of a run have in common.
pub struct Site<'s> {
    pub world: &'s World,
    pub settings: &'s Settings,
    state: Option<StateDir>,
    machine: OnceLock<Machine>,
    /// One for each of [`PROFILES`].
    postures: Vec<OnceLock<Result<Posture, String>>>,
}

impl<'s> Site<'s> {
    pub fn new(context: &Context<'s>) -> Self {
        Self {
            world: context.world,
            settings: context.settings,
            state: context.state().ok(),
            machine: OnceLock::new(),
            postures: PROFILES.iter().map(|_| OnceLock::new()).collect(),
        }
    }

    fn machine(&self) -> &Machine {
        self.machine.get_or_init(|| Machine::look(self.world))
    }

    /// This host's firewall, compared with what the profile wants.
    fn posture(&self, profile: &str) -> Result<Posture, String> {
        let look = || posture(profile, self.world);
        let place = PROFILES.iter().position(|known| known.id == profile);
        match place {
            Some(place) => self.postures[place].get_or_init(look).clone(),
            None => look(),
        }
    }

    /// After something was mended, everything is looked at anew.
    pub fn forget(&mut self) {
        self.machine.take();
        for posture in &mut self.postures {
            posture.take();
        }
    }
}

/// Reads the files of a deployment; nothing else is looked at yet.
pub fn files(
    arguments: &CheckArgs,
    plan: &Plan,
    subject: &Subject,
    site: &Site<'_>,
) -> Result<Evidence, Failure> {
    let upstream = arguments
        .openclaw_config
        .as_deref()
        .map(Upstream::read)
        .transpose();
    let upstream = upstream.map_err(Failure::usage)?;
    // Upstream needs no env file: where there is none, its configuration is all that is declared.
    let config = arguments.openclaw_config.as_deref();
    let without_env = config.map(|config| Declared::without_env(config.display().to_string()));
    let mut evidence = Evidence {
        question: Question {
            profile: subject.profile.clone(),
            is_active: arguments.active,
            operator_tailnet: site.settings.operator_tailnet.clone(),
            now: site.world.now(),
        },
        declared: env_file(arguments, plan, subject)?.or(without_env),
        dialect: Dialect::Page,
        upstream,
        compared: compared(arguments, plan, subject)?,
        host: HostEvidence::default(),
        posture: None,
        live: Live::NotAsked,
        code: scan::CodeEvidence::default(),
        rotation: RotationEvidence::default(),
    };
    if let Some(declared) = &evidence.declared {
        let names = declared
            .effective()
            .map(|assignment| assignment.name.as_str());
        let names: Vec<&str> = names.collect();
        evidence.dialect = Dialect::of(names.into_iter(), evidence.upstream.is_some());
    }
    Ok(evidence)
}

/// Adds what host, tree and endpoint say: they take their time independently of each other.
pub fn look(
    arguments: &CheckArgs,
    plan: &Plan,
    subject: &Subject,
    evidence: &mut Evidence,
    site: &Site<'_>,
    tell: &(dyn Fn(u64, u64) + Sync),
) -> Result<(), Failure> {
    let endpoint = endpoint(arguments, plan, subject, evidence, site.world)?;
    let world = site.world;
    let declared = evidence.declared.as_ref();
    let env = declared.and_then(|declared| declared.path.clone());
    let wants = |kind| plan.selection.holds_kind(kind);
    let request = search_request(arguments, plan, evidence, env.as_deref());
    let (host, posture, code, live) = std::thread::scope(|scope| {
        let live = endpoint.map(|endpoint| scope.spawn(move || probe::gather(&endpoint)));
        let posture = wants_firewall(&subject.profile, plan)
            .then(|| scope.spawn(|| site.posture(&subject.profile)));
        let code = wants(Kind::Code)
            .then(|| scope.spawn(|| scan::gather(request, &scan::Monitor::new(tell), world)));
        let host = wants(Kind::Host).then(|| {
            let machine = site.machine();
            let rotation = gather_rotation(declared, site.state.as_ref(), machine, world);
            (gather_host(declared, machine, world), rotation)
        });
        let posture = posture.map(joined);
        (host, posture, code.map(joined), live.map(joined))
    });
    if let Some((host, rotation)) = host {
        evidence.host = host;
        evidence.rotation = rotation;
    }
    evidence.posture = posture;
    evidence.code = code.unwrap_or_default();
    if let Some(live) = live {
        evidence.live = Live::Seen(Box::new(live));
    }
    Ok(())
}

/// What a thread found; its panic is ours.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn wants_firewall(profile: &str, plan: &Plan) -> bool {
    let is_private_chat = profile == "tailscale";
    check::checks().any(|check| {
        let looks = check.item() == "firewall"
            || (is_private_chat && check.id == "network.private-chat-public");
        looks && plan.selection.holds_as(check, Kind::Host)
    })
}

fn posture(profile: &str, world: &World) -> Result<Posture, String> {
    let request = firewall::Request {
        profile: Some(profile.to_owned()),
        ..firewall::Request::default()
    };
    firewall::Policy::from_request(&request)
        .and_then(|policy| posture::gather(policy, world))
        .map_err(|error| error.to_string())
}

/// Archives are not opened: what is in them, nobody has seen.
pub fn tell_archives(code: &scan::CodeEvidence, context: &Context<'_>) {
    if let scan::Search::Done(searched) = &code.tree
        && !searched.archives.is_empty()
    {
        let count = searched.archives.len();
        context
            .terminal
            .detail(&format!("{count} archives were not opened"));
        for archive in &searched.archives {
            context.terminal.detail(&format!("  {archive}"));
        }
    }
}

/// What is to be searched for, and where.
fn search_request<'r>(
    arguments: &'r CheckArgs,
    plan: &'r Plan,
    evidence: &'r Evidence,
    env: Option<&'r Path>,
) -> scan::Request<'r> {
    let declared = || evidence.declared.iter().chain(&evidence.compared);
    let asked = |id| check::find(id).is_some_and(|check| plan.selection.holds(check));
    scan::Request {
        env,
        spared: declared()
            .filter_map(|declared| declared.path.as_deref())
            .collect(),
        code: arguments.code.as_deref(),
        history: arguments.history || arguments.unreachable,
        unreachable: arguments.unreachable,
        staged: arguments.staged,
        own_values: own_values(evidence),
        rules: &plan.rules,
        today: evidence
            .question
            .now
            .to_zoned_datetime(jiff::tz::TimeZone::UTC)
            .date(),
        wanted: scan::Wanted {
            tree: asked("secrets.in-code"),
            history: asked("secrets.in-history"),
            env_files: asked("secrets.env-file-in-history"),
        },
    }
}

/// The values of the env files, and the secrets of OpenClaw's configuration beside them.
fn own_values(evidence: &Evidence) -> Vec<scan::OwnValue> {
    let declared = evidence.declared.iter().chain(&evidence.compared);
    let assignments = declared.flat_map(|declared| declared.file.assignments());
    let mut values = scan::worth_a_search(assignments);
    for secret in evidence.configured_secrets() {
        scan::add_to(&mut values, secret.name, secret.value);
    }
    values
}

/// The env file that was named, or `.env` where there is one and no list of deployments.
fn env_file(
    arguments: &CheckArgs,
    plan: &Plan,
    subject: &Subject,
) -> Result<Option<Declared>, Failure> {
    let searches_code =
        arguments.code.is_some() || arguments.history || arguments.unreachable || arguments.staged;
    match &subject.env {
        Some(path) => read_env_file(path, plan).map(Some),
        None if subject.is_listed && subject.url.is_none() => Err(Failure::usage(anyhow!(
            "the list of targets names neither an env file nor an endpoint for it"
        ))),
        None if subject.is_listed => Ok(None),
        None if may_be_there(Path::new(DEFAULT_ENV)) => {
            read_env_file(Path::new(DEFAULT_ENV), plan).map(Some)
        }
        None if searches_code || arguments.openclaw_config.is_some() => Ok(None),
        None if subject.url.is_some() => Ok(None),
        None => Err(Failure::usage(anyhow!(
            "there is no .env here: name the env file with --env FILE, or an endpoint with --url URL"
        ))),
    }
}

/// What cannot be looked at may be there, and reading it will say why.
fn may_be_there(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(_) => true,
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

fn read_env_file(path: &Path, plan: &Plan) -> Result<Declared, Failure> {
    let shown = path.to_string_lossy().into_owned();
    if path == Path::new("-") {
        let file =
            EnvFile::read_descriptor(rustix::stdio::stdin(), Path::new("stdin"), plan.timeout)
                .map_err(Failure::usage)?;
        return Ok(Declared::new(shown, None, file));
    }
    let file = EnvFile::read(path, plan.timeout).map_err(Failure::usage)?;
    let is_regular = file.origin().is_some_and(|origin| origin.is_regular);
    let path = is_regular.then(|| PathBuf::from(path));
    Ok(Declared::new(shown, path, file))
}

/// A listed deployment is not compared with itself.
fn compared(
    arguments: &CheckArgs,
    plan: &Plan,
    subject: &Subject,
) -> Result<Vec<Declared>, Failure> {
    let is_own = |path: &&PathBuf| subject.is_listed && subject.env.as_ref() == Some(path);
    arguments
        .compare_env
        .iter()
        .filter(|path| !is_own(path))
        .map(|path| read_env_file(path, plan))
        .collect()
}

/// Where loaders would read something else than Node does, a person should know.
pub fn tell_disagreements(evidence: &Evidence, context: &Context<'_>) {
    let Some(declared) = &evidence.declared else {
        return;
    };
    let is_verbose = context.terminal.is_verbose();
    if !is_verbose && declared.file.bytes().len() > LARGEST_COMPARED {
        return;
    }
    let path = &declared.shown_path;
    let all = declared.file.all_disagreements();
    for (disagreement, line) in &all {
        context
            .terminal
            .detail(&format!("{path}:{line}: {disagreement}"));
    }
    if !is_verbose && !all.is_empty() {
        let loaders: BTreeSet<String> = all.keys().map(|one| one.loader.to_string()).collect();
        let loaders: Vec<String> = loaders.into_iter().collect();
        context.terminal.note(&format!(
            "{path} is judged as Node reads it; other loaders read some lines differently ({}): -v names the lines",
            loaders.join(", ")
        ));
    }
}

/// The bytes of `--ca-file`.
pub fn ca_file(arguments: &CheckArgs) -> Result<Option<Vec<u8>>, Failure> {
    let read = |path: &PathBuf| {
        small_file::read(path, LARGEST_CA_FILE)
            .map_err(|error| Failure::usage(anyhow!("--ca-file {}: {error}", path.display())))
    };
    arguments.ca_file.as_ref().map(read).transpose()
}

fn endpoint(
    arguments: &CheckArgs,
    plan: &Plan,
    subject: &Subject,
    evidence: &Evidence,
    world: &World,
) -> Result<Option<Endpoint>, Failure> {
    let Some(url) = &subject.url else {
        return Ok(None);
    };
    let id = &subject.profile;
    let profile = Profile::of(id)
        .ok_or_else(|| Failure::usage(anyhow!("--profile {id}: no endpoint is asked about it")))?;
    let declared = evidence.declared.as_ref();
    let list = |name: &str| declared.and_then(|declared| declared.text(name));
    let input = EndpointInput {
        key: key(arguments, subject, evidence)?,
        profile,
        cors_origins: list("CORS_ORIGINS")
            .map(|text| {
                text.split(',')
                    .map(|entry| entry.trim().to_owned())
                    .collect()
            })
            .unwrap_or_default(),
        limit: declared_limit(evidence),
        audit_log_name: list("AUDIT_LOG_PATH")
            .and_then(|path| Some(Path::new(&path).file_name()?.to_string_lossy().into_owned())),
        now: evidence.question.now,
        wanted: wanted(plan),
        root_variables: ROOT_VARIABLES
            .into_iter()
            .filter(|name| world.variable(name).is_some())
            .collect(),
        nonce: nonce()?,
        ..flags_alone(arguments, plan, url)
    };
    let endpoint = Endpoint::parse(input).map_err(Failure::usage)?;
    // Only then is the question dropped: a wrong URL is an error in any case.
    Ok(plan.selection.holds_kind(Kind::Live).then_some(endpoint))
}

/// No question is put for a check that was not selected.
fn wanted(plan: &Plan) -> Wanted {
    let is_asked = |check| plan.selection.holds_as(check, Kind::Live);
    Wanted::of(|id| check::find(id).is_some_and(is_asked))
}

/// Whether the flags about endpoints can be right for any of many.
///
/// # Errors
/// When one of them is wrong whatever the endpoint.
pub fn try_flags(arguments: &CheckArgs, plan: &Plan) -> Result<(), Failure> {
    let input = flags_alone(arguments, plan, "https://bot.example");
    Endpoint::parse(input).map_err(Failure::usage).map(|_| ())
}

/// Whether a URL is one that holds no key, as far as it tells by itself.
///
/// # Errors
/// What is wrong about it; nothing of it is repeated.
pub fn try_url(url: &str, arguments: &CheckArgs, plan: &Plan) -> Result<(), EndpointError> {
    Endpoint::parse(flags_alone(arguments, plan, url)).map(|_| ())
}

/// An endpoint as far as the flags describe it.
fn flags_alone(arguments: &CheckArgs, plan: &Plan, url: &str) -> EndpointInput {
    EndpointInput {
        url: url.to_owned(),
        connect_to: arguments.connect_to.clone(),
        ca_file: plan.ca_file.clone(),
        root_variables: Vec::new(),
        timeout: plan.timeout,
        auth_paths: arguments.auth_path.clone(),
        auth_scheme: arguments.auth_scheme.clone(),
        burst_path: arguments.burst_path.clone(),
        active: arguments.active,
        wanted: Wanted::everything(),
        key: Err("no key is set in the env file".to_owned()),
        profile: Profile::default(),
        cors_origins: Vec::new(),
        limit: Err("no env file was read".to_owned()),
        audit_log_name: None,
        is_log_event: check::is_structured_event,
        now: jiff::Timestamp::UNIX_EPOCH,
        nonce: [0; 12],
    }
}

/// The key that the endpoint should accept, or why none is sent: the named variable's, else the
/// first that is set. A placeholder is no key, and trying it would cost an attempt.
fn key(
    arguments: &CheckArgs,
    subject: &Subject,
    evidence: &Evidence,
) -> Result<Result<ConfiguredKey, String>, Failure> {
    let declared = evidence.declared.as_ref();
    if declared.is_none() && subject.is_listed && arguments.key_name.is_some() {
        return Ok(Err(
            "the list of targets names no env file for it".to_owned()
        ));
    }
    let set = |name: &str| Some((name.to_owned(), declared?.value(name)?.value.clone()));
    let found = match &arguments.key_name {
        Some(name) => Some(set(name).ok_or_else(|| {
            Failure::usage(anyhow!("--key-name {name}: the env file does not set it"))
        })?),
        None => {
            let mut all = WEB_KEYS.iter().filter_map(|name| set(name));
            let is_real = |(_, value): &(_, Secret)| placeholder(value.expose()).is_none();
            all.clone().find(is_real).or_else(|| all.next())
        }
    };
    Ok(match found {
        None => Err("no key is set in the env file".to_owned()),
        Some((name, value)) if placeholder(value.expose()).is_some() => {
            Err(format!("{name} holds a placeholder, which is not sent"))
        }
        Some((variable, value)) => Ok(ConfiguredKey { variable, value }),
    })
}

fn nonce() -> Result<[u8; 12], Failure> {
    let mut nonce = [0; 12];
    fill_random(&mut nonce).map_err(|error| {
        Failure::output(anyhow!(
            "the system's random generator does not answer: {error}"
        ))
    })?;
    Ok(nonce)
}
