//! The Debian package: the same bytes everywhere, nothing for lintian to say, and a system that is as
//! before once it was purged.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{
    Ended, PROGRAM, hardened_env, installed, root, run, run_words, stripped_program,
};
use crate::throwaway::Machine;

/// What a package is made of.
pub const SOURCES: [&str; 10] = [
    "Cargo.toml",
    "Cargo.lock",
    "build.rs",
    "src",
    "CHANGELOG.md",
    "README.md",
    "LICENSE-MIT",
    "man",
    "completions",
    "contrib",
];

fn build(source: &Path, binary: &Path, output: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .arg(source.join("contrib/deb/build.sh"))
        .arg("--binary")
        .arg(binary)
        .arg("--output")
        .arg(output)
        // Most of the time goes into pressing, which is not what is tested.
        .env("DPKG_DEB_COMPRESSOR_LEVEL", "0");
    command
}

/// The only line of a successful build is the path of the package.
fn path_of(ended: Ended) -> PathBuf {
    let ended = ended.succeeded();
    assert_eq!(ended.stderr, "");
    PathBuf::from(ended.stdout.trim_end())
}

/// The package of the program under test.
pub fn package() -> &'static Path {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deb");
        path_of(run(&mut build(root(), stripped_program(), &output)))
    })
}

fn field(package: &Path, name: &str) -> String {
    let ended = run(Command::new("dpkg-deb")
        .arg("--field")
        .arg(package)
        .arg(name));
    ended.succeeded().stdout.trim_end().to_owned()
}

/// The paths in a package, without the leading dot; folders end in a slash.
fn contents(package: &Path) -> Vec<String> {
    let ended = run(Command::new("dpkg-deb").arg("--contents").arg(package));
    let listing = ended.succeeded().stdout;
    let paths = listing.lines().map(|line| {
        assert!(line.contains(" root/root "), "{line}");
        line.split_whitespace()
            .nth(5)
            .unwrap()
            .trim_start_matches('.')
            .to_owned()
    });
    paths.collect()
}

#[test]
fn builds_in_another_folder_with_other_masks_zones_and_languages_are_the_same_bytes() {
    if installed("dpkg-deb", "dpkg").is_none() {
        return;
    }
    let elsewhere = tempfile::Builder::new().prefix("oc").tempdir().unwrap();
    let copy = format!(
        "umask 077; cp -r {} '{}'",
        SOURCES.join(" "),
        elsewhere.path().display()
    );
    run(Command::new("sh").args(["-c", &copy]).current_dir(root())).succeeded();
    let mut other = build(elsewhere.path(), stripped_program(), Path::new("."));
    let words: Vec<_> = other.get_args().map(std::ffi::OsStr::to_owned).collect();
    let mut masked = Command::new("sh");
    masked
        .args(["-c", "umask 077; exec sh \"$@\"", "sh"])
        .args(words)
        .current_dir(elsewhere.path())
        .env("DPKG_DEB_COMPRESSOR_LEVEL", "0")
        .env("TZ", "Asia/Kathmandu")
        .env("LC_ALL", "C.UTF-8");
    let second = elsewhere.path().join(path_of(run(&mut masked)));
    assert!(std::fs::read(package()).unwrap() == std::fs::read(second).unwrap());
    // Another day is another package.
    other
        .current_dir(elsewhere.path())
        .env("SOURCE_DATE_EPOCH", "1");
    let third = elsewhere.path().join(path_of(run(&mut other)));
    assert!(std::fs::read(package()).unwrap() != std::fs::read(third).unwrap());
}

