//! What was found in the source tree and its history, as findings.

use super::verdict::{Finding, Verdict, shell_word, skipped};
use crate::report::Location;
use crate::scan::{Allowance, Leak, Past, Search, Searched};

/// At most this many things that could not be read are named.
const MOST_NAMED: usize = 3;

/// The verdicts about a search; findings and an unknown may stand side by side.
pub fn verdicts(search: &Search, finding: fn(&Leak) -> Finding, passed: &str) -> Vec<Verdict> {
    let searched = match search {
        Search::Skipped(reason) => return skipped(reason.clone()),
        Search::Done(searched) => searched,
    };
    let mut verdicts: Vec<Verdict> = searched
        .leaks
        .iter()
        .map(|leak| Verdict::Fail(placed(accepted(finding(leak), leak), searched)))
        .collect();
    if !searched.unread.is_empty() {
        verdicts.push(Verdict::Unknown(unread(&searched.unread)));
    }
    if verdicts.is_empty() {
        verdicts.push(Verdict::Pass {
            message: passed.to_owned(),
            evidence: [("searched", searched.objects), ("bytes", searched.bytes)]
                .map(|(name, count)| (name.to_owned(), count.into()))
                .into_iter()
                .collect(),
        });
    }
    verdicts
}

/// The path leads from the folder that was searched.
fn placed(mut finding: Finding, searched: &Searched) -> Finding {
    if let (Some(location), Some(folder)) = (&mut finding.location, &searched.folder) {
        location.folder = Some(folder.to_string_lossy().into_owned());
    }
    finding
}

fn unread(unread: &[String]) -> String {
    let mut text = unread[..unread.len().min(MOST_NAMED)].join("; ");
    if unread.len() > MOST_NAMED {
        text.push_str(&format!("; and {} more", unread.len() - MOST_NAMED));
    }
    text
}

fn accepted(mut finding: Finding, leak: &Leak) -> Finding {
    match &leak.allowance {
        Allowance::None => finding,
        Allowance::Until(date, reason) => {
            finding.accepted = Some((reason.clone(), *date));
            finding
        }
        Allowance::Useless(why) => {
            finding
                .message
                .push_str(&format!("; the comment beside it allows nothing: {why}"));
            finding.with("useless_comment", why.as_str())
        }
    }
}

/// What stands against the env files that the next commit brings; nothing where nothing does.
pub fn staged_env_files(search: &Search) -> Vec<Verdict> {
    let mut verdicts = verdicts(search, staged_env_file, "");
    verdicts.retain(|verdict| matches!(verdict, Verdict::Fail(_) | Verdict::Unknown(_)));
    verdicts
}

fn staged_env_file(leak: &Leak) -> Finding {
    let path = shell_word(leak.path.as_deref().unwrap_or_default());
    let remedy = format!("run `git rm --cached {path}` and add the file to .gitignore");
    finding(leak, "the next commit brings an env file".to_owned()).mended_by(remedy)
}

/// A key in the tree or the index.
pub fn in_code(leak: &Leak) -> Finding {
    let what = what(leak);
    let message = match (&leak.path, leak.line) {
        (Some(_), Some(_)) => format!("{what} stands in the source tree"),
        (Some(_), None) if leak.column.is_none() && leak.variable.is_none() => {
            format!("{what}: the name of the file or its place gives it away")
        }
        _ => format!("{what} stands in a file's name"),
    };
    finding(leak, message)
}

/// A key in the history.
pub fn in_history(leak: &Leak) -> Finding {
    let what = what(leak);
    let past = leak.past.clone().unwrap_or_default();
    let since = since(&past);
    let message = match &leak.path {
        _ if past.name_of.is_some() => {
            let name_of = past.name_of.unwrap_or_default();
            format!("{what} stands in the name of {name_of}{since}")
        }
        None if past.commit.is_none() => {
            format!("{what} stands in an object that no commit names as a file")
        }
        None => format!("{what} stands in the text of a commit or tag{since}"),
        Some(_) if past.in_head => {
            format!("{what} came into the history{since} and is still there")
        }
        Some(_) => {
            format!("{what} came into the history{since}; the newest commit no longer has it")
        }
    };
    with_past(finding(leak, message), &past)
}

/// An env file in the history.
pub fn env_file(leak: &Leak) -> Finding {
    let past = leak.past.clone().unwrap_or_default();
    let names = past.variables.join(", ");
    let current = match past.current.as_slice() {
        [] => String::new(),
        current => format!("; still the current value of {}", current.join(", ")),
    };
    let message = format!(
        "an env file with secrets was committed{} ({names}{current})",
        since(&past)
    );
    let mut finding = with_past(finding(leak, message), &past);
    finding
        .evidence
        .insert("variables".to_owned(), past.variables.into());
    finding
        .evidence
        .insert("still_current".to_owned(), past.current.into());
    finding
}

fn what(leak: &Leak) -> String {
    match &leak.variable {
        Some(variable) => format!("the value of {variable}"),
        None => format!("a secret ({})", leak.rule),
    }
}

fn since(past: &Past) -> String {
    match (&past.commit, &past.author_date) {
        (Some(commit), Some(date)) => {
            format!(
                " with {} of {}",
                &commit[..commit.len().min(12)],
                &date[..date.len().min(10)]
            )
        }
        _ => String::new(),
    }
}

fn with_past(finding: Finding, past: &Past) -> Finding {
    finding
        .with("commit", past.commit.clone())
        .with("author_date", past.author_date.clone())
        .with("versions", past.versions)
        .with("in_head", past.in_head)
}

fn finding(leak: &Leak, message: String) -> Finding {
    let mut finding = Finding::new(leak.subject(), message)
        .rated(leak.severity)
        .with("rule", leak.rule.as_str());
    if let Some(variable) = &leak.variable {
        finding = finding.with("variable", variable.as_str());
    }
    if let Some(page) = leak.revoke_at {
        finding = finding
            .with("revoke_at", format!("https://{page}"))
            .mended_by(format!(
                "take the key back at https://{page}, make a new one and read it from the environment"
            ));
    }
    if let Some(path) = &leak.path {
        finding = finding.at(Location {
            path: path.clone(),
            line: leak.line,
            column: leak.column,
            folder: None,
        });
    }
    finding
}
