//! What the readers in CI services ask for: paths from the working folder, distinct fingerprints.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use openclaw_sec::fleet::Deployment;
use openclaw_sec::report::{CheckResult, Location};

/// The path as it leads from `folder`, without `./`; absolute where it leads out of it. No file is
/// looked at.
pub fn path_from(folder: &Path, path: &str) -> String {
    let mut whole = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                whole.pop();
            }
            part => whole.push(part),
        }
    }
    let inside = whole.strip_prefix(folder).unwrap_or(&whole);
    match inside.to_string_lossy() {
        empty if empty.is_empty() => ".".to_owned(),
        inside => inside.into_owned(),
    }
}

/// Where a finding stands, as the path leads from the working folder.
pub fn place_from(folder: &Path, location: &Location) -> String {
    match &location.folder {
        Some(searched) => path_from(folder, &format!("{searched}/{}", location.path)),
        None => path_from(folder, &location.path),
    }
}

/// The place that a service shows a result at: the endpoint's are shown at the env file.
pub fn shown_place(folder: &Path, deployment: &Deployment<'_>, result: &CheckResult) -> String {
    match &result.location {
        Some(location) if !is_stdin(location) => place_from(folder, location),
        _ => {
            let env = deployment.report.target.env.as_deref();
            let env = env.filter(|env| *env != STDIN);
            path_from(folder, env.unwrap_or(super::DEFAULT_ENV))
        }
    }
}

/// What an env file is called that was read from stdin, where no place can be shown.
const STDIN: &str = "-";

/// Whether a finding stands in what came from stdin.
pub fn is_stdin(location: &Location) -> bool {
    location.path == STDIN
}

/// A time of a report, in milliseconds since 1970; none for what is no time.
pub fn millisecond(time: &str) -> Option<i64> {
    let time: jiff::Timestamp = time.parse().ok()?;
    Some(time.as_millisecond())
}

/// Hands out fingerprints and names that are distinct within one document.
#[derive(Default)]
pub struct DistinctTexts(HashMap<String, usize>);

impl DistinctTexts {
    /// The result's own fingerprint, in a fleet behind the deployment's name; a repeated one gets
    /// a number.
    pub fn of(&mut self, deployment: &Deployment<'_>, result: &CheckResult) -> String {
        let own = match deployment.name {
            Some(name) => format!("{name}/{}", result.fingerprint),
            None => result.fingerprint.clone(),
        };
        self.distinct(own)
    }

    /// `text`, with a number behind it when it was handed out before.
    pub fn distinct(&mut self, text: String) -> String {
        let times = self.0.entry(text.clone()).or_default();
        *times += 1;
        match *times {
            1 => text,
            number => self.distinct(format!("{text} #{number}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_from_the_working_folder() {
        let cases = [
            ("prod.env", "prod.env"),
            ("./a/./prod.env", "a/prod.env"),
            ("a/../prod.env", "prod.env"),
            ("/work/app/prod.env", "prod.env"),
            ("../app/prod.env", "prod.env"),
            ("../other/.env", "/work/other/.env"),
            ("/etc/openclaw/.env", "/etc/openclaw/.env"),
            ("/work/application/.env", "/work/application/.env"),
            (".", "."),
            ("", "."),
            ("-", "-"),
        ];
        for (path, expected) in cases {
            assert_eq!(path_from(Path::new("/work/app"), path), expected, "{path}");
        }
    }

    #[test]
    fn repeated_texts_become_distinct_and_first_ones_stay() {
        let mut texts = DistinctTexts::default();
        let given = ["a", "a #2", "a", "a", "b"];
        let distinct = given.map(|text| texts.distinct(text.to_owned()));
        assert_eq!(
            (&*distinct[0], &*distinct[1], &*distinct[4]),
            ("a", "a #2", "b")
        );
        let all: std::collections::HashSet<&String> = distinct.iter().collect();
        assert_eq!(all.len(), given.len());
    }
}
