//! By what a file, and what was read of it, is known again.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::time::SystemTime;

use super::disk::Disk;

/// Bytes at the beginning of a file, and before our offset, by which it is known again.
pub const KNOWN_BY: usize = 1024;

/// Which file it is. The time of birth tells it from a later file with the same inode number:
/// ext4 hands a freed one to the next file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
    born: Option<SystemTime>,
}

impl Identity {
    /// Of what `stat` told.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            born: metadata.created().ok(),
        }
    }
}

/// What was read of a file: how far, its beginning, and the bytes before the offset. All of it is
/// taken from the bytes that were read, never read a second time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Footprint {
    head: Vec<u8>,
    before: Vec<u8>,
    offset: u64,
}

impl Footprint {
    /// Nothing was read yet; the file begins with `head`.
    pub fn begins_with(mut head: Vec<u8>) -> Self {
        head.truncate(KNOWN_BY);
        Self {
            head,
            ..Self::default()
        }
    }

    /// Of a file whose content up to `offset` is no news.
    pub fn at(disk: &mut Disk, file: &File, offset: u64) -> Self {
        let length = usize::try_from(offset).unwrap_or(KNOWN_BY).min(KNOWN_BY);
        Self {
            head: disk.bytes_at(file, 0, KNOWN_BY),
            before: disk.bytes_at(file, offset - length as u64, length),
            offset,
        }
    }

    /// How far was read, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The beginning, as far as it is known.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The bytes before the offset.
    pub fn before(&self) -> &[u8] {
        &self.before
    }

    /// These bytes were read at the offset.
    pub fn note(&mut self, bytes: &[u8]) {
        let known = self.head.len() as u64;
        if self.head.len() < KNOWN_BY && known >= self.offset {
            let overlap = usize::try_from(known - self.offset).unwrap_or(usize::MAX);
            if let Some(more) = bytes.get(overlap..) {
                let room = KNOWN_BY - self.head.len();
                self.head.extend_from_slice(&more[..more.len().min(room)]);
            }
        }
        if bytes.len() >= KNOWN_BY {
            self.before.clear();
        }
        self.before
            .extend_from_slice(&bytes[bytes.len().saturating_sub(KNOWN_BY)..]);
        let excess = self.before.len().saturating_sub(KNOWN_BY);
        self.before.drain(..excess);
        self.offset += bytes.len() as u64;
    }

    /// A hole up to `offset` was jumped over.
    pub fn note_hole(&mut self, offset: u64) {
        let zeros = [0; KNOWN_BY];
        let mut left = offset.saturating_sub(self.offset);
        let at = self.offset;
        if left > 2 * KNOWN_BY as u64 {
            self.note(&zeros);
            self.note(&zeros);
            self.offset = at + left;
            return;
        }
        while left > 0 {
            let count = left.min(KNOWN_BY as u64);
            self.note(&zeros[..usize::try_from(count).unwrap_or(KNOWN_BY)]);
            left -= count;
        }
    }

    /// Whether a file still holds what was read. Its size alone would miss a file that was cut and
    /// grew past the old offset between two looks.
    pub fn stands_in(&self, disk: &mut Disk, file: &File) -> bool {
        disk.holds(file, &self.head, 0)
            && disk.holds(file, &self.before, self.offset - self.before.len() as u64)
    }

    /// Whether content that begins with `head` can be the same content, or more or less of it.
    pub fn agrees_with(&self, head: &[u8]) -> bool {
        is_same_beginning(&self.head, head)
    }
}

/// Whether one beginning is the beginning of the other; the empty one says nothing.
fn is_same_beginning(one: &[u8], other: &[u8]) -> bool {
    let length = one.len().min(other.len());
    length > 0 && one[..length] == other[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginning_and_end_are_kept_however_the_bytes_come() {
        let content: Vec<u8> = (0..5000u32).map(|n| (n % 251) as u8).collect();
        for step in [1, 7, 1000, 1024, 1025, 5000] {
            let mut footprint = Footprint::begins_with(content[..3].to_vec());
            for bytes in content.chunks(step) {
                footprint.note(bytes);
            }
            assert_eq!(footprint.head(), &content[..KNOWN_BY], "{step}");
            assert_eq!(footprint.before(), &content[5000 - KNOWN_BY..], "{step}");
            assert_eq!(footprint.offset(), 5000);
        }
    }

    #[test]
    fn a_hole_counts_as_zeros() {
        for hole in [1, 1024, 1025, 2048, 5000] {
            let (mut jumped, mut read) = (Footprint::default(), Footprint::default());
            jumped.note(b"abc");
            read.note(b"abc");
            jumped.note_hole(3 + hole as u64);
            read.note(&vec![0; hole]);
            assert_eq!(jumped, read, "{hole}");
        }
    }
}
