//! Asks the kernel for its rules by way of the programs that laid them.

use std::io;

use serde_json::Value;

use super::listing::Listing;
use super::{BackEnd, LiveTable, iptables, nft};
use crate::firewall::error::FirewallError;
use crate::firewall::rules::Family;
use crate::world::{Finished, Invocation, World};

/// The rules in force.
#[derive(Debug, Clone, Default)]
pub struct LiveRules {
    /// Every table of every back end.
    pub tables: Vec<LiveTable>,
    /// The objects of `nft -j list ruleset`; `None` where nft is missing.
    pub nft: Option<Vec<Value>>,
    /// What the `…tables-save` of each back end and family printed.
    pub saved: Vec<Saved>,
    /// What `ipset save` printed; empty where ipset is missing.
    pub sets: String,
    /// Family and name of the tables that nft calls dormant: none of their rules is in force.
    pub dormant: Vec<(String, String)>,
    /// The interface of the default route.
    pub public_interface: Option<String>,
}

/// The output of one `…tables-save`.
#[derive(Debug, Clone)]
pub struct Saved {
    /// The back end.
    pub back_end: BackEnd,
    /// The family.
    pub family: Family,
    /// The program that printed it, without `-save`.
    pub program: String,
    /// What it printed.
    pub text: String,
}

/// Reads the rules in force. Needs root.
///
/// # Errors
/// Where this is not root, where there is no program to read with, or where one fails.
pub fn read(world: &World) -> Result<LiveRules, FirewallError> {
    if !rustix::process::geteuid().is_root() {
        return Err(live("this needs root; run it with sudo"));
    }
    // Without the members of sets; versions before 0.9.1 know no such flag.
    let listing = run(world, "nft", &["-t", "list", "ruleset"])
        .or_else(|_| run(world, "nft", &["list", "ruleset"]))?;
    let nft = match &listing {
        Some(listing) => in_force(world, &Listing::of(listing))?,
        None => None,
    };
    let mut saved = Vec::new();
    for back_end in [BackEnd::IptablesNft, BackEnd::IptablesLegacy] {
        for family in Family::ALL {
            saved.extend(save(world, back_end, family)?);
        }
    }
    if nft.is_none() && !any_iptables(world)? {
        return Err(live(
            "there is neither nft nor iptables to read with; install nftables",
        ));
    }
    let sets = run(world, "ipset", &["save"])
        .ok()
        .flatten()
        .unwrap_or_default();
    let mut live = LiveRules::of(nft.as_deref(), saved, sets)?;
    live.heed(&listing.unwrap_or_default());
    live.public_interface = default_route(world);
    Ok(live)
}

impl LiveRules {
    /// The rules that listings tell of: of `nft -j list ruleset`, of each `…tables-save` and of
    /// `ipset save`.
    ///
    /// # Errors
    /// Where nft's is no JSON.
    pub fn of(nft: Option<&str>, saved: Vec<Saved>, sets: String) -> Result<Self, FirewallError> {
        let nft = nft.map(objects).transpose()?;
        let members = iptables::set_members(&sets);
        let mut tables = Vec::new();
        for one in &saved {
            tables.extend(iptables::tables(
                &one.text,
                one.back_end,
                one.family,
                &members,
            ));
        }
        if let Some(objects) = &nft {
            let laid: Vec<(Family, String)> = tables
                .iter()
                .filter(|table| table.back_end == BackEnd::IptablesNft)
                .flat_map(|table| {
                    table
                        .families
                        .iter()
                        .map(|family| (*family, table.name.clone()))
                })
                .collect();
            let is_foreign = |family: &str, name: &str| {
                laid.iter().any(|(own, table)| {
                    table == name
                        && family
                            == match own {
                                Family::V4 => "ip",
                                Family::V6 => "ip6",
                            }
                })
            };
            tables.extend(nft::tables(objects, is_foreign));
        }
        Ok(Self {
            tables,
            nft,
            saved,
            sets,
            dormant: Vec::new(),
            public_interface: None,
        })
    }

    /// Heeds what only `nft list ruleset` tells: which tables are dormant, and to which devices a
    /// chain belongs.
    pub fn heed(&mut self, listing: &str) {
        let listing = Listing::of(listing);
        let families = |family: &str| match family {
            "ip" => vec![Family::V4],
            "ip6" => vec![Family::V6],
            _ => Family::ALL.to_vec(),
        };
        for ((family, table, chain), devices) in listing.devices {
            let families = families(&family);
            let tables = self.tables.iter_mut().filter(|own| {
                own.back_end == BackEnd::Nftables && own.name == table && own.families == families
            });
            for own in tables.filter_map(|own| own.chains.get_mut(&chain)) {
                if let Some(hook) = &mut own.hook {
                    hook.devices = Some(devices.clone());
                }
            }
        }
        self.tables.retain(|own| {
            own.back_end == BackEnd::IptablesLegacy
                || !listing
                    .dormant
                    .iter()
                    .any(|(family, name)| *name == own.name && families(family) == own.families)
        });
        self.dormant = listing.dormant;
    }
}

