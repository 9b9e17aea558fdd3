//! The names in a journal's folder.
//!
//! `00000001.journal` is a segment, `00000001.spare` a file that waits to become one (its number means
//! nothing), `*.damaged…` what salvage has put aside. Other names are not ours and are left alone,
//! unless they end like a segment's: a person may have misplaced or renamed one, and passing over it
//! could lose records.

use std::path::{Path, PathBuf};

use crate::base::error::{Error, ErrorKind};
use crate::persist::disk::failure::failed;
use crate::persist::disk::file_calls::Disk;

const SEGMENT: &str = "journal";
const SPARE: &str = "spare";

/// The files of a journal, each kind in the order of its numbers.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) segments: Vec<(u64, PathBuf)>,
    pub(super) spares: Vec<(u64, PathBuf)>,
}

pub(super) fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.{SEGMENT}"))
}

pub(super) fn spare_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.{SPARE}"))
}

/// A name beside a file under which salvage can put it, that no file has yet.
pub(super) fn aside_path(disk: &dyn Disk, path: &Path) -> Result<PathBuf, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".damaged");
    let mut aside = PathBuf::from(&name);
    let mut count = 1_u32;
    while disk.exists(&aside).map_err(|error| failed("look for", &aside, error))? {
        count += 1;
        let mut numbered = name.clone();
        numbered.push(format!("-{count}"));
        aside = PathBuf::from(numbered);
    }
    Ok(aside)
}

/// What salvage has put aside in a folder.
pub(super) fn put_aside(disk: &dyn Disk, folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let names = disk.list(folder).map_err(|error| failed("list", folder, error))?;
    let is_aside = |name: &String| {
        name.split_once(&format!(".{SEGMENT}")).is_some_and(|(_, rest)| rest.starts_with(".damaged"))
    };
    Ok(names.into_iter().filter(is_aside).map(|name| folder.join(name)).collect())
}

pub(super) fn list(disk: &dyn Disk, folder: &Path) -> Result<Listing, Error> {
    let mut listing = Listing { segments: Vec::new(), spares: Vec::new() };
    for name in disk.list(folder).map_err(|error| failed("list", folder, error))? {
        if let Some(number) = numbered(&name, SPARE) {
            listing.spares.push((number, folder.join(name)));
        } else if let Some(number) = numbered(&name, SEGMENT) {
            listing.segments.push((number, folder.join(name)));
        } else if name.ends_with(&format!(".{SEGMENT}")) {
            let message = format!(
                "`{}` is named like a segment of a journal, but not as the database names them; \
                 give it its own name back or move it away",
                folder.join(name).display()
            );
            return Err(Error::new(ErrorKind::Damaged, message));
        }
    }
    listing.segments.sort_unstable();
    listing.spares.sort_unstable();
    Ok(listing)
}

/// The number of a name that is exactly as we write it.
fn numbered(name: &str, ending: &str) -> Option<u64> {
    let digits = name.strip_suffix(ending)?.strip_suffix('.')?;
    let number = digits.parse().ok()?;
    (format!("{number:08}") == digits).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist::disk::simulated_disk::SimulatedDisk;

    #[test]
    fn names_are_told_apart() {
        assert_eq!(numbered("00000012.journal", SEGMENT), Some(12));
        assert_eq!(numbered("123456789012.journal", SEGMENT), Some(123_456_789_012));
        for other in ["12.journal", "+0000012.journal", "00000012journal", "00000012.spare", ".journal"] {
            assert_eq!(numbered(other, SEGMENT), None, "{other}");
        }
    }

    #[test]
    fn a_misnamed_segment_is_an_error_and_strangers_are_left_alone() {
        let disk = SimulatedDisk::new();
        let folder = Path::new("/j");
        disk.create_folder(folder).unwrap();
        for name in ["00000002.journal", "00000001.journal", "00000001.journal.damaged", ".DS_Store"] {
            disk.put(&folder.join(name), Vec::new());
        }
        assert_eq!(
            list(&disk, folder).unwrap().segments.iter().map(|found| found.0).collect::<Vec<_>>(),
            [1, 2]
        );
        let aside = aside_path(&disk, &segment_path(folder, 1)).unwrap();
        assert_eq!(aside, folder.join("00000001.journal.damaged-2"));
        disk.put(&folder.join("copy of 1.journal"), Vec::new());
        assert_eq!(list(&disk, folder).unwrap_err().kind(), ErrorKind::Damaged);
    }
}
