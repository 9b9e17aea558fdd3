//! The database's time: a clock that never goes back.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::base::clock::Clock;
use crate::base::time::Time;

/// The time.
#[derive(Debug)]
pub(crate) struct DatabaseTime {
    clock: Clock,
    /// The last reading.
    last: AtomicI64,
}

impl DatabaseTime {
    /// The time of a clock, from `since` on.
    pub(crate) fn new(clock: Clock, since: Time) -> DatabaseTime {
        DatabaseTime { clock, last: AtomicI64::new(since.millis()) }
    }

    /// The clock's reading, or the last one if the clock went back.
    pub(crate) fn now(&self) -> Time {
        let now = self.clock.now().millis();
        // Who asks within one millisecond writes to nothing that others read.
        let last = self.last.load(Ordering::Acquire);
        let last = if last < now { self.last.fetch_max(now, Ordering::AcqRel).max(now) } else { last };
        Time::from_raw(last)
    }

    /// A time that was now, or the last reading if it is later than that.
    pub(crate) fn not_later(&self, time: Time) -> Time {
        time.min(Time::from_raw(self.last.load(Ordering::Acquire)))
    }

    /// Sees to it that it is not earlier than `time`.
    pub(crate) fn reach(&self, time: Time) {
        self.last.fetch_max(time.millis(), Ordering::AcqRel);
    }
}
