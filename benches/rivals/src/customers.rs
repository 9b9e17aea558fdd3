//! The customers: ids of 16 bytes and 40 float attributes each, all known from the number.

use crate::workload::random::Random;

/// How many attributes each customer has.
pub(crate) const ATTRIBUTES: usize = 40;

/// The attributes of a customer.
pub(crate) type Row = [f64; ATTRIBUTES];

/// The id of a customer.
pub(crate) fn id(number: u64) -> String {
    format!("customer-{number:07}")
}

/// Ids of customers chosen uniformly, in one text, so that choosing who is next waits for no memory.
pub(crate) fn chosen(seed: u64, calls: usize, customers: u64) -> String {
    let mut random = Random(seed);
    (0..calls).map(|_| id(random.below(customers))).collect()
}

/// One of them.
pub(crate) fn nth(chosen: &str, place: usize) -> &str {
    &chosen[place * 16..][..16]
}

/// The id as one number, which is how who knows that ids have 16 bytes would keep it.
pub(crate) fn key(id: &str) -> u128 {
    u128::from_le_bytes(bytes(id))
}

/// The bytes of an id.
pub(crate) fn bytes(id: &str) -> [u8; 16] {
    id.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// An attribute, from 0 to 1,000, in thousandths (SplitMix64).
pub(crate) fn value(number: u64, attribute: usize) -> f64 {
    let mut state = (number * 64 + attribute as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((state ^ (state >> 31)) % 1_000_000) as f64 / 1_000.0
}

/// All attributes of a customer.
pub(crate) fn values(number: u64) -> Row {
    std::array::from_fn(|attribute| value(number, attribute))
}

/// The same as bytes.
pub(crate) fn packed(number: u64) -> [u8; ATTRIBUTES * 8] {
    let mut bytes = [0; ATTRIBUTES * 8];
    for (place, value) in bytes.chunks_exact_mut(8).zip(values(number)) {
        place.copy_from_slice(&value.to_le_bytes());
    }
    bytes
}

/// An attribute of those bytes.
pub(crate) fn unpacked(bytes: &[u8], attribute: usize) -> Option<f64> {
    bytes.get(attribute * 8..)?.first_chunk().copied().map(f64::from_le_bytes)
}

/// Whether the offer of the question about opening is shown.
pub(crate) fn is_high(first: f64) -> bool {
    first > 500.0
}
