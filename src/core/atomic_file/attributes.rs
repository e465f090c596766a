//! Gives a new file the owner, mode, ACL and extended attributes of the old one.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{Gid, Mode, Uid};
use rustix::io::Errno;
use xattr::FileExt;

use super::{AtomicFileError, failed_errno};

/// The POSIX ACL of a file; a new file may have inherited one from its folder.
const ACCESS_ACL: &str = "system.posix_acl_access";

/// Attributes that are checksums of the old content.
const BOUND_TO_CONTENT: &[&str] = &["security.ima", "security.evm"];

/// Copies everything that a user could have set. The content must be written before: a write
/// clears file capabilities.
pub(super) fn copy(old: &File, new: &File, path: &Path) -> Result<(), AtomicFileError> {
    let lost = |attribute: &OsStr| {
        let attribute = attribute.to_string_lossy().into_owned();
        move |source| AtomicFileError::AttributeLost {
            path: path.to_owned(),
            attribute,
            source,
        }
    };
    let look = failed_errno(path, "look at the file");
    let (from, to) = (
        rustix::fs::fstat(old).map_err(&look)?,
        rustix::fs::fstat(new).map_err(&look)?,
    );
    if (from.st_uid, from.st_gid) != (to.st_uid, to.st_gid) {
        let owner = (from.st_uid != to.st_uid).then(|| Uid::from_raw(from.st_uid));
        let group = (from.st_gid != to.st_gid).then(|| Gid::from_raw(from.st_gid));
        change_owner(new, owner, group).map_err(lost(OsStr::new("owner or group")))?;
    }
    let mut inherited = new.list_xattr().into_iter().flatten();
    if inherited.any(|name| name == ACCESS_ACL) {
        new.remove_xattr(ACCESS_ACL)
            .map_err(lost(OsStr::new(ACCESS_ACL)))?;
    }
    rustix::fs::fchmod(new, Mode::from_raw_mode(from.st_mode))
        .map_err(|errno| lost(OsStr::new("mode"))(errno.into()))?;
    for name in names(old).map_err(lost(OsStr::new("extended attributes")))? {
        copy_one(old, new, &name).map_err(lost(&name))?;
    }
    Ok(())
}

fn change_owner(file: impl AsFd, owner: Option<Uid>, group: Option<Gid>) -> io::Result<()> {
    Ok(rustix::fs::fchown(file, owner, group)?)
}

fn names(file: &File) -> io::Result<Vec<std::ffi::OsString>> {
    match file.list_xattr() {
        Ok(names) => Ok(names
            .filter(|name| BOUND_TO_CONTENT.iter().all(|bound| name != bound))
            .collect()),
        Err(error) if is_unsupported(&error) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn copy_one(old: &File, new: &File, name: &OsStr) -> io::Result<()> {
    let Some(value) = old.get_xattr(name)? else {
        return Ok(());
    };
    // Often the system has given the new file the same label already, and would not let us set it.
    if new.get_xattr(name).ok().flatten().as_deref() == Some(value.as_slice()) {
        return Ok(());
    }
    new.set_xattr(name, &value)
}

fn is_unsupported(error: &io::Error) -> bool {
    [Errno::OPNOTSUPP, Errno::NOSYS]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
