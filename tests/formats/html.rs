//! HTML: one file that asks for nothing; html5lib, the Nu checker and axe agree.

use std::path::Path;
use std::process::Command;

use openclaw_sec::fleet::Findings;
use openclaw_sec::report::{Severity, Status};

use crate::corpus::{all, fleet_of, report, result, sample};
use crate::render;
use crate::validators::{files, has, node_file, python_agrees};

/// What may be an element; a report can bring no other.
const ELEMENTS: &str = "a article b body br circle code dd div dl dt footer g h1 h2 h3 h4 head header html \
    li main meta p rect section span strong style svg table tbody td text th thead time title tr ul";
/// What may be an attribute.
const ATTRIBUTES: &str = "aria-label aria-labelledby charset class colspan content cx cy datetime height href \
    http-equiv id lang name r rel role rx scope style tabindex transform viewBox width x y";

/// The rules of the format; `findings` may be anything.
pub fn hold(findings: &Findings) {
    let text = render("html", findings);
    assert!(text.len() < 600_000, "{} bytes", text.len());
    let (head, rest) = text.split_once("<style>").unwrap();
    let (style, body) = rest.split_once("</style>").unwrap();
    for word in ["url(", "@import", "http"] {
        assert!(!style.contains(word), "{word}");
    }
    let tags: Vec<&str> = tags(head).into_iter().chain(tags(body)).collect();
    let mut level = 0;
    for tag in &tags {
        let (element, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let element = element.trim_matches('/');
        assert!(ELEMENTS.split(' ').any(|known| known == element), "<{tag}>");
        for (name, value) in attributes_of(attributes) {
            assert!(ATTRIBUTES.split(' ').any(|known| known == name), "<{tag}>");
            assert!(
                name != "href" || (element == "a" && value.starts_with("https://")),
                "<{tag}>"
            );
        }
        if let Some(next) = element
            .strip_prefix('h')
            .and_then(|n| n.parse::<u32>().ok())
            && !tag.starts_with('/')
        {
            assert!(
                next <= level + 1 && (next > 1 || level == 0),
                "<{tag}> after h{level}"
            );
            level = next;
        }
    }
    let of = |element: &str| {
        tags.iter()
            .filter(|tag| tag.split(' ').next() == Some(element))
            .count()
    };
    assert_eq!((of("h1"), of("svg")), (1, 1));
}

/// What stands between `<` and `>`, where quotes hide both.
fn tags(text: &str) -> Vec<&str> {
    let mut tags = Vec::new();
    let mut start = None;
    let mut in_quotes = false;
    for (at, c) in text.char_indices() {
        match (c, start) {
            ('<', None) => start = Some(at + 1),
            ('"', Some(_)) => in_quotes = !in_quotes,
            ('<', Some(_)) => panic!("a tag within a tag: {}", &text[at.saturating_sub(40)..]),
            ('>', Some(from)) if !in_quotes => {
                tags.push(&text[from..at]);
                start = None;
            }
            _ => {}
        }
    }
    tags.retain(|tag| !tag.starts_with('!'));
    tags
}

/// Names and values of `a="b" c="d"`.
fn attributes_of(text: &str) -> Vec<(&str, &str)> {
    let mut attributes = Vec::new();
    let mut rest = text.trim_end_matches('/').trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{text}"));
        let (value, after) = after.split_once('"').unwrap();
        attributes.push((name, value));
        rest = after.trim_start();
    }
    attributes
}

#[test]
fn every_report_holds_the_rules() {
    for (_, findings) in all() {
        hold(findings);
    }
}

#[test]
fn the_verdict_comes_first_in_words_and_numbers() {
    let cases: [(&[(Status, Severity)], &str); 6] = [
        (
            &[
                (Status::Fail, Severity::Critical),
                (Status::Fail, Severity::Low),
            ],
            "2 findings, 1 of them critical",
        ),
        (
            &[(Status::Fail, Severity::Medium)],
            "1 finding, severity medium",
        ),
        (
            &[
                (Status::Unknown, Severity::High),
                (Status::Pass, Severity::Low),
            ],
            "Nothing failed, 1 check could not be determined",
        ),
        (
            &[
                (Status::Pass, Severity::High),
                (Status::Waived, Severity::High),
            ],
            "Nothing wrong: 1 check passed",
        ),
        (&[(Status::Skipped, Severity::High)], "Nothing was checked"),
        (&[], "Nothing was checked"),
    ];
    for (results, verdict) in cases {
        let results = results.iter().enumerate();
        let results = results.map(|(n, (status, severity))| result("auth", n, *status, *severity));
        let text = render("html", &Findings::One(report(results.collect())));
        assert!(text.contains(&format!("<h1>{verdict}</h1>")), "{verdict}");
    }
    let text = render("html", sample("fleet"));
    assert!(text.contains("<h1>Findings in 3 of 4 deployments, 1 could not be determined</h1>"));
}

