//! The store's files: bringing them to the disk, and how large they are.
//!
//! All file calls of the live store that are not sled's are here, in `witness.rs` and in `set_aside.rs`.
//!
//! `db` is synced every time. Every other file of sled's is written once, under a new name, so it is
//! synced when it is first seen, and its folder with it; `snap.*` replaces another one by renaming, and
//! without its folder's sync a power cut could bring the old table of pages back.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// What of a folder is known to be on the disk.
#[derive(Debug, Default)]
pub(crate) struct Synced {
    files: BTreeSet<PathBuf>,
}

impl Synced {
    /// Brings every file of the store to the disk.
    pub(crate) fn sync(&mut self, folder: &Path) -> io::Result<()> {
        let db = folder.join("db");
        File::open(&db)?.sync_data()?;
        let present: BTreeSet<PathBuf> = files_in(folder)?.into_iter().map(|(path, _)| path).collect();
        let mut folders = BTreeSet::new();
        for path in present.difference(&self.files) {
            if *path != db {
                sync_file(path)?;
            }
            folders.extend(path.parent().map(Path::to_owned));
        }
        for folder in folders {
            sync_folder(&folder)?;
        }
        self.files = present;
        Ok(())
    }
}

/// Brings a folder's list of names to the disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // Only Unix opens folders as files; elsewhere renaming is as durable as it gets.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// How large all files in a folder are together, bytes.
pub(crate) fn size_of_folder(folder: &Path) -> io::Result<u64> {
    Ok(files_in(folder)?.into_iter().map(|(_, bytes)| bytes).sum())
}

/// sled removes files by itself, between our reading of their names and our opening them.
fn sync_file(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_data(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn files_in(folder: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            match entry.metadata() {
                Ok(about) if about.is_dir() => folders.push(entry.path()),
                Ok(about) => found.push((entry.path(), about.len())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}
