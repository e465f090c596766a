//! The Ansible collection, run by Ansible: on this machine, and on hosts behind real ssh servers.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and starts the programs it asks, and says what it skips"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Names the virtual environment with Ansible; `.ci/run` makes it.
const FOLDER: &str = "OPENCLAW_SEC_PYTHON";
const PROGRAM: &str = env!("CARGO_BIN_EXE_openclaw-sec");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The hosts of `hosts.sh`.
const ALIVE: [&str; 5] = ["one", "two", "three", "four", "five"];
const DEAD: &str = "dead";

/// A folder of its own, and Ansible with nothing of the user's configuration.
struct Controller {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Controller {
    /// None where Ansible is missing, and says so.
    fn new() -> Option<Self> {
        let programs = std::env::var_os(FOLDER).map(|folder| Path::new(&folder).join("bin"));
        let programs = programs.filter(|folder| folder.join("ansible-playbook").exists());
        let Some(programs) = programs else {
            println!("skipped: {FOLDER} names no environment with ansible-core (see .ci/run)");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        Some(Self { folder, programs })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env(
                "PATH",
                format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.programs.display()),
            )
            .env("HOME", self.folder.path())
            .env("LC_ALL", "C.UTF-8")
            .env(
                "ANSIBLE_COLLECTIONS_PATH",
                Path::new(ROOT).join("contrib/ansible"),
            )
            .env("ANSIBLE_NOCOLOR", "1")
            .env("ANSIBLE_HOST_KEY_CHECKING", "False")
            .env("ANSIBLE_DEPRECATION_WARNINGS", "False")
            .env("ANSIBLE_FORKS", "8");
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        self.command(program, arguments).output().unwrap()
    }

    /// Runs the module once on this machine; the answer and whether the task failed.
    fn check(&self, arguments: &Value, more: &[&str]) -> (Value, bool) {
        let arguments = arguments.to_string();
        let mut words = vec!["localhost", "-c", "local", "-i", "localhost,"];
        words.extend(["-e", "ansible_python_interpreter=/usr/bin/python3"]);
        words.extend(["-m", "openclaw.security.check", "-a", &arguments]);
        words.extend(more);
        let output = self
            .command("ansible", &words)
            .env("ANSIBLE_LOAD_CALLBACK_PLUGINS", "1")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let start = text
            .find("=> {")
            .unwrap_or_else(|| panic!("no answer: {text}"))
            + 3;
        let answer = serde_json::Deserializer::from_str(&text[start..]);
        let answer = answer.into_iter::<Value>().next().unwrap().unwrap();
        (answer, !output.status.success())
    }

    /// An inventory of the hosts of `hosts.sh`, each with this env file.
    fn inventory(&self, hosts: &[&str], env: &Path) -> String {
        let mut text = String::from("[bots]\n");
        for host in hosts {
            let last = ALIVE
                .iter()
                .position(|name| name == host)
                .map_or(9, |at| at + 1);
            text.push_str(&format!("{host} ansible_host=198.51.100.{last}\n"));
        }
        text.push_str(&format!(
            "[bots:vars]\nansible_user=root\nansible_ssh_private_key_file={}\n\
             ansible_ssh_timeout=3\nansible_python_interpreter=/usr/bin/python3\n\
             ansible_ssh_common_args=-F none -o UserKnownHostsFile=/dev/null -o ControlMaster=no -o ControlPath=none\n\
             openclaw_security_binary={PROGRAM}\nopenclaw_security_env={}\n\
             openclaw_security_arguments=[\"--only\", \"rate-limit\", \"--skip\", \"live\"]\n",
            self.text("user_key"),
            env.display(),
        ));
        fs::write(self.path("inventory.ini"), text).unwrap();
        self.text("inventory.ini")
    }

