//! Env files that some commit brought, and whether they held real secrets.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;

use super::{Arrival, History, ObjectId};
use crate::env_file::{EnvFile, backed_up_variable};
use crate::order;
use crate::report::Severity;
use crate::scan::leak::{Allowance, Leak, Past};
use crate::scan::named::is_hard_to_guess;
use crate::scan::own_values::secret_parts;
use crate::scan::{OwnValue, Searched};

/// A larger blob, in bytes, is no env file.
const LARGEST_ENV_FILE: u64 = 4 << 20;
/// Words in the name of an env file that is made to be committed.
const TEMPLATE_WORDS: [&str; 7] = [
    "example", "sample", "template", "tmpl", "dist", "default", "defaults",
];

/// Whether a file of this name is an env file.
fn is_env_file(path: &[u8]) -> bool {
    let name = name_of(path);
    name.starts_with(b".env.")
        || name.ends_with(b".env")
        || name == b".envrc"
        || backed_up_variable(name).is_some()
}

/// Whether such a file is one only when it holds a real secret.
fn may_be_committed(path: &[u8]) -> bool {
    name_of(path).eq_ignore_ascii_case(b".envrc") || is_template(path)
}

fn is_template(path: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name_of(path)).to_ascii_lowercase();
    let mut words = name.split(['.', '-', '_']);
    words.any(|word| TEMPLATE_WORDS.contains(&word))
}

fn name_of(path: &[u8]) -> &[u8] {
    let slash = memchr::memrchr(b'/', path);
    &path[slash.map_or(0, |slash| slash + 1)..]
}

impl History<'_, '_> {
    /// Env files among the files that the next commit brings.
    pub(super) fn staged_env_files(&self, entries: &[(ObjectId, Vec<u8>)]) -> Searched {
        let mut searched = Searched::default();
        let named = entries.iter().filter(|(_, path)| is_env_file(path));
        let (doubtful, sure): (Vec<_>, Vec<_>) =
            named.partition(|(_, path)| may_be_committed(path));
        let ids: Vec<ObjectId> = doubtful.iter().map(|(id, _)| id.clone()).collect();
        let mut secrets: HashMap<ObjectId, Vec<RealSecret>> = HashMap::new();
        let outcome = self.each_of(&ids, &mut |object| {
            if object.size <= LARGEST_ENV_FILE {
                let mut bytes = Vec::new();
                object.content.read_to_end(&mut bytes)?;
                secrets.insert(object.id.clone(), real_secrets(bytes, &[]));
            }
            Ok(())
        });
        searched.unread.extend(outcome);
        let doubtful = doubtful.into_iter();
        let found = doubtful.filter(|(id, path)| {
            let secrets = secrets.get(id);
            secrets.is_some_and(|secrets| secrets.iter().any(|secret| secret.counts_at(path)))
        });
        let found = sure.into_iter().chain(found);
        searched.leaks = found.map(|(_, path)| self.env_file_at(path)).collect();
        searched
    }

    fn env_file_at(&self, path: &[u8]) -> Leak {
        Leak {
            rule: "env-file".to_owned(),
            severity: Severity::High,
            revoke_at: None,
            variable: None,
            path: Some(self.detector.path(path).0),
            line: None,
            column: None,
            identity: String::new(),
            allowance: Allowance::None,
            past: None,
        }
    }

