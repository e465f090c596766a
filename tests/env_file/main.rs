//! The env file against real loaders, real file systems and real neighbours.

mod loaders;
mod reading;
