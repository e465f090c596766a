//! The core of `openclaw-sec`: it prints nothing and asks nobody.

#![forbid(unsafe_code)]

/// Files that are old or new at every instant: replaced by a rename, or created and never overwritten.
pub mod atomic_file;
/// An env file without loss: read as Node reads it, changed one value at a time.
pub mod env_file;
pub mod secret;
