//! Base64 that is broken into lines, put together again.

use std::ops::Range;

/// Encoders break lines behind 60 characters and more; a text is probed so often that each such
/// line is seen.
const STRIDE: usize = 32;
/// Where a probe looks, behind its place.
const PROBES: [usize; 5] = [0, 3, 7, 11, 15];
/// A shorter line is none that an encoder broke.
const SHORTEST_LINE: usize = 48;

/// Lines of base64 without what breaks them.
pub(super) struct Block {
    text: Vec<u8>,
    /// Where a line begins: in the block, and in the text around it.
    lines: Vec<(usize, usize)>,
}

impl Block {
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where a stretch of the block stands in the text around it.
    pub(super) fn place(&self, range: Range<usize>) -> Range<usize> {
        let place = |at: usize| {
            let line = self.lines.partition_point(|(begin, _)| *begin <= at);
            let (begin, outside) = self.lines[line.saturating_sub(1)];
            outside + at - begin
        };
        place(range.start)..place(range.end.saturating_sub(1)) + 1
    }
}

/// The stretches of base64 on two lines and more.
pub(super) fn blocks(text: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut at = 0;
    // What was looked at is not looked at again.
    let mut done = 0;
    while let Some(probed) = text.get(at..at + STRIDE) {
        if !PROBES.iter().all(|probe| is_part(probed[*probe])) {
            at += STRIDE;
            continue;
        }
        let before = text[done..at].iter().rev();
        let start = at - before.take_while(|byte| is_part(**byte)).count();
        let (block, end) = block_at(text, start);
        blocks.extend(block.filter(|block| block.lines.len() > 1));
        done = end;
        at = end.max(at + STRIDE);
    }
    blocks
}

/// The block that begins at `start`, and where it ends.
fn block_at(text: &[u8], start: usize) -> (Option<Block>, usize) {
    let mut end = line_end(text, start);
    if end - start < SHORTEST_LINE || next_line(text, end).is_none() {
        return (None, end);
    }
    let mut block = Block {
        text: text[start..end].to_vec(),
        lines: vec![(0, start)],
    };
    while let Some(next) = next_line(text, end) {
        end = line_end(text, next);
        block.lines.push((block.text.len(), next));
        block.text.extend_from_slice(&text[next..end]);
    }
    (Some(block), end)
}

fn line_end(text: &[u8], start: usize) -> usize {
    let line = text[start..].iter();
    start + line.take_while(|byte| is_part(**byte)).count()
}

/// Where base64 goes on behind a line break and blanks.
fn next_line(text: &[u8], end: usize) -> Option<usize> {
    let rest = &text[end..];
    let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
    let rest = rest.strip_prefix(b"\n")?;
    let blanks = rest.iter().take_while(|byte| b" \t".contains(byte)).count();
    let next = text.len() - rest.len() + blanks;
    text.get(next).copied().filter(|byte| is_part(*byte))?;
    Some(next)
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}
