//! The tree: what is searched, where a key stands, and what is never shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::made_up_keys::Maker;
use crate::repository::{Repository, run};

#[test]
fn git_says_which_files_count() {
    let mut maker = Maker::new(10);
    let mut key = || maker.github();
    let repository = Repository::new();
    repository.write(".gitignore", "ignored\n*.log\nforced\n");
    repository.write("tracked", key()).write("forced", key());
    repository.commit("one");
    repository
        .write("untracked", key())
        .write(".hidden/x", key())
        .write("ignored", key())
        .write("a.log", key());
    assert_eq!(
        repository.check(&[]).places("secrets.in-code"),
        [
            ".hidden/x:1:1 github-token",
            "forced:1:1 github-token",
            "tracked:1:1 github-token",
            "untracked:1:1 github-token",
        ]
    );
    // A folder that git ignores is searched when it is named.
    repository.write("build/ignored", key());
    let build = repository.file("build");
    repository.write(".git/info/exclude", "build/\n");
    let named = run(&build, &["--code", "."], &[]);
    assert_eq!(
        named.places("secrets.in-code"),
        ["ignored:1:1 github-token"]
    );
    // Outside a repository such files mean nothing.
    let plain = Repository::plain();
    plain
        .write(".gitignore", "*")
        .write(".ignore", "*")
        .write("x", key());
    assert_eq!(
        plain.check(&[]).places("secrets.in-code"),
        ["x:1:1 github-token"]
    );
}

