//! A catalog compiled: what it means, what to keep for it, and the graph that keeps it true.

use std::fmt::Write as _;

use crate::base::frozen_hash::hash64;
use crate::derived::graph::{Graph, Literal};
use crate::derived::graph_builder::build;
use crate::derived::view::Compiled;
use crate::facts::plan::{Keeping, Plan};
use crate::model::ids::{EventId, PersonalizationId};
use crate::rules::at_call::split;
use crate::rules::definitions::Definitions;
use crate::rules::expression::{Expr, Function};

/// The version of the layout of images.
const IMAGES: &str = "images 3";

/// A condition as it is decided: by what is kept of the profile, and by what only a call knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Condition<'a> {
    pub(crate) of_profile: Literal,
    pub(crate) at_call: Option<&'a Expr>,
}

/// A compiled catalog. It never changes; a new catalog is a new program with a greater revision.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) revision: u64,
    /// Tells whose image a cell's is: a hash of the revision, and of all that gives the parts of a cell
    /// their numbers.
    pub(crate) fingerprint: u64,
    /// A hash of all that decides what is known of a customer by the same messages.
    facts: u64,
    pub(crate) definitions: Definitions,
    pub(crate) plan: Plan,
    pub(crate) graph: Graph,
    /// Of each personalization, the place of its first offer among the graph's conditions; what withholds its
    /// offers follows after them.
    first_condition: Vec<usize>,
    /// Of each of those conditions, what is evaluated at a call.
    at_call: Vec<Option<Expr>>,
    /// Events that trigger a personalization.
    triggers: Vec<bool>,
}

impl Program {
    /// Compiles checked definitions.
    pub(crate) fn new(definitions: Definitions, revision: u64) -> Program {
        let plan = Plan::new(&definitions);
        let mut first_condition = Vec::with_capacity(definitions.personalizations.len());
        let (mut conditions, mut at_call) = (Vec::new(), Vec::new());
        let mut triggers = vec![false; definitions.events.len()];
        for personalization in &definitions.personalizations {
            first_condition.push(conditions.len());
            let offers = personalization.offers.iter().map(|offer| &offer.when);
            for (of_profile, rest) in offers.chain(&personalization.holdout).map(split) {
                conditions.push(of_profile);
                at_call.push(rest);
            }
            if let Some(event) = personalization.on {
                triggers[event.index()] = true;
            }
        }
        let graph = build(&definitions, &plan, conditions.iter());
        let fingerprint = fingerprint(revision, &definitions, &plan, &graph);
        let facts = facts(&definitions, &plan, &triggers);
        Program { revision, fingerprint, facts, plan, graph, first_condition, at_call, triggers, definitions }
    }

    /// Whether what another program knows of a customer is all that this one has to know to conclude what it
    /// would from the messages: it knows the same by the same numbers, asks nothing of the past, and compares no
    /// messages of long ago.
    pub(crate) fn concludes_from_facts_of(&self, other: &Program) -> bool {
        self.facts == other.facts && !self.has_held() && !self.compares_old_messages()
    }

    /// What expressions are evaluated with.
    pub(crate) fn compiled(&self) -> Compiled<'_> {
        Compiled { definitions: &self.definitions, plan: &self.plan, graph: &self.graph }
    }

    /// An offer's condition.
    pub(crate) fn offer_condition(&self, personalization: PersonalizationId, offer: usize) -> Condition<'_> {
        let place = self.first_condition[personalization.index()] + offer;
        Condition { of_profile: self.graph.conditions[place], at_call: self.at_call[place].as_ref() }
    }

    /// What withholds a personalization's offers, if there is a holdout.
    pub(crate) fn holdout_condition(&self, personalization: PersonalizationId) -> Option<Condition<'_>> {
        let definition = &self.definitions.personalizations[personalization.index()];
        definition.holdout.as_ref()?;
        Some(self.offer_condition(personalization, definition.offers.len()))
    }

    /// Whether an event triggers a personalization.
    pub(crate) fn is_trigger(&self, event: EventId) -> bool {
        self.triggers[event.index()]
    }

    /// Whether reading some aggregate may compare messages of long ago: of values seen equally often,
    /// `top` over all events takes the one seen last.
    pub(crate) fn compares_old_messages(&self) -> bool {
        let aggregates = self.definitions.aggregates.iter().zip(&self.plan.aggregates);
        let mut aggregates = aggregates.map(|(aggregate, plan)| (&aggregate.function, plan.keeping));
        aggregates.any(|kept| matches!(kept, (Function::Top(_), Keeping::Accumulated { .. })))
    }

    /// Whether some condition asks how long another has been true, so that the past has to be exact.
    pub(crate) fn has_held(&self) -> bool {
        !self.graph.held.is_empty()
    }
}

/// A hash of the layout of images, a revision and all that gives the parts of a cell their numbers. It is
/// taken from the tables themselves, so it also tells two versions of this library apart that number
/// differently.
fn fingerprint(revision: u64, definitions: &Definitions, plan: &Plan, graph: &Graph) -> u64 {
    let mut text = String::new();
    let mut add = |part: &dyn std::fmt::Debug| {
        // Writing to a string does not fail.
        let _ = write!(text, "{part:?};");
    };
    add(&(IMAGES, revision));
    for (name, declaration) in definitions.attribute_names.iter().zip(&definitions.attributes) {
        add(&(name, &declaration.ty));
    }
    for (name, event) in definitions.event_names.iter().zip(&definitions.events) {
        let types: Vec<_> = event.properties.iter().map(|property| &property.ty).collect();
        add(&(name, event.property_names.iter().collect::<Vec<_>>(), types));
    }
    if !definitions.purposes.is_empty() {
        add(&definitions.purposes.identity());
    }
    add(&definitions.sources);
    add(&definitions.aggregates);
    add(&plan.sources);
    add(&plan.aggregates);
    for subject in &graph.subjects {
        let values = subject.equal.iter().map(|entry| format!("{entry:?}"));
        let elements = subject.elements.iter().map(|entry| format!("in {entry:?}"));
        let mut equal: Vec<_> = values.chain(elements).collect();
        equal.sort();
        add(&(&subject.expr, subject.probe, subject.first, &subject.lower, &subject.upper, equal));
    }
    add(&(graph.nodes, &graph.kinds, &graph.blocks, &graph.held, &graph.rest));
    add(&(&graph.segments, &graph.listed));
    hash64(text.as_bytes())
}

/// A hash of all that decides what is known of a customer: what messages say, what of it is kept, and by which
/// numbers. Not in it is all that is concluded from that, nor lists, whose members are no facts.
fn facts(definitions: &Definitions, plan: &Plan, triggers: &[bool]) -> u64 {
    let mut text = String::new();
    let mut add = |part: &dyn std::fmt::Debug| {
        // Writing to a string does not fail.
        let _ = write!(text, "{part:?};");
    };
    let Definitions { strict, entries_per_aggregate, reads_ids, .. } = definitions;
    add(&(strict, entries_per_aggregate, reads_ids, triggers));
    add(&(definitions.attribute_names.iter().collect::<Vec<_>>(), &definitions.attributes));
    for (name, event) in definitions.event_names.iter().zip(&definitions.events) {
        add(&(name, event.property_names.iter().collect::<Vec<_>>(), &event.properties));
    }
    add(&definitions.purposes.identity());
    add(&(&definitions.sources, &definitions.aggregates));
    add(&(&plan.sources, &plan.aggregates));
    hash64(text.as_bytes())
}
