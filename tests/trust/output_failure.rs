//! Every command and format with outputs that fail: streams that are full, closed or without a
//! reader, and files that cannot be written. The contract's exit code, no panic, no death by signal,
//! old files whole, and nothing left over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::commands::{
    Case, Ended, PROGRAM, Place, Stdout, cases, collect, in_parallel, run, words,
};

/// What is wrong with a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    /// A pipe that is read to the end.
    Read,
    /// The disk behind it is full.
    Full,
    /// There is none.
    Closed,
    /// A pipe whose reader went away.
    ReaderGone,
}

/// stdout and stderr.
const STREAMS: [(Stream, Stream); 6] = [
    (Stream::Full, Stream::Read),
    (Stream::Closed, Stream::Read),
    (Stream::ReaderGone, Stream::Read),
    (Stream::Read, Stream::Full),
    (Stream::Read, Stream::Closed),
    (Stream::Closed, Stream::Closed),
];

/// The rule, the same for every command: what is lost is an error, and a reader who has seen enough
/// is none, unless half of the output is dangerous. What is said to a person on stderr is worth no
/// error, but alerts that have no place on stdout are.
fn expected(case: &Case, stdout: Stream, stderr: Stream) -> i32 {
    let has_alerts = case.words.contains("--fail-on-alert --format raw");
    match (stdout, case.stdout) {
        (Stream::Read, _) if has_alerts && stderr == Stream::Full => 4,
        (_, Stdout::Unused) | (Stream::Read, _) => case.code,
        (Stream::Full | Stream::Closed, _) => 4,
        (Stream::ReaderGone, Stdout::Reading) => 0,
        (Stream::ReaderGone, Stdout::Dangerous) => 4,
    }
}

/// Runs a case with these streams.
fn run_with(place: &Place, case: &Case, stdout: Stream, stderr: Stream) -> Ended {
    let closings = match (stdout, stderr) {
        (Stream::Closed, Stream::Closed) => ">&- 2>&-",
        (Stream::Closed, _) => ">&-",
        (_, Stream::Closed) => "2>&-",
        _ => "",
    };
    let mut command;
    if closings.is_empty() {
        command = place.program(case);
    } else {
        // Only a shell starts a program without a stream.
        command = Command::new("/bin/sh");
        command
            .args(["-c", &format!("exec \"$0\" \"$@\" {closings}"), PROGRAM])
            .args(words(case));
        place.surround(&mut command, case);
    }
    command.stdout(end(stdout)).stderr(end(stderr));
    collect(&mut command, case)
}

fn end(stream: Stream) -> Stdio {
    match stream {
        Stream::Read | Stream::Closed => Stdio::piped(),
        Stream::Full => {
            let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
            full.unwrap().into()
        }
        Stream::ReaderGone => {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            writer.into()
        }
    }
}

/// What must not be, however a run is disturbed: death by a signal, a panic, files left over.
fn hold_to_manners(
    place: &Place,
    case: &Case,
    before: &BTreeSet<PathBuf>,
    ended: &Ended,
) -> Result<(), String> {
    let said = ended.both();
    if ended.code.is_none() {
        return Err("a signal killed it".to_owned());
    }
    for word in ["panicked", "internal error", "backtrace"] {
        if said.contains(word) {
            return Err(said);
        }
    }
    // A rotation that waits keeps the old value until it is done.
    let is_rightful = |name: &PathBuf| {
        let text = name.to_string_lossy();
        before.contains(name)
            || case
                .writes
                .iter()
                .any(|file| *name == Path::new("work").join(file))
            || (text.starts_with("state/") && !text.contains("tmp"))
            || (text.ends_with(".openclaw-sec.backup") && case.words.starts_with("rotate"))
    };
    let mut names = place.files().into_keys();
    match names.find(|name| !name.to_string_lossy().starts_with("kept") && !is_rightful(name)) {
        None => Ok(()),
        Some(name) => Err(format!("left behind: {}", name.display())),
    }
}

/// The names of all files.
fn names(place: &Place) -> BTreeSet<PathBuf> {
    place.files().into_keys().collect()
}

