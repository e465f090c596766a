//! The key that signs checkpoints: Ed25519, in OpenSSH's own formats.

use std::path::Path;

use zeroize::Zeroizing;

use super::openssh::{OpensshError, PrivateKey, PublicKey};
use super::{SealError, problem};
use crate::atomic_file;
use crate::world::fill_random;

/// What a signature is for (the `-n` of `ssh-keygen -Y verify`).
pub const NAMESPACE: &str = "openclaw-sec-seal";
const PRIVATE_NAME: &str = "ed25519";
const PUBLIC_NAME: &str = "ed25519.pub";
const COMMENT: &str = "openclaw-sec-seal";

/// The key pair, or its public half.
pub struct SealKey {
    private: Option<PrivateKey>,
    public: PublicKey,
}

impl SealKey {
    /// The key pair of this installation, made on first use.
    ///
    /// # Errors
    /// When it can be neither read nor made, or its halves are not a pair.
    pub fn load_or_make(folder: &Path) -> Result<Self, SealError> {
        let path = folder.join(PRIVATE_NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // A fresh key would make every seal of the old one look forged.
                if folder.join(PUBLIC_NAME).exists() {
                    return Err(not_a_pair(
                        &path,
                        "it is gone, but its public half is there; put it back, or move ed25519.pub away to begin anew",
                    ));
                }
                make(folder)?;
                Zeroizing::new(std::fs::read_to_string(&path).map_err(problem(&path))?)
            }
            Err(error) => return Err(problem(&path)(error)),
        };
        let private = PrivateKey::read(&text).map_err(|error| bad(&path, &error))?;
        let public = private.public();
        let public_path = folder.join(PUBLIC_NAME);
        match Self::load_public(folder)? {
            None => write_public(&public_path, public)?,
            Some(known) if known.public.line("") == public.line("") => {}
            Some(_) => {
                return Err(not_a_pair(
                    &public_path,
                    "it is not the public half of the private key beside it; put the right one back",
                ));
            }
        }
        Ok(Self {
            private: Some(private),
            public,
        })
    }

    /// The public half, if there is one.
    ///
    /// # Errors
    /// When it cannot be read or is no key.
    pub fn load_public(folder: &Path) -> Result<Option<Self>, SealError> {
        let path = folder.join(PUBLIC_NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(problem(&path)(error)),
        };
        let public = PublicKey::read(&text).map_err(|error| bad(&path, &error))?;
        Ok(Some(Self {
            private: None,
            public,
        }))
    }

    /// Signs a text.
    ///
    /// # Errors
    /// When the private half is not there, or does not fit.
    pub fn sign(&self, text: &str) -> Result<String, SealError> {
        let path = Path::new(PRIVATE_NAME);
        let Some(private) = &self.private else {
            return Err(SealError::NoKey(path.to_path_buf()));
        };
        private
            .sign(NAMESPACE, text.as_bytes())
            .map_err(|error| bad(path, &error))
    }

    /// Whether this key, and no other, signed the text.
    pub fn has_signed(&self, text: &str, signature: &str) -> bool {
        self.public
            .has_signed(NAMESPACE, text.as_bytes(), signature)
    }
}

fn make(folder: &Path) -> Result<(), SealError> {
    let path = folder.join(PRIVATE_NAME);
    let mut seed = Zeroizing::new([0; 32]);
    fill_random(&mut *seed).map_err(problem(&path))?;
    let private = PrivateKey::from_seed(seed).map_err(|error| bad(&path, &error))?;
    let text = private.write(COMMENT);
    match atomic_file::create_new(&path, text.as_bytes(), 0o600) {
        Ok(()) => write_public(&folder.join(PUBLIC_NAME), private.public()),
        // Another run was faster: its key counts.
        Err(atomic_file::AtomicFileError::AlreadyExists(_)) => Ok(()),
        Err(error) => Err(problem(&path)(std::io::Error::other(error))),
    }
}

fn write_public(path: &Path, public: PublicKey) -> Result<(), SealError> {
    let text = public.line(COMMENT);
    match atomic_file::create_new(path, format!("{text}\n").as_bytes(), 0o600) {
        Ok(()) | Err(atomic_file::AtomicFileError::AlreadyExists(_)) => Ok(()),
        Err(error) => Err(problem(path)(std::io::Error::other(error))),
    }
}

fn not_a_pair(path: &Path, reason: &str) -> SealError {
    SealError::BadKey {
        path: path.to_path_buf(),
        reason: reason.to_owned(),
    }
}

fn bad(path: &Path, error: &OpensshError) -> SealError {
    SealError::BadKey {
        path: path.to_path_buf(),
        reason: error.to_string(),
    }
}
