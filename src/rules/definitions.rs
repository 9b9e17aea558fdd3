//! A checked catalog: all definitions, typed, with their names, and free of cycles.
//!
//! This is the meaning of a catalog, without any decision on how it is kept up to date: the naive
//! evaluator works on it as it is, the engine compiles it into a program.
//!
//! Invariants:
//! 1. `sources` and `aggregates` hold no two equal elements.
//! 2. A segment's expression names only segments of lower place than its own *in `segment_order`*,
//!    which lists all segments, each after those it names.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use crate::base::names::Names;
use crate::base::time::Duration;
use crate::model::declaration::{FieldDeclaration, Strategy};
use crate::model::ids::{AttributeId, EventId, PersonalizationId, PropertyId, SegmentId};
use crate::model::import_mapping::ImportMapping;
use crate::model::published::CutKind;
use crate::model::value::{Type, Value};
use crate::rules::at_call::{AtCall, CONTEXT, as_map};
use crate::rules::crowds::CrowdDefinition;
use crate::rules::exposures::Exposures;
use crate::rules::expression::{Aggregate, Expr, Source};
use crate::rules::identifiers::IdentifierRules;
use crate::rules::purposes::Purposes;
use crate::rules::retention::Retention;
use crate::rules::template::Template;

/// All definitions of a catalog.
#[derive(Debug)]
pub(crate) struct Definitions {
    pub(crate) strict: bool,
    pub(crate) max_skew: Duration,
    /// Most log entries that one aggregate keeps for one profile.
    pub(crate) entries_per_aggregate: u32,
    /// Names of attributes; the places are those of `attributes`, in which what keeps the states of
    /// purposes follows after those that have a name.
    pub(crate) attribute_names: Names,
    pub(crate) attributes: Vec<FieldDeclaration>,
    pub(crate) identifiers: IdentifierRules,
    pub(crate) event_names: Names,
    pub(crate) events: Vec<EventDefinition>,
    /// What a call may say.
    pub(crate) context_names: Names,
    pub(crate) context: Vec<FieldDeclaration>,
    /// Of that, what exposures keep.
    pub(crate) recorded_context: Vec<PropertyId>,
    pub(crate) purposes: Purposes,
    pub(crate) retention: Retention,
    pub(crate) computed_names: Names,
    pub(crate) computed: Vec<ComputedDefinition>,
    pub(crate) quantiles: Vec<QuantileDefinition>,
    pub(crate) segment_names: Names,
    pub(crate) segments: Vec<SegmentDefinition>,
    pub(crate) segment_order: Vec<SegmentId>,
    pub(crate) experiment_names: Names,
    /// Of each experiment, the names of its variants.
    pub(crate) experiment_variants: Vec<Vec<Arc<str>>>,
    /// Whether an experiment or holdout asks who a customer is.
    pub(crate) reads_ids: bool,
    /// What is counted over all customers.
    pub(crate) crowds: Vec<Arc<CrowdDefinition>>,
    pub(crate) personalization_names: Names,
    pub(crate) personalizations: Vec<PersonalizationDefinition>,
    pub(crate) placement_names: Names,
    pub(crate) placements: Vec<PlacementDefinition>,
    pub(crate) goal_names: Names,
    pub(crate) goals: Vec<GoalDefinition>,
    /// How rows of files become messages, by name.
    pub(crate) imports: BTreeMap<String, ImportMapping>,
    pub(crate) sources: Vec<Source>,
    pub(crate) aggregates: Vec<Aggregate>,
    /// The texts of sources and aggregates, once somebody asked for them.
    pub(crate) texts: OnceLock<Texts>,
}

/// Sources and aggregates as they are written, by their numbers.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) sources: Vec<String>,
    pub(crate) aggregates: Vec<String>,
}

/// An event that is declared, or named by conditions of a catalog that is not strict.
#[derive(Debug)]
pub(crate) struct EventDefinition {
    pub(crate) property_names: Names,
    pub(crate) properties: Vec<FieldDeclaration>,
}

/// A computed attribute.
#[derive(Debug)]
pub(crate) struct ComputedDefinition {
    pub(crate) value: Expr,
}

