//! Many runs at once on one file: no change is lost, nobody sees half a file, one rotation wins.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;

use crate::commands::{
    Case, Ended, KEY_NAME, NEW_KEY, OLD_KEY, PATIENCE, Place, Stdout, in_parallel, run,
};

/// How many writers run at the same time.
const WRITERS: usize = 8;

/// Sizes are small, and `OPENCLAW_SEC_LONG=1` makes them thousands.
pub fn amount(small: usize, long: usize) -> usize {
    let is_long = std::env::var_os("OPENCLAW_SEC_LONG").is_some_and(|value| value == "1");
    if is_long { long } else { small }
}

/// An env file with all that an edit may damage around the value: CRLF, Latin-1, a comment, no end.
const AROUND: (&[u8], &[u8]) = (
    b"# the bot's \xe9nv\r\nA=1\r\nexport WEB_API_KEY='",
    b"' # mine\nB=\"x\ny\"\nWEB_API_KEY_OLD=keep",
);

fn around(value: &[u8]) -> Vec<u8> {
    [AROUND.0, value, AROUND.1].concat()
}

/// The value, where every other byte is as it was.
fn value(text: &[u8]) -> Option<String> {
    let value = text.strip_prefix(AROUND.0)?.strip_suffix(AROUND.1)?;
    let is_key = value.len() == 44 && value.ends_with(b"=") || value == b"changeme";
    is_key.then(|| String::from_utf8_lossy(value).into_owned())
}

fn reading(words: impl Into<String>) -> Case {
    Case::new(words, 0, Stdout::Reading)
}

/// Whether a run of `keygen --env` is done, or has given way to another writer and says so.
fn is_done(ended: &Ended) -> Result<bool, String> {
    match ended.code {
        Some(0) => Ok(true),
        Some(2) if ended.stderr.contains("another openclaw-sec is changing it") => Ok(false),
        code => Err(format!("{code:?}: {}", ended.both())),
    }
}

/// Names of files that only exist while something is written.
fn leftovers(place: &Place) -> Vec<String> {
    let names = place.files().into_keys();
    let names = names.map(|name| name.to_string_lossy().into_owned());
    names
        .filter(|name| {
            name.contains(".tmp") || name.contains("backup") || name.ends_with(".journal")
        })
        .collect()
}

/// The status of every check.
fn statuses(report: &str) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let report: Value =
        serde_json::from_str(report).map_err(|error| format!("{error}: {report}"))?;
    let mut statuses = BTreeMap::<_, BTreeSet<_>>::new();
    for result in report["results"].as_array().into_iter().flatten() {
        let text = |key: &str| result[key].as_str().unwrap_or_default().to_owned();
        statuses
            .entry(text("id"))
            .or_default()
            .insert(text("status"));
    }
    Ok(statuses)
}

/// Calls `work` with the numbers below `count` on many threads, and `meanwhile` again and again on
/// one more until they are done.
fn while_working(
    count: usize,
    work: impl Fn(usize) -> Result<(), String> + Sync,
    meanwhile: &(dyn Fn() -> Result<(), String> + Sync),
) {
    let (next, ends) = (AtomicUsize::new(0), AtomicBool::new(false));
    let faults = std::sync::Mutex::new(Vec::new());
    let note = |result: Result<(), String>| {
        if let Err(fault) = result {
            faults.lock().unwrap().push(fault);
        }
    };
    std::thread::scope(|threads| {
        let looking = threads.spawn(|| {
            while !ends.load(Ordering::SeqCst) {
                note(meanwhile());
            }
        });
        let work = (&work, &next, &note);
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                threads.spawn(move || {
                    let (work, next, note) = work;
                    loop {
                        match next.fetch_add(1, Ordering::Relaxed) {
                            number if number < count => note(work(number)),
                            _ => break,
                        }
                    }
                })
            })
            .collect();
        for writer in writers {
            let _ = writer.join();
        }
        ends.store(true, Ordering::SeqCst);
        let _ = looking.join();
    });
    let faults = faults.into_inner().unwrap();
    assert!(
        faults.is_empty(),
        "{} faults: {:#?}",
        faults.len(),
        faults.first()
    );
}

