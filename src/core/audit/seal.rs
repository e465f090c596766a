//! A seal: signed checkpoints of a log, which anyone checks with `sha256sum` and `ssh-keygen`.

mod content;
mod key;
mod openssh;
mod record;
mod verdict;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use super::siblings::{folder, siblings};
use crate::atomic_file;
use crate::hex;
use crate::order;
use crate::state::StateDir;
use content::{each_line, hashes, tag};
use key::SealKey;
use record::{Block, NOTHING_BEFORE, Record};
pub use verdict::Verdict;

/// Lines that one checkpoint names.
const MOST_TAGS: usize = 4096;
/// A larger seal is refused.
const LARGEST_SEAL: u64 = 1 << 30;

/// Why sealing or verifying could not be done.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Something could not be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is nothing to verify.
    #[error("{}: there is no seal; `openclaw-sec audit-tail seal` makes one", .0.display())]
    NoSeal(PathBuf),
    /// There was nothing to seal yet.
    #[error(
        "{}: the seal is empty: there was no complete line to seal yet, or somebody emptied it; `openclaw-sec audit-tail seal` seals those that came since", .0.display()
    )]
    EmptySeal(PathBuf),
    /// There is no key to verify with.
    #[error("{}: there is no key to verify with; name its folder with --state-dir", .0.display())]
    NoKey(PathBuf),
    /// The key cannot be used.
    #[error("{}: cannot be used as a key: {reason}", .path.display())]
    BadKey {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A name that would break the seal's lines.
    #[error("the log's name holds control characters or is no UTF-8: rename it")]
    Name,
}

/// What sealing did.
#[derive(Debug)]
pub enum Sealed {
    /// The newest checkpoint and the hash of its signed text; how many were added.
    Head {
        /// Its number.
        checkpoint: u64,
        /// The hash that should be kept elsewhere.
        hash: String,
        /// Checkpoints added.
        added: u64,
    },
    /// There are no complete lines yet.
    Nothing,
    /// The log was changed: nothing was sealed over it.
    Refused(Verdict),
}

/// A log and its seal.
struct Seal {
    log: PathBuf,
    name: String,
    path: PathBuf,
    head_path: PathBuf,
    blocks: Vec<Block>,
    used: usize,
    is_unreadable_at: Option<u64>,
    exists: bool,
    head: Option<(u64, String)>,
}

/// Seals what the log holds now.
///
/// # Errors
/// When something cannot be read or written; a changed log is no error but a refusal.
pub fn seal(log: &Path, state: &StateDir, now: Timestamp) -> Result<Sealed, SealError> {
    let key = SealKey::load_or_make(&seal_folder(state)?)?;
    let path = seal_path(log);
    let mut file = open_seal(
        &path,
        OpenOptions::new().append(true).create(true).mode(0o600),
    )?;
    let operation = rustix::fs::FlockOperation::LockExclusive;
    rustix::io::retry_on_intr(|| rustix::fs::flock(&file, operation))
        .map_err(|errno| problem(&path)(errno.into()))?;
    let mut seal = Seal::read(log, state)?;
    let mut found = None;
    if !seal.blocks.is_empty() || seal.head.is_some() {
        match seal.verify(&key)? {
            Ok(parts) => found = Some(parts),
            Err(verdict) => return Ok(Sealed::Refused(verdict)),
        }
    } else if seal.is_unreadable_at.is_some() {
        return Ok(Sealed::Refused(Verdict::broken(
            "forged",
            &path,
            "the seal cannot be read".to_owned(),
        )));
    }
    // What a killed run left behind is no checkpoint.
    file.set_len(seal.used as u64).map_err(problem(&path))?;
    let before = seal.blocks.len();
    for (part, source) in seal.sources(found.as_ref())? {
        seal.extend(part, &source, &key, now)?;
    }
    let mut text = String::new();
    for (position, block) in seal.blocks.iter().enumerate().skip(before) {
        if position > 0 {
            text.push('\n');
        }
        text.push_str(&block.signed);
        text.push_str(block.signature.trim_end());
        text.push('\n');
    }
    if let Err(error) = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
    {
        // On a full disk half a checkpoint may stand there; where it stays, it is passed over.
        let _ = file.set_len(seal.used as u64);
        return Err(problem(&path)(error));
    }
    let Some(last) = seal.blocks.last() else {
        return Ok(Sealed::Nothing);
    };
    let (checkpoint, hash) = (last.record.checkpoint, last.hash());
    if seal.head.as_ref() != Some(&(checkpoint, hash.clone())) {
        let text = format!(
            "checkpoint {checkpoint}\nhash {hash}\nlog {}\n",
            seal.log.display()
        );
        atomic_file::write_output(&seal.head_path, text.as_bytes(), Some(0o600))
            .map_err(|error| problem(&seal.head_path)(io::Error::other(error)))?;
    }
    Ok(Sealed::Head {
        checkpoint,
        hash,
        added: (seal.blocks.len() - before) as u64,
    })
}

