//! Searches everything that any ref of a repository reaches: each object once, then who brought it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;
use std::sync::Mutex;

use jiff::Timestamp;

use super::detector::Detector;
use super::git::{Git, complaint, first_line};
use super::leak::{Allowance, Leak, Past};
use super::window::Reader;
use super::{Monitor, OwnValue, Searched, Wanted};
use crate::env_file::EnvFile;
use crate::key_shapes;
use crate::order;
use crate::placeholder::placeholder;
use crate::report::Severity;
use crate::world::World;

/// Git is started again behind a damaged object, at most so often.
const MOST_RESTARTS: usize = 200;
/// With more blobs to ask for than this, git's own filter would be a too long command line.
const MOST_ASKED_BLOBS: usize = 1000;
/// A larger blob, in bytes, is no env file.
const LARGEST_ENV_FILE: u64 = 4 << 20;

/// Lists every object of the repository with its type, reachable or not.
const ALL_OBJECTS: [&str; 4] = [
    "cat-file",
    "--batch-all-objects",
    "--batch-check=%(objectname) %(objecttype)",
    "--buffer",
];

/// The keys and the env files that the history holds.
pub(super) struct Found {
    pub(super) keys: Searched,
    pub(super) env_files: Searched,
}

/// How much of the history is searched.
pub(super) struct Extent {
    pub(super) wanted: Wanted,
    /// Objects that nothing points to, too.
    pub(super) unreachable: bool,
}

/// Searches the repository that holds `root`.
pub(super) fn search(
    root: &Path,
    extent: Extent,
    own_values: &[OwnValue],
    detector: &Detector<'_>,
    monitor: &Monitor<'_>,
    world: &World,
) -> Found {
    let git = Git::at(root, world);
    let unreadable = |reason: String| Found {
        keys: Searched::unreadable(reason.clone()),
        env_files: Searched::unreadable(reason),
    };
    if let Err(reason) = git.answer(&["rev-parse", "--git-dir"]) {
        return unreadable(reason);
    }
    let (tips, mut unread) = tips(&git);
    unread.extend(gaps(&git));
    let history = History {
        git: &git,
        tips,
        unreachable: extent.unreachable,
        detector,
        monitor,
    };
    let wanted = extent.wanted;
    let mut found = Found {
        keys: Searched::default(),
        env_files: Searched::default(),
    };
    if wanted.history {
        found.keys = history.keys();
        found.keys.unread.extend(unread.iter().cloned());
    }
    if wanted.env_files {
        found.env_files = history.env_files(own_values);
        found.env_files.unread.extend(unread);
    }
    found
}

/// What stands for "everything": all refs, and the stashes below the newest one, which no ref names.
fn tips(git: &Git<'_>) -> (Vec<String>, Vec<String>) {
    let mut tips = vec!["--all".to_owned()];
    let has_stash = git
        .run(&["rev-parse", "--verify", "--quiet", "refs/stash"])
        .is_ok_and(|finished| finished.code == Some(0));
    if !has_stash {
        return (tips, Vec::new());
    }
    match git.answer(&["rev-list", "--walk-reflogs", "refs/stash", "--"]) {
        Ok(stashes) => {
            tips.extend(String::from_utf8_lossy(&stashes).lines().map(str::to_owned));
            (tips, Vec::new())
        }
        Err(reason) => (tips, vec![format!("older stashes: {reason}")]),
    }
}

/// Why this copy of the repository cannot hold everything.
fn gaps(git: &Git<'_>) -> Vec<String> {
    let mut gaps = Vec::new();
    let shallow = git.answer(&["rev-parse", "--is-shallow-repository"]);
    if shallow.is_ok_and(|answer| answer.starts_with(b"true")) {
        gaps.push(
            "this clone is shallow, older commits are not here: run `git fetch --unshallow`"
                .to_owned(),
        );
    }
    let words = [
        "config",
        "--local",
        "--get-regexp",
        "^(extensions\\.partialclone|remote\\..*\\.promisor)$",
    ];
    if git
        .run(&words)
        .is_ok_and(|finished| finished.code == Some(0))
    {
        gaps.push(
            "this clone is partial, some objects are not here and nothing was fetched: use a full clone"
                .to_owned(),
        );
    }
    gaps
}

