//! What a file holds, looked at once: hashes at given lengths, and its lines compared with tags.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use memchr::memchr;
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use super::record::{Tag, hex};
use crate::audit::siblings::plain_reader;

/// How much is read at once, in bytes.
const PIECE: usize = 1 << 20;
/// Lines that are looked ahead to tell a removed line from an inserted one.
const AHEAD: usize = 4096;

/// A file and the hashes of its beginnings.
#[derive(Debug)]
pub struct Content {
    /// The file.
    pub path: PathBuf,
    /// For each length asked for that the file reaches: the length and the hash.
    pub hashes: Vec<(u64, String)>,
}

impl Content {
    /// Whether the first `bytes` bytes have this hash.
    pub fn begins_with(&self, bytes: u64, sha256: &str) -> bool {
        self.hashes
            .iter()
            .any(|(length, hash)| *length == bytes && hash == sha256)
    }
}

/// Hashes the beginnings of a file, of these lengths in rising order.
///
/// # Errors
/// When it cannot be read.
pub fn hashes(path: &Path, lengths: &[u64]) -> io::Result<Content> {
    let (mut reader, _) = plain_reader(open(path)?)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; PIECE];
    let mut done = 0;
    let mut found = Vec::new();
    for length in lengths {
        while done < *length {
            let wanted = usize::try_from(length - done).unwrap_or(PIECE).min(PIECE);
            let count = read_some(&mut reader, &mut buffer[..wanted])?;
            if count == 0 {
                return Ok(Content {
                    path: path.to_path_buf(),
                    hashes: found,
                });
            }
            hasher.update(&buffer[..count]);
            done += count as u64;
        }
        found.push((done, hex(&hasher.clone().finalize())));
    }
    Ok(Content {
        path: path.to_path_buf(),
        hashes: found,
    })
}

/// Opens a log or a rotated file. What is no regular file holds nothing: a pipe in its place must not
/// be waited for.
fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Reads once; a signal in between is no failure.
fn read_some(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// Calls back with every complete line, its newline included, and its offset.
///
/// # Errors
/// When the file cannot be read, or the callback says so.
pub fn each_line(path: &Path, mut each: impl FnMut(u64, &[u8]) -> bool) -> io::Result<()> {
    let (mut reader, _) = plain_reader(open(path)?)?;
    let mut pending: Vec<u8> = Vec::new();
    let mut buffer = vec![0; PIECE];
    let mut offset = 0;
    loop {
        let count = read_some(&mut reader, &mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..count];
        while let Some(newline) = memchr(b'\n', rest) {
            let (line, after) = rest.split_at(newline + 1);
            let goes_on = if pending.is_empty() {
                let goes_on = each(offset, line);
                offset += line.len() as u64;
                goes_on
            } else {
                pending.extend_from_slice(line);
                let goes_on = each(offset, &pending);
                offset += pending.len() as u64;
                pending.clear();
                goes_on
            };
            if !goes_on {
                return Ok(());
            }
            rest = after;
        }
        pending.extend_from_slice(rest);
    }
}

/// The tag of a line with its newline.
pub fn tag(line: &[u8]) -> Tag {
    let digest = Sha256::digest(line);
    let mut tag = Tag::default();
    let length = tag.len();
    tag.copy_from_slice(&digest[..length]);
    tag
}

/// How a file differs from what was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A line reads differently.
    Altered,
    /// A line is gone.
    Removed,
    /// A line is new.
    Inserted,
    /// The end is gone.
    Truncated,
}

/// The first difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// What it is.
    pub change: Change,
    /// The line's number, from 1: as sealed, or as it is now for an inserted one.
    pub line: u64,
    /// Its byte offset in the file as it is now.
    pub offset: u64,
}

