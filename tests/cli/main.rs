//! The program from the outside: what a user, a script and a careless typist see of it.

mod check_bad_input;
mod check_declared;
mod check_git;
mod check_host;
mod check_report;
mod keygen;
mod manners;
mod settings;
mod support;
