//! Everything the judgements look at, read once.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use super::sockets::{Listener, listeners, read_if_there};
use crate::firewall::error::FirewallError;
use crate::firewall::explain::interface_fits;
use crate::firewall::live::{self, LiveRules};
use crate::firewall::policy::Policy;
use crate::firewall::rules::CONTAINER_BRIDGES;
use crate::firewall::verify::{Comparison, compare, is_ours_live};
use crate::profiles::TAILSCALE_INTERFACE;
use crate::small_file;
use crate::world::World;

/// A larger file of rules is not looked into, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// The rules, sockets and units of this host, beside the policy of the profile.
#[derive(Debug, Clone)]
pub struct Posture {
    /// What the profile wants.
    pub policy: Policy,
    /// The rules in force.
    pub live: LiveRules,
    /// Sockets that wait for packets.
    pub listeners: Vec<Listener>,
    /// Whether the host has a global IPv6 address.
    pub has_global_ipv6: bool,
    /// The unit that brings the rules back after a reboot.
    pub keeper: Option<String>,
    /// `verify`, or why it could not be made; `None` where none of our rules is in force.
    pub comparison: Option<Result<Comparison, String>>,
    /// Connected IPv4 networks: network, mask, interface.
    pub connected: Vec<(u32, u32, String)>,
}

/// Reads all of it. Needs root.
///
/// # Errors
/// Where the rules cannot be read; every check is unknown then, with this reason.
pub fn gather(policy: Policy, world: &World) -> Result<Posture, FirewallError> {
    let live = live::read(world)?;
    let comparison = is_ours_live(&live)
        .then(|| compare(&policy, &live, world).map_err(|error| error.to_string()));
    let addresses = read_if_there(&world.host("proc/net/if_inet6"))?;
    Ok(Posture {
        policy,
        listeners: listeners(world)?,
        // The fourth field is the scope; 00 is global.
        has_global_ipv6: addresses
            .lines()
            .any(|line| line.split_whitespace().nth(3) == Some("00") && !line.starts_with("fd")),
        keeper: keeper(|path| world.host(path), is_ours_live(&live)),
        comparison,
        connected: connected(world)?,
        live,
    })
}

impl Posture {
    /// Whether packets from the public reach the address a socket is bound to.
    pub fn faces_the_public(&self, listener: &Listener) -> bool {
        let address = listener.address;
        if address.is_unspecified() {
            return true;
        }
        if address.is_loopback() || is_tailnet(address) {
            return false;
        }
        match address {
            IpAddr::V4(v4) => self.interface_of(v4).is_none_or(|name| {
                name != TAILSCALE_INTERFACE
                    && !CONTAINER_BRIDGES
                        .iter()
                        .any(|bridge| interface_fits(bridge, name))
            }),
            IpAddr::V6(v6) => v6.segments()[0] & 0xffc0 != 0xfe80,
        }
    }

    fn interface_of(&self, address: Ipv4Addr) -> Option<&str> {
        let address = u32::from(address);
        self.connected
            .iter()
            .filter(|(network, mask, _)| *mask != 0 && address & mask == *network)
            .max_by_key(|(_, mask, _)| *mask)
            .map(|(_, _, interface)| interface.as_str())
    }
}

/// 100.64.0.0/10 and fd7a:115c:a1e0::/48 (<https://tailscale.com/kb/1015/100.x-addresses>).
fn is_tailnet(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64,
        IpAddr::V6(v6) => v6.segments()[..3] == [0xfd7a, 0x115c, 0xa1e0],
    }
}

/// Our unit, which `--persist` writes.
const OUR_KEEPER: &str = "openclaw-sec-firewall.service";

/// Units of others that bring rules back, with the files or folders that hold the rules.
const KEEPERS: [(&str, &[&str]); 6] = [
    (
        "nftables.service",
        &[
            "etc/nftables.conf",
            "etc/nftables.d",
            "etc/nftables",
            "etc/sysconfig/nftables.conf",
        ],
    ),
    ("netfilter-persistent.service", &["etc/iptables"]),
    (
        "iptables.service",
        &["etc/sysconfig/iptables", "etc/iptables"],
    ),
    ("ufw.service", &["etc/ufw"]),
    ("firewalld.service", &[]),
    ("shorewall.service", &[]),
];

/// The unit that brings the rules in force back; `systemctl enable` makes a link in a `.wants` folder.
/// Where ours are in force, a unit of others counts only if its files hold them.
pub(super) fn keeper(host: impl Fn(&str) -> PathBuf, is_ours_live: bool) -> Option<String> {
    let enabled = enabled(&host("etc/systemd/system"));
    if enabled.iter().any(|folder| has(folder, OUR_KEEPER)) {
        return Some(OUR_KEEPER.to_owned());
    }
    KEEPERS
        .iter()
        .filter(|(unit, _)| enabled.iter().any(|folder| has(folder, unit)))
        .filter(|(unit, _)| *unit != "ufw.service" || is_ufw_on(&host("etc/ufw/ufw.conf")))
        .find(|(_, files)| !is_ours_live || files.iter().any(|file| holds_ours(&host(file))))
        .map(|(unit, _)| (*unit).to_owned())
}

fn has(folder: &Path, unit: &str) -> bool {
    folder.join(unit).symlink_metadata().is_ok()
}

/// Debian enables the unit of ufw with the package; without `ENABLED=yes` it loads nothing.
fn is_ufw_on(settings: &Path) -> bool {
    let text = small_file::read_text(settings, LARGEST_FILE);
    let text = text.unwrap_or_default();
    let mut values = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("ENABLED="));
    values
        .next_back()
        .is_some_and(|value| value.trim_matches(['"', '\'']).eq_ignore_ascii_case("yes"))
}

/// Whether a file, or one in a folder, names our table or chain.
fn holds_ours(path: &Path) -> bool {
    let folder = std::fs::read_dir(path).into_iter().flatten().flatten();
    let files = folder.map(|entry| entry.path());
    std::iter::once(path.to_owned()).chain(files).any(|file| {
        let text = small_file::read_text(&file, LARGEST_FILE).unwrap_or_default();
        text.contains("openclaw_sec") || text.contains("OPENCLAW-SEC")
    })
}

/// The folders of links to enabled units.
fn enabled(units: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(units)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|ending| ending == "wants" || ending == "requires")
        })
        .collect()
}

/// From /proc/net/route: destination, gateway and mask in hexadecimal, in the host's byte order.
fn connected(world: &World) -> Result<Vec<(u32, u32, String)>, FirewallError> {
    let text = read_if_there(&world.host("proc/net/route"))?;
    let networks = text
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let number = |at: usize| {
                u32::from_str_radix(fields.get(at)?, 16)
                    .ok()
                    .map(u32::swap_bytes)
            };
            Some((number(1)?, number(7)?, (*fields.first()?).to_owned()))
        })
        .collect();
    Ok(networks)
}
