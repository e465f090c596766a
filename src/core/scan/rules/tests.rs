use std::path::PathBuf;

use super::*;

fn read(text: &str) -> Result<RuleSet, String> {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("rules.toml");
    std::fs::write(&path, text).unwrap();
    RuleSet::read(&[path]).map_err(|error| error.to_string())
}

fn found(rules: &str, text: &str, path: &str) -> Vec<String> {
    let set = read(rules).unwrap();
    let hits = set.find_all(text.as_bytes(), Some(path.as_bytes()));
    hits.into_iter()
        .map(|hit| format!("{} {}", set.id(hit.rule), &text[hit.range]))
        .collect()
}

#[test]
fn the_secret_is_the_named_group_else_the_first_else_the_match() {
    let rule = |more: &str| format!("[[rules]]\nid = 'a'\nregex = 'acme_(\\w+)_(\\d+)'\n{more}");
    assert_eq!(found(&rule(""), "acme_abc_12", "x"), ["a abc"]);
    assert_eq!(
        found(&rule("secretGroup = 2"), "acme_abc_12", "x"),
        ["a 12"]
    );
    let whole = "[[rules]]\nid = 'a'\nregex = 'acme_[a-z]+'";
    assert_eq!(found(whole, "acme_abc", "x"), ["a acme_abc"]);
}

#[test]
fn keywords_entropy_and_paths_narrow_a_rule() {
    let rule = |more: &str| format!("[[rules]]\nid = 'a'\nregex = 'k=(\\w+)'\n{more}");
    let cases = [
        ("keywords = ['ACME']", "k=1234abcd acme", "x", 1),
        ("keywords = ['acme']", "k=1234abcd", "x", 0),
        ("entropy = 2.5", "k=1234abcd", "x", 1),
        ("entropy = 3", "k=aaaaaaab", "x", 0),
        ("path = '^src/'", "k=1", "src/a", 1),
        ("path = '^src/'", "k=1", "b/src/a", 0),
    ];
    for (more, text, path, expected) in cases {
        assert_eq!(
            found(&rule(more), text, path).len(),
            expected,
            "{more} {text}"
        );
    }
}

#[test]
fn allowlists_allow_and_only_what_they_say() {
    let rule = "[[rules]]\nid = 'a'\nregex = 'k=(\\w+)'\n";
    let cases = [
        ("[[rules.allowlists]]\nregexes = ['^dev']", 1),
        (
            "[[rules.allowlists]]\nregexes = ['prod']\nregexTarget = 'line'",
            0,
        ),
        (
            "[[rules.allowlists]]\nregexes = ['^k=dev']\nregexTarget = 'match'",
            1,
        ),
        ("[[rules.allowlists]]\nstopwords = ['DEV']", 1),
        ("[[rules.allowlists]]\npaths = ['test/']", 1),
        (
            "[[rules.allowlists]]\ncondition = 'AND'\npaths = ['test/']\nstopwords = ['dev']",
            1,
        ),
        (
            "[[rules.allowlists]]\ncondition = 'AND'\npaths = ['src/']\nstopwords = ['dev']",
            2,
        ),
        ("[rules.allowlist]\nstopwords = ['dev']", 1),
        ("[allowlist]\nstopwords = ['dev']", 1),
        (
            "[[allowlists]]\ntargetRules = ['b']\nstopwords = ['dev']",
            2,
        ),
        (
            "[[allowlists]]\ntargetRules = ['a']\nstopwords = ['dev']",
            1,
        ),
        ("[[rules.allowlists]]\ncommits = ['abc']", 2),
    ];
    for (list, expected) in cases {
        let rules = format!("{rule}{list}");
        let hits = match list.contains("paths = ['test/']") && !list.contains("AND") {
            true => {
                found(&rules, "k=dev1 prod", "test/a").len() + found(&rules, "k=live", "a").len()
            }
            false => found(&rules, "k=dev1 k=live prod", "test/a").len(),
        };
        assert_eq!(hits, expected, "{list}");
    }
}

