//! Where the old value of a variable waits while its key is replaced: a hidden file beside the env file.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// An ending that no program reads by pattern.
const ENDING: &str = ".openclaw-sec.backup";

/// The backup of one variable of a file.
pub fn backup_path(file: &Path, variable: &str) -> PathBuf {
    let mut name = beginning(file.file_name().unwrap_or_default());
    name.push(variable);
    name.push(ENDING);
    file.with_file_name(name)
}

/// Whether `candidate` is the name of a backup of some variable of the file `name`.
pub fn is_backup_of(candidate: &OsStr, name: &OsStr) -> bool {
    let beginning = beginning(name);
    let rest = candidate.as_encoded_bytes();
    backed_up_variable(rest).is_some() && rest.starts_with(beginning.as_encoded_bytes())
}

/// The variable whose value a file of this name holds alone, if it is a backup.
pub fn backed_up_variable(name: &[u8]) -> Option<&[u8]> {
    let own = name.strip_suffix(ENDING.as_bytes())?;
    let dot = memchr::memrchr(b'.', own).filter(|_| own.starts_with(b"."))?;
    Some(&own[dot + 1..])
}

fn beginning(name: &OsStr) -> OsString {
    let mut beginning = OsString::new();
    if !name.as_encoded_bytes().starts_with(b".") {
        beginning.push(".");
    }
    beginning.push(name);
    beginning.push(".");
    beginning
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_told_from_other_files_by_its_name() {
        for (file, expected) in [
            (".env", ".env.A_KEY.openclaw-sec.backup"),
            ("bot.env", ".bot.env.A_KEY.openclaw-sec.backup"),
        ] {
            let path = backup_path(&Path::new("/etc").join(file), "A_KEY");
            assert_eq!(path, Path::new("/etc").join(expected));
            assert!(is_backup_of(OsStr::new(expected), OsStr::new(file)));
            assert!(!is_backup_of(OsStr::new(expected), OsStr::new("other.env")));
            let variable = backed_up_variable(expected.as_bytes());
            assert_eq!(variable, Some(&b"A_KEY"[..]));
        }
        for name in [".env", ".env.bak", "env.A.openclaw-sec.backup", ENDING] {
            assert!(
                !is_backup_of(OsStr::new(name), OsStr::new(".env")),
                "{name}"
            );
        }
    }
}
