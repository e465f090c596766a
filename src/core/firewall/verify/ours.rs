//! Our own rules: the intended text is loaded in a throw-away namespace, and both are listed by the
//! same program, so that no difference of spelling can fool the comparison.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::Difference;
use crate::firewall::error::FirewallError;
use crate::firewall::live::{BackEnd, LiveRules, Saved, live_error, objects, set_members};
use crate::firewall::policy::{Hook, Policy};
use crate::firewall::render::{
    IPTABLES_CHAIN, NFT_TABLE, ipset_name, ipset_restore, iptables_text, nft_table, place,
};
use crate::firewall::rules::{Family, Ruleset, rules};
use crate::world::{Invocation, World};

/// How many members of a set that differ are named one by one.
const NAMED_MEMBERS: usize = 5;

pub(super) fn is_live(live: &LiveRules) -> bool {
    let chains: Vec<&Saved> = live.saved.iter().filter(|saved| has_chain(saved)).collect();
    has_table(live) || !chains.is_empty() || dormant(live, &chains).is_some()
}

pub(super) fn differences(
    policy: &Policy,
    live: &LiveRules,
    world: &World,
) -> Result<Vec<Difference>, FirewallError> {
    let ruleset = &rules(policy);
    let command = policy.command.as_str();
    let chains: Vec<&Saved> = live.saved.iter().filter(|saved| has_chain(saved)).collect();
    if let Some((family, name)) = dormant(live, &chains) {
        return Ok(vec![put_out_of_force(family, name, command)]);
    }
    if has_table(live) {
        let mut found = in_nftables(ruleset, live, world)?;
        found.extend(chains.iter().map(|saved| leftover(saved, command)));
        return Ok(found);
    }
    let Some(first) = chains.first() else {
        return Ok(vec![Difference {
            kind: "missing",
            family: "both",
            r#where: "this host".to_owned(),
            expected: Some(format!("table inet {NFT_TABLE} or chain {IPTABLES_CHAIN}")),
            found: None,
            message: format!("none of our rules is in force; run `{command} | sh`"),
        }]);
    };
    let back_end = first.back_end;
    let mut found = Vec::new();
    for family in Family::ALL {
        let own = chains
            .iter()
            .find(|saved| saved.back_end == back_end && saved.family == family);
        match own {
            Some(saved) => found.extend(in_iptables(ruleset, saved, live, world)?),
            None if family == Family::V6 && !world.host("proc/net/if_inet6").exists() => {}
            None => found.push(Difference {
                kind: "missing",
                family: family.name(),
                r#where: back_end.name().to_owned(),
                expected: Some(format!("chain {IPTABLES_CHAIN}")),
                found: None,
                message: format!("our rules are in force, but not for {}", family.name()),
            }),
        }
    }
    found.extend(
        chains
            .iter()
            .filter(|saved| saved.back_end != back_end)
            .map(|saved| leftover(saved, command)),
    );
    Ok(found)
}

fn has_table(live: &LiveRules) -> bool {
    live.nft
        .iter()
        .flatten()
        .filter_map(|object| object.get("table"))
        .any(|table| text(table, "name") == NFT_TABLE)
}

fn has_chain(saved: &Saved) -> bool {
    saved
        .text
        .lines()
        .any(|line| line.starts_with(&format!(":{IPTABLES_CHAIN} ")))
}

/// A table of ours that somebody put out of force; nothing else of it counts then.
fn dormant<'l>(live: &'l LiveRules, chains: &[&Saved]) -> Option<(&'l str, &'l str)> {
    let holds_ours = |family: &str, name: &str| {
        let own = chains.iter().filter(|saved| {
            saved.back_end == BackEnd::IptablesNft
                && family
                    == match saved.family {
                        Family::V4 => "ip",
                        Family::V6 => "ip6",
                    }
        });
        (family, name) == ("inet", NFT_TABLE)
            || own
                .into_iter()
                .any(|saved| table_of_chain(saved) == Some(name))
    };
    let mut dormant = live.dormant.iter();
    let (family, name) = dormant.find(|(family, name)| holds_ours(family, name))?;
    Some((family, name))
}

