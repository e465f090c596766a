//! What comes before the first byte of a file: the rest of a file that was cut, and rotated files
//! that nobody has read.

use std::io::{self, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::time::Instant;

use super::super::siblings::{folder, plain_reader};
use super::footprint::{Footprint, Identity};
use super::memory::End;
use super::stream::{Reach, Stream};
use super::survey::{self, Beginning, Candidate, Rest, Survey, Verdict};
use super::{ATTEMPTS, Follower, Notice, PATIENCE, Sink, TICK, beginning_of};

/// A file whose first byte was not given out.
pub struct Fresh<'f> {
    /// The file.
    pub stream: &'f mut Stream,
    /// Whether it must have the followed name.
    pub has_name: bool,
}

impl Follower {
    /// Gives out what rotated files hold that nobody has read, before the first byte of a fresh
    /// file; first of all the rest of a file that was `cut`. Returns whether content like that of
    /// the file we leave is held by a rotated one, and nothing where the folder would not keep
    /// still long enough to say.
    pub(super) fn settle(
        &mut self,
        fresh: Option<Fresh<'_>>,
        left: Option<&Stream>,
        mut cut: Option<&mut Stream>,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<Option<bool>> {
        let Some((survey, open)) = self.survey(fresh.as_ref(), left, now) else {
            return Ok(None);
        };
        let fresh = fresh.map(|fresh| fresh.stream);
        let own = fresh.as_ref().map(|fresh| fresh.identity);
        if let (Some(fresh), Some(beginning)) = (fresh, open.first()) {
            // Whatever is read from now on must begin like this.
            fresh.is_settled = !beginning.head.is_empty();
            fresh.footprint = Footprint::begins_with(beginning.head.clone());
        }
        let cut_footprint = cut.as_ref().map(|cut| cut.footprint.clone());
        let left_footprint = left.map(|left| &left.footprint);
        let judged = survey.candidates.into_iter().map(|candidate| {
            let (identity, head) = (candidate.identity, &candidate.head);
            let cut = cut_footprint.as_ref();
            let verdict = survey::judge(identity, head, cut, &open, &mut self.memory);
            (verdict, candidate)
        });
        // What was rotated after the fresh file itself comes when that one is left.
        let judged: Vec<(Verdict, Candidate)> = judged
            .take_while(|(_, candidate)| Some(candidate.identity) != own)
            .collect();
        let is_held = judged.iter().any(|(verdict, candidate)| {
            *verdict == Verdict::CopyOfCut
                || left_footprint.is_some_and(|left| left.agrees_with(&candidate.head))
        });
        if let Some(cut) = &mut cut {
            self.read_copies(cut, &judged, sink)?;
        }
        for (verdict, candidate) in judged {
            match verdict {
                Verdict::News => self.read_news(candidate, None, now, sink, notices)?,
                Verdict::CopyOfOlderCut => self.read_older_copy(candidate, now, sink, notices)?,
                _ => {}
            }
        }
        Ok(Some(is_held))
    }

    /// Nothing has the name. What had it since we looked last is among the rotated files, and need
    /// not wait for another.
    pub(super) fn read_news_without_name(
        &mut self,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<()> {
        let state = self.disk.metadata(&folder(&self.path)).ok();
        let state = state.map(|it| [it.mtime(), it.mtime_nsec(), it.ctime(), it.ctime_nsec()]);
        match self.folder_seen {
            Some((seen, since)) if seen == state => {
                // The kernel's clock for files ticks slowly: what came right after looks the same.
                if now.saturating_duration_since(since) >= TICK {
                    return Ok(());
                }
            }
            _ => self.folder_seen = Some((state, now)),
        }
        let left = self.current.take();
        let settled = self.settle(None, left.as_ref(), None, now, sink, notices);
        self.current = left;
        if settled?.is_none() {
            self.folder_seen = None;
        }
        Ok(())
    }

    /// The rotated files, and how the open ones begin, at one moment.
    fn survey(
        &mut self,
        fresh: Option<&Fresh<'_>>,
        left: Option<&Stream>,
        now: Instant,
    ) -> Option<(Survey, Vec<Beginning>)> {
        let places = self.places();
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let survey = Survey::take(&mut self.disk, &places);
            let mut open = Vec::new();
            if let Some(fresh) = fresh {
                open.push(beginning_of(&mut self.disk, fresh.stream));
            }
            if let Some(left) = left {
                let own = beginning_of(&mut self.disk, left);
                let is_read = left.is_settled || own.head.is_empty();
                if !is_read || !left.footprint.stands_in(&mut self.disk, &left.file) {
                    // It was cut or got its first line just now: the next look reads it first.
                    return None;
                }
                open.push(own);
            }
            let disk = &mut self.disk;
            for stream in &self.draining {
                let own = beginning_of(disk, stream);
                let is_read = stream.is_settled || own.head.is_empty();
                if !is_read || !stream.footprint.stands_in(disk, &stream.file) {
                    // It holds other content by now, or its first: the next look closes or settles
                    // it first, and remembers what was read of it. Then it is judged as any rotated
                    // file: a copy may have been made onto it.
                    return None;
                }
                open.push(own);
            }
            let has_name = fresh.filter(|fresh| fresh.has_name).is_none_or(|fresh| {
                let named = self.disk.metadata(&self.path);
                named.is_ok_and(|it| Identity::of(&it) == fresh.stream.identity)
            });
            if has_name && survey.still_holds(&mut self.disk, &places, &open) {
                self.unsettled_since = None;
                return Some((survey, open));
            }
            last = Some((survey, open));
        }
        let since = *self.unsettled_since.get_or_insert(now);
        let is_out_of_patience = now.saturating_duration_since(since) >= PATIENCE;
        last.filter(|_| is_out_of_patience)
    }

    /// Reads the rest of a file that was cut, in the latest copy that holds it.
    fn read_copies(
        &mut self,
        cut: &mut Stream,
        judged: &[(Verdict, Candidate)],
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        let copies = judged
            .iter()
            .rev()
            .filter(|(verdict, _)| *verdict == Verdict::CopyOfCut);
        for (_, copy) in copies {
            let Ok(Rest::Behind(mut reader)) = copy
                .file
                .try_clone()
                .and_then(|file| survey::rest_in_copy(&cut.footprint, file))
            else {
                continue;
            };
            // What cannot be read of a copy is lost: there is no other.
            let _ = cut.read_through(&mut reader, sink)?;
            cut.identity = copy.identity;
            break;
        }
        cut.give_rest(sink)
    }

    /// Reads what a copy holds of an older file that was cut, where it was cut before we had read it.
    fn read_older_copy(
        &mut self,
        copy: Candidate,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<()> {
        for read in self.memory.cut_like(&copy.head) {
            let file = copy.file.try_clone();
            match file.and_then(|file| survey::rest_in_copy(&read, file)) {
                Ok(Rest::Behind(_)) => {
                    return self.read_news(copy, Some(read), now, sink, notices);
                }
                Ok(Rest::Less) | Err(_) => return Ok(()),
                Ok(Rest::Other) => {}
            }
        }
        self.read_news(copy, None, now, sink, notices)
    }

    /// Reads a rotated file: behind what was `read` of it, if any was.
    fn read_news(
        &mut self,
        candidate: Candidate,
        read: Option<Footprint>,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<()> {
        let Ok(metadata) = self.disk.state_of(&candidate.file) else {
            return Ok(());
        };
        let is_compressed = survey::is_compressed(&mut self.disk, &candidate.file);
        let file = candidate.file.try_clone();
        let Candidate {
            file: own,
            path,
            head,
            ..
        } = candidate;
        let mut stream = match &read {
            Some(read) => Stream::from_footprint(own, &metadata, &path, now, read.clone(), None),
            None => Stream::news(own, &metadata, &path, now, head),
        };
        if !is_compressed {
            while stream.read_on(&mut self.disk, now, sink)? == Reach::More {}
            self.draining.push(stream);
            return Ok(());
        }
        let reader = file.and_then(|mut file| {
            file.rewind()?;
            match &read {
                Some(read) => survey::rest_in_copy(read, file),
                None => plain_reader(file).map(|(reader, _)| Rest::Behind(reader)),
            }
        });
        if let Ok(Rest::Behind(mut reader)) = reader
            && let Err(error) = stream.read_through(&mut reader, sink)?
        {
            notices.push(Notice::Damaged(path, error.to_string()));
        }
        stream.give_rest(sink)?;
        self.remember(stream.identity, stream.footprint, End::Read);
        Ok(())
    }
}
