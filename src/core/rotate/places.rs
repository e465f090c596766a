//! Which key is in effect: running gateways, and the files that outrank or feed the env file.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use globset::Glob;
use memchr::memmem;

use super::journal::ProcessId;
use crate::env_file::EnvFile;
use crate::gateway_process;
use crate::order;
use crate::secret::Secret;
use crate::small_file;
use crate::world::World;

/// A shorter value would be found everywhere.
const SHORTEST_SEARCHED: usize = 8;
/// Stores larger than this are not read, in bytes.
const LARGEST_FILE: u64 = 256 << 20;
/// At most this many files of a state folder are looked at.
const MOST_FILES: usize = 5000;

/// A running gateway.
struct Gateway {
    id: ProcessId,
    folder: Option<PathBuf>,
    environment: Option<Secret>,
}

/// What to look for, and where.
pub struct Search<'a> {
    /// The outside world.
    pub world: &'a World,
    /// The variable.
    pub name: &'a str,
    /// The env file behind all links.
    pub target: &'a Path,
    /// The old key.
    pub old: Option<&'a Secret>,
    /// The new key.
    pub new: &'a Secret,
    /// The main process of the unit that was restarted.
    pub main_process: Option<u32>,
    /// The unit that was restarted.
    pub unit: Option<&'a str>,
    /// The gateways that ran before the restart.
    pub before: &'a [ProcessId],
}

/// What was found.
#[derive(Debug, Default)]
pub struct Places {
    /// Where the old key is still in effect or in store: each a process or a file.
    pub holding: Vec<String>,
    /// Whether a gateway is known to have the new key.
    pub is_seen_live: bool,
}

/// The gateways that run now.
pub fn running(world: &World) -> Vec<ProcessId> {
    gateways(world, None)
        .iter()
        .map(|gateway| gateway.id)
        .collect()
}