fn put_out_of_force(family: &str, name: &str, command: &str) -> Difference {
    Difference {
        kind: "changed",
        family: match family {
            "ip" => Family::V4.name(),
            "ip6" => Family::V6.name(),
            _ => "both",
        },
        r#where: format!("nftables {family} {name}"),
        expected: Some(format!("table {family} {name}")),
        found: Some("flags dormant".to_owned()),
        message: format!(
            "the table {family} {name} is dormant: none of our rules in it is in force; run `{command} | sh`"
        ),
    }
}

/// The table that our chain stands in.
fn table_of_chain(saved: &Saved) -> Option<&str> {
    let declaration = format!(":{IPTABLES_CHAIN} ");
    let mut table = None;
    for line in saved.text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = Some(name.trim());
        } else if line.starts_with(&declaration) {
            return table;
        }
    }
    None
}

fn leftover(saved: &Saved, command: &str) -> Difference {
    Difference {
        kind: "leftover",
        family: saved.family.name(),
        r#where: format!("{} chain {IPTABLES_CHAIN}", saved.back_end.name()),
        expected: None,
        found: Some(format!("chain {IPTABLES_CHAIN}")),
        message: format!("rules of ours are left in another back end; run `{command} | sh` again"),
    }
}

fn in_nftables(
    ruleset: &Ruleset,
    live: &LiveRules,
    world: &World,
) -> Result<Vec<Difference>, FirewallError> {
    let listing = ["nft -f - && nft -j list table inet ", NFT_TABLE].concat();
    let document = nft_table(ruleset);
    let without_socket: String = document
        .lines()
        .filter(|line| !line.contains(" socket "))
        .fold(String::new(), |text, line| text + line + "\n");
    // The script goes without the socket match where the kernel has none.
    let expected = in_namespace(world, &listing, &document)
        .or_else(|_| in_namespace(world, &listing, &without_socket))?;
    let expected = NftTable::of(&objects(&expected)?);
    let found = NftTable::of(live.nft.as_deref().unwrap_or_default());
    Ok(expected.differences(&found))
}

/// What counts of one nftables table: no handles, no counters, no elements that packets added.
#[derive(Default)]
struct NftTable {
    chains: BTreeMap<String, Value>,
    rules: Vec<(String, Value)>,
    sets: BTreeMap<String, (Value, BTreeSet<String>)>,
}

impl NftTable {
    fn of(objects: &[Value]) -> Self {
        let mut table = Self::default();
        for object in objects {
            let Some((kind, body)) = object.as_object().and_then(|object| object.iter().next())
            else {
                continue;
            };
            if text(body, "table") != NFT_TABLE || text(body, "family") != "inet" {
                continue;
            }
            let Some(mut fields) = body.as_object().cloned() else {
                continue;
            };
            fields.remove("handle");
            let name = text(body, "name").to_owned();
            match kind.as_str() {
                "chain" => {
                    table.chains.insert(name, Value::Object(fields));
                }
                "rule" => {
                    let name = text(body, "comment").to_owned();
                    table
                        .rules
                        .push((name, without_counters(fields.get("expr"))));
                }
                "set" | "map" => {
                    let elements = fields.remove("elem");
                    let members = if name.contains("_sources_") {
                        BTreeSet::new()
                    } else {
                        members(elements.as_ref())
                    };
                    table.sets.insert(name, (Value::Object(fields), members));
                }
                _ => {}
            }
        }
        table
    }

