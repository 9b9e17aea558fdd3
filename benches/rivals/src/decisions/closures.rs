//! Conditions compiled by hand: a closure for each segment over the row of numbers, which is in one of 64 maps
//! behind locks.

use super::decider::Decider;
use super::offers::{OFFERS, Offers};
use crate::Outcome;
use crate::customers::{Row, id, values};
use crate::reads::ShardedMaps;

type Condition = Box<dyn Fn(&Row) -> bool>;

pub(crate) struct Closures {
    texts: Vec<String>,
    rows: ShardedMaps,
    /// Of each offer, those of its segments.
    offers: Vec<Vec<Condition>>,
}

impl Closures {
    pub(crate) fn new(offers: &Offers, customers: u64) -> Closures {
        let condition = |number: usize| {
            let segment = offers.segments[number];
            Box::new(move |row: &Row| segment.holds(row)) as Condition
        };
        Closures {
            texts: offers.texts.clone(),
            rows: ShardedMaps::of((0..customers).map(|number| (id(number), values(number)))),
            offers: (0..OFFERS).map(|offer| offers.of(offer).map(condition).collect()).collect(),
        }
    }
}

impl Decider for Closures {
    fn decide(&mut self, id: &str) -> Outcome<&str> {
        let wins = |row: &Row, conditions: &Vec<Condition>| conditions.iter().any(|holds| holds(row));
        let won = self.rows.ask(id, |row| self.offers.iter().position(|offer| wins(row, offer)))?;
        Ok(&self.texts[won.unwrap_or(OFFERS)])
    }
}
