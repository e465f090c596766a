//! The README says what is: its commands run, its outputs come, its tables are the code's.

#![cfg(feature = "cli")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test looks at BLESS and runs the README's commands"
)]
#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot read, it cannot test"
)]

mod blocks;
mod tables;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use blocks::{Block, matches};

/// Root of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

/// A folder with the examples and an installed program, as the reader has it.
struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home/.cargo/bin");
        std::fs::create_dir_all(&home).unwrap();
        std::os::unix::fs::symlink(program(), home.join("openclaw-sec")).unwrap();
        let work = folder.path().join("work");
        std::fs::create_dir_all(work.join("examples")).unwrap();
        for name in [
            "examples/audit.jsonl",
            "examples/page.env",
            "examples/hardened.env",
            "examples/fleet.toml",
        ] {
            let copy = work.join(name);
            std::fs::copy(root().join(name), &copy).unwrap();
            // What a clone makes, whatever the umask of this one was.
            std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a script and returns what it wrote to both streams, and its exit code.
    fn run(&self, script: &str) -> (String, Option<i32>) {
        let search = format!(
            "{}:/usr/bin:/bin",
            self.path("home/.cargo/bin").to_str().unwrap()
        );
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\numask 022\n{script}")])
            .current_dir(self.path("work"))
            .env_clear()
            .env("PATH", search)
            .env("HOME", self.path("home"))
            .env("STATE_DIRECTORY", self.path("state"))
            // Whatever a command asks of an endpoint, it asks this machine, where nobody answers.
            .env("OPENCLAW_SEC_CONNECT_TO", "127.0.0.1:1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (text, output.status.code())
    }
}

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_openclaw-sec"))
}

#[test]
fn the_first_command_installs_the_program_and_prints_the_checklist() {
    let readme = read("README.md");
    let first = blocks::all(&readme)
        .find(|block| block.language == "sh")
        .unwrap();
    let sandbox = Sandbox::new();
    let installed = sandbox.path("home/.cargo/bin/openclaw-sec");
    std::fs::remove_file(&installed).unwrap();
    // Stands for the real one, which would build for minutes.
    let cargo = sandbox.path("home/.cargo/bin/cargo");
    let script = format!(
        "#!/bin/sh\n[ \"$*\" = 'install --locked --path .' ] && ln -s '{}' '{}'\n",
        program().display(),
        installed.display()
    );
    std::fs::write(&cargo, script).unwrap();
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (output, code) = sandbox.run(first.text);
    assert_eq!(code, Some(1), "{output}");
    for expected in [
        "secrets.placeholder  examples/page.env:1",
        "rate-limit.invalid  examples/page.env:4",
        "https.certificate-expired",
        "the connection was refused",
        "exit 1",
    ] {
        assert!(output.contains(expected), "no {expected} in\n{output}");
    }
}

#[test]
fn the_second_command_is_what_ci_ends_with() {
    let readme = read("README.md");
    let second = blocks::all(&readme)
        .filter(|block| block.language == "sh")
        .nth(1)
        .unwrap();
    let script = read(".ci/run");
    let last = script.trim_end().lines().last().unwrap();
    assert_eq!(last, format!("run {}", second.text.trim()));
}

#[test]
fn commands_with_their_output_do_what_the_readme_shows() {
    let readme = read("README.md");
    let sandbox = Sandbox::new();
    let mut shown = 0;
    for block in blocks::all(&readme).filter(|block| block.language == "console") {
        let session = block.session();
        let (output, _) = sandbox.run(&session.script);
        assert!(
            matches(&session.output, &output),
            "README.md:{}: the output is now\n{output}",
            block.line
        );
        assert_exit_code(&session.script, &output, &sandbox);
        shown += 1;
    }
    assert!(shown >= 3);
}

/// A report that says `exit 1` at its end must come with that code.
fn assert_exit_code(script: &str, output: &str, sandbox: &Sandbox) {
    let Some((_, said)) = output.trim_end().rsplit_once("        exit ") else {
        return;
    };
    let (_, code) = sandbox.run(script);
    assert_eq!(code.map(|code| code.to_string()).as_deref(), Some(said));
}

#[test]
fn further_commands_run_to_their_end() {
    let readme = read("README.md");
    let sandbox = Sandbox::new();
    let (output, code) = sandbox
        .run("cp examples/hardened.env .env && chmod 600 .env && openclaw-sec keygen --env .env");
    assert_eq!(code, Some(0), "{output}");
    let later = blocks::all(&readme).filter(|block| block.language == "sh");
    for block in later.skip(2) {
        for command in block.text.lines().filter(|line| !line.trim().is_empty()) {
            let (output, code) = sandbox.run(command);
            assert!(
                matches!(code, Some(0 | 1 | 3)),
                "README.md:{}: {command} ends with {code:?}\n{output}",
                block.line
            );
        }
    }
}

#[test]
fn configurations_are_accepted() {
    let readme = read("README.md");
    let sandbox = Sandbox::new();
    for block in blocks::all(&readme).filter(|block| block.language == "toml") {
        std::fs::write(sandbox.path("work/openclaw-sec.toml"), block.text).unwrap();
        let (output, code) = sandbox
            .run("openclaw-sec check --env examples/page.env --only declared --fail-on never");
        assert_eq!(code, Some(0), "README.md:{}: {output}", block.line);
    }
}

#[test]
fn the_hardened_example_passes_once_it_has_a_key_and_the_page_example_does_not() {
    let sandbox = Sandbox::new();
    let check = "openclaw-sec check --only declared --fail-on low";
    let (output, code) = sandbox.run(&format!("{check} --env examples/hardened.env"));
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("auth.web-api-key-missing"), "{output}");
    let (output, code) = sandbox.run(&format!(
        "openclaw-sec keygen --env examples/hardened.env && {check} --env examples/hardened.env"
    ));
    assert_eq!(code, Some(0), "{output}");
    let (output, code) = sandbox.run(&format!("{check} --env examples/page.env"));
    assert_eq!(code, Some(1), "{output}");
}

#[test]
fn links_to_files_lead_somewhere() {
    for page in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ] {
        let text = read(page);
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap();
            let file = target.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            assert!(root().join(file).exists(), "{page} links to {file}");
        }
    }
}

#[test]
fn tables_are_what_the_code_says() {
    let readme = read("README.md");
    let renewed = tables::renewed(&readme);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(root().join("README.md"), &renewed).unwrap();
        return;
    }
    assert!(
        readme == renewed,
        "a table of README.md is stale; renew it with BLESS=1 cargo test --test readme"
    );
}

/// A page for readers names no block of a language that no test looks at.
#[test]
fn every_block_is_of_a_kind_that_is_tested() {
    let readme = read("README.md");
    for Block { language, line, .. } in blocks::all(&readme) {
        // tests/contrib runs what needs root and what is for other programs; tests/ansible and tests/lake
        // run what needs their tools.
        let known = ["sh", "sh root", "sh tools", "console", "toml", "yaml"].contains(&language);
        assert!(
            known,
            "README.md:{line}: a block in {language:?} is not tested"
        );
    }
}
