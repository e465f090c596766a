//! What a hostile or broken tree, repository or configuration can do: nothing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::made_up_keys::Maker;
use crate::repository::Repository;

const IN_CODE: &str = "secrets.in-code";
const IN_HISTORY: &str = "secrets.in-history";

#[test]
fn links_pipes_and_devices_are_neither_followed_nor_opened() {
    let key = Maker::new(30).github();
    for repository in [Repository::plain(), Repository::new()] {
        repository.write("real", &key);
        symlink(".", repository.file("loop")).unwrap();
        symlink("/dev/zero", repository.file("zero")).unwrap();
        symlink("real", repository.file("link")).unwrap();
        symlink("/proc/self/mem", repository.file("mem")).unwrap();
        let fifo = repository.file("fifo");
        let made = std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap();
        assert!(made.success());
        let _socket = std::os::unix::net::UnixListener::bind(repository.file("socket")).unwrap();
        let checked = repository.check(&[]);
        assert_eq!(checked.places(IN_CODE), ["real:1:1 github-token"]);
        assert_eq!(checked.code, 1);
    }
}

#[test]
fn odd_names_are_found_and_escaped() {
    let mut maker = Maker::new(31);
    let long = "n".repeat(250);
    let names: [&[u8]; 6] = [
        b"new\nline",
        b"\x1b[31mred",
        b"-rf",
        b":(glob)x",
        b"not\xffutf8",
        long.as_bytes(),
    ];
    let repository = Repository::new();
    for name in names {
        repository.write(OsStr::from_bytes(name), maker.github());
    }
    let mut expected = vec![
        "-rf:1:1 github-token".to_owned(),
        ":(glob)x:1:1 github-token".to_owned(),
        "\\u{1b}[31mred:1:1 github-token".to_owned(),
        "new\\nline:1:1 github-token".to_owned(),
        "not\\xffutf8:1:1 github-token".to_owned(),
        format!("{long}:1:1 github-token"),
    ];
    expected.sort();
    assert_eq!(repository.check(&[]).places(IN_CODE), expected);
    repository.git(["add", "-A"]);
    assert_eq!(repository.check(&["--staged"]).places(IN_CODE), expected);
    repository.commit("odd");
    assert_eq!(
        repository.check(&["--history"]).places(IN_HISTORY),
        expected
    );
}