#[test]
fn the_package_says_what_is_in_it_and_what_it_needs() {
    if installed("dpkg-deb", "dpkg").is_none() {
        return;
    }
    let package = package();
    assert_eq!(field(package, "Package"), "openclaw-sec");
    assert_eq!(field(package, "Version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(field(package, "Depends"), needed());
    let conffiles = run(Command::new("dpkg-deb")
        .arg("--info")
        .arg(package)
        .arg("conffiles"));
    let conffiles = conffiles.succeeded().stdout;
    let contents = contents(package);
    let configuration = contents
        .iter()
        .filter(|path| path.starts_with("/etc/") && !path.ends_with('/'));
    assert_eq!(
        conffiles.lines().collect::<Vec<_>>(),
        configuration.collect::<Vec<_>>()
    );
    for path in [
        "/usr/bin/openclaw-sec",
        "/usr/share/man/man1/openclaw-sec-check.1.gz",
        "/usr/share/bash-completion/completions/openclaw-sec",
        "/usr/share/zsh/vendor-completions/_openclaw-sec",
        "/usr/share/fish/vendor_completions.d/openclaw-sec.fish",
        "/lib/systemd/system/openclaw-sec-check.timer",
        "/usr/share/doc/openclaw-sec/copyright",
        "/usr/share/doc/openclaw-sec/changelog.gz",
        "/usr/share/doc/openclaw-sec/openclaw-sec.cdx.json.gz",
        "/var/lib/prometheus/node-exporter/",
    ] {
        assert!(contents.iter().any(|found| found == path), "no {path}");
    }
}

/// The field `Depends` by the judgement of binutils.
fn needed() -> String {
    let symbols = run_words("objdump", ["-T", PROGRAM]).succeeded().stdout;
    let versions = symbols.split("GLIBC_2.").skip(1).map(|rest| {
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap();
        digits.parse::<u32>().unwrap()
    });
    format!(
        "libc6 (>= 2.{}), libgcc-s1 (>= 4.2)",
        versions.max().unwrap()
    )
}

#[test]
fn a_static_program_needs_nothing_and_what_is_no_program_is_refused() {
    if installed("dpkg-deb", "dpkg").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Debian links this one statically.
    let package = path_of(run(&mut build(
        root(),
        Path::new("/sbin/ldconfig"),
        folder.path(),
    )));
    assert_eq!(field(&package, "Depends"), "");
    for (binary, reason) in [("Cargo.toml", "is no ELF program"), ("none", "is missing")] {
        let ended = run(&mut build(root(), &root().join(binary), folder.path()));
        assert_eq!(ended.code, 2);
        assert!(ended.stderr.contains(reason), "{}", ended.stderr);
    }
}

#[test]
fn lintian_has_nothing_to_say() {
    let Some(lintian) = installed("lintian", "lintian") else {
        return;
    };
    let ended = run(Command::new(lintian)
        .args(["--allow-root", "--fail-on", "error"])
        .arg(package()));
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, ""),
        "{}",
        ended.stderr
    );
}

/// Installs, uses, installs again, removes and purges. The triggers are those of man-db, which looks at
/// every page there is.
const LIFE: &str = r#"
set -u
export DEBIAN_FRONTEND=noninteractive XDG_CONFIG_HOME=/etc
dpkg --no-triggers -i /openclaw-sec.deb >&2 || exit 10
[ -z "$(systemd-analyze verify /lib/systemd/system/openclaw-sec-* 2>&1)" ] && echo "units verified"
systemctl is-enabled openclaw-sec-check.timer openclaw-sec-rotate-due.timer openclaw-sec-audit.service

mkdir -p /etc/openclaw /var/lib/openclaw-sec
cp /env /etc/openclaw/openclaw.env
for unit in check rotate-due; do
    command=$(sed -n 's/^ExecStart=//p' /lib/systemd/system/openclaw-sec-$unit.service)
    sh -c "$command --state-dir /var/lib/openclaw-sec" >/report; echo "$unit $?"
done
[ -s /var/lib/prometheus/node-exporter/openclaw-security.prom ] && echo "metrics"
[ -s /var/lib/openclaw-sec/check.ndjson ] && echo "events"

systemctl enable openclaw-sec-check.timer openclaw-sec-rotate-due.timer openclaw-sec-audit.service 2>&1
echo '# mine' >>/etc/openclaw-sec/config.toml
dpkg --no-triggers -i /openclaw-sec.deb >&2 || exit 11
tail -n 1 /etc/openclaw-sec/config.toml

dpkg --no-triggers -r openclaw-sec >&2 || exit 12
[ -d /var/lib/openclaw-sec ] && [ -f /etc/openclaw-sec/config.toml ] && echo "state and settings stay"
[ -e /var/lib/prometheus/node-exporter/openclaw-security.prom ] || echo "no stale metrics"
dpkg --no-triggers -P openclaw-sec >&2 || exit 13
rm -r /etc/openclaw /env /report /openclaw-sec.deb
"#;

#[test]
fn a_system_on_which_it_was_purged_is_as_before() {
    needs_a_throwaway!();
    if installed("dpkg", "dpkg").is_none() || installed("systemd-analyze", "systemd").is_none() {
        return;
    }
    let machine = Machine::new()
        .copy(package(), "/openclaw-sec.deb", 0o644)
        .put("/env", hardened_env(), 0o600);
    let ended = machine.run(LIFE).succeeded();
    let said = &ended.stdout;
    let expected = [
        "units verified\n",
        "disabled\ndisabled\ndisabled\n",
        "metrics\nevents\n",
        "# mine\n",
        "state and settings stay\nno stale metrics\n",
    ];
    for expected in expected {
        assert!(said.contains(expected), "no {expected}: {}", ended.both());
    }
    // This machine's own firewall is what it is; the program only must have come to a verdict.
    assert!(
        said.contains("check 0\n") || said.contains("check 1\n") || said.contains("check 3\n"),
        "{said}"
    );
    assert!(said.contains("rotate-due 0\n"), "{said}");
    let mut changed = machine.changed();
    // What this machine itself had of it is purged from the copy as well.
    changed
        .retain(|path| !["-/etc/openclaw-sec", "-/var/lib/openclaw-sec"].contains(&path.as_str()));
    assert_eq!(changed, [""; 0]);
}
