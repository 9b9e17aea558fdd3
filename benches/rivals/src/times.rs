//! How long calls take: each by itself, and many at one go.
//!
//! A call that is timed by itself stands alone, as in a program that does other things between two calls;
//! at one go the processor overlaps what it can of one call with the next. Percentiles are of the first,
//! means of the second. What reading the clock and choosing a call cost is measured the same way, by a side
//! that does nothing, and taken off.

use std::time::Instant;

use crate::Outcome;
use crate::processor_time::processor_time;

/// The times of one side, nanoseconds.
#[derive(Default)]
pub(crate) struct Times {
    /// Of each call by itself.
    alone: Vec<f64>,
    /// Of a call at one go, by the clock on the wall, for each round.
    wall: Vec<f64>,
    /// The same by the calling thread's time on the processor.
    processor: Vec<f64>,
}

/// What is told of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    pub median: f64,
    pub p99: f64,
    pub p999: f64,
    pub wall: f64,
    pub processor: f64,
}

impl Times {
    /// Times these calls one by one.
    pub(crate) fn alone(&mut self, calls: usize, mut call: impl FnMut(usize) -> Outcome<()>) -> Outcome<()> {
        self.alone.reserve(calls);
        for number in 0..calls {
            let begun = Instant::now();
            call(number)?;
            self.alone.push(begun.elapsed().as_nanos() as f64);
        }
        Ok(())
    }

    /// Times these calls together, with what belongs to all of them.
    pub(crate) fn together(&mut self, calls: usize, go: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
        let (begun, processor) = (Instant::now(), processor_time());
        go()?;
        self.processor.push((processor_time() - processor).as_nanos() as f64 / calls as f64);
        self.wall.push(begun.elapsed().as_nanos() as f64 / calls as f64);
        Ok(())
    }

    /// What they come to, less what doing nothing takes.
    pub(crate) fn summary(&mut self, nothing: Summary) -> Summary {
        let median = part(&mut self.alone, 0.5);
        Summary {
            median: median - nothing.median,
            p99: part(&mut self.alone, 0.99) - nothing.median,
            p999: part(&mut self.alone, 0.999) - nothing.median,
            wall: part(&mut self.wall, 0.5) - nothing.wall,
            processor: part(&mut self.processor, 0.5) - nothing.processor,
        }
    }
}

/// The value below which this part of them lies.
pub(crate) fn part(times: &mut [f64], part: f64) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    let last = times.len().saturating_sub(1);
    times.get((last as f64 * part) as usize).copied().unwrap_or_default()
}
