//! Git LFS: the blob is a pointer, and the content lies beside the repository, or is not here.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::read::Object;
use crate::scan::git::Git;
use crate::scan::leak::Leak;
use crate::scan::tree::open_regular;
use crate::scan::window::Reader;

/// A pointer is shorter than this, in bytes.
const LONGEST_POINTER: u64 = 1 << 10;
const HEAD: &[u8] = b"version https://git-lfs.github.com/spec/";
const OID: &[u8] = b"oid sha256:";

/// Where a repository keeps the contents.
pub(super) struct Lfs<'g> {
    git: &'g Git<'g>,
    /// Asked for at the first pointer.
    objects: Option<Option<PathBuf>>,
    missing: usize,
}

impl<'g> Lfs<'g> {
    pub(super) fn of(git: &'g Git<'g>) -> Self {
        Self {
            git,
            objects: None,
            missing: 0,
        }
    }

    /// Searches an object, and the content that it points to.
    pub(super) fn search(
        &mut self,
        object: &mut Object<'_>,
        reader: &mut Reader<'_, '_>,
        place: Option<(&[u8], &str)>,
        leaks: &mut Vec<Leak>,
    ) -> io::Result<()> {
        let (path, shown) = place.unzip();
        if object.size >= LONGEST_POINTER {
            reader.search(&mut object.content, path, shown, leaks)?;
            return Ok(());
        }
        let mut text = Vec::new();
        object.content.read_to_end(&mut text)?;
        reader.search(&mut text.as_slice(), path, shown, leaks)?;
        if let Some(oid) = oid_of(&text) {
            match self.open(oid) {
                // What cannot be read is missing, too.
                Some(mut content) => {
                    if reader.search(&mut content, path, shown, leaks).is_err() {
                        self.missing += 1;
                    }
                }
                None => self.missing += 1,
            }
        }
        Ok(())
    }

    /// What could not be searched.
    pub(super) fn complaint(&self) -> Option<String> {
        let what = match self.missing {
            0 => return None,
            1 => "1 LFS object is not here".to_owned(),
            many => format!("{many} LFS objects are not here"),
        };
        Some(format!("{what}: run `git lfs fetch --all`"))
    }

    fn open(&mut self, oid: &str) -> Option<io::Take<File>> {
        let git = self.git;
        let objects = self.objects.get_or_insert_with(|| {
            let folder = git.answer(&["rev-parse", "--git-common-dir"]).ok()?;
            let folder = std::ffi::OsStr::from_bytes(folder.strip_suffix(b"\n")?).to_owned();
            Some(git.folder().join(folder).join("lfs").join("objects"))
        });
        let path = objects.as_ref()?.join(&oid[..2]).join(&oid[2..4]).join(oid);
        let file = open_regular(&path).ok().flatten()?;
        let length = file.metadata().ok()?.len();
        Some(file.take(length))
    }
}

/// The content's name in the text of a pointer.
fn oid_of(text: &[u8]) -> Option<&str> {
    if !text.starts_with(HEAD) {
        return None;
    }
    let mut lines = text.split(|byte| *byte == b'\n');
    let oid = lines.find_map(|line| line.strip_prefix(OID))?.trim_ascii();
    let is_oid = oid.len() == 64 && oid.iter().all(u8::is_ascii_hexdigit);
    std::str::from_utf8(oid).ok().filter(|_| is_oid)
}