#[test]
fn every_mistake_is_told_with_the_rules_id() {
    let cases: [(&str, &[&str]); 18] = [
        ("", &["no [[rules]]"]),
        ("[[rules]]\nregex = 'a'", &["rule 1 has no id"]),
        ("[[rules]]\nid = 'a'", &["rule a has neither"]),
        ("[[rules]]\nid = 'a'\nregex = ''", &["rule a has neither"]),
        (
            "[[rules]]\nid = 'a'\nregex = '(?=x)'\n[[rules]]\nid = 'b'\nregex = '['",
            &[
                "rule a: regex does not compile: look-around",
                "rule b: regex does not compile",
            ],
        ),
        (
            "[[rules]]\nid = 'a'\nregex = '((\\w{100}){100}){100}'",
            &["rule a: regex explodes"],
        ),
        (
            "[[rules]]\nid = 'a'\nregex = '(x)'\nsecretGroup = 2",
            &["rule a: there is no group 2"],
        ),
        (
            "[[rules]]\nid = 'a'\nregex = 'x'\nfilter = 'y'",
            &["rule a: `filter` is not understood"],
        ),
        (
            "[[rules]]\nid = 'a'\nregex = 'x'\n[[rules.required]]\nid = 'b'",
            &["rule a: `required`"],
        ),
        ("[[rules]\nid = 1", &["line 1: not valid TOML"]),
        ("rules = 'x'", &["the file: rules is no list of tables"]),
        ("rules = [1]", &["the file: rules is no list of tables"]),
        (
            "[[rules]]\nid = 'a'\nregex = 'x'\nentropy = '3.5'\nkeywords = 'foo'\nsecretGroup = '1'",
            &[
                "rule a: entropy is no number",
                "rule a: keywords is no list of texts",
                "rule a: secretGroup is no whole number",
            ],
        ),
        (
            "[[rules]]\nid = 'a'\nregex = 'x'\nsecretGroup = -1",
            &["rule a: secretGroup is no whole number"],
        ),
        (
            "[[rules]]\nid = 'a'\nregex = 'x'\nsecretGroup = 1.5",
            &["rule a: secretGroup is no whole number"],
        ),
        (
            "[[rules]]\nid = 'a'\nregex = 'x'\n[rules.allowlists]\npaths = ['y']",
            &["rule a: allowlists is no list of tables"],
        ),
        (
            "[[rules]]\nid = 'a'\nregex = 'x'\n[[rules.allowlists]]\nregexes = 'y'\npaths = [3]\ncondition = 3",
            &[
                "rule a, allowlist: regexes is no list of texts",
                "rule a, allowlist: paths is no list of texts",
                "rule a, allowlist: condition is no text",
            ],
        ),
        (
            "[extend]\nuseDefault = 1\n[[rules]]\nid = 'a'\nregex = 'x'",
            &["extend: useDefault is no true or false"],
        ),
    ];
    for (text, expected) in cases {
        let error = read(text).unwrap_err();
        for part in expected {
            assert!(error.contains(part), "{text}: {error}");
        }
    }
    let missing = RuleSet::read(&[PathBuf::from("/nowhere/rules.toml")]).unwrap_err();
    assert!(missing.to_string().contains("cannot be read"));
}

#[test]
fn a_rule_without_a_regex_is_about_paths() {
    let set = read("[[rules]]\nid = 'pem'\npath = '\\.pem$'").unwrap();
    assert_eq!(set.about_path(b"a/b.pem").count(), 1);
    assert_eq!(set.about_path(b"a/b.txt").count(), 0);
    assert!(set.find_all(b"x", Some(b"a.pem")).is_empty());
    let set = read("[[rules]]\nid = 'pem'\npath = '\\.pem$'\nregex = ''").unwrap();
    assert_eq!(set.about_path(b"a/b.pem").count(), 1);
}