#[test]
fn every_command_keeps_to_one_rule_when_a_stream_fails() {
    in_parallel(&cases(), |case| {
        for (stdout, stderr) in STREAMS {
            let is_help = ["-h", "--help", "--version"].contains(&case.words.as_str())
                || case.words.ends_with("--help")
                || case.words.ends_with("--version");
            // Help says nothing on stderr.
            if is_help && stdout == Stream::Read {
                continue;
            }
            let place = Place::for_case(case);
            let before = names(&place);
            let ended = run_with(&place, case, stdout, stderr);
            let what = format!("{} with {stdout:?} and {stderr:?}", case.words);
            let expected = expected(case, stdout, stderr);
            if ended.code != Some(expected) {
                return Err(format!(
                    "{what}: {:?} instead of {expected}: {}",
                    ended.code, ended.stderr
                ));
            }
            if stdout == Stream::Read && case.stdout != Stdout::Unused && ended.stdout.is_empty() {
                return Err(format!("{what}: nothing on stdout"));
            }
            hold_to_manners(&place, case, &before, &ended)
                .map_err(|fault| format!("{what}: {fault}"))?;
        }
        Ok(())
    });
}

/// What is wrong with the place that a file shall come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    /// No file may grow: `ulimit -f 0`.
    Limited,
    /// The file system is mounted read-only.
    ReadOnly,
    /// A small file system without a free page.
    Full,
    /// One with a single free page: a longer file is cut.
    NearlyFull,
}

const DISKS: [Disk; 4] = [Disk::Limited, Disk::ReadOnly, Disk::Full, Disk::NearlyFull];

/// `$1` is the fault, `$2` the folder it strikes, `$3` where the folder's files are kept afterwards;
/// the rest is the command. Runs in a mount namespace of its own.
const DISTURB: &str = r#"
fault=$1 folder=$2 kept=$3 work=$PWD; shift 3
case $fault in
ReadOnly) mount --bind "$folder" "$folder" && mount -o remount,bind,ro "$folder" || exit 99 ;;
*Full)
    cp -a "$folder" "$kept.before" &&
        mount -t tmpfs -o size=512k,mode=700 none "$folder" &&
        cp -a "$kept.before/." "$folder/" || exit 99
    cat /dev/zero >"$folder/filler" 2>/dev/null
    if [ "$fault" = NearlyFull ]; then truncate -s -4096 "$folder/filler"; fi ;;
esac
# The folder we stand in is the one below the mount.
cd / && cd "$work"
"$@"
code=$?
cp -a "$folder" "$kept"
rm -f "$kept/filler"
exit $code
"#;