    /// The playbook, run where the hosts are.
    fn fleet(&self, inventory: &str, more: &[&str]) -> Output {
        let script = format!("{ROOT}/tests/ansible/hosts.sh");
        let folder = self.folder.path().to_str().unwrap();
        let controller = format!("openclaw_security_controller_binary={PROGRAM}");
        let mut words = vec!["--net", "sh", &*script, folder, "ansible-playbook"];
        words.extend([
            "openclaw.security.fleet",
            "-i",
            inventory,
            "-e",
            &controller,
        ]);
        words.extend(["-e", "openclaw_security_report_dir=reports"]);
        words.extend(more);
        self.run("unshare", &words)
    }

    /// False where the hosts cannot be made, and says why.
    fn has_hosts(&self) -> bool {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root makes a network of its own");
            return false;
        }
        if !Path::new("/usr/sbin/sshd").exists() {
            println!("skipped: no sshd here (Debian: openssh-server)");
            return false;
        }
        for key in ["host_key", "user_key"] {
            let path = self.text(key);
            let made = self.run(
                "ssh-keygen",
                &["-q", "-t", "ed25519", "-N", "", "-f", &path],
            );
            assert!(made.status.success(), "{made:?}");
        }
        true
    }

    fn json(&self, name: &str) -> Value {
        let text =
            fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        serde_json::from_str(&text).unwrap()
    }
}

