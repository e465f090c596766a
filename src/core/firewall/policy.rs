//! What the user wants: the options and the profile, checked and completed.

use std::fmt;
use std::fs::File;
use std::io::Read as _;

use ipnet::IpNet;

use super::error::FirewallError;
use super::input::{parse_interface, parse_network, parse_port};
use super::{lists, ranges};
use crate::profiles::{self, Profile, ProfileSource, TAILSCALE_INTERFACE};

/// The options of `firewall` as the user wrote them, unchecked.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `--profile`; the default profile where there is none.
    pub profile: Option<String>,
    /// Every `--ssh-port`; 22 where there is none.
    pub ssh_ports: Vec<String>,
    /// Every `--ssh-from`; anywhere where there is none.
    pub ssh_from: Vec<String>,
    /// `--no-ssh`.
    pub no_ssh: bool,
    /// Every `--allow PROTO/PORT[,from=CIDR][,iface=IF]`.
    pub allow: Vec<String>,
    /// Every `--private-port`.
    pub private_ports: Vec<String>,
    /// Every `--trust-interface`.
    pub trust_interfaces: Vec<String>,
    /// The file of `--block-list`.
    pub block_list: Option<String>,
    /// The file of `--cloudflare-ips`.
    pub cloudflare_ips: Option<String>,
    /// `--rollback`, in seconds.
    pub rollback: Option<String>,
    /// `--persist`.
    pub persist: bool,
    /// `--hook`.
    pub hook: Option<String>,
}

/// A checked policy: everything the rules and the script are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The profile it began with.
    pub profile: &'static Profile,
    /// Where the guard stands.
    pub hook: Hook,
    /// Who may use ssh; `None` with `--no-ssh`.
    pub ssh: Option<Ssh>,
    /// Every other port that is open.
    pub openings: Vec<Opening>,
    /// Networks that may open no connection; merged and sorted.
    pub blocked: Vec<IpNet>,
    /// Interfaces on which everything passes.
    pub trusted: Vec<String>,
    /// When the script takes its change back.
    pub rollback: Rollback,
    /// Whether the rules come back after a reboot.
    pub persist: bool,
    /// The command that renders them, for a shell.
    pub command: String,
}

/// Where the guard stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// Before destination NAT: published container ports are guarded too.
    Prerouting,
    /// The classic place: what is delivered to the host itself.
    Input,
}

/// Who may use ssh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// The ports, in the order the user gave.
    pub ports: Vec<u16>,
    /// The networks it is narrowed to; empty means anywhere.
    pub from: Vec<IpNet>,
}

/// One open port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// What opened it: `web`, `tailscale-transport`, `allow`, `private`.
    pub name: String,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The port, never 0.
    pub port: u16,
    /// Who may reach it; `None` means anywhere.
    pub from: Option<Vec<IpNet>>,
    /// The one interface it counts on; every interface where there is none.
    pub interface: Option<String>,
}

/// A protocol with ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// The name that every loader knows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.name, self.protocol.name(), self.port)?;
        if self.name == "allow"
            && let Some(network) = self.from.as_deref().and_then(<[_]>::first)
        {
            write!(f, " from {network}")?;
        }
        match &self.interface {
            Some(interface) => write!(f, " on {interface}"),
            None => Ok(()),
        }
    }
}

/// When the script takes its change back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollback {
    /// After 60 seconds where a terminal is there, never where none is.
    Automatic,
    /// Never.
    Never,
    /// After this many seconds without a confirmation.
    Seconds(u32),
}

/// The largest list file in bytes; a million networks fit.
const LARGEST_LIST: u64 = 64 << 20;

/// The longest rollback, one day in seconds.
const ROLLBACK_LIMIT: u32 = 86_400;