/// What the cut-points of a quantile are made of.
#[derive(Debug)]
pub(crate) struct QuantileDefinition {
    pub(crate) name: Arc<str>,
    pub(crate) value: Expr,
    /// Who is counted.
    pub(crate) of: Expr,
    pub(crate) kind: CutKind,
    pub(crate) parts: u32,
    /// By which share of the population a cut-point may be off.
    pub(crate) tolerance: f64,
}

/// A segment.
#[derive(Debug)]
pub(crate) enum SegmentDefinition {
    /// Known profiles for which the condition holds.
    Condition(Expr),
    /// Known profiles with one of these ids, sorted.
    Members(Arc<[String]>),
}

/// A personalization; offers in the order of strategy `first`: by priority, then as written.
#[derive(Debug)]
pub(crate) struct PersonalizationDefinition {
    pub(crate) on: Option<EventId>,
    pub(crate) strategy: Strategy,
    /// How many offers are shown at most.
    pub(crate) most: usize,
    /// What is returned with a decision.
    pub(crate) attributes: Vec<ReturnedAttribute>,
    pub(crate) offers: Vec<OfferDefinition>,
    pub(crate) fallback: Option<FallbackDefinition>,
    /// Who is in a holdout, and so is shown no offer.
    pub(crate) holdout: Option<Expr>,
    /// Whether it reads what the call says.
    pub(crate) reads_context: bool,
    /// Whether there are only so many of some offer, so that what others are shown may change a decision.
    pub(crate) has_stock: bool,
    /// The experiments that offers ask for, by their names.
    pub(crate) experiments: Vec<(Arc<str>, Expr)>,
}

/// Personalizations that are decided together.
#[derive(Debug)]
pub(crate) struct PlacementDefinition {
    /// In this order.
    pub(crate) personalizations: Vec<PersonalizationId>,
    /// How many offers are shown at most, of all of them.
    pub(crate) most: Option<usize>,
}

/// What is hoped for of a customer who was shown something.
#[derive(Debug)]
pub(crate) struct GoalDefinition {
    pub(crate) event: EventId,
    /// Which of these events, reading [`Expr::Property`].
    pub(crate) filter: Option<Expr>,
    /// How soon after an exposure: in `(exposure, exposure + within]`.
    pub(crate) within: Duration,
    pub(crate) value: Option<PropertyId>,
}

/// An attribute or computed attribute returned with a decision, or read by a template.
#[derive(Clone, Debug)]
pub(crate) struct ReturnedAttribute {
    pub(crate) name: Arc<str>,
    /// Its value: [`Expr::Attribute`], or the expression of a computed attribute.
    pub(crate) value: Expr,
}

/// An offer.
#[derive(Debug)]
pub(crate) struct OfferDefinition {
    pub(crate) name: Arc<str>,
    pub(crate) priority: i64,
    /// `Constant(true)` if the offer always qualifies. It has the limits in it.
    pub(crate) when: Expr,
    /// What of it is not the offer's own condition, for explanations.
    pub(crate) limits: Vec<LimitDefinition>,
    /// How often it may be shown in all; that is asked when somebody decides, and is no part of `when`.
    pub(crate) stock: Option<u64>,
    pub(crate) score: Option<Expr>,
    /// Of offers with one of these in common, one is shown at a time.
    pub(crate) groups: Vec<Arc<str>>,
    pub(crate) text: Option<Template>,
}

/// A condition that limits an offer beside its own, in the words of the catalog.
#[derive(Debug)]
pub(crate) struct LimitDefinition {
    pub(crate) kind: LimitKind,
    /// Of a cap that several offers share.
    pub(crate) name: Option<Arc<str>>,
    /// Such as `at most 2 within 1d`.
    pub(crate) text: String,
    pub(crate) condition: Expr,
}

/// What limits an offer beside its condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LimitKind {
    /// It is not offered before an instant.
    Begins,
    /// It is not offered from an instant on.
    Ends,
    /// It is not offered more often than so many times.
    Cap,
    /// There are so many of it for all customers together.
    Stock,
    /// It is not offered to who bought something.
    UnlessBought,
}

/// What is shown if no offer qualifies.
#[derive(Debug)]
pub(crate) struct FallbackDefinition {
    pub(crate) name: Arc<str>,
    pub(crate) text: Option<Template>,
}

