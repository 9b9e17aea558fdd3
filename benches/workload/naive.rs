//! What one would write without an engine: the events of each customer in vectors, and after each
//! event all segments evaluated anew by hand-written code. No exactness of sums, no late events.

use std::collections::VecDeque;

use habitue::Time;

use super::{Event, Kind, Segment, attributes, total};

/// Customers without an engine.
pub(crate) struct Naive {
    segments: Vec<Segment>,
    attributes: Vec<Vec<f64>>,
    /// Of each customer and event, times and totals.
    events: Vec<[VecDeque<(i64, f64)>; 6]>,
    members: Vec<Vec<bool>>,
}

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

impl Naive {
    pub(crate) fn new(segments: &[Segment], customers: usize) -> Naive {
        Naive {
            segments: segments.to_vec(),
            attributes: attributes(customers),
            events: vec![Default::default(); customers],
            members: vec![vec![false; segments.len()]; customers],
        }
    }

    /// Takes an event without concluding anything from it.
    pub(crate) fn take(&mut self, event: Event) {
        let log = &mut self.events[event.customer][event.event];
        log.push_back((event.time.millis(), total(event.total)));
        while log.front().is_some_and(|(time, _)| *time <= event.time.millis() - 90 * DAY) {
            log.pop_front();
        }
    }

    /// Takes an event and recomputes all memberships; returns how many turned.
    pub(crate) fn apply(&mut self, event: Event) -> usize {
        self.take(event);
        self.recompute(event.customer, event.time)
    }

    /// Recomputes all memberships of a customer; returns how many turned.
    pub(crate) fn recompute(&mut self, customer: usize, now: Time) -> usize {
        let now = now.millis();
        let attributes = &self.attributes[customer];
        let events = &self.events[customer];
        let mut turned = 0;
        for (segment, member) in self.segments.iter().zip(&mut self.members[customer]) {
            let after = |log: &VecDeque<(i64, f64)>, time: i64| log.partition_point(|(at, _)| *at <= time);
            let holds = attributes[segment.attribute] > segment.least
                && match segment.kind {
                    Kind::Attribute(other, most) => attributes[other] < most,
                    Kind::CountInDay(event, least) => {
                        events[event].len() - after(&events[event], now - DAY) >= least
                    }
                    Kind::PurchasesInMonth(least) => {
                        events[4].len() - after(&events[4], now - 30 * DAY) >= least
                    }
                    Kind::SumInQuarter(least) => {
                        let first = after(&events[4], now - 90 * DAY);
                        events[4].iter().skip(first).map(|(_, total)| total).sum::<f64>() > least
                    }
                    Kind::CartLeft => events[3].back().is_some_and(|(added, _)| {
                        now >= added + 48 * HOUR && events[4].back().is_none_or(|(bought, _)| bought < added)
                    }),
                };
            turned += usize::from(holds != *member);
            *member = holds;
        }
        turned
    }

    /// How many segments a customer is a member of.
    pub(crate) fn memberships(&self, customer: usize) -> usize {
        self.members[customer].iter().filter(|member| **member).count()
    }
}
