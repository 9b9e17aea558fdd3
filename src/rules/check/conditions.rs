//! The definitions that may name each other: computed attributes, quantiles, scores, affinities, segments and experiments, each
//! checked after those it names.

use std::ops::Range;
use std::sync::Arc;

use crate::base::source_text::Text;
use crate::model::declaration::SegmentDeclaration;
use crate::model::ids::SegmentId;
use crate::model::published::Published;
use crate::rules::definitions::SegmentDefinition;
use crate::rules::syntax::{Node, Problem};

use super::order::{self, Mention, Name};
use super::parsed::Parsed;
use super::scope::Scope;
use super::typed::Typed;
use super::{Catalog, Wanted};

/// What a definition is, with its number among those of its kind.
#[derive(Clone, Copy)]
enum Defined {
    Computed(usize),
    Quantile(usize),
    Segment(usize),
    Experiment(usize),
    Score(usize),
    Affinity(usize),
    /// The value of a quantile, and the condition on who is counted.
    QuantileValue(usize),
    QuantileOf(usize),
    /// The condition of a score's row.
    Row(usize, usize),
}

/// A definition with its text, and the tree of it.
struct Definition<'p> {
    defined: Defined,
    name: &'p str,
    text: Option<&'p Text>,
    node: Option<&'p Node>,
    /// The places of definitions that it is made of.
    parts: Range<usize>,
}

impl Catalog<'_> {
    /// Checks them all; gives the segments and their order.
    pub(super) fn conditions(
        &mut self,
        parsed: &Parsed<'_>,
        published: &Published,
    ) -> Option<(Vec<SegmentDefinition>, Vec<SegmentId>)> {
        let Parsed { computed, segments, quantiles, scores, affinities, experiments, .. } = parsed;
        let others = computed.len() + quantiles.len() + scores.len();
        if others + affinities.len() != self.world.computed_names.len()
            || segments.len() != self.world.segment_names.len()
        {
            return None;
        }
        let all = definitions(parsed);
        let mut checked = vec![None; segments.len()];
        let mut parts = vec![(None, None); quantiles.len()];
        let mut rows: Vec<Vec<Option<Typed>>> =
            scores.iter().map(|(score, _)| vec![None; score.body.rows.len()]).collect();
        let mut segment_order = Vec::with_capacity(segments.len());
        for place in self.order(&all, parsed) {
            let Definition { defined, name, text, node, .. } = &all[place];
            let mut check = |wanted| self.checked((*text)?, *node, wanted, Scope::default());
            match *defined {
                Defined::Computed(number) => self.world.computed[number] = check(Wanted::Value),
                Defined::QuantileValue(number) => parts[number].0 = check(Wanted::Value),
                Defined::QuantileOf(number) => parts[number].1 = check(Wanted::Condition),
                Defined::Quantile(number) => {
                    let (declared, _) = &quantiles[number];
                    let cuts = published.cuts.get(*name);
                    let value = self.quantile(declared, std::mem::take(&mut parts[number]), cuts);
                    self.world.computed[computed.len() + number] = value;
                }
                Defined::Row(number, row) => rows[number][row] = check(Wanted::Condition),
                Defined::Score(number) => {
                    let value = self.score(scores[number].0, std::mem::take(&mut rows[number]));
                    self.world.computed[computed.len() + quantiles.len() + number] = value;
                }
                Defined::Affinity(number) => {
                    self.world.computed[others + number] = self.affinity(&affinities[number].body);
                }
                Defined::Segment(number) => {
                    checked[number] = check(Wanted::Condition);
                    segment_order.push(SegmentId::from_index(number));
                }
                Defined::Experiment(number) => self.experiment(experiments[number].0, *node),
            }
        }
        let defined = segments.iter().zip(checked).map(|((segment, _), checked)| match &segment.body {
            SegmentDeclaration::Condition(_) => {
                checked.map(|checked: Typed| SegmentDefinition::Condition(checked.expr))
            }
            SegmentDeclaration::Members(members) => {
                let published = published.lists.get(&segment.name.value).map(Arc::clone);
                Some(SegmentDefinition::Members(published.unwrap_or_else(|| sorted(members).into())))
            }
        });
        Some((defined.collect::<Option<_>>()?, segment_order))
    }

    /// The order in which to check definitions; reports cycles.
    fn order(&mut self, all: &[Definition<'_>], parsed: &Parsed<'_>) -> Vec<usize> {
        let segments = self.world.computed_names.len();
        let experiments = segments + parsed.segments.len();
        let mut mentions: Vec<Vec<Mention>> = Vec::with_capacity(all.len());
        for definition in all {
            let mut mentioned: Vec<Mention> = definition.parts.clone().map(|part| (part, 0..0)).collect();
            let mut mention = |name: Name<'_>, at: &Range<usize>| {
                let world = &self.world;
                let place = match name {
                    Name::Bare(name) => world
                        .computed_names
                        .get(name)
                        .map(|number| number as usize)
                        .or_else(|| Some(segments + SegmentId(world.segment_names.get(name)?).index())),
                    Name::Experiment(name) => {
                        world.experiment_names.get(name).map(|number| experiments + number as usize)
                    }
                };
                mentioned.extend(place.map(|place| (place, at.clone())));
            };
            definition.node.iter().for_each(|node| order::names(node, &mut mention));
            mentions.push(mentioned);
        }
        let (ordered, cycles) = order::order(&mentions);
        for cycle in cycles {
            let path = cycle.path.iter().chain(cycle.path.first());
            let mut path: Vec<&str> = path.map(|place| all[*place].name).collect();
            // An attribute and its parts have one name; a cycle has two at least, if they are the same.
            path.dedup();
            path.extend((path.len() == 1).then_some(path[0]));
            let message = format!("this defines something by itself: {}", path.join(" -> "));
            let problem = Problem::new("cycle", &cycle.at, message);
            if let Some(text) = all[cycle.closed_by].text {
                self.problems(text, vec![problem]);
            }
        }
        ordered
    }
}

