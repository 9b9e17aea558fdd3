//! One process at a time: a locked file in the database's folder.
//!
//! The system lets go of the lock when the process ends, however it ends; so a file left over by a
//! crash locks nobody out. What is in the file does not matter.

use std::io;
use std::path::Path;

use super::failure::failed;
use super::file_calls::{Disk, DiskFile};
use crate::base::error::{Error, ErrorKind};

/// The name of the locked file.
const LOCK_FILE: &str = "lock";

/// Holds a folder for this process until it is dropped.
#[derive(Debug)]
pub(crate) struct FolderLock(#[expect(dead_code, reason = "holds the lock by being open")] Box<dyn DiskFile>);

impl FolderLock {
    /// Takes a folder that exists.
    ///
    /// # Errors
    /// Of kind `Busy` if another process, or another handle of this one, holds it.
    pub(crate) fn take(disk: &dyn Disk, folder: &Path) -> Result<FolderLock, Error> {
        let path = folder.join(LOCK_FILE);
        let file = match disk.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => disk.create(&path).or_else(|error| {
                // Another process made it in between: whose it is, the lock decides.
                if error.kind() == io::ErrorKind::AlreadyExists { disk.open(&path) } else { Err(error) }
            }),
            opened => opened,
        };
        let file = file.map_err(|error| failed("open", &path, error))?;
        match file.try_lock() {
            Ok(true) => Ok(FolderLock(file)),
            Ok(false) => Err(Error::new(
                ErrorKind::Busy,
                format!(
                    "the database in `{}` is open in another process; close it there, or open it for reading only",
                    folder.display()
                ),
            )),
            Err(error) => Err(failed("lock", &path, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::real_disk::RealDisk;
    use super::super::real_disk::tests::empty_folder;
    use super::super::simulated_disk::SimulatedDisk;
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_until_it_lets_go() {
        let folder = empty_folder("folder_lock");
        let simulated = SimulatedDisk::new();
        simulated.create_folder(&folder).unwrap();
        for disk in [&RealDisk as &dyn Disk, &simulated] {
            let lock = FolderLock::take(disk, &folder).unwrap();
            let refused = FolderLock::take(disk, &folder).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Busy);
            assert!(refused.to_string().contains("open in another process"), "{refused}");
            drop(lock);
            FolderLock::take(disk, &folder).unwrap();
        }
    }
}
