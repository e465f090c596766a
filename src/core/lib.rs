//! The core of `openclaw-sec`: it prints nothing and asks nobody.

#![forbid(unsafe_code)]

/// What the live endpoint says: http, TLS and certificates, asked politely and within a deadline.
pub mod probe;
pub mod secret;
