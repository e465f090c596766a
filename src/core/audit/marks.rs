//! Where quotes and backslashes stand in a line, sixty-four bytes at a time.

use wide::u8x16;

/// Bytes that are looked at together.
const BLOCK: usize = 64;
/// A place that no slice has.
const NOWHERE: usize = usize::MAX;

/// Walks over the marks of a text from left to right: its quotes and backslashes.
pub struct Marks<'b> {
    bytes: &'b [u8],
    /// Where the block begins that was looked at last.
    start: usize,
    /// Bit n is set where the block's byte n is a mark.
    bits: u64,
}

impl<'b> Marks<'b> {
    /// The marks of these bytes.
    #[inline]
    pub fn of(bytes: &'b [u8]) -> Self {
        Self {
            bytes,
            start: 0,
            bits: marks_at(bytes, 0),
        }
    }

    /// The first mark at `at` or behind it; a place that no slice has where there is none. To ask for
    /// one before the place asked for last is allowed and costs as much as the first question.
    #[inline(always)]
    pub fn next(&mut self, at: usize) -> usize {
        let inside = at.wrapping_sub(self.start);
        if inside < BLOCK {
            let left = self.bits >> inside;
            if left != 0 {
                return at + left.trailing_zeros() as usize;
            }
        }
        self.next_block(at)
    }

    #[inline(never)]
    fn next_block(&mut self, at: usize) -> usize {
        let inside = at.wrapping_sub(self.start);
        let mut start = if inside < BLOCK {
            self.start + BLOCK
        } else {
            at
        };
        while start < self.bytes.len() {
            let bits = marks_at(self.bytes, start);
            if bits != 0 {
                self.start = start;
                self.bits = bits;
                return start + bits.trailing_zeros() as usize;
            }
            start += BLOCK;
        }
        self.start = start;
        self.bits = 0;
        NOWHERE
    }
}

/// The marks among the sixty-four bytes from `start` on, or among those that are left.
#[inline(always)]
fn marks_at(bytes: &[u8], start: usize) -> u64 {
    let rest = bytes.get(start..).unwrap_or_default();
    if let Some(block) = rest.first_chunk() {
        return marks(block);
    }
    match bytes.last_chunk() {
        // The end of the text, of which the beginning of the block is not wanted.
        Some(block) if !rest.is_empty() => marks(block) >> (BLOCK - rest.len()),
        _ => {
            let mut block = [0; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            marks(&block)
        }
    }
}

/// Bit n is set where byte n is a quote or a backslash.
#[inline(always)]
fn marks(block: &[u8; BLOCK]) -> u64 {
    let (quarters, _) = block.as_chunks();
    let quarter = |at: usize| {
        let bytes = u8x16::new(quarters[at]);
        let found = bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\'));
        u64::from(found.to_bitmask()) << (16 * at)
    };
    quarter(0) | quarter(1) | quarter(2) | quarter(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn every_mark_is_found_whatever_was_asked_before(
            text in "([a!#\\[\\]é\u{a2}\u{dc}]{0,90}[\"\\\\]{0,2}){0,4}",
            asked in proptest::collection::vec(0usize..400, 1..20),
        ) {
            let bytes = text.as_bytes();
            let mut marks = Marks::of(bytes);
            for at in asked {
                let at = at.min(bytes.len());
                let expected = bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'\\'));
                let expected = expected.map_or(NOWHERE, |found| at + found);
                proptest::prop_assert_eq!(marks.next(at), expected);
            }
        }
    }
}
