//! Blocks smaller and back: LZ4, or as they are if that is no smaller.
//!
//! LZ4 and not zstd: reading a base is waited for when the database opens, and the packages in plain
//! Rust that write zstd do so slowly.

use lz4_flex::block::{compress_into, decompress_into, get_maximum_output_size};

/// How the bytes of a block are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Raw,
    Lz4,
}

/// Compresses into a buffer; the answer says whether it is to be used.
pub(super) fn compress(bytes: &[u8], into: &mut Vec<u8>) -> Stored {
    into.resize(get_maximum_output_size(bytes.len()), 0);
    match compress_into(bytes, into) {
        Ok(length) if length < bytes.len() => {
            into.truncate(length);
            Stored::Lz4
        }
        _ => Stored::Raw,
    }
}

/// The bytes as they were; none if they cannot be of this length.
pub(super) fn decompress(stored: Stored, bytes: Vec<u8>, length: usize) -> Option<Vec<u8>> {
    match stored {
        Stored::Raw => (bytes.len() == length).then_some(bytes),
        Stored::Lz4 => {
            let mut plain = vec![0; length];
            (decompress_into(&bytes, &mut plain).ok()? == length).then_some(plain)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        let mut packed = vec![9; 3];
        let text = b"the same again, the same again, the same again, the same again".to_vec();
        assert_eq!(compress(&text, &mut packed), Stored::Lz4);
        assert!(packed.len() < text.len());
        assert_eq!(decompress(Stored::Lz4, packed.clone(), text.len()), Some(text.clone()));
        assert_eq!(decompress(Stored::Lz4, packed, text.len() + 1), None);
        assert_eq!(decompress(Stored::Raw, text.clone(), text.len() - 1), None);
        for short in [&b""[..], b"a", b"abcdefgh"] {
            assert_eq!(compress(short, &mut Vec::new()), Stored::Raw);
            assert_eq!(decompress(Stored::Raw, short.to_vec(), short.len()), Some(short.to_vec()));
        }
    }
}
