//! Small files of text that are replaced as a whole, and end in a line with a check of all before.
//!
//! Written beside, synced, renamed: such a file is always the old one or the new one.

use std::io;
use std::path::Path;

use crate::base::error::{Error, ErrorKind};
use crate::base::frozen_hash::hash64;
use crate::persist::disk::failure::failed;
use crate::persist::disk::file_calls::Disk;

/// Reads a file's text; `None` if there is no file.
///
/// # Errors
/// `Io`; `Damaged` if the check is not that of the text, with `remedy` as what to do.
pub(crate) fn read(disk: &dyn Disk, path: &Path, remedy: &str) -> Result<Option<String>, Error> {
    let file = match disk.open_read_only(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| failed("open", path, error))?,
    };
    let read = |error| failed("read", path, error);
    let mut bytes = vec![0; usize::try_from(file.len().map_err(read)?).unwrap_or_default()];
    let len = file.read_at(0, &mut bytes).map_err(read)?;
    bytes.truncate(len);
    let damaged = |what: &str| {
        let message = format!("`{}` is damaged: {what}; {remedy}", path.display());
        Error::new(ErrorKind::Damaged, message)
    };
    let text = String::from_utf8(bytes).map_err(|_| damaged("it is no text"))?;
    let (text, check) = text.trim_end().rsplit_once('\n').ok_or_else(|| damaged("it has no checksum"))?;
    if check != checksum(text) {
        return Err(damaged("its checksum, the last line, is not that of the text before"));
    }
    Ok(Some(text.to_owned()))
}

/// Replaces a file, or makes it; its folder is there.
///
/// # Errors
/// `Io`; then the old one is still there.
pub(crate) fn write(disk: &dyn Disk, path: &Path, text: &str) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    let text = format!("{text}\n{}\n", checksum(text));
    let write = || -> io::Result<()> {
        if disk.exists(&beside)? {
            disk.remove(&beside)?;
        }
        let file = disk.create(&beside)?;
        file.write_at(0, text.as_bytes())?;
        file.sync_data()?;
        disk.rename(&beside, path)?;
        path.parent().map_or(Ok(()), |folder| disk.sync_folder(folder))
    };
    write().map_err(|error| failed("write", path, error))
}

fn checksum(text: &str) -> String {
    format!("xxh3 {:016x}", hash64(text.as_bytes()))
}
