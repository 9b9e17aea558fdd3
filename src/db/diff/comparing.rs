//! Two standings side by side, customer by customer.
//!
//! Both are sorted, so they are walked through together once. Whoever is known under one catalog only
//! stands under the other as somebody unknown: in no segment, and shown what anybody is shown.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::catalog_diff::{Change, DecisionDiff, OfferDiff, PersonalizationDiff, SegmentDiff, VariantDiff};
use super::moves::{Moved, Moves};
use super::standings::{Choice, Choices, Shown, Standings, Stands, variant_of};
use crate::rules::definitions::Definitions;

/// What differs.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) profiles: u64,
    pub(super) segments: Vec<SegmentDiff>,
    pub(super) personalizations: Vec<PersonalizationDiff>,
}

/// One customer as she stands under each catalog, if she is known under it.
struct Pair<'a> {
    name: &'a str,
    old: Option<&'a Stands>,
    new: Option<&'a Stands>,
}

/// A segment, with its number in each catalog that has it.
struct SegmentColumn {
    old: Option<u32>,
    new: Option<u32>,
    diff: SegmentDiff,
}

/// A personalization, with its number in each catalog that has it.
struct PersonalizationColumn<'a> {
    name: &'a str,
    old: Option<u32>,
    new: Option<u32>,
    /// How many turn from one choice to the other, and some of them.
    turned: BTreeMap<(Choice, Choice), (u64, Vec<String>)>,
    offers: Moves,
    variants: Moves,
}

/// What differs between two standings, with so many examples of each difference.
pub(super) fn compare(old: &Standings, new: &Standings, choices: &Choices, examples: usize) -> Comparison {
    let (was, is) = (&old.program.definitions, &new.program.definitions);
    let segments: BTreeSet<&str> = was.segment_names.iter().chain(is.segment_names.iter()).collect();
    let mut segments: Vec<_> = segments.iter().map(|name| SegmentColumn::new(name, was, is)).collect();
    let names = was.personalization_names.iter().chain(is.personalization_names.iter());
    let personalizations: BTreeSet<&str> = names.collect();
    let mut personalizations: Vec<_> =
        personalizations.iter().map(|name| PersonalizationColumn::new(name, was, is)).collect();
    let mut profiles = 0;
    for pair in pairs(&old.profiles, &new.profiles) {
        profiles += 1;
        segments.iter_mut().for_each(|column| column.add(&pair, examples));
        for column in &mut personalizations {
            let of = |number: Option<u32>, stands: Option<&Stands>, unknown: &[Shown]| {
                let shown = stands.map_or(unknown, |stands| &stands.shown);
                number.map_or(Shown::NOTHING, |number| shown[number as usize])
            };
            let before = of(column.old, pair.old, &old.unknown);
            let after = of(column.new, pair.new, &new.unknown);
            column.add(pair.name, before, after, examples);
        }
    }
    Comparison {
        profiles,
        segments: segments.into_iter().map(SegmentColumn::finish).collect(),
        personalizations: personalizations
            .into_iter()
            .map(|column| column.finish(was, is, choices))
            .collect(),
    }
}

