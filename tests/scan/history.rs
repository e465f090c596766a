//! `--history`: everything that a ref reaches, once, and who brought it.

use crate::made_up_keys::Maker;
use crate::repository::{Repository, git, run};

const IN_HISTORY: &str = "secrets.in-history";
const ENV_FILE: &str = "secrets.env-file-in-history";

#[test]
fn a_deleted_key_is_found_with_its_first_commit_and_its_versions() {
    let mut maker = Maker::new(20);
    let (gone, here) = (maker.github(), maker.github());
    let repository = Repository::new();
    let first = repository.write("a", &gone).write("b", &here).commit("one");
    repository
        .write("a", format!("more\n{gone}\n"))
        .commit("two");
    repository.write("a", "clean").commit("three");
    let checked = repository.check(&["--history"]);
    assert_eq!(
        checked.places(IN_HISTORY),
        ["a:1:1 github-token", "b:1:1 github-token"]
    );
    let failed = checked.failed(IN_HISTORY);
    let of = |path: &str| {
        failed
            .iter()
            .find(|result| result["location"]["path"] == path)
            .unwrap()["evidence"]
            .clone()
    };
    assert_eq!(of("a")["commit"], first.as_str());
    assert_eq!(of("a")["versions"], 2);
    assert_eq!(of("a")["in_head"], false);
    assert_eq!(of("b")["in_head"], true);
    assert_eq!(of("a")["author_date"], "2026-03-04T05:06:07Z");
    checked.hides(&gone);
    assert_eq!(repository.check(&[]).statuses(IN_HISTORY), ["skipped"]);
}

#[test]
fn every_kind_of_ref_is_walked() {
    let mut maker = Maker::new(21);
    let mut key = || maker.github();
    let repository = Repository::new();
    repository.write("base", "x").commit("base");
    repository.git(["checkout", "-q", "-b", "side"]);
    repository.write("on-branch", key()).commit("side");
    repository.git(["checkout", "-q", "main"]);
    // Two stashes, one with an untracked file; no ref names the older one.
    repository.write("base", key());
    repository.git(["stash", "push", "-q"]);
    repository.write("untracked", key());
    repository.git(["stash", "push", "-q", "-u"]);
    repository.git(["notes", "add", "-m", &key()]);
    repository.git([
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        &format!("oops {}", key()),
    ]);
    repository.git(["tag", "-a", "v1", "-m", &format!("tag {}", key())]);
    repository.git(["checkout", "-q", "--detach"]);
    repository.write("remote", key()).commit("remote");
    repository.git(["update-ref", "refs/remotes/origin/main", "HEAD"]);
    repository.write("pull", key()).commit("pull");
    repository.git(["update-ref", "refs/pull/1/head", "HEAD"]);
    repository.git(["checkout", "-q", "main"]);
    let checked = repository.check(&["--history"]);
    let paths: Vec<String> = checked.places(IN_HISTORY);
    for name in ["on-branch", "base", "untracked", "remote", "pull"] {
        assert!(
            paths
                .iter()
                .any(|path| path.starts_with(&format!("{name}:"))),
            "{name} {paths:?}"
        );
    }
    assert_eq!(
        paths.iter().filter(|path| path.starts_with("- ")).count(),
        2,
        "{paths:?}"
    );
    assert_eq!(paths.len(), 8, "{paths:?}");
}

#[test]
fn a_key_that_enters_with_the_merge_itself_is_named() {
    let key = Maker::new(22).github();
    let repository = Repository::new();
    repository.write("a", "1").commit("one");
    repository.git(["checkout", "-q", "-b", "side"]);
    repository.write("b", "1").commit("side");
    repository.git(["checkout", "-q", "main"]);
    repository.write("c", "1").commit("main");
    repository.git(["merge", "-q", "--no-commit", "--no-ff", "side"]);
    repository.write("evil", &key);
    let merge = repository.commit("merge");
    repository.git(["rm", "-q", "evil"]);
    repository.commit("clean");
    repository.git(["gc", "-q", "--prune=now"]);
    let checked = repository.check(&["--history"]);
    assert_eq!(checked.places(IN_HISTORY), ["evil:1:1 github-token"]);
    assert_eq!(
        checked.failed(IN_HISTORY)[0]["evidence"]["commit"],
        merge.as_str()
    );
}

