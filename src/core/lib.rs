//! The core of `openclaw-sec`: it prints nothing and asks nobody.

#![forbid(unsafe_code)]

/// What the keys of every provider look like.
pub mod key_shapes;
/// Tells placeholders from secrets.
pub mod placeholder;
pub mod secret;
/// How many guesses a secret withstands.
pub mod strength;
