//! Numbers at fixed places of headers whose length was checked: little endian, as everywhere on disk.

/// The little-endian number at a place that is known to be there.
pub(crate) fn number32(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

/// The little-endian number at a place that is known to be there.
pub(crate) fn number64(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}
