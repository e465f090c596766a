//! A block of bytes that grows by short pieces, each of which costs a few moves and no call.

use std::io::{self, Write};

/// A block this large is handed on, in bytes.
const FULL: usize = 64 << 10;
/// A block is not kept larger than this, in bytes: a long line must not hold its memory for ever.
const LARGEST: usize = 1 << 20;

/// A block that holds anything is this large, in bytes.
const FEWEST: usize = 512;
/// A text this long is two words, in bytes.
pub const SHORT: usize = 16;

/// Bytes on their way to stdout.
#[derive(Debug, Default)]
pub struct Block {
    /// The first `end` of them count; the rest is room.
    bytes: Vec<u8>,
    end: usize,
}

/// A short text with room behind it, so that it is copied as a whole.
#[derive(Debug, Clone, Copy)]
pub struct Piece<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Piece<N> {
    /// A text of at most `N` bytes; a longer one is cut.
    pub const fn new(text: &[u8]) -> Self {
        let mut bytes = [b' '; N];
        let mut length = 0;
        while length < N && length < text.len() {
            bytes[length] = text[length];
            length += 1;
        }
        Self { bytes, length }
    }
}

impl Block {
    /// What was written since the last [`Block::clear`].
    pub fn written(&self) -> &[u8] {
        &self.bytes[..self.end]
    }

    /// Whether it is time to hand on what was written.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.end >= FULL
    }

    /// Forgets what was written.
    pub fn clear(&mut self) {
        self.end = 0;
        self.bytes.truncate(LARGEST);
        self.bytes.shrink_to(LARGEST);
    }

    /// Adds bytes, however many.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.bytes.len() - self.end < bytes.len() {
            self.grow(bytes.len());
        }
        let end = self.end + bytes.len();
        self.bytes[self.end..end].copy_from_slice(bytes);
        self.end = end;
    }

    /// Adds a constant.
    #[inline(always)]
    pub fn push_constant<const N: usize>(&mut self, bytes: &[u8; N]) {
        *self.room() = *bytes;
        self.end += N;
    }

    /// Adds a piece.
    #[inline(always)]
    pub fn push_piece<const N: usize>(&mut self, piece: &Piece<N>) {
        *self.room() = piece.bytes;
        self.end += piece.length;
    }

    /// Adds a text of at most [`SHORT`] where it is printable ASCII and there is room, and says
    /// whether it did. It calls nothing, which keeps it cheap.
    #[inline(never)]
    pub fn push_if_printable(&mut self, text: &[u8]) -> bool {
        let (first, last, start) = two_words(text);
        if odd_bytes(first) | odd_bytes(last) != 0 {
            return false;
        }
        let room = self.bytes.get_mut(self.end..);
        let Some(room) = room.and_then(|room| room.first_chunk_mut::<16>()) else {
            return false;
        };
        *room.first_chunk_mut().expect("8 of 16") = first.to_le_bytes();
        *room[start..].first_chunk_mut().expect("8 and 8 of 16") = last.to_le_bytes();
        self.end += text.len();
        true
    }

    /// The same in quotation marks, for a text that has none and no backslashes.
    #[inline(never)]
    pub fn push_quoted_if_plain(&mut self, text: &[u8]) -> bool {
        let (first, last, start) = two_words(text);
        let marks = |word: u64| odd_bytes(word) | bytes_like(word, b'"', b'\\');
        if marks(first) | marks(last) != 0 {
            return false;
        }
        let room = self.bytes.get_mut(self.end..);
        let Some(room) = room.and_then(|room| room.first_chunk_mut::<18>()) else {
            return false;
        };
        room[0] = b'"';
        *room[1..].first_chunk_mut().expect("8 of 18") = first.to_le_bytes();
        *room[1 + start..]
            .first_chunk_mut()
            .expect("1 and 8 and 8 of 18") = last.to_le_bytes();
        let end = text.len().min(SHORT);
        room[1 + end] = b'"';
        self.end += end + 2;
        true
    }

    /// Blanks up to a column, where `used` columns are filled; at least one, so that a field that is
    /// too long still ends before the next begins. A column is below 32.
    #[inline(always)]
    pub fn pad(&mut self, used: usize, width: usize) {
        *self.room() = [b' '; 32];
        self.end += padding(used, width);
    }

    /// Room behind what was written, to be taken by [`Block::advance`].
    #[inline(always)]
    pub fn room<const N: usize>(&mut self) -> &mut [u8; N] {
        let room = self.bytes.get(self.end..);
        if room.is_none_or(|room| room.len() < N) {
            return self.more_room();
        }
        self.bytes[self.end..]
            .first_chunk_mut()
            .expect("that much room was found")
    }

    #[cold]
    #[inline(never)]
    fn more_room<const N: usize>(&mut self) -> &mut [u8; N] {
        self.grow(N);
        self.bytes[self.end..]
            .first_chunk_mut()
            .expect("that much room was made")
    }

    /// The next bytes of the room count as written.
    #[inline(always)]
    pub fn advance(&mut self, count: usize) {
        self.end += count;
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, count: usize) {
        let needed = (self.end + count).max(FEWEST);
        // Twice as large, but for a long line no larger than it takes.
        let length = self.bytes.len();
        self.bytes
            .resize(needed.max(length + length.min(LARGEST)), 0);
    }
}

