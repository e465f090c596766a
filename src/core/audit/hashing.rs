//! A quick hash with a secret seed: every event asks several tables, whose keys are an attacker's.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Makes hashers that share one secret.
#[derive(Debug, Clone)]
pub struct Seeded {
    start: u64,
    factor: u64,
}

impl Default for Seeded {
    fn default() -> Self {
        let random = RandomState::new();
        Self {
            start: random.hash_one(0),
            // Odd, so that no bit of a key is lost.
            factor: random.hash_one(1) | 1,
        }
    }
}

impl Seeded {
    /// The hash of bytes alone.
    #[inline]
    pub fn of_bytes(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }
}

impl BuildHasher for Seeded {
    type Hasher = Folding;

    #[inline]
    fn build_hasher(&self) -> Folding {
        Folding {
            state: self.start,
            factor: self.factor,
        }
    }
}

/// Multiplies 64 bits by 64 and folds both halves of the product together (Wang Yi's wyhash). Who
/// does not know the seed cannot choose keys that share a place.
#[derive(Debug)]
pub struct Folding {
    state: u64,
    factor: u64,
}

impl Folding {
    #[inline]
    fn fold(&mut self, word: u64, salt: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.factor ^ salt);
        // Both halves of it, on purpose.
        self.state = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for Folding {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let length = bytes.len();
        let last = if let Some(last) = bytes.last_chunk() {
            // The last eight bytes may have been read in part already.
            let (blocks, _) = bytes[..length - 1].as_chunks();
            for block in blocks {
                self.fold(u64::from_le_bytes(*block), 0);
            }
            u64::from_le_bytes(*last)
        } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        } else {
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        self.fold(last, length as u64);
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.fold(u64::from(number), 0);
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.fold(u64::from(number), 0);
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.fold(number, 0);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.fold(number as u64, 0);
    }

    /// Folds once more: of keys that follow each other, as addresses do, one fold leaves the lower bits
    /// side by side under some seeds.
    #[inline]
    fn finish(&self) -> u64 {
        const FACTOR: u128 = 0x9e37_79b9_7f4a_7c15;
        let product = u128::from(self.state) * FACTOR;
        // Both halves of it, on purpose.
        (product as u64) ^ ((product >> 64) as u64)
    }
}

/// For keys that are hashes already.
#[derive(Debug, Default)]
pub struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .iter()
            .fold(self.0, |sum, byte| sum.rotate_left(8) ^ u64::from(*byte));
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_that_look_alike_share_no_hash_and_fill_all_places_alike() {
        let seeded = Seeded::default();
        let texts = (0..20_000).flat_map(|n| [format!("user{n}"), format!("198.18.0.{n}")]);
        let more = (0..64).flat_map(|n| ["a".repeat(n), "\0".repeat(n)]);
        let texts: HashSet<String> = texts.chain(more).collect();
        let hashes: HashSet<u64> = texts.iter().map(|text| seeded.hash_one(text)).collect();
        assert_eq!(hashes.len(), texts.len());
        // Hash tables take the lowest and the highest bits.
        for shift in [0, 57] {
            let mut places = [0; 128];
            for hash in &hashes {
                places[(hash >> shift) as usize % 128] += 1;
            }
            assert!(
                places.iter().all(|count| (160..480).contains(count)),
                "{places:?}"
            );
        }
        let numbers: HashSet<u64> = (0..20_000u64).map(|n| seeded.hash_one(n << 20)).collect();
        assert_eq!(numbers.len(), 20_000);
    }

    #[test]
    fn another_run_has_another_seed() {
        let (one, other) = (Seeded::default(), Seeded::default());
        assert_ne!(one.hash_one("user"), other.hash_one("user"));
        assert_eq!(one.hash_one("user"), one.clone().hash_one("user"));
    }
}
