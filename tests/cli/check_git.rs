//! Real git: whether the env file would be published, asked without letting the repository run anything.

use super::support::{HARDENED, Place, is_root};

const ID: &str = "secrets.env-file-tracked";

fn status(place: &Place, env: &str) -> String {
    let (report, _) = place.report_of(&["--only", ID, "--env", env]);
    let result = report.one(ID);
    assert!(result["status"] == "pass" || !result["reason"].as_str().unwrap().is_empty());
    result["status"].as_str().unwrap().to_owned()
}

fn repository(script: &str) -> Place {
    let place = Place::with_env(HARDENED);
    let identity = "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b";
    let ended = place.shell(&format!("{identity}; git init -q . && {script}"));
    assert_eq!(ended.code, 0, "{script}: {}", ended.both());
    place
}

#[test]
fn git_s_own_answer_counts() {
    let cases = [
        ("true", "fail"),
        ("git add .env", "fail"),
        (
            "git add .env && git commit -qm x && echo .env > .gitignore",
            "fail",
        ),
        ("echo .env > .gitignore", "pass"),
        ("echo '*.env' > .gitignore", "pass"),
        ("printf '*\\n!.env\\n' > .gitignore", "fail"),
        ("printf '.env\\r\\n' > .gitignore", "pass"),
        ("echo .env > .git/info/exclude", "pass"),
        (
            "mkdir -p ~/.config/git && echo .env > ~/.config/git/ignore && unset XDG_CONFIG_HOME",
            "pass",
        ),
        (
            "git config core.excludesFile $PWD/../excluded && echo .env > ../excluded",
            "pass",
        ),
        ("echo '/other' > .gitignore", "fail"),
    ];
    for (script, expected) in cases {
        let place = repository(script);
        assert_eq!(status(&place, ".env"), expected, "{script}");
        let full = place.path(".env");
        assert_eq!(status(&place, full.to_str().unwrap()), expected, "{script}");
    }
    let place = Place::with_env(HARDENED);
    assert_eq!(status(&place, ".env"), "skipped", "no work tree");
}

#[test]
fn a_link_outside_leads_to_the_work_tree_of_its_file() {
    for (script, expected) in [("git add .env", "fail"), ("echo .env > .gitignore", "pass")] {
        let place = repository(&format!("{script} && ln -s \"$PWD/.env\" ~/linked.env"));
        let link = place.outer("home/linked.env");
        assert_eq!(status(&place, link.to_str().unwrap()), expected, "{script}");
    }
}

#[test]
fn tracked_is_worse_than_not_ignored() {
    let tracked = repository("git add .env");
    let (report, code) = tracked.report(&format!("--only {ID}"));
    let result = report.one(ID);
    assert_eq!((result["severity"].as_str(), code), (Some("high"), 1));
    assert!(result["message"].as_str().unwrap().contains("tracks"));
    assert_eq!(result["location"]["path"], ".env");
    let loose = repository("true").report(&format!("--only {ID}")).0;
    assert_ne!(loose.one(ID)["fingerprint"], result["fingerprint"]);
}