#[test]
fn a_committed_env_file_is_named_with_what_is_still_current() {
    let mut maker = Maker::new(23);
    let (old, current) = (maker.alnum(40), maker.alnum(40));
    let repository = Repository::new();
    repository.write(
        "sub/.env.production",
        format!("WEB_API_KEY={current}\nOLD_TOKEN={old}\nPORT=1\n"),
    );
    repository.write(".env.example", "WEB_API_KEY=your-secret-key-here\n");
    let first = repository.commit("oops");
    repository.git(["rm", "-q", "sub/.env.production"]);
    repository.commit("clean");
    let away = Repository::plain();
    away.write("current.env", format!("WEB_API_KEY={current}\n"));
    let env = away.file("current.env");
    let checked = repository.check(&["--history", "--env", env.to_str().unwrap()]);
    assert_eq!(checked.places(ENV_FILE), ["sub/.env.production env-file"]);
    let evidence = &checked.failed(ENV_FILE)[0]["evidence"];
    assert_eq!(evidence["commit"], first.as_str());
    assert_eq!(
        evidence["still_current"],
        serde_json::json!(["WEB_API_KEY"])
    );
    assert_eq!(
        evidence["variables"],
        serde_json::json!(["OLD_TOKEN", "WEB_API_KEY"])
    );
    assert!(
        checked
            .places(IN_HISTORY)
            .iter()
            .any(|place| place.ends_with("env-value"))
    );
    checked.hides(&current).hides(&old);
}

#[test]
fn worktrees_bare_and_sha_256_repositories_are_read() {
    let key = Maker::new(24).github();
    for format in ["sha1", "sha256"] {
        let repository = Repository::plain();
        repository.git(["init", "-q", "-b", "main", "--object-format", format]);
        let commit = repository.write("a", &key).commit("one");
        let checked = repository.check(&["--history"]);
        assert_eq!(
            checked.failed(IN_HISTORY)[0]["evidence"]["commit"],
            commit.as_str(),
            "{format}"
        );
        let bare = Repository::plain();
        bare.git([
            "clone",
            "-q",
            "--bare",
            repository.path().to_str().unwrap(),
            ".",
        ]);
        let checked = bare.check(&["--history"]);
        assert_eq!(checked.places(IN_HISTORY), ["a:1:1 github-token"]);
        // There is no work tree, so the newest commit stands for it.
        assert_eq!(checked.places("secrets.in-code"), ["a:1:1 github-token"]);
        let tree = Repository::plain();
        repository.git([
            "worktree",
            "add",
            "-q",
            tree.file("w").to_str().unwrap(),
            "-b",
            "w",
        ]);
        let checked = crate::repository::run(&tree.file("w"), &["--code", ".", "--history"], &[]);
        assert_eq!(checked.places(IN_HISTORY), ["a:1:1 github-token"]);
        assert_eq!(checked.places("secrets.in-code"), ["a:1:1 github-token"]);
    }
}

#[test]
fn a_repository_without_a_commit_is_clean() {
    let repository = Repository::new();
    let checked = repository.check(&["--history"]);
    assert_eq!(checked.statuses(IN_HISTORY), ["pass"], "{}", checked.stdout);
    assert_eq!(checked.statuses(ENV_FILE), ["pass"]);
    assert_eq!(checked.code, 0);
}