impl Policy {
    /// Checks the options and reads the list files they name.
    ///
    /// # Errors
    /// The first option or file that is not right, with the flag or file and the value.
    pub fn from_request(request: &Request) -> Result<Self, FirewallError> {
        let profile = profile(request)?;
        let hook = hook(request)?;
        let ssh = ssh(request)?;
        let trusted = each(
            "--trust-interface",
            &request.trust_interfaces,
            parse_interface,
        )?;
        let private = each("--private-port", &request.private_ports, parse_port)?;
        let allowed = each("--allow", &request.allow, parse_allow)?;
        let rollback = rollback(request)?;
        let cloudflare = match &request.cloudflare_ips {
            Some(path) => from_file("--cloudflare-ips", path, lists::cloudflare_list)?,
            None => ranges::cloudflare_networks(),
        };
        let blocked = match &request.block_list {
            Some(path) => from_file("--block-list", path, lists::block_list)?,
            None => Vec::new(),
        };
        let mut openings = profile_openings(profile, &cloudflare);
        openings.extend(private.into_iter().map(private_opening));
        openings.extend(allowed);
        Ok(Self {
            profile,
            hook,
            ssh,
            openings: without_doubles(openings),
            blocked,
            trusted: without_doubles(trusted),
            rollback,
            persist: request.persist,
            command: request.command(profile),
        })
    }

    /// The default profile without any option.
    pub fn for_profile(profile: &'static Profile) -> Self {
        Self {
            profile,
            hook: Hook::Prerouting,
            ssh: Some(Ssh {
                ports: vec![22],
                from: Vec::new(),
            }),
            openings: profile_openings(profile, &ranges::cloudflare_networks()),
            blocked: Vec::new(),
            trusted: Vec::new(),
            rollback: Rollback::Automatic,
            persist: false,
            command: Request::default().command(profile),
        }
    }
}

impl Request {
    /// `openclaw-sec firewall` with these options, for a shell; the default profile goes without saying.
    fn command(&self, profile: &Profile) -> String {
        let is_default = profile.id == profiles::PROFILES[0].id;
        let profile = (!is_default).then(|| profile.id.to_owned());
        let lists: [(&str, &[String]); 10] = [
            ("--profile", profile.as_slice()),
            ("--ssh-port", &self.ssh_ports),
            ("--ssh-from", &self.ssh_from),
            ("--allow", &self.allow),
            ("--private-port", &self.private_ports),
            ("--trust-interface", &self.trust_interfaces),
            ("--block-list", self.block_list.as_slice()),
            ("--cloudflare-ips", self.cloudflare_ips.as_slice()),
            ("--rollback", self.rollback.as_slice()),
            ("--hook", self.hook.as_slice()),
        ];
        let switches = [("--no-ssh", self.no_ssh), ("--persist", self.persist)];
        let mut words = vec!["openclaw-sec", "firewall"];
        for (flag, values) in lists {
            words.extend(values.iter().flat_map(|value| [flag, value]));
        }
        words.extend(
            switches
                .iter()
                .filter(|(_, is_on)| *is_on)
                .map(|(flag, _)| flag),
        );
        shlex::try_join(words).unwrap_or_else(|_| "openclaw-sec firewall".to_owned())
    }
}

/// Reads `PROTO/PORT[,from=CIDR][,iface=IF]`.
fn parse_allow(text: &str) -> Result<Opening, String> {
    let mut parts = text.split(',');
    let head = parts.next().unwrap_or_default();
    let (protocol, port) = head
        .split_once('/')
        .ok_or("is not of the form PROTO/PORT[,from=CIDR][,iface=IF], for instance tcp/8443")?;
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return Err("begins with neither tcp/ nor udp/".to_owned()),
    };
    let port = parse_port(port).map_err(|problem| format!("has a port that {problem}"))?;
    let (mut from, mut interface) = (None, None);
    for part in parts {
        match part.split_once('=') {
            Some(("from", value)) if from.is_none() => {
                let network = parse_network(value)
                    .map_err(|problem| format!("has a from= that {problem}"))?;
                from = Some(vec![network]);
            }
            Some(("iface", value)) if interface.is_none() => {
                let name = parse_interface(value)
                    .map_err(|problem| format!("has an iface= that {problem}"))?;
                interface = Some(name);
            }
            Some(("from" | "iface", _)) => {
                return Err("names a key twice; repeat --allow instead".to_owned());
            }
            _ => return Err("has a key that is neither from= nor iface=".to_owned()),
        }
    }
    Ok(Opening {
        name: "allow".to_owned(),
        protocol,
        port,
        from,
        interface,
    })
}