#[test]
fn the_old_key_of_a_waiting_rotation_is_seen_beside_the_env_file() {
    for env in [".env", "bot.env"] {
        let backup = match env {
            ".env" => ".env.A_KEY.openclaw-sec.backup",
            _ => ".bot.env.A_KEY.openclaw-sec.backup",
        };
        let place = repository(&format!(
            "cp .env copy; mv copy {env}; echo {env} > .gitignore"
        ));
        let words = ["--only", ID, "--env", env];
        let is_said = |words: &[&str], severity: &str, what: &str| {
            let (report, code) = place.report_of(words);
            let result = report.one(ID);
            assert_eq!((result["severity"].as_str(), code), (Some(severity), 1));
            assert!(
                result["message"].as_str().unwrap().contains(what),
                "{result}"
            );
            assert!(
                result["location"]["path"]
                    .as_str()
                    .unwrap()
                    .ends_with(backup),
                "{result}"
            );
        };
        assert_eq!(place.report_of(&words).0.one(ID)["status"], "pass");
        place.write(backup, "hunter2-blue-Horse");
        is_said(&words, "medium", "neither tracks nor ignores");
        place.shell(&format!("git add {backup}"));
        is_said(&words, "high", "tracks");
        is_said(
            &[&words[..], &["--staged"]].concat(),
            "high",
            "brings an env file",
        );
        place.shell("git -c user.name=a -c user.email=a@b commit -qm x");
        let id = "secrets.env-file-in-history";
        let (report, _) = place.report_of(&["--only", id, "--env", env, "--history"]);
        assert_eq!(report.one(id)["status"], "fail", "{env}");
        place.shell(&format!(
            "git rm -q --cached {backup}; echo '*.openclaw-sec.backup' >> .gitignore"
        ));
        assert_eq!(place.report_of(&words).0.one(ID)["status"], "pass");
    }
}

#[test]
fn work_trees_and_submodules_are_seen() {
    let place = repository(
        "git commit -q --allow-empty -m x && git worktree add -q ../tree && echo A=1 > ../tree/.env \
         && git init -q ../sub && git -C ../sub commit -q --allow-empty -m x \
         && git -c protocol.file.allow=always submodule --quiet add ../sub sub && echo A=1 > sub/.env",
    );
    assert_eq!(status(&place, "../tree/.env"), "fail");
    assert_eq!(status(&place, "sub/.env"), "fail");
    place.shell("echo .env > ../tree/.gitignore; echo .env > sub/.gitignore");
    assert_eq!(status(&place, "../tree/.env"), "pass");
    assert_eq!(status(&place, "sub/.env"), "pass");
}

#[test]
fn odd_names_are_names() {
    for name in [
        "a b.env",
        ":(glob)*.env",
        "[x].env",
        "-n.env",
        "a\nb.env",
        "*.env",
        "ünï.env",
        "\"q\".env",
        ":!x.env",
    ] {
        let place = repository("true");
        place.write(name, HARDENED);
        let given = format!("./{name}");
        assert_eq!(status(&place, &given), "fail", "{name:?}");
        place
            .command("git")
            .args(["--literal-pathspecs", "add", "-f", "--", name])
            .output()
            .unwrap();
        let (report, _) = place.report_of(&["--only", ID, "--env", &given]);
        assert_eq!(report.one(ID)["severity"], "high", "{name:?} is tracked");
        place.shell("echo '*' > .gitignore; git rm -rq --cached .");
        assert_eq!(status(&place, &given), "pass", "{name:?}");
    }
}

#[test]
fn what_git_does_not_answer_is_unknown() {
    let place = repository("echo .env > .gitignore");
    let ended = place.shell(&format!(
        "mkdir ../bin; PATH=$PWD/../bin $B check --only {ID} --format json"
    ));
    assert!(
        ended.stdout.contains("\"unknown\"") && ended.stdout.contains("git is not installed"),
        "{}",
        ended.both()
    );
    assert_eq!(ended.code, 3);
    place.shell("echo broken > .git/HEAD");
    assert_eq!(status(&place, ".env"), "unknown");
    if is_root() {
        let foreign = repository("echo .env > .gitignore; chown -R 4242 .");
        assert_eq!(
            status(&foreign, ".env"),
            "unknown",
            "git refuses a repository of somebody else"
        );
    }
}

