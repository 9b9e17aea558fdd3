//! The calls on files that the database makes, and no others.
//!
//! A trait of our own rather than `std::fs` everywhere: every byte that reaches a disk passes here, so
//! a test can let the n-th call fail or cut the power after it. It is object-safe, because a virtual
//! call costs nothing beside a system call, and a type parameter would go through everything above.
//!
//! What every implementation keeps to:
//! 1. A written byte is stable only after `sync_data` of its file returned.
//! 2. A name that was made, changed or removed is stable only after `sync_folder` returned.
//! 3. `rename` is atomic: after a power cut the file has its old name or its new one.
//! 4. Reads and writes name their place; there is no position that threads could share.

use std::fmt::Debug;
use std::io;
use std::path::Path;

/// Files by their paths.
pub(crate) trait Disk: Send + Sync + Debug {
    /// Opens a file that exists, for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file that exists, for reading.
    fn open_read_only(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Makes an empty file that must not exist yet, and opens it for reading and writing.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// The names of the files in a folder, sorted; folders in it are left out, and names that are no
    /// text are made one.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Makes a folder, and those above it; one that exists is left as it is.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Gives a file another name; a file that had that name is gone.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Whether there is a file or folder of that name.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Makes the names in a folder stable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// One open file.
pub(crate) trait DiskFile: Send + Sync + Debug {
    /// Reads from a place on until the buffer is full or the file ends; returns how many bytes.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all the bytes at a place. After an error some of them may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes all bytes written so far, and the length, stable. After an error nothing is known of
    /// them: calling it again proves nothing.
    fn sync_data(&self) -> io::Result<()>;

    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Cuts the file, or lengthens it with zeros.
    fn set_len(&self, length: u64) -> io::Result<()>;

    /// Takes the file for this handle alone until it lets go or is closed; false if another has it.
    fn try_lock(&self) -> io::Result<bool>;

    /// Lets go of the file at once. Closing alone may not: a child process that another thread is just
    /// starting has every handle of this one for a moment.
    fn unlock(&self) -> io::Result<()>;
}