/// Proves that what was sealed is unchanged.
///
/// # Errors
/// When there is no seal or no key, or something cannot be read.
pub fn verify(log: &Path, state: &StateDir) -> Result<Verdict, SealError> {
    let seal = Seal::read(log, state)?;
    if !seal.exists || (seal.blocks.is_empty() && seal.is_unreadable_at.is_none()) {
        if let Some((checkpoint, _)) = &seal.head {
            let message = format!("the seal is gone; it had {checkpoint} checkpoints");
            return Ok(Verdict::broken("forged", &seal.path, message));
        }
        return Err(match seal.exists {
            true => SealError::EmptySeal(seal.path),
            false => SealError::NoSeal(seal.path),
        });
    }
    let folder = state.path().join("seal");
    let key = SealKey::load_public(&folder)?
        .ok_or_else(|| SealError::NoKey(folder.join("ed25519.pub")))?;
    match seal.verify(&key)? {
        Err(verdict) => Ok(verdict),
        Ok(parts) => seal.intact(&parts),
    }
}

/// Whether a log is shorter than its seal says, and no rotated file holds what is gone: the bytes
/// that were sealed, and those that are there. Says nothing about what can be read but differs;
/// that is for [`verify`], which needs the key.
pub fn shortfall(log: &Path) -> Option<(u64, u64)> {
    let text =
        io::read_to_string(open_seal(&seal_path(log), &mut OpenOptions::new()).ok()?).ok()?;
    let (blocks, _) = record::parse(&text).ok()?;
    let newest = &blocks.last()?.record;
    let length = log.metadata().map_or(0, |metadata| metadata.len());
    if length >= newest.bytes {
        return None;
    }
    let was_rotated = siblings(log).ok()?.iter().any(|sibling| {
        hashes(sibling, &[newest.bytes])
            .is_ok_and(|content| content.begins_with(newest.bytes, &newest.sha256))
    });
    (!was_rotated).then_some((newest.bytes, length))
}

/// Where each part was found.
type Parts = BTreeMap<u64, PathBuf>;

