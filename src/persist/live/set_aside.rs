//! Putting a store that is not believed out of the way, where people can look at it.
//!
//! Folder and witness go together into `<folder>.set-aside-<number>`. Only the newest few are kept. They
//! hold customers' data: erasing a customer must remove them all (`remove_all`).

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::files::sync_folder;

/// Most stores that are kept aside.
const KEPT: usize = 2;

/// Moves the store in `folder` and its `witness` out of the way. Says where.
pub(crate) fn set_aside(folder: &Path, witness: &Path) -> io::Result<PathBuf> {
    let mut aside = kept_aside(folder)?;
    let number = aside.last().map_or(1, |(number, _)| number + 1);
    let too_many = (aside.len() + 1).saturating_sub(KEPT);
    for (_, path) in aside.drain(..too_many) {
        fs::remove_dir_all(path)?;
    }
    let target = folder.with_file_name(prefix_of(folder, &number.to_string()));
    // The folder may be what is missing, or no folder at all.
    match fs::metadata(folder) {
        Ok(about) if about.is_dir() => fs::rename(folder, &target)?,
        Ok(_) => {
            fs::create_dir(&target)?;
            fs::rename(folder, target.join("not-a-folder"))?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => fs::create_dir(&target)?,
        Err(error) => return Err(error),
    }
    match fs::rename(witness, target.join("witness")) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for changed in [Some(&*target), folder.parent(), witness.parent()].into_iter().flatten() {
        sync_folder(changed)?;
    }
    Ok(target)
}

/// Removes the store in `folder` and its `witness`, as far as they are there.
pub(crate) fn remove(folder: &Path, witness: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::NotADirectory => fs::remove_file(folder)?,
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match fs::remove_file(witness) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => sync_folder(folder.parent().unwrap_or(Path::new("."))),
    }
}

/// Removes every store that was set aside.
pub(crate) fn remove_all(folder: &Path) -> io::Result<()> {
    for (_, path) in kept_aside(folder)? {
        fs::remove_dir_all(path)?;
    }
    sync_folder(folder.parent().unwrap_or(Path::new(".")))
}

/// The stores that were set aside, oldest first.
fn kept_aside(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let prefix = prefix_of(folder, "").to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir(parent)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(number) = name.strip_prefix(&prefix).and_then(|number| number.parse().ok()) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

fn prefix_of(folder: &Path, number: &str) -> OsString {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".set-aside-");
    name.push(number);
    name
}