/// Aligns a file's lines with the sealed tags.
///
/// # Errors
/// When the file cannot be read.
pub fn first_difference(path: &Path, sealed: &[Tag]) -> io::Result<Option<Difference>> {
    let mut position = 0;
    let mut ahead: Vec<Tag> = Vec::new();
    let mut at = None;
    let mut end = 0;
    each_line(path, |offset, line| {
        let tag = tag(line);
        end = offset + line.len() as u64;
        if at.is_none() {
            if position >= sealed.len() {
                return false;
            }
            if sealed[position] == tag {
                position += 1;
                return true;
            }
            at = Some(offset);
        }
        ahead.push(tag);
        ahead.len() < AHEAD
    })?;
    let Some(offset) = at else {
        let is_short = position < sealed.len();
        return Ok(is_short.then_some(Difference {
            change: Change::Truncated,
            line: position as u64 + 1,
            offset: end,
        }));
    };
    Ok(Some(Difference {
        change: classify(&sealed[position..], &ahead),
        line: position as u64 + 1,
        offset,
    }))
}

/// Which of the parts, each with its tags, a file holds lines of: a tenth of them, since a title may
/// stand in every file.
///
/// # Errors
/// When the file cannot be read.
pub fn resembled_part(path: &Path, parts: &[(u64, Vec<Tag>)]) -> io::Result<Option<u64>> {
    let mut holders: HashMap<Tag, u64> = HashMap::new();
    for (part, tags) in parts {
        holders.extend(tags.iter().map(|tag| (*tag, *part)));
    }
    let mut missing: HashMap<u64, usize> = HashMap::new();
    for part in holders.values() {
        *missing.entry(*part).or_default() += 1;
    }
    for count in missing.values_mut() {
        *count = count.div_ceil(10);
    }
    let mut resembled = None;
    each_line(path, |_, line| {
        if let Some(part) = holders.remove(&tag(line))
            && let Some(count) = missing.get_mut(&part)
        {
            *count -= 1;
            if *count == 0 {
                resembled = Some(part);
            }
        }
        resembled.is_none()
    })?;
    Ok(resembled)
}

/// What happened, where the first of `sealed` is not the first of `now`.
fn classify(sealed: &[Tag], now: &[Tag]) -> Change {
    let agree = |a: &[Tag], b: &[Tag]| {
        let length = a.len().min(b.len()).min(3);
        length > 0 && a[..length] == b[..length]
    };
    if agree(&sealed[1..], &now[1..]) {
        return Change::Altered;
    }
    let most = AHEAD.min(sealed.len().max(now.len()));
    for distance in 1..=most {
        if sealed.len() > distance && agree(&sealed[distance..], now) {
            return Change::Removed;
        }
        if now.len() > distance && agree(sealed, &now[distance..]) {
            return Change::Inserted;
        }
    }
    Change::Altered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let lines: Vec<String> = (1..=9).map(|n| format!("line {n}\n")).collect();
        let sealed: Vec<Tag> = lines.iter().map(|line| tag(line.as_bytes())).collect();
        let cases: [(&str, Option<(Change, u64)>); 7] = [
            ("", None),
            ("alter 4", Some((Change::Altered, 4))),
            ("alter 9", Some((Change::Altered, 9))),
            ("remove 4", Some((Change::Removed, 4))),
            ("remove 1", Some((Change::Removed, 1))),
            ("insert 4", Some((Change::Inserted, 4))),
            ("cut 4", Some((Change::Truncated, 4))),
        ];
        for (what, expected) in cases {
            let mut now = lines.clone();
            if let Some((verb, number)) = what.split_once(' ') {
                let at = number.parse::<usize>().unwrap() - 1;
                match verb {
                    "alter" => now[at] = "changed\n".into(),
                    "remove" => drop(now.remove(at)),
                    "insert" => now.insert(at, "new\n".into()),
                    _ => now.truncate(at),
                }
            }
            now.push("not sealed yet\n".into());
            if what.starts_with("cut") {
                now.pop();
            }
            std::fs::write(&path, now.concat()).unwrap();
            let found = first_difference(&path, &sealed).unwrap();
            assert_eq!(
                found.map(|found| (found.change, found.line)),
                expected,
                "{what}"
            );
        }
    }
}
