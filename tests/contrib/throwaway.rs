//! A throw-away copy of this system, to install into and to boot; nothing of it stays.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Ended, root, run, run_words, stripped_program};

/// The copy before it exists: what shall lie in it.
pub struct Machine {
    folder: tempfile::TempDir,
}

/// Why there can be no such copy here, if so.
pub fn missing() -> Option<&'static str> {
    if !rustix::process::geteuid().is_root() {
        return Some("a copy of the system needs root");
    }
    let probe = "mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w /mnt/m && mount -t overlay o \
                 -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/m";
    let ended = run_words("unshare", ["-m", "sh", "-c", probe]);
    (ended.code != 0).then_some("no overlay can be mounted here")
}

/// Ends the test, saying why, where there can be no copy of the system.
macro_rules! needs_a_throwaway {
    () => {
        if let Some(reason) = $crate::throwaway::missing() {
            eprintln!("skipped: {reason}");
            return;
        }
    };
}

impl Machine {
    /// A copy of this system without anything of ours.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("oc").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("put")).unwrap();
        Self { folder }
    }

    /// With the program at `/usr/bin/openclaw-sec`.
    pub fn with_program() -> Self {
        Self::new().copy(stripped_program(), "/usr/bin/openclaw-sec", 0o755)
    }

    /// Lays a text at an absolute path.
    pub fn put(self, path: &str, text: impl AsRef<[u8]>, mode: u32) -> Self {
        let target = self.place(path);
        std::fs::write(&target, text).unwrap();
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// Lays a file at an absolute path.
    pub fn copy(self, file: &Path, path: &str, mode: u32) -> Self {
        let target = self.place(path);
        std::fs::copy(file, &target).unwrap();
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// Lays a file or folder of the repository below an absolute path.
    pub fn checkout(self, name: &str, path: &str) -> Self {
        let target = self.place(&format!("{path}/{name}"));
        run(Command::new("cp")
            .arg("-r")
            .arg(root().join(name))
            .arg(target))
        .succeeded();
        self
    }

    fn place(&self, path: &str) -> PathBuf {
        let target = self
            .folder
            .path()
            .join("put")
            .join(path.trim_start_matches('/'));
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        target
    }

    /// Runs a script as root of the copy.
    pub fn run(&self, script: &str) -> Ended {
        self.start("chroot", script)
    }

    /// Boots the copy with systemd as its first process and runs a script there; `None`, and a word
    /// why, where that cannot be.
    pub fn boot(&self, script: &str) -> Option<Ended> {
        let ended = self.start("boot", script);
        if ended.code == 77 {
            eprintln!("skipped: {}", ended.stderr);
            return None;
        }
        Some(ended)
    }

    /// What the last script left new, with a `+`, or took away, with a `-`; logs, caches and the
    /// package manager's own books do not count.
    pub fn changed(&self) -> Vec<String> {
        let list = std::fs::read_to_string(self.folder.path().join("changed")).unwrap();
        let uncounted = [
            "var/lib/dpkg",
            "var/log",
            "var/cache",
            "script",
            "run",
            "dev",
            "proc",
        ];
        list.lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(_, path)| {
                !uncounted
                    .iter()
                    .any(|folder| Path::new(path).starts_with(folder))
            })
            .filter_map(|(kind, path)| match kind {
                // How an overlay marks what is gone.
                "c" => Some(format!("-/{path}")),
                _ if Path::new("/").join(path).symlink_metadata().is_err() => {
                    Some(format!("+/{path}"))
                }
                _ => None,
            })
            .collect()
    }

    fn start(&self, mode: &str, script: &str) -> Ended {
        std::fs::write(self.folder.path().join("script"), script).unwrap();
        run(Command::new("unshare")
            .args([
                "--mount",
                "--pid",
                "--fork",
                "--net",
                "--ipc",
                "--propagation",
                "private",
                "sh",
            ])
            .arg(root().join("tests/contrib/throwaway.sh"))
            .arg(mode)
            .arg(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"))
    }
}