/// How to get a namespace of mounts (`-m`) or of the network (`-n`) here, if there is a way: the
/// words after `unshare`.
fn namespace(kind: &'static str) -> Option<Vec<&'static str>> {
    let ways = [vec![kind], vec!["-U", "-r", kind]];
    ways.into_iter().find(|way| {
        let try_it = match kind {
            "-m" => "mount -t tmpfs none /mnt",
            _ => "true",
        };
        let tried = Command::new("unshare")
            .args(way)
            .args(["sh", "-c", try_it])
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    })
}

/// Runs a case while `folder` of the place is disturbed; gives the end and the folder's files.
fn run_on(
    disk: Disk,
    folder: &str,
    place: &Place,
    case: &Case,
    namespace: &[&str],
) -> (Ended, BTreeMap<PathBuf, Vec<u8>>) {
    let mut command;
    if disk == Disk::Limited {
        command = Command::new("/bin/sh");
        command.args(["-c", "ulimit -f 0; exec \"$0\" \"$@\"", PROGRAM]);
    } else {
        command = Command::new("unshare");
        command
            .args(namespace)
            .args(["/bin/sh", "-c", DISTURB, "sh", &format!("{disk:?}")])
            .args([place.path(folder), place.path("kept")])
            .arg(PROGRAM);
    }
    command.args(words(case));
    place.surround(&mut command, case);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = collect(&mut command, case);
    let kept = if disk == Disk::Limited {
        folder
    } else {
        "kept"
    };
    (ended, below(place, kept))
}

/// The files below one folder of the place.
fn below(place: &Place, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = place.files().into_iter();
    files
        .filter_map(|(name, bytes)| Some((name.strip_prefix(folder).ok()?.to_owned(), bytes)))
        .collect()
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else() {
    let namespace = namespace("-m");
    if namespace.is_none() {
        skipped("no mount namespaces here: only the limit on file sizes is tried");
    }
    let writing: Vec<Case> = cases()
        .into_iter()
        .filter(|case| !case.writes.is_empty() || case.needs_state)
        .collect();
    in_parallel(&writing, |case| {
        for disk in DISKS {
            for folder in ["work", "state"] {
                // The limit strikes both.
                if disk == Disk::Limited && (folder == "work") == case.writes.is_empty() {
                    continue;
                }
                let strikes = match folder {
                    "work" => !case.writes.is_empty(),
                    _ => case.needs_state,
                };
                let namespace = match &namespace {
                    Some(namespace) => namespace,
                    None if disk == Disk::Limited => &Vec::new(),
                    None => continue,
                };
                let place = Place::for_case(case);
                let before_all = names(&place);
                let before = below(&place, folder);
                let (ended, after) = run_on(disk, folder, &place, case, namespace);
                let what = format!("{} with {folder} {disk:?}", case.words);
                let is_well = ended.code == Some(case.code);
                // A report shows what is left of a fix, and one of a rotation that it failed.
                let may_be_well =
                    disk == Disk::NearlyFull || !strikes || case.words.contains("--fix");
                let has_told = case.words.starts_with("rotate abort") && ended.code == Some(1);
                if ended.code != Some(4) && !(may_be_well && is_well) && !has_told {
                    return Err(format!("{what}: {:?}: {}", ended.code, ended.both()));
                }
                for name in case.writes.iter().map(Path::new) {
                    // An empty seal is none.
                    let content = |files: &BTreeMap<PathBuf, Vec<u8>>| {
                        files.get(name).filter(|bytes| !bytes.is_empty()).cloned()
                    };
                    let is_same = content(&before) == content(&after);
                    if folder == "work" && ended.code == Some(4) && case.code != 4 && !is_same {
                        return Err(format!("{what}: {} is not as before", name.display()));
                    }
                }
                hold_to_manners(&place, case, &before_all, &ended)
                    .map_err(|fault| format!("{what}: {fault}"))?;
            }
        }
        Ok(())
    });
}

#[test]
fn a_folder_where_a_file_shall_be_written_is_refused() {
    let writing: Vec<Case> = cases()
        .into_iter()
        .filter(|case| !case.writes.is_empty())
        .collect();
    in_parallel(&writing, |case| {
        for name in case.writes {
            let place = Place::for_case(case);
            let path = place.path("work").join(name);
            let _ = std::fs::remove_file(&path);
            std::fs::create_dir(&path).unwrap();
            let before = names(&place);
            let ended = run(&place, case);
            let what = format!("{} where {name} is a folder", case.words);
            if ![Some(2), Some(4)].contains(&ended.code) || ended.stderr.is_empty() {
                return Err(format!("{what}: {:?}: {}", ended.code, ended.both()));
            }
            let is_empty = std::fs::read_dir(&path).unwrap().next().is_none();
            if !is_empty {
                return Err(format!("{what}: something is in the folder"));
            }
            hold_to_manners(&place, case, &before, &ended)
                .map_err(|fault| format!("{what}: {fault}"))?;
        }
        Ok(())
    });
}

/// Stands in for every program that changes rules, and tells that it was called.
const SPY: &str = "#!/bin/sh\necho called >>\"$0.calls\"\nexit 1\n";

#[test]
fn a_script_that_was_cut_by_a_full_disk_changes_nothing() {
    // Spies stand in the way, but were the whole script ever run here, it could walk around them.
    let Some(namespace) = namespace("-n") else {
        return skipped("no network namespace here to run a script in");
    };
    let alone = format!("unshare {}", namespace.join(" "));
    for words in [
        "firewall",
        "firewall off",
        "firewall --profile telegram --persist",
    ] {
        for blocks in 0.. {
            let place = Place::new();
            for program in [
                "nft",
                "iptables-restore",
                "ip6tables-restore",
                "iptables",
                "ip6tables",
                "ipset",
                "systemctl",
            ] {
                place.write(&format!("bin/{program}"), SPY);
                place.set_mode(&format!("bin/{program}"), 0o755);
            }
            // The limit counts blocks of 512 bytes; the script's file is cut there.
            let script = format!(
                "trap '' XFSZ; (ulimit -f {blocks}; exec \"$0\" {words} >half 2>/dev/null); code=$?; [ $code = 0 ] || PATH=../bin:$PATH {alone} sh half 2>/dev/null </dev/null; exit $code"
            );
            let case = Case {
                words: words.to_owned(),
                ..cases()[0].clone()
            };
            let mut command = Command::new("/bin/sh");
            command.args(["-c", &script, PROGRAM]);
            place.surround(&mut command, &case);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let ended = collect(&mut command, &case);
            if ended.code == Some(0) {
                assert!(blocks > 0, "{words}");
                break;
            }
            assert_eq!(ended.code, Some(4), "{words} {blocks}: {}", ended.both());
            let calls: Vec<PathBuf> = place
                .files()
                .into_keys()
                .filter(|name| name.extension().is_some_and(|it| it == "calls"))
                .collect();
            assert!(
                calls.is_empty(),
                "{words} cut at {blocks} blocks called {calls:?}"
            );
        }
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test says why")]
fn skipped(reason: &str) {
    eprintln!("skipped: {reason}");
}
