//! Everything that conditions may name, while a catalog is being checked.
//!
//! Invariants:
//! 1. `sources` and `aggregates` hold no two equal elements; an aggregate's window names only
//!    aggregates of lower place, and nests them at most `MAX_WINDOW_DEPTH` deep.
//! 2. An entry of `computed` is filled before any expression that names it is checked, unless it has
//!    errors of its own, which are reported only once.

use std::hash::Hash;

use ahash::{AHashMap, AHashSet};

use crate::base::names::Names;
use crate::model::declaration::{FieldDeclaration, Named, PurchaseDeclaration};
use crate::model::ids::{AggregateId, EventId, PropertyId, SourceId};
use crate::model::value::Value;
use crate::rules::definitions::{EventDefinition, QuantileDefinition};
use crate::rules::expression::{Aggregate, Bound, Expr, Source};
use crate::rules::purposes::Purposes;

use super::experiments::{CheckedExperiment, CheckedHoldout};
use super::typed::{Domain, Typed};

/// The declarations, by name.
#[derive(Default)]
pub(super) struct World {
    pub(super) attribute_names: Names,
    pub(super) attributes: Vec<FieldDeclaration>,
    pub(super) event_names: Names,
    pub(super) events: Vec<EventDefinition>,
    /// Events by which customers buy something.
    pub(super) purchases: Vec<Named<PurchaseDeclaration>>,
    /// What a call may say.
    pub(super) context_names: Names,
    pub(super) context: Vec<FieldDeclaration>,
    pub(super) recorded_context: Vec<PropertyId>,
    /// What customers consent to; of what keeps their states, `attributes` has the declarations.
    pub(super) purposes: Purposes,
    pub(super) computed_names: Names,
    pub(super) computed: Vec<Option<Typed>>,
    pub(super) quantiles: Vec<QuantileDefinition>,
    pub(super) segment_names: Names,
    pub(super) experiment_names: Names,
    /// Filled like `computed`.
    pub(super) experiments: Vec<Option<CheckedExperiment>>,
    pub(super) holdout_names: Names,
    pub(super) holdouts: Vec<CheckedHoldout>,
    /// Names whose declarations had mistakes: that they are not above has been said.
    pub(super) left_out: AHashSet<String>,
}

/// Sources and aggregates, each once.
#[derive(Default)]
pub(super) struct Pool {
    sources: Interned<Source>,
    aggregates: Interned<Aggregate>,
    /// Of each aggregate, how deep windows nest in it: 1 if its own names no other aggregate.
    depths: Vec<usize>,
}

/// Distinct elements with their places.
struct Interned<T> {
    elements: Vec<T>,
    places: AHashMap<T, usize>,
}

impl<T> Default for Interned<T> {
    fn default() -> Interned<T> {
        Interned { elements: Vec::new(), places: AHashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Interned<T> {
    fn add(&mut self, element: T) -> usize {
        if let Some(&place) = self.places.get(&element) {
            return place;
        }
        let place = self.elements.len();
        self.elements.push(element.clone());
        self.places.insert(element, place);
        place
    }
}

impl World {
    /// The event of that name.
    pub(super) fn event(&self, name: &str) -> Option<EventId> {
        self.event_names.get(name).map(EventId)
    }

    /// The values that a domain allows; empty for any.
    pub(super) fn values(&self, domain: Domain) -> &[Value] {
        match domain {
            Domain::Open => &[],
            Domain::Attribute(attribute) => &self.attributes[attribute.index()].values,
            Domain::Context(said) => &self.context[said.index()].values,
            Domain::Experiment(experiment) => {
                let checked = self.experiments[experiment.index()].as_ref();
                checked.map_or(&[], |checked| &checked.variants)
            }
            Domain::Property(event, property) => {
                &self.events[event.index()].properties[property.index()].values
            }
        }
    }

    /// Whether something of that name was declared with a mistake, so that it is missing, not unknown.
    pub(super) fn is_left_out(&self, name: &str) -> bool {
        self.left_out.contains(name)
    }

    /// Whether an experiment or holdout asks who a customer is.
    pub(super) fn reads_ids(&self) -> bool {
        let variants = self.experiments.iter().flatten().map(|experiment| &experiment.variant);
        let mut all = variants.chain(self.holdouts.iter().map(|holdout| &holdout.held_out));
        all.any(|expr| expr.contains(&|part| matches!(part, Expr::Unit(_))))
    }

    /// All names that a condition on profiles may use.
    pub(super) fn profile_names(&self) -> impl Iterator<Item = &str> {
        let declared = self.attribute_names.iter().chain(self.computed_names.iter());
        declared.chain(self.segment_names.iter()).chain(["now"])
    }
}

impl Pool {
    pub(super) fn source(&mut self, source: Source) -> SourceId {
        SourceId::from_index(self.sources.add(source))
    }

    pub(super) fn aggregate(&mut self, aggregate: Aggregate) -> AggregateId {
        let depth = 1 + aggregate.window.iter().map(|bound| self.depth_in(bound)).max().unwrap_or(0);
        let place = self.aggregates.add(aggregate);
        if place == self.depths.len() {
            self.depths.push(depth);
        }
        AggregateId::from_index(place)
    }

    /// How deep windows nest in an aggregate.
    pub(super) fn depth(&self, aggregate: AggregateId) -> usize {
        self.depths[aggregate.index()]
    }

    fn depth_in(&self, bound: &Bound) -> usize {
        match bound {
            Bound::Within(_) | Bound::OlderThan(_) | Bound::CalendarDays(..) => 0,
            Bound::After(time) | Bound::Before(time) => self.depth_below(time),
        }
    }

    fn depth_below(&self, expr: &Expr) -> usize {
        let mut depth = if let Expr::Aggregate(id) = expr { self.depth(*id) } else { 0 };
        expr.for_each_part(&mut |part| depth = depth.max(self.depth_below(part)));
        depth
    }

    /// The aggregates so far.
    pub(super) fn aggregates(&self) -> &[Aggregate] {
        &self.aggregates.elements
    }

    /// All sources and aggregates, in the order of their places.
    pub(super) fn into_parts(self) -> (Vec<Source>, Vec<Aggregate>) {
        (self.sources.elements, self.aggregates.elements)
    }
}
