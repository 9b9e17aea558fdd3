//! How long parts of the database were held, as it is told.

use serde::Serialize;

use crate::store::holds::{Holder, Holds, Measured};

/// How long shards of the profiles were held by one kind of work: others who needed the same shard, one of 64,
/// waited that long at most. Of messages and questions one in 16 is timed, and counts for 16.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HoldTimes {
    /// The kind of work: `apply` (a message of one profile), `read` (a profile whose time or catalog has come
    /// when it is asked for, a decision that is made), `timers` (profiles whose time has come that nobody asks
    /// for), `sweep` (profiles that are brought under a new catalog), `storage` (what comes from disk, goes
    /// there, and leaves memory), `identity` (who is who, and erasing), `swap` (a new catalog, all shards
    /// together), `checkpoint` (finding what changed; others may read meanwhile).
    pub by: &'static str,
    /// How often.
    pub holds: u64,
    /// How often for less than 1, 2, 4, 8 … nanoseconds, and not less than the one before; up to the last that
    /// is not 0.
    pub below_powers_of_two_ns: Vec<u64>,
    /// The longest that was timed.
    pub longest_ns: u64,
}

impl HoldTimes {
    /// What was measured of all holders that held anything.
    pub(crate) fn of(holds: &Holds) -> Vec<HoldTimes> {
        let told = Holder::ALL.into_iter().map(|by| {
            let Measured { mut times, longest_ns } = holds.measured(by);
            while times.last() == Some(&0) {
                times.pop();
            }
            let holds = times.iter().sum();
            HoldTimes { by: by.name(), holds, below_powers_of_two_ns: times, longest_ns }
        });
        told.filter(|told| told.holds > 0).collect()
    }

    /// How long so many of a thousand holds took at most, nanoseconds: a power of two.
    pub fn within_ns(&self, of_a_thousand: u64) -> u64 {
        let mut left = self.holds.saturating_mul(of_a_thousand).div_ceil(1_000);
        let reaches = |count: &u64| {
            left = left.saturating_sub(*count);
            left == 0
        };
        let place = self.below_powers_of_two_ns.iter().position(reaches);
        1 << place.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_told_by_the_power_of_two_above_them() {
        let times = vec![0, 0, 0, 90, 0, 9, 1];
        let times = HoldTimes { by: "sweep", holds: 100, below_powers_of_two_ns: times, longest_ns: 40 };
        assert_eq!(
            [500, 900, 901, 990, 991, 1_000].map(|share| times.within_ns(share)),
            [8, 8, 32, 32, 64, 64]
        );
    }
}
