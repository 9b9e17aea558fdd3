//! The machine's own disk, through the standard library.
//!
//! On Unix a read or write is one system call that names its place. Elsewhere the standard library's
//! calls move a position, so they run one after the other under a lock. Folders can be made stable on
//! Unix only; on Windows, NTFS writes names to its own log, and there is nothing to call.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::file_calls::{Disk, DiskFile};

/// The disk of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(boxed(OpenOptions::new().read(true).write(true).open(path)?))
    }

    fn open_read_only(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(boxed(File::open(path)?))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(boxed(OpenOptions::new().read(true).write(true).create_new(true).open(path)?))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    #[cfg(unix)]
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    #[cfg(not(unix))]
    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// A file of this machine.
#[derive(Debug)]
struct RealFile {
    file: File,
    /// Guards the position in the file.
    #[cfg(not(unix))]
    position: parking_lot::Mutex<()>,
}

fn boxed(file: File) -> Box<dyn DiskFile> {
    Box::new(RealFile {
        file,
        #[cfg(not(unix))]
        position: parking_lot::Mutex::new(()),
    })
}

impl RealFile {
    #[cfg(unix)]
    fn read_once(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, buffer, offset)
    }

    #[cfg(not(unix))]
    fn read_once(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        use std::io::{Read, Seek, SeekFrom};
        let _held = self.position.lock();
        (&self.file).seek(SeekFrom::Start(offset))?;
        (&self.file).read(buffer)
    }
}

impl DiskFile for RealFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_once(offset + filled as u64, &mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    #[cfg(unix)]
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.file, bytes, offset)
    }

    #[cfg(not(unix))]
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        use std::io::{Seek, SeekFrom, Write};
        let _held = self.position.lock();
        (&self.file).seek(SeekFrom::Start(offset))?;
        (&self.file).write_all(bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn try_lock(&self) -> io::Result<bool> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;

    use super::super::simulated_disk::SimulatedDisk;
    use super::*;

    /// An empty folder of this process for one test.
    pub(crate) fn empty_folder(test: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("habitue-{}-{test}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// What any disk does, by the same calls.
    fn behaves(disk: &dyn Disk, folder: &Path) {
        let folder = folder.join("inner");
        disk.create_folder(&folder).unwrap();
        disk.create_folder(&folder).unwrap();
        let (a, b) = (folder.join("a"), folder.join("b"));
        assert_eq!(disk.open(&a).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(disk.list(&folder.join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);

        let file = disk.create(&a).unwrap();
        assert_eq!(disk.create(&a).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        file.write_at(3, b"hello").unwrap();
        file.sync_data().unwrap();
        let mut read = [1; 10];
        assert_eq!(file.read_at(0, &mut read).unwrap(), 8);
        assert_eq!(&read[..8], b"\0\0\0hello");
        assert_eq!(file.read_at(20, &mut read).unwrap(), 0);
        file.set_len(5).unwrap();
        file.set_len(7).unwrap();
        assert_eq!((file.len().unwrap(), file.read_at(2, &mut read).unwrap()), (7, 5));
        assert_eq!(&read[..5], b"\0he\0\0");

        disk.rename(&a, &b).unwrap();
        disk.sync_folder(&folder).unwrap();
        assert_eq!((disk.exists(&a).unwrap(), disk.exists(&b).unwrap()), (false, true));
        assert_eq!(disk.list(&folder).unwrap(), ["b"]);
        let only_read = disk.open_read_only(&b).unwrap();
        assert_eq!(only_read.len().unwrap(), 7);
        assert!(only_read.write_at(0, b"x").is_err());
        disk.remove(&b).unwrap();
        assert_eq!(disk.remove(&b).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(disk.list(&folder).unwrap().is_empty());
    }

    #[test]
    fn the_real_and_the_simulated_disk_behave_alike() {
        let folder = empty_folder("real_disk");
        behaves(&RealDisk, &folder);
        behaves(&SimulatedDisk::new(), &folder);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