/// The page's settings with a mode that `--fix` mends.
fn env_file(folder: &Path, name: &str, mode: u32) -> PathBuf {
    let path = folder.join(name);
    fs::copy(Path::new(ROOT).join("examples/hardened.env"), &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn the_module_returns_findings_as_data_and_mends_once() {
    let Some(controller) = Controller::new() else {
        return;
    };
    let env = env_file(controller.folder.path(), "bot.env", 0o644);
    let mut arguments = serde_json::json!({
        "env": env, "binary": PROGRAM, "name": "bot", "arguments": ["--only", "secrets.env-file-mode"],
    });
    let (answer, failed) = controller.check(&arguments, &[]);
    assert!(!failed, "{answer}");
    assert_eq!(answer["changed"], false);
    assert_eq!(answer["exit_code"], 1);
    assert_eq!(answer["report"]["schema"], "openclaw-sec/check/1");
    assert_eq!(answer["report"]["target"]["name"], "bot");
    assert!(answer.get("rc").is_none(), "Ansible reads rc as a failure");

    arguments["fix"] = true.into();
    let (answer, _) = controller.check(&arguments, &["--check"]);
    assert_eq!((&answer["changed"], mode(&env)), (&true.into(), 0o644));
    let (answer, _) = controller.check(&arguments, &[]);
    assert_eq!((&answer["changed"], mode(&env)), (&true.into(), 0o600));
    assert_eq!(answer["exit_code"], 0);
    let (answer, _) = controller.check(&arguments, &[]);
    assert_eq!(answer["changed"], false);
    let (answer, _) = controller.check(&arguments, &["--check"]);
    assert_eq!(answer["changed"], false);
}

#[test]
fn the_module_fails_where_nothing_was_checked_and_names_what_is_missing() {
    let Some(controller) = Controller::new() else {
        return;
    };
    let env = env_file(controller.folder.path(), "bot.env", 0o600);
    let missing = controller.text("missing.env");
    let cases = [
        (
            serde_json::json!({"env": missing, "binary": PROGRAM}),
            "missing.env",
        ),
        (
            serde_json::json!({"env": env, "binary": "/nowhere/openclaw-sec"}),
            "/nowhere/openclaw-sec",
        ),
        (
            serde_json::json!({"env": env, "binary": "no-such-program"}),
            "no-such-program",
        ),
        (
            serde_json::json!({"env": env, "binary": "/bin/true"}),
            "/bin/true",
        ),
        (
            serde_json::json!({"env": env, "binary": PROGRAM, "arguments": ["--onyl"]}),
            "--onyl",
        ),
    ];
    for (arguments, named) in cases {
        let (answer, failed) = controller.check(&arguments, &[]);
        let message = answer["msg"].as_str().unwrap_or_default();
        assert!(failed && message.contains(named), "{arguments}: {answer}");
    }
}

#[test]
fn a_fleet_is_one_report_in_which_the_dead_are_unknown() {
    let Some(controller) = Controller::new().filter(Controller::has_hosts) else {
        return;
    };
    let env = env_file(controller.folder.path(), "bot.env", 0o600);
    let hosts: Vec<&str> = ALIVE.into_iter().chain([DEAD]).collect();
    let inventory = controller.inventory(&hosts, &env);

    let output = controller.fleet(&inventory, &["--check"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        !controller.path("reports").exists(),
        "--check wrote something"
    );

    // Yesterday the dead host was well.
    fs::create_dir_all(controller.path("reports/hosts")).unwrap();
    fs::write(controller.path("reports/hosts/dead.json"), "{}").unwrap();
    fs::write(controller.path("reports/fleet.html"), "yesterday").unwrap();
    let output = controller.fleet(&inventory, &[]);
    let text = said(&output);
    assert!(
        !output.status.success(),
        "an unknown host must end red: {text}"
    );
    for line in text.lines().filter(|line| line.contains("changed=")) {
        assert!(line.contains("changed=0"), "{line}");
    }
    assert!(
        !controller.path("reports/hosts/dead.json").exists(),
        "{text}"
    );
    assert!(controller.path("reports/fleet.json").exists(), "{text}");
    let fleet = controller.json("reports/fleet.json");
    let targets = fleet["targets"].as_array().unwrap();
    let statuses: Vec<(&str, &str)> = targets
        .iter()
        .map(|target| {
            (
                target["name"].as_str().unwrap(),
                target["status"].as_str().unwrap(),
            )
        })
        .collect();
    for host in ALIVE {
        assert!(statuses.contains(&(host, "pass")), "{statuses:?}\n{text}");
        let report = controller.path(&format!("reports/hosts/{host}.json"));
        assert_eq!(mode(&report), 0o600);
    }
    assert!(statuses.contains(&(DEAD, "unknown")), "{statuses:?}");
    assert_eq!(statuses.len(), hosts.len());
    for format in ["sarif", "html", "ndjson", "prom"] {
        let text = fs::read_to_string(controller.path(&format!("reports/fleet.{format}"))).unwrap();
        assert!(
            text.contains(DEAD),
            "fleet.{format} does not name the dead host"
        );
    }

    let inventory = controller.inventory(&ALIVE, &env);
    let output = controller.fleet(&inventory, &[]);
    assert!(
        output.status.success(),
        "a healthy fleet must end green: {}",
        said(&output)
    );

    let page = Path::new(ROOT).join("examples/page.env");
    let inventory = controller.inventory(&ALIVE[..1], &page);
    let output = controller.fleet(&inventory, &[]);
    assert!(
        !output.status.success(),
        "a failure must end red: {}",
        said(&output)
    );
    let output = controller.fleet(&inventory, &["-e", "openclaw_security_fail_on=never"]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn the_collection_builds_installs_and_is_clean_for_the_linter() {
    let Some(controller) = Controller::new() else {
        return;
    };
    let source = format!("{ROOT}/contrib/ansible/ansible_collections/openclaw/security");
    let built = controller.run("ansible-galaxy", &["collection", "build", &source]);
    assert!(built.status.success(), "{}", said(&built));
    let archive = controller.text("openclaw-security-0.1.0.tar.gz");
    let installed = [
        "collection",
        "install",
        "--offline",
        &archive,
        "-p",
        "installed",
    ];
    // Where Ansible finds the checkout it has nothing to install.
    let installed = controller
        .command("ansible-galaxy", &installed)
        .env_remove("ANSIBLE_COLLECTIONS_PATH")
        .output()
        .unwrap();
    assert!(installed.status.success(), "{}", said(&installed));
    let module = "installed/ansible_collections/openclaw/security/plugins/modules/check.py";
    assert!(controller.path(module).exists());

    if !controller.programs.join("ansible-lint").exists() {
        println!("skipped the linter: no ansible-lint in {FOLDER}");
        return;
    }
    let linted = controller
        .command("ansible-lint", &["--offline", "--profile", "production"])
        .current_dir(&source)
        .output()
        .unwrap();
    assert!(linted.status.success(), "{}", said(&linted));
}

fn said(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    format!("{out}{}", String::from_utf8_lossy(&output.stderr))
}
