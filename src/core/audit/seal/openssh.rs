//! Ed25519 keys and signatures as OpenSSH writes them.
//!
//! Sources: `PROTOCOL.key` and `PROTOCOL.sshsig` of OpenSSH, RFC 4251 (section 5), RFC 8709.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA512, digest};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use zeroize::Zeroizing;

const ALGORITHM: &str = "ssh-ed25519";
const PRIVATE: &str = "OPENSSH PRIVATE KEY";
const PRIVATE_MAGIC: &[u8] = b"openssh-key-v1\0";
const SIGNATURE: &str = "SSH SIGNATURE";
const SIGNATURE_MAGIC: &[u8] = b"SSHSIG";
const HASH: &str = "sha512";

/// Why a text is no key.
#[derive(Debug, thiserror::Error)]
pub enum OpensshError {
    /// The text is not what its kind of file looks like.
    #[error("it is no key in OpenSSH's format")]
    Format,
    /// A passphrase would be needed.
    #[error("it is locked with a passphrase; take that off with `ssh-keygen -p`")]
    Encrypted,
    /// RSA, for example.
    #[error("it is no Ed25519 key")]
    Algorithm,
}

/// The public half of a key pair.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads one line of a `.pub` file.
    ///
    /// # Errors
    /// When it is no such line, or its key is not of Ed25519.
    pub fn read(text: &str) -> Result<Self, OpensshError> {
        let mut words = text.split_ascii_whitespace();
        if words.next().ok_or(OpensshError::Format)? != ALGORITHM {
            return Err(OpensshError::Algorithm);
        }
        let blob = STANDARD.decode(words.next().ok_or(OpensshError::Format)?);
        Self::from_blob(&blob.map_err(|_| OpensshError::Format)?)
    }

    /// The line of a `.pub` file, without its end.
    pub fn line(&self, comment: &str) -> String {
        format!("{ALGORITHM} {} {comment}", STANDARD.encode(self.blob()))
    }

    /// Whether the holder of this key, in this namespace, made this signature of the text.
    pub fn has_signed(&self, namespace: &str, text: &[u8], armoured: &str) -> bool {
        self.signature(namespace, armoured)
            .is_some_and(|signature| {
                UnparsedPublicKey::new(&ED25519, self.0)
                    .verify(&signed(namespace, text), &signature)
                    .is_ok()
            })
    }

    /// The bare signature, if all around it is as [`PrivateKey::sign`] writes it with this key.
    fn signature(&self, namespace: &str, armoured: &str) -> Option<Vec<u8>> {
        let blob = unwrap(SIGNATURE, armoured)?;
        let mut reader = Reader(blob.strip_prefix(SIGNATURE_MAGIC)?);
        let is_ours = reader.number()? == 1
            && reader.string()? == self.blob()
            && reader.string()? == namespace.as_bytes()
            && reader.string()?.is_empty()
            && reader.string()? == HASH.as_bytes();
        let mut inner = Reader(reader.string()?);
        let is_ours = is_ours && reader.0.is_empty() && inner.string()? == ALGORITHM.as_bytes();
        let signature = inner.string()?.to_vec();
        (is_ours && inner.0.is_empty()).then_some(signature)
    }

    fn from_blob(blob: &[u8]) -> Result<Self, OpensshError> {
        let mut reader = Reader(blob);
        if reader.string().ok_or(OpensshError::Format)? != ALGORITHM.as_bytes() {
            return Err(OpensshError::Algorithm);
        }
        let key = reader.string().and_then(|key| key.try_into().ok());
        key.map(Self).ok_or(OpensshError::Format)
    }

    fn blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        put(&mut blob, ALGORITHM.as_bytes());
        put(&mut blob, &self.0);
        blob
    }
}

/// A key pair.
pub struct PrivateKey {
    seed: Zeroizing<[u8; 32]>,
    public: PublicKey,
}

