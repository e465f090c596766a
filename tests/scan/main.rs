//! `check` searches code and history: real repositories, made and damaged here.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed, and git and the program itself are run here"
)]

mod bad_input;
mod history;
mod labelled;
mod made_up_keys;
mod repository;
mod rule_files;
mod staged;
mod tree;