impl Search<'_> {
    /// Looks at processes and files, changing nothing.
    pub fn run(&self) -> Places {
        let mut places = Places::default();
        let gateways = gateways(self.world, self.main_process);
        for gateway in &gateways {
            self.look_at(gateway, &mut places);
        }
        self.look_at_env_file(&mut places);
        let Some(old) = self.old.filter(|old| old.len() >= SHORTEST_SEARCHED) else {
            return places;
        };
        for path in self.files(&gateways) {
            match small_file::read(&path, LARGEST_FILE) {
                Ok(bytes) if holds(&bytes, old) => places.holding.push(path.display().to_string()),
                Err(error) if is_disturbed(&error) => {
                    places
                        .holding
                        .push(format!("{}: cannot be read: {error}", path.display()));
                }
                _ => {}
            }
        }
        places
    }

    fn look_at(&self, gateway: &Gateway, places: &mut Places) {
        let pid = gateway.id.pid;
        let is_main = self.main_process == Some(pid);
        let place = |what: &str| format!("process {pid} ({what})");
        let is_old = self.before.contains(&gateway.id);
        let Some(environment) = &gateway.environment else {
            if is_main {
                places.holding.push(place(
                    "the unit's main process: its environment may not be read, run this as root or its user",
                ));
            }
            return;
        };
        let value = variable(environment.expose(), self.name.as_bytes());
        let has_old = self.old.is_some_and(|old| {
            value == Some(old.expose())
                || (old.len() >= SHORTEST_SEARCHED && holds(environment.expose(), old))
        });
        if has_old {
            places
                .holding
                .push(place("the old key is in its environment"));
            return;
        }
        let is_ours = is_main || self.concerns(gateway);
        if !is_ours {
            return;
        }
        match value {
            Some(value) if value == self.new.expose() => places.is_seen_live = true,
            Some(value) if !value.is_empty() => places.holding.push(place(
                "its environment holds another value, which outranks the env file",
            )),
            _ if is_old => places
                .holding
                .push(place("it was not restarted since the env file was changed")),
            _ => places.is_seen_live = true,
        }
    }

    /// Whether a gateway reads this env file, as far as can be told from outside.
    fn concerns(&self, gateway: &Gateway) -> bool {
        let folder = self.target.parent();
        let runs_beside = gateway.folder.is_some() && gateway.folder.as_deref() == folder;
        runs_beside
            || self
                .state_folders(gateway)
                .iter()
                .any(|state| Some(state.as_path()) == folder)
    }

    fn state_folders(&self, gateway: &Gateway) -> Vec<PathBuf> {
        let Some(environment) = &gateway.environment else {
            return Vec::new();
        };
        let path = |name: &[u8]| {
            variable(environment.expose(), name)
                .filter(|value| !value.is_empty())
                .map(|value| PathBuf::from(std::ffi::OsStr::from_bytes(value)))
        };
        let home = path(b"HOME").map(|home| home.join(".openclaw"));
        home.into_iter()
            .chain(path(b"OPENCLAW_STATE_DIR"))
            .collect()
    }

    /// The same key under another name in the same file, also as a part of what stands there.
    fn look_at_env_file(&self, places: &mut Places) {
        let Some(old) = self.old else { return };
        let file = match EnvFile::read(self.target, std::time::Duration::from_secs(5)) {
            Ok(file) => file,
            Err(error) => return places.holding.push(error.to_string()),
        };
        let is_in = |value: &Secret| {
            value == old || (old.len() >= SHORTEST_SEARCHED && holds(value.expose(), old))
        };
        let names: BTreeSet<&str> = file
            .assignments()
            .iter()
            .filter(|one| one.name != self.name && is_in(&one.value))
            .map(|one| one.name.as_str())
            .collect();
        for name in names {
            places
                .holding
                .push(format!("{}: the variable {name}", self.target.display()));
        }
    }

    /// The files that outrank or feed the env file.
    fn files(&self, gateways: &[Gateway]) -> Vec<PathBuf> {
        let mut states: BTreeSet<PathBuf> = BTreeSet::new();
        let mut files: BTreeSet<PathBuf> = BTreeSet::new();
        let mut homes: BTreeSet<PathBuf> = self.world.home().into_iter().collect();
        // Somebody else's gateway feeds on somebody else's files.
        let ours = gateways
            .iter()
            .filter(|one| self.main_process == Some(one.id.pid) || self.concerns(one));
        for gateway in ours {
            states.extend(self.state_folders(gateway));
            files.extend(gateway.folder.iter().map(|folder| folder.join(".env")));
            homes.extend(
                gateway
                    .environment
                    .as_ref()
                    .and_then(|environment| variable(environment.expose(), b"HOME"))
                    .map(|home| PathBuf::from(std::ffi::OsStr::from_bytes(home))),
            );
        }
        states.extend(self.world.variable("OPENCLAW_STATE_DIR").map(PathBuf::from));
        for home in &homes {
            states.insert(home.join(".openclaw"));
            files.insert(home.join(".config/openclaw/gateway.env"));
        }
        for state in &states {
            collect_state(state, &mut files);
        }
        if let Some(folder) = self.target.parent() {
            files.insert(folder.join("openclaw.json"));
            files.insert(folder.join("gateway.systemd.env"));
            collect_agents(&folder.join("agents"), 0, &mut files);
        }
        self.collect_units(&homes, &mut files);
        let own = identity(self.target).ok();
        let backup = super::backup::path(self.target, self.name);
        let mut seen = BTreeSet::new();
        files
            .into_iter()
            .filter(|path| *path != backup)
            .filter(|path| {
                let found = match identity(path) {
                    Ok(found) => Some(found),
                    // It is read, which says what is wrong.
                    Err(error) => return is_disturbed(&error),
                };
                found != own && seen.insert(found)
            })
            .collect()
    }

    /// A path of a unit with its specifier filled in, for each user it may run as: `%h` is the home,
    /// `%E` the folder of settings and `%S` the one of state (systemd.unit(5)).
    fn specified(&self, named: &str, homes: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
        let places = [
            ("%h", None, ""),
            ("%E", Some("etc"), ".config"),
            ("%S", Some("var/lib"), ".local/state"),
        ];
        for (specifier, of_system, of_user) in places {
            if let Some(rest) = named.strip_prefix(specifier) {
                let rest = rest.trim_start_matches('/');
                let users = homes.iter().map(|home| home.join(of_user).join(rest));
                let system = of_system.map(|folder| self.world.host(folder).join(rest));
                return users.chain(system).collect();
            }
        }
        vec![self.world.below_root(Path::new(named))]
    }

    /// Units and their drop-ins, and the environment files they name.
    fn collect_units(&self, homes: &BTreeSet<PathBuf>, files: &mut BTreeSet<PathBuf>) {
        let mut folders: Vec<PathBuf> = ["etc", "run", "usr/lib", "lib"]
            .iter()
            .flat_map(|place| {
                ["system", "user"].map(|kind| self.world.host(&format!("{place}/systemd/{kind}")))
            })
            .collect();
        folders.extend(homes.iter().map(|home| home.join(".config/systemd/user")));
        let unit = self.unit.map(|unit| unit.trim_end_matches(".service"));
        let is_meant = |name: &str| {
            let stem = name.trim_end_matches(".d").trim_end_matches(".service");
            !name.contains("openclaw-sec") && (name.contains("openclaw") || unit == Some(stem))
        };
        let mut units = Vec::new();
        for folder in folders {
            for path in entries(&folder) {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if is_meant(&name) && path.is_dir() {
                    units.extend(entries(&path));
                } else if is_meant(&name) {
                    units.push(path);
                }
            }
        }
        for path in units {
            let text = small_file::read_text(&path, 1 << 20).unwrap_or_default();
            for named in text.lines().filter_map(environment_file) {
                for pattern in self.specified(named, homes) {
                    files.extend(expanded(&pattern));
                }
            }
            files.insert(path);
        }
    }
}

