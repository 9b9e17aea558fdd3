//! The file that remembers erasures, in the folder of a database.

use std::path::{Path, PathBuf};

use crate::base::error::{Error, ErrorKind};
use crate::persist::disk::file_calls::Disk;
use crate::persist::disk::replaced;
use crate::persist::record::erasure_book::{BookFault, ErasureBook};

const NAME: &str = "habitue.erasures";

/// Where it is in a folder.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// Reads the book of a folder; nothing if nobody was ever erased.
///
/// # Errors
/// `Damaged`, `Incompatible`, `Io`.
pub(crate) fn read(disk: &dyn Disk, folder: &Path) -> Result<Option<ErasureBook>, Error> {
    let path = path(folder);
    let Some(bytes) = replaced::read(disk, &path)? else { return Ok(None) };
    ErasureBook::read(&bytes).map(Some).map_err(|fault| match fault {
        BookFault::Damaged => {
            let message = format!(
                "`{}` is damaged; put it back from a backup that is not older than the last erasure, or open \
                 with salvage, which forgets who was erased",
                path.display()
            );
            Error::new(ErrorKind::Damaged, message)
        }
        BookFault::Version(version) => {
            let message = format!(
                "`{}` is of version {version}, which this release does not know; use the one that wrote it, \
                 or a newer one",
                path.display()
            );
            Error::new(ErrorKind::Incompatible, message)
        }
    })
}

/// Replaces the book of a folder.
///
/// # Errors
/// `Io`; then the old one is still there.
pub(crate) fn write(disk: &dyn Disk, folder: &Path, book: &ErasureBook) -> Result<(), Error> {
    replaced::replace(disk, &path(folder), &book.write())
}

/// The error of a book that is gone.
pub(crate) fn gone(folder: &Path) -> Error {
    let message = format!(
        "`{}` is missing, which says who must not come back; put it back, restore a backup that is not \
         older than the last erasure, or open with salvage, which forgets who was erased",
        path(folder).display()
    );
    Error::new(ErrorKind::Damaged, message)
}
