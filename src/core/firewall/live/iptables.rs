//! What `iptables-save` prints becomes tables.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use ipnet::IpNet;

use super::{BackEnd, ChainHook, Condition, LiveChain, LiveRule, LiveTable, Target};
use crate::firewall::rules::{Family, State};

/// Reads the output of `iptables-save` or `ip6tables-save`; lines it does not know are left out.
/// `sets` are the members of each ipset.
pub(in crate::firewall) fn tables(
    text: &str,
    back_end: BackEnd,
    family: Family,
    sets: &HashMap<String, Vec<IpNet>>,
) -> Vec<LiveTable> {
    let mut tables: Vec<LiveTable> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            tables.push(LiveTable {
                back_end,
                families: vec![family],
                name: name.trim().to_owned(),
                chains: Default::default(),
            });
            continue;
        }
        let Some(table) = tables.last_mut() else {
            continue;
        };
        if let Some(declaration) = line.strip_prefix(':') {
            let mut words = declaration.split(' ');
            let (Some(name), Some(policy)) = (words.next(), words.next()) else {
                continue;
            };
            let hook = (policy != "-").then(|| ChainHook {
                name: name.to_lowercase(),
                priority: priority(&table.name),
                drops: policy == "DROP",
                devices: None,
            });
            table.chains.insert(
                name.to_owned(),
                LiveChain {
                    hook,
                    rules: Vec::new(),
                },
            );
        } else if line.starts_with("-A ")
            && let Some((chain, rule)) = rule(line, sets)
        {
            table.chains.entry(chain).or_default().rules.push(rule);
        }
    }
    tables
}

/// The priorities of the built-in tables (include/uapi/linux/netfilter_ipv4.h).
fn priority(table: &str) -> i64 {
    match table {
        "raw" => -300,
        "mangle" => -150,
        "nat" => -100,
        "security" => 50,
        _ => 0,
    }
}

fn rule(line: &str, sets: &HashMap<String, Vec<IpNet>>) -> Option<(String, LiveRule)> {
    let words = words(line);
    let chain = words.get(1)?.clone();
    let mut parser = Parser {
        words: &words,
        at: 2,
        conditions: Vec::new(),
        target: Target::Nothing,
        sets,
    };
    parser.run();
    let Parser {
        conditions, target, ..
    } = parser;
    Some((
        chain,
        LiveRule {
            conditions,
            target,
            text: line.to_owned(),
        },
    ))
}

/// Splits at blanks; double quotes hold together, a backslash takes the next character as it is.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut begun) = (String::new(), false, false);
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => {
                quoted = !quoted;
                begun = true;
            }
            '\\' => word.extend(characters.next()),
            ' ' if !quoted => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            c => word.push(c),
        }
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    words
}

struct Parser<'a> {
    words: &'a [String],
    at: usize,
    conditions: Vec<Condition>,
    target: Target,
    sets: &'a HashMap<String, Vec<IpNet>>,
}

