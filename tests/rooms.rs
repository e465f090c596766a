//! The doors between the rooms, as ARCHITECTURE.md draws them, held against what the sources name.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot read, it cannot test"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// What every room may use. Each other module of the core is a room, and a new one is a room until
/// somebody puts it here.
const SHELF: [&str; 22] = [
    "atomic_file",
    "cloudflare",
    "env_file",
    "escapes",
    "fleet",
    "foreign_text",
    "gateway_process",
    "hashing",
    "hex",
    "key_shapes",
    "order",
    "placeholder",
    "profiles",
    "redact",
    "report",
    "secret",
    "settings",
    "small_file",
    "state",
    "strength",
    "variables",
    "world",
];

/// The one room that may look into the others.
const INSPECTOR: &str = "check";

/// The core as the program calls it.
const CORE: &str = "openclaw_sec";

/// One source file.
struct Source {
    /// Below `src/`.
    path: PathBuf,
    /// The text without comments and string literals.
    code: String,
}

impl Source {
    /// The modules that lead here: `core/check/host.rs` is `["check", "host"]`.
    fn modules(&self) -> Vec<String> {
        let below = self.path.strip_prefix("core").unwrap_or(&self.path);
        let below = below.with_extension("");
        let names = below
            .iter()
            .map(|name| name.to_string_lossy().into_owned())
            .collect::<Vec<_>>();
        match names.split_last() {
            Some((last, above)) if last == "mod" => above.to_vec(),
            _ => names,
        }
    }

    fn is_core(&self) -> bool {
        self.path.starts_with("core")
    }
}

/// Every source file, read once.
fn sources() -> &'static [Source] {
    static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(read_sources);
    &SOURCES
}

fn read_sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                sources.push(Source {
                    path: path.strip_prefix(&root).unwrap().to_path_buf(),
                    code: code_only(&text),
                });
            }
        }
    }
    sources
}

/// Takes away line comments and what stands in quotes.
fn code_only(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines() {
        let mut in_quotes = false;
        let mut before = ' ';
        let letters: Vec<char> = line.chars().collect();
        for (at, &letter) in letters.iter().enumerate() {
            if letter == '"' && before != '\\' && before != '\'' {
                in_quotes = !in_quotes;
            } else if !in_quotes && letter == '/' && letters.get(at + 1) == Some(&'/') {
                break;
            } else if !in_quotes {
                code.push(letter);
            }
            before = letter;
        }
        code.push('\n');
    }
    code
}

/// The names right behind `root::`, those in braces included: `root::{a::{b, c}, d}` has `a` and `d`.
fn names_behind(root: &str, code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let path = format!("{root}::");
    for (at, _) in code.match_indices(&path) {
        let is_longer_word = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if is_longer_word || code[..at].ends_with("::") {
            continue;
        }
        let rest = &code[at + path.len()..];
        match rest.strip_prefix('{') {
            Some(list) => names.extend(heads(list)),
            None => names.extend(word(rest)),
        }
    }
    names
}

fn word(text: &str) -> Option<String> {
    let word: String = text
        .trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (!word.is_empty()).then_some(word)
}

/// The first word of each entry of a list in braces whose opening brace is gone.
fn heads(list: &str) -> Vec<String> {
    let mut heads = Vec::from_iter(word(list));
    let mut depth = 0_u32;
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.extend(word(&list[at + 1..])),
            _ => {}
        }
    }
    heads
}

/// The modules of the core, from its map.
fn modules_of_the_core() -> BTreeSet<String> {
    let map = sources()
        .iter()
        .find(|source| source.path == Path::new("core/lib.rs"))
        .unwrap();
    let declared = map
        .code
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    declared.map(str::to_owned).collect()
}

/// The modules of the core that a file of the core names, whether by `crate::` or by climbing up.
fn used_in_core(source: &Source) -> BTreeSet<String> {
    let mut used = names_behind("crate", &source.code);
    let climb = "super::".repeat(source.modules().len());
    used.extend(names_behind(climb.trim_end_matches("::"), &source.code));
    used.intersection(&modules_of_the_core()).cloned().collect()
}

