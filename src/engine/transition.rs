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

/// Takes out pairs that enter and leave, or leave and enter, the same segment at the same instant.
pub(crate) fn cancel_pairs(turns: &mut Vec<Turn>) {
    let mut place = 0;
    while place < turns.len() {
        let turn = turns[place];
        let undone = turns[place + 1..].iter().position(|later| later.at == turn.at && later.segment == turn.segment);
        match undone {
            Some(offset) => {
                turns.remove(place + 1 + offset);
                turns.remove(place);
            }
            None => place += 1,
        }
    }
}
