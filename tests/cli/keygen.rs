//! `keygen`: every flag, every limit, and what it does to an env file.

use std::collections::HashSet;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::support::{Place, is_root, mode};

/// CRC-32 (IEEE 802.3), bit by bit: not the program's own.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            }
        })
    })
}

fn base62(mut number: u32) -> String {
    let digits: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
    let mut text = Vec::new();
    for _ in 0..6 {
        text.push(digits[(number % 62) as usize]);
        number /= 62;
    }
    text.iter().rev().collect()
}

#[test]
fn without_flags_it_prints_what_openssl_prints() {
    let place = Place::new();
    let ended = place.line("keygen");
    assert_eq!((ended.code, ended.stdout.len()), (0, 45));
    assert!(ended.stderr.is_empty(), "{}", ended.stderr);
    let decoded = place.shell("$B keygen | tee k | openssl base64 -d | wc -c; $B keygen | wc -l");
    assert_eq!(decoded.stdout, "32\n1\n", "{}", decoded.stderr);
}

#[test]
fn each_encoding_has_its_alphabet_and_length_at_every_limit() {
    let place = Place::new();
    for bytes in [16usize, 17, 18, 31, 33, 255, 4095, 4096] {
        let key = |encoding: &str| {
            let ended = place.line(&format!("keygen --bytes {bytes} --encoding {encoding}"));
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            assert_eq!(ended.stdout.matches('\n').count(), 1, "never wrapped");
            ended.stdout.trim_end().to_owned()
        };
        assert_eq!(key("base64").len(), bytes.div_ceil(3) * 4);
        let url = key("base64url");
        assert_eq!(url.len(), (bytes * 4).div_ceil(3));
        assert!(
            url.chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        );
        let hex = key("hex");
        assert_eq!(hex.len(), bytes * 2);
        assert!(hex.chars().all(|c| "0123456789abcdef".contains(c)));
    }
}

#[test]
fn what_is_out_of_range_is_refused_with_the_reason() {
    let place = Place::new();
    let cases = [
        ("keygen --bytes 15", "128 bits"),
        ("keygen --bytes 0", "128 bits"),
        ("keygen --bytes 4097", "4096"),
        ("keygen --bytes 99999999999999999999", "--bytes"),
        ("keygen --count 0", "--count"),
        ("keygen --count 100001", "100000"),
        ("keygen --prefix 1a", "--prefix"),
        ("keygen --prefix a-b", "--prefix"),
        ("keygen --prefix a_b", "--prefix"),
        ("keygen --prefix ä", "--prefix"),
        ("keygen --prefix a --encoding hex", "--encoding"),
        ("keygen --output a --env b", "--env"),
        ("keygen --env b --count 2", "--count"),
        ("keygen --replace", "--env"),
        ("keygen --name OPENCLAW_GATEWAY_TOKEN", "--env"),
        ("keygen --name WEB_API_KEY --output key", "--env"),
        ("keygen --env b --name 1A", "name of a variable"),
        ("keygen --env b --name A-B", "name of a variable"),
    ];
    for (line, word) in cases {
        let ended = place.line(line);
        assert_eq!(ended.code, 2, "{line}: {}", ended.both());
        assert!(
            ended.stderr.contains(word) && ended.stdout.is_empty(),
            "{line}: {}",
            ended.both()
        );
    }
    assert!(
        place
            .all_files()
            .iter()
            .all(|file| !file.ends_with("b") && !file.ends_with("a"))
    );
}

#[test]
fn many_keys_are_all_different() {
    let place = Place::new();
    let ended = place.line("keygen --count 100000 --bytes 16");
    let keys: HashSet<&str> = ended.stdout.lines().collect();
    assert_eq!(keys.len(), 100_000);
    assert!(keys.iter().all(|key| key.len() == 24));
}

