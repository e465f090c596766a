//! The GitHub action: its validators take it, and its steps are run as GitHub runs them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{
    Ended, PROGRAM, hardened_env, root, run, run_words, tool, write_program, yaml,
};

const ACTION: &str = "contrib/github/action.yml";

/// A runner's machine: a checkout, a folder for the runner's own things, and a PATH.
struct Runner {
    folder: tempfile::TempDir,
    action: Value,
}

impl Runner {
    fn new() -> Option<Self> {
        let action = yaml(ACTION)?;
        let folder = tempfile::Builder::new().prefix("oc").tempdir().unwrap();
        let runner = Self { folder, action };
        for name in ["work", "bin", "temp"] {
            std::fs::create_dir(runner.path(name)).unwrap();
        }
        std::os::unix::fs::symlink(PROGRAM, runner.path("bin/openclaw-sec")).unwrap();
        let work = runner.path("work");
        run(Command::new("git").args(["init", "-q"]).current_dir(work)).succeeded();
        runner.write(".gitignore", "*.env\n");
        Some(runner)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path("work").join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The steps in their order, until one fails; inputs that are not given have their defaults.
    fn act(&self, given: &[(&str, &str)]) -> Ended {
        let given: HashMap<&str, &str> = given.iter().copied().collect();
        let mut all = Ended {
            code: 0,
            stdout: String::new(),
            stderr: String::new(),
        };
        for step in self.action["runs"]["steps"].as_array().unwrap() {
            let script = self.path("temp/step.sh");
            std::fs::write(&script, step["run"].as_str().unwrap()).unwrap();
            assert_eq!(step["shell"], "bash");
            let mut command = Command::new("bash");
            command
                .args(["--noprofile", "--norc", "-eo", "pipefail"])
                .arg(&script);
            self.surround(&mut command);
            for (name, value) in step["env"].as_object().into_iter().flatten() {
                command.env(name, self.evaluated(value.as_str().unwrap(), &given));
            }
            let ended = run(&mut command);
            all.code = ended.code;
            all.stdout += &ended.stdout;
            all.stderr += &ended.stderr;
            if all.code != 0 {
                break;
            }
        }
        all
    }

    /// `${{ inputs.NAME }}` is all that the action asks of GitHub's expressions.
    fn evaluated<'a>(&'a self, expression: &str, given: &HashMap<&str, &'a str>) -> &'a str {
        let name = expression
            .strip_prefix("${{ inputs.")
            .unwrap()
            .strip_suffix(" }}")
            .unwrap();
        let input = &self.action["inputs"][name];
        assert!(input.is_object(), "no input {name}");
        given
            .get(name)
            .copied()
            .unwrap_or_else(|| input["default"].as_str().unwrap())
    }

    fn surround(&self, command: &mut Command) {
        command
            .current_dir(self.path("work"))
            .env_clear()
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", self.path("bin").display()),
            )
            .env("HOME", self.path("temp"))
            .env("CI", "true")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_ACTION_PATH", root().join("contrib/github"))
            .env("GITHUB_STEP_SUMMARY", self.path("temp/summary"))
            .env("RUNNER_TEMP", self.path("temp"));
    }

    fn sarif(&self) -> Value {
        serde_json::from_str(&self.read("work/openclaw-sec.sarif")).unwrap()
    }
}

#[test]
fn the_schema_and_zizmor_take_the_action() {
    let (Some(schema), Some(zizmor)) = (tool("check-jsonschema"), tool("zizmor")) else {
        return;
    };
    let action = root().join(ACTION);
    run(Command::new(schema)
        .args(["--builtin-schema", "vendor.github-actions"])
        .arg(&action))
    .succeeded();
    let audit = run(Command::new(zizmor)
        .args(["--offline", "--persona=auditor"])
        .arg(&action));
    assert!(
        audit.code == 0 && audit.stdout.contains("No findings"),
        "{}",
        audit.both()
    );
}

#[test]
fn a_hardened_env_file_is_green() {
    let Some(runner) = Runner::new() else { return };
    runner.write("prod.env", &hardened_env());
    let ended = runner.act(&[("env", "prod.env")]).succeeded();
    assert!(!ended.stdout.contains("::error"), "{}", ended.stdout);
    assert_eq!(runner.sarif()["version"], "2.1.0");
    assert!(runner.read("temp/summary").starts_with('#'));
}

#[test]
fn a_finding_is_red_and_stands_in_annotation_summary_and_sarif() {
    let Some(runner) = Runner::new() else { return };
    runner.write(
        "prod.env",
        &hardened_env().replace("FORCE_HTTPS=true", "FORCE_HTTPS=false"),
    );
    let inputs = [("env", "prod.env"), ("sarif", "openclaw-sec.sarif")];
    let ended = runner.act(&inputs);
    assert_eq!(ended.code, 1, "{}", ended.both());
    let id = "https.force-https-off";
    assert!(
        ended.stdout.contains("::error file=prod.env,line="),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains(id), "{}", ended.stdout);
    assert!(runner.read("temp/summary").contains(id));
    let failed = runner.sarif()["runs"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .any(|result| result["ruleId"] == id && result["level"] == "error");
    assert!(failed);
    assert_eq!(runner.act(&[inputs[0], ("fail-on", "never")]).code, 0);
}

#[test]
fn without_an_env_file_the_repository_is_searched() {
    let Some(runner) = Runner::new() else { return };
    runner.act(&[]).succeeded();
    runner.write("bot.py", &hardened_env());
    let ended = runner.act(&[]);
    assert_eq!(ended.code, 1, "{}", ended.both());
    assert!(ended.stdout.contains("secrets.in-code"), "{}", ended.stdout);
}

#[test]
fn inputs_are_words_and_never_commands() {
    let Some(runner) = Runner::new() else { return };
    let hostile = "$(touch pwned)`touch pwned`\"; touch pwned; '";
    for input in ["env", "fail-on", "sarif"] {
        let ended = runner.act(&[(input, hostile)]);
        assert!(
            !runner.path("work/pwned").exists(),
            "{input}: {}",
            ended.both()
        );
    }
}

#[test]
fn a_program_that_is_missing_is_built_from_the_checkout() {
    let Some(runner) = Runner::new() else { return };
    std::fs::remove_file(runner.path("bin/openclaw-sec")).unwrap();
    let stand_in = format!(
        "#!/bin/sh\n[ \"$1 $2 $3 $5\" = 'install --locked --path --root' ] && [ -f \"$4/Cargo.toml\" ] &&\n\
         mkdir -p \"$6/bin\" && ln -s '{PROGRAM}' \"$6/bin/openclaw-sec\"\n"
    );
    write_program(&runner.path("bin/cargo"), &stand_in);
    runner.act(&[]).succeeded();
    assert!(Path::new(&runner.path("temp/openclaw-sec/bin/openclaw-sec")).exists());
    // The second run finds what the first one built, as a runner with a cache does.
    let ended = run_words(
        runner.path("temp/openclaw-sec/bin/openclaw-sec"),
        ["--version"],
    );
    ended.succeeded();
}
