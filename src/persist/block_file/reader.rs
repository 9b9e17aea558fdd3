//! Reads a block file: the index when it is opened, a block when it is asked for.
//!
//! Invariants:
//! 1. What is given out was in a block whose check was right.
//! 2. `index` is in ascending order of first keys, its blocks follow each other without a gap.

use std::path::{Path, PathBuf};

use super::compression::{Stored, decompress};
use super::entries::{Indexed, Pair, data_at};
use super::fault::{damaged, layout, unfinished};
use super::iteration::Iteration;
use super::layout::{
    BlockHead, FOOTER_BYTES, Footer, HEADER_BYTES, Kind, LayoutFault, Place, add_check, read_header, seed,
};
use super::writer::Pace;
use crate::base::error::Error;
use crate::base::limits::{MAX_BLOCK_KEY_BYTES, MAX_RECORD_BYTES};
use crate::persist::disk::failure::failed;
use crate::persist::disk::file_calls::{Disk, DiskFile};

/// No block is larger when unpacked, the index aside: one entry.
const MAX_PLAIN_BYTES: usize = MAX_RECORD_BYTES + MAX_BLOCK_KEY_BYTES + 8;

/// A block file, open for reading.
#[derive(Debug)]
pub(crate) struct BlockFileReader {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    footer: Footer,
    index: Vec<Indexed>,
    metadata: Vec<u8>,
}

/// An unpacked block.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    entries: u32,
    check: u64,
}

impl BlockFileReader {
    /// Opens a file, and reads and checks its ends and its index.
    ///
    /// # Errors
    /// `Damaged`, also for a file that was never finished, `Incompatible`, `Io`.
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<BlockFileReader, Error> {
        let file = disk.open_read_only(path).map_err(|error| failed("open", path, error))?;
        let length = file.len().map_err(|error| failed("read", path, error))?;
        let mut head = [0; HEADER_BYTES];
        if length < HEADER_BYTES as u64 {
            return Err(unfinished(path));
        }
        read_exactly(&*file, path, 0, &mut head)?;
        let salt = read_header(&head).map_err(|fault| layout(path, fault))?;
        if length < (HEADER_BYTES + FOOTER_BYTES) as u64 {
            return Err(unfinished(path));
        }
        let end = length - FOOTER_BYTES as u64;
        let mut foot = [0; FOOTER_BYTES];
        read_exactly(&*file, path, end, &mut foot)?;
        let footer = Footer::read(&foot, salt).map_err(|fault| match fault {
            LayoutFault::Foreign => unfinished(path),
            _ => damaged(path, end, "its footer is not what was written"),
        })?;
        let places = footer.file_bytes == length
            && footer.index.end() == Some(footer.metadata.offset)
            && footer.metadata.end() == Some(end)
            && footer.index.offset >= HEADER_BYTES as u64;
        if !places {
            return Err(damaged(path, end, "its footer does not fit its length"));
        }
        let mut reader =
            BlockFileReader { file, path: path.to_owned(), footer, index: Vec::new(), metadata: Vec::new() };
        reader.metadata = reader.load(Kind::Metadata, footer.metadata)?.bytes;
        let index = reader.load(Kind::Index, footer.index)?;
        reader.index = Indexed::read_all(&index.bytes)
            .filter(|all| reader.holds_together(all))
            .ok_or_else(|| damaged(path, footer.index.offset, "the index does not fit the file"))?;
        Ok(reader)
    }

    /// Invariant 2.
    fn holds_together(&self, index: &[Indexed]) -> bool {
        let mut at = Some(HEADER_BYTES as u64);
        for indexed in index {
            if at != Some(indexed.offset) {
                return false;
            }
            at = indexed.offset.checked_add(u64::from(indexed.bytes));
        }
        at == Some(self.footer.index.offset)
            && index.len() as u64 == self.footer.blocks
            && index.windows(2).all(|pair| pair[0].first < pair[1].first)
    }

    /// What the writer said of the file.
    pub(crate) fn metadata(&self) -> &[u8] {
        &self.metadata
    }

    /// How many pairs there are.
    pub(crate) fn entries(&self) -> u64 {
        self.footer.entries
    }

