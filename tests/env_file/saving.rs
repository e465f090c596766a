//! Saving on real file systems: nothing lost, nothing left behind, refused where it would split.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use openclaw_sec::atomic_file::AtomicFileError;
use openclaw_sec::env_file::{EnvFile, Lock, SaveError, Saved};
use openclaw_sec::secret::Secret;

const PATIENCE: Duration = Duration::from_secs(60);

struct Place {
    folder: tempfile::TempDir,
    state: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = || tempfile::tempdir().expect("a folder");
        Self {
            folder: folder(),
            state: folder(),
        }
    }

    fn with(text: &str) -> (Self, PathBuf) {
        let place = Self::new();
        let path = place.folder.path().join(".env");
        fs::write(&path, text).expect("written");
        (place, path)
    }

    fn lock(&self, path: &Path) -> Result<Lock, SaveError> {
        Lock::acquire(path, &self.state.path().join("locks"), PATIENCE)
    }

    /// What every command does: lock, read, change, save.
    fn set(&self, path: &Path, name: &str, value: &str) -> Result<Saved, SaveError> {
        let lock = self.lock(path)?;
        let file = EnvFile::read(path, PATIENCE).expect("readable");
        file.set(name, &Secret::new(value))
            .expect("clear")
            .save(&lock)
    }

    fn names(&self) -> Vec<String> {
        names_in(self.folder.path())
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("listed");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("listed")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("readable")
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).output();
    status.is_ok_and(|output| output.status.success())
}

#[test]
fn eight_writers_of_one_file_lose_no_update() {
    let (place, path) = Place::with("# start\n");
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (place, path) = (&place, &path);
            scope.spawn(move || {
                for number in 0..50 {
                    let saved = place.set(path, &format!("V{writer}_{number}"), "x");
                    assert_eq!(saved.expect("saved"), Saved::Replaced);
                }
            });
        }
    });
    let file = EnvFile::read(&path, PATIENCE).expect("readable");
    assert_eq!(file.assignments().len(), 400);
    assert_eq!(place.names(), [".env"]);
}

#[test]
fn writers_without_a_common_lock_either_save_or_say_so() {
    let (place, path) = Place::with("");
    let saved: usize = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let path = &path;
                scope.spawn(move || {
                    let own = Place::new();
                    let set = |number: usize| own.set(path, &format!("V{writer}_{number}"), "x");
                    (0..20)
                        .filter(|number| matches!(set(*number), Ok(Saved::Replaced)))
                        .count()
                })
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().expect("no panic"))
            .sum()
    });
    let count = EnvFile::read(&path, PATIENCE)
        .expect("readable")
        .assignments()
        .len();
    println!("{saved} of 160 were saved, {count} are there");
    assert_eq!(count, saved);
    assert_eq!(place.names(), [".env"]);
}

#[test]
fn a_lock_that_is_held_is_waited_for_and_then_named() {
    let (place, path) = Place::with("K=old\n");
    let _held = place.lock(&path).expect("free");
    let locks = place.state.path().join("locks");
    let refused = Lock::acquire(&path, &locks, Duration::from_millis(20));
    assert!(matches!(refused, Err(SaveError::Locked(_))), "{refused:?}");
    assert_eq!(fs::metadata(&locks).expect("there").mode() & 0o777, 0o700);
}

#[test]
fn an_edit_by_someone_else_is_not_overwritten() {
    let (place, path) = Place::with("K=old\n");
    let lock = place.lock(&path).expect("free");
    let edited = EnvFile::read(&path, PATIENCE)
        .expect("readable")
        .set("K", &Secret::new("new"))
        .expect("clear");
    fs::write(&path, "K=OLD\n").expect("written");
    let refused = edited.save(&lock);
    assert!(
        matches!(
            refused,
            Err(SaveError::File(AtomicFileError::ChangedMeanwhile(_)))
        ),
        "{refused:?}"
    );
    assert_eq!(text(&path), "K=OLD\n");
    assert_eq!(place.names(), [".env"]);
}

#[test]
fn a_missing_file_is_created_private_and_one_that_appears_is_kept() {
    let place = Place::new();
    let path = place.folder.path().join(".env");
    let lock = place.lock(&path).expect("free");
    let file = EnvFile::parse("")
        .set("K", &Secret::new("new"))
        .expect("clear");
    assert_eq!(file.save(&lock).expect("saved"), Saved::Created);
    assert_eq!(text(&path), "K=new\n");
    assert_eq!(fs::metadata(&path).expect("there").mode() & 0o7777, 0o600);
    let refused = file.save(&lock);
    assert!(
        matches!(
            refused,
            Err(SaveError::File(AtomicFileError::AlreadyExists(_)))
        ),
        "{refused:?}"
    );
}

#[test]
fn the_same_value_writes_nothing() {
    let (place, path) = Place::with("K=old\n");
    let before = fs::metadata(&path).expect("there").ino();
    assert_eq!(
        place.set(&path, "K", "old").expect("saved"),
        Saved::Unchanged
    );
    assert_eq!(fs::metadata(&path).expect("there").ino(), before);
}

