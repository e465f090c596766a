//! The counts of `--stats` as aligned tables with bars.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use openclaw_sec::audit::statistics::StatisticsDocument;
use openclaw_sec::order;

use super::human::in_columns;

/// Hours that are shown; the document has them all.
const MOST_HOURS: usize = 48;
/// The widest name.
const WIDEST_NAME: usize = 40;

/// Tables no wider than `width` columns, with times in this zone.
pub fn statistics_tables(document: &StatisticsDocument, zone: &TimeZone, width: usize) -> String {
    let mut text = String::new();
    let span = match (&document.first, &document.last) {
        (Some(first), Some(last)) => {
            format!(", {} to {}", in_zone(first, zone), in_zone(last, zone))
        }
        _ => String::new(),
    };
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(text, "{} events{span}", document.events);
    let mut kinds: Vec<(String, u64, Option<u64>)> = document
        .kinds
        .iter()
        .map(|(kind, count)| ((*kind).to_owned(), *count, None))
        .collect();
    order::sort_by(&mut kinds, |a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    table(&mut text, "kind", &kinds, width);
    let outcomes = document.outcomes;
    let outcomes = [
        ("success", outcomes.success),
        ("failure", outcomes.failure),
        ("unknown", outcomes.unknown),
    ]
    .map(|(name, count)| (name.to_owned(), count, None));
    table(&mut text, "outcome", &outcomes, width);
    let addresses: Vec<_> = document
        .addresses
        .iter()
        .map(|row| (row.address.clone(), row.count, Some(row.failures)))
        .collect();
    table(
        &mut text,
        &format!("address ({} in all)", document.distinct_addresses),
        &addresses,
        width,
    );
    let users: Vec<_> = document
        .users
        .iter()
        .map(|row| (in_columns(&row.user), row.count, Some(row.failures)))
        .collect();
    table(
        &mut text,
        &format!("user ({} in all)", document.distinct_users),
        &users,
        width,
    );
    let skipped = document.hours.len().saturating_sub(MOST_HOURS);
    let hours: Vec<_> = document.hours[skipped..]
        .iter()
        .map(|row| (in_zone(&row.hour, zone), row.count, None))
        .collect();
    table(&mut text, "hour", &hours, width);
    if !document.exact {
        text.push_str("\nmore than 65536 keys: the numbers are estimates, and never too low for what is frequent\n");
    }
    text
}

/// A time of a document as the zone has it; in UTC as it stands there.
fn in_zone(time: &str, zone: &TimeZone) -> String {
    match time.parse::<Timestamp>() {
        Ok(parsed) if *zone != TimeZone::UTC => {
            let local = parsed.to_zoned_datetime(zone.clone());
            local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
        }
        _ => time.to_owned(),
    }
}

fn table(text: &mut String, title: &str, rows: &[(String, u64, Option<u64>)], width: usize) {
    if rows.is_empty() {
        return;
    }
    let names: Vec<String> = rows.iter().map(|(name, _, _)| shortened(name)).collect();
    let name_width = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
        .max(title.chars().count().min(WIDEST_NAME));
    let largest = rows.iter().map(|(_, count, _)| *count).max().unwrap_or(0);
    let count_width = largest.to_string().len().max(5);
    let has_failures = rows.iter().any(|(_, _, failures)| failures.is_some());
    let failures_width = if has_failures {
        count_width.max(8) + 2
    } else {
        0
    };
    let bar_width = width.saturating_sub(name_width + count_width + failures_width + 4);
    let failures_title = if has_failures {
        format!("  {:>w$}", "failures", w = failures_width - 2)
    } else {
        String::new()
    };
    let _ = writeln!(
        text,
        "\n{title:<name_width$}  {:>count_width$}{failures_title}",
        "count"
    );
    for (name, (_, count, failures)) in names.iter().zip(rows) {
        let length = if largest == 0 {
            0
        } else {
            usize::try_from(u128::from(*count) * bar_width as u128 / u128::from(largest))
                .unwrap_or(0)
        };
        let length = if *count > 0 {
            length.max(1).min(bar_width)
        } else {
            0
        };
        let failures = match failures {
            Some(failures) => format!("  {failures:>w$}", w = failures_width - 2),
            None => String::new(),
        };
        let line = format!(
            "{name:<name_width$}  {count:>count_width$}{failures}  {}",
            "█".repeat(length)
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= WIDEST_NAME {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(WIDEST_NAME - 1).collect();
    short.push('…');
    short
}
