//! Writes a block file, from pairs in ascending order of their keys.
//!
//! In memory are the block at hand, twice while it is packed, and the index. The writer stops for a
//! hook after each block, so that the one who makes a base can bound its rate, or give it up.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};

use super::compression::{Stored, compress};
use super::entries::{Indexed, data_bytes, put_data};
use super::layout::{BlockHead, FOOTER_BYTES, Footer, HEADER_BYTES, Kind, Place, add_check, header, seed};
use crate::base::error::{Error, ErrorKind};
use crate::base::limits::{MAX_BLOCK_KEY_BYTES, MAX_RECORD_BYTES};
use crate::persist::disk::failure::failed;
use crate::persist::disk::file_calls::{Disk, DiskFile};

/// Bytes of a block before it is packed; one entry may exceed it.
const BLOCK_BYTES: usize = 32 * 1024;

/// Is told of the bytes just written; may wait, and ends the writing by an error.
pub(crate) type Pace<'a> = dyn FnMut(u64) -> Result<(), Error> + 'a;

/// A file that is being written.
pub(crate) struct BlockFileWriter<'a> {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    pace: &'a mut Pace<'a>,
    salt: u64,
    /// Where the next block goes.
    offset: u64,
    block: Vec<u8>,
    block_entries: u32,
    /// The first key of the block at hand.
    first: Vec<u8>,
    last: Option<Vec<u8>>,
    index: Vec<u8>,
    entries: u64,
    blocks: u64,
    check_of_checks: u64,
    packed: Vec<u8>,
    sealed: Vec<u8>,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) entries: u64,
    pub(crate) file_bytes: u64,
}

impl<'a> BlockFileWriter<'a> {
    /// Begins a file that does not exist yet; it should have a name that says so until it is finished.
    pub(crate) fn create(
        disk: &dyn Disk,
        path: &Path,
        pace: &'a mut Pace<'a>,
    ) -> Result<BlockFileWriter<'a>, Error> {
        let file = disk.create(path).map_err(|error| failed("make", path, error))?;
        let salt = RandomState::new().build_hasher().finish();
        file.write_at(0, &header(salt)).map_err(|error| failed("write", path, error))?;
        Ok(BlockFileWriter {
            file,
            path: path.to_owned(),
            pace,
            salt,
            offset: HEADER_BYTES as u64,
            block: Vec::new(),
            block_entries: 0,
            first: Vec::new(),
            last: None,
            index: Vec::new(),
            entries: 0,
            blocks: 0,
            check_of_checks: 0,
            packed: Vec::new(),
            sealed: Vec::new(),
        })
    }

    /// Adds a pair.
    ///
    /// # Errors
    /// `InvalidCall` if the key does not come after the last one, or key or value is too long; `Io`;
    /// and what the pace returns.
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        if self.last.as_deref().is_some_and(|last| key <= last) {
            return Err(Error::new(ErrorKind::InvalidCall, "keys of a block file must ascend; sort them"));
        }
        if key.len() > MAX_BLOCK_KEY_BYTES || value.len() > MAX_RECORD_BYTES {
            let message = format!(
                "an entry with a key of {} and a value of {} bytes is too large; the most is \
                 {MAX_BLOCK_KEY_BYTES} and {MAX_RECORD_BYTES}",
                key.len(),
                value.len()
            );
            return Err(Error::new(ErrorKind::InvalidCall, message));
        }
        if self.block_entries > 0 && self.block.len() + data_bytes(key, value) > BLOCK_BYTES {
            self.end_block()?;
        }
        if self.block_entries == 0 {
            self.first.clear();
            self.first.extend_from_slice(key);
        }
        put_data(&mut self.block, key, value);
        self.block_entries += 1;
        self.entries += 1;
        let last = self.last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(key);
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), Error> {
        let block = std::mem::take(&mut self.block);
        let place = self.put(Kind::Data, &block, self.block_entries)?;
        let first = self.first.as_slice().into();
        Indexed { first, offset: place.offset, bytes: place.bytes as u32 }.put(&mut self.index);
        self.blocks += 1;
        self.block = block;
        self.block.clear();
        // A value of many megabytes does not keep its memory.
        self.block.shrink_to(2 * BLOCK_BYTES);
        self.block_entries = 0;
        Ok(())
    }

    /// Writes a block; returns where it is.
    fn put(&mut self, kind: Kind, plain: &[u8], entries: u32) -> Result<Place, Error> {
        let stored = compress(plain, &mut self.packed);
        let head =
            BlockHead { kind, packed: stored == Stored::Lz4, plain_bytes: plain.len() as u32, entries };
        let bytes = if head.packed { &self.packed } else { plain };
        let check = head.seal(bytes, seed(self.salt, self.offset), &mut self.sealed);
        self.check_of_checks = add_check(self.check_of_checks, check);
        let place = Place { offset: self.offset, bytes: self.sealed.len() as u64 };
        let written = self.file.write_at(place.offset, &self.sealed);
        written.map_err(|error| failed("write", &self.path, error))?;
        self.offset += place.bytes;
        self.packed.shrink_to(2 * BLOCK_BYTES);
        self.sealed.shrink_to(2 * BLOCK_BYTES);
        (self.pace)(place.bytes)?;
        Ok(place)
    }

    /// Ends the file, with what the caller wants to say of it, and syncs it. The name is the caller's:
    /// rename it, and sync the folder.
    pub(crate) fn finish(mut self, metadata: &[u8]) -> Result<Written, Error> {
        if self.block_entries > 0 {
            self.end_block()?;
        }
        let index = std::mem::take(&mut self.index);
        let index = self.put(Kind::Index, &index, self.blocks as u32)?;
        let metadata = self.put(Kind::Metadata, metadata, 0)?;
        let file_bytes = self.offset + FOOTER_BYTES as u64;
        let footer = Footer {
            salt: self.salt,
            entries: self.entries,
            blocks: self.blocks,
            index,
            metadata,
            file_bytes,
            check_of_checks: self.check_of_checks,
        };
        let ended = self.file.write_at(self.offset, &footer.to_bytes()).and_then(|()| self.file.sync_data());
        ended.map_err(|error| failed("write", &self.path, error))?;
        Ok(Written { entries: self.entries, file_bytes })
    }
}