#[test]
fn a_prefixed_key_proves_itself_by_its_checksum() {
    let place = Place::new();
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    for (flags, body_length) in [("", 43), ("--bytes 16 ", 22), ("--bytes 64 ", 86)] {
        let ended = place.line(&format!("keygen --prefix claw --count 200 {flags}"));
        for key in ended.stdout.lines() {
            let rest = key.strip_prefix("claw_").unwrap();
            let (body, checksum) = rest.split_at(rest.len() - 6);
            assert_eq!(body.len(), body_length, "{key}");
            assert!(body.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            assert_eq!(base62(crc32(body.as_bytes())), checksum);
        }
    }
}

/// What stands around a value in an env file, `@` where the value stood and stands.
const EDITS: &[(&str, &str)] = &[
    // before, after
    ("WEB_API_KEY=your-secret-key-here\n", "WEB_API_KEY=@\n"),
    (
        "WEB_API_KEY=your-secret-key-here # from the page\n",
        "WEB_API_KEY=@ # from the page\n",
    ),
    (
        "  export WEB_API_KEY = change-me\nB=1\n",
        "  export WEB_API_KEY = @\nB=1\n",
    ),
    (
        "A=1\r\nWEB_API_KEY=change-me\r\nB=2\r\n",
        "A=1\r\nWEB_API_KEY=@\r\nB=2\r\n",
    ),
    ("\u{feff}WEB_API_KEY=change-me\n", "\u{feff}WEB_API_KEY=@\n"),
    ("WEB_API_KEY=change-me", "WEB_API_KEY=@"),
    ("WEB_API_KEY=\"change-me\"\n", "WEB_API_KEY=\"@\"\n"),
    ("WEB_API_KEY='change-me' # x\n", "WEB_API_KEY='@' # x\n"),
    ("WEB_API_KEY=\nB=1\n", "WEB_API_KEY=@\nB=1\n"),
    ("WEB_API_KEY=''\n", "WEB_API_KEY='@'\n"),
    ("WEB_API_KEY= # later\n", "WEB_API_KEY=@ # later\n"),
    ("A=1\n", "A=1\nWEB_API_KEY=@\n"),
    ("A=1", "A=1\nWEB_API_KEY=@"),
    ("A=1\r\nB=2\r\n", "A=1\r\nB=2\r\nWEB_API_KEY=@\r\n"),
    ("", "WEB_API_KEY=@\n"),
    ("# WEB_API_KEY=old\n", "# WEB_API_KEY=old\nWEB_API_KEY=@\n"),
    (
        "A=\"x\nWEB_API_KEY=decoy\ny\"\n",
        "A=\"x\nWEB_API_KEY=decoy\ny\"\nWEB_API_KEY=@\n",
    ),
    ("web_api_key=lower\n", "web_api_key=lower\nWEB_API_KEY=@\n"),
];

#[test]
fn one_value_changes_and_every_other_byte_stays() {
    for (before, after) in EDITS {
        let place = Place::new();
        place.write(".env", before);
        let ended = place.line("keygen --env .env");
        assert_eq!(ended.code, 0, "{before:?}: {}", ended.stderr);
        assert!(ended.stdout.is_empty());
        let text = String::from_utf8(place.read(".env")).unwrap();
        let (start, end) = after.split_once('@').unwrap();
        assert!(
            text.starts_with(start) && text.ends_with(end),
            "{before:?} {text:?}"
        );
        let key = &text[start.len()..text.len() - end.len()];
        assert_eq!(key.len(), 44, "{text:?}");
        assert!(!ended.stderr.contains(key));
        assert_eq!(
            place
                .all_files()
                .iter()
                .filter(|file| file.parent() == Some(&place.path("")))
                .count(),
            1
        );
    }
}

#[test]
fn a_variable_set_twice_is_changed_where_it_counts_and_told_about() {
    let place = Place::new();
    place.write(".env", "WEB_API_KEY=q7Zk2mVw9xLr4TbN\nA=1\nWEB_API_KEY=\n");
    let ended = place.line("keygen --env .env");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("set twice") && ended.stderr.contains("line 1"));
    let text = String::from_utf8(place.read(".env")).unwrap();
    assert!(text.starts_with("WEB_API_KEY=q7Zk2mVw9xLr4TbN\nA=1\nWEB_API_KEY="));
    assert_eq!(
        text.lines().last().unwrap().len(),
        "WEB_API_KEY=".len() + 44
    );
}

#[test]
fn bytes_that_are_no_text_stay() {
    let place = Place::new();
    place.write(".env", b"# caf\xe9 \x00\nA=\xff\nWEB_API_KEY=change-me\n");
    assert_eq!(place.line("keygen --env .env").code, 0);
    let bytes = place.read(".env");
    assert!(
        bytes.starts_with(b"# caf\xe9 \x00\nA=\xff\nWEB_API_KEY="),
        "{bytes:?}"
    );
}

