//! JUnit: counts are right, names are unique, every character is allowed; junitparser agrees.

use std::collections::HashSet;

use openclaw_sec::fleet::Findings;
use openclaw_sec::report::{Severity, Status};
use roxmltree::{Document, Node};

use crate::corpus::{all, report, result, sample};
use crate::validators::{files, python_agrees};
use crate::{counts, render};

fn number(node: Node<'_, '_>, name: &str) -> u64 {
    node.attribute(name).unwrap().parse().unwrap()
}

/// How many of its cases hold such an element.
fn having(node: Node<'_, '_>, element: &str) -> u64 {
    node.descendants()
        .filter(|inner| inner.has_tag_name(element))
        .count() as u64
}

/// The rules of the format; `findings` may be anything.
pub fn hold(findings: &Findings) {
    let text = render("junit", findings);
    let document = Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let root = document.root_element();
    let [pass, fail, unknown, skipped, waived] = counts(findings);
    assert_eq!(
        number(root, "tests"),
        pass + fail + unknown + skipped + waived
    );
    assert_eq!(number(root, "failures"), fail);
    assert_eq!(number(root, "errors"), unknown);
    assert_eq!(number(root, "skipped"), skipped + waived);
    let mut names = HashSet::new();
    let mut suites = HashSet::new();
    for suite in root.children().filter(Node::is_element) {
        assert!(suites.insert(suite.attribute("name").unwrap()));
        let counted = ["testcase", "failure", "error", "skipped"].map(|name| having(suite, name));
        let stated = ["tests", "failures", "errors", "skipped"].map(|name| number(suite, name));
        assert_eq!(counted, stated);
        for case in suite
            .children()
            .filter(|node| node.has_tag_name("testcase"))
        {
            let name = (
                case.attribute("classname").unwrap(),
                case.attribute("name").unwrap(),
            );
            assert!(names.insert(name), "{name:?}");
        }
    }
    // Line ends and tabs apart, a control character is none that XML 1.0 allows.
    let forbidden =
        |c: char| (c.is_control() && c != '\n') || ('\u{fffe}'..='\u{ffff}').contains(&c);
    assert!(!text.contains(forbidden) && !text.contains("]]>"));
}

#[test]
fn every_report_holds_the_rules() {
    for (_, findings) in all() {
        hold(findings);
    }
}

#[test]
fn one_suite_stands_for_each_item() {
    let text = render("junit", sample("page"));
    let document = Document::parse(&text).unwrap();
    let suites = document.root_element().children().filter(Node::is_element);
    let names: Vec<&str> = suites
        .map(|suite| suite.attribute("name").unwrap())
        .collect();
    let items = openclaw_sec::check::ITEMS.iter().map(|item| item.id);
    assert_eq!(names, items.collect::<Vec<_>>());
}

#[test]
fn each_status_has_its_element() {
    let cases = [
        (Status::Fail, "failure", "finding number 0"),
        (Status::Unknown, "error", "a reason"),
        (Status::Waived, "skipped", "a reason"),
        (Status::Skipped, "skipped", "a reason"),
    ];
    for (status, element, words) in cases {
        let findings = Findings::One(report(vec![result("auth", 0, status, Severity::Low)]));
        let text = render("junit", &findings);
        let document = Document::parse(&text).unwrap();
        let node = document
            .descendants()
            .find(|node| node.has_tag_name(element))
            .unwrap();
        assert!(node.attribute("message").unwrap().contains(words), "{text}");
    }
    let findings = Findings::One(report(vec![result("auth", 0, Status::Pass, Severity::Low)]));
    let text = render("junit", &findings);
    let document = Document::parse(&text).unwrap();
    let case = document
        .descendants()
        .find(|node| node.has_tag_name("testcase"))
        .unwrap();
    assert!(!case.has_children());
}

#[test]
fn findings_of_one_check_stay_apart() {
    let alike = (0..3).map(|number| {
        let mut one = result("auth", number, Status::Fail, Severity::Low);
        one.location = None;
        one
    });
    hold(&Findings::One(report(alike.collect())));
}

#[test]
fn a_fleet_names_the_target_in_suite_and_class() {
    let text = render("junit", sample("fleet"));
    let document = Document::parse(&text).unwrap();
    for suite in document.root_element().children().filter(Node::is_element) {
        let name = suite.attribute("name").unwrap();
        let target = ["eu-1", "eu-2", "us-1", "us-2"]
            .into_iter()
            .find(|target| name.contains(target));
        for case in suite
            .children()
            .filter(|node| node.has_tag_name("testcase"))
        {
            assert!(
                case.attribute("classname")
                    .unwrap()
                    .contains(target.unwrap())
            );
        }
    }
}

#[test]
fn junitparser_reads_the_same_numbers() {
    let folder = tempfile::tempdir().unwrap();
    python_agrees(
        r"
import sys
from junitparser import JUnitXml, Failure, Error, Skipped
for path in sys.argv[1:]:
    xml = JUnitXml.fromfile(path)
    stated = (xml.tests, xml.failures, xml.errors, xml.skipped)
    cases = [case for suite in xml for case in suite]
    kinds = [[type(result) for result in case.result] for case in cases]
    counted = (len(cases), *(sum(kind in k for k in kinds) for kind in (Failure, Error, Skipped)))
    xml.update_statistics()
    updated = (xml.tests, xml.failures, xml.errors, xml.skipped)
    if not stated == counted == updated:
        print(path, stated, counted, updated)
",
        files("junit", folder.path()),
    );
}
