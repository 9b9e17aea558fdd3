//! The order of messages: by event time, and by message id where the times are equal.
//!
//! A stamp is 16 bytes and does not hold the id, only the message's place in the profile's history.
//! Ids are compared only when two times are equal, by asking the history; so the rare tie costs a
//! look-up, and the common case no memory.

use std::cmp::Ordering;

use crate::base::time::Time;

/// When a message happened, and which message of the profile's history it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) time: Time,
    pub(crate) place: HistoryPlace,
}

/// A message's place in its profile's history, in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct HistoryPlace(pub(crate) u32);

/// The history's answer to which of two messages comes first.
pub(crate) trait MessageOrder {
    /// The order of two messages by their ids.
    fn compare_ids(&self, a: HistoryPlace, b: HistoryPlace) -> Ordering;
}

impl Stamp {
    /// The order of two messages.
    pub(crate) fn compare(self, other: Stamp, order: &dyn MessageOrder) -> Ordering {
        self.time.cmp(&other.time).then_with(|| {
            if self.place == other.place {
                Ordering::Equal
            } else {
                order.compare_ids(self.place, other.place)
            }
        })
    }

    /// Whether this message comes after `other`.
    pub(crate) fn is_after(self, other: Stamp, order: &dyn MessageOrder) -> bool {
        self.compare(other, order) == Ordering::Greater
    }
}

/// The order of the messages of a customer who has none.
pub(crate) struct NoMessages;

impl MessageOrder for NoMessages {
    fn compare_ids(&self, a: HistoryPlace, b: HistoryPlace) -> Ordering {
        a.0.cmp(&b.0)
    }
}
