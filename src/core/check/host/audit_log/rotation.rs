//! Whether logrotate takes care of a log.

use std::path::{Path, PathBuf};

use globset::GlobBuilder;

use crate::check::host::names_in;
use crate::scan::Answer;
use crate::small_file;
use crate::world::World;

/// logrotate files larger than this, in bytes, are none.
const LARGEST_FILE: u64 = 4 << 20;
/// More of them are not looked into: files include each other.
const MOST_FILES: usize = 10_000;

/// The logrotate file whose patterns cover `log`, if any does.
pub fn covering(log: &Path, world: &World) -> Answer<Option<String>> {
    let mut files: Vec<PathBuf> = vec![world.host("etc/logrotate.conf")];
    files.extend(files_at(world.host("etc/logrotate.d")));
    let mut unreadable = None;
    let mut next = 0;
    while let Some(file) = files.get(next).cloned() {
        next += 1;
        match small_file::read_text(&file, LARGEST_FILE) {
            Ok(text) if patterns(&text).iter().any(|one| covers(one, log)) => {
                return Answer::Known(Some(file.to_string_lossy().into_owned()));
            }
            Ok(text) => {
                for place in included(&text) {
                    for file in files_at(world.below_root(&place)) {
                        if files.len() < MOST_FILES && !files.contains(&file) {
                            files.push(file);
                        }
                    }
                }
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

/// A file, or the files of a folder that logrotate reads.
fn files_at(place: PathBuf) -> Vec<PathBuf> {
    if !place.is_dir() {
        return vec![place];
    }
    let names = names_in(&place).into_iter();
    let read = names.filter(|name| !is_taboo(&name.to_string_lossy()));
    read.map(|name| place.join(name)).collect()
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

/// The patterns of a logrotate file: the paths outside of braces (logrotate(8)).
fn patterns(text: &str) -> Vec<String> {
    outside(text)
        .into_iter()
        .filter(|words| words[0] != INCLUDE)
        .flatten()
        .filter(|word| word.starts_with('/'))
        .collect()
}

/// What else is read.
fn included(text: &str) -> Vec<PathBuf> {
    outside(text)
        .into_iter()
        .filter(|words| words[0] == INCLUDE)
        .filter_map(|words| words.into_iter().nth(1))
        .map(PathBuf::from)
        .collect()
}

/// The directive that names another file or folder.
const INCLUDE: &str = "include";

/// The words outside of braces, line by line; no line is empty.
fn outside(text: &str) -> Vec<Vec<String>> {
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
        let mut here = Vec::new();
        for word in words(line) {
            match word.as_str() {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                _ if depth == 0 => here.push(word),
                _ => {}
            }
        }
        if !here.is_empty() {
            found.push(here);
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
    use crate::check::fixtures::world_below;

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
    fn what_a_file_includes_is_read_too() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let covering = || covering(Path::new("/srv/bot/audit.log"), &world_below(root.path()));
        write("etc/oc.d/bot", "/srv/bot/*.log {\n weekly\n}\n");
        write(
            "etc/logrotate.d/other",
            "/var/log/other {\n include /etc/oc.d\n}\n",
        );
        assert_eq!(covering(), Answer::Known(None));
        write(
            "etc/logrotate.d/other",
            "include /etc/oc.d\ninclude /etc/logrotate.d\n",
        );
        let file = root.path().join("etc/oc.d/bot");
        let file = file.to_string_lossy().into_owned();
        assert_eq!(covering(), Answer::Known(Some(file)));
        write("etc/oc.d/bot", "include /etc/deep.conf\n");
        write("etc/deep.conf", "/srv/bot/audit.log { daily }\n");
        assert!(matches!(covering(), Answer::Known(Some(file)) if file.ends_with("deep.conf")));
        write("etc/oc.d/bot.dpkg-old", "/srv/bot/audit.log { daily }\n");
        write("etc/oc.d/bot", "");
        assert_eq!(covering(), Answer::Known(None));
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
