//! Small files that are replaced as a whole: whoever reads one finds the old one or the new one.

use std::io;
use std::path::Path;

use super::failure::failed;
use super::file_calls::Disk;
use crate::base::error::Error;

/// Replaces a file: written beside, synced, renamed.
///
/// # Errors
/// `Io`; then the old one is still there.
pub(crate) fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    let write = || -> io::Result<()> {
        if disk.exists(&beside)? {
            disk.remove(&beside)?;
        }
        let file = disk.create(&beside)?;
        file.write_at(0, bytes)?;
        file.sync_data()?;
        disk.rename(&beside, path)?;
        disk.sync_folder(path.parent().unwrap_or(path))
    };
    write().map_err(|error| failed("write", path, error))
}

/// Reads a whole file; nothing if there is none.
///
/// # Errors
/// `Io`.
pub(crate) fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let file = match disk.open_read_only(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| failed("open", path, error))?,
    };
    let read = |error| failed("read", path, error);
    let mut bytes = vec![0; usize::try_from(file.len().map_err(read)?).unwrap_or_default()];
    let len = file.read_at(0, &mut bytes).map_err(read)?;
    bytes.truncate(len);
    Ok(Some(bytes))
}