struct History<'h, 'r> {
    git: &'h Git<'h>,
    tips: Vec<String>,
    unreachable: bool,
    detector: &'h Detector<'r>,
    monitor: &'h Monitor<'h>,
}

/// Takes an object's name, the text of a commit or tag, and the finds in it.
type Finder<'f> = &'f mut dyn FnMut(&str, &[u8], Vec<Leak>);

/// An object's name, in hex.
type ObjectId = String;

/// One place where a commit brought a blob.
struct Arrival {
    commit: String,
    author_date: Option<String>,
    path: Vec<u8>,
    /// The place in the log, the oldest commit first.
    order: usize,
}

/// What is known about one secret in one path.
struct Group {
    leak: Leak,
    blobs: HashSet<ObjectId>,
}

impl History<'_, '_> {
    fn keys(&self) -> Searched {
        let mut searched = Searched::default();
        let mut by_blob: BTreeMap<ObjectId, Vec<Leak>> = BTreeMap::new();
        let mut texts = Vec::new();
        if self.unreachable {
            self.objects(&ALL_OBJECTS, &mut searched, &mut |id, text, leaks| {
                if text.is_empty() {
                    by_blob.insert(id.to_owned(), leaks);
                } else {
                    texts.extend(leaks.into_iter().map(|leak| of_text(leak, id, text)));
                }
            });
        } else {
            self.reachable(&mut searched, &mut by_blob, &mut texts);
        }
        let arrivals = self.arrivals(by_blob.keys(), &mut searched);
        searched.leaks = self.attributed(&by_blob, &arrivals);
        if self.detector.has_rules_about_paths() {
            let of_names = self.names(&mut searched.unread);
            searched.leaks.extend(of_names);
        }
        searched.leaks.extend(texts);
        searched
    }

    /// The blobs and the texts of commits and tags that a ref reaches.
    fn reachable(
        &self,
        searched: &mut Searched,
        by_blob: &mut BTreeMap<ObjectId, Vec<Leak>>,
        texts: &mut Vec<Leak>,
    ) {
        let mut words = vec![
            "rev-list",
            "--objects",
            "--no-object-names",
            "--filter=object:type=blob",
            "--filter-provided-objects",
        ];
        words.extend(self.tips.iter().map(String::as_str));
        self.objects(&words, searched, &mut |id, _, leaks| {
            by_blob.insert(id.to_owned(), leaks);
        });
        let mut words = vec!["rev-list"];
        words.extend(self.tips.iter().map(String::as_str));
        self.objects(&words, searched, &mut |id, text, leaks| {
            texts.extend(leaks.into_iter().map(|leak| of_text(leak, id, text)));
        });
        let tags = [
            "for-each-ref",
            "--format=%(if:equals=tag)%(objecttype)%(then)%(objectname)%(end)",
        ];
        self.objects(&tags, searched, &mut |id, text, leaks| {
            texts.extend(leaks.into_iter().map(|leak| of_text(leak, id, text)));
        });
    }

    /// Searches each object that `words` list and hands over those with finds.
    fn objects(&self, words: &[&str], searched: &mut Searched, found: Finder<'_>) {
        let mut reader = Reader::new(self.detector);
        let mut leaks = Vec::new();
        let outcome = self.each_object(words, &mut |object| {
            let mut head = Vec::new();
            if object.kind == "blob" {
                reader.search(&mut object.content, None, None, &mut leaks)?;
            } else {
                // Texts of commits are short, and their heads tell the date.
                object.content.read_to_end(&mut head)?;
                reader.search(&mut head.as_slice(), None, None, &mut leaks)?;
            }
            self.monitor.add(1, object.size);
            searched.objects += 1;
            searched.bytes += object.size;
            if !leaks.is_empty() {
                found(&object.id, &head, std::mem::take(&mut leaks));
            }
            Ok(())
        });
        searched.unread.extend(outcome);
    }

