//! A stream: every line as it is complete, or the last ones at its end.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::time::Duration;

use anyhow::anyhow;
use openclaw_sec::audit::assemble::{Assembler, Chunk, Part};
use openclaw_sec::audit::filter::Carry;

use super::super::{Context, Failure, interrupt};
use super::input::{give, is_readable, tell_alerts, wait_for_input};
use super::{Ended, Run, Stop};

pub fn read_stdin(
    run: &mut Run,
    context: &mut Context<'_>,
    signals: &interrupt::Noticed,
) -> Result<Ended, Stop> {
    let stdin = rustix::io::dup(rustix::stdio::stdin())
        .map_err(|errno| Failure::usage(anyhow!("stdin cannot be read: {errno}")))?;
    let mut stdin = File::from(stdin);
    let mut assembler = Assembler::new(0, Some(1), run.plan.format != super::Format::Raw);
    let mut last = run.plan.last_of_stdin.map(Last::new);
    loop {
        wait_for_input(&stdin)?;
        if signals.asks_to_end() {
            pass_on(run, &mut assembler, &mut last, true)?;
            return Ok(Ended::BySignal);
        }
        let count = match is_readable(&stdin, Duration::ZERO) {
            true => assembler.read(&mut stdin),
            false => continue,
        };
        let count = match count {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => {
                return Err(Failure::usage(anyhow!("stdin cannot be read: {error}")).into());
            }
        };
        run.reading.set_now(context.world.now());
        pass_on(run, &mut assembler, &mut last, count == 0)?;
        run.shower.flush()?;
        tell_alerts(run, context);
        if count == 0 {
            return Ok(Ended::AtTheEnd);
        }
    }
}

fn pass_on(
    run: &mut Run,
    assembler: &mut Assembler,
    last: &mut Option<Last>,
    is_end: bool,
) -> io::Result<()> {
    let Some(last) = last else {
        return give(run, assembler, "-", 0, is_end);
    };
    while let Some(chunk) = assembler.chunk() {
        last.keep(run, &chunk)?;
    }
    if is_end {
        if let Some(chunk) = assembler.rest() {
            last.keep(run, &chunk)?;
        }
        last.show(run)?;
    }
    Ok(())
}

/// The last lines that pass the filters.
struct Last {
    most: usize,
    lines: VecDeque<Line>,
    /// The line being read is too long for one chunk, and its beginning was kept.
    is_kept_on: bool,
    /// What the last line says of those that belong to it.
    carry: Carry,
}

struct Line {
    offset: u64,
    number: Option<u64>,
    /// One chunk, or the pieces of a line that is too long.
    pieces: Vec<(Part, Vec<u8>)>,
}

impl Last {
    fn new(most: usize) -> Self {
        Self {
            most,
            lines: VecDeque::new(),
            is_kept_on: false,
            carry: Carry::default(),
        }
    }

    fn keep(&mut self, run: &mut Run, chunk: &Chunk<'_>) -> io::Result<()> {
        if run.reading.detectors.is_some() {
            // They see every line when it comes; nothing is shown yet.
            run.reading.take(chunk, "-", u64::MAX, &mut run.shower)?;
        }
        if matches!(chunk.part, Part::Middle | Part::End) {
            if let Some(line) = self.lines.back_mut().filter(|_| self.is_kept_on) {
                line.pieces.push((chunk.part, chunk.bytes.to_vec()));
            }
            return Ok(());
        }
        let before = self.lines.len();
        let mut starts = Vec::new();
        run.reading
            .count(chunk.bytes, &mut self.carry, true, |(at, _)| {
                starts.push(at);
            });
        let first = starts.len().saturating_sub(self.most);
        for at in starts.into_iter().skip(first) {
            let rest = &chunk.bytes[at..];
            let end = match chunk.part {
                Part::Lines => memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1),
                _ => rest.len(),
            };
            let newlines = memchr::memchr_iter(b'\n', &chunk.bytes[..at]).count();
            self.lines.push_back(Line {
                offset: chunk.offset + at as u64,
                number: chunk.line.map(|line| line + newlines as u64),
                pieces: vec![(chunk.part, rest[..end].to_vec())],
            });
        }
        self.is_kept_on = self.lines.len() > before;
        let excess = self.lines.len().saturating_sub(self.most);
        self.lines.drain(..excess);
        Ok(())
    }

    fn show(&mut self, run: &mut Run) -> io::Result<()> {
        for line in self.lines.drain(..) {
            let mut offset = line.offset;
            for (part, bytes) in &line.pieces {
                let chunk = Chunk {
                    bytes,
                    offset,
                    line: line.number,
                    part: *part,
                };
                run.reading.take_chosen(&chunk, "-", &mut run.shower)?;
                offset += bytes.len() as u64;
            }
        }
        Ok(())
    }
}
