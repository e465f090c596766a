//! `openclaw.json` is read or refused without quoting it; where it is plain JSON, a reader of JSON
//! finds the same in it.

use openclaw_sec::check::Upstream;
use openclaw_sec::secret::Secret;
use serde_json::Value;

use super::support::{assert_silent, file, with_keys};

/// A configuration of OpenClaw.
pub fn run(data: &[u8]) {
    let data = with_keys(data);
    let data = data.as_slice();
    let path = file("openclaw.json", data);
    let text = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let json = serde_json::from_slice::<Value>(text).ok();
    let upstream = match Upstream::read(&path) {
        Ok(upstream) => upstream,
        Err(error) => {
            assert!(json.is_none(), "{error}: {json:?}");
            return assert_silent(&error.to_string());
        }
    };
    let Some(json) = json else { return };
    let webhook = json.pointer("/channels/telegram/webhookUrl");
    assert_eq!(
        upstream.telegram_webhook.as_deref(),
        webhook.and_then(Value::as_str)
    );
    for (place, found) in upstream.literals() {
        let pointer = format!("/{}", place.replace('.', "/"));
        let expected = json.pointer(&pointer).and_then(Value::as_str);
        assert_eq!(expected.map(Secret::new).as_ref(), Some(found), "{place}");
    }
}