impl Seal {
    fn read(log: &Path, state: &StateDir) -> Result<Self, SealError> {
        let name = log
            .file_name()
            .and_then(|name| name.to_str())
            .filter(|name| !name.chars().any(char::is_control))
            .ok_or(SealError::Name)?
            .to_owned();
        // Before the seal, which grows first: one that is being made is never taken for rolled back.
        let head_path = head_path(log, state);
        // What cannot be read must not look like a seal that was never made.
        let head = match std::fs::read_to_string(&head_path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            text => Some(text.map_err(problem(&head_path))?),
        };
        let head = head.and_then(|text| {
            let mut lines = text.lines();
            let checkpoint = lines.next()?.strip_prefix("checkpoint ")?.parse().ok()?;
            let hash = lines.next()?.strip_prefix("hash ")?.to_owned();
            Some((checkpoint, hash))
        });
        let path = seal_path(log);
        let mut text = String::new();
        let exists = match open_seal(&path, &mut OpenOptions::new()) {
            Ok(file) => {
                file.take(LARGEST_SEAL)
                    .read_to_string(&mut text)
                    .map_err(problem(&path))?;
                true
            }
            Err(SealError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        let (blocks, used, is_unreadable_at) = match record::parse(&text) {
            Ok((blocks, used)) => (blocks, used, None),
            Err(number) => (Vec::new(), 0, Some(number)),
        };
        Ok(Self {
            log: log.to_path_buf(),
            name,
            path,
            head_path,
            blocks,
            used,
            is_unreadable_at,
            exists,
            head,
        })
    }

    /// Chain and signatures, then the content of every part.
    fn verify(&self, key: &SealKey) -> Result<Result<Parts, Verdict>, SealError> {
        if let Some(verdict) = self.forgery(key) {
            return Ok(Err(verdict));
        }
        let lasts = self.last_of_parts();
        let mut lengths: Vec<u64> = lasts.values().map(|record| record.bytes).collect();
        order::sort(&mut lengths);
        lengths.dedup();
        let mut contents = Vec::new();
        let mut damaged = Vec::new();
        let siblings = siblings(&self.log).map_err(problem(&folder(&self.log)))?;
        for candidate in std::iter::once(self.log.clone()).chain(siblings) {
            match hashes(&candidate, &lengths) {
                Ok(content) => contents.push(content),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // One that the system does not give may hold it all.
                Err(error) if candidate == self.log || error.raw_os_error().is_some() => {
                    return Err(problem(&candidate)(error));
                }
                Err(error) => damaged.push((candidate, error)),
            }
        }
        let mut found = Parts::new();
        for (part, record) in &lasts {
            let holder = contents.iter().find(|content| {
                content.begins_with(record.bytes, &record.sha256)
                    && !found.values().any(|path| *path == content.path)
            });
            if let Some(holder) = holder {
                found.insert(*part, holder.path.clone());
            }
        }
        match self.first_unfound(&lasts, &found, &contents, &damaged)? {
            Some(verdict) => Ok(Err(verdict)),
            None => Ok(Ok(found)),
        }
    }

    fn forgery(&self, key: &SealKey) -> Option<Verdict> {
        let forged = |message: String| Some(Verdict::broken("forged", &self.path, message));
        if let Some(number) = self.is_unreadable_at {
            return forged(format!("checkpoint {number} of the seal cannot be read"));
        }
        let mut before: Option<&Block> = None;
        for (number, block) in (1..).zip(&self.blocks) {
            let record = &block.record;
            let previous = before.map_or_else(|| NOTHING_BEFORE.to_owned(), Block::hash);
            let follows = match before.map(|before| &before.record) {
                None => record.part == 1,
                Some(last) if last.part == record.part => {
                    record.lines > last.lines && record.bytes > last.bytes
                }
                Some(last) => record.part == last.part + 1,
            };
            if record.checkpoint != number || record.previous != previous || !follows {
                return forged(format!(
                    "checkpoint {number} of the seal does not follow the one before it"
                ));
            }
            if !key.has_signed(&block.signed, &block.signature) {
                return forged(format!(
                    "checkpoint {number} of the seal is not signed with this installation's key"
                ));
            }
            before = Some(block);
        }
        if let Some((checkpoint, hash)) = &self.head {
            let known = usize::try_from(checkpoint.saturating_sub(1))
                .ok()
                .and_then(|at| self.blocks.get(at));
            if known.map(Block::hash).as_ref() != Some(hash) {
                return forged(format!(
                    "the seal was rolled back: checkpoint {checkpoint} is not in it any more"
                ));
            }
        }
        None
    }

    fn last_of_parts(&self) -> BTreeMap<u64, &Record> {
        self.blocks
            .iter()
            .map(|block| (block.record.part, &block.record))
            .collect()
    }

    /// Which files hold lines to seal, oldest first, and the parts they belong to.
    fn sources(&self, found: Option<&Parts>) -> Result<Vec<(u64, PathBuf)>, SealError> {
        let lasts = self.last_of_parts();
        let Some((newest, holder)) = lasts
            .keys()
            .last()
            .and_then(|newest| Some((*newest, found?.get(newest)?)))
        else {
            return Ok(vec![(1, self.log.clone())]);
        };
        let mut sources = vec![(newest, holder.clone())];
        if *holder == self.log {
            return Ok(sources);
        }
        // It was rotated: whatever was rotated after it comes next, then the log itself.
        let modified = |path: &Path| {
            path.metadata()
                .and_then(|metadata| metadata.modified())
                .ok()
        };
        let holder_time = modified(holder);
        let mut later: Vec<PathBuf> = siblings(&self.log)
            .map_err(problem(&folder(&self.log)))?
            .into_iter()
            .filter(|path| {
                path != holder
                    && !found.is_some_and(|found| found.values().any(|known| known == path))
            })
            .filter(|path| modified(path) > holder_time)
            .collect();
        order::sort_by_key(&mut later, |path| modified(path));
        let holds_older = found.is_some_and(|found| found.values().any(|path| *path == self.log));
        let log = (!holds_older).then(|| self.log.clone());
        for (part, path) in (newest + 1..).zip(later.into_iter().chain(log)) {
            sources.push((part, path));
        }
        Ok(sources)
    }

    /// Adds checkpoints for the complete lines of `source` that are not sealed yet.
    fn extend(
        &mut self,
        part: u64,
        source: &Path,
        key: &SealKey,
        now: Timestamp,
    ) -> Result<(), SealError> {
        // Files without complete lines leave no part behind.
        let newest = self.blocks.last().map_or(0, |block| block.record.part);
        let part = part.min(newest + 1);
        let sealed = self
            .blocks
            .last()
            .filter(|block| block.record.part == part)
            .map_or((0, 0), |block| (block.record.lines, block.record.bytes));
        let mut hasher = Sha256::new();
        let (mut lines, mut bytes) = (0, 0);
        let mut tags = Vec::new();
        let mut new = Vec::new();
        let read = each_line(source, |offset, line| {
            hasher.update(line);
            lines += 1;
            bytes = offset + line.len() as u64;
            if offset >= sealed.1 {
                tags.push(tag(line));
            }
            if tags.len() == MOST_TAGS {
                new.push((
                    lines,
                    bytes,
                    hex::lower(&hasher.clone().finalize()),
                    std::mem::take(&mut tags),
                ));
            }
            true
        });
        match read {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(problem(source)(error)),
            Ok(()) => {}
        }
        if !tags.is_empty() {
            new.push((lines, bytes, hex::lower(&hasher.finalize()), tags));
        }
        for (lines, bytes, sha256, tags) in new {
            let record = Record {
                checkpoint: self.blocks.len() as u64 + 1,
                part,
                file: self.name.clone(),
                lines,
                bytes,
                sha256,
                previous: self
                    .blocks
                    .last()
                    .map_or_else(|| NOTHING_BEFORE.to_owned(), Block::hash),
                time: now.round(jiff::Unit::Second).unwrap_or(now).to_string(),
                tags,
            };
            let signed = record.text();
            let signature = key.sign(&signed)?;
            self.blocks.push(Block {
                record,
                signed,
                signature,
            });
        }
        Ok(())
    }
}

/// Opens the seal itself. Whoever may write beside the log could lay a link or a pipe there, which
/// must neither be followed nor waited for.
fn open_seal(path: &Path, how: &mut OpenOptions) -> Result<File, SealError> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = how
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(path)
        .map_err(problem(path))?;
    if file.metadata().map_err(problem(path))?.is_file() {
        Ok(file)
    } else {
        Err(problem(path)(io::Error::other("is no regular file")))
    }
}

/// `audit.log.seal` beside `audit.log`.
fn seal_path(log: &Path) -> PathBuf {
    let mut name = log.as_os_str().to_os_string();
    name.push(".seal");
    PathBuf::from(name)
}

fn seal_folder(state: &StateDir) -> Result<PathBuf, SealError> {
    let made = state.create().and_then(|()| state.folder("seal"));
    let folder = made.map_err(|error| problem(state.path())(io::Error::other(error)))?;
    state
        .folder("seal/heads")
        .map_err(|error| problem(state.path())(io::Error::other(error)))?;
    Ok(folder)
}

/// Where this installation remembers the log's last checkpoint.
pub fn head_path(log: &Path, state: &StateDir) -> PathBuf {
    let parent = folder(log);
    let parent = parent.canonicalize().unwrap_or(parent);
    let whole = parent.join(log.file_name().unwrap_or_default());
    let name = hex::lower(&Sha256::digest(whole.as_os_str().as_encoded_bytes()));
    state.path().join("seal/heads").join(&name[..32])
}

fn problem(path: &Path) -> impl FnOnce(io::Error) -> SealError {
    let path = path.to_path_buf();
    move |source| SealError::Io { path, source }
}