    /// Env files with real secrets.
    pub(super) fn env_files(&self, own_values: &[OwnValue]) -> Searched {
        let mut searched = Searched::default();
        let paths = [
            "--",
            ":(top,glob)**/.env",
            ":(top,glob)**/.env.*",
            ":(top,glob)**/*.env",
            ":(top,glob)**/.envrc",
            ":(top,glob)**/.*.openclaw-sec.backup",
        ];
        let arrivals = self.log(
            &paths,
            &|id| id.bytes().any(|byte| byte != b'0'),
            &mut searched.unread,
        );
        let mut secrets: HashMap<ObjectId, Vec<RealSecret>> = HashMap::new();
        let mut names: Vec<&ObjectId> = arrivals.keys().collect();
        order::sort(&mut names);
        let list: Vec<String> = names.iter().map(|id| (*id).clone()).collect();
        let outcome = self.each_of(&list, &mut |object| {
            searched.objects += 1;
            searched.bytes += object.size;
            // A damaged git may answer what nobody asked.
            if let Some(arrivals) = arrivals.get(&object.id)
                && object.size <= LARGEST_ENV_FILE
                && object.kind == "blob"
            {
                let mut bytes = variable_of(arrivals);
                object.content.read_to_end(&mut bytes)?;
                let found = real_secrets(bytes, own_values);
                if !found.is_empty() {
                    secrets.insert(object.id.clone(), found);
                }
            }
            Ok(())
        });
        searched.unread.extend(outcome);
        let head = self.head();
        let mut by_path: BTreeMap<&[u8], Vec<(&ObjectId, &Arrival)>> = BTreeMap::new();
        for (id, arrivals) in &arrivals {
            let Some(found) = secrets.get(id) else {
                continue;
            };
            for arrival in arrivals {
                if found.iter().any(|secret| secret.counts_at(&arrival.path)) {
                    by_path
                        .entry(&arrival.path)
                        .or_default()
                        .push((id, arrival));
                }
            }
        }
        for (path, mut versions) in by_path {
            order::sort_by_key(&mut versions, |(_, arrival)| arrival.order);
            searched
                .leaks
                .push(self.env_file(path, &versions, &secrets, &head));
        }
        searched
    }

    pub(super) fn env_file(
        &self,
        path: &[u8],
        versions: &[(&ObjectId, &Arrival)],
        secrets: &HashMap<ObjectId, Vec<RealSecret>>,
        head: &HashMap<Vec<u8>, ObjectId>,
    ) -> Leak {
        let blobs: HashSet<&ObjectId> = versions.iter().map(|(id, _)| *id).collect();
        let mut variables: BTreeMap<&str, bool> = BTreeMap::new();
        for secret in blobs.iter().flat_map(|id| &secrets[*id]) {
            if secret.counts_at(path) {
                *variables.entry(&secret.name).or_default() |= secret.is_current;
            }
        }
        let (_, first) = versions[0];
        let named = |wanted: fn(bool) -> bool| {
            let names = variables
                .iter()
                .filter(|(_, is_current)| wanted(**is_current));
            names
                .map(|(name, _)| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        Leak {
            past: Some(Past {
                commit: Some(first.commit.clone()),
                author_date: first.author_date.clone(),
                versions: blobs.len(),
                in_head: head.get(path).is_some_and(|id| blobs.contains(id)),
                variables: named(|_| true),
                current: named(|is_current| is_current),
                name_of: None,
            }),
            ..self.env_file_at(path)
        }
    }
}

/// A secret of an env file.
pub(super) struct RealSecret {
    name: String,
    /// Whether it still has the current value.
    is_current: bool,
    is_hard_to_guess: bool,
}

impl RealSecret {
    /// A template holds values that everybody may know, such as `postgres`.
    fn counts_at(&self, path: &[u8]) -> bool {
        self.is_hard_to_guess || !is_template(path)
    }
}

/// `NAME=` for the backup of one variable, which holds its value alone.
fn variable_of(arrivals: &[Arrival]) -> Vec<u8> {
    let mut names = arrivals.iter().map(|arrival| name_of(&arrival.path));
    let variable = names.find_map(backed_up_variable);
    variable.map_or_else(Vec::new, |variable| [variable, b"="].concat())
}

/// The secrets of an env file.
fn real_secrets(bytes: Vec<u8>, own_values: &[OwnValue]) -> Vec<RealSecret> {
    let file = EnvFile::parse(bytes);
    let assignments = file.assignments().iter();
    let secrets = assignments.filter_map(|assignment| {
        let parts = secret_parts(assignment);
        // Of a URL with a password the password counts.
        let secret = parts.last().filter(|part| !part.is_empty())?;
        Some(RealSecret {
            name: assignment.name.clone(),
            is_current: own_values.iter().any(|own| own.value == assignment.value),
            is_hard_to_guess: is_hard_to_guess(secret),
        })
    });
    secrets.collect()
}
