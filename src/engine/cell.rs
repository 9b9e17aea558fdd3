//! All state of one profile: what is known, what is concluded, what is still to come.
//!
//! Invariants:
//! 1. `conclusions` are those at `as_of`, and hold until just before `deadline`.
//! 2. `deadline` is [`Cell::next_due`].
//! 3. Nothing changed between `last_change` and `as_of`, so a message that late is still in order.
//! 4. There are conclusions exactly if a message has become effective: the customer is known.

use crate::base::time::Time;
use crate::derived::conclusions::Conclusions;
use crate::derived::view::Live;
use crate::engine::transition::Trigger;
use crate::engine::typed_message::TypedMessage;
use crate::facts::customer::Customer;

/// The state of one profile.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) customer: Customer,
    pub(crate) conclusions: Option<Conclusions>,
    /// Accepted messages of the future, in the order of time.
    pub(crate) pending: Vec<TypedMessage>,
    pub(crate) as_of: Time,
    pub(crate) last_change: Time,
    /// What changed the customer last.
    pub(crate) last_cause: Trigger,
    pub(crate) deadline: Time,
    /// Grows with every change, so that what was derived from an older state can be told.
    pub(crate) stamp: u64,
}

impl Cell {
    /// The state of a profile before its first message.
    pub(crate) fn new() -> Cell {
        Cell {
            customer: Customer::default(),
            conclusions: None,
            pending: Vec::new(),
            as_of: Time::BEFORE_ALL,
            last_change: Time::BEFORE_ALL,
            last_cause: Trigger::Time,
            deadline: Time::NEVER,
            stamp: 0,
        }
    }

    /// Whether a message has become effective.
    pub(crate) fn is_known(&self) -> bool {
        self.conclusions.is_some()
    }

    /// The earliest of the watches' deadlines and the pending messages' times.
    pub(crate) fn next_due(&self) -> Time {
        let watches = self.conclusions.as_ref().map_or(Time::NEVER, |conclusions| conclusions.watches.next());
        watches.min(self.pending.first().map_or(Time::NEVER, |message| message.stamp.time))
    }

    /// About how many bytes it takes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.customer.bytes() + self.conclusions_bytes() + self.pending_bytes()
    }

    /// The same of the conclusions.
    pub(crate) fn conclusions_bytes(&self) -> usize {
        self.conclusions.as_ref().map_or(0, Conclusions::bytes)
    }

    /// The same of messages of the future.
    pub(crate) fn pending_bytes(&self) -> usize {
        self.pending.len() * (size_of::<TypedMessage>() + 200)
    }

    /// The cell as expressions read it.
    pub(crate) fn live(&self) -> Live<'_> {
        let truths = self.conclusions.as_ref().map(|conclusions| &conclusions.truths);
        Live { customer: &self.customer, truths }
    }
}
