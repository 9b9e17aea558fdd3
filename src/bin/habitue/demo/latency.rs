//! How long calls take: measured one by one for the spread, and in one go for the average.
//!
//! Reading the clock twice costs tens of nanoseconds, as much as a lookup. So the spread (p50, p99) is
//! stated with that overhead in it and beside the overhead alone, and the average is taken of a run of
//! calls between two readings, where it vanishes.

use std::hint::black_box;
use std::time::Instant;

use habitue::Database;
use serde::Serialize;

/// Calls of each kind that are measured.
const CALLS: usize = 200_000;
/// A step through the households that visits all of them and leaves no two neighbours together.
const STRIDE: usize = 7_919;

/// The durations of many calls of one kind, in nanoseconds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Latency {
    pub(super) what: &'static str,
    pub(super) calls: usize,
    /// The average of a run without readings of the clock in between.
    pub(super) mean_ns: f64,
    /// Half of the calls took at most this long, the overhead of the clock included.
    pub(super) p50_ns: u64,
    /// 99 of 100 calls took at most this long, the overhead of the clock included.
    pub(super) p99_ns: u64,
}

/// What was measured of lookups.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Lookups {
    /// Two readings of the clock with nothing in between.
    pub(super) clock: Latency,
    pub(super) reads: Vec<Latency>,
    /// How many of the measured decisions came from the cache.
    pub(super) cached_decisions: usize,
    /// How many decisions were measured.
    pub(super) decisions: usize,
}

impl Latency {
    /// Sums up `nanos`, one number per call; the average is that of the same numbers.
    pub(super) fn of(what: &'static str, mut nanos: Vec<u32>) -> Latency {
        nanos.sort_unstable();
        let at = |share: f64| {
            let index = (nanos.len() as f64 * share) as usize;
            nanos.get(index.min(nanos.len().saturating_sub(1))).map_or(0, |nanos| u64::from(*nanos))
        };
        let total: u64 = nanos.iter().map(|nanos| u64::from(*nanos)).sum();
        let mean_ns = total as f64 / nanos.len().max(1) as f64;
        Latency { what, calls: nanos.len(), mean_ns, p50_ns: at(0.50), p99_ns: at(0.99) }
    }

    /// Measures `call`, given the number of each call.
    fn measure(what: &'static str, mut call: impl FnMut(usize)) -> Latency {
        (0..CALLS / 10).for_each(&mut call);
        let mut nanos = Vec::with_capacity(CALLS);
        for number in 0..CALLS {
            let before = Instant::now();
            call(number);
            nanos.push(nanos_since(before));
        }
        let before = Instant::now();
        (0..CALLS).for_each(&mut call);
        let mean_ns = before.elapsed().as_nanos() as f64 / CALLS as f64;
        Latency { mean_ns, ..Latency::of(what, nanos) }
    }
}

/// The nanoseconds since `before`; more than four seconds count as four.
pub(super) fn nanos_since(before: Instant) -> u32 {
    u32::try_from(before.elapsed().as_nanos()).unwrap_or(u32::MAX)
}

/// Measures lookups of all `households` while the clock stands still.
pub(super) fn measure(database: &Database, households: &[String]) -> Lookups {
    let customer = |number: usize| households[number.wrapping_mul(STRIDE) % households.len()].as_str();
    for id in households {
        for personalization in PERSONALIZATIONS {
            let _ = black_box(database.decide(id, personalization));
        }
    }
    let clock = Latency::measure("reading the clock, nothing else", |_| ());
    let attribute = Latency::measure("read an attribute", |number| {
        let _ = black_box(database.attribute(customer(number), ATTRIBUTES[number % ATTRIBUTES.len()]));
    });
    let computed = Latency::measure("read a computed attribute", |number| {
        let _ = black_box(database.attribute(customer(number), COMPUTED[number % COMPUTED.len()]));
    });
    let member = Latency::measure("ask whether in a segment", |number| {
        let _ = black_box(database.is_member(customer(number), SEGMENTS[number % SEGMENTS.len()]));
    });
    let (mut cached_decisions, mut decisions) = (0, 0);
    let decide = Latency::measure("decide, from the cache", |number| {
        decisions += 1;
        let decided = database.decide(customer(number), PERSONALIZATIONS[number % PERSONALIZATIONS.len()]);
        cached_decisions += usize::from(black_box(decided).is_ok_and(|decided| decided.cached));
    });
    Lookups { clock, reads: vec![attribute, computed, member, decide], cached_decisions, decisions }
}

const ATTRIBUTES: [&str; 3] = ["age", "household_size", "kids_count"];
const COMPUTED: [&str; 4] = ["orders", "spend_90d", "last_order", "home_store"];
const SEGMENTS: [&str; 4] = ["lapsed", "weekly_regular", "big_spender", "worth_mailing"];
const PERSONALIZATIONS: [&str; 3] = ["homepage", "next_coupon", "shelf_screens"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_read_from_the_sorted_durations() {
        let latency = Latency::of("x", (1..=1_000).rev().collect());
        assert_eq!((latency.calls, latency.p50_ns, latency.p99_ns), (1_000, 501, 991));
        assert_eq!(Latency::of("x", Vec::new()).p99_ns, 0);
    }
}
