//! Makes keys from the system's random generator and nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::TryRng;
use zeroize::Zeroizing;

use crate::hex;
use crate::key_shapes::openclaw_checksum;
use crate::secret::Secret;

/// The fewest bytes a key may have: 128 bits.
pub const FEWEST_BYTES: usize = 16;
/// The most bytes a key may have.
pub const MOST_BYTES: usize = 4096;
/// The most keys of one run.
pub const MOST_KEYS: usize = 100_000;

/// The digits of base62, in the order of their values.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The digits of the checksum at the end of a prefixed key.
const CHECKSUM_DIGITS: usize = 6;

/// How a key is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// RFC 4648 §4, with padding: what `openssl rand -base64` prints.
    Base64,
    /// RFC 4648 §5, without padding.
    Base64Url,
    /// Two lower-case digits a byte.
    Hex,
    /// `PREFIX_`, a base62 body, and six base62 digits of CRC-32 (IEEE 802.3) over the body.
    Prefixed(String),
}

/// Why no key was made.
#[derive(Debug, thiserror::Error)]
pub enum KeygenError {
    /// Too short to be safe, or absurdly long.
    #[error(
        "--bytes {0} is out of range: a key needs {FEWEST_BYTES} bytes (128 bits) to withstand guessing, and {MOST_BYTES} at most"
    )]
    Bytes(usize),
    /// None, or too many at once.
    #[error("--count {0} is out of range: 1 to {MOST_KEYS}")]
    Count(usize),
    /// Scanners could not recognise it.
    #[error("--prefix takes letters and digits, beginning with a letter, such as `claw`")]
    Prefix,
    /// The system's generator gave nothing.
    #[error("the system's random generator does not answer, so no key was made: {0}")]
    NoRandomness(String),
}

impl KeygenError {
    /// Whether the request is to blame, and not the machine.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::NoRandomness(_))
    }
}

/// What kind of keys to make.
#[derive(Debug, Clone)]
pub struct Recipe {
    bytes: usize,
    form: Form,
}

impl Recipe {
    /// Keys of `bytes` random bytes, written in `form`.
    ///
    /// # Errors
    /// When the length or the prefix is not acceptable.
    pub fn new(bytes: usize, form: Form) -> Result<Self, KeygenError> {
        if !(FEWEST_BYTES..=MOST_BYTES).contains(&bytes) {
            return Err(KeygenError::Bytes(bytes));
        }
        if let Form::Prefixed(prefix) = &form {
            let begins_well = prefix.starts_with(|c: char| c.is_ascii_alphabetic());
            if !begins_well || !prefix.chars().all(|c| c.is_ascii_alphanumeric()) {
                return Err(KeygenError::Prefix);
            }
        }
        Ok(Self { bytes, form })
    }

    /// One key. All of its bytes come from `random`.
    ///
    /// # Errors
    /// When `random` fails.
    pub fn make<R: TryRng>(&self, random: &mut R) -> Result<Secret, KeygenError> {
        if let Form::Prefixed(prefix) = &self.form {
            return self.prefixed(prefix, random);
        }
        let mut bytes = Zeroizing::new(vec![0; self.bytes]);
        fill(random, &mut bytes)?;
        Ok(Secret::new(match self.form {
            Form::Base64Url => URL_SAFE_NO_PAD.encode(&*bytes),
            Form::Hex => hex::lower(&bytes),
            _ => STANDARD.encode(&*bytes),
        }))
    }

