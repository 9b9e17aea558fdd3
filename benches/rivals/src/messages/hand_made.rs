//! The floor: an index that somebody wrote for just these five kinds of segment.
//!
//! Thresholds of each measure are sorted, so that a change visits those it crosses; what is due later waits in
//! one queue for each window, which is in order because messages are: a message first ends all that is over by
//! then, of whomever. A customer is one piece of memory: what is measured, which segments the attributes allow,
//! and the memberships. It takes no late message, keeps no history, knows no names and is not durable; another
//! kind of segment, or two changes at one instant, would be written anew.

use std::collections::VecDeque;

use habitue::Time;

use super::keeper::Keeper;
use super::threshold::{
    ADDED, CART, DAY, HOUR, MEASURES, PURCHASED, PURCHASES, SUM, Threshold, amount, is_allowed,
};
use crate::Outcome;
use crate::workload::{Event, Segment, attributes};

/// What ends: the measure of a customer, and by how much.
#[derive(Clone, Copy)]
struct Due {
    at: i64,
    customer: u32,
    measure: u32,
    amount: i64,
}

/// The windows, by length; a queue each.
const WINDOWS: [i64; 4] = [DAY, 30 * DAY, 90 * DAY, 48 * HOUR];
/// Before the measures: when something was put in the cart and not bought since.
const SINCE: usize = 0;
const FIRST_MEASURE: usize = 1;

pub(crate) struct HandMade {
    /// Of each measure, ascending.
    thresholds: [Vec<(i64, usize)>; MEASURES],
    windows: [VecDeque<Due>; WINDOWS.len()],
    /// Of each customer: the cart, the measures, words of what is allowed, words of memberships.
    customers: Vec<i64>,
    /// Words of a set of segments.
    words: usize,
    prepared: Vec<Event>,
    turned: usize,
}

impl HandMade {
    pub(crate) fn new(segments: &[Segment], customers: usize) -> HandMade {
        let mut thresholds: [Vec<(i64, usize)>; MEASURES] = Default::default();
        for (number, segment) in segments.iter().enumerate() {
            if let Some(Threshold { measure, least }) = Threshold::of(segment) {
                thresholds[measure].push((least, number));
            }
        }
        thresholds.iter_mut().for_each(|thresholds| thresholds.sort_unstable());
        let words = segments.len().div_ceil(64);
        let width = FIRST_MEASURE + MEASURES + 2 * words;
        let mut made = HandMade {
            thresholds,
            windows: Default::default(),
            customers: vec![0; customers * width],
            words,
            prepared: Vec::new(),
            turned: 0,
        };
        for (customer, values) in attributes(customers).iter().enumerate() {
            for (number, segment) in segments.iter().enumerate() {
                let is_allowed = is_allowed(segment, values);
                let place = made.allowed(customer) + number / 64;
                made.customers[place] |= i64::from(is_allowed) << (number % 64);
                let is_member = is_allowed && Threshold::of(segment).is_none();
                made.customers[place + words] |= i64::from(is_member) << (number % 64);
            }
        }
        made
    }

    fn allowed(&self, customer: usize) -> usize {
        self.start(customer) + FIRST_MEASURE + MEASURES
    }

    fn start(&self, customer: usize) -> usize {
        customer * (FIRST_MEASURE + MEASURES + 2 * self.words)
    }

    /// Changes a measure, and the memberships whose thresholds it crosses.
    fn change(&mut self, customer: usize, measure: usize, by: i64) {
        let place = self.start(customer) + FIRST_MEASURE + measure;
        let (old, new) = (self.customers[place], self.customers[place] + by);
        self.customers[place] = new;
        let thresholds = &self.thresholds[measure];
        let reached = |value: i64| thresholds.partition_point(|(least, _)| *least <= value);
        let (from, to) = (reached(old.min(new)), reached(old.max(new)));
        let allowed = self.start(customer) + FIRST_MEASURE + MEASURES;
        for (_, number) in &thresholds[from..to] {
            let (word, bit) = (allowed + number / 64, 1 << (number % 64));
            let turns = self.customers[word] & bit;
            self.customers[word + self.words] ^= turns;
            self.turned += usize::from(turns != 0);
        }
    }

    fn later(&mut self, window: usize, event: Event, measure: usize, amount: i64) {
        let at = event.time.millis() + WINDOWS[window];
        let due = Due { at, customer: event.customer as u32, measure: measure as u32, amount };
        self.windows[window].push_back(due);
    }

    fn take(&mut self, event: Event) {
        self.advance(event.time.millis());
        let since = self.start(event.customer) + SINCE;
        self.change(event.customer, event.event, 1);
        self.later(0, event, event.event, -1);
        if event.event == PURCHASED {
            self.change(event.customer, PURCHASES, 1);
            self.later(1, event, PURCHASES, -1);
            self.change(event.customer, SUM, amount(event.total));
            self.later(2, event, SUM, -amount(event.total));
        }
        if event.event == ADDED || event.event == PURCHASED {
            self.customers[since] = if event.event == ADDED { event.time.millis() } else { 0 };
            let left = self.customers[since + FIRST_MEASURE + CART];
            self.change(event.customer, CART, -left);
        }
        if event.event == ADDED {
            self.later(3, event, CART, event.time.millis());
        }
    }

    /// Ends what is over.
    fn advance(&mut self, now: i64) {
        for window in 0..WINDOWS.len() {
            while let Some(due) = self.windows[window].front().copied().filter(|due| due.at <= now) {
                self.windows[window].pop_front();
                let (customer, measure) = (due.customer as usize, due.measure as usize);
                if measure != CART {
                    self.change(customer, measure, due.amount);
                } else if self.customers[self.start(customer) + SINCE] == due.amount {
                    // Nothing was bought since, and nothing else put in.
                    self.change(customer, CART, 1);
                }
            }
        }
    }
}

impl Keeper for HandMade {
    fn prepare(&mut self, events: &[Event]) -> Outcome<()> {
        self.prepared = events.to_vec();
        Ok(())
    }

    fn apply(&mut self, place: usize) -> Outcome<()> {
        self.take(self.prepared[place]);
        Ok(())
    }

    fn settle(&mut self, now: Time) -> Outcome<()> {
        self.advance(now.millis());
        std::hint::black_box(self.turned);
        Ok(())
    }

    fn memberships(&mut self, customer: usize, _: Time) -> Outcome<usize> {
        let members = self.allowed(customer) + self.words;
        Ok(self.customers[members..][..self.words].iter().map(|word| word.count_ones() as usize).sum())
    }
}
