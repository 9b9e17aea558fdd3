//! Hashes that say nothing of what was hashed to whoever has not the key: BLAKE3 in its keyed mode.
//!
//! They are written down, so neither the hash nor how fields follow each other may ever change. Whoever
//! has the key can still try texts one by one; that cannot be helped where the same text has to be known
//! again.

use std::fmt;

use crate::base::error::{Error, ErrorKind};

/// A hash of 128 bits: of a thousand million texts, two have the same with a chance of one in 10^20.
pub(crate) type KeyedHash = [u8; 16];

/// A key, drawn by chance.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct HashKey(pub(crate) [u8; 32]);

impl HashKey {
    /// A key that nobody knows.
    ///
    /// # Errors
    /// `Io` if the system gives no random numbers.
    pub(crate) fn random() -> Result<HashKey, Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| {
            let message = format!("the system gives no random numbers: {error}; look at its log");
            Error::new(ErrorKind::Io, message)
        })?;
        Ok(HashKey(key))
    }

    /// The hash of a sequence of fields; each is preceded by its length, so that fields do not run into
    /// each other.
    pub(crate) fn hash(&self, fields: &[&[u8]]) -> KeyedHash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for field in fields {
            hasher.update(&(field.len() as u64).to_le_bytes());
            hasher.update(field);
        }
        let mut hash = [0; 16];
        hasher.finalize_xof().fill(&mut hash);
        hash
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_never_change_and_hang_on_key_and_fields() {
        let key = HashKey([7; 32]);
        let hex: String = key.hash(&[b"ana", b"1"]).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "7c29681b986c7404946241513746b45c");
        assert_ne!(key.hash(&[b"ana", b"1"]), key.hash(&[b"ana1", b""]));
        assert_ne!(key.hash(&[b"ana"]), HashKey([8; 32]).hash(&[b"ana"]));
        assert_ne!(HashKey::random().unwrap().0, HashKey::random().unwrap().0);
    }
}