#[test]
fn a_damaged_object_is_unknown_and_the_rest_is_searched() {
    let mut maker = Maker::new(32);
    let repository = Repository::new();
    for number in 0..20 {
        repository.write(format!("f{number}"), format!("{} {number}", maker.github()));
    }
    repository.commit("one");
    let damaged = repository.git(["rev-parse", "HEAD:f7"]);
    let missing = repository.git(["rev-parse", "HEAD:f9"]);
    let object = |id: &str| repository.file(format!(".git/objects/{}/{}", &id[..2], &id[2..]));
    std::fs::set_permissions(object(&damaged), std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(object(&damaged), "no object").unwrap();
    std::fs::remove_file(object(&missing)).unwrap();
    let checked = repository.check(&["--history"]);
    assert_eq!(
        checked.failed(IN_HISTORY).len(),
        18,
        "{:?}",
        checked.places(IN_HISTORY)
    );
    let results = checked.results(IN_HISTORY);
    let unknown = results
        .iter()
        .find(|result| result["status"] == "unknown")
        .unwrap();
    let reason = unknown["reason"].as_str().unwrap();
    assert!(
        reason.contains(&damaged) && reason.contains(&missing),
        "{reason}"
    );
    assert_eq!(checked.code, 1);
}

#[test]
fn a_damaged_tree_does_not_hide_the_blobs() {
    let key = Maker::new(33).github();
    let repository = Repository::new();
    repository.write("deep/er/a", &key).commit("one");
    let tree = repository.git(["rev-parse", "HEAD:deep"]);
    std::fs::remove_file(repository.file(format!(".git/objects/{}/{}", &tree[..2], &tree[2..])))
        .unwrap();
    let checked = repository.check(&["--history"]);
    assert_eq!(checked.failed(IN_HISTORY).len(), 1, "{}", checked.stdout);
    assert!(checked.statuses(IN_HISTORY).contains(&"unknown"));
}

#[test]
fn a_damaged_index_is_unknown_and_the_folder_is_searched_all_the_same() {
    let key = Maker::new(34).github();
    let repository = Repository::new();
    repository.write("a", &key).commit("one");
    repository.write(".git/index", "DIRC and nothing else");
    let checked = repository.check(&[]);
    assert_eq!(checked.places(IN_CODE), ["a:1:1 github-token"]);
    assert!(checked.statuses(IN_CODE).contains(&"unknown"));
    repository.write("a", "clean");
    assert_eq!(repository.check(&[]).code, 3);
    assert_eq!(repository.check(&["--staged"]).code, 3);
}

#[test]
fn without_git_nothing_is_passed_and_the_folder_is_searched() {
    let key = Maker::new(35).github();
    let repository = Repository::new();
    repository.write("a", &key).commit("one");
    let checked = repository.check_with(&["--history"], &[("PATH", "/nowhere")]);
    assert_eq!(checked.places(IN_CODE), ["a:1:1 github-token"]);
    assert_eq!(checked.statuses(IN_HISTORY), ["unknown"]);
    repository.write("a", "clean");
    assert_eq!(
        repository
            .check_with(&["--history"], &[("PATH", "/nowhere")])
            .code,
        3
    );
}

#[test]
fn a_hostile_configuration_runs_nothing_and_the_repository_stays_as_it_was() {
    let key = Maker::new(36).github();
    let repository = Repository::new();
    let mark = repository
        .path()
        .parent()
        .unwrap()
        .join("openclaw-sec-hostile-mark");
    let mark = mark.with_extension(std::process::id().to_string());
    let evil = format!("touch {}; cat", mark.display());
    repository.write(
        ".gitattributes",
        "* filter=evil diff=evil\nb binary -diff\n",
    );
    repository.write("a", &key).write("b", &key);
    repository.commit("one");
    for (name, value) in [
        ("core.fsmonitor", evil.as_str()),
        ("core.sshCommand", &evil),
        ("core.pager", &evil),
        ("filter.evil.clean", &evil),
        ("filter.evil.smudge", &evil),
        ("filter.evil.process", &evil),
        ("diff.evil.textconv", &evil),
        ("diff.evil.command", &evil),
        ("diff.external", &evil),
        ("log.showSignature", "true"),
        ("gpg.program", &evil),
        ("alias.log", &format!("!{evil}")),
        ("core.hooksPath", "hooks"),
    ] {
        repository.git(["config", name, value]);
    }
    repository.write("hooks/post-index-change", format!("#!/bin/sh\n{evil}\n"));
    let hook = repository.file("hooks/post-index-change");
    std::fs::set_permissions(hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    // A replaced object must not hide the real one.
    let clean = repository
        .write("clean", "clean")
        .git(["hash-object", "-w", "clean"]);
    let real = repository.git(["rev-parse", "HEAD:a"]);
    std::fs::create_dir_all(repository.file(".git/refs/replace")).unwrap();
    repository.write(format!(".git/refs/replace/{real}"), format!("{clean}\n"));
    let _ = std::fs::remove_file(&mark);
    let index = repository.file(".git/index");
    let before = (
        std::fs::read(&index).unwrap(),
        index.metadata().unwrap().modified().unwrap(),
    );
    let checked = repository.check(&["--history"]);
    assert_eq!(checked.failed(IN_CODE).len(), 2);
    assert_eq!(checked.failed(IN_HISTORY).len(), 2, "{}", checked.stdout);
    repository.check(&["--staged"]);
    let after = (
        std::fs::read(&index).unwrap(),
        index.metadata().unwrap().modified().unwrap(),
    );
    assert!(!mark.exists(), "something was run");
    assert!(before == after, "the index was written");
}

#[test]
fn a_foreign_owner_is_never_a_pass() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let repository = Repository::new();
    repository.write("a", "clean").commit("one");
    let chown = std::process::Command::new("chown")
        .args(["-R", "12345"])
        .arg(repository.path())
        .status()
        .unwrap();
    assert!(chown.success());
    let checked = repository.check(&["--history"]);
    assert_eq!(checked.code, 3, "{}", checked.stdout);
    assert_eq!(checked.statuses(IN_CODE), ["unknown"]);
    assert_eq!(checked.statuses(IN_HISTORY), ["unknown"]);
}

#[test]
fn a_hundred_thousand_files_in_one_folder_are_searched() {
    let key = Maker::new(37).github();
    let folder = Repository::plain();
    for number in 0..100_000 {
        std::fs::write(folder.file(format!("f{number}")), "x").unwrap();
    }
    folder.write("f99999", &key);
    assert_eq!(
        folder.check(&[]).places(IN_CODE),
        ["f99999:1:1 github-token"]
    );
}

#[test]
fn a_damaged_pack_is_unknown_and_what_can_be_read_is_searched() {
    let key = Maker::new(1).github();
    let repository = Repository::new();
    for number in 0..8u64 {
        // Noise that does not shrink, so that the damage hits one of these.
        let noise: Vec<u8> = (0..4000u64)
            .map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15 ^ (number << 32)) >> 40) as u8)
            .collect();
        repository.write(format!("noise{number}"), noise);
    }
    repository.write("a.txt", format!("x {key}\n"));
    repository.commit("one");
    repository.write("a.txt", "clean\n");
    repository.commit("two");
    repository.git(["gc", "-q", "--prune=now"]);
    let packs = std::fs::read_dir(repository.file(".git/objects/pack")).unwrap();
    let pack = packs
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "pack"))
        .unwrap();
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8].fill(0);
    std::fs::set_permissions(&pack, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(&pack, &bytes).unwrap();
    let checked = repository.check(&["--history"]);
    assert_eq!(checked.code, 1, "{}", checked.stdout);
    assert_eq!(
        checked.places("secrets.in-history"),
        ["a.txt:1:3 github-token"]
    );
    let unknown = |checked: &crate::repository::Checked| {
        let results = checked.report["results"].as_array().unwrap();
        results
            .iter()
            .any(|result| result["id"] == "secrets.in-history" && result["status"] == "unknown")
    };
    assert!(unknown(&checked), "{}", checked.stdout);

    bytes.truncate(middle);
    std::fs::write(&pack, &bytes).unwrap();
    let checked = repository.check(&["--history"]);
    assert_eq!(checked.code, 3, "{}", checked.stdout);
    assert!(unknown(&checked));
}

#[test]
fn a_repository_with_reftable_is_searched_or_unknown() {
    let key = Maker::new(1).github();
    let repository = Repository::plain();
    let words = ["init", "-q", "--ref-format=reftable"];
    if !crate::repository::git(repository.path(), words)
        .status
        .success()
    {
        eprintln!("not run: this git knows no reftable");
        return;
    }
    repository.write("a.txt", format!("x {key}\n"));
    repository.commit("one");
    repository.write("a.txt", "clean\n");
    repository.commit("two");
    let checked = repository.check(&["--history"]);
    assert_eq!(checked.code, 1, "{}", checked.stdout);
    assert_eq!(
        checked.places("secrets.in-history"),
        ["a.txt:1:3 github-token"]
    );
}
