//! Looks at a pasted key before it is sent anywhere.

use std::time::Duration;

use super::RotateError;
use super::plan::KeySource;
use super::providers::Provider;
use crate::env_file::{EnvFile, EnvFileError};
use crate::key_shapes::{self, ShapeVerdict, Uncleanness, judge_provider_value};
use crate::placeholder::{PlaceholderKind, placeholder};
use crate::secret::Secret;
use crate::world::World;

/// A longer text is no key, in bytes.
const LONGEST_KEY: usize = 16 << 10;
/// How long the writer of a pipe is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes the one line break off that a file ends with.
///
/// # Errors
/// When what is left is empty, has several lines or is too long.
pub fn one_line(bytes: &[u8]) -> Result<Secret, RotateError> {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(RotateError::NewKey("is empty"));
    }
    if line.iter().any(|byte| b"\r\n".contains(byte)) {
        return Err(RotateError::NewKey("has several lines; a key is one line"));
    }
    if line.len() > LONGEST_KEY {
        return Err(RotateError::NewKey("is too long for a key"));
    }
    Ok(Secret::new(line))
}

/// Reads a key from where it lies; none where it cannot be read a second time.
///
/// # Errors
/// In words, why it cannot be read.
pub fn read(source: &KeySource, world: &World) -> Result<Option<Secret>, String> {
    match source {
        KeySource::File(path) => {
            let file = EnvFile::read(path, PATIENCE).map_err(|error| match error {
                EnvFileError::Missing(path) => format!("{}: no such file", path.display()),
                EnvFileError::Directory(path) => {
                    format!(
                        "{}: is a directory; name the file with the key in it",
                        path.display()
                    )
                }
                error => error.to_string(),
            })?;
            one_line(file.bytes())
                .map(Some)
                .map_err(|error| error.to_string())
        }
        KeySource::Variable(name) => {
            let value = world
                .variable(name)
                .ok_or_else(|| format!("the variable {name} is not set"))?;
            one_line(value.as_encoded_bytes())
                .map(Some)
                .map_err(|error| error.to_string())
        }
        KeySource::Once | KeySource::Created => Ok(None),
    }
}

/// Refuses what cannot be a key of this provider for certain. An unknown shape goes on.
///
/// # Errors
/// [`RotateError::NewKey`], which says what is wrong and never shows the key.
pub fn inspect(provider: &Provider, key: &Secret) -> Result<(), RotateError> {
    let value = key.expose();
    if value.iter().any(|byte| !byte.is_ascii_graphic()) && std::str::from_utf8(value).is_err() {
        return Err(RotateError::NewKey("is no text"));
    }
    if has_surrounding_blank(value) || value.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        return Err(RotateError::NewKey("holds a blank or a control character"));
    }
    let is_admin = provider
        .admin_prefixes
        .iter()
        .any(|prefix| value.starts_with(prefix.as_bytes()));
    if is_admin {
        return Err(RotateError::NewKey(
            "is an admin key, which must not stand where a bot reads it",
        ));
    }
    match judge_provider_value(provider.variables[0], value) {
        ShapeVerdict::Unclean(uncleanness) => Err(RotateError::NewKey(match uncleanness {
            Uncleanness::Quotes => "holds quotation marks; paste the key without them",
            Uncleanness::Blanks => "holds a blank",
            Uncleanness::ZeroWidth => "holds an invisible character; copy it again",
            Uncleanness::Control => "holds a control character",
            Uncleanness::NotUtf8 => "is no text",
        })),
        ShapeVerdict::OtherProvider(_) => Err(RotateError::NewKey(
            "has the shape of another provider's key, so it is not sent to this one",
        )),
        _ if !value.is_ascii() => Err(RotateError::NewKey(
            "holds a character that no key has; copy it again",
        )),
        _ => Ok(()),
    }
}

/// Whether an old value is no key, whoever's: a placeholder. A reference is not, since it may lead to
/// a key, and neither is one that holds a key.
pub fn is_none(old: &Secret) -> bool {
    let kind = placeholder(old.expose());
    kind.is_some_and(|kind| kind != PlaceholderKind::Unexpanded)
        && key_shapes::find_all(old.expose()).is_empty()
}

/// The old key without the blanks around it, which programs differ about.
pub fn trimmed(old: &Secret) -> Secret {
    Secret::new(old.expose().trim_ascii())
}

/// Whether the provider's refusal of the old value would say something about the key in it: one of
/// this provider with nothing around it. A list, a reference or `Bearer KEY` is refused as a whole
/// while its key lives.
pub fn can_be_judged(provider: &Provider, old: &Secret) -> bool {
    let value = old.expose();
    let padding = value.iter().rev().take_while(|byte| **byte == b'=').count();
    let is_plain = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || b"-_.~+/".contains(byte)
            || provider.id_ends_at == Some(*byte)
    };
    value[..value.len() - padding].iter().all(is_plain) && belongs(provider, old)
}

/// Whether the old value may be shown to this provider: a key of another one may not.
pub fn belongs(provider: &Provider, key: &Secret) -> bool {
    !matches!(
        judge_provider_value(provider.variables[0], key.expose()),
        ShapeVerdict::OtherProvider(_)
    ) && key.expose().iter().all(u8::is_ascii_graphic)
}

fn has_surrounding_blank(value: &[u8]) -> bool {
    value.first().is_some_and(u8::is_ascii_whitespace)
        || value.last().is_some_and(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotate::providers;

    #[test]
    fn one_line_break_at_the_end_is_dropped_and_others_are_refused() {
        for (text, expected) in [
            ("key", Some("key")),
            ("key\n", Some("key")),
            ("key\r\n", Some("key")),
            ("key\n\n", None),
            ("a\nb", None),
            ("", None),
            ("\n", None),
        ] {
            let found = one_line(text.as_bytes()).ok();
            assert_eq!(found, expected.map(Secret::new), "{text:?}");
        }
    }

    #[test]
    fn what_clearly_is_no_key_of_the_provider_is_refused() {
        let openai = providers::find("openai").unwrap();
        let foreign = format!("sk-ant-api03-{}AA", "a1".repeat(46) + "b");
        for bad in [
            "'sk-abc'",
            "\"sk-abc\"",
            "sk abc",
            " sk-abc",
            "sk-abc\u{200b}",
            "sk-\u{7}abc",
            "sk-admin-abcdefgh",
            "sk-abcdé",
            &foreign,
        ] {
            assert!(inspect(openai, &Secret::new(bad)).is_err(), "{bad:?}");
        }
        for good in ["sk-proj-abcdefgh1234", "anything-new-2031"] {
            assert!(inspect(openai, &Secret::new(good)).is_ok(), "{good:?}");
        }
    }
}
