//! How common a word is: one list of words, names and passwords with their ranks.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Read on first use: most runs never ask.
const LIST: &str = include_str!("words.txt");

/// The binary logarithm of a word's rank, 0 for the most common; none for what is no word.
pub(super) fn rank_bits(word: &[u8]) -> Option<f64> {
    static RANKS: OnceLock<HashMap<&'static [u8], u8>> = OnceLock::new();
    let quarters = RANKS.get_or_init(ranks).get(word)?;
    Some(f64::from(*quarters) / 4.0)
}

fn ranks() -> HashMap<&'static [u8], u8> {
    let mut ranks = HashMap::with_capacity(80_000);
    for line in LIST.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split(' ');
        if let Some(quarters) = fields.next().and_then(|field| field.parse().ok()) {
            ranks.extend(fields.map(|word| (word.as_bytes(), quarters)));
        }
    }
    ranks
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
    fn every_line_of_the_list_is_read() {
        let words: usize = LIST
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split(' ').count() - 1)
            .sum();
        assert_eq!(ranks().len(), words);
    }
}