#[test]
fn the_picture_has_colour_symbol_and_word_for_each_item() {
    let text = render("html", sample("everything"));
    let (_, picture) = text.split_once("<svg").unwrap();
    let (picture, _) = picture.split_once("</svg>").unwrap();
    assert_eq!(picture.matches("<g class=\"tile ").count(), 8);
    assert_eq!(picture.matches(">✗</text>").count(), 8);
    assert!(
        !picture.contains('…'),
        "a title of the checklist does not fit"
    );
    let text = render("html", sample("fleet"));
    let (picture, _) = text.split_once("</svg>").unwrap();
    assert_eq!(picture.matches("<g class=\"tile ").count(), 4 * 8);
    assert_eq!(picture.matches("? unknown</text>").count(), 8);
}

#[test]
fn what_failed_what_is_unknown_and_what_is_accepted_is_told_with_its_remedy() {
    let statuses = [Status::Fail, Status::Unknown, Status::Waived];
    let results = statuses.map(|status| result("auth", 0, status, Severity::High));
    let text = render("html", &Findings::One(report(results.into())));
    for words in [
        "<h2>What failed</h2>",
        "<code>bots/prod.env:1</code>",
        "run <code>openclaw-sec check --fix</code>",
        "<h2>Not determined</h2>",
        "<td>a reason</td>",
        "<h2>Accepted for a while</h2>",
        "until 2026-12-31: a reason (mia)",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn ten_thousand_findings_and_a_thousand_targets_keep_the_file_small() {
    let many = |count: usize, status| {
        let results = (0..count).map(|n| result("secrets", n, status, Severity::High));
        report(results.collect())
    };
    let text = render("html", &Findings::One(many(10_000, Status::Fail)));
    assert!(text.contains("more: the JSON report has them all"));
    assert!(text.len() < 600_000, "{}", text.len());
    let mut unlike = many(5_000, Status::Unknown);
    for (number, result) in unlike.results.iter_mut().enumerate() {
        result.reason = format!("reason {number} {}", "x".repeat(1_000));
    }
    let text = render("html", &Findings::One(unlike));
    assert!(text.len() < 600_000, "{}", text.len());
    let names: Vec<String> = (0..1_000).map(|n| format!("bot-{n}")).collect();
    let targets = names
        .iter()
        .map(|name| (&**name, Some(many(1, Status::Fail))))
        .collect();
    let text = render("html", &Findings::Fleet(fleet_of(targets)));
    assert!(text.len() < 4_000_000, "{}", text.len());
}

#[test]
fn html5lib_finds_no_error() {
    let folder = tempfile::tempdir().unwrap();
    python_agrees(
        r"
import sys, html5lib
for path in sys.argv[1:]:
    try:
        html5lib.HTMLParser(strict=True).parse(open(path, encoding='utf-8').read())
    except Exception as error:
        print(path, repr(error))
",
        files("html", folder.path()),
    );
}

#[test]
fn the_nu_checker_finds_no_error() {
    let Some(jar) = node_file("vnu-jar/build/dist/vnu.jar") else {
        return;
    };
    if !has("java") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("java")
        .args(["-XX:TieredStopAtLevel=1", "-Xss4m", "-jar"])
        .arg(jar)
        .arg("--Werror")
        .args(files("html", folder.path()))
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && words.is_empty(), "{words}");
}

/// Both widths and both schemes: accessibility, sideways scrolling, sizes of text, requests.
#[test]
fn a_browser_finds_nothing_to_object() {
    let Some(axe) = node_file("axe-core/axe.min.js") else {
        return;
    };
    if !["node", "chromium-headless-shell", "unshare"]
        .into_iter()
        .all(has)
    {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root: &[&str] = if rustix::process::geteuid().is_root() {
        &[]
    } else {
        &["-r"]
    };
    let lonely = |words: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(root).args(["-n", "--"]).args(words);
        command
    };
    if !lonely(&["true"]).status().unwrap().success() {
        crate::validators::skipped("unshare makes no network namespace here");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/browser.js");
    let look = |files: &[std::path::PathBuf]| {
        let mut browser = lonely(&["node"]);
        let output = browser.arg(&script).arg(&axe).args(files).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let wanted = |file: &std::path::PathBuf| {
        let stem = file.file_stem().unwrap();
        ["everything", "fleet"].iter().any(|name| stem == *name)
    };
    let mut seen = files("html", folder.path());
    seen.retain(wanted);
    assert_eq!(look(&seen), "");
    let broken = folder.path().join("broken.html");
    let text = std::fs::read_to_string(&seen[0]).unwrap();
    let text = text
        .replace("--soft: #535b66", "--soft: #cccccc")
        .replace("<main>", "<main style=\"width:1300px\">");
    std::fs::write(&broken, text).unwrap();
    let words = look(&[broken]);
    assert!(
        words.contains("color-contrast") && words.contains("scrolls sideways"),
        "it is not asleep: {words}"
    );
}
