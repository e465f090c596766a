//! What a file holds, looked at once: hashes at given lengths, and its lines compared with tags.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use memchr::memchr;
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use super::record::Tag;
use crate::audit::siblings::plain_reader;
use crate::hex;

/// How much is read at once, in bytes.
const PIECE: usize = 1 << 20;
/// Lines behind a difference that are compared.
const AHEAD: usize = 4096;
/// This many lines that agree in a row are enough.
const RUN: usize = 64;
/// At most this many places of a line that stands there often are tried.
const MOST_PLACES: usize = 64;

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
        found.push((done, hex::lower(&hasher.clone().finalize())));
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
    let mut comes_late = false;
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
        if ahead.len() < AHEAD {
            ahead.push(tag);
        } else {
            comes_late |= sealed[position] == tag;
        }
        !comes_late
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
        change: classify(&sealed[position..], &ahead, comes_late),
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

/// What happened, where the first of `sealed` is not the first of `now`: the story after which most lines
/// agree. The first of `sealed` may come late, behind all of `now`.
fn classify(sealed: &[Tag], now: &[Tag], comes_late: bool) -> Change {
    let run = |sealed: &[Tag], now: &[Tag]| {
        let pairs = sealed.iter().zip(now).take(RUN);
        pairs.take_while(|(sealed, now)| sealed == now).count()
    };
    let places = |tags: &[Tag], wanted: &Tag| -> Vec<usize> {
        let all = tags.iter().enumerate().skip(1);
        let places = all.filter(|(_, tag)| *tag == wanted).take(MOST_PLACES);
        places.map(|(place, _)| place).collect()
    };
    let removed = places(sealed, &now[0]);
    let removed = removed.iter().map(|place| run(&sealed[*place..], now));
    let inserted = places(now, &sealed[0]);
    let inserted = inserted.iter().map(|place| run(sealed, &now[*place..]));
    let (removed, inserted) = (removed.max().unwrap_or(0), inserted.max().unwrap_or(0));
    let altered = run(&sealed[1..], &now[1..]);
    if altered > 0 && altered >= removed.max(inserted) {
        Change::Altered
    } else if removed > 0 && removed >= inserted {
        Change::Removed
    } else if inserted > 0 || comes_late {
        Change::Inserted
    } else {
        Change::Altered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found where lines of a log of `count` are taken out, put in or changed.
    fn found(count: usize, change: impl FnOnce(&mut Vec<String>)) -> Option<(Change, u64)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut lines: Vec<String> = (1..=count).map(|n| format!("line {n}\n")).collect();
        let sealed: Vec<Tag> = lines.iter().map(|line| tag(line.as_bytes())).collect();
        change(&mut lines);
        std::fs::write(&path, lines.concat()).unwrap();
        let found = first_difference(&path, &sealed).unwrap();
        found.map(|found| (found.change, found.line))
    }

    #[test]
    fn the_first_of_several_changes_is_told_from_the_others() {
        let new = |number: usize| format!("new {number}\n");
        let removed = found(20, |lines| {
            lines.remove(11);
            lines.remove(9);
        });
        assert_eq!(removed, Some((Change::Removed, 10)));
        let every_second = found(40, |lines| {
            let mut number = 0;
            lines.retain(|_| {
                number += 1;
                number % 2 == 1
            });
        });
        assert_eq!(every_second, Some((Change::Removed, 2)));
        let many = found(10_000, |lines| drop(lines.drain(100..5100)));
        assert_eq!(many, Some((Change::Removed, 101)));
        let inserted = found(20, |lines| {
            lines.remove(11);
            lines.insert(9, new(0));
        });
        assert_eq!(inserted, Some((Change::Inserted, 10)));
        let many = found(20, |lines| {
            lines.splice(9..9, (0..5000).map(new));
        });
        assert_eq!(many, Some((Change::Inserted, 10)));
        let altered = found(20, |lines| {
            lines[9] = new(0);
            lines.remove(11);
        });
        assert_eq!(altered, Some((Change::Altered, 10)));
        let like_another = found(20, |lines| lines[9] = lines[14].clone());
        assert_eq!(like_another, Some((Change::Altered, 10)));
    }

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