impl PrivateKey {
    /// The key pair that belongs to 32 random bytes.
    ///
    /// # Errors
    /// When no key pair belongs to them.
    pub fn from_seed(seed: Zeroizing<[u8; 32]>) -> Result<Self, OpensshError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(|_| OpensshError::Format)?;
        let public = pair.public_key().as_ref().try_into();
        let public = PublicKey(public.map_err(|_| OpensshError::Format)?);
        Ok(Self { seed, public })
    }

    /// Reads a file that `ssh-keygen -t ed25519` or [`PrivateKey::write`] made.
    ///
    /// # Errors
    /// When it is none, of another algorithm, or has a passphrase.
    pub fn read(text: &str) -> Result<Self, OpensshError> {
        let blob = unwrap(PRIVATE, text).ok_or(OpensshError::Format)?;
        let blob = blob.strip_prefix(PRIVATE_MAGIC);
        let mut reader = Reader(blob.ok_or(OpensshError::Format)?);
        if reader.string().ok_or(OpensshError::Format)? != b"none" {
            return Err(OpensshError::Encrypted);
        }
        let (public, secret) = key_section(&mut reader).ok_or(OpensshError::Format)?;
        let public = PublicKey::from_blob(public)?;
        let seed = seed(secret, &public).ok_or(OpensshError::Format)?;
        Ok(Self { seed, public })
    }

    /// The text of a private key file, without a passphrase.
    pub fn write(&self, comment: &str) -> Zeroizing<String> {
        let mut secret = Zeroizing::new(Vec::with_capacity(256));
        // Twice the same number: with a passphrase it would show that the right one was given.
        let check = [&self.public.0[..4], &self.public.0[..4]].concat();
        secret.extend_from_slice(&check);
        put(&mut secret, ALGORITHM.as_bytes());
        put(&mut secret, &self.public.0);
        let both = Zeroizing::new([&self.seed[..], &self.public.0].concat());
        put(&mut secret, &both);
        put(&mut secret, comment.as_bytes());
        let padding = secret.len().next_multiple_of(8) - secret.len();
        secret.extend((1..).take(padding));
        let mut blob = Zeroizing::new(Vec::with_capacity(512));
        blob.extend_from_slice(PRIVATE_MAGIC);
        for text in [&b"none"[..], b"none", b""] {
            put(&mut blob, text);
        }
        blob.extend_from_slice(&1_u32.to_be_bytes());
        put(&mut blob, &self.public.blob());
        put(&mut blob, &secret);
        Zeroizing::new(wrap(PRIVATE, &blob))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs a text for a namespace, as `ssh-keygen -Y sign` does.
    ///
    /// # Errors
    /// When the two halves of the key are not a pair.
    pub fn sign(&self, namespace: &str, text: &[u8]) -> Result<String, OpensshError> {
        let pair = Ed25519KeyPair::from_seed_and_public_key(&*self.seed, &self.public.0);
        let pair = pair.map_err(|_| OpensshError::Format)?;
        let mut inner = Vec::new();
        put(&mut inner, ALGORITHM.as_bytes());
        put(&mut inner, pair.sign(&signed(namespace, text)).as_ref());
        let mut blob = SIGNATURE_MAGIC.to_vec();
        blob.extend_from_slice(&1_u32.to_be_bytes());
        put(&mut blob, &self.public.blob());
        for text in [namespace.as_bytes(), b"", HASH.as_bytes(), &inner] {
            put(&mut blob, text);
        }
        Ok(wrap(SIGNATURE, &blob))
    }
}

/// What is really signed: the text's hash, bound to the namespace.
fn signed(namespace: &str, text: &[u8]) -> Vec<u8> {
    let mut signed = SIGNATURE_MAGIC.to_vec();
    let hash = digest(&SHA512, text);
    for text in [namespace.as_bytes(), b"", HASH.as_bytes(), hash.as_ref()] {
        put(&mut signed, text);
    }
    signed
}

/// The public key and the section with the private one.
fn key_section<'a>(reader: &mut Reader<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let has_one_plain_key =
        reader.string()? == b"none" && reader.string()?.is_empty() && reader.number()? == 1;
    let sections = (reader.string()?, reader.string()?);
    has_one_plain_key.then_some(sections)
}

fn seed(secret: &[u8], public: &PublicKey) -> Option<Zeroizing<[u8; 32]>> {
    let mut reader = Reader(secret);
    let is_whole = reader.number()? == reader.number()?
        && reader.string()? == ALGORITHM.as_bytes()
        && reader.string()? == public.0;
    let (seed, rest) = reader.string()?.split_first_chunk::<32>()?;
    let seed = Zeroizing::new(*seed);
    // A file whose halves do not belong together would sign what nobody can verify.
    let is_pair = Ed25519KeyPair::from_seed_and_public_key(&*seed, &public.0).is_ok();
    (is_whole && rest == public.0 && is_pair).then_some(seed)
}

/// Reads what RFC 4251 calls `uint32` and `string`; none where the bytes end too early.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }
}

/// Appends what RFC 4251 calls a `string`.
fn put(blob: &mut Vec<u8>, string: &[u8]) {
    let length = u32::try_from(string.len()).expect("keys and hashes are short");
    blob.extend_from_slice(&length.to_be_bytes());
    blob.extend_from_slice(string);
}

