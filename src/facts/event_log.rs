//! The events of one source that a window may still ask for, in the order of time.
//!
//! Stamps and values lie in two arrays: a count reads only stamps, and what a customer has is read with
//! as few cache misses as possible. Events mostly arrive in order, so inserting is nearly always an
//! append. An event takes 16 bytes, and 24 for each property that an aggregate needs.
//!
//! Invariants:
//! 1. `stamps` is sorted by time; events of equal time are sorted by message id.
//! 2. `values` holds `columns` values for each stamp, one stamp's after the other's.
//! 3. No event is missing that is later than the time given to the last [`EventLog::forget_until`].

use crate::base::time::Time;
use crate::facts::stamp::{MessageOrder, Stamp};
use crate::model::value::Value;

/// A log of events of one source.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct EventLog {
    stamps: Vec<Stamp>,
    values: Vec<Option<Value>>,
    /// How many properties an aggregate needs; they are in the order of the source's plan.
    columns: usize,
}

impl EventLog {
    /// Inserts an event with the values of its columns, which are equally many for all events.
    pub(crate) fn insert<'a>(
        &mut self,
        stamp: Stamp,
        values: impl ExactSizeIterator<Item = Option<&'a Value>>,
        order: &dyn MessageOrder,
    ) {
        debug_assert!(self.stamps.is_empty() || self.columns == values.len());
        self.columns = values.len();
        let mut at = self.first_after(stamp.time);
        while at > 0 && self.stamps[at - 1].is_after(stamp, order) {
            at -= 1;
        }
        self.stamps.insert(at, stamp);
        let place = at * self.columns;
        self.values.splice(place..place, values.map(Option::<&Value>::cloned));
    }

    /// The stamps, the values, and how many values belong to each stamp.
    pub(crate) fn parts(&self) -> (&[Stamp], &[Option<Value>], usize) {
        (&self.stamps, &self.values, self.columns)
    }

    /// The log of these parts.
    pub(crate) fn from_parts(stamps: Vec<Stamp>, values: Vec<Option<Value>>, columns: usize) -> EventLog {
        EventLog { stamps, values, columns }
    }

    /// Drops the events at or before `time`.
    pub(crate) fn forget_until(&mut self, time: Time) {
        let gone = self.first_after(time);
        if gone > 0 {
            self.stamps.drain(..gone);
            self.values.drain(..gone * self.columns);
        }
    }

    /// How many events are kept.
    pub(crate) fn len(&self) -> usize {
        self.stamps.len()
    }

    /// The stamp of event `row`.
    pub(crate) fn stamp(&self, row: usize) -> Stamp {
        self.stamps[row]
    }

    /// The time of event `row`, if there is such an event.
    pub(crate) fn time(&self, row: usize) -> Option<Time> {
        self.stamps.get(row).map(|stamp| stamp.time)
    }

    /// A value of event `row`.
    pub(crate) fn value(&self, row: usize, column: usize) -> Option<&Value> {
        self.values[row * self.columns + column].as_ref()
    }

    /// The first row later than `time`.
    pub(crate) fn first_after(&self, time: Time) -> usize {
        self.stamps.partition_point(|kept| kept.time <= time)
    }

    /// The first row at `time` or later.
    pub(crate) fn first_from(&self, time: Time) -> usize {
        self.stamps.partition_point(|kept| kept.time < time)
    }
}
