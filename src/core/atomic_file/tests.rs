//! Tests on real files in temporary folders.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| {
            entry
                .expect("listed")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

#[test]
fn a_new_file_has_its_mode_whatever_the_umask_and_nothing_is_left_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    create_new(&path, b"secret", 0o600).expect("created");
    assert_eq!(fs::read(&path).expect("read"), b"secret");
    assert_eq!(
        fs::metadata(&path).expect("there").permissions().mode() & 0o7777,
        0o600
    );
    assert_eq!(names_in(folder.path()), ["key"]);
}

#[test]
fn whatever_has_the_name_is_never_overwritten_by_a_new_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    symlink("nowhere", &path).expect("linked");
    let refused = create_new(&path, b"secret", 0o600);
    assert!(
        matches!(refused, Err(AtomicFileError::AlreadyExists(_))),
        "{refused:?}"
    );
    assert_eq!(names_in(folder.path()), ["key"]);
}

#[test]
fn a_replaced_file_keeps_mode_attributes_and_the_link_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&path, "old").expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("mode");
    let has_attributes = xattr::set(&path, "user.note", b"kept").is_ok();
    symlink("file", &link).expect("linked");
    replace(&link, b"new", Expected::Content(b"old")).expect("replaced");
    assert_eq!(fs::read(&path).expect("read"), b"new");
    assert_eq!(fs::metadata(&path).expect("there").mode() & 0o7777, 0o640);
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    if has_attributes {
        assert_eq!(
            xattr::get(&path, "user.note").expect("read"),
            Some(b"kept".to_vec())
        );
    }
    assert_eq!(names_in(folder.path()).len(), 2);
}

#[test]
fn a_file_that_changed_meanwhile_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    fs::write(&path, "theirs").expect("written");
    for expected in ["old", "their", "theirs!", ""] {
        let refused = replace(&path, b"new", Expected::Content(expected.as_bytes()));
        assert!(
            matches!(refused, Err(AtomicFileError::ChangedMeanwhile(_))),
            "{refused:?}"
        );
    }
    assert_eq!(fs::read(&path).expect("read"), b"theirs");
    assert_eq!(names_in(folder.path()), ["file"]);
}

#[test]
fn hard_links_and_folders_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    fs::write(&path, "old").expect("written");
    fs::hard_link(&path, folder.path().join("twin")).expect("linked");
    let refused = replace(&path, b"new", Expected::Anything);
    assert!(
        matches!(refused, Err(AtomicFileError::HardLinked { links: 2, .. })),
        "{refused:?}"
    );
    let refused = replace(folder.path(), b"new", Expected::Anything);
    assert!(
        matches!(refused, Err(AtomicFileError::NotRegular(_))),
        "{refused:?}"
    );
}

#[test]
fn what_a_killed_writer_left_is_removed_and_does_not_stop_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(".env");
    let leftover = folder.path().join(".env.openclaw-sec.tmp");
    fs::write(&leftover, "secret").expect("written");
    assert!(remove_leftover(&path).expect("removed"));
    assert!(!remove_leftover(&path).expect("nothing there"));
    fs::write(&leftover, "secret").expect("written");
    create_new(&path, b"A=1", 0o600).expect("created");
    assert_eq!(names_in(folder.path()), [".env"]);
}

#[test]
fn a_living_writer_is_no_leftover() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    let staging = Staging::create(&path, Mode::RUSR | Mode::WUSR).expect("staged");
    assert!(!remove_leftover(&path).expect("looked"));
    drop(staging);
    assert_eq!(names_in(folder.path()), [""; 0]);
}

#[test]
fn a_report_goes_to_files_links_and_devices() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, link) = (
        folder.path().join("report.json"),
        folder.path().join("link.json"),
    );
    symlink("report.json", &link).expect("linked");
    for text in ["first", "second"] {
        write_output(&link, text.as_bytes(), None).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), text);
    }
    write_output(Path::new("/dev/null"), b"report", None).expect("written");
    let refused = write_output(Path::new("/dev/full"), b"report", None);
    assert!(
        matches!(refused, Err(AtomicFileError::Io { .. })),
        "{refused:?}"
    );
    assert!(write_output(folder.path(), b"report", None).is_err());
    assert!(
        Path::new("/dev/null")
            .metadata()
            .expect("there")
            .file_type()
            != fs::metadata(&path).expect("there").file_type()
    );
}

#[test]
fn a_mode_that_is_asked_for_holds_for_new_and_for_old_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("metrics.prom");
    for before in [None, Some(0o600), Some(0o666)] {
        if let Some(mode) = before {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        }
        write_output(&path, b"metrics", Some(0o644)).expect("written");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o644, "{before:?}");
    }
}

#[test]
fn what_is_appended_stands_behind_what_was_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("summary.md");
    for text in ["first\n", "second\n"] {
        append(&path, text.as_bytes()).expect("appended");
    }
    assert_eq!(fs::read_to_string(&path).expect("read"), "first\nsecond\n");
    assert!(append(Path::new("/dev/full"), b"x").is_err());
    assert!(append(folder.path(), b"x").is_err());
}

#[test]
fn a_pipe_without_reader_is_refused_and_one_with_a_reader_gets_the_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("made");
    let refused = write_output(&pipe, b"report", None);
    assert!(
        matches!(refused, Err(AtomicFileError::NoReader(_))),
        "{refused:?}"
    );
    let reader = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&pipe)
        .expect("opened");
    write_output(&pipe, b"report", None).expect("written");
    let mut read = [0; 6];
    (&reader).read_exact(&mut read).expect("read");
    assert_eq!(&read, b"report");
}

#[test]
fn every_name_gets_a_staged_name_that_is_hidden_and_fits() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("n".repeat(255));
    create_new(&path, b"x", 0o600).expect("created");
    replace(&path, b"y", Expected::Content(b"x")).expect("replaced");
    assert_eq!(names_in(folder.path()).len(), 1);
}
