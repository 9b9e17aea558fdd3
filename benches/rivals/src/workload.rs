//! The customers: 40 float attributes each, all known from the number.

/// How many attributes each customer has.
pub(crate) const ATTRIBUTES: u64 = 40;

/// The id of a customer.
pub(crate) fn id(number: u64) -> String {
    format!("customer-{number:07}")
}

/// An attribute, from 0 to 1,000 (SplitMix64).
pub(crate) fn value(number: u64, attribute: u64) -> f64 {
    let mut state = (number * 64 + attribute + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((state ^ (state >> 31)) % 1_000_000) as f64 / 1_000.0
}

/// All attributes of a customer.
pub(crate) fn values(number: u64) -> Vec<f64> {
    (0..ATTRIBUTES).map(|attribute| value(number, attribute)).collect()
}

/// The condition of the offer.
pub(crate) fn is_high(first: f64) -> bool {
    first > 500.0
}
