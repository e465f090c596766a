//! Everything the judgements look at, read once.

use std::net::{IpAddr, Ipv4Addr};

use super::sockets::{Listener, listeners, read_if_there};
use crate::firewall::error::FirewallError;
use crate::firewall::explain::interface_fits;
use crate::firewall::live::{self, LiveRules};
use crate::firewall::policy::Policy;
use crate::firewall::rules::CONTAINER_BRIDGES;
use crate::firewall::verify::{Comparison, compare, is_ours_live};
use crate::profiles::TAILSCALE_INTERFACE;
use crate::world::World;

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
        keeper: keeper(world),
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

/// Units that bring rules back; `systemctl enable` makes a link in a `.wants` folder.
const KEEPERS: [&str; 7] = [
    "openclaw-sec-firewall.service",
    "nftables.service",
    "netfilter-persistent.service",
    "iptables.service",
    "ufw.service",
    "firewalld.service",
    "shorewall.service",
];

fn keeper(world: &World) -> Option<String> {
    let units = world.host("etc/systemd/system");
    let wants = std::fs::read_dir(units)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|ending| ending == "wants" || ending == "requires")
        });
    let folders: Vec<_> = wants.collect();
    KEEPERS
        .iter()
        .find(|unit| {
            folders
                .iter()
                .any(|folder| folder.join(unit).symlink_metadata().is_ok())
        })
        .map(|unit| (*unit).to_owned())
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