impl Parser<'_> {
    fn run(&mut self) {
        let mut negated = false;
        while let Some(word) = self.next() {
            if word == "!" {
                negated = true;
                continue;
            }
            self.option(&word, negated);
            negated = false;
        }
    }

    fn next(&mut self) -> Option<String> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word
    }

    fn value(&mut self) -> String {
        self.next().unwrap_or_default()
    }

    fn add(&mut self, condition: Option<Condition>) {
        self.conditions
            .push(condition.unwrap_or(Condition::Unknown));
    }

    fn option(&mut self, word: &str, negated: bool) {
        match word {
            "-j" | "-g" => self.jump(word == "-g"),
            "-p" => {
                let value = self.value();
                self.add(protocol(&value).map(|numbers| Condition::Protocol(numbers, negated)));
            }
            "-i" => {
                let value = self.value();
                self.add(Some(Condition::Interface(vec![value], negated)));
            }
            // A packet that came in has no interface to go out by yet.
            "-o" => {
                self.value();
                self.add(Some(if negated {
                    Condition::Always
                } else {
                    Condition::Never
                }));
            }
            "-s" => {
                let value = self.value();
                self.add(network(&value).map(|network| Condition::Source(vec![network], negated)));
            }
            "-d" => {
                let value = self.value();
                self.add(
                    network(&value).map(|network| Condition::Destination(vec![network], negated)),
                );
            }
            "--dport" | "--dports" | "--destination-ports" => {
                let value = self.value();
                self.add(ports(&value).map(|ranges| Condition::DestinationPort(ranges, negated)));
            }
            "--ctorigdstport" => {
                let value = self.value();
                self.add(ports(&value).map(|ranges| Condition::DialledPort(ranges, negated)));
            }
            "--sport" | "--sports" | "--source-ports" => {
                let value = self.value();
                self.add(ports(&value).map(|ranges| Condition::SourcePort(ranges, negated)));
            }
            "--ctstate" | "--state" => {
                let value = self.value();
                self.add(Some(Condition::States(states(&value), negated)));
            }
            "--tcp-flags" => {
                let (mask, set) = (self.value(), self.value());
                self.add(Some(syn_fits(&mask, &set, negated)));
            }
            "--syn" => self.add(Some(if negated {
                Condition::Never
            } else {
                Condition::Always
            })),
            // Of another protocol than those that are asked about.
            "--icmp-type" | "--icmpv6-type" => {
                self.value();
                self.add(Some(Condition::Never));
            }
            "--dst-type" => {
                let value = self.value();
                // An address of this host is of no other kind.
                let local = value.split(',').any(|kind| kind == "LOCAL");
                self.add(Some(if local != negated {
                    Condition::Always
                } else {
                    Condition::Never
                }));
            }
            "--src-type" => {
                self.value();
                self.add(None);
            }
            "--match-set" => {
                let (name, what) = (self.value(), self.value());
                let members = self.sets.get(&name).filter(|_| what == "src").cloned();
                self.add(members.map(|members| Condition::Source(members, negated)));
            }
            "-m" => self.extension(),
            // Words of matches that hold for a fresh packet below every limit.
            "--comment"
            | "--limit"
            | "--limit-burst"
            | "--name"
            | "--hashlimit-upto"
            | "--hashlimit-burst"
            | "--hashlimit-mode"
            | "--hashlimit-name"
            | "--hashlimit-srcmask"
            | "--hashlimit-dstmask"
            | "--hashlimit-htable-size"
            | "--hashlimit-htable-max"
            | "--hashlimit-htable-expire"
            | "--hashlimit-htable-gcinterval"
            | "--connlimit-upto"
            | "--connlimit-mask"
            | "--mask"
            | "--seconds" => {
                self.value();
            }
            "--connlimit-saddr" | "--connlimit-daddr" | "--rsource" | "--rdest" | "--set"
            | "--reap" | "--rttl" => {}
            // Words that hold only above a limit or for a source that was seen before.
            "--hashlimit-above" | "--connlimit-above" | "--hitcount" => {
                self.value();
                self.add(Some(Condition::Never));
            }
            "--update" | "--rcheck" => self.add(Some(if negated {
                Condition::Always
            } else {
                Condition::Never
            })),
            "--mark" => {
                // A fresh packet carries no mark unless a rule sets one.
                let value = self.value();
                let zero = value
                    .split('/')
                    .next()
                    .is_some_and(|mark| mark.trim_start_matches("0x").trim_matches('0').is_empty());
                self.add(Some(if zero != negated {
                    Condition::Always
                } else {
                    Condition::Never
                }));
            }
            "--ctdir" => {
                let value = self.value();
                self.add(Some(if (value == "ORIGINAL") != negated {
                    Condition::Always
                } else {
                    Condition::Never
                }));
            }
            "--hl-eq" | "--ttl-eq" => {
                self.value();
                self.add(None);
            }
            _ => {
                // An option of a target says nothing about the packet.
                if self.target == Target::Nothing {
                    self.add(None);
                }
                while self
                    .words
                    .get(self.at)
                    .is_some_and(|next| !next.starts_with('-') && next != "!")
                {
                    self.at += 1;
                }
            }
        }
    }

    fn extension(&mut self) {
        let name = self.value();
        let plain = [
            "tcp",
            "udp",
            "icmp",
            "icmp6",
            "multiport",
            "conntrack",
            "state",
            "comment",
            "limit",
            "hashlimit",
            "connlimit",
            "recent",
            "addrtype",
            "mark",
            "hl",
            "ttl",
            "set",
        ];
        if name == "socket" {
            // No socket owns a fresh packet to a listener that is bound to every address, unless
            // those count as well: then it depends on who listens.
            let counts_all = self.words.iter().any(|word| word == "--nowildcard");
            self.add((!counts_all).then_some(Condition::Never));
        } else if !plain.contains(&name.as_str()) {
            self.add(None);
        }
    }

    fn jump(&mut self, stays: bool) {
        let name = self.value();
        self.target = match name.as_str() {
            "ACCEPT" => Target::Accept,
            "DROP" | "REJECT" | "TARPIT" => Target::Drop,
            "RETURN" => Target::Return,
            "DNAT" | "REDIRECT" => {
                let rest = &self.words[self.at.min(self.words.len())..];
                let to = rest
                    .iter()
                    .position(|word| word == "--to-destination")
                    .and_then(|at| rest.get(at + 1));
                Target::DestinationNat(to.cloned().unwrap_or_default())
            }
            known
                if known
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
                    && is_extension_target(known) =>
            {
                Target::Nothing
            }
            chain if stays => Target::Goto(chain.to_owned()),
            chain => Target::Jump(chain.to_owned()),
        };
        if self.target == Target::Nothing {
            self.at = self.words.len();
        }
    }
}

