//! `check --fix`: shows what would change, asks where it matters, and does it.

use openclaw_sec::check::{Evidence, plan_fixes};

use crate::commands::{Context, Failure, exit, interrupt};

/// Mends what can be mended; says whether anything changed.
pub fn mend(evidence: &Evidence, yes: bool, context: &mut Context<'_>) -> Result<bool, Failure> {
    let changes = plan_fixes(evidence);
    if changes.is_empty() {
        context
            .terminal
            .note("--fix: nothing to mend that is safe to mend");
        return Ok(false);
    }
    let locks = context.state()?.folder("locks").map_err(Failure::output)?;
    let mut changed = false;
    let mut failed = false;
    for change in changes {
        if !change.is_harmless() && !yes {
            if !context.terminal.may_ask() {
                context
                    .terminal
                    .note(&format!("not changed (needs --yes): {change}"));
                continue;
            }
            let agreed = context
                .terminal
                .confirm(&format!("{change}?"))
                .map_err(Failure::output)?;
            if !agreed {
                continue;
            }
        }
        let signals = interrupt::hold().map_err(Failure::output)?;
        let applied = change.apply(&locks);
        signals.release()?;
        match applied {
            Ok(()) => {
                changed = true;
                context.terminal.note(&format!("changed: {change}"));
            }
            Err(error) => {
                failed = true;
                context
                    .terminal
                    .error(&format!("not changed: {change}: {error}"));
            }
        }
    }
    debug_assert_eq!(exit::OUTPUT, 4);
    if failed && !changed {
        context
            .terminal
            .note("--fix: nothing was mended; the report shows what is left");
    }
    Ok(changed)
}
