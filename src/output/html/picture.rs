//! The checklist as an inline picture: colour, symbol and word for each item.

use openclaw_sec::fleet::{Deployment, Findings};
use openclaw_sec::report::{ItemStatus, Report, Status};

use super::{count, escaped};

/// Height of a tile and the gap between two, in pixels. Widths are the style sheet's.
const TILE: usize = 104;
const GAP: usize = 12;
/// At most this many characters of a title stand on one line of a tile.
const LINE: usize = 20;
/// The fleet's picture, in pixels: the column of names, a column of tiles, a row.
const NAMES: usize = 192;
const COLUMN: usize = 96;
const ROW: usize = 36;
/// At most this many characters of a deployment's name are shown in the picture.
const LONGEST_NAME: usize = 22;

/// The sign that says the status without colour.
pub fn symbol(status: ItemStatus) -> &'static str {
    match status {
        ItemStatus::Pass => "✓",
        ItemStatus::Fail => "✗",
        ItemStatus::Unknown => "?",
        ItemStatus::Skipped => "–",
    }
}

/// One tile for each item of the checklist.
pub fn tiles(report: &Report) -> String {
    let height = |columns: usize| {
        let rows = report.checklist.len().div_ceil(columns);
        (rows * (TILE + GAP)).saturating_sub(GAP)
    };
    let tiles: String = (0..report.checklist.len())
        .map(|at| tile(report, at))
        .collect();
    let (wide, narrow) = (height(4), height(2));
    format!(
        "<svg class=\"tiles\" role=\"img\" aria-labelledby=\"picture\" width=\"980\" height=\"{wide}\" \
         style=\"--wide:{wide}px;--narrow:{narrow}px\">\n<title id=\"picture\">{}</title>\n{tiles}</svg>\n",
        in_words(report)
    )
}

fn in_words(report: &Report) -> String {
    let items = report.checklist.iter();
    let items: Vec<String> = items
        .map(|item| format!("{}: {}", item.title, item.status.word()))
        .collect();
    format!("The checklist. {}", escaped(&items.join("; ")))
}

fn tile(report: &Report, at: usize) -> String {
    let item = &report.checklist[at];
    let (word, symbol) = (item.status.word(), symbol(item.status));
    // Four columns for wide screens and two for narrow ones; the style sheet chooses.
    let (left, top) = (at % 4 * (236 + GAP), at / 4 * (TILE + GAP));
    let column = if at.is_multiple_of(2) {
        "0px"
    } else {
        "calc(50% + 6px)"
    };
    let narrow_top = at / 2 * (TILE + GAP);
    let lines: String = lines(&item.title)
        .iter()
        .enumerate()
        .map(|(line, text)| {
            format!(
                "<text x=\"16\" y=\"{}\">{}</text>",
                66 + line * 18,
                escaped(text)
            )
        })
        .collect();
    let numbers = numbers(report, &item.item);
    format!(
        "<g class=\"tile {word}\" transform=\"translate({left} {top})\" \
         style=\"--wide:{left}px,{top}px;--narrow:{column},{narrow_top}px\">\
         <rect width=\"236\" height=\"{TILE}\" rx=\"10\"/><circle cx=\"29\" cy=\"29\" r=\"13\"/>\
         <text class=\"symbol\" x=\"29\" y=\"34.5\">{symbol}</text><text class=\"state\" x=\"51\" y=\"34\">{word}</text>\
         <g class=\"count\"><text x=\"222\" y=\"34\">{numbers}</text></g>{lines}</g>\n"
    )
}

/// `2 failed`, or what there is most reason to say.
fn numbers(report: &Report, item: &str) -> String {
    let of_item = |status| {
        report
            .with_status(status)
            .filter(|r| r.item == item)
            .count()
    };
    for (status, word) in [
        (Status::Fail, "failed"),
        (Status::Unknown, "unknown"),
        (Status::Waived, "waived"),
        (Status::Pass, "passed"),
    ] {
        match of_item(status) {
            0 => {}
            number => return format!("{number} {word}"),
        }
    }
    String::new()
}

/// A title in lines of a tile, three at most.
fn lines(title: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in title.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= LINE => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    if lines.len() > 2 {
        lines.truncate(2);
        lines[1].push_str(" …");
    }
    lines.iter().map(|line| cut(line, LINE + 2)).collect()
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// One row for each deployment of a fleet.
pub fn rows(findings: &Findings) -> String {
    let deployments: Vec<Deployment<'_>> = findings.deployments().collect();
    let most = deployments.iter().max_by_key(|d| d.report.checklist.len());
    let items = most.map_or(&[][..], |deployment| &deployment.report.checklist);
    let width = NAMES + (items.len() * COLUMN).saturating_sub(6);
    let height = (deployments.len() + 1) * ROW;
    let head: String = items
        .iter()
        .enumerate()
        .map(|(at, item)| {
            let x = NAMES + at * COLUMN + (COLUMN - 6) / 2;
            format!(
                "<text class=\"item\" x=\"{x}\" y=\"24\">{}</text>",
                escaped(&cut(&item.item, 12))
            )
        })
        .collect();
    let rows: String = deployments
        .iter()
        .enumerate()
        .map(|(at, deployment)| row(deployment, (at + 1) * ROW))
        .collect();
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"The checklist of each deployment\" tabindex=\"0\">\n\
         <svg class=\"rows\" role=\"img\" aria-labelledby=\"picture\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n<title id=\"picture\">The checklist of {}, one row for each</title>\n\
         {head}\n{rows}</svg>\n</div>\n",
        count(deployments.len() as u64, "deployment")
    )
}

fn row(deployment: &Deployment<'_>, top: usize) -> String {
    let tiles: String = deployment
        .report
        .checklist
        .iter()
        .enumerate()
        .map(|(at, item)| {
            let (word, symbol) = (item.status.word(), symbol(item.status));
            let x = NAMES + at * COLUMN;
            let (tile, middle) = (COLUMN - 6, x + (COLUMN - 6) / 2);
            format!(
                "<g class=\"tile {word}\"><rect x=\"{x}\" y=\"{}\" width=\"{tile}\" height=\"{}\" rx=\"6\"/>\
                 <text class=\"state\" x=\"{middle}\" y=\"{}\">{symbol} {word}</text></g>",
                top + 3,
                ROW - 6,
                top + 23
            )
        })
        .collect();
    let name = escaped(&cut(deployment.label(), LONGEST_NAME));
    format!(
        "<g><text class=\"name\" x=\"2\" y=\"{}\">{name}</text>{tiles}</g>\n",
        top + 23
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_wrapped_into_two_lines_and_an_endless_one_is_cut() {
        let title = "Hosted networking split, CORS, proxies";
        assert_eq!(lines(title), ["Hosted networking", "split, CORS, proxies"]);
        assert_eq!(
            lines("one two three four five six seven eight nine ten").len(),
            2
        );
        assert!(lines(&"x".repeat(500))[0].chars().count() < 30);
    }
}
