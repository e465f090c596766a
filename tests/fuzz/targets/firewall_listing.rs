//! Listings of rules are understood as far as they can be, and a walk through them ends.

use openclaw_sec::firewall::live::{
    Asked, BackEnd, Fate, LiveRules, Saved, Visitor, chain_drops, fate,
};
use openclaw_sec::firewall::{Family, Protocol, is_ours_live};

use super::support::parts;

/// What iptables-save prints, what ip6tables-save prints, what `nft -j list ruleset` prints, and what
/// `ipset save` prints.
pub fn run(data: &[u8]) {
    let [four, six, nft, sets] = parts(data).map(|part| String::from_utf8_lossy(part).into_owned());
    let saved = |family, program: &str, text: &str| Saved {
        back_end: BackEnd::IptablesNft,
        family,
        program: program.to_owned(),
        text: text.to_owned(),
    };
    let saved = vec![
        saved(Family::V4, "iptables", &four),
        saved(Family::V6, "ip6tables", &six),
    ];
    let nft = Some(nft.as_str()).filter(|text| !text.is_empty());
    let mut live = match LiveRules::of(nft, saved.clone(), sets.clone()) {
        Ok(live) => live,
        Err(_) => LiveRules::of(None, saved, sets).expect("there is no JSON in it"),
    };
    live.heed(&four);
    let _ = is_ours_live(&live);
    for visitor in visitors() {
        for asked in [Asked::Everybody, Asked::Others, Asked::BeforeNat] {
            let fate = fate(&live.tables, &visitor, asked);
            let is_known = |rule: &str| {
                let tables = live.tables.iter();
                let mut chains = tables.flat_map(|table| table.chains.values());
                chains.any(|chain| chain.rules.iter().any(|one| one.text == rule))
            };
            if let Fate::Dropped(_, rule) = fate {
                assert!(rule == "policy drop" || is_known(&rule), "{rule:?}");
            }
        }
        let _ = chain_drops(&live.tables, "DOCKER-USER", &visitor);
    }
}

pub fn visitors() -> impl Iterator<Item = Visitor> {
    let sources = ["203.0.113.9", "192.0.2.1", "2001:db8::9", "fe80::1"];
    let ports = [
        (Protocol::Tcp, 22),
        (Protocol::Tcp, 443),
        (Protocol::Udp, 53),
    ];
    sources.into_iter().flat_map(move |source| {
        ports.into_iter().map(move |(protocol, port)| Visitor {
            protocol,
            port,
            dialled: port,
            source: source.parse().expect("an address"),
            interface: "eth0".to_owned(),
        })
    })
}
