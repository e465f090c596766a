//! The ledger is read or refused, and a change that changes nothing leaves what it says.

use openclaw_sec::env_file::EnvFile;
use openclaw_sec::rotate::{Ledger, survey};

use super::support::{now, state};

/// A ledger.
pub fn run(data: &[u8]) {
    let state = state();
    let path = state.path().join("ledger.json");
    std::fs::write(&path, data).expect("a ledger");
    let Ok(ledger) = Ledger::load(&state) else {
        let refused = Ledger::update(&state, |_| {});
        assert!(refused.is_err());
        assert_eq!(std::fs::read(&path).ok().as_deref(), Some(data));
        return;
    };
    let file = EnvFile::parse("OPENAI_API_KEY=old-key-000000000\nWEB_API_KEY=b\n");
    let fingerprints = state.fingerprints().expect("a salt");
    let ages = (90, 14);
    let ages = survey(
        &file,
        "/srv/.env".as_ref(),
        None,
        &state,
        Some(&fingerprints),
        now(),
        ages,
    );
    let _ = ages.map(|survey| survey.keys.len());
    for entry in &ledger.keys {
        let _ = entry.since();
    }
    Ledger::update(&state, |_| {}).expect("it can be written");
    let first = std::fs::read(&path).expect("a ledger");
    assert_eq!(
        Ledger::load(&state).expect("it can be read").keys,
        ledger.keys
    );
    Ledger::update(&state, |_| {}).expect("it can be written");
    assert_eq!(std::fs::read(&path).ok(), Some(first));
    std::fs::remove_file(&path).expect("a ledger");
}