#[test]
fn a_real_value_is_kept_unless_replace_is_given() {
    let cases = [
        "WEB_API_KEY=hunter2hunter2\n",
        "WEB_API_KEY=q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ6RoXi1WvBtM=\n",
        "WEB_API_KEY=change-me\nWEB_API_KEY=q7Zk2mVw9xLr4TbN8cPdYfHs\n",
    ];
    for text in cases {
        let place = Place::new();
        place.write(".env", text);
        let ended = place.line("keygen --env .env");
        assert_eq!(ended.code, 2, "{text}");
        assert!(ended.stderr.contains("--replace"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("hunter2") && !ended.stderr.contains("q7Zk"));
        assert_eq!(place.read(".env"), text.as_bytes());
        let ended = place.line("keygen --env .env --replace");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_ne!(place.read(".env"), text.as_bytes());
    }
}

#[test]
fn a_new_file_is_private_whatever_the_umask() {
    for umask in ["000", "022", "027", "077"] {
        let place = Place::new();
        let script = format!(
            "umask {umask}; $B keygen --env new.env --name A_KEY && $B keygen --output new.key"
        );
        let ended = place.shell(&script);
        assert_eq!(ended.code, 0, "umask {umask}: {}", ended.stderr);
        for name in ["new.env", "new.key"] {
            assert_eq!(mode(&place.path(name)), 0o600, "{name} under umask {umask}");
        }
    }
}

#[test]
fn mode_owner_and_link_stay() {
    let place = Place::new();
    let target = place.write("real/prod.env", "WEB_API_KEY=change-me\n");
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o640)).unwrap();
    if is_root() {
        std::os::unix::fs::chown(&target, Some(12345), Some(12346)).unwrap();
    }
    let before = target.metadata().unwrap();
    std::os::unix::fs::symlink("real/prod.env", place.path(".env")).unwrap();
    let ended = place.line("keygen --env .env");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(place.path(".env").symlink_metadata().unwrap().is_symlink());
    let after = target.metadata().unwrap();
    assert_eq!(
        (after.uid(), after.gid(), after.mode()),
        (before.uid(), before.gid(), before.mode())
    );
    assert_ne!(place.read("real/prod.env"), b"WEB_API_KEY=change-me\n");
}

#[test]
fn an_output_file_is_never_overwritten() {
    let place = Place::new();
    place.write("key", "precious");
    std::os::unix::fs::symlink("nowhere", place.path("broken")).unwrap();
    std::fs::create_dir(place.path("folder")).unwrap();
    for name in ["key", "broken", "folder"] {
        let ended = place.line(&format!("keygen --output {name}"));
        assert_eq!(ended.code, 2, "{name}: {}", ended.stderr);
    }
    assert_eq!(place.read("key"), b"precious");
    assert!(!place.path("nowhere").exists());
    assert_eq!(place.line("keygen --output missing/key").code, 4);
    assert_eq!(place.line("keygen --count 3 --output three").code, 0);
    assert_eq!(place.read("three").len(), 3 * 45);
}

#[test]
fn what_is_no_env_file_is_refused() {
    let place = Place::new();
    std::fs::create_dir(place.path("folder")).unwrap();
    place.shell("mkfifo pipe; ln -s loop loop; printf 'A=1\\n' > one; ln one two");
    for (name, code) in [
        ("folder", 2),
        ("pipe", 2),
        ("/dev/null", 2),
        ("two", 2),
        ("loop", 2),
        ("missing/.env", 2),
    ] {
        let ended = place.line(&format!("keygen --env {name}"));
        assert_eq!(ended.code, code, "{name}: {}", ended.stderr);
        assert!(ended.stderr.contains(name), "{name}: {}", ended.stderr);
    }
    assert_eq!(place.read("one"), b"A=1\n");
}

#[test]
fn runs_at_the_same_time_lose_nothing() {
    let place = Place::with_env("START=1\n");
    let script = "for i in $(seq 24); do $B keygen --env .env --name KEY_$i & done; wait";
    let ended = place.shell(script);
    let text = String::from_utf8(place.read(".env")).unwrap();
    for number in 1..=24 {
        assert!(
            text.contains(&format!("KEY_{number}=")),
            "{text} {}",
            ended.stderr
        );
    }
    assert_eq!(text.lines().count(), 25);
}

