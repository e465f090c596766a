//! Sealing and verifying, also with nothing but `sha256sum` and `ssh-keygen`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{append, numbered, run, stderr, stdout};

fn seal(folder: &Path) -> (Option<i32>, String) {
    let output = run(folder, &["seal", "audit.log"]);
    (output.status.code(), stdout(&output) + &stderr(&output))
}

fn verify(folder: &Path) -> (Option<i32>, Value) {
    let output = run(folder, &["verify", "audit.log", "--format", "json"]);
    (
        output.status.code(),
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
    )
}

fn sealed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    append(&folder.path().join("audit.log"), &numbered(0..20));
    assert_eq!(seal(folder.path()).0, Some(0));
    append(&folder.path().join("audit.log"), &numbered(20..30));
    assert_eq!(seal(folder.path()).0, Some(0));
    append(&folder.path().join("audit.log"), &numbered(30..33));
    append(&folder.path().join("audit.log"), "half a line");
    folder
}

#[test]
fn an_unchanged_log_is_intact_and_says_what_is_not_sealed() {
    let folder = sealed();
    let (code, verdict) = verify(folder.path());
    assert_eq!(code, Some(0), "{verdict}");
    assert_eq!(
        (
            &verdict["status"],
            &verdict["unsealed_lines"],
            &verdict["sealed_lines"]
        ),
        (&"intact".into(), &3.into(), &30.into())
    );
    let (_, first) = seal(folder.path());
    let before = fs::read(folder.path().join("audit.log.seal")).unwrap();
    let (_, second) = seal(folder.path());
    assert_eq!(
        fs::read(folder.path().join("audit.log.seal")).unwrap(),
        before
    );
    assert_eq!(first.lines().next(), second.lines().next());
    assert!(first.starts_with("checkpoint 3 "));
}

#[test]
fn the_first_changed_line_is_named() {
    let cases: [(&str, fn(&mut Vec<String>), &str, u64); 5] = [
        (
            "altered",
            |lines| lines[4] = lines[4].replace("line", "lies"),
            "altered",
            5,
        ),
        ("removed", |lines| drop(lines.remove(24)), "removed", 25),
        (
            "inserted",
            |lines| lines.insert(6, "new\n".into()),
            "inserted",
            7,
        ),
        ("cut", |lines| lines.truncate(10), "truncated", 11),
        ("swapped", |lines| lines.swap(2, 3), "removed", 3),
    ];
    for (what, change, status, line) in cases {
        let folder = sealed();
        let log = folder.path().join("audit.log");
        let mut lines: Vec<String> = fs::read_to_string(&log)
            .unwrap()
            .split_inclusive('\n')
            .map(str::to_owned)
            .collect();
        change(&mut lines);
        fs::write(&log, lines.concat()).unwrap();
        let (code, verdict) = verify(folder.path());
        assert_eq!(code, Some(1), "{what}: {verdict}");
        if what != "swapped" {
            assert_eq!(verdict["status"], status, "{what}: {verdict}");
        }
        assert_eq!(verdict["line"], line, "{what}: {verdict}");
        assert_eq!(
            seal(folder.path()).0,
            Some(1),
            "{what}: sealing over a change"
        );
    }
}

