//! Collects the evidence of a run: files first, then this host, the tree and the endpoint at once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use openclaw_sec::check::{
    self, Declared, Dialect, Evidence, HostEvidence, Live, Question, RotationEvidence, Upstream,
    declared_limit, gather_host, gather_rotation,
};
use openclaw_sec::env_file::EnvFile;
use openclaw_sec::firewall;
use openclaw_sec::firewall::posture::{self, Posture};
use openclaw_sec::placeholder::placeholder;
use openclaw_sec::probe::{self, ConfiguredKey, Endpoint, EndpointInput, Profile};
use openclaw_sec::report::Kind;
use openclaw_sec::scan;
use openclaw_sec::secret::Secret;
use openclaw_sec::small_file;
use openclaw_sec::variables::WEB_KEYS;
use openclaw_sec::world::World;
use std::thread::ScopedJoinHandle;

use super::{Plan, redactor};
use crate::cli::CheckArgs;
use crate::commands::{Context, Failure};

/// The env file that is read when none is named.
const DEFAULT_ENV: &str = ".env";
/// Larger env files, in bytes, are compared between loaders under `-v` only: it takes time.
const LARGEST_COMPARED: usize = 1 << 20;
/// A file of certificates larger than this, in bytes, is refused.
const LARGEST_CA_FILE: u64 = 16 << 20;

pub fn evidence(
    arguments: &CheckArgs,
    plan: &Plan,
    context: &mut Context<'_>,
) -> Result<Evidence, Failure> {
    let upstream = arguments
        .openclaw_config
        .as_deref()
        .map(Upstream::read)
        .transpose();
    let upstream = upstream.map_err(Failure::usage)?;
    let mut evidence = Evidence {
        question: Question {
            profile: arguments.profile.clone(),
            is_active: arguments.active,
            operator_tailnet: context.settings.operator_tailnet.clone(),
            now: context.world.now(),
        },
        declared: env_file(arguments, plan)?,
        dialect: Dialect::Page,
        upstream,
        compared: compared(arguments, plan)?,
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
    context.terminal.set_redactor(redactor(&evidence));
    tell_disagreements(&evidence, context);
    let endpoint = endpoint(arguments, plan, &evidence, context)?;
    look(arguments, plan, &mut evidence, endpoint, context);
    Ok(evidence)
}

/// Host, tree and endpoint take their time independently of each other.
fn look(
    arguments: &CheckArgs,
    plan: &Plan,
    evidence: &mut Evidence,
    endpoint: Option<Endpoint>,
    context: &Context<'_>,
) {
    let world = context.world;
    let declared = evidence.declared.as_ref();
    let env = declared.and_then(|declared| declared.path.clone());
    let wants = |kind| plan.selection.holds_kind(kind);
    for note in plan.rules.notes() {
        context.terminal.note(note);
    }
    let progress = context.terminal.progress();
    let request = search_request(arguments, plan, evidence, env.as_deref());
    let state = context.state().ok();
    let (host, posture, code, live) = std::thread::scope(|scope| {
        let live = endpoint.map(|endpoint| scope.spawn(move || probe::gather(&endpoint)));
        let posture = wants_firewall(arguments, plan)
            .then(|| scope.spawn(|| posture(&arguments.profile, world)));
        let code = wants(Kind::Code).then(|| {
            scope.spawn(|| {
                let tell = |objects, bytes| progress.tell(objects, bytes);
                let monitor = scan::Monitor::new(&tell);
                scan::gather(request, &monitor, world)
            })
        });
        let host = wants(Kind::Host).then(|| {
            let rotation = gather_rotation(declared, state.as_ref(), world);
            (gather_host(declared, world), rotation)
        });
        let posture = posture.map(joined);
        (host, posture, code.map(joined), live.map(joined))
    });
    drop(progress);
    if let Some((host, rotation)) = host {
        evidence.host = host;
        evidence.rotation = rotation;
    }
    evidence.posture = posture;
    evidence.code = code.unwrap_or_default();
    tell_archives(&evidence.code, context);
    if let Some(live) = live {
        evidence.live = Live::Seen(Box::new(live));
    }
}

/// What a thread found; its panic is ours.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn wants_firewall(arguments: &CheckArgs, plan: &Plan) -> bool {
    let is_private_chat = arguments.profile == "tailscale";
    check::checks().any(|check| {
        let looks = check.item() == "firewall"
            || (is_private_chat && check.id == "network.private-chat-public");
        looks && plan.selection.holds_as(check, Kind::Host)
    })
}