impl Write for Block {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Room of a fixed size that is filled by pieces without a look at its end: together they are below
/// 128 bytes where the last one begins.
pub struct Row<'b> {
    room: &'b mut [u8; 256],
    /// How much is filled.
    pub end: usize,
}

impl<'b> Row<'b> {
    /// An empty row; what is filled must be taken by [`Block::advance`].
    #[inline(always)]
    pub fn new(block: &'b mut Block) -> Self {
        Self {
            room: block.room(),
            end: 0,
        }
    }

    /// The room for the next piece.
    #[inline(always)]
    pub fn next<const N: usize>(&mut self) -> &mut [u8; N] {
        debug_assert!(self.end < 128 && N <= 128);
        self.room[self.end & 127..]
            .first_chunk_mut()
            .expect("127 and 128 are below 256")
    }

    /// Adds a constant.
    #[inline(always)]
    pub fn constant<const N: usize>(&mut self, bytes: &[u8; N]) {
        *self.next() = *bytes;
        self.end += N;
    }

    /// Adds a piece.
    #[inline(always)]
    pub fn piece<const N: usize>(&mut self, piece: &Piece<N>) {
        *self.next() = piece.bytes;
        self.end += piece.length;
    }

    /// The same as [`Block::pad`].
    #[inline(always)]
    pub fn pad(&mut self, used: usize, width: usize) {
        *self.next() = [b' '; 32];
        self.end += padding(used, width);
    }
}

#[inline(always)]
fn padding(used: usize, width: usize) -> usize {
    width.saturating_sub(used).clamp(1, 32)
}

/// Ones in every byte of a word.
const ONES: u64 = u64::from_ne_bytes([1; 8]);
/// The highest bit of every byte of a word.
const HIGHEST: u64 = u64::from_ne_bytes([0x80; 8]);
/// A word of blanks.
const BLANKS: u64 = u64::from_ne_bytes([b' '; 8]);

/// The highest bit of each of eight bytes that is no printable ASCII.
#[inline(always)]
fn odd_bytes(word: u64) -> u64 {
    // No sum of seven bits and another reaches the next byte.
    let low = word & !HIGHEST;
    let from_blank = low + ONES * 0x60;
    let delete = low + ONES;
    (!from_blank | delete | word) & HIGHEST
}

/// The highest bit of each of eight bytes that is one of two in ASCII; other bytes may share it where
/// [`odd_bytes`] has theirs.
#[inline(always)]
fn bytes_like(word: u64, one: u8, other: u8) -> u64 {
    let low = word & !HIGHEST;
    let differs = |byte: u8| (low ^ (ONES * u64::from(byte))) + ONES * 0x7f;
    !(differs(one) & differs(other)) & HIGHEST
}

/// A text of at most [`SHORT`] as two words: its first eight bytes, its last ones, and where those begin.
/// What is shorter than a word stands in both.
#[inline(always)]
fn two_words(text: &[u8]) -> (u64, u64, usize) {
    if let Some(start) = text.len().checked_sub(8) {
        return (word_at(text, 0), word_at(text, start), start.min(8));
    }
    let word = short_word(text);
    (word, word, 0)
}

/// The eight bytes from `at` on, which must be there.
#[inline(always)]
fn word_at(text: &[u8], at: usize) -> u64 {
    let bytes = <[u8; 8]>::try_from(&text[at..at + 8]);
    u64::from_le_bytes(bytes.expect("the slice has eight bytes"))
}

