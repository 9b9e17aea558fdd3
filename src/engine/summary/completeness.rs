//! Since when an answer is complete.
//!
//! A summary says what the aggregates of its own catalog have made of the messages it stands for. What another
//! catalog asks beyond that is answered from the messages that are left: such an aggregate lacks what was
//! before. A window lacks nothing any more once it has moved past that.

use std::cell::RefCell;

use ahash::AHashMap;

use crate::base::time::Time;
use crate::engine::program::Program;
use crate::facts::plan::{Keeping, Plan};
use crate::model::ids::{AggregateId, SegmentId};
use crate::rules::definitions::{Definitions, PersonalizationDefinition, SegmentDefinition};
use crate::rules::expression::Expr;
use crate::rules::horizon::Horizon;

/// What of a customer's past the aggregates of a catalog lack.
#[derive(Debug)]
pub(crate) struct Completeness<'a> {
    definitions: &'a Definitions,
    plan: &'a Plan,
    /// Aggregates that lack what was up to a time.
    lacking: &'a [(AggregateId, Time)],
    now: Time,
    /// What segments lack that were looked at already: many may name one.
    segments: RefCell<AHashMap<SegmentId, Option<Time>>>,
}

impl<'a> Completeness<'a> {
    /// What aggregates of a program lack of a customer's past at `now`.
    pub(crate) fn of_customer(
        program: &'a Program,
        lacking: &'a [(AggregateId, Time)],
        now: Time,
    ) -> Completeness<'a> {
        let Program { definitions, plan, .. } = program;
        Completeness { definitions, plan, lacking, now, segments: RefCell::default() }
    }

    /// After which time the value of an expression counts everything, if it does not count all there was.
    pub(crate) fn of(&self, expr: &Expr) -> Option<Time> {
        if self.lacking.is_empty() {
            return None;
        }
        let mut since = match expr {
            Expr::Aggregate(id) => self.of_aggregate(*id),
            Expr::Segment(id) => self.of_segment(*id),
            _ => None,
        };
        expr.for_each_part(&mut |part| since = since.max(self.of(part)));
        since
    }

    /// The same of a decision.
    pub(crate) fn of_decision(&self, personalization: &PersonalizationDefinition) -> Option<Time> {
        let offers = personalization.offers.iter();
        let of_offers = offers.flat_map(|offer| std::iter::once(&offer.when).chain(&offer.score));
        let of_values = personalization.attributes.iter().map(|attribute| &attribute.value);
        of_offers.chain(of_values).filter_map(|expr| self.of(expr)).max()
    }

    /// When one that lacks something now will lack it no more, at the earliest.
    pub(crate) fn next_change(&self) -> Time {
        let of_window = |(id, until): &(AggregateId, Time)| match self.horizon(*id) {
            Some(Horizon::Within(window)) => Some(*until + window).filter(|at| *at > self.now),
            _ => None,
        };
        self.lacking.iter().filter_map(of_window).min().unwrap_or(Time::NEVER)
    }

    fn of_segment(&self, id: SegmentId) -> Option<Time> {
        if let Some(since) = self.segments.borrow().get(&id) {
            return *since;
        }
        let since = match &self.definitions.segments[id.index()] {
            SegmentDefinition::Condition(condition) => self.of(condition),
            SegmentDefinition::Members(_) => None,
        };
        self.segments.borrow_mut().insert(id, since);
        since
    }

    fn of_aggregate(&self, id: AggregateId) -> Option<Time> {
        let place = self.lacking.binary_search_by_key(&id, |(lacking, _)| *lacking).ok()?;
        let until = self.lacking[place].1;
        match self.horizon(id) {
            Some(Horizon::Within(window)) if self.now >= until + window => None,
            _ => Some(until),
        }
    }

    /// How far back a logged aggregate looks.
    fn horizon(&self, id: AggregateId) -> Option<Horizon> {
        match self.plan.aggregates[id.index()].keeping {
            Keeping::Logged { .. } => Some(self.definitions.aggregates[id.index()].horizon()),
            Keeping::Accumulated { .. } | Keeping::LastEvent => None,
        }
    }
}
