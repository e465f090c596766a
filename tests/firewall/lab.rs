//! A host in a network namespace of its own, and everything that is done to it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use openclaw_sec::firewall::{Policy, Request, find_format, render};
use serde_json::{Value, json};

/// The address of the host on `eth0`.
pub const HOST4: &str = "198.51.100.1";
/// The IPv6 address of the host on `eth0`.
pub const HOST6: &str = "2001:db8:1::1";

/// The interfaces every lab host has, each a veth whose other end lies in the net namespace.
const INTERFACES: [&str; 4] = ["eth0", "tailscale0", "br-0123456789ab", "wg0"];

/// Why the kernel tests cannot run here, if they cannot.
pub fn missing() -> Option<&'static str> {
    static REASON: OnceLock<Option<String>> = OnceLock::new();
    REASON
        .get_or_init(|| {
            let tools = "id nft iptables iptables-legacy ip6tables ipset ip python3 busybox dash bash unshare setsid flock";
            for tool in tools.split(' ') {
                if !run("sh", &["-c", &format!("command -v {tool}")], "").status.success() {
                    return Some(format!("the command {tool} is missing"));
                }
            }
            if run("id", &["-u"], "").stdout != b"0\n" {
                return Some("network namespaces need root".to_owned());
            }
            let made = run("unshare", &["-n", "nft", "add table inet t"], "");
            (!made.status.success()).then(|| "the kernel has no nf_tables in a new namespace".to_owned())
        })
        .as_deref()
}

/// Ends the test, saying why, where the kernel tests cannot run.
#[macro_export]
macro_rules! needs_a_lab {
    () => {
        if let Some(reason) = $crate::lab::missing() {
            eprintln!("not run: {reason}");
            return;
        }
    };
}

/// Which tools the host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackEnd {
    /// nftables alone.
    Nft,
    /// iptables on nf_tables alone.
    IptablesNft,
    /// Legacy iptables alone.
    IptablesLegacy,
}

impl BackEnd {
    pub const ALL: [Self; 3] = [Self::Nft, Self::IptablesNft, Self::IptablesLegacy];
}

/// A host, the net it is connected to, and a container on its `docker0`.
pub struct Lab {
    pub host: String,
    pub net: String,
    pub container: String,
    pub folder: tempfile::TempDir,
    path: Option<PathBuf>,
}