    fn prefixed<R: TryRng>(&self, prefix: &str, random: &mut R) -> Result<Secret, KeygenError> {
        let length = body_length(self.bytes);
        let mut key = Zeroizing::new(Vec::with_capacity(
            prefix.len() + 1 + length + CHECKSUM_DIGITS,
        ));
        key.extend_from_slice(prefix.as_bytes());
        key.push(b'_');
        let body_start = key.len();
        let mut bytes = Zeroizing::new(vec![0; self.bytes]);
        while key.len() < body_start + length {
            fill(random, &mut bytes)?;
            let missing = body_start + length - key.len();
            key.extend(bytes.iter().filter_map(|byte| digit(*byte)).take(missing));
        }
        let checksum: [u8; CHECKSUM_DIGITS] = openclaw_checksum(&key[body_start..]);
        key.extend_from_slice(&checksum);
        Ok(Secret::new(std::mem::take(&mut *key)))
    }
}

fn fill<R: TryRng>(random: &mut R, bytes: &mut [u8]) -> Result<(), KeygenError> {
    random
        .try_fill_bytes(bytes)
        .map_err(|error| KeygenError::NoRandomness(error.to_string()))
}

/// As many digits as hold `bytes` bytes of randomness: ⌈8·bytes ÷ log2 62⌉.
fn body_length(bytes: usize) -> usize {
    let bits = 8.0 * bytes as f64;
    libm::ceil(bits / libm::log2(62.0)) as usize
}

/// A base62 digit for a random byte. Bytes from 248 on are thrown away: taking them modulo 62
/// would make the first digits more frequent than the others.
fn digit(byte: u8) -> Option<u8> {
    const UNBIASED: u8 = 4 * 62;
    (byte < UNBIASED).then(|| BASE62[usize::from(byte % 62)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::SysRng;

    fn make(bytes: usize, form: Form) -> String {
        let key = Recipe::new(bytes, form).unwrap().make(&mut SysRng).unwrap();
        String::from_utf8(key.expose().to_vec()).unwrap()
    }

    #[test]
    fn each_form_has_its_length_and_alphabet() {
        for bytes in [16, 17, 31, 32, 33, 4096] {
            let base64 = make(bytes, Form::Base64);
            assert_eq!(STANDARD.decode(&base64).unwrap().len(), bytes);
            let url = make(bytes, Form::Base64Url);
            assert!(!url.contains(['=', '+', '/']));
            assert_eq!(URL_SAFE_NO_PAD.decode(&url).unwrap().len(), bytes);
            let hex = make(bytes, Form::Hex);
            assert_eq!(hex.len(), 2 * bytes);
            assert!(
                hex.chars()
                    .all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
            );
        }
    }

    #[test]
    fn a_prefixed_key_is_recognised_by_its_checksum() {
        let key = make(32, Form::Prefixed("claw".into()));
        assert_eq!(key.len(), "claw_".len() + 43 + 6);
        let body = &key["claw_".len()..key.len() - 6];
        assert_eq!(
            key.as_bytes()[key.len() - 6..],
            openclaw_checksum(body.as_bytes())
        );
        assert_eq!(
            crate::key_shapes::recognise(key.as_bytes()).unwrap().id,
            "openclaw-token"
        );
    }

    #[test]
    fn body_lengths_follow_the_formula() {
        assert_eq!([16, 32, 64].map(body_length), [22, 43, 86]);
    }

    #[test]
    fn base62_digits_are_equally_frequent() {
        let mut counts = [0u32; 256];
        for byte in 0..=u8::MAX {
            if let Some(digit) = digit(byte) {
                counts[usize::from(digit)] += 1;
            }
        }
        assert!(BASE62.iter().all(|digit| counts[usize::from(*digit)] == 4));
    }

    #[test]
    fn unsafe_requests_are_refused() {
        assert!(matches!(
            Recipe::new(15, Form::Hex),
            Err(KeygenError::Bytes(15))
        ));
        assert!(matches!(
            Recipe::new(4097, Form::Hex),
            Err(KeygenError::Bytes(_))
        ));
        for prefix in ["", "1a", "a_b", "a b", "ä", "-a"] {
            assert!(matches!(
                Recipe::new(32, Form::Prefixed(prefix.into())),
                Err(KeygenError::Prefix)
            ));
        }
    }
}