#[test]
fn a_seal_that_is_rolled_back_forged_or_gone_is_found() {
    let folder = sealed();
    let path = folder.path().join("audit.log.seal");
    let whole = fs::read_to_string(&path).unwrap();
    let first_end = whole.find("\n\n").unwrap() + 1;
    for text in [
        whole[..first_end].to_owned(),
        String::new(),
        whole.replacen("lines 20", "lines 21", 1),
    ] {
        fs::write(&path, &text).unwrap();
        let (code, verdict) = verify(folder.path());
        assert_eq!(
            (code, &verdict["status"]),
            (Some(1), &"forged".into()),
            "{verdict}"
        );
        assert_eq!(seal(folder.path()).0, Some(1));
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(verify(folder.path()).0, Some(1));
    fs::write(&path, &whole).unwrap();
    assert_eq!(verify(folder.path()).0, Some(0));
    // A run that was killed while it wrote leaves half a checkpoint.
    fs::write(
        &path,
        format!("{whole}\nopenclaw-sec seal 1\ncheckpoint 3\npa"),
    )
    .unwrap();
    assert_eq!(verify(folder.path()).0, Some(0));
    let (code, text) = seal(folder.path());
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(verify(folder.path()).0, Some(0));
    fs::remove_file(folder.path().join("audit.log")).unwrap();
    assert_eq!(verify(folder.path()).1["status"], "missing");
}

#[test]
fn rotation_is_no_alarm() {
    let folder = sealed();
    let at = |name: &str| folder.path().join(name);
    append(&at("audit.log"), "\n");
    fs::rename(at("audit.log"), at("audit.log.1")).unwrap();
    append(&at("audit.log"), &numbered(40..45));
    assert_eq!(verify(folder.path()).0, Some(0));
    let (code, text) = seal(folder.path());
    assert_eq!(code, Some(0), "{text}");
    let (code, verdict) = verify(folder.path());
    assert_eq!(
        (code, &verdict["unsealed_lines"], &verdict["sealed_lines"]),
        (Some(0), &0.into(), &39.into()),
        "{verdict}"
    );
    assert!(
        Command::new("gzip")
            .arg(at("audit.log.1"))
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(verify(folder.path()).0, Some(0));
    fs::rename(at("audit.log"), at("audit.log.0")).unwrap();
    append(&at("audit.log"), &numbered(50..55));
    assert_eq!(seal(folder.path()).0, Some(0));
    // The oldest part expires; a newer one may not.
    fs::remove_file(at("audit.log.1.gz")).unwrap();
    let (code, verdict) = verify(folder.path());
    assert_eq!(code, Some(0), "{verdict}");
    fs::remove_file(at("audit.log.0")).unwrap();
    assert_eq!(verify(folder.path()).1["status"], "missing");
}

#[test]
fn a_refusal_says_how_a_new_seal_begins() {
    let folder = sealed();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("audit.log"), "somebody else's\n").unwrap();
    let (code, text) = seal(folder.path());
    assert_eq!(code, Some(1), "{text}");
    let advice = text.split(" is moved away and ").nth(1).unwrap_or_default();
    let head = advice.split(" is removed").next().unwrap_or_default();
    assert!(text.contains("audit.log.seal is moved away"), "{text}");
    fs::rename(at("audit.log.seal"), at("evidence")).unwrap();
    fs::remove_file(folder.path().join(head)).unwrap();
    assert_eq!(seal(folder.path()).0, Some(0));
    assert_eq!(verify(folder.path()).0, Some(0));
}

#[test]
fn one_rotated_file_is_enough_for_the_older_ones_to_expire() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for round in 0..4 {
        append(&at("audit.log"), &numbered(10 * round..10 * round + 10));
        let (code, text) = seal(folder.path());
        assert_eq!(code, Some(0), "round {round}: {text}");
        fs::rename(at("audit.log"), at("audit.log.1")).unwrap();
        append(&at("audit.log"), "the next one\n");
        let (code, verdict) = verify(folder.path());
        assert_eq!(code, Some(0), "round {round}: {verdict}");
    }
    // Where the newest part lies in the log itself, nothing shows that the older one was rotated away.
    fs::remove_file(at("audit.log.1")).unwrap();
    assert_eq!(verify(folder.path()).1["status"], "missing");
}

#[test]
fn a_damaged_file_that_may_hold_a_missing_part_is_named() {
    let folder = rotated();
    let at = |name: &str| folder.path().join(name);
    let gzip = Command::new("gzip").arg(at("audit.log.2")).status();
    assert!(gzip.unwrap().success());
    let bytes = fs::read(at("audit.log.2.gz")).unwrap();
    fs::write(at("audit.log.2.gz"), &bytes[..bytes.len() - 20]).unwrap();
    let (code, verdict) = verify(folder.path());
    assert_eq!((code, &verdict["status"]), (Some(1), &"missing".into()));
    let message = verdict["message"].as_str().unwrap_or_default();
    assert!(message.contains("audit.log.2.gz"), "{verdict}");
}

