//! How common a word is: one list of words, names and passwords with their ranks.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::OnceLock;

use flate2::read::DeflateDecoder;

/// `words.txt` as `build.rs` packs it. Unpacked on first use: most runs never ask.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/words.deflate"));

/// The binary logarithm of a word's rank, 0 for the most common; none for what is no word.
pub(super) fn rank_bits(word: &[u8]) -> Option<f64> {
    static WORDS: OnceLock<Vec<u8>> = OnceLock::new();
    static RANKS: OnceLock<HashMap<&'static [u8], u8>> = OnceLock::new();
    let ranks = RANKS.get_or_init(|| {
        let (words, ranks) = unpack();
        let mut map = HashMap::with_capacity(ranks.len());
        map.extend(words_of(WORDS.get_or_init(|| words)).zip(ranks));
        map
    });
    Some(f64::from(*ranks.get(word)?) / 4.0)
}

/// The words, each ended by the byte 0, and their ranks.
fn unpack() -> (Vec<u8>, Vec<u8>) {
    let mut plain = Vec::new();
    DeflateDecoder::new(PACKED)
        .read_to_end(&mut plain)
        .expect("this program's own build packed it");
    let middle = memchr::memchr(0, &plain).unwrap_or(plain.len());
    let ranks = plain.split_off(middle);
    let mut words = Vec::with_capacity(1 << 20);
    let mut start = 0;
    for &byte in &plain {
        if byte.is_ascii_uppercase() {
            // What the word shares with the one before is copied from there.
            let last = start;
            words.extend((!words.is_empty()).then_some(0));
            start = words.len();
            words.extend_from_within(last..last + usize::from(byte - b'A'));
        } else {
            words.push(byte);
        }
    }
    (words, ranks[1..].to_vec())
}

fn words_of(words: &[u8]) -> impl Iterator<Item = &[u8]> {
    words.split(|byte| *byte == 0)
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
        let (words, ranks) = unpack();
        assert_eq!(words_of(&words).count(), count);
        assert_eq!(ranks.len(), count);
    }
}
