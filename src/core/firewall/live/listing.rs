//! What `nft list ruleset` prints in its own language and leaves out of its JSON.

use std::collections::HashMap;

/// What only nft's own language tells for certain: nft 1.0.6 writes anything for the flags of a table
/// into its JSON or breaks off there, and no devices.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Family and name of each table.
    pub tables: Vec<(String, String)>,
    /// Those that are out of force.
    pub dormant: Vec<(String, String)>,
    /// The devices of each base chain that has some, by family, table and chain.
    pub devices: HashMap<(String, String, String), Vec<String>>,
}

impl Listing {
    /// Reads what `nft list ruleset` prints: a tab for each level.
    pub(super) fn of(text: &str) -> Self {
        let mut listing = Self::default();
        let mut table = (String::new(), String::new());
        let mut chain = String::new();
        for line in text.lines() {
            let rest = line.trim_start_matches('\t');
            let level = line.len() - rest.len();
            let words: Vec<&str> = rest.split_whitespace().collect();
            match (level, &words[..]) {
                (0, ["table", family, name, "{"]) => {
                    table = ((*family).to_owned(), (*name).to_owned());
                    listing.tables.push(table.clone());
                }
                (1, ["flags", ..]) if rest.contains("dormant") => {
                    listing.dormant.push(table.clone());
                }
                (1, ["chain", name, "{"]) => (*name).clone_into(&mut chain),
                (2, ["type", _, "hook", _, "device" | "devices", ..]) => {
                    let quoted = rest.split('"').skip(1).step_by(2);
                    let devices = quoted.map(str::to_owned).collect();
                    let (family, name) = table.clone();
                    listing
                        .devices
                        .insert((family, name, chain.clone()), devices);
                }
                _ => {}
            }
        }
        listing
    }
}
