//! Tests: keys of every age, and what is said about them.

use std::fs::FileTimes;
use std::time::{Duration, SystemTime};

use super::*;
use crate::rotate::ledger::Entry;
use crate::world::World;

const ANTHROPIC: &str = "ANTHROPIC_API_KEY=sk-ant-api03-q8Zt";
const DAY: i64 = 86_400;

fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// That many seconds ago.
fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() - seconds).unwrap()
}

/// An env file that was changed that many seconds ago, and a folder for state.
struct Case {
    folder: tempfile::TempDir,
    state: StateDir,
    text: String,
}

impl Case {
    fn new(text: &str, changed_ago: i64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let state = StateDir::locate(Some(&state), &World::real()).unwrap();
        std::fs::write(folder.path().join(".env"), text).unwrap();
        let case = Self {
            folder,
            state,
            text: text.to_owned(),
        };
        case.change(changed_ago);
        case
    }

    /// The file was changed that many seconds ago.
    fn change(&self, seconds_ago: i64) {
        let file = std::fs::File::options()
            .append(true)
            .open(self.folder.path().join(".env"))
            .unwrap();
        let seconds = u64::try_from(ago(seconds_ago).as_second()).unwrap();
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        file.set_times(FileTimes::new().set_modified(changed))
            .unwrap();
    }

    fn survey(&self) -> Survey {
        let salted = self.state.fingerprints().unwrap();
        survey(
            &EnvFile::parse(self.text.as_str()),
            &self.folder.path().join(".env"),
            None,
            &self.state,
            Some(&salted),
            now(),
            (90, 14),
        )
        .unwrap()
    }

    /// Writes what the ledger knows about the one key of the file.
    fn known(&self, change: impl FnOnce(&mut Entry)) -> Age {
        let key = self.survey().keys.remove(0);
        let mut entry = Entry {
            env: atomic_file::resolve(&self.folder.path().join(".env")).unwrap(),
            name: key.name,
            provider: None,
            fingerprint: key.fingerprint,
            created_at: None,
            rotated_at: None,
            verified_at: None,
            first_seen_at: now(),
            file_changed_at: None,
            expires_at: None,
        };
        change(&mut entry);
        Ledger::update(&self.state, |ledger| ledger.keys.push(entry)).unwrap();
        self.survey().keys.remove(0)
    }
}

#[test]
fn a_key_comes_of_age_after_90_days_and_is_warned_about_14_days_before() {
    for (seconds, age_days, due) in [
        (0, 0, Due::Fresh),
        (DAY - 1, 0, Due::Fresh),
        (DAY, 1, Due::Fresh),
        (75 * DAY, 75, Due::Fresh),
        (76 * DAY, 76, Due::Soon),
        (90 * DAY, 90, Due::Soon),
        (91 * DAY - 1, 90, Due::Soon),
        (91 * DAY, 91, Due::Overdue),
        (1000 * DAY, 1000, Due::Overdue),
    ] {
        let key = Case::new(ANTHROPIC, seconds).survey().keys.remove(0);
        assert_eq!((key.age_days, key.due), (age_days, due), "{seconds}");
        assert_eq!(key.days_left, 90 - age_days);
        assert!(!key.is_recorded);
    }
}

#[test]
fn the_date_comes_from_the_best_source() {
    type Known = fn(&mut Entry);
    let cases: [(i64, Known, i64, &str, bool); 7] = [
        (
            100,
            |e| e.rotated_at = Some(ago(10 * DAY)),
            10,
            "rotated",
            true,
        ),
        (
            5,
            |e| e.rotated_at = Some(ago(10 * DAY)),
            10,
            "rotated",
            true,
        ),
        (
            100,
            |e| e.created_at = Some(ago(20 * DAY)),
            20,
            "created by API",
            true,
        ),
        (
            100,
            |e| e.first_seen_at = ago(10 * DAY),
            100,
            "file changed",
            true,
        ),
        (
            5,
            |e| e.first_seen_at = ago(10 * DAY),
            10,
            "first seen",
            true,
        ),
        // Another value stands there now, or another file has this variable.
        (
            5,
            |e| e.fingerprint = "sha256:other".into(),
            5,
            "file changed",
            false,
        ),
        (
            5,
            |e| e.env = "/other/.env".into(),
            5,
            "file changed",
            false,
        ),
    ];
    for (changed_days, known, age_days, source, is_recorded) in cases {
        let key = Case::new(ANTHROPIC, changed_days * DAY).known(known);
        assert_eq!((key.age_days, key.source), (age_days, source));
        assert_eq!(key.is_recorded, is_recorded, "{source}");
    }
    // A file from the future is as old as its first sight.
    let key = Case::new(ANTHROPIC, -DAY).survey().keys.remove(0);
    assert_eq!((key.age_days, key.source), (0, "first seen"));
    let key = Case::new(ANTHROPIC, 0).survey().keys.remove(0);
    assert_eq!(key.source, "first seen");
}