#[test]
fn lines_behind_the_end_of_a_sealed_part_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    append(&at("audit.log"), &numbered(0..5));
    assert_eq!(seal(folder.path()).0, Some(0));
    fs::rename(at("audit.log"), at("audit.log.1")).unwrap();
    append(&at("audit.log"), &numbered(5..9));
    assert_eq!(seal(folder.path()).0, Some(0));
    append(&at("audit.log.1"), "somebody was late\n");
    let (code, verdict) = verify(folder.path());
    assert_eq!((code, &verdict["unsealed_lines"]), (Some(0), &1.into()));
    let message = verdict["message"].as_str().unwrap_or_default();
    assert!(message.contains("1 of them behind the end"), "{verdict}");
}

/// Renames the log and its two rotated files, whichever there are.
fn rotate(folder: &Path) {
    for (old, new) in [(".2", ".3"), (".1", ".2"), ("", ".1")] {
        let at = |ending| folder.join(format!("audit.log{ending}"));
        let _ = fs::rename(at(old), at(new));
    }
}

/// Four parts, the oldest in `audit.log.3.gz`.
fn rotated() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for part in 0..4 {
        rotate(folder.path());
        append(&at("audit.log"), &numbered(100 * part..100 * part + 20));
        assert_eq!(seal(folder.path()).0, Some(0));
    }
    let gzip = Command::new("gzip").arg(at("audit.log.3")).status();
    assert!(gzip.unwrap().success());
    folder
}

#[test]
fn a_part_has_expired_though_its_lines_are_logged_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let frames: String = (0..20)
        .map(|frame| format!("    at frame {frame}\n"))
        .collect();
    for part in 0..4 {
        rotate(folder.path());
        append(&at("audit.log"), &numbered(100 * part..100 * part + 5));
        append(&at("audit.log"), &frames);
        assert_eq!(seal(folder.path()).0, Some(0));
    }
    // The oldest is gone, and a rotated file and the log hold the same frames, not sealed yet.
    fs::remove_file(at("audit.log.3")).unwrap();
    for number in (0..3).rev() {
        let from = match number {
            0 => at("audit.log"),
            _ => at(&format!("audit.log.{number}")),
        };
        fs::rename(from, at(&format!("audit.log.{}", number + 2))).unwrap();
    }
    for (name, start) in [("audit.log.1", 500), ("audit.log", 600)] {
        append(&at(name), &(numbered(start..start + 5) + &frames));
    }
    let (code, verdict) = verify(folder.path());
    assert_eq!(code, Some(0), "{verdict}");
    assert_eq!(seal(folder.path()).0, Some(0));
}

#[test]
fn the_oldest_part_is_changed_and_not_expired_while_a_file_holds_lines_of_it() {
    use std::io::Read as _;
    let plain = |path: &Path| {
        let mut text = String::new();
        let file = fs::File::open(path).unwrap();
        flate2::read::GzDecoder::new(file)
            .read_to_string(&mut text)
            .unwrap();
        text
    };
    let cases: [(&str, fn(&mut Vec<u8>, &mut Vec<String>), &str, Option<u64>); 6] = [
        ("nothing", |_, _| {}, "intact", None),
        (
            "altered",
            |_, lines| lines[0] = lines[0].replace("line", "lies"),
            "altered",
            Some(1),
        ),
        (
            "removed",
            |_, lines| drop(lines.remove(7)),
            "removed",
            Some(8),
        ),
        ("cut", |_, lines| lines.truncate(3), "truncated", Some(4)),
        (
            "a byte of its compressed form",
            |bytes, _| bytes[30] ^= 0xff,
            "altered",
            None,
        ),
        (
            "cut when compressed",
            |bytes, _| bytes.truncate(40),
            "altered",
            None,
        ),
    ];
    for (what, change, status, line) in cases {
        let folder = rotated();
        let path = folder.path().join("audit.log.3.gz");
        let text = plain(&path);
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes, &mut lines);
        fs::write(&path, bytes).unwrap();
        if lines.concat() != text {
            fs::remove_file(&path).unwrap();
            fs::write(folder.path().join("audit.log.3"), lines.concat()).unwrap();
        }
        let (code, verdict) = verify(folder.path());
        assert_eq!(verdict["status"], status, "{what}: {verdict}");
        assert_eq!(verdict["line"].as_u64(), line, "{what}: {verdict}");
        let expected = i32::from(status != "intact");
        assert_eq!(code, Some(expected), "{what}");
        assert_eq!(seal(folder.path()).0, Some(expected), "{what}");
    }
    let folder = rotated();
    fs::remove_file(folder.path().join("audit.log.3.gz")).unwrap();
    // A file from before the log was sealed, with a line in common, is no part of it.
    append(
        &folder.path().join("audit.log.4"),
        &(numbered(0..1) + &numbered(900..950)),
    );
    let (code, verdict) = verify(folder.path());
    assert_eq!(code, Some(0), "{verdict}");
    let message = verdict["message"].as_str().unwrap();
    assert!(message.ends_with("1 older part has expired"), "{message}");
}

