//! One run: a block file of ids and contents whose metadata is its filter.

use std::path::{Path, PathBuf};

use super::merging::Merging;
use super::message_filter::MessageFilter;
use crate::base::error::{Error, ErrorKind};
use crate::persist::block_file::iteration::Iteration;
use crate::persist::block_file::reader::BlockFileReader;
use crate::persist::block_file::writer::BlockFileWriter;
use crate::persist::disk::file_calls::Disk;
use crate::persist::disk::unfinished;

/// What a checkpoint says of a run: enough to tell it from every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunName {
    pub(crate) number: u64,
    pub(crate) entries: u64,
    /// The check over all checks of its file.
    pub(crate) check: u64,
}

/// An open run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) name: RunName,
    file: BlockFileReader,
    filter: MessageFilter,
}

/// Where run `number` is.
pub(super) fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.run"))
}

/// The id and the content in an entry of a run; `None` if it is none.
pub(super) fn pair((key, value): (&[u8], &[u8])) -> Option<(u128, u128)> {
    Some((u128::from_be_bytes(key.try_into().ok()?), u128::from_be_bytes(value.try_into().ok()?)))
}

impl Run {
    /// Writes a run of at most `most` entries, for good.
    ///
    /// # Errors
    /// `Io`, and `Damaged` if one that is merged is.
    pub(super) fn write(
        disk: &dyn Disk,
        folder: &Path,
        number: u64,
        most: u64,
        mut entries: Merging<'_>,
    ) -> Result<Run, Error> {
        let path = path_of(folder, number);
        let unfinished = unfinished::begin(disk, &path)?;
        let mut filter = MessageFilter::for_ids(most);
        let mut pace = |_| Ok(());
        let mut writer = BlockFileWriter::create(disk, &unfinished, &mut pace)?;
        while let Some((id, content)) = entries.next()? {
            filter.add(id);
            writer.add(&id.to_be_bytes(), &content.to_be_bytes())?;
        }
        writer.finish(&filter.write())?;
        unfinished::finish(disk, &unfinished, &path)?;
        Run::open(disk, &path, number)
    }

    /// Opens the run of this name.
    ///
    /// # Errors
    /// `Damaged`, also if it is another one; `Incompatible`, `Io`.
    pub(super) fn named(disk: &dyn Disk, folder: &Path, name: RunName) -> Result<Run, Error> {
        let path = path_of(folder, name.number);
        let run = Run::open(disk, &path, name.number)?;
        if run.name == name {
            return Ok(run);
        }
        let message = format!("`{}` is not the run that the checkpoint speaks of", path.display());
        Err(Error::new(ErrorKind::Damaged, message))
    }

    fn open(disk: &dyn Disk, path: &Path, number: u64) -> Result<Run, Error> {
        let file = BlockFileReader::open(disk, path)?;
        let name = RunName { number, entries: file.entries(), check: file.check_of_checks() };
        let filter = MessageFilter::read(file.metadata()).ok_or_else(|| {
            let message = format!("`{}` is no run of message ids", path.display());
            Error::new(ErrorKind::Damaged, message)
        })?;
        Ok(Run { name, file, filter })
    }

    /// The content under which an id was accepted, if it is in this run.
    pub(super) fn find(&self, id: u128) -> Result<Option<u128>, Error> {
        if !self.filter.may_hold(id) {
            return Ok(None);
        }
        let value = self.file.get(&id.to_be_bytes())?;
        Ok(value.and_then(|value| Some(u128::from_be_bytes(value.try_into().ok()?))))
    }

    /// All entries, in ascending order of their ids.
    pub(super) fn pairs(&self) -> Iteration<'_> {
        self.file.iterate_from(&[])
    }

    /// How large its file is.
    pub(super) fn file_bytes(&self) -> u64 {
        self.file.file_bytes()
    }

    /// Reads all of it and compares what is said twice.
    ///
    /// # Errors
    /// `Damaged`, `Io`.
    pub(super) fn verify(&self) -> Result<(), Error> {
        self.file.verify(&mut |_| Ok(()))
    }
}
