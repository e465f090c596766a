//! The env file's value is found wherever it stands and in whatever form, and never shown.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openclaw_sec::scan::{OwnValue, hunt};
use openclaw_sec::secret::Secret;

use super::support::{Choices, Nothing, clear, now, scratch, world};

const OWN: &str = "Wm3kQ9/own?value+7Tz";

/// Two bytes that say where and how the value stands, and the text around it.
pub fn run(data: &[u8]) {
    let (choices, text) = data.split_at(data.len().min(4));
    let mut choices = Choices::of(choices);
    let at = usize::from(choices.number()) % (text.len() + 1);
    let planted = planted(&mut choices, &text[at.saturating_sub(2)..at]);
    // At the edge of two windows now and then.
    let before = match choices.byte() {
        edge @ 200.. => vec![b'.'; (256 << 10) - usize::from(edge - 200)],
        _ => Vec::new(),
    };
    let tree = scratch("scanned");
    clear(&tree);
    std::fs::create_dir_all(&tree).expect("a folder");
    let whole = [before.as_slice(), &text[..at], &planted, &text[at..]].concat();
    std::fs::write(tree.join("a.txt"), whole).expect("a file");
    let values = vec![OwnValue {
        name: "WEB_API_KEY".to_owned(),
        value: Secret::new(OWN),
    }];
    let today = now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let found = hunt(&tree, values, today, &world(Box::new(Nothing)));
    assert!(found.unread.is_empty(), "{:?}", found.unread);
    let is_it = |variable: &Option<String>| variable.as_deref() == Some("WEB_API_KEY");
    assert!(found.leaks.iter().any(|leak| is_it(&leak.variable)));
    assert!(!format!("{:?}", found.leaks).contains("own?value"));
}

/// One of the forms, for base64 with other bytes in front.
fn planted(choices: &mut Choices<'_>, before: &[u8]) -> Vec<u8> {
    let encoded = [before, OWN.as_bytes(), b"!"].concat();
    match choices.below(8) {
        0 => OWN.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        1 => format!("\n{}\n", STANDARD.encode(encoded)).into_bytes(),
        2 => format!("\n{}\n", URL_SAFE_NO_PAD.encode(encoded)).into_bytes(),
        3 => OWN
            .replace('/', "%2F")
            .replace('?', "%3F")
            .replace('+', "%2B")
            .into_bytes(),
        4 => OWN
            .replace('/', "%2f")
            .replace('?', "%3f")
            .replace('+', "%2b")
            .into_bytes(),
        5 => OWN.replace('/', "\\/").into_bytes(),
        _ => OWN.as_bytes().to_vec(),
    }
}