#[test]
fn a_hostile_repository_runs_nothing() {
    let place = repository(
        "printf '#!/bin/sh\\ntouch %s/ran\\n' $PWD/.. > ../evil; chmod +x ../evil; \
         git config core.fsmonitor $PWD/../evil; git config core.hooksPath $PWD/..; cp ../evil ../post-index-change; \
         git config core.pager $PWD/../evil; git config core.editor $PWD/../evil; git config core.sshCommand $PWD/../evil; \
         git config alias.ls-files '!'$PWD/../evil; git config alias.check-ignore '!'$PWD/../evil; \
         git config core.alternateRefsCommand $PWD/../evil; git config filter.x.clean $PWD/../evil; \
         git config diff.external $PWD/../evil; git config credential.helper $PWD/../evil; \
         echo '* filter=x' > .gitattributes",
    );
    assert_eq!(status(&place, ".env"), "fail");
    place.line("check --history");
    place.line("check --fix --yes");
    assert!(!place.outer("ran").exists());
}

#[test]
fn git_s_environment_does_not_lead_elsewhere_and_holds_no_secret() {
    let place = repository("echo .env > .gitignore");
    let variables = [
        ("GIT_DIR", "/nonexistent"),
        ("GIT_WORK_TREE", "/"),
        ("WEB_API_KEY", "hunter2hunter2"),
    ];
    let ended = place.run_with(["check", "--only", ID], &variables);
    assert_eq!(ended.code, 0, "{}", ended.both());
    let traced = place.shell(&format!("WEB_API_KEY=hunter2hunter2 strace -f -v -qq -s 4096 -e trace=execve -o trace $B check --only {ID} >/dev/null; sed 1d trace"));
    assert!(!traced.stdout.contains("hunter2"), "{}", traced.stdout);
    assert!(!traced.stdout.contains("q7Zk2mVw9xLr"));
}

#[test]
fn a_link_is_no_way_around_git() {
    // The link is ignored; what it leads to is committed, and the key in it is in the tree.
    let linked = "mv .env .env.production; ln -s .env.production .env; echo /.env > .gitignore";
    let place = repository(&format!("{linked}; git add -A; git commit -qm x"));
    let (report, code) = place.report("--only code");
    let result = report.one(ID);
    assert_eq!((result["status"].as_str(), code), (Some("fail"), 1));
    assert_eq!(result["severity"], "high");
    let text = result["remediation"].as_str().unwrap();
    assert!(text.contains(".env.production"), "{text}");
    assert_eq!(report.of("secrets.in-code")[0]["status"], "fail");
    // Neither of the two is known to git: both are ignored then.
    let place = repository("mv .env .env.production; ln -s .env.production .env");
    assert_eq!(status(&place, ".env"), "fail");
    place.line(&format!("check --only {ID} --fix --yes"));
    assert_eq!(status(&place, ".env"), "pass");
    assert_eq!(place.read(".gitignore"), b"/.env\n/.env.production\n");
    // Only the target is not ignored.
    let place = repository(linked);
    assert_eq!(status(&place, ".env"), "fail");
    place.line(&format!("check --only {ID} --fix --yes"));
    let (report, code) = place.report("--only code");
    assert_eq!((report.one(ID)["status"].as_str(), code), (Some("pass"), 0));
    // Of a link git publishes the link alone: what it leads to is ignored, or lies outside.
    let place = repository(
        "mv .env .env.production; ln -s .env.production .env; echo /.env.production > .gitignore",
    );
    assert_eq!(status(&place, ".env"), "pass");
    // The file that it took the place of is still in the index.
    let place = repository("git add -f .env; mv .env ~/shared.env; ln -s ~/shared.env .env");
    assert_eq!(status(&place, ".env"), "fail");
    for script in ["true", "git add .env", "echo .env > .gitignore"] {
        let place = repository(&format!(
            "mv .env ~/shared.env; ln -s ~/shared.env .env; {script}"
        ));
        assert_eq!(status(&place, ".env"), "skipped", "{script}");
        let (report, _) = place.report(&format!("--only {ID} --fix --yes"));
        assert_eq!(report.one(ID)["status"], "skipped", "{script}");
    }
    // Outside of any work tree a file may hold what it holds.
    let place = Place::with_env(HARDENED);
    place.shell("mv .env real.env; ln -s real.env .env");
    assert_eq!(place.report("--only code --code .").1, 0);
}
