//! The core of `openclaw-sec`: it prints nothing and asks nobody.

#![forbid(unsafe_code)]

/// What the keys of every provider look like.
pub mod key_shapes;
pub mod secret;