#[test]
fn a_change_of_a_rotated_file_is_named_though_older_parts_have_expired() {
    let cases: [(&str, fn(&mut Vec<String>), &str, u64); 5] = [
        (
            "altered",
            |lines| lines[6] = lines[6].replace("line", "lies"),
            "altered",
            7,
        ),
        ("removed", |lines| drop(lines.remove(6)), "removed", 7),
        ("cut", |lines| lines.truncate(19), "truncated", 20),
        (
            "its first line altered",
            |lines| lines[0] = lines[0].replace("line", "lies"),
            "altered",
            1,
        ),
        (
            "its first line removed",
            |lines| drop(lines.remove(0)),
            "removed",
            1,
        ),
    ];
    for (what, change, status, line) in cases {
        // The newest rotated file and the one before, with more and more older parts expired.
        for (name, gone) in [
            ("audit.log.1", &[][..]),
            ("audit.log.1", &["audit.log.3.gz"]),
            ("audit.log.1", &["audit.log.3.gz", "audit.log.2"]),
            ("audit.log.2", &["audit.log.3.gz"]),
        ] {
            let folder = rotated();
            for gone in gone {
                fs::remove_file(folder.path().join(gone)).unwrap();
            }
            assert_eq!(verify(folder.path()).0, Some(0), "{what} {name} {gone:?}");
            let path = folder.path().join(name);
            let text = fs::read_to_string(&path).unwrap();
            let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
            change(&mut lines);
            fs::write(&path, lines.concat()).unwrap();
            let (code, verdict) = verify(folder.path());
            let said = (&verdict["status"], &verdict["line"], code);
            let expected = (&status.into(), &line.into(), Some(1));
            assert_eq!(said, expected, "{what} {name} {gone:?}: {verdict}");
            assert_eq!(verdict["file"], name, "{what} {gone:?}");
        }
    }
    // A part between others that is gone comes before a later change.
    let folder = rotated();
    fs::remove_file(folder.path().join("audit.log.2")).unwrap();
    let path = folder.path().join("audit.log.1");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("line", "lies", 1)).unwrap();
    assert_eq!(verify(folder.path()).1["status"], "missing");
}

