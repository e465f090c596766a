//! The GitLab job: the schema takes it, and its script is run as GitLab's runner runs it.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::{Ended, PROGRAM, hardened_env, root, run, tool, write_program, yaml};

const JOB: &str = "contrib/gitlab/openclaw-sec.gitlab-ci.yml";

/// A checkout on a runner.
struct Runner {
    folder: tempfile::TempDir,
    job: Value,
}

impl Runner {
    fn new() -> Option<Self> {
        let job = yaml(JOB)?["openclaw-sec"].take();
        let folder = tempfile::Builder::new().prefix("oc").tempdir().unwrap();
        let runner = Self { folder, job };
        for name in ["work", "bin"] {
            std::fs::create_dir(runner.path(name)).unwrap();
        }
        std::os::unix::fs::symlink(PROGRAM, runner.path("bin/openclaw-sec")).unwrap();
        run(Command::new("git")
            .args(["init", "-q"])
            .current_dir(runner.path("work")))
        .succeeded();
        std::fs::write(runner.path("work/.gitignore"), "*.env\n").unwrap();
        Some(runner)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Both scripts in one shell, as in a job.
    fn job(&self, variables: &[(&str, &str)]) -> Ended {
        let lines = ["before_script", "script"]
            .iter()
            .flat_map(|part| self.job[part].as_array().unwrap())
            .map(|line| format!("{}\n", line.as_str().unwrap()));
        run(Command::new("bash")
            .args(["-eo", "pipefail", "-c", &lines.collect::<String>()])
            .current_dir(self.path("work"))
            .env_clear()
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", self.path("bin").display()),
            )
            .env("HOME", self.folder.path())
            .env("CI", "true")
            .envs(variables.iter().copied()))
    }

    /// The reports that the job hands over, which must be there whatever its end.
    fn reports(&self) -> (Value, String) {
        let artifacts = &self.job["artifacts"];
        assert_eq!(artifacts["when"], "always");
        let read = |kind: &str| {
            let name = artifacts["reports"][kind].as_str().unwrap();
            assert!(
                artifacts["paths"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|path| path == name)
            );
            std::fs::read_to_string(self.path("work").join(name)).unwrap()
        };
        (
            serde_json::from_str(&read("codequality")).unwrap(),
            read("junit"),
        )
    }
}

#[test]
fn the_schema_takes_the_job() {
    let Some(schema) = tool("check-jsonschema") else {
        return;
    };
    let job = root().join(JOB);
    run(Command::new(schema)
        .args(["--builtin-schema", "vendor.gitlab-ci"])
        .arg(job))
    .succeeded();
}

#[test]
fn a_red_job_keeps_its_reports_and_a_green_one_has_nothing_in_them() {
    let Some(runner) = Runner::new() else { return };
    let env = runner.path("work/prod.env");
    let variables = [("OPENCLAW_SEC_ENV", "prod.env")];
    std::fs::write(&env, hardened_env()).unwrap();
    runner.job(&variables).succeeded();
    let (quality, junit) = runner.reports();
    assert_eq!(quality, serde_json::json!([]));
    assert!(!junit.contains("<failure"), "{junit}");
    std::fs::write(
        &env,
        hardened_env().replace("FORCE_HTTPS=true", "FORCE_HTTPS=false"),
    )
    .unwrap();
    let ended = runner.job(&variables);
    assert_eq!(ended.code, 1, "{}", ended.both());
    let (quality, junit) = runner.reports();
    assert_eq!(quality[0]["check_name"], "https.force-https-off");
    assert_eq!(quality[0]["location"]["path"], "prod.env");
    assert!(junit.contains("<failure"), "{junit}");
    runner
        .job(&[variables[0], ("OPENCLAW_SEC_FAIL_ON", "never")])
        .succeeded();
}

#[test]
fn without_an_env_file_the_repository_is_searched() {
    let Some(runner) = Runner::new() else { return };
    runner.job(&[]).succeeded();
    std::fs::write(runner.path("work/bot.py"), hardened_env()).unwrap();
    assert_eq!(runner.job(&[]).code, 1);
}

#[test]
fn a_program_that_is_missing_is_built_or_asked_for() {
    let Some(runner) = Runner::new() else { return };
    std::fs::remove_file(runner.path("bin/openclaw-sec")).unwrap();
    let ended = runner.job(&[]);
    assert_ne!(ended.code, 0);
    assert!(
        ended.stderr.contains("OPENCLAW_SEC_SOURCE: take an image"),
        "{}",
        ended.stderr
    );
    let stand_in = format!(
        "#!/bin/sh\n[ \"$*\" = 'install --locked --git https://git.example/x' ] &&\n\
         ln -s '{PROGRAM}' '{}'\n",
        runner.path("bin/openclaw-sec").display()
    );
    write_program(&runner.path("bin/cargo"), &stand_in);
    runner
        .job(&[("OPENCLAW_SEC_SOURCE", "https://git.example/x")])
        .succeeded();
}