/// This host's firewall, compared with what the profile wants.
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
fn tell_archives(code: &scan::CodeEvidence, context: &Context<'_>) {
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
    let assignments = declared().flat_map(|declared| declared.file.assignments());
    let asked = |id| check::find(id).is_some_and(|check| plan.selection.holds(check));
    scan::Request {
        env,
        spared: declared()
            .filter_map(|declared| declared.path.as_deref())
            .collect(),
        code: arguments.code.as_deref(),
        history: arguments.history,
        staged: arguments.staged,
        own_values: scan::worth_a_search(assignments),
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

/// The env file that was named, or `.env` where there is one.
fn env_file(arguments: &CheckArgs, plan: &Plan) -> Result<Option<Declared>, Failure> {
    let searches_code = arguments.code.is_some() || arguments.history || arguments.staged;
    match &arguments.env {
        Some(path) => read_env_file(path, plan).map(Some),
        None if Path::new(DEFAULT_ENV).symlink_metadata().is_ok() => {
            read_env_file(Path::new(DEFAULT_ENV), plan).map(Some)
        }
        None if searches_code || arguments.openclaw_config.is_some() => Ok(None),
        None if arguments.url.is_some() => Ok(None),
        None => Err(Failure::usage(anyhow!(
            "there is no .env here: name the env file with --env FILE, or an endpoint with --url URL"
        ))),
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

fn compared(arguments: &CheckArgs, plan: &Plan) -> Result<Vec<Declared>, Failure> {
    arguments
        .compare_env
        .iter()
        .map(|path| read_env_file(path, plan))
        .collect()
}

/// Where loaders would read something else than Node does, a person should know.
fn tell_disagreements(evidence: &Evidence, context: &Context<'_>) {
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

fn endpoint(
    arguments: &CheckArgs,
    plan: &Plan,
    evidence: &Evidence,
    context: &Context<'_>,
) -> Result<Option<Endpoint>, Failure> {
    let Some(url) = &arguments.url else {
        return Ok(None);
    };
    let ca_file = arguments.ca_file.as_deref().map(|path| {
        small_file::read(path, LARGEST_CA_FILE)
            .map_err(|error| Failure::usage(anyhow!("--ca-file {}: {error}", path.display())))
    });
    let declared = evidence.declared.as_ref();
    let list = |name: &str| declared.and_then(|declared| declared.text(name));
    let input = EndpointInput {
        url: url.clone(),
        connect_to: arguments.connect_to.clone(),
        ca_file: ca_file.transpose()?,
        timeout: plan.timeout,
        auth_paths: arguments.auth_path.clone(),
        auth_scheme: arguments.auth_scheme.clone(),
        burst_path: arguments.burst_path.clone(),
        key: key(arguments, evidence)?,
        profile: profile(&arguments.profile),
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
        active: arguments.active,
        now: context.world.now(),
        nonce: nonce()?,
    };
    let endpoint = Endpoint::parse(input).map_err(Failure::usage)?;
    // Only then is the question dropped: a wrong URL is an error in any case.
    Ok(plan.selection.holds_kind(Kind::Live).then_some(endpoint))
}

/// The key that the endpoint should accept, or why none is sent: the named variable's, else the
/// first that is set. A placeholder is no key, and trying it would cost an attempt.
fn key(
    arguments: &CheckArgs,
    evidence: &Evidence,
) -> Result<Result<ConfiguredKey, String>, Failure> {
    let declared = evidence.declared.as_ref();
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

fn profile(id: &str) -> Profile {
    match id {
        "cloudflare-tunnel" => Profile::CloudflareTunnel,
        "cloudflare-origin" => Profile::CloudflareOrigin,
        "tailscale" => Profile::Tailscale,
        "telegram" => Profile::Telegram,
        _ => Profile::Vps,
    }
}

fn nonce() -> Result<[u8; 12], Failure> {
    use rand::TryRng as _;
    let mut nonce = [0; 12];
    rand::rngs::SysRng
        .try_fill_bytes(&mut nonce)
        .map_err(|error| {
            Failure::output(anyhow!(
                "the system's random generator does not answer: {error}"
            ))
        })?;
    Ok(nonce)
}
