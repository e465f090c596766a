//! `--staged`: what the next commit would bring.

use crate::made_up_keys::Maker;
use crate::repository::{Repository, run};

#[test]
fn the_index_counts_and_not_the_work_tree() {
    let mut maker = Maker::new(2);
    let [old, cleaned, unstaged, gone] = std::array::from_fn(|_| maker.github());
    let repository = Repository::new();
    repository.write("old", &old).write("gone", &gone);
    repository.commit("one");
    repository.write("cleaned", format!("a\n {cleaned}\n"));
    repository.git(["add", "cleaned"]);
    repository
        .write("cleaned", "nothing")
        .write("unstaged", &unstaged);
    repository.git(["rm", "-q", "gone"]);
    let checked = repository.check(&["--staged"]);
    assert_eq!(
        checked.places("secrets.in-code"),
        ["cleaned:2:2 github-token"]
    );
    assert_eq!(checked.code, 1);
    assert_eq!(checked.statuses("secrets.in-history"), ["skipped"]);
    // A hook runs in the repository and names nothing.
    let hook = run(repository.path(), &["--staged"], &[]);
    assert_eq!(hook.places("secrets.in-code"), ["cleaned:2:2 github-token"]);
}

#[test]
fn a_subfolder_is_as_good_a_place_to_ask_from_as_the_top() {
    let mut maker = Maker::new(7);
    let repository = Repository::new();
    repository
        .write("a.py", maker.github())
        .write("sub/b.py", maker.github())
        .git(["add", "-A"]);
    let sub = repository.file("sub");
    let everything = ["a.py:1:1 github-token", "sub/b.py:1:1 github-token"];
    let checked = run(&sub, &["--staged"], &[]);
    assert_eq!(checked.places("secrets.in-code"), everything);
    // A folder that was named is all that is asked about.
    let named = run(&sub, &["--staged", "--code", "."], &[]);
    assert_eq!(named.places("secrets.in-code"), ["b.py:1:1 github-token"]);
}

#[test]
fn a_repository_without_a_commit_has_an_index_too() {
    let key = Maker::new(3).github();
    let repository = Repository::new();
    repository.write("a", &key).git(["add", "a"]);
    assert_eq!(
        repository.check(&["--staged"]).places("secrets.in-code"),
        ["a:1:1 github-token"]
    );
}

#[test]
fn a_partial_commit_has_an_index_of_its_own() {
    let mut maker = Maker::new(4);
    let repository = Repository::new();
    repository.commit("one");
    repository.write("a", maker.github()).git(["add", "a"]);
    let plain = repository.file(".git/index");
    let other = repository.file(".git/next-index");
    std::fs::copy(&plain, &other).unwrap();
    repository.git(["reset", "-q"]);
    assert_eq!(repository.check(&["--staged"]).code, 0);
    let index = [("GIT_INDEX_FILE", ".git/next-index")];
    assert_eq!(repository.check_with(&["--staged"], &index).code, 1);
}

#[test]
fn without_a_repository_nothing_is_passed() {
    let folder = Repository::plain();
    let checked = folder.check(&["--staged", "--history"]);
    assert_eq!(checked.code, 3);
    assert_eq!(checked.statuses("secrets.in-code"), ["unknown"]);
    assert_eq!(checked.statuses("secrets.in-history"), ["unknown"]);
}

#[test]
fn a_staged_env_file_is_stopped() {
    let password = "hunter2-blue-Horse";
    let drawn = Maker::new(6).alnum(20);
    let repository = Repository::new();
    repository.write("old/.env", "A_PASSWORD=old-Horse-77\n");
    repository.commit("one");
    assert_eq!(repository.check(&["--staged"]).code, 0);
    for name in ["config/prod.env", ".env.production", ".env"] {
        repository.write(name, format!("A_PASSWORD={password}\n"));
    }
    repository
        .write(".env.ci", "PORT=1\n")
        .write(".env.example", "A_PASSWORD=your-password-here\n")
        .write(".env.sample", format!("A_PASSWORD={drawn}\n"))
        .write(".env.template", "A_PASSWORD=postgres\n")
        .write(".envrc", "use flake\n")
        .write("environment.txt", "PORT=1\n")
        .git(["add", "-A", "-f"]);
    std::fs::remove_file(repository.file(".env")).unwrap();
    let checked = repository.check(&["--staged"]);
    assert_eq!(checked.code, 1, "{}", checked.stdout);
    assert_eq!(
        checked.places("secrets.env-file-tracked"),
        [
            ".env env-file",
            ".env.ci env-file",
            ".env.production env-file",
            ".env.sample env-file",
            "config/prod.env env-file"
        ]
    );
    checked.hides(password).hides(&drawn);
    // The env file that is judged is told once.
    repository.write(".env", format!("A_PASSWORD={password}\n"));
    let hook = run(repository.path(), &["--staged"], &[]);
    let places = hook.places("secrets.env-file-tracked");
    assert_eq!(places[..2], [".env -", ".env.ci env-file"]);
    assert_eq!(places.len(), 5);
}

#[test]
fn an_env_file_in_the_index_is_stopped_by_the_keys_in_it_alone() {
    let key = Maker::new(5).github();
    let repository = Repository::new();
    repository
        .write(
            ".env",
            format!("GITHUB_TOKEN={key}\nA_PASSWORD=hunter2-blue-Horse\n"),
        )
        .git(["add", "-f", ".env"]);
    let words = ["--skip", "secrets.env-file-tracked", "--staged"];
    let checked = run(repository.path(), &words, &[]);
    assert_eq!(checked.code, 1, "{}", checked.stdout);
    assert_eq!(
        checked.places("secrets.in-code"),
        [".env:1:14 env-value", ".env:2:12 env-value"]
    );
    checked.hides(&key);
    // Not in the index, it is where it belongs.
    repository.git(["rm", "-q", "--cached", ".env"]);
    repository
        .write(".gitignore", ".env\n")
        .git(["add", ".gitignore"]);
    assert_eq!(run(repository.path(), &words, &[]).code, 0);
}