#[test]
fn a_place_is_line_and_column_in_characters() {
    let mut maker = Maker::new(11);
    let key = maker.github();
    let folder = Repository::plain();
    folder.write("umlaut", format!("é\nüß = {key}\n"));
    folder.write("bom", format!("\u{feff}{key}"));
    let utf16: Vec<u8> = format!("\u{feff}zwei\r\n x={key}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    folder.write("utf16", utf16);
    let utf16: Vec<u8> = format!("\u{feff}x={key}")
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    folder.write("utf16be", utf16);
    folder.write(
        "binary",
        [b"\0\x01\x02ELF\0", key.as_bytes(), b"\0"].concat(),
    );
    let long = format!("{}\n{}{key}", "x".repeat(3 << 20), " ".repeat(1 << 20));
    folder.write("long", long);
    let checked = folder.check(&[]);
    assert_eq!(
        checked.places("secrets.in-code"),
        [
            "binary:1:8 github-token",
            "bom:1:1 github-token",
            "long:2:1048577 github-token",
            "umlaut:2:6 github-token",
            "utf16:2:4 github-token",
            "utf16be:1:3 github-token",
        ]
    );
    checked.hides(&key);
}

#[test]
fn a_key_is_found_at_every_place_around_a_windows_edge() {
    let mut maker = Maker::new(12);
    let key = maker.anthropic();
    let folder = Repository::plain();
    // Around the end of the window, and around the place from which the next one takes over.
    let (end, takeover) = (512 << 10, 472 << 10);
    let around = |edge: usize| (edge - 120..edge + 12).step_by(3);
    let places: Vec<usize> = around(end).chain(around(takeover)).collect();
    for at in &places {
        folder.write(
            format!("f{at}"),
            format!("{}{key}{}", "\n".repeat(*at), "\n".repeat(70 << 10)),
        );
    }
    let found = folder.check(&[]).places("secrets.in-code");
    let mut expected: Vec<String> = places
        .iter()
        .map(|at| format!("f{at}:{}:1 anthropic-api-key", at + 1))
        .collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_env_files_own_values_are_found_in_every_form() {
    let folder = Repository::plain();
    let value = "p\"w/9 x~Zq+7é";
    folder.write(
        "conf/.env",
        format!("OPENCLAW_GATEWAY_PASSWORD='{value}'\n"),
    );
    folder.write("src/plain", format!("x {value} y"));
    folder.write("src/json", serde_json::to_string(value).unwrap());
    folder.write("src/base64", STANDARD.encode(format!("user:{value}")));
    folder.write("src/base64-2", STANDARD.encode(format!("ab{value}cd")));
    folder.write("src/percent", "p%22w%2f9%20x~Zq%2b7%c3%a9");
    let env = folder.file("conf/.env");
    let checked = folder.check(&["--env", env.to_str().unwrap()]);
    assert_eq!(
        checked.places("secrets.in-code"),
        [
            "src/base64-2:1:4 env-value",
            "src/base64:1:8 env-value",
            "src/json:1:2 env-value",
            "src/percent:1:1 env-value",
            "src/plain:1:3 env-value",
        ]
    );
    let results = checked.failed("secrets.in-code");
    assert!(
        results
            .iter()
            .all(|result| result["evidence"]["variable"] == "OPENCLAW_GATEWAY_PASSWORD")
    );
    checked.hides(value);
}

#[test]
fn a_fingerprint_survives_moved_lines_and_not_another_key() {
    let mut maker = Maker::new(13);
    let (one, other) = (maker.github(), maker.github());
    let folder = Repository::plain();
    let print = |text: String| {
        folder.write("a", text);
        folder.check(&[]).failed("secrets.in-code")[0]["fingerprint"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let first = print(format!("k={one}"));
    assert_eq!(print(format!("\n\n# moved\nkey: {one};")), first);
    assert_ne!(print(format!("k={other}")), first);
}

#[test]
fn waivers_and_comments_allow_with_date_and_reason_alone() {
    let mut maker = Maker::new(14);
    let folder = Repository::plain();
    let soon = jiff::Timestamp::now()
        .to_zoned_datetime(jiff::tz::TimeZone::UTC)
        .date();
    let soon = soon.checked_add(jiff::Span::new().days(30)).unwrap();
    folder.write(
        "a",
        format!(
            "{} # openclaw-sec:allow github-token until {soon} because it is revoked\n",
            maker.github()
        ),
    );
    folder.write(
        "b",
        format!("{} # openclaw-sec:allow github-token\n", maker.github()),
    );
    folder.write("test/c", maker.github());
    folder.write(
        "openclaw-sec.toml",
        format!("[[waiver]]\nid = 'secrets.in-code'\ntarget = 'test/**'\nreason = 'made up'\nexpires = {soon}\n"),
    );
    let checked = folder.check(&[]);
    let mut statuses = checked.statuses("secrets.in-code");
    statuses.sort_unstable();
    assert_eq!(statuses, ["fail", "waived", "waived"], "{}", checked.stdout);
    let useless = checked.failed("secrets.in-code")[0]["message"]
        .as_str()
        .unwrap();
    assert!(useless.contains("no date"), "{useless}");
    // The searched tree's own configuration is nobody's order elsewhere.
    let root = folder.path().to_str().unwrap();
    let elsewhere = run(&std::env::temp_dir(), &["--code", root], &[]);
    assert_eq!(elsewhere.failed("secrets.in-code").len(), 2);
}

#[test]
fn a_key_in_a_files_name_is_found_and_masked() {
    let key = Maker::new(15).github();
    let folder = Repository::plain();
    folder.write(format!("dump-{key}.txt"), "nothing");
    let checked = folder.check(&[]);
    assert_eq!(
        checked.places("secrets.in-code"),
        ["dump-[redacted].txt github-token"]
    );
    checked.hides(&key);
}

#[test]
fn submodules_are_searched_and_archives_are_named() {
    let mut maker = Maker::new(16);
    let inner = Repository::new();
    inner.write("lib.rs", maker.github());
    inner.commit("inner");
    let outer = Repository::new();
    outer.git([
        "submodule",
        "--quiet",
        "add",
        inner.path().to_str().unwrap(),
        "vendor/sub.d",
    ]);
    outer.write("a.zip", "PK\x03\x04").write(".gitignore", "");
    outer.commit("outer");
    let checked = outer.check(&["-v"]);
    assert_eq!(
        checked.places("secrets.in-code"),
        ["vendor/sub.d/lib.rs:1:1 github-token"]
    );
    assert!(checked.stderr.contains("a.zip"), "{}", checked.stderr);
}

#[test]
fn without_a_tree_it_is_skipped_and_a_wrong_one_is_a_usage_error() {
    let folder = Repository::plain();
    folder.write(".env", "WEB_API_KEY=\n");
    let checked = run(folder.path(), &[], &[]);
    assert_eq!(checked.statuses("secrets.in-code"), ["skipped"]);
    assert_eq!(run(folder.path(), &["--code", "nowhere"], &[]).code, 2);
    let clean = folder.check(&[]);
    assert_eq!(
        (clean.code, clean.statuses("secrets.in-code")),
        (0, vec!["pass"])
    );
}

#[test]
fn services_are_told_places_from_the_working_folder() {
    let mut maker = Maker::new(12);
    let repository = Repository::new();
    repository
        .write("top.txt", maker.github())
        .write("d/e/f.txt", maker.github())
        .commit("one");
    let places = |folder: &str, code: &str| {
        let words = [
            "--history",
            "--code",
            code,
            "--format",
            "sarif",
            "--output",
            "r.sarif",
            "--format",
            "gitlab",
            "--output",
            "r.gitlab",
            "--format",
            "github",
            "--output",
            "r.github",
        ];
        let folder = repository.file(folder);
        let checked = run(&folder, &words, &[]);
        assert_eq!(checked.code, 1, "{}", checked.stderr);
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let sarif: serde_json::Value = serde_json::from_str(&read("r.sarif")).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap().iter();
        let failed = results.filter(|result| result["kind"] == "fail");
        let sarif: Vec<String> = failed
            .map(|result| {
                let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
                place["uri"].as_str().unwrap().to_owned()
            })
            .collect();
        let gitlab: serde_json::Value = serde_json::from_str(&read("r.gitlab")).unwrap();
        let gitlab = gitlab.as_array().unwrap().iter();
        let gitlab: Vec<String> = gitlab
            .map(|issue| issue["location"]["path"].as_str().unwrap().to_owned())
            .collect();
        let github = read("r.github");
        let github = github
            .lines()
            .filter_map(|line| Some(line.split_once("file=")?.1.split_once(',')?.0.to_owned()));
        let mut github: Vec<String> = github.collect();
        let uris = sarif
            .iter()
            .map(|uri| uri.trim_start_matches("file://").to_owned());
        assert_eq!(uris.collect::<Vec<_>>(), gitlab);
        github.sort();
        let mut sorted = gitlab;
        sorted.sort();
        assert_eq!(sorted, github);
        (checked.places("secrets.in-code"), sarif)
    };
    let (own, sarif) = places(".", "d");
    assert_eq!(own, ["e/f.txt:1:1 github-token"]);
    assert_eq!(sarif, ["d/e/f.txt", "d/e/f.txt", "top.txt"]);
    let (_, sarif) = places("d", ".");
    let top = repository.file("top.txt").canonicalize().unwrap();
    let top = format!("file://{}", top.display());
    assert_eq!(sarif, ["e/f.txt", "e/f.txt", &top]);
    let (_, sarif) = places("d", "e");
    assert_eq!(sarif, ["e/f.txt", "e/f.txt", &top]);
}

#[test]
fn what_a_sparse_checkout_leaves_out_is_searched_in_the_index() {
    let mut maker = Maker::new(17);
    let repository = Repository::new();
    repository
        .write("here/a", maker.github())
        .write("gone/b", format!("x\n y {}\n", maker.github()))
        .write("deleted", maker.github());
    repository.commit("one");
    repository.git(["sparse-checkout", "set", "--no-cone", "/here/", "/deleted"]);
    std::fs::remove_file(repository.file("deleted")).unwrap();
    assert!(!repository.file("gone/b").exists());
    let checked = repository.check(&[]);
    assert_eq!(
        checked.places("secrets.in-code"),
        ["gone/b:2:4 github-token", "here/a:1:1 github-token"]
    );
}

#[test]
fn a_bare_repository_without_a_commit_is_clean_and_a_damaged_one_unknown() {
    let bare = Repository::plain();
    bare.git(["init", "-q", "--bare", "."]);
    assert_eq!(bare.check(&[]).statuses("secrets.in-code"), ["pass"]);
    bare.write("HEAD", "nonsense");
    let checked = bare.check(&[]);
    assert_eq!(checked.statuses("secrets.in-code"), ["unknown"]);
    assert_eq!(checked.code, 3);
}