#[test]
fn shallow_and_partial_clones_are_searched_and_never_passed() {
    let mut maker = Maker::new(25);
    let origin = Repository::new();
    origin.write("a", maker.github()).commit("one");
    origin.write("a", "clean").commit("two");
    origin.write("b", maker.github()).commit("three");
    origin.git(["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", origin.path().display());
    let shallow = Repository::plain();
    shallow.git(["clone", "-q", "--depth", "1", &url, "."]);
    let checked = shallow.check(&["--history"]);
    assert_eq!(checked.places(IN_HISTORY), ["b:1:1 github-token"]);
    assert!(checked.statuses(IN_HISTORY).contains(&"unknown"));
    let partial = Repository::plain();
    git(
        partial.path(),
        ["clone", "-q", "--filter=blob:none", &url, "."],
    );
    let before = std::fs::read_dir(partial.file(".git/objects/pack"))
        .unwrap()
        .count();
    let checked = partial.check(&["--history"]);
    assert!(checked.statuses(IN_HISTORY).contains(&"unknown"));
    assert!(checked.statuses(ENV_FILE).contains(&"unknown"));
    assert_eq!(checked.places(IN_HISTORY), ["b:1:1 github-token"]);
    let after = std::fs::read_dir(partial.file(".git/objects/pack"))
        .unwrap()
        .count();
    assert_eq!(before, after, "something was fetched");
}

#[test]
fn what_nothing_points_to_is_searched_on_request_only() {
    let key = Maker::new(77).github();
    let repository = Repository::new();
    repository.write("a.txt", "clean\n");
    repository.commit("one");
    repository.write("a.txt", format!("x {key}\n"));
    repository.commit(&format!("two {key}"));
    repository.git(["reset", "-q", "--hard", "HEAD~1"]);
    repository.git(["reflog", "expire", "--expire=now", "--all"]);
    let checked = repository.check(&["--history"]);
    assert_eq!(checked.code, 0, "{}", checked.stdout);
    let checked = repository.check(&["--unreachable"]);
    assert_eq!(checked.code, 1, "{}", checked.stdout);
    assert_eq!(
        checked.places("secrets.in-history"),
        ["- github-token", "- github-token"]
    );
    checked.hides(&key);
}

#[test]
fn grafts_hide_nothing() {
    let mut maker = Maker::new(78);
    let (key, staged) = (maker.github(), maker.github());
    let repository = Repository::new();
    repository.write("a", &key).commit("one");
    let second = repository.write("a", "clean").commit("two");
    repository.write(".git/info/grafts", format!("{second}\n"));
    let checked = repository.check(&["--history"]);
    assert_eq!(checked.places(IN_HISTORY), ["a:1:1 github-token"]);
    assert_eq!(checked.statuses(IN_HISTORY), ["fail"], "{}", checked.stdout);
    repository.write("b", &staged).git(["add", "b"]);
    let checked = repository.check(&["--staged"]);
    assert_eq!(checked.places("secrets.in-code"), ["b:1:1 github-token"]);
}

#[test]
fn settings_of_the_log_hide_nothing() {
    let key = Maker::new(79).github();
    let repository = Repository::new();
    repository.write("sub/a", "1").commit("one");
    repository.git(["checkout", "-q", "-b", "side"]);
    repository.write("sub/b", "1").commit("side");
    repository.git(["checkout", "-q", "main"]);
    repository.write("sub/c", "1").commit("main");
    repository.git(["merge", "-q", "--no-commit", "--no-ff", "side"]);
    repository.write("evil", &key);
    let merge = repository.commit("merge");
    let pipe = repository.file(".git/pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for (name, value) in [
        ("log.diffMerges", "off"),
        ("log.showSignature", "true"),
        ("log.follow", "true"),
        ("log.date", "relative"),
        ("format.pretty", "oneline"),
        ("diff.relative", "true"),
        ("diff.orderFile", pipe.to_str().unwrap()),
        ("diff.renames", "copies"),
        ("diff.noprefix", "true"),
        ("diff.external", "false"),
        ("diff.ignoreSubmodules", "all"),
        ("diff.interHunkContext", "9"),
        ("core.quotePath", "true"),
        ("color.ui", "always"),
    ] {
        repository.git(["config", name, value]);
    }
    let folder = repository.file("sub");
    let words = ["--code", folder.to_str().unwrap(), "--history"];
    let checked = run(repository.path(), &words, &[]);
    assert_eq!(checked.places(IN_HISTORY), ["evil:1:1 github-token"]);
    let failed = checked.failed(IN_HISTORY);
    assert_eq!(failed[0]["evidence"]["commit"], merge.as_str());
}

#[test]
fn the_text_of_a_tag_behind_a_tag_is_searched() {
    let mut maker = Maker::new(80);
    let repository = Repository::new();
    repository.write("a", "1").commit("one");
    let inner = format!("inner {}", maker.github());
    repository.git(["tag", "-a", "inner", "-m", &inner]);
    let inner = repository.git(["rev-parse", "inner"]);
    repository.git(["tag", "-a", "outer", "-m", "outer", "inner"]);
    repository.git(["tag", "-d", "inner"]);
    let checked = repository.check(&["--history"]);
    assert_eq!(checked.places(IN_HISTORY), ["- github-token"]);
    assert_eq!(
        checked.failed(IN_HISTORY)[0]["evidence"]["commit"],
        inner.as_str()
    );
}

#[test]
fn an_env_file_in_the_history_is_judged_as_the_current_one() {
    let salt = Maker::new(81).alnum(32);
    let repository = Repository::new();
    repository
        .write("url.env", "DATABASE_URL=postgres://bot:s3cr3t-Pass@db/x\n")
        .write("random.env", format!("SALT={salt}\n"))
        .write("dollar.env", "ADMIN_PASSWORD='$7uKq-Lm29xZ'\n")
        .write("reference.env", "A_TOKEN=${OTHER}\nB_TOKEN=$OTHER_TOKEN\n")
        .write(
            "plain.env",
            "PORT=1\nA_URL=https://one.example/path\nA_TOKEN=\n",
        )
        .commit("one");
    let checked = repository.check(&["--history"]);
    assert_eq!(
        checked.places(ENV_FILE),
        [
            "dollar.env env-file",
            "random.env env-file",
            "url.env env-file"
        ]
    );
    checked.hides("s3cr3t-Pass").hides(&salt);
}

#[test]
fn a_key_in_a_name_that_ever_was_is_found_and_masked() {
    let mut maker = Maker::new(31);
    let [file, folder, branch, tag] = std::array::from_fn(|_| maker.github());
    let repository = Repository::new();
    repository
        .write("empty", "")
        .write(format!("{file}.txt"), "")
        .write(format!("backup-{folder}/a"), "1");
    let first = repository.commit("one");
    repository.git([
        "rm",
        "-rq",
        "--",
        &format!("{file}.txt"),
        &format!("backup-{folder}"),
    ]);
    repository.commit("clean");
    repository.git(["branch", &format!("try/{branch}")]);
    repository.git(["tag", &format!("v1-{tag}")]);
    for words in [&["--history"][..], &["--history", "--unreachable"]] {
        let checked = repository.check(words);
        assert_eq!(
            checked.places(IN_HISTORY),
            [
                "- github-token",
                "- github-token",
                "[redacted].txt github-token",
                "backup-[redacted]/a github-token"
            ]
        );
        for result in checked.failed(IN_HISTORY) {
            let message = result["message"].as_str().unwrap();
            match result["location"].is_null() {
                true => assert!(message.contains("name of a branch or tag"), "{message}"),
                false => {
                    assert!(message.contains("name of a file with"), "{message}");
                    assert_eq!(result["evidence"]["commit"], first.as_str());
                    assert_eq!(result["evidence"]["in_head"], false);
                }
            }
        }
        for key in [&file, &folder, &branch, &tag] {
            checked.hides(key);
        }
    }
}

#[test]
fn one_key_in_many_commit_texts_keeps_its_waiver_when_another_comes() {
    let key = Maker::new(32).github();
    let repository = Repository::new();
    let date = |date: &str| {
        let message = format!("use {key}");
        let words = [
            "commit",
            "-q",
            "--allow-empty",
            "--date",
            date,
            "-m",
            &message,
        ];
        repository.git(words);
    };
    date("2026-03-04T05:06:07Z");
    let fingerprint_of = |commit: &str| {
        let checked = repository.check(&["--history"]);
        let failed = checked.failed(IN_HISTORY);
        let one = failed
            .iter()
            .find(|one| one["evidence"]["commit"] == commit);
        one.unwrap()["fingerprint"].clone()
    };
    let first = repository.git(["rev-parse", "HEAD"]);
    let before = fingerprint_of(&first);
    date("2026-03-05T05:06:07Z");
    date("2026-03-06T05:06:07Z");
    assert_eq!(fingerprint_of(&first), before);
}

#[test]
fn a_template_of_an_env_file_may_hold_words_that_everybody_knows() {
    let mut maker = Maker::new(33);
    let (drawn, key) = (maker.alnum(40), maker.github());
    let known = "POSTGRES_PASSWORD=postgres\nREDIS_URL=redis://:redispass@redis:6379\n";
    let repository = Repository::new();
    repository.write(".env.example", known).commit("one");
    let checked = repository.check(&["--history"]);
    assert_eq!(checked.places(ENV_FILE), [""; 0]);
    repository
        .write("a/.env.example", format!("{known}WEB_API_KEY={drawn}\n"))
        .write("b/.env.sample", format!("{known}GITHUB_TOKEN={key}\n"))
        .write(".env", known)
        .commit("two");
    let checked = repository.check(&["--history"]);
    assert_eq!(
        checked.places(ENV_FILE),
        [
            ".env env-file",
            "a/.env.example env-file",
            "b/.env.sample env-file"
        ]
    );
    let variables = |path: &str| {
        let failed = checked.failed(ENV_FILE);
        let one = failed.iter().find(|one| one["location"]["path"] == path);
        one.unwrap()["evidence"]["variables"].clone()
    };
    assert_eq!(
        variables("a/.env.example"),
        serde_json::json!(["WEB_API_KEY"])
    );
    assert_eq!(
        variables(".env"),
        serde_json::json!(["POSTGRES_PASSWORD", "REDIS_URL"])
    );
}

/// Writes what Git LFS stores of a file, and commits its pointer.
fn commit_by_lfs(repository: &Repository, name: &str, content: &str) -> std::path::PathBuf {
    let oid: String = <sha2::Sha256 as sha2::Digest>::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let place = format!(".git/lfs/objects/{}/{}/{oid}", &oid[..2], &oid[2..4]);
    repository.write(&place, content);
    let size = content.len();
    repository.write(
        name,
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"),
    );
    repository.git(["add", "-f", name]);
    repository.file(place)
}

#[test]
fn the_content_of_git_lfs_is_searched_where_it_is_here_and_else_unknown() {
    let mut maker = Maker::new(34);
    let key = maker.github();
    let repository = Repository::new();
    let content = commit_by_lfs(&repository, "model.bin", &format!("a\n b {key}\n"));
    let staged = repository.check(&["--staged"]);
    assert_eq!(
        staged.places("secrets.in-code"),
        ["model.bin:2:4 github-token"]
    );
    repository.git(["commit", "-q", "-m", "one"]);
    let history = repository.check(&["--history"]);
    assert_eq!(history.places(IN_HISTORY), ["model.bin:2:4 github-token"]);
    std::fs::remove_file(content).unwrap();
    let history = repository.check(&["--history"]);
    assert_eq!(history.statuses(IN_HISTORY), ["unknown"]);
    let reason = history.results(IN_HISTORY)[0]["reason"].as_str().unwrap();
    assert!(reason.contains("1 LFS object is not here"), "{reason}");
    assert_eq!(history.code, 3);
}
