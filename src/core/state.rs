//! The state folder and the fingerprints that are salted with a value kept there.

use std::io;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::atomic_file::{self, AtomicFileError};
use crate::hex;
use crate::secret::Secret;
use crate::world::{World, fill_random};

const SALT_FILE: &str = "salt";
const SALT_BYTES: usize = 32;

/// What can go wrong with the state folder.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Neither a flag, nor a variable, nor a home folder says where state lives.
    #[error("no place for state: HOME is not set; name a folder with --state-dir")]
    NoPlace,
    /// The folder or the salt could not be made or read.
    #[error("state folder {path}: {source}; choose another one with --state-dir")]
    Io {
        /// The file or folder in question.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The salt has the wrong length: fingerprints of before could not be compared any more.
    #[error("{0} is damaged; restore it from a backup, or delete it and lose old fingerprints")]
    DamagedSalt(PathBuf),
}

/// The folder that keeps salt, journals, ledgers and keys. Folders are 0700, files 0600.
#[derive(Debug, Clone)]
pub struct StateDir {
    path: PathBuf,
}

impl StateDir {
    /// Decides where state lives: the flag, `$STATE_DIRECTORY` (systemd), `/var/lib/openclaw-sec`
    /// for root, else `$XDG_STATE_HOME/openclaw-sec` or `~/.local/state/openclaw-sec`. Nothing is
    /// created yet.
    ///
    /// # Errors
    /// [`StateError::NoPlace`] when none of these is known.
    pub fn locate(flag: Option<&Path>, world: &World) -> Result<Self, StateError> {
        let path = if let Some(path) = flag {
            path.to_path_buf()
        } else if let Some(list) = world.variable("STATE_DIRECTORY") {
            // systemd separates several folders by colons; ours is the first.
            let list = list.to_string_lossy();
            PathBuf::from(list.split(':').next().unwrap_or_default())
        } else if rustix::process::geteuid().is_root() {
            world.host("var/lib/openclaw-sec")
        } else if let Some(base) = world.variable("XDG_STATE_HOME") {
            Path::new(base).join("openclaw-sec")
        } else {
            world
                .home()
                .ok_or(StateError::NoPlace)?
                .join(".local/state/openclaw-sec")
        };
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Creates the folder, and the ones above it, with mode 0700.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn create(&self) -> Result<(), StateError> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)
            .map_err(|source| self.problem(&self.path, source))
    }

    /// A folder below, created with mode 0700.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn folder(&self, name: &str) -> Result<PathBuf, StateError> {
        let below = Self {
            path: self.path.join(name),
        };
        below.create()?;
        Ok(below.path)
    }

    /// The salted fingerprints of this installation; the salt is made on first use.
    ///
    /// # Errors
    /// When the salt can be neither read nor made, or is damaged.
    pub fn fingerprints(&self) -> Result<Fingerprints, StateError> {
        self.create()?;
        let path = self.path.join(SALT_FILE);
        match std::fs::read(&path) {
            Ok(salt) => Fingerprints::from_salt(salt, &path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.make_salt(&path),
            Err(error) => Err(self.problem(&path, error)),
        }
    }

    fn make_salt(&self, path: &Path) -> Result<Fingerprints, StateError> {
        let mut salt = vec![0; SALT_BYTES];
        fill_random(&mut salt).map_err(|error| self.problem(path, error))?;
        match atomic_file::create_new(path, &salt, 0o600) {
            Ok(()) => Fingerprints::from_salt(salt, path),
            // Another run was faster: its salt counts.
            Err(AtomicFileError::AlreadyExists(_)) => {
                let salt = std::fs::read(path).map_err(|source| self.problem(path, source))?;
                Fingerprints::from_salt(salt, path)
            }
            Err(error) => Err(self.problem(path, io::Error::other(error))),
        }
    }

    fn problem(&self, path: &Path, source: io::Error) -> StateError {
        StateError::Io {
            path: path.to_path_buf(),
            source,
        }
    }
}

/// Makes secrets recognisable without showing them.
#[derive(Debug, Clone)]
pub struct Fingerprints {
    salt: Secret,
}

impl Fingerprints {
    fn from_salt(salt: Vec<u8>, path: &Path) -> Result<Self, StateError> {
        if salt.len() == SALT_BYTES {
            Ok(Self {
                salt: Secret::new(salt),
            })
        } else {
            Err(StateError::DamagedSalt(path.to_path_buf()))
        }
    }

    /// `sha256:` and the first 12 hex digits of HMAC-SHA-256 (RFC 2104) under this installation's
    /// salt: equal for equal values on this machine, worthless for guessing elsewhere.
    pub fn of(&self, value: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.salt.expose())
            .expect("HMAC takes a key of any length");
        mac.update(value);
        let digest = mac.finalize().into_bytes();
        format!("sha256:{}", hex::lower(&digest[..6]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_fresh_folder_gets_a_private_salt_that_is_kept() {
        let base = tempfile::tempdir().unwrap();
        let state = StateDir {
            path: base.path().join("a/b"),
        };
        let first = state.fingerprints().unwrap().of(b"value");
        let second = state.fingerprints().unwrap().of(b"value");
        assert_eq!(first, second);
        assert_eq!(first.len(), "sha256:".len() + 12);
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(state.path()), 0o700);
        assert_eq!(mode(&state.path().join(SALT_FILE)), 0o600);
    }

    #[test]
    fn two_installations_show_one_value_differently() {
        let base = tempfile::tempdir().unwrap();
        let one = StateDir {
            path: base.path().join("one"),
        }
        .fingerprints()
        .unwrap();
        let two = StateDir {
            path: base.path().join("two"),
        }
        .fingerprints()
        .unwrap();
        assert_ne!(one.of(b"value"), two.of(b"value"));
    }

    #[test]
    fn a_damaged_salt_is_an_error_and_not_replaced() {
        let base = tempfile::tempdir().unwrap();
        let state = StateDir {
            path: base.path().to_path_buf(),
        };
        std::fs::write(base.path().join(SALT_FILE), b"short").unwrap();
        assert!(matches!(
            state.fingerprints(),
            Err(StateError::DamagedSalt(_))
        ));
        assert_eq!(
            std::fs::read(base.path().join(SALT_FILE)).unwrap(),
            b"short"
        );
    }
}
