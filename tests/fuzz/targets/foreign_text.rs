//! Foreign text is harmless afterwards, and JSON still says the same.

use openclaw_sec::foreign_text::{harmless, harmless_json};
use openclaw_sec::redact::{Redactor, json_escaped, percent_encoded};

use super::support::{assert_harmless, with_keys};

/// Any text.
pub fn run(data: &[u8]) {
    let data = with_keys(data);
    let data = data.as_slice();
    let text = String::from_utf8_lossy(data);
    let shown = harmless(&text);
    assert_harmless(&shown, "a text");
    assert!(!shown.contains('\n'));
    assert_eq!(harmless(&shown), shown);
    let json = serde_json::to_string(&*text).expect("a text is JSON");
    let safe = harmless_json(&json);
    assert_harmless(&safe, "JSON");
    assert_eq!(
        serde_json::from_str::<String>(&safe).ok().as_deref(),
        Some(&*text)
    );
    let redactor = Redactor::default();
    let cleaned = redactor.clean(&text).into_owned();
    assert_eq!(redactor.clean(&cleaned), cleaned);
    let mut in_place = text.clone().into_owned();
    redactor.clean_in_place(&mut in_place);
    assert_eq!(in_place, cleaned);
    assert!(percent_encoded(data).is_ascii());
    let escaped = [b"\"", &json_escaped(text.as_bytes())[..], b"\""].concat();
    assert_eq!(
        serde_json::from_slice::<String>(&escaped).ok().as_deref(),
        Some(&*text)
    );
}