    fn differences(&self, found: &Self) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut add = |kind,
                       place: String,
                       expected: Option<String>,
                       found: Option<String>,
                       message: String| {
            differences.push(Difference {
                kind,
                family: "both",
                r#where: format!("nftables inet {NFT_TABLE} {place}"),
                expected,
                found,
                message,
            });
        };
        for (name, chain) in &self.chains {
            match found.chains.get(name) {
                None => add(
                    "missing",
                    format!("chain {name}"),
                    Some(chain.to_string()),
                    None,
                    format!("the chain {name} is gone"),
                ),
                Some(own) if own != chain => add(
                    "changed",
                    format!("chain {name}"),
                    Some(chain.to_string()),
                    Some(own.to_string()),
                    format!("the chain {name} stands elsewhere or has another policy"),
                ),
                Some(_) => {}
            }
        }
        for (name, own) in &found.chains {
            if !self.chains.contains_key(name) {
                add(
                    "unexpected",
                    format!("chain {name}"),
                    None,
                    Some(own.to_string()),
                    format!("the chain {name} is not ours"),
                );
            }
        }
        self.compare_rules(found, &mut add);
        self.compare_sets(found, &mut add);
        differences
    }

    fn compare_rules(
        &self,
        found: &Self,
        add: &mut impl FnMut(&'static str, String, Option<String>, Option<String>, String),
    ) {
        let before = self
            .rules
            .iter()
            .map(|(name, rule)| (name.as_str(), rule.to_string()))
            .collect::<Vec<_>>();
        let after = found
            .rules
            .iter()
            .map(|(name, rule)| (name.as_str(), rule.to_string()))
            .collect::<Vec<_>>();
        let count = add_line_differences(&before, &after, "chain guard", add);
        if count == 0 && before != after {
            add(
                "order",
                "chain guard".to_owned(),
                None,
                None,
                "the rules stand in another order".to_owned(),
            );
        }
    }

    fn compare_sets(
        &self,
        found: &Self,
        add: &mut impl FnMut(&'static str, String, Option<String>, Option<String>, String),
    ) {
        for (name, (shape, members)) in &self.sets {
            let Some((own_shape, own_members)) = found.sets.get(name) else {
                add(
                    "missing",
                    format!("set {name}"),
                    Some(shape.to_string()),
                    None,
                    format!("the set {name} is gone"),
                );
                continue;
            };
            if own_shape != shape {
                add(
                    "changed",
                    format!("set {name}"),
                    Some(shape.to_string()),
                    Some(own_shape.to_string()),
                    format!("the set {name} is of another kind"),
                );
            }
            add_member_differences(name, members, own_members, add);
        }
        for name in found
            .sets
            .keys()
            .filter(|name| !self.sets.contains_key(*name))
        {
            add(
                "unexpected",
                format!("set {name}"),
                None,
                Some(name.clone()),
                format!("the set {name} belongs to other options"),
            );
        }
    }
}

/// Names every line that is only on one side; returns how many.
fn add_line_differences(
    before: &[(&str, String)],
    after: &[(&str, String)],
    place: &str,
    add: &mut impl FnMut(&'static str, String, Option<String>, Option<String>, String),
) -> usize {
    let mut count = 0;
    let mut rest: Vec<&(&str, String)> = after.iter().collect();
    let mut missing = Vec::new();
    for line in before {
        match rest.iter().position(|own| *own == line) {
            Some(at) => {
                rest.remove(at);
            }
            None => missing.push(line),
        }
    }
    for (name, rule) in missing {
        count += 1;
        let changed = if name.is_empty() {
            None
        } else {
            rest.iter().position(|(own, _)| own == name)
        };
        match changed {
            Some(at) => {
                let (_, own) = rest.remove(at);
                add(
                    "changed",
                    place.to_owned(),
                    Some(rule.clone()),
                    Some(own.clone()),
                    format!("the rule \"{name}\" was changed"),
                );
            }
            None => add(
                "missing",
                place.to_owned(),
                Some(rule.clone()),
                None,
                format!("the rule {} is gone", shown(name, rule)),
            ),
        }
    }
    for (name, rule) in rest {
        count += 1;
        add(
            "unexpected",
            place.to_owned(),
            None,
            Some(rule.clone()),
            format!("the rule {} was added", shown(name, rule)),
        );
    }
    count
}

fn shown(name: &str, rule: &str) -> String {
    if name.is_empty() {
        rule.to_owned()
    } else {
        format!("\"{name}\"")
    }
}

fn add_member_differences(
    name: &str,
    expected: &BTreeSet<String>,
    found: &BTreeSet<String>,
    add: &mut impl FnMut(&'static str, String, Option<String>, Option<String>, String),
) {
    let missing: Vec<&String> = expected.difference(found).collect();
    let extra: Vec<&String> = found.difference(expected).collect();
    for member in missing.iter().take(NAMED_MEMBERS) {
        add(
            "missing",
            format!("set {name}"),
            Some((*member).clone()),
            None,
            format!("{member} is gone from the set {name}"),
        );
    }
    for member in extra.iter().take(NAMED_MEMBERS) {
        add(
            "unexpected",
            format!("set {name}"),
            None,
            Some((*member).clone()),
            format!("{member} was added to the set {name}"),
        );
    }
    let unnamed =
        missing.len().saturating_sub(NAMED_MEMBERS) + extra.len().saturating_sub(NAMED_MEMBERS);
    if unnamed > 0 {
        add(
            "changed",
            format!("set {name}"),
            None,
            None,
            format!("{unnamed} more members of the set {name} differ"),
        );
    }
}

/// Networks as text; ranges and single addresses in one spelling.
fn members(elements: Option<&Value>) -> BTreeSet<String> {
    elements
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|element| match element.get("prefix") {
            Some(prefix) => format!(
                "{}/{}",
                text(prefix, "addr"),
                prefix.get("len").unwrap_or(&Value::Null)
            ),
            None => element
                .as_str()
                .map_or_else(|| element.to_string(), ToOwned::to_owned),
        })
        .collect()
}

fn without_counters(expressions: Option<&Value>) -> Value {
    let kept = expressions
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|expression| expression.get("counter").is_none())
        .map(|expression| sorted(expression.clone()))
        .collect();
    Value::Array(kept)
}

/// The order of keys is the program's business.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let ordered: BTreeMap<String, Value> = fields
                .into_iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            Value::Object(Map::from_iter(ordered))
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn in_iptables(
    ruleset: &Ruleset,
    saved: &Saved,
    live: &LiveRules,
    world: &World,
) -> Result<Vec<Difference>, FirewallError> {
    let (table, base) = place(ruleset.hook);
    let program = &saved.program;
    // The sets must be there before the rules that name them.
    let split = "---RULES---";
    let story = format!(
        "text=$(cat); case $text in *create*) printf '%s\\n' \"${{text%%{split}*}}\" | ipset restore || exit 1 ;; esac; \
         printf '%s\\n' \"${{text#*{split}}}\" | {program}-restore -w 5 --noflush && {program}-save -t {table}"
    );
    // Only the members matter, and those are compared below.
    let creates: String = ipset_restore(ruleset)
        .lines()
        .filter(|line| line.starts_with("create "))
        .fold(String::new(), |text, line| text + line + "\n");
    let rules = iptables_text(ruleset, saved.family);
    let input = |rules: &str| format!("{creates}{split}\n{rules}");
    let without_socket: String = rules
        .lines()
        .filter(|line| !line.contains(" socket "))
        .fold(String::new(), |text, line| text + line + "\n");
    let expected = in_namespace(world, &story, &input(&rules))
        .or_else(|_| in_namespace(world, &story, &input(&without_socket)))?;
    let mut differences = Vec::new();
    let mut add =
        |kind, place: String, expected: Option<String>, found: Option<String>, message: String| {
            differences.push(Difference {
                kind,
                family: saved.family.name(),
                r#where: format!("{} {place}", saved.back_end.name()),
                expected,
                found,
                message,
            });
        };
    let before = chain_lines(&expected, table);
    let after = chain_lines(&saved.text, table);
    let count = add_line_differences(
        &before,
        &after,
        &format!("{table} {IPTABLES_CHAIN}"),
        &mut add,
    );
    if count == 0 && before != after {
        add(
            "order",
            format!("{table} {IPTABLES_CHAIN}"),
            None,
            None,
            "the rules stand in another order".to_owned(),
        );
    }
    let other = if ruleset.hook == Hook::Prerouting {
        "filter"
    } else {
        "mangle"
    };
    if table_lines(&saved.text, other).any(|line| line.contains(IPTABLES_CHAIN)) {
        add(
            "leftover",
            format!("{other} {IPTABLES_CHAIN}"),
            None,
            Some(format!("chain {IPTABLES_CHAIN}")),
            "rules of ours stand at another hook, too".to_owned(),
        );
    }
    check_jump(&saved.text, table, base, &mut add);
    let live_sets = set_members(&live.sets);
    for set in ruleset.sets.iter().filter(|set| set.family == saved.family) {
        let name = ipset_name(&set.name);
        if !before
            .iter()
            .any(|(_, line)| line.contains(&format!("--match-set {name} ")))
        {
            continue;
        }
        let texts = |networks: &[IpNet]| {
            networks
                .iter()
                .map(ToString::to_string)
                .collect::<BTreeSet<String>>()
        };
        let found = live_sets
            .get(&name)
            .map(|networks| texts(networks))
            .unwrap_or_default();
        add_member_differences(&name, &texts(&set.networks), &found, &mut add);
    }
    Ok(differences)
}

/// The jump must stand once, before anything that accepts.
fn check_jump(
    text: &str,
    table: &str,
    base: &str,
    add: &mut impl FnMut(&'static str, String, Option<String>, Option<String>, String),
) {
    let start = format!("-A {base} ");
    let jump = format!("-A {base} -j {IPTABLES_CHAIN}");
    let lines: Vec<&str> = table_lines(text, table)
        .filter(|line| line.starts_with(&start))
        .collect();
    let Some(at) = lines.iter().position(|line| *line == jump) else {
        add(
            "missing",
            format!("{table} {base}"),
            Some(jump),
            None,
            "nothing jumps to our chain any more".to_owned(),
        );
        return;
    };
    if let Some(line) = lines[..at]
        .iter()
        .find(|line| line.ends_with("-j ACCEPT") || line.contains("-j ACCEPT "))
    {
        add(
            "bypassed",
            format!("{table} {base}"),
            Some(format!("{jump} first")),
            Some((*line).to_owned()),
            "a rule of others lets packets in before ours see them".to_owned(),
        );
    }
    if lines.iter().filter(|line| **line == jump).count() > 1 {
        add(
            "unexpected",
            format!("{table} {base}"),
            None,
            Some(jump),
            "our chain is jumped to twice".to_owned(),
        );
    }
}

fn chain_lines<'t>(text: &'t str, table: &'t str) -> Vec<(&'static str, String)> {
    let start = format!("-A {IPTABLES_CHAIN} ");
    table_lines(text, table)
        .filter(|line| line.starts_with(&start))
        .map(|line| ("", line.to_owned()))
        .collect()
}

fn table_lines<'t>(text: &'t str, table: &'t str) -> impl Iterator<Item = &'t str> {
    let mut inside = false;
    text.lines().filter(move |line| {
        if let Some(name) = line.strip_prefix('*') {
            inside = name == table;
        }
        inside
    })
}

/// Runs a shell command in a network namespace that ends with it.
fn in_namespace(world: &World, command: &str, input: &str) -> Result<String, FirewallError> {
    // A service that may administer the network but not the system makes a user namespace as well.
    let mut said = String::new();
    for namespaces in [["-n"].as_slice(), &["-n", "--user", "--keep-caps"]] {
        let arguments = [namespaces, &["sh", "-c", command]].concat();
        let mut invocation = Invocation::new("unshare", &arguments);
        invocation.input = input.as_bytes();
        let finished = world.run(&invocation).map_err(|error| {
            live_error(format!(
                "unshare cannot be run: {error}; install util-linux"
            ))
        })?;
        if finished.code == Some(0) {
            return Ok(String::from_utf8_lossy(&finished.stdout).into_owned());
        }
        said = String::from_utf8_lossy(&finished.stderr).into_owned();
        if !said.starts_with("unshare:") {
            break;
        }
    }
    Err(live_error(format!(
        "the intended rules cannot be loaded in a throw-away namespace: {}",
        said.lines().next().unwrap_or("no reason was given")
    )))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
