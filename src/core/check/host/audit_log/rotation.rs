//! Whether logrotate takes care of a log.

use std::path::{Path, PathBuf};

use globset::GlobBuilder;

use crate::check::host::names_in;
use crate::scan::Answer;
use crate::small_file;
use crate::world::World;

/// logrotate files larger than this, in bytes, are none.
const LARGEST_FILE: u64 = 4 << 20;

/// The logrotate file whose patterns cover `log`, if any does.
pub fn covering(log: &Path, world: &World) -> Answer<Option<String>> {
    let main = world.host("etc/logrotate.conf");
    let folder = world.host("etc/logrotate.d");
    let mut files: Vec<PathBuf> = vec![main];
    let names = names_in(&folder).into_iter();
    let read = names.filter(|name| !is_taboo(&name.to_string_lossy()));
    files.extend(read.map(|name| folder.join(name)));
    let mut unreadable = None;
    for file in files {
        match small_file::read_text(&file, LARGEST_FILE) {
            Ok(text) if patterns(&text).iter().any(|one| covers(one, log)) => {
                return Answer::Known(Some(file.to_string_lossy().into_owned()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                unreadable = Some(file);
            }
            _ => {}
        }
    }
    match unreadable {
        Some(file) => Answer::Unknown(format!(
            "{} may not be read: run this with sudo",
            file.display()
        )),
        None => Answer::Known(None),
    }
}

/// Endings of files in its folder that logrotate passes over (logrotate(8), `tabooext`).
const TABOO: [&str; 18] = [
    ",v",
    ".bak",
    ".cfsaved",
    ".disabled",
    ".dpkg-bak",
    ".dpkg-del",
    ".dpkg-dist",
    ".dpkg-new",
    ".dpkg-old",
    ".dpkg-tmp",
    ".rpmnew",
    ".rpmorig",
    ".rpmsave",
    ".swp",
    ".ucf-dist",
    ".ucf-new",
    ".ucf-old",
    "~",
];
/// What begins a script, which ends at `endscript`.
const SCRIPTS: [&str; 5] = [
    "prerotate",
    "postrotate",
    "firstaction",
    "lastaction",
    "preremove",
];

fn is_taboo(name: &str) -> bool {
    TABOO.iter().any(|ending| name.ends_with(ending)) || name.contains(".rhn-cfg-tmp-")
}

/// The words outside of braces: the patterns of a logrotate file, and some directives that look
/// like no path and so match nothing (logrotate(8)).
fn patterns(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut depth = 0usize;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let first = line.split_ascii_whitespace().next().unwrap_or_default();
        if SCRIPTS.contains(&first) {
            // What a script says is for the shell.
            let _ = lines.find(|line| line.trim() == "endscript");
            continue;
        }
        for word in words(line) {
            match word.as_str() {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                path if depth == 0 && path.starts_with('/') => found.push(word),
                _ => {}
            }
        }
    }
    found
}

/// The words of a line, without quotes; a brace is a word of its own, and a comment is none.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for character in line.chars() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some(_), _) => word.push(character),
            (None, '"' | '\'') => quote = Some(character),
            (None, '#') => break,
            (None, '{' | '}') => {
                words.push(std::mem::take(&mut word));
                words.push(character.to_string());
            }
            (None, _) if character.is_whitespace() => words.push(std::mem::take(&mut word)),
            (None, _) => word.push(character),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a pattern means the log, on whichever way through linked folders.
fn covers(pattern: &str, log: &Path) -> bool {
    if matches(pattern, log) {
        return true;
    }
    let real = log.canonicalize();
    real.is_ok_and(|real| matches(pattern, &real) || matches(&without_links(pattern), &real))
}

/// The pattern with the folders before its first wildcard resolved.
fn without_links(pattern: &str) -> String {
    let wildcard = pattern.find(['*', '?', '[', '\\']).unwrap_or(pattern.len());
    let Some(end) = pattern[..wildcard].rfind('/') else {
        return pattern.to_owned();
    };
    match Path::new(&pattern[..end]).canonicalize() {
        Ok(folder) => globset::escape(&folder.to_string_lossy()) + &pattern[end..],
        Err(_) => pattern.to_owned(),
    }
}

fn matches(pattern: &str, path: &Path) -> bool {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .is_ok_and(|glob| glob.compile_matcher().is_match(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_outside_of_braces_and_scripts() {
        let text = "weekly\n# /commented {\n/var/log/openclaw/*.log \"/var/log/a b.log\" {\n  postrotate\n    if true; then { /bin/true; } fi }\n    /bin/false ${x:-}}\n  endscript\n}\n/var/log/x{\n}\n'/var/log/c d/*.log' /e # /f\n{ daily }\n/last\n";
        assert_eq!(
            patterns(text),
            [
                "/var/log/openclaw/*.log",
                "/var/log/a b.log",
                "/var/log/x",
                "/var/log/c d/*.log",
                "/e",
                "/last"
            ]
        );
    }

    #[test]
    fn a_folder_may_be_a_link_on_either_side() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        std::fs::create_dir(at("[real]")).unwrap();
        std::fs::write(at("[real]/audit.log"), "x").unwrap();
        std::os::unix::fs::symlink(at("[real]"), at("link")).unwrap();
        let pattern = |name: &str| at(name).to_string_lossy().into_owned();
        for log in ["[real]/audit.log", "link/audit.log"] {
            for glob in ["link/*.log", "link/audit.log", "*/audit.log"] {
                assert!(covers(&pattern(glob), &at(log)), "{glob} {log}");
            }
            assert!(!covers(&pattern("link/*.txt"), &at(log)));
            assert!(!covers(&pattern("*.log"), &at(log)));
        }
    }

    #[test]
    fn logrotate_passes_over_what_editors_and_packages_leave() {
        for name in [
            "openclaw.dpkg-old",
            "openclaw~",
            "openclaw,v",
            "openclaw.disabled",
            ".openclaw.swp",
        ] {
            assert!(is_taboo(name), "{name}");
        }
        // As logrotate 3.21 does, it reads names that begin with a dot.
        for name in ["openclaw", "openclaw.conf", ".openclaw"] {
            assert!(!is_taboo(name), "{name}");
        }
    }

    #[test]
    fn a_star_stays_within_its_folder() {
        assert!(matches(
            "/var/log/openclaw/*.log",
            Path::new("/var/log/openclaw/audit.log")
        ));
        assert!(!matches(
            "/var/log/*.log",
            Path::new("/var/log/openclaw/audit.log")
        ));
    }
}