/// Base64 between two lines that name what it is, as `ssh-keygen` breaks it.
fn wrap(label: &str, blob: &[u8]) -> String {
    const LINE: usize = 70;
    let text = Zeroizing::new(STANDARD.encode(blob));
    let mut wrapped = String::with_capacity(text.len() + text.len() / LINE + 2 * label.len() + 40);
    wrapped.push_str(&format!("-----BEGIN {label}-----\n"));
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        wrapped.push_str(line);
        wrapped.push('\n');
        rest = after;
    }
    wrapped.push_str(&format!("-----END {label}-----\n"));
    wrapped
}

fn unwrap(label: &str, text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let body = text
        .trim()
        .strip_prefix(&format!("-----BEGIN {label}-----"))?
        .strip_suffix(&format!("-----END {label}-----"))?;
    let base64: Zeroizing<String> =
        Zeroizing::new(body.split_ascii_whitespace().collect::<String>());
    STANDARD.decode(base64.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMESPACE: &str = "test";

    /// The first test of RFC 8032, section 7.1.
    fn rfc_8032() -> PrivateKey {
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let seed: Vec<u8> = (0..64)
            .step_by(2)
            .map(|at| u8::from_str_radix(&seed[at..at + 2], 16).unwrap())
            .collect();
        PrivateKey::from_seed(Zeroizing::new(seed.try_into().unwrap())).unwrap()
    }

    #[test]
    fn the_public_key_is_the_one_of_the_rfc() {
        // What `ssh-keygen -y` says of the same seed.
        assert_eq!(
            rfc_8032().public().line("me"),
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea me"
        );
    }

    #[test]
    fn what_is_written_is_read() {
        let key = rfc_8032();
        let again = PrivateKey::read(&key.write("a comment")).unwrap();
        assert_eq!(*again.seed, *key.seed);
        let line = key.public().line("a comment");
        assert!(PublicKey::read(&format!("{line}\n")).unwrap() == again.public());
    }

    #[test]
    fn another_text_namespace_or_key_is_not_what_was_signed() {
        let key = rfc_8032();
        let signature = key.sign(NAMESPACE, b"text").unwrap();
        let public = key.public();
        assert!(public.has_signed(NAMESPACE, b"text", &signature));
        assert!(public.has_signed(NAMESPACE, b"text", &signature.replace('\n', "\r\n")));
        assert!(!public.has_signed(NAMESPACE, b"texT", &signature));
        assert!(!public.has_signed("other", b"text", &signature));
        let other = PrivateKey::from_seed(Zeroizing::new([7; 32])).unwrap();
        assert!(!other.public().has_signed(NAMESPACE, b"text", &signature));
    }

    #[test]
    fn what_is_no_plain_ed25519_key_is_refused_with_the_reason() {
        let text = rfc_8032().write("me");
        let changed = |from: &[u8], to: &[u8]| {
            let blob = unwrap(PRIVATE, &text).unwrap();
            let at = memchr::memmem::find(&blob, from).unwrap();
            let blob = [&blob[..at], to, &blob[at + from.len()..]].concat();
            PrivateKey::read(&wrap(PRIVATE, &blob))
                .err()
                .unwrap()
                .to_string()
        };
        let none = b"\0\0\0\x04none";
        assert!(changed(none, b"\0\0\0\x0aaes256-ctr").contains("ssh-keygen -p"));
        assert!(changed(b"ssh-ed25519", b"ssh-ed25510").contains("Ed25519"));
        assert!(changed(&[0xd7, 0x5a], &[0xd7, 0x5b]).contains("format"));
        assert!(PublicKey::read("ssh-rsa AAAA me").is_err());
        assert!(PublicKey::read("").is_err());
    }

    proptest! {
        #[test]
        fn any_change_of_a_signature_is_refused(at in 0_usize..1000, bit in 0_u8..8) {
            let key = rfc_8032();
            let blob = unwrap(SIGNATURE, &key.sign(NAMESPACE, b"text").unwrap()).unwrap();
            let mut changed = blob.to_vec();
            let at = at % changed.len();
            changed[at] ^= 1 << bit;
            let public = key.public();
            prop_assert!(!public.has_signed(NAMESPACE, b"text", &wrap(SIGNATURE, &changed)));
            prop_assert!(!public.has_signed(NAMESPACE, b"text", &wrap(SIGNATURE, &blob[..at])));
        }

        #[test]
        fn no_text_is_read_into_a_panic(blob in proptest::collection::vec(any::<u8>(), 0..80), at in 0_usize..400) {
            let _ = PrivateKey::read(&wrap(PRIVATE, &blob));
            let mut whole = unwrap(PRIVATE, &rfc_8032().write("me")).unwrap();
            whole.truncate(at);
            whole.extend_from_slice(&blob);
            let _ = PrivateKey::read(&wrap(PRIVATE, &whole));
        }
    }
}
