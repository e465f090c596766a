//! Reads many objects through one `git cat-file`, and goes on behind damaged ones.

use std::collections::HashSet;
use std::io::{self, BufRead as _, BufReader, Read};
use std::sync::Mutex;

use super::{History, ObjectId};
use crate::hex;
use crate::scan::git::{complaint, first_line};

/// Git is started again behind a damaged object, at most so often.
const MOST_RESTARTS: usize = 200;

/// Lists every object of the repository with its type, reachable or not.
pub(super) const ALL_OBJECTS: [&str; 4] = [
    "cat-file",
    "--batch-all-objects",
    "--batch-check=%(objectname) %(objecttype)",
    "--buffer",
];

/// Lists what the tips behind it reach: the blobs, the trees with the names in them, and the texts
/// of commits and tags, also of tags behind tags. One walk costs less than one for each kind.
pub(super) const REACHABLE_OBJECTS: [&str; 3] = ["rev-list", "--objects", "--no-object-names"];

impl History<'_, '_> {
    /// Reads every object that git lists for `words`; git is started again behind a damaged one.
    /// Returns what could not be read.
    pub(super) fn each_object(
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
                        if line.is_empty() {
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

    /// Where the walk from the refs breaks off, every object takes its place.
    pub(super) fn add_what_lies_around(
        &self,
        words: &[&str],
        ids: &mut Ids,
        unread: &mut Vec<String>,
    ) {
        if words.first() != Some(&"rev-list") {
            return;
        }
        match self.git.run(&ALL_OBJECTS) {
            Ok(finished) => {
                let known: HashSet<String> = (0..ids.len()).map(|at| ids.get(at)).collect();
                for line in String::from_utf8_lossy(&finished.stdout).lines() {
                    let id = line.split(' ').next().unwrap_or_default();
                    if !known.contains(id) {
                        ids.add(id.as_bytes());
                    }
                }
            }
            Err(error) => unread.push(complaint(Err(error))),
        }
    }

    /// Reads these objects.
    pub(super) fn each_of(
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

/// One answer of `cat-file --batch`.
pub(super) struct Object<'o> {
    pub(super) id: ObjectId,
    pub(super) kind: String,
    pub(super) size: u64,
    pub(super) content: io::Take<&'o mut dyn Read>,
}

/// Reads answers to the end; `done` counts the objects that are behind us.
pub(super) fn read_batch(
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
pub(super) struct Ids {
    bytes: Vec<u8>,
    width: usize,
}

impl Ids {
    /// Adds a name in hex; says whether it is one that can be asked for.
    pub(super) fn add(&mut self, id: &[u8]) -> bool {
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

    pub(super) fn len(&self) -> usize {
        self.bytes.len().checked_div(self.width).unwrap_or_default()
    }

    pub(super) fn get(&self, at: usize) -> ObjectId {
        let bytes = &self.bytes[at * self.width..(at + 1) * self.width];
        hex::lower(bytes)
    }
}