    /// Reads every object that git lists for `words`; git is started again behind a damaged one.
    /// Returns what could not be read.
    fn each_object(
        &self,
        words: &[&str],
        each: &mut dyn FnMut(&mut Object<'_>) -> io::Result<()>,
    ) -> Vec<String> {
        let mut unread = Vec::new();
        let listed = Mutex::new(Ids::default());
        let listing = Mutex::new(None);
        let batch = ["cat-file", "--batch", "--buffer"];
        let mut done = 0;
        let first = self.git.stream(
            &batch,
            &mut |objects| {
                let mut wants_more = true;
                let finished = self.git.stream(words, &mut |_| Ok(()), &mut |list| {
                    for line in BufReader::with_capacity(64 << 10, list).split(b'\n') {
                        let line = line?;
                        if line.is_empty() || line.ends_with(b" tree") {
                            continue;
                        }
                        let id = line.split(|byte| *byte == b' ').next().unwrap_or_default();
                        if let Ok(mut listed) = listed.lock()
                            && !listed.add(id)
                        {
                            continue;
                        }
                        // A child that died meanwhile is started again with the rest.
                        wants_more = wants_more
                            && objects
                                .write_all(id)
                                .and_then(|()| objects.write_all(b"\n"))
                                .is_ok();
                    }
                    Ok(())
                });
                if let Ok(mut listing) = listing.lock() {
                    *listing = Some(finished);
                }
                Ok(())
            },
            &mut |answers| read_batch(answers, &mut done, &mut unread, each),
        );
        let mut ids = listed.into_inner().unwrap_or_default();
        let mut last = first;
        let mut restarts = 0;
        match listing.into_inner().ok().flatten() {
            Some(Ok(finished)) if finished.code == Some(0) => {}
            // `--missing=print` would go on, but says nothing about a tree that is missing.
            Some(Ok(finished)) => {
                let reason = first_line(&finished.stderr);
                unread.push(format!("git could not list everything: {reason}"));
                self.add_what_lies_around(words, &mut ids, &mut unread);
            }
            Some(Err(error)) => unread.push(complaint(Err(error))),
            // Git was not even started, so nobody asked for a list.
            None => unread.push(match &last {
                Err(error) => complaint(Err(io::Error::new(error.kind(), error.to_string()))),
                Ok(_) => "git was not asked what there is".to_owned(),
            }),
        }
        while done < ids.len() {
            // The object that stopped git.
            let culprit = ids.get(done);
            let is_damaged = !matches!(&last, Ok(finished) if finished.code == Some(0));
            if is_damaged {
                let reason = match &last {
                    Ok(finished) => first_line(&finished.stderr),
                    Err(error) => error.to_string(),
                };
                unread.push(format!("object {culprit} cannot be read: {reason}"));
                done += 1;
            }
            if restarts > MOST_RESTARTS {
                unread.push(format!(
                    "{} objects after too many damaged ones",
                    ids.len() - done
                ));
                break;
            }
            let from = done;
            if restarts > 0 && !is_damaged {
                unread.push(format!("{} objects: git gave no answer", ids.len() - done));
                break;
            }
            restarts += 1;
            last = self.git.stream(
                &batch,
                &mut |objects| {
                    (from..ids.len()).try_for_each(|at| writeln!(objects, "{}", ids.get(at)))
                },
                &mut |answers| read_batch(answers, &mut done, &mut unread, each),
            );
            if matches!(&last, Err(error) if error.kind() == io::ErrorKind::NotFound) {
                break;
            }
        }
        unread
    }

    /// Where the walk from the refs breaks off, every blob of the repository takes its place.
    fn add_what_lies_around(&self, words: &[&str], ids: &mut Ids, unread: &mut Vec<String>) {
        if words.first() != Some(&"rev-list") {
            return;
        }
        let kind = match words.contains(&"--objects") {
            true => " blob",
            false => " commit",
        };
        match self.git.run(&ALL_OBJECTS) {
            Ok(finished) => {
                let known: HashSet<String> = (0..ids.len()).map(|at| ids.get(at)).collect();
                for line in String::from_utf8_lossy(&finished.stdout).lines() {
                    if let Some(id) = line.strip_suffix(kind)
                        && !known.contains(id)
                    {
                        ids.add(id.as_bytes());
                    }
                }
            }
            Err(error) => unread.push(complaint(Err(error))),
        }
    }

    /// The commits that brought the blobs, the oldest first.
    fn arrivals<'b>(
        &self,
        blobs: impl ExactSizeIterator<Item = &'b ObjectId> + Clone,
        searched: &mut Searched,
    ) -> HashMap<ObjectId, Vec<Arrival>> {
        if blobs.len() == 0 {
            return HashMap::new();
        }
        let wanted: HashSet<&str> = blobs.clone().map(String::as_str).collect();
        let is_wanted = |id: &str| wanted.contains(id);
        if blobs.len() <= MOST_ASKED_BLOBS {
            let mut words: Vec<String> = blobs.map(|id| format!("--find-object={id}")).collect();
            words.push("--".to_owned());
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let mut troubles = Vec::new();
            let arrivals = self.log(&words, &is_wanted, &mut troubles);
            if troubles.is_empty() {
                return arrivals;
            }
            // Where other objects are missing, git's own filter fails; ours needs none of them.
        }
        self.log(&["--"], &is_wanted, &mut searched.unread)
    }

