//! Small files of text that are replaced as a whole (`replaced.rs`), and end in a line with a check of all
//! before.

use std::path::Path;

use crate::base::error::{Error, ErrorKind};
use crate::base::frozen_hash::hash64;
use crate::persist::disk::file_calls::Disk;
use crate::persist::disk::replaced;

/// Reads a file's text; `None` if there is no file.
///
/// # Errors
/// `Io`; `Damaged` if the check is not that of the text, with `remedy` as what to do.
pub(crate) fn read(disk: &dyn Disk, path: &Path, remedy: &str) -> Result<Option<String>, Error> {
    let Some(bytes) = replaced::read(disk, path)? else { return Ok(None) };
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
    replaced::replace(disk, path, format!("{text}\n{}\n", checksum(text)).as_bytes())
}

fn checksum(text: &str) -> String {
    format!("xxh3 {:016x}", hash64(text.as_bytes()))
}
