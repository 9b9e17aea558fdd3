//! The entries of a block, and of the index, as bytes: lengths, then what has these lengths.
//!
//! ```text
//! data:   0 4 length of the key    4 4 length of the value   8 key, value
//! index:  0 4 length of the key    4 4 bytes of the block    8 8 its offset   16 first key of the block
//! ```

use crate::persist::little_endian::{number32, number64};

/// A pair in the block that it borrows.
pub(crate) type Pair<'a> = (&'a [u8], &'a [u8]);

/// Bytes of a data entry beside key and value.
const DATA_HEAD: usize = 8;
const INDEX_HEAD: usize = 16;

/// Appends an entry to a data block.
pub(super) fn put_data(block: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    block.extend_from_slice(&(key.len() as u32).to_le_bytes());
    block.extend_from_slice(&(value.len() as u32).to_le_bytes());
    block.extend_from_slice(key);
    block.extend_from_slice(value);
}

/// How long an entry of a data block is.
pub(super) fn data_bytes(key: &[u8], value: &[u8]) -> usize {
    DATA_HEAD + key.len() + value.len()
}

/// The entry at a place of a data block, and the place after it; none if there is no whole one.
pub(super) fn data_at(block: &[u8], at: usize) -> Option<(Pair<'_>, usize)> {
    let head = block.get(at..at.checked_add(DATA_HEAD)?)?;
    let (key_bytes, value_bytes) = (number32(head, 0) as usize, number32(head, 4) as usize);
    let key_from = at + DATA_HEAD;
    let value_from = key_from.checked_add(key_bytes)?;
    let end = value_from.checked_add(value_bytes)?;
    Some(((block.get(key_from..value_from)?, block.get(value_from..end)?), end))
}

/// What the index knows of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Indexed {
    pub(super) first: Box<[u8]>,
    pub(super) offset: u64,
    /// With its head.
    pub(super) bytes: u32,
}

impl Indexed {
    pub(super) fn put(&self, index: &mut Vec<u8>) {
        index.extend_from_slice(&(self.first.len() as u32).to_le_bytes());
        index.extend_from_slice(&self.bytes.to_le_bytes());
        index.extend_from_slice(&self.offset.to_le_bytes());
        index.extend_from_slice(&self.first);
    }

    /// All entries of an index; none if it is not one.
    pub(super) fn read_all(index: &[u8]) -> Option<Vec<Indexed>> {
        let mut all = Vec::new();
        let mut at = 0;
        while at < index.len() {
            let head = index.get(at..at + INDEX_HEAD)?;
            let end = (at + INDEX_HEAD).checked_add(number32(head, 0) as usize)?;
            let first = index.get(at + INDEX_HEAD..end)?.into();
            all.push(Indexed { first, offset: number64(head, 8), bytes: number32(head, 4) });
            at = end;
        }
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_read_back_and_cut_ones_do_not() {
        let mut block = Vec::new();
        put_data(&mut block, b"key", b"");
        put_data(&mut block, b"", b"value");
        assert_eq!(data_at(&block, 0), Some(((&b"key"[..], &b""[..]), 11)));
        assert_eq!(data_at(&block, 11), Some(((&b""[..], &b"value"[..]), 24)));
        assert_eq!(
            (data_at(&block, 24), data_at(&block[..23], 11), data_at(&block, usize::MAX)),
            (None, None, None)
        );
        assert_eq!(data_bytes(b"", b"value"), 13);

        let all = vec![
            Indexed { first: b"a".to_vec().into(), offset: 64, bytes: 100 },
            Indexed { first: b"bcd".to_vec().into(), offset: 164, bytes: 7 },
        ];
        let mut index = Vec::new();
        all.iter().for_each(|indexed| indexed.put(&mut index));
        assert_eq!(Indexed::read_all(&index), Some(all));
        assert_eq!(Indexed::read_all(&index[..index.len() - 1]), None);
        assert_eq!(Indexed::read_all(&[]), Some(Vec::new()));
    }
}
