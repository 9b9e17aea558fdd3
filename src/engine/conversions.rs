//! What customers did after they were shown something: the conversions of one goal, by offer and by variant.
//!
//! A conversion is an event of the goal that comes within the goal's time after an exposure: of an offer that
//! was chosen, or of a variant, also of one that shows nothing. It counts for each offer and variant that was
//! exposed so, so the rows of a report are not to be added up.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::base::exact_sum::ExactSum;
use crate::base::time::Time;
use crate::engine::typed_message::{Content, TypedMessage};
use crate::model::ids::EventId;
use crate::model::value::Value;
use crate::rules::definitions::{Definitions, GoalDefinition};
use crate::rules::evaluate::is_true;
use crate::rules::exposures::{EXPOSURE, OFFERS, PERSONALIZATION, REASON, UNCHOSEN, VARIANTS};
use crate::rules::motion::number;
use crate::rules::one_event::OneEvent;

/// What became of the exposures of one offer or variant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Conversions {
    /// How often it was shown.
    pub exposures: u64,
    /// To how many customers.
    pub exposed: u64,
    /// How many of them reached the goal in its time.
    pub converted: u64,
    /// How often they did.
    pub conversions: u64,
    /// The sum of the goal's value over these times; 0 if the goal has none.
    pub value: f64,
}

/// What was shown: an offer of a personalization, or a variant of an experiment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Shown {
    /// Personalization and offer.
    Offer(Arc<str>, Arc<str>),
    /// Experiment and variant.
    Variant(Arc<str>, Arc<str>),
}

/// The conversions of one goal, so far.
#[derive(Debug)]
pub(crate) struct Converting<'a> {
    goal: &'a GoalDefinition,
    /// The event of exposures, and the places of what is read of it.
    exposure: EventId,
    read: [Option<usize>; 4],
    tallies: BTreeMap<Shown, (Conversions, ExactSum)>,
}

impl Conversions {
    /// Which part of those who were shown it reached the goal; nothing if it was shown to nobody.
    pub fn rate(&self) -> Option<f64> {
        (self.exposed > 0).then(|| self.converted as f64 / self.exposed as f64)
    }
}

impl<'a> Converting<'a> {
    /// Nobody yet.
    pub(crate) fn new(goal: &'a GoalDefinition, definitions: &Definitions) -> Converting<'a> {
        let exposure = definitions.event_names.get(EXPOSURE).map(EventId);
        let exposure = exposure.expect("a catalog with goals has the event of exposures");
        let names = &definitions.event(exposure).property_names;
        let read = [PERSONALIZATION, OFFERS, REASON, VARIANTS]
            .map(|name| names.get(name).map(|place| place as usize));
        Converting { goal, exposure, read, tallies: BTreeMap::new() }
    }

    /// Adds one customer, by the messages that count, in their order.
    pub(crate) fn add(&mut self, messages: &[TypedMessage]) {
        let mut shown: BTreeMap<Shown, Vec<Time>> = BTreeMap::new();
        let mut reached: Vec<(Time, Option<f64>)> = Vec::new();
        for message in messages {
            let Content::Event { event: Some(event), properties } = message.content.rest() else { continue };
            let time = message.stamp.time;
            if *event == self.exposure {
                self.shown_by(properties).for_each(|what| shown.entry(what).or_default().push(time));
            }
            let is_goal = *event == self.goal.event
                && self.goal.filter.as_ref().is_none_or(|filter| is_true(filter, &OneEvent(properties)));
            if is_goal {
                let value =
                    self.goal.value.and_then(|value| number(properties.get(value.index())?.as_ref()?));
                reached.push((time, value));
            }
        }
        for (what, times) in shown {
            let (tally, sum) = self.tallies.entry(what).or_default();
            let before = tally.conversions;
            tally.exposures += times.len() as u64;
            tally.exposed += 1;
            for (time, value) in &reached {
                // The last exposure before it: if that is too long ago, all are.
                let last = times[..times.partition_point(|shown| shown < time)].last();
                if last.is_some_and(|last| *time <= *last + self.goal.within) {
                    tally.conversions += 1;
                    value.iter().for_each(|value| sum.add(*value));
                }
            }
            tally.converted += u64::from(tally.conversions > before);
        }
    }

    /// What came of each.
    pub(crate) fn finish(self) -> BTreeMap<Shown, Conversions> {
        let tallies = self.tallies.into_iter();
        tallies.map(|(what, (tally, sum))| (what, Conversions { value: sum.value(), ..tally })).collect()
    }

    /// What an exposure tells of.
    fn shown_by(&self, properties: &[Option<Value>]) -> impl Iterator<Item = Shown> + use<> {
        let read = |place: Option<usize>| properties.get(place?)?.clone();
        let [personalization, offers, reason, variants] = self.read.map(read);
        let is_chosen = !matches!(&reason, Some(Value::String(reason)) if UNCHOSEN.contains(&&**reason));
        let offers = match (personalization, offers.filter(|_| is_chosen)) {
            (Some(Value::String(personalization)), Some(Value::List(offers))) => {
                let names = offers.iter().filter_map(|offer| match offer {
                    Value::String(name) => Some(Shown::Offer(Arc::clone(&personalization), Arc::clone(name))),
                    _ => None,
                });
                names.collect()
            }
            _ => Vec::new(),
        };
        let variants = match variants {
            Some(Value::Map(variants)) => {
                let given = variants.iter().filter_map(|(experiment, variant)| match variant {
                    Value::String(variant) => {
                        Some(Shown::Variant(Arc::clone(experiment), Arc::clone(variant)))
                    }
                    _ => None,
                });
                given.collect()
            }
            _ => Vec::new(),
        };
        offers.into_iter().chain(variants)
    }
}
