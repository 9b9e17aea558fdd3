//! Where things are in a block file, byte by byte.
//!
//! ```text
//! header (64)   0  8  "HABITBLK"
//!               8  4  version of the format: 1
//!              12  4  zero
//!              16  8  salt of this file
//!              24 32  zero
//!              56  8  check of bytes 0 to 56: XXH3, 64 bits, seed 0
//! data blocks, then the index as a block, then the metadata as a block; each one
//!   head (24)   0  8  check of everything after it: XXH3, seeded with salt + the block's offset
//!               8  2  kind: 1 data, 2 index, 3 metadata
//!              10  2  stored: 0 as it is, 1 as LZ4
//!              12  4  bytes stored
//!              16  4  bytes when unpacked
//!              20  4  entries
//! footer (96)   0  8  "HABITEND"
//!               8  4  version of the format: 1
//!              12  4  zero
//!              16  8  salt of this file
//!              24  8  entries
//!              32  8  data blocks
//!              40  8  offset of the index      48  8  its bytes with the head
//!              56  8  offset of the metadata   64  8  its bytes with the head
//!              72  8  length of the file
//!              80  8  check of checks: of every block in order, XXH3 of its check, seeded with the last
//!              88  8  check of bytes 0 to 88: XXH3, seeded with the salt
//! ```
//!
//! Invariants:
//! 1. Blocks follow each other without a gap, from the header to the footer; the file ends with it.
//! 2. A block is valid only at its place in its file: the salt and the offset are in its check.
//! 3. The header, its check and the version's place are the same in all versions.

use crate::base::frozen_hash::seeded_hash64;
use crate::persist::little_endian::{number32, number64};

pub(super) const HEADER_BYTES: usize = 64;
pub(super) const HEAD_BYTES: usize = 24;
pub(super) const FOOTER_BYTES: usize = 96;
const MAGIC: &[u8; 8] = b"HABITBLK";
const END_MAGIC: &[u8; 8] = b"HABITEND";
pub(super) const VERSION: u32 = 1;

/// Why a file does not begin or end as it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LayoutFault {
    Foreign,
    Damaged,
    Version(u32),
}

pub(super) fn header(salt: u64) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&salt.to_le_bytes());
    let check = seeded_hash64(&bytes[..56], 0);
    bytes[56..].copy_from_slice(&check.to_le_bytes());
    bytes
}

/// The salt in a header.
pub(super) fn read_header(bytes: &[u8; HEADER_BYTES]) -> Result<u64, LayoutFault> {
    let checked = seeded_hash64(&bytes[..56], 0) == number64(bytes, 56);
    match (bytes.starts_with(MAGIC), checked, number32(bytes, 8)) {
        (false, ..) => Err(LayoutFault::Foreign),
        (true, false, _) => Err(LayoutFault::Damaged),
        (true, true, VERSION) => Ok(number64(bytes, 16)),
        (true, true, version) => Err(LayoutFault::Version(version)),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) salt: u64,
    pub(super) entries: u64,
    pub(super) blocks: u64,
    pub(super) index: Place,
    pub(super) metadata: Place,
    pub(super) file_bytes: u64,
    pub(super) check_of_checks: u64,
}

/// A part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

impl Place {
    pub(super) fn end(self) -> Option<u64> {
        self.offset.checked_add(self.bytes)
    }
}

impl Footer {
    pub(super) fn to_bytes(self) -> [u8; FOOTER_BYTES] {
        let mut bytes = [0; FOOTER_BYTES];
        bytes[..8].copy_from_slice(END_MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        let fields = [
            self.salt,
            self.entries,
            self.blocks,
            self.index.offset,
            self.index.bytes,
            self.metadata.offset,
            self.metadata.bytes,
            self.file_bytes,
            self.check_of_checks,
        ];
        for (place, field) in bytes[16..88].chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        let check = seeded_hash64(&bytes[..88], self.salt);
        bytes[88..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    pub(super) fn read(bytes: &[u8; FOOTER_BYTES], salt: u64) -> Result<Footer, LayoutFault> {
        if !bytes.starts_with(END_MAGIC) {
            return Err(LayoutFault::Foreign);
        }
        let place = |at| Place { offset: number64(bytes, at), bytes: number64(bytes, at + 8) };
        let known = number32(bytes, 8) == VERSION && number64(bytes, 16) == salt;
        if !known || seeded_hash64(&bytes[..88], salt) != number64(bytes, 88) {
            return Err(LayoutFault::Damaged);
        }
        Ok(Footer {
            salt,
            entries: number64(bytes, 24),
            blocks: number64(bytes, 32),
            index: place(40),
            metadata: place(56),
            file_bytes: number64(bytes, 72),
            check_of_checks: number64(bytes, 80),
        })
    }
}

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data = 1,
    Index = 2,
    Metadata = 3,
}

/// The head of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHead {
    pub(super) kind: Kind,
    pub(super) packed: bool,
    pub(super) plain_bytes: u32,
    pub(super) entries: u32,
}

impl BlockHead {
    /// A whole block with its head, and its check.
    pub(super) fn seal(self, stored: &[u8], seed: u64, into: &mut Vec<u8>) -> u64 {
        into.clear();
        into.extend_from_slice(&[0; 8]);
        into.extend_from_slice(&(self.kind as u16).to_le_bytes());
        into.extend_from_slice(&u16::from(self.packed).to_le_bytes());
        into.extend_from_slice(&(stored.len() as u32).to_le_bytes());
        into.extend_from_slice(&self.plain_bytes.to_le_bytes());
        into.extend_from_slice(&self.entries.to_le_bytes());
        into.extend_from_slice(stored);
        let check = seeded_hash64(&into[8..], seed);
        into[..8].copy_from_slice(&check.to_le_bytes());
        check
    }

    /// The head of a block that is there as a whole, and its check; none if that is not right.
    pub(super) fn read(block: &[u8], kind: Kind, seed: u64) -> Option<(BlockHead, u64)> {
        let head = block.get(..HEAD_BYTES)?;
        let check = number64(head, 0);
        let whole = number32(head, 12) as usize == block.len() - HEAD_BYTES;
        if !whole || seeded_hash64(&block[8..], seed) != check || number16(head, 8) != kind as u16 {
            return None;
        }
        let packed = number16(head, 10) == 1;
        let read = BlockHead { kind, packed, plain_bytes: number32(head, 16), entries: number32(head, 20) };
        Some((read, check))
    }
}

/// The seed of the check of the block at a place.
pub(super) fn seed(salt: u64, offset: u64) -> u64 {
    salt.wrapping_add(offset)
}

/// The check of checks, with one more.
pub(super) fn add_check(so_far: u64, check: u64) -> u64 {
    seeded_hash64(&check.to_le_bytes(), so_far)
}

fn number16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}
