//! `check --fix`: shows what would change, asks where it matters, and does it.

use openclaw_sec::check::{Evidence, Selection, obstacle_to_fixes, plan_fixes};

use crate::commands::{Context, Failure, interrupt};

/// How mending went.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mended {
    /// Whether anything changed.
    pub has_changed: bool,
    /// Whether something that was agreed to could not be done.
    pub has_failed: bool,
}

/// Mends what can be mended of the selected checks, without those that are `waived` by id.
pub fn mend(
    evidence: &mut Evidence,
    selection: &Selection,
    waived: &[String],
    yes: bool,
    context: &mut Context<'_>,
) -> Result<Mended, Failure> {
    let mut mended = Mended::default();
    let changes = plan_fixes(evidence, selection, waived);
    if let Some(obstacle) = obstacle_to_fixes(evidence, selection, waived) {
        context
            .terminal
            .note(&format!("--fix: no variable is added: {obstacle}"));
    }
    if changes.is_empty() {
        context
            .terminal
            .note("--fix: nothing to mend that is safe to mend");
        return Ok(mended);
    }
    let locks = context.state()?.folder("locks").map_err(Failure::output)?;
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
                mended.has_changed = true;
                context.terminal.note(&format!("changed: {change}"));
            }
            Err(error) => {
                mended.has_failed = true;
                context
                    .terminal
                    .error(&format!("not changed: {change}: {error}"));
            }
        }
    }
    if mended.has_failed && !mended.has_changed {
        context
            .terminal
            .note("--fix: nothing was mended; the report shows what is left");
    }
    Ok(mended)
}
