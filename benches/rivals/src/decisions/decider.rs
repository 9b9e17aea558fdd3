//! What every side of this question can do.

use crate::Outcome;

/// Somebody who decides.
pub(crate) trait Decider {
    /// The text that the customer sees.
    fn decide(&mut self, id: &str) -> Outcome<&str>;
}
