//! The hash of tables whose keys are an attacker's: quick, since every event asks several, and seeded, so
//! that nobody can choose keys that meet.

use std::hash::{BuildHasher, Hasher as _, RandomState};

use foldhash::SharedSeed;
use foldhash::quality::{FoldHasher, SeedableRandomState};

/// Makes hashers that share one secret.
#[derive(Debug, Clone)]
pub struct Seeded(SeedableRandomState);

impl Default for Seeded {
    fn default() -> Self {
        // The secret comes from the system's generator.
        let secret = RandomState::new().hash_one(0);
        let shared = SharedSeed::global_random();
        Self(SeedableRandomState::with_seed(secret, shared))
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
    type Hasher = FoldHasher<'static>;

    #[inline]
    fn build_hasher(&self) -> Self::Hasher {
        self.0.build_hasher()
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