#[test]
fn a_full_disk_leaves_the_old_file_whole() {
    let place = Place::with_env("WEB_API_KEY=change-me\n");
    for calls in ["write", "fsync", "rename,renameat,renameat2"] {
        let script = format!(
            "strace -f -qq -o trace -e trace={calls} -e inject={calls}:error=ENOSPC $B keygen --env .env 2>/dev/null"
        );
        let ended = place.shell(&script);
        if ended.code == 127 || (ended.code == 1 && !place.path("trace").exists()) {
            return;
        }
        assert_eq!(ended.code, 4, "{calls}: {}", ended.both());
        assert_eq!(place.read(".env"), b"WEB_API_KEY=change-me\n", "{calls}");
        let names: Vec<_> = std::fs::read_dir(place.path(""))
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        assert_eq!(names.len(), 2, "{calls}: {names:?}");
    }
}

#[test]
fn state_that_cannot_be_kept_is_named_and_nothing_changes() {
    let place = Place::with_env("WEB_API_KEY=change-me\n");
    place.write("file", "");
    let ended = place.line("keygen --env .env --state-dir file/below");
    assert!([2, 4].contains(&ended.code), "{}", ended.stderr);
    assert!(ended.stderr.contains("--state-dir"), "{}", ended.stderr);
    assert_eq!(place.read(".env"), b"WEB_API_KEY=change-me\n");
    assert_eq!(
        place.line("keygen --state-dir file/below").code,
        0,
        "printing needs no state"
    );
}

#[test]
fn a_dash_is_no_file() {
    let place = Place::new();
    for line in ["keygen --env -", "keygen --output -"] {
        let ended = place.line(line);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{line}");
        assert!(ended.stderr.contains("./-"), "{}", ended.stderr);
        assert!(!place.path("-").exists(), "{line}");
    }
}

#[test]
fn a_key_in_an_env_file_is_recorded_and_one_that_cannot_be_is_written_all_the_same() {
    let place = Place::with_env("WEB_API_KEY=q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ6RoXi1WvBtM=\n");
    let id = "rotation.never-recorded";
    let status = || place.report(&format!("--only {id}")).0.one(id)["status"].clone();
    assert_eq!(status(), "fail");
    let ended = place.line("keygen --env .env --name WEB_API_KEY --replace");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(status(), "pass");
    let ledger = std::fs::read_to_string(place.outer("state/ledger.json")).unwrap();
    let key = String::from_utf8(place.read(".env")).unwrap();
    let key = key.trim_start_matches("WEB_API_KEY=").trim();
    assert!(
        !ledger.contains(key) && ledger.contains("sha256:"),
        "{ledger}"
    );
    // Behind a link it is one file.
    place.shell("ln -s .env link; rm ../state/ledger.json; $B keygen --env link --replace");
    assert_eq!(status(), "pass");
    std::fs::write(place.outer("state/ledger.json"), "broken").unwrap();
    let before = place.read(".env");
    let ended = place.line("keygen --env .env --replace");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("not recorded"), "{}", ended.stderr);
    assert_ne!(place.read(".env"), before);
}

#[test]
fn a_key_that_is_too_old_is_not_recorded_for_all_that() {
    let place = Place::with_env("WEB_API_KEY=q7Zk2mVw9xLr4TbN8cPdYfHs3JgKuEaQ6RoXi1WvBtM=\n");
    place.shell("touch -d '100 days ago' .env");
    let (report, _) = place.report("--only rotation");
    assert_eq!(report.one("rotation.overdue")["status"], "fail");
    assert_eq!(report.one("rotation.never-recorded")["status"], "fail");
}

#[test]
fn a_setting_for_another_day_is_no_slip() {
    let place = Place::new();
    place.write("openclaw-sec.toml", "[keygen]\nreplace = true\n");
    assert_eq!(place.line("keygen").code, 0);
    assert_eq!(place.line("keygen --replace").code, 2);
    place.write(".env", "WEB_API_KEY=hunter2\n");
    assert_eq!(place.line("keygen --env .env").code, 0);
}
