//! One open file that is read as it grows.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::super::assemble::Assembler;
use super::Sink;
use super::disk::Disk;
use super::footprint::{Footprint, Identity};

/// At most this many bytes are read before somebody else has a turn.
const MOST_AT_ONCE: usize = 8 << 20;

/// How far reading came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To the end.
    End,
    /// There is more.
    More,
    /// What was read does not stand there any more: the file was cut.
    Cut,
}

/// An open file and what was read of it.
pub struct Stream {
    /// The descriptor.
    pub file: File,
    /// Which file it is.
    pub identity: Identity,
    /// What was read of it.
    pub footprint: Footprint,
    /// When it last grew.
    pub grew_at: Instant,
    /// Whether everything that was written before it has been given out.
    pub is_settled: bool,
    /// When an empty file had last changed, as it was seen: modified and changed, as `stat` tells.
    pub seen_empty: Option<[i64; 4]>,
    shown_as: PathBuf,
    assembler: Assembler,
}

impl Stream {
    /// A file that is read from its beginning.
    pub fn from_start(file: File, metadata: &Metadata, shown_as: &Path, now: Instant) -> Self {
        Self {
            identity: Identity::of(metadata),
            file,
            footprint: Footprint::default(),
            grew_at: now,
            is_settled: false,
            seen_empty: None,
            shown_as: shown_as.to_path_buf(),
            assembler: Assembler::new(0, Some(1), true),
        }
    }

    /// A file that nobody has read, and that begins with `head`.
    pub fn news(
        file: File,
        metadata: &Metadata,
        shown_as: &Path,
        now: Instant,
        head: Vec<u8>,
    ) -> Self {
        let footprint = Footprint::begins_with(head);
        Self::from_footprint(file, metadata, shown_as, now, footprint, Some(1))
    }

    /// A file that is read on from where `footprint` ends, the start of line number `line`.
    pub fn from_footprint(
        file: File,
        metadata: &Metadata,
        shown_as: &Path,
        now: Instant,
        footprint: Footprint,
        line: Option<u64>,
    ) -> Self {
        Self {
            assembler: Assembler::new(footprint.offset(), line, true),
            is_settled: !footprint.head().is_empty(),
            footprint,
            ..Self::from_start(file, metadata, shown_as, now)
        }
    }

    /// The same open file after it was cut.
    ///
    /// # Errors
    /// When the descriptor cannot be doubled.
    pub fn begin_again(&self, now: Instant) -> io::Result<Self> {
        Ok(Self {
            file: self.file.try_clone()?,
            identity: self.identity,
            footprint: Footprint::default(),
            grew_at: now,
            is_settled: false,
            seen_empty: None,
            shown_as: self.shown_as.clone(),
            assembler: Assembler::new(0, Some(1), true),
        })
    }

    /// Goes on in a file that holds the same up to our offset. The half line that was read goes
    /// with it; what is left here is read on from the same offset.
    pub fn hand_over_to(&mut self, other: &mut Self) {
        let rest = Assembler::new(self.footprint.offset(), None, true);
        other.assembler = std::mem::replace(&mut self.assembler, rest);
        other.footprint = self.footprint.clone();
        other.is_settled = true;
    }

    /// Reads what is new.
    ///
    /// # Errors
    /// What `sink` says. What cannot be read is tried again at the next look.
    pub fn read_on(
        &mut self,
        disk: &mut Disk,
        now: Instant,
        sink: &mut Sink<'_>,
    ) -> io::Result<Reach> {
        let mut read = 0;
        loop {
            self.jump_over_hole(disk);
            if !self.footprint.stands_in(disk, &self.file) {
                return Ok(Reach::Cut);
            }
            let offset = self.footprint.offset();
            let Ok(count) = disk.read_piece(&self.file, offset) else {
                return Ok(Reach::End);
            };
            if count == 0 {
                self.assembler.release();
                return Ok(Reach::End);
            }
            // The file may have been cut and have grown since: then the piece is the last of the
            // old content, or it is from the middle of the new.
            let stands = self.footprint.stands_in(disk, &self.file);
            if !stands && disk.piece_still_stands(&self.file, offset, count) {
                return Ok(Reach::Cut);
            }
            self.grew_at = now;
            self.take(disk.piece(count), sink)?;
            if !stands {
                return Ok(Reach::Cut);
            }
            read += count;
            if read >= MOST_AT_ONCE {
                return Ok(Reach::More);
            }
        }
    }

    /// Takes everything that a copy holds beyond our offset, where `reader` stands.
    ///
    /// # Errors
    /// The inner one where the copy cannot be read to its end, the outer one is what `sink` says.
    pub fn read_through(
        &mut self,
        reader: &mut dyn Read,
        sink: &mut Sink<'_>,
    ) -> io::Result<io::Result<()>> {
        let mut piece = vec![0; 128 << 10];
        loop {
            match reader.read(&mut piece) {
                Ok(0) => return Ok(Ok(())),
                Ok(count) => self.take(&piece[..count], sink)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Gives out the line that nobody will complete any more.
    ///
    /// # Errors
    /// What `sink` says.
    pub fn give_rest(&mut self, sink: &mut Sink<'_>) -> io::Result<()> {
        match self.assembler.rest() {
            Some(chunk) => sink(&chunk, &self.shown_as),
            None => Ok(()),
        }
    }

    /// NUL bytes passed over since the last call.
    pub fn take_skipped(&mut self) -> u64 {
        self.assembler.take_skipped()
    }

    fn take(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> io::Result<()> {
        self.footprint.note(bytes);
        self.assembler.put(bytes);
        while let Some(chunk) = self.assembler.chunk() {
            sink(&chunk, &self.shown_as)?;
        }
        Ok(())
    }

    fn jump_over_hole(&mut self, disk: &mut Disk) {
        if !self.assembler.is_in_hole() {
            return;
        }
        // Where there is no data yet, or no support, reading goes on where it stood.
        if let Some(data) = disk.data_after(&self.file, self.footprint.offset()) {
            self.assembler.jump(data);
            self.footprint.note_hole(data);
        }
    }
}
