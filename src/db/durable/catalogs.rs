//! Catalogs that were replaced, each in a file under its revision.
//!
//! The one in force is in the manifest or in the journal. An old one is needed as long as a profile in the
//! live store is under it, and by whoever wants to know by which rules a decision was made.

use std::path::{Path, PathBuf};

use crate::base::error::Error;
use crate::db::publishing::without_lists;
use crate::persist::disk::failure::failed;
use crate::persist::disk::file_calls::Disk;
use crate::persist::disk::{sealed_text, stable_folder};

/// What the names of the files end in, after the revision.
const SUFFIX: &str = ".catalog";

/// How many catalogs before those that are needed may still have their lists: as many as a profile may be
/// behind, and some.
const MOST_WITH_LISTS: u64 = 32;

/// Writes a catalog that is about to be replaced, packed.
///
/// # Errors
/// `Io`.
pub(crate) fn write(disk: &dyn Disk, folder: &Path, revision: u64, packed: &str) -> Result<(), Error> {
    stable_folder::make(disk, &catalogs_folder(folder))?;
    sealed_text::write(disk, &path(folder, revision), packed)
}

/// Reads the replaced catalog of a revision; `None` if there is none.
///
/// # Errors
/// `Io`, `Damaged`.
pub(crate) fn read(disk: &dyn Disk, folder: &Path, revision: u64) -> Result<Option<String>, Error> {
    let remedy = "remove it: the catalog in force does not need it";
    sealed_text::read(disk, &path(folder, revision), remedy)
}

/// Lets go of the lists that were published beside the latest catalogs before a revision, which no profile is
/// under any more.
///
/// # Errors
/// `Io`, `Damaged`.
pub(crate) fn let_go_of_lists(disk: &dyn Disk, folder: &Path, before: u64) -> Result<(), Error> {
    for revision in before.saturating_sub(MOST_WITH_LISTS)..before {
        if let Some(packed) = read(disk, folder, revision)?
            && let Some(smaller) = without_lists(&packed)?
        {
            write(disk, folder, revision, &smaller)?;
        }
    }
    Ok(())
}

/// Copies all that a folder has to another, for a backup.
///
/// # Errors
/// `Io`, `Damaged`.
pub(crate) fn copy(disk: &dyn Disk, from: &Path, to: &Path) -> Result<(), Error> {
    let folder = catalogs_folder(from);
    if !disk.exists(&folder).map_err(|error| failed("look for", &folder, error))? {
        return Ok(());
    }
    for name in disk.list(&folder).map_err(|error| failed("list", &folder, error))? {
        let revision = name.strip_suffix(SUFFIX).and_then(|number| number.parse().ok());
        if let Some(revision) = revision
            && let Some(packed) = read(disk, from, revision)?
        {
            write(disk, to, revision, &packed)?;
        }
    }
    Ok(())
}

fn catalogs_folder(folder: &Path) -> PathBuf {
    folder.join("catalogs")
}

fn path(folder: &Path, revision: u64) -> PathBuf {
    catalogs_folder(folder).join(format!("{revision:08}{SUFFIX}"))
}
