//! Searches everything that any ref of a repository reaches: each object once, then who brought it.

mod env_files;
mod files;
mod lfs;
mod names;
mod read;
mod staged;

pub(super) use files::{is_bare, left_out, of_bare};
pub(super) use staged::staged;

use lfs::Lfs;
use read::{ALL_OBJECTS, REACHABLE_OBJECTS};

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::detector::Detector;
use super::git::{Git, complaint};
use super::leak::{Allowance, Leak, Past};
use super::window::Reader;
use super::{Monitor, OwnValue, Searched, Wanted};
use crate::order;
use crate::world::World;

/// With more blobs to ask for than this, git's own filter would be a too long command line.
const MOST_ASKED_BLOBS: usize = 1000;

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

/// The folder that holds the work tree.
pub(super) fn top(git: &Git<'_>) -> Option<PathBuf> {
    let top = git.answer(&["rev-parse", "--show-toplevel"]).ok()?;
    let top = OsStr::from_bytes(top.strip_suffix(b"\n")?);
    Some(PathBuf::from(top)).filter(|top| top.is_absolute())
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

/// An object with finds in it.
struct Holder<'o> {
    id: &'o str,
    kind: &'o str,
    /// Of a commit or a tag.
    text: &'o [u8],
}

/// Takes an object and the finds in it.
type Finder<'f> = &'f mut dyn FnMut(&Holder<'_>, Vec<Leak>);

/// What was found in objects that are no file.
#[derive(Default)]
struct Others {
    texts: Vec<Leak>,
    /// In trees: the names of files and folders.
    names: Vec<Leak>,
}

impl Others {
    fn add(&mut self, object: &Holder<'_>, leaks: Vec<Leak>) {
        let leaks = leaks.into_iter();
        match object.kind {
            "tree" => self.names.extend(leaks),
            _ => self
                .texts
                .extend(leaks.map(|leak| of_text(leak, object.id, object.text))),
        }
    }
}

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
        let mut others = Others::default();
        let mut words = REACHABLE_OBJECTS.to_vec();
        words.extend(self.tips.iter().map(String::as_str));
        if self.unreachable {
            words = ALL_OBJECTS.to_vec();
        }
        self.objects(&words, &mut searched, &mut |object, leaks| {
            match object.kind {
                "blob" => drop(by_blob.insert(object.id.to_owned(), leaks)),
                _ => others.add(object, leaks),
            };
        });
        let arrivals = self.arrivals(by_blob.keys(), &mut searched);
        searched.leaks = self.attributed(&by_blob, &arrivals);
        if self.detector.has_rules_about_paths() || !others.names.is_empty() {
            let of_names = self.names(others.names, &mut searched.unread);
            searched.leaks.extend(of_names);
        }
        // One key in many texts is told from the oldest on, so that a newer one does not take the
        // place of what somebody accepted.
        order::sort_by_key(&mut others.texts, |leak| {
            let past = leak.past.clone().unwrap_or_default();
            (past.author_date, past.commit)
        });
        searched.leaks.extend(others.texts);
        let of_refs = self.ref_names(&mut searched.unread);
        searched.leaks.extend(of_refs);
        searched
    }

    /// Searches each object that `words` list and hands over those with finds.
    fn objects(&self, words: &[&str], searched: &mut Searched, found: Finder<'_>) {
        let mut reader = Reader::new(self.detector);
        let mut leaks = Vec::new();
        let mut lfs = Lfs::of(self.git);
        let outcome = self.each_object(words, &mut |object| {
            let mut text = Vec::new();
            match object.kind.as_str() {
                "blob" => lfs.search(object, &mut reader, None, &mut leaks)?,
                "tree" => {
                    reader.search(&mut object.content, None, None, &mut leaks)?;
                }
                _ => {
                    // Texts of commits are short, and their heads tell the date.
                    object.content.read_to_end(&mut text)?;
                    reader.search(&mut text.as_slice(), None, None, &mut leaks)?;
                }
            }
            self.monitor.add(1, object.size);
            searched.objects += 1;
            searched.bytes += object.size;
            if !leaks.is_empty() {
                let object = Holder {
                    id: &object.id,
                    kind: &object.kind,
                    text: &text,
                };
                found(&object, std::mem::take(&mut leaks));
            }
            Ok(())
        });
        searched.unread.extend(outcome);
        searched.unread.extend(lfs.complaint());
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