/// A text below eight bytes as a word, the first byte lowest, with blanks behind it.
#[inline(always)]
fn short_word(text: &[u8]) -> u64 {
    let length = text.len();
    let bits = 8 * (length as u32 & 7);
    let blanks = BLANKS << bits;
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return blanks | u64::from(first) | u64::from(last) << ((bits - 32) & 63);
    }
    let (Some(first), Some(last)) = (text.first(), text.last()) else {
        return BLANKS;
    };
    let middle = u64::from(text[length / 2]) << (8 * (length / 2));
    blanks | u64::from(*first) | middle | u64::from(*last) << ((bits - 8) & 63)
}

/// Whether a text is printable ASCII, without a look at each byte by itself.
pub fn is_printable_ascii(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks();
    let odd = words.iter().fold(odd_bytes(short_word(rest)), |odd, word| {
        odd | odd_bytes(u64::from_le_bytes(*word))
    });
    odd == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn marks_of_a_word_are_those_of_its_bytes(text in "[ -~]{0,6}", odd in "[\\x00-\\x20\"\\\\~\\x7fé]{0,3}") {
            let text = format!("{odd}{text}");
            let text = &text.as_bytes()[..text.len().min(7)];
            let word = short_word(text);
            proptest::prop_assert_eq!(&word.to_le_bytes()[..text.len()], text);
            for place in 0..8 {
                let byte = text.get(place).copied().unwrap_or(b' ');
                let marks = |word: u64| word >> (8 * place) & 0xff != 0;
                let is_odd = !(0x20..0x7f).contains(&byte);
                proptest::prop_assert_eq!(marks(odd_bytes(word)), is_odd);
                if !is_odd {
                    let is_like = byte == b'"' || byte == b'\\';
                    proptest::prop_assert_eq!(marks(bytes_like(word, b'"', b'\\')), is_like);
                }
            }
        }

        #[test]
        fn printable_is_what_has_no_odd_byte(text in "[ -~]{0,40}", odd in "[\\x00-\\x20~\\x7fé]{0,3}") {
            let text = format!("{text}{odd}{text}");
            let is_printable = |text: &[u8]| text.iter().all(|byte| (0x20..0x7f).contains(byte));
            let bytes = text.as_bytes();
            proptest::prop_assert_eq!(is_printable_ascii(bytes), is_printable(bytes));
            let short = &bytes[..bytes.len().min(SHORT)];
            let mut block = Block::default();
            proptest::prop_assert!(!block.push_if_printable(short), "there is no room");
            block.push(&[0; 32]);
            block.clear();
            proptest::prop_assert_eq!(block.push_if_printable(short), is_printable(short));
            let expected = if is_printable(short) { short } else { b"" };
            proptest::prop_assert_eq!(block.written(), expected);
            let is_plain = is_printable(short) && !short.iter().any(|byte| b"\"\\".contains(byte));
            block.clear();
            proptest::prop_assert_eq!(block.push_quoted_if_plain(short), is_plain);
            let expected = if is_plain { [b"\"", short, b"\""].concat() } else { Vec::new() };
            proptest::prop_assert_eq!(block.written(), expected);
        }

        #[test]
        fn a_block_is_its_pieces_one_after_the_other(
            pieces in proptest::collection::vec((0..4u8, 0u8.., 0..40_000usize), 0..6),
        ) {
            let mut block = Block::default();
            let mut expected = Vec::new();
            for (way, byte, length) in pieces {
                let bytes = vec![byte; length];
                let short = &bytes[..bytes.len().min(20)];
                match way {
                    0 => {
                        block.push(&bytes);
                        expected.extend(bytes);
                    }
                    1 => {
                        block.push_constant(b"constant");
                        expected.extend(b"constant");
                    }
                    2 => {
                        block.pad(bytes.len(), 18);
                        expected.extend(vec![b' '; 18usize.saturating_sub(bytes.len()).max(1)]);
                    }
                    _ => {
                        let mut row = Row::new(&mut block);
                        row.piece(&Piece::<20>::new(short));
                        row.constant(b"|");
                        let end = row.end;
                        block.advance(end);
                        expected.extend(short);
                        expected.push(b'|');
                    }
                }
            }
            proptest::prop_assert!(block.written() == expected);
            let was_full = block.is_full();
            proptest::prop_assert_eq!(was_full, expected.len() >= FULL);
            block.clear();
            proptest::prop_assert!(block.written().is_empty());
        }
    }

    #[test]
    fn a_long_line_does_not_hold_its_memory() {
        let mut block = Block::default();
        block.push(&vec![b'x'; 3 * LARGEST]);
        block.clear();
        assert!(block.bytes.capacity() <= LARGEST);
        block.push_constant(b"next");
        assert_eq!(block.written(), b"next");
    }
}
