//! The base: all profiles with all their messages, as of one record of the journal, in one sorted file.
//!
//! Keys are those of the profiles' ids. A value is the profile's record, its image included where there
//! is one, and the chunks of its history. A base is made from the base before and the journal, never from
//! the live store alone; from that it takes images, and only those that know just the messages it holds.

use std::path::{Path, PathBuf};

use crate::base::error::{Error, ErrorKind};
use crate::persist::block_file::reader::BlockFileReader;
use crate::persist::disk::file_calls::Disk;
use crate::persist::record::fields::Fields;
use crate::persist::record::history_chunk::{self, HistoryEntry};
use crate::persist::record::profile_record::ProfileRecord;
use crate::rules::exposure_counts::ExposureCounts;

/// An open base.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) path: PathBuf,
    pub(crate) file: BlockFileReader,
}

/// One profile of a base.
#[derive(Debug)]
pub(crate) struct BaseEntry<'a> {
    pub(crate) record: ProfileRecord<'a>,
    pub(crate) chunks: Vec<&'a [u8]>,
}

/// Where base `number` of a folder is.
pub(crate) fn base_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("base-{number:08}.bundle"))
}

/// Removes bases that were left unfinished, or were replaced, when a process ended. They are only in the
/// way, so that one cannot be removed is no fault.
pub(crate) fn remove_others(disk: &dyn Disk, folder: &Path, number: u64) {
    let used = base_path(folder, number);
    let names = disk.list(folder).unwrap_or_default();
    for path in names.iter().filter(|name| is_base(name)).map(|name| folder.join(name)) {
        if path != used {
            let _ = disk.remove(&path);
        }
    }
}

/// Whether a file of this name is a base, or was to become one.
pub(crate) fn is_base(name: &str) -> bool {
    name.starts_with("base-") && (name.ends_with(".bundle") || name.ends_with(".unfinished"))
}

impl Base {
    /// Opens the base that holds the journal's records up to `sequence`.
    ///
    /// # Errors
    /// `Damaged`, also if it is another base; `Incompatible`, `Io`.
    pub(crate) fn open(disk: &dyn Disk, path: PathBuf, sequence: u64) -> Result<Base, Error> {
        let file = BlockFileReader::open(disk, &path)?;
        if file.metadata() != sequence.to_le_bytes() {
            let message = format!(
                "`{}` is not the base that the manifest speaks of; put back the one that belongs to it, \
                 or restore a backup",
                path.display()
            );
            return Err(Error::new(ErrorKind::Damaged, message));
        }
        Ok(Base { path, file })
    }

    /// How often offers were shown by the messages in it.
    ///
    /// # Errors
    /// `Damaged`, `Io`.
    pub(crate) fn exposures(&self) -> Result<ExposureCounts, Error> {
        let mut exposures = ExposureCounts::default();
        let mut entries = self.file.iterate_from(&[]);
        while let Some((_, value)) = entries.next_entry()? {
            let messages = BaseEntry::read(value, &self.path)?.messages(&self.path)?;
            for message in &messages {
                exposures.count_written(&message.json)?;
            }
        }
        Ok(exposures)
    }
}

impl<'a> BaseEntry<'a> {
    /// The bytes.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let record = self.record.write();
        for part in std::iter::once(&*record).chain(self.chunks.iter().copied()) {
            let len = u32::try_from(part.len()).expect("parts of a profile are bounded far below 4 GiB");
            bytes.extend_from_slice(&len.to_le_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }

    /// The entry in these bytes.
    ///
    /// # Errors
    /// `Damaged` if they are none.
    pub(crate) fn read(bytes: &'a [u8], path: &Path) -> Result<BaseEntry<'a>, Error> {
        BaseEntry::parse(bytes).ok_or_else(|| {
            let message = format!("an entry of `{}` cannot be read; restore a backup of it", path.display());
            Error::new(ErrorKind::Damaged, message)
        })
    }

    fn parse(bytes: &'a [u8]) -> Option<BaseEntry<'a>> {
        let mut fields = Fields(bytes);
        let mut part = || {
            let len = fields.u32()? as usize;
            fields.bytes(len)
        };
        let record = ProfileRecord::read(part()?)?;
        let mut chunks = Vec::new();
        while let Some(chunk) = part() {
            chunks.push(chunk);
        }
        fields.0.is_empty().then_some(BaseEntry { record, chunks })
    }

    /// All messages.
    ///
    /// # Errors
    /// `Damaged` if they are not what the record says.
    pub(crate) fn messages(&self, path: &Path) -> Result<Vec<HistoryEntry<'static>>, Error> {
        let mut entries = Vec::new();
        let chunks: Option<Vec<_>> = self.chunks.iter().map(|chunk| history_chunk::read(chunk)).collect();
        chunks.into_iter().flatten().for_each(|mut chunk| entries.append(&mut chunk));
        let hash = entries.iter().fold(0, |hash, entry| entry.hash_after(hash));
        let expected = self.record.history;
        if entries.len() != expected.messages as usize || hash != expected.hash {
            let message = format!(
                "the messages of a profile in `{}` are not those its record speaks of; restore a backup of it",
                path.display()
            );
            return Err(Error::new(ErrorKind::Damaged, message));
        }
        Ok(entries)
    }
}