fn is_extension_target(name: &str) -> bool {
    [
        "LOG",
        "NFLOG",
        "MARK",
        "CONNMARK",
        "SET",
        "CT",
        "NOTRACK",
        "TCPMSS",
        "MASQUERADE",
        "SNAT",
        "TOS",
        "DSCP",
        "TRACE",
        "AUDIT",
        "CLASSIFY",
        "CHECKSUM",
        "HL",
        "TTL",
        "RATEEST",
        "SECMARK",
        "CONNSECMARK",
        "ULOG",
    ]
    .contains(&name)
}

fn protocol(text: &str) -> Option<Vec<u8>> {
    let number = match text {
        "tcp" => 6,
        "udp" => 17,
        "icmp" => 1,
        "icmpv6" | "ipv6-icmp" => 58,
        "all" => return None,
        other => other.parse().unwrap_or(255),
    };
    Some(vec![number])
}

fn network(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

fn ports(text: &str) -> Option<Vec<RangeInclusive<u16>>> {
    text.split(',')
        .map(|part| match part.split_once(':') {
            Some((from, to)) => Some(from.parse().ok()?..=to.parse().ok()?),
            None => {
                let port = part.parse().ok()?;
                Some(port..=port)
            }
        })
        .collect()
}

fn states(text: &str) -> Vec<State> {
    text.split(',')
        .filter_map(|state| match state {
            "NEW" => Some(State::New),
            "ESTABLISHED" => Some(State::Established),
            "RELATED" => Some(State::Related),
            "INVALID" => Some(State::Invalid),
            "UNTRACKED" => Some(State::Untracked),
            _ => None,
        })
        .collect()
}

/// Whether a SYN alone fits `--tcp-flags MASK SET`.
fn syn_fits(mask: &str, set: &str, negated: bool) -> Condition {
    let has_syn = mask == "ALL" || mask.split(',').any(|flag| flag == "SYN");
    let fits = set == if has_syn { "SYN" } else { "NONE" };
    if fits != negated {
        Condition::Always
    } else {
        Condition::Never
    }
}

/// The networks of every set of addresses in the output of `ipset save`.
pub(in crate::firewall) fn set_members(text: &str) -> HashMap<String, Vec<IpNet>> {
    let mut sets: HashMap<String, Vec<IpNet>> = HashMap::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("create"), Some(name), Some("hash:net" | "hash:ip")) => {
                sets.entry(name.to_owned()).or_default();
            }
            (Some("add"), Some(name), Some(member)) => {
                if let (Some(set), Some(network)) = (sets.get_mut(name), network(member)) {
                    set.push(network);
                }
            }
            _ => {}
        }
    }
    sets
}