    /// Where blobs came from, as git's log tells it.
    fn log(
        &self,
        limits: &[&str],
        is_wanted: &dyn Fn(&str) -> bool,
        unread: &mut Vec<String>,
    ) -> HashMap<ObjectId, Vec<Arrival>> {
        let mut words = vec![
            "log",
            "--reverse",
            "-m",
            "--root",
            "--raw",
            "-z",
            "--no-abbrev",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--no-notes",
            "--no-mailmap",
            "--no-decorate",
            "--no-show-signature",
            "--full-history",
            "--ignore-submodules=none",
            "--format=%x01%H %at",
        ];
        words.extend(self.tips.iter().map(String::as_str));
        words.extend(limits);
        let mut arrivals: HashMap<ObjectId, Vec<Arrival>> = HashMap::new();
        let finished = self.git.stream(&words, &mut |_| Ok(()), &mut |text| {
            let mut commit = String::new();
            let mut date = None;
            let mut order = 0;
            let mut blob = None;
            for word in BufReader::with_capacity(64 << 10, text).split(0) {
                let word = word?;
                if let Some(id) = blob.take() {
                    arrivals.entry(id).or_default().push(Arrival {
                        commit: commit.clone(),
                        author_date: date.clone(),
                        path: word,
                        order,
                    });
                    continue;
                }
                let mut line = word.as_slice();
                if let Some(at) = memchr::memchr(1, line) {
                    order += 1;
                    let head = String::from_utf8_lossy(&line[at + 1..]).into_owned();
                    let mut parts = head.split_whitespace();
                    commit = parts.next().unwrap_or_default().to_owned();
                    date = parts.next().and_then(date_of);
                    line = memchr::memchr(b':', line).map_or(b"", |colon| &line[colon..]);
                }
                let line = String::from_utf8_lossy(line.trim_ascii_start()).into_owned();
                if line.starts_with(':') {
                    // :old-mode new-mode old-id new-id letter
                    let id = line.split(' ').nth(3).unwrap_or_default();
                    blob = Some(id.to_owned());
                    if !is_wanted(id) || line.split(' ').nth(1) == Some("160000") {
                        blob = Some(String::new());
                    }
                }
            }
            arrivals.remove("");
            Ok(())
        });
        match finished {
            Ok(finished) if finished.code == Some(0) => {}
            other => unread.push(complaint(other)),
        }
        arrivals
    }

