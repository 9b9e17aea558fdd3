//! A map of maps, as profiles often are in a program: each customer's attributes by name, in one of 64 maps
//! behind locks, and closures that look the names up.

use std::collections::HashMap;

use super::decider::Decider;
use super::offers::{OFFERS, Offers};
use crate::Outcome;
use crate::customers::{id, values};
use crate::reads::ShardedMaps;

type Attributes = HashMap<String, f64, ahash::RandomState>;
type Condition = Box<dyn Fn(&Attributes) -> bool>;

pub(crate) struct MapsByName {
    texts: Vec<String>,
    customers: ShardedMaps<Attributes>,
    offers: Vec<Vec<Condition>>,
}

impl MapsByName {
    pub(crate) fn new(offers: &Offers, customers: u64) -> MapsByName {
        let condition = |number: usize| {
            let segment = offers.segments[number];
            let (high, low) = (format!("a{}", segment.high), format!("a{}", segment.low));
            Box::new(move |attributes: &Attributes| {
                attributes.get(&high).is_some_and(|value| *value > segment.least)
                    && attributes.get(&low).is_some_and(|value| *value < segment.most)
            }) as Condition
        };
        let named = |number| {
            let values = values(number).into_iter().enumerate();
            values.map(|(place, value)| (format!("a{place}"), value)).collect()
        };
        MapsByName {
            texts: offers.texts.clone(),
            customers: ShardedMaps::of((0..customers).map(|number| (id(number), named(number)))),
            offers: (0..OFFERS).map(|offer| offers.of(offer).map(condition).collect()).collect(),
        }
    }
}

impl Decider for MapsByName {
    fn decide(&mut self, id: &str) -> Outcome<&str> {
        let won = self.customers.ask(id, |attributes| {
            self.offers.iter().position(|offer| offer.iter().any(|holds| holds(attributes)))
        })?;
        Ok(&self.texts[won.unwrap_or(OFFERS)])
    }
}
