//! How common a word is: one list of words, names and passwords with their ranks.

use std::io::Read as _;
use std::sync::OnceLock;

use flate2::read::DeflateDecoder;
use hashbrown::HashTable;

use crate::hashing::Seeded;

/// `words.txt` as `build.rs` packs it. Unpacked on first use: most runs never ask.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/words.deflate"));

/// The binary logarithm of a word's rank, 0 for the most common; none for what is no word.
pub(super) fn rank_bits(word: &[u8]) -> Option<f64> {
    static DICTIONARY: OnceLock<Dictionary> = OnceLock::new();
    let quarters = DICTIONARY.get_or_init(Dictionary::unpack).quarters(word)?;
    Some(f64::from(quarters) / 4.0)
}

/// All words. A table of numbers is built many times faster than one of texts, and every `check` of a
/// password needs it.
struct Dictionary {
    /// One after the other.
    letters: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
    /// Four times the binary logarithm of each one's rank.
    quarters: Vec<u8>,
    hasher: Seeded,
    /// The words' numbers by their hash.
    numbers: HashTable<u32>,
}

impl Dictionary {
    fn unpack() -> Self {
        let mut plain = Vec::with_capacity(1 << 19);
        DeflateDecoder::new(PACKED)
            .read_to_end(&mut plain)
            .expect("this program's own build packed it");
        let middle = memchr::memchr(0, &plain).unwrap_or(plain.len());
        let quarters = plain.split_off(middle)[1..].to_vec();
        let mut letters = Vec::with_capacity(1 << 20);
        let mut ends: Vec<u32> = Vec::with_capacity(quarters.len());
        let mut start = 0;
        for &byte in &plain {
            if byte.is_ascii_uppercase() {
                // What the word shares with the one before is copied from there.
                let last = start;
                if !letters.is_empty() {
                    ends.push(letters.len() as u32);
                }
                start = letters.len();
                letters.extend_from_within(last..last + usize::from(byte - b'A'));
            } else {
                letters.push(byte);
            }
        }
        ends.push(letters.len() as u32);
        let mut dictionary = Self {
            numbers: HashTable::with_capacity(ends.len()),
            hasher: Seeded::default(),
            letters,
            ends,
            quarters,
        };
        for number in 0..dictionary.ends.len() as u32 {
            let hash = dictionary.hasher.of_bytes(dictionary.word(number));
            // There is room for all, so that none moves.
            dictionary.numbers.insert_unique(hash, number, |_| 0);
        }
        dictionary
    }

    fn word(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = number.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.letters[start as usize..self.ends[number] as usize]
    }

    fn quarters(&self, word: &[u8]) -> Option<u8> {
        let hash = self.hasher.of_bytes(word);
        let number = self
            .numbers
            .find(hash, |number| self.word(*number) == word)?;
        Some(self.quarters[*number as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_words_rank_before_rare_ones() {
        let password = rank_bits(b"password").unwrap();
        let staple = rank_bits(b"staple").unwrap();
        assert!(password < 2.0 && staple > 8.0, "{password} {staple}");
        assert_eq!(rank_bits(b"xkqzvj"), None);
    }

    #[test]
    fn every_word_of_the_list_is_unpacked_with_its_rank() {
        let list = include_str!("words.txt");
        let mut count = 0;
        for line in list.lines().filter(|line| !line.starts_with('#')) {
            let (quarters, words) = line.split_once(' ').unwrap();
            let bits = quarters.parse::<f64>().unwrap() / 4.0;
            for word in words.split(' ') {
                assert_eq!(rank_bits(word.as_bytes()), Some(bits), "{word}");
                count += 1;
            }
        }
        let dictionary = Dictionary::unpack();
        assert_eq!(dictionary.numbers.len(), count);
        assert_eq!(dictionary.ends.len(), count);
        assert_eq!(dictionary.quarters.len(), count);
    }
}
