//! The audit log: lines become events, files are followed, attacks found, and changes proven.

pub mod address;
pub mod answers;
pub mod assemble;
pub mod backward;
pub mod detect;
pub mod documents;
pub mod event;
mod fields;
pub mod filter;
pub mod follow;
mod json;
mod key_order;
mod marks;
mod openclaw;
mod pairs;
pub mod pattern;
pub mod reading;
pub mod recognise;
pub mod seal;
pub mod secrets;
pub mod siblings;
pub mod statistics;
mod syslog;
mod text;
pub mod times;
mod web;
mod words;