    /// One finding per secret and path.
    fn attributed(
        &self,
        by_blob: &BTreeMap<ObjectId, Vec<Leak>>,
        arrivals: &HashMap<ObjectId, Vec<Arrival>>,
    ) -> Vec<Leak> {
        let head = match by_blob.is_empty() {
            true => HashMap::new(),
            false => self.head(),
        };
        let mut groups: Vec<Group> = Vec::new();
        let mut known: HashMap<(Option<Vec<u8>>, String, String), usize> = HashMap::new();
        let mut order: Vec<(&ObjectId, Option<&Arrival>)> = Vec::new();
        for id in by_blob.keys() {
            match arrivals.get(id) {
                Some(arrivals) => order.extend(arrivals.iter().map(|arrival| (id, Some(arrival)))),
                None => order.push((id, None)),
            }
        }
        order::sort_by_key(&mut order, |(_, arrival)| {
            arrival.map(|arrival| arrival.order)
        });
        for (id, arrival) in order {
            let path = arrival.map(|arrival| arrival.path.as_slice());
            for leak in &by_blob[id] {
                if path.is_some_and(|path| !self.detector.accepts_path(leak, path)) {
                    continue;
                }
                let key = (
                    path.map(<[u8]>::to_vec),
                    leak.rule.clone(),
                    leak.identity.clone(),
                );
                let at = *known.entry(key).or_insert_with(|| {
                    groups.push(Group {
                        leak: self.first(leak, arrival),
                        blobs: HashSet::new(),
                    });
                    groups.len() - 1
                });
                groups[at].blobs.insert(id.clone());
                let in_head = path.is_some_and(|path| head.get(path) == Some(id));
                if let Some(past) = &mut groups[at].leak.past {
                    past.in_head |= in_head;
                }
            }
        }
        groups
            .into_iter()
            .map(|mut group| {
                if let Some(past) = &mut group.leak.past {
                    past.versions = group.blobs.len();
                }
                group.leak
            })
            .collect()
    }

    fn first(&self, leak: &Leak, arrival: Option<&Arrival>) -> Leak {
        let mut leak = leak.clone();
        // A comment in an old version is nobody's decision about the history.
        leak.allowance = Allowance::None;
        leak.path = arrival.map(|arrival| self.detector.path(&arrival.path).0);
        leak.past = Some(Past {
            commit: arrival.map(|arrival| arrival.commit.clone()),
            author_date: arrival.and_then(|arrival| arrival.author_date.clone()),
            ..Past::default()
        });
        leak
    }

