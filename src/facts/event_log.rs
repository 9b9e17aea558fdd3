//! The events of one source that a window may still ask for, in the order of time.
//!
//! Columns instead of rows: a count reads only times, a sum only times and one column. Events mostly
//! arrive in order, so inserting is nearly always an append.
//!
//! Invariants:
//! 1. `times` is sorted; events of equal time are sorted by message id.
//! 2. `places` and every column are as long as `times`.
//! 3. No event is missing that is later than the time given to the last [`EventLog::forget_until`].

use crate::base::time::Time;
use crate::facts::stamp::{HistoryPlace, MessageOrder, Stamp};
use crate::model::value::Value;

/// A log of events of one source.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct EventLog {
    times: Vec<Time>,
    places: Vec<HistoryPlace>,
    /// One per property that an aggregate needs, in the order of the source's plan.
    columns: Vec<Vec<Option<Value>>>,
}

impl EventLog {
    /// Inserts an event with the values of its columns.
    pub(crate) fn insert<'a>(
        &mut self,
        stamp: Stamp,
        values: impl ExactSizeIterator<Item = Option<&'a Value>>,
        order: &dyn MessageOrder,
    ) {
        let mut at = self.times.partition_point(|time| *time <= stamp.time);
        while at > 0 && self.stamp(at - 1).is_after(stamp, order) {
            at -= 1;
        }
        self.times.insert(at, stamp.time);
        self.places.insert(at, stamp.place);
        if self.columns.len() < values.len() {
            self.columns.resize_with(values.len(), Vec::new);
        }
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.insert(at, value.cloned());
        }
    }

    /// Drops the events at or before `time`.
    pub(crate) fn forget_until(&mut self, time: Time) {
        let gone = self.times.partition_point(|kept| *kept <= time);
        if gone > 0 {
            self.times.drain(..gone);
            self.places.drain(..gone);
            self.columns.iter_mut().for_each(|column| {
                column.drain(..gone);
            });
        }
    }

    /// The times, sorted.
    pub(crate) fn times(&self) -> &[Time] {
        &self.times
    }

    /// How many events are kept.
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// The stamp of event `row`.
    pub(crate) fn stamp(&self, row: usize) -> Stamp {
        Stamp { time: self.times[row], place: self.places[row] }
    }

    /// A value of event `row`.
    pub(crate) fn value(&self, row: usize, column: usize) -> Option<&Value> {
        self.columns[column][row].as_ref()
    }

    /// The first row later than `time`.
    pub(crate) fn first_after(&self, time: Time) -> usize {
        self.times.partition_point(|kept| *kept <= time)
    }

    /// The first row at `time` or later.
    pub(crate) fn first_from(&self, time: Time) -> usize {
        self.times.partition_point(|kept| *kept < time)
    }
}
