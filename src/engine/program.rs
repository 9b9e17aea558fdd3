//! A catalog compiled: what it means, what to keep for it, and the graph that keeps it true.

use crate::derived::graph::{Graph, Literal};
use crate::derived::graph_builder::build;
use crate::derived::view::Compiled;
use crate::facts::plan::Plan;
use crate::model::ids::{EventId, PersonalizationId};
use crate::rules::definitions::Definitions;
use crate::rules::expression::Expr;

/// A compiled catalog. It never changes; a new catalog is a new program with a greater revision.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) revision: u64,
    pub(crate) definitions: Definitions,
    pub(crate) plan: Plan,
    pub(crate) graph: Graph,
    /// Of each personalization, the place of its first offer among the graph's conditions.
    first_condition: Vec<usize>,
    /// Events that trigger a personalization.
    triggers: Vec<bool>,
}

impl Program {
    /// Compiles checked definitions.
    pub(crate) fn new(definitions: Definitions, revision: u64) -> Program {
        let plan = Plan::new(&definitions);
        let mut first_condition = Vec::with_capacity(definitions.personalizations.len());
        let mut conditions: Vec<&Expr> = Vec::new();
        let mut triggers = vec![false; definitions.events.len()];
        for personalization in &definitions.personalizations {
            first_condition.push(conditions.len());
            conditions.extend(personalization.offers.iter().map(|offer| &offer.when));
            if let Some(event) = personalization.on {
                triggers[event.index()] = true;
            }
        }
        let graph = build(&definitions, &plan, conditions.into_iter());
        Program { revision, plan, graph, first_condition, triggers, definitions }
    }

    /// What expressions are evaluated with.
    pub(crate) fn compiled(&self) -> Compiled<'_> {
        Compiled { definitions: &self.definitions, plan: &self.plan, graph: &self.graph }
    }

    /// The literal of an offer's condition, unless that reads the trigger event.
    pub(crate) fn offer_condition(
        &self,
        personalization: PersonalizationId,
        offer: usize,
    ) -> Option<Literal> {
        self.graph.conditions[self.first_condition[personalization.index()] + offer]
    }

    /// Whether an event triggers a personalization.
    pub(crate) fn is_trigger(&self, event: EventId) -> bool {
        self.triggers[event.index()]
    }

    /// Whether some condition asks how long another has been true, so that the past has to be exact.
    pub(crate) fn has_held(&self) -> bool {
        !self.graph.held.is_empty()
    }
}