impl OfferDefinition {
    /// How many there are left of it after what was shown, if there are only so many.
    pub(crate) fn left(&self, personalization: &str, exposures: &dyn Exposures) -> Option<u64> {
        self.stock.map(|stock| stock.saturating_sub(exposures.shown(personalization, &self.name)))
    }

    /// Whether there is something left of it.
    pub(crate) fn is_left(&self, personalization: &str, exposures: &dyn Exposures) -> bool {
        self.left(personalization, exposures) != Some(0)
    }
}

impl PersonalizationDefinition {
    /// Whether several offers may be shown.
    pub(crate) fn is_list(&self) -> bool {
        self.strategy == Strategy::All || self.most > 1
    }
}

impl Definitions {
    /// Notes which experiments the offers of each personalization ask for, be it by segments that they name.
    pub(crate) fn note_experiments(&mut self) {
        let personalizations = std::mem::take(&mut self.personalizations);
        let noted = personalizations.into_iter().map(|personalization| {
            let mut found = Asked { definitions: self, experiments: Vec::new(), segments: Vec::new() };
            for offer in &personalization.offers {
                std::iter::once(&offer.when).chain(&offer.score).for_each(|expr| found.add(expr));
            }
            let mut experiments = found.experiments;
            experiments.sort_by(|(a, _), (b, _)| a.cmp(b));
            PersonalizationDefinition { experiments, ..personalization }
        });
        self.personalizations = noted.collect();
    }

    /// The value of an attribute that was never set.
    pub(crate) fn default_of(&self, attribute: AttributeId) -> Option<&Value> {
        self.attributes[attribute.index()].default.as_ref()
    }

    /// The value of an attribute or computed attribute by its name.
    pub(crate) fn value_named(&self, name: &str) -> Option<Expr> {
        match self.attribute_names.get(name) {
            Some(number) => Some(Expr::Attribute(AttributeId(number))),
            None => {
                let number = self.computed_names.get(name)?;
                Some(self.computed[number as usize].value.clone())
            }
        }
    }

    /// The computed attribute that an expression is, if it is one and is not just another name.
    pub(crate) fn computed_named(&self, expr: &Expr) -> Option<&str> {
        if matches!(expr, Expr::Constant(_) | Expr::Now | Expr::Attribute(_) | Expr::Segment(_)) {
            return None;
        }
        let place = self.computed.iter().position(|computed| computed.value == *expr)?;
        Some(self.computed_names.name(u32::try_from(place).ok()?))
    }

    /// The type of the property that an aggregate is of.
    pub(crate) fn property_type(&self, aggregate: &Aggregate) -> Option<&Type> {
        let event = self.sources[aggregate.source.index()].event?;
        let property = aggregate.function.property()?;
        Some(&self.event(event).properties[property.index()].ty)
    }

    /// What a text reads of a call: the trigger event, or what the call says.
    pub(crate) fn map_of_call(&self, name: &str, on: Option<EventId>, call: AtCall<'_>) -> Option<Value> {
        match name {
            CONTEXT => Some(as_map(&self.context_names, call.context)),
            _ => Some(as_map(&self.event(on?).property_names, call.trigger)),
        }
    }

    /// The definition of an event.
    pub(crate) fn event(&self, event: EventId) -> &EventDefinition {
        &self.events[event.index()]
    }
}

/// The experiments that expressions ask for.
struct Asked<'a> {
    definitions: &'a Definitions,
    experiments: Vec<(Arc<str>, Expr)>,
    /// Those that were looked at.
    segments: Vec<SegmentId>,
}

impl Asked<'_> {
    fn add(&mut self, expr: &Expr) {
        if let Expr::Variant(assignment, ..) = expr
            && !assignment.is_holdout()
            && self.experiments.iter().all(|(name, _)| **name != *assignment.name())
        {
            self.experiments.push((assignment.name().into(), expr.clone()));
        }
        if let Expr::Segment(segment) = expr
            && !self.segments.contains(segment)
        {
            self.segments.push(*segment);
            if let SegmentDefinition::Condition(condition) = &self.definitions.segments[segment.index()] {
                self.add(condition);
            }
        }
        expr.for_each_part(&mut |part| self.add(part));
    }
}
