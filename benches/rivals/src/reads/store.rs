//! What every store of this question can do.

use crate::Outcome;
use crate::customers::value;

/// The attribute that is read, and the one that is written.
pub(crate) const READ: usize = 7;
pub(crate) const WRITTEN: usize = 9;

/// Reads the attribute of one customer after the other.
pub(crate) type Reader<'a> = Box<dyn FnMut(&str) -> Outcome<f64> + 'a>;
/// Gives one customer after the other another value.
pub(crate) type Writer<'a> = Box<dyn FnMut(&str, f64) -> Outcome<()> + 'a>;

/// A store with all customers in it.
pub(crate) trait Store: Sync {
    /// A reader for one thread, with everything it can prepare beforehand.
    fn reader(&self) -> Outcome<Reader<'_>>;

    /// The same to write, for one thread.
    fn writer(&self) -> Outcome<Writer<'_>>;

    /// What a reader has to say of a customer.
    fn right(&self, number: u64) -> f64 {
        value(number, READ)
    }

    /// How often each customer is read before it counts, so that what is kept at hand is.
    fn passes(&self) -> usize {
        2
    }
}