/// Everybody of two sorted lists, in their order.
fn pairs<'a>(old: &'a [Stands], new: &'a [Stands]) -> impl Iterator<Item = Pair<'a>> {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    std::iter::from_fn(move || {
        let order = match (old.peek(), new.peek()) {
            (Some(old), Some(new)) => old.key().cmp(&new.key()),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let old = if order.is_le() { old.next() } else { None };
        let new = if order.is_ge() { new.next() } else { None };
        Some(Pair { name: &old.or(new)?.name, old, new })
    })
}

impl SegmentColumn {
    fn new(name: &str, old: &Definitions, new: &Definitions) -> SegmentColumn {
        let (old, new) = (old.segment_names.get(name), new.segment_names.get(name));
        let diff = SegmentDiff {
            segment: name.to_owned(),
            change: Change::Same,
            before: old.map(|_| 0),
            after: new.map(|_| 0),
            entered: 0,
            left: 0,
            entered_examples: Vec::new(),
            left_examples: Vec::new(),
        };
        SegmentColumn { old, new, diff }
    }

    fn add(&mut self, pair: &Pair<'_>, examples: usize) {
        let is_in = |number: Option<u32>, stands: Option<&Stands>| {
            number.zip(stands).is_some_and(|(number, stands)| stands.memberships.get(number as usize))
        };
        let (was, is) = (is_in(self.old, pair.old), is_in(self.new, pair.new));
        let diff = &mut self.diff;
        diff.before = diff.before.map(|members| members + u64::from(was));
        diff.after = diff.after.map(|members| members + u64::from(is));
        let (count, ids) = match (was, is) {
            (false, true) => (&mut diff.entered, &mut diff.entered_examples),
            (true, false) => (&mut diff.left, &mut diff.left_examples),
            _ => return,
        };
        *count += 1;
        if ids.len() < examples {
            ids.push(pair.name.to_owned());
        }
    }

    fn finish(self) -> SegmentDiff {
        let moved = self.diff.entered + self.diff.left;
        SegmentDiff { change: Change::of(self.old.is_some(), self.new.is_some(), moved), ..self.diff }
    }
}

impl<'a> PersonalizationColumn<'a> {
    fn new(name: &'a str, old: &Definitions, new: &Definitions) -> PersonalizationColumn<'a> {
        let (old, new) = (old.personalization_names.get(name), new.personalization_names.get(name));
        let (turned, offers, variants) = (BTreeMap::new(), Moves::default(), Moves::default());
        PersonalizationColumn { name, old, new, turned, offers, variants }
    }

    fn add(&mut self, name: &str, before: Shown, after: Shown, examples: usize) {
        self.offers.add(before.offers, after.offers);
        self.variants.add(before.variants, after.variants);
        let (before, after) = (before.offers, after.offers);
        if before == after {
            return;
        }
        let (profiles, ids) = self.turned.entry((before, after)).or_default();
        *profiles += 1;
        if ids.len() < examples {
            ids.push(name.to_owned());
        }
    }

    fn finish(self, old: &Definitions, new: &Definitions, choices: &Choices) -> PersonalizationDiff {
        let is_list = |definitions: &Definitions, number: Option<u32>| {
            number.is_some_and(|number| definitions.personalizations[number as usize].is_list())
        };
        let (was, is) = (is_list(old, self.old), is_list(new, self.new));
        let (offers, variants) = (self.offers_moved(old, new, choices), self.variants_moved(choices));
        let turned = self.turned.into_iter().map(|((before, after), (profiles, examples))| DecisionDiff {
            old: short_form(before, was, choices),
            new: short_form(after, is, choices),
            profiles,
            examples,
        });
        let mut decisions: Vec<DecisionDiff> = turned.collect();
        // Numbers of choices hang on the order of profiles in memory, so equal counts go by the text.
        decisions.sort_by_cached_key(|diff| {
            (std::cmp::Reverse(diff.profiles), diff.old.to_string(), diff.new.to_string())
        });
        let profiles = decisions.iter().map(|diff| diff.profiles).sum();
        PersonalizationDiff {
            personalization: self.name.to_owned(),
            change: Change::of(self.old.is_some(), self.new.is_some(), profiles),
            profiles,
            decisions,
            offers,
            variants,
        }
    }

    fn offers_moved(&self, old: &Definitions, new: &Definitions, choices: &Choices) -> Vec<OfferDiff> {
        let (was, is) = (offer_names(old, self.old), offer_names(new, self.new));
        let gone = was.iter().filter(|name| !is.contains(name));
        let mut offers: Vec<OfferDiff> = is
            .iter()
            .chain(gone)
            .map(|name| {
                let in_either = (was.contains(name), is.contains(name));
                offer_diff(Some(name), in_either, self.offers.of(Some(name), choices))
            })
            .collect();
        let nothing = self.offers.of(None, choices);
        let of_both = (self.old.is_some(), self.new.is_some());
        let is_of_interest = (of_both.0 && nothing.before > 0) || (of_both.1 && nothing.after > 0);
        offers.extend(is_of_interest.then(|| offer_diff(None, of_both, nothing)));
        offers
    }

    fn variants_moved(&self, choices: &Choices) -> Vec<VariantDiff> {
        let variants = self.variants.names(choices).into_iter().map(|name| {
            let (experiment, variant) = variant_of(name);
            let Moved { before, after, gained, lost } = self.variants.of(Some(name), choices);
            let (experiment, variant) = (experiment.to_owned(), variant.to_owned());
            VariantDiff { experiment, variant, before, after, gained, lost }
        });
        variants.collect()
    }
}

/// The names of the offers of a personalization, and of its fallback, each once.
fn offer_names(definitions: &Definitions, number: Option<u32>) -> Vec<&str> {
    let Some(number) = number else { return Vec::new() };
    let definition = &definitions.personalizations[number as usize];
    let mut names: Vec<&str> = definition.offers.iter().map(|offer| &*offer.name).collect();
    let fallback = definition.fallback.as_ref().map(|fallback| &*fallback.name);
    names.extend(fallback.filter(|name| !definition.offers.iter().any(|offer| *offer.name == **name)));
    names
}

fn offer_diff(name: Option<&str>, (in_old, in_new): (bool, bool), moved: Moved) -> OfferDiff {
    let Moved { before, after, gained, lost } = moved;
    OfferDiff {
        offer: name.map(str::to_owned),
        change: Change::of(in_old, in_new, gained + lost),
        before: in_old.then_some(before),
        after: in_new.then_some(after),
        gained,
        lost,
    }
}

/// The short form of a decision.
fn short_form(choice: Choice, is_list: bool, choices: &Choices) -> Json {
    let mut offers = choices.offers(choice).iter().map(|name| Json::from(&**name));
    if is_list { offers.collect() } else { offers.next().unwrap_or_default() }
}
