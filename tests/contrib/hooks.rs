//! The hooks for pre-commit: real pre-commit runs them in real repositories.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Ended, PROGRAM, hardened_env, root, run, tool, write_program};

/// A repository whose commits pass through pre-commit.
struct Repository {
    folder: tempfile::TempDir,
    pre_commit: PathBuf,
}

impl Repository {
    /// With this hook of ours, as the README sets it up; `None`, and a word why, where pre-commit is missing.
    fn new(hook: &str) -> Option<Self> {
        let pre_commit = tool("pre-commit")?;
        let folder = tempfile::Builder::new().prefix("oc").tempdir().unwrap();
        let repository = Self { folder, pre_commit };
        let bin = repository.path("bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir(repository.path("work")).unwrap();
        std::os::unix::fs::symlink(PROGRAM, bin.join("openclaw-sec")).unwrap();
        repository.publish_hooks();
        repository.git("init -q -b main").succeeded();
        let config = crate::readme::block("yaml", "repos:")
            .replace(
                "https://git.example/openclaw-sec",
                repository.path("hooks").to_str().unwrap(),
            )
            .replace("id: openclaw-sec-system", &format!("id: {hook}"));
        repository.write(".pre-commit-config.yaml", &config);
        repository.write("readme", "hello\n");
        repository
            .run(Command::new(&repository.pre_commit).arg("install"))
            .succeeded();
        repository.git("add .").succeeded();
        Some(repository)
    }

    /// A repository that holds our hooks, as the one on the internet does.
    fn publish_hooks(&self) {
        let hooks = self.path("hooks");
        std::fs::create_dir(&hooks).unwrap();
        let manifest = ".pre-commit-hooks.yaml";
        std::fs::copy(root().join(manifest), hooks.join(manifest)).unwrap();
        let tag = format!("tag v{}", env!("CARGO_PKG_VERSION"));
        for line in ["init -q -b main", "add .", "commit -q -m hooks", &tag] {
            let mut git = Command::new("git");
            git.arg("-C").arg(&hooks).args(line.split(' '));
            self.run(&mut git).succeeded();
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path("work").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn git(&self, line: &str) -> Ended {
        self.run(Command::new("git").args(line.split(' ')))
    }

    /// Adds everything and commits it.
    fn commit(&self) -> Ended {
        self.git("add .").succeeded();
        self.git("commit -m next")
    }

    /// In the repository, with a cleared environment and an author.
    fn run(&self, command: &mut Command) -> Ended {
        command
            .current_dir(self.path("work"))
            .env_clear()
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", self.path("bin").display()),
            )
            .env("HOME", self.folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["GIT_AUTHOR", "GIT_COMMITTER"] {
            command
                .env(format!("{who}_NAME"), "a")
                .env(format!("{who}_EMAIL"), "a@example.org");
        }
        run(command)
    }
}

#[track_caller]
fn passes(ended: &Ended) {
    assert_eq!(ended.code, 0, "{}", ended.both());
    assert!(ended.both().contains("Passed"), "{}", ended.both());
}

#[track_caller]
fn is_stopped_by(ended: &Ended, id: &str) {
    assert_eq!(ended.code, 1, "{}", ended.both());
    assert!(ended.both().contains(id), "{}", ended.both());
}

#[test]
fn pre_commit_takes_the_manifest() {
    let Some(pre_commit) = tool("pre-commit") else {
        return;
    };
    let manifest = root().join(".pre-commit-hooks.yaml");
    let ended = run(Command::new(pre_commit)
        .arg("validate-manifest")
        .arg(manifest));
    assert_eq!((ended.code, ended.both().as_str()), (0, ""));
}

#[test]
fn a_commit_without_env_file_and_key_passes_and_one_with_a_key_is_stopped() {
    let Some(repository) = Repository::new("openclaw-sec-system") else {
        return;
    };
    passes(&repository.commit());
    repository.write("bot.py", &format!("import os\n# {}", hardened_env()));
    is_stopped_by(&repository.commit(), "secrets.in-code");
    // Only what is committed counts, not what lies in the tree.
    repository.git("reset -q").succeeded();
    repository.write("other", "text\n");
    repository.git("add other").succeeded();
    passes(&repository.git("commit -m other"));
}

#[test]
fn an_env_file_is_stopped_wherever_it_is_and_may_be_taken_out_of_git() {
    let Some(repository) = Repository::new("openclaw-sec-system") else {
        return;
    };
    passes(&repository.commit());
    for name in [".env", "deploy/prod.env", ".env.production"] {
        repository.write(name, &hardened_env());
        let id = if name == ".env" {
            "secrets.env-file-tracked"
        } else {
            "secrets.in-code"
        };
        is_stopped_by(&repository.commit(), id);
        repository.git("reset -q").succeeded();
        std::fs::remove_file(repository.path("work").join(name)).unwrap();
    }
    // A file that is ignored does not stop the commits beside it.
    repository.write(".env", &hardened_env());
    repository.write(".gitignore", ".env\n");
    passes(&repository.commit());
    // Nor does the mending of a repository that had it.
    repository.git("add --force .env").succeeded();
    repository
        .git("commit -q --no-verify -m mistake")
        .succeeded();
    repository.git("rm -q --cached .env").succeeded();
    passes(&repository.git("commit -m mended"));
}

/// The other hook is built by `cargo install`, which a short stand-in answers here.
#[test]
fn the_hook_that_is_built_from_source_runs_what_was_built() {
    let Some(repository) = Repository::new("openclaw-sec") else {
        return;
    };
    std::fs::remove_file(repository.path("bin/openclaw-sec")).unwrap();
    let stand_in = format!(
        "#!/bin/sh\n\
         echo \"$@\" >>'{log}'\n\
         [ \"$1 $2 $3\" = 'install --bins --root' ] || exit 0\n\
         mkdir -p \"$4/bin\" && ln -s '{PROGRAM}' \"$4/bin/openclaw-sec\"\n",
        log = repository.path("cargo.log").display()
    );
    write_program(&repository.path("bin/cargo"), &stand_in);
    passes(&repository.commit());
    let log = std::fs::read_to_string(repository.path("cargo.log")).unwrap();
    assert!(log.contains("install --bins --root "), "{log}");
    repository.write(".env", &hardened_env());
    is_stopped_by(&repository.commit(), "secrets.env-file-tracked");
    assert!(Path::new(&repository.path("work/.env")).exists());
}