/// The path that a line of a unit names: systemd ignores blanks round `=`, and a dash says that the
/// file may be absent.
fn environment_file(line: &str) -> Option<&str> {
    let (key, path) = line.split_once('=')?;
    let path = path.trim().trim_start_matches('-').trim_matches('"');
    (key.trim() == "EnvironmentFile").then_some(path)
}

/// The files that a path with the wildcards of glob(7) names.
fn expanded(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern {
        let text = part.to_string_lossy();
        if !text.contains(['*', '?', '[']) {
            found = found.iter().map(|folder| folder.join(part)).collect();
            continue;
        }
        let Ok(glob) = Glob::new(&text) else {
            return Vec::new();
        };
        let glob = glob.compile_matcher();
        let all = found.iter().flat_map(|folder| entries(folder));
        let meant = all.filter(|path| path.file_name().is_some_and(|name| glob.is_match(name)));
        found = meant.take(MOST_FILES).collect();
    }
    found
}

/// What OpenClaw keeps in a state folder that may hold a key.
fn collect_state(state: &Path, files: &mut BTreeSet<PathBuf>) {
    for name in [".env", "gateway.systemd.env", "openclaw.json"] {
        files.insert(state.join(name));
    }
    collect_agents(&state.join("agents"), 0, files);
    for path in entries(state) {
        if is_store(&path) {
            files.insert(path);
        }
    }
}

/// JSON files and databases of agents, some folders deep.
fn collect_agents(folder: &Path, depth: usize, files: &mut BTreeSet<PathBuf>) {
    if depth > 4 {
        return;
    }
    for path in entries(folder) {
        if files.len() > MOST_FILES {
            return;
        }
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => collect_agents(&path, depth + 1, files),
            Ok(_) if path.extension().is_some_and(|ending| ending == "json") => {
                files.insert(path);
            }
            Ok(_) if is_store(&path) => {
                files.insert(path);
            }
            _ => {}
        }
    }
}

fn is_store(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.trim_end_matches("-wal").trim_end_matches("-journal");
    [".sqlite", ".sqlite3", ".db"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    order::sort(&mut paths);
    paths
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = path.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Whether this is a fault of the system, and not that the file is absent, somebody else's or of
/// another kind: whether the old key stands in it is not known then.
fn is_disturbed(error: &io::Error) -> bool {
    let is_ordinary = matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
    );
    error.raw_os_error().is_some() && !is_ordinary
}

/// Whether the bytes hold the key as it is or with the escapes of JSON.
fn holds(bytes: &[u8], key: &Secret) -> bool {
    if memmem::find(bytes, key.expose()).is_some() {
        return true;
    }
    match std::str::from_utf8(key.expose()) {
        Ok(text) if text.contains(['/', '"', '\\']) => {
            let escaped = zeroize::Zeroizing::new(
                text.replace('\\', "\\\\")
                    .replace('"', "\\\"")
                    .replace('/', "\\/"),
            );
            memmem::find(bytes, escaped.as_bytes()).is_some()
        }
        _ => false,
    }
}

/// A variable of a process's environment, as `/proc/PID/environ` shows it.
fn variable<'e>(environment: &'e [u8], name: &[u8]) -> Option<&'e [u8]> {
    environment
        .split(|byte| *byte == 0)
        .find_map(|entry| entry.strip_prefix(name)?.strip_prefix(b"="))
}

fn gateways(world: &World, main_process: Option<u32>) -> Vec<Gateway> {
    let proc = world.host("proc");
    let pids = entries(&proc)
        .into_iter()
        .filter_map(|path| path.file_name()?.to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| gateway(&proc.join(pid.to_string()), pid, main_process == Some(pid)))
        .collect()
}

fn gateway(folder: &Path, pid: u32, is_main: bool) -> Option<Gateway> {
    if !is_main && !gateway_process::is_gateway(folder) {
        return None;
    }
    Some(Gateway {
        id: ProcessId {
            pid,
            start: gateway_process::start_tick(folder)?,
        },
        folder: std::fs::read_link(folder.join("cwd")).ok(),
        environment: std::fs::read(folder.join("environ")).ok().map(Secret::new),
    })
}
