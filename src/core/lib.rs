//! The core of `openclaw-sec`: it prints nothing and asks nobody.
//!
//! The shelf, which every room uses: [`secret`], [`env_file`], [`atomic_file`], [`small_file`],
//! [`settings`], [`state`], [`report`], [`fleet`], [`world`], [`redact`], [`foreign_text`], [`escapes`],
//! [`hashing`], [`order`], [`hex`], [`gateway_process`], and the tables [`variables`], [`profiles`],
//! [`key_shapes`], [`cloudflare`], with [`placeholder`] and [`strength`] to judge values. The rooms:
//! [`keygen`], [`audit`], [`check`], [`firewall`], [`probe`], [`rotate`], [`scan`].

#![forbid(unsafe_code)]

pub mod atomic_file;
pub mod audit;
pub mod check;
pub mod cloudflare;
pub mod env_file;
pub mod escapes;
pub mod firewall;
pub mod fleet;
pub mod foreign_text;
pub mod gateway_process;
pub mod hashing;
pub mod hex;
pub mod key_shapes;
pub mod keygen;
pub mod order;
pub mod placeholder;
pub mod probe;
pub mod profiles;
pub mod redact;
pub mod report;
pub mod rotate;
pub mod scan;
pub mod secret;
pub mod settings;
pub mod small_file;
pub mod state;
pub mod strength;
pub mod variables;
pub mod world;