#[test]
fn a_log_without_a_complete_line_and_a_folder_are_told_from_a_log_without_a_seal() {
    let folder = tempfile::tempdir().unwrap();
    append(&folder.path().join("audit.log"), "half a line");
    assert_eq!(seal(folder.path()).0, Some(0));
    let output = run(folder.path(), &["verify", "audit.log"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("the seal is empty"), "{output:?}");
    for name in [".", "..", "/"] {
        let output = run(folder.path(), &["verify", name]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(stderr(&output).contains("is no regular file"), "{output:?}");
    }
}

#[test]
fn a_seal_that_grows_meanwhile_is_never_taken_for_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    append(&at("audit.log"), &numbered(0..20));
    assert_eq!(seal(folder.path()).0, Some(0));
    let first = fs::read(at("audit.log.seal")).unwrap();
    append(&at("audit.log"), &numbered(20..40));
    assert_eq!(seal(folder.path()).0, Some(0));
    let second = fs::read(at("audit.log.seal")).unwrap();
    let mut heads = fs::read_dir(at("state/seal/heads")).unwrap();
    let head_path = heads.next().unwrap().unwrap().path();
    let head = fs::read(&head_path).unwrap();
    // Who reads the head waits here, while the seal grows.
    fs::write(at("audit.log.seal"), first).unwrap();
    fs::remove_file(&head_path).unwrap();
    let made = Command::new("mkfifo").arg(&head_path).status();
    assert!(made.unwrap().success());
    let child = crate::support::program(folder.path())
        .args(["verify", "audit.log"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = fs::OpenOptions::new().write(true).open(&head_path).unwrap();
    fs::write(at("audit.log.seal"), second).unwrap();
    std::io::Write::write_all(&mut pipe, &head).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn half_a_key_pair_is_a_mistake_and_no_forgery() {
    let folder = sealed();
    let at = |name: &str| folder.path().join("state/seal").join(name);
    let other = sealed();
    let (private, public) = (at("ed25519"), at("ed25519.pub"));
    let kept = fs::read(&private).unwrap();
    fs::remove_file(&private).unwrap();
    let (code, text) = seal(folder.path());
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("put it back"), "{text}");
    assert!(!private.exists());
    assert_eq!(verify(folder.path()).0, Some(0));
    fs::copy(other.path().join("state/seal/ed25519"), &private).unwrap();
    let (code, text) = seal(folder.path());
    assert_eq!(code, Some(2), "{text}");
    fs::write(&private, kept).unwrap();
    fs::remove_file(&public).unwrap();
    assert_eq!(seal(folder.path()).0, Some(0));
    assert_eq!(verify(folder.path()).0, Some(0));
}

#[test]
fn what_was_laid_in_the_place_of_log_or_seal_is_neither_followed_nor_waited_for() {
    let pipe = |path: &Path| {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    let folder = tempfile::tempdir().unwrap();
    pipe(&folder.path().join("audit.log"));
    assert_eq!(seal(folder.path()).0, Some(2));
    for (name, code) in [("audit.log", 1), ("audit.log.1", 0), ("audit.log.seal", 4)] {
        let folder = sealed();
        let _ = fs::remove_file(folder.path().join(name));
        pipe(&folder.path().join(name));
        let (sealing, text) = seal(folder.path());
        assert_eq!(sealing, Some(code), "{name}: {text}");
        // What cannot be read is not judged.
        let verified = if code == 4 { 3 } else { code };
        assert_eq!(verify(folder.path()).0, Some(verified), "{name}");
        let arguments = ["audit.log", "--detect", "--since", "2026-11-01"];
        let output = run(folder.path(), &arguments);
        let has_alert = stdout(&output).contains("log-truncated");
        assert_eq!(has_alert, name == "audit.log", "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    let (log, other) = (folder.path().join("audit.log"), folder.path().join("other"));
    append(&log, "one\n");
    for is_there in [false, true] {
        if is_there {
            fs::write(&other, "").unwrap();
        }
        let path = folder.path().join("audit.log.seal");
        std::os::unix::fs::symlink(&other, &path).unwrap();
        let (code, text) = seal(folder.path());
        assert_eq!(code, Some(4), "{text}");
        assert_eq!(other.exists(), is_there);
        assert_eq!(fs::read(&other).unwrap_or_default(), b"");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn no_seal_and_no_key_are_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    append(&folder.path().join("audit.log"), "x\n");
    assert_eq!(verify(folder.path()).0, Some(3));
    assert_eq!(
        run(folder.path(), &["seal", "nothing.log"]).status.code(),
        Some(2)
    );
    let folder = sealed();
    fs::remove_dir_all(folder.path().join("state/seal")).unwrap();
    assert_eq!(verify(folder.path()).0, Some(3));
}

#[test]
fn anyone_checks_a_seal_with_sha256sum_and_ssh_keygen() {
    let folder = sealed();
    let at = |name: &str| folder.path().join(name);
    let text = fs::read_to_string(at("audit.log.seal")).unwrap();
    let last = text.split("\n\n").last().unwrap();
    let signature = last.find("-----BEGIN").unwrap();
    fs::write(at("record"), &last[..signature]).unwrap();
    fs::write(at("sig"), &last[signature..]).unwrap();
    let public = fs::read_to_string(at("state/seal/ed25519.pub")).unwrap();
    fs::write(at("signers"), format!("audit {public}")).unwrap();
    let script = "ssh-keygen -Y verify -f signers -I audit -n openclaw-sec-seal -s sig < record && \
        b=$(sed -n 's/^bytes //p' record) && h=$(head -c \"$b\" audit.log | sha256sum) && grep -q \"sha256 ${h%% *}\" record";
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
    use std::os::unix::fs::PermissionsExt as _;
    for file in ["audit.log.seal", "state/seal/ed25519"] {
        assert_eq!(
            fs::metadata(at(file)).unwrap().permissions().mode() & 0o777,
            0o600,
            "{file}"
        );
    }
}

#[test]
fn a_seal_that_is_killed_at_any_moment_is_finished_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    append(&log, &numbered(0..200));
    assert_eq!(seal(folder.path()).0, Some(0));
    for round in 0..12u64 {
        append(&log, &numbered(0..3000));
        let mut child = crate::support::program(folder.path())
            .args(["seal", "audit.log"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // Wherever it is by then: what is asserted holds at every moment.
        std::thread::sleep(std::time::Duration::from_millis(7 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let (code, verdict) = verify(folder.path());
        assert_eq!(code, Some(0), "round {round}: {verdict}");
    }
    let (code, text) = seal(folder.path());
    assert_eq!(code, Some(0), "{text}");
    let (_, verdict) = verify(folder.path());
    assert_eq!(
        (
            &verdict["status"],
            &verdict["unsealed_lines"],
            &verdict["sealed_lines"]
        ),
        (&"intact".into(), &0.into(), &36_200.into())
    );
}

#[test]
fn two_that_seal_at_once_make_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    append(&folder.path().join("audit.log"), &numbered(0..500));
    let children: Vec<_> = (0..6)
        .map(|_| {
            crate::support::program(folder.path())
                .args(["seal", "audit.log"])
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let heads: Vec<String> = children
        .into_iter()
        .map(|child| stdout(&child.wait_with_output().unwrap()))
        .collect();
    assert!(heads.iter().all(|head| *head == heads[0]), "{heads:?}");
    let (code, verdict) = verify(folder.path());
    assert_eq!((code, &verdict["sealed_lines"]), (Some(0), &500.into()));
}

#[test]
fn sealed_parts_are_found_again_however_they_are_compressed() {
    for tool in [&["gzip"][..], &["xz"], &["bzip2"], &["zstd", "-q", "--rm"]] {
        let folder = sealed();
        let at = |name: &str| folder.path().join(name);
        append(&at("audit.log"), "\n");
        fs::rename(at("audit.log"), at("audit.log.1")).unwrap();
        append(&at("audit.log"), &numbered(40..45));
        let packed = Command::new(tool[0])
            .args(&tool[1..])
            .arg(at("audit.log.1"))
            .status();
        if !packed.is_ok_and(|status| status.success()) {
            eprintln!("{} is not installed: skipped", tool[0]);
            continue;
        }
        let (code, verdict) = verify(folder.path());
        assert_eq!(code, Some(0), "{tool:?}: {verdict}");
        // Its last lines are sealed where they are now.
        let (code, text) = seal(folder.path());
        assert_eq!(code, Some(0), "{tool:?}: {text}");
        let (_, verdict) = verify(folder.path());
        assert_eq!(verdict["sealed_lines"], 39, "{tool:?}: {verdict}");
        assert_eq!(verdict["unsealed_lines"], 0, "{tool:?}: {verdict}");
    }
}