#[test]
fn a_key_that_ends_by_itself_is_due_before_it_does() {
    for (seconds_left, days_left, due) in [
        (300 * DAY, 90, Due::Fresh),
        (15 * DAY, 15, Due::Fresh),
        (15 * DAY - 1, 14, Due::Soon),
        (0, 0, Due::Soon),
        (-1, -1, Due::Overdue),
    ] {
        let key = Case::new(ANTHROPIC, 0).known(|entry| {
            entry.rotated_at = Some(now());
            entry.expires_at = Some(ago(-seconds_left));
        });
        assert_eq!((key.days_left, key.due), (days_left, due));
    }
}

#[test]
fn a_key_of_age_is_due_however_long_it_would_last() {
    let key = Case::new(ANTHROPIC, 0).known(|entry| {
        entry.rotated_at = Some(ago(80 * DAY));
        entry.expires_at = Some(ago(-50 * DAY));
    });
    assert_eq!((key.days_left, key.due), (10, Due::Soon));
}

#[test]
fn only_secrets_that_are_set_and_real_have_an_age() {
    let by_shape = format!("X=AIza{}", "q8Zt0vXrLm2Kp9Wc4Yb7Tn5Hs3Df6Gj1Qa8");
    for (text, expected) in [
        (ANTHROPIC, "ANTHROPIC_API_KEY anthropic"),
        ("WEB_API_KEY=hunter2", "WEB_API_KEY openclaw"),
        ("OTHER_TOKEN=hunter2", "OTHER_TOKEN -"),
        (&by_shape, "X -"),
        ("FORCE_HTTPS=true", ""),
        ("SSH_KEY=/home/me/.ssh/id_ed25519\nMAX_TOKEN=4096", ""),
        ("OTHER=hunter2", ""),
        ("WEB_API_KEY=", ""),
        ("WEB_API_KEY=your-secret-key-here", ""),
        ("WEB_API_KEY=hunter3\nWEB_API_KEY=", ""),
        ("WEB_API_KEY=\nWEB_API_KEY=hunter2", "WEB_API_KEY openclaw"),
        ("A_TOKEN=hunter2\nB=x\nA_TOKEN=hunter3", "A_TOKEN -"),
    ] {
        let keys = Case::new(text, 0).survey().keys;
        let shown: Vec<String> = keys
            .iter()
            .map(|key| format!("{} {}", key.name, key.provider.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(shown.join(", "), expected, "{text}");
    }
}

#[test]
fn a_survey_that_is_recorded_starts_the_clock() {
    let case = Case::new(ANTHROPIC, 0);
    let survey = case.survey();
    survey
        .record(&case.folder.path().join(".env"), &case.state, ago(3 * DAY))
        .unwrap();
    let key = case.survey().keys.remove(0);
    assert!(key.is_recorded);
    assert_eq!((key.age_days, key.source), (3, "first seen"));
}

#[test]
fn a_later_change_of_the_file_makes_no_known_key_younger() {
    let case = Case::new(ANTHROPIC, 100 * DAY);
    let env = case.folder.path().join(".env");
    let record = || case.survey().record(&env, &case.state, now()).unwrap();
    record();
    for changed in [0, 5 * DAY] {
        case.change(changed);
        record();
        let key = case.survey().keys.remove(0);
        assert_eq!((key.age_days, key.due), (100, Due::Overdue));
        assert_eq!(key.source, "file changed");
    }
    // An older file that was put back tells more.
    case.change(200 * DAY);
    assert_eq!(case.survey().keys.remove(0).age_days, 200);
}
