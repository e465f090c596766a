//! Sockets that wait for packets, from `/proc/net/tcp`, `tcp6`, `udp` and `udp6`.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use crate::firewall::error::FirewallError;
use crate::firewall::policy::Protocol;
use crate::firewall::rules::Family;
use crate::world::World;

/// A socket that waits for packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The address it is bound to; unspecified for every address.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// The name of the process that holds it, if it can be told.
    pub process: Option<String>,
}

impl Listener {
    /// The families that reach it: a socket on `::` takes IPv4, too, unless it says otherwise.
    pub fn families(&self) -> Vec<Family> {
        match self.address {
            IpAddr::V4(_) => vec![Family::V4],
            IpAddr::V6(address) if address.is_unspecified() => Family::ALL.to_vec(),
            IpAddr::V6(_) => vec![Family::V6],
        }
    }
}

/// The states of a TCP socket that listens and of a UDP socket without a peer
/// (include/net/tcp_states.h).
const LISTEN: &str = "0A";
const UNCONNECTED: &str = "07";

/// # Errors
/// Where the kernel's list cannot be read: nothing would be no answer.
pub(super) fn listeners(world: &World) -> Result<Vec<Listener>, FirewallError> {
    let owners = owners(world);
    let ephemeral = ephemeral_ports(world);
    let mut listeners = Vec::new();
    for (file, protocol, state) in [
        ("tcp", Protocol::Tcp, LISTEN),
        ("tcp6", Protocol::Tcp, LISTEN),
        ("udp", Protocol::Udp, UNCONNECTED),
        ("udp6", Protocol::Udp, UNCONNECTED),
    ] {
        let text = read_if_there(&world.host(&format!("proc/net/{file}")))?;
        for (address, port, inode) in text.lines().skip(1).filter_map(|line| waiting(line, state)) {
            // A client's socket that waits for an answer is no listener.
            if protocol == Protocol::Udp && ephemeral.contains(&port) {
                continue;
            }
            listeners.push(Listener {
                protocol,
                address,
                port,
                process: owners.get(&inode).cloned(),
            });
        }
    }
    Ok(listeners)
}

/// A file of the kernel; empty where it has none, as without IPv6.
pub(super) fn read_if_there(path: &Path) -> Result<String, FirewallError> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(FirewallError::Live {
            problem: format!("{}: {error}", path.display()),
        }),
        Ok(text) => Ok(text),
    }
}

/// Address, port and inode of a line whose socket is in this state.
fn waiting(line: &str, state: &str) -> Option<(IpAddr, u16, u64)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    if fields.get(3) != Some(&state) {
        return None;
    }
    let (address, port) = fields.get(1)?.split_once(':')?;
    Some((
        address_of(address)?,
        u16::from_str_radix(port, 16).ok()?,
        fields.get(9)?.parse().ok()?,
    ))
}

/// Words of 32 bits in the host's byte order.
fn address_of(text: &str) -> Option<IpAddr> {
    let words: Option<Vec<u32>> = (0..text.len() / 8)
        .map(|at| {
            u32::from_str_radix(text.get(at * 8..at * 8 + 8)?, 16)
                .ok()
                .map(u32::swap_bytes)
        })
        .collect();
    match words?.as_slice() {
        [word] => Some(IpAddr::V4(Ipv4Addr::from(*word))),
        [a, b, c, d] => {
            let bits =
                u128::from(*a) << 96 | u128::from(*b) << 64 | u128::from(*c) << 32 | u128::from(*d);
            let address = Ipv6Addr::from(bits);
            Some(
                address
                    .to_ipv4_mapped()
                    .map_or(IpAddr::V6(address), IpAddr::V4),
            )
        }
        _ => None,
    }
}

fn ephemeral_ports(world: &World) -> std::ops::RangeInclusive<u16> {
    let text = std::fs::read_to_string(world.host("proc/sys/net/ipv4/ip_local_port_range"))
        .unwrap_or_default();
    let mut numbers = text.split_whitespace().filter_map(|word| word.parse().ok());
    numbers.next().unwrap_or(32_768)..=numbers.next().unwrap_or(60_999)
}

/// From the inode of a socket to the name of a process that holds it.
fn owners(world: &World) -> HashMap<u64, String> {
    let mut owners = HashMap::new();
    let processes = std::fs::read_dir(world.host("proc"))
        .into_iter()
        .flatten()
        .flatten();
    for process in processes.filter(|entry| {
        entry
            .file_name()
            .to_string_lossy()
            .bytes()
            .all(|byte| byte.is_ascii_digit())
    }) {
        let descriptors = std::fs::read_dir(process.path().join("fd"))
            .into_iter()
            .flatten()
            .flatten();
        let mut name = None;
        for descriptor in descriptors {
            let Ok(target) = std::fs::read_link(descriptor.path()) else {
                continue;
            };
            let inode = target.to_str().and_then(|text| {
                text.strip_prefix("socket:[")?
                    .strip_suffix(']')?
                    .parse()
                    .ok()
            });
            if let Some(inode) = inode {
                let name = name.get_or_insert_with(|| {
                    let name =
                        std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
                    name.trim().to_owned()
                });
                owners.entry(inode).or_insert_with(|| name.clone());
            }
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_proc_net_are_read() {
        let four = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0 100 0 0 10 0";
        assert_eq!(
            waiting(four, LISTEN),
            Some(("127.0.0.1".parse().unwrap(), 8080, 12345))
        );
        let six = "   1: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 77 1";
        assert_eq!(waiting(six, LISTEN), Some(("::".parse().unwrap(), 22, 77)));
        assert_eq!(waiting(six, UNCONNECTED), None);
        assert_eq!(waiting("", LISTEN), None);
        assert_eq!(
            address_of("B80D0120000000000000000001000000"),
            Some("2001:db8::1".parse().unwrap())
        );
    }
}