fn profile(request: &Request) -> Result<&'static Profile, FirewallError> {
    let id = request
        .profile
        .as_deref()
        .unwrap_or(profiles::DEFAULT_PROFILE);
    // The words around the id hide a key that was pasted in its place.
    profiles::named(id).map_err(|unknown| {
        FirewallError::value("--profile", id, format!("is no profile{}", unknown.hint()))
    })
}

fn hook(request: &Request) -> Result<Hook, FirewallError> {
    match request.hook.as_deref() {
        None | Some("prerouting") => Ok(Hook::Prerouting),
        Some("input") => Ok(Hook::Input),
        Some(other) => Err(FirewallError::value(
            "--hook",
            other,
            "is no hook; choose prerouting or input",
        )),
    }
}

fn ssh(request: &Request) -> Result<Option<Ssh>, FirewallError> {
    let mut ports = each("--ssh-port", &request.ssh_ports, parse_port)?;
    let from = each("--ssh-from", &request.ssh_from, parse_network)?;
    if request.no_ssh {
        let other = match (ports.is_empty(), from.is_empty()) {
            (false, _) => "--ssh-port",
            (true, false) => "--ssh-from",
            (true, true) => return Ok(None),
        };
        return Err(FirewallError::Conflict {
            flag: "--no-ssh",
            other,
        });
    }
    if ports.is_empty() {
        ports.push(22);
    }
    Ok(Some(Ssh {
        ports: without_doubles(ports),
        from: IpNet::aggregate(&from),
    }))
}

fn rollback(request: &Request) -> Result<Rollback, FirewallError> {
    let Some(text) = request.rollback.as_deref() else {
        return Ok(Rollback::Automatic);
    };
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u32>() {
        Ok(0) if plain => Ok(Rollback::Never),
        Ok(seconds) if plain && seconds <= ROLLBACK_LIMIT => Ok(Rollback::Seconds(seconds)),
        _ => Err(FirewallError::value(
            "--rollback",
            text,
            format!("is no number of seconds from 0 (never) to {ROLLBACK_LIMIT}"),
        )),
    }
}

fn profile_openings(profile: &Profile, cloudflare: &[IpNet]) -> Vec<Opening> {
    profile
        .openings
        .iter()
        .map(|opening| Opening {
            name: opening.name.to_owned(),
            protocol: if opening.udp {
                Protocol::Udp
            } else {
                Protocol::Tcp
            },
            port: opening.port,
            from: match opening.source {
                ProfileSource::Anywhere => None,
                ProfileSource::Cloudflare => Some(cloudflare.to_vec()),
                ProfileSource::Telegram => Some(ranges::telegram_networks()),
            },
            interface: opening.interface.map(ToOwned::to_owned),
        })
        .collect()
}

fn private_opening(port: u16) -> Opening {
    Opening {
        name: "private".to_owned(),
        protocol: Protocol::Tcp,
        port,
        from: None,
        interface: Some(TAILSCALE_INTERFACE.to_owned()),
    }
}

fn each<T>(
    flag: &str,
    values: &[String],
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, FirewallError> {
    values
        .iter()
        .map(|value| parse(value).map_err(|problem| FirewallError::value(flag, value, problem)))
        .collect()
}

fn from_file(
    flag: &'static str,
    path: &str,
    parse: impl Fn(&str, &[u8]) -> Result<Vec<IpNet>, FirewallError>,
) -> Result<Vec<IpNet>, FirewallError> {
    read(path)
        .and_then(|bytes| parse(path, &bytes))
        .map_err(|error| FirewallError::InFile {
            flag,
            source: Box::new(error),
        })
}

/// A list may come through a pipe; a device that never ends is cut off.
fn read(path: &str) -> Result<Vec<u8>, FirewallError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_LIST + 1).read_to_end(&mut bytes))
        .map_err(|source| FirewallError::Read {
            path: path.to_owned(),
            source,
        })?;
    if bytes.len() as u64 > LARGEST_LIST {
        return Err(FirewallError::File {
            path: path.to_owned(),
            problem: format!("is larger than {LARGEST_LIST} bytes"),
        });
    }
    Ok(bytes)
}

fn without_doubles<T: PartialEq>(values: Vec<T>) -> Vec<T> {
    let mut kept: Vec<T> = Vec::with_capacity(values.len());
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

#[cfg(test)]
mod tests;