    /// The length of the file.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.footer.file_bytes
    }

    /// The check over all checks, which no other file has but by chance.
    pub(crate) fn check_of_checks(&self) -> u64 {
        self.footer.check_of_checks
    }

    /// The value of a key.
    ///
    /// # Errors
    /// `Damaged`, `Io`.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let Some(number) = self.block_of(key) else { return Ok(None) };
        let block = self.block(number)?;
        let mut at = 0;
        while let Some(((found, value), next)) = self.entry(number, &block, at)? {
            if found >= key {
                return Ok((found == key).then(|| value.to_vec()));
            }
            at = next;
        }
        Ok(None)
    }

    /// The pairs from a key on, in order.
    pub(crate) fn iterate_from(&self, key: &[u8]) -> Iteration<'_> {
        Iteration::new(self, self.block_of(key).unwrap_or(0), key)
    }

    /// The block that holds a key, if any does.
    fn block_of(&self, key: &[u8]) -> Option<usize> {
        self.index.partition_point(|indexed| &*indexed.first <= key).checked_sub(1)
    }

    /// Reads a data block; `number` may be one too many only where nothing is asked of it.
    pub(super) fn block(&self, number: usize) -> Result<Block, Error> {
        let indexed = &self.index[number];
        self.load(Kind::Data, Place { offset: indexed.offset, bytes: u64::from(indexed.bytes) })
    }

    pub(super) fn blocks(&self) -> usize {
        self.index.len()
    }

    /// The pair at a place of a block; none at its end.
    pub(super) fn entry<'b>(
        &self,
        number: usize,
        block: &'b Block,
        at: usize,
    ) -> Result<Option<(Pair<'b>, usize)>, Error> {
        if at == block.bytes.len() {
            return Ok(None);
        }
        let entry = data_at(&block.bytes, at);
        entry.map(Some).ok_or_else(|| self.broken(number, "an entry is longer than its block"))
    }

    fn broken(&self, number: usize, what: &str) -> Error {
        damaged(&self.path, self.index[number].offset, what)
    }

    fn load(&self, kind: Kind, place: Place) -> Result<Block, Error> {
        let mut bytes = vec![0; place.bytes as usize];
        read_exactly(&*self.file, &self.path, place.offset, &mut bytes)?;
        let wrong = |what| damaged(&self.path, place.offset, what);
        let (head, check) = BlockHead::read(&bytes, kind, seed(self.footer.salt, place.offset))
            .ok_or_else(|| wrong("the block is not what was written"))?;
        let plain_bytes = head.plain_bytes as usize;
        if kind == Kind::Data && plain_bytes > MAX_PLAIN_BYTES.max(64 * 1024) {
            return Err(wrong("the block is larger than any can be"));
        }
        bytes.drain(..super::layout::HEAD_BYTES);
        let stored = if head.packed { Stored::Lz4 } else { Stored::Raw };
        let bytes =
            decompress(stored, bytes, plain_bytes).ok_or_else(|| wrong("the block cannot be unpacked"))?;
        Ok(Block { bytes, entries: head.entries, check })
    }

    /// Reads everything and compares what is said twice.
    ///
    /// # Errors
    /// `Damaged` at the first place that is not as it was written; `Io`; and what the pace returns.
    pub(crate) fn verify(&self, pace: &mut Pace<'_>) -> Result<(), Error> {
        let mut check_of_checks = 0;
        let mut entries = 0;
        let mut last: Option<Vec<u8>> = None;
        for number in 0..self.index.len() {
            let block = self.block(number)?;
            check_of_checks = add_check(check_of_checks, block.check);
            let mut at = 0;
            let mut count = 0;
            while let Some(((key, _), next)) = self.entry(number, &block, at)? {
                if last.as_deref().is_some_and(|last| key <= last) {
                    return Err(self.broken(number, "its keys do not ascend"));
                }
                if count == 0 && key != &*self.index[number].first {
                    return Err(self.broken(number, "the index names another first key"));
                }
                last = Some(key.to_vec());
                count += 1;
                at = next;
            }
            if count != block.entries {
                return Err(self.broken(number, "it holds another number of entries than it says"));
            }
            entries += u64::from(count);
            pace(u64::from(self.index[number].bytes))?;
        }
        for (kind, place) in [(Kind::Index, self.footer.index), (Kind::Metadata, self.footer.metadata)] {
            check_of_checks = add_check(check_of_checks, self.load(kind, place)?.check);
        }
        if (entries, check_of_checks) != (self.footer.entries, self.footer.check_of_checks) {
            let what = "its blocks are not those that it was finished with";
            return Err(damaged(&self.path, self.footer.file_bytes - FOOTER_BYTES as u64, what));
        }
        Ok(())
    }
}

fn read_exactly(file: &dyn DiskFile, path: &Path, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
    let count = file.read_at(offset, buffer).map_err(|error| failed("read", path, error))?;
    if count == buffer.len() {
        Ok(())
    } else {
        Err(damaged(path, offset + count as u64, "it ends too early"))
    }
}
