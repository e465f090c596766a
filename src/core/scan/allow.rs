//! The comment that accepts a finding on its own line: rule, date and reason.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::leak::Allowance;
use crate::key_shapes::KEY_SHAPES;
use crate::settings::LONGEST_WAIVER_DAYS;

const MARK: &[u8] = b"openclaw-sec:allow";

/// What the line says about a finding of `rule`.
pub(super) fn on_line(line: &[u8], rule: &str, today: Date) -> Allowance {
    let mut allowance = Allowance::None;
    for at in memchr::memmem::find_iter(line, MARK) {
        let text = String::from_utf8_lossy(&line[at + MARK.len()..]);
        match read(&text, rule, today) {
            Allowance::None => {}
            accepted @ Allowance::Until(..) => return accepted,
            useless => allowance = useless,
        }
    }
    allowance
}

fn read(text: &str, rule: &str, today: Date) -> Allowance {
    let useless = |why: &str| Allowance::Useless(why.to_owned());
    let mut words = text.split_whitespace();
    match words.next() {
        Some(named) if named == rule => {}
        // Only names that are ours are repeated: what stands there may be a secret.
        Some(named) if is_rule(named) => {
            return Allowance::Useless(format!("it names the rule {named}, and this is {rule}"));
        }
        Some("until" | "because") | None => {
            return Allowance::Useless(format!("it names no rule: this is {rule}"));
        }
        Some(_) => {
            return Allowance::Useless(format!("it names another rule, and this is {rule}"));
        }
    }
    let (Some("until"), Some(date)) = (words.next(), words.next()) else {
        return useless("it has no date: write `until 2027-01-31 because …`");
    };
    let Ok(date) = date.parse::<Date>() else {
        return useless("its date is none: write it as 2027-01-31");
    };
    let reason: Vec<&str> = match words.next() {
        Some("because") => words.collect(),
        _ => Vec::new(),
    };
    let reason = reason.join(" ");
    let reason = reason.trim_end_matches("*/").trim_end_matches("-->").trim();
    if reason.is_empty() {
        return useless("it has no reason: write `because …` behind the date");
    }
    if date < today {
        return useless("its date is over");
    }
    let last = today.checked_add(LONGEST_WAIVER_DAYS.days());
    if last.is_ok_and(|last| date > last) {
        return useless("its date is more than 180 days ahead");
    }
    Allowance::Until(date, reason.to_owned())
}

fn is_rule(name: &str) -> bool {
    name == "env-value" || KEY_SHAPES.iter().any(|shape| shape.id == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn only_a_rule_with_date_and_reason_allows() {
        let today = date(2026, 11, 25);
        let until = |y, m, d, why: &str| Allowance::Until(date(y, m, d), why.to_owned());
        let cases = [
            ("k = 1", Allowance::None),
            (
                "k # openclaw-sec:allow jwt until 2027-02-01 because it is public",
                until(2027, 2, 1, "it is public"),
            ),
            (
                "/* openclaw-sec:allow jwt until 2026-11-25 because x */",
                until(2026, 11, 25, "x"),
            ),
            (
                "# openclaw-sec:allow npm-token until 2027-02-01 because x openclaw-sec:allow jwt \
                 until 2027-02-01 because y",
                until(2027, 2, 1, "y"),
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(on_line(line.as_bytes(), "jwt", today), expected, "{line}");
        }
        for line in [
            "# openclaw-sec:allow jwt",
            "# openclaw-sec:allow jwt because x",
            "# openclaw-sec:allow jwt until 2027-02-01",
            "# openclaw-sec:allow jwt until 2027-02-01 because */",
            "# openclaw-sec:allow jwt until tomorrow because x",
            "# openclaw-sec:allow jwt until 2026-11-24 because x",
            "# openclaw-sec:allow jwt until 2028-01-01 because x",
        ] {
            let allowance = on_line(line.as_bytes(), "jwt", today);
            assert!(matches!(allowance, Allowance::Useless(_)), "{line}");
        }
    }

    #[test]
    fn a_comment_about_another_rule_or_none_says_so() {
        let today = date(2026, 11, 25);
        for (words, expected) in [
            (
                "npm-token until 2027-02-01 because x",
                "it names the rule npm-token, and this is jwt",
            ),
            (
                "hunter2 until 2027-02-01 because x",
                "it names another rule, and this is jwt",
            ),
            (
                "until 2027-02-01 because x",
                "it names no rule: this is jwt",
            ),
            ("", "it names no rule: this is jwt"),
        ] {
            let line = format!("k # openclaw-sec:allow {words}");
            let allowance = on_line(line.as_bytes(), "jwt", today);
            assert_eq!(allowance, Allowance::Useless(expected.to_owned()), "{line}");
        }
    }
}