#[test]
fn many_keygens_on_one_value_leave_a_whole_file_at_every_instant() {
    let place = Place::new();
    let file = place.path("work/.env");
    fs::write(&file, around(b"changeme")).unwrap();
    let check = reading("check --env .env --only declared --format json");
    let quiet = |key: &[u8]| {
        let place = Place::new();
        fs::write(place.path("work/.env"), around(key)).unwrap();
        statuses(&run(&place, &check).stdout).unwrap()
    };
    let expected = [
        quiet(b"changeme"),
        quiet(b"0ZhRv5nTgYk2XbL8qWc3JdMs7PfEaUo4VtKi6HyBrNw="),
    ];
    let (seen, done) = (std::sync::Mutex::new(BTreeSet::new()), AtomicUsize::new(0));
    let look = || {
        let text = fs::read(&file).map_err(|error| error.to_string())?;
        let value = value(&text).ok_or_else(|| String::from_utf8_lossy(&text).into_owned())?;
        seen.lock().unwrap().insert(value);
        Ok(())
    };
    while_working(
        amount(300, 6000),
        |number| {
            if number % 12 == 0 {
                let found = statuses(&run(&place, &check).stdout)?;
                let is_right = expected.contains(&found);
                return is_right
                    .then_some(())
                    .ok_or_else(|| format!("half a file: {found:?}"));
            }
            let ended = run(&place, &reading("keygen --env .env --replace"));
            done.fetch_add(usize::from(is_done(&ended)?), Ordering::Relaxed);
            Ok(())
        },
        &look,
    );
    look().unwrap();
    let (seen, done) = (seen.into_inner().unwrap(), done.into_inner());
    assert!(
        done > 0 && seen.len() <= done + 1,
        "{done} keys, {} seen",
        seen.len()
    );
    assert_eq!(leftovers(&place), [""; 0]);
    println!("{done} keys written, {} of them seen", seen.len());
}

#[test]
fn many_keygens_of_different_names_lose_none_of_them() {
    let place = Place::new();
    let file = place.path("work/shared.env");
    let count = amount(100, 2000);
    let done = std::sync::Mutex::new(BTreeSet::new());
    while_working(
        count,
        |number| {
            let words = format!("keygen --env shared.env --name KEY_{number}");
            if is_done(&run(&place, &reading(words)))? {
                done.lock().unwrap().insert(format!("KEY_{number}"));
            }
            Ok(())
        },
        &|| match fs::read(&file) {
            Ok(text) if text.ends_with(b"=\n") => Ok(()),
            Ok(text) => Err(String::from_utf8_lossy(&text).into_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.to_string()),
        },
    );
    let text = fs::read_to_string(&file).unwrap();
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split('=').next())
        .collect();
    let distinct: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(distinct.len(), names.len(), "a name stands there twice");
    assert_eq!(distinct, done.into_inner().unwrap());
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    assert_eq!(leftovers(&place), [""; 0]);
}

#[test]
fn of_keygens_that_make_the_same_file_one_makes_it() {
    let place = Place::new();
    for round in 0..amount(5, 100) {
        for words in ["keygen --output new-N.key", "keygen --env new-N.env"] {
            let words = words.replace('N', &round.to_string());
            let codes = std::sync::Mutex::new(Vec::new());
            in_parallel(&[(); WRITERS], |()| {
                let ended = run(&place, &reading(&words));
                codes.lock().unwrap().push(ended.code);
                match ended.code {
                    Some(0) => Ok(()),
                    Some(2) if ended.stderr.contains("already") => Ok(()),
                    code => Err(format!("{words}: {code:?}: {}", ended.both())),
                }
            });
            let codes = codes.into_inner().unwrap();
            let winners = codes.iter().filter(|code| **code == Some(0)).count();
            assert_eq!(winners, 1, "{words}: {codes:?}");
            let name = format!("work/{}", words.split(' ').nth(2).unwrap());
            let text = fs::read_to_string(place.path(&name)).unwrap();
            assert_eq!(text.lines().count(), 1, "{words}: {text}");
        }
    }
    assert_eq!(leftovers(&place), [""; 0]);
}

/// Waits until something holds; the limit is far beyond what a busy machine needs.
fn eventually(what: &str, holds: impl Fn() -> bool) {
    let started = std::time::Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "{what} does not happen");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// A rotation whose restart lasts until the file `go` is there.
const SLOW_RESTART: &str =
    "#!/bin/sh\necho $PPID >started\nwhile [ ! -e go ]; do sleep 0.02; done\n";

