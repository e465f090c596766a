//! `audit-tail seal` and `audit-tail verify`.

use anyhow::anyhow;

use super::super::{Context, Failure};
use crate::cli::{SealArgs, VerifyArgs};

pub fn seal(_arguments: &SealArgs, _context: &mut Context<'_>) -> Result<u8, Failure> {
    Err(Failure::usage(anyhow!("not built yet")))
}

pub fn verify(_arguments: &VerifyArgs, _context: &mut Context<'_>) -> Result<u8, Failure> {
    Err(Failure::usage(anyhow!("not built yet")))
}