/// All definitions: attributes and segments by their numbers, experiments by theirs, then the parts of
/// quantiles and of scores.
fn definitions<'p>(parsed: &'p Parsed<'_>) -> Vec<Definition<'p>> {
    let Parsed { computed, quantiles, scores, affinities, segments, experiments, .. } = parsed;
    let mut all = Vec::new();
    let mut add = |defined, name: &'p str, text, node: Option<&'p Node>, parts| {
        all.push(Definition { defined, name, text, node, parts });
    };
    let attributes = computed.len() + quantiles.len() + scores.len() + affinities.len();
    let mut part = attributes + segments.len() + experiments.len();
    let mut next = |many: usize| {
        part += many;
        part - many..part
    };
    for (number, (computed, node)) in computed.iter().enumerate() {
        add(Defined::Computed(number), &computed.name.value, Some(&computed.body), node.as_ref(), 0..0);
    }
    for (number, (quantile, _)) in quantiles.iter().enumerate() {
        let text = Some(&quantile.body.value);
        add(Defined::Quantile(number), &quantile.name.value, text, None, next(2));
    }
    for (number, (score, _)) in scores.iter().enumerate() {
        let text = score.body.rows.first().map(|(when, _)| when);
        add(Defined::Score(number), &score.name.value, text, None, next(score.body.rows.len()));
    }
    for (number, affinity) in affinities.iter().enumerate() {
        add(Defined::Affinity(number), &affinity.name.value, None, None, 0..0);
    }
    for (number, (segment, node)) in segments.iter().enumerate() {
        add(Defined::Segment(number), &segment.name.value, segment.body.text(), node.as_ref(), 0..0);
    }
    for (number, (experiment, node)) in experiments.iter().enumerate() {
        let text = experiment.body.when.as_ref();
        add(Defined::Experiment(number), &experiment.name.value, text, node.as_ref(), 0..0);
    }
    for (number, (quantile, [value, of])) in quantiles.iter().enumerate() {
        let name = &quantile.name.value;
        add(Defined::QuantileValue(number), name, Some(&quantile.body.value), value.as_ref(), 0..0);
        add(Defined::QuantileOf(number), name, quantile.body.of.as_ref(), of.as_ref(), 0..0);
    }
    for (number, (score, nodes)) in scores.iter().enumerate() {
        for (row, ((when, _), node)) in score.body.rows.iter().zip(nodes).enumerate() {
            add(Defined::Row(number, row), &score.name.value, Some(when), node.as_ref(), 0..0);
        }
    }
    all
}

fn sorted(members: &[String]) -> Vec<String> {
    let mut sorted = members.to_vec();
    sorted.sort();
    sorted.dedup();
    sorted
}
