//! Folders whose name is on stable storage.

use std::path::Path;

use super::failure::failed;
use super::file_calls::Disk;
use crate::base::error::Error;

/// Makes a folder for good, if it is not there.
///
/// # Errors
/// `Io`.
pub(crate) fn make(disk: &dyn Disk, folder: &Path) -> Result<(), Error> {
    if !disk.exists(folder).map_err(|error| failed("look for", folder, error))? {
        disk.create_folder(folder).map_err(|error| failed("make", folder, error))?;
        if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
            disk.sync_folder(above).map_err(|error| failed("sync", above, error))?;
        }
    }
    Ok(())
}