impl Lab {
    /// A host with every tool.
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let id = format!(
            "{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let lab = Self {
            host: format!("fwh-{id}"),
            net: format!("fwn-{id}"),
            container: format!("fwc-{id}"),
            folder: tempfile::tempdir().unwrap(),
            path: None,
        };
        lab.build();
        lab
    }

    /// A host with the tools of one back end.
    pub fn with(back_end: BackEnd) -> Self {
        let mut lab = Self::new();
        let path = tools_of(back_end, &lab.folder.path().join("bin"));
        lab.path = Some(path);
        lab
    }

    fn build(&self) {
        let (host, net, container) = (&self.host, &self.net, &self.container);
        let mut batch = String::new();
        for name in [host, net, container] {
            let _ = writeln!(batch, "ip netns add {name}; ip -n {name} link set lo up");
            for key in ["all.rp_filter=0", "default.rp_filter=0"] {
                let _ = writeln!(
                    batch,
                    "ip netns exec {name} sysctl -qw net.ipv4.conf.{key} || :"
                );
            }
            let _ = writeln!(
                batch,
                "ip netns exec {name} sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0 || :"
            );
        }
        let _ = writeln!(
            batch,
            "ip netns exec {host} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"
        );
        for name in INTERFACES {
            let peer: String = format!("p-{name}").chars().take(15).collect();
            let _ = writeln!(
                batch,
                "ip -n {host} link add {name} type veth peer name {peer} netns {net}\n\
                 ip -n {host} link set {name} up; ip -n {net} link set {peer} up"
            );
        }
        let _ = writeln!(
            batch,
            "ip -n {host} link add docker0 type veth peer name c-eth0 netns {container}\n\
             ip -n {host} link set docker0 up; ip -n {container} link set c-eth0 up\n\
             ip -n {host} addr add {HOST4}/24 dev eth0; ip -n {host} -6 addr add {HOST6}/64 dev eth0 nodad\n\
             ip -n {net} addr add 198.51.100.2/24 dev p-eth0; ip -n {net} -6 addr add 2001:db8:1::2/64 dev p-eth0 nodad\n\
             ip -n {host} addr add 100.64.0.1/10 dev tailscale0; ip -n {host} -6 addr add fd7a:115c:a1e0::1/64 dev tailscale0 nodad\n\
             ip -n {net} addr add 100.64.0.2/10 dev p-tailscale0\n\
             ip -n {host} addr add 172.17.0.1/16 dev docker0; ip -n {host} -6 addr add fd00:17::1/64 dev docker0 nodad\n\
             ip -n {container} addr add 172.17.0.2/16 dev c-eth0; ip -n {container} -6 addr add fd00:17::2/64 dev c-eth0 nodad\n\
             ip -n {container} route add default via 172.17.0.1; ip -n {container} -6 route add default via fd00:17::1\n\
             ip -n {host} route add default via 198.51.100.2; ip -n {host} -6 route add default via 2001:db8:1::2\n\
             ip -n {net} route add default via 198.51.100.1; ip -n {net} -6 route add default via 2001:db8:1::1"
        );
        let made = run("sh", &["-ec", &batch], "");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
    }

    /// Runs a shell command on the host.
    pub fn on_host(&self, command: &str) -> Output {
        self.run(&["sh", "-c", command], "")
    }

    /// Runs a shell command on the host; it must succeed. Returns what it printed.
    pub fn must(&self, command: &str) -> String {
        let output = self.on_host(command);
        assert!(
            output.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a program on the host.
    pub fn run(&self, command: &[&str], input: &str) -> Output {
        self.run_in(&self.host, command, input)
    }

    /// Runs a program in one of the namespaces.
    pub fn run_in(&self, namespace: &str, command: &[&str], input: &str) -> Output {
        let mut arguments = vec!["netns", "exec", namespace, "env"];
        let lock = format!(
            "XTABLES_LOCKFILE={}",
            self.folder.path().join("xtables.lock").display()
        );
        let path = self
            .path
            .as_ref()
            .map(|path| format!("PATH={}", path.display()));
        arguments.push(&lock);
        arguments.extend(path.as_deref());
        arguments.extend(command);
        run("ip", &arguments, input)
    }

    /// Pipes the script of a policy into a shell on the host.
    pub fn apply(&self, request: &Request) -> Output {
        self.run(&["sh"], &script(request))
    }

    /// The same, and it must succeed.
    pub fn must_apply(&self, request: &Request) {
        let output = self.apply(request);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.stdout.is_empty());
    }

    /// Sends packets and says for each where it was delivered: `host`, `container` or `none`.
    pub fn deliver(&self, packets: &[Value]) -> Vec<String> {
        if packets.is_empty() {
            return Vec::new();
        }
        let job = json!({ "host": self.host, "net": self.net, "container": self.container, "packets": packets });
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/firewall/packets.py");
        let output = run("python3", &[script.to_str().unwrap()], &job.to_string());
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Every rule of the host, ours and others', in both back ends, without counters.
    pub fn everything(&self) -> String {
        let saved = run(
            "ip",
            &[
                "netns",
                "exec",
                &self.host,
                "sh",
                "-c",
                "nft -s list ruleset; for f in ip ip6; do for v in nft legacy; do \
                 [ $v = nft ] || grep -q . /proc/net/${f}_tables_names 2>/dev/null || continue; \
                 ${f}tables-$v-save; done; done; ipset -s save | sed 's/ initval [^ ]*//'",
            ],
            "",
        );
        String::from_utf8_lossy(&saved.stdout)
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(without_counters)
            .fold(String::new(), |text, line| text + &line + "\n")
    }

    /// Everything but the lines of the built-in chains, which appear with the first rule of a table.
    pub fn rules(&self) -> String {
        let all = self.everything();
        all.lines()
            .filter(|line| {
                ["-A ", ":OPENCLAW", "table inet openclaw", "create ", "add "]
                    .iter()
                    .any(|start| line.starts_with(start))
            })
            .fold(String::new(), |text, line| text + line + "\n")
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let space = self.on_host("readlink /proc/self/ns/net");
        let space = String::from_utf8_lossy(&space.stdout)
            .chars()
            .filter(char::is_ascii_digit)
            .collect::<String>();
        for name in [&self.host, &self.net, &self.container] {
            run("ip", &["netns", "del", name], "");
        }
        if !space.is_empty() {
            let _ = std::fs::remove_dir_all(format!("/run/openclaw-sec/{space}"));
        }
    }
}

/// The script of a policy.
pub fn script(request: &Request) -> String {
    text(request, "sh")
}

/// A policy in one of the formats.
pub fn text(request: &Request, format: &str) -> String {
    let policy = Policy::from_request(request).unwrap();
    render(&policy, find_format(format).unwrap()).unwrap()
}

/// The options of a profile and nothing else.
pub fn profile(id: &str) -> Request {
    Request {
        profile: Some(id.to_owned()),
        ..Request::default()
    }
}

/// Waits until something holds. The limit is far beyond what a loaded machine needs.
pub fn eventually(what: &str, claim: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !claim() {
        assert!(Instant::now() < until, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Runs a program to its end.
pub fn run(program: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = command(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let _ = pipe.write_all(input.as_bytes());
        });
        child.wait_with_output().unwrap()
    })
}

/// A command whose environment names no ssh session.
#[expect(clippy::disallowed_methods, reason = "tests start real programs")]
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_remove("SSH_CONNECTION");
    command
}

/// A folder with links to every tool except those of the other back ends.
fn tools_of(back_end: BackEnd, folder: &Path) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let foreign = ["nft", "ipt", "ip6t", "xtables", "arpt", "ebt"];
    for source in ["/usr/bin", "/usr/sbin"] {
        for entry in std::fs::read_dir(source).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !foreign.iter().any(|start| name.starts_with(start)) {
                let _ = std::os::unix::fs::symlink(entry.path(), folder.join(name));
            }
        }
    }
    let link = |from: &str, to: String| std::os::unix::fs::symlink(from, folder.join(to)).unwrap();
    let multi = match back_end {
        BackEnd::Nft => {
            link("/usr/sbin/nft", "nft".to_owned());
            return folder.to_owned();
        }
        BackEnd::IptablesNft => "/usr/sbin/xtables-nft-multi",
        BackEnd::IptablesLegacy => "/usr/sbin/xtables-legacy-multi",
    };
    for tool in ["iptables", "ip6tables"] {
        for ending in ["", "-save", "-restore"] {
            link(multi, format!("{tool}{ending}"));
        }
    }
    folder.to_owned()
}

/// `[12:345]` becomes `[0:0]`.
fn without_counters(line: &str) -> String {
    match line.rsplit_once(" [") {
        Some((start, _)) if line.starts_with(':') => format!("{start} [0:0]"),
        _ => line.to_owned(),
    }
}
