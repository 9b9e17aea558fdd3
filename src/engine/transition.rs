//! That a customer entered or left a segment, when, and by what.

use crate::base::time::Time;
use crate::facts::stamp::HistoryPlace;
use crate::model::ids::SegmentId;

/// One change of membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) segment: SegmentId,
    pub(crate) entered: bool,
    /// The event time or deadline from which on it holds.
    pub(crate) at: Time,
    pub(crate) cause: Trigger,
}

/// What changed a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// A message of the customer's history.
    Message(HistoryPlace),
    /// The passing of time.
    Time,
    /// A new catalog.
    Catalog,
}
