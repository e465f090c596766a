//! After an env file's secrets were replaced, none of them stands in the text any more.

use openclaw_sec::audit::secrets::{EnvSecrets, secrets_of, spellings};
use openclaw_sec::env_file::EnvFile;
use openclaw_sec::redact::Redactor;
use openclaw_sec::secret::Secret;

use super::support::{parts, state, with_keys};

/// An env file and a text.
pub fn run(data: &[u8]) {
    let data = with_keys(data);
    let data = data.as_slice();
    let [file, text] = parts(data);
    let file = EnvFile::parse(file);
    let secrets = secrets_of(&file);
    let fingerprints = state().fingerprints().expect("a salt");
    let known = EnvSecrets::of(&file, &fingerprints);
    let planted = [text, b" "]
        .into_iter()
        .chain(secrets.iter().map(Secret::expose))
        .collect::<Vec<_>>()
        .concat();
    for text in [text, planted.as_slice()] {
        let mut end = 0;
        for range in known.find(text) {
            assert!(end <= range.start && range.start < range.end && range.end <= text.len());
            end = range.end;
        }
        let cleaned = known.replace(text);
        for secret in secrets.iter().filter(|secret| is_telling(secret)) {
            for spelling in spellings(secret.expose()) {
                let is_left = memchr::memmem::find(&cleaned, &spelling).is_some();
                assert!(!is_left, "{cleaned:?} shows {:?}", secret.expose());
            }
        }
    }
    let redactor = Redactor::knowing(&secrets);
    let text = String::from_utf8_lossy(&planted);
    let cleaned = redactor.clean(&text);
    for secret in secrets.iter().filter(|secret| is_telling(secret)) {
        if let Ok(value) = std::str::from_utf8(secret.expose()) {
            assert!(!cleaned.contains(value), "{cleaned:?} shows {value:?}");
        }
    }
}

/// What we put in the place of a secret may look like one that looks like it.
fn is_telling(secret: &Secret) -> bool {
    let ours = [&b"sha256"[..], b"redacted"];
    !ours
        .iter()
        .any(|word| memchr::memmem::find(secret.expose(), word).is_some())
}