fn start_rotation(place: &Place) -> Child {
    let words = format!(
        "rotate --name {KEY_NAME} --new-key-file new.key --restart ./restart.sh --provider-url {{gone}} --no-input"
    );
    let mut command = place.program(&reading(words));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Every line of every journal is whole.
fn journals_are_whole(state: &Path) -> Result<(), String> {
    let folder = fs::read_dir(state.join("rotations"));
    for entry in folder.into_iter().flatten().flatten() {
        let is_journal = entry
            .path()
            .extension()
            .is_some_and(|ending| ending == "journal");
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        if is_journal && !text.is_empty() {
            let lines = text.lines().map(serde_json::from_str::<Value>);
            let is_whole = text.ends_with('\n') && lines.into_iter().all(|line| line.is_ok());
            is_whole.then_some(()).ok_or(text)?;
        }
    }
    Ok(())
}

#[test]
fn of_many_rotations_one_wins_and_the_others_say_who_holds_it() {
    for _ in 0..amount(2, 40) {
        let place = Place::new();
        let env = place.path("work/.env");
        let before = fs::read_to_string(&env).unwrap();
        place.write("work/restart.sh", SLOW_RESTART);
        place.set_mode("work/restart.sh", 0o755);
        let ends = AtomicBool::new(false);
        let more = std::thread::scope(|threads| {
            let writer = threads.spawn(|| keep_adding(&place, &ends));
            let reader = threads.spawn(|| keep_checking(&place, &before, &ends));
            let mut children: Vec<Child> = (0..WRITERS).map(|_| start_rotation(&place)).collect();
            let mut losers = 0;
            // The winner waits for `go`, so all others end before it.
            eventually("the others' end", || place.path("work/started").exists());
            let until = std::time::Instant::now() + PATIENCE;
            while children.len() > 1 {
                assert!(
                    std::time::Instant::now() < until,
                    "a second one does not give way"
                );
                let at = children
                    .iter_mut()
                    .position(|child| child.try_wait().unwrap().is_some());
                let Some(at) = at else {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                    continue;
                };
                let ended = Ended::from(children.remove(at).wait_with_output().unwrap());
                assert_eq!(ended.code, Some(2), "{}", ended.both());
                let text = &ended.stderr;
                assert!(
                    text.contains("is being rotated by another openclaw-sec"),
                    "{text}"
                );
                losers += 1;
            }
            assert_eq!(losers, WRITERS - 1);
            // Once it has begun, its number is known.
            let late = Ended::from(start_rotation(&place).wait_with_output().unwrap());
            let winner = children.remove(0);
            let number = format!("process {}", winner.id());
            assert_eq!(late.code, Some(2), "{}", late.both());
            assert!(late.stderr.contains(&number), "{number}: {}", late.stderr);
            place.write("work/go", "");
            let ended = Ended::from(winner.wait_with_output().unwrap());
            ends.store(true, Ordering::SeqCst);
            assert_eq!(ended.code, Some(0), "{}", ended.both());
            reader.join().unwrap().unwrap();
            writer.join().unwrap().unwrap()
        });
        let after = fs::read_to_string(&env).unwrap();
        let (rotated, added) = after.split_at(before.len());
        assert_eq!(rotated, before.replace(OLD_KEY, NEW_KEY));
        assert_eq!(added.lines().count(), more, "{added}");
        assert_eq!(leftovers(&place), [""; 0]);
    }
}

/// `keygen` adds values to the file that is being rotated; their number.
fn keep_adding(place: &Place, ends: &AtomicBool) -> Result<usize, String> {
    let mut added = 0;
    while !ends.load(Ordering::SeqCst) {
        let words = format!("keygen --env .env --name MORE_{added}");
        added += usize::from(is_done(&run(place, &reading(words)))?);
    }
    Ok(added)
}

/// Readers of the file see the old key or the new one and all of the rest, and whole journals.
fn keep_checking(place: &Place, before: &str, ends: &AtomicBool) -> Result<(), String> {
    let check = reading("check --env .env --only auth --format json");
    let expected = statuses(&run(place, &check).stdout)?;
    while !ends.load(Ordering::SeqCst) {
        let text =
            fs::read_to_string(place.path("work/.env")).map_err(|error| error.to_string())?;
        let is_old_or_new =
            text.starts_with(before) || text.starts_with(&before.replace(OLD_KEY, NEW_KEY));
        if !is_old_or_new || !text.ends_with('\n') {
            return Err(text);
        }
        journals_are_whole(&place.path("state"))?;
        let found = statuses(&run(place, &check).stdout)?;
        if found != expected {
            return Err(format!("half a file: {found:?}"));
        }
    }
    Ok(())
}
