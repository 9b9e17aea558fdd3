//! Segments as what an index by hand and triggers ask: a measure of the customer has reached a number.
//!
//! Money is counted in thousandths, so that sums are exact whatever order they are taken in.

use crate::workload::{Kind, Segment, total};

/// The day's counts of the six events, purchases in 30 days, their sum in 90, and whether a cart is left.
pub(crate) const MEASURES: usize = 9;
pub(crate) const PURCHASES: usize = 6;
pub(crate) const SUM: usize = 7;
pub(crate) const CART: usize = 8;

/// The events that more than the day's count hangs on.
pub(crate) const ADDED: usize = 3;
pub(crate) const PURCHASED: usize = 4;

pub(crate) const HOUR: i64 = 3_600_000;
pub(crate) const DAY: i64 = 24 * HOUR;

/// A measure and how much it has to be at least.
#[derive(Clone, Copy)]
pub(crate) struct Threshold {
    pub measure: usize,
    pub least: i64,
}

impl Threshold {
    /// What a segment asks of a customer's events; nothing if it asks for attributes only.
    pub(crate) fn of(segment: &Segment) -> Option<Threshold> {
        let (measure, least) = match segment.kind {
            Kind::Attribute(..) => return None,
            Kind::CountInDay(event, least) => (event, least as i64),
            Kind::PurchasesInMonth(least) => (PURCHASES, least as i64),
            Kind::SumInQuarter(least) => (SUM, thousandths(least) + 1),
            Kind::CartLeft => (CART, 1),
        };
        Some(Threshold { measure, least })
    }
}

/// Whether a customer's attributes allow the segment; they do not change while it is measured.
pub(crate) fn is_allowed(segment: &Segment, attributes: &[f64]) -> bool {
    attributes[segment.attribute] > segment.least
        && match segment.kind {
            Kind::Attribute(other, most) => attributes[other] < most,
            _ => true,
        }
}

/// The amount of a purchase in thousandths.
pub(crate) fn amount(place: usize) -> i64 {
    thousandths(total(place))
}

fn thousandths(value: f64) -> i64 {
    (value * 1_000.0).round() as i64
}