#[test]
fn the_shelf_stands_on_itself_and_rooms_stand_on_the_shelf() {
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| source.is_core()) {
        let modules = source.modules();
        let Some(room) = modules.first().filter(|room| *room != "lib") else {
            continue;
        };
        if room == INSPECTOR {
            continue;
        }
        for used in used_in_core(source) {
            if used != *room && !SHELF.contains(&used.as_str()) {
                breaches.push(format!("{}: {room} uses {used}", source.path.display()));
            }
        }
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn nothing_on_the_shelf_is_missing() {
    let modules = modules_of_the_core();
    for module in SHELF {
        assert!(modules.contains(module), "the core has no {module}");
    }
    assert!(modules.contains(INSPECTOR));
    assert!(!SHELF.contains(&INSPECTOR));
}

#[test]
fn the_map_shows_every_module_of_the_core() {
    let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
    let map = std::fs::read_to_string(map).unwrap();
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/core/lib.rs");
    let library = std::fs::read_to_string(library).unwrap();
    let header: String = library
        .lines()
        .filter(|line| line.starts_with("//!"))
        .collect();
    for module in modules_of_the_core() {
        let row = format!("| `{module}` | ");
        assert!(
            map.contains(&row),
            "ARCHITECTURE.md has no row for {module}"
        );
        assert!(
            header.contains(&format!("[`{module}`]")),
            "the header of src/core/lib.rs does not name {module}"
        );
    }
}

/// A place of the program, what it may use of the core, and of the program.
struct Door {
    place: &'static str,
    core: &'static [&'static str],
    program: &'static [&'static str],
}

const DOORS: [Door; 5] = [
    Door {
        place: "main",
        core: &["world"],
        program: &["commands"],
    },
    Door {
        place: "start",
        core: &[],
        // Nothing of the program is there yet when the process begins: it calls `run` in main.rs.
        program: &["run", "terminal"],
    },
    Door {
        place: "cli",
        core: &[],
        program: &[],
    },
    Door {
        place: "output",
        // Events and alerts of the audit log are rendered as they come, without a report.
        core: &["fleet", "report", "foreign_text", "order", "audit"],
        program: &["output"],
    },
    Door {
        place: "terminal",
        core: &SHELF,
        program: &["cli", "output"],
    },
];

#[test]
fn the_program_goes_through_its_doors() {
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| !source.is_core()) {
        let modules = source.modules();
        let Some(door) = DOORS.iter().find(|door| modules[0] == door.place) else {
            assert_eq!(modules[0], "commands", "a new place needs its door here");
            continue;
        };
        let core = names_behind(CORE, &source.code);
        let program = names_behind("crate", &source.code);
        let wrong = core
            .iter()
            .filter(|name| !door.core.contains(&name.as_str()))
            .chain(
                program
                    .iter()
                    .filter(|name| !door.program.contains(&name.as_str())),
            );
        breaches.extend(wrong.map(|name| format!("{} uses {name}", source.path.display())));
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn only_the_terminal_names_colours_and_the_standard_streams() {
    for source in sources() {
        if source.path == Path::new("terminal.rs") {
            continue;
        }
        let may_look_at_streams = source.path == Path::new("start.rs");
        for word in ["colored::", "io::stdout", "io::stderr", "dialoguer::"] {
            if may_look_at_streams && word.starts_with("io::") {
                continue;
            }
            let path = source.path.display();
            assert!(!source.code.contains(word), "{path} names {word}");
        }
    }
}

#[test]
fn names_are_found_in_braces_and_not_in_comments_or_texts() {
    let code = code_only(
        "use crate::{a::{b, c}, d, // crate::x\n  e::f};\n\
         let text = \"crate::y\"; crate::g::h(); mycrate::i(); use super::super::j;",
    );
    let found = names_behind("crate", &code);
    assert_eq!(
        found.iter().map(String::as_str).collect::<Vec<_>>(),
        ["a", "d", "e", "g"]
    );
    assert!(names_behind("super::super", &code).contains("j"));
}
