//! The texts of `--list` and `--explain`.

use anyhow::anyhow;
use openclaw_sec::check::{self, ITEMS, Names, Selection};
use openclaw_sec::settings::nearest;

/// The checks that are chosen, by item.
pub fn list(selection: &Selection) -> String {
    let width = check::checks()
        .map(|check| check.id.len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for item in ITEMS {
        let chosen = || item.checks.iter().filter(|check| selection.holds(check));
        if chosen().next().is_none() {
            continue;
        }
        text.push_str(&format!("{}: {}\n", item.id, item.title));
        for check in chosen() {
            let kind = check.kinds();
            text.push_str(&format!(
                "  {:<width$}  {:<8}  {:<12}  {}\n",
                check.id, check.severity, kind, check.title
            ));
        }
    }
    text
}

/// One check, as a page to read.
pub fn explain(id: &str) -> anyhow::Result<String> {
    let Some(check) = check::find(id) else {
        let hint = match nearest(id, check::checks().map(|check| check.id)) {
            Some(nearest) => format!(" (did you mean {nearest}?)"),
            None => String::new(),
        };
        return Err(anyhow!(
            "--explain {id}: no check is called so{hint}; `openclaw-sec check --list` shows them all"
        ));
    };
    let names = Names {
        env: ".env",
        profile: "",
    };
    let mut text = format!("{} ({}, {})\n\n", check.id, check.severity, check.kinds());
    text.push_str(&format!("  asks   {}\n", check.title));
    text.push_str(&format!("  why    {}\n", check.why));
    text.push_str(&format!("  fix    {}\n", names.put_into(check.remediation)));
    for reference in check.references {
        text.push_str(&format!("  see    {reference}\n"));
    }
    if check.is_active {
        text.push_str("  note   asked only with --active: a limiter or a lock-out may notice\n");
    }
    if check.is_fixable {
        text.push_str("  note   `openclaw-sec check --fix` can mend it\n");
    }
    Ok(text)
}
