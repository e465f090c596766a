//! The page's own truth: every test and bench that it names exists.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The names in the second column of the page's tables: `tests/TARGET NAME` or `benches/NAME`.
fn proofs() -> Vec<String> {
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/trust.md")).unwrap();
    page.lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("| ---"))
        .filter_map(|line| line.trim_matches('|').rsplit('|').next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

/// Whether some test source of the target has a function with this name.
fn test_exists(target: &str, name: &str) -> bool {
    let function = format!("fn {}(", name.rsplit("::").next().unwrap());
    let searched = Command::new("grep")
        .args(["-rqF", "--include=*.rs", "--", &function])
        .arg(Path::new(ROOT).join(target))
        .status()
        .unwrap();
    searched.success()
}

#[test]
fn every_proof_that_the_page_names_exists() {
    let proofs = proofs();
    assert!(!proofs.is_empty());
    for proof in proofs {
        let exists = match proof.split_once(' ') {
            Some((target, name)) => test_exists(target, name),
            None => Path::new(ROOT).join(&proof).exists(),
        };
        assert!(exists, "docs/trust.md names {proof}, which is not there");
    }
}

#[test]
fn the_table_of_changed_decisions_has_the_files_that_are_changed() {
    let read = |name: &str| std::fs::read_to_string(Path::new(ROOT).join(name)).unwrap();
    let settings: toml::Table = read(".cargo/mutants.toml").parse().unwrap();
    let changed: BTreeSet<String> = settings["examine_globs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file.as_str().unwrap().replace("src/core/", ""))
        .collect();
    let page = read("docs/mutants.md");
    let listed: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(file, _)| file.to_owned())
        .collect();
    assert_eq!(listed, changed);
}
