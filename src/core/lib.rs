//! The core of `openclaw-sec`: it prints nothing and asks nobody.

#![forbid(unsafe_code)]

pub mod secret;
