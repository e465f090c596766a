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
    files.extend(names_in(&folder).into_iter().map(|name| folder.join(name)));
    let mut unreadable = None;
    let log = log.canonicalize().unwrap_or_else(|_| log.to_path_buf());
    for file in files {
        match small_file::read_text(&file, LARGEST_FILE) {
            Ok(text) if patterns(&text).any(|pattern| matches(pattern, &log)) => {
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

/// The words outside of braces: the patterns of a logrotate file, and some directives that look
/// like no path and so match nothing (logrotate(8)).
fn patterns(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0usize;
    text.lines()
        .map(|line| line.split_once('#').map_or(line, |(before, _)| before))
        .flat_map(|line| line.split_inclusive(['{', '}', ' ', '\t']))
        .filter_map(move |word| {
            let is_outside = depth == 0;
            match word.chars().last() {
                Some('{') => depth += 1,
                Some('}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            let word = word.trim_matches(['{', '}', ' ', '\t', '"', '\'']);
            (is_outside && word.starts_with('/')).then_some(word)
        })
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
    fn patterns_stand_outside_of_braces() {
        let text = "weekly\n# /commented {\n/var/log/openclaw/*.log \"/var/log/a b.log\" {\n  postrotate\n    /bin/true\n  endscript\n}\n/var/log/x{\n}\n";
        let found: Vec<&str> = patterns(text).collect();
        assert!(found.contains(&"/var/log/openclaw/*.log"));
        assert!(found.contains(&"/var/log/x"));
        assert!(!found.contains(&"/bin/true"));
        assert!(!found.contains(&"/commented"));
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
