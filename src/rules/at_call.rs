//! What is known only when a decision is asked for: the trigger event, what the call says of where and how it
//! asks, and the variants that it asks for.
//!
//! A condition that reads any of it is taken apart ([`split`]): what the profile alone decides is kept up to
//! date like all else, and only the rest is evaluated at the call.

use std::sync::Arc;

use crate::base::names::Names;
use crate::model::ids::PropertyId;
use crate::model::value::Value;
use crate::rules::canonical;
use crate::rules::definitions::{OfferDefinition, PersonalizationDefinition};
use crate::rules::expression::Expr;

/// What conditions and texts call what a call says.
pub(crate) const CONTEXT: &str = "context";

/// What a call brings with it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AtCall<'a> {
    /// The properties of the trigger event.
    pub(crate) trigger: &'a [Option<Value>],
    /// What the call says, in the order of the catalog's context.
    pub(crate) context: &'a [Option<Value>],
    /// The variants that are given whoever asks, by their experiments.
    pub(crate) variants: &'a [(Arc<str>, Arc<str>)],
}

impl<'a> AtCall<'a> {
    /// Nothing but a trigger event.
    pub(crate) fn triggered(trigger: &'a [Option<Value>]) -> AtCall<'a> {
        AtCall { trigger, ..AtCall::default() }
    }

    /// Whether the call says nothing of itself.
    pub(crate) fn is_silent(&self) -> bool {
        self.context.is_empty() && self.variants.is_empty()
    }

    /// A property of the trigger event.
    pub(crate) fn trigger(&self, property: PropertyId) -> Option<Value> {
        self.trigger.get(property.index()).cloned().flatten()
    }

    /// Something that the call says.
    pub(crate) fn context(&self, said: PropertyId) -> Option<Value> {
        self.context.get(said.index()).cloned().flatten()
    }

    /// The variant that the call gives by an experiment.
    pub(crate) fn variant(&self, experiment: &str) -> Option<Value> {
        let given = self.variants.iter().find(|(name, _)| **name == *experiment)?;
        Some(Value::String(Arc::clone(&given.1)))
    }
}

/// What a call has shown already, and so does not show again.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlreadyShown {
    offers: Vec<Arc<str>>,
    /// Of offers that exclude each other, what they have in common.
    groups: Vec<Arc<str>>,
    /// How many more offers may be shown, if there is a bound.
    room: Option<usize>,
}

impl AlreadyShown {
    /// Nothing yet, of at most so many.
    pub(crate) fn nothing_of(most: Option<usize>) -> AlreadyShown {
        AlreadyShown { room: most, ..AlreadyShown::default() }
    }

    /// Whether whatever qualifies may be shown.
    pub(crate) fn is_nothing(&self) -> bool {
        self.offers.is_empty() && self.room.is_none()
    }

    /// Whether an offer may be shown beside what is.
    pub(crate) fn allows(&self, offer: &OfferDefinition) -> bool {
        self.room != Some(0)
            && !self.offers.contains(&offer.name)
            && offer.groups.iter().all(|group| !self.groups.contains(group))
    }

    /// Shows an offer.
    pub(crate) fn add(&mut self, offer: &OfferDefinition) {
        self.offers.push(Arc::clone(&offer.name));
        self.groups.extend(offer.groups.iter().cloned());
        self.room = self.room.map(|room| room.saturating_sub(1));
    }
}

/// Of offers that qualify, best first, those that are shown: as many as a personalization has room for, none
/// beside one that excludes it.
pub(crate) fn shown_of<'d>(
    definition: &PersonalizationDefinition,
    qualified: impl Iterator<Item = &'d OfferDefinition>,
    already: &AlreadyShown,
) -> Vec<&'d OfferDefinition> {
    let mut already = already.clone();
    let shown = qualified.filter(|offer| {
        let is_allowed = already.allows(offer);
        if is_allowed {
            already.add(offer);
        }
        is_allowed
    });
    shown.take(definition.most).collect()
}

/// Named values as a map, as texts read them: `{{ event.x }}`, `{{ context.x }}`.
pub(crate) fn as_map(names: &Names, values: &[Option<Value>]) -> Value {
    let present = names.iter().zip(values);
    let mut entries: Vec<(Arc<str>, Value)> =
        present.filter_map(|(name, value)| Some((Arc::from(name), value.clone()?))).collect();
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    Value::Map(entries.into())
}

/// A condition as two that both have to hold: one on the profile alone, and the rest, if there is any.
pub(crate) fn split(condition: &Expr) -> (Expr, Option<Expr>) {
    let parts = match condition {
        Expr::And(parts) => parts.as_slice(),
        _ => std::slice::from_ref(condition),
    };
    let (at_call, of_profile): (Vec<Expr>, Vec<Expr>) = parts.iter().cloned().partition(is_at_call);
    let at_call = (!at_call.is_empty()).then(|| canonical::all(at_call));
    (canonical::all(of_profile), at_call)
}

/// Whether an expression reads what only a call knows.
pub(crate) fn is_at_call(expr: &Expr) -> bool {
    expr.contains(&|part| matches!(part, Expr::Trigger(_) | Expr::Context(_)))
}

/// Whether an expression reads what the call says of where and how it asks.
pub(crate) fn reads_context(expr: &Expr) -> bool {
    expr.contains(&|part| matches!(part, Expr::Context(_)))
}
