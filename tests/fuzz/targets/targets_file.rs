//! A list of deployments is read or refused, and says the same when it is written again.

use std::fmt::Write as _;

use openclaw_sec::fleet::merge::expected_names;
use openclaw_sec::fleet::targets::{TargetsError, read};

use super::support::{assert_silent, file, toml_text, with_keys};

/// A list of targets, or of names.
pub fn run(data: &[u8]) {
    let data = with_keys(data);
    let data = data.as_slice();
    let path = file("targets.toml", data);
    if let Ok(names) = expected_names(&path) {
        let text = names.join("\n");
        let again = expected_names(&file("names", text.as_bytes())).expect("a list of names");
        assert_eq!(names, again);
    }
    let mut targets = match read(&path) {
        Ok(targets) => targets,
        Err(error @ (TargetsError::Syntax { .. } | TargetsError::Nobody { .. })) => {
            return assert_silent(&error.to_string());
        }
        // A key, a name or a profile that is wrong is named.
        Err(_) => return,
    };
    let mut text = String::new();
    for target in &targets {
        let _ = writeln!(text, "[[target]]\nname = {}", toml_text(&target.name));
        let env = target
            .env
            .as_ref()
            .map(|path| path.to_string_lossy().into_owned());
        for (key, value) in [
            ("env", &env),
            ("url", &target.url),
            ("profile", &target.profile),
        ] {
            if let Some(value) = value {
                let _ = writeln!(text, "{key} = {}", toml_text(value));
            }
        }
    }
    let again = read(&file("targets.toml", text.as_bytes()));
    let mut again = again.expect("a list of targets");
    // They stand on other lines now.
    for target in targets.iter_mut().chain(&mut again) {
        target.url_line = None;
    }
    assert_eq!(again, targets, "{text}");
}
