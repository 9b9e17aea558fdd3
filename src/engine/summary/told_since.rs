//! Since when the past of a membership can be told.
//!
//! A summary knows what aggregates had made of the messages it stands for when it was made, and not how they
//! came there. So of a segment that reads events nothing is told up to the last message of a summary; with a
//! window, up to when the window has moved past what is gone; and where `held` asks about the past, for as much
//! longer. Attributes, consents and lists are in no summary: their past is whole.

use std::cell::RefCell;

use ahash::AHashMap;

use crate::base::time::Time;
use crate::model::ids::{AggregateId, SegmentId};
use crate::rules::definitions::{Definitions, SegmentDefinition};
use crate::rules::expression::Expr;
use crate::rules::horizon::Horizon;

/// What of a customer's past is gone.
#[derive(Debug)]
pub(crate) struct Gone<'a> {
    definitions: &'a Definitions,
    /// The last message that a summary stands for.
    until: Time,
    /// Aggregates that lack what was up to a time.
    lacking: &'a [(AggregateId, Time)],
    /// Of segments that were looked at already: many may name one.
    segments: RefCell<AHashMap<SegmentId, Option<Time>>>,
}

impl<'a> Gone<'a> {
    /// What is gone of a customer's past up to the last message that a summary stands for.
    pub(crate) fn new(
        definitions: &'a Definitions,
        until: Time,
        lacking: &'a [(AggregateId, Time)],
    ) -> Gone<'a> {
        Gone { definitions, until, lacking, segments: RefCell::default() }
    }

    /// After which time memberships of a segment can be told; nothing if they always can.
    pub(crate) fn told_since(&self, segment: SegmentId) -> Option<Time> {
        if let Some(since) = self.segments.borrow().get(&segment) {
            return *since;
        }
        let since = match &self.definitions.segments[segment.index()] {
            SegmentDefinition::Condition(condition) => self.of(condition),
            SegmentDefinition::Members(_) => None,
        };
        self.segments.borrow_mut().insert(segment, since);
        since
    }

    fn of(&self, expr: &Expr) -> Option<Time> {
        let mut since = match expr {
            Expr::Aggregate(id) => Some(self.of_aggregate(*id)),
            Expr::Segment(id) => self.told_since(*id),
            _ => None,
        };
        expr.for_each_part(&mut |part| since = since.max(self.of(part)));
        match expr {
            Expr::Held(_, duration) => since.map(|since| since + *duration),
            _ => since,
        }
    }

    fn of_aggregate(&self, id: AggregateId) -> Time {
        let lacking = self.lacking.iter().find(|(lacking, _)| *lacking == id);
        let moved_past =
            lacking.and_then(|(_, until)| match self.definitions.aggregates[id.index()].horizon() {
                Horizon::Within(window) => Some(*until + window),
                Horizon::Nothing | Horizon::Everything => None,
            });
        moved_past.map_or(self.until, |moved_past| moved_past.max(self.until))
    }
}
