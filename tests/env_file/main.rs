//! The env file against real loaders, real file systems and real neighbours.

mod disagreements;
mod loaders;
mod reading;
mod saving;
mod sources;