/// The JSON of every table that is in force. Where one is not, the tables are asked for one by one:
/// nft 1.0.6 breaks off at the flags of a table.
fn in_force(world: &World, listing: &Listing) -> Result<Option<String>, FirewallError> {
    if listing.dormant.is_empty() {
        return run(world, "nft", &["-j", "list", "ruleset"]);
    }
    let mut all = Vec::new();
    let in_force = listing.tables.iter();
    for table in in_force.filter(|table| !listing.dormant.contains(table)) {
        let (family, name) = table;
        let text = run(world, "nft", &["-j", "list", "table", family, name])?;
        all.extend(objects(&text.unwrap_or_default())?);
    }
    Ok(Some(serde_json::json!({ "nftables": all }).to_string()))
}

/// The objects of a listing of nft.
pub(in crate::firewall) fn objects(text: &str) -> Result<Vec<Value>, FirewallError> {
    let document: Value = serde_json::from_str(text)
        .map_err(|_| live("nft printed no JSON; it may be older than 0.9"))?;
    Ok(document
        .get("nftables")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default())
}

/// Runs a program; `None` where it is not installed.
pub(in crate::firewall) fn run(
    world: &World,
    program: &str,
    arguments: &[&str],
) -> Result<Option<String>, FirewallError> {
    match world.run(&Invocation::new(program, arguments)) {
        Ok(Finished {
            code: Some(0),
            stdout,
            ..
        }) => Ok(Some(String::from_utf8_lossy(&stdout).into_owned())),
        Ok(Finished { stderr, .. }) => {
            let said = String::from_utf8_lossy(&stderr);
            Err(live(format!(
                "{program} failed: {}",
                said.lines().next().unwrap_or("without a word")
            )))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(live(format!("{program} cannot be run: {error}"))),
    }
}

pub(in crate::firewall) fn live(problem: impl Into<String>) -> FirewallError {
    FirewallError::Live {
        problem: problem.into(),
    }
}

fn any_iptables(world: &World) -> Result<bool, FirewallError> {
    for program in ["iptables", "iptables-nft", "iptables-legacy"] {
        if run(world, program, &["-V"])?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The rules of one back end and family. Asking legacy iptables loads its modules, so it is asked
/// only for tables that exist.
fn save(world: &World, back_end: BackEnd, family: Family) -> Result<Option<Saved>, FirewallError> {
    let (name, loaded) = match family {
        Family::V4 => ("iptables", "proc/net/ip_tables_names"),
        Family::V6 => ("ip6tables", "proc/net/ip6_tables_names"),
    };
    let loaded = std::fs::read_to_string(world.host(loaded)).unwrap_or_default();
    if back_end == BackEnd::IptablesLegacy && loaded.trim().is_empty() {
        return Ok(None);
    }
    let (variant, mark) = match back_end {
        BackEnd::IptablesNft => ("nft", "nf_tables"),
        _ => ("legacy", "legacy"),
    };
    let own = format!("{name}-{variant}");
    if let Some(text) = run(world, &format!("{own}-save"), &[])? {
        return Ok(Some(Saved {
            back_end,
            family,
            program: own,
            text,
        }));
    }
    let is_this = match run(world, name, &["-V"])? {
        None => false,
        // Before 1.8 there was only the legacy one, which did not say so.
        Some(version) => {
            version.contains(mark) || variant == "legacy" && !version.contains("nf_tables")
        }
    };
    if !is_this {
        return Ok(None);
    }
    let text = run(world, &format!("{name}-save"), &[])?;
    Ok(text.map(|text| Saved {
        back_end,
        family,
        program: name.to_owned(),
        text,
    }))
}

/// From /proc/net/route: destination and mask are nought.
fn default_route(world: &World) -> Option<String> {
    let four = std::fs::read_to_string(world.host("proc/net/route")).unwrap_or_default();
    let six = std::fs::read_to_string(world.host("proc/net/ipv6_route")).unwrap_or_default();
    let four = four.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields.get(1) == Some(&"00000000") && fields.get(7) == Some(&"00000000"))
            .then(|| fields[0].to_owned())
    });
    four.or_else(|| {
        six.lines().find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let is_default = fields.get(1) == Some(&"00")
                && fields
                    .first()
                    .is_some_and(|to| to.trim_matches('0').is_empty());
            fields
                .get(9)
                .filter(|name| is_default && **name != "lo")
                .map(|name| (*name).to_owned())
        })
    })
}
