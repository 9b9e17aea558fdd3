//! One customer at one instant, as expressions read it.

use crate::base::time::{Duration, Time};
use crate::derived::graph::Graph;
use crate::derived::truths::Truths;
use crate::facts::aggregate::AggregateReader;
use crate::facts::customer::Customer;
use crate::facts::plan::Plan;
use crate::facts::stamp::MessageOrder;
use crate::model::ids::{AggregateId, AttributeId, PropertyId, SegmentId};
use crate::model::value::Value;
use crate::rules::definitions::Definitions;
use crate::rules::evaluate::{Facts, Reading};
use crate::rules::expression::Expr;

/// The compiled catalog as far as answers need it.
#[derive(Clone, Copy)]
pub(crate) struct Compiled<'a> {
    pub(crate) definitions: &'a Definitions,
    pub(crate) plan: &'a Plan,
    pub(crate) graph: &'a Graph,
}

/// The view.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) compiled: Compiled<'a>,
    pub(crate) customer: &'a Customer,
    /// What is true of the customer; nothing of one who is unknown.
    pub(crate) truths: Option<&'a Truths>,
    pub(crate) order: &'a dyn MessageOrder,
    pub(crate) now: Time,
    /// The properties of the trigger event, where there is one.
    pub(crate) trigger: &'a [Option<Value>],
}

impl Facts for View<'_> {
    fn now(&self) -> Time {
        self.now
    }

    fn attribute(&self, attribute: AttributeId) -> Option<Value> {
        self.customer.attributes.get(attribute).cloned()
    }

    fn default_of(&self, attribute: AttributeId) -> Option<Value> {
        self.compiled.definitions.default_of(attribute).cloned()
    }

    /// Only filters read properties, and they are asked before an event is taken.
    fn property(&self, _property: PropertyId) -> Option<Value> {
        None
    }

    fn trigger(&self, property: PropertyId) -> Option<Value> {
        self.trigger.get(property.index()).cloned().flatten()
    }

    /// Truths of nodes stand until the customer's own deadline, which is kept elsewhere.
    fn segment(&self, segment: SegmentId) -> Reading {
        let literal = self.compiled.graph.segments[segment.index()];
        Reading::truth(self.truths.is_some_and(|truths| truths.get(literal)), Time::NEVER)
    }

    fn aggregate(&self, aggregate: AggregateId) -> Reading {
        let Compiled { definitions, plan, .. } = self.compiled;
        AggregateReader { definitions, plan, customer: self.customer, order: self.order }
            .read(aggregate, self)
    }

    fn held(&self, condition: &Expr, duration: Duration) -> Reading {
        let graph = self.compiled.graph;
        let truth = self.truths.is_some_and(|truths| {
            // Hashing the condition is no cost of the hot path: `held` outside a comparison is a gate.
            let literal = graph.held_by_condition.get(&(condition.clone(), duration));
            literal.is_some_and(|literal| truths.get(*literal))
        });
        Reading::truth(truth, Time::NEVER)
    }
}
