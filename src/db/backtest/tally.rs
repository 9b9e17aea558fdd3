//! Decisions counted as they are made, with who they concern.
//!
//! Customers are counted by the profiles that they are in the end: a visitor who becomes known is one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ahash::AHashMap;
use serde_json::Value as Json;

use super::report::{ChangedDecisions, ComparedDecisions, ShownTo, TriedOffer, TriedPersonalization};
use super::side::Side;
use super::tried_decision::{DecisionPoint, TriedDecision};
use crate::base::error::Error;
use crate::base::time::Time;
use crate::model::identifier::OwnedIdentifier;
use crate::rules::definitions::PersonalizationDefinition;

/// All decisions so far.
pub(super) struct Tally {
    examples: usize,
    /// The customers whom decisions concern, by their numbers.
    numbers: AHashMap<OwnedIdentifier, usize>,
    personalizations: BTreeMap<Arc<str>, Decisions>,
}

/// Of one personalization.
#[derive(Default)]
struct Decisions {
    all: Count,
    triggers: u64,
    exposures: u64,
    /// By name; nothing has none.
    offers: BTreeMap<Option<Arc<str>>, Count>,
    recorded: Comparison,
    old: Comparison,
    is_in_old: bool,
}

/// How often, for whom, and when.
#[derive(Default)]
struct Count {
    times: u64,
    customers: BTreeSet<usize>,
    first: Option<Time>,
    last: Option<Time>,
}

#[derive(Default)]
struct Comparison {
    same: u64,
    /// By the texts of both, which order them.
    other: BTreeMap<(String, String), Changed>,
}

struct Changed {
    old: Json,
    new: Json,
    count: Count,
    examples: Vec<ShownTo>,
}

impl Tally {
    pub(super) fn new(examples: usize) -> Tally {
        Tally { examples, numbers: AHashMap::new(), personalizations: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, tried: &TriedDecision) {
        let next = self.numbers.len();
        let customer = *self.numbers.entry(tried.home.clone()).or_insert(next);
        let decisions = self.personalizations.entry(Arc::clone(&tried.personalization)).or_default();
        decisions.all.add(customer, tried.at);
        match tried.point {
            DecisionPoint::Trigger => decisions.triggers += 1,
            DecisionPoint::Exposure => decisions.exposures += 1,
        }
        let mut count = |offer| decisions.offers.entry(offer).or_default().add(customer, tried.at);
        if tried.offers.is_empty() {
            count(None);
        }
        tried.offers.iter().for_each(|offer| count(Some(Arc::clone(offer))));
        if let Some(recorded) = &tried.recorded {
            decisions.recorded.add(recorded, tried, customer, self.examples);
        }
        if let Some(old) = &tried.old {
            decisions.is_in_old = true;
            decisions.old.add(old, tried, customer, self.examples);
        }
    }

    /// What was counted of each personalization of a catalog.
    pub(super) fn finish(mut self, side: &Side) -> Result<Vec<TriedPersonalization>, Error> {
        let mut profiles: BTreeMap<OwnedIdentifier, usize> = BTreeMap::new();
        // Of each customer, the number of the profile that she is in the end.
        let mut profile_of = vec![0; self.numbers.len()];
        for (identifier, number) in &self.numbers {
            let next = profiles.len();
            profile_of[*number] = *profiles.entry(side.survivor(identifier.borrowed())?).or_insert(next);
        }
        let definitions = &side.program().definitions;
        let personalizations = definitions.personalization_names.iter().zip(&definitions.personalizations);
        let finished = personalizations.map(|(name, definition)| {
            let decisions = self.personalizations.remove(name).unwrap_or_default();
            decisions.finish(name, definition, &profile_of)
        });
        Ok(finished.collect())
    }
}

impl Decisions {
    fn finish(
        mut self,
        name: &str,
        definition: &PersonalizationDefinition,
        profile_of: &[usize],
    ) -> TriedPersonalization {
        let fallback = definition.fallback.as_ref().map(|fallback| &fallback.name);
        let mut names: Vec<Option<Arc<str>>> =
            definition.offers.iter().map(|offer| Some(Arc::clone(&offer.name))).collect();
        names.extend(fallback.map(|name| Some(Arc::clone(name))));
        if self.offers.contains_key(&None) {
            names.push(None);
        }
        let offers = names.into_iter().map(|offer| {
            let count = self.offers.remove(&offer).unwrap_or_default();
            TriedOffer {
                fallback: offer.is_some() && offer.as_ref() == fallback,
                offer: offer.map(|name| name.to_string()),
                offered: count.times,
                profiles: count.profiles(profile_of),
                first: count.first,
                last: count.last,
            }
        });
        TriedPersonalization {
            personalization: name.to_owned(),
            decisions: self.all.times,
            profiles: self.all.profiles(profile_of),
            triggers: self.triggers,
            exposures: self.exposures,
            offers: offers.collect(),
            recorded: self.recorded.finish(profile_of),
            old: self.is_in_old.then(|| self.old.finish(profile_of)),
        }
    }
}

impl Count {
    fn add(&mut self, customer: usize, at: Time) {
        self.times += 1;
        self.customers.insert(customer);
        self.first.get_or_insert(at);
        self.last = Some(at);
    }

    fn profiles(&self, profile_of: &[usize]) -> u64 {
        self.customers.iter().map(|customer| profile_of[*customer]).collect::<BTreeSet<_>>().len() as u64
    }
}

impl Comparison {
    fn add(&mut self, old: &Json, tried: &TriedDecision, customer: usize, examples: usize) {
        let new = &tried.decision;
        if is_same(old, new) {
            self.same += 1;
            return;
        }
        let changed = self.other.entry((old.to_string(), new.to_string())).or_insert_with(|| Changed {
            old: old.clone(),
            new: new.clone(),
            count: Count::default(),
            examples: Vec::new(),
        });
        changed.count.add(customer, tried.at);
        if changed.examples.len() < examples {
            changed.examples.push(ShownTo { user: tried.user.clone(), at: tried.at });
        }
    }

    fn finish(self, profile_of: &[usize]) -> ComparedDecisions {
        let changes =
            self.other.into_values().map(|Changed { old, new, count, examples }| ChangedDecisions {
                old,
                new,
                decisions: count.times,
                profiles: count.profiles(profile_of),
                examples,
            });
        let mut changes: Vec<ChangedDecisions> = changes.collect();
        // The sort is stable: equal counts stay in the order of their texts.
        changes.sort_by_key(|changed| std::cmp::Reverse(changed.decisions));
        let other = changes.iter().map(|changed| changed.decisions).sum();
        ComparedDecisions { same: self.same, other, changes }
    }
}

/// Whether two decisions show the same; the catalogs' strategies may differ in how one offer is written.
fn is_same(a: &Json, b: &Json) -> bool {
    let names = |decision: &Json| match decision {
        Json::Array(names) => names.clone(),
        Json::Null => Vec::new(),
        name => vec![name.clone()],
    };
    names(a) == names(b)
}