#[test]
fn owner_mode_attribute_acl_and_link_are_kept() {
    let (place, path) = Place::with("K=old\n");
    let link = place.folder.path().join("link.env");
    symlink(".env", &link).expect("linked");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("mode");
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        chown(&path, Some(1234), Some(2345)).expect("owner");
    }
    // An ACL that lets user 1000 read: version 2, then tag, permission, id per entry.
    let entries: [(u16, u16, u32); 5] = [
        (1, 6, u32::MAX),
        (2, 4, 1000),
        (4, 4, u32::MAX),
        (0x10, 4, u32::MAX),
        (0x20, 0, u32::MAX),
    ];
    let mut acl = 2_u32.to_le_bytes().to_vec();
    for (tag, permission, id) in entries {
        acl.extend([tag.to_le_bytes(), permission.to_le_bytes()].concat());
        acl.extend(id.to_le_bytes());
    }
    let attributes = [
        ("user.note", b"kept".to_vec()),
        ("system.posix_acl_access", acl),
    ];
    let set: Vec<_> = attributes
        .iter()
        .filter(|(name, value)| xattr::set(&path, name, value).is_ok())
        .collect();
    println!("attributes that this file system takes: {}", set.len());
    let before = fs::metadata(&path).expect("there");
    assert_eq!(
        place.set(&link, "K", "new").expect("saved"),
        Saved::Replaced
    );
    let after = fs::metadata(&path).expect("there");
    assert_eq!(text(&path), "K=new\n");
    assert_eq!(
        (after.uid(), after.gid(), after.mode()),
        (before.uid(), before.gid(), before.mode())
    );
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    for (name, value) in set {
        assert_eq!(
            xattr::get(&path, name).expect("readable").as_ref(),
            Some(value),
            "{name}"
        );
    }
}

#[test]
fn hard_links_are_never_split() {
    let (place, path) = Place::with("K=old\n");
    fs::hard_link(&path, place.folder.path().join("twin.env")).expect("linked");
    let refused = place.set(&path, "K", "new");
    assert!(
        matches!(
            refused,
            Err(SaveError::File(AtomicFileError::HardLinked { .. }))
        ),
        "{refused:?}"
    );
    assert_eq!(text(&path), "K=old\n");
    assert_eq!(place.names(), [".env", "twin.env"]);
}

#[test]
fn what_a_killed_run_left_is_gone_after_the_next() {
    let (place, path) = Place::with("K=old\n");
    fs::write(place.folder.path().join(".env.openclaw-sec.tmp"), "K=half").expect("written");
    assert_eq!(
        place.set(&path, "K", "new").expect("saved"),
        Saved::Replaced
    );
    assert_eq!(place.names(), [".env"]);
}

/// Mounts for the time of a test; `None` without the right to.
struct Mount(PathBuf);

impl Mount {
    fn tmpfs(folder: &Path, size: &str) -> Option<Self> {
        let target = folder.to_str()?;
        runs("mount", &["-t", "tmpfs", "-o", size, "tmpfs", target])
            .then(|| Self(folder.to_owned()))
    }

    fn bind(source: &Path, target: &Path) -> Option<Self> {
        runs("mount", &["--bind", source.to_str()?, target.to_str()?])
            .then(|| Self(target.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        runs("umount", &["-l", self.0.to_str().unwrap_or_default()]);
    }
}

#[test]
fn a_full_disk_keeps_the_old_file_and_nothing_beside_it() {
    let place = Place::new();
    let folder = place.folder.path().join("full");
    fs::create_dir(&folder).expect("created");
    let Some(_mount) = Mount::tmpfs(&folder, "size=32k") else {
        println!("skipped: mounting needs root");
        return;
    };
    let path = folder.join(".env");
    let old = format!("K=old\n{}", "# note\n".repeat(2_500));
    fs::write(&path, &old).expect("written");
    let refused = place.set(&path, "K", "new");
    assert!(
        matches!(refused, Err(SaveError::File(AtomicFileError::Io { .. }))),
        "{refused:?}"
    );
    assert_eq!(text(&path), old);
    assert_eq!(names_in(&folder), [".env"]);
    assert!(runs(
        "mount",
        &["-o", "remount,ro", folder.to_str().expect("text")]
    ));
    let refused = place.set(&path, "K", "new");
    assert!(
        matches!(refused, Err(SaveError::File(AtomicFileError::Io { .. }))),
        "{refused:?}"
    );
    assert_eq!(text(&path), old);
}

#[test]
fn a_file_that_is_mounted_alone_is_refused_with_advice() {
    let (place, path) = Place::with("");
    let source = place.state.path().join("source.env");
    fs::write(&source, "K=old\n").expect("written");
    let Some(_mount) = Mount::bind(&source, &path) else {
        println!("skipped: mounting needs root");
        return;
    };
    let refused = place.set(&path, "K", "new");
    assert!(
        matches!(
            refused,
            Err(SaveError::File(AtomicFileError::MountedAlone(_)))
        ),
        "{refused:?}"
    );
    assert_eq!(text(&path), "K=old\n");
    assert_eq!(place.names(), [".env"]);
}
