//! `--rules`: gitleaks' files beside our own rules.

use crate::made_up_keys::Maker;
use crate::repository::Repository;

#[test]
fn a_rule_file_adds_its_rules_and_silences_only_its_own() {
    let key = Maker::new(1).github();
    let folder = Repository::plain();
    folder
        .write("a.txt", format!("acme-12345678\nx {key}\n"))
        .write("b/test.txt", "acme-87654321\n")
        .write("c.pem", "nothing");
    let rules = Repository::plain();
    rules.write(
        "rules.toml",
        "[allowlist]\npaths = ['^b/']\nregexes = ['.*ghp.*']\n\
         [[rules]]\nid = 'acme'\nregex = 'acme-[0-9]{8}'\nkeywords = ['acme']\n\
         [[rules]]\nid = 'pem-file'\npath = '\\.pem$'\n",
    );
    let path = rules.file("rules.toml");
    let checked = folder.check(&["--rules", path.to_str().unwrap()]);
    assert_eq!(checked.code, 1);
    assert_eq!(
        checked.places("secrets.in-code"),
        ["a.txt:1:1 acme", "a.txt:2:3 github-token", "c.pem pem-file"]
    );
    // What lies in the tree under such a name is nobody's order.
    folder.write(".gitleaks.toml", "[allowlist]\npaths = ['.*']\n");
    folder.write(".gitleaksignore", "a.txt:github:2\n");
    assert_eq!(
        folder.check(&[]).places("secrets.in-code"),
        ["a.txt:2:3 github-token"]
    );
}

#[test]
fn a_rule_file_that_cannot_be_followed_is_a_usage_error_with_the_rules_id() {
    let folder = Repository::plain();
    folder.write("rules.toml", "[[rules]]\nid = 'acme'\nregex = '(?=x)'\n");
    let path = folder.file("rules.toml");
    let checked = folder.check(&["--rules", path.to_str().unwrap()]);
    assert_eq!(checked.code, 2);
    assert!(checked.stderr.contains("rule acme"), "{}", checked.stderr);
    assert_eq!(folder.check(&["--rules", "/nowhere"]).code, 2);
}

#[test]
fn a_rule_about_paths_finds_files_that_are_gone() {
    let repository = Repository::new();
    repository
        .write("deep/gone.pem", "1")
        .write("kept.pem", "1");
    let first = repository.commit("one");
    repository.write("deep/gone.pem", "2");
    repository.commit("two");
    repository.git(["rm", "-q", "deep/gone.pem"]);
    repository.commit("three");
    let rules = Repository::plain();
    rules.write(
        "rules.toml",
        "[[rules]]\nid = 'pem-file'\npath = '\\.pem$'\n",
    );
    let path = rules.file("rules.toml");
    let checked = repository.check(&["--history", "--rules", path.to_str().unwrap()]);
    assert_eq!(checked.code, 1, "{}", checked.stdout);
    assert_eq!(checked.places("secrets.in-code"), ["kept.pem pem-file"]);
    assert_eq!(
        checked.places("secrets.in-history"),
        ["deep/gone.pem pem-file", "kept.pem pem-file"]
    );
    let results = checked.report["results"].as_array().unwrap();
    let gone = results
        .iter()
        .find(|result| result["location"]["path"] == "deep/gone.pem")
        .unwrap();
    let evidence = &gone["evidence"];
    assert_eq!(evidence["commit"], first.as_str());
    assert_eq!(
        (&evidence["versions"], &evidence["in_head"]),
        (&2.into(), &false.into())
    );
}
