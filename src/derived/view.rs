//! One customer at one instant, as expressions read it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::base::time::{Duration, Time};
use crate::derived::graph::{Graph, Literal};
use crate::derived::truths::Truths;
use crate::facts::aggregate::AggregateReader;
use crate::facts::customer::{Customer, Sources};
use crate::facts::plan::Plan;
use crate::facts::source_state::SourceState;
use crate::facts::stamp::MessageOrder;
use crate::model::ids::{AggregateId, AttributeId, PropertyId, SegmentId, SourceId};
use crate::model::value::Value;
use crate::rules::at_call::AtCall;
use crate::rules::definitions::{Definitions, SegmentDefinition};
use crate::rules::evaluate::{Facts, Reading, evaluate};
use crate::rules::expression::{Affinity, Expr, ItemsAsked, UnitKind};

/// The compiled catalog as far as answers need it.
#[derive(Clone, Copy)]
pub(crate) struct Compiled<'a> {
    pub(crate) definitions: &'a Definitions,
    pub(crate) plan: &'a Plan,
    pub(crate) graph: &'a Graph,
}

/// What is known and concluded of one customer, in memory or archived.
pub(crate) trait Known: Sources {
    /// The value of an attribute, without its default.
    fn attribute(&self, attribute: AttributeId) -> Option<Value>;

    /// An id of the customer, if the program reads any.
    fn unit(&self, kind: UnitKind) -> Option<Arc<str>>;

    /// Whether a literal is true; nothing is, of one who is unknown.
    fn truth(&self, literal: Literal) -> Option<bool>;
}

/// A customer in memory.
#[derive(Clone, Copy)]
pub(crate) struct Live<'a> {
    pub(crate) customer: &'a Customer,
    /// What is true of the customer; nothing of one who is unknown.
    pub(crate) truths: Option<&'a Truths>,
}

/// The view.
#[derive(Clone, Copy)]
pub(crate) struct View<'a, K = Live<'a>> {
    pub(crate) compiled: Compiled<'a>,
    pub(crate) known: K,
    pub(crate) order: &'a dyn MessageOrder,
    pub(crate) now: Time,
    /// What the call brings with it.
    pub(crate) call: AtCall<'a>,
}

impl Sources for Live<'_> {
    fn source(&self, source: SourceId) -> Option<Cow<'_, SourceState>> {
        self.customer.source(source)
    }
}

impl Known for Live<'_> {
    fn attribute(&self, attribute: AttributeId) -> Option<Value> {
        self.customer.attributes.get(attribute)
    }

    fn unit(&self, kind: UnitKind) -> Option<Arc<str>> {
        self.customer.units()?.get(kind)
    }

    fn truth(&self, literal: Literal) -> Option<bool> {
        self.truths.map(|truths| truths.get(literal))
    }
}

impl<K: Known> Facts for View<'_, K> {
    fn now(&self) -> Time {
        self.now
    }

    fn attribute(&self, attribute: AttributeId) -> Option<Value> {
        self.known.attribute(attribute)
    }

    fn default_of(&self, attribute: AttributeId) -> Option<Value> {
        self.compiled.definitions.default_of(attribute).cloned()
    }

    fn unit(&self, kind: UnitKind) -> Option<Value> {
        self.known.unit(kind).map(Value::String)
    }

    /// Only filters read properties, and they are asked before an event is taken.
    fn property(&self, _property: PropertyId) -> Option<Value> {
        None
    }

    fn trigger(&self, property: PropertyId) -> Option<Value> {
        self.call.trigger(property)
    }

    fn context(&self, said: PropertyId) -> Option<Value> {
        self.call.context(said)
    }

    fn given_variant(&self, experiment: &str) -> Option<Value> {
        self.call.variant(experiment)
    }

    /// Truths of nodes stand until the customer's own deadline, which is kept elsewhere.
    fn segment(&self, segment: SegmentId) -> Reading {
        let literal = self.compiled.graph.segments[segment.index()];
        // What is kept up to date knows nothing of the variants that a call gives.
        if !self.call.variants.is_empty()
            && self.known.truth(literal).is_some()
            && let SegmentDefinition::Condition(condition) =
                &self.compiled.definitions.segments[segment.index()]
        {
            return evaluate(condition, self);
        }
        Reading::truth(self.known.truth(literal) == Some(true), Time::NEVER)
    }

    fn aggregate(&self, aggregate: AggregateId) -> Reading {
        let Compiled { definitions, plan, .. } = self.compiled;
        AggregateReader { definitions, plan, sources: &self.known, order: self.order }.read(aggregate, self)
    }

    fn affinity(&self, affinity: &Affinity, asked: ItemsAsked<'_>) -> Value {
        let Compiled { definitions, plan, .. } = self.compiled;
        let reader = AggregateReader { definitions, plan, sources: &self.known, order: self.order };
        reader.affinity(affinity, asked, self.now)
    }

    fn held(&self, condition: &Expr, duration: Duration) -> Reading {
        let graph = self.compiled.graph;
        // Hashing the condition is no cost of the hot path: `held` outside a comparison is a gate.
        let literal = graph.held_by_condition.get(&(condition.clone(), duration));
        let truth = literal.and_then(|literal| self.known.truth(*literal));
        Reading::truth(truth == Some(true), Time::NEVER)
    }
}
