//! Files that have their name only once they are whole: written beside it, synced, renamed.

use std::path::{Path, PathBuf};

use super::failure::failed;
use super::file_calls::Disk;
use crate::base::error::Error;

/// What the name of a file ends in that is not whole yet.
pub(crate) const UNFINISHED: &str = "unfinished";

/// The name under which a file is to be written; one that was left there is removed.
///
/// # Errors
/// `Io`.
pub(crate) fn begin(disk: &dyn Disk, path: &Path) -> Result<PathBuf, Error> {
    let unfinished = path.with_extension(UNFINISHED);
    if disk.exists(&unfinished).map_err(|error| failed("look for", &unfinished, error))? {
        disk.remove(&unfinished).map_err(|error| failed("remove", &unfinished, error))?;
    }
    Ok(unfinished)
}

/// Gives a file that was written and synced its name, for good.
///
/// # Errors
/// `Io`.
pub(crate) fn finish(disk: &dyn Disk, unfinished: &Path, path: &Path) -> Result<(), Error> {
    disk.rename(unfinished, path).map_err(|error| failed("rename", unfinished, error))?;
    let folder = path.parent().unwrap_or(path);
    disk.sync_folder(folder).map_err(|error| failed("sync", folder, error))
}