    /// What the name of a file that ever was gives away, by the rules about paths.
    fn names(&self, unread: &mut Vec<String>) -> Vec<Leak> {
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
        let leaks = by_path.into_iter().flat_map(|(path, versions)| {
            let shown = self.detector.path(path).0;
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
                ..Past::default()
            };
            let leaks = self.detector.path_rules(path, &shown).into_iter();
            leaks.map(move |leak| Leak {
                past: Some(past.clone()),
                ..leak
            })
        });
        leaks.collect()
    }

    /// The files of the newest commit.
    fn head(&self) -> HashMap<Vec<u8>, ObjectId> {
        let words = ["ls-tree", "-r", "-z", "--full-tree", "HEAD"];
        let Ok(tree) = self.git.answer(&words) else {
            return HashMap::new();
        };
        tree.split(|byte| *byte == 0)
            .filter_map(|entry| {
                let tab = memchr::memchr(b'\t', entry)?;
                let id = entry[..tab].rsplit(|byte| *byte == b' ').next()?;
                Some((
                    entry[tab + 1..].to_vec(),
                    String::from_utf8_lossy(id).into_owned(),
                ))
            })
            .collect()
    }

    /// Env files with real secrets.
    fn env_files(&self, own_values: &[OwnValue]) -> Searched {
        let mut searched = Searched::default();
        let paths = [
            "--",
            ":(top,glob)**/.env",
            ":(top,glob)**/.env.*",
            ":(top,glob)**/*.env",
            ":(top,glob)**/.envrc",
        ];
        let arrivals = self.log(
            &paths,
            &|id| id.bytes().any(|byte| byte != b'0'),
            &mut searched.unread,
        );
        let mut secrets: HashMap<ObjectId, Vec<(String, bool)>> = HashMap::new();
        let mut names: Vec<&ObjectId> = arrivals.keys().collect();
        order::sort(&mut names);
        let list: Vec<String> = names.iter().map(|id| (*id).clone()).collect();
        let outcome = self.each_of(&list, &mut |object| {
            searched.objects += 1;
            searched.bytes += object.size;
            if object.size <= LARGEST_ENV_FILE && object.kind == "blob" {
                let mut bytes = Vec::new();
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
            if secrets.contains_key(id) {
                for arrival in arrivals {
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

    fn env_file(
        &self,
        path: &[u8],
        versions: &[(&ObjectId, &Arrival)],
        secrets: &HashMap<ObjectId, Vec<(String, bool)>>,
        head: &HashMap<Vec<u8>, ObjectId>,
    ) -> Leak {
        let blobs: HashSet<&ObjectId> = versions.iter().map(|(id, _)| *id).collect();
        let mut variables: BTreeMap<&str, bool> = BTreeMap::new();
        for (name, is_current) in blobs.iter().flat_map(|id| &secrets[*id]) {
            *variables.entry(name).or_default() |= is_current;
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
            rule: "env-file".to_owned(),
            severity: Severity::High,
            revoke_at: None,
            variable: None,
            path: Some(self.detector.path(path).0),
            line: None,
            column: None,
            identity: String::new(),
            allowance: Allowance::None,
            past: Some(Past {
                commit: Some(first.commit.clone()),
                author_date: first.author_date.clone(),
                versions: blobs.len(),
                in_head: head.get(path).is_some_and(|id| blobs.contains(id)),
                variables: named(|_| true),
                current: named(|is_current| is_current),
            }),
        }
    }

    /// Reads these objects.
    fn each_of(
        &self,
        ids: &[ObjectId],
        each: &mut dyn FnMut(&mut Object<'_>) -> io::Result<()>,
    ) -> Vec<String> {
        let mut unread = Vec::new();
        let mut done = 0;
        while done < ids.len() && unread.len() < MOST_RESTARTS {
            let from = done;
            let finished = self.git.stream(
                &["cat-file", "--batch", "--buffer"],
                &mut |objects| {
                    ids[from..]
                        .iter()
                        .try_for_each(|id| writeln!(objects, "{id}"))
                },
                &mut |answers| read_batch(answers, &mut done, &mut unread, each),
            );
            match finished {
                Ok(finished) if finished.code == Some(0) && done >= ids.len() => {}
                other => {
                    if done < ids.len() {
                        unread.push(format!("object {}: {}", ids[done], complaint(other)));
                        done += 1;
                    }
                }
            }
        }
        unread
    }
}

/// The index against the newest commit: what a commit now would bring.
pub(super) fn staged(
    root: &Path,
    env: Option<&Path>,
    detector: &Detector<'_>,
    monitor: &Monitor<'_>,
    world: &World,
) -> Searched {
    let git = Git::at(root, world).with_the_hooks_index();
    let has_head = git
        .run(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
        .map(|finished| finished.code);
    let words: &[&str] = match has_head {
        Ok(Some(0)) => &[
            "diff-index",
            "--cached",
            "-r",
            "-z",
            "--raw",
            "--no-abbrev",
            "--no-renames",
            "--no-ext-diff",
            "--ignore-submodules=none",
            "--diff-filter=ACMRTU",
            "HEAD",
            "--",
        ],
        Ok(Some(1)) => &["ls-files", "--stage", "-z", "--full-name"],
        other => {
            let reason = match other {
                Err(error) => complaint(Err(error)),
                Ok(_) => complaint(git.run(&["rev-parse", "--git-dir"])),
            };
            return Searched::unreadable(format!("the index cannot be read: {reason}"));
        }
    };
    let listing = match git.answer(words) {
        Ok(listing) => listing,
        Err(reason) => return Searched::unreadable(format!("the index cannot be read: {reason}")),
    };
    let prefix = git
        .answer(&["rev-parse", "--show-prefix"])
        .unwrap_or_default();
    let prefix = prefix.trim_ascii_end().to_vec();
    let spared = env.and_then(|env| spared_name(&git, env));
    let entries = staged_entries(&listing, matches!(has_head, Ok(Some(0))));
    let entries: Vec<(ObjectId, Vec<u8>)> = entries
        .into_iter()
        .filter(|(_, path)| path.starts_with(&prefix) && spared.as_ref() != Some(path))
        .map(|(id, path)| (id, path[prefix.len()..].to_vec()))
        .collect();
    let history = History {
        git: &git,
        tips: Vec::new(),
        unreachable: false,
        detector,
        monitor,
    };
    history.staged(&entries)
}

impl History<'_, '_> {
    fn staged(&self, entries: &[(ObjectId, Vec<u8>)]) -> Searched {
        let mut searched = Searched::default();
        let ids: Vec<ObjectId> = entries.iter().map(|(id, _)| id.clone()).collect();
        let mut reader = Reader::new(self.detector);
        let mut paths = entries
            .iter()
            .map(|(id, path)| (id.as_str(), path))
            .peekable();
        let outcome = self.each_of(&ids, &mut |object| {
            // Objects that could not be read have no answer.
            while paths.peek().is_some_and(|(id, _)| *id != object.id) {
                paths.next();
            }
            let Some((_, path)) = paths.next() else {
                return Ok(());
            };
            let (shown, in_name) = self.detector.path(path);
            let from = searched.leaks.len();
            reader.search(
                &mut object.content,
                Some(path),
                Some(&shown),
                &mut searched.leaks,
            )?;
            order::sort_by_key(&mut searched.leaks[from..], |leak| (leak.line, leak.column));
            searched.leaks.extend(in_name);
            searched
                .leaks
                .extend(self.detector.path_rules(path, &shown));
            searched.objects += 1;
            searched.bytes += object.size;
            self.monitor.add(1, object.size);
            Ok(())
        });
        searched.unread.extend(outcome);
        searched
    }
}

/// The env file as the index names it.
fn spared_name(git: &Git<'_>, env: &Path) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt as _;
    let top = git.answer(&["rev-parse", "--show-toplevel"]).ok()?;
    let top = Path::new(std::ffi::OsStr::from_bytes(top.strip_suffix(b"\n")?))
        .canonicalize()
        .ok()?;
    let folder = super::folder_of(env).canonicalize().ok()?;
    let name = folder.join(env.file_name()?);
    Some(name.strip_prefix(top).ok()?.as_os_str().as_bytes().to_vec())
}

/// The blobs of `diff-index --raw -z`, or of `ls-files --stage -z`.
fn staged_entries(listing: &[u8], is_diff: bool) -> Vec<(ObjectId, Vec<u8>)> {
    let mut entries = Vec::new();
    let mut add = |mode: Option<&str>, id: Option<&str>, path: &[u8]| {
        let id = id.unwrap_or_default();
        if mode != Some("160000") && id.bytes().any(|byte| byte != b'0') {
            entries.push((id.to_owned(), path.to_vec()));
        }
    };
    let mut words = listing.split(|byte| *byte == 0);
    while let Some(word) = words.next().filter(|word| !word.is_empty()) {
        if is_diff {
            let head = String::from_utf8_lossy(word).into_owned();
            let parts: Vec<&str> = head.split(' ').collect();
            add(
                parts.get(1).copied(),
                parts.get(3).copied(),
                words.next().unwrap_or_default(),
            );
        } else if let Some(tab) = memchr::memchr(b'\t', word) {
            let head = String::from_utf8_lossy(&word[..tab]).into_owned();
            let parts: Vec<&str> = head.split(' ').collect();
            add(
                parts.first().copied(),
                parts.get(1).copied(),
                &word[tab + 1..],
            );
        }
    }
    entries
}

/// One answer of `cat-file --batch`.
struct Object<'o> {
    id: ObjectId,
    kind: String,
    size: u64,
    content: io::Take<&'o mut dyn Read>,
}

/// Reads answers to the end; `done` counts the objects that are behind us.
fn read_batch(
    answers: &mut dyn Read,
    done: &mut usize,
    unread: &mut Vec<String>,
    each: &mut dyn FnMut(&mut Object<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut answers = BufReader::with_capacity(128 << 10, answers);
    let mut head = Vec::new();
    loop {
        head.clear();
        if answers.read_until(b'\n', &mut head)? == 0 {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&head).trim_end().to_owned();
        let parts: Vec<&str> = line.split(' ').collect();
        let [id, kind, size] = parts[..] else {
            unread.push(format!("object {line}"));
            *done += 1;
            continue;
        };
        let size: u64 = size.parse().map_err(io::Error::other)?;
        let stream: &mut dyn Read = &mut answers;
        let mut object = Object {
            id: id.to_owned(),
            kind: kind.to_owned(),
            size,
            content: stream.take(size),
        };
        each(&mut object)?;
        io::copy(&mut object.content, &mut io::sink())?;
        if object.content.limit() > 0 {
            // Git died in the middle of it.
            return Ok(());
        }
        let mut end = [0];
        answers.read_exact(&mut end)?;
        *done += 1;
    }
}

/// Object names, packed.
#[derive(Default)]
struct Ids {
    bytes: Vec<u8>,
    width: usize,
}

impl Ids {
    /// Adds a name in hex; says whether it is one that can be asked for.
    fn add(&mut self, id: &[u8]) -> bool {
        let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or_default() as u8;
        if self.width == 0 {
            self.width = id.len() / 2;
        }
        if id.len() != self.width * 2 || !id.iter().all(u8::is_ascii_hexdigit) {
            return false;
        }
        self.bytes.extend(
            id.chunks(2)
                .map(|pair| digit(pair[0]) << 4 | digit(pair[1])),
        );
        true
    }

    fn len(&self) -> usize {
        self.bytes.len().checked_div(self.width).unwrap_or_default()
    }

    fn get(&self, at: usize) -> ObjectId {
        let bytes = &self.bytes[at * self.width..(at + 1) * self.width];
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn date_of(seconds: &str) -> Option<String> {
    let second = seconds.parse().ok()?;
    Timestamp::from_second(second)
        .ok()
        .map(|time| time.to_string())
}

/// A key in the text of a commit or a tag.
fn of_text(mut leak: Leak, id: &str, text: &[u8]) -> Leak {
    let head = String::from_utf8_lossy(text);
    let date = head
        .lines()
        .take_while(|line| !line.is_empty())
        .find(|line| line.starts_with("author ") || line.starts_with("tagger "))
        .and_then(|line| line.rsplit(' ').nth(1))
        .and_then(date_of);
    leak.path = None;
    leak.line = None;
    leak.column = None;
    leak.allowance = Allowance::None;
    leak.past = Some(Past {
        commit: Some(id.to_owned()),
        author_date: date,
        versions: 1,
        ..Past::default()
    });
    leak
}

/// The names of an env file's secrets, and whether each still has the current value.
fn real_secrets(bytes: Vec<u8>, own_values: &[OwnValue]) -> Vec<(String, bool)> {
    let file = EnvFile::parse(bytes);
    file.assignments()
        .iter()
        .filter(|assignment| {
            let value = assignment.value.expose();
            let is_secret = key_shapes::is_secret_name(&assignment.name)
                || key_shapes::recognise(value).is_some();
            let is_reference = [b"op://".as_slice(), b"encrypted:", b"vault:", b"ENC[", b"$"]
                .iter()
                .any(|start| value.starts_with(start));
            is_secret && !value.is_empty() && !is_reference && placeholder(value).is_none()
        })
        .map(|assignment| {
            let is_current = own_values.iter().any(|own| own.value == assignment.value);
            (assignment.name.clone(), is_current)
        })
        .collect()
}
