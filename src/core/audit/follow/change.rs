//! From one file to the next: it was cut, another one has its name, or a later date begins.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::Instant;

use super::super::siblings::dated;
use super::before::Fresh;
use super::footprint::{Footprint, KNOWN_BY};
use super::memory::End;
use super::stream::{Reach, Stream};
use super::survey::{self, Survey};
use super::{Follower, Notice, Sink, Step};

impl Follower {
    /// The open file was cut. What a copy holds of it comes first.
    pub(super) fn begin_again(
        &mut self,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<Step> {
        let Some(mut cut) = self.current.take() else {
            return Ok(Step::Done);
        };
        let Ok(mut again) = cut.begin_again(now) else {
            self.current = Some(cut);
            return Ok(Step::Done);
        };
        let offset = cut.footprint.offset();
        let fresh = Fresh {
            stream: &mut again,
            has_name: false,
        };
        let Some(is_held) = self.settle(Some(fresh), None, Some(&mut cut), now, sink, notices)?
        else {
            self.current = Some(cut);
            return Ok(Step::Done);
        };
        notices.push(Notice::Truncated(self.path.clone()));
        if !is_held && offset > 0 {
            notices.push(Notice::Vanished(self.path.clone(), offset));
        }
        self.remember(cut.identity, cut.footprint, End::Cut);
        self.current = Some(again);
        Ok(Step::Again)
    }

    /// Another file has the name.
    pub(super) fn go_over_to(
        &mut self,
        file: File,
        metadata: &Metadata,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<Step> {
        self.follow_link();
        let mut next = Stream::from_start(file, metadata, &self.path, now);
        if self.returns(&mut next, metadata, now) || self.goes_on_in(&mut next, metadata, now) {
            self.change_to(next, now);
            return Ok(Step::Again);
        }
        let left = self.current.take();
        let fresh = Fresh {
            stream: &mut next,
            has_name: true,
        };
        let settled = self.settle(Some(fresh), left.as_ref(), None, now, sink, notices);
        self.current = left;
        let Some(is_held) = settled? else {
            return Ok(Step::Done);
        };
        if let Some(left) = &self.current {
            notices.push(Notice::Replaced(self.path.clone()));
            let is_gone = self
                .disk
                .state_of(&left.file)
                .is_ok_and(|it| it.nlink() == 0);
            let offset = left.footprint.offset();
            if is_gone && !is_held && offset > 0 {
                notices.push(Notice::Vanished(self.path.clone(), offset));
            }
        }
        self.change_to(next, now);
        Ok(Step::Again)
    }

    pub(super) fn go_to_next_date(
        &mut self,
        now: Instant,
        sink: &mut Sink<'_>,
        notices: &mut Vec<Notice>,
    ) -> io::Result<Step> {
        let name = self.path.file_name().and_then(std::ffi::OsStr::to_str);
        if name.and_then(dated).is_none() {
            return Ok(Step::Done);
        }
        let Some(next) = self.disk.later_dated(&self.path) else {
            return Ok(Step::Done);
        };
        let Ok(Some((file, metadata))) = self.disk.open(&next) else {
            return Ok(Step::Done);
        };
        // The last lines under the old name come first.
        match self.read_current(now, sink, notices)? {
            Some(Reach::End) => {}
            Some(_) => return Ok(Step::Again),
            None => return Ok(Step::Done),
        }
        let mut stream = Stream::from_start(file, &metadata, &next, now);
        let left = self.current.take();
        let fresh = Fresh {
            stream: &mut stream,
            has_name: false,
        };
        let settled = self.settle(Some(fresh), left.as_ref(), None, now, sink, notices);
        self.current = left;
        if settled?.is_none() {
            return Ok(Step::Done);
        }
        // Its own rotated files, if there are any by now, are met before its first byte.
        stream.is_settled = false;
        stream.footprint = Footprint::default();
        self.change_to(stream, now);
        self.path.clone_from(&next);
        self.last_complaint = None;
        notices.push(Notice::NextDate(next));
        Ok(Step::Again)
    }

    fn change_to(&mut self, next: Stream, now: Instant) {
        if let Some(mut left) = self.current.replace(next) {
            left.grew_at = now;
            self.draining.push(left);
        }
    }

    /// A file that we know has its name back: it goes on where we stopped.
    fn returns(&mut self, next: &mut Stream, metadata: &Metadata, now: Instant) -> bool {
        let is_it = |stream: &Stream| stream.identity == next.identity;
        if let Some(at) = self.draining.iter().position(is_it) {
            *next = self.draining.remove(at);
            return true;
        }
        let readings: Vec<Footprint> = self.memory.readings_of(next.identity).cloned().collect();
        let Some(read) = readings
            .into_iter()
            .find(|read| read.offset() > 0 && read.stands_in(&mut self.disk, &next.file))
        else {
            return false;
        };
        let Ok(file) = next.file.try_clone() else {
            return false;
        };
        *next = Stream::from_footprint(file, metadata, &self.path, now, read, None);
        true
    }

    /// `cp` and `mv` over the name: another file with the same content.
    fn goes_on_in(&mut self, next: &mut Stream, metadata: &Metadata, now: Instant) -> bool {
        let Some(left) = &mut self.current else {
            return false;
        };
        let offset = left.footprint.offset();
        if offset > 0 && left.footprint.stands_in(&mut self.disk, &next.file) {
            left.hand_over_to(next);
            return true;
        }
        // We may have read more of the old file than was copied. A log that only begins like the
        // last one, with the same title, is no copy: that one was not taken away, or is longer.
        let length = metadata.len();
        let is_gone = || left.file.metadata().is_ok_and(|it| it.nlink() == 0);
        if length < KNOWN_BY as u64
            || length >= offset
            || !is_gone()
            || !survey::is_beginning_of(&mut self.disk, &next.file, length, &left.file)
        {
            return false;
        }
        let read = Footprint::at(&mut self.disk, &next.file, length);
        let Ok(file) = next.file.try_clone() else {
            return false;
        };
        *next = Stream::from_footprint(file, metadata, &self.path, now, read, None);
        true
    }

    /// What lies where a link leads to now is no news.
    fn follow_link(&mut self) {
        let target = self.disk.target(&self.path);
        if target == self.target {
            return;
        }
        self.target = target;
        if let Some(target) = self.target.clone() {
            let survey = Survey::take(&mut self.disk, &[target]);
            self.remember_all(survey);
        }
    }
}
