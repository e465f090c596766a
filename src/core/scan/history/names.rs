//! Keys in the names of files, folders, branches and tags that ever were.

use std::collections::{BTreeMap, HashSet};

use super::{Arrival, History, ObjectId};
use crate::scan::git::complaint;
use crate::scan::leak::{Leak, Past};

impl History<'_, '_> {
    /// What the name of a file gives away that some commit has, by itself and by the rules about
    /// paths; `in_trees` are the finds in trees, whose paths are not known yet.
    pub(super) fn names(&self, in_trees: Vec<Leak>, unread: &mut Vec<String>) -> Vec<Leak> {
        let arrivals = self.log(&[], &|id| id.bytes().any(|byte| byte != b'0'), unread);
        let mut by_path: BTreeMap<&[u8], Vec<(&ObjectId, &Arrival)>> = BTreeMap::new();
        for (id, arrivals) in &arrivals {
            for arrival in arrivals {
                by_path
                    .entry(&arrival.path)
                    .or_default()
                    .push((id, arrival));
            }
        }
        let head = self.head();
        let mut leaks: Vec<Leak> = Vec::new();
        for (path, versions) in by_path {
            let (shown, in_name) = self.detector.path(path);
            let by_rule = self.detector.path_rules(path, &shown);
            if in_name.is_empty() && by_rule.is_empty() {
                continue;
            }
            let blobs: HashSet<&ObjectId> = versions.iter().map(|(id, _)| *id).collect();
            let first = versions
                .iter()
                .map(|(_, arrival)| *arrival)
                .min_by_key(|one| one.order);
            let past = Past {
                commit: first.map(|first| first.commit.clone()),
                author_date: first.and_then(|first| first.author_date.clone()),
                versions: blobs.len(),
                in_head: head.contains_key(path),
                name_of: Some("a file"),
                ..Past::default()
            };
            leaks.extend(in_name.into_iter().chain(by_rule).map(|leak| Leak {
                past: Some(past.clone()),
                ..leak
            }));
        }
        // A tree that no commit has, or the name of a submodule.
        let mut known: HashSet<(String, String)> = leaks.iter().map(secret_of).collect();
        let others = in_trees
            .into_iter()
            .filter(|leak| known.insert(secret_of(leak)));
        leaks.extend(others.map(|leak| nameless(leak, "a file or folder")));
        leaks
    }

    /// Keys in the names of branches and tags.
    pub(super) fn ref_names(&self, unread: &mut Vec<String>) -> Vec<Leak> {
        let refs = match self.git.run(&["for-each-ref", "--format=%(refname)"]) {
            Ok(finished) if finished.code == Some(0) => finished.stdout,
            other => {
                unread.push(format!("names of branches and tags: {}", complaint(other)));
                return Vec::new();
            }
        };
        let leaks = self.detector.names(&refs).into_iter();
        leaks
            .map(|leak| nameless(leak, "a branch or tag"))
            .collect()
    }
}

fn secret_of(leak: &Leak) -> (String, String) {
    (leak.rule.clone(), leak.identity.clone())
}

fn nameless(leak: Leak, name_of: &'static str) -> Leak {
    Leak {
        path: None,
        line: None,
        column: None,
        past: Some(Past {
            versions: 1,
            name_of: Some(name_of),
            ..Past::default()
        }),
        ..leak
    }
}
