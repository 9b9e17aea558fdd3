//! One process at a time: a locked file in the database's folder.
//!
//! The system lets go of the lock when the process ends, however it ends; so a file left over by a
//! crash locks nobody out. In the file is the number of the process that held it last, for the message to
//! the next: the lock decides, not the number.

use std::io;
use std::path::Path;

use super::failure::failed;
use super::file_calls::{Disk, DiskFile};
use crate::base::error::{Error, ErrorKind};

/// The name of the locked file.
const LOCK_FILE: &str = "lock";
/// As many as the largest number of a process has digits.
const NUMBER_BYTES: usize = 10;

/// Holds a folder for this process until it is dropped.
#[derive(Debug)]
pub(crate) struct FolderLock(Box<dyn DiskFile>);

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
        if !file.try_lock().map_err(|error| failed("lock", &path, error))? {
            return Err(busy(folder, holder(&*file)));
        }
        let number = format!("{:<NUMBER_BYTES$}", std::process::id());
        file.write_at(0, number.as_bytes()).map_err(|error| failed("write", &path, error))?;
        Ok(FolderLock(file))
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // If this fails, closing the file lets go.
        let _ = self.0.unlock();
    }
}

/// The number of the process that holds the lock, as far as the file tells.
fn holder(file: &dyn DiskFile) -> Option<u32> {
    let mut number = [b' '; NUMBER_BYTES];
    // Some systems let nobody else read a locked file.
    file.read_at(0, &mut number).ok()?;
    str::from_utf8(&number).ok()?.trim_end().parse().ok()
}

fn busy(folder: &Path, holder: Option<u32>) -> Error {
    let holder = match holder {
        Some(number) if number == std::process::id() => "by this process already".to_owned(),
        Some(number) => format!("in another process, number {number}"),
        None => "in another process".to_owned(),
    };
    let folder = folder.display();
    let text =
        format!("the database in `{folder}` is open {holder}; close it there, or open it for reading only");
    Error::new(ErrorKind::Busy, text)
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
            assert!(refused.to_string().contains("open by this process already"), "{refused}");
            let file = disk.open(&folder.join(LOCK_FILE)).unwrap();
            file.write_at(0, b"4000000007").unwrap();
            let refused = FolderLock::take(disk, &folder).unwrap_err();
            assert!(refused.to_string().contains("in another process, number 4000000007;"), "{refused}");
            drop(file);
            drop(lock);
            FolderLock::take(disk, &folder).unwrap();
        }
    }
}
