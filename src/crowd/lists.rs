//! Lists that are shown: popular, trending, together; and by how much each score may be wrong.
//!
//! Every score is what is sure: the truth is at least that, and at most that and the `error`. Lists are in the
//! order of what is sure, items of one score in their own order. Rounding is not in the error: it is below a
//! millionth of the score.
//!
//! - **Popular** is the decayed count.
//! - **Trending** is `p ln(p / q)`, with `p` the item's part of all that was counted under the short half-life
//!   and `q` that under the long one: what the item adds to the divergence of now from before (Kullback and
//!   Leibler 1951), as Instagram ranked trends in 2015. A ratio alone would rank what is rare, a difference what
//!   is always there; and parts instead of counts do not take a busy hour for a trend.
//! - **Together** is `c_ij / sqrt(c_i c_j)`, the cosine of who has what (Sarwar, Karypis, Konstan and Riedl,
//!   WWW 2001).

use crate::base::time::{Duration, Time};
use crate::crowd::contexts::{Contexts, Counts, Table};
use crate::crowd::item::Item;
use crate::crowd::space_saving::Bounds;
use crate::crowd::tally::context_of;
use crate::crowd::weight::Weight;
use crate::rules::crowds::CrowdDefinition;

/// How many events of now something has to weigh to be trending, or together with something: fewer are chance.
pub(crate) const SUPPORT: f64 = 5.0;

/// The least score of what is trending: less is rounding.
const LEAST_TREND: f64 = 1e-6;

/// An item with its score.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listed {
    pub(crate) item: Item,
    /// At least.
    pub(crate) score: f64,
    /// By how much it may be more.
    pub(crate) error: f64,
}

/// A list; nothing of it is known if too few customers are behind it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum List {
    Published(Vec<Listed>),
    TooFewPeople,
}

/// The most popular items of a context.
pub(crate) fn popular(definition: &CrowdDefinition, table: Option<&Table>, n: usize, now: Time) -> List {
    let half_life = definition.half_life;
    let Some(table) = table.filter(|table| has_people(definition, table, now)) else {
        return List::TooFewPeople;
    };
    let mut sorted: Vec<&(Item, Bounds)> = table.long.items.entries().iter().collect();
    sorted.sort_unstable_by(|(a, heavy), (b, heavier)| heavier.sure.cmp(&heavy.sure).then_with(|| a.cmp(b)));
    let listed = sorted
        .into_iter()
        .take(n)
        .map(|(item, bounds)| listed(item, bounds.sure.at(now, half_life), bounds.most.at(now, half_life)));
    List::Published(listed.collect())
}

/// The items of a context of which there is more than usual.
pub(crate) fn trending(definition: &CrowdDefinition, table: Option<&Table>, n: usize, now: Time) -> List {
    let Some(table) = table.filter(|table| has_people(definition, table, now)) else {
        return List::TooFewPeople;
    };
    let (Some(short), Some(short_half_life)) = (&table.short, definition.trending) else {
        return List::Published(Vec::new());
    };
    let (before, lately) = (
        Decayed { counts: &table.long, now, half_life: definition.half_life },
        Decayed { counts: short, now, half_life: short_half_life },
    );
    let scored = short.items.entries().iter().filter_map(|(item, bounds)| {
        let is_supported = bounds.sure.at(now, short_half_life) >= SUPPORT;
        is_supported.then(|| divergence(item, &before, &lately)).flatten()
    });
    List::Published(best(scored.collect(), n))
}

/// The items that came together with an item.
pub(crate) fn together(
    definition: &CrowdDefinition,
    items: &Contexts,
    item: &Item,
    n: usize,
    now: Time,
) -> List {
    let table = items.get(context_of(item));
    let Some(table) = table.filter(|table| has_people(definition, table, now)) else {
        return List::TooFewPeople;
    };
    let scored = table.long.items.entries().iter().filter_map(|(other, both)| {
        let is_supported = both.sure.at(now, definition.half_life) >= SUPPORT;
        is_supported.then(|| cosine(items, table, (other, *both)))
    });
    List::Published(best(scored.collect(), n))
}

fn has_people(definition: &CrowdDefinition, table: &Table, now: Time) -> bool {
    table.people.are_enough(definition.people, now, definition.half_life)
}

fn listed(item: &Item, least: f64, most: f64) -> Listed {
    Listed { item: item.clone(), score: least, error: (most - least).max(0.0) }
}

fn best(mut listed: Vec<Listed>, n: usize) -> Vec<Listed> {
    listed.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.item.cmp(&b.item)));
    listed.truncate(n);
    listed
}

/// Counts of one half-life as of an instant.
struct Decayed<'a> {
    counts: &'a Counts,
    now: Time,
    half_life: Duration,
}

impl Decayed<'_> {
    fn at(&self, weight: Weight) -> f64 {
        weight.at(self.now, self.half_life)
    }

    /// The least and the most of all; no item is more than all.
    fn total(&self) -> (f64, f64) {
        (self.at(self.counts.total.sure), self.at(self.counts.total.most))
    }

    /// The least and the most of an item.
    fn item(&self, item: &Item) -> (f64, f64) {
        let bounds = self.counts.items.bounds(item);
        (self.at(bounds.sure), self.at(bounds.most))
    }
}

/// By how much an item is more than usual, if it is for sure.
fn divergence(item: &Item, before: &Decayed<'_>, lately: &Decayed<'_>) -> Option<Listed> {
    let ((few, many), (all_least, all_most)) = (lately.item(item), lately.total());
    let ((before_few, before_many), (before_least, before_most)) = (before.item(item), before.total());
    // Everything weighs at least as much under the long half-life, but for what lies a moment in the future.
    let before_few = before_few.max(few / 2.0);
    let lately = (few / all_most, (many / all_least).min(1.0));
    let before = (before_few / before_most, (before_many.max(before_few) / before_least).min(1.0));
    let score = |p: f64, q: f64| p * libm::log(p / q);
    // Of `p` it is least where `p` is `q / e`, and grows to both sides.
    let least = score((before.1 / std::f64::consts::E).clamp(lately.0, lately.1.max(lately.0)), before.1);
    let most = score(lately.0, before.0).max(score(lately.1, before.0));
    (least > LEAST_TREND).then(|| listed(item, least, most))
}

/// How near an item is to that of a table.
fn cosine(items: &Contexts, table: &Table, (other, both): (&Item, Bounds)) -> Listed {
    let own = table.long.total;
    let others = match items.get(context_of(other)) {
        Some(table) => table.long.total,
        // As often as with this one, for sure.
        None => Bounds { sure: both.sure, most: items.unseen().long.max(both.sure) },
    };
    let power = |both: Weight, own: Weight, others: Weight| {
        libm::exp2(both.log2() - (own.log2() + others.log2()) / 2.0).min(1.0)
    };
    let least = power(both.sure, own.most, others.most);
    listed(other, least, power(both.most, own.sure, others.sure).max(least))
}
