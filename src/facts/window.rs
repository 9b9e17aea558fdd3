//! Which rows of a log a window takes at `now`, and when that changes by itself.

use std::ops::Range;

use crate::base::time::Time;
use crate::facts::event_log::EventLog;
use crate::model::value::Value;
use crate::rules::evaluate::{Facts, evaluate};
use crate::rules::expression::{Bound, begin_of_days, end_of_days};

/// The rows a window takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rows {
    pub(crate) range: Range<usize>,
    /// The earliest instant at which the rows may be others without a message.
    pub(crate) until: Time,
}

/// The rows of `log` that `window` takes at the facts' `now`.
pub(crate) fn rows(log: &EventLog, window: &[Bound], facts: &impl Facts) -> Rows {
    let now = facts.now();
    let mut rows = Rows { range: 0..log.len(), until: Time::NEVER };
    for bound in window {
        match bound {
            Bound::Within(duration) => {
                let first = log.first_after(now - *duration);
                rows.start_at(first);
                if let Some(time) = log.time(first) {
                    rows.until = rows.until.min(time + *duration);
                }
            }
            Bound::CalendarDays(days, zone) => {
                let first = log.first_from(begin_of_days(*days, zone, now));
                rows.start_at(first);
                if let Some(time) = log.time(first) {
                    rows.until = rows.until.min(end_of_days(*days, zone, time));
                }
            }
            Bound::OlderThan(duration) => {
                let end = log.first_after(now - *duration);
                rows.end_at(end);
                if let Some(time) = log.time(end) {
                    rows.until = rows.until.min(time + *duration);
                }
            }
            Bound::After(time) => {
                let time = evaluate(time, facts);
                rows.until = rows.until.min(time.until);
                match time.value {
                    Some(Value::Time(time)) => rows.start_at(log.first_after(time)),
                    _ => rows.end_at(0),
                }
            }
            Bound::Before(time) => {
                let time = evaluate(time, facts);
                rows.until = rows.until.min(time.until);
                match time.value {
                    Some(Value::Time(time)) => rows.end_at(log.first_from(time)),
                    _ => rows.end_at(0),
                }
            }
        }
    }
    rows.range.end = rows.range.end.max(rows.range.start);
    rows
}

impl Rows {
    fn start_at(&mut self, row: usize) {
        self.range.start = self.range.start.max(row);
    }

    fn end_at(&mut self, row: usize) {
        self.range.end = self.range.end.min(row);
    }
}
