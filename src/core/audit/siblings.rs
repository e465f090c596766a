//! The files that rotation makes of a log, compressed or not.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::backward::read_fully;
use crate::order;

/// Endings of compressed files.
const ENDINGS: [&str; 4] = [".gz", ".xz", ".bz2", ".zst"];

/// The rotated siblings of `path`, in no order that means anything: `audit.log.N`,
/// `audit.log-YYYYMMDD[-N]`, OpenClaw's `audit.N.log`, each also compressed. Where a file exists
/// both plain and compressed, compression is under way and only the plain one counts.
///
/// # Errors
/// When the folder cannot be listed to its end: some may be there that nobody sees. A folder that is
/// not there has none.
pub fn siblings(path: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else {
        return Ok(Vec::new());
    };
    let entries = match std::fs::read_dir(folder(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found: Vec<String> = Vec::new();
    for entry in entries {
        let candidate = entry?.file_name().into_string();
        found.extend(
            candidate
                .ok()
                .filter(|candidate| is_sibling(name, candidate)),
        );
    }
    order::sort(&mut found);
    let plain: Vec<String> = found
        .iter()
        .filter(|candidate| without_ending(candidate) == candidate.as_str())
        .cloned()
        .collect();
    found.retain(|candidate| {
        let bare = without_ending(candidate);
        bare == candidate.as_str() || !plain.iter().any(|plain| plain == bare)
    });
    Ok(found
        .into_iter()
        .map(|name| path.with_file_name(name))
        .filter(|path| match path.metadata() {
            Ok(metadata) => metadata.is_file(),
            // Reading it says what is wrong.
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        })
        .collect())
}

/// The folder a file lies in; `.` for a bare name.
pub fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Whether `candidate` is a rotated form of `name`.
pub fn is_sibling(name: &str, candidate: &str) -> bool {
    let bare = without_ending(candidate);
    if let Some(rest) = bare.strip_prefix(name) {
        let number = rest.strip_prefix('.').is_some_and(is_number);
        let date = rest.strip_prefix('-').is_some_and(is_date);
        return number || date;
    }
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return false;
    };
    bare.strip_prefix(stem)
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(|rest| rest.strip_suffix(extension))
        .and_then(|rest| rest.strip_suffix('.'))
        .is_some_and(is_number)
}

/// The number that rotation gave a file: `audit.log.3` and `audit.3.log` are both the third.
pub fn rotation_number(path: &Path) -> Option<i64> {
    let name = without_ending(path.file_name()?.to_str()?);
    name.rsplit('.').take(2).find_map(|word| word.parse().ok())
}

fn is_number(text: &str) -> bool {
    text.len() <= 9 && is_digits(text)
}

fn is_digits(text: &str) -> bool {
    (1..=14).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_date(text: &str) -> bool {
    let (date, number) = text.split_once('-').unwrap_or((text, "1"));
    // logrotate's `dateformat -%Y-%m-%d` is common, too, and so is a Unix time (`-%s`), alone or
    // behind a date.
    let is_plain = date.len() == 8 && is_digits(date) && is_digits(number);
    let with_dashes = text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
    is_plain || with_dashes || (text.len() >= 10 && is_digits(text))
}

fn without_ending(name: &str) -> &str {
    ENDINGS
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(name)
}

/// A dated name, such as `gateway-2026-11-20.log`: the text before and after the date.
pub fn dated(name: &str) -> Option<(&str, jiff::civil::Date, &str)> {
    let at = (0..name.len().saturating_sub(9)).rev().find(|at| {
        name.get(*at..at + 10).is_some_and(|text| {
            text.as_bytes()[4] == b'-' && text.parse::<jiff::civil::Date>().is_ok()
        })
    })?;
    let date = name[at..at + 10].parse().ok()?;
    Some((&name[..at], date, &name[at + 10..]))
}

/// The next file of a log with a date in its name, if one has appeared.
pub fn later_dated(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let (before, date, after) = dated(name)?;
    std::fs::read_dir(folder(path))
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|candidate| {
            let (other_before, other_date, other_after) = dated(&candidate)?;
            let is_later = other_before == before && other_after == after && other_date > date;
            is_later.then(|| (other_date, path.with_file_name(&candidate)))
        })
        .min()
        .map(|(_, path)| path)
}

/// How a file is compressed, told by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// The .xz file format.
    Xz,
    /// bzip2.
    Bzip2,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// Tells it from the first bytes.
    pub fn of(beginning: &[u8]) -> Self {
        const MAGIC: [(&[u8], Compression); 4] = [
            (b"\x1f\x8b", Compression::Gzip),
            (b"\xfd7zXZ\0", Compression::Xz),
            (b"BZh", Compression::Bzip2),
            (b"\x28\xb5\x2f\xfd", Compression::Zstd),
        ];
        MAGIC
            .iter()
            .find(|(magic, _)| beginning.starts_with(magic))
            .map_or(Self::None, |(_, compression)| *compression)
    }

    /// Tells it of an open file; a pipe, which is not asked twice for its beginning, is plain.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_file(file: &File) -> io::Result<Self> {
        let mut beginning = [0; 6];
        match read_fully(file, &mut beginning, 0) {
            Err(error) if error.kind() == io::ErrorKind::NotSeekable => Ok(Self::None),
            read => Ok(Self::of(&beginning[..read?])),
        }
    }
}

/// The plain content of an open file, whatever its compression, and how it is compressed.
///
/// # Errors
/// When the file cannot be read or its decoder cannot start.
pub fn plain_reader(file: File) -> io::Result<(Box<dyn Read>, Compression)> {
    let compression = Compression::of_file(&file)?;
    let reader: Box<dyn Read> = match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
        Compression::Xz => Box::new(liblzma::read::XzDecoder::new_multi_decoder(file)),
        Compression::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(file)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(file)?),
    };
    Ok((reader, compression))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_rotation_makes_is_a_sibling() {
        let yes = [
            "audit.log.1",
            "audit.log.12.gz",
            "audit.log-20261120",
            "audit.log-20261120-1.zst",
            "audit.log-20261120-1795168800.gz",
            "audit.log-2026112009",
            "audit.log-2026-11-20.xz",
            "audit.1.log",
            "audit.5.log.xz",
            "audit.log.2.bz2",
        ];
        let no = [
            "audit.log",
            "audit.log.seal",
            "audit.log~",
            "audit.log.1.tmp",
            "audit.logger.1",
            "audit.log.gz",
            "audit.log-old",
            "audit.x.log",
            "other.log.1",
            "audit.log.",
            "audit..log",
        ];
        for name in yes {
            assert!(is_sibling("audit.log", name), "{name}");
        }
        for name in no {
            assert!(!is_sibling("audit.log", name), "{name}");
        }
    }

    #[test]
    fn a_date_in_a_name_is_found() {
        let (before, date, after) = dated("gateway-2026-11-20.log").unwrap();
        assert_eq!(
            (before, date.to_string().as_str(), after),
            ("gateway-", "2026-11-20", ".log")
        );
        assert_eq!(dated("audit.log"), None);
        assert_eq!(dated("audit-2026-13-20.log"), None);
    }
}
