//! The tables of the README that are derived from the tables of the code.

use openclaw_sec::check::checks;
use openclaw_sec::profiles::PROFILES;

/// The page with every derived table renewed.
pub fn renewed(page: &str) -> String {
    let page = with_section(page, "profiles", &profiles());
    with_section(&page, "checks", &check_table())
}

/// Puts `content` between `<!-- name: …-->` and the next `<!-- end -->`.
fn with_section(page: &str, name: &str, content: &str) -> String {
    let opening = page
        .find(&format!("<!-- {name}: "))
        .unwrap_or_else(|| panic!("README.md has no section {name}"));
    let start = opening + page[opening..].find("-->\n").unwrap() + 4;
    let end = start + page[start..].find("<!-- end -->").unwrap();
    format!("{}{content}{}", &page[..start], &page[end..])
}

fn profiles() -> String {
    let mut table = "| profile | what may come in |\n| --- | --- |\n".to_owned();
    for profile in PROFILES {
        table.push_str(&format!("| `{}` | {} |\n", profile.id, profile.description));
    }
    table
}

fn check_table() -> String {
    let mut table =
        "| id | severity | kind | what is asked |\n| --- | --- | --- | --- |\n".to_owned();
    for check in checks() {
        let kind = check.kinds();
        table.push_str(&format!(
            "| `{}` | {} | {kind} | {} |\n",
            check.id, check.severity, check.title
        ));
    }
    table
}
