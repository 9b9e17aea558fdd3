//! Whether all of a folder's files are there, as far as each proves the others.
//!
//! A journal without its last files, or with zeros at its end, reads like one that ends there. What proves
//! more is the manifest, which knows that there was a journal and how long it was when the database was
//! closed, and the live store, which never knows a record that was not on stable storage before.

use std::path::Path;

use crate::base::error::{Error, ErrorKind};
use crate::db::durable::base::is_base;
use crate::db::durable::folder::journal_folder;
use crate::db::durable::manifest::Manifest;
use crate::persist::disk::failure::failed;
use crate::persist::disk::file_calls::Disk;

/// What to do about a journal of which something is missing.
const ADVICE: &str =
    "put its files back, restore a backup, or open with salvage, which gives up what is missing";

/// Whether there is no file of a journal, though it was begun.
///
/// # Errors
/// `Io`.
pub(crate) fn is_journal_gone(disk: &dyn Disk, folder: &Path, manifest: &Manifest) -> Result<bool, Error> {
    Ok(manifest.has_journal && !names(disk, &journal_folder(folder))?.iter().any(|name| is_segment(name)))
}

/// That a folder without a manifest holds nothing else of a database.
///
/// # Errors
/// `Damaged` if it does.
pub(crate) fn is_new(disk: &dyn Disk, folder: &Path) -> Result<(), Error> {
    let mut left = names(disk, &journal_folder(folder))?;
    left.extend(names(disk, folder)?.into_iter().filter(|name| is_base(name) || name == "live.witness"));
    let Some(name) = left.first() else { return Ok(()) };
    let message = format!(
        "`{}` is missing, but there is `{name}`: this is no new folder; restore a backup, or put the file \
         back from one",
        Manifest::path(folder).display()
    );
    Err(Error::new(ErrorKind::Damaged, message))
}

/// The error of a journal that is gone.
pub(crate) fn gone(folder: &Path) -> Error {
    let journal = journal_folder(folder);
    Error::new(ErrorKind::Damaged, format!("the journal in `{}` is missing; {ADVICE}", journal.display()))
}

/// The error of a journal that ends before a record that it had.
pub(crate) fn shortened(folder: &Path, reached: u64, last: u64) -> Error {
    let message = format!(
        "the end of the journal in `{}` is missing: it had records up to {reached}, and ends with {last}; \
         {ADVICE}",
        journal_folder(folder).display()
    );
    Error::new(ErrorKind::Damaged, message)
}

fn names(disk: &dyn Disk, folder: &Path) -> Result<Vec<String>, Error> {
    if disk.exists(folder).map_err(|error| failed("look for", folder, error))? {
        disk.list(folder).map_err(|error| failed("list", folder, error))
    } else {
        Ok(Vec::new())
    }
}

fn is_segment(name: &str) -> bool {
    name.ends_with(".journal")
}
