//! Every kind of thing that `--env` may name: read within the deadline, or refused by its kind.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use openclaw_sec::env_file::{EnvFile, EnvFileError, LARGEST_BYTES};
use rustix::fs::{CWD, FileType, Mode};

const DEADLINE: Duration = Duration::from_secs(5);

fn make_pipe(path: &Path) {
    rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
}

#[test]
fn a_link_is_read_and_its_target_is_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, link) = (folder.path().join("real.env"), folder.path().join(".env"));
    fs::write(&path, "K=v\n").expect("written");
    symlink("real.env", &link).expect("linked");
    let file = EnvFile::read(&link, DEADLINE).expect("read");
    let origin = file.origin().expect("read from a path");
    assert_eq!(file.bytes(), b"K=v\n");
    assert_eq!(origin.path, link);
    assert_eq!(origin.target, path.canonicalize().expect("there"));
    assert!(origin.is_regular);
}

#[test]
fn what_holds_no_file_is_refused_by_its_kind_and_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    make_pipe(&at("pipe"));
    symlink("loop", at("loop")).expect("linked");
    symlink("nowhere", at("broken")).expect("linked");
    let _listener = UnixListener::bind(at("socket")).expect("bound");
    let large = fs::File::create(at("large")).expect("created");
    large.set_len(LARGEST_BYTES as u64 + 1).expect("sparse");
    let read = |path: &Path| EnvFile::read(path, DEADLINE).expect_err("refused");
    type Kind = fn(&EnvFileError) -> bool;
    let table: [(&Path, Kind); 9] = [
        (&at("missing"), |error| {
            matches!(error, EnvFileError::Missing(_))
        }),
        (&at("broken"), |error| {
            matches!(error, EnvFileError::Missing(_))
        }),
        (folder.path(), |error| {
            matches!(error, EnvFileError::Directory(_))
        }),
        (Path::new("/dev/null"), |error| {
            matches!(error, EnvFileError::NotAFile { .. })
        }),
        (Path::new("/dev/zero"), |error| {
            matches!(error, EnvFileError::NotAFile { .. })
        }),
        (&at("socket"), |error| {
            matches!(error, EnvFileError::NotAFile { .. })
        }),
        (&at("pipe"), |error| {
            matches!(error, EnvFileError::NoWriter(_))
        }),
        (&at("loop"), |error| {
            matches!(error, EnvFileError::LinkLoop(_))
        }),
        (&at("large"), |error| {
            matches!(error, EnvFileError::TooLarge(_))
        }),
    ];
    for (path, is_expected) in table {
        let error = read(path);
        assert!(is_expected(&error), "{}: {error:?}", path.display());
        assert!(
            error.to_string().contains(&path.display().to_string()),
            "{error}"
        );
    }
}

#[test]
fn a_file_without_read_permission_is_unreadable() {
    if rustix::process::geteuid().is_root() {
        println!("skipped: root may read everything");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(".env");
    fs::write(&path, "K=v").expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("mode");
    let error = EnvFile::read(&path, DEADLINE).expect_err("refused");
    assert!(matches!(error, EnvFileError::Unreadable(_)), "{error:?}");
}

#[test]
fn a_pipe_is_read_to_its_end_also_when_the_writer_is_slow_or_long() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pipe");
    make_pipe(&path);
    let text = "K=v\n".repeat(100_000);
    let writer = std::thread::spawn({
        let (path, text) = (path.clone(), text.clone());
        move || fs::write(path, text)
    });
    let file = EnvFile::read(&path, DEADLINE).expect("read");
    writer.join().expect("no panic").expect("written");
    assert_eq!(file.bytes(), text.as_bytes());
    assert!(!file.origin().expect("has a path").is_regular);
}

#[test]
fn a_writer_that_never_finishes_is_given_up_at_the_deadline() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pipe");
    make_pipe(&path);
    let silent = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .expect("opened");
    let error = EnvFile::read(&path, Duration::from_millis(300)).expect_err("refused");
    assert!(matches!(error, EnvFileError::TimedOut { .. }), "{error:?}");
    drop(silent);
}

#[test]
fn an_open_descriptor_is_read_like_standard_input() {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    std::thread::spawn(move || std::io::Write::write_all(&mut writer, b"K=v\n"));
    let file = EnvFile::read_descriptor(&reader, Path::new("-"), DEADLINE).expect("read");
    assert_eq!(file.bytes(), b"K=v\n");
    assert!(file.origin().is_none());
}

#[test]
fn a_process_substitution_is_read() {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    std::io::Write::write_all(&mut writer, b"K=v\n").expect("written");
    drop(writer);
    let number = std::os::fd::AsRawFd::as_raw_fd(&reader);
    let file = EnvFile::read(Path::new(&format!("/dev/fd/{number}")), DEADLINE).expect("read");
    assert_eq!(file.bytes(), b"K=v\n");
}

#[test]
fn reading_takes_linear_time_whatever_the_file_holds() {
    const PIECES: &[&str] = &[
        "K=value # comment\n",
        "K=\"a\n",
        "K='\\' \\'",
        "\n",
        "K",
        "K\n",
        "K=\n",
        "\"",
        "K=\"\\\"",
        "K=' ",
        "K:\n",
        " ",
        "K=\"a\" b\n",
        "#",
        "K=\u{2028}",
        "export ",
    ];
    for piece in PIECES {
        let bytes = piece.repeat(1_000_000 / piece.len());
        let started = Instant::now();
        let assignments = EnvFile::parse(bytes).assignments().len();
        let took = started.elapsed();
        println!("{piece:?}: {took:?} for {assignments} assignments");
        // Ten times what a slow, loaded machine needs; quadratic time would be hours.
        assert!(took < Duration::from_secs(10), "{piece:?}: {took:?}");
    }
}
