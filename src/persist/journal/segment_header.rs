//! The first bytes of a segment file: whose it is, which one, and the salt of its frames.
//!
//! ```text
//!  0  8  "HABITJNL"
//!  8  4  version of the format: 1
//! 12  4  where the frames begin: 4096
//! 16  8  number that the journal was given when it was made
//! 24  8  number of the segment, as in its name
//! 32  8  sequence of its first record
//! 40  8  length of the file
//! 48  8  salt of its frames
//! 56  8  check of bytes 0 to 56: XXH3, 64 bits, seed 0
//! ```
//!
//! The header has a page of the disk for itself, so that no write of a frame ever touches it. These 64
//! bytes, their check and the version's place are the same in all versions: that is how a file of
//! another version is told from a damaged one.
//!
//! Invariants:
//! 1. A file gets its name as a segment only after its header is stable, and the header only after the
//!    segment before is stable as a whole. So a segment's `first` proves that all records before are.

use crate::base::frozen_hash::seeded_hash64;
use crate::persist::journal::sequence::Sequence;
use crate::persist::little_endian::{number32, number64};

/// Where the frames of a segment begin.
pub(super) const FRAMES_FROM: u64 = 4096;
/// The bytes of a header.
pub(super) const HEADER_BYTES: usize = 64;
const MAGIC: &[u8; 8] = b"HABITJNL";
const VERSION: u32 = 1;

/// What a segment's file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    /// The journal's own number.
    pub(super) journal: u64,
    pub(super) number: u64,
    pub(super) first: Sequence,
    pub(super) file_bytes: u64,
    pub(super) salt: u64,
}

/// Why a file's first bytes are not a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    Short,
    Foreign,
    Damaged,
    /// Of another version of the format.
    Version(u32),
}

impl HeaderFault {
    /// In words, after "the file".
    pub(super) fn describe(self) -> String {
        match self {
            HeaderFault::Short => "is too short to be a segment".to_owned(),
            HeaderFault::Foreign => "is no segment of a journal, or its first bytes are damaged".to_owned(),
            HeaderFault::Damaged => "has a damaged header".to_owned(),
            HeaderFault::Version(version) => {
                format!("has version {version} of the format, and this release knows version {VERSION}")
            }
        }
    }
}

impl SegmentHeader {
    pub(super) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&(FRAMES_FROM as u32).to_le_bytes());
        let fields = [self.journal, self.number, self.first.0, self.file_bytes, self.salt];
        for (place, field) in bytes[16..56].chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        let check = seeded_hash64(&bytes[..56], 0);
        bytes[56..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Result<SegmentHeader, HeaderFault> {
        let bytes = bytes.get(..HEADER_BYTES).ok_or(HeaderFault::Short)?;
        let checked = seeded_hash64(&bytes[..56], 0) == number64(bytes, 56);
        match (bytes.starts_with(MAGIC), checked, number32(bytes, 8)) {
            (false, ..) => Err(HeaderFault::Foreign),
            (true, false, _) => Err(HeaderFault::Damaged),
            (true, true, VERSION) => Ok(SegmentHeader {
                journal: number64(bytes, 16),
                number: number64(bytes, 24),
                first: Sequence(number64(bytes, 32)),
                file_bytes: number64(bytes, 40),
                salt: number64(bytes, 48),
            }),
            (true, true, version) => Err(HeaderFault::Version(version)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: SegmentHeader =
        SegmentHeader { journal: 1, number: 2, first: Sequence(3), file_bytes: 8192, salt: 5 };

    #[test]
    fn a_header_reads_back_and_any_turned_bit_is_found() {
        let bytes = HEADER.to_bytes();
        assert_eq!(SegmentHeader::read(&bytes), Ok(HEADER));
        assert_eq!(SegmentHeader::read(&bytes[..63]), Err(HeaderFault::Short));
        for bit in 0..HEADER_BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let expected = if bit < 64 { HeaderFault::Foreign } else { HeaderFault::Damaged };
            assert_eq!(SegmentHeader::read(&flipped), Err(expected), "bit {bit}");
        }
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let mut bytes = HEADER.to_bytes();
        bytes[8] = 2;
        let check = seeded_hash64(&bytes[..56], 0);
        bytes[56..].copy_from_slice(&check.to_le_bytes());
        assert_eq!(SegmentHeader::read(&bytes), Err(HeaderFault::Version(2)));
    }

    #[test]
    fn the_bytes_of_a_header_never_change() {
        let expected = "48414249544a4e4c010000000010000001000000000000000200000000000000\
                        0300000000000000002000000000000005000000000000009d756912df3fde9e";
        let hex: String = HEADER.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }
}
