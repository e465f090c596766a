//! A configuration is read or refused without quoting it, and says the same when it is written again.

use std::fmt::Write as _;

use openclaw_sec::settings::{KnownFlags, Settings, SettingsError};

use super::support::{Nothing, assert_silent, file, toml_text, world};

/// A configuration.
pub fn run(data: &[u8]) {
    let settings = match load(data) {
        Ok(settings) => settings,
        // A key that nobody knows is named; a value never is.
        Err(SettingsError::UnknownKey { .. }) => return,
        Err(error) => return assert_silent(&error.to_string()),
    };
    let written = written(&settings);
    let again = load(written.as_bytes()).unwrap_or_else(|error| panic!("{error}: {written}"));
    let shown = |settings: &Settings| {
        let flags = settings.defaults.iter();
        let mut flags: Vec<_> = flags.map(|d| (&d.table, &d.flag, &d.values)).collect();
        flags.sort();
        let mut tuned: Vec<_> = settings.detectors.iter().collect();
        tuned.sort_by_key(|one| (&one.detector, &one.key));
        let tailnet = &settings.operator_tailnet;
        format!("{flags:?} {:?} {tailnet:?} {tuned:?}", settings.waivers)
    };
    assert_eq!(shown(&settings), shown(&again), "{written}");
}

fn load(bytes: &[u8]) -> Result<Settings, SettingsError> {
    let path = file("settings.toml", bytes);
    let known = || {
        let flags = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        KnownFlags::from([
            (String::new(), flags(&["color", "quiet"])),
            ("check".to_owned(), flags(&["format", "fail-on", "only"])),
            (
                "detectors".to_owned(),
                flags(&["brute-force", "off-hours", "ignore"]),
            ),
            (
                "detectors.brute-force".to_owned(),
                flags(&["count", "enabled"]),
            ),
            (
                "detectors.off-hours".to_owned(),
                flags(&["hours", "enabled"]),
            ),
        ])
    };
    let world = world(Box::new(Nothing));
    Settings::load(Some(&path), &world, known, openclaw_sec::check::is_id)
}

fn written(settings: &Settings) -> String {
    let mut text = String::new();
    let list = |values: &[String]| {
        let values: Vec<String> = values.iter().map(|value| toml_text(value)).collect();
        format!("[{}]", values.join(", "))
    };
    for one in settings.defaults.iter().filter(|one| one.table.is_empty()) {
        let _ = writeln!(text, "{} = {}", one.flag, list(&one.values));
    }
    if let Some(name) = &settings.operator_tailnet {
        let _ = writeln!(text, "network.operator-tailnet = {}", toml_text(name));
    }
    for one in &settings.detectors {
        let value = match one.key.as_str() {
            "ignore" => list(&one.values),
            "hours" => toml_text(&one.values[0]),
            _ => one.values[0].clone(),
        };
        let place = match one.detector.as_str() {
            "" => one.key.clone(),
            detector => format!("{detector}.{}", one.key),
        };
        let _ = writeln!(text, "detectors.{place} = {value}");
    }
    for one in settings.defaults.iter().filter(|one| !one.table.is_empty()) {
        let _ = writeln!(text, "{}.{} = {}", one.table, one.flag, list(&one.values));
    }
    for waiver in &settings.waivers {
        let _ = writeln!(
            text,
            "[[waiver]]\nid = {}\nreason = {}\nexpires = {}",
            toml_text(&waiver.id),
            toml_text(&waiver.reason),
            waiver.expires
        );
        for (key, value) in [("target", &waiver.target), ("owner", &waiver.owner)] {
            if let Some(value) = value {
                let _ = writeln!(text, "{key} = {}", toml_text(value));
            }
        }
    }
    text
}
