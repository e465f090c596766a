//! Following by name.

use super::super::Context;
use super::{Ended, Run, Stop, batch};

pub fn follow(run: &mut Run, context: &mut Context<'_>) -> Result<Ended, Stop> {
    batch::read_all(run, context)
}
